"""Our reader of ``.npmrc`` against npm's own: the same lines give the same values."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vxsec.formats.npmrc import parse_npmrc

if TYPE_CHECKING:
    from support.node_tools import NodeTools

pytestmark = pytest.mark.node

ENVIRONMENT = {"TOKEN": "s3cret", "EMPTY": ""}
PROGRAM = """
const ini = require(process.argv[1] + '/node_modules/ini')
const replace = require(process.argv[1] + '/node_modules/@npmcli/config/lib/env-replace.js')
const env = { TOKEN: 's3cret', EMPTY: '' }
const one = v => typeof v === 'string' ? replace(v, env) : v
const texts = JSON.parse(require('node:fs').readFileSync(0, 'utf8'))
console.log(JSON.stringify(texts.map(text => {
  const out = []
  for (const [key, value] of Object.entries(ini.parse(text))) {
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) continue
    out.push([one(key), Array.isArray(value) ? value.map(v => String(one(v))) : one(value)])
  }
  return out
})))
"""
WORDS = [
    "a",
    "b",
    "=",
    "=",
    ";",
    "#",
    "'",
    '"',
    "\\",
    " ",
    "[]",
    "${TOKEN}",
    "${EMPTY}",
    "${X?}",
    "${",
    "}",
    "true",
    "null",
]
LINE = st.lists(st.sampled_from(WORDS), max_size=8).map("".join)


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.lists(LINE, max_size=4).map("\n".join), min_size=300, max_size=300))
def test_npm_reads_the_same_values(texts: list[str], node_tools: NodeTools) -> None:
    npm = Path(node_tools.npm[-1]).parents[1]
    done = subprocess.run(
        [*node_tools.node, "-e", PROGRAM, str(npm)], input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    for text, theirs in zip(texts, json.loads(done.stdout), strict=True):
        ours = parse_npmrc(text, where="user", expand=ENVIRONMENT.get).values
        expected = {key: value for key, value in theirs if "__proto__" not in key}
        assert {key: list(value) if isinstance(value, tuple) else value for key, value in ours.items()} == expected, (
            text
        )

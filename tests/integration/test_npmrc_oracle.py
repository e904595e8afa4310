"""Our reader of ``.npmrc`` against npm's own: the same lines give the same values."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

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
CASES = 20_000


def test_npm_reads_the_same_values(node_tools: NodeTools) -> None:
    chance = random.Random(20261101)  # noqa: S311 - test data
    texts = ["".join(chance.choices(WORDS, k=chance.randint(1, 12))) for _ in range(CASES)]
    npm = Path(node_tools.npm[-1]).parents[1]
    done = subprocess.run(
        [*node_tools.node, "-e", PROGRAM, str(npm)], input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    different = []
    for text, pairs in zip(texts, json.loads(done.stdout), strict=True):
        read = parse_npmrc(text, where="user", expand=ENVIRONMENT.get).values
        ours = {key: list(value) if isinstance(value, tuple) else value for key, value in read.items()}
        quoted_list = "'[]" in text.replace(" ", "")  # npm reads the JSON inside the quotes; no file holds that
        if ours != dict(pairs) and not quoted_list:
            different.append((text, ours, pairs))
    assert different == []

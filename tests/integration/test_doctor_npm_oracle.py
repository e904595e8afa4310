"""Our table of npm's settings against npm itself: the definitions it ships, and what it says about a file."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vxsec.formats.npmrc_keys import (
    DEPRECATED_KEYS,
    FOREIGN_KEYS,
    HISTORIC_KEYS,
    KNOWN_KEYS,
    NEW_IN_12,
    REGISTRY_KEYS,
    REMOVED_IN_12,
    KeyState,
    judge_key,
)

if TYPE_CHECKING:
    from support.node_tools import NodeTools

pytestmark = pytest.mark.node

PROGRAM = """
const { definitions, nerfDarts } = require(process.argv[1] + '/node_modules/@npmcli/config/lib/definitions')
const deprecated = Object.keys(definitions).filter(key => definitions[key].deprecated)
const version = require(process.argv[1] + '/package.json').version
console.log(JSON.stringify({ keys: Object.keys(definitions), nerfDarts, deprecated, version }))
"""


def test_the_table_is_what_npm_defines(node_tools: NodeTools) -> None:
    npm = Path(node_tools.npm[-1]).parents[1]
    done = subprocess.run([*node_tools.node, "-e", PROGRAM, str(npm)], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    newer = int(found["version"].partition(".")[0]) >= 12
    expected = KNOWN_KEYS - (REMOVED_IN_12 if newer else NEW_IN_12)
    assert set(found["keys"]) - expected == set(), "npm has learnt keys: add them to formats/npmrc_keys.py"
    assert expected - set(found["keys"]) == set(), "npm has dropped keys"
    assert set(found["nerfDarts"]) == REGISTRY_KEYS
    assert set(found["deprecated"]) == set(DEPRECATED_KEYS) - (REMOVED_IN_12 if newer else set())


PROBES = [
    "registry",
    "@acme:registry",
    "@acme:regsitry",
    "//registry.example.test/:_authtoken",
    "//registry.example.test/:email",
    "//registry.example.test/:always-auth",
    "strict_ssl",
    "electron_mirror",
    "local-prefix",
    *HISTORIC_KEYS,
    *FOREIGN_KEYS,
]


def test_npm_warns_about_exactly_the_keys_we_call_unknown(node_tools: NodeTools, tmp_path: Path) -> None:
    environment = node_tools.environment(tmp_path / "home")
    (tmp_path / "package.json").write_text('{"name":"x","version":"1.0.0"}', encoding="utf-8")
    (tmp_path / ".npmrc").write_text("".join(f"{key}=http://127.0.0.1:9/\n" for key in PROBES), encoding="utf-8")
    done = node_tools.run_npm("ls", cwd=tmp_path, environment=environment)
    told = re.findall(r'Unknown project config "([^"]*)"(?: \(([^)]*)\))?', done.stderr)
    states = {KeyState.UNKNOWN, KeyState.HISTORIC, KeyState.FOREIGN}
    assert {full or base for base, full in told} == {key for key in PROBES if judge_key(key).state in states}


@pytest.mark.parametrize("key", ["_authToken", "_authtoken", "-authtoken", "_auth", "username", "_password"])
def test_npm_refuses_a_credential_without_a_registry(node_tools: NodeTools, tmp_path: Path, key: str) -> None:
    environment = node_tools.environment(tmp_path / "home")
    (tmp_path / "package.json").write_text('{"name":"x","version":"1.0.0"}', encoding="utf-8")
    (tmp_path / ".npmrc").write_text(f"{key}=x\n", encoding="utf-8")
    done = node_tools.run_npm("ls", cwd=tmp_path, environment=environment)
    assert done.returncode != 0
    assert "ERR_INVALID_AUTH" in done.stderr
    assert judge_key(key).state is KeyState.UNSCOPED

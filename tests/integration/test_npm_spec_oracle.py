"""What we take for a registry's range against the package that npm itself uses: nothing else than a registry's may pass."""

from __future__ import annotations

import itertools
import json
import random
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vxsec.formats.npm_spec import SpecKind, spec_kind

if TYPE_CHECKING:
    from support.node_tools import NodeTools

pytestmark = pytest.mark.node

PROGRAM = """
const npa = require(process.argv[1] + '/node_modules/npm-package-arg')
const texts = JSON.parse(require('node:fs').readFileSync(0, 'utf8'))
console.log(JSON.stringify(texts.map(text => {
  try { return npa.resolve('b', text, '/x').type } catch { return null }
})))
"""
SCHEMES = [
    "http", "https", "HTTPS", "git", "GIT", "git+ssh", "git+https", "Git+http", "git+file", "git+rsync", "git+ftp", "ssh", "ftp",
    "file", "FILE", "npm", "nPm", "github", "GitHub", "gist", "gitlab", "bitbucket", "sourcehut", "workspace", "a", "C", "x1",
    "git+git", "", "link", "data",
]  # fmt: skip
AFTER = [":", ":/", "://", ":\\\\", ":\\", ":///", " ://"]
REST = [
    "127.0.0.1:8123", "evil.example.test", "evil.example.test/p", "evil\\p", "a/b", "../b", "b@1", "b@npm:c", "user:pw@h:p", "",
    "@a/b", "a/b#semver:^1",
]  # fmt: skip
ALONE = [
    ".", "..", ".x", "..\\x", "C:\\x", "a:b", "~", "~/x", "~\\x", "~x", "/", "//x", "\\x", "x.tgz", "1.0.0-x.tgz", "1.0.0.TAR",
    "x.tar.gz", "x.tar", ".tgz", "a/b", "A/b", "a/b/c", "@a/b", "a\\b", "x@y:z", "git@h.test:a/b.git", "user@h.test:p", "::", "@",
    "a@b", "a/@b", "=a/b", "v1/x", "#x", "a%2Fb", "%61/b", "\ufeffa/b", "\u00a0a/b", "a\u2215b", "1.x || a/b", "1.0.0 git+https://x",
    "\nhttp://x", "h\nttp://x", "http ://x", "x y", "^1.0.0", "latest", "*", "", " ", ">=1 <2", ">=1.0.0beta", "1.0.0-/x", "1 - 2",
]  # fmt: skip
PIECES = [*"aA1.:/\\@#~+ -^*%\n", "..", "git", "http", "https", "file", "npm", "x.tgz", "github.com", "v1", "://", "||"]
ELSEWHERE = {"git", "remote", "file", "directory"}
ODD = 20_000


def _texts() -> list[str]:
    chance = random.Random(20261121)  # noqa: S311 - test data
    chosen = ["".join(parts) for parts in itertools.product(SCHEMES, AFTER, REST)]
    mixed = ["".join(chance.choices(PIECES, k=chance.randint(1, 7))) for _ in range(ODD)]
    return [*ALONE, *chosen, *mixed]


ORDINARY = [
    "1.2.3", "v1.0.0", "=1.0.0", "^1.0.0", "~1", "*", "", " ", ">=1 <2", "1 - 2", "1.x || >=2.5.0", "latest", "next-1", "beta_2",
    ">=1.0.0beta", "1.0.0beta", "x", "^ 1.2", "> 1", "<= 2.x",
]  # fmt: skip


def _npm_says(node_tools: NodeTools, texts: list[str]) -> list[str | None]:
    npm = Path(node_tools.npm[-1]).parents[1]
    done = subprocess.run(
        [*node_tools.node, "-e", PROGRAM, str(npm)], input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    kinds: list[str | None] = json.loads(done.stdout)
    return kinds


def test_nothing_that_npm_fetches_elsewhere_passes_for_a_registry(node_tools: NodeTools) -> None:
    texts = _texts()
    theirs = _npm_says(node_tools, texts)
    assert {*ELSEWHERE, "tag", "alias"} <= set(theirs)
    pairs = [(text, spec_kind(text), npms) for text, npms in zip(texts, theirs, strict=True)]
    passed = (SpecKind.REGISTRY, SpecKind.ALIAS)
    assert [(text, npms) for text, kind, npms in pairs if npms in ELSEWHERE and kind in passed] == []
    assert [(text, npms) for text, kind, npms in pairs if npms == "alias" and kind is SpecKind.REGISTRY] == []


def test_what_npm_asks_a_registry_for_is_no_address(node_tools: NodeTools) -> None:
    assert set(_npm_says(node_tools, ORDINARY)) == {"version", "range", "tag"}
    assert [text for text in ORDINARY if spec_kind(text) is not SpecKind.REGISTRY] == []

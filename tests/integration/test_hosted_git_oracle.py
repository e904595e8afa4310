"""Our spelling of git addresses against the package that npm itself uses."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vxsec.formats.hosted_git import parse_hosted_git

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.node_tools import NodeTools

pytestmark = pytest.mark.node

PROGRAM = """
const hosted = require(process.argv[1] + '/node_modules/hosted-git-info')
const texts = JSON.parse(require('node:fs').readFileSync(0, 'utf8'))
console.log(JSON.stringify(texts.map(text => {
  const found = hosted.fromUrl(text)
  return found ? [found.toString(), found.https(), found.docs(), found.bugs()] : null
})))
"""
HOSTS = ["github.com", "www.github.com", "gitlab.com", "bitbucket.org", "gist.github.com", "git.sr.ht", "example.test"]
SCHEMES = [
    "git+ssh://",
    "ssh://",
    "https://",
    "http://",
    "git://",
    "git+https://",
    "git@",
    "",
    "github:",
    "gist:",
    "gitlab:",
]
PARTS = ["u", "r", "a-b", "r.git", "tree", "raw", "get", "-", "archive", "~x", ""]
FRONTS = ["", "github:", "gist:", "gitlab:", "bitbucket:", "sourcehut:", "npm:", "file:", "./", "@"]
ENDS = ["", "", "#v1", "#semver:^1", "#a/b"]
CASES = 20_000


def _addresses(chance: random.Random) -> Iterator[str]:
    for _ in range(CASES):
        path = "/".join(chance.choices([*PARTS, "x@1"], k=chance.randint(0, 4)))
        front = chance.choice(FRONTS)
        if chance.random() < 0.8:
            front = "".join(map(chance.choice, (SCHEMES, ["", "x@", "x:y@"], HOSTS, ["/", ":", ":/"])))
        yield front + path + chance.choice([*ENDS, "^1.0.0 || 2"])


def test_npm_writes_the_same_addresses(node_tools: NodeTools) -> None:
    texts = list(_addresses(random.Random(20261101)))  # noqa: S311 - test data
    npm = Path(node_tools.npm[-1]).parents[1]
    done = subprocess.run(
        [*node_tools.node, "-e", PROGRAM, str(npm)], input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    different = []
    for text, theirs in zip(texts, json.loads(done.stdout), strict=True):
        ours = parse_hosted_git(text)
        if ([str(ours), ours.https, ours.docs, ours.bugs] if ours else None) != theirs:
            different.append((text, str(ours), theirs))
    assert different == []

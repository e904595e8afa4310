"""Our spelling of git addresses against the package that npm itself uses."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vxsec.formats.hosted_git import parse_hosted_git

if TYPE_CHECKING:
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
ADDRESS = st.builds(
    lambda scheme, user, host, colon, path, end: f"{scheme}{user}{host}{colon}{'/'.join(path)}{end}",
    st.sampled_from(SCHEMES),
    st.sampled_from(["", "x@", "x:y@"]),
    st.sampled_from(HOSTS),
    st.sampled_from(["/", ":", ":/"]),
    st.lists(st.sampled_from(PARTS), max_size=4),
    st.sampled_from(["", "#v1", "#semver:^1", "#a/b"]),
)
SHORT = st.builds(
    lambda front, path, end: f"{front}{'/'.join(path)}{end}",
    st.sampled_from(["", "github:", "gist:", "gitlab:", "bitbucket:", "sourcehut:", "npm:", "file:", "./", "@"]),
    st.lists(st.sampled_from([*PARTS, "x@1"]), max_size=3),
    st.sampled_from(["", "#v1", "#semver:^1", "^1.0.0 || 2"]),
)


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.large_base_example])
@given(texts=st.lists(ADDRESS | SHORT, min_size=200, max_size=200))
def test_npm_writes_the_same_addresses(texts: list[str], node_tools: NodeTools) -> None:
    npm = Path(node_tools.npm[-1]).parents[1]
    done = subprocess.run(
        [*node_tools.node, "-e", PROGRAM, str(npm)], input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    for text, theirs in zip(texts, json.loads(done.stdout), strict=True):
        ours = parse_hosted_git(text)
        assert ([str(ours), ours.https, ours.docs, ours.bugs] if ours else None) == theirs, text

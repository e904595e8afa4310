"""What a range points at: registries are told by what they are, and everything else is none."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.formats.npm_spec import SpecKind, alias_target, spec_kind

ROWS = {
    "a range": ("^1.0.0", SpecKind.REGISTRY),
    "nothing": ("", SpecKind.REGISTRY),
    "a tag": ("next-1", SpecKind.REGISTRY),
    "a range that npm reads kindly": ("1.0.0beta - 2 || >=3.x", SpecKind.REGISTRY),
    "an alias": ("npm:@a/b@^1", SpecKind.ALIAS),
    "an alias of any version, in capitals": ("NPM:b", SpecKind.ALIAS),
    "an alias of an address": ("npm:b@https://files.example.test/b", SpecKind.URL),
    "an alias of an alias": ("npm:b@npm:c", SpecKind.URL),
    "an alias of a workspace": ("npm:b@workspace:*", SpecKind.WORKSPACE),
    "an alias of no name": ("npm:/b", SpecKind.URL),
    "a workspace": ("workspace:^", SpecKind.WORKSPACE),
    "a workspace by its path": ("workspace:../b", SpecKind.FILE),
    "a URL without slashes": ("https:files.example.test", SpecKind.URL),
    "a URL in capitals": ("HTTPS:files.example.test", SpecKind.URL),
    "a URL with backslashes": ("http:\\\\files.example.test\\b", SpecKind.URL),
    "a scheme in the middle": ("1.0.0 git+https://files.example.test", SpecKind.URL),
    "a scheme that is none": ("foo:b", SpecKind.URL),
    "this folder": (".", SpecKind.FILE),
    "a folder that is hidden": (".b", SpecKind.FILE),
    "a drive": ("a:b", SpecKind.FILE),
    "a folder of Windows": ("a\\b", SpecKind.FILE),
    "a version that is a file": ("1.0.0-b.TGZ", SpecKind.FILE),
    "a tag that is a file": ("b.tar", SpecKind.FILE),
    "a repository": ("a/b", SpecKind.GIT),
    "a repository with spaces around it": (" a/b\n", SpecKind.GIT),
    "text that nobody reads": ("a tag", SpecKind.URL),
    "digits of another script": ("\u0661", SpecKind.URL),
}


@pytest.mark.parametrize(("text", "kind"), ROWS.values(), ids=ROWS.keys())
def test_kinds(text: str, kind: SpecKind) -> None:
    assert spec_kind(text) is kind


def test_the_target_of_an_alias() -> None:
    assert alias_target(" nPm:@a/b@^1 ") == ("@a/b", "^1")
    assert alias_target("npm:b") == ("b", "*")
    assert alias_target("b@1") is None


@given(st.text(max_size=20), st.sampled_from(":/\\"), st.text(max_size=20))
def test_what_has_a_colon_or_a_slash_is_no_range(before: str, sign: str, after: str) -> None:
    assert spec_kind(before + sign + after) is not SpecKind.REGISTRY


@pytest.mark.parametrize("unit", ["1", "1 ", "- ", "a@", "npm:a@", "a:", "/", ".", "^~", "x.", "||"])
def test_long_text_costs_little(unit: str) -> None:
    started = time.process_time()
    spec_kind(unit * 100_000)
    assert time.process_time() - started < 2

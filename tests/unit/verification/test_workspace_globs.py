from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.errors import VerificationError
from vxsec.verification.workspace_globs import WorkspaceGlobs


@pytest.mark.parametrize(
    ("patterns", "folder"),
    [
        pytest.param(["packages/a"], "packages/a", id="a literal folder"),
        pytest.param(["./packages/a/"], "packages/a", id="with ./ and a trailing slash"),
        pytest.param(["/packages/a"], "packages/a", id="with a leading slash, npm's way"),
        pytest.param(["packages/*"], "packages/a", id="one star"),
        pytest.param(["packages/*-lib"], "packages/my-own-lib", id="a star inside a part"),
        pytest.param(["packages/a?"], "packages/ab", id="a question mark"),
        pytest.param(["packages/**"], "packages/a", id="two stars, one level"),
        pytest.param(["packages/**"], "packages/a/b/c", id="two stars, three levels"),
        pytest.param(["**/lib"], "lib", id="two stars match nothing too"),
        pytest.param(["**/a/**/b"], "x/a/y/z/b", id="two stars twice"),
        pytest.param(["{apps,libs}/*"], "libs/a", id="braces"),
        pytest.param(["{a,b}/{c,d}"], "b/c", id="braces twice"),
        pytest.param([".hidden/*"], ".hidden/a", id="a hidden folder that is named"),
        pytest.param(["apps/*", "packages/*"], "packages/a", id="the second of two"),
        pytest.param(["!packages/b", "packages/*"], "packages/a", id="an exclusion of another one"),
        pytest.param(["packages/*", "!packages/b", "packages/b"], "packages/b", id="an exclusion taken back"),
        pytest.param(["!!packages/a"], "packages/a", id="negated twice"),
    ],
)
def test_a_workspace_is_recognised(patterns: list[str], folder: str) -> None:
    assert WorkspaceGlobs.compile(patterns).contains(folder)


@pytest.mark.parametrize(
    ("patterns", "folder"),
    [
        pytest.param([], "packages/a", id="no patterns"),
        pytest.param([""], "packages/a", id="an empty pattern"),
        pytest.param(["packages/*"], "packages", id="the parent folder"),
        pytest.param(["packages/*"], "packages/a/b", id="a star is one level"),
        pytest.param(["packages/**"], "packages", id="two stars are at least one level"),
        pytest.param(["packages/*"], "vendor/a", id="another folder"),
        pytest.param(["packages/a"], "packages/ab", id="a longer name"),
        pytest.param(["packages/ab"], "packages/a", id="a shorter name"),
        pytest.param(["*"], ".git", id="a hidden folder"),
        pytest.param(["**"], "a/.git/b", id="below a hidden folder"),
        pytest.param(["packages/?"], "packages/.", id="a dot"),
        pytest.param(["../*"], "../a", id="climbing"),
        pytest.param(["packages/../vendor/*"], "vendor/a", id="climbing in the middle"),
        pytest.param(["packages/*"], "packages/..", id="a folder that climbs"),
        pytest.param(["**"], "a/node_modules/b", id="below node_modules"),
        pytest.param(["packages/*", "!packages/b"], "packages/b", id="excluded"),
        pytest.param(["!packages/b", "packages/*"], "packages/b", id="excluded before it is included"),
        pytest.param(["packages/?", "!packages/*"], "packages/a", id="everything excluded"),
        pytest.param(["packages/*", "!packages/b/**"], "packages/b", id="excluded with all below it"),
        pytest.param(["packages/[ab]"], "packages/a", id="a character class"),
        pytest.param(["packages/@(a|b)"], "packages/a", id="an extended glob"),
        pytest.param(["packages\\a"], "packages/a", id="a backslash"),
        pytest.param(["{a,{b,c}}"], "b", id="nested braces"),
        pytest.param(["{a,b"], "a", id="an open brace"),
        pytest.param(["{a}"], "a", id="a brace without choice"),
        pytest.param(["{a,b}" * 8], "aaaaaaaa", id="too many choices"),
        pytest.param(["a" * 1025], "a" * 1025, id="a pattern too long"),
    ],
)
def test_any_other_folder_is_not_believed(patterns: list[str], folder: str) -> None:
    assert not WorkspaceGlobs.compile(patterns).contains(folder)


def test_more_patterns_than_any_project_has_are_refused() -> None:
    with pytest.raises(VerificationError) as caught:
        WorkspaceGlobs.compile(["a"] * 257)
    assert caught.value.code == "tree.workspaces"


def test_many_stars_are_not_slow() -> None:
    globs = WorkspaceGlobs.compile(["/".join(["**", "*a*a*a*a*b"] * 40)])
    assert not globs.contains("/".join(["a" * 200] * 5))


def test_patterns_made_to_be_slow_are_refused() -> None:
    globs = WorkspaceGlobs.compile(["**/" + "*a" * 20 + f"/**/{number}" for number in range(256)])
    with pytest.raises(VerificationError) as caught:
        any(globs.contains("a/" * 100 + f"x{number}") for number in range(5000))
    assert caught.value.code == "tree.workspaces"


@given(st.lists(st.text("ab*?/.!{},", max_size=12), max_size=4), st.text("ab/.", max_size=10))
def test_no_pattern_reaches_outside(patterns: list[str], folder: str) -> None:
    if WorkspaceGlobs.compile(patterns).contains(folder):
        assert not {"", ".", ".."} & set(folder.split("/"))

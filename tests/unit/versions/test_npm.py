from __future__ import annotations

import itertools
import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.errors import FormatError
from vxsec.versions import npm, npm_range
from vxsec.versions.npm import MAX_LENGTH, NpmVersion, is_version
from vxsec.versions.npm_range import is_range, satisfies

_WORD = st.text("0123456789abzAZ-", min_size=1, max_size=6)
_IDENTIFIER = _WORD.filter(lambda word: not (word.isdigit() and len(word) > 1 and word[0] == "0"))
VERSIONS = st.builds(
    lambda triple, pre: NpmVersion(major=triple[0], minor=triple[1], patch=triple[2], prerelease=tuple(pre)),
    st.tuples(*[st.integers(0, 12)] * 3),
    st.lists(_IDENTIFIER, max_size=3),
)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("0.0.0", id="the lowest release"),
        pytest.param("1.2.3", id="a release"),
        pytest.param("1.2.3-alpha.1", id="a pre-release"),
        pytest.param("1.2.3-0.3.7", id="a numeric pre-release"),
        pytest.param("1.2.3--", id="an identifier of one hyphen"),
        pytest.param("1.2.3-x-y-z.--", id="hyphens inside identifiers"),
        pytest.param("1.2.3+001", id="build metadata may start with zeros"),
        pytest.param("1.2.3-beta+exp.sha.5114f85", id="pre-release and build"),
        pytest.param("0.0.0-sha256-ab12.10", id="the version of an evidence package"),
        pytest.param("9007199254740991.0.0", id="the largest component node-semver reads"),
        pytest.param("1.2.3-" + "a" * 250, id="as long as node-semver reads"),
    ],
)
def test_a_version_is_read_and_written_back(text: str) -> None:
    assert str(NpmVersion.parse(text)) == text
    assert is_version(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("1.2", id="two components"),
        pytest.param("1.2.3.4", id="four components"),
        pytest.param("v1.2.3", id="a leading v"),
        pytest.param("=1.2.3", id="a leading equals sign"),
        pytest.param(" 1.2.3", id="a leading space"),
        pytest.param("1.2.3\n", id="a trailing line end"),
        pytest.param("01.2.3", id="a leading zero"),
        pytest.param("1.2.03", id="a leading zero in the patch"),
        pytest.param("1.2.3-01", id="a leading zero in a numeric identifier"),
        pytest.param("1.2.3-", id="an empty pre-release"),
        pytest.param("1.2.3-a..b", id="an empty identifier"),
        pytest.param("1.2.3+", id="empty build metadata"),
        pytest.param("1.2.3+a+b", id="two builds"),
        pytest.param("1.2.3-ä", id="a letter outside ASCII"),
        pytest.param("１.2.3", id="a full-width digit"),  # noqa: RUF001
        pytest.param("-1.2.3", id="a negative component"),
        pytest.param("9007199254740992.0.0", id="a component beyond 2**53-1"),
        pytest.param("1.2.3-" + "a" * 252, id="more than 256 characters"),
        pytest.param("latest", id="a tag"),
        pytest.param("1.x.0", id="a range"),
        pytest.param("999999999999999999999999999991.0.0", id="a component of thirty digits"),
    ],
)
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(FormatError) as caught:
        NpmVersion.parse(text)
    assert caught.value.code == "version.malformed"
    assert not is_version(text)


def test_the_error_does_not_repeat_a_long_value() -> None:
    with pytest.raises(FormatError) as caught:
        NpmVersion.parse("\x1b[31m" + "9" * 10_000)
    assert len(str(caught.value)) < 150
    assert "\x1b" not in str(caught.value)


def test_precedence_is_that_of_the_specification() -> None:
    ordered = "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.0.1"
    versions = [NpmVersion.parse(text) for text in ordered.split()]
    assert all(a < b for a, b in itertools.pairwise(versions))
    assert NpmVersion.parse("1.0.0+a") == NpmVersion.parse("1.0.0+b")
    assert hash(NpmVersion.parse("1.0.0+a")) == hash(NpmVersion.parse("1.0.0+b"))
    assert NpmVersion.parse("1.0.0-9007199254740993") > NpmVersion.parse("1.0.0-9007199254740992")
    assert NpmVersion.parse("1.0.0-a").is_prerelease
    assert not NpmVersion.parse("1.0.0+a").is_prerelease


def test_a_version_is_compared_with_versions_only() -> None:
    version = NpmVersion.parse("1.0.0")
    assert version != "1.0.0"
    with pytest.raises(TypeError):
        operator.lt(version, "1.0.0")


@given(VERSIONS, VERSIONS, VERSIONS)
def test_the_order_is_total(a: NpmVersion, b: NpmVersion, c: NpmVersion) -> None:
    assert (a < b) + (a == b) + (a > b) == 1
    if a <= b <= c:
        assert a <= c
    assert NpmVersion.parse(str(a)) == a


@pytest.mark.parametrize(
    ("version", "range_", "expected"),
    [
        pytest.param("1.2.3", "1.2.3", True, id="exact"),
        pytest.param("1.2.3", "=v1.2.3", True, id="exact with equals sign and v"),
        pytest.param("1.2.4", "1.2.3", False, id="exact but another patch"),
        pytest.param("1.9.0", "^1.2.3", True, id="caret: a higher minor"),
        pytest.param("2.0.0", "^1.2.3", False, id="caret: not the next major"),
        pytest.param("2.0.0-0", "^1.2.3", False, id="caret: not a pre-release of the next major"),
        pytest.param("0.2.9", "^0.2.3", True, id="caret below 1: a higher patch"),
        pytest.param("0.3.0", "^0.2.3", False, id="caret below 1: not a higher minor"),
        pytest.param("0.0.4", "^0.0.3", False, id="caret below 0.1: only itself"),
        pytest.param("0.1.0", "^0.x", True, id="caret with x"),
        pytest.param("1.2.9", "~1.2.3", True, id="tilde: a higher patch"),
        pytest.param("1.3.0", "~1.2.3", False, id="tilde: not a higher minor"),
        pytest.param("1.9.9", "~1", True, id="tilde with one component"),
        pytest.param("1.2.4", "~> 1.2", True, id="tilde in Ruby's spelling, with a space"),
        pytest.param("1.2.3-b", "~1.2.3-a", True, id="tilde with a pre-release"),
        pytest.param("5.0.0", "*", True, id="star"),
        pytest.param("5.0.0", "", True, id="nothing means any release"),
        pytest.param("5.0.0-a", "*", False, id="star is no pre-release"),
        pytest.param("5.0.0-a", "*||5.0.0-a", False, id="star swallows the alternatives, npm's way"),
        pytest.param("1.2.9", "1.2.x", True, id="x range"),
        pytest.param("1.3.0", "1.2.*", False, id="x range: another minor"),
        pytest.param("1.2.3", "1.2.3*", True, id="a star after a version is dropped, npm's way"),
        pytest.param("2.3.4", "1.2 - 2.3.4", True, id="hyphen, upper end"),
        pytest.param("2.3.9", "1.2 - 2.3", True, id="hyphen with a partial upper end"),
        pytest.param("2.9.9", "1 - 2", True, id="hyphen with majors"),
        pytest.param("0.0.1", "* - 1.0.0", True, id="hyphen from anything"),
        pytest.param("9.0.0", "1.0.0 - x", True, id="hyphen to anything"),
        pytest.param("2.3.5", "1.2.3 - 2.3.4", False, id="hyphen, above"),
        pytest.param("1.2.2", "1.2.3 - 2.3.4", False, id="hyphen, below"),
        pytest.param("2.3.4-a", "1.2.3-0 - 2.3.4-b", True, id="hyphen with pre-releases"),
        pytest.param("1.5.0", ">1.2.3 <2", True, id="two comparators"),
        pytest.param("1.5.0", "> 1.2.3  <= 1.4", False, id="two comparators with spaces"),
        pytest.param("2.0.0", ">1", True, id="above a whole major"),
        pytest.param("1.9.0", ">1", False, id="not above a whole major"),
        pytest.param("1.3.0", ">1.2", True, id="above a whole minor"),
        pytest.param("1.9.0", "<=1", True, id="up to a whole major"),
        pytest.param("1.2.9", "<=1.2.x", True, id="up to a whole minor"),
        pytest.param("1.2.0", ">=1.2.x", True, id="from a whole minor"),
        pytest.param("1.0.0", "<1.x", False, id="below a whole major"),
        pytest.param("1.0.0", "<*", False, id="below anything is nothing"),
        pytest.param("0.0.0", ">x", False, id="above anything is nothing"),
        pytest.param("1.0.0", ">=*", True, id="from anything is any"),
        pytest.param("3.1.4", "1 || 2 || 3", True, id="alternatives"),
        pytest.param("4.0.0", "1||2||3", False, id="none of the alternatives"),
        pytest.param("1.2.3-a", ">=1.2.3-0 <2", True, id="a pre-release of the stated patch"),
        pytest.param("1.2.4-a", ">=1.2.3-0 <2", False, id="a pre-release of another patch"),
        pytest.param("0.0.0-a", ">=0.0.0 <=0.0.0-b", True, id="from 0.0.0 means any, npm's way"),
        pytest.param("1.2.3", "1.2.3+build", True, id="build metadata in a range is dropped"),
        pytest.param("1.2.3", "\t1.2.3\n", True, id="white space around"),
        pytest.param("1.0.0", "^x", True, id="caret of anything"),
        pytest.param("1.0.0", "~x", True, id="tilde of anything"),
        pytest.param("0.1.5", "^0.1", True, id="caret of a partial below 1"),
        pytest.param("1.5.0", "^1.2", True, id="caret of a partial"),
        pytest.param("1.2.3-a", "^1.2.3-0", True, id="caret with a pre-release"),
    ],
)
def test_ranges_mean_what_npm_says(version: str, range_: str, *, expected: bool) -> None:
    assert satisfies(version, range_) is expected
    assert is_range(range_)


@pytest.mark.parametrize(
    ("version", "range_", "expected"),
    [
        pytest.param("2.0.0-rc.1", "<2.0.0", True, id="a pre-release is below its release"),
        pytest.param("1.2.3-a", ">=1.0.0 <2.0.0", True, id="a pre-release inside a plain range"),
        pytest.param("2.0.0-rc.1", "1.x", False, id="a pre-release of the next major"),
        pytest.param("1.0.0-a", "1.x", True, id="a pre-release of an x-range's first version"),
        pytest.param("1.0.0-a", "^1", True, id="caret of a partial"),
        pytest.param("1.2.0-a", "^1.2", True, id="caret of two parts"),
        pytest.param("1.2.3-a", "^1.2.3", False, id="caret of a whole version starts there"),
        pytest.param("0.0.0-a", ">=0.0.0-0", True, id="the lowest version there is means any"),
        pytest.param("0.0.0-a", ">=0.0.0", False, id="a release as lower bound"),
        pytest.param("1.2.3-a", "1.2.3 - 2.0.0", True, id="a hyphen range, lower end"),
        pytest.param("1.2.3-a", "1.2.3-b - 2.0.0", False, id="a hyphen range from a pre-release"),
        pytest.param("1.0.0-a", "1 - 2", True, id="a hyphen range of majors"),
        pytest.param("1.2.0-a", "1.2 - 2", True, id="a hyphen range of two parts"),
        pytest.param("2.0.1-a", "1.2.3 - 2.0.0", False, id="a hyphen range, above the upper end"),
        pytest.param("2.0.0-a", ">1", True, id="above a partial"),
        pytest.param("1.0.0-a", "<1", False, id="below a partial leaves its pre-releases out"),
    ],
)
def test_with_pre_releases_ranges_mean_what_npm_audit_says(version: str, range_: str, *, expected: bool) -> None:
    assert satisfies(version, range_, include_prerelease=True) is expected


@pytest.mark.parametrize(
    "range_",
    [
        pytest.param("latest", id="a tag"),
        pytest.param("npm:other@1", id="an alias"),
        pytest.param("workspace:^", id="a workspace range"),
        pytest.param("git+https://h.example.test/a.git", id="a git URL"),
        pytest.param("file:../a", id="a file"),
        pytest.param("^1.2.3 foo", id="one bad word"),
        pytest.param("1 || >", id="a lone operator in one alternative"),
        pytest.param("==1.2.3", id="two equals signs"),
        pytest.param("x.1", id="x before a number"),
        pytest.param("1.x.3", id="x in the middle"),
        pytest.param("01.2.3", id="a leading zero"),
        pytest.param("^9007199254740991", id="a bound that overflows"),
        pytest.param("9007199254740992.0.0", id="a component that overflows"),
        pytest.param("^1.2.3\u00a0", id="a space outside ASCII"),
        pytest.param("1" * 257, id="more than 256 characters"),
        pytest.param("1.2.3 -2.0.0", id="half a hyphen range"),
        pytest.param("__proto__", id="a JavaScript name"),
    ],
)
def test_what_is_no_range_is_refused(range_: str) -> None:
    assert not is_range(range_)
    with pytest.raises(FormatError) as caught:
        satisfies("1.2.3", range_)
    assert caught.value.code == "range.malformed"


_COMMON_WORDS = st.sampled_from(
    [
        "^",
        "~",
        ">=",
        "<=",
        "<",
        ">",
        "=",
        " ",
        "||",
        " || ",
        "1",
        "0",
        "12",
        "01",
        "999999999",
        ".",
        "1.2",
        "1.2.3",
        "x",
    ]
)


@given(st.lists(_COMMON_WORDS, max_size=8).map("".join))
def test_a_range_known_at_a_glance_is_one_when_taken_apart(text: str) -> None:
    if npm_range._RE_COMMON.fullmatch(text):
        assert npm_range._parse_range(text, False)


@given(st.text("0123456789.-v ", max_size=16))
def test_a_version_known_at_a_glance_is_one_when_taken_apart(text: str) -> None:
    assert is_version(text) == bool(npm._RE_VERSION.fullmatch(text))


@pytest.mark.parametrize("text", ["1", "^1.2.3", "~0.1", ">=1 <2", "^1 || ^2", "1||2||3.4.5", "=1.0.0"])
def test_what_manifests_usually_state_is_known_at_a_glance(text: str) -> None:
    assert npm_range._RE_COMMON.fullmatch(text)
    assert is_range(text)


def test_a_bad_version_is_refused_before_its_range() -> None:
    with pytest.raises(FormatError) as caught:
        satisfies("1.2", "*")
    assert caught.value.code == "version.malformed"


@given(st.text("0123456789.xX*^~<>=|- v+ab\t", max_size=MAX_LENGTH))
def test_any_text_is_a_range_or_refused(text: str) -> None:
    if is_range(text):
        assert satisfies("1.2.3", text) in {True, False}


@pytest.mark.parametrize("char", [" ", "v", "=", "1", "-", "x", ".", "|", "~ ", "^ "])
def test_repetition_does_not_make_it_slow(char: str) -> None:
    assert not is_range("1.2.3" + char * (MAX_LENGTH // len(char) - 6) + "!")


@given(VERSIONS)
def test_every_version_is_in_its_own_caret_and_tilde(version: NpmVersion) -> None:
    assert satisfies(str(version), f"^{version}")
    assert satisfies(str(version), f"~{version}")
    assert satisfies(str(version), f"{version} - {version}")

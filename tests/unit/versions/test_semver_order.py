"""The order of bounds as advisories state them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.errors import FormatError
from vxsec.versions.npm import NpmVersion
from vxsec.versions.semver_order import semver_key

ASCENDING = (
    "0", "0.0.1-0", "0.0.1", "0.9.9", "1.0.0-1", "1.0.0-2", "1.0.0-10", "1.0.0-A", "1.0.0-a", "1.0.0-a.1", "1.0.0-a.b",
    "1.0.0-rc.9", "1.0.0-rc.10", "1.0.0", "1.0.1", "1.2", "1.10.0", "99999999999999999999.0.0",
)  # fmt: skip


@pytest.mark.parametrize(("lower", "higher"), list(pairwise(ASCENDING)))
def test_bounds_ascend(lower: str, higher: str) -> None:
    assert semver_key(lower) < semver_key(higher)
    assert not semver_key(higher) < semver_key(lower)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("1.2.3+a", "1.2.3+b", id="build metadata does not count"),
        pytest.param("v1.2.3", "1.2.3", id="a leading v"),
        pytest.param("1", "1.0.0", id="one component"),
        pytest.param("1.2", "1.2.0", id="two components"),
        pytest.param("1.2.3.4", "1.2.3.5", id="numbers after the third do not count"),
        pytest.param("1.2.3-01", "1.2.3-1", id="zeros in front"),
        pytest.param("1.2.3+", "1.2.3", id="empty build metadata"),
    ],
)
def test_two_spellings_of_one_version(one: str, other: str) -> None:
    assert semver_key(one) == semver_key(other)


@pytest.mark.parametrize(
    "text",
    ["", " ", "1.0.0 ", "1.0.0\n", "latest", "x", "*", "^1.0.0", ">=1", "1..0", "1.0.0-", "1.0.0-a..b", "-1", "1.0.0-\u00e9", "\u0661.0.0", "1" * 300],
)  # fmt: skip
def test_what_is_no_bound_is_refused(text: str) -> None:
    with pytest.raises(FormatError) as caught:
        semver_key(text)
    assert caught.value.code == "version.malformed"


parts = st.integers(0, 30)
identifiers = st.lists(st.sampled_from(["0", "1", "10", "a", "B", "rc", "x-1"]), max_size=3)
versions = st.builds(
    lambda a, b, c, pre: f"{a}.{b}.{c}" + (f"-{'.'.join(pre)}" if pre else ""), parts, parts, parts, identifiers
)


@given(versions, versions)
def test_bounds_and_versions_have_one_order(one: str, other: str) -> None:
    strict = NpmVersion.parse(one) < NpmVersion.parse(other), NpmVersion.parse(one) == NpmVersion.parse(other)
    assert (semver_key(one) < semver_key(other), semver_key(one) == semver_key(other)) == strict

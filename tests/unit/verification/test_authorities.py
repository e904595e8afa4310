"""Who vouched for a signature counts once, by name and by key."""

from __future__ import annotations

import pytest

from vxsec.verification.authorities import count_distinct

COUNTS = {
    "none": ([], 0),
    "two": ([("a", b"1"), ("b", b"2")], 2),
    "one twice": ([("a", b"1"), ("a", b"1")], 1),
    "one with two keys": ([("a", b"1"), ("a", b"2")], 1),
    "one key with two names": ([("a", b"1"), ("b", b"1")], 1),
    "two keys without a name": ([("", b"1"), ("", b"2")], 1),
    "one without a name, twice": ([("", b"1"), ("", b"1")], 1),
    "one name in two cases, with and without a slash": ([("https://tsa", b"1"), ("https://TSA/", b"2")], 1),
    "three keys of one name, one of them with two more names": (
        [("a", b"1"), ("a", b"2"), ("a", b"3"), ("b", b"3"), ("c", b"3")],
        2,
    ),
}


@pytest.mark.parametrize(("names", "count"), COUNTS.values(), ids=COUNTS.keys())
def test_an_authority_counts_once(names: list[tuple[str, bytes]], count: int) -> None:
    assert count_distinct(names) == count

"""Spoilt exports: an import ends in a refusal that vxsec means, or in an index that gives what was in the export."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from support.osv_bucket import EXPORT
from support.osv_kit import NOW, Member, ZipMaker, make_zip
from vxsec.errors import VxsecError
from vxsec.scanning.index import AdvisoryIndex
from vxsec.usecases.database.maintain import import_database

NAMES = st.sampled_from(
    ["A-1.json", "A-1", "../A-1.json", "A-1.json/", "__proto__.json", "\u0410-1.json", "", "npm/A-1.json"]
)
NUMBERS = st.sampled_from([0, 1, 7, 0xFFFF, 0xFFFFFFFE, 0xFFFFFFFF])


def bring(data: bytes) -> tuple[str, ...]:
    """The ids about one package after an import, or the refusal's code."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "npm.zip")
        path.write_bytes(data)
        try:
            import_database([path], directory=Path(folder, "db"), now=NOW)
        except VxsecError as error:
            assert not Path(folder, "db").exists()
            return (error.code,)
        with AdvisoryIndex.open(Path(folder, "db"), "npm") as index:
            return tuple(one.id for one in index.lookup("left-padding"))


EXPECTED = bring(EXPORT)


@given(st.data())
@settings(max_examples=60)
def test_changed_bytes_give_the_same_or_a_refusal(data: st.DataObject) -> None:
    spoilt = bytearray(EXPORT)
    for _ in range(data.draw(st.integers(1, 3))):
        spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
    found = bring(bytes(spoilt))
    assert found == EXPECTED or "." in found[0]


@given(st.integers(0, len(EXPORT)), st.binary(max_size=30), st.integers(0, len(EXPORT)))
@settings(max_examples=60)
def test_cut_and_joined_archives_give_the_same_or_a_refusal(begin: int, middle: bytes, end: int) -> None:
    found = bring(EXPORT[:begin] + middle + EXPORT[end:])
    assert found == EXPECTED or "." in found[0]


@given(
    NAMES,
    st.binary(max_size=200),
    st.dictionaries(st.sampled_from(["here", "count", "size", "offset", "disk"]), NUMBERS),
)
@settings(max_examples=60)
def test_headers_that_lie_are_refused_or_harmless(name: str, content: bytes, end: dict[str, int]) -> None:
    end = {key: value & 0xFFFF if key in {"here", "count", "disk"} else value for key, value in end.items()}
    flags = 0 if name.isascii() else 0x800
    assert bring(ZipMaker(members=[Member(name=name.encode(), data=content, flags=flags)], end=end).build())


@given(st.lists(st.binary(max_size=80), max_size=4))
@settings(max_examples=60)
def test_records_of_any_bytes_are_refused(contents: list[bytes]) -> None:
    (code,) = bring(make_zip({f"A-{number}.json": content for number, content in enumerate(contents)}))
    assert code in {"db.empty", "osv.unreadable"}

"""The index: the old one or the new one, whole, or an honest refusal; never fewer findings."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from support.osv_kit import NOW, advisory, affected, fixture_advisories, range_of
from vxsec.errors import FormatError, UndecidedError, UsageError
from vxsec.limits import DEFAULT_LIMITS
from vxsec.scanning import index as index_module
from vxsec.scanning.index import AdvisoryIndex, hash_index, index_name, present_ecosystems
from vxsec.scanning.index_build import IndexBuilder, build_index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from vxsec.model.advisory import Advisory
    from vxsec.model.scan import DatabaseState

EXPORTED = datetime(2026, 11, 20, tzinfo=UTC)
ALL = affected("x", range_of(("introduced", "0")))


def build(
    folder: Path, advisories: Iterable[Advisory] | None = None, ecosystem: str = "npm", **more: Any
) -> DatabaseState:
    given = fixture_advisories("npm") if advisories is None else advisories
    arguments: dict[str, Any] = {"exported_at": EXPORTED, "imported_at": NOW, "source": "npm.zip"} | more
    return build_index(folder, ecosystem, given, **arguments)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def code_of(folder: Path, ecosystem: str = "npm") -> str:
    with pytest.raises(UndecidedError) as caught:
        AdvisoryIndex.open(folder, ecosystem)
    assert caught.value.exit_status == 4
    assert "vxsec db" in (caught.value.hint or "")
    return caught.value.code


# -- what goes in comes out --------------------------------------------------------------------------------------------


def test_an_index_says_what_it_holds(tmp_path: Path) -> None:
    state = build(tmp_path / "new" / "folder")
    assert names_in(tmp_path / "new" / "folder") == [index_name("npm", state.sha256), "npm.current"]
    with AdvisoryIndex.open(tmp_path / "new" / "folder", "npm") as index:
        assert index.state == state
        assert (index.malware, index.unreadable) == (3, 0)
    assert (state.advisories, state.packages, state.exported_at, state.imported_at, state.source) == (
        11, 9, EXPORTED, NOW, "npm.zip",
    )  # fmt: skip
    assert hash_index(tmp_path / "new" / "folder" / index_name("npm", state.sha256)) == state.sha256


@pytest.mark.parametrize("osv", ["npm", "PyPI"])
def test_what_is_looked_up_is_what_was_read(tmp_path: Path, osv: str) -> None:
    given = fixture_advisories(osv)
    build(tmp_path, given, osv.lower())
    with AdvisoryIndex.open(tmp_path, osv.lower()) as index:
        names = {item.name for one in given for item in one.affected if item.ecosystem == osv}
        assert names
        for name in names:
            expected = [
                replace(
                    one,
                    modified=one.modified.replace(microsecond=0),
                    affected=tuple(a for a in one.affected if (a.ecosystem, a.name) == (osv, name)),
                )
                for one in given
                if not one.withdrawn and any((a.ecosystem, a.name) == (osv, name) for a in one.affected)
            ]
            assert list(index.lookup(name)) == expected


def test_names_are_exactly_what_the_ecosystem_has(tmp_path: Path) -> None:
    odd = [
        "__proto__",
        "constructor",
        "x.json",
        "Case",
        "case",
        "\u0445",
        "a\x00b",
        "'; DROP TABLE pkg; --",
        "\U0001f4a9",
        "%s",
    ]
    build(tmp_path, [advisory(f"A-{n}", affected(name, range_of(("introduced", "0")))) for n, name in enumerate(odd)])
    with AdvisoryIndex.open(tmp_path, "npm") as index:
        assert [[one.id for one in index.lookup(name)] for name in odd] == [[f"A-{n}"] for n in range(len(odd))]
        for absent in ("x", "CASE", "a", "", "__PROTO__", "toString"):
            assert index.lookup(absent) == ()


def test_withdrawn_records_and_other_ecosystems_are_not_there(tmp_path: Path) -> None:
    gone = advisory("A-1", ALL, withdrawn="2026-01-01T00:00:00Z")
    other = advisory("A-2", affected("x", range_of(("introduced", "0")), ecosystem="crates.io"))
    part = advisory("A-3", affected("x", ecosystem="npm:mirror", versions=["1.0.0"]))
    state = build(tmp_path, [gone, other, part])
    assert (state.advisories, state.packages) == (1, 1)
    with AdvisoryIndex.open(tmp_path, "npm") as index:
        assert [one.id for one in index.lookup("x")] == ["A-3"]


@pytest.mark.parametrize(
    ("moment", "there"),
    [
        pytest.param("2026-11-21T12:00:00Z", False, id="withdrawn right now"),
        pytest.param("2026-11-21T12:00:01Z", True, id="to be withdrawn in a second"),
        pytest.param("2099-01-01T00:00:00Z", True, id="to be withdrawn in another century"),
    ],
)
def test_a_withdrawal_that_is_still_to_come_is_none(tmp_path: Path, moment: str, *, there: bool) -> None:
    build(tmp_path, [advisory("A-1", ALL, withdrawn=moment), advisory("A-2", ALL)])
    with AdvisoryIndex.open(tmp_path, "npm") as index:
        assert [one.id for one in index.lookup("x")] == ["A-1", "A-2"][not there :]


def test_an_ecosystem_in_other_letters_is_the_same(tmp_path: Path) -> None:
    build(tmp_path, [advisory("A-1", affected("x", range_of(("introduced", "0")), ecosystem="NPM"))])
    with AdvisoryIndex.open(tmp_path, "npm") as index:
        assert [one.id for one in index.lookup("x")] == ["A-1"]


def test_one_package_twice_in_one_record_is_one_advisory_with_both(tmp_path: Path) -> None:
    build(tmp_path, [advisory("A-1", ALL, affected("x", versions=["1.0.0"]), affected("y"))])
    with AdvisoryIndex.open(tmp_path, "npm") as index:
        assert [len(one.affected) for one in index.lookup("x")] == [2]
        assert [len(one.affected) for one in index.lookup("y")] == [1]


def test_the_age_is_that_of_the_newest_record_where_nobody_says(tmp_path: Path) -> None:
    newest = "2026-10-01T10:00:00.5Z"
    given = [advisory("A-1", ALL), advisory("A-2", ALL, modified=newest, withdrawn=newest)]
    given[0] = replace(given[0], modified=datetime(2026, 9, 1, tzinfo=UTC))
    assert build(tmp_path, given, exported_at=None).exported_at == datetime(2026, 10, 1, 10, tzinfo=UTC)


def test_years_before_anything_survive(tmp_path: Path) -> None:
    build(tmp_path, [advisory("A-1", ALL, published="0001-01-01T00:00:00Z", modified="1969-12-31T23:59:59Z")])
    with AdvisoryIndex.open(tmp_path, "npm") as index:
        (found,) = index.lookup("x")
    assert (found.published, found.modified) == (
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
    )


def test_the_builder_counts_what_it_leaves_out(tmp_path: Path) -> None:
    builder = IndexBuilder("npm", now=NOW)
    builder.add(advisory("A-1", ALL))
    builder.add(advisory("A-2", ALL, withdrawn="2026-01-01T00:00:00Z"))
    builder.add(advisory("A-3"))
    assert (builder.advisories, builder.withdrawn, builder.foreign) == (1, 1, 1)
    builder.write(tmp_path, exported_at=EXPORTED, imported_at=NOW, source="s", unreadable=7)
    with AdvisoryIndex.open(tmp_path, "npm") as index:
        assert index.unreadable == 7


def test_lookups_from_many_threads_agree(tmp_path: Path) -> None:
    build(tmp_path)
    wrong: list[str] = []
    with AdvisoryIndex.open(tmp_path, "npm") as index:
        expected = {name: index.lookup(name) for name in ("left-padding", "@example/template", "nothing")}

        def ask() -> None:
            wrong.extend(name for _ in range(100) for name, found in expected.items() if index.lookup(name) != found)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


# -- what is refused ---------------------------------------------------------------------------------------------------


def test_nothing_there_is_missing(tmp_path: Path) -> None:
    assert code_of(tmp_path) == code_of(tmp_path / "gone") == "db.missing"
    build(tmp_path)
    assert code_of(tmp_path, "pypi") == "db.missing"
    assert present_ecosystems(tmp_path) == ("npm",)
    assert present_ecosystems(tmp_path / "gone") == ()


@pytest.mark.parametrize("ecosystem", ["../npm", "", "NPM", "crates.io", "npm\n"])
def test_an_ecosystem_that_is_none_has_no_database(tmp_path: Path, ecosystem: str) -> None:
    build(tmp_path)
    assert code_of(tmp_path, ecosystem) == "db.missing"


def pointer(text: bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "npm.current").write_bytes(text)

    return write


def index_of(folder: Path) -> Path:
    return next(folder.glob("npm-*.sqlite"))


def renamed_after_a_change(folder: Path, change: str) -> None:
    """Somebody edits the index and gives it the name that fits."""
    old = index_of(folder)
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute(change)
    new = old.with_name(index_name("npm", hash_index(old)))
    old.rename(new)
    (folder / "npm.current").write_text(new.name + "\n", encoding="ascii")


def edited(change: str) -> Callable[[Path], None]:
    return lambda folder: renamed_after_a_change(folder, change)


def fact(key: str, value: object) -> Callable[[Path], None]:
    """The facts in a table that declares no types, one of them of another type."""

    def edit(folder: Path) -> None:
        path = index_of(folder)
        with closing(sqlite3.connect(path)) as connection, connection:
            facts = dict(connection.execute("SELECT key, value FROM meta").fetchall()) | {key: value}
            connection.execute("DROP TABLE meta")
            connection.execute("CREATE TABLE meta (key, value)")
            connection.executemany("INSERT INTO meta VALUES (?, ?)", facts.items())
        renamed_after_a_change(folder, "VACUUM")

    return edit


def not_a_database(folder: Path) -> None:
    old = index_of(folder)
    old.write_bytes(b"SQLite format 4\x00" + bytes(5000))
    new = old.with_name(index_name("npm", hash_index(old)))
    old.rename(new)
    (folder / "npm.current").write_text(new.name, encoding="ascii")


DAMAGED: dict[str, Callable[[Path], object]] = {
    "the index is gone": lambda folder: index_of(folder).unlink(),
    "the index is cut": lambda folder: os.truncate(index_of(folder), 4096),
    "the index is empty": lambda folder: os.truncate(index_of(folder), 0),
    "the index has grown": lambda folder: index_of(folder).write_bytes(index_of(folder).read_bytes() + b"\x00"),
    "the pointer is empty": pointer(b""),
    "the pointer is long": pointer(b"npm-" + b"0" * 5000),
    "the pointer is no text": pointer(b"\xff\xfe"),
    "the pointer leads out of the folder": pointer(b"../npm-" + b"0" * 64 + b".sqlite\n"),
    "the pointer has two lines": pointer(b"npm-" + b"0" * 64 + b".sqlite\n\n"),
    "the pointer names another ecosystem's": pointer(b"pypi-" + b"0" * 64 + b".sqlite\n"),
    "the pointer names what is not there": pointer(b"npm-" + b"0" * 64 + b".sqlite\n"),
    "no database at all, under a fitting name": not_a_database,
    "another format, under a fitting name": edited("UPDATE meta SET value = 'vxsec-advisories-9' WHERE key = 'format'"),
    "another ecosystem, under a fitting name": edited("UPDATE meta SET value = 'pypi' WHERE key = 'ecosystem'"),
    "a fact is missing, under a fitting name": edited("DELETE FROM meta WHERE key = 'malware'"),
    "a time is none, under a fitting name": edited("UPDATE meta SET value = 'today' WHERE key = 'exported_at'"),
    "a time is a blob, under a fitting name": edited("UPDATE meta SET value = x'00' WHERE key = 'exported_at'"),
    "a number is none, under a fitting name": edited("UPDATE meta SET value = 'many' WHERE key = 'advisories'"),
    "a number is below nothing, under a fitting name": edited("UPDATE meta SET value = '-5' WHERE key = 'advisories'"),
    "a number is written in another way, under a fitting name": edited("UPDATE meta SET value = '+1' WHERE key = 'packages'"),
    "the source is a number, under a fitting name": fact("source", 5),
    "the source is nothing, under a fitting name": fact("source", None),
    "a time is a number, under a fitting name": fact("exported_at", 5),
    "a count is a number, under a fitting name": fact("advisories", 5),
    "a fact that nobody asks for is a blob, under a fitting name": fact("more", b"\xff"),
    "no facts at all, under a fitting name": edited("DROP TABLE meta"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED.keys())
def test_damage_is_found_before_anything_is_believed(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    build(tmp_path)
    damage(tmp_path)
    assert code_of(tmp_path) == "db.damaged"
    build(tmp_path)  # and the next import repairs it
    with AdvisoryIndex.open(tmp_path, "npm") as index:
        assert index.lookup("left-padding")


@pytest.mark.parametrize("name", ["pointer", "index"])
def test_a_folder_in_the_place_of_a_file_is_damage(tmp_path: Path, name: str) -> None:
    build(tmp_path)
    path = index_of(tmp_path) if name == "index" else tmp_path / "npm.current"
    path.unlink()
    path.mkdir()
    assert code_of(tmp_path) == "db.damaged"
    with pytest.raises(UsageError) as caught:  # nothing that an import makes, so nothing that it removes
        build(tmp_path)
    assert caught.value.code == "file.unwritable"


def test_an_index_without_advisories_is_empty(tmp_path: Path) -> None:
    build(tmp_path)
    renamed_after_a_change(tmp_path, "UPDATE meta SET value = '0' WHERE key = 'advisories'")
    with pytest.raises(UndecidedError) as caught:
        AdvisoryIndex.open(tmp_path, "npm")
    assert caught.value.code == "db.empty"


ROWS: dict[str, str] = {
    "no JSON": "x'00'",
    "an object": "'{\"a\":1}'",
    "a number": "'7'",
    "too few fields": "'[[\"A-1\"]]'",
    "an id that is no text": "'[[1,[],\"\",0,null,[]]]'",
    "aliases that are no list": '\'[["A-1",7,"",0,null,[]]]\'',
    "an alias that is no text": '\'[["A-1",[7],"",0,null,[]]]\'',
    "a time that is none": '\'[["A-1",[],"","now",null,[]]]\'',
    "a time beyond time": '\'[["A-1",[],"",1e30,null,[]]]\'',
    "a severity that is none": '\'[["A-1",[],"",0,null,[["dire",[],[]]]]]\'',
    "text that is a number": '\'[["A-1",[7],"",0,null,[]]]\'',
    "nothing": "x''",
}


@pytest.mark.parametrize("value", ROWS.values(), ids=ROWS.keys())
def test_a_row_that_is_none_is_damage_and_never_nothing(tmp_path: Path, value: str) -> None:
    build(tmp_path)
    renamed_after_a_change(tmp_path, f"UPDATE pkg SET data = CAST({value} AS BLOB) WHERE name = 'left-padding'")  # noqa: S608 - the table above
    with AdvisoryIndex.open(tmp_path, "npm") as index, pytest.raises(UndecidedError) as caught:
        index.lookup("left-padding")
    assert caught.value.code == "db.damaged"


def test_a_closed_index_answers_nothing(tmp_path: Path) -> None:
    build(tmp_path)
    index = AdvisoryIndex.open(tmp_path, "npm")
    index.close()
    index.close()
    with pytest.raises(UndecidedError):
        index.lookup("left-padding")


def test_every_single_changed_byte_is_found(tmp_path: Path) -> None:
    build(tmp_path, [advisory("A-1", ALL)])
    path = index_of(tmp_path)
    whole = path.read_bytes()
    for place in range(0, len(whole), 29):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x20]) + whole[place + 1 :])
        assert code_of(tmp_path) == "db.damaged"
    path.write_bytes(whole)
    named = (tmp_path / "npm.current").read_bytes()
    for place in range(len(named)):
        for bit in range(8):
            (tmp_path / "npm.current").write_bytes(
                named[:place] + bytes([named[place] ^ (1 << bit)]) + named[place + 1 :]
            )
            assert code_of(tmp_path) == "db.damaged"


def test_an_endless_index_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(tmp_path)
    monkeypatch.setattr(index_module, "DEFAULT_LIMITS", replace(DEFAULT_LIMITS, database_bytes=100))
    assert code_of(tmp_path) == "db.damaged"


@pytest.mark.unprivileged
def test_an_index_that_may_not_be_read_is_damaged(tmp_path: Path) -> None:
    build(tmp_path)
    index_of(tmp_path).chmod(0)
    assert code_of(tmp_path) == "db.damaged"


# -- the old one or the new one ----------------------------------------------------------------------------------------


def test_the_new_one_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    first = build(tmp_path, [advisory("A-1", ALL)])
    with AdvisoryIndex.open(tmp_path, "npm") as held:
        second = build(tmp_path, [advisory("A-2", ALL)])
        assert names_in(tmp_path) == [index_name("npm", second.sha256), "npm.current"]
        assert first.sha256 != second.sha256
        assert [one.id for one in held.lookup("x")] == ["A-1"]  # whoever holds the old one keeps it
    with AdvisoryIndex.open(tmp_path, "npm") as index:
        assert [one.id for one in index.lookup("x")] == ["A-2"]


def test_the_same_again_is_the_same_file(tmp_path: Path) -> None:
    assert build(tmp_path).sha256 == build(tmp_path).sha256
    assert len(names_in(tmp_path)) == 2


def test_each_ecosystem_has_its_own(tmp_path: Path) -> None:
    npm = build(tmp_path)
    python = build(tmp_path, fixture_advisories("PyPI"), "pypi")
    assert names_in(tmp_path) == sorted(
        [index_name("npm", npm.sha256), index_name("pypi", python.sha256), "npm.current", "pypi.current"]
    )
    assert present_ecosystems(tmp_path) == ("npm", "pypi")


def twice() -> Iterable[Advisory]:
    return [advisory("A-1", ALL), advisory("A-1", affected("y"))]


def breaking() -> Iterable[Advisory]:
    yield advisory("A-1", ALL)
    raise FormatError("no", code="zip.crc")


FAILING: dict[str, tuple[Callable[[], Iterable[Advisory]], str]] = {
    "the same id twice": (twice, "osv.duplicate"),
    "the source breaks in the middle": (breaking, "zip.crc"),
    "no records": (list, "db.empty"),
    "withdrawn records only": (lambda: [advisory("A-1", ALL, withdrawn="2026-01-01T00:00:00Z")], "db.empty"),
    "records of others only": (lambda: [advisory("A-1", affected("x", ecosystem="PyPI"))], "db.empty"),
}


@pytest.mark.parametrize(("source", "code"), FAILING.values(), ids=FAILING.keys())
def test_a_failed_build_leaves_the_old_one_in_use(
    tmp_path: Path, source: Callable[[], Iterable[Advisory]], code: str
) -> None:
    state = build(tmp_path)
    with pytest.raises((FormatError, UndecidedError)) as caught:
        build(tmp_path, source())
    assert caught.value.code == code
    assert names_in(tmp_path) == [index_name("npm", state.sha256), "npm.current"]
    with AdvisoryIndex.open(tmp_path, "npm") as index:
        assert index.state == state


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError) as caught:
        build(tmp_path / "file")
    assert caught.value.code == "file.unwritable"


def test_what_sqlite_cannot_write_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = build(tmp_path)

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(IndexBuilder, "_fill", full)
    with pytest.raises(UsageError, match="disk is full") as caught:
        build(tmp_path)
    assert caught.value.code == "file.unwritable"
    assert names_in(tmp_path) == [index_name("npm", state.sha256), "npm.current"]


def test_leftovers_of_a_killed_import_go_with_the_next(tmp_path: Path) -> None:
    build(tmp_path, fixture_advisories("PyPI"), "pypi")
    before = names_in(tmp_path)
    old = index_name("npm", "0" * 64)
    leftovers = [".npm-abc.building", ".npm-abc.building-journal", ".npm.current.xyz", old]
    kept = [".pypi-abc.building", "npm-notes.txt", "npm-0.sqlite", "other"]
    for name in (*leftovers, *kept):
        (tmp_path / name).write_bytes(b"x")
    state = build(tmp_path)
    assert names_in(tmp_path) == sorted([*before, *kept, "npm.current", index_name("npm", state.sha256)])


def test_a_leftover_that_cannot_go_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / ".npm-abc.building").mkdir()
    build(tmp_path)
    build(tmp_path)
    assert len(names_in(tmp_path)) == 3


def test_an_import_between_reading_the_name_and_opening_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(tmp_path, [advisory("A-1", ALL)])
    real = index_module.hash_index
    calls: list[Path] = []

    def replaced_meanwhile(path: Path) -> str:
        if not calls:
            calls.append(path)
            build(tmp_path, [advisory("A-2", ALL)])
        return real(path)

    monkeypatch.setattr(index_module, "hash_index", replaced_meanwhile)
    with AdvisoryIndex.open(tmp_path, "npm") as index:
        assert [one.id for one in index.lookup("x")] == ["A-2"]


def test_an_import_between_hashing_and_opening_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(tmp_path, [advisory("A-1", ALL)])
    real = index_module._connect
    calls: list[Path] = []

    def replaced_meanwhile(path: Path) -> sqlite3.Connection:
        if not calls:
            calls.append(path)
            build(tmp_path, [advisory("A-2", ALL)])
        return real(path)

    monkeypatch.setattr(index_module, "_connect", replaced_meanwhile)
    with AdvisoryIndex.open(tmp_path, "npm") as index:
        assert [one.id for one in index.lookup("x")] == ["A-2"]


def test_an_index_that_vanishes_again_and_again_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(tmp_path, [advisory("A-1", ALL)])
    rounds = iter(range(100))
    monkeypatch.setattr(index_module, "pointer_of", lambda *_: index_name("npm", f"{next(rounds):064x}"))
    assert code_of(tmp_path) == "db.damaged"


def test_a_database_that_sqlite_cannot_open_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(tmp_path)

    def refuse(_: Path) -> sqlite3.Connection:
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr(index_module, "_connect", refuse)
    assert code_of(tmp_path) == "db.damaged"


def test_a_name_that_means_something_in_a_uri_is_only_a_name(tmp_path: Path) -> None:
    folder = tmp_path / "a?mode=rwc#b%41 c"
    build(folder)
    with AdvisoryIndex.open(folder, "npm") as index:
        assert index.lookup("left-padding")


def test_a_folder_whose_name_is_not_text_is_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    build(folder)
    with AdvisoryIndex.open(folder, "npm") as index:
        assert index.lookup("left-padding")


def test_a_folder_that_may_not_be_written_can_be_asked(tmp_path: Path) -> None:
    build(tmp_path)
    before = names_in(tmp_path)
    tmp_path.chmod(0o555)
    try:
        with AdvisoryIndex.open(tmp_path, "npm") as index:
            assert index.lookup("left-padding")
    finally:
        tmp_path.chmod(0o755)
    assert names_in(tmp_path) == before


def _import_some(folder: str, number: int, rounds: int) -> None:
    for n in range(rounds):
        given = [advisory(f"A-{number}-{n}", ALL), *(advisory(f"B-{k}", affected(f"p{k}")) for k in range(50))]
        build_index(folder, "npm", given, exported_at=EXPORTED, imported_at=NOW + timedelta(seconds=n), source="s")


def test_imports_at_the_same_time_lose_and_break_nothing(tmp_path: Path) -> None:
    _import_some(str(tmp_path), 9, 1)
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_import_some, args=(str(tmp_path), n, 5)) for n in range(3)]
    for worker in workers:
        worker.start()
    seen = set()
    while any(worker.is_alive() for worker in workers):
        with AdvisoryIndex.open(tmp_path, "npm") as index:  # never missing, never damaged
            (found,) = index.lookup("x")
            seen.add(found.id)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert len(names_in(tmp_path)) == 2
    assert seen

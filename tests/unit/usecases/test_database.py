"""Importing advisories: every layout, every refusal, and the old data in use whatever happens."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.osv_kit import FIXTURES, NOW, affected, make_zip, range_of, record_bytes
from vxsec.errors import FormatError, NetworkError, UndecidedError, UsageError, VxsecError
from vxsec.host.http_message import HttpResponse
from vxsec.scanning.index import AdvisoryIndex
from vxsec.usecases.database import fetch as database_fetch
from vxsec.usecases.database import sources as database_sources
from vxsec.usecases.database.folder import default_database_folder
from vxsec.usecases.database.maintain import (
    database_report,
    database_states,
    import_database,
    update_database,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vxsec.model.scan import DatabaseState

EXPORTED = datetime(2026, 11, 20, 9, tzinfo=UTC)
NEWEST = datetime(2026, 11, 20, 8, tzinfo=UTC)
NPM = {path.name: path.read_bytes() for path in sorted((FIXTURES / "npm").glob("*.json"))}
PYTHON = {path.name: path.read_bytes() for path in sorted((FIXTURES / "PyPI").glob("*.json"))}
GO = {"GO-1.json": record_bytes("GO-1", affected("x", ecosystem="Go"))}
OPEN = affected("x", range_of(("introduced", "0")))
OTHERS = {f"P-{n}.json": record_bytes(f"P-{n}", affected(f"p{n}", ecosystem="PyPI")) for n in range(20)}


class Told(list[str]):
    """Everything that was told."""

    def __call__(self, line: str) -> None:
        self.append(line)


def write(path: Path, files: Mapping[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(make_zip(files))
    return path


def write_folder(path: Path, files: Mapping[str, bytes]) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (path / name).write_bytes(data)
    return path


def bring(tmp_path: Path, *sources: Path, **more: Any) -> list[DatabaseState]:
    return import_database(sources, directory=tmp_path / "db", now=NOW, **more)


def found(tmp_path: Path, ecosystem: str, name: str) -> list[str]:
    with AdvisoryIndex.open(tmp_path / "db", ecosystem) as index:
        return [one.id for one in index.lookup(name)]


# -- layouts -----------------------------------------------------------------------------------------------------------


def a_zip(root: Path) -> Path:
    return write(root / "npm.zip", NPM)


def a_zip_in_capitals(root: Path) -> Path:
    return write(root / "NPM.zip", NPM)


def the_public_layout(root: Path) -> Path:
    return write(root / "npm" / "all.zip", NPM)


def the_public_folder(root: Path) -> Path:
    return write(root / "npm" / "all.zip", NPM).parent


def the_public_folder_with_its_records(root: Path) -> Path:
    return write_folder(write(root / "npm" / "all.zip", NPM).parent, GO)


def a_named_folder(root: Path) -> Path:
    return write_folder(root / "npm", {**NPM, "modified_id.csv": b"x", "README.md": b"x"})


def a_zip_of_any_name(root: Path) -> Path:
    return write(root / "export-of-today.zip", NPM)


def a_folder_of_any_name(root: Path) -> Path:
    return write_folder(root / "records", NPM)


def all_zip_in_any_folder(root: Path) -> Path:
    return write(root / "downloads" / "all.zip", NPM)


LAYOUTS: dict[str, Callable[[Path], Path]] = {
    "a zip named after its ecosystem": a_zip,
    "a zip named in capitals": a_zip_in_capitals,
    "npm/all.zip": the_public_layout,
    "a folder with all.zip": the_public_folder,
    "a folder with all.zip and the same records": the_public_folder_with_its_records,
    "a folder of records named after its ecosystem": a_named_folder,
    "a zip whose records agree": a_zip_of_any_name,
    "a folder whose records agree": a_folder_of_any_name,
    "all.zip in a folder that says nothing": all_zip_in_any_folder,
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_every_layout_gives_the_same(tmp_path: Path, layout: Callable[[Path], Path]) -> None:
    (state,) = bring(tmp_path, layout(tmp_path / "in"))
    assert (state.ecosystem, state.advisories, state.packages) == ("npm", 11, 9)
    assert (state.exported_at, state.imported_at) == (NEWEST, NOW)
    assert found(tmp_path, "npm", "left-padding") == ["GHSA-mal1-left-pad1", "MAL-2026-1001"]


@pytest.mark.parametrize("names", [("npm.zip", "PyPI.zip", "Go.zip"), ("npm/all.zip", "PyPI/all.zip", "Go/all.zip")])
def test_a_folder_of_archives_gives_what_can_be_evaluated(tmp_path: Path, names: Sequence[str]) -> None:
    for name, files in zip(names, (NPM, PYTHON, GO), strict=True):
        write(tmp_path / "in" / name, files)
    told = Told()
    states = bring(tmp_path, tmp_path / "in", progress=told)
    assert sorted((state.ecosystem, state.source) for state in states) == [("npm", names[0]), ("pypi", names[1])]
    assert [line for line in told if "passed over" in line] == [
        f"{names[2]} is passed over: advisories of npm and PyPI can be evaluated"
    ]


def test_a_folder_of_archives_gives_only_what_is_asked_for(tmp_path: Path) -> None:
    write(tmp_path / "in" / "npm.zip", NPM)
    write(tmp_path / "in" / "PyPI.zip", PYTHON)
    told = Told()
    (state,) = bring(tmp_path, tmp_path / "in", ecosystem="PyPI", progress=told)
    assert state.ecosystem == "pypi"
    assert "npm.zip is passed over: it was not asked for" in told


def test_several_sources_of_one_ecosystem_become_one(tmp_path: Path) -> None:
    own = write_folder(
        tmp_path / "own" / "npm", {"MAL-0.json": record_bytes("MAL-0", OPEN, modified="2026-01-01T00:00:00Z")}
    )
    (state,) = bring(tmp_path, write(tmp_path / "npm.zip", NPM), own)
    assert state.advisories == 12
    assert state.source == "npm.zip, npm"
    assert state.exported_at == datetime(2026, 1, 1, tzinfo=UTC)  # as old as the older of the two
    (state,) = bring(tmp_path, tmp_path / "npm.zip", own, exported_at=EXPORTED)
    assert state.exported_at == EXPORTED


def test_the_caller_s_word_counts_before_names(tmp_path: Path) -> None:
    both = {**PYTHON, **{name: data for name, data in NPM.items() if "tmpl-aaaa" in name}}
    told = Told()
    (state,) = bring(tmp_path, write(tmp_path / "npm.zip", both), ecosystem="pypi", progress=told)
    assert (state.ecosystem, found(tmp_path, "pypi", "example-template")) == ("pypi", ["GHSA-tmpl-aaaa-0001"])
    (state,) = bring(tmp_path, tmp_path / "npm.zip", ecosystem="NPM", progress=told)
    assert state.advisories == 1
    assert told[-2] == "npm.zip: 4 records name no npm package and are passed over"


def test_the_age_is_what_the_caller_says_and_never_now(tmp_path: Path) -> None:
    path = a_zip(tmp_path)
    (state,) = bring(tmp_path, path, exported_at=EXPORTED)
    assert state.exported_at == EXPORTED
    (state,) = bring(tmp_path, path, exported_at=NOW + timedelta(minutes=3))
    assert state.exported_at == NOW  # a clock that is a little ahead


def test_progress_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vxsec.usecases.database.sources._EVERY", 5)
    told = Told()
    bring(tmp_path, a_zip(tmp_path), progress=told)
    assert told == [
        "npm.zip: 5 records read", "npm.zip: 10 records read", "npm.zip: 11 advisories about 9 packages",
    ]  # fmt: skip


def test_without_an_argument_the_folder_is_the_user_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VXSEC_DB", str(tmp_path / "db"))
    import_database([a_zip(tmp_path)])
    assert [state.ecosystem for state in database_states()] == ["npm"]
    assert database_report(max_age=None).directory == str(tmp_path / "db")


# -- what is refused, with the old data still in use -------------------------------------------------------------------


def few_unreadable(root: Path) -> Path:
    records = {f"A-{n}.json": record_bytes(f"A-{n}", OPEN) for n in range(400)}
    return write(
        root / "npm.zip",
        {**records, "broken.json": b"{", "README.md": b"x", "B-1.json": record_bytes("B-2"), "C-1.json": b""},
    )


def test_a_few_unreadable_records_are_told_and_counted(tmp_path: Path) -> None:
    told = Told()
    (state,) = bring(tmp_path, few_unreadable(tmp_path), progress=told)
    assert state.advisories == 400
    assert told[:4] == [
        "npm.zip: 4 of 404 records could not be read and are missing",
        "    broken.json: not JSON: Expecting property name enclosed in double quotes at line 1 column 2 [json.syntax]",
        "    README.md: expected a file called like its advisory, ID.json [osv.file-name]",
        "    B-1.json: the record says that its id is 'B-2' [osv.file-name]",
    ]
    (entry,) = database_report(tmp_path / "db", max_age=None).databases
    assert entry.unreadable == 4


def test_a_record_too_large_to_read_is_one_that_cannot_be_read(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "npm", {f"A-{n}.json": record_bytes(f"A-{n}", OPEN) for n in range(200)})
    (folder / "A-200.json").write_bytes(b" " * (5 << 20) + record_bytes("A-200", OPEN))
    told = Told()
    bring(tmp_path, folder, progress=told)
    assert told[0] == "npm: 1 of 201 records could not be read and are missing"
    assert "[file.too-large]" in told[1]


def zip_of(files: Mapping[str, bytes], name: str = "npm.zip") -> Callable[[Path], Path]:
    return lambda root: write(root / name, files)


def raw(data: bytes) -> Callable[[Path], Path]:
    def make(root: Path) -> Path:
        (root / "npm.zip").write_bytes(data)
        return root / "npm.zip"

    return make


def folder_of(files: Mapping[str, bytes], name: str = "npm") -> Callable[[Path], Path]:
    return lambda root: write_folder(root / name, files)


def mixed(root: Path) -> Path:
    write(root / "in" / "npm.zip", NPM)
    return write_folder(root / "in", GO)


WHOLE = make_zip(NPM)
EVIL = WHOLE.replace(b"GHSA-case", b"../GHSA-c", 2)
REFUSED: dict[str, tuple[Callable[[Path], Path], type[VxsecError], str]] = {
    "nothing there": (lambda root: root / "npm.zip", UsageError, "file.missing"),
    "no archive": (raw(b"<html>"), FormatError, "zip.not-zip"),
    "an archive that is cut": (raw(WHOLE[:-30]), FormatError, "zip.truncated"),
    "an archive with a changed byte": (raw(WHOLE[:100] + b"\x00" + WHOLE[101:]), FormatError, "zip.deflate"),
    "an archive that climbs": (raw(EVIL), FormatError, "zip.path"),
    "one unreadable record of twelve": (zip_of({**NPM, "broken.json": b"{"}), FormatError, "osv.unreadable"),
    "records under other names": (zip_of({"A-1.json": record_bytes("A-2", OPEN)}), FormatError, "osv.unreadable"),
    "records in a folder of the archive": (
        zip_of({"npm/A-1.json": record_bytes("A-1", OPEN)}), FormatError, "osv.unreadable",
    ),
    "an archive of nothing": (zip_of({}), UndecidedError, "db.empty"),
    "a folder of nothing": (folder_of({}), UndecidedError, "db.empty"),
    "a folder of other files": (folder_of({"README.md": b"x"}), UndecidedError, "db.empty"),
    "records that are all withdrawn": (
        zip_of({"A-1.json": record_bytes("A-1", OPEN, withdrawn="2026-01-01T00:00:00Z")}), UndecidedError, "db.empty",
    ),
    "records of another ecosystem under this name": (zip_of(GO), UndecidedError, "db.empty"),
    "data of another ecosystem under this name, with one record that fits": (
        zip_of({**OTHERS, "A-1.json": record_bytes("A-1", OPEN)}), UsageError, "db.ecosystem",
    ),
    "records that name no package at all": (
        zip_of({**{f"E-{n}.json": record_bytes(f"E-{n}") for n in range(5)}, **NPM}), UsageError, "db.ecosystem",
    ),
    "an ecosystem that cannot be evaluated": (zip_of(GO, "Go.zip"), UsageError, "db.ecosystem"),
    "records that do not agree": (zip_of({**PYTHON, **NPM}, "all.zip"), UsageError, "db.ecosystem"),
    "records that could be either": (
        zip_of({"A-1.json": record_bytes("A-1", OPEN, affected("y", ecosystem="PyPI"))}, "x.zip"), UsageError, "db.ecosystem",
    ),
    "records that say nothing": (zip_of({"A-1.json": record_bytes("A-1")}, "x.zip"), UsageError, "db.ecosystem"),
    "an archive of any name with nothing that can be read": (zip_of({"A-1.json": b"{"}, "x.zip"), UsageError, "db.ecosystem"),
    "a folder of archives that cannot be evaluated": (
        lambda root: write(root / "in" / "Go.zip", GO).parent, UsageError, "db.ecosystem",
    ),
    "records and archives in one folder": (mixed, UsageError, "db.mixed"),
    "a record from the future": (
        zip_of({"A-1.json": record_bytes("A-1", OPEN, modified="2026-12-01T00:00:00Z")}), FormatError, "osv.future",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "kind", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_a_refused_import_leaves_the_old_data_in_use(
    tmp_path: Path, make: Callable[[Path], Path], kind: type[VxsecError], code: str
) -> None:
    old = bring(tmp_path, write(tmp_path / "old" / "npm.zip", NPM))
    (tmp_path / "new").mkdir()
    with pytest.raises(kind) as caught:
        bring(tmp_path, make(tmp_path / "new"))
    assert caught.value.code == code
    assert caught.value.hint
    assert database_states(tmp_path / "db") == old
    assert len(list((tmp_path / "db").iterdir())) == 2


def test_another_ecosystem_s_data_is_refused_in_the_words_of_what_was_found(tmp_path: Path) -> None:
    files = {**OTHERS, **GO, "A-1.json": record_bytes("A-1", OPEN)}
    path = write(tmp_path / "export.zip", files)
    with pytest.raises(UsageError) as caught:
        bring(tmp_path, path, ecosystem="npm")
    assert (caught.value.code, caught.value.exit_status) == ("db.ecosystem", 2)
    assert caught.value.message == "21 of 22 records are not about npm packages, but about PyPI (20), Go (1)"
    assert caught.value.hint == "check that this is the right data; give it as what it is: --ecosystem PyPI"
    assert not (tmp_path / "db").exists()


@pytest.mark.parametrize(
    ("own", "foreign", "refused"),
    [
        pytest.param(1, 4, False, id="a handful may be foreign whatever their share"),
        pytest.param(1, 5, True, id="one more may not"),
        pytest.param(45, 5, False, id="one in ten may be foreign"),
        pytest.param(44, 5, True, id="more than one in ten may not"),
    ],
)
def test_how_much_may_be_about_another_ecosystem(tmp_path: Path, own: int, foreign: int, *, refused: bool) -> None:
    files = {f"A-{n}.json": record_bytes(f"A-{n}", OPEN) for n in range(own)}
    path = write(tmp_path / "npm.zip", {**files, **dict(list(OTHERS.items())[:foreign])})
    if not refused:
        assert [state.advisories for state in bring(tmp_path, path)] == [own]
        return
    with pytest.raises(UsageError) as caught:
        bring(tmp_path, path)
    assert caught.value.code == "db.ecosystem"


@pytest.mark.parametrize("name", ["npm.zip", "any.zip"])
def test_reading_stops_when_too_many_cannot_be_read(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def count(name: str, data: bytes) -> object:
        read.append(name)
        return _record(name, data)

    _record = database_sources._record
    monkeypatch.setattr(database_sources, "_record", count)
    path = write(tmp_path / name, {f"A-{n:03}.json": b"{}" for n in range(500)})
    with pytest.raises(VxsecError) as caught:
        bring(tmp_path, path)
    assert caught.value.code == ("osv.unreadable" if name == "npm.zip" else "db.ecosystem")
    assert len(read) == 6  # five of five hundred are allowed


def test_the_same_records_twice_are_refused(tmp_path: Path) -> None:
    path = a_zip(tmp_path)
    with pytest.raises(FormatError) as caught:
        bring(tmp_path, path, path)
    assert caught.value.code == "osv.duplicate"


def test_nothing_is_written_before_everything_is_read(tmp_path: Path) -> None:
    with pytest.raises(FormatError):
        bring(tmp_path, a_zip(tmp_path), write(tmp_path / "PyPI.zip", {"A-1.json": b"{"}))
    assert not (tmp_path / "db").exists()


@pytest.mark.parametrize(
    ("more", "code"),
    [
        pytest.param({"exported_at": NOW + timedelta(minutes=6)}, "db.future", id="data from the future"),
        pytest.param({"exported_at": datetime(2026, 1, 1)}, "time.naive", id="a time without an offset"),  # noqa: DTZ001
        pytest.param({"ecosystem": "Go"}, "db.ecosystem", id="an ecosystem that cannot be evaluated"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(tmp_path: Path, more: dict[str, Any], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        bring(tmp_path, a_zip(tmp_path), **more)
    assert caught.value.code == code


def test_no_sources_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        bring(tmp_path)
    assert caught.value.code == "usage.no-files"


# -- fetching ----------------------------------------------------------------------------------------------------------


class Bucket:
    """Answers in place of the network, and notes what was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: dict[str, HttpResponse] = {}
        self.asked: list[tuple[str, datetime | None]] = []
        monkeypatch.setattr(database_fetch, "fetch_export", self.fetch)

    def put(self, path: str, body: bytes, *, status: int = 200, **headers: str) -> None:
        url = f"https://osv.example.test{path}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[url] = HttpResponse(status=status, headers=named, body=body, url=url)

    def fetch(self, url: str, *, since: datetime | None, unsafe_http: Sequence[str]) -> HttpResponse:
        assert unsafe_http == ()
        self.asked.append((url, since))
        return self.answers[url]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    return Bucket(monkeypatch)


def update(tmp_path: Path, **more: Any) -> list[DatabaseState]:
    base = more.pop("base_url", "https://osv.example.test/")
    return update_database(base_url=base, directory=tmp_path / "db", now=NOW, **more)


STAMP = "Fri, 20 Nov 2026 09:00:00 GMT"


def test_what_is_fetched_is_as_old_as_the_server_says(tmp_path: Path, bucket: Bucket) -> None:
    bucket.put("/npm/all.zip", WHOLE, last_modified=STAMP)
    (state,) = update(tmp_path)
    assert (state.exported_at, state.source) == (EXPORTED, "https://osv.example.test/npm/all.zip")
    assert bucket.asked == [("https://osv.example.test/npm/all.zip", None)]


def test_what_has_not_changed_is_kept_and_told(tmp_path: Path, bucket: Bucket) -> None:
    bucket.put("/npm/all.zip", WHOLE, last_modified=STAMP)
    before = update(tmp_path)
    bucket.put("/npm/all.zip", b"", status=304)
    told = Told()
    assert update(tmp_path, progress=told) == before
    assert bucket.asked[-1][1] == EXPORTED
    assert told[-1] == "npm: not changed since 2026-11-20T09:00:00Z"


def test_what_came_from_elsewhere_or_is_damaged_is_fetched_whole(tmp_path: Path, bucket: Bucket) -> None:
    bring(tmp_path, a_zip(tmp_path))
    bucket.put("/npm/all.zip", WHOLE, last_modified=STAMP)
    update(tmp_path)
    assert bucket.asked[-1][1] is None
    next((tmp_path / "db").glob("*.sqlite")).write_bytes(b"x")
    update(tmp_path)
    assert bucket.asked[-1][1] is None
    assert database_states(tmp_path / "db")


def test_several_ecosystems_are_fetched_each_once(tmp_path: Path, bucket: Bucket) -> None:
    bucket.put("/npm/all.zip", WHOLE)
    bucket.put("/PyPI/all.zip", make_zip(PYTHON))
    states = update(tmp_path, ecosystems=("npm", "pypi", "PyPI"), base_url="https://osv.example.test")
    assert [state.ecosystem for state in states] == ["npm", "pypi"]
    assert states[0].exported_at == NEWEST  # the server does not say


@pytest.mark.parametrize("stamp", ["", "yesterday", "Fri, 99 Nov 2026 09:00:00 GMT", "Sat, 01 Jan 2000 00:00:00 +9959"])
def test_a_time_that_cannot_be_read_counts_as_none(tmp_path: Path, bucket: Bucket, stamp: str) -> None:
    bucket.put("/npm/all.zip", WHOLE, last_modified=stamp)
    assert update(tmp_path)[0].exported_at == NEWEST


def test_a_server_a_little_ahead_is_believed_up_to_now(tmp_path: Path, bucket: Bucket) -> None:
    bucket.put("/npm/all.zip", WHOLE, last_modified="Sat, 21 Nov 2026 12:03:00 GMT")
    assert update(tmp_path)[0].exported_at == NOW


FAILED: dict[str, tuple[dict[str, Any], type[VxsecError], str]] = {
    "not there": ({"body": b"no", "status": 404}, NetworkError, "network.status"),
    "broken": ({"body": b"no", "status": 500}, NetworkError, "network.status"),
    "unchanged although nobody asked": ({"body": b"", "status": 304}, NetworkError, "network.status"),
    "a login page": ({"body": b"<html>"}, FormatError, "zip.not-zip"),
    "cut": ({"body": WHOLE[:-9]}, FormatError, "zip.truncated"),
    "of another ecosystem": ({"body": make_zip(GO)}, UndecidedError, "db.empty"),
    "from the future": (
        {"body": WHOLE, "last_modified": "Sat, 21 Nov 2026 13:00:00 GMT"},
        NetworkError,
        "network.future",
    ),
}


@pytest.mark.parametrize(("answer", "kind", "code"), FAILED.values(), ids=FAILED.keys())
def test_an_answer_that_is_no_export_changes_nothing(
    tmp_path: Path, bucket: Bucket, answer: dict[str, Any], kind: type[VxsecError], code: str
) -> None:
    old = bring(tmp_path, a_zip(tmp_path))
    bucket.put("/npm/all.zip", **answer)
    with pytest.raises(kind) as caught:
        update(tmp_path)
    assert caught.value.code == code
    assert database_states(tmp_path / "db") == old


def test_an_unknown_ecosystem_is_refused_before_anything_is_asked(tmp_path: Path, bucket: Bucket) -> None:
    with pytest.raises(UsageError) as caught:
        update(tmp_path, ecosystems=("npm", "../secret"))
    assert caught.value.code == "db.ecosystem"
    assert bucket.asked == []


# -- judging -----------------------------------------------------------------------------------------------------------


def test_states_tell_what_is_there(tmp_path: Path) -> None:
    made = bring(tmp_path, a_zip(tmp_path), write(tmp_path / "PyPI.zip", PYTHON), exported_at=EXPORTED)
    assert database_states(tmp_path / "db") == made


def test_states_of_nothing_are_missing(tmp_path: Path) -> None:
    with pytest.raises(UndecidedError) as caught:
        database_states(tmp_path / "db")
    assert caught.value.code == "db.missing"


def codes(tmp_path: Path, **more: Any) -> tuple[dict[str, str | None], int]:
    report = database_report(tmp_path / "db", **({"now": NOW} | more))
    return {entry.ecosystem: entry.code for entry in report.databases}, report.exit_status


def test_fresh_data_is_fresh_to_the_second(tmp_path: Path) -> None:
    bring(tmp_path, a_zip(tmp_path), exported_at=EXPORTED)
    assert codes(tmp_path) == ({"npm": None}, 0)
    assert codes(tmp_path, now=EXPORTED + timedelta(days=3)) == ({"npm": None}, 0)
    assert codes(tmp_path, now=EXPORTED + timedelta(days=3, seconds=1)) == ({"npm": "db.too-old"}, 4)
    assert codes(tmp_path, max_age=timedelta(hours=1)) == ({"npm": "db.too-old"}, 4)
    assert codes(tmp_path, max_age=None) == ({"npm": None}, 0)
    assert codes(tmp_path, at=EXPORTED - timedelta(days=1)) == ({"npm": "db.future"}, 4)


def test_what_must_be_there_and_is_not_is_missing(tmp_path: Path) -> None:
    assert codes(tmp_path) == ({"npm": "db.missing"}, 4)
    bring(tmp_path, a_zip(tmp_path), exported_at=EXPORTED)
    assert codes(tmp_path, ecosystems=("npm", "PyPI")) == ({"npm": None, "pypi": "db.missing"}, 4)


def test_damage_is_told_with_its_repair(tmp_path: Path) -> None:
    bring(tmp_path, a_zip(tmp_path), exported_at=EXPORTED)
    next((tmp_path / "db").glob("*.sqlite")).write_bytes(b"x")
    (entry,) = database_report(tmp_path / "db", now=NOW).databases
    assert (entry.code, entry.state) == ("db.damaged", None)
    assert "vxsec db update --ecosystem npm" in (entry.hint or "")


def test_the_report_counts_malware(tmp_path: Path) -> None:
    bring(tmp_path, a_zip(tmp_path), exported_at=EXPORTED)
    report = database_report(tmp_path / "db", at=NOW)
    assert (report.databases[0].malware, report.as_of, report.judged_at) == (3, True, NOW)


# -- where it lies -----------------------------------------------------------------------------------------------------


def test_the_folder_comes_from_the_environment_or_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert default_database_folder() == Path("/home/someone/.local/share/vxsec/osv")
    monkeypatch.setenv("XDG_DATA_HOME", "relative, which the specification tells to pass over")
    assert default_database_folder() == Path("/home/someone/.local/share/vxsec/osv")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_database_folder() == Path("/data/vxsec/osv")
    monkeypatch.setenv("VXSEC_DB", "here")
    assert default_database_folder() == Path("here")


def test_without_any_home_the_option_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)

    def nobody() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", nobody)
    with pytest.raises(UsageError) as caught:
        default_database_folder()
    assert caught.value.code == "db.no-home"


def test_the_fixtures_are_one_folder_that_can_be_imported(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES, tmp_path / "osv")
    states = bring(tmp_path, tmp_path / "osv")
    assert sorted((state.ecosystem, state.advisories, state.source) for state in states) == [
        ("npm", 11, "npm"), ("pypi", 4, "PyPI"),
    ]  # fmt: skip
    assert json.loads((FIXTURES / "npm" / "MAL-2026-1001.json").read_text(encoding="utf-8"))["id"] == "MAL-2026-1001"

"""``vxsec db``: what it answers, with which status, and what lies in the folder afterwards."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.osv_bucket import Bucket, running
from support.osv_kit import FIXTURES, affected, make_zip, range_of, record_bytes
from support.published_schemas import published_errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.conftest import Answer, Program, Vxsec

EXPORTED = "2026-11-20T09:00:00Z"
NPM = {path.name: path.read_bytes() for path in sorted((FIXTURES / "npm").glob("*.json"))}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    Path("npm.zip").write_bytes(make_zip(NPM))


def document(answer: Answer, status: int) -> dict[str, Any]:
    """The JSON, held to its schema, which notices each missing and each additional member."""
    assert answer.status == status, answer.out + answer.err
    found: dict[str, Any] = answer.json
    assert found["exitStatus"] == status
    assert published_errors(found) == []
    for path in ([], ["databases", 0], ["databases", 0, "data"], ["databases", 0, "problem"]):
        if reach(found, path) is None:
            continue
        grown = copy.deepcopy(found)
        reach(grown, path)["extra"] = 1
        assert published_errors(grown) != []
        for key in reach(found, path):
            shrunk = copy.deepcopy(found)
            del reach(shrunk, path)[key]
            assert key == "schema" or published_errors(shrunk) != []
    return found


def reach(value: Any, path: list[Any]) -> Any:
    for step in path:
        value = value[step]
    return value


def test_import_and_status(vxsec_run: Vxsec) -> None:
    made = vxsec_run("db", "import", "npm.zip", "--exported-at", EXPORTED, "--db", "db")
    assert made.status == 0
    assert made.out.splitlines()[:4] == [
        "advisory database in db",
        "npm  in place",
        "    11 advisories (3 malware) about 9 packages",
        made.out.splitlines()[3],
    ]
    assert made.out.splitlines()[3].startswith("    data of 2026-11-20T09:00:00Z, ")
    assert made.err.splitlines()[0] == "npm.zip: 11 advisories about 9 packages"
    fresh = vxsec_run("db", "status", "--db", "db", "--at", "2026-11-21T09:00:00Z")
    assert (fresh.status, fresh.out.splitlines()[1], fresh.err) == (0, "npm  fresh", "")
    assert "24 hours old" in fresh.out
    old = vxsec_run("db", "status", "--db", "db", "--at", "2026-11-24T09:00:00Z")
    assert (old.status, old.out.splitlines()[1]) == (4, "npm  too-old")
    assert "vxsec db update" in old.out
    assert vxsec_run("db", "status", "--db", "db", "--at", "2026-11-24T09:00:00Z", "--max-age", "P7D").status == 0
    assert vxsec_run("db", "status", "--db", "db", "--at", EXPORTED, "--max-age", "P0D").status == 2


def test_json_is_what_its_schema_says(vxsec_run: Vxsec) -> None:
    made = document(vxsec_run("db", "import", "npm.zip", "--exported-at", EXPORTED, "--db", "db", "--json"), 0)
    assert (made["maxAgeSeconds"], made["asOf"]) == (None, False)
    assert made["databases"][0]["data"]["malware"] == 3
    at = ("--db", "db", "--json", "--at")
    assert document(vxsec_run("db", "status", *at, "2026-11-21T09:00:00Z"), 0)["asOf"] is True
    old = document(vxsec_run("db", "status", *at, "2026-12-21T09:00:00Z"), 4)
    assert old["databases"][0]["problem"]["code"] == "db.too-old"
    future = document(vxsec_run("db", "status", *at, "2026-11-01T09:00:00Z"), 4)
    assert future["databases"][0]["problem"]["code"] == "db.future"
    missing = document(vxsec_run("db", "status", *at, EXPORTED, "--ecosystem", "PyPI"), 4)
    assert missing["databases"][0]["problem"]["code"] == "db.missing"
    next(Path("db").glob("*.sqlite")).write_bytes(b"x")
    damaged = document(vxsec_run("db", "status", *at, EXPORTED), 4)
    assert (damaged["databases"][0]["problem"]["code"], damaged["databases"][0]["data"]) == ("db.damaged", None)


def test_nothing_there_is_four_and_says_how_to_fill_it(vxsec_run: Vxsec) -> None:
    answer = vxsec_run("db", "status", "--db", "nowhere")
    assert (answer.status, answer.out.splitlines()[:2]) == (4, ["advisory database in nowhere", "npm  missing"])
    assert "vxsec db update --ecosystem npm" in answer.out
    assert not Path("nowhere").exists()


def test_the_folder_is_the_option_s_else_the_variable_s_else_the_user_s(
    vxsec_run: Vxsec, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert vxsec_run("db", "import", "npm.zip", "-q").status == 0
    assert Path("home/.local/share/vxsec/osv/npm.current").is_file()
    monkeypatch.setenv("VXSEC_DB", "variable")
    assert vxsec_run("db", "import", "npm.zip", "-q").status == 0
    assert Path("variable/npm.current").is_file()
    assert vxsec_run("db", "import", "npm.zip", "-q", "--db", "option").status == 0
    assert Path("option/npm.current").is_file()


def test_both_ecosystems_and_their_names(vxsec_run: Vxsec) -> None:
    answer = vxsec_run("db", "import", FIXTURES / "npm", FIXTURES / "PyPI", "--db", "db", "--json")
    assert [entry["ecosystem"] for entry in document(answer, 0)["databases"]] == ["npm", "pypi"]
    wrong = vxsec_run("db", "import", "npm.zip", "--ecosystem", "pypi", "--db", "db")
    assert (wrong.status, "error[db.ecosystem]" in wrong.err) == (2, True)
    assert vxsec_run("db", "import", "npm.zip", "--ecosystem", "Go", "--db", "db").status == 2


def test_old_data_is_taken_and_said_to_be_old(vxsec_run: Vxsec) -> None:
    answer = vxsec_run("db", "import", "npm.zip", "--exported-at", "2020-01-01T00:00:00Z", "--db", "db")
    assert answer.status == 0
    assert "note: the npm data is " in answer.err


def cut(data: bytes) -> bytes:
    return data[:-50]


def bomb(_: bytes) -> bytes:
    return make_zip({"A-1.json": record_bytes("A-1", details="x" * (5 << 20)), **NPM})


def empty(_: bytes) -> bytes:
    return make_zip({})


def unreadable(_: bytes) -> bytes:
    return make_zip({**NPM, "broken.json": b"{"})


def duplicated(data: bytes) -> bytes:
    return data.replace(b"GHSA-gitt-only-0001", b"GHSA-futu-re00-0001")


REFUSED: dict[str, tuple[Callable[[bytes], bytes], int, str]] = {
    "a file that is cut": (cut, 10, "zip.truncated"),
    "a bomb": (bomb, 10, "zip.too-large"),
    "two members of one name": (duplicated, 10, "zip.duplicate"),
    "an archive of nothing": (empty, 4, "db.empty"),
    "records that cannot be read": (unreadable, 10, "osv.unreadable"),
}


@pytest.mark.parametrize(("spoil", "status", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_names_the_repair_and_keeps_the_old_data(
    vxsec_run: Vxsec, spoil: Callable[[bytes], bytes], status: int, code: str
) -> None:
    assert vxsec_run("db", "import", "npm.zip", "--exported-at", EXPORTED, "--db", "db").status == 0
    before = sorted((path.name, path.read_bytes()) for path in Path("db").iterdir())
    Path("npm.zip").write_bytes(spoil(Path("npm.zip").read_bytes()))
    answer = vxsec_run("db", "import", "npm.zip", "--db", "db")
    assert (answer.status, answer.out) == (status, "")
    assert f"error[{code}]" in answer.err
    assert "hint: " in answer.err
    assert sorted((path.name, path.read_bytes()) for path in Path("db").iterdir()) == before


def test_usage_is_two(vxsec_run: Vxsec) -> None:
    for arguments in (
        ("import",),
        ("import", "gone.zip"),
        ("import", "npm.zip", "--exported-at", "yesterday"),
        ("import", "npm.zip", "--exported-at", "2999-01-01T00:00:00Z"),
        ("update", "--base-url", "http://osv.example.test"),
        ("update", "--base-url", "osv"),
        ("update", "--ecosystem", "Go"),
        ("status", "--max-age", "3 days"),
    ):
        answer = vxsec_run("db", *arguments)
        assert answer.status == 2, arguments
        assert "error[" in answer.err


def test_update_asks_the_address_it_is_given(vxsec_run: Vxsec) -> None:
    answer = vxsec_run(
        "db", "update", "--base-url", "http://127.0.0.1:9", "--db", "db"
    )  # the discard port: nobody there
    assert answer.status == 4
    assert answer.err.splitlines()[0] == "npm: asking http://127.0.0.1:9/npm/all.zip"
    assert "error[network.connect]" in answer.err
    assert not Path("db").exists()


@pytest.mark.parametrize("address", ["https://me:TOPSECRET@h.example.test", "https://me:TOPSECRET@h.example.test/ x"])
def test_update_repeats_no_password(vxsec_run: Vxsec, address: str) -> None:
    answer = vxsec_run("db", "update", "--base-url", address, "--db", "db")
    assert answer.status == 2
    assert "error[network.url]" in answer.err
    assert "TOPSECRET" not in answer.out + answer.err


def test_update_makes_the_database_and_then_asks_for_news(vxsec_run: Vxsec) -> None:
    with running(Bucket()) as bucket:
        made = vxsec_run("db", "update", "--base-url", bucket.url, "--db", "db", "--json")
        assert document(made, 0)["databases"][0]["data"]["exportedAt"] == EXPORTED
        again = vxsec_run("db", "update", "--base-url", bucket.url, "--db", "db")
        assert (again.status, again.err.splitlines()[1]) == (0, "npm: not changed since 2026-11-20T09:00:00Z")
        assert len(bucket.requests) == 2


def test_the_installed_program_does_the_same(program: Program, tmp_path: Path) -> None:
    records = {
        f"A-{n}.json": record_bytes(f"A-{n}", affected("left-padding", range_of(("introduced", "0")))) for n in range(3)
    }
    (tmp_path / "own.zip").write_bytes(make_zip(records))
    made = program("db", "import", "own.zip", "--db", "db", "--json", "-o", "answer.json", cwd=tmp_path)
    assert (made.status, made.out) == (0, "")
    assert json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))["databases"][0]["data"]["advisories"] == 3
    help_text = program("db", "--help", cwd=tmp_path)
    assert help_text.status == 0
    assert all(word in help_text.out for word in ("import", "update", "status"))

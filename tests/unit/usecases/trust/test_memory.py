"""What a machine remembers of a trust repository, and what it does where it cannot."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from support.trust_kit import Repository
from vxsec.errors import ConfigurationError, VerificationError
from vxsec.formats.trust_state import parse_trust_state, render_trust_state
from vxsec.usecases.trust.files import disk_name
from vxsec.usecases.trust.load import LoadedTrust, load_remembering
from vxsec.usecases.trust.memory import recall_versions, remember_versions, state_file
from vxsec.verification.tuf import verify_trust
from vxsec.verification.tuf_memory import remembered_versions

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def original() -> Repository:
    """Made once."""
    return Repository()


def write(repository: Repository, folder: Path) -> Path:
    """The repository as a folder."""
    for name, data in repository.files.items():
        path = folder / disk_name(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def load(repository: Repository, folder: Path, environ: dict[str, str], *, as_of: bool = False) -> LoadedTrust:
    return load_remembering(folder, now=repository.now, root_sha256=repository.pinned, environ=environ, as_of=as_of)


def test_the_first_load_remembers_and_the_second_writes_nothing(original: Repository, tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    folder = write(original, tmp_path / "trust")
    assert load(original, folder, environ).notes == ()
    path = tmp_path / ".local/state/vxsec/trust" / f"{original.pinned}.json"
    before = path.stat()
    assert before.st_mode & 0o777 == 0o600
    assert load(original, folder, environ).notes == ()
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert recall_versions(original.pinned, environ=environ) == remembered_versions(
        verify_trust(original.files.get, now=original.now, root_sha256=original.pinned)
    )


def test_an_older_state_is_refused_afterwards(original: Repository, tmp_path: Path) -> None:
    environ = {"XDG_STATE_HOME": str(tmp_path / "state")}
    newer = original.copy()
    newer.publish("root", "identities")
    load(newer, write(newer, tmp_path / "new"), environ)
    old = write(original, tmp_path / "old")
    with pytest.raises(VerificationError) as caught:
        load(original, old, environ)
    assert caught.value.code == "tuf.rollback"
    assert load(original, old, environ, as_of=True).verified.roles["root"].version == 1
    assert load(newer, tmp_path / "new", environ).verified.roles["root"].version == 2


def test_another_state_with_the_same_versions_is_refused_afterwards(original: Repository, tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    one, other = original.copy(), original.copy()
    one.publish("identities")
    other.publish("identities", "timestamp")
    other.change("timestamp.json", lambda signed: signed.update(expires="2098-01-01T00:00:00Z"), "online")
    load(one, write(one, tmp_path / "one"), environ)
    with pytest.raises(VerificationError) as caught:
        load(other, write(other, tmp_path / "other"), environ)
    assert caught.value.code == "tuf.fork"


def test_a_file_from_before_digests_were_kept_is_read_and_completed(original: Repository, tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    folder = write(original, tmp_path / "trust")
    load(original, folder, environ)
    path = state_file(original.pinned, environ=environ)
    assert path is not None
    whole = path.read_bytes()
    document = json.loads(whole)
    assert set(document.pop("digests")) == {"root", *document["versions"]}
    path.write_text(json.dumps(document), encoding="utf-8")
    state = recall_versions(original.pinned, environ=environ)
    assert state is not None
    assert (state.digests, state.versions) == ({}, document["versions"])
    load(original, folder, environ)
    assert path.read_bytes() == whole


def test_two_repositories_are_remembered_apart(original: Repository, tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    other = Repository(root_threshold=1)
    other.publish("identities")
    load(other, write(other, tmp_path / "other"), environ)
    assert load(original, write(original, tmp_path / "trust"), environ).verified.listed["identities"] == 1


PLACES = {
    "below the home": ({"HOME": "/home/x"}, "/home/x/.local/state/vxsec/trust/00.json"),
    "where XDG says": ({"HOME": "/home/x", "XDG_STATE_HOME": "/var/x"}, "/var/x/vxsec/trust/00.json"),
    "a relative folder counts as none": (
        {"HOME": "/home/x", "XDG_STATE_HOME": "x"},
        "/home/x/.local/state/vxsec/trust/00.json",
    ),
    "nowhere": ({}, "None"),
}


@pytest.mark.parametrize(("environ", "expected"), PLACES.values(), ids=PLACES.keys())
def test_where_it_lies(environ: dict[str, str], expected: str) -> None:
    assert str(state_file("00", environ=environ)) == expected


def test_a_machine_without_a_place_for_it_is_told_and_goes_on(original: Repository, tmp_path: Path) -> None:
    folder = write(original, tmp_path / "trust")
    (tmp_path / "file").write_bytes(b"")
    for environ in ({}, {"HOME": str(tmp_path / "file")}):
        assert recall_versions(original.pinned, environ={}) is None
        assert "are not remembered" in load(original, folder, environ).notes[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "no JSON",
        '{"schema":"other","root":1,"versions":{},"keys":{}}',
        "{" * 70_000,
        '{"schema":"urn:vxsec:trust-state:v1","root":1,"versions":{},"keys":{},"digests":{"root":1}}',
    ],
    ids=["empty", "without members", "no JSON", "another schema", "too large", "a digest that is none"],
)
def test_what_cannot_be_read_is_no_reason_to_believe_an_old_repository(
    original: Repository, tmp_path: Path, text: str
) -> None:
    environ = {"HOME": str(tmp_path)}
    folder = write(original, tmp_path / "trust")
    load(original, folder, environ)
    path = state_file(original.pinned, environ=environ)
    assert path is not None
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load(original, folder, environ)
    assert caught.value.code == "trust.state"
    assert str(path) in (caught.value.hint or "")
    path.unlink()
    path.mkdir()
    with pytest.raises(ConfigurationError) as caught:
        load(original, folder, environ)
    assert caught.value.code == "trust.state"


def test_another_process_that_saw_more_is_not_overwritten(original: Repository, tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    trust = verify_trust(original.files.get, now=original.now, root_sha256=original.pinned)
    assert remember_versions(trust, environ=environ) is None
    path = state_file(original.pinned, environ=environ)
    assert path is not None
    state = parse_trust_state(path.read_bytes(), where="state")
    more = replace(state, versions={**state.versions, "timestamp": 9})
    path.write_bytes(render_trust_state(more))
    assert remember_versions(trust, environ=environ) is None
    assert parse_trust_state(path.read_bytes(), where="state") == more

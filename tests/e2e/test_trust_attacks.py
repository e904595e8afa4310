"""Who can write to where a trust repository is kept, and has no key, gets nothing signed, moved or overwritten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.trust_kit import IDENTITIES, write_keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.conftest import Answer, Vxsec

SIGNER = ("--signer", "online.pem")


@pytest.fixture
def digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vxsec_run: Vxsec) -> str:
    """A repository of two people and an online key in ``trust``, in the current folder; the digest of its first root."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "CI"):
        monkeypatch.delenv(name, raising=False)
    write_keys(tmp_path, "alice", "bob", "ci", "online", "mallory")
    (tmp_path / "trust.yaml").write_bytes(IDENTITIES)
    roots = ("--root-key", "alice.pem", "--root-key", "bob.pem", "--online-key", "online.pem")
    made = vxsec_run("trust", "init", "trust", *roots, "--identities", "trust.yaml", "--json")
    return str(made.json["firstRootSha256"])


def refused(answer: Answer, code: str, status: int = 2) -> None:
    assert (answer.status, answer.out) == (status, ""), answer.out + answer.err
    assert f"error[{code}]" in answer.err
    assert "hint: " in answer.err


def everything(path: str) -> dict[str, bytes]:
    return {str(item): item.read_bytes() for item in sorted(Path(path).rglob("*")) if item.is_file()}


# -- what comes with a checkout ------------------------------------------------------------------------------------------


def _linked_metadata() -> None:
    Path("trust/metadata").rename("moved")
    Path("trust/metadata").symlink_to(Path("home/.ssh").absolute())
    Path("trust/.pending/metadata").mkdir(parents=True)
    Path("trust/.pending/metadata/authorized_keys").write_text("attack", encoding="utf-8")


def _linked_targets() -> None:
    Path("trust/targets").rename("moved")
    Path("trust/targets").symlink_to("../moved")


def _linked_pending() -> None:
    Path("trust/.pending").symlink_to(Path("home/.ssh").absolute())


def _named_like_nothing() -> None:
    Path("trust/.pending/metadata").mkdir(parents=True)
    Path("trust/.pending/metadata/authorized_keys").write_text("attack", encoding="utf-8")


def _above_the_folder() -> None:
    Path("trust/.pending/targets/identities/..x").mkdir(parents=True)
    Path("trust/.pending/targets/identities/..x/y").write_text("attack", encoding="utf-8")


def _not_signed() -> None:
    Path("trust/.pending/metadata").mkdir(parents=True)
    document = json.loads(Path("trust/metadata/timestamp.json").read_bytes())
    document["signed"]["version"] = 7
    Path("trust/.pending/metadata/timestamp.json").write_text(json.dumps(document), encoding="utf-8")


PLANTED: dict[str, tuple[Callable[[], None], str, int]] = {
    "a link where the metadata should be": (_linked_metadata, "file.link", 2),
    "a link where the targets should be": (_linked_targets, "file.link", 2),
    "a link to private files as a change that was left": (_linked_pending, "file.link", 2),
    "a left change with a file of another name": (_named_like_nothing, "file.unknown", 2),
    "a left change with a hidden folder": (_above_the_folder, "file.unknown", 2),
    "a left change that nobody signed": (_not_signed, "tuf.signatures", 10),
}


@pytest.mark.parametrize(("plant", "code", "status"), PLANTED.values(), ids=PLANTED.keys())
def test_what_came_with_a_checkout_moves_no_file(
    vxsec_run: Vxsec, digest: str, plant: Callable[[], None], code: str, status: int
) -> None:
    Path("home/.ssh").mkdir(parents=True)
    Path("home/.ssh/authorized_keys").write_text("mine", encoding="utf-8")
    plant()
    before = everything(".")
    refused(vxsec_run("trust", "refresh", "trust", *SIGNER, "--trust-root", digest), code, status)
    assert everything(".") == before

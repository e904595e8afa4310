"""What the functions refuse that the command line cannot even ask for, and files that are in the way."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from support.signing_kit import signer
from support.trust_kit import IDENTITIES, write_key, write_keys
from vxsec.errors import VxsecError
from vxsec.formats.public_key import render_public_key
from vxsec.host.clock import utc_now
from vxsec.usecases.trust.add import add_trust
from vxsec.usecases.trust.check import check_trust_repository
from vxsec.usecases.trust.commit import parse_documents
from vxsec.usecases.trust.draft import plain_signers
from vxsec.usecases.trust.files import is_trust_repository
from vxsec.usecases.trust.init import init_trust
from vxsec.usecases.trust.load import load_trust_repository
from vxsec.usecases.trust.rotate import refresh_trust, rotate_trust

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from vxsec.signing.signer import BundleSigner


@pytest.fixture(autouse=True)
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with keys and a repository of one key in ``trust``."""
    monkeypatch.chdir(tmp_path)
    write_keys(tmp_path, "alice", "ci")
    Path("trust.yaml").write_bytes(IDENTITIES)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    made = init_trust("trust", identities="trust.yaml", root_keys=["file:alice.pem"])
    PIN["root_sha256"] = made.first_root_sha256
    Path("p384.pub").write_bytes(render_public_key(signer("p384", "ecdsa-p384").spki))
    Path("broken.pub").write_text("-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n", encoding="utf-8")
    return tmp_path


ALICE = ["file:alice.pem"]
PIN: dict[str, Any] = {}
"""The digest of the repository's first root, once it is made."""


def _no_duration() -> timedelta:
    from datetime import timedelta

    return timedelta(0)


def _without_roots() -> object:
    for path in Path("trust/metadata").glob("*.root.json"):
        path.unlink()
    return check_trust_repository("trust")


def _empty_timestamp() -> object:
    Path("trust/metadata/timestamp.json").write_bytes(b"")
    return check_trust_repository("trust")


def _broken_export() -> object:
    Path("export.json").write_bytes(b'{"schema":"urn:vxsec:trust-export:v1","files":{')
    return check_trust_repository("export.json")


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "a role whose files come otherwise": (lambda: add_trust("trust", role="revocations", signers=ALICE), "trust.role"),
    "a role that there is not, to rotate": (lambda: rotate_trust("trust", role="mirrors", signers=ALICE), "trust.role"),
    "a role that there is not, to renew": (lambda: refresh_trust("trust", roles=["x"], signers=ALICE), "trust.role"),
    "no time at all": (
        lambda: refresh_trust("trust", signers=ALICE, valid_for=_no_duration(), **PIN),
        "trust.lifetime",
    ),
    "a key that TUF has no scheme for": (
        lambda: rotate_trust("trust", role="root", add=["p384.pub"], signers=ALICE, **PIN),
        "trust.key-kind",
    ),
    "a public key that is none": (
        lambda: rotate_trust("trust", role="root", add=["file:broken.pub"], signers=ALICE, **PIN),
        "trust.key-kind",
    ),
    "a variable that is not set": (
        lambda: init_trust("new", identities="trust.yaml", root_keys=["env:VXSEC_NO_SUCH_KEY"]),
        "signer.env-missing",
    ),
    "a signer that is no plain key": (
        lambda: plain_signers([cast("BundleSigner", SimpleNamespace(hint="keyless"))]),
        "trust.key-kind",
    ),
    "a repository without a root": (_without_roots, "tuf.missing"),
    "a timestamp of nothing": (_empty_timestamp, "tuf.malformed"),
    "an export that is cut off": (_broken_export, "tuf.malformed"),
    "a folder that is no repository": (lambda: check_trust_repository("."), "file.missing"),
    "a file that is not there": (lambda: check_trust_repository("none.json"), "file.missing"),
    "documents that are not there": (lambda: parse_documents({}, source="trust"), "tuf.missing"),
    "a repository without a digest": (lambda: load_trust_repository("trust", now=utc_now()), "tuf.no-root"),
}


@pytest.mark.parametrize(("call", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(call: Callable[[], object], code: str) -> None:
    with pytest.raises(VxsecError) as caught:
        call()
    assert caught.value.code == code
    assert caught.value.hint


def test_a_key_comes_from_a_variable_too(team: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pem = signer("bob")._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    monkeypatch.setenv("BOB", pem.decode())
    change = init_trust(team / "new", identities="trust.yaml", root_keys=["env:BOB", write_key(team, "alice")])
    assert is_trust_repository(change.path)


def test_what_is_no_repository() -> None:
    assert is_trust_repository("trust") is True
    assert is_trust_repository("trust.yaml") is False
    assert is_trust_repository("none") is False

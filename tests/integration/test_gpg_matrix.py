"""Every kind of OpenPGP signature, made by a real gpg, and what comes of it through gpg and through Sequoia.

More than half of the rows are refusals, and for many of them gpg's own exit status is 0.
"""

from __future__ import annotations

import importlib
import os
import stat
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support import openpgp_kit
from support.gpg_kit import DATA, NOW, has_gpg
from support.gpg_matrix import GOOD, HAS_SEQUOIA, THEN, Case, gpg_cases, ours, plain_gpg
from vxsec.errors import UndecidedError
from vxsec.host.gnupg import run_gpg
from vxsec.limits import Limits
from vxsec.verification.openpgp import verify_openpgp
from vxsec.verification.sequoia import fastest_port, sequoia_port

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vxsec.model.openpgp import GpgRun

pytestmark = pytest.mark.skipif(not has_gpg(), reason="needs gpg")
needs_sequoia = pytest.mark.skipif(not HAS_SEQUOIA, reason="needs pysequoia")

LEFT_TO_GPG = {"brainpoolP256r1: good", "brainpoolP256r1: good signature, other file", "key prolonged since"} | {
    "user id that prolongs the key",
    "user id that prolongs the key, and revoked, signature of version 3",
    "key ended with SHA-1, prolonged since with SHA-256",
}
"""What Sequoia cannot decide, or sees in another way: a curve it lacks, and a claim that was replaced."""
GPG_SAYS_ZERO = (
    "SHA1 signature",
    "rsa1024 key",
    "key bound to its user id with SHA-1",
    "key expired, signed while valid",
    "key revoked, compromised",
    "signing subkey revoked, reason 1",
    "dated a month ahead",
    "two signatures, both good",
    "junk behind the signature in its packet",
    "text mode",
    "text behind the armor",
    "keyring of two, signed by the other",
)


def no_gpg(signature: bytes, data: bytes, *, certificates: bytes, at: datetime) -> GpgRun:  # noqa: ARG001 - a port
    raise UndecidedError("no gpg", code="gnupg.missing")


@pytest.fixture(scope="module")
def cases() -> Sequence[Case]:
    return gpg_cases()


def named(cases: Sequence[Case], name: str) -> Case:
    return next(case for case in cases if case.name == name)


def test_every_case_has_its_verdict_through_gpg(cases: Sequence[Case]) -> None:
    expected = {case.name: case.expect for case in cases}
    assert {case.name: ours(case, run_gpg) for case in cases} == expected
    assert len(expected) == len(cases)
    refused = [verdict for verdict in expected.values() if verdict not in {GOOD, THEN}]
    assert len(refused) > len(cases) / 2
    assert all(verdict.startswith("openpgp.") for verdict in refused)


@needs_sequoia
def test_sequoia_agrees_on_every_case(cases: Sequence[Case]) -> None:
    port = fastest_port(run_gpg)
    assert port is not run_gpg
    assert {case.name: ours(case, port) for case in cases} == {case.name: case.expect for case in cases}


@needs_sequoia
def test_sequoia_decides_without_gpg_what_it_can(cases: Sequence[Case]) -> None:
    expected = {case.name: "gnupg.missing" if case.name in LEFT_TO_GPG else case.expect for case in cases}
    assert {case.name: ours(case, sequoia_port(no_gpg)) for case in cases} == expected


def test_without_sequoia_gpg_itself_is_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert fastest_port(no_gpg) is no_gpg


@pytest.mark.parametrize("name", GPG_SAYS_ZERO)
def test_the_exit_status_of_gpg_is_no_verdict(cases: Sequence[Case], name: str) -> None:
    case = named(cases, name)
    assert plain_gpg(case) == "exit 0"
    assert case.expect not in {GOOD, THEN}


def test_gpgs_clock_stops_before_it_wraps_round() -> None:
    key = openpgp_kit.key(1)
    ends = openpgp_kit.subpacket(9, (200 * 86400).to_bytes(4, "big")) + openpgp_kit.subpacket(27, b"\x03")
    certificate = openpgp_kit.packet(6, key.body) + openpgp_kit.packet(13, b"a")
    certificate += key.self_signature(user_id=b"a", extra=ends)
    for year in (2100, 2150, 9999):
        at = datetime(year, 1, 1, tzinfo=UTC)
        assert b"EXPKEYSIG" in run_gpg(key.detached(), DATA, certificates=certificate, at=at).status


def test_packets_made_by_hand_are_what_gpg_takes() -> None:
    key, subkey = openpgp_kit.key(1), openpgp_kit.key(2)
    certificate = key.certificate(openpgp_kit.packet(14, subkey.body), key.binding(subkey))
    for signer in (key, subkey):
        verdict = verify_openpgp(
            signer.detached(),
            DATA,
            certificates=certificate,
            allowed=[key.fingerprint],
            run=run_gpg,
            now=openpgp_kit.NOW,
        )
        assert (verdict.fingerprint, verdict.signing_fingerprint) == (key.fingerprint, signer.fingerprint)


def test_a_forged_binding_that_gpg_would_believe_never_reaches_it() -> None:
    """gpg marks in trust packets what it checked; in a keyring file of somebody else they are somebody else's word."""
    alice, mallory = openpgp_kit.key(1), openpgp_kit.key(3)
    forged = alice.binding(mallory, signer=mallory)  # in Alice's name, signed by Mallory
    believed = alice.certificate(openpgp_kit.packet(14, mallory.body), forged, b"\xb0\x02\x00\x03")
    signature = mallory.detached()
    raw = run_gpg(signature, DATA, certificates=believed, at=openpgp_kit.NOW)
    assert b"GOODSIG" in raw.status  # what gpg says when it gets the file as it is
    assert f" {alice.fingerprint}\n".encode() in raw.status
    case = Case(
        name="forged", expect="", signature=signature, certificates=believed, allowed=(alice.fingerprint,), data=DATA
    )
    assert ours(case, run_gpg) == "openpgp.bad-signature"
    if HAS_SEQUOIA:
        assert ours(case, sequoia_port(no_gpg)) == "openpgp.bad-signature"


def test_an_end_cannot_be_hidden_by_claims_that_nobody_signed() -> None:
    """Beside the one good claim stand a forged revocation of its user id, and a forged one that the key never ends."""
    alice, mallory = openpgp_kit.key(1), openpgp_kit.key(3)
    ends = openpgp_kit.subpacket(9, (200 * 86400).to_bytes(4, "big")) + openpgp_kit.subpacket(27, b"\x03")
    area = openpgp_kit.subpacket(2, openpgp_kit.stamp(openpgp_kit.MADE)) + alice.issuer
    certificate = (
        openpgp_kit.packet(6, alice.body)
        + openpgp_kit.packet(13, b"a")
        + alice.self_signature(user_id=b"a", extra=ends)
        + openpgp_kit.packet(2, mallory.signature(0x30, b"", hashed=area))
        + openpgp_kit.packet(13, b"b")
        + openpgp_kit.packet(2, mallory.signature(0x13, b"", hashed=area + openpgp_kit.subpacket(27, b"\x03")))
    )
    case = Case(
        name="",
        expect="",
        signature=alice.detached(),
        certificates=certificate,
        allowed=(alice.fingerprint,),
        data=DATA,
    )
    assert ours(case, run_gpg) == "openpgp.expired-key"
    if HAS_SEQUOIA:
        assert ours(case, fastest_port(run_gpg)) == "openpgp.expired-key"
        assert ours(case, sequoia_port(no_gpg)) == "gnupg.missing"


# -- version 6 ---------------------------------------------------------------------------------------------------------


def test_a_version_6_signature_is_undecided_where_gpg_does_not_know_it() -> None:
    key = openpgp_kit.key(6, version=6)
    with pytest.raises(UndecidedError) as caught:
        verify_openpgp(
            key.detached(), DATA, certificates=_v6(key), allowed=[key.fingerprint], run=run_gpg, now=openpgp_kit.NOW
        )
    assert caught.value.code == "gnupg.unsupported"


@needs_sequoia
@pytest.mark.parametrize("data", [pytest.param(DATA, id="good"), pytest.param(b"other", id="over another file")])
def test_a_version_6_signature_is_verified_by_sequoia(data: bytes) -> None:
    key = openpgp_kit.key(6, version=6)
    case = Case(
        name="v6", expect="", signature=key.detached(), certificates=_v6(key), allowed=(key.fingerprint,), data=data
    )
    assert ours(case, sequoia_port(no_gpg)) == (GOOD if data == DATA else "openpgp.bad-signature")


def _v6(key: openpgp_kit.Key) -> bytes:
    """A direct-key signature carries what version 6 wants to know of a key (RFC 9580 section 10.1.1)."""
    area = openpgp_kit.subpacket(2, openpgp_kit.stamp(key.created)) + key.issuer + openpgp_kit.subpacket(27, b"\x03")
    return key.certificate(direct=openpgp_kit.packet(2, key.signature(0x1F, key.hashed, hashed=area)))


# -- gpg that is missing, hangs, floods, lies ---------------------------------------------------------------------------


@pytest.fixture
def fake_gpg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A gpg of ours; private homes are made in ``tmp_path/homes``."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "homes").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "homes"))
    return tmp_path / "bin" / "gpg"


def _write(program: Path, script: str) -> None:
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def _status_of(**limits: Any) -> str:
    key = openpgp_kit.key(1)
    bounded = replace(Limits(), **limits)
    try:
        run_gpg(key.detached(), DATA, certificates=key.certificate(), at=NOW, limits=bounded)
    except UndecidedError as error:
        return error.code if error.exit_status == 4 and error.hint else "an error without its status or hint"
    return "answered"


def test_a_missing_gpg_is_undecided_and_names_the_package(fake_gpg: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(fake_gpg.parent))
    with pytest.raises(UndecidedError, match="no program 'gpg'") as caught:
        run_gpg(b"", b"", certificates=b"", at=NOW)
    assert (caught.value.code, caught.value.exit_status) == ("gnupg.missing", 4)
    assert "apt install gpg" in str(caught.value.hint)
    assert "brew install gnupg" in str(caught.value.hint)


def test_a_gpg_that_hangs_is_killed_and_its_home_removed(fake_gpg: Path) -> None:
    _write(fake_gpg, "sleep 60")
    assert _status_of(gpg_seconds=0.3) == "process.timeout"
    assert list((fake_gpg.parent.parent / "homes").iterdir()) == []


@pytest.mark.parametrize(
    "where",
    [
        pytest.param("/dev/stdout", id="on its standard output"),
        pytest.param("/dev/stderr", id="on its standard error"),
        pytest.param("/dev/fd/$status", id="on its status pipe"),
    ],
)
def test_a_gpg_that_floods_is_killed_and_its_home_removed(fake_gpg: Path, where: str) -> None:
    find = 'for a; do case "$b" in --status-fd) status=$a;; esac; b=$a; done'
    _write(fake_gpg, f"{find}\nexec yes > {where}")
    assert _status_of(gpg_output_bytes=100_000) == "process.too-large"
    assert list((fake_gpg.parent.parent / "homes").iterdir()) == []


def test_no_private_home_can_be_made_is_undecided(fake_gpg: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(fake_gpg, "exit 0")
    monkeypatch.setattr(tempfile, "tempdir", str(fake_gpg.parent / "absent"))
    assert _status_of() == "gnupg.home"


def test_gpg_runs_in_a_private_home_and_takes_nothing_of_the_user_along(
    fake_gpg: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = fake_gpg.parent.parent / "seen"
    _write(fake_gpg, f'stat -c "%a %n" "$GNUPGHOME" > {seen}; env >> {seen}; echo "$@" >> {seen}')
    monkeypatch.setenv("GNUPGHOME", "/home/somebody/.gnupg")
    monkeypatch.setenv("GPG_AGENT_INFO", "somebody")
    assert _status_of() == "answered"
    text = seen.read_text()
    assert text.startswith("700 ")
    assert "somebody" not in text
    for option in ("--no-options", "--batch", "--disable-dirmngr", "--no-autostart", "--no-auto-key-retrieve"):
        assert option in text
    assert list((fake_gpg.parent.parent / "homes").iterdir()) == []


def test_a_run_leaves_no_agent_and_no_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    key = openpgp_kit.key(1)
    done = run_gpg(key.detached(), DATA, certificates=key.certificate(), at=openpgp_kit.NOW)
    assert b"GOODSIG" in done.status
    assert list(tmp_path.iterdir()) == []
    assert str(tmp_path) in " ".join(done.argv)
    sockets = Path(f"/run/user/{os.getuid()}/gnupg")
    assert not sockets.is_dir() or not any(stat.S_ISSOCK(p.stat().st_mode) for p in sockets.rglob(str(tmp_path.name)))

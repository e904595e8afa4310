"""Sequoia in gpg's place: it answers what it can, leaves to gpg what it cannot, and lets no error of its own out."""

from __future__ import annotations

import importlib
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from support.openpgp_kit import DATA, MADE, NOW, SIGNED, Scripted, key, packet, stamp, subpacket
from vxsec.errors import VxsecError
from vxsec.verification.openpgp import verify_openpgp
from vxsec.verification.sequoia import sequoia_port

ALICE, SUB = key(11), key(12)
CERTIFICATE = ALICE.certificate()
DAYS_200 = subpacket(9, (200 * 86400).to_bytes(4, "big")) + subpacket(27, b"\x03")


class Library:
    """What ``pysequoia`` looks like from here; ``found`` are the good signatures, or what it raises."""

    def __init__(self, found: list[tuple[str, str]] | BaseException) -> None:
        self._found = found
        self.Cert = SimpleNamespace(from_bytes=lambda data: data)
        self.Sig = SimpleNamespace(from_bytes=lambda data: data)

    def verify(self, **_: object) -> object:
        if isinstance(self._found, BaseException):
            raise self._found
        return SimpleNamespace(valid_sigs=[SimpleNamespace(certificate=a, signing_key=b) for a, b in self._found])


class PanicException(BaseException):
    """What a Rust panic becomes."""


PanicException.__module__ = "pyo3_runtime"
BY_ALICE = [(ALICE.fingerprint.lower(), ALICE.fingerprint.lower())]
GPG_ASKED = "openpgp.not-checked"


def verdict(
    monkeypatch: pytest.MonkeyPatch,
    found: list[tuple[str, str]] | BaseException,
    *,
    certificates: bytes = CERTIFICATE,
    signature: bytes | None = None,
    now: datetime = NOW,
    times: Any = (),
) -> str:
    library = Library(found)
    real = importlib.import_module
    monkeypatch.setattr(importlib, "import_module", lambda name: library if name == "pysequoia" else real(name))
    gpg = Scripted()  # it says nothing, which is "not checked"
    try:
        return verify_openpgp(
            ALICE.detached() if signature is None else signature,
            DATA,
            certificates=certificates,
            allowed=[ALICE.fingerprint],
            run=sequoia_port(gpg),
            now=now,
            times=times,
        ).program
    except VxsecError as error:
        assert bool(gpg.asked) == (error.code == GPG_ASKED)  # noqa: PT017
        return error.code


def test_a_good_signature_is_good(monkeypatch: pytest.MonkeyPatch) -> None:
    assert verdict(monkeypatch, BY_ALICE) == "pysequoia"


@pytest.mark.parametrize(
    "found",
    [
        pytest.param([], id="nothing good"),
        pytest.param(BY_ALICE * 2, id="two good signatures"),
        pytest.param([(SUB.fingerprint, ALICE.fingerprint)], id="another certificate"),
        pytest.param([(ALICE.fingerprint, SUB.fingerprint)], id="another key"),
        pytest.param(RuntimeError("Error: \x1b[2J\nstack backtrace: 0: anyhow"), id="an error with a backtrace"),
        pytest.param(PanicException("called `Option::unwrap()` on a `None` value"), id="a panic"),
    ],
)
def test_everything_else_is_refused(
    monkeypatch: pytest.MonkeyPatch, found: list[tuple[str, str]] | BaseException
) -> None:
    assert verdict(monkeypatch, found) == "openpgp.bad-signature"


def test_an_interrupt_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyboardInterrupt):
        verdict(monkeypatch, KeyboardInterrupt())


def _with(extra: bytes, *, also: bytes | None = None) -> bytes:
    data = packet(6, ALICE.body) + packet(13, b"a") + ALICE.self_signature(user_id=b"a", extra=extra)
    return data if also is None else data + packet(13, b"b") + ALICE.self_signature(user_id=b"b", extra=also)


def _late() -> bytes:
    area = subpacket(2, stamp(NOW - timedelta(days=1))) + ALICE.issuer + subpacket(27, b"\x03")
    return packet(6, ALICE.body) + packet(13, b"a") + packet(2, ALICE.signature(0x13, b"", hashed=area))


@pytest.mark.parametrize(
    "certificates",
    [
        pytest.param(_with(DAYS_200, also=subpacket(27, b"\x03")), id="claims differ on the end"),
        pytest.param(_with(subpacket(27, b"\x01"), also=subpacket(27, b"\x03")), id="claims differ on what it is for"),
        pytest.param(_late(), id="no claim is as old as the signature"),
    ],
)
def test_what_claims_leave_open_is_left_to_gpg(monkeypatch: pytest.MonkeyPatch, certificates: bytes) -> None:
    assert verdict(monkeypatch, BY_ALICE, certificates=certificates) == GPG_ASKED


def test_a_signature_with_an_end_that_sequoia_refuses_is_left_to_gpg(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = subpacket(2, stamp(SIGNED)) + ALICE.issuer + subpacket(3, (700 * 86400).to_bytes(4, "big"))
    assert verdict(monkeypatch, BY_ALICE, signature=ALICE.detached(hashed=ends)) == "pysequoia"
    assert verdict(monkeypatch, [], signature=ALICE.detached(hashed=ends)) == GPG_ASKED


def test_one_key_twice_in_a_certificate_is_refused_before_anyone_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = ALICE.certificate(packet(14, SUB.body), ALICE.binding(SUB), packet(14, SUB.body), ALICE.binding(SUB))
    assert verdict(monkeypatch, BY_ALICE, certificates=twice, signature=SUB.detached()) == "openpgp.ambiguous-key"


@pytest.mark.parametrize("certificates", [pytest.param(twice, id=name) for name, twice in {
    "two certificates": CERTIFICATE + key(13).certificate(),
    "another certificate": key(13).certificate(),
}.items()])  # fmt: skip
def test_the_port_alone_leaves_what_is_not_one_certificate_to_gpg(certificates: bytes) -> None:
    gpg = Scripted()
    sequoia_port(gpg)(ALICE.detached(), DATA, certificates=certificates, at=NOW)
    assert len(gpg.asked) == 1


@pytest.mark.parametrize(
    ("found", "at", "word"),
    [
        pytest.param(BY_ALICE, NOW, b"EXPKEYSIG", id="good, and expired since"),
        pytest.param(BY_ALICE, SIGNED, b"GOODSIG", id="good, and not expired then"),
        pytest.param([], NOW, b"BADSIG", id="bad, and expired since"),
        pytest.param([], SIGNED, b"BADSIG", id="bad"),
    ],
)
def test_what_became_of_the_key_since_is_told_in_gpgs_words(
    monkeypatch: pytest.MonkeyPatch, found: list[tuple[str, str]], at: datetime, word: bytes
) -> None:
    library = Library(found)
    monkeypatch.setattr(importlib, "import_module", lambda _: library)
    done = sequoia_port(Scripted())(ALICE.detached(), DATA, certificates=_with(DAYS_200), at=at)
    assert word in done.status
    assert (done.exit_code == 0) == (word == b"GOODSIG")


def test_a_signature_made_after_its_key_expired_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library([])
    monkeypatch.setattr(importlib, "import_module", lambda _: library)
    late = ALICE.detached(at=MADE + timedelta(days=300))
    done = sequoia_port(Scripted())(late, DATA, certificates=_with(DAYS_200), at=NOW)
    assert b"EXPKEYSIG" in done.status

"""Hostile bytes at every door of OpenPGP: only ``FormatError`` and ``VerificationError`` escape, and nothing forged counts."""

from __future__ import annotations

import base64

from hypothesis import given, settings
from hypothesis import strategies as st

from support.openpgp_kit import DATA, NOW, Scripted, key, packet, subpacket, valid_line
from vxsec.errors import FormatError, VerificationError
from vxsec.formats.gpg_status import read_gpg_status
from vxsec.formats.openpgp_certificate import read_openpgp_certificates
from vxsec.formats.openpgp_packet import read_detached_signature
from vxsec.model.openpgp import GpgRun, openpgp_inputs
from vxsec.verification.openpgp import verify_openpgp

ALICE, SUB, SIX = key(1), key(3), key(6, version=6)
SIGNATURES = (ALICE.detached(), SIX.detached(), SUB.detached())
CERTIFICATES = (
    ALICE.certificate(packet(14, SUB.body), ALICE.binding(SUB), ALICE.revocation(reason=1, at=NOW, subkey=SUB)),
    SIX.certificate(),
)
LINES = (
    "NEWSIG",
    "GOODSIG A x",
    "BADSIG A x",
    "ERRSIG A 22 8 00 1 9",
    "NODATA 1",
    valid_line(ALICE),
    valid_line(SUB, ALICE),
)

steps = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True), st.sampled_from(["flip", "cut", "insert", "repeat"]), st.binary(max_size=6)
    ),
    min_size=1,
    max_size=4,
)
bodies = st.builds(packet, st.integers(0, 63), st.binary(max_size=60))
areas = st.lists(st.builds(subpacket, st.integers(0, 127), st.binary(max_size=24)), max_size=6).map(b"".join)


def mutated(data: bytes, changes: list[tuple[float, str, bytes]]) -> bytes:
    for place, what, noise in changes:
        at = int(place * len(data))
        if what == "flip":
            data = data[:at] + bytes(byte ^ (noise[:1] or b"\x01")[0] for byte in data[at : at + 1]) + data[at + 1 :]
        elif what == "cut":
            data = data[:at] + data[at + 1 + len(noise) :]
        elif what == "insert":
            data = data[:at] + noise + data[at:]
        else:
            data = data[:at] + data[at : at + 40] + data[at:]
    return data


def armored(data: bytes, kind: str) -> bytes:
    return b"\n".join(
        [f"-----BEGIN PGP {kind}-----".encode(), b"", base64.b64encode(data), f"-----END PGP {kind}-----".encode(), b""]
    )


def read_both(data: bytes) -> None:
    for read in (read_detached_signature, read_openpgp_certificates):
        try:
            read(data, where="x")
        except FormatError as error:
            assert error.code.startswith("openpgp.")  # noqa: PT017


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SIGNATURES + CERTIFICATES), steps)
def test_mutated_packets(seed: bytes, changes: list[tuple[float, str, bytes]]) -> None:
    read_both(mutated(seed, changes))
    read_both(armored(mutated(seed, changes), "SIGNATURE"))
    read_both(mutated(armored(seed, "PUBLIC KEY BLOCK"), changes))


@settings(max_examples=200, deadline=None)
@given(st.lists(bodies, max_size=5).map(b"".join) | st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_and_any_packets(data: bytes) -> None:
    read_both(data)
    read_both(ALICE.certificate(data))


@settings(max_examples=200, deadline=None)
@given(areas, areas, st.integers(0, 255), st.integers(0, 255))
def test_any_subpackets(hashed: bytes, unhashed: bytes, kind: int, hash_algorithm: int) -> None:
    body = ALICE.signature(kind, DATA, hashed=hashed, unhashed=unhashed, hash_algorithm=hash_algorithm)
    read_both(packet(2, body))
    read_both(ALICE.certificate(packet(2, body)))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(LINES) | st.text(max_size=20), max_size=6),
    st.sampled_from([b"", b"\n", b"gpg: x\n", b"[GNUPG:] "]),
)
def test_any_report_is_refused_unless_it_is_the_good_one(lines: list[str], tail: bytes) -> None:
    raw = "".join(f"[GNUPG:] {line}\n" for line in lines).encode("utf-8", "replace") + tail
    try:
        read_gpg_status(raw)
    except FormatError as error:
        assert error.code == "openpgp.status"  # noqa: PT017
    try:
        verify_openpgp(
            ALICE.detached(),
            DATA,
            certificates=ALICE.certificate(),
            allowed=[ALICE.fingerprint],
            run=Scripted(raw=raw),
            now=NOW,
        )
    except VerificationError:
        return
    assert tail == b""
    assert lines.count("GOODSIG A x") == lines.count(valid_line(ALICE)) == lines.count("NEWSIG") == 1


def _believing(signature: bytes, data: bytes, *, certificates: bytes, at: object) -> GpgRun:  # noqa: ARG001 - a port
    status = f"[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG A x\n[GNUPG:] {valid_line(ALICE)}\n".encode()
    return GpgRun(argv=("gpg",), exit_code=0, status=status, inputs=openpgp_inputs(signature, data, certificates))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SIGNATURES), st.sampled_from(CERTIFICATES), steps, steps)
def test_only_verification_errors_escape_whatever_is_given(
    signature: bytes,
    certificates: bytes,
    one: list[tuple[float, str, bytes]],
    two: list[tuple[float, str, bytes]],
) -> None:
    for given_signature, given_keys in (
        (mutated(signature, one), certificates),
        (signature, mutated(certificates, two)),
    ):
        try:
            verdict = verify_openpgp(
                given_signature, DATA, certificates=given_keys, allowed=[ALICE.fingerprint], run=_believing, now=NOW
            )
        except VerificationError as error:
            assert error.code.startswith("openpgp.")  # noqa: PT017
        else:
            assert verdict.fingerprint == ALICE.fingerprint

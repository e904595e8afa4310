"""Hostile bytes at every door of SSH: only the errors of that door escape, and nothing forged verifies."""

from __future__ import annotations

import base64
import contextlib

from hypothesis import example, given, settings
from hypothesis import strategies as st

from support.ssh_kit import (
    KINDS,
    ORDINARY,
    armored,
    blob_of,
    hardware_file,
    make,
    private_file,
    public_line,
    signed_by,
    sshsig,
    string,
)
from vxsec.errors import ConfigurationError, FormatError, VerificationError
from vxsec.formats.ssh_agent import read_keys, read_signed
from vxsec.formats.ssh_key import parse_ssh_public_key
from vxsec.formats.ssh_private_key import read_private_head
from vxsec.formats.sshsig import read_sshsig
from vxsec.verification.sshsig import verify_sshsig

MESSAGE = b"message"
GOOD = {kind: signed_by(make(kind), MESSAGE) for kind in KINDS}
kinds = st.sampled_from(KINDS)
edits = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True), st.sampled_from(["flip", "cut", "insert", "repeat"]), st.binary(max_size=5)
    ),
    min_size=1,
    max_size=4,
)


def _edited(data: bytes, steps: list[tuple[float, str, bytes]]) -> bytes:
    for place, what, noise in steps:
        at = int(place * len(data))
        if what == "flip":
            data = data[:at] + bytes(b ^ (1 << len(noise)) for b in data[at : at + 1]) + data[at + 1 :]
        elif what == "cut":
            data = data[:at] + data[at + 1 + len(noise) :]
        elif what == "insert":
            data = data[:at] + noise + data[at:]
        else:
            data = data[:at] + data[at : at + 30] + data[at:]
    return data


def _verifies(data: bytes, kind: str) -> bool:
    try:
        verify_sshsig(data, MESSAGE, key=make(kind).public)
    except VerificationError as error:
        assert error.code.startswith(("sshsig.", "key."))  # noqa: PT017 - what escapes is what is tested
        return False
    return True


@settings(max_examples=400)
@given(kinds, edits, st.booleans())
def test_a_changed_signature_verifies_only_if_it_is_the_same(
    kind: str, steps: list[tuple[float, str, bytes]], in_armor: bool
) -> None:
    data = _edited(armored(GOOD[kind]) if in_armor else GOOD[kind], steps)
    if _verifies(data, kind):
        assert read_sshsig(data, where="x") == read_sshsig(GOOD[kind], where="x")


@settings(max_examples=300)
@given(kinds, st.binary(max_size=300), st.binary(max_size=8), st.sampled_from([b"sha256", b"sha512"]))
def test_fields_of_noise_never_verify(kind: str, inner: bytes, namespace: bytes, hash_name: bytes) -> None:
    public = blob_of(make(kind))
    for signature in (inner, string(kind.encode()) + inner, string(kind.encode()) + string(inner)):
        blob = sshsig(public=public, signature=signature, namespace=namespace or b"vxsec", hash_name=hash_name)
        assert not _verifies(blob, kind)


@settings(max_examples=300)
@given(st.binary(max_size=400))
@example(b"")
@example(b"SSHSIG")
@example(b"\0\0\0\0")
def test_any_bytes_at_every_reader(data: bytes) -> None:
    for read in (parse_ssh_public_key, lambda d: read_sshsig(d, where="x")):
        for form in (data, armored(data), b"ssh-rsa " + base64.b64encode(data)):
            try:
                read(form)
            except FormatError as error:
                assert error.code.startswith(("sshsig.", "key."))  # noqa: PT017 - likewise
    with contextlib.suppress(ConfigurationError):
        read_private_head(data, where="x")
    for prefix in (b"", b"\x0c", b"\x0e"):
        for answer in (read_keys, read_signed):
            try:
                answer(prefix + data, where="x")
            except FormatError as error:
                assert error.code.startswith("ssh-agent.")  # noqa: PT017 - likewise


@settings(max_examples=300)
@given(kinds, edits)
def test_a_changed_key_is_another_key_or_none(kind: str, steps: list[tuple[float, str, bytes]]) -> None:
    key = make(kind)
    blob = _edited(blob_of(key), steps)
    try:
        found = parse_ssh_public_key(blob)
    except FormatError:
        return
    assert found.blob == blob
    assert (found == key.public) == (blob == blob_of(key))


@settings(max_examples=200)
@given(kinds, edits)
def test_a_changed_line_is_the_same_key_or_none(kind: str, steps: list[tuple[float, str, bytes]]) -> None:
    data = _edited(public_line(make(kind)).encode(), steps)
    try:
        found = parse_ssh_public_key(data)
    except FormatError:
        return
    assert base64.b64encode(found.blob) in data


@settings(max_examples=200)
@given(st.sampled_from(ORDINARY), edits, st.booleans())
def test_a_changed_private_key_file_is_read_or_refused(
    kind: str, steps: list[tuple[float, str, bytes]], in_hardware: bool
) -> None:
    key = make(kind)
    data = _edited(hardware_file(key) if in_hardware else private_file(key), steps)
    try:
        read_private_head(data, where="x")
    except ConfigurationError as error:
        assert error.code.startswith("key.")  # noqa: PT017 - likewise

"""Envelope files as bundles for whoever counts signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.signing_kit import DIGESTS, NOW, PACKAGE, REGISTRY, signer
from vxsec.errors import UsageError
from vxsec.formats.dsse_envelope import write_envelope
from vxsec.formats.public_key import key_hint
from vxsec.formats.release_statement import build_release_statement
from vxsec.limits import Limits
from vxsec.model.attestation import INTOTO_PAYLOAD_TYPE, Envelope, EnvelopeSignature, pae
from vxsec.usecases.verify_envelope import read_envelopes

if TYPE_CHECKING:
    from pathlib import Path

A, B, C = signer("a"), signer("b"), signer("c")
PAYLOAD = build_release_statement(package=PACKAGE, digests=DIGESTS, registry=REGISTRY, created_at=NOW, expires=None)


def _signature(name: str, number: int = 0) -> EnvelopeSignature:
    payload = PAYLOAD + b" " * number
    return EnvelopeSignature(keyid="", sig=signer(name).sign(pae(INTOTO_PAYLOAD_TYPE, payload)))


def _write(path: Path, *signatures: EnvelopeSignature, kind: str = INTOTO_PAYLOAD_TYPE) -> Path:
    path.write_bytes(write_envelope(Envelope(payload_type=kind, payload=PAYLOAD, signatures=signatures)))
    return path


def test_signatures_of_several_envelopes_come_back_with_their_files(tmp_path: Path) -> None:
    one = _write(tmp_path / "one.dsse", _signature("a"), _signature("c"))
    two = _write(tmp_path / "two.dsse", _signature("b"))
    read = read_envelopes([one, two], keys=[A.spki, B.spki])
    found = [(bundle.key_hint, source) for bundle, source in read.bundles]
    assert found == [(key_hint(A.spki), str(one)), (key_hint(B.spki), str(two))]
    assert read.rejected == ()


def test_an_envelope_that_holds_nothing_is_told_and_hides_no_other(tmp_path: Path) -> None:
    bad = tmp_path / "bad.dsse"
    bad.write_bytes(b"{}")
    stranger = _write(tmp_path / "stranger.dsse", _signature("c"))
    other = _write(tmp_path / "other.dsse", _signature("a"), kind="text/plain")
    good = _write(tmp_path / "good.dsse", _signature("a"))
    read = read_envelopes([bad, stranger, other, good], keys=[A.spki])
    assert [source for _, source in read.bundles] == [str(good)]
    assert [(item.code, item.source) for item in read.rejected] == [
        ("envelope.malformed", str(bad)),
        ("signature.untrusted-key", str(stranger)),
        ("envelope.payload-type", str(other)),
    ]


def test_a_search_that_the_bound_ended_is_told_beside_what_was_found(tmp_path: Path) -> None:
    junk = [_signature("c", number) for number in range(1, 9)]
    named = EnvelopeSignature(keyid=key_hint(A.spki), sig=_signature("a").sig)
    path = _write(tmp_path / "e.dsse", *junk, named)
    read = read_envelopes([path], keys=[A.spki, B.spki], limits=Limits(envelope_checks=4))
    assert [bundle.key_hint for bundle, _ in read.bundles] == [key_hint(A.spki)]
    assert [item.code for item in read.rejected] == ["envelope.too-many"]


@pytest.mark.parametrize(
    ("name", "limits", "code"),
    [
        pytest.param("missing.dsse", Limits(), "file.missing", id="a file that is not there"),
        pytest.param("e.dsse", Limits(envelope_bytes=10), "file.too-large", id="a file beyond the bound"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path, name: str, limits: Limits, code: str) -> None:
    _write(tmp_path / "e.dsse", _signature("a"))
    with pytest.raises(UsageError) as caught:
        read_envelopes([tmp_path / name], keys=[A.spki], limits=limits)
    assert caught.value.code == code


def test_no_keys_are_a_usage_error(tmp_path: Path) -> None:
    path = _write(tmp_path / "e.dsse", _signature("a"))
    with pytest.raises(UsageError) as caught:
        read_envelopes([path], keys=[])
    assert caught.value.code == "verify.no-keys"

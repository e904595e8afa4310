"""Junk by the hundred thousand: read, passed over, and either verified or refused by a bound that has a name.

No clock: what is bounded is the number of signatures that are checked, which the bounds themselves show. With one check for
each key, a signature that is found behind 300,000 others was found without checking any of them.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from support.signing_kit import DIGESTS, NOW, PACKAGE, REGISTRY, release, signer
from vxsec.errors import FormatError, VerificationError
from vxsec.formats.bundle_documents import read_bundle_document
from vxsec.formats.dsse_envelope import read_envelope
from vxsec.formats.public_key import key_hint
from vxsec.formats.release_statement import build_release_statement
from vxsec.formats.sigstore_bundle import read_bundle_lines
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.attestation import INTOTO_PAYLOAD_TYPE, Envelope, EnvelopeSignature, pae
from vxsec.verification.bundle import verify_statement_subject
from vxsec.verification.envelope import verify_envelope

if TYPE_CHECKING:
    from collections.abc import Callable

COUNT = 300_000
KEY, OTHER = signer("junk-key"), signer("junk-other")
PAYLOAD = build_release_statement(package=PACKAGE, digests=DIGESTS, registry=REGISTRY, created_at=NOW, expires=None)
GOOD = KEY.sign(pae(INTOTO_PAYLOAD_TYPE, PAYLOAD))


def _random_bytes(number: int) -> bytes:
    return (number * 0x9E3779B97F4A7C15 % 2**64).to_bytes(8, "big") * 9


def _well_formed(number: int) -> bytes:
    """What a P-256 signature looks like to everyone who does not check it."""
    half = b"\x02\x20" + (number + 1).to_bytes(4, "big").rjust(32, b"\x11")
    return b"\x30\x44" + half + half


def _document(junk: Callable[[int], bytes], *, keyid: str, good_keyid: str, count: int = COUNT) -> bytes:
    entries = [f'{{"keyid":"{keyid}","sig":"{base64.b64encode(junk(n)).decode()}"}}' for n in range(count)]
    entries.append(json.dumps({"keyid": good_keyid, "sig": base64.b64encode(GOOD).decode()}))
    payload = base64.b64encode(PAYLOAD).decode()
    return (
        f'{{"payload":"{payload}","payloadType":"{INTOTO_PAYLOAD_TYPE}","signatures":[{",".join(entries)}]}}'.encode()
    )


NAME = key_hint(KEY.spki)
FOUND = {
    "random bytes, and nobody is named": (_random_bytes, "", ""),
    "random bytes under our own name": (_random_bytes, NAME, NAME),
    "well-formed junk, and our own is named": (_well_formed, "", NAME),
    "well-formed junk under another's name, and our own is not named": (_well_formed, key_hint(OTHER.spki), ""),
}


@pytest.mark.parametrize(("junk", "keyid", "good_keyid"), FOUND.values(), ids=FOUND.keys())
def test_the_good_signature_is_found_with_the_first_check(
    junk: Callable[[int], bytes], keyid: str, good_keyid: str
) -> None:
    envelope = read_envelope(_document(junk, keyid=keyid, good_keyid=good_keyid), where="e")
    assert len(envelope.signatures) == COUNT + 1
    # One check for each key: junk that names the other key costs that key its own, and ours nothing.
    verified = verify_envelope(envelope, keys=[KEY.spki, OTHER.spki], limits=Limits(envelope_checks=2))
    assert [one.spki for one in verified] == [KEY.spki]
    assert verify_statement_subject(verified[0], digests=DIGESTS, package=PACKAGE).name == PACKAGE.purl


REFUSED = {
    "well-formed junk, and nobody is named": (_well_formed, "", ""),
    "well-formed junk under our own name": (_well_formed, NAME, NAME),
}


@pytest.mark.parametrize(("junk", "keyid", "good_keyid"), REFUSED.values(), ids=REFUSED.keys())
def test_what_only_checking_everything_would_find_is_refused_by_name(
    junk: Callable[[int], bytes], keyid: str, good_keyid: str
) -> None:
    envelope = read_envelope(_document(junk, keyid=keyid, good_keyid=good_keyid), where="e")
    with pytest.raises(VerificationError) as caught:
        verify_envelope(envelope, keys=[KEY.spki])
    assert caught.value.code == "envelope.too-many"


def test_many_keys_share_the_checks_and_none_is_left_without() -> None:
    junk = tuple(EnvelopeSignature(keyid="", sig=_well_formed(n)) for n in range(COUNT))
    good = EnvelopeSignature(keyid=NAME, sig=GOOD)
    envelope = Envelope(payload_type=INTOTO_PAYLOAD_TYPE, payload=PAYLOAD, signatures=(*junk, good))
    others = [signer(f"of-many-{n}").spki for n in range(20)]
    verified = verify_envelope(envelope, keys=[*others, KEY.spki], limits=Limits(envelope_checks=21))
    assert [one.spki for one in verified] == [KEY.spki]


def test_more_signatures_than_are_ever_read_are_refused_before_they_are() -> None:
    entry = b'{"sig":"AA=="},'
    data = b'{"payload":"","payloadType":"","signatures":[' + entry * (DEFAULT_LIMITS.envelope_signatures + 1) + b"]}"
    with pytest.raises(FormatError) as caught:
        read_envelope(data, where="e")
    assert caught.value.code == "envelope.too-many"


LINES = {
    "lines that are no JSON": b"junk\n",
    "lines that are JSON and no bundles": b"{}\n",
    "the same bundle again and again": release(KEY).line + b"\n",
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
def test_a_hundred_thousand_lines_are_refused_by_the_bound_on_bundles(line: bytes) -> None:
    data = line * 100_000
    with pytest.raises(FormatError) as caught:
        read_bundle_lines(data, where="b")
    assert caught.value.code in {"bundle.too-many", "bundle.too-large"}
    with pytest.raises(FormatError) as caught:
        read_bundle_document(data, where="b")
    assert caught.value.code in {"bundle.too-many", "bundle.too-large"}


def test_a_million_empty_lines_are_refused_by_the_bound_on_lines() -> None:
    with pytest.raises(FormatError) as caught:
        read_bundle_lines(b"\n" * 1_000_000, where="b")
    assert caught.value.code == "bundle.too-many"

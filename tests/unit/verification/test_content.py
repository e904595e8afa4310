"""What a log entry may state of what a bundle signs."""

from __future__ import annotations

import hashlib

import pytest

from vxsec.model.attestation import INTOTO_PAYLOAD_TYPE, Envelope, EnvelopeSignature, MessageSignature, pae
from vxsec.verification.content import SignedEnvelope, SignedMessage

FILE = b"bytes"
PAYLOAD = b"{}"
ENVELOPE = SignedEnvelope.of(
    Envelope(
        payload_type=INTOTO_PAYLOAD_TYPE, payload=PAYLOAD, signatures=(EnvelopeSignature(keyid="", sig=b"signature"),)
    )
)
MESSAGE = SignedMessage.of(
    MessageSignature(digest_algorithm=None, digest=None, signature=b"signature"),
    hashlib.sha256(FILE).hexdigest(),
    lambda: FILE,
)
ENCODED = pae(INTOTO_PAYLOAD_TYPE, PAYLOAD)
STATED = {
    "an envelope in hashedrekord": (ENVELOPE, "hashedrekord", "sha256", hashlib.sha256(ENCODED).hexdigest()),
    "an envelope in dsse": (ENVELOPE, "dsse", "sha256", hashlib.sha256(PAYLOAD).hexdigest()),
    "an envelope in intoto": (ENVELOPE, "intoto", "sha512", hashlib.sha512(PAYLOAD).hexdigest()),
    "an envelope in another kind": (ENVELOPE, "rpm", "sha256", None),
    "an envelope by SHA-1": (ENVELOPE, "dsse", "sha1", None),
    "a file in hashedrekord": (MESSAGE, "hashedrekord", "sha256", hashlib.sha256(FILE).hexdigest()),
    "a file by SHA-384": (MESSAGE, "hashedrekord", "sha384", hashlib.sha384(FILE).hexdigest()),
    "a file by SHA-1": (MESSAGE, "hashedrekord", "sha1", None),
    "a file in dsse": (MESSAGE, "dsse", "sha256", None),
}


@pytest.mark.parametrize(("content", "kind", "algorithm", "digest"), STATED.values(), ids=STATED.keys())
def test_states(content: SignedEnvelope | SignedMessage, kind: str, algorithm: str, digest: str | None) -> None:
    assert content.digest(kind, algorithm) == digest

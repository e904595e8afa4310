"""What a log entry may state of what a bundle signs."""

from __future__ import annotations

import hashlib

import pytest

from support.signing_kit import signer
from vxsec.errors import UsageError, VerificationError
from vxsec.limits import Limits
from vxsec.model.attestation import INTOTO_PAYLOAD_TYPE, Envelope, EnvelopeSignature, MessageSignature, pae
from vxsec.verification.content import FileContent, SignedEnvelope, SignedMessage

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


# -- one file, many signatures ------------------------------------------------------------------------------------------

SHA256 = hashlib.sha256(FILE).hexdigest()


class _Reader:
    """Gives the file, or raises, and counts how often it was asked."""

    def __init__(self, answer: bytes | Exception) -> None:
        self.asked = 0
        self._answer = answer

    def __call__(self) -> bytes:
        self.asked += 1
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def _stating(algorithm: str, digest: bytes) -> MessageSignature:
    return MessageSignature(digest_algorithm=algorithm, digest=digest, signature=b"signature")


def test_a_thousand_lines_of_junk_read_the_file_once() -> None:
    reader = _Reader(FILE)
    content = FileContent(reader, sha256=SHA256)
    for number in range(1_000):
        with pytest.raises(VerificationError) as caught:
            SignedMessage.of(_stating("SHA2_512", number.to_bytes(64, "big")), SHA256, content)
        assert caught.value.code == "bundle.digest-mismatch"
    good = SignedMessage.of(_stating("SHA2_384", hashlib.sha384(FILE).digest()), SHA256, content)
    assert good.digest("hashedrekord", "sha512") == hashlib.sha512(FILE).hexdigest()
    assert reader.asked == 1


UNREADABLE = {
    "a file above the bound": (UsageError("too large", code="file.too-large"), "signature.needs-file"),
    "a file that is gone": (OSError("gone"), "signature.needs-file"),
    "a file that changed": (b"others", "bundle.digest-mismatch"),
    "what its reader refuses": (VerificationError("changed", code="file.changed"), "file.changed"),
}


@pytest.mark.parametrize(("answer", "code"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_a_reason_of_one_signature_and_asked_for_once(
    answer: bytes | Exception, code: str
) -> None:
    reader = _Reader(answer)
    content = FileContent(reader, sha256=SHA256)
    for _ in range(3):
        with pytest.raises(VerificationError) as caught:
            SignedMessage.of(_stating("SHA2_512", bytes(64)), SHA256, content)
        assert caught.value.code == code
    assert reader.asked == 1


def test_going_over_the_file_again_and_again_has_a_bound() -> None:
    content = FileContent(lambda: FILE, sha256=SHA256, limits=Limits(file_checked_bytes=2 * len(FILE) + 1))
    key = signer("ci", "ed25519")
    message = SignedMessage.of(
        MessageSignature(digest_algorithm=None, digest=None, signature=bytes(64)), SHA256, content
    )
    codes = []
    for _ in range(3):
        with pytest.raises(VerificationError) as caught:
            message.verify(key.spki)
        codes.append(caught.value.code)
    assert codes == ["signature.invalid", "signature.invalid", "signature.too-many-checks"]


def test_the_file_of_another_digest_is_refused() -> None:
    with pytest.raises(VerificationError) as caught:
        SignedMessage.of(_stating("SHA2_256", bytes(32)), "00" * 32, FileContent(lambda: FILE, sha256=SHA256))
    assert caught.value.code == "bundle.digest-mismatch"

"""What one bundle signs, and checking its one signature over that."""

from __future__ import annotations

import hashlib
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from vxsec.errors import FormatError, VerificationError
from vxsec.formats.public_key import key_algorithm
from vxsec.formats.statement import read_statement
from vxsec.model.attestation import INTOTO_PAYLOAD_TYPE, Envelope, MessageSignature, Statement, pae
from vxsec.verification.keys import verify_digest_signature, verify_signature

if TYPE_CHECKING:
    from collections.abc import Callable

    from vxsec.limits import Limits

__all__ = ["LoggedSignature", "SignedContent", "SignedEnvelope", "SignedMessage"]

_LONG_HASHES = {"SHA2_384": hashlib.sha384, "SHA2_512": hashlib.sha512}  # cosign signs so with P-384 and P-521
_HASHES = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}
_FILE, _ENVELOPE = "hashedrekord", frozenset({"dsse", "intoto"})
_SHOWN = 120


class LoggedSignature(NamedTuple):
    """What an entry must be about.

    ``verifier`` is the DER of the certificate, or of the key; ``digest`` gives the lower-case hex that an entry of a kind
    states by an algorithm, or None where the content is nothing that such an entry can be about.
    """

    signature: bytes
    verifier: bytes
    digest: Callable[[str, str], str | None]


class SignedEnvelope:
    """A DSSE envelope of type in-toto with one signature, over its pre-authentication encoding."""

    __slots__ = ("_encoded", "_payload", "signature")

    def __init__(self, payload: bytes, encoded: bytes, signature: bytes) -> None:
        self._payload = payload
        self._encoded = encoded
        self.signature = signature

    @classmethod
    def of(cls, envelope: Envelope) -> SignedEnvelope:
        """Take an envelope.

        Raises:
            VerificationError: ``bundle.payload-type`` or ``bundle.signature-count``.
        """
        if envelope.payload_type != INTOTO_PAYLOAD_TYPE:
            raise VerificationError(
                f"expected payload type {INTOTO_PAYLOAD_TYPE}, found {envelope.payload_type[:_SHOWN]!r}",
                code="bundle.payload-type",
            )
        if len(envelope.signatures) != 1:
            raise VerificationError(
                f"expected exactly one signature, found {len(envelope.signatures)}", code="bundle.signature-count"
            )
        encoded = pae(envelope.payload_type, envelope.payload)
        return cls(envelope.payload, encoded, envelope.signatures[0].sig)

    @property
    def payload_sha256(self) -> str:
        """Of the payload, lower-case hex."""
        return hashlib.sha256(self._payload).hexdigest()

    def verify(self, spki: bytes) -> None:
        """Return if the key (canonical DER) made the signature; raises as ``vxsec.verification.keys`` does."""
        verify_signature(spki, self.signature, self._encoded)

    def verify_detached(self, check: Callable[[bytes, bytes], None]) -> None:
        """Return if ``check`` does, given the signature and the bytes it covers."""
        check(self.signature, self._encoded)

    def digest(self, kind: str, algorithm: str) -> str | None:
        """What a log entry states of it: ``hashedrekord`` of what was signed, the others of the payload."""
        chosen = _HASHES.get(algorithm)
        if chosen is None or (kind != _FILE and kind not in _ENVELOPE):
            return None
        return chosen(self._encoded if kind == _FILE else self._payload).hexdigest()

    def read_statement(self, limits: Limits) -> Statement:
        """The payload, read.

        Raises:
            VerificationError: A ``statement.*`` code.
        """
        try:
            return read_statement(self._payload, where="statement", limits=limits)
        except FormatError as error:
            raise VerificationError(error.message, code=error.code, where=error.where) from error


class SignedMessage:
    """A bare signature over a file, known by its SHA-256 and, where that is not enough, by its bytes."""

    __slots__ = ("_read", "_sha256", "_stated", "signature")

    def __init__(self, signature: bytes, stated: str | None, sha256: bytes, blob: Callable[[], bytes] | None) -> None:
        self.signature = signature
        self._stated = stated
        self._sha256 = sha256
        self._read = cache(partial(_read_blob, blob, sha256))

    @classmethod
    def of(cls, message: MessageSignature, sha256: str | None, blob: Callable[[], bytes] | None) -> SignedMessage:
        """Take a signature and the file it is to be over.

        Raises:
            VerificationError: ``bundle.no-file``, ``bundle.digest-mismatch`` or ``signature.needs-file``.
        """
        if sha256 is None:
            raise VerificationError("a bare signature, and no file to check it against", code="bundle.no-file")
        found = cls(message.signature, message.digest_algorithm, bytes.fromhex(sha256), blob)
        if message.digest is not None:
            found._require_stated(message.digest)
        return found

    def _require_stated(self, stated: bytes) -> None:
        ours = {"SHA2_256": self._sha256}.get(self._stated or "", b"")
        if self._stated in _LONG_HASHES:
            ours = _LONG_HASHES[self._stated](self._read()).digest()
        if stated != ours:
            raise VerificationError(
                f"expected a signature over a file with sha256 {self._sha256.hex()}, found one over "
                f"{str(self._stated)[:_SHOWN]!r} {stated.hex()[:_SHOWN]}",
                code="bundle.digest-mismatch",
            )

    def verify(self, spki: bytes) -> None:
        """Return if the key (canonical DER) made the signature; raises as ``vxsec.verification.keys`` does."""
        if self._stated in _LONG_HASHES or key_algorithm(spki) == "ed25519":
            verify_signature(spki, self.signature, self._read())
            return
        try:
            verify_digest_signature(spki, self.signature, self._sha256)
        except VerificationError:
            # A larger curve may have signed its own hash, and nobody says so.
            if self._stated is not None or key_algorithm(spki) not in {"ecdsa-p384", "ecdsa-p521"}:
                raise
            verify_signature(spki, self.signature, self._read())

    def verify_detached(self, check: Callable[[bytes, bytes], None]) -> None:
        """Return if ``check`` does, given the signature and the file's bytes."""
        check(self.signature, self._read())

    def digest(self, kind: str, algorithm: str) -> str | None:
        """What a log entry states of the file."""
        if kind != _FILE or algorithm not in _HASHES:
            return None
        return self._sha256.hex() if algorithm == "sha256" else _HASHES[algorithm](self._read()).hexdigest()


SignedContent: TypeAlias = SignedEnvelope | SignedMessage


def _read_blob(blob: Callable[[], bytes] | None, sha256: bytes) -> bytes:
    if blob is None:
        raise VerificationError(
            "this signature cannot be checked from a SHA-256 alone",
            code="signature.needs-file",
            hint="give the file itself in place of its digest",
        )
    data = blob()
    if hashlib.sha256(data).digest() != sha256:
        raise VerificationError("the file changed while it was read", code="bundle.digest-mismatch")
    return data

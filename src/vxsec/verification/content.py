"""What one bundle signs, and checking its one signature over that."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from vxsec.errors import FormatError, UsageError, VerificationError
from vxsec.formats.public_key import key_algorithm
from vxsec.formats.statement import read_statement
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.attestation import INTOTO_PAYLOAD_TYPE, Envelope, MessageSignature, Statement, pae
from vxsec.verification.keys import verify_digest_signature, verify_signature

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FileContent", "LoggedSignature", "SignedContent", "SignedEnvelope", "SignedMessage"]

_STATED_HASHES = {"SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512"}
_OWN_HASHES = {"ecdsa-p384": "sha384", "ecdsa-p521": "sha512"}  # cosign signs so
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


class FileContent:
    """The file that bare signatures are over: its SHA-256, and what else they ask for, each found once for all of them.

    A thousand lines of junk then cost one reading and one hash of each kind. What is no hash, as Ed25519, goes over the
    bytes again for every key and signature: that is bounded by ``limits.file_checked_bytes``, all together.

    Args:
        read: Gives the bytes; called at most once.
        sha256: Of the file, lower-case hex.
        limits: The bound on bytes gone over.
    """

    __slots__ = ("_digests", "_found", "_left", "_limits", "_read", "sha256")

    def __init__(self, read: Callable[[], bytes] | None, *, sha256: str, limits: Limits = DEFAULT_LIMITS) -> None:
        self.sha256 = sha256
        self._read = read
        self._found: bytes | VerificationError | None = None
        self._digests = {"sha256": bytes.fromhex(sha256)}
        self._limits = limits
        self._left = limits.file_checked_bytes

    def digest(self, algorithm: str) -> bytes:
        """The file's digest by ``sha256``, ``sha384`` or ``sha512``.

        Raises:
            VerificationError: ``signature.needs-file`` or ``bundle.digest-mismatch``.
        """
        if algorithm not in self._digests:
            self._digests[algorithm] = _HASHES[algorithm](self._bytes()).digest()
        return self._digests[algorithm]

    def read(self) -> bytes:
        """The bytes, to be gone over once by one check.

        Raises:
            VerificationError: ``signature.needs-file`` (only the digest is known, or they cannot be read),
                ``bundle.digest-mismatch`` (they are others by now), or ``signature.too-many-checks``.
        """
        data = self._bytes()
        if len(data) > self._left:
            raise VerificationError(
                f"expected signatures that can be checked by going over at most {self._limits.file_checked_bytes} bytes, "
                "found more",
                code="signature.too-many-checks",
                hint="remove the signatures by keys you do not trust",
            )
        self._left -= len(data)
        return data

    def _bytes(self) -> bytes:
        if self._found is None:
            try:
                self._found = _read_blob(self._read, self._digests["sha256"])
            except VerificationError as error:
                self._found = error
        if isinstance(self._found, bytes):
            return self._found
        known = self._found
        raise VerificationError(known.message, code=known.code, where=known.where, hint=known.hint) from known


class SignedMessage:
    """A bare signature over a file, known by its SHA-256 and, where that is not enough, by its bytes."""

    __slots__ = ("_file", "_stated", "signature")

    def __init__(self, signature: bytes, stated: str | None, file: FileContent) -> None:
        self.signature = signature
        self._stated = stated
        self._file = file

    @classmethod
    def of(
        cls, message: MessageSignature, sha256: str | None, blob: Callable[[], bytes] | FileContent | None
    ) -> SignedMessage:
        """Take a signature and the file it is to be over.

        Raises:
            VerificationError: ``bundle.no-file``, ``bundle.digest-mismatch`` or ``signature.needs-file``.
        """
        if sha256 is None:
            raise VerificationError("a bare signature, and no file to check it against", code="bundle.no-file")
        file = blob if isinstance(blob, FileContent) else FileContent(blob, sha256=sha256)
        if file.sha256 != sha256:
            raise VerificationError("the file and the digest given are not of one file", code="bundle.digest-mismatch")
        found = cls(message.signature, message.digest_algorithm, file)
        if message.digest is not None:
            found._require_stated(message.digest)
        return found

    def _require_stated(self, stated: bytes) -> None:
        algorithm = _STATED_HASHES.get(self._stated or "")
        if algorithm is None or stated != self._file.digest(algorithm):
            raise VerificationError(
                f"expected a signature over a file with sha256 {self._file.sha256}, found one over "
                f"{str(self._stated)[:_SHOWN]!r} {stated.hex()[:_SHOWN]}",
                code="bundle.digest-mismatch",
            )

    def verify(self, spki: bytes) -> None:
        """Return if the key (canonical DER) made the signature; raises as ``vxsec.verification.keys`` does."""
        kind = key_algorithm(spki)
        if kind == "ed25519":
            verify_signature(spki, self.signature, self._file.read())
            return
        try:
            verify_digest_signature(spki, self.signature, self._file.digest("sha256"))
        except VerificationError:
            # A larger curve may have signed its own hash, and nobody says so.
            own = _OWN_HASHES.get(kind)
            if own is None or self._stated == "SHA2_256":
                raise
            verify_digest_signature(spki, self.signature, self._file.digest(own), hash_name=own)

    def verify_detached(self, check: Callable[[bytes, bytes], None]) -> None:
        """Return if ``check`` does, given the signature and the file's bytes."""
        check(self.signature, self._file.read())

    def digest(self, kind: str, algorithm: str) -> str | None:
        """What a log entry states of the file."""
        return self._file.digest(algorithm).hex() if kind == _FILE and algorithm in _HASHES else None


SignedContent: TypeAlias = SignedEnvelope | SignedMessage


def _read_blob(blob: Callable[[], bytes] | None, sha256: bytes) -> bytes:
    if blob is None:
        raise VerificationError(
            "this signature cannot be checked from a SHA-256 alone",
            code="signature.needs-file",
            hint="give the file itself in place of its digest",
        )
    try:
        data = blob()
    except (UsageError, OSError) as error:
        # One signature cannot be checked; that must not hide another, which can.
        raise VerificationError(
            f"this signature cannot be checked without the file's bytes: {error}", code="signature.needs-file"
        ) from error
    if hashlib.sha256(data).digest() != sha256:
        raise VerificationError("the file changed while it was read", code="bundle.digest-mismatch")
    return data

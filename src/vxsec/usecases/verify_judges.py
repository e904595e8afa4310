"""What is judged about a file, and what every judge of its signatures offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from vxsec.errors import FormatError, UndecidedError, UsageError, VerificationError
from vxsec.host.files import read_bounded
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.digest import digest_bytes
from vxsec.model.report.verification import SignatureVerdict
from vxsec.values import dataclass
from vxsec.verification.checks import checks_of
from vxsec.verification.content import FileContent

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from vxsec.model.artifact import Artifact
    from vxsec.model.attestation import Bundle, RejectedSignature
    from vxsec.model.digest import Digests
    from vxsec.model.quorum import Signer

    PathLike = str | os.PathLike[str]

__all__ = ["FileSubject", "Judge", "Judged", "refused_verdict", "rejected_verdict", "require_unexpired"]


class FileSubject:
    """The file being judged: digests of its bytes, and the package in it where it is one.

    ``content`` is what bare signatures are checked against: one for all of them.

    Args:
        path: Where it is.
        digests: Of its bytes.
        artifact: The package that was read from them, if they are one.
    """

    def __init__(self, *, path: str, digests: Digests, artifact: Artifact | None) -> None:
        self.path = path
        self.digests = digests
        self.artifact = artifact
        self.content = FileContent(self.read, sha256=digests.sha256)
        self._data: bytes | None = None

    def read(self) -> bytes:
        """The bytes, for what cannot be checked from a digest (Ed25519, OpenPGP, SSH); read once, and these very bytes.

        Raises:
            VerificationError: ``file.changed``; ``signature.needs-file`` where the file is too large to be held.
        """
        if self.artifact is not None:
            return self.artifact.data
        if self._data is None:
            try:
                data = read_bounded(self.path, max_bytes=DEFAULT_LIMITS.archive_packed_bytes)
            except UsageError as error:
                raise VerificationError(error.message, code="signature.needs-file", where=error.where) from error
            if digest_bytes(data) != self.digests:
                raise VerificationError("the file changed while it was read", code="file.changed")
            self._data = data
        return self._data


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One signature that was looked at; ``signer`` is there where it counts."""

    verdict: SignatureVerdict
    signer: Signer | None = None


class Judge(Protocol):
    """Which of the signatures count toward a subject."""

    threshold: int
    hint: str

    def judge_bundles(self, subject: FileSubject, bundles: Sequence[tuple[Bundle, str]]) -> Iterator[Judged]:
        """What becomes of each bundle, given with the file it was read from."""
        ...

    def judge_files(self, subject: FileSubject, signatures: Sequence[tuple[str, bytes]]) -> Iterator[Judged]:
        """What becomes of each signature that lies in a file of its own (``.asc``, ``.sshsig``)."""
        ...

    def candidates(self) -> tuple[list[bytes], list[str]]:
        """The keys whose signatures may count, and the exact key ids of those that are no plain keys (OpenPGP, SSH)."""
        ...


def rejected_verdict(item: RejectedSignature) -> SignatureVerdict:
    """What is told of a signature that does not count."""
    return SignatureVerdict(
        source=item.source,
        kind="bundle",
        counted=False,
        code=item.code,
        message=item.message,
        evidence=item.evidence,
        checks=item.checks,
        undecided=item.undecided,
    )


def refused_verdict(
    error: VerificationError | FormatError | UndecidedError, *, source: str, kind: str, evidence: str
) -> SignatureVerdict:
    """What is told of a signature that an error keeps from counting.

    Args:
        error: Why.
        source: The file it was read from.
        kind: ``bundle``, ``openpgp`` or ``sshsig``.
        evidence: SHA-256 (hex) of the signature as it was read.
    """
    return SignatureVerdict(
        source=source,
        kind=kind,
        counted=False,
        code=error.code,
        message=str(error),
        evidence=evidence,
        checks=checks_of(error) if isinstance(error, VerificationError) else (),
        undecided=isinstance(error, UndecidedError),
        hint=error.hint,
    )


def require_unexpired(expires: datetime, now: datetime) -> None:
    """A statement that has expired verifies only as of a time before (``--at``); installing does not judge it."""
    if now >= expires:
        raise VerificationError(
            f"the statement was to be used before {expires.isoformat()}",
            code="statement.expired",
            hint="ask for a new one, or judge as of then with --at",
        )

"""How much evidence a signature needs beside itself, and how much was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vxsec.errors import VerificationError
from vxsec.model.verification import CertificateIdentity, CountedAuthority, Requirements, TrustedTime

if TYPE_CHECKING:
    from vxsec.model.trusted_root import TrustedRoot
    from vxsec.verification.checks import Journal

__all__ = ["Evidence", "Shortfalls", "require_evidence", "requirements_of", "weigh_nothing"]

_SHOWN = 320


class Evidence(NamedTuple):
    """What was verified, every authority counted once; the fields are those of ``VerifiedSignature``."""

    identity: CertificateIdentity | None
    times: tuple[TrustedTime, ...]
    log_entries: int
    timestamps: int
    scts: int
    authorities: tuple[CountedAuthority, ...] = ()
    required: Requirements = Requirements()
    root: str | None = None


class Shortfalls(NamedTuple):
    """Of each kind, why the first piece that does not count does not."""

    log_entries: VerificationError | None = None
    timestamps: VerificationError | None = None
    scts: VerificationError | None = None
    left_out: tuple[str, ...] = ()
    """Logs of the trusted root that are of no kind verified here."""

    def of(self, reason: VerificationError | None, message: str, *, code: str) -> VerificationError:
        """Why there is too little: the first piece's own reason, or ``message``; logs left out are named."""
        found = reason or VerificationError(message, code=code)
        if not self.left_out:
            return found
        named = ", ".join(self.left_out[:4])
        return VerificationError(
            f"{found.message}; the trusted root has logs of kinds not verified here: {named[:_SHOWN]}", code=found.code
        )


def requirements_of(root: TrustedRoot) -> Requirements:
    """What a certificate's signature needs where nobody says: evidence of each kind of log that the root lists.

    A log of a kind that is not verified here is listed all the same: where there is no other, nothing can satisfy it.
    """
    return Requirements(
        log_entries=min(1, max(len(root.logs), root.listed_logs)),
        scts=min(1, max(len(root.ct_logs), root.listed_ct_logs)),
    )


def require_evidence(found: Evidence, asked: Requirements, shortfalls: Shortfalls) -> None:
    """There is as much of each kind as is asked for.

    Raises:
        VerificationError: Why a piece of that kind does not count, if one is there; else ``tlog.too-few``,
            ``timestamp.too-few`` or ``sct.too-few``.
    """
    log_entries, timestamps, scts = asked.log_entries or 0, asked.timestamps or 0, asked.scts or 0
    if found.log_entries < log_entries:
        message = f"expected entries of at least {log_entries} logs, found {found.log_entries}"
        raise shortfalls.of(shortfalls.log_entries, message, code="tlog.too-few")
    if found.timestamps < timestamps:
        raise shortfalls.timestamps or VerificationError(
            f"expected timestamps by at least {timestamps} authorities, found {found.timestamps}",
            code="timestamp.too-few",
        )
    if found.scts < scts:
        message = f"expected the certificate in at least {scts} transparency logs, found {found.scts}"
        raise shortfalls.of(shortfalls.scts, message, code="sct.too-few")


def weigh_nothing(asked: Requirements, journal: Journal) -> Evidence:
    """A key's signature without trusted roots: whatever lies beside it proves nothing.

    Raises:
        VerificationError: As :func:`require_evidence`, if some is asked for.
    """
    for identifier in ("timestamp", "log-entry"):
        journal.skipped(identifier, "no trusted root was given")
    for identifier in ("certificate", "certificate-time", "sct"):
        journal.skipped(identifier, "signed with a key")
    nothing = Evidence(None, (), 0, 0, 0, required=asked)
    with journal.step("requirements", "no more evidence is asked for"):
        require_evidence(nothing, asked, Shortfalls())
    return nothing

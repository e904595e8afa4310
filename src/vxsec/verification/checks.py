"""What a verification did, step by step: the closed list of checks, and the journal that they are written into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import FormatError, VerificationError
from vxsec.model.verification import Check, CheckStatus

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["CHECKS", "Journal", "checks_of"]

CHECKS = (
    "material",
    "artifact",
    "signature",
    "payload",
    "certificate",
    "timestamp",
    "log-entry",
    "log-promise",
    "log-inclusion",
    "log-checkpoint",
    "log-window",
    "certificate-time",
    "sct",
    "requirements",
    "statement-type",
    "subject",
    "predicate",
    "identity",
    "role",
    "standing",
    "expiry",
)
"""The id of every check of a bundle, in the order in which they are reported.

``material``: exactly one kind of key material, and what this version of bundles demands. ``artifact``: what was signed is
known. ``signature``: it verifies. ``payload``: it is a statement that we read. ``certificate``: an authority of the trusted
root issued it, for signing code, to one identity. ``timestamp``: an RFC 3161 timestamp over the signature. ``log-entry``: it
is about this artifact, signature and signer. ``log-promise``: the log's signed entry timestamp. ``log-inclusion``: the proof
leads from the entry to the root hash. ``log-checkpoint``: the log signed that root hash. ``log-window`` and
``certificate-time``: whoever vouches was trusted, and valid, when it was signed. ``sct``: a certificate transparency log has
the certificate. ``requirements``: there is as much evidence as was asked for. The rest is what a statement is
judged by: ``statement-type``: it is of a type that counts. ``subject``: it is about these bytes, under this name.
``predicate``: it reads, and is for this registry and version. ``identity``: the signer is one expected, or of the trust root.
``role``: the signer may say this. ``standing``: it was in its window, and nothing is taken back. ``expiry``: the signer meant it
to be used still. One id is reported once for each piece of evidence.
"""

_NOT_REACHED = "not reached"
_ORDER = {identifier: place for place, identifier in enumerate(CHECKS)}


class Journal:
    """The checks of one verification, in the order they were made."""

    __slots__ = ("_checks",)

    def __init__(self, checks: tuple[Check, ...] = ()) -> None:
        # What a report said was not reached may be reached by whoever goes on with it, and is told once.
        self._checks = [check for check in checks if check.message != _NOT_REACHED]

    def fork(self) -> Journal:
        """Another journal that begins with what this one holds."""
        return Journal(tuple(self._checks))

    def adopt(self, other: Journal) -> None:
        """Go on with what another journal holds, which began as a fork of this one."""
        self._checks = other._checks

    def step(self, identifier: str, message: str, *, evidence: str | None = None) -> _Step:
        """A check: what is done inside ``with`` passes as ``message``, or fails with the error it raises.

        Malformed input (``FormatError``) leaves it as a ``VerificationError`` with the same code.
        """
        return _Step(self, identifier, message, evidence)

    def passed(self, identifier: str, message: str, *, evidence: str | None = None) -> None:
        """A check that was made and held."""
        self._checks.append(Check(id=identifier, status=CheckStatus.PASSED, message=message, evidence=evidence))

    def failed(self, identifier: str, error: VerificationError, *, evidence: str | None = None) -> None:
        """A check that did not hold."""
        self._checks.append(
            Check(id=identifier, status=CheckStatus.FAILED, message=str(error), code=error.code, evidence=evidence)
        )

    def skipped(self, identifier: str, message: str, *, code: str | None = None) -> None:
        """A check that was not made, and why."""
        self._checks.append(Check(id=identifier, status=CheckStatus.NOT_RUN, message=message, code=code))

    @property
    def progress(self) -> int:
        """How many checks held."""
        return sum(check.status is CheckStatus.PASSED for check in self._checks)

    def report(self) -> tuple[Check, ...]:
        """Every check of :data:`CHECKS` in its order; those that were never come to are ``not-run``."""
        there = {check.id for check in self._checks}
        missing = [
            Check(id=identifier, status=CheckStatus.NOT_RUN, message=_NOT_REACHED)
            for identifier in CHECKS
            if identifier not in there
        ]
        return tuple(sorted([*self._checks, *missing], key=lambda check: _ORDER[check.id]))


class _Step:
    """One check while it is made; a class, because a generator would cost more than many a check."""

    __slots__ = ("_evidence", "_identifier", "_journal", "_message")

    def __init__(self, journal: Journal, identifier: str, message: str, evidence: str | None) -> None:
        self._journal = journal
        self._identifier = identifier
        self._message = message
        self._evidence = evidence

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self._journal.passed(self._identifier, self._message, evidence=self._evidence)
        elif isinstance(error, VerificationError):
            self._journal.failed(self._identifier, error, evidence=self._evidence)
        elif isinstance(error, FormatError):
            refused = VerificationError(error.message, code=error.code, where=error.where, hint=error.hint)
            self._journal.failed(self._identifier, refused, evidence=self._evidence)
            raise refused from error


def checks_of(error: VerificationError) -> tuple[Check, ...]:
    """The checks made before and with ``error``; empty where it was not raised by a verification that keeps them."""
    return tuple(check for check in error.checks if isinstance(check, Check))

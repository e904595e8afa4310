"""Every error vxsec raises on purpose, with the exit status it maps to.

::

    VxsecError
    ├── UsageError                                                        exit 2
    │   └── ConfigurationError   policy, trust document, .npmrc, key file exit 2
    ├── NothingToJudgeError      given, but nothing vxsec can judge       exit 3
    ├── UndecidedError           could not decide: CI may retry           exit 4
    │   ├── NetworkError
    │   ├── ToolMissingError
    │   └── LogWriteError        the decision could not be recorded
    ├── PartlyDoneError          a version is live, others are not        exit 5
    ├── RefusedError             the bytes themselves are refused         exit 10
    │   ├── TarballError         carries every reason, not just the first
    │   └── FormatError          JSON, lockfile, packument, bundle …
    ├── VerificationError        not verified                             exit 10
    └── DeniedError              a policy rule said no                    exit 11

An error says what was expected, what was found and where; ``hint`` is the next command to type; ``code`` is a
stable word for machines. Anything that is not a ``VxsecError`` is a defect: the command line answers 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "ConfigurationError",
    "DeniedError",
    "FormatError",
    "LogWriteError",
    "NetworkError",
    "NothingToJudgeError",
    "PartlyDoneError",
    "RefusedError",
    "TarballError",
    "ToolMissingError",
    "UndecidedError",
    "UsageError",
    "VerificationError",
    "VxsecError",
]


class VxsecError(Exception):
    """Base of every deliberate error.

    Args:
        message: What was expected, what was found.
        code: Stable lower-case word, ``family.reason``.
        where: File, line, member or field the message is about.
        hint: The next command to type, or the next thing to do.
    """

    exit_status: ClassVar[int] = 1
    default_code: ClassVar[str] = "internal"

    def __init__(
        self, message: str, *, code: str | None = None, where: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class UsageError(VxsecError):
    """A missing or unreadable file, a bad option, or a combination that makes no sense."""

    exit_status = 2
    default_code = "usage"


class ConfigurationError(UsageError):
    """A policy, trust document, ``.npmrc`` or key file that cannot be used as it is."""

    default_code = "configuration"


class NothingToJudgeError(VxsecError):
    """Arguments were given, but nothing in them that this version can judge."""

    exit_status = 3
    default_code = "nothing-to-judge"


class UndecidedError(VxsecError):
    """The question could not be answered; trying again may help."""

    exit_status = 4
    default_code = "undecided"


class NetworkError(UndecidedError):
    """A registry did not answer as its protocol says, or not in time."""

    default_code = "network"


class ToolMissingError(UndecidedError):
    """A program or optional package that this job needs is not installed."""

    default_code = "tool-missing"


class LogWriteError(UndecidedError):
    """The decision log could not be written; nothing may pass without its record."""

    default_code = "log.write-failed"


class PartlyDoneError(VxsecError):
    """At least one version is live and something after it failed."""

    exit_status = 5
    default_code = "publish.partly-done"


class RefusedError(VxsecError):
    """Bytes from outside that are not what their format allows."""

    exit_status = 10
    default_code = "refused"


class FormatError(RefusedError):
    """One foreign document (JSON, lockfile, packument, bundle) is malformed."""

    default_code = "format.malformed"


class TarballError(RefusedError):
    """A tarball that vxsec does not accept.

    Args:
        reasons: ``(code, message)`` for every reason found, in the order found; never empty.
    """

    default_code = "archive.refused"

    def __init__(
        self, reasons: Sequence[tuple[str, str]], *, where: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__("; ".join(text for _, text in reasons), code=reasons[0][0], where=where, hint=hint)
        self.reasons = tuple(reasons)


class VerificationError(VxsecError):
    """Not verified. Inside ``vxsec.verification`` malformed input is this error too."""

    exit_status = 10
    default_code = "verification.failed"


class DeniedError(VxsecError):
    """A policy rule said no."""

    exit_status = 11
    default_code = "policy.denied"

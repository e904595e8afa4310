"""What a lockfile would install, package by package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import VerificationError
from vxsec.values import dataclass

if TYPE_CHECKING:
    from vxsec.model.decision import Decision

__all__ = ["InstallReport", "TreeAccount", "TreeFailure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeFailure:
    """An entry that is wrong whatever the policy says: its bytes, its signed digest, or what the lockfile claims of it."""

    path: str
    package: str
    code: str
    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeAccount:
    """Every package of the lockfile, and the project itself, in exactly one of five.

    ``bundled`` says how many of the verified and allowed ones came inside another package's tarball.
    """

    verified: int = 0
    allowed_unsigned: int = 0
    local: int = 0
    failed: int = 0
    not_evaluated: int = 0
    bundled: int = 0

    @property
    def total(self) -> int:
        """All five together."""
        return self.verified + self.allowed_unsigned + self.local + self.failed + self.not_evaluated

    def check(self, expected: int) -> None:
        """Hold that each of the ``expected`` packages was counted exactly once.

        Raises:
            VerificationError: ``tree.account``; a package that was lost on the way must never look like a pass.
        """
        counts = (self.verified, self.allowed_unsigned, self.local, self.failed, self.not_evaluated)
        if self.total != expected or min(counts) < 0:
            raise VerificationError(
                f"expected an account of {expected} packages, found {self.total}", code="tree.account"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallReport:
    """The whole tree: lockfile = bytes = signed digest, and the policy's decision on each package."""

    lockfile: str
    decision: Decision | None
    failures: tuple[TreeFailure, ...]
    totals: TreeAccount
    not_evaluated: tuple[TreeFailure, ...] = ()

    @property
    def exit_status(self) -> int:
        """10 where anything is wrong whatever the policy says, else the decision's, else 4 for anything not evaluated."""
        if self.failures:
            return 10
        if self.decision is not None and self.decision.exit_status:
            return self.decision.exit_status
        return 4 if self.not_evaluated else 0

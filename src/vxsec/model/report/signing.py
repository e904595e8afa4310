"""What signing and approving made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from vxsec.model.evidence import FieldDifference
    from vxsec.model.package import PackageRef

__all__ = ["Approval", "ReleaseDifference", "SignedFile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedFile:
    """One statement or signature made: what was signed, and the file the bundle was appended to.

    ``note`` is a sentence where the trust document given says that it will not count.
    """

    file: str
    subject: str
    predicate_type: str | None
    key_hint: str
    bundle: str
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDifference:
    """What changes for the people who install, derived from the bytes by the approver's own vxsec.

    ``previous`` is None where no earlier version could be read; then ``added`` is the full inventory.
    """

    package: PackageRef
    previous: PackageRef | None
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    manifest: tuple[FieldDifference, ...]
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """An approval made, over every file at once."""

    files: tuple[SignedFile, ...]
    differences: tuple[ReleaseDifference, ...]
    pushed: tuple[str, ...] = ()
    """Versions of the evidence package written, one per file where ``--push`` was asked."""

"""The rules, one file each, and the table of them: a literal, so that no other installed package can add to a gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vxsec.policy.rules import (
    archive_safe,
    content_install_scripts,
    deps_confusion,
    deps_lockfile,
    manifest_consistent,
    release_approval,
    signature_threshold,
    version_monotonic,
)

if TYPE_CHECKING:
    from vxsec.policy.rule import Rule

__all__ = ["BUILTIN"]

BUILTIN: tuple[Rule[Any], ...] = (
    signature_threshold.RULE,
    release_approval.RULE,
    archive_safe.RULE,
    manifest_consistent.RULE,
    content_install_scripts.RULE,
    deps_lockfile.RULE,
    deps_confusion.RULE,
    version_monotonic.RULE,
)

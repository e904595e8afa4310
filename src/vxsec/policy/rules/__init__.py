"""The rules, one file each, and the table of them: a literal, so that no other installed package can add to a gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vxsec.policy.rules import (
    archive_safe,
    content_files,
    content_install_scripts,
    content_secrets,
    content_size,
    deps_confusion,
    deps_exotic,
    deps_lockfile,
    license_allow,
    malware_deny,
    manifest_consistent,
    manifest_expect,
    release_approval,
    sbom_complete,
    signature_threshold,
    version_monotonic,
    vuln_threshold,
)

if TYPE_CHECKING:
    from vxsec.policy.rule import Rule

__all__ = ["BUILTIN"]

BUILTIN: tuple[Rule[Any], ...] = (
    signature_threshold.RULE,
    release_approval.RULE,
    archive_safe.RULE,
    manifest_consistent.RULE,
    manifest_expect.RULE,
    content_files.RULE,
    content_install_scripts.RULE,
    content_secrets.RULE,
    content_size.RULE,
    deps_lockfile.RULE,
    deps_confusion.RULE,
    deps_exotic.RULE,
    version_monotonic.RULE,
    sbom_complete.RULE,
    malware_deny.RULE,
    vuln_threshold.RULE,
    license_allow.RULE,
)

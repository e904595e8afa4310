"""Reports for machines: one document each, with its schema's name. Verdicts are words, never only a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.model.artifact import Artifact
from vxsec.model.report import LockfileInspection
from vxsec.report.decision_json import render_decision

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vxsec.model.finding import Finding
    from vxsec.model.report import (
        Approval,
        ArtifactInspection,
        FileVerdict,
        InstallReport,
        PublishReport,
        SignedFile,
        TreeFailure,
        VerifyReport,
    )

__all__ = [
    "approval_document",
    "inspection_document",
    "install_document",
    "publish_document",
    "signed_document",
    "verify_document",
]

_SCHEMA = "urn:vxsec:schema:{}:v1"


def verify_document(report: VerifyReport) -> dict[str, object]:
    """``urn:vxsec:schema:verify:v1``."""
    return {
        "schema": _SCHEMA.format("verify"),
        "verdict": "verified" if report.exit_status == 0 else "not-verified",
        "exitStatus": report.exit_status,
        "asOf": report.as_of.isoformat() if report.as_of is not None else None,
        "rehearsal": report.rehearsal,
        "files": [_file(item) for item in report.files],
    }


def _file(item: FileVerdict) -> dict[str, object]:
    return {
        "file": item.file,
        "sha256": item.sha256,
        "sha512": item.sha512,
        "verified": item.verified,
        "code": item.code,
        "message": item.message,
        "hint": item.hint,
        "signedBy": list(item.signed_by),
        "predicateTypes": list(item.predicate_types),
        "rejected": [{"code": r.code, "message": r.message, "source": r.source} for r in item.rejected],
    }


def install_document(report: InstallReport) -> dict[str, object]:
    """``urn:vxsec:schema:install:v1``."""
    totals = report.totals
    return {
        "schema": _SCHEMA.format("install"),
        "verdict": "verified" if report.exit_status == 0 else "not-verified",
        "exitStatus": report.exit_status,
        "lockfile": report.lockfile,
        "totals": {
            "total": totals.total,
            "verified": totals.verified,
            "allowedUnsigned": totals.allowed_unsigned,
            "local": totals.local,
            "failed": totals.failed,
            "notEvaluated": totals.not_evaluated,
            "bundled": totals.bundled,
        },
        "failures": [_failure(item) for item in report.failures],
        "notEvaluated": [_failure(item) for item in report.not_evaluated],
        "decision": render_decision(report.decision) if report.decision is not None else None,
    }


def _failure(item: TreeFailure) -> dict[str, object]:
    return {"path": item.path, "package": item.package, "code": item.code, "message": item.message, "hint": item.hint}


def publish_document(report: PublishReport) -> dict[str, object]:
    """``urn:vxsec:schema:publish:v1``."""
    return {
        "schema": _SCHEMA.format("publish"),
        "verdict": {0: "published", 5: "partly-published"}.get(report.exit_status, "not-published"),
        "exitStatus": report.exit_status,
        "packages": [
            {
                "purl": item.package.purl,
                "sha512": item.digests.sha512,
                "state": item.state.value,
                "live": item.live,
                "tag": item.tag,
                "evidence": item.evidence,
                "detail": item.detail,
            }
            for item in report.packages
        ],
        "decision": render_decision(report.decision),
    }


def signed_document(files: Iterable[SignedFile]) -> dict[str, object]:
    """``urn:vxsec:schema:signed:v1``."""
    return {"schema": _SCHEMA.format("signed"), "files": [_signed(item) for item in files]}


def _signed(item: SignedFile) -> dict[str, object]:
    return {
        "file": item.file,
        "subject": item.subject,
        "predicateType": item.predicate_type,
        "keyHint": item.key_hint,
        "bundle": item.bundle,
    }


def approval_document(approval: Approval) -> dict[str, object]:
    """``urn:vxsec:schema:approval:v1``."""
    return {
        "schema": _SCHEMA.format("approval"),
        "files": [_signed(item) for item in approval.files],
        "pushed": list(approval.pushed),
        "differences": [
            {
                "purl": item.package.purl,
                "previous": item.previous.purl if item.previous is not None else None,
                "note": item.note,
                "added": list(item.added),
                "removed": list(item.removed),
                "changed": list(item.changed),
                "manifest": [{"field": d.field, "previous": d.registry, "now": d.tarball} for d in item.manifest],
            }
            for item in approval.differences
        ],
    }


def inspection_document(report: ArtifactInspection | LockfileInspection) -> dict[str, object]:
    """``urn:vxsec:schema:inspect:v1``."""
    base: dict[str, object] = {
        "schema": _SCHEMA.format("inspect"),
        "verdict": {0: "sound", 10: "refused"}.get(report.exit_status, "not-sound"),
        "exitStatus": report.exit_status,
        "findings": [_finding(item) for item in report.findings],
    }
    if isinstance(report, LockfileInspection):
        lockfile = report.lockfile
        return {
            **base,
            "kind": "lockfile",
            "file": report.source,
            "format": lockfile.format,
            "formatVersion": lockfile.format_version,
            "sha512": lockfile.sha512,
            "packages": len(lockfile.packages),
        }
    artifact = report.artifact
    base |= {
        "kind": "tarball",
        "file": artifact.filename,
        "sha1": artifact.digests.sha1,
        "sha256": artifact.digests.sha256,
        "sha512": artifact.digests.sha512,
        "integrity": artifact.digests.integrity,
        "size": artifact.digests.size,
    }
    if not isinstance(artifact, Artifact):
        return base
    return {
        **base,
        "purl": artifact.package.purl,
        "name": artifact.package.name,
        "version": artifact.package.version,
        "unpackedSize": artifact.unpacked_size,
        "installScripts": [
            {"event": s.event, "command": s.command, "implicit": s.implicit} for s in report.install_scripts
        ],
        "files": [
            {"path": f.path, "mode": f"{f.mode:04o}", "size": f.size, "sha512": f.sha512} for f in artifact.files
        ],
    }


def _finding(item: Finding) -> dict[str, object]:
    return {"code": item.code, "severity": item.severity.value, "message": item.message, "where": item.where}

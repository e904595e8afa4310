"""The lockfile pins the bytes, and says nothing odd.

Why: ``npm ci`` installs what the lockfile says. An entry without a SHA-512, with SHA-1 only, or with a git or file source
can become other bytes tomorrow; an entry whose name, version or digest is not the package's own is how a lockfile is
poisoned in review.

Fix: Make it again with ``npm install --package-lock-only`` against the right registry, and look at what is left with
``vxsec inspect package-lock.json``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.formats.lockfiles.source import SourceKind, source_kind
from vxsec.formats.redact import redact_urls
from vxsec.model.decision import Phase
from vxsec.model.digest import Integrity
from vxsec.model.finding import Severity
from vxsec.policy.next_command import quoted
from vxsec.policy.rule import (
    EvidenceKind,
    NoParameters,
    Outcome,
    Rule,
    RuleContext,
    failed,
    passed,
    unknown,
)

if TYPE_CHECKING:
    from vxsec.model.dependency import LockedPackage
    from vxsec.model.evidence import LockfileEvidence, SubjectRef

__all__ = ["RULE"]

_SHOWN = 160
_SOURCES = frozenset({SourceKind.REGISTRY, SourceKind.HTTP})


def _check(_: NoParameters, context: RuleContext) -> Outcome:
    lockfile = context.evidence.lockfile
    if lockfile is None:
        raise TypeError("no lockfile was collected")
    if lockfile.unsupported is not None:
        return unknown(
            "lockfile.unsupported",
            f"this version does not read {lockfile.source} ({lockfile.format})",
            expected="a lockfile that vxsec reads",
            found=f"{lockfile.unsupported[:_SHOWN]} ({lockfile.format}, {lockfile.source})",
            hint="npm install --package-lock-only, then give --lockfile package-lock.json",
        )
    severe = [finding for finding in lockfile.findings if finding.severity is Severity.HIGH]
    for finding in severe:
        return _failed(
            lockfile, finding.code, finding.message, expected="no finding of high severity", found=finding.message
        )
    if lockfile.entry is not None:
        return _check_entry(lockfile, lockfile.entry, context.evidence.subject)
    if context.phase is Phase.INSTALL:
        label = context.evidence.subject.label
        return _failed(
            lockfile,
            "lockfile.not-listed",
            f"the lockfile does not list {label}",
            expected=f"an entry for {label}",
            found="none",
            hint=f"npm install --package-lock-only {quoted(label)}",
        )
    return passed("lockfile.sound", "no finding of high severity", found=lockfile.source)


def _check_entry(lockfile: LockfileEvidence, entry: LockedPackage, subject: SubjectRef) -> Outcome:
    name, version = (subject.package.name, subject.package.version) if subject.package else (None, None)
    if (entry.name, entry.version) != (name, version):
        return _failed(
            lockfile,
            "lockfile.other-package",
            "the entry is about another package",
            expected=subject.label,
            found=f"{entry.name}@{entry.version}"[:_SHOWN],
        )
    if entry.link or source_kind(entry.resolved) not in _SOURCES:
        return _failed(
            lockfile,
            "lockfile.source",
            "the entry does not come from a registry",
            expected="a registry's URL, or none",
            found=repr(redact_urls(entry.resolved or "a link")[:_SHOWN]),
        )
    return _check_integrity(lockfile, entry, subject)


def _check_integrity(lockfile: LockfileEvidence, entry: LockedPackage, subject: SubjectRef) -> Outcome:
    if entry.integrity is None:
        return _failed(
            lockfile,
            "lockfile.no-integrity",
            "the entry pins no bytes",
            expected="an integrity with sha512",
            found="none",
        )
    shown = repr(entry.integrity[:_SHOWN])
    try:
        integrity = Integrity.parse(entry.integrity)
    except FormatError as error:
        return _failed(
            lockfile, "lockfile.bad-integrity", error.message, expected="an integrity with sha512", found=shown
        )
    if integrity.is_ambiguous:
        return _failed(
            lockfile,
            "lockfile.integrity-ambiguous",
            "the entry pins several files, and npm would install any of them",
            expected="one sha512",
            found=shown,
        )
    if integrity.strongest != "sha512":
        return _failed(
            lockfile,
            "lockfile.weak-integrity",
            "the entry pins no SHA-512",
            expected="an integrity with sha512",
            found=shown,
        )
    if subject.sha512 is not None and ("sha512", subject.sha512) not in integrity.entries:
        return _failed(
            lockfile,
            "lockfile.integrity-mismatch",
            "the entry pins other bytes than these",
            expected=f"sha512 {subject.sha512}",
            found=shown,
            hint="find out which bytes are the right ones; npm writes the entry again where it was removed: "
            "npm install --package-lock-only",
        )
    return passed("lockfile.pinned", "the entry pins the bytes", found=entry.path)


def _failed(
    lockfile: LockfileEvidence, code: str, message: str, *, expected: str, found: str, hint: str | None = None
) -> Outcome:
    where = f" at {lockfile.entry.path[:_SHOWN]!r}" if lockfile.entry is not None else ""
    hint = hint or f"vxsec inspect {quoted(lockfile.source)}"
    return failed(code, f"{message}{where}", expected=expected, found=found, hint=hint)


RULE = Rule(
    id="deps.lockfile",
    summary="The lockfile pins the bytes, and says nothing odd.",
    phases=frozenset({Phase.PUBLISH, Phase.INSTALL}),
    needs=frozenset({EvidenceKind.LOCKFILE}),
    parameters=NoParameters,
    check=_check,
)

"""What a reviewer wants to know about a lockfile: where packages come from, and whether their bytes are pinned."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vxsec.errors import FormatError
from vxsec.formats.lockfiles.source import SourceKind, source_kind
from vxsec.formats.registry_url import is_under
from vxsec.inspection.insecure_url import insecure_url
from vxsec.model.digest import Integrity
from vxsec.model.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vxsec.model.dependency import LockedPackage, Lockfile

__all__ = ["check_lockfile_document", "check_lockfile_entry", "inspect_lockfile"]

_SHOWN = 160
_DRIFT_FIELDS = (
    ("dependencies", "dependencies"),
    ("devDependencies", "dev_dependencies"),
    ("optionalDependencies", "optional_dependencies"),
    ("peerDependencies", "peer_dependencies"),
)


def inspect_lockfile(lockfile: Lockfile, *, allowed_registries: Sequence[str]) -> tuple[Finding, ...]:
    """Everything ``vxsec inspect`` shows about a lockfile, in file order, then what concerns it as a whole.

    Args:
        lockfile: As parsed; its own findings come first.
        allowed_registries: Normalised URLs that packages may be fetched from. Empty: nobody has said yet, so the hosts
            seen are listed (low), and only addresses no registry should have are high: plain http to another machine,
            a bare IP address, a URL with a user name.
    """
    findings = list(lockfile.findings)
    hosts: Counter[str] = Counter()
    for entry in lockfile.packages:
        findings.extend(_url_findings(entry, allowed_registries))
        findings.extend(_script_findings(entry))
        if not allowed_registries and source_kind(entry.resolved) is SourceKind.HTTP:
            hosts[_origin(entry.resolved or "")] += 1
    findings.extend(_integrity_conflicts(lockfile.packages))
    for origin, count in sorted(hosts.items()):
        findings.append(
            Finding(
                code="lockfile.registry-seen",
                severity=Severity.LOW,
                message=f"{count} package{'s' if count != 1 else ''} from {origin[:_SHOWN]}",
            )
        )
    return tuple(findings)


def check_lockfile_entry(entry: LockedPackage, *, allowed_registries: Sequence[str] = ()) -> tuple[Finding, ...]:
    """What is to be said about one entry: its reader's findings, its URL, its install script."""
    return (*entry.findings, *_url_findings(entry, allowed_registries), *_script_findings(entry))


def check_lockfile_document(lockfile: Lockfile, manifest: Mapping[str, object] | None) -> tuple[Finding, ...]:
    """What is to be said about the file as a whole: its findings, conflicting integrity, and drift.

    Args:
        lockfile: As parsed.
        manifest: The package.json beside it; None where there is none, and then drift is not judged.
    """
    findings = [*lockfile.findings, *_integrity_conflicts(lockfile.packages)]
    if manifest is not None:
        findings.extend(_drift(lockfile, manifest))
    return tuple(findings)


def _url_findings(entry: LockedPackage, allowed: Sequence[str]) -> Iterator[Finding]:
    if entry.link or source_kind(entry.resolved) is not SourceKind.HTTP:
        return
    resolved = entry.resolved or ""
    trouble = insecure_url(resolved)
    if allowed and any(is_under(resolved, registry) for registry in allowed):
        return
    if trouble is not None:
        yield _finding("url-insecure", Severity.HIGH, entry, f"{trouble}: {_shown(resolved)}")
    elif allowed:
        yield _finding("foreign-registry", Severity.HIGH, entry, f"comes from {_shown(resolved)}")


def _origin(resolved: str) -> str:
    parts = urlsplit(resolved)
    return f"{parts.scheme.lower()}://{parts.netloc.rpartition('@')[2].lower()}/"


def _shown(resolved: str) -> str:
    """The URL without user name and password: they are secrets."""
    parts = urlsplit(resolved)
    return repr(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()[:_SHOWN])


def _script_findings(entry: LockedPackage) -> Iterator[Finding]:
    if entry.has_install_script:
        yield _finding("install-script", Severity.LOW, entry, "runs a script when it is installed")


def _integrity_conflicts(packages: Sequence[LockedPackage]) -> Iterator[Finding]:
    """Two entries for one name and version must be the same bytes."""
    first_of: dict[tuple[str | None, str | None, str], tuple[LockedPackage, frozenset[str]]] = {}
    for entry in packages:
        if entry.link or entry.in_bundle or entry.integrity is None:
            continue
        try:
            integrity = Integrity.parse(entry.integrity)
        except FormatError:
            continue  # a finding of the document already
        strongest = integrity.strongest
        digests = frozenset(digest for name, digest in integrity.entries if name == strongest)
        first, stated = first_of.setdefault((entry.name, entry.version, strongest), (entry, digests))
        if stated.isdisjoint(digests):
            yield _finding(
                "integrity-conflict", Severity.HIGH, entry, f"{first.path[:_SHOWN]!r} states another integrity"
            )


def _drift(lockfile: Lockfile, manifest: Mapping[str, object]) -> Iterator[Finding]:
    optional = _ranges(manifest.get("optionalDependencies")) or {}
    for field, attribute in _DRIFT_FIELDS:
        locked: Mapping[str, str] = getattr(lockfile.root, attribute)
        stated = _ranges(manifest.get(field))
        if stated is None:
            yield _drifted(field, "in package.json it is not an object of ranges")
            continue
        if field == "dependencies":  # npm takes a name in both as optional, and may fold it in either way
            stated = {name: text for name, text in stated.items() if name not in optional}
            locked = {name: text for name, text in locked.items() if name not in lockfile.root.optional_dependencies}
        for name in sorted(stated.keys() | locked.keys()):
            here, there = stated.get(name), locked.get(name)
            if here != there:
                yield _drifted(field, f"{name[:_SHOWN]!r} is {_quoted(here)} in package.json and {_quoted(there)} here")
    workspaces = manifest.get("workspaces")
    if isinstance(workspaces, dict):
        workspaces = workspaces.get("packages")
    if list(lockfile.workspaces) != ([] if workspaces is None else workspaces):
        yield _drifted("workspaces", "package.json and the lockfile state different folders")


def _ranges(value: object) -> dict[str, str] | None:
    if value is None:
        return {}
    if not isinstance(value, dict):
        return None
    ranges = {name: text for name, text in value.items() if isinstance(text, str)}
    return ranges if len(ranges) == len(value) else None


def _quoted(text: str | None) -> str:
    return "absent" if text is None else repr(text[:_SHOWN])


def _drifted(field: str, message: str) -> Finding:
    return Finding(code="lockfile.drift", severity=Severity.HIGH, message=f"{field}: {message}", where="")


def _finding(reason: str, severity: Severity, entry: LockedPackage, message: str) -> Finding:
    label = f"{(entry.name or entry.installed_as)[:_SHOWN]}@{(entry.version or '?')[:_SHOWN]}"
    return Finding(code=f"lockfile.{reason}", severity=severity, message=f"{label}: {message}", where=entry.path)

"""What follows from npm's entries taken together: real names of links, bundling, legal aliases, and findings.

The rules are npm's own (``@npmcli/arborist``: ``node.js`` ``getBundler``, ``load-virtual.js``), because what an entry
*says* about being bundled or linked is only a claim: npm computes it from the enclosing packages.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.formats.lockfiles.source import SourceKind, is_pinned_commit, is_registry_tarball, source_kind
from vxsec.model.digest import Integrity
from vxsec.model.finding import Finding, Severity
from vxsec.values import dataclass
from vxsec.versions.npm import is_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from vxsec.model.dependency import LockedPackage

__all__ = ["Resolver", "TreeFacts", "bundled_by", "enclosing", "tree_facts"]

_SHOWN = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeFacts:
    """The same entries, completed, and what is worth a look, in file order."""

    packages: Mapping[str, LockedPackage]
    findings: tuple[Finding, ...]


def tree_facts(packages: Mapping[str, LockedPackage], shrinkwrapped: frozenset[str]) -> TreeFacts:
    """Complete ``packages`` (keyed by path, root included) and list the findings about them.

    Args:
        packages: The entries as written.
        shrinkwrapped: Paths of entries that carry their own lockfile inside the tarball.
    """
    named = {path: _named(entry, packages) for path, entry in packages.items()}
    bundled = _bundled_paths(named)
    ranges = _ranges_of_doubtful(named)
    findings: list[Finding] = []
    complete: dict[str, LockedPackage] = {}
    for path, entry in named.items():
        bundler = bundled.get(path)
        found = list(_entry_findings(entry, bundler=bundler, ranges=ranges.get(path, ())))
        if path in shrinkwrapped:
            text = "npm installs what a lockfile inside it names"
            found.append(_finding("nested-shrinkwrap", Severity.HIGH, entry, text))
        in_bundle = bool(bundler) or (entry.in_bundle and bundler is None)
        if found or entry.in_bundle is not in_bundle:
            entry = replace(entry, in_bundle=in_bundle, findings=tuple(found))  # noqa: PLW2901 - completed, not reused
        complete[path] = entry
        findings.extend(found)
    return TreeFacts(packages=complete, findings=tuple(findings))


def enclosing(path: str) -> str | None:
    """The path of the package or folder whose ``node_modules`` holds ``path``; None for a folder or the root."""
    if path.startswith("node_modules/") and "/node_modules/" not in path:
        return ""
    head, found, _ = path.rpartition("/node_modules/")
    return head if found else None


def bundled_by(packages: Mapping[str, LockedPackage], bundler: str, names: Iterable[str]) -> frozenset[str]:
    """The paths that ``npm pack`` puts into the tarball of the package at ``bundler`` if it bundles ``names``."""
    return frozenset(_bundle_closure(packages, sorted(packages), Resolver(packages), bundler, names))


def _named(entry: LockedPackage, packages: Mapping[str, LockedPackage]) -> LockedPackage:
    """A link has its target's name and version."""
    target = packages.get(entry.resolved or "") if entry.link else None
    return entry if target is None else replace(entry, name=target.name, version=target.version)


def _bundled_paths(packages: Mapping[str, LockedPackage]) -> dict[str, str]:
    """Path to bundler for every bundled entry. A bundler ``""`` is the root, whose bundled packages are still fetched."""
    bundled: dict[str, str] = {}
    bundlers = sorted((path for path, entry in packages.items() if entry.bundles), key=len)  # outer before inner
    if not bundlers:
        return bundled
    ordered, resolver = sorted(packages), Resolver(packages)
    for bundler in bundlers:
        if bundler not in bundled:  # what sits in an outer bundle belongs to that one
            for path in _bundle_closure(packages, ordered, resolver, bundler, packages[bundler].bundles):
                bundled.setdefault(path, bundler)
    return bundled


def _bundle_closure(
    packages: Mapping[str, LockedPackage], ordered: list[str], resolver: Resolver, bundler: str, names: Iterable[str]
) -> set[str]:
    """The bundled names, what lies below them, and what they need if it lies beside them (``getBundler``)."""
    prefix = f"{bundler}/node_modules/" if bundler else "node_modules/"
    closure: set[str] = set()
    pending = [prefix + name for name in names]
    while pending:
        top = pending.pop()
        if top in closure or top not in packages:
            continue
        for path in (top, *_below(ordered, f"{top}/node_modules/")):
            closure.add(path)
            found = resolver.names_below(path, packages[path].wanted())
            pending.extend(other for name, other in found if other == prefix + name)
    return closure


def _below(ordered: list[str], prefix: str) -> Iterator[str]:
    position = bisect_left(ordered, prefix)
    while position < len(ordered) and ordered[position].startswith(prefix):
        yield ordered[position]
        position += 1


class Resolver:
    """Which entry a name means for a package at some place (Node's module resolution, ``@npmcli/arborist`` ``resolve``)."""

    def __init__(self, packages: Mapping[str, LockedPackage]) -> None:
        self._folders: dict[str, set[str]] = defaultdict(set)
        for path, entry in packages.items():
            folder = enclosing(path)
            if folder is not None:
                self._folders[entry.installed_as].add(folder)

    def names_below(self, start: str, names: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Each of ``names`` that is found from ``start``, and its path; the folders are walked once for all names."""
        ancestors, folder = {start}, start
        while folder:
            folder = folder.rpartition("/")[0]
            ancestors.add(folder)
        for name in names:
            seen = ancestors & self._folders.get(name, set())
            if seen:
                found = max(seen, key=len)  # the nearest
                yield name, f"{found}/node_modules/{name}" if found else f"node_modules/{name}"


def _ranges_of_doubtful(packages: Mapping[str, LockedPackage]) -> dict[str, list[str]]:
    """Every range by which some entry asks for one whose name, address or alias has to be explained by it."""
    doubtful = {
        entry.installed_as
        for entry in packages.values()
        if enclosing(entry.path) is not None and (entry.name != entry.installed_as or _leads_elsewhere(entry))
    }
    ranges: dict[str, list[str]] = defaultdict(list)
    resolver = Resolver(packages)
    for path, entry in packages.items():
        fields = (entry.dependencies, entry.optional_dependencies, entry.peer_dependencies, entry.dev_dependencies)
        asked = {name for stated in fields for name, text in stated.items() if text.startswith("npm:")}
        if doubtful:
            asked |= entry.wanted() & doubtful
        for name, found in resolver.names_below(path, asked) if asked else ():
            ranges[found].extend(entry.ranges(name))
    return ranges


def _leads_elsewhere(entry: LockedPackage) -> bool:
    """Whether npm would download it from an address by which no registry serves this name and version."""
    if entry.link or entry.name is None or entry.version is None or source_kind(entry.resolved) is not SourceKind.HTTP:
        return False
    return not is_registry_tarball(entry.resolved or "", entry.name, entry.version)


def _alias_target(text: str) -> str | None:
    """The name in ``npm:NAME@RANGE``."""
    if not text.startswith("npm:"):
        return None
    name, at, _ = text[4:].rpartition("@")
    return name if at and name else text[4:]


def _entry_findings(
    entry: LockedPackage, *, bundler: str | None, ranges: list[str] | tuple[str, ...]
) -> Iterator[Finding]:
    if enclosing(entry.path) is None:
        return
    yield from _name_findings(entry, ranges)
    if entry.link:
        return
    if entry.in_bundle and bundler is None:
        yield _finding(
            "bundle-undeclared", Severity.HIGH, entry, "inBundle is stated, but no enclosing package bundles it"
        )
    yield from _version_findings(entry)
    if _leads_elsewhere(entry) and entry.resolved not in ranges:  # an address that was asked for is no surprise
        text = (
            f"resolved is not where a registry serves this name and version: {_without_secrets(entry.resolved or '')!r}"
        )
        yield _finding("resolved-mismatch", Severity.HIGH, entry, text)
    if not bundler and (bundler == "" or not entry.in_bundle):  # what the root bundles is fetched like the rest
        yield from _source_findings(entry)
        yield from _integrity_findings(entry)


def _without_secrets(resolved: str) -> str:
    """The URL without user name, password and query."""
    scheme, _, rest = re.split(r"[?#]", resolved, maxsplit=1)[0].partition("//")
    host, slash, path = rest.partition("/")
    return f"{scheme}//{host.rpartition('@')[2]}{slash}{path}"[:_SHOWN]


def _name_findings(entry: LockedPackage, ranges: list[str] | tuple[str, ...]) -> Iterator[Finding]:
    """The real name is the path's, or an alias's target; and an alias leads to nothing else."""
    if entry.name != entry.installed_as and not any(_asks_for(entry, text) for text in ranges):
        text = (
            f"the path says {entry.installed_as[:_SHOWN]!r}, the entry {str(entry.name)[:_SHOWN]!r}, and no dependent "
            f"asks for it as npm:{str(entry.name)[:_SHOWN]}"
        )
        yield _finding("name-mismatch", Severity.HIGH, entry, text)
        return
    others = [target for target in map(_alias_target, ranges) if target is not None and target != entry.name]
    if others:
        text = f"the entry says {str(entry.name)[:_SHOWN]!r}, and a dependent asks for npm:{others[0][:_SHOWN]}"
        yield _finding("name-mismatch", Severity.HIGH, entry, text)


def _asks_for(entry: LockedPackage, text: str) -> bool:
    alias = _alias_target(text)
    if alias is not None:
        return entry.name == alias
    if entry.link:
        return text.startswith(("file:", "link:", "workspace:"))
    # A package that comes from git, a URL or a file has whatever name it gives itself; its source is a finding already.
    return source_kind(entry.resolved) in {SourceKind.GIT, SourceKind.FILE} and source_kind(text) in {
        SourceKind.GIT,
        SourceKind.FILE,
    }


def _version_findings(entry: LockedPackage) -> Iterator[Finding]:
    if entry.version is None:
        yield _finding("version-missing", Severity.HIGH, entry, "no version is stated")
    elif not is_version(entry.version):
        yield _finding("version-invalid", Severity.HIGH, entry, f"{entry.version[:_SHOWN]!r} is not a version")


def _source_findings(entry: LockedPackage) -> Iterator[Finding]:
    resolved = entry.resolved or ""
    match source_kind(entry.resolved):
        case SourceKind.GIT if is_pinned_commit(resolved):
            yield _finding("source-git", Severity.MEDIUM, entry, "comes from git, which npm installs without integrity")
        case SourceKind.GIT:
            yield _finding("source-git", Severity.HIGH, entry, "comes from git, and not by a whole commit hash")
        case SourceKind.FILE:
            yield _finding("source-file", Severity.MEDIUM, entry, "comes from a file, not from a registry")
        case SourceKind.UNKNOWN:
            yield _finding(
                "source-unknown", Severity.HIGH, entry, f"resolved is nothing npm writes: {resolved[:_SHOWN]!r}"
            )
        case _:  # a registry, or a URL that is judged by where it leads
            return


def _integrity_findings(entry: LockedPackage) -> Iterator[Finding]:
    if entry.integrity is None:
        if source_kind(entry.resolved) is not SourceKind.GIT:
            yield _finding("integrity-missing", Severity.HIGH, entry, "no integrity is stated")
        return
    try:
        integrity = Integrity.parse(entry.integrity)
    except FormatError as error:
        yield _finding("integrity-malformed", Severity.HIGH, entry, error.message)
        return
    if integrity.is_ambiguous:
        yield _finding("integrity-ambiguous", Severity.HIGH, entry, "npm would install any of several files")
    if integrity.is_weak:
        yield _finding("integrity-weak", Severity.HIGH, entry, f"nothing stronger than {integrity.strongest} is stated")


def _finding(reason: str, severity: Severity, entry: LockedPackage, message: str) -> Finding:
    label = f"{entry.installed_as[:_SHOWN]}@{(entry.version or '?')[:_SHOWN]}"
    return Finding(code=f"lockfile.{reason}", severity=severity, message=f"{label}: {message}", where=entry.path)

"""From a lockfile to the graph of what a package needs at run time, resolved as Node resolves it.

Source: Node.js documentation, "Loading from node_modules folders"; ``@npmcli/arborist`` (``node.js`` ``resolve``,
``calc-dep-flags.js``). A lockfile is a claim: this says what it would install, not that the bytes are good.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.formats.lockfiles.npm_tree import Resolver, bundled_by, enclosing
from vxsec.formats.lockfiles.source import SourceKind, is_registry_tarball, source_kind
from vxsec.inspection.asked import (
    Asked,
    asked_by_entry,
    asked_by_manifest,
    bundled_names,
    shown_request,
    source_of_range,
)
from vxsec.inspection.licenses import stated_license
from vxsec.inspection.manifest_graph import graph_from_manifest
from vxsec.inspection.merge_places import merge_places
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.dependency import Dependency, DependencyGraph, DependencySource
from vxsec.model.package import NPM, PackageRef
from vxsec.versions.npm_range import satisfies

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vxsec.model.dependency import LockedPackage, Lockfile
    from vxsec.model.package import Manifest

__all__ = ["graph_from_manifest", "resolve_graph"]

_SHOWN = 160
_ADDRESSES = ("http:", "https:", "HTTP:", "HTTPS:")
_DOUBT = "its lockfile entry names another package than whoever asks for it"
_BY_KIND = {
    SourceKind.GIT: DependencySource.GIT,
    SourceKind.FILE: DependencySource.FILE,
    SourceKind.UNKNOWN: DependencySource.URL,
}


def resolve_graph(
    lockfile: Lockfile,
    package: PackageRef | None,
    *,
    manifest: Manifest | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> DependencyGraph:
    """What ``package`` needs to run, or with None everything the lockfile installs (``dev=True`` for development tools).

    Guaranteed: every name is resolved to the entry that Node would load from that place; places that hold the same thing
    and need the same things are one node; what is asked for and not there is in ``unresolved``, unless it is optional.
    A way back to ``package`` itself is left out. No recursion; the work grows with entries and edges.

    Args:
        lockfile: As parsed from ``package-lock.json`` version 2 or 3.
        package: A workspace folder of this name, else the project itself, else an installed package of this version.
        manifest: The package's own manifest from its tarball. What is published counts: its fields are followed in place of
            the entry's, and a range that the resolved version does not satisfy is in ``unresolved`` too.
        limits: ``dependency_edges``.

    Raises:
        FormatError: ``sbom.not-in-lockfile``, or ``lockfile.too-many`` for more edges than ``limits`` allow.
    """
    walk = _Walk(lockfile, limits)
    if package is None:
        return walk.everything()
    start = _find(lockfile, package) if package.ecosystem == NPM else None
    if start is None:
        raise FormatError(
            f"expected {str(package)[:_SHOWN]!r} to be a workspace, the project itself or an installed package, found none",
            code="sbom.not-in-lockfile",
            where=lockfile.format,
            hint="give the lockfile it was built with, after: npm install --package-lock-only",
        )
    return walk.closure(package, start, manifest)


def _find(lockfile: Lockfile, package: PackageRef) -> LockedPackage | None:
    """The entry that is ``package``; the nearest to the top where an installed one stands in several places.

    A workspace or the project itself is known by its name: release tools raise the version and leave the lockfile, and what
    the package needs is read from its own manifest.
    """
    named = [entry for entry in lockfile.packages if entry.name == package.name]
    folders = [entry for entry in named if enclosing(entry.path) is None]
    if folders:
        return min(folders, key=lambda entry: (entry.version != package.version, entry.path))
    if lockfile.root.name == package.name:
        return lockfile.root
    installed = [entry for entry in named if not entry.link and entry.version == package.version]
    return min(installed, key=lambda entry: (entry.path.count("/"), entry.path), default=None)


class _Walk:
    """One walk over a lockfile's tree. A *place* is a path; a link and the folder it leads to are one place, the folder."""

    def __init__(self, lockfile: Lockfile, limits: Limits) -> None:
        self._lockfile = lockfile
        self._limits = limits
        self._entries = {entry.path: entry for entry in (lockfile.root, *lockfile.packages)}
        self._resolver = Resolver(self._entries)
        self._edges: dict[str, list[tuple[str, Asked]]] = {}
        self._count = 0
        self._links: dict[str, set[str]] = defaultdict(set)
        for entry in lockfile.packages:
            if entry.link:
                self._links[entry.resolved or ""].add(entry.path)
        self._unresolved: set[str] = set()
        self._by_address: set[str] = set()
        self._bundled: frozenset[str] = frozenset()

    def closure(self, package: PackageRef, start: LockedPackage, manifest: Manifest | None) -> DependencyGraph:
        asked = asked_by_entry(start, dev=False) if manifest is None else asked_by_manifest(manifest)
        bundles = start.bundles if manifest is None else bundled_names(manifest)
        if bundles and not start.path:  # what the project bundles lies in its tarball, wherever it came from
            self._bundled = bundled_by(self._entries, "", bundles)
        self._visit(start.path, asked, judge_ranges=manifest is not None)
        self._follow([start.path], dev=False)
        stated = stated_license(manifest) if manifest is not None else start.license
        return self._graph(package, [start.path], stated)

    def everything(self) -> DependencyGraph:
        folders = [path for path in self._entries if path and enclosing(path) is None]
        starts = ["", *folders] if self._lockfile.workspaces else [""]
        for path in starts:
            self._visit(path, asked_by_entry(self._entries[path], dev=True))
        self._follow(starts, dev=True)
        left = [path for path, entry in self._entries.items() if self._place(path) == path and path not in self._edges]
        for path in left:  # nothing asks for it, and npm installs it all the same
            self._visit(path, asked_by_entry(self._entries[path], dev=enclosing(path) is None))
        return self._graph(None, [*starts, *left], None)

    def _place(self, path: str) -> str:
        entry = self._entries[path]
        return entry.resolved if entry.link and entry.resolved in self._entries else path

    def _visit(self, place: str, wanted: tuple[Asked, ...], *, judge_ranges: bool = False) -> None:
        """Resolve what ``place`` asks for; what is missing and required is noted."""
        found = dict(self._resolver.names_below(place, [asked.name for asked in wanted]))
        edges = self._edges[place] = []
        for asked in wanted:
            path = found.get(asked.name)
            if path is None:
                if not asked.optional:
                    self._unresolved.add(shown_request(asked.name, asked.range))
                continue
            child, entry = self._place(path), self._entries[path]
            if entry.link and child == path:
                self._unresolved.add(shown_request(asked.name, asked.range))  # a folder that nobody describes
            if asked.range.startswith(_ADDRESSES):
                self._by_address.add(child)
            if judge_ranges and not _is_in_range(entry, asked):
                self._unresolved.add(shown_request(asked.name, asked.range))
            edges.append((child, asked))
        self._count += len(edges)
        if self._count > self._limits.dependency_edges:
            raise FormatError(
                f"expected at most {self._limits.dependency_edges} dependencies, found more", code="lockfile.too-many"
            )

    def _follow(self, starts: Iterable[str], *, dev: bool) -> None:
        pending = [child for start in starts for child, _ in self._edges[start]]
        while pending:
            place = pending.pop()
            if place not in self._edges:
                self._visit(place, asked_by_entry(self._entries[place], dev=dev and enclosing(place) is None))
                pending.extend(child for child, _ in self._edges[place])

    def _reached(self, starts: Iterable[str], *, optional: bool, dev: bool) -> set[str]:
        """The places that ``starts`` lead to by edges of these kinds and required runtime ones."""
        seen = set(starts)
        pending = list(seen)
        while pending:
            for child, asked in self._edges[pending.pop()]:
                if child not in seen and (optional or not asked.optional) and (dev or not asked.dev):
                    seen.add(child)
                    pending.append(child)
        return seen

    def _graph(self, root: PackageRef | None, starts: list[str], stated: str | None) -> DependencyGraph:
        start = starts[0]
        places = sorted(self._edges.keys() - {start})
        needs = {place: sorted({child for child, _ in self._edges[place]} - {start}) for place in places}
        number = merge_places({place: self._alike(place) for place in places}, needs)
        groups: dict[int, list[str]] = defaultdict(list)
        for place in places:
            groups[number[place]].append(place)
        keys = self._keys(groups)
        required = self._reached(starts, optional=False, dev=True)
        runtime = self._reached(starts, optional=True, dev=False)
        dependencies = [
            self._dependency(
                keys[group],
                members,
                needs=tuple(sorted({keys[number[child]] for child in needs[members[0]]})),
                optional=required.isdisjoint(members),
                dev=runtime.isdisjoint(members),
            )
            for group, members in groups.items()
        ]
        direct = ({child for child, _ in self._edges[start]} | set(starts)) - {start}
        return DependencyGraph(
            root=root,
            root_needs=tuple(sorted({keys[number[place]] for place in direct})),
            dependencies=tuple(sorted(dependencies, key=lambda dependency: dependency.key)),
            unresolved=tuple(sorted(self._unresolved)),
            root_license=stated,
        )

    def _alike(self, place: str) -> tuple[object, ...]:
        entry = self._entries[place]
        return (entry.name, entry.version, entry.integrity, entry.license, self._source(entry), _doubt(entry))

    def _keys(self, groups: dict[int, list[str]]) -> dict[int, str]:
        """``NAME@VERSION``; of several nodes with that label all but the one nearest to the top get a number behind it."""
        ordered = sorted((min((path.count("/"), path) for path in members), group) for group, members in groups.items())
        taken: set[str] = {_label(self._entries[path]) for (_, path), _ in ordered}
        plain: set[str] = set()
        keys: dict[int, str] = {}
        count: dict[str, int] = {}
        for (_, path), group in ordered:
            key = label = _label(self._entries[path])
            while key in plain or (key != label and key in taken):
                count[label] = count.get(label, 1) + 1
                key = f"{label}#{count[label]}"
            plain.add(key)
            keys[group] = key
        return keys

    def _source(self, entry: LockedPackage) -> DependencySource:
        if entry.path in self._bundled:
            return DependencySource.BUNDLED
        if entry.link:  # to a folder that no entry describes: outside the project
            return DependencySource.FILE
        if enclosing(entry.path) is None:
            return DependencySource.LOCAL
        kind = source_kind(entry.resolved)
        if kind is SourceKind.HTTP and not _is_own_tarball(entry):
            return DependencySource.URL  # also where it says that it is bundled: then npm would write no address
        if entry.in_bundle and not _has(entry, "lockfile.bundle-undeclared"):
            return DependencySource.BUNDLED
        fetched = DependencySource.URL if entry.path in self._by_address else DependencySource.REGISTRY
        return _BY_KIND.get(kind, fetched)

    def _dependency(
        self, key: str, members: list[str], *, needs: tuple[str, ...], optional: bool, dev: bool
    ) -> Dependency:
        entry = self._entries[members[0]]
        known = entry.name is not None and entry.version is not None
        return Dependency(
            key=key,
            package=PackageRef(name=entry.name or "", version=entry.version or "") if known else None,
            label=_label(entry),
            source=self._source(entry),
            integrity=entry.integrity,
            license=entry.license,
            optional=optional,
            dev=dev,
            paths=tuple(sorted({*members, *(link for place in members for link in self._links.get(place, ()))})),
            needs=needs,
            doubt=_doubt(entry),
        )


def _is_own_tarball(entry: LockedPackage) -> bool:
    """Whether ``resolved`` is where a registry serves this name and version; what has none is not known by them, either way."""
    if entry.name is None or entry.version is None:
        return True
    return is_registry_tarball(entry.resolved or "", entry.name, entry.version)


def _doubt(entry: LockedPackage) -> str | None:
    return _DOUBT if _has(entry, "lockfile.name-mismatch") else None


def _has(entry: LockedPackage, code: str) -> bool:
    return any(finding.code == code for finding in entry.findings)


def _label(entry: LockedPackage) -> str:
    name = entry.name or "(the project)"
    return name if entry.version is None else f"{name}@{entry.version}"


def _is_in_range(entry: LockedPackage, asked: Asked) -> bool:
    """Whether the entry is what the range asks for; an address, a tag or a workspace range is not judged."""
    name, text = asked.wanted
    if source_of_range(text) is not DependencySource.RANGE:
        return True
    try:
        return entry.name == name and satisfies(entry.version or "", text)
    except FormatError:  # a tag, or a version that is none
        return entry.name == name and entry.version is not None

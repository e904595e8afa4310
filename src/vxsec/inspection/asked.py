"""What a package asks for: the names and ranges of its manifest or lockfile entry, one edge a name, as npm reads them.

Source: ``@npmcli/arborist``, ``node.js`` (``_loadDeps``): of several fields that state one name the last counts, in the
order peer, runtime, optional, development.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vxsec.formats.npm_spec import SpecKind, alias_target, spec_kind
from vxsec.model.dependency import DependencySource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vxsec.model.dependency import LockedPackage
    from vxsec.model.package import Manifest

__all__ = ["Asked", "asked_by_entry", "asked_by_manifest", "bundled_names", "shown_request", "source_of_range"]

_SOURCES = {
    SpecKind.GIT: DependencySource.GIT,
    SpecKind.URL: DependencySource.URL,
    SpecKind.FILE: DependencySource.FILE,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One edge. ``optional`` for an optional dependency or peer, ``dev`` for one that only development needs."""

    name: str
    range: str
    optional: bool = False
    optional_peer: bool = False
    dev: bool = False

    @property
    def wanted(self) -> tuple[str, str]:
        """The real name and range: an alias's target."""
        return alias_target(self.range) or (self.name, self.range)


def asked_by_entry(entry: LockedPackage, *, dev: bool) -> tuple[Asked, ...]:
    """What a lockfile entry asks for; ``dev`` adds development tools, which npm writes for folders only."""
    fields = (entry.peer_dependencies, entry.dependencies, entry.optional_dependencies)
    return _edges(*fields, entry.dev_dependencies if dev else {}, entry.optional_peers)


def asked_by_manifest(manifest: Manifest) -> tuple[Asked, ...]:
    """What a package.json asks for at run time, after npm's own normalisation."""
    from vxsec.formats.npm_normalise import normalise_manifest  # a lockfile needs none of it

    document = normalise_manifest(manifest.document, files=())
    peers, runtime, optional = (
        _texts(document.get(field)) for field in ("peerDependencies", "dependencies", "optionalDependencies")
    )
    meta = document.get("peerDependenciesMeta")
    about = meta if isinstance(meta, dict) else {}
    optional_peers = tuple(
        name for name, value in about.items() if isinstance(value, dict) and value.get("optional") is True
    )
    return _edges(peers, runtime, optional, {}, optional_peers)


def bundled_names(manifest: Manifest) -> tuple[str, ...]:
    """The names whose files the package's own tarball carries (``bundleDependencies``)."""
    from vxsec.formats.npm_normalise import normalise_manifest

    names = normalise_manifest(manifest.document, files=()).get("bundleDependencies")
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()


def _edges(
    peers: Mapping[str, str],
    runtime: Mapping[str, str],
    optional: Mapping[str, str],
    dev: Mapping[str, str],
    optional_peers: tuple[str, ...],
) -> tuple[Asked, ...]:
    spare = frozenset(optional_peers)
    edges = {name: Asked(name, text, name in spare, name in spare) for name, text in peers.items()}
    edges.update((name, Asked(name, text)) for name, text in runtime.items())
    edges.update((name, Asked(name, text, optional=True)) for name, text in optional.items())
    edges.update((name, Asked(name, text, dev=True)) for name, text in dev.items())
    return tuple(edges.values())


def _texts(value: object) -> dict[str, str]:
    return {name: text for name, text in value.items() if isinstance(text, str)} if isinstance(value, dict) else {}


def source_of_range(text: str) -> DependencySource:
    """Where npm would take a package from that is asked for by ``text`` (``npm-package-arg``)."""
    return _SOURCES.get(spec_kind(text), DependencySource.RANGE)


def shown_request(name: str, text: str) -> str:
    """``NAME@RANGE``; of an address only its kind, because it may name a person, a machine or a token."""
    source = source_of_range(text)
    return f"{name}@{text or '*'}" if source is DependencySource.RANGE else f"{name}@{source.value}:…"

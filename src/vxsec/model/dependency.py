"""What a lockfile says will be installed. Claims, every one: a lockfile is hostile until its bytes are checked."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vxsec.model.finding import Finding
    from vxsec.model.package import PackageRef

__all__ = ["Dependency", "DependencyGraph", "DependencySource", "LockedPackage", "Lockfile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedPackage:
    """One entry. ``path`` is its place in the tree (``node_modules/a/node_modules/b``; ``""`` is the root project).

    ``name`` is the real name (an alias's target); ``installed_as`` the name its path says. ``integrity`` is the text as
    found, ``None`` where absent. ``in_bundle`` is True where npm takes the files from an enclosing package's tarball, or
    the entry says so. ``bundles`` are the names whose files this package's own tarball carries.
    """

    path: str
    name: str | None
    installed_as: str
    version: str | None
    resolved: str | None
    integrity: str | None
    license: str | None = None
    """As npm copied it from the package's own manifest: a claim, usually an SPDX expression."""
    link: bool = False
    in_bundle: bool = False
    dev: bool = False
    optional: bool = False
    has_install_script: bool = False
    dependencies: Mapping[str, str] = field(default_factory=dict)
    optional_dependencies: Mapping[str, str] = field(default_factory=dict)
    peer_dependencies: Mapping[str, str] = field(default_factory=dict)
    dev_dependencies: Mapping[str, str] = field(default_factory=dict)
    """Written for the root project and workspace folders only."""
    optional_peers: tuple[str, ...] = ()
    """Peers that need not be there (``peerDependenciesMeta``)."""
    bundles: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    """What the reader found about this entry; ``Lockfile.findings`` has them too."""

    def ranges(self, name: str) -> tuple[str, ...]:
        """Every range this entry states for ``name``, in any of its fields."""
        fields = (self.dependencies, self.optional_dependencies, self.peer_dependencies, self.dev_dependencies)
        return tuple(stated[name] for stated in fields if name in stated)

    def wanted(self) -> frozenset[str]:
        """The names this entry depends on, in any way."""
        fields = (self.dependencies, self.optional_dependencies, self.peer_dependencies, self.dev_dependencies)
        return frozenset(name for stated in fields for name in stated)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lockfile:
    """A parsed lockfile: ``root`` is the project itself, ``packages`` everything else, in file order."""

    format: str
    format_version: str
    sha512: str
    root: LockedPackage
    workspaces: tuple[str, ...]
    packages: tuple[LockedPackage, ...]
    findings: tuple[Finding, ...] = ()
    """Facts about the document itself: entries whose path and name disagree, weak or missing integrity …"""


class DependencySource(StrEnum):
    """Where a dependency's bytes come from."""

    REGISTRY = "registry"
    GIT = "git"
    URL = "url"
    """A tarball by its address, of no registry."""
    FILE = "file"
    """A folder or tarball on the disk of whoever wrote the lockfile."""
    LOCAL = "local"
    """A workspace of the same project."""
    BUNDLED = "bundled"
    """Inside the tarball of the package that needs it."""
    RANGE = "range"
    """Asked for by a range, and nothing says which version that becomes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """One node of the graph: one package in one version with one integrity, wherever it stands in the tree.

    ``key`` names the node within its graph. ``package`` is None where name or version is not known; ``label`` is what
    people call it then, too. ``integrity`` is SRI text as stated; ``needs`` are keys of other nodes, sorted; ``paths`` are
    its places in the tree. ``optional`` is True where nothing but optional dependencies leads to it. ``doubt`` says, as a
    sentence, why it may be another package than ``package``: what is known of it contradicts itself.
    """

    key: str
    package: PackageRef | None
    label: str
    source: DependencySource
    integrity: str | None = None
    license: str | None = None
    optional: bool = False
    dev: bool = False
    paths: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    doubt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyGraph:
    """What ``root`` needs to run, as one lockfile (or the root alone) says: sorted by key, never with development tools.

    ``root`` is None for a whole lockfile. ``unresolved`` are ``NAME@RANGE`` texts that were asked for and stand in no
    lockfile entry (an optional peer that is not installed is not among them); ``source`` is the file it was read from.
    """

    root: PackageRef | None
    root_needs: tuple[str, ...]
    dependencies: tuple[Dependency, ...]
    unresolved: tuple[str, ...] = ()
    source: str | None = None
    root_license: str | None = None

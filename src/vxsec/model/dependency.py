"""What a lockfile says will be installed. Claims, every one: a lockfile is hostile until its bytes are checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vxsec.model.finding import Finding

__all__ = ["LockedPackage", "Lockfile"]


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

"""The accounting of a whole lockfile: every package is verified, allowed unsigned, local, failed or not evaluated.

The lockfile is a claim about what will be installed. It is not believed about what need not be checked: links, files and
bundled packages count as such only where something else than the entry itself says so.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from vxsec.errors import FormatError, UsageError, VerificationError
from vxsec.formats.lockfiles.npm_tree import enclosing
from vxsec.formats.lockfiles.source import SourceKind, source_kind
from vxsec.formats.strict_json import parse_json
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.digest import Integrity
from vxsec.model.trust import OTHER_REGISTRY
from vxsec.values import dataclass
from vxsec.verification.workspace_globs import WorkspaceGlobs
from vxsec.versions.npm import is_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vxsec.model.dependency import LockedPackage, Lockfile
    from vxsec.model.digest import Digests
    from vxsec.model.trust import TrustRoot

__all__ = [
    "Placed",
    "PlacedKind",
    "check_bytes",
    "classify",
    "confirm_bundled",
    "unlisted_bundles",
]

_SHOWN = 160


class PlacedKind(StrEnum):
    """How a package is to be judged."""

    LOCAL = "local"
    """The project itself, its workspace folders, and the links to them: nothing is fetched."""
    OWN = "own"
    """Its real name is listed by a registry of the trust root."""
    OTHER = "other"
    BUNDLED = "bundled"
    """Claimed to lie in an enclosing package's tarball: ``confirm_bundled`` decides with that tarball's bytes."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One entry and its kind.

    ``registry`` is the label (``other`` where no registry lists the name) for own and other packages; ``parent`` is the
    path of the package whose tarball must hold a bundled one; ``code`` and ``message`` say why an entry failed.
    """

    entry: LockedPackage
    kind: PlacedKind
    registry: str | None = None
    parent: str | None = None
    code: str | None = None
    message: str | None = None


def classify(lockfile: Lockfile, trust: TrustRoot, *, own_registry: str | None) -> tuple[Placed, ...]:
    """Place the root and every package of ``lockfile``, in file order.

    Args:
        lockfile: As parsed.
        trust: Its registries decide which names are own, by the real name alone.
        own_registry: The label meant where several registries list one name; None where none was given.

    Raises:
        UsageError: ``registry.unknown`` for a label that is not in ``trust``, ``registry.ambiguous`` for a name that
            several registries list while ``own_registry`` names none of them.
        VerificationError: ``tree.workspaces``.
    """
    if own_registry is not None and trust.registry(own_registry) is None:
        raise UsageError(
            f"expected the label of a registry in the trust document, found {own_registry[:_SHOWN]!r}",
            code="registry.unknown",
        )
    placer = _Placer(lockfile, trust, own_registry)
    root = Placed(entry=lockfile.root, kind=PlacedKind.LOCAL)
    return (root, *(placer.place(entry) for entry in lockfile.packages))


_UNBELIEVABLE = {
    "name-mismatch": "its path and its name disagree, and no dependent asks for an alias",
    "integrity-ambiguous": "its integrity pins several files, and npm would install any of them",
    "nested-shrinkwrap": "npm takes packages below it from its tarball, and none of them is listed",
}
"""Findings about an entry that make it one npm may install as something else than was checked."""


class _Placer:
    """Places the entries of one lockfile."""

    def __init__(self, lockfile: Lockfile, trust: TrustRoot, own_registry: str | None) -> None:
        self._entries = {entry.path: entry for entry in (lockfile.root, *lockfile.packages)}
        self._globs = WorkspaceGlobs.compile(lockfile.workspaces)
        self._trust = trust
        self._label = own_registry
        self._codes: dict[str, set[str]] = {}
        for finding in lockfile.findings:
            self._codes.setdefault(finding.where or "", set()).add(finding.code)

    def place(self, entry: LockedPackage) -> Placed:
        codes = self._codes.get(entry.path, set())
        if enclosing(entry.path) is None:
            return self._folder(entry)
        for code, message in _UNBELIEVABLE.items():
            if f"lockfile.{code}" in codes:
                return _failed(entry, code, message)
        if entry.link:
            return self._link(entry)
        if entry.in_bundle:
            return self._bundled(entry, codes)
        return self._fetched(entry)

    def _folder(self, entry: LockedPackage) -> Placed:
        if not entry.link and self._globs.contains(entry.path):
            return Placed(entry=entry, kind=PlacedKind.LOCAL)
        return _failed(entry, "folder", "a folder that is not one of the project's workspaces")

    def _link(self, entry: LockedPackage) -> Placed:
        target = self._entries.get(entry.resolved or "")
        if enclosing(entry.path) == "" and target is not None and target.path:
            placed = self._folder(target) if enclosing(target.path) is None else None
            if placed is not None and placed.kind is PlacedKind.LOCAL:
                return Placed(entry=entry, kind=PlacedKind.LOCAL)
        return _failed(entry, "link", "a link that does not lead to one of the project's workspaces")

    def _bundled(self, entry: LockedPackage, codes: set[str]) -> Placed:
        if self._is_own(entry):
            return _failed(entry, "own-name-bundled", "an own package may not come inside another one's tarball")
        if "lockfile.bundle-undeclared" in codes:
            return _failed(entry, "bundle-undeclared", "inBundle is stated, but no enclosing package bundles it")
        parent = enclosing(entry.path)
        while parent is not None and self._entries.get(parent, entry).in_bundle:
            parent = enclosing(parent)
        holder = None if parent is None else self._entries.get(parent)
        if holder is None or holder.link or enclosing(holder.path) is None:
            return _failed(entry, "bundle-unfetched", "no enclosing package is fetched whose bytes could hold it")
        return Placed(entry=entry, kind=PlacedKind.BUNDLED, parent=holder.path)

    def _fetched(self, entry: LockedPackage) -> Placed:
        label = self._registry(entry.name or "")
        failure = self._unacceptable(entry, own=label is not None)
        if failure is not None:
            return _failed(entry, *failure)
        kind = PlacedKind.OTHER if label is None else PlacedKind.OWN
        return Placed(entry=entry, kind=kind, registry=label or OTHER_REGISTRY)

    def _unacceptable(self, entry: LockedPackage, *, own: bool) -> tuple[str, str] | None:
        """Why a fetched package cannot be judged by its name and version, or None."""
        source = source_kind(entry.resolved)
        if entry.version is None or not is_version(entry.version):
            return "version", "no valid version is stated"
        if source in {SourceKind.FILE, SourceKind.UNKNOWN}:
            return "source", f"it comes from {(entry.resolved or '')[:_SHOWN]!r}, not from a registry"
        if not own and self._trust.registries_for(entry.installed_as):
            return "own-name-aliased", f"the own name stands for {str(entry.name)[:_SHOWN]!r}"
        folded = (str(entry.name).lower(), entry.installed_as.lower())
        if not own and any(self._trust.registries_for(name) for name in folded):
            return "own-name-case", "it differs from an own name only in case, and some disks make them one folder"
        if own and source is SourceKind.GIT:
            return "source", "an own package comes from git, which npm installs without integrity"
        return self._hidden(entry) if own else None

    def _registry(self, name: str) -> str | None:
        labels = [registry.label for registry in self._trust.registries_for(name)]
        if len(labels) > 1:
            if self._label not in labels:
                raise UsageError(
                    f"{name[:_SHOWN]!r} is listed by the registries {', '.join(labels)}",
                    code="registry.ambiguous",
                    hint=f"add --registry {labels[0]}",
                )
            return self._label
        return labels[0] if labels else None

    def _is_own(self, entry: LockedPackage) -> bool:
        return any(self._trust.registries_for(name) for name in (entry.name or "", entry.installed_as))

    def _hidden(self, entry: LockedPackage) -> tuple[str, str] | None:
        """Why an own package below another one may come from that one's tarball instead of the registry, or None.

        npm's own answer to what is bundled depends on the order of the file in odd trees, so an own package below any
        package that bundles something is not believed to be fetched.
        """
        path = enclosing(entry.path)
        while path:
            holder = self._entries.get(path)
            if holder is not None and holder.bundles:
                return "own-name-bundled", f"it lies below {path[:_SHOWN]!r}, which brings bundled packages"
            if "lockfile.nested-shrinkwrap" in self._codes.get(path, ()):
                return "nested-shrinkwrap", "npm takes it from a lockfile inside an enclosing package"
            path = enclosing(path)
        return None


def confirm_bundled(placed: Placed, parent_files: Mapping[str, bytes]) -> None:
    """Hold that the parent's tarball carries exactly the bundled package the lockfile names.

    Args:
        placed: A ``BUNDLED`` one.
        parent_files: Files of the tarball of ``placed.parent``, whose bytes were checked against its integrity; paths
            are relative to the tarball's top directory.

    Raises:
        VerificationError: ``tree.bundle-missing``, ``tree.bundle-malformed`` or ``tree.bundle-differs``.
    """
    entry = placed.entry
    if placed.kind is not PlacedKind.BUNDLED or not placed.parent:
        raise VerificationError("expected a bundled package", code="tree.bundle-missing", where=entry.path[:_SHOWN])
    path = f"{entry.path.removeprefix(placed.parent + '/')}/package.json"
    data = parent_files.get(path)
    if data is None:
        raise VerificationError(
            f"expected {path[:_SHOWN]!r} in the tarball of {placed.parent[:_SHOWN]!r}, found no such file",
            code="tree.bundle-missing",
            where=entry.path[:_SHOWN],
        )
    try:
        document = parse_json(data, where=path, max_bytes=DEFAULT_LIMITS.manifest_bytes, allow_bom=True)
    except FormatError as error:
        raise VerificationError(error.message, code="tree.bundle-malformed", where=entry.path[:_SHOWN]) from error
    fields = document if isinstance(document, dict) else {}
    found = (fields.get("name"), fields.get("version"))
    if found != (entry.name, entry.version):
        raise VerificationError(
            f"expected {entry.name}@{entry.version} in its parent's tarball, found {str(found)[:_SHOWN]}",
            code="tree.bundle-differs",
            where=entry.path[:_SHOWN],
        )


def unlisted_bundles(lockfile: Lockfile, entry: LockedPackage, paths: Iterable[str]) -> tuple[str, ...]:
    """Packages below ``node_modules/`` of a fetched tarball that the lockfile does not name as bundled there.

    npm unpacks them whether declared or not, and they hide the packages of the same name that were checked.

    Args:
        lockfile: As parsed.
        entry: The package whose tarball it is.
        paths: The tarball's file paths, relative to its top directory.

    Returns:
        The folders (``node_modules/NAME``), sorted.
    """
    listed = {other.path for other in lockfile.packages if other.in_bundle}
    found: set[str] = set()
    for path in paths:
        parts = path.split("/")
        position = 0
        while position + 1 < len(parts) and parts[position].casefold() == "node_modules":
            if parts[position + 1].startswith("."):  # .bin, .package-lock.json: nothing that Node resolves
                break
            position += 3 if parts[position + 1].startswith("@") else 2
            folder = "/".join(parts[:position])
            if f"{entry.path}/{folder}" not in listed:
                found.add(folder)
    return tuple(sorted(found))


def check_bytes(entry: LockedPackage, digests: Digests) -> None:
    """Hold that the lockfile's integrity is that of the fetched bytes.

    Raises:
        VerificationError: ``tree.integrity-missing``, ``tree.integrity-malformed``, ``tree.integrity-weak`` (SHA-1 or
            MD5 only) or ``tree.integrity-mismatch``.
    """
    label = f"{entry.name}@{entry.version}"[:_SHOWN]
    if entry.integrity is None:
        raise VerificationError(
            "expected an integrity in the lockfile, found none", code="tree.integrity-missing", where=label
        )
    try:
        integrity = Integrity.parse(entry.integrity)
    except FormatError as error:
        raise VerificationError(error.message, code="tree.integrity-malformed", where=label) from error
    if integrity.is_weak:
        raise VerificationError(
            f"expected sha512 in the lockfile, found only {integrity.strongest}",
            code="tree.integrity-weak",
            where=label,
        )
    if not integrity.matches(digests):
        raise VerificationError(
            f"expected bytes of {entry.integrity[:_SHOWN]}, found {digests.integrity}",
            code="tree.integrity-mismatch",
            where=label,
            hint="the registry serves other bytes than the lockfile was written for: compare both with who published it",
        )


def _failed(entry: LockedPackage, reason: str, message: str) -> Placed:
    return Placed(entry=entry, kind=PlacedKind.FAILED, code=f"tree.{reason}", message=message)

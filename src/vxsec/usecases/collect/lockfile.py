"""The lockfile that rules read, and the routes of own names."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vxsec.host.files import read_if_exists
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.decision import Phase
from vxsec.model.evidence import LockfileEvidence
from vxsec.usecases.lockfile_input import find_lockfile, load_lockfile_input

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from vxsec.model.artifact import Artifact
    from vxsec.model.dependency import LockedPackage
    from vxsec.model.evidence import RoutingEvidence, SubjectRef
    from vxsec.model.trust import TrustRoot
    from vxsec.usecases.lockfile_input import LockfileInput
    from vxsec.usecases.registries import RegistrySession

    PathLike = str | os.PathLike[str]

__all__ = ["LockfileSource", "derive_routes"]


@dataclass(slots=True, kw_only=True)
class LockfileSource:
    """The lockfile given, or the one in the project folder (no search upward); read once, when first asked for."""

    path: PathLike | None
    project_dir: PathLike
    phase: Phase
    _read: bool = field(default=False)
    _input: LockfileInput | None = field(default=None)

    @property
    def input(self) -> LockfileInput | None:
        """The lockfile, or None where there is none.

        Raises:
            UsageError: It cannot be read.
            FormatError: It is malformed.
        """
        if not self._read:
            path = self.path if self.path is not None else find_lockfile(Path(self.project_dir))
            self._input = load_lockfile_input(path) if path is not None else None
            self._read = True
        return self._input

    def evidence(self, subject: SubjectRef, entry: LockedPackage | None) -> LockfileEvidence | None:
        """What the lockfile says of the subject, or before publishing of the project."""
        from vxsec.inspection.lockfile import check_lockfile_document, check_lockfile_entry

        given = self.input
        if given is None:
            return None
        if given.lockfile is None:
            return LockfileEvidence(
                format="unsupported",
                source=given.source,
                sha512=given.sha512,
                entry=None,
                findings=(),
                unsupported=given.unsupported,
            )
        lockfile = given.lockfile
        if entry is None and self.phase is Phase.INSTALL and subject.package is not None:
            wanted = (subject.package.name, subject.package.version)
            entry = next((p for p in lockfile.packages if (p.name, p.version) == wanted), None)
        if entry is not None:
            findings = check_lockfile_entry(entry)
        else:
            findings = check_lockfile_document(lockfile, _project_manifest(given.source))
        return LockfileEvidence(
            format=lockfile.format, source=given.source, sha512=given.sha512, entry=entry, findings=findings
        )

    def routing(
        self, artifact: Artifact, entry: LockedPackage | None, *, trust: TrustRoot, session: RegistrySession
    ) -> RoutingEvidence:
        """The subject's own route, and at publish those of the own names it depends on."""
        names: list[tuple[str, str | None]] = [(artifact.package.name, entry.resolved if entry else None)]
        given = self.input if self.phase is Phase.PUBLISH else None
        if self.phase is Phase.PUBLISH:
            for kind in ("dependencies", "optionalDependencies", "peerDependencies"):
                names.extend((_real_name(name, spec), None) for name, spec in artifact.manifest.strings(kind).items())
            if given is not None and given.lockfile is not None:
                names.extend((p.name, p.resolved) for p in given.lockfile.packages if p.name is not None and not p.link)
        routing = derive_routes(names, trust=trust, session=session)
        if self.path is not None and self.input is not None and self.input.unsupported is not None:
            return replace(routing, incomplete=self.input.unsupported)
        return routing


def derive_routes(
    names: Sequence[tuple[str, str | None]], *, trust: TrustRoot, session: RegistrySession
) -> RoutingEvidence:
    """Where each of ``names`` (with what a lockfile says it was resolved to) would be fetched from.

    Raises:
        ConfigurationError: A ``.npmrc`` that cannot be used as it is.
    """
    from vxsec.inspection.routing import derive_routing

    config = session.config
    return derive_routing(dict.fromkeys(names), trust=trust, npmrc_registry=config.registry_for, source=config.source)


def _project_manifest(lockfile_path: str) -> dict[str, object] | None:
    from vxsec.formats.strict_json import read_json

    path = Path(lockfile_path).with_name("package.json")
    data = read_if_exists(path, max_bytes=DEFAULT_LIMITS.manifest_bytes)
    return dict(read_json(data, where=str(path), allow_bom=True).mapping()) if data is not None else None


def _real_name(name: str, spec: str) -> str:
    """An alias (``npm:REAL@range``) counts as its target."""
    if not spec.startswith("npm:"):
        return name
    target = spec.removeprefix("npm:")
    at = target.find("@", 1)
    return target if at < 0 else target[:at]

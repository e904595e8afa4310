"""The documents every use case starts from, loaded and checked: trust, policy, tarballs, sidecars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import ConfigurationError, FormatError, NothingToJudgeError, TarballError, UsageError
from vxsec.host.files import list_files, read_bounded, read_if_exists
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.package import NPM

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from vxsec.model.artifact import Artifact, RefusedArtifact
    from vxsec.model.package import PackageRef
    from vxsec.model.trust import Registry, TrustRoot
    from vxsec.policy.document import Policy
    from vxsec.usecases.trust_source import PolicySource

    _PathLike = str | os.PathLike[str]

__all__ = [
    "choose_registry",
    "files_in",
    "load_lockfile_bytes",
    "load_policy",
    "load_public_key",
    "open_artifact",
    "open_artifacts",
    "parse_expect",
    "read_sidecars",
    "refusal",
    "registry_url_for",
    "require_artifact",
    "same_package",
]

_SHIPPED_PREFIX = "vxsec:"
_SIDECAR_SUFFIXES = (".sigstore.jsonl", ".sigstore.json")


def open_artifact(source: _PathLike | bytes, *, filename: str | None = None) -> Artifact | RefusedArtifact:
    """Read a package tarball once, strictly.

    Guarantees: nothing is extracted or executed; what comes back as ``Artifact`` every installer sees as the same
    files and bytes.

    Args:
        source: A path, or the bytes themselves.
        filename: What to call bytes in messages.

    Raises:
        UsageError: The file is missing, unreadable or larger than ``limits.archive_packed_bytes``.
    """
    from vxsec.inspection.artifact import read_artifact

    if isinstance(source, bytes):
        return read_artifact(source, filename=filename or "package.tgz")
    data = read_bounded(source, max_bytes=DEFAULT_LIMITS.archive_packed_bytes)
    return read_artifact(data, filename=filename or str(source))


def require_artifact(file: _PathLike) -> Artifact:
    """Open a tarball that must be accepted.

    Raises:
        TarballError: It is refused; every reason is in it.
        UsageError: It cannot be read.
    """
    from vxsec.model.artifact import Artifact

    artifact = open_artifact(file)
    if isinstance(artifact, Artifact):
        return artifact
    raise refusal(artifact)


def refusal(artifact: RefusedArtifact) -> TarballError:
    """The error that says why a tarball is refused, with every reason."""
    from vxsec.model.artifact import EVIDENCE_ENDINGS

    evidence = artifact.filename.endswith(EVIDENCE_ENDINGS)
    return TarballError(
        [(reason.code, reason.message) for reason in artifact.reasons],
        where=artifact.filename,
        hint="give the .tgz files only: what lies beside them is found by name"
        if evidence
        else f"look at it with: vxsec inspect {artifact.filename}",
    )


def open_artifacts(files: Sequence[_PathLike]) -> list[Artifact | RefusedArtifact]:
    """Open every file.

    Raises:
        UsageError: No files (``usage.no-files``), the same file or npm package twice (``usage.duplicate``), or as
            :func:`open_artifact`.
    """
    if not files:
        raise UsageError("expected at least one file", code="usage.no-files")
    artifacts = [open_artifact(file) for file in files]
    seen: dict[str, str] = {}
    for artifact in artifacts:
        name = getattr(artifact, "package", None)
        # A release of Python is several files of one name and version: a source distribution and wheels.
        key = str(name) if name and name.ecosystem == NPM else artifact.digests.sha512
        if key in seen:
            raise UsageError(
                f"{name or 'the same bytes'} given twice: {seen[key]!r} and {artifact.filename!r}",
                code="usage.duplicate",
            )
        seen[key] = artifact.filename
    return artifacts


def load_policy(source: _PathLike | PolicySource, *, trust: TrustRoot) -> Policy:
    """Load a policy from a file or a shipped one by name (``vxsec:minimal``), and check it against the trust root.

    Raises:
        UsageError: The file is missing or unreadable.
        ConfigurationError: It is malformed, uses what this version does not support, or requires roles, registries or
            a signed trust root that are not there.
    """
    from vxsec.policy.document import parse_policy
    from vxsec.policy.requirements import check_requirements
    from vxsec.policy.shipped import load_shipped
    from vxsec.usecases.trust_source import PolicySource

    text = str(source)
    shipped = text.startswith(_SHIPPED_PREFIX)
    data = load_shipped(text) if shipped else read_bounded(text, max_bytes=DEFAULT_LIMITS.yaml_bytes)
    origin = f" (from {source.origin})" if isinstance(source, PolicySource) else ""
    policy = parse_policy(data, source=f"{text}{origin}")
    check_requirements(policy, trust)
    return policy


def load_public_key(path: _PathLike) -> bytes:
    """A public key file (PEM or DER) as canonical DER.

    Raises:
        UsageError: Missing or unreadable.
        ConfigurationError: ``key.malformed`` or ``key.unsupported``.
    """
    from vxsec.formats.public_key import parse_public_key

    data = read_bounded(path, max_bytes=DEFAULT_LIMITS.small_file_bytes)
    try:
        return parse_public_key(data, where=str(path))
    except FormatError as error:
        raise ConfigurationError(error.message, code=error.code, where=error.where, hint=error.hint) from error


def parse_expect(text: str) -> PackageRef:
    """What ``--expect`` says.

    Raises:
        UsageError: ``usage.expect``.
    """
    from vxsec.model.package import PackageRef

    try:
        return PackageRef.parse(text)
    except FormatError as error:
        raise UsageError(error.message, code="usage.expect", hint="write it like --expect @scope/name@1.2.3") from error


def same_package(expect: PackageRef, package: PackageRef) -> bool:
    """Whether ``package`` is what ``--expect`` says, which names no ecosystem: Python's names are compared in normal form."""
    from vxsec.formats.core_metadata import normalise_pypi_name
    from vxsec.model.package import PYPI

    name = expect.name
    if package.ecosystem == PYPI:
        try:
            name = normalise_pypi_name(name, where="--expect")
        except FormatError:
            return False
    return (name, expect.version) == (package.name, package.version)


def choose_registry(trust: TrustRoot, name: str, label: str | None, *, ecosystem: str = NPM) -> Registry | None:
    """The own registry a package belongs to; None where no registry of its ecosystem lists its name.

    Args:
        trust: The trust root.
        name: The real package name.
        label: What ``--registry`` said, needed where several registries list the name.
        ecosystem: The package's ecosystem, as its purl writes it.

    Raises:
        UsageError: ``registry.ambiguous`` or ``registry.unknown``.
    """
    candidates = trust.registries_for(name, ecosystem)
    if label is not None:
        if trust.registry(label) is None:
            known = ", ".join(sorted(registry.label for registry in trust.registries)) or "none"
            raise UsageError(
                f"expected a registry label of the trust document ({known}), found {label!r}", code="registry.unknown"
            )
        candidates = tuple(registry for registry in candidates if registry.label == label)
    if len(candidates) > 1:
        labels = ", ".join(sorted(registry.label for registry in candidates))
        raise UsageError(
            f"{name} is listed by several registries: {labels}",
            code="registry.ambiguous",
            hint=f"add --registry {candidates[0].label}",
        )
    return candidates[0] if candidates else None


def registry_url_for(name: str, *, trust: TrustRoot | None, registry: str | None, ecosystem: str = NPM) -> str:
    """The registry URL a statement about ``name`` is made for, from ``--registry`` (label or URL) or the trust document.

    Raises:
        UsageError: ``registry.missing`` where neither says.
    """
    if registry is not None and "://" in registry:
        from vxsec.formats.registry_url import normalise_registry_url

        return normalise_registry_url(registry)
    if trust is not None:
        chosen = choose_registry(trust, name, registry, ecosystem=ecosystem)
        if chosen is not None:
            return chosen.url
        raise UsageError(
            f"no registry of the trust document lists {name}",
            code="registry.missing",
            where=trust.source,
            hint="add its scope or name under registries:, or give --registry URL",
        )
    if registry is not None:
        raise UsageError(
            f"a registry label needs the document that defines it, found {registry!r}",
            code="registry.missing",
            hint="add --trust FILE, or give the registry's URL",
        )
    raise UsageError(
        "a release statement names the registry it is for, and none was given",
        code="registry.missing",
        hint="add --registry URL or --trust FILE",
    )


def read_sidecars(file: _PathLike) -> list[tuple[str, bytes]]:
    """The bundle files beside ``file`` that exist, as ``(path, bytes)``."""
    found: list[tuple[str, bytes]] = []
    for suffix in _SIDECAR_SUFFIXES:
        path = f"{file}{suffix}"
        data = read_if_exists(path, max_bytes=DEFAULT_LIMITS.bundle_file_bytes)
        if data is not None:
            found.append((path, data))
    return found


def load_lockfile_bytes(path: _PathLike) -> bytes:
    """A lockfile's bytes.

    Raises:
        UsageError: Missing, unreadable or too large.
        NothingToJudgeError: It is empty.
    """
    data = read_bounded(path, max_bytes=DEFAULT_LIMITS.lockfile_bytes)
    if not data.strip():
        raise NothingToJudgeError("the lockfile is empty", code="lockfile.empty", where=str(path))
    return data


def files_in(directory: _PathLike) -> list[str]:
    """The bundle files directly in an ``--evidence`` folder."""
    return [path for path in list_files(directory) if path.endswith(_SIDECAR_SUFFIXES)]

"""A person approves releases, over a difference that their own vxsec derived from the bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import FormatError, UndecidedError, UsageError, VerificationError
from vxsec.formats.npm_manifest import compare_manifests
from vxsec.formats.release_statement import build_approval_statement
from vxsec.host.clock import utc_now
from vxsec.host.files import write_atomic
from vxsec.model.artifact import Artifact
from vxsec.model.attestation import APPROVAL_PREDICATE
from vxsec.model.package import NPM, PackageRef
from vxsec.model.report.signing import Approval, ReleaseDifference, SignedFile
from vxsec.model.trust import Role
from vxsec.usecases.evidence import push_bundles
from vxsec.usecases.inputs import (
    choose_registry,
    load_policy,
    open_artifact,
    registry_url_for,
    require_artifact,
)
from vxsec.usecases.registries import RegistrySession
from vxsec.usecases.sign import append_bundle, why_not_counted
from vxsec.usecases.signers import open_signers, sign_checked
from vxsec.usecases.trust_source import load_trust

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from vxsec.model.evidence import FieldDifference
    from vxsec.model.trust import Registry, TrustRoot
    from vxsec.usecases.signers import Password, Progress
    from vxsec.usecases.trust_source import Trust

    PathLike = str | os.PathLike[str]
    Review = Callable[[Sequence[ReleaseDifference]], bool]

__all__ = ["approve"]

_DEFAULT_TAG = "latest"


def approve(
    files: Sequence[PathLike],
    *,
    signer: str,
    trust: Trust | None = None,
    registry: str | None = None,
    policy: PathLike | None = None,
    expires: datetime | None = None,
    push: bool = False,
    bundle: PathLike | None = None,
    password: Password = None,
    trust_config: PathLike | None = None,
    timestamp: bool = False,
    log_entry: bool = False,
    offline: bool = False,
    now: datetime | None = None,
    project_dir: PathLike = ".",
    unsafe_http: Collection[str] = (),
    unsafe_tls: Collection[str] = (),
    unsafe_rehearsal: bool = False,
    review: Review = lambda _differences: True,
    progress: Progress | None = None,
) -> Approval:
    """Sign one approval statement (``urn:vxsec:approval:v1``) over all the files.

    Guarantees: the difference shown is derived from these bytes and the bytes of the version under ``latest``; where
    none can be read, the full inventory is shown and that is said. Nothing is signed unless ``review`` returns True.

    Args:
        files: Tarballs, at least one, all for one registry.
        signer: One signer URI.
        trust: The identities document; finds the registry, needed for ``push`` and for a difference.
        registry: URL, or label in the trust document.
        policy: Bind the approval to this policy's name and at least its version.
        expires: Not to be published or promoted after this time.
        push: Append the approval to the evidence package on the registry.
        bundle: Write the bundle here instead of beside the files.
        password: Of an encrypted key file.
        trust_config: As in ``usecases.sign.sign``.
        timestamp: Likewise.
        log_entry: Likewise.
        offline: Ask no registry for the previous version.
        now: The time recorded; the clock if not given.
        project_dir: Where ``.npmrc`` lies.
        unsafe_http: Registry URLs that may be plain http.
        unsafe_tls: Registry URLs whose certificate is not verified.
        unsafe_rehearsal: Accept a rehearsal trust root.
        review: Shown the differences before anything is signed.
        progress: As in ``usecases.sign.sign``.

    Raises:
        UsageError: No files; files for several registries; ``push`` without trust; declined (``approve.declined``).
        ConfigurationError: A malformed key, policy, trust document or ``.npmrc``.
        RefusedError: A file is not a tarball that vxsec accepts.
        UndecidedError: ``push`` could not be finished.
    """
    if not files:
        raise UsageError("expected at least one file", code="usage.no-files")
    root = load_trust(trust, now=now, unsafe_rehearsal=unsafe_rehearsal) if trust is not None else None
    if push and root is None:
        raise UsageError(
            "--push needs the trust document that names the registry", code="approve.push", hint="add --trust FILE"
        )
    artifacts = [require_artifact(file) for file in files]
    urls = {
        registry_url_for(a.package.name, trust=root, registry=registry, ecosystem=a.package.ecosystem)
        for a in artifacts
    }
    if len(urls) != 1:
        raise UsageError(
            "one approval is for one registry, found several", code="approve.registries", hint="approve them apart"
        )
    if push and offline:
        raise UsageError(
            "--push asks the registry, and --offline forbids it", code="usage.options", hint="leave one out"
        )
    targets = [_push_target(artifact, root, registry) for artifact in artifacts] if push and root is not None else []
    session = RegistrySession(project_dir=project_dir, offline=offline, unsafe_http=unsafe_http, unsafe_tls=unsafe_tls)
    differences = [_difference(artifact, session, root, registry) for artifact in artifacts]
    if not review(differences):
        raise UsageError("not approved: nothing was signed", code="approve.declined")
    payload = build_approval_statement(
        subjects=[(a.package, a.digests) for a in artifacts],
        registry=urls.pop(),
        created_at=now or utc_now(),
        expires=expires,
        policy=_binding(policy, root),
    )
    opened = open_signers(
        [signer], password=password, trust_config=trust_config, timestamp=timestamp, log_entry=log_entry
    )[0]
    line = sign_checked(opened, payload, progress=progress)
    note = why_not_counted(root, opened, line, Role.HUMAN) if root is not None else None
    if push and note is not None:
        raise UsageError(
            f"nothing was stored or pushed: {note}",
            code="approve.push",
            hint="approve with the key of a person of the trust document",
        )
    signed = []
    for file, artifact in zip(files, artifacts, strict=True):
        path = append_bundle(file, line) if bundle is None else str(bundle)
        signed.append(
            SignedFile(
                file=str(file),
                subject=artifact.package.purl,
                predicate_type=APPROVAL_PREDICATE,
                key_hint=opened.hint,
                bundle=path,
                note=note,
            )
        )
    if bundle is not None:
        write_atomic(bundle, line + b"\n")
    pushed = (
        [_push(one, session, target, line) for one, target in zip(artifacts, targets, strict=True)] if targets else []
    )
    return Approval(files=tuple(signed), differences=tuple(differences), pushed=tuple(pushed))


def _binding(policy: PathLike | None, root: TrustRoot | None) -> tuple[str, int] | None:
    if policy is None:
        return None
    if root is None:
        raise UsageError(
            "--policy needs --trust, because the policy is checked against it",
            code="approve.policy",
            hint="add --trust FILE",
        )
    loaded = load_policy(policy, trust=root)
    return loaded.ref.name, loaded.ref.version


def _difference(
    artifact: Artifact, session: RegistrySession, root: TrustRoot | None, label: str | None
) -> ReleaseDifference:
    """Against the version under ``latest``; the full inventory where that cannot be read."""
    previous, note = _previous(artifact, session, root, label)
    now = {file.path: (file.sha512, file.mode) for file in artifact.files}
    before = {file.path: (file.sha512, file.mode) for file in previous.files} if previous is not None else {}
    manifest: tuple[FieldDifference, ...] = ()
    if previous is not None:
        files = [file.path for file in artifact.files]
        manifest = compare_manifests(artifact.manifest.document, previous.manifest.document, files=files)
    return ReleaseDifference(
        package=artifact.package,
        previous=previous.package if previous is not None else None,
        added=tuple(sorted(now.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - now.keys())),
        changed=tuple(sorted(path for path in now.keys() & before.keys() if now[path] != before[path])),
        manifest=tuple(item for item in manifest if item.field != "version"),
        note=note,
    )


def _previous(
    artifact: Artifact, session: RegistrySession, root: TrustRoot | None, label: str | None
) -> tuple[Artifact | None, str | None]:
    chosen = (
        choose_registry(root, artifact.package.name, label if label and "://" not in label else None) if root else None
    )
    reason = None
    if artifact.package.ecosystem != NPM:
        reason = "earlier versions of Python packages are not read"
    elif chosen is None:
        reason = "no trust document says where earlier versions are"
    elif session.offline:
        reason = "--offline: earlier versions were not read"
    if chosen is None or reason is not None:
        return None, f"{reason}: this is the full inventory"
    name = artifact.package.name
    try:
        client = session.client(chosen.url)
        packument = client.fetch_packument(name)
        if packument is None or _DEFAULT_TAG not in packument.tags:
            return None, "no earlier version is published: this is the full inventory"
        version = packument.tags[_DEFAULT_TAG]
        listed = packument.versions.get(version)
        data = client.fetch_tarball(name, version, tarball_url=listed.tarball if listed else None)
    except (UndecidedError, FormatError, VerificationError) as error:
        return None, f"the version under latest could not be read ({error.code}): this is the full inventory"
    opened = open_artifact(data, filename=f"{name}@{version}")
    if not isinstance(opened, Artifact) or opened.package != PackageRef(name=name, version=version):
        return None, f"the version under latest ({version}) is refused or another package: this is the full inventory"
    return opened, None


def _push_target(artifact: Artifact, root: TrustRoot, label: str | None) -> Registry:
    """Where the approval goes; known before anything is signed."""
    if artifact.package.ecosystem != NPM:
        raise UsageError(
            "a registry of Python packages holds no evidence",
            code="approve.push",
            where=artifact.filename,
            hint="leave out --push, and hand on the .sigstore.jsonl beside the file",
        )
    chosen = choose_registry(root, artifact.package.name, label if label and "://" not in label else None)
    if chosen is None:
        raise UsageError(
            f"no registry of the trust document lists {artifact.package.name}",
            code="approve.push",
            where=root.source,
            hint="add its scope or name under registries:, or leave out --push",
        )
    return chosen


def _push(artifact: Artifact, session: RegistrySession, target: Registry, line: bytes) -> str:
    version = push_bundles(session.client(target.url), target, artifact, [line])
    return version or f"{target.evidence}: already there"

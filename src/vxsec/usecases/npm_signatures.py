"""What a registry's operator runs: sign what the registry accepted, and write the keys document that clients ask for."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from vxsec.errors import UsageError, VerificationError
from vxsec.formats.npm_keys import is_npm_key, npm_key_id, render_npm_keys
from vxsec.formats.packument import read_packument
from vxsec.formats.packument_dist import read_dist
from vxsec.host.clock import utc_now
from vxsec.host.files import read_bounded
from vxsec.inspection.packument_tarball import integrity_findings
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.npm import NpmKey, NpmSignature
from vxsec.model.package import NPM
from vxsec.model.report.npm import RegistrySignature
from vxsec.model.trust import Role
from vxsec.signing.signer import DigestSigner
from vxsec.usecases.inputs import load_public_key, require_artifact
from vxsec.usecases.signers import open_signers
from vxsec.usecases.trust_source import load_trust
from vxsec.verification.npm_signature import every_registry_key, registry_keys, signed_message, verify_npm_signatures

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from vxsec.formats.packument import Packument
    from vxsec.model.artifact import Artifact
    from vxsec.model.trust import TrustRoot
    from vxsec.usecases.trust_source import PathLike, Trust

    Password = bytes | Callable[[], bytes] | None

__all__ = ["build_registry_keys", "sign_registry"]

_ALGORITHM = "ecdsa-p256"


def sign_registry(
    files: Sequence[PathLike],
    *,
    signer: str,
    trust: Trust | None = None,
    packument: PathLike | None = None,
    password: Password = None,
    now: datetime | None = None,
    unsafe_rehearsal: bool = False,
) -> tuple[RegistrySignature, ...]:
    """Sign each tarball as npm's registry does: its name, its version and its SHA-512.

    Guarantees: everything is verified, as a client will, before anything is returned; with ``trust``, a key of another
    role, and so the one that CI signs with, never signs for a registry.

    Args:
        files: Tarballs, at least one, each of a package that every installer sees alike.
        signer: One signer with an ECDSA P-256 key, which is what npm's clients verify: ``file:PATH`` or ``env:NAME``.
        trust: The trust root, which must give the key the role ``registry``.
        packument: What the registry serves: it must state these bytes, and its other signatures are kept.
        password: Of an encrypted key file, or a function that asks for it.
        now: The current time; the clock if not given.
        unsafe_rehearsal: Accept a rehearsal trust root.

    Raises:
        UsageError: ``usage.no-files``, ``signer.algorithm``, ``signer.role``, ``usage.options`` for a Python package.
        TarballError: A tarball is refused.
        FormatError: A malformed packument.
        VerificationError: ``key.expired``, ``key.not-yet-valid``, ``key.revoked``; the packument is about something else
            (``packument.name``, ``packument.version``) or other bytes (``packument.integrity-…``); another signature in it
            by this key does not verify.
    """
    if not files:
        raise UsageError("expected at least one file", code="usage.no-files", hint="give the tarballs: FILE.tgz")
    moment = now or utc_now()
    (opened,) = open_signers([signer], password=password)
    if not isinstance(opened, DigestSigner) or opened.algorithm != _ALGORITHM:
        found = getattr(opened, "algorithm", "a certificate")
        raise UsageError(
            f"npm's clients verify ECDSA P-256 only, found {found}",
            code="signer.algorithm",
            hint="make a key for the registry: vxsec keys generate registry",
        )
    root = None if trust is None else load_trust(trust, now=moment, unsafe_rehearsal=unsafe_rehearsal)
    key = _registry_key(opened.spki, root)
    served = None
    if packument is not None:
        data = read_bounded(packument, max_bytes=DEFAULT_LIMITS.packument_bytes)
        served = read_packument(data, where=str(packument))
    artifacts = [_npm_artifact(file) for file in files]
    return tuple(_sign_one(artifact, opened, key, served, now=moment) for artifact in artifacts)


def build_registry_keys(
    keys: Sequence[PathLike] = (),
    *,
    expires: datetime | None = None,
    retired: Sequence[tuple[PathLike, datetime]] = (),
    trust: Trust | None = None,
    registry: str | None = None,
    unsafe_rehearsal: bool = False,
) -> bytes:
    """Write the keys document for ``GET /-/npm/v1/keys``, the keys that sign now first.

    Args:
        keys: Public keys (PEM or DER) that sign now.
        expires: When all of ``keys`` stop.
        retired: Public keys that no longer sign, and when each stopped: what they signed before stays good for npm's
            clients, which ask the packument when that was.
        trust: With ``keys`` or ``retired``, each must have the role ``registry`` there; alone, the registry's keys, each
            until its own end.
        registry: Which registry of ``trust`` it is for, by its label; needed where several name keys of their own.
        unsafe_rehearsal: Accept a rehearsal trust root.

    Raises:
        UsageError: ``registry.no-keys``, ``signer.role``, unreadable files, ``usage.options`` for ``expires`` without keys;
            ``registry.unknown``, ``registry.ambiguous``.
        ConfigurationError: A file that is no public key, a malformed trust document.
        FormatError: ``npm-keys.type`` for a key that is not ECDSA P-256, ``npm-keys.duplicate``.
    """
    root = None if trust is None else load_trust(trust, unsafe_rehearsal=unsafe_rehearsal)
    if expires is not None and not keys:
        raise UsageError("expires is about the keys given, and there are none", code="usage.options", hint="add --key")
    given = [*((path, expires) for path in keys), *retired]
    found = [_public_key(path, until, root) for path, until in given]
    if not found and root is not None:
        found = [NpmKey(keyid=key.keyid, spki=key.spki, expires=key.expires) for key in _own_keys(root, registry)]
    if not found:
        raise UsageError(
            "expected at least one public key of the registry, found none",
            code="registry.no-keys",
            hint="add --key registry.pub, or --trust FILE with an ECDSA P-256 key of role registry",
        )
    return render_npm_keys(found)


def _own_keys(root: TrustRoot, label: str | None) -> tuple[NpmKey, ...]:
    """The keys of one registry: a client that is given another's as well believes what that one accepted."""
    chosen = root.registry(label) if label is not None else None
    labels = ", ".join(sorted(registry.label for registry in root.registries)) or "none"
    if label is not None and chosen is None:
        raise UsageError(
            f"expected a registry label of the trust document ({labels}), found {label!r}", code="registry.unknown"
        )
    if chosen is None and len(root.registries) == 1:
        chosen = root.registries[0]
    if chosen is None and any(registry.keys for registry in root.registries):
        raise UsageError(
            f"the registries of the trust document have keys of their own: {labels}",
            code="registry.ambiguous",
            hint=f"add --registry {root.registries[0].label}",
        )
    return registry_keys(root, chosen)


def _public_key(path: PathLike, until: datetime | None, root: TrustRoot | None) -> NpmKey:
    spki = load_public_key(path)
    _require_registry_role(spki, root)
    return NpmKey(keyid=npm_key_id(spki) if is_npm_key(spki) else str(path), spki=spki, expires=until)


def _registry_key(spki: bytes, root: TrustRoot | None) -> NpmKey:
    """The key as a client will know it: with the window and revocations of the trust root, where there is one."""
    _require_registry_role(spki, root)
    known = every_registry_key(root) if root is not None else ()
    return next((key for key in known if key.spki == spki), NpmKey(keyid=npm_key_id(spki), spki=spki, expires=None))


def _require_registry_role(spki: bytes, root: TrustRoot | None) -> None:
    if root is None:
        return
    key = next((key for key in root.keys if key.spki == spki), None)
    if key is None or Role.REGISTRY not in key.roles:
        found = "a key that is not listed" if key is None else f"key {key.id!r} with {', '.join(key.roles)}"
        raise UsageError(
            f"expected a key with role registry in {root.source}, found {found}",
            code="signer.role",
            hint="a registry signs with a key of its own, which does nothing else: vxsec keys generate registry",
        )


def _npm_artifact(file: PathLike) -> Artifact:
    artifact = require_artifact(file)
    if artifact.package.ecosystem != NPM:
        raise UsageError(
            "expected an npm package, found a Python one",
            code="usage.options",
            where=str(file),
            hint="give .tgz files only",
        )
    return artifact


def _sign_one(
    artifact: Artifact, signer: DigestSigner, key: NpmKey, served: Packument | None, *, now: datetime
) -> RegistrySignature:
    name, version, integrity = artifact.package.name, artifact.package.version, artifact.digests.integrity
    others = _other_signatures(artifact, served, key) if served is not None else ()
    sig = signer.sign(signed_message(name, version, integrity))
    made = NpmSignature(keyid=key.keyid, sig=base64.b64encode(sig).decode("ascii"))
    verify_npm_signatures(
        name=name, version=version, integrity=integrity, signatures=[made], keys=[key], now=now
    )  # what was made verifies, by a key that is good now
    return RegistrySignature(
        file=artifact.filename,
        package=artifact.package,
        integrity=integrity,
        keyid=key.keyid,
        signatures=(*others, made),
    )


def _other_signatures(artifact: Artifact, served: Packument, key: NpmKey) -> tuple[NpmSignature, ...]:
    """The signatures by other keys that the registry serves already, for exactly these bytes."""
    package = artifact.package
    if served.name != package.name:
        raise VerificationError(f"expected a packument of {package.name}, found {served.name!r}", code="packument.name")
    listed = served.versions.get(package.version)
    if listed is None:
        raise VerificationError(f"the packument does not list {package.version}", code="packument.version")
    for finding in integrity_findings(artifact, listed):
        raise VerificationError(finding.message, code=finding.code)
    return tuple(item for item in read_dist(listed).signatures if item.keyid.rstrip("=") != key.keyid)

"""npm registry signatures: "this registry accepted these bytes as this name and version".

ECDSA P-256 with SHA-256, DER in base64, over ``NAME@VERSION:INTEGRITY`` (npm documentation, "About ECDSA registry
signatures"; pacote ``lib/registry.js``). The steps, which the code repeats by number:

1. Name and version are what was *asked for*, and the integrity is the SHA-512 of the bytes at hand: nothing that is signed
   over comes from the document that carries the signatures. There is at least one key, and each came from the trust root,
   as one of this registry, or from the one who asks, never from the host being judged.
2. There is a signature.
3. A key id selects; it is never trust. A signature by a key that is not known is said and not counted.
4. Every signature by a known key verifies. One that does not refuses the whole, however many others are good: npm asks
   the same, and whoever could add a broken one had the document in hand.
5. The key is good when it signed. Where there are trusted times, its window is judged at each of them and a revocation at
   the earliest, else both are judged now. The date that a packument gives is a claim of the one being judged (npm
   believes it). A signature by a key that is not good is said and not counted.
6. At least one signature counts.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING, NoReturn

from vxsec.errors import VerificationError
from vxsec.formats.key_materials import key_materials, materials_of
from vxsec.formats.npm_keys import is_npm_key, npm_key_id
from vxsec.formats.timestamps import render_time
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.finding import Finding, Severity
from vxsec.model.npm import NpmKey
from vxsec.model.package import is_npm_name
from vxsec.model.trust import KeyKind, RevocationReason, Role
from vxsec.model.verified import VerifiedNpmSignatures
from vxsec.values import dataclass
from vxsec.verification.keys import verify_signature
from vxsec.versions.npm import is_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from vxsec.model.npm import NpmClaim, NpmSignature
    from vxsec.model.trust import KeyRevocation, Registry, TrustedKey, TrustRoot
    from vxsec.model.verification import TrustedTime

__all__ = [
    "NpmVerdict",
    "bounded_by_trust",
    "every_registry_key",
    "registry_keys",
    "signed_message",
    "verify_npm_signatures",
]

_INTEGRITY = re.compile(r"sha512-[A-Za-z0-9+/]{86}==\Z")
_MAX_SIG = 256  # a DER signature has at most 72 bytes
_LISTED = 5
_SHOWN = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class NpmVerdict:
    """What was verified, and what is worth saying about the signatures that did not count."""

    value: VerifiedNpmSignatures
    findings: tuple[Finding, ...] = ()


def verify_npm_signatures(
    *,
    name: str,
    version: str,
    integrity: str,
    signatures: Sequence[NpmSignature],
    keys: Sequence[NpmKey],
    now: datetime,
    times: Sequence[TrustedTime] = (),
    claims: Sequence[NpmClaim] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> NpmVerdict:
    """Verify a version's registry signatures, as the numbered steps above say.

    Args:
        name: The package that was asked for.
        version: Its version that was asked for.
        integrity: ``sha512-…`` of the bytes at hand (``Digests.integrity``), never a text from a packument.
        signatures: ``dist.signatures`` of that version, as found.
        keys: The registry's keys: :func:`registry_keys` of the trust root, or a keys document given by the one who asks.
        now: The current time, aware.
        times: When these signatures existed, by somebody other than the registry, and in good standing.
        claims: What the packument says of its versions: they only tell why a signature does not verify.
        limits: ``npm_signatures_tried``, ``npm_claims``.

    Raises:
        VerificationError: ``npm.request-malformed``, ``npm.no-keys``, ``npm.unsigned``, ``npm.unknown-key``,
            ``npm.too-many-signatures``, ``npm.signature-malformed``, ``npm.signature-replayed``, ``npm.other-bytes``,
            ``npm.signature-invalid``, ``key.not-yet-valid``, ``key.expired``, ``key.revoked``.
    """
    message = signed_message(name, version, integrity)  # 1
    if not keys:
        _refuse("expected at least one key of the registry, found none", code="npm.no-keys")
    if not signatures:  # 2
        _refuse(f"expected a registry signature for {name}@{version}, found none", code="npm.unsigned")
    known, unknown = _select(signatures, keys)  # 3
    if not known:
        _refuse(f"signed by {_listed(unknown)}, and by no key that is known", code="npm.unknown-key")
    if len(known) > limits.npm_signatures_tried:
        _refuse(
            f"expected at most {limits.npm_signatures_tried} signatures, found {len(known)}",
            code="npm.too-many-signatures",
        )
    good: list[NpmKey] = []
    findings = [*_unknown_findings(unknown)]
    refused: list[VerificationError] = []
    for signature, candidates in known:
        key = _verified_key(signature, candidates, message, claims[: limits.npm_claims])  # 4
        try:
            _require_good(key, now=now, times=times)  # 5
        except VerificationError as error:
            refused.append(error)
            findings.append(Finding(code=error.code, severity=Severity.MEDIUM, message=error.message, where=key.name))
            continue
        if key not in good:
            good.append(key)
    if not good:  # 6
        raise refused[0]
    value = VerifiedNpmSignatures(name=name, version=version, integrity=integrity, keys=tuple(good))
    return NpmVerdict(value=value, findings=tuple(findings))


def registry_keys(trust: TrustRoot, registry: Registry | None) -> tuple[NpmKey, ...]:
    """The keys that sign for one registry, as npm's clients can verify them; another kind of key is left out.

    They are those that the registry names in the trust root; where it names none, those of role ``registry`` that no
    registry names. The signed bytes name no registry, so a key of staging would open production without this.

    Args:
        trust: The trust root.
        registry: One of it; None for one that is not known there.
    """
    taken = {identifier for other in trust.registries for identifier in other.keys}
    named = registry.keys if registry is not None else ()
    return tuple(key for key in every_registry_key(trust) if (key.label in named if named else key.label not in taken))


def every_registry_key(trust: TrustRoot) -> tuple[NpmKey, ...]:
    """The keys of role ``registry`` in a trust root, of whichever registry: for who holds one, not for who verifies."""
    return tuple(
        NpmKey(
            keyid=npm_key_id(key.spki),
            spki=key.spki,
            expires=key.valid_until,
            valid_from=key.valid_from,
            label=key.id,
            revocations=_revocations(key, trust),
        )
        for key in trust.keys
        if Role.REGISTRY in key.roles and key.kind is KeyKind.PLAIN and is_npm_key(key.spki)
    )


def bounded_by_trust(keys: Sequence[NpmKey], trust: TrustRoot) -> tuple[NpmKey, ...]:
    """Keys that somebody gave, with what a trust root says of each it lists: its window, and what it takes back.

    Whoever vouches for a key cannot give back what the root took.
    """
    return tuple(_bounded(key, trust) for key in keys)


def _bounded(key: NpmKey, trust: TrustRoot) -> NpmKey:
    materials = materials_of(key.spki)
    listed = next((item for item in trust.keys if not materials.isdisjoint(key_materials(item))), None)
    if listed is None:
        return key
    return NpmKey(
        keyid=key.keyid,
        spki=key.spki,
        expires=min(filter(None, (key.expires, listed.valid_until))),
        valid_from=max(filter(None, (key.valid_from, listed.valid_from))),
        label=listed.id,
        revocations=(*key.revocations, *_revocations(listed, trust)),
    )


def _revocations(key: TrustedKey, trust: TrustRoot) -> tuple[KeyRevocation, ...]:
    return tuple(item for item in trust.key_revocations if item.key == key.id)


def signed_message(name: str, version: str, integrity: str) -> bytes:
    """The bytes that a registry signs. No two requests give the same: neither a name nor a version holds a colon.

    Raises:
        VerificationError: ``npm.request-malformed`` for what is no name, no version, or not one SHA-512.
    """
    if not is_npm_name(name) or not is_version(version) or not _INTEGRITY.match(integrity):
        found = f"{name[:_SHOWN]!r}, {version[:_SHOWN]!r}, {integrity[:_SHOWN]!r}"
        _refuse(f"expected a package name, a version and one sha512-…, found {found}", code="npm.request-malformed")
    return f"{name}@{version}:{integrity}".encode()


def _select(
    signatures: Sequence[NpmSignature], keys: Sequence[NpmKey]
) -> tuple[list[tuple[NpmSignature, list[NpmKey]]], dict[str, int]]:
    """Each distinct signature with the keys its id may mean, and how often each unknown id is there."""
    by_id: dict[str, list[NpmKey]] = {}
    for key in keys:
        for keyid in _ids_of(key):
            by_id.setdefault(keyid, []).append(key)
    known: list[tuple[NpmSignature, list[NpmKey]]] = []
    unknown: dict[str, int] = {}
    for signature in dict.fromkeys(signatures):
        candidates = by_id.get(signature.keyid.rstrip("="))
        if candidates is None:
            unknown[signature.keyid] = unknown.get(signature.keyid, 0) + 1
        else:
            known.append((signature, candidates))
    return known, unknown


def _ids_of(key: NpmKey) -> set[str]:
    """What registries call a key: as its document does, by its SSH fingerprint (npm), by the digest of its DER (others)."""
    digest = base64.b64encode(hashlib.sha256(key.spki).digest()).decode("ascii")
    return {name.rstrip("=") for name in (key.keyid, npm_key_id(key.spki), f"SHA256:{digest}")}


def _verified_key(
    signature: NpmSignature, candidates: Sequence[NpmKey], message: bytes, claims: Sequence[NpmClaim]
) -> NpmKey:
    raw = _decoded(signature)
    for key in candidates:
        if _verifies(key, raw, message):
            return key
    for claim in claims:
        other = f"{claim.name}@{claim.version}:{claim.integrity}".encode("utf-8", "replace")
        if other != message and any(_verifies(key, raw, other) for key in candidates):
            _explain(claim, message)
    raise VerificationError(
        f"the signature by key {candidates[0].name!r} does not verify for these bytes", code="npm.signature-invalid"
    )


def _explain(claim: NpmClaim, message: bytes) -> NoReturn:
    asked = message.decode("ascii").rpartition(":")[0]
    signed = f"{claim.name[:_SHOWN]}@{claim.version[:_SHOWN]}"
    if signed == asked:
        _refuse(
            f"the registry signed {claim.integrity[:_SHOWN]!r} as {asked}, and the bytes are others",
            code="npm.other-bytes",
        )
    _refuse(f"expected a signature for {asked}, found the one made for {signed!r}", code="npm.signature-replayed")


def _verifies(key: NpmKey, signature: bytes, message: bytes) -> bool:
    try:
        verify_signature(key.spki, signature, message)
    except VerificationError as error:
        if error.code != "signature.invalid":
            raise
        return False
    return True


def _decoded(signature: NpmSignature) -> bytes:
    text = signature.sig
    try:
        raw = base64.b64decode(text, validate=True) if len(text) <= _MAX_SIG else b""
    except (binascii.Error, ValueError) as error:
        raise _malformed(signature) from error
    if not raw or base64.b64encode(raw).decode("ascii") != text:
        raise _malformed(signature)
    return raw


def _malformed(signature: NpmSignature) -> VerificationError:
    found = f"{signature.sig[:_SHOWN]!r} by key {signature.keyid[:_SHOWN]!r}"
    return VerificationError(f"expected a signature in base64, found {found}", code="npm.signature-malformed")


def _require_good(key: NpmKey, *, now: datetime, times: Sequence[TrustedTime]) -> None:
    """The key signs at that moment, and nobody took it back."""
    moments = [time.at for time in times]
    for moment in moments or [now]:
        _require_window(key, moment)
    earliest = min(moments, default=None)
    for item in key.revocations:
        if _is_void(item, earliest=earliest, now=now):
            found = f"{item.reason.value} since {render_time(item.since)}"
            raise VerificationError(f"expected key {key.name!r} in good standing, found {found}", code="key.revoked")


def _require_window(key: NpmKey, moment: datetime) -> None:
    judged = f"found a judgement at {render_time(moment)}"
    if key.valid_from is not None and moment < key.valid_from:
        raise VerificationError(
            f"expected key {key.name!r} from {render_time(key.valid_from)} on, {judged}", code="key.not-yet-valid"
        )
    if key.expires is not None and moment >= key.expires:
        raise VerificationError(
            f"expected key {key.name!r} before {render_time(key.expires)}, {judged}", code="key.expired"
        )


def _is_void(item: KeyRevocation, *, earliest: datetime | None, now: datetime) -> bool:
    """Only a trusted time shows that a signature is older than the theft of its key."""
    if earliest is not None:
        return earliest >= item.since
    return item.reason is RevocationReason.COMPROMISED or now >= item.since


def _unknown_findings(unknown: dict[str, int]) -> Iterator[Finding]:
    if unknown:
        yield Finding(
            code="npm.unknown-key",
            severity=Severity.MEDIUM,
            message=f"signed by {_listed(unknown)} as well, which nobody here knows",
            where="dist.signatures",
        )


def _listed(unknown: dict[str, int]) -> str:
    names = [repr(keyid[:_SHOWN]) for keyid in list(unknown)[:_LISTED]]
    more = f" and {len(unknown) - _LISTED} more" if len(unknown) > _LISTED else ""
    return f"key {', '.join(names)}{more}"


def _refuse(message: str, *, code: str) -> NoReturn:
    raise VerificationError(message, code=code)

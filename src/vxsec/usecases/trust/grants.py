"""Everything that a trust repository says, one line for each thing, so that two states can be compared as sets."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from vxsec.formats.timestamps import render_time
from vxsec.formats.trust_revocations import Revocations
from vxsec.model.report.trust import Grant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from vxsec.model.trust import RevocationReason, TrustRoot
    from vxsec.model.trusted_root import TrustedRoot
    from vxsec.model.verified import VerifiedTrust

__all__ = ["document_grants", "fingerprint", "holders_by_key", "metadata_grants"]


def fingerprint(spki: bytes) -> str:
    """What names a key for people: its SHA-256 (hex)."""
    return hashlib.sha256(spki).hexdigest()


def holders_by_key(root: TrustRoot) -> dict[bytes, str]:
    """Who holds a key, where the identities document lists it."""
    return {key.spki: key.holder.id for key in root.keys}


def metadata_grants(trust: VerifiedTrust, holders: Mapping[bytes, str]) -> Iterator[Grant]:
    """Who signs for each role, and which files there are."""
    for name, role in trust.roles.items():
        yield Grant(kind="signs", subject=name, detail=f"{role.threshold} of {len(role.keys)} keys must sign")
        for spki in role.keys:
            who = f" ({holders[spki]})" if spki in holders else ""
            yield Grant(kind="signs", subject=name, detail=f"key sha256:{fingerprint(spki)}{who}")
    for path, data in trust.files.items():
        yield Grant(kind="file", subject=path, detail=f"sha256:{hashlib.sha256(data).hexdigest()}, {len(data)} bytes")


def document_grants(root: TrustRoot, revocations: Revocations | None) -> Iterator[Grant]:
    """Who may sign what, which names are ours, which instances are believed, and what is taken back."""
    yield from _signers(root)
    for registry in root.registries:
        for name in (*registry.scopes, *registry.packages):
            yield Grant(
                kind="registry", subject=name, detail=f"{registry.label}: {registry.url} ({registry.ecosystem})"
            )
        if registry.evidence is not None:
            yield Grant(kind="registry", subject=registry.label, detail=f"evidence in {registry.evidence}")
    for builder in root.builders:
        yield Grant(kind="builder", subject=builder.id, detail=f"SLSA build level {builder.level}")
    for trusted in root.trusted_roots:
        yield from _instance(trusted)
    yield from _revoked(root, revocations or Revocations())


def _signers(root: TrustRoot) -> Iterator[Grant]:
    for key in root.keys:
        words = (
            f"{key.kind.value} key {key.id} sha256:{fingerprint(key.spki)}{_window(key.valid_from, key.valid_until)}"
        )
        for role in key.roles:
            holder = f"{key.holder.id} ({key.holder.kind.value})"
            yield Grant(kind="key", subject=holder, detail=f"{role.value}: {words}")
    for one in root.holders:
        for identity in one.identities:
            window = _window(identity.valid_from, identity.valid_until)
            for role in identity.roles:
                detail = f"{role.value}: {identity.subject} of {identity.issuer}{window}"
                yield Grant(kind="identity", subject=f"{one.id} ({one.kind.value})", detail=detail)


def _instance(trusted: TrustedRoot) -> Iterator[Grant]:
    authorities = (("certificates", trusted.certificate_authorities), ("timestamps", trusted.timestamp_authorities))
    for kind, listed in authorities:
        for authority in listed:
            window = _window(authority.window.start, authority.window.end)
            detail = f"sha256:{hashlib.sha256(b''.join(authority.chain)).hexdigest()}{window}"
            yield Grant(kind=kind, subject=authority.uri, detail=detail)
    for log in (*trusted.logs, *trusted.ct_logs):
        window = _window(log.window.start, log.window.end)
        yield Grant(kind="log", subject=log.base_url, detail=f"sha256:{fingerprint(log.spki)}{window}")


def _revoked(root: TrustRoot, more: Revocations) -> Iterator[Grant]:
    for key in (*root.key_revocations, *more.keys):
        yield _revocation(f"key {key.key}", key.reason, key.since)
    for identity in (*root.identity_revocations, *more.identities):
        yield _revocation(f"identity {identity.subject} of {identity.issuer}", identity.reason, identity.since)
    for digest in (*root.digest_revocations, *more.digests):
        yield _revocation(f"tarball sha512:{digest.sha512}", digest.reason, digest.since)
    for log in (*root.log_revocations, *more.logs):
        yield _revocation(f"log {log.uri}", log.reason, log.since)


def _revocation(subject: str, reason: RevocationReason, since: datetime) -> Grant:
    """A kind of its own: that something was taken back is what a reader of a difference looks for."""
    return Grant(kind="revoked", subject=subject, detail=f"{reason.value} since {render_time(since)}")


def _window(start: datetime | None, end: datetime | None) -> str:
    words = (f", from {render_time(start)}" if start else "", f", until {render_time(end)}" if end else "")
    return "".join(words)

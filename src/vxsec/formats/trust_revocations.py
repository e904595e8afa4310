"""What is taken back: keys, identities, bytes, and logs and authorities of trusted roots, each for a reason and from a time on.

The entries of ``revocations:`` in an identities document, and of a document of their own (``kind: Revocations``), which a
trust repository carries apart so that whoever may revoke need not be able to grant.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from vxsec.formats.strict_yaml import read_document
from vxsec.formats.trust_words import SHOWN, listed, read_text, read_time, read_word, trust_error
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.trust import (
    DigestRevocation,
    IdentityRevocation,
    KeyRevocation,
    LogRevocation,
    RevocationReason,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from vxsec.formats.strict_yaml import DocumentNode
    from vxsec.model.trust import Holder, TrustedKey
    from vxsec.model.trusted_root import TrustedRoot

__all__ = ["REVOCATIONS_KIND", "Revocations", "parse_revocations_document", "read_revocations"]

REVOCATIONS_KIND = "Revocations"
_API_VERSION = "vxsec/trust/v1"
_SHA512 = re.compile(r"[0-9a-f]{128}\Z")
_WHAT = ("key", "identity", "sha512", "log")


class Revocations(NamedTuple):
    """Everything taken back, by kind."""

    keys: tuple[KeyRevocation, ...] = ()
    identities: tuple[IdentityRevocation, ...] = ()
    digests: tuple[DigestRevocation, ...] = ()
    logs: tuple[LogRevocation, ...] = ()


def read_revocations(
    node: DocumentNode | None,
    keys: Sequence[TrustedKey],
    holders: Sequence[Holder],
    trusted_roots: Sequence[TrustedRoot],
) -> Revocations:
    """Read the entries; each names something that is there, because a misspelt name must not leave it standing.

    Raises:
        ConfigurationError: ``trust.revocation``, ``trust.id`` or ``trust.time``.
    """
    found: list[KeyRevocation | IdentityRevocation | DigestRevocation | LogRevocation] = []
    for item in node.items() if node is not None else ():
        item.only(*_WHAT, "issuer", "reason", "since")
        reason, since = read_word(item["reason"], RevocationReason, "trust.revocation"), read_time(item["since"])
        named = [name for name in _WHAT if item.get(name) is not None]
        if len(named) != 1:
            raise trust_error(item, "trust.revocation", "expected exactly one of key, identity, sha512 and log")
        if item.get("issuer") is not None and named != ["identity"]:
            raise trust_error(item["issuer"], "trust.revocation", "an issuer belongs to an identity")
        if named == ["key"]:
            found.append(_read_key(item["key"], keys, reason, since))
        elif named == ["identity"]:
            found.append(_read_identity(item, holders, reason, since))
        elif named == ["log"]:
            found.append(_read_log(item["log"], trusted_roots, reason, since))
        else:
            found.append(_read_digest(item["sha512"], reason, since))
    return Revocations(
        keys=tuple(item for item in found if isinstance(item, KeyRevocation)),
        identities=tuple(item for item in found if isinstance(item, IdentityRevocation)),
        digests=tuple(item for item in found if isinstance(item, DigestRevocation)),
        logs=tuple(item for item in found if isinstance(item, LogRevocation)),
    )


def parse_revocations_document(
    data: bytes,
    *,
    source: str,
    keys: Sequence[TrustedKey],
    holders: Sequence[Holder],
    trusted_roots: Sequence[TrustedRoot],
    limits: Limits = DEFAULT_LIMITS,
) -> Revocations:
    """Read a document that holds revocations alone (``apiVersion: vxsec/trust/v1``, ``kind: Revocations``).

    Args:
        data: Strict YAML or JSON.
        source: What it is called in errors.
        keys: Of the identities document it belongs to, as ``holders`` and ``trusted_roots``.
        holders: Likewise.
        trusted_roots: Likewise.
        limits: Bounds of the document.

    Raises:
        ConfigurationError: ``trust.version``, ``trust.revocation``, ``trust.id``, ``trust.time`` or a ``document.*`` code.
    """
    root = read_document(data, filename=source, limits=limits)
    root.only("apiVersion", "kind", "revocations")
    if (root["apiVersion"].string(), root["kind"].string()) != (_API_VERSION, REVOCATIONS_KIND):
        raise trust_error(root["kind"], "trust.version", f"expected {_API_VERSION!r}, kind {REVOCATIONS_KIND!r}")
    return read_revocations(root["revocations"], keys, holders, trusted_roots)


def _read_key(
    node: DocumentNode, keys: Sequence[TrustedKey], reason: RevocationReason, since: datetime
) -> KeyRevocation:
    known = [key.id for key in keys]
    if node.string() not in known:
        raise trust_error(node, "trust.revocation", f"expected one of {listed(known)}, found {node.string()[:SHOWN]!r}")
    return KeyRevocation(key=node.string(), reason=reason, since=since)


def _read_identity(
    node: DocumentNode, holders: Sequence[Holder], reason: RevocationReason, since: datetime
) -> IdentityRevocation:
    subject, issuer = read_text(node["identity"]), read_text(node["issuer"])
    if not any(one.subject == subject and one.issuer == issuer for holder in holders for one in holder.identities):
        raise trust_error(
            node["identity"], "trust.revocation", f"no holder has the identity {subject[:SHOWN]!r} of that issuer"
        )
    return IdentityRevocation(subject=subject, issuer=issuer, reason=reason, since=since)


def _read_log(
    node: DocumentNode, trusted_roots: Sequence[TrustedRoot], reason: RevocationReason, since: datetime
) -> LogRevocation:
    known = {log.base_url for root in trusted_roots for log in (*root.logs, *root.ct_logs)}
    authorities = [
        one for root in trusted_roots for one in (*root.timestamp_authorities, *root.certificate_authorities)
    ]
    known |= {authority.uri for authority in authorities if authority.uri}
    if node.string() not in known:
        raise trust_error(
            node, "trust.revocation", f"expected one of {listed(sorted(known))}, found {node.string()[:SHOWN]!r}"
        )
    return LogRevocation(uri=node.string(), reason=reason, since=since)


def _read_digest(node: DocumentNode, reason: RevocationReason, since: datetime) -> DigestRevocation:
    sha512 = node.string()
    if not _SHA512.match(sha512):
        raise trust_error(node, "trust.revocation", f"expected 128 lower-case hex digits, found {sha512[:SHOWN]!r}")
    return DigestRevocation(sha512=sha512, reason=reason, since=since)

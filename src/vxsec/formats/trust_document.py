"""The identities document: who may sign what, and which names are ours (``apiVersion: vxsec/trust/v1``).

Strict YAML or JSON. Whatever does not fit is a load error (exit 2) that names file and line; nothing is guessed, because
a trust document that means less than it says opens gates.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from vxsec.errors import ConfigurationError, FormatError
from vxsec.formats.strict_yaml import read_document
from vxsec.formats.trust_registries import read_registries
from vxsec.formats.trust_revocations import read_revocations
from vxsec.formats.trust_signers import read_holders, read_keys
from vxsec.formats.trust_words import SHOWN, read_text, trust_error
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.trust import Builder, TrustRoot

if TYPE_CHECKING:
    from collections.abc import Callable

    from vxsec.formats.strict_yaml import DocumentNode
    from vxsec.model.trusted_root import TrustedRoot

__all__ = ["TRUST_API_VERSION", "TRUST_KIND", "parse_trust_document"]

TRUST_API_VERSION = "vxsec/trust/v1"
TRUST_KIND = "Identities"

_MEMBERS = (
    "apiVersion",
    "kind",
    "keys",
    "holders",
    "registries",
    "trustedRoots",
    "builders",
    "revocations",
    "rehearsal",
)
_LEVELS = range(4)


def parse_trust_document(
    data: bytes, *, source: str, load_key: Callable[[str], bytes], limits: Limits = DEFAULT_LIMITS
) -> TrustRoot:
    """Read an identities document in the simple file form.

    Guarantees: at least one key, or one identity and a trusted root it may come from; ids, keys (by canonical SPKI),
    certificate identities, registry URLs and own scopes' evidence names are unambiguous; every role fits the kind of its
    holder; every window is open at some time; every revocation names something of the document, or a digest. The result
    is marked unsigned.

    Args:
        data: The document's bytes.
        source: What it is called, in errors and in decisions.
        load_key: Gives the bytes of a file named in the document (relative to it); raises ``UsageError``.
        limits: Bound on keys.

    Raises:
        ConfigurationError: ``trust.version``, ``trust.empty``, ``trust.limit``, ``trust.id``, ``trust.duplicate``,
            ``trust.key``, ``trust.holder``, ``trust.role``, ``trust.window``, ``trust.time``, ``trust.registry``,
            ``trust.registry-keys``, ``trust.evidence``, ``trust.revocation``, ``trust.trusted-root``, ``trust.builder``, or a
            ``document.*`` code.
    """
    root = read_document(data, filename=source, limits=limits)
    _check_version(root)
    root.only(*_MEMBERS)
    holders = read_holders(root["holders"])
    keys = read_keys(root["keys"], holders, load_key, limits)
    trusted_roots = _read_trusted_roots(root.get("trustedRoots"), load_key, limits)
    if not keys and not (trusted_roots and any(holder.identities for holder in holders.values())):
        raise trust_error(root["keys"], "trust.empty", "expected at least one key, or an identity and a trusted root")
    revoked = read_revocations(root.get("revocations"), keys, tuple(holders.values()), trusted_roots)
    rehearsal = root.get("rehearsal")
    return TrustRoot(
        keys=keys,
        holders=tuple(holders.values()),
        registries=read_registries(root.get("registries"), keys),
        trusted_roots=trusted_roots,
        builders=_read_builders(root.get("builders")),
        key_revocations=revoked.keys,
        identity_revocations=revoked.identities,
        digest_revocations=revoked.digests,
        log_revocations=revoked.logs,
        rehearsal=(rehearsal is not None and rehearsal.boolean()) or any(item.rehearsal for item in trusted_roots),
        signed=False,
        source=source,
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _check_version(root: DocumentNode) -> None:
    version, kind = root["apiVersion"], root["kind"]
    if version.string() != TRUST_API_VERSION or kind.string() != TRUST_KIND:
        found = f"{version.string()[:SHOWN]!r}, kind {kind.string()[:SHOWN]!r}"
        raise trust_error(
            version, "trust.version", f"expected {TRUST_API_VERSION!r}, kind {TRUST_KIND!r}, found {found}"
        )


# -- Sigstore instances and builders ---------------------------------------------------------------------------------


def _read_trusted_roots(
    node: DocumentNode | None, load_key: Callable[[str], bytes], limits: Limits
) -> tuple[TrustedRoot, ...]:
    found: list[TrustedRoot] = []
    for item in node.items() if node is not None else ():
        from vxsec.formats.trusted_root import read_trusted_root

        item.only("file", "issuers")
        file, issuers = item["file"], _read_issuers(item.get("issuers"))
        try:
            roots = read_trusted_root(load_key(read_text(file)), where=file.string(), limits=limits)
        except FormatError as error:
            raise ConfigurationError(
                error.message, code="trust.trusted-root", where=file.where, hint=error.hint
            ) from error
        found += (replace(root, issuers=issuers) for root in roots)
        if len(found) > limits.trusted_roots:
            raise trust_error(item, "trust.limit", f"expected at most {limits.trusted_roots} trusted roots")
    if node is not None and len(found) > 1 and not all(root.issuers for root in found):
        raise trust_error(
            node,
            "trust.trusted-root",
            "expected issuers: [URL] beside each of several trusted roots: without it each vouches for every identity",
        )
    return tuple(found)


def _read_issuers(node: DocumentNode | None) -> tuple[str, ...]:
    if node is None:
        return ()
    issuers = tuple(read_text(item) for item in node.items())
    if not issuers or len(set(issuers)) != len(issuers):
        raise trust_error(node, "trust.trusted-root", "expected at least one issuer, each of them once")
    return issuers


def _read_builders(node: DocumentNode | None) -> tuple[Builder, ...]:
    builders: dict[str, Builder] = {}
    for item in node.items() if node is not None else ():
        item.only("id", "level")
        identifier, level = read_text(item["id"]), item["level"].integer()
        if identifier in builders:
            raise trust_error(item, "trust.duplicate", f"builder {identifier[:SHOWN]!r} is listed twice")
        if level not in _LEVELS:
            raise trust_error(
                item["level"], "trust.builder", f"expected an SLSA build level from 0 to 3, found {level}"
            )
        builders[identifier] = Builder(id=identifier, level=level)
    return tuple(builders.values())

"""The identities document: who may sign what, and which names are ours (``apiVersion: vxsec/trust/v1``).

Strict YAML or JSON. Whatever does not fit is a load error (exit 2) that names file and line; nothing is guessed, because
a trust document that means less than it says opens gates.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING, TypeVar

from vxsec.errors import ConfigurationError, FormatError
from vxsec.formats.public_key import parse_public_key
from vxsec.formats.registry_url import normalise_registry_url
from vxsec.formats.strict_yaml import read_document
from vxsec.formats.timestamps import parse_time
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.package import NPM, PYPI, is_npm_name, is_pypi_name
from vxsec.model.trust import (
    OTHER_REGISTRY,
    DigestRevocation,
    Holder,
    HolderKind,
    Identity,
    KeyRevocation,
    Registry,
    RevocationReason,
    Role,
    TrustedKey,
    TrustRoot,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime
    from enum import StrEnum

    from vxsec.formats.strict_yaml import DocumentNode

    E = TypeVar("E", bound=StrEnum)

__all__ = ["TRUST_API_VERSION", "TRUST_KIND", "parse_trust_document"]

TRUST_API_VERSION = "vxsec/trust/v1"
TRUST_KIND = "Identities"

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}\Z")
_SHA512 = re.compile(r"[0-9a-f]{128}\Z")
_EVIDENCE = "vxsec-evidence"
_KIND_OF_ROLE = {Role.MACHINE: HolderKind.MACHINE, Role.HUMAN: HolderKind.PERSON}
_SHOWN = 120
_ECOSYSTEMS = (NPM, PYPI)


def parse_trust_document(
    data: bytes, *, source: str, load_key: Callable[[str], bytes], limits: Limits = DEFAULT_LIMITS
) -> TrustRoot:
    """Read an identities document in the simple file form.

    Guarantees: at least one key; ids, keys (by canonical SPKI), certificate identities, registry URLs and own scopes'
    evidence names are unambiguous; every role fits the kind of its holder; every window is open at some time; every
    revocation names a key of the document or a digest. The result is marked unsigned.

    Args:
        data: The document's bytes.
        source: What it is called, in errors and in decisions.
        load_key: Gives the bytes of a key file named in the document (relative to it); raises ``UsageError``.
        limits: Bound on keys.

    Raises:
        ConfigurationError: ``trust.version``, ``trust.empty``, ``trust.limit``, ``trust.id``, ``trust.duplicate``,
            ``trust.key``, ``trust.holder``, ``trust.role``, ``trust.window``, ``trust.time``, ``trust.registry``,
            ``trust.evidence``, ``trust.revocation``, or a ``document.*`` code.
    """
    root = read_document(data, filename=source, limits=limits)
    _check_version(root)
    root.only("apiVersion", "kind", "keys", "holders", "registries", "revocations", "rehearsal")
    holders = _read_holders(root["holders"])
    keys = _read_keys(root["keys"], holders, load_key, limits)
    key_revocations, digest_revocations = _read_revocations(root.get("revocations"), keys)
    rehearsal = root.get("rehearsal")
    return TrustRoot(
        keys=keys,
        holders=tuple(holders.values()),
        registries=_read_registries(root.get("registries")),
        key_revocations=key_revocations,
        digest_revocations=digest_revocations,
        rehearsal=rehearsal is not None and rehearsal.boolean(),
        signed=False,
        source=source,
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _check_version(root: DocumentNode) -> None:
    version, kind = root["apiVersion"], root["kind"]
    if version.string() != TRUST_API_VERSION or kind.string() != TRUST_KIND:
        found = f"{version.string()[:_SHOWN]!r}, kind {kind.string()[:_SHOWN]!r}"
        raise _error(version, "trust.version", f"expected {TRUST_API_VERSION!r}, kind {TRUST_KIND!r}, found {found}")


# -- holders ------------------------------------------------------------------------------------------------------------


def _read_holders(node: DocumentNode) -> dict[str, Holder]:
    holders: dict[str, Holder] = {}
    known: set[tuple[str, str]] = set()
    for item in node.items():
        item.only("id", "kind", "identities")
        identifier = _new_id(item["id"], holders)
        kind = _word(item["kind"], HolderKind, "trust.holder")
        listed = item.get("identities")
        identities = tuple(_read_identity(entry, kind) for entry in listed.items()) if listed is not None else ()
        for identity in identities:
            if (identity.subject, identity.issuer) in known:
                shown = identity.subject[:_SHOWN]
                raise _error(item, "trust.duplicate", f"identity {shown!r} is listed twice; each belongs to one holder")
            known.add((identity.subject, identity.issuer))
        holders[identifier] = Holder(id=identifier, kind=kind, identities=identities)
    return holders


def _read_identity(node: DocumentNode, kind: HolderKind) -> Identity:
    node.only("subject", "issuer", "roles")
    roles = _read_roles(node["roles"], kind)
    return Identity(subject=_text(node["subject"]), issuer=_text(node["issuer"]), roles=roles)


def _read_roles(node: DocumentNode, kind: HolderKind) -> tuple[Role, ...]:
    roles = tuple(_word(item, Role, "trust.role") for item in node.items())
    if not roles or len(set(roles)) != len(roles):
        raise _error(node, "trust.role", "expected one or more roles, each once")
    for role in roles:
        if _KIND_OF_ROLE.get(role, kind) is not kind:
            needed = _KIND_OF_ROLE[role].value
            raise _error(node, "trust.role", f"role {role.value} needs a holder of kind {needed}, found {kind.value}")
    if Role.REGISTRY in roles and len(roles) > 1:
        raise _error(node, "trust.role", "a registry's key does nothing else: it only says what the registry accepted")
    return roles


# -- keys ---------------------------------------------------------------------------------------------------------------


def _read_keys(
    node: DocumentNode, holders: dict[str, Holder], load_key: Callable[[str], bytes], limits: Limits
) -> tuple[TrustedKey, ...]:
    keys: dict[str, TrustedKey] = {}
    owner_of: dict[bytes, str] = {}
    for item in node.items():
        if len(keys) == limits.trust_keys:
            raise _error(node, "trust.limit", f"expected at most {limits.trust_keys} keys")
        key = _read_key(item, _new_id(item["id"], keys), holders, load_key)
        if key.spki in owner_of:
            raise _error(item, "trust.duplicate", f"key {key.id!r} is the same key as {owner_of[key.spki]!r}")
        keys[key.id] = key
        owner_of[key.spki] = key.id
    if not keys:
        raise _error(node, "trust.empty", "expected at least one key, found none")
    return tuple(keys.values())


def _read_key(
    node: DocumentNode, identifier: str, holders: dict[str, Holder], load_key: Callable[[str], bytes]
) -> TrustedKey:
    node.only("id", "file", "spki", "roles", "from", "until", "holder")
    holder = holders.get(node["holder"].string())
    if holder is None:
        found = node["holder"].string()[:_SHOWN]
        raise _error(node["holder"], "trust.holder", f"expected one of {_listed(holders)}, found {found!r}")
    start, end = _time(node["from"]), _time(node["until"])
    if end <= start:
        raise _error(node["until"], "trust.window", f"key {identifier!r} ends before it begins")
    return TrustedKey(
        id=identifier,
        spki=_read_spki(node, load_key),
        roles=_read_roles(node["roles"], holder.kind),
        holder=holder,
        valid_from=start,
        valid_until=end,
    )


def _read_spki(node: DocumentNode, load_key: Callable[[str], bytes]) -> bytes:
    file, spki = node.get("file"), node.get("spki")
    if (file is None) == (spki is None):
        raise _error(node, "trust.key", "expected exactly one of file and spki")
    given = file or node["spki"]
    try:
        data = load_key(_text(given)) if file is not None else base64.b64decode(given.string(), validate=True)
        return parse_public_key(data, where=given.where)
    except (binascii.Error, ValueError) as error:
        raise _error(given, "trust.key", "expected base64 DER") from error
    except FormatError as error:
        raise ConfigurationError(error.message, code="trust.key", where=given.where, hint=error.hint) from error


# -- registries ---------------------------------------------------------------------------------------------------------


def _read_registries(node: DocumentNode | None) -> tuple[Registry, ...]:
    registries: list[Registry] = []
    for label, item in node.members() if node is not None else ():
        registry = _read_registry(label, item)
        if any(registry.url == other.url for other in registries):
            raise _error(item, "trust.duplicate", f"registry {label!r} has the URL of another one")
        registries.append(registry)
    return tuple(registries)


def _read_registry(label: str, node: DocumentNode) -> Registry:
    node.only("url", "ecosystem", "scopes", "packages", "evidence")
    if not _ID.match(label) or label == OTHER_REGISTRY:
        raise _error(
            node, "trust.registry", f"expected a short label other than {OTHER_REGISTRY!r}, found {label[:_SHOWN]!r}"
        )
    url = node["url"]
    try:
        address = normalise_registry_url(url.string())
    except ConfigurationError as error:
        raise ConfigurationError(error.message, code="trust.registry", where=url.where, hint=error.hint) from error
    if _read_ecosystem(node) == PYPI:
        return _read_python_registry(label, address, node)
    scopes = _names(node.get("scopes"), _is_scope, "a scope such as '@team'")
    packages = _names(node.get("packages"), is_npm_name, "a package name")
    if not scopes and not packages:
        raise _error(node, "trust.registry", f"registry {label!r} lists neither scopes nor packages")
    evidence = _evidence_name(node, scopes, packages)
    registry = Registry(label=label, url=address, scopes=scopes, packages=packages, evidence=evidence)
    if not is_npm_name(evidence) or not registry.lists(evidence):
        # A name that is not ours could be taken by somebody else on another registry.
        raise _error(
            node, "trust.evidence", f"expected the evidence package to be an own name, found {evidence[:_SHOWN]!r}"
        )
    return registry


def _read_ecosystem(node: DocumentNode) -> str:
    given = node.get("ecosystem")
    word = given.string() if given is not None else NPM
    if given is not None and word not in _ECOSYSTEMS:
        raise _error(given, "trust.registry", f"expected one of {_listed(_ECOSYSTEMS)}, found {word[:_SHOWN]!r}")
    return word


def _read_python_registry(label: str, url: str, node: DocumentNode) -> Registry:
    """Names only: Python has no scopes, and its registries hold no evidence packages."""
    for member, why in (
        ("scopes", "Python names have no scopes"),
        ("evidence", "evidence lies beside Python packages"),
    ):
        found = node.get(member)
        if found is not None:
            raise _error(found, "trust.registry", f"expected no {member} in a registry of ecosystem {PYPI}: {why}")
    packages = _names(node.get("packages"), is_pypi_name, "a project name in its normal form (lower case, hyphens)")
    if not packages:
        raise _error(node, "trust.registry", f"registry {label!r} lists no packages")
    return Registry(label=label, url=url, scopes=(), packages=packages, ecosystem=PYPI)


def _evidence_name(node: DocumentNode, scopes: Sequence[str], packages: Sequence[str]) -> str:
    given = node.get("evidence")
    if given is not None:
        return given.string()
    unscoped = [name for name in packages if not name.startswith("@")]
    all_scopes = {*scopes, *(name.partition("/")[0] for name in packages)}
    if unscoped or len(all_scopes) != 1 or not scopes:
        raise _error(
            node, "trust.evidence", f"expected evidence: NAME, because {_EVIDENCE} has no single scope to stand in"
        )
    return f"{scopes[0]}/{_EVIDENCE}"


def _names(node: DocumentNode | None, is_valid: Callable[[str], bool], expected: str) -> tuple[str, ...]:
    if node is None:
        return ()
    names = node.strings()
    for name in names:
        if not is_valid(name) or "*" in name:  # npm once allowed a star; here it would look like a pattern
            raise _error(node, "trust.registry", f"expected {expected}, found {name[:_SHOWN]!r}")
    if len(set(names)) != len(names):
        raise _error(node, "trust.duplicate", "a name is listed twice")
    return names


def _is_scope(text: str) -> bool:
    return text.startswith("@") and is_npm_name(f"{text}/x")


# -- revocations --------------------------------------------------------------------------------------------------------


def _read_revocations(
    node: DocumentNode | None, keys: Sequence[TrustedKey]
) -> tuple[tuple[KeyRevocation, ...], tuple[DigestRevocation, ...]]:
    revoked_keys: list[KeyRevocation] = []
    revoked_digests: list[DigestRevocation] = []
    known = [key.id for key in keys]
    for item in node.items() if node is not None else ():
        item.only("key", "sha512", "reason", "since")
        reason, since = _word(item["reason"], RevocationReason, "trust.revocation"), _time(item["since"])
        key, digest = item.get("key"), item.get("sha512")
        if (key is None) == (digest is None):
            raise _error(item, "trust.revocation", "expected exactly one of key and sha512")
        if key is not None:
            if key.string() not in known:
                # A misspelt id must not leave the key standing.
                raise _error(
                    key, "trust.revocation", f"expected one of {_listed(known)}, found {key.string()[:_SHOWN]!r}"
                )
            revoked_keys.append(KeyRevocation(key=key.string(), reason=reason, since=since))
            continue
        sha512 = item["sha512"].string()
        if not _SHA512.match(sha512):
            raise _error(item, "trust.revocation", f"expected 128 lower-case hex digits, found {sha512[:_SHOWN]!r}")
        revoked_digests.append(DigestRevocation(sha512=sha512, reason=reason, since=since))
    return tuple(revoked_keys), tuple(revoked_digests)


# -- values -------------------------------------------------------------------------------------------------------------


def _new_id(node: DocumentNode, taken: Iterable[str]) -> str:
    identifier = node.string()
    if not _ID.match(identifier):
        raise _error(node, "trust.id", f"expected letters, digits and ._@+-, found {identifier[:_SHOWN]!r}")
    if identifier in taken:
        raise _error(node, "trust.duplicate", f"id {identifier!r} is used twice")
    return identifier


def _word(node: DocumentNode, words: type[E], code: str) -> E:
    try:
        return words(node.string())
    except ValueError as error:
        raise _error(node, code, f"expected one of {_listed(words)}, found {node.string()[:_SHOWN]!r}") from error


def _time(node: DocumentNode) -> datetime:
    try:
        return parse_time(node.string(), where=node.where)
    except FormatError as error:
        raise ConfigurationError(error.message, code="trust.time", where=node.where, hint=error.hint) from error


def _text(node: DocumentNode) -> str:
    text = node.string()
    if not text:
        raise _error(node, "trust.id", "expected text, found an empty string")
    return text


def _listed(words: Iterable[str]) -> str:
    return ", ".join(list(words)[:10]) or "none"


def _error(node: DocumentNode, code: str, message: str) -> ConfigurationError:
    return ConfigurationError(message, code=code, where=node.where)

"""The identities document: who may sign what, and which names are ours (``apiVersion: vxsec/trust/v1``).

Strict YAML or JSON. Whatever does not fit is a load error (exit 2) that names file and line; nothing is guessed, because
a trust document that means less than it says opens gates.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from vxsec.errors import ConfigurationError, FormatError
from vxsec.formats.registry_url import normalise_registry_url
from vxsec.formats.strict_yaml import read_document
from vxsec.formats.trust_revocations import read_revocations
from vxsec.formats.trust_signers import read_holders, read_keys
from vxsec.formats.trust_words import SHOWN, is_id, listed, read_text, trust_error
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.package import NPM, PYPI, is_npm_name, is_pypi_name
from vxsec.model.trust import OTHER_REGISTRY, Builder, Registry, TrustRoot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
_EVIDENCE = "vxsec-evidence"
_ECOSYSTEMS = (NPM, PYPI)
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
            ``trust.evidence``, ``trust.revocation``, ``trust.trusted-root``, ``trust.builder``, or a ``document.*`` code.
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
        registries=_read_registries(root.get("registries")),
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


# -- registries ---------------------------------------------------------------------------------------------------------


def _read_registries(node: DocumentNode | None) -> tuple[Registry, ...]:
    registries: list[Registry] = []
    for label, item in node.members() if node is not None else ():
        registry = _read_registry(label, item)
        if any(registry.url == other.url for other in registries):
            raise trust_error(item, "trust.duplicate", f"registry {label!r} has the URL of another one")
        registries.append(registry)
    return tuple(registries)


def _read_registry(label: str, node: DocumentNode) -> Registry:
    node.only("url", "ecosystem", "scopes", "packages", "evidence")
    if not is_id(label) or label == OTHER_REGISTRY:
        raise trust_error(
            node, "trust.registry", f"expected a short label other than {OTHER_REGISTRY!r}, found {label[:SHOWN]!r}"
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
        raise trust_error(node, "trust.registry", f"registry {label!r} lists neither scopes nor packages")
    evidence = _evidence_name(node, scopes, packages)
    registry = Registry(label=label, url=address, scopes=scopes, packages=packages, evidence=evidence)
    if not is_npm_name(evidence) or not registry.lists(evidence):
        # A name that is not ours could be taken by somebody else on another registry.
        raise trust_error(
            node, "trust.evidence", f"expected the evidence package to be an own name, found {evidence[:SHOWN]!r}"
        )
    return registry


def _read_ecosystem(node: DocumentNode) -> str:
    given = node.get("ecosystem")
    word = given.string() if given is not None else NPM
    if given is not None and word not in _ECOSYSTEMS:
        raise trust_error(given, "trust.registry", f"expected one of {listed(_ECOSYSTEMS)}, found {word[:SHOWN]!r}")
    return word


def _read_python_registry(label: str, url: str, node: DocumentNode) -> Registry:
    """Names only: Python has no scopes, and its registries hold no evidence packages."""
    for member, why in (
        ("scopes", "Python names have no scopes"),
        ("evidence", "evidence lies beside Python packages"),
    ):
        found = node.get(member)
        if found is not None:
            raise trust_error(found, "trust.registry", f"expected no {member} in a registry of ecosystem {PYPI}: {why}")
    packages = _names(node.get("packages"), is_pypi_name, "a project name in its normal form (lower case, hyphens)")
    if not packages:
        raise trust_error(node, "trust.registry", f"registry {label!r} lists no packages")
    return Registry(label=label, url=url, scopes=(), packages=packages, ecosystem=PYPI)


def _evidence_name(node: DocumentNode, scopes: Sequence[str], packages: Sequence[str]) -> str:
    given = node.get("evidence")
    if given is not None:
        return given.string()
    unscoped = [name for name in packages if not name.startswith("@")]
    all_scopes = {*scopes, *(name.partition("/")[0] for name in packages)}
    if unscoped or len(all_scopes) != 1 or not scopes:
        raise trust_error(
            node, "trust.evidence", f"expected evidence: NAME, because {_EVIDENCE} has no single scope to stand in"
        )
    return f"{scopes[0]}/{_EVIDENCE}"


def _names(node: DocumentNode | None, is_valid: Callable[[str], bool], expected: str) -> tuple[str, ...]:
    if node is None:
        return ()
    names = node.strings()
    for name in names:
        if not is_valid(name) or "*" in name:  # npm once allowed a star; here it would look like a pattern
            raise trust_error(node, "trust.registry", f"expected {expected}, found {name[:SHOWN]!r}")
    if len(set(names)) != len(names):
        raise trust_error(node, "trust.duplicate", "a name is listed twice")
    return names


def _is_scope(text: str) -> bool:
    return text.startswith("@") and is_npm_name(f"{text}/x")


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

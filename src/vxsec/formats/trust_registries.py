"""The registries of an identities document: which names are ours, and where they live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import ConfigurationError
from vxsec.formats.registry_url import normalise_registry_url
from vxsec.formats.trust_words import SHOWN, is_id, listed, trust_error
from vxsec.model.package import NPM, PYPI, is_npm_name, is_pypi_name
from vxsec.model.trust import OTHER_REGISTRY, Registry, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vxsec.formats.strict_yaml import DocumentNode
    from vxsec.model.trust import TrustedKey

__all__ = ["read_registries"]

_EVIDENCE = "vxsec-evidence"
_ECOSYSTEMS = (NPM, PYPI)


def read_registries(node: DocumentNode | None, keys: Sequence[TrustedKey]) -> tuple[Registry, ...]:
    """Registries, no two with one URL, and each with keys of its own where its names do not tell it from another.

    Args:
        node: The member ``registries``.
        keys: The document's keys.

    Raises:
        ConfigurationError: ``trust.registry``, ``trust.registry-keys``, ``trust.evidence`` or ``trust.duplicate``.
    """
    signing = [key.id for key in keys if Role.REGISTRY in key.roles]
    registries: list[Registry] = []
    for label, item in node.members() if node is not None else ():
        registry = _read_registry(label, item, signing)
        if any(registry.url == other.url for other in registries):
            raise trust_error(item, "trust.duplicate", f"registry {label!r} has the URL of another one")
        for other in registries if signing else ():
            _require_keys(item, registry, other)
        registries.append(registry)
    return tuple(registries)


def _require_keys(node: DocumentNode, registry: Registry, other: Registry) -> None:
    """A signature of npm names no registry: where the package's name does not say which one is meant, the keys must."""
    unsaid = next((item for item in (registry, other) if not item.keys), None)
    if unsaid is not None and _share_names(registry, other):
        raise ConfigurationError(
            f"registries {other.label!r} and {registry.label!r} list the same names, and {unsaid.label!r} does not say which "
            "keys sign what it accepts",
            code="trust.registry-keys",
            where=node.where,
            hint="give each of them the ids of its own keys of role registry: keys: [ID]",
        )


def _share_names(registry: Registry, other: Registry) -> bool:
    if not registry.ecosystem == other.ecosystem == NPM:
        return False
    return not set(registry.scopes).isdisjoint(other.scopes) or any(
        one.lists(name) for one, names in ((registry, other.packages), (other, registry.packages)) for name in names
    )


def _read_signing_keys(node: DocumentNode, signing: Sequence[str]) -> tuple[str, ...]:
    """Ids of keys of role registry."""
    given = node.get("keys")
    if given is None:
        return ()
    ids = given.strings()
    for identifier in ids:
        if identifier not in signing:
            known = listed(signing) if signing else "none is listed"
            raise trust_error(
                given,
                "trust.registry-keys",
                f"expected ids of keys of role registry ({known}), found {identifier[:SHOWN]!r}",
            )
    if not ids or len(set(ids)) != len(ids):
        raise trust_error(given, "trust.registry-keys", "expected one or more keys, each once")
    return ids


def _read_registry(label: str, node: DocumentNode, signing: Sequence[str]) -> Registry:
    node.only("url", "ecosystem", "scopes", "packages", "evidence", "keys")
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
    registry = Registry(
        label=label,
        url=address,
        scopes=scopes,
        packages=packages,
        evidence=evidence,
        keys=_read_signing_keys(node, signing),
    )
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
        ("keys", "they are for npm's registry signatures"),
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

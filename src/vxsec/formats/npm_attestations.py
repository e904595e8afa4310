"""Attestations as an npm registry serves them, ``GET /-/npm/v1/attestations/NAME@VERSION``.

``{"attestations": [{"predicateType", "bundle"}]}``: a publish attestation, signed with the registry's own key, which
``keyid`` and ``publicKey.hint`` name (https://github.com/npm/attestation, ``specs/publish/v0.1``), and a SLSA provenance,
signed with a certificate. Both speak of one subject, ``pkg:npm/%40scope/name@version``, by its SHA-512.

What a registry lists is a claim. Both kinds are verified as any other bundle is, with keys and roots of one's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import ConfigurationError, FormatError
from vxsec.formats.nested_bundle import list_bounded, read_listing, read_nested_bundle
from vxsec.formats.protobuf_json import json_errors_as
from vxsec.formats.registry_url import normalise_registry_url
from vxsec.formats.statement import read_statement
from vxsec.formats.strict_json import JsonNode, dump_json, parse_json
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.attestation import STATEMENT_V01, Bundle, Envelope, RejectedSignature
from vxsec.model.package import PackageRef
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vxsec.model.attestation import Statement
    from vxsec.model.digest import Digests

__all__ = [
    "NPM_PUBLISH_PREDICATE",
    "NpmPublish",
    "build_publish_statement",
    "read_npm_attestations",
    "read_publish_predicate",
    "write_npm_attestations",
]

NPM_PUBLISH_PREDICATE = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1"
_SHOWN = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class NpmPublish:
    """A registry's word that it took a version: which, under what SHA-512 (hex), and the registry's URL, normalised."""

    package: PackageRef
    sha512: str
    registry: str


def read_npm_attestations(
    data: bytes | JsonNode, *, where: str, limits: Limits = DEFAULT_LIMITS
) -> tuple[Bundle | RejectedSignature, ...]:
    """Read an attestations document.

    Guarantees: every entry is there in its place, as a bundle or as the reason why it is none. A bundle's statement has the
    predicate type that its entry says. Nothing is verified.

    Args:
        data: The document's bytes, or the document parsed.
        where: What it is called in an error.
        limits: Bounds on bytes and entries.

    Raises:
        FormatError: ``npm-attestations.shape``, ``npm-attestations.too-large`` or ``npm-attestations.count``.
    """
    with json_errors_as("npm-attestations.shape", too_large="npm-attestations.too-large"):
        root = read_listing(data, where=where, limits=limits)
        entries = list_bounded(root["attestations"], most=limits.bundles_per_subject, code="npm-attestations.count")
        return tuple(_read_entry(entry, source=where, limits=limits) for entry in entries)


def write_npm_attestations(bundles: Sequence[Bundle]) -> bytes:
    """Write an attestations document for a registry to serve, each bundle as it is, in the order given.

    Raises:
        FormatError: ``npm-attestations.count`` for none; ``npm-attestations.statement`` for a bundle without a statement.
    """
    if not bundles:
        raise FormatError("expected at least one bundle, found none", code="npm-attestations.count")
    entries = []
    for place, bundle in enumerate(bundles):
        where = f"bundle {place}"
        statement = _statement(bundle, where=where, limits=DEFAULT_LIMITS)
        entries.append({"predicateType": statement.predicate_type, "bundle": parse_json(bundle.line, where=where)})
    return dump_json({"attestations": entries})


def build_publish_statement(*, package: PackageRef, digests: Digests, registry: str) -> bytes:
    """Build a publish attestation's statement, as npm's specification has it: in-toto Statement v0.1, SHA-512 alone.

    Args:
        package: What was published.
        digests: Of its tarball.
        registry: The registry's URL.

    Raises:
        ConfigurationError: ``registry.url``.
        FormatError: ``npm-attestations.statement`` for a package that is none of npm's.
    """
    url = normalise_registry_url(registry).rstrip("/")
    payload = dump_json(
        {
            "_type": STATEMENT_V01,
            "subject": [{"name": package.purl, "digest": {"sha512": digests.sha512}}],
            "predicateType": NPM_PUBLISH_PREDICATE,
            "predicate": {"name": package.name, "version": package.version, "registry": url},
        }
    )
    read_publish_predicate(read_statement(payload, where="statement to sign"))
    return payload


def read_publish_predicate(statement: Statement) -> NpmPublish:
    """Read a publish attestation's statement.

    Guarantees: its one subject has a SHA-512, and name, version and subject speak of the same package.

    Raises:
        FormatError: ``npm-attestations.statement``.
    """
    if statement.predicate_type != NPM_PUBLISH_PREDICATE:
        raise _bad(f"expected a publish attestation, found {statement.predicate_type[:_SHOWN]!r}")
    if len(statement.subjects) != 1:
        raise _bad(f"expected one subject, found {len(statement.subjects)}")
    node = JsonNode(value=dict(statement.predicate), where="predicate")
    with json_errors_as("npm-attestations.statement"):
        name, version, registry = (node[member].string() for member in ("name", "version", "registry"))
    package = _package(name, version)
    subject = statement.subjects[0]
    # npm's own specification leaves the @ of a scope as it is; what its registry writes escapes it.
    if package is None or (subject.name or "").replace("pkg:npm/@", "pkg:npm/%40", 1) != package.purl:
        raise _bad(f"{name[:_SHOWN]!r} {version[:_SHOWN]!r} and the subject {subject.name!r} disagree")
    if "sha512" not in subject.digest:
        raise _bad("expected a SHA-512 of the tarball, found none")
    return NpmPublish(package=package, sha512=subject.digest["sha512"], registry=_registry(registry))


def _read_entry(entry: JsonNode, *, source: str, limits: Limits) -> Bundle | RejectedSignature:
    listed, bundle = entry["predicateType"].string(), read_nested_bundle(entry["bundle"], source=source, limits=limits)
    if isinstance(bundle, RejectedSignature):
        return bundle
    try:
        found = _statement(bundle, where=entry.where, limits=limits).predicate_type
        if found != listed:
            raise _bad(f"listed as {listed[:_SHOWN]!r}, and its statement is {found[:_SHOWN]!r}", where=entry.where)
    except FormatError as error:
        return RejectedSignature(code=error.code, message=str(error), source=source)
    return bundle


def _statement(bundle: Bundle, *, where: str, limits: Limits) -> Statement:
    if not isinstance(bundle.content, Envelope):
        raise _bad("expected a statement, found a bare signature", where=where)
    return read_statement(bundle.content.payload, where=where, limits=limits)


def _package(name: str, version: str) -> PackageRef | None:
    try:
        return PackageRef.parse(f"{name}@{version}")
    except FormatError:
        return None


def _registry(url: str) -> str:
    try:
        return normalise_registry_url(url)
    except ConfigurationError as error:
        raise _bad(error.message) from error


def _bad(message: str, *, where: str | None = None) -> FormatError:
    return FormatError(message, code="npm-attestations.statement", where=where)

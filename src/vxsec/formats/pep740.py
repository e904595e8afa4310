"""Index-hosted attestations of Python packages (PEP 740; PyPA specification "Index hosted attestations", version 1).

An attestation object is a Sigstore bundle in other words: one certificate, its log entries, perhaps timestamps, and a
statement about one distribution file. A provenance object is what an index serves: attestations by publisher. Members that
the specification does not name are ignored, as it allows. Log entries are in Sigstore's own JSON form, which is what PyPI
serves; the appendix of the specification describes them in other words. Base64 may be broken into lines: older writers did so.

Nothing is lost on the way from a bundle and back, except a key id, which is only a hint: what an attestation object cannot
say (a public key, a chain, a bare signature) is refused.
"""

from __future__ import annotations

import base64
from dataclasses import field
from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.formats.nested_bundle import list_bounded, read_listing
from vxsec.formats.protobuf_json import json_errors_as, read_bytes
from vxsec.formats.sigstore_bundle import BUNDLE_MEDIA_TYPE, read_bundle
from vxsec.formats.statement import read_statement
from vxsec.formats.strict_json import dump_json, parse_json, read_json
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.attestation import INTOTO_PAYLOAD_TYPE, STATEMENT_V1, Bundle, Envelope, RejectedSignature
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vxsec.formats.strict_json import JsonNode

__all__ = [
    "PYPI_PUBLISH_PREDICATE",
    "PublishedAttestations",
    "from_bundle",
    "read_provenance",
    "to_bundle",
    "write_provenance",
]

PYPI_PUBLISH_PREDICATE = "https://docs.pypi.org/attestations/publish/v1"
_VERSION = 1
_BASE64 = "pep740.base64"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedAttestations:
    """What an index lists for one publisher. ``publisher`` is the index's word, as written, and never trust."""

    kind: str
    publisher: Mapping[str, object] = field(default_factory=dict)
    attestations: tuple[Bundle | RejectedSignature, ...]


def to_bundle(data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> Bundle:
    """Read an attestation object as a bundle v0.3.

    Guarantees: the statement is in-toto v1 about one named subject with a SHA-256. Nothing is verified.

    Args:
        data: The object's bytes.
        where: What it is called in an error.
        limits: Bounds as for a bundle.

    Raises:
        FormatError: ``pep740.malformed``, ``pep740.too-large``, ``pep740.version``, ``pep740.base64``,
            ``pep740.statement``; ``bundle.*`` and ``tlog.*`` for what lies inside.
    """
    with json_errors_as("pep740.malformed", too_large="pep740.too-large"):
        root = read_json(data, where=where, limits=limits, max_bytes=limits.bundle_bytes, max_parts=limits.bundle_parts)
        return _to_bundle(root, limits)


def from_bundle(bundle: Bundle) -> bytes:
    """Write a bundle as an attestation object, on one line without line end.

    Guarantees: :func:`to_bundle` gives back the same certificate, log entries, timestamps, statement and signature. Log
    entries are written as they stood, and ``timestamps`` only where there are some: readers that do not know that member
    (``pypi-attestations`` up to 0.0.30) do not see them.

    Raises:
        FormatError: ``pep740.no-certificate``, ``pep740.chain``, ``pep740.content``, ``pep740.no-log-entry``,
            ``pep740.no-proof`` or ``pep740.statement``: what the object cannot say.
    """
    content = _require_sayable(bundle)
    document = parse_json(bundle.line, where="bundle")
    entries = document["verificationMaterial"]["tlogEntries"] if isinstance(document, dict) else []
    material: dict[str, object] = {
        "certificate": _encode(bundle.certificates[0]),
        "transparency_entries": entries,
    }
    if bundle.timestamps:
        material["timestamps"] = [_encode(timestamp) for timestamp in bundle.timestamps]
    envelope = {"statement": _encode(content.payload), "signature": _encode(content.signatures[0].sig)}
    return dump_json({"version": _VERSION, "verification_material": material, "envelope": envelope})


def read_provenance(
    data: bytes | JsonNode, *, where: str, limits: Limits = DEFAULT_LIMITS
) -> tuple[PublishedAttestations, ...]:
    """Read a provenance object.

    Guarantees: every attestation is there in its place, as a bundle or as the reason why it is none. Nothing is verified.

    Args:
        data: The object's bytes, or the object parsed.
        where: What it is called in an error.
        limits: Bounds on bytes and attestations.

    Raises:
        FormatError: ``pep740.malformed``, ``pep740.too-large``, ``pep740.version`` or ``pep740.count``.
    """
    with json_errors_as("pep740.malformed", too_large="pep740.too-large"):
        root = read_listing(data, where=where, limits=limits)
        _require_version(root)
        most = limits.bundles_per_subject
        sets = list_bounded(root["attestation_bundles"], most=most, code="pep740.count")
        listed: list[tuple[JsonNode, list[JsonNode]]] = []
        left = most
        for one in sets:
            items = list_bounded(one["attestations"], most=left, code="pep740.count")
            listed.append((one, items))
            left -= len(items)
        return tuple(
            PublishedAttestations(
                kind=one["publisher"]["kind"].string(),
                publisher=one["publisher"].mapping(),
                attestations=tuple(_read_or_report(item, where, limits) for item in items),
            )
            for one, items in listed
        )


def write_provenance(listed: Sequence[PublishedAttestations]) -> bytes:
    """Write a provenance object for an index to serve.

    Raises:
        FormatError: ``pep740.count`` for none; as :func:`from_bundle` does; the reason of an attestation that is none.
    """
    if not listed or not all(one.attestations for one in listed):
        raise FormatError("expected at least one attestation of each publisher, found none", code="pep740.count")
    sets = [
        {
            "publisher": dict(one.publisher) | {"kind": one.kind},
            "attestations": [parse_json(_write(item), where="attestation") for item in one.attestations],
        }
        for one in listed
    ]
    return dump_json({"version": _VERSION, "attestation_bundles": sets})


def _to_bundle(root: JsonNode, limits: Limits) -> Bundle:
    _require_version(root)
    material, envelope = root["verification_material"], root["envelope"]
    timestamps = material.get("timestamps")
    statement = _bytes(envelope["statement"])
    inside: dict[str, object] = {
        "certificate": {"rawBytes": _encode(_bytes(material["certificate"]))},
        "tlogEntries": [item.mapping() for item in material["transparency_entries"].items()],
    }
    if timestamps is not None:
        stamped = [{"signedTimestamp": _encode(_bytes(item))} for item in timestamps.items()]
        inside["timestampVerificationData"] = {"rfc3161Timestamps": stamped}
    document = {
        "mediaType": BUNDLE_MEDIA_TYPE,
        "verificationMaterial": inside,
        "dsseEnvelope": {
            "payload": _encode(statement),
            "payloadType": INTOTO_PAYLOAD_TYPE,
            "signatures": [{"sig": _encode(_bytes(envelope["signature"]))}],
        },
    }
    _require_statement(statement, where=envelope.where)
    return read_bundle(dump_json(document), where=root.where, limits=limits)


def _require_version(root: JsonNode) -> None:
    version = root["version"].integer()
    if version != _VERSION:
        raise FormatError(f"expected version {_VERSION}, found {version}", code="pep740.version", where=root.where)


def _require_statement(payload: bytes, *, where: str) -> None:
    try:
        statement = read_statement(payload, where=where)
    except FormatError as error:
        raise FormatError(error.message, code="pep740.statement", where=error.where) from error
    subject = statement.subjects[0]
    if (
        statement.statement_type != STATEMENT_V1
        or len(statement.subjects) != 1
        or not subject.name
        or "sha256" not in subject.digest
    ):
        raise FormatError(
            "expected an in-toto Statement v1 about one named file with a SHA-256", code="pep740.statement", where=where
        )


def _require_sayable(bundle: Bundle) -> Envelope:
    """The bundle's envelope, if everything in the bundle has a place in an attestation object."""
    if not bundle.certificates:
        raise _unsayable("expected a certificate, found a public key", code="pep740.no-certificate")
    if len(bundle.certificates) > 1:
        raise _unsayable(f"expected one certificate, found a chain of {len(bundle.certificates)}", code="pep740.chain")
    content = bundle.content
    if not isinstance(content, Envelope) or content.payload_type != INTOTO_PAYLOAD_TYPE:
        raise _unsayable("expected an in-toto statement, found other content", code="pep740.content")
    if not bundle.log_entries:
        raise _unsayable("expected at least one log entry, found none", code="pep740.no-log-entry")
    if any(entry.proof is None or entry.proof.checkpoint is None for entry in bundle.log_entries):
        raise _unsayable("expected every log entry with its inclusion proof and checkpoint", code="pep740.no-proof")
    _require_statement(content.payload, where="statement")
    return content


def _unsayable(message: str, *, code: str) -> FormatError:
    return FormatError(message, code=code, hint="keep the bundle itself: it says more than PEP 740 can")


def _read_or_report(node: JsonNode, source: str, limits: Limits) -> Bundle | RejectedSignature:
    try:
        with json_errors_as("pep740.malformed"):
            return _to_bundle(node, limits)
    except FormatError as error:
        return RejectedSignature(code=error.code, message=str(error), source=source)


def _write(item: Bundle | RejectedSignature) -> bytes:
    if isinstance(item, RejectedSignature):
        raise FormatError(item.message, code=item.code)
    return from_bundle(item)


def _bytes(node: JsonNode) -> bytes:
    return read_bytes(node, code=_BASE64, wrapped=True)


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")

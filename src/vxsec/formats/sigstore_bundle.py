"""Sigstore bundles (sigstore/protobuf-specs, ``sigstore_bundle.proto``): v0.3 written; v0.1, v0.2 and v0.3 read.

The media type names the version, so members that it does not define are refused: an older reader must not overlook what a
newer one was told to check. A certificate is the signer's alone from v0.3 on, and the first of a chain before.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.formats.protobuf_json import json_errors_as, read_bytes
from vxsec.formats.strict_json import dump_json, parse_json, read_json
from vxsec.formats.transparency_log_entry import log_entry_document, read_log_entry
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.attestation import Bundle, Envelope, EnvelopeSignature, MessageSignature, RejectedSignature

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vxsec.formats.strict_json import JsonNode
    from vxsec.model.transparency import LogEntry

__all__ = ["BUNDLE_MEDIA_TYPE", "read_bundle", "read_bundle_lines", "render_dsse_bundle", "render_message_bundle"]

BUNDLE_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"

_CERTIFICATE, _CHAIN = "certificate", "x509CertificateChain"
# By media type: the member that holds certificates in that version.
_MEDIA_TYPES = {
    BUNDLE_MEDIA_TYPE: _CERTIFICATE,
    "application/vnd.dev.sigstore.bundle+json;version=0.3": _CERTIFICATE,
    "application/vnd.dev.sigstore.bundle+json;version=0.2": _CHAIN,
    "application/vnd.dev.sigstore.bundle+json;version=0.1": _CHAIN,
}
_BASE64 = "bundle.base64"
_MAX_HINT = 1024
_SHOWN = 120


def read_bundle(line: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> Bundle:
    """Read one bundle.

    Guarantees: exactly one signature, over exactly one content; key material is exactly one of a public-key hint and
    certificates, of which there is at least one, in the member that the version has for them. Log entries and timestamps
    are in the order written, and none is left out. Nothing is verified. ``Bundle.line`` is the bytes given (white space
    around them removed), or where they span several lines the same document on one.

    Raises:
        FormatError: ``bundle.malformed`` (not such a JSON document), ``bundle.media-type``, ``bundle.material``,
            ``bundle.content``, ``bundle.signature-count``, ``bundle.base64``, ``bundle.too-large``, ``bundle.too-many``
            (certificates, log entries or timestamps), ``bundle.root-certificate``, a ``tlog.*`` code of a log entry, or a
            ``certificate.*`` or ``sct.*`` code of a chain.
    """
    with json_errors_as("bundle.malformed", too_large="bundle.too-large"):
        root = read_json(line, where=where, limits=limits, max_bytes=limits.bundle_bytes, max_parts=limits.bundle_parts)
        return _read_root(root, _one_line(line, root), limits)


def read_bundle_lines(
    data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS
) -> tuple[Bundle | RejectedSignature, ...]:
    """Read a ``.sigstore.jsonl`` (one bundle a line) or a ``.sigstore.json`` (one bundle, however it is laid out).

    Guarantees: a line that cannot be read is reported in its place and never hides the others.

    Args:
        data: The file's bytes.
        where: What the file is called; lines are named ``where:NUMBER``.
        limits: Bounds on bytes and lines.

    Raises:
        FormatError: ``bundle.too-large`` or ``bundle.too-many``: more is refused, not silently cut.
    """
    if len(data) > limits.bundle_file_bytes:
        raise FormatError(
            f"expected at most {limits.bundle_file_bytes} bytes of bundles, found {len(data)}",
            code="bundle.too-large",
            where=where,
        )
    if data.count(b"\n") > limits.bundle_file_lines:
        raise FormatError(
            f"expected at most {limits.bundle_file_lines} lines, found more", code="bundle.too-many", where=where
        )
    lines = [(number, line) for number, line in enumerate(data.split(b"\n"), start=1) if line.strip()]
    if len(lines) == 1 or (lines and not _is_json(lines[0][1], limits) and _is_json(data, limits)):
        return (_read_or_report(data, where=where, source=where, limits=limits),)
    if len(lines) > limits.bundles_per_subject:
        raise FormatError(
            f"expected at most {limits.bundles_per_subject} bundles, found {len(lines)}",
            code="bundle.too-many",
            where=where,
        )
    return tuple(
        _read_or_report(line, where=f"{where}:{number}", source=where, limits=limits) for number, line in lines
    )


def render_dsse_bundle(
    payload_type: str,
    payload: bytes,
    signature: bytes,
    key_hint: str,
    *,
    log_entries: Sequence[LogEntry] = (),
    timestamps: Sequence[bytes] = (),
) -> bytes:
    """Write a DSSE bundle v0.3 on one line, without line end.

    Args:
        payload_type: The envelope's.
        payload: What was signed.
        signature: Over the pre-authentication encoding of both.
        key_hint: What names the key.
        log_entries: About this signature.
        timestamps: RFC 3161 responses in DER, over this signature.
    """
    envelope = {
        "payload": _encode(payload),
        "payloadType": payload_type,
        "signatures": [{"sig": _encode(signature)}],
    }
    return _render(key_hint, {"dsseEnvelope": envelope}, log_entries, timestamps)


def render_message_bundle(
    sha256: bytes,
    signature: bytes,
    key_hint: str,
    *,
    log_entries: Sequence[LogEntry] = (),
    timestamps: Sequence[bytes] = (),
) -> bytes:
    """Write a bare-signature bundle v0.3 on one line, without line end. ``sha256`` is the file's digest, 32 bytes.

    Entries and timestamps are as in :func:`render_dsse_bundle`.
    """
    digest = {"algorithm": "SHA2_256", "digest": _encode(sha256)}
    content = {"messageSignature": {"messageDigest": digest, "signature": _encode(signature)}}
    return _render(key_hint, content, log_entries, timestamps)


def _render(
    key_hint: str, content: Mapping[str, object], log_entries: Sequence[LogEntry], timestamps: Sequence[bytes]
) -> bytes:
    material: dict[str, object] = {"publicKey": {"hint": key_hint}}
    if log_entries:
        material["tlogEntries"] = [log_entry_document(entry) for entry in log_entries]
    if timestamps:
        responses = [{"signedTimestamp": _encode(response)} for response in timestamps]
        material["timestampVerificationData"] = {"rfc3161Timestamps": responses}
    return dump_json({"mediaType": BUNDLE_MEDIA_TYPE, "verificationMaterial": material, **content})


def _read_root(root: JsonNode, line: bytes, limits: Limits) -> Bundle:
    media_type = root["mediaType"].string()
    holder = _MEDIA_TYPES.get(media_type)
    if holder is None:
        raise FormatError(
            f"expected a Sigstore bundle v0.1 to v0.3, found media type {media_type[:_SHOWN]!r}",
            code="bundle.media-type",
            where=root.where,
        )
    root.only("mediaType", "verificationMaterial", "messageSignature", "dsseEnvelope")
    material = root["verificationMaterial"]
    key_hint, certificates = _read_material(material, holder, limits)
    message, envelope = root.get("messageSignature"), root.get("dsseEnvelope")
    if (message is None) == (envelope is None):
        raise FormatError(
            "expected exactly one of messageSignature and dsseEnvelope", code="bundle.content", where=root.where
        )
    return Bundle(
        media_type=media_type,
        content=_read_envelope(envelope) if envelope is not None else _read_message(root["messageSignature"]),
        key_hint=key_hint,
        certificates=certificates,
        log_entries=_read_log_entries(material.get("tlogEntries"), limits),
        timestamps=_read_timestamps(material.get("timestampVerificationData"), limits),
        line=line,
    )


def _read_material(node: JsonNode, holder: str, limits: Limits) -> tuple[str | None, tuple[bytes, ...]]:
    node.only("publicKey", _CERTIFICATE, _CHAIN, "tlogEntries", "timestampVerificationData")
    present = [name for name in ("publicKey", _CERTIFICATE, _CHAIN) if node.get(name) is not None]
    if len(present) != 1:
        raise FormatError(
            f"expected exactly one of publicKey and certificates, found {len(present)}",
            code="bundle.material",
            where=node.where,
        )
    if present != ["publicKey"]:
        if present != [holder]:
            raise FormatError(
                f"expected certificates in {holder} in this version of bundles, found {present[0]}",
                code="bundle.material",
                where=node.where,
            )
        return None, _read_certificates(node[holder], holder, limits)
    hint = node["publicKey"].only("hint").get("hint")
    text = "" if hint is None else hint.string()
    if len(text) > _MAX_HINT:
        raise FormatError("expected a short key hint", code="bundle.material", where=node.where)
    return text or None, ()


def _read_certificates(node: JsonNode, holder: str, limits: Limits) -> tuple[bytes, ...]:
    """The certificate itself, or those of a chain."""
    if holder == _CERTIFICATE:
        return (read_bytes(node.only("rawBytes")["rawBytes"], code=_BASE64),)
    chain = _bounded(node.only("certificates").get("certificates"), limits.certificates_per_bundle, "certificates")
    if not chain:
        raise FormatError("expected at least one certificate, found none", code="bundle.material", where=node.where)
    certificates = tuple(read_bytes(item.only("rawBytes")["rawBytes"], code=_BASE64) for item in chain)
    _check_no_root(certificates, node.where, limits)
    return certificates


def _check_no_root(certificates: tuple[bytes, ...], where: str, limits: Limits) -> None:
    """Roots come from a trusted root, never from what they are to judge (``sigstore_bundle.proto``)."""
    if len(certificates) > 1:
        from vxsec.formats.certificate import read_certificate

        for number, der in enumerate(certificates):
            if read_certificate(der, where=f"{where}.certificates[{number}]", limits=limits).self_issued:
                raise FormatError(
                    f"expected a chain without its root, found one at {number}",
                    code="bundle.root-certificate",
                    where=where,
                )


def _read_log_entries(node: JsonNode | None, limits: Limits) -> tuple[LogEntry, ...]:
    entries = _bounded(node, limits.log_entries_per_bundle, "log entries")
    return tuple(read_log_entry(item, limits=limits) for item in entries)


def _read_timestamps(node: JsonNode | None, limits: Limits) -> tuple[bytes, ...]:
    listed = None if node is None else node.only("rfc3161Timestamps").get("rfc3161Timestamps")
    timestamps = _bounded(listed, limits.timestamps_per_bundle, "timestamps")
    return tuple(
        read_bytes(item.only("signedTimestamp")["signedTimestamp"], code=_BASE64, wrapped=True) for item in timestamps
    )


def _bounded(node: JsonNode | None, most: int, what: str) -> list[JsonNode]:
    """The elements of an array that may be absent."""
    return [] if node is None else node.array(most=most, code="bundle.too-many", what=what)


def _read_envelope(node: JsonNode) -> Envelope:
    node.only("payload", "payloadType", "signatures")
    listed = node["signatures"].array(most=1, least=1, code="bundle.signature-count", what="signatures in a bundle")
    return Envelope(
        payload_type=node["payloadType"].string(),
        payload=read_bytes(node["payload"], code=_BASE64),
        signatures=tuple(_read_signature(item) for item in listed),
    )


def _read_signature(node: JsonNode) -> EnvelopeSignature:
    keyid = node.only("sig", "keyid").get("keyid")
    return EnvelopeSignature(
        keyid="" if keyid is None else keyid.string()[:_MAX_HINT], sig=read_bytes(node["sig"], code=_BASE64)
    )


def _read_message(node: JsonNode) -> MessageSignature:
    stated = node.only("messageDigest", "signature").get("messageDigest")
    signature = read_bytes(node["signature"], code=_BASE64)
    if stated is None or not stated.mapping():  # cosign states nothing, as {}, for Ed25519
        return MessageSignature(digest_algorithm=None, digest=None, signature=signature)
    stated.only("algorithm", "digest")
    return MessageSignature(
        digest_algorithm=stated["algorithm"].string(),
        digest=read_bytes(stated["digest"], code=_BASE64),
        signature=signature,
    )


def _read_or_report(data: bytes, *, where: str, source: str, limits: Limits) -> Bundle | RejectedSignature:
    try:
        return read_bundle(data, where=where, limits=limits)
    except FormatError as error:
        return RejectedSignature(code=error.code, message=str(error), source=source)


def _one_line(data: bytes, root: JsonNode) -> bytes:
    line = data.strip(b" \t\r\n")
    return dump_json(root.value) if b"\n" in line or b"\r" in line else line


def _is_json(data: bytes, limits: Limits) -> bool:
    try:
        parse_json(data, where="bundle", limits=limits, max_bytes=limits.bundle_bytes, max_parts=limits.bundle_parts)
    except FormatError:
        return False
    return True


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")

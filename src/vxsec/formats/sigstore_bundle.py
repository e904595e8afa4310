"""Sigstore bundles (sigstore/protobuf-specs, ``sigstore_bundle.proto``): v0.3 written; v0.1, v0.2 and v0.3 read.

The media type names the version, so members that it does not define are refused: an older reader must not overlook what a
newer one was told to check. What lies inside ``tlogEntries`` and ``timestampVerificationData`` is kept in the bundle's
line and not looked at: this version does not verify it and concludes nothing from it.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.formats.strict_json import dump_json, parse_json, read_json
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.attestation import Bundle, Envelope, EnvelopeSignature, MessageSignature, RejectedSignature

if TYPE_CHECKING:
    from vxsec.formats.strict_json import JsonNode

__all__ = ["BUNDLE_MEDIA_TYPE", "read_bundle", "read_bundle_lines", "render_dsse_bundle", "render_message_bundle"]

BUNDLE_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"

_MEDIA_TYPES = (
    BUNDLE_MEDIA_TYPE,
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.1",
)
_CERTIFICATES = ("certificate", "x509CertificateChain")
_UNVERIFIED = ("tlogEntries", "timestampVerificationData")
_MAX_HINT = 1024
_SHOWN = 120


def read_bundle(line: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> Bundle:
    """Read one bundle.

    Guarantees: exactly one signature, over exactly one content; key material is exactly one of a public-key hint and
    certificates. Nothing is verified. ``Bundle.line`` is the bytes given (white space around them removed), or where they
    span several lines the same document on one.

    Raises:
        FormatError: ``bundle.malformed`` (not such a JSON document), ``bundle.media-type``, ``bundle.material``,
            ``bundle.content``, ``bundle.signature-count``, ``bundle.base64`` or ``bundle.too-large``.
    """
    try:
        root = read_json(line, where=where, limits=limits, max_bytes=limits.bundle_bytes)
        return _read_root(root, _one_line(line, root))
    except FormatError as error:
        if error.code.startswith("bundle."):
            raise
        code = "bundle.too-large" if error.code == "json.too-large" else "bundle.malformed"
        raise FormatError(error.message, code=code, where=error.where, hint=error.hint) from error


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


def render_dsse_bundle(payload_type: str, payload: bytes, signature: bytes, key_hint: str) -> bytes:
    """Write a DSSE bundle v0.3 on one line, without line end."""
    envelope = {
        "payload": _encode(payload),
        "payloadType": payload_type,
        "signatures": [{"sig": _encode(signature)}],
    }
    return _render(key_hint, {"dsseEnvelope": envelope})


def render_message_bundle(sha256: bytes, signature: bytes, key_hint: str) -> bytes:
    """Write a bare-signature bundle v0.3 on one line, without line end. ``sha256`` is the file's digest, 32 bytes."""
    digest = {"algorithm": "SHA2_256", "digest": _encode(sha256)}
    return _render(key_hint, {"messageSignature": {"messageDigest": digest, "signature": _encode(signature)}})


def _render(key_hint: str, content: dict[str, object]) -> bytes:
    material = {"publicKey": {"hint": key_hint}}
    return dump_json({"mediaType": BUNDLE_MEDIA_TYPE, "verificationMaterial": material} | content)


def _read_root(root: JsonNode, line: bytes) -> Bundle:
    media_type = root["mediaType"].string()
    if media_type not in _MEDIA_TYPES:
        raise FormatError(
            f"expected a Sigstore bundle v0.1 to v0.3, found media type {media_type[:_SHOWN]!r}",
            code="bundle.media-type",
            where=root.where,
        )
    root.only("mediaType", "verificationMaterial", "messageSignature", "dsseEnvelope")
    key_hint, certificates = _read_material(root["verificationMaterial"])
    message, envelope = root.get("messageSignature"), root.get("dsseEnvelope")
    if (message is None) == (envelope is None):
        raise FormatError(
            "expected exactly one of messageSignature and dsseEnvelope", code="bundle.content", where=root.where
        )
    content = _read_envelope(envelope) if envelope is not None else _read_message(root["messageSignature"])
    return Bundle(media_type=media_type, content=content, key_hint=key_hint, certificates=certificates, line=line)


def _read_material(node: JsonNode) -> tuple[str | None, tuple[bytes, ...]]:
    node.only("publicKey", *_CERTIFICATES, *_UNVERIFIED)
    present = [name for name in ("publicKey", *_CERTIFICATES) if node.get(name) is not None]
    if len(present) != 1:
        raise FormatError(
            f"expected exactly one of publicKey and certificates, found {len(present)}",
            code="bundle.material",
            where=node.where,
        )
    if present == ["certificate"]:
        return None, (_decode(node["certificate"].only("rawBytes")["rawBytes"]),)
    if present == ["x509CertificateChain"]:
        chain = node["x509CertificateChain"].only("certificates")["certificates"].items()
        return None, tuple(_decode(item.only("rawBytes")["rawBytes"]) for item in chain)
    hint = node["publicKey"].only("hint").get("hint")
    text = "" if hint is None else hint.string()
    if len(text) > _MAX_HINT:
        raise FormatError("expected a short key hint", code="bundle.material", where=node.where)
    return text or None, ()


def _read_envelope(node: JsonNode) -> Envelope:
    node.only("payload", "payloadType", "signatures")
    signatures = [_read_signature(item) for item in node["signatures"].items()]
    if len(signatures) != 1:
        raise FormatError(
            f"expected exactly one signature in a bundle, found {len(signatures)}",
            code="bundle.signature-count",
            where=node.where,
        )
    return Envelope(
        payload_type=node["payloadType"].string(), payload=_decode(node["payload"]), signatures=tuple(signatures)
    )


def _read_signature(node: JsonNode) -> EnvelopeSignature:
    keyid = node.only("sig", "keyid").get("keyid")
    return EnvelopeSignature(keyid="" if keyid is None else keyid.string()[:_MAX_HINT], sig=_decode(node["sig"]))


def _read_message(node: JsonNode) -> MessageSignature:
    stated = node.only("messageDigest", "signature").get("messageDigest")
    signature = _decode(node["signature"])
    if stated is None or not stated.mapping():  # cosign states nothing, as {}, for Ed25519
        return MessageSignature(digest_algorithm=None, digest=None, signature=signature)
    stated.only("algorithm", "digest")
    return MessageSignature(
        digest_algorithm=stated["algorithm"].string(), digest=_decode(stated["digest"]), signature=signature
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
        parse_json(data, where="bundle", limits=limits, max_bytes=limits.bundle_bytes)
    except FormatError:
        return False
    return True


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _decode(node: JsonNode) -> bytes:
    """Bytes in protobuf's JSON form: the standard alphabet with padding, and not empty."""
    try:
        raw = base64.b64decode(node.string(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise FormatError("expected base64", code="bundle.base64", where=node.where) from error
    if not raw:
        raise FormatError("expected some bytes, found none", code="bundle.base64", where=node.where)
    return raw

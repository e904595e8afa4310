"""What a transparency log's entry says was logged: Rekor's canonicalised bodies (``pkg/types`` of Rekor, rekor-tiles).

``hashedrekord`` 0.0.1 and 0.0.2 state a file's digest, ``dsse`` 0.0.1 and 0.0.2 and ``intoto`` 0.0.2 a payload's. In
versions 0.0.1, and in ``intoto``, digests are hexadecimal and keys are PEM in base64; ``intoto`` has its signatures in base64
twice. In version 0.0.2 of the others everything is ProtoJSON and keys are DER.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.formats.key_details import check_key_details
from vxsec.formats.protobuf_json import json_errors_as, read_base64, read_bytes
from vxsec.formats.public_key import parse_public_key
from vxsec.formats.strict_json import read_json
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.transparency import RekorEntry

if TYPE_CHECKING:
    from collections.abc import Callable

    from vxsec.formats.strict_json import JsonNode

__all__ = ["read_rekor_entry"]

_CODE = "tlog.body"
_HEX = re.compile(r"[0-9a-f]*\Z")
_DIGEST_BYTES = {"sha256": 32, "sha384": 48, "sha512": 64}
_HASH_NAMES = {"SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512"}
_CERTIFICATE = re.compile(
    r"\s*-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]+)\r?\n-----END CERTIFICATE-----\s*\Z"
)
_SHOWN = 60

_Logged = tuple[dict[str, str], str | None, list[tuple[bytes, bytes]]]
"""Digests, the digest of the envelope, and pairs of signature and verifier."""


def read_rekor_entry(
    body: bytes, *, kind: str, version: str, where: str, limits: Limits = DEFAULT_LIMITS
) -> RekorEntry:
    """Read one body.

    Guarantees: kind and version inside are those outside; there is at least one signature, each with exactly one verifier.
    A verifier is the DER of a certificate as logged (not read further), or of a public key, canonical. Nothing is verified.

    Args:
        body: The canonicalised body, as the log hashed it.
        kind: What the entry says it is, for example ``hashedrekord``.
        version: The kind's version, for example ``0.0.1``.
        where: What the entry is called in an error.
        limits: Bounds on bytes and signatures.

    Raises:
        FormatError: ``tlog.kind`` (not one read here), ``tlog.kind-mismatch``, ``tlog.body``, ``tlog.too-many``
            (signatures), or ``key.malformed`` and ``key.unsupported`` for a public key.
    """
    reader = _READERS.get((kind, version))
    if reader is None:
        raise FormatError(
            f"expected a log entry of a known kind, found {kind[:_SHOWN]!r} {version[:_SHOWN]!r}",
            code="tlog.kind",
            where=where,
        )
    with json_errors_as(_CODE):
        root = read_json(body, where=where, limits=limits, max_bytes=limits.bundle_bytes, max_parts=limits.bundle_parts)
        root.only("apiVersion", "kind", "spec")
        stated = root["kind"].string(), root["apiVersion"].string()
        if stated != (kind, version):
            raise FormatError(
                f"expected an entry of kind {kind} {version}, found {stated[0][:_SHOWN]!r} {stated[1][:_SHOWN]!r}",
                code="tlog.kind-mismatch",
                where=where,
            )
        digests, envelope_digest, pairs = reader(root["spec"], limits)
    return RekorEntry(kind=kind, version=version, digests=digests, envelope_digest=envelope_digest, pairs=tuple(pairs))


def _hashedrekord_v1(spec: JsonNode, _: Limits) -> _Logged:
    spec.only("data", "signature")
    signature = spec["signature"].only("content", "publicKey")
    verifier = _read_pem(signature["publicKey"].only("content")["content"])
    pair = read_bytes(signature["content"], code=_CODE), verifier
    return dict([_read_hash(spec["data"].only("hash")["hash"])]), None, [pair]


def _hashedrekord_v2(spec: JsonNode, _: Limits) -> _Logged:
    entry = spec.only("hashedRekordV002")["hashedRekordV002"].only("data", "signature")
    return dict([_read_hash_output(entry["data"])]), None, [_read_signature(entry["signature"])]


def _dsse_v1(spec: JsonNode, limits: Limits) -> _Logged:
    spec.only("envelopeHash", "payloadHash", "signatures")
    pairs = [
        (read_bytes(item.only("signature", "verifier")["signature"], code=_CODE), _read_pem(item["verifier"]))
        for item in _several(spec["signatures"], limits)
    ]
    return dict([_read_hash(spec["payloadHash"])]), _read_sha256(spec["envelopeHash"]), pairs


def _dsse_v2(spec: JsonNode, limits: Limits) -> _Logged:
    entry = spec.only("dsseV002")["dsseV002"].only("payloadHash", "signatures")
    pairs = [_read_signature(item) for item in _several(entry["signatures"], limits)]
    return dict([_read_hash_output(entry["payloadHash"])]), None, pairs


def _intoto_v2(spec: JsonNode, limits: Limits) -> _Logged:
    content = spec.only("content")["content"].only("envelope", "hash", "payloadHash")
    # A real log leaves the payload out of the body; where it is there, its digest beside it is what counts.
    envelope = content["envelope"].only("payload", "payloadType", "signatures")
    pairs = [
        (_read_twice(item.only("sig", "publicKey", "keyid")["sig"]), _read_pem(item["publicKey"]))
        for item in _several(envelope["signatures"], limits)
    ]
    return dict([_read_hash(content["payloadHash"])]), _read_sha256(content["hash"]), pairs


_READERS: dict[tuple[str, str], Callable[[JsonNode, Limits], _Logged]] = {
    ("hashedrekord", "0.0.1"): _hashedrekord_v1,
    ("hashedrekord", "0.0.2"): _hashedrekord_v2,
    ("dsse", "0.0.1"): _dsse_v1,
    ("dsse", "0.0.2"): _dsse_v2,
    ("intoto", "0.0.2"): _intoto_v2,
}


def _several(node: JsonNode, limits: Limits) -> list[JsonNode]:
    items = node.array(most=limits.log_entry_signatures, code="tlog.too-many", what="signatures")
    if not items:
        raise _malformed("expected at least one signature, found none", node)
    return items


def _read_hash(node: JsonNode) -> tuple[str, str]:
    """``{"algorithm": "sha256", "value": HEX}``."""
    algorithm, value = node.only("algorithm", "value")["algorithm"].string(), node["value"].string()
    size = _DIGEST_BYTES.get(algorithm)
    if size is None or len(value) != 2 * size or _HEX.match(value) is None:
        raise _malformed(
            f"expected the hexadecimal digest of a known algorithm, found {algorithm[:_SHOWN]!r} {value[:_SHOWN]!r}",
            node,
        )
    return algorithm, value


def _read_sha256(node: JsonNode) -> str:
    algorithm, value = _read_hash(node)
    if algorithm != "sha256":
        raise _malformed(f"expected an envelope's sha256, found {algorithm}", node)
    return value


def _read_hash_output(node: JsonNode) -> tuple[str, str]:
    """``{"algorithm": "SHA2_256", "digest": BASE64}``."""
    stated = node.only("algorithm", "digest")["algorithm"].string()
    algorithm = _HASH_NAMES.get(stated)
    if algorithm is None:
        raise _malformed(f"expected {', '.join(_HASH_NAMES)}, found {stated[:_SHOWN]!r}", node)
    return algorithm, read_bytes(node["digest"], code=_CODE, size=_DIGEST_BYTES[algorithm]).hex()


def _read_signature(node: JsonNode) -> tuple[bytes, bytes]:
    """``Signature`` of rekor-tiles: content and verifier."""
    verifier = node.only("content", "verifier")["verifier"].only("keyDetails", "publicKey", "x509Certificate")
    details = verifier["keyDetails"].string()
    key, certificate = verifier.get("publicKey"), verifier.get("x509Certificate")
    signature = read_bytes(node["content"], code=_CODE)
    if (key is None) == (certificate is None):
        raise _malformed("expected exactly one of publicKey and x509Certificate", verifier)
    if key is None:
        return signature, read_bytes(verifier["x509Certificate"].only("rawBytes")["rawBytes"], code=_CODE)
    spki = parse_public_key(read_bytes(key.only("rawBytes")["rawBytes"], code=_CODE), where=key.where)
    check_key_details(spki, details, code=_CODE, where=verifier.where)
    return signature, spki


def _read_pem(node: JsonNode) -> bytes:
    """Base64 of exactly one PEM block (RFC 7468): a certificate's DER, or a public key in canonical DER."""
    pem = read_bytes(node, code=_CODE)
    try:
        text = pem.decode("ascii")
    except UnicodeDecodeError as error:
        raise _malformed("expected PEM", node) from error
    match = _CERTIFICATE.match(text)
    if match is not None:
        return read_base64("".join(match[1].split()), code=_CODE, where=node.where)
    if not text.lstrip().startswith("-----BEGIN PUBLIC KEY-----"):
        raise _malformed("expected one PEM block, 'CERTIFICATE' or 'PUBLIC KEY', and nothing else", node)
    return parse_public_key(pem, where=node.where)


def _read_twice(node: JsonNode) -> bytes:
    """Base64 of base64, which is how ``intoto`` 0.0.2 keeps a signature."""
    inner = read_bytes(node, code=_CODE)
    try:
        text = inner.decode("ascii")
    except UnicodeDecodeError as error:
        raise _malformed("expected base64 of base64", node) from error
    return read_base64(text, code=_CODE, where=node.where)


def _malformed(message: str, node: JsonNode) -> FormatError:
    return FormatError(message, code=_CODE, where=node.where)

"""Raw DSSE envelopes: the JSON form of secure-systems-lab/dsse v1.0, ``envelope.md``.

One payload, any number of signatures. As the specification demands, members that it does not name are ignored, an absent
``keyid`` is an empty one, and base64 may use either alphabet (RFC 4648 sections 4 and 5) with its padding. One value must
keep to one alphabet: readers disagree on a mixture.
"""

from __future__ import annotations

import base64
import binascii

from vxsec.errors import FormatError
from vxsec.formats.strict_json import JsonNode, dump_json, read_json
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.attestation import Envelope, EnvelopeSignature

__all__ = ["read_envelope", "write_envelope"]

_MAX_KEYID = 1024
_URL_SAFE = str.maketrans("-_", "+/")


def read_envelope(data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> Envelope:
    """Read one envelope.

    Guarantees: at least one signature and at most ``limits.envelope_signatures``, in the order written; everything that
    is base64 was decoded without guessing. Nothing is verified, and a key id is only a hint. One signature that cannot be
    read refuses the envelope: DSSE's protocol says "reject if decoding fails".

    Args:
        data: The file's bytes.
        where: What the file is called in an error.
        limits: Bounds on bytes, signatures and depth.

    Raises:
        FormatError: ``envelope.malformed`` (not such a JSON document), ``envelope.base64``, ``envelope.unsigned``,
            ``envelope.too-large`` or ``envelope.too-many``.
    """
    if data.count(b"{") > limits.envelope_signatures + 1:  # before each costs memory; base64 has no brace
        raise _too_many(where, limits)
    try:
        root = read_json(data, where=where, limits=limits, max_bytes=limits.envelope_bytes)
        return Envelope(
            payload_type=root["payloadType"].string(),
            payload=_decode(root["payload"].string(), root["payload"].where),
            signatures=_read_signatures(root["signatures"], limits),
        )
    except FormatError as error:
        if error.code.startswith("envelope."):
            raise
        code = "envelope.too-large" if error.code == "json.too-large" else "envelope.malformed"
        raise FormatError(error.message, code=code, where=error.where) from error


def write_envelope(envelope: Envelope) -> bytes:
    """Write an envelope on one line, without line end: the standard alphabet, and key ids only where there are some.

    Raises:
        FormatError: As :func:`read_envelope` does: nothing is written that this version would not read.
    """
    document = {
        "payload": _encode(envelope.payload),
        "payloadType": envelope.payload_type,
        "signatures": [
            {"sig": _encode(signature.sig)} | ({"keyid": signature.keyid} if signature.keyid else {})
            for signature in envelope.signatures
        ],
    }
    line = dump_json(document)
    read_envelope(line, where="envelope to write")
    return line


def _read_signatures(node: JsonNode, limits: Limits) -> tuple[EnvelopeSignature, ...]:
    entries = node.value if isinstance(node.value, list) else list(node.items())
    if not entries:
        raise FormatError("expected at least one signature, found none", code="envelope.unsigned", where=node.where)
    if len(entries) > limits.envelope_signatures:
        raise _too_many(node.where, limits)
    return tuple(_read_signature(entry, node.where, index) for index, entry in enumerate(entries))


def _read_signature(entry: object, parent: str, index: int) -> EnvelopeSignature:
    """One signature; a node that knows its place is made only to say what is wrong, because there may be 300,000."""
    sig, keyid = (entry.get("sig"), entry.get("keyid")) if isinstance(entry, dict) else (None, None)
    if not isinstance(sig, str) or not (keyid is None or isinstance(keyid, str)):
        node = JsonNode(value=entry, where=f"{parent}[{index}]")
        sig, keyid = node["sig"].string(), node["keyid"].string()
    return EnvelopeSignature(keyid=(keyid or "")[:_MAX_KEYID], sig=_decode(sig, parent, index))


def _decode(text: str, where: str, index: int | None = None) -> bytes:
    try:
        if "-" in text or "_" in text:
            # The standard letters stand for nothing in the other alphabet.
            text = text.replace("+", "?").replace("/", "?").translate(_URL_SAFE)
        return binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError) as error:
        place = where if index is None else f"{where}[{index}].sig"
        raise FormatError(
            "expected base64 of one alphabet, with its padding", code="envelope.base64", where=place
        ) from error


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _too_many(where: str, limits: Limits) -> FormatError:
    return FormatError(
        f"expected at most {limits.envelope_signatures} signatures, found more",
        code="envelope.too-many",
        where=where,
        hint="keep the signatures of the keys you trust, and drop the others",
    )

"""Sigstore's trusted roots (sigstore/protobuf-specs, ``sigstore_trustroot.proto``), and several of them as JSON Lines.

A file holds one document, or one on each line, as ``gh attestation trusted-root`` writes. Every authority and log needs a
``validFor`` with a start: a missing bound is not an open one, so the document is refused.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vxsec.errors import FormatError
from vxsec.formats.key_details import is_verifiable, read_detailed_key
from vxsec.formats.protobuf_json import json_errors_as, read_bytes
from vxsec.formats.strict_json import parse_json, read_json
from vxsec.formats.timestamps import parse_time
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.trusted_root import CertificateAuthority, TransparencyLog, TrustedRoot, Window

if TYPE_CHECKING:
    from vxsec.formats.strict_json import JsonNode

__all__ = ["REHEARSAL_OPERATOR", "TRUSTED_ROOT_MEDIA_TYPE", "log_origins", "read_trusted_root"]

TRUSTED_ROOT_MEDIA_TYPE = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
REHEARSAL_OPERATOR = "rehearsal.invalid"
"""The ``operator`` of any log or authority that makes its whole trusted root a rehearsal's.

The field is Sigstore's own, a URI without scheme; other clients read it and do nothing with it.
"""

_MEDIA_TYPES = (TRUSTED_ROOT_MEDIA_TYPE, "application/vnd.dev.sigstore.trustedroot.v0.2+json")
_CODE = "trusted-root.malformed"
_SHA256 = "SHA2_256"
_LONGEST_ID = 64
_LONGEST_URL = 2048
_SHOWN = 120


def read_trusted_root(data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> tuple[TrustedRoot, ...]:
    """Read every trusted root in ``data``.

    Guarantees: there is at least one; each holds at least one authority or log, keys are canonical and of the kind stated
    beside them, and every window has a start and does not end before it. Certificates are not read here. A log whose kind
    of key, or of tree, is not verified here is named in ``left_out`` and not trusted.

    Args:
        data: One JSON document, or JSON Lines of several.
        where: What the file is called in an error; lines are named ``where:NUMBER``.
        limits: Bounds on bytes, documents and what is in them.

    Raises:
        FormatError: ``trusted-root.malformed``, ``trusted-root.media-type``, ``trusted-root.no-start``,
            ``trusted-root.window``, ``trusted-root.key`` (malformed, or not of the kind stated), ``trusted-root.empty``,
            ``trusted-root.too-many`` or ``trusted-root.too-large``.
    """
    if len(data) > limits.trusted_root_bytes:
        raise FormatError(
            f"expected at most {limits.trusted_root_bytes} bytes, found {len(data)}",
            code="trusted-root.too-large",
            where=where,
        )
    if data.count(b"\n") > limits.bundle_file_lines:
        raise FormatError(
            f"expected at most {limits.bundle_file_lines} lines, found more", code="trusted-root.too-many", where=where
        )
    lines = [(number, line) for number, line in enumerate(data.split(b"\n"), start=1) if line.strip()]
    if len(lines) <= 1 or not _is_json(lines[0][1]):
        return (_read_document(data, where, limits),)
    if len(lines) > limits.trusted_roots_per_file:
        raise FormatError(
            f"expected at most {limits.trusted_roots_per_file} trusted roots, found {len(lines)}",
            code="trusted-root.too-many",
            where=where,
        )
    return tuple(_read_document(line, f"{where}:{number}", limits) for number, line in lines)


def log_origins(log: TransparencyLog) -> frozenset[str]:
    """The origins that a log's checkpoints may have: its base URL without scheme, with and without its port.

    Rekor v2 takes the host name; with several logs on one host the path tells them apart (C2SP ``tlog-checkpoint``).
    """
    url = urlsplit(log.base_url)
    path = url.path.rstrip("/")
    return frozenset({f"{url.hostname}{path}", f"{url.netloc}{path}"})


def _read_document(data: bytes, where: str, limits: Limits) -> TrustedRoot:
    with json_errors_as(_CODE):
        root = read_json(data, where=where, limits=limits)
        media_type = root["mediaType"].string()
        if media_type not in _MEDIA_TYPES:
            raise FormatError(
                f"expected a trusted root v0.1 or v0.2, found media type {media_type[:_SHOWN]!r}",
                code="trusted-root.media-type",
                where=where,
            )
        root.only("mediaType", "tlogs", "certificateAuthorities", "ctlogs", "timestampAuthorities")
        listed = {name: _several(root, name, limits) for name in root.mapping() if name != "mediaType"}
        instances = [item for items in listed.values() for item in items]
        if not instances:
            raise FormatError(
                "expected at least one authority or log, found none", code="trusted-root.empty", where=where
            )
        operators = {operator.string() for item in instances if (operator := item.get("operator")) is not None}
        left_out: list[str] = []
        return TrustedRoot(
            certificate_authorities=_read_authorities(listed.get("certificateAuthorities", []), left_out, limits),
            logs=_read_logs(listed.get("tlogs", []), left_out),
            ct_logs=_read_logs(listed.get("ctlogs", []), left_out),
            timestamp_authorities=_read_authorities(listed.get("timestampAuthorities", []), left_out, limits),
            source=where,
            sha256=hashlib.sha256(data).hexdigest(),
            rehearsal=REHEARSAL_OPERATOR in operators,
            left_out=tuple(left_out),
            listed_logs=len(listed.get("tlogs", ())),
            listed_ct_logs=len(listed.get("ctlogs", ())),
        )


def _several(root: JsonNode, name: str, limits: Limits) -> list[JsonNode]:
    node = root.get(name)
    if node is None:
        return []
    return node.array(most=limits.trusted_root_instances, code="trusted-root.too-many", what=f"of {name}")


def _read_authorities(nodes: list[JsonNode], left_out: list[str], limits: Limits) -> tuple[CertificateAuthority, ...]:
    """Those that list a certificate; one that lists none can vouch for nothing, and lends its window to nobody."""
    found = []
    for node in nodes:
        node.only("subject", "uri", "certChain", "validFor", "operator")
        uri = "" if node.get("uri") is None else _short(node["uri"])
        window = _read_window(node, node.where)
        listed = node["certChain"].only("certificates").get("certificates") if node.get("certChain") else None
        chain = (
            () if listed is None else listed.array(most=limits.certificates_per_bundle, code=_CODE, what="certificates")
        )
        if not chain:
            left_out.append(f"{uri or 'an authority'} (no certificates)")
            continue
        certificates = tuple(read_bytes(item.only("rawBytes")["rawBytes"], code=_CODE) for item in chain)
        found.append(CertificateAuthority(uri=uri, chain=certificates, window=window))
    return tuple(found)


def _read_logs(nodes: list[JsonNode], left_out: list[str]) -> tuple[TransparencyLog, ...]:
    logs = []
    for node in nodes:
        node.only("baseUrl", "hashAlgorithm", "publicKey", "logId", "checkpointKeyId", "operator")
        base_url = _read_url(node["baseUrl"])
        key = node["publicKey"].only("rawBytes", "keyDetails", "validFor")
        window = _read_window(key, key.where)
        details, tree = key["keyDetails"].string(), node["hashAlgorithm"].string()
        raw, log_id = read_bytes(key["rawBytes"], code=_CODE), _read_id(node["logId"])
        checkpoint = node.get("checkpointKeyId")
        if tree != _SHA256 or not is_verifiable(details):
            left_out.append(f"{base_url} ({details[:_SHOWN]}, {tree[:_SHOWN]})")
            continue
        logs.append(
            TransparencyLog(
                base_url=base_url,
                spki=read_detailed_key(raw, details, code="trusted-root.key", where=key.where),
                log_id=log_id,
                window=window,
                checkpoint_key_id=None if checkpoint is None else _read_id(checkpoint),
            )
        )
    return tuple(logs)


def _read_window(holder: JsonNode, where: str) -> Window:
    node = holder.get("validFor")
    start = None if node is None else node.only("start", "end").get("start")
    if node is None or start is None:
        raise FormatError(
            "expected validFor with a start: what is trusted since nobody knows when is not trusted",
            code="trusted-root.no-start",
            where=where,
        )
    end = node.get("end")
    window = Window(
        start=parse_time(start.string(), where=start.where),
        end=None if end is None else parse_time(end.string(), where=end.where),
    )
    if window.end is not None and window.end < window.start:
        raise FormatError("expected an end that is not before the start", code="trusted-root.window", where=node.where)
    return window


def _read_id(node: JsonNode) -> bytes:
    raw = read_bytes(node.only("keyId")["keyId"], code=_CODE)
    if len(raw) > _LONGEST_ID:
        raise FormatError(f"expected at most {_LONGEST_ID} bytes, found {len(raw)}", code=_CODE, where=node.where)
    return raw


def _read_url(node: JsonNode) -> str:
    text = _short(node)
    try:
        host = urlsplit(text).hostname
    except ValueError:
        host = None
    if not host:
        raise FormatError(f"expected a URL with a host, found {text[:_SHOWN]!r}", code=_CODE, where=node.where)
    return text


def _short(node: JsonNode) -> str:
    text = node.string()
    if len(text) > _LONGEST_URL:
        raise FormatError(f"expected at most {_LONGEST_URL} characters", code=_CODE, where=node.where)
    return text


def _is_json(data: bytes) -> bool:
    try:
        parse_json(data, where="trusted root")
    except FormatError:
        return False
    return True

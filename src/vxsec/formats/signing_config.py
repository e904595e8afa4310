"""Sigstore's client trust config and the signing config in it (sigstore/protobuf-specs, ``sigstore_trustroot.proto``).

It is what a user names with ``--trust-config``, and the only place that gives a URL for signing. Every service needs a window
with a start and an operator, as the specification has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vxsec.errors import FormatError
from vxsec.formats.protobuf_json import json_errors_as, read_count, read_text
from vxsec.formats.strict_json import dump_json, read_json
from vxsec.formats.timestamps import parse_time
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.signing_config import ClientTrustConfig, Services, ServiceSelector, SigningConfig, SigningService
from vxsec.model.trusted_root import Window

if TYPE_CHECKING:
    from vxsec.formats.strict_json import JsonNode

__all__ = ["CLIENT_TRUST_CONFIG_MEDIA_TYPE", "SIGNING_CONFIG_MEDIA_TYPE", "read_client_trust_config"]

CLIENT_TRUST_CONFIG_MEDIA_TYPE = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
SIGNING_CONFIG_MEDIA_TYPE = "application/vnd.dev.sigstore.signingconfig.v0.2+json"

_CODE = "trust-config.malformed"
_LONGEST_URL = 2048
_LONGEST_NAME = 256
_HIGHEST_VERSION = 1000
_SHOWN = 120


def read_client_trust_config(data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> ClientTrustConfig:
    """Read a client trust config (v0.1 with a signing config v0.2).

    Guarantees: every service has an http or https URL with a host and without user information, a version, an operator, and
    a window that does not end before it starts; where logs or timestamp authorities are listed it is said how many of them
    are to be used. The trusted root is there, and not read. Nothing is connected to.

    Args:
        data: One JSON document.
        where: What it is called in an error.
        limits: Bounds on bytes and services.

    Raises:
        FormatError: ``trust-config.malformed``, ``trust-config.media-type``, ``trust-config.window``,
            ``trust-config.too-many`` (services) or ``trust-config.too-large``.
    """
    with json_errors_as(_CODE, too_large="trust-config.too-large"):
        root = read_json(data, where=where, limits=limits, max_bytes=limits.trusted_root_bytes)
        _require_media_type(root, CLIENT_TRUST_CONFIG_MEDIA_TYPE)
        root.only("mediaType", "trustedRoot", "signingConfig")
        return ClientTrustConfig(
            trusted_root=dump_json(root["trustedRoot"].mapping()), signing=_read_signing(root["signingConfig"], limits)
        )


def _read_signing(node: JsonNode, limits: Limits) -> SigningConfig:
    _require_media_type(node, SIGNING_CONFIG_MEDIA_TYPE)
    node.only("mediaType", "caUrls", "oidcUrls", "rekorTlogUrls", "rekorTlogConfig", "tsaUrls", "tsaConfig")
    for name in ("caUrls", "oidcUrls"):  # others read them; a document that is malformed anywhere is not used
        _read_listed(node, name, limits)
    return SigningConfig(
        logs=_read_services(node, "rekorTlogUrls", "rekorTlogConfig", limits),
        timestamp_authorities=_read_services(node, "tsaUrls", "tsaConfig", limits),
    )


def _require_media_type(node: JsonNode, expected: str) -> None:
    found = node["mediaType"].string()
    if found != expected:
        raise FormatError(
            f"expected media type {expected}, found {found[:_SHOWN]!r}",
            code="trust-config.media-type",
            where=node.where,
        )


def _read_services(node: JsonNode, name: str, config_name: str, limits: Limits) -> Services:
    listed = _read_listed(node, name, limits)
    config = node.get(config_name)
    if config is None:
        if listed:
            raise FormatError(
                f"expected {config_name} beside {name}: it says how many to use", code=_CODE, where=node.where
            )
        return Services()
    stated = config.only("selector", "count")["selector"].string()
    if stated not in set(ServiceSelector):
        raise FormatError(
            f"expected the selector ALL, ANY or EXACT, found {stated[:_SHOWN]!r}", code=_CODE, where=config.where
        )
    count = read_count(config.get("count"), code=_CODE)
    if (stated == ServiceSelector.EXACT) != (count > 0):
        raise FormatError(
            f"expected a count above 0 with the selector EXACT and none with others, found {stated} and {count}",
            code=_CODE,
            where=config.where,
        )
    return Services(listed=listed, selector=ServiceSelector(stated), count=count)


def _read_listed(node: JsonNode, name: str, limits: Limits) -> tuple[SigningService, ...]:
    listed = node.get(name)
    if listed is None:
        return ()
    items = listed.array(most=limits.signing_services, code="trust-config.too-many", what=f"of {name}")
    return tuple(_read_service(item) for item in items)


def _read_service(node: JsonNode) -> SigningService:
    node.only("url", "majorApiVersion", "validFor", "operator")
    version = node["majorApiVersion"].integer()
    if not 0 <= version <= _HIGHEST_VERSION:  # 0 is one that is not released, and never chosen
        raise FormatError("expected a major version from 0", code=_CODE, where=node.where)
    return SigningService(
        url=_read_url(node["url"]),
        version=version,
        window=_read_window(node["validFor"]),
        operator=read_text(node["operator"], code=_CODE, longest=_LONGEST_NAME),
    )


def _read_url(node: JsonNode) -> str:
    text = read_text(node, code=_CODE, longest=_LONGEST_URL)
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        usable = False
    if not usable or not text.isascii() or not text.isprintable() or any(mark in text for mark in " \\?#"):
        raise FormatError(
            "expected an http or https URL without user information, query and fragment", code=_CODE, where=node.where
        )
    return text


def _read_window(node: JsonNode) -> Window:
    start, end = node.only("start", "end")["start"], node.get("end")
    window = Window(
        start=parse_time(start.string(), where=start.where),
        end=None if end is None else parse_time(end.string(), where=end.where),
    )
    if window.end is not None and window.end < window.start:
        raise FormatError("expected an end that is not before the start", code="trust-config.window", where=node.where)
    return window

"""The keys document of an npm registry, ``GET /-/npm/v1/keys``: the keys that its signatures are checked with.

``{"keys": [{"expires", "keyid", "keytype", "scheme", "key"}]}``, where ``key`` is base64 DER SubjectPublicKeyInfo.
Source: npm documentation, "About ECDSA registry signatures"; pacote ``lib/registry.js``; pnpm ``audit signatures``.

A document is believed for who gave it, never for the host it was served by: that host is the one being judged.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING, NoReturn

from vxsec.errors import FormatError
from vxsec.formats.public_key import key_algorithm, parse_public_key
from vxsec.formats.strict_json import dump_json, read_json
from vxsec.formats.timestamps import parse_time, render_time
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.npm import NpmKey, NpmKeys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vxsec.formats.strict_json import JsonNode

__all__ = ["NPM_KEY_TYPE", "is_npm_key", "npm_key_id", "read_npm_keys", "render_npm_keys"]

NPM_KEY_TYPE = "ecdsa-sha2-nistp256"
"""Key type and scheme in one word, as npm writes both (RFC 5656 section 6.1)."""

_ALGORITHM = "ecdsa-p256"
_CURVE = b"nistp256"
_POINT_BYTES = 65
_SEQUENCE = b"\x30"
_KEY_ID = re.compile(r"[!-~]{1,200}\Z")
_SHOWN = 80


def read_npm_keys(data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> NpmKeys:
    """Read a keys document.

    Guarantees: at least one key; every key is ECDSA P-256 on its curve, and neither an id nor a key stands there twice.
    Members that npm does not write are ignored. A key whose type and scheme agree on another kind is left out and listed:
    what it signed then counts as signed by an unknown key.

    Args:
        data: The document's bytes.
        where: What it is called in an error.
        limits: ``npm_keys_bytes``, ``npm_keys``.

    Raises:
        FormatError: ``json.*``, ``time.malformed``; ``npm-keys.shape``, ``npm-keys.empty``, ``npm-keys.too-many``,
            ``npm-keys.duplicate``, ``npm-keys.type`` (type, scheme and key disagree), ``npm-keys.key``.
    """
    root = read_json(data, where=where, limits=limits, max_bytes=limits.npm_keys_bytes)
    try:
        listed = root["keys"].array(most=limits.npm_keys, code="npm-keys.too-many", what="keys")
        return _distinct([_read_key(node) for node in listed], where=where)
    except FormatError as error:
        if error.code in {"json.missing", "json.type"}:
            raise FormatError(error.message, code="npm-keys.shape", where=error.where) from error
        raise


def render_npm_keys(keys: Sequence[NpmKey]) -> bytes:
    """Write a keys document for ``GET /-/npm/v1/keys``, in the order given, with npm's members in npm's order.

    Raises:
        FormatError: ``npm-keys.empty``, ``npm-keys.duplicate``; ``npm-keys.type`` for a key that is not ECDSA P-256.
    """
    for key in keys:
        if not is_npm_key(key.spki):
            _refuse(
                f"expected an ECDSA P-256 key, found {key_algorithm(key.spki)}", code="npm-keys.type", where=key.name
            )
    _distinct(keys, where="keys")
    rows = [
        {
            "expires": None if key.expires is None else render_time(key.expires).removesuffix("Z") + ".000Z",
            "keyid": key.keyid,
            "keytype": NPM_KEY_TYPE,
            "scheme": NPM_KEY_TYPE,
            "key": base64.b64encode(key.spki).decode("ascii"),
        }
        for key in keys
    ]
    return dump_json({"keys": rows}, indent=2) + b"\n"


def npm_key_id(spki: bytes) -> str:
    """The id npm gives a canonical P-256 key: the fingerprint ``ssh-keygen -l`` prints (RFC 4253 6.6, RFC 5656 3.1)."""
    parts = (NPM_KEY_TYPE.encode("ascii"), _CURVE, spki[-_POINT_BYTES:])
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii").rstrip("=")


def is_npm_key(spki: bytes) -> bool:
    """Whether a canonical key is of the one kind that npm's clients verify."""
    return key_algorithm(spki) == _ALGORITHM


def _read_key(node: JsonNode) -> NpmKey | str:
    """A key, or the id of one of another kind."""
    keyid, kind, scheme = (node[name].string() for name in ("keyid", "keytype", "scheme"))
    if not _KEY_ID.match(keyid):
        _refuse(
            f"expected an id of visible characters, found {keyid[:_SHOWN]!r}", code="npm-keys.shape", where=node.where
        )
    if kind != scheme:
        _refuse(
            f"type {kind[:_SHOWN]!r} and scheme {scheme[:_SHOWN]!r} disagree", code="npm-keys.type", where=node.where
        )
    expires, text = node.get("expires"), node["key"].string()
    until = None if expires is None else parse_time(expires.string(), where=expires.where)
    if kind != NPM_KEY_TYPE:
        return keyid
    return NpmKey(keyid=keyid, spki=_read_spki(text, where=f"{node.where}.key"), expires=until)


def _read_spki(text: str, *, where: str) -> bytes:
    try:
        der = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise FormatError("the key is not base64", code="npm-keys.key", where=where) from error
    if base64.b64encode(der).decode("ascii") != text or not der.startswith(_SEQUENCE):
        _refuse("expected base64 of a DER public key, with nothing left over", code="npm-keys.key", where=where)
    try:
        spki = parse_public_key(der, where=where)
    except FormatError as error:
        raise FormatError(error.message, code="npm-keys.key", where=where) from error
    if not is_npm_key(spki):
        _refuse(
            f"expected the ECDSA P-256 key that its type says, found {key_algorithm(spki)}",
            code="npm-keys.type",
            where=where,
        )
    return spki


def _distinct(found: Sequence[NpmKey | str], *, where: str) -> NpmKeys:
    keys = tuple(key for key in found if isinstance(key, NpmKey))
    unsupported = tuple(keyid for keyid in found if isinstance(keyid, str))
    if not keys:
        _refuse("expected at least one ECDSA P-256 key, found none", code="npm-keys.empty", where=where)
    ids = [*(key.keyid for key in keys), *unsupported]
    if len(set(ids)) != len(ids):
        twice = next(keyid for keyid in ids if ids.count(keyid) > 1)
        _refuse(f"the id {twice[:_SHOWN]!r} stands there twice", code="npm-keys.duplicate", where=where)
    if len({key.spki for key in keys}) != len(keys):
        _refuse("one key stands there under two ids", code="npm-keys.duplicate", where=where)
    return NpmKeys(keys=keys, unsupported=unsupported)


def _refuse(message: str, *, code: str, where: str) -> NoReturn:
    raise FormatError(message, code=code, where=where)

"""TUF metadata (specification 1.0, section 4) read strictly: bytes in, the values of ``vxsec.model.trust_repository`` out.

Read here and not with ``tuf.api.metadata``, which every gate would import (40 to 70 ms, as much as a whole verification)
and which takes what our JSON reader refuses: duplicate members, and sizes without a bound. What a team writes comes from
python-tuf (``vxsec.formats.tuf_writer``), and a test holds this reader to it.

What is signed is not the file but the canonical JSON of its member ``signed``; members that nobody knows are kept in it.
Keys are ECDSA on P-256, Ed25519 and RSA with PKCS#1 v1.5 and SHA-256; each becomes canonical SPKI, so that one key in two
encodings is one key.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypedDict

from vxsec.errors import FormatError
from vxsec.formats.public_key import key_algorithm, parse_public_key
from vxsec.formats.strict_json import read_json
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.trust_repository import (
    TOP_LEVEL_ROLES,
    Delegation,
    KeySet,
    MetadataFile,
    RootMetadata,
    SnapshotMetadata,
    TargetFile,
    TargetsMetadata,
    TimestampMetadata,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vxsec.formats.strict_json import JsonNode

__all__ = ["canonical_json", "read_root", "read_snapshot", "read_targets", "read_timestamp"]

_SPECIFICATION = re.compile(r"1\.[0-9]{1,6}(\.[0-9]{1,6})?\Z")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z")
_HEX = re.compile(r"([0-9a-f]{2})*\Z")
_HASH_DIGITS = {"sha256": 64, "sha512": 128}
_ED25519_PREFIX = bytes.fromhex("302a300506032b6570032100")
_ED25519_DIGITS = 64
_SCHEMES = {("ecdsa", "ecdsa-sha2-nistp256"): "ecdsa-p256", ("rsa", "rsa-pkcs1v15-sha256"): "rsa-"}
_MAX_VERSION = 2**31 - 1
_SHOWN = 80


class _Head(TypedDict):
    """What every file has, as the constructors take it."""

    version: int
    expires: datetime
    signed: bytes
    signatures: Mapping[str, bytes]


def read_root(data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> RootMetadata:
    """Read ``N.root.json``.

    Guarantees: the four top-level roles and no other, each with keys that are there and a threshold of at least 1.

    Args:
        data: The file's bytes.
        where: What it is called in an error.
        limits: Bounds on bytes, signatures and keys.

    Raises:
        FormatError: ``tuf.malformed``, also for another type of metadata.
    """
    signed, head = _read(data, "root", where, limits)
    try:
        keys = _read_keys(signed["keys"], limits)
        roles = {name: _read_role(role, keys) for name, role in signed["roles"].members()}
        if sorted(roles) != sorted(TOP_LEVEL_ROLES):
            raise _malformed(signed["roles"], f"expected the roles {', '.join(TOP_LEVEL_ROLES)}")
    except FormatError as error:
        raise _converted(error) from error
    return RootMetadata(roles=roles, **head)


def read_timestamp(data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> TimestampMetadata:
    """Read ``timestamp.json``; arguments and errors as in :func:`read_root`."""
    signed, head = _read(data, "timestamp", where, limits)
    try:
        snapshot = _read_file(signed["meta"]["snapshot.json"])
    except FormatError as error:
        raise _converted(error) from error
    return TimestampMetadata(snapshot=snapshot, **head)


def read_snapshot(data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> SnapshotMetadata:
    """Read ``N.snapshot.json``; arguments and errors as in :func:`read_root`."""
    signed, head = _read(data, "snapshot", where, limits)
    try:
        files = {}
        for name, node in signed["meta"].members():
            if not name.endswith(".json"):
                raise _malformed(node, f"expected ROLE.json, found {name[:_SHOWN]!r}")
            files[name.removesuffix(".json")] = _read_file(node)
    except FormatError as error:
        raise _converted(error) from error
    return SnapshotMetadata(files=files, **head)


def read_targets(data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> TargetsMetadata:
    """Read ``N.targets.json`` or the file of a delegated role; arguments and errors as in :func:`read_root`.

    Delegations by hash prefix and succinct ones are refused: nothing here uses them.
    """
    signed, head = _read(data, "targets", where, limits)
    try:
        targets: dict[str, TargetFile] = {}
        for path, node in signed["targets"].members():
            if len(targets) == limits.tuf_targets:
                raise _malformed(node, f"expected at most {limits.tuf_targets} targets")
            targets[path] = TargetFile(length=_count(node["length"], 0), hashes=_read_hashes(node["hashes"]))
        listed = signed.get("delegations")
        delegations = _read_delegations(listed, limits) if listed is not None else ()
    except FormatError as error:
        raise _converted(error) from error
    return TargetsMetadata(targets=targets, delegations=delegations, **head)


def canonical_json(node: JsonNode) -> bytes:
    """OLPC canonical JSON, which is what TUF signs: sorted members, no white space, only quote and backslash escaped.

    Raises:
        FormatError: ``tuf.malformed`` for a number that is no integer.
    """
    pieces: list[str] = []
    _encode(node.value, pieces, node)
    return "".join(pieces).encode()


# -- what every file has ------------------------------------------------------------------------------------------------


def _read(data: bytes, kind: str, where: str, limits: Limits) -> tuple[JsonNode, _Head]:
    try:
        root = read_json(data, where=where, limits=limits, max_bytes=limits.tuf_metadata_bytes)
        root.only("signatures", "signed")
        signed = root["signed"]
        if signed["_type"].string() != kind:
            raise _malformed(signed["_type"], f"expected {kind!r}, found {signed['_type'].string()[:_SHOWN]!r}")
        if not _SPECIFICATION.match(signed["spec_version"].string()):
            found = signed["spec_version"].string()[:_SHOWN]
            raise _malformed(signed["spec_version"], f"expected version 1 of the specification, found {found!r}")
        return signed, {
            "version": _count(signed["version"], 1),
            "expires": _read_time(signed["expires"]),
            "signed": canonical_json(signed),
            "signatures": _read_signatures(root["signatures"], limits),
        }
    except FormatError as error:
        raise _converted(error) from error


def _read_signatures(node: JsonNode, limits: Limits) -> dict[str, bytes]:
    signatures: dict[str, bytes] = {}
    for item in node.items():
        if len(signatures) == limits.tuf_signatures:
            raise _malformed(node, f"expected at most {limits.tuf_signatures} signatures")
        keyid, text = item["keyid"].string(), item["sig"].string()
        if keyid in signatures:
            raise _malformed(item, f"a second signature by the key {keyid[:_SHOWN]!r}")
        if not _HEX.match(text):
            raise _malformed(item["sig"], "expected hexadecimal digits in lower case")
        signatures[keyid] = bytes.fromhex(text)
    return signatures


def _read_time(node: JsonNode) -> datetime:
    text = node.string()
    try:
        if _TIME.match(text):
            return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
    except ValueError as error:
        raise _malformed(node, f"no such time: {text!r}") from error
    raise _malformed(node, f"expected a time such as 2026-11-01T00:00:00Z, found {text[:_SHOWN]!r}")


# -- keys and roles -----------------------------------------------------------------------------------------------------


def _read_keys(node: JsonNode, limits: Limits) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for keyid, item in node.members():
        if len(keys) == limits.tuf_keys:
            raise _malformed(node, f"expected at most {limits.tuf_keys} keys")
        keys[keyid] = _read_key(item)
    return keys


def _read_key(node: JsonNode) -> bytes:
    kind = (node["keytype"].string(), node["scheme"].string())
    public = node["keyval"]["public"]
    if kind == ("ed25519", "ed25519"):
        text = public.string()
        if len(text) != _ED25519_DIGITS or not _HEX.match(text):
            raise _malformed(public, "expected 64 hexadecimal digits in lower case")
        return parse_public_key(_ED25519_PREFIX + bytes.fromhex(text), where=public.where)
    if kind not in _SCHEMES:
        raise _malformed(node, f"a key of kind {kind[0][:_SHOWN]!r}, {kind[1][:_SHOWN]!r}, which is not supported")
    spki = parse_public_key(public.string().encode(), where=public.where)
    if not key_algorithm(spki).startswith(_SCHEMES[kind]):
        raise _malformed(public, f"expected a key for {kind[1]}, found {key_algorithm(spki)}")
    return spki


def _read_role(node: JsonNode, keys: Mapping[str, bytes]) -> KeySet:
    keyids = node["keyids"].strings()
    if len(set(keyids)) != len(keyids):
        raise _malformed(node["keyids"], "a key id is listed twice")
    missing = next((keyid for keyid in keyids if keyid not in keys), None)
    if missing is not None:
        raise _malformed(node["keyids"], f"no key has the id {missing[:_SHOWN]!r}")
    return KeySet(keys={keyid: keys[keyid] for keyid in keyids}, threshold=_count(node["threshold"], 1))


def _read_delegations(node: JsonNode, limits: Limits) -> tuple[Delegation, ...]:
    node.only("keys", "roles")
    keys = _read_keys(node["keys"], limits)
    delegations: dict[str, Delegation] = {}
    for item in node["roles"].items():
        name = item["name"].string()
        if name in delegations or name in TOP_LEVEL_ROLES:
            raise _malformed(item["name"], f"the role {name[:_SHOWN]!r} cannot be delegated to, or is twice")
        if item.get("path_hash_prefixes") is not None:
            raise _malformed(item, "expected a delegation by paths")
        delegations[name] = Delegation(
            name=name,
            keys=_read_role(item, keys),
            paths=item["paths"].strings(),
            terminating=item["terminating"].boolean(),
        )
    return tuple(delegations.values())


# -- files --------------------------------------------------------------------------------------------------------------


def _read_file(node: JsonNode) -> MetadataFile:
    length, hashes = node.get("length"), node.get("hashes")
    return MetadataFile(
        version=_count(node["version"], 1),
        length=_count(length, 0) if length is not None else None,
        hashes=_read_hashes(hashes) if hashes is not None else {},
    )


def _read_hashes(node: JsonNode) -> dict[str, str]:
    hashes = {name: item.string() for name, item in node.members()}
    if not hashes:
        raise _malformed(node, "expected at least one hash")
    for name, text in hashes.items():
        if len(text) != _HASH_DIGITS.get(name) or not _HEX.match(text):
            raise _malformed(node, f"expected sha256 or sha512 in lower-case hex, found {name[:_SHOWN]!r}")
    return hashes


def _count(node: JsonNode, least: int) -> int:
    value = node.integer()
    if not least <= value <= _MAX_VERSION:
        raise _malformed(node, f"expected a number from {least} to {_MAX_VERSION}, found {value}")
    return value


# -- canonical JSON -----------------------------------------------------------------------------------------------------


def _encode(value: object, pieces: list[str], node: JsonNode) -> None:
    if isinstance(value, str):
        pieces.append(_quoted(value))
    elif value is None or isinstance(value, bool):
        pieces.append({None: "null", True: "true", False: "false"}[value])
    elif isinstance(value, int):
        pieces.append(str(value))
    elif isinstance(value, list):
        _encode_between("[]", [("", item) for item in value], pieces, node)
    elif isinstance(value, dict):
        _encode_between("{}", [(f"{_quoted(key)}:", value[key]) for key in sorted(value)], pieces, node)
    else:
        raise _malformed(node, "a number that is no integer has no canonical form")


def _encode_between(marks: str, items: list[tuple[str, object]], pieces: list[str], node: JsonNode) -> None:
    pieces.append(marks[0])
    for index, (name, item) in enumerate(items):
        pieces.append(f",{name}" if index else name)
        _encode(item, pieces, node)
    pieces.append(marks[1])


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


# -- errors -------------------------------------------------------------------------------------------------------------


def _malformed(node: JsonNode, message: str) -> FormatError:
    return FormatError(message, code="tuf.malformed", where=node.where)


def _converted(error: FormatError) -> FormatError:
    """One code for whatever is wrong with a file: nobody mends metadata by hand."""
    return FormatError(error.message, code="tuf.malformed", where=error.where, hint=None)

"""Holders, identities and keys of an identities document: who may sign, with what, in which role.

A key is given by a file or inline. What the file holds decides how its signatures are checked: PEM or DER is a plain key; a
line of ``ssh-keygen`` is an SSH key; an OpenPGP export needs ``fingerprint`` beside it, the primary key's, in full.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from vxsec.errors import ConfigurationError, FormatError
from vxsec.formats.key_materials import key_materials
from vxsec.formats.public_key import parse_public_key
from vxsec.formats.trust_words import SHOWN, listed, new_id, read_text, read_time, read_word, trust_error
from vxsec.model.trust import Holder, HolderKind, Identity, KeyKind, Role, TrustedKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from vxsec.formats.strict_yaml import DocumentNode
    from vxsec.limits import Limits

__all__ = ["read_holders", "read_keys"]

_KIND_OF_ROLE = {Role.MACHINE: HolderKind.MACHINE, Role.HUMAN: HolderKind.PERSON}
_FINGERPRINT = re.compile(r"(?:[0-9A-F]{40}|[0-9A-F]{64})\Z")
_SSH = re.compile(rb"\s*(?:ssh-|ecdsa-sha2-|sk-)")
_ARMOR = b"-----BEGIN PGP"
_PACKET_BIT = 0x80


def read_holders(node: DocumentNode) -> dict[str, Holder]:
    """Holders by id; every identity belongs to one of them.

    Raises:
        ConfigurationError: ``trust.id``, ``trust.holder``, ``trust.role``, ``trust.window``, ``trust.time`` or
            ``trust.duplicate``.
    """
    holders: dict[str, Holder] = {}
    known: set[tuple[str, str]] = set()
    for item in node.items():
        item.only("id", "kind", "identities")
        identifier = new_id(item["id"], holders)
        kind = read_word(item["kind"], HolderKind, "trust.holder")
        listed = item.get("identities")
        identities = tuple(_read_identity(entry, kind) for entry in listed.items()) if listed is not None else ()
        for identity in identities:
            if (identity.subject, identity.issuer) in known:
                shown = identity.subject[:SHOWN]
                raise trust_error(
                    item, "trust.duplicate", f"identity {shown!r} is listed twice; each belongs to one holder"
                )
            known.add((identity.subject, identity.issuer))
        holders[identifier] = Holder(id=identifier, kind=kind, identities=identities)
    return holders


def _read_identity(node: DocumentNode, kind: HolderKind) -> Identity:
    node.only("subject", "issuer", "roles", "from", "until")
    roles = _read_roles(node["roles"], kind)
    start, end = (read_time(given) if (given := node.get(name)) is not None else None for name in ("from", "until"))
    if start is not None and end is not None and end <= start:
        raise trust_error(node["until"], "trust.window", "the identity ends before it begins")
    return Identity(
        subject=read_text(node["subject"]),
        issuer=read_text(node["issuer"]),
        roles=roles,
        valid_from=start,
        valid_until=end,
    )


def _read_roles(node: DocumentNode, kind: HolderKind) -> tuple[Role, ...]:
    roles = tuple(read_word(item, Role, "trust.role") for item in node.items())
    if not roles or len(set(roles)) != len(roles):
        raise trust_error(node, "trust.role", "expected one or more roles, each once")
    for role in roles:
        if _KIND_OF_ROLE.get(role, kind) is not kind:
            needed = _KIND_OF_ROLE[role].value
            raise trust_error(
                node, "trust.role", f"role {role.value} needs a holder of kind {needed}, found {kind.value}"
            )
    if Role.REGISTRY in roles and len(roles) > 1:
        raise trust_error(
            node, "trust.role", "a registry's key does nothing else: it only says what the registry accepted"
        )
    return roles


def read_keys(
    node: DocumentNode, holders: dict[str, Holder], load_key: Callable[[str], bytes], limits: Limits
) -> tuple[TrustedKey, ...]:
    """Keys, no two of them of one secret, however they are written.

    Raises:
        ConfigurationError: ``trust.limit``, ``trust.id``, ``trust.duplicate``, ``trust.holder``, ``trust.role``,
            ``trust.window``, ``trust.time`` or ``trust.key``.
    """
    keys: dict[str, TrustedKey] = {}
    owner_of: dict[bytes, str] = {}
    for item in node.items():
        if len(keys) == limits.trust_keys:
            raise trust_error(node, "trust.limit", f"expected at most {limits.trust_keys} keys")
        key = _read_key(item, new_id(item["id"], keys), holders, load_key)
        materials = key_materials(key)
        for material in materials:
            if material in owner_of:
                raise trust_error(item, "trust.duplicate", f"key {key.id!r} is the same key as {owner_of[material]!r}")
        keys[key.id] = key
        owner_of |= dict.fromkeys(materials, key.id)
    return tuple(keys.values())


def _read_key(
    node: DocumentNode, identifier: str, holders: dict[str, Holder], load_key: Callable[[str], bytes]
) -> TrustedKey:
    node.only("id", "file", "spki", "ssh", "fingerprint", "roles", "from", "until", "holder")
    holder = holders.get(node["holder"].string())
    if holder is None:
        found = node["holder"].string()[:SHOWN]
        raise trust_error(node["holder"], "trust.holder", f"expected one of {listed(holders)}, found {found!r}")
    start, end = read_time(node["from"]), read_time(node["until"])
    if end <= start:
        raise trust_error(node["until"], "trust.window", f"key {identifier!r} ends before it begins")
    given = [item for name in ("file", "spki", "ssh") if (item := node.get(name)) is not None]
    if len(given) != 1:
        raise trust_error(node, "trust.key", "expected exactly one of file, spki and ssh")
    try:
        return _open_key(
            node,
            given[0],
            load_key,
            id=identifier,
            roles=_read_roles(node["roles"], holder.kind),
            holder=holder,
            valid_from=start,
            valid_until=end,
        )
    except FormatError as error:
        raise ConfigurationError(error.message, code="trust.key", where=given[0].where, hint=error.hint) from error


def _open_key(
    node: DocumentNode,
    given: DocumentNode,
    load_key: Callable[[str], bytes],
    *,
    id: str,  # noqa: A002 - the field of the value it fills
    roles: tuple[Role, ...],
    holder: Holder,
    valid_from: datetime,
    valid_until: datetime,
) -> TrustedKey:
    fingerprint = node.get("fingerprint")
    spki, kind, certificate, ssh = b"", KeyKind.PLAIN, b"", None
    data = _key_bytes(node, given, load_key)
    if node.get("ssh") is not None or _SSH.match(data):
        from vxsec.formats.ssh_key import parse_ssh_public_key

        ssh = parse_ssh_public_key(data, where=given.where)
        spki, kind = ssh.identity, KeyKind.SSH
    elif fingerprint is not None:
        spki, kind, certificate = _open_openpgp(data, fingerprint, given), KeyKind.OPENPGP, data
    elif data.lstrip().startswith(_ARMOR) or data[:1] >= bytes([_PACKET_BIT]):
        raise trust_error(
            given,
            "trust.key",
            "an OpenPGP key needs its primary fingerprint beside it: fingerprint: 40 or 64 hex digits",
        )
    else:
        spki = parse_public_key(data, where=given.where)
    if fingerprint is not None and kind is not KeyKind.OPENPGP:
        raise trust_error(fingerprint, "trust.key", "only an OpenPGP key is named by a fingerprint")
    return TrustedKey(
        id=id,
        spki=spki,
        roles=roles,
        holder=holder,
        valid_from=valid_from,
        valid_until=valid_until,
        kind=kind,
        certificate=certificate,
        ssh=ssh,
    )


def _key_bytes(node: DocumentNode, given: DocumentNode, load_key: Callable[[str], bytes]) -> bytes:
    if node.get("file") is not None:
        return load_key(read_text(given))
    if node.get("ssh") is not None:
        return read_text(given).encode()
    try:
        return base64.b64decode(given.string(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise trust_error(given, "trust.key", "expected base64 DER") from error


def _open_openpgp(data: bytes, fingerprint: DocumentNode, given: DocumentNode) -> bytes:
    from vxsec.formats.openpgp_certificate import read_openpgp_certificates

    wanted = fingerprint.string().replace(" ", "").upper()
    if not _FINGERPRINT.match(wanted):
        raise trust_error(
            fingerprint, "trust.key", f"expected 40 or 64 hex digits, found {fingerprint.string()[:SHOWN]!r}"
        )
    found = [item.fingerprint for item in read_openpgp_certificates(data, where=given.where)]
    if found != [wanted]:
        raise trust_error(given, "trust.key", f"expected exactly the key {wanted}, found {listed(found)}")
    return b"openpgp:" + wanted.encode("ascii")

"""OSV records and archives for tests: what exports look like, and what they must not look like."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vxsec.formats.osv import read_advisory

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vxsec.model.advisory import Advisory

__all__ = [
    "FIXTURES",
    "NOW",
    "Member",
    "ZipMaker",
    "advisory",
    "affected",
    "fixture_advisories",
    "make_zip",
    "range_of",
    "record",
    "record_bytes",
]

FIXTURES = Path(__file__).parents[2] / "fixtures" / "osv"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


# -- records -----------------------------------------------------------------------------------------------------------


def range_of(*events: tuple[str, str], kind: str = "SEMVER") -> dict[str, Any]:
    """A range: ``range_of(("introduced", "0"), ("fixed", "1.0.0"))``."""
    return {"type": kind, "events": [dict([event]) for event in events]}


def affected(name: str, *ranges: dict[str, Any], ecosystem: str = "npm", **more: Any) -> dict[str, Any]:
    """One entry of ``affected``."""
    entry: dict[str, Any] = {"package": {"ecosystem": ecosystem, "name": name}, **more}
    return entry | ({"ranges": list(ranges)} if ranges else {})


def record(identifier: str, *entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One record as a plain value."""
    return {"id": identifier, "modified": "2026-11-01T00:00:00Z", "affected": list(entries), **more}


def record_bytes(identifier: str, *entries: dict[str, Any], **more: Any) -> bytes:
    """One record as it lies in an archive."""
    return json.dumps(record(identifier, *entries, **more)).encode()


def advisory(identifier: str, *entries: dict[str, Any], **more: Any) -> Advisory:
    """One record as it is read."""
    return read_advisory(record_bytes(identifier, *entries, **more), where=identifier)


def fixture_advisories(ecosystem: str) -> list[Advisory]:
    """The made-up records of ``fixtures/osv``."""
    paths = sorted((FIXTURES / ecosystem).glob("*.json"))
    return [read_advisory(path.read_bytes(), where=path.name) for path in paths]


# -- archives ----------------------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Member:
    """One member; every field of both headers can be made to lie. None means: what is true."""

    name: bytes
    data: bytes = b""
    method: int = 8
    flags: int = 0
    system: int = 3
    attributes: int = 0o100644 << 16
    disk: int = 0
    comment: bytes = b""
    central_extra: bytes = b""
    local_extra: bytes = b""
    packed: bytes | None = None
    crc: int | None = None
    size: int | None = None
    packed_size: int | None = None
    local_name: bytes | None = None
    local: Mapping[str, int] = field(default_factory=dict)
    """``flags``, ``method``, ``crc``, ``packed``, ``size`` in the header before the member."""
    descriptor: bytes | None = None
    """What follows the content; made from the truth where flag 8 is set and this is None."""
    before: bytes = b""
    """Bytes in front of the member that nothing mentions."""
    offset: int | None = None

    def content(self) -> bytes:
        """As it is packed."""
        if self.packed is not None:
            return self.packed
        if self.method == 8:
            engine = zlib.compressobj(9, zlib.DEFLATED, -15)
            return engine.compress(self.data) + engine.flush()
        return self.data


@dataclass(kw_only=True)
class ZipMaker:
    """Writes an archive from members, as it should be or in any way wrong."""

    members: list[Member]
    prefix: bytes = b""
    before_directory: bytes = b""
    after_directory: bytes = b""
    comment: bytes = b""
    trailing: bytes = b""
    zip64: bool = False
    end: Mapping[str, int] = field(default_factory=dict)
    """``disk``, ``first``, ``here``, ``count``, ``size``, ``offset``, ``comment`` in the end record."""
    end64: Mapping[str, int] = field(default_factory=dict)
    """``length``, ``disk``, ``first``, ``here``, ``count``, ``size``, ``offset`` in the large end record."""
    locator: Mapping[str, int] = field(default_factory=dict)
    """``disk``, ``place``, ``disks``."""

    def build(self) -> bytes:
        """The whole file."""
        body, directory = bytearray(self.prefix), bytearray()
        for member in self.members:
            body += member.before
            offset = len(body) if member.offset is None else member.offset
            body += self._local(member)
            directory += self._central(member, offset)
        body += self.before_directory
        place, size, count = len(body), len(directory), len(self.members)
        body += directory + self.after_directory
        if self.zip64:
            body += self._large(len(body), count, size, place)
            count, size, place = 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF
        says = {"disk": 0, "first": 0, "here": count, "count": count, "size": size, "offset": place}
        says |= {"comment": len(self.comment)} | dict(self.end)
        body += struct.pack("<4s4H2LH", b"PK\x05\x06", *says.values())
        return bytes(body + self.comment + self.trailing)

    def _large(self, begin: int, count: int, size: int, place: int) -> bytes:
        says = {"length": 44, "made": 45, "need": 45, "disk": 0, "first": 0, "here": count, "count": count}
        says |= {"size": size, "offset": place} | dict(self.end64)
        locator = {"disk": 0, "place": begin, "disks": 1} | dict(self.locator)
        return struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", *says.values()) + struct.pack(
            "<4sLQL", b"PK\x06\x07", *locator.values()
        )

    def _local(self, member: Member) -> bytes:
        packed = member.content()
        truth = {"crc": zlib.crc32(member.data), "packed": len(packed), "size": len(member.data)}
        later = bool(member.flags & 8)
        says = {"flags": member.flags, "method": member.method} | (dict.fromkeys(truth, 0) if later else truth)
        says |= dict(member.local)
        name = member.name if member.local_name is None else member.local_name
        header = struct.pack(
            "<4s5H3L2H", b"PK\x03\x04", 20, says["flags"], says["method"], 0, 33,
            says["crc"], says["packed"], says["size"], len(name), len(member.local_extra),
        )  # fmt: skip
        descriptor = member.descriptor
        if descriptor is None:
            descriptor = b"PK\x07\x08" + struct.pack("<LLL", *truth.values()) if later else b""
        return header + name + member.local_extra + packed + descriptor

    def _central(self, member: Member, offset: int) -> bytes:
        packed = member.content()
        crc = zlib.crc32(member.data) if member.crc is None else member.crc
        size = len(member.data) if member.size is None else member.size
        packed_size = len(packed) if member.packed_size is None else member.packed_size
        header = struct.pack(
            "<4s2B5H3L5H2L", b"PK\x01\x02", 20, member.system, 20, member.flags, member.method, 0, 33,
            crc, packed_size, size, len(member.name), len(member.central_extra), len(member.comment),
            member.disk, 0, member.attributes, offset,
        )  # fmt: skip
        return header + member.name + member.central_extra + member.comment


def make_zip(files: Mapping[str, bytes] | Iterable[tuple[str, bytes]]) -> bytes:
    """A sound archive."""
    pairs = files.items() if hasattr(files, "items") else files
    return ZipMaker(members=[Member(name=name.encode(), data=data) for name, data in pairs]).build()

"""The trust repository: TUF metadata (specification 1.0) as values, and what a client remembers of it.

``targets`` delegates to five roles, each with keys and a threshold of its own, and each with the files of one folder that
has its name. Nothing else is delegated, and no role delegates further.

Whole files are never compared, only what is in them: their classes have no equality, which halves what each costs at start.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = [
    "DELEGATED_ROLES",
    "IDENTITIES_PATH",
    "REVOCATIONS_PATH",
    "TOP_LEVEL_ROLES",
    "Delegation",
    "KeySet",
    "Metadata",
    "MetadataFile",
    "RememberedVersions",
    "RootMetadata",
    "SnapshotMetadata",
    "TargetFile",
    "TargetsMetadata",
    "TimestampMetadata",
]

TOP_LEVEL_ROLES = ("root", "timestamp", "snapshot", "targets")
DELEGATED_ROLES = ("identities", "policies", "waivers", "revocations", "databases")
"""In the order in which ``targets`` delegates to them; each is terminating."""
IDENTITIES_PATH = "identities/identities.yaml"
REVOCATIONS_PATH = "revocations/revocations.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySet:
    """Who may sign for a role: keys (canonical SPKI) by key id, and how many distinct ones must."""

    keys: Mapping[str, bytes]
    threshold: int

    @property
    def spkis(self) -> tuple[bytes, ...]:
        """The distinct keys, in the order listed: one key under two ids is one key."""
        return tuple(dict.fromkeys(self.keys.values()))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Metadata:
    """What every metadata file has. ``signed`` is what was signed: its canonical JSON; ``signatures`` are by key id."""

    version: int
    expires: datetime
    signed: bytes
    signatures: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RootMetadata(Metadata):
    """Who may sign for each of the top-level roles."""

    roles: Mapping[str, KeySet]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataFile:
    """What one metadata file says about another: its version, and its length and hashes (hex, by algorithm) if stated."""

    version: int
    length: int | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TimestampMetadata(Metadata):
    """Which snapshot is the newest."""

    snapshot: MetadataFile


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SnapshotMetadata(Metadata):
    """Which versions of the targets roles belong together, by role."""

    files: Mapping[str, MetadataFile]


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetFile:
    """One target: its length in bytes and its hashes (hex, by algorithm, at least one)."""

    length: int
    hashes: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Delegation:
    """A role that ``targets`` delegates to, and the paths it may speak about (patterns whose ``*`` crosses no slash)."""

    name: str
    keys: KeySet
    paths: tuple[str, ...]
    terminating: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TargetsMetadata(Metadata):
    """Files by path, and delegations in order."""

    targets: Mapping[str, TargetFile]
    delegations: tuple[Delegation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedVersions:
    """The highest versions a machine has seen of one repository, so that it cannot be led back.

    ``versions`` are those of ``timestamp``, ``snapshot`` and every role the snapshot listed; ``keys`` the SHA-256 (hex) of
    the keys of ``timestamp`` and ``snapshot``: where one of those was taken away since, the versions count no more (a
    stolen key may have signed version 2,147,483,647), and only ``root`` does. ``digests`` are the SHA-256 (hex) of the files
    with these versions, ``root`` among them, as far as they are known: one version is one file.
    """

    root: int
    versions: Mapping[str, int]
    keys: Mapping[str, tuple[str, ...]]
    digests: Mapping[str, str] = field(default_factory=dict)

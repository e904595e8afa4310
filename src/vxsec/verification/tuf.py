"""Walking a trust repository: the client workflow of the TUF specification (1.0, section 5), as a function of bytes and a time.

The steps, with the specification's numbers, and the same numbers in the code below:

5.1  The time is an argument, and stays the same for the whole walk.
5.2  The trusted root is given out of band: its SHA-256, or its bytes. It is signed by its own keys.
5.3  Each next root is version N + 1, signed by a threshold of the keys of N and of its own, until there is none (5.3.3 to
     5.3.9). It is not older than what was remembered. The last one is not expired (5.3.10). Where a key of ``timestamp`` or
     ``snapshot`` was taken away, what was remembered of their versions is forgotten (5.3.11).
5.4  ``timestamp`` is signed (5.4.2), not older than remembered or pinned, nor is its snapshot (5.4.3), and it is not expired
     (5.4.4), unless the pinned version is what freshness comes from.
5.5  ``snapshot`` is the one that ``timestamp`` names: hashes (5.5.2), signatures (5.5.3), version (5.5.4). It lists every role
     that was remembered, in no older version (5.5.5), and is not expired (5.5.6).
     Beyond the specification: lengths and hashes are required where it lets them out, so that what the online key signs
     fits one state only, and a version that was remembered is the very file that was seen.
5.6  ``targets`` and then each role asked for: hashes (5.6.2), signatures under the delegation's keys (5.6.3), version
     (5.6.4), expiry (5.6.5). Delegations end there (5.6.7): a role speaks about the folder with its name and nothing else,
     so no other role can answer for it, and the order of delegations does not matter.
5.7  Every target of those roles has the length and the hashes its role states (5.7.2).

Nothing is kept: what there is to remember is ``verification.tuf_memory.remembered_versions``, and the caller's to store.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from vxsec.errors import FormatError, UndecidedError, UsageError, VerificationError
from vxsec.formats.timestamps import render_time
from vxsec.formats.tuf_metadata import read_root, read_snapshot, read_targets, read_timestamp
from vxsec.formats.tuf_path import is_role_path, is_role_pattern, matches
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.verified import VerifiedRole, VerifiedTrust
from vxsec.verification.keys import verify_signature
from vxsec.verification.tuf_memory import (
    FRESHNESS,
    check_remembered,
    fingerprints,
    key_was_taken_away,
    rollback,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from vxsec.model.trust_repository import (
        Delegation,
        KeySet,
        Metadata,
        MetadataFile,
        RememberedVersions,
        RootMetadata,
        SnapshotMetadata,
        TargetFile,
    )

    M = TypeVar("M", bound=Metadata)

__all__ = ["Fetch", "verify_trust"]

Fetch: TypeAlias = "Callable[[str], bytes | None]"
"""Gives the bytes of ``1.root.json``, ``timestamp.json``, ``4.identities.json``, ``targets/PATH``; None where there are none."""


def verify_trust(
    fetch: Fetch,
    *,
    now: datetime,
    root_sha256: str | None = None,
    root: bytes | None = None,
    roles: Sequence[str] = ("identities", "revocations"),
    remembered: RememberedVersions | None = None,
    minimum_version: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    unsafe_stale: bool = False,
) -> VerifiedTrust:
    """Walk a trust repository and return what it proves.

    Args:
        fetch: Gives a file's bytes by name; see :data:`Fetch`. It is asked for nothing but names that verified metadata
            leads to, and for the versions of root.
        now: When it is judged.
        root_sha256: SHA-256 (hex) of the root to start from, whichever version it is; given out of band.
        root: Or that root itself.
        roles: The delegated roles to walk; each must be there.
        remembered: The highest versions seen before.
        minimum_version: The least version of ``timestamp`` that is believed, pinned by whoever keeps no state. Where it is
            reached, an expired ``timestamp`` or ``snapshot`` is not stale: the pin is what freshness comes from.
        limits: Bounds on files, roots and targets.
        unsafe_stale: Judge no expiry; only for repairing a repository, and for saying what is in it.

    Raises:
        UsageError: ``tuf.no-root``: neither a digest nor a root, or both.
        VerificationError: ``tuf.malformed``, ``tuf.missing``, ``tuf.root-mismatch``, ``tuf.signatures``, ``tuf.version``,
            ``tuf.hash``, ``tuf.rollback``, ``tuf.fork``, ``tuf.delegation``, ``tuf.target`` or ``tuf.limit``.
        UndecidedError: ``tuf.expired``: stale is unknown, neither good nor bad.
    """
    if (root_sha256 is None) == (root is None):
        raise UsageError(
            "expected the digest of the first root, or that root",
            code="tuf.no-root",
            hint="give the digest that was handed over with the repository: --trust-root SHA256",
        )
    walk = _Walk(fetch=fetch, now=now, limits=limits, minimum=minimum_version, judge=not unsafe_stale)
    pinned, current, digest = walk.load_roots(root_sha256, root)
    remembered = walk.check_root(current, digest, remembered)
    snapshot = walk.load_freshness(current, remembered)
    files = walk.load_targets(current, snapshot, roles)
    return VerifiedTrust(
        pinned_sha256=pinned,
        root_sha256=digest,
        roles=walk.roles,
        listed={name: item.version for name, item in snapshot.files.items()},
        digests=walk.digests,
        files=files,
        fresh_by=walk.fresh_by if walk.judge else None,
    )


@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class _Walk:
    """One walk: its ports, and the roles verified so far."""

    fetch: Fetch
    now: datetime
    limits: Limits
    minimum: int | None
    judge: bool
    roles: dict[str, VerifiedRole] = field(default_factory=dict)
    signed_by: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    fresh_by: str = "timestamp"

    def load_roots(self, sha256: str | None, given: bytes | None) -> tuple[str, RootMetadata, str]:
        """Steps 5.2 and 5.3.2 to 5.3.9: the pinned root's digest, the newest root, and its digest."""
        # 5.2 The trusted root, which needs a valid signature of its own keys but may be expired.
        data = given if given is not None else self._find_root(sha256 or "")
        current = self._read(read_root, data, "root")
        signed_by = self._require(current, current.roles["root"], "root")
        pinned = digest = hashlib.sha256(data).hexdigest()
        for _ in range(self.limits.tuf_root_versions):
            # 5.3.3 The next version, if there is one.
            name = f"{current.version + 1}.root.json"
            following = self._bytes(name)
            if following is None:
                self.signed_by["root"] = signed_by
                return pinned, current, digest
            after = self._read(read_root, following, name)
            # 5.3.4 Signed by the keys of both.
            self._require(after, current.roles["root"], name)
            signed_by = self._require(after, after.roles["root"], name)
            # 5.3.5 Exactly the next version. 5.3.6 Its expiry does not matter yet.
            if after.version != current.version + 1:
                raise _wrong_version(name, current.version + 1, after.version)
            # 5.3.7 to 5.3.9
            current, digest = after, hashlib.sha256(following).hexdigest()
        raise VerificationError(f"more than {self.limits.tuf_root_versions} versions of root", code="tuf.limit")

    def check_root(
        self, root: RootMetadata, digest: str, remembered: RememberedVersions | None
    ) -> RememberedVersions | None:
        """Steps 5.3.5 (against what is remembered), 5.3.10 and 5.3.11: what of the remembered versions still counts."""
        self._take("root", root.version, digest, remembered)
        # 5.3.10
        self._accept("root", root, root.roles["root"], f"{root.version}.root.json")
        # 5.3.11 Fast-forward recovery.
        keys = {name: fingerprints(root.roles[name].spkis) for name in FRESHNESS}
        return None if remembered is None or key_was_taken_away(remembered, keys) else remembered

    def load_freshness(self, root: RootMetadata, remembered: RememberedVersions | None) -> SnapshotMetadata:
        """Steps 5.4 and 5.5."""
        # 5.4.1, 5.4.2
        data = self._needed("timestamp.json")
        timestamp = self._read(read_timestamp, data, "timestamp.json")
        self.signed_by["timestamp"] = self._require(timestamp, root.roles["timestamp"], "timestamp.json")
        # 5.4.3
        if timestamp.version < (self.minimum or 0):
            raise rollback("timestamp", self.minimum or 0, timestamp.version)
        self._take("timestamp", timestamp.version, hashlib.sha256(data).hexdigest(), remembered)
        self._take("snapshot", timestamp.snapshot.version, _stated_digest("snapshot", timestamp.snapshot), remembered)
        # 5.4.4
        self._accept("timestamp", timestamp, root.roles["timestamp"], "timestamp.json")
        # 5.5.1, 5.5.2
        name = f"{timestamp.snapshot.version}.snapshot.json"
        snapshot = self._read(read_snapshot, self._stated(name, timestamp.snapshot), name)
        # 5.5.3
        self.signed_by["snapshot"] = self._require(snapshot, root.roles["snapshot"], name)
        # 5.5.4
        if snapshot.version != timestamp.snapshot.version:
            raise _wrong_version(name, timestamp.snapshot.version, snapshot.version)
        # 5.5.5
        known = remembered.versions if remembered is not None else {}
        for role in known.keys() - {*FRESHNESS, *snapshot.files}:
            raise rollback(role, known[role], 0)
        for role, item in snapshot.files.items():
            self._take(role, item.version, _stated_digest(role, item), remembered)
        # 5.5.6
        self._accept("snapshot", snapshot, root.roles["snapshot"], name)
        return snapshot

    def load_targets(self, root: RootMetadata, snapshot: SnapshotMetadata, roles: Sequence[str]) -> Mapping[str, bytes]:
        """Steps 5.6 and 5.7: the files of every role asked for, by path."""
        targets, delegations = self._load_role("targets", root.roles["targets"], snapshot)
        if targets:
            raise _delegation("targets", "lists files itself: only the roles it delegates to do")
        by_name = {delegation.name: delegation for delegation in delegations}
        for delegation in delegations:
            _check_delegation(delegation)
        files: dict[str, bytes] = {}
        for role in roles:
            if role not in by_name:
                raise _missing(f"a delegation to the role {role}")
            listed, further = self._load_role(role, by_name[role].keys, snapshot)
            if further:
                raise _delegation(role, "delegates further")
            # 5.7
            for path, item in listed.items():
                if not is_role_path(path, role) or not any(matches(path, one) for one in by_name[role].paths):
                    raise _delegation(role, f"speaks about {path[:80]!r}, which is not its own")
                files[path] = self._load_file(path, item)
        return files

    def _load_role(
        self, role: str, keys: KeySet, snapshot: SnapshotMetadata
    ) -> tuple[Mapping[str, TargetFile], tuple[Delegation, ...]]:
        if role not in snapshot.files:
            raise _missing(f"the role {role} in snapshot")
        # 5.6.1, 5.6.2
        stated = snapshot.files[role]
        name = f"{stated.version}.{role}.json"
        metadata = self._read(read_targets, self._stated(name, stated), name)
        # 5.6.3
        self.signed_by[role] = self._require(metadata, keys, name)
        # 5.6.4
        if metadata.version != stated.version:
            raise _wrong_version(name, stated.version, metadata.version)
        # 5.6.5
        self._accept(role, metadata, keys, name)
        return metadata.targets, metadata.delegations

    def _load_file(self, path: str, stated: TargetFile) -> bytes:
        if stated.length > self.limits.tuf_target_bytes:
            raise VerificationError(
                f"{path} has {stated.length} bytes, and at most {self.limits.tuf_target_bytes} are read",
                code="tuf.limit",
            )
        data = self._needed(f"targets/{path}")
        # 5.7.2
        if len(data) != stated.length or not _has_hashes(data, stated.hashes):
            raise VerificationError(
                f"targets/{path} is not what its role signed",
                code="tuf.target",
                hint="restore the file; a change that is meant goes in through vxsec trust add",
            )
        return data

    def _take(self, role: str, version: int, digest: str, remembered: RememberedVersions | None) -> None:
        check_remembered(role, version, digest, remembered)
        self.digests[role] = digest

    # -- one file -------------------------------------------------------------------------------------------------------

    def _find_root(self, sha256: str) -> bytes:
        for number in range(1, self.limits.tuf_root_versions + 1):
            data = self._bytes(f"{number}.root.json")
            if data is None:
                break
            if hashlib.sha256(data).hexdigest() == sha256:
                return data
        raise VerificationError(
            f"no root of this repository has the digest {sha256[:64]!r} that was given",
            code="tuf.root-mismatch",
            hint="ask whoever keeps the repository for the digest of its first root, not the repository itself",
        )

    def _bytes(self, name: str) -> bytes | None:
        data = self.fetch(name)
        if data is not None and len(data) > self.limits.tuf_metadata_bytes:
            raise VerificationError(
                f"{name}: expected at most {self.limits.tuf_metadata_bytes} bytes, found {len(data)}", code="tuf.limit"
            )
        return data

    def _needed(self, name: str) -> bytes:
        data = self.fetch(name) if name.startswith("targets/") else self._bytes(name)
        if data is None:
            raise _missing(name)
        return data

    def _stated(self, name: str, stated: MetadataFile) -> bytes:
        data = self._needed(name)
        if (stated.length is not None and len(data) != stated.length) or not _has_hashes(data, stated.hashes):
            raise VerificationError(f"{name} is not the file that was signed together with the others", code="tuf.hash")
        return data

    def _read(self, read: Callable[..., M], data: bytes, name: str) -> M:
        try:
            return read(data, where=name, limits=self.limits)
        except FormatError as error:
            raise VerificationError(error.message, code=error.code, where=error.where) from error

    def _require(self, metadata: Metadata, keys: KeySet, name: str) -> tuple[bytes, ...]:
        """Distinct keys of the role that signed, as many as its threshold; no other signature is looked at."""
        signed: list[bytes] = []
        for keyid, spki in keys.keys.items():
            signature = metadata.signatures.get(keyid)
            if signature is None or spki in signed:
                continue
            try:
                verify_signature(spki, signature, metadata.signed)
            except VerificationError:
                continue
            signed.append(spki)
            if len(signed) == keys.threshold:
                return tuple(signed)
        raise VerificationError(
            f"{name}: expected {keys.threshold} signatures by different keys of its role, found {len(signed)}",
            code="tuf.signatures",
        )

    def _accept(self, role: str, metadata: Metadata, keys: KeySet, name: str) -> None:
        """Judge the expiry of a file whose signatures are good, and take it."""
        if self.judge and self.now >= metadata.expires:
            if self.minimum is None or role not in FRESHNESS:
                raise UndecidedError(
                    f"{name} expired at {render_time(metadata.expires)}: whether there is a newer one is not known",
                    code="tuf.expired",
                    hint="get the current state of the repository; whoever keeps it renews it with vxsec trust refresh",
                )
            self.fresh_by = "minimum-version"
        self.roles[role] = VerifiedRole(
            version=metadata.version,
            expires=metadata.expires,
            keys=keys.spkis,
            threshold=keys.threshold,
            signed_by=self.signed_by[role],
        )


def _check_delegation(delegation: Delegation) -> None:
    if not delegation.terminating:
        raise _delegation(delegation.name, "is not terminating")
    for pattern in delegation.paths:
        if not is_role_pattern(pattern, delegation.name):
            raise _delegation(delegation.name, f"may speak about {pattern[:80]!r}, outside its own folder")


def _stated_digest(role: str, stated: MetadataFile) -> str:
    """The SHA-256 of a file, which whoever names the file states together with its length."""
    digest = stated.hashes.get("sha256")
    if digest is None or stated.length is None:
        raise VerificationError(
            f"{role[:80]}.json is named without its length and SHA-256: it could be any file with that version",
            code="tuf.malformed",
            hint="make the repository with vxsec trust, which states both",
        )
    return digest


def _has_hashes(data: bytes, hashes: Mapping[str, str]) -> bool:
    ours = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}
    return all(ours[name](data).hexdigest() == value for name, value in hashes.items())


def _missing(what: str) -> VerificationError:
    return VerificationError(
        f"the trust repository lacks {what}",
        code="tuf.missing",
        hint="get the whole repository again, with its folders metadata and targets",
    )


def _wrong_version(name: str, expected: int, found: int) -> VerificationError:
    return VerificationError(f"{name}: expected version {expected}, found {found}", code="tuf.version")


def _delegation(role: str, message: str) -> VerificationError:
    return VerificationError(f"the role {role[:80]!r} {message}", code="tuf.delegation")

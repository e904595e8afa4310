"""A state of a trust repository that is being changed: keys, targets and versions by role, and how they are signed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from vxsec.errors import FormatError, UsageError
from vxsec.formats.public_key import key_hint
from vxsec.formats.tuf_metadata import read_root, read_snapshot, read_targets, read_timestamp
from vxsec.formats.tuf_path import is_role_path, role_patterns
from vxsec.formats.tuf_writer import (
    build_root,
    build_snapshot,
    build_targets,
    build_timestamp,
    describe_metadata,
    describe_target,
    key_id,
    sign_metadata,
)
from vxsec.model.trust_repository import DELEGATED_ROLES, TOP_LEVEL_ROLES, Delegation, KeySet, MetadataFile
from vxsec.signing.signer import DigestSigner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from vxsec.model.trust_repository import TargetFile
    from vxsec.model.verified import VerifiedTrust
    from vxsec.signing.signer import AnySigner, Signer

__all__ = ["LIFETIMES", "OLD_ROOT", "ROLES", "Draft", "Hand", "key_set", "plain_signers", "read_draft"]

ROLES = (*TOP_LEVEL_ROLES, *DELEGATED_ROLES)
LIFETIMES = {
    "root": timedelta(days=365),
    "timestamp": timedelta(days=14),
    "snapshot": timedelta(days=30),
    "targets": timedelta(days=365),
    **dict.fromkeys(DELEGATED_ROLES, timedelta(days=180)),
}
"""How long new metadata is good. ``timestamp`` is what a stateless runner gets freshness from: a scheduled job renews it."""

OLD_ROOT = "the root before"
"""What the keys of the root before a new one are called."""


@dataclass(slots=True, kw_only=True)
class Draft:
    """Everything that can be changed. ``touched`` are the roles to sign anew; what is not touched keeps its file."""

    keys: dict[str, KeySet]
    versions: dict[str, int]
    targets: dict[str, dict[str, TargetFile]]
    files: dict[str, MetadataFile] = field(default_factory=dict)
    snapshot: MetadataFile | None = None
    old_root: KeySet | None = None
    contents: dict[str, bytes] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    lifetimes: dict[str, timedelta] = field(default_factory=lambda: dict(LIFETIMES))

    def set_target(self, role: str, path: str, data: bytes) -> None:
        """Put a file below the role's folder.

        Raises:
            UsageError: ``trust.target-name``.
        """
        if not is_role_path(path, role):
            raise UsageError(
                f"expected a name of letters, digits and ._@+- below the folder {role}, found {path[:120]!r}",
                code="trust.target-name",
                hint="rename the file, and write its new name where it is named",
            )
        described = describe_target(data)
        if self.targets[role].get(path) != described:
            self.targets[role][path] = described
            self.contents[path] = data
            self.touched.add(role)

    def remove_target(self, role: str, path: str) -> None:
        """Take a file away.

        Raises:
            UsageError: ``trust.target-missing``.
        """
        if path not in self.targets[role]:
            known = ", ".join(sorted(self.targets[role])[:10]) or "none"
            raise UsageError(
                f"the role {role} has no file {path[:120]!r}; it has {known}",
                code="trust.target-missing",
                hint="give the name as vxsec trust show writes it",
            )
        del self.targets[role][path]
        self.touched.add(role)

    def set_keys(self, role: str, keys: KeySet) -> None:
        """Give a role other keys: whoever delegates to it signs, and so does the role with its new keys."""
        if role == "root" and self.old_root is None:
            self.old_root = self.keys["root"]
        self.keys[role] = keys
        self.touched.update({role, "root" if role in TOP_LEVEL_ROLES else "targets"})

    def sign(self, signers: Sequence[Signer], *, now: datetime) -> dict[str, bytes]:
        """The new files by the names of a walk, everything signed; versions and descriptions here follow.

        Raises:
            UsageError: ``trust.signers``: a role lacks signatures; ``trust.signer-unused``: a key belongs to no role that is
                signed.
        """
        hand = Hand(signers)
        made = self.sign_roles(hand, now=now) | self.sign_freshness(hand, now=now)
        hand.check_complete()
        hand.check_all_used()
        return made

    def sign_roles(self, hand: Hand, *, now: datetime) -> dict[str, bytes]:
        """The files of root, targets and the delegated roles that are touched, and the targets that are new."""
        made: dict[str, bytes] = {}
        if "root" in self.touched:
            number, expires = self._next("root", now)
            needed = [("root", self.keys["root"])]
            if number > 1:
                needed.append((OLD_ROOT, self.old_root or self.keys["root"]))
            roles = {name: self.keys[name] for name in TOP_LEVEL_ROLES}
            made[f"{number}.root.json"] = hand.sign(build_root(version=number, expires=expires, roles=roles), needed)
        for role in ("targets", *DELEGATED_ROLES):
            if role in self.touched:
                number, expires = self._next(role, now)
                data = build_targets(
                    version=number,
                    expires=expires,
                    targets=self.targets.get(role, {}),
                    delegations=self._delegations() if role == "targets" else (),
                )
                made[f"{number}.{role}.json"] = signed = hand.sign(data, [(role, self.keys[role])])
                self.files[role] = describe_metadata(signed, number)
        return made | {f"targets/{path}": data for path, data in self.contents.items()}

    def sign_freshness(self, hand: Hand, *, now: datetime) -> dict[str, bytes]:
        """The files of snapshot and timestamp, where something that they name has changed."""
        made: dict[str, bytes] = {}
        if self.touched - {"root", "timestamp"}:
            number, expires = self._next("snapshot", now)
            data = build_snapshot(version=number, expires=expires, files=self.files)
            made[f"{number}.snapshot.json"] = signed = hand.sign(data, [("snapshot", self.keys["snapshot"])])
            self.snapshot = describe_metadata(signed, number)
        if self.touched - {"root"} and self.snapshot is not None:
            number, expires = self._next("timestamp", now)
            data = build_timestamp(version=number, expires=expires, snapshot=self.snapshot)
            made["timestamp.json"] = hand.sign(data, [("timestamp", self.keys["timestamp"])])
        return made

    def _next(self, role: str, now: datetime) -> tuple[int, datetime]:
        self.versions[role] = self.versions.get(role, 0) + 1
        return self.versions[role], now + self.lifetimes[role]

    def _delegations(self) -> list[Delegation]:
        return [
            Delegation(name=role, keys=self.keys[role], paths=role_patterns(role), terminating=True)
            for role in DELEGATED_ROLES
        ]


class Hand:
    """The signers given, which of them were of use, and what is lacking."""

    def __init__(self, signers: Sequence[Signer]) -> None:
        self._signers = {signer.spki: signer for signer in signers}
        self._used: set[bytes] = set()
        self.lacking: list[tuple[str, str]] = []
        """What lacks signatures, as a sentence, and whose would do."""

    def sign(self, data: bytes, needed: Iterable[tuple[str, KeySet]], *, already: Iterable[str] = ()) -> bytes:
        """Sign for every role in ``needed`` with every signer that may; ``already`` are key ids whose signatures are good."""
        chosen: dict[str, Callable[[bytes], bytes]] = {}
        for role, keys in needed:
            mine = {keyid: spki for keyid, spki in keys.keys.items() if spki in self._signers}
            done = {keys.keys[keyid] for keyid in already if keyid in keys.keys} | set(mine.values())
            if len(done) < keys.threshold:
                others = ", ".join([key_hint(spki) for spki in keys.spkis if spki not in done][:5])
                words = f"{role} needs {keys.threshold} of its {len(keys.spkis)} keys, and {len(done)} signed"
                self.lacking.append((words, others))
            chosen.update({keyid: self._signers[spki].sign for keyid, spki in mine.items()})
            self._used.update(mine.values())
        return sign_metadata(data, chosen.items())

    def check_complete(self) -> None:
        """Every role has what it needs."""
        for words, others in self.lacking:
            raise UsageError(
                words,
                code="trust.signers",
                hint=f"add --signer for keys with these hints (vxsec keys show FILE.pub), or --propose: {others}",
            )

    def check_all_used(self) -> None:
        """A key given for nothing is a mistake: somebody thinks that it signed."""
        unused = [signer for spki, signer in self._signers.items() if spki not in self._used]
        if unused:
            raise UsageError(
                f"the key with hint {unused[0].hint} belongs to no role that this change signs",
                code="trust.signer-unused",
                hint="leave it out, or see who signs what: vxsec trust show DIR",
            )


def key_set(spkis: Sequence[bytes], threshold: int, *, earlier: Mapping[str, bytes] | None = None) -> KeySet:
    """A role's keys under their key ids; those of ``earlier`` stay what they were.

    Raises:
        UsageError: ``trust.threshold``, or ``trust.key-kind`` for a key that TUF clients cannot verify.
    """
    distinct = list(dict.fromkeys(spkis))
    if not 1 <= threshold <= len(distinct):
        raise UsageError(
            f"expected a threshold from 1 to the number of different keys ({len(distinct)}), found {threshold}",
            code="trust.threshold",
            hint="give more keys, or a lower --threshold",
        )
    known = {spki: keyid for keyid, spki in (earlier or {}).items()}
    try:
        keys = {known.get(spki) or key_id(spki, where=key_hint(spki)): spki for spki in distinct}
    except FormatError as error:
        raise UsageError(
            error.message,
            code="trust.key-kind",
            where=error.where,
            hint="make a key for it: vxsec keys generate PREFIX",
        ) from error
    return KeySet(keys=keys, threshold=threshold)


def plain_signers(signers: Iterable[AnySigner]) -> list[Signer]:
    """Signers that make what TUF clients verify.

    Raises:
        UsageError: ``trust.key-kind`` for OpenPGP, SSH and keyless ones.
    """
    found: list[Signer] = []
    for signer in signers:
        if not isinstance(signer, DigestSigner):
            raise UsageError(
                f"metadata is signed with plain keys, not with {signer.hint}",
                code="trust.key-kind",
                hint="give a key file: --signer file:KEY",
            )
        found.append(signer)
    return found


def read_draft(fetch: Callable[[str], bytes | None], trust: VerifiedTrust) -> Draft:
    """The state of a repository that was verified, ready to be changed.

    Args:
        fetch: What it was verified through.
        trust: What was verified, every role of it.
    """

    def needed(name: str) -> bytes:
        return fetch(name) or b""

    versions = {name: role.version for name, role in trust.roles.items()}
    root = read_root(needed(f"{versions['root']}.root.json"), where="root")
    timestamp = read_timestamp(needed("timestamp.json"), where="timestamp")
    snapshot = read_snapshot(needed(f"{versions['snapshot']}.snapshot.json"), where="snapshot")
    top = read_targets(needed(f"{versions['targets']}.targets.json"), where="targets")
    targets = {
        role: dict(read_targets(needed(f"{versions[role]}.{role}.json"), where=role).targets)
        for role in DELEGATED_ROLES
    }
    return Draft(
        keys={**root.roles, **{one.name: one.keys for one in top.delegations}},
        versions=versions,
        targets=targets,
        files=dict(snapshot.files),
        snapshot=timestamp.snapshot,
    )

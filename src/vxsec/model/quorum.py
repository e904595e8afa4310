"""Counting who signed: distinct holders and distinct keys, never envelopes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Quorum", "Signer", "count_quorum"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """One verified signature, reduced to what counting needs; without a trust document the key is its own holder.

    ``materials`` is what the key is made of (``vxsec.formats.key_materials``): keys that share some of it are one key.
    """

    holder: str
    spki: bytes
    role: str | None = None
    materials: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quorum:
    """How many distinct holders signed with distinct keys, in all and in each role."""

    count: int
    per_role: Mapping[str, int]
    holders: tuple[str, ...]


def count_quorum(signers: Iterable[Signer]) -> Quorum:
    """Count ``signers`` so that nothing can be counted twice.

    Guarantees: one holder counts once however many keys, one key counts once however many holders or forms, and a
    holder counts once per role. The result does not depend on the order given.
    """
    ordered = sorted(signers, key=lambda s: (s.holder, s.spki, s.role or ""))
    roles = sorted({s.role for s in ordered if s.role is not None})
    key_of = _distinct_keys(ordered)
    matched = _distinct_holders(ordered, key_of)
    per_role = {role: len(_distinct_holders([s for s in ordered if s.role == role], key_of)) for role in roles}
    return Quorum(count=len(matched), per_role=per_role, holders=tuple(matched))


def _distinct_keys(signers: list[Signer]) -> dict[bytes, int]:
    """A number for each key, the same for keys that share material, directly or through another."""
    groups: list[set[bytes]] = []
    for signer in signers:
        group = {signer.spki, *signer.materials}
        shared = [other for other in groups if not other.isdisjoint(group)]
        groups = [other for other in groups if other.isdisjoint(group)]
        groups.append(group.union(*shared))
    return {part: number for number, group in enumerate(groups) for part in group}


def _distinct_holders(signers: list[Signer], key_of: Mapping[bytes, int]) -> list[str]:
    """The holders of a maximum matching between holders and keys (augmenting paths; both sides are small)."""
    keys_of: dict[str, list[int]] = {}
    for signer in signers:
        keys_of.setdefault(signer.holder, []).append(key_of[signer.spki])
    holder_of: dict[int, str] = {}

    def place(holder: str, tried: set[int]) -> bool:
        for key in keys_of[holder]:
            if key in tried:
                continue
            tried.add(key)
            if key not in holder_of or place(holder_of[key], tried):
                holder_of[key] = holder
                return True
        return False

    for holder in keys_of:
        place(holder, set())
    return sorted(holder_of.values())

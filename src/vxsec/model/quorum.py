"""Counting who signed: distinct holders and distinct keys, never envelopes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Quorum", "Signer", "count_quorum"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """One verified signature, reduced to what counting needs; without a trust document the key is its own holder."""

    holder: str
    spki: bytes
    role: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quorum:
    """How many distinct holders signed with distinct keys, in all and in each role."""

    count: int
    per_role: Mapping[str, int]
    holders: tuple[str, ...]


def count_quorum(signers: Iterable[Signer]) -> Quorum:
    """Count ``signers`` so that nothing can be counted twice.

    Guarantees: one holder counts once however many keys, one key counts once however many holders or encodings, and a
    holder counts once per role. The result does not depend on the order given.
    """
    ordered = sorted(signers, key=lambda s: (s.holder, s.spki, s.role or ""))
    roles = sorted({s.role for s in ordered if s.role is not None})
    matched = _distinct_holders(ordered)
    per_role = {role: len(_distinct_holders([s for s in ordered if s.role == role])) for role in roles}
    return Quorum(count=len(matched), per_role=per_role, holders=tuple(matched))


def _distinct_holders(signers: list[Signer]) -> list[str]:
    """The holders of a maximum matching between holders and keys (augmenting paths; both sides are small)."""
    keys_of: dict[str, list[bytes]] = {}
    for signer in signers:
        keys_of.setdefault(signer.holder, []).append(signer.spki)
    holder_of: dict[bytes, str] = {}

    def place(holder: str, tried: set[bytes]) -> bool:
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

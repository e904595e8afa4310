"""Counting who vouched for a signature: logs and timestamp authorities, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.model.quorum import Signer, count_quorum

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vxsec.model.verification import AuthorityKind, CountedAuthority

__all__ = ["count_authorities", "count_distinct"]


def count_authorities(authorities: Iterable[CountedAuthority], kind: AuthorityKind) -> int:
    """How many different authorities of one kind there are."""
    return count_distinct((one.name, one.key) for one in authorities if one.kind is kind)


def count_distinct(names: Iterable[tuple[str, bytes]]) -> int:
    """How many authorities there are, by name and key: one with two keys, or one key with two names, counts once.

    So many as can be told apart by both at once (a maximum matching): three keys under one name, one of which goes by three
    names, are two. Names are URIs; another case or a slash at the end makes no other authority.
    """
    return count_quorum(Signer(holder=name.casefold().rstrip("/"), spki=key) for name, key in names).count

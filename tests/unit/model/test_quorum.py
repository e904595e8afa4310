"""Counting signers: nothing counts twice, whatever is submitted how often and in which order."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.model.quorum import Signer, count_quorum


def _signers(*pairs: str) -> list[Signer]:
    """``holder:key`` or ``holder:key:role``."""
    parts = [pair.split(":") for pair in pairs]
    return [Signer(holder=p[0], spki=p[1].encode(), role=p[2] if len(p) > 2 else None) for p in parts]


CASES = {
    "nobody": ([], 0, {}),
    "one signer": (["a:1"], 1, {}),
    "two holders with a key each": (["a:1", "b:2"], 2, {}),
    "one envelope submitted three times": (["a:1:machine"] * 3, 1, {"machine": 1}),
    "one holder with two keys": (["a:1:human", "a:2:human"], 1, {"human": 1}),
    "two holders who share one key": (["a:1:human", "b:1:human"], 1, {"human": 1}),
    "two holders who share two keys": (["a:1", "a:2", "b:1", "b:2"], 2, {}),
    "a holder whose only key is another's spare one": (["a:1", "a:2", "b:1"], 2, {}),
    "the same, named in the other order": (["b:1", "b:2", "a:1"], 2, {}),
    "a chain of shared keys": (["a:1", "a:2", "b:2", "b:3", "c:3"], 3, {}),
    "three holders for two keys": (["a:1", "b:1", "b:2", "c:2"], 2, {}),
    "one of each role": (["ci:1:machine", "alice:2:human"], 2, {"machine": 1, "human": 1}),
    "one holder in two roles is one holder": (["a:1:machine", "a:2:human"], 1, {"machine": 1, "human": 1}),
    "one key in two roles of two holders": (["a:1:machine", "b:1:human"], 1, {"machine": 1, "human": 1}),
    "a machine that signs often cannot stand in for a person": (
        ["ci:1:machine", "ci:2:machine", "ci2:3:machine"],
        2,
        {"machine": 2},
    ),
}


@pytest.mark.parametrize(("pairs", "count", "per_role"), CASES.values(), ids=CASES.keys())
def test_counts(pairs: list[str], count: int, per_role: dict[str, int]) -> None:
    quorum = count_quorum(_signers(*pairs))
    assert (quorum.count, quorum.per_role) == (count, per_role)
    assert len(quorum.holders) == count


def _made_of(*signers: str) -> list[Signer]:
    """``holder:key:materials``, each material a letter."""
    parts = [signer.split(":") for signer in signers]
    return [Signer(holder=p[0], spki=p[1].encode(), materials=frozenset(x.encode() for x in p[2])) for p in parts]


MADE_OF = {
    "two keys of two secrets": (["a:1:x", "b:2:y"], 2),
    "one secret in two forms": (["a:1:x", "b:2:x"], 1),
    "a form of it that holds another secret as well": (["a:1:x", "b:2:xy"], 1),
    "a key whose form is another key's material": (["a:1:x", "b:2:1"], 1),
    "three forms, each sharing with the next": (["a:1:x", "b:2:xy", "c:3:y"], 1),
    "one secret in two forms, and another key": (["a:1:x", "b:2:x", "b:3:z"], 2),
    "one holder, two forms, and another holder": (["a:1:x", "a:2:x", "b:3:z"], 2),
    "two holders who share every secret": (["a:1:x", "a:2:y", "b:3:x", "b:4:y"], 2),
}


@pytest.mark.parametrize(("signers", "count"), MADE_OF.values(), ids=MADE_OF.keys())
def test_one_secret_is_one_key(signers: list[str], count: int) -> None:
    for found in (_made_of(*signers), _made_of(*reversed(signers))):
        assert count_quorum(found).count == count


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("1234"), st.sets(st.sampled_from("wxyz"))), max_size=8)
)
def test_shared_material_never_counts_more(found: list[tuple[str, str, set[str]]]) -> None:
    made_of = _made_of(*(f"{holder}:{key}:{''.join(sorted(parts))}" for holder, key, parts in found))
    plain = [Signer(holder=one.holder, spki=one.spki) for one in made_of]
    assert count_quorum(made_of).count <= count_quorum(plain).count
    assert count_quorum(made_of) == count_quorum(made_of[::-1])


signers = st.lists(
    st.builds(
        Signer,
        holder=st.sampled_from("abcd"),
        spki=st.sampled_from([b"1", b"2", b"3", b"4"]),
        role=st.sampled_from(["machine", "human", None]),
    ),
    max_size=8,
)


@given(signers, st.randoms(use_true_random=False))
def test_order_and_repetition_make_no_difference(found: list[Signer], chance: object) -> None:
    shuffled = found * 2
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert count_quorum(shuffled) == count_quorum(found)


@given(signers, signers)
def test_more_signers_never_count_less(found: list[Signer], more: list[Signer]) -> None:
    before, after = count_quorum(found), count_quorum(found + more)
    assert after.count >= before.count
    assert all(after.per_role[role] >= count for role, count in before.per_role.items())


@given(signers)
def test_it_is_the_largest_number_of_distinct_holders_with_distinct_keys(found: list[Signer]) -> None:
    pairs = sorted({(signer.holder, signer.spki) for signer in found})
    best = max(
        size
        for size in range(len(pairs) + 1)
        for chosen in combinations(pairs, size)
        if len({h for h, _ in chosen}) == size == len({k for _, k in chosen})
    )
    assert count_quorum(found).count == best

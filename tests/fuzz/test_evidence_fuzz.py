"""Hostile certificates, log entries, checkpoints and timestamps: only refusals escape, and what counts is what was signed."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import timedelta
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from vxsec.errors import VxsecError
from vxsec.formats.sigstore_bundle import read_bundle
from vxsec.formats.trusted_root import read_trusted_root
from vxsec.testing.sigstore.mint import BLOB, IDENTITY, SIGNED_AT, STATEMENT, Entry, Recipe, SigstoreMaterial, Stamp
from vxsec.verification.bundle import verify_bundle

NOW = SIGNED_AT + timedelta(days=1)
HEX = hashlib.sha256(BLOB).hexdigest()
RECIPES = (
    Recipe(),
    Recipe(entries=(Entry(log="v1"),)),
    Recipe(statement=STATEMENT, entries=(Entry(log="v1"),)),
    Recipe(stamps=(Stamp(embedded="chain"),)),
)
MATERIAL = SigstoreMaterial()
ROOT = json.loads(MATERIAL.trusted_root())
BUNDLES = [json.loads(MATERIAL.mint(recipe).bundle) for recipe in RECIPES]

Path = tuple[str | int, ...]
steps = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.sampled_from(["turn", "set", "cut", "insert", "repeat"]),
        st.binary(min_size=1, max_size=4),
    ),
    min_size=1,
    max_size=3,
)


def _leaves(value: Any, path: Path = ()) -> list[Path]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in _leaves(item, (*path, key))]
    if isinstance(value, list):
        return [leaf for index, item in enumerate(value) for leaf in _leaves(item, (*path, index))]
    return [path]


def _mutated(data: bytes, changes: list[tuple[float, str, bytes]]) -> bytes:
    for place, what, noise in changes:
        at = int(place * len(data))
        head, here, tail = data[:at], data[at : at + len(noise)], data[at + len(noise) :]
        data = {
            "turn": head + bytes(byte ^ 1 for byte in here) + tail,
            "set": head + noise + tail,
            "cut": head + tail,
            "insert": head + noise + here + tail,
            "repeat": head + here + here + tail,
        }[what]
    return data


def _changed(document: Any, path: Path, changes: list[tuple[float, str, bytes]]) -> Any:
    found = json.loads(json.dumps(document))
    holder = found
    for key in path[:-1]:
        holder = holder[key]
    value = str(holder[path[-1]])
    try:
        raw = base64.b64decode(value, validate=True)
    except ValueError:
        holder[path[-1]] = _mutated(value.encode(), changes).decode("utf-8", "replace")
    else:
        holder[path[-1]] = base64.b64encode(_mutated(raw, changes)).decode()
    return found


@cache
def _places(which: int) -> list[Path]:
    return _leaves(BUNDLES[which])


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(BUNDLES) - 1), st.integers(0), steps)
def test_a_changed_bundle_is_refused_or_still_says_what_was_signed(
    which: int, place: int, changes: list[tuple[float, str, bytes]]
) -> None:
    path = _places(which)[place % len(_places(which))]
    line = json.dumps(_changed(BUNDLES[which], path, changes)).encode()
    roots = read_trusted_root(json.dumps(ROOT).encode(), where="root")
    try:
        verified = verify_bundle(read_bundle(line, where="b"), roots=roots, sha256=HEX, blob=lambda: BLOB, now=NOW)
    except VxsecError as error:
        assert error.exit_status == 10  # noqa: PT017 - a refusal is one of the two right answers
        return
    assert verified.signature.identity is not None
    assert verified.signature.identity.subject == IDENTITY.subject
    assert {time.at for time in verified.signature.times} == {SIGNED_AT}


@settings(max_examples=200, deadline=None)
@given(st.integers(0), steps)
def test_a_changed_trusted_root_is_refused_or_judges(place: int, changes: list[tuple[float, str, bytes]]) -> None:
    paths = _leaves(ROOT)
    data = json.dumps(_changed(ROOT, paths[place % len(paths)], changes)).encode()
    try:
        roots = read_trusted_root(data, where="root")
        verify_bundle(read_bundle(json.dumps(BUNDLES[0]).encode(), where="b"), roots=roots, sha256=HEX, now=NOW)
    except VxsecError as error:
        assert error.exit_status == 10  # noqa: PT017 - likewise

"""Hostile keys documents, ``dist`` objects and signatures: only ``VxsecError`` escapes, and nothing forged counts."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from support.packument_kit import NAME, ORIGIN, VERSION, npm_shaped, packed
from support.signing_kit import DIGESTS, NOW
from vxsec.errors import FormatError, VerificationError
from vxsec.formats.npm_keys import is_npm_key, read_npm_keys, render_npm_keys
from vxsec.formats.packument import PackumentVersion, read_packument
from vxsec.formats.packument_dist import read_dist
from vxsec.inspection.packument import inspect_packument
from vxsec.model.npm import NpmClaim, NpmKey, NpmSignature
from vxsec.testing.registry_keys import keys_document, make_key
from vxsec.verification.npm_signature import verify_npm_signatures

KEY, OLD = make_key(), make_key().expire("2026-11-01T00:00:00.000Z")
DOCUMENT = keys_document([OLD, KEY])
GOOD = KEY.sign(NAME, VERSION, DIGESTS.integrity)
ARTIFACT = packed({"bin": {"a": "a.js"}, "dependencies": {"x": "1"}}, {"a.js": b""})
PACKUMENT = npm_shaped(ARTIFACT)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=6,
)
paths = st.lists(st.integers(0, 8), max_size=6)
texts = st.one_of(
    st.text(max_size=12),
    st.sampled_from([GOOD["sig"], GOOD["keyid"], KEY.keyid, "../x", "https://a@b/c", "\ud800", "sha512-", "\0"]),
)


def _replaced(document: Any, path: list[int], value: object) -> Any:
    """The document with the value at a pseudo-path replaced: each number picks a member."""
    if not path or not document or not isinstance(document, dict | list):
        return value
    if isinstance(document, list):
        index = path[0] % len(document)
        return [_replaced(v, path[1:], value) if i == index else v for i, v in enumerate(document)]
    key = sorted(document)[path[0] % len(document)]
    return {k: _replaced(v, path[1:], value) if k == key else v for k, v in document.items()}


@settings(max_examples=300, deadline=None)
@given(paths, json_values | texts)
def test_a_keys_document_with_any_value_replaced(path: list[int], value: object) -> None:
    data = json.dumps(_replaced(DOCUMENT, path, value)).encode()
    try:
        found = read_npm_keys(data, where="keys.json")
    except FormatError as error:
        assert error.code.startswith(("npm-keys.", "json.", "time."))  # noqa: PT017 - either outcome is fine
        return
    assert found.keys
    assert all(is_npm_key(key.spki) for key in found.keys)
    again = read_npm_keys(render_npm_keys(found.keys), where="again")
    assert [(key.keyid, key.spki) for key in again.keys] == [(key.keyid, key.spki) for key in found.keys]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_as_a_keys_document(data: bytes) -> None:
    try:
        read_npm_keys(data, where="keys.json")
    except FormatError as error:
        assert error.code  # noqa: PT017 - either outcome is fine


@settings(max_examples=200, deadline=None)
@given(json_values)
def test_any_value_as_dist(dist: object) -> None:
    listed = PackumentVersion(
        name=NAME, version=VERSION, integrity=None, shasum=None, tarball=None, document={"dist": dist}
    )
    try:
        read_dist(listed)
    except FormatError as error:
        assert error.code == "packument.shape"  # noqa: PT017 - either outcome is fine


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(texts, texts), max_size=4),
    st.lists(st.tuples(texts, texts, texts), max_size=2),
    st.booleans(),
)
def test_any_signatures(listed: list[tuple[str, str]], claims: list[tuple[str, str, str]], with_good: bool) -> None:
    signatures = [NpmSignature(keyid=keyid, sig=sig) for keyid, sig in listed]
    if with_good:
        signatures.append(NpmSignature(**GOOD))
    try:
        verdict = verify_npm_signatures(
            name=NAME,
            version=VERSION,
            integrity=DIGESTS.integrity,
            signatures=signatures,
            keys=[NpmKey(keyid=KEY.keyid, spki=KEY.spki, expires=None)],
            now=NOW,
            claims=[NpmClaim(name=a, version=b, integrity=c) for a, b, c in claims],
        )
    except VerificationError as error:
        assert error.code.startswith(("npm.", "key."))  # noqa: PT017 - either outcome is fine
        return
    assert NpmSignature(**GOOD) in signatures
    assert [key.keyid for key in verdict.value.keys] == [KEY.keyid]


@settings(max_examples=300, deadline=None)
@given(paths, json_values | texts)
def test_a_packument_with_any_value_replaced(path: list[int], value: object) -> None:
    data = json.dumps(_replaced(PACKUMENT, path, value)).encode()
    try:
        packument = read_packument(data, where="packument.json")
    except FormatError as error:
        assert error.code.startswith(("packument.", "json.", "time."))  # noqa: PT017 - either outcome is fine
        return
    findings, differences = inspect_packument(ARTIFACT, packument, registry=ORIGIN)
    assert all(len(finding.message) < 2000 for finding in findings)
    assert len(differences) <= len(findings)

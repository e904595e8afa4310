"""Hostile bytes at every door of signing and verifying: only ``VxsecError`` ever escapes, and nothing forged counts."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from support.signing_kit import DIGESTS, NOW, PACKAGE, REGISTRY, approval, release, signer, team
from vxsec.errors import ConfigurationError, FormatError, VxsecError
from vxsec.formats.cosign_key import decrypt_key
from vxsec.formats.release_statement import read_approval_predicate, read_release_predicate
from vxsec.formats.sigstore_bundle import read_bundle, read_bundle_lines
from vxsec.formats.statement import read_statement
from vxsec.formats.trust_document import parse_trust_document
from vxsec.model.attestation import Bundle
from vxsec.verification.bundle import verify_bundle
from vxsec.verification.release import SourceKind, derive_signatures

CI = signer("ci")
GOOD = release(CI).line
SEEDS = (GOOD, approval(signer("alice")).line, base64.b64decode(json.loads(GOOD)["dsseEnvelope"]["payload"]))

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=6,
)
mutations = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True), st.sampled_from(["flip", "cut", "insert", "repeat"]), st.binary(max_size=4)
    ),
    min_size=1,
    max_size=4,
)


def _mutated(data: bytes, steps: list[tuple[float, str, bytes]]) -> bytes:
    for place, what, noise in steps:
        at = int(place * len(data))
        if what == "flip":
            data = data[:at] + bytes(b ^ 1 for b in data[at : at + 1]) + data[at + 1 :]
        elif what == "cut":
            data = data[:at] + data[at + 1 + len(noise) :]
        elif what == "insert":
            data = data[:at] + noise + data[at:]
        else:
            data = data[:at] + data[at : at + 40] + data[at:]
    return data


def _replaced(document: Any, path: list[int], value: object) -> Any:
    """The document with the value at a pseudo-path replaced: each number picks a member."""
    if not path or not document or not isinstance(document, dict | list):
        return value
    if isinstance(document, list):
        index = path[0] % len(document)
        return [_replaced(v, path[1:], value) if i == index else v for i, v in enumerate(document)]
    key = sorted(document)[path[0] % len(document)]
    return {k: _replaced(v, path[1:], value) if k == key else v for k, v in document.items()}


def _judge(bundles: list[Any]) -> int:
    signatures, approvals = derive_signatures(
        [(bundle, "x", SourceKind.GIVEN) for bundle in bundles],
        artifact_package=PACKAGE,
        digests=DIGESTS,
        registry_url=REGISTRY,
        trust=team(),
        now=NOW,
    )
    assert len(approvals.approvals) <= len(signatures.signers)
    return len(signatures.signers)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(SEEDS), mutations)
def test_mutated_bundles_and_statements(seed: bytes, steps: list[tuple[float, str, bytes]]) -> None:
    data = _mutated(seed, steps)
    for bundle in read_bundle_lines(data, where="x"):
        if isinstance(bundle, Bundle):
            _judge([bundle])
    try:
        statement = read_statement(data, where="s")
        read_release_predicate(statement)
    except FormatError as error:
        assert error.code.startswith("statement.")  # noqa: PT017


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 8), max_size=6), json_values)
def test_a_bundle_with_any_value_replaced(path: list[int], value: object) -> None:
    data = json.dumps(_replaced(json.loads(GOOD), path, value)).encode()
    try:
        verified = verify_bundle(read_bundle(data, where="x"), keys=[CI.spki])
    except VxsecError:
        return
    assert verified.spki == CI.spki


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 8), max_size=5), json_values)
def test_a_statement_with_any_value_replaced(path: list[int], value: object) -> None:
    for seed in SEEDS[:2]:
        payload = json.loads(base64.b64decode(json.loads(seed)["dsseEnvelope"]["payload"]))
        data = json.dumps(_replaced(payload, path, value)).encode()
        try:
            statement = read_statement(data, where="s")
            (read_release_predicate if seed is GOOD else read_approval_predicate)(statement)
        except FormatError as error:
            assert error.code.startswith("statement.")  # noqa: PT017


@settings(max_examples=200, deadline=None)
@given(mutations)
def test_a_changed_payload_never_counts(steps: list[tuple[float, str, bytes]]) -> None:
    document = json.loads(GOOD)
    payload = base64.b64decode(document["dsseEnvelope"]["payload"])
    changed = _mutated(payload, steps)
    document["dsseEnvelope"]["payload"] = base64.b64encode(changed).decode()
    found = read_bundle_lines(json.dumps(document).encode(), where="x")
    assert _judge(list(found)) == (1 if changed == payload else 0)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 8), max_size=5), json_values)
def test_a_trust_document_with_any_value_replaced(path: list[int], value: object) -> None:
    document = {
        "apiVersion": "vxsec/trust/v1",
        "kind": "Identities",
        "keys": [
            {
                "id": "ci",
                "spki": base64.b64encode(CI.spki).decode(),
                "roles": ["machine"],
                "from": "2026-11-01T00:00:00Z",
                "until": "2027-11-01T00:00:00Z",
                "holder": "ci",
            }
        ],
        "holders": [{"id": "ci", "kind": "machine"}],
        "registries": {"internal": {"url": REGISTRY, "scopes": ["@vextrus"]}},
        "revocations": [{"key": "ci", "reason": "superseded", "since": "2026-12-01T00:00:00Z"}],
    }
    data = json.dumps(_replaced(document, path, value)).encode()
    try:
        root = parse_trust_document(data, source="trust.json", load_key=lambda _: CI.spki)
    except ConfigurationError:
        return
    assert root.keys


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 8), max_size=4), json_values)
def test_a_key_file_with_any_value_replaced(path: list[int], value: object) -> None:
    document = {
        "kdf": {"name": "scrypt", "params": {"N": 2, "r": 1, "p": 1}, "salt": "c2FsdA=="},
        "cipher": {"name": "nacl/secretbox", "nonce": base64.b64encode(b"n" * 24).decode()},
        "ciphertext": base64.b64encode(b"c" * 64).decode(),
    }
    body = base64.b64encode(json.dumps(_replaced(document, path, value)).encode()).decode()
    label = "ENCRYPTED SIGSTORE PRIVATE KEY"
    try:
        decrypt_key(f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n".encode(), b"pw", where="k")
    except ConfigurationError as error:
        assert error.code in {"key.malformed", "key.wrong-password"}  # noqa: PT017

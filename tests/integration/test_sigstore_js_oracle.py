"""Four verifiers over the same minted bundles: sigstore-python, sigstore-js, cosign, and ours. Every difference has its reason.

A case is expected to be accepted or refused; each oracle agrees, or stands in ``DIFFERENCES`` with why it does not. An oracle
that changes its mind fails here, so that the table stays true.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

import pytest

from support.node_tools import node_tools_or_skip
from support.sigstore_cases import CASES, Case
from support.sigstore_oracles import Question, Said, ask_cosign, ask_javascript, ask_python
from vxsec.errors import FormatError, VerificationError
from vxsec.formats.sigstore_bundle import read_bundle
from vxsec.formats.trusted_root import read_trusted_root
from vxsec.testing.sigstore.mint import BLOB, IDENTITY, SIGNED_AT, SigstoreMaterial
from vxsec.verification.bundle import verify_bundle
from vxsec.verification.identity import require_identity

if TYPE_CHECKING:
    from pathlib import Path

NOW = SIGNED_AT + timedelta(hours=6)
PROGRAM = os.environ.get("VXSEC_COSIGN") or shutil.which("cosign")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What an oracle says where it differs from what we expect: the beginning of its error's kind and text, and why."""

    says: str
    why: str


ACCEPTS = "accepts"
NO_KEYS = "it has no bundles by key at all"
ONE_ENTRY = "it wants exactly one log entry in every bundle"
WINDOWS = "it looks at no window of a certificate authority, CT log or Rekor at the time of signing"
NO_V2_WINDOW = "it compares the window with the integrated time, which a Rekor 2 entry does not have"
NO_PROOF_V01 = "its model of a bundle wants an inclusion proof in every version"
ONLY_ECDSA = "it verifies with ECDSA keys only, and crashes on others instead of refusing"
TREE_HEAD = "it takes size or root hash from the checkpoint alone and never compares those of the proof with it"
ORIGIN = "it does not compare a checkpoint's origin with the log's, only the signature's name or key hint"
PROFILE = "it builds the chain and looks at no usage, constraint or critical extension of the leaf"
ROOT_TOO = "it takes a chain down to the root in older bundles, sigstore-python with a warning; the root it uses is the trusted one"
ANY_NAME = "it is enough that one of the names, here the first, is the one asked for"
PAYLOAD_TYPE = "it hands the payload's type to its caller, who has to look at it"
CLOCK = "it does not compare a trusted time with the clock"
VERIFIER = "it compares the digest and the signature with the log entry, and not who is said to have made it"

PYTHON: dict[str, Difference] = {
    "bundle v0.1 with a promise and no proof": Difference(says="InvalidBundle", why=NO_PROOF_V01),
    "every window open for this very second": Difference(
        says="VerificationError: not enough sources of verified time",
        why="it takes the end of a timestamp authority's window as outside; the specification says closed",
    ),
    "a P-384 leaf with SHA-384": Difference(
        says="VerificationError: Bundle message digest mismatch", why="it hashes with SHA-256 whatever the key"
    ),
    "a P-384 leaf with SHA-384 over an envelope": Difference(
        says="VerificationError: DSSE: invalid signature", why="it hashes with SHA-256 whatever the key"
    ),
    "an Ed25519 leaf over an envelope": Difference(says="TypeError", why=ONLY_ECDSA),
    "an RSA leaf": Difference(says="TypeError", why=ONLY_ECDSA),
    "an RSA leaf over an envelope": Difference(says="TypeError", why=ONLY_ECDSA),
    "no log entry, a timestamp": Difference(says="InvalidBundle", why=ONE_ENTRY),
    "an in-toto entry": Difference(
        says="VerificationError: Integrated time only supported", why="it knows no entries of kind intoto"
    ),
    "a dsse 0.0.2 entry": Difference(
        says="VerificationError: Unsupported DSSE log entry type",
        why="it knows envelopes in Rekor 2 as hashedrekord only",
    ),
    "an envelope logged like a file, by what was signed": Difference(
        says="VerificationError: Unsupported DSSE log entry type", why="it knows envelopes in Rekor 1 as dsse only"
    ),
    "two entries in two logs": Difference(says="InvalidBundle: expected exactly one log entry", why=ONE_ENTRY),
    "two CT timestamps of one log": Difference(
        says="VerificationError: failed to verify SCT", why="it wants exactly one CT timestamp"
    ),
    "a good CT timestamp and one of a stranger": Difference(
        says="VerificationError: failed to verify SCT", why="it wants exactly one CT timestamp"
    ),
    "a key in place of a certificate": Difference(says="InvalidBundle: expected certificate", why=NO_KEYS),
    "a key and Rekor 1": Difference(says="InvalidBundle: expected certificate", why=NO_KEYS),
    "a key and a timestamp, no log": Difference(says="InvalidBundle", why=NO_KEYS),
    "the CA's window ended": Difference(says=ACCEPTS, why=WINDOWS),
    "the CT log's window ended": Difference(says=ACCEPTS, why=WINDOWS),
    "Rekor 1's window ended": Difference(says=ACCEPTS, why=WINDOWS),
    "Rekor 2's window ended": Difference(says=ACCEPTS, why=WINDOWS),
    "a chain with its root in bundle v0.2": Difference(says=ACCEPTS, why=ROOT_TOO),
    "the leaf names two": Difference(says=ACCEPTS, why=ANY_NAME),
    "the payload type is not in-toto's": Difference(says=ACCEPTS, why=PAYLOAD_TYPE),
    "a promised time that is yet to come": Difference(says=ACCEPTS, why=CLOCK),
    "a timestamp that is yet to come": Difference(says=ACCEPTS, why=CLOCK),
    "the proof's index is not the entry's": Difference(
        says=ACCEPTS, why="it verifies the proof with the proof's own index and leaves the entry's alone"
    ),
    "the proof's size is not the checkpoint's": Difference(says=ACCEPTS, why=TREE_HEAD),
    "the Rekor 1 proof's size is not the checkpoint's": Difference(says=ACCEPTS, why=TREE_HEAD),
    "the checkpoint has another size": Difference(says=ACCEPTS, why=TREE_HEAD),
    "the checkpoint has another origin": Difference(says=ACCEPTS, why=ORIGIN),
}

JAVASCRIPT: dict[str, Difference] = {
    "a P-384 leaf with SHA-384 over an envelope": Difference(
        says="TLOG_BODY_ERROR: digest mismatch", why="it hashes the envelope with SHA-256 whatever the log entry says"
    ),
    "no log entry, a timestamp": Difference(
        says="TLOG_ERROR", why="asked for one entry, as npm asks; it is a parameter"
    ),
    "two CT timestamps of one log": Difference(
        says="CERTIFICATE_ERROR: duplicate SCT", why="it refuses two by one log instead of counting them once"
    ),
    "a good CT timestamp and one of a stranger": Difference(
        says="CERTIFICATE_ERROR: SCT verification failed", why="one that does not verify voids the others"
    ),
    "a good timestamp and one of a stranger": Difference(
        says="TIMESTAMP_ERROR", why="one that does not verify voids the others"
    ),
    "a key and a timestamp, no log": Difference(
        says="TLOG_ERROR", why="asked for one entry, as npm asks; it is a parameter"
    ),
    "a bare signature that states no digest": Difference(
        says="Error: invalid bundle", why="its model of a bundle wants the digest, which the specification calls a hint"
    ),
    "Rekor 2's window ended": Difference(says=ACCEPTS, why=NO_V2_WINDOW),
    "Rekor 2's window had not begun": Difference(says=ACCEPTS, why=NO_V2_WINDOW),
    "the leaf is an authority": Difference(says=ACCEPTS, why=PROFILE),
    "the leaf may not sign code": Difference(says=ACCEPTS, why=PROFILE),
    "the leaf may not sign data": Difference(says=ACCEPTS, why=PROFILE),
    "the leaf has an unknown critical extension": Difference(says=ACCEPTS, why=PROFILE),
    "a chain with its root in bundle v0.2": Difference(says=ACCEPTS, why=ROOT_TOO),
    "the leaf names two": Difference(says=ACCEPTS, why=ANY_NAME),
    "the payload type is not in-toto's": Difference(says=ACCEPTS, why=PAYLOAD_TYPE),
    "a promised time that is yet to come": Difference(says=ACCEPTS, why=CLOCK),
    "a timestamp that is yet to come": Difference(says=ACCEPTS, why=CLOCK),
    "a media type that nobody knows": Difference(says=ACCEPTS, why="it takes every later media type for v0.3"),
    "the entry logged another key": Difference(says=ACCEPTS, why=VERIFIER),
    "the Rekor 1 entry logged another key": Difference(says=ACCEPTS, why=VERIFIER),
    "the proof's index is not the entry's": Difference(
        says=ACCEPTS, why="it verifies the proof with the proof's own index and leaves the entry's alone"
    ),
    "the proof's size is not the checkpoint's": Difference(says=ACCEPTS, why=TREE_HEAD),
    "the Rekor 1 proof's size is not the checkpoint's": Difference(says=ACCEPTS, why=TREE_HEAD),
    "the proof's root hash is another": Difference(says=ACCEPTS, why=TREE_HEAD),
    "the checkpoint has another size": Difference(says=ACCEPTS, why=TREE_HEAD),
    "the checkpoint has another origin": Difference(says=ACCEPTS, why=ORIGIN),
    "the checkpoint's origin is empty": Difference(says=ACCEPTS, why=ORIGIN),
    "the timestamp authority's certificate is not for timestamps": Difference(
        says=ACCEPTS, why="it does not look at the extended key usage of a timestamp authority's certificate"
    ),
}

NO_ENTRY = "failed to verify log inclusion: not enough verified log entries"
ASKS_FOR_ONE = "it asks for one log entry by default; leaving that out is an option of its own"
REBUILT = "it makes the leaf of a Rekor 2 entry from the bundle again and never reads what the entry says of itself"
USAGE = "it looks at the extended key usage, and not at basic constraints and key usage"

COSIGN: dict[str, Difference] = {
    "no log entry, a timestamp": Difference(says=f"Error: {NO_ENTRY}", why=ASKS_FOR_ONE),
    "a key and a timestamp, no log": Difference(says=f"Error: {NO_ENTRY}", why=ASKS_FOR_ONE),
    "an envelope logged like a file, by what was signed": Difference(
        says="Error: failed to verify log inclusion: transparency log rekor v1 entry is not a dsse_v001",
        why="it knows envelopes in Rekor 1 as dsse and intoto only",
    ),
    "a dsse 0.0.2 entry": Difference(
        says="Error: --trusted-root only supported with --new-bundle-format",
        why="it cannot load the entry: it knows envelopes in Rekor 2 as hashedrekord only",
    ),
    "a bare signature that states no digest": Difference(
        says="Error: failed to verify log inclusion: validation error: missing verification material",
        why="it makes the leaf of a Rekor 2 entry from the digest that the bundle states",
    ),
    "a Rekor 2 entry with a time that nobody promised, and a timestamp": Difference(
        says="Error: failed to verify timestamps: threshold not met for verified log entry integrated timestamps",
        why="a time in the entry makes it ask for the promise, whatever timestamps there are",
    ),
    "Rekor 2's window ended": Difference(says=ACCEPTS, why=NO_V2_WINDOW),
    "Rekor 2's window had not begun": Difference(says=ACCEPTS, why=NO_V2_WINDOW),
    "a chain with its root in bundle v0.2": Difference(says=ACCEPTS, why=ROOT_TOO),
    "the leaf is an authority": Difference(says=ACCEPTS, why=USAGE),
    "the leaf may not sign data": Difference(says=ACCEPTS, why=USAGE),
    "the leaf names two": Difference(says=ACCEPTS, why=ANY_NAME),
    "the entry states another kind": Difference(says=ACCEPTS, why=REBUILT),
    "the entry states another version": Difference(says=ACCEPTS, why=REBUILT),
    "the entry states a kind nobody knows": Difference(says=ACCEPTS, why=REBUILT),
    "the proof's size is not the checkpoint's": Difference(says=ACCEPTS, why=TREE_HEAD),
    "the Rekor 1 proof's size is not the checkpoint's": Difference(says=ACCEPTS, why=TREE_HEAD),
    "the proof's root hash is another": Difference(says=ACCEPTS, why=TREE_HEAD),
    "the checkpoint has another size": Difference(says=ACCEPTS, why=TREE_HEAD),
    "a promised time that is yet to come": Difference(says=ACCEPTS, why=CLOCK),
    "a timestamp that is yet to come": Difference(says=ACCEPTS, why=CLOCK),
    "one timestamp twice": Difference(says=ACCEPTS, why="it asks for one, and leaves the same one again alone"),
    "two timestamps, one outside the certificate": Difference(
        says=ACCEPTS, why="one time at which the certificate was valid is enough for it"
    ),
}


@cache
def questions() -> dict[str, Question]:
    material = SigstoreMaterial()
    return {name: _question(material, case) for name, case in CASES.items()}


@cache
def javascript() -> dict[str, Said]:
    asked = questions()
    return dict(zip(asked, ask_javascript(node_tools_or_skip(), list(asked.values())), strict=True))


def _good(name: str) -> bool:
    return CASES[name].refused is None


def _question(material: SigstoreMaterial, case: Case) -> Question:
    minted = material.mint(case.recipe)
    identity = case.recipe.identity.subject if case.recipe.identity.kind == "uri" else IDENTITY.subject
    return Question(
        root=material.trusted_root(case.root),
        bundle=minted.bundle,
        blob=minted.blob if minted.payload is None else None,
        identity=identity,
        issuer=IDENTITY.issuer,
        spki=minted.spki if minted.certificate is None else None,
    )


def _hold(name: str, said: Said, differences: dict[str, Difference]) -> None:
    difference = differences.get(name)
    if difference is None:
        assert said.accepted == _good(name), f"{said.code}: {said.message}"
    elif difference.says == ACCEPTS:
        assert said.accepted
        assert not _good(name)
    else:
        assert not said.accepted
        assert _good(name)
        assert f"{said.code}: {said.message}".startswith(difference.says)


@pytest.mark.parametrize("name", CASES)
def test_sigstore_python_agrees_or_its_difference_has_a_reason(name: str) -> None:
    _hold(name, ask_python(questions()[name]), PYTHON)


@pytest.mark.node
@pytest.mark.parametrize("name", CASES)
def test_sigstore_js_agrees_or_its_difference_has_a_reason(name: str) -> None:
    _hold(name, javascript()[name], JAVASCRIPT)


@pytest.mark.cosign
@pytest.mark.skipif(PROGRAM is None, reason="cosign is not on PATH, and VXSEC_COSIGN does not name it")
@pytest.mark.parametrize("name", CASES)
def test_cosign_agrees_or_its_difference_has_a_reason(name: str, tmp_path: Path) -> None:
    assert PROGRAM is not None
    _hold(name, ask_cosign(PROGRAM, questions()[name], tmp_path), COSIGN)


@pytest.mark.parametrize("name", CASES)
def test_we_accept_what_is_right_and_refuse_the_rest_for_its_reason(name: str) -> None:
    case, asked = CASES[name], questions()[name]
    if case.refused is None:
        _verify(case, asked)
    else:
        with pytest.raises((FormatError, VerificationError)) as caught:
            _verify(case, asked)
        assert caught.value.code == case.refused


def _verify(case: Case, asked: Question) -> None:
    data = BLOB if asked.blob is None else asked.blob
    verified = verify_bundle(
        read_bundle(asked.bundle, where="minted"),
        keys=() if asked.spki is None else (asked.spki,),
        roots=read_trusted_root(asked.root, where="minted"),
        requirements=case.asked,
        sha256=hashlib.sha256(data).hexdigest(),
        blob=lambda: data,
        now=NOW,
    )
    if asked.spki is None:
        require_identity(verified.signature, subject=asked.identity, issuer=asked.issuer)


@pytest.mark.node
def test_all_accept_a_log_that_signs_with_ecdsa() -> None:
    case = CASES["a file, Rekor 2 and a timestamp"]
    asked = _question(SigstoreMaterial(log_key="ecdsa-p256"), case)
    _verify(case, asked)
    assert ask_python(asked).accepted
    assert ask_javascript(node_tools_or_skip(), [asked])[0].accepted


def test_every_difference_is_about_a_case() -> None:
    assert sorted((PYTHON.keys() | JAVASCRIPT.keys() | COSIGN.keys()) - CASES.keys()) == []

"""Hostile bytes at the doors for other tools' documents: only the errors that are meant escape, and nothing is fetched."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.interop_kit import (
    GITHUB,
    GITLAB,
    github_document,
    github_identity,
    npm_document,
    provenance_bundle,
    statement,
    wheel_bundle,
)
from support.signing_kit import release, signer
from vxsec.errors import FormatError, UsageError, VerificationError
from vxsec.formats.bundle_documents import read_bundle_document
from vxsec.formats.dsse_envelope import read_envelope, write_envelope
from vxsec.formats.npm_attestations import read_publish_predicate
from vxsec.formats.pep740 import PublishedAttestations, from_bundle, read_provenance, to_bundle, write_provenance
from vxsec.formats.slsa_provenance import read_provenance_predicate, workflow_source
from vxsec.formats.statement import read_statement
from vxsec.limits import Limits
from vxsec.model.attestation import INTOTO_PAYLOAD_TYPE, Bundle, Envelope, EnvelopeSignature, pae
from vxsec.model.verification import CertificateIdentity
from vxsec.model.verified import VerifiedSignature, VerifiedStatement
from vxsec.usecases.provenance import BuildPlace, build_provenance
from vxsec.verification.envelope import split_envelope, verify_envelope
from vxsec.verification.provenance import PROVENANCE_CHECKS, check_provenance

if TYPE_CHECKING:
    from pathlib import Path

A, B = signer("a"), signer("b", "ed25519")
PAYLOAD = json.loads(release(A).line)["dsseEnvelope"]["payload"]
SIGNED = pae(INTOTO_PAYLOAD_TYPE, base64.b64decode(PAYLOAD))
ENVELOPE = write_envelope(
    Envelope(
        payload_type=INTOTO_PAYLOAD_TYPE,
        payload=base64.b64decode(PAYLOAD),
        signatures=(
            EnvelopeSignature(keyid="", sig=A.sign(SIGNED)),
            EnvelopeSignature(keyid="b", sig=B.sign(SIGNED)),
        ),
    )
)
WHEEL = wheel_bundle()
PEP740 = from_bundle(WHEEL)
DOCUMENTS = {
    "npm": json.dumps(npm_document()).encode(),
    "GitHub": json.dumps(github_document()).encode(),
    "PEP 740": PEP740,
    "PEP 740 provenance": write_provenance([PublishedAttestations(kind="GitHub", attestations=(WHEEL,))]),
    "lines": provenance_bundle().line + b"\n" + WHEEL.line,
}
JOB = CertificateIdentity(
    subject=github_identity().subject, issuer=github_identity().issuer, claims=dict(github_identity().claims)
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=6,
)
paths = st.lists(st.integers(0, 12), max_size=8)
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


def _judge_envelope(data: bytes) -> list[bytes]:
    keys = [A.spki, B.spki]
    try:
        envelope = read_envelope(data, where="e")
        verified = verify_envelope(envelope, keys=keys, limits=Limits(envelope_checks=8))
        split_envelope(envelope, keys=keys, names=["openpgp:AB"], limits=Limits(envelope_checks=8))
    except (FormatError, VerificationError):
        return []
    assert {one.spki for one in verified} <= set(keys)
    return [one.spki for one in verified]


def _read_all(data: bytes) -> None:
    try:
        found = read_bundle_document(data, where="d", limits=Limits(bundles_per_subject=16))
    except FormatError:
        return
    for item in found:
        if isinstance(item, Bundle):
            try:
                back = to_bundle(from_bundle(item), where="back")
            except FormatError as error:
                assert error.code.startswith(("pep740.", "bundle.", "tlog."))  # noqa: PT017
            else:
                assert (back.certificates, back.log_entries, back.timestamps) == (
                    item.certificates,
                    item.log_entries,
                    item.timestamps,
                )


@settings(max_examples=150)
@given(mutations)
def test_mutated_envelopes(steps: list[tuple[float, str, bytes]]) -> None:
    _judge_envelope(_mutated(ENVELOPE, steps))


@settings(max_examples=150)
@given(paths, json_values)
def test_an_envelope_with_any_value_replaced(path: list[int], value: object) -> None:
    _judge_envelope(json.dumps(_replaced(json.loads(ENVELOPE), path, value)).encode())


@settings(max_examples=100)
@given(mutations)
def test_a_changed_payload_never_verifies(steps: list[tuple[float, str, bytes]]) -> None:
    document = json.loads(ENVELOPE)
    changed = _mutated(base64.b64decode(document["payload"]), steps)
    document["payload"] = base64.b64encode(changed).decode()
    found = _judge_envelope(json.dumps(document).encode())
    assert found == ([A.spki, B.spki] if changed == base64.b64decode(PAYLOAD) else [])


@settings(max_examples=60)
@given(st.lists(st.tuples(st.text(max_size=6), st.binary(max_size=80)), max_size=20), st.integers(0, 20))
def test_junk_beside_a_good_signature_changes_nothing(junk: list[tuple[str, bytes]], place: int) -> None:
    document = json.loads(ENVELOPE)
    entries = [{"keyid": keyid, "sig": base64.b64encode(sig).decode()} for keyid, sig in junk]
    document["signatures"] = entries[:place] + document["signatures"] + entries[place:]
    assert _judge_envelope(json.dumps(document).encode()) == [A.spki, B.spki]


@pytest.mark.parametrize("data", DOCUMENTS.values(), ids=DOCUMENTS.keys())
@settings(max_examples=60)
@given(steps=mutations)
def test_mutated_documents(data: bytes, steps: list[tuple[float, str, bytes]]) -> None:
    _read_all(_mutated(data, steps))


@pytest.mark.parametrize("data", [*DOCUMENTS.values()][:4], ids=[*DOCUMENTS.keys()][:4])
@settings(max_examples=60)
@given(path=paths, value=json_values)
def test_a_document_with_any_value_replaced(data: bytes, path: list[int], value: object) -> None:
    changed = json.dumps(_replaced(json.loads(data), path, value)).encode()
    _read_all(changed)
    for read in (to_bundle, read_provenance):
        try:
            read(changed, where="x")
        except FormatError as error:
            assert error.code.startswith(("pep740.", "bundle.", "tlog."))  # noqa: PT017


@settings(max_examples=150)
@given(paths, json_values)
def test_a_provenance_with_any_value_replaced(path: list[int], value: object) -> None:
    document = json.loads(statement())
    predicate = _replaced(document["predicate"], path, value)
    try:
        found = read_statement(json.dumps(document | {"predicate": predicate}).encode(), where="s")
    except FormatError as error:
        assert error.code == "statement.malformed"  # noqa: PT017
        return
    verified = VerifiedStatement(statement=found, signature=VerifiedSignature(spki=A.spki, identity=JOB))
    verdict = check_provenance(verified, builders={JOB.subject: 3})
    assert tuple(check.id for check in verdict.checks) == PROVENANCE_CHECKS
    assert verdict.claims == JOB.claims
    for read in (read_provenance_predicate, read_publish_predicate):
        try:
            read(found)
        except FormatError as error:
            assert error.code.startswith(("provenance.", "npm-attestations."))  # noqa: PT017


@settings(max_examples=150)
@given(st.sampled_from([GITHUB, GITLAB]), st.integers(0, 12), st.text(max_size=30))
def test_an_environment_with_any_value_replaced(environ: dict[str, str], place: int, value: str) -> None:
    name = sorted(environ)[place % len(environ)]
    where = BuildPlace.GITHUB if environ is GITHUB else BuildPlace.GITLAB
    try:
        predicate = build_provenance({**environ, name: value}, place=where)
    except UsageError as error:
        assert error.code == "provenance.environment"  # noqa: PT017
        return
    document = json.loads(statement()) | {"predicate": predicate}
    assert workflow_source(read_provenance_predicate(read_statement(json.dumps(document).encode(), where="s")))


PROGRAM = """
import sys
from vxsec.formats.bundle_documents import read_bundle_document
from vxsec.formats.dsse_envelope import read_envelope
from vxsec.formats.pep740 import to_bundle, from_bundle
from vxsec.model.attestation import Bundle
from vxsec.verification.bundle import verify_bundle
from vxsec.verification.envelope import verify_envelope
from vxsec.errors import VxsecError
import vxsec.formats.npm_attestations, vxsec.formats.github_attestations, vxsec.formats.slsa_provenance, urllib.request

def watch(event, arguments):
    if event.startswith(("socket.", "urllib.", "http.client", "subprocess.", "os.exec", "os.system", "os.posix_spawn")):
        print("reached out:", event, arguments[:2], flush=True)

sys.addaudithook(watch)
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        data = file.read()
    try:
        for item in read_bundle_document(data, where=path):
            if isinstance(item, Bundle):
                verify_bundle(item, keys=[KEY])
    except VxsecError:
        pass
    try:
        verify_envelope(read_envelope(data, where=path), keys=[KEY])
    except VxsecError:
        pass
try:
    urllib.request.urlopen("http://127.0.0.1:9/", timeout=1)
except OSError:
    pass
print("done")
"""


def test_no_address_in_any_document_is_ever_fetched(tmp_path: Path) -> None:
    """The hook watches a process of its own; the last request, made on purpose, shows that it sees what it should."""
    hostile = [
        *DOCUMENTS.values(),
        ENVELOPE,
        json.dumps({"attestations": [{"bundle": None, "bundle_url": "http://127.0.0.1:9/x"}]}).encode(),
        json.dumps({"attestations": [{"predicateType": "http://127.0.0.1:9/", "bundle": {"mediaType": "x"}}]}).encode(),
        json.dumps(json.loads(PEP740) | {"provenance": "http://127.0.0.1:9/x"}).encode(),
    ]
    files = []
    for number, data in enumerate(hostile):
        path = tmp_path / f"{number}.json"
        path.write_bytes(data)
        files.append(str(path))
    program = PROGRAM.replace("KEY", repr(A.spki))
    done = subprocess.run(
        [sys.executable, "-c", program, *files], capture_output=True, text=True, check=True, timeout=120
    )
    said = done.stdout.splitlines()
    assert said[-1] == "done"
    assert said[0].startswith("reached out: urllib.Request ('http://127.0.0.1:9/'")


def test_the_seeds_of_this_file_are_good_as_they_stand() -> None:
    assert _judge_envelope(ENVELOPE) == [A.spki, B.spki]
    for data in DOCUMENTS.values():
        assert all(isinstance(item, Bundle) for item in read_bundle_document(data, where="d"))

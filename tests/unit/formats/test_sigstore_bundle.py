"""Sigstore bundles: one signature over one content, or a refusal that names the line."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from support.certificate_kit import certificate
from support.signing_kit import release, signer
from vxsec.errors import FormatError
from vxsec.formats.der import render_der
from vxsec.formats.public_key import key_hint
from vxsec.formats.sigstore_bundle import read_bundle, read_bundle_lines, render_dsse_bundle, render_message_bundle
from vxsec.limits import Limits
from vxsec.model.attestation import Bundle, Envelope, EnvelopeSignature, MessageSignature, RejectedSignature
from vxsec.model.transparency import InclusionProof, LogEntry

LINE = render_dsse_bundle("application/vnd.in-toto+json", b"payload", b"signature", "hint")
MESSAGE = render_message_bundle(b"d" * 32, b"signature", "hint")
OLD = "application/vnd.dev.sigstore.bundle+json;version=0."


def _with(path: str, value: object, line: bytes = LINE) -> bytes:
    document: Any = json.loads(line)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    node = document
    for part in parents:
        node = node[part]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return json.dumps(document).encode()


def test_a_dsse_bundle_is_read_back() -> None:
    bundle = read_bundle(LINE, where="b")
    assert b"\n" not in LINE
    assert (bundle.key_hint, bundle.certificates, bundle.line) == ("hint", (), LINE)
    assert bundle.media_type == "application/vnd.dev.sigstore.bundle.v0.3+json"
    assert bundle.content == Envelope(
        payload_type="application/vnd.in-toto+json",
        payload=b"payload",
        signatures=(EnvelopeSignature(keyid="", sig=b"signature"),),
    )


def test_a_message_bundle_is_read_back() -> None:
    bundle = read_bundle(MESSAGE, where="b")
    assert bundle.content == MessageSignature(digest_algorithm="SHA2_256", digest=b"d" * 32, signature=b"signature")


READ = {
    "the other spelling of v0.3": _with("mediaType", OLD + "3"),
    "v0.2": _with("mediaType", OLD + "2"),
    "v0.1": _with("mediaType", OLD + "1"),
    "null where there are no log entries and timestamps": _with(
        "verificationMaterial",
        {"publicKey": {"hint": "h"}, "tlogEntries": None, "timestampVerificationData": None},
    ),
    "no timestamps": _with("verificationMaterial.timestampVerificationData", {}),
    "an empty list of timestamps": _with("verificationMaterial.timestampVerificationData", {"rfc3161Timestamps": []}),
    "no hint": _with("verificationMaterial.publicKey", {}),
    "an empty hint": _with("verificationMaterial.publicKey.hint", ""),
    "a key id beside the signature": _with("dsseEnvelope.signatures.0.keyid", "k"),
    "null where protobuf means absent": _with("messageSignature", None),
    "a message with an empty digest": _with("messageSignature.messageDigest", {}, MESSAGE),
    "a message without a digest": _with("messageSignature.messageDigest", ..., MESSAGE),
}


@pytest.mark.parametrize("line", READ.values(), ids=READ.keys())
def test_reads(line: bytes) -> None:
    assert read_bundle(line, where="b").certificates == ()


LEAF = {"rawBytes": "bGVhZg=="}
V03 = "application/vnd.dev.sigstore.bundle.v0.3+json"


def _certified(media_type: str, **material: object) -> bytes:
    return _with("mediaType", media_type, _with("verificationMaterial", material))


@pytest.mark.parametrize("media_type", [V03, OLD + "3"])
def test_one_certificate_is_the_material_of_version_3(media_type: str) -> None:
    bundle = read_bundle(_certified(media_type, certificate=LEAF), where="b")
    assert (bundle.certificates, bundle.key_hint) == ((b"leaf",), None)


def _chain(*certificates: bytes) -> dict[str, object]:
    return {"certificates": [{"rawBytes": base64.b64encode(der).decode()} for der in certificates]}


ROOT_NAME = render_der(0x30, b"")
ISSUED, AUTHORITY = certificate(), certificate(serial=b"\x02")
ROOT = certificate(issuer=ROOT_NAME, subject=ROOT_NAME)


@pytest.mark.parametrize("media_type", [OLD + "1", OLD + "2"])
def test_a_chain_is_the_material_of_older_versions_and_its_order_is_kept(media_type: str) -> None:
    chain = _chain(ISSUED, AUTHORITY)
    assert read_bundle(_certified(media_type, x509CertificateChain=chain), where="b").certificates == (
        ISSUED,
        AUTHORITY,
    )


def test_a_chain_of_one_certificate_is_left_for_the_verifier_to_read() -> None:
    chain = {"certificates": [LEAF]}
    assert read_bundle(_certified(OLD + "1", x509CertificateChain=chain), where="b").certificates == (b"leaf",)


ENTRY: dict[str, object] = {
    "logIndex": "5",
    "logId": {"keyId": "bG9n"},
    "kindVersion": {"kind": "hashedrekord", "version": "0.0.1"},
    "canonicalizedBody": "Ym9keQ==",
}


def test_log_entries_are_kept_in_their_order_with_duplicates() -> None:
    other = ENTRY | {"logIndex": 6}
    bundle = read_bundle(_with("verificationMaterial.tlogEntries", [ENTRY, other, ENTRY]), where="b")
    assert [entry.log_index for entry in bundle.log_entries] == [5, 6, 5]
    assert bundle.log_entries[0] == bundle.log_entries[2]
    assert bundle.log_entries[0].body == b"body"


def test_timestamps_are_kept_in_their_order_and_may_be_wrapped() -> None:
    data = {"rfc3161Timestamps": [{"signedTimestamp": "b25l"}, {"signedTimestamp": "dH\r\ndv\n"}]}
    bundle = read_bundle(_with("verificationMaterial.timestampVerificationData", data), where="b")
    assert bundle.timestamps == (b"one", b"two")


def _stamped(value: object) -> bytes:
    return _with("verificationMaterial.timestampVerificationData", value)


REFUSED = {
    "a chain in v0.3": (_certified(V03, x509CertificateChain={"certificates": [LEAF]}), "bundle.material"),
    "a chain in the other spelling of v0.3": (
        _certified(OLD + "3", x509CertificateChain={"certificates": [LEAF]}),
        "bundle.material",
    ),
    "a single certificate in v0.1": (_certified(OLD + "1", certificate=LEAF), "bundle.material"),
    "a chain of no certificates": (
        _certified(OLD + "1", x509CertificateChain={"certificates": []}),
        "bundle.material",
    ),
    "a chain without its list": (_certified(OLD + "1", x509CertificateChain={}), "bundle.material"),
    "a chain that is a certificate": (_certified(OLD + "1", x509CertificateChain=LEAF), "bundle.malformed"),
    "a certificate that is a chain": (_certified(V03, certificate={"certificates": [LEAF]}), "bundle.malformed"),
    "a chain that ends with its root": (
        _certified(OLD + "1", x509CertificateChain=_chain(ISSUED, AUTHORITY, ROOT)),
        "bundle.root-certificate",
    ),
    "a chain that begins with a root": (
        _certified(OLD + "2", x509CertificateChain=_chain(ROOT, AUTHORITY)),
        "bundle.root-certificate",
    ),
    "a chain with something else in it": (
        _certified(OLD + "1", x509CertificateChain=_chain(ISSUED, b"something else")),
        "certificate.malformed",
    ),
    "an empty certificate": (_certified(V03, certificate={"rawBytes": ""}), "bundle.base64"),
    "eleven certificates": (
        _certified(OLD + "1", x509CertificateChain={"certificates": [LEAF] * 11}),
        "bundle.too-many",
    ),
    "thirty-three log entries": (_with("verificationMaterial.tlogEntries", [ENTRY] * 33), "bundle.too-many"),
    "log entries that are no list": (_with("verificationMaterial.tlogEntries", ENTRY), "bundle.malformed"),
    "a negative log index": (
        _with("verificationMaterial.tlogEntries", [ENTRY | {"logIndex": "-1"}]),
        "tlog.number",
    ),
    "a log entry with an unknown member": (
        _with("verificationMaterial.tlogEntries", [ENTRY | {"x": 1}]),
        "tlog.malformed",
    ),
    "thirty-three timestamps": (_stamped({"rfc3161Timestamps": [{"signedTimestamp": "AA=="}] * 33}), "bundle.too-many"),
    "an empty timestamp": (_stamped({"rfc3161Timestamps": [{"signedTimestamp": ""}]}), "bundle.base64"),
    "a timestamp that is not base64": (_stamped({"rfc3161Timestamps": [{"signedTimestamp": "A A="}]}), "bundle.base64"),
    "a timestamp of another kind": (_stamped({"roughtime": []}), "bundle.malformed"),
    "a timestamp with an unknown member": (
        _stamped({"rfc3161Timestamps": [{"signedTimestamp": "AA==", "x": 1}]}),
        "bundle.malformed",
    ),
    "a signature over two lines": (_with("dsseEnvelope.signatures.0.sig", "AA\n=="), "bundle.base64"),
    "a signature with letters behind its padding": (
        _with("dsseEnvelope.signatures.0.sig", "AA==AA=="),
        "bundle.base64",
    ),
    "nothing": (b"", "bundle.malformed"),
    "no object": (b"[]", "bundle.malformed"),
    "a duplicate member": (LINE.replace(b'{"mediaType"', b'{"dsseEnvelope":{},"mediaType"'), "bundle.malformed"),
    "no media type": (_with("mediaType", ...), "bundle.malformed"),
    "version 99.9": (_with("mediaType", OLD + "99.9"), "bundle.media-type"),
    "version 0.4": (_with("mediaType", "application/vnd.dev.sigstore.bundle.v0.4+json"), "bundle.media-type"),
    "cosign's old own format": (b'{"base64Signature":"AA","cert":""}', "bundle.malformed"),
    "a bare DSSE envelope": (b'{"payload":"AA==","payloadType":"x","signatures":[]}', "bundle.malformed"),
    "an unknown member": (_with("extra", 1), "bundle.malformed"),
    "a snake-case twin": (_with("dsse_envelope", {}), "bundle.malformed"),
    "no material": (_with("verificationMaterial", ...), "bundle.malformed"),
    "empty material": (_with("verificationMaterial", {}), "bundle.material"),
    "an unknown kind of material": (_with("verificationMaterial.other", {}), "bundle.malformed"),
    "a key and a certificate": (_with("verificationMaterial.certificate", {"rawBytes": "AA=="}), "bundle.material"),
    "an endless hint": (_with("verificationMaterial.publicKey.hint", "x" * 2000), "bundle.material"),
    "a hint that is a number": (_with("verificationMaterial.publicKey.hint", 1), "bundle.malformed"),
    "no content": (_with("dsseEnvelope", ...), "bundle.content"),
    "both contents": (_with("messageSignature", {"signature": "AA=="}), "bundle.content"),
    "no signature": (_with("dsseEnvelope.signatures", []), "bundle.signature-count"),
    "two signatures": (_with("dsseEnvelope.signatures", [{"sig": "AA=="}] * 2), "bundle.signature-count"),
    "a signature that is not base64": (_with("dsseEnvelope.signatures.0.sig", "%"), "bundle.base64"),
    "a signature in URL-safe letters": (_with("dsseEnvelope.signatures.0.sig", "__8="), "bundle.base64"),
    "a signature of other letters": (_with("dsseEnvelope.signatures.0.sig", "ä"), "bundle.base64"),
    "an empty signature": (_with("dsseEnvelope.signatures.0.sig", ""), "bundle.base64"),
    "an empty payload": (_with("dsseEnvelope.payload", ""), "bundle.base64"),
    "no payload type": (_with("dsseEnvelope.payloadType", ...), "bundle.malformed"),
    "more in the envelope": (_with("dsseEnvelope.more", 1), "bundle.malformed"),
    "more beside the signature": (_with("dsseEnvelope.signatures.0.cert", "x"), "bundle.malformed"),
    "a message digest that is text": (_with("messageSignature.messageDigest", "x", MESSAGE), "bundle.malformed"),
    "a message digest without an algorithm": (
        _with("messageSignature.messageDigest", {"digest": "AA=="}, MESSAGE),
        "bundle.malformed",
    ),
}


@pytest.mark.parametrize(("line", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(line: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_bundle(line, where="b")
    assert caught.value.code == code
    assert (caught.value.where or "").startswith("b")


def test_refuses_a_bundle_that_is_too_large() -> None:
    with pytest.raises(FormatError) as caught:
        read_bundle(LINE, where="b", limits=Limits(bundle_bytes=10))
    assert caught.value.code == "bundle.too-large"


def test_a_bad_line_is_reported_in_its_place_and_hides_nothing() -> None:
    found = read_bundle_lines(LINE + b"\n{torn\n\n" + MESSAGE + b"\r\n", where="x.sigstore.jsonl")
    assert [type(item) for item in found] == [Bundle, RejectedSignature, Bundle]
    assert isinstance(found[1], RejectedSignature)
    assert found[1].code == "bundle.malformed"
    assert found[1].message.startswith("x.sigstore.jsonl:2: ")
    assert found[1].source == "x.sigstore.jsonl"
    assert isinstance(found[2], Bundle)
    assert found[2].line == MESSAGE


def test_a_torn_first_line_does_not_hide_the_second() -> None:
    found = read_bundle_lines(LINE[:50] + b"\n" + LINE, where="x")
    assert [type(item) for item in found] == [RejectedSignature, Bundle]


@pytest.mark.parametrize("data", [b"", b"\n \r\n"])
def test_an_empty_file_holds_nothing(data: bytes) -> None:
    assert read_bundle_lines(data, where="x") == ()


def test_a_document_over_several_lines_is_one_bundle_and_fits_on_one_line() -> None:
    pretty = json.dumps(json.loads(LINE), indent=2).encode()
    (found,) = read_bundle_lines(pretty, where="x.sigstore.json")
    assert isinstance(found, Bundle)
    assert found.line == LINE
    (refused,) = read_bundle_lines(pretty.replace(b"v0.3", b"v0.9"), where="x.sigstore.json")
    assert isinstance(refused, RejectedSignature)
    assert refused.code == "bundle.media-type"


def test_more_lines_or_bytes_than_allowed_are_refused_not_cut() -> None:
    with pytest.raises(FormatError) as caught:
        read_bundle_lines((LINE + b"\n") * 3, where="x", limits=Limits(bundles_per_subject=2))
    assert caught.value.code == "bundle.too-many"
    with pytest.raises(FormatError) as caught:
        read_bundle_lines(LINE + b"\n" * 3, where="x", limits=Limits(bundle_file_lines=2))
    assert caught.value.code == "bundle.too-many"
    with pytest.raises(FormatError) as caught:
        read_bundle_lines(LINE * 3, where="x", limits=Limits(bundle_file_bytes=len(LINE)))
    assert caught.value.code == "bundle.too-large"


HOARDS = {
    "log entries that are numbers": _with("verificationMaterial.tlogEntries", [0] * 20_000),
    "objects in a member nobody knows": _with("x", [{}] * 20_000),
    "members nobody knows": json.dumps({f"x{number}": 0 for number in range(20_000)}).encode(),
}


@pytest.mark.parametrize("data", HOARDS.values(), ids=HOARDS.keys())
def test_a_hoard_of_parts_is_refused_before_it_is_built(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        read_bundle(data, where="b")
    assert caught.value.code == "bundle.too-large"
    (told,) = read_bundle_lines(data, where="b")
    assert isinstance(told, RejectedSignature)
    assert told.code == "bundle.too-large"


def test_our_bundle_has_the_members_cosign_writes() -> None:
    key = signer("ci")
    document = json.loads(release(key).line)
    assert list(document) == ["mediaType", "verificationMaterial", "dsseEnvelope"]
    assert document["verificationMaterial"] == {"publicKey": {"hint": key_hint(key.spki)}}
    assert list(document["dsseEnvelope"]) == ["payload", "payloadType", "signatures"]
    assert base64.b64decode(document["dsseEnvelope"]["payload"]).startswith(b'{"_type"')


# -- writing what lies beside a signature -------------------------------------------------------------------------------

LOGGED = LogEntry(
    log_index=7,
    log_id=b"l" * 32,
    kind="hashedrekord",
    version="0.0.1",
    integrated_time=1689177396,
    promise=b"promise",
    proof=InclusionProof(
        log_index=7, tree_size=9, root_hash=b"h" * 32, hashes=(b"h" * 32,) * 3, checkpoint="a\nnote\n"
    ),
    body=b"body",
)


@pytest.mark.parametrize("entries", [(), (LOGGED,), (LOGGED, replace(LOGGED, log_index=8))])
@pytest.mark.parametrize("timestamps", [(), (b"one",), (b"one", b"two")])
def test_log_entries_and_timestamps_are_read_back(entries: tuple[LogEntry, ...], timestamps: tuple[bytes, ...]) -> None:
    beside: Any = {"log_entries": entries, "timestamps": timestamps}
    for line in (
        render_dsse_bundle("a/b", b"payload", b"signature", "hint", **beside),
        render_message_bundle(b"d" * 32, b"signature", "hint", **beside),
    ):
        bundle = read_bundle(line, where="b")
        assert (bundle.log_entries, bundle.timestamps, bundle.line) == (entries, timestamps, line)
        assert b"\n" not in line


def test_without_them_nothing_is_written() -> None:
    assert json.loads(LINE)["verificationMaterial"] == {"publicKey": {"hint": "hint"}}

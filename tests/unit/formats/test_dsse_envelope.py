"""Raw DSSE envelopes: read as their specification says, or refused with the place that is wrong."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.errors import FormatError
from vxsec.formats.dsse_envelope import read_envelope, write_envelope
from vxsec.limits import Limits
from vxsec.model.attestation import Envelope, EnvelopeSignature, pae

TYPE = "application/vnd.in-toto+json"
DOCUMENT: dict[str, Any] = {
    "payload": "cGF5bG9hZA==",
    "payloadType": TYPE,
    "signatures": [{"keyid": "one", "sig": "c2ln"}, {"sig": "+/+/"}],
}


def _with(**members: object) -> bytes:
    document = DOCUMENT | members
    return json.dumps({name: value for name, value in document.items() if value is not ...}).encode()


def _signatures(*entries: object) -> bytes:
    return _with(signatures=list(entries))


def test_an_envelope_with_several_signatures_is_read_in_order() -> None:
    assert read_envelope(_with(), where="e") == Envelope(
        payload_type=TYPE,
        payload=b"payload",
        signatures=(
            EnvelopeSignature(keyid="one", sig=b"sig"),
            EnvelopeSignature(keyid="", sig=b"\xfb\xff\xbf"),
        ),
    )


def test_the_example_of_the_specification_is_read_and_encoded_as_it_says() -> None:
    line = (
        b'{"payload": "aGVsbG8gd29ybGQ=", "payloadType": "http://example.com/HelloWorld", "signatures": [{"sig":'
        b' "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="}]}'
    )
    envelope = read_envelope(line, where="protocol.md")
    assert pae(envelope.payload_type, envelope.payload) == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert len(envelope.signatures[0].sig) == 64


READ = {
    "the URL-safe alphabet": (_signatures({"sig": "-_-_"}), b"\xfb\xff\xbf"),
    "two alphabets in two values": (_with(payload="-_-_"), b"sig"),
    "members that nobody defined": (_with(payloadUtf8="x", extra={"a": [1]}), b"sig"),
    "members of a signature that nobody defined": (_signatures({"sig": "c2ln", "cert": "x", "ext": {}}), b"sig"),
    "a key id that is null": (_signatures({"sig": "c2ln", "keyid": None}), b"sig"),
    "an empty signature, which verifies under no key": (_signatures({"sig": ""}), b""),
    "an empty payload": (_with(payload=""), b"sig"),
    "white space and line ends between members": (json.dumps(DOCUMENT, indent=2).encode(), b"sig"),
}


@pytest.mark.parametrize(("data", "first"), READ.values(), ids=READ.keys())
def test_reads(data: bytes, first: bytes) -> None:
    assert read_envelope(data, where="e").signatures[0].sig == first


REFUSED = {
    "nothing": (b"", "envelope.malformed"),
    "an array": (b"[]", "envelope.malformed"),
    "two envelopes": (_with() + b"\n" + _with(), "envelope.malformed"),
    "a Sigstore bundle": (b'{"mediaType":"x","dsseEnvelope":{}}', "envelope.malformed"),
    "a duplicate member": (b'{"payload":"","payload":""}', "envelope.malformed"),
    "no payload": (_with(payload=...), "envelope.malformed"),
    "a payload that is null": (_with(payload=None), "envelope.malformed"),
    "a payload that is an object": (_with(payload={}), "envelope.malformed"),
    "only the payload of a later version": (_with(payload=..., payloadUtf8="x"), "envelope.malformed"),
    "no payload type": (_with(payloadType=...), "envelope.malformed"),
    "a payload type that is a number": (_with(payloadType=1), "envelope.malformed"),
    "no signatures": (_with(signatures=...), "envelope.malformed"),
    "signatures that are an object": (_with(signatures={"sig": "c2ln"}), "envelope.malformed"),
    "an empty list of signatures": (_signatures(), "envelope.unsigned"),
    "a signature that is text": (_signatures("c2ln"), "envelope.malformed"),
    "a signature without bytes": (_signatures({"keyid": "x"}), "envelope.malformed"),
    "a signature that is null": (_signatures({"sig": None}), "envelope.malformed"),
    "a signature that is a list": (_signatures({"sig": ["c2ln"]}), "envelope.malformed"),
    "a key id that is a number": (_signatures({"sig": "c2ln", "keyid": 1}), "envelope.malformed"),
    "one bad signature after a good one": (_signatures({"sig": "c2ln"}, {"sig": 1}), "envelope.malformed"),
    "a payload in both alphabets": (_with(payload="+_+_"), "envelope.base64"),
    "a signature in both alphabets": (_signatures({"sig": "-/-/"}), "envelope.base64"),
    "a signature without padding": (_signatures({"sig": "c2lnYQ"}), "envelope.base64"),
    "a signature with a line end": (_signatures({"sig": "c2ln\n"}), "envelope.base64"),
    "a signature with a blank": (_signatures({"sig": "c2 ln"}), "envelope.base64"),
    "a signature of letters beyond ASCII": (_signatures({"sig": "c2lä"}), "envelope.base64"),
    "bytes after the padding": (_signatures({"sig": "YQ==YQ=="}), "envelope.base64"),
    "a byte order mark": (b"\xef\xbb\xbf" + _with(), "envelope.malformed"),
    "bytes that are not UTF-8": (_with().replace(b"one", b"\xff\xfe\xff"), "envelope.malformed"),
}


@pytest.mark.parametrize(("data", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(data: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_envelope(data, where="e")
    assert (caught.value.code, (caught.value.where or "").split(".")[0]) == (code, "e")


def test_a_refusal_names_the_signature() -> None:
    with pytest.raises(FormatError, match=r"e\.signatures\[1\]\.sig: expected base64"):
        read_envelope(_signatures({"sig": "c2ln"}, {"sig": "%"}), where="e")
    with pytest.raises(FormatError, match=r"e\.signatures\[0\]\.keyid: expected a string, found a number"):
        read_envelope(_signatures({"sig": "c2ln", "keyid": 1}), where="e")


def test_more_bytes_than_the_bound_are_refused() -> None:
    with pytest.raises(FormatError) as caught:
        read_envelope(_with(), where="e", limits=Limits(envelope_bytes=20))
    assert caught.value.code == "envelope.too-large"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(_signatures(*[{"sig": "c2ln"}] * 4), id="objects, counted before they are read"),
        pytest.param(_signatures(*["c2ln"] * 4), id="values that are no objects, counted before they are judged"),
    ],
)
def test_more_signatures_than_the_bound_are_refused(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        read_envelope(data, where="e", limits=Limits(envelope_signatures=3))
    assert caught.value.code == "envelope.too-many"


def test_as_many_signatures_as_the_bound_are_read() -> None:
    data = _signatures(*[{"sig": "c2ln"}] * 3)
    assert len(read_envelope(data, where="e", limits=Limits(envelope_signatures=3)).signatures) == 3


def test_what_is_written_is_one_line_of_the_standard_alphabet() -> None:
    envelope = Envelope(
        payload_type=TYPE, payload=b"\xfb\xff", signatures=(EnvelopeSignature(keyid="", sig=b"\xfb\xff\xbf"),)
    )
    assert write_envelope(envelope) == (
        b'{"payload":"+/8=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"+/+/"}]}'
    )


def test_an_envelope_without_a_signature_is_not_written() -> None:
    with pytest.raises(FormatError) as caught:
        write_envelope(Envelope(payload_type=TYPE, payload=b"x", signatures=()))
    assert caught.value.code == "envelope.unsigned"


@given(
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.binary(max_size=40),
    st.lists(
        st.tuples(st.text(st.characters(codec="utf-8"), max_size=10), st.binary(max_size=30)), min_size=1, max_size=4
    ),
)
def test_what_is_written_is_read_back(kind: str, payload: bytes, pairs: list[tuple[str, bytes]]) -> None:
    signatures = tuple(EnvelopeSignature(keyid=keyid, sig=sig) for keyid, sig in pairs)
    envelope = Envelope(payload_type=kind, payload=payload, signatures=signatures)
    assert read_envelope(write_envelope(envelope), where="e") == envelope


@given(st.binary(min_size=1, max_size=30))
def test_both_alphabets_mean_the_same_bytes(raw: bytes) -> None:
    written = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    assert {read_envelope(_signatures({"sig": text}), where="e").signatures[0].sig for text in written} == {raw}

"""One door for documents that carry bundles: what each is, its own members say."""

from __future__ import annotations

import json

import pytest

from support.interop_kit import github_document, npm_document, provenance_bundle, wheel_bundle
from vxsec.errors import FormatError
from vxsec.formats.bundle_documents import read_bundle_document
from vxsec.formats.pep740 import PublishedAttestations, from_bundle, write_provenance
from vxsec.limits import Limits
from vxsec.model.attestation import Bundle, RejectedSignature

BUNDLE, WHEEL_BUNDLE = provenance_bundle(), wheel_bundle()
PEP740 = from_bundle(WHEEL_BUNDLE)
LISTED = write_provenance([PublishedAttestations(kind="GitHub", attestations=(WHEEL_BUNDLE, WHEEL_BUNDLE))])

READ = {
    "one bundle": (BUNDLE.line, 1),
    "one bundle over several lines": (json.dumps(json.loads(BUNDLE.line), indent=2).encode(), 1),
    "lines of bundles, as gh attestation download writes them": (BUNDLE.line + b"\n" + BUNDLE.line + b"\n", 2),
    "GitHub's listing": (json.dumps(github_document(BUNDLE, BUNDLE)).encode(), 2),
    "an npm registry's document": (json.dumps(npm_document()).encode(), 2),
    "a PEP 740 attestation": (PEP740, 1),
    "a PEP 740 provenance object": (LISTED, 2),
}


@pytest.mark.parametrize(("data", "count"), READ.values(), ids=READ.keys())
def test_reads(data: bytes, count: int) -> None:
    found = read_bundle_document(data, where="d")
    assert [type(item) for item in found] == [Bundle] * count


TOLD = {
    "no JSON that names a foreign member": (b'"attestations": x', "bundle.malformed"),
    "a bundle with a foreign member beside": (
        json.dumps(json.loads(BUNDLE.line) | {"attestations": []}).encode(),
        "bundle.malformed",
    ),
    "an array of documents": (json.dumps([npm_document()]).encode(), "bundle.malformed"),
    "a PEP 740 attestation of another version": (PEP740.replace(b'"version":1', b'"version":2', 1), "pep740.version"),
}


@pytest.mark.parametrize(("data", "code"), TOLD.values(), ids=TOLD.keys())
def test_what_is_no_bundle_is_told(data: bytes, code: str) -> None:
    (item,) = read_bundle_document(data, where="d")
    assert isinstance(item, RejectedSignature)
    assert item.code == code


REFUSED = {
    "attestations that are no list": (b'{"attestations":{}}', "github-attestations.shape"),
    "an empty list of attestations": (b'{"attestations":[]}', "github-attestations.count"),
    "an npm entry without its bundle": (b'{"attestations":[{"predicateType":"x"}]}', "npm-attestations.shape"),
    "a provenance object without bundles": (b'{"attestation_bundles":[]}', "pep740.malformed"),
}


@pytest.mark.parametrize(("data", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(data: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_bundle_document(data, where="d")
    assert caught.value.code == code


HOARDS = {
    "GitHub's listing of empty objects": b'{"attestations":[' + b"{}," * 400 + b"{}]}",
    "an npm registry's document": b'{"attestations":[{"predicateType":"x"},' + b"{}," * 400 + b"{}]}",
    "publishers without attestations": b'{"version":1,"attestation_bundles":[' + b"{}," * 400 + b"{}]}",
}


@pytest.mark.parametrize("data", HOARDS.values(), ids=HOARDS.keys())
def test_a_hoard_of_parts_is_never_built(data: bytes) -> None:
    (item,) = read_bundle_document(data, where="d", limits=Limits(bundle_file_parts=300, bundle_parts=300))
    assert isinstance(item, RejectedSignature)
    assert item.code == "bundle.too-large"


def test_a_document_beyond_the_bound_is_refused_before_it_is_read() -> None:
    with pytest.raises(FormatError) as caught:
        read_bundle_document(LISTED, where="d", limits=Limits(bundle_file_bytes=100))
    assert caught.value.code == "bundle.too-large"

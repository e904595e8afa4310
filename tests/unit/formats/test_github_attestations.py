"""GitHub's listing of attestations: bundles, and never an address."""

from __future__ import annotations

import json

import pytest

from support.interop_kit import github_document, provenance_bundle
from vxsec.errors import FormatError
from vxsec.formats.github_attestations import read_github_attestations
from vxsec.limits import Limits
from vxsec.model.attestation import RejectedSignature


def test_a_listing_is_read_in_order() -> None:
    one, two = provenance_bundle(), provenance_bundle()
    found = read_github_attestations(json.dumps(github_document(one, two)).encode(), where="g")
    assert [item.content for item in found if not isinstance(item, RejectedSignature)] == [one.content, two.content]


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        pytest.param({"bundle_url": "https://x.test/"}, "github-attestations.no-bundle", id="only an address"),
        pytest.param({"bundle": None, "bundle_url": ""}, "github-attestations.no-bundle", id="a bundle that is null"),
        pytest.param({"bundle": {}}, "bundle.malformed", id="an empty bundle"),
        pytest.param({"bundle": "x"}, "bundle.malformed", id="a bundle that is text"),
        pytest.param({"bundle": {"mediaType": "x"}}, "bundle.media-type", id="another media type"),
    ],
)
def test_an_entry_that_is_no_bundle_is_told_and_hides_no_other(entry: object, code: str) -> None:
    document = github_document()
    document["attestations"].insert(0, entry)
    bad, good = read_github_attestations(json.dumps(document).encode(), where="g")
    assert isinstance(bad, RejectedSignature)
    assert (bad.code, bad.source) == (code, "g")
    assert "attestations[0]" in bad.message
    assert not isinstance(good, RejectedSignature)


REFUSED = {
    "no object": (b"[]", "github-attestations.shape"),
    "no JSON": (b"{", "github-attestations.shape"),
    "no attestations": (b"{}", "github-attestations.shape"),
    "attestations that are an object": (b'{"attestations":{}}', "github-attestations.shape"),
    "an entry that is text": (b'{"attestations":["x"]}', "github-attestations.shape"),
    "an empty list": (b'{"attestations":[]}', "github-attestations.count"),
    "more entries than the bound": (b'{"attestations":[{},{},{}]}', "github-attestations.count"),
    "more bytes than the bound": (b'{"attestations":[]}' + b" " * 100, "github-attestations.too-large"),
}


@pytest.mark.parametrize(("data", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(data: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_github_attestations(data, where="g", limits=Limits(bundles_per_subject=2, bundle_file_bytes=100))
    assert caught.value.code == code

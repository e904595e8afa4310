"""What ``dist`` says beyond addresses and digests."""

from __future__ import annotations

from typing import Any

import pytest

from vxsec.errors import FormatError
from vxsec.formats.packument import PackumentVersion
from vxsec.formats.packument_dist import Dist, has_signatures, read_dist
from vxsec.limits import Limits
from vxsec.model.npm import NpmAttestations, NpmSignature

# As the public registry sends it, with a shortened signature.
SEMVER: dict[str, Any] = {
    "shasum": "1e3b4cc8fb0e2a5c1f8ae7b0a4f1d2e5c6b7a890",
    "fileCount": 51,
    "unpackedSize": 97_000,
    "signatures": [{"sig": "MEUCIQ==", "keyid": "SHA256:DhQ8wR5APBvFHLF/+Tc+AYvPOdTpcIDqOhxsBHRwC7U"}],
    "attestations": {
        "url": "https://registry.example.test/-/npm/v1/attestations/semver@7.0.0",
        "provenance": {"predicateType": "https://slsa.dev/provenance/v1"},
    },
    "npm-signature": "-----BEGIN PGP SIGNATURE-----",
}


def version(dist: object) -> PackumentVersion:
    document: dict[str, object] = {"name": "semver", "version": "7.0.0"}
    if dist is not None:
        document["dist"] = dist
    return PackumentVersion(
        name="semver", version="7.0.0", integrity=None, shasum=None, tarball=None, document=document
    )


def test_what_the_public_registry_sends_is_read() -> None:
    found = read_dist(version(SEMVER))
    assert found == Dist(
        signatures=(NpmSignature(keyid="SHA256:DhQ8wR5APBvFHLF/+Tc+AYvPOdTpcIDqOhxsBHRwC7U", sig="MEUCIQ=="),),
        attestations=NpmAttestations(
            url="https://registry.example.test/-/npm/v1/attestations/semver@7.0.0",
            predicate_type="https://slsa.dev/provenance/v1",
        ),
        file_count=51,
        unpacked_size=97_000,
    )
    assert has_signatures(version(SEMVER))


@pytest.mark.parametrize(
    "dist", [None, {}, {"signatures": None, "attestations": None}, {"signatures": []}],
    ids=["no dist", "an empty one", "members that are null", "an empty list"],
)  # fmt: skip
def test_what_may_be_absent(dist: object) -> None:
    assert read_dist(version(dist)) == Dist()
    assert not has_signatures(version(dist))


def test_attestations_may_name_nothing() -> None:
    assert read_dist(version({"attestations": {}})).attestations == NpmAttestations(url=None, predicate_type=None)
    only = read_dist(version({"attestations": {"provenance": {}}})).attestations
    assert only == NpmAttestations(url=None, predicate_type=None)


REFUSED: dict[str, object] = {
    "dist as a list": [],
    "signatures as text": {"signatures": "MEUC"},
    "signatures as an object": {"signatures": {"keyid": "a", "sig": "b"}},
    "a signature that is text": {"signatures": ["MEUC"]},
    "a signature without a key id": {"signatures": [{"sig": "MEUC"}]},
    "a signature without its bytes": {"signatures": [{"keyid": "a"}]},
    "a signature that is a number": {"signatures": [{"keyid": "a", "sig": 1}]},
    "attestations as a list": {"attestations": []},
    "an address that is no text": {"attestations": {"url": 1}},
    "provenance as text": {"attestations": {"provenance": "slsa"}},
    "a count that is text": {"fileCount": "51"},
    "a size that is a fraction": {"unpackedSize": 1.5},
}


@pytest.mark.parametrize("dist", REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_shape_is_refused(dist: object) -> None:
    with pytest.raises(FormatError) as caught:
        read_dist(version(dist))
    assert caught.value.code == "packument.shape"


def test_a_registry_that_lists_200_000_signatures_is_refused() -> None:
    with pytest.raises(FormatError) as caught:
        read_dist(version({"signatures": [{"keyid": "a", "sig": "b"}] * 200_000}))
    assert caught.value.code == "packument.too-many-signatures"


def test_more_signatures_than_a_registry_makes_are_refused() -> None:
    with pytest.raises(FormatError) as caught:
        read_dist(version({"signatures": [{"keyid": "a", "sig": "b"}] * 3}), limits=Limits(npm_signatures=2))
    assert caught.value.code == "packument.too-many-signatures"

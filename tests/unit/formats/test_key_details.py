"""Keys beside what they are said to be."""

from __future__ import annotations

import pytest

from support.signing_kit import signer
from vxsec.errors import FormatError
from vxsec.formats.key_details import check_key_details, is_verifiable, read_detailed_key

P256 = signer("ci").spki


def test_a_key_that_is_what_it_is_said_to_be() -> None:
    check_key_details(P256, "PKIX_ECDSA_P256_SHA_256", code="x.y", where="k")
    assert read_detailed_key(P256, "PKIX_ECDSA_P256_SHA_256", code="x.y", where="k") == P256


@pytest.mark.parametrize(
    "details",
    [
        "",
        "PKIX_ECDSA_P384_SHA_384",
        "PKIX_ECDSA_P256_HMAC_SHA_256",
        "PKIX_RSA_PKCS1V5",
        "PKIX_ED25519_PH",
        "ML_DSA_65",
        "5",
    ],
)
def test_a_key_that_is_something_else_is_refused(details: str) -> None:
    with pytest.raises(FormatError) as caught:
        check_key_details(P256, details, code="x.y", where="k")
    assert (caught.value.code, caught.value.where) == ("x.y", "k")


@pytest.mark.parametrize("details", ["PKIX_RSA_PSS", "PKCS1_RSA_PSS", "PKIX_ED25519_PH", "ML_DSA_87", "LMS_SHA256", ""])
def test_what_is_not_verified_here_is_said_to_be_so(details: str) -> None:
    assert not is_verifiable(details)

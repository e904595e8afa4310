"""Published signature vectors through our own functions: NIST's CAVP for ECDSA and RSA, and Ed25519's first 1,024.

The files are those that the distribution ``cryptography-vectors`` ships, in the version of ``cryptography``. It holds no
Wycheproof vectors; what those are about is minted in ``tests/unit/verification/test_signature_edges.py``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from vxsec.errors import FormatError, VerificationError
from vxsec.formats.public_key import build_public_key, parse_public_key
from vxsec.verification.keys import verify_hashed_signature, verify_signature

if TYPE_CHECKING:
    from collections.abc import Iterator

vectors = pytest.importorskip("cryptography_vectors", reason="the distribution cryptography-vectors is not installed")

ECDSA_FILE = "asymmetric/ECDSA/FIPS_186-3/SigVer.rsp"
RSA_FILE = "asymmetric/RSA/FIPS_186-2/SigVer15_186-3.rsp"
ED25519_FILE = "asymmetric/Ed25519/sign.input"
CURVES = {"P-256": ("ecdsa-p256", 32), "P-384": ("ecdsa-p384", 48), "P-521": ("ecdsa-p521", 66)}
HASHES = {"SHA256": "sha256", "SHA384": "sha384", "SHA512": "sha512"}
_FIELD = re.compile(r"(\w+) = (.*)\Z")


class Case(NamedTuple):
    """One vector: what stands in brackets above it, its fields, and whether its authors take it."""

    section: str
    fields: dict[str, str]
    good: bool


def _cases(name: str, needed: set[str]) -> Iterator[Case]:
    """Fields accumulate (RSA's modulus stands once above several cases) and a Result ends each case."""
    section, fields = "", {}
    with vectors.open_vector_file(name, "r") as file:
        for line in map(str.strip, file):
            if line.startswith("["):
                section = line.strip("[]")
            elif found := _FIELD.match(line):
                fields[found[1]] = found[2]
                if found[1] == "Result":
                    yield Case(section, {key: fields[key] for key in needed}, found[2].startswith("P"))


def _taken(spki: bytes, signature: bytes, message: bytes, hash_name: str) -> bool:
    try:
        verify_hashed_signature(spki, signature, message, hash_name=hash_name)
    except VerificationError as error:
        assert error.code == "signature.invalid"  # noqa: PT017 - any other reason is a mismatch
        return False
    return True


@pytest.mark.parametrize("curve", CURVES)
def test_ecdsa(curve: str) -> None:
    algorithm, size = CURVES[curve]
    judged = good = 0
    for case in _cases(ECDSA_FILE, {"Msg", "Qx", "Qy", "R", "S"}):
        name, _, hashed = case.section.partition(",")
        if name != curve or hashed.replace("-", "") not in HASHES:
            continue
        x, y, r, s = (int(case.fields[key], 16) for key in ("Qx", "Qy", "R", "S"))
        message = bytes.fromhex(case.fields["Msg"])
        try:
            spki = build_public_key(algorithm, b"\4" + x.to_bytes(size, "big") + y.to_bytes(size, "big"), where="Q")
        except FormatError:  # "Q changed": a point that is not on the curve
            taken = False
        else:
            taken = _taken(spki, encode_dss_signature(r, s), message, HASHES[hashed.replace("-", "")])
        assert taken == case.good, case
        judged, good = judged + 1, good + case.good
    assert judged == 45
    assert 0 < good < judged


def test_rsa() -> None:
    judged = good = small = 0
    for case in _cases(RSA_FILE, {"n", "e", "Msg", "S", "SHAAlg"}):
        bits = int(case.section.removeprefix("mod = "))
        if case.fields["SHAAlg"] not in HASHES:
            continue
        numbers = RSAPublicNumbers(int(case.fields["e"], 16), int(case.fields["n"], 16))
        der = numbers.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if bits < 2048 or numbers.e < 65537:
            with pytest.raises(FormatError):
                parse_public_key(der, where="n and e")
            small += 1
            continue
        spki = parse_public_key(der, where="n and e")
        message, signature = bytes.fromhex(case.fields["Msg"]), bytes.fromhex(case.fields["S"])
        taken = _taken(spki, signature.rjust(bits // 8, b"\0"), message, HASHES[case.fields["SHAAlg"]])
        assert taken == case.good, case
        judged, good = judged + 1, good + case.good
    assert judged > 50
    assert small > 0
    assert 0 < good < judged


def test_ed25519() -> None:
    judged = 0
    with vectors.open_vector_file(ED25519_FILE, "r") as file:
        for line in file:
            _, public, message, signed, *_ = map(bytes.fromhex, line.strip().split(":"))
            spki = build_public_key("ed25519", public, where="A")
            signature = signed[:64]
            verify_signature(spki, signature, message)
            with pytest.raises(VerificationError) as caught:
                verify_signature(spki, signature, message + b"\0")
            assert caught.value.code == "signature.invalid"
            judged += 1
    assert judged == 1024

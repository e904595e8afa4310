"""Trusted roots: every key what it says it is, every window with a start, nothing unknown."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from support.signing_kit import signer
from vxsec.errors import FormatError
from vxsec.formats.strict_json import dump_json
from vxsec.formats.trusted_root import (
    REHEARSAL_OPERATOR,
    TRUSTED_ROOT_MEDIA_TYPE,
    log_origins,
    read_trusted_root,
)
from vxsec.limits import Limits
from vxsec.model.trusted_root import CertificateAuthority, TransparencyLog, Window

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
WINDOW = {"start": "2026-01-01T00:00:00Z", "end": "2027-01-01T00:00:00.000Z"}
P256 = signer("log").spki
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
P521 = (
    ec.generate_private_key(ec.SECP521R1()).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
)
RSA_SPKI = RSA.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
RSA_PKCS1 = RSA.public_bytes(Encoding.DER, PublicFormat.PKCS1)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _log(raw: bytes = P256, details: str = "PKIX_ECDSA_P256_SHA_256", **members: object) -> dict[str, Any]:
    log: dict[str, object] = {
        "baseUrl": "https://log.example.test",
        "hashAlgorithm": "SHA2_256",
        "publicKey": {"rawBytes": _b64(raw), "keyDetails": details, "validFor": WINDOW},
        "logId": {"keyId": _b64(b"i" * 32)},
    }
    return {key: value for key, value in (log | members).items() if value is not ...}


def _authority(**members: object) -> dict[str, Any]:
    authority: dict[str, object] = {
        "subject": {"organization": "example.test", "commonName": "ca"},
        "uri": "https://ca.example.test",
        "certChain": {"certificates": [{"rawBytes": _b64(b"issuing")}, {"rawBytes": _b64(b"root")}]},
        "validFor": WINDOW,
    }
    return {key: value for key, value in (authority | members).items() if value is not ...}


def _root(**members: object) -> bytes:
    return dump_json({"mediaType": TRUSTED_ROOT_MEDIA_TYPE} | members)


WHOLE = _root(
    tlogs=[_log()], certificateAuthorities=[_authority()], ctlogs=[_log()], timestampAuthorities=[_authority(uri=...)]
)


def test_a_root_is_read_whole() -> None:
    (found,) = read_trusted_root(WHOLE, where="root.json")
    window = Window(start=START, end=END)
    log = TransparencyLog(base_url="https://log.example.test", spki=P256, log_id=b"i" * 32, window=window)
    authority = CertificateAuthority(uri="https://ca.example.test", chain=(b"issuing", b"root"), window=window)
    assert (found.logs, found.ct_logs) == ((log,), (log,))
    assert found.certificate_authorities == (authority,)
    assert [(item.uri, item.chain) for item in found.timestamp_authorities] == [("", (b"issuing", b"root"))]
    assert (found.source, found.sha256) == ("root.json", hashlib.sha256(WHOLE).hexdigest())
    assert (found.rehearsal, found.left_out) == (False, ())


def test_an_open_end_and_a_key_id_for_checkpoints() -> None:
    key = _log()["publicKey"] | {"validFor": {"start": WINDOW["start"], "end": None}}
    log = _log(publicKey=key, checkpointKeyId={"keyId": _b64(b"c" * 32)}, operator=None)
    (found,) = read_trusted_root(_root(tlogs=[log], ctlogs=None), where="r")
    assert found.logs[0].window == Window(start=START)
    assert found.logs[0].checkpoint_key_id == b"c" * 32
    assert found.ct_logs == ()


@pytest.mark.parametrize(
    ("details", "raw", "spki"),
    [
        ("PKIX_ECDSA_P384_SHA_384", signer("log", "ecdsa-p384").spki, None),
        ("PKIX_ECDSA_P521_SHA_512", P521, None),
        ("PKIX_ED25519", signer("log", "ed25519").spki, None),
        ("PKIX_RSA_PKCS1V15_2048_SHA256", RSA_SPKI, None),
        ("PKIX_RSA_PKCS1V5", RSA_SPKI, None),
        ("PKCS1_RSA_PKCS1V5", RSA_PKCS1, RSA_SPKI),
    ],
)
def test_every_kind_of_key_that_is_verified_here(details: str, raw: bytes, spki: bytes | None) -> None:
    (found,) = read_trusted_root(_root(tlogs=[_log(raw, details)]), where="r")
    assert found.logs[0].spki == (spki or raw)


@pytest.mark.parametrize(
    "log",
    [
        pytest.param(_log(RSA_SPKI, "PKIX_RSA_PSS_2048_SHA256"), id="RSA-PSS"),
        pytest.param(_log(b"a new kind of key", "ML_DSA_65"), id="a post-quantum key"),
        pytest.param(_log(details="PKIX_ECDSA_P256_HMAC_SHA_256"), id="a deprecated kind"),
        pytest.param(_log(hashAlgorithm="SHA2_512"), id="a tree of SHA-512"),
    ],
)
def test_a_log_that_cannot_be_verified_here_is_not_trusted_and_is_named(log: dict[str, Any]) -> None:
    (found,) = read_trusted_root(_root(tlogs=[log, _log()], ctlogs=[log]), where="r")
    assert (len(found.logs), len(found.ct_logs), len(found.left_out)) == (1, 0, 2)
    assert (found.listed_logs, found.listed_ct_logs) == (2, 1)
    assert found.left_out[0].startswith("https://log.example.test (")


@pytest.mark.parametrize("name", ["tlogs", "ctlogs", "certificateAuthorities", "timestampAuthorities"])
def test_one_rehearsing_instance_makes_the_whole_root_a_rehearsal(name: str) -> None:
    make = _log if name.endswith("logs") else _authority
    root = _root(**{name: [make(operator="example.test"), make(operator=REHEARSAL_OPERATOR)]})
    assert read_trusted_root(root, where="r")[0].rehearsal
    assert not read_trusted_root(_root(**{name: [make(operator="example.test")]}), where="r")[0].rehearsal


def test_the_newer_media_type_is_read() -> None:
    root = WHOLE.replace(TRUSTED_ROOT_MEDIA_TYPE.encode(), b"application/vnd.dev.sigstore.trustedroot.v0.2+json")
    assert len(read_trusted_root(root, where="r")) == 1


def test_one_document_over_many_lines_and_many_documents_of_one_line() -> None:
    pretty = json.dumps(json.loads(WHOLE), indent=2).encode() + b"\n"
    (one,) = read_trusted_root(pretty, where="r.json")
    assert (one.source, one.sha256) == ("r.json", hashlib.sha256(pretty).hexdigest())
    other = _root(tlogs=[_log()])
    first, second = read_trusted_root(b"\n" + WHOLE + b"\n\n" + other + b"\n", where="r.jsonl")
    assert (first.source, first.sha256) == ("r.jsonl:2", hashlib.sha256(WHOLE).hexdigest())
    assert (second.source, second.sha256) == ("r.jsonl:4", hashlib.sha256(other).hexdigest())


def _key(**members: object) -> dict[str, Any]:
    key = {name: value for name, value in (_log()["publicKey"] | members).items() if value is not ...}
    return _log(publicKey=key)


def _tlog(log: dict[str, Any]) -> bytes:
    return _root(tlogs=[log])


def _ca(**members: object) -> bytes:
    return _root(certificateAuthorities=[_authority(**members)])


NO_START: dict[str, bytes] = {
    "a log without a window": _tlog(_key(validFor=...)),
    "a log with an empty window": _tlog(_key(validFor={})),
    "a log with only an end": _tlog(_key(validFor={"end": WINDOW["end"]})),
    "a log whose start is null": _tlog(_key(validFor={"start": None})),
    "a certificate log without a start": _root(ctlogs=[_key(validFor={"end": WINDOW["end"]})]),
    "an authority without a window": _ca(validFor=...),
    "an authority without a start": _ca(validFor={"end": WINDOW["end"]}),
    "a timestamp authority without a start": _root(timestampAuthorities=[_authority(validFor={})]),
    "a log of a kind left out, without a start": _tlog(_key(keyDetails="ML_DSA_65", validFor=...)),
}


@pytest.mark.parametrize("data", NO_START.values(), ids=NO_START.keys())
def test_what_has_no_start_is_refused_with_its_whole_document(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        read_trusted_root(data, where="r")
    assert caught.value.code == "trusted-root.no-start"
    assert "validFor" in (caught.value.hint or "")


BAD_URLS = ["log.example.test", "https://", "https://[", "x" * 2049, ""]
REFUSED = {
    "nothing": (b"", "trusted-root.malformed"),
    "blank lines": (b"\n \n", "trusted-root.malformed"),
    "a list": (b"[]", "trusted-root.malformed"),
    "no media type": (b"{}", "trusted-root.malformed"),
    "another media type": (_root(mediaType="application/json"), "trusted-root.media-type"),
    "a signing config": (
        _root(mediaType="application/vnd.dev.sigstore.signingconfig.v0.2+json"),
        "trusted-root.media-type",
    ),
    "an unknown member": (_root(tlogs=[_log()], more=1), "trusted-root.malformed"),
    "a duplicate member": (WHOLE.replace(b'{"mediaType"', b'{"tlogs":[],"mediaType"'), "trusted-root.malformed"),
    "nobody trusted": (_root(tlogs=[], ctlogs=[]), "trusted-root.empty"),
    "logs that are no list": (_root(tlogs=_log()), "trusted-root.malformed"),
    "an unknown member of a log": (_tlog(_log(more=1)), "trusted-root.malformed"),
    "no log id": (_tlog(_log(logId=...)), "trusted-root.malformed"),
    "an empty log id": (_tlog(_log(logId={"keyId": ""})), "trusted-root.malformed"),
    "an endless log id": (_tlog(_log(logId={"keyId": _b64(b"x" * 65)})), "trusted-root.malformed"),
    "no hash algorithm": (_tlog(_log(hashAlgorithm=...)), "trusted-root.malformed"),
    "an operator that is a number": (_tlog(_log(operator=1)), "trusted-root.malformed"),
    "a key without bytes": (_tlog(_key(rawBytes=...)), "trusted-root.malformed"),
    "a key without details": (_tlog(_key(keyDetails=...)), "trusted-root.malformed"),
    "a key of another kind": (_tlog(_log(details="PKIX_ED25519")), "trusted-root.key"),
    "a key of another size": (_tlog(_log(RSA_SPKI, "PKIX_RSA_PKCS1V15_4096_SHA256")), "trusted-root.key"),
    "an RSA key said to be elliptic": (_tlog(_log(RSA_SPKI)), "trusted-root.key"),
    "an elliptic key said to be RSA": (_tlog(_log(details="PKIX_RSA_PKCS1V5")), "trusted-root.key"),
    "PKCS#1 said to be PKIX": (_tlog(_log(RSA_PKCS1, "PKIX_RSA_PKCS1V5")), "trusted-root.key"),
    "PKIX said to be PKCS#1": (_tlog(_log(RSA_SPKI, "PKCS1_RSA_PKCS1V5")), "trusted-root.key"),
    "an empty PKCS#1 key": (_tlog(_log(b"\x30\x00", "PKCS1_RSA_PKCS1V5")), "trusted-root.key"),
    "a key that is none": (_tlog(_log(b"key")), "trusted-root.key"),
    "a key in PEM": (_tlog(_log(b"-----BEGIN PUBLIC KEY-----")), "trusted-root.key"),
    "an end before the start": (
        _tlog(_key(validFor={"start": WINDOW["end"], "end": WINDOW["start"]})),
        "trusted-root.window",
    ),
    "a time that is none": (_tlog(_key(validFor={"start": "today"})), "trusted-root.malformed"),
    "a time that is a number": (_tlog(_key(validFor={"start": 0})), "trusted-root.malformed"),
    "eleven certificates": (_ca(certChain={"certificates": [{"rawBytes": "AA=="}] * 11}), "trusted-root.malformed"),
    "a certificate that is not base64": (
        _ca(certChain={"certificates": [{"rawBytes": "%"}]}),
        "trusted-root.malformed",
    ),
    "an endless uri": (_ca(uri="x" * 2049), "trusted-root.malformed"),
    "an unknown member of an authority": (_ca(more=1), "trusted-root.malformed"),
    "one bad line among good ones": (WHOLE + b"\n{}\n", "trusted-root.malformed"),
    **{f"the base URL {url[:20]!r}": (_tlog(_log(baseUrl=url)), "trusted-root.malformed") for url in BAD_URLS},
}


@pytest.mark.parametrize(("data", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(data: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_trusted_root(data, where="r")
    assert caught.value.code == code
    assert (caught.value.where or "").startswith("r")


def test_more_than_allowed_is_refused_not_cut() -> None:
    for limits, data, code in [
        (Limits(trusted_root_bytes=len(WHOLE) - 1), WHOLE, "trusted-root.too-large"),
        (Limits(trusted_roots_per_file=1), WHOLE + b"\n" + WHOLE, "trusted-root.too-many"),
        (Limits(bundle_file_lines=2), WHOLE + b"\n\n\n", "trusted-root.too-many"),
        (Limits(trusted_root_instances=1), _root(tlogs=[_log()] * 2), "trusted-root.too-many"),
    ]:
        with pytest.raises(FormatError) as caught:
            read_trusted_root(data, where="r", limits=limits)
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("url", "origins"),
    [
        ("https://log.example.test", {"log.example.test"}),
        ("https://log.example.test/", {"log.example.test"}),
        ("https://log.example.test/2026/", {"log.example.test/2026"}),
        ("http://127.0.0.1:3003", {"127.0.0.1", "127.0.0.1:3003"}),
        ("http://LOG.example.test", {"log.example.test", "LOG.example.test"}),
    ],
)
def test_a_log_is_known_by_its_address_without_scheme(url: str, origins: set[str]) -> None:
    (found,) = read_trusted_root(_tlog(_log(baseUrl=url)), where="r")
    assert log_origins(found.logs[0]) == origins


@given(st.integers(0, len(WHOLE) - 1), st.binary(max_size=3), st.integers(0, 3))
def test_nothing_but_a_format_error_escapes(place: int, inserted: bytes, dropped: int) -> None:
    with contextlib.suppress(FormatError):
        read_trusted_root(WHOLE[:place] + inserted + WHOLE[place + dropped :], where="r")


@pytest.mark.parametrize("chain", [{"certificates": []}, {}, ...], ids=["no certificates", "no list", "no chain"])
def test_an_authority_without_certificates_is_left_out(chain: object) -> None:
    (root,) = read_trusted_root(_ca(certChain=chain), where="root.json")
    assert root.certificate_authorities == ()
    assert any("no certificates" in item for item in root.left_out)

"""Both generations of Rekor without sockets: what is taken, and what is not because its signature says nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from vxsec.formats.rekor_entry import read_rekor_entry
from vxsec.formats.sigstore_bundle import read_bundle
from vxsec.model.attestation import INTOTO_PAYLOAD_TYPE, pae
from vxsec.testing.loopback import LoggedRequest
from vxsec.testing.sigstore.entries import canonical, envelope_json
from vxsec.testing.sigstore.keys import encode, key_details, make_key, public_key_of, sign, spki_of, verifies
from vxsec.testing.sigstore.log import TransparencyLog
from vxsec.testing.sigstore.mint import BLOB, STATEMENT, Recipe, SigstoreMaterial
from vxsec.testing.sigstore.rekor_v1 import RekorV1
from vxsec.testing.sigstore.rekor_v2 import RekorV2
from vxsec.testing.sigstore.replies import RefusedRequestError

if TYPE_CHECKING:
    from vxsec.testing.sigstore.keys import PrivateKey

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
FIRST = RekorV1(TransparencyLog(generation=1, base_url="http://127.0.0.1:3001", kind="ecdsa-p256"), clock=lambda: NOW)
SECOND = RekorV2(TransparencyLog(generation=2, base_url="http://127.0.0.1:3002", kind="ed25519"))
KEY = make_key()
ENTRIES = "/api/v1/log/entries"


def ask(
    server: RekorV1 | RekorV2, method: str, path: str, document: object = None, query: str = ""
) -> tuple[int, bytes]:
    body = b"" if document is None else json.dumps(document).encode()
    status, data, *_ = server.answer(LoggedRequest(method=method, path=path, headers={}, body=body, query=query))
    return status, data


def pem(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def file_1(
    key: PrivateKey = KEY,
    *,
    blob: bytes = BLOB,
    digest: str | None = None,
    name: str = "sha256",
    verifier: bytes | None = None,
) -> dict[str, Any]:
    value = hashlib.new(name if name in hashlib.algorithms_available else "sha256", blob).hexdigest()
    stated = {"algorithm": name, "value": digest or value}
    signature = sign(key, blob, "sha256")
    spec = {
        "data": {"hash": stated},
        "signature": {"content": encode(signature), "publicKey": {"content": encode(verifier or pem(key))}},
    }
    return {"kind": "hashedrekord", "apiVersion": "0.0.1", "spec": spec}


def envelope_1(
    key: PrivateKey = KEY, *, payload: bytes = STATEMENT, signed: bytes = STATEMENT, times: int = 1
) -> dict[str, Any]:
    envelope = json.loads(envelope_json(INTOTO_PAYLOAD_TYPE, payload, sign(key, pae(INTOTO_PAYLOAD_TYPE, signed))))
    envelope["signatures"] *= times
    proposed = {"envelope": json.dumps(envelope), "verifiers": [encode(pem(key))]}
    return {"kind": "dsse", "apiVersion": "0.0.1", "spec": {"proposedContent": proposed}}


def verifier_2(key: PrivateKey) -> dict[str, Any]:
    return {"publicKey": {"rawBytes": encode(spki_of(key))}, "keyDetails": key_details(key.public_key())}


def file_2(key: PrivateKey = KEY, *, over: bytes = BLOB, name: str = "sha256", **verifier: object) -> dict[str, Any]:
    signature = {"content": encode(sign(key, over)), "verifier": {**verifier_2(key), **verifier}}
    return {"hashedRekordRequestV002": {"digest": encode(hashlib.new(name, BLOB).digest()), "signature": signature}}


def envelope_2(key: PrivateKey = KEY, *, signed: bytes = STATEMENT) -> dict[str, Any]:
    envelope = json.loads(envelope_json(INTOTO_PAYLOAD_TYPE, STATEMENT, sign(key, pae(INTOTO_PAYLOAD_TYPE, signed))))
    return {"dsseRequestV002": {"envelope": envelope, "verifiers": [verifier_2(key)]}}


# -- version 1 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        pytest.param(file_1(blob=b"one"), "hashedrekord", id="a file"),
        pytest.param(file_1(make_key("rsa-2048"), blob=b"two"), "hashedrekord", id="a file by RSA"),
        pytest.param(envelope_1(), "dsse", id="an envelope"),
        pytest.param(envelope_1(make_key("ed25519")), "dsse", id="an envelope by Ed25519"),
    ],
)
def test_rekor_1_takes_it_with_a_promise(entry: dict[str, Any], kind: str) -> None:
    status, data = ask(FIRST, "POST", ENTRIES, entry)
    assert status == 201
    ((uuid, found),) = json.loads(data).items()
    body = base64.b64decode(found["body"])
    read = read_rekor_entry(body, kind=kind, version="0.0.1", where="entry")
    promised = {name: found[name] for name in ("body", "integratedTime", "logID", "logIndex")}
    promise = base64.b64decode(found["verification"]["signedEntryTimestamp"])
    assert verifies(public_key_of(FIRST.log.spki), promise, canonical(promised))
    assert found["integratedTime"] == NOW.timestamp()
    assert len(read.pairs) == 1
    assert uuid.endswith(hashlib.sha256(b"\x00" + body).hexdigest())
    assert json.loads(ask(FIRST, "GET", f"{ENTRIES}/{uuid}")[1]) == {uuid: found}
    assert json.loads(ask(FIRST, "GET", ENTRIES, query=f"logIndex={found['logIndex']}")[1]) == {uuid: found}


def test_rekor_1_takes_the_same_entry_once() -> None:
    entry = file_1(blob=b"once")
    status, data = ask(FIRST, "POST", ENTRIES, entry)
    ((uuid, _),) = json.loads(data).items()
    again, said = ask(FIRST, "POST", ENTRIES, entry)
    assert (status, again) == (201, 409)
    assert uuid in json.loads(said)["message"]


def test_a_certificate_is_stored_as_it_is() -> None:
    minted = SigstoreMaterial().mint(Recipe(statement=STATEMENT))
    assert minted.certificate is not None
    armored = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(minted.certificate) + b"-----END CERTIFICATE-----\n"
    assert not isinstance(minted.private, str)
    entry = file_1(minted.private, blob=b"by certificate", verifier=armored)
    _, data = ask(FIRST, "POST", ENTRIES, entry)
    ((_, found),) = json.loads(data).items()
    read = read_rekor_entry(base64.b64decode(found["body"]), kind="hashedrekord", version="0.0.1", where="entry")
    assert read.pairs[0][1] == minted.certificate


def test_rekor_1_tells_its_state() -> None:
    found = json.loads(ask(FIRST, "GET", "/api/v1/log")[1])
    assert found["treeSize"] == FIRST.log.tree.size
    assert found["signedTreeHead"].startswith(f"{FIRST.log.origin}\n{found['treeSize']}\n")


WITHOUT_SPEC = {"kind": "hashedrekord", "apiVersion": "0.0.1"}


@pytest.mark.parametrize(
    ("entry", "match"),
    [
        pytest.param([], "JSON object", id="no object"),
        pytest.param({}, "expected hashedrekord or dsse", id="nothing"),
        pytest.param({**file_1(), "kind": "rpm"}, "expected hashedrekord or dsse", id="another kind"),
        pytest.param({**file_1(), "apiVersion": "0.0.2"}, "expected hashedrekord or dsse", id="another version"),
        pytest.param(WITHOUT_SPEC, "of kind hashedrekord", id="no content"),
        pytest.param({**WITHOUT_SPEC, "spec": []}, "of kind hashedrekord", id="content that is a list"),
        pytest.param(file_1(digest="00" * 32), "invalid signature", id="another digest"),
        pytest.param(file_1(digest="zz"), "of kind hashedrekord", id="a digest that is no hex"),
        pytest.param(file_1(name="md5"), "of kind hashedrekord", id="MD5"),
        pytest.param(file_1(name="sha512"), "invalid signature", id="a digest that was not signed"),
        pytest.param(file_1(verifier=pem(make_key())), "invalid signature", id="another key"),
        pytest.param(file_1(verifier=b"garbage"), "of kind hashedrekord", id="a key that is garbage"),
        pytest.param(file_1(make_key("ed25519")), "invalid signature", id="pure Ed25519 over a digest"),
        pytest.param(envelope_1(signed=b"other"), "not the verifier's", id="an envelope signed over other bytes"),
        pytest.param(envelope_1(times=2), "of kind dsse", id="an envelope with two signatures"),
        pytest.param({"kind": "dsse", "apiVersion": "0.0.1", "spec": {}}, "of kind dsse", id="no envelope"),
    ],
)
def test_rekor_1_refuses(entry: object, match: str) -> None:
    size = FIRST.log.tree.size
    with pytest.raises(RefusedRequestError, match=match) as caught:
        ask(FIRST, "POST", ENTRIES, entry)
    assert (caught.value.status, FIRST.log.tree.size) == (400, size)


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("GET", "/", ""),
        ("DELETE", ENTRIES, ""),
        ("GET", f"{ENTRIES}/00", ""),
        ("GET", ENTRIES, "logIndex=1"),
    ],
    ids=["another page", "another method", "an entry that is not there", "a number that is not there"],
)
def test_rekor_1_finds_nothing(method: str, path: str, query: str) -> None:
    with pytest.raises(RefusedRequestError) as caught:
        ask(FIRST, method, path, query=query)
    assert caught.value.status == 404


# -- version 2 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        pytest.param(file_2(), "hashedrekord", id="a file"),
        pytest.param(file_2(make_key("ecdsa-p384"), name="sha384"), "hashedrekord", id="a file by P-384"),
        pytest.param(file_2(make_key("ecdsa-p521"), name="sha512"), "hashedrekord", id="a file by P-521"),
        pytest.param(file_2(make_key("rsa-2048")), "hashedrekord", id="a file by RSA"),
        pytest.param(envelope_2(), "dsse", id="an envelope"),
        pytest.param(envelope_2(make_key("ed25519")), "dsse", id="an envelope by Ed25519"),
    ],
)
def test_rekor_2_takes_it_with_a_proof(request_: dict[str, Any], kind: str) -> None:
    status, data = ask(SECOND, "POST", "/api/v2/log/entries", request_)
    found = json.loads(data)
    assert status == 201
    assert found["kindVersion"] == {"kind": kind, "version": "0.0.2"}
    assert found["logIndex"] == found["inclusionProof"]["logIndex"]
    assert "integratedTime" not in found
    assert base64.b64decode(found["logId"]["keyId"]) == SECOND.log.log_id
    assert found["inclusionProof"]["checkpoint"]["envelope"] == ask(SECOND, "GET", "/api/v2/checkpoint")[1].decode()


@pytest.mark.parametrize(
    ("request_", "match"),
    [
        pytest.param([], "JSON object", id="no object"),
        pytest.param({}, "expected a hashedrekord or dsse", id="nothing"),
        pytest.param({"hashedRekordRequestV002": {}}, "expected a hashedrekord", id="nothing in it"),
        pytest.param(file_2(over=b"other"), "invalid signature", id="signed over other bytes"),
        pytest.param(file_2(name="sha512"), "invalid signature", id="a digest that was not signed"),
        pytest.param(file_2(make_key("ed25519")), "invalid signature", id="pure Ed25519 over a digest"),
        pytest.param(file_2(keyDetails="PKIX_ED25519"), "expected keyDetails", id="another kind of key than it says"),
        pytest.param(file_2(publicKey={"rawBytes": "*"}), "expected a hashedrekord", id="a key that is no base64"),
        pytest.param(file_2(publicKey={"rawBytes": ""}), "expected a hashedrekord", id="an empty key"),
        pytest.param(envelope_2(signed=b"other"), "over this envelope", id="an envelope signed over other bytes"),
        pytest.param({"dsseRequestV002": {}}, "expected a hashedrekord", id="no envelope"),
    ],
)
def test_rekor_2_refuses(request_: object, match: str) -> None:
    size = SECOND.log.tree.size
    with pytest.raises(RefusedRequestError, match=match) as caught:
        ask(SECOND, "POST", "/api/v2/log/entries", request_)
    assert (caught.value.status, SECOND.log.tree.size) == (400, size)


def test_rekor_2_finds_nothing_elsewhere() -> None:
    with pytest.raises(RefusedRequestError, match="no such page"):
        ask(SECOND, "GET", "/api/v2/log/entries")


def test_a_certificate_is_logged_as_one() -> None:
    minted = SigstoreMaterial().mint()
    assert minted.certificate is not None
    verifier = {"x509Certificate": {"rawBytes": encode(minted.certificate)}, "keyDetails": "PKIX_ECDSA_P256_SHA_256"}
    document = file_2(minted.private)
    document["hashedRekordRequestV002"]["signature"]["verifier"] = verifier
    _, data = ask(SECOND, "POST", "/api/v2/log/entries", document)
    body = base64.b64decode(json.loads(data)["canonicalizedBody"])
    assert read_rekor_entry(body, kind="hashedrekord", version="0.0.2", where="entry").pairs[0][1] == minted.certificate
    assert read_bundle(minted.bundle, where="minted").certificates == (minted.certificate,)

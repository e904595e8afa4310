"""The keys document of a registry: npm's own is read, and whatever two readers could see differently is refused."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from support.signing_kit import signer
from vxsec.errors import FormatError
from vxsec.formats.npm_keys import is_npm_key, npm_key_id, read_npm_keys, render_npm_keys
from vxsec.formats.public_key import render_public_key
from vxsec.limits import Limits
from vxsec.model.npm import NpmKey

NPM: dict[str, Any] = {
    "keys": [
        {
            "expires": "2025-01-29T00:00:00.000Z",
            "keyid": "SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA",
            "keytype": "ecdsa-sha2-nistp256",
            "scheme": "ecdsa-sha2-nistp256",
            "key": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1Olb3zMAFFxXKHiIkQO5cJ3Yhl5i6UPp+IhuteBJbuHcA5UogKo0EWtlWwW6KSaKoTNEYL7JlCQiVnkhBktUgg==",
        },
        {
            "expires": None,
            "keyid": "SHA256:DhQ8wR5APBvFHLF/+Tc+AYvPOdTpcIDqOhxsBHRwC7U",
            "keytype": "ecdsa-sha2-nistp256",
            "scheme": "ecdsa-sha2-nistp256",
            "key": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEY6Ya7W++7aUPzvMTrezH6Ycx3c+HOKYCcNGybJZSCJq/fd7Qa8uuAKtdIkUQtQiEKERhAmE5lMMJhP8OkDOa2g==",
        },
    ]
}
"""What the public npm registry answers."""


def read(document: object, **limits: int) -> Any:
    return read_npm_keys(json.dumps(document).encode(), where="keys.json", limits=Limits(**limits))


def with_key(**change: Any) -> dict[str, Any]:
    """The second key with members changed; None takes one away."""
    members = {**NPM["keys"][1], **change}
    return {"keys": [{name: value for name, value in members.items() if value is not None}]}


def b64(spki: bytes) -> str:
    return base64.b64encode(spki).decode()


def test_the_document_of_the_public_registry_is_read() -> None:
    keys = read(NPM).keys
    assert [key.keyid for key in keys] == [item["keyid"] for item in NPM["keys"]]
    assert keys[0].expires == datetime(2025, 1, 29, tzinfo=UTC)
    assert keys[1].expires is None
    assert [b64(key.spki) for key in keys] == [item["key"] for item in NPM["keys"]]


def test_the_id_of_a_key_is_the_one_npm_gives_it() -> None:
    assert [npm_key_id(key.spki) for key in read(NPM).keys] == [item["keyid"] for item in NPM["keys"]]


def test_what_is_written_is_what_npm_answers() -> None:
    assert json.loads(render_npm_keys(read(NPM).keys)) == NPM


@pytest.mark.parametrize(
    ("document", "ids"),
    [
        pytest.param({**NPM, "more": 1}, 2, id="an unknown member of the document"),
        pytest.param(with_key(comment="ours"), 1, id="an unknown member of a key"),
        pytest.param(with_key(expires=None), 1, id="no member for the expiry"),
        pytest.param(with_key(keyid="ours-2026"), 1, id="an id that is no fingerprint"),
    ],
)
def test_other_registries_documents_are_read(document: dict[str, Any], ids: int) -> None:
    assert len(read(document).keys) == ids


def test_a_key_of_a_kind_not_verified_here_is_listed_and_hides_no_other() -> None:
    other = {**NPM["keys"][0], "keyid": "new", "keytype": "ssh-ed25519", "scheme": "ssh-ed25519", "key": "AAAA"}
    found = read({"keys": [other, NPM["keys"][1]]})
    assert found.unsupported == ("new",)
    assert [key.keyid for key in found.keys] == [NPM["keys"][1]["keyid"]]


def test_a_compressed_point_is_the_same_key() -> None:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    from vxsec.formats.public_key import load_public_key

    spki = base64.b64decode(NPM["keys"][1]["key"])
    point = load_public_key(spki)
    assert isinstance(point, EllipticCurvePublicKey)
    short = point.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    head = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
    assert read(with_key(key=b64(head + short))).keys[0].spki == spki


P384 = b64(signer("registry", "ecdsa-p384").spki)
OFF_CURVE = b64(base64.b64decode(NPM["keys"][1]["key"])[:-1] + b"\x00")
PEM = b64(render_public_key(base64.b64decode(NPM["keys"][1]["key"])))

REFUSED: dict[str, tuple[object, str]] = {
    "a list": ([], "npm-keys.shape"),
    "no keys member": ({}, "npm-keys.shape"),
    "keys as an object": ({"keys": {}}, "npm-keys.shape"),
    "a key that is no object": ({"keys": [1]}, "npm-keys.shape"),
    "a key without an id": (with_key(keyid=None), "npm-keys.shape"),
    "an id that is no text": (with_key(keyid=1), "npm-keys.shape"),
    "an empty id": (with_key(keyid=""), "npm-keys.shape"),
    "an id with a line end": (with_key(keyid="a\nb"), "npm-keys.shape"),
    "an id of 201 characters": (with_key(keyid="a" * 201), "npm-keys.shape"),
    "an expiry that is a number": (with_key(expires=1), "npm-keys.shape"),
    "no keys at all": ({"keys": []}, "npm-keys.empty"),
    "keys of other kinds only": (with_key(keytype="rsa", scheme="rsa"), "npm-keys.empty"),
    "type and scheme that disagree": (with_key(scheme="ecdsa-sha2-nistp384"), "npm-keys.type"),
    "a P-384 key that says it is P-256": (with_key(key=P384), "npm-keys.type"),
    "an Ed25519 key that says it is P-256": (with_key(key=b64(signer("r", "ed25519").spki)), "npm-keys.type"),
    "a key that is no base64": (with_key(key="?"), "npm-keys.key"),
    "base64 with a line end": (with_key(key=NPM["keys"][1]["key"] + "\n"), "npm-keys.key"),
    "base64 of the URL kind": (with_key(key=NPM["keys"][1]["key"].replace("/", "_")), "npm-keys.key"),
    "base64 that ends in unused bits": (with_key(key=NPM["keys"][1]["key"][:-3] + "h=="), "npm-keys.key"),
    "a key that is cut": (with_key(key=NPM["keys"][1]["key"][:40]), "npm-keys.key"),
    "a point beside its curve": (with_key(key=OFF_CURVE), "npm-keys.key"),
    "a PEM block inside the base64": (with_key(key=PEM), "npm-keys.key"),
    "an empty key": (with_key(key=""), "npm-keys.key"),
    "one key twice": ({"keys": [NPM["keys"][0], NPM["keys"][0]]}, "npm-keys.duplicate"),
    "one key under two ids": ({"keys": [NPM["keys"][0], {**NPM["keys"][0], "keyid": "b"}]}, "npm-keys.duplicate"),
    "one id for two keys": (
        {"keys": [NPM["keys"][0], {**NPM["keys"][1], "keyid": NPM["keys"][0]["keyid"]}]},
        "npm-keys.duplicate",
    ),
    "an id of a key left out, again": (
        {"keys": [NPM["keys"][0], {**NPM["keys"][0], "keytype": "x", "scheme": "x"}]},
        "npm-keys.duplicate",
    ),
    "an expiry without a zone": (with_key(expires="2025-01-29T00:00:00"), "time.malformed"),
}


@pytest.mark.parametrize(("document", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(document: object, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        read(document)
    assert caught.value.code == code
    assert caught.value.hint


def test_refuses_more_keys_and_bytes_than_a_registry_has() -> None:
    with pytest.raises(FormatError) as caught:
        read(NPM, npm_keys=1)
    assert caught.value.code == "npm-keys.too-many"
    with pytest.raises(FormatError) as caught:
        read(NPM, npm_keys_bytes=100)
    assert caught.value.code == "json.too-large"
    with pytest.raises(FormatError) as caught:
        read_npm_keys(b'{"keys":[],"keys":[]}', where="keys.json")
    assert caught.value.code == "json.duplicate-key"


def test_refuses_to_write_what_npm_could_not_read() -> None:
    with pytest.raises(FormatError) as caught:
        render_npm_keys([NpmKey(keyid="a", spki=signer("r", "ed25519").spki, expires=None)])
    assert caught.value.code == "npm-keys.type"
    with pytest.raises(FormatError) as caught:
        render_npm_keys([])
    assert caught.value.code == "npm-keys.empty"
    key = read(NPM).keys[0]
    with pytest.raises(FormatError) as caught:
        render_npm_keys([key, key])
    assert caught.value.code == "npm-keys.duplicate"


def test_only_p256_is_npms_kind() -> None:
    assert [is_npm_key(signer("r", name).spki) for name in ("ecdsa-p256", "ecdsa-p384", "ed25519")] == [
        True,
        False,
        False,
    ]

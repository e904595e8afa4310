"""Bodies of log entries: what was logged, whatever kind of entry says it."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.certificate_kit import certificate
from support.signing_kit import signer
from vxsec.errors import FormatError
from vxsec.formats.public_key import render_public_key
from vxsec.formats.rekor_entry import read_rekor_entry
from vxsec.formats.strict_json import dump_json
from vxsec.limits import Limits
from vxsec.model.transparency import RekorEntry

LEAF = certificate()
SPKI = signer("ci").spki
DIGEST, OTHER = "ab" * 32, "cd" * 32
CERTIFICATE_PEM = b"-----BEGIN CERTIFICATE-----\n%b\n-----END CERTIFICATE-----\n" % base64.encodebytes(LEAF).strip()
KEY_PEM = render_public_key(SPKI)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


SHA256 = {"algorithm": "sha256", "value": DIGEST}
OUTPUT = {"algorithm": "SHA2_256", "digest": _b64(bytes.fromhex(DIGEST))}
BY_CERTIFICATE = {"keyDetails": "PKIX_ECDSA_P256_SHA_256", "x509Certificate": {"rawBytes": _b64(LEAF)}}
BY_KEY = {"keyDetails": "PKIX_ECDSA_P256_SHA_256", "publicKey": {"rawBytes": _b64(SPKI)}}
SIGNATURE = {"content": _b64(b"signature"), "verifier": BY_CERTIFICATE}

BODIES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "hashedrekord 0.0.1": (
        "hashedrekord",
        "0.0.1",
        {
            "data": {"hash": SHA256},
            "signature": {"content": _b64(b"signature"), "publicKey": {"content": _b64(CERTIFICATE_PEM)}},
        },
    ),
    "hashedrekord 0.0.2": ("hashedrekord", "0.0.2", {"hashedRekordV002": {"data": OUTPUT, "signature": SIGNATURE}}),
    "dsse 0.0.1": (
        "dsse",
        "0.0.1",
        {
            "envelopeHash": {"algorithm": "sha256", "value": OTHER},
            "payloadHash": SHA256,
            "signatures": [{"signature": _b64(b"signature"), "verifier": _b64(CERTIFICATE_PEM)}],
        },
    ),
    "dsse 0.0.2": ("dsse", "0.0.2", {"dsseV002": {"payloadHash": OUTPUT, "signatures": [SIGNATURE]}}),
    "intoto 0.0.2": (
        "intoto",
        "0.0.2",
        {
            "content": {
                "envelope": {
                    "payloadType": "application/vnd.in-toto+json",
                    "signatures": [{"sig": _b64(_b64(b"signature").encode()), "publicKey": _b64(CERTIFICATE_PEM)}],
                },
                "hash": {"algorithm": "sha256", "value": OTHER},
                "payloadHash": SHA256,
            }
        },
    ),
}


def _body(name: str, path: str = "", value: object = None) -> bytes:
    """The body of this name with the member at ``path`` set, or removed for ``...``."""
    kind, version, spec = BODIES[name]
    document: Any = json.loads(dump_json({"apiVersion": version, "kind": kind, "spec": spec}))
    if path:
        node = document
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        for part in parents:
            node = node[part]
        if value is ...:
            del node[last]
        else:
            node[last] = value
    return dump_json(document)


def _read(name: str, body: bytes, limits: Limits | None = None) -> RekorEntry:
    kind, version, _ = BODIES[name]
    return read_rekor_entry(body, kind=kind, version=version, where="entry", limits=limits or Limits())


@pytest.mark.parametrize("name", BODIES)
def test_every_kind_says_the_same(name: str) -> None:
    kind, version, _ = BODIES[name]
    assert _read(name, _body(name)) == RekorEntry(
        kind=kind,
        version=version,
        digests={"sha256": DIGEST},
        envelope_digest=OTHER if name in {"dsse 0.0.1", "intoto 0.0.2"} else None,
        pairs=((b"signature", LEAF),),
    )


SIGNATURES = {
    "dsse 0.0.1": "spec.signatures",
    "dsse 0.0.2": "spec.dsseV002.signatures",
    "intoto 0.0.2": "spec.content.envelope.signatures",
}
KEYS = {
    "hashedrekord 0.0.1": ("spec.signature.publicKey.content", _b64(KEY_PEM)),
    "hashedrekord 0.0.2": ("spec.hashedRekordV002.signature.verifier", BY_KEY),
    "dsse 0.0.1": ("spec.signatures.0.verifier", _b64(KEY_PEM)),
    "dsse 0.0.2": ("spec.dsseV002.signatures.0.verifier", BY_KEY),
    "intoto 0.0.2": ("spec.content.envelope.signatures.0.publicKey", _b64(KEY_PEM + b"\n")),
}


@pytest.mark.parametrize("name", KEYS)
def test_a_verifier_may_be_a_key(name: str) -> None:
    assert _read(name, _body(name, *KEYS[name])).pairs == ((b"signature", SPKI),)


@pytest.mark.parametrize("name", SIGNATURES)
def test_several_signatures_are_kept_in_order_and_bounded(name: str) -> None:
    path = SIGNATURES[name]
    node: Any = json.loads(_body(name))
    for part in path.split("."):
        node = node[part]
    assert _read(name, _body(name, path, node * 2)).pairs == ((b"signature", LEAF),) * 2
    with pytest.raises(FormatError) as caught:
        _read(name, _body(name, path, node * 3), Limits(log_entry_signatures=2))
    assert caught.value.code == "tlog.too-many"
    with pytest.raises(FormatError) as caught:
        _read(name, _body(name, path, []))
    assert caught.value.code == "tlog.body"


@pytest.mark.parametrize(("name", "size"), [("SHA2_384", 48), ("SHA2_512", 64)])
def test_longer_digests_have_their_own_length(name: str, size: int) -> None:
    path = "spec.hashedRekordV002.data"
    body = _body("hashedrekord 0.0.2", path, {"algorithm": name, "digest": _b64(b"d" * size)})
    assert _read("hashedrekord 0.0.2", body).digests == {name.lower().replace("2_", ""): "64" * size}
    body = _body("hashedrekord 0.0.2", path, {"algorithm": name, "digest": _b64(b"d" * 32)})
    with pytest.raises(FormatError) as caught:
        _read("hashedrekord 0.0.2", body)
    assert caught.value.code == "tlog.body"


def test_the_payload_that_a_real_log_leaves_out_is_not_looked_at() -> None:
    body = _body("intoto 0.0.2", "spec.content.envelope.payload", "ZXdvZ0lD")
    assert _read("intoto 0.0.2", body).digests == {"sha256": DIGEST}


@pytest.mark.parametrize(
    ("kind", "version"),
    [("intoto", "0.0.1"), ("hashedrekord", "0.0.3"), ("rekord", "0.0.1"), ("DSSE", "0.0.1"), ("", "")],
)
def test_other_kinds_are_refused(kind: str, version: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_rekor_entry(_body("dsse 0.0.1"), kind=kind, version=version, where="entry")
    assert caught.value.code == "tlog.kind"


@pytest.mark.parametrize("name", BODIES)
def test_a_body_of_another_kind_than_the_entry_says_is_refused(name: str) -> None:
    for path, value in [("kind", "rekord"), ("apiVersion", "0.0.9")]:
        with pytest.raises(FormatError) as caught:
            _read(name, _body(name, path, value))
        assert caught.value.code == "tlog.kind-mismatch"


V1, V2, DSSE, INTOTO = "hashedrekord 0.0.1", "hashedrekord 0.0.2", "dsse 0.0.1", "intoto 0.0.2"
HASH = "spec.data.hash"
PEM = "spec.signature.publicKey.content"
VERIFIER = "spec.hashedRekordV002.signature.verifier"
ED25519 = signer("ed", "ed25519").spki


def _pem(text: bytes) -> str:
    return _b64(text)


REFUSED: dict[str, tuple[str, bytes, str]] = {
    "nothing": (V1, b"", "tlog.body"),
    "a list": (V1, b"[]", "tlog.body"),
    "not UTF-8": (V1, b"\xff", "tlog.body"),
    "more beside the spec": (V1, _body(V1, "extra", 1), "tlog.body"),
    "no spec": (V1, _body(V1, "spec", ...), "tlog.body"),
    "more in the spec": (V1, _body(V1, "spec.more", 1), "tlog.body"),
    "a spec of the other version": (V1, _body(V1, "spec", BODIES[V2][2]), "tlog.body"),
    "an upper-case digest": (V1, _body(V1, HASH + ".value", "AB" * 32), "tlog.body"),
    "a short digest": (V1, _body(V1, HASH + ".value", "ab" * 31), "tlog.body"),
    "a digest with a line end": (V1, _body(V1, HASH + ".value", "ab" * 31 + "a\n"), "tlog.body"),
    "a digest in no hexadecimal": (V1, _body(V1, HASH + ".value", "xy" * 32), "tlog.body"),
    "SHA-1": (V1, _body(V1, HASH, {"algorithm": "sha1", "value": "ab" * 20}), "tlog.body"),
    "no digest": (V1, _body(V1, "spec.data", {}), "tlog.body"),
    "data from a URL": (V1, _body(V1, "spec.data.url", "https://x.test"), "tlog.body"),
    "an empty signature": (V1, _body(V1, "spec.signature.content", ""), "tlog.body"),
    "no verifier": (V1, _body(V1, "spec.signature.publicKey", ...), "tlog.body"),
    "a verifier that is DER": (V1, _body(V1, PEM, _b64(SPKI)), "tlog.body"),
    "a verifier that is text": (V1, _body(V1, PEM, _b64(b"a key")), "tlog.body"),
    "a private key": (
        V1,
        _body(V1, PEM, _b64(KEY_PEM.replace(b"PUBLIC", b"PRIVATE"))),
        "tlog.body",
    ),
    "two certificates": (V1, _body(V1, PEM, _b64(CERTIFICATE_PEM * 2)), "tlog.body"),
    "a key behind a certificate": (V1, _body(V1, PEM, _b64(CERTIFICATE_PEM + KEY_PEM)), "tlog.body"),
    "a certificate behind a key": (V1, _body(V1, PEM, _b64(KEY_PEM + CERTIFICATE_PEM)), "key.malformed"),
    "two keys": (V1, _body(V1, PEM, _b64(KEY_PEM * 2)), "key.malformed"),
    "text before a certificate": (V1, _body(V1, PEM, _b64(b"x" + CERTIFICATE_PEM)), "tlog.body"),
    "a certificate with a header": (
        V1,
        _body(V1, PEM, _b64(CERTIFICATE_PEM.replace(b"-----\n", b"-----\nProc-Type: 4\n\n", 1))),
        "tlog.body",
    ),
    "a certificate that is cut off": (V1, _body(V1, PEM, _b64(CERTIFICATE_PEM[:-30])), "tlog.body"),
    "a certificate that is not base64": (
        V1,
        _body(V1, PEM, _b64(b"-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n")),
        "tlog.body",
    ),
    "a digest by another name": (
        V2,
        _body(V2, "spec.hashedRekordV002.data.algorithm", "sha256"),
        "tlog.body",
    ),
    "a digest of 31 bytes": (V2, _body(V2, "spec.hashedRekordV002.data.digest", _b64(b"x" * 31)), "tlog.body"),
    "no kind of verifier": (V2, _body(V2, VERIFIER, {"keyDetails": "PKIX_ED25519"}), "tlog.body"),
    "two kinds of verifier": (V2, _body(V2, VERIFIER, BY_KEY | BY_CERTIFICATE), "tlog.body"),
    "no details of the key": (V2, _body(V2, VERIFIER + ".keyDetails", ...), "tlog.body"),
    "details of another key": (
        V2,
        _body(V2, VERIFIER, BY_KEY | {"publicKey": {"rawBytes": _b64(ED25519)}}),
        "tlog.body",
    ),
    "details that are not known": (V2, _body(V2, VERIFIER, BY_KEY | {"keyDetails": "ML_DSA_65"}), "tlog.body"),
    "a key that is none": (V2, _body(V2, VERIFIER, BY_KEY | {"publicKey": {"rawBytes": "AAAA"}}), "key.malformed"),
    "no payload digest": (DSSE, _body(DSSE, "spec.payloadHash", ...), "tlog.body"),
    "no envelope digest": (DSSE, _body(DSSE, "spec.envelopeHash", ...), "tlog.body"),
    "an envelope's SHA-512": (
        DSSE,
        _body(DSSE, "spec.envelopeHash", {"algorithm": "sha512", "value": "ab" * 64}),
        "tlog.body",
    ),
    "the envelope proposed beside its digest": (DSSE, _body(DSSE, "spec.proposedContent", {}), "tlog.body"),
    "a signature in base64 once": (
        INTOTO,
        _body(INTOTO, "spec.content.envelope.signatures.0.sig", _b64(b"\x30\x45\xff")),
        "tlog.body",
    ),
    "a signature in base64 once that is ASCII": (
        INTOTO,
        _body(INTOTO, "spec.content.envelope.signatures.0.sig", _b64(b"0E!")),
        "tlog.body",
    ),
    "no payload digest of a statement": (INTOTO, _body(INTOTO, "spec.content.payloadHash", ...), "tlog.body"),
}


@pytest.mark.parametrize(("name", "body", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(name: str, body: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        _read(name, body)
    assert caught.value.code == code
    assert (caught.value.where or "").startswith("entry")


@given(st.sampled_from(sorted(BODIES)), st.integers(0, 4000), st.binary(max_size=3), st.integers(0, 3))
def test_nothing_but_a_format_error_escapes(name: str, place: int, inserted: bytes, dropped: int) -> None:
    body = _body(name)
    place %= len(body)
    with contextlib.suppress(FormatError):
        _read(name, body[:place] + inserted + body[place + dropped :])

"""Minted bundles: the default is right in every part, and each knob turns exactly what it names.

Whether verifiers accept or refuse them is asked in ``tests/integration/test_sigstore_js_oracle.py``; here it is only looked at.
"""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from support.sigstore_cases import CASES
from vxsec.errors import FormatError
from vxsec.formats.checkpoint import read_checkpoint
from vxsec.formats.rekor_entry import read_rekor_entry
from vxsec.formats.sigstore_bundle import read_bundle
from vxsec.formats.trusted_root import read_trusted_root
from vxsec.model.attestation import pae
from vxsec.testing.sigstore.documents import client_trust_config, signing_config
from vxsec.testing.sigstore.keys import (
    HashName,
    KeyKind,
    default_hash,
    key_details,
    make_key,
    public_key_of,
    render_verifier,
    spki_of,
    verifies,
    verifies_digest,
)
from vxsec.testing.sigstore.mint import (
    BLOB,
    SIGNED_AT,
    STARTED_AT,
    STATEMENT,
    Entry,
    Note,
    Recipe,
    Root,
    SigstoreMaterial,
    Stamp,
    Window,
)

MATERIAL = SigstoreMaterial()


def entry(recipe: Recipe) -> dict[str, Any]:
    found: dict[str, Any] = MATERIAL.mint(recipe).document["verificationMaterial"]["tlogEntries"][0]
    return found


def note(**changes: Any) -> str:
    found = entry(Recipe(entries=(Entry(note=Note(**changes)),)))
    text: str = found["inclusionProof"]["checkpoint"]["envelope"]
    return text


@pytest.mark.parametrize("name", CASES)
def test_every_case_is_minted(name: str) -> None:
    minted = MATERIAL.mint(CASES[name].recipe)
    assert json.loads(minted.bundle)["mediaType"] == CASES[name].recipe.media_type


@pytest.mark.parametrize("kind", ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "ed25519", "rsa-2048"])
def test_a_bundle_is_signed_by_the_key_it_says(kind: KeyKind) -> None:
    minted = MATERIAL.mint(Recipe(key=kind, statement=STATEMENT))
    assert minted.payload == STATEMENT
    assert verifies(public_key_of(minted.spki), minted.signature, pae("application/vnd.in-toto+json", STATEMENT))
    assert minted.certificate is not None
    assert spki_of(public_key_of(minted.certificate)) == minted.spki
    assert spki_of(minted.private) == minted.spki


def test_the_usual_bundle_is_read_by_us() -> None:
    minted = MATERIAL.mint()
    found = read_bundle(minted.bundle, where="minted")
    (logged,) = found.log_entries
    assert minted.blob == BLOB
    assert logged.proof is not None
    assert (logged.log_index, logged.proof.log_index, logged.proof.tree_size) == (5, 5, 9)
    assert (len(found.timestamps), logged.integrated_time, logged.promise) == (1, None, None)


def test_what_was_minted_before_makes_no_difference() -> None:
    before = entry(Recipe())
    for _ in range(3):
        MATERIAL.mint()
    assert entry(Recipe())["inclusionProof"]["treeSize"] == before["inclusionProof"]["treeSize"]


def test_two_entries_of_one_bundle_are_in_one_tree() -> None:
    minted = MATERIAL.mint(Recipe(statement=STATEMENT, entries=(Entry(), Entry(kind="dsse"))))
    first, second = read_bundle(minted.bundle, where="minted").log_entries
    assert first.proof is not None
    assert second.proof is not None
    assert (first.log_index, second.log_index) == (5, 9)
    assert (first.proof.tree_size, second.proof.tree_size) == (9, 13)


def test_the_trusted_root_lists_what_is_asked_for_and_is_marked() -> None:
    ended = Window(start=STARTED_AT, end=SIGNED_AT)
    (usual,) = read_trusted_root(MATERIAL.trusted_root(), where="root")
    (other,) = read_trusted_root(
        MATERIAL.trusted_root(Root(ca=ended, rekor_v1=None, expired_tsa=ended, wrong_usage_tsa=ended)), where="root"
    )
    assert usual.rehearsal
    assert (len(usual.logs), len(usual.timestamp_authorities)) == (2, 1)
    assert (len(other.logs), len(other.timestamp_authorities)) == (1, 3)
    assert other.certificate_authorities[0].window == ended


def test_a_root_may_be_unmarked_and_edited() -> None:
    (found,) = read_trusted_root(
        MATERIAL.trusted_root(Root(rehearsal=False, edit=lambda root: root.update(ctlogs=[]))), where="root"
    )
    assert (found.rehearsal, found.ct_logs) == (False, ())


def test_another_material_is_another_instance() -> None:
    (mine,), (other,) = (
        read_trusted_root(material.trusted_root(), where="root") for material in (MATERIAL, SigstoreMaterial())
    )
    assert mine.logs[0].log_id != other.logs[0].log_id


# -- knobs that no case turns ------------------------------------------------------------------------------------------


def test_a_key_hint_may_be_chosen() -> None:
    minted = MATERIAL.mint(Recipe(material="key", key_hint="ci-2026"))
    assert minted.certificate is None
    assert read_bundle(minted.bundle, where="minted").key_hint == "ci-2026"


def test_a_signature_may_be_any_bytes_and_is_logged_so() -> None:
    minted = MATERIAL.mint(Recipe(signature=b"signed"))
    body = base64.b64decode(minted.document["verificationMaterial"]["tlogEntries"][0]["canonicalizedBody"])
    assert read_rekor_entry(body, kind="hashedrekord", version="0.0.2", where="entry").pairs[0][0] == b"signed"


@pytest.mark.parametrize("name", ["sha256", "sha384", "sha512"])
def test_a_hash_may_be_chosen(name: HashName) -> None:
    minted = MATERIAL.mint(Recipe(hash=name))
    stated = minted.document["messageSignature"]["messageDigest"]
    digest = base64.b64decode(stated["digest"])
    assert stated["algorithm"] == f"SHA2_{name.removeprefix('sha')}"
    assert verifies_digest(public_key_of(minted.spki), minted.signature, digest, name)


def test_everything_may_be_edited() -> None:
    recipe = Recipe(
        entries=(Entry(edit=lambda found: found.update(logIndex="7")),), edit=lambda found: found.update(more=1)
    )
    assert entry(recipe)["logIndex"] == "7"
    with pytest.raises(FormatError):
        read_bundle(MATERIAL.mint(recipe).bundle, where="minted")


def test_lists_are_repeated() -> None:
    found = MATERIAL.mint(Recipe(repeat_entries=3, repeat_stamps=2)).document["verificationMaterial"]
    assert len(found["tlogEntries"]) == 3
    assert len(found["timestampVerificationData"]["rfc3161Timestamps"]) == 2


def test_a_stamp_may_be_any_bytes() -> None:
    found = read_bundle(MATERIAL.mint(Recipe(stamps=(Stamp(raw=b"raw"),))).bundle, where="minted")
    assert found.timestamps == (b"raw",)


def test_times_are_those_of_the_recipe() -> None:
    at = SIGNED_AT + timedelta(days=3)
    assert entry(Recipe(entries=(Entry(log="v1"),), at=at))["integratedTime"] == str(int(at.timestamp()))


def test_a_checkpoints_lines_and_signers() -> None:
    found = read_checkpoint(note(signers=("log", "second", "witness", "unhinted"), lines=("more",)), where="note")
    assert [line.name.split(".")[0] for line in found.signatures] == ["log2026", "log2026", "witness", "log2026"]
    assert found.signed.endswith(b"\nmore\n")
    first, second, _, fourth = (line.key_hint for line in found.signatures)
    assert first != second
    assert fourth == bytes(4)


def test_one_broken_signature_leaves_the_others() -> None:
    found = read_checkpoint(note(signers=("broken", "log")), where="note")
    key = public_key_of(MATERIAL.logs["v2", "trusted"].spki)
    assert [verifies(key, line.signature, found.signed) for line in found.signatures] == [False, True]


# -- keys and documents ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "details", "hashed"),
    [
        ("ecdsa-p256", "PKIX_ECDSA_P256_SHA_256", "sha256"),
        ("ecdsa-p384", "PKIX_ECDSA_P384_SHA_384", "sha384"),
        ("ecdsa-p521", "PKIX_ECDSA_P521_SHA_512", "sha512"),
        ("ed25519", "PKIX_ED25519", "sha256"),
        ("rsa-2048", "PKIX_RSA_PKCS1V15_2048_SHA256", "sha256"),
    ],
)
def test_keys_are_called_what_sigstores_registry_calls_them(kind: KeyKind, details: str, hashed: str) -> None:
    key = make_key(kind)
    assert (key_details(key.public_key()), default_hash(key), default_hash(key.public_key())) == (
        details, hashed, hashed,
    )  # fmt: skip
    assert spki_of(public_key_of(render_verifier(spki_of(key)))) == spki_of(key)


KNOWN = spki_of(make_key("ed25519"))


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(spki_of(ec.generate_private_key(ec.SECP256K1())), id="on a curve of others"),
        pytest.param(
            x25519.X25519PrivateKey.generate()
            .public_key()
            .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            id="that cannot sign",
        ),
        pytest.param(KNOWN.replace(b"\x2b\x65\x70", b"\x2b\x65\x7f"), id="of a kind that nobody knows"),
        pytest.param(b"", id="that is empty"),
    ],
)
def test_a_key_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="key"):
        public_key_of(key)


def test_a_signing_config_without_timestamps_names_none() -> None:
    made = signing_config(
        fulcio="http://127.0.0.1:1", issuer="http://127.0.0.1:2", rekor=[("http://127.0.0.1:3", 1)], timestamps=[], start=SIGNED_AT,
    )  # fmt: skip
    assert "tsaUrls" not in made
    assert client_trust_config({"a": 1}, made)["trustedRoot"] == {"a": 1}

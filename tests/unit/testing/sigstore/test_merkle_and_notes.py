"""Trees and checkpoints, against RFC 6962's rules computed another way and against real logs' published keys."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import load_der_public_key

from vxsec.formats.checkpoint import read_checkpoint
from vxsec.testing.sigstore.keys import make_key, public_key_of, spki_of, verifies
from vxsec.testing.sigstore.log import TransparencyLog
from vxsec.testing.sigstore.merkle import MerkleTree, leaf_hash
from vxsec.testing.sigstore.notes import NoteKey, checkpoint_text, note_log_id, signed_note, witness_key

# The tree of certificate-transparency's own test data (``merkletree`` reference vectors).
LEAVES = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def root_by_proof(index: int, size: int, body: bytes, hashes: tuple[bytes, ...]) -> bytes:
    """RFC 9162 section 2.1.3.2, which verifies from the leaf up."""
    node, last, value = index, size - 1, leaf_hash(body)
    for sibling in hashes:
        assert last > 0
        if node & 1 or node == last:
            value = hashlib.sha256(b"\x01" + sibling + value).digest()
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            value = hashlib.sha256(b"\x01" + value + sibling).digest()
        node, last = node >> 1, last >> 1
    assert last == 0
    return value


def test_roots_are_those_of_the_reference_tree() -> None:
    tree = MerkleTree()
    for leaf in LEAVES:
        tree.append(bytes.fromhex(leaf))
    assert [tree.root(size).hex() for size in range(1, 9)] == list(ROOTS)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 33])
def test_every_leaf_has_a_proof_that_leads_to_the_root(size: int) -> None:
    tree = MerkleTree()
    bodies = [b"%d" % number for number in range(size)]
    assert [tree.append(body) for body in bodies] == list(range(size))
    for index, body in enumerate(bodies):
        assert root_by_proof(index, size, body, tree.proof(index)) == tree.root()


def test_a_proof_of_an_earlier_tree_is_still_to_be_had() -> None:
    tree = MerkleTree()
    for number in range(9):
        tree.append(b"%d" % number)
    assert root_by_proof(4, 6, b"4", tree.proof(4, 6)) == tree.root(6)


def test_a_copy_grows_by_itself() -> None:
    tree = MerkleTree()
    tree.append(b"0")
    other = tree.copy()
    other.append(b"1")
    assert (tree.size, other.size) == (1, 2)


def test_the_log_id_of_an_ed25519_log_is_that_of_the_real_one() -> None:
    spki = base64.b64decode("MCowBQYDK2VwAyEAPn+AREHoBaZ7wgS1zBqpxmLSGnyhxXj4lFxSdWVB8o8=")
    assert isinstance(load_der_public_key(spki), ed25519.Ed25519PublicKey)
    log_id = note_log_id("log2025-alpha1.rekor.sigstage.dev", spki)
    assert base64.b64encode(log_id).decode() == "8w1amZ2S5mJIQkQmPxdMuOrL/oJkvFg9MnQXmeOCXck="


def test_the_log_id_of_an_ecdsa_log_is_that_of_the_real_one() -> None:
    spki = base64.b64decode(
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEDODRU688UYGuy54mNUlaEBiQdTE9nYLr0lg6RXowI/QV/RE1azBn4Eg5/2uTOMbhB1/gfcHzijzFi9Tk+g1Prg=="
    )
    assert (
        base64.b64encode(note_log_id("rekor.sigstage.dev", spki)).decode()
        == "0y8wo8MtY5wrdiIFohx7sHeI5oKDpK5vQhGHI6G+pJY="
    )


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa-p256"])
def test_a_note_says_what_was_signed_by_whom(kind: str) -> None:
    key = make_key("ed25519" if kind == "ed25519" else "ecdsa-p256")
    text = checkpoint_text("log.example.test", 7, bytes(32), ("more",))
    assert text == f"log.example.test\n7\n{base64.b64encode(bytes(32)).decode()}\nmore\n"
    hint = note_log_id("log.example.test", spki_of(key))
    found = read_checkpoint(signed_note(text, [NoteKey(name="log.example.test", hint=hint, key=key)]), where="note")
    (signature,) = found.signatures
    assert (found.origin, found.tree_size, signature.name, signature.key_hint) == (
        "log.example.test", 7, "log.example.test", hint[:4],
    )  # fmt: skip
    assert verifies(public_key_of(spki_of(key)), signature.signature, found.signed)


def test_a_witness_signs_the_time_too() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    text = checkpoint_text("log.example.test", 7, bytes(32))
    found = read_checkpoint(signed_note(text, [witness_key("w.example.test", key, at=1_700_000_000)]), where="note")
    (line,) = found.signatures
    hint = hashlib.sha256(b"w.example.test\n\x04" + key.public_key().public_bytes_raw()).digest()[:4]
    assert (line.key_hint, int.from_bytes(line.signature[:8], "big")) == (hint, 1_700_000_000)
    key.public_key().verify(line.signature[8:], b"cosignature/v1\ntime 1700000000\n" + text.encode())


def test_a_log_of_the_first_generation_goes_on_from_others_and_names_its_tree() -> None:
    log = TransparencyLog(generation=1, base_url="https://rekor.example.test", kind="ecdsa-p256")
    assert log.origin == f"rekor.example.test - {log.tree_id}"
    assert log.index_offset > 0
    assert log.log_id == hashlib.sha256(log.spki).digest()


def test_a_fork_leaves_the_log_alone() -> None:
    log = TransparencyLog(generation=2, base_url="http://127.0.0.1:3003", kind="ed25519")
    placed = log.fork().place(b"entry", later=2)
    assert (placed.size, log.tree.size) == (placed.index + 3, placed.index)
    assert log.origin == "127.0.0.1"
    assert root_by_proof(placed.index, placed.size, b"entry", placed.hashes) == placed.root
    assert read_checkpoint(placed.checkpoint, where="note").root_hash == placed.root

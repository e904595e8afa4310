"""Keys as files, made once for all tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from vxsec.formats.public_key import render_public_key
from vxsec.signing.key import KeySigner, generate_pkcs8

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``NAME.pem`` (private, plain) and ``NAME.pub`` for ci, alice and mallory; ``ed`` is Ed25519."""
    folder = tmp_path_factory.mktemp("keys")
    for name, algorithm in (
        ("ci", "ecdsa-p256"),
        ("alice", "ecdsa-p256"),
        ("mallory", "ecdsa-p256"),
        ("ed", "ed25519"),
    ):
        pkcs8 = generate_pkcs8(algorithm)
        pem = load_der_private_key(pkcs8, None).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{name}.pem").write_bytes(pem)
        (folder / f"{name}.pub").write_bytes(render_public_key(KeySigner(pkcs8, where=name).spki))
    return folder

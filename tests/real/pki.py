"""Keys and certificate chains for one instance of the real servers, as the files that these servers read."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from vxsec.host.clock import utc_now
from vxsec.testing.sigstore.authority import build_ca_certificate, key_usage

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

__all__ = ["FULCIO_PASSWORD", "TSA_PASSWORD", "write_pki"]

FULCIO_PASSWORD = "fulcio"
TSA_PASSWORD = "tsa"
_LIFETIME = timedelta(days=2)


def write_pki(folder: Path) -> None:
    """Write ``fulcio-chain.pem fulcio-root.pem fulcio.key ct.key ct.pub rekor.key rekor.pub tsa-chain.pem tsa.key``."""
    folder.mkdir()
    start = utc_now().replace(microsecond=0) - timedelta(minutes=5)
    _write_fulcio(folder, start)
    _write_tsa(folder, start)
    logs: dict[str, PrivateKey] = {
        "ct": ec.generate_private_key(ec.SECP256R1()),
        "rekor": ed25519.Ed25519PrivateKey.generate(),
    }
    for name, key in logs.items():
        _write_key(folder / f"{name}.key", key)
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (folder / f"{name}.pub").write_bytes(public)


def _write_fulcio(folder: Path, start: datetime) -> None:
    root_key, key = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP256R1())
    end = start + _LIFETIME
    root = build_ca_certificate("real fulcio root", root_key.public_key(), start=start, end=end, path_length=1).sign(
        root_key, SHA384()
    )
    intermediate = build_ca_certificate(
        "real fulcio intermediate",
        key.public_key(),
        start=start,
        end=end,
        path_length=0,
        issuer=root,
        usage=ExtendedKeyUsageOID.CODE_SIGNING,
    ).sign(root_key, SHA384())
    (folder / "fulcio-root.pem").write_bytes(root.public_bytes(Encoding.PEM))
    (folder / "fulcio-chain.pem").write_bytes(_pem(intermediate, root))
    _write_key(folder / "fulcio.key", key, FULCIO_PASSWORD)


def _write_tsa(folder: Path, start: datetime) -> None:
    """The leaf's usage is critical and the only one (RFC 3161 section 2.3)."""
    root_key, key = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP256R1())
    end = start + _LIFETIME
    root = build_ca_certificate("real tsa root", root_key.public_key(), start=start, end=end, path_length=0).sign(
        root_key, SHA384()
    )
    named = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "real tsa")])
    leaf = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(root.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage(digital_signature=True, ca=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .sign(root_key, SHA256())
    )
    (folder / "tsa-chain.pem").write_bytes(_pem(leaf, root))
    _write_key(folder / "tsa.key", key, TSA_PASSWORD)


def _write_key(path: Path, key: PrivateKey, password: str | None = None) -> None:
    """PKCS#8; the servers that want a password want one, the others none."""
    encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    path.chmod(0o600)


def _pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)

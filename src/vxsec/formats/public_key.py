"""Public keys: PEM or DER SubjectPublicKeyInfo in, one canonical DER out (RFC 5280 section 4.1.2.7, RFC 5480, RFC 8410).

Canonical means that two encodings of one key become the same bytes, so that a key cannot be counted twice: elliptic-curve
points are uncompressed, everything is re-encoded. Canonical EC and Ed25519 keys start with fixed bytes, which are compared
here, because loading cryptography's general parser costs more (13 ms) than the whole check of a signature.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, Union

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, SECP521R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vxsec.errors import FormatError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurve
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

PublicKey: TypeAlias = Union[EllipticCurvePublicKey, Ed25519PublicKey, "RSAPublicKey"]

__all__ = [
    "PublicKey",
    "build_public_key",
    "key_algorithm",
    "key_hint",
    "load_public_key",
    "parse_public_key",
    "render_public_key",
]

_PEM = re.compile(rb"\s*-----BEGIN PUBLIC KEY-----\s([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*\Z")
_MAX_BYTES = 16 * 1024
_GIVE_PUB = "give the public key, the .pub file beside the private one"
_MIN_RSA_BITS = 2048
_MAX_RSA_BITS = 8192  # one check stays below a millisecond
_MIN_RSA_EXPONENT = 65537

_UNCOMPRESSED = b"\x04"


class _Curve(NamedTuple):
    """A curve, and how its canonical keys start: everything up to the uncompressed point of ``point_bytes``."""

    algorithm: str
    prefix: bytes
    point_bytes: int
    curve: EllipticCurve


_CURVES = (
    _Curve("ecdsa-p256", bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200"), 65, SECP256R1()),
    _Curve("ecdsa-p384", bytes.fromhex("3076301006072a8648ce3d020106052b81040022036200"), 97, SECP384R1()),
    _Curve("ecdsa-p521", bytes.fromhex("30819b301006072a8648ce3d020106052b8104002303818600"), 133, SECP521R1()),
)
_ED25519_PREFIX = bytes.fromhex("302a300506032b6570032100")
_ED25519_BYTES = 32
_ED25519_P = 2**255 - 19
# The y coordinates of the eight points of small order: under such a key anyone can sign (RFC 7748 section 7 is the advice).
_SMALL_ORDER = frozenset(
    {
        0,
        1,
        _ED25519_P - 1,
        int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"),
        int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"),
    }
)


def parse_public_key(data: bytes, *, where: str) -> bytes:
    """Read one public key and return its canonical DER SubjectPublicKeyInfo.

    Guarantees: equal keys give equal bytes. Allowed are ECDSA on P-256, P-384 and P-521, Ed25519 without the points of
    small order, and RSA of 2048 to 8192 bits with an exponent of at least 65537.

    Args:
        data: One PEM block ``PUBLIC KEY`` with nothing but white space around it, or DER.
        where: What the key is called in an error.

    Raises:
        FormatError: ``key.malformed``, or ``key.unsupported`` for a kind or size that is not allowed.
    """
    if len(data) > _MAX_BYTES:
        raise FormatError(
            f"expected at most {_MAX_BYTES} bytes, found {len(data)}", code="key.malformed", where=where, hint=_GIVE_PUB
        )
    try:
        der = _from_pem(data) if data.lstrip().startswith(b"-----") else data
        if _curve_of(der) is None and not _is_ed25519(der):
            der = _reencode(der)
        load_public_key(der)
    except FormatError as error:
        raise FormatError(error.message, code=error.code, where=where, hint=error.hint) from error
    return der


def build_public_key(algorithm: str, raw: bytes, *, where: str) -> bytes:
    """Canonical DER of a key that another format holds bare: an uncompressed point, or the 32 bytes of Ed25519.

    Args:
        algorithm: ``ecdsa-p256``, ``ecdsa-p384``, ``ecdsa-p521`` or ``ed25519``.
        raw: The point (``0x04``, x, y), or the key's bytes.
        where: What the key is called in an error.

    Raises:
        FormatError: As :func:`parse_public_key`.
    """
    prefixes = {curve.algorithm: curve.prefix for curve in _CURVES} | {"ed25519": _ED25519_PREFIX}
    return parse_public_key(prefixes[algorithm] + raw, where=where)


def key_algorithm(spki: bytes) -> str:
    """The name of a canonical key's algorithm: ``ecdsa-p256``, ``ecdsa-p384``, ``ecdsa-p521``, ``ed25519`` or ``rsa-BITS``.

    Raises:
        FormatError: ``key.unsupported`` or ``key.malformed``.
    """
    curve = _curve_of(spki)
    if curve is not None:
        return curve.algorithm
    if _is_ed25519(spki):
        return "ed25519"
    return f"rsa-{_load_rsa(spki).key_size}"


def key_hint(spki: bytes) -> str:
    """The base64 SHA-256 of a canonical key, as cosign writes it into bundles; it selects a candidate, it is never trust."""
    return base64.b64encode(hashlib.sha256(spki).digest()).decode("ascii")


def render_public_key(spki: bytes) -> bytes:
    """Write a canonical key as a PEM block ``PUBLIC KEY`` (RFC 7468 section 13)."""
    text = base64.b64encode(spki)
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return b"\n".join([b"-----BEGIN PUBLIC KEY-----", *lines, b"-----END PUBLIC KEY-----", b""])


@lru_cache(maxsize=1024)
def load_public_key(spki: bytes) -> PublicKey:
    """The key object for a canonical key; loaded once per process.

    Raises:
        FormatError: ``key.malformed`` for a point that is not on its curve, ``key.unsupported``.
    """
    curve = _curve_of(spki)
    if curve is not None:
        return _load_curve(spki, curve)
    if _is_ed25519(spki):
        return _load_ed25519(spki)
    return _load_rsa(spki)


def _curve_of(der: bytes) -> _Curve | None:
    """The curve of a canonical EC key."""
    for curve in _CURVES:
        point = der[len(curve.prefix) :]
        if der.startswith(curve.prefix) and len(point) == curve.point_bytes and point.startswith(_UNCOMPRESSED):
            return curve
    return None


def _is_ed25519(der: bytes) -> bool:
    return der.startswith(_ED25519_PREFIX) and len(der) == len(_ED25519_PREFIX) + _ED25519_BYTES


def _load_curve(spki: bytes, curve: _Curve) -> EllipticCurvePublicKey:
    try:
        return EllipticCurvePublicKey.from_encoded_point(curve.curve, spki[len(curve.prefix) :])
    except ValueError as error:
        raise FormatError("the point is not on its curve", code="key.malformed", hint=_GIVE_PUB) from error


def _load_ed25519(spki: bytes) -> Ed25519PublicKey:
    raw = spki[len(_ED25519_PREFIX) :]
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    if y >= _ED25519_P or y in _SMALL_ORDER:
        raise FormatError("a point of small order, or not reduced: anyone could sign", code="key.unsupported")
    return Ed25519PublicKey.from_public_bytes(raw)


def _load_rsa(spki: bytes) -> RSAPublicKey:
    return _checked_rsa(_load_any(spki))


def _checked_rsa(key: object) -> RSAPublicKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    if not isinstance(key, RSAPublicKey):
        raise _unsupported("a key of another kind")
    if not _MIN_RSA_BITS <= key.key_size <= _MAX_RSA_BITS:
        raise _unsupported(f"RSA with {key.key_size} bits")
    exponent = key.public_numbers().e
    if exponent < _MIN_RSA_EXPONENT:
        raise _unsupported(f"RSA with exponent {exponent}")
    return key


def _load_any(der: bytes) -> object:
    """Cryptography's general parser, with its errors turned into ours."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        return load_der_public_key(der)
    except UnsupportedAlgorithm as error:
        raise _unsupported("a key or curve that is not known") from error
    except ValueError as error:
        raise FormatError(
            "not a public key (expected PEM, or DER SubjectPublicKeyInfo)", code="key.malformed", hint=_GIVE_PUB
        ) from error


def _reencode(der: bytes) -> bytes:
    """Canonical DER of a key without a canonical start: RSA, compressed points, or a kind that is not allowed."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = _load_any(der)
    if isinstance(key, EllipticCurvePublicKey):
        canonical = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if _curve_of(canonical) is None:
            raise _unsupported(f"curve {key.curve.name}")
        return canonical
    return _checked_rsa(key).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _from_pem(data: bytes) -> bytes:
    match = _PEM.match(data)
    if match is None:
        raise FormatError(
            "expected one PEM block 'PUBLIC KEY' and nothing else",
            code="key.malformed",
            hint=_GIVE_PUB if b"PRIVATE KEY" not in data else f"this is a private key: {_GIVE_PUB}",
        )
    try:
        return base64.b64decode(b"".join(match[1].split()), validate=True)
    except binascii.Error as error:
        raise FormatError("the PEM block is not base64", code="key.malformed", hint=_GIVE_PUB) from error


def _unsupported(found: str) -> FormatError:
    return FormatError(
        f"expected ECDSA P-256, P-384 or P-521, Ed25519, or RSA of {_MIN_RSA_BITS} to {_MAX_RSA_BITS} bits with exponent "
        f">= {_MIN_RSA_EXPONENT}, found {found}",
        code="key.unsupported",
    )

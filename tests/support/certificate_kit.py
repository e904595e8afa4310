"""Certificates of hand-made DER, so that a test can write what no library would; their signatures mean nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.signing_kit import signer
from vxsec.formats.der import render_der

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "FULCIO",
    "SAN",
    "SCT_LIST",
    "alternative_names",
    "certificate",
    "extension",
    "fulcio",
    "oid",
    "sct",
    "sct_list",
    "utf8",
]

SAN, FULCIO, SCT_LIST = "2.5.29.17", "1.3.6.1.4.1.57264.1", "1.3.6.1.4.1.11129.2.4.2"
ECDSA_SHA256 = "1.2.840.10045.4.3.2"
URI = "https://ci.example.test/release.yml@refs/heads/main"
ISSUER = "https://issuer.example.test"


def oid(dotted: str) -> bytes:
    """The content of an object identifier."""
    first, second, *rest = map(int, dotted.split("."))
    content = b""
    for arc in (40 * first + second, *rest):
        part = bytes([arc & 0x7F])
        while arc := arc >> 7:
            part = bytes([0x80 | arc & 0x7F]) + part
        content += part
    return content


def sequence(*parts: bytes) -> bytes:
    return render_der(0x30, b"".join(parts))


def utf8(text: str) -> bytes:
    return render_der(0x0C, text.encode())


def name(common: str) -> bytes:
    """A distinguished name of one part."""
    return sequence(render_der(0x31, sequence(render_der(0x06, oid("2.5.4.3")), utf8(common))))


def extension(dotted: str, value: bytes, *, critical: bytes = b"") -> bytes:
    """One extension; ``critical`` is the flag's element as written."""
    return sequence(render_der(0x06, oid(dotted)), critical, render_der(0x04, value))


CRITICAL = render_der(0x01, b"\xff")


def fulcio(number: int, value: bytes) -> bytes:
    return extension(f"{FULCIO}.{number}", value)


def alternative_names(*names: bytes) -> bytes:
    return extension(SAN, sequence(*names), critical=CRITICAL)


def sct(
    *,
    version: int = 0,
    log_id: bytes = b"l" * 32,
    timestamp_ms: int = 1_768_517_364_925,
    extensions: bytes = b"",
    algorithms: bytes = b"\x04\x03",
    signature: bytes = b"signature",
) -> bytes:
    """One certificate timestamp without the length before it; ``algorithms`` are SHA-256 and ECDSA."""
    return (
        bytes([version])
        + log_id
        + timestamp_ms.to_bytes(8, "big")
        + vector(extensions)
        + algorithms
        + vector(signature)
    )


def vector(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def sct_list(*scts: bytes) -> bytes:
    return vector(b"".join(map(vector, scts)))


def leaf_extensions() -> list[bytes]:
    """What a leaf of Fulcio's has."""
    return [
        extension("2.5.29.15", render_der(0x03, b"\x07\x80"), critical=CRITICAL),
        extension("2.5.29.37", sequence(render_der(0x06, oid("1.3.6.1.5.5.7.3.3")))),
        extension("2.5.29.14", render_der(0x04, b"subject key id")),
        extension("2.5.29.35", sequence(render_der(0x80, b"authority key id"))),
        alternative_names(render_der(0x86, URI.encode())),
        fulcio(1, ISSUER.encode()),
        fulcio(2, b"push"),
        fulcio(8, utf8(ISSUER)),
        fulcio(12, utf8("https://git.example.test/mono")),
        extension(SCT_LIST, render_der(0x04, sct_list(sct()))),
    ]


def certificate(
    *,
    version: bytes = render_der(0xA0, render_der(0x02, b"\x02")),
    serial: bytes = b"\x01",
    algorithm: bytes | None = None,
    inner_algorithm: bytes | None = None,
    issuer: bytes | None = None,
    validity: Sequence[bytes] = (render_der(0x17, b"261121120000Z"), render_der(0x17, b"261121121000Z")),
    subject: bytes | None = None,
    key_info: bytes | None = None,
    unique_ids: bytes = b"",
    extensions: Sequence[bytes] | None = None,
    extensions_field: bytes | None = None,
    after_tbs: bytes = b"",
) -> bytes:
    """A certificate; every argument is DER, or the content of an element where its tag is not in doubt."""
    algorithm = sequence(render_der(0x06, oid(ECDSA_SHA256))) if algorithm is None else algorithm
    listed = leaf_extensions() if extensions is None else extensions
    tbs = sequence(
        version,
        render_der(0x02, serial),
        algorithm if inner_algorithm is None else inner_algorithm,
        sequence(b"") if issuer is None else issuer,
        sequence(*validity),
        name("leaf") if subject is None else subject,
        signer("leaf").spki if key_info is None else key_info,
        unique_ids,
        render_der(0xA3, sequence(*listed)) if extensions_field is None else extensions_field,
    )
    return sequence(tbs, algorithm, render_der(0x03, b"\x00signature"), after_tbs)

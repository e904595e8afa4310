"""in-toto statements, DSSE envelopes and Sigstore bundles as values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vxsec.model.transparency import LogEntry
    from vxsec.model.verification import Check

__all__ = [
    "APPROVAL_PREDICATE",
    "INTOTO_PAYLOAD_TYPE",
    "RELEASE_PREDICATE",
    "SCAN_PREDICATE",
    "STATEMENT_V01",
    "STATEMENT_V1",
    "Bundle",
    "Envelope",
    "EnvelopeSignature",
    "MessageSignature",
    "RejectedSignature",
    "Statement",
    "Subject",
    "pae",
]

INTOTO_PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_V1 = "https://in-toto.io/Statement/v1"
STATEMENT_V01 = "https://in-toto.io/Statement/v0.1"
RELEASE_PREDICATE = "urn:vxsec:release:v1"
APPROVAL_PREDICATE = "urn:vxsec:approval:v1"
SCAN_PREDICATE = "urn:vxsec:scan:v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """in-toto ``ResourceDescriptor`` as far as statements about files need it; digests are lower-case hex."""

    name: str | None
    digest: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """in-toto Statement (v1 written, v1 and v0.1 read); ``statement_type`` is the ``_type`` field."""

    statement_type: str
    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeSignature:
    """One DSSE signature; ``keyid`` is a hint and never trusted."""

    keyid: str
    sig: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """DSSE envelope (secure-systems-lab/dsse v1.0)."""

    payload_type: str
    payload: bytes
    signatures: tuple[EnvelopeSignature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSignature:
    """A bare signature over a file; the digest is a hint for tools, the bytes are what is verified."""

    digest_algorithm: str | None
    digest: bytes | None
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Sigstore bundle (v0.1 to v0.3) with exactly one signature; nothing in it is verified.

    Key material is either a public key, which ``key_hint`` may name, or ``certificates``: DER, the signer's own first.
    ``timestamps`` are RFC 3161 responses in DER.
    """

    media_type: str
    content: Envelope | MessageSignature
    key_hint: str | None
    certificates: tuple[bytes, ...] = ()
    log_entries: tuple[LogEntry, ...] = ()
    timestamps: tuple[bytes, ...] = ()
    line: bytes
    """The bytes it was read from, without line end, so that copying a bundle copies it exactly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedSignature:
    """A bundle that was found and does not count, and why.

    ``evidence`` is the SHA-256 (hex) of the bundle as it was read, empty where it could not be; ``checks`` are those that
    were made before it was refused.
    """

    code: str
    message: str
    source: str
    evidence: str = ""
    checks: tuple[Check, ...] = ()
    undecided: bool = False
    """Whether it could not be judged, for want of a program say: then it is not bad, and nothing is known."""


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE pre-authentication encoding: what is actually signed (DSSE protocol v1.0)."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)

"""What only verification may conclude.

A value of these types means the signature was checked over these exact bytes. Only ``vxsec.verification`` constructs
them (a test over the syntax tree holds it), so forgetting to verify is a type error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vxsec.model.attestation import Statement

__all__ = ["VerifiedBlob", "VerifiedStatement"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedStatement:
    """A statement whose envelope verifies under ``spki`` (canonical DER of the one key that signed it)."""

    statement: Statement
    spki: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedBlob:
    """A bare signature that verifies under ``spki`` over a file with this SHA-256 (lower-case hex)."""

    sha256: str
    spki: bytes

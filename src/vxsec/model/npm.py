"""What npm's registries sign, with which keys, and what a verification of it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from datetime import datetime

    from vxsec.model.trust import KeyRevocation

__all__ = ["NpmAttestations", "NpmClaim", "NpmKey", "NpmKeys", "NpmSignature"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NpmKey:
    """A registry's public key (ECDSA P-256, canonical DER).

    ``keyid`` selects and is never trust. The key signs from ``valid_from`` on, and before ``expires``; None is no bound.
    ``label`` is its id in the trust root, where it comes from there, and ``revocations`` what that root takes back of it.
    """

    keyid: str
    spki: bytes
    expires: datetime | None
    valid_from: datetime | None = None
    label: str | None = None
    revocations: tuple[KeyRevocation, ...] = ()

    @property
    def name(self) -> str:
        """What to call it in a message."""
        return self.label or self.keyid


@dataclass(frozen=True, slots=True, kw_only=True)
class NpmKeys:
    """A keys document: its keys, at least one, and the ids of those of a kind that is not verified here."""

    keys: tuple[NpmKey, ...]
    unsupported: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NpmSignature:
    """One element of ``dist.signatures``, as found: nothing in it is verified, ``sig`` is base64 or anything else."""

    keyid: str
    sig: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NpmAttestations:
    """``dist.attestations``: where a registry says that attestations are, which is never fetched for that, and of what type."""

    url: str | None
    predicate_type: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NpmClaim:
    """What a packument says of one version. It explains why a signature is refused, and never makes one good."""

    name: str
    version: str
    integrity: str

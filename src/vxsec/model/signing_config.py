"""Sigstore's signing configuration: which services of an instance a client is to use, and how many of them.

Words are those of ``sigstore_trustroot.proto``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from vxsec.model.trusted_root import Window

__all__ = ["ClientTrustConfig", "ServiceSelector", "Services", "SigningConfig", "SigningService"]


class ServiceSelector(StrEnum):
    """How many of the services that may be used are used."""

    ALL = "ALL"
    ANY = "ANY"
    EXACT = "EXACT"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningService:
    """One service: its URL, the major version of its interface, and from when to when it is to be used."""

    url: str
    version: int
    window: Window
    operator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """All services of one kind; ``count`` means something with ``EXACT`` only."""

    listed: tuple[SigningService, ...] = ()
    selector: ServiceSelector = ServiceSelector.ALL
    count: int = 0

    def usable(self, *, versions: Collection[int], now: datetime) -> tuple[SigningService, ...]:
        """Those to choose from: valid now, of the highest version that is known, the newest of every operator.

        Args:
            versions: The versions that the caller speaks.
            now: The current time, aware; windows are closed intervals.
        """
        valid = [one for one in self.listed if one.version in versions and one.window.contains(now)]
        highest = max((one.version for one in valid), default=0)
        newest: dict[str, SigningService] = {}
        for one in sorted(valid, key=lambda service: service.window.start, reverse=True):
            if one.version == highest:
                newest.setdefault(one.operator, one)
        return tuple(newest.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningConfig:
    """Where a signature is logged, and where timestamps for it are to be had."""

    logs: Services
    timestamp_authorities: Services


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientTrustConfig:
    """What a client needs of one instance: ``trusted_root`` (JSON, not read yet) to verify with, and where to sign."""

    trusted_root: bytes
    signing: SigningConfig

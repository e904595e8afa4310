"""What goes between the HTTP client and its transport."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HttpResponse", "TlsOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """A complete answer: ``headers`` have lower-case names, ``body`` is decoded, ``url`` is where it came from at last."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsOptions:
    """Certificates: ``cafile`` and ``ca`` (PEM text) replace the system's authorities, as npm's settings do."""

    cafile: str | None = None
    ca: str | None = None

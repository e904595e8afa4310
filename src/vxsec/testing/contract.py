"""What every registry of the test kit can do, simulated or real: be published to, be read, and be attacked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Document", "Registry", "Snapshot", "npmrc_lines", "tarball_filename"]

Document: TypeAlias = dict[str, Any]
"""A packument or publish document as JSON gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A moment of one registry, to be given back to it; ``owner`` is that registry's URL."""

    owner: str
    number: int


class Registry(Protocol):
    """A running npm registry that a test, or the demo, may attack from inside."""

    @property
    def url(self) -> str:
        """Its URL, with its final slash."""

    def npmrc(self, *scopes: str) -> str:
        """The text of an ``.npmrc`` that uses it: for ``scopes``, or for everything where none is given."""

    def packument(self, name: str) -> Document | None:
        """The packument as it is stored, or None."""

    def tamper_tarball(self, name: str, version: str, data: bytes) -> None:
        """Serve other bytes for a version, leaving the packument as it is."""

    def tamper_packument(self, name: str, change: Callable[[Document], Document]) -> None:
        """Serve ``change(packument)`` from now on, on top of earlier changes."""

    def snapshot(self) -> Snapshot:
        """Remember everything stored and every tampering."""

    def rewind(self, to: Snapshot) -> None:
        """Be as at that moment again: what was published since is gone, and nobody is told."""


def tarball_filename(name: str, version: str) -> str:
    """What npm calls the tarball in its URL: the name without its scope, the version, ``.tgz``."""
    return f"{name.rpartition('/')[2]}-{version}.tgz"


def npmrc_lines(url: str, token: str, scopes: tuple[str, ...]) -> str:
    """An ``.npmrc`` for ``scopes``, or for everything, with the token."""
    keys = [f"{scope}:registry" for scope in scopes] or ["registry"]
    lines = [f"{key}={url}" for key in keys]
    return "\n".join([*lines, f"{url.removeprefix('http:')}:_authToken={token}", ""])

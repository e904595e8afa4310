"""Make package tarballs for tests: honest ones, and ones that differ in exactly what a test is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.formats.strict_json import dump_json
from vxsec.formats.tar_writer import write_tarball

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["pack"]


def pack(manifest: Mapping[str, object], files: Mapping[str, bytes] | None = None) -> bytes:
    """A ``.tgz`` with this package.json and these files (path to bytes); the same arguments give the same bytes.

    Raises:
        UsageError: A path over 100 bytes.
    """
    return write_tarball({"package.json": dump_json(manifest, indent=2) + b"\n", **(files or {})})

"""Wheels and source distributions made in a test, right by default and wrong wherever a test wants it.

``wheel(files)`` adds METADATA, WHEEL and a RECORD that accounts for everything; ``record`` and ``drop`` spoil it.
"""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from typing import TYPE_CHECKING

from support.tar_factory import file, tgz

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["METADATA", "record_row", "sdist", "wheel"]

METADATA = b"Metadata-Version: 2.4\nName: app-kit\nVersion: 1.0\n"
WHEEL = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def record_row(path: str, content: bytes, algorithm: str = "sha256") -> str:
    digest = base64.urlsafe_b64encode(hashlib.new(algorithm, content).digest()).rstrip(b"=").decode()
    return f"{path},{algorithm}={digest},{len(content)}"


def wheel(
    files: Mapping[str, bytes] | None = None,
    *,
    dist_info: str = "app_kit-1.0.dist-info",
    metadata: bytes | None = METADATA,
    wheel_file: bytes | None = WHEEL,
    record: Callable[[list[str]], list[str]] | None = lambda rows: rows,
    modes: Mapping[str, int] | None = None,
    folders: tuple[str, ...] = (),
) -> bytes:
    """A wheel; ``record`` changes the rows of RECORD, None leaves the file out."""
    held = dict(files if files is not None else {"app_kit/__init__.py": b"x = 1\n"})
    if metadata is not None:
        held[f"{dist_info}/METADATA"] = metadata
    if wheel_file is not None:
        held[f"{dist_info}/WHEEL"] = wheel_file
    rows = [*(record_row(path, content) for path, content in held.items()), f"{dist_info}/RECORD,,"]
    if record is not None:
        held[f"{dist_info}/RECORD"] = "".join(f"{row}\n" for row in record(rows)).encode("utf-8", "surrogateescape")
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in folders:
            archive.writestr(zipfile.ZipInfo(f"{name}/"), b"")
        for name, content in held.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (modes or {}).get(name, 0o100644) << 16
            archive.writestr(info, content)
    return target.getvalue()


def sdist(
    files: Mapping[str, bytes] | None = None, *, root: str = "app_kit-1.0", metadata: bytes | None = METADATA
) -> bytes:
    """A source distribution."""
    held = dict(files if files is not None else {"pyproject.toml": b"[project]\n"})
    if metadata is not None:
        held["PKG-INFO"] = metadata
    return tgz(*(file(f"{root}/{path}", content) for path, content in held.items()))

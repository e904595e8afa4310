"""What to type where an ecosystem's advisories are missing, damaged or old: for the ecosystem and folder that are meant."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from vxsec.formats.osv import OSV_ECOSYSTEMS

if TYPE_CHECKING:
    import os

    PathLike = str | os.PathLike[str]

__all__ = ["refill_hint", "update_command"]


def update_command(ecosystem: str, directory: PathLike | None = None) -> str:
    """The command that fetches newer data.

    Args:
        ecosystem: A purl type that has a database (``npm``, ``pypi``).
        directory: The database's folder, where somebody named it; then the command must name it, too.
    """
    return f"vxsec db update --ecosystem {OSV_ECOSYSTEMS[ecosystem]}{_folder(directory)}"


def refill_hint(ecosystem: str, directory: PathLike | None = None) -> str:
    """How to fill a database; the arguments as for :func:`update_command`."""
    without = f"vxsec db import {OSV_ECOSYSTEMS[ecosystem]}.zip{_folder(directory)}"
    return f"fill it: {update_command(ecosystem, directory)}, or without a connection: {without}"


def _folder(directory: PathLike | None) -> str:
    return "" if directory is None else f" --db {shlex.quote(str(directory))}"

"""Where the advisory database lies unless somebody says otherwise."""

from __future__ import annotations

import os
from pathlib import Path

from vxsec.errors import UsageError

__all__ = ["default_database_folder"]


def default_database_folder() -> Path:
    """``VXSEC_DB``, else ``vxsec/osv`` in ``XDG_DATA_HOME``, else ``~/.local/share/vxsec/osv``.

    Raises:
        UsageError: ``db.no-home``: none of them is known.
    """
    if named := os.environ.get("VXSEC_DB"):
        return Path(named)
    data = os.environ.get("XDG_DATA_HOME", "")
    try:
        home = Path(data) if data.startswith("/") else Path.home() / ".local" / "share"
    except RuntimeError as error:
        raise UsageError(
            "no folder for the database: this user has no home", code="db.no-home", hint="name one with --db DIR"
        ) from error
    return home / "vxsec" / "osv"

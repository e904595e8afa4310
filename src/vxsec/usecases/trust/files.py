"""The files of a trust repository, in a folder or in one file, by the names that a walk asks for.

In the folder: ``metadata/1.root.json``, ``metadata/timestamp.json`` and so on, and ``targets/identities/identities.yaml``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from vxsec.errors import UsageError
from vxsec.formats.trust_export import is_trust_export, read_trust_export
from vxsec.formats.tuf_path import is_role_path
from vxsec.host.file_set import PENDING, read_member
from vxsec.host.files import read_bounded
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.trust_repository import DELEGATED_ROLES

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    PathLike = str | os.PathLike[str]

__all__ = ["PROPOSED", "TIMESTAMP", "disk_name", "is_member", "is_trust_repository", "open_files"]

TIMESTAMP = "metadata/timestamp.json"
"""What is written last: the moment of a change for readers of the bare folder."""
PROPOSED = "proposed"
"""The folder of a change that is not signed by everybody yet; no walk looks into it."""
_FIRST_BYTES = 64
_METADATA = re.compile(
    rf"metadata/(?:timestamp|[1-9][0-9]{{0,9}}\.(?:root|snapshot|targets|{'|'.join(DELEGATED_ROLES)}))\.json\Z"
)


def disk_name(name: str) -> str:
    """Where a file of a walk lies in the folder."""
    return name if name.startswith("targets/") else f"metadata/{name}"


def is_member(name: str) -> bool:
    """Whether a file with this name in the folder belongs to the repository, or to a change that is proposed."""
    inner = name.removeprefix(f"{PROPOSED}/")
    if _METADATA.match(inner):
        return True
    head, _, path = inner.partition("/")
    return head == "targets" and any(is_role_path(path, role) for role in DELEGATED_ROLES)


def is_trust_repository(path: PathLike) -> bool:
    """Whether ``--trust PATH`` is a repository, in a folder or exported, and not an identities document."""
    place = Path(path)
    if place.is_dir():
        return True
    try:
        with place.open("rb") as stream:
            return is_trust_export(stream.read(_FIRST_BYTES))
    except OSError:
        return False  # whoever reads it says why it cannot be read


def open_files(path: PathLike) -> Callable[[str], bytes | None]:
    """A way to get the repository's files by the names that a walk asks for; a folder is read file by file, each time.

    Raises:
        UsageError: ``file.missing`` or ``file.unreadable``, also for a folder that is no repository.
        FormatError: ``tuf.malformed`` for an export that is none.
    """
    folder = Path(path)
    if not folder.is_dir():
        files = read_trust_export(read_bounded(path, max_bytes=DEFAULT_LIMITS.tuf_export_bytes), where=str(path))
        return lambda name: files.get(disk_name(name))
    if not (folder / "metadata").is_dir() and not (folder / PENDING).is_dir():
        raise UsageError(
            "expected a trust repository, found a folder without metadata",
            code="file.missing",
            where=str(path),
            hint="name the folder that vxsec trust init made, or make one: vxsec trust init DIR --root-key KEY",
        )

    def fetch(name: str) -> bytes | None:
        target = name.startswith("targets/")
        most = DEFAULT_LIMITS.tuf_target_bytes if target else DEFAULT_LIMITS.tuf_metadata_bytes
        return read_member(folder, disk_name(name), max_bytes=most)

    return fetch

"""An identities document and every file it names, as they go into the repository."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vxsec.formats.trust_document import parse_trust_document
from vxsec.host.files import read_bounded
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.trust_repository import IDENTITIES_PATH

if TYPE_CHECKING:
    import os

    from vxsec.model.trust import TrustRoot

__all__ = ["EMPTY_REVOCATIONS", "read_identities"]

EMPTY_REVOCATIONS = b"apiVersion: vxsec/trust/v1\nkind: Revocations\nrevocations: []\n"


def read_identities(path: str | os.PathLike[str]) -> tuple[TrustRoot, dict[str, bytes]]:
    """Read the document, and the files it names relative to it, by the paths that they have as targets.

    Raises:
        UsageError: A file is missing, or unreadable.
        ConfigurationError: The document does not load.
    """
    data = read_bounded(path, max_bytes=DEFAULT_LIMITS.yaml_bytes)
    files = {IDENTITIES_PATH: data}

    def load(name: str) -> bytes:
        found = read_bounded(Path(path).parent / name, max_bytes=DEFAULT_LIMITS.small_file_bytes)
        files[f"identities/{name.removeprefix('./')}"] = found
        return found

    return parse_trust_document(data, source=str(path), load_key=load), files

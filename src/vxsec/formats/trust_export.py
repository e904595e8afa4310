"""A whole trust repository in one file, for sites without a connection: the same repository always gives the same bytes.

JSON: a first member that names the format, then every file of the repository by its name, in base64. The file proves
nothing by itself: what is in it is verified as what lies in a folder is.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.formats.strict_json import dump_json, read_json
from vxsec.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vxsec.formats.strict_json import JsonNode

__all__ = ["is_trust_export", "read_trust_export", "render_trust_export"]

_SCHEMA = "urn:vxsec:trust-export:v1"
_START = f'{{"schema":"{_SCHEMA}",'.encode()


def is_trust_export(data: bytes) -> bool:
    """Whether these bytes, or their first 64, are those of an export and not of an identities document."""
    return data.startswith(_START)


def render_trust_export(files: Mapping[str, bytes]) -> bytes:
    """Write files by name: sorted, one a line, so that two exports can be compared."""
    rows = ",\n".join(
        f"{dump_json(name).decode()}:{dump_json(base64.b64encode(files[name]).decode('ascii')).decode()}"
        for name in sorted(files)
    )
    return _START + f'"files":{{\n{rows}\n}}}}\n'.encode()


def read_trust_export(data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> dict[str, bytes]:
    """The files of an export by name.

    Args:
        data: The file's bytes.
        where: What it is called in an error.
        limits: Bound on bytes.

    Raises:
        FormatError: ``tuf.malformed``.
    """
    try:
        root = read_json(data, where=where, limits=limits, max_bytes=limits.tuf_export_bytes).only("schema", "files")
        _check_schema(root["schema"])
        return {
            name: base64.b64decode(node.string().encode("ascii"), validate=True)
            for name, node in root["files"].members()
        }
    except FormatError as error:
        raise FormatError(error.message, code="tuf.malformed", where=error.where) from error
    except (binascii.Error, UnicodeEncodeError) as error:
        raise FormatError("a file of the export is not base64", code="tuf.malformed", where=where) from error


def _check_schema(node: JsonNode) -> None:
    if node.string() != _SCHEMA:
        raise FormatError(f"expected {_SCHEMA!r}, found {node.string()[:80]!r}", code="tuf.malformed", where=node.where)

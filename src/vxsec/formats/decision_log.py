"""The decision log: one decision is one line of JSON, so that an append is one write and a torn line is seen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.formats.strict_json import read_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vxsec.formats.strict_json import JsonNode

__all__ = ["read_log", "render_log_line"]

_SCHEMA = "urn:vxsec:schema:decision:v1"
_MAX_LINE = 64 * 1024 * 1024


def render_log_line(document: Mapping[str, object]) -> bytes:
    """One rendered decision as one line, without its line end.

    Guarantees: ASCII only, so that no character inside is a line end to any reader.

    Raises:
        FormatError: ``log.shape`` for anything but a decision document.
    """
    line = json.dumps(document, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")
    _check(read_json(line, where="decision"))
    return line


def read_log(data: bytes, *, where: str) -> Iterator[Mapping[str, object]]:
    """The decisions of a log, in order.

    Args:
        data: The whole log.
        where: What the log is called in an error; the line's number is added.

    Raises:
        FormatError: ``json.*`` or ``log.shape`` for the first line that is not a decision, a torn last line included.
    """
    lines = data.split(b"\n")
    if lines.pop() != b"":
        raise FormatError("the last line is torn", code="log.torn", where=f"{where}:{len(lines) + 1}")
    for number, line in enumerate(lines, start=1):
        node = read_json(line, where=f"{where}:{number}", max_bytes=_MAX_LINE)
        _check(node)
        yield node.mapping()


def _check(node: JsonNode) -> None:
    """What every reader relies on: which schema, what was decided, when, by which policy, about what."""
    schema, verdict = node["schema"], node["verdict"]
    if schema.string() != _SCHEMA:
        raise FormatError(f"expected {_SCHEMA}, found {schema.string()[:80]!r}", code="log.shape", where=schema.where)
    if verdict.string() not in {"allow", "deny"}:
        raise FormatError(
            f"expected allow or deny, found {verdict.string()[:80]!r}", code="log.shape", where=verdict.where
        )
    node["exitStatus"].integer()
    for key in ("now", "phase", "mode"):
        node[key].string()
    for key in ("policy", "trust"):
        node[key]["sha256"].string()
    subjects = list(node["subjects"].items())
    if not subjects:
        raise FormatError("expected at least one subject, found none", code="log.shape", where=node["subjects"].where)
    for subject in subjects:
        subject["filename"].string()
        for result in subject["results"].items():
            for key in ("rule", "verdict", "code"):
                result[key].string()

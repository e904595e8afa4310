"""in-toto statements: v1 written, v1 and v0.1 read.

Sources: in-toto attestation framework, ``spec/v1/statement.md`` and ``resource_descriptor.md``. Members that the
specification does not name are ignored, as it demands.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.formats.strict_json import JsonNode, dump_json, read_json
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.attestation import STATEMENT_V01, STATEMENT_V1, Statement, Subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["STRONG_DIGESTS", "as_statement_error", "build_statement", "nonempty_text", "read_statement"]

STRONG_DIGESTS = ("sha256", "sha512")
"""The digest algorithms a subject may be matched by."""

_HEX = {"sha256": re.compile(r"[0-9a-f]{64}\Z"), "sha512": re.compile(r"[0-9a-f]{128}\Z")}
_SHOWN = 120


def read_statement(payload: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> Statement:
    """Read a statement's bytes.

    Guarantees: at least one subject; every subject has a digest set that is not empty; sha256 and sha512 values are
    lower-case hex of the right length.

    Raises:
        FormatError: ``statement.malformed``, ``statement.unsupported`` for another ``_type``, ``statement.subjects`` or
            ``statement.digest``.
    """
    try:
        root = read_json(
            payload, where=where, limits=limits, max_bytes=limits.bundle_bytes, max_parts=limits.statement_parts
        )
        return _read_root(root, limits)
    except FormatError as error:
        raise as_statement_error(error) from error


def build_statement(*, subjects: Sequence[Subject], predicate_type: str, predicate: Mapping[str, object]) -> bytes:
    """Write a Statement v1 and read it back, so that nothing is signed that this version would not read.

    Raises:
        FormatError: as :func:`read_statement` does.
    """
    document = {
        "_type": STATEMENT_V1,
        "subject": [
            {key: value for key, value in (("name", item.name), ("digest", dict(item.digest))) if value is not None}
            for item in subjects
        ],
        "predicateType": predicate_type,
        "predicate": dict(predicate),
    }
    payload = dump_json(document)
    read_statement(payload, where="statement to sign")
    return payload


def _read_root(root: JsonNode, limits: Limits) -> Statement:
    kind = root["_type"].string()
    if kind not in {STATEMENT_V1, STATEMENT_V01}:
        raise FormatError(
            f"expected an in-toto Statement v1 or v0.1, found {kind[:_SHOWN]!r}",
            code="statement.unsupported",
            where=root.where,
        )
    predicate = root.get("predicate")
    return Statement(
        statement_type=kind,
        subjects=_read_subjects(root["subject"], limits),
        predicate_type=nonempty_text(root["predicateType"]),
        predicate={} if predicate is None else predicate.mapping(),
    )


def _read_subjects(node: JsonNode, limits: Limits) -> tuple[Subject, ...]:
    subjects: list[Subject] = []
    for item in node.array(most=limits.subjects_per_statement, least=1, code="statement.subjects", what="subjects"):
        name = item.get("name")
        subjects.append(Subject(name=None if name is None else name.string(), digest=_read_digests(item)))
    return tuple(subjects)


def _read_digests(subject: JsonNode) -> dict[str, str]:
    node = subject.get("digest")
    digests = {} if node is None else {algorithm: value.string() for algorithm, value in node.members()}
    if not digests:
        raise FormatError("expected a digest, found none", code="statement.digest", where=subject.where)
    for algorithm, value in digests.items():
        pattern = _HEX.get(algorithm)
        if not value or (pattern is not None and not pattern.match(value)):
            raise FormatError(
                f"expected lower-case hex for {algorithm[:_SHOWN]!r}, found {value[:_SHOWN]!r}",
                code="statement.digest",
                where=subject.where,
            )
    return digests


def nonempty_text(node: JsonNode) -> str:
    """A string that is not empty."""
    text = node.string()
    if not text:
        raise FormatError("expected text, found an empty string", code="statement.malformed", where=node.where)
    return text


def as_statement_error(error: FormatError) -> FormatError:
    """Keep our own codes; what strict_json or a time says becomes ``statement.malformed``."""
    code = error.code if error.code.startswith("statement.") else "statement.malformed"
    return FormatError(error.message, code=code, where=error.where, hint=error.hint)

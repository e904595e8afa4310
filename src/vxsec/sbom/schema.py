"""Whether a document is what CycloneDX's published JSON schema says.

The schemas are those inside ``cyclonedx-python-lib``; ``jsonschema-rs`` judges, because that library's own validator takes
seconds for what this does in milliseconds. Formats (dates, mail addresses, IRI references) are judged too.
"""

from __future__ import annotations

from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from vxsec.formats.cyclonedx import READ_VERSIONS
from vxsec.formats.strict_json import parse_json
from vxsec.model.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema_rs import ValidationError, Validator

__all__ = ["MAX_ERRORS", "check_schema", "json_pointer"]

MAX_ERRORS = 100
_PACKAGE = "cyclonedx.schema"
_SHOWN = 240
_VALUE = "the value"


def check_schema(document: object) -> tuple[Finding, ...]:
    """Judge a parsed document by the schema of the version it names.

    Guaranteed: empty exactly where the document satisfies the schema. Each error is one high finding whose ``where`` is a
    JSON pointer; values of the document are not repeated. At most ``MAX_ERRORS`` are listed, and then one that says so.

    Args:
        document: As ``strict_json.parse_json`` gives it.
    """
    version = document.get("specVersion") if isinstance(document, dict) else None
    if version not in READ_VERSIONS:
        return (_finding("expected the specVersion of a published JSON schema", "/specVersion"),)
    try:
        errors = list(islice(_validator(version).iter_errors(document), MAX_ERRORS + 1))
    except ValueError as error:  # nested deeper, or numbers larger, than the validator takes
        return (_finding(f"cannot be judged: {error!s:.{_SHOWN}}", ""),)
    findings = [_finding(*_told(error)) for error in errors[:MAX_ERRORS]]
    if len(errors) > MAX_ERRORS:
        findings.append(_finding(f"more than {MAX_ERRORS} errors", ""))
    return tuple(findings)


def json_pointer(path: list[str | int]) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def _told(error: ValidationError) -> tuple[str, str]:
    """What is wrong and where: of alternatives that all failed, the one that came furthest says it best."""
    best = error
    while inner := list(_alternatives(best)):
        best = max(inner, key=lambda one: len(one.instance_path))
    return best.message, json_pointer(best.instance_path)


def _alternatives(error: ValidationError) -> Iterator[ValidationError]:
    for branch in getattr(error.kind, "context", ()):
        yield from branch


@cache
def _validator(version: str) -> Validator:
    from jsonschema_rs import validator_for

    return validator_for(
        _schema(f"bom-{version}.SNAPSHOT.schema.json"),
        retriever=_retrieve,
        validate_formats=True,
        mask=_VALUE,
    )


def _retrieve(uri: str) -> Any:  # noqa: ANN401 - a JSON schema is any JSON
    """A schema that another one refers to: only what the library holds, never anything fetched."""
    return _schema(uri.rpartition("/")[2])


def _schema(name: str) -> Any:  # noqa: ANN401 - a JSON schema is any JSON
    from pkgutil import get_data

    return parse_json(get_data(_PACKAGE, f"_res/{name}") or b"", where=name)


def _finding(message: str, pointer: str) -> Finding:
    return Finding(code="sbom.schema", severity=Severity.HIGH, message=message[:_SHOWN], where=pointer)

"""CycloneDX JSON, versions 1.2 to 1.7, of any tool: read into values. Writing is in ``cyclonedx_writer``.

Source: CycloneDX v1.2 to v1.7, ``bom-*.schema.json``. What is read must have the type the schema says; what is not read is
not judged here (``vxsec.sbom.schema`` judges all of it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, TypeVar

from vxsec.errors import FormatError, NothingToJudgeError
from vxsec.formats.cyclonedx_writer import write_bom
from vxsec.formats.strict_json import parse_json
from vxsec.formats.timestamps import parse_time
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.sbom import Bom, Component, Composition
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

__all__ = [
    "READ_VERSIONS",
    "PlacedComponent",
    "bom_of",
    "parse_bom_document",
    "read_bom",
    "walk_components",
    "write_bom",
]

READ_VERSIONS = ("1.2", "1.3", "1.4", "1.5", "1.6", "1.7")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BOM = b"\xef\xbb\xbf"
_SHOWN = 120

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedComponent:
    """A component where it stands: ``pointer`` is its JSON pointer, ``parent`` the reference of the one it is nested in.

    ``ref`` is its ``bom-ref``; where it has none, its pointer with ``#`` in front.
    """

    pointer: str
    ref: str
    fields: Mapping[str, object]
    parent: str | None


def read_bom(data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> Bom:
    """Read a CycloneDX JSON document; what is guaranteed and raised is that of the two functions it is made of."""
    return bom_of(parse_bom_document(data, where=where, limits=limits), where=where, limits=limits)


def parse_bom_document(data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> dict[str, object]:
    """The JSON object of an SBOM's bytes.

    Raises:
        NothingToJudgeError: ``sbom.xml-unsupported``.
        FormatError: ``sbom.xml-entity`` for XML with a document type or entity, ``sbom.too-large``, ``sbom.malformed``, or
            ``json.*``.
    """
    if len(data) > limits.sbom_bytes:
        raise FormatError(
            f"expected at most {limits.sbom_bytes} bytes, found {len(data)}", code="sbom.too-large", where=where
        )
    _refuse_other_formats(data, where)
    document = parse_json(data, where=where, limits=limits, max_bytes=limits.sbom_bytes)
    if not isinstance(document, dict):
        _malformed("expected an object", where)
    return document


def bom_of(document: Mapping[str, object], *, where: str, limits: Limits = DEFAULT_LIMITS) -> Bom:
    """What a parsed document says: a file's, or the predicate of a statement.

    Guaranteed: nested components are flattened, in document order; an npm scope stands in the name, wherever the tool put
    it; licences of all three shapes are one text. Hashes are lower case. A timestamp that cannot be read is None.

    Args:
        document: As strict JSON gives it.
        where: What it is called in an error.
        limits: ``sbom_components``.

    Raises:
        NothingToJudgeError: ``sbom.spdx-unsupported`` or ``sbom.version-unsupported``.
        FormatError: ``sbom.malformed`` for anything that is no SBOM, or ``sbom.too-many``.
    """
    if "spdxVersion" in document or ("@context" in document and "@graph" in document):
        raise _unsupported("spdx", "SPDX", where, "give a CycloneDX JSON document")
    if document.get("bomFormat") != "CycloneDX":
        _malformed("expected bomFormat CycloneDX", where)
    version = document.get("specVersion")
    if not isinstance(version, str) or version not in READ_VERSIONS:
        known = f"{READ_VERSIONS[0]} to {READ_VERSIONS[-1]} are"
        raise _unsupported(
            "version", f"CycloneDX {str(version)[:_SHOWN]!r} ({known})", where, "give one of these versions"
        )
    placed = walk_components(document, where=where)
    top = f"{where}: "
    if len(placed) > limits.sbom_components:
        raise FormatError(
            f"expected at most {limits.sbom_components} components, found {len(placed)}",
            code="sbom.too-many",
            where=where,
        )
    metadata = _get(document, "metadata", dict, top) or {}
    is_root = metadata.get("component") is not None
    components = [_component(one, where) for one in placed]
    return Bom(
        spec_version=version,
        serial_number=_get(document, "serialNumber", str, top),
        timestamp=_time(_get(metadata, "timestamp", str, f"{where}: /metadata")),
        root=_supplied(components[0], metadata, where) if is_root else None,
        components=tuple(components[1:] if is_root else components),
        dependencies=_dependencies(document, top),
        compositions=tuple(_composition(item, at) for item, at in _objects(document, "compositions", top)),
        authors=tuple(_authors(metadata, where)),
        tools=tuple(_tools(metadata, where)),
    )


def walk_components(document: Mapping[str, object], *, where: str) -> list[PlacedComponent]:
    """Every component of a parsed document, outer before inner; first ``metadata.component`` where there is one.

    Raises:
        FormatError: ``sbom.malformed``.
    """
    metadata = _get(document, "metadata", dict, where) or {}
    root = _get(metadata, "component", dict, f"{where}: /metadata")
    found: list[PlacedComponent] = []
    if root is not None:
        _walk(root, "/metadata/component", found, where)
    for index, item in enumerate(_list(document, "components", where)):
        _walk(item, f"/components/{index}", found, where)
    return found


def _walk(item: object, pointer: str, found: list[PlacedComponent], where: str) -> None:
    pending: list[tuple[object, str, str | None]] = [(item, pointer, None)]
    while pending:
        fields, at, parent = pending.pop()
        if not isinstance(fields, dict):
            _malformed("expected a component to be an object", f"{where}: {at}")
        ref = _get(fields, "bom-ref", str, f"{where}: {at}") or f"#{at}"
        found.append(PlacedComponent(pointer=at, ref=ref, fields=fields, parent=parent))
        nested = _list(fields, "components", f"{where}: {at}") if "components" in fields else []
        pending.extend((inner, f"{at}/components/{index}", ref) for index, inner in reversed(list(enumerate(nested))))


def _refuse_other_formats(data: bytes, where: str) -> None:
    start = data[:64].removeprefix(_BOM).lstrip()
    if start.startswith(b"<") or data.startswith(_UTF16):
        declared = data.replace(b"\0", b"").upper()  # in UTF-16 every second byte is zero
        if b"<!DOCTYPE" in declared or b"<!ENTITY" in declared:
            raise FormatError(
                "expected an SBOM, found XML with a document type or entity", code="sbom.xml-entity", where=where
            )
        raise NothingToJudgeError("XML is not read by this version of vxsec", code="sbom.xml-unsupported", where=where)
    if start.startswith((b"SPDXVersion:", b"DocumentName:")):
        raise _unsupported("spdx", "SPDX", where, "give a CycloneDX JSON document")


def _unsupported(kind: str, found: str, where: str, hint: str) -> NothingToJudgeError:
    return NothingToJudgeError(
        f"{found} is not read by this version of vxsec", code=f"sbom.{kind}-unsupported", where=where, hint=hint
    )


# -- one component -----------------------------------------------------------------------------------------------------


def _component(placed: PlacedComponent, where: str) -> Component:
    fields, at = placed.fields, f"{where}: {placed.pointer}"
    name = _get(fields, "name", str, at)
    if name is None:
        _malformed("expected a component to have a name", at)
    purl = _get(fields, "purl", str, at)
    text, is_expression = _license(fields, at) if "licenses" in fields else (None, True)
    supplier = _get(fields, "supplier", dict, at)
    return Component(
        ref=placed.ref,
        type=_get(fields, "type", str, at) or "library",
        name=_full_name(_get(fields, "group", str, at), name, purl),
        version=_get(fields, "version", str, at),
        purl=purl,
        hashes=_hashes(fields, at) if "hashes" in fields else {},
        license=text,
        license_is_expression=is_expression,
        supplier=_named(supplier, at) if supplier is not None else _get(fields, "publisher", str, at),
        optional=_get(fields, "scope", str, at) in {"optional", "excluded"},
        properties=tuple(
            (_get(item, "name", str, place) or "", _get(item, "value", str, place) or "")
            for item, place in _objects(fields, "properties", at)
        )
        if "properties" in fields
        else (),
    )


def _full_name(group: str | None, name: str, purl: str | None) -> str:
    """The name as its ecosystem writes it."""
    if not group or name.startswith(f"{group}/"):
        return name
    return f"{group}:{name}" if purl is not None and purl.startswith("pkg:maven/") else f"{group}/{name}"


def _hashes(fields: Mapping[str, object], at: str) -> dict[str, str]:
    hashes: dict[str, str] = {}
    for item, place in _objects(fields, "hashes", at):
        algorithm, content = _get(item, "alg", str, place), _get(item, "content", str, place)
        if algorithm is None or content is None:
            _malformed("expected a hash to have alg and content", place)
        if hashes.setdefault(algorithm, content.lower()) != content.lower():
            _malformed(f"two different values of {algorithm[:_SHOWN]}", place)
    return hashes


def _license(fields: Mapping[str, object], at: str) -> tuple[str | None, bool]:
    """One text for the whole list; several licences hold together, because nothing says that one may choose."""
    texts: list[str] = []
    is_expression = True
    for item, place in _objects(fields, "licenses", at):
        expression = _get(item, "expression", str, place)
        about = _get(item, "license", dict, place) or {}
        identifier, name = (_get(about, key, str, f"{place}/license") for key in ("id", "name"))
        text = expression if expression is not None else identifier
        if text is None:
            text, is_expression = name, False
        if text:
            texts.append(text)
    if len(texts) < 2:  # noqa: PLR2004 - one, or none
        return (texts[0], is_expression) if texts else (None, True)
    joined = (f"({text})" if is_expression and " " in text else text for text in texts)
    return " AND ".join(joined), is_expression


# -- the document around it ----------------------------------------------------------------------------------------------


def _supplied(root: Component, metadata: Mapping[str, object], where: str) -> Component:
    """The package itself; its supplier may stand beside it."""
    supplier = _get(metadata, "supplier", dict, f"{where}: /metadata")
    if root.supplier is not None or supplier is None:
        return root
    from dataclasses import replace

    return replace(root, supplier=_named(supplier, f"{where}: /metadata/supplier"))


def _dependencies(document: Mapping[str, object], top: str) -> dict[str, tuple[str, ...]]:
    needs: dict[str, tuple[str, ...]] = {}
    for item, at in _objects(document, "dependencies", top):
        ref = _get(item, "ref", str, at)
        if ref is None:
            _malformed("expected a dependency to have a ref", at)
        stated = _strings(item, "dependsOn", at)
        needs[ref] = (*needs[ref], *stated) if ref in needs else stated
    return needs


def _composition(item: Mapping[str, object], at: str) -> Composition:
    return Composition(
        aggregate=_get(item, "aggregate", str, at) or "not_specified",
        assemblies=_strings(item, "assemblies", at),
        dependencies=_strings(item, "dependencies", at),
    )


def _authors(metadata: Mapping[str, object], where: str) -> Iterator[str]:
    for item, at in _objects(metadata, "authors", f"{where}: /metadata"):
        name, mail = _get(item, "name", str, at), _get(item, "email", str, at)
        if name or mail:
            yield f"{name} <{mail}>" if name and mail and name != mail else f"<{mail}>" if mail else str(name)
    maker = _get(metadata, "manufacturer", dict, f"{where}: /metadata")
    if maker is not None and (named := _named(maker, f"{where}: /metadata/manufacturer")):
        yield named


def _tools(metadata: Mapping[str, object], where: str) -> Iterator[str]:
    """A list until 1.4, afterwards an object of components and services."""
    at = f"{where}: /metadata"
    tools = metadata.get("tools")
    if isinstance(tools, dict):
        items = [*_objects(tools, "components", f"{at}/tools"), *_objects(tools, "services", f"{at}/tools")]
    else:
        items = list(_objects(metadata, "tools", at))
    for item, place in items:
        name, version = _get(item, "name", str, place) or "", _get(item, "version", str, place)
        if name:
            yield f"{name} {version}" if version else name


def _named(entity: Mapping[str, object], at: str) -> str | None:
    return _get(entity, "name", str, at)


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_time(text, where="timestamp")
    except FormatError:
        return None


# -- typed access --------------------------------------------------------------------------------------------------------


def _get(fields: Mapping[str, object], key: str, kind: type[T], at: str) -> T | None:
    value = fields.get(key)
    if value is not None and not isinstance(value, kind):
        _malformed(f"expected {key} to be {'text' if kind is str else 'an object'}", at)
    return value


def _list(fields: Mapping[str, object], key: str, at: str) -> list[object]:
    value = fields.get(key)
    if value is not None and not isinstance(value, list):
        _malformed(f"expected {key} to be a list", at)
    return value or []


def _objects(fields: Mapping[str, object], key: str, at: str) -> Iterator[tuple[Mapping[str, object], str]]:
    for index, item in enumerate(_list(fields, key, at)):
        place = f"{at}/{key}/{index}"
        if not isinstance(item, dict):
            _malformed(f"expected each of {key} to be an object", place)
        yield item, place


def _strings(fields: Mapping[str, object], key: str, at: str) -> tuple[str, ...]:
    items = _list(fields, key, at)
    texts = tuple(item for item in items if isinstance(item, str))
    if len(texts) != len(items):
        _malformed(f"expected only text in {key}", at)
    return texts


def _malformed(message: str, where: str) -> NoReturn:
    raise FormatError(message, code="sbom.malformed", where=where)

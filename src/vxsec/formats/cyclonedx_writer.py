"""CycloneDX 1.6 JSON, written so that the same values are the same bytes.

Source: CycloneDX v1.6 (ECMA-424), ``bom-1.6.schema.json``; member order follows the schema. ``cyclonedx-python-lib`` is not
used to write: it has no compositions and takes quadratic time.
"""

from __future__ import annotations

import re
from json.encoder import encode_basestring
from typing import TYPE_CHECKING

from vxsec.formats.strict_json import dump_json
from vxsec.formats.timestamps import render_time
from vxsec.model.package import NPM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vxsec.model.sbom import Bom, Component, Composition

__all__ = ["COMMON_LICENSES", "bom_document", "split_person", "write_bom"]

_SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
_ALGORITHMS = (
    "MD5",
    "SHA-1",
    "SHA-256",
    "SHA-384",
    "SHA-512",
    "SHA3-256",
    "SHA3-384",
    "SHA3-512",
    "BLAKE2b-256",
    "BLAKE2b-384",
    "BLAKE2b-512",
    "BLAKE3",
)
_PERSON = re.compile(r"([^<>]*?)\s*<([A-Za-z0-9._%+-]+@[A-Za-z0-9]+(?:[.-][A-Za-z0-9]+)*)>\Z")

COMMON_LICENSES = frozenset({
    "0BSD", "AFL-2.1", "AGPL-3.0", "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-2.0", "Artistic-2.0", "BSD-2-Clause",
    "BSD-3-Clause", "BSL-1.0", "BlueOak-1.0.0", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC0-1.0", "CDDL-1.0",
    "EPL-1.0", "EPL-2.0", "EUPL-1.2", "GPL-2.0", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0", "GPL-3.0-only",
    "GPL-3.0-or-later", "ISC", "LGPL-2.1", "LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0", "LGPL-3.0-only",
    "LGPL-3.0-or-later", "MIT", "MIT-0", "MPL-2.0", "MS-PL", "OFL-1.1", "PSF-2.0", "PostgreSQL", "Python-2.0",
    "UPL-1.0", "Unicode-DFS-2016", "Unlicense", "W3C", "W3C-20150513", "WTFPL", "X11", "Zlib",
})  # fmt: skip  # a table: one row a line
"""Identifiers of the SPDX licence list that nearly all packages use: known without loading the list."""


def write_bom(bom: Bom) -> bytes:
    """Write ``bom`` as CycloneDX 1.6 JSON in UTF-8, whatever version it was read from.

    Guaranteed: equal values give equal bytes. Components and dependencies are sorted by reference, members stand in the
    schema's order, the indent is two spaces, and the last byte is a line feed. Every component has a dependency entry.
    """
    pieces: list[str] = []
    _render(bom_document(bom), "\n", pieces)
    pieces.append("\n")
    return "".join(pieces).encode("utf-8")


def bom_document(bom: Bom) -> dict[str, object]:
    """The document that :func:`write_bom` writes, as plain values."""
    refs = {component.ref for component in bom.components} | ({bom.root.ref} if bom.root is not None else set())
    document: dict[str, object] = {"$schema": _SCHEMA, "bomFormat": "CycloneDX", "specVersion": "1.6"}
    if bom.serial_number is not None:
        document["serialNumber"] = bom.serial_number
    document["version"] = 1
    document["metadata"] = _metadata(bom)
    document["components"] = [
        _component(component, scope="optional" if component.optional else "required")
        for component in sorted(bom.components, key=lambda component: component.ref)
    ]
    document["dependencies"] = [
        _dependency(ref, bom.dependencies.get(ref, ())) for ref in sorted(refs | set(bom.dependencies))
    ]
    if bom.compositions:
        document["compositions"] = [_composition(composition) for composition in bom.compositions]
    return document


def _render(value: object, line: str, pieces: list[str]) -> None:
    """What ``dump_json(value, indent=2)`` writes, in a third of the time; ``line`` is the line end with its indent."""
    inner = line + "  "
    if isinstance(value, str):
        pieces.append(encode_basestring(value))
    elif isinstance(value, dict) and value:
        before = "{"
        for key, item in value.items():
            pieces.append(f"{before}{inner}{encode_basestring(key)}: ")
            _render(item, inner, pieces)
            before = ","
        pieces.append(line + "}")
    elif isinstance(value, list) and value:
        before = "["
        for item in value:
            pieces.append(before + inner)
            _render(item, inner, pieces)
            before = ","
        pieces.append(line + "]")
    else:  # a number, or empty
        pieces.append(dump_json(value).decode())


def split_person(text: str) -> tuple[str, str | None]:
    """``NAME <MAIL>`` as name and mail address; the mail address is None where it is none."""
    match = _PERSON.match(text)
    return (match[1] or match[2], match[2]) if match else (text, None)


def _metadata(bom: Bom) -> dict[str, object]:
    metadata: dict[str, object] = {}
    if bom.timestamp is not None:
        metadata["timestamp"] = render_time(bom.timestamp)
    if bom.tools:
        metadata["tools"] = {"components": [_tool(tool) for tool in bom.tools]}
    if bom.authors:
        metadata["authors"] = [_person(author) for author in bom.authors]
    if bom.root is not None:
        metadata["component"] = _component(bom.root, scope=None)
    return metadata


def _tool(text: str) -> dict[str, object]:
    name, blank, version = text.rpartition(" ")
    return {"type": "application", "name": name, "version": version} if blank else {"type": "application", "name": text}


def _person(text: str) -> dict[str, object]:
    name, mail = split_person(text)
    return {"name": name} if mail is None else {"name": name, "email": mail}


def _component(component: Component, *, scope: str | None) -> dict[str, object]:
    written: dict[str, object] = {"type": component.type, "bom-ref": component.ref}
    if component.supplier is not None:
        written["supplier"] = {"name": component.supplier}
    group, slash, name = component.name.partition("/")
    if slash and group.startswith("@") and (component.purl or f"pkg:{NPM}/").startswith(f"pkg:{NPM}/"):
        written["group"] = group
    else:
        name = component.name
    written["name"] = name
    if component.version is not None:
        written["version"] = component.version
    if scope is not None:
        written["scope"] = scope
    if component.hashes:
        written["hashes"] = _hashes(component.hashes)
    if component.license is not None:
        written["licenses"] = [_license(component.license, is_expression=component.license_is_expression)]
    if component.purl is not None:
        written["purl"] = component.purl
    if component.properties:
        written["properties"] = [{"name": name, "value": value} for name, value in component.properties]
    return written


def _hashes(hashes: Mapping[str, str]) -> list[dict[str, str]]:
    order = {name: place for place, name in enumerate(_ALGORITHMS)}
    names = sorted(hashes, key=lambda name: (order.get(name, len(order)), name))
    return [{"alg": name, "content": hashes[name]} for name in names]


def _license(text: str, *, is_expression: bool) -> dict[str, object]:
    """As the schema asks: ``id`` only for identifiers of the list it was published with, ``expression`` for SPDX's grammar."""
    if not is_expression:
        return {"license": {"name": text, "acknowledgement": "declared"}}
    if text in COMMON_LICENSES:
        return {"license": {"id": text, "acknowledgement": "declared"}}
    return {"expression": text, "acknowledgement": "declared"}


def _dependency(ref: str, needs: tuple[str, ...]) -> dict[str, object]:
    return {"ref": ref, "dependsOn": sorted(set(needs))} if needs else {"ref": ref}


def _composition(composition: Composition) -> dict[str, object]:
    written: dict[str, object] = {"aggregate": composition.aggregate}
    if composition.assemblies:
        written["assemblies"] = sorted(set(composition.assemblies))
    if composition.dependencies:
        written["dependencies"] = sorted(set(composition.dependencies))
    return written

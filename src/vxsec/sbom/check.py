"""Whether a bill of materials is sound by itself, before anyone asks what it is about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from vxsec.formats.cyclonedx import walk_components
from vxsec.model.finding import Finding, Severity
from vxsec.model.package import NPM, PYPI
from vxsec.sbom.leaks import find_leaks
from vxsec.sbom.licenses import is_expression
from vxsec.sbom.purl import normal_name, parse_purl
from vxsec.sbom.schema import check_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vxsec.formats.cyclonedx import PlacedComponent
    from vxsec.model.sbom import Bom, Component

__all__ = ["MAX_PER_CODE", "check_bom", "missing_elements"]

MAX_PER_CODE = 25
"""Findings of one code that are listed one by one; then one says how many more there are."""
_NAMED = 3
_SHOWN = 120
_LENGTHS = {
    "MD5": 32, "SHA-1": 40, "SHA-256": 64, "SHA-384": 96, "SHA-512": 128, "SHA3-256": 64, "SHA3-384": 96, "SHA3-512": 128,
    "BLAKE2b-256": 64, "BLAKE2b-384": 96, "BLAKE2b-512": 128, "BLAKE3": 64,
}  # fmt: skip  # a table: one row a line
"""Hexadecimal digits of each algorithm; the schema takes any of these lengths for any of them."""
_ELSEWHERE = "urn:cdx:"
"""A BOM-Link: a reference into another document."""


def check_bom(bom: Bom, document: object) -> tuple[Finding, ...]:
    """Judge a document by itself: schema, references, purls, hashes, licences, and what should not be in it.

    Codes: ``sbom.schema``, ``sbom.root-missing``, ``sbom.ref-duplicate``, ``sbom.ref-dangling``, ``sbom.purl-malformed``,
    ``sbom.hash-length``, ``sbom.leak-credential`` (all high); ``sbom.leak-path`` (high, medium inside a sentence);
    ``sbom.leak-host``, ``sbom.purl-mismatch``, ``sbom.unreachable``, ``sbom.license-invalid`` (medium);
    ``sbom.ref-missing``, ``sbom.vulnerabilities`` (low).

    Args:
        bom: As ``read_bom`` gives it for these bytes.
        document: The same bytes as ``strict_json.parse_json`` gives them.
    """
    fields = document if isinstance(document, dict) else {}
    placed = walk_components(fields, where="the SBOM")
    components = ([bom.root] if bom.root is not None else []) + list(bom.components)
    refs, leaks = _walk_texts(fields)
    return (
        *check_schema(document),
        *_bounded(_reference_findings(bom, refs)),
        *_bounded(_reach_findings(bom, placed)),
        *_bounded(
            finding for component, place in zip(components, placed, strict=True) for finding in _each(component, place)
        ),
        *_bounded(leaks),
        *_vulnerabilities(fields),
    )


def missing_elements(bom: Bom) -> tuple[str, ...]:
    """The minimum elements that the document does not state, each as words to put behind "no".

    Supplier, name, version, unique identifier, relationships, author and timestamp (NTIA, "The Minimum Elements For a
    Software Bill of Materials", 2021). The supplier is asked of the package itself only: a lockfile does not state that of
    what it resolves, and an invented one would be worse than none. Tools are no authors.
    """
    components = ([bom.root] if bom.root is not None else []) + list(bom.components)
    stated = bom.dependencies.keys()
    missing = [] if bom.root is not None and bom.root.supplier else ["supplier of the package"]
    missing += _lacking("name", [one for one in components if not one.name])
    missing += _lacking("version", [one for one in components if not one.version])
    missing += _lacking("unique identifier (purl)", [one for one in components if not one.purl])
    if bom.root is None or (bom.components and not bom.dependencies.get(bom.root.ref)):
        missing.append("relationships of the package")
    missing += _lacking("relationships", [one for one in bom.components if one.ref not in stated])
    if not bom.authors:
        missing.append("author of the SBOM")
    if bom.timestamp is None:
        missing.append("timestamp")
    return tuple(missing)


def _lacking(element: str, components: list[Component]) -> list[str]:
    if not components:
        return []
    named = ", ".join((one.name or one.ref)[:_SHOWN] for one in components[:_NAMED])
    more = f" and {len(components) - _NAMED} more" if len(components) > _NAMED else ""
    return [f"{element} of {named}{more}"]


# -- references --------------------------------------------------------------------------------------------------------


def _reference_findings(bom: Bom, refs: list[tuple[str, str]]) -> Iterator[Finding]:
    if bom.root is None:
        yield _finding("root-missing", Severity.HIGH, "nothing says which package it is about", "/metadata/component")
    seen: set[str] = set()
    for ref, pointer in refs:
        if ref in seen:
            yield _finding("ref-duplicate", Severity.HIGH, f"the bom-ref {ref[:_SHOWN]!r} stands twice", pointer)
        seen.add(ref)
    used = [(ref, "/dependencies") for ref in bom.dependencies]
    used += [(target, "/dependencies") for targets in bom.dependencies.values() for target in targets]
    used += [
        (ref, "/compositions")
        for composition in bom.compositions
        for ref in (*composition.assemblies, *composition.dependencies)
    ]
    for ref, pointer in dict.fromkeys(used):
        if ref not in seen and not ref.startswith(_ELSEWHERE):
            yield _finding("ref-dangling", Severity.HIGH, f"nothing has the bom-ref {ref[:_SHOWN]!r}", pointer)


def _reach_findings(bom: Bom, placed: list[PlacedComponent]) -> Iterator[Finding]:
    """Every component must be needed or contained by the root, or a composition must speak of it."""
    inside: dict[str, list[str]] = {}
    for place in placed:
        if place.parent is not None:
            inside.setdefault(place.parent, []).append(place.ref)
    pending = [bom.root.ref] if bom.root is not None else []
    for composition in bom.compositions:
        pending += [*composition.assemblies, *composition.dependencies]
    reached: set[str] = set()
    while pending:
        ref = pending.pop()
        if ref not in reached:
            reached.add(ref)
            pending.extend((*bom.dependencies.get(ref, ()), *inside.get(ref, ())))
    for place in placed[1:] if bom.root is not None else ():
        if "bom-ref" not in place.fields:
            yield _finding("ref-missing", Severity.LOW, "without a bom-ref nothing can refer to it", place.pointer)
        elif place.ref not in reached:
            message = f"nothing leads to {place.ref[:_SHOWN]!r}, and no composition speaks of it"
            yield _finding("unreachable", Severity.MEDIUM, message, place.pointer)


# -- one component -----------------------------------------------------------------------------------------------------


def _each(component: Component, place: PlacedComponent) -> Iterator[Finding]:
    if component.purl is not None:
        yield from _purl_findings(component, component.purl, place.pointer)
    for algorithm, digest in component.hashes.items():
        length = _LENGTHS.get(algorithm)
        if length is not None and len(digest) != length:
            message = f"{algorithm} has {length} digits, found {len(digest)}"
            yield _finding("hash-length", Severity.HIGH, message, f"{place.pointer}/hashes")
    if component.license is not None and component.license_is_expression and not is_expression(component.license):
        message = f"{component.license[:_SHOWN]!r} is no SPDX expression"
        yield _finding("license-invalid", Severity.MEDIUM, message, f"{place.pointer}/licenses")


def _purl_findings(component: Component, text: str, pointer: str) -> Iterator[Finding]:
    purl, pointer = parse_purl(text), f"{pointer}/purl"
    if purl is None:
        yield _finding("purl-malformed", Severity.HIGH, f"{text[:_SHOWN]!r} is no purl", pointer)
        return
    if purl.type in {NPM, PYPI} and purl.name != normal_name(purl.type, component.name):
        message = f"the purl names {purl.name[:_SHOWN]!r}, the component {component.name[:_SHOWN]!r}"
        yield _finding("purl-mismatch", Severity.MEDIUM, message, pointer)
    if purl.type in {NPM, PYPI} and purl.version != component.version:
        found, stated = str(purl.version)[:_SHOWN], str(component.version)[:_SHOWN]
        yield _finding(
            "purl-mismatch", Severity.MEDIUM, f"the purl has version {found}, the component {stated}", pointer
        )


# -- every string ------------------------------------------------------------------------------------------------------


def _walk_texts(document: Mapping[str, object]) -> tuple[list[tuple[str, str]], list[Finding]]:
    """Every ``bom-ref`` with its pointer, and every leak."""
    refs: list[tuple[str, str]] = []
    leaks: list[Finding] = []
    clean: set[str] = set()
    pending: list[tuple[Mapping[str, object] | list[object], str]] = [(document, "")]
    while pending:
        holder, pointer = pending.pop()
        inner: list[tuple[Mapping[str, object] | list[object], str]] = []
        for key, value in holder.items() if isinstance(holder, Mapping) else enumerate(holder):
            if isinstance(value, dict | list):
                inner.append((value, f"{pointer}/{key}"))
            elif isinstance(value, str):
                if key == "bom-ref":
                    refs.append((value, f"{pointer}/{key}"))
                if value not in clean:  # most texts are references, and stand many times
                    found = [_leak(kind, sentence, value, f"{pointer}/{key}") for kind, sentence in find_leaks(value)]
                    leaks.extend(found)
                    if not found:
                        clean.add(value)
        pending.extend(reversed(inner))
    return refs, leaks


def _leak(kind: str, sentence: str, value: str, pointer: str) -> Finding:
    """In a sentence written by a person a path may be an example; alone it is one."""
    severity = Severity.HIGH
    if kind == "host" or (kind == "path" and " " in value):
        severity = Severity.MEDIUM
    return _finding(f"leak-{kind}", severity, sentence, pointer)


def _vulnerabilities(document: Mapping[str, object]) -> Iterator[Finding]:
    if document.get("vulnerabilities"):
        message = "known vulnerabilities change daily: they belong into a document of their own (VEX)"
        yield _finding("vulnerabilities", Severity.LOW, message, "/vulnerabilities")


def _bounded(findings: Iterable[Finding]) -> Iterator[Finding]:
    counts: Counter[str] = Counter()
    last: dict[str, Finding] = {}
    for finding in findings:
        counts[finding.code] += 1
        last[finding.code] = finding
        if counts[finding.code] <= MAX_PER_CODE:
            yield finding
    for code, number in counts.items():
        if number > MAX_PER_CODE:
            message = f"and {number - MAX_PER_CODE} more of this kind"
            yield Finding(code=code, severity=last[code].severity, message=message)


def _finding(reason: str, severity: Severity, message: str, pointer: str) -> Finding:
    return Finding(code=f"sbom.{reason}", severity=severity, message=message, where=pointer[:_SHOWN])

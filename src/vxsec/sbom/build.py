"""From a package, its digests and the graph of what it needs to a bill of materials."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from vxsec._version import __version__
from vxsec.errors import FormatError
from vxsec.formats.cyclonedx_writer import split_person
from vxsec.formats.strict_json import dump_json
from vxsec.formats.timestamps import parse_time, render_time
from vxsec.model.dependency import DependencySource
from vxsec.model.digest import Integrity
from vxsec.model.package import NPM, PYPI, PackageRef, is_npm_name, is_pypi_name
from vxsec.model.sbom import Bom, Component, Composition
from vxsec.sbom.leaks import find_leaks
from vxsec.sbom.licenses import is_expression

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from vxsec.model.dependency import Dependency, DependencyGraph
    from vxsec.model.digest import Digests
    from vxsec.model.package import Manifest

__all__ = [
    "RANGE_PROPERTY",
    "SOURCE_PROPERTY",
    "build_bom",
    "component_identity",
    "integrity_hashes",
    "manifest_author",
]

SOURCE_PROPERTY = "vxsec:source"
"""Where the bytes come from, as ``DependencySource`` says it; absent for what comes from a registry."""
RANGE_PROPERTY = "vxsec:range"
_INTEGRITY_PROPERTY = "vxsec:integrity"
_BUNDLED_PROPERTY = "cdx:npm:package:bundled"
_DEVELOPMENT_PROPERTY = "cdx:npm:package:development"
"""CycloneDX property taxonomy, namespace ``cdx:npm``."""

_WITHHELD = "stated, and not repeated here: it names a place or a credential"
_SERIAL_NAMESPACE = uuid5(NAMESPACE_URL, "urn:vxsec:sbom:v1")
_ALGORITHMS = {"sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}
_URL_BEHIND = re.compile(r"\s*\([^()]*\)\s*\Z")


def build_bom(
    *,
    package: PackageRef,
    digests: Digests,
    graph: DependencyGraph,
    license: str | None,  # noqa: A002 - CycloneDX's word
    authors: tuple[str, ...],
    timestamp: datetime | None,
    supplier: str | None = None,
) -> Bom:
    """Describe ``package`` and everything ``graph`` says it needs.

    Guaranteed: the same arguments give the same values, the serial number too (a UUIDv5 of subject and content). No URL, no
    path and no user of the graph is in them: a dependency that is not from a registry has a property that says which kind
    of source it has. The compositions claim ``complete`` only for dependencies that a lockfile resolved without a gap; what
    a bundler may have put into the package's own files is ``unknown``.

    Args:
        package: The root component; its purl is its reference.
        digests: Of the archive.
        graph: What the package needs; its keys become references.
        license: What the package states; None where it states nothing.
        authors: Who answers for the document, as ``NAME <MAIL>`` or a name.
        timestamp: When it is made, aware; None leaves it out.
        supplier: Who supplies the package; the first author if not given.
    """
    stated = supplier or (split_person(authors[0])[0] if authors else None)
    text, expression = _licensed(license)
    root = Component(
        ref=package.purl,
        type="library",
        name=package.name,
        version=package.version,
        purl=package.purl,
        hashes={"SHA-256": digests.sha256, "SHA-512": digests.sha512},
        supplier=stated,
        license=text,
        license_is_expression=expression,
    )
    identities = {one.key: component_identity(one, package.ecosystem) for one in graph.dependencies}
    refs = _references(root.ref, {one.key: one for one in graph.dependencies}, identities)
    components = [_component(one, refs[one.key], identities[one.key]) for one in graph.dependencies]
    needs = {refs[one.key]: _targets(one.needs, refs) for one in graph.dependencies}
    needs[root.ref] = _targets(graph.root_needs, refs)
    bom = Bom(
        spec_version="1.6",
        serial_number=None,
        timestamp=parse_time(render_time(timestamp), where="timestamp") if timestamp is not None else None,
        root=root,
        components=tuple(sorted(components, key=lambda component: component.ref)),
        dependencies={ref: needs[ref] for ref in sorted(needs)},
        compositions=_compositions(root.ref, graph, refs),
        authors=authors,
        tools=(f"vxsec {__version__}",),
    )
    return _numbered(bom, digests)


def integrity_hashes(integrity: str | None) -> dict[str, str]:
    """Every strong hash of an SRI text under CycloneDX's name; none of an algorithm that states several values."""
    found: dict[str, set[str]] = {}
    for algorithm, digest in _entries(integrity):
        if algorithm in _ALGORITHMS:
            found.setdefault(_ALGORITHMS[algorithm], set()).add(digest)
    return {name: values.pop() for name, values in found.items() if len(values) == 1}


def manifest_author(manifest: Manifest) -> str | None:
    """Who the manifest says made the package, as ``NAME <MAIL>`` or a name; None where it says nobody."""
    document = manifest.document
    if manifest.package.ecosystem == PYPI:
        fields = ("Author", "Author-email", "Maintainer", "Maintainer-email")
        return next((text for field in fields if (text := _first_person(document.get(field)))), None)
    for field in ("author", "publisher", "maintainers", "contributors"):
        stated = document.get(field)
        for one in stated if isinstance(stated, list) else [stated]:
            if text := _person(one):
                return text
    return None


def _numbered(bom: Bom, digests: Digests) -> Bom:
    """With a serial number of its own for every content (RFC 4122 section 4.3); a test holds every field to it."""
    content = [
        digests.sha512,
        bom.timestamp and render_time(bom.timestamp),
        [_content(one) for one in (bom.root, *bom.components) if one is not None],
        bom.dependencies,
        [(one.aggregate, one.assemblies, one.dependencies) for one in bom.compositions],
        bom.authors,
        bom.tools,
    ]
    return replace(bom, serial_number=f"urn:uuid:{uuid5(_SERIAL_NAMESPACE, dump_json(content).decode())}")


def _content(one: Component) -> tuple[object, ...]:
    described = (
        one.ref,
        one.type,
        one.name,
        one.version,
        one.purl,
        one.license,
        one.license_is_expression,
        one.supplier,
    )
    return (*described, one.optional, one.hashes, one.properties)


def _references(
    root: str, dependencies: Mapping[str, Dependency], identities: Mapping[str, tuple[str, str | None, str | None]]
) -> dict[str, str]:
    """A reference for every key: the purl where there is one; of equal ones all but the first get a number behind it."""
    wanted = {key: identities[key][2] if one.package is not None else one.label for key, one in dependencies.items()}
    reserved = {root, *wanted.values()}
    taken = {root}
    refs: dict[str, str] = {}
    for key in sorted(wanted, key=lambda key: (len(key), key)):
        ref, number = wanted[key] or key, 1
        while ref in taken or (number > 1 and ref in reserved):
            number += 1
            ref = f"{wanted[key]}#{number}"
        taken.add(ref)
        refs[key] = ref
    return refs


def _targets(keys: Iterable[str], refs: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sorted(refs[key] for key in keys))


def _component(dependency: Dependency, ref: str, identity: tuple[str, str | None, str | None]) -> Component:
    name, version, purl = identity
    hashes = integrity_hashes(dependency.integrity)
    text, expression = _licensed(dependency.license)
    return Component(
        ref=ref,
        type="library",
        name=name,
        version=version,
        purl=purl,
        hashes=hashes,
        optional=dependency.optional or dependency.dev,
        properties=tuple(_properties(dependency, hashes)),
        license=text,
        license_is_expression=expression,
    )


def component_identity(dependency: Dependency, ecosystem: str) -> tuple[str, str | None, str | None]:
    """Name, version and purl of the component that stands for ``dependency``; an unknown version is in neither."""
    package = dependency.package
    if package is not None:
        return package.name, package.version, package.purl
    name = dependency.label[:1] + dependency.label[1:].partition("@")[0]
    is_name = {NPM: is_npm_name, PYPI: is_pypi_name}.get(ecosystem)
    if is_name is None or not is_name(name):
        return name, None, None
    return name, None, PackageRef(name=name, version="", ecosystem=ecosystem).purl.removesuffix("@")


def _properties(dependency: Dependency, hashes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if dependency.source is DependencySource.BUNDLED:
        yield _BUNDLED_PROPERTY, "true"
    if dependency.dev:
        yield _DEVELOPMENT_PROPERTY, "true"
    if dependency.integrity is not None and not hashes:
        yield _INTEGRITY_PROPERTY, _lacking(dependency.integrity)
    if dependency.source is DependencySource.RANGE:
        yield RANGE_PROPERTY, dependency.label[1:].partition("@")[2] or "*"
    if dependency.source not in {DependencySource.REGISTRY, DependencySource.BUNDLED}:
        yield SOURCE_PROPERTY, dependency.source.value


def _lacking(integrity: str) -> str:
    """Why a stated integrity gives no hash."""
    algorithms = [algorithm for algorithm, _ in _entries(integrity)]
    if not algorithms:
        return "malformed"
    return "ambiguous" if any(algorithm in _ALGORITHMS for algorithm in algorithms) else "weak"


def _entries(integrity: str | None) -> tuple[tuple[str, str], ...]:
    try:
        return Integrity.parse(integrity).entries if integrity is not None else ()
    except FormatError:
        return ()


def _licensed(stated: str | None) -> tuple[str | None, bool]:
    """The licence on one line, and whether it is an expression; text that tells of a machine or a token is not repeated."""
    text = " ".join((stated or "").split())
    if not text or is_expression(text):
        return text or None, True
    return (text if next(find_leaks(text), None) is None else _WITHHELD), False


def _compositions(root: str, graph: DependencyGraph, refs: Mapping[str, str]) -> tuple[Composition, ...]:
    """CycloneDX v1.6, ``compositions``: what is claimed of the dependencies, and of what the package is assembled from."""
    open_ended = {
        refs[one.key]
        for one in graph.dependencies
        if one.source is DependencySource.RANGE or (one.package is None and one.source is not DependencySource.LOCAL)
    }
    resolved = tuple(sorted({root, *refs.values()} - open_ended))
    whole = not graph.unresolved and not open_ended
    found = [Composition(aggregate="complete" if whole else "incomplete", dependencies=resolved)]
    if open_ended:
        found.append(Composition(aggregate="unknown", dependencies=tuple(sorted(open_ended))))
    return (*found, Composition(aggregate="unknown", assemblies=(root,)))


def _first_person(text: object) -> str | None:
    return text.partition(",")[0].strip() or None if isinstance(text, str) else None


def _person(stated: object) -> str | None:
    """A person as package.json states one: ``NAME <MAIL> (URL)``, or an object of these."""
    if isinstance(stated, dict):
        name, mail = (value.strip() if isinstance(value := stated.get(key), str) else "" for key in ("name", "email"))
        return (f"{name} <{mail}>" if mail else name).strip() or None
    return _URL_BEHIND.sub("", stated).strip() or None if isinstance(stated, str) else None

"""Whether a bill of materials is about these bytes, and says what the lockfile resolves."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from vxsec.model.finding import Finding, Severity
from vxsec.model.package import NPM
from vxsec.sbom.build import component_identity, integrity_hashes
from vxsec.sbom.purl import identity, normal_name, parse_purl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vxsec.model.dependency import DependencyGraph
    from vxsec.model.digest import Digests
    from vxsec.model.package import PackageRef
    from vxsec.model.sbom import Bom, Component

    _Hashes = dict[tuple[str, str, str | None], list[Mapping[str, str]]]

__all__ = ["MAX_SENTENCES", "compare_with_graph", "compare_with_package"]

MAX_SENTENCES = 20
_SHOWN = 120
_HEX = 128  # a SHA-512, whole


def compare_with_package(bom: Bom, package: PackageRef, digests: Digests) -> tuple[Finding, ...]:
    """What the root component says that the bytes contradict; nothing exactly where it is about them.

    Guaranteed: empty only if name and version are the package's, a purl (if any) names it, no stated hash that can be
    computed differs, and SHA-256 or SHA-512 is stated and right. All findings are high: ``sbom.no-digest`` (also without a
    root component), ``sbom.name-mismatch``, ``sbom.version-mismatch``, ``sbom.purl-mismatch``, ``sbom.digest-mismatch``.

    Args:
        bom: The document.
        package: What the archive says it is.
        digests: Of the archive's bytes.
    """
    if bom.root is None:
        return (_finding("no-digest", "nothing says which package it is about"),)
    return (*_names(bom.root, package), *_digests(bom.root, digests))


def _names(root: Component, package: PackageRef) -> Iterator[Finding]:
    if normal_name(package.ecosystem, root.name) != package.name:
        yield _finding("name-mismatch", f"it is about {_cut(root.name)!r}, the file is {package.name!r}")
    if root.version != package.version:
        stated = "no version" if root.version is None else f"version {_cut(root.version)!r}"
        yield _finding("version-mismatch", f"it is about {stated}, the file is {package.version!r}")
    if root.purl is not None:
        purl = parse_purl(root.purl)
        if purl is None or (purl.type, purl.name, purl.version) != (package.ecosystem, package.name, package.version):
            yield _finding("purl-mismatch", f"its purl is {_cut(root.purl)!r}, the file's is {package.purl!r}")


def _digests(root: Component, digests: Digests) -> Iterator[Finding]:
    computed = {"SHA-1": digests.sha1, "SHA-256": digests.sha256, "SHA-512": digests.sha512}
    for algorithm, digest in computed.items():
        stated = root.hashes.get(algorithm)
        if stated is not None and stated != digest:
            message = f"its {algorithm} is {_cut(stated, _HEX)}, the file's is {digest}"
            yield _finding("digest-mismatch", message)
    if "SHA-256" not in root.hashes and "SHA-512" not in root.hashes:
        yield _finding(
            "no-digest", "it states neither SHA-256 nor SHA-512 of the package, so it could be about any bytes"
        )


def compare_with_graph(bom: Bom, graph: DependencyGraph) -> tuple[str, ...]:
    """How the components differ from what ``graph`` resolves, as sentences; at most ``MAX_SENTENCES`` and one with the rest.

    What the graph itself leaves open comes first. Components are told apart by purl without qualifiers, else by name and
    version. Of one that stands in both, every hash that both state must agree.
    """
    stated: _Hashes = {}
    for component in bom.components:
        key = identity(component.purl, component.name, component.version)
        stated.setdefault(key, []).append(component.hashes)
    resolved: _Hashes = {}
    ecosystem = graph.root.ecosystem if graph.root is not None else NPM
    for dependency in graph.dependencies:
        name, version, purl = component_identity(dependency, ecosystem)
        resolved.setdefault(identity(purl, name, version), []).append(integrity_hashes(dependency.integrity))
    sentences = [f"{name[:_SHOWN]} is asked for, and the lockfile does not resolve it" for name in graph.unresolved]
    sentences += _differences(stated, resolved)
    if len(sentences) > MAX_SENTENCES:
        return (*sentences[:MAX_SENTENCES], f"and {len(sentences) - MAX_SENTENCES} more differences")
    return tuple(sentences)


def _differences(stated: _Hashes, resolved: _Hashes) -> Iterator[str]:
    for key in sorted(resolved.keys() - stated.keys(), key=_label):
        yield f"{_label(key)} is resolved by the lockfile, and missing from the SBOM"
    for key in sorted(stated.keys() - resolved.keys(), key=_label):
        yield f"{_label(key)} is in the SBOM, and the lockfile does not resolve it"
    for key in sorted(stated.keys() & resolved.keys(), key=_label):
        mine, theirs = stated[key], resolved[key]
        if any(all(map(partial(_conflict, one), theirs)) for one in mine) or any(
            all(map(partial(_conflict, one), mine)) for one in theirs
        ):
            yield f"{_label(key)} has another hash in the SBOM than in the lockfile"


def _conflict(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    return any(other.get(algorithm, digest) != digest for algorithm, digest in one.items())


def _label(key: tuple[str, str, str | None]) -> str:
    _, name, version = key
    return f"{_cut(name)}@{_cut(version)}" if version is not None else f"{_cut(name)} without a version"


def _cut(text: str, length: int = _SHOWN) -> str:
    return text if len(text) <= length else f"{text[:length]}…"


def _finding(reason: str, message: str) -> Finding:
    return Finding(code=f"sbom.{reason}", severity=Severity.HIGH, message=message, where="/metadata/component")

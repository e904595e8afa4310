"""The components of a bill of materials as something to be looked up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vxsec.model.dependency import Dependency, DependencyGraph, DependencySource
from vxsec.model.package import NPM, PYPI, PackageRef, is_npm_name, is_pypi_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vxsec.model.sbom import Bom, Component

__all__ = ["bom_graph", "package_of_purl"]

_TYPE: Final = re.compile(r"[A-Za-z][A-Za-z0-9.+-]*\Z")
_SEPARATORS: Final = re.compile(r"[-_.]+")
_PATH: Final = "cdx:npm:package:path"
_DEVELOPMENT: Final = "cdx:npm:package:development"
_BUNDLED: Final = "cdx:npm:package:bundled"
"""Properties that npm and the CycloneDX tools for npm write (CycloneDX property taxonomy, ``cdx:npm``)."""
_TRUE: Final = "true"
_SOURCE: Final = "vxsec:source"
_RANGE: Final = "vxsec:range"
"""What vxsec's own SBOMs say of a dependency that is not from a registry (``vxsec.sbom.build``)."""
_NOT_FROM_A_REGISTRY: Final = {
    source.value: source
    for source in (DependencySource.GIT, DependencySource.URL, DependencySource.FILE, DependencySource.RANGE)
}
"""A sibling in the same project (``local``) is not among them: whoever installs the package gets it from a registry."""
_SHOWN: Final = 120
_INCOMPLETE: Final = "incomplete"
_MORE: Final = "(what the SBOM leaves out: it says that it is incomplete)"


def bom_graph(bom: Bom, *, source: str) -> DependencyGraph:
    """Every component, and the root itself where the document is about a file.

    A component whose purl is missing, has no version or cannot be read keeps its name, and no package: it cannot be looked
    up. The root is looked up only where its hashes say that it was released; a project's folder is not a dependency of
    itself. One whose name or version is not that of its purl is in doubt: readers differ in which of them they believe, and
    npm writes an alias's own name there, too. A document that calls itself incomplete has one entry in ``unresolved``, and
    so has each reference that leads to no component.

    Args:
        bom: The document.
        source: What the file is called.
    """
    root = bom.root
    dependencies = [_dependency(one, bom.dependencies) for one in bom.components]
    if root is not None and root.hashes and package_of_purl(root.purl) is not None:
        dependencies.append(_dependency(root, {}))
    return DependencyGraph(
        root=None,
        root_needs=tuple(bom.dependencies.get(root.ref, ())) if root is not None else (),
        dependencies=tuple(dependencies),
        unresolved=tuple(_left_out(bom, dependencies)),
        source=source,
    )


def package_of_purl(purl: str | None) -> PackageRef | None:
    """The package a purl names, its qualifiers and subpath left out; None where it names no version of one package.

    Read as other tools write them, which is less strict than :meth:`PackageRef.from_purl`: an ``@`` that begins a scope may
    stand as it is, and Python names come in any spelling. A name that its ecosystem does not allow is no package. The
    qualifiers are not the source: tools copy the repository's address there for packages that come from the registry.
    """
    from urllib.parse import unquote

    if purl is None or purl[:4].lower() != "pkg:":
        return None
    body = re.split(r"[?#]", purl[4:].lstrip("/"), maxsplit=1)[0]
    kind, slash, rest = body.partition("/")
    path, at, version = rest.rstrip("/").rpartition("@")
    if not slash or not at or not path or not version or "/" in version or not _TYPE.match(kind):
        return None
    ecosystem = kind.lower()
    name = unquote(path)
    if ecosystem == PYPI:
        name = _SEPARATORS.sub("-", name).lower()
    legal = {NPM: is_npm_name, PYPI: is_pypi_name}.get(ecosystem)
    if legal is not None and not legal(name):
        return None
    return PackageRef(name=name, version=unquote(version), ecosystem=ecosystem)


def _left_out(bom: Bom, dependencies: Sequence[Dependency]) -> Iterator[str]:
    """What is referred to and not described; and what is left out, unless it is named as ranges."""
    known = {one.ref for one in bom.components} | ({bom.root.ref} if bom.root is not None else set())
    for ref in sorted({ref for needs in bom.dependencies.values() for ref in needs} - known):
        yield f"{ref[:_SHOWN]} (no component of the SBOM has this reference)"
    incomplete = any(one.aggregate.startswith(_INCOMPLETE) for one in bom.compositions)
    if incomplete and all(one.source is not DependencySource.RANGE for one in dependencies):
        yield _MORE


def _dependency(component: Component, needs: Mapping[str, tuple[str, ...]]) -> Dependency:
    package = package_of_purl(component.purl)
    stated = dict(component.properties)
    version = component.version or stated.get(_RANGE)
    stated_name = f"{component.name}@{version}" if version else component.name
    return Dependency(
        key=component.ref,
        package=package,
        label=str(package) if package is not None else stated_name,
        source=_NOT_FROM_A_REGISTRY.get(stated.get(_SOURCE, ""), _from_a_registry(stated)),
        license=component.license,
        optional=component.optional,
        dev=stated.get(_DEVELOPMENT) == _TRUE,
        paths=tuple(value for name, value in component.properties if name == _PATH),
        needs=tuple(needs.get(component.ref, ())),
        doubt=_contradiction(component, package),
    )


def _contradiction(component: Component, package: PackageRef | None) -> str | None:
    """Why the component may be another package than its purl says, for the ecosystems that are looked up."""
    if package is None or package.ecosystem not in {NPM, PYPI}:
        return None
    name, version = component.name, component.version
    if package.ecosystem == PYPI:
        same = _SEPARATORS.sub("-", name).lower() == package.name
    else:
        same = name.removeprefix("@") == package.name.removeprefix("@")  # some tools write a scope without it
    if same and (version is None or version == package.version):
        return None
    stated = name if version is None else f"{name}@{version}"
    return f"the SBOM calls it {stated[:_SHOWN]!r}, and by its purl it is {str(package)[:_SHOWN]!r}"


def _from_a_registry(stated: Mapping[str, str]) -> DependencySource:
    return DependencySource.BUNDLED if stated.get(_BUNDLED) == _TRUE else DependencySource.REGISTRY

"""The components of a bill of materials as something to be looked up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vxsec.model.dependency import Dependency, DependencyGraph, DependencySource
from vxsec.model.package import NPM, PYPI, PackageRef, is_npm_name, is_pypi_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vxsec.model.sbom import Bom, Component

__all__ = ["bom_graph", "package_of_purl"]

_TYPE: Final = re.compile(r"[A-Za-z][A-Za-z0-9.+-]*\Z")
_SEPARATORS: Final = re.compile(r"[-_.]+")
_PATH: Final = "cdx:npm:package:path"
_DEVELOPMENT: Final = "cdx:npm:package:development"
"""Properties that npm and the CycloneDX tools for npm write (CycloneDX property taxonomy, ``cdx:npm``)."""
_TRUE: Final = "true"


def bom_graph(bom: Bom, *, source: str) -> DependencyGraph:
    """Every component, and the root itself where the document is about a file.

    A component whose purl is missing, has no version or cannot be read keeps its name, and no package: it cannot be looked
    up. The root is looked up only where its hashes say that it was released; a project's folder is not a dependency of
    itself.

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


def _dependency(component: Component, needs: Mapping[str, tuple[str, ...]]) -> Dependency:
    package = package_of_purl(component.purl)
    if package is not None:
        label = str(package)
    else:
        label = f"{component.name}@{component.version}" if component.version else component.name
    return Dependency(
        key=component.ref,
        package=package,
        label=label,
        source=DependencySource.REGISTRY,
        license=component.license,
        optional=component.optional,
        dev=(_DEVELOPMENT, _TRUE) in component.properties,
        paths=tuple(value for name, value in component.properties if name == _PATH),
        needs=tuple(needs.get(component.ref, ())),
    )

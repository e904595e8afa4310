"""``doctor trusted-base``: what a verdict rests on, counted from the installed files by their import statements.

An import inside a function counts as one at the top; one for type checkers does not, because it never runs. Of the packages
around a module only what their own loading imports counts: the facade's functions import everything, and verify nothing.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING

from vxsec import values
from vxsec.host.files import read_bounded
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.report.trusted_base import DistributionFact, ModuleFact, TrustedBasePart, TrustedBaseReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["DYNAMIC", "PARTS", "measure_trusted_base"]

PARTS: Mapping[str, tuple[str, ...]] = {
    "bundle": (
        "vxsec.formats.public_key",
        "vxsec.formats.sigstore_bundle",
        "vxsec.formats.trusted_root",
        "vxsec.verification.bundle",
        "vxsec.verification.identity",
    ),
    "openpgp": ("vxsec.host.gnupg", "vxsec.verification.openpgp", "vxsec.verification.sequoia"),
    "ssh": ("vxsec.formats.ssh_key", "vxsec.verification.sshsig"),
    "npm": ("vxsec.formats.npm_keys", "vxsec.formats.packument", "vxsec.verification.npm_signature"),
    "tuf": ("vxsec.verification.tuf",),
    "trust": ("vxsec.formats.trust_document", "vxsec.verification.release"),
}
"""What each kind of verification starts from: the readers of what it is given, and the function that judges."""
DYNAMIC: Mapping[str, str] = {"vxsec.verification.sequoia": "pysequoia"}
"""Modules that import by name, and what; a test holds that no other does."""


def measure_trusted_base() -> TrustedBaseReport:
    """Count the modules, lines and distributions behind each kind of verification, as they are installed here.

    The interpreter, its standard library, and the C libraries inside of distributions are not counted.
    """
    tree = _Tree()
    parts = tuple(_part(tree, name, roots) for name, roots in PARTS.items())
    whole = _part(tree, "all", sorted({root for roots in PARTS.values() for root in roots}))
    imported = {tree.distribution(name) for name in tree.foreign(tree.reach(whole.roots))}
    facts = (
        DistributionFact(name=name, version=tree.version(name), imported=name in imported)
        for name in whole.distributions
    )
    return TrustedBaseReport(parts=parts, whole=whole, distributions=tuple(facts))


def _part(tree: _Tree, name: str, roots: Sequence[str]) -> TrustedBasePart:
    modules = tree.reach(roots)
    return TrustedBasePart(
        name=name,
        roots=tuple(roots),
        modules=tuple(tree.fact(module) for module in sorted(modules)),
        distributions=tuple(sorted(tree.required(tree.distribution(one) for one in tree.foreign(modules)))),
    )


class _Tree:
    """The package's files and what they import, each read once."""

    def __init__(self) -> None:
        from importlib.metadata import packages_distributions

        folder = Path(values.__file__).parent
        self._paths = {_module_name(path.relative_to(folder)): path for path in folder.rglob("*.py")}
        self._sources: dict[str, bytes] = {}
        self._facts: dict[str, ModuleFact] = {}
        self._imported: dict[tuple[str, bool], frozenset[str]] = {}
        self._provided = packages_distributions()

    def reach(self, roots: Iterable[str]) -> dict[str, bool]:
        """The modules that ``roots`` import, and these, and so on; the packages around each with them.

        False stands for a package of which only its own loading counts.
        """
        found: dict[str, bool] = {}
        waiting = [(root, True) for root in roots]
        while waiting:
            name, whole = waiting.pop()
            if found.get(name) in {True, whole}:
                continue
            found[name] = whole
            parts = name.split(".")
            waiting += [(".".join(parts[:count]), False) for count in range(1, len(parts))]
            waiting += [(one, True) for one in self._imports(name, whole=whole) if one in self._paths]
        return found

    def foreign(self, modules: Mapping[str, bool]) -> frozenset[str]:
        """The packages that are neither ours nor Python's, which ``modules`` import."""
        names = {
            one.partition(".")[0]
            for module, whole in modules.items()
            for one in (*self._imports(module, whole=whole), DYNAMIC.get(module, ""))
        }
        return frozenset(names - sys.stdlib_module_names - {"vxsec", ""})

    def fact(self, module: str) -> ModuleFact:
        """Its lines, counted."""
        if module not in self._facts:
            self._facts[module] = _count(module, self._source(module))
        return self._facts[module]

    def distribution(self, package: str) -> str:
        """The normal name of what provides a package; the package's own where nothing here does."""
        from packaging.utils import canonicalize_name

        return canonicalize_name(self._provided.get(package, [package])[0])

    def version(self, distribution: str) -> str | None:
        """What is installed here; None where nothing is."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version(distribution)
        except PackageNotFoundError:
            return None

    def required(self, distributions: Iterable[str]) -> frozenset[str]:
        """These distributions and those that they require here, extras left out."""
        found: set[str] = set()
        waiting = list(distributions)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += _requirements(name)
        return frozenset(found)

    def _imports(self, module: str, *, whole: bool) -> frozenset[str]:
        if (module, whole) not in self._imported:
            statements = _import_statements(ast.parse(self._source(module)), whole=whole)
            self._imported[module, whole] = frozenset(one for node in statements for one in self._named(node))
        return self._imported[module, whole]

    def _named(self, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
        """What a statement imports: a module of ours that it takes from its package, else what it takes names from."""
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
            return
        for alias in node.names:
            member = f"{node.module}.{alias.name}"
            yield member if member in self._paths else node.module or ""

    def _source(self, module: str) -> bytes:
        if module not in self._sources:
            self._sources[module] = read_bounded(self._paths[module], max_bytes=DEFAULT_LIMITS.small_file_bytes)
        return self._sources[module]


def _module_name(path: Path) -> str:
    parts = ("vxsec", *path.with_suffix("").parts)
    return ".".join(part for part in parts if part != "__init__")


def _import_statements(node: ast.AST, *, whole: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """Those that can run; without ``whole`` only those that run when the module is loaded."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            yield from _import_statements(ast.Module(body=child.orelse, type_ignores=[]), whole=whole)
        elif whole or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _import_statements(child, whole=whole)


def _count(module: str, source: bytes) -> ModuleFact:
    used = set(_lines_of_tokens(source))
    documented = set(_lines_of_docstrings(ast.parse(source)))
    return ModuleFact(
        name=module,
        lines=len(source.splitlines()),
        source_lines=len(used),
        code_lines=len(used - documented),
    )


def _lines_of_tokens(source: bytes) -> Iterator[int]:
    silent = {
        tokenize.COMMENT,
        tokenize.DEDENT,
        tokenize.ENCODING,
        tokenize.ENDMARKER,
        tokenize.INDENT,
        tokenize.NEWLINE,
        tokenize.NL,
    }
    for token in tokenize.tokenize(io.BytesIO(source).readline):
        if token.type not in silent:
            yield from range(token.start[0], token.end[0] + 1)


def _lines_of_docstrings(tree: ast.Module) -> Iterator[int]:
    """Texts that stand by themselves: of modules, classes and functions, and those below a name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _requirements(distribution: str) -> Iterator[str]:
    from importlib.metadata import PackageNotFoundError, requires

    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    try:
        listed = requires(distribution) or []
    except PackageNotFoundError:
        return
    for one in map(Requirement, listed):
        if one.marker is None or one.marker.evaluate({"extra": ""}):
            yield canonicalize_name(one.name)

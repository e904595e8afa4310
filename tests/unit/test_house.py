"""The architecture, held by reading the source: what import contracts and lint cannot say.

Everything is read from the installed package, so the same tests hold the checkout and the built wheel.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import vxsec

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(vxsec.__file__).parent
MAX_LINES = 400
PURE_ROOMS = (
    "errors",
    "limits",
    "model",
    "versions",
    "formats",
    "inspection",
    "sbom",
    "verification",
    "policy",
    "report",
)
HEAVY = (
    "click",
    "cryptography",
    "yaml",
    "nacl",
    "urllib3",
    "sigstore",
    "cyclonedx",
    "gnupg",
    "tuf",
    "pydantic",
    "requests",
)
VERIFIED_TYPES = frozenset(
    {"VerifiedRole", "VerifiedTrust", "VerifiedStatement", "VerifiedBlob", "VerifiedSignature", "VerifiedNpmSignatures"}
)


@dataclass(frozen=True)
class Module:
    """One source file of the package."""

    name: str
    path: Path

    @property
    def room(self) -> str:
        """The part after ``vxsec``, or nothing for the facade itself."""
        return self.name.split(".")[1] if "." in self.name else ""

    @property
    def source(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def tree(self) -> ast.Module:
        return _parse(self.path)


@cache
def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _modules() -> Iterator[Module]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = ("vxsec", *path.relative_to(PACKAGE).with_suffix("").parts)
        yield Module(name=".".join(part for part in parts if part != "__init__"), path=path)


MODULES = tuple(_modules())
every_module = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
every_pure_module = pytest.mark.parametrize(
    "module", [module for module in MODULES if module.room in PURE_ROOMS], ids=lambda module: module.name
)


def _dotted(node: ast.expr) -> str:
    """``a.b.c`` for a plain chain of names, nothing for anything else; far faster than ``ast.unparse``."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join(reversed([*parts, node.id])) if isinstance(node, ast.Name) else ""


def _called(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the dotted name it is made by: ``open``, ``sys.exit``, ``dataclasses.replace``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield _dotted(node.func), node


# -- what only verification may conclude -------------------------------------------------------------------------------


def _offers(tree: ast.Module) -> list[str]:
    """Where a verified value could come from: its constructor, called or handed on, or ``replace`` on a value."""
    found = []
    annotations = _annotation_nodes(tree)
    for node in ast.walk(tree):
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        if name in VERIFIED_TYPES and id(node) not in annotations:
            found.append(f"line {node.lineno}: {name}")  # type: ignore[attr-defined]  # Name and Attribute both have it
        if name in {"__new__", "construct", "model_construct"}:
            found.append(f"line {node.lineno}: {name}")  # type: ignore[attr-defined]  # likewise
    return found


def _annotation_nodes(tree: ast.Module) -> set[int]:
    """Nodes inside annotations and ``isinstance`` checks: naming a type there makes no value."""
    roots: list[ast.AST | None] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            roots.append(node.returns)
        elif isinstance(node, ast.arg | ast.AnnAssign):
            roots.append(node.annotation)
        elif isinstance(node, ast.Call) and _dotted(node.func) == "isinstance":
            roots.append(node.args[1])
        elif isinstance(node, ast.MatchClass):
            roots.append(node.cls)
    return {id(child) for root in roots if root is not None for child in ast.walk(root)}


def _replaces(tree: ast.Module) -> list[str]:
    """Calls of ``replace`` that can make a dataclass: by name, by module, or the method of 3.13."""
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in {"dataclasses", "copy"}
        for alias in node.names
        if alias.name in {"replace", "copy", "deepcopy"}
    }
    made = imported | {"dataclasses.replace", "copy.replace", "copy.copy", "copy.deepcopy", "object.__setattr__"}
    return [f"line {call.lineno}: {name}" for name, call in _called(tree) if name in made]


@every_module
def test_only_verification_makes_a_verified_value(module: Module) -> None:
    if module.room == "verification" or module.name == "vxsec.model.verified":
        return
    assert _offers(module.tree) == []


@every_module
def test_no_module_that_sees_verified_values_can_replace_fields_of_one(module: Module) -> None:
    if module.room == "verification" or not any(word in module.source for word in VERIFIED_TYPES):
        return
    assert _replaces(module.tree) == []


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("VerifiedBlob(sha256='', spki=b'')", id="the constructor is called"),
        pytest.param(
            "verified.VerifiedStatement(statement=s, spki=k)", id="the constructor is called through its module"
        ),
        pytest.param("make = VerifiedStatement", id="the constructor is handed on under another name"),
        pytest.param("map(VerifiedStatement, rows)", id="the constructor is handed to another function"),
        pytest.param("object.__new__(kind)", id="a value is made without its constructor"),
    ],
)
def test_the_check_sees_a_verified_value_made_elsewhere(source: str) -> None:
    assert _offers(ast.parse(source)) != []


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("from dataclasses import replace as r\nr(x, spki=b'')", id="replace under another name"),
        pytest.param("import dataclasses\ndataclasses.replace(x, spki=b'')", id="replace through its module"),
        pytest.param("object.__setattr__(x, 'spki', b'')", id="a frozen field is set"),
    ],
)
def test_the_check_sees_a_verified_value_replaced(source: str) -> None:
    assert _replaces(ast.parse(source)) != []


def test_naming_a_verified_type_in_an_annotation_is_allowed() -> None:
    source = "def f(x: VerifiedBlob) -> list[VerifiedStatement]:\n    y: VerifiedBlob = x\n    return isinstance(y, VerifiedBlob)"
    assert _offers(ast.parse(source)) == []


# -- names -------------------------------------------------------------------------------------------------------------


def _exported(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            value = ast.literal_eval(node.value)  # type: ignore[attr-defined]  # both kinds of assignment have it
            return list(value)
    return None


def _defined(tree: ast.Module) -> set[str]:
    """The public names a module makes itself: classes, functions and assigned names."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if not _is_subcommand(node):
                names.add(node.name)
        else:
            targets = (
                node.targets
                if isinstance(node, ast.Assign)
                else [node.target]
                if isinstance(node, ast.AnnAssign)
                else []
            )
            names.update(child.id for target in targets for child in ast.walk(target) if isinstance(child, ast.Name))
    return {name for name in names if not name.startswith("_")}


def _is_subcommand(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a click group takes the function as one of its commands, by which alone it is reached."""
    return any(ast.unparse(decorator).startswith("command.command(") for decorator in node.decorator_list)


@every_module
def test_all_names_exactly_what_the_module_offers(module: Module) -> None:
    body = module.tree.body
    exported = _exported(module.tree)
    if exported is None:
        assert [node for node in body if not isinstance(node, ast.Expr)] == [], "a module with code needs __all__"
        return
    assert len(set(exported)) == len(exported)
    missing = _defined(module.tree) - set(exported)
    # A type variable is part of how a signature is written, not of what a module offers.
    missing -= {name for name in missing if re.fullmatch(r"[A-Z][A-Za-z]?(_co|_contra)?", name)}
    assert sorted(missing) == []
    loaded = importlib.import_module(module.name)
    assert [name for name in exported if not hasattr(loaded, name)] == []


def test_no_name_of_the_facade_is_the_name_of_a_room() -> None:
    rooms = {found.name for found in pkgutil.iter_modules(vxsec.__path__)}
    assert sorted(set(vxsec.__all__) & rooms) == []


def test_importing_every_module_leaves_the_names_of_the_facade_alone() -> None:
    before = {name: getattr(vxsec, name) for name in vxsec.__all__}
    for module in MODULES:
        if module.path.stem != "__main__":
            importlib.import_module(module.name)
    after = {name: getattr(vxsec, name) for name in vxsec.__all__}
    assert {name for name in before if after[name] is not before[name]} == set()


# -- what pure rooms and the rest may do -------------------------------------------------------------------------------

IMPURE_CALLS = frozenset({"open", "print", "input", "exec", "eval", "compile", "breakpoint", "__import__"})
IMPURE_NAMES = re.compile(r"\b(os\.environ|os\.getenv|sys\.(stdin|stdout|stderr|argv)|importlib\.resources)\b")


@every_pure_module
def test_a_pure_room_neither_opens_prints_reads_nor_runs_anything(module: Module) -> None:
    if module.name.startswith("vxsec.policy.shipped"):
        return
    calls = [f"line {call.lineno}: {name}" for name, call in _called(module.tree) if name in IMPURE_CALLS]
    names = [
        f"line {node.lineno}: {_dotted(node)}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and IMPURE_NAMES.fullmatch(_dotted(node))
    ]
    assert calls + names == []


@every_module
def test_only_the_command_line_prints_or_exits(module: Module) -> None:
    if module.room == "cli":
        return
    forbidden = {"print", "sys.exit", "exit", "quit", "os._exit", "click.echo", "breakpoint", "input"}
    raised = [
        f"line {node.lineno}: raise SystemExit"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Raise) and node.exc is not None and ast.unparse(node.exc).startswith("SystemExit")
    ]
    assert [f"line {call.lineno}: {name}" for name, call in _called(module.tree) if name in forbidden] + raised == []


@every_module
def test_nothing_runs_text_as_code_or_reads_pickles(module: Module) -> None:
    forbidden = {"eval", "exec", "pickle.loads", "pickle.load", "marshal.loads", "os.system", "os.popen"}
    assert [name for name, _ in _called(module.tree) if name in forbidden] == []
    shells = [call for _, call in _called(module.tree) for keyword in call.keywords if keyword.arg == "shell"]
    assert shells == []


# -- size and exceptions to rules --------------------------------------------------------------------------------------


@every_module
def test_a_file_stays_short_enough_to_read(module: Module) -> None:
    assert len(module.source.splitlines()) <= MAX_LINES


# A late import always has the same reason: heavy libraries are loaded where they are needed.
SELF_EXPLAINING = {": PLC0415"}
EXEMPTION = re.compile(r"#\s*(noqa|type:\s*ignore|pragma:|fmt:)(?P<rest>.*)$")
REASON = re.compile(r"( - |  # |: .* - ).{8,}")


@every_module
def test_every_exception_to_a_rule_is_narrow_and_has_its_reason_beside_it(module: Module) -> None:
    bare = []
    for number, line in enumerate(module.source.splitlines(), 1):
        found = EXEMPTION.search(line)
        if found is None or found["rest"].rstrip() in SELF_EXPLAINING:
            continue
        narrow = found["rest"].startswith((":", "[")) or found[1].startswith(("pragma", "fmt"))
        if not narrow or not REASON.search(found["rest"]):
            bare.append(f"line {number}: {found[0]}")
    assert bare == []


# -- start-up ----------------------------------------------------------------------------------------------------------

NEVER_AT_IMPORT = frozenset({"sigstore", "cyclonedx", "gnupg", "tuf", "pydantic", "requests"})
LIGHT_ROOMS = frozenset({"errors", "limits", "model", "versions", "inspection", "policy", "report", ""})
NAMES = frozenset(module.name for module in MODULES)


def _runs_at_import(body: list[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """The import statements that run when the module is loaded: not those in functions or for type checkers."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and _dotted(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
            yield from _runs_at_import(node.orelse)
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.ClassDef):
            for part in ("body", "orelse", "finalbody", "handlers"):
                for child in getattr(node, part, []):
                    yield from _runs_at_import(child.body if isinstance(child, ast.ExceptHandler) else [child])


@cache
def _imported(path: Path) -> frozenset[str]:
    names: set[str] = set()
    for node in _runs_at_import(_parse(path).body):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        else:
            assert node.module is not None
            members = {f"{node.module}.{alias.name}" for alias in node.names}
            names.update(members & NAMES or {node.module})
    return frozenset(names)


PATHS = {module.name: module.path for module in MODULES}


def _loaded_by(name: str) -> frozenset[str]:
    """Everything that importing ``name`` loads: what it imports, the packages around that, and so on."""
    loaded: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current in loaded:
            continue
        loaded.add(current)
        parts = current.split(".")
        waiting.extend(".".join(parts[:count]) for count in range(1, len(parts)))
        if current in PATHS:
            waiting.extend(_imported(PATHS[current]))
    return frozenset(loaded)


@every_module
def test_importing_a_module_loads_only_what_its_room_may(module: Module) -> None:
    if module.room == "cli":
        banned = frozenset(HEAVY) - {"click"}
    else:
        banned = frozenset(HEAVY) if module.room in LIGHT_ROOMS else NEVER_AT_IMPORT
    assert sorted(banned & _loaded_by(module.name)) == []


def test_modules_import_each_other_without_a_circle() -> None:
    left = {
        name: {other for other in _imported(path) if other in PATHS and other != name} for name, path in PATHS.items()
    }
    while ready := {name for name, needs in left.items() if not needs & left.keys()}:
        for name in ready:
            del left[name]
    assert sorted(left) == []


def test_importing_vxsec_and_its_command_line_loads_nothing_heavy_when_it_really_runs() -> None:
    program = "import sys, vxsec\nprint(*sys.modules)\nimport vxsec.cli.root\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    facade, command_line = (set(line.split()) for line in done.stdout.splitlines())
    assert sorted(facade & set(HEAVY)) == []
    assert sorted(command_line & set(HEAVY)) == ["click"]

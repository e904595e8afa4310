"""The trusted base is counted, not estimated: each number is derived here in another way."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import vxsec
from vxsec.model.report.trusted_base import DistributionFact, ModuleFact, TrustedBasePart, TrustedBaseReport
from vxsec.report.trusted_base import render_trusted_base, trusted_base_document
from vxsec.usecases.doctor import trusted_base
from vxsec.usecases.doctor.trusted_base import DYNAMIC, PARTS, measure_trusted_base

FOLDER = Path(vxsec.__path__[0])


@pytest.fixture(scope="module")
def report() -> TrustedBaseReport:
    return measure_trusted_base()


def _path(module: str) -> Path:
    path = FOLDER.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def test_every_kind_is_counted_from_what_it_starts_from(report: TrustedBaseReport) -> None:
    assert {part.name: part.roots for part in report.parts} == PARTS
    for part in report.parts:
        assert set(part.roots) <= {module.name for module in part.modules}
    assert {module for part in report.parts for module in part.modules} == set(report.whole.modules)


@pytest.mark.parametrize("name", sorted(PARTS))
def test_whatever_python_loads_of_ours_is_counted(name: str, report: TrustedBaseReport) -> None:
    """Import statements were followed: loading the roots loads nothing of ours that is not counted."""
    program = "import sys, importlib\nfor name in sys.argv[1:]: importlib.import_module(name)\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program, *PARTS[name]], capture_output=True, text=True, check=True)
    loaded = {one for one in done.stdout.split() if one.partition(".")[0] == "vxsec"}
    (part,) = (part for part in report.parts if part.name == name)
    assert loaded <= {module.name for module in part.modules}


def test_what_is_imported_late_is_counted_too(report: TrustedBaseReport) -> None:
    bundle = {module.name for module in report.parts[0].modules}
    assert {"vxsec.verification.certificate", "vxsec.verification.evidence", "vxsec.verification.timestamp"} <= bundle
    assert "rfc3161-client" in report.parts[0].distributions


@pytest.mark.parametrize(
    "room", ["cli", "usecases", "signing", "registry", "policy", "scanning", "testing", "demo", "report"]
)
def test_no_room_that_verifies_nothing_is_reached(room: str, report: TrustedBaseReport) -> None:
    assert [one.name for one in report.whole.modules if one.name.startswith(f"vxsec.{room}")] == []


def test_the_verifier_reaches_neither_sigstore_nor_tuf_nor_a_network_library(report: TrustedBaseReport) -> None:
    names = {fact.name for fact in report.distributions}
    assert names & {"sigstore", "tuf", "securesystemslib", "pydantic", "requests", "urllib3", "click"} == set()
    assert {fact.name for fact in report.distributions if fact.imported} == {
        "cryptography",
        "pysequoia",
        "pyyaml",
        "rfc3161-client",
    }


def test_the_lines_are_those_of_the_files(report: TrustedBaseReport) -> None:
    for module in report.whole.modules:
        text = _path(module.name).read_text(encoding="utf-8")
        assert module.lines == len(text.splitlines()), module.name
        plain = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        blank = sum(1 for line in _documented(text) if not line.strip())  # blank lines of texts count as source
        assert abs(module.source_lines - len(plain)) <= blank, module.name
        assert module.code_lines <= module.source_lines
    assert report.whole.lines == sum(module.lines for module in report.whole.modules)


def _documented(text: str) -> list[str]:
    lines = text.splitlines()
    found = [
        node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return [line for node in found for line in lines[node.lineno - 1 : node.end_lineno]]


def test_lines_are_told_apart() -> None:
    source = b'"""Two lines\n\nand a blank one."""\n\n# a comment\nx = 1  # code\n\n\ndef f():\n    """One."""\n    return (\n        x\n    )\n'
    counted = trusted_base._count("x", source)
    assert (counted.lines, counted.source_lines, counted.code_lines) == (13, 9, 5)


def test_only_the_modules_that_are_named_import_by_name(report: TrustedBaseReport) -> None:
    found = {
        module.name
        for module in report.whole.modules
        for node in ast.walk(ast.parse(_path(module.name).read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"importlib.import_module", "__import__"}
    }
    assert found == set(DYNAMIC)
    for module, package in DYNAMIC.items():
        assert f'"{package}"' in _path(module).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("source", "whole", "loading"),
    [
        pytest.param("import a", ["a"], ["a"], id="at the top"),
        pytest.param("def f():\n    import a", ["a"], [], id="in a function"),
        pytest.param("class C:\n    import a", ["a"], ["a"], id="in a class"),
        pytest.param("if TYPE_CHECKING:\n    import a\nelse:\n    import b", ["b"], ["b"], id="for type checkers"),
        pytest.param(
            "try:\n    import a\nexcept ImportError:\n    import b", ["a", "b"], ["a", "b"], id="one or the other"
        ),
    ],
)
def test_an_import_counts_where_it_can_run(source: str, whole: list[str], loading: list[str]) -> None:
    def names(*, everything: bool) -> list[str]:
        return [node.names[0].name for node in trusted_base._import_statements(ast.parse(source), whole=everything)]

    assert names(everything=True) == whole
    assert names(everything=False) == loading


def test_what_is_not_installed_is_named_by_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trusted_base, "DYNAMIC", {"vxsec.verification.sequoia": "no_such_package"})
    found = {fact.name: fact.version for fact in measure_trusted_base().distributions}
    assert found["no-such-package"] is None
    assert found["cryptography"] is not None


def _small() -> TrustedBaseReport:
    part = TrustedBasePart(
        name="ssh",
        roots=("vxsec.verification.sshsig",),
        modules=(ModuleFact(name="vxsec.verification.sshsig", lines=1200, source_lines=1100, code_lines=900),),
        distributions=("cffi", "cryptography"),
    )
    return TrustedBaseReport(
        parts=(part,),
        whole=replace(part, name="all"),
        distributions=(
            DistributionFact(name="cffi", version=None, imported=False),
            DistributionFact(name="cryptography", version="50", imported=True),
        ),
    )


def test_a_person_reads_a_table() -> None:
    assert list(render_trusted_base(_small())) == [
        "kind     modules   lines  source    code  distributions",
        "ssh            1   1,200   1,100     900  cffi, cryptography",
        "all            1   1,200   1,100     900  cffi, cryptography",
        "",
        "cffi (not installed)  required by one of them",
        "cryptography 50  imported",
    ]
    assert list(render_trusted_base(_small(), verbose=True))[-1] == "   900  vxsec.verification.sshsig"


def test_a_machine_reads_the_modules_too() -> None:
    document = trusted_base_document(_small())
    assert document["exitStatus"] == 0
    assert document["whole"] == {
        "name": "all",
        "roots": ["vxsec.verification.sshsig"],
        "lines": 1200,
        "sourceLines": 1100,
        "codeLines": 900,
        "modules": [{"name": "vxsec.verification.sshsig", "lines": 1200, "sourceLines": 1100, "codeLines": 900}],
        "distributions": ["cffi", "cryptography"],
    }

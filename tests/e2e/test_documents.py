"""What the documents say is so: every command is run, every example is loaded, every generated page is the code's."""

from __future__ import annotations

import ast
import re
import runpy
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.reader import FILL, PACK, PUBLISHED_WITHOUT_VXSEC, ROOT, SET_UP, Reader, blocks, demo_tarball, osv_mirror
from support.verdaccio import running_verdaccio
from vxsec import verification
from vxsec.cli.root import root
from vxsec.policy.document import parse_policy
from vxsec.policy.rules import BUILTIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.node_tools import NodeTools
    from vxsec.policy.rule import Rule

REFERENCE = runpy.run_path(str(ROOT / ".ci" / "reference.py"))
PAGES = (
    "cli.md",
    "exit-codes-and-errors.md",
    "policy.md",
    "rules.md",
    "schemas.md",
    "verification-checks.md",
)


@cache
def pages() -> dict[str, str]:
    """The reference as the code says it now."""
    made: dict[str, str] = REFERENCE["pages"]()
    return made


@pytest.fixture
def reader(node_tools: NodeTools, tmp_path: Path) -> Iterator[Reader]:
    """A reader with an empty folder and an empty registry: every page publishes the same packages."""
    (tmp_path / "verdaccio").mkdir()
    with running_verdaccio(node_tools, tmp_path / "verdaccio") as registry, osv_mirror(tmp_path / "mirror") as mirror:
        yield Reader.at(tmp_path, node_tools, registry, mirror=mirror)


# -- the tutorial, the how-tos, the README -------------------------------------------------------------------------------


@pytest.mark.node
@pytest.mark.verdaccio
def test_the_tutorial_works_as_written(reader: Reader) -> None:
    said = reader.follow("docs/tutorial/first-gated-publish.md")
    assert "4 verified + 0 allowed unsigned + 1 local + 0 failed + 0 not evaluated" in said
    assert said.count("already-live") == 4
    assert "it works" in said
    assert reader.token not in said
    assert len((reader.folder / "shop" / "decisions.jsonl").read_bytes().splitlines()) == 1


@pytest.mark.node
@pytest.mark.verdaccio
def test_a_hook_is_no_gate_and_the_evidence_is(reader: Reader) -> None:
    said = reader.follow("docs/how-to/hooks.md", before=SET_UP)
    assert "publish with: vxsec publish" in said
    assert "+ @vextrus/kernel@1.0.0" in said
    assert "[signature.none]" in said


@pytest.mark.node
@pytest.mark.verdaccio
def test_an_existing_registry_is_adopted_step_by_step(reader: Reader) -> None:
    said = reader.follow("docs/how-to/adopt-on-an-existing-registry.md", before=PUBLISHED_WITHOUT_VXSEC)
    assert re.search(r"\d+ +fail signature\.threshold \[signature\.none\] +NOT ENFORCED", said)
    assert said.count("already-live") == 4
    assert "4 verified + 0 allowed unsigned + 1 local + 0 failed + 0 not evaluated" in said


@pytest.mark.node
@pytest.mark.verdaccio
def test_ci_stops_before_the_approval_and_publishes_after_it(reader: Reader) -> None:
    said = reader.follow(
        "docs/how-to/gate-an-npm-publish-in-ci.md", before=SET_UP + 'export CI_KEY="$(cat vxsec/ci.key)"\n' + FILL
    )
    assert "DENIED: 4 of 4 packages" in said
    assert said.count("published  @vextrus/") == 4


def test_the_workflow_runs_the_scripts_of_its_page_and_pins_every_action() -> None:
    page = "docs/how-to/gate-an-npm-publish-in-ci.md"
    (workflow,) = blocks(page, "yaml")
    written = set(re.findall(r"^cat > (ci/\w+\.sh) <<'EOF'$", "".join(blocks(page, "sh")), re.MULTILINE))
    commands = re.findall(r"run: (.*)", workflow)
    assert {command.removeprefix("bash ") for command in commands if command.startswith("bash ")} == written
    assert all(command.startswith(("bash ci/", "npm ci", "python -m pip", "vxsec db update")) for command in commands)
    used = re.findall(r"uses:\s*(\S+)(.*)", workflow)
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) and re.search(r"# v\d", note) for action, note in used)
    assert re.search(r"^permissions: \{\}$", workflow, re.MULTILINE)
    assert workflow.count("actions/checkout@") == workflow.count("persist-credentials: false")
    assert "${{" not in " ".join(commands)


@pytest.mark.node
@pytest.mark.verdaccio
def test_an_sbom_is_made_checked_attached_and_read(reader: Reader) -> None:
    said = reader.follow("docs/how-to/attach-and-read-an-sbom.md", before=SET_UP + PACK)
    assert "flowchart" in said or "graph " in said
    assert (reader.folder / "shop" / "graph.svg").read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.node
@pytest.mark.verdaccio
def test_scanning_needs_no_connection_and_never_calls_old_data_clean(reader: Reader) -> None:
    said = reader.follow("docs/how-to/scan-offline.md")
    assert "GHSA-aaaa-bbbb-cccc" in said
    assert '"2.1.0"' in (reader.folder / "scan.sarif").read_text(encoding="utf-8")


@pytest.mark.node
@pytest.mark.verdaccio
def test_doctor_finds_a_repository_in_order_that_was_just_set_up(reader: Reader) -> None:
    said = reader.follow("docs/how-to/doctor.md", before=SET_UP + FILL, shows=False)
    assert "0 problems" in said


def test_every_page_with_commands_has_a_test_that_runs_them() -> None:
    pages_with_commands = {
        str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md") if "```sh\n" in path.read_text("utf-8")
    }
    followed = set(re.findall(r'"(docs/[\w/-]+\.md)"', Path(__file__).read_text(encoding="utf-8")))
    assert pages_with_commands <= followed


@pytest.mark.node
@pytest.mark.verdaccio
def test_the_comparison_can_be_repeated(reader: Reader) -> None:
    before = SET_UP + PACK + 'export TARBALL="$PWD/dist/vextrus-kernel-1.0.0.tgz"\n'
    said = reader.follow("docs/explanation/comparison.md", before=before)
    assert "npm: two runs differ" in said
    assert "vxsec: two runs are the same" in said


def test_the_program_of_the_library_page_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kernel-1.0.0.tgz").write_bytes(demo_tarball("kernel").read_bytes())
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    program = "".join(blocks("docs/how-to/use-as-a-library.md", "python"))
    exec(compile(program, "use-as-a-library.md", "exec"), {})  # noqa: S102 - our own page


def test_the_example_in_the_readme_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = blocks("README.md", "python")
    assert len([line for line in example.splitlines() if line.strip()]) <= 12
    (tmp_path / "kernel-1.0.0.tgz").write_bytes(demo_tarball("kernel").read_bytes())
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102 - our own page


# -- the reference -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_page_is_what_the_code_says(name: str) -> None:
    assert (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8") == pages()[name], "run: make docs"


@pytest.mark.parametrize("rule", BUILTIN, ids=lambda rule: str(rule.id))
def test_the_example_of_a_rule_loads(rule: Rule[Any]) -> None:
    example = REFERENCE["example_of"](rule)
    assert f"## {rule.id}\n" in pages()["rules.md"]
    assert f"```yaml\n{example}\n```" in pages()["rules.md"]
    phases = ", ".join(sorted(rule.phases))
    policy = f"""\
apiVersion: vxsec/policy/v1
kind: Policy
metadata: {{name: example, version: 1}}
scopes:
  - id: example
    match: {{ecosystem: {min(rule.ecosystems)}}}
    phases: [{phases}]
    rules:
      {example}
"""
    loaded = parse_policy(policy.encode(), source="example.yaml")
    assert [use.rule for use in loaded.scopes[0].rules] == [rule]


def test_every_page_of_the_reference_is_held() -> None:
    assert set(pages()) == set(PAGES)
    written = {path.name for path in (ROOT / "docs" / "reference").glob("*.md")}
    assert written == {*PAGES, "README.md"}


def test_every_reason_that_verification_gives_is_listed() -> None:
    page = pages()["verification-checks.md"]
    found: set[str] = set()
    for path in sorted(Path(verification.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Constant):
                found.add(str(node.value.value))
    assert len(found) > 50
    assert {code for code in found if f"`{code}`" not in page and not code.startswith("registry.")} == set()


def test_an_example_is_kept_for_rules_that_are_there() -> None:
    assert set(REFERENCE["EXAMPLES"]) <= {rule.id for rule in BUILTIN}


def test_the_readme_and_the_help_have_the_reference_table_of_exit_codes() -> None:
    codes = REFERENCE["EXIT_CODES"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "\n".join(f"| {code} | {meaning} |" for code, meaning in codes) in readme
    assert root.epilog is not None
    said = re.findall(r"(?<![\d/])(\d+(?:/\d+)?) ", root.epilog)
    assert said == [code.replace(", ", "/") for code, _ in codes]

"""What the documents say is so: every command is run, every example is loaded, every generated page is the code's."""

from __future__ import annotations

import ast
import re
import runpy
import shlex
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest

from support.gpg_kit import has_gpg
from support.reader import (
    ALONE,
    FILL,
    PACK,
    PUBLISHED_BY_REPOSITORY,
    PUBLISHED_WITHOUT_VXSEC,
    REPOSITORY,
    ROOT,
    SET_UP,
    Reader,
    blocks,
    demo_tarball,
    osv_mirror,
)
from support.verdaccio import running_verdaccio
from vxsec import verification
from vxsec.cli.root import root
from vxsec.formats.public_key import render_public_key
from vxsec.formats.trust_document import parse_trust_document
from vxsec.policy.document import parse_policy
from vxsec.policy.rules import BUILTIN
from vxsec.signing.key import KeySigner, generate_pkcs8
from vxsec.testing.sigstore import SigstoreInstance

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
    "trust-document.md",
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


@pytest.fixture
def alone() -> Iterator[Reader]:
    """A reader without npm and registry, in a folder with a short name, because an agent's socket is in it."""
    folder = Path(tempfile.mkdtemp(prefix="rd"))
    try:
        yield Reader.alone(folder)
    finally:
        if has_gpg():
            gpg = ["gpgconf", "--homedir", str(folder / "home" / ".gnupg"), "--kill", "all"]
            subprocess.run(gpg, capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


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


@pytest.mark.node
@pytest.mark.verdaccio
def test_after_a_compromise_what_the_key_signed_is_refused_and_signed_again(reader: Reader) -> None:
    said = reader.follow(
        "docs/how-to/when-a-key-was-compromised.md", before=SET_UP + PACK + FILL + PUBLISHED_BY_REPOSITORY
    )
    work = reader.folder / "shop"
    assert len((work / "signed-with-it.txt").read_text(encoding="utf-8").splitlines()) == 4
    assert said.count("already live, reading back") == 2


@pytest.mark.node
@pytest.mark.verdaccio
def test_a_proxy_serves_the_signatures_that_verdaccio_does_not(reader: Reader) -> None:
    before = SET_UP + PACK + "npm publish --workspaces\n"
    said = reader.follow("docs/how-to/sign-as-a-registry.md", before=before, shows=False)
    assert "404" in said
    assert "by registry-key (registry signature)" in said


def test_a_trust_repository_is_set_up(alone: Reader) -> None:
    said = alone.follow("docs/how-to/set-up-a-trust-repository.md", before=ALONE)
    assert "nobody and nothing gained or lost anything" in said
    assert "whole and fresh; 0 findings" in said


def test_a_signing_key_is_rotated(alone: Reader) -> None:
    said = alone.follow("docs/how-to/rotate-a-signing-key.md", before=ALONE)
    assert "not counted [key.revoked]" in said
    assert "whole and fresh" in said


def test_a_machine_is_configured(alone: Reader) -> None:
    alone.follow("docs/how-to/configure-a-machine.md", before=ALONE + REPOSITORY)


def test_a_site_without_a_connection_verifies(alone: Reader) -> None:
    said = alone.follow("docs/how-to/verify-without-a-connection.md", before=ALONE + REPOSITORY)
    assert "ALLOWED: 4 packages" in said


@pytest.mark.skipif(not has_gpg(), reason="gpg is not installed")
def test_a_person_approves_with_gpg(alone: Reader) -> None:
    said = alone.follow("docs/how-to/approve-with-gpg.md", before=ALONE)
    assert "Good signature from" in said


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_a_person_approves_with_an_ssh_key(alone: Reader) -> None:
    said = alone.follow("docs/how-to/approve-with-an-ssh-key.md", before=ALONE, shows=False)
    assert 'Good "vxsec" signature for alice@example.test' in said


@pytest.mark.parametrize(
    "page",
    [
        "docs/how-to/sign-keyless-in-github-actions.md",
        "docs/how-to/use-a-private-sigstore-instance.md",
        "docs/how-to/verify-what-others-signed.md",
    ],
)
def test_the_program_of_a_page_about_identities_works(alone: Reader, page: str) -> None:
    assert alone.run_program(page)


@pytest.mark.parametrize(
    "page", sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "how-to").glob("*.md"))
)
def test_a_command_that_is_only_shown_could_be_typed(page: str) -> None:
    shown = "".join(blocks(page, "text")).replace(" \\\n", " ")
    commands = re.findall(r"^vxsec .*", shown, re.MULTILINE)
    commands += re.findall(r"run: (vxsec .*)", "".join(blocks(page, "yaml")))
    for command in commands:
        assert _refusal(command.replace("…", "FILE")) is None, command


def test_the_keyless_workflow_pins_its_actions_and_gives_the_token_to_one_job() -> None:
    (workflow, *_) = blocks("docs/how-to/sign-keyless-in-github-actions.md", "yaml")
    used = re.findall(r"uses:\s*(\S+)(.*)", workflow)
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) and re.search(r"# v\d", note) for action, note in used)
    assert re.search(r"^permissions: \{\}$", workflow, re.MULTILINE)
    assert workflow.count("id-token: write") == 1
    assert "${{" not in workflow


def _refusal(command: str) -> str | None:
    """Why the command line would not take it."""
    words = shlex.split(command)[1:]
    try:
        with click.Context(root, info_name="vxsec") as parent:
            name, chosen, rest = root.resolve_command(parent, words)
            while isinstance(chosen, click.Group) and rest and not rest[0].startswith("-"):
                name, chosen, rest = chosen.resolve_command(parent, rest)
            assert chosen is not None
            chosen.make_context(name, rest, parent=parent)
    except click.ClickException as error:
        return error.format_message()
    return None


def test_every_link_between_pages_leads_somewhere() -> None:
    broken = []
    for path in (*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")):
        text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for link in re.findall(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)", text):
            target = (path.parent / link[0]) if link[0] else path
            if not target.exists() or (link[1] and link[1] not in _anchors(target)):
                broken.append((str(path.relative_to(ROOT)), link))
    assert broken == []


def _anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


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


def test_the_example_of_a_trust_document_loads() -> None:
    (example,) = blocks("docs/reference/trust-document.md", "yaml")
    with SigstoreInstance() as instance:
        files = {"trusted_root.json": instance.trusted_root()}
    files |= {
        name: render_public_key(KeySigner(generate_pkcs8(), where=name).spki) for name in ("ci.pub", "registry.pub")
    }
    trust = parse_trust_document(example.encode(), source="trust.yaml", load_key=files.__getitem__)
    assert [key.id for key in trust.keys] == ["ci-2026", "alice-ssh", "registry-2026"]
    assert (len(trust.builders), len(trust.key_revocations), len(trust.identity_revocations)) == (1, 1, 1)


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

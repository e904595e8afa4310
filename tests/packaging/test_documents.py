"""What every committed file keeps to, and the documents a newcomer and a packager look for."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

import vxsec
from support.distributions import CHECKOUT
from vxsec.cli.root import COMMANDS
from vxsec.formats.strict_yaml import read_document

if TYPE_CHECKING:
    from pathlib import Path

HOSTS = ("npmjs" + ".org", "pythonhosted" + ".org", "pypi" + ".org", "deb.debian" + ".org")
# Names of predicate types, which are compared and never fetched: PEP 740 chose a page of its index's documentation.
IDENTIFIERS = ("https://docs." + HOSTS[2] + "/attestations/publish/v1",)
MACHINE_PATH = re.compile(r"(?<![\w./-])/(root|work|tmp/[a-z]+\.[A-Za-z0-9]+)(?=/|\b)")


def _committed() -> list[str]:
    if not (CHECKOUT / ".git").exists():
        pytest.skip("not a repository")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, check=True, capture_output=True, text=True)
    return [name for name in listed.stdout.split("\0") if name and (CHECKOUT / name).is_file()]


def _texts() -> list[tuple[str, str]]:
    texts = []
    for name in _committed():
        data = (CHECKOUT / name).read_bytes()
        if b"\0" not in data and not data.startswith(b"\x1f\x8b"):
            texts.append((name, data.decode("utf-8", "replace")))
    return texts


def _without_identifiers(text: str) -> str:
    for identifier in IDENTIFIERS:
        text = text.replace(identifier, "")
    return text


def test_no_file_names_a_public_registry_host() -> None:
    found = [f"{name}: {host}" for name, text in _texts() for host in HOSTS if host in _without_identifiers(text)]
    assert found == []


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    found = [f"{name}: {hit[0]}" for name, text in _texts() for hit in MACHINE_PATH.finditer(text)]
    assert found == []


PRIVATE_KEY = re.compile(r"-----BEGIN (EC |RSA |OPENSSH )?PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}")


def test_no_file_is_a_private_key() -> None:
    assert [name for name, text in _texts() if PRIVATE_KEY.search(text)] == []


def test_every_action_is_pinned_by_its_full_commit_and_nothing_is_permitted_by_default() -> None:
    workflows = sorted((CHECKOUT / ".github" / "workflows").glob("*.yml"))
    assert workflows != []
    for path in workflows:
        text = path.read_text(encoding="utf-8")
        used = re.findall(r"uses:\s*(\S+)(.*)", text)
        assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) and re.search(r"# v\d", note) for action, note in used)
        assert re.search(r"^permissions: \{\}$", text, re.MULTILINE)
        assert text.count("actions/checkout@") == text.count("persist-credentials: false")
        assert "pull_request_target" not in text
        assert "${{" not in " ".join(re.findall(r"run: (.*)", text)), "expressions belong in env, never in a script"


def test_the_hooks_for_pre_commit_run_commands_that_are_there_and_are_documented() -> None:
    hooks = read_document((CHECKOUT / ".pre-commit-hooks.yaml").read_bytes(), filename=".pre-commit-hooks.yaml")
    page = (CHECKOUT / "docs" / "how-to" / "hooks.md").read_text(encoding="utf-8")
    seen = []
    for hook in hooks.items():
        keys = dict(hook.members())
        assert set(keys) <= {
            "id", "name", "description", "entry", "args", "language", "files", "pass_filenames", "require_serial",
        }  # fmt: skip
        assert keys["language"].string() == "python"
        program, command = keys["entry"].string().split()
        assert program == "vxsec"
        assert command in COMMANDS
        assert re.search(keys["files"].string(), "package-lock.json")
        # Without the changed files' names a hook looks at the one that it names, so no other may set it off.
        passed = keys["pass_filenames"].boolean() if "pass_filenames" in keys else True
        assert bool(re.search(keys["files"].string(), "web/package-lock.json")) == passed
        assert not re.search(keys["files"].string(), "my-package-lock.json")
        assert f"`{keys['id'].string()}`" in page
        assert f"- id: {keys['id'].string()}" in page
        seen.append(keys["id"].string())
    assert seen == ["vxsec-inspect-lockfile", "vxsec-scan"]


def _links(text: str) -> list[str]:
    return [
        link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link and not link.startswith("mailto:")
    ]


def _anchors(text: str) -> set[str]:
    """What headings are called in a link, as GitHub derives it."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", sorted(CHECKOUT.glob("*.md")) + sorted((CHECKOUT / "docs").rglob("*.md")), ids=str)
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    missing = []
    for link in _links(path.read_text(encoding="utf-8")):
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        found = target.exists() and (not anchor or anchor in _anchors(target.read_text(encoding="utf-8")))
        missing += [] if found else [link]
    assert missing == []


def test_the_records_of_decisions_are_numbered_complete_and_listed() -> None:
    folder = CHECKOUT / "docs" / "adr"
    records = sorted(folder.glob("[0-9]*.md"))
    assert [path.name[:4] for path in records] == [f"{number:04d}" for number in range(1, len(records) + 1)]
    index = (folder / "README.md").read_text(encoding="utf-8")
    for path in records:
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"], path.name
        assert "- Against: " in text, f"{path.name}: a decision without a cost was not looked at"
        assert f"({path.name})" in index


def test_the_changelog_has_the_version_of_the_package() -> None:
    text = (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[({re.escape(vxsec.__version__)}|Unreleased)\]", text, re.MULTILINE)

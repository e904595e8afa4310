"""``vxsec doctor`` on broken machines: each fault is named with its code and its fix, no secret is shown, nothing is changed."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest

from support.doctor_kit import FIXTURES, PLANTED, Machine, install
from support.published_schemas import published_errors
from vxsec.cli.root import root
from vxsec.host.clock import utc_now
from vxsec.policy.shipped import load_shipped
from vxsec.usecases.database.maintain import import_database
from vxsec.usecases.doctor import examine as examine_machine
from vxsec.usecases.trust import check as trust_check

if TYPE_CHECKING:
    from e2e.conftest import Answer, Program, Vxsec

CASES = {path.parent.name: tomllib.loads(path.read_text("utf-8")) for path in sorted(FIXTURES.glob("*/case.toml"))}
WIDTH = 80
COMMANDS = ("npm ", "vxsec ", "git ", "chmod ", "sudo ", "@", "//", "/")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return install(tmp_path, monkeypatch)


def examine(vxsec_run: Vxsec, machine: Machine, *more: object, trust: bool = True) -> tuple[dict[str, Any], Answer]:
    """The JSON document and the text, after holding both to what is promised of every answer."""
    arguments = ["doctor", "--db", machine.home / "db", *(["--trust", "trust.yaml"] if trust else []), *more]
    before = snapshot(machine)
    as_json, text = vxsec_run(*arguments, "--json"), vxsec_run(*arguments, "-v")
    assert snapshot(machine) == before
    document: dict[str, Any] = as_json.json
    assert as_json.status == text.status == document["exitStatus"]
    assert as_json.err == text.err == ""
    assert published_errors(document) == []
    for said in (as_json.out, text.out):
        assert PLANTED not in said.lower()
        assert not re.search(r"czNjcjN0|M2NyM3|zM2NyM", said), "a secret in base64"
    for finding in document["findings"]:
        assert (finding["level"] == "ok") == (finding["fix"] is None) == (finding["expected"] is None), finding
        assert finding["code"] in text.out
    for line in text.out.splitlines():
        kept_whole = line.strip().startswith(COMMANDS) or len(line[11:].split()) == 1  # a command, or a long path
        assert len(line) <= WIDTH or kept_whole, line
    return document, text


def snapshot(machine: Machine) -> dict[str, tuple[int, bytes | None]]:
    return {
        str(path): (path.lstat().st_mode, path.read_bytes() if path.is_file() and os.access(path, os.R_OK) else None)
        for folder in (machine.home, machine.project)
        for path in sorted(folder.rglob("*"))
        if ".git" not in path.parts
    }


def the(document: dict[str, Any], code: str) -> dict[str, Any]:
    found = [item for item in document["findings"] if item["code"] == code]
    assert found, [item["code"] for item in document["findings"] if item["level"] != "ok"]
    assert len(found) == 1
    finding: dict[str, Any] = found[0]
    return finding


def faults(document: dict[str, Any]) -> list[str]:
    return [item["code"] for item in document["findings"] if item["level"] != "ok"]


# -- configurations ------------------------------------------------------------------------------------------------------


def test_a_healthy_machine_has_no_fault(vxsec_run: Vxsec, machine: Machine) -> None:
    document, text = examine(vxsec_run, machine, "--policy", "vxsec:minimal")
    assert (document["verdict"], faults(document)) == ("healthy", ["doctor.db-missing"])
    assert "@acme comes from https://registry.example.test/npm/" in " ".join(text.out.split())
    assert (document["counts"]["problem"], document["counts"]["unknown"]) == (0, 0)


@pytest.mark.parametrize("name", CASES)
def test_a_broken_configuration_is_named_with_its_fix(
    vxsec_run: Vxsec, machine: Machine, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    case = CASES[name]
    machine.lay(FIXTURES / name, remove=case.get("remove"))
    if not case.get("token", True):
        monkeypatch.delenv("NPM_TOKEN")
    policy = ["--policy", "policy.yaml"] if (machine.project / "policy.yaml").exists() else []
    at = ["--at", case["at"]] if "at" in case else []
    document, text = examine(vxsec_run, machine, *policy, *at)
    finding = the(document, case["code"])
    assert finding["level"] == case["level"]
    assert case["found"] in finding["found"]
    assert case["fix"] in finding["fix"]
    assert document["exitStatus"] == case["exit"]
    assert (document["asOf"] is None) == ("at" not in case)
    assert ("judged as of" in text.out) == ("at" in case)


def test_the_cases_are_many_and_most_of_them_are_problems() -> None:
    assert len(CASES) >= 40
    assert sum(case["level"] == "problem" for case in CASES.values()) * 2 > len(CASES)


def test_every_command_in_a_fix_is_one_that_can_be_typed(vxsec_run: Vxsec, machine: Machine) -> None:
    fixes: set[str] = {case["fix"] for case in CASES.values()}
    document, _ = examine(vxsec_run, machine, trust=False)
    fixes |= {item["fix"] for item in document["findings"] if item["fix"]}
    commands = {found[0] for fix in fixes for found in re.finditer(r"(?:(?<=^)|(?<=: ))vxsec [^;,()]*", fix)}
    assert len(commands) >= 3
    for command in commands:
        words = shlex.split(command)[1:]
        with click.Context(root, info_name="vxsec") as parent:
            name, chosen, rest = root.resolve_command(parent, words)
            while isinstance(chosen, click.Group) and (
                (rest and not rest[0].startswith("-")) or not chosen.invoke_without_command
            ):
                name, chosen, rest = chosen.resolve_command(parent, rest)
            assert chosen is not None
            chosen.make_context(name, rest, parent=parent)


# -- what needs a real file system, git or programs ----------------------------------------------------------------------


def test_a_private_key_that_others_can_read(vxsec_run: Vxsec, machine: Machine) -> None:
    key = machine.project / "ci.key"
    key.write_text("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n", encoding="utf-8")
    key.chmod(0o640)
    document, _ = examine(vxsec_run, machine)
    finding = the(document, "doctor.key-mode")
    assert (finding["level"], finding["fix"], document["exitStatus"]) == ("problem", "chmod 600 ci.key", 11)
    assert "0640" in finding["found"]
    key.chmod(0o600)
    assert the(examine(vxsec_run, machine)[0], "doctor.key-file")["level"] == "ok"


def test_a_private_key_without_a_password(vxsec_run: Vxsec, machine: Machine) -> None:
    key = machine.project / "vxsec" / "my ci.key"
    key.parent.mkdir()
    key.write_text("-----BEGIN PRIVATE KEY-----\n", encoding="utf-8")
    key.chmod(0o600)
    finding = the(examine(vxsec_run, machine)[0], "doctor.key-plain")
    assert (finding["level"], finding["fix"]) == (
        "warning",
        "make a new pair: vxsec keys generate 'vxsec/my ci-2'",
    )


def test_a_file_that_is_only_called_a_key_is_none(vxsec_run: Vxsec, machine: Machine) -> None:
    (machine.project / "license.key").write_text("1234-5678", encoding="utf-8")
    (machine.project / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n", encoding="utf-8")
    assert faults(examine(vxsec_run, machine)[0]) == ["doctor.db-missing"]


@pytest.mark.unprivileged
def test_a_key_that_this_user_may_not_read(vxsec_run: Vxsec, machine: Machine) -> None:
    key = machine.project / "ci.key"
    key.write_text("x", encoding="utf-8")
    key.chmod(0)
    finding = the(examine(vxsec_run, machine)[0], "doctor.key-unreadable")
    assert finding["fix"].endswith("sudo chown USER ci.key")


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.test"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_keys_and_tokens_that_git_tracks(vxsec_run: Vxsec, machine: Machine) -> None:
    (machine.project / "keys").mkdir()
    key = machine.project / "keys" / "ci.key"
    key.write_text("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n", encoding="utf-8")
    key.chmod(0o600)
    with (machine.project / ".npmrc").open("a", encoding="utf-8") as stream:
        stream.write(f"//other.example.test/:_authToken={PLANTED}\n")
    git(machine.project, "init", "-q")
    assert "doctor.token-in-project" in faults(examine(vxsec_run, machine)[0])
    git(machine.project, "add", "-A")
    document, _ = examine(vxsec_run, machine)
    assert the(document, "doctor.key-tracked")["fix"].endswith("take the file out: git rm --cached keys/ci.key")
    token = the(document, "doctor.token-tracked")
    assert (token["level"], token["where"]) == ("problem", ".npmrc")
    assert token["fix"].startswith("have the registry revoke it, and move the line to ~/.npmrc")
    assert document["exitStatus"] == 11


def test_a_repository_starts_no_program_of_its_own(vxsec_run: Vxsec, machine: Machine) -> None:
    git(machine.project, "init", "-q")
    hook = machine.program("hook", f"touch {machine.home}/ran")
    git(machine.project, "config", "core.fsmonitor", str(hook))
    (machine.project / "git").write_text(f"#!/bin/sh\ntouch {machine.home}/ran\n", encoding="utf-8")
    (machine.project / "git").chmod(0o755)
    os.environ["PATH"] = f".::{os.environ['PATH']}"
    examine(vxsec_run, machine)
    assert not (machine.home / "ran").exists()


def test_git_that_does_not_answer_leaves_it_open(vxsec_run: Vxsec, machine: Machine) -> None:
    machine.program("git", 'test "$1" = --version && echo git version 2.40.0 && exit 0\necho broken >&2; exit 128')
    document, text = examine(vxsec_run, machine)
    finding = the(document, "doctor.git-silent")
    assert (finding["level"], document["verdict"], document["exitStatus"]) == ("unknown", "undecided", 4)
    assert "git config --global --add safe.directory" in finding["fix"]
    assert "1 not found out" in text.out


def test_git_that_talks_without_end_leaves_it_open(vxsec_run: Vxsec, machine: Machine) -> None:
    machine.program("git", 'test "$1" = --version && echo 2.40.0 && exit 0\nexec /usr/bin/yes')
    finding = the(examine(vxsec_run, machine)[0], "doctor.git-silent")
    assert "expected at most" in finding["found"]


def test_many_tracked_keys_are_listed_up_to_a_point(vxsec_run: Vxsec, machine: Machine) -> None:
    for number in range(25):
        key = machine.project / f"{number:02}.pem"
        key.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\n", encoding="utf-8")
        key.chmod(0o600)
    git(machine.project, "init", "-q")
    git(machine.project, "add", "-A")
    document, _ = examine(vxsec_run, machine)
    told = [item for item in document["findings"] if item["code"] == "doctor.key-tracked"]
    assert len(told) == 21
    assert told[-1]["found"].startswith("5 more private keys")


def test_a_user_file_that_others_can_read(vxsec_run: Vxsec, machine: Machine) -> None:
    path = machine.home / ".npmrc"
    path.write_text(f"//registry.example.test/npm/:_authToken=npm_{PLANTED}\n", encoding="utf-8")
    path.chmod(0o644)
    finding = the(examine(vxsec_run, machine)[0], "doctor.npmrc-mode")
    assert (finding["level"], finding["fix"]) == ("warning", f"chmod 600 {path}")


def test_a_user_file_that_holds_only_a_variable_may_be_read(vxsec_run: Vxsec, machine: Machine) -> None:
    (machine.home / ".npmrc").chmod(0o644)
    assert faults(examine(vxsec_run, machine)[0]) == ["doctor.db-missing"]


OLD_PROGRAMS = {
    "Node.js 18": ("node", "echo v18.20.0", "doctor.node-old", "install Node.js 20 or newer"),
    "npm 9": ("npm", "echo 9.9.4", "doctor.npm-old", "npm install --global npm@10"),
    "a program that fails": ("gpg", "exit 3", "doctor.program-broken", "--version"),
    "a program that says nothing": ("git", "true", "doctor.program-broken", "--version"),
    "a program that says no version": ("node", "echo hello", "doctor.program-broken", "--version"),
    "a program that says too much": (
        "npm",
        "while :; do echo 111111111111111111; done",
        "doctor.program-broken",
        "--v",
    ),
}


@pytest.mark.parametrize(("name", "script", "code", "fix"), OLD_PROGRAMS.values(), ids=OLD_PROGRAMS.keys())
def test_programs_that_are_old_or_broken(
    vxsec_run: Vxsec, machine: Machine, name: str, script: str, code: str, fix: str
) -> None:
    machine.program(name, script)
    finding = the(examine(vxsec_run, machine)[0], code)
    assert finding["level"] == "warning"
    assert fix in finding["fix"]


def test_npm_12_is_told_to_block_install_scripts(vxsec_run: Vxsec, machine: Machine) -> None:
    machine.program("npm", "echo 12.2.0")
    finding = the(examine(vxsec_run, machine)[0], "doctor.npm")
    assert "only where allow-scripts names them" in finding["found"]


@pytest.mark.parametrize("path", ["", "/nonexistent", "."])
def test_no_program_at_all(vxsec_run: Vxsec, machine: Machine, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setenv("PATH", path)
    document, _ = examine(vxsec_run, machine)
    missing = [code for code in faults(document) if code.endswith("-missing") and "db" not in code]
    assert missing == ["doctor.node-missing", "doctor.npm-missing", "doctor.gpg-missing", "doctor.git-missing"]
    assert document["exitStatus"] == 0
    assert the(document, "doctor.gpg-missing")["fix"].endswith("apt-get install gnupg")


def test_a_clock_that_is_behind_the_files(vxsec_run: Vxsec, machine: Machine) -> None:
    later = datetime(2099, 1, 1, tzinfo=UTC).timestamp()
    os.utime(machine.project / "package-lock.json", (later, later))
    document, _ = examine(vxsec_run, machine)
    finding = the(document, "doctor.clock-behind")
    assert (finding["level"], finding["where"]) == ("problem", "package-lock.json")
    assert finding["fix"].endswith("timedatectl set-ntp true")
    assert "2099-01-01T00:00:00Z" in finding["found"]


def test_an_empty_folder_without_a_home(vxsec_run: Vxsec, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = machine.home / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    monkeypatch.delenv("HOME")
    document, text = examine(vxsec_run, machine, trust=False)
    assert faults(document) == ["doctor.trust-not-given", "doctor.db-missing"]
    assert "vxsec init" in text.out


def test_the_document_that_init_wrote_is_named(vxsec_run: Vxsec, machine: Machine) -> None:
    (machine.project / "vxsec").mkdir()
    shutil.copy(machine.project / "trust.yaml", machine.project / "vxsec" / "trust.yaml")
    finding = the(examine(vxsec_run, machine, trust=False)[0], "doctor.trust-not-given")
    assert finding["fix"] == "name it: vxsec doctor --trust vxsec/trust.yaml"
    policy = the(examine(vxsec_run, machine, "--policy", "vxsec:minimal", trust=False)[0], "doctor.policy-not-read")
    assert policy["fix"] == "vxsec doctor --trust FILE --policy vxsec:minimal"


def test_missing_key_files_hide_nothing_else(vxsec_run: Vxsec, machine: Machine) -> None:
    for name in ("ci.pub", "alice.pub"):
        (machine.project / name).unlink()
    (machine.project / ".npmrc").unlink()
    (machine.project / "policy.yaml").write_text("apiVersion: vxsec/policy/v9\n", encoding="utf-8")
    document, _ = examine(vxsec_run, machine, "--policy", "policy.yaml")
    codes = faults(document)
    assert codes.count("doctor.key-file") == 2
    assert {"doctor.scope-missing", "doctor.policy"} < set(codes)
    assert "doctor.policy-not-read" not in codes
    assert "doctor.trust" not in [item["code"] for item in document["findings"]]
    assert document["exitStatus"] == 11


def test_a_missing_key_file_and_a_malformed_document_are_both_told(vxsec_run: Vxsec, machine: Machine) -> None:
    (machine.project / "ci.pub").unlink()
    trust = machine.project / "trust.yaml"
    trust.write_text(trust.read_text(encoding="utf-8").replace("https://registry", "ftp://registry"), encoding="utf-8")
    document, _ = examine(vxsec_run, machine, "--policy", "vxsec:minimal")
    assert {"doctor.key-file", "doctor.trust", "doctor.policy-not-read"} < set(faults(document))
    assert (
        the(document, "doctor.policy-not-read")["fix"] == "mend trust.yaml as told above, then run vxsec doctor again"
    )


# -- advisories ----------------------------------------------------------------------------------------------------------

SCANNING = """\
apiVersion: vxsec/policy/v1
kind: Policy
metadata: {name: p, version: 1}
scopes: [{id: all, match: {ecosystem: npm}, phases: [install], rules: [{id: m, use: malware.deny}]}]
"""
ADVISORY = {
    "schema_version": "1.7.0",
    "id": "MAL-2026-1",
    "modified": "2026-01-01T00:00:00Z",
    "affected": [{"package": {"ecosystem": "npm", "name": "left-pad"}, "versions": ["1.0.0"]}],
}


def fill(machine: Machine, *, age: timedelta) -> Path:
    source = machine.home / "osv"
    source.mkdir()
    (source / "MAL-2026-1.json").write_text(json.dumps(ADVISORY), encoding="utf-8")
    folder = machine.home / "db"
    import_database([source], directory=folder, ecosystem="npm", exported_at=utc_now() - age)
    return folder


DATABASES = {
    "fresh": (timedelta(0), False, "ok", "doctor.db", 0),
    "fresh, for a policy that scans": (timedelta(0), True, "ok", "doctor.db", 0),
    "old": (timedelta(days=5), False, "warning", "doctor.db-old", 0),
    "old, for a policy that scans": (timedelta(days=5), True, "problem", "doctor.db-old", 11),
    "none": (None, False, "warning", "doctor.db-missing", 0),
    "none, for a policy that scans": (None, True, "problem", "doctor.db-missing", 11),
}


@pytest.mark.parametrize(("age", "scans", "level", "code", "status"), DATABASES.values(), ids=DATABASES.keys())
def test_the_advisory_database(
    vxsec_run: Vxsec, machine: Machine, age: timedelta | None, scans: bool, level: str, code: str, status: int
) -> None:
    if age is not None:
        fill(machine, age=age)
    if scans:
        (machine.project / "policy.yaml").write_text(SCANNING, encoding="utf-8")
    document, _ = examine(vxsec_run, machine, *(["--policy", "policy.yaml"] if scans else []))
    finding = the(document, code)
    assert (finding["level"], document["exitStatus"]) == (level, status)
    assert level == "ok" or "vxsec db update" in finding["fix"]
    assert faults(document) == ([] if level == "ok" else [code])


def test_a_damaged_database(vxsec_run: Vxsec, machine: Machine) -> None:
    for path in fill(machine, age=timedelta(0)).rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    document, _ = examine(vxsec_run, machine)
    finding = the(document, "doctor.db-damaged")
    assert (finding["level"], document["exitStatus"]) == ("problem", 11)
    assert "vxsec db update" in finding["fix"]


@pytest.mark.unprivileged
@pytest.mark.parametrize("name", [".npmrc", "trust.yaml", "package-lock.json", "ci.pub"])
def test_a_file_that_may_not_be_read(vxsec_run: Vxsec, machine: Machine, name: str) -> None:
    (machine.project / name).chmod(0)
    document, _ = examine(vxsec_run, machine)
    assert document["exitStatus"] == 11
    assert any("cannot read: Permission denied" in item["found"] for item in document["findings"])


@pytest.mark.parametrize("name", [".npmrc", "trust.yaml", "ci.pub"])
def test_a_folder_where_a_file_should_be(vxsec_run: Vxsec, machine: Machine, name: str) -> None:
    (machine.project / name).unlink()
    (machine.project / name).mkdir()
    assert examine(vxsec_run, machine)[0]["exitStatus"] == 11


@pytest.mark.unprivileged
def test_a_folder_that_may_not_be_written(vxsec_run: Vxsec, machine: Machine) -> None:
    machine.project.chmod(0o500)
    try:
        assert examine(vxsec_run, machine)[0]["exitStatus"] == 0
    finally:
        machine.project.chmod(0o700)


@pytest.mark.unprivileged
def test_a_folder_that_may_not_be_entered(vxsec_run: Vxsec, machine: Machine) -> None:
    machine.project.chmod(0)
    try:
        answer = vxsec_run("doctor", "--db", machine.home / "db", "--trust", "trust.yaml")
    finally:
        machine.project.chmod(0o700)
    assert answer.status == 11
    assert "[doctor.folder-unreadable]" in answer.out
    assert "fix: give yourself the right: chmod u+rx ." in answer.out


def test_a_file_that_goes_away_while_it_is_looked_at(
    vxsec_run: Vxsec, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = machine.project / "ci.key"
    key.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\n", encoding="utf-8")
    taken = key.read_bytes()
    monkeypatch.setattr("vxsec.usecases.doctor.files._private_key", lambda path: path.unlink() or taken)
    assert vxsec_run("doctor", "--db", machine.home / "db").status == 0


def test_a_folder_that_cannot_be_searched_leaves_it_open(vxsec_run: Vxsec, machine: Machine) -> None:
    (machine.project / "loop").symlink_to("loop")
    document, _ = examine(vxsec_run, machine)
    finding = the(document, "doctor.key-folder")
    assert (finding["level"], finding["fix"], document["exitStatus"]) == ("unknown", "see what is in it: ls -la .", 4)


def test_a_file_of_nothing_but_unknown_keys_takes_no_time(vxsec_run: Vxsec, machine: Machine) -> None:
    lines = "".join(f"k{number}zz=1\n" for number in range(20_000))
    (machine.project / ".npmrc").write_text(lines, encoding="utf-8")
    document = vxsec_run("doctor", "--json").json
    told = [item for item in document["findings"] if item["code"] == "doctor.npmrc-key"]
    assert len(told) == 101
    assert told[-1]["found"] == "its other 19900 keys were not looked at"
    assert "and 51 more (--json lists all)" in vxsec_run("doctor").out


def test_names_in_files_do_not_speak_to_the_terminal(vxsec_run: Vxsec, machine: Machine) -> None:
    hostile = "\x1b[2J\u202e"
    with (machine.project / ".npmrc").open("a", encoding="utf-8") as stream:
        stream.write(f"{hostile}=x\n@{hostile}:regsitry=x\n")
    (machine.project / f"{hostile}.key").write_text("-----BEGIN PRIVATE KEY-----", encoding="utf-8")
    _, text = examine(vxsec_run, machine)
    assert "\x1b" not in text.out
    assert "\u202e" not in text.out


# -- the command itself --------------------------------------------------------------------------------------------------


def test_what_is_fine_is_counted_and_shown_only_when_asked(vxsec_run: Vxsec, machine: Machine) -> None:
    short = vxsec_run("doctor", "--trust", "trust.yaml", "--db", machine.home)
    assert "ok " not in short.out
    assert re.search(r"^0 problems, \d+ warnings?, \d+ fine \(-v shows them\)$", short.out.splitlines()[-1])


@pytest.mark.parametrize(
    "options", [("--unsafe-http", "http://registry.example.test/"), ("--unsafe-tls", "https://x/")]
)
def test_options_that_would_be_ignored_are_refused(vxsec_run: Vxsec, options: tuple[str, str]) -> None:
    answer = vxsec_run("doctor", *options)
    assert answer.status == 2
    assert "error[usage.options]" in answer.err


@pytest.mark.parametrize("arguments", [("doctor", "x"), ("doctor", "--at", "yesterday"), ("doctor", "--trust")])
def test_a_wrong_call_is_usage(vxsec_run: Vxsec, arguments: tuple[str, ...]) -> None:
    assert vxsec_run(*arguments).status == 2


def test_the_installed_program(program: Program, machine: Machine) -> None:
    answer = program("doctor", "--trust", "trust.yaml", "--db", machine.home, cwd=machine.project, env=dict(os.environ))
    assert answer.status == 0, answer.out + answer.err
    assert answer.out.splitlines()[-1].startswith("0 problems, 1 warning")


# -- the page ------------------------------------------------------------------------------------------------------------

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "doctor.md"
NAMED = re.compile(r'(?:\b(?:warning|problem|unknown|error|note)\(\s*|code = |else )"([a-z]+(?:-[a-z]+)*)"')


def test_the_page_says_everything_that_doctor_can_say() -> None:
    listed = re.findall(r"`doctor\.([a-z-]+)`", PAGE.read_text(encoding="utf-8"))
    assert len(listed) == len(set(listed))
    fixtures = {case["code"].removeprefix("doctor.") for case in CASES.values()}
    assert fixtures <= set(listed)
    source = "".join(path.read_text("utf-8") for path in Path(examine_machine.__file__ or "").parent.glob("*.py"))
    assert set(NAMED.findall(source)) <= set(listed)
    passed_on = re.findall(r'"trust\.(role-[a-z]+)"', Path(trust_check.__file__).read_text("utf-8"))
    assert set(passed_on) <= set(listed)
    assert [code for code in listed if f'"{code}"' not in source and code not in passed_on] == []


def test_the_example_on_the_page_is_what_comes_out(program: Program, machine: Machine) -> None:
    text = PAGE.read_text(encoding="utf-8")
    (command,) = re.findall(r"^```sh\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    (shown,) = re.findall(r"^```text\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    machine.lay(FIXTURES / "scope-other-path")
    (machine.project / "vxsec").mkdir()
    for name in ("trust.yaml", "ci.pub", "alice.pub"):
        (machine.project / name).rename(machine.project / "vxsec" / name)
    (machine.project / "vxsec" / "policy.yaml").write_bytes(load_shipped("vxsec:minimal"))
    surroundings = {**os.environ, "VXSEC_DB": str(fill(machine, age=timedelta(0)))}
    answer = program(*shlex.split(command)[1:], cwd=machine.project, env=surroundings)
    assert (answer.status, answer.out) == (11, shown)

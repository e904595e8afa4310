"""Real npm, real Verdaccio: what ``npm pack`` makes is gated and published, and what ``npm ci`` installs works."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

import vxsec
from support.shop import PASSWORD

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.conftest import Program
    from support.node_tools import NodeTools
    from support.verdaccio import Verdaccio

pytestmark = [pytest.mark.node, pytest.mark.verdaccio]

SOURCES = {
    "e2e-base": ({}, "module.exports = () => 'base';\n"),
    "e2e-top": (
        {"@vextrus/e2e-base": "^1.0.0"},
        "module.exports = () => 'top of ' + require('@vextrus/e2e-base')();\n",
    ),
}


@dataclass(frozen=True, slots=True)
class Team:
    """A folder with sources, keys, trust, and npm set up for the registry."""

    folder: Path
    tools: NodeTools
    environment: dict[str, str]
    tarballs: tuple[Path, ...]

    def npm(self, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        done = self.tools.run_npm(*arguments, cwd=cwd, environment=self.environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done


@pytest.fixture(scope="module")
def team(
    node_tools: NodeTools,
    verdaccio: Verdaccio,
    keys: Path,
    advisories: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Team:
    """Pack two packages with npm, lock them with npm, attest their SBOMs and sign them."""
    folder = tmp_path_factory.mktemp("team")
    environment = node_tools.environment(folder / "home", npmrc=verdaccio.npmrc("@vextrus"))
    tarballs = []
    for name, (dependencies, source) in SOURCES.items():
        package = folder / name
        package.mkdir()
        manifest = {"name": f"@vextrus/{name}", "version": "1.0.0", "main": "index.js", "dependencies": dependencies}
        (package / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
        (package / "index.js").write_text(source, encoding="utf-8")
        done = node_tools.run_npm(
            "pack", "--json", "--pack-destination", str(folder), cwd=package, environment=environment
        )
        assert done.returncode == 0, done.stderr
        packed: Any = json.loads(done.stdout)
        entry = packed[0] if isinstance(packed, list) else next(iter(packed.values()))
        tarballs.append(folder / entry["filename"].replace("@", "").replace("/", "-"))
    (folder / "trust.yaml").write_text(
        "apiVersion: vxsec/trust/v1\nkind: Identities\nkeys:\n"
        + "".join(
            f'  - {{id: {name}, file: "{keys / name}.pub", roles: [{role}], from: "2020-01-01T00:00:00Z",'
            f' until: "2100-01-01T00:00:00Z", holder: {name}}}\n'
            for name, role in (("ci", "machine"), ("alice", "human"))
        )
        + "holders: [{id: ci, kind: machine}, {id: alice, kind: person}]\n"
        + f'registries:\n  internal: {{url: "{verdaccio.url}", scopes: ["@vextrus"]}}\n',
        encoding="utf-8",
    )
    (folder / ".npmrc").write_text(verdaccio.npmrc("@vextrus"), encoding="utf-8")
    # The lockfile as npm makes it for the workspace; CI attests the SBOM that follows from it.
    workspace = {"name": "team", "private": True, "workspaces": list(SOURCES)}
    (folder / "package.json").write_text(json.dumps(workspace), encoding="utf-8")
    done = node_tools.run_npm("install", "--package-lock-only", cwd=folder, environment=environment)
    assert done.returncode == 0, done.stderr
    for path in tarballs:
        vxsec.build_sbom(
            path,
            lockfile=folder / "package-lock.json",
            authors=["The team"],
            timestamp=datetime(2026, 11, 1, tzinfo=UTC),
            output=f"{path}.cdx.json",
        )
    signers = [str(keys / "ci.key")]
    vxsec.attest_sbom(tarballs, signers=signers, password=PASSWORD)
    vxsec.sign(tarballs, signers=signers, trust=folder / "trust.yaml", password=PASSWORD)
    environment = {**environment, "VXSEC_DB": str(advisories)}
    return Team(folder, node_tools, environment, tuple(tarballs))


def arguments(team: Team) -> tuple[object, ...]:
    return ("--policy", "vxsec:recommended", "--trust", team.folder / "trust.yaml")


@pytest.fixture(scope="module")
def published(team: Team, keys: Path) -> Team:
    """Approved through the registry, then published."""
    trust = team.folder / "trust.yaml"
    vxsec.approve(
        team.tarballs, signer=str(keys / "alice.key"), trust=trust, password=PASSWORD, push=True, project_dir=team.folder,
        bundle=team.folder / "approval.json",
    )  # fmt: skip
    report = vxsec.publish(
        team.tarballs, policy="vxsec:recommended", trust=trust, project_dir=team.folder, db=team.environment["VXSEC_DB"]
    )
    assert report.exit_status == 0, report
    return team


@pytest.fixture
def consumer(published: Team, tmp_path: Path) -> Path:
    """A project with a lockfile made by npm; nothing is installed yet."""
    folder = tmp_path / "consumer"
    folder.mkdir()
    (folder / "package.json").write_text('{"name":"consumer","version":"1.0.0","private":true}', encoding="utf-8")
    (folder / ".npmrc").write_text((published.folder / ".npmrc").read_text(encoding="utf-8"), encoding="utf-8")
    published.npm("install", "--package-lock-only", "@vextrus/e2e-top@1.0.0", cwd=folder)
    return folder


def test_publishing_again_sends_nothing(published: Team, program: Program) -> None:
    answer = program(
        "publish", *published.tarballs, *arguments(published), "--json", cwd=published.folder, env=published.environment
    )
    assert answer.status == 0, answer.out + answer.err
    assert [package["state"] for package in answer.json["packages"]] == ["already-live"] * 2


def test_the_gate_knows_a_live_version(published: Team, program: Program) -> None:
    answer = program(
        "gate", *published.tarballs, *arguments(published), "-v", cwd=published.folder, env=published.environment
    )
    assert answer.status == 0
    assert "already-live" in answer.out


def test_the_lockfile_verifies_and_what_npm_ci_installs_works(
    published: Team, consumer: Path, program: Program
) -> None:
    answer = program(
        "verify",
        "--lockfile",
        "package-lock.json",
        *arguments(published),
        "--json",
        cwd=consumer,
        env=published.environment,
    )
    assert answer.status == 0, answer.out + answer.err
    assert answer.json["totals"]["verified"] == 2
    sboms = [r for s in answer.json["decision"]["subjects"] for r in s["results"] if r["use"] == "sbom.complete"]
    assert [(r["verdict"], "@vextrus/vxsec-evidence@" in r["found"]) for r in sboms] == [("pass", True)] * 2
    published.npm("ci", "--ignore-scripts", cwd=consumer)
    ran = subprocess.run(
        [*published.tools.node, "-e", "console.log(require('@vextrus/e2e-top')())"],
        cwd=consumer,
        capture_output=True,
        text=True,
        check=True,
        env=published.environment,
    )
    assert ran.stdout.strip() == "top of base"
    installed = consumer / "node_modules" / "@vextrus" / "e2e-top" / "index.js"
    assert installed.read_text(encoding="utf-8") == SOURCES["e2e-top"][1]


def test_an_edited_lockfile_is_10(published: Team, consumer: Path, program: Program) -> None:
    path = consumer / "package-lock.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    entries = document["packages"]
    entries["node_modules/@vextrus/e2e-base"]["integrity"] = entries["node_modules/@vextrus/e2e-top"]["integrity"]
    path.write_text(json.dumps(document), encoding="utf-8")
    answer = program(
        "verify", "--lockfile", path, *arguments(published), "--json", cwd=consumer, env=published.environment
    )
    assert answer.status == 10
    assert [item["code"] for item in answer.json["failures"]] == ["tree.integrity-mismatch"]


def test_a_tarball_swapped_in_the_registrys_storage_is_10(
    published: Team, verdaccio: Verdaccio, consumer: Path, program: Program
) -> None:
    (stored,) = verdaccio.folder.rglob("e2e-base-1.0.0.tgz")
    honest = stored.read_bytes()
    stored.write_bytes((published.folder / "vextrus-e2e-top-1.0.0.tgz").read_bytes())
    try:
        answer = program(
            "verify",
            "--lockfile",
            "package-lock.json",
            *arguments(published),
            "--json",
            cwd=consumer,
            env=published.environment,
        )
    finally:
        stored.write_bytes(honest)
    assert answer.status == 10
    assert [item["code"] for item in answer.json["failures"]] == ["tree.integrity-mismatch"]


def test_without_a_token_nothing_is_evaluated(published: Team, consumer: Path, program: Program) -> None:
    lines = (consumer / ".npmrc").read_text(encoding="utf-8").splitlines()
    (consumer / ".npmrc").write_text("\n".join(line for line in lines if "_authToken" not in line), encoding="utf-8")
    environment = {**published.environment, "npm_config_userconfig": str(consumer / "none")}
    answer = program(
        "verify", "--lockfile", "package-lock.json", *arguments(published), "--json", cwd=consumer, env=environment
    )
    assert answer.status == 4, answer.out
    assert answer.json["totals"]["notEvaluated"] == 2


def test_what_npm_published_without_vxsec_is_refused(published: Team, tmp_path: Path, program: Program) -> None:
    rogue = tmp_path / "rogue"
    rogue.mkdir()
    manifest = {"name": "@vextrus/e2e-rogue", "version": "1.0.0", "scripts": {"postinstall": "node steal.js"}}
    (rogue / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    (rogue / ".npmrc").write_text((published.folder / ".npmrc").read_text(encoding="utf-8"), encoding="utf-8")
    published.npm("publish", cwd=rogue)
    consumer = tmp_path / "consumer"
    consumer.mkdir()
    (consumer / "package.json").write_text('{"name":"consumer","version":"1.0.0"}', encoding="utf-8")
    (consumer / ".npmrc").write_text((published.folder / ".npmrc").read_text(encoding="utf-8"), encoding="utf-8")
    published.npm("install", "--package-lock-only", "@vextrus/e2e-rogue", cwd=consumer)
    answer = program(
        "verify",
        "--lockfile",
        "package-lock.json",
        *arguments(published),
        "--json",
        cwd=consumer,
        env=published.environment,
    )
    assert answer.status == 11
    closing = {r["use"]: r["code"] for s in answer.json["decision"]["subjects"] for r in s["results"] if r["closes"]}
    assert closing["signature.threshold"] == "signature.none"
    assert "content.install-scripts" in closing

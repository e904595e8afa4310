"""The four packages of ``fixtures/monorepo``: real npm packs them, real Node runs them, the demo holds the same files."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import vxsec
from support.distributions import CHECKOUT

if TYPE_CHECKING:
    from support.node_tools import NodeTools

pytestmark = pytest.mark.node

MONOREPO = CHECKOUT / "fixtures" / "monorepo"
SHIPPED = Path(vxsec.__path__[0], "demo", "packages")
NAMES = ("contracts", "distributed-transactions", "kernel", "utils")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, because npm writes into the workspace it packs."""
    return Path(shutil.copytree(MONOREPO, tmp_path_factory.mktemp("monorepo") / "workspace"))


@pytest.fixture(scope="module")
def packed(node_tools: NodeTools, workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The four tarballs, packed now."""
    target = tmp_path_factory.mktemp("packed")
    _npm(node_tools, workspace, "pack", "--workspaces", "--pack-destination", str(target))
    return target


def _npm(tools: NodeTools, folder: Path, *arguments: str) -> str:
    environment = {**tools.environment(folder.parent / "home"), "npm_config_offline": "true"}
    done = tools.run_npm(*arguments, cwd=folder, environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _inventory(tarball: Path) -> list[str]:
    listed = subprocess.run(
        ["tar", "--list", "--verbose", "--gzip", "--numeric-owner", "--full-time", "--utc", "--file", str(tarball)],
        check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    return [" ".join(line.split()) for line in listed]


def _contents(tarball: Path) -> bytes:
    return subprocess.run(["tar", "-xzOf", str(tarball)], check=True, capture_output=True).stdout


@pytest.mark.parametrize("name", NAMES)
def test_packing_again_gives_the_files_that_the_demo_ships(packed: Path, name: str) -> None:
    filename = f"vextrus-{name}-1.0.0.tgz"
    assert _inventory(packed / filename) == _inventory(SHIPPED / filename)
    assert _contents(packed / filename) == _contents(SHIPPED / filename)


def test_the_demo_ships_these_four_and_no_other(packed: Path) -> None:
    assert {path.name for path in SHIPPED.iterdir()} == {path.name for path in packed.iterdir()}


@pytest.mark.parametrize("name", NAMES)
def test_a_tarball_holds_only_what_its_package_promises(name: str) -> None:
    paths = {line.rpartition(" ")[2] for line in _inventory(SHIPPED / f"vextrus-{name}-1.0.0.tgz")}
    assert paths == {f"package/{file}" for file in ("README.md", "index.d.ts", "index.js", "package.json")}


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_tarballs_install_and_load_in_node(node_tools: NodeTools, name: str, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "package.json").write_text('{"name": "project", "version": "1.0.0", "private": true}\n')
    _npm(node_tools, project, "install", *(str(SHIPPED / f"vextrus-{each}-1.0.0.tgz") for each in NAMES))
    _npm(
        node_tools,
        project,
        "exec",
        "--offline",
        "--",
        "node",
        "--throw-deprecation",
        "-e",
        f"require('@vextrus/{name}')",
    )


def test_their_own_tests_pass(node_tools: NodeTools, workspace: Path) -> None:
    _npm(node_tools, workspace, "install")
    assert "fail 0" in _npm(node_tools, workspace, "test", "--workspaces")

"""Every command of the tutorial, in its order, with real npm and a real registry; and the README's example."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import vxsec

if TYPE_CHECKING:
    from support.node_tools import NodeTools
    from support.verdaccio import Verdaccio

ROOT = Path(__file__).resolve().parents[2]


def blocks(path: str, language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def commands(folder: Path, tools: NodeTools) -> str:
    """A folder with vxsec, npm and node as a reader of the page has them on the PATH."""
    folder.mkdir()
    programs = {"vxsec": (str(Path(sys.executable).with_name("vxsec")),), "npm": tools.npm, "node": tools.node}
    for name, command in programs.items():
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    return str(folder)


@pytest.mark.node
@pytest.mark.verdaccio
def test_the_tutorial_works_as_written(node_tools: NodeTools, verdaccio: Verdaccio, tmp_path: Path) -> None:
    environment = node_tools.environment(tmp_path / "home", npmrc=verdaccio.npmrc().partition("\n")[2])
    environment |= {
        "PATH": os.pathsep.join([commands(tmp_path / "bin", node_tools), environment["PATH"]]),
        "REGISTRY": verdaccio.url,
        "MONOREPO": str(ROOT / "fixtures" / "monorepo"),
    }
    script = "\n".join(blocks("docs/tutorial/first-gated-publish.md", "sh"))
    assert script.count("vxsec ") >= 11
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "4 verified + 0 allowed unsigned + 1 local + 0 failed + 0 not evaluated" in said
    assert said.count("already-live") == 4
    assert done.stdout.rstrip().endswith("it works")
    assert verdaccio.token not in said
    assert "Traceback" not in said
    assert len((tmp_path / "shop" / "decisions.jsonl").read_bytes().splitlines()) == 1


def test_the_example_in_the_readme_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = blocks("README.md", "python")
    assert len([line for line in example.splitlines() if line.strip()]) <= 12
    packed = ROOT / "src" / "vxsec" / "demo" / "packages" / "vextrus-kernel-1.0.0.tgz"
    if not packed.exists():  # the tests also run against the installed wheel, without the source tree
        packed = Path(vxsec.__file__).parent / "demo" / "packages" / packed.name
    (tmp_path / "kernel-1.0.0.tgz").write_bytes(packed.read_bytes())
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102 - our own page

"""What the sdist and the wheel hold: everything they should, and nothing that lies about."""

from __future__ import annotations

import fnmatch
import os
import re
import subprocess
import tarfile
import zipfile
from email import message_from_bytes
from typing import TYPE_CHECKING

import pytest

import vxsec
from support.distributions import CHECKOUT, build_distribution

if TYPE_CHECKING:
    from pathlib import Path

DEMO_TARBALLS = {
    f"vxsec/demo/packages/vextrus-{name}-1.0.0.tgz"
    for name in ("contracts", "distributed-transactions", "kernel", "utils")
}

# Every path in the wheel matches one of these; the package holds code, typing, shipped policies, schemas and the demo.
WHEEL_PATTERNS = (
    r"vxsec/([a-z_]+/)*[a-z0-9_]+\.py",
    r"vxsec/py\.typed",
    r"vxsec/policy/shipped/[a-z]+\.yaml",
    r"vxsec/([a-z_]+/)*schemas?/[a-z0-9.-]+\.json",
    r"vxsec/demo/packages/vextrus-[a-z-]+-1\.0\.0\.tgz",
    r"vxsec/demo/advisories/[A-Z0-9-]+\.json",
    r"vxsec-[0-9][0-9a-z.]*\.dist-info/(METADATA|WHEEL|RECORD|entry_points\.txt|licenses/LICENSE)",
)
SDIST_TOP = {
    ".ci", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "PKG-INFO", "README.md", "SECURITY.md",
    "benchmarks", "docs", "fixtures", "policies", "pyproject.toml", "src", "tests",
}  # fmt: skip
NEVER = (
    "*/__pycache__/*", "*.pyc", "*/.env", "*/.env.*", "*/node_modules/*", "*/.git/*", "*/.venv*", "*/.coverage*",
    "*/.hypothesis/*", "*/.pytest_cache/*", "*/.mypy_cache/*", "*/.ruff_cache/*", "*.orig", "*.rej", "*.swp", "*/.DS_Store",
)  # fmt: skip


def _wheel_names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert len(names) == len(set(names))
    return set(names)


def _sdist_names(sdist: Path) -> set[str]:
    with tarfile.open(sdist) as archive:
        members = archive.getmembers()
    assert all(member.isfile() for member in members)
    return {member.name.partition("/")[2] for member in members}


def _kept_files(folder: str) -> set[str]:
    """What git keeps in a folder, or what lies there where this is no repository."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", folder]
    if (CHECKOUT / ".git").exists():
        listed = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout.split("\0")
        return {name for name in listed if name and (CHECKOUT / name).is_file()}
    found = (path for path in (CHECKOUT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(CHECKOUT)) for path in found}


def test_every_path_in_the_wheel_is_of_a_known_kind(wheel: Path) -> None:
    unknown = {name for name in _wheel_names(wheel) if not any(re.fullmatch(kind, name) for kind in WHEEL_PATTERNS)}
    assert unknown == set()


def test_the_wheel_holds_the_whole_package_and_nothing_else(wheel: Path) -> None:
    package = {name for name in _wheel_names(wheel) if ".dist-info/" not in name}
    assert package == {name.removeprefix("src/") for name in _kept_files("src/vxsec")}


def test_the_wheel_holds_what_code_alone_does_not_show(wheel: Path) -> None:
    names = _wheel_names(wheel)
    assert names >= {
        "vxsec/py.typed",
        "vxsec/policy/shipped/minimal.yaml",
        "vxsec/policy/shipped/recommended.yaml",
        "vxsec/policy/shipped/strict.yaml",
    }
    assert {name for name in names if name.endswith(".tgz")} == DEMO_TARBALLS


def test_the_wheel_says_who_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (info,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = message_from_bytes(archive.read(info))
        entry_points = archive.read(info.replace("METADATA", "entry_points.txt")).decode()
    assert (metadata["Name"], metadata["Version"]) == ("vxsec", vxsec.__version__)
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "vxsec = vxsec.cli:main" in entry_points
    assert metadata.get_all("Provides-Extra") == ["openpgp", "osv"]


def test_the_sdist_holds_the_checkout_and_nothing_beside_it(sdist: Path) -> None:
    names = _sdist_names(sdist)
    assert {name.partition("/")[0] for name in names} == SDIST_TOP
    folders = ("src/vxsec", "tests", "fixtures", "policies", "docs", "benchmarks", ".ci")
    expected = {name for folder in folders for name in _kept_files(folder)}
    assert {name for name in names if "/" in name} == expected


@pytest.mark.parametrize("pattern", NEVER)
def test_nothing_that_lies_about_in_a_checkout_is_shipped(sdist: Path, wheel: Path, pattern: str) -> None:
    names = {f"/{name}" for name in _sdist_names(sdist) | _wheel_names(wheel)}
    assert fnmatch.filter(names, pattern) == []


def test_the_same_source_gives_the_same_bytes(
    built_sdist: Path, built_wheel: Path, unpacked_sdist: Path, tmp_path: Path
) -> None:
    os.utime(unpacked_sdist / "pyproject.toml", (1, 1))
    again = build_distribution(unpacked_sdist, "wheel", tmp_path / "wheel")
    assert again.read_bytes() == built_wheel.read_bytes()
    assert build_distribution(CHECKOUT, "sdist", tmp_path / "sdist").read_bytes() == built_sdist.read_bytes()

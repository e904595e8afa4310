"""Inspecting without keys or policy: what is found, and options that do not fit the kind of file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from vxsec.errors import NothingToJudgeError, UsageError, VxsecError
from vxsec.formats.tar_writer import write_tarball
from vxsec.inspection.artifact import read_artifact
from vxsec.model.artifact import Artifact, PlainArchive
from vxsec.model.report.inspection import ArtifactInspection
from vxsec.testing.artifacts import pack
from vxsec.usecases.inspect import inspect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOCKFILE = '{"lockfileVersion":3,"packages":{"":{},"node_modules/a":{"version":"1.0.0","integrity":"%s"}}}'


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    path = tmp_path / "kernel.tgz"
    path.write_bytes(pack({"name": "@acme/kernel", "version": "1.0.0", "dependencies": {"x": "1"}}))
    return path


def packument(kernel: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    artifact = read_artifact(kernel.read_bytes(), filename="kernel.tgz")
    assert isinstance(artifact, Artifact)
    version = {**artifact.manifest.document, "dist": {"integrity": artifact.digests.integrity}}
    document: dict[str, Any] = {
        "name": "@acme/kernel",
        "dist-tags": {"latest": "1.0.0"},
        "versions": {"1.0.0": version},
    }
    change(document)
    path = kernel.with_name("packument.json")
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def _dist(**dist: object) -> Callable[[dict[str, Any]], object]:
    return lambda document: document["versions"]["1.0.0"].update(dist=dist)


def _another_package(document: dict[str, Any]) -> None:
    document["name"] = document["versions"]["1.0.0"]["name"] = "@acme/other"


SHA512 = "sha512-" + "A" * 86 + "=="
PACKUMENTS: dict[str, tuple[Callable[[dict[str, Any]], object], set[str]]] = {
    "an honest one": (lambda _: None, set()),
    "of another package": (_another_package, {"packument.name", "manifest.mismatch"}),
    "without the version": (
        lambda document: document["versions"].clear(),
        {"packument.version", "packument.tag-dangling"},
    ),
    "without an integrity": (_dist(), {"packument.integrity-missing"}),
    "with an integrity that is none": (_dist(integrity="sha512-zzz"), {"packument.integrity-malformed"}),
    "with SHA-1 only": (_dist(integrity="sha1-" + "A" * 27 + "="), {"packument.integrity-weak"}),
    "with another integrity": (_dist(integrity=SHA512), {"packument.integrity-mismatch"}),
    "hiding a dependency": (
        lambda document: document["versions"]["1.0.0"].update(dependencies={}),
        {"manifest.mismatch"},
    ),
}


@pytest.mark.parametrize(("change", "codes"), PACKUMENTS.values(), ids=PACKUMENTS.keys())
def test_against_a_packument(kernel: Path, change: Callable[[dict[str, Any]], object], codes: set[str]) -> None:
    report = inspect(kernel, packument=packument(kernel, change))
    assert isinstance(report, ArtifactInspection)
    assert {finding.code for finding in report.findings} == codes
    assert report.exit_status == (11 if codes else 0)


def test_what_was_expected_is_compared(kernel: Path) -> None:
    assert inspect(kernel, expect="@acme/kernel@1.0.0").exit_status == 0
    report = inspect(kernel, expect="@acme/kernel@1.0.1")
    assert [finding.code for finding in report.findings] == ["manifest.unexpected"]
    assert report.exit_status == 11


def test_scripts_that_run_on_install_are_medium_and_workspace_ranges_high(tmp_path: Path) -> None:
    manifest = {
        "name": "a",
        "version": "1.0.0",
        "scripts": {"postinstall": "node x.js", "test": "y"},
        "dependencies": {"b": "workspace:*"},
    }
    path = tmp_path / "a.tgz"
    path.write_bytes(pack(manifest, {"binding.gyp": b"{}", "x.js": b""}))
    report = inspect(path, fail_on="low")
    assert isinstance(report, ArtifactInspection)
    found = {(finding.code, finding.severity.value, finding.where) for finding in report.findings}
    assert ("content.install-script", "medium", "scripts.postinstall") in found
    assert ("manifest.uninstallable-range", "high", "dependencies") in found
    assert {script.event for script in report.install_scripts} == {"install", "postinstall"}
    assert any("binding.gyp" in finding.message for finding in report.findings)


@pytest.mark.parametrize(("name", "kind"), [("chart-1.0.tar.gz", PlainArchive), ("chart-1.0.tgz", None)])
def test_an_archive_without_a_package_is_refused_as_a_package_only(
    tmp_path: Path, name: str, kind: type[PlainArchive] | None
) -> None:
    path = tmp_path / name
    path.write_bytes(write_tarball({"Chart.yaml": b""}, root="chart"))
    report = inspect(path)
    assert isinstance(report, ArtifactInspection)
    assert isinstance(report.artifact, PlainArchive) is (kind is PlainArchive)
    assert report.exit_status == (0 if kind else 10)
    assert inspect(path, expect="chart@1.0.0").exit_status == 10


def test_a_lockfile_is_held_to_the_registries_allowed(tmp_path: Path) -> None:
    path = tmp_path / "package-lock.json"
    path.write_text(LOCKFILE % SHA512, encoding="utf-8")
    assert inspect(path).exit_status == 0
    path.write_text(LOCKFILE % ("sha1-" + "A" * 27 + "="), encoding="utf-8")
    assert inspect(path).exit_status == 11


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "registries for a tarball": (
        "kernel.tgz",
        {"allow_registries": ["https://registry.example.test"]},
        "usage.options",
    ),
    "an expectation of a lockfile": ("package-lock.json", {"expect": "a@1.0.0"}, "usage.options"),
    "a packument for a lockfile": ("package-lock.json", {"packument": "p.json"}, "usage.options"),
    "an expectation that is none": ("kernel.tgz", {"expect": "a"}, "usage.expect"),
    "a packument that is not there": ("kernel.tgz", {"packument": "gone.json"}, "file.missing"),
    "a tarball that is not there": ("gone.tgz", {}, "file.missing"),
    "a registry without a packument from it": (
        "kernel.tgz",
        {"registry": "https://registry.example.test"},
        "usage.options",
    ),
    "a packument's registry that is no URL": (
        "kernel.tgz",
        {"packument": "p.json", "registry": "registry"},
        "registry.url",
    ),
    "a registry that is no URL": ("package-lock.json", {"allow_registries": ["registry"]}, "registry.url"),
}


@pytest.mark.parametrize(("name", "options", "code"), WRONG.values(), ids=WRONG.keys())
def test_refuses(tmp_path: Path, kernel: Path, name: str, options: dict[str, Any], code: str) -> None:
    assert kernel.exists()
    (tmp_path / "package-lock.json").write_text(LOCKFILE % SHA512, encoding="utf-8")
    with pytest.raises(VxsecError) as caught:
        inspect(tmp_path / name, **options)
    assert caught.value.code == code
    assert isinstance(caught.value, UsageError)


@pytest.mark.parametrize("name", ["yarn.lock", "kernel.zip"])
def test_what_is_not_read_is_nothing_to_judge(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("# yarn lockfile v1\n", encoding="utf-8")
    with pytest.raises(NothingToJudgeError):
        inspect(tmp_path / name)


def test_refuses_a_level_that_is_none(kernel: Path) -> None:
    with pytest.raises(ValueError, match="fatal"):
        inspect(kernel, fail_on="fatal")

"""From Python's files to artifacts: which kind of file it is, and what is worth saying about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.tar_factory import file, manifest, tgz
from support.wheel_factory import METADATA, sdist, wheel
from vxsec.inspection.artifact import read_artifact
from vxsec.inspection.content import derive_content
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.artifact import Artifact, RefusedArtifact
from vxsec.model.finding import Severity

DATA = "app_kit-1.0.data"
ENTRY_POINTS = "app_kit-1.0.dist-info/entry_points.txt"


def accepted(data: bytes, filename: str) -> Artifact:
    artifact = read_artifact(data, filename=filename)
    assert isinstance(artifact, Artifact), artifact.reasons
    return artifact


def test_a_wheel_is_an_artifact_of_pypi_whatever_its_name() -> None:
    data = wheel()
    for name in ("app_kit-1.0-py3-none-any.whl", "other.tgz"):
        artifact = accepted(data, name)
        assert artifact.package.purl == "pkg:pypi/app-kit@1.0"
        assert (artifact.root, artifact.data, artifact.findings) == ("", data, ())
        assert artifact.manifest.document["Name"] == "app-kit"


def test_an_npm_package_stays_one_whatever_its_name_ends_in() -> None:
    assert accepted(tgz(manifest()), "kernel-1.0.0.tar.gz").package.ecosystem == "npm"
    both = tgz(manifest(), file("package/PKG-INFO", METADATA))
    assert accepted(both, "kernel-1.0.0.tgz").package.purl == "pkg:npm/%40vextrus/kernel@1.0.0"


def test_a_source_distribution_is_known_by_its_name_and_its_metadata() -> None:
    artifact = accepted(sdist({"setup.py": b"", ".gitignore": b"", "package.json": b"{"}), "app_kit-1.0.tar.gz")
    assert artifact.package.purl == "pkg:pypi/app-kit@1.0"
    assert artifact.root == "app_kit-1.0"
    assert {entry.path for entry in artifact.files} == {"setup.py", ".gitignore", "package.json", "PKG-INFO"}
    assert [(finding.code, finding.severity) for finding in artifact.findings] == [("sdist.setup-script", Severity.LOW)]


def test_a_source_distribution_without_a_script_has_nothing_to_say() -> None:
    assert accepted(sdist(), "App.Kit-1.0.tar.gz").findings == ()


REFUSED = {
    "a wheel by name that is no zip": (b"hello", "a.whl", "zip.not-zip"),
    "a wheel with a wrong RECORD": (wheel(record=lambda rows: rows[1:]), "a.whl", "wheel.unlisted"),
    "a source distribution without metadata": (sdist(metadata=None), "a.tar.gz", "archive.no-manifest"),
    "a source distribution under another name": (sdist(), "app_kit-1.0.tgz", "archive.no-manifest"),
    "metadata that says two names": (sdist(metadata=METADATA + b"Name: b\n"), "a.tar.gz", "sdist.metadata"),
    "a top directory of another version": (sdist(root="app_kit-1.1"), "a.tar.gz", "sdist.root"),
    "a top directory of another package": (sdist(root="other-1.0"), "a.tar.gz", "sdist.root"),
    "a top directory that names nothing": (sdist(root="package"), "a.tar.gz", "sdist.root"),
}


@pytest.mark.parametrize(("data", "filename", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(data: bytes, filename: str, code: str) -> None:
    refused = read_artifact(data, filename=filename)
    assert isinstance(refused, RefusedArtifact)
    assert refused.reasons[0].code == code
    assert refused.digests.size == len(data)


def test_metadata_over_the_limit_is_refused_unread() -> None:
    refused = read_artifact(sdist(), filename="a.tar.gz", limits=replace(DEFAULT_LIMITS, manifest_bytes=10))
    assert isinstance(refused, RefusedArtifact)
    assert [reason.code for reason in refused.reasons] == ["sdist.metadata"]


FINDINGS: dict[str, tuple[dict[str, bytes], list[tuple[str, str]]]] = {
    "commands": (
        {ENTRY_POINTS: b"# [gui_scripts]\n[console_scripts]\nb = x:y\n; c = d\na=x:y\n[other]\nz = q\n"},
        [("wheel.entry-points", "installs a, b as commands")],
    ),
    "no commands": ({ENTRY_POINTS: b"[plugins]\na = b\n"}, []),
    "scripts": (
        {f"{DATA}/scripts/s{number}": b"" for number in range(7)},
        [("wheel.scripts", f"installs {', '.join(f'{DATA}/scripts/s{n}' for n in range(5))} and 2 more as commands")],
    ),
    "files beside the modules": (
        {f"{DATA}/data/share/x": b"", f"{DATA}/headers/x.h": b"", f"{DATA}/purelib/x.py": b""},
        [("wheel.outside", "installs 2 files beside the modules")],
    ),
    "a .pth file": ({"evil.pth": b"import os"}, [("wheel.startup", "")]),
    "a .pth file in capitals": ({"evil.PTH": b""}, [("wheel.startup", "")]),
    "a .pth file by way of the data folder": ({f"{DATA}/purelib/evil.pth": b""}, [("wheel.startup", "")]),
    "a .pth file wherever data lands": (
        {f"{DATA}/data/lib/python3.11/site-packages/evil.pth": b""},
        [("wheel.outside", "installs 1 files beside the modules"), ("wheel.startup", "")],
    ),
    "sitecustomize": ({"sitecustomize.py": b""}, [("wheel.startup", "")]),
    "usercustomize as a package": ({"usercustomize/__init__.py": b""}, [("wheel.startup", "")]),
    "sitecustomize as a compiled module": ({"sitecustomize.cpython-311.so": b""}, [("wheel.startup", "")]),
    "a model's weights that only end so": ({"app_kit/model.pth": b""}, []),
    "a module with a similar name": ({"sitecustomizer.py": b"", "a/sitecustomize.py": b""}, []),
}


@pytest.mark.parametrize(("files", "expected"), FINDINGS.values(), ids=FINDINGS.keys())
def test_findings(files: dict[str, bytes], expected: list[tuple[str, str]]) -> None:
    found = accepted(wheel(files), "a.whl").findings
    assert [item.code for item in found] == [code for code, _ in expected]
    assert all(message in item.message for item, (_, message) in zip(found, expected, strict=True))
    for item in found:
        assert item.severity is (Severity.MEDIUM if item.code == "wheel.startup" else Severity.LOW)


def test_what_npm_does_on_install_is_not_said_of_python() -> None:
    metadata = METADATA + b"scripts: postinstall\n"
    content = derive_content(accepted(wheel({"binding.gyp": b"{}"}, metadata=metadata), "a.whl"))
    assert (content.install_scripts, content.install_digest, content.uninstallable) == ((), None, ())
    assert content.files == 4
    assert len(content.inventory) == 4

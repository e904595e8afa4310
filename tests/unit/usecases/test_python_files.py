"""Wheels and source distributions through the use cases that take npm's tarballs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import vxsec
from support.wheel_factory import METADATA, record_row, sdist, wheel
from vxsec.errors import TarballError, UsageError
from vxsec.formats.tar_writer import write_tarball
from vxsec.model.artifact import Artifact, PlainArchive
from vxsec.model.package import PackageRef
from vxsec.model.report.inspection import ArtifactInspection
from vxsec.report.inspection import inspection_document, render_artifact
from vxsec.testing.artifacts import pack
from vxsec.usecases import inputs

if TYPE_CHECKING:
    from collections.abc import Callable

    from vxsec.model.report.verification import FileVerdict

NOW = datetime(2026, 6, 1, tzinfo=UTC)
INDEX = "https://packages.example.test/legacy/"
PURL = "pkg:pypi/app-kit@1.0"
TRUST = """\
apiVersion: vxsec/trust/v1
kind: Identities
keys:
  - {{id: ci, file: "{keys}/ci.pub", roles: [machine], {window}, holder: ci}}
  - {{id: alice, file: "{keys}/alice.pub", roles: [human], {window}, holder: alice}}
holders: [{{id: ci, kind: machine}}, {{id: alice, kind: person}}]
registries:
  npm: {{url: "https://registry.example.test/", scopes: ["@acme"], packages: [app-kit], evidence: "@acme/evidence"}}
  index: {{url: "https://packages.example.test/legacy", ecosystem: pypi, packages: [app-kit]}}
"""
NAMES = ("app_kit-1.0-py3-none-any.whl", "app_kit-1.0.tar.gz")


@pytest.fixture
def dist(tmp_path: Path, keys: Path) -> Path:
    window = 'from: "2026-01-01T00:00:00Z", until: "2100-01-01T00:00:00Z"'
    (tmp_path / "trust.yaml").write_text(TRUST.format(keys=keys, window=window), encoding="utf-8")
    (tmp_path / NAMES[0]).write_bytes(wheel())
    (tmp_path / NAMES[1]).write_bytes(sdist())
    (tmp_path / "bad.whl").write_bytes(wheel(record=lambda rows: rows[1:]))
    return tmp_path


def sign(dist: Path, keys: Path, name: str, **more: Any) -> None:
    values: dict[str, Any] = {"trust": dist / "trust.yaml", "now": NOW, **more}
    vxsec.sign([dist / name], signers=[f"file:{keys}/ci.pem"], **values)


def judge(dist: Path, name: str, **more: Any) -> FileVerdict:
    return vxsec.verify([dist / name], now=NOW, **more).files[0]


@pytest.mark.parametrize("name", NAMES)
def test_inspect_says_which_package_it_is(dist: Path, name: str) -> None:
    report = vxsec.inspect(dist / name, expect="App_Kit@1.0")
    assert isinstance(report, ArtifactInspection)
    assert isinstance(report.artifact, Artifact)
    assert report.exit_status == 0
    document = inspection_document(report)
    assert document["purl"] == PURL
    assert document["kind"] == ("wheel" if name.endswith(".whl") else "tarball")
    assert any(PURL in line for line in render_artifact(report))


@pytest.mark.parametrize("expect", ["app-kit@1.1", "other@1.0", "@acme/app-kit@1.0"])
def test_inspect_compares_with_what_was_expected(dist: Path, expect: str) -> None:
    report = vxsec.inspect(dist / NAMES[0], expect=expect)
    assert [finding.code for finding in report.findings] == ["manifest.unexpected"]


def test_inspect_refuses_a_spoilt_wheel_and_says_that_it_is_one(dist: Path) -> None:
    report = vxsec.inspect(dist / "bad.whl")
    assert isinstance(report, ArtifactInspection)
    assert [finding.code for finding in report.findings] == ["wheel.unlisted"]
    assert report.exit_status == 10
    assert "REFUSED: not a wheel that every installer sees alike" in list(render_artifact(report))


def test_inspect_refuses_a_packument_for_a_wheel(dist: Path) -> None:
    (dist / "p.json").write_text(json.dumps({"name": "app-kit"}), encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        vxsec.inspect(dist / NAMES[0], packument=dist / "p.json")
    assert caught.value.code == "usage.options"


def test_an_archive_without_metadata_is_still_a_plain_one(dist: Path) -> None:
    (dist / "chart-1.0.tar.gz").write_bytes(write_tarball({"Chart.yaml": b""}, root="chart"))
    report = vxsec.inspect(dist / "chart-1.0.tar.gz")
    assert isinstance(report, ArtifactInspection)
    assert isinstance(report.artifact, PlainArchive)


@pytest.mark.parametrize("name", NAMES)
def test_signed_for_the_registry_of_its_own_ecosystem(dist: Path, keys: Path, name: str) -> None:
    sign(dist, keys, name)
    for verdict in (
        judge(dist, name, trust=dist / "trust.yaml"),
        judge(dist, name, keys=[keys / "ci.pub"], registry=INDEX, expect="App.Kit@1.0"),
    ):
        assert (verdict.code, verdict.verified) == ("verified", True), verdict
    wrong = judge(dist, name, keys=[keys / "ci.pub"], registry="https://registry.example.test/")
    assert wrong.code == "signature.registry-mismatch"


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(bytes(data))


def _other_build(path: Path) -> None:
    files = {"app_kit/__init__.py": b"x = 2\n"}
    path.write_bytes(wheel(files) if path.suffix == ".whl" else sdist(files))


VERIFY: dict[str, tuple[str, Callable[[Path], object], dict[str, Any], str]] = {
    "one byte of a wheel": (NAMES[0], _flip, {}, "zip.entry"),
    "another build of the wheel": (NAMES[0], _other_build, {}, "signature.subject-mismatch"),
    "another build of the source distribution": (NAMES[1], _other_build, {}, "signature.subject-mismatch"),
    "another version than expected": (NAMES[0], Path.exists, {"expect": "app-kit@1.1"}, "manifest.unexpected"),
    "a name that Python does not have": (NAMES[0], Path.exists, {"expect": "a~b@1.0"}, "manifest.unexpected"),
}


@pytest.mark.parametrize(("name", "spoil", "options", "code"), VERIFY.values(), ids=VERIFY.keys())
def test_verify_refuses(
    dist: Path, keys: Path, name: str, spoil: Callable[[Path], object], options: dict[str, Any], code: str
) -> None:
    sign(dist, keys, name)
    spoil(dist / name)
    verdict = judge(dist, name, keys=[keys / "ci.pub"], **options)
    assert (verdict.code, verdict.verified) == (code, False)


def test_a_statement_about_another_package_does_not_count_for_a_source_distribution(dist: Path, keys: Path) -> None:
    sign(dist, keys, NAMES[1])
    data = sdist(metadata=METADATA.replace(b"1.0", b"1.1"), root="app_kit-1.1")
    (dist / "app_kit-1.1.tar.gz").write_bytes(data)
    bundle = dist / f"{NAMES[1]}.sigstore.jsonl"
    verdict = judge(dist, "app_kit-1.1.tar.gz", keys=[keys / "ci.pub"], bundles=[bundle])
    assert verdict.code == "signature.subject-mismatch"


def test_a_tar_gz_that_is_no_package_is_judged_as_any_file(dist: Path, keys: Path) -> None:
    (dist / "data.tar.gz").write_bytes(b"no archive")
    vxsec.sign([dist / "data.tar.gz"], signers=[f"file:{keys}/ci.pem"], blob=True)
    assert judge(dist, "data.tar.gz", keys=[keys / "ci.pub"]).verified


def test_sign_refuses_a_spoilt_wheel(dist: Path, keys: Path) -> None:
    with pytest.raises(TarballError) as caught:
        sign(dist, keys, "bad.whl")
    assert caught.value.code == "wheel.unlisted"


def test_a_name_of_one_ecosystem_is_no_name_of_another(dist: Path, keys: Path) -> None:
    lines = (dist / "trust.yaml").read_text(encoding="utf-8").splitlines()
    (dist / "trust.yaml").write_text("\n".join(line for line in lines if "pypi" not in line), encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        sign(dist, keys, NAMES[0])
    assert caught.value.code == "registry.missing"


def test_an_attested_statement_is_about_the_package(dist: Path, keys: Path) -> None:
    (dist / "p.json").write_text("{}", encoding="utf-8")
    (made,) = vxsec.attest(
        [dist / NAMES[0]],
        predicate_type="https://example.test/x",
        predicate=dist / "p.json",
        signers=[f"file:{keys}/ci.pem"],
    )
    assert made.subject == PURL


def test_an_approval_shows_the_whole_inventory_and_says_why(dist: Path, keys: Path) -> None:
    made = vxsec.approve(
        [dist / name for name in NAMES], signer=f"file:{keys}/alice.pem", trust=dist / "trust.yaml", project_dir=dist
    )
    assert [one.subject for one in made.files] == [PURL, PURL]
    assert {item.note for item in made.differences} == {
        "earlier versions of Python packages are not read: this is the full inventory"
    }
    assert len(made.differences[0].added) == 4
    with pytest.raises(UsageError) as caught:
        vxsec.approve(
            [dist / NAMES[0]], signer=f"file:{keys}/alice.pem", trust=dist / "trust.yaml", project_dir=dist, push=True
        )
    assert caught.value.code == "approve.push"


def test_several_files_of_one_release_are_opened_together_and_no_bytes_twice(dist: Path) -> None:
    opened = inputs.open_artifacts([dist / name for name in NAMES])
    assert [getattr(item, "package", None) for item in opened] == [
        PackageRef(name="app-kit", version="1.0", ecosystem="pypi")
    ] * 2
    (dist / "copy.whl").write_bytes((dist / NAMES[0]).read_bytes())
    with pytest.raises(UsageError) as caught:
        inputs.open_artifacts([dist / NAMES[0], dist / "copy.whl"])
    assert caught.value.code == "usage.duplicate"


def test_an_npm_package_is_not_taken_for_the_python_one_of_that_name(dist: Path, keys: Path) -> None:
    (dist / "app-kit-1.0.0.tgz").write_bytes(pack({"name": "app-kit", "version": "1.0.0"}))
    sign(dist, keys, "app-kit-1.0.0.tgz")
    assert judge(dist, "app-kit-1.0.0.tgz", trust=dist / "trust.yaml").verified
    assert not judge(dist, "app-kit-1.0.0.tgz", keys=[keys / "ci.pub"], registry=INDEX).verified


def test_the_record_row_helper_tells_the_truth() -> None:
    assert record_row("a", b"") == "a,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0"

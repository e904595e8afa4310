"""``vxsec.scan`` over real files and a real index: inputs by their content, sources, exit statuses, attestations."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import vxsec
from support.wheel_factory import METADATA, sdist, wheel
from vxsec.errors import VxsecError
from vxsec.formats.scan_statement import read_attested_scan
from vxsec.formats.sigstore_bundle import read_bundle_lines
from vxsec.formats.statement import read_statement
from vxsec.model.attestation import Bundle, Envelope
from vxsec.model.digest import digest_bytes
from vxsec.model.report.scan import ScanInputKind
from vxsec.model.scan import SCAN_PREDICATE, NotEvaluatedReason
from vxsec.scanning.bom import package_of_purl
from vxsec.testing.artifacts import pack
from vxsec.usecases.scan import inputs as scan_inputs

if TYPE_CHECKING:
    from collections.abc import Callable

    from vxsec.model.report.scan import ScanReport

FIXTURES = Path(__file__).parents[3] / "fixtures"
PROJECT = FIXTURES / "scan"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
HOURS = timedelta(hours=1)


@pytest.fixture(scope="session")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("db")
    for name, ecosystem in (("npm", "npm"), ("PyPI", "PyPI")):
        vxsec.import_database(
            [FIXTURES / "osv" / name], directory=folder, ecosystem=ecosystem, exported_at=NOW - 5 * HOURS, now=NOW
        )
    return folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def counts(report: ScanReport) -> dict[str, int]:
    result = report.result
    return {
        "packages": result.packages,
        "clean": result.clean,
        "affected": result.affected,
        "malicious": result.malicious,
        "local": result.local,
        "unknown": len(result.not_evaluated),
    }


def reasons(report: ScanReport) -> list[tuple[str, str]]:
    return [(item.package, item.reason.value) for item in report.result.not_evaluated]


def run(*inputs: str | Path, db: Path, **more: Any) -> ScanReport:
    values: dict[str, Any] = {"now": NOW, **more}
    return vxsec.scan(inputs, db=db, **values)


def refused(*inputs: str | Path, db: Path, **more: Any) -> VxsecError:
    with pytest.raises(VxsecError) as caught:
        run(*inputs, db=db, **more)
    return caught.value


def write(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")
    return path


def lockfile(path: Path, packages: dict[str, Any], **root: Any) -> Path:
    entries = {"": {"name": "app", "version": "1.0.0", **root}, **packages}
    return write(path, {"name": "app", "lockfileVersion": 3, "requires": True, "packages": entries})


def _named(purl: str) -> dict[str, str]:
    """Name and version as the purl has them."""
    found = package_of_purl(purl)
    return {"name": found.name, "version": found.version} if found is not None else {}


def bom(path: Path, *purls: str, **members: Any) -> Path:
    components = [
        {"type": "library", **(_named(purl) or {"name": f"c{number}"}), "bom-ref": str(number), "purl": purl}
        for number, purl in enumerate(purls)
    ]
    return write(path, {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components, **members})


# -- lockfiles -----------------------------------------------------------------------------------------------------------


def test_a_lockfile_with_its_routes_lines_and_development_tools(db: Path) -> None:
    report = run(PROJECT / "package-lock.json", db=db, project_dir=FIXTURES)
    assert counts(report) == {"packages": 5, "clean": 2, "affected": 2, "malicious": 1, "local": 0, "unknown": 0}
    assert report.exit_status == 11
    assert report.result.findings[0].id == "MAL-2026-1001"
    route = report.routes["left-padding@1.1.0"]
    assert (route.chains, route.dev) == ((("example-basket@1.2.0", "left-padding@1.1.0"),), False)
    assert report.routes["example-server@3.0.1"].dev
    (scanned,) = report.inputs
    text = (PROJECT / "package-lock.json").read_text(encoding="utf-8").splitlines()
    assert scanned.uri == "scan/package-lock.json"
    assert scanned.lines["node_modules/left-padding"] == text.index('    "node_modules/left-padding": {') + 1
    assert set(scanned.lines) == {
        "node_modules/left-padding",
        "node_modules/example-server",
        "node_modules/@example/template",
    }


def test_a_folder_is_its_lockfile_and_development_tools_can_be_left_out(db: Path) -> None:
    report = run(PROJECT, db=db, omit=["dev"])
    assert counts(report)["packages"] == 4
    assert (report.inputs[0].omitted, report.inputs[0].file) == (1, str(PROJECT / "package-lock.json"))
    assert {finding.package for finding in report.result.findings} == {"left-padding@1.1.0", "@example/template@2.3.0"}


def test_the_same_packages_in_two_files_are_counted_once(db: Path, folder: Path) -> None:
    shutil.copy(PROJECT / "package-lock.json", folder / "npm-shrinkwrap.json")
    sbom = bom(folder / "bom.json", "pkg:npm/left-padding@1.1.0", "pkg:npm/new@1.0.0")
    report = run(folder / "npm-shrinkwrap.json", sbom, db=db)
    assert counts(report)["packages"] == 6
    assert [one.kind for one in report.inputs] == [ScanInputKind.NPM_LOCKFILE, ScanInputKind.CYCLONEDX]


def test_every_kind_of_source_has_its_end(db: Path, folder: Path) -> None:
    sri = "sha512-" + "A" * 86 + "=="
    path = lockfile(
        folder / "package-lock.json",
        {
            "packages/own": {"name": "left-padding", "version": "9.9.9"},
            "node_modules/left-padding": {"resolved": "packages/own", "link": True},
            "node_modules/alias": {"name": "right-padding", "version": "1.0.0", "integrity": sri},
            "node_modules/__proto__x": {"version": "1.0.0", "integrity": sri},
            "node_modules/git": {"version": "1.0.0", "resolved": "git+ssh://git@git.example.test/a.git#" + "a" * 40},
            "node_modules/file": {"version": "1.0.0", "resolved": "file:../file.tgz", "integrity": sri},
        },
        workspaces=["packages/*"],
        dependencies={
            "alias": "npm:right-padding@1", "git": "git+ssh://x", "file": "file:../file.tgz", "gone": "^1.0.0",
            "left-padding": "*",
        },
    )  # fmt: skip
    path.write_text(path.read_text(encoding="utf-8").replace("__proto__x", "constructor"), encoding="utf-8")
    report = run(path, db=db)
    assert counts(report) == {"packages": 6, "clean": 2, "affected": 0, "malicious": 0, "local": 1, "unknown": 3}
    assert sorted(reason for _, reason in reasons(report)) == ["file", "git", "range"]
    assert report.exit_status == 4


def test_the_reason_can_be_allowed_one_by_one(db: Path, folder: Path) -> None:
    path = lockfile(
        folder / "package-lock.json",
        {"node_modules/git": {"version": "1.0.0", "resolved": "git+ssh://git@git.example.test/a.git#" + "a" * 40}},
        dependencies={"git": "git+ssh://x", "gone": "^1.0.0"},
    )
    assert run(path, db=db, allow_unevaluated=["git"]).exit_status == 4
    report = run(path, db=db, allow_unevaluated=["range", NotEvaluatedReason.GIT, "git"])
    assert (report.exit_status, report.allowed) == (0, (NotEvaluatedReason.GIT, NotEvaluatedReason.RANGE))


def test_nothing_to_look_up_is_clean_even_without_a_database(folder: Path) -> None:
    report = run(lockfile(folder / "package-lock.json", {}), db=folder / "none")
    assert (report.exit_status, counts(report)["packages"], report.result.databases) == (0, 0, ())


def test_a_circle_and_a_deep_chain_end(db: Path, folder: Path) -> None:
    size = 1500
    packages: dict[str, dict[str, Any]] = {
        f"node_modules/p{number}": {"version": "1.0.0", "dependencies": {f"p{(number + 1) % size}": "*"}}
        for number in range(size)
    }
    packages["node_modules/p700"]["dependencies"]["left-padding"] = "*"
    packages["node_modules/left-padding"] = {"version": "1.0.0"}
    report = run(lockfile(folder / "package-lock.json", packages, dependencies={"p0": "*"}), db=db)
    assert counts(report)["packages"] == size + 1
    assert len(report.routes["left-padding@1.0.0"].chains[0]) == 9


# -- SBOMs ---------------------------------------------------------------------------------------------------------------


def test_an_sbom_of_several_ecosystems(db: Path, folder: Path) -> None:
    path = bom(
        folder / "any-name-at-all",
        "pkg:npm/%40example/colours@2.0.1",
        "pkg:npm/right-padding@1.0.0",
        "pkg:pypi/Example_Parser@1.4",
        "pkg:golang/g.example.test/x@v1.0.0",
        "pkg:npm/no-version",
    )
    report = run(path, db=db)
    assert counts(report) == {"packages": 5, "clean": 1, "affected": 1, "malicious": 1, "local": 0, "unknown": 2}
    assert reasons(report) == [("g.example.test/x@v1.0.0", "ecosystem"), ("c4", "no-version")]
    assert [state.ecosystem for state in report.result.databases] == ["npm", "pypi"]


def test_an_sbom_that_calls_itself_incomplete_is_no_whole_answer(db: Path, folder: Path) -> None:
    path = bom(folder / "b.json", "pkg:npm/fine@1.0.0", compositions=[{"aggregate": "incomplete"}])
    report = run(path, db=db)
    assert (report.exit_status, [reason for _, reason in reasons(report)]) == (4, ["range"])


CONTRADICTIONS: dict[str, dict[str, Any]] = {
    "another name": {"name": "evil", "version": "1.0.0", "purl": "pkg:npm/fine@1.0.0"},
    "another version": {"name": "fine", "version": "1.5.0", "purl": "pkg:npm/fine@2.0.0"},
    "another group": {"group": "@ev", "name": "il", "version": "1.0.0", "purl": "pkg:npm/fine@1.0.0"},
    "a scope only in the purl": {"name": "fine", "version": "1.0.0", "purl": "pkg:npm/%40ev/fine@1.0.0"},
    "Python": {"name": "evil", "version": "1.0", "purl": "pkg:pypi/fine@1.0"},
}


@pytest.mark.parametrize("component", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_component_that_is_two_packages_is_not_clean(db: Path, folder: Path, component: dict[str, Any]) -> None:
    report = run(bom(folder / "b.json", components=[{"type": "library", "bom-ref": "1", **component}]), db=db)
    (found,) = report.result.not_evaluated
    assert (report.exit_status, report.result.clean, found.reason) == (4, 0, NotEvaluatedReason.NO_VERSION)
    assert "by its purl" in found.detail


def test_a_component_that_nobody_describes_is_not_clean(db: Path, folder: Path) -> None:
    needs = [{"ref": "0", "dependsOn": ["ghost", "0"]}]
    report = run(bom(folder / "b.json", "pkg:npm/fine@1.0.0", dependencies=needs), db=db)
    assert (report.exit_status, report.result.clean) == (4, 1)
    assert reasons(report) == [("ghost (no component of the SBOM has this reference)", "range")]


def test_an_sbom_without_components_is_clean(db: Path, folder: Path) -> None:
    assert run(bom(folder / "b.json"), db=db).exit_status == 0


def test_a_document_with_the_words_of_two_kinds_is_told_by_its_top(db: Path, folder: Path) -> None:
    noted = [{"name": "lockfileVersion", "value": "3"}, {"name": '"auditReportVersion"', "value": "2"}]
    worded = bom(
        folder / "b.json", "pkg:npm/left-padding@1.1.0", properties=[*noted, {"name": "x", "lockfileVersion": 1}]
    )
    assert run(worded, db=db).inputs[0].kind is ScanInputKind.CYCLONEDX
    path = lockfile(
        folder / "l.json", {"node_modules/bomFormat": {"version": "1.0.0"}}, dependencies={"bomFormat": "1"}
    )
    assert run(path, db=db).inputs[0].kind is ScanInputKind.NPM_LOCKFILE
    written = (folder / "l.json").read_text(encoding="utf-8").replace("lockfileVersion", "lockfile\\u0056ersion")
    (folder / "escaped.json").write_text(written, encoding="utf-8")
    assert refused(folder / "escaped.json", db=db).exit_status == 10


# -- packages ------------------------------------------------------------------------------------------------------------


def package(path: Path, manifest: dict[str, Any], files: dict[str, bytes] | None = None) -> Path:
    path.write_bytes(pack({"version": "1.0.0", **manifest}, files or {"index.js": b""}))
    return path


def test_a_package_is_looked_up_itself(db: Path, folder: Path) -> None:
    report = run(package(folder / "x.tgz", {"name": "left-padding"}), db=db)
    assert (report.exit_status, counts(report)["malicious"], counts(report)["packages"]) == (11, 1, 1)
    assert report.inputs[0].kind is ScanInputKind.NPM_PACKAGE


def test_without_a_lockfile_its_ranges_are_not_evaluated(db: Path, folder: Path) -> None:
    manifest = {
        "name": "@acme/a",
        "dependencies": {"b": "^1.0.0"},
        "optionalDependencies": {"c": "~2"},
        "peerDependencies": {"d": "*", "e": "*"},
        "peerDependenciesMeta": {"e": {"optional": True}},
        "devDependencies": {"f": "1"},
    }
    report = run(package(folder / "a.tgz", manifest), db=db)
    assert reasons(report) == [("b@^1.0.0", "range"), ("c@~2", "range"), ("d@*", "range")]
    assert (report.exit_status, counts(report)["clean"], report.inputs[0].dependencies_from) == (4, 1, None)


def test_a_lockfile_resolves_them(db: Path, folder: Path) -> None:
    tgz = package(folder / "a.tgz", {"name": "app", "dependencies": {"left-padding": "^1.0.0"}})
    locked = lockfile(
        folder / "package-lock.json",
        {"node_modules/left-padding": {"version": "1.1.0"}, "node_modules/other": {"version": "1.0.0"}},
        dependencies={"left-padding": "^1.0.0", "other": "*"},
    )
    report = run(tgz, db=db, lockfile=locked)
    assert counts(report) == {"packages": 2, "clean": 1, "affected": 0, "malicious": 1, "local": 0, "unknown": 0}
    (scanned,) = report.inputs
    digest = "sha512:" + digest_bytes(locked.read_bytes()).sha512
    assert (scanned.dependencies_from, scanned.dependencies_digest) == (str(locked), digest)
    assert report.routes["left-padding@1.1.0"].direct


def test_a_lockfile_that_does_not_know_the_package_resolves_nothing(db: Path, folder: Path) -> None:
    tgz = package(folder / "a.tgz", {"name": "stranger", "dependencies": {"left-padding": "^1.0.0"}})
    report = run(tgz, db=db, lockfile=lockfile(folder / "package-lock.json", {}))
    assert (report.exit_status, reasons(report)) == (4, [("left-padding@^1.0.0", "range")])
    assert report.inputs[0].dependencies_digest is None


def sbom_beside(tgz: Path, *purls: str, digest: str | None = None, of: str = "pkg:npm/app@1.0.0") -> Path:
    sha512 = digest or digest_bytes(tgz.read_bytes()).sha512
    root = {
        "type": "library", "bom-ref": "root", **_named(of), "purl": of,
        "hashes": [{"alg": "SHA-512", "content": sha512}],
    }  # fmt: skip
    return bom(Path(f"{tgz}.cdx.json"), *purls, metadata={"component": root})


def test_an_sbom_beside_it_resolves_them(db: Path, folder: Path) -> None:
    tgz = package(folder / "a.tgz", {"name": "app", "dependencies": {"left-padding": "^1.0.0", "gone": "1"}})
    beside = sbom_beside(tgz, "pkg:npm/left-padding@1.1.0")
    report = run(tgz, db=db)
    assert counts(report) == {"packages": 3, "clean": 1, "affected": 0, "malicious": 1, "local": 0, "unknown": 1}
    assert reasons(report) == [("gone@1", "range")]
    digest = "sha256:" + digest_bytes(beside.read_bytes()).sha256
    assert (report.inputs[0].dependencies_from, report.inputs[0].dependencies_digest) == (str(beside), digest)


UNANSWERED = {
    "a version above the range": ("^1.0.0", "pkg:npm/left-padding@2.0.0"),
    "another version than the one asked for": ("1.1.0", "pkg:npm/left-padding@1.1.1"),
    "a pre-release that the range leaves out": ("^1.0.0", "pkg:npm/left-padding@1.2.0-rc.1"),
    "a tag, which may be any version": ("latest", "pkg:npm/left-padding@9.0.0"),
    "a version that is none": ("*", "pkg:npm/left-padding@one"),
    "another package": ("^1.0.0", "pkg:npm/right-padding@1.1.0"),
    "a package of another ecosystem's version": ("^1.0.0", "pkg:pypi/left-padding@1.1.0.dev1"),
    "an alias's own name": ("npm:left-padding@^1.0.0", "pkg:npm/asked@1.1.0"),
}


@pytest.mark.parametrize(("asked", "listed"), UNANSWERED.values(), ids=UNANSWERED)
def test_an_sbom_beside_it_answers_no_other_question(db: Path, folder: Path, asked: str, listed: str) -> None:
    name = "asked" if asked.startswith("npm:") else "left-padding"
    tgz = package(folder / "a.tgz", {"name": "app", "dependencies": {name: asked}})
    sbom_beside(tgz, listed)
    report = run(tgz, db=db)
    label = f"left-padding@{asked.removeprefix('npm:left-padding@')}"
    assert (label, "range") in reasons(report)
    assert report.exit_status in {4, 11}


def test_an_address_is_no_question_that_an_sbom_answers(db: Path, folder: Path) -> None:
    wanted = {"a": "https://h.example.test/x.tgz", "b": "git+https://h.example.test/b.git"}
    tgz = package(folder / "a.tgz", {"name": "app", "dependencies": wanted})
    sbom_beside(tgz, "pkg:npm/a@9.0.0", "pkg:npm/b@1.0.0")
    report = run(tgz, db=db)
    assert reasons(report) == [("b@git:…", "git"), ("a@url:…", "url")]
    assert report.exit_status == 4


def test_a_source_that_the_sbom_tells_too_is_told_once(db: Path, folder: Path) -> None:
    tgz = package(folder / "a.tgz", {"name": "app", "dependencies": {"b": "git+https://h.example.test/b.git"}})
    path = sbom_beside(tgz, "pkg:npm/b@1.0.0")
    document = json.loads(path.read_bytes())
    document["components"][0]["properties"] = [{"name": "vxsec:source", "value": "git"}]
    write(path, document)
    assert reasons(run(tgz, db=db)) == [("b@1.0.0", "git")]


def test_more_versions_than_anybody_installs_answer_nothing(db: Path, folder: Path) -> None:
    tgz = package(folder / "a.tgz", {"name": "app", "dependencies": {"b": "1.0.1"}})
    sbom_beside(tgz, *(f"pkg:npm/b@1.0.{number}" for number in range(101)))
    assert reasons(run(tgz, db=db)) == [("b@1.0.1", "range")]


@pytest.mark.parametrize(
    ("listed", "unknown"),
    [("1.5", []), ("1.5.0rc1", []), ("2.0", [("six@<2", "range")]), ("x", [("six@<2", "range"), ("six@x", "version")])],
)
def test_a_python_requirement_is_answered_by_a_version_in_its_range(
    db: Path, folder: Path, listed: str, unknown: list[tuple[str, str]]
) -> None:
    file = folder / "app_kit-1.0-py3-none-any.whl"
    file.write_bytes(wheel(metadata=METADATA + b"Requires-Dist: six<2\n"))
    sbom_beside(file, f"pkg:pypi/six@{listed}", of="pkg:pypi/app-kit@1.0")
    assert reasons(run(file, db=db)) == unknown


def test_what_is_carried_inside_answers_only_its_own_range(db: Path, folder: Path) -> None:
    tgz = package(
        folder / "a.tgz",
        {"name": "app", "dependencies": {"carried": "2"}},
        {"index.js": b"", "node_modules/carried/package.json": b'{"name":"carried","version":"1.0.0"}'},
    )
    assert reasons(run(tgz, db=db)) == [("carried@2", "range")]


def test_an_sbom_beside_it_that_is_about_other_bytes_is_refused(db: Path, folder: Path) -> None:
    tgz = package(folder / "a.tgz", {"name": "app"})
    sbom_beside(tgz, digest="ab" * 64)
    error = refused(tgz, db=db)
    assert (error.code, error.exit_status) == ("sbom.mismatch", 10)


def test_a_lockfile_comes_before_the_sbom_beside_it(db: Path, folder: Path) -> None:
    tgz = package(folder / "a.tgz", {"name": "app"})
    sbom_beside(tgz, digest="ab" * 64)
    assert run(tgz, db=db, lockfile=lockfile(folder / "package-lock.json", {})).exit_status == 0


def test_what_a_package_carries_inside_is_looked_up_whatever_it_says_of_itself(db: Path, folder: Path) -> None:
    tgz = package(
        folder / "a.tgz",
        {"name": "app", "dependencies": {"carried": "1", "open": "1"}},
        {
            "index.js": b"",
            "node_modules/carried/package.json": b'{"name":"carried","version":"1.0.0"}',
            "node_modules/hidden/package.json": b'{"name":"left-padding","version":"1.1.0"}',
            "node_modules/torn/package.json": b"{",
        },
    )
    report = run(tgz, db=db)
    assert counts(report) == {"packages": 5, "clean": 2, "affected": 0, "malicious": 1, "local": 0, "unknown": 2}
    assert reasons(report) == [("node_modules/torn", "no-version"), ("open@1", "range")]
    assert report.result.findings[0].paths == ("node_modules/hidden",)


def test_python_files_are_looked_up_in_their_own_data(db: Path, folder: Path) -> None:
    evil = METADATA.replace(b"app-kit", b"example-requets").replace(b"App.Kit", b"example-requets")
    (folder / "app_kit-1.0-py3-none-any.whl").write_bytes(wheel())
    (folder / "app_kit-1.0.tar.gz").write_bytes(sdist())
    report = run(folder / "app_kit-1.0-py3-none-any.whl", folder / "app_kit-1.0.tar.gz", db=db)
    assert [one.kind for one in report.inputs] == [ScanInputKind.WHEEL, ScanInputKind.SDIST]
    assert report.result.databases[0].ecosystem == "pypi"
    assert counts(report)["clean"] == 1
    assert evil


PIP_REPORT = {
    "version": "1",
    "pip_version": "25.0",
    "environment": dict.fromkeys(
        (
            "implementation_name", "implementation_version", "os_name", "platform_machine", "platform_release",
            "platform_python_implementation", "platform_system", "platform_version", "python_full_version",
            "python_version", "sys_platform",
        ),
        "3.11",
    ),
}  # fmt: skip


def pip_item(name: str, version: str, *, requested: bool = False, requires: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "download_info": {
            "url": f"https://packages.example.test/{name}.whl",
            "archive_info": {"hashes": {"sha256": "ab" * 32}},
        },
        "is_direct": False,
        "requested": requested,
        "metadata": {"metadata_version": "2.1", "name": name, "version": version, "requires_dist": list(requires)},
    }


def test_a_pip_report_and_what_it_was_asked_for(db: Path, folder: Path) -> None:
    items = [
        pip_item("example-requets", "1.0", requested=True, requires=("example-parser",)),
        pip_item("example-parser", "1.4"),
    ]
    report = run(write(folder / "report.json", {**PIP_REPORT, "install": items}), db=db)
    assert counts(report) == {"packages": 2, "clean": 0, "affected": 1, "malicious": 1, "local": 0, "unknown": 0}
    several = [pip_item("a", "1.0", requested=True), pip_item("b", "1.0", requested=True)]
    assert counts(run(write(folder / "two.json", {**PIP_REPORT, "install": several}), db=db))["clean"] == 2


# -- what is refused -----------------------------------------------------------------------------------------------------


def _file(name: str, content: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


LOCK_V1 = b'{"name":"x","lockfileVersion":1,"dependencies":{}}'
TWICE = b'{"lockfileVersion":3,"lockfileVersion":3,"packages":{"":{}}}'
BOTH = b'{"lockfileVersion":3,"packages":{"":{}},"bomFormat":"CycloneDX","specVersion":"1.6"}'
XML = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><bom xmlns="http://cyclonedx.org/schema/bom/1.6">&a;</bom>'
)
REFUSED = {
    "no such file": (lambda folder: folder / "gone.json", "file.missing", 2),
    "a folder without a lockfile": (lambda folder: folder, "file.missing", 2),
    "an empty file": (_file("package-lock.json", b" \n"), "lockfile.empty", 3),
    "an empty file of another name": (_file("x.json", b""), "lockfile.empty", 3),
    "pnpm": (_file("pnpm-lock.yaml", b"lockfileVersion: '9.0'\n"), "lockfile.unsupported", 3),
    "yarn": (_file("yarn.lock", b"# yarn lockfile v1\n"), "lockfile.unsupported", 3),
    "bun": (_file("bun.lock", b'{"lockfileVersion": 1}'), "lockfile.unsupported", 3),
    "npm's first version": (_file("package-lock.json", LOCK_V1), "lockfile.unsupported", 3),
    "an SPDX document": (_file("x.json", b'{"spdxVersion":"SPDX-2.3"}'), "scan.input", 3),
    "a package.json": (_file("package.json", b'{"name":"x","version":"1.0.0"}'), "scan.input", 3),
    "an audit as input": (_file("a.json", (PROJECT / "npm-audit.json").read_bytes()), "scan.input", 3),
    "a requirements file": (_file("requirements.txt", b"flask==1.0\n"), "lockfile.unsupported", 3),
    "two keys alike": (_file("package-lock.json", TWICE), "json.duplicate-key", 10),
    "a cut lockfile": (_file("package-lock.json", b'{"lockfileVersion":3,"packages":{'), "json.syntax", 10),
    "an XML SBOM with entities": (_file("bom.xml", XML), "sbom.xml-entity", 10),
    "an XML SBOM": (_file("bom.xml", XML.partition(b"<!DOCTYPE")[0] + b"<bom/>"), None, 3),
    "an SBOM of no version": (_file("b.json", b'{"bomFormat":"CycloneDX"}'), "sbom.version-unsupported", 3),
    "a lockfile and an SBOM in one": (_file("b.json", BOTH), "scan.ambiguous", 10),
    "no archive in a .tgz": (_file("a.tgz", b"no archive"), "archive.not-gzip", 10),
    "JSON in a .tgz": (_file("a.tgz", LOCK_V1), "archive.not-gzip", 10),
    "no archive in a wheel": (_file("a.whl", b"no archive"), None, 10),
    "a cut archive": (_file("a.bin", b"\x1f\x8b\x08\x00"), None, 10),
    "a list": (_file("x.json", b"[]"), "lockfile.unsupported", 3),
    "a torn document of no kind": (_file("x.json", b'{"x":'), "json.syntax", 10),
}


@pytest.mark.parametrize(("make", "code", "status"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_scanned_is_refused_not_clean(
    db: Path, folder: Path, make: Callable[[Path], Path], code: str | None, status: int
) -> None:
    error = refused(make(folder), db=db)
    assert (error.exit_status, code in {None, error.code}) == (status, True), error.code
    assert error.hint


def test_a_lockfile_that_npm_ignores_is_refused(db: Path, folder: Path) -> None:
    shutil.copy(PROJECT / "package-lock.json", folder / "package-lock.json")
    shutil.copy(PROJECT / "package-lock.json", folder / "npm-shrinkwrap.json")
    assert refused(folder / "package-lock.json", db=db).code == "lockfile.shadowed"
    assert run(folder, db=db).inputs[0].file == str(folder / "npm-shrinkwrap.json")


def test_a_lockfile_of_another_kind_resolves_no_package(db: Path, folder: Path) -> None:
    tgz = package(folder / "a.tgz", {"name": "app"})
    (folder / "yarn.lock").write_text("# yarn lockfile v1\n", encoding="utf-8")
    error = refused(tgz, db=db, lockfile=folder / "yarn.lock")
    assert (error.code, error.exit_status) == ("lockfile.unsupported", 3)


OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "a threshold nobody knows": ({"fail_on": "severe"}, "scan.fail-on"),
    "a reason nobody knows": ({"allow_unevaluated": ["all"]}, "scan.allow-unevaluated"),
    "no database is never allowed": ({"allow_unevaluated": ["database"]}, "scan.allow-unevaluated"),
    "an age below nothing": ({"max_db_age": timedelta(seconds=-1)}, "scan.max-db-age"),
    "leaving out what is installed": ({"omit": ["prod"]}, "scan.omit"),
    "a lockfile for no package": ({"lockfile": PROJECT / "package-lock.json"}, "usage.options"),
    "an attestation about a lockfile": ({"signers": ["env:NONE"]}, "scan.attest-subject"),
    "an attestation of another time": ({"signers": ["env:NONE"], "at": NOW}, "usage.options"),
    "an audit that is gone": ({"npm_audit": "gone.json"}, "file.missing"),
}


@pytest.mark.parametrize(("options", "code"), OPTIONS.values(), ids=OPTIONS.keys())
def test_options_that_make_no_sense_are_refused(db: Path, folder: Path, options: dict[str, Any], code: str) -> None:
    error = refused(PROJECT / "package-lock.json", db=db, project_dir=folder, **options)
    assert (error.code, error.exit_status, bool(error.hint)) == (code, 2, True)


def test_no_input_is_no_clean_result(db: Path) -> None:
    assert refused(db=db).code == "usage.no-files"


# -- the database --------------------------------------------------------------------------------------------------------


def test_no_database_clears_nothing_and_names_the_next_step(folder: Path) -> None:
    report = run(PROJECT / "package-lock.json", db=folder / "none")
    assert (report.exit_status, counts(report)["unknown"], counts(report)["clean"]) == (4, 5, 0)
    (problem,) = report.problems
    assert (problem.ecosystem, problem.code, "vxsec db" in (problem.hint or "")) == ("npm", "db.missing", True)


def _flip(db: Path) -> None:
    (index,) = db.glob("npm-*.sqlite")
    data = bytearray(index.read_bytes())
    data[len(data) // 2] ^= 1
    index.write_bytes(data)


def _cut(db: Path) -> None:
    (index,) = db.glob("npm-*.sqlite")
    index.write_bytes(index.read_bytes()[:100])


def _forget(db: Path) -> None:
    (index,) = db.glob("npm-*.sqlite")
    index.unlink()


@pytest.mark.parametrize("damage", [_flip, _cut, _forget], ids=["a flipped bit", "a cut file", "a file that is gone"])
def test_a_damaged_database_clears_nothing(db: Path, folder: Path, damage: Callable[[Path], None]) -> None:
    copy = folder / "db"
    shutil.copytree(db, copy)
    damage(copy)
    report = run(PROJECT / "package-lock.json", db=copy)
    assert (report.exit_status, counts(report)["clean"], report.problems[0].code) == (4, 0, "db.damaged")


@pytest.mark.parametrize(
    ("options", "code", "as_of"),
    [
        ({"now": NOW + timedelta(days=4)}, "db.too-old", False),
        ({"max_db_age": timedelta(hours=1)}, "db.too-old", False),
        ({"at": NOW + timedelta(days=400)}, "db.too-old", True),
        ({"at": NOW - timedelta(days=4)}, "db.future", True),
    ],
)
def test_the_age_of_the_data_counts(db: Path, folder: Path, options: dict[str, Any], code: str, *, as_of: bool) -> None:
    path = lockfile(
        folder / "package-lock.json", {"node_modules/fine": {"version": "1.0.0"}}, dependencies={"fine": "*"}
    )
    report = run(path, db=db, **options)
    assert (report.exit_status, counts(report)["clean"], report.as_of) == (4, 0, as_of)
    assert [problem.code for problem in report.problems] == [code]


def test_old_data_still_finds_malware(db: Path) -> None:
    report = run(PROJECT / "package-lock.json", db=db, now=NOW + timedelta(days=90))
    assert (report.exit_status, counts(report)["malicious"], counts(report)["clean"]) == (11, 1, 0)


def test_bad_data_is_no_pass_even_where_every_package_has_a_finding(db: Path, folder: Path) -> None:
    path = lockfile(
        folder / "package-lock.json",
        {"node_modules/ExampleCase": {"version": "1.0.0"}},
        dependencies={"ExampleCase": "*"},
    )
    assert run(path, db=db, fail_on="high").exit_status == 0
    assert run(path, db=db, fail_on="high", now=NOW + timedelta(days=90)).exit_status == 4


def test_records_that_nobody_could_read_are_told(folder: Path) -> None:
    (folder / "records").mkdir()
    for number in range(150):
        affected = [{"package": {"ecosystem": "npm", "name": f"p{number}"}, "versions": ["1.0.0"]}]
        record = {"id": f"MAL-2026-{number:04}", "modified": "2026-01-01T00:00:00Z", "affected": affected}
        write(folder / "records" / f"{record['id']}.json", record)
    (folder / "records" / "MAL-2026-0003.json").write_text("{", encoding="utf-8")
    vxsec.import_database([folder / "records"], directory=folder / "db", ecosystem="npm", exported_at=NOW, now=NOW)
    report = run(PROJECT / "package-lock.json", db=folder / "db")
    assert [note.split(" of ")[0] for note in report.notes] == ["1 records"]


# -- npm's audit ---------------------------------------------------------------------------------------------------------


def test_npms_audit_is_a_second_source(db: Path) -> None:
    report = run(PROJECT / "package-lock.json", db=db, npm_audit=PROJECT / "npm-audit.json")
    sources = {(one.package, one.sources) for one in report.result.findings}
    assert ("example-server@3.0.1", ("npm-audit",)) in sources
    assert report.audit is not None
    assert report.notes == ()


def test_an_audit_of_something_else_is_told(db: Path, folder: Path) -> None:
    report = run(lockfile(folder / "package-lock.json", {}), db=db, npm_audit=PROJECT / "npm-audit.json")
    assert (report.exit_status, len(report.notes)) == (0, 3)


# -- attestations --------------------------------------------------------------------------------------------------------


def test_a_scan_is_attested_about_the_bytes_that_were_scanned(
    db: Path, folder: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tgz = package(folder / "a.tgz", {"name": "app", "dependencies": {"left-padding": "^1.0.0"}})
    before = tgz.read_bytes()
    locked = lockfile(
        folder / "package-lock.json",
        {"node_modules/left-padding": {"version": "1.1.0"}},
        dependencies={"left-padding": "^1.0.0"},
    )
    real = vxsec.open_artifact

    def swapped(*arguments: Any, **more: Any) -> object:
        found = real(*arguments, **more)
        tgz.write_bytes(b"other bytes by now")
        return found

    monkeypatch.setattr(scan_inputs, "open_artifact", swapped)
    signers = [f"file:{keys}/ci.pem", f"file:{keys}/alice.pem"]
    audit = PROJECT / "npm-audit.json"
    report = run(tgz, db=db, lockfile=locked, signers=signers, npm_audit=audit)
    assert (report.exit_status, len(report.attested)) == (11, 2)
    assert {one.bundle for one in report.attested} == {f"{tgz}.sigstore.jsonl"}
    bundles = list(read_bundle_lines(Path(f"{tgz}.sigstore.jsonl").read_bytes(), where="x"))
    assert len(bundles) == 2
    for bundle in bundles:
        assert isinstance(bundle, Bundle)
        assert isinstance(bundle.content, Envelope)
        statement = read_statement(bundle.content.payload, where="x")
        assert statement.predicate_type == SCAN_PREDICATE
        assert statement.subjects[0].name == "pkg:npm/app@1.0.0"
        assert statement.subjects[0].digest["sha512"] == digest_bytes(before).sha512
        scan = read_attested_scan(statement.predicate)
        assert scan.result == report.result
        assert [(one.name, one.kind) for one in scan.files] == [
            ("a.tgz", "npm-package"),
            ("package-lock.json", "dependencies"),
            ("npm-audit.json", "npm-audit"),
        ]
        assert str(folder) not in json.dumps(dict(statement.predicate))


@pytest.mark.parametrize("digest", [None, "ab" * 64], ids=["about these bytes", "about others"])
def test_what_nobody_signed_has_no_part_in_an_attestation(
    db: Path, folder: Path, keys: Path, digest: str | None
) -> None:
    tgz = package(folder / "a.tgz", {"name": "app", "dependencies": {"b": "1"}})
    sbom_beside(tgz, "pkg:npm/b@1.0.0", digest=digest)
    report = run(tgz, db=db, signers=[f"file:{keys}/ci.pem"])
    assert (report.exit_status, reasons(report)) == (4, [("b@1", "range")])
    assert report.inputs[0].dependencies_from is None


def test_a_package_without_dependencies_is_attested_by_the_clock(folder: Path, keys: Path) -> None:
    fresh = folder / "db"
    vxsec.import_database([FIXTURES / "osv" / "npm"], directory=fresh, ecosystem="npm", exported_at=datetime.now(UTC))
    tgz = package(folder / "a.tgz", {"name": "app"})
    report = vxsec.scan([tgz], db=fresh, signers=[f"file:{keys}/ci.pem"])
    (bundle,) = read_bundle_lines(Path(report.attested[0].bundle).read_bytes(), where="x")
    assert isinstance(bundle, Bundle)
    assert isinstance(bundle.content, Envelope)
    scan = read_attested_scan(read_statement(bundle.content.payload, where="x").predicate)
    assert ([one.name for one in scan.files], scan.result.clean) == (["a.tgz"], 1)
    assert abs(scan.scanned_at - datetime.now(UTC)) < HOURS


@pytest.mark.parametrize("others", [0, 2], ids=["a lockfile alone", "two packages"])
def test_an_attestation_is_about_one_package(db: Path, folder: Path, keys: Path, others: int) -> None:
    inputs = [package(folder / f"{number}.tgz", {"name": f"p{number}"}) for number in range(others)]
    error = refused(*(inputs or [PROJECT]), db=db, signers=[f"file:{keys}/ci.pem"])
    assert error.code == "scan.attest-subject"
    assert list(folder.glob("*.jsonl")) == []


def test_a_wrong_key_stops_before_anything_is_looked_up(db: Path, folder: Path) -> None:
    tgz = package(folder / "a.tgz", {"name": "app"})
    assert refused(tgz, db=db, signers=["file:gone.pem"]).code == "file.missing"
    assert refused(tgz, db=db, signers=["env:VXSEC_TEST_NO_SUCH_KEY"]).code == "signer.env-missing"


# -- places --------------------------------------------------------------------------------------------------------------


def test_what_lies_outside_the_project_is_called_by_its_name_alone(folder: Path) -> None:
    (folder / "project").mkdir()
    (folder / "x.json").write_text("{}", encoding="utf-8")
    assert scan_inputs.file_uri(folder / "x.json", project_dir=folder / "project") == "x.json"
    assert scan_inputs.file_uri(folder / "project" / ".." / "x.json", project_dir=folder) == "x.json"
    (folder / "loop").symlink_to("loop")
    assert scan_inputs.file_uri(folder / "loop", project_dir=folder) == "loop"


def test_a_lockfile_on_one_line_has_no_lines(db: Path, folder: Path) -> None:
    flat = json.dumps(json.loads((PROJECT / "package-lock.json").read_bytes()))
    (folder / "package-lock.json").write_text(flat, encoding="utf-8")
    assert run(folder, db=db).inputs[0].lines == {}

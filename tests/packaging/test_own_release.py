"""Our own release: what policies/release asks of the wheel and the sdist holds, and the script that gates them is honest.

The whole of it, with pip and a gate that opens and closes, is a stage of its own in ``.ci/run``.
"""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from typing import TYPE_CHECKING, Any

import pytest

from support.distributions import CHECKOUT, build_distribution
from support.policy_cases import NOW, make_trust
from vxsec.formats.core_metadata import normalise_pypi_name
from vxsec.formats.osv import read_advisory
from vxsec.formats.python_license import stated_license
from vxsec.formats.trust_document import parse_trust_document
from vxsec.inspection.artifact import read_artifact
from vxsec.inspection.content import derive_content
from vxsec.inspection.secrets import find_secrets
from vxsec.model.artifact import Artifact
from vxsec.model.decision import Phase, Verdict
from vxsec.model.evidence import Evidence, LicenseEvidence, LicenseFact, SubjectRef
from vxsec.model.trust import Registry
from vxsec.policy.document import parse_policy
from vxsec.policy.engine import evaluate

if TYPE_CHECKING:
    from pathlib import Path

    from vxsec.model.decision import RuleResult

EXAMPLE = CHECKOUT / "policies" / "release"
SCRIPT = CHECKOUT / ".ci" / "release-gate"
INDEX = Registry(
    label="index", url="https://registry.example.test/legacy/", scopes=(), packages=("vxsec",), ecosystem="pypi"
)


def _policy_text() -> str:
    return (EXAMPLE / "policy.yaml").read_text(encoding="utf-8")


def _results(artifact: Artifact, **kinds: Any) -> dict[str, RuleResult]:
    """What each rule of our release says of what can be judged without a network."""
    subject = SubjectRef(
        filename=artifact.filename,
        package=artifact.package,
        sha256=artifact.digests.sha256,
        sha512=artifact.digests.sha512,
        registry="index",
    )
    decision = evaluate(
        parse_policy(_policy_text().encode(), source="policy.yaml"),
        make_trust(registries=(INDEX,)),
        [Evidence(subject=subject, **kinds)],
        phase=Phase.PUBLISH,
        now=NOW,
    )
    return {result.rule: result for result in decision.subjects[0].results}


def _open(path: Path) -> Artifact:
    artifact = read_artifact(path.read_bytes(), filename=path.name)
    assert isinstance(artifact, Artifact), artifact.reasons
    return artifact


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_what_we_ship_is_what_our_policy_lets_pass(kind: str, request: pytest.FixtureRequest) -> None:
    artifact = _open(request.getfixturevalue(kind))
    assert artifact.package.purl.startswith("pkg:pypi/vxsec@")
    assert {finding.code for finding in artifact.findings} <= {"wheel.entry-points"}
    results = _results(artifact, content=derive_content(artifact), secrets=find_secrets(artifact))
    for rule in ("archive", "files", "size", "secrets"):
        assert results[rule].verdict is Verdict.PASS, f"{results[rule].message}: {results[rule].found}"


def test_every_exception_for_a_made_up_credential_is_needed(sdist: Path) -> None:
    """An exception that outlives its reason would hide the next real one."""
    found = {(fact.path, fact.detector) for fact in find_secrets(_open(sdist)).found}
    entries = re.findall(r"- (\S+)#([a-z-]+)$", _policy_text(), re.MULTILINE)
    assert entries
    for pattern, detector in entries:
        expression = re.escape(pattern).replace(r"\*", "[^/]*")
        assert any(re.fullmatch(expression, path) and detector == name for path, name in found), f"{pattern}#{detector}"


def _installed() -> list[LicenseFact]:
    """The run-time dependencies of vxsec as installed here, by their requirements."""
    from packaging.requirements import Requirement

    pending, seen = ["vxsec"], dict[str, LicenseFact]()
    while pending:
        name = normalise_pypi_name(pending.pop(), where="test")
        if name in seen:
            continue
        found = metadata.distribution(name)
        said = {field: found.metadata.get_all(field) or [] for field in ("License-Expression", "License", "Classifier")}
        expression, text = ("".join(said[field]) for field in ("License-Expression", "License"))
        stated = stated_license(expression, text, said["Classifier"])
        seen[name] = LicenseFact(package=f"{name}@{found.version}", license=stated, source="installed")
        for text in found.requires or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                pending.append(requirement.name)
    return list(seen.values())


def test_every_licence_we_depend_on_was_looked_at_and_every_exception_is_needed(wheel: Path) -> None:
    installed = _installed()
    assert len(installed) > 20
    artifact = _open(wheel)
    result = _results(artifact, licenses=LicenseEvidence(licenses=tuple(installed)))["licenses"]
    assert result.verdict is Verdict.PASS, result.found
    exceptions = re.findall(r"^            - ([a-z0-9-]+)$", _policy_text().partition("exceptions:")[2], re.MULTILINE)
    assert exceptions
    for name in exceptions:
        (fact,) = [fact for fact in installed if fact.package.partition("@")[0] == name]
        alone = LicenseEvidence(licenses=(LicenseFact(package="nobody@1", license=fact.license, source="test"),))
        assert _results(artifact, licenses=alone)["licenses"].verdict is Verdict.FAIL, f"{name} needs no exception"


# -- the script ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def script() -> Any:
    loader = SourceFileLoader("release_gate", str(SCRIPT))
    spec = spec_from_loader("release_gate", loader)
    assert spec is not None
    module = module_from_spec(spec)
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    return module


def test_umask_time_zone_folder_and_age_of_files_change_no_byte(
    unpacked_sdist: Path, built_wheel: Path, script: Any, tmp_path: Path
) -> None:
    output = tmp_path / "dist"
    made = script.build(unpacked_sdist, output, epoch="1767225600", umask=0o077, zone="Asia/Tokyo")
    assert made[built_wheel.name] == built_wheel.read_bytes()
    other = script.build(unpacked_sdist, tmp_path / "later", epoch="1767225602", umask=0o022, zone="UTC")
    assert other[built_wheel.name] != built_wheel.read_bytes()


def _no_sources(target: Path) -> Path:
    target.mkdir(parents=True)
    return target


def test_two_builds_that_differ_are_told(script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builds = iter([{"a.whl": b"1", "a.tar.gz": b""}, {"a.whl": b"2", "a.tar.gz": b""}])
    monkeypatch.setattr(script, "build", lambda *_, **__: next(builds))
    monkeypatch.setattr(script, "copy_sources", _no_sources)
    with pytest.raises(script.GateError, match=r"two builds differ: \['a.whl'\]"):
        script.build_twice(tmp_path, tmp_path, epoch="1", same_as=None)


def test_bytes_that_lie_elsewhere_must_be_the_same(
    script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "build", lambda *_, **__: {"a.whl": b"1", "a.tar.gz": b""})
    monkeypatch.setattr(script, "copy_sources", _no_sources)
    (tmp_path / "a.whl").write_bytes(b"1")
    (tmp_path / "a.tar.gz").write_bytes(b"")
    script.build_twice(tmp_path / "w1", tmp_path, epoch="1", same_as=tmp_path)
    (tmp_path / "a.whl").write_bytes(b"2")
    with pytest.raises(script.GateError, match="is not what is built here"):
        script.build_twice(tmp_path / "w2", tmp_path, epoch="1", same_as=tmp_path)


def test_a_folder_without_both_distributions_is_told(script: Any, tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"")
    with pytest.raises(script.GateError, match="expected one wheel and one source distribution"):
        script.distributions(tmp_path)


@pytest.mark.parametrize(("status", "code"), [(1, ""), (0, "no-such-code")])
def test_another_status_or_reason_than_expected_stops_the_run(script: Any, status: int, code: str) -> None:
    with pytest.raises(script.GateError, match=f"expected exit {status}"):
        script.expect(status, "its version", "--version", code=code)


def test_a_tool_that_fails_stops_the_run(script: Any) -> None:
    with pytest.raises(script.GateError, match="exit 3"):
        script.run(sys.executable, "-c", "raise SystemExit(3)")


def test_the_planted_advisory_is_one_that_vxsec_reads(script: Any) -> None:
    text = script.made_up_advisory(1, "click", "8.5.1", "2026-11-21T00:00:00Z")
    advisory = read_advisory(text.encode(), where="advisory")
    assert advisory.id == "REHEARSAL-2026-1"


def test_the_trust_document_of_a_run_loads_with_its_own_key(
    script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(script.PASSWORD, "secret")
    path = script.prepare_trust(tmp_path, "https://Index.example.test")
    trust = parse_trust_document(path.read_bytes(), source="t", load_key=lambda name: (path.parent / name).read_bytes())
    example = parse_trust_document(
        (EXAMPLE / "trust.yaml").read_bytes(), source="t", load_key=lambda name: (EXAMPLE / name).read_bytes()
    )
    assert trust.registries[0].url == "https://index.example.test/"
    assert trust.keys[0].spki != example.keys[0].spki
    assert (path.parent / "ci.key").is_file()


def test_what_lies_about_in_a_checkout_is_not_copied(script: Any, tmp_path: Path) -> None:
    copied = script.copy_sources(tmp_path / "copy")
    assert (copied / "pyproject.toml").is_file()
    assert not list(copied.glob(".venv*"))
    assert not (copied / ".git").exists()
    assert not list(copied.rglob("*.pyc"))
    same = build_distribution(copied, "sdist", tmp_path / "sdist")
    assert same.read_bytes() == build_distribution(CHECKOUT, "sdist", tmp_path / "sdist2").read_bytes()


def test_its_help_says_what_it_takes() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "--help"], capture_output=True, text=True, check=True)
    for option in ("--output", "--db", "--registry", "--same-as"):
        assert option in done.stdout


def test_ci_and_the_release_workflow_run_the_same_script() -> None:
    assert ".ci/release-gate" in (CHECKOUT / ".ci" / "run").read_text(encoding="utf-8")
    workflow = CHECKOUT / ".github" / "workflows" / "release.yml"
    if not workflow.exists():
        pytest.skip("not a repository")
    text = workflow.read_text(encoding="utf-8")
    assert ".ci/release-gate" in text
    assert text.index("vxsec db update") < text.index(".ci/release-gate")
    publish = text.partition("\n  publish:\n")[2]
    assert "id-token: write" in publish
    assert "id-token" not in text.partition("\n  publish:\n")[0], "nothing but publishing has an identity"
    assert "needs: gate" in publish
    assert "secrets." not in text, "trusted publishing needs no token"

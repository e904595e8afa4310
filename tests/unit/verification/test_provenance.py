"""A provenance's words against its signer's certificate: every field passes, fails, or says why it was not looked at."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from support.interop_kit import GITHUB, GITLAB, ISSUER, github_identity, statement
from support.signing_kit import signer
from vxsec.formats.statement import read_statement
from vxsec.model.verification import CertificateIdentity
from vxsec.model.verified import VerifiedSignature, VerifiedStatement
from vxsec.usecases.provenance import build_provenance
from vxsec.verification.provenance import PROVENANCE_CHECKS, ProvenanceVerdict, check_provenance

if TYPE_CHECKING:
    from collections.abc import Mapping

WORKFLOW = "https://github.com/vextrus/mono/.github/workflows/release.yml@refs/heads/main"
JOB = CertificateIdentity(subject=WORKFLOW, issuer=ISSUER, claims=dict(github_identity().claims))
LEVELS = {WORKFLOW: 3}


def _verified(
    predicate: Mapping[str, object] | None = None, identity: CertificateIdentity | None = JOB, **changes: Any
) -> VerifiedStatement:
    payload = statement(predicate=predicate, **changes)
    signature = VerifiedSignature(spki=signer("ci").spki, identity=identity)
    return VerifiedStatement(statement=read_statement(payload, where="s"), signature=signature)


def _predicate(path: str = "", value: object = ..., environ: Mapping[str, str] = GITHUB) -> dict[str, Any]:
    document: Any = json.loads(json.dumps(build_provenance(environ)))
    if path:
        *parents, last = path.split(".")
        node = document
        for part in parents:
            node = node[int(part) if part.isdigit() else part]
        if value is ...:
            del node[last]
        else:
            node[last] = value
    return dict(document)


def _claiming(**claims: str | None) -> CertificateIdentity:
    merged = {name: value for name, value in {**JOB.claims, **claims}.items() if value is not None}
    return replace(JOB, claims=merged)


def _said(verdict: ProvenanceVerdict) -> dict[str, tuple[str, str | None]]:
    assert tuple(check.id for check in verdict.checks) == PROVENANCE_CHECKS
    return {check.id.removeprefix("provenance."): (check.status.value, check.code) for check in verdict.checks}


def test_a_job_that_tells_the_truth_passes_every_check() -> None:
    verdict = check_provenance(_verified(), builders=LEVELS, verifier="https://github.com/vextrus/gate")
    assert {status for status, _ in _said(verdict).values()} == {"passed"}
    assert (verdict.agrees, verdict.builder, verdict.level) == (True, WORKFLOW, 3)
    assert verdict.claims["runInvocationURI"] == "https://github.com/vextrus/mono/actions/runs/3003/attempts/1"
    assert verdict.provenance is not None


LIES = {
    "another repository": (
        "buildDefinition.externalParameters.workflow.repository",
        "https://github.com/a/b",
        "repository",
    ),
    "another ref": ("buildDefinition.externalParameters.workflow.ref", "refs/heads/evil", "ref"),
    "another workflow": ("buildDefinition.externalParameters.workflow.path", ".github/workflows/x.yml", "workflow"),
    "another commit": ("buildDefinition.resolvedDependencies.0.digest.gitCommit", "0" * 40, "commit"),
    "another event": ("buildDefinition.internalParameters.github.event_name", "pull_request", "trigger"),
    "another runner": ("buildDefinition.internalParameters.github.runner_environment", "self-hosted", "runner"),
    "another repository id": ("buildDefinition.internalParameters.github.repository_id", "1", "repository-id"),
    "another owner id": ("buildDefinition.internalParameters.github.repository_owner_id", "1", "owner-id"),
    "another run": (
        "runDetails.metadata.invocationId",
        "https://github.com/x/y/actions/runs/1/attempts/1",
        "invocation",
    ),
    "another builder": ("runDetails.builder.id", "https://github.com/slsa-framework/builder@v1", "builder"),
}


@pytest.mark.parametrize(("path", "value", "check"), LIES.values(), ids=LIES.keys())
def test_a_predicate_that_says_otherwise_than_the_certificate_fails(path: str, value: str, check: str) -> None:
    verdict = check_provenance(_verified(_predicate(path, value)), builders=LEVELS)
    assert _said(verdict)[check] == ("failed", "provenance.mismatch")
    assert not verdict.agrees
    assert verdict.level == 3  # the level is the certificate's builder's, whatever the predicate says


SILENT = {
    "no event": ("buildDefinition.internalParameters.github.event_name", "trigger"),
    "no runner": ("buildDefinition.internalParameters.github.runner_environment", "runner"),
    "no run": ("runDetails.metadata", "invocation"),
    "no internal parameters": ("buildDefinition.internalParameters", "owner-id"),
}


@pytest.mark.parametrize(("path", "check"), SILENT.values(), ids=SILENT.keys())
def test_what_the_predicate_does_not_say_is_not_run_and_says_so(path: str, check: str) -> None:
    verdict = check_provenance(_verified(_predicate(path)), builders=LEVELS)
    assert _said(verdict)[check] == ("not-run", "provenance.not-stated")
    assert verdict.agrees


def test_a_predicate_without_the_commit_that_the_certificate_names_does_not_agree() -> None:
    verdict = check_provenance(_verified(_predicate("buildDefinition.resolvedDependencies")), builders=LEVELS)
    assert _said(verdict)["commit"] == ("not-run", "provenance.not-stated")
    assert not verdict.agrees
    unclaimed = _claiming(sourceRepositoryDigest=None)
    verdict = check_provenance(
        _verified(_predicate("buildDefinition.resolvedDependencies"), unclaimed), builders=LEVELS
    )
    assert verdict.agrees


def test_two_commits_of_one_repository_fail() -> None:
    ours: Any = _predicate()["buildDefinition"]["resolvedDependencies"][0]
    another = {"uri": f"{ours['uri'].partition('@')[0]}.git@refs/heads/main", "digest": {"gitCommit": "0" * 40}}
    verdict = check_provenance(
        _verified(_predicate("buildDefinition.resolvedDependencies", [ours, another])), builders=LEVELS
    )
    assert _said(verdict)["build-type"] == ("failed", "provenance.malformed")
    assert not verdict.agrees


@pytest.mark.parametrize("claim", ["runInvocationURI", "sourceRepositoryDigest", "buildTrigger", "runnerEnvironment"])
def test_what_the_certificate_does_not_say_is_never_taken_from_the_predicate(claim: str) -> None:
    verdict = check_provenance(_verified(identity=_claiming(**{claim: None})), builders=LEVELS)
    assert claim not in verdict.claims
    codes = {code for status, code in _said(verdict).values() if status == "not-run"}
    assert codes <= {"provenance.no-claim", "provenance.no-verifier"}


def test_a_certificate_without_the_repository_does_not_agree() -> None:
    verdict = check_provenance(_verified(identity=_claiming(sourceRepositoryURI=None)), builders=LEVELS)
    assert _said(verdict)["repository"] == ("not-run", "provenance.no-claim")
    assert not verdict.agrees


def test_a_bare_key_vouches_for_no_build() -> None:
    verdict = check_provenance(_verified(identity=None), builders=LEVELS, verifier="x")
    said = _said(verdict)
    assert said["certificate"] == ("not-run", "provenance.no-certificate")
    assert said["level"] == ("not-run", "provenance.no-builder")
    assert said["separation"] == ("not-run", "provenance.no-verifier")
    assert (verdict.agrees, verdict.level, verdict.claims) == (False, None, {})


def test_a_persons_certificate_vouches_for_no_build() -> None:
    alice = CertificateIdentity(subject="alice@example.test", issuer=ISSUER)
    verdict = check_provenance(_verified(identity=alice), builders=LEVELS)
    assert _said(verdict)["certificate"] == ("not-run", "provenance.no-claims")
    assert _said(verdict)["level"] == ("failed", "provenance.unknown-builder")
    assert not verdict.agrees


UNREADABLE = {
    "another predicate type": ({"predicate_type": "https://slsa.dev/provenance/v0.2"}, "provenance.type"),
    "a predicate without members": ({"predicate": {}}, "provenance.malformed"),
}


@pytest.mark.parametrize(("changes", "code"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_fails_and_everything_else_is_not_run(changes: dict[str, Any], code: str) -> None:
    verdict = check_provenance(_verified(**changes), builders={})
    said = _said(verdict)
    assert said["predicate"] == ("failed", code)
    assert {said[name] for name in ("build-type", "repository", "builder")} == {("not-run", "provenance.not-stated")}
    assert verdict.provenance is None
    assert not verdict.agrees


def test_of_an_unknown_build_type_nothing_is_compared_but_run_and_builder() -> None:
    predicate = _predicate("buildDefinition.buildType", "https://evil.example.test/v1")
    said = _said(check_provenance(_verified(predicate), builders=LEVELS))
    assert said["build-type"] == ("not-run", "provenance.build-type")
    assert said["repository"] == ("not-run", "provenance.not-stated")
    assert said["invocation"] == ("passed", None)


def test_a_known_build_type_without_its_members_fails() -> None:
    verdict = check_provenance(_verified(_predicate("buildDefinition.externalParameters.workflow")), builders=LEVELS)
    assert _said(verdict)["build-type"] == ("failed", "provenance.malformed")
    assert not verdict.agrees


@pytest.mark.parametrize(
    ("kind", "status"), [("github-hosted", ("passed", None)), ("self-hosted", ("failed", "provenance.mismatch"))]
)
def test_npms_way_to_name_the_builder_is_compared_with_the_runner(kind: str, status: tuple[str, str | None]) -> None:
    predicate = _predicate("runDetails.builder.id", f"https://github.com/actions/runner/{kind}")
    assert _said(check_provenance(_verified(predicate), builders=LEVELS))["builder"] == status


def test_a_job_of_gitlab_passes_by_the_same_checks() -> None:
    project = "https://gitlab.example.test/vextrus/mono"
    config = f"{project}//.gitlab-ci.yml@refs/heads/main"
    claims = {
        "sourceRepositoryURI": project,
        "sourceRepositoryRef": "refs/heads/main",
        "sourceRepositoryDigest": GITLAB["CI_COMMIT_SHA"],
        "buildConfigURI": config,
        "buildSignerURI": config,
        "buildTrigger": "push",
        "runnerEnvironment": "gitlab-hosted",
        "sourceRepositoryIdentifier": "77",
        "sourceRepositoryOwnerIdentifier": "7",
        "runInvocationURI": f"{project}/-/jobs/4711",
    }
    identity = CertificateIdentity(subject=config, issuer="https://gitlab.example.test", claims=claims)
    verdict = check_provenance(_verified(_predicate(environ=GITLAB), identity), builders={config: 2}, verifier="gate")
    said = _said(verdict)
    assert said.pop("runner") == ("not-run", "provenance.not-stated")
    assert {status for status, _ in said.values()} == {"passed"}
    assert (verdict.agrees, verdict.level) == (True, 2)


# -- levels and separation ----------------------------------------------------------------------------------------------

REUSABLE = "https://github.com/vextrus/builders/.github/workflows/build.yml@refs/tags/v1"


@pytest.mark.parametrize(
    ("builders", "level", "status"),
    [
        pytest.param({}, None, ("not-run", "provenance.no-builder"), id="no table"),
        pytest.param({"x": 3}, None, ("failed", "provenance.unknown-builder"), id="not in the table"),
        pytest.param({WORKFLOW: 0}, 0, ("passed", None), id="level 0 is a level"),
        pytest.param({WORKFLOW.upper(): 3}, None, ("failed", "provenance.unknown-builder"), id="in other letters"),
        pytest.param({WORKFLOW: 1, REUSABLE: 3}, 1, ("passed", None), id="its own and not another's"),
    ],
)
def test_the_level_is_the_tables(builders: dict[str, int], level: int | None, status: tuple[str, str | None]) -> None:
    verdict = check_provenance(_verified(), builders=builders)
    assert (verdict.level, _said(verdict)["level"]) == (level, status)


def test_the_builder_is_who_signed_the_build_else_the_subject() -> None:
    reusable = _claiming(buildSignerURI=REUSABLE)
    assert check_provenance(_verified(identity=reusable), builders={REUSABLE: 3}).level == 3
    unsigned = _claiming(buildSignerURI=None)
    verdict = check_provenance(_verified(identity=unsigned), builders=LEVELS)
    assert (verdict.builder, verdict.level) == (WORKFLOW, 3)
    by_subject = check_provenance(_verified(identity=reusable), builders=LEVELS)
    assert (by_subject.builder, by_subject.level) == (REUSABLE, 3)
    assert check_provenance(_verified(identity=reusable), builders={REUSABLE: 2, WORKFLOW: 3}).level == 2


@pytest.mark.parametrize("verifier", [WORKFLOW, REUSABLE], ids=["the certificate's subject", "the build's signer"])
def test_nobody_verifies_its_own_build(verifier: str) -> None:
    verdict = check_provenance(
        _verified(identity=_claiming(buildSignerURI=REUSABLE)), builders=LEVELS, verifier=verifier
    )
    assert _said(verdict)["separation"] == ("failed", "provenance.self-verified")
    assert not verdict.agrees

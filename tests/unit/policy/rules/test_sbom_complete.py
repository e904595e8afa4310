"""sbom.complete beyond its cases: who vouches, when that ends, and what is told where nothing counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from support.policy_cases import (
    NOW,
    finding,
    make_evidence,
    make_policy,
    make_signer,
    make_subject,
    make_trust,
    run_rule,
)
from vxsec.errors import ConfigurationError
from vxsec.model.attestation import RejectedSignature
from vxsec.model.decision import Phase
from vxsec.model.evidence import SbomEvidence, SbomFact
from vxsec.policy.engine import evaluate

RULE = "sbom.complete"
CI = make_signer(statement="https://cyclonedx.org/bom")


def _fact(**fields: Any) -> SbomFact:
    return SbomFact(**{"source": "a.jsonl:1", "format": "CycloneDX 1.6", "attested_by": CI, "components": 2, **fields})


def _run(
    *facts: SbomFact, phase: Phase = Phase.PUBLISH, subject: Any = None, parameters: Any = None, **fields: Any
) -> Any:
    evidence = make_evidence(subject, sbom=SbomEvidence(sboms=facts, **fields))
    return run_rule(RULE, evidence, phase=phase, parameters=parameters)


@pytest.mark.parametrize("format_", ["cyclonedx", "CycloneDX 1.6", "CycloneDX 1.5"])
def test_any_spelling_of_the_format_counts(format_: str) -> None:
    result = _run(_fact(format=format_))
    assert (result.code, result.found) == ("sbom.complete", "a.jsonl:1: 2 components, attested by ci")


def test_a_format_that_no_version_reads_is_refused() -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_policy({"use": RULE, "with": {"formats": ["spdx"]}})
    assert caught.value.code == "policy.value"


def test_a_statement_that_has_expired_opens_no_publish_but_an_install() -> None:
    expired = _fact(attested_by=make_signer(expires=NOW))
    assert _run(expired).code == "sbom.not-attested"
    assert _run(expired, phase=Phase.PROMOTE).code == "sbom.not-attested"
    assert _run(expired, phase=Phase.INSTALL).code == "sbom.complete"
    assert _run(_fact(attested_by=make_signer(expires=NOW + timedelta(seconds=1)))).code == "sbom.complete"


def test_one_good_one_is_enough() -> None:
    assert _run(_fact(missing=("supplier",)), _fact()).code == "sbom.complete"
    assert _run(_fact(), incomplete="cut short").code == "sbom.complete"


def test_what_contradicts_the_bytes_is_told_before_a_search_that_was_cut_short() -> None:
    wrong = _fact(mismatches=(finding("sbom.version", "high", "version 1.0.0, the package is 1.1.0"),))
    result = _run(wrong, incomplete="cut short")
    assert (result.verdict, result.code) == ("fail", "sbom.mismatch")
    assert "version 1.0.0, the package is 1.1.0" in (result.found or "")


def test_what_lacks_something_is_unknown_where_more_may_be_there() -> None:
    assert _run(_fact(missing=("supplier",)), incomplete="cut short").code == "sbom.search-incomplete"


def test_what_was_rejected_is_told() -> None:
    rejected = (RejectedSignature(code="signature.untrusted", message="m", source="b.jsonl:1"),)
    assert _run(rejected=rejected).found == "none; not counted: signature.untrusted in b.jsonl:1"
    bare = _run(_fact(attested_by=None), rejected=rejected)
    assert bare.found == "a.jsonl:1, attested by nobody who may; not counted: signature.untrusted in b.jsonl:1"


@pytest.mark.parametrize(
    "parameters", [{}, {"ntia": False}, {"matchLockfile": True}, {"ntia": False, "attested": False}], ids=str
)
@pytest.mark.parametrize("phase", list(Phase))
def test_what_the_manifest_requires_is_asked_for_whatever_the_policy_says(parameters: Any, phase: Phase) -> None:
    lacking = _fact(absent=("left-padding", "@s/b"), drift=())
    result = _run(lacking, parameters=parameters, phase=phase)
    assert (result.verdict, result.code) == ("fail", "sbom.incomplete")
    assert result.found == "a.jsonl:1: no component for left-padding, @s/b"


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({}, "sbom.incomplete"),
        ({"ntia": False, "matchLockfile": True}, "sbom.incomplete"),
        ({"ntia": False}, "sbom.complete"),
    ],
    ids=str,
)
def test_its_own_word_that_it_is_incomplete_counts_where_completeness_is_asked_for(parameters: Any, code: str) -> None:
    assert _run(_fact(says_incomplete=True, drift=()), parameters=parameters).code == code


def test_hints_are_commands_for_files_and_words_for_entries() -> None:
    place = "inside a git repository, or with SOURCE_DATE_EPOCH set"
    attest = "vxsec sbom attest kernel-1.1.0.tgz --signer file:KEY"
    generate = "vxsec sbom generate kernel-1.1.0.tgz --beside"
    assert _run().hint == f"{place}: {attest} --author NAME"
    assert _run(parameters={"ntia": False}).hint == attest
    assert _run(parameters={"attested": False}).hint == f"{place}: {generate} --author NAME"
    assert _run(parameters={"attested": False, "ntia": False}).hint == generate
    wrong = _fact(mismatches=(finding("sbom.digest", "high", "other bytes"),))
    told = f"remove it from a.jsonl:1, then make one of these bytes, {place}: {attest} --author NAME"
    assert _run(wrong).hint == told
    resolve = f"npm install --package-lock-only, then, {place}: {attest} --author NAME --lockfile package-lock.json"
    assert _run(_fact(absent=("left-padding",))).hint == resolve
    assert _run(_fact(drift=("x",)), parameters={"matchLockfile": True}).hint == resolve
    use = {"use": RULE, "with": {"ntia": False}}
    wheel = make_evidence(
        make_subject(name="kernel", ecosystem="pypi"), sbom=SbomEvidence(sboms=(_fact(absent=("evil",)),))
    )
    policy = make_policy(use, match={"ecosystem": "pypi"})
    (result,) = evaluate(policy, make_trust(), [wheel], phase=Phase.PUBLISH, now=NOW).subjects[0].results
    assert result.hint == (
        "pip install --dry-run --ignore-installed --report report.json kernel-1.1.0-py3-none-any.whl, then: "
        "vxsec sbom attest kernel-1.1.0-py3-none-any.whl --signer file:KEY --lockfile report.json"
    )
    entry = type(make_subject())(
        filename="@vextrus/kernel@1.1.0",
        package=make_subject().package,
        sha256=None,
        sha512=make_subject().sha512,
        registry="internal",
    )
    absent = _run(_fact(absent=("b",)), phase=Phase.INSTALL, subject=entry)
    assert absent.hint.startswith("lock a version")
    assert _run(phase=Phase.INSTALL, subject=entry).hint.startswith("lock a version")
    assert _run(wrong, phase=Phase.INSTALL, subject=entry).hint.startswith("lock a version")


def test_a_bare_file_of_other_bytes_is_told_where_attested_ones_are_asked_for() -> None:
    wrong = _fact(attested_by=None, mismatches=(finding("sbom.digest", "high", "other bytes"),))
    assert _run(wrong).code == "sbom.mismatch"
    assert _run(wrong, _fact(missing=("supplier",))).code == "sbom.incomplete"

"""sbom.complete beyond its cases: who vouches, when that ends, and what is told where nothing counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from support.policy_cases import NOW, finding, make_evidence, make_policy, make_signer, make_subject, run_rule
from vxsec.errors import ConfigurationError
from vxsec.model.attestation import RejectedSignature
from vxsec.model.decision import Phase
from vxsec.model.evidence import SbomEvidence, SbomFact

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


def test_hints_are_commands_for_files_and_words_for_entries() -> None:
    assert _run().hint == "vxsec sbom attest kernel-1.1.0.tgz --signer file:KEY"
    assert _run(parameters={"attested": False}).hint == "vxsec sbom generate kernel-1.1.0.tgz --beside"
    wrong = _fact(mismatches=(finding("sbom.digest", "high", "other bytes"),))
    assert _run(wrong).hint.startswith("remove it from a.jsonl:1, then make one of these bytes: vxsec sbom attest ")
    entry = type(make_subject())(
        filename="@vextrus/kernel@1.1.0",
        package=make_subject().package,
        sha256=None,
        sha512=make_subject().sha512,
        registry="internal",
    )
    assert _run(phase=Phase.INSTALL, subject=entry).hint.startswith("lock a version")
    assert _run(wrong, phase=Phase.INSTALL, subject=entry).hint.startswith("lock a version")


def test_a_bare_file_of_other_bytes_is_told_where_attested_ones_are_asked_for() -> None:
    wrong = _fact(attested_by=None, mismatches=(finding("sbom.digest", "high", "other bytes"),))
    assert _run(wrong).code == "sbom.mismatch"
    assert _run(wrong, _fact(missing=("supplier",))).code == "sbom.incomplete"

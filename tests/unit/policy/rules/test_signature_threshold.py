"""signature.threshold beyond its cases: what is said, and who is credited."""

from __future__ import annotations

from datetime import timedelta

import pytest

from support.policy_cases import NOW, make_evidence, make_signer, run_rule
from vxsec.model.attestation import RejectedSignature
from vxsec.model.decision import Phase, Verdict
from vxsec.model.evidence import SignatureEvidence

RULE = "signature.threshold"


def _evidence(*signers: object, **fields: object) -> SignatureEvidence:
    return SignatureEvidence(signers=signers, **fields)  # type: ignore[arg-type]  # rows of a table


def test_says_how_many_of_what_and_why_the_rest_does_not_count() -> None:
    rejected = tuple(RejectedSignature(code=f"signature.x{n}", message="m", source=f"s{n}") for n in range(5))
    evidence = _evidence(
        make_signer(),
        make_signer("ci2", expires=NOW),
        make_signer("ci3", algorithm="rsa-2048"),
        rejected=rejected,
    )
    parameters = {"threshold": 2, "minPerRole": {"machine": 1, "human": 1}, "algorithms": ["ecdsa-p256"]}
    result = run_rule(RULE, make_evidence(signatures=evidence), parameters=parameters)
    assert result.code == RULE
    assert result.expected == "2 distinct holders (1 human, 1 machine) with ecdsa-p256"
    assert result.found == (
        "1 (ci; machine: 1); 1 expired; 1 with another algorithm; "
        "not counted: signature.x0 in s0, signature.x1 in s1, signature.x2 in s2 and 2 more"
    )


HINTS = {
    "nobody signed": ((), {}, "vxsec sign kernel-1.1.0.tgz"),
    "only the person is missing": ((make_signer(),), {"minPerRole": {"human": 1}}, "vxsec approve kernel-1.1.0.tgz"),
    "only the machine is missing": ((make_signer("alice", "human"),), {"minPerRole": {"machine": 1}}, "vxsec sign"),
    "the number is missing": ((make_signer(),), {"threshold": 2}, "vxsec sign"),
}


@pytest.mark.parametrize(("signers", "parameters", "hint"), HINTS.values(), ids=HINTS.keys())
def test_the_next_command_fits_where(signers: tuple[object, ...], parameters: dict[str, object], hint: str) -> None:
    result = run_rule(RULE, make_evidence(signatures=_evidence(*signers)), parameters=parameters)
    assert result.verdict is Verdict.FAIL
    assert result.hint is not None
    assert result.hint.startswith(hint)


@pytest.mark.parametrize("phase", list(Phase))
def test_an_expiry_that_lies_ahead_never_matters(phase: Phase) -> None:
    evidence = make_evidence(signatures=_evidence(make_signer(expires=NOW + timedelta(seconds=1))))
    assert run_rule(RULE, evidence, phase=phase).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("phase", "verdict"), [(Phase.PUBLISH, "fail"), (Phase.PROMOTE, "fail"), (Phase.INSTALL, "pass")]
)
def test_an_expiry_that_has_come_binds_publish_and_promote(phase: Phase, verdict: str) -> None:
    evidence = make_evidence(signatures=_evidence(make_signer(expires=NOW)))
    assert run_rule(RULE, evidence, phase=phase).verdict == verdict


@pytest.mark.parametrize(
    ("statement", "role"), [("release", "human"), ("approval", "machine"), ("blob", "machine"), ("release", "registry")]
)
def test_a_statement_counts_only_in_its_role(statement: str, role: str) -> None:
    evidence = make_evidence(signatures=_evidence(make_signer("x", role, statement=statement)))
    assert run_rule(RULE, evidence).code == "signature.none"


def test_a_search_cut_short_does_not_matter_where_enough_was_found() -> None:
    evidence = make_evidence(signatures=_evidence(make_signer(), foreign=True, incomplete="cut short"))
    assert run_rule(RULE, evidence).verdict is Verdict.PASS


def test_a_search_cut_short_outranks_bytes_that_differ() -> None:
    evidence = make_evidence(signatures=_evidence(foreign=True, incomplete="cut short"))
    assert run_rule(RULE, evidence).code == "signature.search-incomplete"

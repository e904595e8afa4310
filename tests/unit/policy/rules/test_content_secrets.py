"""content.secrets beyond its cases: the entry it prints is the entry it accepts, and no secret stands in a policy."""

from __future__ import annotations

import pytest

from support.policy_cases import make_evidence, make_policy, pasted, run_rule
from vxsec.errors import ConfigurationError
from vxsec.model.evidence import SecretEvidence, SecretFact

RULE = "content.secrets"


def _facts(*places: tuple[str, str]) -> SecretEvidence:
    found = tuple(SecretFact(detector=detector, path=path, line=1, shown="abcd") for path, detector in places)
    return SecretEvidence(found=found, files=9)


def test_the_entry_it_prints_names_path_and_detector() -> None:
    evidence = make_evidence(secrets=_facts(("docs/read me.md", "basic-auth")))
    refused = run_rule(RULE, evidence)
    assert pasted(refused) == {"allow": ["docs/read me.md#basic-auth"]}


@pytest.mark.parametrize(
    "path", ["docs/read me.md", 'say "hi".md', "x/" + "y" * 300], ids=["a space", "quotes", "a long path"]
)
def test_what_it_prints_can_be_pasted(path: str) -> None:
    evidence = make_evidence(secrets=_facts((path, "basic-auth")))
    assert run_rule(RULE, evidence, parameters=pasted(run_rule(RULE, evidence))).code == "secrets.none"


def test_what_it_prints_for_a_large_file_can_be_pasted() -> None:
    evidence = make_evidence(secrets=SecretEvidence(found=(), files=9, not_read=("big.bin",)))
    refused = run_rule(RULE, evidence)
    assert refused.code == "secrets.not-read"
    assert run_rule(RULE, evidence, parameters=pasted(refused)).code == "secrets.none"


@pytest.mark.parametrize(
    "entry", ["a.js", "a.js#", "#npm", "a.js#nmp", "a.js#npm\n", "{a,b}#npm", "../a#npm", "/a#npm"]
)
def test_an_entry_is_refused_when_the_policy_is_loaded(entry: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_policy({"use": RULE, "with": {"allow": [entry]}})
    assert caught.value.code == "policy.value"


@pytest.mark.parametrize("with_", [{"detectors": ["nmp"]}, {"skip": ["[a]"]}], ids=str)
def test_words_that_are_none_are_refused(with_: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_policy({"use": RULE, "with": with_})
    assert caught.value.code == "policy.value"


def test_one_that_is_allowed_does_not_hide_another() -> None:
    evidence = make_evidence(secrets=_facts(("a.js", "npm"), ("a.js", "github")))
    result = run_rule(RULE, evidence, parameters={"allow": ["a.js#npm"]})
    assert (result.code, result.found) == ("secrets.found", "a.js:1 github abcd…")


def test_a_finding_counts_before_what_was_not_read() -> None:
    facts = SecretEvidence(found=_facts(("a.js", "npm")).found, files=9, not_read=("b.bin",))
    assert run_rule(RULE, make_evidence(secrets=facts)).code == "secrets.found"


def test_long_lists_end() -> None:
    evidence = make_evidence(secrets=_facts(*((f"{number}.js", "npm") for number in range(9))))
    assert (run_rule(RULE, evidence).found or "").endswith(" and 4 more")

"""content.install-scripts beyond its cases: the entry it prints is the entry it accepts."""

from __future__ import annotations

import pytest

from support.policy_cases import make_evidence, make_policy, make_subject, pasted, run_rule
from vxsec.errors import ConfigurationError
from vxsec.model.evidence import ContentEvidence, InstallScript

RULE = "content.install-scripts"
DIGEST = "a" * 64
SCRIPTS = (InstallScript(event="install", command="node-gyp rebuild", implicit=True),)
CONTENT = ContentEvidence(refused=(), install_scripts=SCRIPTS, install_digest=DIGEST)


@pytest.mark.parametrize("version", ["1.1.0", "1.1.0-rc.1", "1.1.0+build.5"])
def test_the_entry_it_prints_is_the_entry_it_accepts(version: str) -> None:
    evidence = make_evidence(make_subject(version=version), content=CONTENT)
    refused = run_rule(RULE, evidence)
    assert refused.code == "scripts.unapproved"
    parameters = pasted(refused)
    assert list(parameters) == ["allow"]
    assert run_rule(RULE, evidence, parameters=parameters).code == "scripts.approved"


MALFORMED = {
    "no digest": "@vextrus/kernel@1.1.0",
    "a short digest": "@vextrus/kernel@1.1.0#abc",
    "a digest in capitals": "@vextrus/kernel@1.1.0#" + "A" * 64,
    "no range": "@vextrus/kernel#" + DIGEST,
    "a range that is none": "@vextrus/kernel@latest#" + DIGEST,
    "a name that is none": "@vextrus/@1.0.0#" + DIGEST,
    "more after the digest": "@vextrus/kernel@1.1.0#" + DIGEST + "\n",
    "a pattern for a name": "@vextrus/*#@1.0.0#" + DIGEST,
}


@pytest.mark.parametrize("entry", MALFORMED.values(), ids=MALFORMED.keys())
def test_an_entry_is_refused_when_the_policy_is_loaded(entry: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_policy({"use": RULE, "with": {"allow": [entry]}})
    assert caught.value.code == "policy.value"


def test_a_prerelease_is_not_in_a_range_of_releases() -> None:
    evidence = make_evidence(make_subject(version="1.1.0-rc.1"), content=CONTENT)
    assert (
        run_rule(RULE, evidence, parameters={"allow": [f"@vextrus/kernel@^1.0.0#{DIGEST}"]}).code == "scripts.changed"
    )


def test_any_of_several_entries_will_do() -> None:
    allow = [f"@vextrus/kernel@1.0.0#{'b' * 64}", f"@vextrus/kernel@>=1.1.0#{DIGEST}"]
    assert run_rule(RULE, make_evidence(content=CONTENT), parameters={"allow": allow}).code == "scripts.approved"


def test_scripts_without_a_digest_are_unknown() -> None:
    content = ContentEvidence(refused=(), install_scripts=SCRIPTS)
    result = run_rule(RULE, make_evidence(content=content), parameters={"allow": [f"@vextrus/kernel@*#{DIGEST}"]})
    assert (result.verdict, result.code) == ("unknown", "scripts.not-hashed")


def test_a_version_that_is_none_closes() -> None:
    evidence = make_evidence(make_subject(version="not-a-version"), content=CONTENT)
    result = run_rule(RULE, evidence, parameters={"allow": [f"@vextrus/kernel@*#{DIGEST}"]})
    assert (result.verdict, result.code) == ("error", "rule.error")

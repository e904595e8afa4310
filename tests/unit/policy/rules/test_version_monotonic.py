"""version.monotonic beyond its cases: what is live, the clock, and tags."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from support.policy_cases import NOW, REGISTRY_URL, SHA512, make_evidence, make_subject, run_rule
from vxsec.model.decision import Phase
from vxsec.model.evidence import PackumentState, RegistryEvidence

RULE = "version.monotonic"
SRI = "sha512-" + base64.b64encode(bytes.fromhex(SHA512)).decode()
OTHER = "sha512-" + base64.b64encode(bytes(64)).decode()
LIVE = RegistryEvidence(
    state=PackumentState.PRESENT,
    from_file=False,
    source=REGISTRY_URL,
    versions={"1.0.0": OTHER},
    tags={"latest": "1.0.0"},
    tag="latest",
)

ROWS = {
    "two digests, one of them ours": ({"versions": {"1.1.0": f"{SRI} {OTHER}"}}, "version.exists"),
    "no integrity": ({"versions": {"1.1.0": None}}, "version.exists"),
    "an integrity that is none": ({"versions": {"1.1.0": "sha512-!"}}, "version.exists"),
    "the same bytes, though the clock is wrong": (
        {"versions": {"1.1.0": SRI}, "newest_time": NOW + timedelta(days=1)},
        "already-live",
    ),
    "the newest version five minutes ahead": ({"newest_time": NOW + timedelta(minutes=5)}, "version.higher"),
    "the newest version further ahead": ({"newest_time": NOW + timedelta(minutes=6)}, "version.clock-backwards"),
    "a tag that does not exist yet": ({"tag": "next"}, "version.new-tag"),
    "a tag on a version that is none": ({"tags": {"latest": "one"}}, "version.malformed"),
    "a tag on an equal version of other text": ({"tags": {"latest": "1.1.0+x"}}, "version.downgrade"),
    "no tags": ({"tags": None}, "version.registry-unreadable"),
    "no versions": ({"versions": None}, "version.registry-unreadable"),
    "no tag to move": ({"tag": None}, "version.registry-unreadable"),
    "a file that says absent": ({"state": PackumentState.ABSENT, "from_file": True}, "version.packument-from-file"),
    "absent": ({"state": PackumentState.ABSENT, "versions": None, "tags": None}, "version.first"),
}


@pytest.mark.parametrize(("change", "code"), ROWS.values(), ids=ROWS.keys())
def test_answers(change: dict[str, object], code: str) -> None:
    registry = replace(LIVE, **change)  # type: ignore[arg-type]  # rows of a table
    assert run_rule(RULE, make_evidence(registry=registry)).code == code


def test_bytes_that_were_not_hashed_are_not_the_same() -> None:
    evidence = make_evidence(make_subject(sha512=None), registry=replace(LIVE, versions={"1.1.0": SRI}))
    assert run_rule(RULE, evidence).code == "version.exists"


def test_an_own_version_that_is_none_is_unknown() -> None:
    evidence = make_evidence(make_subject(version="v1"), registry=LIVE)
    assert run_rule(RULE, evidence).code == "version.malformed"


def test_an_allowed_tag_does_not_allow_another() -> None:
    registry = replace(LIVE, tags={"latest": "2.0.0"})
    result = run_rule(RULE, make_evidence(registry=registry), parameters={"allowDowngradeTags": ["release-1.x"]})
    assert result.code == "version.downgrade"
    assert "--tag release-1.x" in (result.hint or "")


def test_the_last_moment_there_is_can_be_the_time_of_judgement() -> None:
    registry = replace(LIVE, newest_time=NOW)
    assert run_rule(RULE, make_evidence(registry=registry), now=datetime.max.replace(tzinfo=UTC)).verdict == "pass"


def test_it_has_no_say_after_publish() -> None:
    for phase in (Phase.PROMOTE, Phase.INSTALL):
        assert run_rule(RULE, make_evidence(registry=LIVE), phase=phase).verdict == "not-applicable"

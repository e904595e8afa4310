"""A decision for machines: complete, plain values, and the verdict in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any, cast

from support.policy_cases import NOW, finding, make_evidence, make_policy, make_signer, make_subject, make_trust
from vxsec.model.decision import Phase
from vxsec.model.evidence import ContentEvidence, SignatureEvidence
from vxsec.policy.engine import evaluate
from vxsec.report.decision_json import render_decision

SIGNED = make_evidence(signatures=SignatureEvidence(signers=(make_signer(),)))


def test_everything_a_decision_rests_on_is_there() -> None:
    policy = make_policy({"use": "signature.threshold"})
    rendered = render_decision(evaluate(policy, make_trust(), [SIGNED], phase=Phase.PUBLISH, now=NOW, as_of=True))
    assert rendered == {
        "schema": "urn:vxsec:schema:decision:v1",
        "verdict": "allow",
        "exitStatus": 0,
        "mode": "enforce",
        "phase": "publish",
        "now": "2026-11-21T12:00:00Z",
        "asOf": True,
        "rehearsal": False,
        "simulated": False,
        "policy": {"name": "test", "version": 3, "source": "policy.json", "sha256": policy.ref.sha256},
        "trust": {"source": "trust.yaml", "sha256": "0" * 64, "signed": False},
        "subjects": [
            {
                "filename": "kernel-1.1.0.tgz",
                "purl": "pkg:npm/%40vextrus/kernel@1.1.0",
                "name": "@vextrus/kernel",
                "version": "1.1.0",
                "registry": "internal",
                "sha256": SIGNED.subject.sha256,
                "sha512": SIGNED.subject.sha512,
                "verdict": "allow",
                "signedBy": ["ci"],
                "results": [
                    {
                        "scope": "s",
                        "rule": "r0",
                        "use": "signature.threshold",
                        "verdict": "pass",
                        "disposition": "enforced",
                        "closes": False,
                        "code": "signature.threshold",
                        "message": "enough signatures",
                        "expected": None,
                        "found": "ci",
                        "hint": None,
                    }
                ],
            }
        ],
    }


def test_refused_bytes_have_no_name() -> None:
    content = ContentEvidence(refused=(finding("archive.link", "high"),))
    evidence = make_evidence(replace(make_subject(), package=None), content=content)
    rendered = render_decision(
        evaluate(
            make_policy({"use": "archive.safe"}, mode="warn"), make_trust(), [evidence], phase=Phase.PUBLISH, now=NOW
        )
    )
    assert rendered["verdict"] == "deny"
    assert rendered["exitStatus"] == 11
    subject = cast("list[Any]", rendered["subjects"])[0]
    assert (subject["purl"], subject["name"], subject["version"]) == (None, None, None)
    assert subject["results"][0]["closes"] is True


def test_the_time_is_utc() -> None:
    now = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    rendered = render_decision(
        evaluate(make_policy({"use": "archive.safe"}), make_trust(), [SIGNED], phase=Phase.PUBLISH, now=now)
    )
    assert rendered["now"] == "2026-11-21T12:00:00Z"

"""A rule is a file, a row, a test file and cases on both sides; where one is missing, this fails."""

from __future__ import annotations

import dataclasses
import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from support.policy_cases import NOW, REQUIRED, load_cases, make_evidence, make_trust
from vxsec.model.decision import Phase, PolicyRef, Verdict
from vxsec.model.package import NPM, PYPI
from vxsec.policy import rules
from vxsec.policy.parameters import describe_parameters
from vxsec.policy.rule import EvidenceKind, Rule, RuleContext
from vxsec.policy.rules import BUILTIN

FOLDER = Path(rules.__file__).parent
FILES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
CASES = tuple(load_cases())
every_rule = pytest.mark.parametrize("rule", BUILTIN, ids=lambda rule: rule.id)


def _stem(rule: Rule[Any]) -> str:
    return rule.id.replace(".", "_").replace("-", "_")


def test_the_table_has_every_file_and_every_row_has_its_file() -> None:
    assert sorted(_stem(rule) for rule in BUILTIN) == FILES
    assert len({rule.id for rule in BUILTIN}) == len(BUILTIN)
    for stem in FILES:
        assert importlib.import_module(f"vxsec.policy.rules.{stem}").RULE in BUILTIN


@every_rule
def test_a_rule_has_its_test_file(rule: Rule[Any]) -> None:
    assert (Path(__file__).parent / "rules" / f"test_{_stem(rule)}.py").is_file()


@every_rule
def test_a_rule_has_an_accepted_and_a_refused_case(rule: Rule[Any]) -> None:
    verdicts = {case.table["expect"] for case in CASES if case.rule == rule.id}
    assert "pass" in verdicts
    assert "fail" in verdicts


@every_rule
def test_a_rule_says_why_and_how_to_fix(rule: Rule[Any]) -> None:
    text = importlib.import_module(f"vxsec.policy.rules.{_stem(rule)}").__doc__ or ""
    assert re.search(r"^Why: \S", text, re.MULTILINE)
    assert re.search(r"^Fix: \S", text, re.MULTILINE)
    assert text.splitlines()[0].endswith(".")


@every_rule
def test_a_rule_is_described_wholly(rule: Rule[Any]) -> None:
    assert rule.summary
    assert rule.phases <= set(Phase)
    assert rule.phases
    assert rule.needs
    assert rule.needs <= set(EvidenceKind)
    assert rule.judges_absence <= rule.needs
    for item in dataclasses.fields(rule.parameters):
        assert item.metadata["doc"].endswith(".")
    assert describe_parameters(rule.parameters)["type"] == "object"


@every_rule
def test_a_rule_that_is_asked_without_its_evidence_raises(rule: Rule[Any]) -> None:
    context = RuleContext(
        evidence=make_evidence(),
        phase=Phase.PUBLISH,
        now=NOW,
        trust=make_trust(),
        policy=PolicyRef(name="n", version=1, source="s", sha256="0"),
    )
    parameters = rule.parameters(**REQUIRED.get(rule.id, {}))
    if rule.needs <= rule.judges_absence:
        assert rule.check(parameters, context).verdict is Verdict.UNKNOWN
        return
    with pytest.raises(TypeError, match=r"collected|asked"):
        rule.check(parameters, context)


def test_cases_name_known_rules_and_lie_under_them() -> None:
    known = {rule.id for rule in BUILTIN}
    for case in CASES:
        assert case.rule in known
        assert case.path.parents[1].name == case.rule


PHASES = {
    "signature.threshold": "publish promote install",
    "archive.safe": "publish promote install",
    "manifest.consistent": "publish promote install",
    "content.install-scripts": "publish promote install",
    "release.approval": "publish promote",
    "deps.lockfile": "publish install",
    "deps.confusion": "publish install",
    "version.monotonic": "publish",
    "manifest.expect": "publish promote install",
    "content.files": "publish promote install",
    "content.size": "publish promote install",
    "content.secrets": "publish",
    "deps.exotic": "publish install",
    "sbom.complete": "publish promote install",
    "vuln.threshold": "publish promote install",
    "malware.deny": "publish promote install",
    "license.allow": "publish promote install",
}
BOTH = {
    "content.files",
    "content.secrets",
    "content.size",
    "sbom.complete",
    "vuln.threshold",
    "malware.deny",
    "license.allow",
    "signature.threshold",
    "release.approval",
    "archive.safe",
}
"""Rules that judge Python packages, too."""


@every_rule
def test_a_rule_judges_the_phases_it_is_documented_for(rule: Rule[Any]) -> None:
    assert {phase.value for phase in rule.phases} == set(PHASES[rule.id].split())


@every_rule
def test_a_rule_judges_the_ecosystems_it_is_documented_for(rule: Rule[Any]) -> None:
    assert rule.ecosystems == ({NPM, PYPI} if rule.id in BOTH else {NPM})

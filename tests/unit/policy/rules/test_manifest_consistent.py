"""manifest.consistent beyond its cases: what may be ignored, and what absence means in each phase."""

from __future__ import annotations

import pytest

from support.policy_cases import REGISTRY_URL, make_evidence, make_policy, run_rule
from vxsec.errors import ConfigurationError
from vxsec.model.decision import Phase
from vxsec.model.evidence import (
    ContentEvidence,
    FieldDifference,
    PackumentState,
    RegistryEvidence,
    UninstallableRange,
)

RULE = "manifest.consistent"
CONTENT = ContentEvidence(refused=())
DIFFERENCES = (
    FieldDifference(field="scripts", tarball="x" * 500, registry="absent"),
    FieldDifference(field="homepage", tarball="a", registry="b"),
)


def _registry(state: str = "present", **fields: object) -> RegistryEvidence:
    return RegistryEvidence(state=PackumentState(state), from_file=False, source=REGISTRY_URL, **fields)  # type: ignore[arg-type]  # rows of a table


@pytest.mark.parametrize("name", ["name", "version"])
def test_who_it_is_cannot_be_ignored(name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be ignored") as caught:
        make_policy({"use": RULE, "with": {"ignore": ["homepage", name]}})
    assert caught.value.code == "policy.value"
    assert "policy.json scopes[0].rules[0].with" in str(caught.value)


def test_ignored_fields_may_differ_and_others_are_listed_short() -> None:
    evidence = make_evidence(content=CONTENT, registry=_registry(differences=DIFFERENCES))
    assert run_rule(RULE, evidence, parameters={"ignore": ["scripts", "homepage"]}).code == RULE
    result = run_rule(RULE, evidence, parameters={"ignore": ["homepage"]})
    assert result.code == "manifest.mismatch"
    assert result.found == f"scripts: {'x' * 80} here, absent there"


PHASES = {
    "no packument at publish": (Phase.PUBLISH, _registry("absent"), "manifest.derived"),
    "a packument without the version at publish": (Phase.PUBLISH, _registry(), "manifest.derived"),
    "no packument at promotion": (Phase.PROMOTE, _registry("absent"), "manifest.not-in-registry"),
    "no packument at install": (Phase.INSTALL, _registry("absent"), "manifest.not-in-registry"),
    "the registry was not asked at publish": (Phase.PUBLISH, None, "manifest.registry-unreadable"),
    "the registry was not asked at install": (Phase.INSTALL, None, "manifest.registry-unreadable"),
    "the registry was down at publish": (Phase.PUBLISH, _registry("unreadable"), "manifest.registry-unreadable"),
    "a difference at publish": (Phase.PUBLISH, _registry(differences=DIFFERENCES), "manifest.mismatch"),
    "no difference at promotion": (Phase.PROMOTE, _registry(differences=()), RULE),
}


@pytest.mark.parametrize(("phase", "registry", "code"), PHASES.values(), ids=PHASES.keys())
def test_answers(phase: Phase, registry: RegistryEvidence | None, code: str) -> None:
    assert run_rule(RULE, make_evidence(content=CONTENT, registry=registry), phase=phase).code == code


@pytest.mark.parametrize(
    "registry", [None, _registry("unreadable"), _registry(differences=())], ids=["not asked", "down", "same"]
)
def test_ranges_that_cannot_be_installed_need_no_packument(registry: RegistryEvidence | None) -> None:
    ranges = tuple(UninstallableRange(field="dependencies", name=f"d{n}", range="workspace:^") for n in range(9))
    result = run_rule(RULE, make_evidence(content=ContentEvidence(refused=(), uninstallable=ranges), registry=registry))
    assert result.code == "manifest.uninstallable-range"
    assert result.hint is not None
    assert result.hint.startswith("pnpm pack")
    assert result.found is not None
    assert result.found.count("workspace:^") == 5

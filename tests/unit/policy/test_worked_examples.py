"""The worked examples under ``policies/``: each with cases it accepts and cases it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.policy_cases import Case, load_cases
from vxsec.formats.trust_document import parse_trust_document
from vxsec.policy.document import parse_policy
from vxsec.policy.requirements import check_requirements

ROOT = Path(__file__).parents[3] / "policies"
CASES = tuple(load_cases(ROOT))
EXAMPLES = tuple(sorted(path.parent for path in ROOT.glob("*/policy.yaml")))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.path.parents[1].name}: {case.path.parent.name}")
def test_case(case: Case) -> None:
    folder = case.path.parents[2]
    trust = parse_trust_document(
        (folder / "trust.yaml").read_bytes(), source="trust.yaml", load_key=lambda name: (folder / name).read_bytes()
    )
    decision = case.decide(trust)
    closing = [result.code for subject in decision.subjects for result in subject.results if result.closes]
    # "nothing evaluated" follows from anything that closes; it is named only where it stands alone.
    expected = case.table["closing"]
    assert [code for code in closing if code in expected or code != "policy.nothing-evaluated"] == expected
    assert decision.exit_status == case.table["exit"]
    assert (decision.exit_status == 0) is (case.path.parents[1].name == "accepted")


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_an_example_is_whole(folder: Path) -> None:
    policy = parse_policy((folder / "policy.yaml").read_bytes(), source="policy.yaml")
    trust = parse_trust_document(
        (folder / "trust.yaml").read_bytes(), source="trust.yaml", load_key=lambda name: (folder / name).read_bytes()
    )
    check_requirements(policy, trust)
    assert (folder / "README.md").is_file()
    assert any(folder.glob("accepted/*/case.toml"))
    assert any(folder.glob("refused/*/case.toml"))
    assert not list(folder.glob("**/*.key"))


def test_there_are_examples() -> None:
    assert [folder.name for folder in EXAMPLES] == ["release", "vextrus"]

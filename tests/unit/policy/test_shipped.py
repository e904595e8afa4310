"""The shipped policies: useful with no edit, and no surprise in them."""

from __future__ import annotations

import pytest

from support.policy_cases import make_trust
from vxsec.errors import ConfigurationError
from vxsec.model.decision import Mode, Phase
from vxsec.policy.document import Policy, parse_policy
from vxsec.policy.requirements import check_requirements
from vxsec.policy.rule import EvidenceKind
from vxsec.policy.rules import content_files
from vxsec.policy.shipped import SHIPPED, load_shipped

BYTES = {EvidenceKind.CONTENT, EvidenceKind.SIGNATURES, EvidenceKind.APPROVALS, EvidenceKind.REGISTRY}
every_policy = pytest.mark.parametrize("name", SHIPPED)


def _policy(name: str) -> Policy:
    return parse_policy(load_shipped(name), source=f"vxsec:{name}")


@every_policy
def test_the_first_line_names_the_schema(name: str) -> None:
    first = load_shipped(name).splitlines()[0]
    assert first == b"# yaml-language-server: $schema=./vxsec-policy-1.schema.json"


@every_policy
def test_it_needs_no_edit_only_a_registry_called_internal(name: str) -> None:
    policy = _policy(name)
    check_requirements(policy, make_trust(signed=True))
    with pytest.raises(ConfigurationError):
        check_requirements(policy, make_trust(labels=("production",), signed=True))
    assert policy.expires is None
    assert policy.mode is Mode.ENFORCE


@every_policy
def test_lockfiles_are_judged_at_install_only(name: str) -> None:
    for scope in _policy(name).scopes:
        if any(use.rule.id == "deps.lockfile" for use in scope.rules):
            assert scope.phases == {Phase.INSTALL}


@every_policy
def test_no_rule_needs_the_bytes_of_foreign_packages(name: str) -> None:
    foreign = [scope for scope in _policy(name).scopes if scope.match.selects(None, "other")]
    assert [scope.phases for scope in foreign] == [{Phase.INSTALL}]
    assert not {kind for scope in foreign for use in scope.rules for kind in use.rule.needs} & BYTES


def test_the_prefix_is_optional() -> None:
    assert load_shipped("vxsec:minimal") == load_shipped("minimal")


@pytest.mark.parametrize(
    "name", ["vxsec:minimum", "strictest", "", "vxsec:", "../minimal", "vxsec:minimal.yaml", "vxsec:vxsec:minimal"]
)
def test_refuses_other_names(name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_shipped(name)
    assert caught.value.code == "policy.unknown-shipped"
    assert "vxsec:recommended" in str(caught.value)


def test_strict_alone_refuses_the_unsigned_file_form() -> None:
    for name in SHIPPED:
        policy = _policy(name)
        assert policy.requires.signed_trust is (name == "strict")
    with pytest.raises(ConfigurationError) as caught:
        check_requirements(_policy("strict"), make_trust(signed=False))
    assert caught.value.code == "policy.requires"
    assert "a signed trust root" in str(caught.value)


def test_each_policy_has_at_least_the_rules_of_the_one_before() -> None:
    used = [{use.rule.id for scope in _policy(name).scopes for use in scope.rules} for name in SHIPPED]
    assert used[0] < used[1] <= used[2]


def test_strict_enforces_everything_and_denies_what_recommended_denies() -> None:
    recommended, strict = _policy("recommended"), _policy("strict")
    assert all(use.mode is Mode.ENFORCE for scope in strict.scopes for use in scope.rules)
    for before, after in zip(recommended.scopes, strict.scopes, strict=True):
        assert (before.id, before.phases, [use.id for use in before.rules]) == (
            after.id,
            after.phases,
            [use.id for use in after.rules],
        )
    denied = [
        set(use.parameters.deny)
        for policy in (recommended, strict)
        for scope in policy.scopes
        for use in scope.rules
        if isinstance(use.parameters, content_files.Parameters)
    ]
    assert denied[0] < denied[1]

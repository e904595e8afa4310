"""Which registry a name belongs to is decided by the name alone, and by whole words."""

from __future__ import annotations

import pytest

from support.policy_cases import make_trust
from vxsec.model.trust import Registry, Role

OURS = Registry(
    label="internal",
    url="https://registry.example.test/",
    scopes=("@acme",),
    packages=("kernel", "@other/one"),
    evidence="@acme/vxsec-evidence",
)


@pytest.mark.parametrize("name", ["@acme/kernel", "@acme/x", "kernel", "@other/one"])
def test_lists_names_of_its_scopes_and_those_it_names(name: str) -> None:
    assert OURS.lists(name)


@pytest.mark.parametrize(
    "name",
    ["@acme-tools/kernel", "@acm/kernel", "@ACME/kernel", "acme", "kernel-x", "Kernel", "@other/two", "@other", ""],
)
def test_lists_no_other_name(name: str) -> None:
    assert not OURS.lists(name)


def test_a_trust_root_finds_registries_by_name_and_by_label() -> None:
    staging = Registry(
        label="staging", url="https://s.example.test/", scopes=("@acme",), packages=(), evidence="@acme/e"
    )
    trust = make_trust(registries=(OURS, staging))
    assert [registry.label for registry in trust.registries_for("@acme/kernel")] == ["internal", "staging"]
    assert trust.registries_for("kernel") == (OURS,)
    assert trust.registries_for("left-pad") == ()
    assert trust.registry("staging") is staging
    assert trust.registry("other") is None
    assert trust.registry("Internal") is None


def test_the_roles_are_those_some_key_holds() -> None:
    assert make_trust(roles=("machine",)).roles() == {Role.MACHINE}
    assert make_trust(roles=()).roles() == frozenset()

"""The words of the policy language as values: what a policy file becomes, and what this version does not act on yet."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from vxsec.formats.globs import text_matches
from vxsec.model.decision import Mode
from vxsec.model.package import NPM, PYPI
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from vxsec.model.decision import Phase, PolicyRef
    from vxsec.model.package import PackageRef
    from vxsec.model.trust import Role
    from vxsec.policy.rule import Rule

__all__ = [
    "API_VERSION",
    "ECOSYSTEMS",
    "KIND",
    "LATER_KEYS",
    "LATER_KINDS",
    "LATER_RULES",
    "Match",
    "Policy",
    "Requirements",
    "RuleUse",
    "Scope",
]

API_VERSION = "vxsec/policy/v1"
KIND = "Policy"
ECOSYSTEMS = (NPM, PYPI)
"""The words of ``match: ecosystem``."""

# Words of the policy language that this version does not act on.
LATER_KEYS = frozenset({"extends", "defaults", "waivers", "effectiveOn", "nonWaivable", "maxWaiverDays"})
LATER_KINDS = frozenset({"WaiverFile", "PolicyTest"})
LATER_RULES = frozenset(
    {
        "signature.log",
        "signature.timestamp",
        "key.valid",
        "registry.signature",
        "policy.signed",
        "provenance.expect",
        "provenance.trigger",
        "provenance.source-reachable",
        "provenance.no-downgrade",
        "provenance.materials",
        "build.reproducible",
        "vsa.accept",
        "publisher.expect",
        "release.rate",
        "version.bump",
        "version.source-tag",
        "content.binaries",
        "content.delta",
        "content.heuristics",
        "deps.age",
        "deps.typosquat",
        "deps.new",
        "vex.accept",
        "ci.workflow",
        "expr",
    }
)
"""Rules of the catalogue that a later version brings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What a scope is about. An empty field selects every one; ``*`` in a name stands for any text.

    ``ecosystems`` are purl types. A subject without a readable name is of none in particular.
    """

    ecosystems: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    registries: tuple[str, ...] = ()

    def selects(self, package: PackageRef | None, registry: str) -> bool:
        """Whether the scope is about ``package`` on the registry with label ``registry``."""
        if self.registries and registry not in self.registries:
            return False
        if self.ecosystems and package is not None and package.ecosystem not in self.ecosystems:
            return False
        if not self.names:
            return True
        return package is not None and any(text_matches(pattern, package.name) for pattern in self.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleUse:
    """One rule in one scope. ``own_mode`` is what the rule or its scope says itself, None where they leave it."""

    id: str
    rule: Rule[Any]
    parameters: object
    mode: Mode
    own_mode: Mode | None

    @property
    def counts(self) -> bool:
        """Whether a pass opens the gate, here or once the whole policy is enforced."""
        return self.own_mode is not Mode.WARN


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Rules for the packages that ``match`` selects, in some phases."""

    id: str
    match: Match
    phases: frozenset[Phase]
    rules: tuple[RuleUse, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What must stand in the trust root for the policy to make sense."""

    roles: tuple[Role, ...] = ()
    registries: tuple[str, ...] = ()
    signed_trust: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A loaded policy; ``ref`` names the bytes it was read from.

    ``places`` tells where the words stand that the trust root must know: ``role NAME``, ``registry LABEL``, ``trust``.
    """

    ref: PolicyRef
    mode: Mode
    requires: Requirements
    scopes: tuple[Scope, ...]
    owner: str | None = None
    expires: datetime | None = None
    places: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

"""The words of the policy language as values: what a policy file becomes, and what this version does not act on yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vxsec.model.decision import Mode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from vxsec.model.decision import Phase, PolicyRef
    from vxsec.model.package import PackageRef
    from vxsec.model.trust import Role
    from vxsec.policy.rule import Rule

__all__ = [
    "API_VERSION",
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
        "manifest.expect",
        "content.files",
        "content.binaries",
        "content.secrets",
        "content.size",
        "content.delta",
        "content.heuristics",
        "deps.age",
        "deps.exotic",
        "deps.typosquat",
        "deps.new",
        "sbom.complete",
        "vuln.threshold",
        "malware.deny",
        "vex.accept",
        "license.allow",
        "ci.workflow",
        "expr",
    }
)
"""Rules of the catalogue that a later version brings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What a scope is about. Empty ``names`` or ``registries`` select every one; ``*`` in a name stands for any text."""

    names: tuple[str, ...] = ()
    registries: tuple[str, ...] = ()

    def selects(self, package: PackageRef | None, registry: str) -> bool:
        """Whether the scope is about ``package`` on the registry with label ``registry``."""
        if self.registries and registry not in self.registries:
            return False
        if not self.names:
            return True
        return package is not None and any(_glob_matches(pattern, package.name) for pattern in self.names)


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


def _glob_matches(pattern: str, name: str) -> bool:
    """Whether ``name`` is ``pattern`` with each ``*`` replaced by any text; linear in both."""
    first, *rest = pattern.split("*")
    if not rest:
        return name == pattern
    *middle, last = rest
    if not (name.startswith(first) and name.endswith(last) and len(name) >= len(first) + len(last)):
        return False
    position, end = len(first), len(name) - len(last)
    for piece in middle:
        found = name.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True

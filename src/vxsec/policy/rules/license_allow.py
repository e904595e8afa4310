"""Every licence is one that the team may use.

Why: A licence decides what may be done with the product that contains the package. It is changed by one line of a manifest,
in any dependency, and nobody reads manifests of dependencies. What states no licence grants no rights at all.

Fix: Use another package or version, or add the licence to ``allow`` once whoever decides on licences has agreed. A package with
a licence of its own (a contract, your own code) is named under ``exceptions``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import ConfigurationError
from vxsec.formats.globs import text_matches
from vxsec.formats.redact import redact_urls
from vxsec.formats.spdx_license import LicenseAnswer, is_single_license, judge_license
from vxsec.model.decision import Phase
from vxsec.model.package import NPM, PYPI
from vxsec.policy.next_command import add_to_list, inspect_step
from vxsec.policy.parameters import parameter
from vxsec.policy.rule import EvidenceKind, Outcome, Rule, RuleContext, failed, passed
from vxsec.policy.rule import unknown as undecided
from vxsec.values import dataclass

if TYPE_CHECKING:
    from vxsec.model.evidence import LicenseFact

__all__ = ["RULE", "Parameters"]

_LISTED = 5
_SHOWN = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Which licences, and for which packages none is asked."""

    allow: tuple[str, ...] = parameter(
        doc="SPDX identifiers, each alone; with an exception the whole text: Apache-2.0 WITH LLVM-exception. Of X OR Y one "
        "must be listed, of X AND Y both."
    )
    exceptions: tuple[str, ...] = parameter(
        doc="Names of packages whose licence is not judged; * stands for any text.", default=()
    )
    unknown: str = parameter(
        doc="What becomes of a package that states no licence, or none that SPDX defines.",
        default="deny",
        choices=("deny", "allow"),
    )

    def __post_init__(self) -> None:
        for text in self.allow:
            if not is_single_license(text):
                raise ConfigurationError(
                    f"expected one SPDX identifier such as MIT, found {text[:_SHOWN]!r}", code="policy.value"
                )


def _check(parameters: Parameters, context: RuleContext) -> Outcome:
    evidence = context.evidence.licenses
    if evidence is None:
        raise TypeError("licences were not collected")
    allowed = frozenset(parameters.allow)
    denied: list[LicenseFact] = []
    unstated: list[LicenseFact] = []
    for fact in evidence.licenses:
        if any(text_matches(pattern, _name(fact)) for pattern in parameters.exceptions):
            continue
        answer = judge_license(fact.license, allowed)
        if answer is LicenseAnswer.NOT_ALLOWED:
            denied.append(fact)
        elif answer is LicenseAnswer.UNKNOWN and parameters.unknown == "deny":
            unstated.append(fact)
    if denied:
        return _failed(context, "license.not-allowed", "a licence that allow does not hold", denied, allowed)
    if unstated:
        return _failed(context, "license.unknown", "no licence that can be judged", unstated, allowed)
    if evidence.incomplete is not None or not evidence.licenses:
        return undecided(
            "license.search-incomplete",
            "the licences are not all known",
            expected="the licence of the package and of what it needs",
            found=evidence.incomplete or "none",
            hint="npm install --package-lock-only, then add --lockfile package-lock.json",
        )
    return passed("license.allowed", "every licence is allowed", found=f"{len(evidence.licenses)} packages")


def _name(fact: LicenseFact) -> str:
    """The package's name, without the version behind the last ``@``."""
    name, at, _ = fact.package.rpartition("@")
    return name if at and name else fact.package


def _shown(fact: LicenseFact) -> str:
    license_ = repr(redact_urls(fact.license)[:_SHOWN]) if fact.license else "none"
    return f"{fact.package[:_SHOWN]}: {license_}"


def _failed(
    context: RuleContext, code: str, message: str, found: list[LicenseFact], allowed: frozenset[str]
) -> Outcome:
    more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    names = ", ".join(sorted(allowed)[: _LISTED * 2])
    return failed(
        code,
        message,
        expected=f"one of {names}{' …' if len(allowed) > _LISTED * 2 else ''}",
        found=", ".join(map(_shown, found[:_LISTED])) + more,
        hint=f"use another package or version, or {_how_to_allow(found[0])}; look at it: "
        f"{inspect_step(context.evidence.subject, context.phase)}",
    )


def _how_to_allow(fact: LicenseFact) -> str:
    """For the first of them: by its licence where a policy can name it, else by the package's name."""
    if fact.license and is_single_license(fact.license):
        return add_to_list("allow", fact.license)
    return add_to_list("exceptions", _name(fact))


RULE = Rule(
    id="license.allow",
    summary="Every licence is one that the team may use.",
    phases=frozenset(Phase),
    needs=frozenset({EvidenceKind.LICENSES}),
    parameters=Parameters,
    check=_check,
    ecosystems=frozenset({NPM, PYPI}),
)

"""The package has a bill of materials that is true and complete.

Why: When the next advisory appears, the question is which packages contain the library, and only a bill of materials that was
made with the package answers it in seconds. One that names other bytes, leaves out what the package's own manifest requires,
or that nobody vouches for, answers wrongly: it is worse than none.

Fix: Make and attest it as the machine that built the package: ``vxsec sbom attest FILE.tgz --signer file:ci.key``, in the folder
of the lockfile. Where a bare file is enough: ``vxsec sbom generate FILE.tgz --beside``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.model.decision import Phase
from vxsec.model.package import NPM, PYPI
from vxsec.model.trust import Role
from vxsec.policy.next_command import attest_sbom_command, generate_sbom_command, is_file, quoted
from vxsec.policy.parameters import parameter
from vxsec.policy.rule import EvidenceKind, Outcome, Rule, RuleContext, failed, passed, unknown
from vxsec.values import dataclass

if TYPE_CHECKING:
    from vxsec.model.evidence import SbomEvidence, SbomFact

__all__ = ["RULE", "Parameters"]

_LISTED = 5
_SHOWN = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What a bill of materials must be; that it is about these bytes and names what their manifest requires is always asked."""

    formats: tuple[str, ...] = parameter(doc="The formats that count.", default=("cyclonedx",), choices=("cyclonedx",))
    ntia: bool = parameter(doc="Whether every minimum element of the NTIA must be there.", default=True)
    match_lockfile: bool = parameter(
        doc="Whether its components must be those that the lockfile resolves.", default=False
    )
    attested: bool = parameter(
        doc="Whether only one counts that a machine of the trust document attests; a bare file does not.", default=True
    )


def _check(parameters: Parameters, context: RuleContext) -> Outcome:
    evidence = context.evidence.sbom
    if evidence is None:
        raise TypeError("SBOMs were not collected")
    read = [fact for fact in evidence.sboms if fact.format.lower().startswith(parameters.formats)]
    attested = [fact for fact in read if _is_attested(fact, context)]
    counted = attested if parameters.attested else read
    for fact in attested:
        if fact.mismatches:
            return _mismatch(fact, parameters, context)
    good = [fact for fact in counted if not fact.mismatches and _lacks(fact, parameters, context) is None]
    if good:
        by = f", attested by {good[0].attested_by.holder}" if good[0].attested_by else ""
        return passed(
            "sbom.complete", "a true and complete SBOM", found=f"{good[0].source}: {good[0].components} components{by}"
        )
    if evidence.incomplete is not None:
        return unknown(
            "sbom.search-incomplete",
            "the search for SBOMs could not be finished",
            expected=_expected(parameters),
            found=evidence.incomplete,
            hint="try again once the registry answers, or add --evidence DIR with the bundles you have",
        )
    return _why_none(parameters, context, evidence, read, counted)


def _is_attested(fact: SbomFact, context: RuleContext) -> bool:
    """Whether a machine vouches for it; a statement that has expired does not open publish or promote."""
    signer = fact.attested_by
    if signer is None or signer.role is not Role.MACHINE:
        return False
    return context.phase is Phase.INSTALL or signer.expires is None or signer.expires > context.now


def _why_none(
    parameters: Parameters,
    context: RuleContext,
    evidence: SbomEvidence,
    read: list[SbomFact],
    counted: list[SbomFact],
) -> Outcome:
    """Why nothing counts, by the first that comes closest."""
    for fact in counted:
        lack = None if fact.mismatches else _lacks(fact, parameters, context)
        if lack is not None:
            return lack
    for fact in read:
        if fact.mismatches:
            return _mismatch(fact, parameters, context)
    rejected = [f"{item.code} in {item.source}" for item in evidence.rejected[:_LISTED]]
    found = f"; not counted: {', '.join(rejected)}" if rejected else ""
    if read:
        return failed(
            "sbom.not-attested",
            "no machine of the trust document attests the SBOM",
            expected=_expected(parameters),
            found=f"{read[0].source}, attested by nobody who may{found}",
            hint=_how_to_make(parameters, context),
        )
    return failed(
        "sbom.none",
        "no SBOM was found",
        expected=_expected(parameters),
        found=f"none{found}",
        hint=_how_to_make(parameters, context),
    )


def _lacks(fact: SbomFact, parameters: Parameters, context: RuleContext) -> Outcome | None:
    """What one SBOM lacks, or None where it has everything that is asked for."""
    incomplete = _incomplete(fact, parameters, context)
    if incomplete is not None:
        return incomplete
    if not parameters.match_lockfile:
        return None
    if fact.drift is None:
        return unknown(
            "sbom.no-lockfile",
            "the SBOM could not be compared with a lockfile",
            expected="a lockfile that vxsec reads",
            found="none",
            hint="npm install --package-lock-only, then add --lockfile package-lock.json",
        )
    if fact.drift:
        return failed(
            "sbom.drift",
            "the SBOM does not list what the lockfile resolves",
            expected="the same components in SBOM and lockfile",
            found=f"{fact.source}: {'; '.join(fact.drift[:_LISTED])[: _SHOWN * 2]}",
            hint=_how_to_resolve(parameters, context),
        )
    return None


def _incomplete(fact: SbomFact, parameters: Parameters, context: RuleContext) -> Outcome | None:
    """What it leaves out by the package's own manifest (always asked for), by its own word, or of the minimum elements."""
    if fact.absent:
        message = "the SBOM leaves out what the package requires"
        expected = "a component for each dependency that the package's own manifest requires"
        found, hint = f"no component for {', '.join(fact.absent[:_LISTED])[:_SHOWN]}", _how_to_resolve
    elif fact.says_incomplete and (parameters.ntia or parameters.match_lockfile):
        message = "the SBOM says that it is incomplete"
        expected = "no composition that calls the dependencies incomplete"
        found, hint = "incomplete, by its own word", _how_to_resolve
    elif fact.missing and parameters.ntia:
        message = "the SBOM lacks minimum elements"
        expected = "every minimum element (NTIA 2021)"
        found, hint = f"no {', '.join(fact.missing[:_LISTED])[:_SHOWN]}", _how_to_make
    else:
        return None
    found = f"{fact.source}: {found}"
    return failed("sbom.incomplete", message, expected=expected, found=found, hint=hint(parameters, context))


def _mismatch(fact: SbomFact, parameters: Parameters, context: RuleContext) -> Outcome:
    told = "; ".join(item.message for item in fact.mismatches[:_LISTED])
    return failed(
        "sbom.mismatch",
        "an SBOM says of the package what its bytes contradict",
        expected="name, version and digests of these bytes",
        found=f"{fact.source}: {told[: _SHOWN * 2]}",
        hint=_how_to_make(
            parameters, context, first=f"remove it from {quoted(fact.source)}, then make one of these bytes"
        ),
    )


def _expected(parameters: Parameters) -> str:
    attested = " attested by a machine" if parameters.attested else ""
    return f"an SBOM ({', '.join(parameters.formats)}){attested} of exactly these bytes"


def _how_to_make(parameters: Parameters, context: RuleContext, *, first: str = "", lockfile: str = "") -> str:
    """The command, behind what must be so before it: an SBOM has a timestamp only of a commit, or where one is given."""
    if not is_file(context.evidence.subject, context.phase):
        return "lock a version that has one, or ask its publisher to attest an SBOM"
    command = attest_sbom_command(context) if parameters.attested else generate_sbom_command(context)
    place = "inside a git repository, or with SOURCE_DATE_EPOCH set" if parameters.ntia else ""
    before = ", ".join(text for text in (first, place) if text)
    author = " --author NAME" if parameters.ntia else ""
    return f"{f'{before}: ' if before else ''}{command}{author}{f' --lockfile {lockfile}' if lockfile else ''}"


def _how_to_resolve(parameters: Parameters, context: RuleContext) -> str:
    """With the lockfile named, so that what lies beside the file is made again and not signed again."""
    package = context.evidence.subject.package
    if package is not None and package.ecosystem == PYPI:
        file = quoted(context.evidence.subject.filename)
        first = f"pip install --dry-run --ignore-installed --report report.json {file}, then"
        return _how_to_make(parameters, context, first=first, lockfile="report.json")
    first = "npm install --package-lock-only, then"
    return _how_to_make(parameters, context, first=first, lockfile="package-lock.json")


RULE = Rule(
    id="sbom.complete",
    summary="The package has a bill of materials that is true and complete.",
    phases=frozenset(Phase),
    needs=frozenset({EvidenceKind.SBOM}),
    parameters=Parameters,
    check=_check,
    ecosystems=frozenset({NPM, PYPI}),
)

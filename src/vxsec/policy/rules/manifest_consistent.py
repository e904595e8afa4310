"""What the registry says about a version is what its tarball says.

Why: npm resolves and audits by the registry's copy of the manifest and installs by the tarball's. A copy that hides an
install script or a dependency is not seen by anyone who reads the registry. Ranges such as ``workspace:^`` only work in the
repository they come from: npm cannot install them. At publish the document that will be sent is derived from the tarball,
so a version that the registry does not have yet cannot disagree.

Fix: For a difference, look at both with ``vxsec inspect FILE.tgz --packument FILE`` and publish again under a new version. For
a range, pack with ``pnpm pack`` (or ``yarn pack``), which replaces it.
"""

from __future__ import annotations

from vxsec.errors import ConfigurationError
from vxsec.formats.redact import redact_urls
from vxsec.model.decision import Phase
from vxsec.model.evidence import PackumentState, RegistryEvidence
from vxsec.model.trust import OTHER_REGISTRY
from vxsec.policy.next_command import ASK_AGAIN, gate_command, is_file, publish_command
from vxsec.policy.parameters import parameter
from vxsec.policy.rule import EvidenceKind, Outcome, Rule, RuleContext, failed, passed, unknown
from vxsec.values import dataclass

__all__ = ["RULE", "Parameters"]

_NEVER_IGNORED = frozenset({"name", "version"})
_LISTED = 5
_SHOWN = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Which fields may differ."""

    ignore: tuple[str, ...] = parameter(doc="Manifest fields in which registry and tarball may differ.", default=())

    def __post_init__(self) -> None:
        for name in self.ignore:
            if name in _NEVER_IGNORED:
                raise ConfigurationError(f"the field {name!r} cannot be ignored", code="policy.value")


def _check(parameters: Parameters, context: RuleContext) -> Outcome:
    content, registry = context.evidence.content, context.evidence.registry
    if content is None:
        raise TypeError("content was not collected")
    if content.uninstallable:
        listed = [
            f"{item.field}.{item.name}: {redact_urls(item.range)[:_SHOWN]}" for item in content.uninstallable[:_LISTED]
        ]
        return failed(
            "manifest.uninstallable-range",
            "dependency ranges that only work inside the workspace",
            expected="ranges that npm can install",
            found=", ".join(listed),
            hint="pnpm pack (it writes the real versions), then sign and gate the new file"
            if is_file(context.evidence.subject, context.phase)
            else "install another version; its publisher packs with pnpm pack, which writes the real versions",
        )
    if registry is None:
        return _not_read(context, f"registry {context.evidence.subject.registry} was not asked")
    return _compare(parameters, context, registry)


def _compare(parameters: Parameters, context: RuleContext, registry: RegistryEvidence) -> Outcome:
    if registry.state is PackumentState.UNREADABLE:
        return _not_read(context, registry.detail or "the registry's answer could not be read")
    if registry.state is PackumentState.ABSENT or registry.differences is None:
        if context.phase is Phase.PUBLISH:
            return passed("manifest.derived", "the registry's copy will be derived from this tarball")
        return failed(
            "manifest.not-in-registry",
            "the registry does not list this version",
            expected=f"{context.evidence.subject.label} at {registry.source}",
            found="no such version",
            hint="install a version that the registry lists"
            if context.phase is Phase.INSTALL
            else f"publish it first: {publish_command(context)}",
        )
    different = [item for item in registry.differences if item.field not in parameters.ignore]
    if different:
        listed = [f"{d.field}: {d.tarball[:_SHOWN]} here, {d.registry[:_SHOWN]} there" for d in different[:_LISTED]]
        return failed(
            "manifest.mismatch",
            f"the registry's copy of the manifest differs in {', '.join(item.field for item in different[:_LISTED])}",
            expected="the same manifest in tarball and registry",
            found="; ".join(listed),
            hint="do not install it; lock a version whose copies agree"
            if context.phase is Phase.INSTALL
            else "raise the version in package.json, npm pack, then sign and publish the new file",
        )
    return passed("manifest.consistent", "tarball and registry say the same")


def _not_read(context: RuleContext, found: str) -> Outcome:
    return unknown(
        "manifest.registry-unreadable",
        "the registry's copy of the manifest could not be read",
        expected="the packument of this package",
        found=found,
        hint=_how_to_read(context),
    )


def _how_to_read(context: RuleContext) -> str:
    subject = context.evidence.subject
    if subject.registry == OTHER_REGISTRY:
        return f"list the package's scope or name under registries: in {context.trust.source}"
    if context.phase is Phase.PUBLISH or not is_file(subject, context.phase):
        return ASK_AGAIN
    return f"try again, or give its packument: {gate_command(context, '--packument', 'FILE')}"


RULE = Rule(
    id="manifest.consistent",
    summary="What the registry says about a version is what its tarball says.",
    phases=frozenset(Phase),
    needs=frozenset({EvidenceKind.CONTENT, EvidenceKind.REGISTRY}),
    parameters=Parameters,
    check=_check,
    judges_absence=frozenset({EvidenceKind.REGISTRY}),
)

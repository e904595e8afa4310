"""A version is published once, and a dist-tag does not move backwards by accident.

Why: A version that exists with other bytes must never be replaced, and a publish under ``latest`` moves that tag even to a
lower version, so that everyone who installs gets the older one. The same bytes again are fine: a second run finishes a
broken first one. A registry whose clock is ahead of ours makes every age a lie.

Fix: Raise the version in package.json and pack again; for a fix of an old line publish with ``--tag release-1.x`` and name that
tag in ``allowDowngradeTags``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.decision import Phase
from vxsec.model.digest import Integrity
from vxsec.model.evidence import PackumentState, RegistryEvidence
from vxsec.policy.next_command import ASK_AGAIN, gate_command, inspect_step, publish_command
from vxsec.policy.parameters import parameter
from vxsec.policy.rule import EvidenceKind, Outcome, Rule, RuleContext, failed, passed, unknown
from vxsec.values import dataclass
from vxsec.versions.npm import NpmVersion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vxsec.model.evidence import SubjectRef
    from vxsec.model.package import PackageRef

__all__ = ["RULE", "Parameters"]

_SHOWN = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Which tags may move backwards."""

    allow_downgrade_tags: tuple[str, ...] = parameter(doc="Dist-tags that may move to a lower version.", default=())


def _check(parameters: Parameters, context: RuleContext) -> Outcome:
    registry, subject = context.evidence.registry, context.evidence.subject
    if registry is None or subject.package is None:
        raise TypeError("the registry was not asked")
    unread = _unread(registry, context)
    if unread is not None:
        return unread
    if registry.state is PackumentState.ABSENT:
        return passed("version.first", "the first version of this package")
    same = _same_version(subject.package.version, registry.versions or {})
    if same is not None:
        return _exists(subject, same, registry)
    skew = timedelta(seconds=DEFAULT_LIMITS.clock_skew_seconds)
    if registry.newest_time is not None and registry.newest_time - context.now > skew:
        return failed(
            "version.clock-backwards",
            "the registry's newest version is from the future",
            expected=f"a time up to {context.now.isoformat()}, five minutes allowed",
            found=registry.newest_time.isoformat(),
            hint="set this machine's clock (timedatectl status shows it), then run the same command again",
        )
    return _check_tag(parameters, subject.package, context, registry)


def _unread(registry: RegistryEvidence, context: RuleContext) -> Outcome | None:
    """Why nothing is known about what is live now, or None where it is known."""
    if registry.from_file:
        hint = f"leave --packument out: {gate_command(context)}"
        return _unknown("version.packument-from-file", "a file cannot say what is live now", registry.source, hint)
    if registry.state is PackumentState.UNREADABLE:
        return _unknown(
            "version.registry-unreadable", "the registry could not be read", registry.detail or "", ASK_AGAIN
        )
    incomplete = registry.versions is None or registry.tags is None or registry.tag is None
    if registry.state is PackumentState.PRESENT and incomplete:
        return _unknown(
            "version.registry-unreadable", "the packument lacks versions or tags", registry.source, ASK_AGAIN
        )
    return None


def _same_version(version: str, live: Mapping[str, str | None]) -> str | None:
    """The live version that this one is, build metadata aside: registries drop it."""
    if version in live:
        return version
    wanted = version.partition("+")[0]
    return next((other for other in live if other.partition("+")[0] == wanted), None)


def _exists(subject: SubjectRef, version: str, registry: RegistryEvidence) -> Outcome:
    stated = (registry.versions or {}).get(version)
    exact = subject.package is not None and subject.package.version == version
    if exact and subject.sha512 is not None and _states(stated, subject.sha512):
        return passed("already-live", "this version is live with the same bytes", found=registry.source)
    return failed(
        "version.exists",
        f"{version[:_SHOWN]} is live with other bytes",
        expected="a version that is not live, or the same bytes",
        found=f"{(stated or 'no integrity')[:_SHOWN]} at {registry.source}",
        hint="raise the version in package.json, npm pack, then sign and publish the new file",
    )


def _states(stated: str | None, sha512: str) -> bool:
    try:
        return stated is not None and Integrity.parse(stated).entries == (("sha512", sha512),)
    except FormatError:
        return False


def _check_tag(
    parameters: Parameters, package: PackageRef, context: RuleContext, registry: RegistryEvidence
) -> Outcome:
    tag = registry.tag or ""
    current = (registry.tags or {}).get(tag)
    if current is None:
        return passed("version.new-tag", f"the tag {tag} does not exist yet")
    if tag in parameters.allow_downgrade_tags:
        return passed("version.downgrade-allowed", f"the tag {tag} may move to any version", found=current)
    try:
        higher = NpmVersion.parse(package.version) > NpmVersion.parse(current)
    except FormatError as error:
        return unknown(
            "version.malformed",
            "the versions cannot be compared",
            expected="versions such as 1.2.3",
            found=error.message,
            hint=inspect_step(context.evidence.subject, context.phase),
        )
    line = f"release-{package.version.partition('.')[0]}.x"
    if higher:
        return passed("version.higher", f"higher than {tag}", found=current)
    return failed(
        "version.downgrade",
        f"the tag {tag} would move to a version that is not higher",
        expected=f"a version above {current[:_SHOWN]}",
        found=package.version,
        hint=f"raise the version, or publish under a tag of its own: {publish_command(context, '--tag', line)}",
    )


def _unknown(code: str, message: str, found: str, hint: str) -> Outcome:
    return unknown(
        code,
        message,
        expected="the packument, read from the registry now",
        found=found or "nothing",
        hint=hint,
    )


RULE = Rule(
    id="version.monotonic",
    summary="A version is published once, and a dist-tag does not move backwards by accident.",
    phases=frozenset({Phase.PUBLISH}),
    needs=frozenset({EvidenceKind.REGISTRY}),
    parameters=Parameters,
    check=_check,
)

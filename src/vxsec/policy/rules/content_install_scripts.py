"""No install script runs that nobody approved.

Why: npm runs ``preinstall``, ``install`` and ``postinstall`` of every dependency with the rights of whoever installs, and a
``binding.gyp`` makes it run a compiler. Almost every npm worm spread that way. An approval names the package, a range of
versions and the SHA-256 over the scripts and the files they name, so a script that changes needs a new look.

Fix: Remove the script, or read it and add the entry that the refusal prints to ``allow``.
"""

from __future__ import annotations

import re

from vxsec.errors import ConfigurationError
from vxsec.formats.redact import redact_urls
from vxsec.model.decision import Phase
from vxsec.model.package import is_npm_name
from vxsec.policy.next_command import add_to_list, inspect_step
from vxsec.policy.parameters import parameter
from vxsec.policy.rule import EvidenceKind, Outcome, Rule, RuleContext, failed, passed, unknown
from vxsec.values import dataclass
from vxsec.versions.npm_range import is_range, satisfies

__all__ = ["RULE", "Parameters"]

_ENTRY = re.compile(r"(?P<name>@?[^@#]+)@(?P<range>[^#]+)#(?P<digest>[0-9a-f]{64})\Z")
_SHOWN = 80
_LISTED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Which scripts were read and approved."""

    allow: tuple[str, ...] = parameter(
        doc="Approved scripts, each NAME@RANGE#SHA256: the digest is the one the refusal prints.", default=()
    )

    def __post_init__(self) -> None:
        for entry in self.allow:
            _parse(entry)


def _parse(entry: str) -> tuple[str, str, str]:
    match = _ENTRY.match(entry)
    if match is None or not is_npm_name(match["name"]) or not is_range(match["range"]):
        raise ConfigurationError(
            f"expected NAME@RANGE#SHA256 with 64 hexadecimal digits, found {entry[:_SHOWN]!r}", code="policy.value"
        )
    return match["name"], match["range"], match["digest"]


def _check(parameters: Parameters, context: RuleContext) -> Outcome:
    content, package = context.evidence.content, context.evidence.subject.package
    if content is None or package is None:
        raise TypeError("content was not collected")
    if not content.install_scripts:
        return passed("scripts.none", "nothing runs on install")
    listed = [f"{item.event}: {redact_urls(item.command)[:_SHOWN]!r}" for item in content.install_scripts[:_LISTED]]
    found = ", ".join(listed)
    if content.install_digest is None:
        return unknown(
            "scripts.not-hashed",
            "the install scripts could not be hashed",
            expected="a digest over the scripts and the files they name",
            found=found,
            hint=inspect_step(context.evidence.subject, context.phase),
        )
    approved = [(range_, digest) for name, range_, digest in map(_parse, parameters.allow) if name == package.name]
    digests = {digest for range_, digest in approved if satisfies(package.version, range_)}
    if content.install_digest in digests:
        return passed("scripts.approved", "the install scripts were approved", found=found)
    code = "scripts.changed" if approved else "scripts.unapproved"
    return failed(
        code,
        "the install scripts are not the approved ones" if approved else "nobody approved the install scripts",
        expected="no install script, or an entry in allow with this digest and a range that holds this version",
        found=f"{found}, sha256 {content.install_digest}",
        hint=f"read them: {inspect_step(context.evidence.subject, context.phase)}; then "
        + add_to_list("allow", f"{package.name}@{package.version}#{content.install_digest}"),
    )


RULE = Rule(
    id="content.install-scripts",
    summary="No install script runs that nobody approved.",
    phases=frozenset(Phase),
    needs=frozenset({EvidenceKind.CONTENT}),
    parameters=Parameters,
    check=_check,
)

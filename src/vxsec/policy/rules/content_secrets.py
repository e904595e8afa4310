"""No file that is published holds a credential.

Why: What is published once is copied within minutes, and a registry that deletes a version does not delete the copies. Tokens
of registries, cloud keys and private keys in tarballs are how the next packages of the same team were taken over.

Fix: Revoke the credential first: it is public as soon as one tarball with it was. Then remove it from the file, pack again and
gate the new file. For an example that only looks like one, add the entry that the refusal prints to ``allow``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import ConfigurationError
from vxsec.formats.globs import PathGlob
from vxsec.model.decision import Phase
from vxsec.model.package import NPM, PYPI
from vxsec.model.secret import SECRET_DETECTORS
from vxsec.policy.next_command import add_to_list, inspect_step
from vxsec.policy.parameters import parameter
from vxsec.policy.rule import EvidenceKind, Outcome, Rule, RuleContext, failed, passed, unknown
from vxsec.values import dataclass

if TYPE_CHECKING:
    from vxsec.model.evidence import SecretFact

__all__ = ["RULE", "Parameters"]

_LISTED = 5
_SHOWN = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What is looked for, and what was looked at and is none."""

    detectors: tuple[str, ...] = parameter(
        doc="The detectors whose findings count; all of them where the key is left out.",
        default=(),
        choices=SECRET_DETECTORS,
    )
    allow: tuple[str, ...] = parameter(
        doc="Findings that are no credentials, each PATH#DETECTOR as the refusal prints it; PATH may be a pattern. "
        "The value itself never stands in the policy.",
        default=(),
    )
    skip: tuple[str, ...] = parameter(
        doc="Patterns of files that need not be looked into where they are too large for it.", default=()
    )

    def __post_init__(self) -> None:
        for entry in self.allow:
            _parse(entry)
        for text in self.skip:
            PathGlob(text)


def _parse(entry: str) -> tuple[PathGlob, str]:
    path, _, detector = entry.rpartition("#")
    if detector not in SECRET_DETECTORS or not path:
        raise ConfigurationError(
            f"expected PATH#DETECTOR with one of {', '.join(SECRET_DETECTORS)}, found {entry[:_SHOWN]!r}",
            code="policy.value",
        )
    return PathGlob(path), detector


def _check(parameters: Parameters, context: RuleContext) -> Outcome:
    secrets = context.evidence.secrets
    if secrets is None:
        raise TypeError("secrets were not collected")
    allowed = [_parse(entry) for entry in parameters.allow]
    found = [
        fact
        for fact in secrets.found
        if (not parameters.detectors or fact.detector in parameters.detectors)
        and not any(detector == fact.detector and glob.matches(fact.path) for glob, detector in allowed)
    ]
    if found:
        return _found(found)
    skipped = [PathGlob(text) for text in parameters.skip]
    not_read = [path for path in secrets.not_read if not any(glob.matches(path) for glob in skipped)]
    if not_read:
        listed = ", ".join(repr(path[:_SHOWN]) for path in not_read[:_LISTED])
        return unknown(
            "secrets.not-read",
            "files that are too large to look into",
            expected="every file looked into, or named by skip",
            found=listed + _more(len(not_read)),
            hint=f"leave them out of the package, or {add_to_list('skip', not_read[0])}; what is inside: "
            f"{inspect_step(context.evidence.subject, context.phase)}",
        )
    return passed("secrets.none", "nothing looks like a credential", found=f"{secrets.files} files")


def _found(found: list[SecretFact]) -> Outcome:
    listed = [f"{fact.path[:_SHOWN]}:{fact.line} {fact.detector} {fact.shown}…" for fact in found[:_LISTED]]
    first = found[0]
    return failed(
        "secrets.found",
        f"{len(found)} places look like credentials" if len(found) > 1 else "one place looks like a credential",
        expected="no credential in any file",
        found=", ".join(listed) + _more(len(found)),
        hint="revoke it, remove it and pack again; where it is none, "
        + add_to_list("allow", f"{first.path}#{first.detector}"),
    )


def _more(count: int) -> str:
    return f" and {count - _LISTED} more" if count > _LISTED else ""


RULE = Rule(
    id="content.secrets",
    summary="No file that is published holds a credential.",
    phases=frozenset({Phase.PUBLISH}),
    needs=frozenset({EvidenceKind.SECRETS}),
    parameters=Parameters,
    check=_check,
    ecosystems=frozenset({NPM, PYPI}),
)

"""Every installer sees the archive as the same files.

Why: Two readers of one tarball can see different files: links that point outside, names that collide on another file
system, a second package.json, data behind the end. What a reviewer read is then not what runs. Refused bytes are denied in
every mode and by every policy; this rule also lets a policy set tighter bounds.

Fix: Pack again with ``npm pack`` or ``pnpm pack`` and look at the result with ``vxsec inspect FILE.tgz``, which names every
reason with the member it is about.
"""

from __future__ import annotations

from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.decision import Phase
from vxsec.model.finding import Severity
from vxsec.model.package import NPM, PYPI
from vxsec.policy.next_command import inspect_step
from vxsec.policy.parameters import parameter
from vxsec.policy.rule import EvidenceKind, Outcome, Rule, RuleContext, failed, passed
from vxsec.values import dataclass

__all__ = ["RULE", "Parameters"]

_FAMILY = "archive."


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Bounds tighter than vxsec's own."""

    max_files: int | None = parameter(
        doc="Files allowed in the archive.", default=None, minimum=1, maximum=DEFAULT_LIMITS.archive_members
    )
    max_ratio: int | None = parameter(
        doc="Unpacked bytes allowed for each packed one.", default=None, minimum=1, maximum=DEFAULT_LIMITS.archive_ratio
    )


def _check(parameters: Parameters, context: RuleContext) -> Outcome:
    content = context.evidence.content
    if content is None:
        raise TypeError("content was not collected")
    hint = inspect_step(context.evidence.subject, context.phase)
    severe = [item for item in content.findings if item.severity is Severity.HIGH and item.code.startswith(_FAMILY)]
    for finding in (*content.refused, *severe):
        return failed(
            finding.code,
            finding.message,
            expected="an archive that every installer sees as the same files",
            found=f"{finding.message} ({finding.where})" if finding.where else finding.message,
            hint=hint,
        )
    if parameters.max_files is not None and content.files > parameters.max_files:
        return failed(
            "archive.too-many-files",
            "more files than the policy allows",
            expected=f"at most {parameters.max_files} files",
            found=f"{content.files}",
            hint=hint,
        )
    if parameters.max_ratio is not None and content.unpacked_size > parameters.max_ratio * content.packed_size:
        return failed(
            "archive.too-dense",
            "unpacks to more than the policy allows",
            expected=f"at most {parameters.max_ratio} bytes for each packed one",
            found=f"{content.unpacked_size} bytes from {content.packed_size}",
            hint=hint,
        )
    shown = "".join(f"; {item.code}" for item in content.findings if item.code.startswith(_FAMILY))
    return passed("archive.safe", "one view for every installer", found=f"{content.files} files{shown}")


RULE = Rule(
    id="archive.safe",
    summary="Every installer sees the archive as the same files.",
    phases=frozenset(Phase),
    needs=frozenset({EvidenceKind.CONTENT}),
    parameters=Parameters,
    check=_check,
    ecosystems=frozenset({NPM, PYPI}),
)

"""The package is no larger than packages of this team are.

Why: A package that suddenly weighs ten times as much carries something that nobody meant to publish: a source map with the
whole application, a build's metafile, a database dump, a compiled binary. Everyone who installs it pays for it, and a size is
the cheapest sign that something is wrong.

Fix: Look at what is in it with ``vxsec inspect FILE.tgz`` and leave it out through ``files`` in package.json. Where the size is
meant, raise the bound that the refusal names.
"""

from __future__ import annotations

from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.decision import Phase
from vxsec.model.package import NPM, PYPI
from vxsec.policy.next_command import inspect_step
from vxsec.policy.parameters import parameter
from vxsec.policy.rule import EvidenceKind, Outcome, Rule, RuleContext, failed, passed
from vxsec.values import dataclass

__all__ = ["RULE", "Parameters"]

_MIB = 1024 * 1024
_SHOWN = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Bounds, in bytes and in files."""

    max_packed: int = parameter(
        doc="Bytes of the archive as it is downloaded.",
        default=10 * _MIB,
        minimum=1,
        maximum=DEFAULT_LIMITS.archive_packed_bytes,
    )
    max_unpacked: int = parameter(
        doc="Bytes of all files together.", default=50 * _MIB, minimum=1, maximum=DEFAULT_LIMITS.archive_unpacked_bytes
    )
    max_file: int = parameter(
        doc="Bytes of any one file.", default=20 * _MIB, minimum=1, maximum=DEFAULT_LIMITS.archive_unpacked_bytes
    )
    max_files: int = parameter(doc="How many files.", default=5_000, minimum=1, maximum=DEFAULT_LIMITS.archive_members)


def _check(parameters: Parameters, context: RuleContext) -> Outcome:
    content = context.evidence.content
    if content is None:
        raise TypeError("content was not collected")
    if content.packed_size > parameters.max_packed:
        return _failed(context, "size.packed", f"{parameters.max_packed} bytes packed", f"{content.packed_size} bytes")
    if content.unpacked_size > parameters.max_unpacked:
        return _failed(
            context, "size.unpacked", f"{parameters.max_unpacked} bytes unpacked", f"{content.unpacked_size} bytes"
        )
    if content.files > parameters.max_files:
        return _failed(context, "size.files", f"{parameters.max_files} files", f"{content.files} files")
    largest = max(content.inventory, key=lambda file: file.size, default=None)
    if largest is not None and largest.size > parameters.max_file:
        found = f"{largest.path[:_SHOWN]!r} with {largest.size} bytes"
        return _failed(context, "size.file", f"{parameters.max_file} bytes in one file", found)
    return passed("size.within", "within the bounds", found=f"{content.packed_size} bytes, {content.files} files")


def _failed(context: RuleContext, code: str, bound: str, found: str) -> Outcome:
    return failed(
        code,
        "larger than the policy allows",
        expected=f"at most {bound}",
        found=found,
        hint=inspect_step(context.evidence.subject, context.phase),
    )


RULE = Rule(
    id="content.size",
    summary="The package is no larger than it may be.",
    phases=frozenset(Phase),
    needs=frozenset({EvidenceKind.CONTENT}),
    parameters=Parameters,
    check=_check,
    ecosystems=frozenset({NPM, PYPI}),
)

"""The next step after a refusal, as a command that works when it is pasted.

A subject is a file, or an entry of a lockfile. A command on an entry would name a file that is not there: whoever installs
is told what to do instead.
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from vxsec.model.artifact import EVIDENCE_ENDINGS
from vxsec.model.decision import Phase
from vxsec.model.trust import OTHER_REGISTRY

if TYPE_CHECKING:
    from vxsec.model.evidence import SubjectRef
    from vxsec.policy.rule import RuleContext

__all__ = [
    "ASK_AGAIN",
    "add_to_list",
    "approve_command",
    "attest_sbom_command",
    "gate_command",
    "generate_sbom_command",
    "inspect_step",
    "is_file",
    "publish_command",
    "quoted",
    "sign_command",
]

ASK_AGAIN = "run the same command again once the registry answers; with --offline it is not asked"
"""What to do where the registry did not answer, or was not asked."""

_LONGEST = 512
_FILE_ENDINGS = (".tgz", ".tar.gz", ".whl")


def quoted(path: str) -> str:
    """``path`` as one word of a shell that no command takes for an option."""
    return shlex.quote(f"./{path}" if path.startswith("-") else path)


def add_to_list(parameter: str, value: str) -> str:
    """How to allow ``value`` in a policy: a list, as it can be pasted below ``with:``."""
    shown = value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…"
    return f"add to with: {parameter}: [{json.dumps(shown, ensure_ascii=False)}]"


def is_file(subject: SubjectRef, phase: Phase) -> bool:
    """Whether the subject is a file at hand: always but in phase install, where it may be an entry of a lockfile."""
    if phase is not Phase.INSTALL:
        return True
    entry = subject.package is not None and subject.filename == str(subject.package)
    return not entry and subject.filename.endswith(_FILE_ENDINGS)


def inspect_step(subject: SubjectRef, phase: Phase) -> str:
    """How to look inside the subject."""
    if subject.filename.endswith(EVIDENCE_ENDINGS):
        return "give the .tgz files only: what lies beside them is found by name"
    if is_file(subject, phase):
        return f"vxsec inspect {quoted(subject.filename)}"
    if subject.package is None:
        return "find out who wrote this entry of the lockfile"
    return f"npm pack {quoted(str(subject.package))}, then look at the file it writes: vxsec inspect FILE"


def sign_command(context: RuleContext) -> str:
    """Sign the subject's file as the build machine."""
    return f"vxsec sign {_file(context)} --signer file:KEY --trust {quoted(context.trust.source)}{_registry(context)}"


def approve_command(context: RuleContext) -> str:
    """Approve the subject's file as a person, for the policy that asks for it."""
    trust, policy = quoted(context.trust.source), quoted(context.policy.source)
    return f"vxsec approve {_file(context)} --signer file:KEY --trust {trust} --policy {policy}{_registry(context)}"


def generate_sbom_command(context: RuleContext) -> str:
    """Make an SBOM of the subject's file, where the other commands find it."""
    return f"vxsec sbom generate {_file(context)} --beside"


def attest_sbom_command(context: RuleContext) -> str:
    """Make an SBOM of the subject's file and sign it as the build machine."""
    return f"vxsec sbom attest {_file(context)} --signer file:KEY"


def gate_command(context: RuleContext, *options: str) -> str:
    """Ask the same question about the subject's file again, with more options."""
    phase = "" if context.phase is Phase.PUBLISH else f" --phase {context.phase}"
    return f"vxsec gate {_file(context)}{phase}{_judged_by(context)}{''.join(f' {option}' for option in options)}"


def publish_command(context: RuleContext, *options: str) -> str:
    """Publish the subject's file, with more options."""
    return f"vxsec publish {_file(context)}{_judged_by(context)}{''.join(f' {option}' for option in options)}"


def _file(context: RuleContext) -> str:
    return quoted(context.evidence.subject.filename)


def _judged_by(context: RuleContext) -> str:
    label = _label(context)
    registry = f" --registry {quoted(label)}" if label else ""
    return f" --policy {quoted(context.policy.source)} --trust {quoted(context.trust.source)}{registry}"


def _registry(context: RuleContext) -> str:
    """``--registry`` for a statement: the label where several list the name, a URL to fill in where none does."""
    if context.evidence.subject.registry == OTHER_REGISTRY:
        return " --registry URL"
    label = _label(context)
    return f" --registry {quoted(label)}" if label else ""


def _label(context: RuleContext) -> str | None:
    subject = context.evidence.subject
    listed = context.trust.registries_for(subject.package.name, subject.package.ecosystem) if subject.package else ()
    return subject.registry if len(listed) > 1 else None

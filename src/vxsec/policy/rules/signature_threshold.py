"""Enough different people and machines signed exactly these bytes.

Why: A package is what its signers say it is. Counted are typed statements over the tarball's digest (a release by a
machine, an approval by a person), by distinct holders with distinct keys: one stolen key, one person with two keys or one
signature copied twice never reaches a threshold of two. A release statement that has expired no longer opens publish or
promote.

Fix: Sign the file with ``vxsec sign FILE.tgz --signer file:ci.key --trust trust.yaml``, have a person approve it with
``vxsec approve FILE.tgz --signer file:alice.key --trust trust.yaml``, and keep ``FILE.tgz.sigstore.jsonl`` beside it. After any
change of the file sign and approve again.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from vxsec.formats.key_materials import signer_of
from vxsec.model.decision import Phase
from vxsec.model.package import NPM, PYPI
from vxsec.model.quorum import Quorum, count_quorum
from vxsec.model.trust import Role
from vxsec.policy.next_command import approve_command, gate_command, inspect_step, is_file, sign_command
from vxsec.policy.parameters import parameter
from vxsec.policy.rule import EvidenceKind, Outcome, Rule, RuleContext, failed, passed, unknown
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vxsec.model.evidence import SignatureEvidence, SignerFact

__all__ = ["RULE", "Parameters"]

_STATEMENT_ROLES = {"release": Role.MACHINE, "approval": Role.HUMAN}
_LISTED = 3
_ALGORITHMS = (
    "ecdsa-p256",
    "ecdsa-p384",
    "ecdsa-p521",
    "ed25519",
    "rsa-2048",
    "rsa-3072",
    "rsa-4096",
    "openpgp",
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """How many, in which roles, with which algorithms, and with how much evidence beside the signature."""

    threshold: int = parameter(
        doc="Distinct holders who must have signed, with distinct keys.", default=1, minimum=1, maximum=100
    )
    min_per_role: Mapping[str, int] = parameter(
        doc="Distinct holders needed in each role.", default={}, minimum=1, maximum=100, choices=("machine", "human")
    )
    algorithms: tuple[str, ...] = parameter(
        doc="Key algorithms that count; all that vxsec verifies where the key is left out.",
        default=(),
        choices=_ALGORITHMS,
    )
    log_entries: int = parameter(
        doc="Transparency logs that must hold each signature that counts.", default=0, minimum=0, maximum=8
    )
    timestamps: int = parameter(
        doc="Timestamp authorities that must have seen each signature that counts.", default=0, minimum=0, maximum=8
    )
    scts: int = parameter(
        doc="Certificate transparency logs that must hold each certificate that counts.",
        default=0,
        minimum=0,
        maximum=8,
    )


def _check(parameters: Parameters, context: RuleContext) -> Outcome:
    evidence = context.evidence.signatures
    if evidence is None:
        raise TypeError("signatures were not collected")
    counted = [fact for fact in evidence.signers if _counts(fact, parameters, context)]
    quorum = count_quorum(signer_of(fact, context.trust) for fact in counted)
    if _reached(quorum, parameters):
        return passed(
            "signature.threshold", "enough signatures", found=", ".join(quorum.holders), signed_by=quorum.holders
        )
    return _too_few(evidence, quorum, parameters, context)


def _counts(fact: SignerFact, parameters: Parameters, context: RuleContext) -> bool:
    if _STATEMENT_ROLES.get(fact.statement) is not fact.role:
        return False
    if parameters.algorithms and fact.algorithm not in parameters.algorithms:
        return False
    return not _expired(fact, context) and not _bare(fact, parameters)


def _expired(fact: SignerFact, context: RuleContext) -> bool:
    return context.phase is not Phase.INSTALL and fact.expires is not None and fact.expires <= context.now


def _bare(fact: SignerFact, parameters: Parameters) -> bool:
    """Whether it has less evidence beside it than is asked for; SCTs belong to certificates, so a key needs none."""
    return (
        fact.log_entries < parameters.log_entries
        or fact.timestamps < parameters.timestamps
        or (fact.identity is not None and fact.scts < parameters.scts)
    )


def _reached(quorum: Quorum, parameters: Parameters) -> bool:
    return quorum.count >= parameters.threshold and all(
        quorum.per_role.get(role, 0) >= needed for role, needed in parameters.min_per_role.items()
    )


def _too_few(evidence: SignatureEvidence, quorum: Quorum, parameters: Parameters, context: RuleContext) -> Outcome:
    expected = _expected(parameters)
    found = _found(evidence, quorum, parameters, context)
    if evidence.incomplete is not None:
        return unknown(
            "signature.search-incomplete",
            "the search for signatures could not be finished",
            expected=expected,
            found=f"{found}; {evidence.incomplete}",
            hint=_how_to_find(context),
        )
    if evidence.foreign:
        return failed(
            "signature.subject-mismatch",
            "a signature speaks of other bytes: the file changed after signing, or the signature belongs to another file",
            expected=expected,
            found=found,
            hint=_how_to_compare(context),
        )
    if quorum.count == 0:
        return failed(
            "signature.none",
            "no signature counts",
            expected=expected,
            found=found,
            hint=_how_to_sign(quorum, parameters, context),
        )
    return failed(
        "signature.threshold",
        "too few signatures count",
        expected=expected,
        found=found,
        hint=_how_to_sign(quorum, parameters, context),
    )


def _expected(parameters: Parameters) -> str:
    roles = [f"{needed} {role}" for role, needed in sorted(parameters.min_per_role.items())]
    text = f"{parameters.threshold} distinct holder{'s' if parameters.threshold > 1 else ''}"
    text += f" ({', '.join(roles)})" if roles else ""
    text += f" with {', '.join(parameters.algorithms)}" if parameters.algorithms else ""
    asked = {"log entries": parameters.log_entries, "timestamps": parameters.timestamps, "SCTs": parameters.scts}
    beside = [f"{number} {what}" for what, number in asked.items() if number]
    return text + (f", each with {', '.join(beside)}" if beside else "")


def _found(evidence: SignatureEvidence, quorum: Quorum, parameters: Parameters, context: RuleContext) -> str:
    counted = [f"{role}: {number}" for role, number in sorted(quorum.per_role.items())]
    text = f"{quorum.count}" + (f" ({', '.join(quorum.holders)}; {', '.join(counted)})" if counted else "")
    expired = sum(_expired(fact, context) for fact in evidence.signers)
    text += f"; {expired} expired" if expired else ""
    weak = sum(bool(parameters.algorithms) and fact.algorithm not in parameters.algorithms for fact in evidence.signers)
    text += f"; {weak} with another algorithm" if weak else ""
    bare = sum(_bare(fact, parameters) for fact in evidence.signers)
    text += f"; {bare} without the evidence asked for" if bare else ""
    reasons = Counter(f"{item.code} in {item.source}" for item in evidence.rejected).items()
    rejected = [f"{number} x {reason}" if number > 1 else reason for reason, number in reasons]
    more = len(rejected) - _LISTED
    text += f"; not counted: {', '.join(rejected[:_LISTED])}" if rejected else ""
    return text + (f" and {more} more" if more > 0 else "")


def _how_to_find(context: RuleContext) -> str:
    if not is_file(context.evidence.subject, context.phase):
        return "try again once the registry answers, or add --evidence DIR with the bundles you have"
    return f"try again, or give the bundles you have: {gate_command(context, '--evidence', 'DIR')}"


def _how_to_compare(context: RuleContext) -> str:
    if not is_file(context.evidence.subject, context.phase):
        return "do not install it; ask its publisher which bytes were signed, or lock another version"
    look = inspect_step(context.evidence.subject, context.phase)
    return f"compare the digests: {look}; if the change is meant, sign again: {sign_command(context)}"


def _how_to_sign(quorum: Quorum, parameters: Parameters, context: RuleContext) -> str:
    if not is_file(context.evidence.subject, context.phase):
        return "lock a version that is signed, or ask its publisher to sign and publish this one"
    missing = {role for role, needed in parameters.min_per_role.items() if quorum.per_role.get(role, 0) < needed}
    if missing == {Role.HUMAN}:
        return approve_command(context)
    return sign_command(context)


RULE = Rule(
    id="signature.threshold",
    summary="Enough distinct holders signed exactly these bytes.",
    phases=frozenset(Phase),
    needs=frozenset({EvidenceKind.SIGNATURES}),
    parameters=Parameters,
    check=_check,
    ecosystems=frozenset({NPM, PYPI}),
)

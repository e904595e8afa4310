"""The whole tree: lockfile = tarball bytes = signed digest, and the policy's word on every package.

The lockfile is not believed about what need not be checked. Every package it lists ends in exactly one of: verified,
allowed unsigned, local, failed, not evaluated.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vxsec.errors import UsageError
from vxsec.host.clock import utc_now
from vxsec.model.decision import Decision, Disposition, Phase, RuleResult, SubjectDecision, TrustRef, Verdict
from vxsec.model.evidence import SubjectRef
from vxsec.model.report.installation import InstallReport, TreeAccount, TreeFailure
from vxsec.model.trust import OTHER_REGISTRY
from vxsec.policy.engine import ENGINE_SCOPE, evaluate
from vxsec.report.decision_json import render_decision
from vxsec.usecases.collect.collector import Collector
from vxsec.usecases.gate import record, require_policy_and_trust
from vxsec.usecases.inputs import load_policy
from vxsec.usecases.lockfile_input import find_lockfile
from vxsec.usecases.registries import RegistrySession
from vxsec.usecases.tree_walk import TreeWalk
from vxsec.usecases.trust_source import load_trust

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection
    from datetime import datetime

    from vxsec.usecases.trust_source import PolicySource, Trust

    PathLike = str | os.PathLike[str]
    Progress = Callable[[str], None]

__all__ = ["verify_lockfile"]


def verify_lockfile(
    lockfile: PathLike,
    *,
    policy: PathLike | PolicySource | None,
    trust: Trust | None,
    registry: str | None = None,
    evidence: PathLike | None = None,
    db: PathLike | None = None,
    log: PathLike | None = None,
    offline: bool = False,
    at: datetime | None = None,
    now: datetime | None = None,
    project_dir: PathLike = ".",
    unsafe_http: Collection[str] = (),
    unsafe_tls: Collection[str] = (),
    unsafe_rehearsal: bool = False,
    progress: Progress = lambda _line: None,
) -> InstallReport:
    """Verify every package that a lockfile would install.

    Own packages are fetched with their evidence from their own registry; others only where a matching rule needs their
    bytes. Nothing is installed, extracted or executed.

    Guarantees: exit status 0 only if every package is verified, allowed unsigned by the policy, or local by the root's
    own ``workspaces``; whatever the rules say, bytes that are refused, that differ from the lockfile's integrity or from
    what was signed, make it 10.

    Args:
        lockfile: ``package-lock.json`` (version 2 or 3), or the folder it lies in.
        policy: A policy file or a shipped one by name; evaluated in phase ``install``.
        trust: The identities document.
        registry: A label, where several registries list a name.
        evidence: A folder of bundle files, matched by digest.
        db: The folder of the advisory database; ``VXSEC_DB`` or the user's own if None.
        log: Append the decision to this file.
        offline: Open no connection; what that hides is not evaluated.
        at: Judge as of this time; marks the decision.
        now: The current time; the clock if not given.
        project_dir: Where ``.npmrc`` lies.
        unsafe_http: Registry URLs that may be plain http.
        unsafe_tls: Registry URLs whose certificate is not verified.
        unsafe_rehearsal: Accept a rehearsal trust root; the decision is stamped.
        progress: Called with one line now and then.

    Raises:
        UsageError: No policy or trust; unreadable files.
        ConfigurationError: A malformed policy, trust document or ``.npmrc``.
        FormatError: A malformed lockfile.
        LogWriteError: The decision could not be recorded.
    """
    policy, trust = require_policy_and_trust(policy, trust)
    if Path(lockfile).is_dir():
        found = find_lockfile(lockfile)
        if found is None:
            raise UsageError(
                "no lockfile in this folder",
                code="file.missing",
                where=str(lockfile),
                hint="make one: npm install --package-lock-only",
            )
        lockfile = found
    root = load_trust(trust, now=at or now, as_of=at is not None, unsafe_rehearsal=unsafe_rehearsal)
    moment = at or now or utc_now()
    collector = Collector(
        policy=load_policy(policy, trust=root),
        trust=root,
        phase=Phase.INSTALL,
        session=RegistrySession(
            project_dir=project_dir, offline=offline, unsafe_http=unsafe_http, unsafe_tls=unsafe_tls
        ),
        now=moment,
        registry=registry,
        evidence_dir=evidence,
        db=db,
        lockfile=lockfile,
        project_dir=project_dir,
    )
    given = collector.lockfile
    if given is None or given.lockfile is None:
        reason = given.unsupported if given is not None and given.unsupported else "no lockfile"
        return _unsupported(str(lockfile), reason)
    walk = TreeWalk(collector=collector, lockfile=given.lockfile, registry=registry, progress=progress)
    walk.run()
    decision = None
    if walk.evidence:
        decision = evaluate(
            collector.policy,
            root,
            list(walk.evidence.values()),
            phase=Phase.INSTALL,
            now=moment,
            as_of=at is not None,
            trust_ref=TrustRef(source=root.source, sha256=root.sha256, signed=root.signed),
        )
    report = walk.report(str(lockfile), decision)
    empty = Decision(
        phase=Phase.INSTALL,
        mode=collector.policy.mode,
        now=moment,
        as_of=at is not None,
        policy=collector.policy.ref,
        trust=TrustRef(source=root.source, sha256=root.sha256, signed=root.signed),
        subjects=(),
        rehearsal=root.rehearsal,
    )
    record(_log_document(report, decision or empty), log, exit_status=report.exit_status)
    return report


def _log_document(report: InstallReport, decision: Decision) -> dict[str, object]:
    """The decision as the log keeps it: with what failed whatever the policy says, and the report's own status."""
    decided = {subject.subject.filename for subject in decision.subjects}
    others = [(item, Verdict.FAIL) for item in report.failures]
    others += [(item, Verdict.UNKNOWN) for item in report.not_evaluated if item.path not in decided]
    added = tuple(
        SubjectDecision(
            subject=SubjectRef(filename=item.path, package=None, sha256=None, sha512=None, registry=OTHER_REGISTRY),
            results=(
                RuleResult(
                    scope=ENGINE_SCOPE,
                    rule=item.code,
                    use=item.code,
                    verdict=verdict,
                    disposition=Disposition.ENFORCED,
                    code=item.code,
                    message=f"{item.package}: {item.message}",
                ),
            ),
        )
        for item, verdict in others
    )
    if not decision.subjects and not added:
        whole = SubjectRef(filename=report.lockfile, package=None, sha256=None, sha512=None, registry=OTHER_REGISTRY)
        added = (SubjectDecision(subject=whole, results=()),)
    document = render_decision(replace(decision, subjects=(*decision.subjects, *added)))
    verdict = "allow" if report.exit_status == 0 else "deny"
    return document | {"exitStatus": report.exit_status, "verdict": verdict}


def _unsupported(source: str, reason: str) -> InstallReport:
    """A lockfile that cannot be read yet: unknown, and nothing in it is evaluated."""
    entry = TreeFailure(
        path=source,
        package=source,
        code="lockfile.unsupported",
        message=reason,
        hint="give a package-lock.json, version 2 or 3",
    )
    return InstallReport(
        lockfile=source,
        decision=None,
        failures=(),
        not_evaluated=(entry,),
        totals=TreeAccount(),
    )

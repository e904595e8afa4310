"""May these tarballs pass?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import LogWriteError, UsageError
from vxsec.formats.decision_log import render_log_line
from vxsec.host.clock import utc_now
from vxsec.host.files import append_line_locked
from vxsec.model.decision import Phase, TrustRef
from vxsec.policy.engine import evaluate
from vxsec.report.decision_json import render_decision
from vxsec.usecases.collect.collector import Collector
from vxsec.usecases.inputs import load_policy, open_artifacts
from vxsec.usecases.registries import RegistrySession
from vxsec.usecases.trust_source import load_trust
from vxsec.values import dataclass

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from vxsec.model.artifact import Artifact, RefusedArtifact
    from vxsec.model.decision import Decision
    from vxsec.model.evidence import Evidence
    from vxsec.model.trust import TrustRoot
    from vxsec.policy.document import Policy
    from vxsec.usecases.trust_source import PolicySource, Trust

    PathLike = str | os.PathLike[str]

_REFUSALS = frozenset({10, 11})

__all__ = ["GateRun", "decide", "gate", "open_run", "record", "require_policy_and_trust"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRun:
    """One evaluation: the bytes held in memory, and what they are judged by."""

    artifacts: tuple[Artifact | RefusedArtifact, ...]
    policy: Policy
    trust: TrustRoot
    session: RegistrySession
    collector: Collector
    now: datetime
    as_of: bool


def gate(
    files: Sequence[PathLike],
    *,
    policy: PathLike | PolicySource | None,
    trust: Trust | None,
    phase: Phase | str = Phase.PUBLISH,
    registry: str | None = None,
    lockfile: PathLike | None = None,
    evidence: PathLike | None = None,
    bundles: Sequence[PathLike] = (),
    packument: PathLike | None = None,
    db: PathLike | None = None,
    log: PathLike | None = None,
    offline: bool = False,
    at: datetime | None = None,
    now: datetime | None = None,
    project_dir: PathLike = ".",
    unsafe_http: Collection[str] = (),
    unsafe_tls: Collection[str] = (),
    unsafe_rehearsal: bool = False,
) -> Decision:
    """Evaluate the policy on every tarball.

    Guarantees: the decision allows only subjects for which at least one enforced rule of this phase said ``pass`` and
    none said anything else that closes; refused bytes are denied in every mode; with ``log``, a decision that could not
    be recorded is never returned.

    Args:
        files: Tarballs, at least one.
        policy: A policy file, or a shipped one by name (``vxsec:minimal``, ``vxsec:recommended``).
        trust: The identities document.
        phase: ``publish``, ``promote`` or ``install``.
        registry: A label of the trust document, where several registries list a name.
        lockfile: The lockfile that rules read; the one in ``project_dir`` if not given.
        evidence: A folder of bundle files, matched by digest.
        bundles: Bundle files that speak of the files given.
        packument: A packument file, in place of asking the registry.
        db: The folder of the advisory database; ``VXSEC_DB`` or the user's own if None.
        log: Append the decision to this file, one JSON line.
        offline: Open no connection; what that hides is unknown.
        at: Judge as of this time; marks the decision.
        now: The current time; the clock if not given.
        project_dir: Where ``.npmrc`` and the lockfile lie.
        unsafe_http: Registry URLs that may be plain http.
        unsafe_tls: Registry URLs whose certificate is not verified.
        unsafe_rehearsal: Accept a rehearsal trust root; the decision is stamped ``rehearsal``.

    Raises:
        UsageError: No files, no policy or trust, unreadable files, an ambiguous registry.
        ConfigurationError: A malformed policy, trust document or ``.npmrc``.
        FormatError: A malformed lockfile or packument file.
        LogWriteError: The decision could not be recorded.
    """
    run = open_run(
        files,
        policy=policy,
        trust=trust,
        phase=Phase(phase),
        registry=registry,
        lockfile=lockfile,
        evidence=evidence,
        bundles=bundles,
        packument=packument,
        db=db,
        session=RegistrySession(
            project_dir=project_dir, offline=offline, unsafe_http=unsafe_http, unsafe_tls=unsafe_tls
        ),
        at=at,
        now=now,
        project_dir=project_dir,
        unsafe_rehearsal=unsafe_rehearsal,
    )
    decision = decide(run, [run.collector.collect(artifact) for artifact in run.artifacts])
    record(render_decision(decision), log, exit_status=decision.exit_status)
    return decision


def open_run(
    files: Sequence[PathLike],
    *,
    policy: PathLike | PolicySource | None,
    trust: Trust | None,
    phase: Phase,
    session: RegistrySession,
    registry: str | None = None,
    lockfile: PathLike | None = None,
    evidence: PathLike | None = None,
    bundles: Sequence[PathLike] = (),
    packument: PathLike | None = None,
    db: PathLike | None = None,
    tag: str | None = None,
    at: datetime | None = None,
    now: datetime | None = None,
    project_dir: PathLike = ".",
    unsafe_rehearsal: bool = False,
) -> GateRun:
    """Load everything an evaluation starts from; arguments and errors as :func:`gate`."""
    policy, trust = require_policy_and_trust(policy, trust)
    artifacts = open_artifacts(files)
    root = load_trust(trust, now=at or now, as_of=at is not None, unsafe_rehearsal=unsafe_rehearsal)
    loaded = load_policy(policy, trust=root)
    moment = at or now or utc_now()
    collector = Collector(
        policy=loaded,
        trust=root,
        phase=phase,
        session=session,
        now=moment,
        registry=registry,
        bundles=bundles,
        evidence_dir=evidence,
        packument=packument,
        db=db,
        lockfile=lockfile,
        project_dir=project_dir,
        tag=tag,
    )
    return GateRun(
        artifacts=tuple(artifacts),
        policy=loaded,
        trust=root,
        session=session,
        collector=collector,
        now=moment,
        as_of=at is not None,
    )


def decide(run: GateRun, evidence: Sequence[Evidence]) -> Decision:
    """The engine's answer on collected evidence."""
    return evaluate(
        run.policy,
        run.trust,
        evidence,
        phase=run.collector.phase,
        now=run.now,
        as_of=run.as_of,
        trust_ref=TrustRef(source=run.trust.source, sha256=run.trust.sha256, signed=run.trust.signed),
    )


def record(document: Mapping[str, object], log: PathLike | None, *, exit_status: int) -> None:
    """Append a rendered decision to the log, where one is asked for.

    Raises:
        LogWriteError: It is not certainly on disk. Its exit status is 4, or the decision's own where that is a refusal
            (10 or 11): a refusal must not look like something to try again.
    """
    if log is None:
        return
    try:
        append_line_locked(log, render_log_line(document))
    except LogWriteError as error:
        if exit_status in _REFUSALS:
            error.exit_status = exit_status
            error.message = f"refused ({exit_status}), and the refusal could not be recorded: {error.message}"
        raise


def require_policy_and_trust(
    policy: PathLike | PolicySource | None, trust: Trust | None
) -> tuple[PathLike | PolicySource, Trust]:
    """Both, or an error naming the option.

    Raises:
        UsageError: ``usage.no-policy`` or ``usage.no-trust``.
    """
    if policy is None:
        raise UsageError(
            "expected a policy, found none", code="usage.no-policy", hint="add --policy FILE or --policy vxsec:minimal"
        )
    if trust is None:
        raise UsageError(
            "expected a trust document, found none",
            code="usage.no-trust",
            hint="add --trust FILE (make one: vxsec init)",
        )
    return policy, trust

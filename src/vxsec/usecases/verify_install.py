"""The whole tree: lockfile = tarball bytes = signed digest, and the policy's word on every package.

The lockfile is not believed about what need not be checked. Every package it lists ends in exactly one of: verified,
allowed unsigned, local, failed, not evaluated.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from vxsec.errors import FormatError, RefusedError, UndecidedError, UsageError, VerificationError
from vxsec.formats.tarball import read_tarball
from vxsec.host.clock import utc_now
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.artifact import Artifact, RefusedArtifact
from vxsec.model.decision import Disposition, Phase, RuleResult, TrustRef, Verdict
from vxsec.model.digest import digest_bytes
from vxsec.model.evidence import SubjectRef
from vxsec.model.package import PackageRef
from vxsec.model.report.installation import InstallReport, TreeAccount, TreeFailure
from vxsec.model.trust import OTHER_REGISTRY
from vxsec.policy.engine import evaluate
from vxsec.policy.rule import EvidenceKind
from vxsec.usecases.collect import Collector, find_lockfile
from vxsec.usecases.gate import record, require_policy_and_trust
from vxsec.usecases.inputs import load_policy, load_trust, open_artifact
from vxsec.usecases.registries import RegistrySession
from vxsec.verification.tree import Placed, PlacedKind, check_bytes, classify, confirm_bundled, unlisted_bundles

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from vxsec.model.decision import Decision
    from vxsec.model.dependency import Lockfile
    from vxsec.model.evidence import Evidence

    PathLike = str | os.PathLike[str]
    Progress = Callable[[str], None]

__all__ = ["verify_lockfile"]

_BYTES = frozenset({EvidenceKind.CONTENT, EvidenceKind.SIGNATURES, EvidenceKind.APPROVALS, EvidenceKind.REGISTRY})
"""Evidence that can only be derived from a package's own bytes."""


def verify_lockfile(
    lockfile: PathLike,
    *,
    policy: PathLike | None,
    trust: PathLike | None,
    registry: str | None = None,
    evidence: PathLike | None = None,
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
    root = load_trust(trust, unsafe_rehearsal=unsafe_rehearsal)
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
        lockfile=lockfile,
        project_dir=project_dir,
    )
    given = collector.lockfile
    if given is None or given.lockfile is None:
        reason = given.unsupported if given is not None and given.unsupported else "no lockfile"
        return _unsupported(str(lockfile), reason)
    walk = _Walk(collector=collector, lockfile=given.lockfile, registry=registry, progress=progress)
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
        record(decision, log)
    return walk.report(str(lockfile), decision)


@dataclass(slots=True, kw_only=True)
class _Walk:
    """One pass over the lockfile; every list is keyed by the entry's place in the tree."""

    collector: Collector
    lockfile: Lockfile
    registry: str | None
    progress: Progress
    placed: tuple[Placed, ...] = ()
    evidence: dict[str, Evidence] = field(default_factory=dict)
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    failures: dict[str, TreeFailure] = field(default_factory=dict)
    blocked: dict[str, TreeFailure] = field(default_factory=dict)
    bundled_in: dict[str, str] = field(default_factory=dict)
    parents: frozenset[str] = frozenset()

    def run(self) -> None:
        self.placed = classify(self.lockfile, self.collector.trust, own_registry=self.registry)
        for one in self.placed:
            if one.kind is PlacedKind.FAILED:
                self._fail(one, one.code or "tree.failed", one.message or "not an entry npm writes")
        remote = [one for one in self.placed if one.kind in {PlacedKind.OWN, PlacedKind.OTHER}]
        self.parents = frozenset(
            one.parent for one in self.placed if one.kind is PlacedKind.BUNDLED and one.parent is not None
        )
        fetched = [one for one in remote if one.entry.path in self.parents or self._needs_bytes(one)]
        if fetched:
            self.progress(f"fetching {len(fetched)} of {len(self.placed)} packages")
        with ThreadPoolExecutor(max_workers=DEFAULT_LIMITS.http_parallel) as pool:
            for one, outcome in zip(fetched, pool.map(self._examine, fetched), strict=True):
                self._settle(one, outcome)
        done = {one.entry.path for one in fetched}
        for one in remote:
            if one.entry.path not in done:
                self.evidence[one.entry.path] = self.collector.collect_entry(one.entry, _subject(one))
        self._settle_bundled()

    # -- one package --------------------------------------------------------------------------------------------------

    def _needs_bytes(self, one: Placed) -> bool:
        return bool(self.collector.needs(_subject(one)) & _BYTES)

    def _examine(self, one: Placed) -> tuple[Artifact, Evidence] | TreeFailure | UndecidedError:
        """Fetch, compare with the lockfile, read strictly, derive evidence. Runs in a worker thread."""
        try:
            data = self._fetch(one)
            check_bytes(one.entry, digest_bytes(data))
            artifact = open_artifact(data, filename=f"{one.entry.name}@{one.entry.version}")
            if isinstance(artifact, RefusedArtifact):
                first = artifact.reasons[0]
                return _failure(
                    one, first.code, first.message, hint="do not install it; look at the tarball with: vxsec inspect"
                )
            expected = PackageRef(name=one.entry.name or "", version=one.entry.version or "")
            if artifact.package != expected:
                return _failure(
                    one, "tree.other-package", f"the lockfile names {expected}, the tarball holds {artifact.package}"
                )
            unlisted = unlisted_bundles(self.lockfile, one.entry, (file.path for file in artifact.files))
            if unlisted:
                return _failure(
                    one,
                    "tree.bundle-unlisted",
                    f"its tarball carries {', '.join(unlisted[:_SHOWN])}, which the lockfile does not name",
                    hint="install with the lockfile that names it, or ask the publisher to leave it out",
                )
            return artifact, self.collector.collect(artifact, entry=one.entry)
        except UndecidedError as error:
            return error
        except (VerificationError, RefusedError) as error:
            return _failure(one, error.code, error.message, hint=error.hint)

    def _fetch(self, one: Placed) -> bytes:
        """From the package's own registry; a foreign one from where .npmrc sends its name."""
        session = self.collector.session
        name, version = one.entry.name, one.entry.version
        if name is None or version is None:
            raise FormatError("the entry has no name or version", code="lockfile.incomplete", where=one.entry.path)
        listed = self.collector.trust.registry(one.registry) if one.registry is not None else None
        url = listed.url if listed is not None else session.config.registry_for(name)
        if url is None:
            raise UndecidedError(
                f"no .npmrc says where {name} is fetched from",
                code="registry.not-configured",
                hint="write registry=URL into .npmrc",
            )
        # Never from ``resolved``: the real name alone decides where a package comes from.
        return session.client(url).fetch_tarball(name, version)

    # -- settling -----------------------------------------------------------------------------------------------------

    def _settle(self, one: Placed, outcome: tuple[Artifact, Evidence] | TreeFailure | UndecidedError) -> None:
        path = one.entry.path
        if isinstance(outcome, TreeFailure):
            self.failures[path] = outcome
        elif isinstance(outcome, UndecidedError):
            self.blocked[path] = _failure(one, outcome.code, str(outcome), hint=outcome.hint)
            self.evidence[path] = self.collector.collect_entry(one.entry, _subject(one))
        else:
            artifact, evidence = outcome
            if path in self.parents:  # the only ones whose bytes are looked at again
                self.artifacts[path] = artifact
            signatures = evidence.signatures
            if signatures is not None and signatures.foreign and not signatures.signers:
                self._fail(
                    one,
                    "signature.subject-mismatch",
                    "what was signed for this version are other bytes than the registry serves and the lockfile pins",
                )
            else:
                self.evidence[path] = evidence

    def _settle_bundled(self) -> None:
        for one in self.placed:
            if one.kind is not PlacedKind.BUNDLED or one.parent is None:
                continue
            parent = self.artifacts.get(one.parent)
            if parent is None:
                if one.parent in self.blocked:
                    self.blocked[one.entry.path] = _failure(
                        one, "tree.parent-not-read", "its parent's tarball could not be read"
                    )
                else:
                    self._fail(one, "tree.parent-failed", "the package it is said to be bundled in failed")
                continue
            try:
                confirm_bundled(one, _manifests_inside(parent))
            except VerificationError as error:
                self._fail(one, error.code, error.message)
            else:
                self.bundled_in[one.entry.path] = one.parent

    def _fail(self, one: Placed, code: str, message: str) -> None:
        self.failures[one.entry.path] = _failure(one, code, message)

    # -- the account --------------------------------------------------------------------------------------------------

    def report(self, source: str, decision: Decision | None) -> InstallReport:
        verdicts = dict(zip(self.evidence, decision.subjects if decision is not None else (), strict=True))
        state: dict[str, str] = {}
        for one in self.placed:
            path = one.entry.path
            if one.kind is PlacedKind.LOCAL:
                state[path] = "local"
            elif path in self.failures:
                state[path] = "failed"
            elif path in self.blocked:
                state[path] = "not-evaluated"
            elif path in verdicts:
                state[path] = _state(verdicts[path].results, allowed=verdicts[path].allowed)
        for path, parent in self.bundled_in.items():
            state[path] = state.get(parent, "not-evaluated")
        counts = Counter(state.values())
        account = TreeAccount(
            verified=counts["verified"],
            allowed_unsigned=counts["allowed-unsigned"],
            local=counts["local"],
            failed=counts["failed"],
            not_evaluated=counts["not-evaluated"] + len(self.placed) - len(state),
            bundled=len(self.bundled_in),
        )
        account.check(len(self.placed))
        return InstallReport(
            lockfile=source,
            decision=decision,
            failures=tuple(self.failures.values()),
            not_evaluated=tuple(self.blocked.values()),
            totals=account,
        )


def _manifests_inside(artifact: Artifact) -> Mapping[str, bytes]:
    """Every package.json below node_modules/ in a tarball, read again from the bytes that were checked."""
    tarball = read_tarball(
        artifact.data,
        keep=lambda path, size: (
            path.startswith("node_modules/")
            and path.endswith("/package.json")
            and size <= DEFAULT_LIMITS.manifest_bytes
        ),
    )
    return tarball.kept


_SHOWN = 5


def _state(results: Sequence[RuleResult], *, allowed: bool) -> str:
    """Which of the five a judged package is in. ``verified`` is for packages whose signatures were required and counted."""
    closing = {result.verdict for result in results if result.closes}
    if Verdict.FAIL in closing:
        return "failed"
    if not allowed or closing:
        return "not-evaluated"
    signed = any(
        result.use == "signature.threshold"
        and result.verdict is Verdict.PASS
        and result.disposition is Disposition.ENFORCED
        for result in results
    )
    return "verified" if signed else "allowed-unsigned"


def _subject(one: Placed) -> SubjectRef:
    name, version = one.entry.name, one.entry.version
    package = PackageRef(name=name, version=version) if name is not None and version is not None else None
    return SubjectRef(
        filename=one.entry.path, package=package, sha256=None, sha512=None, registry=one.registry or OTHER_REGISTRY
    )


def _failure(one: Placed, code: str, message: str, *, hint: str | None = None) -> TreeFailure:
    name = f"{one.entry.name}@{one.entry.version}" if one.entry.version else one.entry.name or one.entry.path
    return TreeFailure(path=one.entry.path, package=name, code=code, message=message, hint=hint)


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

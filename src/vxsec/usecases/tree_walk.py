"""Walk a lockfile: what each package is, its bytes against what is pinned and signed, and an account that adds up."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vxsec.errors import FormatError, RefusedError, UndecidedError, VerificationError
from vxsec.formats.lockfiles.source import SourceKind, source_kind
from vxsec.formats.tarball import read_tarball
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.artifact import Artifact, RefusedArtifact
from vxsec.model.decision import Disposition, Verdict
from vxsec.model.digest import Integrity, digest_bytes
from vxsec.model.evidence import SubjectRef
from vxsec.model.package import PackageRef
from vxsec.model.report.installation import InstallReport, TreeAccount, TreeFailure
from vxsec.model.trust import OTHER_REGISTRY
from vxsec.policy.rule import EvidenceKind
from vxsec.usecases.inputs import open_artifact
from vxsec.verification.tree import Placed, PlacedKind, check_bytes, classify, confirm_bundled, unlisted_bundles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vxsec.model.decision import Decision, RuleResult
    from vxsec.model.dependency import Lockfile
    from vxsec.model.evidence import Evidence
    from vxsec.usecases.collect.collector import Collector

    Progress = Callable[[str], None]

__all__ = ["TreeWalk"]

_SHOWN = 5
_BYTES = frozenset(
    {
        EvidenceKind.CONTENT,
        EvidenceKind.SIGNATURES,
        EvidenceKind.APPROVALS,
        EvidenceKind.REGISTRY,
        EvidenceKind.SECRETS,
        EvidenceKind.SBOM,
    }
)
"""Evidence that can only be derived from a package's own bytes."""


@dataclass(slots=True, kw_only=True)
class TreeWalk:
    """One pass over the lockfile: place, fetch, compare, derive, count. Everything is keyed by the entry's place in the tree."""

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
        """Fetch and judge everything that has to be; afterwards ``evidence`` is what the policy is evaluated on.

        Raises:
            UsageError: A name is listed by several registries and no label was given.
            ConfigurationError: A ``.npmrc`` that cannot be used as it is.
        """
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
        pool = ThreadPoolExecutor(max_workers=DEFAULT_LIMITS.http_parallel)
        try:
            for one, outcome in zip(fetched, pool.map(self._examine, fetched), strict=True):
                self._settle(one, outcome)
        finally:
            # Not `with`: an interruption must not wait for a registry that answers a byte at a time.
            pool.shutdown(wait=False, cancel_futures=True)
        done = {one.entry.path for one in fetched}
        for one in remote:
            if one.entry.path not in done:
                self.evidence[one.entry.path] = self.collector.collect_entry(one.entry, _subject(one))
        self._settle_bundled()

    # -- one package --------------------------------------------------------------------------------------------------

    def _needs_bytes(self, one: Placed) -> bool:
        """Own packages always: their bytes must be what the lockfile pins and what was signed, whatever the rules."""
        return one.kind is PlacedKind.OWN or bool(self.collector.needs(_subject(one)) & _BYTES)

    def _examine(self, one: Placed) -> tuple[Artifact | None, Evidence] | TreeFailure | UndecidedError:
        """Fetch, compare with the lockfile, read strictly, derive evidence. Runs in a worker thread."""
        try:
            artifact = self._checked_artifact(one)
            evidence = self.collector.collect(artifact, entry=one.entry)
        except UndecidedError as error:
            return error
        except (VerificationError, RefusedError) as error:
            return _failure(one, error.code, error.message, hint=error.hint)
        # Only the parents of bundled packages are looked at again; nothing else keeps its bytes.
        return (artifact if one.entry.path in self.parents else None), evidence

    def _checked_artifact(self, one: Placed) -> Artifact:
        """The tarball that the lockfile pins, read strictly.

        Raises:
            VerificationError: It is not what the lockfile says.
            RefusedError: Its bytes are refused.
            UndecidedError: It could not be fetched.
        """
        if source_kind(one.entry.resolved) is SourceKind.GIT:
            raise VerificationError(
                "it comes from git, which npm installs without looking at its integrity", code="tree.source"
            )
        data = self._fetch(one)
        check_bytes(one.entry, digest_bytes(data))
        artifact = open_artifact(data, filename=f"{one.entry.name}@{one.entry.version}")
        if isinstance(artifact, RefusedArtifact):
            first = artifact.reasons[0]
            raise VerificationError(first.message, code=first.code, hint="do not install it, and ask who published it")
        expected = PackageRef(name=one.entry.name or "", version=one.entry.version or "")
        if artifact.package != expected:
            raise VerificationError(
                f"the lockfile names {expected}, the tarball holds {artifact.package}", code="tree.other-package"
            )
        unlisted = unlisted_bundles(self.lockfile, one.entry, (file.path for file in artifact.files))
        if unlisted:
            raise VerificationError(
                f"its tarball carries {', '.join(unlisted[:_SHOWN])}, which the lockfile does not name",
                code="tree.bundle-unlisted",
                hint="install with the lockfile that names it, or ask the publisher to leave it out",
            )
        return artifact

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

    def _settle(self, one: Placed, outcome: tuple[Artifact | None, Evidence] | TreeFailure | UndecidedError) -> None:
        path = one.entry.path
        if isinstance(outcome, TreeFailure):
            self.failures[path] = outcome
        elif isinstance(outcome, UndecidedError):
            self.blocked[path] = _failure(one, outcome.code, str(outcome), hint=outcome.hint)
            self.evidence[path] = self.collector.collect_entry(one.entry, _subject(one))
        else:
            artifact, evidence = outcome
            if artifact is not None:
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
        """Every package in exactly one of five states; ``decision`` judged ``evidence``, in its order.

        Raises:
            VerificationError: ``tree.account``, a defect: a package was lost on the way.
        """
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
    """What the lockfile says the package is, its pinned SHA-512 included."""
    name, version = one.entry.name, one.entry.version
    package = PackageRef(name=name, version=version) if name is not None and version is not None else None
    return SubjectRef(
        filename=one.entry.path,
        package=package,
        sha256=None,
        sha512=_pinned(one.entry.integrity),
        registry=one.registry or OTHER_REGISTRY,
    )


def _pinned(integrity: str | None) -> str | None:
    try:
        parsed = Integrity.parse(integrity or "")
    except FormatError:
        return None
    return next(iter(parsed.deciding)) if parsed.strongest == "sha512" and not parsed.is_ambiguous else None


def _failure(one: Placed, code: str, message: str, *, hint: str | None = None) -> TreeFailure:
    name = f"{one.entry.name}@{one.entry.version}" if one.entry.version else one.entry.name or one.entry.path
    return TreeFailure(path=one.entry.path, package=name, code=code, message=message, hint=hint)

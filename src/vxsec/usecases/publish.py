"""Publish exactly the bytes that the gate judged, with their evidence, and read everything back.

The order makes a second run finish a broken one: evidence before its package, dependencies before dependents, each
package read back before the next is sent. What is already live with the same bytes is read back and skipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vxsec.errors import NetworkError, UndecidedError, UsageError, VerificationError, VxsecError
from vxsec.model.artifact import Artifact
from vxsec.model.decision import Phase
from vxsec.model.digest import Integrity, digest_bytes
from vxsec.model.package import NPM
from vxsec.model.report.publication import PublishedPackage, PublishReport, PublishState
from vxsec.registry.publish_document import build_publish_document, check_tag, read_publish_config
from vxsec.report.decision_json import render_decision
from vxsec.usecases.collect.collector import DEFAULT_TAG
from vxsec.usecases.evidence import push_bundles
from vxsec.usecases.gate import decide, open_run, record
from vxsec.usecases.inputs import choose_registry
from vxsec.usecases.registries import RegistrySession
from vxsec.usecases.sbom.files import sbom_beside
from vxsec.versions.npm import NpmVersion

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from vxsec.formats.packument import Packument
    from vxsec.model.attestation import Bundle
    from vxsec.model.trust import Registry
    from vxsec.registry.client import RegistryClient
    from vxsec.registry.publish_document import PublishConfig
    from vxsec.usecases.gate import GateRun
    from vxsec.usecases.trust_source import PolicySource, Trust

    PathLike = str | os.PathLike[str]
    Progress = Callable[[str], None]

__all__ = ["publish"]

_DEFECT = 1


def publish(
    files: Sequence[PathLike],
    *,
    policy: PathLike | PolicySource | None,
    trust: Trust | None,
    tag: str | None = None,
    dry_run: bool = False,
    registry: str | None = None,
    lockfile: PathLike | None = None,
    evidence: PathLike | None = None,
    bundles: Sequence[PathLike] = (),
    packument: PathLike | None = None,
    db: PathLike | None = None,
    log: PathLike | None = None,
    now: datetime | None = None,
    project_dir: PathLike = ".",
    unsafe_http: Collection[str] = (),
    unsafe_tls: Collection[str] = (),
    unsafe_rehearsal: bool = False,
    progress: Progress = lambda _line: None,
) -> PublishReport:
    """Gate the tarballs, then publish those same bytes with their evidence.

    Guarantees: nothing is sent unless the decision allows every file and, with ``log``, is recorded; what is sent is
    what was judged; each version is read back and its SHA-512 compared before the next is sent. Running it again after
    any interruption finishes the work.

    Args:
        files: Tarballs of own packages, at least one.
        policy: As in :func:`vxsec.usecases.gate.gate`, like all that are not listed here.
        trust: The identities document; says which registry each name belongs to.
        tag: The dist-tag; required for prereleases and for versions below ``latest``.
        dry_run: Stop after the decision and say what would be done.
        registry: See ``policy``.
        lockfile: See ``policy``.
        evidence: See ``policy``.
        bundles: See ``policy``.
        packument: See ``policy``.
        db: See ``policy``.
        log: See ``policy``.
        now: See ``policy``.
        project_dir: See ``policy``.
        unsafe_http: See ``policy``.
        unsafe_tls: See ``policy``.
        unsafe_rehearsal: See ``policy``.
        progress: Called with one line about each step.

    Raises:
        UsageError: As ``gate``; a name that is not an own one; a tag that is needed and missing; a ``publishConfig``
            that points elsewhere.
        UndecidedError: A registry could not be asked, before anything was live.
        VxsecError: As ``gate``. After the first version is live nothing is raised: the report says what stopped it.
    """
    session = RegistrySession(project_dir=project_dir, unsafe_http=unsafe_http, unsafe_tls=unsafe_tls)
    run = open_run(
        files,
        policy=policy,
        trust=trust,
        phase=Phase.PUBLISH,
        registry=registry,
        lockfile=lockfile,
        evidence=evidence,
        bundles=bundles,
        packument=packument,
        db=db,
        tag=tag,
        session=session,
        now=now,
        project_dir=project_dir,
        unsafe_rehearsal=unsafe_rehearsal,
    )
    plans = _plan(run, tag=tag, registry=registry)
    decision = decide(run, [run.collector.collect(artifact) for artifact in run.artifacts])
    record(render_decision(decision), log, exit_status=decision.exit_status)
    if not decision.allowed:
        return PublishReport(decision=decision, packages=tuple(p.outcome(PublishState.NOT_ATTEMPTED) for p in plans))
    for plan in plans:
        plan.build_document()
        plan.inspect_registry()
    if dry_run:
        return PublishReport(decision=decision, packages=tuple(p.outcome(p.expected_state) for p in plans))
    packages, failure = _send_all(plans, progress)
    return PublishReport(decision=decision, packages=packages, failure_status=failure)


@dataclass(slots=True, kw_only=True)
class _Plan:
    """One package on its way: where it goes, and what is known of it there."""

    artifact: Artifact
    registry: Registry
    client: RegistryClient
    tag: str
    tag_stated: bool
    access: str | None
    bundles: tuple[Bundle, ...]
    bom: bytes | None = None
    live: bool = False
    sent: bool = False
    evidence: str | None = None
    note: str | None = None

    @property
    def expected_state(self) -> PublishState:
        return PublishState.ALREADY_LIVE if self.live else PublishState.WOULD_PUBLISH

    def outcome(self, state: PublishState, *, detail: str | None = None) -> PublishedPackage:
        return PublishedPackage(
            package=self.artifact.package,
            digests=self.artifact.digests,
            state=state,
            tag=self.tag,
            live=self.live or self.sent,
            evidence=self.evidence,
            detail=detail or self.note,
        )

    def inspect_registry(self) -> None:
        """See whether the version is live, and that the tag does not move back unasked.

        Raises:
            UsageError: ``publish.tag-required``.
            VerificationError: ``publish.version-exists``: live with other bytes.
            UndecidedError: The registry could not be asked.
        """
        packument = self.client.fetch_packument(self.artifact.package.name)
        if packument is None:
            self._refuse_prerelease()
            return
        listed = packument.versions.get(self.artifact.package.version)
        if listed is not None:
            if listed.integrity is None or not Integrity.parse(listed.integrity).matches(self.artifact.digests):
                raise VerificationError(
                    f"{self.artifact.package} is live on {self.registry.label} with other bytes",
                    code="publish.version-exists",
                    hint="publish a new version: a version is never replaced",
                )
            self.live = True
            self._note_tags(packument)
            return
        self._refuse_prerelease()
        self._require_tag(packument)

    def _refuse_prerelease(self) -> None:
        package = self.artifact.package
        if NpmVersion.parse(package.version).is_prerelease and not self.tag_stated and self.tag == DEFAULT_TAG:
            raise UsageError(
                f"{package} is a prerelease, and publishing it as latest would give it to everyone",
                code="publish.tag-required",
                hint=f"publish it in a call of its own: vxsec publish {self.artifact.filename} --tag next",
            )

    def _note_tags(self, packument: Packument) -> None:
        """A version that is live keeps the tags it has: publishing again moves none."""
        held = sorted(tag for tag, version in packument.tags.items() if version == self.artifact.package.version)
        if self.tag_stated and self.tag not in held:
            self.note = f"the tag {self.tag} was not moved: npm dist-tag add {self.artifact.package} {self.tag}"
        self.tag = ", ".join(held) or "none"

    def _require_tag(self, packument: Packument) -> None:
        latest = packument.tags.get(DEFAULT_TAG)
        if self.tag_stated or latest is None or self.tag != DEFAULT_TAG:
            return
        if NpmVersion.parse(self.artifact.package.version) < NpmVersion.parse(latest):
            raise UsageError(
                f"{self.artifact.package} is below latest ({latest}), and publishing it would move latest back",
                code="publish.tag-required",
                hint="add --tag NAME, for example --tag maintenance",
            )

    def build_document(self) -> bytes:
        """What will be sent; built once before anything is, so that what cannot be published is known in time.

        Raises:
            UsageError: ``publish.*`` where npm would refuse the manifest too.
            ConfigurationError: ``publish.*``.
        """
        return build_publish_document(self.artifact, registry_url=self.registry.url, tag=self.tag, access=self.access)

    def send(self, progress: Progress) -> PublishState:
        """Evidence, then the package, then everything read back.

        Raises:
            VxsecError: A step failed.
        """
        package = self.artifact.package
        lines = [bundle.line for bundle in self.bundles]
        self.evidence = push_bundles(self.client, self.registry, self.artifact, lines, bom=self.bom)
        if lines or self.bom:
            found = f"{self.registry.evidence} has its evidence already"
            progress(f"{package}: {f'evidence sent: {self.evidence}' if self.evidence else found}")
        if self.live:
            progress(f"{package}: already live, reading back")
        else:
            progress(f"{package}: publishing to {self.registry.label} with tag {self.tag}")
            self._put(self.build_document())
        self._read_back()
        return PublishState.ALREADY_LIVE if self.live else PublishState.PUBLISHED

    def _put(self, body: bytes) -> None:
        """Send; ``sent`` stays True unless the registry is certain not to have taken it."""
        self.sent = True
        try:
            self.client.put_package(self.artifact.package.name, body)
        except NetworkError:
            # The answer was lost, not necessarily the request: believe only what can be read back.
            if not self._is_listed():
                self.sent = False
                raise
        except VxsecError:
            self.sent = False
            raise

    def _is_listed(self) -> bool:
        return self.client.fetch_version(self.artifact.package.name, self.artifact.package.version) is not None

    def _read_back(self) -> None:
        package = self.artifact.package
        listed = self.client.fetch_version(package.name, package.version)
        if listed is None:
            raise UndecidedError(
                f"{package} was accepted but cannot be read back", code="publish.read-back", hint="run it again"
            )
        stated = Integrity.parse(listed.integrity) if listed.integrity is not None else None
        data = self.client.fetch_tarball(package.name, package.version, tarball_url=listed.tarball)
        if stated is None or not stated.matches(self.artifact.digests) or digest_bytes(data) != self.artifact.digests:
            raise VerificationError(
                f"{package} read back from {self.registry.label} is not what was sent",
                code="publish.read-back-mismatch",
                hint="deprecate this version, find out who changed it, and publish a new one",
            )


def _plan(run: GateRun, *, tag: str | None, registry: str | None) -> list[_Plan]:
    """One plan per accepted tarball, dependencies first; refused ones are the decision's business."""
    if tag is not None:
        check_tag(tag)
    plans: list[_Plan] = []
    for artifact in run.artifacts:
        if not isinstance(artifact, Artifact):
            continue
        package = artifact.package
        if package.ecosystem != NPM:
            raise UsageError(
                f"vxsec publishes to npm registries, found a package of {package.ecosystem}",
                code="publish.ecosystem",
                where=artifact.filename,
                hint="gate it, then upload the same bytes with the tool of its own registry",
            )
        target = choose_registry(run.trust, package.name, registry)
        if target is None:
            raise UsageError(
                f"no registry of the trust document lists {package.name}: vxsec publishes own packages only",
                code="publish.not-own",
                where=run.trust.source,
                hint="add its scope or name under registries:",
            )
        config = read_publish_config(artifact.manifest)
        _refuse_unpublishable(artifact, config)
        if config.registry is not None and config.registry != target.url:
            raise UsageError(
                f"publishConfig.registry is {config.registry!r}, the trust document says {target.url!r}",
                code="publish.registry-mismatch",
                where=str(package),
                hint="make the two agree, or choose with --registry LABEL",
            )
        plans.append(
            _Plan(
                artifact=artifact,
                registry=target,
                client=run.session.client(target.url),
                tag=run.collector.tag_for(artifact),
                tag_stated=tag is not None,
                access=config.access,
                bundles=tuple(run.collector.bundles_about(artifact)),
                bom=sbom_beside(artifact),
            )
        )
    return _dependencies_first(plans)


def _refuse_unpublishable(artifact: Artifact, config: PublishConfig) -> None:
    """What npm would refuse, or would act on and vxsec does not, is said before anything is judged or sent."""
    if artifact.manifest.document.get("private"):
        raise UsageError(
            "its package.json says private",
            code="publish.private",
            where=str(artifact.package),
            hint="remove private from package.json and pack again, or leave this package out",
        )
    if config.unsupported:
        raise UsageError(
            f"publishConfig.{config.unsupported[0]} is not supported: npm would act on it, and vxsec would not",
            code="publish.config-unsupported",
            where=str(artifact.package),
            hint="remove it from publishConfig and pack again (pnpm pack applies and removes its own keys)",
        )


def _dependencies_first(plans: list[_Plan]) -> list[_Plan]:
    """Topological order; within it, and through cycles, the order given."""
    by_name = {plan.artifact.package.name: plan for plan in plans}
    ordered: dict[str, _Plan] = {}
    seen: set[str] = set()
    for plan in plans:
        pending = [(plan.artifact.package.name, False)]
        while pending:
            name, dependencies_placed = pending.pop()
            if dependencies_placed:
                ordered.setdefault(name, by_name[name])
            elif name in by_name and name not in seen:
                seen.add(name)
                pending.append((name, True))
                pending.extend((needed, False) for needed in reversed(_needs(by_name[name])))
    return list(ordered.values())


def _needs(plan: _Plan) -> list[str]:
    fields = ("dependencies", "optionalDependencies", "peerDependencies")
    return [name for field in fields for name in plan.artifact.manifest.strings(field)]


def _send_all(plans: list[_Plan], progress: Progress) -> tuple[tuple[PublishedPackage, ...], int]:
    """Send in order; stop at the first failure. Once a version is live, what stopped it is told, never raised."""
    done: list[PublishedPackage] = []
    for index, plan in enumerate(plans):
        try:
            done.append(plan.outcome(plan.send(progress)))
        except (Exception, KeyboardInterrupt) as error:
            if not isinstance(error, VxsecError) and not (plan.sent or any(package.live for package in done)):
                raise
            done.append(plan.outcome(PublishState.FAILED, detail=_detail(error)))
            done.extend(later.outcome(PublishState.NOT_ATTEMPTED) for later in plans[index + 1 :])
            return tuple(done), _status(error)
    return tuple(done), 0


def _detail(error: BaseException) -> str:
    if isinstance(error, VxsecError):
        return f"{error.code}: {error}"
    return "interrupted" if isinstance(error, KeyboardInterrupt) else f"internal error: {type(error).__name__}"


def _status(error: BaseException) -> int:
    if isinstance(error, VxsecError):
        return error.exit_status
    return 130 if isinstance(error, KeyboardInterrupt) else _DEFECT

"""Look everything that a lockfile, SBOM or package brings along up in the local advisory database."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from vxsec._version import __version__
from vxsec.errors import UndecidedError, UsageError
from vxsec.host.files import read_bounded
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.dependency import DependencyGraph
from vxsec.model.report.scan import DatabaseProblem, FailOn, ScanInput, ScanInputKind, ScanReport
from vxsec.model.scan import NotEvaluatedReason
from vxsec.scanning.routes import find_routes
from vxsec.scanning.scan import data_problem, scan_dependencies
from vxsec.usecases.advisories import AdvisoryStore
from vxsec.usecases.scan.inputs import file_uri, open_input

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from vxsec.formats.npm_audit import AuditAdvisory, AuditReport
    from vxsec.model.scan import ScanResult
    from vxsec.scanning.index import AdvisoryIndex
    from vxsec.signing.signer import AnySigner
    from vxsec.usecases.scan.inputs import OpenedInput

    Password = bytes | Callable[[], bytes] | None
    PathLike = str | os.PathLike[str]

__all__ = ["MAX_DB_AGE", "scan"]

MAX_DB_AGE: Final = timedelta(days=3)
"""Malware is often found, reported and installed within days."""
_OMITTABLE: Final = frozenset({"dev"})
_NEVER_ALLOWED: Final = NotEvaluatedReason.DATABASE
_PACKAGES: Final = frozenset({ScanInputKind.NPM_PACKAGE, ScanInputKind.WHEEL, ScanInputKind.SDIST})


def scan(
    inputs: Sequence[PathLike],
    *,
    db: PathLike | None = None,
    lockfile: PathLike | None = None,
    fail_on: FailOn | str = FailOn.LOW,
    allow_unevaluated: Collection[NotEvaluatedReason | str] = (),
    npm_audit: PathLike | None = None,
    max_db_age: timedelta = MAX_DB_AGE,
    omit: Collection[str] = (),
    at: datetime | None = None,
    now: datetime | None = None,
    project_dir: PathLike = ".",
    signers: Sequence[str] = (),
    password: Password = None,
    trust_config: PathLike | None = None,
    timestamp: bool = False,
    log_entry: bool = False,
    progress: Callable[[str], None] | None = None,
) -> ScanReport:
    """Scan lockfiles, CycloneDX SBOMs, package archives and pip installation reports against the local database.

    Guarantees: no connection is opened; every dependency is accounted for, once; missing, damaged, empty, too old or future
    data clears nothing; with ``signers`` the statement is about the very bytes that were read.

    Args:
        inputs: Files, told apart by their content, or folders with a lockfile; at least one.
        db: The folder of the advisory database; ``VXSEC_DB`` or the user's own if None.
        lockfile: What resolves the dependencies of the archives among the inputs (for Python pip's installation report); else
            the SBOM beside each archive, for the ranges that it answers and unless the result is signed; else only their
            ranges are known, and they are not evaluated.
        fail_on: The lowest finding that makes the exit status 11 (``low``, ``medium``, ``high``, ``critical``, ``malware``).
            Malware always does, and what nobody rated is at or above every severity.
        allow_unevaluated: Reasons for which a dependency may stay without an answer. ``database`` is never one of them.
        npm_audit: What ``npm audit --json`` wrote, as a second source; it adds findings and clears nothing.
        max_db_age: How old the data may be.
        omit: ``dev`` leaves development tools out, as npm's option does.
        at: Judge the age of the data as of this time, aware; marks the report.
        now: The current time; the clock if not given.
        project_dir: What the paths in reports for machines are relative to.
        signers: Sign the result as an attestation about the one archive given, with each of these signer URIs, and append
            the bundles to ``FILE.sigstore.jsonl``: also where something was found, because it says so.
        password: Of encrypted key files, or a function that asks for it.
        trust_config: As in ``usecases.sign.sign``, for the attestation.
        timestamp: Likewise.
        log_entry: Likewise.
        progress: Likewise.

    Raises:
        UsageError: Options that make no sense together, unreadable files.
        NothingToJudgeError: ``scan.input``, ``lockfile.unsupported``, ``audit.unsupported``: a format that is not read.
        UndecidedError: ``audit.error``: npm could not audit.
        RefusedError: Malformed files.
        VerificationError: ``sbom.mismatch``; ``scan.account``, which is a defect.
    """
    threshold, allowed = _fail_on(fail_on), _allowed(allow_unevaluated)
    _require_sense(inputs, max_db_age=max_db_age, omit=omit, acts=bool(signers), at=at)
    use_sbom = not signers  # nobody signed it, and an attestation is no place to say it on
    opened = [
        open_input(one, lockfile=lockfile, omit=omit, project_dir=project_dir, use_sbom=use_sbom) for one in inputs
    ]
    _require_packages(opened, lockfile=lockfile, signers=signers)
    keys = _open_signers(signers, password, trust_config=trust_config, timestamp=timestamp, log_entry=log_entry)
    audit = _Audit.read(npm_audit, project_dir=project_dir)
    moment = at or now or _clock()

    store = _Store(AdvisoryStore(directory=db))
    result = scan_dependencies(
        (one for item in opened for one in item.input.graph.dependencies),
        lookup=store.index,
        now=moment,
        max_db_age=max_db_age,
        audit=audit.advisories,
    )
    found = {finding.package for finding in result.findings}
    places = {path for finding in result.findings for path in finding.paths}
    report = ScanReport(
        inputs=tuple(item.with_lines(places) for item in opened),
        result=result,
        scanned_at=moment,
        fail_on=threshold,
        max_db_age=max_db_age,
        allowed=allowed,
        problems=(*store.problems, *_bad_data(result, now=moment, max_age=max_db_age, db=db)),
        routes=find_routes([item.input.graph for item in opened], found),
        notes=(*store.notes, *audit.notes(result)),
        audit=audit.input,
        as_of=at is not None,
    )
    if not keys:
        return report
    from vxsec.usecases.scan.attest import attest_report

    return replace(report, attested=attest_report(report, keys, scanner=f"vxsec {__version__}", progress=progress))


# -- options -------------------------------------------------------------------------------------------------------------


def _fail_on(text: FailOn | str) -> FailOn:
    try:
        return FailOn(text)
    except ValueError as error:
        raise UsageError(
            f"expected one of {', '.join(FailOn)}, found {str(text)[:40]!r}",
            code="scan.fail-on",
            hint="for example --fail-on high",
        ) from error


def _allowed(reasons: Collection[NotEvaluatedReason | str]) -> tuple[NotEvaluatedReason, ...]:
    found = set()
    for text in reasons:
        try:
            reason = NotEvaluatedReason(text)
        except ValueError as error:
            known = ", ".join(one for one in NotEvaluatedReason if one is not _NEVER_ALLOWED)
            raise UsageError(
                f"expected one of {known}, found {str(text)[:40]!r}",
                code="scan.allow-unevaluated",
                hint="for example --allow-unevaluated git",
            ) from error
        if reason is _NEVER_ALLOWED:
            raise UsageError(
                "a database that is missing, damaged or too old cannot be allowed: then nothing is known of any package",
                code="scan.allow-unevaluated",
                hint="fill it: vxsec db update",
            )
        found.add(reason)
    return tuple(sorted(found))


def _require_sense(
    inputs: Sequence[PathLike],
    *,
    max_db_age: timedelta,
    omit: Collection[str],
    acts: bool,
    at: datetime | None,
) -> None:
    if not inputs:
        raise UsageError("expected at least one file", code="usage.no-files")
    if max_db_age < timedelta(0):
        raise UsageError(
            f"expected an age of at least nothing, found {max_db_age}",
            code="scan.max-db-age",
            hint="for example --max-db-age P3D",
        )
    unknown = sorted(set(omit) - _OMITTABLE)
    if unknown:
        raise UsageError(
            f"expected dev, found {unknown[0][:40]!r}", code="scan.omit", hint="only --omit dev leaves anything out"
        )
    if acts and at is not None:
        raise UsageError(
            "an attestation says when it was made, and that is now",
            code="usage.options",
            hint="leave --at out, or leave --attest out",
        )


def _require_packages(opened: Sequence[OpenedInput], *, lockfile: PathLike | None, signers: Sequence[str]) -> None:
    packages = [item for item in opened if item.input.kind in _PACKAGES]
    if lockfile is not None and not packages:
        raise UsageError(
            "--lockfile resolves the dependencies of a package, and none is given",
            code="usage.options",
            hint="give the lockfile itself as input: vxsec scan package-lock.json",
        )
    if signers and (len(opened) != 1 or not packages):
        raise UsageError(
            f"an attestation is about one package file, found {len(opened)} inputs with {len(packages)} of them",
            code="scan.attest-subject",
            hint="vxsec scan FILE.tgz --lockfile package-lock.json --attest --signer file:ci.key",
        )


def _open_signers(
    signers: Sequence[str], password: Password, *, trust_config: PathLike | None, timestamp: bool, log_entry: bool
) -> list[AnySigner]:
    if not signers:
        return []
    from vxsec.usecases.signers import open_signers

    return open_signers(signers, password=password, trust_config=trust_config, timestamp=timestamp, log_entry=log_entry)


def _clock() -> datetime:
    from vxsec.host.clock import utc_now

    return utc_now()


# -- the database --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Store:
    """Remembers why an ecosystem's data could not be had, and what is missing from it."""

    store: AdvisoryStore
    problems: list[DatabaseProblem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def index(self, ecosystem: str) -> AdvisoryIndex:
        try:
            found = self.store.index(ecosystem)
        except UndecidedError as error:
            self.problems.append(_problem(ecosystem, error))
            raise
        if found.unreadable:
            self.notes.append(
                f"{found.unreadable} records of the {ecosystem} data could not be read when it was imported, "
                "and nothing is known from them"
            )
        return found


def _bad_data(result: ScanResult, *, now: datetime, max_age: timedelta, db: PathLike | None) -> list[DatabaseProblem]:
    """The data that was asked and clears nothing, because of its age."""
    judged = ((state, data_problem(state, now=now, max_age=max_age, directory=db)) for state in result.databases)
    return [_problem(state.ecosystem, error) for state, error in judged if error is not None]


def _problem(ecosystem: str, error: UndecidedError) -> DatabaseProblem:
    return DatabaseProblem(ecosystem=ecosystem, code=error.code, message=str(error), hint=error.hint)


# -- npm's audit ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Audit:
    """The report given with ``--import``, or nothing."""

    report: AuditReport | None = None
    input: ScanInput | None = None

    @classmethod
    def read(cls, path: PathLike | None, *, project_dir: PathLike) -> _Audit:
        if path is None:
            return cls()
        from vxsec.formats.npm_audit import read_npm_audit
        from vxsec.model.digest import digest_bytes

        data = read_bounded(path, max_bytes=DEFAULT_LIMITS.json_bytes)
        return cls(
            report=read_npm_audit(data, where=str(path)),
            input=ScanInput(
                file=str(path),
                kind=ScanInputKind.NPM_AUDIT,
                digests=digest_bytes(data),
                uri=file_uri(path, project_dir=project_dir),
                graph=DependencyGraph(root=None, root_needs=(), dependencies=()),
            ),
        )

    @property
    def advisories(self) -> tuple[AuditAdvisory, ...]:
        return self.report.advisories if self.report is not None else ()

    def notes(self, result: ScanResult) -> list[str]:
        if not self.advisories:
            return []
        from vxsec.scanning.audit import unmatched_audit

        return list(unmatched_audit(self.advisories, result))

"""Every dependency looked up, and accounted for: clean, affected, malicious, local or not evaluated, and only one of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from vxsec.errors import UndecidedError, VerificationError
from vxsec.model.dependency import DependencySource
from vxsec.model.package import NPM, PYPI
from vxsec.model.scan import NotEvaluated, NotEvaluatedReason, ScanResult
from vxsec.scanning.audit import match_audit, merge_audit
from vxsec.versions.npm import is_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from vxsec.formats.npm_audit import AuditAdvisory
    from vxsec.model.advisory import Advisory
    from vxsec.model.dependency import Dependency
    from vxsec.model.package import PackageRef
    from vxsec.model.scan import DatabaseState, Vulnerability

__all__ = ["CLOCK_SKEW", "AdvisorySource", "data_problem", "scan_dependencies"]

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far in the future data may be dated before it is not believed: two machines' clocks differ a little."""
_ECOSYSTEMS: Final = frozenset({NPM, PYPI})
_REASONS: Final[Mapping[DependencySource, tuple[NotEvaluatedReason, str]]] = {
    DependencySource.GIT: (
        NotEvaluatedReason.GIT,
        "its files come from a git repository, and advisories are about releases",
    ),
    DependencySource.URL: (
        NotEvaluatedReason.URL,
        "its files come from an address of its own, and advisories are about what a registry serves",
    ),
    DependencySource.FILE: (
        NotEvaluatedReason.FILE,
        "its files come from a disk, and advisories are about what a registry serves",
    ),
    DependencySource.RANGE: (
        NotEvaluatedReason.RANGE,
        "only a range is known, not the version that will be installed",
    ),
}
_NO_VERSION: Final = "what is known of it does not name a package and a version"


class AdvisorySource(Protocol):
    """The advisories of one ecosystem."""

    @property
    def state(self) -> DatabaseState:
        """Which data this is."""

    def lookup(self, name: str) -> Sequence[Advisory]:
        """Every advisory that names the package.

        Raises:
            UndecidedError: The data cannot be read.
        """


def scan_dependencies(
    dependencies: Iterable[Dependency],
    *,
    lookup: Callable[[str], AdvisorySource],
    now: datetime | None = None,
    max_db_age: timedelta | None = None,
    audit: Sequence[AuditAdvisory] = (),
) -> ScanResult:
    """Look every dependency up, once per package and version, whatever number of places it has.

    Guarantees: each package ends in exactly one class, and the classes add up; a package about which anything at all was
    found counts as affected or malicious, and what else could not be evaluated about it stands in ``partly_evaluated``;
    a package is clean only where advisories of its ecosystem were asked that are neither too old nor from the future.

    Args:
        dependencies: What is to be looked up; the same package from several files is counted once.
        lookup: The advisories of an ecosystem (``npm``, ``pypi``), asked once for each; its ``UndecidedError`` says why they
            cannot be had.
        now: The time the age of the data is judged at; None leaves the age to the caller.
        max_db_age: How old the data may be; None leaves that to the caller.
        audit: What ``npm audit`` reported, as a second source. It adds findings and never clears a package.

    Raises:
        VerificationError: ``scan.account``: a dependency was lost, which is a defect.
    """
    groups = _grouped(dependencies)
    databases = _Databases(lookup=lookup, now=now, max_age=max_db_age)
    by_name: dict[str, list[AuditAdvisory]] = {}
    for advisory in audit:
        by_name.setdefault(advisory.name, []).append(advisory)
    account = _Account()
    for group in groups:
        package = group.package
        if package is not None:
            stated = by_name.get(package.name, ()) if package.ecosystem == NPM else ()
            account.enter(*_judge(package, group, databases, stated))
        elif group.problem is not None:
            account.not_evaluated.append(group.problem.told(group))
        else:
            account.local += 1
    return _checked(
        ScanResult(
            packages=len(groups),
            clean=account.clean,
            affected=account.affected,
            malicious=account.malicious,
            local=account.local,
            findings=tuple(sorted(account.findings, key=_worst_first)),
            not_evaluated=_ordered(account.not_evaluated),
            databases=databases.asked(),
            partly_evaluated=_ordered(account.partly_evaluated),
        )
    )


def data_problem(state: DatabaseState, *, now: datetime, max_age: timedelta) -> UndecidedError | None:
    """Why this data clears nothing: it is older than ``max_age``, or dated in the future (``db.too-old``, ``db.future``)."""
    told = state.exported_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    if state.exported_at > now + CLOCK_SKEW:
        return UndecidedError(
            f"the {state.ecosystem} advisories say they are of {told}, which is in the future",
            code="db.future",
            hint="check this machine's clock, or give the right time with vxsec db import --exported-at",
        )
    if now - state.exported_at > max_age:
        return UndecidedError(
            f"the {state.ecosystem} advisories are of {told}: {_age(now - state.exported_at)} old, "
            f"and at most {_age(max_age)} are allowed",
            code="db.too-old",
            hint="get newer ones: vxsec db update",
        )
    return None


# -- packages, each once -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Problem:
    reason: NotEvaluatedReason
    detail: str

    def told(self, group: _Group) -> NotEvaluated:
        return NotEvaluated(package=group.label, reason=self.reason, detail=self.detail, paths=group.paths)


@dataclass(slots=True, kw_only=True)
class _Group:
    """One package, wherever it stands: ``package`` to be looked up, or a ``problem``, or neither for the project's own."""

    label: str
    package: PackageRef | None = None
    problem: _Problem | None = None
    places: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def paths(self) -> tuple[str, ...]:
        if len(self.places) == 1:
            return self.places[0]
        return tuple(sorted({path for paths in self.places for path in paths}))


def _grouped(dependencies: Iterable[Dependency]) -> list[_Group]:
    """What is looked up is one by its package; what is not, by how it is called and why."""
    groups: dict[object, _Group] = {}
    for one in dependencies:
        package = one.package
        if one.source is DependencySource.LOCAL:
            key: object = ("local", one.label)
            made = _Group(label=one.label)
        elif (known := _REASONS.get(one.source)) is not None:
            key = (known[0], one.label)
            made = _Group(label=one.label, problem=_Problem(reason=known[0], detail=known[1]))
        elif package is None:
            key = (NotEvaluatedReason.NO_VERSION, one.label)
            made = _Group(label=one.label, problem=_Problem(reason=NotEvaluatedReason.NO_VERSION, detail=_NO_VERSION))
        elif package.ecosystem not in _ECOSYSTEMS:
            key = package
            made = _Group(label=one.label, problem=_foreign(package.ecosystem))
        else:
            key = package
            made = _Group(label=str(package), package=package)
        group = groups.setdefault(key, made)
        group.places.append(one.paths)
    return list(groups.values())


def _foreign(ecosystem: str) -> _Problem:
    return _Problem(
        reason=NotEvaluatedReason.ECOSYSTEM,
        detail=f"packages of type {ecosystem[:40]!r} are not looked up by this version of vxsec",
    )


# -- one package ---------------------------------------------------------------------------------------------------------


def _judge(
    package: PackageRef, group: _Group, databases: _Databases, stated: Sequence[AuditAdvisory]
) -> tuple[list[Vulnerability], list[NotEvaluated]]:
    """Everything found about one package, and what could not be found out."""
    findings: list[Vulnerability] = []
    unknown: list[NotEvaluated] = []
    database = databases.of(package.ecosystem)
    if database.source is not None:
        try:
            advisories = database.source.lookup(package.name)
        except UndecidedError as error:
            unknown.append(_no_data(str(error)).told(group))
        else:
            if advisories or not _is_plain(package):
                from vxsec.scanning.match import match_package

                findings, doubts = match_package(package, advisories, paths=group.paths)
                unknown += doubts
    if stated:
        more, doubts = match_audit(package, stated, paths=group.paths)
        findings = merge_audit(findings, more)
        unknown += doubts
    if database.problem is not None:
        unknown.insert(0, _no_data(database.problem).told(group))
    return findings, unknown


def _is_plain(package: PackageRef) -> bool:
    """Whether nothing needs to be evaluated where no advisory names the package: its version is one that npm reads."""
    return package.ecosystem == NPM and is_version(package.version)


def _no_data(why: str) -> _Problem:
    return _Problem(reason=NotEvaluatedReason.DATABASE, detail=why)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Database:
    """One ecosystem's advisories: ``source`` None where they cannot be asked, ``problem`` where they clear nothing."""

    source: AdvisorySource | None
    problem: str | None


@dataclass(slots=True, kw_only=True)
class _Databases:
    """Opens each ecosystem's advisories once, when its first package comes."""

    lookup: Callable[[str], AdvisorySource]
    now: datetime | None
    max_age: timedelta | None
    _known: dict[str, _Database] = field(default_factory=dict)

    def of(self, ecosystem: str) -> _Database:
        known = self._known.get(ecosystem)
        if known is None:
            known = self._known[ecosystem] = self._open(ecosystem)
        return known

    def asked(self) -> tuple[DatabaseState, ...]:
        return tuple(one.source.state for _, one in sorted(self._known.items()) if one.source is not None)

    def _open(self, ecosystem: str) -> _Database:
        try:
            source = self.lookup(ecosystem)
        except UndecidedError as error:
            return _Database(source=None, problem=str(error))
        bad = None
        if self.now is not None and self.max_age is not None:
            bad = data_problem(source.state, now=self.now, max_age=self.max_age)
        return _Database(source=source, problem=None if bad is None else str(bad))


# -- the account ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class _Account:
    clean: int = 0
    affected: int = 0
    malicious: int = 0
    local: int = 0
    findings: list[Vulnerability] = field(default_factory=list)
    not_evaluated: list[NotEvaluated] = field(default_factory=list)
    partly_evaluated: list[NotEvaluated] = field(default_factory=list)

    def enter(self, findings: Sequence[Vulnerability], unknown: Sequence[NotEvaluated]) -> None:
        """Book one package that was looked up."""
        if findings:
            self.findings += findings
            self.partly_evaluated += unknown
            if any(finding.malware for finding in findings):
                self.malicious += 1
            else:
                self.affected += 1
        elif unknown:
            self.not_evaluated.append(_one_of(unknown))
        else:
            self.clean += 1


def _one_of(unknown: Sequence[NotEvaluated]) -> NotEvaluated:
    """A package is not evaluated once, whatever number of reasons it has; a reason nobody may allow comes first."""
    first = min(unknown, key=lambda item: item.reason is not NotEvaluatedReason.DATABASE)
    details = dict.fromkeys([first.detail, *(item.detail for item in unknown)])
    return replace(first, detail="; ".join(details))


def _checked(result: ScanResult) -> ScanResult:
    if not result.adds_up:
        raise VerificationError(
            f"{result.packages} packages were given, and not each of them ended in one class",
            code="scan.account",
            hint="report this with the file that was scanned: it is a defect",
        )
    return result


def _worst_first(finding: Vulnerability) -> tuple[bool, int, str, str, str]:
    return (not finding.malware, -finding.severity.rank, finding.package, finding.purl, finding.id)


def _ordered(items: Iterable[NotEvaluated]) -> tuple[NotEvaluated, ...]:
    return tuple(sorted(items, key=lambda item: (item.reason.value, item.package, item.detail)))


def _age(length: timedelta) -> str:
    hours = int(length.total_seconds()) // 3600
    if hours >= 48:  # noqa: PLR2004 - two days: below that, hours say more
        return f"{hours // 24} days"
    return f"{hours} hours" if hours != 1 else "1 hour"

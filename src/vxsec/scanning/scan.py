"""Every dependency looked up, and accounted for: clean, affected, malicious, local or not evaluated, and only one of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from vxsec.errors import UndecidedError, VerificationError
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.dependency import DependencySource
from vxsec.model.package import NPM, PYPI
from vxsec.model.scan import NotEvaluated, NotEvaluatedReason, ScanResult
from vxsec.scanning.audit import match_audit, merge_audit
from vxsec.scanning.refill import update_command
from vxsec.versions.npm import is_version

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from vxsec.formats.npm_audit import AuditAdvisory
    from vxsec.model.advisory import Advisory
    from vxsec.model.dependency import Dependency
    from vxsec.model.package import PackageRef
    from vxsec.model.scan import DatabaseState, Vulnerability

    _Problem = tuple[NotEvaluatedReason, str]
    """Why nothing can be said, and the sentence that says it."""

__all__ = ["AdvisorySource", "data_problem", "scan_dependencies"]

_ECOSYSTEMS: Final = frozenset({NPM, PYPI})
_REASONS: Final[Mapping[DependencySource, _Problem]] = {
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
    one of which it is in doubt whether it is this package is looked up and never clean (``no-version``);
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
    databases = _Databases(lookup, now=now, max_age=max_db_age)
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
            account.not_evaluated.append(group.unknown(group.problem))
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


def data_problem(
    state: DatabaseState, *, now: datetime, max_age: timedelta, directory: str | os.PathLike[str] | None = None
) -> UndecidedError | None:
    """Why this data clears nothing: it is older than ``max_age``, or dated in the future (``db.too-old``, ``db.future``).

    ``directory`` is the database's folder where somebody named it: the hint names it, too.
    """
    told = state.exported_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    if state.exported_at - now > timedelta(seconds=DEFAULT_LIMITS.clock_skew_seconds):
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
            hint=f"get newer ones: {update_command(state.ecosystem, directory)}",
        )
    return None


# -- packages, each once -------------------------------------------------------------------------------------------------


class _Group:
    """One package, wherever it stands: ``package`` to be looked up, or a ``problem``, or neither for the project's own."""

    def __init__(self, label: str, *, package: PackageRef | None = None, problem: _Problem | None = None) -> None:
        self.label = label
        self.package = package
        self.problem = problem
        self.places: list[tuple[str, ...]] = []
        self.doubts: dict[str, None] = {}

    def unknown(self, problem: _Problem) -> NotEvaluated:
        reason, detail = problem
        return NotEvaluated(package=self.label, reason=reason, detail=detail, paths=self.paths)

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
            made = _Group(one.label)
        elif (known := _REASONS.get(one.source)) is not None:
            key = (known[0], one.label)
            made = _Group(one.label, problem=known)
        elif package is None:
            key = (NotEvaluatedReason.NO_VERSION, one.label)
            made = _Group(one.label, problem=(NotEvaluatedReason.NO_VERSION, _NO_VERSION))
        elif package.ecosystem not in _ECOSYSTEMS:
            key = package
            made = _Group(one.label, problem=_foreign(package.ecosystem))
        else:
            key = package
            made = _Group(str(package), package=package)
        group = groups.setdefault(key, made)
        group.places.append(one.paths)
        if one.doubt is not None:
            group.doubts[one.doubt] = None
    return list(groups.values())


def _foreign(ecosystem: str) -> _Problem:
    detail = f"packages of type {ecosystem[:40]!r} are not looked up by this version of vxsec"
    return NotEvaluatedReason.ECOSYSTEM, detail


# -- one package ---------------------------------------------------------------------------------------------------------


def _judge(
    package: PackageRef, group: _Group, databases: _Databases, stated: Sequence[AuditAdvisory]
) -> tuple[list[Vulnerability], list[NotEvaluated]]:
    """Everything found about one package, and what could not be found out."""
    findings: list[Vulnerability] = []
    unknown = [group.unknown((NotEvaluatedReason.NO_VERSION, doubt)) for doubt in group.doubts]
    source, problem = databases.of(package.ecosystem)
    if source is not None:
        try:
            advisories = source.lookup(package.name)
        except UndecidedError as error:
            unknown.append(group.unknown(_no_data(error)))
        else:
            if advisories or not _is_plain(package):
                from vxsec.scanning.match import match_package

                findings, doubts = match_package(package, advisories, paths=group.paths)
                unknown += doubts
    if stated:
        more, doubts = match_audit(package, stated, paths=group.paths)
        findings = merge_audit(findings, more)
        unknown += doubts
    if problem is not None:
        unknown.insert(0, group.unknown(_no_data(problem)))
    return findings, unknown


def _is_plain(package: PackageRef) -> bool:
    """Whether nothing needs to be evaluated where no advisory names the package: its version is one that npm reads."""
    return package.ecosystem == NPM and is_version(package.version)


def _no_data(why: UndecidedError) -> _Problem:
    return NotEvaluatedReason.DATABASE, str(why)


class _Databases:
    """Opens each ecosystem's advisories once, when its first package comes.

    What is known of one is its source, None where it cannot be asked, and the problem for which it clears nothing.
    """

    def __init__(
        self, lookup: Callable[[str], AdvisorySource], *, now: datetime | None, max_age: timedelta | None
    ) -> None:
        self._lookup = lookup
        self._now = now
        self._max_age = max_age
        self._known: dict[str, tuple[AdvisorySource | None, UndecidedError | None]] = {}

    def of(self, ecosystem: str) -> tuple[AdvisorySource | None, UndecidedError | None]:
        known = self._known.get(ecosystem)
        if known is None:
            known = self._known[ecosystem] = self._open(ecosystem)
        return known

    def asked(self) -> tuple[DatabaseState, ...]:
        return tuple(source.state for _, (source, _) in sorted(self._known.items()) if source is not None)

    def _open(self, ecosystem: str) -> tuple[AdvisorySource | None, UndecidedError | None]:
        try:
            source = self._lookup(ecosystem)
        except UndecidedError as error:
            return None, error
        if self._now is None or self._max_age is None:
            return source, None
        return source, data_problem(source.state, now=self._now, max_age=self._max_age)


# -- the account ---------------------------------------------------------------------------------------------------------


class _Account:
    """Counts and lists, filled package by package."""

    def __init__(self) -> None:
        self.clean = self.affected = self.malicious = self.local = 0
        self.findings: list[Vulnerability] = []
        self.not_evaluated: list[NotEvaluated] = []
        self.partly_evaluated: list[NotEvaluated] = []

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

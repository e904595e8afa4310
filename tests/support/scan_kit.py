"""Advisories, dependencies and databases of a few lines, for tests about scanning."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from vxsec.errors import UndecidedError
from vxsec.model.advisory import Advisory, AffectedPackage, Event, VersionRange, VulnerabilitySeverity
from vxsec.model.dependency import Dependency, DependencyGraph, DependencySource
from vxsec.model.digest import digest_bytes
from vxsec.model.package import PackageRef
from vxsec.model.report.scan import FailOn, ScanInput, ScanInputKind, ScanReport
from vxsec.model.scan import DatabaseState
from vxsec.scanning.routes import find_routes
from vxsec.scanning.scan import scan_dependencies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from vxsec.formats.npm_audit import AuditAdvisory

__all__ = ["NOW", "Shelf", "advisory", "dependency", "make_report", "shelves", "state"]

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
_OSV_NAMES = {"npm": "npm", "pypi": "PyPI"}


def advisory(
    identifier: str,
    name: str,
    *ranges: tuple[str, str],
    versions: tuple[str, ...] = (),
    aliases: tuple[str, ...] = (),
    severity: VulnerabilitySeverity = VulnerabilitySeverity.HIGH,
    summary: str = "A flaw",
    ecosystem: str = "npm",
    withdrawn: bool = False,
) -> Advisory:
    """An advisory about one package; each range is (introduced, fixed), and nothing fixes it where ``fixed`` is empty."""
    events = [
        (Event(kind="introduced", version=low), *([Event(kind="fixed", version=high)] if high else []))
        for low, high in ranges
    ]
    kind = "SEMVER" if ecosystem == "npm" else "ECOSYSTEM"
    return Advisory(
        id=identifier,
        aliases=aliases,
        summary=summary,
        modified=NOW,
        published=NOW,
        withdrawn=withdrawn,
        affected=(
            AffectedPackage(
                ecosystem=_OSV_NAMES[ecosystem],
                name=name,
                ranges=tuple(VersionRange(type=kind, events=tuple(one)) for one in events),
                versions=versions,
                severity=severity,
            ),
        ),
    )


def dependency(
    label: str,
    *,
    source: DependencySource = DependencySource.REGISTRY,
    needs: tuple[str, ...] = (),
    paths: tuple[str, ...] = (),
    dev: bool = False,
    ecosystem: str = "npm",
    known: bool = True,
    key: str | None = None,
) -> Dependency:
    """A node called ``NAME@VERSION``; without ``known`` it has no package."""
    name, _, version = label.rpartition("@")
    return Dependency(
        key=key or label,
        package=PackageRef(name=name, version=version, ecosystem=ecosystem) if known else None,
        label=label,
        source=source,
        needs=needs,
        paths=paths,
        dev=dev,
    )


def state(ecosystem: str = "npm", *, exported_at: datetime = NOW - timedelta(hours=5)) -> DatabaseState:
    """What a database says of itself."""
    return DatabaseState(
        ecosystem=ecosystem,
        exported_at=exported_at,
        imported_at=NOW,
        advisories=3,
        packages=2,
        sha256="ab" * 32,
        source="npm.zip",
    )


@dataclass
class Shelf:
    """The advisories of one ecosystem, in memory; ``broken`` names cannot be read."""

    advisories: Iterable[Advisory] = ()
    state: DatabaseState = field(default_factory=state)
    broken: frozenset[str] = frozenset()
    asked: list[str] = field(default_factory=list)

    def lookup(self, name: str) -> tuple[Advisory, ...]:
        """As the real index does."""
        self.asked.append(name)
        if name in self.broken:
            raise UndecidedError(f"the advisories about {name!r} cannot be read", code="db.damaged")
        return tuple(one for one in self.advisories if any(item.name == name for item in one.affected))


def shelves(**found: Shelf) -> Callable[[str], Shelf]:
    """A ``lookup`` over these; any other ecosystem has no database."""

    def lookup(ecosystem: str) -> Shelf:
        if ecosystem not in found:
            raise UndecidedError(f"no database of {ecosystem} advisories", code="db.missing")
        return found[ecosystem]

    return lookup


def make_report(
    *dependencies: Dependency,
    advisories: Iterable[Advisory] = (),
    roots: tuple[str, ...] = (),
    lookup: Callable[[str], Shelf] | None = None,
    fail_on: FailOn = FailOn.LOW,
    file: str = "package-lock.json",
    uri: str = "package-lock.json",
    kind: ScanInputKind = ScanInputKind.NPM_LOCKFILE,
    lines: Mapping[str, int] | None = None,
    package: PackageRef | None = None,
    audit: Sequence[AuditAdvisory] = (),
    **more: Any,
) -> ScanReport:
    """A report about one file, judged for real."""
    result = scan_dependencies(
        dependencies,
        lookup=lookup or shelves(npm=Shelf(advisories)),
        now=NOW,
        max_db_age=timedelta(days=3),
        audit=audit,
    )
    graph = DependencyGraph(root=None, root_needs=roots, dependencies=dependencies)
    scanned = ScanInput(
        file=file, kind=kind, digests=digest_bytes(b"x"), uri=uri, graph=graph, package=package, lines=lines or {}
    )
    return ScanReport(
        inputs=(scanned,),
        result=result,
        scanned_at=NOW,
        fail_on=fail_on,
        max_db_age=timedelta(days=3),
        routes=find_routes([graph], {finding.package for finding in result.findings}),
        **more,
    )

"""One package version against the advisories that name it.

Records that are aliases of one another are one vulnerability: the connected components over ``id`` and ``aliases`` (OSV
schema, ``aliases``: symmetric and transitive). The identifier shown first is a ``MAL-`` one, because malware is not to be
mistaken for a flaw; then ``GHSA-``, which has the best text for npm; then those of other databases; a CVE last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.formats.osv import OSV_ECOSYSTEMS, base_ecosystem
from vxsec.model.package import PYPI
from vxsec.model.scan import NotEvaluated, NotEvaluatedReason, Vulnerability
from vxsec.scanning.affected import Affected, AffectedVersions, VersionKey, order_of
from vxsec.scanning.severity import worst_known

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from vxsec.model.advisory import Advisory, VulnerabilitySeverity
    from vxsec.model.package import PackageRef
    from vxsec.scanning.affected import Order

__all__ = ["match_package", "preferred_first"]

_FIXES_TRIED = 50
"""Fixed versions looked at for one finding: each is tried against all its advisories."""
_PREFERRED = ("MAL-", "GHSA-")
_LAST = "CVE-"


def match_package(
    package: PackageRef, advisories: Sequence[Advisory], *, paths: tuple[str, ...] = ()
) -> tuple[list[Vulnerability], list[NotEvaluated]]:
    """Evaluate every advisory about ``package`` (OSV schema 1.7, "Evaluation"; ``vxsec.scanning.affected``).

    Guarantees: an advisory that names the package has one of three ends: a finding, a version that it does not mean, or a
    ``NotEvaluated`` (``advisory``: it cannot be evaluated; ``version``: the installed version is none of its ecosystem).
    Withdrawn ones never match. A group of aliases with one record that matches is one finding, and its other records add
    nothing but their identifiers.

    Args:
        package: Name in its ecosystem's normal form, and version.
        advisories: Whatever the database has under that name; entries about other packages are passed over.
        paths: The package's places in the tree, copied to the results.

    Returns:
        Findings ordered by identifier, and what could not be evaluated; both may be there.
    """
    order = order_of(package.ecosystem)
    if order is None:
        detail = f"advisories about {package.ecosystem!r} packages cannot be evaluated by this version of vxsec"
        return [], [NotEvaluated(package=str(package), reason=NotEvaluatedReason.ECOSYSTEM, detail=detail, paths=paths)]
    key = order.read(package.version)
    records = [
        record for record in (_Record.of(item, package, key, order) for item in advisories) if record is not None
    ]
    findings: list[Vulnerability] = []
    doubtful: list[_Record] = []
    for group in _groups(records):
        matching = [record for record in group if record.answer is Affected.YES]
        if matching:
            findings.append(_finding(package, key, matching, order, paths))
        else:
            doubtful += [record for record in group if record.answer is Affected.UNKNOWN]
    findings.sort(key=lambda finding: preferred_first(finding.id))
    if key is None and not (records and all(record.answer is Affected.YES for record in records)):
        return findings, [_no_version(package, paths)]
    return findings, [_doubt(package, record, paths) for record in doubtful]


def preferred_first(identifier: str) -> tuple[int, str]:
    """Sorts identifiers of one vulnerability: ``MAL-``, ``GHSA-``, others, ``CVE-``."""
    for rank, prefix in enumerate(_PREFERRED):
        if identifier.startswith(prefix):
            return rank, identifier
    return len(_PREFERRED) + identifier.startswith(_LAST), identifier


class _Record:
    """One advisory that names the package, and what it says of the version."""

    def __init__(self, advisory: Advisory, entries: list[AffectedVersions], answer: Affected) -> None:
        self.advisory = advisory
        self.entries = entries
        self.answer = answer
        self.ratings: list[VulnerabilitySeverity] = []

    @classmethod
    def of(cls, advisory: Advisory, package: PackageRef, key: VersionKey, order: Order) -> _Record | None:
        """None where the advisory was withdrawn or does not name the package."""
        if advisory.withdrawn:
            return None
        entries, answers, ratings = [], [], []
        for affected in advisory.affected:
            if base_ecosystem(affected.ecosystem) != OSV_ECOSYSTEMS[package.ecosystem]:
                continue
            if _normal(affected.name, package.ecosystem) != _normal(package.name, package.ecosystem):
                continue
            entry = AffectedVersions(affected, order, malware=advisory.malware)
            answer = entry.judge(package.version, key)
            entries.append(entry)
            answers.append(answer)
            if answer is Affected.YES:
                ratings.append(affected.severity)
        if not entries:
            return None
        worst = next((answer for answer in (Affected.YES, Affected.UNKNOWN) if answer in answers), Affected.NO)
        record = cls(advisory, entries, worst)
        record.ratings = ratings
        return record

    @property
    def names(self) -> tuple[str, ...]:
        return (self.advisory.id, *self.advisory.aliases)

    def leaves_out(self, text: str, key: VersionKey) -> bool:
        """Whether another version is certainly not affected."""
        return all(entry.judge(text, key) is Affected.NO for entry in self.entries)


def _normal(name: str, ecosystem: str) -> str:
    if ecosystem != PYPI:
        return name
    from vxsec.versions.pypi import normalise_name

    return normalise_name(name)


def _groups(records: Sequence[_Record]) -> Iterable[list[_Record]]:
    """Connected components over identifiers and aliases, in the order given."""
    root: dict[str, str] = {}

    def find(name: str) -> str:
        while root.setdefault(name, name) != name:
            root[name] = root[root[name]]  # halve the way for the next who asks
            name = root[name]
        return name

    for record in records:
        for alias in record.names[1:]:
            root[find(alias)] = find(record.advisory.id)
    groups: dict[str, list[_Record]] = {}
    for record in records:
        groups.setdefault(find(record.advisory.id), []).append(record)
    return groups.values()


def _finding(
    package: PackageRef,
    key: VersionKey,
    matching: list[_Record],
    order: Order,
    paths: tuple[str, ...],
) -> Vulnerability:
    ids = sorted({name for record in matching for name in record.names}, key=preferred_first)
    advisories = sorted((record.advisory for record in matching), key=lambda advisory: preferred_first(advisory.id))
    return Vulnerability(
        id=ids[0],
        ids=tuple(ids),
        package=str(package),
        purl=package.purl,
        malware=any(advisory.malware for advisory in advisories),
        severity=worst_known(rating for record in matching for rating in record.ratings),
        summary=next((advisory.summary for advisory in advisories if advisory.summary), ""),
        fixed=tuple(_fixed(key, matching, order)) if key is not None else (),
        published=min((item.published for item in advisories if item.published is not None), default=None),
        paths=paths,
    )


def _fixed(key: VersionKey, matching: list[_Record], order: Order) -> Iterator[str]:
    """Versions above the installed one that some range calls fixed and no advisory of the group still means."""
    known: dict[VersionKey, str] = {}
    for record in matching:
        for entry in record.entries:
            for text, fixed in entry.fixes():
                if fixed > order.against(key, fixed):
                    known.setdefault(fixed, text)
    for fixed in sorted(known)[:_FIXES_TRIED]:
        if all(record.leaves_out(known[fixed], fixed) for record in matching):
            yield known[fixed]


def _no_version(package: PackageRef, paths: tuple[str, ...]) -> NotEvaluated:
    detail = (
        f"{package.version[:80]!r} is no version of {OSV_ECOSYSTEMS[package.ecosystem]}: advisories say nothing of it"
    )
    return NotEvaluated(package=str(package), reason=NotEvaluatedReason.VERSION, detail=detail, paths=paths)


def _doubt(package: PackageRef, record: _Record, paths: tuple[str, ...]) -> NotEvaluated:
    return NotEvaluated(
        package=str(package),
        reason=NotEvaluatedReason.ADVISORY,
        detail=f"{record.advisory.id} names it without versions that can be compared",
        paths=paths,
    )

"""Real advisories and published version vectors, where the data folder lies beside the checkout."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from vxsec.errors import FormatError, UsageError
from vxsec.formats.osv import read_advisory
from vxsec.formats.zip_archive import open_zip
from vxsec.model.package import PYPI, PackageRef
from vxsec.scanning.affected import Affected, AffectedVersions, order_of
from vxsec.scanning.index import AdvisoryIndex
from vxsec.scanning.match import match_package
from vxsec.usecases.database.maintain import import_database
from vxsec.versions.pypi import is_version, parse_version
from vxsec.versions.semver_order import semver_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vxsec.model.advisory import Advisory

SHARED = Path(__file__).parents[3] / "shared"
VECTORS = SHARED / "vectors" / "versions"
OSV = SHARED / "osv"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
VECTOR = re.compile(r"(\S.*?) ([<>=]) (\S.*)")

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not OSV.is_dir(), reason="the data folder beside the checkout is absent"),
]


def vectors(name: str) -> Iterator[tuple[str, str, str]]:
    for line in (VECTORS / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("//"):
            match = VECTOR.fullmatch(line)
            assert match is not None, line
            yield match[1], match[2], match[3]


def compare(key: Callable[[str], Any], one: str, other: str) -> str:
    first, second = key(one), key(other)
    return "=" if first == second else "<" if first < second else ">"


def test_every_semver_vector_holds() -> None:
    wrong = [(a, sign, b) for a, sign, b in vectors("semver-versions.txt") if compare(semver_key, a, b) != sign]
    assert wrong == []
    assert len(list(vectors("semver-versions.txt"))) == 86


def test_every_pypi_vector_of_versions_holds_and_the_others_are_known_as_none() -> None:
    """Vectors of versions from before the rules have no order here: they match by equality alone."""
    judged, passed_over = 0, set()
    for one, sign, other in vectors("pypi-versions.txt"):
        odd = {text for text in (one, other) if not is_version(text)}
        if odd:
            passed_over |= odd
            continue
        assert compare(parse_version, one, other) == sign, (one, sign, other)
        judged += 1
    assert judged == 26
    assert all("0.1-" in text or "0.9-" in text or text.startswith(("-class", "0.9.")) for text in passed_over)


def records(name: str) -> Iterator[Advisory]:
    data = (OSV / f"{name}.zip").read_bytes()
    for entry, content in open_zip(data, where=name).members():
        found = read_advisory(content, where=entry.name)
        assert f"{found.id}.json" == entry.name
        yield found


@pytest.mark.parametrize(
    ("name", "count"),
    [("npm", 22_457), ("PyPI", 11_872), ("Go", 4_308), ("crates", 1_215), ("Maven", 442), ("NuGet", 759), ("RubyGems", 834), ("Packagist", 5)],
)  # fmt: skip
def test_every_real_record_is_read(name: str, count: int) -> None:
    assert sum(1 for _ in records(name)) == count


def test_ranges_agree_with_what_the_python_databases_enumerate() -> None:
    """Each listed version must be in the ranges, too; the few that are not are quirks of the records, known by name."""
    order = order_of(PYPI)
    assert order is not None
    agreed, odd = 0, Counter[str]()
    for advisory in records("PyPI"):
        for affected in advisory.affected:
            named = [item for item in affected.ranges if item.type == "ECOSYSTEM"]
            if affected.ecosystem != "PyPI" or not named or advisory.malware or advisory.withdrawn:
                continue
            ranges_only = AffectedVersions(_without_list(affected), order, malware=False)
            for text in affected.versions:
                key = order.read(text)
                if key is None:
                    continue
                if ranges_only.judge(text, key) is Affected.YES:
                    agreed += 1
                else:
                    odd[advisory.id] += 1
    assert agreed > 139_000
    assert sum(odd.values()) < 12, odd


def _without_list(affected: Any) -> Any:
    return type(affected)(
        ecosystem=affected.ecosystem,
        name=affected.name,
        ranges=affected.ranges,
        versions=(),
        severity=affected.severity,
    )


def test_every_real_record_can_be_evaluated_or_is_known_not_to_be() -> None:
    """Ask each record about a version that it means: nothing real is passed over in silence."""
    ends = Counter[str]()
    for name, ecosystem in (("npm", "npm"), ("PyPI", "pypi")):
        for advisory in records(name):
            for affected in advisory.affected:
                if affected.ecosystem != name or advisory.withdrawn:
                    continue
                version = affected.versions[0] if affected.versions else "99999.0.0"
                package = PackageRef(name=affected.name, version=version, ecosystem=ecosystem)
                found, unknown = match_package(package, [advisory])
                ends["found" if found else unknown[0].reason.value if unknown else "not affected"] += 1
                assert not affected.versions or found or unknown, (advisory.id, version)
    assert ends["advisory"] <= 2
    assert ends["found"] > 32_000


def test_real_exports_become_indexes_that_answer(tmp_path: Path) -> None:
    states = import_database([OSV / "npm.zip", OSV / "PyPI.zip"], directory=tmp_path, now=NOW)
    assert [(state.ecosystem, state.advisories, state.packages) for state in states] == [
        ("npm", 22_402, 22_337), ("pypi", 11_861, 9_867),
    ]  # fmt: skip
    with AdvisoryIndex.open(tmp_path, "npm") as index:
        assert (index.malware, index.unreadable) == (22_244, 0)
        found, unknown = match_package(PackageRef(name="lodash", version="4.17.15"), index.lookup("lodash"))
        assert [(item.id, item.fixed) for item in found] == [
            ("GHSA-29mw-wpgm-hmr9", ("4.17.21",)),
            ("GHSA-35jh-r3h4-6jhm", ("4.17.21",)),
            ("GHSA-p6mc-m468-83gw", ("4.17.19",)),
        ]
        assert unknown == []


def test_a_folder_of_all_ecosystems_gives_two(tmp_path: Path) -> None:
    told: list[str] = []
    states = import_database([OSV], directory=tmp_path, now=NOW, progress=told.append)
    assert sorted(state.ecosystem for state in states) == ["npm", "pypi"]
    assert len([line for line in told if "passed over" in line]) == 6


@pytest.mark.parametrize("name", ["Go", "crates", "Maven", "NuGet", "RubyGems"])
def test_an_ecosystem_that_cannot_be_evaluated_is_refused_by_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        import_database([OSV / f"{name}.zip"], directory=tmp_path, now=NOW)
    assert caught.value.code == "db.ecosystem"
    assert "npm and PyPI" in (caught.value.hint or "")


def test_each_byte_cut_from_a_real_archive_is_noticed() -> None:
    whole = (OSV / "Packagist.zip").read_bytes()
    for length in range(0, len(whole), 101):
        with pytest.raises(FormatError):
            list(open_zip(whole[:length], where="x").members())

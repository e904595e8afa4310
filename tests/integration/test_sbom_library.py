"""What we write, ``cyclonedx-python-lib`` reads as the same; what it writes in any version, we read as the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom as TheirBom
from cyclonedx.model.component import Component as TheirComponent
from cyclonedx.model.component import ComponentScope, ComponentType
from cyclonedx.model.contact import OrganizationalContact
from cyclonedx.model.dependency import Dependency as TheirDependency
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from support.graph_kit import APP, DIGESTS, dependency, graph_of
from support.lockfile_kit import sri
from vxsec.formats.cyclonedx import read_bom, write_bom
from vxsec.formats.lockfiles import parse_lockfile
from vxsec.formats.strict_json import parse_json
from vxsec.inspection.dependency_graph import resolve_graph
from vxsec.model.dependency import DependencySource
from vxsec.sbom.build import build_bom
from vxsec.sbom.check import check_bom

if TYPE_CHECKING:
    from vxsec.model.sbom import Bom

SHARED = Path(__file__).parents[3] / "shared" / "lockfiles"


def ours(graph: Any) -> Bom:
    return build_bom(
        package=APP,
        digests=DIGESTS,
        graph=graph,
        license="(MIT OR Apache-2.0)",
        authors=("Jane <jane@example.test>",),
        timestamp=datetime(2026, 11, 1, tzinfo=UTC),
    )


def assert_reads_the_same(bom: Bom) -> None:
    theirs: Any = TheirBom.from_json(json.loads(write_bom(bom)))  # type: ignore[attr-defined]  # added by a decorator
    assert str(theirs.serial_number) == (bom.serial_number or "").removeprefix("urn:uuid:")
    assert theirs.metadata.timestamp == bom.timestamp
    assert [(one.name, one.email) for one in theirs.metadata.authors] == [("Jane", "jane@example.test")]
    assert bom.root is not None
    seen = {str(one.bom_ref): one for one in (theirs.metadata.component, *theirs.components)}
    assert seen.keys() == {bom.root.ref, *(one.ref for one in bom.components)}
    for one in (bom.root, *bom.components):
        their = seen[one.ref]
        assert (f"{their.group}/{their.name}" if their.group else their.name) == one.name
        assert (their.version, str(their.purl) if their.purl else None) == (one.version, one.purl)
        assert {found.alg.value: found.content for found in their.hashes} == one.hashes
        assert sorted((found.name, found.value) for found in their.properties) == sorted(one.properties)
        assert [getattr(found, "value", None) or found.id or found.name for found in their.licenses] == (
            [one.license] if one.license else []
        )
    needs = {str(item.ref): {str(need.ref) for need in item.dependencies} for item in theirs.dependencies}
    assert needs == {ref: set(targets) for ref, targets in bom.dependencies.items()}


def test_the_library_reads_what_we_write_as_the_same() -> None:
    graph = graph_of(
        dependency("@s/a@1.0.0", "b@2.0.0", integrity=f"{sri(b'a')} {sri(b'a', 'sha384')}", license="MIT"),
        dependency("b@2.0.0", license="SEE LICENSE IN X", optional=True, source=DependencySource.BUNDLED),
        dependency("c@^1", package=None, source=DependencySource.RANGE, license="MIT OR ISC"),
        root_needs=("@s/a@1.0.0", "c@^1"),
    )
    assert_reads_the_same(ours(graph))


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the data folder beside the checkout is absent")
@pytest.mark.parametrize("name", ["reactvite", "vextrus-mono"])
def test_the_library_reads_real_lockfiles_as_the_same(name: str) -> None:
    lockfile = parse_lockfile((SHARED / f"{name}.package-lock.json").read_bytes(), filename="package-lock.json")
    bom = ours(resolve_graph(lockfile, None))
    data = write_bom(bom)
    assert check_bom(read_bom(data, where="bom.json"), parse_json(data, where="bom.json")) == ()
    assert_reads_the_same(bom)


@pytest.mark.parametrize("version", [version for version in SchemaVersion if version >= SchemaVersion.V1_2])
def test_what_the_library_writes_is_sound_and_read_as_the_same(version: SchemaVersion) -> None:
    inner = TheirComponent(name="inner", version="3", bom_ref="inner", purl=PackageURL("npm", None, "inner", "3"))
    a = TheirComponent(
        name="a",
        group="@s",
        version="1.0.0",
        bom_ref="a",
        purl=PackageURL("npm", "@s", "a", "1.0.0"),
        type=ComponentType.LIBRARY,
        scope=ComponentScope.OPTIONAL,
        hashes=[HashType(alg=HashAlgorithm.SHA_512, content=DIGESTS.sha512.upper())],
        licenses=[LicenseExpression("MIT OR ISC")],
        properties=[Property(name="p", value="v")],
        components=[inner],
    )
    b = TheirComponent(name="b", version="2", bom_ref="b", licenses=[DisjunctiveLicense(id="MIT")])
    root = TheirComponent(name="app", version="1.0.0", bom_ref="app", type=ComponentType.APPLICATION)
    bom = TheirBom(
        components=[a, b],
        dependencies=[
            TheirDependency(root.bom_ref, [TheirDependency(a.bom_ref), TheirDependency(b.bom_ref)]),
            TheirDependency(a.bom_ref, [TheirDependency(inner.bom_ref)]),
        ],
    )
    bom.metadata.component = root
    bom.metadata.authors.add(OrganizationalContact(name="Jane", email="jane@example.test"))
    data = make_outputter(bom, OutputFormat.JSON, version).output_as_string().encode()

    read = read_bom(data, where="bom.json")
    assert check_bom(read, parse_json(data, where="bom.json")) == ()
    assert read.spec_version == version.to_version()
    assert read.timestamp is not None
    assert read.authors == ("Jane <jane@example.test>",)
    assert read.root is not None
    assert (read.root.name, read.root.version) == ("app", "1.0.0")
    found = {one.ref: one for one in read.components}
    assert found.keys() == {"a", "b", "inner"}
    assert (found["a"].name, found["a"].optional, found["a"].license) == ("@s/a", True, "MIT OR ISC")
    assert found["a"].hashes == {"SHA-512": DIGESTS.sha512}
    assert found["a"].properties == ((("p", "v"),) if version >= SchemaVersion.V1_3 else ())
    assert found["b"].license == "MIT"
    assert set(read.dependencies["app"]) == {"a", "b"}
    assert read.dependencies["a"] == ("inner",)

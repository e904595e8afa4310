"""Lockfiles, SBOMs and the advisory database, beside what npm and cyclonedx-npm do with the same lockfile."""

from __future__ import annotations

import json
import zipfile
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.lockfiles import ROOT, write_project
from benchmarks.timing import Command

from vxsec.testing.artifacts import pack
from vxsec.testing.loopback import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bench import Bench, Row

__all__ = ["four_packages", "index_build", "sbom_thousand", "scan_many", "scan_thousand"]

SHARED = Path(__file__).parents[2] / "shared" / "osv" / "npm.zip"
GENERATED = 22_000
SIZE, LARGE = 1_000, 20_000
_READ = """
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    for name in archive.namelist():
        json.loads(archive.read(name))
"""
POLICY = """\
apiVersion: vxsec/policy/v1
kind: Policy
metadata: {name: bench, version: 1}
mode: enforce
scopes:
  - id: own
    match: {ecosystem: npm, registry: internal}
    phases: [publish]
    rules:
      - {id: signed, use: signature.threshold, with: {threshold: 1, minPerRole: {machine: 1}}}
      - {id: archive, use: archive.safe}
      - {id: manifest, use: manifest.consistent}
      - {id: scripts, use: content.install-scripts}
      - {id: secrets, use: content.secrets}
      - {id: sbom, use: sbom.complete}
      - {id: malware, use: malware.deny}
      - {id: vulnerable, use: vuln.threshold}
      - {id: version, use: version.monotonic}
"""


def index_build(bench: Bench) -> Iterator[Row]:
    """``db import`` of npm's advisories, beside Python reading every record of the same zip."""
    source, name = _advisories(bench)
    own = bench.vxsec("db", "import", str(source), "--exported-at", _now(), "--db", "db-built")
    yield from bench.compare(
        f"vxsec db import, {name}", own, {"python: zipfile and json.loads": bench.python(_READ, str(source))},
        within=3, goal="<= 3 s", runs=_few(bench),
    )  # fmt: skip


def scan_thousand(bench: Bench) -> Iterator[Row]:
    """``scan`` of a lockfile, beside ``npm audit`` with a registry on the loopback address that knows of nothing."""
    folder = _project(bench, SIZE)
    own = bench.vxsec("scan", "package-lock.json", "--db", _database(bench), folder=folder)
    with _audit_server() as url:
        peers = {}
        if bench.npm is not None:
            arguments = [bench.npm.node, bench.npm.npm, "audit", "--package-lock-only", f"--registry={url}"]
            peers["npm audit, loopback"] = _node(bench, arguments, folder)
        yield from bench.compare(f"vxsec scan, {SIZE:,} packages", own, peers, within=0.15, goal="<= 150 ms")


def scan_many(bench: Bench) -> Iterator[Row]:
    """``scan`` of a very large lockfile."""
    folder = _project(bench, LARGE)
    own = bench.vxsec("scan", "package-lock.json", "--db", _database(bench), folder=folder)
    yield from bench.compare(f"vxsec scan, {LARGE:,} packages", own, {}, within=10, goal="<= 10 s", runs=_few(bench))


def sbom_thousand(bench: Bench) -> Iterator[Row]:
    """``sbom generate`` of a package with a thousand dependencies, beside two that make SBOMs from lockfiles."""
    folder = _project(bench, SIZE)
    own = bench.vxsec(
        "sbom", "generate", "bench.tgz", "--lockfile", "package-lock.json", "-o", "bom.json", folder=folder
    )
    peers = {}
    if bench.npm is not None:
        arguments = [bench.npm.node, bench.npm.npm, "sbom", "--package-lock-only", "--sbom-format=cyclonedx"]
        peers["npm sbom"] = _node(bench, arguments, folder)
    if bench.npm is not None and bench.cyclonedx is not None:
        arguments = [bench.npm.node, str(bench.cyclonedx), "--package-lock-only", "--output-file", "peer.json"]
        peers["cyclonedx-npm"] = _node(bench, arguments, folder)
    few = _few(bench)
    yield from bench.compare(f"vxsec sbom, {SIZE:,} packages", own, peers, within=0.4, goal="<= 400 ms", runs=few)


def four_packages(bench: Bench) -> Iterator[Row]:
    """Four packages signed, given an SBOM, scanned and gated: four processes, one after the other."""
    names = sorted(path.name for path in bench.folder.glob("vextrus-*.tgz"))
    listed, key = " ".join(names), "--signer file:ci.key --password-env BENCH_PASSWORD"
    (bench.folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    _write_lockfile(bench, names)
    database = _database(bench)
    own = bench.shell(
        "rm -f vextrus-*.sigstore.jsonl",
        f"vxsec sign {listed} {key} --registry {bench.registry.url}",
        f"vxsec sbom attest {listed} {key} --lockfile package-lock.json --author bench --timestamp 2026-11-21T00:00:00Z",
        f"vxsec scan package-lock.json --db {database}",
        f"vxsec gate {listed} --policy policy.yaml --trust trust.yaml --lockfile package-lock.json --db {database}",
    )
    yield from bench.compare(
        "four packages: sign, SBOM, scan, gate", own, {}, within=2, goal="<= 2 s", runs=_few(bench)
    )


# -- what they need ----------------------------------------------------------------------------------------------------


def _few(bench: Bench) -> int:
    return max(1, bench.runs // 3)


def _now() -> str:
    return datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _node(bench: Bench, arguments: list[str], folder: Path) -> Command:
    if bench.npm is None:
        raise RuntimeError("no npm")
    return Command(arguments=arguments, folder=folder, environment=bench.npm.environment(bench.folder / "npm-home"))


def _project(bench: Bench, size: int) -> Path:
    """A project of ``size`` packages, and its own tarball; made once."""
    folder = bench.folder / f"project-{size}"
    if not folder.exists():
        lockfile = write_project(folder, size)
        root = json.loads(lockfile.read_bytes())["packages"][""]
        (folder / "bench.tgz").write_bytes(pack(root, {"index.js": b"module.exports = {}\n"}))
        if (root["name"], root["version"]) != ROOT:
            raise RuntimeError("not the project that was asked for")
    return folder


def _write_lockfile(bench: Bench, names: list[str]) -> None:
    """What a workspace of the four packages installs: themselves."""
    import vxsec
    from vxsec.model.artifact import Artifact

    packages: dict[str, object] = {"": {"name": "bench", "version": "1.0.0"}}
    for name in names:
        artifact = vxsec.open_artifact(bench.folder / name)
        if not isinstance(artifact, Artifact):
            raise TypeError(f"{name} is refused")
        packages[f"node_modules/{artifact.package.name}"] = {
            "version": artifact.package.version,
            "integrity": artifact.digests.integrity,
            "license": "Apache-2.0",
            "dependencies": artifact.manifest.strings("dependencies"),
        }
    document = {"name": "bench", "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": packages}
    (bench.folder / "package-lock.json").write_text(json.dumps(document), encoding="utf-8")


def _advisories(bench: Bench) -> tuple[Path, str]:
    """Real advisories where they lie beside the checkout, else generated ones of the same number."""
    if SHARED.exists():
        with zipfile.ZipFile(SHARED) as archive:
            return SHARED, f"{len(archive.namelist()):,} OSV records"
    path = bench.folder / "npm.zip"
    if not path.exists():
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(GENERATED):
                name = f"MAL-2026-{number + 1}"
                archive.writestr(f"{name}.json", json.dumps(_record(name, number)))
    return path, f"{GENERATED:,} generated records"


def _record(name: str, number: int) -> dict[str, object]:
    events = [{"introduced": "0"}, {"fixed": f"{number % 9 + 1}.0.0"}] if number % 4 else [{"introduced": "0"}]
    return {
        "schema_version": "1.7.4",
        "id": name,
        "modified": "2026-11-01T00:00:00Z",
        "published": "2026-11-01T00:00:00Z",
        "summary": f"Generated advisory {number}",
        "details": "Generated to be measured with. " * 20,
        "affected": [
            {
                "package": {"ecosystem": "npm", "name": f"generated-{number}"},
                "ranges": [{"type": "SEMVER", "events": events}],
            }
        ],
    }


def _database(bench: Bench) -> str:
    """An index of the advisories; made once."""
    folder = bench.folder / "db"
    if not folder.exists():
        source, _ = _advisories(bench)
        bench.vxsec("db", "import", str(source), "--exported-at", _now(), "--db", str(folder)).run()
    return str(folder)


@contextmanager
def _audit_server() -> Iterator[str]:
    """Answers npm's bulk advisory request with "nothing known", at once: the least work that npm can have."""
    server = LoopbackServer(lambda _request: (200, b"{}"))
    try:
        yield f"http://127.0.0.1:{server.port}/"
    finally:
        server.close()

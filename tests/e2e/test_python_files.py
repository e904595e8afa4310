"""Wheels and source distributions from the command line, up to a gate that has no registry to ask."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from packaging.markers import default_environment

from support.wheel_factory import METADATA, sdist, wheel

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.conftest import Vxsec
    from support.shop import Shop

INDEX = "https://packages.example.test/legacy/"
FILES = {"app_kit-1.0.tar.gz": sdist(), "app_kit-1.0-py3-none-any.whl": wheel()}
POLICY = """\
apiVersion: vxsec/policy/v1
kind: Policy
metadata: {{name: python, version: 1}}
mode: enforce
scopes:
  - id: own
    match: {{ecosystem: pypi, registry: index}}
    phases: [publish]
    rules:
      - {{id: signed, use: signature.threshold, with: {{threshold: 1, minPerRole: {{machine: 1}}}}}}
      - {{id: archive, use: archive.safe}}
{more}"""


@pytest.fixture
def dist(shop: Shop) -> Path:
    """The files, and a trust document with a registry of Python packages, at which nothing listens."""
    text = shop.trust.read_text(encoding="utf-8").rstrip()
    listed = f'  index: {{url: "{INDEX}", ecosystem: pypi, packages: [app-kit]}}'
    assert "registries:\n" in text
    shop.trust.write_text(text.replace("registries:\n", f"registries:\n{listed}\n", 1), encoding="utf-8")
    for name, data in FILES.items():
        (shop.folder / name).write_bytes(data)
    (shop.folder / "policy.yaml").write_text(POLICY.format(more=""), encoding="utf-8")
    return shop.folder


@pytest.mark.parametrize("name", FILES)
def test_inspected_signed_verified_and_gated_without_a_connection(
    vxsec_run: Vxsec, shop: Shop, dist: Path, name: str
) -> None:
    path = dist / name
    assert "pkg:pypi/app-kit@1.0" in vxsec_run("inspect", path, "--expect", "App.Kit@1.0").out
    gate = ("gate", path, "--policy", dist / "policy.yaml", "--trust", shop.trust)
    answer = vxsec_run(*gate)
    assert answer.status == 11, "a search that has no registry to ask is finished, not undecided"
    assert "signature.none" in answer.out
    assert vxsec_run("sign", path, "--signer", shop.uri("ci"), "--trust", shop.trust).status == 0
    assert vxsec_run("verify", path, "--trust", shop.trust).status == 0
    assert vxsec_run(*gate).status == 0
    path.write_bytes(path.read_bytes()[:-9])
    assert vxsec_run("verify", path, "--trust", shop.trust).status == 10
    assert vxsec_run(*gate).status == 11


def test_a_rule_that_cannot_judge_python_is_no_rule_for_it(vxsec_run: Vxsec, shop: Shop, dist: Path) -> None:
    path = dist / "app_kit-1.0-py3-none-any.whl"
    more = "      - {id: version, use: version.monotonic}\n"
    (dist / "policy.yaml").write_text(POLICY.format(more=more), encoding="utf-8")
    answer = vxsec_run("gate", path, "--policy", dist / "policy.yaml", "--trust", shop.trust)
    assert answer.status == 2
    assert "policy.ecosystem" in answer.err


def test_an_approval_says_that_nothing_earlier_was_read(vxsec_run: Vxsec, shop: Shop, dist: Path) -> None:
    path = dist / "app_kit-1.0-py3-none-any.whl"
    answer = vxsec_run("approve", path, "--signer", shop.uri("alice"), "--trust", shop.trust)
    assert answer.status == 0, answer.err
    assert "earlier versions of Python packages are not read" in answer.out + answer.err
    pushed = vxsec_run("approve", path, "--signer", shop.uri("alice"), "--trust", shop.trust, "--push")
    assert pushed.status == 2
    assert "approve.push" in pushed.err


def test_publish_says_that_it_speaks_npm(vxsec_run: Vxsec, shop: Shop, dist: Path) -> None:
    path = dist / "app_kit-1.0-py3-none-any.whl"
    answer = vxsec_run("publish", path, "--policy", dist / "policy.yaml", "--trust", shop.trust)
    assert answer.status == 2
    assert "publish.ecosystem" in answer.err


def _pip_report(folder: Path, version: str) -> Path:
    """What pip writes for app-kit, which needs example-lib."""
    wheel_digest = "0" * 64

    def entry(name: str, release: str, *, requested: bool, requires: list[str]) -> dict[str, object]:
        return {
            "download_info": {
                "url": f"https://packages.example.test/{name}-{release}-py3-none-any.whl",
                "archive_info": {"hashes": {"sha256": wheel_digest}},
            },
            "is_direct": requested,
            "requested": requested,
            "metadata": {"metadata_version": "2.4", "name": name, "version": release, "requires_dist": requires},
        }

    document = {
        "version": "1",
        "pip_version": "25.3",
        "install": [
            entry("app-kit", "1.0", requested=True, requires=["example-lib"]),
            entry("example-lib", version, requested=False, requires=[]),
        ],
        "environment": default_environment(),
    }
    path = folder / "report.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_what_pip_resolved_is_described_and_looked_up(vxsec_run: Vxsec, shop: Shop, dist: Path) -> None:
    metadata = METADATA.replace(b"Version: 1.0\n", b"Version: 1.0\nRequires-Dist: example-lib\n")
    path = dist / "app_kit-1.0-py3-none-any.whl"
    path.write_bytes(wheel(metadata=metadata))
    more = "      - {id: vuln, use: vuln.threshold}\n      - {id: sbom, use: sbom.complete, with: {ntia: false}}\n"
    (dist / "policy.yaml").write_text(POLICY.format(more=more), encoding="utf-8")
    advisory = {
        "id": "PYSEC-2026-9",
        "modified": "2026-11-01T00:00:00Z",
        "affected": [{"package": {"ecosystem": "PyPI", "name": "example-lib"}, "versions": ["1.0"]}],
    }
    database = dist / "database"
    (dist / "osv" / "PyPI").mkdir(parents=True)
    (dist / "osv" / "PyPI" / "PYSEC-2026-9.json").write_text(json.dumps(advisory), encoding="utf-8")
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    imported = vxsec_run("db", "import", dist / "osv" / "PyPI", "--db", database, "--exported-at", now)
    assert imported.status == 0, imported.err
    gate = ("gate", path, "--policy", dist / "policy.yaml", "--trust", shop.trust, "--db", database)
    assert vxsec_run("sign", path, "--signer", shop.uri("ci"), "--trust", shop.trust).status == 0
    refused = vxsec_run("sbom", "attest", path, "--signer", shop.uri("ci"))
    assert (refused.status, "pip install --dry-run" in refused.err) == (2, True)

    good = _pip_report(dist, "1.1")
    assert vxsec_run("sbom", "attest", path, "--lockfile", good, "--signer", shop.uri("ci")).status == 0
    assert vxsec_run("sbom", "extract", path, "--trust", shop.trust).json["components"][0]["purl"] == (
        "pkg:pypi/example-lib@1.1"
    )
    assert vxsec_run(*gate).status == 4, "what version of example-lib that becomes is not known without the report"
    npm = {"lockfileVersion": 3, "packages": {"": {"name": "web"}}}
    (dist / "package-lock.json").write_text(json.dumps(npm), encoding="utf-8")
    assert vxsec_run(*gate).status == 4, "npm's lockfile in the same folder says nothing about it"
    assert vxsec_run(*gate, "--lockfile", good).status == 0
    answer = vxsec_run(*gate, "--lockfile", _pip_report(dist, "1.0"))
    assert (answer.status, "PYSEC-2026-9" in answer.out) == (11, True)

"""Reports written by real npm against a loopback registry that answers audits, read and merged."""

from __future__ import annotations

import gzip
import json
import shutil
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import vxsec
from vxsec.errors import UndecidedError
from vxsec.formats.npm_audit import read_npm_audit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.node_tools import NodeTools

pytestmark = pytest.mark.node

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "fixtures" / "scan"
ADVISORIES = ROOT / "fixtures" / "osv" / "npm"
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def told(identifier: str, number: int, range_: str, severity: str, title: str, *cwe: str) -> dict[str, Any]:
    return {
        "id": number,
        "url": f"https://github.com/advisories/{identifier}",
        "title": title,
        "severity": severity,
        "vulnerable_versions": range_,
        "cwe": list(cwe),
        "cvss": {"score": 0, "vectorString": None},
    }


KNOWN = {
    "@example/template": [told("GHSA-2222-3333-4444", 1, ">=2.0.0 <2.4.1", "high", "Injection", "CWE-94")],
    "left-padding": [told("GHSA-5555-6666-7777", 2, "*", "critical", "Malware in left-padding", "CWE-506")],
    "example-server": [told("GHSA-8888-9999-cccc", 3, "<3.1.0", "moderate", "Smuggling", "CWE-444")],
    "example-fine": [told("GHSA-ffff-gggg-hhhh", 4, "<0.5.0", "low", "Long ago", "CWE-1")],
}


@contextmanager
def audit_server(known: dict[str, Any] | None) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Answers bulk audits from ``known``, and with 405 where it is None; no packument is ever there."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            body = json.loads(gzip.decompress(raw) if self.headers.get("content-encoding") == "gzip" else raw)
            asked.append(body)
            if known is None or not self.path.endswith("/-/npm/v1/security/advisories/bulk"):
                self._answer(405, {"error": "not here"})
            else:
                self._answer(200, {name: found for name, found in known.items() if name in body})

        def do_GET(self) -> None:
            self._answer(404, {"error": "not found"})

        def log_message(self, *arguments: object) -> None:
            """Says nothing."""

        def _answer(self, status: int, document: object) -> None:
            data = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PROJECT / name, folder / name)
    return folder


def run_audit(node_tools: NodeTools, project: Path, url: str, *more: str) -> bytes:
    environment = node_tools.environment(project.parent / "home") | {"npm_config_audit": "true"}
    arguments = ("audit", "--json", "--package-lock-only", "--registry", url, *more)
    return node_tools.run_npm(*arguments, cwd=project, environment=environment).stdout.encode()


def test_a_report_of_real_npm_is_read(node_tools: NodeTools, project: Path) -> None:
    with audit_server(KNOWN) as (url, asked):
        data = run_audit(node_tools, project, url)
    assert asked[0]["left-padding"] == ["1.1.0"]
    report = read_npm_audit(data, where="audit.json")
    assert {(one.id, one.name, one.severity.value, one.range, one.malware) for one in report.advisories} == {
        ("GHSA-2222-3333-4444", "@example/template", "high", ">=2.0.0 <2.4.1", False),
        ("GHSA-5555-6666-7777", "left-padding", "critical", "*", True),
        ("GHSA-8888-9999-cccc", "example-server", "medium", "<3.1.0", False),
    }
    assert report.packages == ("example-basket",)


def test_the_fixture_is_what_real_npm_writes(node_tools: NodeTools, project: Path) -> None:
    with audit_server(KNOWN) as (url, _):
        data = run_audit(node_tools, project, url)
    assert json.loads(data) == json.loads((PROJECT / "npm-audit.json").read_bytes())


def test_both_sources_become_one_list(node_tools: NodeTools, project: Path, tmp_path: Path) -> None:
    vxsec.import_database([ADVISORIES], directory=tmp_path / "db", ecosystem="npm", exported_at=NOW, now=NOW)
    same = KNOWN | {
        "@example/template": [told("GHSA-tmpl-aaaa-0001", 1, ">=2.0.0 <2.4.1", "critical", "Injection")],
        "left-padding": [told("GHSA-mal1-left-pad1", 2, "*", "critical", "Malware", "CWE-506")],
    }
    with audit_server(same) as (url, _):
        (project / "audit.json").write_bytes(run_audit(node_tools, project, url))
    report = vxsec.scan([project], db=tmp_path / "db", npm_audit=project / "audit.json", now=NOW, project_dir=project)
    sources = {(one.package, one.id): one.sources for one in report.result.findings}
    assert sources["left-padding@1.1.0", "MAL-2026-1001"] == ("osv", "npm-audit")
    assert sources["example-server@3.0.1", "GHSA-8888-9999-cccc"] == ("npm-audit",)
    assert report.exit_status == 11
    assert report.notes == ()


@pytest.mark.parametrize("more", [(), ("--omit", "dev")], ids=["everything", "without development tools"])
def test_a_clean_audit_clears_nothing(
    node_tools: NodeTools, project: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    with audit_server({}) as (url, _):
        (project / "audit.json").write_bytes(run_audit(node_tools, project, url, *more))
    report = vxsec.scan([project], db=tmp_path / "none", npm_audit=project / "audit.json", now=NOW)
    assert report.exit_status == 4
    assert report.result.clean == 0


def test_an_audit_that_failed_is_no_audit(node_tools: NodeTools, project: Path, tmp_path: Path) -> None:
    with audit_server(None) as (url, _):
        (project / "audit.json").write_bytes(run_audit(node_tools, project, url))
    with pytest.raises(UndecidedError) as caught:
        vxsec.scan([project], db=tmp_path / "none", npm_audit=project / "audit.json", now=NOW)
    assert caught.value.code == "audit.error"
    assert "405" in caught.value.message


def test_npm_without_a_lockfile_says_so(node_tools: NodeTools, project: Path) -> None:
    (project / "package-lock.json").unlink()
    with audit_server(KNOWN) as (url, _):
        data = run_audit(node_tools, project, url)
    with pytest.raises(UndecidedError) as caught:
        read_npm_audit(data, where="audit.json")
    assert caught.value.code == "audit.error"
    assert "ENOLOCK" in caught.value.message

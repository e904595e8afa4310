"""``vxsec doctor --online`` with real registries: the simulator for what goes wrong, Verdaccio and npm for what others do."""

from __future__ import annotations

import http.server
import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest

from support.doctor_kit import PLANTED, Machine, install
from vxsec.cli import run
from vxsec.model.report.doctor import Area, DoctorReport
from vxsec.testing import RegistrySimulator
from vxsec.usecases.doctor.examine import examine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from support.node_tools import NodeTools
    from support.verdaccio import Verdaccio

TOKEN = f"npm_{PLANTED}0123456789"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return install(tmp_path, monkeypatch)


def connect(machine: Machine, url: str, *, token: str | None = TOKEN) -> None:
    """Point the trust document and both .npmrc files at a registry."""
    trust = machine.project / "trust.yaml"
    text = trust.read_text(encoding="utf-8").replace("https://registry.example.test/npm/", url)
    trust.write_text(text, encoding="utf-8")
    (machine.project / ".npmrc").write_text(f"@acme:registry={url}\n", encoding="utf-8")
    line = f"{url.partition(':')[2]}:_authToken={token}\n" if token is not None else ""
    (machine.home / ".npmrc").write_text(line, encoding="utf-8")


def ask(machine: Machine) -> DoctorReport:
    report = examine(trust="trust.yaml", database=machine.home / "db", online=True)
    assert PLANTED not in str(report)
    assert report.online
    return report


def asked(report: DoctorReport) -> list[str]:
    """Level and code of what only a registry could tell."""
    answers = ("registry", "token-accepted", "token-refused", "whoami", "clock-agrees", "clock-off", "token-missing")
    short = [(item.level.value, item.code.removeprefix("doctor.")) for item in report.findings]
    return [f"{level} {code}" for level, code in short if code.startswith(answers)]


def fix_of(report: DoctorReport, code: str) -> str:
    return next(item.fix or "" for item in report.findings if item.code == f"doctor.{code}")


def test_a_registry_that_knows_us(machine: Machine) -> None:
    with RegistrySimulator(token=TOKEN) as registry:
        connect(machine, registry.url)
        report = ask(machine)
        paths = [request.path for request in registry.requests]
    assert asked(report) == ["ok clock-agrees", "ok registry-answers", "ok token-accepted"]
    assert paths == ["/-/ping", "/-/whoami"]
    assert report.exit_status == 0


def test_without_the_option_nobody_is_asked(machine: Machine) -> None:
    with RegistrySimulator(token=TOKEN) as registry:
        connect(machine, registry.url)
        report = examine(trust="trust.yaml", database=machine.home / "db")
        assert registry.requests == []
    assert asked(report) == []


def test_a_token_that_is_not_accepted(machine: Machine) -> None:
    with RegistrySimulator(token="another") as registry:
        connect(machine, registry.url)
        report = ask(machine)
        assert fix_of(report, "token-refused") == f"log in again: npm login --registry={registry.url}"
    assert "problem token-refused" in asked(report)
    assert report.exit_status == 11


def test_no_token_at_all(machine: Machine) -> None:
    with RegistrySimulator(token=TOKEN) as registry:
        connect(machine, registry.url, token=None)
        report = ask(machine)
        own = registry.url.partition(":")[2]
        assert fix_of(report, "token-missing") == f"write in ~/.npmrc: {own}:_authToken=${{NPM_TOKEN}}"
    assert asked(report).count("warning token-missing") == 1


def test_a_path_that_is_not_the_registry_s(machine: Machine) -> None:
    with RegistrySimulator(token=TOKEN, path="/npm/") as registry:
        connect(machine, registry.url.removesuffix("npm/"))
        report = ask(machine)
    assert "problem registry-not-found" in asked(report)
    assert "path included" in fix_of(report, "registry-not-found")


def test_a_registry_without_whoami(machine: Machine) -> None:
    with RegistrySimulator(token=TOKEN) as registry:
        registry.fail_next("GET", "/-/whoami", status=404)
        connect(machine, registry.url)
        report = ask(machine)
    assert "warning whoami-missing" in asked(report)


@pytest.mark.parametrize("path", ["/-/ping", "/-/whoami"])
def test_a_registry_that_fails_leaves_it_open(machine: Machine, path: str) -> None:
    with RegistrySimulator(token=TOKEN) as registry:
        registry.fail_next("GET", path, status=503)
        connect(machine, registry.url)
        report = ask(machine)
    assert "unknown registry-failed" in asked(report)
    assert report.exit_status == 4


def test_a_registry_that_is_not_there_leaves_it_open(machine: Machine) -> None:
    with RegistrySimulator() as registry:
        url = registry.url
    connect(machine, url)
    report = ask(machine)
    assert asked(report) == ["unknown registry-unreachable"]
    assert report.exit_status == 4


def test_plain_http_is_not_spoken_unasked(machine: Machine) -> None:
    connect(machine, "http://registry.example.test/")
    report = ask(machine)
    assert asked(report) == ["problem registry-http", "problem registry-unreachable"]
    assert "--unsafe-http" in fix_of(report, "registry-unreachable")


def test_the_command_asks_only_registries_of_npm(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VXSEC_DB", str(machine.home / "db"))
    with RegistrySimulator(token=TOKEN) as registry:
        connect(machine, registry.url)
        text = (machine.project / "trust.yaml").read_text(encoding="utf-8")
        python = '  python: {url: "https://python.example.test/", ecosystem: pypi, packages: [acme]}\nrevocations:'
        (machine.project / "trust.yaml").write_text(text.replace("revocations:", python), encoding="utf-8")
        assert run(["doctor", "--trust", "trust.yaml", "--online", "-v"]) == 0
    shown = capsys.readouterr()
    assert f"{registry_name(registry.requests[0].headers)} answers" in shown.out
    assert "python.example.test" not in shown.out
    assert PLANTED not in (shown.out + shown.err).lower()


def registry_name(headers: Mapping[str, str]) -> str:
    return f"http://{headers['host']}/"


def test_a_registry_that_hides_its_ping(machine: Machine) -> None:
    with RegistrySimulator(token=TOKEN) as registry:
        registry.fail_next("GET", "/-/ping", status=401)
        connect(machine, registry.url)
        report = ask(machine)
    assert asked(report) == ["ok clock-agrees", "ok token-accepted"]


def test_a_client_certificate_that_is_not_there(machine: Machine) -> None:
    with RegistrySimulator(token=TOKEN) as registry:
        connect(machine, registry.url)
        own = registry.url.partition(":")[2]
        with (machine.home / ".npmrc").open("a", encoding="utf-8") as stream:
            stream.write(f"{own}:certfile=/no/such/cert.pem\n{own}:keyfile=/no/such/key.pem\n")
        report = ask(machine)
    assert asked(report) == ["problem registry-unreachable"]
    assert "certfile and keyfile in .npmrc" in fix_of(report, "registry-unreachable")


def test_settings_that_cannot_be_connected_with(machine: Machine) -> None:
    connect(machine, "https://registry.example.test/npm/")
    with (machine.project / ".npmrc").open("a", encoding="utf-8") as stream:
        stream.write("cafile[]=a\n")
    assert "problem registry-unreachable" in asked(ask(machine))


# -- a server of our own, for what no registry does ----------------------------------------------------------------------


@contextmanager
def server(*, date: str | None = None, body: bytes = b'{"username":"alice"}', status: int = 200) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(status)
            if date is not None:
                self.send_header("date", date)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_address[1]}/"
        finally:
            running.shutdown()
            thread.join()


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_off(machine: Machine, hours: int) -> None:
    date = format_datetime(datetime.now(tz=UTC) + timedelta(hours=hours), usegmt=True)
    with server(date=date) as url:
        connect(machine, url)
        report = ask(machine)
    assert "problem clock-off" in asked(report)
    assert fix_of(report, "clock-off").endswith("timedatectl set-ntp true")
    assert report.exit_status == 11


ANSWERS = {
    "an echo of the token": (json.dumps({"username": f"alice {TOKEN}"}).encode(), "ok token-accepted"),
    "a name that acts upon terminals": (b'{"username":"\\u001b[2J"}', "ok token-accepted"),
    "a name that is none": (b'{"username":7}', "problem token-refused"),
    "an empty name": (b'{"username":""}', "problem token-refused"),
    "a login page": (b"<html>", "problem token-refused"),
    "a list": (b"[]", "problem token-refused"),
    "too much": (b" " * 100_000, "unknown registry-unreachable"),
}


@pytest.mark.parametrize(("body", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
def test_odd_answers(machine: Machine, body: bytes, expected: str) -> None:
    with server(body=body) as url:
        connect(machine, url)
        assert expected in asked(ask(machine))


# -- what others do ------------------------------------------------------------------------------------------------------


@pytest.mark.node
@pytest.mark.verdaccio
def test_verdaccio(machine: Machine, verdaccio: Verdaccio) -> None:
    connect(machine, verdaccio.url, token=verdaccio.token)
    report = ask(machine)
    assert verdaccio.token not in str(report)
    assert asked(report)[-2:] == ["ok registry-answers", "ok token-accepted"]
    connect(machine, verdaccio.url, token="not-a-token")
    assert asked(ask(machine))[-1] == "problem token-refused"
    connect(machine, verdaccio.url, token=None)
    assert asked(ask(machine)) == ["warning token-missing", "ok clock-agrees", "ok registry-answers"]


@pytest.mark.node
@pytest.mark.parametrize("slash", ["/", ""])
def test_npm_publishes_only_with_the_final_slash(node_tools: NodeTools, tmp_path: Path, slash: str) -> None:
    """The reason for ``doctor.token-slash``."""
    with RegistrySimulator() as registry:
        key = registry.url.partition(":")[2].removesuffix("/") + slash
        environment = node_tools.environment(
            tmp_path / "home", npmrc=f"registry={registry.url}\n{key}:_authToken={registry.token}\n"
        )
        (tmp_path / "package.json").write_text('{"name":"slash","version":"1.0.0"}', encoding="utf-8")
        done = node_tools.run_npm("publish", cwd=tmp_path, environment=environment)
    assert ("ENEEDAUTH" in done.stderr) == (slash == ""), done.stderr
    assert (done.returncode == 0) == (slash == "/")


@pytest.mark.node
def test_the_programs_that_are_really_there(
    node_tools: NodeTools, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, command in (("node", node_tools.node), ("npm", node_tools.npm)):
        (folder / name).write_text("#!/bin/sh\nexec " + " ".join(command) + ' "$@"\n', encoding="utf-8")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / ".npmrc").write_text("_authToken=x\n", encoding="utf-8")  # npm itself would not start here
    report = examine(project_dir=tmp_path, database=tmp_path / "db")
    found = {item.code: item.found for item in report.findings if item.area is Area.PROGRAMS}
    assert found["doctor.node"] == f"node {node_tools.version}"
    assert found["doctor.npm"].startswith("npm 1")
    assert not (tmp_path / "home").exists(), "asking npm for its version left something behind"

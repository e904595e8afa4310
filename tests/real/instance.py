"""Sigstore's own servers on loopback, in a network namespace that has nothing else: Fulcio, a CT log, Rekor 2, a TSA.

Two of the programs insist on a listener for metrics on every address. Where ``lo`` is the only interface that is loopback too,
no port can be taken, and nothing can leave; so the instance refuses to start anywhere else. The OIDC issuers are our own.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
import subprocess
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Self

import urllib3

from real.pki import FULCIO_PASSWORD, TSA_PASSWORD, write_pki
from vxsec.host.clock import utc_now
from vxsec.testing.loopback import LoopbackServer
from vxsec.testing.sigstore.documents import client_trust_config
from vxsec.testing.sigstore.issuer import OidcIssuer
from vxsec.testing.sigstore.replies import RefusedRequestError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from vxsec.testing.loopback import LoggedRequest, Reply

__all__ = ["PROGRAMS", "RealInstance", "private_network"]

PROGRAMS = ("cosign", "ctlog", "fulcio", "rekor-server", "timestamp-server")
_HOST = "127.0.0.1"
_FULCIO, _CT, _REKOR, _TSA = (f"http://{_HOST}:{port}" for port in (5555, 6962, 3003, 3004))
_CT_PREFIX = "test"
_TIMESTAMPS = f"{_TSA}/api/v1/timestamp"
_START_SECONDS, _STOP_SECONDS, _POLL_SECONDS = 60.0, 5.0, 0.05
_OPERATOR = "operator=real.example.test"
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1  # SIOCGIFFLAGS, SIOCSIFFLAGS and IFF_UP of <linux/if.h>


def private_network() -> bool:
    """Whether ``lo`` is the only interface here; brought up, if so."""
    if {name for _, name in socket.if_nameindex()} != {"lo"}:
        return False
    with socket.socket() as opened:
        asked = struct.pack("16sh22x", b"lo", 0)
        (flags,) = struct.unpack("16xh22x", fcntl.ioctl(opened, _GET_FLAGS, asked))
        if not flags & _UP:
            fcntl.ioctl(opened, _SET_FLAGS, struct.pack("16sh22x", b"lo", flags | _UP))
    return True


class RealInstance:
    """The servers, started by ``with`` and stopped by :meth:`stop` or its end, each by its own process id.

    ``person`` vouches for e-mail addresses, ``builder`` for workflows as GitHub Actions does. ``trusted_root``,
    ``signing_config`` and ``trust_config`` are files that cosign wrote, or made of those; nothing in them says rehearsal.

    Args:
        programs: The folder with :data:`PROGRAMS`.
        folder: An empty folder for keys, logs and everything else.
    """

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs = programs
        self.folder = folder
        self.pki = folder / "pki"
        self.trusted_root = folder / "trusted_root.json"
        self.signing_config = folder / "signing_config.json"
        self.trust_config = folder / "trust_config.json"
        self._issuers: list[LoopbackServer] = []
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        if not private_network():
            raise RuntimeError("expected a network namespace of its own: run make test-sigstore-real")
        for name in ("home", "log", "rekor"):
            (self.folder / name).mkdir()
        write_pki(self.pki)
        try:
            self.person, self.builder = self._issuer(), self._issuer()
            self._start_all()
            self._write_documents()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def environment(self) -> dict[str, str]:
        """For every program: a home of its own, nobody to ask, no colour, no wrapped lines."""
        home = self.folder / "home"
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(home),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "COSIGN_YES": "true",
            "COSIGN_PASSWORD": "for tests only",
            "NO_COLOR": "1",
            "COLUMNS": "400",
            "LANG": "C.UTF-8",
        }

    def cosign(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run cosign in the instance's folder; the caller looks at the return code."""
        return subprocess.run(
            [str(self.programs / "cosign"), *map(str, arguments)],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def stop(self) -> None:
        """Stop everything; nothing listens afterwards."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()
        for server in self._issuers:
            server.close()
        self._issuers.clear()

    def _issuer(self) -> OidcIssuer:
        found: list[OidcIssuer] = []

        def answer(request: LoggedRequest) -> Reply:
            try:
                return found[0].answer(request)
            except RefusedRequestError as error:
                return error.reply()

        server = LoopbackServer(answer)
        self._issuers.append(server)
        found.append(OidcIssuer(f"http://{_HOST}:{server.port}", clock=utc_now))
        return found[0]

    def _start_all(self) -> None:
        """Issuers and CT log first: Fulcio asks both at every request."""
        pki = self.pki
        # Not as JSON, which is YAML too: Fulcio takes a JSON document for one of its older form, with other names.
        (self.folder / "fulcio.yaml").write_text(
            "oidc-issuers:\n"
            + "".join(
                f"  {url}: {{issuer-url: '{url}', client-id: sigstore, type: {kind}}}\n"
                for url, kind in ((self.person.url, "email"), (self.builder.url, "github-workflow"))
            )
        )
        self._start(
            "ctlog", f"--http_endpoint={_CT.removeprefix('http://')}", f"--prefix={_CT_PREFIX}",
            f"--private_key={pki}/ct.key", f"--roots_pem_file={pki}/fulcio-root.pem",
        )  # fmt: skip
        self._start(
            "fulcio", "serve", f"--host={_HOST}", "--port=5555", f"--grpc-host={_HOST}", "--grpc-port=5554",
            "--metrics-port=2113", "--config-path=fulcio.yaml", "--ca=fileca", f"--fileca-cert={pki}/fulcio-chain.pem",
            f"--fileca-key={pki}/fulcio.key", f"--fileca-key-passwd={FULCIO_PASSWORD}", "--fileca-watch=false",
            f"--ct-log-url={_CT}/{_CT_PREFIX}", f"--ct-log-public-key-path={pki}/ct.pub",
        )  # fmt: skip
        # The host name is the origin of its checkpoints, and must be the host of the log's URL in the trusted root.
        self._start(
            "rekor-server", "serve", f"--http-address={_HOST}", "--http-port=3003", f"--grpc-address={_HOST}",
            "--grpc-port=3001", "--http-metrics-port=2114", f"--hostname={_HOST}", "--storage-dir=rekor",
            f"--signer-filepath={pki}/rekor.key", "--checkpoint-interval=200ms", "--batch-max-age=100ms",
        )  # fmt: skip
        # Without --disable-ntp-monitoring it would ask servers elsewhere for the time.
        self._start(
            "timestamp-server", "serve", f"--host={_HOST}", "--port=3004", "--disable-ntp-monitoring",
            "--timestamp-signer=file", f"--file-signer-key-path={pki}/tsa.key",
            f"--file-signer-passwd={TSA_PASSWORD}", f"--certificate-chain-path={pki}/tsa-chain.pem",
        )  # fmt: skip
        self._await("ctlog", f"{_CT}/{_CT_PREFIX}/ct/v1/get-sth")
        self._await("fulcio", f"{_FULCIO}/healthz")
        self._await("rekor-server", f"{_REKOR}/healthz")
        self._await("timestamp-server", f"{_TSA}/ping")

    def _start(self, name: str, *arguments: str) -> None:
        with (self.folder / "log" / name).open("wb") as log:
            # Where pytest is killed, the kernel ends the server: nothing outlives a run.
            self._processes[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", str(self.programs / name), *arguments],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _await(self, name: str, url: str) -> None:
        limit = time.monotonic() + _START_SECONDS
        while time.monotonic() < limit and self._processes[name].poll() is None:
            try:
                if urllib3.request("GET", url, retries=False, timeout=1.0).status == 200:
                    return
            except urllib3.exceptions.HTTPError:
                pass
            time.sleep(_POLL_SECONDS)
        told = (self.folder / "log" / name).read_text(errors="replace").splitlines()[-5:]
        raise RuntimeError(f"{name} did not start:\n" + "\n".join(told))

    def _write_documents(self) -> None:
        """The trusted root and the signing config by cosign, and both in one for sigstore-python and vxsec."""
        pki = self.pki
        since = f"start-time={utc_now() - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
        self._must(
            "trusted-root", "create",
            f"--fulcio=url={_FULCIO},certificate-chain={pki}/fulcio-chain.pem",
            f"--ctfe=url={_CT}/{_CT_PREFIX},public-key={pki}/ct.pub,{since}",
            # Rekor 2 names its key by origin and key together: without the origin nobody finds it.
            f"--rekor=url={_REKOR},public-key={pki}/rekor.pub,{since},origin={_HOST}",
            f"--tsa=url={_TIMESTAMPS},certificate-chain={pki}/tsa-chain.pem",
            "--out", self.trusted_root,
        )  # fmt: skip
        self._must(
            "signing-config", "create",
            f"--fulcio=url={_FULCIO},api-version=1,{since},{_OPERATOR}",
            f"--rekor=url={_REKOR},api-version=2,{since},{_OPERATOR}", "--rekor-config=ANY",
            f"--oidc-provider=url={self.person.url},api-version=1,{since},{_OPERATOR}",
            f"--tsa=url={_TIMESTAMPS},api-version=1,{since},{_OPERATOR}", "--tsa-config=ANY",
            "--out", self.signing_config,
        )  # fmt: skip
        root, signing = (json.loads(path.read_bytes()) for path in (self.trusted_root, self.signing_config))
        self.trust_config.write_text(json.dumps(client_trust_config(root, signing)))

    def _must(self, *arguments: str | Path) -> None:
        done = self.cosign(*arguments)
        if done.returncode != 0:
            raise RuntimeError(f"cosign {arguments[0]} {arguments[1]}: {done.stderr}")

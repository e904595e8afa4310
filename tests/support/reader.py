"""A reader of the documentation: runs the commands of a page, in their order, in one shell, as they are written."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import subprocess
import sys
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import vxsec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from support.node_tools import NodeTools
    from support.verdaccio import Verdaccio

__all__ = [
    "ALONE",
    "FILL",
    "PACK",
    "PUBLISHED_BY_REPOSITORY",
    "PUBLISHED_WITHOUT_VXSEC",
    "REPOSITORY",
    "ROOT",
    "SET_UP",
    "Reader",
    "blocks",
    "demo_tarball",
    "osv_mirror",
    "osv_zip",
]

ROOT = Path(__file__).resolve().parents[2]

SET_UP = """\
cp -R "$MONOREPO" shop
cd shop
printf '@vextrus:registry=%s\\n' "$REGISTRY" > .npmrc
npm install --package-lock-only > install.txt
vxsec init --keys --person alice --password-env CI_PASSWORD
git init --quiet
git add --all
git -c user.name=ci -c user.email=ci@example.test commit --quiet --message "Set up"
"""
"""The state in which most pages begin: a git repository with a lockfile, set up by ``vxsec init``."""

ALONE = """\
cp -R "$MONOREPO" shop
cd shop
printf '@vextrus:registry=https://registry.example.test/\\n' > .npmrc
vxsec init --keys --person alice --password-env CI_PASSWORD
mkdir dist
cp "$PACKED"/*.tgz dist
"""
"""The same for pages that need neither npm nor a registry: set up by ``vxsec init``, packed tarballs in ``dist``."""

PACK = """\
mkdir dist
npm pack --workspaces --pack-destination dist
"""

FILL = """\
vxsec db import "$OSV_ZIP" --ecosystem npm --exported-at "$EXPORTED_AT"
"""

PUBLISHED_WITHOUT_VXSEC = """\
cp -R "$MONOREPO" shop
cd shop
printf '@vextrus:registry=%s\\n' "$REGISTRY" > .npmrc
npm install --package-lock-only > install.txt
npm publish --workspaces
"""
"""A registry that is full of versions nobody signed."""

REPOSITORY = """\
vxsec keys generate vxsec/bob --password-env ALICE_PASSWORD
vxsec trust init trust --root-key file:vxsec/alice.key --root-key file:vxsec/bob.key --password-env ALICE_PASSWORD | tee made.txt
ROOT=$(sed -n 's/^first root  sha256 //p' made.txt)
"""
"""A trust repository in ``trust``, the digest of its first root in ``ROOT``."""

PUBLISHED_BY_REPOSITORY = (
    REPOSITORY
    + """\
OLD=$(sed -n 's/^  - {id: \\(ci-[0-9]*\\),.*/\\1/p' vxsec/trust.yaml)
vxsec sign dist/*.tgz --signer file:vxsec/ci.key --trust vxsec/trust.yaml --password-env CI_PASSWORD
vxsec sbom generate dist/*.tgz --lockfile package-lock.json --author "Vextrus platform team" --beside
vxsec sbom attest dist/*.tgz --signer file:vxsec/ci.key --password-env CI_PASSWORD
vxsec approve dist/*.tgz --signer file:vxsec/alice.key --trust vxsec/trust.yaml --password-env ALICE_PASSWORD --push
vxsec publish dist/*.tgz --policy vxsec/policy.yaml --trust trust --trust-root "$ROOT"
mkdir ../consumer
cp .npmrc ../consumer
(cd ../consumer && npm init -y > npm-init.txt && npm install --package-lock-only @vextrus/distributed-transactions@1.0.0)
"""
)
"""Four packages that went through a gate by that repository, a project that uses them, and in ``OLD`` the id of CI's key."""

_ADVISORIES = (
    {
        "id": "GHSA-aaaa-bbbb-cccc",
        "modified": "2026-01-02T03:04:05Z",
        "summary": "Prototype pollution in lodash",
        "affected": [
            {
                "package": {"ecosystem": "npm", "name": "lodash"},
                "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "4.17.21"}]}],
            }
        ],
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H"}],
        "database_specific": {"severity": "HIGH"},
    },
    {
        "id": "MAL-2026-1",
        "modified": "2026-01-02T03:04:05Z",
        "summary": "Malicious code in evil-pad",
        "affected": [{"package": {"ecosystem": "npm", "name": "evil-pad"}, "versions": ["1.0.0"]}],
    },
)


def osv_zip() -> bytes:
    """Two advisories in the layout of OSV's bulk export: lodash before 4.17.21 (high), and evil-pad 1.0.0 (malware)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for advisory in _ADVISORIES:
            archive.writestr(f"{advisory['id']}.json", json.dumps(advisory))
    return buffer.getvalue()


def demo_tarball(name: str) -> Path:
    """One of the four packages, packed by npm, from the package under test: a checkout or an installed wheel."""
    return Path(vxsec.__file__).parent / "demo" / "packages" / f"vextrus-{name}-1.0.0.tgz"


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@contextmanager
def osv_mirror(folder: Path) -> Iterator[str]:
    """A mirror of OSV's bucket on the loopback interface, with the export of :func:`osv_zip`; gives its URL."""
    (folder / "npm").mkdir(parents=True)
    (folder / "npm" / "all.zip").write_bytes(osv_zip())
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


_VXSEC = (str(Path(sys.executable).with_name("vxsec")),)
_SAMPLES = {
    "MONOREPO": str(ROOT / "fixtures" / "monorepo"),
    "PACKED": str(demo_tarball("kernel").parent),
    "FIXTURES": str(ROOT / "fixtures"),
}
_PASSWORDS = {"CI_PASSWORD": "a long sentence", "ALICE_PASSWORD": "a long sentence", "BOB_PASSWORD": "a long sentence"}


def _install(folder: Path, programs: Mapping[str, Sequence[str]]) -> None:
    """Put programs on the reader's PATH."""
    (folder / "bin").mkdir()
    for name, command in programs.items():
        script = folder / "bin" / name
        script.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', encoding="utf-8")
        script.chmod(0o755)


def _advisories(folder: Path) -> dict[str, str]:
    (folder / "npm-all.zip").write_bytes(osv_zip())
    return {
        "OSV_ZIP": str(folder / "npm-all.zip"),
        "EXPORTED_AT": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Someone with vxsec, npm and node on the PATH, a registry of their own, and nothing else on the machine."""

    folder: Path
    environment: dict[str, str]
    token: str

    @classmethod
    def alone(cls, folder: Path) -> Reader:
        """A reader who works in ``folder`` with vxsec, gpg and ssh-keygen; there is no npm, and no registry answers."""
        environment = {
            "PATH": os.pathsep.join([str(folder / "bin"), os.environ.get("PATH", os.defpath)]),
            "HOME": str(folder / "home"),
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
        }
        (folder / "home").mkdir()
        _install(folder, {"vxsec": _VXSEC})
        environment |= _SAMPLES | _PASSWORDS | _advisories(folder)
        return cls(folder=folder, environment=environment, token="none")

    @classmethod
    def at(cls, folder: Path, tools: NodeTools, verdaccio: Verdaccio, *, mirror: str) -> Reader:
        """A reader who works in ``folder``."""
        environment = tools.environment(folder / "home", npmrc=verdaccio.npmrc().partition("\n")[2])
        _install(folder, {"vxsec": _VXSEC, "npm": tools.npm, "node": tools.node})
        environment |= {
            "PATH": os.pathsep.join([str(folder / "bin"), environment["PATH"]]),
            "REGISTRY": verdaccio.url,
            "MIRROR": mirror,
            "NPM_TOKEN": verdaccio.token,
            "RETRY_SECONDS": "0",
        }
        environment |= _SAMPLES | _PASSWORDS | _advisories(folder)
        return cls(folder=folder, environment=environment, token=verdaccio.token)

    def run_program(self, page: str) -> str:
        """Run the ``python`` blocks of the page, together one program, in a folder with one tarball; returns what it said."""
        work = self.folder / "work"
        work.mkdir()
        (work / "kernel-1.0.0.tgz").write_bytes(demo_tarball("kernel").read_bytes())
        done = subprocess.run(
            [sys.executable, "-c", "".join(blocks(page, "python"))],
            cwd=work,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def follow(self, page: str, *, before: str = "", shows: bool = True) -> str:
        """Run ``before`` and every ``sh`` block of the page; returns what was said. Any command that fails is a failure.

        What the page shows as output (``text`` and ``mermaid`` blocks) must have been said, unless ``shows`` is false: then
        it is what another machine would answer.
        """
        script = "\n".join([before, *blocks(page, "sh")])
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        assert "Traceback" not in said
        for shown in (*blocks(page, "text"), *blocks(page, "mermaid")) if shows else ():
            assert shown in said, f"{page} shows what was not said:\n{shown}\nbut:\n{said}"
        return said

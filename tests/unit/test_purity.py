"""The second net: pure functions run with an audit hook armed, and touch nothing."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import vxsec
from support.audit import TouchedOutsideError, touches_nothing
from support.signing_kit import DIGESTS, NOW, PACKAGE, REGISTRY, flipped, release, signer, team
from vxsec.errors import VxsecError
from vxsec.formats.lockfiles import parse_lockfile
from vxsec.formats.public_key import render_public_key
from vxsec.formats.sigstore_bundle import read_bundle_lines
from vxsec.formats.strict_json import parse_json
from vxsec.formats.strict_yaml import read_document
from vxsec.formats.trust_document import parse_trust_document
from vxsec.inspection.artifact import read_artifact
from vxsec.inspection.content import derive_content
from vxsec.model.decision import Phase
from vxsec.model.evidence import Evidence, SubjectRef
from vxsec.policy.document import parse_policy
from vxsec.policy.engine import evaluate
from vxsec.policy.shipped import load_shipped
from vxsec.report.decision import render_decision_text
from vxsec.report.decision_json import render_decision
from vxsec.verification.bundle import verify_bundle
from vxsec.verification.release import SourceKind, derive_signatures

if TYPE_CHECKING:
    from collections.abc import Callable

DEMO_TARBALL = min(Path(vxsec.__path__[0], "demo", "packages").glob("*.tgz"))


# -- the net itself ----------------------------------------------------------------------------------------------------


def _opens_a_file() -> object:
    return Path(__file__).read_bytes()


def _opens_a_socket() -> object:
    with socket.socket() as unconnected:
        return unconnected.fileno()


def _starts_a_process() -> object:
    return subprocess.run([sys.executable, "-c", "pass"], check=True)


def _lists_a_directory() -> object:
    return list(Path(__file__).parent.iterdir())


def _imports_a_module() -> object:
    return __import__("this_module_is_not_there")


@pytest.mark.parametrize(
    "impure",
    [
        pytest.param(_opens_a_file, id="a file is opened"),
        pytest.param(_opens_a_socket, id="a socket is made"),
        pytest.param(_starts_a_process, id="a process is started"),
        pytest.param(_lists_a_directory, id="a directory is listed"),
        pytest.param(_imports_a_module, id="a module is imported"),
    ],
)
def test_the_net_catches(impure: Callable[[], object]) -> None:
    with pytest.raises(TouchedOutsideError), touches_nothing():
        impure()


def test_the_net_catches_what_swallows_its_exception() -> None:
    def swallowing() -> None:
        with contextlib.suppress(AssertionError):
            _opens_a_file()

    with pytest.raises(TouchedOutsideError, match="open"), touches_nothing():
        swallowing()


def test_the_net_lets_computation_pass_and_is_gone_afterwards() -> None:
    with touches_nothing():
        json.loads(zlib.decompress(zlib.compress(b"[1]")))
    assert _opens_a_file()


# -- pure functions ----------------------------------------------------------------------------------------------------


TARBALL = DEMO_TARBALL.read_bytes()
ROOT = team()
BUNDLE = release(signer("ci"), package=PACKAGE, digests=DIGESTS)
TRUST = b"""\
apiVersion: vxsec/trust/v1
kind: Identities
keys: [{id: ci, file: ci.pub, roles: [machine], from: "2026-01-01T00:00:00Z", until: "2027-01-01T00:00:00Z", holder: ci}]
holders: [{id: ci, kind: machine}]
registries: {internal: {url: "https://registry.example.test/", scopes: ["@vextrus"]}}
"""
LOCKFILE = b'{"name":"x","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"x","version":"1.0.0"}}}'
POLICY = load_shipped("recommended")
PEM = render_public_key(signer("ci").spki)


def _evidence() -> object:
    found = [(BUNDLE, "sidecar", SourceKind.GIVEN)]
    return derive_signatures(
        found, artifact_package=PACKAGE, digests=DIGESTS, registry_url=REGISTRY, trust=ROOT, now=NOW
    )


def _decision() -> object:
    """Every shipped rule, on evidence that is all missing but the content."""
    subject = SubjectRef(
        filename="kernel.tgz", package=PACKAGE, sha256=DIGESTS.sha256, sha512=DIGESTS.sha512, registry="internal"
    )
    evidence = Evidence(subject=subject, content=derive_content(read_artifact(TARBALL, filename="kernel.tgz")))
    policy = parse_policy(POLICY, source="vxsec:recommended")
    decision = evaluate(policy, ROOT, [evidence], phase=Phase.PUBLISH, now=NOW)
    return render_decision(decision), render_decision_text(decision, verbose=True)


PURE: list[tuple[str, Callable[[], object]]] = [
    ("JSON is parsed", lambda: parse_json(b'{"a":[1,2]}', where="x")),
    ("JSON is refused", lambda: parse_json(b'{"a":1,"a":2}', where="x")),
    ("YAML is read", lambda: read_document(TRUST, filename="trust.yaml")),
    ("a tarball is read", lambda: read_artifact(TARBALL, filename="kernel.tgz")),
    ("a tarball is refused", lambda: read_artifact(TARBALL + b"more", filename="kernel.tgz")),
    ("content is derived", lambda: derive_content(read_artifact(TARBALL, filename="kernel.tgz"))),
    ("a lockfile is read", lambda: parse_lockfile(LOCKFILE, filename="package-lock.json")),
    ("a trust document is read", lambda: parse_trust_document(TRUST, source="trust.yaml", load_key=lambda _: PEM)),
    ("bundles are read", lambda: read_bundle_lines(BUNDLE.line + b"\n" + b"{}", where="x")),
    ("a bundle is verified", lambda: verify_bundle(BUNDLE, keys=[signer("ci").spki])),
    ("a bundle is refused", lambda: verify_bundle(flipped(BUNDLE), keys=[signer("ci").spki])),
    ("signers are derived", _evidence),
    ("a policy decides and the decision is written", _decision),
]


@pytest.mark.parametrize("pure", [pytest.param(call, id=title) for title, call in PURE])
def test_a_pure_function_touches_nothing(pure: Callable[[], object]) -> None:
    def run() -> None:
        with contextlib.suppress(VxsecError):
            pure()

    run()  # lazy imports happen now, not under the hook
    with touches_nothing():
        run()

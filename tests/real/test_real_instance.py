"""Both directions with Sigstore's own servers: everybody signs, everybody verifies, nobody takes what was tampered with.

Opt-in, because the servers are built from Go first: ``make test-sigstore-real``. Everything is judged after the servers were
stopped, in a network namespace that has nothing but loopback.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import vxsec
from real.clients import VERIFIERS, Judges, Made, Verifier, sign_everything
from real.edits import Stage
from real.instance import PROGRAMS, RealInstance
from real.matrix import MATRIX, NOT_READ, TAMPERED
from real.pki import write_pki
from real.tampering import ACCEPTS, TAMPERINGS
from support.node_tools import node_tools_or_skip
from vxsec.errors import UndecidedError
from vxsec.host.clock import utc_now
from vxsec.model.verification import Requirements

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

    from real.tampering import Tampering
    from support.sigstore_oracles import Said

# Read while importing: tests clear the VXSEC_ variables.
BIN = os.environ.get("VXSEC_SIGSTORE_BIN", "")
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not BIN, reason="Sigstore's own servers: make test-sigstore-real"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What was signed, and who judges it."""

    made: Mapping[str, Made]
    judges: Judges
    folder: Path
    listening: tuple[int, ...]


@pytest.fixture(scope="module", name="signed")
def _signed(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    """Everybody signs; then the servers are stopped."""
    programs = Path(BIN).resolve()
    missing = [name for name in PROGRAMS if not os.access(programs / name, os.X_OK)]
    assert not missing, f"{programs} lacks {', '.join(missing)}"
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the servers are stopped then, too
    try:
        with RealInstance(programs, tmp_path_factory.mktemp("instance")) as instance:
            made = sign_everything(instance)
            ports = (5554, 5555, 6962, 3001, 3003, 3004)
            answering = tuple(port for port in ports if _answers(port))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert answering == ports
    other = tmp_path_factory.mktemp("other")
    write_pki(other / "pki")
    return Signed(
        made=made,
        judges=Judges(instance, node_tools_or_skip()),
        folder=other,
        listening=tuple(port for port in ports if _answers(port)),
    )


def _answers(port: int) -> bool:
    with socket.socket() as opened:
        return opened.connect_ex(("127.0.0.1", port)) == 0


def test_nothing_listens_and_nothing_leads_out(signed: Signed) -> None:
    assert signed.listening == ()
    assert [name for _, name in socket.if_nameindex()] == ["lo"]


# -- everybody verifies what everybody signed ----------------------------------------------------------------------------


def test_everything_that_was_signed_is_in_the_matrix(signed: Signed) -> None:
    assert set(signed.made) == set(MATRIX)


@pytest.mark.parametrize("verifier", VERIFIERS)
@pytest.mark.parametrize("name", MATRIX)
def test_a_good_bundle_is_verified(signed: Signed, name: str, verifier: Verifier) -> None:
    made = signed.made[name]
    said = signed.judges.python_program(made) if verifier == "sigstore-python" else signed.judges.ask(verifier, made)
    reason = NOT_READ.get((name, verifier))
    if reason is None:
        assert said.accepted, said
    else:
        assert (said.accepted, reason.says in said.message) == (False, True), said


@pytest.mark.parametrize("name", MATRIX)
def test_the_program_verifies_it_and_explains(signed: Signed, name: str) -> None:
    made = signed.made[name]
    status, said = signed.judges.vxsec_program(made)
    (file,) = json.loads(said)["files"]
    assert (status, file["verified"], file["signatures"][0]["counted"]) == (0, True, True)
    checks = {check["id"] for check in file["signatures"][0]["checks"] if check["status"] == "passed"}
    beside = {"timestamp", "log-entry", "log-inclusion", "log-checkpoint", "log-window"}
    assert {"material", "signature"} <= checks
    if made.key is None:
        assert beside | {"certificate", "certificate-time", "sct", "identity"} <= checks


def test_the_certificate_tells_what_the_workflow_was(signed: Signed) -> None:
    made = signed.made["vxsec, file, by a workflow"]
    report = vxsec.verify(
        [made.file],
        bundles=[made.bundle],
        identity=made.identity,
        issuer=made.issuer,
        trusted_roots=[made.root],
    )
    identity = report.files[0].signatures[0].identity
    assert identity is not None
    assert (identity.subject, identity.issuer) == (made.identity, made.issuer)
    claims = dict(identity.claims)
    assert claims["sourceRepositoryURI"] == "https://github.com/vextrus/mono"
    assert claims["runnerEnvironment"] == "github-hosted"
    assert claims["buildTrigger"] == "push"


@pytest.mark.parametrize("name", ["cosign, file", "sigstore-python, statement", "vxsec, release"])
def test_it_is_verified_long_after_the_certificate_expired(signed: Signed, name: str) -> None:
    assert signed.judges.vxsec(signed.made[name], now=utc_now() + timedelta(hours=2)).accepted


def test_it_is_not_verified_as_of_a_time_before_it_was_signed(signed: Signed) -> None:
    said = signed.judges.vxsec(signed.made["vxsec, file"], now=utc_now() - timedelta(hours=2))
    assert (said.accepted, said.code) == (False, "timestamp.in-future")


def test_a_root_that_lists_nobody_is_none(signed: Signed, tmp_path: Path) -> None:
    made = signed.made["vxsec, file"]
    root = json.loads(made.root.read_bytes())
    for member in ("certificateAuthorities", "timestampAuthorities", "tlogs", "ctlogs"):
        root[member] = []
    path = tmp_path / "root.json"
    path.write_text(json.dumps(root))
    assert signed.judges.vxsec(replace(made, root=path)).code == "raised trusted-root.empty"


def test_what_a_root_does_not_list_is_asked_for_on_demand(signed: Signed, tmp_path: Path) -> None:
    """A root without a log (GitHub's, for private repositories) asks for no log, unless somebody does."""
    made = signed.made["vxsec, file"]
    root = json.loads(made.root.read_bytes())
    root["tlogs"] = []
    path = tmp_path / "root.json"
    path.write_text(json.dumps(root))
    made = replace(made, root=path)
    assert signed.judges.vxsec(made).accepted
    status, said = signed.judges.vxsec_program(made, "--min-log-entries", "1")
    assert (status, json.loads(said)["files"][0]["code"]) == (10, "tlog.unknown-log")


def test_one_log_is_not_two(signed: Signed) -> None:
    made = signed.made["cosign, file"]
    report = vxsec.verify(
        [made.file],
        bundles=[made.bundle],
        identity=made.identity,
        issuer=made.issuer,
        trusted_roots=[made.root],
        requirements=Requirements(log_entries=2),
    )
    assert report.files[0].code == "tlog.too-few"


# -- nobody takes what was tampered with ---------------------------------------------------------------------------------


@pytest.fixture(name="altered")
def _altered(signed: Signed, request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Made]:
    """Each bundle that the alteration can be done to, altered."""
    tampering: Tampering = TAMPERINGS[request.param]
    found = {}
    for name in TAMPERED:
        made = signed.made[name]
        if tampering.fits(made):
            folder = tmp_path / made.bundle.stem
            folder.mkdir()
            donor = json.loads(_donor(signed, made).bundle.read_bytes())
            found[name] = tampering.apply(made, Stage(donor=donor, pki=signed.folder / "pki", folder=folder))
    return found


def _donor(signed: Signed, made: Made) -> Made:
    """Another bundle, of the same kind if there is one."""
    others = [signed.made[name] for name in TAMPERED if signed.made[name].bundle != made.bundle]
    alike = [one for one in others if (one.key is None) == (made.key is None)]
    return next((one for one in alike if (one.statement is None) == (made.statement is None)), alike[0])


every_tampering = pytest.mark.parametrize(
    ("altered", "tampering"),
    [(name, TAMPERINGS[name]) for name in TAMPERINGS],
    ids=list(TAMPERINGS),
    indirect=["altered"],
)


@every_tampering
def test_we_refuse_it_with_its_reason(signed: Signed, altered: dict[str, Made], tampering: Tampering) -> None:
    said = {name: signed.judges.vxsec(made).code for name, made in altered.items()}
    assert said == {name: tampering.expected(made) for name, made in altered.items()}
    assert said


@every_tampering
def test_the_program_refuses_it(signed: Signed, altered: dict[str, Made], tampering: Tampering) -> None:
    name, made = next(iter(altered.items()))
    asked = ("--min-log-entries", "1", "--min-timestamps", "1")
    status, said = signed.judges.vxsec_program(made, *asked[: 4 if made.key is not None else 0])
    (file,) = json.loads(said)["files"]
    assert (status, file["verified"], file["code"]) == (10, False, tampering.expected(made)), name


@every_tampering
def test_cosign_answers_as_expected(signed: Signed, altered: dict[str, Made], tampering: Tampering) -> None:
    _hold({name: signed.judges.cosign(made) for name, made in altered.items()}, tampering.cosign)


@every_tampering
def test_sigstore_python_answers_as_expected(signed: Signed, altered: dict[str, Made], tampering: Tampering) -> None:
    """It knows no bundles by key; whether a statement is about a file is its program's business."""
    judged = {name: made for name, made in altered.items() if made.key is None}
    about = tampering is TAMPERINGS["the file has one bit turned"]
    said = {
        name: signed.judges.python_program(made) if about and made.statement else signed.judges.python(made)
        for name, made in judged.items()
    }
    _hold(said, tampering.python)


@every_tampering
def test_sigstore_js_answers_as_expected(signed: Signed, altered: dict[str, Made], tampering: Tampering) -> None:
    """Whether a statement is about a file is its caller's business."""
    about = tampering is TAMPERINGS["the file has one bit turned"]
    judged = {name: made for name, made in altered.items() if not (about and made.statement)}
    said = dict(zip(judged, signed.judges.javascript_all(list(judged.values())), strict=True))
    _hold(said, tampering.javascript)


def _hold(said: Mapping[str, Said], expected: str) -> None:
    if expected == ACCEPTS:
        assert [name for name, one in said.items() if not one.accepted] == []
    else:
        assert [name for name, one in said.items() if one.accepted or not re.search(expected, one.message)] == [], said


# -- the instance itself -------------------------------------------------------------------------------------------------


def test_the_instance_refuses_a_token_for_another_audience(tmp_path: Path) -> None:
    """And nothing is stored."""
    with RealInstance(Path(BIN).resolve(), tmp_path) as instance:
        file = tmp_path / "file"
        file.write_bytes(b"data")
        done = _cosign_with(instance, instance.person.token(subject="a@example.test", audience="other"), file)
        assert (done.returncode != 0, "identity token" in done.stderr) == (True, True), done.stderr
        token = tmp_path / "token"
        token.write_text(instance.person.token(subject="a@example.test", unsigned=True))
        with pytest.raises(UndecidedError) as caught:
            vxsec.sign(
                [file], signers=[f"keyless:token:{token}"], blob=True, trust_config=instance.trust_config,
                bundle=tmp_path / "bundle",
            )  # fmt: skip
        assert caught.value.code == "keyless.failed"
        assert not (tmp_path / "bundle").exists()


def _cosign_with(instance: RealInstance, token: str, file: Path) -> subprocess.CompletedProcess[str]:
    return instance.cosign(
        "sign-blob", "--bundle", instance.folder / "bundle.json", "--identity-token", token,
        "--signing-config", instance.signing_config, "--trusted-root", instance.trusted_root, file,
    )  # fmt: skip

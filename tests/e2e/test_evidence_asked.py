"""What was asked for beside a signature is never given up, and a signature over a file is never a statement's."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import vxsec
from vxsec.errors import UsageError
from vxsec.formats.release_statement import build_release_statement
from vxsec.formats.sigstore_bundle import render_dsse_bundle
from vxsec.host.files import read_bounded
from vxsec.model.artifact import Artifact
from vxsec.model.attestation import INTOTO_PAYLOAD_TYPE, pae
from vxsec.model.verification import Requirements
from vxsec.testing.sigstore.mint import Entry, Recipe, Root, SigstoreMaterial

if TYPE_CHECKING:
    from e2e.conftest import Vxsec
    from support.shop import Shop

MATERIAL = SigstoreMaterial()
NO_SCT = Recipe(scts=(), entries=(Entry(log="v2"),))
NO_LOG = Recipe(entries=())
NOTHING = Recipe(scts=(), entries=())


def _verify(folder: Path, recipe: Recipe, asked: Requirements | None, root: Root | None = None) -> tuple[int, str]:
    minted = MATERIAL.mint(recipe)
    (folder / "blob").write_bytes(minted.blob)
    (folder / "b.json").write_bytes(minted.bundle)
    (folder / "root.json").write_bytes(MATERIAL.trusted_root(root))
    report = vxsec.verify(
        [folder / "blob"],
        identity=recipe.identity.subject,
        issuer=recipe.identity.issuer,
        bundles=[folder / "b.json"],
        trusted_roots=[folder / "root.json"],
        requirements=asked,
        at=recipe.at,
        unsafe_rehearsal=True,
    )
    return report.exit_status, report.files[0].code


MORE = {
    "one kind asked for keeps the others": (NOTHING, Requirements(log_entries=None, timestamps=1, scts=None), 10),
    "a log entry asked for keeps the SCT": (NO_SCT, Requirements(log_entries=1, timestamps=None, scts=None), 10),
    "an SCT asked for keeps the log entry": (NO_LOG, Requirements(log_entries=None, timestamps=None, scts=1), 10),
    "two of what there is one of": (Recipe(), Requirements(log_entries=None, timestamps=2, scts=None), 10),
    "nothing asked for, and nothing there": (NOTHING, None, 10),
    "what the root lists, and it is there": (Recipe(), Requirements(log_entries=None, timestamps=1, scts=None), 0),
    "no log by request": (NO_LOG, Requirements(log_entries=0, timestamps=1, scts=1), 0),
}


@pytest.mark.parametrize(("recipe", "asked", "status"), MORE.values(), ids=MORE.keys())
def test_asking_for_more_never_gives_less(
    tmp_path: Path, recipe: Recipe, asked: Requirements | None, status: int
) -> None:
    found, code = _verify(tmp_path, recipe, asked)
    assert found == status, code


def test_a_trust_document_is_asked_for_as_much(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    shop.sign(path)
    trust = ("--trust", shop.trust)
    assert vxsec_run("verify", path, *trust).status == 0
    for option in ("--min-log-entries", "--min-timestamps"):
        answer = vxsec_run("verify", path, *trust, option, "1", "--json")
        assert answer.status == 10
        assert answer.json["files"][0]["code"].endswith(".too-few")
    assert "error[usage.options]" in vxsec_run("verify", path, *trust, "--trusted-root", "public-good").err


def test_a_signature_file_has_nothing_beside_it_and_names_no_registry(vxsec_run: Vxsec, shop: Shop) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    path = shop.pack("kernel")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "id"], cwd=shop.folder, check=True)
    subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-n", "vxsec", "-f", "id", str(path)], cwd=shop.folder, check=True
    )
    shutil.move(f"{path}.sig", f"{path}.sshsig")
    by = ("--key", "id.pub")
    assert vxsec_run("verify", path, *by).status == 0
    assert vxsec_run("verify", path, *by, "--min-timestamps", "1").status == 10
    assert vxsec_run("verify", path, *by, "--min-log-entries", "1").status == 10
    answer = vxsec_run("verify", path, *by, "--registry", shop.registry.url, "--json")
    assert (answer.status, answer.json["files"][0]["code"]) == (10, "statement.expected")


def test_a_bare_bundle_names_no_registry(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    assert vxsec_run("sign", path, "--blob", "--signer", shop.uri("ci")).status == 0
    by = ("--key", shop.keys / "ci.pub")
    assert vxsec_run("verify", path, *by).status == 0
    assert vxsec_run("verify", path, *by, "--registry", shop.registry.url).status == 10


def test_a_file_that_looks_like_a_statement_is_not_signed_as_a_file(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    artifact = vxsec.open_artifact(path)
    assert isinstance(artifact, Artifact)
    payload = build_release_statement(
        package=artifact.package,
        digests=artifact.digests,
        registry=shop.registry.url,
        created_at=datetime(2026, 11, 21, tzinfo=UTC),
        expires=None,
    )
    harmless = shop.folder / "harmless.bin"
    harmless.write_bytes(pae(INTOTO_PAYLOAD_TYPE, payload))
    answer = vxsec_run("sign", harmless, "--blob", "--signer", shop.uri("ci"))
    assert (answer.status, "error[sign.look-alike]" in answer.err) == (2, True)
    assert not list(shop.folder.glob("harmless.bin.*"))
    for head in (b"SSHSIG\x00", b'{"_type":"timestamp","expires":"2027-01-01T00:00:00Z"}'):
        harmless.write_bytes(head)
        with pytest.raises(UsageError) as caught:
            vxsec.sign([harmless], signers=[shop.uri("ci")], blob=True)
        assert caught.value.code == "sign.look-alike"
    # What is refused: the same signature around the statement would have been a release.
    assert render_dsse_bundle(INTOTO_PAYLOAD_TYPE, payload, b"x", "hint").startswith(b"{")


def test_a_file_that_changes_while_it_is_read_is_not_verified(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    good, evil = tmp_path / "good.bin", tmp_path / "evil.bin"
    good.write_bytes(b"signed bytes")
    evil.write_bytes(b"other bytes")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "id"], cwd=shop.folder, check=True)
    subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-n", "vxsec", "-f", "id", str(good)], cwd=shop.folder, check=True
    )
    shown = tmp_path / "shown.bin"
    shown.symlink_to(evil)  # what is hashed

    def swapped(path: str, *, max_bytes: int) -> bytes:
        shown.unlink()
        shown.symlink_to(good)  # what is read after
        return read_bounded(path, max_bytes=max_bytes)

    monkeypatch.setattr("vxsec.usecases.verify_judges.read_bounded", swapped)
    report = vxsec.verify([shown], keys=[shop.folder / "id.pub"], signatures=[f"{good}.sig"])
    assert report.exit_status == 10
    assert report.files[0].code == "file.changed"


def test_what_the_configuration_supplied_is_named(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    shop.sign(path)
    folder = Path(os.environ["HOME"]) / ".config" / "vxsec"
    folder.mkdir(parents=True, mode=0o700)
    (folder / "config.toml").write_text(f'trust = "{shop.trust}"\n', encoding="utf-8")
    (folder / "config.toml").chmod(0o600)
    answer = vxsec_run("verify", path)
    assert answer.status == 0, answer.err
    assert str(folder / "config.toml") in answer.out
    assert str(folder / "config.toml") in vxsec_run("verify", path, "--json").json["trust"]["source"]

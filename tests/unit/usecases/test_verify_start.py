"""What a cold verification loads: a machine that verifies many releases a day starts it as often."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from vxsec.formats.public_key import render_public_key
from vxsec.testing.sigstore.mint import IDENTITY, SIGNED_AT, Entry, Recipe, SigstoreMaterial

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import sys
before = set(sys.modules)  # what measures branches, say, loads before anything of ours
from datetime import datetime
import vxsec
from vxsec.cli import verify as command
from vxsec.report.verification import render_verify
folder, how = sys.argv[1:]
signer = {"keys": [f"{folder}/signer.pub"]} if how == "key" else {
    "identity": "SUBJECT", "issuer": "ISSUER", "trusted_roots": [f"{folder}/trusted.json"], "unsafe_rehearsal": True}
report = vxsec.verify([f"{folder}/file"], bundles=[f"{folder}/{how}.json"], now=datetime.fromisoformat("NOW"), **signer)
assert report.exit_status == 0, report
list(render_verify(report))
print(*(set(sys.modules) - before))
"""
NEVER = (
    "cryptography.x509",
    "gnupg",
    "importlib.resources",
    "pathlib",
    "rfc3161_client",
    "sigstore",
    "subprocess",
    "tempfile",
    "tuf",
    "urllib3",
    "vxsec.formats.strict_yaml",
    "vxsec.formats.tarball",
    "vxsec.inspection",
    "vxsec.model.sbom",
    "vxsec.model.scan",
    "vxsec.model.trust",
    "vxsec.policy",
    "vxsec.registry",
    "vxsec.sbom",
    "vxsec.scanning",
    "vxsec.signing",
    "vxsec.usecases.trust",
    "vxsec.usecases.verify_trusted",
    "vxsec.verification.openpgp",
    "vxsec.verification.release",
    "vxsec.verification.sshsig",
    "vxsec.verification.timestamp",
    "vxsec.verification.tree",
    "vxsec.verification.tuf",
    "yaml",
)
NOT_FOR_A_KEY = (
    "vxsec.formats.certificate",
    "vxsec.formats.trusted_root",
    "vxsec.verification.certificate",
    "vxsec.verification.evidence",
    "vxsec.verification.transparency",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start")
    material = SigstoreMaterial()
    by_key = material.mint(Recipe(material="key", entries=(), stamps=()))
    by_identity = material.mint(Recipe(entries=(Entry(log="v1"),), stamps=()))
    (folder / "file").write_bytes(by_key.blob)
    (folder / "signer.pub").write_bytes(render_public_key(by_key.spki))
    (folder / "trusted.json").write_bytes(material.trusted_root())
    (folder / "key.json").write_bytes(by_key.bundle)
    (folder / "identity.json").write_bytes(by_identity.bundle)
    return folder


@pytest.mark.parametrize(
    ("how", "absent"),
    [
        pytest.param("key", NEVER + NOT_FOR_A_KEY, id="a key"),
        pytest.param("identity", NEVER, id="an identity, logged without a timestamp"),
    ],
)
def test_a_cold_verification_loads_nothing_that_it_does_not_need(
    folder: Path, how: str, absent: tuple[str, ...]
) -> None:
    program = PROGRAM.replace("NOW", SIGNED_AT.isoformat())
    program = program.replace("SUBJECT", IDENTITY.subject).replace("ISSUER", IDENTITY.issuer or "")
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, str(folder), how], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.split()
    assert "vxsec.verification.bundle" in loaded
    assert [name for name in loaded for one in absent if name == one or name.startswith(f"{one}.")] == []

"""Signing files: everything or nothing, one bundle a line, and what was there stays."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import vxsec
from support.signing_kit import plain
from vxsec.errors import ConfigurationError, TarballError, UsageError, VxsecError
from vxsec.testing.artifacts import pack
from vxsec.usecases.sign import append_bundle
from vxsec.usecases.signers import open_signers

if TYPE_CHECKING:
    from collections.abc import Callable

REGISTRY = "https://registry.example.test/"


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    path = tmp_path / "kernel.tgz"
    path.write_bytes(pack({"name": "@acme/kernel", "version": "1.0.0"}))
    return path


def uri(keys: Path, name: str = "ci") -> str:
    return f"file:{keys}/{name}.pem"


def sidecar(path: Path) -> Path:
    return Path(f"{path}.sigstore.jsonl")


def test_bundles_are_appended_and_a_bundle_of_ones_own_stands_alone(kernel: Path, keys: Path) -> None:
    sidecar(kernel).write_bytes(b"someone's line, without its end")
    vxsec.sign([kernel], signers=[uri(keys), uri(keys, "alice")], registry=REGISTRY)
    lines = sidecar(kernel).read_bytes().split(b"\n")
    assert lines[0] == b"someone's line, without its end"
    assert (len(lines), lines[-1]) == (4, b"")
    alone = kernel.with_name("alone.json")
    made = vxsec.sign([kernel], signers=[uri(keys)], registry=REGISTRY, bundle=alone)
    assert made[0].bundle == str(alone)
    assert alone.read_bytes().count(b"\n") == 1
    assert sidecar(kernel).read_bytes().split(b"\n") == lines


def test_a_line_that_is_there_is_not_written_again(kernel: Path, keys: Path) -> None:
    vxsec.sign([kernel], signers=[uri(keys)], registry=REGISTRY)
    data = sidecar(kernel).read_bytes()
    inode = sidecar(kernel).stat().st_ino
    assert append_bundle(kernel, data.rstrip(b"\n")) == str(sidecar(kernel))
    assert (sidecar(kernel).read_bytes(), sidecar(kernel).stat().st_ino) == (data, inode)


def test_nothing_is_stored_unless_everything_could_be_signed(kernel: Path, keys: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.tgz"
    bad.write_bytes(b"no gzip")
    with pytest.raises(TarballError):
        vxsec.sign([kernel, bad], signers=[uri(keys)], registry=REGISTRY)
    with pytest.raises(UsageError):
        vxsec.sign([kernel], signers=[uri(keys), uri(keys, "ed")], blob=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.tgz", "kernel.tgz"]


def test_the_subject_of_a_statement_is_a_purl_a_name_or_a_digest(kernel: Path, keys: Path, tmp_path: Path) -> None:
    other, chart = tmp_path / "report.pdf", tmp_path / "chart.tgz"
    other.write_bytes(b"%PDF")
    chart.write_bytes(b"no package")
    made = vxsec.attest([kernel, other, chart], predicate_type="urn:x", predicate=b'{"a": 1}', signers=[uri(keys)])
    assert [one.subject for one in made] == ["pkg:npm/%40acme/kernel@1.0.0", "report.pdf", "chart.tgz"]
    bare = vxsec.sign([other], signers=[uri(keys)], blob=True)[0]
    assert (bare.subject[:7], bare.predicate_type) == ("sha256:", None)


def test_a_predicate_comes_from_a_file_too(kernel: Path, keys: Path, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_bytes(b"{}")
    made = vxsec.attest([kernel], predicate_type="urn:x", predicate=tmp_path / "p.json", signers=[uri(keys)])
    assert made[0].predicate_type == "urn:x"


def _sign(**more: Any) -> Callable[[Path, Path], object]:
    def call(kernel: Path, keys: Path) -> object:
        values: dict[str, Any] = {"signers": [uri(keys)], **more}
        return vxsec.sign(values.pop("files", [kernel]), **values)

    return call


def _attest(**more: Any) -> Callable[[Path, Path], object]:
    def call(kernel: Path, keys: Path) -> object:
        values: dict[str, Any] = {"predicate_type": "urn:x", "predicate": b"{}", "signers": [uri(keys)], **more}
        return vxsec.attest(values.pop("files", [kernel]), **values)

    return call


REFUSED: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "no files": (_sign(files=[], registry=REGISTRY), "usage.no-files"),
    "no signers": (_sign(signers=[], registry=REGISTRY), "usage.no-signers"),
    "no registry": (_sign(), "registry.missing"),
    "a bare signature for a registry": (_sign(blob=True, registry=REGISTRY), "usage.options"),
    "a bare signature that expires": (_sign(blob=True, expires=object()), "usage.options"),
    "one bundle file for two signatures": (
        lambda kernel, keys: vxsec.sign([kernel], signers=[uri(keys)] * 2, registry=REGISTRY, bundle="one.json"),
        "usage.bundle",
    ),
    "Ed25519 over a file's digest": (
        lambda kernel, keys: vxsec.sign([kernel], signers=[uri(keys, "ed")], blob=True),
        "signer.blob-unsupported",
    ),
    "a key file that is not there": (_sign(signers=["file:gone.key"], registry=REGISTRY), "file.missing"),
    "no files to attest": (_attest(files=[]), "usage.no-files"),
    "no signers to attest": (_attest(signers=[]), "usage.no-signers"),
    "a statement that sign makes": (_attest(predicate_type="urn:vxsec:release:v1"), "attest.reserved-type"),
    "a statement that approve makes": (_attest(predicate_type="urn:vxsec:approval:v1"), "attest.reserved-type"),
    "a predicate type that is no URI": (_attest(predicate_type="sbom"), "attest.type"),
    "a predicate that is a list": (_attest(predicate=b"[]"), "json.type"),
    "a predicate with a key twice": (_attest(predicate=b'{"a":1,"a":2}'), "json.duplicate-key"),
    "a predicate that is not there": (_attest(predicate="gone.json"), "file.missing"),
}


@pytest.mark.parametrize(("call", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses_and_writes_nothing(
    tmp_path: Path, kernel: Path, keys: Path, call: Callable[[Path, Path], object], code: str
) -> None:
    with pytest.raises(VxsecError) as caught:
        call(kernel, keys)
    assert caught.value.code == code
    assert caught.value.exit_status == 2
    assert [path.name for path in tmp_path.iterdir()] == ["kernel.tgz"]


# -- passwords -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> str:
    return vxsec.generate_key(tmp_path_factory.mktemp("encrypted") / "own", password=b"right").private


def test_the_password_is_asked_for_once_for_all_keys(encrypted: str) -> None:
    asked: list[int] = []

    def ask() -> bytes:
        asked.append(1)
        return b"right"

    opened = open_signers([f"file:{encrypted}", encrypted], password=ask)
    assert plain(opened[0]).spki == plain(opened[1]).spki
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("password", "code", "kind"),
    [(None, "sign.no-password", UsageError), (b"wrong", "key.wrong-password", ConfigurationError)],
    ids=["none", "a wrong one"],
)
def test_refuses_without_the_right_password(
    encrypted: str, password: bytes | None, code: str, kind: type[VxsecError]
) -> None:
    with pytest.raises(kind) as caught:
        open_signers([f"file:{encrypted}"], password=password)
    assert caught.value.code == code


def test_a_key_may_come_from_the_environment(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "SIGNING_KEY", (keys / "ci.pem").read_text(encoding="utf-8"))
    assert plain(open_signers(["env:SIGNING_KEY"], password=None)[0]).algorithm == "ecdsa-p256"

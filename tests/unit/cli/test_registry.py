"""``vxsec registry`` through the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
import pytest

from support.packument_kit import NAME, VERSION, packed
from vxsec.cli.registry import command
from vxsec.errors import UsageError
from vxsec.formats.npm_keys import read_npm_keys
from vxsec.model.npm import NpmSignature
from vxsec.usecases.keys import generate_key
from vxsec.verification.npm_signature import verify_npm_signatures

if TYPE_CHECKING:
    from pathlib import Path

from datetime import UTC, datetime


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    generate_key(tmp_path / "registry", password=b"pw")
    (tmp_path / "password").write_bytes(b"pw\n")
    (tmp_path / "kernel.tgz").write_bytes(packed().data)
    return tmp_path


def run(*arguments: object) -> int:
    status: int = command.main([str(word) for word in arguments], standalone_mode=False)
    return status


def test_a_registry_signs_and_writes_its_keys(shop: Path) -> None:
    words = ["--signer", f"file:{shop}/registry.key", "--password-file", shop / "password"]
    assert run("sign", shop / "kernel.tgz", *words, "--json", "-o", shop / "signed.json") == 0
    assert (
        run("keys", "--key", shop / "registry.pub", "--expires", "2099-01-01T00:00:00Z", "-o", shop / "keys.json") == 0
    )
    keys = read_npm_keys((shop / "keys.json").read_bytes(), where="keys.json").keys
    signed = json.loads((shop / "signed.json").read_text(encoding="utf-8"))
    made = signed["files"][0]["signatures"]
    verdict = verify_npm_signatures(
        name=NAME,
        version=VERSION,
        integrity=packed().digests.integrity,
        signatures=[NpmSignature(**item) for item in made],
        keys=keys,
        now=datetime(2026, 11, 21, tzinfo=UTC),
    )
    assert verdict.value.keys == keys


def test_a_retired_key_is_given_with_its_end(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generate_key(shop / "old", password=b"")
    run("keys", "--key", shop / "registry.pub", "--retired", shop / "old.pub", "2026-11-01T00:00:00Z")
    document = json.loads(capsys.readouterr().out)
    assert [key["expires"] for key in document["keys"]] == [None, "2026-11-01T00:00:00.000Z"]


def test_text_for_people(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("sign", shop / "kernel.tgz", "--signer", f"file:{shop}/registry.key", "--password-file", shop / "password")
    assert f"as {NAME}@{VERSION}  by SHA256:" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [["sign"], ["sign", "x.tgz"], ["keys", "--retired", "old.pub"], ["keys", "--expires", "tomorrow"]],
    ids=["no file", "no signer", "a retired key without its end", "an end that is no time"],
)
def test_usage(words: list[str]) -> None:
    with pytest.raises(click.UsageError):
        run(*words)


def test_no_key_at_all() -> None:
    with pytest.raises(UsageError) as caught:
        run("keys")
    assert caught.value.code == "registry.no-keys"

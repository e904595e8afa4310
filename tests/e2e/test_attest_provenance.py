"""``vxsec attest --type slsa-provenance``: made where the build runs, signed, and found again."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from support.interop_kit import GITHUB, GITLAB

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.conftest import Vxsec
    from support.shop import Shop

CI_VARIABLES = ("GITHUB_ACTIONS", "GITLAB_CI")
SLSA = "https://slsa.dev/provenance/v1"


@pytest.fixture(autouse=True)
def _no_service(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*CI_VARIABLES, *GITHUB, *GITLAB):
        monkeypatch.delenv(name, raising=False)


def _statement(tarball: Path) -> Any:
    (line,) = tarball.with_name(f"{tarball.name}.sigstore.jsonl").read_bytes().splitlines()
    return json.loads(base64.b64decode(json.loads(line)["dsseEnvelope"]["payload"]))


def _git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=Alice", "-c", "user.email=alice@example.test", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("environ", "builder"),
    [
        pytest.param(
            GITHUB, "https://github.com/vextrus/mono/.github/workflows/release.yml@refs/heads/main", id="GitHub"
        ),
        pytest.param(GITLAB, "https://gitlab.example.test/vextrus/mono//.gitlab-ci.yml@refs/heads/main", id="GitLab"),
    ],
)
def test_a_job_of_a_service_attests_its_own_build(
    vxsec_run: Vxsec, shop: Shop, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], builder: str
) -> None:
    tarball = shop.pack("kernel")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GITHUB_TOKEN", "ghs_s3cret")
    answer = vxsec_run("attest", tarball, "--type", "slsa-provenance", "--signer", shop.uri("ci"), "--json")
    assert answer.status == 0, answer.err
    assert answer.json["files"][0]["predicateType"] == SLSA
    statement = _statement(tarball)
    assert (statement["predicateType"], statement["subject"][0]["name"]) == (SLSA, "pkg:npm/%40acme/kernel@1.0.0")
    assert statement["predicate"]["runDetails"]["builder"]["id"] == builder
    assert "s3cret" not in json.dumps(statement)
    verified = vxsec_run("verify", tarball, "--key", shop.keys / "ci.pub", "--type", SLSA)
    assert verified.status == 0, verified.out


def test_a_working_tree_attests_its_commit(vxsec_run: Vxsec, shop: Shop) -> None:
    tarball = shop.pack("kernel")
    _git(shop.folder, "init", "-q")
    _git(shop.folder, "add", ".")
    _git(shop.folder, "commit", "-q", "-m", "first")
    answer = vxsec_run("attest", tarball, "--type", SLSA, "--from", "local", "--signer", shop.uri("ci"))
    assert answer.status == 0, answer.err
    assert _statement(tarball)["predicate"]["buildDefinition"]["buildType"] == "urn:vxsec:build:local:v1"


def test_a_short_name_is_written_as_its_uri(vxsec_run: Vxsec, shop: Shop) -> None:
    tarball = shop.pack("kernel")
    (shop.folder / "p.json").write_text("{}", encoding="utf-8")
    answer = vxsec_run("attest", tarball, "--type", "openvex", "--predicate", "p.json", "--signer", shop.uri("ci"))
    assert answer.status == 0, answer.err
    assert _statement(tarball)["predicateType"] == "https://openvex.dev/ns"


REFUSED = {
    "another type without its predicate": (("--type", "spdx"), "usage.options", 2),
    "a place for another type": (("--type", "spdx", "--predicate", "p.json", "--from", "local"), "usage.options", 2),
    "a place and a predicate": (("--type", SLSA, "--predicate", "p.json", "--from", "github"), "usage.options", 2),
    "a service that does not run this": (("--type", SLSA, "--from", "github"), "provenance.environment", 2),
    "a folder without a commit": (("--type", SLSA), "provenance.git", 4),
    "a type that vxsec makes itself": (("--type", "release", "--predicate", "p.json"), "attest.reserved-type", 2),
}


@pytest.mark.parametrize(("arguments", "code", "status"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(vxsec_run: Vxsec, shop: Shop, arguments: tuple[str, ...], code: str, status: int) -> None:
    tarball = shop.pack("kernel")
    (shop.folder / "p.json").write_text("{}", encoding="utf-8")
    answer = vxsec_run("attest", tarball, *arguments, "--signer", shop.uri("ci"))
    assert (answer.status, code in answer.err) == (status, True), answer.err
    assert not tarball.with_name(f"{tarball.name}.sigstore.jsonl").exists()

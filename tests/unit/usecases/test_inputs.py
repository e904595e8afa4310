"""What every use case starts from: read once, checked, and refused with a code and a next step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.policy_cases import make_trust
from support.signing_kit import signer
from vxsec.errors import ConfigurationError, NothingToJudgeError, TarballError, UsageError
from vxsec.formats.public_key import render_public_key
from vxsec.model.artifact import Artifact, RefusedArtifact
from vxsec.model.package import PackageRef
from vxsec.model.trust import Registry
from vxsec.testing.artifacts import pack
from vxsec.usecases import inputs
from vxsec.usecases.trust_source import TrustSource, load_trust

if TYPE_CHECKING:
    from pathlib import Path

KERNEL = pack({"name": "@acme/kernel", "version": "1.0.0"}, {"index.js": b""})


def registry(label: str, *scopes: str) -> Registry:
    return Registry(
        label=label, url=f"https://{label}.example.test/", scopes=scopes, packages=(), evidence="@acme/evidence"
    )


TWO = make_trust(registries=(registry("internal", "@acme"), registry("staging", "@acme", "@beta")))


# -- tarballs ------------------------------------------------------------------------------------------------------------


def test_bytes_and_files_are_opened_alike(tmp_path: Path) -> None:
    path = tmp_path / "kernel.tgz"
    path.write_bytes(KERNEL)
    from_file, from_bytes = inputs.open_artifact(path), inputs.open_artifact(KERNEL, filename=str(path))
    assert from_file == from_bytes
    assert inputs.open_artifact(KERNEL).filename == "package.tgz"
    assert inputs.open_artifact(path, filename="other").filename == "other"
    assert isinstance(inputs.require_artifact(path), Artifact)


def test_a_refusal_carries_every_reason(tmp_path: Path) -> None:
    path = tmp_path / "bad.tgz"
    path.write_bytes(b"no gzip")
    refused = inputs.open_artifact(path)
    assert isinstance(refused, RefusedArtifact)
    with pytest.raises(TarballError) as caught:
        inputs.require_artifact(path)
    assert caught.value.reasons == tuple((reason.code, reason.message) for reason in refused.reasons)
    assert caught.value.where == str(path)
    assert f"vxsec inspect {path}" in str(caught.value.hint)


def test_refuses_no_files() -> None:
    with pytest.raises(UsageError) as caught:
        inputs.open_artifacts([])
    assert caught.value.code == "usage.no-files"


@pytest.mark.parametrize("data", [KERNEL, b"no gzip"], ids=["a package", "refused bytes"])
def test_refuses_the_same_thing_twice(tmp_path: Path, data: bytes) -> None:
    for name in ("a.tgz", "b.tgz"):
        (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError) as caught:
        inputs.open_artifacts([tmp_path / "a.tgz", tmp_path / "b.tgz"])
    assert caught.value.code == "usage.duplicate"
    assert "a.tgz" in str(caught.value)
    assert "b.tgz" in str(caught.value)


def test_refuses_two_files_that_claim_one_version(tmp_path: Path) -> None:
    (tmp_path / "a.tgz").write_bytes(KERNEL)
    (tmp_path / "b.tgz").write_bytes(pack({"name": "@acme/kernel", "version": "1.0.0"}, {"other.js": b""}))
    with pytest.raises(UsageError) as caught:
        inputs.open_artifacts([tmp_path / "a.tgz", tmp_path / "b.tgz"])
    assert caught.value.code == "usage.duplicate"


# -- trust, policy, keys -------------------------------------------------------------------------------------------------

TRUST = """\
apiVersion: vxsec/trust/v1
kind: Identities
keys:
  - {id: ci, file: ci.pub, roles: [machine], from: "2026-01-01T00:00:00Z", until: "2027-01-01T00:00:00Z", holder: ci}
holders: [{id: ci, kind: machine}]
registries:
  internal: {url: "https://registry.example.test", scopes: ["@acme"]}
"""


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    (tmp_path / "ci.pub").write_bytes(render_public_key(signer("ci").spki))
    (tmp_path / "trust.yaml").write_text(TRUST, encoding="utf-8")
    (tmp_path / "rehearsal.yaml").write_text(TRUST.replace("keys:", "rehearsal: true\nkeys:"), encoding="utf-8")
    return tmp_path


def test_key_files_are_found_beside_the_trust_document(documents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    trust = load_trust(documents / "trust.yaml")
    assert [key.spki for key in trust.keys] == [signer("ci").spki]
    assert inputs.load_policy("vxsec:minimal", trust=trust).ref.name == "vxsec-minimal"


def test_a_trust_repository_needs_the_digest_of_its_first_root(documents: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_trust(documents)
    assert caught.value.code == "tuf.no-root"
    with pytest.raises(UsageError) as caught:
        load_trust(TrustSource(path=documents / "trust.yaml", root_sha256="0" * 64))
    assert caught.value.code == "trust.no-repository"


def test_what_supplied_the_trust_document_is_told(documents: Path) -> None:
    trust = load_trust(TrustSource(path=documents / "trust.yaml", origin="config.toml (trust)"))
    assert trust.source.endswith("trust.yaml (from config.toml (trust))")


def test_refuses_a_rehearsal_root_unless_asked(documents: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_trust(documents / "rehearsal.yaml")
    assert caught.value.code == "trust.rehearsal"
    assert load_trust(documents / "rehearsal.yaml", unsafe_rehearsal=True).rehearsal


def test_refuses_a_trust_document_whose_key_file_is_gone(documents: Path) -> None:
    (documents / "ci.pub").unlink()
    with pytest.raises(UsageError) as caught:
        load_trust(documents / "trust.yaml")
    assert caught.value.code == "file.missing"
    assert f"correct file: in {documents / 'trust.yaml'}" in str(caught.value.hint)
    assert "the folder you are in" not in str(caught.value.hint)


def test_refuses_a_trust_document_whose_key_file_is_a_folder(documents: Path) -> None:
    (documents / "ci.pub").unlink()
    (documents / "ci.pub").mkdir()
    with pytest.raises(UsageError) as caught:
        load_trust(documents / "trust.yaml")
    assert caught.value.code == "file.unreadable"


def test_refuses_a_policy_that_asks_for_more_than_the_trust_document_has(documents: Path) -> None:
    trust = load_trust(documents / "trust.yaml")
    with pytest.raises(ConfigurationError):
        inputs.load_policy("vxsec:recommended", trust=trust)
    with pytest.raises(UsageError) as caught:
        inputs.load_policy(documents / "gone.yaml", trust=trust)
    assert caught.value.code == "file.missing"


def test_a_public_key_file_that_is_none_is_a_configuration_error(documents: Path) -> None:
    assert inputs.load_public_key(documents / "ci.pub") == signer("ci").spki
    (documents / "bad.pub").write_bytes(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    with pytest.raises(ConfigurationError) as caught:
        inputs.load_public_key(documents / "bad.pub")
    assert caught.value.code == "key.malformed"
    assert caught.value.exit_status == 2


# -- names and registries ------------------------------------------------------------------------------------------------


def test_an_expectation_is_a_name_and_a_version() -> None:
    assert inputs.parse_expect("@acme/kernel@1.0.0") == PackageRef(name="@acme/kernel", version="1.0.0")
    with pytest.raises(UsageError) as caught:
        inputs.parse_expect("@acme/kernel")
    assert caught.value.code == "usage.expect"


CHOSEN: dict[str, tuple[str, str | None, str | None]] = {
    "one registry lists the name": ("@beta/x", None, "staging"),
    "none lists it": ("left-pad", None, None),
    "a label chooses": ("@acme/x", "staging", "staging"),
    "a label that does not list the name chooses none": ("@beta/x", "internal", None),
}


@pytest.mark.parametrize(("name", "label", "chosen"), CHOSEN.values(), ids=CHOSEN.keys())
def test_the_registry_of_a_name(name: str, label: str | None, chosen: str | None) -> None:
    found = inputs.choose_registry(TWO, name, label)
    assert (found.label if found else None) == chosen


@pytest.mark.parametrize(
    ("label", "code", "said"),
    [(None, "registry.ambiguous", "internal, staging"), ("nowhere", "registry.unknown", "(internal, staging)")],
)
def test_refuses_to_guess_a_registry(label: str | None, code: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        inputs.choose_registry(TWO, "@acme/x", label)
    assert caught.value.code == code
    assert said in str(caught.value)


def test_a_label_of_a_trust_document_without_registries_is_unknown() -> None:
    with pytest.raises(UsageError, match=r"\(none\)"):
        inputs.choose_registry(make_trust(registries=()), "@acme/x", "internal")


def test_a_statement_is_for_the_url_given_or_the_one_the_trust_document_says() -> None:
    given = inputs.registry_url_for("@acme/x", trust=TWO, registry="https://Other.example.test:443")
    assert given == "https://other.example.test/"
    assert inputs.registry_url_for("@beta/x", trust=TWO, registry=None) == "https://staging.example.test/"
    assert inputs.registry_url_for("@acme/x", trust=TWO, registry="internal") == "https://internal.example.test/"


@pytest.mark.parametrize(
    ("trusted", "label", "said"),
    [
        (True, None, "no registry of the trust document lists left-pad"),
        (False, "internal", "a registry label needs the document that defines it"),
        (False, None, "none was given"),
    ],
    ids=["a name nobody lists", "a label without its document", "nothing"],
)
def test_refuses_a_statement_for_no_registry(trusted: bool, label: str | None, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        inputs.registry_url_for("left-pad", trust=TWO if trusted else None, registry=label)
    assert caught.value.code == "registry.missing"
    assert said in str(caught.value)
    assert caught.value.hint is not None


# -- other files ---------------------------------------------------------------------------------------------------------


def test_sidecars_are_those_that_exist(tmp_path: Path) -> None:
    path = tmp_path / "kernel.tgz"
    assert inputs.read_sidecars(path) == []
    for suffix in (".sigstore.json", ".sigstore.jsonl"):
        (tmp_path / f"kernel.tgz{suffix}").write_bytes(suffix.encode())
    found = [(f"{path}.sigstore.jsonl", b".sigstore.jsonl"), (f"{path}.sigstore.json", b".sigstore.json")]
    assert inputs.read_sidecars(path) == found


def test_bundle_files_of_a_folder_are_known_by_their_suffix(tmp_path: Path) -> None:
    for name in ("b.sigstore.jsonl", "a.sigstore.json", "notes.txt", "c.jsonl"):
        (tmp_path / name).write_bytes(b"")
    assert inputs.files_in(tmp_path) == [str(tmp_path / name) for name in ("a.sigstore.json", "b.sigstore.jsonl")]


@pytest.mark.parametrize("data", [b"", b" \n\t"], ids=["no bytes", "white space"])
def test_an_empty_lockfile_is_nothing_to_judge(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "package-lock.json"
    path.write_bytes(data)
    with pytest.raises(NothingToJudgeError) as caught:
        inputs.load_lockfile_bytes(path)
    assert (caught.value.code, caught.value.exit_status) == ("lockfile.empty", 3)

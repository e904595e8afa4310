"""Verifying files with real keys and real bundles: what counts, what does not, and what is said about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import vxsec
from support.signing_kit import release, signed
from vxsec.errors import ConfigurationError, UsageError
from vxsec.formats.release_statement import build_approval_statement
from vxsec.formats.tar_writer import write_tarball
from vxsec.model.artifact import Artifact
from vxsec.testing.artifacts import pack
from vxsec.usecases.signers import open_signers

if TYPE_CHECKING:
    from collections.abc import Callable

    from vxsec.model.report.verification import FileVerdict

    Make = Callable[[Path, Path], Path]

REGISTRY = "https://registry.example.test/"
RELEASE = "urn:vxsec:release:v1"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
TRUST = """\
apiVersion: vxsec/trust/v1
kind: Identities
keys:
  - {{id: ci, file: "{keys}/ci.pub", roles: [machine], {window}, holder: ci}}
  - {{id: ed, file: "{keys}/ed.pub", roles: [machine], {window}, holder: ci}}
  - {{id: alice, file: "{keys}/alice.pub", roles: [human], {window}, holder: alice}}
holders: [{{id: ci, kind: machine}}, {{id: alice, kind: person}}]
registries:
  internal: {{url: "https://registry.example.test/", scopes: ["@acme"]}}
"""


@pytest.fixture
def trust(tmp_path: Path, keys: Path) -> Path:
    window = 'from: "2026-01-01T00:00:00Z", until: "2027-01-01T00:00:00Z"'
    path = tmp_path / "trust.yaml"
    path.write_text(TRUST.format(keys=keys, window=window), encoding="utf-8")
    return path


def package(folder: Path, name: str = "kernel") -> Path:
    path = folder / f"{name}.tgz"
    path.write_bytes(pack({"name": f"@acme/{name}", "version": "1.0.0"}, {"index.js": b""}))
    return path


def sign(keys: Path, path: Path, *names: str, **more: Any) -> Path:
    values = {"registry": REGISTRY, "now": NOW, **more}
    vxsec.sign([path], signers=[f"file:{keys / name}.pem" for name in names or ("ci",)], **values)
    return path


def judge(path: Path, *, key_files: tuple[Path, ...] = (), **more: Any) -> FileVerdict:
    return vxsec.verify([path], keys=key_files, now=NOW, **more).files[0]


def by_key(keys: Path, path: Path, *names: str, **more: Any) -> FileVerdict:
    return judge(path, key_files=tuple(keys / f"{name}.pub" for name in names or ("ci",)), **more)


# -- by keys -------------------------------------------------------------------------------------------------------------


def test_one_key_is_enough_and_is_named_by_its_file(tmp_path: Path, keys: Path) -> None:
    verdict = by_key(keys, sign(keys, package(tmp_path)))
    assert verdict.verified
    assert verdict.signed_by == (str(keys / "ci.pub"),)
    assert verdict.predicate_types == (RELEASE,)


def test_ed25519_signs_statements_about_files_and_packages(tmp_path: Path, keys: Path) -> None:
    path = sign(keys, package(tmp_path), "ed")
    assert by_key(keys, path, "ed").verified


def test_a_threshold_counts_keys_not_bundles_and_not_names(tmp_path: Path, keys: Path) -> None:
    path = sign(keys, package(tmp_path))
    sign(keys, path, now=NOW + timedelta(seconds=1))
    copied = tmp_path / "copy.pub"
    copied.write_bytes((keys / "ci.pub").read_bytes())
    verdict = judge(path, key_files=(keys / "ci.pub", copied), threshold=2, predicate_type=RELEASE)
    assert (verdict.code, verdict.verified) == ("signature.threshold", False)
    assert "expected 2 distinct signers, found 1" in verdict.message
    sign(keys, path, "alice")
    assert by_key(keys, path, "ci", "alice", threshold=2, predicate_type=RELEASE).verified


def _bare(folder: Path, keys: Path) -> Path:
    path = package(folder)
    vxsec.sign([path], signers=[f"file:{keys}/ci.pem"], blob=True)
    return path


def _released(folder: Path, keys: Path) -> Path:
    return sign(keys, package(folder))


def _approved(folder: Path, keys: Path) -> Path:
    path = package(folder)
    vxsec.approve([path], signer=f"file:{keys}/ci.pem", registry=REGISTRY, now=NOW, offline=True)
    return path


def _expired(folder: Path, keys: Path) -> Path:
    return sign(keys, package(folder), now=NOW - timedelta(days=2), expires=NOW)


def _attested(folder: Path, keys: Path) -> Path:
    path = package(folder)
    vxsec.attest([path], predicate_type="urn:x", predicate=b"{}", signers=[f"file:{keys}/ci.pem"])
    return path


def _junk(folder: Path, _keys: Path) -> Path:
    path = package(folder)
    Path(f"{path}.sigstore.jsonl").write_bytes(b"not a bundle\n")
    return path


def _empty_sidecar(folder: Path, _keys: Path) -> Path:
    path = package(folder)
    Path(f"{path}.sigstore.jsonl").write_bytes(b"\n\n")
    return path


def _another_name(folder: Path, keys: Path) -> Path:
    """A valid statement by the right key about another package with these very bytes."""
    path = package(folder)
    artifact = vxsec.open_artifact(path)
    key = open_signers([f"file:{keys}/ci.pem"], password=None)[0]
    Path(f"{path}.sigstore.jsonl").write_bytes(release(key, digests=artifact.digests).line)
    return path


OPTIONS: dict[str, tuple[Make, dict[str, Any], str]] = {
    "nothing signed it": (lambda folder, _: package(folder), {}, "signature.none"),
    "a sidecar without a line": (_empty_sidecar, {}, "signature.none"),
    "a sidecar that holds no bundle": (_junk, {}, "bundle."),
    "a bare signature is no release": (_bare, {"predicate_type": RELEASE}, "statement.expected"),
    "a bare signature names no package": (_bare, {"expect": "@acme/kernel@1.0.0"}, "statement.expected"),
    "an approval is no release": (_approved, {"predicate_type": RELEASE}, "statement.type"),
    "another statement says no registry": (_attested, {"registry": REGISTRY}, "signature.registry-mismatch"),
    "a release for another registry": (
        _released,
        {"registry": "https://other.example.test/"},
        "signature.registry-mismatch",
    ),
    "the package is another than expected": (_released, {"expect": "@acme/kernel@2.0.0"}, "manifest.unexpected"),
    "the statement is about another package": (_another_name, {}, "signature.subject-mismatch"),
    "the statement has expired": (_expired, {}, "statement.expired"),
}


@pytest.mark.parametrize(("make", "options", "code"), OPTIONS.values(), ids=OPTIONS.keys())
def test_does_not_verify(tmp_path: Path, keys: Path, make: Make, options: dict[str, Any], code: str) -> None:
    verdict = by_key(keys, make(tmp_path, keys), **options)
    assert not verdict.verified
    assert verdict.code.startswith(code), verdict
    assert verdict.signed_by == ()


def test_several_signatures_that_do_not_count_are_all_told(tmp_path: Path, keys: Path) -> None:
    path = sign(keys, package(tmp_path), "mallory")
    sign(keys, path, "alice")
    verdict = by_key(keys, path)
    assert len(verdict.rejected) == 2
    assert verdict.message.endswith("(and 1 more)")


def test_one_bundle_in_two_files_is_one_bundle(tmp_path: Path, keys: Path) -> None:
    path = sign(keys, package(tmp_path))
    sidecar = Path(f"{path}.sigstore.jsonl")
    Path(f"{path}.sigstore.json").write_bytes(sidecar.read_bytes())
    assert by_key(keys, path, "mallory").rejected[1:] == ()


def test_an_approval_by_its_type_and_a_release_for_its_registry_verify(tmp_path: Path, keys: Path) -> None:
    path = _approved(tmp_path, keys)
    assert by_key(keys, path, predicate_type="urn:vxsec:approval:v1", registry=REGISTRY).verified
    assert by_key(keys, _released(tmp_path, keys), registry="HTTPS://registry.example.test").verified


def test_an_expired_statement_verifies_as_of_before(tmp_path: Path, keys: Path) -> None:
    path = _expired(tmp_path, keys)
    report = vxsec.verify([path], keys=[keys / "ci.pub"], now=NOW, at=NOW - timedelta(seconds=1))
    assert (report.exit_status, report.as_of) == (0, NOW - timedelta(seconds=1))


def test_a_file_that_is_no_package_is_any_file(tmp_path: Path, keys: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(b"%PDF")
    vxsec.sign([path], signers=[f"file:{keys}/ci.pem"], blob=True)
    assert by_key(keys, path).verified
    expected = by_key(keys, path, expect="@acme/kernel@1.0.0")
    assert (expected.verified, expected.code[:8]) == (False, "archive.")


def test_a_chart_is_any_file_unless_a_package_is_expected(tmp_path: Path, keys: Path) -> None:
    path = tmp_path / "chart.tgz"
    path.write_bytes(write_tarball({"Chart.yaml": b"name: chart\n"}, root="chart"))
    vxsec.attest([path], predicate_type="urn:x", predicate=b"{}", signers=[f"file:{keys}/ed.pem"])
    assert by_key(keys, path, "ed").verified
    assert by_key(keys, path, "ed", expect="chart@1.0.0").code == "archive.no-manifest"


# -- by a trust document -------------------------------------------------------------------------------------------------


def test_a_machines_release_counts_by_its_holder(tmp_path: Path, keys: Path, trust: Path) -> None:
    path = sign(keys, package(tmp_path), "ci", "ed")
    verdict = judge(path, trust=trust)
    assert (verdict.verified, verdict.signed_by) == (True, ("ci",))
    two = judge(path, trust=trust, threshold=2, predicate_type=RELEASE)
    assert (two.verified, two.code) == (False, "signature.threshold")  # two keys of one holder


def _by_alice(folder: Path, keys: Path) -> Path:
    return sign(keys, package(folder), "alice")


def _by_mallory(folder: Path, keys: Path) -> Path:
    return sign(keys, package(folder), "mallory")


def _for_staging(folder: Path, keys: Path) -> Path:
    return sign(keys, package(folder), registry="https://staging.example.test/")


TRUSTED: dict[str, tuple[Make, dict[str, Any], str]] = {
    "a person's key makes no release": (_by_alice, {}, "signature."),
    "a key that is not listed": (_by_mallory, {}, "signature."),
    "a release for another registry": (_for_staging, {}, "signature.registry-mismatch"),
    "a bare signature": (_bare, {}, "s"),
    "a release that has expired": (_expired, {}, "statement.expired"),
    "the package is another than expected": (_released, {"expect": "@acme/x@1.0.0"}, "manifest.unexpected"),
    "no approval": (_released, {"predicate_type": "urn:vxsec:approval:v1"}, "signature.none"),
    "a type that no rule knows": (_attested, {"predicate_type": "urn:x"}, "s"),
}


@pytest.mark.parametrize(("make", "options", "code"), TRUSTED.values(), ids=TRUSTED.keys())
def test_does_not_verify_by_trust(
    tmp_path: Path, keys: Path, trust: Path, make: Make, options: dict[str, Any], code: str
) -> None:
    verdict = judge(make(tmp_path, keys), trust=trust, **options)
    assert not verdict.verified
    assert verdict.code.startswith(code), verdict
    assert verdict.hint is not None


def test_a_window_is_judged_at_the_time_asked_about(tmp_path: Path, keys: Path, trust: Path) -> None:
    path = _released(tmp_path, keys)
    assert judge(path, trust=trust, at=datetime(2026, 6, 2, tzinfo=UTC)).verified
    assert not judge(path, trust=trust, at=datetime(2027, 6, 2, tzinfo=UTC)).verified


def test_an_approval_of_several_files_counts_for_each(tmp_path: Path, keys: Path, trust: Path) -> None:
    files = [package(tmp_path, "a"), package(tmp_path, "b")]
    artifacts = [vxsec.open_artifact(file) for file in files]
    subjects = [(one.package, one.digests) for one in artifacts if isinstance(one, Artifact)]
    payload = build_approval_statement(subjects=subjects, registry=REGISTRY, created_at=NOW, expires=None, policy=None)
    key = open_signers([f"file:{keys}/alice.pem"], password=None)[0]
    bundle = tmp_path / "approval.sigstore.json"
    bundle.write_bytes(signed(key, payload).line)
    report = vxsec.verify(files, trust=trust, bundles=[bundle], predicate_type="urn:vxsec:approval:v1", now=NOW)
    assert [file.signed_by for file in report.files] == [("alice",), ("alice",)]


# -- wrong calls ---------------------------------------------------------------------------------------------------------


def _call(**more: Any) -> Callable[[Path, Path, Path], object]:
    return lambda file, keys, trust: vxsec.verify(
        more.get("files", [file]),
        **{
            "keys": [keys / "ci.pub"] if more.get("keys", True) else (),
            "trust": trust if more.get("trust") else None,
            **{key: value for key, value in more.items() if key not in {"files", "keys", "trust"}},
        },
    )


WRONG: dict[str, tuple[Callable[[Path, Path, Path], object], type[Exception], str]] = {
    "no files": (_call(files=[]), UsageError, "usage.no-files"),
    "neither keys nor trust": (_call(keys=False), UsageError, "verify.no-trust"),
    "both": (_call(trust=True), UsageError, "verify.no-trust"),
    "a threshold of none": (_call(threshold=0), UsageError, "verify.threshold"),
    "a threshold over any statements": (_call(threshold=2), UsageError, "verify.threshold-type"),
    "an expectation without a version": (_call(expect="@acme/kernel"), UsageError, "usage.expect"),
    "a bundle file that is not there": (_call(bundles=["gone.jsonl"]), UsageError, "file.missing"),
    "a file that is not there": (_call(files=["gone.tgz"]), UsageError, "file.missing"),
    "a label without a trust document": (_call(registry="internal"), UsageError, "registry.missing"),
}


@pytest.mark.parametrize(("call", "kind", "code"), WRONG.values(), ids=WRONG.keys())
def test_refuses_to_begin(
    tmp_path: Path,
    keys: Path,
    trust: Path,
    call: Callable[[Path, Path, Path], object],
    kind: type[Exception],
    code: str,
) -> None:
    with pytest.raises(kind) as caught:
        call(package(tmp_path), keys, trust)
    assert getattr(caught.value, "code", None) == code


def test_a_trust_document_says_nothing_about_a_file_that_is_no_package(tmp_path: Path, trust: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(b"%PDF")
    verdict = judge(path, trust=trust)
    assert (verdict.verified, verdict.code[:8]) == (False, "archive.")


def test_a_key_file_that_is_none_is_a_configuration_error(tmp_path: Path) -> None:
    path = package(tmp_path)
    with pytest.raises(ConfigurationError):
        judge(path, key_files=(path,))


def test_a_bundle_file_that_is_too_long_to_be_one_is_refused(tmp_path: Path, keys: Path) -> None:
    path = package(tmp_path)
    Path(f"{path}.sigstore.jsonl").write_bytes(b"{}\n" * 2000)
    verdict = by_key(keys, path)
    assert (verdict.verified, verdict.code[:7]) == (False, "bundle.")

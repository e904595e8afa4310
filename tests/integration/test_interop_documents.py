"""Documents of other tools, end to end: read, verified by our own core against a minted instance, and compared with builds."""

from __future__ import annotations

import base64
import importlib.resources
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.interop_kit import (
    ISSUER,
    REGISTRY,
    github_document,
    material,
    npm_document,
    provenance_bundle,
    publish_bundle,
    wheel_bundle,
)
from support.omissions import require_or_skip
from support.signing_kit import DIGESTS, OTHER_DIGESTS, PACKAGE
from vxsec.errors import VerificationError
from vxsec.formats.bundle_documents import read_bundle_document
from vxsec.formats.npm_attestations import read_publish_predicate
from vxsec.formats.pep740 import PublishedAttestations, from_bundle, to_bundle, write_provenance
from vxsec.formats.trusted_root import read_trusted_root
from vxsec.model.attestation import Bundle
from vxsec.model.verified import VerifiedStatement
from vxsec.testing.sigstore.mint import SIGNED_AT, Entry, Recipe, SigstoreMaterial
from vxsec.verification.bundle import verify_bundle, verify_statement_subject
from vxsec.verification.provenance import check_provenance

if TYPE_CHECKING:
    from vxsec.model.trusted_root import TrustedRoot

WORKFLOW = "https://github.com/vextrus/mono/.github/workflows/release.yml@refs/heads/main"


@pytest.fixture(scope="module")
def roots() -> tuple[TrustedRoot, ...]:
    return read_trusted_root(material().trusted_root(), where="root")


def _only(data: bytes) -> list[Bundle]:
    found = read_bundle_document(data, where="d")
    assert all(isinstance(item, Bundle) for item in found)
    return [item for item in found if isinstance(item, Bundle)]


def _verify(bundle: Bundle, roots: tuple[TrustedRoot, ...], keys: tuple[bytes, ...] = ()) -> VerifiedStatement:
    verified = verify_bundle(bundle, roots=roots, keys=keys, now=SIGNED_AT)
    assert isinstance(verified, VerifiedStatement)
    return verified


DOCUMENTS = {
    "lines of bundles": lambda bundle: bundle.line + b"\n",
    "GitHub's listing": lambda bundle: json.dumps(github_document(bundle)).encode(),
    "a PEP 740 attestation": from_bundle,
    "a PEP 740 provenance object": lambda bundle: write_provenance(
        [PublishedAttestations(kind="GitHub", attestations=(bundle,))]
    ),
}


@pytest.mark.parametrize("write", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_the_same_provenance_in_every_document_is_verified_and_agrees(
    write: Any, roots: tuple[TrustedRoot, ...]
) -> None:
    (bundle,) = _only(write(provenance_bundle()))
    verified = _verify(bundle, roots)
    assert verify_statement_subject(verified, digests=DIGESTS, package=PACKAGE).name == PACKAGE.purl
    identity = verified.signature.identity
    assert identity is not None
    assert (identity.subject, identity.issuer) == (WORKFLOW, ISSUER)
    verdict = check_provenance(verified, builders={WORKFLOW: 3}, verifier="https://gate.example.test")
    assert (verdict.agrees, verdict.level) == (True, 3)
    assert {check.status.value for check in verdict.checks} == {"passed"}


@pytest.mark.parametrize("write", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_an_instance_that_is_not_trusted_is_refused_in_every_document(write: Any) -> None:
    stranger = read_trusted_root(SigstoreMaterial().trusted_root(), where="stranger")
    (bundle,) = _only(write(provenance_bundle()))
    with pytest.raises(VerificationError):
        _verify(bundle, stranger)


def test_a_provenance_of_other_bytes_is_refused(roots: tuple[TrustedRoot, ...]) -> None:
    verified = _verify(provenance_bundle(), roots)
    with pytest.raises(VerificationError) as caught:
        verify_statement_subject(verified, digests=OTHER_DIGESTS, package=PACKAGE)
    assert caught.value.code == "signature.subject-mismatch"


def test_both_of_npms_attestations_are_verified(roots: tuple[TrustedRoot, ...]) -> None:
    minted = publish_bundle()
    publish, provenance = _only(json.dumps(npm_document(minted, provenance_bundle())).encode())
    with pytest.raises(VerificationError):
        _verify(publish, roots)  # the registry's key is not among those given
    verified = _verify(provenance, roots)
    assert check_provenance(verified, builders={WORKFLOW: 3}).agrees


def test_a_registrys_publish_attestation_counts_for_the_key_given(roots: tuple[TrustedRoot, ...]) -> None:
    from vxsec.formats.npm_attestations import build_publish_statement

    made = material().mint(
        Recipe(
            statement=build_publish_statement(package=PACKAGE, digests=DIGESTS, registry=REGISTRY),
            material="key",
            entries=(Entry(log="v1"),),
            stamps=(),
        )
    )
    (bundle,) = _only(made.bundle)
    verified = _verify(bundle, roots, keys=(made.spki,))
    found = read_publish_predicate(verified.statement)
    assert (found.package, found.registry, found.sha512) == (PACKAGE, REGISTRY, DIGESTS.sha512)
    assert verify_statement_subject(verified, digests=DIGESTS, package=PACKAGE).name == PACKAGE.purl


RECIPES = {"Rekor v1": Recipe(entries=(Entry(log="v1"),), stamps=()), "Rekor v2 and a timestamp": Recipe()}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES.keys())
def test_a_wheels_attestation_is_verified_after_its_way_through_pep_740(
    recipe: Recipe, roots: tuple[TrustedRoot, ...]
) -> None:
    bundle = to_bundle(from_bundle(wheel_bundle(recipe=recipe)), where="a")
    verified = _verify(bundle, roots)
    assert verified.statement.predicate_type == "https://docs.pypi.org/attestations/publish/v1"
    assert len(verified.signature.times) == 1


def test_an_attestation_whose_timestamps_another_tool_dropped_is_refused(roots: tuple[TrustedRoot, ...]) -> None:
    document = json.loads(from_bundle(wheel_bundle(recipe=Recipe())))
    del document["verification_material"]["timestamps"]
    with pytest.raises(VerificationError):
        _verify(to_bundle(json.dumps(document).encode(), where="a"), roots)


def test_a_changed_statement_in_a_pep_740_object_is_refused(roots: tuple[TrustedRoot, ...]) -> None:
    document = json.loads(from_bundle(wheel_bundle()))
    payload = base64.b64decode(document["envelope"]["statement"]).replace(b"kernel", b"kernal", 1)
    document["envelope"]["statement"] = base64.b64encode(payload).decode()
    with pytest.raises(VerificationError) as caught:
        _verify(to_bundle(json.dumps(document).encode(), where="a"), roots)
    assert caught.value.code == "signature.invalid"


@pytest.mark.shared
def test_a_real_provenance_that_another_repository_signed_disagrees_with_its_certificate() -> None:
    path = Path(__file__).parents[3] / "shared" / "conformance" / "sigstore" / "happy-path-intoto-in-dsse-v3"
    if not path.is_dir():
        require_or_skip("the shared conformance cases are not here")
    store = importlib.resources.files("sigstore") / "_store"
    found = [folder / "trusted_root.json" for folder in store.iterdir() if "sigstage" not in folder.name]
    roots = [root for file in found if file.is_file() for root in read_trusted_root(file.read_bytes(), where="root")]
    (bundle,) = _only((path / "bundle.sigstore.json").read_bytes())
    verified = verify_bundle(bundle, roots=roots, now=SIGNED_AT)
    assert isinstance(verified, VerifiedStatement)
    verdict = check_provenance(verified, builders={})
    failed = {check.id for check in verdict.checks if check.code == "provenance.mismatch"}
    assert failed >= {"provenance.repository", "provenance.commit", "provenance.workflow", "provenance.builder"}
    assert not verdict.agrees
    assert verdict.claims["sourceRepositoryURI"].startswith("https://github.com/sigstore-conformance/")

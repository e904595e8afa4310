"""The readers of Sigstore's formats on what real instances wrote: all of it is read, and changed bytes do no harm."""

from __future__ import annotations

import contextlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from vxsec.errors import FormatError
from vxsec.formats.certificate import precertificate_tbs, read_certificate
from vxsec.formats.checkpoint import read_checkpoint
from vxsec.formats.rekor_entry import read_rekor_entry
from vxsec.formats.sigstore_bundle import read_bundle
from vxsec.formats.trusted_root import read_trusted_root

if TYPE_CHECKING:
    from vxsec.model.attestation import Bundle
    from vxsec.model.certificate import Certificate

SHARED = Path(__file__).parents[3] / "shared" / "conformance" / "sigstore"
shared = pytest.mark.shared
beside = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data does not lie beside the checkout")

UNREADABLE = {
    "bundle-empty-certificate-chain_fail": "bundle.material",
    "bundle-invalid-base64-signature_fail": "bundle.base64",
    "bundle-malformed-json_fail": "bundle.malformed",
    "bundle-unknown-version_fail": "bundle.media-type",
}
"""Cases whose bundle no reader may accept; every other one is for the verifier to judge."""
UNREADABLE_CHECKPOINTS = {
    "rekor2-checkpoint-missing-log-signature_fail",
    "rekor2-checkpoint-missing-origin_fail",
    "rekor2-checkpoint-missing-root-hash_fail",
}


@cache
def _cases() -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in sorted(SHARED.glob("*/bundle.sigstore.json"))}


@cache
def _bundles() -> dict[str, Bundle]:
    return {name: read_bundle(data, where=name) for name, data in _cases().items() if name not in UNREADABLE}


@cache
def _roots() -> dict[str, bytes]:
    """Both public instances', which the sigstore distribution carries, and those of the cases."""
    found = {path.name: (path / "trusted_root.json") for path in Path(str(files("sigstore._store"))).glob("https*")}
    found |= {path.parent.name: path for path in SHARED.glob("*/trusted_root.json")}
    return {name: path.read_bytes() for name, path in sorted(found.items())}


def _certificates() -> set[bytes]:
    found = {der for bundle in _bundles().values() for der in bundle.certificates}
    for name, data in _roots().items():
        for root in read_trusted_root(data, where=name):
            for authority in (*root.certificate_authorities, *root.timestamp_authorities):
                found.update(authority.chain)
    return found


def test_the_roots_of_both_public_instances_are_read_whole() -> None:
    for name in ("https%3A%2F%2Ftuf-repo-cdn.sigstore.dev", "https%3A%2F%2Ftuf-repo-cdn.sigstage.dev"):
        (root,) = read_trusted_root(_roots()[name], where=name)
        assert root.certificate_authorities
        assert root.timestamp_authorities
        assert len(root.logs) >= 2
        assert len(root.ct_logs) >= 2
        assert (root.left_out, root.rehearsal) == ((), False)


@shared
@beside
def test_every_bundle_is_read_or_refused_for_its_reason() -> None:
    assert len(_bundles()) == len(_cases()) - len(UNREADABLE) >= 40
    for name, code in UNREADABLE.items():
        with pytest.raises(FormatError) as caught:
            read_bundle(_cases()[name], where=name)
        assert caught.value.code == code, name


@shared
@beside
def test_every_log_entry_is_read_down_to_its_pairs() -> None:
    kinds = set()
    for name, bundle in _bundles().items():
        for entry in bundle.log_entries:
            body = read_rekor_entry(entry.body, kind=entry.kind, version=entry.version, where=name)
            kinds.add((body.kind, body.version))
            assert body.pairs, name
            assert "sha256" in body.digests, name
    assert kinds == {("hashedrekord", "0.0.1"), ("hashedrekord", "0.0.2"), ("dsse", "0.0.1"), ("intoto", "0.0.2")}


@shared
@beside
def test_every_checkpoint_is_read_or_refused() -> None:
    refused, cosigned = set(), set()
    for name, bundle in _bundles().items():
        for entry in bundle.log_entries:
            if entry.proof is None or entry.proof.checkpoint is None:
                continue
            try:
                found = read_checkpoint(entry.proof.checkpoint, where=name)
            except FormatError:
                refused.add(name)
            else:
                assert entry.proof.checkpoint.encode().startswith(found.signed)
                cosigned |= {name} if len(found.signatures) > 1 else set()
    assert refused == UNREADABLE_CHECKPOINTS
    assert {"rekor2-dsse-happy-path", "rekor2-checkpoint-cosigned", "rekor2-checkpoint-two-sigs-cosigned"} <= cosigned


@shared
@beside
def test_every_certificate_is_read_as_cryptography_reads_it() -> None:
    with_timestamps = 0
    for der in _certificates():
        ours, theirs = read_certificate(der, where="c"), x509.load_der_x509_certificate(der)
        assert (ours.tbs, ours.signature) == (theirs.tbs_certificate_bytes, theirs.signature)
        assert (ours.subject, ours.issuer) == (theirs.subject.public_bytes(), theirs.issuer.public_bytes())
        assert ours.critical == {item.oid.dotted_string for item in theirs.extensions if item.critical}
        assert ours.unhandled_critical == ()
        if ours.scts:
            with_timestamps += 1
            assert precertificate_tbs(der) == theirs.tbs_precertificate_bytes
    assert with_timestamps >= 10


@shared
@beside
def test_what_a_static_log_signed_besides_is_kept() -> None:
    (certificate,) = _bundles()["bundle-with-sct-with-extensions"].certificates
    (sct,) = read_certificate(certificate, where="c").scts
    assert sct.extensions == bytes.fromhex("0000050000000070")


@shared
@beside
def test_the_identity_and_every_claim_of_a_workflow_are_read() -> None:
    found: Certificate = read_certificate(_bundles()["happy-path-v0.3"].certificates[0], where="c")
    (name,) = found.alternative_names
    assert (name.kind, name.value.rpartition("@")[2]) == ("uri", "refs/heads/main")
    assert found.oidc_issuer == "https://token.actions.githubusercontent.com"
    assert found.claims["sourceRepositoryURI"].startswith("https://github.com/sigstore-conformance/")
    assert len(found.claims) >= 18


def _mutated(data: bytes, place: int, inserted: bytes, dropped: int) -> bytes:
    place %= len(data)
    return data[:place] + inserted + data[place + dropped :]


edits = given(st.integers(0, 2**32), st.integers(0, 20_000), st.binary(max_size=3), st.integers(0, 3))


@shared
@beside
@edits
def test_of_changed_bundles_nothing_but_a_format_error_escapes(
    pick: int, place: int, inserted: bytes, dropped: int
) -> None:
    cases = list(_cases().values())
    with contextlib.suppress(FormatError):
        bundle = read_bundle(_mutated(cases[pick % len(cases)], place, inserted, dropped), where="b")
        for der in bundle.certificates:
            read_certificate(der, where="c")
        for entry in bundle.log_entries:
            read_rekor_entry(entry.body, kind=entry.kind, version=entry.version, where="e")
            if entry.proof is not None and entry.proof.checkpoint is not None:
                read_checkpoint(entry.proof.checkpoint, where="n")


@shared
@beside
@edits
def test_of_changed_parts_nothing_but_a_format_error_escapes(
    pick: int, place: int, inserted: bytes, dropped: int
) -> None:
    bundles = list(_bundles().values())
    bundle = bundles[pick % len(bundles)]
    for der in bundle.certificates:
        with contextlib.suppress(FormatError):
            read_certificate(_mutated(der, place, inserted, dropped), where="c")
        with contextlib.suppress(FormatError):
            precertificate_tbs(_mutated(der, place, inserted, dropped))
    for entry in bundle.log_entries:
        with contextlib.suppress(FormatError):
            body = _mutated(entry.body, place, inserted, dropped)
            read_rekor_entry(body, kind=entry.kind, version=entry.version, where="e")
        if entry.proof is not None and entry.proof.checkpoint is not None:
            note = _mutated(entry.proof.checkpoint.encode(), place, inserted, dropped).decode(
                "utf-8", "surrogateescape"
            )
            with contextlib.suppress(FormatError):
                read_checkpoint(note, where="n")


@edits
def test_of_changed_roots_nothing_but_a_format_error_escapes(
    pick: int, place: int, inserted: bytes, dropped: int
) -> None:
    roots = list(_roots().values())
    with contextlib.suppress(FormatError):
        read_trusted_root(_mutated(roots[pick % len(roots)], place, inserted, dropped), where="r")

"""Which attested SBOMs and scans count: whose word they are, and about which bytes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from support.signing_kit import (
    ALICE,
    CI,
    DIGESTS,
    NOW,
    OTHER_DIGESTS,
    PACKAGE,
    edited,
    release,
    signed,
    signer,
    team,
    trust_root,
    trusted,
)
from vxsec.formats.statement import build_statement
from vxsec.limits import Limits
from vxsec.model.attestation import RejectedSignature, Subject
from vxsec.model.sbom import CYCLONEDX_PREDICATE
from vxsec.model.scan import SCAN_PREDICATE
from vxsec.model.trust import DigestRevocation, Holder, HolderKind, KeyRevocation, RevocationReason, Role
from vxsec.signing.signer import sign_blob
from vxsec.verification.attested import derive_attested, derive_attested_by_keys
from vxsec.verification.release import SourceKind, derive_signatures

if TYPE_CHECKING:
    from vxsec.model.attestation import Bundle
    from vxsec.model.digest import Digests
    from vxsec.model.trust import TrustRoot
    from vxsec.signing.key import KeySigner
    from vxsec.verification.attested import Attested

    _Derived = tuple[tuple[Attested, ...], tuple[RejectedSignature, ...], str | None]

MACHINE, PERSON, STRANGER = signer("ci"), signer("alice"), signer("mallory")
DAY = timedelta(days=1)


def _attested(
    key: KeySigner = MACHINE,
    *,
    kind: str = CYCLONEDX_PREDICATE,
    name: str | None = PACKAGE.purl,
    digests: Digests = DIGESTS,
    predicate: dict[str, object] | None = None,
) -> Bundle:
    subject = Subject(name=name, digest={"sha256": digests.sha256, "sha512": digests.sha512})
    payload = build_statement(
        subjects=[subject], predicate_type=kind, predicate=predicate or {"bomFormat": "CycloneDX"}
    )
    return signed(key, payload)


def _changed() -> Bundle:
    """Another predicate under the old signature."""
    other = json.loads(_attested(predicate={"bomFormat": "CycloneDX", "version": 2}).line)
    return edited(_attested(), payload=other["dsseEnvelope"]["payload"])


def _derive(
    *bundles: Bundle | RejectedSignature, trust: TrustRoot | None = None, limits: Limits | None = None
) -> _Derived:
    return derive_attested(
        [(bundle, "x.sigstore.jsonl") for bundle in bundles],
        predicate_type=CYCLONEDX_PREDICATE,
        package=PACKAGE,
        digests=DIGESTS,
        trust=trust or team(),
        now=NOW,
        limits=limits or Limits(),
    )


def test_an_sbom_attested_by_the_machine_counts_with_its_maker() -> None:
    bundle = _attested()
    (found,), rejected, incomplete = derive_attested(
        [(bundle, "a"), (bundle, "b")],
        predicate_type=CYCLONEDX_PREDICATE,
        package=PACKAGE,
        digests=DIGESTS,
        trust=team(),
        now=NOW,
    )
    assert (rejected, incomplete) == ((), None)
    assert found.statement.statement.predicate == {"bomFormat": "CycloneDX"}
    assert (found.signer.holder, found.signer.key_id, found.signer.source) == ("ci", "ci-2026", "a")


@pytest.mark.parametrize(
    "bundle",
    [_attested(kind=f"{CYCLONEDX_PREDICATE}/v1.6"), _attested(name="kernel-1.2.3.tgz"), _attested(name=None)],
    ids=["a versioned predicate type", "a file name as cosign writes it", "no name at all"],
)
def test_what_other_tools_write_counts(bundle: Bundle) -> None:
    found, rejected, _ = _derive(bundle)
    assert (len(found), rejected) == (1, ())


@pytest.mark.parametrize(
    "item",
    [
        release(MACHINE),
        _attested(kind=SCAN_PREDICATE),
        _attested(kind=f"{CYCLONEDX_PREDICATE}xml"),
        RejectedSignature(code="bundle.malformed", message="not a bundle", source="x"),
        signed(MACHINE, b"{}"),
    ],
    ids=["a release", "a scan", "a type that only begins alike", "an unreadable line", "no statement"],
)
def test_what_is_of_another_type_is_not_even_a_rejection(item: Bundle | RejectedSignature) -> None:
    assert _derive(item) == ((), (), None)


REFUSED = {
    "a key that nobody listed": (_attested(STRANGER), team(), "signature.untrusted-key"),
    "a person": (_attested(PERSON), team(), "signature.role"),
    "a changed payload": (_changed(), team(), "signature.invalid"),
    "another payload type": (edited(_attested(), payloadType="text/plain"), team(), "bundle.payload-type"),
    "other bytes": (_attested(digests=OTHER_DIGESTS), team(), "signature.subject-mismatch"),
    "one of two digests of other bytes": (
        _attested(digests=replace(DIGESTS, sha512=OTHER_DIGESTS.sha512)),
        team(),
        "signature.subject-mismatch",
    ),
    "another package's name": (_attested(name="pkg:npm/%40vextrus/utils@1.2.3"), team(), "signature.subject-mismatch"),
    "the same name in another ecosystem": (
        _attested(name="pkg:pypi/kernel@1.2.3"),
        team(),
        "signature.subject-mismatch",
    ),
    "a scan-like type of ours under another name": (
        _attested(name=f"{PACKAGE.purl}?x=1"),
        team(),
        "signature.subject-mismatch",
    ),
    "an expired key": (_attested(), trust_root(trusted(MACHINE, valid_until=NOW - DAY)), "key.expired"),
    "a key of tomorrow": (_attested(), trust_root(trusted(MACHINE, valid_from=NOW + DAY)), "key.not-yet-valid"),
    "a machine's key held by a person": (_attested(), trust_root(trusted(MACHINE, holder=ALICE)), "signature.role"),
    "a registry's key": (
        _attested(),
        trust_root(trusted(MACHINE, roles=(Role.REGISTRY,), holder=Holder(id="r", kind=HolderKind.MACHINE))),
        "signature.role",
    ),
    "a revoked key": (
        _attested(),
        trust_root(
            trusted(MACHINE, identifier="k", holder=CI),
            key_revocations=(KeyRevocation(key="k", reason=RevocationReason.COMPROMISED, since=NOW + DAY),),
        ),
        "key.revoked",
    ),
    "withdrawn bytes": (
        _attested(),
        trust_root(
            trusted(MACHINE),
            digest_revocations=(
                DigestRevocation(sha512=DIGESTS.sha512, reason=RevocationReason.SUPERSEDED, since=NOW - DAY),
            ),
        ),
        "digest.revoked",
    ),
}


@pytest.mark.parametrize(("bundle", "trust", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_it_does_not_count_from(bundle: Bundle, trust: TrustRoot, code: str) -> None:
    found, rejected, _ = _derive(bundle, trust=trust)
    assert found == ()
    assert [item.code for item in rejected] == [code]


def test_junk_beside_a_good_one_does_no_harm() -> None:
    found, rejected, _ = _derive(_changed(), _attested(), _attested(STRANGER))
    assert (len(found), len(rejected)) == (1, 2)


def test_more_than_may_be_looked_at_is_said() -> None:
    bundles = [_attested(predicate={"n": number}) for number in range(4)]
    found, _, incomplete = _derive(*bundles, limits=Limits(bundles_per_subject=3))
    assert (len(found), incomplete) == (3, "only 3 of 4 attestations were looked at")


def test_with_keys_alone_the_key_decides() -> None:
    good, bad = _attested(STRANGER), _attested(MACHINE)
    bare = signed(MACHINE, b"{}")
    found, rejected = derive_attested_by_keys(
        [(good, "a"), (bad, "b"), (bare, "c"), (_attested(STRANGER, digests=OTHER_DIGESTS), "d")],
        predicate_type=CYCLONEDX_PREDICATE,
        package=PACKAGE,
        digests=DIGESTS,
        keys=[STRANGER.spki],
    )
    assert [source for _, source in found] == ["a"]
    assert [(item.code, item.source) for item in rejected] == [
        ("signature.untrusted-key", "b"),
        ("signature.subject-mismatch", "d"),
    ]


def test_an_attested_sbom_is_neither_a_release_nor_a_reason_against_one() -> None:
    sbom, scan, stale = _attested(), _attested(kind=SCAN_PREDICATE), _attested(digests=OTHER_DIGESTS)
    signatures, _ = derive_signatures(
        [(item, "x", SourceKind.GIVEN) for item in (sbom, scan, stale)],
        artifact_package=PACKAGE,
        digests=DIGESTS,
        registry_url=None,
        trust=team(),
        now=NOW,
    )
    assert (signatures.signers, signatures.rejected, signatures.foreign) == ((), (), False)


def test_a_bare_signature_carries_nothing() -> None:
    from vxsec.formats.sigstore_bundle import read_bundle

    bare = read_bundle(sign_blob(MACHINE, sha256=bytes.fromhex(DIGESTS.sha256)), where="bare")
    assert _derive(bare) == ((), (), None)

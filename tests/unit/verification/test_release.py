"""Who signed the release and who approved it: every rule of the trust model, and what each refuses."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from support.signing_kit import (
    ALICE,
    CI,
    DIGESTS,
    NOW,
    OTHER_DIGESTS,
    PACKAGE,
    REGISTRY,
    approval,
    edited,
    flipped,
    release,
    signed,
    signer,
    team,
    trust_root,
    trusted,
)
from vxsec.formats.public_key import key_hint
from vxsec.formats.sigstore_bundle import read_bundle, render_message_bundle
from vxsec.formats.statement import build_statement
from vxsec.limits import Limits
from vxsec.model.attestation import RELEASE_PREDICATE, Bundle, RejectedSignature, Subject
from vxsec.model.evidence import SignatureEvidence
from vxsec.model.package import PackageRef
from vxsec.model.quorum import Signer, count_quorum
from vxsec.model.trust import DigestRevocation, Holder, HolderKind, KeyRevocation, RevocationReason, Role, TrustRoot
from vxsec.signing.signer import sign_blob
from vxsec.verification.keys import verify_signature
from vxsec.verification.release import SourceKind, derive_signatures

if TYPE_CHECKING:
    from vxsec.model.evidence import ApprovalEvidence

MACHINE, PERSON = signer("ci"), signer("alice")
STRANGER = signer("mallory")
OTHER_PACKAGE = PackageRef(name="@vextrus/utils", version="1.2.3")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SUPERSEDED, COMPROMISED = RevocationReason.SUPERSEDED, RevocationReason.COMPROMISED


def _derive(
    *bundles: Bundle | RejectedSignature,
    kind: SourceKind = SourceKind.GIVEN,
    trust: TrustRoot | None = None,
    registry_url: str | None = REGISTRY,
    now: datetime = NOW,
    limits: Limits | None = None,
) -> tuple[SignatureEvidence, ApprovalEvidence]:
    return derive_signatures(
        [(bundle, "x.sigstore.jsonl", kind) for bundle in bundles],
        artifact_package=PACKAGE,
        digests=DIGESTS,
        registry_url=registry_url,
        trust=trust or team(),
        now=now,
        limits=limits or Limits(),
    )


def _rejected(bundle: Bundle, **options: Any) -> str:
    signatures, approvals = _derive(bundle, **options)
    assert (signatures.signers, approvals.approvals) == ((), ())
    (rejection,) = signatures.rejected
    assert rejection.source == "x.sigstore.jsonl"
    assert rejection.message
    return rejection.code


def test_a_release_by_the_machine_and_an_approval_by_a_person_count() -> None:
    signatures, approvals = _derive(
        release(MACHINE, expires=NOW + DAY), approval(PERSON, policy=("vextrus-release", 3))
    )
    machine, person = signatures.signers
    assert (machine.statement, machine.holder, machine.role, machine.key_id) == (
        "release",
        "ci",
        Role.MACHINE,
        "ci-2026",
    )
    assert (machine.created_at, machine.expires, machine.algorithm) == (NOW, NOW + DAY, "ecdsa-p256")
    assert (person.statement, person.holder, person.role) == ("approval", "alice", Role.HUMAN)
    (fact,) = approvals.approvals
    assert (fact.signer, fact.policy_name, fact.policy_min_version) == (person, "vextrus-release", 3)
    assert (signatures.rejected, signatures.foreign, approvals.foreign) == ((), False, False)
    quorum = count_quorum(Signer(holder=s.holder, spki=s.spki, role=s.role) for s in signatures.signers)
    assert (quorum.count, quorum.per_role) == (2, {"machine": 1, "human": 1})


def test_nothing_found_is_nothing_and_not_foreign() -> None:
    assert _derive()[0] == SignatureEvidence(signers=())


def test_expiry_is_carried_and_not_judged() -> None:
    bundle = release(MACHINE, created_at=NOW - 2 * DAY, expires=NOW - DAY)
    assert _derive(bundle)[0].signers[0].expires == NOW - DAY


def test_an_approval_of_several_packages_counts_for_this_one() -> None:
    bundle = approval(PERSON, subjects=[(OTHER_PACKAGE, OTHER_DIGESTS), (PACKAGE, DIGESTS)])
    signatures, approvals = _derive(bundle)
    assert len(approvals.approvals) == 1
    assert not signatures.foreign


def _untyped(predicate_type: str = RELEASE_PREDICATE, **predicate: object) -> Bundle:
    subject = Subject(name=PACKAGE.purl, digest={"sha256": DIGESTS.sha256})
    return signed(MACHINE, build_statement(subjects=[subject], predicate_type=predicate_type, predicate=predicate))


REJECTED = {
    "one bit turned": (flipped(release(MACHINE)), "signature.invalid"),
    "a stranger's key": (release(STRANGER), "signature.untrusted-key"),
    "a stranger who names our key": (edited(release(STRANGER), hint=key_hint(MACHINE.spki)), "signature.invalid"),
    "an approval by the machine": (approval(MACHINE), "signature.role"),
    "a release by a person": (release(PERSON), "signature.role"),
    "a bare signature over the very file": (
        read_bundle(sign_blob(MACHINE, sha256=bytes.fromhex(DIGESTS.sha256)), where="b"),
        "signature.bare",
    ),
    "a bare signature over another file": (
        read_bundle(sign_blob(MACHINE, sha256=bytes(32)), where="b"),
        "bundle.digest-mismatch",
    ),
    "another kind of statement": (_untyped("https://slsa.dev/provenance/v1"), "statement.type"),
    "a predicate type with a tail": (_untyped(RELEASE_PREDICATE + "/"), "statement.type"),
    "other bytes": (release(MACHINE, digests=OTHER_DIGESTS), "signature.subject-mismatch"),
    "these bytes, sha512 of others": (
        release(MACHINE, digests=replace(DIGESTS, sha512=OTHER_DIGESTS.sha512)),
        "signature.subject-mismatch",
    ),
    "these bytes under another name": (release(MACHINE, package=OTHER_PACKAGE), "signature.subject-mismatch"),
    "these bytes under another version": (
        release(MACHINE, package=PackageRef(name=PACKAGE.name, version="1.2.4")),
        "signature.subject-mismatch",
    ),
    "the staging registry": (
        release(MACHINE, registry="https://staging.example.test/"),
        "signature.registry-mismatch",
    ),
    "an approval for the staging registry": (
        approval(PERSON, registry="https://staging.example.test/"),
        "signature.registry-mismatch",
    ),
    "a registry spelled in another way": (
        _untyped(registry=REGISTRY[:-1], version="1.2.3", createdAt="2026-11-21T12:00:00Z"),
        "signature.registry-mismatch",
    ),
    "a version that is not the subject's": (
        _untyped(registry=REGISTRY, version="1.2.4", createdAt="2026-11-21T12:00:00Z"),
        "statement.version",
    ),
    "a member we do not know": (
        _untyped(registry=REGISTRY, version="1.2.3", createdAt="2026-11-21T12:00:00Z", tag="next"),
        "statement.malformed",
    ),
    "no registry": (_untyped(version="1.2.3", createdAt="2026-11-21T12:00:00Z"), "statement.malformed"),
}


@pytest.mark.parametrize(("bundle", "code"), REJECTED.values(), ids=REJECTED.keys())
def test_does_not_count(bundle: Bundle, code: str) -> None:
    assert _rejected(bundle) == code


def test_nothing_counts_for_a_package_that_no_registry_lists() -> None:
    assert _rejected(release(MACHINE), registry_url=None) == "signature.registry-mismatch"


WINDOWS = {
    "a second before its window": (-DAY - timedelta(seconds=1), "key.not-yet-valid"),
    "at the end of its window": (365 * DAY, "key.expired"),
    "long after": (3650 * DAY, "key.expired"),
}


@pytest.mark.parametrize(("offset", "code"), WINDOWS.values(), ids=WINDOWS.keys())
def test_a_key_outside_its_window_does_not_count(offset: timedelta, code: str) -> None:
    assert _rejected(release(MACHINE), now=NOW + offset) == code


@pytest.mark.parametrize("offset", [-DAY, 365 * DAY - timedelta(seconds=1)], ids=["first second", "last second"])
def test_a_key_inside_its_window_counts(offset: timedelta) -> None:
    assert len(_derive(release(MACHINE), now=NOW + offset)[0].signers) == 1


REVOKED = {
    "superseded an hour ago": (SUPERSEDED, NOW - HOUR, "key.revoked"),
    "superseded this second": (SUPERSEDED, NOW, "key.revoked"),
    "compromised an hour ago": (COMPROMISED, NOW - HOUR, "key.revoked"),
    "compromised from tomorrow on": (COMPROMISED, NOW + DAY, "key.revoked"),
    "superseded from tomorrow on": (SUPERSEDED, NOW + DAY, None),
}


@pytest.mark.parametrize(("reason", "since", "code"), REVOKED.values(), ids=REVOKED.keys())
def test_a_revoked_key(reason: RevocationReason, since: datetime, code: str | None) -> None:
    other = KeyRevocation(key="another", reason=COMPROMISED, since=NOW)
    revocation = KeyRevocation(key="ci-2026", reason=reason, since=since)
    root = replace(team(), key_revocations=(other, revocation))
    signatures, _ = _derive(release(MACHINE, created_at=NOW - 30 * DAY), approval(PERSON), trust=root)
    codes = [rejection.code for rejection in signatures.rejected]
    assert codes == ([code] if code else [])
    assert "alice" in [fact.holder for fact in signatures.signers]


@pytest.mark.parametrize(("reason", "since", "code"), REVOKED.values(), ids=REVOKED.keys())
def test_revoked_bytes(reason: RevocationReason, since: datetime, code: str | None) -> None:
    other = DigestRevocation(sha512=OTHER_DIGESTS.sha512, reason=COMPROMISED, since=NOW)
    revocation = DigestRevocation(sha512=DIGESTS.sha512, reason=reason, since=since)
    root = replace(team(), digest_revocations=(other, revocation))
    signatures, approvals = _derive(release(MACHINE), approval(PERSON), trust=root)
    if code is None:
        assert len(signatures.signers) == 2
    else:
        assert [rejection.code for rejection in signatures.rejected] == ["digest.revoked", "digest.revoked"]
        assert (signatures.signers, approvals.approvals) == ((), ())


def test_a_role_is_worth_nothing_without_the_kind_of_holder() -> None:
    """The loader refuses such a document; the verifier does not rely on it."""
    root = trust_root(
        trusted(MACHINE, identifier="a", holder=ALICE, roles=(Role.MACHINE,)),
        trusted(PERSON, identifier="b", holder=CI, roles=(Role.HUMAN,)),
    )
    assert _rejected(release(MACHINE), trust=root) == "signature.role"
    assert _rejected(approval(PERSON), trust=root) == "signature.role"


def test_a_registrys_key_signs_no_release() -> None:
    root = trust_root(trusted(MACHINE, roles=(Role.REGISTRY,)))
    assert _rejected(release(MACHINE), trust=root) == "signature.role"


def test_one_holder_with_two_keys_is_two_facts_and_one_vote() -> None:
    second = signer("ci second")
    root = trust_root(trusted(MACHINE, identifier="a"), trusted(second, identifier="b"))
    signatures, _ = _derive(release(MACHINE), release(second), trust=root)
    assert [fact.key_id for fact in signatures.signers] == ["a", "b"]
    assert count_quorum(Signer(holder=s.holder, spki=s.spki) for s in signatures.signers).count == 1


def test_the_same_bundle_twice_and_the_same_statement_signed_twice_are_one_fact() -> None:
    once = release(MACHINE)
    again = release(MACHINE)  # another ECDSA signature over the same bytes
    assert once.line != again.line
    assert len(_derive(once, once, again)[0].signers) == 1


def test_two_statements_that_differ_in_expiry_are_two_facts() -> None:
    """So that an expired one never hides one that is good."""
    old = release(MACHINE, created_at=NOW - 2 * DAY, expires=NOW - DAY)
    new = release(MACHINE, expires=NOW + DAY)
    assert [fact.expires for fact in _derive(old, new)[0].signers] == [NOW - DAY, NOW + DAY]
    bound, unbound = approval(PERSON, policy=("p", 1)), approval(PERSON)
    assert len(_derive(bound, unbound)[1].approvals) == 2


def test_what_could_not_be_read_is_listed() -> None:
    torn = RejectedSignature(code="bundle.malformed", message="x:2: not JSON", source="x")
    signatures, _ = _derive(torn, release(MACHINE))
    assert signatures.rejected == (torn,)
    assert len(signatures.signers) == 1


def test_the_order_of_bundles_makes_no_difference() -> None:
    good = [release(MACHINE), approval(PERSON)]
    bad = [release(STRANGER), flipped(release(MACHINE)), release(MACHINE, digests=OTHER_DIGESTS)]
    expected, _ = _derive(*good, *bad)
    for seed in range(5):
        shuffled = [*good, *bad]
        random.Random(seed).shuffle(shuffled)  # noqa: S311 - an order, not a secret
        found, _ = _derive(*shuffled)
        assert set(found.signers) == set(expected.signers)
        assert set(found.rejected) == set(expected.rejected)
        assert found.foreign == expected.foreign


# -- whose bytes --------------------------------------------------------------------------------------------------------


def _bare_without_digest() -> Bundle:
    document = json.loads(sign_blob(MACHINE, sha256=bytes(32)))
    document["messageSignature"]["messageDigest"] = {}
    return read_bundle(json.dumps(document).encode(), where="b")


GIVEN, FOUND = SourceKind.GIVEN, SourceKind.FOUND
FOREIGN = {
    "a sidecar about other bytes of this version": (release(MACHINE, digests=OTHER_DIGESTS), GIVEN, True),
    "a sidecar about another package": (release(MACHINE, package=OTHER_PACKAGE, digests=OTHER_DIGESTS), GIVEN, True),
    "a sidecar about other bytes, by a stranger": (release(STRANGER, digests=OTHER_DIGESTS), GIVEN, True),
    "a sidecar that is a bare signature over other bytes": (
        read_bundle(sign_blob(MACHINE, sha256=bytes(32)), where="b"),
        GIVEN,
        True,
    ),
    "a source about other bytes of this version": (release(MACHINE, digests=OTHER_DIGESTS), FOUND, True),
    "a source about half other bytes of this version": (
        release(MACHINE, digests=replace(DIGESTS, sha512=OTHER_DIGESTS.sha512)),
        FOUND,
        True,
    ),
    "a source about another package": (
        release(MACHINE, package=OTHER_PACKAGE, digests=OTHER_DIGESTS),
        FOUND,
        False,
    ),
    "a source about another version": (
        release(MACHINE, package=PackageRef(name=PACKAGE.name, version="1.2.2"), digests=OTHER_DIGESTS),
        FOUND,
        False,
    ),
    "a source that is a bare signature over other bytes": (
        read_bundle(sign_blob(MACHINE, sha256=bytes(32)), where="b"),
        FOUND,
        False,
    ),
    "a sidecar about these bytes, by a stranger": (release(STRANGER), GIVEN, False),
    "a sidecar about these bytes under another name": (release(MACHINE, package=OTHER_PACKAGE), GIVEN, False),
    "an approval of these bytes and of others": (
        approval(PERSON, subjects=[(PACKAGE, DIGESTS), (OTHER_PACKAGE, OTHER_DIGESTS)]),
        GIVEN,
        False,
    ),
    "a payload that is no statement": (signed(MACHINE, b"{}"), GIVEN, False),
    "a subject with a weak digest only": (
        signed(
            MACHINE,
            build_statement(
                subjects=[Subject(name=PACKAGE.purl, digest={"sha1": "0" * 40})], predicate_type="t", predicate={}
            ),
        ),
        GIVEN,
        False,
    ),
    "a bare signature that states no digest": (_bare_without_digest(), GIVEN, False),
    "a bare signature over these bytes": (
        read_bundle(render_message_bundle(bytes.fromhex(DIGESTS.sha256), b"x", key_hint(MACHINE.spki)), where="b"),
        GIVEN,
        False,
    ),
}


@pytest.mark.parametrize(("bundle", "kind", "foreign"), FOREIGN.values(), ids=FOREIGN.keys())
def test_speaks_of_other_bytes(bundle: Bundle, kind: SourceKind, foreign: bool) -> None:
    signatures, approvals = _derive(bundle, kind=kind)
    assert (signatures.foreign, approvals.foreign) == (foreign, foreign)


# -- bounds -------------------------------------------------------------------------------------------------------------


def test_a_thousand_lines_of_junk_do_no_harm_and_cost_a_bounded_number_of_checks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checks: list[bytes] = []

    def counted(spki: bytes, signature: bytes, data: bytes) -> None:
        checks.append(spki)
        verify_signature(spki, signature, data)

    monkeypatch.setattr("vxsec.verification.content.verify_signature", counted)
    root = trust_root(
        *(
            trusted(
                signer(f"m{number}"), identifier=f"m{number}", holder=Holder(id=f"m{number}", kind=HolderKind.MACHINE)
            )
            for number in range(40)
        ),
        trusted(MACHINE, identifier="ci-2026"),
    )
    good = release(MACHINE)
    junk = [edited(release(STRANGER), payloadType="x" * number) for number in range(1, 300)]
    junk += [edited(good, payload="AAAA" * number) for number in range(1, 400)]
    junk += [edited(flipped(good), hint=f"h{number}") for number in range(300)]
    signatures, _ = _derive(*junk[:500], good, *junk[500:], trust=root)
    assert len(checks) == 400  # only what names a trusted key is checked, and only under that key
    assert [fact.key_id for fact in signatures.signers] == ["ci-2026"]
    assert {rejection.code for rejection in signatures.rejected} == {
        "bundle.payload-type",
        "signature.invalid",
        "signature.untrusted-key",
    }


def test_more_bundles_than_allowed_leave_the_search_incomplete() -> None:
    signatures, approvals = _derive(release(MACHINE), release(STRANGER), limits=Limits(bundles_per_subject=1))
    assert len(signatures.signers) == 1
    assert signatures.incomplete == approvals.incomplete == "only 1 of 2 bundles were looked at"


def test_evidence_of_other_packages_in_the_same_folder_is_left_out() -> None:
    others = [
        release(MACHINE, package=PackageRef(name=f"@vextrus/p{number}", version="1.0.0"), digests=OTHER_DIGESTS)
        for number in range(5)
    ]
    others.append(read_bundle(sign_blob(MACHINE, sha256=bytes(32)), where="b"))
    signatures, _ = _derive(*others, release(MACHINE), kind=SourceKind.FOUND, limits=Limits(bundles_per_subject=1))
    assert len(signatures.signers) == 1
    assert (signatures.rejected, signatures.foreign) == ((), False)


def test_a_root_without_keys_lets_nothing_count() -> None:
    assert _rejected(release(MACHINE), trust=trust_root()) == "verify.no-keys"


def test_times_far_apart_do_not_overflow() -> None:
    assert _rejected(release(MACHINE), now=datetime(9999, 12, 31, tzinfo=UTC)) == "key.expired"

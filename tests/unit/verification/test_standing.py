"""What a signature counts for once time is trusted: windows, revocations by reason, distrusted logs, identities."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from support.signing_kit import DIGESTS, NOW, PACKAGE, REGISTRY, release, signer, trust_root, trusted
from vxsec.errors import VerificationError
from vxsec.formats.release_statement import build_approval_statement, build_release_statement
from vxsec.formats.sigstore_bundle import read_bundle
from vxsec.formats.trusted_root import read_trusted_root
from vxsec.model.trust import (
    DigestRevocation,
    Holder,
    HolderKind,
    Identity,
    IdentityRevocation,
    KeyRevocation,
    LogRevocation,
    RevocationReason,
    Role,
    TrustRoot,
)
from vxsec.model.verification import Requirements
from vxsec.testing.sigstore.mint import Entry, Recipe, SigstoreMaterial
from vxsec.testing.sigstore.mint import Identity as Minted
from vxsec.verification.bundle import verify_bundle
from vxsec.verification.release import SourceKind, derive_signatures
from vxsec.verification.standing import signatory_of

if TYPE_CHECKING:
    from vxsec.model.attestation import Bundle
    from vxsec.model.evidence import SignatureEvidence

MATERIAL = SigstoreMaterial()
CI = Minted(subject="https://ci.example.test/build.yml@refs/heads/main", issuer="https://issuer.example.test")
ALICE = Minted(subject="alice@example.test", issuer="https://issuer.example.test")
SIGNED = NOW
LATER = NOW + timedelta(days=30)
DAY = timedelta(days=1)
RELEASE = build_release_statement(package=PACKAGE, digests=DIGESTS, registry=REGISTRY, created_at=NOW, expires=None)
APPROVAL = build_approval_statement(
    subjects=[(PACKAGE, DIGESTS)], registry=REGISTRY, created_at=NOW, expires=None, policy=None
)


def minted(payload: bytes = RELEASE, identity: Minted = CI, *, log: str = "v2") -> Bundle:
    """Signed with a certificate that lives ten minutes, and seen by a log (v1), or a log and a timestamp authority (v2)."""
    recipe = Recipe(statement=payload, identity=identity, at=SIGNED)
    if log == "v1":
        recipe = replace(recipe, entries=(Entry(log="v1", integrated_at=SIGNED),), stamps=())
    return read_bundle(MATERIAL.mint(recipe).bundle, where="minted")


def identities(**windows: Any) -> TrustRoot:
    """CI may release and Alice may approve, by identity alone."""
    holders = (
        Holder(
            id="ci",
            kind=HolderKind.MACHINE,
            identities=(Identity(subject=CI.subject, issuer=CI.issuer, roles=(Role.MACHINE,), **windows),),
        ),
        Holder(
            id="alice",
            kind=HolderKind.PERSON,
            identities=(Identity(subject=ALICE.subject, issuer=ALICE.issuer, roles=(Role.HUMAN,)),),
        ),
    )
    roots = read_trusted_root(MATERIAL.trusted_root(), where="root")
    return replace(trust_root(), holders=holders, trusted_roots=roots)


def judge(
    trust: TrustRoot, *bundles: Bundle, at: Any = LATER, requirements: Requirements | None = None
) -> SignatureEvidence:
    """What the bundles prove, judged a month later."""
    evidence, _ = derive_signatures(
        [(bundle, "b", SourceKind.GIVEN) for bundle in bundles],
        artifact_package=PACKAGE,
        digests=DIGESTS,
        registry_url=REGISTRY,
        trust=trust,
        now=at,
        requirements=requirements,
    )
    return evidence


def taken_back(trust: TrustRoot, reason: RevocationReason, since: Any) -> TrustRoot:
    """CI's identity, withdrawn."""
    taken = IdentityRevocation(subject=CI.subject, issuer=CI.issuer, reason=reason, since=since)
    return replace(trust, identity_revocations=(taken,))


def test_an_identity_counts_long_after_its_certificate_ended() -> None:
    evidence = judge(identities(), minted(), minted(APPROVAL, ALICE))
    assert [(fact.holder, fact.role) for fact in evidence.signers] == [("ci", Role.MACHINE), ("alice", Role.HUMAN)]
    fact = evidence.signers[0]
    assert fact.identity is not None
    assert (fact.identity.subject, fact.log_entries, fact.timestamps, fact.scts) == (CI.subject, 1, 1, 1)
    assert [check.id for check in fact.checks if check.status == "passed"][-3:] == ["identity", "role", "standing"]
    assert evidence.rejected == ()


REASONS: dict[str, tuple[TrustRoot, Bundle, str | None]] = {
    "superseded after it signed": (
        taken_back(identities(), RevocationReason.SUPERSEDED, SIGNED + DAY),
        minted(),
        None,
    ),
    "compromised after it signed": (
        taken_back(identities(), RevocationReason.COMPROMISED, SIGNED + DAY),
        minted(),
        None,
    ),
    "superseded before it signed": (
        taken_back(identities(), RevocationReason.SUPERSEDED, SIGNED - DAY),
        minted(),
        "identity.revoked",
    ),
    "compromised before it signed": (
        taken_back(identities(), RevocationReason.COMPROMISED, SIGNED - DAY),
        minted(),
        "identity.revoked",
    ),
    "compromised at the very second": (
        taken_back(identities(), RevocationReason.COMPROMISED, SIGNED),
        minted(),
        "identity.revoked",
    ),
    "another identity taken back": (
        replace(
            identities(),
            identity_revocations=(
                IdentityRevocation(
                    subject=CI.subject,
                    issuer="https://other.example.test",
                    reason=RevocationReason.COMPROMISED,
                    since=SIGNED - DAY,
                ),
            ),
        ),
        minted(),
        None,
    ),
    "a window that ended before": (identities(valid_until=SIGNED), minted(), "key.expired"),
    "a window that began after": (identities(valid_from=SIGNED + DAY), minted(), "key.not-yet-valid"),
    "a window that has ended since": (identities(valid_until=SIGNED + DAY), minted(), None),
    "a person's identity on a release": (identities(), minted(RELEASE, ALICE), "signature.role"),
    "a machine's identity on an approval": (identities(), minted(APPROVAL, CI), "signature.role"),
    "an identity nobody has": (
        identities(),
        minted(RELEASE, Minted(subject="mallory@example.test", issuer=CI.issuer)),
        "identity.untrusted",
    ),
    "the same subject of another issuer": (
        identities(),
        minted(RELEASE, Minted(subject=CI.subject, issuer="https://other.example.test")),
        "identity.untrusted",
    ),
    "no trusted root": (replace(identities(), trusted_roots=()), minted(), "verify.no-keys"),
    "bytes taken back": (
        replace(
            identities(),
            digest_revocations=(
                DigestRevocation(sha512=DIGESTS.sha512, reason=RevocationReason.COMPROMISED, since=LATER),
            ),
        ),
        minted(),
        "digest.revoked",
    ),
}


@pytest.mark.parametrize(("trust", "bundle", "code"), REASONS.values(), ids=REASONS.keys())
def test_standing_of_an_identity(trust: TrustRoot, bundle: Bundle, code: str | None) -> None:
    evidence = judge(trust, bundle)
    if code is None:
        assert len(evidence.signers) == 1, evidence.rejected
        return
    assert evidence.signers == ()
    assert [item.code for item in evidence.rejected] == [code]


def _distrusted(reason: RevocationReason, since: Any, *, log: str) -> TrustRoot:
    trust = identities()
    root = trust.trusted_roots[0]
    names = {
        "logs": {item.base_url for item in root.logs},
        "ct": {item.base_url for item in root.ct_logs},
        "authorities": {item.uri for item in root.timestamp_authorities},
        "issuers": {item.uri for item in root.certificate_authorities},
    }[log]
    assert names
    assert "" not in names
    taken = tuple(LogRevocation(uri=name, reason=reason, since=since) for name in sorted(names))
    return replace(trust, log_revocations=taken)


DISTRUST: dict[str, tuple[TrustRoot, Bundle, str | None]] = {
    "the log is compromised": (
        _distrusted(RevocationReason.COMPROMISED, LATER, log="logs"),
        minted(log="v1"),
        "tlog.distrusted",
    ),
    "the log was superseded before": (
        _distrusted(RevocationReason.SUPERSEDED, SIGNED - DAY, log="logs"),
        minted(log="v1"),
        "tlog.distrusted",
    ),
    "the log was superseded since": (
        _distrusted(RevocationReason.SUPERSEDED, SIGNED + DAY, log="logs"),
        minted(log="v1"),
        None,
    ),
    "the timestamp authority is compromised": (
        _distrusted(RevocationReason.COMPROMISED, LATER, log="authorities"),
        minted(),
        "tlog.distrusted",
    ),
    "the timestamp authority was superseded since": (
        _distrusted(RevocationReason.SUPERSEDED, SIGNED + DAY, log="authorities"),
        minted(),
        None,
    ),
    "the log is compromised, and a timestamp authority says when": (
        _distrusted(RevocationReason.COMPROMISED, LATER, log="logs"),
        minted(),
        "tlog.distrusted",
    ),
    "the log was superseded before, and a timestamp authority says when": (
        _distrusted(RevocationReason.SUPERSEDED, SIGNED, log="logs"),
        minted(),
        "tlog.distrusted",
    ),
    "the log was superseded since, and a timestamp authority says when": (
        _distrusted(RevocationReason.SUPERSEDED, SIGNED + DAY, log="logs"),
        minted(),
        None,
    ),
    "the certificate's log is compromised": (
        _distrusted(RevocationReason.COMPROMISED, LATER, log="ct"),
        minted(),
        "tlog.distrusted",
    ),
    "the certificate's log was superseded before": (
        _distrusted(RevocationReason.SUPERSEDED, SIGNED - DAY, log="ct"),
        minted(),
        "tlog.distrusted",
    ),
    "the certificate's log was superseded since": (
        _distrusted(RevocationReason.SUPERSEDED, SIGNED + DAY, log="ct"),
        minted(),
        None,
    ),
    "the certificate's authority was compromised before": (
        _distrusted(RevocationReason.COMPROMISED, SIGNED, log="issuers"),
        minted(),
        "certificate.distrusted",
    ),
    "the certificate's authority was superseded before": (
        _distrusted(RevocationReason.SUPERSEDED, SIGNED - DAY, log="issuers"),
        minted(),
        "certificate.distrusted",
    ),
    "the certificate's authority was compromised since": (
        _distrusted(RevocationReason.COMPROMISED, SIGNED + DAY, log="issuers"),
        minted(),
        None,
    ),
}


@pytest.mark.parametrize(("trust", "bundle", "code"), DISTRUST.values(), ids=DISTRUST.keys())
def test_a_time_counts_while_its_authority_does(trust: TrustRoot, bundle: Bundle, code: str | None) -> None:
    evidence = judge(trust, bundle)
    assert [item.code for item in evidence.rejected] == ([code] if code else [])
    assert len(evidence.signers) == (0 if code else 1)


def test_a_timestamp_authority_that_is_taken_back_is_no_time_and_not_counted() -> None:
    recipe = Recipe(statement=RELEASE, identity=CI, at=SIGNED, entries=(Entry(log="v1", integrated_at=SIGNED),))
    bundle = read_bundle(MATERIAL.mint(recipe).bundle, where="minted")
    (fact,) = judge(identities(), bundle).signers
    assert (fact.log_entries, fact.timestamps, len(fact.times)) == (1, 1, 2)
    (fact,) = judge(_distrusted(RevocationReason.COMPROMISED, LATER, log="authorities"), bundle).signers
    assert (fact.log_entries, fact.timestamps, len(fact.times)) == (1, 0, 1)


def test_one_of_two_logs_that_is_taken_back_is_not_counted() -> None:
    recipe = Recipe(
        statement=RELEASE, identity=CI, at=SIGNED, entries=(Entry(log="v1", integrated_at=SIGNED), Entry(log="v2"))
    )
    bundle = read_bundle(MATERIAL.mint(recipe).bundle, where="minted")
    trust = identities()
    (fact,) = judge(trust, bundle).signers
    assert fact.log_entries == 2
    for log in trust.trusted_roots[0].logs:
        taken = LogRevocation(uri=log.base_url, reason=RevocationReason.COMPROMISED, since=LATER)
        (fact,) = judge(replace(trust, log_revocations=(taken,)), bundle).signers
        assert fact.log_entries == 1


def test_a_keys_log_entry_is_not_counted_either_and_refused_only_where_it_is_asked_for() -> None:
    made = MATERIAL.mint(Recipe(statement=RELEASE, material="key", at=SIGNED))
    bundle = read_bundle(made.bundle, where="minted")
    key = replace(trusted(signer("ci"), valid_from=SIGNED - DAY, valid_until=LATER + DAY), spki=made.spki)
    trust = replace(_distrusted(RevocationReason.COMPROMISED, LATER, log="logs"), keys=(key,), holders=(key.holder,))
    (fact,) = judge(trust, bundle).signers
    assert (fact.log_entries, fact.timestamps) == (0, 1)
    asked = Requirements(log_entries=1)
    (refused,) = judge(trust, bundle, requirements=asked).rejected
    assert refused.code == "tlog.distrusted"
    assert judge(replace(trust, log_revocations=()), bundle, requirements=asked).rejected == ()


# -- whom a Sigstore instance vouches for -------------------------------------------------------------------------------

LAB = SigstoreMaterial()


def _instances(ours: tuple[str, ...], labs: tuple[str, ...]) -> TrustRoot:
    trust = identities()
    (lab,) = read_trusted_root(LAB.trusted_root(), where="lab")
    return replace(trust, trusted_roots=(replace(trust.trusted_roots[0], issuers=ours), replace(lab, issuers=labs)))


OTHER = "https://lab.example.test"
VOUCHED: dict[str, tuple[TrustRoot, SigstoreMaterial, str | None]] = {
    "the instance of the issuer": (_instances((CI.issuer or "",), (OTHER,)), MATERIAL, None),
    "an instance that vouches for both": (_instances((OTHER, CI.issuer or ""), (OTHER,)), MATERIAL, None),
    "another instance, for an identity that is not its own": (
        _instances((CI.issuer or "",), (OTHER,)),
        LAB,
        "certificate.untrusted",
    ),
    "an issuer that no instance vouches for": (_instances((OTHER,), (OTHER,)), MATERIAL, "identity.untrusted"),
}


@pytest.mark.parametrize(("trust", "material", "code"), VOUCHED.values(), ids=VOUCHED.keys())
def test_an_instance_vouches_for_the_issuers_it_is_listed_with(
    trust: TrustRoot, material: SigstoreMaterial, code: str | None
) -> None:
    bundle = read_bundle(material.mint(Recipe(statement=RELEASE, identity=CI, at=SIGNED)).bundle, where="minted")
    evidence = judge(trust, bundle)
    assert [item.code for item in evidence.rejected] == ([code] if code else [])
    assert len(evidence.signers) == (0 if code else 1)


def test_a_signature_under_a_root_that_the_document_does_not_list_is_nobodys() -> None:
    trust = identities()
    verified = verify_bundle(minted(), roots=trust.trusted_roots, now=LATER)
    assert signatory_of(verified.signature, trust).holder.id == "ci"
    strangers = (replace(trust, trusted_roots=()), _instances((OTHER,), (CI.issuer or "",)))
    for stranger in strangers:
        with pytest.raises(VerificationError) as caught:
            signatory_of(verified.signature, stranger)
        assert caught.value.code == "identity.untrusted"


KEY = trusted(signer("ci"), valid_from=NOW - DAY, valid_until=NOW + DAY)


@pytest.mark.parametrize(
    ("reason", "since", "at", "code"),
    [
        pytest.param(RevocationReason.SUPERSEDED, NOW + DAY / 2, NOW, None, id="superseded, and not yet"),
        pytest.param(RevocationReason.SUPERSEDED, NOW - DAY / 2, NOW, "key.revoked", id="superseded"),
        pytest.param(RevocationReason.COMPROMISED, NOW + DAY / 2, NOW, "key.revoked", id="compromised, even later"),
    ],
)
def test_a_key_without_trusted_time_is_judged_now(
    reason: RevocationReason, since: Any, at: Any, code: str | None
) -> None:
    trust = trust_root(KEY, key_revocations=(KeyRevocation(key=KEY.id, reason=reason, since=since),))
    evidence = judge(trust, release(signer("ci")), at=at)
    assert [item.code for item in evidence.rejected] == ([code] if code else [])


def test_a_signature_says_what_was_checked_before_it_was_refused() -> None:
    (refused,) = judge(taken_back(identities(), RevocationReason.COMPROMISED, SIGNED - DAY), minted()).rejected
    failed = [(check.id, check.code) for check in refused.checks if check.status == "failed"]
    assert failed == [("standing", "identity.revoked")]
    assert len(refused.evidence) == 64

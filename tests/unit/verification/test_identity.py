"""Identities: exact, and near misses explained."""

from __future__ import annotations

import pytest

from vxsec.errors import VerificationError
from vxsec.model.verification import CertificateIdentity
from vxsec.model.verified import VerifiedSignature
from vxsec.verification.identity import explain_identity, require_identity

WORKFLOW = "https://github.com/vextrus/mono/.github/workflows/release.yml@refs/heads/main"
GITHUB = "https://token.actions.githubusercontent.com"
CI = CertificateIdentity(subject=WORKFLOW, issuer=GITHUB)
ALICE = CertificateIdentity(subject="alice@example.test", issuer="https://accounts.google.com")
SIGNED = VerifiedSignature(spki=b"", identity=CI)


def test_the_exact_identity_is_enough() -> None:
    require_identity(SIGNED, subject=WORKFLOW, issuer=GITHUB)
    assert explain_identity(CI, subject=WORKFLOW, issuer=GITHUB) == ()


REFUSED = {
    "a key": (VerifiedSignature(spki=b""), WORKFLOW, GITHUB, "identity.no-certificate"),
    "another subject": (SIGNED, "ci@example.test", GITHUB, "identity.subject-mismatch"),
    "an empty subject": (SIGNED, "", GITHUB, "identity.subject-mismatch"),
    "other letters": (SIGNED, WORKFLOW.upper(), GITHUB, "identity.subject-mismatch"),
    "a pattern that would match": (SIGNED, "^https://github.com/.*$", GITHUB, "identity.subject-mismatch"),
    "a beginning": (SIGNED, WORKFLOW[:-1], GITHUB, "identity.subject-mismatch"),
    "another issuer": (SIGNED, WORKFLOW, "https://issuer.example.test", "identity.issuer-mismatch"),
    "an issuer with a slash": (SIGNED, WORKFLOW, GITHUB + "/", "identity.issuer-mismatch"),
    "an empty issuer": (SIGNED, WORKFLOW, "", "identity.issuer-mismatch"),
}


@pytest.mark.parametrize(("signature", "subject", "issuer", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(signature: VerifiedSignature, subject: str, issuer: str, code: str) -> None:
    with pytest.raises(VerificationError) as caught:
        require_identity(signature, subject=subject, issuer=issuer)
    assert caught.value.code == code
    assert caught.value.hint


EXPLAINED = {
    "a slash too many": (CI, WORKFLOW + "/", GITHUB, "the expected subject ends with a slash"),
    "a slash too few": (
        CertificateIdentity(subject=WORKFLOW, issuer=GITHUB + "/"),
        WORKFLOW,
        GITHUB,
        "the certificate's issuer ends with a slash",
    ),
    "blanks": (CI, f" {WORKFLOW}", GITHUB, "blanks"),
    "upper case": (CI, WORKFLOW.replace("vextrus", "Vextrus"), GITHUB, "upper and lower case"),
    "no scheme": (CI, WORKFLOW.removeprefix("https://"), GITHUB, "before '://'"),
    "another scheme": (CI, WORKFLOW.replace("https", "http"), GITHUB, "before '://'"),
    "an issuer without scheme": (CI, WORKFLOW, GITHUB.removeprefix("https://"), "before '://'"),
    "a tag for a branch": (CI, WORKFLOW.replace("heads/main", "tags/v1"), GITHUB, "a tag was expected"),
    "a branch for a pull request": (
        CertificateIdentity(subject=WORKFLOW.replace("heads/main", "pull/7/merge"), issuer=GITHUB),
        WORKFLOW,
        GITHUB,
        "ran for a pull request",
    ),
    "another branch": (CI, WORKFLOW.replace("main", "dev"), GITHUB, "the ref is another one"),
    "a short ref": (CI, WORKFLOW.replace("refs/heads/main", "main"), GITHUB, "the expected ref is short"),
    "no ref": (CI, WORKFLOW.partition("@")[0], GITHUB, "has no ref"),
    "another workflow file": (CI, WORKFLOW.replace("release.yml", "ci.yml"), GITHUB, "the workflow file is another"),
    "no workflow file": (CI, "https://github.com/vextrus/mono", GITHUB, "names no workflow file"),
    "another repository": (CI, WORKFLOW.replace("mono", "other"), GITHUB, "the repository is another one"),
    "an e-mail address for a workflow": (CI, "alice@example.test", GITHUB, "an e-mail address was expected"),
    "a workflow for an e-mail address": (ALICE, WORKFLOW, ALICE.issuer, "a URI was expected"),
    "a pattern": (CI, r"https://github\.com/vextrus/.*", GITHUB, "looks like a pattern"),
    "a letter of another script": (CI, WORKFLOW.replace("o", "\u043e", 1), GITHUB, "U+043E CYRILLIC SMALL LETTER O"),
    "a wide letter": (CI, WORKFLOW.replace("m", "\uff4d", 1), GITHUB, "U+FF4D"),
    "a character that nobody sees": (CI, WORKFLOW + "\u200b", GITHUB, "U+200B ZERO WIDTH SPACE"),
    "a look-alike in the certificate": (
        CertificateIdentity(subject="\u0430lice@example.test", issuer=ALICE.issuer),
        ALICE.subject,
        ALICE.issuer,
        "the certificate's subject holds characters",
    ),
    "a person for a machine": (ALICE, ALICE.subject, GITHUB, "people signing in with Google"),
    "another person": (ALICE, "bob@example.test", ALICE.issuer, "the subject is another one"),
    "another issuer that nobody knows": (
        CertificateIdentity(subject="x", issuer="https://a.example.test"),
        "x",
        "https://b.example.test",
        "the issuer is another one",
    ),
}


@pytest.mark.parametrize(("identity", "subject", "issuer", "words"), EXPLAINED.values(), ids=EXPLAINED.keys())
def test_explains(identity: CertificateIdentity, subject: str, issuer: str, words: str) -> None:
    assert any(words in sentence for sentence in explain_identity(identity, subject=subject, issuer=issuer))


def test_both_differences_are_told() -> None:
    sentences = explain_identity(ALICE, subject=WORKFLOW, issuer=GITHUB)
    assert any("a URI was expected" in sentence for sentence in sentences)
    assert any("the issuer" in sentence for sentence in sentences)


def test_long_values_are_cut() -> None:
    sentences = explain_identity(ALICE, subject="x" * 10_000, issuer=ALICE.issuer)
    assert all(len(sentence) < 1_000 for sentence in sentences)

"""Judges by themselves: a key that must see the whole file, and questions a judge does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from support import openpgp_kit
from support.signing_kit import DIGESTS, NOW, PACKAGE, REGISTRY, release, signer, team
from vxsec.errors import UsageError
from vxsec.formats.public_key import key_hint, render_public_key
from vxsec.formats.sigstore_bundle import read_bundle, render_message_bundle
from vxsec.inspection.artifact import read_artifact
from vxsec.model.artifact import Artifact
from vxsec.model.digest import digest_bytes
from vxsec.model.package import PackageRef
from vxsec.model.quorum import count_quorum
from vxsec.testing.artifacts import pack
from vxsec.usecases.signers_given import load_signers
from vxsec.usecases.verify_given import GivenJudge
from vxsec.usecases.verify_judges import FileSubject
from vxsec.usecases.verify_trusted import TrustJudge

if TYPE_CHECKING:
    from pathlib import Path

DATA = pack({"name": "@acme/kernel", "version": "1.0.0"})


def key_judge(folder: Path, name: str, algorithm: str, expect: PackageRef | None = None) -> GivenJudge:
    path = folder / f"{name}.pub"
    path.write_bytes(render_public_key(signer(name, algorithm).spki))
    given = load_signers(
        [path],
        identity=None,
        issuer=None,
        trusted_roots=(),
        gpg_keyring=None,
        gpg_fingerprints=(),
        requirements=None,
        now=NOW,
    )
    return GivenJudge(given, now=NOW, threshold=1, predicate_type=None, expect=expect, registry=None)


@pytest.mark.parametrize("opened", [True, False], ids=["a package, read already", "a file, read when needed"])
@pytest.mark.parametrize(("data", "counts"), [(DATA, True), (DATA + b"x", False)], ids=["these bytes", "other bytes"])
def test_a_bare_ed25519_signature_is_over_the_whole_file(
    tmp_path: Path, opened: bool, data: bytes, counts: bool
) -> None:
    path = tmp_path / "kernel.tgz"
    path.write_bytes(DATA)
    artifact = read_artifact(DATA, filename=str(path)) if opened else None
    assert artifact is None or isinstance(artifact, Artifact)
    subject = FileSubject(path=str(path), digests=digest_bytes(DATA), artifact=artifact)
    key = signer("ed", "ed25519")
    line = render_message_bundle(bytes.fromhex(digest_bytes(DATA).sha256), key.sign(data), key_hint(key.spki))
    judged = list(key_judge(tmp_path, "ed", "ed25519").judge_bundles(subject, [(read_bundle(line, where="b"), "b")]))
    assert [one.verdict.counted for one in judged] == [counts]
    assert (judged[0].signer is not None) == counts


def test_one_secret_given_in_two_forms_is_one_signer(tmp_path: Path) -> None:
    (tmp_path / "any").write_bytes(openpgp_kit.DATA)
    subject = FileSubject(path=str(tmp_path / "any"), digests=digest_bytes(openpgp_kit.DATA), artifact=None)
    one, other = openpgp_kit.key(7), openpgp_kit.key(8)
    point = one.private.public_key()
    (tmp_path / "k.pub").write_bytes(point.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (tmp_path / "ring.gpg").write_bytes(one.certificate() + other.certificate())
    given = load_signers(
        [tmp_path / "k.pub"],
        identity=None,
        issuer=None,
        trusted_roots=(),
        gpg_keyring=tmp_path / "ring.gpg",
        gpg_fingerprints=[one.fingerprint, other.fingerprint],
        requirements=None,
        now=NOW,
    )
    judge = GivenJudge(given, now=NOW, threshold=2, predicate_type=None, expect=None, registry=None)
    hint = key_hint(point.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    digest = bytes.fromhex(subject.digests.sha256)
    line = render_message_bundle(digest, one.private.sign(openpgp_kit.DATA), hint)
    judged = [
        *judge.judge_bundles(subject, [(read_bundle(line, where="b"), "b")]),
        *judge.judge_files(subject, [("any.asc", key.detached()) for key in (one, other)]),
    ]
    assert [one.verdict.counted for one in judged] == [True, True, True]
    signers = [one.signer for one in judged if one.signer is not None]
    assert count_quorum(signers[:2]).count == 1
    assert count_quorum(signers).count == 2


def test_a_statement_about_another_package_does_not_count_where_one_is_expected(tmp_path: Path) -> None:
    subject = FileSubject(path="any", digests=DIGESTS, artifact=None)
    bundles = [(release(signer("ci", "ecdsa-p256")), "b")]
    good = list(key_judge(tmp_path, "ci", "ecdsa-p256", PACKAGE).judge_bundles(subject, bundles))
    assert [one.verdict.code for one in good] == ["verified"]
    other = PackageRef(name=PACKAGE.name, version="9.9.9")
    judged = list(key_judge(tmp_path, "ci", "ecdsa-p256", other).judge_bundles(subject, bundles))
    assert [(one.verdict.code, one.signer) for one in judged] == [("signature.subject-mismatch", None)]


def test_a_trust_document_judges_packages_only() -> None:
    judge = TrustJudge(team(), now=NOW, threshold=1, predicate_type=None, registry=REGISTRY)
    with pytest.raises(UsageError) as caught:
        list(judge.judge_bundles(FileSubject(path="report.pdf", digests=DIGESTS, artifact=None), []))
    assert caught.value.where == "report.pdf"

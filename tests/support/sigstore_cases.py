"""Minted bundles, each with at most one defect. Rows are sentences; the verdicts stand in the tests that ask for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from vxsec.model.verification import Requirements
from vxsec.testing.sigstore.keys import make_key, spki_of
from vxsec.testing.sigstore.mint import (
    BLOB,
    IDENTITY,
    SIGNED_AT,
    STARTED_AT,
    STATEMENT,
    Entry,
    Identity,
    LeafShape,
    Note,
    Recipe,
    Root,
    Sct,
    Stamp,
    Window,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CASES", "Case"]


USUAL = Requirements(log_entries=1, scts=1)
"""What npm and the other clients ask of a signature by a certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is minted, and under which trusted root it is judged."""

    recipe: Recipe
    root: Root = field(default_factory=Root)
    refused: str | None = None
    """The code we refuse it with; None where a right verifier accepts it."""
    asked: Requirements = USUAL


V1 = (Entry(log="v1"),)
BUNDLE_V01 = "application/vnd.dev.sigstore.bundle+json;version=0.1"
BUNDLE_V02 = "application/vnd.dev.sigstore.bundle+json;version=0.2"
BUNDLE_V03_OLD = "application/vnd.dev.sigstore.bundle+json;version=0.3"
ENDED = Window(start=STARTED_AT, end=SIGNED_AT - timedelta(days=1))
NOT_YET = Window(start=SIGNED_AT + timedelta(days=36500))  # sigstore-python compares with the machine's clock
TO_THE_SECOND = Window(start=SIGNED_AT, end=SIGNED_AT)
BY_KEY = Requirements(log_entries=1)
YET_TO_COME = SIGNED_AT + timedelta(days=8 * 365)
ANOTHER_KEY = spki_of(make_key())
WORKFLOW = Identity(
    subject="https://github.com/vextrus/mono/.github/workflows/release.yml@refs/heads/main",
    issuer=IDENTITY.issuer,
    kind="uri",
    claims={"sourceRepositoryURI": "https://github.com/vextrus/mono", "runnerEnvironment": "github-hosted"},
)


def v1(**changes: Any) -> Recipe:
    """Logged in Rekor 1, no timestamp."""
    return Recipe(**{"entries": V1, "stamps": (), **changes})


def entry1(**changes: Any) -> Recipe:
    """The one Rekor 1 entry, changed."""
    return v1(entries=(Entry(log="v1", **changes),))


def entry2(**changes: Any) -> Recipe:
    """The one Rekor 2 entry, changed."""
    return Recipe(entries=(Entry(**changes),))


def note(**changes: Any) -> Recipe:
    """The checkpoint of the one Rekor 2 entry, changed."""
    return entry2(note=Note(**changes))


def stamp(**changes: Any) -> Recipe:
    """The one timestamp, changed."""
    return Recipe(stamps=(Stamp(**changes),))


def leaf(**changes: Any) -> Recipe:
    """The leaf certificate, changed."""
    return Recipe(leaf=LeafShape(**changes))


def _body(path: tuple[str, ...], value: object | None) -> Callable[[dict[str, Any]], None]:
    """Set a member of the logged body, or with None take it away."""

    def edit(body: dict[str, Any]) -> None:
        *parents, last = path
        for name in parents:
            body = body[name]
        if value is None:
            del body[last]
        else:
            body[last] = value

    return edit


def _sign_twice(bundle: dict[str, Any]) -> None:
    bundle["dsseEnvelope"]["signatures"] *= 2


def _sign_never(bundle: dict[str, Any]) -> None:
    bundle["dsseEnvelope"]["signatures"] = []


def _hint_too(bundle: dict[str, Any]) -> None:
    bundle["verificationMaterial"]["publicKey"] = {"hint": "mine"}


_GOOD: dict[str, Case] = {
    "a file, Rekor 2 and a timestamp": Case(recipe=Recipe()),
    "an envelope, Rekor 2 and a timestamp": Case(recipe=Recipe(statement=STATEMENT)),
    "a file, Rekor 1": Case(recipe=v1()),
    "an envelope, Rekor 1": Case(recipe=v1(statement=STATEMENT)),
    "a file, Rekor 1 and a timestamp": Case(recipe=Recipe(entries=V1)),
    "a workflow's identity": Case(recipe=Recipe(identity=WORKFLOW)),
    "bundle v0.3 under its older media type": Case(recipe=Recipe(media_type=BUNDLE_V03_OLD)),
    "bundle v0.2 with a chain of one": Case(recipe=v1(media_type=BUNDLE_V02, material="chain")),
    "bundle v0.2 with the intermediate, too": Case(
        recipe=v1(media_type=BUNDLE_V02, material="chain-with-intermediate")
    ),
    "bundle v0.1 with a promise and no proof": Case(
        recipe=v1(media_type=BUNDLE_V01, material="chain", entries=(Entry(log="v1", proof=False),))
    ),
    "a timestamp without certificates": Case(recipe=stamp(embedded="none")),
    "a timestamp with the whole chain": Case(recipe=stamp(embedded="chain")),
    "a timestamp over SHA-512": Case(recipe=stamp(algorithm="sha512")),
    "a cosigned checkpoint": Case(recipe=note(signers=("log", "witness"))),
    "a checkpoint signed by two keys of its origin": Case(recipe=note(signers=("second", "log"))),
    "a CT timestamp with extensions": Case(recipe=Recipe(scts=(Sct(extensions=b"\x00\x00\x05\x00\x00\x00\x00\x07"),))),
    "every window open for this very second": Case(
        recipe=Recipe(scts=(Sct(at=SIGNED_AT),), leaf_start=SIGNED_AT),
        root=Root(ca=TO_THE_SECOND, ct=TO_THE_SECOND, rekor_v2=TO_THE_SECOND, tsa=TO_THE_SECOND),
    ),
}

_ODD: dict[str, Case] = {
    "a P-384 leaf with SHA-384": Case(recipe=Recipe(key="ecdsa-p384")),
    "a P-384 leaf with SHA-384 over an envelope": Case(recipe=Recipe(key="ecdsa-p384", statement=STATEMENT)),
    "an Ed25519 leaf over an envelope": Case(recipe=v1(key="ed25519", statement=STATEMENT)),
    "an RSA leaf": Case(recipe=Recipe(key="rsa-2048")),
    "an RSA leaf over an envelope": Case(recipe=Recipe(key="rsa-2048", statement=STATEMENT)),
    "no log entry, a timestamp": Case(recipe=Recipe(entries=()), asked=Requirements(timestamps=1, scts=1)),
    "an in-toto entry": Case(recipe=v1(statement=STATEMENT, entries=(Entry(log="v1", kind="intoto"),))),
    "an envelope logged like a file, by what was signed": Case(
        recipe=v1(statement=STATEMENT, entries=(Entry(log="v1", kind="hashedrekord"),))
    ),
    "a dsse 0.0.2 entry": Case(recipe=Recipe(statement=STATEMENT, entries=(Entry(kind="dsse"),))),
    "two entries in two logs": Case(recipe=Recipe(entries=(Entry(log="v1"), Entry()))),
    "two CT timestamps of one log": Case(recipe=Recipe(scts=(Sct(), Sct(at=SIGNED_AT)))),
    "a good CT timestamp and one of a stranger": Case(recipe=Recipe(scts=(Sct(), Sct(log="other")))),
    "a good timestamp and one of a stranger": Case(recipe=Recipe(stamps=(Stamp(), Stamp(authority="other")))),
    "a key in place of a certificate": Case(recipe=Recipe(material="key"), asked=BY_KEY),
    "a key and Rekor 1": Case(recipe=v1(material="key"), asked=BY_KEY),
    "a key and a timestamp, no log": Case(recipe=Recipe(material="key", entries=()), asked=Requirements(timestamps=1)),
    "a bare signature that states no digest": Case(recipe=Recipe(message_digest=b"")),
    "a Rekor 2 entry with a time that nobody promised, and a timestamp": Case(recipe=entry2(integrated_at=SIGNED_AT)),
    "a checkpoint with more lines": Case(recipe=note(lines=("Timestamp: 1790000000000000000",))),
}

_BAD: dict[str, Case] = {
    # windows of the trusted root
    "the CA's window ended": Case(recipe=Recipe(), root=Root(ca=ENDED), refused="certificate.authority-window"),
    "the CA's window had not begun": Case(
        recipe=Recipe(), root=Root(ca=NOT_YET), refused="certificate.authority-window"
    ),
    "the CT log's window ended": Case(recipe=Recipe(), root=Root(ct=ENDED), refused="sct.log-window"),
    "the CT log's window had not begun": Case(recipe=Recipe(), root=Root(ct=NOT_YET), refused="sct.log-window"),
    "Rekor 1's window ended": Case(recipe=v1(), root=Root(rekor_v1=ENDED), refused="tlog.log-window"),
    "Rekor 1's window had not begun": Case(recipe=v1(), root=Root(rekor_v1=NOT_YET), refused="tlog.log-window"),
    "Rekor 2's window ended": Case(recipe=Recipe(), root=Root(rekor_v2=ENDED), refused="tlog.log-window"),
    "Rekor 2's window had not begun": Case(recipe=Recipe(), root=Root(rekor_v2=NOT_YET), refused="tlog.log-window"),
    "the timestamp authority's window ended": Case(
        recipe=Recipe(), root=Root(tsa=ENDED), refused="timestamp.authority-window"
    ),
    "the timestamp authority's window had not begun": Case(
        recipe=Recipe(), root=Root(tsa=NOT_YET), refused="timestamp.authority-window"
    ),
    "the CA is not in the root": Case(recipe=Recipe(), root=Root(ca=None), refused="certificate.untrusted"),
    "the CT log is not in the root": Case(recipe=Recipe(), root=Root(ct=None), refused="sct.unknown-log"),
    "Rekor 2 is not in the root": Case(recipe=Recipe(), root=Root(rekor_v2=None), refused="tlog.unknown-log"),
    "the timestamp authority is not in the root": Case(
        recipe=Recipe(), root=Root(tsa=None), refused="timestamp.untrusted"
    ),
    # certificate
    "a chain with its root in bundle v0.2": Case(
        recipe=v1(media_type=BUNDLE_V02, material="chain-with-root"), refused="bundle.root-certificate"
    ),
    "the CA is a stranger with the same names": Case(recipe=Recipe(authority="other"), refused="certificate.untrusted"),
    "the certificate had expired when it signed": Case(
        recipe=Recipe(leaf_start=SIGNED_AT - timedelta(hours=1), leaf_end=SIGNED_AT - timedelta(minutes=50)),
        refused="certificate.outside-validity",
    ),
    "the certificate was not valid yet when it signed": Case(
        recipe=Recipe(leaf_start=SIGNED_AT + timedelta(minutes=1), leaf_end=SIGNED_AT + timedelta(minutes=11)),
        refused="certificate.outside-validity",
    ),
    "the certificate had expired at the integrated time": Case(
        recipe=v1(leaf_start=SIGNED_AT - timedelta(hours=1), leaf_end=SIGNED_AT - timedelta(minutes=50)),
        refused="certificate.outside-validity",
    ),
    "the certificate's signature is broken": Case(recipe=leaf(broken_signature=True), refused="certificate.untrusted"),
    "the leaf is an authority": Case(recipe=leaf(ca=True), refused="certificate.is-authority"),
    "the leaf may not sign code": Case(recipe=leaf(code_signing=False), refused="certificate.key-usage"),
    "the leaf may not sign data": Case(recipe=leaf(digital_signature=False), refused="certificate.key-usage"),
    "the leaf names nobody": Case(recipe=leaf(alternative_name=False), refused="certificate.identity"),
    "the leaf does not name its issuer": Case(recipe=leaf(issuer_extensions=False), refused="certificate.identity"),
    "the leaf has an unknown critical extension": Case(
        recipe=leaf(unknown_critical_extension=True), refused="certificate.critical-extension"
    ),
    "the certificate is another identity's": Case(
        recipe=Recipe(identity=Identity(subject="mallory@example.test", issuer=IDENTITY.issuer)),
        refused="identity.subject-mismatch",
    ),
    "the certificate is of another issuer": Case(
        recipe=Recipe(identity=Identity(subject=IDENTITY.subject, issuer="https://other.example.test")),
        refused="identity.issuer-mismatch",
    ),
    "the leaf names two": Case(recipe=leaf(second_name="mallory@example.test"), refused="certificate.identity"),
    "bundle v0.3 with a chain": Case(recipe=Recipe(material="chain"), refused="bundle.material"),
    # CT timestamps
    "no CT timestamp": Case(recipe=Recipe(scts=()), refused="sct.too-few"),
    "the CT timestamp is a stranger's": Case(recipe=Recipe(scts=(Sct(log="other"),)), refused="sct.unknown-log"),
    "the CT timestamp is of another certificate": Case(
        recipe=Recipe(scts=(Sct(wrong_tbs=True),)), refused="sct.signature"
    ),
    "the CT timestamp is for another issuer": Case(
        recipe=Recipe(scts=(Sct(wrong_issuer=True),)), refused="sct.signature"
    ),
    "the CT timestamp is garbage": Case(recipe=Recipe(scts=(Sct(raw=b"\x00garbage"),)), refused="sct.malformed"),
    # signature and content
    "the signature is over other bytes": Case(recipe=Recipe(signed=b"other bytes"), refused="signature.invalid"),
    "the bundle shows another signature than was logged": Case(
        recipe=Recipe(shown_signature=b"0" * 70), refused="signature.invalid"
    ),
    "the stated digest is another": Case(recipe=Recipe(message_digest=bytes(32)), refused="bundle.digest-mismatch"),
    "the envelope shows another payload": Case(
        recipe=Recipe(statement=STATEMENT, shown_payload=STATEMENT.replace(b'"file"', b'"elif"')),
        refused="signature.invalid",
    ),
    "the envelope of Rekor 1 shows another payload": Case(
        recipe=v1(statement=STATEMENT, shown_payload=STATEMENT.replace(b'"file"', b'"elif"')),
        refused="signature.invalid",
    ),
    "the payload type is not in-toto's": Case(
        recipe=Recipe(statement=STATEMENT, payload_type="text/plain"), refused="bundle.payload-type"
    ),
    "the envelope has two signatures": Case(
        recipe=Recipe(statement=STATEMENT, edit=_sign_twice), refused="bundle.signature-count"
    ),
    "the envelope has no signature": Case(
        recipe=Recipe(statement=STATEMENT, edit=_sign_never), refused="bundle.signature-count"
    ),
    "a media type that nobody knows": Case(
        recipe=Recipe(media_type="application/vnd.dev.sigstore.bundle.v0.4+json"), refused="bundle.media-type"
    ),
    "a certificate and a key's hint": Case(recipe=Recipe(edit=_hint_too), refused="bundle.material"),
    # log entries
    "no log entry and no timestamp": Case(recipe=Recipe(entries=(), stamps=()), refused="certificate.no-trusted-time"),
    "one entry twice": Case(recipe=Recipe(repeat_entries=2), refused="tlog.duplicate-entry"),
    "one Rekor 1 entry twice": Case(recipe=v1(repeat_entries=2), refused="tlog.duplicate-entry"),
    "the log is a stranger with the same name": Case(recipe=entry2(whose="other"), refused="tlog.unknown-log"),
    "Rekor 1 is a stranger with the same name": Case(recipe=entry1(whose="other"), refused="tlog.unknown-log"),
    "the entry logged another digest": Case(recipe=entry2(digest=bytes(32)), refused="tlog.artifact-mismatch"),
    "the Rekor 1 entry logged another digest": Case(recipe=entry1(digest=bytes(32)), refused="tlog.artifact-mismatch"),
    "the entry logged another signature": Case(recipe=entry2(signature=b"0" * 70), refused="tlog.signature-mismatch"),
    "the Rekor 1 entry logged another signature": Case(
        recipe=entry1(signature=b"0" * 70), refused="tlog.signature-mismatch"
    ),
    "the entry logged another key": Case(recipe=entry2(verifier=ANOTHER_KEY), refused="tlog.verifier-mismatch"),
    "the Rekor 1 entry logged another key": Case(recipe=entry1(verifier=ANOTHER_KEY), refused="tlog.verifier-mismatch"),
    "the entry's body was swapped": Case(recipe=entry2(swap_body=b"{}"), refused="tlog.body"),
    "the entry's body is no JSON": Case(recipe=entry2(swap_body=b"not JSON"), refused="tlog.body"),
    "the entry states another kind": Case(recipe=entry2(stated_kind=("dsse", "0.0.2")), refused="tlog.kind-mismatch"),
    "the entry states another version": Case(
        recipe=entry2(stated_kind=("hashedrekord", "0.0.1")), refused="tlog.kind-mismatch"
    ),
    "the entry states a kind nobody knows": Case(recipe=entry2(stated_kind=("rpm", "0.0.1")), refused="tlog.kind"),
    "a file logged as an envelope": Case(recipe=entry1(kind="dsse"), refused="tlog.kind-mismatch"),
    "the dsse entry has no payload hash": Case(
        recipe=v1(statement=STATEMENT, entries=(Entry(log="v1", edit_body=_body(("spec", "payloadHash"), None)),)),
        refused="tlog.body",
    ),
    "the dsse entry has another payload hash": Case(
        recipe=v1(
            statement=STATEMENT,
            entries=(Entry(log="v1", edit_body=_body(("spec", "payloadHash", "value"), "00" * 32)),),
        ),
        refused="tlog.artifact-mismatch",
    ),
    "the dsse entry has no signatures": Case(
        recipe=v1(statement=STATEMENT, entries=(Entry(log="v1", edit_body=_body(("spec", "signatures"), [])),)),
        refused="tlog.body",
    ),
    "the proof's index is not the entry's": Case(recipe=entry2(log_index_offset=1), refused="tlog.index-mismatch"),
    "the proof is of another index": Case(
        recipe=entry2(log_index_offset=-1, proof_index_offset=-1), refused="tlog.inclusion-proof"
    ),
    "the proof's size is not the checkpoint's": Case(
        recipe=entry2(tree_size_offset=1), refused="tlog.checkpoint-mismatch"
    ),
    "the Rekor 1 proof's size is not the checkpoint's": Case(
        recipe=entry1(tree_size_offset=1), refused="tlog.checkpoint-mismatch"
    ),
    "a proof's hash has a bit turned": Case(recipe=entry2(hashes="flipped"), refused="tlog.inclusion-proof"),
    "a Rekor 1 proof's hash has a bit turned": Case(recipe=entry1(hashes="flipped"), refused="tlog.inclusion-proof"),
    "a proof's hash is missing": Case(recipe=entry2(hashes="missing"), refused="tlog.inclusion-proof"),
    "a proof has a hash too many": Case(recipe=entry2(hashes="extra"), refused="tlog.inclusion-proof"),
    "a proof has no hashes": Case(recipe=entry2(hashes="none"), refused="tlog.inclusion-proof"),
    "the proof's root hash is another": Case(recipe=entry2(root=bytes(32)), refused="tlog.inclusion-proof"),
    "Rekor 2 without a proof": Case(recipe=entry2(proof=False), refused="tlog.no-proof"),
    "Rekor 1 in bundle v0.3 without a proof": Case(recipe=entry1(proof=False), refused="tlog.no-proof"),
    "bundle v0.2 without a proof": Case(
        recipe=v1(media_type=BUNDLE_V02, material="chain", entries=(Entry(log="v1", proof=False),)),
        refused="tlog.no-proof",
    ),
    "bundle v0.1 without a promise": Case(
        recipe=v1(media_type=BUNDLE_V01, material="chain", entries=(Entry(log="v1", promise="none", proof=False),)),
        refused="tlog.no-promise",
    ),
    "the promise is broken": Case(recipe=entry1(promise="broken"), refused="tlog.set-signature"),
    "the promise is a stranger's": Case(recipe=entry1(promise="other"), refused="tlog.set-signature"),
    "Rekor 1 with a time that nobody promised": Case(
        recipe=entry1(promise="none"), refused="certificate.no-trusted-time"
    ),
    "Rekor 1 in bundle v0.1, the promise broken, no proof": Case(
        recipe=v1(media_type=BUNDLE_V01, material="chain", entries=(Entry(log="v1", promise="broken", proof=False),)),
        refused="tlog.set-signature",
    ),
    "the log's id is nobody's": Case(recipe=entry2(log_id=bytes(32)), refused="tlog.unknown-log"),
    "a Rekor 2 entry with a time that nobody promised, and no timestamp": Case(
        recipe=Recipe(entries=(Entry(integrated_at=SIGNED_AT),), stamps=()), refused="certificate.no-trusted-time"
    ),
    # checkpoints
    "no checkpoint": Case(recipe=note(present=False), refused="tlog.no-checkpoint"),
    "the checkpoint's signature is broken": Case(recipe=note(signers=("broken",)), refused="tlog.checkpoint-signature"),
    "the checkpoint is signed by another key in the log's name": Case(
        recipe=note(signers=("other",)), refused="tlog.checkpoint-signature"
    ),
    "the checkpoint is signed by a witness alone": Case(
        recipe=note(signers=("witness",)), refused="tlog.checkpoint-key"
    ),
    "the checkpoint's key hint is wrong": Case(recipe=note(signers=("unhinted",)), refused="tlog.checkpoint-key"),
    "the checkpoint has no signatures": Case(recipe=note(signers=()), refused="tlog.checkpoint"),
    "the checkpoint has another root hash": Case(recipe=note(root=bytes(32)), refused="tlog.checkpoint-mismatch"),
    "the checkpoint has another size": Case(recipe=note(size_offset=1), refused="tlog.checkpoint-mismatch"),
    "the checkpoint has another origin": Case(
        recipe=note(origin="other.example.test"), refused="tlog.checkpoint-origin"
    ),
    "the checkpoint's origin is empty": Case(recipe=note(origin=""), refused="tlog.checkpoint"),
    "the checkpoint has no origin": Case(recipe=note(without="origin"), refused="tlog.checkpoint"),
    "the checkpoint has no size": Case(recipe=note(without="size"), refused="tlog.checkpoint"),
    "the checkpoint has no root hash": Case(recipe=note(without="root"), refused="tlog.checkpoint"),
    "the checkpoint is no note": Case(recipe=note(raw="not a note"), refused="tlog.checkpoint"),
    # timestamps
    "a good timestamp, and a promised time outside the certificate": Case(
        recipe=Recipe(entries=(Entry(log="v1", integrated_at=SIGNED_AT + timedelta(hours=1)),)),
        refused="certificate.outside-validity",
    ),
    "a promised time that is yet to come": Case(recipe=v1(at=YET_TO_COME), refused="tlog.time-in-future"),
    "a timestamp that is yet to come": Case(recipe=Recipe(at=YET_TO_COME), refused="timestamp.in-future"),
    "one timestamp twice": Case(recipe=Recipe(repeat_stamps=2), refused="timestamp.duplicate"),
    "Rekor 2 without a timestamp": Case(recipe=Recipe(stamps=()), refused="certificate.no-trusted-time"),
    "the timestamp authority is a stranger with the same names": Case(
        recipe=stamp(authority="other"), refused="timestamp.untrusted"
    ),
    "a stranger's timestamp without certificates": Case(
        recipe=stamp(authority="other", embedded="none"), refused="timestamp.untrusted"
    ),
    "the timestamp authority's certificate had expired": Case(
        recipe=stamp(authority="expired"),
        root=Root(expired_tsa=Window(start=STARTED_AT)),
        refused="timestamp.certificate-validity",
    ),
    "the timestamp authority's certificate is not for timestamps": Case(
        recipe=stamp(authority="not-for-timestamps"),
        root=Root(wrong_usage_tsa=Window(start=STARTED_AT)),
        refused="timestamp.certificate",
    ),
    "the timestamp is over other bytes": Case(recipe=stamp(over=b"other bytes"), refused="timestamp.imprint"),
    "the timestamp is over the file, not the signature": Case(recipe=stamp(over=BLOB), refused="timestamp.imprint"),
    "the timestamp's signature is broken": Case(recipe=stamp(broken_signature=True), refused="timestamp.signature"),
    "the timestamp is garbage": Case(recipe=stamp(raw=b"garbage"), refused="timestamp.malformed"),
    "the timestamp is after the certificate": Case(
        recipe=stamp(at=SIGNED_AT + timedelta(hours=1)), refused="certificate.outside-validity"
    ),
    "the timestamp is before the certificate": Case(
        recipe=stamp(at=SIGNED_AT - timedelta(hours=1)), refused="certificate.outside-validity"
    ),
    "two timestamps, one outside the certificate": Case(
        recipe=Recipe(stamps=(Stamp(), Stamp(at=SIGNED_AT + timedelta(hours=1)))),
        refused="certificate.outside-validity",
    ),
}

CASES: dict[str, Case] = _GOOD | _ODD | _BAD

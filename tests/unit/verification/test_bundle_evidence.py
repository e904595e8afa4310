"""Bundles with certificates, logs and timestamps: what is accepted, and every defect with the reason it is refused for."""

from __future__ import annotations

import base64
import hashlib
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from support.signing_kit import signer
from vxsec.errors import UsageError, VerificationError, VxsecError
from vxsec.formats.der import SEQUENCE, read_only, render_der
from vxsec.formats.sigstore_bundle import read_bundle
from vxsec.formats.trusted_root import read_trusted_root
from vxsec.limits import Limits
from vxsec.model.verification import CheckStatus, Requirements, TimeSource
from vxsec.model.verified import VerifiedBlob, VerifiedStatement
from vxsec.testing.sigstore.mint import (
    ALWAYS,
    BLOB,
    IDENTITY,
    SIGNED_AT,
    STARTED_AT,
    STATEMENT,
    Entry,
    LeafShape,
    Note,
    Recipe,
    Root,
    Sct,
    SigstoreMaterial,
    Stamp,
    Window,
)
from vxsec.testing.sigstore.timestamp import TimestampAuthority
from vxsec.verification.bundle import verify_bundle
from vxsec.verification.certificate_chain import load_certificate
from vxsec.verification.checks import CHECKS, checks_of
from vxsec.verification.requirements import requirements_of
from vxsec.verification.timestamp import verify_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from vxsec.model.trusted_root import TrustedRoot

NOW = SIGNED_AT + timedelta(days=30)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
HEX = hashlib.sha256(BLOB).hexdigest()
V01 = "application/vnd.dev.sigstore.bundle+json;version=0.1"
V02 = "application/vnd.dev.sigstore.bundle+json;version=0.2"
V1 = Entry(log="v1")
BEFORE = Window(start=SIGNED_AT - 2 * DAY, end=SIGNED_AT - DAY)
UP_TO_THEN = Window(start=SIGNED_AT - DAY, end=SIGNED_AT)
FROM_THEN = Window(start=SIGNED_AT)
OF_A_BUNDLE = set(CHECKS[: CHECKS.index("requirements") + 1])
_SHA512 = {"algorithm": "SHA2_512", "digest": base64.b64encode(bytes(64)).decode()}
OTHER_SHA256 = hashlib.sha256(b"other").digest()


@cache
def _material() -> SigstoreMaterial:
    return SigstoreMaterial()


def _other_hash_stamp() -> bytes:
    """The digest's name is changed: whose imprint it is does not matter any more."""
    made = _material().timestamps["trusted"].stamp(b"signature", at=SIGNED_AT)
    sha256, sha3 = bytes.fromhex("0609608648016503040201"), bytes.fromhex("0609608648016503040209")
    assert sha256 in made
    return made.replace(sha256, sha3)


def _rebuilt_stamp(change: Callable[[bytes, bytes], bytes]) -> bytes:
    """A timestamp whose SignedData is ``change`` of it and the authority's certificate."""
    authority = _material().timestamps["trusted"]
    made = authority.stamp(b"signature", at=SIGNED_AT)
    response = read_only(made, SEQUENCE).inside()
    status, token = response.next(SEQUENCE).whole, response.next(SEQUENCE).inside()
    kind, signed = token.next().whole, read_only(token.next().content, SEQUENCE).content
    changed = change(signed, authority.chain[0])
    assert changed != signed
    again = render_der(SEQUENCE, kind + render_der(0xA0, render_der(SEQUENCE, changed)))
    return render_der(SEQUENCE, status + again)


def _odd_imprint_stamp() -> bytes:
    """Only the imprint, which stands first after the list of digests, names another hash."""
    sha256, sha3 = bytes.fromhex("0609608648016503040201"), bytes.fromhex("0609608648016503040209")

    def change(signed: bytes, _: bytes) -> bytes:
        head, imprint, tail = signed.split(sha256, 2)
        return head + sha256 + imprint + sha3 + tail

    return _rebuilt_stamp(change)


def _crowded_stamp() -> bytes:
    """A dozen certificates stand in it, in the order that DER gives a set."""

    def crowd(signed: bytes, leaf: bytes) -> bytes:
        others = b"".join(leaf[:-1] + bytes([number]) for number in range(12))
        return signed.replace(render_der(0xA0, leaf), render_der(0xA0, others))

    return _rebuilt_stamp(crowd)


def _unsigned_leaf_stamp() -> bytes:
    """Two certificates: one of another name, one of the signer's name and number that the authority did not sign."""

    def change(signed: bytes, leaf: bytes) -> bytes:
        others = leaf[:-1] + bytes([leaf[-1] ^ 1]), _material().authorities["trusted"].chain[0]
        return signed.replace(render_der(0xA0, leaf), render_der(0xA0, b"".join(sorted(others))))

    return _rebuilt_stamp(change)


def _twice_signed_stamp() -> bytes:
    def change(signed: bytes, leaf: bytes) -> bytes:
        head, tail = signed.split(render_der(0xA0, leaf))
        signer_info = read_only(tail, 0x31).content
        both = sorted((signer_info, signer_info[:-1] + bytes([signer_info[-1] ^ 1])))
        return head + render_der(0xA0, leaf) + render_der(0x31, b"".join(both))

    return _rebuilt_stamp(change)


def _odd_sct() -> bytes:
    """One of the listed log that says it hashes with SHA-512."""
    log_id = _material().ct_logs["trusted"].log_id
    return b"\x00" + log_id + (0).to_bytes(8, "big") + b"\x00\x00" + b"\x06\x03" + b"\x00\x01" + b"x"


@cache
def _stranger() -> SigstoreMaterial:
    material = SigstoreMaterial()
    material.timestamps["trusted"] = TimestampAuthority(start=STARTED_AT, name="stranger")
    return material


def _roots(root: Root | None = None) -> tuple[TrustedRoot, ...]:
    return read_trusted_root(_material().trusted_root(root), where="root")


def _verify(
    recipe: Recipe | None = None,
    root: Root | None = None,
    *,
    requirements: Requirements | None = None,
    now: datetime = NOW,
    by_digest: bool = False,
) -> VerifiedStatement | VerifiedBlob:
    minted = _material().mint(recipe)
    return verify_bundle(
        read_bundle(minted.bundle, where="minted"),
        keys=[minted.spki] if recipe is not None and recipe.material == "key" else [],
        roots=_roots(root),
        requirements=requirements,
        sha256=hashlib.sha256(minted.blob).hexdigest(),
        blob=None if by_digest else lambda: minted.blob,
        now=now,
    )


def _v1(**entry: Any) -> Recipe:
    return Recipe(entries=(Entry(log="v1", **entry),), stamps=())


def _v2(**entry: Any) -> Recipe:
    return Recipe(entries=(Entry(**entry),))


def _without_stamping_leaf(root: dict[str, Any]) -> None:
    """The authority's chain then begins with the certificate authority above it."""
    root["timestampAuthorities"][0]["certChain"]["certificates"].pop(0)


def _unreadable_first(root: dict[str, Any]) -> None:
    for kind in ("timestampAuthorities", "certificateAuthorities"):
        root[kind].insert(0, root[kind][0] | {"certChain": {"certificates": [{"rawBytes": "AAAA"}]}})


def _another_window(kind: str) -> Any:
    """The authority is listed once more, and trusted since long ago."""

    def change(root: dict[str, Any]) -> None:
        root[kind].append(root[kind][0] | {"validFor": {"start": "2020-01-01T00:00:00Z"}})

    return change


def _not_der(*, listed: bool) -> bytes:
    """A timestamp whose version is an integer with a zero too many: other readers take it."""
    material = _material() if listed else _stranger()
    made = material.timestamps["trusted"].stamp(b"signature", at=SIGNED_AT)
    found = made.replace(bytes.fromhex("020101"), bytes.fromhex("0a0101"), 1)
    assert found != made
    return found


ACCEPTED: dict[str, tuple[Recipe, Root | None]] = {
    "Rekor v2 and a timestamp": (Recipe(), None),
    "Rekor v1 alone": (_v1(), None),
    "Rekor v1 without promise, and a timestamp": (Recipe(entries=(Entry(log="v1", promise="none"),)), None),
    "both logs": (Recipe(entries=(V1, Entry())), None),
    "bundle v0.1 with promise, proof and checkpoint": (
        Recipe(entries=(V1,), stamps=(), media_type=V01, material="chain"),
        None,
    ),
    "bundle v0.1 with a promise alone": (
        Recipe(entries=(Entry(log="v1", proof=False),), stamps=(), media_type=V01, material="chain"),
        None,
    ),
    "bundle v0.1 with a proof without checkpoint": (
        Recipe(entries=(Entry(log="v1", note=Note(present=False)),), stamps=(), media_type=V01, material="chain"),
        None,
    ),
    "bundle v0.2": (Recipe(media_type=V02, material="chain"), None),
    "an envelope in Rekor v2": (Recipe(statement=STATEMENT), None),
    "an envelope as dsse in Rekor v1": (Recipe(statement=STATEMENT, entries=(V1,), stamps=()), None),
    "an envelope as intoto in Rekor v1": (
        Recipe(statement=STATEMENT, entries=(Entry(log="v1", kind="intoto"),), stamps=()),
        None,
    ),
    "an envelope as hashedrekord in Rekor v1": (
        Recipe(statement=STATEMENT, entries=(Entry(log="v1", kind="hashedrekord"),), stamps=()),
        None,
    ),
    "an envelope as dsse in Rekor v2": (Recipe(statement=STATEMENT, entries=(Entry(kind="dsse"),)), None),
    "a P-384 leaf": (Recipe(key="ecdsa-p384"), None),
    "an Ed25519 leaf": (Recipe(key="ed25519"), None),
    "an RSA leaf": (Recipe(key="rsa-2048"), None),
    "an envelope by an Ed25519 leaf": (Recipe(statement=STATEMENT, key="ed25519"), None),
    "a timestamp with its whole chain": (Recipe(stamps=(Stamp(embedded="chain"),)), None),
    "a timestamp without certificates": (Recipe(stamps=(Stamp(embedded="none"),)), None),
    "an authority listed without the certificate that it stamps with": (Recipe(), Root(edit=_without_stamping_leaf)),
    "a timestamp authority's windows, one closed and one open": (
        Recipe(),
        Root(tsa=BEFORE, edit=_another_window("timestampAuthorities")),
    ),
    "a log's windows, one closed and one open": (
        _v1(),
        Root(
            rekor_v1=BEFORE,
            edit=lambda root: root["tlogs"].append(
                root["tlogs"][0]
                | {"publicKey": root["tlogs"][0]["publicKey"] | {"validFor": {"start": "2020-01-01T00:00:00Z"}}}
            ),
        ),
    ),
    "a timestamp authority that cannot be read listed first": (Recipe(), Root(edit=_unreadable_first)),
    "a timestamp over SHA-512": (Recipe(stamps=(Stamp(algorithm="sha512"),)), None),
    "a timestamp of a stranger beside a good one": (Recipe(stamps=(Stamp(authority="other"), Stamp())), None),
    "an entry of a stranger beside a good one": (Recipe(entries=(Entry(whose="other"), Entry())), None),
    "a log of the same id with another key listed first": (
        Recipe(),
        Root(
            edit=lambda root: root["tlogs"].insert(0, root["tlogs"][-1] | {"publicKey": root["tlogs"][0]["publicKey"]})
        ),
    ),
    "an SCT with extensions": (Recipe(scts=(Sct(extensions=b"\x01\x02"),)), None),
    "an SCT of a stranger beside a good one": (Recipe(scts=(Sct(log="other"), Sct())), None),
    "no SCT where no CT log is listed": (Recipe(scts=()), Root(ct=None)),
    "a timestamp alone where no log is listed": (Recipe(entries=()), Root(rekor_v1=None, rekor_v2=None)),
    "as GitHub signs for private repositories": (
        Recipe(statement=STATEMENT, entries=(), scts=()),
        Root(rekor_v1=None, rekor_v2=None, ct=None),
    ),
    "no description of the message": (Recipe(message_digest=b""), None),
    "cosigned by a witness": (_v2(note=Note(signers=("witness", "log"))), None),
    "two signatures of the origin, one by another key": (_v2(note=Note(signers=("second", "log"))), None),
    "two signatures with the log's hint, one good": (_v2(note=Note(signers=("other", "log"))), None),
    "a checkpoint with more lines": (_v2(note=Note(lines=("extension line",))), None),
    # windows are closed intervals
    "the log's window ends that second": (_v1(), Root(rekor_v1=UP_TO_THEN)),
    "the log's window starts that second": (_v1(), Root(rekor_v1=FROM_THEN)),
    "the second log's window ends that second": (Recipe(), Root(rekor_v2=UP_TO_THEN)),
    "the timestamp authority's window ends that second": (Recipe(), Root(tsa=UP_TO_THEN)),
    "the timestamp authority's window starts that second": (Recipe(), Root(tsa=FROM_THEN)),
    "the certificate authority's window ends that second": (Recipe(), Root(ca=UP_TO_THEN)),
    "the CT log's window ends when the leaf starts": (
        Recipe(leaf_start=SIGNED_AT),
        Root(ct=Window(start=SIGNED_AT - DAY, end=SIGNED_AT)),
    ),
    "the leaf ends that second": (Recipe(leaf_end=SIGNED_AT), None),
    "the leaf starts that second": (Recipe(leaf_start=SIGNED_AT), None),
    "an authority's windows, one closed and one open": (
        Recipe(),
        Root(ca=BEFORE, edit=_another_window("certificateAuthorities")),
    ),
}


@pytest.mark.parametrize(("recipe", "root"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepts(recipe: Recipe, root: Root | None) -> None:
    signature = _verify(recipe, root).signature
    assert signature.identity is not None
    assert (signature.identity.subject, signature.identity.issuer) == (IDENTITY.subject, IDENTITY.issuer)
    assert signature.times
    assert all(time.at == SIGNED_AT for time in signature.times)
    assert {check.id for check in signature.checks} == set(CHECKS)


REFUSED: dict[str, tuple[Recipe, Root | None, str]] = {
    # the signature and what was signed
    "another signature": (Recipe(shown_signature=b"\x30\x06\x02\x01\x01\x02\x01\x01"), None, "signature.invalid"),
    "signed with another key": (Recipe(signed=b"other bytes"), None, "signature.invalid"),
    "another payload than was signed": (
        Recipe(statement=STATEMENT, shown_payload=STATEMENT + b" "),
        None,
        "signature.invalid",
    ),
    "another digest stated": (Recipe(message_digest=OTHER_SHA256), None, "bundle.digest-mismatch"),
    "another payload type": (Recipe(statement=STATEMENT, payload_type="text/plain"), None, "bundle.payload-type"),
    "a payload that is no statement": (Recipe(statement=b'{"_type":"x"}'), None, "statement.unsupported"),
    # the certificate
    "an authority that is not listed": (Recipe(authority="other"), None, "certificate.untrusted"),
    "no authority listed": (Recipe(), Root(ca=None), "certificate.untrusted"),
    "a certificate with a broken signature": (
        Recipe(leaf=LeafShape(broken_signature=True)),
        None,
        "certificate.untrusted",
    ),
    "an authority's certificate": (Recipe(leaf=LeafShape(ca=True)), None, "certificate.is-authority"),
    "a certificate not for signatures": (
        Recipe(leaf=LeafShape(digital_signature=False)),
        None,
        "certificate.key-usage",
    ),
    "a certificate not for code": (Recipe(leaf=LeafShape(code_signing=False)), None, "certificate.key-usage"),
    "a certificate without a name": (Recipe(leaf=LeafShape(alternative_name=False)), None, "certificate.identity"),
    "a certificate without an issuer of its identity": (
        Recipe(leaf=LeafShape(issuer_extensions=False)),
        None,
        "certificate.identity",
    ),
    "something critical that is not known": (
        Recipe(leaf=LeafShape(unknown_critical_extension=True)),
        None,
        "certificate.critical-extension",
    ),
    "a certificate that ended a second before": (
        Recipe(leaf_end=SIGNED_AT - SECOND),
        None,
        "certificate.outside-validity",
    ),
    "a certificate that starts a second later": (
        Recipe(leaf_start=SIGNED_AT + SECOND),
        None,
        "certificate.outside-validity",
    ),
    "the log's time is outside the certificate": (
        _v1(integrated_at=SIGNED_AT + DAY),
        None,
        "certificate.outside-validity",
    ),
    "one of two timestamps is outside the certificate": (
        Recipe(stamps=(Stamp(), Stamp(at=SIGNED_AT + DAY))),
        None,
        "certificate.outside-validity",
    ),
    "the log's time is in the certificate, the timestamp is not": (
        Recipe(entries=(V1,), stamps=(Stamp(at=SIGNED_AT + DAY),)),
        None,
        "certificate.outside-validity",
    ),
    "the authority's window had ended": (Recipe(), Root(ca=BEFORE), "certificate.authority-window"),
    "the authority's window ended a second before": (
        Recipe(),
        Root(ca=Window(start=SIGNED_AT - DAY, end=SIGNED_AT - SECOND)),
        "certificate.authority-window",
    ),
    "the authority's window starts a second later": (
        Recipe(),
        Root(ca=Window(start=SIGNED_AT + SECOND)),
        "certificate.authority-window",
    ),
    # times
    "no time at all": (Recipe(stamps=()), None, "certificate.no-trusted-time"),
    "a time that no promise covers": (_v1(promise="none"), None, "certificate.no-trusted-time"),
    "a time that a log of version 2 states": (
        Recipe(entries=(Entry(integrated_at=SIGNED_AT),), stamps=()),
        None,
        "certificate.no-trusted-time",
    ),
    # SCTs
    "no SCT": (Recipe(scts=()), None, "sct.too-few"),
    "an SCT of a log that is not listed": (Recipe(scts=(Sct(log="other"),)), None, "sct.unknown-log"),
    "an SCT over another certificate": (Recipe(scts=(Sct(wrong_tbs=True),)), None, "sct.signature"),
    "an SCT for another issuer": (Recipe(scts=(Sct(wrong_issuer=True),)), None, "sct.signature"),
    "a good SCT and a made-up one of the same log": (Recipe(scts=(Sct(), Sct(wrong_tbs=True))), None, "sct.signature"),
    "an SCT outside the log's window": (Recipe(), Root(ct=BEFORE), "sct.log-window"),
    "an SCT in the future": (Recipe(scts=(Sct(at=NOW + DAY),)), None, "sct.in-future"),
    "an SCT of another algorithm": (Recipe(scts=(Sct(raw=_odd_sct()),)), None, "sct.signature"),
    "an SCT that is noise": (Recipe(scts=(Sct(raw=b"noise"),)), None, "sct.malformed"),
    # which log, and how often
    "no log entry": (Recipe(entries=()), None, "tlog.too-few"),
    "an entry of a log that is not listed": (Recipe(entries=(Entry(whose="other"),)), None, "tlog.unknown-log"),
    "the only time comes from a log that is not listed": (
        Recipe(entries=(Entry(log="v1", whose="other"),), stamps=()),
        None,
        "tlog.unknown-log",
    ),
    "the same entry twice": (Recipe(repeat_entries=2), None, "tlog.duplicate-entry"),
    "the same entry twice in Rekor v1": (
        Recipe(entries=(V1,), stamps=(), repeat_entries=2),
        None,
        "tlog.duplicate-entry",
    ),
    "a bad entry of a listed log beside a good one": (
        Recipe(entries=(Entry(), Entry(log="v1", promise="broken"))),
        None,
        "tlog.set-signature",
    ),
    # what the entry is about
    "an entry about another file": (_v2(digest=OTHER_SHA256), None, "tlog.artifact-mismatch"),
    "an entry about another file in Rekor v1": (_v1(digest=OTHER_SHA256), None, "tlog.artifact-mismatch"),
    "an entry about another signature": (_v2(signature=b"other"), None, "tlog.signature-mismatch"),
    "an entry about another signature in Rekor v1": (_v1(signature=b"other"), None, "tlog.signature-mismatch"),
    "an envelope's entry with another kind of digest": (
        Recipe(
            statement=STATEMENT,
            entries=(Entry(edit_body=lambda body: body["spec"]["hashedRekordV002"]["data"].update(_SHA512)),),
        ),
        None,
        "tlog.artifact-mismatch",
    ),
    "an entry about another envelope": (
        Recipe(statement=STATEMENT, entries=(Entry(digest=OTHER_SHA256),)),
        None,
        "tlog.artifact-mismatch",
    ),
    "an entry of another kind than it says": (_v2(stated_kind=("dsse", "0.0.2")), None, "tlog.kind-mismatch"),
    "an entry of another version than it says": (
        _v2(stated_kind=("hashedrekord", "0.0.1")),
        None,
        "tlog.kind-mismatch",
    ),
    "an entry of a kind that nobody knows": (_v2(stated_kind=("rpm", "0.0.1")), None, "tlog.kind"),
    "an envelope's entry for a bare signature": (
        Recipe(entries=(Entry(kind="dsse", swap_body=None, edit_body=None),)),
        None,
        "tlog.kind-mismatch",
    ),
    "an entry that is no JSON": (_v2(swap_body=b"\xff"), None, "tlog.body"),
    "an envelope's entry without the payload's digest": (
        Recipe(
            statement=STATEMENT,
            entries=(Entry(log="v1", edit_body=lambda body: body["spec"].pop("payloadHash")),),
            stamps=(),
        ),
        None,
        "tlog.body",
    ),
    "an envelope's entry with two signatures": (
        Recipe(
            statement=STATEMENT,
            entries=(
                Entry(
                    log="v1", edit_body=lambda body: body["spec"]["signatures"].append(body["spec"]["signatures"][0])
                ),
            ),
            stamps=(),
        ),
        None,
        "tlog.signature-mismatch",
    ),
    # promise
    "a broken promise": (_v1(promise="broken"), None, "tlog.set-signature"),
    "a promise by another key": (_v1(promise="other"), None, "tlog.set-signature"),
    "a promise for another time": (
        _v1(edit=lambda entry: entry.update(integratedTime=str(int(SIGNED_AT.timestamp()) + 1))),
        None,
        "tlog.set-signature",
    ),
    "a promise for another index": (
        _v1(edit=lambda entry: entry.update(logIndex=str(int(entry["logIndex"]) + 1))),
        None,
        "tlog.set-signature",
    ),
    "a promise without a time": (_v1(edit=lambda entry: entry.pop("integratedTime")), None, "tlog.no-time"),
    "a promise for the future": (_v1(integrated_at=NOW + DAY), None, "tlog.time-in-future"),
    "a promise for a time that no calendar has": (
        _v1(edit=lambda entry: entry.update(integratedTime=str(2**62))),
        None,
        "tlog.time-in-future",
    ),
    "no promise in a bundle v0.1": (
        Recipe(entries=(Entry(log="v1", promise="none"),), media_type=V01, material="chain"),
        None,
        "tlog.no-promise",
    ),
    # proof
    "no proof": (_v2(proof=False), None, "tlog.no-proof"),
    "no proof beside a promise in a bundle v0.2": (
        Recipe(entries=(Entry(log="v1", proof=False),), stamps=(), media_type=V02, material="chain"),
        None,
        "tlog.no-proof",
    ),
    "a hash of the proof turned": (_v2(hashes="flipped"), None, "tlog.inclusion-proof"),
    "a proof that is too short": (_v2(hashes="missing"), None, "tlog.inclusion-proof"),
    "a proof that is too long": (_v2(hashes="extra"), None, "tlog.inclusion-proof"),
    "a proof without hashes": (_v2(hashes="none"), None, "tlog.inclusion-proof"),
    "a bad proof in a bundle v0.1 without checkpoint": (
        Recipe(
            entries=(Entry(log="v1", hashes="flipped", note=Note(present=False)),),
            stamps=(),
            media_type=V01,
            material="chain",
        ),
        None,
        "tlog.inclusion-proof",
    ),
    "a proof of another root": (_v2(root=bytes(32)), None, "tlog.inclusion-proof"),
    "a proof in a larger tree": (_v2(tree_size_offset=1), None, "tlog.checkpoint-mismatch"),
    "an index beside the proof's": (_v2(log_index_offset=1), None, "tlog.index-mismatch"),
    "a proof's index beside the entry's": (_v2(proof_index_offset=-1), None, "tlog.index-mismatch"),
    "an index of the whole log below the shard's": (
        _v1(edit=lambda entry: entry.update(logIndex="0"), promise="none"),
        None,
        "tlog.index-mismatch",
    ),
    # checkpoint
    "no checkpoint": (_v2(note=Note(present=False)), None, "tlog.no-checkpoint"),
    "a checkpoint of another size": (_v2(note=Note(size_offset=1)), None, "tlog.checkpoint-mismatch"),
    "a checkpoint of another root": (_v2(note=Note(root=bytes(32))), None, "tlog.checkpoint-mismatch"),
    "a checkpoint of another origin": (_v2(note=Note(origin="log.example.test")), None, "tlog.checkpoint-origin"),
    "a checkpoint without origin": (_v2(note=Note(without="origin")), None, "tlog.checkpoint"),
    "a checkpoint with an empty origin": (_v2(note=Note(origin="")), None, "tlog.checkpoint"),
    "a checkpoint without size": (_v2(note=Note(without="size")), None, "tlog.checkpoint"),
    "a checkpoint without root": (_v2(note=Note(without="root")), None, "tlog.checkpoint"),
    "a checkpoint without signatures": (_v2(note=Note(signers=())), None, "tlog.checkpoint"),
    "a checkpoint that is noise": (_v2(note=Note(raw="noise")), None, "tlog.checkpoint"),
    "a checkpoint signed by a witness alone": (_v2(note=Note(signers=("witness",))), None, "tlog.checkpoint-key"),
    "a checkpoint by another key of the origin": (_v2(note=Note(signers=("second",))), None, "tlog.checkpoint-key"),
    "a checkpoint with another hint": (_v2(note=Note(signers=("unhinted",))), None, "tlog.checkpoint-key"),
    "a checkpoint by another key with the log's hint": (
        _v2(note=Note(signers=("other",))),
        None,
        "tlog.checkpoint-signature",
    ),
    "a checkpoint with a broken signature": (_v2(note=Note(signers=("broken",))), None, "tlog.checkpoint-signature"),
    "a broken checkpoint in Rekor v1": (_v1(note=Note(signers=("broken",))), None, "tlog.checkpoint-signature"),
    "a checkpoint with another hint in Rekor v1": (_v1(note=Note(signers=("unhinted",))), None, "tlog.checkpoint-key"),
    # the log's window
    "the log's window had ended": (_v1(), Root(rekor_v1=BEFORE), "tlog.log-window"),
    "the second log's window had ended": (Recipe(), Root(rekor_v2=BEFORE), "tlog.log-window"),
    "the second log's window starts a second later": (
        Recipe(),
        Root(rekor_v2=Window(start=SIGNED_AT + SECOND)),
        "tlog.log-window",
    ),
    # timestamps
    "a timestamp of a stranger alone": (Recipe(stamps=(Stamp(authority="other"),)), None, "timestamp.untrusted"),
    "no timestamp authority listed": (Recipe(), Root(tsa=None), "timestamp.untrusted"),
    "a stranger's timestamp with the whole chain": (
        Recipe(stamps=(Stamp(authority="other", embedded="chain"),)),
        None,
        "timestamp.untrusted",
    ),
    "an authority listed without its certificate, which the timestamp lacks, too": (
        Recipe(stamps=(Stamp(embedded="none"),)),
        Root(edit=_without_stamping_leaf),
        "timestamp.untrusted",
    ),
    "a stranger's timestamp under an authority of that name": (
        Recipe(stamps=(Stamp(authority="other"),)),
        Root(edit=_without_stamping_leaf),
        "timestamp.untrusted",
    ),
    "a listed authority's timestamp that is not DER": (
        Recipe(stamps=(Stamp(raw=_not_der(listed=True)),)),
        None,
        "timestamp.malformed",
    ),
    "a stranger's timestamp that is not DER": (
        Recipe(stamps=(Stamp(raw=_not_der(listed=False)),)),
        None,
        "timestamp.untrusted",
    ),
    "the same timestamp twice": (Recipe(repeat_stamps=2), None, "timestamp.duplicate"),
    "a timestamp over something else": (Recipe(stamps=(Stamp(over=b"other"),)), None, "timestamp.imprint"),
    "a timestamp with a broken signature": (
        Recipe(stamps=(Stamp(broken_signature=True),)),
        None,
        "timestamp.signature",
    ),
    "a bad timestamp beside a good one": (
        Recipe(stamps=(Stamp(), Stamp(broken_signature=True))),
        None,
        "timestamp.signature",
    ),
    "a timestamp that is noise around what names a token": (
        Recipe(stamps=(Stamp(raw=bytes.fromhex("060b2a864886f70d0109100104")),)),
        None,
        "timestamp.malformed",
    ),
    "a timestamp with a hash that is not taken": (
        Recipe(stamps=(Stamp(raw=_other_hash_stamp()),)),
        None,
        "timestamp.algorithm",
    ),
    "a refusal in place of a timestamp": (
        Recipe(stamps=(Stamp(raw=bytes.fromhex("30053003020102")),)),
        None,
        "timestamp.not-granted",
    ),
    "a timestamp whose imprint is made with a hash that is not taken": (
        Recipe(stamps=(Stamp(raw=_odd_imprint_stamp()),)),
        None,
        "timestamp.algorithm",
    ),
    "a timestamp with two signers": (Recipe(stamps=(Stamp(raw=_twice_signed_stamp()),)), None, "timestamp.malformed"),
    "a timestamp with another certificate of the authority's signer": (
        Recipe(stamps=(Stamp(raw=_unsigned_leaf_stamp()),)),
        Root(edit=_without_stamping_leaf),
        "timestamp.untrusted",
    ),
    "a timestamp with a crowd of certificates": (
        Recipe(stamps=(Stamp(raw=_crowded_stamp()),)),
        None,
        "timestamp.malformed",
    ),
    "a timestamp that is noise": (Recipe(stamps=(Stamp(raw=b"noise"),)), None, "timestamp.malformed"),
    "the timestamp authority's window had ended": (Recipe(), Root(tsa=BEFORE), "timestamp.authority-window"),
    "the timestamp authority's window ended a second before": (
        Recipe(),
        Root(tsa=Window(start=SIGNED_AT - DAY, end=SIGNED_AT - SECOND)),
        "timestamp.authority-window",
    ),
    "a timestamp in the future": (Recipe(stamps=(Stamp(at=NOW + DAY),)), None, "timestamp.in-future"),
    "the timestamp authority's certificate had expired": (
        Recipe(stamps=(Stamp(authority="expired"),)),
        Root(expired_tsa=ALWAYS),
        "timestamp.certificate-validity",
    ),
    "the timestamp authority's certificate is for something else": (
        Recipe(stamps=(Stamp(authority="not-for-timestamps"),)),
        Root(wrong_usage_tsa=ALWAYS),
        "timestamp.certificate",
    ),
}


@pytest.mark.parametrize(("recipe", "root", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(recipe: Recipe, root: Root | None, code: str) -> None:
    with pytest.raises(VxsecError) as caught:
        _verify(recipe, root)
    assert caught.value.code == code
    assert caught.value.exit_status == 10


# -- by digest, by key, by requirement ----------------------------------------------------------------------------------


def test_a_digest_is_enough_but_for_what_signs_the_bytes() -> None:
    assert isinstance(_verify(by_digest=True), VerifiedBlob)
    for key in ("ed25519", "ecdsa-p384"):
        with pytest.raises(VerificationError) as caught:
            _verify(Recipe(key=key), by_digest=True)
        assert caught.value.code == "signature.needs-file"


def test_a_key_needs_nothing_and_what_lies_beside_it_counts_under_a_root() -> None:
    signature = _verify(Recipe(material="key", entries=(V1, Entry()))).signature
    assert (signature.log_entries, signature.timestamps, signature.scts, signature.identity) == (2, 1, 0, None)
    assert {time.source for time in signature.times} == {TimeSource.LOG, TimeSource.TIMESTAMP}
    bare = _verify(Recipe(material="key", entries=(), stamps=())).signature
    assert (bare.log_entries, bare.timestamps, bare.times) == (0, 0, ())


def test_without_roots_what_lies_beside_a_key_is_not_looked_at() -> None:
    minted = _material().mint(Recipe(material="key", entries=(Entry(log="v1", promise="broken"),)))
    bundle = read_bundle(minted.bundle, where="b")
    signature = verify_bundle(bundle, keys=[minted.spki], sha256=HEX).signature
    assert signature.log_entries == 0
    assert {check.id: check.status for check in signature.checks}["log-entry"] is CheckStatus.NOT_RUN
    with pytest.raises(VerificationError) as caught:
        verify_bundle(bundle, keys=[minted.spki], sha256=HEX, requirements=Requirements(log_entries=1))
    assert caught.value.code == "tlog.too-few"


KEYS_REFUSED = {
    "a broken entry of a listed log": (Recipe(entries=(Entry(hashes="flipped"),)), None, "tlog.inclusion-proof"),
    "an entry with another key": (_v2(verifier=signer("other").spki), None, "tlog.verifier-mismatch"),
    "a broken timestamp of a listed authority": (
        Recipe(stamps=(Stamp(broken_signature=True),)),
        None,
        "timestamp.signature",
    ),
    "a log whose window has ended, and no trusted time": (
        Recipe(stamps=()),
        Root(rekor_v2=Window(start=SIGNED_AT - DAY, end=SIGNED_AT + DAY)),
        "tlog.log-window",
    ),
}


@pytest.mark.parametrize(("recipe", "root", "code"), KEYS_REFUSED.values(), ids=KEYS_REFUSED.keys())
def test_refuses_a_key_s_bundle(recipe: Recipe, root: Root | None, code: str) -> None:
    changed = Recipe(material="key", entries=recipe.entries, stamps=recipe.stamps)
    with pytest.raises(VxsecError) as caught:
        _verify(changed, root)
    assert caught.value.code == code


def test_entries_and_timestamps_of_strangers_do_a_key_s_bundle_no_harm() -> None:
    recipe = Recipe(material="key", entries=(Entry(whose="other"),), stamps=(Stamp(authority="other"),))
    signature = _verify(recipe).signature
    assert (signature.log_entries, signature.timestamps) == (0, 0)
    failed = {check.id: check.code for check in signature.checks if check.status is CheckStatus.FAILED}
    assert failed == {"log-entry": "tlog.unknown-log", "timestamp": "timestamp.untrusted"}


def _not_verified_here(kind: str) -> Callable[[dict[str, Any]], None]:
    def edit(root: dict[str, Any]) -> None:
        for log in root[kind]:
            log["hashAlgorithm"] = "SHA2_512"

    return edit


LEFT_OUT = {
    "no entry, and the logs are of a kind not verified here": (Recipe(entries=()), "tlogs", "tlog.too-few"),
    "an entry of a log of a kind not verified here": (Recipe(), "tlogs", "tlog.unknown-log"),
    "no SCT, and the logs are of a kind not verified here": (Recipe(scts=()), "ctlogs", "sct.too-few"),
    "an SCT of a log of a kind not verified here": (Recipe(), "ctlogs", "sct.unknown-log"),
}


@pytest.mark.parametrize(("recipe", "kind", "code"), LEFT_OUT.values(), ids=LEFT_OUT.keys())
def test_what_is_not_understood_is_asked_for_all_the_same(recipe: Recipe, kind: str, code: str) -> None:
    with pytest.raises(VerificationError, match="of kinds not verified here: https://") as caught:
        _verify(recipe, Root(edit=_not_verified_here(kind)))
    assert caught.value.code == code
    (told,) = [check for check in checks_of(caught.value) if check.id == "requirements"]
    assert (told.status, told.code) == (CheckStatus.FAILED, code)
    assert "not verified here" in told.message


REQUIREMENTS = {
    "two logs": (Recipe(), Requirements(log_entries=2), "tlog.too-few"),
    "two timestamps by one authority": (
        Recipe(stamps=(Stamp(), Stamp(at=SIGNED_AT + SECOND))),
        Requirements(timestamps=2),
        "timestamp.too-few",
    ),
    "two entries of one log": (
        Recipe(statement=STATEMENT, entries=(Entry(), Entry(kind="dsse"))),
        Requirements(log_entries=2),
        "tlog.too-few",
    ),
    "two SCTs of one log": (Recipe(scts=(Sct(), Sct(at=SIGNED_AT))), Requirements(scts=2), "sct.too-few"),
    "a timestamp where the log states the time": (_v1(), Requirements(timestamps=1), "timestamp.too-few"),
}


@pytest.mark.parametrize(("recipe", "requirements", "code"), REQUIREMENTS.values(), ids=REQUIREMENTS.keys())
def test_asks_for_more(recipe: Recipe, requirements: Requirements, code: str) -> None:
    assert isinstance(_verify(recipe), VerifiedStatement | VerifiedBlob)
    with pytest.raises(VerificationError) as caught:
        _verify(recipe, requirements=requirements)
    assert caught.value.code == code


def test_what_is_asked_for_may_be_less_than_the_root_lists() -> None:
    recipe = Recipe(entries=(), scts=())
    found = _verify(recipe, requirements=Requirements()).signature
    assert (found.log_entries, found.timestamps, found.scts) == (0, 1, 0)
    with pytest.raises(VerificationError) as caught:
        _verify(Recipe(entries=(), stamps=()), requirements=Requirements())
    assert caught.value.code == "certificate.no-trusted-time"


def test_the_trusted_root_says_what_a_certificate_needs() -> None:
    assert requirements_of(_roots()[0]) == Requirements(log_entries=1, scts=1)
    assert requirements_of(_roots(Root(rekor_v1=None, rekor_v2=None, ct=None))[0]) == Requirements()


# -- several roots ------------------------------------------------------------------------------------------------------


def test_one_root_of_several_is_enough_and_must_satisfy_everything() -> None:
    stranger = read_trusted_root(SigstoreMaterial().trusted_root(), where="stranger")
    minted = _material().mint()
    bundle = read_bundle(minted.bundle, where="b")
    for roots in ((*stranger, *_roots()), (*_roots(), *stranger)):
        assert verify_bundle(bundle, roots=roots, sha256=HEX, now=NOW).signature.log_entries == 1
    halves = (*_roots(Root(ca=None)), *_roots(Root(tsa=None)))
    with pytest.raises(VerificationError) as caught:
        verify_bundle(bundle, roots=halves, sha256=HEX, now=NOW)
    assert caught.value.code == "timestamp.untrusted"
    assert [check.id for check in checks_of(caught.value) if check.status is CheckStatus.FAILED] == [
        "timestamp",
        "certificate-time",
    ]


def test_an_authority_whose_own_chain_is_broken_vouches_for_nothing() -> None:
    def break_chain(root: dict[str, Any]) -> None:
        chain = root["certificateAuthorities"][0]["certChain"]["certificates"]
        chain[1] = {"rawBytes": base64.b64encode(_material().authorities["other"].chain[1]).decode()}

    with pytest.raises(VerificationError) as caught:
        _verify(None, Root(edit=break_chain))
    assert caught.value.code == "certificate.chain"


def test_the_error_is_that_of_the_root_that_came_furthest() -> None:
    roots = (*_roots(Root(rekor_v2=BEFORE)), *_roots(Root(ca=None)))
    for order in (roots, roots[::-1]):
        with pytest.raises(VerificationError) as caught:
            verify_bundle(read_bundle(_material().mint().bundle, where="b"), roots=order, sha256=HEX, now=NOW)
        assert caught.value.code == "tlog.log-window"


def test_a_decoy_authority_of_the_same_name_does_not_hide_the_real_one() -> None:
    decoy = base64.b64encode(_material().authorities["other"].chain[0]).decode()
    real = _material().authorities["trusted"].chain
    assert real[0] != _material().authorities["other"].chain[0]

    def list_first(root: dict[str, Any]) -> None:
        listed = root["certificateAuthorities"]
        listed.insert(0, listed[0] | {"certChain": {"certificates": [{"rawBytes": decoy}]}})

    assert _verify(None, Root(edit=list_first)).signature.scts == 1


# -- usage --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("now", [None, datetime(2026, 12, 1)], ids=["none", "without offset"])  # noqa: DTZ001 - the point
@pytest.mark.parametrize("recipe", [Recipe(), Recipe(material="key")], ids=["certificate", "key"])
def test_the_time_of_judgement_must_be_given(recipe: Recipe, now: datetime | None) -> None:
    minted = _material().mint(recipe)
    bundle = read_bundle(minted.bundle, where="b")
    with pytest.raises(UsageError) as caught:
        verify_bundle(bundle, keys=[minted.spki], roots=_roots(), sha256=HEX, now=now)
    assert caught.value.code == "verify.no-time"


def test_material_that_nothing_was_given_for() -> None:
    minted = _material().mint()
    by_key = _material().mint(Recipe(material="key"))
    with pytest.raises(VerificationError) as caught:
        verify_bundle(read_bundle(minted.bundle, where="b"), keys=[by_key.spki], sha256=HEX)
    assert caught.value.code == "certificate.no-root"
    with pytest.raises(VerificationError) as caught:
        verify_bundle(read_bundle(by_key.bundle, where="b"), roots=_roots(), sha256=HEX, now=NOW)
    assert caught.value.code == "signature.no-key"
    with pytest.raises(VerificationError) as caught:
        verify_bundle(read_bundle(by_key.bundle, where="b"), keys=[minted.spki], sha256=HEX)
    assert caught.value.code == "signature.untrusted-key"


# -- what is told -------------------------------------------------------------------------------------------------------


def test_every_check_is_told_when_all_hold() -> None:
    checks = _verify().signature.checks
    assert [check.id for check in checks] == list(CHECKS)
    passed = {check.id for check in checks if check.status is CheckStatus.PASSED}
    assert OF_A_BUNDLE - passed == {"payload", "log-promise"}
    assert all(check.message for check in checks)


def test_a_failure_tells_what_held_what_did_not_and_what_was_not_reached() -> None:
    with pytest.raises(VerificationError) as caught:
        _verify(_v2(hashes="flipped"))
    checks = checks_of(caught.value)
    told = {check.id: (check.status, check.code) for check in checks}
    assert [check.id for check in checks] == list(CHECKS)
    assert told["signature"] == (CheckStatus.PASSED, None)
    assert told["log-entry"] == (CheckStatus.PASSED, None)
    assert told["log-inclusion"] == (CheckStatus.FAILED, "tlog.inclusion-proof")
    assert told["log-checkpoint"] == (CheckStatus.NOT_RUN, None)
    assert told["requirements"] == (CheckStatus.NOT_RUN, None)


def test_a_skew_of_clocks_is_forgiven_up_to_its_bound() -> None:
    slow = SIGNED_AT - timedelta(seconds=Limits().clock_skew_seconds)
    assert _verify(_v1(), now=slow).signature.times
    assert _verify(Recipe(), now=slow).signature.times
    with pytest.raises(VerificationError) as caught:
        _verify(_v1(), now=slow - SECOND)
    assert caught.value.code == "tlog.time-in-future"


def test_threads_that_verify_at_once_leave_the_filters_of_warnings_as_they_were() -> None:
    before, pace = list(warnings.filters), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: _verify().signature.timestamps, range(64)))
    finally:
        sys.setswitchinterval(pace)
    assert (found, warnings.filters) == ([1] * 64, before)


def test_a_name_that_makes_the_library_warn_is_nobodys_and_prints_nothing(recwarn: pytest.WarningsRecorder) -> None:
    made = _material().timestamps["trusted"].stamp(b"signature", at=SIGNED_AT)
    common_name, country = bytes.fromhex("0603550403"), bytes.fromhex("0603550406")  # a country has two letters
    assert common_name in made
    with pytest.raises(VerificationError) as caught:
        verify_timestamp(
            made.replace(common_name, country),
            b"signature",
            authorities=_roots()[0].timestamp_authorities,
            now=NOW,
            limits=Limits(),
        )
    assert caught.value.code == "timestamp.untrusted"
    assert not recwarn.list


@pytest.mark.parametrize("kept", [slice(None), slice(1, None)], ids=["leaf first", "authority first"])
def test_an_authority_without_a_uri_is_known_by_its_root_whatever_key_it_stamps_with(kept: slice) -> None:
    made = _material().timestamps["trusted"].stamp(b"signature", at=SIGNED_AT)
    (listed,) = _roots()[0].timestamp_authorities
    nameless = replace(listed, uri="", chain=listed.chain[kept])
    stamp = verify_timestamp(made, b"signature", authorities=[nameless], now=NOW, limits=Limits())
    root, leaf = (load_certificate(listed.chain[place]).spki for place in (-1, 0))
    assert (stamp.name, stamp.key, stamp.time.authority) == (f"key:{root.hex()}", leaf, "")


@pytest.mark.parametrize("recipe", [Recipe(), _v1()], ids=["a timestamp", "a promise"])
def test_the_last_moment_there_is_can_be_the_time_of_judgement(recipe: Recipe) -> None:
    assert _verify(recipe, now=datetime.max.replace(tzinfo=UTC)).signature.times


def test_times_are_aware() -> None:
    assert all(time.at.tzinfo is UTC for time in _verify(Recipe(entries=(V1, Entry()))).signature.times)

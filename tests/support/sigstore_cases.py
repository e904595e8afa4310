"""Minted bundles, each with at most one defect. Rows are sentences; the verdicts stand in the tests that ask for them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is minted, and under which trusted root it is judged."""

    recipe: Recipe
    root: Root = field(default_factory=Root)
    good: bool = False
    """Whether a right verifier accepts it, asked for no more than one trusted time and one CT timestamp."""


V1 = (Entry(log="v1"),)
BUNDLE_V01 = "application/vnd.dev.sigstore.bundle+json;version=0.1"
BUNDLE_V02 = "application/vnd.dev.sigstore.bundle+json;version=0.2"
BUNDLE_V03_OLD = "application/vnd.dev.sigstore.bundle+json;version=0.3"
ENDED = Window(start=STARTED_AT, end=SIGNED_AT - timedelta(days=1))
NOT_YET = Window(start=SIGNED_AT + timedelta(days=36500))  # sigstore-python compares with the machine's clock
TO_THE_SECOND = Window(start=SIGNED_AT, end=SIGNED_AT)
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


_GOOD: dict[str, Case] = {
    "a file, Rekor 2 and a timestamp": Case(recipe=Recipe()),
    "an envelope, Rekor 2 and a timestamp": Case(recipe=Recipe(statement=STATEMENT)),
    "a file, Rekor 1": Case(recipe=v1()),
    "an envelope, Rekor 1": Case(recipe=v1(statement=STATEMENT)),
    "a file, Rekor 1 and a timestamp": Case(recipe=Recipe(entries=V1)),
    "a workflow's identity": Case(recipe=Recipe(identity=WORKFLOW)),
    "bundle v0.3 under its older media type": Case(recipe=Recipe(media_type=BUNDLE_V03_OLD)),
    "bundle v0.2 with a chain of one": Case(recipe=v1(media_type=BUNDLE_V02, material="chain")),
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
    "no log entry, a timestamp": Case(recipe=Recipe(entries=())),
    "an in-toto entry": Case(recipe=v1(statement=STATEMENT, entries=(Entry(log="v1", kind="intoto"),))),
    "two entries in two logs": Case(recipe=Recipe(entries=(Entry(log="v1"), Entry()))),
    "two CT timestamps of one log": Case(recipe=Recipe(scts=(Sct(), Sct(at=SIGNED_AT)))),
    "a good CT timestamp and one of a stranger": Case(recipe=Recipe(scts=(Sct(), Sct(log="other")))),
    "a good timestamp and one of a stranger": Case(recipe=Recipe(stamps=(Stamp(), Stamp(authority="other")))),
    "a chain with intermediate and root in bundle v0.2": Case(
        recipe=v1(media_type=BUNDLE_V02, material="chain-with-root")
    ),
    "a key in place of a certificate": Case(recipe=Recipe(material="key")),
    "a key and Rekor 1": Case(recipe=v1(material="key")),
    "a key and a timestamp, no log": Case(recipe=Recipe(material="key", entries=())),
    "a bare signature that states no digest": Case(recipe=Recipe(message_digest=b"")),
    "a Rekor 2 entry with a time that nobody promised, and a timestamp": Case(recipe=entry2(integrated_at=SIGNED_AT)),
    "a checkpoint with more lines": Case(recipe=note(lines=("Timestamp: 1790000000000000000",))),
}

_BAD: dict[str, Case] = {
    # windows of the trusted root
    "the CA's window ended": Case(recipe=Recipe(), root=Root(ca=ENDED)),
    "the CA's window had not begun": Case(recipe=Recipe(), root=Root(ca=NOT_YET)),
    "the CT log's window ended": Case(recipe=Recipe(), root=Root(ct=ENDED)),
    "the CT log's window had not begun": Case(recipe=Recipe(), root=Root(ct=NOT_YET)),
    "Rekor 1's window ended": Case(recipe=v1(), root=Root(rekor_v1=ENDED)),
    "Rekor 1's window had not begun": Case(recipe=v1(), root=Root(rekor_v1=NOT_YET)),
    "Rekor 2's window ended": Case(recipe=Recipe(), root=Root(rekor_v2=ENDED)),
    "Rekor 2's window had not begun": Case(recipe=Recipe(), root=Root(rekor_v2=NOT_YET)),
    "the timestamp authority's window ended": Case(recipe=Recipe(), root=Root(tsa=ENDED)),
    "the timestamp authority's window had not begun": Case(recipe=Recipe(), root=Root(tsa=NOT_YET)),
    "the CA is not in the root": Case(recipe=Recipe(), root=Root(ca=None)),
    "the CT log is not in the root": Case(recipe=Recipe(), root=Root(ct=None)),
    "Rekor 2 is not in the root": Case(recipe=Recipe(), root=Root(rekor_v2=None)),
    "the timestamp authority is not in the root": Case(recipe=Recipe(), root=Root(tsa=None)),
    # certificate
    "the CA is a stranger with the same names": Case(recipe=Recipe(authority="other")),
    "the certificate had expired when it signed": Case(
        recipe=Recipe(leaf_start=SIGNED_AT - timedelta(hours=1), leaf_end=SIGNED_AT - timedelta(minutes=50))
    ),
    "the certificate was not valid yet when it signed": Case(
        recipe=Recipe(leaf_start=SIGNED_AT + timedelta(minutes=1), leaf_end=SIGNED_AT + timedelta(minutes=11))
    ),
    "the certificate had expired at the integrated time": Case(
        recipe=v1(leaf_start=SIGNED_AT - timedelta(hours=1), leaf_end=SIGNED_AT - timedelta(minutes=50))
    ),
    "the certificate's signature is broken": Case(recipe=leaf(broken_signature=True)),
    "the leaf is an authority": Case(recipe=leaf(ca=True)),
    "the leaf may not sign code": Case(recipe=leaf(code_signing=False)),
    "the leaf may not sign data": Case(recipe=leaf(digital_signature=False)),
    "the leaf names nobody": Case(recipe=leaf(alternative_name=False)),
    "the leaf does not name its issuer": Case(recipe=leaf(issuer_extensions=False)),
    "the leaf has an unknown critical extension": Case(recipe=leaf(unknown_critical_extension=True)),
    "the certificate is another identity's": Case(
        recipe=Recipe(identity=Identity(subject="mallory@example.test", issuer=IDENTITY.issuer))
    ),
    "the certificate is of another issuer": Case(
        recipe=Recipe(identity=Identity(subject=IDENTITY.subject, issuer="https://other.example.test"))
    ),
    # CT timestamps
    "no CT timestamp": Case(recipe=Recipe(scts=())),
    "the CT timestamp is a stranger's": Case(recipe=Recipe(scts=(Sct(log="other"),))),
    "the CT timestamp is of another certificate": Case(recipe=Recipe(scts=(Sct(wrong_tbs=True),))),
    "the CT timestamp is for another issuer": Case(recipe=Recipe(scts=(Sct(wrong_issuer=True),))),
    "the CT timestamp is garbage": Case(recipe=Recipe(scts=(Sct(raw=b"\x00garbage"),))),
    # signature and content
    "the signature is over other bytes": Case(recipe=Recipe(signed=b"other bytes")),
    "the bundle shows another signature than was logged": Case(recipe=Recipe(shown_signature=b"0" * 70)),
    "the stated digest is another": Case(recipe=Recipe(message_digest=bytes(32))),
    "the envelope shows another payload": Case(
        recipe=Recipe(statement=STATEMENT, shown_payload=STATEMENT.replace(b'"file"', b'"elif"'))
    ),
    "the envelope of Rekor 1 shows another payload": Case(
        recipe=v1(statement=STATEMENT, shown_payload=STATEMENT.replace(b'"file"', b'"elif"'))
    ),
    # log entries
    "no log entry and no timestamp": Case(recipe=Recipe(entries=(), stamps=())),
    "one entry twice": Case(recipe=Recipe(repeat_entries=2)),
    "one Rekor 1 entry twice": Case(recipe=v1(repeat_entries=2)),
    "the log is a stranger with the same name": Case(recipe=entry2(whose="other")),
    "Rekor 1 is a stranger with the same name": Case(recipe=entry1(whose="other")),
    "the entry logged another digest": Case(recipe=entry2(digest=bytes(32))),
    "the Rekor 1 entry logged another digest": Case(recipe=entry1(digest=bytes(32))),
    "the entry logged another signature": Case(recipe=entry2(signature=b"0" * 70)),
    "the Rekor 1 entry logged another signature": Case(recipe=entry1(signature=b"0" * 70)),
    "the entry's body was swapped": Case(recipe=entry2(swap_body=b"{}")),
    "the entry's body is no JSON": Case(recipe=entry2(swap_body=b"not JSON")),
    "the entry states another kind": Case(recipe=entry2(stated_kind=("dsse", "0.0.2"))),
    "the entry states another version": Case(recipe=entry2(stated_kind=("hashedrekord", "0.0.1"))),
    "the entry states a kind nobody knows": Case(recipe=entry2(stated_kind=("rpm", "0.0.1"))),
    "a file logged as an envelope": Case(recipe=entry1(kind="dsse")),
    "an envelope logged as a file": Case(
        recipe=v1(statement=STATEMENT, entries=(Entry(log="v1", kind="hashedrekord"),))
    ),
    "the dsse entry has no payload hash": Case(
        recipe=v1(statement=STATEMENT, entries=(Entry(log="v1", edit_body=_body(("spec", "payloadHash"), None)),))
    ),
    "the dsse entry has another payload hash": Case(
        recipe=v1(
            statement=STATEMENT,
            entries=(Entry(log="v1", edit_body=_body(("spec", "payloadHash", "value"), "00" * 32)),),
        )
    ),
    "the dsse entry has no signatures": Case(
        recipe=v1(statement=STATEMENT, entries=(Entry(log="v1", edit_body=_body(("spec", "signatures"), [])),))
    ),
    "the proof's index is not the entry's": Case(recipe=entry2(log_index_offset=1)),
    "the proof is of another index": Case(recipe=entry2(log_index_offset=-1, proof_index_offset=-1)),
    "the proof's size is not the checkpoint's": Case(recipe=entry2(tree_size_offset=1)),
    "the Rekor 1 proof's size is not the checkpoint's": Case(recipe=entry1(tree_size_offset=1)),
    "a proof's hash has a bit turned": Case(recipe=entry2(hashes="flipped")),
    "a Rekor 1 proof's hash has a bit turned": Case(recipe=entry1(hashes="flipped")),
    "a proof's hash is missing": Case(recipe=entry2(hashes="missing")),
    "a proof has a hash too many": Case(recipe=entry2(hashes="extra")),
    "a proof has no hashes": Case(recipe=entry2(hashes="none")),
    "the proof's root hash is another": Case(recipe=entry2(root=bytes(32))),
    "Rekor 2 without a proof": Case(recipe=entry2(proof=False)),
    "Rekor 1 in bundle v0.3 without a proof": Case(recipe=entry1(proof=False)),
    "bundle v0.1 without a promise": Case(
        recipe=v1(media_type=BUNDLE_V01, material="chain", entries=(Entry(log="v1", promise="none", proof=False),))
    ),
    "the promise is broken": Case(recipe=entry1(promise="broken")),
    "the promise is a stranger's": Case(recipe=entry1(promise="other")),
    "Rekor 1 with a time that nobody promised": Case(recipe=entry1(promise="none")),
    "Rekor 1 in bundle v0.1, the promise broken, no proof": Case(
        recipe=v1(media_type=BUNDLE_V01, material="chain", entries=(Entry(log="v1", promise="broken", proof=False),))
    ),
    "the log's id is nobody's": Case(recipe=entry2(log_id=bytes(32))),
    "a dsse 0.0.2 entry": Case(recipe=Recipe(statement=STATEMENT, entries=(Entry(kind="dsse"),))),
    "a Rekor 2 entry with a time that nobody promised, and no timestamp": Case(
        recipe=Recipe(entries=(Entry(integrated_at=SIGNED_AT),), stamps=())
    ),
    # checkpoints
    "no checkpoint": Case(recipe=note(present=False)),
    "the checkpoint's signature is broken": Case(recipe=note(signers=("broken",))),
    "the checkpoint is signed by another key in the log's name": Case(recipe=note(signers=("other",))),
    "the checkpoint is signed by a witness alone": Case(recipe=note(signers=("witness",))),
    "the checkpoint's key hint is wrong": Case(recipe=note(signers=("unhinted",))),
    "the checkpoint has no signatures": Case(recipe=note(signers=())),
    "the checkpoint has another root hash": Case(recipe=note(root=bytes(32))),
    "the checkpoint has another size": Case(recipe=note(size_offset=1)),
    "the checkpoint has another origin": Case(recipe=note(origin="other.example.test")),
    "the checkpoint's origin is empty": Case(recipe=note(origin="")),
    "the checkpoint has no origin": Case(recipe=note(without="origin")),
    "the checkpoint has no size": Case(recipe=note(without="size")),
    "the checkpoint has no root hash": Case(recipe=note(without="root")),
    "the checkpoint is no note": Case(recipe=note(raw="not a note")),
    # timestamps
    "one timestamp twice": Case(recipe=Recipe(repeat_stamps=2)),
    "Rekor 2 without a timestamp": Case(recipe=Recipe(stamps=())),
    "the timestamp authority is a stranger with the same names": Case(recipe=stamp(authority="other")),
    "a stranger's timestamp without certificates": Case(recipe=stamp(authority="other", embedded="none")),
    "the timestamp authority's certificate had expired": Case(
        recipe=stamp(authority="expired"), root=Root(expired_tsa=Window(start=STARTED_AT))
    ),
    "the timestamp authority's certificate is not for timestamps": Case(
        recipe=stamp(authority="not-for-timestamps"), root=Root(wrong_usage_tsa=Window(start=STARTED_AT))
    ),
    "the timestamp is over other bytes": Case(recipe=stamp(over=b"other bytes")),
    "the timestamp is over the file, not the signature": Case(recipe=stamp(over=BLOB)),
    "the timestamp's signature is broken": Case(recipe=stamp(broken_signature=True)),
    "the timestamp is garbage": Case(recipe=stamp(raw=b"garbage")),
    "the timestamp is after the certificate": Case(recipe=stamp(at=SIGNED_AT + timedelta(hours=1))),
    "the timestamp is before the certificate": Case(recipe=stamp(at=SIGNED_AT - timedelta(hours=1))),
    "two timestamps, one outside the certificate": Case(
        recipe=Recipe(stamps=(Stamp(), Stamp(at=SIGNED_AT + timedelta(hours=1))))
    ),
}

CASES: dict[str, Case] = {name: replace(case, good=True) for name, case in (_GOOD | _ODD).items()} | _BAD

"""How a minted bundle, and the trusted root beside it, are made: every default is right, every other value is a defect.

Plain values, so that a table of cases is a table of recipes. :mod:`vxsec.testing.sigstore.mint` makes them.
"""

from __future__ import annotations

from dataclasses import field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from vxsec.model.attestation import INTOTO_PAYLOAD_TYPE
from vxsec.model.trusted_root import Window
from vxsec.testing.sigstore.authority import LeafShape
from vxsec.testing.sigstore.identity import Identity
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from vxsec.testing.sigstore.keys import HashName, KeyKind
    from vxsec.testing.sigstore.timestamp import Embedded

__all__ = [
    "ALWAYS",
    "BLOB",
    "IDENTITY",
    "SIGNED_AT",
    "STARTED_AT",
    "STATEMENT",
    "Edit",
    "Entry",
    "Generation",
    "Note",
    "Recipe",
    "Root",
    "Sct",
    "Stamp",
    "Stamper",
    "Whose",
]

Edit: TypeAlias = "Callable[[dict[str, Any]], object]"
"""Changes a JSON document in place; what it returns is not looked at."""
Generation: TypeAlias = Literal["v1", "v2"]
Stamper: TypeAlias = Literal["trusted", "other", "expired", "not-for-timestamps"]
Whose: TypeAlias = Literal["trusted", "other"]
"""An authority of the trusted root, or a stranger with the same names and other keys."""

SIGNED_AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
STARTED_AT = SIGNED_AT - timedelta(days=365)
ALWAYS = Window(start=STARTED_AT)
"""From a year before anything is signed, still open."""
BLOB = b"the bytes of a file\n"
STATEMENT = (
    b'{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"file","digest":{"sha256":'
    b'"7640a7c725211496620020f4818c1b5b1e6f6cfb4502d0fc9179a78d6502a61c"}}],'
    b'"predicateType":"urn:vxsec:rehearsal:v1","predicate":{}}'
)
IDENTITY = Identity(subject="ci@example.test", issuer="https://issuer.example.test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sct:
    """One signed certificate timestamp inside the leaf; ``at`` is the leaf's start if not given."""

    log: Whose = "trusted"
    at: datetime | None = None
    extensions: bytes = b""
    wrong_tbs: bool = False
    """Signed over another certificate."""
    wrong_issuer: bool = False
    """Signed for another issuing authority."""
    raw: bytes | None = None
    """These bytes in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """The checkpoint of an entry's proof.

    ``signers`` in order: ``log``; ``other`` is another key under the log's own name and with the log's hint; ``second`` another
    key of the same origin, with its own hint; ``witness`` a cosigner; ``broken`` the log's line with a bit turned;
    ``unhinted`` the log's signature with four other bytes before it.
    """

    signers: tuple[Literal["log", "other", "second", "witness", "broken", "unhinted"], ...] = ("log",)
    origin: str | None = None
    """Signed as the first line; the log's own where None. Empty leaves the line empty."""
    without: Literal["", "origin", "size", "root"] = ""
    """A line that is left out, and signed without."""
    size_offset: int = 0
    root: bytes | None = None
    lines: tuple[str, ...] = ()
    raw: str | None = None
    """This text in place of the whole note."""
    present: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One log entry. ``kind`` and ``version`` are the log's own for the content where they are not given.

    ``integrated_at`` and ``promise`` matter to version 1 only; a version 2 entry gets a time only where one is given.
    """

    log: Generation = "v2"
    whose: Whose = "trusted"
    kind: str | None = None
    version: str | None = None
    integrated_at: datetime | None = None
    promise: Literal["good", "none", "broken", "other"] = "good"
    proof: bool = True
    note: Note = field(default_factory=Note)
    digest: bytes | None = None
    """In place of the digest of what was signed."""
    signature: bytes | None = None
    """In place of the bundle's signature."""
    verifier: bytes | None = None
    """In place of the bundle's certificate or key (DER)."""
    edit_body: Edit | None = None
    """Changes the body's JSON before it is logged."""
    swap_body: bytes | None = None
    """Put into the bundle in place of the body that was logged."""
    stated_kind: tuple[str, str] | None = None
    """In place of the body's kind and version."""
    log_id: bytes | None = None
    log_index_offset: int = 0
    proof_index_offset: int = 0
    tree_size_offset: int = 0
    root: bytes | None = None
    hashes: Literal["good", "flipped", "missing", "extra", "none"] = "good"
    edit: Edit | None = None
    """Changes the finished entry's JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """One RFC 3161 timestamp; ``at`` is the recipe's time if not given."""

    authority: Stamper = "trusted"
    at: datetime | None = None
    over: bytes | None = None
    """Bytes stamped in place of the signature."""
    algorithm: HashName = "sha256"
    embedded: Embedded = "leaf"
    broken_signature: bool = False
    raw: bytes | None = None
    """These bytes in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One bundle: a bare signature over ``blob``, or an envelope around ``statement`` where that is given.

    By default it is what sigstore-python makes with Rekor v2: a P-256 certificate for ten minutes, one log entry, one
    timestamp. For Rekor v1: ``Recipe(entries=(Entry(log="v1"),), stamps=())``.
    """

    blob: bytes = BLOB
    statement: bytes | None = None
    payload_type: str = INTOTO_PAYLOAD_TYPE
    at: datetime = SIGNED_AT
    media_type: str = "application/vnd.dev.sigstore.bundle.v0.3+json"
    material: Literal["certificate", "chain", "chain-with-intermediate", "chain-with-root", "key"] = "certificate"
    """One certificate; a chain object with the leaf alone, or with more; or a public key's hint."""
    key: KeyKind = "ecdsa-p256"
    hash: HashName | None = None
    """What is hashed with; the hash that belongs to the kind of key if not given."""
    key_hint: str | None = None
    identity: Identity = IDENTITY
    leaf: LeafShape = field(default_factory=LeafShape)
    leaf_start: datetime | None = None
    """A few seconds before ``at`` if not given."""
    leaf_end: datetime | None = None
    """Ten minutes after its start if not given."""
    authority: Whose = "trusted"
    scts: tuple[Sct, ...] = (Sct(),)
    entries: tuple[Entry, ...] = (Entry(),)
    repeat_entries: int = 1
    """The list of entries is written this many times."""
    stamps: tuple[Stamp, ...] = (Stamp(),)
    repeat_stamps: int = 1
    signed: bytes | None = None
    """Bytes signed in place of the content."""
    signature: bytes | None = None
    """In place of the signature, everywhere."""
    shown_signature: bytes | None = None
    """In place of the signature, in the bundle's content only."""
    shown_payload: bytes | None = None
    """In place of the payload, in the bundle's envelope only."""
    message_digest: bytes | None = None
    """In place of the digest that a bare signature states; empty for none."""
    edit: Edit | None = None
    """Changes the finished bundle's JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A trusted root over the material: from when to when each authority counts, None to leave it out."""

    ca: Window | None = ALWAYS
    ct: Window | None = ALWAYS
    rekor_v1: Window | None = ALWAYS
    rekor_v2: Window | None = ALWAYS
    tsa: Window | None = ALWAYS
    expired_tsa: Window | None = None
    """The authority whose certificate ends a day before ``SIGNED_AT`` is not listed unless a window is given."""
    wrong_usage_tsa: Window | None = None
    rehearsal: bool = True
    edit: Edit | None = None
    """Changes the finished document's JSON."""

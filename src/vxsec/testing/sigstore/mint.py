"""Bundles made in memory, good ones and ones with exactly one defect, and the trusted root that belongs to them.

No HTTP, no clock: everything happens at the times that the recipe names. Usage::

    from vxsec.testing.sigstore.mint import Entry, Recipe, Root, SigstoreMaterial

    material = SigstoreMaterial()                     # keys of its own; a few milliseconds
    root = material.trusted_root()                    # bytes of a trusted_root.json, marked as rehearsal
    good = material.mint()                            # blob, certificate, Rekor v2, timestamp
    logged = material.mint(Recipe(entries=(Entry(log="v1"),), stamps=()))
    twice = material.mint(Recipe(repeat_entries=2))   # a defect
    good.bundle, good.blob, good.spki                 # what a test needs
"""

from __future__ import annotations

import json
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from vxsec.model.attestation import pae
from vxsec.model.trusted_root import Window
from vxsec.testing.sigstore.authority import CERTIFICATE_LIFETIME, CertificateAuthority, LeafShape
from vxsec.testing.sigstore.ct_log import CtLog
from vxsec.testing.sigstore.entries import Logged
from vxsec.testing.sigstore.identity import Identity
from vxsec.testing.sigstore.keys import PrivateKey, default_hash, digest, encode, make_key, sign, spki_of
from vxsec.testing.sigstore.log import TransparencyLog
from vxsec.testing.sigstore.minted_entry import mint_entry
from vxsec.testing.sigstore.minted_root import mint_root
from vxsec.testing.sigstore.recipe import (
    ALWAYS,
    BLOB,
    IDENTITY,
    SIGNED_AT,
    STARTED_AT,
    STATEMENT,
    Entry,
    Note,
    Recipe,
    Root,
    Sct,
    Stamp,
)
from vxsec.testing.sigstore.timestamp import TimestampAuthority
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from vxsec.testing.sigstore.keys import HashName, KeyKind, PublicKey
    from vxsec.testing.sigstore.recipe import Generation, Stamper, Whose

__all__ = [
    "ALWAYS",
    "BLOB",
    "IDENTITY",
    "SIGNED_AT",
    "STARTED_AT",
    "STATEMENT",
    "Entry",
    "Identity",
    "LeafShape",
    "Minted",
    "Note",
    "Recipe",
    "Root",
    "Sct",
    "SigstoreMaterial",
    "Stamp",
    "Window",
]

_ISSUED_BEFORE = timedelta(seconds=5)
_WHOSE: tuple[Whose, ...] = ("trusted", "other")
_GENERATIONS: tuple[Generation, ...] = ("v1", "v2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Minted:
    """A bundle (one line of JSON) and what it was made from; ``certificate`` is DER, None for a bundle by key."""

    bundle: bytes
    blob: bytes
    payload: bytes | None
    signature: bytes
    spki: bytes
    certificate: bytes | None
    private: PrivateKey

    @property
    def document(self) -> dict[str, Any]:
        """The bundle as JSON."""
        found: dict[str, Any] = json.loads(self.bundle)
        return found


class SigstoreMaterial:
    """Every authority of a Sigstore instance with keys of its own, and for each a stranger with the same name.

    Args:
        log_key: What Rekor 2 signs with.
    """

    def __init__(self, *, log_key: KeyKind = "ed25519") -> None:
        # A year before anything is signed; ten years valid.
        self.authorities: dict[Whose, CertificateAuthority] = {
            whose: CertificateAuthority(start=STARTED_AT) for whose in _WHOSE
        }
        self.ct_logs: dict[Whose, CtLog] = {whose: CtLog() for whose in _WHOSE}
        self.logs: dict[tuple[Generation, Whose], TransparencyLog] = {
            (log, whose): _log(log, log_key) for log in _GENERATIONS for whose in _WHOSE
        }
        self.timestamps: dict[Stamper, TimestampAuthority] = {
            "trusted": TimestampAuthority(start=STARTED_AT),
            "other": TimestampAuthority(start=STARTED_AT),
            "expired": TimestampAuthority(start=STARTED_AT, leaf_end=SIGNED_AT - timedelta(days=1), name="expired tsa"),
            "not-for-timestamps": TimestampAuthority(start=STARTED_AT, usage=False, name="other usage"),
        }

    def trusted_root(self, root: Root | None = None) -> bytes:
        """A ``trusted_root.json`` over the authorities that are not strangers."""
        return mint_root(
            root or Root(),
            authority=self.authorities["trusted"],
            ct_log=self.ct_logs["trusted"],
            logs={name: self.logs[name, "trusted"] for name in _GENERATIONS},
            timestamps=self.timestamps,
        )

    def mint(self, recipe: Recipe | None = None) -> Minted:
        """Make one bundle; what else was minted makes no difference to it."""
        recipe = recipe or Recipe()
        key = _key(recipe.key)
        algorithm = recipe.hash or default_hash(key)
        certificate = None if recipe.material == "key" else self._certificate(recipe, key.public_key())
        signature = recipe.signature or sign(key, recipe.signed or _content(recipe), algorithm)
        verifier = certificate or spki_of(key)
        logged = _logged(recipe, signature=signature, verifier=verifier, algorithm=algorithm)
        logs = {name: log.fork() for name, log in self.logs.items()}
        entries = [_entry(entry, recipe, logged, logs) for entry in recipe.entries] * recipe.repeat_entries
        stamps = [self._stamp(stamp, recipe, signature) for stamp in recipe.stamps] * recipe.repeat_stamps
        document = {
            "mediaType": recipe.media_type,
            "verificationMaterial": self._material(recipe, verifier)
            | ({"tlogEntries": entries} if entries else {})
            | ({"timestampVerificationData": {"rfc3161Timestamps": stamps}} if stamps else {}),
        } | _shown(recipe, signature, algorithm)
        if recipe.edit is not None:
            recipe.edit(document)
        return Minted(
            bundle=json.dumps(document, separators=(",", ":")).encode(),
            blob=recipe.blob,
            payload=recipe.statement,
            signature=signature,
            spki=spki_of(key),
            certificate=certificate,
            private=key,
        )

    def _certificate(self, recipe: Recipe, key: PublicKey) -> bytes:
        start = recipe.leaf_start or recipe.at - _ISSUED_BEFORE

        def timestamps(tbs: bytes, issuer_spki: bytes) -> Sequence[bytes]:
            return [self._sct(sct, tbs=tbs, issuer_spki=issuer_spki, start=sct.at or start) for sct in recipe.scts]

        return self.authorities[recipe.authority].issue(
            key,
            identity=recipe.identity,
            start=start,
            end=recipe.leaf_end or start + CERTIFICATE_LIFETIME,
            scts=timestamps,
            shape=recipe.leaf,
        )

    def _sct(self, sct: Sct, *, tbs: bytes, issuer_spki: bytes, start: datetime) -> bytes:
        if sct.raw is not None:
            return sct.raw
        return self.ct_logs[sct.log].sign(
            tbs + b"\x00" if sct.wrong_tbs else tbs,
            issuer_spki=b"another" if sct.wrong_issuer else issuer_spki,
            at=start,
            extensions=sct.extensions,
        )

    def _stamp(self, stamp: Stamp, recipe: Recipe, signature: bytes) -> dict[str, str]:
        if stamp.raw is not None:
            return {"signedTimestamp": encode(stamp.raw)}
        made = self.timestamps[stamp.authority].stamp(
            signature if stamp.over is None else stamp.over,
            at=stamp.at or recipe.at,
            algorithm=stamp.algorithm,
            embedded=stamp.embedded,
            broken_signature=stamp.broken_signature,
        )
        return {"signedTimestamp": encode(made)}

    def _material(self, recipe: Recipe, verifier: bytes) -> dict[str, object]:
        if recipe.material == "key":
            return {"publicKey": {"hint": recipe.key_hint or encode(digest(verifier))}}
        if recipe.material == "certificate":
            return {"certificate": {"rawBytes": encode(verifier)}}
        above = {"chain": 0, "chain-with-intermediate": 1, "chain-with-root": 2}[recipe.material]
        rest = self.authorities[recipe.authority].chain[:above]
        return {"x509CertificateChain": {"certificates": [{"rawBytes": encode(item)} for item in (verifier, *rest)]}}


def _entry(
    entry: Entry, recipe: Recipe, logged: Logged, logs: Mapping[tuple[Generation, Whose], TransparencyLog]
) -> dict[str, object]:
    log, other = (logs[entry.log, whose] for whose in (entry.whose, _stranger(entry.whose)))
    return mint_entry(entry, logged=logged, log=log, other=other, at=recipe.at)


def _content(recipe: Recipe) -> bytes:
    """The bytes that are signed."""
    return recipe.blob if recipe.statement is None else pae(recipe.payload_type, recipe.statement)


def _logged(recipe: Recipe, *, signature: bytes, verifier: bytes, algorithm: HashName) -> Logged:
    if recipe.statement is None:
        return Logged(
            signature=signature, verifier=verifier, digest=digest(recipe.blob, algorithm), algorithm=algorithm
        )
    return Logged.of_envelope(
        payload_type=recipe.payload_type,
        payload=recipe.statement,
        signature=signature,
        verifier=verifier,
        algorithm=algorithm,
    )


def _shown(recipe: Recipe, signature: bytes, algorithm: HashName) -> dict[str, object]:
    """The content as the bundle shows it."""
    shown = encode(signature if recipe.shown_signature is None else recipe.shown_signature)
    if recipe.statement is not None:
        payload = recipe.statement if recipe.shown_payload is None else recipe.shown_payload
        envelope = {"payload": encode(payload), "payloadType": recipe.payload_type, "signatures": [{"sig": shown}]}
        return {"dsseEnvelope": envelope}
    stated = digest(recipe.blob, algorithm) if recipe.message_digest is None else recipe.message_digest
    message: dict[str, object] = {"signature": shown}
    if stated:
        message["messageDigest"] = {"algorithm": f"SHA2_{algorithm.removeprefix('sha')}", "digest": encode(stated)}
    return {"messageSignature": message}


def _log(log: Generation, kind: KeyKind) -> TransparencyLog:
    if log == "v1":
        return TransparencyLog(generation=1, base_url="https://rekor.example.test", kind="ecdsa-p256")
    return TransparencyLog(generation=2, base_url="https://log2026.rekor.example.test", kind=kind)


def _stranger(whose: Whose) -> Whose:
    return "other" if whose == "trusted" else "trusted"


@cache
def _rsa_key() -> PrivateKey:
    return make_key("rsa-2048")  # slow to make: one for the whole run


def _key(kind: KeyKind) -> PrivateKey:
    return _rsa_key() if kind == "rsa-2048" else make_key(kind)

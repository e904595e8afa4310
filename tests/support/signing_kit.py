"""Real keys, statements, bundles and trust roots for tests; everything is made in the run."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from vxsec.formats.release_statement import build_approval_statement, build_release_statement
from vxsec.formats.sigstore_bundle import read_bundle
from vxsec.model.digest import digest_bytes
from vxsec.model.package import PackageRef
from vxsec.model.trust import Holder, HolderKind, Registry, Role, TrustedKey, TrustRoot
from vxsec.signing.key import KeySigner, generate_pkcs8
from vxsec.signing.signer import AnySigner, DigestSigner, Signer, sign_statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vxsec.model.attestation import Bundle
    from vxsec.model.digest import Digests
    from vxsec.model.trust import DigestRevocation, KeyRevocation

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
REGISTRY = "https://registry.example.test/"
PACKAGE = PackageRef(name="@vextrus/kernel", version="1.2.3")
TARBALL = b"the bytes of a tarball"
DIGESTS = digest_bytes(TARBALL)
OTHER_DIGESTS = digest_bytes(b"other bytes")
CI = Holder(id="ci", kind=HolderKind.MACHINE)
ALICE = Holder(id="alice", kind=HolderKind.PERSON)


def plain(opened: AnySigner) -> DigestSigner:
    """The signer, which is one with a plain key."""
    assert isinstance(opened, DigestSigner)
    return opened


@cache
def signer(name: str, algorithm: str = "ecdsa-p256") -> KeySigner:
    """The same key for the same name, in one test run."""
    return KeySigner(generate_pkcs8(algorithm), where=name)


def release(
    key: AnySigner,
    *,
    package: PackageRef = PACKAGE,
    digests: Digests = DIGESTS,
    registry: str = REGISTRY,
    created_at: datetime = NOW,
    expires: datetime | None = None,
) -> Bundle:
    """A signed release statement."""
    payload = build_release_statement(
        package=package, digests=digests, registry=registry, created_at=created_at, expires=expires
    )
    return signed(key, payload)


def approval(
    key: AnySigner,
    *,
    subjects: Sequence[tuple[PackageRef, Digests]] = ((PACKAGE, DIGESTS),),
    registry: str = REGISTRY,
    policy: tuple[str, int] | None = None,
    created_at: datetime = NOW,
    expires: datetime | None = None,
) -> Bundle:
    """A signed approval statement."""
    payload = build_approval_statement(
        subjects=subjects, registry=registry, created_at=created_at, expires=expires, policy=policy
    )
    return signed(key, payload)


def signed(key: AnySigner, payload: bytes) -> Bundle:
    """Any payload in a DSSE bundle."""
    return read_bundle(sign_statement(key, payload), where="made here")


def edited(bundle: Bundle, **members: object) -> Bundle:
    """The bundle with members of its envelope (or ``hint``) changed and the signature left as it was."""
    document = json.loads(bundle.line)
    hint = members.pop("hint", None)
    if hint is not None:
        document["verificationMaterial"]["publicKey"]["hint"] = hint
    for name, value in members.items():
        if name == "sig":
            document["dsseEnvelope"]["signatures"][0]["sig"] = value
        else:
            document["dsseEnvelope"][name] = value
    return read_bundle(json.dumps(document).encode(), where="edited")


def flipped(bundle: Bundle) -> Bundle:
    """The bundle with one bit of its payload turned."""
    payload = bytearray(base64.b64decode(json.loads(bundle.line)["dsseEnvelope"]["payload"]))
    payload[-2] ^= 1
    return edited(bundle, payload=base64.b64encode(payload).decode())


def trusted(
    key: Signer,
    *,
    identifier: str = "key",
    holder: Holder = CI,
    roles: tuple[Role, ...] = (Role.MACHINE,),
    valid_from: datetime = NOW - timedelta(days=1),
    valid_until: datetime = NOW + timedelta(days=365),
) -> TrustedKey:
    """A key of a trust root."""
    return TrustedKey(
        id=identifier, spki=key.spki, roles=roles, holder=holder, valid_from=valid_from, valid_until=valid_until
    )


def trust_root(
    *keys: TrustedKey,
    key_revocations: tuple[KeyRevocation, ...] = (),
    digest_revocations: tuple[DigestRevocation, ...] = (),
) -> TrustRoot:
    """A trust root over ``keys`` with one own registry."""
    registry = Registry(
        label="internal",
        url=REGISTRY,
        scopes=("@vextrus",),
        packages=(),
        evidence="@vextrus/vxsec-evidence",
    )
    holders = {key.holder.id: key.holder for key in keys}
    return TrustRoot(
        keys=keys,
        holders=tuple(holders.values()),
        registries=(registry,),
        key_revocations=key_revocations,
        digest_revocations=digest_revocations,
        rehearsal=False,
        signed=False,
        source="trust.yaml",
        sha256="0" * 64,
    )


def team() -> TrustRoot:
    """The usual root: one machine, one person."""
    return trust_root(
        trusted(signer("ci"), identifier="ci-2026"),
        trusted(signer("alice"), identifier="alice-1", holder=ALICE, roles=(Role.HUMAN,)),
    )

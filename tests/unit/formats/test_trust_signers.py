"""Keys of other kinds, Sigstore instances, builders and what is taken back, in an identities document."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from support.signing_kit import signer
from vxsec.errors import ConfigurationError, UsageError
from vxsec.formats.public_key import render_public_key
from vxsec.formats.trust_document import parse_trust_document
from vxsec.formats.trust_revocations import parse_revocations_document
from vxsec.model.trust import Builder, KeyKind, RevocationReason, Role
from vxsec.testing.sigstore.mint import SigstoreMaterial

if TYPE_CHECKING:
    from collections.abc import Callable

    from vxsec.model.trust import TrustRoot
    from vxsec.model.trusted_root import TrustedRoot

SSH = (
    Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    .public_key()
    .public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    .decode()
)
SPKI_OF_SSH = (
    Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    .public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
)
MATERIAL, OTHER = SigstoreMaterial(), SigstoreMaterial()
FILES = {
    "ci.pub": render_public_key(signer("ci").spki),
    "ssh.pub": SSH.encode() + b" alice@laptop\n",
    "same.pub": SPKI_OF_SSH,
    "root.json": MATERIAL.trusted_root(),
    "other.json": OTHER.trusted_root(),
    "both.jsonl": b"".join(item.trusted_root().replace(b"\n", b"") + b"\n" for item in (MATERIAL, OTHER)),
    "alice.asc": b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nnonsense\n",
    "alice.gpg": b"\x99\x01",
}
WINDOW = {"from": "2026-11-01T00:00:00Z", "until": "2027-11-01T00:00:00Z"}
ALICE: dict[str, Any] = {"subject": "alice@example.test", "issuer": "https://issuer.example.test", "roles": ["human"]}
BASE: dict[str, Any] = {
    "apiVersion": "vxsec/trust/v1",
    "kind": "Identities",
    "keys": [{"id": "alice-ssh", "ssh": SSH, "roles": ["human"], "holder": "alice", **WINDOW}],
    "holders": [{"id": "alice", "kind": "person", "identities": [ALICE]}],
    "trustedRoots": [{"file": "root.json"}],
    "builders": [{"id": "https://ci.example.test/build.yml@refs/heads/main", "level": 3}],
    "revocations": [],
}


def _load(document: dict[str, Any]) -> TrustRoot:
    return parse_trust_document(json.dumps(document).encode(), source="trust.json", load_key=lambda name: FILES[name])


def _with(**members: object) -> dict[str, Any]:
    return copy.deepcopy(BASE) | members


def _key(**members: object) -> dict[str, Any]:
    key = {name: value for name, value in BASE["keys"][0].items() if name != "ssh"} | members
    return _with(keys=[key])


def _revoked(**entry: object) -> dict[str, Any]:
    return _with(revocations=[{"reason": "compromised", "since": "2026-12-01T00:00:00Z"} | entry])


def test_an_ssh_key_is_counted_by_its_own_key_whichever_way_it_is_listed() -> None:
    inline, file = _load(BASE).keys[0], _load(_key(file="ssh.pub")).keys[0]
    assert inline.kind is file.kind is KeyKind.SSH
    assert inline.spki == file.spki
    assert inline.ssh is not None
    assert inline.ssh.kind == "ssh-ed25519"
    twice = _with(keys=[BASE["keys"][0], BASE["keys"][0] | {"id": "again", "file": "same.pub"}])
    del twice["keys"][1]["ssh"]
    with pytest.raises(ConfigurationError, match="the same key") as caught:
        _load(twice)
    assert caught.value.code == "trust.duplicate"


def test_a_trusted_root_marks_a_rehearsal() -> None:
    root = _load(BASE)
    assert len(root.trusted_roots) == 1
    assert root.rehearsal
    assert root.trusted_roots[0].certificate_authorities


def test_identities_and_a_trusted_root_need_no_keys() -> None:
    root = _load(_with(keys=[]))
    assert root.roles() == {Role.HUMAN}
    found = root.identity(ALICE["subject"], ALICE["issuer"])
    assert found is not None
    assert found[0].id == "alice"
    assert root.identity(ALICE["subject"].upper(), ALICE["issuer"]) is None


def test_builders_have_levels_and_identities_windows() -> None:
    holders = [{"id": "alice", "kind": "person", "identities": [ALICE | WINDOW]}]
    root = _load(_with(holders=holders))
    assert root.builders == (Builder(id="https://ci.example.test/build.yml@refs/heads/main", level=3),)
    assert root.holders[0].identities[0].valid_from == datetime(2026, 11, 1, tzinfo=UTC)


def test_everything_may_be_taken_back() -> None:
    root = _load(_revoked(identity=ALICE["subject"], issuer=ALICE["issuer"]))
    assert root.identity_revocations[0].reason is RevocationReason.COMPROMISED
    uri = root.trusted_roots[0].logs[0].base_url
    assert _load(_revoked(log=uri)).log_revocations[0].uri == uri
    assert _load(_revoked(key="alice-ssh")).key_revocations[0].key == "alice-ssh"


def test_revocations_may_be_a_document_of_their_own() -> None:
    root = _load(BASE)
    entry = {"key": "alice-ssh", "reason": "superseded", "since": "2026-12-01T00:00:00Z"}
    document = {"apiVersion": "vxsec/trust/v1", "kind": "Revocations", "revocations": [entry]}

    def read(given: dict[str, Any]) -> int:
        found = parse_revocations_document(
            json.dumps(given).encode(),
            source="revocations.json",
            keys=root.keys,
            holders=root.holders,
            trusted_roots=root.trusted_roots,
        )
        return len(found.keys)

    assert read(document) == 1
    with pytest.raises(ConfigurationError) as caught:
        read(document | {"kind": "Identities"})
    assert caught.value.code == "trust.version"


def test_each_of_several_trusted_roots_says_whom_it_vouches_for() -> None:
    issuer, other = ALICE["issuer"], "https://other.example.test"
    (single,) = _load(BASE).trusted_roots
    assert (single.issuers, single.vouches_for(issuer), single.vouches_for(other)) == ((), True, True)
    listed = [{"file": "root.json", "issuers": [issuer]}, {"file": "both.jsonl", "issuers": [other, issuer]}]
    first, *both = _load(_with(trustedRoots=listed)).trusted_roots
    assert (first.vouches_for(issuer), first.vouches_for(other), first.vouches_for(f"{issuer}/")) == (
        True,
        False,
        False,
    )
    assert [item.issuers for item in both] == [(other, issuer)] * 2


TAKEN_BACK = {
    "a log": lambda root: root.logs[0].base_url,
    "a certificate's log": lambda root: root.ct_logs[0].base_url,
    "a timestamp authority": lambda root: root.timestamp_authorities[0].uri,
    "a certificate authority": lambda root: root.certificate_authorities[0].uri,
}


@pytest.mark.parametrize("named", TAKEN_BACK.values(), ids=TAKEN_BACK.keys())
def test_everybody_in_a_trusted_root_can_be_taken_back(named: Callable[[TrustedRoot], str]) -> None:
    uri = named(_load(BASE).trusted_roots[0])
    assert [item.uri for item in _load(_revoked(log=uri)).log_revocations] == [uri]


REFUSED: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "a key given twice": (lambda: _key(ssh=SSH, file="ssh.pub"), "trust.key"),
    "a key not given": (_key, "trust.key"),
    "an SSH key that is none": (lambda: _key(ssh="ssh-ed25519 AAAA"), "trust.key"),
    "an SSH key with a fingerprint": (lambda: _key(ssh=SSH, fingerprint="A" * 40), "trust.key"),
    "a plain key with a fingerprint": (lambda: _key(file="ci.pub", fingerprint="A" * 40), "trust.key"),
    "an OpenPGP key without a fingerprint": (lambda: _key(file="alice.asc"), "trust.key"),
    "a binary OpenPGP key without a fingerprint": (lambda: _key(file="alice.gpg"), "trust.key"),
    "an OpenPGP key with a short fingerprint": (
        lambda: _key(file="alice.asc", fingerprint="A" * 16),
        "trust.key",
    ),
    "an OpenPGP key that is none": (lambda: _key(file="alice.asc", fingerprint="A" * 40), "trust.key"),
    "no keys, and identities that no root vouches for": (
        lambda: _with(keys=[], trustedRoots=[]),
        "trust.empty",
    ),
    "no keys, and a root without identities": (
        lambda: _with(keys=[], holders=[{"id": "alice", "kind": "person"}]),
        "trust.empty",
    ),
    "a trusted root that is none": (lambda: _with(trustedRoots=[{"file": "ci.pub"}]), "trust.trusted-root"),
    "a trusted root with more": (
        lambda: _with(trustedRoots=[{"file": "root.json", "url": "x"}]),
        "document.unknown-member",
    ),
    "a trusted root for no issuer": (
        lambda: _with(trustedRoots=[{"file": "root.json", "issuers": []}]),
        "trust.trusted-root",
    ),
    "a trusted root for one issuer twice": (
        lambda: _with(trustedRoots=[{"file": "root.json", "issuers": [ALICE["issuer"]] * 2}]),
        "trust.trusted-root",
    ),
    "a trusted root for an issuer without a name": (
        lambda: _with(trustedRoots=[{"file": "root.json", "issuers": [""]}]),
        "trust.id",
    ),
    "two trusted roots, and nothing says who vouches for whom": (
        lambda: _with(trustedRoots=[{"file": "root.json"}, {"file": "other.json"}]),
        "trust.trusted-root",
    ),
    "two trusted roots, one of which would vouch for everybody": (
        lambda: _with(trustedRoots=[{"file": "root.json", "issuers": [ALICE["issuer"]]}, {"file": "other.json"}]),
        "trust.trusted-root",
    ),
    "two trusted roots in one file, and nothing says who vouches for whom": (
        lambda: _with(trustedRoots=[{"file": "both.jsonl"}]),
        "trust.trusted-root",
    ),
    "a log taken back without a name": (lambda: _revoked(log=""), "trust.revocation"),
    "too many trusted roots": (lambda: _with(trustedRoots=[{"file": "root.json"}] * 17), "trust.limit"),
    "a builder of level 4": (lambda: _with(builders=[{"id": "x", "level": 4}]), "trust.builder"),
    "a builder twice": (lambda: _with(builders=[{"id": "x", "level": 1}, {"id": "x", "level": 2}]), "trust.duplicate"),
    "an identity that ends before it begins": (
        lambda: _with(
            holders=[
                {
                    "id": "alice",
                    "kind": "person",
                    "identities": [ALICE | {"from": WINDOW["until"], "until": WINDOW["from"]}],
                }
            ]
        ),
        "trust.window",
    ),
    "an identity taken back that nobody has": (
        lambda: _revoked(identity="bob@example.test", issuer=ALICE["issuer"]),
        "trust.revocation",
    ),
    "an identity taken back of another issuer": (
        lambda: _revoked(identity=ALICE["subject"], issuer="https://other.example.test"),
        "trust.revocation",
    ),
    "an identity and a key taken back at once": (
        lambda: _revoked(identity=ALICE["subject"], issuer=ALICE["issuer"], key="alice-ssh"),
        "trust.revocation",
    ),
    "a key taken back with an issuer": (
        lambda: _revoked(key="alice-ssh", issuer=ALICE["issuer"]),
        "trust.revocation",
    ),
    "a log taken back that no root lists": (lambda: _revoked(log="https://log.example.test"), "trust.revocation"),
}


@pytest.mark.parametrize(("document", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_does_not_load(document: Callable[[], dict[str, Any]], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        _load(document())
    assert caught.value.code == code
    assert caught.value.exit_status == 2

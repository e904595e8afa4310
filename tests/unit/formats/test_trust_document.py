"""The identities document: everything in it is unambiguous, or it does not load."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from support.signing_kit import signer
from vxsec.errors import ConfigurationError, UsageError
from vxsec.formats.public_key import render_public_key
from vxsec.formats.trust_document import parse_trust_document
from vxsec.limits import Limits
from vxsec.model.trust import HolderKind, RevocationReason, Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from vxsec.model.trust import TrustRoot

FILES = {
    "ci.pub": render_public_key(signer("ci").spki),
    "alice.pub": render_public_key(signer("alice").spki),
    "bad.pub": b"not a key",
}
ALICE_SPKI = base64.b64encode(signer("alice").spki).decode()

YAML = f"""\
apiVersion: vxsec/trust/v1
kind: Identities
keys:
  - {{id: ci-2026, file: ci.pub, roles: [machine], from: "2026-11-01T00:00:00Z", until: "2027-11-01T00:00:00Z", holder: ci}}
  - id: alice-1
    spki: {ALICE_SPKI}
    roles: [human]
    from: "2026-11-01T00:00:00Z"
    until: "2027-11-01T00:00:00Z"
    holder: alice
holders:
  - {{id: ci, kind: machine}}
  - id: alice
    kind: person
    identities: [{{subject: alice@example.test, issuer: "https://issuer.example.test", roles: [human]}}]
registries:
  internal: {{url: "https://Registry.example.test:443", scopes: ["@vextrus"]}}
  staging: {{url: "https://staging.example.test/npm", scopes: ["@vextrus"], packages: [kernel], evidence: "@vextrus/ev"}}
revocations:
  - {{key: ci-2026, reason: superseded, since: "2026-12-01T00:00:00Z"}}
  - {{sha512: "{"a" * 128}", reason: compromised, since: "2026-12-01T00:00:00Z"}}
"""
BASE: dict[str, Any] = {
    "apiVersion": "vxsec/trust/v1",
    "kind": "Identities",
    "keys": [
        {
            "id": "ci-2026",
            "file": "ci.pub",
            "roles": ["machine"],
            "from": "2026-11-01T00:00:00Z",
            "until": "2027-11-01T00:00:00Z",
            "holder": "ci",
        }
    ],
    "holders": [{"id": "ci", "kind": "machine"}, {"id": "alice", "kind": "person"}],
    "registries": {"internal": {"url": "https://registry.example.test/", "scopes": ["@vextrus"]}},
    "revocations": [],
}


def _load_key(name: str) -> bytes:
    if name not in FILES:
        raise UsageError(f"{name!r} is not there", code="file.missing")
    return FILES[name]


def _parse(document: object, source: str = "trust.json", limits: Limits | None = None) -> TrustRoot:
    data = document.encode() if isinstance(document, str) else json.dumps(document).encode()
    return parse_trust_document(data, source=source, load_key=_load_key, limits=limits or Limits())


def test_the_documents_example_loads() -> None:
    root = _parse(YAML, "trust.yaml")
    ci, alice = root.keys
    assert (ci.id, ci.spki, ci.roles, ci.holder.id) == ("ci-2026", signer("ci").spki, (Role.MACHINE,), "ci")
    assert (ci.valid_from, ci.valid_until) == (datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 11, 1, tzinfo=UTC))
    assert (alice.spki, alice.holder.kind) == (signer("alice").spki, HolderKind.PERSON)
    assert alice.holder.identities[0].issuer == "https://issuer.example.test"
    internal, staging = root.registries
    assert (internal.url, internal.evidence) == ("https://registry.example.test/", "@vextrus/vxsec-evidence")
    assert (staging.url, staging.packages, staging.evidence) == (
        "https://staging.example.test/npm/",
        ("kernel",),
        "@vextrus/ev",
    )
    assert [revocation.key for revocation in root.key_revocations] == ["ci-2026"]
    assert [revocation.reason for revocation in root.digest_revocations] == [RevocationReason.COMPROMISED]
    assert (root.signed, root.rehearsal, root.source) == (False, False, "trust.yaml")
    assert root.sha256 == hashlib.sha256(YAML.encode()).hexdigest()


def test_the_same_document_as_json_and_with_few_members() -> None:
    assert _parse(BASE).keys[0].id == "ci-2026"
    assert _parse(BASE | {"rehearsal": True}).rehearsal
    bare = {key: value for key, value in BASE.items() if key not in {"registries", "revocations"}}
    assert _parse(bare).registries == ()


def test_a_registry_of_python_packages_lists_names_of_python_only() -> None:
    document = copy.deepcopy(BASE)
    document["registries"]["index"] = {"url": "https://i.example.test", "ecosystem": "pypi", "packages": ["kernel"]}
    trust = _parse(document)
    index = trust.registry("index")
    assert index is not None
    assert (index.ecosystem, index.evidence, index.scopes) == ("pypi", None, ())
    assert trust.registries_for("kernel", "pypi") == (index,)
    assert index not in trust.registries_for("kernel")
    assert trust.registries_for("@vextrus/kernel", "pypi") == ()


def _signing(**changes: object) -> Callable[[dict[str, Any]], None]:
    """Two registries with one scope, and two keys of role registry; ``changes`` are to the second one."""

    def change(document: dict[str, Any]) -> None:
        second = {"id": "prod", "file": "alice.pub", "roles": ["registry"], "holder": "ci"}
        document["keys"][0]["roles"] = ["registry"]
        document["keys"].append(document["keys"][0] | second)
        staging = {"url": "https://staging.example.test/", "scopes": ["@vextrus"], "keys": ["prod"]} | changes
        document["registries"]["internal"]["keys"] = ["ci-2026"]
        document["registries"]["staging"] = {name: value for name, value in staging.items() if value is not None}

    return change


def test_registries_of_the_same_names_say_which_keys_are_theirs() -> None:
    document = copy.deepcopy(BASE)
    _signing()(document)
    assert [registry.keys for registry in _parse(document).registries] == [("ci-2026",), ("prod",)]
    assert _parse(BASE).registries[0].keys == ()
    assert _parse(document).registry_at("https://staging.example.test/") == _parse(document).registry("staging")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"scopes": ["@other"], "evidence": "@other/e"}, id="another scope"),
        pytest.param({"scopes": None, "packages": ["kernel", "e"], "evidence": "e"}, id="packages of no scope"),
        pytest.param({"scopes": None, "packages": ["kernel"], "ecosystem": "pypi"}, id="Python packages"),
    ],
)
def test_a_registry_of_other_names_needs_no_keys(changes: dict[str, object]) -> None:
    document = copy.deepcopy(BASE)
    _signing(keys=None, **changes)(document)
    assert _parse(document).registries[1].keys == ()


def test_without_keys_of_the_role_registries_may_share_names() -> None:
    document = copy.deepcopy(BASE)
    document["registries"]["staging"] = {"url": "https://staging.example.test/", "scopes": ["@vextrus"]}
    assert len(_parse(document).registries_for("@vextrus/kernel")) == 2


def test_a_key_in_another_encoding_is_the_same_key() -> None:
    key = load_der_public_key(signer("ci").spki)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    point = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    compressed = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + point
    document = copy.deepcopy(BASE)
    again = dict(document["keys"][0], id="again", holder="ci", spki=base64.b64encode(compressed).decode())
    del again["file"]
    document["keys"].append(again)
    with pytest.raises(ConfigurationError, match="same key as 'ci-2026'") as caught:
        _parse(document)
    assert caught.value.code == "trust.duplicate"


def _key(**changes: object) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        for name, value in changes.items():
            if value is None:
                del document["keys"][0][name.rstrip("_")]
            else:
                document["keys"][0][name.rstrip("_")] = value

    return change


def _second_key(**changes: object) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        key = dict(document["keys"][0], id="alice-1", file="alice.pub", roles=["human"], holder="alice")
        document["keys"].append(key | changes)

    return change


def _registry(**changes: object) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        document["registries"]["internal"] |= changes

    return change


def _python(**changes: object) -> Callable[[dict[str, Any]], None]:
    return _registry(**{"ecosystem": "pypi", "scopes": None, "packages": ["vxsec"], **changes})


def _top(**changes: object) -> Callable[[dict[str, Any]], None]:
    return lambda document: document.update(changes)


def _revoked(**entry: object) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["revocations"].append(
        {"reason": "superseded", "since": "2026-12-01T00:00:00Z"} | entry
    )


def _person(**changes: object) -> Callable[[dict[str, Any]], None]:
    identity = {"subject": "a@example.test", "issuer": "https://i.example.test", "roles": ["human"]} | changes
    return lambda document: document["holders"][1].update(identities=[identity])


REFUSED = {
    "another version": (_top(apiVersion="vxsec/trust/v2"), "trust.version"),
    "another kind": (_top(kind="Policy"), "trust.version"),
    "an unknown member": (_top(policies=[]), "document.unknown-member"),
    "no keys": (_top(keys=[]), "trust.empty"),
    "keys absent": (_top(keys=None), "document.missing"),
    "holders absent": (_top(holders=None), "document.missing"),
    "rehearsal as text": (_top(rehearsal="yes"), "document.type"),
    "a key of an unknown holder": (_key(holder="bob"), "trust.holder"),
    "a key without holder": (_key(holder=None), "document.missing"),
    "a key without roles": (_key(roles=[]), "trust.role"),
    "a role twice": (_key(roles=["machine", "machine"]), "trust.role"),
    "an unknown role": (_key(roles=["admin"]), "trust.role"),
    "a machine that is human": (_key(roles=["human"]), "trust.role"),
    "a person that is a machine": (_second_key(roles=["machine"]), "trust.role"),
    "a registry's key that signs releases": (_key(roles=["registry", "machine"]), "trust.role"),
    "a key with an unknown member": (_key(comment="x"), "document.unknown-member"),
    "a key without start": (_key(from_=None), "document.missing"),
    "a key without end": (_key(until=None), "document.missing"),
    "a start that is a date": (_key(from_="2026-11-01"), "trust.time"),
    "an end before the start": (_key(until="2026-10-01T00:00:00Z"), "trust.window"),
    "an end at the start": (_key(until="2026-11-01T00:00:00Z"), "trust.window"),
    "a key with file and spki": (_key(spki=ALICE_SPKI), "trust.key"),
    "a key with neither": (_key(file=None), "trust.key"),
    "an empty file name": (_key(file=""), "trust.id"),
    "a file that is not there": (_key(file="gone.pub"), "file.missing"),
    "a file that is no key": (_key(file="bad.pub"), "trust.key"),
    "spki that is not base64": (_second_key(spki="%", file=None), "trust.key"),
    "spki of other letters": (_second_key(spki="ä", file=None), "trust.key"),
    "spki that is no key": (_second_key(spki="AAAA", file=None), "trust.key"),
    "an id with a blank": (_key(id="a b"), "trust.id"),
    "an empty id": (_key(id=""), "trust.id"),
    "two keys with one id": (_second_key(id="ci-2026"), "trust.duplicate"),
    "one key under two ids": (_second_key(file="ci.pub"), "trust.duplicate"),
    "two holders with one id": (_top(holders=[{"id": "ci", "kind": "machine"}] * 2), "trust.duplicate"),
    "a holder of an unknown kind": (_top(holders=[{"id": "ci", "kind": "robot"}]), "trust.holder"),
    "an identity with a machine's role": (_person(roles=["machine"]), "trust.role"),
    "an identity without roles": (_person(roles=[]), "trust.role"),
    "an identity without subject": (_person(subject=""), "trust.id"),
    "an identity with a pattern": (_person(subjectRegex=".*"), "document.unknown-member"),
    "one identity of two holders": (
        _top(
            holders=[
                {"id": name, "kind": "person", "identities": [{"subject": "s", "issuer": "i", "roles": ["human"]}]}
                for name in ("ci", "alice")
            ]
        ),
        "trust.duplicate",
    ),
    "a registry without URL": (_registry(url=None), "document.missing"),
    "a registry with a bad URL": (_registry(url="registry"), "trust.registry"),
    "a registry without names": (_registry(scopes=[]), "trust.registry"),
    "a scope without @": (_registry(scopes=["vextrus"]), "trust.registry"),
    "a scope with a slash": (_registry(scopes=["@vextrus/x"]), "trust.registry"),
    "a scope that looks like a pattern": (_registry(scopes=["@vextrus*"]), "trust.registry"),
    "a package that looks like a pattern": (_registry(packages=["@vextrus/*"]), "trust.registry"),
    "a package that is no name": (_registry(packages=["a b"]), "trust.registry"),
    "a scope twice": (_registry(scopes=["@vextrus", "@vextrus"]), "trust.duplicate"),
    "two scopes, no evidence name": (_registry(scopes=["@vextrus", "@other"]), "trust.evidence"),
    "an unscoped package, no evidence name": (_registry(packages=["kernel"]), "trust.evidence"),
    "only packages, no evidence name": (_registry(scopes=[], packages=["@vextrus/a"]), "trust.evidence"),
    "an evidence name that is not ours": (_registry(evidence="@evil/ev"), "trust.evidence"),
    "an evidence name that is no name": (_registry(evidence="@vextrus/"), "trust.evidence"),
    "an unknown member of a registry": (_registry(token="x"), "document.unknown-member"),
    "an ecosystem nobody knows": (_registry(ecosystem="cargo"), "trust.registry"),
    "an ecosystem in capitals": (_registry(ecosystem="PyPI"), "trust.registry"),
    "scopes in a registry of Python packages": (_registry(ecosystem="pypi", packages=["a"]), "trust.registry"),
    "evidence in a registry of Python packages": (_python(evidence="@vextrus/ev"), "trust.registry"),
    "a registry of Python packages that names none": (_python(packages=[]), "trust.registry"),
    "a Python name that is not in its normal form": (_python(packages=["Vx_Sec"]), "trust.registry"),
    "an npm name in a registry of Python packages": (_python(packages=["@vextrus/a"]), "trust.registry"),
    "a Python name twice": (_python(packages=["a", "a"]), "trust.duplicate"),
    "a registry called other": (
        _top(registries={"other": {"url": "https://r.example.test/", "scopes": ["@x"]}}),
        "trust.registry",
    ),
    "two registries with one URL": (
        _top(
            registries={
                "a": {"url": "https://r.example.test", "scopes": ["@x"]},
                "b": {"url": "https://R.example.test:443/", "scopes": ["@y"]},
            }
        ),
        "trust.duplicate",
    ),
    "two registries of one scope, and only one says its keys": (_signing(keys=None), "trust.registry-keys"),
    "a package of another registry's scope, without keys": (
        _signing(keys=None, scopes=None, packages=["@vextrus/a", "@vextrus/e"], evidence="@vextrus/e"),
        "trust.registry-keys",
    ),
    "a package of two registries, without keys": (
        lambda document: (
            document["registries"]["internal"].update(scopes=[], packages=["a"], evidence="a"),
            _signing(keys=None, scopes=None, packages=["a"], evidence="a")(document),
        ),
        "trust.registry-keys",
    ),
    "a scope of another registry's package, without keys": (
        lambda document: (
            document["registries"]["internal"].update(scopes=[], packages=["@vextrus/a"], evidence="@vextrus/a"),
            _signing(keys=None)(document),
        ),
        "trust.registry-keys",
    ),
    "no keys of a registry": (_signing(keys=[]), "trust.registry-keys"),
    "a key of a registry twice": (_signing(keys=["prod", "prod"]), "trust.registry-keys"),
    "a key of a registry that is not there": (_signing(keys=["prod", "gone"]), "trust.registry-keys"),
    "a key of a registry that has another role": (_registry(keys=["ci-2026"]), "trust.registry-keys"),
    "keys of a registry that are one word": (_signing(keys="prod"), "document.type"),
    "keys of a registry of Python packages": (_python(keys=["ci-2026"]), "trust.registry"),
    "a revocation of nothing": (_revoked(), "trust.revocation"),
    "a revocation of both": (_revoked(key="ci-2026", sha512="a" * 128), "trust.revocation"),
    "a revocation of a key that is not there": (_revoked(key="ci-2O26"), "trust.revocation"),
    "a revocation of a short digest": (_revoked(sha512="a" * 127), "trust.revocation"),
    "a revocation of an upper-case digest": (_revoked(sha512="A" * 128), "trust.revocation"),
    "a revocation for no known reason": (_revoked(key="ci-2026", reason="lost"), "trust.revocation"),
    "a revocation since a date": (_revoked(key="ci-2026", since="2026-12-01"), "trust.time"),
    "a revocation with more": (_revoked(key="ci-2026", note="x"), "document.unknown-member"),
}


@pytest.mark.parametrize(("change", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_does_not_load(change: Callable[[dict[str, Any]], None], code: str) -> None:
    document = copy.deepcopy(BASE)
    change(document)
    with pytest.raises(UsageError) as caught:
        _parse(document)
    assert caught.value.code == code
    assert caught.value.exit_status == 2
    assert code == "file.missing" or (caught.value.where or "").startswith("trust.json")


def test_an_error_names_the_line() -> None:
    with pytest.raises(ConfigurationError) as caught:
        _parse(YAML.replace("holder: alice", "holder: bob"), "trust.yaml")
    assert (caught.value.where or "").startswith("trust.yaml:10 ")


def test_more_keys_than_allowed_do_not_load() -> None:
    with pytest.raises(ConfigurationError, match="at most 1 keys") as caught:
        _parse(YAML, "trust.yaml", Limits(trust_keys=1))
    assert caught.value.code == "trust.limit"

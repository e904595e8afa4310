"""Signing as a registry, and verifying what it signed: one circle, and every way in which it does not close."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from support.packument_kit import NAME, ORIGIN, VERSION, npm_shaped, packed
from support.signing_kit import NOW
from support.wheel_factory import wheel
from vxsec.errors import ConfigurationError, UsageError, VxsecError
from vxsec.formats.npm_keys import npm_key_id
from vxsec.formats.public_key import render_public_key
from vxsec.model.verification import CheckStatus
from vxsec.report.npm_signatures import (
    registry_signed_document,
    render_packument_verdict,
    render_registry_signed,
)
from vxsec.report.verification import verify_document
from vxsec.signing.key import KeySigner, generate_pkcs8
from vxsec.testing.registry_keys import make_key
from vxsec.usecases.npm_signatures import build_registry_keys, sign_registry
from vxsec.usecases.verify_npm import CHECKS, verify_packument

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vxsec.model.report.npm import PackumentVerdict

DAY = timedelta(days=1)
TRUST = """\
apiVersion: vxsec/trust/v1
kind: Identities
holders: [{{id: npm, kind: machine}}, {{id: ci, kind: machine}}]
keys:
  - {{id: registry-2026, file: registry.pub, roles: [registry], holder: npm, from: "2026-11-01T00:00:00Z", until: "{until}"}}
  - {{id: ci-2026, file: ci.pub, roles: [machine], holder: ci, from: "2026-11-01T00:00:00Z", until: "2027-11-01T00:00:00Z"}}
registries:
  internal: {{url: "{url}", scopes: ["@vextrus"]}}
revocations: [{revocations}]
"""
PEM = "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n"


def write_pair(folder: Path, name: str, algorithm: str = "ecdsa-p256") -> KeySigner:
    """``NAME.key`` without a password, and ``NAME.pub``."""
    pkcs8 = generate_pkcs8(algorithm)
    signer = KeySigner(pkcs8, where=name)
    (folder / f"{name}.key").write_text(PEM.format(base64.encodebytes(pkcs8).decode().strip()), encoding="ascii")
    (folder / f"{name}.pub").write_bytes(render_public_key(signer.spki))
    return signer


def write_trust(folder: Path, *, until: str = "2027-11-01T00:00:00Z", revocations: str = "") -> Path:
    path = folder / "trust.yaml"
    path.write_text(TRUST.format(until=until, revocations=revocations, url=ORIGIN), encoding="utf-8")
    return path


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A tarball, its packument, a registry's key, CI's key, and a trust document."""
    for name in ("registry", "ci", "old"):
        write_pair(tmp_path, name)
    write_pair(tmp_path, "edwards", "ed25519")
    artifact = packed({"dependencies": {"x": "1"}})
    (tmp_path / "kernel.tgz").write_bytes(artifact.data)
    (tmp_path / "packument.json").write_text(json.dumps(npm_shaped(artifact)), encoding="utf-8")
    write_trust(tmp_path)
    return tmp_path


def serve(shop: Path, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> None:
    """Change the packument and its listed version."""
    path = shop / "packument.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document, document["versions"][VERSION])
    path.write_text(json.dumps(document), encoding="utf-8")


def sign(shop: Path, key: str = "registry", **options: Any) -> Any:
    (made,) = sign_registry([shop / "kernel.tgz"], signer=f"file:{shop / key}.key", **{"now": NOW, **options})
    return made


def publish(shop: Path, key: str = "registry") -> None:
    """Sign, and merge what was made into the packument."""
    made = sign(shop, key)
    document: Any = registry_signed_document([made])
    signatures = document["files"][0]["signatures"]
    serve(shop, lambda _document, listed: listed["dist"].setdefault("signatures", []).extend(signatures))


def verify(shop: Path, **options: Any) -> PackumentVerdict:
    given = {"packument": shop / "packument.json", "now": NOW, **options}
    if not {"npm_keys", "trust"} & options.keys():
        given["trust"] = shop / "trust.yaml"
    return verify_packument(shop / "kernel.tgz", **given)


# -- the circle ----------------------------------------------------------------------------------------------------------


def test_what_the_registry_signed_is_verified_against_the_trust_root(shop: Path) -> None:
    publish(shop)
    verdict = verify(shop, expect=f"{NAME}@{VERSION}")
    assert verdict.exit_status == 0
    assert verdict.findings == ()
    assert [check.id for check in verdict.checks] == [identifier for identifier, _ in CHECKS]
    assert {check.status for check in verdict.checks} == {CheckStatus.PASSED}
    assert (verdict.signature.kind, verdict.signature.counted, verdict.signature.signer) == (
        "npm",
        True,
        "registry-2026",
    )
    assert verdict.registry == ORIGIN


def test_what_the_registry_signed_is_verified_against_its_keys_document(shop: Path) -> None:
    publish(shop)
    (shop / "keys.json").write_bytes(build_registry_keys([shop / "registry.pub"]))
    verdict = verify(shop, npm_keys=shop / "keys.json", registry=ORIGIN)
    assert verdict.exit_status == 0
    assert verdict.registry == ORIGIN
    assert verify(shop, npm_keys=shop / "keys.json").registry is None


def test_signatures_by_other_keys_are_kept_and_an_own_one_is_replaced(shop: Path) -> None:
    publish(shop, "old")
    publish(shop)
    made = sign(shop, packument=shop / "packument.json")
    assert len(made.signatures) == 2
    assert made.signatures[1].keyid == made.keyid == npm_key_id(_spki(shop, "registry"))


def _spki(shop: Path, name: str) -> bytes:
    from vxsec.usecases.inputs import load_public_key

    return load_public_key(shop / f"{name}.pub")


def test_a_signature_by_an_unknown_key_beside_is_a_finding(shop: Path) -> None:
    publish(shop, "old")
    publish(shop)
    verdict = verify(shop)
    assert verdict.exit_status == 0
    assert [finding.code for finding in verdict.findings] == ["npm.unknown-key"]


def test_an_earlier_time_is_judged_and_marked(shop: Path) -> None:
    publish(shop)
    verdict = verify(shop, at=NOW + 700 * DAY)
    assert verdict.as_of == NOW + 700 * DAY
    assert verdict.signature.code == "key.expired"
    assert next(iter(render_packument_verdict(verdict))).startswith("judged as of 2028")


# -- refused -------------------------------------------------------------------------------------------------------------


def _replay(_document: dict[str, Any], listed: dict[str, Any]) -> None:
    """An honest packument of another version, whose signature is copied to this one."""
    stranger = make_key()
    listed["dist"]["signatures"] = [stranger.sign(NAME, VERSION, listed["dist"]["integrity"])]


REFUSED: dict[str, tuple[Callable[[dict[str, Any], dict[str, Any]], object], str, str]] = {
    "no signature": (lambda _d, listed: listed["dist"].pop("signatures"), "npm.signatures", "npm.unsigned"),
    "a stranger's signature": (_replay, "npm.signatures", "npm.unknown-key"),
    "a signature that is no base64": (
        lambda _d, listed: listed["dist"]["signatures"][0].update(sig="?"),
        "npm.signatures",
        "npm.signature-malformed",
    ),
    "signatures that are none": (
        lambda _d, listed: listed["dist"].update(signatures="x"),
        "npm.integrity",
        "packument.dist-malformed",
    ),
    "other bytes stated": (
        lambda _d, listed: listed["dist"].update(integrity="sha512-" + "A" * 86 + "=="),
        "npm.integrity",
        "packument.integrity-mismatch",
    ),
    "a hidden dependency": (lambda _d, listed: listed.update(dependencies={}), "npm.manifest", "manifest.mismatch"),
    "a hidden script": (
        lambda _d, listed: listed.update(scripts={"postinstall": "x"}),
        "npm.manifest",
        "manifest.hidden-script",
    ),
    "another host": (
        lambda _d, listed: listed["dist"].update(tarball=f"https://evil.example.test/{NAME}/-/kernel-{VERSION}.tgz"),
        "npm.address",
        "packument.tarball-foreign",
    ),
    "the version unpublished": (
        lambda document, _listed: document["versions"].clear(),
        "npm.packument",
        "packument.unpublished",
    ),
    "a version filed under another number": (
        lambda _d, listed: listed.update(version="9.9.9"),
        "npm.packument",
        "packument.version",
    ),
    "no name": (lambda document, _listed: document.pop("name"), "npm.packument", "packument.shape"),
}


@pytest.mark.parametrize(("change", "check", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses_a_packument(
    shop: Path, change: Callable[[dict[str, Any], dict[str, Any]], object], check: str, code: str
) -> None:
    publish(shop)
    serve(shop, change)
    _assert_refused(verify(shop), check, code)


def _assert_refused(verdict: PackumentVerdict, check: str, code: str) -> None:
    assert verdict.exit_status == 10
    assert (verdict.signature.counted, verdict.signature.code) == (False, code)
    status = {item.id: (item.status, item.code) for item in verdict.checks}
    assert status[check] == (CheckStatus.FAILED, code)
    after = [item.status for item in verdict.checks][[item.id for item in verdict.checks].index(check) + 1 :]
    assert set(after) <= {CheckStatus.NOT_RUN}


def test_refuses_the_signature_of_another_version_by_its_name(shop: Path) -> None:
    publish(shop)
    other = packed({"version": "1.2.2"})

    def copied(document: dict[str, Any], listed: dict[str, Any]) -> None:
        document["versions"]["1.0.0"] = {"name": NAME, "version": "1.0.0"}  # from before there were integrities
        document["versions"] |= npm_shaped(other)["versions"]
        (shop / "other.tgz").write_bytes(other.data)
        (made,) = sign_registry([shop / "other.tgz"], signer=f"file:{shop}/registry.key", now=NOW)
        listed["dist"]["signatures"] = [{"keyid": made.keyid, "sig": made.signatures[0].sig}]

    serve(shop, copied)
    verdict = verify(shop)
    _assert_refused(verdict, "npm.signatures", "npm.signature-replayed")
    assert "1.2.2" in verdict.signature.message


def test_refuses_another_package_under_the_requested_name(shop: Path) -> None:
    """npm's own check takes this: it signs over what the packument says, not over what was asked for."""
    publish(shop)
    _assert_refused(verify(shop, expect="@vextrus/other@1.2.3"), "npm.requested", "manifest.unexpected")


def test_refuses_a_tarball_changed_after_it_was_signed(shop: Path) -> None:
    publish(shop)
    (shop / "kernel.tgz").write_bytes(packed({"dependencies": {"evil": "1"}}).data)
    _assert_refused(verify(shop), "npm.integrity", "packument.integrity-mismatch")


def test_refuses_a_tarball_and_packument_changed_after_it_was_signed(shop: Path) -> None:
    publish(shop)
    artifact = packed({"dependencies": {"evil": "1"}})
    (shop / "kernel.tgz").write_bytes(artifact.data)
    signatures = json.loads((shop / "packument.json").read_text())["versions"][VERSION]["dist"]["signatures"]
    (shop / "packument.json").write_text(json.dumps(npm_shaped(artifact)), encoding="utf-8")
    serve(shop, lambda _document, listed: listed["dist"].update(signatures=signatures))
    _assert_refused(verify(shop), "npm.signatures", "npm.signature-invalid")


def test_refuses_bytes_that_are_no_package(shop: Path) -> None:
    (shop / "kernel.tgz").write_bytes(b"no tarball")
    _assert_refused(verify(shop, expect=f"{NAME}@{VERSION}"), "npm.archive", "archive.not-gzip")
    _assert_refused(verify(shop), "npm.archive", "archive.not-gzip")


@pytest.mark.parametrize(
    ("reason", "since", "code"),
    [("compromised", "2026-12-31", "digest.revoked"), ("superseded", "2026-11-01", "digest.revoked")],
    ids=["stolen", "replaced"],
)
def test_refuses_bytes_that_were_taken_back(shop: Path, reason: str, since: str, code: str) -> None:
    publish(shop)
    sha512 = packed({"dependencies": {"x": "1"}}).digests.sha512
    write_trust(shop, revocations=f'{{sha512: "{sha512}", reason: {reason}, since: "{since}T00:00:00Z"}}')
    _assert_refused(verify(shop), "npm.standing", code)


def test_bytes_replaced_tomorrow_are_good_today(shop: Path) -> None:
    publish(shop)
    sha512 = packed({"dependencies": {"x": "1"}}).digests.sha512
    other = f'{{sha512: "{"0" * 128}", reason: compromised, since: "2026-11-01T00:00:00Z"}}'
    write_trust(shop, revocations=f'{other}, {{sha512: "{sha512}", reason: superseded, since: "2026-12-31T00:00:00Z"}}')
    assert verify(shop).exit_status == 0


def test_refuses_a_key_that_was_taken_back_or_has_expired(shop: Path) -> None:
    publish(shop)
    write_trust(shop, revocations='{key: registry-2026, reason: compromised, since: "2026-11-20T00:00:00Z"}')
    _assert_refused(verify(shop), "npm.signatures", "key.revoked")
    write_trust(shop, until="2026-11-15T00:00:00Z")
    _assert_refused(verify(shop), "npm.signatures", "key.expired")
    with pytest.raises(VxsecError) as caught:
        sign(shop, trust=shop / "trust.yaml")
    assert caught.value.code == "key.expired"


TAKEN = '{key: registry-2026, reason: compromised, since: "2026-11-20T00:00:00Z"}'
BOUNDS: dict[str, tuple[dict[str, str], str | None]] = {
    "a key that is listed and good": ({}, None),
    "a key that was taken back": ({"revocations": TAKEN}, "key.revoked"),
    "a key whose window is over": ({"until": "2026-11-15T00:00:00Z"}, "key.expired"),
    "another key that was taken back": ({"revocations": TAKEN.replace("registry", "ci")}, None),
}


@pytest.mark.parametrize(("trust", "code"), BOUNDS.values(), ids=BOUNDS.keys())
def test_a_keys_document_does_not_switch_the_trust_root_off(
    shop: Path, trust: dict[str, str], code: str | None
) -> None:
    publish(shop)
    (shop / "keys.json").write_bytes(build_registry_keys([shop / "registry.pub"]))
    write_trust(shop, **trust)
    verdict = verify(shop, npm_keys=shop / "keys.json", trust=shop / "trust.yaml")
    if code is None:
        assert verdict.exit_status == 0
    else:
        _assert_refused(verdict, "npm.signatures", code)


def write_two_registries(shop: Path) -> Path:
    """The registry, with ``registry.key``, and staging, with ``old.key``; both list one scope."""
    path = write_trust(shop)
    text = path.read_text(encoding="utf-8")
    window = 'from: "2026-11-01T00:00:00Z", until: "2027-11-01T00:00:00Z"'
    text = text.replace(
        "registries:\n",
        f"  - {{id: staging-2026, file: old.pub, roles: [registry], holder: npm, {window}}}\nregistries:\n",
    ).replace(
        'scopes: ["@vextrus"]}\n',
        'scopes: ["@vextrus"], keys: [registry-2026]}\n'
        '  staging: {url: "https://staging.example.test/", scopes: ["@vextrus"], keys: [staging-2026]}\n',
    )
    path.write_text(text, encoding="utf-8")
    return path


BY_STAGING = {
    "by its label": ("internal", "npm.unknown-key"),
    "by its URL": (ORIGIN, "npm.unknown-key"),
    "by a URL that nobody listed": ("https://elsewhere.example.test/", "npm.no-keys"),
}


@pytest.mark.parametrize(("registry", "code"), BY_STAGING.values(), ids=BY_STAGING.keys())
def test_what_staging_signed_does_not_open_production(shop: Path, registry: str, code: str) -> None:
    write_two_registries(shop)
    publish(shop, "old")
    verdict = verify(shop, registry=registry)
    assert (verdict.exit_status, verdict.signature.code) == (10, code)


def test_each_registry_is_verified_with_its_own_key(shop: Path) -> None:
    write_two_registries(shop)
    publish(shop)
    verdict = verify(shop, registry="internal")
    assert (verdict.exit_status, verdict.signature.signer) == (0, "registry-2026")
    assert verify(shop, registry="staging").signature.code == "npm.unknown-key"
    with pytest.raises(UsageError) as caught:
        verify(shop)
    assert caught.value.code == "registry.ambiguous"


def test_refused_bytes_are_refused_whichever_keys_there_are(shop: Path) -> None:
    write_two_registries(shop)
    (shop / "kernel.tgz").write_bytes(b"none")
    assert verify(shop).exit_status == 10


# -- who may sign ----------------------------------------------------------------------------------------------------------

SIGNERS: dict[str, tuple[str, dict[str, Any], str]] = {
    "CI's key": ("ci", {"trust": "trust.yaml"}, "signer.role"),
    "a key that the trust document does not list": ("old", {"trust": "trust.yaml"}, "signer.role"),
    "an Ed25519 key": ("edwards", {}, "signer.algorithm"),
}


@pytest.mark.parametrize(("key", "options", "code"), SIGNERS.values(), ids=SIGNERS.keys())
def test_refuses_a_signer(shop: Path, key: str, options: dict[str, Any], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        sign(shop, key, **{name: shop / value for name, value in options.items()})
    assert caught.value.code == code
    assert caught.value.hint


def test_the_registrys_own_key_signs_with_the_trust_root(shop: Path) -> None:
    assert sign(shop, trust=shop / "trust.yaml").keyid == npm_key_id(_spki(shop, "registry"))


SERVED: dict[str, tuple[Callable[[dict[str, Any], dict[str, Any]], object], str]] = {
    "other bytes": (
        lambda _d, listed: listed["dist"].update(integrity="sha512-" + "A" * 86 + "=="),
        "packument.integrity-mismatch",
    ),
    "no integrity": (lambda _d, listed: listed["dist"].pop("integrity"), "packument.integrity-missing"),
    "no such version": (lambda document, _listed: document["versions"].clear(), "packument.version"),
    "another package": (
        lambda document, listed: (document.update(name="b"), listed.update(name="b")),
        "packument.name",
    ),
    "malformed signatures": (lambda _d, listed: listed["dist"].update(signatures=1), "packument.shape"),
}


@pytest.mark.parametrize(("change", "code"), SERVED.values(), ids=SERVED.keys())
def test_refuses_to_sign_what_the_registry_does_not_serve(
    shop: Path, change: Callable[[dict[str, Any], dict[str, Any]], object], code: str
) -> None:
    serve(shop, change)
    with pytest.raises(VxsecError) as caught:
        sign(shop, packument=shop / "packument.json")
    assert caught.value.code == code
    assert caught.value.exit_status == 10


def test_refuses_to_sign_nothing_or_what_is_no_npm_package(shop: Path) -> None:
    with pytest.raises(UsageError) as caught:
        sign_registry([], signer=f"file:{shop}/registry.key")
    assert caught.value.code == "usage.no-files"
    (shop / "a-1.0-py3-none-any.whl").write_bytes(wheel())
    with pytest.raises(UsageError) as caught:
        sign_registry([shop / "a-1.0-py3-none-any.whl"], signer=f"file:{shop}/registry.key")
    assert caught.value.code == "usage.options"
    with pytest.raises(UsageError) as caught:
        verify_packument(shop / "a-1.0-py3-none-any.whl", packument=shop / "packument.json", trust=shop / "trust.yaml")
    assert caught.value.code == "usage.options"


# -- usage -----------------------------------------------------------------------------------------------------------------


def test_a_registrys_signature_needs_a_key_from_elsewhere(shop: Path) -> None:
    for options, code in (
        ({}, "verify.no-trust"),
        ({"npm_keys": shop / "gone.json"}, "file.missing"),
        ({"npm_keys": shop / "packument.json"}, "npm-keys.shape"),
    ):
        with pytest.raises(UsageError) as caught:
            verify_packument(shop / "kernel.tgz", packument=shop / "packument.json", **options)  # type: ignore[arg-type]  # a table of options
        assert caught.value.code == code
    document = (shop / "trust.yaml").read_text(encoding="utf-8").replace("roles: [registry]", "roles: [machine]")
    (shop / "trust.yaml").write_text(document, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        verify(shop)
    assert caught.value.code == "npm.no-keys"


def test_a_label_needs_the_document_that_defines_it(shop: Path) -> None:
    (shop / "keys.json").write_bytes(build_registry_keys([shop / "registry.pub"]))
    with pytest.raises(UsageError) as caught:
        verify(shop, npm_keys=shop / "keys.json", registry="internal")
    assert caught.value.code == "registry.missing"
    assert verify(shop, registry="internal").registry == ORIGIN


def test_a_name_that_no_registry_lists_is_judged_without_a_host(shop: Path) -> None:
    artifact = packed({"name": "foreign"})
    (shop / "kernel.tgz").write_bytes(artifact.data)
    (shop / "packument.json").write_text(json.dumps(npm_shaped(artifact)), encoding="utf-8")
    assert verify(shop).registry is None


# -- the keys document -----------------------------------------------------------------------------------------------------


def test_the_keys_document_lists_keys_that_sign_and_keys_that_did(shop: Path) -> None:
    document = json.loads(build_registry_keys([shop / "registry.pub"], retired=[(shop / "old.pub", NOW)]))
    assert [(key["keyid"], key["expires"]) for key in document["keys"]] == [
        (npm_key_id(_spki(shop, "registry")), None),
        (npm_key_id(_spki(shop, "old")), "2026-11-21T12:00:00.000Z"),
    ]
    document = json.loads(build_registry_keys([shop / "registry.pub"], expires=NOW + DAY, trust=shop / "trust.yaml"))
    assert document["keys"][0]["expires"] == "2026-11-22T12:00:00.000Z"


def test_the_keys_document_of_a_trust_root_holds_its_registry_keys(shop: Path) -> None:
    document = json.loads(build_registry_keys(trust=shop / "trust.yaml"))
    assert [(key["keyid"], key["expires"]) for key in document["keys"]] == [
        (npm_key_id(_spki(shop, "registry")), "2027-11-01T00:00:00.000Z")
    ]


def test_the_keys_document_of_one_registry_holds_no_key_of_another(shop: Path) -> None:
    path = write_two_registries(shop)
    for label, name in (("internal", "registry"), ("staging", "old")):
        document = json.loads(build_registry_keys(trust=path, registry=label))
        assert [key["keyid"] for key in document["keys"]] == [npm_key_id(_spki(shop, name))]
    for given, code in ((None, "registry.ambiguous"), ("gone", "registry.unknown")):
        with pytest.raises(UsageError) as caught:
            build_registry_keys(trust=path, registry=given)
        assert caught.value.code == code


KEYS: dict[str, tuple[list[str], dict[str, Any], str]] = {
    "no key": ([], {}, "registry.no-keys"),
    "an end without a key": ([], {"expires": NOW}, "usage.options"),
    "CI's key": (["ci.pub"], {"trust": "trust.yaml"}, "signer.role"),
    "a retired key of another role": (["registry.pub"], {"trust": "trust.yaml", "retired": "ci.pub"}, "signer.role"),
    "an Ed25519 key": (["edwards.pub"], {}, "npm-keys.type"),
    "one key twice": (["registry.pub", "registry.pub"], {}, "npm-keys.duplicate"),
    "a private key": (["registry.key"], {}, "key.malformed"),
    "a file that is not there": (["gone.pub"], {}, "file.missing"),
}


@pytest.mark.parametrize(("keys", "options", "code"), KEYS.values(), ids=KEYS.keys())
def test_refuses_a_keys_document(shop: Path, keys: list[str], options: dict[str, Any], code: str) -> None:
    given = dict(options)
    if "trust" in given:
        given["trust"] = shop / given["trust"]
    if "retired" in given:
        given["retired"] = [(shop / given["retired"], NOW)]
    with pytest.raises(VxsecError) as caught:
        build_registry_keys([shop / key for key in keys], **given)
    assert caught.value.code == code


def test_a_trust_root_without_such_a_key_gives_no_document(shop: Path) -> None:
    document = (shop / "trust.yaml").read_text(encoding="utf-8").replace("roles: [registry]", "roles: [machine]")
    (shop / "trust.yaml").write_text(document, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        build_registry_keys(trust=shop / "trust.yaml")
    assert caught.value.code == "registry.no-keys"
    (shop / "trust.yaml").write_text("x: 1", encoding="utf-8")
    with pytest.raises(ConfigurationError):
        build_registry_keys(trust=shop / "trust.yaml")


# -- reports ---------------------------------------------------------------------------------------------------------------


def test_what_was_signed_is_told_to_people_and_machines(shop: Path) -> None:
    made = sign(shop)
    text = "\n".join(render_registry_signed([made]))
    assert f"as {NAME}@{VERSION}  by SHA256:" in text
    assert made.signatures[0].sig in text
    document = registry_signed_document([made])
    assert document["schema"] == "urn:vxsec:schema:registrysigned:v1"
    assert document["files"] == [
        {
            "file": str(shop / "kernel.tgz"),
            "name": NAME,
            "version": VERSION,
            "integrity": made.integrity,
            "keyid": made.keyid,
            "signatures": [{"keyid": made.keyid, "sig": made.signatures[0].sig}],
        }
    ]


def test_a_verdict_is_told_to_people_and_machines(shop: Path) -> None:
    publish(shop)
    good = verify(shop)
    assert list(render_packument_verdict(good)) == [
        f"verified  {shop / 'kernel.tgz'}  by registry-2026 (registry signature)"
    ]
    assert len(list(render_packument_verdict(good, verbose=True))) == 1 + len(CHECKS)
    document: Any = verify_document(good.as_report())
    assert (document["verdict"], document["exitStatus"], document["files"][0]["code"]) == ("verified", 0, "verified")

    serve(shop, lambda _document, listed: listed.update(dependencies={}, deprecated="\x1b[2J"))
    serve(shop, lambda _document, listed: listed["dist"].update(signatures=[]))
    bad = verify(shop)
    lines = list(render_packument_verdict(bad))
    assert lines[0].startswith("NOT VERIFIED")
    assert any("failed npm.signatures [npm.unsigned]" in line for line in lines)
    assert any("[manifest.mismatch] dependencies.x:" in line for line in lines)
    assert "\x1b" not in "\n".join(lines)
    document = verify_document(bad.as_report())
    assert (document["verdict"], document["exitStatus"]) == ("not-verified", 10)
    (signature,) = document["files"][0]["signatures"]
    assert (signature["kind"], signature["code"]) == ("npm", "npm.unsigned")
    assert "manifest.mismatch" in {finding["code"] for finding in document["files"][0]["findings"]}
    statuses = [check["status"] for check in signature["checks"]]
    assert statuses == ["passed"] * 5 + ["failed"] + ["not-run"] * 2


def test_many_findings_are_not_all_printed(shop: Path) -> None:
    serve(shop, lambda _document, listed: listed.update(dependencies={f"d{number}": "1" for number in range(60)}))
    lines = list(render_packument_verdict(verify(shop)))
    assert lines[-1].strip().startswith("and ")

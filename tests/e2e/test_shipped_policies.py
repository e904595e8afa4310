"""The policies that come with vxsec, on real bytes: what each lets through, and what each must not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import vxsec
from support.shop import PASSWORD
from vxsec.testing.artifacts import pack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from e2e.conftest import Vxsec
    from support.shop import Shop

    Make = Callable[[Shop], Path]

MINIMAL, RECOMMENDED = "vxsec:minimal", "vxsec:recommended"
HIDDEN_SCRIPT = {"scripts": {"postinstall": "node x.js"}}
SINCE = 'reason: compromised, since: "2026-01-01T00:00:00Z"'


def closing(decision: dict[str, Any] | None) -> set[tuple[str, str]]:
    """Rule and code of every result that closes the gate."""
    subjects = decision["subjects"] if decision is not None else ()
    return {(item["use"], item["code"]) for subject in subjects for item in subject["results"] if item["closes"]}


# -- at publish ----------------------------------------------------------------------------------------------------------


def _signed(shop: Shop) -> Path:
    path = shop.pack("kernel")
    shop.sign(path)
    return path


def _released(shop: Shop) -> Path:
    path = shop.pack("kernel")
    shop.release(path)
    return path


def _live(shop: Shop, version: str = "1.0.0", **more: Any) -> Path:
    """A version that went the whole way."""
    path = shop.pack("kernel", version, **more)
    shop.release(path)
    assert vxsec.publish([path], policy=RECOMMENDED, trust=shop.trust).exit_status == 0
    return path


def _next_version(shop: Shop) -> Path:
    _live(shop)
    path = shop.pack("kernel", "1.0.1")
    shop.release(path)
    return path


def _same_version_again(shop: Shop) -> Path:
    return _live(shop)


def _signed_with_a_script(shop: Shop) -> Path:
    path = shop.pack("kernel", manifest=HIDDEN_SCRIPT, files={"index.js": b"", "x.js": b""})
    shop.release(path)
    return path


def _unsigned(shop: Shop) -> Path:
    return shop.pack("kernel")


def _only_a_person(shop: Shop) -> Path:
    path = shop.pack("kernel")
    shop.approve(path)
    return path


def _two_machines(shop: Shop) -> Path:
    path = _signed(shop)
    shop.sign(path, key="ci2")
    return path


def _a_stranger(shop: Shop) -> Path:
    path = shop.pack("kernel")
    shop.sign(path, key="mallory")
    shop.approve(path, key="mallory")
    return path


def _bare_signatures(shop: Shop) -> Path:
    path = shop.pack("kernel")
    vxsec.sign([path], signers=[shop.uri("ci"), shop.uri("alice")], blob=True, password=PASSWORD)
    return path


def _other_bytes(shop: Shop) -> Path:
    path = _released(shop)
    path.write_bytes(pack({"name": "@acme/kernel", "version": "1.0.0"}, {"index.js": b"steal()"}))
    return path


def _for_staging(shop: Shop) -> Path:
    path = shop.pack("kernel")
    shop.sign(path, registry="https://staging.example.test/")
    shop.approve(path)
    return path


def _approved_other_bytes(shop: Shop) -> Path:
    path = shop.pack("kernel", files={"index.js": b"as reviewed"})
    shop.approve(path)
    path = shop.pack("kernel", files={"index.js": b"as built"})
    shop.sign(path)
    return path


def _workspace_range(shop: Shop) -> Path:
    path = shop.pack("kernel", manifest={"dependencies": {"@acme/base": "workspace:^"}})
    shop.release(path)
    return path


def _live_with_other_bytes(shop: Shop) -> Path:
    _live(shop)
    path = shop.pack("kernel", files={"index.js": b"other"})
    shop.release(path)
    return path


def _going_back(shop: Shop) -> Path:
    _live(shop, "2.0.0")
    path = shop.pack("kernel", "1.9.9")
    shop.release(path)
    return path


def _no_tarball(shop: Shop) -> Path:
    path = shop.folder / "bad.tgz"
    path.write_bytes(b"\x1f\x8b not a tarball")
    return path


def _routed_elsewhere(shop: Shop) -> Path:
    path = _released(shop)
    (shop.folder / ".npmrc").write_text("registry=https://registry.example.test/\n", encoding="utf-8")
    return path


ACCEPTED: dict[str, tuple[str, Make]] = {
    "minimal: a machine signed it": (MINIMAL, _signed),
    "minimal: two machines signed it": (MINIMAL, _two_machines),
    "minimal: with an install script, which it does not judge": (MINIMAL, _signed_with_a_script),
    "minimal: the next version": (MINIMAL, _next_version),
    "minimal: a live version again, with the same bytes": (MINIMAL, _same_version_again),
    "recommended: a machine signed it and a person approved it": (RECOMMENDED, _released),
    "recommended: the next version": (RECOMMENDED, _next_version),
    "recommended: a live version again, with the same bytes": (RECOMMENDED, _same_version_again),
}


@pytest.mark.parametrize(("policy", "make"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_publishes(vxsec_run: Vxsec, shop: Shop, policy: str, make: Make) -> None:
    answer = vxsec_run("publish", make(shop), "--policy", policy, "--trust", shop.trust, "--json")
    assert answer.status == 0, answer.out + answer.err
    assert answer.json["packages"][0]["live"] is True


THRESHOLD, NONE = ("signature.threshold", "signature.threshold"), ("signature.threshold", "signature.none")
MISMATCH = ("signature.threshold", "signature.subject-mismatch")
REFUSED: dict[str, tuple[str, Make, tuple[str, str]]] = {
    "minimal: nobody signed it": (MINIMAL, _unsigned, NONE),
    "minimal: only a person signed it": (MINIMAL, _only_a_person, THRESHOLD),
    "minimal: a stranger signed it": (MINIMAL, _a_stranger, NONE),
    "minimal: bare signatures": (MINIMAL, _bare_signatures, NONE),
    "minimal: other bytes than were signed": (MINIMAL, _other_bytes, MISMATCH),
    "minimal: signed for staging": (MINIMAL, _for_staging, THRESHOLD),
    "minimal: a range of its workspace left in": (
        MINIMAL,
        _workspace_range,
        ("manifest.consistent", "manifest.uninstallable-range"),
    ),
    "minimal: the version is live with other bytes": (
        MINIMAL,
        _live_with_other_bytes,
        ("version.monotonic", "version.exists"),
    ),
    "minimal: latest would go back": (MINIMAL, _going_back, ("version.monotonic", "version.downgrade")),
    "recommended: only a machine signed it": (RECOMMENDED, _signed, THRESHOLD),
    "recommended: two machines are no person": (RECOMMENDED, _two_machines, THRESHOLD),
    "recommended: only a person signed it": (RECOMMENDED, _only_a_person, THRESHOLD),
    "recommended: nobody approved it": (RECOMMENDED, _signed, ("release.approval", "approval.none")),
    "recommended: what was approved are other bytes": (
        RECOMMENDED,
        _approved_other_bytes,
        ("release.approval", "approval.subject-mismatch"),
    ),
    "recommended: an install script": (
        RECOMMENDED,
        _signed_with_a_script,
        ("content.install-scripts", "scripts.unapproved"),
    ),
    "recommended: its own name is fetched from elsewhere": (
        RECOMMENDED,
        _routed_elsewhere,
        ("deps.confusion", "confusion.npmrc"),
    ),
    "recommended: latest would go back": (RECOMMENDED, _going_back, ("version.monotonic", "version.downgrade")),
}


@pytest.mark.parametrize(("policy", "make", "expected"), REFUSED.values(), ids=REFUSED.keys())
def test_does_not_publish(vxsec_run: Vxsec, shop: Shop, policy: str, make: Make, expected: tuple[str, str]) -> None:
    path = make(shop)
    sent = [request.path for request in shop.registry.requests if request.method == "PUT"]
    answer = vxsec_run("publish", path, "--policy", policy, "--trust", shop.trust, "--json")
    assert answer.status == 11, answer.out + answer.err
    assert expected in closing(answer.json["decision"]), closing(answer.json["decision"])
    assert [request.path for request in shop.registry.requests if request.method == "PUT"] == sent


@pytest.mark.parametrize("policy", [MINIMAL, RECOMMENDED])
def test_refused_bytes_are_denied(vxsec_run: Vxsec, shop: Shop, policy: str) -> None:
    answer = vxsec_run("gate", _no_tarball(shop), "--policy", policy, "--trust", shop.trust, "--json")
    assert answer.status == 11
    assert {use for use, _ in closing(answer.json)} == {"archive.safe"}


# -- at install ----------------------------------------------------------------------------------------------------------


def _lock(shop: Shop, **entry: Any) -> Path:
    """A lockfile for the live package, and for one of another registry where ``entry`` is given."""
    path = shop.lockfile(_live(shop))
    if entry:
        document = json.loads(path.read_text(encoding="utf-8"))
        document["packages"]["node_modules/left-pad"] = {"version": "1.3.0", **entry}
        document["packages"][""]["dependencies"]["left-pad"] = "^1.3.0"
        path.write_text(json.dumps(document), encoding="utf-8")
    return path


def _lock_with_pinned(shop: Shop) -> Path:
    return _lock(shop, integrity="sha512-" + "A" * 86 + "==")


def _lock_with_weak(shop: Shop) -> Path:
    return _lock(shop, integrity="sha1-" + "A" * 27 + "=")


def _lock_unpinned(shop: Shop) -> Path:
    return _lock(shop, resolved="https://registry.example.test/left-pad/-/left-pad-1.3.0.tgz")


def _published_without(shop: Shop, path: Path) -> Path:
    lenient = shop.policy("{id: a, use: archive.safe}")
    assert vxsec.publish([path], policy=lenient, trust=shop.trust).exit_status == 0
    return shop.lockfile(path)


def _lock_signed_only(shop: Shop) -> Path:
    return _published_without(shop, _signed(shop))


def _lock_unsigned(shop: Shop) -> Path:
    return _published_without(shop, _unsigned(shop))


def _lock_scripted(shop: Shop) -> Path:
    return _published_without(shop, _signed_with_a_script(shop))


def _lock_swapped(shop: Shop) -> Path:
    path = _lock(shop)
    shop.registry.tamper_tarball("@acme/kernel", "1.0.0", pack({"name": "@acme/kernel", "version": "1.0.0"}))
    return path


def _lock_hidden_script(shop: Shop) -> Path:
    path = _lock(shop)

    def lie(packument: dict[str, Any]) -> dict[str, Any]:
        packument["versions"]["1.0.0"].update(HIDDEN_SCRIPT)
        return packument

    shop.registry.tamper_packument("@acme/kernel", lie)
    return path


def _lock_elsewhere(shop: Shop) -> Path:
    url = "https://evil.example.test/@acme/kernel/-/kernel-1.0.0.tgz"
    return shop.lockfile(_live(shop), edit={"@acme/kernel": {"resolved": url}})


def _lock_revoked_machine(shop: Shop) -> Path:
    path = _lock(shop)
    shop.write_trust(revocations=f"[{{key: ci-key, {SINCE}}}]")
    return path


def _lock_revoked_tarball(shop: Shop) -> Path:
    path = _lock(shop)
    sha512 = vxsec.open_artifact(shop.folder / "acme-kernel-1.0.0.tgz").digests.sha512
    shop.write_trust(revocations=f'[{{sha512: "{sha512}", {SINCE}}}]')
    return path


def _totals(shop: Shop, path: Path, policy: str, vxsec_run: Vxsec, status: int) -> dict[str, Any]:
    answer = vxsec_run("verify", "--lockfile", path, "--policy", policy, "--trust", shop.trust, "--json")
    assert answer.status == status, answer.out + answer.err
    document: dict[str, Any] = answer.json
    return document


INSTALLED: dict[str, tuple[str, Make, int]] = {
    "minimal: what was published": (MINIMAL, _lock, 0),
    "minimal: what a machine signed": (MINIMAL, _lock_signed_only, 0),
    "minimal: with a script, which it does not judge": (MINIMAL, _lock_scripted, 0),
    "minimal: beside a pinned package of another registry": (MINIMAL, _lock_with_pinned, 1),
    "recommended: what was published": (RECOMMENDED, _lock, 0),
    "recommended: beside a pinned package of another registry": (RECOMMENDED, _lock_with_pinned, 1),
}


@pytest.mark.parametrize(("policy", "make", "foreign"), INSTALLED.values(), ids=INSTALLED.keys())
def test_installs(vxsec_run: Vxsec, shop: Shop, policy: str, make: Make, foreign: int) -> None:
    totals = _totals(shop, make(shop), policy, vxsec_run, 0)["totals"]
    assert (totals["verified"], totals["allowedUnsigned"], totals["failed"]) == (1, foreign, 0)


NOT_INSTALLED: dict[str, tuple[str, Make, int, str]] = {
    "minimal: nobody signed it": (MINIMAL, _lock_unsigned, 11, "signature.none"),
    "minimal: the machine's key is revoked": (MINIMAL, _lock_revoked_machine, 11, "signature.threshold"),
    "minimal: the tarball is revoked": (MINIMAL, _lock_revoked_tarball, 11, "digest.revoked"),
    "minimal: the registry serves other bytes": (MINIMAL, _lock_swapped, 10, "tree.integrity-mismatch"),
    "minimal: the registry's manifest hides a script": (MINIMAL, _lock_hidden_script, 11, "manifest.mismatch"),
    "minimal: a package of another registry pinned by SHA-1": (MINIMAL, _lock_with_weak, 11, "lockfile.integrity-weak"),
    "minimal: a package of another registry is not pinned": (MINIMAL, _lock_unpinned, 11, "lockfile.integrity-missing"),
    "recommended: nobody signed it": (RECOMMENDED, _lock_unsigned, 11, "signature.none"),
    "recommended: only a machine signed it": (RECOMMENDED, _lock_signed_only, 11, "signature.threshold"),
    "recommended: it runs a script": (RECOMMENDED, _lock_scripted, 11, "scripts.unapproved"),
    "recommended: the machine's key is revoked": (RECOMMENDED, _lock_revoked_machine, 11, "signature.threshold"),
    "recommended: the registry serves other bytes": (RECOMMENDED, _lock_swapped, 10, "tree.integrity-mismatch"),
    "recommended: an own name from elsewhere": (RECOMMENDED, _lock_elsewhere, 11, "confusion.resolved"),
    "recommended: a package of another registry pinned by SHA-1": (
        RECOMMENDED,
        _lock_with_weak,
        11,
        "lockfile.integrity-weak",
    ),
}


@pytest.mark.parametrize(("policy", "make", "status", "code"), NOT_INSTALLED.values(), ids=NOT_INSTALLED.keys())
def test_does_not_install(vxsec_run: Vxsec, shop: Shop, policy: str, make: Make, status: int, code: str) -> None:
    document = _totals(shop, make(shop), policy, vxsec_run, status)
    found = {item["code"] for item in document["failures"]} | {code for _, code in closing(document["decision"])}
    assert code in found, found

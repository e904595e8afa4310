"""``vxsec publish``: the gated bytes, with their evidence, in order, read back; and again after anything went wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import vxsec
from vxsec.testing.artifacts import pack

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.conftest import Answer, Vxsec
    from support.shop import Shop

EVIDENCE = "@acme/vxsec-evidence"


def publish(
    vxsec_run: Vxsec, shop: Shop, *files: Path, policy: object = "vxsec:recommended", more: tuple[object, ...] = ()
) -> Answer:
    return vxsec_run("publish", *files, "--policy", policy, "--trust", shop.trust, *more)


def puts(shop: Shop) -> list[str]:
    return [request.path for request in shop.registry.requests if request.method == "PUT"]


def states(answer: Answer) -> list[str]:
    return [package["state"] for package in answer.json["packages"]]


def chain(shop: Shop) -> list[Path]:
    """Three packages, given in the wrong order."""
    top = shop.pack("top", manifest={"dependencies": {"@acme/middle": "^1.0.0"}})
    middle = shop.pack("middle", manifest={"dependencies": {"@acme/base": "^1.0.0"}})
    base = shop.pack("base")
    files = [top, middle, base]
    shop.release(*files)
    return files


def test_evidence_goes_before_its_package_and_dependencies_before_dependents(vxsec_run: Vxsec, shop: Shop) -> None:
    answer = publish(vxsec_run, shop, *chain(shop), more=("--json",))
    assert answer.status == 0, answer.err
    assert puts(shop) == [
        f"/{name}" for package in ("base", "middle", "top") for name in (EVIDENCE, f"@acme/{package}")
    ]
    assert states(answer) == ["published"] * 3
    assert shop.registry.tarball("@acme/base", "1.0.0") == (shop.folder / "acme-base-1.0.0.tgz").read_bytes()


def test_a_second_run_sends_nothing(vxsec_run: Vxsec, shop: Shop) -> None:
    files = chain(shop)
    assert publish(vxsec_run, shop, *files).status == 0
    before = len(puts(shop))
    answer = publish(vxsec_run, shop, *files, more=("--json",))
    assert answer.status == 0
    assert states(answer) == ["already-live"] * 3
    assert len(puts(shop)) == before


def test_evidence_is_said_to_be_sent_only_where_it_is(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    shop.release(path)
    sent = publish(vxsec_run, shop, path)
    assert f"@acme/kernel@1.0.0: evidence sent: {EVIDENCE}@" in sent.err
    assert sent.err.index("evidence sent") < sent.err.index("publishing to")
    again = publish(vxsec_run, shop, path)
    assert f"@acme/kernel@1.0.0: {EVIDENCE} has its evidence already" in again.err
    assert "evidence sent" not in again.err


def test_no_evidence_is_no_word_about_it(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    answer = publish(vxsec_run, shop, path, policy=shop.policy("{id: a, use: archive.safe}"))
    assert answer.status == 0, answer.err
    assert "evidence" not in answer.err


def test_a_live_version_keeps_its_tags_and_says_so(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    shop.release(path)
    assert publish(vxsec_run, shop, path).status == 0
    answer = publish(vxsec_run, shop, path, more=("--tag", "next", "--json"))
    assert answer.status == 0
    assert answer.json["packages"][0]["tag"] == "latest"
    assert "npm dist-tag add @acme/kernel@1.0.0 next" in answer.json["packages"][0]["detail"]


def test_nothing_is_sent_when_the_gate_says_no(vxsec_run: Vxsec, shop: Shop) -> None:
    signed, unsigned = shop.pack("signed"), shop.pack("unsigned")
    shop.release(signed)
    answer = publish(vxsec_run, shop, signed, unsigned, more=("--json",))
    assert answer.status == 11
    assert states(answer) == ["not-attempted"] * 2
    assert puts(shop) == []


def test_nothing_is_sent_when_the_log_cannot_be_written(vxsec_run: Vxsec, shop: Shop) -> None:
    answer = publish(vxsec_run, shop, *chain(shop), more=("--log", "/dev/full"))
    assert answer.status == 4
    assert puts(shop) == []


def test_a_dry_run_sends_nothing_and_says_what_it_would_do(vxsec_run: Vxsec, shop: Shop) -> None:
    files = chain(shop)
    answer = publish(vxsec_run, shop, *files, more=("--dry-run", "--json"))
    assert answer.status == 0
    assert states(answer) == ["would-publish"] * 3
    assert puts(shop) == []


def test_a_failure_after_the_first_version_is_live_is_5_and_the_next_run_finishes(vxsec_run: Vxsec, shop: Shop) -> None:
    files = chain(shop)
    shop.registry.fail_next("PUT", "/@acme/middle", status=503)
    answer = publish(vxsec_run, shop, *files)
    assert answer.status == 5, answer.out + answer.err
    assert "published  @acme/base@1.0.0" in answer.out
    assert "failed  @acme/middle@1.0.0" in answer.out
    assert "not live" in answer.out
    assert "run the same command again" in answer.out
    again = publish(vxsec_run, shop, *files, more=("--json",))
    assert again.status == 0
    assert states(again) == ["already-live", "published", "published"]


def test_a_failure_before_anything_is_live_keeps_its_own_status(vxsec_run: Vxsec, shop: Shop) -> None:
    files = chain(shop)
    shop.registry.fail_next("PUT", "/@acme/base", status=503)
    answer = publish(vxsec_run, shop, *files, more=("--json",))
    assert answer.status == 4
    assert states(answer) == ["failed", "not-attempted", "not-attempted"]


def test_an_answer_that_got_lost_is_not_a_failure_when_the_version_is_there(
    vxsec_run: Vxsec, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vxsec.errors import NetworkError
    from vxsec.registry.client import RegistryClient

    path = shop.pack("kernel")
    shop.release(path)
    real = RegistryClient.put_package

    def lossy(self: RegistryClient, name: str, body: bytes) -> None:
        real(self, name, body)
        if name == "@acme/kernel":
            raise NetworkError("the connection was closed", code="network.protocol")

    monkeypatch.setattr(RegistryClient, "put_package", lossy)
    answer = publish(vxsec_run, shop, path, more=("--json",))
    assert answer.status == 0
    assert states(answer) == ["published"]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, RuntimeError], ids=["Ctrl-C", "a defect"])
def test_whatever_stops_it_what_is_live_is_named(
    vxsec_run: Vxsec, shop: Shop, monkeypatch: pytest.MonkeyPatch, kind: type[BaseException]
) -> None:
    from vxsec.registry.client import RegistryClient

    files = chain(shop)
    real = RegistryClient.put_package

    def stopping(self: RegistryClient, name: str, body: bytes) -> None:
        if name == "@acme/middle":
            raise kind
        real(self, name, body)

    monkeypatch.setattr(RegistryClient, "put_package", stopping)
    answer = publish(vxsec_run, shop, *files)
    assert answer.status == (5 if kind is KeyboardInterrupt else 1)
    assert "published  @acme/base@1.0.0" in answer.out
    assert "may be live" in answer.out


def test_ctrl_c_before_anything_is_sent_is_130(vxsec_run: Vxsec, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from vxsec.registry.client import RegistryClient

    def stopping(_self: RegistryClient, _name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(RegistryClient, "fetch_packument", stopping)
    assert publish(vxsec_run, shop, *chain(shop)).status == 130


def test_what_is_read_back_must_be_what_was_sent(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    shop.release(path)
    assert publish(vxsec_run, shop, path).status == 0
    shop.registry.tamper_tarball("@acme/kernel", "1.0.0", pack({"name": "@acme/kernel", "version": "1.0.0"}))
    answer = publish(vxsec_run, shop, path)
    assert answer.status == 5  # the version is live, and what is served is not what was gated
    assert "publish.read-back-mismatch" in answer.out


def test_a_version_that_is_live_with_other_bytes_is_never_replaced(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    shop.release(path)
    assert publish(vxsec_run, shop, path).status == 0
    path.write_bytes(pack({"name": "@acme/kernel", "version": "1.0.0"}, {"other.js": b""}))
    shop.release(path)
    before = len(puts(shop))
    answer = publish(vxsec_run, shop, path, more=("--json",))
    assert answer.status == 11
    closing = {r["use"]: r["code"] for r in answer.json["decision"]["subjects"][0]["results"] if r["closes"]}
    assert closing["version.monotonic"] == "version.exists"
    lenient = publish(vxsec_run, shop, path, policy=shop.policy("{id: a, use: archive.safe}"))
    assert lenient.status == 10
    assert "error[publish.version-exists]" in lenient.err
    assert len(puts(shop)) == before


TAGS: dict[str, tuple[str, dict[str, object], tuple[object, ...], int, str]] = {
    "a prerelease needs a tag": ("2.0.0-rc.1", {}, (), 2, ""),
    "a prerelease with a tag": ("2.0.0-rc.1", {}, ("--tag", "next"), 0, "next"),
    "a prerelease with publishConfig.tag": ("2.0.0-rc.1", {"publishConfig": {"tag": "beta"}}, (), 0, "beta"),
    "below latest needs a tag": ("0.9.0", {}, (), 2, ""),
    "below latest with a tag": ("0.9.0", {}, ("--tag", "maintenance"), 0, "maintenance"),
    "above latest needs none": ("1.1.0", {}, (), 0, "latest"),
    "below latest, and publishConfig says latest": ("0.9.0", {"publishConfig": {"tag": "latest"}}, (), 2, ""),
    "a prerelease, and publishConfig says latest": ("2.0.0-rc.1", {"publishConfig": {"tag": "latest"}}, (), 2, ""),
    "a tag that looks like a version": ("1.1.0", {}, ("--tag", "1.x"), 2, ""),
    "a private package": ("1.1.0", {"private": True}, (), 2, ""),
    "publishConfig that npm would act on": ("1.1.0", {"publishConfig": {"provenance": True}}, (), 2, ""),
    "publishConfig for another registry": (
        "1.1.0",
        {"publishConfig": {"registry": "https://elsewhere.example.test/"}},
        (),
        2,
        "",
    ),
}


@pytest.mark.parametrize(("version", "manifest", "more", "status", "tag"), TAGS.values(), ids=TAGS.keys())
def test_tags(
    vxsec_run: Vxsec,
    shop: Shop,
    version: str,
    manifest: dict[str, object],
    more: tuple[object, ...],
    status: int,
    tag: str,
) -> None:
    first = shop.pack("kernel")
    shop.release(first)
    assert publish(vxsec_run, shop, first).status == 0
    path = shop.pack("kernel", version, manifest=manifest)
    shop.release(path)
    policy = shop.policy("{id: one, use: signature.threshold}")
    answer = publish(vxsec_run, shop, path, policy=policy, more=more)
    assert answer.status == status, answer.out + answer.err
    tags = shop.registry.dump()["@acme/kernel"]["dist-tags"]
    assert tags["latest"] == ("1.1.0" if status == 0 and version == "1.1.0" else "1.0.0")
    if status == 0:
        assert tags[tag] == version


def test_what_npm_would_refuse_is_known_before_anything_is_sent(vxsec_run: Vxsec, shop: Shop) -> None:
    good, bad = shop.pack("good"), shop.pack("bad", manifest={"private": "yes"})
    policy = shop.policy("{id: a, use: archive.safe}")
    answer = publish(vxsec_run, shop, good, bad, policy=policy)
    assert answer.status == 2, answer.out
    assert puts(shop) == []


def test_packages_that_need_each_other_and_long_chains(vxsec_run: Vxsec, shop: Shop) -> None:
    files = [
        shop.pack("a", manifest={"dependencies": {"@acme/b": "1"}}),
        shop.pack("b", manifest={"dependencies": {"@acme/a": "1"}}),
    ]
    answer = publish(vxsec_run, shop, *files, policy=shop.policy("{id: a, use: archive.safe}"), more=("--json",))
    assert answer.status == 0
    assert states(answer) == ["published"] * 2


def test_a_foreign_name_is_not_published(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel", manifest={"name": "left-pad"})
    answer = publish(vxsec_run, shop, path, policy="vxsec:minimal")
    assert answer.status == 2
    assert "error[publish.not-own]" in answer.err


def test_the_token_is_not_in_anything_printed(vxsec_run: Vxsec, shop: Shop) -> None:
    files = chain(shop)
    shop.registry.fail_next("PUT", "/", status=401, times=9)
    answer = publish(vxsec_run, shop, *files, more=("-v",))
    assert answer.status == 4
    assert shop.registry.token not in answer.out + answer.err


def test_an_approver_far_away_pushes_and_the_publisher_finds_it(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    shop.describe(path)
    shop.sign(path)
    away = shop.folder / "away"
    away.mkdir()
    copy = away / path.name
    copy.write_bytes(path.read_bytes())
    approved = vxsec_run("approve", copy, "--signer", shop.uri("alice"), "--trust", shop.trust, "--push", "--json")
    assert approved.status == 0, approved.err
    assert approved.json["pushed"][0].startswith(f"{EVIDENCE}@0.0.0-sha256-")
    assert approved.json["differences"][0]["previous"] is None
    assert "full inventory" in approved.json["differences"][0]["note"]
    assert publish(vxsec_run, shop, path).status == 0
    versions = list(shop.registry.dump()[EVIDENCE]["versions"])
    assert [version.rpartition(".")[2] for version in versions] == ["1", "2"]
    assert "latest" not in shop.registry.dump()[EVIDENCE]["dist-tags"] or len(versions) == 2


def test_approve_shows_what_changes_against_latest(vxsec_run: Vxsec, shop: Shop) -> None:
    first = shop.pack("kernel", files={"index.js": b"1", "gone.js": b""})
    shop.release(first)
    assert publish(vxsec_run, shop, first).status == 0
    second = shop.pack(
        "kernel", "1.1.0", manifest={"dependencies": {"@acme/new": "1"}}, files={"index.js": b"2", "new.js": b""}
    )
    answer = vxsec_run("approve", second, "--signer", shop.uri("alice"), "--trust", shop.trust, "--json")
    difference = answer.json["differences"][0]
    assert difference["previous"] == "pkg:npm/%40acme/kernel@1.0.0"
    assert (difference["added"], difference["removed"]) == (["new.js"], ["gone.js"])
    assert difference["changed"] == ["index.js", "package.json"]
    assert [item["field"] for item in difference["manifest"]] == ["dependencies.@acme/new"]
    assert "+ new.js" in answer.err


def test_the_statements_that_travel_are_those_about_these_bytes(vxsec_run: Vxsec, shop: Shop) -> None:
    other, path = shop.pack("other"), shop.pack("kernel")
    shop.release(other, path)
    sidecar = shop.folder / f"{path.name}.sigstore.jsonl"
    junk = (shop.folder / f"{other.name}.sigstore.jsonl").read_bytes().splitlines()[0]
    sidecar.write_bytes(sidecar.read_bytes() + junk + b"\nnot a bundle\n")
    assert publish(vxsec_run, shop, path).status == 0
    version = next(iter(shop.registry.dump()[EVIDENCE]["versions"]))
    stored = shop.folder / "evidence.tgz"
    stored.write_bytes(shop.registry.tarball(EVIDENCE, version))
    names = [file.path for file in vxsec.open_artifact(stored).files]  # type: ignore[union-attr]  # we wrote it
    assert names == ["package.json", "bundles.sigstore.jsonl"]
    report = vxsec.inspect(stored)
    assert report.exit_status == 0
    assert junk not in stored.read_bytes()
    assert json.loads(sidecar.read_bytes().splitlines()[0])

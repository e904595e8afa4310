"""The walk over a trust repository, on files in memory with real signatures: what it believes, and what it must not."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from support.signing_kit import signer
from support.trust_kit import IDENTITIES, ONLINE, ROOT, Repository, expired, resign
from vxsec.errors import UndecidedError, UsageError, VerificationError, VxsecError
from vxsec.formats.public_key import key_hint, render_public_key
from vxsec.limits import Limits
from vxsec.model.trust_repository import DELEGATED_ROLES, IDENTITIES_PATH, RememberedVersions
from vxsec.usecases.trust.draft import key_set
from vxsec.verification.tuf import verify_trust
from vxsec.verification.tuf_memory import remembered_versions

if TYPE_CHECKING:
    from collections.abc import Callable

    from vxsec.model.verified import VerifiedTrust

    Attack = Callable[[Repository], object]


@cache
def _original() -> Repository:
    return Repository()


@pytest.fixture
def repository() -> Repository:
    """A fresh copy of the same repository."""
    return _original().copy()


def walk(repository: Repository, **more: Any) -> VerifiedTrust:
    """Walk it from the first root's digest."""
    arguments: dict[str, Any] = {"now": repository.now, "root_sha256": repository.pinned} | more
    return verify_trust(repository.files.get, **arguments)


def code(repository: Repository, **more: Any) -> str:
    """The code it is refused with."""
    with pytest.raises(VxsecError) as caught:
        walk(repository, **more)
    assert isinstance(caught.value, UndecidedError if caught.value.code == "tuf.expired" else VerificationError)
    assert caught.value.hint
    return caught.value.code


# -- what it believes ----------------------------------------------------------------------------------------------------


def test_gives_the_targets_of_the_roles_asked_for(repository: Repository) -> None:
    trust = walk(repository)
    assert trust.target("identities", IDENTITIES_PATH) == IDENTITIES
    assert set(trust.files) == {"identities/ci.pub", IDENTITIES_PATH, "revocations/revocations.yaml"}
    assert trust.pinned_sha256 == trust.root_sha256 == repository.pinned
    assert trust.fresh_by == "timestamp"
    assert set(trust.roles) == {"root", "timestamp", "snapshot", "targets", "identities", "revocations"}
    assert set(trust.listed) == {"targets", *DELEGATED_ROLES}
    assert trust.roles["identities"].signed_by == tuple(signer(name).spki for name in ROOT)


def test_a_target_is_asked_of_its_own_role(repository: Repository) -> None:
    trust = walk(repository)
    for role, path in (("revocations", IDENTITIES_PATH), ("identities", "identities/none")):
        with pytest.raises(VerificationError) as caught:
            trust.target(role, path)
        assert caught.value.code == "tuf.missing"


def test_starts_from_the_root_itself(repository: Repository) -> None:
    assert walk(repository, root_sha256=None, root=repository.first).pinned_sha256 == repository.pinned


def test_starts_from_a_later_root_by_its_digest(repository: Repository) -> None:
    repository.publish("root")
    repository.publish("root")
    digest = hashlib.sha256(repository.files["2.root.json"]).hexdigest()
    trust = walk(repository, root_sha256=digest)
    assert (trust.pinned_sha256, trust.roles["root"].version) == (digest, 3)


def test_walks_every_root_with_other_keys(repository: Repository) -> None:
    _give_root(repository, "bob", "carol")
    _give_root(repository, "carol", "dave")
    trust = walk(repository)
    assert trust.roles["root"].version == 3
    assert set(trust.roles["root"].keys) == {signer("carol").spki, signer("dave").spki}
    assert trust.root_sha256 == hashlib.sha256(repository.files["3.root.json"]).hexdigest()


def test_an_expired_root_on_the_way_does_not_matter(repository: Repository) -> None:
    repository.draft.lifetimes["root"] = timedelta(seconds=-1)
    repository.publish("root")
    repository.draft.lifetimes["root"] = timedelta(days=1)
    repository.publish("root")
    assert walk(repository).roles["root"].version == 3


def test_a_role_that_is_not_asked_for_may_be_expired_or_gone(repository: Repository) -> None:
    del repository.files["1.databases.json"]
    assert walk(repository).listed["databases"] == 1


@pytest.mark.parametrize("algorithm", ["ed25519", "rsa-3072"])
def test_keys_of_other_kinds_sign_too(repository: Repository, algorithm: str) -> None:
    other = signer(f"other-{algorithm}", algorithm)
    repository.draft.set_keys("identities", key_set([other.spki, signer("alice").spki], 2))
    repository.files.update(
        repository.draft.sign([other, *(signer(name) for name in (*ROOT, ONLINE))], now=repository.now)
    )
    assert other.spki in walk(repository).roles["identities"].signed_by


def test_junk_signatures_of_strangers_are_passed_over_unchecked(repository: Repository) -> None:
    document = json.loads(repository.files["timestamp.json"])
    document["signatures"] += [{"keyid": f"junk{number}", "sig": "00" * 70} for number in range(250)]
    repository.files["timestamp.json"] = json.dumps(document).encode()
    begun = time.perf_counter()
    walk(repository)
    assert time.perf_counter() - begun < 1


# -- what it does not believe --------------------------------------------------------------------------------------------


def _give_root(repository: Repository, *names: str, by: tuple[str, ...] = (*ROOT, "carol", "dave")) -> None:
    repository.draft.set_keys("root", key_set([signer(name).spki for name in names], 2))
    repository.publish(by=by)


def _set(**members: Any) -> Callable[[dict[str, Any]], object]:
    return lambda signed: signed.update(members)


def _next_root(repository: Repository, *by: str, version: int = 2, **members: Any) -> None:
    document = json.loads(repository.files["1.root.json"])
    document["signed"].update(version=version, **members)
    repository.files["2.root.json"] = resign(document, by)


def _identities(repository: Repository, change: Callable[[dict[str, Any]], object], *by: str) -> None:
    """Another identities file, named by a snapshot and a timestamp that are signed as they should be."""
    repository.change("1.identities.json", change, *(by or ROOT))
    repository.relink("identities")


def _targets(repository: Repository, change: Callable[[dict[str, Any]], object]) -> None:
    repository.change("1.targets.json", change, *ROOT)
    repository.relink("targets")


def _delegation(role: str, **members: Any) -> Callable[[dict[str, Any]], object]:
    def change(signed: dict[str, Any]) -> None:
        for item in signed["delegations"]["roles"]:
            if item["name"] == role:
                item.update(members)

    return change


def _further(signed: dict[str, Any]) -> None:
    delegation = {"name": "more", "keyids": [], "threshold": 1, "paths": ["identities/*"], "terminating": True}
    signed["delegations"] = {"keys": {}, "roles": [delegation]}


def _foreign_target(signed: dict[str, Any]) -> None:
    signed["targets"]["policies/policy.yaml"] = signed["targets"][IDENTITIES_PATH]


def _named(path: str) -> Callable[[dict[str, Any]], object]:
    return lambda signed: signed["targets"].update({path: signed["targets"][IDENTITIES_PATH]})


def _swap(repository: Repository, name: str, data: bytes | None) -> Repository:
    if data is None:
        del repository.files[name]
    else:
        repository.files[name] = data
    return repository


def _unsigned(name: str) -> Attack:
    return lambda repository: repository.change(name, lambda _: None)


def _signed_by(name: str, *by: str) -> Attack:
    return lambda repository: repository.change(name, lambda _: None, *by)


def _one_key_twice(repository: Repository) -> None:
    """The threshold is two, and alice's key stands there twice: the second time with another key id."""
    document = json.loads(repository.files["1.targets.json"])
    delegations = document["signed"]["delegations"]
    role = next(item for item in delegations["roles"] if item["name"] == "identities")
    alice = role["keyids"][0]
    delegations["keys"]["f" * 64] = {**delegations["keys"][alice], "x-note": "the same key"}
    role["keyids"] = [alice, "f" * 64]
    repository.files["1.targets.json"] = resign(document, ROOT)
    repository.relink("targets")
    identities = json.loads(repository.files["1.identities.json"])
    once = resign(identities, ["alice"])
    twice = json.loads(resign(identities, ["alice"], keyids={"alice": "f" * 64}))["signatures"]
    both = json.loads(once)
    both["signatures"] += twice
    repository.files["1.identities.json"] = json.dumps(both).encode()
    repository.relink("identities")


def _with_junk(data: bytes) -> bytes:
    document = json.loads(data)
    for item in document["signatures"]:
        item["sig"] = "00" * 70
    return json.dumps(document).encode()


def _changed(data: bytes) -> bytes:
    document = json.loads(data)
    document["signed"]["expires"] = "2099-01-01T00:00:00Z"
    return json.dumps(document).encode()


_LISTED: dict[str, Any] = {"length": len(IDENTITIES), "hashes": {"sha256": hashlib.sha256(IDENTITIES).hexdigest()}}
REFUSED: dict[str, tuple[Attack, str]] = {
    # 5.2, 5.3 root
    "the first root is another one": (
        lambda r: _swap(r, "1.root.json", r.files["1.root.json"] + b" "),
        "tuf.root-mismatch",
    ),
    "there is no root": (lambda r: _swap(r, "1.root.json", None), "tuf.root-mismatch"),
    "the next root has no keys": (
        lambda r: _next_root(r, *ROOT, keys={}, roles={}),
        "tuf.malformed",
    ),
    "the next root is signed by one of two old keys": (lambda r: _next_root(r, "alice"), "tuf.signatures"),
    "the next root is signed by strangers": (lambda r: _next_root(r, "mallory", "eve"), "tuf.signatures"),
    "the next root is not signed": (_next_root, "tuf.signatures"),
    "the next root has the version before": (lambda r: _next_root(r, *ROOT, version=1), "tuf.version"),
    "the next root skips a version": (lambda r: _next_root(r, *ROOT, version=3), "tuf.version"),
    "the next root is no root": (lambda r: _swap(r, "2.root.json", r.files["timestamp.json"]), "tuf.malformed"),
    "the next root is another program's": (lambda r: _swap(r, "2.root.json", b"{}"), "tuf.malformed"),
    "the last root is expired": (lambda r: _next_root(r, *ROOT, expires=expired(r.now)), "tuf.expired"),
    # 5.4 timestamp
    "there is no timestamp": (lambda r: _swap(r, "timestamp.json", None), "tuf.missing"),
    "the timestamp is not signed": (_unsigned("timestamp.json"), "tuf.signatures"),
    "the timestamp is signed by a key of root": (_signed_by("timestamp.json", "alice"), "tuf.signatures"),
    "the timestamp is expired": (
        lambda r: r.change("timestamp.json", _set(expires=expired(r.now)), ONLINE),
        "tuf.expired",
    ),
    "the timestamp is a snapshot": (lambda r: _swap(r, "timestamp.json", r.files["1.snapshot.json"]), "tuf.malformed"),
    # 5.5 snapshot
    "there is no snapshot of that version": (lambda r: _swap(r, "1.snapshot.json", None), "tuf.missing"),
    "the snapshot is not the file that the timestamp names": (
        lambda r: r.change("1.snapshot.json", lambda _: None, ONLINE),
        "tuf.hash",
    ),
    "the snapshot is not signed": (lambda r: _snapshot(r, lambda _: None), "tuf.signatures"),
    "the snapshot says another version": (lambda r: _snapshot(r, _set(version=7), ONLINE), "tuf.version"),
    "the snapshot is expired": (lambda r: _snapshot(r, _set(expires=expired(r.now)), ONLINE), "tuf.expired"),
    "the snapshot is named without its hashes": (
        lambda r: r.change("timestamp.json", lambda s: s["meta"]["snapshot.json"].pop("hashes"), ONLINE),
        "tuf.malformed",
    ),
    "a role is named without its hashes": (
        lambda r: _snapshot(r, lambda s: s["meta"]["identities.json"].pop("hashes"), ONLINE),
        "tuf.malformed",
    ),
    "a role that nobody asks for is named without its length": (
        lambda r: _snapshot(r, lambda s: s["meta"]["databases.json"].pop("length"), ONLINE),
        "tuf.malformed",
    ),
    "a role is named by its SHA-512 alone": (
        lambda r: _snapshot(r, lambda s: s["meta"]["identities.json"].update(hashes={"sha512": "0" * 128}), ONLINE),
        "tuf.malformed",
    ),
    "the snapshot lists no targets": (
        lambda r: _snapshot(r, lambda s: s["meta"].pop("targets.json"), ONLINE),
        "tuf.missing",
    ),
    "the snapshot lists no identities": (
        lambda r: _snapshot(r, lambda s: s["meta"].pop("identities.json"), ONLINE),
        "tuf.missing",
    ),
    # 5.6 targets and delegated roles
    "targets is signed by one of two keys": (
        lambda r: r.change("1.targets.json", lambda _: None, "bob").relink("targets"),
        "tuf.signatures",
    ),
    "targets is expired": (lambda r: _targets(r, _set(expires=expired(r.now))), "tuf.expired"),
    "targets says another version": (lambda r: _targets(r, _set(version=4)), "tuf.version"),
    "targets lists a file itself": (lambda r: _targets(r, _set(targets={IDENTITIES_PATH: _LISTED})), "tuf.delegation"),
    "identities from another time than the snapshot": (
        lambda r: r.change("1.identities.json", lambda _: None, *ROOT),
        "tuf.hash",
    ),
    "identities is signed by one of two keys": (lambda r: _identities(r, lambda _: None, "alice"), "tuf.signatures"),
    "identities is signed by one key twice": (_one_key_twice, "tuf.signatures"),
    "identities has junk under the right key ids": (
        lambda r: _swap(r, "1.identities.json", _with_junk(r.files["1.identities.json"])).relink("identities"),
        "tuf.signatures",
    ),
    "identities was changed after it was signed": (
        lambda r: _swap(r, "1.identities.json", _changed(r.files["1.identities.json"])).relink("identities"),
        "tuf.signatures",
    ),
    "identities is signed by the online key": (
        lambda r: _identities(r, lambda _: None, ONLINE, "alice"),
        "tuf.signatures",
    ),
    "identities is not signed": (
        lambda r: r.change("1.identities.json", lambda _: None).relink("identities"),
        "tuf.signatures",
    ),
    "identities is expired": (lambda r: _identities(r, _set(expires=expired(r.now))), "tuf.expired"),
    "identities says another version": (lambda r: _identities(r, _set(version=2)), "tuf.version"),
    "identities is a timestamp": (
        lambda r: _swap(r, "1.identities.json", r.files["timestamp.json"]).relink("identities"),
        "tuf.malformed",
    ),
    "identities delegates further": (lambda r: _identities(r, _further), "tuf.delegation"),
    "identities speaks about a policy": (lambda r: _identities(r, _foreign_target), "tuf.delegation"),
    "identities names a file outside its folder": (
        lambda r: _identities(r, _named("identities/../x")),
        "tuf.delegation",
    ),
    "identities names a file with a hidden name": (lambda r: _identities(r, _named("identities/.x")), "tuf.delegation"),
    "identities names its folder": (lambda r: _identities(r, _named("identities")), "tuf.delegation"),
    "identities is not delegated to": (
        lambda r: _targets(r, lambda s: s["delegations"]["roles"].pop(0)),
        "tuf.missing",
    ),
    "identities is not terminating": (
        lambda r: _targets(r, _delegation("identities", terminating=False)),
        "tuf.delegation",
    ),
    "policies may speak about identities": (
        lambda r: _targets(r, _delegation("policies", paths=["identities/*"])),
        "tuf.delegation",
    ),
    "policies may speak about everything": (
        lambda r: _targets(r, _delegation("policies", paths=["*/*"])),
        "tuf.delegation",
    ),
    "policies may speak about names without a folder": (
        lambda r: _targets(r, _delegation("policies", paths=["policies"])),
        "tuf.delegation",
    ),
    "identities may only speak about another file": (
        lambda r: _targets(r, _delegation("identities", paths=["identities/other"])),
        "tuf.delegation",
    ),
    # 5.7 targets
    "a target is missing": (lambda r: _swap(r, f"targets/{IDENTITIES_PATH}", None), "tuf.missing"),
    "a target has other bytes": (
        lambda r: _swap(r, f"targets/{IDENTITIES_PATH}", IDENTITIES.replace(b"acme", b"evil")),
        "tuf.target",
    ),
    "a target is longer": (lambda r: _swap(r, f"targets/{IDENTITIES_PATH}", IDENTITIES + b"\n"), "tuf.target"),
    "a target is cut off": (lambda r: _swap(r, f"targets/{IDENTITIES_PATH}", IDENTITIES[:-1]), "tuf.target"),
}


def _snapshot(repository: Repository, change: Callable[[dict[str, Any]], object], *by: str) -> None:
    """Another snapshot, named by a timestamp that is signed as it should be."""
    repository.change("1.snapshot.json", change, *by)
    data = repository.files["1.snapshot.json"]
    described = {"version": 1, "length": len(data), "hashes": {"sha256": hashlib.sha256(data).hexdigest()}}
    repository.change("timestamp.json", _set(meta={"snapshot.json": described}), ONLINE)


@pytest.mark.parametrize(("attack", "expected"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(repository: Repository, attack: Attack, expected: str) -> None:
    attack(repository)
    assert code(repository) == expected


def test_a_root_signed_by_the_new_keys_alone_or_the_old_alone_is_refused(repository: Repository) -> None:
    _give_root(repository, "carol", "dave")
    document = json.loads(repository.files["2.root.json"])
    for by in (("carol", "dave"), ROOT, ("alice", "carol")):
        repository.files["2.root.json"] = resign(document, by)
        assert code(repository) == "tuf.signatures"
    repository.files["2.root.json"] = resign(document, ("alice", "bob", "carol", "dave"))
    assert walk(repository).roles["root"].version == 2


def test_the_given_root_is_signed_by_its_own_keys(repository: Repository) -> None:
    unsigned = resign(json.loads(repository.first), ())
    assert code(repository, root_sha256=None, root=unsigned) == "tuf.signatures"


@pytest.mark.parametrize("given", [{}, {"root": b"{}", "root_sha256": "0" * 64}], ids=["no root", "two roots"])
def test_needs_exactly_one_root(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        verify_trust(_original().files.get, now=_original().now, **given)
    assert caught.value.code == "tuf.no-root"


# -- what was remembered -------------------------------------------------------------------------------------------------


def _seen(repository: Repository) -> RememberedVersions:
    """What a client remembers after two more versions of everything; the repository itself stays as it was."""
    later = repository.copy()
    for _ in range(2):
        later.publish("root", "targets", *DELEGATED_ROLES)
    return remembered_versions(walk(later))


BACK = {
    "root": ("root", 2),
    "timestamp": ("timestamp", 2),
    "snapshot": ("snapshot", 2),
    "targets": ("targets", 2),
    "a role that is walked": ("identities", 2),
    "a role that is not walked": ("databases", 2),
    "a role that is no longer listed": ("another", 1),
}


@pytest.mark.parametrize(("role", "version"), BACK.values(), ids=BACK.keys())
def test_is_not_led_back(repository: Repository, role: str, version: int) -> None:
    seen = remembered_versions(walk(repository))
    assert walk(repository, remembered=seen).listed == walk(repository).listed
    higher = replace(seen, root=version) if role == "root" else replace(seen, versions={**seen.versions, role: version})
    assert code(repository, remembered=higher) == "tuf.rollback"


def test_is_not_led_back_by_a_whole_older_repository(repository: Repository) -> None:
    assert code(repository, remembered=_seen(repository)) == "tuf.rollback"


FORKS = ["root", "timestamp", "snapshot", "targets", "identities", "databases"]


@pytest.mark.parametrize("role", FORKS)
def test_a_version_that_was_seen_is_one_file(repository: Repository, role: str) -> None:
    repository.publish("root", "targets", *DELEGATED_ROLES)
    seen = remembered_versions(walk(repository))
    assert set(seen.digests) == {"root", *seen.versions}
    assert walk(repository, remembered=seen).digests == seen.digests
    assert code(repository, remembered=replace(seen, digests={**seen.digests, role: "0" * 64})) == "tuf.fork"
    before = replace(seen, digests={name: digest for name, digest in seen.digests.items() if name != role})
    assert remembered_versions(walk(repository, remembered=before), before) == seen


def test_the_same_versions_signed_with_other_contents_are_refused(repository: Repository) -> None:
    """What a key holder who lost the newest state would publish: as many changes, but others."""
    other = repository.copy()
    repository.publish("identities")
    seen = remembered_versions(walk(repository))
    other.publish("revocations")
    assert walk(other).roles["timestamp"].version == seen.versions["timestamp"]
    assert code(other, remembered=replace(seen, versions={**seen.versions, "identities": 1})) == "tuf.fork"


def test_digests_go_with_the_versions_that_are_kept(repository: Repository) -> None:
    seen = replace(_seen(repository), root=1)
    walked = walk(repository)
    assert remembered_versions(walked, seen).digests == {**seen.digests, "root": walked.digests["root"]}
    without = replace(seen, digests={})
    assert set(remembered_versions(walked, without).digests) == {"root"}


def test_recovers_from_a_stolen_online_key_once_root_takes_it_away(repository: Repository) -> None:
    thief = repository.copy()
    thief.draft.versions |= {"timestamp": 2**31 - 3, "snapshot": 2**31 - 3}
    thief.publish("snapshot")
    seen = remembered_versions(walk(thief))
    assert seen.versions["timestamp"] == 2**31 - 2
    repository.publish("snapshot")
    assert code(repository, remembered=seen) == "tuf.rollback"
    for role in ("timestamp", "snapshot"):
        repository.draft.set_keys(role, key_set([signer("spare").spki], 1))
    repository.publish(by=(*ROOT, "spare"))
    trust = walk(repository, remembered=seen)
    after = remembered_versions(trust, seen)
    assert after.versions["timestamp"] == 3
    assert after.root == 2
    assert code(_original(), remembered=after) == "tuf.rollback"


def test_another_key_beside_the_old_one_forgets_nothing(repository: Repository) -> None:
    seen = _seen(repository)
    repository.publish("root")
    repository.draft.set_keys("timestamp", key_set([signer(ONLINE).spki, signer("spare").spki], 1))
    repository.publish()
    repository.publish("timestamp")
    assert walk(repository).roles["root"].version == 3
    assert code(repository, remembered=replace(seen, digests={})) == "tuf.rollback"


def test_what_is_remembered_is_never_lowered(repository: Repository) -> None:
    seen = _seen(repository)
    again = remembered_versions(walk(repository), replace(seen, root=1))
    assert again.versions == seen.versions
    assert remembered_versions(walk(repository), seen) is seen


# -- freshness -----------------------------------------------------------------------------------------------------------


def test_a_pinned_minimum_version_is_needed(repository: Repository) -> None:
    assert walk(repository, minimum_version=1).fresh_by == "timestamp"
    assert code(repository, minimum_version=2) == "tuf.rollback"


@pytest.mark.parametrize(
    ("days", "without"), [(15, "tuf.expired"), (31, "tuf.expired")], ids=["timestamp expired", "snapshot expired, too"]
)
def test_a_pinned_minimum_version_stands_for_freshness(repository: Repository, days: int, without: str) -> None:
    later = repository.now + timedelta(days=days)
    assert code(repository, now=later) == without
    assert walk(repository, now=later, minimum_version=1).fresh_by == "minimum-version"
    assert code(repository, now=later, minimum_version=2) == "tuf.rollback"


def test_a_pinned_minimum_version_renews_no_other_role(repository: Repository) -> None:
    assert code(repository, now=repository.now + timedelta(days=200), minimum_version=1) == "tuf.expired"


def test_expiry_is_the_first_moment_that_is_too_late(repository: Repository) -> None:
    end = walk(repository).roles["timestamp"].expires
    assert walk(repository, now=end - timedelta(seconds=1)).fresh_by == "timestamp"
    assert code(repository, now=end) == "tuf.expired"


def test_a_report_may_look_at_what_is_stale_and_says_so(repository: Repository) -> None:
    trust = walk(repository, now=repository.now + timedelta(days=4000), unsafe_stale=True)
    assert trust.fresh_by is None


# -- bounds --------------------------------------------------------------------------------------------------------------

BOUNDS: dict[str, tuple[Limits, str]] = {
    "metadata": (Limits(tuf_metadata_bytes=1000), "tuf.limit"),
    "signatures": (Limits(tuf_signatures=1), "tuf.malformed"),
    "keys": (Limits(tuf_keys=2), "tuf.malformed"),
    "targets": (Limits(tuf_targets=1), "tuf.malformed"),
    "one target": (Limits(tuf_target_bytes=100), "tuf.limit"),
    "versions of root": (Limits(tuf_root_versions=2), "tuf.limit"),
}


@pytest.mark.parametrize(("limits", "expected"), BOUNDS.values(), ids=BOUNDS.keys())
def test_bounds(repository: Repository, limits: Limits, expected: str) -> None:
    repository.publish("root")
    repository.publish("root")
    assert code(repository, limits=limits) == expected


def test_a_digest_is_looked_for_no_further_than_the_bound(repository: Repository) -> None:
    assert code(repository, root_sha256="0" * 64, limits=Limits(tuf_root_versions=1)) == "tuf.root-mismatch"


def test_the_hint_of_a_key_is_not_its_key_id() -> None:
    """Two words for two things: reports name keys by SHA-256 and hint, metadata by key id."""
    spki = signer("alice").spki
    assert key_hint(spki) not in _original().files["1.root.json"].decode()
    assert render_public_key(spki).decode().splitlines()[1] in _original().files["1.root.json"].decode()

"""Our walk against python-tuf's client, on the same files with real keys: where the two differ, the row says why.

Each row starts from a sound repository. With ``seen`` both clients have walked it before, so that they remember it; then the
row changes what is served. Ours is asked for identities and revocations, theirs downloads both targets.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from tuf.api.exceptions import DownloadError, DownloadHTTPError, RepositoryError
from tuf.ngclient.config import UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface
from tuf.ngclient.updater import Updater

from support.signing_kit import signer
from support.trust_kit import IDENTITIES, ONLINE, ROOT, Repository, resign
from vxsec.errors import VxsecError
from vxsec.model.trust_repository import IDENTITIES_PATH, REVOCATIONS_PATH
from vxsec.usecases.trust.draft import key_set
from vxsec.verification.tuf import verify_trust
from vxsec.verification.tuf_memory import remembered_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from vxsec.model.trust_repository import RememberedVersions

    Attack = Callable[[Repository], object]

ACCEPTED = "accepted"
LONG_AGO = "2020-01-01T00:00:00Z"


class _Served(FetcherInterface):
    """Serves the files of a repository from memory."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def _fetch(self, url: str) -> Iterator[bytes]:
        name = url.removeprefix("https://trust.example.test/").removeprefix("metadata/")
        if name not in self._files:
            raise DownloadHTTPError("not found", 404)
        yield self._files[name]


def theirs(repository: Repository, folder: Path, *, pinned: bytes) -> str:
    """What python-tuf's client says: accepted, or the name of its error."""
    (folder / "metadata").mkdir(exist_ok=True)
    (folder / "targets").mkdir(exist_ok=True)
    try:
        client = Updater(
            str(folder / "metadata"),
            "https://trust.example.test/metadata/",
            str(folder / "targets"),
            "https://trust.example.test/targets/",
            fetcher=_Served(repository.files),
            config=UpdaterConfig(prefix_targets_with_hash=False),
            bootstrap=pinned,
        )
        client.refresh()
        for path in (IDENTITIES_PATH, REVOCATIONS_PATH):
            found = client.get_targetinfo(path)
            if found is None:
                return "no such target"
            client.download_target(found)
    except (RepositoryError, DownloadError) as error:
        return type(error).__name__
    return ACCEPTED


def ours(repository: Repository, remembered: RememberedVersions | None = None) -> str:
    """What our walk says: accepted, or the code of its error."""
    try:
        verify_trust(repository.files.get, now=repository.now, root_sha256=repository.pinned, remembered=remembered)
    except VxsecError as error:
        return error.code
    return ACCEPTED


@dataclass(frozen=True, slots=True)
class Row:
    """What is served, what each client says, and why where they differ."""

    attack: Attack
    ours: str
    theirs: str
    seen: bool = False
    why: str = ""


def _set(**members: Any) -> Callable[[dict[str, Any]], object]:
    return lambda signed: signed.update(members)


def _nothing(_signed: dict[str, Any]) -> None:
    """Only the signatures change."""


def _next_root(*by: str, version: int = 2, name: str = "2.root.json", **members: Any) -> Attack:
    def attack(repository: Repository) -> None:
        document = json.loads(repository.files["1.root.json"])
        document["signed"].update(version=version, **members)
        repository.files[name] = resign(document, by)

    return attack


def _rotated(*by: str) -> Attack:
    """Root goes over to carol and dave, signed by these."""

    def attack(repository: Repository) -> None:
        repository.draft.set_keys("root", key_set([signer(name).spki for name in ("carol", "dave")], 2))
        repository.publish(by=(*ROOT, "carol", "dave"))
        repository.files["2.root.json"] = resign(json.loads(repository.files["2.root.json"]), by)

    return attack


def _roots(repository: Repository, count: int) -> None:
    for _ in range(count):
        repository.publish("root")


def _skipped(repository: Repository) -> None:
    """Version 2 is withheld, version 3 is there; everything else is still what version 1 allows."""
    _roots(repository, 2)
    del repository.files["2.root.json"]


def _skipped_with_new_keys(repository: Repository) -> None:
    """Version 2 gives timestamp another key and is withheld."""
    repository.draft.set_keys("timestamp", key_set([signer("spare").spki], 1))
    repository.publish(by=(*ROOT, "spare"))
    del repository.files["2.root.json"]


def _snapshot(change: Callable[[dict[str, Any]], object], *by: str, described: bool = True) -> Attack:
    def attack(repository: Repository) -> None:
        repository.change("1.snapshot.json", change, *by)
        data = repository.files["1.snapshot.json"]
        meta: dict[str, Any] = {"version": 1}
        if described:
            meta |= {"length": len(data), "hashes": {"sha256": hashlib.sha256(data).hexdigest()}}
        repository.change("timestamp.json", _set(version=2, meta={"snapshot.json": meta}), ONLINE)

    return attack


def _role(role: str, change: Callable[[dict[str, Any]], object], *by: str) -> Attack:
    def attack(repository: Repository) -> None:
        repository.change(f"1.{role}.json", change, *(by or ROOT))
        repository.relink(role)

    return attack


def _unsigned_role(role: str) -> Attack:
    def attack(repository: Repository) -> None:
        repository.change(f"1.{role}.json", _nothing)
        repository.relink(role)

    return attack


def _put(name: str, data: Callable[[Repository], bytes]) -> Attack:
    return lambda repository: repository.files.update({name: data(repository)})


def _drop(name: str) -> Attack:
    return lambda repository: repository.files.pop(name)


def _document(name: str, change: Callable[[dict[str, Any]], object]) -> Callable[[Repository], Repository]:
    """Change the file and sign nothing."""

    def attack(repository: Repository) -> Repository:
        document = json.loads(repository.files[name])
        change(document)
        repository.files[name] = json.dumps(document).encode()
        return repository

    return attack


def _junk(repository: Repository) -> Repository:
    return _document("1.identities.json", lambda d: [item.update(sig="00" * 70) for item in d["signatures"]])(
        repository
    )


def _newer_snapshot(change: Callable[[dict[str, Any], dict[str, Any]], object]) -> Attack:
    """A newer snapshot and timestamp, signed as they should be, that list something else; ``change`` sees the first list."""

    def attack(repository: Repository) -> None:
        first = json.loads(repository.files["1.snapshot.json"])["signed"]["meta"]
        number = repository.draft.versions["snapshot"] + 1
        document = json.loads(repository.files[f"{number - 1}.snapshot.json"])
        document["signed"]["version"] = number
        change(document["signed"]["meta"], first)
        data = resign(document, [ONLINE])
        repository.files[f"{number}.snapshot.json"] = data
        described = {"version": number, "length": len(data), "hashes": {"sha256": hashlib.sha256(data).hexdigest()}}
        following = repository.draft.versions["timestamp"] + 1
        repository.change("timestamp.json", _set(version=following, meta={"snapshot.json": described}), ONLINE)

    return attack


def _older(role: str) -> Attack:
    return _newer_snapshot(lambda meta, first: meta.update({f"{role}.json": first[f"{role}.json"]}))


def _removed(role: str) -> Attack:
    return _newer_snapshot(lambda meta, _: meta.pop(f"{role}.json"))


def _old_timestamp(repository: Repository) -> None:
    repository.change("timestamp.json", _set(version=1), ONLINE)


def _old_snapshot(repository: Repository) -> None:
    """A newer timestamp that names the first snapshot."""
    data = repository.files["1.snapshot.json"]
    described = {"version": 1, "length": len(data), "hashes": {"sha256": hashlib.sha256(data).hexdigest()}}
    number = repository.draft.versions["timestamp"] + 1
    repository.change("timestamp.json", _set(version=number, meta={"snapshot.json": described}), ONLINE)


def _fast_forward_recovered(repository: Repository) -> None:
    """A thief had the online key and went far ahead; root took the key away, and versions begin where they were."""
    for role in ("timestamp", "snapshot"):
        repository.draft.set_keys(role, key_set([signer("spare").spki], 1))
    repository.draft.versions |= {"timestamp": 1, "snapshot": 1}
    repository.publish(by=(*ROOT, "spare"))


def _one_key_twice(repository: Repository) -> None:
    document = json.loads(repository.files["1.targets.json"])
    delegations = document["signed"]["delegations"]
    role = next(item for item in delegations["roles"] if item["name"] == "identities")
    alice = role["keyids"][0]
    delegations["keys"]["f" * 64] = dict(delegations["keys"][alice])
    role["keyids"] = [alice, "f" * 64]
    repository.files["1.targets.json"] = resign(document, ROOT)
    repository.relink("targets")
    identities = json.loads(repository.files["1.identities.json"])
    signatures = [
        *json.loads(resign(identities, ["alice"]))["signatures"],
        *json.loads(resign(identities, ["alice"], keyids={"alice": "f" * 64}))["signatures"],
    ]
    identities["signatures"] = signatures
    repository.files["1.identities.json"] = json.dumps(identities).encode()
    repository.relink("identities")


def _delegation(role: str, **members: Any) -> Callable[[dict[str, Any]], object]:
    def change(signed: dict[str, Any]) -> None:
        next(item for item in signed["delegations"]["roles"] if item["name"] == role).update(members)

    return change


def _policies_answers(repository: Repository) -> None:
    """``policies`` may speak about identities, stands first, and says something else."""
    evil = IDENTITIES.replace(b"acme", b"evil")
    repository.draft.targets["policies"][IDENTITIES_PATH] = type(
        repository.draft.targets["identities"][IDENTITIES_PATH]
    )(length=len(evil), hashes={"sha256": hashlib.sha256(evil).hexdigest()})
    repository.publish("policies")

    def change(signed: dict[str, Any]) -> None:
        roles = signed["delegations"]["roles"]
        roles.sort(key=lambda item: item["name"] != "policies")
        roles[0]["paths"] = ["identities/*"]

    repository.change("1.targets.json", change, *ROOT)
    repository.relink("targets")
    repository.files[f"targets/{IDENTITIES_PATH}"] = evil


def _own_target(signed: dict[str, Any]) -> None:
    signed["targets"] = {
        IDENTITIES_PATH: {"length": len(IDENTITIES), "hashes": {"sha256": hashlib.sha256(IDENTITIES).hexdigest()}}
    }


MALFORMED = "DeserializationError"
UNSIGNED, VERSION, EXPIRED = "UnsignedMetadataError", "BadVersionNumberError", "ExpiredMetadataError"
BROKEN, MISMATCH, ABSENT = "RepositoryError", "LengthOrHashMismatchError", "DownloadHTTPError"
STRICT = "ours is stricter: "

ROWS: dict[str, Row] = {
    "a sound repository": Row(lambda _: None, ACCEPTED, ACCEPTED),
    "the same state again": Row(lambda _: None, ACCEPTED, ACCEPTED, seen=True),
    "newer versions of everything": Row(
        lambda r: r.publish("root", "targets", "identities", "revocations"), ACCEPTED, ACCEPTED, seen=True
    ),
    # root
    "root: the next one signed by old and new keys": Row(_rotated(*ROOT, "carol", "dave"), ACCEPTED, ACCEPTED),
    "root: the next one signed by the old keys alone": Row(_rotated(*ROOT), "tuf.signatures", UNSIGNED),
    "root: the next one signed by the new keys alone": Row(_rotated("carol", "dave"), "tuf.signatures", UNSIGNED),
    "root: the next one signed by one old and two new keys": Row(
        _rotated("alice", "carol", "dave"), "tuf.signatures", UNSIGNED
    ),
    "root: the next one signed by two old and one new key": Row(_rotated(*ROOT, "carol"), "tuf.signatures", UNSIGNED),
    "root: the next one not signed": Row(_next_root(), "tuf.signatures", UNSIGNED),
    "root: the next one signed by strangers": Row(_next_root("mallory", "eve"), "tuf.signatures", UNSIGNED),
    "root: the next one with the same version": Row(_next_root(*ROOT, version=1), "tuf.version", VERSION),
    "root: the next one skips a version": Row(_next_root(*ROOT, version=3), "tuf.version", VERSION),
    "root: one version withheld, nothing depends on it": Row(_skipped, ACCEPTED, ACCEPTED),
    "root: one version withheld, timestamp depends on it": Row(_skipped_with_new_keys, "tuf.signatures", UNSIGNED),
    "root: the newest withheld from who has seen it": Row(
        lambda r: (_drop("3.root.json")(r), _drop("2.root.json")(r)),
        "tuf.rollback",
        ACCEPTED,
        seen=True,
        why="theirs keeps every root it has seen and goes on from there; ours keeps no files, only that there was a newer one",
    ),
    "root: the last one expired": Row(_next_root(*ROOT, expires=LONG_AGO), "tuf.expired", EXPIRED),
    "root: an expired one on the way": Row(
        lambda r: (
            _next_root(*ROOT, expires=LONG_AGO)(r),
            _next_root(*ROOT, version=3, name="3.root.json")(r),
        ),
        ACCEPTED,
        ACCEPTED,
    ),
    "root: another type of metadata": Row(
        _put("2.root.json", lambda r: r.files["1.targets.json"]), "tuf.malformed", BROKEN
    ),
    "root: no JSON": Row(_put("2.root.json", lambda _: b"root"), "tuf.malformed", MALFORMED),
    "root: a threshold of nought": Row(
        _next_root(
            *ROOT, roles={role: {"keyids": [], "threshold": 0} for role in ("root", "timestamp", "snapshot", "targets")}
        ),
        "tuf.malformed",
        MALFORMED,
    ),
    # timestamp
    "timestamp: withheld": Row(_drop("timestamp.json"), "tuf.missing", ABSENT),
    "timestamp: not signed": Row(lambda r: r.change("timestamp.json", _nothing), "tuf.signatures", UNSIGNED),
    "timestamp: signed by root's keys": Row(
        lambda r: r.change("timestamp.json", _nothing, *ROOT), "tuf.signatures", UNSIGNED
    ),
    "timestamp: frozen until it expired": Row(
        lambda r: r.change("timestamp.json", _set(expires=LONG_AGO), ONLINE), "tuf.expired", EXPIRED
    ),
    "timestamp: an older version": Row(_old_timestamp, "tuf.rollback", VERSION, seen=True),
    "timestamp: a newer one that names an older snapshot": Row(_old_snapshot, "tuf.rollback", VERSION, seen=True),
    "timestamp: another type of metadata": Row(
        _put("timestamp.json", lambda r: r.files["1.snapshot.json"]), "tuf.malformed", BROKEN
    ),
    "timestamp: a member twice, the last of which is signed": Row(
        _put(
            "timestamp.json",
            lambda r: r.files["timestamp.json"].replace(b'"signed": {', b'"signed": {"version": 9, ', 1),
        ),
        "tuf.malformed",
        ACCEPTED,
        why=STRICT + "two readers of a member that stands there twice may take different ones",
    ),
    "timestamp: something beside signatures and signed": Row(
        _document("timestamp.json", lambda d: d.update(note="hello")),
        "tuf.malformed",
        ACCEPTED,
        why=STRICT + "nothing unsigned has a place in the file",
    ),
    "timestamp: a signature that is not hexadecimal": Row(
        _document("timestamp.json", lambda d: d["signatures"].append({"keyid": "x", "sig": "zz"})),
        "tuf.malformed",
        ACCEPTED,
        why=STRICT + "it can never be one",
    ),
    "timestamp: the same key's signature twice": Row(
        _document("timestamp.json", lambda d: d["signatures"].append(d["signatures"][0])), "tuf.malformed", MALFORMED
    ),
    "timestamp: two hundred signatures of strangers": Row(
        _document(
            "timestamp.json", lambda d: d["signatures"].extend({"keyid": f"k{n}", "sig": "00"} for n in range(200))
        ),
        ACCEPTED,
        ACCEPTED,
    ),
    "timestamp: ten thousand signatures of strangers": Row(
        _document(
            "timestamp.json", lambda d: d["signatures"].extend({"keyid": f"k{n}", "sig": "00"} for n in range(10_000))
        ),
        "tuf.malformed",
        "DownloadLengthMismatchError",
    ),
    # snapshot
    "snapshot: withheld": Row(_drop("1.snapshot.json"), "tuf.missing", ABSENT),
    "snapshot: other bytes than the timestamp names": Row(
        lambda r: r.change("1.snapshot.json", _nothing, ONLINE), "tuf.hash", MISMATCH
    ),
    "snapshot: not signed": Row(_snapshot(_nothing), "tuf.signatures", UNSIGNED),
    "snapshot: signed by root's keys": Row(_snapshot(_nothing, *ROOT), "tuf.signatures", UNSIGNED),
    "snapshot: another version than the timestamp names": Row(
        _snapshot(_set(version=9), ONLINE), "tuf.version", VERSION
    ),
    "snapshot: expired": Row(_snapshot(_set(expires=LONG_AGO), ONLINE), "tuf.expired", EXPIRED),
    "snapshot: named without hashes, as many repositories do": Row(
        _snapshot(_nothing, ONLINE, described=False),
        "tuf.malformed",
        ACCEPTED,
        why="what the online key signs must fit one state: lengths and hashes are optional in TUF, and required here",
    ),
    "snapshot: another type of metadata": Row(
        lambda r: (_put("1.snapshot.json", lambda x: x.files["1.targets.json"])(r), _snapshot(_nothing, ONLINE)(r)),
        "tuf.malformed",
        BROKEN,
    ),
    "snapshot: an older version of targets": Row(_older("targets"), "tuf.rollback", VERSION, seen=True),
    "snapshot: an older version of identities": Row(_older("identities"), "tuf.rollback", VERSION, seen=True),
    "snapshot: an older version of a role that nobody asks for": Row(
        _older("databases"), "tuf.rollback", VERSION, seen=True
    ),
    "snapshot: a role no longer listed": Row(_removed("databases"), "tuf.rollback", BROKEN, seen=True),
    "snapshot: identities not listed": Row(
        _snapshot(lambda s: s["meta"].pop("identities.json"), ONLINE), "tuf.missing", BROKEN
    ),
    # targets and delegated roles
    "targets: not signed": Row(_unsigned_role("targets"), "tuf.signatures", UNSIGNED),
    "targets: signed by one of two": Row(_role("targets", _nothing, "alice"), "tuf.signatures", UNSIGNED),
    "targets: expired": Row(_role("targets", _set(expires=LONG_AGO)), "tuf.expired", EXPIRED),
    "targets: another version than the snapshot names": Row(_role("targets", _set(version=3)), "tuf.version", VERSION),
    "targets: mixed with a snapshot of another time": Row(
        lambda r: r.change("1.targets.json", _nothing, *ROOT), "tuf.hash", MISMATCH
    ),
    "targets: lists a file itself": Row(
        _role("targets", _own_target),
        "tuf.delegation",
        ACCEPTED,
        why=STRICT + "in our layout files belong to the delegated roles, each with its own keys",
    ),
    "identities: withheld": Row(_drop("1.identities.json"), "tuf.missing", ABSENT),
    "identities: not signed": Row(_unsigned_role("identities"), "tuf.signatures", UNSIGNED),
    "identities: signed by one of two": Row(_role("identities", _nothing, "bob"), "tuf.signatures", UNSIGNED),
    "identities: signed by one of two and the online key": Row(
        _role("identities", _nothing, "bob", ONLINE), "tuf.signatures", UNSIGNED
    ),
    "identities: signed by one key under two key ids": Row(
        _one_key_twice,
        "tuf.signatures",
        ACCEPTED,
        why=STRICT + "theirs counts key ids, ours counts keys: one person with one key is no threshold of two",
    ),
    "identities: junk under the right key ids": Row(
        lambda r: _junk(r).relink("identities"), "tuf.signatures", UNSIGNED
    ),
    "identities: changed after it was signed": Row(
        lambda r: _document("1.identities.json", lambda d: d["signed"].update(expires="2099-01-01T00:00:00Z"))(
            r
        ).relink("identities"),
        "tuf.signatures",
        UNSIGNED,
    ),
    "identities: expired": Row(_role("identities", _set(expires=LONG_AGO)), "tuf.expired", EXPIRED),
    "identities: another version than the snapshot names": Row(
        _role("identities", _set(version=3)), "tuf.version", VERSION
    ),
    "identities: mixed with a snapshot of another time": Row(
        lambda r: r.change("1.identities.json", _nothing, *ROOT), "tuf.hash", MISMATCH
    ),
    "identities: not delegated to": Row(
        _role("targets", lambda s: s["delegations"]["roles"].pop(0)), "tuf.missing", "no such target"
    ),
    "identities: a delegation that does not cover its file": Row(
        _role("targets", _delegation("identities", paths=["identities/other"])),
        "tuf.delegation",
        "no such target",
    ),
    "identities: a delegation that does not end the search": Row(
        _role("targets", _delegation("identities", terminating=False)),
        "tuf.delegation",
        ACCEPTED,
        why=STRICT + "another role must not be able to answer where this one is silent",
    ),
    "policies: answers for identities": Row(
        _policies_answers,
        "tuf.delegation",
        ACCEPTED,
        why=STRICT + "whoever signs policies must not say whom to believe, even if targets was talked into it",
    ),
    "revocations: withheld": Row(_drop("1.revocations.json"), "tuf.missing", ABSENT),
    "databases: expired, which nobody asks for": Row(_role("databases", _set(expires=LONG_AGO)), ACCEPTED, ACCEPTED),
    # files
    "a file: withheld": Row(_drop(f"targets/{IDENTITIES_PATH}"), "tuf.missing", ABSENT),
    "a file: other bytes": Row(
        _put(f"targets/{IDENTITIES_PATH}", lambda _: IDENTITIES.replace(b"acme", b"evil")), "tuf.target", MISMATCH
    ),
    "a file: shorter": Row(_put(f"targets/{IDENTITIES_PATH}", lambda _: IDENTITIES[:-1]), "tuf.target", MISMATCH),
    "a file: longer": Row(
        _put(f"targets/{IDENTITIES_PATH}", lambda _: IDENTITIES + b"x"), "tuf.target", "DownloadLengthMismatchError"
    ),
    # recovery
    "a stolen online key went far ahead, and root took it away": Row(
        _fast_forward_recovered, ACCEPTED, ACCEPTED, seen=True
    ),
    "a stolen online key went far ahead, and nobody did anything": Row(
        lambda r: r.change("timestamp.json", _set(version=2), ONLINE), "tuf.rollback", VERSION, seen=True
    ),
}


@pytest.fixture(scope="module")
def original() -> Repository:
    """Made once: keys and signatures cost more than everything else."""
    return Repository()


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_both_clients(row: Row, original: Repository, tmp_path: Path) -> None:
    repository = original.copy()
    remembered = None
    if row.seen:
        for _ in range(2):
            repository.publish("root", "targets", "identities", "databases")
        assert theirs(repository, tmp_path, pinned=repository.first) == ACCEPTED
        walked = verify_trust(repository.files.get, now=repository.now, root_sha256=repository.pinned)
        remembered = remembered_versions(walked)
    row.attack(repository)
    assert (ours(repository, remembered), theirs(repository, tmp_path, pinned=repository.first)) == (
        row.ours,
        row.theirs,
    )


def test_every_difference_is_explained_and_nothing_that_theirs_refuses_is_accepted_by_ours() -> None:
    for name, row in ROWS.items():
        assert (row.theirs == ACCEPTED and row.ours != ACCEPTED) == bool(row.why), name
        assert row.theirs == ACCEPTED or row.ours != ACCEPTED, name


def test_what_our_writer_makes_is_what_their_serialiser_makes(original: Repository) -> None:
    """Their reader takes every file, and the bytes that were signed are the same in both."""
    from tuf.api.metadata import Metadata

    from vxsec.formats.strict_json import read_json
    from vxsec.formats.tuf_metadata import canonical_json

    for name, data in original.files.items():
        if not name.startswith("targets/"):
            metadata: Metadata[Any] = Metadata.from_bytes(data)
            assert metadata.signed_bytes == canonical_json(read_json(data, where=name)["signed"])


def test_our_key_ids_are_theirs() -> None:
    import importlib

    from vxsec.formats.public_key import load_public_key
    from vxsec.formats.tuf_writer import key_id

    theirs_key = importlib.import_module("securesystemslib.signer").SSlibKey
    for algorithm, scheme in (("ecdsa-p256", None), ("ed25519", None), ("rsa-3072", "rsa-pkcs1v15-sha256")):
        spki = signer(f"id-{algorithm}", algorithm).spki
        assert key_id(spki, where="key") == theirs_key.from_crypto(load_public_key(spki), scheme=scheme).keyid

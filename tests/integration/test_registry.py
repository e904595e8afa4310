"""The client and the evidence functions against a real Verdaccio and against the simulator, which must behave alike."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any, TypedDict

import pytest

from support.tar_factory import file, tgz
from vxsec.errors import UndecidedError, VxsecError
from vxsec.formats.evidence_package import evidence_version
from vxsec.formats.npmrc import merge_npmrc, parse_npmrc
from vxsec.host.http import HttpClient
from vxsec.inspection.artifact import read_artifact
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.artifact import Artifact
from vxsec.model.digest import digest_bytes
from vxsec.registry.client import RegistryClient
from vxsec.registry.evidence import EvidenceSearch, fetch_evidence, push_evidence
from vxsec.registry.publish_document import build_publish_document

if TYPE_CHECKING:
    from pathlib import Path

    from support.node_tools import NodeTools
    from support.verdaccio import Verdaccio
    from vxsec.model.digest import Digests
    from vxsec.model.package import PackageRef
    from vxsec.testing import RegistrySimulator

_numbers = count(1)


class About(TypedDict):
    """What evidence is about, as keyword arguments."""

    subject: PackageRef
    digests: Digests


@dataclass(frozen=True)
class Place:
    """A registry under test, a client for it, and names nobody else uses."""

    url: str
    npmrc: str
    client: RegistryClient
    name: str

    @property
    def evidence(self) -> str:
        return f"{self.name}-evidence"


@pytest.fixture(params=["simulator", pytest.param("verdaccio", marks=[pytest.mark.verdaccio, pytest.mark.node])])
def place(request: pytest.FixtureRequest) -> Place:
    running: RegistrySimulator | Verdaccio = request.getfixturevalue(request.param)
    name = f"@vextrus/p{next(_numbers)}"
    client = _client(running.url, running.npmrc())
    return Place(url=running.url, npmrc=running.npmrc(), client=client, name=name)


def _client(url: str, npmrc: str) -> RegistryClient:
    config = merge_npmrc([parse_npmrc(npmrc, where="user", expand=lambda _: None)])
    return RegistryClient(url, config, HttpClient())


def _artifact(name: str, version: str = "1.0.0", **manifest: object) -> Artifact:
    document = {"name": name, "version": version, "main": "index.js", **manifest}
    data = tgz(
        file("package/package.json", json.dumps(document).encode()), file("package/index.js", b"module.exports = 42\n")
    )
    artifact = read_artifact(data, filename="x.tgz")
    assert isinstance(artifact, Artifact)
    return artifact


def _publish(place: Place, artifact: Artifact, *, tag: str = "latest") -> None:
    body = build_publish_document(artifact, registry_url=place.url, tag=tag, access=None)
    place.client.put_package(artifact.package.name, body)


def test_what_is_published_is_read_back(place: Place) -> None:
    artifact = _artifact(place.name)
    assert place.client.fetch_packument(place.name) is None
    assert place.client.fetch_version(place.name, "1.0.0") is None
    _publish(place, artifact)
    packument = place.client.fetch_packument(place.name)
    listed = place.client.fetch_version(place.name, "1.0.0")
    assert packument is not None
    assert listed is not None
    assert packument.tags == {"latest": "1.0.0"}
    assert list(packument.times) == ["1.0.0"]
    assert listed.integrity == packument.versions["1.0.0"].integrity == artifact.digests.integrity
    assert place.client.fetch_tarball(place.name, "1.0.0", tarball_url=listed.tarball) == artifact.data
    assert place.client.fetch_tarball(place.name, "1.0.0") == artifact.data


def test_a_version_is_published_once(place: Place) -> None:
    _publish(place, _artifact(place.name))
    with pytest.raises(UndecidedError) as caught:
        _publish(place, _artifact(place.name, description="other bytes"))
    assert caught.value.code == "registry.conflict"


def test_another_tag_leaves_latest_alone(place: Place) -> None:
    _publish(place, _artifact(place.name))
    _publish(place, _artifact(place.name, "2.0.0-rc.1"), tag="next")
    packument = place.client.fetch_packument(place.name)
    assert packument is not None
    assert packument.tags == {"latest": "1.0.0", "next": "2.0.0-rc.1"}


def test_a_wrong_token_is_no_answer(place: Place) -> None:
    _publish(place, _artifact(place.name))
    stranger = _client(place.url, f"{place.url.removeprefix('http:')}:_authToken=wrong")
    body = build_publish_document(_artifact(place.name, "2.0.0"), registry_url=place.url, tag="latest", access=None)
    with pytest.raises(UndecidedError) as caught:
        stranger.put_package(place.name, body)
    assert caught.value.code in {"registry.unauthorised", "registry.forbidden"}
    assert "wrong" not in str(caught.value)


def test_evidence_grows_without_gaps_and_without_repeating_itself(place: Place) -> None:
    artifact = _artifact(place.name)
    about: About = {"subject": artifact.package, "digests": artifact.digests}
    search = fetch_evidence(place.client, place.evidence, **about)
    assert search == EvidenceSearch()
    first = push_evidence(
        place.client, place.evidence, **about, pieces={"bundles.sigstore.jsonl": b'{"a":1}\n'}, existing=search
    )
    search = fetch_evidence(place.client, place.evidence, **about)
    second = push_evidence(
        place.client,
        place.evidence,
        **about,
        pieces={"bundles.sigstore.jsonl": b'{"a":1}\n{"b":2}\n', "bom.cdx.json": b"{}"},
        existing=search,
    )
    search = fetch_evidence(place.client, place.evidence, **about)
    third = push_evidence(
        place.client, place.evidence, **about, pieces={"bundles.sigstore.jsonl": b'{"b":2}'}, existing=search
    )
    sha256 = artifact.digests.sha256
    assert (first, second, third) == (evidence_version(sha256, 1), evidence_version(sha256, 2), None)
    assert [dict(package.files) for package in search.packages] == [
        {"bundles.sigstore.jsonl": b'{"a":1}\n'},
        {"bundles.sigstore.jsonl": b'{"b":2}\n', "bom.cdx.json": b"{}"},
    ]
    assert search.highest == 2
    assert not search.foreign
    assert not search.rejected


def test_evidence_about_other_bytes_of_the_same_version_is_seen(place: Place) -> None:
    signed, swapped = _artifact(place.name), _artifact(place.name, description="swapped")
    push_evidence(
        place.client,
        place.evidence,
        subject=signed.package,
        digests=signed.digests,
        pieces={"bundles.sigstore.jsonl": b"{}\n"},
        existing=EvidenceSearch(),
    )
    search = fetch_evidence(place.client, place.evidence, subject=swapped.package, digests=swapped.digests)
    assert search == EvidenceSearch(foreign=True)


def test_parallel_writers_lose_nothing(place: Place) -> None:
    artifact = _artifact(place.name)
    about: About = {"subject": artifact.package, "digests": artifact.digests}
    patient = replace(DEFAULT_LIMITS, evidence_publish_attempts=20)

    def push(number: int) -> str | None:
        line = json.dumps({"writer": number}).encode()
        return push_evidence(
            place.client,
            place.evidence,
            **about,
            pieces={"bundles.sigstore.jsonl": line},
            existing=EvidenceSearch(),
            limits=patient,
        )

    with ThreadPoolExecutor(4) as pool:
        versions = list(pool.map(push, range(6)))
    search = fetch_evidence(place.client, place.evidence, **about)
    assert len(set(versions)) == 6
    # Verdaccio can tell two writers of one number 201 and keep one's integrity over the other's bytes: that number is
    # lost, both writers see it when they read back, and go on to the next.
    assert {item.code for item in search.rejected} <= {"evidence.integrity"}
    assert search.highest == 6 + len(search.rejected)
    assert {package.bundles for package in search.packages} == {
        json.dumps({"writer": number}).encode() + b"\n" for number in range(6)
    }


@pytest.mark.node
def test_npm_installs_what_we_published_and_npm_can_read_evidence(
    place: Place, node_tools: NodeTools, tmp_path: Path
) -> None:
    artifact = _artifact(place.name)
    _publish(place, artifact)
    push_evidence(
        place.client,
        place.evidence,
        subject=artifact.package,
        digests=artifact.digests,
        pieces={"bundles.sigstore.jsonl": b"{}\n", "signature.asc": b"-----BEGIN"},
        existing=EvidenceSearch(),
    )
    environment = node_tools.environment(tmp_path / "home", npmrc=place.npmrc)
    project = tmp_path / "project"
    project.mkdir()
    (project / "package.json").write_text('{"name":"app","version":"1.0.0","private":true}', encoding="utf-8")
    wanted = [f"{place.name}@1.0.0", f"{place.evidence}@{evidence_version(artifact.digests.sha256, 1)}"]
    done = node_tools.run_npm(
        "install", "--omit-lockfile-registry-resolved", *wanted, cwd=project, environment=environment
    )
    assert done.returncode == 0, done.stderr
    lock = json.loads((project / "package-lock.json").read_text(encoding="utf-8"))
    assert lock["packages"][f"node_modules/{place.name}"]["integrity"] == artifact.digests.integrity
    folder = project / "node_modules" / place.evidence
    assert sorted(path.name for path in folder.iterdir()) == ["bundles.sigstore.jsonl", "package.json", "signature.asc"]


# -- what only the simulator can be told to do -------------------------------------------------------------------------


@pytest.fixture
def tampered(simulator: RegistrySimulator) -> tuple[RegistrySimulator, RegistryClient, Artifact]:
    client = _client(simulator.url, simulator.npmrc())
    artifact = _artifact("@vextrus/a")
    push_evidence(
        client,
        "@vextrus/e",
        subject=artifact.package,
        digests=artifact.digests,
        pieces={"bundles.sigstore.jsonl": b"{}\n"},
        existing=EvidenceSearch(),
    )
    return simulator, client, artifact


def test_swapped_evidence_bytes_do_not_count(
    tampered: tuple[RegistrySimulator, RegistryClient, Artifact],
) -> None:
    simulator, client, artifact = tampered
    simulator.tamper_tarball("@vextrus/e", evidence_version(artifact.digests.sha256, 1), b"other bytes")
    search = fetch_evidence(client, "@vextrus/e", subject=artifact.package, digests=artifact.digests)
    assert [item.code for item in search.rejected] == ["evidence.integrity"]
    assert (search.packages, search.highest) == ((), 1)


BENT: dict[str, tuple[dict[str, Any], str]] = {
    "a version of another package": ({"name": "@vextrus/other"}, "evidence.version"),
    "another subject": ({"subject": {"purl": "pkg:npm/b@1.0.0"}}, "evidence.subject"),
    "another SHA-512": ({"subject": {"sha512": "0" * 128}}, "evidence.subject"),
    "no list of files": ({"files": None}, "evidence.shape"),
    "no object at all": ({"whole": []}, "evidence.shape"),
    "no archive": ({"data": b"no archive"}, "archive.not-gzip"),
    "a piece too large to read": ({"large": True}, "evidence.too-large"),
}


@pytest.mark.parametrize(("bend", "code"), BENT.values(), ids=BENT.keys())
def test_evidence_that_does_not_fit_its_place_does_not_count(
    simulator: RegistrySimulator, bend: dict[str, Any], code: str
) -> None:
    client, artifact = _client(simulator.url, simulator.npmrc()), _artifact("@vextrus/a")
    version = evidence_version(artifact.digests.sha256, 1)
    about = {"purl": artifact.package.purl, "sha256": artifact.digests.sha256, "sha512": artifact.digests.sha512}
    document = {
        "name": bend.get("name", "@vextrus/e"),
        "version": version,
        "vxsec": {"subject": {**about, **bend.get("subject", {})}, "files": bend.get("files", ["vex.json"])},
    }
    content = json.dumps(bend.get("whole", document)).encode()
    data = bend.get("data") or tgz(file("package/package.json", content), file("package/vex.json", b"{}" * 600))
    _put_raw(client, version, data)
    limits = replace(DEFAULT_LIMITS, bundle_file_bytes=1000) if "large" in bend else DEFAULT_LIMITS
    search = fetch_evidence(client, "@vextrus/e", subject=artifact.package, digests=artifact.digests, limits=limits)
    assert [item.code for item in search.rejected] == [code]
    assert (search.packages, search.highest) == ((), 1)


def _put_raw(client: RegistryClient, version: str, data: bytes) -> None:
    digests = digest_bytes(data)
    manifest = {
        "name": "@vextrus/e",
        "version": version,
        "dist": {"integrity": digests.integrity, "shasum": digests.sha1},
    }
    body = {
        "name": "@vextrus/e",
        "dist-tags": {"evidence": version},
        "versions": {version: manifest},
        "_attachments": {"x.tgz": {"data": base64.b64encode(data).decode()}},
    }
    client.put_package("@vextrus/e", json.dumps(body).encode())


def test_a_hidden_first_version_does_not_hide_the_others(
    tampered: tuple[RegistrySimulator, RegistryClient, Artifact],
) -> None:
    simulator, client, artifact = tampered
    search = fetch_evidence(client, "@vextrus/e", subject=artifact.package, digests=artifact.digests)
    push_evidence(
        client,
        "@vextrus/e",
        subject=artifact.package,
        digests=artifact.digests,
        pieces={"signature.asc": b"x"},
        existing=search,
    )
    first = evidence_version(artifact.digests.sha256, 1)
    simulator.tamper_packument(
        "@vextrus/e", lambda doc: doc | {"versions": {k: v for k, v in doc["versions"].items() if k != first}}
    )
    search = fetch_evidence(client, "@vextrus/e", subject=artifact.package, digests=artifact.digests)
    assert [sorted(package.files) for package in search.packages] == [["signature.asc"]]
    assert search.highest == 2


def test_more_evidence_than_the_limit_is_no_answer(
    tampered: tuple[RegistrySimulator, RegistryClient, Artifact],
) -> None:
    _, client, artifact = tampered
    with pytest.raises(UndecidedError) as caught:
        fetch_evidence(
            client,
            "@vextrus/e",
            subject=artifact.package,
            digests=artifact.digests,
            limits=replace(DEFAULT_LIMITS, evidence_versions=0),
        )
    assert caught.value.code == "evidence.too-many"


@pytest.mark.parametrize(
    ("status", "times", "code"),
    [
        pytest.param(500, 1, None, id="one failure is tried again"),
        pytest.param(409, 4, None, id="four conflicts are tried again"),
        pytest.param(500, 5, "registry.server-error", id="five failures end it"),
        pytest.param(403, 1, "registry.forbidden", id="a refusal is not tried again"),
    ],
)
def test_evidence_is_pushed_again_after_a_failure_that_may_pass(
    simulator: RegistrySimulator, status: int, times: int, code: str | None
) -> None:
    client = _client(simulator.url, simulator.npmrc())
    artifact = _artifact("@vextrus/a")
    simulator.fail_next("PUT", "/", status, times=times)
    got: str | None = None
    try:
        push_evidence(
            client,
            "@vextrus/e",
            subject=artifact.package,
            digests=artifact.digests,
            pieces={"signature.asc": b"x"},
            existing=EvidenceSearch(),
        )
    except VxsecError as error:
        got = error.code
    assert got == code
    assert ("@vextrus/e" in simulator.dump()) is (code is None)


@pytest.mark.parametrize(
    ("spoiled", "code"),
    [
        pytest.param(1, None, id="another number is taken where the first is served otherwise"),
        pytest.param(99, "evidence.read-back", id="a registry that serves everything otherwise ends it"),
    ],
)
def test_evidence_that_is_served_otherwise_than_sent_is_not_pushed(
    simulator: RegistrySimulator, spoiled: int, code: str | None
) -> None:
    client = _client(simulator.url, simulator.npmrc())
    artifact = _artifact("@vextrus/a")
    simulator.tamper_packument("@vextrus/e", lambda document: _with_other_tarballs(document, spoiled))
    other = _artifact("@vextrus/e", "9.9.9")
    client.put_package(
        "@vextrus/e", build_publish_document(other, registry_url=simulator.url, tag="other", access=None)
    )
    version, got = None, None
    try:
        version = push_evidence(
            client,
            "@vextrus/e",
            subject=artifact.package,
            digests=artifact.digests,
            pieces={"signature.asc": b"x"},
            existing=EvidenceSearch(),
        )
    except VxsecError as error:
        got = error.code
    assert got == code
    assert version == (None if code else evidence_version(artifact.digests.sha256, 2))


def _with_other_tarballs(document: dict[str, Any], spoiled: int) -> dict[str, Any]:
    """The first ``spoiled`` evidence versions point to another version's tarball."""
    versions = document["versions"]
    for version in [version for version in versions if version != "9.9.9"][:spoiled]:
        versions[version]["dist"]["tarball"] = versions["9.9.9"]["dist"]["tarball"]
    return document

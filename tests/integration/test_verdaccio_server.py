"""The test kit's Verdaccio: real, attacked through its storage, stopped by its own process id."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from support.node_tools import node_tools_or_skip
from support.verdaccio import verdaccio_command
from vxsec.errors import UsageError
from vxsec.formats.npmrc import merge_npmrc, parse_npmrc
from vxsec.host.http import HttpClient
from vxsec.inspection.artifact import read_artifact
from vxsec.model.artifact import Artifact
from vxsec.registry.client import RegistryClient
from vxsec.registry.publish_document import build_publish_document
from vxsec.testing import RegistrySimulator, VerdaccioServer
from vxsec.testing.artifacts import pack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vxsec.testing import Registry

pytestmark = [pytest.mark.node, pytest.mark.verdaccio]


@pytest.fixture(scope="module", params=["simulator", "verdaccio"])
def registry(request: pytest.FixtureRequest) -> Iterator[Registry]:
    """The same attacks must work on both."""
    if request.param == "simulator":
        with RegistrySimulator() as simulator:
            yield simulator
        return
    with VerdaccioServer(verdaccio_command(node_tools_or_skip())) as server:
        folder, pid = server.folder, server.pid
        assert folder.is_dir()
        yield server
    assert not folder.exists()
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def client(registry: Registry) -> RegistryClient:
    return RegistryClient(
        registry.url, merge_npmrc([parse_npmrc(registry.npmrc("@team"), where="user", expand=None)]), HttpClient()
    )


def publish(registry: Registry, name: str, version: str = "1.0.0") -> bytes:
    data = pack({"name": name, "version": version})
    artifact = read_artifact(data, filename="a.tgz")
    assert isinstance(artifact, Artifact)
    client(registry).put_package(
        name, build_publish_document(artifact, registry_url=registry.url, tag="latest", access=None)
    )
    return data


def test_it_serves_other_bytes_when_its_storage_is_changed(registry: Registry) -> None:
    publish(registry, "@team/bytes")
    registry.tamper_tarball("@team/bytes", "1.0.0", b"other bytes")
    assert client(registry).fetch_tarball("@team/bytes", "1.0.0") == b"other bytes"


def test_it_serves_a_changed_packument(registry: Registry) -> None:
    publish(registry, "@team/doc")

    def lie(packument: dict[str, Any]) -> dict[str, Any]:
        packument["versions"]["1.0.0"].setdefault("keywords", []).append("lie")
        return packument

    registry.tamper_packument("@team/doc", lie)
    registry.tamper_packument("@team/doc", lie)
    found = client(registry).fetch_version("@team/doc", "1.0.0")
    assert found is not None
    assert found.document["keywords"] == ["lie", "lie"]


def test_it_goes_back_in_time(registry: Registry) -> None:
    honest = publish(registry, "@team/old")
    before = registry.snapshot()
    for _ in range(2):
        publish(registry, "@team/old", "2.0.0")
        publish(registry, "@team/new")
        registry.tamper_tarball("@team/old", "1.0.0", b"other bytes")
        registry.rewind(before)
        found = client(registry).fetch_packument("@team/old")
        assert found is not None
        assert list(found.versions) == ["1.0.0"]
        assert client(registry).fetch_packument("@team/new") is None
        assert client(registry).fetch_tarball("@team/old", "1.0.0") == honest
    assert registry.packument("@team/new") is None
    assert registry.packument("@team/old") is not None


def test_it_refuses_the_snapshot_of_another(registry: Registry) -> None:
    with RegistrySimulator() as other, pytest.raises(UsageError) as caught:
        registry.rewind(other.snapshot())
    assert caught.value.code == "registry.snapshot"


def test_there_is_no_packument_to_change_where_nothing_was_published() -> None:
    with VerdaccioServer(verdaccio_command(node_tools_or_skip())) as server:
        with pytest.raises(KeyError):
            server.tamper_packument("@team/none", lambda found: found)
        assert server.snapshot().number == 0

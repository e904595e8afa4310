"""The public registry simulator: what users' own tests rely on."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest

from vxsec.errors import UndecidedError, VxsecError
from vxsec.formats.npmrc import merge_npmrc, parse_npmrc
from vxsec.host.http import HttpClient
from vxsec.registry.client import RegistryClient
from vxsec.testing import RegistrySimulator

DATA = b"some bytes"


def document(name: str = "@team/a", version: str = "1.0.0", **change: Any) -> dict[str, Any]:
    shasum = hashlib.sha1(DATA, usedforsecurity=False).hexdigest()
    return {
        "name": name,
        "dist-tags": {"latest": version},
        "versions": {version: {"name": name, "version": version, "dist": {"shasum": shasum}}},
        "_attachments": {f"{name}-{version}.tgz": {"data": base64.b64encode(DATA).decode()}},
        **change,
    }


def client(registry: RegistrySimulator, npmrc: str | None = None) -> RegistryClient:
    text = registry.npmrc() if npmrc is None else npmrc
    return RegistryClient(registry.url, merge_npmrc([parse_npmrc(text, where="user", expand=None)]), HttpClient())


def body(**change: Any) -> bytes:
    return json.dumps(document(**change)).encode()


def test_publish_read_and_tamper() -> None:
    with RegistrySimulator(path="/npm/") as registry:
        asked = client(registry)
        asked.put_package("@team/a", body())
        assert registry.tarball("@team/a", "1.0.0") == asked.fetch_tarball("@team/a", "1.0.0") == DATA
        registry.tamper_tarball("@team/a", "1.0.0", b"other")
        registry.tamper_packument("@team/a", lambda found: {**found, "dist-tags": {}})
        packument = asked.fetch_packument("@team/a")
        assert packument is not None
        assert packument.tags == {}
        assert asked.fetch_tarball("@team/a", "1.0.0") == b"other"
        assert registry.dump()["@team/a"]["dist-tags"] == {"latest": "1.0.0"}
        assert [request.method for request in registry.requests] == ["PUT", "GET", "GET", "GET"]
        assert registry.requests[0].path == "/npm/@team/a"


def test_the_first_version_is_latest_whatever_its_tag() -> None:
    with RegistrySimulator() as registry:
        client(registry).put_package("@team/a", body(**{"dist-tags": {"next": "1.0.0"}}))
        assert registry.dump()["@team/a"]["dist-tags"] == {"next": "1.0.0", "latest": "1.0.0"}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        pytest.param({"_attachments": {}}, 400, id="no attachment"),
        pytest.param({"_attachments": {"a": {"data": ""}, "b": {"data": ""}}}, 400, id="two attachments"),
        pytest.param({"_attachments": {"a": {"data": "%"}}}, 400, id="an attachment that is not base64"),
        pytest.param({"_attachments": {"a": {"data": "AA=="}}}, 400, id="another SHA-1"),
        pytest.param({"versions": {}}, 400, id="no version"),
        pytest.param({"versions": []}, 400, id="a wrong shape"),
    ],
)
def test_a_publish_it_does_not_take(change: dict[str, Any], status: int) -> None:
    with RegistrySimulator() as registry:
        assert registry.publish(body(**change))[0] == status
        assert registry.dump() == {}


def test_a_version_is_taken_once() -> None:
    with RegistrySimulator() as registry:
        assert [registry.publish(body())[0], registry.publish(body())[0]] == [201, 409]
        assert registry.publish(b"no json")[0] == 400


@pytest.mark.parametrize(
    ("reads", "hides", "code"),
    [(False, False, None), (True, False, "registry.unauthorised"), (True, True, "registry.hidden-404")],
)
def test_reading_without_a_token(reads: bool, hides: bool, code: str | None) -> None:
    with RegistrySimulator(authenticated_reads=reads, hide_unauthenticated=hides) as registry:
        client(registry).put_package("@team/a", body())
        got: str | None = None
        try:
            client(registry, npmrc="").fetch_packument("@team/a")
        except VxsecError as error:
            got = error.code
        assert got == code


def test_publishing_without_a_token() -> None:
    with RegistrySimulator() as registry, pytest.raises(UndecidedError) as caught:
        client(registry, npmrc="").put_package("@team/a", body())
    assert caught.value.code == "registry.unauthorised"


def test_it_fails_when_told_to_and_only_as_often() -> None:
    with RegistrySimulator() as registry:
        asked = client(registry)
        registry.fail_next("PUT", "/@team/a", 500)
        with pytest.raises(UndecidedError) as caught:
            asked.put_package("@team/a", body())
        assert caught.value.code == "registry.server-error"
        assert registry.dump() == {}
        asked.put_package("@team/a", body())
        registry.drop_connection("GET", "/@team/a", times=2)
        with pytest.raises(UndecidedError) as caught:
            asked.fetch_packument("@team/a")
        assert caught.value.code == "network.connect"
        assert asked.fetch_packument("@team/a") is not None


def test_small_things_clients_ask_for() -> None:
    with RegistrySimulator(path="/npm/") as registry:
        port = HttpClient()
        token = {"authorization": f"Bearer {registry.token}"}
        answers = {
            "-/ping": port.request("GET", registry.url + "-/ping", max_bytes=99).status,
            "-/whoami": port.request("GET", registry.url + "-/whoami", max_bytes=99).status,
            "-/whoami with a token": port.request("GET", registry.url + "-/whoami", headers=token, max_bytes=99).status,
            "another path": port.request("GET", registry.url.replace("/npm/", "/x"), max_bytes=99).status,
            "a missing file": port.request("GET", registry.url + "a/-/a-1.0.0.tgz", max_bytes=99).status,
        }
    assert answers == {
        "-/ping": 200,
        "-/whoami": 401,
        "-/whoami with a token": 200,
        "another path": 404,
        "a missing file": 404,
    }


def test_a_version_can_be_asked_for_by_tag() -> None:
    with RegistrySimulator() as registry:
        client(registry).put_package("@team/a", body())
        port = HttpClient()
        found = port.request("GET", registry.url + "@team%2fa/latest", max_bytes=9999)
        missing = port.request("GET", registry.url + "@team%2fa/-/other.tgz", max_bytes=9999)
    assert (found.status, json.loads(found.body)["version"], missing.status) == (200, "1.0.0", 404)


def test_npmrc_lines_for_scopes() -> None:
    with RegistrySimulator(token="t") as registry:
        url, text = registry.url, registry.npmrc("@a", "@b")
    assert text == f"@a:registry={url}\n@b:registry={url}\n{url.removeprefix('http:')}:_authToken=t\n"


def test_outside_its_block_it_is_nowhere() -> None:
    with pytest.raises(RuntimeError, match="with statement"):
        _ = RegistrySimulator().url

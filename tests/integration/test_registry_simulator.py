"""The public registry simulator: what users' own tests rely on."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from vxsec.errors import UndecidedError, UsageError, VxsecError
from vxsec.formats.npmrc import merge_npmrc, parse_npmrc
from vxsec.host.http import HttpClient
from vxsec.registry.client import RegistryClient
from vxsec.testing import RegistrySimulator

if TYPE_CHECKING:
    from support.node_tools import NodeTools

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


# -- going back in time ------------------------------------------------------------------------------------------------


def test_rewinding_forgets_what_came_later_as_often_as_asked() -> None:
    with RegistrySimulator() as registry:
        asked = client(registry)
        asked.put_package("@team/a", body())
        before = registry.snapshot()
        for _ in range(2):
            asked.put_package("@team/a", body(version="1.1.0"))
            asked.put_package("@team/b", body(name="@team/b"))
            registry.tamper_tarball("@team/a", "1.0.0", b"other")
            registry.tamper_packument("@team/a", lambda found: {**found, "dist-tags": {}})
            registry.rewind(before)
            found = asked.fetch_packument("@team/a")
            assert found is not None
            assert (list(found.versions), found.tags) == (["1.0.0"], {"latest": "1.0.0"})
            assert asked.fetch_packument("@team/b") is None
            assert registry.packument("@team/b") is None
            assert registry.tarball("@team/a", "1.0.0") == DATA
        assert registry.packument("@team/a") == registry.dump()["@team/a"]


def test_time_goes_back_too() -> None:
    with RegistrySimulator() as registry:
        registry.publish(body())
        before, stored = registry.snapshot(), registry.dump()["@team/a"]["time"]
        registry.publish(body(version="1.1.0"))
        registry.rewind(before)
        assert registry.dump()["@team/a"]["time"] == stored


def test_a_snapshot_goes_back_to_its_own_registry_only() -> None:
    with RegistrySimulator() as one, RegistrySimulator() as other:
        with pytest.raises(UsageError) as caught:
            other.rewind(one.snapshot())
        assert caught.value.code == "registry.snapshot"
        with pytest.raises(UsageError):
            one.rewind(replace(one.snapshot(), number=7))


def test_changes_of_a_packument_add_up() -> None:
    with RegistrySimulator() as registry:
        registry.publish(body())
        registry.tamper_packument("@team/a", lambda found: {**found, "one": 1})
        registry.tamper_packument("@team/a", lambda found: {**found, "two": found["one"] + 1})
        found = client(registry).fetch_packument("@team/a")
        assert found is not None
        assert get(registry, "@team%2fa")["two"] == 2
        assert "one" not in registry.dump()["@team/a"]


# -- signing as npm's registry does ------------------------------------------------------------------------------------


def get(registry: RegistrySimulator, path: str) -> Any:
    answer = HttpClient().request("GET", registry.url + path, max_bytes=1 << 20)
    return json.loads(answer.body) if answer.status == 200 else answer.status


def test_by_default_it_signs_nothing_and_has_no_keys() -> None:
    with RegistrySimulator() as registry:
        registry.publish(body())
        assert "signatures" not in registry.dump()["@team/a"]["versions"]["1.0.0"]["dist"]
        assert get(registry, "-/npm/v1/keys") == 404
        with pytest.raises(UsageError) as caught:
            registry.rotate_keys()
        assert caught.value.code == "registry.unsigned"


def test_it_serves_a_keys_document_that_it_is_given() -> None:
    with RegistrySimulator() as registry:
        before = registry.snapshot()
        registry.serve_keys(b'{"keys": []}')
        assert get(registry, "-/npm/v1/keys") == {"keys": []}
        registry.rewind(before)
        assert get(registry, "-/npm/v1/keys") == 404


def test_a_rotated_key_expires_after_what_it_signed_and_the_fresh_one_signs() -> None:
    with RegistrySimulator(signs=True) as registry:
        registry.publish(body())
        before = registry.snapshot()
        fresh = registry.rotate_keys()
        registry.publish(body(version="1.1.0"))
        (old, new) = get(registry, "-/npm/v1/keys")["keys"]
        packument = get(registry, "@team%2fa")
        signed = {name: item["dist"]["signatures"] for name, item in packument["versions"].items()}
        assert [signed[version][0]["keyid"] for version in ("1.0.0", "1.1.0")] == [old["keyid"], fresh]
        assert (new["keyid"], new["expires"]) == (fresh, None)
        assert packument["time"]["1.0.0"] < old["expires"]
        registry.rewind(before)
        assert [key["expires"] for key in get(registry, "-/npm/v1/keys")["keys"]] == [None]


def test_it_signs_the_bytes_it_took_whatever_integrity_it_was_told() -> None:
    with RegistrySimulator(signs=True) as registry:
        sent = document()
        sent["versions"]["1.0.0"]["dist"]["integrity"] = "sha512-AAAA"
        registry.publish(json.dumps(sent).encode())
        stored = registry.dump()["@team/a"]["versions"]["1.0.0"]["dist"]["integrity"]
        assert stored == "sha512-" + base64.b64encode(hashlib.sha512(DATA).digest()).decode()


AUDIT = """
const [pacotePath, registry, ...specs] = process.argv.slice(1)
const pacote = require(pacotePath)
;(async () => {
  const {keys} = await (await fetch(registry + '-/npm/v1/keys')).json()
  const registryKeys = keys.map(key => ({...key,
    pemkey: `-----BEGIN PUBLIC KEY-----\\n${key.key}\\n-----END PUBLIC KEY-----`}))
  const said = []
  for (const spec of specs) {
    const {host, pathname} = new URL(registry)
    const options = {registry, [`//${host}${pathname}:_keys`]: registryKeys, verifySignatures: true, cache: process.env.npm_config_cache}
    said.push(await pacote.manifest(spec, options).then(found => found._signatures[0].keyid, error => error.code))
  }
  console.log(JSON.stringify(said))
})()
"""


@pytest.mark.node
def test_npms_own_verifier_accepts_the_signatures_and_refuses_what_was_changed(
    node_tools: NodeTools, tmp_path: Path
) -> None:
    """The code that ``npm audit signatures`` runs after it has fetched its root from the internet."""
    pacote = Path(node_tools.npm[-1]).parents[1] / "node_modules" / "pacote"
    with RegistrySimulator(signs=True) as registry:
        registry.publish(body())
        first = get(registry, "-/npm/v1/keys")["keys"][0]["keyid"]
        second = registry.rotate_keys()
        registry.publish(body(version="1.1.0"))
        registry.publish(body(name="@team/b"))
        registry.publish(body(name="@team/c"))
        registry.tamper_packument("@team/b", lambda found: _with_dist(found, integrity="sha512-" + "A" * 86 + "=="))
        stolen = registry.dump()["@team/a"]["versions"]["1.0.0"]["dist"]["signatures"]
        registry.tamper_packument("@team/c", lambda found: _with_dist(found, signatures=stolen))
        done = subprocess.run(
            [*node_tools.node, "-e", AUDIT, str(pacote), registry.url, "@team/a@1.0.0", "@team/a@1.1.0", "@team/b", "@team/c"],
            env=node_tools.environment(tmp_path / "home"), capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        *others, replayed = json.loads(done.stdout)
        assert others == [first, second, "EINTEGRITYSIGNATURE"]
        # The old key expires a millisecond after the rotation: the third publish may still lie before that.
        assert replayed in {"EEXPIREDSIGNATUREKEY", "EINTEGRITYSIGNATURE"}


def _with_dist(packument: dict[str, Any], **change: Any) -> dict[str, Any]:
    packument["versions"]["1.0.0"]["dist"].update(change)
    return packument

"""Client trust configs: what is read of one, which services are chosen, and everything that is refused."""

from __future__ import annotations

import contextlib
import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.errors import FormatError
from vxsec.formats.signing_config import read_client_trust_config
from vxsec.limits import Limits
from vxsec.model.signing_config import Services, ServiceSelector
from vxsec.model.trusted_root import Window

NOW = datetime(2026, 11, 21, tzinfo=UTC)
START = "2026-01-01T00:00:00Z"


def _service(url: str = "https://log.example.test", version: int = 1, **more: object) -> dict[str, Any]:
    return {
        "url": url,
        "majorApiVersion": version,
        "validFor": {"start": START},
        "operator": "example.test",
    } | more


SIGNING: dict[str, Any] = {
    "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
    "caUrls": [_service("https://fulcio.example.test")],
    "oidcUrls": [_service("https://issuer.example.test")],
    "rekorTlogUrls": [_service(version=2), _service(version=1)],
    "rekorTlogConfig": {"selector": "ANY"},
    "tsaUrls": [_service("https://tsa.example.test/api/v1/timestamp")],
    "tsaConfig": {"selector": "EXACT", "count": 1},
}
CONFIG: dict[str, Any] = {
    "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
    "trustedRoot": {"mediaType": "any", "tlogs": []},
    "signingConfig": SIGNING,
}


def _with(path: str, value: object) -> bytes:
    document: Any = copy.deepcopy(CONFIG)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    node = document
    for part in parents:
        node = node[part]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return json.dumps(document).encode()


def test_what_a_signer_needs_is_read() -> None:
    config = read_client_trust_config(json.dumps(CONFIG).encode(), where="config.json")
    assert json.loads(config.trusted_root) == CONFIG["trustedRoot"]
    assert config.signing.logs.selector is ServiceSelector.ANY
    assert [service.version for service in config.signing.logs.listed] == [2, 1]
    (authority,) = config.signing.timestamp_authorities.listed
    assert authority.url == "https://tsa.example.test/api/v1/timestamp"
    assert authority.window == Window(start=datetime(2026, 1, 1, tzinfo=UTC))
    assert (config.signing.timestamp_authorities.selector, config.signing.timestamp_authorities.count) == ("EXACT", 1)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(_with("signingConfig.tsaUrls", []), id="an empty list of timestamp authorities"),
        pytest.param(_with("signingConfig.caUrls", ...), id="no certificate authority"),
        pytest.param(_with("signingConfig.tsaConfig.count", "1"), id="a number as a string, as protobuf allows"),
        pytest.param(_with("signingConfig.rekorTlogUrls.0.validFor.end", "2027-01-01T00:00:00Z"), id="an end"),
        pytest.param(_with("signingConfig.rekorTlogUrls.0.validFor.end", START), id="a window of one moment"),
        pytest.param(_with("signingConfig.rekorTlogUrls.0.majorApiVersion", 0), id="a service that is not released"),
        pytest.param(_with("signingConfig.rekorTlogUrls.0.url", "http://127.0.0.1:8080"), id="a loopback URL"),
    ],
)
def test_reads(data: bytes) -> None:
    assert read_client_trust_config(data, where="config.json").trusted_root


def test_an_instance_without_timestamp_authorities_has_none() -> None:
    document: Any = copy.deepcopy(CONFIG)
    del document["signingConfig"]["tsaUrls"], document["signingConfig"]["tsaConfig"]
    config = read_client_trust_config(json.dumps(document).encode(), where="config.json")
    assert config.signing.timestamp_authorities == Services()


LOG = "signingConfig.rekorTlogUrls.0"
REFUSED: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"{", "trust-config.malformed"),
    "an array": (b"[]", "trust-config.malformed"),
    "nothing": (b"", "trust-config.malformed"),
    "a member twice": (b'{"mediaType": "a", "mediaType": "b"}', "trust-config.malformed"),
    "a trusted root instead": (
        _with("mediaType", "application/vnd.dev.sigstore.trustedroot+json;version=0.1"),
        "trust-config.media-type",
    ),
    "no media type": (_with("mediaType", ...), "trust-config.malformed"),
    "a newer version": (
        _with("mediaType", "application/vnd.dev.sigstore.clienttrustconfig.v0.2+json"),
        "trust-config.media-type",
    ),
    "a signing config v0.1": (
        _with("signingConfig.mediaType", "application/vnd.dev.sigstore.signingconfig.v0.1+json"),
        "trust-config.media-type",
    ),
    "no trusted root": (_with("trustedRoot", ...), "trust-config.malformed"),
    "a trusted root that is text": (_with("trustedRoot", "root"), "trust-config.malformed"),
    "no signing config": (_with("signingConfig", ...), "trust-config.malformed"),
    "an unknown member": (_with("extra", 1), "trust-config.malformed"),
    "an unknown member of the signing config": (_with("signingConfig.extra", 1), "trust-config.malformed"),
    "an unknown member of a service": (_with(f"{LOG}.extra", 1), "trust-config.malformed"),
    "a service that is text, as in v0.1": (_with(LOG, "https://log.example.test"), "trust-config.malformed"),
    "logs without a selector": (_with("signingConfig.rekorTlogConfig", ...), "trust-config.malformed"),
    "authorities without a selector": (_with("signingConfig.tsaConfig", ...), "trust-config.malformed"),
    "an undefined selector": (
        _with("signingConfig.rekorTlogConfig.selector", "SERVICE_SELECTOR_UNDEFINED"),
        "trust-config.malformed",
    ),
    "EXACT without a count": (_with("signingConfig.tsaConfig.count", ...), "trust-config.malformed"),
    "EXACT of none": (_with("signingConfig.tsaConfig.count", 0), "trust-config.malformed"),
    "a negative count": (_with("signingConfig.tsaConfig.count", -1), "trust-config.malformed"),
    "a count beside ANY": (_with("signingConfig.rekorTlogConfig.count", 2), "trust-config.malformed"),
    "no window": (_with(f"{LOG}.validFor", ...), "trust-config.malformed"),
    "no start": (_with(f"{LOG}.validFor", {"end": START}), "trust-config.malformed"),
    "a start that is no time": (_with(f"{LOG}.validFor.start", "yesterday"), "trust-config.malformed"),
    "an end before the start": (_with(f"{LOG}.validFor.end", "2025-01-01T00:00:00Z"), "trust-config.window"),
    "no operator": (_with(f"{LOG}.operator", ...), "trust-config.malformed"),
    "an empty operator": (_with(f"{LOG}.operator", ""), "trust-config.malformed"),
    "no version": (_with(f"{LOG}.majorApiVersion", ...), "trust-config.malformed"),
    "a version that is true": (_with(f"{LOG}.majorApiVersion", True), "trust-config.malformed"),
    "a negative version": (_with(f"{LOG}.majorApiVersion", -1), "trust-config.malformed"),
    "no URL": (_with(f"{LOG}.url", ...), "trust-config.malformed"),
    "a URL without a scheme": (_with(f"{LOG}.url", "log.example.test"), "trust-config.malformed"),
    "a file": (_with(f"{LOG}.url", "file:///etc/passwd"), "trust-config.malformed"),
    "a URL without a host": (_with(f"{LOG}.url", "https:///api"), "trust-config.malformed"),
    "a URL with a password": (_with(f"{LOG}.url", "https://a:b@log.example.test"), "trust-config.malformed"),
    "a URL with a query": (_with(f"{LOG}.url", "https://log.example.test?a=b"), "trust-config.malformed"),
    "a URL with a broken address": (_with(f"{LOG}.url", "https://[::1"), "trust-config.malformed"),
    "a URL with a line end": (_with(f"{LOG}.url", "https://log.example.test\r\nx: y"), "trust-config.malformed"),
    "a URL with a space": (_with(f"{LOG}.url", "https://log.example.test/a b"), "trust-config.malformed"),
    "a URL in Cyrillic": (_with(f"{LOG}.url", "https://l\u043eg.example.test"), "trust-config.malformed"),
    "a very long URL": (_with(f"{LOG}.url", "https://log.example.test/" + "a" * 3000), "trust-config.malformed"),
    "a malformed certificate authority": (_with("signingConfig.caUrls.0.url", 5), "trust-config.malformed"),
    "too many logs": (_with("signingConfig.rekorTlogUrls", [_service()] * 65), "trust-config.too-many"),
}


@pytest.mark.parametrize(("data", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(data: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_client_trust_config(data, where="config.json")
    assert caught.value.code == code
    assert caught.value.hint


def test_too_many_bytes_are_not_read() -> None:
    data = json.dumps(CONFIG).encode()
    with pytest.raises(FormatError) as caught:
        read_client_trust_config(data, where="c", limits=Limits(trusted_root_bytes=len(data) - 1))
    assert caught.value.code == "trust-config.too-large"


def _with_any(name: str) -> bytes:
    path = name if name in CONFIG else f"signingConfig.{name}"
    return _with(path, {"a": [None, 1.5, {"b": True}]})


@given(st.binary(max_size=200) | st.sampled_from([*CONFIG, *SIGNING]).map(_with_any))
def test_only_a_format_error_escapes(data: bytes) -> None:
    with contextlib.suppress(FormatError):
        read_client_trust_config(data, where="c")


# -- which services are used --------------------------------------------------------------------------------------------


def _services(*listed: dict[str, Any]) -> Services:
    document: Any = copy.deepcopy(CONFIG)
    document["signingConfig"]["rekorTlogUrls"] = list(listed)
    document["signingConfig"]["rekorTlogConfig"] = {"selector": "ALL"}
    return read_client_trust_config(json.dumps(document).encode(), where="c").signing.logs


def _usable(*listed: dict[str, Any], versions: tuple[int, ...] = (1, 2), now: datetime = NOW) -> list[str]:
    return [service.url for service in _services(*listed).usable(versions=versions, now=now)]


def _between(start: str, end: str | None = None) -> dict[str, Any]:
    return {"validFor": {"start": start} if end is None else {"start": start, "end": end}}


ONE, TWO, THREE = "https://one.example.test", "https://two.example.test", "https://three.example.test"


def test_the_highest_version_that_is_known_is_used() -> None:
    listed = (_service(ONE, 1), _service(TWO, 2, operator="b"), _service(THREE, 3, operator="c"))
    assert _usable(*listed) == [TWO]
    assert _usable(*listed, versions=(1,)) == [ONE]
    assert _usable(*listed, versions=(4,)) == []


def test_of_one_operator_the_newest_is_used() -> None:
    older, newer = _between("2025-01-01T00:00:00Z"), _between("2026-06-01T00:00:00Z")
    assert _usable(_service(ONE, **older), _service(TWO, **newer)) == [TWO]
    assert _usable(_service(ONE, **older), _service(TWO, operator="b", **newer)) == [TWO, ONE]


def test_a_service_is_used_in_its_window_ends_included() -> None:
    window = _between("2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z")
    assert _usable(_service(ONE, **window), now=NOW) == [ONE]
    assert _usable(_service(ONE, **window), now=datetime(2026, 11, 22, tzinfo=UTC)) == [ONE]
    assert _usable(_service(ONE, **window), now=datetime(2026, 11, 22, 0, 0, 1, tzinfo=UTC)) == []
    assert _usable(_service(ONE, **window), now=datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC)) == []


def test_a_service_that_is_not_released_is_never_used() -> None:
    assert _usable(_service(ONE, 0), versions=(1, 2)) == []

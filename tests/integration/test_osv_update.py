"""Fetching exports over real connections: dates, proxies, bounds, servers that fail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from support.osv_bucket import EXPORT, Bucket, running
from support.osv_kit import NOW
from vxsec.errors import FormatError, NetworkError, UsageError
from vxsec.limits import DEFAULT_LIMITS
from vxsec.usecases.database import fetch as database_fetch
from vxsec.usecases.database.maintain import database_states, update_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vxsec.model.scan import DatabaseState


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with running(Bucket()) as server:
        yield server


def update(tmp_path: Path, base_url: str, **more: Any) -> list[DatabaseState]:
    return update_database(base_url=base_url, directory=tmp_path, now=NOW, **more)


def test_an_export_is_fetched_once_and_then_asked_for_news(tmp_path: Path, bucket: Bucket) -> None:
    (first,) = update(tmp_path, bucket.url)
    assert first.exported_at == datetime(2026, 11, 20, 9, tzinfo=UTC)
    told: list[str] = []
    assert update(tmp_path, bucket.url, progress=told.append) == [first]
    assert told[-1] == "npm: not changed since 2026-11-20T09:00:00Z"
    assert [path for path, _ in bucket.requests] == ["/npm/all.zip", "/npm/all.zip"]
    assert ["if-modified-since" in headers for _, headers in bucket.requests] == [False, True]
    bucket.stamp = "Sat, 21 Nov 2026 09:00:00 GMT"
    (newer,) = update(tmp_path, bucket.url + "/")
    assert newer.exported_at == datetime(2026, 11, 21, 9, tzinfo=UTC)


def test_without_a_date_the_newest_record_counts(tmp_path: Path, bucket: Bucket) -> None:
    bucket.stamp = None
    assert update(tmp_path, bucket.url)[0].exported_at == datetime(2026, 11, 20, 8, tzinfo=UTC)


def test_a_proxy_of_the_environment_is_used_and_plain_http_only_where_allowed(
    tmp_path: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", bucket.url)
    elsewhere = "http://osv.example.test"
    with pytest.raises(UsageError) as caught:
        update(tmp_path, elsewhere)
    assert caught.value.code == "network.insecure-url"
    assert bucket.requests == []
    update(tmp_path, elsewhere, unsafe_http=[elsewhere])
    assert [path for path, _ in bucket.requests] == ["http://osv.example.test/npm/all.zip"]


FAILURES: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "an error": ({"status": 500}, NetworkError, "network.status"),
    "not there": ({"status": 404, "body": b"<Error/>"}, NetworkError, "network.status"),
    "a connection that ends early": ({"cut": 100}, NetworkError, "network.connect"),
    "a file that ends early": ({"body": EXPORT[:-100]}, FormatError, "zip.truncated"),
    "a page": ({"body": b"<html>log in</html>"}, FormatError, "zip.not-zip"),
}


@pytest.mark.parametrize(("change", "kind", "code"), FAILURES.values(), ids=FAILURES.keys())
def test_what_fails_leaves_the_old_data_in_use(
    tmp_path: Path, bucket: Bucket, change: dict[str, Any], kind: type[Exception], code: str
) -> None:
    before = update(tmp_path, bucket.url)
    bucket.stamp = "Sat, 21 Nov 2026 09:00:00 GMT"
    for name, value in change.items():
        setattr(bucket, name, value)
    with pytest.raises(kind) as caught:
        update(tmp_path, bucket.url)
    assert getattr(caught.value, "code", None) in {code, "network.protocol" if code == "network.connect" else code}
    assert database_states(tmp_path) == before


def test_an_answer_without_end_is_not_held(tmp_path: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    small = replace(DEFAULT_LIMITS, database_download_bytes=1000)
    monkeypatch.setattr(database_fetch, "DEFAULT_LIMITS", small)
    with pytest.raises(NetworkError) as caught:
        update(tmp_path, bucket.url)
    assert caught.value.code == "network.too-large"


def test_an_address_that_is_none_is_refused(tmp_path: Path) -> None:
    for url in ("ftp://osv.example.test", "https://user:secret@osv.example.test", "osv", "https://a b/"):
        with pytest.raises(UsageError) as caught:
            update(tmp_path, url)
        assert caught.value.code == "network.url"
        assert "secret" not in str(caught.value)

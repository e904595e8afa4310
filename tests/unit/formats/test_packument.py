from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.errors import FormatError
from vxsec.formats.packument import read_packument, read_version_document

VERSION: dict[str, Any] = {
    "name": "@vextrus/a",
    "version": "1.0.0",
    "dist": {"integrity": "sha512-x", "shasum": "abc", "tarball": "https://registry.example.test/a.tgz"},
}
PACKUMENT: dict[str, Any] = {
    "name": "@vextrus/a",
    "versions": {"1.0.0": VERSION},
    "dist-tags": {"latest": "1.0.0"},
    "time": {"created": "x", "modified": "y", "1.0.0": "2026-11-01T12:00:00.123Z", "0.9.0": "2027-01-01T00:00:00Z"},
}


def read(**change: Any) -> Any:
    return read_packument(json.dumps({**PACKUMENT, **change}).encode(), where="a")


def test_a_packument_is_read() -> None:
    packument = read()
    assert packument.name == "@vextrus/a"
    assert packument.tags == {"latest": "1.0.0"}
    version = packument.versions["1.0.0"]
    assert (version.integrity, version.shasum) == ("sha512-x", "abc")
    assert version.tarball == "https://registry.example.test/a.tgz"
    assert version.document == VERSION
    # 0.9.0 was unpublished: its time is still listed, and does not count.
    assert packument.newest_time == datetime(2026, 11, 1, 12, 0, 0, 123000, tzinfo=UTC)


def test_what_may_be_absent() -> None:
    packument = read_packument(b'{"name":"a"}', where="a")
    assert (packument.versions, packument.tags, packument.times, packument.newest_time) == ({}, {}, {}, None)
    bare = read_version_document(b'{"name":"a","version":"1.0.0"}', where="a")
    assert (bare.integrity, bare.shasum, bare.tarball) == (None, None, None)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no name": ({"name": None}, "packument.shape"),
    "a name that is no text": ({"name": 1}, "packument.shape"),
    "versions as a list": ({"versions": []}, "packument.shape"),
    "a version that is no object": ({"versions": {"1.0.0": 1}}, "packument.shape"),
    "a version without a name": ({"versions": {"1.0.0": {"version": "1.0.0"}}}, "packument.shape"),
    "a version of another package": ({"versions": {"1.0.0": {**VERSION, "name": "b"}}}, "packument.name"),
    "a version under another number": ({"versions": {"1.0.1": VERSION}}, "packument.version"),
    "dist as a list": ({"versions": {"1.0.0": {**VERSION, "dist": []}}}, "packument.shape"),
    "an integrity that is no text": ({"versions": {"1.0.0": {**VERSION, "dist": {"integrity": 1}}}}, "packument.shape"),
    "a tag that is no text": ({"dist-tags": {"latest": 1}}, "packument.shape"),
    "tags as a list": ({"dist-tags": []}, "packument.shape"),
    "a time that is none": ({"time": {"1.0.0": "yesterday"}}, "time.malformed"),
    "a time without a zone": ({"time": {"1.0.0": "2026-11-01T12:00:00"}}, "time.malformed"),
}


@pytest.mark.parametrize(("change", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_shape_is_refused(change: dict[str, Any], code: str) -> None:
    with pytest.raises(FormatError) as caught:
        read(**change)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"[]", "packument.shape"),
        (b"<html>", "json.syntax"),
        (b'{"name":"a","name":"b"}', "json.duplicate-key"),
        (b'{"name":"a"}', "packument.shape"),
        (b'{"name":"a","version":1}', "packument.shape"),
    ],
)
def test_a_version_document_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_version_document(data, where="a")
    assert caught.value.code == code


JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["name", "version", "dist"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["name", "versions", "dist-tags", "time", "version"]), JSON, max_size=5))
def test_any_document_is_read_or_refused(document: dict[str, Any]) -> None:
    for reader in (read_packument, read_version_document):
        try:
            reader(json.dumps(document).encode(), where="a")
        except FormatError as error:
            assert error.code.startswith(("packument.", "time."))  # noqa: PT017 - either outcome is fine

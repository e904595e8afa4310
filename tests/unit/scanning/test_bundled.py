"""Packages inside a package."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from vxsec.errors import TarballError
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.dependency import DependencySource
from vxsec.scanning.bundled import bundled_packages
from vxsec.testing.artifacts import pack


def tarball(**files: bytes) -> bytes:
    return pack({"name": "@acme/outer", "version": "1.0.0"}, files)


def manifest(**members: object) -> bytes:
    return json.dumps(members).encode()


def test_packages_are_found_where_node_looks_for_them() -> None:
    data = pack(
        {"name": "@acme/outer", "version": "1.0.0"},
        {
            "node_modules/a/package.json": manifest(name="a", version="1.0.0"),
            "node_modules/@s/b/package.json": manifest(name="@s/b", version="2.0.0"),
            "node_modules/a/node_modules/c/package.json": manifest(name="c", version="3.0.0"),
            "test/node_modules/d/package.json": manifest(name="d", version="4.0.0"),
            "node_modules/a/lib/package.json": manifest(type="module"),
            "node_modules/.package-lock.json": b"{}",
            "index.js": b"",
        },
    )
    found = bundled_packages(data)
    assert [one.label for one in found] == ["@s/b@2.0.0", "c@3.0.0", "a@1.0.0"]
    assert found[1].paths == ("node_modules/a/node_modules/c",)
    assert {one.source for one in found} == {DependencySource.BUNDLED}


def test_the_manifests_own_name_counts_not_the_folders() -> None:
    data = tarball(**{"node_modules/innocent/package.json": manifest(name="evil", version="1.0.0")})
    assert [one.label for one in bundled_packages(data)] == ["evil@1.0.0"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"name":"a","name":"b","version":"1.0.0"}',
        manifest(name="a"),
        manifest(version="1.0.0"),
        manifest(name="a", version=""),
        manifest(name="../a", version="1.0.0"),
        manifest(name=1, version="1.0.0"),
        b" " * 5_000,
    ],
    ids=["empty", "cut", "a list", "two names", "no version", "no name", "empty version", "bad name", "number", "huge"],
)
def test_what_names_nothing_is_kept_by_its_folder(content: bytes) -> None:
    data = tarball(**{"node_modules/a/package.json": content})
    (found,) = bundled_packages(data, limits=replace(DEFAULT_LIMITS, manifest_bytes=4_000))
    assert (found.package, found.label) == (None, "node_modules/a")


def test_an_archive_that_is_none_is_refused() -> None:
    with pytest.raises(TarballError) as caught:
        bundled_packages(b"no archive")
    assert caught.value.code == "archive.not-gzip"

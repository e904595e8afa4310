"""Tarballs for tests: accepted by the reader, the same for the same arguments."""

from __future__ import annotations

import pytest

from vxsec.errors import UsageError
from vxsec.inspection.artifact import read_artifact
from vxsec.model.artifact import Artifact, RefusedArtifact
from vxsec.testing.artifacts import pack


def test_a_package_with_its_files() -> None:
    data = pack({"name": "@acme/kernel", "version": "1.0.0"}, {"lib/index.js": b"1", "a.js": b"2"})
    artifact = read_artifact(data, filename="kernel.tgz")
    assert isinstance(artifact, Artifact)
    assert str(artifact.package) == "@acme/kernel@1.0.0"
    assert [file.path for file in artifact.files] == ["package.json", "a.js", "lib/index.js"]
    assert pack({"name": "@acme/kernel", "version": "1.0.0"}, {"a.js": b"2", "lib/index.js": b"1"}) == data


def test_a_manifest_alone() -> None:
    assert isinstance(read_artifact(pack({"name": "a", "version": "1.0.0"}), filename="a.tgz"), Artifact)


@pytest.mark.parametrize(
    "manifest", [{}, {"name": "a"}, {"name": "a", "version": "one"}], ids=["empty", "no version", "no semver"]
)
def test_what_is_asked_for_is_packed_even_where_the_reader_refuses_it(manifest: dict[str, object]) -> None:
    assert isinstance(read_artifact(pack(manifest), filename="a.tgz"), RefusedArtifact)


def test_refuses_a_path_over_100_bytes() -> None:
    with pytest.raises(UsageError) as caught:
        pack({}, {"x" * 100: b""})
    assert caught.value.code == "archive.path-too-long"

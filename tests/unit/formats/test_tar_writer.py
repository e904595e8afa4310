"""The tarballs vxsec writes: the same bytes for the same files, and what every reader sees alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.errors import UsageError
from vxsec.formats.tar_writer import write_tarball
from vxsec.formats.tarball import read_tarball

NAMES = st.from_regex(r"[a-z0-9]{1,10}(/[a-z0-9]{1,10}){0,3}\.js", fullmatch=True)


@given(st.dictionaries(NAMES, st.binary(max_size=1500), max_size=6))
def test_what_is_written_is_read_back_and_written_the_same_in_any_order(files: dict[str, bytes]) -> None:
    documents = {"package.json": b"{}", **files}
    data = write_tarball(documents)
    read = read_tarball(data, keep=lambda _path, _size: True)
    assert read.kept == documents
    assert read.findings == ()
    assert [file.path for file in read.files] == ["package.json", *sorted(files)]
    assert {file.mode for file in read.files} == {0o644}
    assert write_tarball(dict(reversed(documents.items()))) == data


def test_the_top_directory_is_named() -> None:
    assert read_tarball(write_tarball({"a": b""}, root="thing-1.0")).root == "thing-1.0"


def test_a_path_of_100_bytes_fits() -> None:
    name = "x" * (100 - len("package/"))
    assert [file.path for file in read_tarball(write_tarball({name: b""})).files] == [name]


@pytest.mark.parametrize(
    "name", ["x" * 93, "\u00e9" * 47, "d/" * 60 + "f"], ids=["letters", "two bytes each", "folders"]
)
def test_refuses_a_path_that_a_plain_header_cannot_hold(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        write_tarball({name: b""})
    assert caught.value.code == "archive.path-too-long"

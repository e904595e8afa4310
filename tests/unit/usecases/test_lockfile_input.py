"""The lockfile that npm would install from, or the sentence why it is not read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vxsec.errors import FormatError, UsageError
from vxsec.usecases.lockfile_input import find_lockfile, load_lockfile_input

if TYPE_CHECKING:
    from pathlib import Path

GOOD = '{"lockfileVersion":3,"packages":{"":{}}}'


def test_npms_shrinkwrap_comes_first_and_folders_do_not_count(tmp_path: Path) -> None:
    assert find_lockfile(tmp_path) is None
    (tmp_path / "package-lock.json").mkdir()
    assert find_lockfile(tmp_path) is None
    for name in ("yarn.lock", "pnpm-lock.yaml", "npm-shrinkwrap.json"):
        (tmp_path / name).write_text(GOOD, encoding="utf-8")
        assert find_lockfile(tmp_path) == tmp_path / name


def test_what_is_read_is_parsed_and_hashed(tmp_path: Path) -> None:
    path = tmp_path / "package-lock.json"
    path.write_text(GOOD, encoding="utf-8")
    given = load_lockfile_input(path)
    assert given.lockfile is not None
    assert (given.source, given.sha512, given.unsupported) == (str(path), given.lockfile.sha512, None)


def test_a_format_that_is_not_read_is_a_sentence_and_no_error(tmp_path: Path) -> None:
    path = tmp_path / "yarn.lock"
    path.write_text("# yarn lockfile v1\n", encoding="utf-8")
    given = load_lockfile_input(path)
    assert given.lockfile is None
    assert "yarn.lock" in str(given.unsupported)


def test_refuses_a_lockfile_that_npm_would_ignore(tmp_path: Path) -> None:
    for name in ("package-lock.json", "npm-shrinkwrap.json"):
        (tmp_path / name).write_text(GOOD, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_lockfile_input(tmp_path / "package-lock.json")
    assert caught.value.code == "lockfile.shadowed"
    assert load_lockfile_input(tmp_path / "npm-shrinkwrap.json").lockfile is not None


def test_refuses_what_is_no_lockfile(tmp_path: Path) -> None:
    path = tmp_path / "package-lock.json"
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(FormatError):
        load_lockfile_input(path)

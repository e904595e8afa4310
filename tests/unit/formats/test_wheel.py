"""Wheels: METADATA, folder names and RECORD must agree, and account for every file."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.wheel_factory import METADATA, WHEEL, record_row, wheel
from vxsec.errors import TarballError
from vxsec.formats.wheel import read_wheel_file
from vxsec.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable

INIT = "app_kit/__init__.py"
INFO = "app_kit-1.0.dist-info"


def test_every_file_is_listed_with_its_digest() -> None:
    read = read_wheel_file(
        wheel(
            {INIT: b"x = 1\n", "app_kit/run": b"#!"},
            modes={"app_kit/run": 0o100755, INIT: 0o100000},
            folders=("app_kit",),
        ),
        keep=lambda path, size: path == INIT and size < 10,
    )
    assert str(read.manifest.package) == "app-kit@1.0"
    assert read.manifest.package.ecosystem == "pypi"
    assert [(entry.path, entry.mode, entry.size) for entry in read.files][:2] == [
        (INIT, 0o644, 6),
        ("app_kit/run", 0o755, 2),
    ]
    assert {entry.path for entry in read.files} == {
        INIT,
        "app_kit/run",
        *(f"{INFO}/{n}" for n in ("METADATA", "WHEEL", "RECORD")),
    }
    assert read.unpacked_size == sum(entry.size for entry in read.files)
    assert (read.dist_info, read.data_folder, dict(read.kept)) == (INFO, None, {INIT: b"x = 1\n"})


ACCEPTED: dict[str, bytes] = {
    "a folder named in another spelling": wheel(dist_info="App.Kit-1.0.0.dist-info"),
    "a record with a longer hash": wheel(record=lambda rows: [record_row(INIT, b"x = 1\n", "sha512"), *rows[1:]]),
    "a record with quotes and Windows line ends": wheel(
        record=lambda rows: [f'"{INIT}"{rows[0].removeprefix(INIT)}\r', *rows[1:]]
    ),
    "a record with an empty line": wheel(record=lambda rows: [*rows, ""]),
    "a record that leaves itself out": wheel(record=lambda rows: rows[:-1]),
    "a signature file that nothing lists": wheel(
        {INIT: b"", f"{INFO}/RECORD.jws": b"{}"}, record=lambda rows: [row for row in rows if ".jws" not in row]
    ),
    "a path with a comma": wheel(
        {"app_kit/a,b.txt": b""}, record=lambda rows: [row.replace("app_kit/a,b.txt", '"app_kit/a,b.txt"') for row in rows]
    ),
    "both .gitignore and .npmignore, which only npm confuses": wheel({"a/.gitignore": b"", "a/.npmignore": b""}),
    "modules by way of the data folder": wheel(
        {INIT: b"", "app_kit-1.0.data/purelib/app_kit/more.py": b"", "app_kit-1.0.data/platlib/a/.npmignore": b""}
    ),
    "parts that are installed elsewhere": wheel({"app_kit-1.0.data/scripts/run": b"#!", "app_kit-1.0.data/data/etc/x": b""}),
}  # fmt: skip


@pytest.mark.parametrize("data", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepts(data: bytes) -> None:
    assert read_wheel_file(data).manifest.package.name == "app-kit"


def _row(number: int, text: str) -> Callable[[list[str]], list[str]]:
    return lambda rows: [text if index == number else row for index, row in enumerate(rows)]


GOOD = record_row(INIT, b"x = 1\n")
REFUSED: dict[str, tuple[bytes, str]] = {
    "no zip": (b"hello", "zip.not-zip"),
    "a zip that is cut": (wheel()[:-30], "zip.truncated"),
    "bytes behind the end": (wheel() + b"PK", "zip.comment"),
    "bytes before the first member": (b"#!/bin/sh\n" + wheel(), "zip.directory"),
    "a symbolic link": (wheel(modes={INIT: 0o120777}), "zip.link"),
    "a name that climbs": (wheel({"../evil.py": b""}), "zip.path"),
    "a name with a drive": (wheel({"c:evil.py": b""}), "wheel.path"),
    "two names that Windows takes as one": (wheel({"a/X.py": b"", "a/x.py": b""}), "wheel.collision"),
    "a file and a folder of one name": (wheel({"a": b"", "a/x.py": b""}), "wheel.collision"),
    "no dist-info folder": (wheel(dist_info="app_kit-1.0"), "wheel.dist-info"),
    "two dist-info folders": (wheel({"other-1.0.dist-info/METADATA": METADATA}), "wheel.dist-info"),
    "a second one in capitals": (wheel({"other-1.0.DIST-INFO/METADATA": METADATA}), "wheel.dist-info"),
    "a folder named for another version": (wheel(dist_info="app_kit-1.1.dist-info"), "wheel.dist-info"),
    "a folder named for another package": (wheel(dist_info="other-1.0.dist-info"), "wheel.dist-info"),
    "a folder named for no version": (wheel(dist_info="app_kit-x.dist-info"), "wheel.dist-info"),
    "a folder without a version": (wheel(dist_info="app_kit.dist-info"), "wheel.dist-info"),
    "a data folder of another package": (wheel({"other-1.0.data/scripts/run": b""}), "wheel.data"),
    "a data folder in two spellings": (
        wheel({"app_kit-1.0.data/scripts/run": b"", "app.kit-1.0.data/scripts/run2": b""}),
        "wheel.data",
    ),
    "a data folder with a part nobody knows": (wheel({"app_kit-1.0.data/etc/x": b""}), "wheel.data"),
    "a module by way of the data folder that replaces another": (
        wheel({INIT: b"", "app_kit-1.0.data/platlib/app_kit/__init__.py": b"evil"}),
        "wheel.collision",
    ),
    "one module by way of both parts": (
        wheel({"app_kit-1.0.data/purelib/a.py": b"", "app_kit-1.0.data/platlib/A.py": b""}),
        "wheel.collision",
    ),
    "another package's metadata by way of the data folder": (
        wheel({"app_kit-1.0.data/purelib/pip-99.0.dist-info/METADATA": b""}),
        "wheel.dist-info",
    ),
    "a file directly in the data folder": (wheel({"app_kit-1.0.data/scripts": b""}), "wheel.data"),
    "no METADATA": (wheel(metadata=None), "wheel.missing"),
    "no WHEEL": (wheel(wheel_file=None), "wheel.missing"),
    "no RECORD": (wheel(record=None), "wheel.missing"),
    "METADATA that says two names": (wheel(metadata=METADATA + b"Name: other\n"), "wheel.metadata"),
    "a wheel format of the future": (wheel(wheel_file=WHEEL.replace(b"1.0", b"2.0")), "wheel.format"),
    "two wheel versions": (wheel(wheel_file=WHEEL + b"Wheel-Version: 2.0\n"), "wheel.format"),
    "a WHEEL file that says twice where it goes": (wheel(wheel_file=WHEEL + b"Root-Is-Purelib: false\n"), "wheel.format"),
    "a WHEEL file that is no header": (wheel(wheel_file=b"hello"), "wheel.format"),
    "a RECORD that is not UTF-8": (wheel(record=lambda rows: [*rows, "\udcff,,"]), "wheel.record"),
    "a RECORD with a zero byte": (wheel(record=lambda rows: [*rows, "a\0,b,c"]), "wheel.record"),
    "a row of two fields": (wheel(record=_row(0, INIT + ",sha256=x")), "wheel.record"),
    "a quote that is not closed": (wheel(record=_row(0, '"' + GOOD)), "wheel.record"),
    "a file listed twice": (wheel(record=lambda rows: [rows[0], *rows]), "wheel.record-duplicate"),
    "a file that is not listed": (wheel(record=lambda rows: rows[1:]), "wheel.unlisted"),
    "a listed file that is not there": (wheel(record=lambda rows: [record_row("gone.py", b""), *rows]), "wheel.absent"),
    "a listed file outside": (wheel(record=lambda rows: [record_row("../gone.py", b""), *rows]), "wheel.absent"),
    "another hash": (wheel(record=_row(0, record_row(INIT, b"x = 2\n"))), "wheel.hash"),
    "another size": (wheel(record=_row(0, GOOD[:-1] + "7")), "wheel.hash"),
    "a hash with padding": (wheel(record=_row(0, GOOD.replace(",6", "=,6"))), "wheel.hash"),
    "a row without hash and size": (wheel(record=_row(0, f"{INIT},,")), "wheel.hash"),
    "a row without a size": (wheel(record=_row(0, GOOD[:-1])), "wheel.hash"),
    "an MD5": (wheel(record=_row(0, record_row(INIT, b"x = 1\n", "md5"))), "wheel.hash"),
    "a size in other digits": (wheel(record=_row(0, GOOD[:-1] + "\u0666")), "wheel.hash"),
    "a RECORD that lists itself with a wrong hash": (
        wheel(record=lambda rows: [*rows[:-1], record_row(f"{INFO}/RECORD", b"")]),
        "wheel.hash",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("data", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(data: bytes, code: str) -> None:
    with pytest.raises(TarballError) as caught:
        read_wheel_file(data)
    assert caught.value.reasons[0][0] == code


def test_several_reasons_are_told_at_once_but_not_endlessly() -> None:
    with pytest.raises(TarballError) as caught:
        read_wheel_file(wheel({f"m{number}.py": b"" for number in range(300)}, record=lambda rows: rows[-3:]))
    assert {code for code, _ in caught.value.reasons} == {"wheel.unlisted"}
    assert len(caught.value.reasons) == 100
    with pytest.raises(TarballError) as caught:
        read_wheel_file(wheel(dist_info="other-1.0.dist-info", record=lambda rows: rows[1:]))
    assert [code for code, _ in caught.value.reasons] == ["wheel.dist-info", "wheel.unlisted"]


@pytest.mark.parametrize(
    ("bounds", "code"),
    [
        ({"archive_packed_bytes": 10}, "wheel.too-large"),
        ({"archive_members": 3}, "wheel.too-large"),
        ({"archive_unpacked_bytes": 10}, "zip.too-large"),
        ({"archive_header_bytes": 1}, "wheel.record"),
        ({"manifest_bytes": 10}, "wheel.metadata"),
        ({"archive_path_bytes": 5}, "wheel.path"),
    ],
)
def test_refuses_more_than_the_limits(bounds: dict[str, int], code: str) -> None:
    with pytest.raises(TarballError) as caught:
        read_wheel_file(wheel(), limits=replace(DEFAULT_LIMITS, **bounds))
    assert caught.value.code == code


def test_refuses_more_folders_than_the_limit() -> None:
    files = {"/".join("abcdefgh") + f"/{number}.py": b"" for number in range(2)}
    with pytest.raises(TarballError) as caught:
        read_wheel_file(wheel(files), limits=replace(DEFAULT_LIMITS, archive_members=6))
    assert caught.value.code == "wheel.too-large"


SOUND = wheel({INIT: b"x = 1\n" * 40, "app_kit/more.py": bytes(300)})


@given(st.integers(0, len(SOUND) - 1), st.integers(1, 255))
def test_no_byte_can_be_changed_unseen(position: int, change: int) -> None:
    spoilt = bytearray(SOUND)
    spoilt[position] ^= change
    with suppress(TarballError):
        read = read_wheel_file(bytes(spoilt))
        # What is left are dates, permissions and versions of tools: nothing an installer takes for content.
        assert [(f.path, f.sha512) for f in read.files] == [(f.path, f.sha512) for f in read_wheel_file(SOUND).files]


@given(st.binary(max_size=64), st.integers(0, len(SOUND)))
def test_nothing_but_our_own_error_escapes(noise: bytes, place: int) -> None:
    for data in (noise, b"PK\x03\x04" + noise, SOUND[:place] + noise + SOUND[place:]):
        with suppress(TarballError):
            read_wheel_file(data)

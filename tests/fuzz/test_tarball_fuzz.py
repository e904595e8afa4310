"""Whatever the bytes: an answer or a ``TarballError``, never anything else, and never more than was asked for."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.tar_factory import END, block, file, manifest, pax_raw, tgz
from support.tar_mutations import SEEDS, mutate
from vxsec.errors import TarballError
from vxsec.formats.archive_path import check_path, fold_path
from vxsec.formats.tarball import Tarball, read_tarball
from vxsec.inspection.artifact import read_artifact
from vxsec.inspection.content import derive_content
from vxsec.limits import DEFAULT_LIMITS

TIGHT = replace(DEFAULT_LIMITS, archive_unpacked_bytes=1_000_000, archive_members=1000)


def _read(data: bytes) -> Tarball | None:
    reasons: tuple[tuple[str, str], ...] = ()
    tarball = None
    try:
        tarball = read_tarball(data, limits=TIGHT)
    except TarballError as error:
        reasons = error.reasons
    assert bool(reasons) == (tarball is None)
    assert all(code.startswith("archive.") and text for code, text in reasons)
    return tarball


@given(st.binary(max_size=3000))
def test_any_bytes(data: bytes) -> None:
    assert _read(data) is None


@given(st.binary(max_size=3000))
def test_any_bytes_inside_gzip(data: bytes) -> None:
    assert _read(gzip.compress(data)) is None


@given(st.binary(max_size=3000))
def test_any_bytes_inside_deflate(data: bytes) -> None:
    _read(b"\x1f\x8b\x08\x00" + bytes(6) + data)


@given(st.binary(min_size=512, max_size=512), st.binary(max_size=600))
def test_any_header_with_its_checksum(raw: bytes, body: bytes) -> None:
    _read(tgz(manifest(), block(raw), body))


@given(st.binary(max_size=600))
def test_any_pax_header(body: bytes) -> None:
    _read(tgz(manifest(), pax_raw(body), file("package/a")))


@given(st.randoms(use_true_random=False))
def test_any_damage(random: Random) -> None:
    content = derive_content(read_artifact(mutate(random), filename="x.tgz", limits=TIGHT))
    assert bool(content.refused) == (content.files == 0)


@given(st.sampled_from(SEEDS), st.integers(min_value=0), st.integers(min_value=0, max_value=9))
def test_the_compression_does_not_matter(raw: bytes, flushes: int, level: int) -> None:
    random = Random(flushes)  # noqa: S311 - repeatable, no secret
    packer = zlib.compressobj(level, wbits=31)
    packed, at = b"", 0
    while at < len(raw):
        step = random.choice((1, 100, 511, 4096))
        packed += packer.compress(raw[at : at + step]) + packer.flush(
            random.choice((zlib.Z_NO_FLUSH, zlib.Z_SYNC_FLUSH))
        )
        at += step
    packed += packer.flush()
    assert read_tarball(packed) == read_tarball(gzip.compress(raw))


_NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30)


@given(st.dictionaries(_NAMES, st.binary(max_size=2000), min_size=1, max_size=5))
def test_plain_files_come_back_or_their_names_are_refused(files: dict[str, bytes]) -> None:
    data = tgz(*(file(f"package/{name}", body) for name, body in files.items()))
    found = _read(data)
    if found is None:
        odd = any(list(check_path(f"package/{name}")) or len(f"package/{name}".encode()) > 100 for name in files)
        folded = {fold_path(name) for name in files}
        nested = any("/" in name or "package.json" in fold_path(name) or "ignore" in name for name in files)
        assert odd or nested or len(folded) < len(files)
    else:
        expected = [(name, hashlib.sha512(body).hexdigest()) for name, body in files.items()]
        assert [(entry.path, entry.sha512) for entry in found.files] == expected


@given(st.text(st.characters(codec="utf-8")))
def test_folding_is_stable(path: str) -> None:
    assert fold_path(fold_path(path)) == fold_path(path)


@pytest.mark.parametrize("raw", SEEDS)
def test_no_prefix_of_an_archive_is_an_archive(raw: bytes) -> None:
    data = gzip.compress(raw, mtime=0)
    for end in range(len(data)):
        assert _read(data[:end]) is None
    whole = len(raw.rstrip(b"\0")) + 1024
    for end in range(0, min(whole - 512, len(raw)), 256):
        assert _read(gzip.compress(raw[:end] + END[:512])) is None

from __future__ import annotations

import gzip
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.errors import FormatError, UsageError
from vxsec.formats.evidence_package import (
    EVIDENCE_FILES,
    build_evidence_tarball,
    evidence_version,
    parse_evidence_version,
    read_evidence_package,
)
from vxsec.formats.tarball import read_tarball
from vxsec.model.digest import digest_bytes
from vxsec.model.package import PackageRef

NAME = "@vextrus/vxsec-evidence"
SUBJECT = PackageRef(name="@vextrus/a", version="1.0.0")
DIGESTS = digest_bytes(b"the tarball")
VERSION = evidence_version(DIGESTS.sha256, 1)
ARCHIVE = "03692bc2a0e8444bd10a7f9d4ea545bb626817f6b138b4398c23c198ee9d13a7"
PIECES = {"bundles.sigstore.jsonl": b'{"a":1}\n', "bom.cdx.json": b""}


def build(**change: Any) -> bytes:
    fields: dict[str, Any] = {"name": NAME, "version": VERSION, "subject": SUBJECT, "digests": DIGESTS, "files": PIECES}
    return build_evidence_tarball(**{**fields, **change})


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    kept = dict(read_tarball(data, keep=lambda _path, _size: True).kept)
    return json.loads(kept.pop("package.json")), kept


def test_what_is_built_is_read_back() -> None:
    tarball = read_tarball(build())
    assert tarball.findings == ()
    assert {(entry.path, entry.mode) for entry in tarball.files} == {
        ("package.json", 0o644),
        ("bom.cdx.json", 0o644),
        ("bundles.sigstore.jsonl", 0o644),
    }
    package = read_evidence_package(*unpack(build()))
    assert (package.name, package.version, package.number) == (NAME, VERSION, 1)
    assert (package.subject, package.sha256, package.sha512) == (SUBJECT, DIGESTS.sha256, DIGESTS.sha512)
    assert (dict(package.files), package.bundles, package.unknown) == (PIECES, PIECES["bundles.sigstore.jsonl"], ())


def test_the_same_pieces_give_the_same_bytes_in_any_order() -> None:
    assert build() == build(files=dict(reversed(PIECES.items())))
    # zlib's own output may change with its version; what is inside may not.
    assert hashlib.sha256(gzip.decompress(build())).hexdigest() == ARCHIVE


@given(st.dictionaries(st.sampled_from(EVIDENCE_FILES), st.binary(max_size=2000), min_size=1))
def test_any_pieces_survive(files: dict[str, bytes]) -> None:
    assert dict(read_evidence_package(*unpack(build(files=files))).files) == files


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"files": {}}, "evidence.empty", id="nothing"),
        pytest.param({"files": {"../x": b""}}, "evidence.file", id="a path that climbs"),
        pytest.param({"files": {"package.json": b""}}, "evidence.file", id="its own package.json"),
        pytest.param({"version": evidence_version("0" * 64, 1)}, "evidence.version", id="about other bytes"),
        pytest.param({"version": "1.0.0"}, "evidence.version", id="another kind of version"),
        pytest.param({"name": "../x"}, "evidence.name", id="no package name"),
    ],
)
def test_what_is_not_built(change: dict[str, Any], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        build(**change)
    assert caught.value.code == code


@pytest.mark.parametrize(("sha256", "n"), [("A" * 64, 1), ("0" * 63, 1), ("0" * 64, 0), ("0" * 64, -1)])
def test_a_version_that_cannot_be(sha256: str, n: int) -> None:
    with pytest.raises(UsageError) as caught:
        evidence_version(sha256, n)
    assert caught.value.code == "evidence.version"


def test_versions_are_read_strictly() -> None:
    assert parse_evidence_version(evidence_version("a" * 64, 10)) == ("a" * 64, 10)
    for text in (VERSION + "\n", VERSION + "0" * 12, VERSION[:-1] + "0", VERSION[:-1] + "01", "1" + VERSION, "1.0.0"):
        with pytest.raises(FormatError) as caught:
            parse_evidence_version(text)
        assert caught.value.code == "evidence.version"


ABOUT = {"purl": SUBJECT.purl, "sha256": DIGESTS.sha256, "sha512": DIGESTS.sha512}
BAD: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no vxsec": ({"vxsec": None}, {}, "evidence.shape"),
    "a list instead of an object": ({"vxsec": []}, {}, "evidence.shape"),
    "no name": ({"name": None}, {}, "evidence.shape"),
    "files as text": ({}, {"files": "bom.cdx.json"}, "evidence.shape"),
    "no purl": ({}, {"subject": {**ABOUT, "purl": "pkg:gem/a@1"}}, "purl.malformed"),
    "a digest in capitals": ({}, {"subject": {**ABOUT, "sha256": DIGESTS.sha256.upper()}}, "evidence.subject"),
    "a short digest": ({}, {"subject": {**ABOUT, "sha512": "00"}}, "evidence.subject"),
    "a version about other bytes": ({"version": evidence_version("0" * 64, 1)}, {}, "evidence.version"),
    "another kind of version": ({"version": "1.0.0"}, {}, "evidence.version"),
    "a file that is not listed": ({}, {"files": ["bom.cdx.json"]}, "evidence.files"),
    "a listed file that is not there": ({}, {"files": [*sorted(PIECES), "vex.json"]}, "evidence.files"),
    "a file listed twice": ({}, {"files": [*sorted(PIECES), "bom.cdx.json"]}, "evidence.files"),
}


@pytest.mark.parametrize(("top", "inner", "code"), BAD.values(), ids=BAD.keys())
def test_a_package_that_is_refused(top: dict[str, Any], inner: dict[str, Any], code: str) -> None:
    document, files = unpack(build())
    document["vxsec"] = {**document["vxsec"], **inner}
    with pytest.raises(FormatError) as caught:
        read_evidence_package({**document, **top}, files)
    assert caught.value.code == code


def test_files_of_another_format_are_listed_and_ignored() -> None:
    document, files = unpack(build())
    package = read_evidence_package(document, {**files, "package.json": b"", "notes.txt": b"x"})
    assert package.unknown == ("notes.txt",)
    assert dict(package.files) == PIECES

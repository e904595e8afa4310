"""From bytes to an artifact: what package.json must say, and that every refusal carries its reason."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from support.tar_factory import file, manifest, symlink, tgz
from vxsec.inspection.artifact import read_artifact
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.artifact import Artifact, RefusedArtifact
from vxsec.model.finding import Severity

REFUSED = [
    ("no package.json", "archive.no-manifest", tgz(file("package/index.js"))),
    ("package.json one level down", "archive.no-manifest", tgz(file("package/lib/package.json", b"{}"))),
    ("an empty package.json", "manifest.malformed", tgz(manifest(b""))),
    ("package.json that is not JSON", "manifest.malformed", tgz(manifest(b"{name: 1}"))),
    ("package.json that is a list", "manifest.malformed", tgz(manifest(b"[]"))),
    ("package.json in UTF-16", "manifest.malformed", tgz(manifest('{"name":"a"}'.encode("utf-16")))),
    ("a name given twice", "manifest.malformed", tgz(manifest(b'{"name":"a","name":"b","version":"1.0.0"}'))),
    ("a comment in package.json", "manifest.malformed", tgz(manifest(b'{"name":"a","version":"1.0.0"} // x'))),
    ("two byte order marks", "manifest.malformed", tgz(manifest(b"\xef\xbb\xbf\xef\xbb\xbf{}"))),
    ("no name", "manifest.name", tgz(manifest(b'{"version":"1.0.0"}'))),
    ("a name that is null", "manifest.name", tgz(manifest(b'{"name":null,"version":"1.0.0"}'))),
    ("a name that is a number", "manifest.name", tgz(manifest(b'{"name":1,"version":"1.0.0"}'))),
    ("a name that climbs", "manifest.name", tgz(manifest(b'{"name":"../a","version":"1.0.0"}'))),
    ("a name with a space", "manifest.name", tgz(manifest(b'{"name":"a b","version":"1.0.0"}'))),
    ("a name with an escape sequence", "manifest.name", tgz(manifest(b'{"name":"a\\u001b[2J","version":"1.0.0"}'))),
    ("the name node_modules", "manifest.name", tgz(manifest(b'{"name":"node_modules","version":"1.0.0"}'))),
    ("a name of 215 letters", "manifest.name", tgz(manifest(b'{"name":"%s","version":"1.0.0"}' % (b"a" * 215)))),
    ("no version", "manifest.version", tgz(manifest(b'{"name":"a"}'))),
    ("a version with a v", "manifest.version", tgz(manifest(b'{"name":"a","version":"v1.0.0"}'))),
    ("a version of two numbers", "manifest.version", tgz(manifest(b'{"name":"a","version":"1.0"}'))),
    ("a version with a leading zero", "manifest.version", tgz(manifest(b'{"name":"a","version":"1.01.0"}'))),
    ("a version with a line feed", "manifest.version", tgz(manifest(b'{"name":"a","version":"1.0.0\\n"}'))),
    ("a range for a version", "manifest.version", tgz(manifest(b'{"name":"a","version":"^1.0.0"}'))),
    ("an archive with a link", "archive.link", tgz(manifest(), symlink("package/l", b"a"))),
    ("no archive at all", "archive.not-gzip", b"hello"),
    ("nothing", "archive.not-gzip", b""),
]


@pytest.mark.parametrize(("code", "data"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused(code: str, data: bytes) -> None:
    refused = read_artifact(data, filename="a.tgz")
    assert isinstance(refused, RefusedArtifact)
    assert refused.reasons[0].code == code
    assert {reason.severity for reason in refused.reasons} == {Severity.HIGH}
    assert refused.digests.sha512 == hashlib.sha512(data).hexdigest()
    assert refused.filename == "a.tgz"


def test_name_and_version_are_both_reported() -> None:
    refused = read_artifact(tgz(manifest(b"{}")), filename="a.tgz")
    assert isinstance(refused, RefusedArtifact)
    assert [reason.code for reason in refused.reasons] == ["manifest.name", "manifest.version"]
    assert refused.reasons[0].message == "expected an npm package name, found none"


def test_a_manifest_over_the_limit_is_refused_unread() -> None:
    refused = read_artifact(tgz(manifest()), filename="a.tgz", limits=replace(DEFAULT_LIMITS, manifest_bytes=10))
    assert isinstance(refused, RefusedArtifact)
    assert [reason.code for reason in refused.reasons] == ["manifest.malformed"]


ACCEPTED = [
    ("as npm writes it", manifest()),
    ("with a byte order mark", manifest(b'\xef\xbb\xbf{"name":"@vextrus/kernel","version":"1.0.0"}')),
    ("with Windows line ends", manifest(b'{\r\n"name": "@vextrus/kernel",\r\n"version": "1.0.0"\r\n}\r\n')),
    ("below another top directory", file("kernel/package.json", b'{"version":"1.0.0","name":"@vextrus/kernel"}')),
]


@pytest.mark.parametrize("piece", [row[1] for row in ACCEPTED], ids=[row[0] for row in ACCEPTED])
def test_accepted(piece: bytes) -> None:
    data = tgz(piece, file("package/index.js", b"1") if b"kernel/package" not in piece else b"")
    artifact = read_artifact(data, filename="kernel.tgz")
    assert isinstance(artifact, Artifact)
    assert str(artifact.package) == "@vextrus/kernel@1.0.0"
    assert artifact.data is data
    assert artifact.digests.sha1 == hashlib.sha1(data, usedforsecurity=False).hexdigest()
    assert artifact.manifest.document["version"] == "1.0.0"


def test_an_artifact_lists_its_files() -> None:
    artifact = read_artifact(tgz(manifest(), file("package/index.js", b"1", mode=0o755)), filename="kernel.tgz")
    assert isinstance(artifact, Artifact)
    assert [(entry.path, entry.mode, entry.size) for entry in artifact.files] == [
        ("package.json", 0o644, 44),
        ("index.js", 0o755, 1),
    ]
    assert (artifact.root, artifact.unpacked_size, artifact.findings) == ("package", 45, ())

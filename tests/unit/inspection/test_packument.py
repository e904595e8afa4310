"""A tarball against its packument: honest registries give no finding, and each lie gives its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.packument_kit import NAME, ORIGIN, VERSION, abbreviated, npm_shaped, packed, read, verdaccio_shaped
from vxsec.inspection.packument import inspect_packument
from vxsec.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from vxsec.model.artifact import Artifact

    Change = Callable[[dict[str, Any], dict[str, Any], dict[str, Any]], object]

RICH: dict[str, Any] = {
    "main": "./lib/index.js",
    "type": "module",
    "exports": {".": {"import": "./lib/index.js", "types": "./lib/index.d.ts"}},
    "imports": {"#own": "./lib/own.js"},
    "browser": {"./lib/index.js": "./lib/browser.js"},
    "scripts": {"postinstall": "node lib/setup.js", "test": "node --test"},
    "bin": {"kernel": "./bin/kernel.js"},
    "dependencies": {"x": "^1.0.0", "y": "vextrus/y"},
    "devDependencies": {"typescript": "^7.0.0", "z": "github:vextrus/z"},
    "optionalDependencies": {"fsevents": "2.3.3"},
    "peerDependencies": {"react": ">=19"},
    "peerDependenciesMeta": {"react": {"optional": True}},
    "bundledDependencies": ["x"],
    "engines": {"node": ">=22"},
    "os": ["linux"],
    "cpu": "x64",
    "overrides": {"x": "1.0.1"},
    "repository": "vextrus/kernel",
    "license": "MIT",
}
FILES = {
    "lib/index.js": b"export {}",
    "lib/index.d.ts": b"",
    "lib/own.js": b"",
    "lib/browser.js": b"",
    "lib/setup.js": b"",
    "bin/kernel.js": b"#!/usr/bin/env node\n",
}
MANIFESTS: dict[str, tuple[dict[str, Any], dict[str, bytes]]] = {
    "nothing but a name": ({}, {}),
    "everything npm reads": (RICH, FILES),
    "a command as text": ({"bin": "cli.js"}, {"cli.js": b""}),
    "a folder of commands": ({"directories": {"bin": "./bin"}}, {"bin/a.js": b"", "bin/b.js": b""}),
    "native code": ({}, {"binding.gyp": b"{}"}),
    "native code that npm is told not to build": ({"gypfile": False}, {"binding.gyp": b"{}"}),
    "a shrinkwrap": ({}, {"npm-shrinkwrap.json": b"{}"}),
    "types that npm finds itself": ({"main": "index.js"}, {"index.js": b"", "index.d.ts": b""}),
}


def codes(artifact: Artifact, document: dict[str, Any], *, registry: str | None = ORIGIN) -> set[tuple[str, str]]:
    findings, _ = inspect_packument(artifact, read(document), registry=registry)
    return {(finding.code, finding.severity.value) for finding in findings}


@pytest.mark.parametrize(("manifest", "files"), MANIFESTS.values(), ids=MANIFESTS.keys())
def test_an_honest_registry_gives_no_finding(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
    artifact = packed(manifest, files)
    assert codes(artifact, npm_shaped(artifact)) == set()
    assert codes(artifact, npm_shaped(artifact), registry=None) == set()
    assert codes(artifact, verdaccio_shaped(artifact), registry="http://localhost:4873/") == set()
    assert codes(artifact, verdaccio_shaped(artifact), registry=None) == set()
    short = abbreviated(artifact)
    assert codes(artifact, short) == {("packument.abbreviated", "low")}
    assert codes(artifact, short | {"time": {VERSION: short["modified"]}}) == {("packument.abbreviated", "low")}


def _set(**members: Any) -> Change:
    return lambda _document, listed, _dist: listed.update(members)


def _dist(**members: Any) -> Change:
    return lambda _document, _listed, dist: dist.update(members)


def _root(**members: Any) -> Change:
    return lambda document, _listed, _dist: document.update(members)


def _in(field: str, **members: Any) -> Change:
    return lambda _document, listed, _dist: listed[field].update(members)


def _without(*fields: str) -> Change:
    return lambda _document, listed, _dist: [listed.pop(field) for field in fields]


def _moved(url: str) -> Change:
    return _dist(tarball=url)


HIGH_MANIFEST = {("manifest.mismatch", "high")}
HIDDEN = {("manifest.hidden-script", "high")}
FILE = f"{NAME}/-/kernel-{VERSION}.tgz"
LIES: dict[str, tuple[Change, set[tuple[str, str]]]] = {
    # what installers resolve
    "a dependency is hidden": (
        _set(dependencies={"y": "github:vextrus/y"}),
        HIGH_MANIFEST,
    ),
    "a dependency is added": (_in("dependencies", evil="*"), HIGH_MANIFEST),
    "a dependency's range is another": (_in("dependencies", x="^2.0.0"), HIGH_MANIFEST),
    "an optional dependency is added": (_in("optionalDependencies", evil="*"), HIGH_MANIFEST),
    "a peer is no longer optional": (_without("peerDependenciesMeta"), HIGH_MANIFEST),
    "a peer is added": (_in("peerDependencies", evil="*"), HIGH_MANIFEST),
    "a development dependency is added": (_in("devDependencies", evil="*"), {("manifest.mismatch", "medium")}),
    "something else is bundled": (_set(bundleDependencies=["x", "y"]), HIGH_MANIFEST),
    "another engine": (_set(engines={"node": ">=1"}), HIGH_MANIFEST),
    "another system": (_set(os=["darwin"]), HIGH_MANIFEST),
    "another processor": (_without("cpu"), HIGH_MANIFEST),
    # what runs
    "the install script is hidden": (_set(scripts={"test": "node --test"}), HIDDEN),
    "the install script is another": (_in("scripts", postinstall="node other.js"), HIDDEN),
    "an install script is invented": (_in("scripts", preinstall="node other.js"), HIDDEN),
    "it says that there is no install script": (_set(hasInstallScript=False), HIDDEN),
    "it says so in a word that is no truth value": (_set(hasInstallScript="false"), HIDDEN),
    "another script is changed": (_in("scripts", test="rm -rf /"), HIGH_MANIFEST),
    "another command": (_set(bin={"kernel": "lib/index.js"}), HIGH_MANIFEST),
    "a command out of the package that npm would clean": (
        _set(bin={"kernel": "../../bin/kernel.js"}),
        {("bin.outside", "high")},
    ),
    "a command named out of its folder": (_set(bin={"../kernel": "bin/kernel.js"}), {("bin.outside", "high")}),
    "another entry point": (_set(main="lib/own.js"), HIGH_MANIFEST),
    "other exports": (_set(exports="./lib/own.js"), HIGH_MANIFEST),
    "another module system": (_set(type="commonjs"), HIGH_MANIFEST),
    "another own import": (_set(imports={"#own": "evil"}), HIGH_MANIFEST),
    "another file for browsers": (_without("browser"), HIGH_MANIFEST),
    "a shrinkwrap that is not there": (_set(_hasShrinkwrap=True), {("packument.shrinkwrap", "high")}),
    # dist
    "no integrity": (_dist(integrity=None), {("packument.integrity-missing", "high")}),
    "an integrity that is none": (_dist(integrity="sha512-zzz"), {("packument.integrity-malformed", "high")}),
    "SHA-1 as integrity": (_dist(integrity="sha1-" + "A" * 27 + "="), {("packument.integrity-weak", "high")}),
    "another integrity": (_dist(integrity="sha512-" + "A" * 86 + "=="), {("packument.integrity-mismatch", "high")}),
    "two integrities": (
        lambda _document, _listed, dist: dist.update(integrity=f"{dist['integrity']} sha512-{'A' * 86}=="),
        {("packument.integrity-mismatch", "high")},
    ),
    "another SHA-1": (_dist(shasum="0" * 40), {("packument.shasum-mismatch", "high")}),
    "a SHA-1 that is none": (_dist(shasum="x" * 1000), {("packument.shasum-mismatch", "high")}),
    "another number of files": (_dist(fileCount=1), {("packument.file-count", "medium")}),
    "another size": (_dist(unpackedSize=1), {("packument.unpacked-size", "medium")}),
    "a count that is text": (_dist(fileCount="7"), {("packument.dist-malformed", "high")}),
    "signatures that are none": (_dist(signatures="MEUC"), {("packument.dist-malformed", "high")}),
    # where it comes from
    "another host": (_moved(f"https://evil.example.test/npm/{FILE}"), {("packument.tarball-foreign", "high")}),
    "a host that only begins alike": (
        _moved(f"https://registry.example.test.evil.test/npm/{FILE}"),
        {("packument.tarball-foreign", "high")},
    ),
    "another port": (
        _moved(f"https://registry.example.test:8443/npm/{FILE}"),
        {("packument.tarball-foreign", "high")},
    ),
    "another path on the host": (
        _moved(f"https://registry.example.test/other/{FILE}"),
        {("packument.tarball-path", "medium")},
    ),
    "a path that climbs out": (
        _moved(f"{ORIGIN}../other/{FILE}"),
        {("packument.tarball-path", "medium"), ("packument.tarball-name", "high")},
    ),
    "plain http": (
        _moved(f"http://registry.example.test/npm/{FILE}"),
        {("packument.tarball-insecure", "high"), ("packument.tarball-foreign", "high")},
    ),
    "a bare address": (
        _moved(f"https://198.51.100.7/npm/{FILE}"),
        {("packument.tarball-insecure", "high"), ("packument.tarball-foreign", "high")},
    ),
    "a user and a password": (
        _moved(f"https://ci:geheim@registry.example.test/npm/{FILE}"),
        {("packument.tarball-credentials", "high")},
    ),
    "another host behind an at sign": (
        _moved(f"https://registry.example.test@evil.example.test/npm/{FILE}"),
        {("packument.tarball-credentials", "high"), ("packument.tarball-foreign", "high")},
    ),
    "another package's file": (
        _moved(f"{ORIGIN}@vextrus/other/-/other-{VERSION}.tgz"),
        {("packument.tarball-name", "high")},
    ),
    "another version's file": (
        _moved(f"{ORIGIN}{NAME}/-/kernel-1.2.2.tgz"),
        {("packument.tarball-name", "high")},
    ),
    "an address that is none": (_moved("kernel-1.2.3.tgz"), {("packument.tarball-foreign", "high")}),
    "a file": (_moved("file:///etc/passwd"), {("packument.tarball-foreign", "high")}),
    "a backslash for a slash": (
        _moved(f"https:\\\\registry.example.test/npm/{FILE}"),
        {("packument.tarball-foreign", "high")},
    ),
    "a port that is none": (_moved(f"https://registry.example.test:x/{FILE}"), {("packument.tarball-foreign", "high")}),
    # the package
    "another package's ids": (_root(_id="@vextrus/other"), {("packument.id", "medium")}),
    "another version's id": (_set(_id=f"{NAME}@1.2.2"), {("packument.id", "medium")}),
    "a tag that points nowhere": (
        lambda document, _listed, _dist: document["dist-tags"].update(next="2.0.0"),
        {("packument.tag-dangling", "medium")},
    ),
    "deprecated": (_set(deprecated="use another"), {("packument.deprecated", "low")}),
    "deprecated without a word": (_set(deprecated=True), {("packument.deprecated", "low")}),
    "the version is not listed": (
        lambda document, _listed, _dist: (document["versions"].clear(), document["time"].pop(VERSION)),
        {("packument.version", "high"), ("packument.tag-dangling", "medium")},
    ),
    "the version was unpublished": (
        lambda document, _listed, _dist: (document["versions"].clear(), document["dist-tags"].clear()),
        {("packument.unpublished", "high")},
    ),
    "the package was unpublished": (
        lambda document, _listed, _dist: (
            document["versions"].clear(),
            document["dist-tags"].clear(),
            document.update(time={"unpublished": {"time": "2026-11-02T12:00:00.000Z"}}),
        ),
        {("packument.unpublished", "high")},
    ),
}


@pytest.mark.parametrize(("change", "expected"), LIES.values(), ids=LIES.keys())
def test_a_lie_is_found(change: Change, expected: set[tuple[str, str]]) -> None:
    artifact = packed(RICH, FILES)
    document = npm_shaped(artifact)
    listed = document["versions"][VERSION]
    change(document, listed, listed["dist"])
    assert codes(artifact, document) == expected


def test_another_package_altogether() -> None:
    other = packed({"name": "@vextrus/other"})
    document = npm_shaped(other)
    assert ("packument.name", "high") in codes(packed(), document)


@pytest.mark.parametrize(
    ("files", "stated"), [({"binding.gyp": b"{}"}, False), ({}, True)], ids=["told not to build", "told to build"]
)
def test_a_gypfile_flag_that_hides_what_is_built_is_found(files: dict[str, bytes], stated: bool) -> None:
    artifact = packed({}, files)
    document = npm_shaped(artifact)
    listed = document["versions"][VERSION]
    listed.pop("scripts", None)
    listed["gypfile"] = stated
    expected = HIDDEN if files else set()  # without a binding.gyp there is nothing to build, whatever it says
    assert codes(artifact, document) == expected


def test_the_short_form_still_tells_dependencies_and_that_there_is_an_install_script() -> None:
    artifact = packed(RICH, FILES)
    document = abbreviated(artifact)
    listed = document["versions"][VERSION]
    listed["dependencies"]["evil"] = "*"
    del listed["hasInstallScript"]
    assert codes(artifact, document) == {
        ("packument.abbreviated", "low"),
        ("manifest.mismatch", "high"),
        ("manifest.hidden-script", "high"),
    }


def test_an_address_is_never_shown_with_its_password() -> None:
    artifact = packed()
    document = npm_shaped(artifact)
    document["versions"][VERSION]["dist"]["tarball"] = (
        f"https://ci:geheim@registry.example.test/npm/{FILE}?token=geheim"
    )
    findings, _ = inspect_packument(artifact, read(document), registry=ORIGIN)
    assert findings
    assert "geheim" not in str(findings)


def test_credentials_are_found_without_knowing_the_registry() -> None:
    artifact = packed()
    document = npm_shaped(artifact)
    document["versions"][VERSION]["dist"]["tarball"] = f"http://ci:geheim@registry.example.test/npm/{FILE}"
    assert codes(artifact, document, registry=None) == {("packument.tarball-credentials", "high")}


def test_a_registry_on_plain_http_serves_its_own_tarballs_on_plain_http() -> None:
    artifact = packed()
    document = npm_shaped(artifact, origin="http://registry.example.test/npm/")
    assert codes(artifact, document, registry="http://registry.example.test/npm/") == set()
    assert codes(artifact, document, registry=None) == {("packument.tarball-insecure", "high")}


def test_no_address_leads_nowhere() -> None:
    artifact = packed()
    document = npm_shaped(artifact)
    del document["versions"][VERSION]["dist"]["tarball"]
    assert codes(artifact, document) == set()


def test_many_tags_that_point_nowhere_are_one_short_finding() -> None:
    artifact = packed()
    document = npm_shaped(artifact)
    document["dist-tags"] |= {f"tag-{number}" * 50: "9.9.9" for number in range(1000)}
    (finding,) = inspect_packument(artifact, read(document), registry=ORIGIN)[0]
    assert finding.code == "packument.tag-dangling"
    assert len(finding.message) < 1000
    assert "995 more" in finding.message


SIGNED = [{"keyid": "SHA256:a", "sig": "MEUC"}]
ORDER: dict[str, tuple[list[tuple[str, bool, str | None]], bool]] = {
    "nobody signs": ([("1.0.0", False, "2026-01-01")], False),
    "an earlier version is signed": ([("1.0.0", True, "2026-01-01")], True),
    "an earlier version is signed, and listed later": ([("9.0.0", True, "2026-01-01")], True),
    "a later version is signed: the registry began to": ([("2.0.0", True, "2026-12-01")], False),
    "without times the order decides, and it was before": ([("1.0.0", True, None)], True),
    "without times the order decides, and it was after": ([("9.0.0", True, None)], False),
}


@pytest.mark.parametrize(("others", "found"), ORDER.values(), ids=ORDER.keys())
def test_a_version_without_signatures_after_one_that_has_some(
    others: list[tuple[str, bool, str | None]],
    found: bool,
) -> None:
    artifact = packed()
    document = npm_shaped(artifact)
    versions = dict(document["versions"])
    for version, signed, when in others:
        versions[version] = {"name": NAME, "version": version, "dist": {"signatures": SIGNED if signed else []}}
        document["time"].pop(version, None)
        if when is not None:
            document["time"][version] = f"{when}T00:00:00Z"
        else:
            del document["time"][VERSION]
    document["versions"] = dict(sorted(versions.items()))
    expected = {("packument.unsigned", "medium")} if found else set()
    assert codes(artifact, document) == expected
    document["versions"][VERSION]["dist"]["signatures"] = SIGNED
    assert codes(artifact, document) == set()


def test_more_signatures_than_can_be_are_said() -> None:
    artifact = packed()
    document = npm_shaped(artifact)
    document["versions"][VERSION]["dist"]["signatures"] = SIGNED * 3
    findings, _ = inspect_packument(artifact, read(document), limits=Limits(npm_signatures=2))
    assert [finding.code for finding in findings] == ["packument.dist-malformed"]

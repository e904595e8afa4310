from __future__ import annotations

import pytest

from vxsec.formats.lockfiles.source import SourceKind, is_pinned_commit, is_registry_tarball, source_kind


@pytest.mark.parametrize(
    ("resolved", "kind"),
    [
        (None, SourceKind.REGISTRY),
        ("https://registry.example.test/a/-/a-1.0.0.tgz", SourceKind.HTTP),
        ("HTTP://127.0.0.1:4873/a.tgz", SourceKind.HTTP),
        ("git+ssh://git@git.example.test/a.git", SourceKind.GIT),
        ("GIT://git.example.test/a.git", SourceKind.GIT),
        ("git@git.example.test:a/b.git", SourceKind.GIT),
        ("github:a/b", SourceKind.GIT),
        ("a/b#main", SourceKind.GIT),
        ("https://github.com/a/b.git", SourceKind.GIT),
        ("https://www.GitHub.com./a/b", SourceKind.GIT),
        ("https://user@gitlab.com:443/a/b", SourceKind.GIT),
        ("https://gitlab.com/api/v4/projects/1/packages/npm/@a/b/-/@a/b-1.0.0.tgz", SourceKind.HTTP),
        ("https://gitlab.com/a/b/../-/c.tgz", SourceKind.GIT),
        ("https://gitlab.com/a/b#/-/c.tgz", SourceKind.GIT),
        ("https://gitlab.com/a/b?/-/c.tgz", SourceKind.GIT),
        ("https://github.com/a/b/-/c.tgz", SourceKind.GIT),
        ("file:../a.tgz", SourceKind.FILE),
        ("../a", SourceKind.FILE),
        ("/srv/a.tgz", SourceKind.FILE),
        ("https:/registry.example.test/a.tgz", SourceKind.UNKNOWN),
        ("https:\\\\registry.example.test\\a.tgz", SourceKind.UNKNOWN),
        ("https://registry.example.test/a\n.tgz", SourceKind.UNKNOWN),
        ("https://[::1/a.tgz", SourceKind.UNKNOWN),
        ("https://:443/a.tgz", SourceKind.UNKNOWN),
        (" https://registry.example.test/a.tgz", SourceKind.UNKNOWN),
        ("ftp://registry.example.test/a.tgz", SourceKind.UNKNOWN),
        ("data:,x", SourceKind.UNKNOWN),
        ("", SourceKind.UNKNOWN),
        ("packages", SourceKind.UNKNOWN),
    ],
)
def test_an_address_is_classified_as_npm_would_fetch_it(resolved: str | None, kind: SourceKind) -> None:
    assert source_kind(resolved) is kind


def test_only_a_whole_hash_pins_a_commit() -> None:
    assert is_pinned_commit("git+https://h.example.test/a.git#" + "0a" * 20)
    assert not is_pinned_commit("git+https://h.example.test/a.git#0a0a0a0")
    assert not is_pinned_commit("git+https://h.example.test/a.git#semver:^1")


R = "https://registry.example.test"
OURS = {
    "npm and Verdaccio": ("lodash", "4.17.21", f"{R}/lodash/-/lodash-4.17.21.tgz"),
    "a scope": ("@a/b", "1.0.0", f"{R}/@a/b/-/b-1.0.0.tgz"),
    "an escaped scope": ("@a/b", "1.0.0", f"{R}/%40a%2Fb/-/b-1.0.0.tgz"),
    "below folders": ("lodash", "1.0.0", f"{R}/artifactory/api/npm/all/lodash/-/lodash-1.0.0.tgz"),
    "Artifactory and GitLab, with the scope in the file": ("@a/b", "1.0.0", f"{R}/api/npm/all/@a/b/-/@a/b-1.0.0.tgz"),
    "Gitea, with the version as a folder": ("@a/b", "1.0.0", f"{R}/api/packages/x/npm/%40a%2Fb/-/1.0.0/b-1.0.0.tgz"),
    "GitHub": ("@a/b", "1.0.0", f"{R}/download/@a/b/1.0.0/0123abcdef"),
    "cnpm": ("@a/b", "1.0.0", f"{R}/@a/b/download/@a/b-1.0.0.tgz?cache=0"),
    "cnpm's files": ("b", "1.0.0", f"{R}/packages/b/1.0.0/b-1.0.0.tgz"),
    "a version with build metadata": ("b", "1.0.0+7", f"{R}/b/-/b-1.0.0.tgz"),
    "build metadata in the file": ("b", "1.0.0+7", f"{R}/b/-/b-1.0.0%2B7.tgz"),
    "a pre-release": ("b", "1.0.0-rc.1", f"{R}/b/-/b-1.0.0-rc.1.tgz"),
}
THEIRS = {
    "another package": f"{R}/evil/-/evil-1.0.0.tgz",
    "another package's file of this name": f"{R}/evil/-/lodash-4.17.21.tgz",
    "this package's folder, another file": f"{R}/lodash/-/evil-4.17.21.tgz",
    "another version": f"{R}/lodash/-/lodash-4.17.2.tgz",
    "a longer version": f"{R}/lodash/-/lodash-4.17.21-evil.tgz",
    "a package of a scope": f"{R}/@evil/lodash/-/lodash-4.17.21.tgz",
    "a package of an escaped scope": f"{R}/%40evil%2flodash/-/lodash-4.17.21.tgz",
    "a name that ends with it": f"{R}/evil-lodash/-/lodash-4.17.21.tgz",
    "the name in the query": f"{R}/evil/-/evil-1.0.0.tgz?/lodash/-/lodash-4.17.21.tgz",
    "the name in the fragment": f"{R}/evil/-/evil-1.0.0.tgz#/lodash/-/lodash-4.17.21.tgz",
    "behind another package": f"{R}/evil/-/evil-1.0.0.tgz/lodash/-/lodash-4.17.21.tgz",
    "behind another package, as a download": f"{R}/evil/-/download/lodash/4.17.21/abc",
    "dots that lead away": f"{R}/lodash/-/lodash-4.17.21.tgz/../../../evil/-/evil-1.0.0.tgz",
    "dots that lead to it": f"{R}/evil/../lodash/-/lodash-4.17.21.tgz",
    "escaped dots": f"{R}/evil/%2e%2e/lodash/-/lodash-4.17.21.tgz",
    "an empty folder": f"{R}//lodash/-/lodash-4.17.21.tgz",
    "an escape in an escape": f"{R}/%2540evil/lodash/-/lodash-4.17.21.tgz",
    "a zero byte": f"{R}/evil%00/lodash/-/lodash-4.17.21.tgz",
    "an escaped backslash": f"{R}/evil%5C/lodash/-/lodash-4.17.21.tgz",
    "bytes that are no text": f"{R}/%ff/lodash/-/lodash-4.17.21.tgz",
    "a host that cannot be read": "https://[/lodash/-/lodash-4.17.21.tgz",
    "GitHub, another package": f"{R}/download/@evil/lodash/4.17.21/abc",
    "GitHub, another version": f"{R}/download/lodash/4.17.20/abc",
    "a download that is no hash": f"{R}/download/lodash/4.17.21/evil.tgz",
    "any file": "https://evil.example.test/x.tgz",
    "only a file of this name": "https://evil.example.test/lodash-4.17.21.tgz",
    "upper case": f"{R}/Lodash/-/Lodash-4.17.21.tgz",
    "no path": R,
    "the top": f"{R}/",
}


@pytest.mark.parametrize(("name", "version", "resolved"), OURS.values(), ids=OURS)
def test_addresses_by_which_registries_serve_a_package(name: str, version: str, resolved: str) -> None:
    assert is_registry_tarball(resolved, name, version)
    assert not is_registry_tarball(resolved, "evil", version)
    assert not is_registry_tarball(resolved, name, "9.9.9")


@pytest.mark.parametrize("resolved", THEIRS.values(), ids=THEIRS)
def test_addresses_of_something_else(resolved: str) -> None:
    assert not is_registry_tarball(resolved, "lodash", "4.17.21")

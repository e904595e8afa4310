from __future__ import annotations

import pytest

from vxsec.formats.lockfiles.source import SourceKind, is_pinned_commit, source_kind


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

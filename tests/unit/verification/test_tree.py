from __future__ import annotations

import json
from typing import Any

import pytest

from support.lockfile_kit import OWN_URL, locked, package, registry, sri, trust_root
from vxsec.errors import UsageError, VerificationError
from vxsec.model.digest import digest_bytes
from vxsec.model.report.installation import TreeAccount
from vxsec.verification.tree import (
    Placed,
    PlacedKind,
    check_bytes,
    classify,
    confirm_bundled,
    unlisted_bundles,
)

KERNEL = "node_modules/@vextrus/kernel"
LINK = {"link": True, "resolved": "packages/kernel"}
FOLDER = {"name": "@vextrus/kernel", "version": "0.1.0"}


def place(packages: dict[str, Any], **root: Any) -> dict[str, tuple[str, str | None]]:
    """Path to kind and registry label, or reason."""
    placed = classify(locked(packages, **root), trust_root(), own_registry=None)
    assert placed[0].kind is PlacedKind.LOCAL
    assert placed[0].entry.path == ""
    return {item.entry.path: (item.kind.value, item.code or item.registry) for item in placed[1:]}


@pytest.mark.parametrize(
    ("packages", "root", "expected"),
    [
        pytest.param({"node_modules/a": package()}, {}, [("other", "other")], id="a foreign package"),
        pytest.param({KERNEL: package()}, {}, [("own", "internal")], id="an own package by its scope"),
        pytest.param(
            {"node_modules/unscoped-own": package()}, {}, [("own", "internal")], id="an own package by its name"
        ),
        pytest.param(
            {"node_modules/a": package(resolved=f"{OWN_URL}a.tgz")},
            {},
            [("other", "other")],
            id="a foreign name stays foreign, whatever host serves it",
        ),
        pytest.param(
            {KERNEL: package(resolved="https://evil.test/kernel.tgz")},
            {},
            [("own", "internal")],
            id="an own name stays own, whatever host serves it",
        ),
        pytest.param(
            {"node_modules/k": package(name="@vextrus/kernel")},
            {"dependencies": {"k": "npm:@vextrus/kernel@1"}},
            [("own", "internal")],
            id="an alias counts as its target",
        ),
        pytest.param(
            {KERNEL: LINK, "packages/kernel": FOLDER},
            {"workspaces": ["packages/*"]},
            [("local", None), ("local", None)],
            id="a workspace and its link",
        ),
        pytest.param(
            {
                "node_modules/a": package(bundleDependencies=["b"]),
                "node_modules/a/node_modules/b": {"version": "1.0.0"},
            },
            {},
            [("other", "other"), ("bundled", None)],
            id="a bundled package",
        ),
        pytest.param(
            {"node_modules/a": package(resolved="git+https://h.example.test/a.git#main")},
            {},
            [("other", "other")],
            id="a foreign package from git is a rule's business",
        ),
    ],
)
def test_each_package_is_placed(
    packages: dict[str, Any], root: dict[str, Any], expected: list[tuple[str, str | None]]
) -> None:
    assert list(place(packages, **root).values()) == expected


@pytest.mark.parametrize(
    ("packages", "root", "path", "code"),
    [
        pytest.param(
            {KERNEL: LINK, "packages/kernel": FOLDER}, {}, KERNEL, "tree.link", id="a link, but no workspaces"
        ),
        pytest.param(
            {KERNEL: LINK, "packages/kernel": FOLDER},
            {},
            "packages/kernel",
            "tree.folder",
            id="a folder, no workspaces",
        ),
        pytest.param(
            {KERNEL: LINK, "packages/kernel": FOLDER},
            {"workspaces": ["apps/*"]},
            KERNEL,
            "tree.link",
            id="a link to a folder that is no workspace",
        ),
        pytest.param({KERNEL: LINK}, {"workspaces": ["packages/*"]}, KERNEL, "tree.link", id="a link to nothing"),
        pytest.param(
            {KERNEL: {"link": True, "resolved": ""}},
            {"workspaces": ["*"]},
            KERNEL,
            "tree.name-mismatch",
            id="a link to the root",
        ),
        pytest.param(
            {"node_modules/app": {"link": True, "resolved": ""}},
            {"workspaces": ["*"]},
            "node_modules/app",
            "tree.link",
            id="a link to the root, by the root's name",
        ),
        pytest.param(
            {KERNEL: {"link": True, "resolved": "packages/../packages/kernel"}, "packages/kernel": FOLDER},
            {"workspaces": ["packages/*"]},
            KERNEL,
            "tree.link",
            id="a link by a detour",
        ),
        pytest.param(
            {
                "node_modules/a": package(),
                "node_modules/a/node_modules/@vextrus/kernel": LINK,
                "packages/kernel": FOLDER,
            },
            {"workspaces": ["packages/*"]},
            "node_modules/a/node_modules/@vextrus/kernel",
            "tree.link",
            id="a link that npm never writes: inside a package",
        ),
        pytest.param(
            {KERNEL: {"link": True, "resolved": "node_modules/x"}, "node_modules/x": package(name="@vextrus/kernel")},
            {"workspaces": ["**"], "dependencies": {"x": "npm:@vextrus/kernel@1"}},
            KERNEL,
            "tree.link",
            id="a link to another installed package",
        ),
        pytest.param(
            {"packages/a": {"link": True, "resolved": "packages/b"}, "packages/b": {}},
            {"workspaces": ["packages/*"]},
            "packages/a",
            "tree.folder",
            id="a workspace folder that is a link itself",
        ),
        pytest.param(
            {KERNEL: LINK, "packages/kernel": {**FOLDER, "name": "other"}},
            {"workspaces": ["packages/*"]},
            KERNEL,
            "tree.name-mismatch",
            id="a link whose target has another name",
        ),
        pytest.param(
            {"node_modules/a": package(resolved="file:a.tgz")}, {}, "node_modules/a", "tree.source", id="a file"
        ),
        pytest.param(
            {KERNEL: package(resolved="file:k.tgz")}, {}, KERNEL, "tree.source", id="an own package from a file"
        ),
        pytest.param(
            {KERNEL: package(resolved="https://github.com/evil/kernel.git")},
            {},
            KERNEL,
            "tree.source",
            id="an own package that npm would clone, its integrity unchecked",
        ),
        pytest.param(
            {"node_modules/a": package(resolved="ftp://h.example.test/a.tgz")},
            {},
            "node_modules/a",
            "tree.source",
            id="an address npm does not know",
        ),
        pytest.param(
            {KERNEL: package(inBundle=True)},
            {},
            KERNEL,
            "tree.own-name-bundled",
            id="an own name that says it is bundled",
        ),
        pytest.param(
            {
                "node_modules/a": package(bundleDependencies=["@vextrus/kernel"]),
                "node_modules/a/node_modules/@vextrus/kernel": package(),
            },
            {},
            "node_modules/a/node_modules/@vextrus/kernel",
            "tree.own-name-bundled",
            id="an own name that npm takes from a bundle without the entry saying so",
        ),
        pytest.param(
            {
                "node_modules/a": package(bundleDependencies=["k"], dependencies={"k": "npm:@vextrus/kernel@1"}),
                "node_modules/a/node_modules/k": package(name="@vextrus/kernel"),
            },
            {},
            "node_modules/a/node_modules/k",
            "tree.own-name-bundled",
            id="an own name bundled under an alias",
        ),
        pytest.param(
            {
                "node_modules/a": package(bundleDependencies=["@vextrus/k"], dependencies={"@vextrus/k": "npm:x@1"}),
                "node_modules/a/node_modules/@vextrus/k": package(name="x"),
            },
            {},
            "node_modules/a/node_modules/@vextrus/k",
            "tree.own-name-bundled",
            id="a foreign package bundled under an own name",
        ),
        pytest.param(
            {
                "node_modules/a": package(bundleDependencies=["b"]),
                "node_modules/a/node_modules/@vextrus/kernel": package(),
            },
            {},
            "node_modules/a/node_modules/@vextrus/kernel",
            "tree.own-name-bundled",
            id="an own name beside what a package bundles",
        ),
        pytest.param(
            {"node_modules/a": package(inBundle=True)},
            {},
            "node_modules/a",
            "tree.bundle-undeclared",
            id="bundled by nobody",
        ),
        pytest.param(
            {"node_modules/a": package(), "node_modules/a/node_modules/b": package(inBundle=True)},
            {},
            "node_modules/a/node_modules/b",
            "tree.bundle-undeclared",
            id="the enclosing package does not bundle it",
        ),
        pytest.param(
            {"packages/w": {"bundleDependencies": ["b"]}, "packages/w/node_modules/b": package()},
            {"workspaces": ["packages/*"]},
            "packages/w/node_modules/b",
            "tree.bundle-unfetched",
            id="bundled by a workspace, whose tarball nobody fetches",
        ),
        pytest.param(
            {
                "node_modules/gone/node_modules/a/node_modules/b": package(),
                "node_modules/gone/node_modules/a": package(inBundle=True, bundleDependencies=["b"]),
            },
            {},
            "node_modules/gone/node_modules/a/node_modules/b",
            "tree.bundle-unfetched",
            id="the enclosing package is not in the lockfile",
        ),
        pytest.param(
            {"node_modules/a": package(name="evil")},
            {},
            "node_modules/a",
            "tree.name-mismatch",
            id="another name than its path's",
        ),
        pytest.param(
            {KERNEL: package(name="lodash")},
            {"dependencies": {"@vextrus/kernel": "npm:lodash@4"}},
            KERNEL,
            "tree.own-name-aliased",
            id="a foreign package in the place of an own one, even where asked for",
        ),
        pytest.param(
            {"node_modules/a": {"integrity": sri(b"")}}, {}, "node_modules/a", "tree.version", id="no version"
        ),
        pytest.param({KERNEL: package("latest")}, {}, KERNEL, "tree.version", id="a tag as version"),
        pytest.param(
            {
                "node_modules/a": package(hasShrinkwrap=True),
                "node_modules/a/node_modules/b": package(),
                "node_modules/a/node_modules/b/node_modules/@vextrus/kernel": package(),
            },
            {},
            "node_modules/a/node_modules/b/node_modules/@vextrus/kernel",
            "tree.nested-shrinkwrap",
            id="an own name below a package that brings its own lockfile",
        ),
    ],
)
def test_what_need_not_be_checked_is_not_believed(
    packages: dict[str, Any], root: dict[str, Any], path: str, code: str
) -> None:
    assert place(packages, **root)[path] == ("failed", code)


def test_the_tarball_that_must_hold_a_bundled_package_is_the_nearest_fetched_one() -> None:
    lockfile = locked(
        {
            "node_modules/a": package(bundleDependencies=["b"]),
            "node_modules/a/node_modules/b": {"version": "1.0.0"},
            "node_modules/a/node_modules/b/node_modules/@s/c": {"version": "2.0.0"},
        }
    )
    deepest = classify(lockfile, trust_root(), own_registry=None)[-1]
    assert (deepest.kind, deepest.parent) == (PlacedKind.BUNDLED, "node_modules/a")


def test_a_name_of_two_registries_needs_a_label() -> None:
    trust = trust_root(
        registry("staging", "https://staging.example.test/"),
        registry("production"),
    )
    lockfile = locked({KERNEL: package(), "node_modules/a": package()})
    with pytest.raises(UsageError) as ambiguous:
        classify(lockfile, trust, own_registry=None)
    assert ambiguous.value.code == "registry.ambiguous"
    assert ambiguous.value.hint == "add --registry staging"
    placed = classify(lockfile, trust, own_registry="production")
    assert [item.registry for item in placed] == [None, "production", "other"]
    with pytest.raises(UsageError) as unknown:
        classify(lockfile, trust, own_registry="elsewhere")
    assert unknown.value.code == "registry.unknown"


def bundled(path: str = "node_modules/a/node_modules/@s/c") -> Placed:
    lockfile = locked({"node_modules/a": package(bundleDependencies=["@s/c"]), path: {"version": "2.0.0"}})
    return classify(lockfile, trust_root(), own_registry=None)[-1]


def test_a_bundled_package_is_confirmed_by_its_parent_s_bytes() -> None:
    data = b"\xef\xbb\xbf" + json.dumps({"name": "@s/c", "version": "2.0.0"}).encode()
    confirm_bundled(bundled(), {"package.json": b"{}", "node_modules/@s/c/package.json": data})


@pytest.mark.parametrize(
    ("files", "code"),
    [
        pytest.param({}, "tree.bundle-missing", id="not there"),
        pytest.param({"lib/node_modules/@s/c/package.json": b"{}"}, "tree.bundle-missing", id="somewhere else"),
        pytest.param(
            {"node_modules/@s/c/package.json": b'{"name": "@s/c", "version": "2.0.1"}'},
            "tree.bundle-differs",
            id="another version",
        ),
        pytest.param(
            {"node_modules/@s/c/package.json": b'{"name": "c", "version": "2.0.0"}'},
            "tree.bundle-differs",
            id="another name",
        ),
        pytest.param({"node_modules/@s/c/package.json": b"{}"}, "tree.bundle-differs", id="nothing stated"),
        pytest.param({"node_modules/@s/c/package.json": b"[]"}, "tree.bundle-differs", id="a list"),
        pytest.param({"node_modules/@s/c/package.json": b"{"}, "tree.bundle-malformed", id="broken"),
        pytest.param(
            {"node_modules/@s/c/package.json": b'{"name": "@s/c", "version": "1", "version": "2.0.0"}'},
            "tree.bundle-malformed",
            id="two versions",
        ),
    ],
)
def test_a_bundled_package_that_is_not_in_its_parent_is_refused(files: dict[str, bytes], code: str) -> None:
    with pytest.raises(VerificationError) as caught:
        confirm_bundled(bundled(), files)
    assert caught.value.code == code


def test_only_a_bundled_package_can_be_confirmed() -> None:
    other = classify(locked({"node_modules/a": package()}), trust_root(), own_registry=None)[-1]
    with pytest.raises(VerificationError) as caught:
        confirm_bundled(other, {"package.json": b"{}"})
    assert caught.value.code == "tree.bundle-missing"


def test_packages_hidden_in_a_tarball_are_named() -> None:
    lockfile = locked(
        {
            "node_modules/a": package(bundleDependencies=["b"]),
            "node_modules/a/node_modules/b": {"version": "1.0.0"},
        }
    )
    paths = [
        "package.json",
        "node_modules/b/package.json",
        "node_modules/b/node_modules/@vextrus/kernel/index.js",
        "node_modules/@vextrus/kernel/package.json",
        "node_modules/@vextrus/kernel/index.js",
        "Node_Modules/c/index.js",
        "node_modules/d.js",
        "node_modules/.bin/b",
        "node_modules",
        "test/node_modules/e/index.js",
    ]
    assert unlisted_bundles(lockfile, lockfile.packages[0], paths) == (
        "Node_Modules/c",
        "node_modules/@vextrus/kernel",
        "node_modules/b/node_modules/@vextrus/kernel",
        "node_modules/d.js",
    )


def entry_with(integrity: str | None) -> Any:
    fields = {"version": "1.0.0"} if integrity is None else {"version": "1.0.0", "integrity": integrity}
    return locked({"node_modules/a": fields}).packages[0]


@pytest.mark.parametrize(
    "integrity",
    [
        pytest.param(sri(b"bytes"), id="sha512"),
        pytest.param(sri(b"bytes", "sha256"), id="sha256"),
        pytest.param(f"{sri(b'x', 'sha1')} {sri(b'bytes')}", id="a weak one beside it does not matter"),
    ],
)
def test_bytes_that_are_the_locked_ones_pass(integrity: str) -> None:
    check_bytes(entry_with(integrity), digest_bytes(b"bytes"))


@pytest.mark.parametrize(
    ("integrity", "code"),
    [
        pytest.param(None, "tree.integrity-missing", id="none"),
        pytest.param(sri(b"other"), "tree.integrity-mismatch", id="other bytes"),
        pytest.param(sri(b"other", "sha256"), "tree.integrity-mismatch", id="other bytes by sha256"),
        pytest.param(sri(b"bytes", "sha1"), "tree.integrity-weak", id="sha1, though it matches"),
        pytest.param(sri(b"bytes", "md5"), "tree.integrity-weak", id="md5, though it matches"),
        pytest.param(f"{sri(b'bytes', 'sha256')} {sri(b'x')}", "tree.integrity-mismatch", id="a weaker one matches"),
        pytest.param(sri(b"bytes", "sha384"), "tree.integrity-mismatch", id="sha384, which vxsec does not compute"),
        pytest.param("sha512-", "tree.integrity-malformed", id="no digest"),
        pytest.param("", "tree.integrity-malformed", id="nothing"),
    ],
)
def test_bytes_that_are_not_the_locked_ones_are_refused(integrity: str | None, code: str) -> None:
    with pytest.raises(VerificationError) as caught:
        check_bytes(entry_with(integrity), digest_bytes(b"bytes"))
    assert caught.value.code == code
    assert caught.value.where == "a@1.0.0"


def test_an_account_adds_up() -> None:
    placed = classify(locked({KERNEL: package(), "node_modules/a": package()}), trust_root(), own_registry=None)
    account = TreeAccount(verified=1, allowed_unsigned=1, local=1, failed=0, not_evaluated=0)
    assert account.total == 3
    account.check(len(placed))


@pytest.mark.parametrize(
    ("verified", "failed"), [pytest.param(0, 0, id="one lost"), pytest.param(3, -1, id="one counted down")]
)
def test_an_account_that_does_not_add_up_is_refused(verified: int, failed: int) -> None:
    placed = classify(locked({KERNEL: package()}), trust_root(), own_registry=None)
    account = TreeAccount(verified=verified, allowed_unsigned=0, local=0, failed=failed, not_evaluated=0)
    with pytest.raises(VerificationError) as caught:
        account.check(len(placed))
    assert caught.value.code == "tree.account"

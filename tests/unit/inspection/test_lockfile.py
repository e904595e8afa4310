from __future__ import annotations

from typing import Any

import pytest

from support.lockfile_kit import OWN_URL, locked, package, sri
from vxsec.inspection.lockfile import check_lockfile_document, check_lockfile_entry, inspect_lockfile
from vxsec.model.finding import Finding, Severity

TARBALL = f"{OWN_URL}a/-/a-1.0.0.tgz"


def codes(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
    return [(finding.code, finding.severity.value) for finding in findings]


@pytest.mark.parametrize(
    ("resolved", "allowed", "expected"),
    [
        pytest.param(TARBALL, [OWN_URL], [], id="an allowed registry"),
        pytest.param(None, [OWN_URL], [], id="no URL is ordinary"),
        pytest.param(
            "https://other.test/a/-/a-1.0.0.tgz", [OWN_URL], [("lockfile.foreign-registry", "high")], id="another one"
        ),
        pytest.param(
            "http://other.test/a/-/a-1.0.0.tgz",
            [OWN_URL],
            [("lockfile.url-insecure", "high")],
            id="another one, by plain http",
        ),
        pytest.param(
            "https://u:p@registry.example.test/a/-/a-1.0.0.tgz",
            [OWN_URL],
            [("lockfile.url-insecure", "high")],
            id="an allowed one, with a password in it",
        ),
        pytest.param(
            "http://127.0.0.1:4873/a/-/a-1.0.0.tgz", ["http://127.0.0.1:4873/"], [], id="an allowed one on this machine"
        ),
        pytest.param(
            "http://192.0.2.7/a/-/a-1.0.0.tgz",
            ["http://192.0.2.7/"],
            [],
            id="an allowed one, however unusual: it was named",
        ),
        pytest.param(TARBALL, [], [("lockfile.registry-seen", "low")], id="nothing said yet: it is listed"),
        pytest.param(
            "http://registry.example.test/a/-/a-1.0.0.tgz",
            [],
            [("lockfile.url-insecure", "high"), ("lockfile.registry-seen", "low")],
            id="nothing said yet, plain http",
        ),
        pytest.param(
            "http://localhost:4873/a/-/a-1.0.0.tgz", [], [("lockfile.registry-seen", "low")], id="this machine, by name"
        ),
        pytest.param(
            "http://[::1]:4873/a/-/a-1.0.0.tgz", [], [("lockfile.registry-seen", "low")], id="this machine, by address"
        ),
        pytest.param(
            "https://192.0.2.7/a/-/a-1.0.0.tgz",
            [],
            [("lockfile.url-insecure", "high"), ("lockfile.registry-seen", "low")],
            id="a bare address",
        ),
        pytest.param(
            "https://2130706433/a/-/a-1.0.0.tgz",
            [],
            [("lockfile.url-insecure", "high"), ("lockfile.registry-seen", "low")],
            id="an address in disguise",
        ),
    ],
)
def test_where_a_package_comes_from(resolved: str | None, allowed: list[str], expected: list[tuple[str, str]]) -> None:
    lockfile = locked({"node_modules/a": package(**({"resolved": resolved} if resolved else {}))})
    findings = inspect_lockfile(lockfile, allowed_registries=allowed)
    assert codes(findings) == expected
    assert all("u:p" not in finding.message for finding in findings)


@pytest.mark.parametrize(
    "resolved",
    [
        pytest.param(f"{OWN_URL}evil/-/evil-1.0.0.tgz", id="another package of the same registry"),
        pytest.param(f"{OWN_URL}a/-/a-1.0.1.tgz", id="another version"),
        pytest.param(f"{OWN_URL}x.tgz?token=s3cret", id="any file"),
        pytest.param("https://u:s3cret@registry.example.test/evil/-/evil-1.0.0.tgz", id="with a password"),
    ],
)
@pytest.mark.parametrize("fields", [{}, {"inBundle": True}], ids=["plain", "said to be bundled"])
def test_an_address_that_is_not_the_package_s_own(resolved: str, fields: dict[str, Any]) -> None:
    entries = {"node_modules/a": package(resolved=resolved, **fields)}
    for root in ({}, {"dependencies": {"a": "^1.0.0"}}):
        findings = inspect_lockfile(locked(entries, **root), allowed_registries=[])
        assert ("lockfile.resolved-mismatch", "high") in codes(findings)
        assert all("s3cret" not in finding.message for finding in findings)


def test_an_address_that_was_asked_for_is_no_surprise() -> None:
    url = "https://files.example.test/a.tgz"
    lockfile = locked({"node_modules/a": package(resolved=url)}, dependencies={"a": url})
    assert inspect_lockfile(lockfile, allowed_registries=["https://files.example.test/"]) == ()


@pytest.mark.parametrize("field", ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"])
def test_an_alias_whose_entry_does_not_say_so_is_told(field: str) -> None:
    entries = {"node_modules/ok": package(), "node_modules/@s/ok": package()}
    root = {field: {"ok": "npm:evil@1.0.0", "@s/ok": "npm:@s/evil"}}
    findings = inspect_lockfile(locked(entries, **root), allowed_registries=[])
    assert codes(findings) == [("lockfile.name-mismatch", "high")] * 2
    assert "a dependent asks for npm:evil" in findings[0].message


def test_an_alias_to_its_own_name_is_none() -> None:
    lockfile = locked({"node_modules/ok": package()}, dependencies={"ok": "npm:ok@^1"})
    assert inspect_lockfile(lockfile, allowed_registries=[]) == ()


def test_sources_that_are_no_registry_are_the_reader_s_findings() -> None:
    lockfile = locked({"node_modules/a": package(resolved="git+ssh://git@h.example.test/a.git#main")})
    assert codes(inspect_lockfile(lockfile, allowed_registries=[OWN_URL])) == [("lockfile.source-git", "high")]


def test_install_scripts_are_shown() -> None:
    lockfile = locked({"node_modules/a": package(hasInstallScript=True)})
    assert codes(inspect_lockfile(lockfile, allowed_registries=[])) == [("lockfile.install-script", "low")]


def test_hosts_are_counted_once_each() -> None:
    lockfile = locked(
        {
            f"node_modules/a{n}": package(resolved=f"https://Registry.example.test/a{n}/-/a{n}-1.0.0.tgz")
            for n in range(3)
        }
        | {"node_modules/b": package(resolved="https://b.example.test/b/-/b-1.0.0.tgz")}
    )
    messages = [finding.message for finding in inspect_lockfile(lockfile, allowed_registries=[])]
    assert messages == ["1 package from https://b.example.test/", "3 packages from https://registry.example.test/"]


@pytest.mark.parametrize(
    ("first", "second", "conflict"),
    [
        pytest.param(sri(b"a"), sri(b"a"), False, id="the same"),
        pytest.param(sri(b"a"), sri(b"b"), True, id="two digests"),
        pytest.param(sri(b"a"), sri(b"b", "sha256"), False, id="two algorithms cannot be compared"),
        pytest.param(sri(b"a"), f"{sri(b'a', 'sha1')} {sri(b'b')}", True, id="the strongest decides"),
    ],
)
def test_one_version_has_one_content(first: str, second: str, *, conflict: bool) -> None:
    lockfile = locked(
        {
            "node_modules/a": package(integrity=first),
            "node_modules/b/node_modules/a": package(integrity=second),
            "node_modules/c/node_modules/a": package("2.0.0", integrity=sri(b"other version")),
        }
    )
    found = codes(check_lockfile_document(lockfile, None))
    assert (found == [("lockfile.integrity-conflict", "high")]) is conflict
    assert (found == []) is not conflict


def test_entries_without_a_usable_integrity_conflict_with_nothing() -> None:
    lockfile = locked(
        {
            "node_modules/a": package(integrity="sha512-?"),
            "node_modules/b/node_modules/a": {"version": "1.0.0"},
            "node_modules/c/node_modules/a": package(),
        }
    )
    assert [code for code, _ in codes(check_lockfile_document(lockfile, None))] == [
        "lockfile.integrity-malformed",
        "lockfile.integrity-missing",
    ]


def test_one_entry_has_its_own_findings_only() -> None:
    lockfile = locked(
        {
            "node_modules/a": package(name="evil", resolved="https://other.test/a.tgz", hasInstallScript=True),
            "node_modules/b": {"version": "1.0.0"},
            "node_modules/w": {"link": True, "resolved": "w"},
            "w": {"version": "1.0.0"},
        }
    )
    a, b, w, _ = lockfile.packages
    assert codes(check_lockfile_entry(a)) == [
        ("lockfile.name-mismatch", "high"),
        ("lockfile.resolved-mismatch", "high"),
        ("lockfile.install-script", "low"),
    ]
    assert ("lockfile.foreign-registry", "high") in codes(check_lockfile_entry(a, allowed_registries=[OWN_URL]))
    assert codes(check_lockfile_entry(b)) == [("lockfile.integrity-missing", "high")]
    assert check_lockfile_entry(w, allowed_registries=[OWN_URL]) == ()
    assert check_lockfile_entry(a)[0].where == "node_modules/a"


ROOT: dict[str, Any] = {
    "dependencies": {"a": "^1.0.0"},
    "devDependencies": {"b": "2"},
    "optionalDependencies": {"c": "3"},
    "peerDependencies": {"d": "4"},
    "workspaces": ["packages/*"],
}


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(ROOT, id="the same"),
        pytest.param({**ROOT, "scripts": {"test": "x"}, "version": "9.9.9"}, id="other fields do not matter"),
        pytest.param({**ROOT, "workspaces": {"packages": ["packages/*"]}}, id="yarn's form of workspaces"),
        pytest.param({**ROOT, "dependencies": {"a": "^1.0.0", "c": "3"}}, id="an optional one repeated"),
    ],
)
def test_a_lockfile_that_fits_its_manifest_has_not_drifted(manifest: dict[str, Any]) -> None:
    assert check_lockfile_document(locked({}, **ROOT), manifest) == ()


@pytest.mark.parametrize(
    ("manifest", "word"),
    [
        pytest.param({**ROOT, "dependencies": {"a": "^2.0.0"}}, "'^2.0.0'", id="another range"),
        pytest.param({**ROOT, "dependencies": {}}, "absent", id="a package only the lockfile has"),
        pytest.param({**ROOT, "dependencies": {"a": "^1.0.0", "e": "1"}}, "'e'", id="a package only the manifest has"),
        pytest.param({**ROOT, "devDependencies": {"b": "3"}}, "devDependencies", id="a development dependency"),
        pytest.param({**ROOT, "optionalDependencies": {"c": "4"}}, "optionalDependencies", id="an optional one"),
        pytest.param({**ROOT, "peerDependencies": None}, "peerDependencies", id="a peer that is gone"),
        pytest.param({**ROOT, "dependencies": ["a"]}, "not an object", id="a list of dependencies"),
        pytest.param({**ROOT, "dependencies": {"a": 1}}, "not an object", id="a number as range"),
        pytest.param({**ROOT, "workspaces": ["packages/*", "apps/*"]}, "workspaces", id="another workspace folder"),
        pytest.param({**ROOT, "workspaces": None}, "workspaces", id="no workspaces any more"),
        pytest.param({**ROOT, "workspaces": "packages/*"}, "workspaces", id="workspaces as text"),
    ],
)
def test_drift_is_found(manifest: dict[str, Any], word: str) -> None:
    findings = check_lockfile_document(locked({}, **ROOT), manifest)
    assert {(finding.code, finding.severity) for finding in findings} == {("lockfile.drift", Severity.HIGH)}
    assert word in findings[0].message

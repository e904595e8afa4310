"""deps.exotic beyond its cases: every way to write a source, and nothing ordinary among them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from support.policy_cases import evidence_from, make_evidence, pasted, run_rule
from vxsec.model.decision import Phase
from vxsec.model.evidence import ContentEvidence

RULE = "deps.exotic"


def _publish(range_: object, field: Any = "dependencies", **parameters: Any) -> Any:
    content = ContentEvidence(refused=(), manifest={field: {"b": range_}})
    return run_rule(RULE, make_evidence(content=content), parameters=parameters)


ORDINARY = [
    "^1.0.0",
    "*",
    "",
    "latest",
    "1.x || >=2.5.0 <3",
    "1.2.3 - 2.3.4",
    "~1",
    "=1.0.0",
    "next-1",
    "npm:c@1",
    "v1.0.0",
    " 1 ",
    ">=1.0.0beta || 2",
    "NPM:@a/c@~1",
]
EXOTIC = {
    "git": [
        "git+https://git.example.test/a/b.git", "git+ssh://git@git.example.test/a.git", "git://github.com/a/b.git",
        "git@github.com:a/b.git", "ssh://git@git.example.test/a", "github:a/b", "gitlab:a/b#main", "bitbucket:a/b", "gist:abc",
        "a/b", "dist/b.tar.gz", "npm:c@a/b", "a/b#semver:^1.0.0", "https://github.com/a/b", "https://github.com/a/b.git#main", "GIT+https://x.example.test/a",
        "sourcehut:~a/b", "git+file:///tmp/a",
    ],
    "url": [
        "https://files.example.test/a.tgz", "http://files.example.test/a", "HTTPS://files.example.test/a.tgz",
        "https://github.com.files.example.test/a/b.tgz", "ftp://files.example.test/a.tgz", "https://x\\y/a",
        "https:files.example.test", "HTTPS:files.example.test/a", "http:\\\\files.example.test\\a", "http:/127.0.0.1:1", "jsr:@a/b",
        "patch:b@1", "two words", "npm:c@npm:d", "npm:", "b@https:x", "\u2044",
    ],
    "file": [
        "file:../b", "FILE:../b", "./b", "../b", "/b", "~/b", "link:../b", "portal:../b", "workspace:*", "catalog:", "b.tgz",
        ".", "..", ".b", "..\\b", "C:\\b", "c:b", "a:b", "\\\\host\\b", "dist\\b", "a/b/c", "1.0.0-b.tgz", "npm:c@file:../b",
        "npm:c@../b",
    ],
}  # fmt: skip


@pytest.mark.parametrize("range_", ORDINARY)
def test_ordinary_ranges(range_: str) -> None:
    assert _publish(range_).code == "exotic.none"


@pytest.mark.parametrize(("kind", "range_"), [(kind, text) for kind, texts in EXOTIC.items() for text in texts])
def test_sources_that_are_none_of_a_registry(kind: str, range_: str) -> None:
    result = _publish(range_)
    assert (result.verdict, result.code) == ("fail", f"exotic.{kind}")
    parameters = pasted(result)
    assert parameters == {f"allow{kind.capitalize()}": ["b"]}
    assert _publish(range_, **parameters).code == "exotic.none"


@pytest.mark.parametrize("field", ["optionalDependencies", "peerDependencies"])
def test_every_field_that_is_installed_is_judged(field: str) -> None:
    assert _publish("a/b", field).code == "exotic.git"


def test_tools_of_development_are_not_installed() -> None:
    assert _publish("a/b", "devDependencies").code == "exotic.none"


@pytest.mark.parametrize("range_", [7, None, {}, ["a/b"]])
def test_what_is_no_text_is_another_rule_s_business(range_: object) -> None:
    assert _publish(range_).code == "exotic.none"


def test_fields_that_are_no_mapping_say_nothing() -> None:
    content = ContentEvidence(refused=(), manifest={"dependencies": ["a/b"]})
    assert run_rule(RULE, make_evidence(content=content)).code == "exotic.none"


def _install(**entry: Any) -> Any:
    values = {"name": "left-pad", "version": "1.1.0", **entry}
    evidence = evidence_from({"subject": {"name": "left-pad", "registry": "other"}, "lockfile": {"entry": values}})
    return run_rule(RULE, evidence, phase=Phase.INSTALL)


@pytest.mark.parametrize(
    "resolved",
    [
        "https://registry.example.test/left-pad/-/left-pad-1.1.0.tgz",
        "https://artifacts.example.test/api/npm/npm/left-pad/-/left-pad-1.1.0.tgz",
        "http://localhost:4873/left-pad/-/left-pad-1.1.0.tgz?x=1",
        "https://packages.example.test/download/left-pad/1.1.0/0123456789abcdef",
    ],
)
def test_addresses_that_registries_make(resolved: str) -> None:
    assert _install(resolved=resolved).code == "exotic.none"


def test_the_scope_may_be_escaped() -> None:
    resolved = "https://registry.example.test/@a%2fleft-pad/-/left-pad-1.1.0.tgz"
    assert _install(name="@a/left-pad", resolved=resolved).code == "exotic.none"


@pytest.mark.parametrize(
    ("resolved", "code"),
    [
        ("https://files.example.test/left-pad-1.1.0.tgz", "exotic.url"),
        ("https://files.example.test/left-pad/-/left-pad-1.0.0.tgz", "exotic.url"),
        ("https://files.example.test/other/-/other-1.1.0.tgz", "exotic.url"),
        ("https://codeload.github.com/a/left-pad/tar.gz/main", "exotic.url"),
        ("https://github.com/a/left-pad/archive/v1.1.0.tar.gz", "exotic.git"),
        ("git+ssh://git@github.com/a/left-pad.git#abc", "exotic.git"),
        ("file:../left-pad-1.1.0.tgz", "exotic.file"),
        ("something", "exotic.url"),
    ],
)
def test_addresses_that_registries_do_not_make(resolved: str, code: str) -> None:
    assert _install(resolved=resolved).code == code


def test_an_address_without_a_version_is_not_a_registry_s() -> None:
    assert (
        _install(resolved="https://files.example.test/left-pad/-/left-pad-1.1.0.tgz", version=None).code == "exotic.url"
    )


def test_what_lies_in_another_tarball_has_no_address() -> None:
    assert _install(resolved=None, in_bundle=True).code == "exotic.none"


def test_an_alias_is_told_by_its_entry() -> None:
    evidence = evidence_from(
        {"subject": {"name": "left-pad"}, "lockfile": {"entry": {"name": "left-pad", "installed_as": "padding"}}}
    )
    result = run_rule(RULE, evidence, phase=Phase.INSTALL, parameters={"allowAlias": ["x*"]})
    assert (result.code, result.found) == ("exotic.alias", "padding from alias: 'npm:left-pad'")
    assert run_rule(RULE, evidence, phase=Phase.INSTALL).code == "exotic.none"


def test_a_name_of_the_policy_may_hold_a_star() -> None:
    assert _publish("a/b", allowGit=["?"]).code == "exotic.none"
    assert _publish("a/b", allowGit=["c*"]).code == "exotic.git"


def test_at_install_the_manifest_is_not_asked() -> None:
    evidence = replace(
        evidence_from({"content": {"manifest": {"dependencies": {"b": "1"}}}, "lockfile": {"unsupported": "not read"}}),
        routing=None,
    )
    result = run_rule(RULE, evidence, phase=Phase.INSTALL)
    assert (result.verdict, result.code) == ("unknown", "exotic.not-read")


def test_long_lists_end() -> None:
    content = ContentEvidence(refused=(), manifest={"dependencies": {f"d{number}": "a/b" for number in range(8)}})
    assert (run_rule(RULE, make_evidence(content=content)).found or "").endswith(" and 3 more")

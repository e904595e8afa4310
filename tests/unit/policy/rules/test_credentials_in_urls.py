"""Rules that show addresses show no credentials: what they print is stored in decision logs and seen in build logs."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pytest

from support.policy_cases import REGISTRY_URL, evidence_from, make_evidence, run_rule
from vxsec.formats.npm_manifest import compare_manifests
from vxsec.model.decision import Phase
from vxsec.model.dependency import LockedPackage
from vxsec.model.evidence import (
    ContentEvidence,
    InstallScript,
    LockfileEvidence,
    PackumentState,
    RegistryEvidence,
    Route,
    RoutingEvidence,
    UninstallableRange,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "TOPSECRET"
LONG = "x" * 140
URLS = {
    "a password": f"https://me:{SECRET}@h.example.test/a",
    "a long user": f"https://{LONG}:{SECRET}{LONG}@h.example.test/a",
    "a token": f"git+https://{SECRET}@h.example.test/a.git",
    "no slashes": f"https:me:{SECRET}@h.example.test",
    "a query": f"https://h.example.test/a?token={SECRET}",
}
WANTED = "https://git.example.test/team/mono"


def _content(**manifest: object) -> ContentEvidence:
    return ContentEvidence(refused=(), manifest=manifest)


def _expect(content: ContentEvidence, **parameters: Any) -> Any:
    return run_rule("manifest.expect", make_evidence(content=content), parameters=parameters)


def _uninstallable(url: str) -> ContentEvidence:
    range_ = UninstallableRange(field="dependencies", name="b", range=f"link:{url}")
    return ContentEvidence(refused=(), manifest={}, uninstallable=(range_,))


def _lockfile(url: str) -> LockfileEvidence:
    entry = LockedPackage(
        path="node_modules/@vextrus/kernel",
        name="@vextrus/kernel",
        installed_as="@vextrus/kernel",
        version="1.1.0",
        resolved=f"git+{url}",
        integrity=None,
    )
    return LockfileEvidence(format="npm", source="package-lock.json", sha512="0" * 128, entry=entry, findings=())


def _route(url: str) -> RoutingEvidence:
    route = Route(
        name="@vextrus/kernel", registry="internal", expected_url=REGISTRY_URL, npmrc_url=REGISTRY_URL, resolved=url
    )
    return RoutingEvidence(routes=(route,), source="x")


def _registry(url: str) -> RegistryEvidence:
    differences = compare_manifests({"dependencies": {"b": url}}, {"dependencies": {"b": f"{url}2"}}, files=())
    return RegistryEvidence(state=PackumentState.PRESENT, from_file=False, source=REGISTRY_URL, differences=differences)


def _scripts(url: str) -> ContentEvidence:
    script = InstallScript(event="postinstall", command=f"curl {url}", implicit=False)
    return replace(_content(), install_scripts=(script,), install_digest="0" * 64)


RULES: dict[str, Callable[[str], Any]] = {
    "exotic": lambda url: run_rule("deps.exotic", make_evidence(content=_content(dependencies={"b": url}))),
    "repository": lambda url: _expect(_content(repository=url), repository=WANTED),
    "publishConfig": lambda url: _expect(_content(publishConfig={"registry": url})),
    "private": lambda url: _expect(_content(private=url)),
    "engines": lambda url: _expect(_content(engines={"node": url}), engines="1"),
    "a range of a workspace": lambda url: _expect(_uninstallable(url)),
    "a range of a workspace, compared": lambda url: run_rule(
        "manifest.consistent", make_evidence(content=_uninstallable(url))
    ),
    "two manifests": lambda url: run_rule(
        "manifest.consistent", make_evidence(content=_content(), registry=_registry(url))
    ),
    "licence": lambda url: run_rule(
        "license.allow",
        evidence_from({"licenses": {"licenses": {"a@1.0.0": f"SEE {url}"}}}),
        parameters={"allow": ["MIT"]},
    ),
    "lockfile": lambda url: run_rule(
        "deps.lockfile", make_evidence(lockfile=_lockfile(url)), phase=Phase.INSTALL
    ),
    "route": lambda url: run_rule("deps.confusion", make_evidence(routing=_route(url)), phase=Phase.INSTALL),
    "script": lambda url: run_rule("content.install-scripts", make_evidence(content=_scripts(url))),
}  # fmt: skip
CODES = {
    "exotic": ("exotic.url", "exotic.git"),
    "repository": ("manifest.repository",),
    "publishConfig": ("manifest.registry",),
    "private": ("manifest.private",),
    "engines": ("manifest.engines",),
    "a range of a workspace": ("manifest.uninstallable-range",),
    "a range of a workspace, compared": ("manifest.uninstallable-range",),
    "two manifests": ("manifest.mismatch",),
    "licence": ("license.unknown",),
    "lockfile": ("lockfile.source",),
    "route": ("confusion.resolved",),
    "script": ("scripts.unapproved",),
}


@pytest.mark.parametrize("url", URLS.values(), ids=URLS.keys())
@pytest.mark.parametrize("rule", RULES)
def test_no_credential_of_a_url_is_shown(rule: str, url: str) -> None:
    result = RULES[rule](url)
    assert (result.verdict, result.code in CODES[rule]) == ("fail", True), result
    texts = [getattr(result, field.name) for field in fields(result)]
    assert SECRET not in json.dumps(texts, default=str)


def test_nor_one_of_the_policy_s_own_repository() -> None:
    result = _expect(_content(), repository=URLS["a password"])
    assert (result.code, result.expected) == ("manifest.repository", "repository https://***@h.example.test/a")

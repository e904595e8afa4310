"""deps.confusion beyond its cases: URLs that only look like ours, names of several registries, default routes."""

from __future__ import annotations

import pytest

from support.policy_cases import REGISTRY_URL, make_evidence, make_subject, run_rule
from vxsec.model.decision import Phase
from vxsec.model.evidence import Route, RoutingEvidence

RULE = "deps.confusion"
STAGING = "https://staging.example.test/npm/"


def _route(name: str = "@vextrus/kernel", **fields: str | None) -> Route:
    values = {
        "registry": "internal",
        "expected_url": REGISTRY_URL,
        "npmrc_url": REGISTRY_URL,
        "resolved": None,
    } | fields
    return Route(name=name, **values)  # type: ignore[arg-type]  # rows of a table


def _code(*routes: Route, phase: Phase = Phase.INSTALL, registry: str = "internal") -> str:
    evidence = make_evidence(make_subject(registry=registry), routing=RoutingEvidence(routes=routes, source="x"))
    return run_rule(RULE, evidence, phase=phase).code


UNDER = {
    "the tarball of npm": "https://registry.example.test/@vextrus/kernel/-/kernel-1.1.0.tgz",
    "capitals in the host": "HTTPS://Registry.Example.TEST/@vextrus/kernel/-/kernel-1.1.0.tgz",
    "the default port": "https://registry.example.test:443/@vextrus/kernel/-/kernel-1.1.0.tgz",
    "an encoded slash in the scope": "https://registry.example.test/@vextrus%2fkernel/-/kernel-1.1.0.tgz",
}
ELSEWHERE = {
    "another host": "https://evil.example.test/@vextrus/kernel/-/kernel-1.1.0.tgz",
    "a longer host": "https://registry.example.test.evil.test/x.tgz",
    "a user name that looks like our host": "https://registry.example.test@evil.test/x.tgz",
    "a user name on our host": "https://user@registry.example.test/x.tgz",
    "another port": "https://registry.example.test:8443/x.tgz",
    "plain http": "http://registry.example.test/x.tgz",
    "the registry itself": "https://registry.example.test/",
    "a query": "https://registry.example.test/x.tgz?to=evil",
    "a fragment": "https://registry.example.test/x.tgz#sha1",
    "dots": "https://registry.example.test/a/../x.tgz",
    "encoded dots": "https://registry.example.test/%2e%2e/x.tgz",
    "an encoded slash elsewhere": "https://registry.example.test/a%2f..%2fx.tgz",
    "an encoded percent": "https://registry.example.test/%252e/x.tgz",
    "a backslash": "https://registry.example.test\\@evil.test/x.tgz",
    "a line break": "https://registry.example.test/x\n.tgz",
    "a git URL": "git+https://registry.example.test/x.git",
    "nothing": "",
}


@pytest.mark.parametrize("url", UNDER.values(), ids=UNDER.keys())
def test_a_url_below_our_registry(url: str) -> None:
    assert _code(_route(resolved=url)) == "confusion.none"


@pytest.mark.parametrize("url", ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_a_url_elsewhere(url: str) -> None:
    assert _code(_route(resolved=url)) == "confusion.resolved"


def test_a_path_is_part_of_the_registry() -> None:
    route = {"expected_url": STAGING, "npmrc_url": STAGING, "registry": "internal"}
    assert _code(_route(resolved=STAGING + "x.tgz", **route)) == "confusion.none"
    assert _code(_route(resolved="https://staging.example.test/npm-evil/x.tgz", **route)) == "confusion.resolved"


def test_the_subject_may_come_only_from_the_registry_it_is_judged_for() -> None:
    both = {"npmrc_url": STAGING, "resolved": STAGING + "x.tgz"}
    routes = (_route(**both), _route(registry="staging", expected_url=STAGING, **both))
    assert _code(*routes, registry="staging") == "confusion.none"
    assert _code(*routes, registry="internal") == "confusion.npmrc"


def test_a_dependency_of_several_registries_may_come_from_any_of_them_but_not_from_elsewhere() -> None:
    own = _route(resolved=REGISTRY_URL + "x.tgz")

    def utils(url: str) -> tuple[Route, Route]:
        both = {"npmrc_url": url, "resolved": url + "u.tgz"}
        return _route("@vextrus/utils", **both), _route(
            "@vextrus/utils", registry="staging", expected_url=STAGING, **both
        )

    assert _code(own, *utils(STAGING)) == "confusion.none"
    assert _code(own, *utils(REGISTRY_URL)) == "confusion.none"
    assert _code(own, *utils("https://evil.example.test/")) == "confusion.npmrc"


def test_what_npmrc_and_lockfile_say_must_fit_one_registry() -> None:
    own = _route(resolved=REGISTRY_URL + "x.tgz")
    mixed = {"npmrc_url": STAGING, "resolved": REGISTRY_URL + "u.tgz"}
    routes = (
        _route("@vextrus/utils", **mixed),
        _route("@vextrus/utils", registry="staging", expected_url=STAGING, **mixed),
    )
    assert _code(own, *routes) == "confusion.npmrc"


def test_without_a_route_only_publish_passes() -> None:
    assert _code(_route(npmrc_url=None), phase=Phase.PUBLISH) == "confusion.none"
    assert _code(_route(npmrc_url=None)) == "confusion.unrouted"


def test_the_hint_is_the_line_to_write() -> None:
    evidence = make_evidence(
        routing=RoutingEvidence(routes=(_route(npmrc_url="https://evil.example.test/"),), source="x")
    )
    hint = run_rule(RULE, evidence).hint
    assert hint is not None
    assert f"@vextrus:registry={REGISTRY_URL}" in hint
    plain = make_evidence(
        make_subject(name="kernel"), routing=RoutingEvidence(routes=(_route("kernel", npmrc_url=STAGING),), source="x")
    )
    assert f"write registry={REGISTRY_URL}" in (run_rule(RULE, plain).hint or "")

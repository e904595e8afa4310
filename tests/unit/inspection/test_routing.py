from __future__ import annotations

import pytest

from support.lockfile_kit import OWN_URL, registry, trust_root
from vxsec.formats.registry_url import is_under
from vxsec.inspection.routing import derive_routing

BASE = "https://registry.example.test/npm/"


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://registry.example.test/npm/a/-/a-1.0.0.tgz", id="a tarball"),
        pytest.param("https://REGISTRY.example.test:443/npm/a/-/a-1.0.0.tgz", id="another spelling of the host"),
        pytest.param("https://registry.example.test/npm/@s%2fa/-/a-1.0.0.tgz", id="an encoded slash after the scope"),
        pytest.param("https://registry.example.test/npm/@s/a/-/a-1.0.0.tgz", id="a scoped tarball"),
    ],
)
def test_a_url_of_the_registry_is_under_it(url: str) -> None:
    assert is_under(url, BASE)
    assert is_under(url, BASE.rstrip("/"))


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://registry.example.test/npm/", id="the registry itself"),
        pytest.param("https://registry.example.test/other/a.tgz", id="another path"),
        pytest.param("https://registry.example.test/npm-evil/a.tgz", id="a path that starts alike"),
        pytest.param("https://registry.example.test.evil.test/npm/a.tgz", id="a host that starts alike"),
        pytest.param("https://evil.test/registry.example.test/npm/a.tgz", id="the host as a path"),
        pytest.param("http://registry.example.test/npm/a.tgz", id="plain http"),
        pytest.param("https://registry.example.test:8443/npm/a.tgz", id="another port"),
        pytest.param("https://user@registry.example.test/npm/a.tgz", id="a user name"),
        pytest.param("https://registry.example.test@evil.test/npm/a.tgz", id="the host as a user name"),
        pytest.param("https://registry.example.test/npm/../other/a.tgz", id="climbing"),
        pytest.param("https://registry.example.test/npm/%2e%2e/other/a.tgz", id="climbing, encoded"),
        pytest.param("https://registry.example.test/npm/%252e%252e/a.tgz", id="climbing, encoded twice"),
        pytest.param("https://registry.example.test/npm/..%2fother/a.tgz", id="an encoded slash"),
        pytest.param("https://registry.example.test/npm/@s%2f..%2fa/-/a.tgz", id="an encoded slash too many"),
        pytest.param("https://registry.example.test/npm/a%5c..%5cb.tgz", id="an encoded backslash"),
        pytest.param("https://registry.example.test\\@evil.test/npm/a.tgz", id="a backslash"),
        pytest.param("https://registry.example.test//npm/a.tgz", id="an empty part"),
        pytest.param("https://registry.example.test/npm/a.tgz?x=1", id="a query"),
        pytest.param("https://registry.example.test/npm/a.tgz#x", id="a fragment"),
        pytest.param("https://registry.example.test/npm/a\n.tgz", id="a line end"),
        pytest.param("//registry.example.test/npm/a.tgz", id="no scheme"),
        pytest.param("git+https://registry.example.test/npm/a.git", id="git"),
        pytest.param("file:npm/a.tgz", id="a file"),
        pytest.param("", id="nothing"),
    ],
)
def test_whatever_could_lead_elsewhere_is_not_under_it(url: str) -> None:
    assert not is_under(url, BASE)


def test_nothing_is_under_a_registry_that_is_no_url() -> None:
    assert not is_under("https://registry.example.test/a", "registry.example.test")


def test_only_own_names_have_routes() -> None:
    asked: list[str] = []

    def npmrc(name: str) -> str | None:
        asked.append(name)
        return "https://elsewhere.example.test/" if name.startswith("@vextrus/") else None

    names = [
        ("@vextrus/kernel", f"{OWN_URL}@vextrus/kernel/-/kernel-1.0.0.tgz"),
        ("lodash", f"{OWN_URL}lodash/-/lodash-4.0.0.tgz"),
        ("@vextrus/kernel", None),
        ("@vextrus/kernel", None),
        ("unscoped-own", None),
        ("@vextrus-evil/kernel", None),
    ]
    evidence = derive_routing(names, trust=trust_root(), npmrc_registry=npmrc, source="package-lock.json")
    assert evidence.source == "package-lock.json"
    assert [(r.name, r.registry, r.expected_url, r.npmrc_url, r.resolved) for r in evidence.routes] == [
        ("@vextrus/kernel", "internal", OWN_URL, "https://elsewhere.example.test/", names[0][1]),
        ("@vextrus/kernel", "internal", OWN_URL, "https://elsewhere.example.test/", None),
        ("unscoped-own", "internal", OWN_URL, None, None),
    ]
    assert "lodash" not in asked


def test_a_name_of_two_registries_has_two_routes() -> None:
    trust = trust_root(registry("staging", "https://staging.example.test/"), registry("production", OWN_URL))
    evidence = derive_routing([("@vextrus/a", None)], trust=trust, npmrc_registry=lambda _: None, source="x")
    assert [route.registry for route in evidence.routes] == ["staging", "production"]


def test_no_names_give_no_routes() -> None:
    assert derive_routing([], trust=trust_root(), npmrc_registry=lambda _: None, source="x").routes == ()

"""manifest.expect beyond its cases: spellings of one repository, registries of several labels, and odd manifests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from support.policy_cases import make_evidence, make_policy, make_subject, run_rule
from vxsec.errors import ConfigurationError
from vxsec.model.decision import Phase
from vxsec.model.evidence import ContentEvidence

RULE = "manifest.expect"
GITHUB = "https://github.com/vextrus/mono"


def _run(manifest: dict[str, Any] | None, subject: Any = None, **parameters: Any) -> Any:
    content = ContentEvidence(refused=(), manifest=manifest)
    return run_rule(RULE, make_evidence(subject or make_subject(), content=content), parameters=parameters)


@pytest.mark.parametrize(
    ("stated", "wanted"),
    [
        (GITHUB, GITHUB),
        ("git+https://github.com/vextrus/mono.git", GITHUB),
        ("git@github.com:vextrus/mono.git", GITHUB),
        ("vextrus/mono", GITHUB),
        (f"{GITHUB}#main", GITHUB),
        ({"type": "git", "url": f"git+{GITHUB}.git", "directory": "packages/kernel"}, GITHUB),
        (GITHUB, "github:vextrus/mono"),
        ("git+ssh://git@git.example.test/team/mono.git", "https://git.example.test/team/mono"),
        ("git@git.example.test:team/mono.git", "https://git.example.test/team/mono/"),
        ("https://GIT.example.test:8443/team/mono", "https://git.example.test:8443/team/mono.git"),
    ],
)
def test_spellings_of_one_repository(stated: object, wanted: str) -> None:
    assert _run({"repository": stated}, repository=wanted).code == "manifest.expected"


@pytest.mark.parametrize(
    "stated",
    [
        "https://github.com/vextrus/mono2", "https://gitlab.com/vextrus/mono", "https://github.com/Vextrus-x/mono", "", "x",
        {"type": "git"}, {"url": 7}, ["https://github.com/vextrus/mono"], 7, None, "https://[/vextrus/mono",
        "https://git.example.test:8443/vextrus/mono", "https://evil.example.test/github.com/vextrus/mono",
        "https://github.com.evil.example.test/vextrus/mono", "https://git.example.test:99999/x",
    ],
)  # fmt: skip
def test_another_repository(stated: object) -> None:
    result = _run({"repository": stated}, repository=GITHUB)
    assert (result.verdict, result.code) == ("fail", "manifest.repository")


@pytest.mark.parametrize("url", ["x", "https://", "./mono", "https://git.example.test/"])
def test_a_policy_names_a_repository(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_policy({"use": RULE, "with": {"repository": url}})
    assert caught.value.code == "policy.value"


def test_a_policy_names_a_registry() -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_policy({"use": RULE, "with": {"registry": "registry.example.test"}})
    assert caught.value.code == "registry.url"


@pytest.mark.parametrize("url", ["https://registry.example.test", "HTTPS://REGISTRY.example.test:443/"])
def test_spellings_of_one_registry(url: str) -> None:
    assert _run({"publishConfig": {"registry": url}}).code == "manifest.expected"


@pytest.mark.parametrize(
    "config",
    [
        {"registry": "https://registry.example.test/npm/"},
        {"registry": "https://registry.example.test@public.example.test/"},
        {"registry": "http://registry.example.test/"},
        {"registry": 7},
        {"registry": ""},
        {"@other:registry": "https://public.example.test/"},
        "https://registry.example.test/",
    ],
    ids=str,
)
def test_another_registry(config: object) -> None:
    assert _run({"publishConfig": config}).code == "manifest.registry"


def test_a_package_of_no_registry_of_ours_may_go_where_it_says() -> None:
    other = make_subject(name="left-pad", registry="other")
    assert _run({"publishConfig": {"registry": "https://public.example.test/"}}, other).code == "manifest.expected"
    wanted = "https://registry.example.test/"
    refused = _run({"publishConfig": {"registry": "https://public.example.test/"}}, other, registry=wanted)
    assert refused.code == "manifest.registry"
    assert _run({"publishConfig": {}}, other, registry=wanted).found == "none"


@pytest.mark.parametrize("private", [True, "true", "false", 1, [], {}, ""])
def test_whatever_is_not_false_is_private(private: object) -> None:
    assert _run({"private": private}).code == "manifest.private"


@pytest.mark.parametrize("private", [None, False])
def test_false_is_not_private(private: object) -> None:
    assert _run({"private": private}).code == "manifest.expected"


@pytest.mark.parametrize("engines", [None, [], {}, {"npm": ">=20"}, {"node": 20}, {"node": ">= 20"}, ">=20"])
def test_engines_are_compared_letter_for_letter(engines: object) -> None:
    assert _run({"engines": engines}, engines=">=20").code == "manifest.engines"
    assert _run({"engines": {"node": ">=20"}}, engines=">=20").code == "manifest.expected"


@pytest.mark.parametrize("value", [None, "", [], {}, False])
def test_a_field_that_says_nothing_is_missing(value: object) -> None:
    result = _run({"files": value, "license": "MIT"}, required=["files", "license"])
    assert (result.code, result.found) == ("manifest.missing-field", "no files")


def test_a_field_that_is_none_of_the_known_is_refused() -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_policy({"use": RULE, "with": {"required": ["licence"]}})
    assert "did you mean 'license'" in str(caught.value)


def test_without_the_manifest_nothing_is_known() -> None:
    result = _run(None)
    assert (result.verdict, result.code) == ("unknown", "manifest.not-read")


def test_whoever_installs_is_not_told_to_mend_a_manifest() -> None:
    entry = replace(make_subject(name="left-pad", registry="other"), filename="left-pad@1.1.0")
    content = ContentEvidence(refused=(), manifest={"private": True})
    hints = [
        run_rule(RULE, make_evidence(item, content=content), phase=Phase.INSTALL).hint
        for item in (entry, make_subject())
    ]
    assert hints == ["install another version", "correct package.json, npm pack, then sign and gate the new file"]

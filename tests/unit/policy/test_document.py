"""The policy loader: everything in the file is understood, or nothing is."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from support.policy_cases import make_policy, make_trust
from vxsec.errors import ConfigurationError
from vxsec.model.decision import Mode, Phase
from vxsec.model.package import PYPI, PackageRef
from vxsec.model.trust import Role
from vxsec.policy.document import LATER_RULES, Match, parse_policy
from vxsec.policy.requirements import check_requirements
from vxsec.policy.rules import BUILTIN

GOOD = """\
apiVersion: vxsec/policy/v1
kind: Policy
metadata: {name: team, version: 2, owner: security, expires: "2027-01-01T00:00:00Z"}
mode: warn
requires: {roles: [machine], registries: [internal], trust: signed}
scopes:
  - id: own
    match: {ecosystem: npm, name: ["@a/*", b], registry: internal}
    phases: [publish, install]
    mode: enforce
    rules:
      - {id: sig, use: signature.threshold, with: {threshold: 2, minPerRole: {human: 1}}}
      - {id: arc, use: archive.safe, mode: warn}
"""


def _replaced(old: str, new: str) -> bytes:
    assert GOOD.count(old) >= 1, old
    return GOOD.replace(old, new, 1).encode()


def test_reads_every_key() -> None:
    policy = parse_policy(GOOD.encode(), source="policy.yaml")
    assert policy.ref.name == "team"
    assert policy.ref.version == 2
    assert policy.ref.source == "policy.yaml"
    assert policy.ref.sha256 == hashlib.sha256(GOOD.encode()).hexdigest()
    assert policy.owner == "security"
    assert policy.expires == datetime(2027, 1, 1, tzinfo=UTC)
    assert policy.mode is Mode.WARN
    assert policy.requires.roles == (Role.MACHINE,)
    assert policy.requires.registries == ("internal",)
    assert policy.requires.signed_trust
    (scope,) = policy.scopes
    assert scope.match == Match(ecosystems=("npm",), names=("@a/*", "b"), registries=("internal",))
    assert scope.phases == {Phase.PUBLISH, Phase.INSTALL}
    assert [(use.id, use.rule.id, use.mode, use.own_mode) for use in scope.rules] == [
        ("sig", "signature.threshold", Mode.ENFORCE, Mode.ENFORCE),
        ("arc", "archive.safe", Mode.WARN, Mode.WARN),
    ]
    assert [use.counts for use in scope.rules] == [True, False]


def test_defaults_are_the_strict_ones() -> None:
    policy = make_policy({"use": "archive.safe"})
    assert policy.expires is None
    assert policy.requires.roles == ()
    assert not policy.requires.signed_trust
    assert policy.scopes[0].rules[0].mode is Mode.ENFORCE
    text = GOOD.replace("mode: warn\n", "").replace("    mode: enforce\n", "")
    assert parse_policy(text.encode(), source="p.yaml").mode is Mode.ENFORCE


UNSUPPORTED = {
    "extends": ("mode: warn", "mode: warn\nextends: [{path: x.yaml}]"),
    "defaults": ("mode: warn", "mode: warn\ndefaults: {maxClockSkew: PT5M}"),
    "waivers": ("mode: warn", "mode: warn\nwaivers: []"),
    "an empty extends": ("mode: warn", "mode: warn\nextends:"),
    "effectiveOn": ("{id: arc,", '{id: arc, effectiveOn: "2027-01-01",'),
    "nonWaivable": ("{id: arc,", "{id: arc, nonWaivable: true,"),
    "mode audit": ("mode: warn", "mode: audit"),
    "mode audit of a rule": ("mode: warn}", "mode: audit}"),
    "a waiver file": ("kind: Policy", "kind: WaiverFile"),
    "a policy test": ("kind: Policy", "kind: PolicyTest"),
    "a later version of the language": ("policy/v1", "policy/v2"),
    "expr": ("use: archive.safe", "use: expr"),
    "a rule of a later version": ("use: archive.safe", "use: vex.accept"),
}


@pytest.mark.parametrize(("old", "new"), UNSUPPORTED.values(), ids=UNSUPPORTED.keys())
def test_refuses_what_a_later_version_understands(old: str, new: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_policy(_replaced(old, new), source="p.yaml")
    assert caught.value.code == "policy.unsupported"
    assert caught.value.exit_status == 2
    assert "p.yaml:" in str(caught.value)


REFUSED = {
    "another apiVersion": ("vxsec/policy/v1", "v1", "policy.value", "expected apiVersion vxsec/policy/v1"),
    "another kind": ("kind: Policy", "kind: Secret", "policy.value", "expected kind Policy"),
    "no kind": ("kind: Policy\n", "", "document.missing", "'kind'"),
    "no metadata": ("metadata:", "metadat:", "policy.unknown-key", "did you mean 'metadata'?"),
    "an unknown key at the top": ("mode: warn", "mood: warn", "policy.unknown-key", "did you mean 'mode'?"),
    "an unknown key in metadata": ("owner:", "ownr:", "policy.unknown-key", "did you mean 'owner'?"),
    "an unknown key in requires": ("trust:", "trsut:", "policy.unknown-key", "did you mean 'trust'?"),
    "an unknown key in a scope": ("phases:", "phase:", "policy.unknown-key", "did you mean 'phases'?"),
    "an unknown key in match": ("name: [", "names: [", "policy.unknown-key", "did you mean 'name'?"),
    "an unknown key in a rule": ("with:", "wiht:", "policy.unknown-key", "did you mean 'with'?"),
    "a match on what the publisher chooses": ("ecosystem: npm", "version: npm", "policy.unknown-key", "known: ecosystem"),
    "a key that says nothing": ("mode: warn", "mode:", "policy.empty", "expected a value for 'mode'"),
    "no version": ("version: 2, ", "", "document.missing", "'version'"),
    "version nought": ("version: 2", "version: 0", "policy.value", "at least 1"),
    "a version that is text": ("version: 2", "version: '2'", "document.type", "expected an integer"),
    "a name with a blank": ("name: team", "name: my team", "policy.value", "letters, digits"),
    "an expiry that is no time": ('"2027-01-01T00:00:00Z"', '"2027-01-01"', "policy.value", "RFC 3339"),
    "an unquoted expiry": ('"2027-01-01T00:00:00Z"', "2027-01-01", "document.ambiguous-scalar", "quote it"),
    "an unknown mode": ("mode: warn", "mode: warm", "policy.value", "did you mean 'warn'?"),
    "a mode that is a boolean": ("mode: warn", "mode: true", "document.type", "expected a string"),
    "an unknown role": ("roles: [machine]", "roles: [robot]", "policy.value", "machine, human, registry"),
    "an empty list of roles": ("roles: [machine]", "roles: []", "policy.empty", "at least one element"),
    "an unknown trust": ("trust: signed", "trust: none", "policy.value", "any, signed"),
    "no scopes": (GOOD[GOOD.index("scopes:") :], "scopes: []\n", "policy.empty", "at least one element"),
    "scopes that are missing": (GOOD[GOOD.index("scopes:") :], "", "document.missing", "'scopes'"),
    "scopes that are a mapping": (GOOD[GOOD.index("scopes:") :], "scopes: {a: b}\n", "document.type", "expected a list"),
    "no phases": ("phases: [publish, install]", "phases: []", "policy.empty", "at least one element"),
    "an unknown phase": ("[publish, install]", "[publsh]", "policy.value", "did you mean 'publish'?"),
    "no rules": (GOOD[GOOD.index("    rules:") :], "    rules: []\n", "policy.empty", "at least one element"),
    "an empty match": ('{ecosystem: npm, name: ["@a/*", b], registry: internal}', "{}", "policy.empty", "what the scope is about"),
    "another ecosystem": ("ecosystem: npm", "ecosystem: cargo", "policy.value", "expected one of npm, pypi"),
    "a name that is a regular expression": ('"@a/*"', '"@a/[bc]+"', "policy.value", "'*' standing for any text"),
    "an empty list of names": ('["@a/*", b]', "[]", "policy.empty", "at least one element"),
    "an unknown rule": ("use: archive.safe", "use: archive.save", "policy.unknown-rule", "did you mean 'archive.safe'?"),
    "an unknown parameter": ("threshold: 2", "treshold: 2", "policy.unknown-parameter", "did you mean 'threshold'?"),
    "a parameter of another type": ("threshold: 2", "threshold: '2'", "document.type", "expected an integer"),
    "a parameter out of bounds": ("threshold: 2", "threshold: 0", "policy.value", "from 1 to 100, found 0"),
    "a role that cannot sign": ("{human: 1}", "{registry: 1}", "policy.value", "expected one of machine, human"),
    "a rule id twice": ("id: arc", "id: sig", "policy.duplicate-id", "duplicate id 'sig'"),
    "a rule without an id": ("{id: arc, ", "{", "document.missing", "'id'"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "code", "text"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(old: str, new: str, code: str, text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_policy(_replaced(old, new), source="p.yaml")
    assert caught.value.code == code
    assert text in str(caught.value)


def test_refuses_a_rule_in_a_scope_none_of_whose_phases_it_has() -> None:
    with pytest.raises(
        ConfigurationError, match=r"version\.monotonic has nothing to say in install; it judges publish"
    ) as caught:
        make_policy({"use": "version.monotonic"}, phases=("install",))
    assert caught.value.code == "policy.phase"


def test_refuses_a_scope_id_twice() -> None:
    scope = GOOD[GOOD.index("  - id: own") :]
    with pytest.raises(ConfigurationError) as caught:
        parse_policy((GOOD + scope).encode(), source="p.yaml")
    assert caught.value.code == "policy.duplicate-id"


def test_tells_everything_that_is_wrong_at_once() -> None:
    text = (
        GOOD.replace("owner:", "ownr:").replace("archive.safe", "archive.save").replace("[publish, install]", "[never]")
    )
    with pytest.raises(ConfigurationError) as caught:
        parse_policy(text.encode(), source="p.yaml")
    message = str(caught.value)
    assert message.startswith("3 problems: ")
    for place in ("p.yaml:3 metadata.ownr", "p.yaml:9 scopes[0].phases[0]", "p.yaml:13 scopes[0].rules[1].use"):
        assert place in message
    assert "\n" not in message


def test_an_unreadable_file_is_no_policy() -> None:
    for data, code in ((b"", "document.empty"), (b"[]", "document.type"), (b"a: &x 1", "document.anchor")):
        with pytest.raises(ConfigurationError) as caught:
            parse_policy(data, source="p.yaml")
        assert caught.value.code == code


def test_toml_is_a_policy_too() -> None:
    data = b"""
    apiVersion = "vxsec/policy/v1"
    kind = "Policy"
    metadata = {name = "t", version = 1}
    [[scopes]]
    id = "s"
    match = {registry = ["internal", "other"]}
    phases = ["install"]
    rules = [{id = "r", use = "deps.lockfile"}]
    """
    assert parse_policy(data, source="p.toml").scopes[0].match.registries == ("internal", "other")


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("@a/*", "@a/b", True),
        ("@a/*", "@ab/c", False),
        ("*", "@a/b", True),
        ("a", "a", True),
        ("a", "ab", False),
        ("*-internal", "x-internal", True),
        ("a*a", "a", False),
        ("a*b*c", "a-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("a**b", "ab", True),
        ("*a*a*", "a", False),
        ("@a.b/*", "@aXb/c", False),
    ],
)
def test_a_star_stands_for_any_text_and_nothing_else_is_special(pattern: str, name: str, *, matches: bool) -> None:
    assert Match(names=(pattern,)).selects(PackageRef(name=name, version="1.0.0"), "other") is matches


def test_many_stars_cost_nothing() -> None:
    pattern = "*a" * 100
    assert not Match(names=(pattern,)).selects(PackageRef(name="a" * 99 + "b" * 100, version="1.0.0"), "other")


def test_a_package_without_a_name_matches_by_registry_only() -> None:
    assert not Match(names=("*",)).selects(None, "internal")
    assert Match(registries=("internal",)).selects(None, "internal")
    assert not Match(registries=("internal",)).selects(None, "other")


def test_requirements_that_are_met_pass() -> None:
    policy = parse_policy(GOOD.encode(), source="p.yaml")
    check_requirements(policy, make_trust(signed=True))
    check_requirements(make_policy({"use": "archive.safe"}, match={"registry": "other"}), make_trust(labels=()))


UNMET = {
    "no key with the role": (make_trust(roles=("human",), signed=True), "roles: [machine]"),
    "no registry with the label": (make_trust(labels=("staging",), signed=True), "internal"),
    "an unsigned trust document": (make_trust(), "make a trust repository of it"),
}


@pytest.mark.parametrize(("trust", "hint"), UNMET.values(), ids=UNMET.keys())
def test_refuses_a_trust_root_that_cannot_serve_the_policy(trust: object, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_requirements(parse_policy(GOOD.encode(), source="p.yaml"), trust)  # type: ignore[arg-type]  # a row
    assert caught.value.code == "policy.requires"
    assert hint in (caught.value.hint or "")
    assert (caught.value.where or "").startswith("p.yaml:5 requires.")


def test_a_label_used_in_a_match_must_exist_too() -> None:
    policy = make_policy({"use": "archive.safe"}, match={"registry": "interal"})
    with pytest.raises(ConfigurationError, match=r"'interal' \(did you mean 'internal'\?\)") as caught:
        check_requirements(policy, make_trust())
    assert caught.value.where == "policy.json scopes[0].match.registry"


@pytest.mark.parametrize(
    ("stated", "npm", "pypi"),
    [("npm", True, False), ("pypi", False, True), (["npm", "pypi"], True, True), (None, True, True)],
)
def test_a_scope_is_about_the_ecosystems_it_names(stated: object, npm: bool, pypi: bool) -> None:
    match = {"name": "*"} | ({"ecosystem": stated} if stated else {})
    (scope,) = make_policy({"use": "archive.safe"}, match=match).scopes
    assert scope.match.selects(PackageRef(name="a", version="1"), "other") is npm
    assert scope.match.selects(PackageRef(name="a", version="1", ecosystem=PYPI), "other") is pypi


def test_a_rule_that_judges_no_ecosystem_of_its_scope_is_refused() -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_policy({"use": "version.monotonic"}, match={"ecosystem": "pypi"})
    assert caught.value.code == "policy.ecosystem"
    assert "version.monotonic cannot judge packages of pypi; it judges npm" in str(caught.value)
    make_policy({"use": "version.monotonic"}, match={"ecosystem": ["npm", "pypi"]})


def test_no_rule_is_both_here_and_later() -> None:
    assert LATER_RULES.isdisjoint(rule.id for rule in BUILTIN)
    assert len(LATER_RULES) + len(BUILTIN) == 42

"""license.allow beyond its cases: which words a policy may write, and which packages are excepted."""

from __future__ import annotations

from typing import Any

import pytest

from support.policy_cases import evidence_from, make_policy, pasted, run_rule
from vxsec.errors import ConfigurationError

RULE = "license.allow"


def _run(licenses: dict[str, str], **parameters: Any) -> Any:
    return run_rule(
        RULE, evidence_from({"licenses": {"licenses": licenses}}), parameters={"allow": ["MIT"], **parameters}
    )


@pytest.mark.parametrize(
    "text", ["MIT OR ISC", "(MIT)", "", "MIT ", "AND", "SEE LICENSE IN x", "MIT License", "MIT\n", "é"]
)
def test_an_entry_is_one_licence(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_policy({"use": RULE, "with": {"allow": [text]}})
    assert caught.value.code == "policy.value"


def test_without_a_list_the_rule_is_not_loaded() -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_policy({"use": RULE})
    assert caught.value.code == "policy.missing"


@pytest.mark.parametrize(
    ("license_", "parameters"),
    [
        ("ISC", {"allow": ["ISC"]}),
        ("ISC AND X11", {"exceptions": ["@s/a"]}),
        ("", {"exceptions": ["@s/a"]}),
    ],
)
def test_what_it_prints_can_be_pasted(license_: str, parameters: dict[str, list[str]]) -> None:
    printed = pasted(_run({"@s/a@1.0.0": license_}))
    assert printed == parameters
    assert _run({"@s/a@1.0.0": license_}, **printed).code == "license.allowed"


def test_any_case_of_letters_will_do() -> None:
    assert _run({"a@1.0.0": "mit"}).code == "license.allowed"


@pytest.mark.parametrize(
    ("package", "excepted"),
    [
        ("left-pad@1.0.0", True),
        ("@s/left@1.0.0", True),
        ("@s/left", True),
        ("left-pad2@1.0.0", False),
        ("@t/left@1.0.0", False),
        ("git+ssh://git@git.example.test/left-pad", False),
    ],
)
def test_exceptions_are_names(package: str, excepted: bool) -> None:
    result = _run({package: "GPL-3.0-only"}, exceptions=["left-pad", "@s/*"])
    assert result.code == ("license.allowed" if excepted else "license.not-allowed")


def test_what_is_denied_is_told_before_what_is_unknown() -> None:
    result = _run({"a@1.0.0": "", "b@1.0.0": "ISC"})
    assert (result.code, result.found) == ("license.not-allowed", "b@1.0.0: 'ISC'")
    assert _run({"a@1.0.0": ""}).found == "a@1.0.0: none"


def test_long_lists_end() -> None:
    result = _run({f"a{number}@1.0.0": "ISC" for number in range(9)}, allow=[f"L{number}" for number in range(30)])
    assert (result.found or "").endswith(" and 4 more")
    assert (result.expected or "").endswith(" …")

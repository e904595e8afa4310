"""The published schemas say what the code does: generated ones have not drifted, written ones hold real output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.policy_cases import Case, load_cases
from support.policy_schema_check import schema_errors
from vxsec.formats.strict_json import dump_json, parse_json
from vxsec.formats.strict_yaml import read_document
from vxsec.policy.schema import policy_schema
from vxsec.policy.shipped import SHIPPED, load_shipped
from vxsec.report.decision_json import DECISION_SCHEMA_ID, render_decision

ROOT = Path(__file__).parents[3]
SCHEMAS = ROOT / "docs" / "reference" / "schemas"
CASES = tuple(load_cases())


def _schema(name: str) -> dict[str, Any]:
    value = parse_json((SCHEMAS / name).read_bytes(), where=name)
    assert isinstance(value, dict)
    return value


def test_the_shipped_policy_schema_is_what_the_code_makes() -> None:
    assert (SCHEMAS / "vxsec-policy-1.schema.json").read_bytes() == dump_json(policy_schema(), indent=2) + b"\n"


@pytest.mark.parametrize("name", [*SHIPPED, "vextrus"])
def test_every_policy_we_ship_fits_the_schema(name: str) -> None:
    data = load_shipped(name) if name in SHIPPED else (ROOT / "policies" / name / "policy.yaml").read_bytes()
    assert schema_errors(read_document(data, filename="p.yaml").plain(), policy_schema()) == []


NOT_A_POLICY = {
    "an unknown key": {"extends": []},
    "no scopes": {"scopes": []},
    "an unknown rule": {
        "scopes": [{"id": "s", "match": {"name": "a"}, "phases": ["publish"], "rules": [{"id": "r", "use": "x.y"}]}]
    },
    "an unknown parameter": {
        "scopes": [
            {
                "id": "s",
                "match": {"name": "a"},
                "phases": ["publish"],
                "rules": [{"id": "r", "use": "archive.safe", "with": {"links": 1}}],
            }
        ]
    },
    "another mode": {"mode": "audit"},
    "an empty match": {
        "scopes": [{"id": "s", "match": {}, "phases": ["publish"], "rules": [{"id": "r", "use": "archive.safe"}]}]
    },
}


@pytest.mark.parametrize("change", NOT_A_POLICY.values(), ids=NOT_A_POLICY.keys())
def test_the_schema_refuses(change: dict[str, object]) -> None:
    document = read_document(load_shipped("minimal"), filename="p.yaml").mapping()
    assert schema_errors({**document, **change}, policy_schema()) != []


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}: {case.path.parent.name}")
def test_every_decision_fits_its_schema(case: Case) -> None:
    rendered = render_decision(case.decide())
    assert schema_errors(rendered, _schema("vxsec-decision-1.schema.json")) == []
    assert schema_errors({**rendered, "extra": 1}, _schema("vxsec-decision-1.schema.json")) != []
    assert parse_json(dump_json(rendered), where="decision") == rendered


def test_the_schema_names_the_document_it_is_about() -> None:
    assert _schema("vxsec-decision-1.schema.json")["$id"] == DECISION_SCHEMA_ID

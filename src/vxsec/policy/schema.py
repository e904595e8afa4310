"""The JSON Schema of a policy, made from the code that reads it, so that an editor knows what the loader knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vxsec.model.decision import Mode, Phase
from vxsec.model.trust import Role
from vxsec.policy.language import API_VERSION, ECOSYSTEMS, KIND
from vxsec.policy.parameters import describe_parameters
from vxsec.policy.rules import BUILTIN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from enum import StrEnum

    from vxsec.policy.rule import Rule

__all__ = ["policy_schema"]

_ID: dict[str, object] = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"}
_NAME: dict[str, object] = {"type": "string", "pattern": "^[A-Za-z0-9@/~_.!'()*-]{1,214}$"}
_TIME = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$"


def policy_schema(rules: Sequence[Rule[Any]] = BUILTIN) -> dict[str, object]:
    """The schema (JSON Schema 2020-12) of the policies that :func:`vxsec.policy.document.parse_policy` reads.

    It is a help for editors; the loader is the judge.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:vxsec:schema:policy:v1",
        "title": "vxsec policy",
        **_object(
            {
                "apiVersion": {"const": API_VERSION},
                "kind": {"const": KIND},
                "metadata": _metadata(),
                "mode": _enum(Mode, "Whether verdicts close the gate; scopes and rules may say otherwise."),
                "requires": _requires(),
                "scopes": _list(_scope(rules)) | {"description": "All scopes that match apply."},
            },
            required=("apiVersion", "kind", "metadata", "scopes"),
        ),
    }


def _metadata() -> dict[str, object]:
    return _object(
        {
            "name": _ID,
            "version": {"type": "integer", "minimum": 1},
            "owner": {"type": "string"},
            "expires": {"type": "string", "pattern": _TIME, "description": "From then on the policy denies."},
        },
        required=("name", "version"),
    )


def _requires() -> dict[str, object]:
    properties = {
        "roles": _list(_enum(Role)),
        "registries": _list(_ID),
        "trust": {"enum": ["any", "signed"]},
    }
    return _object(properties) | {"description": "What must stand in the trust root."}


def _scope(rules: Sequence[Rule[Any]]) -> dict[str, object]:
    match = {
        "ecosystem": _one_or_list({"enum": list(ECOSYSTEMS)}),
        "name": _one_or_list(_NAME),
        "registry": _one_or_list(_ID),
    }
    return _object(
        {
            "id": _ID,
            "match": _object(match) | {"minProperties": 1},
            "phases": _list(_enum(Phase)),
            "mode": _enum(Mode),
            "rules": _list({"oneOf": [_use(rule) for rule in rules]}),
        },
        required=("id", "match", "phases", "rules"),
    )


def _use(rule: Rule[Any]) -> dict[str, object]:
    properties = {"id": _ID, "use": {"const": rule.id}, "mode": _enum(Mode)}
    described = describe_parameters(rule.parameters)
    if described["properties"]:
        properties["with"] = described
    required = ("id", "use", "with") if "required" in described else ("id", "use")
    return _object(properties, required=required) | {"title": rule.id, "description": rule.summary}


def _object(properties: dict[str, Any], *, required: Sequence[str] = ()) -> dict[str, object]:
    schema: dict[str, object] = {"type": "object", "additionalProperties": False, "properties": properties}
    return schema | ({"required": list(required)} if required else {})


def _list(items: dict[str, object]) -> dict[str, object]:
    return {"type": "array", "minItems": 1, "items": items}


def _one_or_list(item: dict[str, object]) -> dict[str, object]:
    return {"oneOf": [item, _list(item)]}


def _enum(words: type[StrEnum], description: str | None = None) -> dict[str, object]:
    schema: dict[str, object] = {"enum": [word.value for word in words]}
    return schema | ({"description": description} if description else {})

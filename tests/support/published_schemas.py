"""The published JSON Schemas by name, with every ``$ref`` put in place, so that the small validator can hold them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from support.policy_schema_check import schema_errors
from vxsec.formats.strict_json import parse_json

__all__ = ["SCHEMA_FILES", "SCHEMA_FOLDER", "load_schema", "published_errors", "raw_schema"]

SCHEMA_FOLDER = Path(__file__).parents[2] / "docs" / "reference" / "schemas"
SCHEMA_FILES = {
    path.name.removeprefix("vxsec-").removesuffix("-1.schema.json"): path for path in SCHEMA_FOLDER.glob("*.json")
}


def raw_schema(name: str) -> dict[str, Any]:
    """The file as it is."""
    value = parse_json(SCHEMA_FILES[name].read_bytes(), where=name)
    assert isinstance(value, dict)
    return value


@cache
def load_schema(name: str) -> dict[str, Any]:
    """The schema without references: ``#/$defs/NAME`` and other schemas by their URN are put in place."""
    raw = raw_schema(name)
    definitions = raw.get("$defs", {})

    def place(node: Any) -> Any:
        if isinstance(node, list):
            return [place(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            assert set(node) == {"$ref"}, "a reference stands alone"
            target = node["$ref"]
            if target.startswith("#/$defs/"):
                return place(definitions[target.removeprefix("#/$defs/")])
            return load_schema(target.removeprefix("urn:vxsec:schema:").removesuffix(":v1"))
        return {key: place(value) for key, value in node.items() if key != "$defs"}

    placed = place(raw)
    assert isinstance(placed, dict)
    return placed


def published_errors(document: dict[str, Any]) -> list[str]:
    """Every place in which a document is not what the schema it names says."""
    name = str(document["schema"]).removeprefix("urn:vxsec:schema:").removesuffix(":v1")
    return schema_errors(document, load_schema(name))

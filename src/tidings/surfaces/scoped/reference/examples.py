"""Values to show for a schema: its own example where it has one, else something plain that fits."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

from tidings.surfaces.scoped.reference.document import Json, Reference, alternatives, is_null

AHEAD = timedelta(days=7)
"""How far from now the times of examples lie."""


def placeholder(name: str) -> str:
    """What stands for an id that only the reader knows: YOUR_TOKEN_ID for `token_id`."""
    return f"YOUR_{name}".upper().replace("-", "_").replace("YOUR_X_", "YOUR_")


def example(reference: Reference, schema: Json, name: str = "value") -> Any:
    """A value of the field or parameter `name`."""
    schema = reference.resolved(schema)
    if "examples" in schema:
        return schema["examples"][0]
    branch = next((one for one in alternatives(schema) if not is_null(one)), schema)
    if branch is not schema:
        return example(reference, branch, name)
    if values := schema.get("enum"):
        return values[0]
    return _plain(reference, schema, name)


def _plain(reference: Reference, schema: Json, name: str) -> Any:
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            return {
                field: example(reference, inner, field)
                for field, inner in fields.items()
                if not inner.get("deprecated")
            }
        case "array":
            return [example(reference, schema["items"], name.removesuffix("s"))]
        case "boolean":
            return True
        case "integer" | "number":
            return int(schema.get("minimum", 1))
        case "string":
            return _text(reference, schema, name)
        case _:
            return None


def _text(reference: Reference, schema: Json, name: str) -> str:
    if schema.get("format") == "date-time":
        at = (reference.at + AHEAD).astimezone(UTC)
        return at.strftime("%Y-%m-%dT%H:00:00Z")
    if schema.get("format") == "uuid" or name.endswith("_id"):
        return placeholder(name)
    return "string"

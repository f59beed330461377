"""One operation cut out of the document, with what it needs and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from tidings.surfaces.scoped.reference.document import Json, Operation, Reference

_SCHEMAS = "#/components/schemas/"


def slice_of(reference: Reference, operation: Operation) -> dict[str, Any]:
    """An OpenAPI document of its own."""
    document = reference.document
    return {
        "openapi": document["openapi"],
        "info": document["info"],
        "servers": [{"url": reference.base_url}],
        "paths": {operation.path: {operation.method: operation.spec}},
        "components": _components(document["components"], operation.spec),
        "externalDocs": operation.spec["externalDocs"],
    }


def _components(components: Json, spec: Json) -> dict[str, Any]:
    needed = {
        "schemas": _reached(components["schemas"], spec),
        "securitySchemes": {name for one in spec.get("security", ()) for name in one},
    }
    return {
        kind: {name: value for name, value in components[kind].items() if name in names}
        for kind, names in needed.items()
        if names
    }


def _reached(schemas: Json, spec: Json) -> set[str]:
    """The names of the schemas that are referred to, by whatever way."""
    reached: set[str] = set()
    waiting: list[Any] = [spec]
    while waiting:
        for name in set(_references(waiting.pop())) - reached:
            reached.add(name)
            waiting.append(schemas[name])
    return reached


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in cast("dict[str, Any]", value).items():
            if key == "$ref" and isinstance(inner, str):
                yield inner.removeprefix(_SCHEMAS)
            else:
                yield from _references(inner)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from _references(inner)

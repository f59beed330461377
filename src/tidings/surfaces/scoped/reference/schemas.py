"""Schemas as a person reads them: types in words, and fields within fields."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import cast

from tidings.surfaces.scoped.reference.document import Json, Reference, alternatives, is_null
from tidings.surfaces.scoped.reference.text import code, prose

_LIMITS = (
    ("minimum", "at least {:g}"),
    ("maximum", "at most {:g}"),
    ("minLength", "length at least {}"),
    ("maxLength", "length at most {}"),
    ("minItems", "at least {} of them"),
    ("maxItems", "at most {} of them"),
)


class Shown:
    """Writes the schemas of one document, each by its name in full once."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._told: set[str] = set()

    def named(self, schema: Json) -> str:
        """The schema's name, what it says of itself, and its fields."""
        resolved = self._reference.resolved(schema)
        title = _title(resolved)
        if title in self._told:
            return f'<p class="more">Schema: {code(title)}, as above</p>'
        self._told.add(title)
        lines = [f'<p class="more">Schema: {code(title)}</p>']
        if description := resolved.get("description"):
            lines.append(prose(description))
        return "\n".join([*lines, self._fields(schema, ())])

    def field(self, name: str, schema: Json, *, required: bool, above: tuple[str, ...] = ()) -> str:
        """One field or parameter, and those within it."""
        marks = '<span class="must">required</span>' if required else ""
        if schema.get("deprecated"):
            marks += '<span class="old">deprecated</span>'
        parts = [
            f'<code class="name">{escape(name)}</code><span class="type">{self._type(schema)}</span>{marks}',
            prose(schema.get("description", "")),
            self._values(schema),
            _limits(schema),
            self._fields(schema, above),
        ]
        return f"<li>{''.join(part for part in parts if part)}</li>"

    def _fields(self, schema: Json, above: tuple[str, ...]) -> str:
        """The fields of the object that the value, or each of its items, is."""
        inner = self._inner(schema)
        title = _title(inner)
        properties: dict[str, Json] = inner.get("properties", {})
        if not properties or title in above:
            return ""
        required = inner.get("required", ())
        items = [
            self.field(name, one, required=name in required, above=(*above, title))
            for name, one in properties.items()
        ]
        return f'<ul class="fields">{"".join(items)}</ul>'

    def _inner(self, schema: Json) -> Json:
        resolved = self._reference.resolved(schema)
        for branch in alternatives(resolved):
            if branch is not resolved and not is_null(branch):
                return self._inner(branch)
        return self._inner(resolved["items"]) if "items" in resolved else resolved

    def _type(self, schema: Json) -> str:
        return escape(" or ".join(dict.fromkeys(self._types(schema))))

    def _types(self, schema: Json) -> Iterator[str]:
        for branch in alternatives(schema):
            resolved = self._reference.resolved(branch)
            kind = str(resolved.get("type", "any value"))
            more = resolved.get("additionalProperties")
            if kind == "array":
                items = " or ".join(self._types(resolved["items"]))
                yield f"array of {items}"
            elif isinstance(more, dict):
                yield f"object of {' or '.join(self._types(cast('Json', more)))}"
            elif "$ref" in branch:
                yield _title(resolved)
            else:
                yield f"{kind} ({resolved['format']})" if "format" in resolved else kind

    def _values(self, schema: Json) -> str:
        values = self._inner(schema).get("enum", ())
        shown = " ".join(code(str(value)) for value in values)
        return f'<p class="more values">One of {shown}</p>' if shown else ""


def _title(schema: Json) -> str:
    return str(schema.get("title", schema.get("type", "any value")))


def _limits(schema: Json) -> str:
    """What else is said of the value: its bounds, and what stands in for it where it is left out."""
    told = [
        escape(words.format(branch[name]))
        for branch in alternatives(schema)
        for name, words in _LIMITS
        if name in branch
    ]
    if (default := schema.get("default")) not in (None, "", []):
        told.append(f"default {code(json.dumps(default))}")
    return f'<p class="more">{"; ".join(told).capitalize()}</p>' if told else ""

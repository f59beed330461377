"""The OpenAPI document as it is now: with the catalog's topics, and links to where each call is explained."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from fastapi import FastAPI, Request

from tidings.surfaces.scoped.schemas import TOPIC_SCHEMA
from tidings.surfaces.services import services_of

INDEX_PATH = "/docs/reference/notifications"

Json = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method of one path, as the document has it."""

    method: str  # in lower case
    path: str
    spec: Json

    @property
    def slug(self) -> str:
        """The name of the function that answers, with hyphens."""
        id_: str = self.spec["operationId"]
        # The document's ids are the function's name, the path and the method.
        suffix = re.sub(r"\W", "_", self.path) + f"_{self.method}"
        return id_.removesuffix(suffix).replace("_", "-")

    @property
    def tag(self) -> str:
        return self.spec["tags"][0]

    @property
    def page(self) -> str:
        """The path of its page."""
        return f"{INDEX_PATH}/{self.slug}"

    def parameters(self, place: str) -> list[Json]:
        """Those in `path`, `query` or `header`."""
        return [one for one in self.spec.get("parameters", ()) if one["in"] == place]

    @property
    def body(self) -> Json | None:
        """The schema of the JSON that it takes."""
        return _json_of(self.spec.get("requestBody", {}))

    @property
    def success(self) -> Json:
        """The response of the status that is no error."""
        return next(one for status, one in self.spec["responses"].items() if status.startswith("2"))

    @property
    def answers_json(self) -> bool:
        return _json_of(self.success) is not None

    @property
    def answers_events(self) -> bool:
        """Whether the answer goes on and on."""
        return "text/event-stream" in self.success.get("content", {})


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The document, when and under which address it was asked for."""

    document: dict[str, Any]
    base_url: str
    at: datetime

    @property
    def operations(self) -> list[Operation]:
        """In the order of their tags, and as they are declared."""
        found = list(_operations(self.document))
        tags = list(dict.fromkeys(operation.tag for operation in found))
        return sorted(found, key=lambda operation: tags.index(operation.tag))

    def resolved(self, schema: Json) -> Json:
        """The schema, or the component that it refers to."""
        while "$ref" in schema:
            found = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            schema = found | {name: value for name, value in schema.items() if name != "$ref"}
        return schema


async def current(request: Request) -> Reference:
    """As the application answers at this moment, to this request."""
    app: FastAPI = request.app
    services = services_of(request)
    async with services.database.read() as store:
        topics, now = await store.catalog.topics(), await store.now()
    base_url = services.proxies.base_url(request)
    document = _explained(_with_topics(app.openapi(), topics), base_url)
    return Reference(document=document, base_url=base_url, at=now)


def _operations(document: Json) -> Iterator[Operation]:
    paths: dict[str, dict[str, Any]] = document["paths"]
    for path, methods in paths.items():
        for method, spec in methods.items():
            yield Operation(method=method, path=path, spec=spec)


def _json_of(content: Json) -> Json | None:
    return content.get("content", {}).get("application/json", {}).get("schema")


def _with_topics(document: dict[str, Any], topics: Sequence[str]) -> dict[str, Any]:
    components = dict(document["components"])
    enum = components["schemas"][TOPIC_SCHEMA] | {"enum": list(topics)}
    components["schemas"] = components["schemas"] | {TOPIC_SCHEMA: enum}
    return document | {"components": components}


def _explained(document: dict[str, Any], base_url: str) -> dict[str, Any]:
    """The document with links to the pages."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in _operations(document):
        link = {"url": base_url + operation.page}
        spec = {**operation.spec, "externalDocs": link}
        paths.setdefault(operation.path, {})[operation.method] = spec
    index = {"description": "Every operation, with samples", "url": base_url + INDEX_PATH}
    return document | {"paths": paths, "externalDocs": index}


def alternatives(schema: Json) -> list[Json]:
    """What a value may be: the branches of an anyOf, or the schema itself."""
    return cast("list[Json]", schema.get("anyOf", [schema]))


def is_null(schema: Json) -> bool:
    return schema.get("type") == "null"

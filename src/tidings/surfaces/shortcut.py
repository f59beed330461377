"""A way around FastAPI's solving of dependencies, for requests that need none of it.

It takes a third of what a count costs. A shortcut fills in a handler's parameters itself, with the same
models, and only where everything fits; whatever does not goes FastAPI's way, and gets its errors.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, get_args, get_origin, get_type_hints

from fastapi import Request, Response, params
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from tidings.surfaces.bodies import read_json

Value = Callable[[Request], Awaitable[Any]]
"""Gets a parameter's value from a request. Raises NotPlain, or what the parameter's dependency raises."""

_MOST_QUERY = 2000  # bytes


class NotPlain(Exception):
    """The request is not one for a shortcut."""


class Shortcut:
    """Calls one route's handler."""

    def __init__(self, route: APIRoute, values: Mapping[str, Value]) -> None:
        """`values` are those of the parameters that have a dependency, by their names.

        Raises NotPlain for a handler that cannot be called in this way.
        """
        hints = get_type_hints(route.endpoint, include_extras=True)
        returned = hints.pop("return", None)
        if not (inspect.isclass(get_origin(returned) or returned) and issubclass(returned, BaseModel)):
            raise NotPlain
        self._call = route.endpoint
        self._status = route.status_code or 200
        self._values = {name: values.get(name) or _value(name, hint, route) for name, hint in hints.items()}

    async def answer(self, request: Request) -> Response:
        """Raises NotPlain, before anything is done."""
        given = {name: await value(request) for name, value in self._values.items()}
        answer: BaseModel = await self._call(**given)
        body = answer.model_dump_json(by_alias=True)
        return Response(body, self._status, media_type="application/json")


def _value(name: str, hint: Any, route: APIRoute) -> Value:
    kind, *extra = get_args(hint) or (hint,)
    if f"{{{name}}}" in route.path and kind is str:
        return _of_path(name)
    if not (inspect.isclass(kind) and issubclass(kind, BaseModel)):
        raise NotPlain
    if any(isinstance(one, params.Query) for one in extra):
        return _of_query(kind)
    default = inspect.signature(route.endpoint).parameters[name].default
    return _of_body(kind, None if default is inspect.Parameter.empty else default)


def _of_path(name: str) -> Value:
    async def value(request: Request) -> str:
        return request.path_params[name]

    return value


def _of_query(model: type[BaseModel]) -> Value:
    names = {
        name: _is_list(field.annotation)
        for key, field in model.model_fields.items()
        for name in _names(key, field.validation_alias)
    }
    default = model()

    async def value(request: Request) -> BaseModel:
        query: bytes = request.scope["query_string"]  # request.url would be put together for it
        if not query:
            return default
        given = request.query_params
        if len(query) > _MOST_QUERY or not names.keys() >= given.keys():
            raise NotPlain
        return _validated(model, {key: given.getlist(key) if names[key] else given[key] for key in given})

    return value


def _of_body(model: type[BaseModel], default: BaseModel | None) -> Value:
    async def value(request: Request) -> BaseModel:
        try:
            body = await request.body()
        except ClientDisconnect:
            raise NotPlain from None
        if not body and default is not None:
            return default
        if request.headers.get("content-type") != "application/json":
            raise NotPlain
        try:
            return _validated(model, read_json(body))
        except (ValueError, RecursionError):
            raise NotPlain from None

    return value


def _validated(model: type[BaseModel], given: Any) -> BaseModel:
    try:
        return model.model_validate(given)
    except ValidationError:
        raise NotPlain from None


def _names(key: str, alias: Any) -> list[str]:
    if alias is None:
        return [key]
    return [alias] if isinstance(alias, str) else [one for one in alias.choices if isinstance(one, str)]


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list

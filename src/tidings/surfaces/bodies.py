"""JSON bodies, as every surface reads them: a name stands once in an object."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute


def read_json(body: bytes, *, numbers_alone: bool = False) -> Any:
    """What the body says.

    Raises json.JSONDecodeError, for a name that stands twice too: of two values nobody knows which is meant.
    With `numbers_alone` also for NaN and Infinity, which a schema else refuses where they stand.
    And RecursionError, or another ValueError, for what is nested too deep or is no text.
    """
    constant = _refused if numbers_alone else None
    return json.loads(body, object_pairs_hook=_once, parse_constant=constant)


def _refused(name: str) -> Any:
    raise json.JSONDecodeError(f"{name} is no number", "", 0)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise json.JSONDecodeError("a name stands twice in one object", "", 0)
    return found


class StrictRequest(Request):
    """A request whose JSON is read in this way."""

    async def json(self) -> Any:
        return read_json(await self.body())


class StrictRoute(APIRoute):
    """A route that reads JSON in this way."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return handle_strictly

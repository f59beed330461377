"""Who is calling: a backend, by its service key."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from tidings.errors import Unauthenticated
from tidings.identity.tokens import service_key
from tidings.surfaces.services import services_of

requires_key = Depends(HTTPBearer(auto_error=False, description="A service key: `sk_…`."))
"""Says in the OpenAPI document that a key is wanted; KeyFirst is what checks it."""


class KeyFirst(APIRoute):
    """A route that knows its caller before it reads the body, so that nobody else can make it read much."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_authenticated(request: Request) -> Response:
            request.state.caller = await _authenticated(request)
            return await handle(request)

        return handle_authenticated


async def _authenticated(request: Request) -> UUID:
    scheme, _, presented = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("Send a service key: `Authorization: Bearer sk_…`.")
    async with services_of(request).database.read() as store:
        return await service_key(store, presented.strip())

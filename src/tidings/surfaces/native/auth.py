"""Who is calling: a backend, by its service key, or a reader, by a token."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from tidings.errors import Unauthenticated
from tidings.identity.readers import reader_of
from tidings.identity.tokens import service_key
from tidings.model import Reader
from tidings.surfaces.bodies import StrictRequest
from tidings.surfaces.native.revalidation import revalidated
from tidings.surfaces.services import services_of

requires_key = Depends(
    HTTPBearer(auto_error=False, scheme_name="serviceKey", description="A service key: `sk_…`.")
)
"""Says in the OpenAPI document that a key is wanted; KeyFirst is what checks it."""

requires_token = Depends(
    HTTPBearer(
        auto_error=False,
        scheme_name="readerToken",
        description="An API token (`dz_…`), an access token of the personal or the company contract, or a "
        "JWT of your product.",
    )
)
"""Says in the OpenAPI document that a reader's token is wanted; ReaderFirst is what checks it."""


class _CallerFirst(APIRoute):
    """A route that knows its caller before it reads the body, so that nobody else can make it read much.

    What it answers to GET can be asked for again by its ETag.
    """

    async def authenticate(self, request: Request) -> None:
        """Say in `request.state` who it is; `caller` is an id. Raises Unauthenticated."""
        raise NotImplementedError

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_authenticated(request: Request) -> Response:
            await self.authenticate(request)
            strict = StrictRequest(request.scope, request.receive)
            return revalidated(request, await handle(strict))

        return handle_authenticated


class KeyFirst(_CallerFirst):
    """A route for backends, with a service key."""

    async def authenticate(self, request: Request) -> None:
        presented = _presented(request, "Send a service key: `Authorization: Bearer sk_…`.")
        async with services_of(request).database.read() as store:
            request.state.caller = await service_key(store, presented)


class ReaderFirst(_CallerFirst):
    """A route for readers, with a token."""

    async def authenticate(self, request: Request) -> None:
        reader = await self.reader(request)
        request.state.reader, request.state.caller = reader, reader.id

    async def reader(self, request: Request) -> Reader:
        """Whose inbox it is."""
        return await reader_by_token(request)


async def reader_by_token(request: Request) -> Reader:
    """Whose inbox the token opens that the request bears. Raises what `reader_of` does."""
    presented = _presented(request, "Send a token: `Authorization: Bearer dz_…`.")
    services = services_of(request)
    return await reader_of(
        services.database,
        services.token_uses,
        services.sessions,
        presented,
        products=services.product_tokens,
    )


def _presented(request: Request, wanted: str) -> str:
    scheme, _, presented = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated(wanted)
    return presented.strip()


async def _current_reader(request: Request) -> Reader:
    return request.state.reader


CurrentReader = Annotated[Reader, Depends(_current_reader)]
"""Whose inbox it is, on a route that is ReaderFirst."""

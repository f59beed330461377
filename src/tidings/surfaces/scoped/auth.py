"""Who is calling: the user of an API token, in the context of one of their businesses."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import Depends, Header, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic import TypeAdapter, ValidationError

from tidings.errors import ScopeForbidden, Unauthenticated
from tidings.inbox.reach import narrowed, readable_of
from tidings.model import Audience, Reach, Reader, Selection
from tidings.storage.readable import Readings
from tidings.storage.store import Store
from tidings.surfaces.bodies import StrictRequest
from tidings.surfaces.services import Services, services_of
from tidings.surfaces.shortcut import NotPlain, Shortcut

_UUID = TypeAdapter(UUID)
_bearer = HTTPBearer(auto_error=False, description="An API token of the caller, which begins with `dz_`.")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A user, and the business that they say they work for."""

    reader: Reader
    business_id: UUID
    readings: Readings  # as they were found with the token

    def enter(self) -> None:
        """Raises ScopeForbidden where the caller does not belong to the business."""
        if self.readings.streams.get(self.business_id) is not Audience.BUSINESS:
            raise ScopeForbidden("You do not belong to this business.")

    async def reach(self, store: Store, selection: Selection) -> Reach:
        """What the caller can see of the selection. Raises what `enter` and `narrowed` do."""
        self.enter()
        return await narrowed(store, readable_of(self.reader, self.readings), selection)


class TokenFirst(APIRoute):
    """A route that knows its caller before it reads the rest: 401 comes before what is wrong there.

    A GET has one connection from there to its end, see CurrentRead: asking a pool for one costs as much as a
    short statement.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        solve = super().get_route_handler()
        try:
            shortcut = Shortcut(self, _VALUES)
        except NotPlain:
            shortcut = None

        async def handle(received: Request) -> Response:
            request = StrictRequest(received.scope, received.receive)
            if shortcut is not None:
                with suppress(NotPlain):
                    return await shortcut.answer(request)
            return await solve(request)

        async def read(request: Request) -> Response:
            presented = _presented(request)
            async with services_of(request).database.read() as store:
                await _authenticate(request, store, presented)
                request.state.store = store
                return await handle(request)

        async def write(request: Request) -> Response:
            presented = _presented(request)
            async with services_of(request).database.read() as store:
                await _authenticate(request, store, presented)
            return await handle(request)

        return read if self.methods == {"GET"} else write


def _presented(request: Request) -> str:
    scheme, _, presented = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not presented:
        raise Unauthenticated
    return presented.strip()


async def _authenticate(request: Request, store: Store, presented: str) -> None:
    """Say in the request's state who it is, and what they read. Raises Unauthenticated."""
    uses, state = services_of(request).token_uses, request.state
    state.user_id, state.readings = await uses.reader(store, presented)


async def still_holds(request: Request) -> bool:
    """Whether the token of a request that goes on and on still lets its caller in."""
    async with services_of(request).database.read() as store:
        try:
            await services_of(request).token_uses.reader(store, _presented(request))
        except Unauthenticated:
            return False
    return True


async def member_of_business(
    request: Request,
    x_business_id: Annotated[UUID, Header(description="The business context.")],
    x_user_email: Annotated[str | None, Header(description="Kept in the logs, and nothing else.")] = None,
) -> Caller:
    """The caller by token and header; whether they belong to the business `Caller.enter` tells."""
    user_id: UUID = request.state.user_id
    structlog.contextvars.bind_contextvars(user_id=str(user_id), business_id=str(x_business_id))
    if x_user_email:
        structlog.contextvars.bind_contextvars(user_email=x_user_email)
    return Caller(reader=Reader(id=user_id), business_id=x_business_id, readings=request.state.readings)


async def _read(request: Request) -> Store:
    return request.state.store


BusinessMember = Annotated[Caller, Depends(member_of_business)]
CurrentRead = Annotated[Store, Depends(_read)]
"""The connection on which a GET found its caller."""
requires_token = Depends(_bearer)
"""Says in the OpenAPI document that a token is wanted; TokenFirst is what checks it."""


# --- without FastAPI's solving -----------------------------------------------------------------------------


async def _plain_caller(request: Request) -> Caller:
    """As member_of_business has it."""
    headers = request.headers
    try:
        business_id = _UUID.validate_python(headers.get("x-business-id"))
    except ValidationError:
        raise NotPlain from None
    return await member_of_business(request, business_id, headers.get("x-user-email"))


async def _services(request: Request) -> Services:
    return services_of(request)


_VALUES = {"caller": _plain_caller, "services": _services, "store": _read}

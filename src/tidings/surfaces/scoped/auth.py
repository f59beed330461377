"""Who is calling: the user of an API token, in the context of one of their businesses."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import Depends, Header, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from tidings.errors import ScopeForbidden, Unauthenticated
from tidings.inbox.reach import narrowed, readable_by
from tidings.model import Audience, Reach, Reader, Selection
from tidings.storage.store import Store
from tidings.surfaces.services import services_of

_bearer = HTTPBearer(auto_error=False, description="An API token of the caller, which begins with `dz_`.")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A user, and the business that they say they work for."""

    reader: Reader
    business_id: UUID

    async def enter(self, store: Store) -> None:
        """Raises ScopeForbidden where the caller does not belong to the business."""
        self._belong(await store.accounts.memberships(self.reader.id))

    async def reach(self, store: Store, selection: Selection) -> Reach:
        """What the caller can see of the selection. Raises what `enter` and `narrowed` do."""
        readable = await readable_by(store, self.reader)
        self._belong(readable.streams)
        return await narrowed(store, readable, selection)

    def _belong(self, streams: Mapping[UUID, Audience]) -> None:
        if streams.get(self.business_id) is not Audience.BUSINESS:
            raise ScopeForbidden("You do not belong to this business.")


class TokenFirst(APIRoute):
    """A route that knows its caller before it reads the rest: 401 comes before what is wrong there."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_authenticated(request: Request) -> Response:
            request.state.user_id = await _authenticated(request)
            return await handle(request)

        return handle_authenticated


async def _authenticated(request: Request) -> UUID:
    scheme, _, presented = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not presented:
        raise Unauthenticated
    return await services_of(request).token_uses.user(presented.strip())


async def member_of_business(
    request: Request,
    x_business_id: Annotated[UUID, Header(description="The business context.")],
    x_user_email: Annotated[str | None, Header(description="Kept in the logs, and nothing else.")] = None,
) -> Caller:
    """The caller by token and header; whether they belong to the business is asked by `Caller.enter`."""
    user_id: UUID = request.state.user_id
    structlog.contextvars.bind_contextvars(user_id=str(user_id), business_id=str(x_business_id))
    if x_user_email:
        structlog.contextvars.bind_contextvars(user_email=x_user_email)
    return Caller(reader=Reader(id=user_id), business_id=x_business_id)


BusinessMember = Annotated[Caller, Depends(member_of_business)]
requires_token = Depends(_bearer)
"""Says in the OpenAPI document that a token is wanted; TokenFirst is what checks it."""

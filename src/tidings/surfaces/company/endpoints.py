"""The calls of the company contract."""

from __future__ import annotations

from typing import Annotated, Any, cast
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query, Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from tidings.errors import NotificationNotFound
from tidings.identity.emails import normalised
from tidings.inbox import feed, operations
from tidings.inbox.reach import reach_of
from tidings.model import Action
from tidings.surfaces.company.auth import AUDIENCE, CompanyUser, limit_login
from tidings.surfaces.company.errors import IdRequired
from tidings.surfaces.company.schemas import Failure, Login, LoginRequest, Notification
from tidings.surfaces.services import CurrentServices

_ERRORS: dict[int | str, dict[str, Any]] = {"default": {"model": Failure, "description": "What went wrong"}}
_BY_PATH = {"parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]}
_ID = {"type": "object", "properties": {"id": {"type": "string"}}}
_BY_BODY = {"requestBody": {"content": {"application/json": {"schema": _ID}}}}
_MARK_READ = "Mark a notification as read"

router = APIRouter(responses=_ERRORS)


async def named_id(request: Request, by_query: Annotated[str | None, Query(alias="id")] = None) -> str:
    """The notification's id: of the path, else of the query, else of the body. Raises IdRequired."""
    given = request.path_params.get("id") or by_query or (await _body(request)).get("id")
    if given is None or given == "":
        raise IdRequired
    return str(given)


async def _body(request: Request) -> dict[str, Any]:
    """The body's fields; what cannot be read, or is no object, is no body."""
    try:
        found: Any = orjson.loads(await request.body())
    except (orjson.JSONDecodeError, HTTPException, ClientDisconnect):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


NamedId = Annotated[str, Depends(named_id)]


def _known(given: str) -> UUID:
    """A text that is no UUID is the id of no notification."""
    try:
        return UUID(given)
    except ValueError:
        raise NotificationNotFound from None


@router.post("/auth/login", tags=["auth"], summary="Sign in")
async def login(request: Request, services: CurrentServices, body: LoginRequest) -> Login:
    """Answers the token of a company's user."""
    email = normalised(body.email)
    await limit_login(request, services, email)
    account = await services.sessions.login(email, body.password)
    token = services.sessions.access_token(account, AUDIENCE)
    return Login(token=token, expires_in=services.sessions.access_seconds)


# The id comes before the company: without one the answer is 400, whoever asks.
@router.put("/notifications/read/", include_in_schema=False)
@router.put("/notifications/read", tags=["notifications"], summary=_MARK_READ, openapi_extra=_BY_BODY)
@router.put(
    "/notifications/read/{id:path}", tags=["notifications"], summary=_MARK_READ, openapi_extra=_BY_PATH
)
async def mark_read(named: NamedId, company: CompanyUser, services: CurrentServices) -> Notification:
    """Marks it as read for the whole company; a repeat leaves the first `readedAt`."""
    notification_id = _known(named)
    async with services.database.begin() as store:
        await operations.mark(store, company, Action.READ, [notification_id])
        item = await feed.find(store, await reach_of(store, company), notification_id)
    return Notification.of(item)

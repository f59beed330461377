"""The calls of the personal contract."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from tidings.errors import InvalidRefreshToken
from tidings.identity.emails import normalised
from tidings.inbox import counts, feed, operations
from tidings.inbox.reach import reach_of
from tidings.model import UNREAD, Scope, Selection
from tidings.surfaces.personal.auth import (
    LOGIN,
    REFRESH,
    RefreshCookie,
    SignedIn,
    limit_public,
    session_owner,
    sign_in,
)
from tidings.surfaces.personal.schemas import (
    AccessToken,
    Cleared,
    Failure,
    ListQuery,
    LoginRequest,
    NotificationPage,
    RefreshRequest,
    Success,
    UnreadCount,
    success,
)
from tidings.surfaces.services import CurrentServices

_ERRORS: dict[int | str, dict[str, Any]] = {"default": {"model": Failure, "description": "What went wrong"}}
_OWN = Selection(scope=Scope.ME)

router = APIRouter(responses=_ERRORS)


@router.post("/auth/login", tags=["auth"], summary="Sign in")
async def login(
    request: Request, response: Response, services: CurrentServices, body: LoginRequest
) -> Success[AccessToken]:
    """Answers an access token, and a refresh token in a cookie that scripts cannot read. 20 an hour."""
    email = normalised(body.email)
    await limit_public(request, response, services, LOGIN, email)
    account = await services.sessions.login(email, body.password)
    refresh_token = await services.sessions.open_session(account.id)
    return success(sign_in(services, response, account, refresh_token))


@router.post("/auth/refresh", tags=["auth"], summary="Stay signed in")
async def refresh(
    request: Request,
    response: Response,
    services: CurrentServices,
    cookie: RefreshCookie = None,
    body: RefreshRequest | None = None,
) -> Success[AccessToken]:
    """Exchanges the refresh token, of the cookie or else of the body, for the next. 60 an hour."""
    presented = cookie or (body and body.refresh_token) or ""
    await limit_public(request, response, services, REFRESH, await session_owner(services, presented))
    if not presented:
        raise InvalidRefreshToken
    account, refresh_token = await services.sessions.rotate(presented)
    return success(sign_in(services, response, account, refresh_token))


@router.get("/notifications", tags=["notifications"], summary="List notifications")
async def list_notifications(
    user: SignedIn, services: CurrentServices, query: Annotated[ListQuery, Query()]
) -> Success[NotificationPage]:
    """A page, newest first, of all, or of the read or the unread ones."""
    async with services.database.read() as store:
        reach = await reach_of(store, user, _OWN)
        page = feed.numbered_page(store, reach, query.view(), page=query.page, limit=query.limit)
        items, total = await page
    return success(NotificationPage.of(items, total, query))


@router.get("/notifications/unread-count", tags=["notifications"], summary="Count unread notifications")
async def unread_count(user: SignedIn, services: CurrentServices) -> Success[UnreadCount]:
    """How many are unread. Exact, whatever the number."""
    async with services.database.read() as store:
        reach = await reach_of(store, user, _OWN)
        count = await counts.count(store, reach, UNREAD, by_level=True)
    return success(UnreadCount(count=count))


@router.delete("/notifications/clear-read", tags=["notifications"], summary="Delete what is read")
async def clear_read(user: SignedIn, services: CurrentServices) -> Success[Cleared]:
    """Deletes every read notification of the caller, for good; what is unread stays. No body, no filter."""
    async with services.database.begin() as store:
        outcome = await operations.clear_read(store, user, _OWN)
    return success(Cleared(deleted=outcome.changed))

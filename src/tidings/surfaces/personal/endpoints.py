"""The calls of the personal contract."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from tidings.errors import InvalidRefreshToken, NotificationNotFound
from tidings.identity.emails import normalised
from tidings.inbox import counts, feed, operations, preferences
from tidings.inbox.catalog import set_defaults
from tidings.inbox.reach import reach_of
from tidings.model import UNREAD, Action, Scope, Selection
from tidings.surfaces.personal.auth import (
    LOGIN,
    REFRESH,
    Operator,
    RefreshCookie,
    SignedIn,
    SignedInToChoose,
    limit_public,
    session_owner,
    sign_in,
)
from tidings.surfaces.personal.schemas import (
    ALL_ON,
    DONE,
    AccessToken,
    Channels,
    Cleared,
    Defaults,
    Done,
    Failure,
    ListQuery,
    LoginRequest,
    NotificationPage,
    Preference,
    RefreshRequest,
    Success,
    UnreadCount,
    Updated,
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


@router.patch("/notifications/{notification_id}/read", tags=["notifications"], summary="Mark as read")
async def mark_read(notification_id: UUID, user: SignedIn, services: CurrentServices) -> Done:
    """Marks it as read; of one that is read already it refreshes `readAt`."""
    async with services.database.begin() as store:
        for action in (Action.READ, Action.REFRESH):
            outcome = await operations.mark(store, user, action, [notification_id], selection=_OWN)
            if outcome.changed:
                return DONE
    raise NotificationNotFound


@router.post("/notifications/read-all", tags=["notifications"], summary="Mark everything as read")
async def read_all(user: SignedIn, services: CurrentServices) -> Success[Updated]:
    """Marks all that is unread, with one `readAt`; what was read before keeps its own."""
    async with services.database.begin() as store:
        outcome = await operations.mark_all(store, user, Action.READ, _OWN)
    return success(Updated(updated=outcome.changed))


@router.delete("/notifications/clear-read", tags=["notifications"], summary="Delete what is read")
async def clear_read(user: SignedIn, services: CurrentServices) -> Success[Cleared]:
    """Deletes every read notification of the caller, for good; what is unread stays. No body, no filter."""
    async with services.database.begin() as store:
        outcome = await operations.clear_read(store, user, _OWN)
    return success(Cleared(deleted=outcome.changed))


# After clear-read, which has the shape of an id.
@router.delete("/notifications/{notification_id}", tags=["notifications"], summary="Delete a notification")
async def delete(notification_id: UUID, user: SignedIn, services: CurrentServices) -> Done:
    """It is gone for good; what was told to everyone is hidden from the caller alone."""
    async with services.database.begin() as store:
        outcome = await operations.mark(store, user, Action.DELETE, [notification_id], selection=_OWN)
    if not outcome.changed:
        raise NotificationNotFound
    return DONE


# --- preferences -------------------------------------------------------------------------------------------


@router.get("/notifications/preferences", tags=["preferences"], summary="List the choices of channels")
async def list_preferences(user: SignedIn, services: CurrentServices) -> Success[list[Preference]]:
    """One for each event of the catalog: what the caller chose, else the default."""
    async with services.database.read() as store:
        found = await preferences.by_event(store, user.id)
    return success([Preference.chosen(one) for one in found])


@router.patch("/notifications/preferences/{event_key}", tags=["preferences"], summary="Choose channels")
async def choose_channels(
    event_key: str, user: SignedInToChoose, services: CurrentServices, body: Channels
) -> Done:
    """The first choice for an event turns on what it does not name; later ones leave it. 30 a minute."""
    async with services.database.begin() as store:
        await preferences.save_event(store, user, event_key, body.chosen(), first=ALL_ON)
    return DONE


# --- admin -------------------------------------------------------------------------------------------------


@router.patch(
    "/admin/notifications/defaults/{event_key}", tags=["admin"], summary="Change an event's defaults"
)
async def change_defaults(
    event_key: str, _operator: Operator, services: CurrentServices, body: Channels
) -> Success[Defaults]:
    """Through which channels an event goes to who chose nothing for it. For operators; 200 a minute."""
    async with services.database.begin() as store:
        event = await set_defaults(store, event_key, body.chosen())
    return success(Defaults.of(event))

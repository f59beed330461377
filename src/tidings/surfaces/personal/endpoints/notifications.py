"""The inbox: list, count, read, delete."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from tidings.errors import NotificationNotFound
from tidings.inbox import counts, feed, operations
from tidings.inbox.reach import reach_of
from tidings.model import UNREAD, Action, Scope, Selection
from tidings.surfaces.personal.auth import SignedIn
from tidings.surfaces.personal.endpoints.answers import ERRORS
from tidings.surfaces.personal.schemas.envelopes import DONE, Done, Success, success
from tidings.surfaces.personal.schemas.notifications import (
    Cleared,
    ListQuery,
    NotificationPage,
    UnreadCount,
    Updated,
)
from tidings.surfaces.services import CurrentServices

_OWN = Selection(scope=Scope.ME)

router = APIRouter(responses=ERRORS, tags=["notifications"])


@router.get("/notifications", summary="List notifications")
async def list_notifications(
    user: SignedIn, services: CurrentServices, query: Annotated[ListQuery, Query()]
) -> Success[NotificationPage]:
    """A page, newest first, of all, or of the read or the unread ones."""
    async with services.database.read() as store:
        reach = await reach_of(store, user, _OWN)
        page = feed.numbered_page(store, reach, query.view(), page=query.page, limit=query.limit)
        items, total = await page
    return success(NotificationPage.of(items, total, query))


@router.get("/notifications/unread-count", summary="Count unread notifications")
async def unread_count(user: SignedIn, services: CurrentServices) -> Success[UnreadCount]:
    """How many are unread. Exact, whatever the number."""
    async with services.database.read() as store:
        reach = await reach_of(store, user, _OWN)
        count = await counts.count(store, reach, UNREAD, by_level=True)
    return success(UnreadCount(count=count))


@router.patch("/notifications/{notification_id}/read", summary="Mark as read")
async def mark_read(notification_id: UUID, user: SignedIn, services: CurrentServices) -> Done:
    """Marks it as read; of one that is read already it refreshes `readAt`."""
    async with services.database.begin() as store:
        for action in (Action.READ, Action.REFRESH):
            outcome = await operations.mark(store, user, action, [notification_id], selection=_OWN)
            if outcome.changed:
                return DONE
    raise NotificationNotFound


@router.post("/notifications/read-all", summary="Mark everything as read")
async def read_all(user: SignedIn, services: CurrentServices) -> Success[Updated]:
    """Marks all that is unread, with one `readAt`; what was read before keeps its own."""
    async with services.database.begin() as store:
        outcome = await operations.mark_all(store, user, Action.READ, _OWN)
    return success(Updated(updated=outcome.changed))


@router.delete("/notifications/clear-read", summary="Delete what is read")
async def clear_read(user: SignedIn, services: CurrentServices) -> Success[Cleared]:
    """Deletes every read notification of the caller, for good; what is unread stays. No body, no filter."""
    async with services.database.begin() as store:
        outcome = await operations.clear_read(store, user, _OWN)
    return success(Cleared(deleted=outcome.changed))


# After clear-read, which has the shape of an id.
@router.delete("/notifications/{notification_id}", summary="Delete a notification")
async def delete(notification_id: UUID, user: SignedIn, services: CurrentServices) -> Done:
    """It is gone for good; what was told to everyone is hidden from the caller alone."""
    async with services.database.begin() as store:
        outcome = await operations.mark(
            store, user, Action.DELETE, [notification_id], selection=_OWN, final=True
        )
    if not outcome.changed:
        raise NotificationNotFound
    return DONE

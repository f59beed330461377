"""The calls of the scoped contract."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query

from tidings.inbox import counts, feed, operations
from tidings.inbox.reach import reach_of
from tidings.model import Action
from tidings.surfaces.scoped.auth import BusinessMember, TokenFirst, requires_token
from tidings.surfaces.scoped.cursor import Sealer
from tidings.surfaces.scoped.errors import enum_error
from tidings.surfaces.scoped.schemas import (
    BulkAllRequest,
    BulkOpResponse,
    CountQuery,
    Envelope,
    FeedQuery,
    Notification,
    NotificationCount,
    NotificationPage,
    ok,
)
from tidings.surfaces.services import CurrentServices, Services

_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The input is not valid"},
    401: {"description": "Authentication is required"},
    403: {"description": "The caller is not allowed this"},
}

_EVERYTHING = BulkAllRequest()

router = APIRouter(
    tags=["notifications"], route_class=TokenFirst, dependencies=[requires_token], responses=_ERRORS
)


async def known_topics(services: Services, place: str, topics: list[str]) -> None:
    """Answers 422 for a topic that the catalog does not have."""
    if not topics:
        return
    async with services.database.read() as store:
        known = await store.catalog.topics()
    for number, topic in enumerate(topics):
        if topic not in known:
            raise enum_error((place, "topic", number), known, topic)


@router.post("/notifications/mark-all-seen", status_code=201, summary="Mark everything that matches as seen")
async def mark_all_seen(
    caller: BusinessMember, services: CurrentServices, body: Annotated[BulkAllRequest, Body()] = _EVERYTHING
) -> BulkOpResponse:
    """Marks every notification that the caller can see and that matches, on whatever page it stands.

    What arrives while the call runs stays new.
    """
    await known_topics(services, "body", body.topic)
    selection = body.selection()
    async with services.database.begin() as store:
        await caller.enter(store)
        outcome = await operations.mark_all(store, caller.reader, Action.SEEN, selection)
    return BulkOpResponse(updated=outcome.updated)


@router.get("/notifications", summary="List notifications")
async def list_notifications(
    caller: BusinessMember, services: CurrentServices, query: Annotated[FeedQuery, Query()]
) -> Envelope[NotificationPage]:
    """A page, pinned ones first, then newest first. Give `next_cursor` as `cursor` to get what follows."""
    await known_topics(services, "query", query.topic)
    sealer = Sealer(services.secret, caller.reader.id, query.filters())
    after = sealer.open(query.cursor) if query.cursor else None
    selection = query.selection()
    async with services.database.read() as store:
        await caller.enter(store)
        reach = await reach_of(store, caller.reader, selection)
        page = await feed.page(store, reach, query.view(), after=after, limit=query.limit)
    data = NotificationPage(
        items=[Notification.of(item) for item in page.items],
        next_cursor=sealer.seal(page.next) if page.next else None,
        has_more=page.next is not None,
    )
    return ok("Notifications listed", data)


@router.get("/notifications/count", summary="Count notifications")
async def open_count(
    caller: BusinessMember, services: CurrentServices, query: Annotated[CountQuery, Query()]
) -> Envelope[NotificationCount]:
    """How many are new, or, with `unread_only=false`, how many are open. Exact, whatever the number."""
    selection = query.selection()
    async with services.database.read() as store:
        await caller.enter(store)
        reach = await reach_of(store, caller.reader, selection)
        count = await counts.count(store, reach, query.window())
    return ok("Notifications counted", NotificationCount(count=count))

"""The calls of the scoped contract."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, Header, Query, Request, Response

from tidings.errors import Forbidden, NotificationNotFound
from tidings.inbox import alerts, counts, feed, operations, preferences
from tidings.inbox.catalog import set_up
from tidings.inbox.live import Appended, fresh
from tidings.inbox.reach import reach_of
from tidings.model import Action, LiveAlert, Reader
from tidings.realtime.hub import News
from tidings.realtime.sse import EventStream
from tidings.storage.store import Store
from tidings.surfaces.cursor import Sealer
from tidings.surfaces.live import LiveInbox, left_off
from tidings.surfaces.scoped.auth import (
    BusinessMember,
    Caller,
    CurrentRead,
    TokenFirst,
    requires_token,
    still_holds,
)
from tidings.surfaces.scoped.errors import REFUSALS, TOO_LARGE, absent, enum_error
from tidings.surfaces.scoped.schemas import (
    LIVE,
    BulkAllRequest,
    BulkIdsRequest,
    BulkOpResponse,
    CountQuery,
    Envelope,
    FeedQuery,
    Notification,
    NotificationCount,
    NotificationPage,
    PinRequest,
    SnoozeRequest,
    TopicOverrides,
    TopicOverridesRequest,
    ok,
    uuid_of,
)
from tidings.surfaces.services import CurrentServices, Services

_ABSENT = absent("There is no such notification for the caller")

_EVERYTHING = BulkAllRequest()

router = APIRouter(
    prefix="/api/v1",
    tags=["notifications"],
    route_class=TokenFirst,
    dependencies=[requires_token],
    responses=REFUSALS,
)


async def known_topics(store: Store, place: str, topics: list[str]) -> None:
    """Answers 422 for a topic that the catalog does not have."""
    known = await store.catalog.topics() if topics else []
    for number, topic in enumerate(topics):
        if topic not in known:
            raise enum_error((place, "topic", number), known, topic)


@router.post(
    "/notifications/mark-all-seen",
    status_code=201,
    responses=TOO_LARGE,
    summary="Mark everything that matches as seen",
)
async def mark_all_seen(
    caller: BusinessMember, services: CurrentServices, body: Annotated[BulkAllRequest, Body()] = _EVERYTHING
) -> BulkOpResponse:
    """Marks every notification that the caller can see and that matches, on whatever page it stands.

    What arrives while the call runs stays new.
    """
    return await _mark_all(caller, services, Action.SEEN, body)


@router.post(
    "/notifications/dismiss-all",
    status_code=201,
    responses=TOO_LARGE,
    summary="Dismiss everything that matches",
)
async def dismiss_all(
    caller: BusinessMember, services: CurrentServices, body: Annotated[BulkAllRequest, Body()] = _EVERYTHING
) -> BulkOpResponse:
    """Dismisses every open notification that the caller can see and that matches, on whatever page.

    The live alerts of the business that is named are dismissed with them.
    """
    return await _mark_all(caller, services, Action.DISMISS, body)


async def _mark_all(
    caller: Caller, services: Services, action: Action, body: BulkAllRequest
) -> BulkOpResponse:
    async with services.database.begin() as store:
        await known_topics(store, "body", body.topic)
        selection, live_of = body.selection(), body.live_of()
        caller.enter()
        outcome = await operations.mark_all(store, caller.reader, action, selection, live_of=live_of)
    return BulkOpResponse(updated=outcome.updated)


@router.post(
    "/notifications/bulk/seen",
    status_code=201,
    responses=TOO_LARGE,
    summary="Mark some notifications as seen",
)
async def bulk_mark_seen(
    caller: BusinessMember, services: CurrentServices, body: BulkIdsRequest
) -> BulkOpResponse:
    """Marks those of the ids that the caller can see; an id that comes twice counts once."""
    async with services.database.begin() as store:
        caller.enter()
        outcome = await operations.mark(store, caller.reader, Action.SEEN, body.known())
    return BulkOpResponse(updated=outcome.updated)


@router.get("/notifications", summary="List notifications")
async def list_notifications(
    caller: BusinessMember,
    services: CurrentServices,
    store: CurrentRead,
    query: Annotated[FeedQuery, Query()],
) -> Envelope[NotificationPage]:
    """A page, pinned ones first, then newest first. Give `next_cursor` as `cursor` to get what follows.

    Before them, on the first page and beyond its limit, stand all live alerts that are meant.
    """
    await known_topics(store, "query", query.topic)
    sealer = Sealer(services.secret, "scoped", caller.reader.id, query.filters())
    after = sealer.open(query.cursor) if query.cursor else None
    selection, live_of = query.selection(), query.live_of()
    reach = await caller.reach(store, selection)
    page = await feed.page(store, reach, query.view(), after=after, limit=query.limit)
    standing = await alerts.standing(store, caller.reader, live_of, selection) if live_of else []
    live = await _told_live(store, standing)
    data = NotificationPage(
        items=live + [Notification.of(item) for item in page.items],
        next_cursor=sealer.seal(page.next) if page.next else None,
        has_more=page.next is not None,
    )
    return ok("Notifications listed", data)


async def _told_live(store: Store, standing: Sequence[LiveAlert]) -> list[Notification]:
    topics = await store.catalog.topics() if standing else []
    return [Notification.of_live(one, topics) for one in standing]


@router.get("/notifications/count", summary="Count notifications")
async def open_count(
    caller: BusinessMember, store: CurrentRead, query: Annotated[CountQuery, Query()]
) -> Envelope[NotificationCount]:
    """How many are new, or, with `unread_only=false`, how many are open. Exact, whatever the number."""
    reach = await caller.reach(store, query.selection())
    count = await counts.count(store, reach, query.window())
    return ok("Notifications counted", NotificationCount(count=count))


@router.get(
    "/notifications/stream",
    summary="Follow notifications",
    response_class=Response,
    responses={200: {"description": "Server-Sent Events", "content": {"text/event-stream": {}}}},
)
async def stream_notifications(
    request: Request,
    caller: BusinessMember,
    services: CurrentServices,
    last_event_id: Annotated[
        str | None, Header(description="The id of the last event that was read, to be told what came since.")
    ] = None,
) -> Response:
    """Server-Sent Events: `notification` with each new one that the caller can see, as the list has it.

    `resync` means that more was missed than can be told: list anew.
    """
    after = left_off(last_event_id) if last_event_id else None
    caller.enter()
    live = LiveInbox(
        services.hub,
        services.telling,
        caller.reader,
        new_ones,
        after=after,
        holds=lambda: still_holds(request),
    )
    return EventStream(live.chunks())


def new_ones(news: News, _reader: Reader) -> list[tuple[str, bytes]]:
    """What an event is on this surface: (name, data)s."""
    if not isinstance(news.event, Appended):
        return []
    item = Notification.of(fresh(news.event.notification))
    return [("notification", item.model_dump_json().encode())]


# --- preferences -------------------------------------------------------------------------------------------


@router.put("/preferences/notifications/topics", responses=TOO_LARGE, summary="Choose channels by topic")
async def update_topic_overrides_endpoint(
    caller: BusinessMember, services: CurrentServices, body: TopicOverridesRequest
) -> Envelope[TopicOverrides]:
    """Replaces all of the caller's overrides. Topics and channels that there are not are left out."""
    async with services.database.begin() as store:
        caller.enter()
        kept = await preferences.replace_topics(store, caller.reader, body.overrides)
        available = set_up(store.channels)
    return ok("Preferences saved", TopicOverrides(overrides=kept, available_channels=available))


# --- one notification --------------------------------------------------------------------------------------


@router.put(
    "/notifications/{notification_id}/pin",
    summary="Pin a notification, or unpin it",
    responses=_ABSENT | TOO_LARGE,
)
async def set_pinned(
    notification_id: str, caller: BusinessMember, services: CurrentServices, body: PinRequest
) -> Envelope[Notification]:
    """A pinned one comes first in every list, whatever else is done to it."""
    action, message = (
        (Action.PIN, "Notification pinned") if body.pinned else (Action.UNPIN, "Notification unpinned")
    )
    return ok(message, await _mark(caller, services, action, notification_id))


@router.post(
    "/notifications/{notification_id}/seen", summary="Mark a notification as seen", responses=_ABSENT
)
async def mark_seen(
    notification_id: str, caller: BusinessMember, services: CurrentServices
) -> Envelope[Notification]:
    """A repeat changes nothing."""
    return ok("Notification seen", await _mark(caller, services, Action.SEEN, notification_id))


# The id of a live alert may have slashes.
@router.post(
    "/notifications/{notification_id:path}/dismiss", summary="Dismiss a notification", responses=_ABSENT
)
async def dismiss(
    notification_id: str, caller: BusinessMember, services: CurrentServices
) -> Envelope[Notification]:
    """For the caller alone: the others who can see it keep it.

    A live alert, `live:…`, is looked for in the business context first, then in the other businesses.
    """
    if notification_id.startswith(LIVE):
        dismissed = await _dismiss_live(caller, services, notification_id.removeprefix(LIVE))
        return ok("Live alert dismissed", dismissed)
    return ok("Notification dismissed", await _mark(caller, services, Action.DISMISS, notification_id))


async def _dismiss_live(caller: Caller, services: Services, alert_id: str) -> Notification:
    async with services.database.begin() as store:
        caller.enter()
        await operations.dismiss_alert(store, caller.reader, alert_id, first=caller.business_id)
        found = await alerts.find(store, caller.reader, alert_id, first=caller.business_id)
        [told] = await _told_live(store, [found])
    return told


@router.post(
    "/notifications/{notification_id}/resolve",
    summary="Resolve a notification for all who see it",
    responses=_ABSENT,
)
async def resolve(
    notification_id: str, caller: BusinessMember, services: CurrentServices
) -> Envelope[Notification]:
    """It is settled for everybody it was sent to. What was told to everyone, no reader can resolve: 403."""
    return ok("Notification resolved", await _mark(caller, services, Action.RESOLVE, notification_id))


@router.post(
    "/notifications/{notification_id}/snooze",
    summary="Hide a notification for a time",
    responses=_ABSENT | TOO_LARGE,
)
async def snooze(
    notification_id: str, caller: BusinessMember, services: CurrentServices, body: SnoozeRequest
) -> Envelope[Notification]:
    """Until then it is in no list and no count, unless a list asks for it; then it is new again."""
    return ok(
        "Notification snoozed", await _mark(caller, services, Action.SNOOZE, notification_id, body.until)
    )


@router.post(
    "/notifications/{notification_id}/unsnooze", summary="Show a hidden notification again", responses=_ABSENT
)
async def unsnooze(
    notification_id: str, caller: BusinessMember, services: CurrentServices
) -> Envelope[Notification]:
    """It is new again at once."""
    return ok("Notification shown again", await _mark(caller, services, Action.UNSNOOZE, notification_id))


async def _mark(
    caller: Caller, services: Services, action: Action, given: str, until: datetime | None = None
) -> Notification:
    """Do it, and answer the notification as it is then, also where that changed nothing."""
    named = uuid_of(given)
    async with services.database.begin() as store:
        # First what is wrong with the input, then what the caller may not: the order of the contract.
        await operations.mark(store, caller.reader, action, [named] if named else [], until=until)
        caller.enter()
        if named is None:
            raise NotificationNotFound
        item = await feed.find(store, await reach_of(store, caller.reader), named)
    if action is Action.RESOLVE and item.notification.resolved_at is None:
        raise Forbidden("What was told to everyone is not one reader's to resolve.")
    return Notification.of(item)

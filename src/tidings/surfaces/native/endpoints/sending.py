"""The calls that send."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from tidings.delivery import record
from tidings.inbox import scheduling
from tidings.model import Draft
from tidings.storage.store import Store
from tidings.surfaces.native.auth import KeyFirst, requires_key
from tidings.surfaces.native.endpoints.answers import ABSENT, ERRORS, UNCHANGED
from tidings.surfaces.native.schemas.deliveries import DeliveriesOut
from tidings.surfaces.native.schemas.sending import Ids, NewNotification, NewNotifications, ScheduledOut
from tidings.surfaces.native.writing import Write
from tidings.surfaces.services import CurrentServices, Services

MOST_DELIVERIES = 200

router = APIRouter(route_class=KeyFirst, dependencies=[requires_key], responses=ERRORS, tags=["sending"])


@router.post("/notifications", status_code=201, summary="Send a notification")
async def send_notification(body: NewNotification, services: CurrentServices, write: Write) -> Ids:
    """Tell a user, some users, a business, a firm, or everyone."""
    return await _send(body.drafts(), services, write)


@router.post("/notifications/batch", status_code=201, summary="Send several notifications")
async def send_notifications(body: NewNotifications, services: CurrentServices, write: Write) -> Ids:
    """Send them all, or none."""
    return await _send(body.drafts(), services, write)


async def _send(drafts: Sequence[Draft], services: Services, write: Write) -> Ids:
    if write.key is None:
        return Ids(ids=await services.sender.send(drafts))

    async def send(store: Store) -> Ids:
        return Ids(ids=await scheduling.send(store, drafts))

    # By itself, for a key is claimed in the transaction that it is for.
    return await write(send)


@router.delete(
    "/notifications/{notification_id}", status_code=204, responses=ABSENT, summary="Withdraw a notification"
)
async def withdraw_notification(notification_id: UUID, write: Write) -> None:
    """Take it away from everybody who was told.

    What is to be sent later is called off by the id under which it waits; once it has been sent it is
    withdrawn by that id too.
    """
    await write(lambda store: scheduling.take_back(store, notification_id))


@router.get(
    "/notifications/{notification_id}/deliveries",
    responses=ABSENT,
    summary="What became of a notification outside the inbox",
)
async def list_deliveries(
    notification_id: UUID,
    services: CurrentServices,
    cursor: Annotated[UUID | None, Query(description="`next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_DELIVERIES)] = 50,
) -> DeliveriesOut:
    """For each reader and channel what was decided, why, and every try; kept for 30 days.

    Of what many read there is one for all of them first, which makes theirs.
    """
    async with services.database.read() as store:
        found = await record.of_notification(store, notification_id, after=cursor, limit=limit + 1)
    return DeliveriesOut.of(found, limit)


@router.get(
    "/scheduled/{scheduled_id}",
    responses=ABSENT | UNCHANGED,
    summary="What became of what is sent later",
)
async def get_scheduled(scheduled_id: UUID, services: CurrentServices) -> ScheduledOut:
    """It is told until seven days after it was sent, refused or called off."""
    async with services.database.read() as store:
        return ScheduledOut.of(await scheduling.find(store, scheduled_id))

"""The calls about the catalog of events."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from tidings.inbox import catalog
from tidings.storage.store import Store
from tidings.surfaces.native.auth import KeyFirst, requires_key
from tidings.surfaces.native.endpoints.answers import ERRORS
from tidings.surfaces.native.schemas.catalog import EventIn, EventOut
from tidings.surfaces.native.schemas.values import EventKey
from tidings.surfaces.native.writing import Write

router = APIRouter(route_class=KeyFirst, dependencies=[requires_key], responses=ERRORS, tags=["catalog"])


@router.put("/events/{key}", summary="Add or change an event")
async def put_event(key: Annotated[EventKey, Path()], body: EventIn, write: Write) -> EventOut:
    """What is left out of the body takes its default."""

    async def put(store: Store) -> EventOut:
        event = await catalog.put_event(
            store,
            key,
            topic=body.topic,
            severity=body.severity,
            channels={**body.channels},
            critical=body.critical,
            digest=body.digest,
            escalate_after=body.escalate_after,
        )
        return EventOut.of(event)

    return await write(put)

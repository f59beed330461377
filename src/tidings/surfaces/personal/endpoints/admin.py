"""The calls for operators."""

from __future__ import annotations

from fastapi import APIRouter

from tidings.inbox.catalog import set_defaults
from tidings.surfaces.personal.auth import Operator
from tidings.surfaces.personal.endpoints.answers import ERRORS
from tidings.surfaces.personal.schemas.envelopes import Success, success
from tidings.surfaces.personal.schemas.preferences import Channels, Defaults
from tidings.surfaces.services import CurrentServices

router = APIRouter(responses=ERRORS, tags=["admin"])


@router.patch("/admin/notifications/defaults/{event_key}", summary="Change an event's defaults")
async def change_defaults(
    event_key: str, _operator: Operator, services: CurrentServices, body: Channels
) -> Success[Defaults]:
    """Through which channels an event goes to who chose nothing for it. For operators; 200 a minute."""
    async with services.database.begin() as store:
        event = await set_defaults(store, event_key, body.chosen())
    return success(Defaults.of(event))

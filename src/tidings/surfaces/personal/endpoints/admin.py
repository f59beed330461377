"""The calls for operators."""

from __future__ import annotations

from fastapi import APIRouter

from tidings.delivery.health import health
from tidings.inbox.catalog import set_defaults
from tidings.surfaces.bodies import StrictRoute
from tidings.surfaces.personal.auth import Operator
from tidings.surfaces.personal.endpoints.answers import ERRORS
from tidings.surfaces.personal.schemas.admin import Health
from tidings.surfaces.personal.schemas.envelopes import Success, success
from tidings.surfaces.personal.schemas.preferences import Channels, Defaults
from tidings.surfaces.services import CurrentServices

router = APIRouter(route_class=StrictRoute, responses=ERRORS, tags=["admin"])


@router.get("/admin/notifications/health", summary="Look whether everything is sent")
async def look_at_health(_operator: Operator, services: CurrentServices) -> Success[Health]:
    """Healthy when all four checks pass. For operators; 200 a minute."""
    async with services.database.read() as store:
        return success(Health.of(await health(store)))


@router.patch("/admin/notifications/defaults/{event_key}", summary="Change an event's defaults")
async def change_defaults(
    event_key: str, _operator: Operator, services: CurrentServices, body: Channels
) -> Success[Defaults]:
    """Through which channels an event goes to who chose nothing for it. For operators; 200 a minute."""
    async with services.database.begin() as store:
        event = await set_defaults(store, event_key, body.chosen())
    return success(Defaults.of(event))

"""What a user chooses by event."""

from __future__ import annotations

from fastapi import APIRouter

from tidings.inbox import preferences
from tidings.surfaces.bodies import StrictRoute
from tidings.surfaces.personal.auth import SignedIn, SignedInToChoose
from tidings.surfaces.personal.endpoints.answers import ERRORS
from tidings.surfaces.personal.schemas.envelopes import DONE, Done, Success, success
from tidings.surfaces.personal.schemas.preferences import ALL_ON, Channels, Preference
from tidings.surfaces.services import CurrentServices

router = APIRouter(route_class=StrictRoute, responses=ERRORS, tags=["preferences"])


@router.get("/notifications/preferences", summary="List the choices of channels")
async def list_preferences(user: SignedIn, services: CurrentServices) -> Success[list[Preference]]:
    """One for each event of the catalog: what the caller chose, else the default."""
    async with services.database.read() as store:
        found = await preferences.by_event(store, user.id)
    return success([Preference.chosen(one) for one in found])


@router.patch("/notifications/preferences/{event_key}", summary="Choose channels")
async def choose_channels(
    event_key: str, user: SignedInToChoose, services: CurrentServices, body: Channels
) -> Done:
    """The first choice for an event turns on what it does not name; later ones leave it. 30 a minute."""
    async with services.database.begin() as store:
        await preferences.save_event(store, user, event_key, body.chosen(), first=ALL_ON)
    return DONE

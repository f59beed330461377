"""The calls about what a user chose: channels, and quiet hours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Path

from tidings.errors import Forbidden
from tidings.inbox import preferences, quiet_hours
from tidings.model import Reader, ReaderKind
from tidings.storage.store import Store
from tidings.surfaces.native.auth import CurrentReader, ReaderFirst, requires_token
from tidings.surfaces.native.endpoints.answers import ABSENT, READER_ERRORS, UNCHANGED
from tidings.surfaces.native.schemas.preferences import Choices, Key, PreferencesOut, QuietHoursIn
from tidings.surfaces.native.writing import Write
from tidings.surfaces.services import CurrentServices

router = APIRouter(
    prefix="/inbox/preferences",
    route_class=ReaderFirst,
    dependencies=[requires_token],
    responses=READER_ERRORS,
    tags=["preferences"],
)


async def _user(reader: CurrentReader) -> Reader:
    if reader.kind is ReaderKind.COMPANY:
        raise Forbidden("Preferences are a user's; a company has none.")
    return reader


CurrentUser = Annotated[Reader, Depends(_user)]


@router.get("", responses=UNCHANGED, summary="What was chosen, and what follows from it")
async def read_preferences(user: CurrentUser, services: CurrentServices) -> PreferencesOut:
    """For each event and channel whether it is on, and what decides that.

    A critical event's in_app and email are on. Else a topic that is off takes its events with it; else what
    was chosen for the event decides, else what was chosen for its topic, else the event's default.
    """
    async with services.database.read() as store:
        return PreferencesOut.of(await preferences.overview(store, user.id))


@router.put("/events/{event}", responses=ABSENT, summary="Choose channels for an event")
async def choose_for_event(
    event: Annotated[Key, Path()], body: Choices, user: CurrentUser, write: Write
) -> PreferencesOut:
    """What is not named stays. Answers all preferences, as they are then."""
    return await _changed(user, write, lambda s: preferences.choose(s, user, "event", event, {**body.root}))


@router.put("/topics/{topic}", responses=ABSENT, summary="Choose channels for a topic")
async def choose_for_topic(
    topic: Annotated[Key, Path()], body: Choices, user: CurrentUser, write: Write
) -> PreferencesOut:
    """A topic that is off takes its events with it. What is not named stays. Answers all preferences."""
    return await _changed(user, write, lambda s: preferences.choose(s, user, "topic", topic, {**body.root}))


@router.put("/quiet-hours", summary="Set quiet hours")
async def set_quiet_hours(body: QuietHoursIn, user: CurrentUser, write: Write) -> PreferencesOut:
    """Every day, by the clocks of the time zone; only critical events leave the inbox meanwhile."""
    return await _changed(user, write, lambda s: quiet_hours.set_hours(s, user, body.hours()))


@router.delete("/quiet-hours", summary="Have no quiet hours")
async def clear_quiet_hours(user: CurrentUser, write: Write) -> PreferencesOut:
    """200 as well where there were none."""
    return await _changed(user, write, lambda s: quiet_hours.set_hours(s, user, None))


async def _changed(user: Reader, write: Write, change: Callable[[Store], Awaitable[None]]) -> PreferencesOut:
    async def work(store: Store) -> PreferencesOut:
        await change(store)
        return PreferencesOut.of(await preferences.overview(store, user.id))

    return await write(work)

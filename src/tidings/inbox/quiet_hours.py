"""Quiet hours: when only critical events leave the inbox."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tidings import time_zones
from tidings.errors import InvalidInput
from tidings.inbox.operations import begin
from tidings.inbox.preferences import tell
from tidings.model import QuietHours, Reader
from tidings.storage.store import Store

_MINUTE = timedelta(minutes=1)


async def set_hours(store: Store, user: Reader, quiet: QuietHours | None) -> None:
    """Take these in the place of those of before; None takes them away. Raises InvalidInput, UserNotFound."""
    if quiet is not None and quiet.begins == quiet.ends:
        raise InvalidInput("Quiet hours must end at another time than they begin at.", field="ends")
    if quiet is not None:
        time_zones.require(quiet.time_zone)
    turn = await begin(store, user)  # of two at once one comes second, and is what stays
    await store.catalog.set_quiet_hours(user.id, quiet)
    await tell(store, turn)


def in_quiet_hours(quiet: QuietHours | None, at: datetime) -> bool:
    """Whether the clocks in the time zone stand within the hours; their first minute is, their last is not.

    An hour that is skipped in spring is not waited for, and one that comes twice in autumn is quiet twice.
    """
    if quiet is None:
        return False
    clock = at.astimezone(ZoneInfo(quiet.time_zone)).time()
    if quiet.begins < quiet.ends:
        return quiet.begins <= clock < quiet.ends
    return clock >= quiet.begins or clock < quiet.ends


def quiet_until(quiet: QuietHours | None, at: datetime) -> datetime | None:
    """When the quiet hours end in which `at` lies; None where it lies in none.

    Found by looking at the clocks minute by minute: so it is right whatever they do that day.
    """
    if not in_quiet_hours(quiet, at):
        return None
    minute = at.astimezone(UTC).replace(second=0, microsecond=0)
    while in_quiet_hours(quiet, minute):
        minute += _MINUTE
    return minute

"""The clocks where people are: by them quiet hours and digests go."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from tidings.errors import InvalidInput
from tidings.model import Rhythm

MORNING = time(8)
"""When daily and weekly digests go, these on Mondays."""

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_MONDAY = 0


def require(time_zone: str) -> None:
    """Raises InvalidInput where there is no such time zone in the IANA database."""
    if time_zone not in _known():
        raise InvalidInput(
            "There is no such time zone; they are named like Europe/Lisbon.", field="time_zone"
        )


def next_digest(rhythm: Rhythm, time_zone: str, after: datetime) -> datetime:
    """When the next one goes, later than `after`: at the full hour, or in the morning, by the clocks there.

    Raises ValueError for what waits for no digest.
    """
    zone = ZoneInfo(time_zone)
    match rhythm:
        case Rhythm.AT_ONCE:
            raise ValueError("what goes at once waits for no digest")
        case Rhythm.HOURLY:  # minute by minute: so it is right whatever the clocks do
            at = after.astimezone(UTC).replace(second=0, microsecond=0) + _MINUTE
            while at.astimezone(zone).minute:
                at += _MINUTE
            return at
        case Rhythm.DAILY | Rhythm.WEEKLY:
            day = after.astimezone(zone).date()
            while True:
                at = datetime.combine(day, MORNING, zone).astimezone(UTC)
                if at > after and (rhythm is Rhythm.DAILY or day.weekday() == _MONDAY):
                    return at
                day += _DAY


@cache
def _known() -> frozenset[str]:
    # `localtime` is wherever the server stands.
    return frozenset(available_timezones() - {"localtime"})

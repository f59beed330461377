"""Rate limits: as many a minute through a channel, and to one host, as its operator allows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tidings.storage.engine import Database
from tidings.storage.store import Store

_MINUTE = timedelta(minutes=1)
_WHOLE = ""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How many may go a minute; None: as many as can."""

    per_minute: int | None = None
    per_host: int | None = None

    def __bool__(self) -> bool:
        return bool(self.per_minute or self.per_host)


UNLIMITED = Limits()


async def turn(store: Store, limits: Limits, channel: str, host: str) -> datetime | None:
    """Take a turn; when it comes, if that is later than now. They are evenly spaced."""
    now = await store.now()
    at = now
    for name, limit in ((_WHOLE, limits.per_minute), (host, limits.per_host)):
        if limit is not None:
            at = max(at, await store.pace.take_turn(channel, name, now, _MINUTE / limit))
    return at if at > now else None


async def forget(database: Database) -> None:
    """Remove the turns that are over."""
    async with database.begin() as store:
        await store.pace.forget(await store.now())

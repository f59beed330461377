"""How fast a channel may go: when the next one of it, or the next one to a host, has its turn."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from tidings.storage.connection import Connection
from tidings.storage.tables import pace


class Pace:
    """Turns, one after the other, whichever process takes them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def take_turn(self, channel: str, host: str, now: datetime, every: timedelta) -> datetime:
        """Take the next turn, `every` after the one before; when it is: now, or later.

        `host` is "" for the whole channel. The row stays locked until the transaction ends.
        """
        mine = sa.and_(pace.c.channel == channel, pace.c.host == host)
        first = {"channel": channel, "host": host, "next_at": now}
        await self._connection.write(pace, [first], or_ignore=True)
        next_at: datetime = await self._connection.scalar(
            sa.select(pace.c.next_at).where(mine).with_for_update()
        )
        turn = max(next_at, now)
        await self._connection.execute(sa.update(pace).where(mine).values(next_at=turn + every))
        return turn

    async def forget(self, before: datetime) -> None:
        """Remove what says nothing any more."""
        await self._connection.execute(sa.delete(pace).where(pace.c.next_at < before))

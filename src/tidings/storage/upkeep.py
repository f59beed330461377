"""Statements of the background work: expiry, erasing, forgetting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import sqlalchemy as sa

from tidings.storage.connection import Connection
from tidings.storage.dialects import Instant, among, table_of
from tidings.storage.streams import Place
from tidings.storage.tables import erasure, expiry, notification, operation


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """Positions [first, last] of a lane of a user's own stream, to be erased where they are deleted."""

    stream_id: UUID
    lane: int
    first: int
    last: int
    due_at: datetime


class Upkeep:
    """The background."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def expired(self, now: datetime, limit: int) -> list[tuple[Place, datetime]]:
        """What has expired and is not an ending yet, with its time, the longest expired first."""
        due = sa.select(expiry).where(expiry.c.expires_at <= now).order_by(expiry.c.expires_at).limit(limit)
        return [
            (
                Place(
                    stream_id=row.stream_id,
                    lane=row.lane,
                    position=row.position,
                    id=row.id,
                    created_at=row.created_at,
                ),
                row.expires_at,
            )
            for row in await self._connection.all(due)
        ]

    async def forget_expiries(self, expired: Sequence[tuple[Place, datetime]]) -> None:
        if not expired:
            return
        rows = [(place.stream_id, at, place.lane, place.position) for place, at in expired]
        streams = sorted({place.stream_id for place, _ in expired})
        values = self._connection.rows("gone", _EXPIRY, rows) | {"streams": streams}
        await self._connection.execute(_forget_expiries(self._connection.dialect), values)

    async def plan_erasure(
        self, stream_id: UUID, ranges: Sequence[tuple[int, int, int]], due_at: datetime
    ) -> None:
        """Note (lane, first, last) ranges of positions that are to be erased at `due_at`."""
        await self._connection.write(
            erasure,
            [
                {"stream_id": stream_id, "lane": lane, "first": first, "last": last, "due_at": due_at}
                for lane, first, last in set(ranges)
            ],
            or_ignore=True,
        )

    async def due_erasures(self, now: datetime, limit: int) -> list[Erasure]:
        due = sa.select(erasure).where(erasure.c.due_at < now).order_by(erasure.c.due_at).limit(limit)
        return [
            Erasure(stream_id=row.stream_id, lane=row.lane, first=row.first, last=row.last, due_at=row.due_at)
            for row in await self._connection.all(due)
        ]

    async def positions(self, due: Erasure, limit: int) -> list[int]:
        """The first positions of the range that are still there."""
        found = (
            sa.select(notification.c.position)
            .where(
                notification.c.stream_id == due.stream_id,
                notification.c.lane == due.lane,
                notification.c.position.between(due.first, due.last),
            )
            .order_by(notification.c.position)
            .limit(limit)
        )
        return [row.position for row in await self._connection.all(found)]

    async def erase(self, due: Erasure, positions: Sequence[int]) -> None:
        values = {"stream_id": due.stream_id, "lane": due.lane, "positions": list(positions)}
        await self._connection.execute(_erase(self._connection.dialect), values)

    async def advance_erasure(self, due: Erasure, first: int | None) -> None:
        """Go on from position `first`, or be done with it."""
        same = sa.and_(*[column == getattr(due, column.name) for column in erasure.primary_key.columns])
        await self._connection.execute(sa.delete(erasure).where(same))
        if first is None or first > due.last:
            return
        row = {
            "stream_id": due.stream_id,
            "lane": due.lane,
            "first": first,
            "last": due.last,
            "due_at": due.due_at,
        }
        await self._connection.write(erasure, [row], or_ignore=True)

    async def forget_operations(self, before: datetime) -> None:
        """Forget what can no longer be undone and was told long ago."""
        await self._connection.execute(sa.delete(operation).where(operation.c.at < before))


_EXPIRY = {
    "stream_id": sa.Uuid(),
    "expires_at": Instant(),
    "lane": sa.Integer(),
    "position": sa.BigInteger(),
}


@lru_cache
def _erase(dialect: str) -> sa.Delete:
    return sa.delete(notification).where(
        notification.c.stream_id == sa.bindparam("stream_id", type_=sa.Uuid()),
        notification.c.lane == sa.bindparam("lane", type_=sa.Integer()),
        among(dialect, notification.c.position, "positions"),
    )


@lru_cache
def _forget_expiries(dialect: str) -> sa.Delete:
    gone = table_of(dialect, "gone", _EXPIRY)
    keys = sa.tuple_(*[expiry.c[name] for name in _EXPIRY])
    here = among(dialect, expiry.c.stream_id, "streams")
    return sa.delete(expiry).where(here, keys.in_(sa.select(*[gone.c[name] for name in _EXPIRY])))

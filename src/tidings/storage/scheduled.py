"""What is to be appended later. Whoever finishes a row holds the lock of its stream."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from tidings.model import Address, Audience, Scheduled
from tidings.storage.connection import Connection, Merge, Row
from tidings.storage.tables import scheduled

_FINISHED = {"finished_at": Merge.TAKE, "notification_id": Merge.TAKE, "refusal": Merge.TAKE}


class Schedule:
    """Drafts and their times."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, rows: Sequence[Scheduled]) -> None:
        await self._connection.write(scheduled, [_values(row) for row in rows])

    async def find(self, scheduled_id: UUID) -> Scheduled | None:
        """By its id alone."""
        found = sa.select(scheduled).where(scheduled.c.scheduled_id == scheduled_id)
        row = await self._connection.first(found)
        return None if row is None else _scheduled(row)

    async def due(self, now: datetime, limit: int) -> list[Scheduled]:
        """What waits though its time has come, that of the earliest time first."""
        due = (
            sa.select(scheduled)
            .where(scheduled.c.finished_at.is_(None), scheduled.c.send_at <= now)
            .order_by(scheduled.c.send_at, scheduled.c.scheduled_id)
            .limit(limit)
        )
        return [_scheduled(row) for row in await self._connection.all(due)]

    async def next_at(self) -> datetime | None:
        """When the next that waits is due; None where nothing waits."""
        return await self._connection.scalar(
            sa.select(scheduled.c.send_at)
            .where(scheduled.c.finished_at.is_(None))
            .order_by(scheduled.c.send_at)
            .limit(1)
        )

    async def waiting(self, streams: Collection[UUID], ids: Collection[UUID]) -> set[UUID]:
        """Which of these still wait, in streams whose locks are held."""
        still = sa.select(scheduled.c.scheduled_id).where(
            scheduled.c.stream_id.in_(sorted(streams)),
            scheduled.c.scheduled_id.in_(sorted(ids)),
            scheduled.c.finished_at.is_(None),
        )
        return {row.scheduled_id for row in await self._connection.all(still)}

    async def finish(self, rows: Sequence[Scheduled]) -> None:
        """Write what became of rows that are there, under the locks of their streams."""
        await self._connection.write(scheduled, [_values(row) for row in rows], merge=_FINISHED)

    async def forget(self, before: datetime, limit: int) -> int:
        """Remove some of what was finished earlier, at most so many; how many these were."""
        old = sa.select(scheduled.c.stream_id, scheduled.c.scheduled_id).where(
            scheduled.c.finished_at < before
        )
        rows = await self._connection.all(old.limit(limit))
        for row in rows:
            await self._connection.execute(
                sa.delete(scheduled).where(
                    scheduled.c.stream_id == row.stream_id, scheduled.c.scheduled_id == row.scheduled_id
                )
            )
        return len(rows)


def _values(row: Scheduled) -> dict[str, object]:
    return {
        "stream_id": row.to.id,
        "scheduled_id": row.id,
        "send_at": row.send_at,
        "draft": {"audience": row.to.audience.value, **row.draft},
        "created_at": row.created_at,
        "finished_at": row.finished_at,
        "notification_id": row.notification_id,
        "refusal": row.refusal,
    }


def _scheduled(row: Row) -> Scheduled:
    draft = dict(row.draft)
    return Scheduled(
        id=row.scheduled_id,
        to=Address(audience=Audience(draft.pop("audience")), id=row.stream_id),
        send_at=row.send_at,
        draft=draft,
        created_at=row.created_at,
        finished_at=row.finished_at,
        notification_id=row.notification_id,
        refusal=row.refusal,
    )

"""How much waits to be sent, whoever it is for."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from tidings.storage.connection import Connection
from tidings.storage.tables import scheduled


class Queue:
    """Counts of what is to be sent later, each up to a limit beyond which the number is of no interest."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def due(self, before: datetime, limit: int) -> int:
        """How many should have been sent by then and are not."""
        waiting = sa.and_(scheduled.c.finished_at.is_(None), scheduled.c.send_at < before)
        return await self._count(waiting, limit)

    async def refused(self, since: datetime, limit: int) -> int:
        """How many were refused after that time."""
        refused = sa.and_(scheduled.c.refusal.is_not(None), scheduled.c.finished_at > since)
        return await self._count(refused, limit)

    async def _count(self, meant: sa.ColumnElement[bool], limit: int) -> int:
        some = sa.select(scheduled.c.scheduled_id).where(meant).limit(limit).subquery()
        return await self._connection.scalar(sa.select(sa.func.count()).select_from(some))

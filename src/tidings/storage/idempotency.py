"""The first answers to requests that bore an Idempotency-Key."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from tidings.errors import IdempotencyMismatch
from tidings.storage.connection import Connection
from tidings.storage.tables import idempotency

KEPT = timedelta(hours=24)


class Idempotency:
    """Claims on keys, each in the transaction of the request that it is for."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def claim(self, scope: UUID, key: str, body_hash: bytes, now: datetime) -> Any | None:
        """Claim the key for this transaction, or answer what the request that had it first was answered.

        None: it is the first, and `remember` is due. One that comes while the first is under way waits for
        its end, and is the first itself if that failed. Raises IdempotencyMismatch for another body.
        """
        insert = self._connection.upsert(idempotency).values(
            scope=scope, key=key, body_hash=body_hash, created_at=now
        )
        mine = sa.and_(idempotency.c.scope == scope, idempotency.c.key == key)
        while await self._connection.execute(insert.on_conflict_do_nothing()) == 0:
            first = await self._connection.first(sa.select(idempotency).where(mine).with_for_update())
            if first is None:  # it became old and was removed between the two statements
                continue
            if first.created_at > now - KEPT:
                if first.body_hash != body_hash:
                    raise IdempotencyMismatch
                return first.answer
            renewed = sa.update(idempotency).where(mine)
            await self._connection.execute(renewed.values(body_hash=body_hash, answer=None, created_at=now))
            break
        return None

    async def remember(self, scope: UUID, key: str, answer: Any) -> None:
        """Keep the answer to the request that claimed the key in this transaction."""
        await self._connection.execute(
            sa.update(idempotency)
            .where(idempotency.c.scope == scope, idempotency.c.key == key)
            .values(answer=answer)
        )

    async def forget(self, now: datetime) -> int:
        """Remove what is older than it is kept; how many answers that were."""
        return await self._connection.execute(
            sa.delete(idempotency).where(idempotency.c.created_at <= now - KEPT)
        )

"""The first answers to requests that bore an Idempotency-Key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from tidings.storage.connection import Connection, Merge
from tidings.storage.dialects import Instant, table_of
from tidings.storage.tables import idempotency

KEPT = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class First:
    """The request that had a key first."""

    said: bytes  # the SHA-256 of what it said
    answer: Any


class Idempotency:
    """Claims on keys, each in the transaction of the request that it is for."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def claim(self, scope: UUID, said: Mapping[str, bytes], now: datetime) -> dict[str, First]:
        """Claim keys, each with the SHA-256 of what is said under it, for this transaction.

        The answer has those that came before, within 24 hours: whether that was the same, the caller judges.
        The others are the first, and `remember` is due. One that comes while the first is under way waits for
        its end, and is the first itself if that failed.
        """
        rows = await self._connection.write(
            idempotency,
            [
                {"scope": scope, "key": key, "body_hash": hash_, "created_at": now}
                for key, hash_ in said.items()
            ],
            merge={"created_at": Merge.FIRST},  # changes nothing, and locks what is there in the keys' order
            returning=["key", "body_hash", "answer", "created_at"],
        )
        return {
            row.key: First(said=row.body_hash, answer=row.answer)
            for row in rows
            if row.answer is not None and row.created_at > now - KEPT
        }

    async def remember(self, scope: UUID, firsts: Mapping[str, First], now: datetime) -> None:
        """Keep the answers to what claimed the keys in this transaction."""
        rows = [
            {"scope": scope, "key": key, "body_hash": one.said, "answer": one.answer, "created_at": now}
            for key, one in firsts.items()
        ]
        merge = {"body_hash": Merge.TAKE, "answer": Merge.TAKE, "created_at": Merge.TAKE}
        await self._connection.write(idempotency, rows, merge=merge)

    async def forget(self, now: datetime, limit: int) -> int:
        """Remove some of what is older than it is kept, at most so many; how many these were."""
        old = idempotency.c.created_at <= now - KEPT
        found = await self._connection.all(
            sa.select(*[idempotency.c[name] for name in _OLD]).where(old).limit(limit)
        )
        rows: list[dict[str, Any]] = [{name: getattr(row, name) for name in _OLD} for row in found]
        if not rows:
            return 0
        # Locked as `claim` locks, in the order of the keys: who claims many of them at once waits for this.
        await self._connection.write(idempotency, rows, merge={"created_at": Merge.FIRST})
        values = self._connection.rows("old", _KEY, [(row["scope"], row["key"]) for row in rows])
        await self._connection.execute(_forget(self._connection.dialect), values | {"before": now - KEPT})
        return len(rows)


_OLD = ("scope", "key", "body_hash", "created_at")
_KEY = {"scope": sa.Uuid(), "key": sa.String()}


@lru_cache
def _forget(dialect: str) -> sa.Delete:
    old = table_of(dialect, "old", _KEY)
    keys = sa.tuple_(*[idempotency.c[name] for name in _KEY])
    before = sa.bindparam("before", type_=Instant())
    return sa.delete(idempotency).where(
        keys.in_(sa.select(*[old.c[name] for name in _KEY])), idempotency.c.created_at <= before
    )

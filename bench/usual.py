"""The usual way: a table with a row for each recipient, and the indexes a competent team gives it.

It runs on the same server through the same driver, each call a transaction of its own, as ours does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from tidings.storage.engine import Database

SCHEMA = """
CREATE TABLE usual (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    event text NOT NULL,
    topic text NOT NULL,
    severity text NOT NULL,
    title text NOT NULL,
    body text,
    data jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    seen_at timestamptz,
    read_at timestamptz,
    dismissed_at timestamptz
);
CREATE INDEX ON usual (user_id, created_at DESC);
CREATE INDEX ON usual (user_id, created_at DESC) WHERE seen_at IS NULL;
CREATE INDEX ON usual (user_id, created_at DESC) WHERE read_at IS NULL
"""

_FILL = sa.text("""
INSERT INTO usual (id, user_id, event, topic, severity, title, body, data, created_at)
SELECT gen_random_uuid(), :user, 'event.' || n % 8, 'topic.' || n % 8, 'info', 'Notification ' || n,
       'Something happened that you may want to know.', jsonb_build_object('number', n),
       now() - (:count - n) * interval '1 millisecond'
FROM generate_series(1, :count) n
""")
_FILL_OTHERS = sa.text("""
INSERT INTO usual (id, user_id, event, topic, severity, title, body, data, created_at)
SELECT gen_random_uuid(), who, 'event.' || n % 8, 'topic.' || n % 8, 'info', 'Notification ' || n,
       'Something happened that you may want to know.', jsonb_build_object('number', n),
       now() - (:each - n) * interval '1 second'
FROM generate_series(1, :each) n, unnest(cast(:users AS uuid[])) who
ORDER BY n
""")
_MARK_ALL = sa.text("UPDATE usual SET seen_at = now() WHERE user_id = :user AND seen_at IS NULL")
_UNMARK = sa.text("UPDATE usual SET seen_at = NULL WHERE user_id = :user")
_READ_ALL = sa.text(
    "UPDATE usual SET read_at = now(), seen_at = now() WHERE user_id = :user AND read_at IS NULL"
)
_COUNT = sa.text("SELECT count(*) FROM usual WHERE user_id = :user AND seen_at IS NULL")
_PAGE = sa.text("SELECT * FROM usual WHERE user_id = :user ORDER BY created_at DESC LIMIT 51")
_UNREAD = sa.text(
    "SELECT * FROM usual WHERE user_id = :user AND read_at IS NULL ORDER BY created_at DESC LIMIT 51"
)
_CLEAR = sa.text("DELETE FROM usual WHERE user_id = :user AND read_at IS NOT NULL")
_INSERT = sa.text("""
INSERT INTO usual (id, user_id, event, topic, severity, title, body, data, created_at)
VALUES (:id, :user, 'event.1', 'topic.1', 'info', :title, :body, '{"number": 1}', now())
""")


class Usual:
    """One user's rows, and the calls on them."""

    def __init__(self, database: Database, user: UUID) -> None:
        self._database = database
        self._user = {"user": user}

    async def fill(self, count: int) -> None:
        await self._write(_FILL, count=count)

    async def mark_all(self) -> None:
        await self._write(_MARK_ALL)

    async def unmark(self) -> None:
        await self._write(_UNMARK)
        await vacuum(self._database)

    async def read_all(self) -> None:
        await self._write(_READ_ALL)

    async def clear_read(self) -> None:
        await self._write(_CLEAR)

    async def count(self) -> int:
        rows = await self._read(_COUNT)
        return rows[0][0]

    async def page(self) -> Sequence[Any]:
        return await self._read(_PAGE)

    async def unread_page(self) -> Sequence[Any]:
        return await self._read(_UNREAD)

    async def insert(self) -> None:
        values = {"title": "Notification", "body": "Something happened that you may want to know."}
        await self._write(_INSERT, id=uuid4(), **values)

    async def _write(self, statement: sa.TextClause, **values: Any) -> None:
        async with self._database.begin() as store:
            await store.connection.execute(statement, {**self._user, **values})

    async def _read(self, statement: sa.TextClause) -> Sequence[Any]:
        async with self._database.read() as store:
            return await store.connection.all(statement, self._user)


async def create(database: Database) -> None:
    async with database.begin() as store:
        for statement in SCHEMA.split(";"):
            await store.connection.execute(sa.text(statement))


async def populate(database: Database, users: Sequence[UUID], each: int) -> None:
    """So many rows for each of the users, who get theirs in turns, as it happens."""
    async with database.begin() as store:
        await store.connection.execute(_FILL_OTHERS, {"users": list(users), "each": each})


async def vacuum(database: Database) -> None:
    """What autovacuum would have done by the next call; outside of the measured time."""
    async with database.read() as store:
        await store.connection.execute(sa.text("VACUUM ANALYZE usual"))

"""SQLite, the embedded default: one file, one writer, and some readers beside it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from tidings.clock import Clock
from tidings.storage import dialects
from tidings.storage.connection import Connection, Row, Values


class SqliteConnection(Connection):
    """A connection of aiosqlite, by SQLAlchemy."""

    dialect = "sqlite"

    def __init__(self, connection: AsyncConnection, clock: Clock) -> None:
        super().__init__(clock)
        self._connection = connection

    async def all(self, statement: sa.Executable, values: Values | None = None) -> Sequence[Row]:
        return (await self._connection.execute(statement, values)).all()

    async def first(self, statement: sa.Executable, values: Values | None = None) -> Row | None:
        return (await self._connection.execute(statement, values)).first()

    async def scalar(self, statement: sa.Executable, values: Values | None = None) -> Any:
        return (await self._connection.execute(statement, values)).scalar()

    async def execute(self, statement: sa.Executable, values: Values | None = None) -> int:
        return (await self._connection.execute(statement, values)).rowcount

    def savepoint(self) -> AbstractAsyncContextManager[Any]:
        return self._connection.begin_nested()


class Sqlite:
    """One writer, so that writers wait in line and not in SQLite's busy loop, and some readers beside it."""

    def __init__(self, url: URL, clock: Clock, synchronous: str) -> None:
        self._clock = clock
        options: dict[str, Any] = {
            "json_serializer": dialects.dumps,
            "json_deserializer": dialects.loads,
            "max_overflow": 0,
            "pool_timeout": 60,
            "poolclass": sa.AsyncAdaptedQueuePool,
        }
        self.engine: AsyncEngine = create_async_engine(url, pool_size=1, **options)
        self._reader = create_async_engine(url, pool_size=4, isolation_level="AUTOCOMMIT", **options)
        for engine in (self.engine, self._reader):
            event.listen(engine.sync_engine, "connect", _prepare(synchronous))
        event.listen(self.engine.sync_engine, "begin", _begin_immediate)

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[Connection]:
        async with self.engine.begin() as connection:
            yield SqliteConnection(connection, self._clock)

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[Connection]:
        async with self._reader.connect() as connection:
            yield SqliteConnection(connection, self._clock)

    async def dispose(self) -> None:
        await self._reader.dispose()
        await self.engine.dispose()


def _prepare(synchronous: str) -> Any:
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # BEGIN is ours: see _begin_immediate
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "busy_timeout=30000",
            "cache_size=-65536",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return prepare


def _begin_immediate(connection: sa.Connection) -> None:
    # A transaction that reads first and writes later fails at once as "locked", whatever the timeout.
    connection.exec_driver_sql("BEGIN IMMEDIATE")

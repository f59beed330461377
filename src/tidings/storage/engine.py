"""The two databases: how to connect, and the two ways of using a connection."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tidings.clock import Clock, SystemClock
from tidings.storage.catalog import EventCache
from tidings.storage.store import Store

_SERVER_SETTINGS = {
    # A generic plan made a count 90 times slower: each statement is planned for its own parameters.
    "plan_cache_mode": "force_custom_plan",
    "jit": "off",
    "timezone": "UTC",
}


def _dumps(value: Any) -> str:
    return orjson.dumps(value).decode()


class Database:
    """One database, SQLite or PostgreSQL. Every use of it is one connection's `Store`."""

    def __init__(
        self, url: str, *, clock: Clock | None = None, pool_size: int = 10, synchronous: str = "FULL"
    ) -> None:
        """`synchronous` is SQLite's pragma: FULL survives a power cut, NORMAL only a crash of the process."""
        self.url = normalised(url)
        self.clock = clock or SystemClock()
        self.events = EventCache()
        if self.url.get_backend_name() == "sqlite":
            self._writer, self._reader = _sqlite(self.url, synchronous)
        else:
            self._writer, self._reader = _postgresql(self.url, pool_size)

    @property
    def engine(self) -> AsyncEngine:
        """The engine on which transactions run."""
        return self._writer

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[Store]:
        """A transaction that may write: committed at the end, rolled back on any exception."""
        async with self._writer.begin() as connection:
            yield Store(connection, self.clock, self.events)

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[Store]:
        """A connection for reading: each statement is a snapshot of its own, without BEGIN and ROLLBACK."""
        async with self._reader.connect() as connection:
            yield Store(connection, self.clock, self.events)

    async def dispose(self) -> None:
        """Close every connection."""
        await self._reader.dispose()
        await self._writer.dispose()


def normalised(url: str) -> URL:
    """The URL with the driver that Tidings uses: `postgres://…` and `sqlite:///…` are enough."""
    parsed = make_url(url)
    drivers = {
        "sqlite": "sqlite+aiosqlite",
        "postgresql": "postgresql+asyncpg",
        "postgres": "postgresql+asyncpg",
    }
    driver = drivers.get(parsed.drivername.partition("+")[0])
    if driver is None:
        raise ValueError(f"The database must be sqlite or postgresql, not {parsed.drivername!r}.")
    return parsed.set(drivername=driver)


def _postgresql(url: URL, pool_size: int) -> tuple[AsyncEngine, AsyncEngine]:
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        json_serializer=_dumps,
        json_deserializer=orjson.loads,
        connect_args={"server_settings": _SERVER_SETTINGS},
    )
    return engine, engine.execution_options(isolation_level="AUTOCOMMIT")


def _sqlite(url: URL, synchronous: str) -> tuple[AsyncEngine, AsyncEngine]:
    """One writer, so that writers wait in line and not in SQLite's busy loop, and some readers beside it."""
    options: dict[str, Any] = {
        "json_serializer": _dumps,
        "json_deserializer": orjson.loads,
        "max_overflow": 0,
        "pool_timeout": 60,
        "poolclass": sa.AsyncAdaptedQueuePool,
    }
    writer = create_async_engine(url, pool_size=1, **options)
    reader = create_async_engine(url, pool_size=4, isolation_level="AUTOCOMMIT", **options)
    for engine in (writer, reader):
        event.listen(engine.sync_engine, "connect", _prepare_sqlite(synchronous))
    event.listen(writer.sync_engine, "begin", _begin_immediate)
    return writer, reader


def _prepare_sqlite(synchronous: str) -> Any:
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

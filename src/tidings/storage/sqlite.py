"""SQLite, the embedded default: one file, one writer, and some readers beside it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

import aiosqlite
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from tidings.clock import Clock
from tidings.storage import dialects
from tidings.storage.connection import Connection, Row, Values

T = TypeVar("T")

_BUSY_SECONDS = 30  # that a writer of another process is waited for
_BUSY_PAUSE_SECONDS = 0.02


class SqliteConnection(Connection):
    """A connection of aiosqlite, by SQLAlchemy."""

    dialect = "sqlite"

    def __init__(self, connection: AsyncConnection, clock: Clock) -> None:
        super().__init__(clock)
        self._connection = connection

    async def all(self, statement: sa.Executable, values: Values | None = None) -> Sequence[Row]:
        return (await self._run(statement, values)).all()

    async def first(self, statement: sa.Executable, values: Values | None = None) -> Row | None:
        return (await self._run(statement, values)).first()

    async def scalar(self, statement: sa.Executable, values: Values | None = None) -> Any:
        return (await self._run(statement, values)).scalar()

    async def execute(self, statement: sa.Executable, values: Values | None = None) -> int:
        return (await self._run(statement, values)).rowcount

    async def _run(self, statement: sa.Executable, values: Values | None) -> sa.CursorResult[Any]:
        return await _to_its_end(self._connection.execute(statement, values))

    def savepoint(self) -> AbstractAsyncContextManager[Any]:
        return self._connection.begin_nested()


class Sqlite:
    """One writer, so that writers wait in line and not in SQLite's busy loop, and some readers beside it."""

    def __init__(self, url: URL, clock: Clock, synchronous: str) -> None:
        self._clock = clock
        options: dict[str, Any] = {
            "hide_parameters": True,  # an error is logged, and among them are keys
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
        async with _Whole(self.engine.begin()) as connection:
            yield SqliteConnection(connection, self._clock)

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[Connection]:
        async with _Whole(self._reader.connect()) as connection:
            yield SqliteConnection(connection, self._clock)

    async def dispose(self) -> None:
        await self._reader.dispose()
        await self.engine.dispose()


# A statement that is cancelled half-way makes SQLAlchemy throw its connection away, and the transaction in
# it would hold SQLite's only lock for writing until the connection is collected as garbage. So whoever is
# cancelled waits for the statement, which is short, and then takes the transaction back.


async def _to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """What `work` answers. Who is cancelled meanwhile is told so when it has ended."""
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return task.result()
    task.exception()  # it is looked at, and of no more interest
    raise cancelled


class _Whole:
    """A connection or transaction of SQLAlchemy's, entered and left as a whole."""

    def __init__(self, manager: AbstractAsyncContextManager[AsyncConnection]) -> None:
        self._manager = manager

    async def __aenter__(self) -> AsyncConnection:
        entering = asyncio.create_task(self._manager.__aenter__())
        try:
            return await _to_its_end(_result(entering))
        except asyncio.CancelledError as error:
            if entering.exception() is None:
                await _to_its_end(self._manager.__aexit__(type(error), error, None))
            raise

    async def __aexit__(self, *error: Any) -> bool | None:
        return await _to_its_end(self._manager.__aexit__(*error))


async def _result(task: asyncio.Task[T]) -> T:
    return await task


def _prepare(synchronous: str) -> Any:
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # BEGIN is ours: see _begin_immediate
        connection.create_function("unhex", 1, bytes.fromhex, deterministic=True)  # new in SQLite 3.41
        connection.run_async(_write_ahead)
        cursor = connection.cursor()
        for pragma in (
            f"synchronous={synchronous}",
            f"busy_timeout={_BUSY_SECONDS * 1000}",
            "cache_size=-65536",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return prepare


async def _write_ahead(driver: aiosqlite.Connection) -> None:
    """Have a log written ahead. Of a new file SQLite refuses this at once while another process writes."""
    clock = asyncio.get_running_loop().time
    until = clock() + _BUSY_SECONDS
    while True:
        try:
            async with driver.execute("PRAGMA journal_mode=WAL"):
                return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or clock() > until:
                raise
        await asyncio.sleep(_BUSY_PAUSE_SECONDS)


def _begin_immediate(connection: sa.Connection) -> None:
    # A transaction that reads first and writes later fails at once as "locked", whatever the timeout.
    connection.exec_driver_sql("BEGIN IMMEDIATE")

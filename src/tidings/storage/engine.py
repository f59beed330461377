"""The two databases: how to connect, and the two ways of using a connection."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Set
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from tidings.clock import Clock, SystemClock
from tidings.storage.catalog import EventCache
from tidings.storage.postgresql import Postgres
from tidings.storage.sqlite import Sqlite
from tidings.storage.store import Store


class Database:
    """One database, SQLite or PostgreSQL. Every use of it is one connection's `Store`."""

    def __init__(
        self,
        url: str,
        *,
        clock: Clock | None = None,
        pool_size: int = 10,
        synchronous: str = "FULL",
        channels: Collection[str] = (),
    ) -> None:
        """`synchronous` is SQLite's pragma: FULL survives a power cut, NORMAL only a crash of the process.

        `channels` are those, beside the inbox, for which a notification that is appended leaves jobs.
        """
        self.url = normalised(url)
        self.clock = clock or SystemClock()
        self.events = EventCache()
        self.on_news: Callable[[Set[UUID], Set[UUID]], None] | None = None
        """Called after a commit with the streams and readers of whom there is news."""
        self.on_jobs: Callable[[], None] | None = None
        """Called after a commit that left something to do."""
        self._channels = frozenset(channels)
        self._backend = (
            Sqlite(self.url, self.clock, synchronous)
            if self.url.get_backend_name() == "sqlite"
            else Postgres(self.url, self.clock, pool_size)
        )

    @property
    def engine(self) -> AsyncEngine:
        """SQLAlchemy's engine, on which migrations run."""
        return self._backend.engine

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[Store]:
        """A transaction that may write: committed at the end, rolled back on any exception."""
        async with self._backend.begin() as connection:
            store = Store(connection, self.events, self._channels)
            yield store
        if store.catalog.changed:
            self.events.forget()
        streams, readers = connection.streams_touched, connection.readers_touched
        if self.on_news is not None and (streams or readers):
            self.on_news(streams, readers)
        if self.on_jobs is not None and connection.jobs_added:
            self.on_jobs()

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[Store]:
        """A connection for reading: each statement is a snapshot of its own, without BEGIN and ROLLBACK."""
        async with self._backend.read() as connection:
            yield Store(connection, self.events, self._channels)

    async def dispose(self) -> None:
        """Close every connection."""
        await self._backend.dispose()


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

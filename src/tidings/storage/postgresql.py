"""PostgreSQL: SQLAlchemy writes the statements, asyncpg and its pool run them.

Through SQLAlchemy's engine each statement costs about as much again as the server and the driver need for it;
docs/decisions/0008 has the figures.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cached_property, lru_cache, partial
from typing import Any, NamedTuple, cast

import asyncpg  # pyright: ignore[reportMissingTypeStubs] - it has none
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tidings.clock import Clock
from tidings.storage import dialects
from tidings.storage.connection import Connection, Row, Values

_SERVER_SETTINGS = {
    # One plan a statement, whatever its parameters: the plan that tests/test_plans.py reads is the one that
    # runs, and a count is not planned anew each time, which takes longer than to run it. See also
    # `dialects.expecting_many`.
    "plan_cache_mode": "force_generic_plan",
    # A page of an index costs hardly more than the next one of a table: else a few hundred users, or tokens,
    # are scanned for one of them.
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
}
_ASYNCPG: Any = asyncpg  # it has no types
_DIALECT = asyncpg_dialect(json_serializer=dialects.dumps)
_POOL_SETTINGS = {
    "lock_timeout": "30s"
}  # who holds a lock and says no more does not stop all others for ever
_KEPT_STATEMENTS = 256  # that a connection keeps prepared
_ACQUIRE_SECONDS = 30
_CLOSE_SECONDS = 10
_KEPT_SECONDS = 1


class _Parameter(NamedTuple):
    name: str
    default: Any
    required: bool
    process: Callable[[Any], Any] | None


class _Text(NamedTuple):
    """A statement as the driver takes it."""

    sql: str
    parameters: Sequence[_Parameter]

    def arguments(self, values: Values) -> list[Any]:
        """The arguments in their order. Raises KeyError for a value that is missing."""
        found: list[Any] = []
        for name, default, required, process in self.parameters:
            value = values[name] if required or name in values else default
            found.append(value if process is None else process(value))
        return found


def _text_of(statement: sa.Executable) -> _Text:
    clause = cast(sa.ClauseElement, statement)
    compiled: Any = clause.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    binds, given = compiled.binds, compiled.params
    return _Text(
        str(compiled), [_parameter(binds.get(name), name, given) for name in compiled.positiontup or ()]
    )


def _parameter(bind: sa.BindParameter[Any] | None, name: str, given: Values) -> _Parameter:
    """Without `bind` it is one of a list that was written out into the text."""
    if bind is None:
        return _Parameter(name, given[name], False, None)
    process = bind.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)
    return _Parameter(name, given[name], bind.required, process)


_kept = lru_cache(maxsize=1024)(_text_of)


class _Record(asyncpg.Record):
    """A row whose columns are attributes."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class PostgresConnection(Connection):
    """A connection of asyncpg."""

    dialect = "postgresql"

    def __init__(self, driver: Any, clock: Clock) -> None:
        super().__init__(clock)
        self._driver = driver

    async def all(self, statement: sa.Executable, values: Values | None = None) -> Sequence[Row]:
        return await self._driver.fetch(*sent(statement, values))

    async def first(self, statement: sa.Executable, values: Values | None = None) -> Row | None:
        return await self._driver.fetchrow(*sent(statement, values))

    async def scalar(self, statement: sa.Executable, values: Values | None = None) -> Any:
        return await self._driver.fetchval(*sent(statement, values))

    async def execute(self, statement: sa.Executable, values: Values | None = None) -> int:
        status: str = await self._driver.execute(*sent(statement, values))
        count = status.rpartition(" ")[2]  # as in "INSERT 0 24"
        return int(count) if count.isdecimal() else 0

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """What is done within is committed at the end, or taken back where it raises."""
        return self._driver.transaction()

    savepoint = transaction


def sent(statement: sa.Executable, values: Values | None) -> list[Any]:
    """What the driver is given: the text, which is made once if the statement is, and its arguments."""
    if values is None:
        text = _text_of(statement)
        return [text.sql, *text.arguments({})]
    text = _kept(statement)
    return [text.sql, *text.arguments(values)]


class Postgres:
    """A pool of connections. The one used last is used next, for its statements are prepared."""

    def __init__(self, url: URL, clock: Clock, pool_size: int) -> None:
        # As libpq writes it, so that sslmode, a list of hosts and the like mean what they mean elsewhere.
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._clock, self._size = clock, pool_size
        self._pool: Any = None
        self._waiting = 0  # for a connection of the pool
        self._kept: list[Any] = []
        self._returning: asyncio.TimerHandle | None = None
        self._opening = asyncio.Lock()

    @cached_property
    def engine(self) -> AsyncEngine:
        """For migrations, and for tests that look past the core."""
        return create_async_engine(
            "postgresql+asyncpg://",
            async_creator=partial(_ASYNCPG.connect, self._dsn, server_settings=_SERVER_SETTINGS),
            poolclass=sa.NullPool,
            json_serializer=dialects.dumps,
            json_deserializer=dialects.loads,
        )

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[Connection]:
        async with self.read() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[PostgresConnection]:
        pool = self._pool
        if pool is None:
            async with self._opening:
                pool = self._pool = self._pool or await self._opened()
        driver = await self._taken(pool)
        try:
            yield PostgresConnection(driver, self._clock)
        except BaseException:
            await pool.release(driver)  # which waits for what may still be under way
            raise
        if self._waiting or pool is not self._pool:
            await pool.release(driver)
        else:
            self._keep(pool, driver)

    async def dispose(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                await self._return(pool)
                await asyncio.wait_for(pool.close(), _CLOSE_SECONDS)
            except TimeoutError:
                pool.terminate()

    async def _taken(self, pool: Any) -> Any:
        while self._kept:
            driver = self._kept.pop()
            if _is_open(driver):
                return driver
            await pool.release(driver)
        self._waiting += 1
        try:
            return await pool.acquire(timeout=_ACQUIRE_SECONDS)
        finally:
            self._waiting -= 1

    def _keep(self, pool: Any, driver: Any) -> None:
        """Have it at hand for a moment: the way through the pool takes as long as a short statement."""
        self._kept.append(driver)
        if self._returning is None:
            loop = asyncio.get_running_loop()
            self._returning = loop.call_later(_KEPT_SECONDS, self._return, pool)

    def _return(self, pool: Any) -> asyncio.Future[Any]:
        """Give back what is at hand: it is the pool that closes what nobody uses."""
        if self._returning is not None:
            self._returning.cancel()
        kept, self._kept, self._returning = self._kept, [], None
        return asyncio.gather(*map(pool.release, kept), return_exceptions=True)

    async def _opened(self) -> Any:
        """An empty pool; connections are made when they are needed."""
        return await _ASYNCPG.create_pool(
            self._dsn,
            min_size=0,
            max_size=self._size,
            record_class=_Record,
            server_settings=_SERVER_SETTINGS | _POOL_SETTINGS,
            statement_cache_size=_KEPT_STATEMENTS,
            max_cacheable_statement_size=0,  # a page of many lanes is a long statement
            init=_prepare,
            reset=_leave,
        )


def _is_open(driver: Any) -> bool:
    try:
        return not driver.is_closed()
    except _ASYNCPG.InterfaceError:  # the server closed it, and the pool has it back
        return False


async def _prepare(driver: Any) -> None:
    """JSON is text to SQLAlchemy's types on the way in, and an object on the way out."""
    for kind, encode, decode in (("json", str, dialects.loads), ("jsonb", str, dialects.loads)):
        await driver.set_type_codec(kind, encoder=encode, decoder=decode, schema="pg_catalog")


async def _leave(_driver: Any) -> None:
    """Nothing of a session is ever set that a RESET ALL would have to take back."""

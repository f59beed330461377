"""What the connections to PostgreSQL do when something goes wrong with them."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import asyncpg
import pytest
import sqlalchemy as sa

from tests.conftest import OpenDatabase, Run
from tidings.inbox import membership
from tidings.model import Reader
from tidings.storage import postgresql
from tidings.storage.engine import Database
from tidings.storage.tables import reader

ONE = sa.select(sa.literal(1))
OTHERS = sa.text("""
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
""")


@pytest.fixture
def database(postgres_url: str, open_database: OpenDatabase) -> Database:
    return open_database(postgres_url)


def test_connections_that_the_server_closed_are_replaced(run: Run, database: Database) -> None:
    async def work() -> None:
        async def ask() -> int:
            async with database.read() as store:
                await asyncio.sleep(0.05)
                return await store.scalar(ONE)

        await asyncio.gather(*[ask() for _ in range(5)])
        async with database.engine.connect() as other:
            closed = (await other.execute(OTHERS)).all()
        assert len(closed) == 5
        await asyncio.sleep(0.1)
        assert await asyncio.gather(*[ask() for _ in range(5)]) == [1] * 5

    run(work())


def test_what_is_cancelled_is_rolled_back(run: Run, database: Database) -> None:
    async def work() -> None:
        begun = asyncio.Event()

        async def slow() -> None:
            async with database.begin() as store:
                await store.readers.create(Reader(id=uuid4()))
                begun.set()
                await store.scalar(sa.text("SELECT pg_sleep(60)"))

        task = asyncio.create_task(slow())
        await begun.wait()
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with database.begin() as store:
            assert await store.scalar(sa.select(sa.func.count()).select_from(reader)) == 0
            assert (
                await store.scalar(
                    sa.text("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%'")
                )
                == 0
            )

    run(work())


def test_who_finds_no_connection_waits_for_one(run: Run, postgres_url: str) -> None:
    async def work() -> None:
        database = Database(postgres_url, pool_size=2)

        async def open_user() -> None:
            async with database.begin() as store:
                await membership.open_user(store, uuid4())

        await asyncio.gather(*[open_user() for _ in range(20)])
        async with database.read() as store:
            assert await store.scalar(sa.select(sa.func.count()).select_from(reader)) == 20
            mine = "datname = current_database() AND backend_type = 'client backend'"
            most = sa.text(f"SELECT count(*) FROM pg_stat_activity WHERE {mine}")
            assert await store.scalar(most) <= 2
        await database.dispose()

    run(work())


def test_a_connection_that_the_server_ended_is_not_used_again(run: Run, postgres_url: str) -> None:
    async def work() -> None:
        database, other = Database(postgres_url), Database(postgres_url)
        of_mine = sa.text("SELECT pg_backend_pid()")
        async with database.read() as store:
            mine = await store.scalar(of_mine)
        async with database.read() as store:
            assert await store.scalar(of_mine) == mine, "it was at hand"
        async with other.read() as store:
            assert await store.scalar(sa.text(f"SELECT pg_terminate_backend({mine})"))
        while True:  # until that is heard of here
            await asyncio.sleep(0.01)
            try:
                async with database.read() as store:
                    assert await store.scalar(of_mine) != mine
                    break
            except asyncpg.PostgresError:
                continue
        await database.dispose()
        await other.dispose()

    run(work())


def test_what_is_at_hand_goes_back_to_the_pool(
    run: Run, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "_KEPT_SECONDS", 0.02)

    async def work() -> None:
        database = Database(postgres_url)
        assert isinstance(database._backend, postgresql.Postgres)
        for _ in range(2):
            async with database.read() as store:
                await store.now()
            pool = database._backend._pool
            assert (pool.get_size(), pool.get_idle_size()) == (1, 0)
            await asyncio.sleep(0.1)
            assert (pool.get_size(), pool.get_idle_size()) == (1, 1)
        await database.dispose()

    run(work())


def test_a_value_that_is_missing_is_an_error_and_not_null(run: Run, database: Database) -> None:
    async def work() -> None:
        named = sa.select(sa.bindparam("name", type_=sa.Text()))
        async with database.read() as store:
            assert await store.connection.scalar(named, {"name": None}) is None
            with pytest.raises(KeyError, match="name"):
                await store.connection.scalar(named, {})

    run(work())


def test_the_address_may_say_what_libpq_knows(run: Run, postgres_url: str) -> None:
    async def work() -> None:
        database = Database(f"{postgres_url}&sslmode=disable&application_name=back+office")
        name = sa.text("SELECT current_setting('application_name')")
        async with database.read() as store:
            assert await store.scalar(name) == "back office"
        async with database.engine.connect() as connection:
            assert await connection.scalar(name) == "back office"
        await database.dispose()

    run(work())

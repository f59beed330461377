"""What the tests stand on: two migrated databases, an event loop, and a clock that a test moves.

The tests are plain functions: what is asynchronous they hand to `run`, all of one test in one event loop.
PostgreSQL is real and starts with the first test that asks for it; every test gets a database of its own.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Coroutine, Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pytest

from tests.recorder import Recorder, listen
from tests.servers import Postgres, postgres
from tidings.clock import Clock
from tidings.storage import migrate
from tidings.storage.engine import Database

if TYPE_CHECKING:
    from tests.office import Office

BACKENDS = ("sqlite", "postgresql")

T = TypeVar("T")

recorder = Recorder()
_told: list[str] = []


def pytest_configure() -> None:
    listen(recorder.record)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The rules for statements come last: they hold for all statements that the other tests sent."""
    items.sort(key=lambda item: item.path.name == "test_sql_rules.py")


class Run(Protocol):
    """Runs a coroutine to its end in the test's own event loop."""

    def __call__(self, coroutine: Coroutine[Any, Any, T], /) -> T: ...


class MovingClock:
    """A clock that stands still until a test moves it; it does not ask the database's."""

    def __init__(self, at: datetime = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)) -> None:
        self.at = at

    def now(self, database: datetime | None) -> datetime:
        return self.at

    def move(self, **duration: float) -> datetime:
        """Move on by a timedelta's arguments (`hours=1`); the time it is then."""
        self.at += timedelta(**duration)
        return self.at


async def migrated(url: str) -> None:
    """Bring the database at `url` up to date, and let go of it."""
    database = Database(url)
    try:
        await migrate.upgrade(database)
    finally:
        await database.dispose()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests told by `tell`: how much was tried, which a dot does not say."""
    if _told:
        terminalreporter.section("told by the tests")
        for line in _told:
            terminalreporter.line(line)


@pytest.fixture
def tell() -> Callable[[str], None]:
    """Says a line at the end of the run, whether or not the test passes."""
    return _told.append


@pytest.fixture(scope="session")
def recorded() -> Recorder:
    """Every statement that this process has sent to PostgreSQL."""
    return recorder


@pytest.fixture
def run() -> Generator[Run]:
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture(scope="session")
def postgres_server() -> Generator[Postgres]:
    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Postgres) -> str:
    """The name of a migrated database of which every other is a copy: migrating takes longer than copying."""
    name = postgres_server.create()
    asyncio.run(migrated(postgres_server.url(name)))
    return name


@pytest.fixture(scope="session")
def new_postgres_url(postgres_server: Postgres, postgres_template: str) -> Callable[[], str]:
    """Creates one more migrated database at each call, for who needs several or keeps one."""
    return lambda: postgres_server.url(postgres_server.create(postgres_template))


@pytest.fixture
def postgres_url(postgres_server: Postgres, postgres_template: str) -> Generator[str]:
    """A migrated database on PostgreSQL, this test's own."""
    name = postgres_server.create(postgres_template)
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture
def empty_postgres_url(postgres_server: Postgres) -> Generator[str]:
    """A database on PostgreSQL in which there is nothing yet."""
    name = postgres_server.create()
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    asyncio.run(migrated(f"sqlite:///{path}"))
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A migrated database on SQLite, this test's own."""
    path = tmp_path / "tidings.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=BACKENDS)
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database, this test's own: each test runs on SQLite and on PostgreSQL."""
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


class OpenDatabase(Protocol):
    def __call__(self, url: str, *, clock: Clock | None = None, pool_size: int = 10) -> Database: ...


@pytest.fixture
def open_database(run: Run) -> Generator[OpenDatabase]:
    """Opens databases that are closed when the test ends."""
    opened: list[Database] = []

    def open_(url: str, *, clock: Clock | None = None, pool_size: int = 10) -> Database:
        opened.append(Database(url, clock=clock, pool_size=pool_size, synchronous="NORMAL"))
        return opened[-1]

    yield open_
    for database in opened:
        run(database.dispose())


@pytest.fixture
def database(database_url: str, clock: MovingClock, open_database: OpenDatabase) -> Database:
    """A migrated database that goes by the test's `clock`."""
    return open_database(database_url, clock=clock)


@pytest.fixture
def office(run: Run, database_url: str, clock: MovingClock) -> Generator[Office]:
    """A database from which notifications leave by mail."""
    from tests.office import Office

    database = Database(database_url, clock=clock, synchronous="NORMAL", channels=("email",))
    yield Office(run, database, clock)
    run(database.dispose())

"""What several subcommands have in common: options, settings, and how errors are told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from tidings.settings import Settings
    from tidings.storage.engine import Database
    from tidings.storage.store import Store

BAD_USE = 2
FAILURE = 1

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="sqlite:///path or postgresql://user:password@host/name; else as TIDINGS_DATABASE_URL says.",
        show_default=False,
    ),
]
Host = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Where to listen.", show_default="127.0.0.1")
]
Port = Annotated[
    int | None, typer.Option(min=0, max=65535, help="Where to listen; 0: any free port.", show_default="8800")
]
Workers = Annotated[
    int | None,
    typer.Option(min=1, max=256, help="How many processes serve; several need PostgreSQL.", show_default="1"),
]
RedisUrl = Annotated[
    str | None,
    typer.Option(
        "--redis",
        metavar="URL",
        help="Redis or Valkey, over which processes wake each other and share rate limits; else as "
        "TIDINGS_REDIS_URL says.",
        show_default=False,
    ),
]

T = TypeVar("T")
Loop = Callable[[], asyncio.AbstractEventLoop]


def fail(message: str, code: int = FAILURE) -> NoReturn:
    """Tell what went wrong, and end."""
    typer.secho(f"tidings: {message}", err=True, fg=typer.colors.RED)
    raise typer.Exit(code)


def settings(**given: Any) -> Settings:
    """The settings: what was given as an option (not None), else the environment, else the default."""
    from pydantic import ValidationError

    from tidings.settings import Settings

    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        told = [": ".join([*_setting(one["loc"]), one["msg"]]) for one in error.errors()]
        fail("the settings do not fit.\n  " + "\n  ".join(told), BAD_USE)


def _setting(place: tuple[int | str, ...]) -> list[str]:
    """The name of the setting, of which there is none where several do not go together."""
    return [f"TIDINGS_{place[0]}".upper()] if place else []


def run(coroutine: Coroutine[Any, Any, T], code: int = FAILURE, *, loop: Loop | None = None) -> T:
    """Run to the end; what an operator can mend is told in a line and with `code`, not in a traceback.

    `loop` makes another event loop than Python's own.
    """
    with _told(code), asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(coroutine)


async def open_database(chosen: Settings, *, delivers: bool = True) -> Database:
    """The database, with the newest schema; for SQLite it is made.

    What is appended goes out by mail and the like, too, if it `delivers`. Raises RuntimeError where the
    schema is an older one.
    """
    from tidings.storage import migrate
    from tidings.storage.engine import Database

    database = Database(
        chosen.database_url,
        pool_size=chosen.pool_size,
        synchronous=chosen.sqlite_synchronous,
        channels=chosen.channels if delivers else (),
    )
    try:
        if chosen.migrates:
            await migrate.upgrade(database)
        elif await migrate.revision(database) != migrate.newest_revision():
            raise RuntimeError("the schema of the database is not the newest: run `tidings migrate` first.")
    except BaseException:
        await database.dispose()
        raise
    return database


def in_transaction(chosen: Settings, work: Callable[[Store], Awaitable[T]]) -> T:
    """Do `work` in one transaction of the database that the settings name."""
    from tidings.cli import logs

    logs.configure(chosen)

    async def done() -> T:
        database = await open_database(chosen)
        try:
            async with database.begin() as store:
                return await work(store)
        finally:
            await database.dispose()

    return run(done())


@contextmanager
def _told(code: int) -> Generator[None]:
    from tidings.errors import TidingsError
    from tidings.storage.failures import FAILURES, reason

    try:
        yield
    except typer.Exit:  # a RuntimeError, and told already
        raise
    except TidingsError as error:
        fail(error.message, code)
    except FAILURES as error:
        fail(f"the database refuses: {reason(error)}", code)
    except (OSError, RuntimeError, ValueError) as error:
        fail(str(error), code)

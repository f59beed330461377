"""Bringing a database to the newest schema: one chain of migrations for both databases."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from tidings.storage.engine import Database

_LOCK = 7_364_827_001  # any number, the same in every process that migrates


async def upgrade(database: Database) -> None:
    """Run the migrations that are missing; harmless when there are none, or when several processes do it."""
    _make_folder(database)
    async with database.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        await connection.run_sync(_upgrade)


async def revision(database: Database) -> str | None:
    """The revision that the database is at; None where it has no schema yet."""
    _make_folder(database)
    async with database.engine.connect() as connection:
        return await connection.run_sync(lambda c: MigrationContext.configure(c).get_current_revision())


def newest_revision() -> str | None:
    """The revision that this version of Tidings wants."""
    return ScriptDirectory.from_config(config()).get_current_head()


def _upgrade(connection: sa.Connection) -> None:
    chain = config()
    chain.attributes["connection"] = connection
    command.upgrade(chain, "head")


def config() -> Config:
    """The chain of migrations, as Alembic takes it; its connection is to be put into the attributes."""
    chain = Config()
    chain.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    chain.set_main_option("path_separator", "os")
    return chain


def _make_folder(database: Database) -> None:
    """SQLite makes the file, but not the folder it lies in."""
    file = database.url.database
    if database.url.get_backend_name() == "sqlite" and file and file != ":memory:":
        Path(file).parent.mkdir(parents=True, exist_ok=True)

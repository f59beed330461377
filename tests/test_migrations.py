"""One chain of migrations makes, on both databases, exactly the schema that storage/tables.py describes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tests.conftest import BACKENDS, OpenDatabase, Run
from tidings.model import Level
from tidings.storage import migrate
from tidings.storage.engine import Database
from tidings.storage.readers import Raised
from tidings.storage.tables import metadata

_OURS = "NOT IN ('alembic_version', 'alembic_version_pkc')"
_POSTGRES = (
    "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default "
    f"FROM information_schema.columns WHERE table_schema = 'public' AND table_name {_OURS}",
    "SELECT tablename, indexname, indexdef FROM pg_indexes "
    f"WHERE schemaname = 'public' AND tablename {_OURS}",
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
    f"WHERE connamespace = 'public'::regnamespace AND conname {_OURS} AND contype <> 'n'",
)
_SQLITE = (
    'SELECT m.name, c.name, c.type, c."notnull", c.dflt_value, c.pk FROM sqlite_master AS m, '
    f"pragma_table_xinfo(m.name) AS c WHERE m.type = 'table' AND m.name {_OURS}",
    'SELECT m.name, i."unique", i.origin, group_concat(c.name) FROM sqlite_master AS m, '
    "pragma_index_list(m.name) AS i, pragma_index_info(i.name) AS c "
    f"WHERE m.type = 'table' AND m.name {_OURS} GROUP BY m.name, i.name",
    "SELECT tbl_name, name, sql FROM sqlite_master "
    f"WHERE type = 'index' AND tbl_name {_OURS} AND sql NOT NULL",
)


@pytest.fixture(params=BACKENDS)
def empty_database(request: pytest.FixtureRequest, tmp_path: Path, open_database: OpenDatabase) -> Database:
    """A database in which there is nothing yet."""
    if request.param == "sqlite":
        return open_database(f"sqlite:///{tmp_path / 'empty.db'}")
    return open_database(request.getfixturevalue("empty_postgres_url"))


def test_the_migrations_make_the_schema_that_the_tables_describe(run: Run, database: Database) -> None:
    assert run(_differences(database)) == []


def test_they_agree_in_what_alembic_does_not_compare(run: Run, empty_database: Database) -> None:
    """Primary keys and the conditions of partial indexes among it, as the database itself tells them."""
    run(migrate.upgrade(empty_database))
    migrated = run(_described(empty_database))
    run(_made_anew(empty_database))

    assert migrated == run(_described(empty_database))
    assert "collapse_key IS NOT NULL" in str(migrated)


def test_upgrading_again_changes_nothing(run: Run, empty_database: Database) -> None:
    assert run(migrate.revision(empty_database)) is None
    run(migrate.upgrade(empty_database))
    before = run(_described(empty_database))
    run(migrate.upgrade(empty_database))

    assert run(_described(empty_database)) == before
    assert run(migrate.revision(empty_database)) == migrate.newest_revision()


def test_a_new_file_is_waited_for_while_another_process_writes_to_it(
    run: Run, tmp_path: Path, open_database: OpenDatabase
) -> None:
    """SQLite refuses at once to change how such a file keeps its log, whatever the timeout."""
    path = tmp_path / "new.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    ending = threading.Timer(0.5, other.execute, ["COMMIT"])
    ending.start()

    run(migrate.upgrade(open_database(f"sqlite:///{path}")))

    ending.join()
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()


def test_processes_that_upgrade_at_once_wait_for_each_other(run: Run, empty_database: Database) -> None:
    """As when several are started on one new database."""
    url = empty_database.url.render_as_string(hide_password=False)
    program = (
        "import asyncio, sys\n"
        "from tidings.storage import migrate\n"
        "from tidings.storage.engine import Database\n"
        "async def main():\n"
        "    database = Database(sys.argv[1])\n"
        "    print('ready', flush=True)\n"
        "    sys.stdin.read()\n"
        "    await migrate.upgrade(database)\n"
        "    await database.dispose()\n"
        "asyncio.run(main())\n"
    )
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    upgrades = [subprocess.Popen([sys.executable, "-c", program, url], text=True, **pipes) for _ in range(4)]
    for process in upgrades:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in upgrades:  # all have imported everything: now at once
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    errors = [process.communicate(timeout=60)[1] for process in upgrades]

    assert [(process.returncode, error) for process, error in zip(upgrades, errors, strict=True)] == [
        (0, "")
    ] * 4
    assert run(_differences(empty_database)) == []


def test_lines_and_sweeps_of_lanes_become_those_of_streams(run: Run, empty_database: Database) -> None:
    run(_upgraded_to("0002", empty_database))
    run(_swept_by_lane(empty_database))
    run(migrate.upgrade(empty_database))
    lines, sweeps = run(_listed(empty_database))

    assert lines == [
        (READER, STREAM, [4, 7], [0, 1], [9, 0], [5, 3], [2, 3], [2, 0], [0, 0]),
        (OTHER, STREAM, [4], [0], [0], [1], [0], [0], [0]),
    ]
    assert sweeps == [
        (READER, 1, STREAM, 1, AT, LATER, [4, 7], [5, 3], [0, 1]),
        (READER, 2, STREAM, 3, AT, AT, [4], [2], [5, 0, 0]),
        (OTHER, 1, STREAM, 1, AT, AT, [4], [1], [0]),
    ]
    assert run(_differences(empty_database)) == []


def test_lanes_are_told_up_to_where_there_are_endings(run: Run, empty_database: Database) -> None:
    run(_upgraded_to("0003", empty_database))
    run(_ended(empty_database))
    run(migrate.upgrade(empty_database))

    assert run(_ended_lanes(empty_database)) == [(STREAM, 4, 7), (STREAM, 5, 0), (OTHER, 4, 2)]
    assert run(_differences(empty_database)) == []


def test_raises_by_ids_can_still_be_undone(run: Run, empty_database: Database) -> None:
    run(_upgraded_to("0004", empty_database))
    run(_raised(empty_database))
    run(migrate.upgrade(empty_database))

    async def kept() -> Raised | None:
        async with empty_database.read() as store:
            return await store.readers.raised(READER, 3)

    found = run(kept())
    assert found is not None
    assert (found.level, found.at, found.targets) == (Level.READ, AT, [(STREAM, 4, 2)])
    assert run(_differences(empty_database)) == []


READER, STREAM, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)
AT = datetime(2026, 3, 2, tzinfo=UTC)
LATER = AT + timedelta(hours=1)


async def _upgraded_to(revision: str, database: Database) -> None:
    def upgrade(connection: sa.Connection) -> None:
        config = migrate.config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    async with database.engine.begin() as connection:
        await connection.run_sync(upgrade)


async def _swept_by_lane(database: Database) -> None:
    """What two readers of one stream had by the schema of then."""
    then = import_module("tidings.storage.migrations.versions.0001_first_schema")
    none = {"floor": 0, "seen": 0, "read": 0, "dismissed": 0, "deleted": 0}
    mine, theirs = ({"reader_id": reader, "stream_id": STREAM} for reader in (READER, OTHER))
    lines = [
        mine | none | {"lane": 7, "floor": 1, "seen": 3, "read": 3},
        mine | none | {"lane": 4, "seen": 5, "read": 2, "dismissed": 2},
        theirs | none | {"lane": 4, "seen": 1},
    ]
    was = {f"was_{name}": 0 for name in ("seen", "read", "dismissed", "deleted")}
    sweeps = [
        mine | was | {"lane": 7, "op": 1, "level": 1, "upto": 3, "at": AT, "was_seen": 1},
        mine | was | {"lane": 4, "op": 1, "level": 1, "upto": 5, "at": AT},
        mine | was | {"lane": 4, "op": 2, "level": 3, "upto": 2, "at": AT, "was_seen": 5},
        theirs | was | {"lane": 4, "op": 1, "level": 1, "upto": 1, "at": AT},
    ]
    lane = {"stream_id": STREAM, "event": 1, "severity": 0, "head": 9, "floor": 0}
    lanes = [lane | {"lane": 4, "last_at": AT}, lane | {"lane": 7, "last_at": LATER}]
    mark = mine | {"lane": 4, "id": UUID(int=4), "created_at": AT, "base": 0, "since": 0, "raised": 1}
    marks = [mark | {"position": position} for position in (2, 9)]
    async with database.engine.begin() as connection:
        for table, rows in (("line", lines), ("sweep", sweeps), ("lane", lanes), ("mark", marks)):
            await connection.execute(sa.insert(then.metadata.tables[table]), rows)


async def _raised(database: Database) -> None:
    """A raise by ids, by the schema of then."""
    then = import_module("tidings.storage.migrations.versions.0001_first_schema").metadata.tables
    row = {"reader_id": READER, "op": 3, "level": 2, "at": AT, "targets": [[str(STREAM), 4, 2]]}
    async with database.engine.begin() as connection:
        await connection.execute(sa.insert(then["raised"]), [row])


async def _ended(database: Database) -> None:
    """Endings in two of three lanes, by the schema of then."""
    then = import_module("tidings.storage.migrations.versions.0001_first_schema").metadata.tables
    places = [(STREAM, 4), (STREAM, 5), (OTHER, 4)]
    lanes = [
        {
            "stream_id": stream_id,
            "lane": lane,
            "event": 1,
            "severity": 0,
            "head": 9,
            "floor": 0,
            "last_at": AT,
        }
        for stream_id, lane in places
    ]
    endings = [
        {"stream_id": stream_id, "lane": 4, "position": position, "id": UUID(int=position), "created_at": AT}
        for stream_id, position in ((STREAM, 3), (STREAM, 7), (OTHER, 2))
    ]
    async with database.engine.begin() as connection:
        await connection.execute(sa.insert(then["lane"]), lanes)
        await connection.execute(sa.insert(then["ending"]), endings)


async def _ended_lanes(database: Database) -> list[tuple[Any, ...]]:
    lane = metadata.tables["lane"]
    found = sa.select(lane.c.stream_id, lane.c.lane, lane.c.ended).order_by(*lane.primary_key)
    async with database.engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(found)]


async def _listed(database: Database) -> list[list[tuple[Any, ...]]]:
    async with database.engine.connect() as connection:
        return [
            [tuple(row) for row in await connection.execute(sa.select(table).order_by(*table.primary_key))]
            for table in (metadata.tables["line"], metadata.tables["sweep"])
        ]


async def _differences(database: Database) -> list[Any]:
    def compare(connection: sa.Connection) -> list[Any]:
        options = {"compare_type": True, "compare_server_default": True}
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)

    async with database.engine.connect() as connection:
        return await connection.run_sync(compare)


async def _made_anew(database: Database) -> None:
    """Let the tables as they are described take the place of those that are there."""
    async with database.engine.begin() as connection:
        await connection.run_sync(metadata.drop_all)
        await connection.run_sync(metadata.create_all)


async def _described(database: Database) -> list[list[Sequence[Any]]]:
    queries = _SQLITE if database.url.get_backend_name() == "sqlite" else _POSTGRES
    async with database.engine.connect() as connection:
        return [sorted(map(repr, await connection.execute(sa.text(query)))) for query in queries]

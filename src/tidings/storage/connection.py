"""A connection with its dialect and clock: what every group of statements is built on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tidings.clock import Clock
from tidings.storage import dialects
from tidings.storage.dialects import Columns, greatest

Values = Mapping[str, Any]


class Merge(Enum):
    """What becomes of a column when a row with the same key is there already."""

    TAKE = "the new value"
    ADD = "the sum of both"
    GREATEST = "the greater of both"
    FIRST = "the old value, unless it is null"


class Connection:
    """One database connection."""

    def __init__(self, connection: AsyncConnection, clock: Clock) -> None:
        self.raw = connection
        self.dialect = connection.dialect.name
        self._clock = clock

    async def now(self) -> datetime:
        """The time now. On PostgreSQL the server's clock is asked, so that hosts need not agree."""
        if self.dialect == "sqlite":
            return self._clock.now(None)
        return self._clock.now(await self.scalar(_SERVER_CLOCK))

    def told(self, clock: datetime | None) -> datetime:
        """The time now, given what `clock_column` answered."""
        return self._clock.now(clock)

    async def all(self, statement: sa.Executable, values: Values | None = None) -> Sequence[sa.Row[Any]]:
        return (await self.raw.execute(statement, values)).all()

    async def first(self, statement: sa.Executable, values: Values | None = None) -> sa.Row[Any] | None:
        return (await self.raw.execute(statement, values)).first()

    async def scalar(self, statement: sa.Executable, values: Values | None = None) -> Any:
        return (await self.raw.execute(statement, values)).scalar()

    async def execute(self, statement: sa.Executable, values: Values | None = None) -> int:
        """Run a statement that answers no rows; how many it changed."""
        return (await self.raw.execute(statement, values)).rowcount

    def upsert(self, table: sa.Table) -> dialects.Upsert:
        return dialects.upsert(self.dialect, table)

    def rows(self, name: str, columns: Columns, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """The parameters that fill dialects.table_of(name, columns)."""
        return dialects.table_values(self.dialect, name, columns, rows)

    async def write(
        self,
        table: sa.Table,
        rows: Sequence[Mapping[str, Any]],
        *,
        merge: Mapping[str, Merge] | None = None,
        or_ignore: bool = False,
        returning: Sequence[str] = (),
    ) -> Sequence[sa.Row[Any]]:
        """Insert `rows` in one statement, in the order of the table's key, so that no two writers deadlock.

        `merge` says what becomes of the columns of a row that is there already (None: the key must be new);
        `or_ignore` leaves such a row as it is. `returning` names the columns that are answered.
        """
        names = tuple(rows[0]) if rows else ()
        listed = [[row[name] for name in names] for row in rows]
        return await self.write_listed(
            table, names, listed, merge=merge, or_ignore=or_ignore, returning=returning
        )

    async def write_listed(
        self,
        table: sa.Table,
        names: tuple[str, ...],
        rows: Sequence[Sequence[Any]],
        *,
        merge: Mapping[str, Merge] | None = None,
        or_ignore: bool = False,
        returning: Sequence[str] = (),
    ) -> Sequence[sa.Row[Any]]:
        """`write`, of rows that are the values of the columns `names`: for many rows."""
        if not rows:
            return []
        places = [names.index(column.name) for column in table.primary_key.columns]
        ordered = sorted(rows, key=lambda row: [_sortable(row[place]) for place in places])
        merges = None if merge is None else tuple(merge.items())
        several = len(rows) > 1
        statement = _insert(self.dialect, table, names, merges, or_ignore, tuple(returning), several)
        if several:
            values = self.rows("new", _columns(table, names), ordered)
        else:
            values = dict(zip(names, ordered[0], strict=True))
        if returning:
            return await self.all(statement, values)
        await self.execute(statement, values)
        return []


@lru_cache(maxsize=512)
def _insert(
    dialect: str,
    table: sa.Table,
    names: tuple[str, ...],
    merge: tuple[tuple[str, Merge], ...] | None,
    or_ignore: bool,
    returning: tuple[str, ...],
    several: bool,
) -> sa.Executable:
    statement = dialects.upsert(dialect, table)
    if several:
        source = dialects.table_of(dialect, "new", _columns(table, names))
        # "WHERE true": without it SQLite reads ON CONFLICT as the join's ON.
        select = sa.select(*[source.c[name] for name in names]).where(sa.true())
        statement = statement.from_select(list(names), select)
    else:
        statement = statement.values({name: sa.bindparam(name, type_=table.c[name].type) for name in names})
    if or_ignore:
        statement = statement.on_conflict_do_nothing()
    elif merge is not None:
        keys = [column.name for column in table.primary_key.columns]
        merged = {name: _merged(how, table.c[name], statement.excluded[name]) for name, how in merge}
        statement = statement.on_conflict_do_update(index_elements=keys, set_=merged)
    return statement.returning(*[table.c[name] for name in returning]) if returning else statement


def _merged(how: Merge, old: sa.ColumnElement[Any], new: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    match how:
        case Merge.TAKE:
            return new
        case Merge.ADD:
            return old + new
        case Merge.GREATEST:
            return greatest(old, new)
        case Merge.FIRST:
            return sa.func.coalesce(old, new)


@lru_cache(maxsize=512)
def _columns(table: sa.Table, names: tuple[str, ...]) -> Columns:
    return {name: table.c[name].type for name in names}


def clock_column(dialect: str) -> sa.Label[Any]:
    """The server's clock as a column of a statement that is made anyway; Connection.told reads it."""
    return (sa.null() if dialect == "sqlite" else sa.func.clock_timestamp()).label("clock")


_SERVER_CLOCK = sa.select(sa.func.clock_timestamp())


def _sortable(value: Any) -> Any:
    """bytes, ints, UUIDs and times sort as the database sorts them; text by its UTF-8."""
    return value.encode() if isinstance(value, str) else value

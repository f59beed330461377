"""A connection with its dialect and clock: what every group of statements is built on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from enum import Enum
from functools import lru_cache
from operator import itemgetter
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from tidings.clock import Clock
from tidings.storage import dialects
from tidings.storage.dialects import Columns, greatest

Values = Mapping[str, Any]
Row = Any
"""A row: its columns by name as attributes, and in their order."""


class Merge(Enum):
    """What becomes of a column when a row with the same key is there already."""

    TAKE = "the new value"
    ADD = "the sum of both"
    GREATEST = "the greater of both"
    FIRST = "the old value, unless it is null"


class Connection(ABC):
    """One connection to one of the two databases, for as long as a transaction or a read."""

    dialect: str  # sqlite or postgresql

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.streams_touched: set[UUID] = set()
        self.readers_touched: set[UUID] = set()
        """The streams and readers of whom there is news once this transaction is committed."""
        self.jobs_added = False  # then there is something to do, too

    @abstractmethod
    async def all(self, statement: sa.Executable, values: Values | None = None) -> Sequence[Row]:
        """The rows. With `values` the statement is one that is built once, and what is made of it is kept."""

    @abstractmethod
    async def first(self, statement: sa.Executable, values: Values | None = None) -> Row | None:
        """The first row; None where there is none."""

    @abstractmethod
    async def scalar(self, statement: sa.Executable, values: Values | None = None) -> Any:
        """The first column of the first row; None where there is no row."""

    @abstractmethod
    async def execute(self, statement: sa.Executable, values: Values | None = None) -> int:
        """Run a statement that answers no rows; how many it changed."""

    @abstractmethod
    def savepoint(self) -> AbstractAsyncContextManager[Any]:
        """A part of the transaction that is taken back alone where it raises."""

    async def now(self) -> datetime:
        """The time now. On PostgreSQL the server's clock is asked, so that hosts need not agree."""
        if self.dialect == "sqlite":
            return self._clock.now(None)
        return self._clock.now(await self.scalar(_SERVER_CLOCK, {}))

    def told(self, clock: datetime | None) -> datetime:
        """The time now, given what `clock_column` answered."""
        return self._clock.now(clock)

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
    ) -> Sequence[Row]:
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
        fixed: Values | None = None,
        merge: Mapping[str, Merge] | None = None,
        or_ignore: bool = False,
        returning: Sequence[str] = (),
    ) -> Sequence[Row]:
        """`write`, of rows that are the values of the columns `names`, and of `fixed` ones that all share."""
        if not rows:
            return []
        shared = dict(fixed or {})
        keys = [column.name for column in table.primary_key.columns if column.name not in shared]
        ordered = sorted(rows, key=itemgetter(*[names.index(key) for key in keys]))
        merges = None if merge is None else tuple(merge.items())
        several = len(rows) > 1
        statement = _insert(
            self.dialect, table, names, tuple(shared), merges, or_ignore, tuple(returning), several
        )
        if several:
            values = self.rows("new", _columns(table, names), ordered) | shared
        else:
            values = dict(zip(names, ordered[0], strict=True)) | shared
        if returning:
            return await self.all(statement, values)
        await self.execute(statement, values)
        return []

    async def change_listed(
        self, table: sa.Table, names: tuple[str, ...], rows: Sequence[Sequence[Any]], *, fixed: Values
    ) -> None:
        """Change rows that are there and locked, in one statement.

        They are the values of the columns `names`; those and `fixed` hold the table's key.
        """
        if not rows:
            return
        several = len(rows) > 1
        statement = _update(self.dialect, table, names, tuple(fixed), several)
        given = (
            self.rows("new", _columns(table, names), rows)
            if several
            else {f"new_{name}": value for name, value in zip(names, rows[0], strict=True)}
        )
        await self.execute(statement, given | {f"key_{name}": value for name, value in fixed.items()})


@lru_cache(maxsize=512)
def _update(
    dialect: str, table: sa.Table, names: tuple[str, ...], fixed: tuple[str, ...], several: bool
) -> sa.Executable:
    keys = {column.name for column in table.primary_key.columns}
    new: Mapping[str, sa.ColumnElement[Any]] = (
        dict(dialects.table_of(dialect, "new", _columns(table, names)).c)
        if several
        else {name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
    )
    same = [table.c[name] == sa.bindparam(f"key_{name}", type_=table.c[name].type) for name in fixed]
    same += [table.c[name] == new[name] for name in names if name in keys]
    return sa.update(table).where(*same).values({name: new[name] for name in names if name not in keys})


@lru_cache(maxsize=512)
def _insert(
    dialect: str,
    table: sa.Table,
    names: tuple[str, ...],
    fixed: tuple[str, ...],
    merge: tuple[tuple[str, Merge], ...] | None,
    or_ignore: bool,
    returning: tuple[str, ...],
    several: bool,
) -> sa.Executable:
    statement = dialects.upsert(dialect, table)
    given = {name: sa.bindparam(name, type_=table.c[name].type) for name in (*names, *fixed)}
    if several:
        source = dialects.table_of(dialect, "new", _columns(table, names))
        columns = [source.c[name] for name in names] + [given[name] for name in fixed]
        # "WHERE true": without it SQLite reads ON CONFLICT as the join's ON.
        statement = statement.from_select([*names, *fixed], sa.select(*columns).where(sa.true()))
    else:
        statement = statement.values(given)
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

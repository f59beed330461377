"""Everything that differs between SQLite and PostgreSQL, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeDecorator, TypeEngine

from tidings.clock import EPOCH

loads = orjson.loads


def dumps(value: Any) -> str:
    """JSON as the databases take it: text."""
    return orjson.dumps(value).decode()


_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware UTC time: timestamptz on PostgreSQL, microseconds since 1970 on SQLite."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.BigInteger())
        return dialect.type_descriptor(sa.DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return (value - EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None or dialect.name != "sqlite":
            return value
        return EPOCH + timedelta(microseconds=value)


Json = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
"""A JSON document: JSONB on PostgreSQL, text on SQLite."""

Numbers = sa.ARRAY(sa.BigInteger).with_variant(sa.JSON(), "sqlite")
"""A list of integers: an array on PostgreSQL, JSON text on SQLite."""


class greatest(GenericFunction[Any]):  # noqa: N801 - SQL's own name for it
    """The greatest of its arguments."""

    inherit_cache = True


class least(GenericFunction[Any]):  # noqa: N801 - SQL's own name for it
    """The least of its arguments."""

    inherit_cache = True


@compiles(greatest, "sqlite")
def _greatest_sqlite(element: greatest, compiler: SQLCompiler, **kw: Any) -> str:
    return "max" + compiler.process(element.clauses.self_group(), **kw)


@compiles(least, "sqlite")
def _least_sqlite(element: least, compiler: SQLCompiler, **kw: Any) -> str:
    return "min" + compiler.process(element.clauses.self_group(), **kw)


Query = sa.Select[*tuple[Any, ...]]
"""A SELECT of any columns."""
Upsert = postgresql.Insert | sqlite.Insert


def upsert(dialect: str, table: sa.Table) -> Upsert:
    """An INSERT that can say ON CONFLICT."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def among(dialect: str, column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    """`column` is one of the values given as the list parameter `name`."""
    if dialect == "sqlite":
        return column.in_(sa.bindparam(name, type_=column.type, expanding=True))
    return column == sa.any_(sa.bindparam(name, type_=postgresql.ARRAY(_plain(column.type))))


def probed(
    dialect: str, inner: sa.Table, on: sa.ColumnElement[bool], name: str
) -> tuple[Any, sa.ColumnElement[bool]]:
    """`inner` as it is joined to the rows before it, and the condition: an index range a row, never a scan.

    PostgreSQL guesses that a third of a reader's rows lie above a position and would rather scan them all; a
    lateral subquery behind OFFSET 0 leaves it no other way than one index range a row. SQLite has no LATERAL,
    and takes an index where it can.
    """
    if dialect == "sqlite":
        return inner, on
    return sa.select(*inner.c).where(on).offset(sa.literal_column("0")).lateral(name), sa.true()


def expecting_many(dialect: str, rows: Query) -> list[Query]:
    """To be added to `rows` in a UNION ALL: no row, of which PostgreSQL expects a thousand.

    Its plan for any list of streams is one for ten. Where it expects a handful of rows it joins row by row,
    which are thousands for the user of hundreds of businesses; where it expects many it joins by hash.
    """
    if dialect == "sqlite":
        return []
    # A plain 0 would be seen through.
    zero = sa.select(sa.literal_column("0", sa.Integer())).scalar_subquery()
    # Among the columns: in FROM it would fill a store, of nothing, for each count.
    none = sa.select(sa.func.generate_series(sa.literal_column("1"), zero).label("n")).subquery("none")
    nothing = [sa.cast(sa.null(), column.type).label(column.name) for column in rows.selected_columns]
    return [sa.select(*nothing).select_from(none)]


# --- rows as a table ---------------------------------------------------------------------------------------
# However many rows, the text is the same: unnest() of arrays on PostgreSQL, json_each() on SQLite.

Columns = Mapping[str, TypeEngine[Any]]


def table_of(dialect: str, name: str, columns: Columns) -> sa.FromClause:
    """Rows that are given when the statement runs (see `table_values`) as a table in FROM, in their order."""
    if dialect == "sqlite":
        document = sa.bindparam(f"{name}__rows", type_=sa.Text())
        each = sa.func.json_each(document).table_valued("value", "key", name=f"{name}_json")
        fields = [
            _extracted(each.c.value, i, kind).label(column)
            for i, (column, kind) in enumerate(columns.items())
        ]
        return sa.select(*fields).subquery(name)
    arrays = [_array(f"{name}__{column}", kind) for column, kind in columns.items()]
    shape = [sa.column(column, _plain(kind)) for column, kind in columns.items()]
    each = sa.func.unnest(*arrays).table_valued(*shape).render_derived(name=name)
    if not any(isinstance(kind, _AS_TEXT) for kind in columns.values()):
        return each
    typed = [sa.cast(each.c[column], kind).label(column) for column, kind in columns.items()]
    return sa.select(*typed).subquery(f"{name}_typed")


def table_values(dialect: str, name: str, columns: Columns, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """The parameters that make `rows` the rows of `table_of` with the same name and columns."""
    if dialect != "sqlite":
        return {
            f"{name}__{column}": _in_array([row[i] for row in rows], kind)
            for i, (column, kind) in enumerate(columns.items())
        }
    sqlite_dialect = sqlite.dialect()
    processors = [
        kind.dialect_impl(sqlite_dialect).bind_processor(sqlite_dialect) for kind in columns.values()
    ]
    document = [
        [_in_json(value, process) for process, value in zip(processors, row, strict=True)] for row in rows
    ]
    return {f"{name}__rows": dumps(document)}


def _extracted(row: sa.ColumnElement[Any], place: int, kind: TypeEngine[Any]) -> sa.ColumnElement[Any]:
    """One field of a row that is a JSON list."""
    field = sa.func.json_extract(row, f"$[{place}]", type_=kind)
    return sa.func.unhex(field, type_=kind) if isinstance(kind, sa.LargeBinary) else field


def _in_json(value: Any, process: Callable[[Any], Any] | None) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return process(value) if process else value


# A list within an array would be another dimension of it, so both go as text.
_AS_TEXT = (sa.JSON, sa.ARRAY)


def _array(name: str, kind: TypeEngine[Any]) -> sa.ColumnElement[Any]:
    """The parameter that `_in_array` fills."""
    array = postgresql.ARRAY(_plain(kind))
    if isinstance(kind, sa.ARRAY):
        return sa.cast(sa.bindparam(name, type_=sa.Text()), array)
    return sa.bindparam(name, type_=array)


def _in_array(values: list[Any], kind: TypeEngine[Any]) -> list[Any] | str:
    """Values of this type as the driver takes them; lists of numbers are written as one text, at once."""
    if isinstance(kind, sa.ARRAY):
        return "{" + dumps(values)[1:-1].replace("[", '"{').replace("]", '}"') + "}"
    if isinstance(kind, sa.JSON):
        return [None if value is None else dumps(value) for value in values]
    return values


def _plain(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """A type that an array on PostgreSQL can hold."""
    if isinstance(kind, Instant):
        return sa.DateTime(timezone=True)
    return sa.Text() if isinstance(kind, _AS_TEXT) else kind


# --- lists of numbers --------------------------------------------------------------------------------------
# Columns of Numbers in one row are parallel: what stands in one place of each belongs together.


def unlisted(
    dialect: str, table: sa.Table, names: Sequence[str], mine: sa.ColumnElement[bool]
) -> sa.Subquery:
    """A row for each place of the lists `names` in the rows of `table` that are `mine`: its stream, and what
    stands there in each.

    On PostgreSQL unnest() stands among the columns: in FROM it would fill a store for each list of each row.
    """
    if dialect == "sqlite":
        first, *others = [table.c[name] for name in names]
        place = sa.func.json_each(first).table_valued("key", "value", name="place", joins_implicitly=True)
        found = [sa.type_coerce(place.c.value, sa.BigInteger()).label(first.name)]
        found += [_in_place(column, place.c.key).label(column.name) for column in others]
        each = sa.select(table.c.stream_id, *found).select_from(table.join(place, sa.true()))
    else:
        found = [sa.func.unnest(table.c[name], type_=sa.BigInteger()).label(name) for name in names]
        each = sa.select(table.c.stream_id, *found)
    return each.where(mine).subquery("place")


def listed_at(
    dialect: str, by: sa.Column[Any], column: sa.Column[Any], value: sa.ColumnElement[Any]
) -> sa.ColumnElement[Any]:
    """What stands in the list `column` where `value` stands in the list `by`; null where it does not."""
    if dialect == "sqlite":
        place = sa.func.json_each(by).table_valued("key", "value", name="place", joins_implicitly=True)
        found = sa.select(_in_place(column, place.c.key)).where(place.c.value == value).limit(1)
        return found.correlate_except(place).scalar_subquery()
    wanted = sa.cast(value, sa.BigInteger())
    return column[sa.func.array_position(by, wanted, type_=sa.Integer())]


def gathered(dialect: str, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """The column's integers in all rows of a group, as text that `spread` reads.

    Those of several columns are in the same order. An array would take the driver longer to read than the
    server takes to make it.
    """
    gather = sa.func.group_concat if dialect == "sqlite" else sa.func.string_agg
    return gather(sa.cast(column, sa.Text()), sa.literal_column("','", sa.Text()))


def spread(gathered_text: str) -> list[int]:
    """The integers that were gathered."""
    return loads(f"[{gathered_text}]")


def _in_place(column: sa.Column[Any], key: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    path = (
        sa.literal_column("'$['", sa.Text()) + sa.cast(key, sa.Text()) + sa.literal_column("']'", sa.Text())
    )
    return sa.func.json_extract(column, path, type_=sa.BigInteger())

"""Lines and sweeps by stream: a row lists its lanes, where each lane had a row of its own.

Revision: 0003
Revises: 0002
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from alembic import op

from tidings.storage.dialects import Instant, Numbers

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_LEVELS = ("seen", "read", "dismissed", "deleted")

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

line = sa.Table(
    "line",
    metadata,
    sa.Column("reader_id", sa.Uuid, primary_key=True),
    sa.Column("stream_id", sa.Uuid, primary_key=True),
    sa.Column("lanes", Numbers, nullable=False),
    sa.Column("floor", Numbers, nullable=False),
    sa.Column("marked", Numbers, nullable=False),
    sa.Column("seen", Numbers, nullable=False),
    sa.Column("read", Numbers, nullable=False),
    sa.Column("dismissed", Numbers, nullable=False),
    sa.Column("deleted", Numbers, nullable=False),
    postgresql_with={"fillfactor": 50},
)

sweep = sa.Table(
    "sweep",
    metadata,
    sa.Column("reader_id", sa.Uuid, primary_key=True),
    sa.Column("op", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("stream_id", sa.Uuid, primary_key=True),
    sa.Column("level", sa.SmallInteger, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("newest_at", Instant, nullable=False),
    sa.Column("lanes", Numbers, nullable=False),
    sa.Column("upto", Numbers, nullable=False),
    sa.Column("was", Numbers, nullable=False),
    sa.Index("ix_sweep_newest_at", "reader_id", "stream_id", "newest_at", "op"),
)

_before = sa.MetaData()
_lane = sa.Table(
    "lane",
    _before,
    sa.Column("stream_id", sa.Uuid),
    sa.Column("lane", sa.Integer),
    sa.Column("last_at", Instant),
)
_mark = sa.Table(
    "mark",
    _before,
    sa.Column("reader_id", sa.Uuid),
    sa.Column("stream_id", sa.Uuid),
    sa.Column("lane", sa.Integer),
    sa.Column("position", sa.BigInteger),
)
_line_by_lane = sa.Table(
    "line_by_lane",
    _before,
    sa.Column("reader_id", sa.Uuid),
    sa.Column("stream_id", sa.Uuid),
    sa.Column("lane", sa.Integer),
    *[sa.Column(name, sa.BigInteger) for name in ("floor", *_LEVELS)],
)
_sweep_by_lane = sa.Table(
    "sweep_by_lane",
    _before,
    sa.Column("reader_id", sa.Uuid),
    sa.Column("stream_id", sa.Uuid),
    sa.Column("lane", sa.Integer),
    sa.Column("op", sa.BigInteger),
    sa.Column("level", sa.SmallInteger),
    sa.Column("upto", sa.BigInteger),
    sa.Column("at", Instant),
    *[sa.Column(f"was_{name}", sa.BigInteger) for name in _LEVELS],
)


def upgrade() -> None:
    connection = op.get_bind()
    postgresql = connection.dialect.name == "postgresql"
    op.drop_index("ix_sweep_op", table_name="sweep")
    for name in ("line", "sweep"):
        op.rename_table(name, f"{name}_by_lane")
        if postgresql:  # the name of its key goes with a table on SQLite
            op.execute(f"ALTER INDEX pk_{name} RENAME TO pk_{name}_by_lane")
    metadata.create_all(connection)
    lanes = (_mark.c.reader_id, _mark.c.stream_id, _mark.c.lane)
    marked = sa.select(*lanes, sa.func.max(_mark.c.position).label("marked")).group_by(*lanes).subquery()
    of_lane = sa.and_(*[_line_by_lane.c[column.name] == marked.c[column.name] for column in lanes])
    lines = sa.select(_line_by_lane, sa.func.coalesce(marked.c.marked, 0).label("marked"))
    lines = lines.outerjoin_from(_line_by_lane, marked, of_lane)
    _copy(connection, lines, ("reader_id", "stream_id"), line, _line)
    lane = sa.and_(_lane.c.stream_id == _sweep_by_lane.c.stream_id, _lane.c.lane == _sweep_by_lane.c.lane)
    sweeps = sa.select(_sweep_by_lane, _lane.c.last_at).join_from(_sweep_by_lane, _lane, lane)
    _copy(connection, sweeps, ("reader_id", "op", "stream_id"), sweep, _sweep)
    for name in ("line", "sweep"):
        op.drop_table(f"{name}_by_lane")


def _copy(
    connection: sa.Connection, source: sa.Select[Any], key: Sequence[str], target: sa.Table, make: Any
) -> None:
    """Write what `make` makes of the rows of `source` that share a key, a reader at a time."""
    columns = source.selected_columns
    readers = connection.scalars(sa.select(source.subquery().c.reader_id).distinct()).all()
    for reader_id in readers:
        mine = source.where(columns.reader_id == reader_id).order_by(
            *[columns[name] for name in (*key, "lane")]
        )
        rows = [
            dict(zip(key, values, strict=True)) | make(list(group))
            for values, group in groupby(connection.execute(mine), key=attrgetter(*key))
        ]
        connection.execute(sa.insert(target), rows)


def _line(group: list[Any]) -> dict[str, Any]:
    lists = {name: [getattr(row, name) for row in group] for name in ("floor", "marked", *_LEVELS)}
    return {"lanes": [row.lane for row in group], **lists}


def _sweep(group: list[Any]) -> dict[str, Any]:
    first = group[0]
    moved = [f"was_{name}" for name in _LEVELS[: first.level]]
    return {
        "level": first.level,
        "at": first.at,
        "newest_at": max(row.last_at for row in group),
        "lanes": [row.lane for row in group],
        "upto": [row.upto for row in group],
        "was": [getattr(row, name) for row in group for name in moved],
    }

"""What a Reach means in a statement: its shape decides the text, its values are the parameters.

A statement is built once for each shape and then only run, for building one costs more than running it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from tidings.model import Reach
from tidings.storage.dialects import Instant, among, probed
from tidings.storage.tables import lane

READER_ID: sa.BindParameter[Any] = sa.bindparam("reader_id", type_=sa.Uuid())
NOW: sa.BindParameter[Any] = sa.bindparam("now", type_=Instant())


@dataclass(frozen=True)
class Shape:
    """Which of its filters a reach has."""

    dialect: str
    events: bool
    off: bool
    severities: bool


def shape_of(dialect: str, reach: Reach) -> Shape:
    return Shape(
        dialect=dialect,
        events=reach.events is not None,
        off=bool(reach.off),
        severities=bool(reach.severities),
    )


def values_of(reach: Reach, **others: Any) -> dict[str, Any]:
    """The parameters of every statement about this reach, and `others`."""
    return {
        "reader_id": reach.reader.id,
        "now": reach.at,
        "streams": sorted(reach.streams),
        "events": sorted(reach.events or ()),
        "off": sorted(reach.off),
        "severities": sorted(severity.rank for severity in reach.severities),
        **others,
    }


def in_reach(shape: Shape, table: Any) -> sa.ColumnElement[bool]:
    """`table`'s rows of the streams in reach, which are parameters, never a subquery."""
    return among(shape.dialect, table.c.stream_id, "streams")


def lanes_in_reach(shape: Shape, lanes: Any = lane) -> list[sa.ColumnElement[bool]]:
    """Conditions that hold for exactly those of `lanes` (rows of `lane`) that are in reach."""
    conditions = [in_reach(shape, lanes)]
    if shape.events:
        conditions.append(among(shape.dialect, lanes.c.event, "events"))
    if shape.off:
        conditions.append(sa.not_(among(shape.dialect, lanes.c.event, "off")))
    if shape.severities:
        conditions.append(among(shape.dialect, lanes.c.severity, "severities"))
    return conditions


def looked_up(
    shape: Shape, table: sa.Table, on: sa.ColumnElement[bool], name: str
) -> tuple[Any, sa.ColumnElement[bool]]:
    """`dialects.probed` of a stream-keyed table, within the streams in reach.

    The filter by stream stands on what the probe finds: within it PostgreSQL would sort the list of streams
    anew for each probe, and with five hundred of them that takes ten times as long as the probe.
    """
    found, condition = probed(shape.dialect, table, on, name)
    return found, sa.and_(condition, in_reach(shape, found))


def same_lane(left: Any, right: Any) -> sa.ColumnElement[bool]:
    """Two rows of the same lane of the same stream."""
    return sa.and_(left.c.stream_id == right.c.stream_id, left.c.lane == right.c.lane)


def same_place(left: Any, right: Any) -> sa.ColumnElement[bool]:
    """Two rows about the same notification."""
    return sa.and_(same_lane(left, right), left.c.position == right.c.position)

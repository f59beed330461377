"""How many notifications of each lane have a level within a window, without reading them.

A lane without marks needs no reading: everything above a reader's line is below that level, everything up
to it is not. So a window of levels is a range of positions, and its size a subtraction:

    first = the line of `below`  <  positions in the window  <=  last = the line of `at_least` (or the head)

What differs from that is little and is looked at one by one ("touched"): marks that were lowered, marks
raised above a line, and gone or resolved notifications within the range. The number of a lane is

    (last - first) - touched within the range + touched that belong to the window after all

Only these exceptions and the lanes are read, never `notification`: O(lanes + exceptions).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from tidings.model import Level, Reach, Window
from tidings.storage.connection import Connection, Row
from tidings.storage.dialects import Instant, Query, greatest, least, looked_up, table_of
from tidings.storage.reachable import (
    NOW,
    READER_ID,
    Shape,
    in_reach,
    lanes_in_reach,
    same_lane,
    same_place,
    shape_of,
    values_of,
)
from tidings.storage.tables import ending, expiry, lane, line, mark, sweep

Top = tuple[UUID, int, int]  # stream, lane, the highest position that is meant
LINE_COLUMNS: Mapping[Level, str] = {
    Level.SEEN: "seen",
    Level.READ: "read",
    Level.DISMISSED: "dismissed",
    Level.DELETED: "deleted",
}
_LANE, MARK = 0, 1  # what a row of the state CTE is about
Within = tuple[sa.CTE, str]  # a statement's state CTE, and how the names of one window's own CTEs end
TOPS = {"stream_id": sa.Uuid(), "lane": sa.Integer(), "upto": sa.BigInteger()}


class Lines(NamedTuple):
    """Up to where standing sweeps reach in a lane, at each level or a higher one."""

    seen: int
    read: int
    dismissed: int
    deleted: int


class LaneCount(NamedTuple):
    """One lane: the notifications in the window, and the reader's lines as they were read with them."""

    stream_id: UUID
    lane: int
    last: int  # the end of the window by the lines
    top: int  # the head, or the lower position that the caller named
    matching: int  # in the window, visible; resolved ones too
    unresolved: int  # the same without the resolved ones
    within: int  # of `matching`, those at or below `last`
    lines: Lines


class Windows:
    """Counts by level."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def total(self, reach: Reach, window: Window) -> tuple[int, int]:
        """The notifications in the window: (all, those not resolved)."""
        statement = _total_statement(self._shape(reach), window)
        row = await self._connection.first(statement, values_of(reach))
        return (int(row.matching), int(row.unresolved)) if row else (0, 0)

    async def lanes(self, reach: Reach, window: Window, tops: Sequence[Top] | None = None) -> list[LaneCount]:
        """The lanes which have something in the window; `tops` names them and how far up they are meant."""
        statement = _lanes_statement(self._shape(reach), window, tops is not None)
        values = values_of(reach) | self._tops(tops)
        return [_lanecount_of(row) for row in await self._connection.all(statement, values)]

    async def fallen(
        self, reach: Reach, level: Level, tops: Sequence[Top], op: int, at: datetime
    ) -> tuple[int, int]:
        """What is below `level` since the sweeps of operation `op`, made at `at` up to `tops`, are gone.

        Of the marked ones only those for which these sweeps counted. (all, those not resolved)
        """
        statement = _fallen_statement(self._shape(reach), Window(below=level))
        values = values_of(reach, undone_op=op, undone_at=at) | self._tops(tops)
        row = await self._connection.first(statement, values)
        return (int(row.matching), int(row.unresolved)) if row else (0, 0)

    async def marked(self, reach: Reach, window: Window) -> list[UUID]:
        """The ids of the marked ones whose position may say otherwise of this window than their mark."""
        statement = _marked_statement(self._shape(reach), window)
        return [row.id for row in await self._connection.all(statement, values_of(reach))]

    def _shape(self, reach: Reach) -> Shape:
        return shape_of(self._connection.dialect, reach)

    def _tops(self, tops: Sequence[Top] | None) -> dict[str, Any]:
        return {} if tops is None else self._connection.rows("tops", TOPS, tops)


@lru_cache
def _total_statement(shape: Shape, window: Window) -> Query:
    return _sum(per_lane(shape, window, named=False))


@lru_cache
def _fallen_statement(shape: Shape, window: Window) -> Query:
    return _sum(per_lane(shape, window, named=True, undone=True))


def _sum(per_lane: Query) -> Query:
    lanes = per_lane.subquery()
    return sa.select(
        sa.func.coalesce(sa.func.sum(lanes.c.matching), 0).label("matching"),
        sa.func.coalesce(sa.func.sum(lanes.c.unresolved), 0).label("unresolved"),
    )


@lru_cache
def _lanes_statement(shape: Shape, window: Window, named: bool) -> Query:
    lanes = per_lane(shape, window, named=named).subquery()
    names = ("stream_id", "lane", "last", "top", "matching", "unresolved", "within", *LINE_COLUMNS.values())
    return sa.select(*[lanes.c[name] for name in names]).where(lanes.c.matching > 0)


@lru_cache
def _marked_statement(shape: Shape, window: Window) -> Query:
    state = state_cte(shape, window)
    return sa.select(state.c.id).where(state.c.about == MARK)


def per_lane(
    shape: Shape, window: Window, *, named: bool = False, undone: bool = False, within: Within | None = None
) -> Query:
    """Each lane in reach with its number: the arithmetic that this file is about.

    `within`: in a statement about several windows, the state they share, and the end of this one's names.
    """
    state, suffix = within or (state_cte(shape, window), "")
    lanes = lanes_cte(shape, window, state, named=named, suffix=suffix)
    touched = _touched(shape, state, lanes)
    belongs = _belongs(touched, window, undone=undone)
    sums = (
        sa.select(
            touched.c.stream_id,
            touched.c.lane,
            sa.func.sum(touched.c.in_range).label("cut"),
            count_of(belongs).label("belonging"),
            count_of(sa.and_(belongs, touched.c.resolved == 0)).label("unresolved"),
            count_of(sa.and_(belongs, touched.c.below == 1)).label("within"),
        )
        .group_by(touched.c.stream_id, touched.c.lane)
        .subquery("sums")
    )
    untouched = lanes.c.last - lanes.c.first - sa.func.coalesce(sums.c.cut, 0)
    return sa.select(
        lanes,
        (untouched + sa.func.coalesce(sums.c.belonging, 0)).label("matching"),
        (untouched + sa.func.coalesce(sums.c.unresolved, 0)).label("unresolved"),
        (untouched + sa.func.coalesce(sums.c.within, 0)).label("within"),
    ).outerjoin_from(lanes, sums, same_lane(lanes, sums))


def state_cte(shape: Shape, *windows: Window, marks: bool = True) -> sa.CTE:
    """The reader's lines, and the marks (unless left out) that may differ from what they say of the windows.

    The only place in a statement where reader-keyed tables stand: one snapshot, wherever they live.
    """
    nothing = sa.null()
    lines = sa.select(
        literal(_LANE).label("about"),
        line.c.stream_id,
        line.c.lane,
        literal(0).label("position"),
        *[line.c[name] for name in ("floor", *LINE_COLUMNS.values())],
        literal(0).label("level"),
        literal(0).label("since"),
        sa.cast(nothing, Instant()).label("until"),
        sa.cast(nothing, sa.Uuid()).label("id"),
        sa.cast(nothing, Instant()).label("created_at"),
    ).where(line.c.reader_id == READER_ID, in_reach(shape, line))
    if not marks:
        return lines.cte("state").prefix_with("MATERIALIZED")
    level = greatest(mark.c.base, mark.c.raised, sa.func.coalesce(_swept_since(), 0))
    lowered = sa.select(*_mark_columns(mark, level)).where(
        mark.c.reader_id == READER_ID, in_reach(shape, mark), mark.c.since > literal(0)
    )
    edges = dict.fromkeys(edge for window in windows for edge in _edges(window))
    raised = [_raised_above(shape, level, below) for level, below in edges]
    return sa.union_all(lines, lowered, *raised).cte("state").prefix_with("MATERIALIZED")


def _edges(window: Window) -> Iterator[tuple[Level, Level | None]]:
    """Where a window begins and ends: a level, and the one above which what is raised is not looked for."""
    if window.below > Level.NEW:
        yield window.below, None
    if window.at_least > Level.NEW:
        yield window.at_least, window.below


def _raised_above(shape: Shape, level: Level, below: Level | None) -> Query:
    """Never lowered marks raised by id to `level` (and not to `below`), above the line of that level."""
    conditions = [
        mark.c.since == literal(0),
        mark.c.raised >= literal(level),
        mark.c.position > line.c[LINE_COLUMNS[level]],
    ]
    if below is not None:
        conditions.append(mark.c.raised < literal(below))
    if level > Level.READ:
        conditions.append(mark.c.raised >= literal(Level.DISMISSED))  # as the partial index says it
    above = sa.and_(mark.c.reader_id == READER_ID, same_lane(mark, line), *conditions)
    raised, on = looked_up(shape.dialect, mark, above, f"raised_to_{int(level)}")
    return (
        sa.select(*_mark_columns(raised, raised.c.raised))
        .join_from(line, raised, on)
        .where(line.c.reader_id == READER_ID, in_reach(shape, line))
    )


def _mark_columns(source: Any, level: sa.ColumnElement[Any]) -> list[sa.ColumnElement[Any]]:
    return [
        literal(MARK).label("about"),
        source.c.stream_id,
        source.c.lane,
        source.c.position,
        *[literal(0).label(name) for name in ("floor", *LINE_COLUMNS.values())],
        level.label("level"),
        source.c.since,
        source.c.snoozed_until.label("until"),
        source.c.id,
        source.c.created_at,
    ]


def _swept_since() -> sa.ScalarSelect[Any]:
    """The highest level of the sweeps that count for a lowered mark."""
    return (
        sa.select(sa.func.max(sweep.c.level))
        .where(
            sweep.c.reader_id == mark.c.reader_id,
            same_lane(sweep, mark),
            sweep.c.op > mark.c.since,
            sweep.c.upto >= mark.c.position,
            sa.or_(mark.c.snoozed_until.is_(None), sweep.c.at >= mark.c.snoozed_until),
        )
        .correlate(mark)
        .scalar_subquery()
    )


def lanes_cte(
    shape: Shape, window: Window, state: sa.CTE, *, named: bool = False, suffix: str = ""
) -> sa.CTE:
    """The lanes in reach, with the range (first, last] that the window is in each by the lines alone.

    `named`: only the lanes that the parameter `tops` names, and up to the positions it gives.
    """
    lines = state.alias(f"lines{suffix}")
    here, source, conditions = lane, lane, lanes_in_reach(shape)
    top: sa.ColumnElement[Any] = lane.c.head
    if named:
        tops = table_of(shape.dialect, "tops", TOPS)
        named_lane = sa.and_(same_lane(lane, tops), *conditions)
        here, on = looked_up(shape.dialect, lane, named_lane, "named_lane")
        source, conditions, top = tops.join(here, on), [], tops.c.upto
    source = source.outerjoin(lines, sa.and_(lines.c.about == _LANE, same_lane(lines, here)))
    low = greatest(here.c.floor, sa.func.coalesce(lines.c.floor, 0))
    top = greatest(low, top)

    def edge(level: Level) -> sa.ColumnElement[Any]:
        return least(top, greatest(low, sa.func.coalesce(lines.c[LINE_COLUMNS[level]], 0)))

    return (
        sa.select(
            here.c.stream_id,
            here.c.lane,
            here.c.last_at,
            low.label("low"),
            top.label("top"),
            edge(window.below).label("first"),
            (top if window.at_least == Level.NEW else edge(window.at_least)).label("last"),
            *[sa.func.coalesce(lines.c[name], 0).label(name) for name in LINE_COLUMNS.values()],
        )
        .select_from(source)
        .where(*conditions)
        .cte(f"lanes{suffix}")
        .prefix_with("MATERIALIZED")  # else it may be joined anew for each mark
    )


def _marks(shape: Shape, state: sa.CTE, lanes: sa.CTE) -> Query:
    """The marks, each with what `ending` and `expiry` say of its notification."""
    ended, ended_on = looked_up(
        shape.dialect, ending, sa.and_(same_place(ending, state), _ended(shape, ending)), "mark_ending"
    )
    due, due_on = looked_up(
        shape.dialect, expiry, sa.and_(same_place(expiry, state), _ended(shape, expiry)), "mark_expiry"
    )
    return (
        sa.select(
            state.c.stream_id,
            state.c.lane,
            state.c.position,
            state.c.level,
            state.c.since,
            state.c.until,
            literal(1).label("marked"),
            _flag(sa.or_(ended.c.gone_at.is_not(None), due.c.position.is_not(None))).label("gone"),
            _flag(ended.c.resolved_at.is_not(None)).label("resolved"),
            _flag(_in_range(state, lanes)).label("in_range"),
            _flag(state.c.position <= lanes.c.last).label("below"),
        )
        .join_from(state, lanes, same_lane(state, lanes))
        .outerjoin(ended, ended_on)
        .outerjoin(due, due_on)
        .where(state.c.about == MARK, state.c.position > lanes.c.low, state.c.position <= lanes.c.top)
    )


def _endings(source: Any, table: sa.Table) -> list[sa.ColumnElement[Any]]:
    """What `ending` or `expiry` says of a notification within the range, marked or not."""
    if table is ending:
        gone, resolved = _flag(source.c.gone_at.is_not(None)), _flag(source.c.resolved_at.is_not(None))
    else:
        gone, resolved = literal(1), literal(0)
    return [
        source.c.stream_id,
        source.c.lane,
        source.c.position,
        literal(0).label("level"),
        literal(0).label("since"),
        sa.cast(sa.null(), Instant()).label("until"),
        literal(0).label("marked"),
        gone.label("gone"),
        resolved.label("resolved"),
        literal(1).label("in_range"),
        literal(1).label("below"),
    ]


def _ended(shape: Shape, table: sa.Table) -> sa.ColumnElement[bool]:
    """The rows of `ending` or `expiry` that count: of `expiry`, those that are due."""
    there = in_reach(shape, table)
    return there if table is ending else sa.and_(there, expiry.c.expires_at <= NOW)


def _touched(shape: Shape, state: sa.CTE, lanes: sa.CTE) -> sa.Subquery:
    """One row for each notification that a mark or an ending sets apart from its neighbours."""
    parts = [_marks(shape, state, lanes)]
    for table in (ending, expiry):
        here = sa.and_(same_lane(table, lanes), _in_range(table, lanes), _ended(shape, table))
        source, on = looked_up(shape.dialect, table, here, f"{table.name}_in_range")
        parts.append(sa.select(*_endings(source, table)).join_from(lanes, source, on))
    rows = sa.union_all(*parts).subquery("rows")
    facts = ("level", "since", "until", "marked", "gone", "resolved", "in_range", "below")
    return (
        sa.select(
            rows.c.stream_id,
            rows.c.lane,
            rows.c.position,
            *[sa.func.max(rows.c[name]).label(name) for name in facts],
        )
        .group_by(rows.c.stream_id, rows.c.lane, rows.c.position)
        .subquery("touched")
    )


def _in_range(row: Any, lanes: sa.CTE) -> sa.ColumnElement[bool]:
    return sa.and_(row.c.position > lanes.c.first, row.c.position <= lanes.c.last)


def _belongs(touched: sa.Subquery, window: Window, *, undone: bool) -> sa.ColumnElement[bool]:
    """Whether a touched notification is in the window; an unmarked one is, for its lines say so.

    `undone`: only if the sweeps of the operation that was taken back had counted for it.
    """
    by_mark = sa.and_(
        touched.c.level >= int(window.at_least),
        touched.c.level < int(window.below),
        sa.or_(touched.c.until.is_(None), touched.c.until <= NOW),
    )
    if undone:
        op, at = sa.bindparam("undone_op", type_=sa.BigInteger()), sa.bindparam("undone_at", type_=Instant())
        by_mark &= sa.and_(touched.c.since < op, sa.or_(touched.c.until.is_(None), touched.c.until <= at))
    return sa.and_(touched.c.gone == 0, sa.or_(touched.c.marked == 0, by_mark))


def count_of(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    return sa.func.sum(_flag(condition))


def _flag(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    return sa.case((condition, literal(1)), else_=literal(0))


def literal(number: int) -> sa.ColumnElement[int]:
    """A number that stands in the text: planners match it with a partial index's condition."""
    return sa.literal_column(str(int(number)), sa.Integer())


def _lanecount_of(row: Row) -> LaneCount:
    return LaneCount._make((*row[:7], Lines._make(row[7:])))

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

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from tidings.model import Level, Reach, Window
from tidings.storage.connection import Connection, Row
from tidings.storage.dialects import (
    Instant,
    Query,
    expecting_many,
    gathered,
    greatest,
    least,
    listed_at,
    probed,
    spread,
    table_of,
    unlisted,
)
from tidings.storage.lines import COLUMNS
from tidings.storage.reachable import (
    NOW,
    READER_ID,
    Shape,
    in_reach,
    lanes_in_reach,
    looked_up,
    same_lane,
    same_place,
    shape_of,
    values_of,
)
from tidings.storage.tables import ending, expiry, lane, line, mark, sweep

Top = tuple[UUID, int, int]  # stream, lane, the highest position that is meant
Within = tuple[sa.CTE, str]  # a statement's state CTE, and how the names of one window's own CTEs end
TOPS = {"stream_id": sa.Uuid(), "lane": sa.Integer(), "upto": sa.BigInteger()}


class StreamCount(NamedTuple):
    """One stream that has something in the window, and its lanes that have some. The lists are by lane."""

    stream_id: UUID
    newest_at: datetime  # of the newest notification in these lanes
    matching: int  # in the window, visible; resolved ones too
    unresolved: int  # the same without the resolved ones
    lanes: Sequence[int]
    last: Sequence[int]  # the end of the window by the lines; the head, or the position that the caller named
    within: Sequence[int]  # 0 where none of those in the window is at or below `last`


class Windows:
    """Counts by level."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def total(self, reach: Reach, window: Window) -> tuple[int, int]:
        """The notifications in the window: (all, those not resolved)."""
        statement = _total_statement(self._shape(reach), window)
        [row] = await self._connection.all(statement, values_of(reach))
        return row.matching, row.unresolved

    async def streams(
        self, reach: Reach, window: Window, tops: Sequence[Top] | None = None
    ) -> list[StreamCount]:
        """The streams that have something in the window; `tops` names lanes and how far up they are meant."""
        statement = _streams_statement(self._shape(reach), window, tops is not None)
        values = values_of(reach) | self._tops(tops)
        rows = await self._connection.all(statement, values)
        return [_stream_count(row) for row in rows]

    async def fallen(
        self, reach: Reach, level: Level, tops: Sequence[Top], op: int, at: datetime
    ) -> tuple[int, int]:
        """What is below `level` since the sweeps of operation `op`, made at `at` up to `tops`, are gone.

        Of the marked ones only those for which these sweeps counted. (all, those not resolved)
        """
        statement = _fallen_statement(self._shape(reach), Window(below=level))
        values = values_of(reach, undone_op=op, undone_at=at) | self._tops(tops)
        [row] = await self._connection.all(statement, values)
        return row.matching, row.unresolved

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
    matching, unresolved = sa.func.sum(lanes.c.matching), sa.func.sum(lanes.c.unresolved)
    return sa.select(
        sa.cast(sa.func.coalesce(matching, literal(0)), sa.BigInteger()).label("matching"),
        sa.cast(sa.func.coalesce(unresolved, literal(0)), sa.BigInteger()).label("unresolved"),
    )


@lru_cache
def _streams_statement(shape: Shape, window: Window, named: bool) -> Query:
    lanes = per_lane(shape, window, named=named).subquery()
    # What begins at new ends at the top: then all of it is at or below.
    lists = ("lane", "last") if window.at_least is Level.NEW else ("lane", "last", "within")
    return (
        sa.select(
            lanes.c.stream_id,
            sa.func.max(lanes.c.last_at).label("newest_at"),
            sa.func.sum(lanes.c.matching).label("matching"),
            sa.func.sum(lanes.c.unresolved).label("unresolved"),
            *[gathered(shape.dialect, lanes.c[name]) for name in lists],
        )
        .where(lanes.c.matching > literal(0))
        .group_by(lanes.c.stream_id)
    )


@lru_cache
def _marked_statement(shape: Shape, window: Window) -> Query:
    state = state_cte(shape, window)
    return sa.select(state.c.id).where(is_mark(state))


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
            count_of(sa.and_(belongs, touched.c.resolved == literal(0))).label("unresolved"),
            count_of(sa.and_(belongs, touched.c.below == literal(1))).label("within"),
        )
        .group_by(touched.c.stream_id, touched.c.lane)
        .subquery("sums")
    )
    untouched = lanes.c.last - lanes.c.first - sa.func.coalesce(sums.c.cut, literal(0))
    return sa.select(
        lanes,
        (untouched + sa.func.coalesce(sums.c.belonging, literal(0))).label("matching"),
        (untouched + sa.func.coalesce(sums.c.unresolved, literal(0))).label("unresolved"),
        (untouched + sa.func.coalesce(sums.c.within, literal(0))).label("within"),
    ).outerjoin_from(lanes, sums, same_lane(lanes, sums))


def state_cte(shape: Shape, *windows: Window, marks: bool = True) -> sa.CTE:
    """The reader's lines, and the marks (unless left out) that may differ from what they say of the windows.

    The lines are those at which the windows begin and end. The only place in a statement where reader-keyed
    tables stand: one snapshot, wherever they live.
    """
    nothing = sa.null()
    edges = dict.fromkeys(edge for window in windows for edge in _edges(window))
    names = tuple(dict.fromkeys(["floor", *[COLUMNS[level] for level, _ in edges]]))
    of_lane = _lines(shape, *names)
    lines = sa.select(
        of_lane.c.stream_id,
        of_lane.c.lanes.label("lane"),
        literal(0).label("position"),
        *[of_lane.c[name] for name in names],
        literal(0).label("level"),
        literal(0).label("since"),
        sa.cast(nothing, Instant()).label("until"),
        sa.cast(nothing, sa.Uuid()).label("id"),
        sa.cast(nothing, Instant()).label("created_at"),
    )
    many = expecting_many(shape.dialect, lines)
    if not marks:
        return sa.union_all(lines, *many).cte("state").prefix_with("MATERIALIZED")
    level = greatest(mark.c.base, mark.c.raised, sa.func.coalesce(_swept_since(shape), literal(0)))
    lowered = sa.select(*_mark_columns(mark, names, level)).where(
        mark.c.reader_id == READER_ID, in_reach(shape, mark), mark.c.since > literal(0)
    )
    raised = [_raised_above(shape, names, level, below) for level, below in edges]
    return sa.union_all(lines, lowered, *raised, *many).cte("state").prefix_with("MATERIALIZED")


def is_mark(state: sa.CTE) -> sa.ColumnElement[bool]:
    """Whether a row is about a mark, and not about a line.

    Told by what only a mark has, as a line by its floor: of a constant PostgreSQL would guess that hardly a
    row has it, and join row by row what are thousands.
    """
    return state.c.id.is_not(None)


def _edges(window: Window) -> Iterator[tuple[Level, Level | None]]:
    """Where a window begins and ends: a level, and the one above which what is raised is not looked for."""
    if window.below > Level.NEW:
        yield window.below, None
    if window.at_least > Level.NEW:
        yield window.at_least, window.below


def _raised_above(shape: Shape, names: Sequence[str], level: Level, below: Level | None) -> Query:
    """Never lowered marks raised by id to `level` (and not to `below`), above the line of that level."""
    of_lane = _lines(shape, "marked", COLUMNS[level])
    edge = of_lane.c[COLUMNS[level]]
    conditions = [
        mark.c.stream_id == of_lane.c.stream_id,
        mark.c.lane == of_lane.c.lanes,
        mark.c.since == literal(0),
        mark.c.raised >= literal(level),
        mark.c.position > edge,
    ]
    if below is not None:
        conditions.append(mark.c.raised < literal(below))
    if level > Level.READ:
        conditions.append(mark.c.raised >= literal(Level.DISMISSED))  # as the partial index says it
    above = sa.and_(mark.c.reader_id == READER_ID, *conditions)
    raised, on = probed(shape.dialect, mark, above, f"raised_to_{int(level)}")
    return (
        sa.select(*_mark_columns(raised, names, raised.c.raised))
        .join_from(of_lane, raised, on)
        .where(of_lane.c.marked > edge)  # else there is nothing to look for
    )


def _lines(shape: Shape, *names: str) -> sa.Subquery:
    """The reader's lines by lane."""
    mine = sa.and_(line.c.reader_id == READER_ID, in_reach(shape, line))
    return unlisted(shape.dialect, line, ("lanes", *names), mine)


def _mark_columns(
    source: Any, names: Sequence[str], level: sa.ColumnElement[Any]
) -> list[sa.ColumnElement[Any]]:
    return [
        source.c.stream_id,
        source.c.lane,
        source.c.position,
        *[sa.cast(sa.null(), sa.BigInteger()).label(name) for name in names],
        level.label("level"),
        source.c.since,
        source.c.snoozed_until.label("until"),
        source.c.id,
        source.c.created_at,
    ]


def _swept_since(shape: Shape) -> sa.ScalarSelect[Any]:
    """The highest level of the sweeps that count for a lowered mark."""
    return (
        sa.select(sa.func.max(sweep.c.level))
        .where(
            sweep.c.reader_id == mark.c.reader_id,
            sweep.c.stream_id == mark.c.stream_id,
            sweep.c.newest_at >= mark.c.created_at,
            sweep.c.op > mark.c.since,
            listed_at(shape.dialect, sweep.c.lanes, sweep.c.upto, mark.c.lane) >= mark.c.position,
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
    here, source = lane, lane
    top: sa.ColumnElement[Any] = lane.c.head
    if named:
        tops = table_of(shape.dialect, "tops", TOPS)
        here, on = looked_up(shape, lane, same_lane(lane, tops), "named_lane")
        source, top = tops.join(here, on), tops.c.upto
    source = source.outerjoin(lines, sa.and_(lines.c.floor.is_not(None), same_lane(lines, here)))
    low = greatest(here.c.floor, sa.func.coalesce(lines.c.floor, literal(0)))
    top = greatest(low, top)

    def edge(level: Level) -> sa.ColumnElement[Any]:
        return least(top, greatest(low, sa.func.coalesce(lines.c[COLUMNS[level]], literal(0))))

    return (
        sa.select(
            here.c.stream_id,
            here.c.lane,
            here.c.last_at,
            here.c.ended,
            low.label("low"),
            top.label("top"),
            edge(window.below).label("first"),
            (top if window.at_least == Level.NEW else edge(window.at_least)).label("last"),
        )
        .select_from(source)
        .where(*lanes_in_reach(shape, here))
        .cte(f"lanes{suffix}")
        .prefix_with("MATERIALIZED")  # else it may be joined anew for each mark
    )


def _marks(shape: Shape, state: sa.CTE, lanes: sa.CTE) -> Query:
    """The marks, each with what `ending` and `expiry` say of its notification."""
    ended, ended_on = looked_up(shape, ending, same_place(ending, state), "mark_ending")
    due = _due(shape)
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
        .outerjoin(due, same_place(due, state))
        .where(is_mark(state), state.c.position > lanes.c.low, state.c.position <= lanes.c.top)
    )


@lru_cache
def _due(shape: Shape) -> sa.CTE:
    """What has expired and is not an ending yet: few at any time, so they are found by when, not by lane."""
    due = sa.and_(in_reach(shape, expiry), expiry.c.expires_at <= NOW)
    rows = sa.select(expiry.c.stream_id, expiry.c.lane, expiry.c.position).where(due)
    return sa.union_all(rows, *expecting_many(shape.dialect, rows)).cte("due").prefix_with("MATERIALIZED")


def _ended(
    source: Any, *, gone: sa.ColumnElement[Any], resolved: sa.ColumnElement[Any]
) -> list[sa.ColumnElement[Any]]:
    """A gone or resolved notification within the range, marked or not."""
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


def _touched(shape: Shape, state: sa.CTE, lanes: sa.CTE) -> sa.Subquery:
    """One row for each notification that a mark or an ending sets apart from its neighbours."""
    there = sa.and_(same_lane(ending, lanes), _in_range(ending, lanes))
    ended, on = looked_up(shape, ending, there, "ending_in_range")
    gone, resolved = _flag(ended.c.gone_at.is_not(None)), _flag(ended.c.resolved_at.is_not(None))
    due = _due(shape)
    due_in_range = sa.and_(same_lane(due, lanes), _in_range(due, lanes))
    rows = sa.union_all(
        _marks(shape, state, lanes),
        sa.select(*_ended(ended, gone=gone, resolved=resolved))
        .join_from(lanes, ended, on)
        .where(lanes.c.ended > lanes.c.first),  # else there is nothing to look for
        sa.select(*_ended(due, gone=literal(1), resolved=literal(0))).join_from(lanes, due, due_in_range),
    ).subquery("rows")
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
        touched.c.level >= literal(window.at_least),
        touched.c.level < literal(window.below),
        sa.or_(touched.c.until.is_(None), touched.c.until <= NOW),
    )
    if undone:
        op, at = sa.bindparam("undone_op", type_=sa.BigInteger()), sa.bindparam("undone_at", type_=Instant())
        by_mark &= sa.and_(touched.c.since < op, sa.or_(touched.c.until.is_(None), touched.c.until <= at))
    return sa.and_(touched.c.gone == literal(0), sa.or_(touched.c.marked == literal(0), by_mark))


def count_of(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    return sa.func.sum(_flag(condition))


def _flag(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    return sa.case((condition, literal(1)), else_=literal(0))


def literal(number: int) -> sa.ColumnElement[int]:
    """A number that stands in the text: planners match it with a partial index's condition."""
    return sa.literal_column(str(int(number)), sa.Integer())


def _stream_count(row: Row) -> StreamCount:
    stream_id, newest_at, matching, unresolved, lanes, last, *within = row
    ends = spread(last)
    return StreamCount(
        stream_id,
        newest_at,
        int(matching),
        int(unresolved),
        spread(lanes),
        ends,
        spread(within[0]) if within else ends,
    )

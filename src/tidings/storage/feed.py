"""Pages of notifications, newest first, found lane by lane.

A window of levels is a range of positions in each lane (see windows.py), so a page behind a million read
ones starts at the line and never walks them. Lanes are taken in the order of their newest notification; the
search ends where no further lane can hold anything newer than what was found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from tidings.model import PRESENT, Audience, Cursor, Notification, Reach, Window, lane_parts
from tidings.storage.connection import Connection, Row
from tidings.storage.dialects import Instant, Query, among
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
from tidings.storage.tables import ending, event, lane, mark, notification
from tidings.storage.windows import Top, is_mark, lanes_cte, literal, state_cte


class Found(NamedTuple):
    """A candidate for a page, in feed order."""

    created_at: datetime
    id: UUID


class Range(NamedTuple):
    """The part of a lane that a window is in by the lines: positions (first, last]."""

    stream_id: UUID
    lane: int
    first: int
    last: int
    last_at: datetime  # nothing in the lane is newer


@dataclass(frozen=True, kw_only=True)
class Content:
    """A notification as its stream has it."""

    notification: Notification
    gone: bool  # withdrawn, expired, or below the lane's floor


class Feed:
    """What a list is made of."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def look(
        self, reach: Reach, window: Window, lanes: int, before: Cursor | None, limit: int
    ) -> tuple[list[Range], list[Found]]:
        """Where to look for what is in the window, in one snapshot.

        The first so many `ranges`; and the newest marked ones, at most `limit`, that come after the place
        `before` in the feed and are in the window though their position says otherwise.
        """
        statement = _look_statement(self._shape(reach), window, before is not None)
        values = values_of(reach, lanes=lanes, limit=limit, **_place(before))
        rows = await self._connection.all(statement, values)
        return [Range(*row[:5]) for row in rows if row.id is None], [
            Found(row.at, row.id) for row in rows if row.id is not None
        ]

    async def ranges(self, reach: Reach, window: Window, lanes: int, after: Range) -> list[Range]:
        """The next lanes with anything in the window by their lines, that with the newest first."""
        statement = _ranges_statement(self._shape(reach), window)
        place = {"after_at": after.last_at, "after_stream": after.stream_id, "after_lane": after.lane}
        rows = await self._connection.all(statement, values_of(reach, lanes=lanes, **place))
        return [Range(*row) for row in rows]

    async def slice(self, ranges: Sequence[Range], before: Cursor | None, limit: int) -> list[Found]:
        """The newest of the ranges together that come after the place `before` in the feed."""
        newest: list[Found] = []
        # Some more of each than its share, and of those where that was too few, as many as there may be.
        each = min(limit, _SHARES * -(-limit // max(1, len(ranges))) + _SPARE)
        while ranges:
            statement = _slice_statement(len(ranges), before is not None)
            values = _of_ranges(ranges) | {"each": each, "limit": limit} | _place(before)
            rows = await self._connection.all(statement, values)
            newest = sorted([*newest, *(Found(row.created_at, row.id) for row in rows)], reverse=True)[:limit]
            of_range = Counter(row.number for row in rows)
            lowest = {row.number: row.position for row in rows}
            ranges = [
                part._replace(last=lowest[number] - 1)
                for number, part in enumerate(ranges)
                if each < limit and of_range[number] == each
            ]
            each = limit
        return newest

    async def snoozed(self, reach: Reach, before: Cursor | None, limit: int) -> list[Found]:
        """Those whose snooze is running."""
        statement = _snoozed_statement(self._shape(reach), before is not None)
        return await self._found(statement, values_of(reach), before, limit)

    async def resolved(self, reach: Reach, before: Cursor | None, limit: int) -> list[Found]:
        """Those that were settled for all who read them."""
        statement = _resolved_statement(self._shape(reach), before is not None)
        return await self._found(statement, values_of(reach), before, limit)

    async def pinned(self, reach: Reach, before: Cursor | None, limit: int) -> list[Found]:
        """Those the reader pinned, whatever their state; of lanes out of reach too."""
        statement = _pinned_statement(self._shape(reach), before is not None)
        return await self._found(statement, values_of(reach), before, limit)

    async def contents(self, reach: Reach, ids: Iterable[UUID]) -> list[Content]:
        """Notifications in reach by their ids, in no order; gone ones are marked so."""
        statement = _contents_statement(self._shape(reach))
        rows = await self._connection.all(statement, values_of(reach, ids=list(ids)))
        return [content(row, reach.streams[row.stream_id], reach.at) for row in rows]

    async def tops(self, reach: Reach, place: Cursor) -> list[Top]:
        """For each lane in reach, the highest position that does not come after `place` in feed order."""
        values = values_of(reach, created_at=place.created_at, id=place.id)
        rows = await self._connection.all(_tops_statement(self._shape(reach)), values)
        return [(row.stream_id, row.lane, row.upto) for row in rows]

    async def _found(
        self, statement: sa.Executable, values: dict[str, Any], before: Cursor | None, limit: int
    ) -> list[Found]:
        values |= {"limit": limit, **_place(before)}
        return [Found(*row) for row in await self._connection.all(statement, values)]

    def _shape(self, reach: Reach) -> Shape:
        return shape_of(self._connection.dialect, reach)


_SHARES, _SPARE = 3, 2  # of a page, for each lane: few lanes ever have more in it
_LIMIT = sa.bindparam("limit", type_=sa.Integer())
_EACH = sa.bindparam("each", type_=sa.Integer())
_RANGE: dict[str, sa.types.TypeEngine[Any]] = {
    "stream_id": sa.Uuid(),
    "lane": sa.Integer(),
    "first": sa.BigInteger(),
    "last": sa.BigInteger(),
}
_CURSOR = sa.tuple_(sa.bindparam("created_at", type_=Instant()), sa.bindparam("id", type_=sa.Uuid()))


@lru_cache
def _look_statement(shape: Shape, window: Window, continued: bool) -> sa.CompoundSelect[Any]:
    state = state_cte(shape, window)
    lanes = lanes_cte(shape, window, state)
    no_id = sa.cast(sa.null(), sa.Uuid()).label("id")
    ranges = _ranges(lanes).add_columns(no_id).subquery("ranges")
    exceptions = _newest(_exceptions(window, state, lanes), state, continued).subquery("exceptions")
    nowhere = [sa.cast(sa.null(), kind).label(name) for name, kind in _RANGE.items()]
    return sa.union_all(sa.select(ranges), sa.select(*nowhere, exceptions.c.created_at, exceptions.c.id))


@lru_cache
def _ranges_statement(shape: Shape, window: Window) -> Query:
    lanes = lanes_cte(shape, window, state_cte(shape, window, marks=False))
    after = sa.tuple_(
        sa.bindparam("after_at", type_=Instant()),
        sa.bindparam("after_stream", type_=sa.Uuid()),
        sa.bindparam("after_lane", type_=sa.Integer()),
    )
    return _ranges(lanes).where(sa.tuple_(lanes.c.last_at, lanes.c.stream_id, lanes.c.lane) < after)


def _ranges(lanes: sa.CTE) -> Query:
    """Rows of Range, in their order."""
    order = (lanes.c.last_at.desc(), lanes.c.stream_id.desc(), lanes.c.lane.desc())
    columns = [lanes.c[name] for name in _RANGE]
    statement = sa.select(*columns, lanes.c.last_at.label("at")).where(lanes.c.last > lanes.c.first)
    return statement.order_by(*order).limit(sa.bindparam("lanes", type_=sa.Integer()))


def _exceptions(window: Window, state: sa.CTE, lanes: sa.CTE) -> Query:
    return (
        sa.select(state.c.created_at, state.c.id)
        .join_from(state, lanes, same_lane(state, lanes))
        .where(is_mark(state), state.c.position > lanes.c.low)
        .where(sa.or_(state.c.position <= lanes.c.first, state.c.position > lanes.c.last))
        .where(state.c.level >= int(window.at_least), state.c.level < int(window.below))
        .where(sa.or_(state.c.until.is_(None), state.c.until <= NOW))
    )


@lru_cache
def _snoozed_statement(shape: Shape, continued: bool) -> Query:
    state = state_cte(shape, PRESENT)
    lanes = lanes_cte(shape, PRESENT, state)
    statement = (
        sa.select(state.c.created_at, state.c.id)
        .join_from(state, lanes, same_lane(state, lanes))
        .where(is_mark(state), state.c.position > lanes.c.low, state.c.until > NOW)
    )
    return _newest(statement, state, continued)


@lru_cache
def _resolved_statement(shape: Shape, continued: bool) -> Query:
    statement = (
        sa.select(ending.c.created_at, ending.c.id)
        .join_from(ending, lane, same_lane(ending, lane))
        .where(in_reach(shape, ending), *lanes_in_reach(shape))
        .where(ending.c.resolved_at.is_not(None), ending.c.gone_at.is_(None))
    )
    return _newest(statement, ending, continued)


@lru_cache
def _pinned_statement(shape: Shape, continued: bool) -> Query:
    statement = sa.select(mark.c.created_at, mark.c.id).where(
        mark.c.reader_id == READER_ID, in_reach(shape, mark), mark.c.pinned_at.is_not(None)
    )
    return _newest(statement, mark, continued)


def _place(before: Cursor | None) -> dict[str, Any]:
    return {} if before is None else {"created_at": before.created_at, "id": before.id}


def _newest(statement: Query, source: Any, continued: bool) -> Query:
    """In feed order, from the cursor's place on if there is one."""
    if continued:
        statement = statement.where(sa.tuple_(source.c.created_at, source.c.id) < _CURSOR)
    return statement.order_by(source.c.created_at.desc(), source.c.id.desc()).limit(_LIMIT)


_CONTENT = (
    *("id", "stream_id", "seq", "lane", "position", "title", "body", "data", "actions"),
    *("created_at", "occurred_at", "expires_at", "collapse_key"),
)


@lru_cache
def _contents_statement(shape: Shape) -> Query:
    contents, of_lane = contents_of(shape)
    return contents.where(
        among(shape.dialect, notification.c.id, "ids"), in_reach(shape, notification)
    ).where(*lanes_in_reach(shape, of_lane))


def contents_of(shape: Shape) -> tuple[Query, Any]:
    """Rows of which `content` makes a Content; and the lane in them. Which notifications is to be added."""
    of_lane, lane_on = looked_up(shape, lane, same_lane(lane, notification), "of_lane")
    ended, ended_on = looked_up(shape, ending, same_place(ending, notification), "ended")
    contents = (
        sa.select(
            *[notification.c[name] for name in _CONTENT],
            ended.c.gone_at,
            ended.c.resolved_at,
            of_lane.c.floor,
            event.c.event.label("event_key"),
            event.c.topic,
        )
        .join_from(notification, of_lane, lane_on)
        .join(event, event.c.number == of_lane.c.event)
        .outerjoin(ended, ended_on)
    )
    return contents, of_lane


@lru_cache
def _tops_statement(shape: Shape) -> Query:
    upto = (
        sa.select(notification.c.position)
        .where(
            same_lane(notification, lane),
            sa.tuple_(notification.c.created_at, notification.c.id) <= _CURSOR,
        )
        .order_by(notification.c.created_at.desc(), notification.c.id.desc())
        .limit(1)
        .correlate(lane)
        .scalar_subquery()
    )
    columns = (lane.c.stream_id, lane.c.lane, sa.func.coalesce(upto, 0).label("upto"))
    return sa.select(*columns).where(*lanes_in_reach(shape))


def _of_ranges(ranges: Sequence[Range]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for number, part in enumerate(ranges):
        values[f"stream_{number}"] = part.stream_id
        values[f"lane_{number}"] = part.lane
        values[f"first_{number}"] = part.first
        values[f"last_{number}"] = part.last
    return values


@lru_cache(maxsize=256)
def _slice_statement(lanes: int, continued: bool) -> Query:
    """One branch a lane, each with its stream as a parameter and a LIMIT of its own."""
    branches = [sa.select(_branch(number, continued)) for number in range(lanes)]
    newest = sa.union_all(*branches).subquery("newest")
    order = (newest.c.created_at.desc(), newest.c.id.desc())
    return sa.select(newest).order_by(*order).limit(_LIMIT)


def _branch(number: int, continued: bool) -> sa.Subquery:
    stream_id = sa.bindparam(f"stream_{number}", type_=sa.Uuid())
    lane_ = sa.bindparam(f"lane_{number}", type_=sa.Integer())
    first = sa.bindparam(f"first_{number}", type_=sa.BigInteger())
    last = sa.bindparam(f"last_{number}", type_=sa.BigInteger())
    here = sa.and_(notification.c.stream_id == stream_id, notification.c.lane == lane_)
    columns = (notification.c.created_at, notification.c.id, notification.c.position)
    statement = sa.select(*columns, literal(number).label("number")).where(
        here, notification.c.position > first, notification.c.position <= last
    )
    if continued:
        statement = statement.where(notification.c.position <= sa.func.coalesce(_position_before(here), 0))
    # Within a lane the order of positions is the order of the feed.
    return statement.order_by(notification.c.position.desc()).limit(_EACH).subquery(f"branch_{number}")


def _position_before(here: sa.ColumnElement[bool]) -> sa.ScalarSelect[Any]:
    """Where in its lane the part of the feed after the cursor begins: one look into ix_notification_feed."""
    return (
        sa.select(notification.c.position)
        .where(here, sa.tuple_(notification.c.created_at, notification.c.id) < _CURSOR)
        .order_by(notification.c.created_at.desc(), notification.c.id.desc())
        .limit(1)
        .correlate(None)
        .scalar_subquery()
    )


def content(row: Row, audience: Audience, now: datetime) -> Content:
    # By place: by their names so many would take longer to read than all the rest here takes.
    id_, stream_id, seq, number, position, title, body, data, actions, *rest = row
    created_at, occurred_at, expires_at, collapse_key, gone_at, resolved_at, floor, event_key, topic, *_ = (
        rest
    )
    expired = expires_at is not None and expires_at <= now
    return Content(
        notification=Notification(
            id=id_,
            stream_id=stream_id,
            audience=audience,
            seq=seq,
            lane=number,
            position=position,
            event=event_key,
            topic=topic,
            severity=lane_parts(number)[1],
            title=title,
            body=body,
            data=data,
            actions=actions,
            created_at=created_at,
            occurred_at=occurred_at,
            expires_at=expires_at,
            resolved_at=resolved_at,
            collapse_key=collapse_key,
        ),
        gone=expired or gone_at is not None or position <= floor,
    )

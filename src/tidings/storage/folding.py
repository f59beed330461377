"""What folding needs to know: where most was raised one by one, and what there was not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from tidings.model import Level, Reach, Window
from tidings.storage.connection import Connection
from tidings.storage.dialects import Query
from tidings.storage.reachable import Shape, in_reach, same_lane, shape_of, values_of
from tidings.storage.tables import notification
from tidings.storage.windows import TOPS, Top, count_of, is_mark, lanes_cte, state_cte


@dataclass(frozen=True, kw_only=True)
class Fold:
    """A lane in which some were raised one by one."""

    stream_id: UUID
    lane: int
    top: int
    marks: int  # at the level, above its line
    others: int  # not at the level
    newest_at: datetime  # the newest in the lane


class Folding:
    """Lanes to fold."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def foldable(self, reach: Reach, level: Level) -> list[Fold]:
        """The lanes in which marks stand above the line of `level`, with how many are and are not at it."""
        statement = _foldable_statement(shape_of(self._connection.dialect, reach), level)
        return [
            Fold(
                stream_id=row.stream_id,
                lane=row.lane,
                top=row.top,
                marks=int(row.marks),
                others=int(row.others),
                newest_at=row.last_at,
            )
            for row in await self._connection.all(statement, values_of(reach))
        ]

    async def not_at(self, reach: Reach, level: Level, tops: Sequence[Top]) -> list[UUID]:
        """The ids of what is below `level` in these lanes: unmarked above the line, lowered anywhere."""
        statement = _not_at_statement(shape_of(self._connection.dialect, reach), level)
        rows = await self._connection.all(
            statement, values_of(reach) | self._connection.rows("tops", TOPS, tops)
        )
        return [row.id for row in rows]


@lru_cache
def _foldable_statement(shape: Shape, level: Level) -> Query:
    window = Window(below=level)
    state = state_cte(shape, window)
    lanes = lanes_cte(shape, window, state)
    marks = count_of(sa.and_(state.c.level >= int(level), state.c.position > lanes.c.first))
    lowered = count_of(sa.and_(state.c.level < int(level), state.c.position <= lanes.c.first))
    return (
        sa.select(
            lanes, marks.label("marks"), (lanes.c.top - lanes.c.first - marks + lowered).label("others")
        )
        .join_from(state, lanes, same_lane(state, lanes))
        .where(is_mark(state), state.c.position > lanes.c.low, state.c.position <= lanes.c.top)
        .group_by(*lanes.c)
    )


@lru_cache
def _not_at_statement(shape: Shape, level: Level) -> sa.CompoundSelect[Any]:
    window = Window(below=level)
    state = state_cte(shape, window)
    lanes = lanes_cte(shape, window, state, named=True)
    above_line = sa.and_(
        same_lane(notification, lanes),
        notification.c.position > lanes.c.first,
        notification.c.position <= lanes.c.top,
    )
    above = (
        sa.select(notification.c.id)
        .join_from(lanes, notification, above_line)
        .where(in_reach(shape, notification))
    )
    raised = sa.select(state.c.id).where(is_mark(state), state.c.level >= int(level))
    below = (
        sa.select(state.c.id)
        .join_from(state, lanes, same_lane(state, lanes))
        .where(is_mark(state), state.c.level < int(level), state.c.position <= lanes.c.first)
    )
    return sa.union(sa.select(sa.except_(above, raised).subquery("unmarked")), below)

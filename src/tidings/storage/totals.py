"""How many are open, unseen and unread in each lane: in one statement, and so in one snapshot."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from tidings.model import OPEN, UNREAD, UNSEEN, Reach
from tidings.storage.connection import Connection
from tidings.storage.dialects import Query
from tidings.storage.reachable import Shape, shape_of, values_of
from tidings.storage.windows import literal, per_lane, state_cte

WINDOWS = {"total": OPEN, "unseen": UNSEEN, "unread": UNREAD}


class LaneTotal(NamedTuple):
    """What one lane has in one of the windows."""

    window: str  # a key of WINDOWS
    stream_id: UUID
    lane: int
    number: int


class Totals:
    """Counts of several windows at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def by_lane(self, reach: Reach, *, by_level: bool = False) -> list[LaneTotal]:
        """The lanes in reach that have something in a window, for each window, in no order.

        Resolved ones count only `by_level`.
        """
        statement = _by_lane_statement(shape_of(self._connection.dialect, reach), by_level)
        names = list(WINDOWS)
        return [
            LaneTotal(names[row.of_window], row.stream_id, row.lane, int(row.number))
            for row in await self._connection.all(statement, values_of(reach))
        ]


@lru_cache
def _by_lane_statement(shape: Shape, by_level: bool) -> sa.Executable:
    state = state_cte(shape, *WINDOWS.values())
    parts: list[Query] = []
    for place, (name, window) in enumerate(WINDOWS.items()):
        lanes = per_lane(shape, window, within=(state, f"_{name}")).subquery(name)
        number = lanes.c.matching if by_level else lanes.c.unresolved
        columns = (lanes.c.stream_id, lanes.c.lane, number.label("number"))
        parts.append(sa.select(literal(place).label("of_window"), *columns).where(number > 0))
    return sa.union_all(*parts)

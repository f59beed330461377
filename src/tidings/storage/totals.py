"""How many are open, unseen and unread in each lane: in one statement, and so in one snapshot."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from tidings.model import OPEN, UNREAD, UNSEEN, Reach
from tidings.storage.connection import Connection
from tidings.storage.dialects import Query
from tidings.storage.logs import StreamEnd
from tidings.storage.reachable import Shape, in_reach, shape_of, values_of
from tidings.storage.tables import stream
from tidings.storage.windows import literal, per_lane, state_cte

WINDOWS = {"total": OPEN, "unseen": UNSEEN, "unread": UNREAD}


class LaneTotal(NamedTuple):
    """What one lane has in one of the windows."""

    window: str  # a key of WINDOWS
    stream_id: UUID
    lane: int
    number: int


class Counted(NamedTuple):
    """What is in the windows, and up to where in the streams it was counted."""

    lanes: list[LaneTotal]
    ends: dict[UUID, StreamEnd]


class Totals:
    """Counts of several windows at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def by_lane(self, reach: Reach, *, by_level: bool = False) -> Counted:
        """The lanes in reach that have something in a window, for each window, in no order.

        Resolved ones count only `by_level`.
        """
        statement = _by_lane_statement(shape_of(self._connection.dialect, reach), by_level)
        names = list(WINDOWS)
        lanes: list[LaneTotal] = []
        ends: dict[UUID, StreamEnd] = {}
        for of_window, stream_id, lane, number, changes in await self._connection.all(
            statement, values_of(reach)
        ):
            if of_window is None:
                ends[stream_id] = StreamEnd(number, changes)
            else:
                lanes.append(LaneTotal(names[of_window], stream_id, lane, int(number)))
        return Counted(lanes, ends)


@lru_cache
def _by_lane_statement(shape: Shape, by_level: bool) -> sa.Executable:
    state = state_cte(shape, *WINDOWS.values())
    parts: list[Query] = []
    for place, (name, window) in enumerate(WINDOWS.items()):
        lanes = per_lane(shape, window, within=(state, f"_{name}")).subquery(name)
        number = lanes.c.matching if by_level else lanes.c.unresolved
        columns = (lanes.c.stream_id, lanes.c.lane, number.label("number"), literal(0).label("changes"))
        parts.append(sa.select(literal(place).label("of_window"), *columns).where(number > 0))
    nothing = sa.cast(sa.null(), sa.Integer())
    heads = sa.select(nothing, stream.c.stream_id, nothing, stream.c.head, stream.c.changes)
    return sa.union_all(*parts, heads.where(in_reach(shape, stream)))

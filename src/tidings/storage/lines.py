"""A reader's lines, and the sweeps that move them: a row a stream, which lists its lanes.

Whoever writes here holds the reader's lock: rows are read, changed and written whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import chain, count
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from tidings.model import Level, Turn
from tidings.storage.connection import Connection, Merge
from tidings.storage.dialects import Query, among
from tidings.storage.reachable import READER_ID
from tidings.storage.tables import line, sweep

COLUMNS: Mapping[Level, str] = {
    Level.SEEN: "seen",
    Level.READ: "read",
    Level.DISMISSED: "dismissed",
    Level.DELETED: "deleted",
}
LISTS = ("lanes", "floor", "marked", *COLUMNS.values())
"""The lists of a row of `line`: what stands in one place of each is about one lane."""

_Lists = dict[str, list[int]]


class StreamSweep(NamedTuple):
    """One stream's part of a bulk operation: up to which position in each of some lanes."""

    stream_id: UUID
    lanes: Sequence[int]
    upto: Sequence[int]
    newest_at: datetime  # nothing created later is covered


class Lines:
    """The positions of readers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- sweeps -------------------------------------------------------------------------------------------

    async def sweep(self, turn: Turn, level: Level, swept: Sequence[StreamSweep]) -> None:
        """Write one operation's sweeps, and move the lines that they push."""
        reached = _reached(level)
        rows = await self._rows(turn.reader.id, [one.stream_id for one in swept], ("lanes", *reached))
        grown = {one.stream_id for one in swept if not set(one.lanes).issubset(rows[one.stream_id]["lanes"])}
        rows |= await self._rows(turn.reader.id, grown)
        written = [(*one, _push(rows[one.stream_id], one, reached)) for one in swept]
        await self._connection.write_listed(
            sweep,
            ("stream_id", "lanes", "upto", "newest_at", "was"),
            written,
            fixed={"reader_id": turn.reader.id, "op": turn.op, "level": int(level), "at": turn.at},
        )
        await self._write(turn.reader.id, rows, grown)
        await self._move(turn.reader.id, rows, rows.keys() - grown, reached)

    async def unsweep(self, reader_id: UUID, op: int) -> tuple[Level, list[StreamSweep]]:
        """Take back the sweeps of operation `op`, the last bulk one that stands: what they were."""
        mine = sa.and_(sweep.c.reader_id == reader_id, sweep.c.op == op)
        found = await self._connection.all(sa.select(sweep).where(mine))
        await self._connection.execute(sa.delete(sweep).where(mine))
        level = Level(found[0].level)
        reached = _reached(level)
        rows = await self._rows(reader_id, [one.stream_id for one in found], ("lanes", *reached))
        for one in found:
            # Nothing newer stands on these lines, so what each sweep found is what it leaves.
            row = rows[one.stream_id]
            places = _places(row, one.lanes)
            for first, name in enumerate(reached):
                for place, position in zip(places, one.was[first :: len(reached)], strict=True):
                    row[name][place] = position
        await self._move(reader_id, rows, rows.keys(), reached)
        return level, [StreamSweep(one.stream_id, one.lanes, one.upto, one.newest_at) for one in found]

    async def swept_at(self, reader_id: UUID, op: int) -> datetime | None:
        """When the sweeps of operation `op` were made; None where it has none (any more)."""
        found = sa.select(sweep.c.at).where(sweep.c.reader_id == reader_id, sweep.c.op == op).limit(1)
        return await self._connection.scalar(found)

    async def swept_after(self, reader_id: UUID, op: int) -> bool:
        """Whether a later operation's sweeps stand."""
        later = sa.select(sweep.c.op).where(sweep.c.reader_id == reader_id, sweep.c.op > op).limit(1)
        return await self._connection.scalar(later) is not None

    # --- lines --------------------------------------------------------------------------------------------

    async def set_floors(self, reader_id: UUID, stream_id: UUID, floors: Iterable[tuple[int, int]]) -> None:
        """Let nothing exist for the reader up to the (lane, position)s of one stream."""
        positions = dict(floors)
        rows = await self._rows(reader_id, [stream_id] if positions else [])
        for row in rows.values():
            for place, position in zip(_places(row, positions), positions.values(), strict=True):
                row["floor"][place] = max(row["floor"][place], position)
        await self._write(reader_id, rows, rows.keys())

    async def note_marks(self, reader_id: UUID, marked: Mapping[UUID, Mapping[int, int]]) -> None:
        """Note up to which position there are marks, by stream and lane: counts look no further for them."""
        rows = await self._rows(reader_id, marked)
        higher: set[UUID] = set()
        for stream_id, row in rows.items():
            for place, position in zip(
                _places(row, marked[stream_id]), marked[stream_id].values(), strict=True
            ):
                if position > row["marked"][place]:
                    row["marked"][place] = position
                    higher.add(stream_id)
        await self._write(reader_id, rows, higher)

    async def deleted(self, reader_id: UUID, stream_id: UUID) -> dict[int, int]:
        """The positions up to which everything in a lane is deleted, but for what was lowered, by lane."""
        row = (await self._rows(reader_id, [stream_id], ("lanes", "deleted")))[stream_id]
        return dict(zip(row["lanes"], row["deleted"], strict=True))

    async def _rows(
        self, reader_id: UUID, streams: Collection[UUID], names: Sequence[str] = LISTS
    ) -> dict[UUID, _Lists]:
        """The named lists of all these streams; of one that has no row yet, empty ones."""
        if not streams:
            return {}
        values: dict[str, Any] = {"reader_id": reader_id, "streams": sorted(streams)}
        found = await self._connection.all(_lists(self._connection.dialect, tuple(names)), values)
        rows: dict[UUID, _Lists] = {row[0]: dict(zip(names, row[1:], strict=True)) for row in found}
        return rows | {stream_id: {name: [] for name in names} for stream_id in set(streams) - rows.keys()}

    async def _write(self, reader_id: UUID, rows: Mapping[UUID, _Lists], streams: Iterable[UUID]) -> None:
        """Write all lists of these streams, whose rows may not be there yet."""
        await self._connection.write_listed(
            line,
            ("stream_id", *LISTS),
            [(stream_id, *[rows[stream_id][name] for name in LISTS]) for stream_id in streams],
            fixed={"reader_id": reader_id},
            merge=dict.fromkeys(LISTS, Merge.TAKE),
        )

    async def _move(
        self, reader_id: UUID, rows: Mapping[UUID, _Lists], streams: Iterable[UUID], names: Sequence[str]
    ) -> None:
        """Write the named lists of these streams, whose rows are there."""
        await self._connection.change_listed(
            line,
            ("stream_id", *names),
            [(stream_id, *[rows[stream_id][name] for name in names]) for stream_id in streams],
            fixed={"reader_id": reader_id},
        )


def _reached(level: Level) -> list[str]:
    """The lines that a sweep of this level moves."""
    return [name for each, name in COLUMNS.items() if each <= level]


def _places(row: _Lists, lanes: Collection[int]) -> Sequence[int]:
    """Where these lanes stand in the lists; those that are missing are added, with everything at 0."""
    if row["lanes"] == lanes:  # as where all of a stream is swept, as before
        return range(len(lanes))
    places = dict(zip(row["lanes"], count()))
    if missing := [lane for lane in lanes if lane not in places]:
        places.update(zip(missing, count(len(places))))
        for name, numbers in row.items():
            numbers.extend(missing if name == "lanes" else [0] * len(missing))
    return [places[lane] for lane in lanes]


def _push(row: _Lists, one: StreamSweep, reached: Sequence[str]) -> list[int]:
    """Move the lines that the sweep reaches; for each of its lanes what they were."""
    places = _places(row, one.lanes)
    was: list[list[int]] = []
    for name in reached:
        positions = row[name]
        was.append([positions[place] for place in places])
        for place, upto in zip(places, one.upto, strict=True):
            if upto > positions[place]:
                positions[place] = upto
    return was[0] if len(was) == 1 else list(chain.from_iterable(zip(*was, strict=True)))


@lru_cache
def _lists(dialect: str, names: tuple[str, ...]) -> Query:
    mine = sa.and_(line.c.reader_id == READER_ID, among(dialect, line.c.stream_id, "streams"))
    return sa.select(line.c.stream_id, *[line.c[name] for name in names]).where(mine)

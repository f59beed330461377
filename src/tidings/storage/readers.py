"""What readers have done to notifications by their ids: marks and raises, all keyed by the reader."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from tidings.clock import EPOCH
from tidings.model import Level, OperationKind, Reader, ReaderKind, Turn
from tidings.storage.connection import Connection, Merge, Row, clock_column
from tidings.storage.dialects import Instant, Query, among, listed_at, probed, table_of
from tidings.storage.lines import Lines
from tidings.storage.reachable import READER_ID, same_place
from tidings.storage.streams import Place
from tidings.storage.tables import line, mark, operation, reader, sweep

PlaceKey = tuple[UUID, int, int]
"""(stream, lane, position)"""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What one reader did to one notification by its id."""

    stream_id: UUID
    lane: int
    position: int
    id: UUID
    created_at: datetime
    base: Level = Level.NEW
    base_seen_at: datetime | None = None
    base_read_at: datetime | None = None
    base_dismissed_at: datetime | None = None
    since: int = 0
    snoozed_until: datetime | None = None
    seen_op: int | None = None
    seen_at: datetime | None = None
    read_op: int | None = None
    read_at: datetime | None = None
    dismissed_op: int | None = None
    dismissed_at: datetime | None = None
    deleted_op: int | None = None
    deleted_at: datetime | None = None
    raised: Level = Level.NEW
    pinned_at: datetime | None = None

    @classmethod
    def at(cls, place: Place) -> Mark:
        """The mark of a notification to which nothing was done by its id."""
        return cls(
            stream_id=place.stream_id,
            lane=place.lane,
            position=place.position,
            id=place.id,
            created_at=place.created_at,
        )

    @property
    def key(self) -> PlaceKey:
        return self.stream_id, self.lane, self.position


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What the sweeps that count for one notification say: their highest level, and since when each holds."""

    level: Level = Level.NEW
    seen_at: datetime | None = None
    read_at: datetime | None = None
    dismissed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Everything a reader's state of one notification follows from."""

    mark: Mark | None
    swept: Swept
    floor: int  # up to here nothing exists for the reader


@dataclass(frozen=True, kw_only=True)
class Raised:
    """A raise by ids that can be undone."""

    op: int
    level: Level
    at: datetime
    targets: Sequence[PlaceKey]
    recorded: Sequence[Sequence[Any]]  # the same as they were recorded


_MARK_FIELDS = [f.name for f in fields(Mark)]


class Readers:
    """Readers, and what they marked."""

    def __init__(self, connection: Connection, lines: Lines) -> None:
        self._connection = connection
        self._lines = lines

    async def create(self, new: Reader) -> None:
        """Make the reader unless it is there."""
        row = {"reader_id": new.id, "kind": new.kind.value, "op": 0, "sealed": 0, "unfolded": 0}
        await self._connection.write(reader, [row], or_ignore=True)

    async def lock(self, who: Reader) -> Turn | None:
        """Lock the reader and take the next number and a time; None where there is no such reader."""
        row = await self._connection.first(_lock(self._connection.dialect), {"reader_id": who.id})
        if row is None:
            return None
        now = self._connection.told(row.clock)
        at = max(now, row.last_at) if row.last_at else now
        return Turn(
            reader=who,
            op=row.op + 1,
            at=at,
            raised_at=row.raised_at,
            sealed=row.sealed,
            unfolded=row.unfolded,
        )

    async def finish(
        self, turn: Turn, *, marks: int = 0, undoable: bool = False, seals: bool = False
    ) -> None:
        """Put the operation on record: how many marks it wrote, and what it means for an undo."""
        values = {
            "reader": turn.reader.id,
            "op": turn.op,
            "last_at": turn.at,
            "raised_at": turn.at if undoable else None,
            "sealed": turn.op if seals else None,
            "marks": marks,
        }
        await self._connection.execute(_FINISH, values)
        self._connection.readers_touched.add(turn.reader.id)

    async def record(
        self,
        turn: Turn,
        kind: OperationKind,
        targets: Iterable[Sequence[Any]] = (),
        *,
        level: Level | None = None,
    ) -> None:
        """Keep what the operation did, beside its sweeps, for who follows; with `level` for an undo, too."""
        row = {
            "reader_id": turn.reader.id,
            "op": turn.op,
            "kind": kind.value,
            "level": None if level is None else int(level),
            "at": turn.at,
            "targets": [[str(one) if isinstance(one, UUID) else one for one in target] for target in targets],
        }
        await self._connection.write(operation, [row])

    # --- marks --------------------------------------------------------------------------------------------

    async def standings(
        self, reader_id: UUID, places: Sequence[PlaceKey], *, oldest: datetime = EPOCH
    ) -> dict[PlaceKey, Standing]:
        """What the reader's state of each of `places` follows from; none was created before `oldest`."""
        if not places:
            return {}
        values = self._connection.rows("keys", _PLACE, places) | {"reader_id": reader_id, "oldest": oldest}
        rows = await self._connection.all(_standings(self._connection.dialect), values)
        return {row[:3]: _standing(row) for row in rows}

    async def put_marks(self, reader_id: UUID, marks: Sequence[Mark]) -> None:
        """Write marks as they are given, for a reader who is locked."""
        rows = [{"reader_id": reader_id, **{name: getattr(m, name) for name in _MARK_FIELDS}} for m in marks]
        for row in rows:
            row["base"], row["raised"] = int(row["base"]), int(row["raised"])
        await self._connection.write(mark, rows, merge=dict.fromkeys(_MARK_FIELDS[3:], Merge.TAKE))
        marked: dict[UUID, dict[int, int]] = defaultdict(dict)
        for m in marks:
            lanes = marked[m.stream_id]
            lanes[m.lane] = max(lanes.get(m.lane, 0), m.position)
        await self._lines.note_marks(reader_id, marked)

    async def forget_marks(
        self, reader_id: UUID, stream_id: UUID, lane_: int, positions: Sequence[int]
    ) -> None:
        """Delete marks that say no more than the lines do."""
        await self._connection.execute(
            _forget_marks(self._connection.dialect),
            {"reader_id": reader_id, "stream_id": stream_id, "lane": lane_, "positions": list(positions)},
        )

    # --- undo ---------------------------------------------------------------------------------------------

    async def raised(self, reader_id: UUID, op: int) -> Raised | None:
        """The raise by ids with this number; None where it was none, or is undone or forgotten."""
        mine = sa.and_(operation.c.reader_id == reader_id, operation.c.op == op)
        row = await self._connection.first(sa.select(operation).where(mine, operation.c.level.is_not(None)))
        if row is None:
            return None
        places = [(UUID(stream_id), lane_, position) for stream_id, lane_, position, *_ in row.targets]
        return Raised(op=row.op, level=Level(row.level), at=row.at, targets=places, recorded=row.targets)

    async def forget_raise(self, reader_id: UUID, op: int) -> None:
        """Let nothing be left to undo of it."""
        await self._connection.execute(
            sa.update(operation)
            .where(operation.c.reader_id == reader_id, operation.c.op == op)
            .values(level=None)
        )

    # --- folding ------------------------------------------------------------------------------------------

    async def set_folded(self, reader_id: UUID) -> None:
        """Begin to count marks anew."""
        await self._connection.execute(
            sa.update(reader).where(reader.c.reader_id == reader_id).values(unfolded=0)
        )

    async def unfolded(self, more_than: int, limit: int) -> list[Reader]:
        """Readers who wrote more marks than that since their last folding."""
        rows = await self._connection.all(
            sa.select(reader.c.reader_id, reader.c.kind).where(reader.c.unfolded > more_than).limit(limit)
        )
        return [Reader(id=row.reader_id, kind=ReaderKind(row.kind)) for row in rows]


_SWEPT = ("level", "seen_at", "read_at", "dismissed_at")
_UNSWEPT = Swept()
_PLACE = {"stream_id": sa.Uuid(), "lane": sa.Integer(), "position": sa.BigInteger()}

_FINISH = (
    sa.update(reader)
    .where(reader.c.reader_id == sa.bindparam("reader", type_=sa.Uuid()))
    .values(
        op=sa.bindparam("op", type_=sa.BigInteger()),
        last_at=sa.bindparam("last_at", type_=Instant()),
        raised_at=sa.func.coalesce(sa.bindparam("raised_at", type_=Instant()), reader.c.raised_at),
        sealed=sa.func.coalesce(sa.bindparam("sealed", type_=sa.BigInteger()), reader.c.sealed),
        unfolded=reader.c.unfolded + sa.bindparam("marks", type_=sa.BigInteger()),
    )
)


@lru_cache
def _lock(dialect: str) -> Query:
    names = ("op", "last_at", "raised_at", "sealed", "unfolded")
    columns = [reader.c[name] for name in names]
    return sa.select(*columns, clock_column(dialect)).where(reader.c.reader_id == READER_ID).with_for_update()


@lru_cache
def _forget_marks(dialect: str) -> sa.Delete:
    return sa.delete(mark).where(
        mark.c.reader_id == READER_ID,
        mark.c.stream_id == sa.bindparam("stream_id", type_=sa.Uuid()),
        mark.c.lane == sa.bindparam("lane", type_=sa.Integer()),
        among(dialect, mark.c.position, "positions"),
    )


@lru_cache
def _standings(dialect: str) -> Query:
    keys = table_of(dialect, "keys", _PLACE)
    swept = _swept(dialect)
    marked, on = probed(dialect, mark, _mark_of(keys), "marked")
    return (
        sa.select(
            keys,
            listed_at(dialect, line.c.lanes, line.c.floor, keys.c.lane).label("line_floor"),
            *[swept.c[name].label(f"swept_{name}") for name in _SWEPT],
            *[marked.c[name].label(f"mark_{name}") for name in _MARK_FIELDS],
        )
        .select_from(keys)
        .outerjoin(line, sa.and_(line.c.reader_id == READER_ID, line.c.stream_id == keys.c.stream_id))
        .outerjoin(marked, on)
        .outerjoin(swept, same_place(swept, keys))
    )


def _swept(dialect: str) -> sa.Subquery:
    """The sweeps that count for each place: those that cover it, since its lowering and its snooze."""
    keys = table_of(dialect, "keys", _PLACE).alias("swept_keys")
    marked, on = probed(dialect, mark, _mark_of(keys), "marked")
    covers = sa.and_(
        sweep.c.reader_id == READER_ID,
        sweep.c.stream_id == keys.c.stream_id,
        sweep.c.newest_at >= sa.bindparam("oldest", type_=Instant()),
        listed_at(dialect, sweep.c.lanes, sweep.c.upto, keys.c.lane) >= keys.c.position,
        sweep.c.op > sa.func.coalesce(marked.c.since, 0),
        sa.or_(marked.c.snoozed_until.is_(None), sweep.c.at >= marked.c.snoozed_until),
    )

    def earliest(level: Level) -> sa.ColumnElement[Any]:
        return sa.func.min(sa.case((sweep.c.level >= int(level), sweep.c.at)))

    return (
        sa.select(
            keys,
            sa.func.max(sweep.c.level).label("level"),
            earliest(Level.SEEN).label("seen_at"),
            earliest(Level.READ).label("read_at"),
            earliest(Level.DISMISSED).label("dismissed_at"),
        )
        .select_from(keys)
        .outerjoin(marked, on)
        .join(sweep, covers)
        .group_by(keys.c.stream_id, keys.c.lane, keys.c.position)
        .subquery("swept")
    )


def _mark_of(keys: sa.FromClause) -> sa.ColumnElement[bool]:
    return sa.and_(mark.c.reader_id == READER_ID, same_place(mark, keys))


def _standing(row: Row) -> Standing:
    # By place, for there are some thirty columns; and of a page most are neither marked nor swept.
    floor, level, seen_at, read_at, dismissed_at, *marked = row[3:]
    found, swept = None, _UNSWEPT
    if row.mark_id is not None:
        values = dict(zip(_MARK_FIELDS, marked, strict=True))
        values["base"], values["raised"] = Level(values["base"]), Level(values["raised"])
        found = Mark(**values)
    if level is not None:
        swept = Swept(
            level=Level(level),
            seen_at=seen_at,
            read_at=read_at,
            dismissed_at=dismissed_at,
        )
    return Standing(mark=found, swept=swept, floor=floor or 0)

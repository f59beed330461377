"""What happened since: in streams, by seq and by the number of a change, and to readers, by operation.

All three are numbered without gaps in the order of commits, so who knows how far they came can be told what
followed, and sees where something was forgotten.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from tidings.model import Audience, ChangeKind, Level, OperationKind
from tidings.storage.connection import Connection
from tidings.storage.dialects import Query, among
from tidings.storage.feed import Content, content, contents_of
from tidings.storage.reachable import Shape
from tidings.storage.tables import change, notification, operation, reader, stream, sweep


class StreamEnd(NamedTuple):
    """How far a stream has come."""

    seq: int
    change: int


class Change(NamedTuple):
    """What became of a notification, or of an alert."""

    number: int
    kind: ChangeKind
    at: datetime
    lane: int
    position: int
    id: UUID | None  # the notification's; None where all up to the position are meant, or an alert is
    alert_id: str | None


class Done(NamedTuple):
    """What an operation did beside its sweeps."""

    op: int
    kind: OperationKind
    targets: Sequence[Sequence[Any]]  # as `Readers.record` took them, with ids as text


class Swept(NamedTuple):
    """One stream's sweeps of an operation."""

    op: int
    level: Level
    at: datetime
    stream_id: UUID
    lanes: Sequence[int]
    upto: Sequence[int]


class Logs:
    """What is told to who follows."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def stream_ends(self, streams: Collection[UUID]) -> dict[UUID, StreamEnd]:
        """How far these streams have come; those that there are not are left out."""
        if not streams:
            return {}
        rows = await self._connection.all(
            _stream_ends(self._connection.dialect), {"streams": sorted(streams)}
        )
        return {row.stream_id: StreamEnd(row.head, row.changes) for row in rows}

    async def reader_ends(self, readers: Collection[UUID]) -> dict[UUID, int]:
        """The numbers of these readers' last operations."""
        if not readers:
            return {}
        rows = await self._connection.all(
            _reader_ends(self._connection.dialect), {"readers": sorted(readers)}
        )
        return {row.reader_id: row.op for row in rows}

    async def appended(self, stream_id: UUID, after: int, limit: int, now: datetime) -> list[Content]:
        """The notifications of a stream after the seq `after`, in their order."""
        values = {"stream_id": stream_id, "streams": [stream_id], "after": after, "limit": limit}
        rows = await self._connection.all(_appended(self._connection.dialect), values)
        return [content(row, Audience(row.audience), now) for row in rows]

    async def changes(self, stream_id: UUID, after: int, limit: int) -> list[Change]:
        """The changes in a stream after the number `after`, in their order."""
        rows = await self._connection.all(
            sa.select(change)
            .where(change.c.stream_id == stream_id, change.c.number > after)
            .order_by(change.c.number)
            .limit(limit)
        )
        return [
            Change(
                number=row.number,
                kind=ChangeKind(row.kind),
                at=row.at,
                lane=row.lane or 0,
                position=row.position or 0,
                id=row.id,
                alert_id=row.alert_id,
            )
            for row in rows
        ]

    async def operations(self, reader_id: UUID, after: int, upto: int) -> list[Done]:
        """What a reader's operations in (after, upto] did beside their sweeps, in their order."""
        rows = await self._connection.all(
            sa.select(operation.c.op, operation.c.kind, operation.c.targets)
            .where(operation.c.reader_id == reader_id, operation.c.op > after, operation.c.op <= upto)
            .order_by(operation.c.op)
        )
        return [Done(row.op, OperationKind(row.kind), row.targets) for row in rows]

    async def sweeps(self, reader_id: UUID, after: int, upto: int) -> list[Swept]:
        """What a reader's operations in (after, upto] swept, and was not undone, in their order."""
        rows = await self._connection.all(
            sa.select(*[sweep.c[name] for name in Swept._fields])
            .where(sweep.c.reader_id == reader_id, sweep.c.op > after, sweep.c.op <= upto)
            .order_by(sweep.c.op, sweep.c.stream_id)
        )
        return [Swept(*row)._replace(level=Level(row.level)) for row in rows]


@lru_cache
def _stream_ends(dialect: str) -> Query:
    columns = (stream.c.stream_id, stream.c.head, stream.c.changes)
    return sa.select(*columns).where(among(dialect, stream.c.stream_id, "streams"))


@lru_cache
def _reader_ends(dialect: str) -> Query:
    columns = (reader.c.reader_id, reader.c.op)
    return sa.select(*columns).where(among(dialect, reader.c.reader_id, "readers"))


@lru_cache
def _appended(dialect: str) -> Query:
    contents, _ = contents_of(Shape(dialect=dialect, events=False, off=False, severities=False))
    stream_id = sa.bindparam("stream_id", type_=sa.Uuid())
    return (
        contents.add_columns(stream.c.audience)
        .join(stream, stream.c.stream_id == notification.c.stream_id)
        .where(notification.c.stream_id == stream_id, stream.c.stream_id == stream_id)
        .where(notification.c.seq > sa.bindparam("after", type_=sa.BigInteger()))
        .order_by(notification.c.seq)
        .limit(sa.bindparam("limit", type_=sa.Integer()))
    )

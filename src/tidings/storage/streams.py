"""Streams, lanes and what is written to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from tidings.model import Address, Audience, ChangeKind, lane_parts
from tidings.storage.connection import Connection, Merge, Row, clock_column
from tidings.storage.dialects import Query, among
from tidings.storage.tables import change, ending, expiry, lane, notification, stream

LaneKey = tuple[UUID, int]
_TAIL = ("audience", "head", "last_at", "last_id", "changes")
_COUNT_CHANGES = (
    sa.update(stream)
    .where(stream.c.stream_id == sa.bindparam("changed", type_=sa.Uuid()))
    .values(changes=stream.c.changes + sa.bindparam("more", type_=sa.BigInteger()))
    .returning(stream.c.changes)
)


@dataclass(frozen=True, kw_only=True)
class Tail:
    """The end of a stream while its lock is held."""

    audience: Audience
    head: int
    last_at: datetime | None
    last_id: UUID | None
    changes: int


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a notification stands."""

    stream_id: UUID
    lane: int
    position: int
    id: UUID
    created_at: datetime


class Streams:
    """The logs."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create(self, address: Address) -> bool:
        """Make the stream unless it is there; whether the id is its audience's now (and not another's)."""
        row = {"stream_id": address.id, "audience": address.audience.value, "head": 0, "changes": 0}
        await self._connection.write(stream, [row], or_ignore=True)
        return await self.audience(address.id) == address.audience

    async def audience(self, stream_id: UUID) -> Audience | None:
        """Whose stream it is; None where there is none."""
        found = await self._connection.scalar(
            sa.select(stream.c.audience).where(stream.c.stream_id == stream_id)
        )
        return Audience(found) if found else None

    async def missing(self, addresses: Iterable[Address]) -> list[Address]:
        """Those of `addresses` that no stream has."""
        wanted = sorted(set(addresses), key=lambda address: address.id)
        values = {"streams": [address.id for address in wanted]}
        rows = await self._connection.all(_audiences(self._connection.dialect), values)
        there = {(row.stream_id, row.audience) for row in rows}
        return [address for address in wanted if (address.id, address.audience.value) not in there]

    async def lock(self, addresses: Iterable[Address]) -> tuple[dict[UUID, Tail], datetime]:
        """Lock streams in the order of their ids; the end of each, and the time under the locks.

        Where an address has no stream nothing is locked, and there are no ends; `missing` tells which.
        """
        wanted = sorted(set(addresses), key=lambda address: address.id)
        if len(wanted) == 1:
            return await self._lock_one(wanted[0])
        if await self.missing(wanted):
            return {}, await self._connection.now()
        # FOR UPDATE locks by one key only; an upsert goes through its rows in their order.
        rows = await self._connection.write(
            stream,
            [
                {"stream_id": one.id, "audience": one.audience.value, "head": 0, "changes": 0}
                for one in wanted
            ],
            merge={"head": Merge.ADD},
            returning=["stream_id", *_TAIL],
        )
        return {row.stream_id: _tail(row) for row in rows}, await self._connection.now()

    async def _lock_one(self, address: Address) -> tuple[dict[UUID, Tail], datetime]:
        values = {"stream_id": address.id}
        row = await self._connection.first(_lock(self._connection.dialect), values)
        if row is None or row.audience != address.audience.value:
            return {}, await self._connection.now()
        return {address.id: _tail(row)}, self._connection.told(row.clock)

    async def set_tails(self, tails: Mapping[UUID, Tail]) -> None:
        """Set the ends of streams whose locks are held."""
        rows = [
            {
                "stream_id": stream_id,
                "audience": tail.audience.value,
                "head": tail.head,
                "last_at": tail.last_at,
                "last_id": tail.last_id,
                "changes": tail.changes,
            }
            for stream_id, tail in tails.items()
        ]
        await self._connection.write(stream, rows, merge=dict.fromkeys(_TAIL[1:], Merge.TAKE))
        self._connection.streams_touched.update(tails)

    async def advance(self, lanes: Sequence[Mapping[str, Any]]) -> dict[LaneKey, int]:
        """Move the heads of lanes (rows of `lane`, `head` the number added); the heads before that."""
        rows = await self._connection.write(
            lane,
            lanes,
            merge={"head": Merge.ADD, "last_at": Merge.GREATEST},
            returning=["stream_id", "lane", "head"],
        )
        added = {(row["stream_id"], row["lane"]): row["head"] for row in lanes}
        return {(row.stream_id, row.lane): row.head - added[row.stream_id, row.lane] for row in rows}

    async def append(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write notifications, rows of `notification`, and note which of them expire."""
        await self._connection.write(notification, rows)
        keys = ("stream_id", "expires_at", "lane", "position", "id", "created_at")
        expiring = [{key: row[key] for key in keys} for row in rows if row["expires_at"] is not None]
        await self._connection.write(expiry, expiring)

    async def latest_collapsed(self, keys: Sequence[tuple[UUID, str]]) -> list[Place]:
        """The newest notification for each (stream, collapse key) that has one."""
        places: list[Place] = []
        for first in range(0, len(keys), 100):  # SQLite takes at most 500 branches
            branches = [
                _latest_collapsed(*key, number) for number, key in enumerate(keys[first : first + 100])
            ]
            places += [_place(row) for row in await self._connection.all(sa.union_all(*branches))]
        return places

    async def places(self, ids: Sequence[UUID]) -> list[Place]:
        """Where notifications stand, gone ones too."""
        found = sa.select(
            notification.c.stream_id,
            notification.c.lane,
            notification.c.position,
            notification.c.id,
            notification.c.created_at,
        ).where(notification.c.id.in_(ids))
        return [_place(row) for row in await self._connection.all(found)]

    async def gone(self, place: Place, now: datetime) -> bool:
        """Whether a notification is withdrawn, expired, or below its lane's floor."""
        there = sa.and_(lane.c.stream_id == place.stream_id, lane.c.lane == place.lane)
        row = await self._connection.first(
            sa.select(lane.c.floor, ending.c.gone_at, notification.c.expires_at)
            .select_from(notification)
            .join(lane, there)
            .outerjoin(
                ending,
                sa.and_(
                    ending.c.stream_id == place.stream_id,
                    ending.c.lane == place.lane,
                    ending.c.position == place.position,
                ),
            )
            .where(
                notification.c.stream_id == place.stream_id,
                notification.c.lane == place.lane,
                notification.c.position == place.position,
            )
        )
        if row is None or row.gone_at is not None or place.position <= row.floor:
            return True
        return row.expires_at is not None and row.expires_at <= now

    async def count_changes(self, number: Mapping[UUID, int]) -> dict[UUID, int]:
        """Lock streams in the order of their ids, and count so many more changes; how many there were before.

        For who holds no lock of theirs yet.
        """
        before: dict[UUID, int] = {}
        for stream_id, more in sorted(number.items()):
            after = await self._connection.scalar(_COUNT_CHANGES, {"changed": stream_id, "more": more})
            before[stream_id] = after - more
        self._connection.streams_touched.update(number)
        return before

    async def note_changes(
        self,
        kind: ChangeKind,
        changed: Sequence[Place | tuple[UUID, str]],
        at: datetime,
        counted: Mapping[UUID, int],
    ) -> None:
        """Note what became of notifications (their places) or alerts (business, id), for who follows.

        `counted` are the numbers of changes before these, which are counted already, by the stream.
        """
        number = dict(counted)
        rows: list[dict[str, Any]] = []
        for one in changed:
            stream_id = one.stream_id if isinstance(one, Place) else one[0]
            number[stream_id] += 1
            row = {"stream_id": stream_id, "number": number[stream_id], "kind": kind.value, "at": at}
            of_place, alert_id = (one, None) if isinstance(one, Place) else (None, one[1])
            row |= {name: of_place and getattr(of_place, name) for name in ("lane", "position", "id")}
            rows.append(row | {"alert_id": alert_id})
        await self._connection.write(change, rows)

    async def note_removal(
        self, stream_id: UUID, lane_: int, floor: int, at: datetime, counted: Mapping[UUID, int]
    ) -> None:
        """Note that nothing is left of a lane up to its floor; `counted` as in `note_changes`."""
        row = {"stream_id": stream_id, "number": counted[stream_id] + 1, "kind": ChangeKind.REMOVED.value}
        nothing = {"id": None, "alert_id": None}
        await self._connection.write(change, [row | nothing | {"at": at, "lane": lane_, "position": floor}])

    async def forget_changes(self, before: datetime) -> None:
        """Forget what was told long ago."""
        await self._connection.execute(sa.delete(change).where(change.c.at < before))

    async def end(
        self, places: Sequence[Place], at: datetime, counted: Mapping[UUID, int] | None = None
    ) -> None:
        """Take notifications away from everybody; one that was gone before keeps its time.

        `counted`, as `note_changes` takes it, by who holds the locks of the streams already.
        """
        if counted is None:
            counted = await self.count_changes(Counter(place.stream_id for place in places))
        await self.note_changes(ChangeKind.GONE, places, at, counted)
        await self._note_ended(places)
        rows = [{**_ending_row(place), "gone_at": at} for place in places]
        await self._connection.write(ending, rows, merge={"gone_at": Merge.FIRST})

    async def resolve(self, places: Sequence[Place], by: UUID, at: datetime) -> None:
        """Settle notifications for all who read them; one that was settled before keeps its time."""
        counted = await self.count_changes(Counter(place.stream_id for place in places))
        await self.note_changes(ChangeKind.RESOLVED, places, at, counted)
        await self._note_ended(places)
        rows = [{**_ending_row(place), "resolved_at": at, "resolved_by": by} for place in places]
        merge = {"resolved_at": Merge.FIRST, "resolved_by": Merge.FIRST}
        await self._connection.write(ending, rows, merge=merge)

    async def _note_ended(self, places: Sequence[Place]) -> None:
        """Note how far up there are endings in each lane: counts look no further for them.

        Lanes come before their endings, as for who appends: so that no two writers deadlock.
        """
        highest: dict[LaneKey, Place] = {}
        for place in places:
            key = place.stream_id, place.lane
            if key not in highest or place.position > highest[key].position:
                highest[key] = place
        rows = [
            new_lane(place.stream_id, place.lane, last_at=place.created_at, ended=place.position)
            for place in highest.values()
        ]
        await self._connection.write(lane, rows, merge={"ended": Merge.GREATEST})

    async def heads(self, stream_id: UUID) -> list[tuple[int, int]]:
        """(lane, head) of each lane of a stream."""
        rows = await self._connection.all(
            sa.select(lane.c.lane, lane.c.head).where(lane.c.stream_id == stream_id)
        )
        return [(row.lane, row.head) for row in rows]

    async def raise_floor(self, stream_id: UUID, lane_: int, position: int) -> int:
        """Let everything up to `position` of a lane exist no longer; the floor that the lane has now."""
        target = sa.and_(lane.c.stream_id == stream_id, lane.c.lane == lane_)
        await self._connection.execute(
            sa.update(lane)
            .where(target, lane.c.floor < position, lane.c.head >= position)
            .values(floor=position)
        )
        return int(await self._connection.scalar(sa.select(lane.c.floor).where(target)) or 0)


def new_lane(
    stream_id: UUID, number: int, *, last_at: datetime, head: int = 0, ended: int = 0
) -> dict[str, Any]:
    """A row of `lane`, for a lane that may be there already."""
    event, severity = lane_parts(number)
    return {
        "stream_id": stream_id,
        "lane": number,
        "event": event,
        "severity": severity.rank,
        "head": head,
        "floor": 0,
        "last_at": last_at,
        "ended": ended,
    }


@lru_cache
def _audiences(dialect: str) -> Query:
    here = among(dialect, stream.c.stream_id, "streams")
    return sa.select(stream.c.stream_id, stream.c.audience).where(here)


@lru_cache
def _lock(dialect: str) -> Query:
    columns = [stream.c[name] for name in _TAIL]
    stream_id = sa.bindparam("stream_id", type_=sa.Uuid())
    return sa.select(*columns, clock_column(dialect)).where(stream.c.stream_id == stream_id).with_for_update()


def _tail(row: Row) -> Tail:
    return Tail(
        audience=Audience(row.audience),
        head=row.head,
        last_at=row.last_at,
        last_id=row.last_id,
        changes=row.changes,
    )


def _latest_collapsed(stream_id: UUID, key: str, number: int) -> Query:
    newest = (
        sa.select(
            notification.c.stream_id,
            notification.c.lane,
            notification.c.position,
            notification.c.id,
            notification.c.created_at,
        )
        .where(notification.c.stream_id == stream_id, notification.c.collapse_key == key)
        .order_by(notification.c.seq.desc())
        .limit(1)
        .subquery(f"newest_{number}")
    )
    return sa.select(newest)


def _place(row: Row) -> Place:
    return Place(
        stream_id=row.stream_id,
        lane=row.lane,
        position=row.position,
        id=row.id,
        created_at=row.created_at,
    )


def _ending_row(place: Place) -> dict[str, Any]:
    return {
        "stream_id": place.stream_id,
        "lane": place.lane,
        "position": place.position,
        "id": place.id,
        "created_at": place.created_at,
    }

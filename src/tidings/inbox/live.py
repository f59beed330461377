"""What is told to who follows an inbox: what happened since in its streams, and to its reader."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from tidings.inbox.items import held
from tidings.inbox.reach import Readable, reach_of, readable_by
from tidings.model import Alert, ChangeKind, Item, Level, Notification, OperationKind, Reader
from tidings.storage.engine import Database
from tidings.storage.logs import Change, Done, StreamEnd, Swept
from tidings.storage.store import Store

MOST_MISSED = 1000
"""Who missed more of a stream, or of what was marked, is told to look anew."""
MOST_OPERATIONS = 100
"""And who missed more operations."""


@dataclass(frozen=True, kw_only=True)
class Appended:
    """A notification that is new for all who read its stream."""

    notification: Notification


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A notification that is gone, or was settled, for all who read its stream."""

    stream_id: UUID
    lane: int
    position: int
    id: UUID | None  # None: all up to the position
    resolved_at: datetime | None  # None: it is gone


@dataclass(frozen=True, kw_only=True)
class AlertChanged:
    """An alert was raised, or says something else; or it was cleared."""

    business_id: UUID
    alert_id: str
    alert: Alert | None  # None: it was cleared


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """That everything up to some positions was raised to a level, but what was snoozed then."""

    level: Level
    at: datetime
    lanes: Sequence[tuple[UUID, int, int]]  # stream, lane, position
    only_read: bool  # of these only what was read


@dataclass(frozen=True, kw_only=True)
class Operated:
    """What some operations did to their reader's inbox: first the sweeps, in their order."""

    sweeps: Sequence[Sweep] = ()
    items: Sequence[Item] = ()  # as they are now, after all of these operations
    gone: Sequence[UUID] = ()
    alerts_dismissed: Sequence[tuple[UUID, str]] = ()
    preferences: bool = False


StreamEvent = Appended | Ended | AlertChanged
StreamNews = tuple[StreamEnd, Sequence[tuple[StreamEnd, StreamEvent]]]
"""Up to where it goes, and what happened, each with where the stream stood after it."""
ReaderNews = tuple[int, Sequence[tuple[int, Operated]]]
"""The same of a reader's operations, by their numbers."""


class Telling:
    """Reads what happened since. None stands for what can no longer be told."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def stream_ends(self, streams: Collection[UUID]) -> dict[UUID, StreamEnd]:
        async with self._database.read() as store:
            return await store.logs.stream_ends(streams)

    async def reader_ends(self, readers: Collection[UUID]) -> dict[UUID, int]:
        async with self._database.read() as store:
            return await store.logs.reader_ends(readers)

    async def readable(self, reader: Reader) -> Readable:
        """What the reader reads now."""
        async with self._database.read() as store:
            return await readable_by(store, reader)

    async def stands(self, reader: Reader, alert: Alert) -> bool:
        """Whether the reader has the alert, and has not dismissed it."""
        async with self._database.read() as store:
            held_ = await store.alerts.held(reader.id, [alert.business_id], alert.id)
        return any(one.alert.episode == alert.episode and one.dismissed_at is None for one in held_)

    async def of_stream(self, stream_id: UUID, after: StreamEnd) -> StreamNews | None:
        """What happened in a stream: what was appended, and then what became of that and of others."""
        async with self._database.read() as store:
            end = (await store.logs.stream_ends([stream_id])).get(stream_id, after)
            if after.seq > end.seq or after.change > end.change:
                return None  # it was told by another database, which this one was restored from
            changes: list[Change] = []
            if end.change > after.change:
                changes = await store.logs.changes(stream_id, after.change, MOST_MISSED)
                if len(changes) < end.change - after.change:
                    return None  # too many, or too long ago
            events: list[tuple[StreamEnd, StreamEvent]] = []
            seq = after.seq
            if end.seq > after.seq:
                # After the changes: what these are about is among what was appended before them.
                appended = await store.logs.appended(stream_id, after.seq, MOST_MISSED + 1, await store.now())
                if len(appended) > MOST_MISSED:
                    return None
                for one in appended:
                    seq = one.notification.seq
                    if not one.gone:
                        event = Appended(notification=one.notification)
                        events.append((StreamEnd(seq, after.change), event))
            seq = max(seq, end.seq)
            alerts = await _alerts(store, stream_id, changes)
            for change in changes:
                events.append((StreamEnd(seq, change.number), _changed(stream_id, change, alerts)))
            return StreamEnd(seq, changes[-1].number if changes else end.change), events

    async def of_reader(self, reader: Reader, after: int) -> ReaderNews | None:
        """What a reader's operations did."""
        async with self._database.read() as store:
            end = (await store.logs.reader_ends([reader.id])).get(reader.id, after)
            if not 0 <= end - after <= MOST_OPERATIONS:
                return None
            done = {one.op: one for one in await store.logs.operations(reader.id, after, end)}
            swept: dict[int, list[Swept]] = {}
            for one in await store.logs.sweeps(reader.id, after, end):
                swept.setdefault(one.op, []).append(one)
            numbers = range(after + 1, end + 1)
            if any(one.kind is OperationKind.RESYNC for one in done.values()):
                return None
            if any(op not in done and op not in swept for op in numbers):
                return None  # undone or forgotten
            if sum(len(one.targets) for one in done.values()) > MOST_MISSED:
                return None
            marked = await _items(store, reader, done.values())
            event = _operated([done.get(op) for op in numbers], swept, marked)
            if event.alerts_dismissed:
                event = replace(event, alerts_dismissed=await _dismissed(store, reader, event))
            return end, [] if event == Operated() else [(end, event)]


async def _alerts(store: Store, business_id: UUID, changes: Sequence[Change]) -> Mapping[str, Alert]:
    """Those that stand of the alerts that changed, as they are now."""
    if all(change.alert_id is None for change in changes):
        return {}
    return {one.alert.id: one.alert for one in await store.alerts.held(business_id, [business_id])}


def _changed(stream_id: UUID, change: Change, alerts: Mapping[str, Alert]) -> StreamEvent:
    if change.alert_id is not None:
        alert = alerts.get(change.alert_id)
        return AlertChanged(business_id=stream_id, alert_id=change.alert_id, alert=alert)
    return Ended(
        stream_id=stream_id,
        lane=change.lane,
        position=change.position,
        id=change.id,
        resolved_at=change.at if change.kind is ChangeKind.RESOLVED else None,
    )


async def _dismissed(store: Store, reader: Reader, event: Operated) -> Sequence[tuple[UUID, str]]:
    """Those of the alerts that are not there again: raised anew, or brought back."""
    businesses = {business_id for business_id, _ in event.alerts_dismissed}
    standing = {
        (one.alert.business_id, one.alert.id)
        for one in await store.alerts.held(reader.id, businesses)
        if one.dismissed_at is None
    }
    return [one for one in event.alerts_dismissed if one not in standing]


async def _items(store: Store, reader: Reader, done: Collection[Done]) -> Mapping[UUID, Item]:
    """What there is now of the notifications that operations marked."""
    ids = sorted({id_ for one in done for id_ in _marked(one)})
    if not ids:
        return {}
    found = await held(store, await reach_of(store, reader), ids)
    return {one.item.id: one.item for one in found}


def _marked(done: Done | None) -> list[UUID]:
    if done is None or done.kind not in (OperationKind.MARKED, OperationKind.CLEARED):
        return []
    return [UUID(id_) for _, _, _, id_ in done.targets]


def _operated(
    done: Sequence[Done | None], swept: Mapping[int, Sequence[Swept]], items: Mapping[UUID, Item]
) -> Operated:
    """All of them as one: a state that is looked up now is that after the last of them."""
    kinds = {one.op: one.kind for one in done if one is not None}
    marked = {id_ for one in done for id_ in _marked(one)}
    return Operated(
        sweeps=[
            _sweep(parts, kinds.get(op))
            for op, parts in sorted(swept.items())
            if kinds.get(op) is not OperationKind.NOTHING
        ],
        items=[*items.values()],
        gone=sorted(marked - items.keys()),
        alerts_dismissed=[
            (UUID(business_id), alert_id)
            for one in done
            if one is not None and one.kind is OperationKind.ALERTS
            for business_id, alert_id in one.targets
        ],
        preferences=OperationKind.PREFERENCES in kinds.values(),
    )


def _sweep(parts: Sequence[Swept], kind: OperationKind | None) -> Sweep:
    lanes = [
        (one.stream_id, lane, upto) for one in parts for lane, upto in zip(one.lanes, one.upto, strict=True)
    ]
    return Sweep(level=parts[0].level, at=parts[0].at, lanes=lanes, only_read=kind is OperationKind.CLEARED)


def fresh(notification: Notification) -> Item:
    """A notification as who has not touched it has it."""
    return Item(
        notification=notification,
        level=Level.NEW,
        seen_at=None,
        read_at=None,
        dismissed_at=None,
        snoozed_until=None,
        pinned=False,
    )

"""The catalog of topics and events, and what readers chose for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import time, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from tidings.model import Event, Preference, QuietHours, Rhythm, Severity
from tidings.storage.connection import Connection, Merge, Row
from tidings.storage.tables import event, preference, quiet_hours, topic

_FIRST_EVENT = 1
_MINUTE = timedelta(minutes=1)


_FRESH_SECONDS = 1.0


class EventCache:
    """Events by their key, for a second: an append looks one up, and a lookup costs a sixth of it.

    A number never changes and an event is never removed, so all that can be old is a default that another
    process changed within this second.
    """

    def __init__(self) -> None:
        self._events: dict[str, tuple[float, Event]] = {}
        self.generation = 0  # what was asked for in an earlier one may be old

    def fresh(self, keys: Iterable[str]) -> dict[str, Event]:
        """Those of `keys` that were looked up within the last second."""
        since = monotonic() - _FRESH_SECONDS
        known = {key: self._events[key] for key in keys if key in self._events}
        return {key: event for key, (at, event) in known.items() if at >= since}

    def learn(self, events: Mapping[str, Event], generation: int) -> None:
        """Take what was looked up; `generation` is that of before the lookup."""
        if generation == self.generation:
            now = monotonic()
            self._events.update({key: (now, event) for key, event in events.items()})

    def forget(self) -> None:
        self.generation += 1
        self._events.clear()


class Catalog:
    """What a deployment tells about."""

    def __init__(self, connection: Connection, cache: EventCache) -> None:
        self._connection = connection
        self._cache = cache
        self.changed = False  # what this transaction changed others see after its commit

    async def topics(self) -> list[str]:
        """All topics, in the order in which they are shown."""
        rows = await self._connection.all(sa.select(topic.c.topic).order_by(topic.c.rank, topic.c.topic))
        return [row.topic for row in rows]

    async def events(self, keys: Iterable[str]) -> dict[str, Event]:
        """Those of the events that there are, by their key."""
        wanted = {key for key in keys if _can_be_a_key(key)}
        known, generation = self._cache.fresh(wanted), self._cache.generation
        if unknown := sorted(wanted - known.keys()):
            rows = await self._connection.all(sa.select(event).where(event.c.event.in_(unknown)))
            found = {row.event: _event(row) for row in rows}
            if not self.changed:
                self._cache.learn(found, generation)
            known |= found
        return known

    async def lock_event(self, key: str) -> Event | None:
        """The event as it is until this transaction ends; None where there is none."""
        if not _can_be_a_key(key):
            return None
        row = await self._connection.first(sa.select(event).where(event.c.event == key).with_for_update())
        return None if row is None else _event(row)

    async def all_events(self) -> list[Event]:
        """The whole catalog, in the order in which the events were added."""
        rows = await self._connection.all(sa.select(event).order_by(event.c.number))
        return [_event(row) for row in rows]

    async def events_of(self, topics: Iterable[str]) -> frozenset[int]:
        """The numbers of the events of these topics."""
        rows = await self._connection.all(sa.select(event.c.number).where(event.c.topic.in_(sorted(topics))))
        return frozenset(row.number for row in rows)

    async def put_event(
        self,
        key: str,
        *,
        topic: str,
        severity: Severity,
        channels: Mapping[str, bool],
        critical: bool,
        digest: Rhythm,
        escalate_after: timedelta | None,
    ) -> Event:
        """Add the event, with the next number, or change it; a new topic comes after the others.

        `channels` names every channel.
        """
        values: dict[str, Any] = {
            "topic": topic,
            "severity": severity.value,
            "channels": dict(channels),
            "in_app": channels["in_app"],
            "critical": critical,
            "digest": digest.value,
            "escalate_minutes": None if escalate_after is None else escalate_after // _MINUTE,
        }
        change = sa.update(event).where(event.c.event == key).values(values)
        next_number = sa.select(sa.func.coalesce(sa.func.max(event.c.number), _FIRST_EVENT - 1) + 1)
        add = self._connection.upsert(event).values(event=key, number=next_number.scalar_subquery(), **values)
        # Of two that add at once the second waits for the first, finds the number or the key taken, and asks
        # again. The topic comes after the event: who waits for a number holds nothing that others wait for.
        while await self._connection.execute(change) == 0:
            if await self._connection.execute(add.on_conflict_do_nothing()) == 1:
                break
        await self._put_topic(topic)
        self.changed = True
        self._cache.forget()
        return (await self.events([key]))[key]

    async def _put_topic(self, name: str) -> None:
        rank = sa.select(sa.func.coalesce(sa.func.max(topic.c.rank), 0) + 1).scalar_subquery()
        await self._connection.execute(
            self._connection.upsert(topic).values(topic=name, rank=rank).on_conflict_do_nothing()
        )

    # --- preferences --------------------------------------------------------------------------------------

    async def preferences(self, reader_id: UUID) -> list[Preference]:
        """Everything that the reader chose."""
        rows = await self._connection.all(_PREFERENCES, {"reader_id": reader_id})
        return [
            Preference(subject=row.subject, key=row.key, channel=row.channel, enabled=row.enabled)
            for row in rows
        ]

    async def set_channels(
        self, reader_id: UUID, subject: str, key: str, channels: Mapping[str, bool]
    ) -> None:
        """Set the given channels of one event or topic; the others stay as they are."""
        await self.set_choices(reader_id, subject, {key: channels})

    async def set_choices(
        self, reader_id: UUID, subject: str, choices: Mapping[str, Mapping[str, bool]]
    ) -> None:
        """Set the given channels of several events or topics; the others stay as they are."""
        rows = [
            {"reader_id": reader_id, "subject": subject, "key": key, "channel": channel, "enabled": enabled}
            for key, channels in choices.items()
            for channel, enabled in channels.items()
        ]
        await self._connection.write(preference, rows, merge={"enabled": Merge.TAKE})

    async def forget_channels(self, reader_id: UUID, subject: str) -> None:
        """Forget all that the reader chose for events, or for topics."""
        mine = sa.and_(preference.c.reader_id == reader_id, preference.c.subject == subject)
        await self._connection.execute(sa.delete(preference).where(mine))

    async def forget_choices(
        self, reader_id: UUID, subject: str, keys: Iterable[str], channel: str | None = None
    ) -> None:
        """Forget what the reader chose for these events or topics, for one channel or for all."""
        some = sa.and_(
            preference.c.reader_id == reader_id,
            preference.c.subject == subject,
            preference.c.key.in_(sorted(keys)),
        )
        chosen = some if channel is None else sa.and_(some, preference.c.channel == channel)
        await self._connection.execute(sa.delete(preference).where(chosen))

    async def quiet_hours(self, user_id: UUID) -> QuietHours | None:
        """When only critical events leave the user's inbox; None: never."""
        row = await self._connection.first(_QUIET_HOURS, {"reader_id": user_id})
        if row is None:
            return None
        return QuietHours(begins=_clock(row.begins), ends=_clock(row.ends), time_zone=row.time_zone)

    async def set_quiet_hours(self, user_id: UUID, quiet: QuietHours | None) -> None:
        """Take these in the place of those of before; None takes them away."""
        if quiet is None:
            mine = quiet_hours.c.reader_id == user_id
            await self._connection.execute(sa.delete(quiet_hours).where(mine))
            return
        row = {
            "reader_id": user_id,
            "begins": _minute(quiet.begins),
            "ends": _minute(quiet.ends),
            "time_zone": quiet.time_zone,
        }
        merge = {name: Merge.TAKE for name in row if name != "reader_id"}
        await self._connection.write(quiet_hours, [row], merge=merge)


# Asked for whatever leaves the inbox, so built once.
_READER: sa.BindParameter[UUID] = sa.bindparam("reader_id", type_=sa.Uuid())
_PREFERENCES = sa.select(preference).where(preference.c.reader_id == _READER)
_QUIET_HOURS = sa.select(quiet_hours).where(quiet_hours.c.reader_id == _READER)


def _minute(clock: time) -> int:
    """Since midnight."""
    return clock.hour * 60 + clock.minute


def _clock(minute: int) -> time:
    return time(*divmod(minute, 60))


def _can_be_a_key(text: str) -> bool:
    """PostgreSQL refuses a text with a NUL or half a character; SQLite knows no such event either."""
    return text.isprintable()


def _event(row: Row) -> Event:
    return Event(
        key=row.event,
        number=row.number,
        topic=row.topic,
        severity=Severity(row.severity),
        channels=row.channels,
        critical=row.critical,
        digest=Rhythm(row.digest),
        escalate_after=None if row.escalate_minutes is None else row.escalate_minutes * _MINUTE,
    )

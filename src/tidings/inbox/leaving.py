"""What leaves the inbox by another channel: the jobs of a notification, and whether it still goes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from tidings.inbox.items import held
from tidings.inbox.preferences import resolved
from tidings.inbox.quiet_hours import quiet_until
from tidings.inbox.reach import reach_of
from tidings.model import (
    Audience,
    Draft,
    Event,
    Item,
    Level,
    QuietHours,
    Reader,
    Rhythm,
    lane_parts,
)
from tidings.storage.jobs import Job, Priority, Reason, waiting
from tidings.storage.store import Store
from tidings.time_zones import next_digest

PATIENT = frozenset({"email", "sms", "chat"})
"""The channels for which something can wait, for a digest or whether it is read; the others are for now."""


def jobs_of(
    drafts: Sequence[Draft],
    ids: Sequence[UUID],
    events: Mapping[str, Event],
    channels: Collection[str],
    now: datetime,
) -> list[Job]:
    """A job for each notification and channel: of its one reader, or of all that read its stream."""
    jobs: list[Job] = []
    for draft, id_ in zip(drafts, ids, strict=True):
        is_own = draft.to.audience is Audience.USER
        priority = Priority.OWN if is_own else Priority.SHARED
        if events[draft.event].critical:
            priority = Priority.CRITICAL
        jobs += [
            waiting(
                stream_id=draft.to.id,
                notification_id=id_,
                reader_id=draft.to.id,
                channel=channel,
                priority=priority,
                now=now,
                reached=None if is_own else 0,
            )
            for channel in sorted(channels)
        ]
    return jobs


@dataclass(frozen=True, kw_only=True)
class Leaving:
    """A notification that is about to leave the inbox for one reader."""

    item: Item | None = None  # as the reader has it now; None: it is not there for them
    critical: bool = False
    reason: Reason | None = None  # why it does not go; None: it goes
    until: datetime | None = None  # with a reason: when to ask again; None: never
    rhythm: Rhythm = Rhythm.AT_ONCE  # with Reason.DIGEST: of which digest, the next of which goes at `until`
    time_zone: str = "UTC"


async def decide(
    store: Store, reader_id: UUID, ids: Sequence[UUID], channel: str, *, in_digest: bool = False
) -> dict[UUID, Leaving]:
    """Whether each of these goes to this user through this channel, as everything stands now.

    `in_digest` is for what has waited for a digest that goes now: it waits for none, and by itself for no end
    of quiet hours.
    """
    reach = await reach_of(store, Reader(id=reader_id))
    # An event that is off in the app may still be wanted elsewhere.
    found = [one.item for one in await held(store, replace(reach, off=frozenset()), ids)]
    events = await store.catalog.events({item.notification.event for item in found})
    if not found:
        return dict.fromkeys(ids, Leaving(reason=Reason.GONE))
    quiet = await store.catalog.quiet_hours(reader_id)
    waits = any(event.digest is not Rhythm.AT_ONCE for event in events.values())
    rules = _Rules(
        channel=channel,
        at=reach.at,
        chosen={
            (one.subject, one.key): one.enabled
            for one in await store.catalog.preferences(reader_id)
            if one.channel == channel
        },
        quiet=quiet,
        time_zone=await _time_zone(store, reader_id, quiet) if waits else "UTC",
        in_digest=in_digest,
    )
    decided = {item.id: rules.of(item, events[item.notification.event]) for item in found}
    return {id_: decided.get(id_) or Leaving(reason=Reason.GONE) for id_ in ids}


async def recipients(
    store: Store, stream_id: UUID, notification_id: UUID, channel: str, *, after: UUID | None, limit: int
) -> list[UUID]:
    """Who reads a shared stream and may get this through the channel, by their ids, that come after `after`.

    Of an event that does not go through it by default only those who want it: of a broadcast to everybody
    most would have a row that says nothing.
    """
    place = (await store.streams.places([notification_id]))[:1]
    number = lane_parts(place[0].lane)[0] if place else None
    for event in await store.catalog.all_events():
        if event.number == number and not event.critical and not event.channels.get(channel, False):
            return await store.accounts.members_who_chose(
                stream_id, channel, event.key, event.topic, after, limit
            )
    return await store.accounts.members(stream_id, after, limit)


async def quiet_now(store: Store, reader_id: UUID) -> datetime | None:
    """When the quiet hours end in which this user is; None: they are in none."""
    return quiet_until(await store.catalog.quiet_hours(reader_id), await store.now())


@dataclass(frozen=True, kw_only=True)
class _Rules:
    """What one reader's deliveries through one channel go by."""

    channel: str
    at: datetime
    chosen: Mapping[tuple[str, str], bool]  # by subject and key
    quiet: QuietHours | None
    time_zone: str
    in_digest: bool

    def of(self, item: Item, event: Event) -> Leaving:
        leaving = Leaving(item=item, critical=event.critical)
        reason, until = self._not_now(item, event)
        if reason is not None or self.in_digest:
            return replace(leaving, reason=reason, until=until)
        if event.digest is not Rhythm.AT_ONCE and self.channel in PATIENT:
            until = next_digest(event.digest, self.time_zone, self.at)
            return replace(
                leaving, reason=Reason.DIGEST, until=until, rhythm=event.digest, time_zone=self.time_zone
            )
        until = None if event.critical else quiet_until(self.quiet, self.at)
        return leaving if until is None else replace(leaving, reason=Reason.QUIET_HOURS, until=until)

    def _not_now(self, item: Item, event: Event) -> tuple[Reason | None, datetime | None]:
        """Why it does not go, whether or not in a digest; and when to ask again."""
        if item.notification.resolved_at is not None:
            return Reason.GONE, None
        if item.level >= Level.READ:
            return Reason.READ, None
        of_event, of_topic = self.chosen.get(("event", event.key)), self.chosen.get(("topic", event.topic))
        if not resolved(event, self.channel, of_event, of_topic).enabled:
            return Reason.OFF, None
        if item.snoozed_until is not None:
            return Reason.SNOOZED, item.snoozed_until
        if event.escalate_after is not None and self.channel in PATIENT:
            due = item.notification.created_at + event.escalate_after
            if due > self.at:
                return Reason.ESCALATION, due
        return None, None


async def _time_zone(store: Store, reader_id: UUID, quiet: QuietHours | None) -> str:
    """By whose clocks the reader lives: as they said themselves, else as the operator did, else UTC."""
    if quiet is not None:
        return quiet.time_zone
    account = await store.accounts.account(reader_id)
    return (account and account.time_zone) or "UTC"

"""What leaves the inbox by another channel: the jobs of a notification, and whether it still goes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from tidings.inbox.items import held
from tidings.inbox.preferences import Choice, resolved
from tidings.inbox.quiet_hours import quiet_until
from tidings.inbox.reach import reach_of
from tidings.model import Audience, Draft, Event, Item, Level, Reader
from tidings.storage.jobs import Job, Priority, Reason, waiting
from tidings.storage.store import Store


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


async def decide(store: Store, reader_id: UUID, notification_id: UUID, channel: str) -> Leaving:
    """Whether it goes to this user through this channel, as everything stands now."""
    reach = await reach_of(store, Reader(id=reader_id))
    # An event that is off in the app may still be wanted elsewhere.
    found = await held(store, replace(reach, off=frozenset()), [notification_id])
    if not found:
        return Leaving(reason=Reason.GONE)
    item = found[0].item
    event = (await store.catalog.events([item.notification.event]))[item.notification.event]
    leaving = Leaving(item=item, critical=event.critical)
    if item.notification.resolved_at is not None:
        return replace(leaving, reason=Reason.GONE)
    if item.level >= Level.READ:
        return replace(leaving, reason=Reason.READ)
    if not (await _choice(store, reader_id, event, channel)).enabled:
        return replace(leaving, reason=Reason.OFF)
    if item.snoozed_until is not None:
        return replace(leaving, reason=Reason.SNOOZED, until=item.snoozed_until)
    if not event.critical:
        until = quiet_until(await store.catalog.quiet_hours(reader_id), reach.at)
        if until is not None:
            return replace(leaving, reason=Reason.QUIET_HOURS, until=until)
    return leaving


async def _choice(store: Store, user_id: UUID, event: Event, channel: str) -> Choice:
    chosen = {
        one.subject: one.enabled
        for one in await store.catalog.preferences(user_id)
        if one.channel == channel and one.key == (event.key if one.subject == "event" else event.topic)
    }
    return resolved(event, channel, chosen.get("event"), chosen.get("topic"))

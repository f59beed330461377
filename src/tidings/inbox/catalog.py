"""The catalog: which events there are, and through which channels each goes by default."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta

from tidings.errors import InvalidInput, UnknownEvent
from tidings.model import Event, Rhythm, Selection, Severity
from tidings.storage.store import Store

CHANNELS = ("in_app", "email", "push", "web_push", "sms", "chat")


def set_up(leaving: Collection[str]) -> list[str]:
    """The channels through which something reaches a reader: the inbox, and those by which it leaves that."""
    return [channel for channel in CHANNELS if channel == "in_app" or channel in leaving]


async def require(store: Store, selection: Selection) -> None:
    """Raises UnknownEvent, or InvalidInput, for an event or a topic that the catalog does not have."""
    if selection.topics:
        for topic in sorted(selection.topics - set(await store.catalog.topics())):
            raise InvalidInput(f"There is no topic {topic!r}.", topic=topic)
    if selection.events:
        for key in sorted(selection.events - set(await store.catalog.events(selection.events))):
            raise UnknownEvent(f"There is no event {key!r}.", event=key)


async def set_defaults(store: Store, key: str, channels: Mapping[str, bool]) -> Event:
    """Change the given ones of an event's default channels. Raises UnknownEvent, InvalidInput."""
    event = await store.catalog.lock_event(key)
    if event is None:
        raise UnknownEvent(f"There is no event {key!r}.", event=key)
    return await put_event(
        store,
        key,
        topic=event.topic,
        severity=event.severity,
        channels={**event.channels, **channels},
        critical=event.critical,
        digest=event.digest,
        escalate_after=event.escalate_after,
    )


async def put_event(
    store: Store,
    key: str,
    *,
    topic: str,
    severity: Severity = Severity.INFO,
    channels: Mapping[str, bool],
    critical: bool = False,
    digest: Rhythm = Rhythm.AT_ONCE,
    escalate_after: timedelta | None = None,
) -> Event:
    """Add an event to the catalog, or change it; a topic that is new extends the catalog's topics.

    Of `channels` what is missing is off, but in_app is on. Raises InvalidInput for an unknown channel, for a
    critical event with in_app off, and for one that waits for a digest though it is critical or escalates.
    """
    unknown = sorted(set(channels) - set(CHANNELS))
    if unknown:
        raise InvalidInput(f"There is no channel {unknown[0]!r}; there are {', '.join(CHANNELS)}.")
    complete = {channel: channels.get(channel, channel == "in_app") for channel in CHANNELS}
    if critical and not complete["in_app"]:
        raise InvalidInput("The channel in_app of a critical event cannot be off.")
    if digest is not Rhythm.AT_ONCE and (critical or escalate_after is not None):
        raise InvalidInput("What is critical or escalates waits for no digest.", field="digest")
    return await store.catalog.put_event(
        key,
        topic=topic,
        severity=severity,
        channels=complete,
        critical=critical,
        digest=digest,
        escalate_after=escalate_after,
    )

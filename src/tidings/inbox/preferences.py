"""What a reader chooses: through which channels an event, or all of a topic, reaches them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from uuid import UUID

from tidings.errors import InvalidInput, NotFound, UnknownEvent
from tidings.inbox.catalog import CHANNELS, set_up
from tidings.inbox.operations import begin
from tidings.model import Event, OperationKind, QuietHours, Reader, Turn
from tidings.storage.store import Store

Subject = Literal["event", "topic"]

FORCED = frozenset({"in_app", "email"})
"""The channels of a critical event that nobody can switch off."""


class Source(StrEnum):
    """Where it comes from that a channel is on or off."""

    DEFAULT = "default"
    TOPIC = "topic"
    EVENT = "event"
    CRITICAL = "critical"


@dataclass(frozen=True, kw_only=True)
class Choice:
    enabled: bool
    source: Source


def resolved(event: Event, channel: str, of_event: bool | None, of_topic: bool | None) -> Choice:
    """Whether an event goes through a channel, by what its reader chose for the event and for its topic.

    A topic that is off takes its events with it; else the event decides, else the topic, else the default.
    For the channel in_app `storage.catalog` says the same, where it tells which events are out of reach.
    """
    if event.critical and channel in FORCED:
        return Choice(enabled=True, source=Source.CRITICAL)
    if of_topic is False:
        return Choice(enabled=False, source=Source.TOPIC)
    if of_event is not None:
        return Choice(enabled=of_event, source=Source.EVENT)
    if of_topic is not None:
        return Choice(enabled=of_topic, source=Source.TOPIC)
    return Choice(enabled=event.channels.get(channel, False), source=Source.DEFAULT)


def resolved_topic(of_topic: bool | None) -> Choice:
    """Whether a topic lets its events through a channel: where nothing was chosen, it restricts nothing."""
    if of_topic is None:
        return Choice(enabled=True, source=Source.DEFAULT)
    return Choice(enabled=of_topic, source=Source.TOPIC)


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """All that a user chose, and what follows from it."""

    events: Mapping[str, tuple[Event, Mapping[str, Choice]]]  # by key: every event, every channel
    topics: Mapping[str, Mapping[str, Choice]]  # every topic, every channel
    quiet_hours: QuietHours | None
    available: Sequence[str]  # the channels that are set up


async def overview(store: Store, user_id: UUID) -> Preferences:
    """What the user chose, in the order of the catalog."""
    chosen: dict[tuple[str, str], dict[str, bool]] = {}
    for one in await store.catalog.preferences(user_id):
        chosen.setdefault((one.subject, one.key), {})[one.channel] = one.enabled

    def choices(event: Event) -> dict[str, Choice]:
        of_event, of_topic = chosen.get(("event", event.key), {}), chosen.get(("topic", event.topic), {})
        return {name: resolved(event, name, of_event.get(name), of_topic.get(name)) for name in CHANNELS}

    def topic_choices(topic: str) -> dict[str, Choice]:
        of_topic = chosen.get(("topic", topic), {})
        return {name: resolved_topic(of_topic.get(name)) for name in CHANNELS}

    return Preferences(
        events={event.key: (event, choices(event)) for event in await store.catalog.all_events()},
        topics={topic: topic_choices(topic) for topic in await store.catalog.topics()},
        quiet_hours=await store.catalog.quiet_hours(user_id),
        available=set_up(store.channels),
    )


async def choose(
    store: Store, user: Reader, subject: Subject, key: str, channels: Mapping[str, bool | None]
) -> None:
    """Switch channels of one event or topic on or off; None takes back what was chosen for one.

    What is not named stays. Raises NotFound for an event or topic that the catalog does not have, and
    UserNotFound.
    """
    turn = await begin(store, user)  # of two at once one comes second, and is what stays
    known = await store.catalog.events([key]) if subject == "event" else await store.catalog.topics()
    if key not in known:
        raise NotFound(f"There is no {subject} {key!r}.")
    chosen = {channel: enabled for channel, enabled in channels.items() if enabled is not None}
    await store.catalog.set_channels(user.id, subject, key, chosen)
    for channel in sorted(channels.keys() - chosen.keys()):
        await store.catalog.forget_choices(user.id, subject, [key], channel)
    await tell(store, turn)


async def tell(store: Store, turn: Turn) -> None:
    """Let who follows the reader's inbox know that something was chosen."""
    await store.readers.record(turn, OperationKind.PREFERENCES)
    await store.readers.finish(turn)


async def set_channels(
    store: Store, user_id: UUID, subject: Subject, key: str, channels: Mapping[str, bool]
) -> None:
    """Set the given channels of one event or topic for this user; the others stay as they are.

    Raises UnknownEvent for an event that the catalog does not have, InvalidInput for such a topic or channel.
    """
    if subject == "event" and not await store.catalog.events([key]):
        raise UnknownEvent(f"There is no event {key!r}.", event=key)
    if subject == "topic" and key not in await store.catalog.topics():
        raise InvalidInput(f"There is no topic {key!r}.", topic=key)
    unknown = sorted(set(channels) - set(CHANNELS))
    if unknown:
        raise InvalidInput(f"There is no channel {unknown[0]!r}.", channel=unknown[0])
    await store.catalog.set_channels(user_id, subject, key, channels)


@dataclass(frozen=True, kw_only=True)
class EventChannels:
    """Through which channels an event reaches a user."""

    event: str
    channels: Mapping[str, bool]  # every one: as chosen for the event, else its default
    customized: bool  # something was chosen for the event


async def by_event(store: Store, user_id: UUID) -> list[EventChannels]:
    """One for each event of the catalog, in its order."""
    chosen: dict[str, dict[str, bool]] = {}
    for one in await store.catalog.preferences(user_id):
        if one.subject == "event":
            chosen.setdefault(one.key, {})[one.channel] = one.enabled
    return [
        EventChannels(
            event=event.key,
            channels={**event.channels, **chosen.get(event.key, {})},
            customized=event.key in chosen,
        )
        for event in await store.catalog.all_events()
    ]


async def save_event(
    store: Store, user: Reader, key: str, channels: Mapping[str, bool], *, first: Mapping[str, bool]
) -> None:
    """Set the given channels of one event; with the first that is set, those of `first` are set too.

    Raises UnknownEvent, InvalidInput, UserNotFound.
    """
    turn = await begin(store, user)  # of two at once only one is the first
    mine = await store.catalog.preferences(user.id)
    customized = any(one.subject == "event" and one.key == key for one in mine)
    await set_channels(store, user.id, "event", key, channels if customized else {**first, **channels})
    await tell(store, turn)


async def replace_topics(
    store: Store, user: Reader, overrides: Mapping[str, Mapping[str, bool]]
) -> dict[str, dict[str, bool]]:
    """Make these all that the user chose by topic; what names no topic or channel is left out.

    What was kept. Raises UserNotFound.
    """
    turn = await begin(store, user)  # of two at once one comes second, and is what stays
    kept = {
        topic: {channel: overrides[topic][channel] for channel in CHANNELS if channel in overrides[topic]}
        for topic in await store.catalog.topics()
        if topic in overrides
    }
    await store.catalog.forget_channels(user.id, "topic")
    for topic, channels in kept.items():
        await store.catalog.set_channels(user.id, "topic", topic, channels)
    await tell(store, turn)
    return {topic: channels for topic, channels in kept.items() if channels}

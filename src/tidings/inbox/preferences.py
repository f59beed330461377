"""What a reader chooses: through which channels an event, or all of a topic, reaches them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from tidings.errors import InvalidInput, UnknownEvent
from tidings.inbox.catalog import CHANNELS
from tidings.inbox.operations import begin
from tidings.model import Reader
from tidings.storage.store import Store


async def set_channels(
    store: Store, user_id: UUID, subject: Literal["event", "topic"], key: str, channels: Mapping[str, bool]
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
    await begin(store, user)  # of two at once only one is the first
    mine = await store.catalog.preferences(user.id)
    customized = any(one.subject == "event" and one.key == key for one in mine)
    await set_channels(store, user.id, "event", key, channels if customized else {**first, **channels})


async def replace_topics(
    store: Store, user: Reader, overrides: Mapping[str, Mapping[str, bool]]
) -> dict[str, dict[str, bool]]:
    """Make these all that the user chose by topic; what names no topic or channel is left out.

    What was kept. Raises UserNotFound.
    """
    await begin(store, user)  # of two at once one comes second, and is what stays
    kept = {
        topic: {channel: overrides[topic][channel] for channel in CHANNELS if channel in overrides[topic]}
        for topic in await store.catalog.topics()
        if topic in overrides
    }
    await store.catalog.forget_channels(user.id, "topic")
    for topic, channels in kept.items():
        await store.catalog.set_channels(user.id, "topic", topic, channels)
    return {topic: channels for topic, channels in kept.items() if channels}

"""Notifications as a reader has them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from tidings.inbox.state import State, item_of, state_of
from tidings.model import Item, Level, Notification, Reach
from tidings.storage.readers import Mark, Standing
from tidings.storage.store import Store
from tidings.storage.streams import Place

_AT_ONCE = 1000


class Held:
    """An item with what its state follows from, for those who are about to change it."""

    def __init__(self, notification: Notification, standing: Standing, now: datetime) -> None:
        self.state: State = state_of(standing, now)
        self.item: Item = item_of(notification, self.state)
        self._mark = standing.mark

    @property
    def mark(self) -> Mark:
        """The reader's mark; one that says nothing where there is none."""
        return self._mark or Mark.at(_place(self.item.notification))


async def held(store: Store, reach: Reach, ids: Sequence[UUID]) -> list[Held]:
    """What there is of `ids` for the reader: in reach, not gone, not deleted; in no order."""
    found: list[Held] = []
    for first in range(0, len(ids), _AT_ONCE):
        found += await _held(store, reach, ids[first : first + _AT_ONCE])
    return found


async def _held(store: Store, reach: Reach, ids: Sequence[UUID]) -> list[Held]:
    contents = await store.feed.contents(reach, ids)
    there = [content.notification for content in contents if not content.gone]
    keys = [(n.stream_id, n.lane, n.position) for n in there]
    oldest = min((n.created_at for n in there), default=reach.at)
    standings = await store.readers.standings(reach.reader.id, keys, oldest=oldest)
    found = [
        Held(notification, standings[key], reach.at)
        for notification, key in zip(there, keys, strict=True)
        if notification.position > standings[key].floor
    ]
    return [one for one in found if one.state.level < Level.DELETED]


def _place(notification: Notification) -> Place:
    return Place(
        stream_id=notification.stream_id,
        lane=notification.lane,
        position=notification.position,
        id=notification.id,
        created_at=notification.created_at,
    )

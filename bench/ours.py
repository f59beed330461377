"""Readers of our own, filled and called through the core as a surface would."""

from __future__ import annotations

import random
from collections.abc import Sequence
from uuid import UUID, uuid4

import sqlalchemy as sa

from tidings.inbox import catalog, counts, feed, membership, operations
from tidings.inbox.append import append, withdraw
from tidings.inbox.folding import fold
from tidings.inbox.reach import reach_of
from tidings.inbox.sending import Sender
from tidings.inbox.undo import undo
from tidings.inbox.upkeep import run_upkeep
from tidings.model import (
    OPEN,
    UNREAD,
    UNSEEN,
    Action,
    Address,
    Audience,
    Draft,
    Outcome,
    Page,
    Reader,
    Severity,
    View,
)
from tidings.storage.engine import Database

EVENTS = 8
_SEVERITIES = list(Severity)
_TOPICS = ("anomaly", "billing", "ap_approvals", "plaid", "month_end", "ledger", "notes", "manual")


class Ours:
    """One user, and the calls on their inbox."""

    def __init__(self, database: Database, user: UUID) -> None:
        self._database = database
        self._reader = Reader(id=user)
        self._last: Outcome | None = None

    async def open(self) -> None:
        async with self._database.begin() as store:
            await membership.open_user(store, self._reader.id)

    async def fill(self, count: int) -> list[UUID]:
        """Append `count` notifications to the user's own stream, over 24 lanes."""
        to = Address(audience=Audience.USER, id=self._reader.id)
        ids: list[UUID] = []
        for first in range(0, count, 1000):
            async with self._database.begin() as store:
                ids += await append(store, [draft(to, n) for n in range(first, min(count, first + 1000))])
        return ids

    async def mark_all(self, action: Action = Action.SEEN) -> None:
        async with self._database.begin() as store:
            self._last = await operations.mark_all(store, self._reader, action)

    async def read_all(self) -> None:
        await self.mark_all(Action.READ)

    async def undo(self) -> None:
        if self._last is None or self._last.operation is None:
            return
        async with self._database.begin() as store:
            await undo(store, self._reader, self._last.operation)
        self._last = None

    async def clear_read(self) -> None:
        async with self._database.begin() as store:
            await operations.clear_read(store, self._reader)

    async def read_one_by_one(self, ids: Sequence[UUID]) -> None:
        for first in range(0, len(ids), 1000):
            async with self._database.begin() as store:
                await operations.mark(store, self._reader, Action.READ, ids[first : first + 1000])

    async def fold(self) -> None:
        """As the upkeep does it, without the ten minutes in which an undo is open."""
        async with self._database.begin() as store:
            await store.connection.execute(sa.text("UPDATE reader SET raised_at = NULL"))
            if not await fold(store, self._reader):
                raise RuntimeError("There was nothing to fold.")

    async def count(self) -> int:
        async with self._database.read() as store:
            return await counts.count(store, await reach_of(store, self._reader), UNSEEN)

    async def count_unread(self) -> int:
        async with self._database.read() as store:
            return await counts.count(store, await reach_of(store, self._reader), UNREAD)

    async def page(self) -> Page:
        return await self._page(View(windows=(OPEN,)))

    async def unread_page(self) -> Page:
        return await self._page(View(windows=(UNREAD,)))

    async def send_one(self, sender: Sender) -> None:
        await sender.send([draft(Address(audience=Audience.USER, id=self._reader.id), 0)])

    async def _page(self, view: View) -> Page:
        async with self._database.read() as store:
            return await feed.page(store, await reach_of(store, self._reader), view)


def draft(to: Address, number: int, events: int = EVENTS) -> Draft:
    return Draft(
        to=to,
        event=f"event.{number % events}",
        severity=_SEVERITIES[number // events % 3],
        title=f"Notification {number}",
        body="Something happened that you may want to know.",
        data={"number": number},
    )


async def create(database: Database) -> None:
    async with database.begin() as store:
        for number in range(EVENTS):
            await catalog.put_event(
                store, f"event.{number}", topic=_TOPICS[number], channels={"in_app": True}
            )


async def populate(database: Database, users: Sequence[UUID], each: int) -> None:
    """So many notifications for each of the users, who get theirs in turns, as it happens."""
    for user in users:
        await Ours(database, user).open()
    for number in range(each):
        async with database.begin() as store:
            await append(store, [draft(Address(audience=Audience.USER, id=user), number) for user in users])


async def user_of_businesses(database: Database, businesses: int, each: int) -> tuple[Ours, list[Address]]:
    """A user of so many businesses, with `each` new notifications or some more in each of their 12 lanes.

    In each business one is withdrawn and one was read by its id. And the businesses.
    """
    user, chance = uuid4(), random.Random(12)
    ours = Ours(database, user)
    await ours.open()
    streams = [Address(audience=Audience.BUSINESS, id=uuid4()) for _ in range(businesses)]
    async with database.begin() as store:
        for to in streams:
            await membership.open_business(store, to.id)
            await membership.join(store, user, to)
    for to in streams:
        drafts = [draft(to, n, events=4) for n in range(12 * each + chance.randrange(12 * each))]
        async with database.begin() as store:
            ids = await append(store, drafts)
            withdrawn, read = chance.sample(ids, 2)
            await withdraw(store, withdrawn)
            await operations.mark(store, Reader(id=user), Action.READ, [read])
    return ours, streams


async def tell(database: Database, streams: Sequence[Address]) -> None:
    """Another notification for each of the streams."""
    async with database.begin() as store:
        await append(store, [draft(to, 0) for to in streams])


async def vacuum(database: Database) -> None:
    """What the server would have done by itself by then; outside of the measured time."""
    async with database.read() as store:
        await store.connection.execute(sa.text("VACUUM ANALYZE"))
        await store.connection.execute(sa.text("CHECKPOINT"))  # else it writes while we measure


async def erase(database: Database) -> None:
    await run_upkeep(database)

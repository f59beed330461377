"""Erasing: what a user deleted from their own stream is gone for good once no undo can bring it back."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from tests.conftest import MovingClock, Run
from tidings.inbox import catalog, membership, operations
from tidings.inbox.append import append
from tidings.inbox.counts import count
from tidings.inbox.reach import reach_of
from tidings.inbox.undo import undo
from tidings.inbox.upkeep import run_upkeep
from tidings.model import PRESENT, Action, Address, Audience, Draft, Outcome, Reader
from tidings.storage.engine import Database
from tidings.storage.tables import erasure, notification


class World:
    """A user with an own stream and a business's."""

    def __init__(self, database: Database, run: Run) -> None:
        self.database, self._run = database, run
        self.reader, self.business = Reader(id=uuid4()), uuid4()
        run(self._open())

    async def _open(self) -> None:
        async with self.database.begin() as store:
            await catalog.put_event(store, "invoice.paid", topic="billing", channels={"in_app": True})
            await membership.open_user(store, self.reader.id)
            await membership.open_business(store, self.business)
            to = Address(audience=Audience.BUSINESS, id=self.business)
            await membership.join(store, self.reader.id, to)

    def send(self, audience: Audience = Audience.USER, number: int = 3) -> list[UUID]:
        to = Address(audience=audience, id=self.reader.id if audience is Audience.USER else self.business)

        async def work() -> list[UUID]:
            async with self.database.begin() as store:
                return await append(
                    store, [Draft(to=to, event="invoice.paid", title="Secret") for _ in range(number)]
                )

        return self._run(work())

    def mark(self, action: Action, ids: list[UUID]) -> Outcome:
        async def work() -> Outcome:
            async with self.database.begin() as store:
                return await operations.mark(store, self.reader, action, ids)

        return self._run(work())

    def delete_all(self) -> Outcome:
        async def work() -> Outcome:
            async with self.database.begin() as store:
                return await operations.mark_all(store, self.reader, Action.DELETE)

        return self._run(work())

    def clear_read(self) -> Outcome:
        async def work() -> Outcome:
            async with self.database.begin() as store:
                return await operations.clear_read(store, self.reader)

        return self._run(work())

    def undo(self, outcome: Outcome) -> Outcome:
        async def work() -> Outcome:
            assert outcome.operation is not None
            async with self.database.begin() as store:
                return await undo(store, self.reader, outcome.operation)

        return self._run(work())

    def upkeep(self) -> None:
        self._run(run_upkeep(self.database))

    def rows(self) -> int:
        """Notifications that are still stored, wherever."""

        async def work() -> int:
            async with self.database.read() as store:
                return await store.scalar(sa.select(sa.func.count()).select_from(notification))

        return self._run(work())

    def planned(self) -> int:
        async def work() -> int:
            async with self.database.read() as store:
                return await store.scalar(sa.select(sa.func.count()).select_from(erasure))

        return self._run(work())

    def present(self) -> int:
        async def work() -> int:
            async with self.database.read() as store:
                return await count(store, await reach_of(store, self.reader), PRESENT, by_level=True)

        return self._run(work())


@pytest.fixture
def world(database: Database, run: Run) -> World:
    return World(database, run)


def test_clear_read_erases_what_was_read_at_the_next_upkeep(world: World, clock: MovingClock) -> None:
    ids = world.send(number=5)
    world.mark(Action.READ, ids[:3])
    assert world.clear_read().changed == 3
    clock.move(seconds=1)
    world.upkeep()
    assert (world.rows(), world.present(), world.planned()) == (2, 2, 0)


def test_a_delete_is_erased_when_its_undo_is_over(world: World, clock: MovingClock) -> None:
    ids = world.send()
    world.mark(Action.DELETE, ids[:2])
    clock.move(minutes=10)
    world.upkeep()
    assert (world.rows(), world.present()) == (3, 1)
    clock.move(seconds=1)
    world.upkeep()
    assert (world.rows(), world.present(), world.planned()) == (1, 1, 0)


def test_an_undo_in_time_leaves_nothing_to_erase(world: World, clock: MovingClock) -> None:
    world.send()
    outcome = world.delete_all()
    assert outcome.changed == 3
    clock.move(minutes=10)
    assert world.undo(outcome).changed == 3
    clock.move(minutes=1)
    world.upkeep()
    assert (world.rows(), world.present(), world.planned()) == (3, 3, 0)


def test_a_shared_notification_is_never_erased(world: World, clock: MovingClock) -> None:
    world.mark(Action.READ, world.send(Audience.BUSINESS))
    assert world.clear_read().changed == 3
    clock.move(minutes=11)
    world.upkeep()
    assert (world.rows(), world.present()) == (3, 0)


def test_more_than_one_step_of_erasing_ends(world: World, clock: MovingClock) -> None:
    for _ in range(3):
        world.send(number=900)
    world.delete_all()
    clock.move(minutes=11)
    world.upkeep()
    assert (world.rows(), world.present(), world.planned()) == (0, 0, 0)


def test_counts_stay_right_after_erasing(world: World, clock: MovingClock) -> None:
    ids = world.send(number=6)
    world.mark(Action.DELETE, [ids[0], ids[4]])
    world.mark(Action.READ, [ids[1], ids[2]])
    world.clear_read()
    clock.move(minutes=11)
    world.upkeep()
    assert (world.rows(), world.present()) == (2, 2)
    world.send(number=1)
    assert world.present() == 3
    assert world.delete_all().changed == 3

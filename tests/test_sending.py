"""Group commit: what many callers send at once goes into few transactions, and each gets their own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from tests.conftest import Run
from tidings.errors import TooMany, UnknownEvent, UnknownRecipient
from tidings.inbox import catalog, membership
from tidings.inbox.append import MOST_AT_ONCE, append
from tidings.inbox.sending import Sender
from tidings.model import Address, Audience, Draft, Severity
from tidings.storage.engine import Database
from tidings.storage.failures import FAILURES
from tidings.storage.store import Store


def draft(to: UUID, title: str = "Something happened", event: str = "manual.announcement") -> Draft:
    return Draft(to=Address(audience=Audience.USER, id=to), event=event, title=title)


async def users(database: Database, count: int) -> list[UUID]:
    async with database.begin() as store:
        await catalog.put_event(store, "manual.announcement", topic="manual", channels={"in_app": True})
        made = [uuid4() for _ in range(count)]
        for user in made:
            await membership.open_user(store, user)
    return made


async def titles(database: Database, ids: Sequence[UUID]) -> list[str]:
    """The titles of the notifications with these ids, in their order."""
    async with database.read() as store:
        rows = await store.connection.all(sa.text("SELECT id, title FROM notification"))
    named = {UUID(str(row.id)): row.title for row in rows}
    return [named[id_] for id_ in ids]


def transactions(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """A list that grows by one with each transaction."""
    begun: list[None] = []
    begin = database.begin

    def counted() -> AbstractAsyncContextManager[Store]:
        begun.append(None)
        return begin()

    monkeypatch.setattr(database, "begin", counted)
    return begun


def test_many_at_once_go_into_few_transactions(
    run: Run, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        people = await users(database, 5)
        sender = Sender(database)
        seen = transactions(database, monkeypatch)
        sent = await asyncio.gather(
            *[sender.send([draft(people[n % 5], f"{n}.{k}") for k in range(n % 3 + 1)]) for n in range(60)]
        )
        for n, one in enumerate(sent):
            assert await titles(database, one) == [f"{n}.{k}" for k in range(n % 3 + 1)]
        assert len(seen) <= 3  # the first alone, at most, and those who came meanwhile

    run(work())


def test_no_group_is_larger_than_one_append(
    run: Run, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        people = await users(database, 1)
        sender = Sender(database)
        batch = [draft(people[0])] * (MOST_AT_ONCE // 2 + 1)
        seen = transactions(database, monkeypatch)
        sent = await asyncio.gather(*[sender.send(batch) for _ in range(3)])
        assert len({id_ for one in sent for id_ in one}) == 3 * len(batch)
        assert len(seen) == 3

    run(work())


def test_each_bears_their_own_fault_alone(run: Run, database: Database) -> None:
    async def work() -> None:
        (person,) = await users(database, 1)
        sender = Sender(database)
        answers = await asyncio.gather(
            sender.send([draft(person, "first")]),
            sender.send([draft(person, "half"), draft(uuid4())]),
            sender.send([draft(person, event="no.such")]),
            sender.send([draft(person)] * (MOST_AT_ONCE + 1)),
            sender.send([draft(person, "last")]),
            return_exceptions=True,
        )
        first, stranger, unknown, many, last = answers
        assert isinstance(stranger, UnknownRecipient)
        assert isinstance(unknown, UnknownEvent)
        assert isinstance(many, TooMany)
        assert not isinstance(first, BaseException)
        assert not isinstance(last, BaseException)
        assert await titles(database, [*first, *last]) == ["first", "last"]
        async with database.read() as store:
            assert await store.scalar(sa.text("SELECT count(*) FROM notification")) == 2

    run(work())


def test_who_gives_up_holds_nobody_up(run: Run, database: Database) -> None:
    async def work() -> None:
        (person,) = await users(database, 1)
        sender = Sender(database)
        calls = [asyncio.create_task(sender.send([draft(person, str(n))])) for n in range(9)]
        await asyncio.sleep(0)
        for gone in calls[::2]:
            gone.cancel()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        stayed = [one for one in answers if not isinstance(one, BaseException)]
        assert await titles(database, [one[0] for one in stayed]) == ["1", "3", "5", "7"]

    run(work())


def test_a_database_that_fails_is_told_to_all_who_wait(run: Run, database: Database) -> None:
    async def work() -> None:
        people = await users(database, 3)
        sender = Sender(database)
        async with database.begin() as store:
            await store.connection.execute(sa.text("ALTER TABLE notification RENAME TO elsewhere"))
        seen = await asyncio.gather(*[sender.send([draft(one)]) for one in people], return_exceptions=True)
        assert all(isinstance(one, FAILURES) for one in seen)
        async with database.begin() as store:
            await store.connection.execute(sa.text("ALTER TABLE elsewhere RENAME TO notification"))
        assert len(await sender.send([draft(people[0])])) == 1

    run(work())


def test_whoever_has_no_stream_is_the_one_who_is_named(run: Run, database: Database) -> None:
    async def work() -> None:
        (person,) = await users(database, 1)
        nobody = uuid4()
        for drafts in ([draft(person), draft(nobody)], [draft(nobody), draft(person)], [draft(nobody)]):
            with pytest.raises(UnknownRecipient, match=str(nobody)) as refused:
                await Sender(database).send(drafts)
            assert refused.value.details == {"recipient": str(nobody)}

    run(work())


def test_a_writer_that_is_cancelled_leaves_nobody_waiting(run: Run, database: Database) -> None:
    async def work() -> None:
        (person,) = await users(database, 1)
        sender = Sender(database)
        calls = [asyncio.create_task(sender.send([draft(person, str(n))])) for n in range(3)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        writer = next(task for task in asyncio.all_tasks() if "Sender._write" in repr(task))
        writer.cancel()
        done, waiting = await asyncio.wait(calls, timeout=5)
        assert (len(done), len(waiting)) == (3, 0)
        assert len(await sender.send([draft(person)])) == 1

    run(work())


def test_who_gave_up_is_not_written_after_another_was_refused(
    run: Run, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        people = await users(database, 2)
        sender = Sender(database)
        begun = transactions(database, monkeypatch)
        first = asyncio.create_task(sender.send([draft(people[0], "given up")]))
        other = asyncio.create_task(sender.send([draft(people[1]), draft(uuid4())]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(begun) == 1
        first.cancel()
        with pytest.raises(UnknownRecipient):
            await other
        async with database.read() as store:
            assert await store.scalar(sa.text("SELECT count(*) FROM notification")) == 0

    run(work())


def test_an_event_that_changed_is_not_sent_as_it_was(run: Run, database: Database) -> None:
    """A lookup between a change and its commit sees the old event, and must not be remembered."""

    async def work() -> None:
        (person,) = await users(database, 1)
        async with database.read() as other:
            async with database.begin() as store:
                await catalog.put_event(
                    store,
                    "manual.announcement",
                    topic="manual",
                    severity=Severity.URGENT,
                    channels={"in_app": True},
                )
                seen = await other.catalog.events(["manual.announcement"])
                assert seen["manual.announcement"].severity is Severity.INFO
            await Sender(database).send([draft(person)])
        async with database.read() as store:
            assert await store.scalar(sa.text("SELECT severity FROM lane")) == Severity.URGENT.rank

    run(work())


@pytest.mark.parametrize("steps", range(8))
def test_a_transaction_that_is_cancelled_anywhere_is_rolled_back_and_holds_nothing(
    run: Run, database: Database, steps: int
) -> None:
    async def work() -> None:
        (person,) = await users(database, 1)
        to = Address(audience=Audience.USER, id=person)

        async def write() -> None:
            async with database.begin() as store:
                await append(store, [Draft(to=to, event="manual.announcement", title="cancelled")])
                await asyncio.sleep(60)

        task = asyncio.create_task(write())
        for _ in range(steps * steps):
            await asyncio.sleep(0.0003)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(5):
            ids = await Sender(database).send([draft(person, "after it")])
        assert await titles(database, ids) == ["after it"]
        async with database.read() as store:
            assert await store.scalar(sa.text("SELECT count(*) FROM notification")) == 1

    run(work())


SLOW = sa.text("""
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) SELECT count(*) FROM n
""")


def test_a_statement_that_is_cancelled_holds_no_lock(run: Run, database: Database) -> None:
    async def work() -> None:
        people = await users(database, 2)
        begun = asyncio.Event()

        async def write() -> None:
            async with database.begin() as store:
                to = Address(audience=Audience.USER, id=people[0])
                await append(store, [Draft(to=to, event="manual.announcement", title="cancelled")])
                begun.set()
                await store.scalar(SLOW)

        for _ in range(3):
            begun.clear()
            task = asyncio.create_task(write())
            await begun.wait()
            await asyncio.sleep(0.02)
            assert not task.done()
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            async with asyncio.timeout(10):
                await Sender(database).send([draft(people[0])])
        async with database.read() as store:
            assert await store.scalar(sa.text("SELECT count(*) FROM notification")) == 3

    run(work())

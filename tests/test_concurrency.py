"""Writers and readers at once, on PostgreSQL: what each answers is exact, whatever the others are doing."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from tests.conftest import OpenDatabase, Run
from tidings.errors import NotificationNotFound
from tidings.ids import uuid7
from tidings.inbox import catalog, counts, feed, membership, operations
from tidings.inbox.append import append, withdraw
from tidings.inbox.reach import reach_of
from tidings.model import (
    UNSEEN,
    Action,
    Address,
    Audience,
    Draft,
    Outcome,
    Reader,
    Selection,
    Severity,
    View,
)
from tidings.storage.engine import Database
from tidings.storage.tables import ending, lane, notification, stream, sweep

EVENTS = ("tax.due", "bank.lost")
APPENDS, WRITERS = 60, 4
SWEEPS, SWEEPERS_A_READER, READERS = 60, 2, 2
ROUNDS = 200

SELECTIONS = (
    Selection(),
    Selection(severities=frozenset({Severity.URGENT})),
    Selection(topics=frozenset({"tax"})),
)


@dataclass
class Readers:
    """Users who are members of one business and read nothing else."""

    business: Address
    users: list[Reader]


async def _world(database: Database, users: int) -> Readers:
    async with database.begin() as store:
        at = await store.now()
        business = Address(audience=Audience.BUSINESS, id=uuid7(at))
        readers = [Reader(id=uuid7(at)) for _ in range(users)]
        await membership.open_business(store, business.id)
        for key in EVENTS:
            await catalog.put_event(store, key, topic=key.partition(".")[0], channels={})
        for reader in readers:
            await membership.open_user(store, reader.id)
            await membership.join(store, reader.id, business)
    return Readers(business=business, users=readers)


def _drafts(chance: random.Random, to: Sequence[Address], number: int) -> list[Draft]:
    return [
        Draft(
            to=chance.choice(to),
            event=chance.choice(EVENTS),
            severity=chance.choice(tuple(Severity)),
            title="something happened",
        )
        for _ in range(number)
    ]


async def _unseen(database: Database, reader: Reader) -> int:
    async with database.read() as store:
        return await counts.count(store, await reach_of(store, reader), UNSEEN)


async def _sweep(database: Database, reader: Reader, selection: Selection = SELECTIONS[0]) -> Outcome:
    async with database.begin() as store:
        return await operations.mark_all(store, reader, Action.SEEN, selection)


# --- writers and sweepers -----------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Appended:
    """One append: what it wrote, and when, in ticks, it had written and was committed."""

    ids: list[UUID]
    committing: int
    committed: int


@dataclass(kw_only=True)
class Swept:
    """One sweep: when, in ticks, it began and was committed, and how many it changed."""

    reader: Reader
    selection: Selection
    began: int
    committed: int
    updated: int


@dataclass
class Race:
    """Writers append to one stream, sweepers mark it as seen, and everybody notes when they did what."""

    database: Database
    readers: Readers
    chance: random.Random
    appended: list[Appended] = field(default_factory=list)
    swept: list[Swept] = field(default_factory=list)
    overtaken: int = 0  # sweeps committed while an append had written, and was not committed
    _ticks: count[int] = field(default_factory=count)
    _in_flight: int = 0
    _sweepers: int = 0
    _one_more: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def run(self) -> None:
        sweepers = [reader for reader in self.readers.users for _ in range(SWEEPERS_A_READER)]
        self._sweepers = len(sweepers)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(WRITERS):
                tasks.create_task(self.write())
            for reader in sweepers:
                tasks.create_task(self._sweep_often(reader))

    async def write(self) -> None:
        for turn in range(APPENDS):
            drafts = _drafts(self.chance, [self.readers.business], self.chance.randint(1, 5))
            async with self.database.begin() as store:
                ids = await append(store, drafts)
                self._in_flight += 1
                if turn % 3 == 0:
                    await self._until_somebody_swept()
                committing = next(self._ticks)
            self._in_flight -= 1
            self.appended.append(Appended(ids=ids, committing=committing, committed=next(self._ticks)))

    async def _sweep_often(self, reader: Reader) -> None:
        for _ in range(SWEEPS):
            selection, began = self.chance.choice(SELECTIONS), next(self._ticks)
            outcome = await _sweep(self.database, reader, selection)
            self.overtaken += self._in_flight > 0
            self.swept.append(
                Swept(
                    reader=reader,
                    selection=selection,
                    began=began,
                    committed=next(self._ticks),
                    updated=outcome.updated,
                )
            )
            await self._say_so()
        self._sweepers -= 1
        await self._say_so()

    async def _until_somebody_swept(self) -> None:
        """Hold what was written open while a sweep goes by; at the end there are none any more."""
        so_far = len(self.swept)
        async with self._one_more:
            await self._one_more.wait_for(lambda: len(self.swept) > so_far or not self._sweepers)

    async def _say_so(self) -> None:
        async with self._one_more:
            self._one_more.notify_all()


def test_sweeps_and_appends_at_once_lose_and_cover_nothing(
    run: Run, postgres_url: str, open_database: OpenDatabase, tell: Callable[[str], None]
) -> None:
    database = open_database(postgres_url, pool_size=WRITERS + READERS * SWEEPERS_A_READER)

    async def race() -> Race:
        race = Race(database, await _world(database, READERS), random.Random(2))
        await race.run()
        await race.write()  # what no sweep can have covered
        return race

    done = run(race())
    everything = [id_ for one in done.appended for id_ in one.ids]
    tell(
        f"{len(done.appended)} appends of {len(everything)} notifications, {len(done.swept)} sweeps, "
        f"of which {done.overtaken} committed while an append was in flight"
    )

    assert done.overtaken > 0
    assert run(_is_dense(database, done.readers.business.id)) == len(everything)
    for reader in done.readers.users:
        sweeps = [one for one in done.swept if one.reader == reader]
        assert sum(one.updated for one in sweeps) + run(_unseen(database, reader)) == len(everything)
        new = run(_listed_as_new(database, reader))
        last = max(one.committed for one in sweeps)
        unseeable = {id_ for one in done.appended if one.committing > last for id_ in one.ids}
        assert unseeable
        assert unseeable <= new
        complete = max(one.began for one in sweeps if one.selection == Selection())
        assert new.isdisjoint(id_ for one in done.appended if one.committed < complete for id_ in one.ids)


def test_a_sweep_does_not_cover_what_was_written_and_not_committed(
    run: Run, postgres_url: str, open_database: OpenDatabase
) -> None:
    database = open_database(postgres_url)

    async def overtake() -> tuple[Outcome, int]:
        readers = await _world(database, 1)
        [reader] = readers.users
        drafts = _drafts(random.Random(1), [readers.business], 3)
        async with database.begin() as store:
            await append(store, drafts)
        async with database.begin() as store:
            await append(store, drafts)  # in the same lanes
            outcome = await _sweep(database, reader)
        return outcome, await _unseen(database, reader)

    outcome, unseen = run(overtake())

    assert outcome.updated == 3
    assert unseen == 3


# --- one reader several times, and several streams ----------------------------------------------------------


def test_four_mark_alls_of_one_reader_at_once_add_up_to_what_was_new(
    run: Run, postgres_url: str, open_database: OpenDatabase, tell: Callable[[str], None]
) -> None:
    database = open_database(postgres_url)
    chance = random.Random(4)

    async def rounds() -> list[tuple[int, list[int]]]:
        readers = await _world(database, 1)
        [reader] = readers.users
        streams = [readers.business, Address(audience=Audience.USER, id=reader.id)]
        answers: list[tuple[int, list[int]]] = []
        for _ in range(ROUNDS):
            async with database.begin() as store:
                new = len(await append(store, _drafts(chance, streams, chance.randint(1, 12))))
            answers.append((new, await _four_at_once(database, reader)))
        return answers

    answers = run(rounds())
    tell(f"{len(answers)} rounds of four mark-alls at once, {sum(new for new, _ in answers)} notifications")

    assert len(answers) == ROUNDS
    assert [sorted(updated) for _, updated in answers] == [[0, 0, 0, new] for new, _ in answers]
    assert run(_operations_are_dense(database)) == ROUNDS


async def _four_at_once(database: Database, reader: Reader) -> list[int]:
    """What four mark-alls answer, each in a transaction that began before any of them locked the reader."""
    ready = asyncio.Barrier(4)

    async def one() -> int:
        async with database.begin() as store:
            await store.now()  # the transaction begins with its first statement
            await ready.wait()
            return (await operations.mark_all(store, reader, Action.SEEN)).updated

    return list(await asyncio.gather(*[one() for _ in range(4)]))


def test_batches_to_several_streams_at_once_do_not_deadlock(
    run: Run, postgres_url: str, open_database: OpenDatabase
) -> None:
    database = open_database(postgres_url)

    async def write(streams: Sequence[Address], chance: random.Random) -> Counter[UUID]:
        written: Counter[UUID] = Counter()
        for _ in range(25):
            drafts = _drafts(chance, streams, 12)
            async with database.begin() as store:
                await append(store, drafts)
            written.update(draft.to.id for draft in drafts)
        return written

    async def writers() -> Counter[UUID]:
        readers = await _world(database, 4)
        own = [Address(audience=Audience.USER, id=reader.id) for reader in readers.users]
        streams = [readers.business, *own]
        written = await asyncio.gather(*[write(streams, random.Random(seed)) for seed in range(6)])
        return sum(written, Counter())

    written = run(writers())

    assert {stream_id: run(_is_dense(database, stream_id)) for stream_id in written} == dict(written)


def test_what_ends_in_many_ways_at_once_does_not_deadlock_and_is_counted(
    run: Run, postgres_url: str, open_database: OpenDatabase
) -> None:
    """Collapsed by who appends, resolved by a member and withdrawn by the backend, in the same few lanes."""
    database = open_database(postgres_url)
    told: list[UUID] = []

    async def collapse(streams: Sequence[Address], chance: random.Random) -> None:
        for _ in range(40):
            drafts = [replace(one, collapse_key=chance.choice("abc")) for one in _drafts(chance, streams, 6)]
            async with database.begin() as store:
                told.extend(await append(store, drafts))

    async def settle(reader: Reader, chance: random.Random) -> None:
        for _ in range(40):
            async with database.begin() as store:
                await operations.mark(store, reader, Action.RESOLVE, chance.sample(told[-24:], 8))

    async def take_back(chance: random.Random) -> None:
        for _ in range(40):
            with suppress(NotificationNotFound):
                async with database.begin() as store:
                    await withdraw(store, chance.choice(told[-24:]))

    async def race() -> int:
        readers = await _world(database, 1)
        [reader] = readers.users
        streams = [readers.business, Address(audience=Audience.USER, id=reader.id)]
        async with database.begin() as store:
            told.extend(await append(store, _drafts(random.Random(0), streams, 30)))
        async with asyncio.TaskGroup() as tasks:
            for seed in range(3):
                tasks.create_task(collapse(streams, random.Random(seed)))
                tasks.create_task(settle(reader, random.Random(seed)))
                tasks.create_task(take_back(random.Random(seed)))
        return await _unseen(database, reader)

    unseen = run(race())

    assert 0 < unseen == len(told) - run(_number_ended(database))
    assert run(_told_ended(database)) == run(_highest_ended(database))


# --- what the database holds --------------------------------------------------------------------------------


async def _is_dense(database: Database, stream_id: UUID) -> int:
    """Check that seqs and positions are 1, 2, 3 … in feed order, up to their heads; how many there are."""
    rows = sa.select(notification.c.seq, notification.c.lane, notification.c.position)
    here = rows.where(notification.c.stream_id == stream_id)
    async with database.engine.connect() as connection:
        found = (await connection.execute(here.order_by(notification.c.created_at, notification.c.id))).all()
        head = await connection.scalar(sa.select(stream.c.head).where(stream.c.stream_id == stream_id))
        lanes = await connection.execute(
            sa.select(lane.c.lane, lane.c.head).where(lane.c.stream_id == stream_id)
        )
        heads = {row.lane: row.head for row in lanes}
    assert [row.seq for row in found] == list(range(1, len(found) + 1))
    assert head == len(found)
    for number in heads:
        positions = [row.position for row in found if row.lane == number]
        assert positions == list(range(1, heads[number] + 1))
    assert sum(heads.values()) == len(found)
    return len(found)


async def _number_ended(database: Database) -> int:
    async with database.engine.connect() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(ending)) or 0


async def _told_ended(database: Database) -> set[tuple[Any, ...]]:
    """The lanes that tell of endings, and up to where."""
    async with database.engine.connect() as connection:
        found = sa.select(lane.c.stream_id, lane.c.lane, lane.c.ended).where(lane.c.ended > 0)
        return {tuple(row) for row in await connection.execute(found)}


async def _highest_ended(database: Database) -> set[tuple[Any, ...]]:
    async with database.engine.connect() as connection:
        found = sa.select(ending.c.stream_id, ending.c.lane, sa.func.max(ending.c.position))
        rows = await connection.execute(found.group_by(ending.c.stream_id, ending.c.lane))
        return {tuple(row) for row in rows}


async def _operations_are_dense(database: Database) -> int:
    """Check that the mark-alls of the one reader there is are numbered 2, 3, 4 …; how many they are.

    1 was to join the business.
    """
    async with database.engine.connect() as connection:
        numbers = list(await connection.scalars(sa.select(sweep.c.op).distinct().order_by(sweep.c.op)))
    assert numbers == list(range(2, len(numbers) + 2))
    return len(numbers)


async def _listed_as_new(database: Database, reader: Reader) -> set[UUID]:
    """What the reader's list shows as new."""
    async with database.read() as store:
        reach = await reach_of(store, reader)
        page = await feed.page(store, reach, View(windows=(UNSEEN,)), limit=5000)
    assert page.next is None
    return {item.id for item in page.items}

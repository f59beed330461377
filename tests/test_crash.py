"""kill -9 at random points under writes: nothing that was answered is lost, nothing half-done shows.

A real `tidings serve` takes batches to several streams, and mark-alls, until it is killed at a random moment.
Then the database alone is read, and compared with a ledger of what was sent and what was answered; a new
server takes over, and everything that got no answer is sent once more.

How many kills fell inside an open transaction is counted so: the server is stopped (SIGSTOP) at the random
moment, and killed (SIGKILL) from there. In between it executes nothing, so for the database it is dead, but
what it holds can still be seen. On PostgreSQL that are the sessions that have a transaction id, which a
session gets with its first write and keeps to its end, once they all wait: for their client, which will not
say COMMIT any more, or for each other. On SQLite it is the lock of the one writer, which every writing
transaction takes with BEGIN IMMEDIATE and keeps to its end: somebody else's BEGIN IMMEDIATE is then refused.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import sqlalchemy as sa

from tests.conftest import OpenDatabase, Run
from tests.servers import Nursery, Server
from tidings.identity import directory, tokens
from tidings.ids import uuid7
from tidings.inbox import catalog, counts
from tidings.inbox.reach import reach_of
from tidings.model import UNSEEN, Address, Audience, Reader
from tidings.storage.engine import Database
from tidings.storage.tables import lane, notification, operation, stream, sweep
from tidings.storage.tables import reader as reader_table

KILLS = 26
"""On each of the two databases."""

SENDERS = 5
LONGEST_LIFE = 0.4
"""Seconds under writes, from the first answer to the kill, at most."""


@dataclass(kw_only=True)
class Batch:
    """A batch that was sent at least once, and the ids that were answered."""

    key: str
    notifications: list[dict[str, Any]]
    ids: list[UUID] | None = None


@dataclass(kw_only=True)
class Person:
    """A user, and what their mark-alls answered; `open` were sent and got no answer."""

    reader: Reader
    token: str
    answered: list[int] = field(default_factory=list)
    open: int = 0


@dataclass(kw_only=True)
class World:
    """What the test knows of the world that the server serves."""

    service_key: str
    business: UUID
    people: list[Person]
    batches: dict[str, Batch] = field(default_factory=dict)
    present: dict[str, list[UUID]] = field(default_factory=dict)  # in the database after the last kill

    def streams(self) -> list[dict[str, str]]:
        """Where notifications are sent to."""
        return [{"business": str(self.business)}, *({"user": str(one.reader.id)} for one in self.people)]


async def _world(database: Database) -> World:
    async with database.begin() as store:
        at = await store.now()
        business = uuid7(at)
        await directory.put_business(store, business, name="Lind")
        await catalog.put_event(store, "ledger.closed", topic="ledger", channels={})
        _, service_key = await tokens.issue_service_key(store, "tests")
        people: list[Person] = []
        for _ in range(2):
            user = uuid7(at)
            await directory.put_user(store, user)
            await directory.join(store, user, Address(audience=Audience.BUSINESS, id=business))
            _, token = await tokens.issue_api_token(store, user, name="tests")
            people.append(Person(reader=Reader(id=user), token=token))
    return World(service_key=service_key, business=business, people=people)


# --- writing until the end ----------------------------------------------------------------------------------


class Load:
    """Clients of one server, who write without a pause until it answers no more."""

    def __init__(self, world: World, chance: random.Random, client: httpx2.AsyncClient) -> None:
        self._world = world
        self._chance = chance
        self._client = client
        self.answered = asyncio.Event()

    async def run(self) -> None:
        senders = [self._repeat(self._send_something) for _ in range(SENDERS)]
        markers = [self._repeat(self._mark_all, person) for person in self._world.people]
        await asyncio.gather(*senders, *markers)

    async def _repeat(self, act: Any, *arguments: Any) -> None:
        try:
            while True:
                await act(*arguments)
                self.answered.set()
        except httpx2.TransportError:
            return  # the server is dead

    async def _send_something(self) -> None:
        key = f"{len(self._world.batches)}"
        notifications = [
            {
                "to": self._chance.choice(self._world.streams()),
                "event": "ledger.closed",
                "severity": self._chance.choice(["info", "warning", "urgent"]),
                "title": "The month is closed",
                "data": {"batch": key, "number": number},
            }
            for number in range(self._chance.randint(1, 40))
        ]
        batch = Batch(key=key, notifications=notifications)
        self._world.batches[key] = batch
        await self.send(batch)

    async def send(self, batch: Batch) -> bool:
        """Send it (again); whether the server says that it had it before."""
        answer = await self._client.post(
            "/v1/notifications/batch",
            json={"notifications": batch.notifications},
            headers={"Authorization": f"Bearer {self._world.service_key}", "Idempotency-Key": batch.key},
        )
        assert answer.status_code == 201, answer.text
        ids = [UUID(id_) for id_ in answer.json()["ids"]]
        assert batch.ids in (None, ids), "the same request was answered with other ids"
        batch.ids = ids
        return answer.headers.get("Idempotency-Replayed") == "true"

    async def _mark_all(self, person: Person) -> None:
        scopes = [{"scope": "me"}, {"scope": "business", "scope_id": str(self._world.business)}]
        person.open += 1
        answer = await self._client.post(
            "/api/v1/notifications/mark-all-seen",
            json=self._chance.choice(scopes),
            headers={
                "Authorization": f"Bearer {person.token}",
                "x-business-id": str(self._world.business),
            },
        )
        assert answer.status_code == 201, answer.text
        person.open -= 1
        person.answered.append(answer.json()["updated"])


async def _live_and_die(database: Database, server: Server, world: World, chance: random.Random) -> int:
    """Put the server under load and kill it; how many transactions were open at that moment."""
    async with httpx2.AsyncClient(base_url=server.base_url, timeout=60) as client:
        load = Load(world, chance, client)
        await _send_again(load, world)
        writing = asyncio.create_task(load.run())
        await load.answered.wait()
        await asyncio.sleep(chance.uniform(0, LONGEST_LIFE))  # the random moment
        server.freeze()
        inside = await _open_transactions(database)
        server.kill()
        await writing
    return inside


async def _send_again(load: Load, world: World) -> None:
    """What got no answer, and one that did: the first answer comes again, or there was none."""
    batches = sorted(world.batches.values(), key=lambda batch: batch.ids is None)
    for batch in [*batches[:1], *(one for one in batches[1:] if one.ids is None)]:
        there = bool(world.present.get(batch.key))
        assert await load.send(batch) == there


# --- what is seen of a server that stands still -------------------------------------------------------------

_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle' "
)
_AT_WORK = sa.text(_OTHERS)
_RUNNING = sa.text(
    f"{_OTHERS} AND state = 'active' AND coalesce(wait_event_type, '') NOT IN ('Client', 'Lock')"
)
_OPEN = sa.text(f"{_OTHERS} AND backend_xid IS NOT NULL")


async def _open_transactions(database: Database) -> int:
    if database.url.get_backend_name() == "sqlite":
        return _writer_is_at_work(Path(database.url.database or ""))
    async with database.read() as store:
        while await store.scalar(_RUNNING):
            pass  # PostgreSQL does not stand still
        return await store.scalar(_OPEN)


def _writer_is_at_work(path: Path) -> bool:
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return True
    else:
        connection.execute("ROLLBACK")
        return False
    finally:
        connection.close()


async def _until_rolled_back(database: Database) -> None:
    """Wait until PostgreSQL has noticed that its client is dead."""
    if database.url.get_backend_name() == "postgresql":
        async with database.read() as store:
            while await store.scalar(_AT_WORK):
                pass


# --- what must be true of what it left ----------------------------------------------------------------------


async def _check(database: Database, world: World) -> None:
    async with database.engine.connect() as connection:
        await _check_streams(connection)
        world.present = await _present(connection)
        for batch in world.batches.values():
            there = world.present.get(batch.key, [])
            assert len(there) in (0, len(batch.notifications)), "half a batch"
            assert batch.ids in (None, there), "a batch that was answered is lost"
        for person in world.people:
            swept = await _check_reader(connection, person)
            everything = await connection.scalar(_in_reach(world, person))
            async with database.read() as store:
                new = await counts.count(store, await reach_of(store, person.reader), UNSEEN)
            assert swept + new == everything


async def _check_streams(connection: Any) -> None:
    """Seqs and positions are 1, 2, 3 … up to the heads."""
    rows = await connection.execute(
        sa.select(notification.c.stream_id, notification.c.seq, notification.c.lane, notification.c.position)
    )
    seqs: dict[UUID, list[int]] = defaultdict(list)
    positions: dict[tuple[UUID, int], list[int]] = defaultdict(list)
    for row in rows:
        seqs[row.stream_id].append(row.seq)
        positions[row.stream_id, row.lane].append(row.position)
    heads = await connection.execute(sa.select(stream.c.stream_id, stream.c.head).where(stream.c.head > 0))
    lanes = await connection.execute(sa.select(lane.c.stream_id, lane.c.lane, lane.c.head))
    _check_dense(seqs, {row.stream_id: row.head for row in heads})
    _check_dense(positions, {(row.stream_id, row.lane): row.head for row in lanes})


def _check_dense(found: Mapping[Any, list[int]], heads: Mapping[Any, int]) -> None:
    assert {key: sorted(numbers) for key, numbers in found.items()} == {
        key: list(range(1, head + 1)) for key, head in heads.items()
    }


async def _present(connection: Any) -> dict[str, list[UUID]]:
    """The ids of each batch that is there, in the order of its notifications."""
    batches: dict[str, dict[int, UUID]] = defaultdict(dict)
    for row in await connection.execute(sa.select(notification.c.id, notification.c.data)):
        number = row.data["number"]
        assert number not in batches[row.data["batch"]], "a notification is there twice"
        batches[row.data["batch"]][number] = row.id
    return {key: [ids[number] for number in sorted(ids)] for key, ids in batches.items()}


async def _check_reader(connection: Any, person: Person) -> int:
    """Each operation is there with its sweeps, and each that was answered; how much they covered."""
    mine = person.reader.id
    last = await connection.scalar(sa.select(reader_table.c.op).where(reader_table.c.reader_id == mine))
    covered: Counter[int] = Counter()
    for row in await connection.execute(sa.select(sweep).where(sweep.c.reader_id == mine)):
        covered[row.op] += sum(row.upto) - sum(row.was)  # of what was new, each had been up to its line
    others = await connection.scalars(sa.select(operation.c.op).where(operation.c.reader_id == mine))
    recorded = sorted([*covered, *others])  # of others than mark-alls there is a row: that they joined
    assert recorded == list(range(1, last + 1)), "an operation without its record, or it without one"
    answered = Counter(updated for updated in person.answered if updated)
    done = Counter(covered.values())
    assert not answered - done, "a mark-all that was answered is lost"
    unanswered = list((done - answered).elements())
    assert len(unanswered) <= person.open
    # From here on they are known: the next kill leaves others open.
    person.answered += unanswered
    person.open = 0
    return covered.total()


def _in_reach(world: World, person: Person) -> sa.Select[Any]:
    streams = [person.reader.id, world.business]
    return sa.select(sa.func.count()).select_from(notification).where(notification.c.stream_id.in_(streams))


def test_kill_9_loses_nothing_answered_and_leaves_nothing_half_done(
    run: Run,
    database_url: str,
    open_database: OpenDatabase,
    tmp_path: Path,
    tell: Callable[[str], None],
) -> None:
    chance = random.Random(9)
    database = open_database(database_url)

    async def lives() -> tuple[World, list[int]]:
        world = await _world(database)
        inside: list[int] = []
        for number in range(KILLS):
            server = nursery.serve(database_url, tmp_path / f"{number}.log")
            try:
                await asyncio.to_thread(server.ready)
                inside.append(await _live_and_die(database, server, world, chance))
            finally:
                server.kill()
            await _until_rolled_back(database)
            await _check(database, world)
        return world, inside

    with Nursery() as nursery:
        world, inside = run(lives())
    lost = [batch for batch in world.batches.values() if batch.ids is None]
    tell(
        f"{database.url.get_backend_name()}: {len(inside)} kills, of which {sum(map(bool, inside))} "
        f"fell inside an open transaction ({sum(inside)} transactions); {len(world.batches)} batches sent, "
        f"{sum(len(one.answered) for one in world.people)} mark-alls done, {len(lost)} batches still open"
    )

    assert len(inside) == KILLS
    assert sum(map(bool, inside)) >= KILLS / 10

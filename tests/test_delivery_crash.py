"""kill -9 of whatever delivers, while it delivers: each mail arrives, and what comes twice bears one id.

Clients send over HTTP to a real `tidings serve`, which delivers, beside workers; what gets no answer they
send again with the same Idempotency-Key. Meanwhile one after the other is killed: the server, a worker,
PostgreSQL with all its processes. At the end there must have arrived what was accepted, for each reader, and
nothing else.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import sqlalchemy as sa

from tests.conftest import Run, migrated
from tests.servers import Forked, Nursery, Postgres, Server, postgres
from tests.sink import HOST, Sink, sink
from tests.web import SECRET
from tidings.delivery.channels.email.message_ids import MessageIds
from tidings.delivery.worker import AT_ONCE
from tidings.identity import directory, tokens
from tidings.ids import uuid7
from tidings.inbox import catalog
from tidings.model import Address, Audience
from tidings.storage.engine import Database
from tidings.storage.jobs import JobStatus, Reason
from tidings.storage.tables import job

SEED = 20261127
MEMBERS = 100
PATIENCE = 600
LEASE_SECONDS = 5
CLIENTS = 6
BACKLOG = 1 / 8
"""Such a part of all may be on its way at once: so there is something to send until the last kill."""


@dataclass(frozen=True, kw_only=True)
class Sending:
    """One request, and to how many readers what it sends goes."""

    key: str
    notifications: Sequence[dict[str, Any]]
    readers: Sequence[Sequence[UUID]]  # of each notification

    @property
    def deliveries(self) -> int:
        return sum(map(len, self.readers))


@dataclass(kw_only=True)
class World:
    """Members of one business, and what was sent to them and accepted."""

    service_key: str
    business: UUID
    members: list[UUID]
    accepted: dict[str, list[UUID]] = field(default_factory=dict)
    tries: int = 0

    @classmethod
    async def made(cls, database: Database) -> World:
        async with database.begin() as store:
            at = await store.now()
            business = Address(audience=Audience.BUSINESS, id=uuid7(at))
            await directory.put_business(store, business.id, name="Lind")
            await catalog.put_event(store, "ledger.closed", topic="ledger", channels={"email": True})
            _, service_key = await tokens.issue_service_key(store, "tests")
            members = [uuid7(at) for _ in range(MEMBERS)]
            for number, user in enumerate(members):
                await directory.put_user(store, user, email=f"user{number}@example.org")
                await directory.join(store, user, business)
        return cls(service_key=service_key, business=business.id, members=members)

    def sendings(self, own: int, broadcasts: int, chance: random.Random) -> list[Sending]:
        """So many notifications to one each, some in each request, and between them those to the business."""
        requests: list[list[UUID | None]] = [[None] for _ in range(broadcasts)]
        while own:
            size = min(own, chance.randint(1, 20))
            requests.append([chance.choice(self.members) for _ in range(size)])
            own -= size
        chance.shuffle(requests)
        return [
            Sending(
                key=f"request {number}",
                notifications=[self._notification(one, number) for one in to],
                readers=[self.members if one is None else [one] for one in to],
            )
            for number, to in enumerate(requests)
        ]

    def _notification(self, user: UUID | None, number: int) -> dict[str, Any]:
        to = {"business": str(self.business)} if user is None else {"user": str(user)}
        return {"to": to, "event": "ledger.closed", "title": f"Month {number} is closed"}

    def wanted(self, sendings: Sequence[Sending]) -> set[str]:
        """The Message-IDs of all that was accepted."""
        ids = MessageIds(SECRET.encode())
        return {
            ids.of(id_, reader, "acme.example")
            for one in sendings
            for id_, readers in zip(self.accepted[one.key], one.readers, strict=True)
            for reader in readers
        }


class Fleet:
    """The processes that are killed, and started again."""

    def __init__(
        self, nursery: Nursery, url: str, smtp_port: int, logs: Path, server: Postgres | None, workers: int
    ) -> None:
        self._nursery, self._url, self._logs, self.postgres = nursery, url, logs, server
        self._settings = {
            "TIDINGS_SECRET": SECRET,
            "TIDINGS_SMTP_URL": f"smtp://{HOST}:{smtp_port}",
            "TIDINGS_MAIL_FROM": "inbox@acme.example",
            "TIDINGS_PUBLIC_URL": "https://inbox.acme.example",
        }
        nursery.ask("lease", LEASE_SECONDS)
        self.server = self._serve()
        self._workers = [self._work(number) for number in range(workers)]

    def kill(self, kind: str, chance: random.Random) -> int:
        """Kill one, and start it again; how many deliveries may have been under way there."""
        if kind == "server":
            self.server.kill()
            self.server = self._serve()
        elif kind == "worker":
            number = chance.randrange(len(self._workers))
            self._workers[number].kill()
            self._workers[number] = self._work(number)
        else:
            assert self.postgres is not None
            self.postgres.kill()
            self.postgres.start()
            return AT_ONCE * (1 + len(self._workers))
        return AT_ONCE

    def end(self) -> None:
        for one in (self.server, *self._workers):
            one.kill()

    def said(self) -> str:
        """The end of what each said, for who looks into a failure."""
        return "\n".join(f"{log.name}:\n{log.read_text()[-1500:]}" for log in sorted(self._logs.iterdir()))

    def _serve(self) -> Server:
        return self._nursery.serve(self._url, self._logs / "server", **self._settings).ready()

    def _work(self, number: int) -> Forked:
        return self._nursery.work(self._url, self._logs / f"worker{number}", **self._settings)


class Client:
    """Sends until it was answered, whatever dies meanwhile."""

    def __init__(self, world: World, fleet: Fleet) -> None:
        self._world, self._fleet = world, fleet

    async def send(self, http: httpx2.AsyncClient, one: Sending) -> None:
        headers = {"Authorization": f"Bearer {self._world.service_key}", "Idempotency-Key": one.key}
        while True:
            self._world.tries += 1
            try:
                answer = await http.post(
                    f"{self._fleet.server.base_url}/v1/notifications/batch",
                    json={"notifications": one.notifications},
                    headers=headers,
                )
            except httpx2.TransportError:
                await asyncio.sleep(0.05)
                continue
            if answer.status_code == 201:
                self._world.accepted[one.key] = [UUID(id_) for id_ in answer.json()["ids"]]
                return
            assert answer.status_code in (409, 503), answer.text  # it is under way, or nothing answers there
            await asyncio.sleep(0.05)


async def _send_all(world: World, fleet: Fleet, sendings: Sequence[Sending], arrived: Sink) -> None:
    waiting, sent = iter(sendings), 0
    most = BACKLOG * sum(one.deliveries for one in sendings)

    async def send() -> None:
        nonlocal sent
        async with httpx2.AsyncClient(timeout=30) as http:
            for one in waiting:
                while sent - len(arrived.came) > most:  # noqa: ASYNC110 - another thread takes them
                    await asyncio.sleep(0.02)
                sent += one.deliveries
                await Client(world, fleet).send(http, one)

    async with asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(send())


async def _kill_all(
    fleet: Fleet, kinds: Sequence[str], total: int, arrived: Sink, chance: random.Random
) -> int:
    """Kill them in this order, each after some more have arrived; how many may have come twice by that."""
    twice = 0
    for number, kind in enumerate(kinds, 1):
        while len(arrived.came) < number * total // (len(kinds) + 2):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
        await asyncio.sleep(chance.uniform(0, 0.2))  # the random moment
        twice += await asyncio.to_thread(fleet.kill, kind, chance)
    return twice


async def _until_done(database: Database, jobs: int) -> None:
    """Until there are so many jobs, and none of them is left."""
    count = sa.select(sa.func.count(), sa.func.count(job.c.finished_at)).select_from(job)
    while True:
        async with database.read() as store:
            there, done = await store.connection.first(count)
        if there == done == jobs:
            return
        await asyncio.sleep(0.1)


async def _check_jobs(database: Database, deliveries: int, lists: int) -> None:
    async with database.read() as store:
        jobs = await store.jobs.newest((), None, None, deliveries + lists + 1)
    became = Counter((one.status, one.reason) for one in jobs)
    assert became == {(JobStatus.COMPLETED, Reason.SENT): deliveries, (JobStatus.COMPLETED, None): lists}


def _survives(
    run: Run,
    url: str,
    tmp_path: Path,
    *,
    server: Postgres | None,
    workers: int,
    kinds: Sequence[str],
    own: int,
    broadcasts: int,
) -> str:
    chance = random.Random(SEED)
    deliveries = own + broadcasts * MEMBERS
    logs = tmp_path / "logs"
    logs.mkdir()

    async def scene(database: Database, nursery: Nursery, arrived: Sink) -> str:
        world = await World.made(database)
        sendings = world.sendings(own, broadcasts, chance)
        fleet = Fleet(nursery, url, arrived.port, logs, server, workers)
        try:
            async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
                group.create_task(_send_all(world, fleet, sendings, arrived))
                killing = group.create_task(_kill_all(fleet, kinds, deliveries, arrived, chance))
            async with asyncio.timeout(PATIENCE):
                await _until_done(database, deliveries + broadcasts)
        except TimeoutError:
            raise AssertionError(f"{len(arrived.came)} of {deliveries} arrived.\n{fleet.said()}") from None
        finally:
            fleet.end()
        assert set(arrived.came) == world.wanted(sendings)
        twice = arrived.came.total() - deliveries
        assert twice <= killing.result(), fleet.said()
        await _check_jobs(database, deliveries, broadcasts)
        return (
            f"{deliveries} mails under {len(kinds)} kills ({dict(sorted(Counter(kinds).items()))}): "
            f"all arrived, {twice} of them twice; {len(sendings)} requests in {world.tries} tries"
        )

    with ExitStack() as stack:
        database = Database(url, channels=("email",))
        stack.callback(lambda: run(database.dispose()))
        return run(scene(database, stack.enter_context(Nursery()), stack.enter_context(sink())))


def test_what_is_accepted_arrives_whatever_is_killed(
    run: Run, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    kinds = ["server", "worker", "postgresql"] * 8
    random.Random(SEED).shuffle(kinds)
    with postgres() as server:
        url = server.url(server.create())
        asyncio.run(migrated(url))
        tell(
            _survives(
                run,
                url,
                tmp_path,
                server=server,
                workers=2,
                kinds=kinds,
                own=3000,
                broadcasts=20,
            )
        )


def test_on_sqlite_the_server_may_be_killed(
    run: Run, sqlite_url: str, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    tell(
        _survives(
            run, sqlite_url, tmp_path, server=None, workers=0, kinds=["server"] * 5, own=300, broadcasts=3
        )
    )

"""Jobs that leave the inbox, beside queues that do nothing else; and mails, beside a client that does less.

All jobs are there before the first worker begins. A rate counts from the first job that is seen to be done to
the last: the start of a process is not in it.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.engine import make_url
from tests.servers import Postgres

from bench import processes
from bench.measure import Figure
from bench.peers import pgqueuer, procrastinate
from tidings.identity import directory
from tidings.inbox.append import append
from tidings.inbox.catalog import put_event
from tidings.model import Address, Audience, Draft
from tidings.storage.engine import Database
from tidings.storage.migrate import upgrade

WORKERS = (1, 2)
LEAST = {"pgqueuer": 0.8, "procrastinate": 5.0}
"""The least part of their rate that ours should be, where both only claim a job and say that it is done."""
NOTE = """\
delivery: "queue" is a job of each that does nothing, claimed and acknowledged; "decided and noted" is what
Tidings does for a mail but to write and send it, beside the peers' jobs that do nothing. Mails go to
tests.sink, which reads SMTP and keeps nothing, in a process of its own; beside it aiosmtplib in a loop on as
many connections, which hands over one such mail again and again. All commits of all wait for the disk."""

_LEFT = "SELECT FROM job WHERE run_at IS NOT NULL"
_LOOK_SECONDS = 0.005
_IN_A_TRANSACTION = 1000
_EVENT = "invoice_paid"


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much is done."""

    jobs: int = 10_000
    mails: int = 5_000
    users: int = 1_000
    turns: int = 3
    verdicts: bool = True


QUICK = Extent(jobs=1_000, mails=500, users=100, turns=1, verdicts=False)


@dataclass(frozen=True, kw_only=True)
class Side:
    """A queue in a database of its own."""

    connection: Any
    left: str  # a SELECT of what is not done yet
    fill: Callable[[int], Awaitable[None]]
    command: Sequence[str]
    environment: Mapping[str, str]
    turns: int

    async def rate(self, number: int, workers: int) -> float:
        """Jobs a second, of so many jobs."""
        await self.fill(number)
        await self.connection.execute("VACUUM ANALYZE")
        await self.connection.execute("CHECKPOINT")
        async with processes.workers(workers, self.command, self.environment) as running:
            running.start()
            left = number
            while left == number:
                await asyncio.sleep(_LOOK_SECONDS)
                left = await self.connection.fetchval(f"SELECT count(*) FROM ({self.left})")
            first = time.perf_counter()
            while await self.connection.fetchval(f"SELECT EXISTS ({self.left})"):  # noqa: ASYNC110 - it calls nobody
                await asyncio.sleep(_LOOK_SECONDS)
            return left / (time.perf_counter() - first)


async def measure(server: Postgres, names: tuple[str, str, str], extent: Extent) -> list[Figure]:
    """Measures in three new databases: ours, and each peer's."""
    connections = [await server.connect(name) for name in names]
    people = await People.made(server.url(names[0]), extent.users)
    figures: list[Figure] = []
    async with _sink() as (port, arrived):
        environment = _settings(server.url(names[0]), port)

        def mine(kind: str) -> Side:
            return Side(
                connection=connections[0],
                left=_LEFT,
                fill=people.tell,
                command=["bench.worker", kind],
                environment=environment,
                turns=extent.turns,
            )

        peers = {
            "pgqueuer": await _peer(pgqueuer, _plain(server.url(names[1])), connections[1], extent.turns),
            # It takes half a minute for what the others do in two seconds.
            "procrastinate": await _peer(procrastinate, _plain(server.url(names[2])), connections[2], 1),
        }
        for connection in connections:
            await _check_durable(connection)
        for workers in WORKERS:
            sides = {"queue": mine("queue"), "notes": mine("notes"), **peers}
            figures += _of_jobs(await _in_turns(sides, extent.jobs, workers), workers, extent)
        for workers in WORKERS:
            figures.append(await _of_mails(mine("mail"), people, port, arrived, workers, extent))
    for connection in connections:
        await connection.close()
    await people.database.dispose()
    return figures


async def _in_turns(sides: Mapping[str, Side], jobs: int, workers: int) -> dict[str, float]:
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(max(side.turns for side in sides.values())):
        for name, side in sides.items():
            if turn < side.turns:
                rates[name].append(await side.rate(jobs, workers))
    return {name: statistics.median(each) for name, each in rates.items()}


def _of_jobs(rates: Mapping[str, float], workers: int, extent: Extent) -> list[Figure]:
    figures: list[Figure] = []
    for job, kind in (("queue", "queue"), ("decided and noted", "notes")):
        for peer, least in LEAST.items():
            expected = kind == "queue"
            figures.append(
                Figure(
                    job=f"delivery: {job}; {peer}",
                    size=_size(workers),
                    ours=rates[kind],
                    theirs=rates[peer],
                    unit="/s",
                    expect=f"≥ {least:g}×" if expected else "",
                    ok=rates[kind] >= least * rates[peer] if expected and extent.verdicts else None,
                )
            )
    return figures


async def _of_mails(
    side: Side,
    people: People,
    port: int,
    arrived: Callable[[], Awaitable[int]],
    workers: int,
    extent: Extent,
) -> Figure:
    before = await arrived()
    mails = await side.rate(extent.mails, workers)
    if (came := await arrived() - before) != extent.mails:
        raise RuntimeError(f"{came:,} mails arrived, of {extent.mails:,}.")
    bare = await _bare_rate(port, extent.mails, workers)
    return Figure(
        job="delivery: mails; aiosmtplib alone", size=_size(workers), ours=mails, theirs=bare, unit="/s"
    )


async def _bare_rate(port: int, mails: int, workers: int) -> float:
    command = ["bench.peers.mailer", str(port), str(mails // workers)]
    async with processes.workers(workers, command, {}) as running:
        first = time.perf_counter()
        running.start()
        await running.told()
        return mails / (time.perf_counter() - first)


def _size(workers: int) -> str:
    return f"{workers} worker" + "s" * (workers > 1)


# --- the sides ---------------------------------------------------------------------------------------------


class People:
    """Users with an address, of two businesses each, who chose to have mail."""

    def __init__(self, database: Database, users: Sequence[UUID]) -> None:
        self.database, self._users = database, users

    @classmethod
    async def made(cls, url: str, number: int) -> People:
        database = Database(url, channels=("email",))
        await upgrade(database)
        users = [uuid4() for _ in range(number)]
        businesses = [Address(audience=Audience.BUSINESS, id=uuid4()) for _ in range(2)]
        async with database.begin() as store:
            await put_event(store, _EVENT, topic="billing", channels={"email": True})
            for one in businesses:
                await directory.put_business(store, one.id, name="Acme")
            for place, user in enumerate(users):
                await directory.put_user(store, user, email=f"user{place}@example.org")
                for one in businesses:
                    await directory.join(store, user, one)
        return cls(database, users)

    async def tell(self, number: int) -> None:
        """So many notifications, and as many jobs: each user's in turn."""
        for first in range(0, number, _IN_A_TRANSACTION):
            last = min(number, first + _IN_A_TRANSACTION)
            async with self.database.begin() as store:
                await append(store, [self._draft(place) for place in range(first, last)])

    def _draft(self, place: int) -> Draft:
        to = Address(audience=Audience.USER, id=self._users[place % len(self._users)])
        return Draft(to=to, event=_EVENT, title=f"Invoice {place} is paid", body="It was paid by card.")


def _settings(url: str, smtp_port: int) -> dict[str, str]:
    return {
        "TIDINGS_DATABASE_URL": url,
        "TIDINGS_SECRET": "a secret of the bench alone",
        "TIDINGS_SMTP_URL": f"smtp://127.0.0.1:{smtp_port}",
        "TIDINGS_MAIL_FROM": "inbox@acme.example",
        "TIDINGS_PUBLIC_URL": "https://inbox.acme.example",
    }


async def _peer(module: Any, url: str, connection: Any, turns: int) -> Side:
    await module.create(url)
    return Side(
        connection=connection,
        left=module.LEFT,
        fill=lambda number: module.fill(url, number),
        command=[module.__name__],
        environment={"BENCH_URL": url},
        turns=turns,
    )


def _plain(url: str) -> str:
    """As drivers take it, without SQLAlchemy's name of one."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


async def _check_durable(connection: Any) -> None:
    """What one of them may lose in a crash would be compared with what another may not."""
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        if (value := await connection.fetchval(f"SHOW {name}")) != "on":
            raise RuntimeError(f"{name} is {value}.")
    if unlogged := await connection.fetch("SELECT relname FROM pg_class WHERE relpersistence = 'u'"):
        raise RuntimeError(f"{unlogged} would not survive a crash.")


@asynccontextmanager
async def _sink() -> AsyncGenerator[tuple[int, Callable[[], Awaitable[int]]]]:
    """The port of a server for mail, and how many mails it was given so far."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.sink", stdin=-1, stdout=-1, cwd=processes.ROOT
    )
    assert process.stdin is not None
    assert process.stdout is not None
    given, told = process.stdin, process.stdout

    async def arrived() -> int:
        given.write(b"\n")
        return int(await told.readline())

    try:
        yield int(await told.readline()), arrived
    finally:
        given.close()
        await process.wait()

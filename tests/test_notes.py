"""What became of jobs is written together: what fails is alone, and a database that is away is awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from datetime import datetime

import pytest

from tests.conftest import MovingClock, Run
from tests.office import Office
from tests.servers import Postgres
from tests.web import own
from tidings.delivery.notes import Note, Notes
from tidings.delivery.worker import LEASE
from tidings.storage.engine import Database
from tidings.storage.jobs import Job, JobStatus, Reason
from tidings.storage.store import Store


@pytest.fixture
def postgres_office(run: Run, postgres_url: str, clock: MovingClock) -> Generator[Office]:
    database = Database(postgres_url, clock=clock, channels=("email",))
    yield Office(run, database, clock)
    run(database.dispose())


def claimed(office: Office) -> list[Job]:
    at = office.clock.at

    async def claim(store: Store) -> list[Job]:
        return await store.jobs.claim(await store.jobs.ready(at, 10), at, at + LEASE)

    return office.web.write(claim)


def sent(one: Job) -> Note:
    return Note(became=lambda now: one.finished(JobStatus.COMPLETED, Reason.SENT, now))


def test_who_has_lost_the_claim_alone_writes_nothing(office: Office) -> None:
    office.send(*[own(office.web.user()) for _ in range(3)])
    early = claimed(office)
    office.clock.move(seconds=LEASE.total_seconds())
    late = claimed(office)
    jobs = [early[0], *late[1:]]  # others have claimed the first since

    async def write() -> list[bool]:
        notes = Notes(office.database)
        return await asyncio.gather(*[notes.write(sent(one)) for one in jobs])

    assert office.run(write()) == [False, True, True]
    became = {job.id: job.status for job in office.jobs()}
    assert [became[one.id] for one in jobs] == [
        JobStatus.PROCESSING,
        JobStatus.COMPLETED,
        JobStatus.COMPLETED,
    ]


def test_what_cannot_be_written_bears_nobody_along(office: Office) -> None:
    office.send(*[own(office.web.user()) for _ in range(5)])
    jobs = claimed(office)

    def broken(_: datetime) -> Job:
        raise ZeroDivisionError

    async def write() -> list[bool | BaseException]:
        notes = Notes(office.database)
        all_ = [Note(became=broken) if one is jobs[2] else sent(one) for one in jobs]
        return await asyncio.gather(*[notes.write(note) for note in all_], return_exceptions=True)

    written = office.run(write())
    assert isinstance(written[2], ZeroDivisionError)
    assert [one for one in written if one is True] == [True] * 4
    assert sorted(job.status for job in office.jobs()) == [JobStatus.COMPLETED] * 4 + [JobStatus.PROCESSING]


def test_what_was_sent_while_the_database_went_away_is_not_sent_again(
    postgres_office: Office, postgres_server: Postgres
) -> None:
    office = postgres_office
    office.send(*[own(office.web.user()) for _ in range(3)])
    name = office.database.url.database

    async def work() -> None:
        office.post.hold = asyncio.Event()
        working = asyncio.create_task(office.worker().work_off())
        for _ in range(3):
            await office.post.under_way.acquire()
        await asyncio.to_thread(
            postgres_server.execute,
            f"ALTER DATABASE {name} ALLOW_CONNECTIONS false",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
        )
        office.post.hold.set()
        while len(office.post.sent) < 3:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)
        await asyncio.to_thread(postgres_server.execute, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await working

    office.run(work())
    assert [(job.status, job.reason, job.attempts) for job in office.jobs()] == [
        (JobStatus.COMPLETED, Reason.SENT, 1)
    ] * 3

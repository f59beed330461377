"""A database from which notifications leave, and what stands in the place of a channel."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from tests.conftest import MovingClock, Run
from tests.web import Web
from tidings.delivery import record
from tidings.delivery.channels.contract import Answer, Letter, Outgoing, Sent
from tidings.delivery.pacing import UNLIMITED
from tidings.delivery.worker import Worker
from tidings.inbox import leaving
from tidings.inbox.append import append
from tidings.inbox.catalog import put_event
from tidings.model import Address, Draft
from tidings.storage.engine import Database
from tidings.storage.jobs import Job
from tidings.storage.store import Store


class Post:
    """In the place of a channel: what was sent through it, and the answers that it gives."""

    def __init__(self) -> None:
        self.sent: list[tuple[UUID, str]] = []  # reader, title
        self.answers: list[Answer] = []  # in their order; Sent once there are none
        self.retired: list[str] = []
        self.letters: list[Letter] = []
        self.limits = UNLIMITED
        self.host: Callable[[UUID], str] = lambda _: "post.example"
        self.hold: asyncio.Event | None = None  # sending waits for it
        self.under_way = asyncio.Semaphore(0)

    async def hosts(self, store: Store, reader_ids: Collection[UUID]) -> Mapping[UUID, str]:
        return {reader_id: self.host(reader_id) for reader_id in reader_ids}

    async def prepare(self, store: Store, reader_id: UUID, letter: Letter) -> Outgoing:
        titles = " | ".join(item.notification.title for item in letter.items)
        self.letters.append(letter)
        return Outgoing(address=str(reader_id), host=self.host(reader_id), content=(reader_id, titles))

    async def send(self, outgoing: Outgoing) -> Answer:
        self.under_way.release()
        if self.hold is not None:
            await self.hold.wait()
        answer = self.answers.pop(0) if self.answers else Sent(answer="taken")
        if isinstance(answer, Sent):
            self.sent.append(outgoing.content)
        return answer

    async def retire(self, store: Store, address: str) -> None:
        self.retired.append(address)

    async def close(self) -> None:
        pass


class Office:
    """A database whose notifications go out by mail, and a worker."""

    def __init__(self, run: Run, database: Database, clock: MovingClock) -> None:
        self.run, self.database, self.clock = run, database, clock
        self.web = Web(run, database, clock)
        self.post = Post()
        self.channels: dict[str, Post] = {"email": self.post}
        self.event("invoice_paid")

    def event(self, key: str, *, email: bool = True, **rules: Any) -> None:
        channels = {"email": email}
        self.web.write(lambda store: put_event(store, key, topic="billing", channels=channels, **rules))

    def worker(self, **options: Any) -> Worker:
        return Worker(self.database, leaving, self.channels, spread=random.Random(1), **options)

    def send(self, *to: Address, event: str = "invoice_paid", **draft: Any) -> list[UUID]:
        drafts = [Draft(**{"to": one, "event": event, "title": "Paid", **draft}) for one in to]
        return self.web.write(lambda store: append(store, drafts))

    def work(self) -> int:
        return self.run(self.worker().work_off())

    def until(self, at: datetime) -> None:
        """Let time pass, with a worker at hand whenever something is due."""
        while True:
            self.work()
            due = [job.run_at for job in self.jobs() if job.run_at]
            if not due or min(due) > at:
                break
            self.clock.at = max(self.clock.at, min(due))
        self.clock.at = at

    def jobs(self, notification_id: UUID | None = None) -> list[Job]:
        async def found() -> list[Job]:
            async with self.database.read() as store:
                if notification_id is None:
                    return await record.newest(store, limit=10_000)
                return [one.job for one in await record.of_notification(store, notification_id, limit=1000)]

        return self.run(found())

    def job(self) -> Job:
        (one,) = self.jobs()
        return one

    def attempts(self, job: Job) -> Sequence[Any]:
        async def found() -> Sequence[Any]:
            async with self.database.read() as store:
                return (await record.find(store, job.id)).attempts

        return self.run(found())

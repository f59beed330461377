"""Does the jobs: claims them, lets go of the transaction, sends, and writes down what came of it.

Any number of workers may run, in this process or elsewhere. One that dies leaves its claims behind, which
lapse: what it was about to send is sent by another, and at worst once more.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Protocol
from uuid import UUID

import structlog

from tidings.delivery import schedule
from tidings.delivery.channels.contract import Answer, Channel, Failed, Gone, Outgoing, Retry, Sent
from tidings.model import Item
from tidings.storage.engine import Database
from tidings.storage.jobs import Attempt, Job, JobStatus, Reason, waiting
from tidings.storage.store import Store

LEASE = timedelta(seconds=60)
SEND_SECONDS = 30.0
"""So long a channel has for one; then it is tried again later."""
POLL_SECONDS = 1.0
"""How late at most it is noticed what another process left to do."""
AT_ONCE = 16
BATCH = 500
"""Members of a stream for whom rows are made in one transaction."""
_RENEWED_AFTER = LEASE / 3
_REST_SECONDS = 1.0

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Leaving(Protocol):
    """Whether something goes, see tidings.inbox.leaving."""

    @property
    def item(self) -> Item | None: ...
    @property
    def critical(self) -> bool: ...
    @property
    def reason(self) -> Reason | None: ...
    @property
    def until(self) -> datetime | None: ...


class Decide(Protocol):
    """What the inbox says of a notification, a reader and a channel: tidings.inbox.leaving.decide."""

    async def __call__(
        self, store: Store, reader_id: UUID, notification_id: UUID, channel: str, /
    ) -> Leaving: ...


class Worker:
    """Some of the hands of this process."""

    def __init__(
        self,
        database: Database,
        decide: Decide,
        channels: Mapping[str, Channel],
        *,
        at_once: int = AT_ONCE,
        spread: random.Random | None = None,
    ) -> None:
        self._database, self._decide, self._channels = database, decide, channels
        self._at_once = at_once
        self._spread = spread or random.Random()  # noqa: S311 - no secret
        self._woken = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """There is something to do."""
        self._woken.set()

    async def run(self) -> None:
        """Do what is due, until cancelled; what is under way then is finished first."""
        try:
            while True:
                self._woken.clear()
                try:
                    claimed = await self._claim()
                except Exception:
                    _log.exception("jobs cannot be claimed; it will be tried again")
                    await asyncio.sleep(_REST_SECONDS)
                    continue
                for one in claimed:
                    task = asyncio.create_task(self._do(one))
                    self._running.add(task)
                    task.add_done_callback(self._finished)
                if not claimed or len(self._running) >= self._at_once:
                    await self._wait()
        finally:
            if self._running:
                await asyncio.wait(self._running, timeout=SEND_SECONDS)
            for channel in self._channels.values():
                await channel.close()

    async def work_off(self) -> int:
        """Do all that is due now; how many jobs that was. For tests, and for a turn by hand."""
        done = 0
        while claimed := await self._claim():
            await asyncio.gather(*map(self._do, claimed))
            done += len(claimed)
        return done

    async def _claim(self) -> list[Job]:
        free = self._at_once - len(self._running)
        if free <= 0:
            return []
        async with self._database.read() as store:  # so that nobody waits for who finds nothing
            now = await store.now()
            ready = await store.jobs.ready(now, free)
        if not ready:
            return []
        async with self._database.begin() as store:
            return await store.jobs.claim(ready, now, now + LEASE)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            pass

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._woken.set()

    # --- one job ------------------------------------------------------------------------------------------

    async def _do(self, one: Job) -> None:
        renewing = asyncio.create_task(self._renew(one))
        try:
            if one.reached is None:
                await self._deliver(one)
            else:
                await self._reach_all(one)
        except Exception:
            _log.exception("a job failed", job_id=str(one.id))
            await self._give_back(one)
        finally:
            renewing.cancel()

    async def _renew(self, one: Job) -> None:
        """Hold the claim for as long as it takes; where that fails, it lapses."""
        while True:
            await asyncio.sleep(_RENEWED_AFTER.total_seconds())
            async with self._database.begin() as store:
                await store.jobs.renew(one, await store.now() + LEASE)

    async def _give_back(self, one: Job) -> None:
        """A defect, or the database's failure: later once more, and at some time never again."""
        tried = replace(one, attempts=one.attempts + 1, reason=Reason.BROKEN)
        try:
            async with self._database.begin() as store:
                await store.jobs.put(self._later_or_never(tried, await store.now(), None, Reason.BROKEN))
        except Exception:
            _log.exception("what became of a job cannot be written; its claim lapses", job_id=str(one.id))

    async def _reach_all(self, one: Job) -> None:
        """Make a job for each who reads the stream, batch by batch, and note how far that has come."""
        while one.run_at is not None:
            async with self._database.begin() as store:
                now = await store.now()
                members = await store.accounts.members(one.stream_id, one.after, BATCH)
                reached = (one.reached or 0) + len(members)
                if len(members) == BATCH:
                    one = replace(one, reached=reached, after=members[-1], run_at=now + LEASE)
                else:
                    one = _finished(replace(one, reached=reached), JobStatus.COMPLETED, one.reason, now)
                if not await store.jobs.put(one):
                    return  # another worker has it
                await store.jobs.add(
                    [
                        waiting(
                            stream_id=one.stream_id,
                            notification_id=one.notification_id,
                            reader_id=member,
                            channel=one.channel,
                            priority=one.priority,
                            now=now,
                        )
                        for member in members
                    ]
                )

    async def _deliver(self, one: Job) -> None:
        async with self._database.read() as store:
            at = await store.now()
            found = await self._ready(store, one, at)
        if isinstance(found, Job):
            async with self._database.begin() as store:
                await store.jobs.put(found)
            return
        channel, ready = found
        began = monotonic()
        try:
            async with asyncio.timeout(SEND_SECONDS):
                answer = await channel.send(ready)
        except TimeoutError:
            answer = Retry(answer=f"no answer within {SEND_SECONDS:.0f} seconds")
        took = round(1000 * (monotonic() - began))
        async with self._database.begin() as store:
            await self._note(store, replace(one, attempts=one.attempts + 1), answer, at, took)
            if isinstance(answer, Gone):
                await channel.retire(store, ready.address)

    async def _ready(self, store: Store, one: Job, now: datetime) -> tuple[Channel, Outgoing] | Job:
        """What is to be sent, or what becomes of the job where nothing is."""
        leaving = await self._decide(store, one.reader_id, one.notification_id, one.channel)
        if leaving.until is not None:
            return replace(one, status=JobStatus.PENDING, run_at=leaving.until, reason=leaving.reason)
        if leaving.reason is not None or leaving.item is None:
            return _finished(one, JobStatus.COMPLETED, leaving.reason or Reason.GONE, now)
        channel = self._channels.get(one.channel)
        if channel is None:  # it was configured when this was appended, and is not any more
            return _finished(one, JobStatus.DEAD, Reason.NO_CHANNEL, now)
        ready = await channel.prepare(store, one.reader_id, leaving.item, critical=leaving.critical)
        if isinstance(ready, Reason):
            return _finished(one, JobStatus.COMPLETED, ready, now)
        return channel, ready

    async def _note(self, store: Store, one: Job, answer: Answer, at: datetime, took: int) -> None:
        """What was answered, and what becomes of the job."""
        now = await store.now()
        match answer:
            case Sent():
                done = _finished(one, JobStatus.COMPLETED, Reason.SENT, now)
            case Retry(after=after):
                done = self._later_or_never(one, now, after, Reason.NOT_NOW)
            case Failed() | Gone():
                done = _finished(one, JobStatus.DEAD, Reason.REFUSED, now)
        if not await store.jobs.put(done):
            _log.warning("a claim had lapsed: this may be sent once more", job_id=str(one.id))
            return
        tried = Attempt(job_id=one.id, number=one.attempts, at=at, milliseconds=took, answer=answer.answer)
        await store.jobs.record(one.stream_id, tried)

    def _later_or_never(self, one: Job, now: datetime, asked: timedelta | None, reason: Reason) -> Job:
        if one.attempts >= schedule.MOST_ATTEMPTS:
            return _finished(one, JobStatus.DEAD, Reason.EXHAUSTED, now)
        pause = schedule.pause(one.attempts, asked, spread=self._spread)
        return replace(one, status=JobStatus.FAILED, run_at=now + pause, reason=reason)


def _finished(one: Job, status: JobStatus, reason: Reason | None, now: datetime) -> Job:
    return replace(one, status=status, run_at=None, reason=reason, finished_at=now)

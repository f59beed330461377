"""Does the jobs: claims them, lets go of the transaction, sends, and writes down what came of it.

Any number of workers may run, in this process or elsewhere. One that dies leaves its claims behind, which
lapse: what it was about to send is sent by another, and at worst once more.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from uuid import UUID

import structlog

from tidings.delivery import digest, pacing, schedule
from tidings.delivery.channels.contract import Answer, Channel, Failed, Gone, Letter, Outgoing, Retry, Sent
from tidings.delivery.digest import Waiting
from tidings.delivery.hosts import Host, Hosts
from tidings.delivery.notes import Note, Notes
from tidings.delivery.rules import Leaving, Rules
from tidings.storage.engine import Database
from tidings.storage.jobs import Attempt, Job, JobStatus, Reason, waiting
from tidings.storage.store import Store

LEASE = timedelta(seconds=60)
SEND_SECONDS = 30.0
"""So long a channel has for one; then it is tried again later."""
POLL_SECONDS = 1.0
"""How late at most it is noticed what another process left to do."""
AT_ONCE = 16
CROWD = 4
"""Where workers find the same, each takes some of so many times as many."""
MOST_LATE = 8
"""With those that wait for slow hosts, at most so many times as many."""
BATCH = 500
"""Members of a stream for whom rows are made in one transaction."""
MOST_IN_DIGEST = 50
"""Of more it is told how many there are."""
_RENEWED_AFTER = LEASE / 3
_REST_SECONDS = 1.0
_BUSY_SECONDS = (15.0, 45.0)
"""About so long what cannot be sent to a slow host is left aside."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Ready:
    """What is to be sent, and what waited for it."""

    channel: Channel
    outgoing: Outgoing
    at: datetime
    gathered: Sequence[Waiting] = ()


class Worker:
    """Some of the hands of this process."""

    def __init__(
        self,
        database: Database,
        rules: Rules,
        channels: Mapping[str, Channel],
        *,
        at_once: int = AT_ONCE,
        spread: random.Random | None = None,
    ) -> None:
        self._database, self._rules, self._channels = database, rules, channels
        self._at_once = at_once
        self._spread = spread or random.Random()  # noqa: S311 - no secret
        self._woken = asyncio.Event()
        self._hosts = Hosts(self._woken.set)
        self._notes = Notes(database)
        self._crowded = False  # others took what this one had found
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
                for one in await self._let_go(claimed):
                    task = asyncio.create_task(self._do(one))
                    self._running.add(task)
                    task.add_done_callback(self._finished)
                if self._free <= 0 or not (claimed or self._crowded):
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
            await asyncio.gather(*map(self._do, await self._let_go(claimed)))
            done += len(claimed)
        return done

    @property
    def _free(self) -> int:
        """How many more can be sent: who waits for a slow host is in nobody's way, up to a limit."""
        running = len(self._running)
        return min(self._at_once - running + self._hosts.late, MOST_LATE * self._at_once - running)

    async def _claim(self) -> list[Job]:
        # Half of the hands at most, so that some have work while others wait for the database.
        most = min(self._free, max(1, self._at_once // 2))
        if most <= 0:
            return []
        async with self._database.read() as store:  # so that nobody waits for who finds nothing
            now = await store.now()
            ready = await store.jobs.ready(now, most * CROWD if self._crowded else most)
        if self._crowded:
            ready = sorted(ready, key=lambda one: (one.priority, self._spread.random()))[:most]
        claimed: list[Job] = []
        if ready:
            async with self._database.begin() as store:
                claimed = await store.jobs.claim(ready, now, now + LEASE)
        self._crowded = len(claimed) < len(ready)
        return claimed

    async def _let_go(self, claimed: Sequence[Job]) -> Sequence[Job]:
        """Those that can be sent now; what would only wait for a slow host is put off, all of it together."""
        if not self._hosts.are_slow:
            return claimed
        async with self._database.read() as store:
            now = await store.now()
            hosts = await self._hosts_of(store, claimed)
        busy = {one.id: one for one in claimed if one.id in hosts and self._hosts.is_busy(hosts[one.id])}
        if busy:
            async with self._database.begin() as store:
                await store.jobs.put_all([self._put_aside(one, now) for one in busy.values()])
        return [one for one in claimed if one.id not in busy]

    async def _hosts_of(self, store: Store, jobs: Sequence[Job]) -> dict[UUID, Host]:
        """To whose hosts they would go, as far as that is known."""
        found: dict[UUID, Host] = {}
        for name, channel in self._channels.items():
            readers = {one.id: one.reader_id for one in jobs if one.channel == name and one.reached is None}
            hosts = await channel.hosts(store, set(readers.values()))
            found |= {id_: (name, hosts[reader]) for id_, reader in readers.items() if reader in hosts}
        return found

    def _put_aside(self, one: Job, now: datetime) -> Job:
        return _later(one, now + timedelta(seconds=self._spread.uniform(*_BUSY_SECONDS)), Reason.HOST_BUSY)

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
        with self._renewed(one):
            try:
                if one.reached is None:
                    await self._deliver(one)
                else:
                    await self._reach_all(one)
            except Exception:
                _log.exception("a job failed", job_id=str(one.id))
                await self._give_back(one)

    @contextmanager
    def _renewed(self, one: Job) -> Generator[None]:
        """Hold the claim for as long as it takes. Most take so short that a task would be a waste."""
        loop, renewing = asyncio.get_running_loop(), list[asyncio.Task[None]]()
        seconds = _RENEWED_AFTER.total_seconds()
        timer = loop.call_later(seconds, lambda: renewing.append(loop.create_task(self._renew(one))))
        try:
            yield
        finally:
            timer.cancel()
            for task in renewing:
                task.cancel()

    async def _renew(self, one: Job) -> None:
        while True:
            try:
                async with self._database.begin() as store:
                    await store.jobs.renew(one, await store.now() + LEASE)
            except Exception:
                _log.exception("a claim cannot be renewed; it will be tried again", job_id=str(one.id))
            await asyncio.sleep(_RENEWED_AFTER.total_seconds())

    async def _give_back(self, one: Job) -> None:
        """A defect, or the database's failure: later once more, and at some time never again."""
        tried = replace(one, attempts=one.attempts + 1, reason=Reason.BROKEN)
        try:
            await self._notes.write(
                Note(became=lambda now: self._later_or_never(tried, now, None, Reason.BROKEN))
            )
        except Exception:
            _log.exception("what became of a job cannot be written; its claim lapses", job_id=str(one.id))

    async def _reach_all(self, one: Job) -> None:
        """Make a job for each who reads the stream, batch by batch, and note how far that has come."""
        while one.run_at is not None:
            async with self._database.begin() as store:
                now = await store.now()
                members = await self._rules.recipients(
                    store, one.stream_id, one.notification_id, one.channel, after=one.after, limit=BATCH
                )
                reached = (one.reached or 0) + len(members)
                if len(members) == BATCH:
                    one = replace(one, reached=reached, after=members[-1], run_at=now + LEASE)
                else:
                    one = replace(one, reached=reached).finished(JobStatus.COMPLETED, None, now)
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
            found = await (self._ready_digest if one.is_digest else self._ready)(store, one)
        if isinstance(found, _Ready):
            found = await self._turn(one, found) or found
        if isinstance(found, _Ready):
            await self._send(one, found)
        elif isinstance(found, Note):
            await self._notes.write(found)
        else:
            async with self._database.begin() as store:
                await digest.join(store, one, found)

    async def _ready(self, store: Store, one: Job) -> _Ready | Note | Leaving:
        """What is to be sent, what becomes of the job where nothing is, or the digest for which it waits."""
        decided = await self._rules.decide(store, one.reader_id, [one.notification_id], one.channel)
        leaving = decided[one.notification_id]
        if leaving.reason is Reason.DIGEST:
            return leaving
        if leaving.until is not None:
            return _put_off(one, leaving.until, leaving.reason)
        if leaving.reason is not None or leaving.item is None:
            return _finished(one, JobStatus.COMPLETED, leaving.reason or Reason.GONE)
        letter = Letter(id=one.notification_id, items=(leaving.item,), critical=leaving.critical)
        return await self._prepared(store, one, letter, ())

    async def _ready_digest(self, store: Store, one: Job) -> _Ready | Note:
        quiet_until = await self._rules.quiet_now(store, one.reader_id)
        if quiet_until is not None:
            return _put_off(one, quiet_until, Reason.QUIET_HOURS)
        gathered = await digest.gather(store, self._rules, one)
        items = digest.going(gathered)
        if not items:
            return _finished(one, JobStatus.COMPLETED, Reason.READ, gathered)
        letter = Letter(
            id=one.notification_id,
            items=items[:MOST_IN_DIGEST],
            left_out=len(items[MOST_IN_DIGEST:]),
            is_digest=True,
        )
        return await self._prepared(store, one, letter, gathered)

    async def _prepared(
        self, store: Store, one: Job, letter: Letter, gathered: Sequence[Waiting]
    ) -> _Ready | Note:
        channel = self._channels.get(one.channel)
        if channel is None:  # it was configured when this was appended, and is not any more
            return _finished(one, JobStatus.DEAD, Reason.NO_CHANNEL, gathered)
        outgoing = await channel.prepare(store, one.reader_id, letter)
        if isinstance(outgoing, Reason):
            return _finished(one, JobStatus.COMPLETED, outgoing, gathered)
        return _Ready(channel=channel, outgoing=outgoing, at=await store.now(), gathered=gathered)

    async def _turn(self, one: Job, ready: _Ready) -> Note | None:
        """Where it is not this one's turn: until when it waits."""
        host = ready.outgoing.host
        if self._hosts.is_busy((one.channel, host)):
            return Note(became=lambda now: self._put_aside(one, now))
        if one.reason is Reason.LIMITED or not ready.channel.limits:  # it waited for its turn, which is now
            return None
        async with self._database.begin() as store:
            at = await pacing.turn(store, ready.channel.limits, one.channel, host)
        return None if at is None else _put_off(one, at, Reason.LIMITED)

    async def _send(self, one: Job, ready: _Ready) -> None:
        began = monotonic()
        try:
            with self._hosts.sending((one.channel, ready.outgoing.host)):
                async with asyncio.timeout(SEND_SECONDS):
                    answer = await ready.channel.send(ready.outgoing)
        except TimeoutError:
            answer = Retry(answer=f"no answer within {SEND_SECONDS:.0f} seconds")
        took = round(1000 * (monotonic() - began))
        done = replace(one, attempts=one.attempts + 1)
        note = Note(
            became=lambda now: self._after(done, answer, now),
            others=lambda job, now: digest.settled(ready.gathered, job, now),
            tried=Attempt(
                job_id=one.id, number=one.claims, at=ready.at, milliseconds=took, answer=answer.answer
            ),
            also=partial(_retire, ready) if isinstance(answer, Gone) else None,
        )
        if not await self._notes.write(note):
            _log.warning("a claim had lapsed: this may be sent once more", job_id=str(one.id))

    def _after(self, one: Job, answer: Answer, now: datetime) -> Job:
        match answer:
            case Sent():
                return one.finished(JobStatus.COMPLETED, Reason.SENT, now)
            case Retry(after=after):
                return self._later_or_never(one, now, after, Reason.NOT_NOW)
            case Failed() | Gone():
                return one.finished(JobStatus.DEAD, Reason.REFUSED, now)

    def _later_or_never(self, one: Job, now: datetime, asked: timedelta | None, reason: Reason) -> Job:
        if one.attempts >= schedule.MOST_ATTEMPTS:
            return one.finished(JobStatus.DEAD, Reason.EXHAUSTED, now)
        pause = schedule.pause(one.attempts, asked, spread=self._spread)
        return replace(one, status=JobStatus.FAILED, run_at=now + pause, reason=reason)


def _later(one: Job, until: datetime, reason: Reason | None) -> Job:
    return replace(one, status=JobStatus.PENDING, run_at=until, reason=reason)


def _put_off(one: Job, until: datetime, reason: Reason | None) -> Note:
    return Note(became=lambda _: _later(one, until, reason))


def _finished(one: Job, status: JobStatus, reason: Reason, gathered: Sequence[Waiting] = ()) -> Note:
    return Note(
        became=lambda now: one.finished(status, reason, now),
        others=lambda job, now: digest.settled(gathered, job, now),
    )


async def _retire(ready: _Ready, store: Store) -> None:
    await ready.channel.retire(store, ready.outgoing.address)

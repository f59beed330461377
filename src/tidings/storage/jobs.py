"""Jobs: what is to be done so that notifications reach people outside the inbox.

A job is claimed by putting its `run_at` off by a lease: whoever looks for work passes it by until then, and
if its worker dies it is found again. Each claim has a number, and only who holds the last one may write.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum, StrEnum
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from tidings.ids import uuid7
from tidings.storage.connection import Connection, Row
from tidings.storage.dialects import Instant, Query, among, table_of
from tidings.storage.tables import attempt, job

LONGEST_ANSWER = 500
"""Of what the other side said so many characters are kept."""


class JobStatus(StrEnum):
    """Where a job is, in the words of the personal contract."""

    PENDING = "pending"
    PROCESSING = "processing"
    FAILED = "failed"  # it will be tried again
    COMPLETED = "completed"
    DEAD = "dead"  # it was given up


class Priority(IntEnum):
    """Which of the jobs that are due goes first."""

    CRITICAL = 0
    OWN = 1  # for one reader
    SHARED = 2  # for all who read a stream: no broadcast holds up what is for one


class Reason(StrEnum):
    """Why a job is as it is; what has none yet is still to be decided."""

    SENT = "sent"
    OFF = "off"  # by the event's default, or by what the reader chose
    QUIET_HOURS = "quiet_hours"  # waits for their end
    SNOOZED = "snoozed"  # waits for the end of that
    ESCALATION = "escalation"  # waits whether it will be read
    DIGEST = "digest"  # waits for the next one; that the job is one
    LIMITED = "limited"  # waits for its turn: no more may go through the channel, or to the host, at once
    HOST_BUSY = "host_busy"  # waits, for the host lets others wait
    READ = "read"  # before it was sent
    GONE = "gone"  # withdrawn, expired, dismissed or out of the reader's reach
    NO_ADDRESS = "no_address"
    NO_CHANNEL = "no_channel"  # it was set up when this was sent, and is not any more
    SUPPRESSED = "suppressed"  # unsubscribed, bounced or complained
    NOT_NOW = "not_now"  # the other side, or the way to it, failed for now
    REFUSED = "refused"  # by the other side, for good
    EXHAUSTED = "exhausted"  # tried too often
    BROKEN = "broken"  # a defect; the log says which
    DROPPED = "dropped"  # by an operator
    BOUNCED = "bounced"  # it was taken, and then reported as not delivered
    COMPLAINED = "complained"  # it was sent, and its reader called it spam


@dataclass(frozen=True, kw_only=True)
class Job:
    """One reader and channel of a notification, or all members of a stream, whose rows are to be made."""

    id: UUID
    stream_id: UUID
    notification_id: UUID
    reader_id: UUID  # of one for all members the stream's own id
    channel: str
    status: JobStatus
    priority: Priority
    run_at: datetime | None  # None: it is finished
    claims: int
    attempts: int
    reason: Reason | None
    reached: int | None  # for how many members there are rows; None: it is for one reader
    after: UUID | None  # the last of these
    digest: UUID | None  # the notification_id of the digest that it is, or waits for
    created_at: datetime
    finished_at: datetime | None

    @property
    def is_digest(self) -> bool:
        """Whether it sends what waits for it; then there is no notification with its id."""
        return self.digest is not None and self.digest == self.notification_id

    def finished(self, status: JobStatus, reason: Reason | None, now: datetime) -> Job:
        """As it is once there is nothing left to do."""
        return replace(self, status=status, run_at=None, reason=reason, finished_at=now)


def waiting(
    *,
    stream_id: UUID,
    notification_id: UUID,
    reader_id: UUID,
    channel: str,
    priority: Priority,
    now: datetime,
    reached: int | None = None,
) -> Job:
    """A job that is due now, and of which nothing is decided yet."""
    return Job(
        id=uuid7(now),
        stream_id=stream_id,
        notification_id=notification_id,
        reader_id=reader_id,
        channel=channel,
        status=JobStatus.PENDING,
        priority=priority,
        run_at=now,
        claims=0,
        attempts=0,
        reason=None,
        reached=reached,
        after=None,
        digest=None,
        created_at=now,
        finished_at=None,
    )


class Ready(NamedTuple):
    """A job that is due."""

    stream_id: UUID
    job_id: UUID
    priority: int


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One try to send something."""

    job_id: UUID
    number: int  # of the claim under which it was made: the later, the higher
    at: datetime
    milliseconds: int
    answer: str  # what the other side said


class Jobs:
    """What is to be sent, and what was."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, jobs: Sequence[Job]) -> None:
        """Add jobs; one that is there already stays as it is."""
        await self._connection.write(job, [_values(one) for one in jobs], or_ignore=True)
        self._connection.jobs_added |= bool(jobs)

    async def ready(self, now: datetime, limit: int) -> list[Ready]:
        """What is due, the most urgent first, at most so many. Others may find the same."""
        rows = await self._connection.all(_READY, {"now": now, "limit": limit})
        urgent = sorted(rows, key=lambda row: (row.priority, row.run_at))
        return [Ready(row.stream_id, row.job_id, row.priority) for row in urgent[:limit]]

    async def claim(self, ready: Sequence[Ready], now: datetime, until: datetime) -> list[Job]:
        """Claim those that are still due; nobody else finds them before `until`."""
        values = {
            "now": now,
            "until": until,
            "streams": sorted({one.stream_id for one in ready}),
            "ids": [one.job_id for one in ready],
        }
        rows = await self._connection.all(_claim(self._connection.dialect), values)
        return sorted(map(_job, rows), key=lambda one: (one.priority, one.id))

    async def renew(self, one: Job, until: datetime) -> bool:
        """Hold the claim for longer; False where it is somebody else's by now."""
        return await self._connection.execute(_RENEW, {"until": until, **_claimed(one)}) == 1

    async def put(self, one: Job) -> bool:
        """Write what became of a claimed job; False, and nothing written, where the claim is lost."""
        return await self._connection.execute(_PUT, {**_state(one), **_claimed(one)}) == 1

    async def put_all(self, jobs: Sequence[Job]) -> set[UUID]:
        """Write what became of these, but for those that were claimed or changed since they were read.

        The ids of those that were written.
        """
        if not jobs:
            return set()
        rows = [_LISTED_OF(_values(one)) for one in jobs]
        values = self._connection.rows("new", _LISTED, rows)
        values["streams"] = sorted({one.stream_id for one in jobs})
        return {row.job_id for row in await self._connection.all(_put_all(self._connection.dialect), values)}

    async def open_digest(self, one: Job) -> Job:
        """Add a digest unless it is there, and lock it: as it is until this transaction ends."""
        await self.add([one])
        return _job(await self._connection.first(sa.select(job).where(*_key(one)).with_for_update()))

    async def in_digest(self, digest: UUID) -> list[Job]:
        """Those that wait for a digest, or failed with it."""
        waits = sa.select(job).where(
            job.c.digest == digest,
            job.c.notification_id != digest,
            job.c.status != JobStatus.COMPLETED.value,
        )
        return [_job(row) for row in await self._connection.all(waits)]

    async def open_digests(self, limit: int) -> list[Job]:
        """Digests that are still to go, the earliest first."""
        found = sa.select(job).where(job.c.digest == job.c.notification_id, job.c.finished_at.is_(None))
        rows = await self._connection.all(found.order_by(job.c.run_at).limit(limit))
        return [_job(row) for row in rows]

    async def digests(self, ids: Collection[UUID]) -> dict[UUID, Job]:
        """Digests by their notification_id."""
        if not ids:
            return {}
        found = sa.select(job).where(job.c.notification_id.in_(sorted(ids)))
        return {row.notification_id: _job(row) for row in await self._connection.all(found)}

    async def record(self, tries: Sequence[tuple[UUID, Attempt]]) -> None:
        """Keep tries on record, each with the stream of its job."""
        rows = [
            {
                "stream_id": stream_id,
                "job_id": one.job_id,
                "number": one.number,
                "at": one.at,
                "milliseconds": one.milliseconds,
                "answer": _readable(one.answer)[:LONGEST_ANSWER],
            }
            for stream_id, one in tries
        ]
        await self._connection.write(attempt, rows, or_ignore=True)

    # --- for operators ------------------------------------------------------------------------------------

    async def find(self, job_id: UUID) -> Job | None:
        row = await self._connection.first(sa.select(job).where(job.c.job_id == job_id))
        return None if row is None else _job(row)

    async def lock(self, job_id: UUID) -> Job | None:
        """The job, its row locked: nobody claims or finishes it meanwhile."""
        found = await self.find(job_id)
        if found is None:
            return None
        mine = sa.select(job).where(*_key(found)).with_for_update()
        return _job(await self._connection.first(mine))

    async def overwrite(self, one: Job) -> None:
        """Write what an operator made of a job, whose lock is held; a claim that stands is lost by it."""
        values = {**_state(one), "claims": one.claims + 1}
        await self._connection.execute(sa.update(job).where(*_key(one)).values(values))
        self._connection.jobs_added |= one.run_at is not None

    async def newest(
        self, statuses: Collection[JobStatus], channel: str | None, before: UUID | None, limit: int
    ) -> list[Job]:
        """Jobs, newest first, that come after `before`; no statuses: all."""
        found = sa.select(job).order_by(job.c.job_id.desc()).limit(limit)
        if statuses:
            found = found.where(job.c.status.in_(sorted(statuses)))
        if channel is not None:
            found = found.where(job.c.channel == channel)
        if before is not None:
            found = found.where(job.c.job_id < before)
        return [_job(row) for row in await self._connection.all(found)]

    async def of_notification(self, notification_id: UUID, after: UUID | None, limit: int) -> list[Job]:
        """All that was decided about a notification, by the ids of the jobs."""
        found = sa.select(job).where(job.c.notification_id == notification_id)
        if after is not None:
            found = found.where(job.c.job_id > after)
        return [_job(row) for row in await self._connection.all(found.order_by(job.c.job_id).limit(limit))]

    async def of_reader(
        self, streams: Collection[UUID], notification_id: UUID, reader_id: UUID, channel: str
    ) -> Job | None:
        """What was decided for one reader; `streams` are those in which the notification may stand."""
        row = await self._connection.first(
            sa.select(job)
            .where(job.c.stream_id.in_(sorted(streams)))
            .where(job.c.notification_id == notification_id)
            .where(job.c.reader_id == reader_id, job.c.channel == channel)
        )
        return None if row is None else _job(row)

    async def attempts(self, jobs: Collection[Job]) -> Mapping[UUID, list[Attempt]]:
        """Every try of these, by job, in their order."""
        if not jobs:
            return {}
        rows = await self._connection.all(
            sa.select(attempt)
            .where(attempt.c.stream_id.in_(sorted({one.stream_id for one in jobs})))
            .where(attempt.c.job_id.in_(sorted(one.id for one in jobs)))
            .order_by(attempt.c.job_id, attempt.c.number)
        )
        found: dict[UUID, list[Attempt]] = {one.id: [] for one in jobs}
        for row in rows:
            found[row.job_id].append(_attempt(row))
        return found

    async def forget(self, before: datetime, limit: int) -> int:
        """Remove some of what was finished earlier, with its tries; how many these were."""
        rows = await self._connection.all(
            sa.select(job).where(job.c.finished_at < before).order_by(job.c.finished_at).limit(limit)
        )
        for one in map(_job, rows):
            await self._connection.execute(
                sa.delete(attempt).where(attempt.c.stream_id == one.stream_id, attempt.c.job_id == one.id)
            )
            await self._connection.execute(sa.delete(job).where(*_key(one)))
        return len(rows)

    # --- how much there is: each up to a limit beyond which the number is of no interest -------------------

    async def stuck(self, before: datetime, limit: int) -> int:
        """How many are under way whose lease ended before then."""
        return await self._count(
            sa.and_(job.c.status == JobStatus.PROCESSING.value, job.c.run_at < before), limit
        )

    async def due(self, now: datetime, limit: int) -> int:
        """How many are to be done by now."""
        return await self._count(job.c.run_at <= now, limit)

    async def dead(self, since: datetime, limit: int) -> int:
        """How many were given up after that time."""
        return await self._count(
            sa.and_(job.c.finished_at > since, job.c.status == JobStatus.DEAD.value), limit
        )

    async def _count(self, meant: sa.ColumnElement[bool], limit: int) -> int:
        some = sa.select(job.c.job_id).where(meant).limit(limit).subquery()
        return await self._connection.scalar(sa.select(sa.func.count()).select_from(some))


_NOW: sa.BindParameter[Any] = sa.bindparam("now", type_=Instant())
_UNTIL: sa.BindParameter[Any] = sa.bindparam("until", type_=Instant())
_KEY = ("stream_id", "notification_id", "reader_id", "channel")
_STATE = ("status", "run_at", "attempts", "reason", "reached", "after", "digest", "finished_at")


def _first_of(priority: Priority) -> Query:
    """The head of one of the queues: with all in one, what waits in the first would hide the second."""
    columns = (job.c.stream_id, job.c.job_id, job.c.priority, job.c.run_at)
    first = sa.literal_column(str(int(priority)), sa.SmallInteger())
    return sa.select(*columns).where(job.c.priority == first).order_by(job.c.run_at)


_LIMIT: sa.BindParameter[Any] = sa.bindparam("limit", type_=sa.Integer())
_HEADS = [_first_of(priority).where(job.c.run_at <= _NOW).limit(_LIMIT) for priority in Priority]
_READY = sa.union_all(*[sa.select(head.subquery(f"head_{number}")) for number, head in enumerate(_HEADS)])


@lru_cache
def _claim(dialect: str) -> sa.Executable:
    """Of two that found the same job the second waits for the first, and then finds it put off."""
    return (
        sa.update(job)
        .where(among(dialect, job.c.stream_id, "streams"), among(dialect, job.c.job_id, "ids"))
        .where(job.c.run_at <= _NOW)
        .values(status=JobStatus.PROCESSING.value, run_at=_UNTIL, claims=job.c.claims + 1)
        .returning(*job.c)
    )


_MINE = sa.and_(
    job.c.stream_id == sa.bindparam("key_stream", type_=sa.Uuid()),
    job.c.notification_id == sa.bindparam("key_notification", type_=sa.Uuid()),
    job.c.reader_id == sa.bindparam("key_reader", type_=sa.Uuid()),
    job.c.channel == sa.bindparam("key_channel", type_=sa.String()),
    job.c.claims == sa.bindparam("key_claims", type_=sa.BigInteger()),
    job.c.finished_at.is_(None),
)
_RENEW = sa.update(job).where(_MINE).values(run_at=_UNTIL)
_PUT = (
    sa.update(job).where(_MINE).values({name: sa.bindparam(name, type_=job.c[name].type) for name in _STATE})
)
_FENCED = (*_KEY, "claims")
_LISTED = {name: job.c[name].type for name in (*_FENCED, *_STATE)}
_LISTED_OF = itemgetter(*_LISTED)


@lru_cache
def _put_all(dialect: str) -> sa.Executable:
    new = table_of(dialect, "new", _LISTED)
    same = [job.c[name] == new.c[name] for name in _FENCED]
    mine = sa.update(job).where(among(dialect, job.c.stream_id, "streams"), *same)
    return mine.values({name: new.c[name] for name in _STATE}).returning(job.c.job_id)


def _claimed(one: Job) -> dict[str, Any]:
    return {
        "key_stream": one.stream_id,
        "key_notification": one.notification_id,
        "key_reader": one.reader_id,
        "key_channel": one.channel,
        "key_claims": one.claims,
    }


def _key(one: Job) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        job.c.stream_id == one.stream_id,
        job.c.notification_id == one.notification_id,
        job.c.reader_id == one.reader_id,
        job.c.channel == one.channel,
    )


def _state(one: Job) -> dict[str, Any]:
    return {name: getattr(one, name) for name in _STATE}


def _values(one: Job) -> dict[str, Any]:
    return {
        "stream_id": one.stream_id,
        "notification_id": one.notification_id,
        "reader_id": one.reader_id,
        "channel": one.channel,
        "job_id": one.id,
        "priority": int(one.priority),
        "claims": one.claims,
        "created_at": one.created_at,
        **_state(one),
    }


_FIELDS = ["id" if column.name == "job_id" else column.name for column in job.c]


def _job(row: Row) -> Job:
    """Of a row of all columns, in their order."""
    values = dict(zip(_FIELDS, row, strict=True))
    values["status"], values["priority"] = JobStatus(values["status"]), Priority(values["priority"])
    values["reason"] = values["reason"] and Reason(values["reason"])
    return Job(**values)


def _readable(answer: str) -> str:
    """What the other side said, of characters that a database keeps: it may be any octets."""
    return answer.encode("utf-8", "replace").decode().replace("\0", "?")


def _attempt(row: Row) -> Attempt:
    return Attempt(
        job_id=row.job_id,
        number=row.number,
        at=row.at,
        milliseconds=row.milliseconds,
        answer=row.answer,
    )

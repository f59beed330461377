"""What was decided about each reader and channel of a notification, and what operators make of a job."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from tidings.errors import JobFinished, JobNotFound, NotificationNotFound
from tidings.storage.engine import Database
from tidings.storage.jobs import Attempt, Job, JobStatus, Reason
from tidings.storage.store import Store

KEPT = timedelta(days=30)
"""How long it can be asked what became of a notification outside the inbox."""

_AT_ONCE = 100


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A job, and every try to send it: of what waits for a digest, or went with it, those of the digest."""

    job: Job
    attempts: Sequence[Attempt]
    next_at: datetime | None  # when it is due; None: it is finished


async def of_notification(
    store: Store, notification_id: UUID, *, after: UUID | None = None, limit: int
) -> list[Delivery]:
    """One for each reader and channel, those of many readers as far as they are made; by the ids of the jobs.

    Raises NotificationNotFound.
    """
    jobs = await store.jobs.of_notification(notification_id, after, limit)
    if not jobs and not await store.streams.places([notification_id]):
        raise NotificationNotFound
    return await _with_attempts(store, jobs)


async def newest(
    store: Store,
    *,
    statuses: Collection[JobStatus] = (),
    channel: str | None = None,
    before: UUID | None = None,
    limit: int,
) -> list[Job]:
    """Jobs, newest first; without statuses those of every status."""
    return await store.jobs.newest(statuses, channel, before, limit)


async def find(store: Store, job_id: UUID) -> Delivery:
    """Raises JobNotFound."""
    if (job := await store.jobs.find(job_id)) is None:
        raise JobNotFound
    return (await _with_attempts(store, [job]))[0]


async def open_digests(store: Store, *, limit: int) -> list[Job]:
    """Digests that are still to go, the earliest first."""
    return await store.jobs.open_digests(limit)


async def retry(store: Store, job_id: UUID) -> Job:
    """Try it again now, however often it was tried; a digest goes now. Raises JobNotFound, JobFinished."""
    job = await _locked(store, job_id)
    if job.status is JobStatus.COMPLETED:
        raise JobFinished
    again = replace(
        _by_itself(job),
        status=JobStatus.PENDING,
        run_at=await store.now(),
        attempts=0,
        reason=None,
        finished_at=None,
    )
    await store.jobs.overwrite(again)
    return again


async def drop(store: Store, job_id: UUID) -> Job:
    """Give it up, a digest with all that waits for it. What is under way may still arrive.

    Raises JobNotFound, JobFinished.
    """
    job = await _locked(store, job_id)
    if job.finished_at is not None:
        raise JobFinished
    now = await store.now()
    dropped = _by_itself(job)
    with_it = await store.jobs.in_digest(job.notification_id) if job.is_digest else []
    for one in (dropped, *with_it):
        await store.jobs.overwrite(one.finished(JobStatus.DEAD, Reason.DROPPED, now))
    return dropped.finished(JobStatus.DEAD, Reason.DROPPED, now)


async def forget(database: Database) -> None:
    """Remove what was finished so long ago that nobody can ask for it, some in each transaction."""
    removed = _AT_ONCE
    while removed == _AT_ONCE:
        async with database.begin() as store:
            removed = await store.jobs.forget(await store.now() - KEPT, _AT_ONCE)


def _by_itself(job: Job) -> Job:
    """It waits for no digest; one that is a digest stays one."""
    return job if job.is_digest else replace(job, digest=None)


async def _locked(store: Store, job_id: UUID) -> Job:
    if (job := await store.jobs.lock(job_id)) is None:
        raise JobNotFound
    return job


async def _with_attempts(store: Store, jobs: Sequence[Job]) -> list[Delivery]:
    digests = await store.jobs.digests({job.digest for job in jobs if job.digest and not job.is_digest})
    attempts = await store.jobs.attempts([*jobs, *digests.values()])
    found: list[Delivery] = []
    for job in jobs:
        digest = digests.get(job.digest) if job.digest else None
        next_at = digest.run_at if digest and not job.finished_at else job.run_at
        found.append(Delivery(job=job, attempts=attempts[(digest or job).id], next_at=next_at))
    return found

"""What was decided about each reader and channel of a notification, and what operators make of a job."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
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
    """A job, and every try to send it."""

    job: Job
    attempts: Sequence[Attempt]


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


async def retry(store: Store, job_id: UUID) -> Job:
    """Try it again now, however often it was tried. Raises JobNotFound, and JobFinished if it was sent."""
    job = await _locked(store, job_id)
    if job.status is JobStatus.COMPLETED:
        raise JobFinished
    again = replace(
        job, status=JobStatus.PENDING, run_at=await store.now(), attempts=0, reason=None, finished_at=None
    )
    await store.jobs.overwrite(again)
    return again


async def drop(store: Store, job_id: UUID) -> Job:
    """Give it up. What is under way may still arrive. Raises JobNotFound, JobFinished."""
    job = await _locked(store, job_id)
    if job.run_at is None:
        raise JobFinished
    now = await store.now()
    dropped = replace(job, status=JobStatus.DEAD, run_at=None, reason=Reason.DROPPED, finished_at=now)
    await store.jobs.overwrite(dropped)
    return dropped


async def forget(database: Database) -> None:
    """Remove what was finished so long ago that nobody can ask for it, some in each transaction."""
    removed = _AT_ONCE
    while removed == _AT_ONCE:
        async with database.begin() as store:
            removed = await store.jobs.forget(await store.now() - KEPT, _AT_ONCE)


async def _locked(store: Store, job_id: UUID) -> Job:
    if (job := await store.jobs.lock(job_id)) is None:
        raise JobNotFound
    return job


async def _with_attempts(store: Store, jobs: Sequence[Job]) -> list[Delivery]:
    attempts = await store.jobs.attempts(jobs)
    return [Delivery(job=job, attempts=attempts[job.id]) for job in jobs]

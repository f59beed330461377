"""Digests: a job that sends what waits for it, and the jobs that wait.

What waits has no time of its own and the digest's id. A digest that was claimed once is closed: what comes
later waits for another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid5

from tidings.delivery.rules import Leaving, Rules
from tidings.model import Item, Rhythm
from tidings.storage.jobs import Job, JobStatus, Priority, Reason, waiting
from tidings.storage.store import Store
from tidings.time_zones import next_digest

_NAMES = UUID("4d5b1c8e-6f4e-4b61-9a3c-0a1de5c1f9d2")


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """One that waits, and whether it goes."""

    job: Job
    leaving: Leaving


async def join(store: Store, one: Job, leaving: Leaving) -> None:
    """Have a claimed job wait for the digest that `leaving` tells of."""
    now = await store.now()
    digest = await _open(store, one, leaving, now)
    await store.jobs.put(
        replace(one, status=JobStatus.PENDING, run_at=None, reason=Reason.DIGEST, digest=digest)
    )


async def gather(store: Store, rules: Rules, digest: Job) -> list[Waiting]:
    """All that waits for it."""
    jobs = await store.jobs.in_digest(digest.notification_id)
    ids = [job.notification_id for job in jobs]
    decided = await rules.decide(store, digest.reader_id, ids, digest.channel, in_digest=True)
    return [Waiting(job=job, leaving=decided[job.notification_id]) for job in jobs]


def going(gathered: Sequence[Waiting]) -> list[Item]:
    """What of it goes, the newest first."""
    items = [one.leaving.item for one in gathered if one.leaving.reason is None and one.leaving.item]
    return sorted(items, key=lambda item: (item.notification.created_at, item.id), reverse=True)


def settled(gathered: Sequence[Waiting], digest: Job, now: datetime) -> list[Job]:
    """What becomes of those that waited, given what became of their digest."""
    return [] if digest.run_at is not None else [_settled(one, digest, now) for one in gathered]


def _settled(one: Waiting, digest: Job, now: datetime) -> Job:
    reason, until = one.leaving.reason, one.leaving.until
    if until is not None:
        return replace(one.job, status=JobStatus.PENDING, run_at=until, reason=reason, digest=None)
    if reason is not None:
        return one.job.finished(JobStatus.COMPLETED, reason, now)
    return one.job.finished(digest.status, digest.reason, now)


async def _open(store: Store, one: Job, leaving: Leaving, now: datetime) -> UUID:
    """The id of the next digest that is not closed; its row is locked, so that it stays open."""
    at = leaving.until or next_digest(leaving.rhythm, leaving.time_zone, now)
    if at <= now:
        at = next_digest(leaving.rhythm, leaving.time_zone, now)
    generation = 0
    while True:
        id_ = _digest_id(one, leaving.rhythm, at, generation)
        row = waiting(
            stream_id=one.reader_id,
            notification_id=id_,
            reader_id=one.reader_id,
            channel=one.channel,
            priority=Priority.SHARED,
            now=now,
        )
        row = await store.jobs.open_digest(replace(row, run_at=at, reason=Reason.DIGEST, digest=id_))
        if not row.claims:
            return id_
        generation += 1


def _digest_id(one: Job, rhythm: Rhythm, at: datetime, generation: int) -> UUID:
    """The same for whoever waits for the same, so that there is one."""
    return uuid5(_NAMES, f"{one.reader_id} {one.channel} {rhythm} {at.isoformat()} {generation}")

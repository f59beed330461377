"""Whether what is to be sent is sent, as operators are told it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from tidings.delivery.worker import LEASE
from tidings.storage.store import Store

STUCK_AFTER = timedelta(minutes=10)
DEEPEST_QUEUE = 10_000
RECENT = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    ok: bool
    detail: str  # what was found, for people


@dataclass(frozen=True, kw_only=True)
class Health:
    stuck_jobs: Check
    queue_depth: Check
    rollup_freshness: Check
    recent_dead_jobs: Check

    @property
    def healthy(self) -> bool:
        checks = (self.stuck_jobs, self.queue_depth, self.rollup_freshness, self.recent_dead_jobs)
        return all(check.ok for check in checks)


async def health(store: Store) -> Health:
    """Looks at what waits to be sent later, and at what leaves the inbox."""
    now = await store.now()
    stuck = await store.queue.due(now - STUCK_AFTER, DEEPEST_QUEUE)
    # A claim was last renewed a lease before it ends.
    stuck += await store.jobs.stuck(now - STUCK_AFTER + LEASE, DEEPEST_QUEUE)
    due = await store.queue.due(now, DEEPEST_QUEUE) + await store.jobs.due(now, DEEPEST_QUEUE)
    refused = await store.queue.refused(now - RECENT, DEEPEST_QUEUE)
    refused += await store.jobs.dead(now - RECENT, DEEPEST_QUEUE)
    return Health(
        stuck_jobs=Check(ok=stuck == 0, detail=f"{_number(stuck)} due or under way for more than 10 minutes"),
        queue_depth=Check(ok=due < DEEPEST_QUEUE, detail=f"{_number(due)} due; fewer than 10,000 is well"),
        rollup_freshness=Check(ok=True, detail="no delivery statistics are kept yet"),
        recent_dead_jobs=Check(
            ok=refused == 0, detail=f"{_number(refused)} refused or given up within the last hour"
        ),
    )


def _number(count: int) -> str:
    return f"{count:,}" if count < DEEPEST_QUEUE else f"{count:,} or more"

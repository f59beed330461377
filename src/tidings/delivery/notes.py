"""What became of jobs, written for all hands of a process in as few transactions as their number allows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from tidings.storage.engine import Database
from tidings.storage.failures import is_away
from tidings.storage.jobs import Attempt, Job
from tidings.storage.store import Store

MOST_AT_ONCE = 100
PATIENCE_SECONDS = 60.0
"""So long it is tried to reach a database that is away: what was sent would else be sent once more."""
_REST_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Note:
    """What became of one claimed job."""

    became: Callable[[datetime], Job]  # given the time at which it is written
    others: Callable[[Job, datetime], Sequence[Job]] = lambda _job, _now: ()  # of those that waited for it
    tried: Attempt | None = None
    also: Callable[[Store], Awaitable[object]] | None = None  # what is to be written with it
    written: asyncio.Future[bool] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Notes:
    """A group commit: while one transaction is under way, what comes waits, and the next one takes it all."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[Note] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, note: Note) -> bool:
        """Write it; False, and nothing written, where the claim is lost. Raises what the database raises.

        A database that is away is waited for.
        """
        self._waiting.append(note)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return await note.written

    async def _write(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            await self._write_group(group)

    async def _write_group(self, group: Sequence[Note]) -> None:
        """All of it; where something is refused each half by itself, so that none bears another's fault."""
        try:
            held = await self._written(group)
        except Exception as error:
            if len(group) > 1 and not is_away(error):
                await self._write_group(group[: len(group) // 2])
                await self._write_group(group[len(group) // 2 :])
                return
            for note in group:
                if not note.written.done():
                    note.written.set_exception(error)
            return
        for note, is_held in zip(group, held, strict=True):
            if not note.written.done():
                note.written.set_result(is_held)

    async def _written(self, group: Sequence[Note]) -> list[bool]:
        last = monotonic() + PATIENCE_SECONDS
        while True:
            try:
                async with self._database.begin() as store:
                    return await _put(store, group)
            except Exception as error:
                if not is_away(error) or monotonic() > last:
                    raise
            await asyncio.sleep(_REST_SECONDS)


async def _put(store: Store, group: Sequence[Note]) -> list[bool]:
    """Of each whether its claim was held."""
    now = await store.now()
    jobs = [note.became(now) for note in group]
    held = await store.jobs.put_all(jobs)
    mine = [(note, job) for note, job in zip(group, jobs, strict=True) if job.id in held]
    await store.jobs.record([(job.stream_id, note.tried) for note, job in mine if note.tried is not None])
    for note in group:
        if note.also is not None:
            await note.also(store)
    await store.jobs.put_all([other for note, job in mine for other in note.others(job, now)])
    return [job.id in held for job in jobs]

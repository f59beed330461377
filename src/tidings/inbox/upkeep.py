"""What is done in the background, in small steps, so that the costs that the design promises hold.

None of it changes what anybody sees, except that erased content is gone for good, and that what was to be
sent later appears: so it may run in any number of processes, at any time, or late.
"""

from __future__ import annotations

from datetime import timedelta

from tidings.inbox import scheduling
from tidings.inbox.folding import LEVELS, MOST_MARKS, fold, undo_is_open
from tidings.inbox.operations import begin
from tidings.inbox.state import state_of
from tidings.model import Level, Reader
from tidings.storage.engine import Database
from tidings.storage.store import Store
from tidings.storage.upkeep import Erasure

_AT_ONCE = 1000
_KEPT = timedelta(hours=24)


async def run_upkeep(database: Database) -> None:
    """Do all that is due now."""
    for step in STEPS:
        await step(database)


async def _end_expired(database: Database) -> None:
    """Turn what has expired into endings, which counts look up by position."""
    while True:
        async with database.begin() as store:
            expired = await store.upkeep.expired(await store.now(), _AT_ONCE)
            await store.streams.end([place for place, _ in expired], await store.now())
            await store.upkeep.forget_expiries(expired)
        if len(expired) < _AT_ONCE:
            return


async def _erase(database: Database) -> None:
    """Erase the content of what users deleted from their own streams."""
    while True:
        async with database.begin() as store:
            due = await store.upkeep.due_erasures(await store.now(), 1)
            for erasure in due:
                await _erase_some(store, erasure)
        if not due:
            return


async def _erase_some(store: Store, erasure: Erasure) -> None:
    """Erase up to a thousand, with the reader locked, so that no undo can be half way."""
    reader_id = erasure.stream_id
    await store.readers.lock(Reader(id=reader_id))
    positions = await store.upkeep.positions(erasure, _AT_ONCE)
    keys = [(erasure.stream_id, erasure.lane, position) for position in positions]
    standings = await store.readers.standings(reader_id, keys)
    now = await store.now()
    deleted = [key[2] for key in keys if state_of(standings[key], now).level is Level.DELETED]
    await store.upkeep.erase(erasure, deleted)
    lines = await store.lines.deleted(reader_id, erasure.stream_id)
    said = [position for position in deleted if position <= lines.get(erasure.lane, 0)]
    await store.readers.forget_marks(reader_id, erasure.stream_id, erasure.lane, said)
    await store.upkeep.advance_erasure(erasure, positions[-1] + 1 if len(positions) == _AT_ONCE else None)


async def _fold(database: Database) -> None:
    async with database.read() as store:
        readers = await store.readers.unfolded(MOST_MARKS, _AT_ONCE)
    for reader in readers:
        await fold_reader(database, reader)


async def fold_reader(database: Database, reader: Reader) -> None:
    """Fold at every level that a reader's marks are at, each in a transaction of its own."""
    for level in LEVELS:
        async with database.begin() as store:
            if undo_is_open(await begin(store, reader)):
                return
            await fold(store, reader, level)
    async with database.begin() as store:
        await store.readers.set_folded(reader.id)


async def _forget(database: Database) -> None:
    """Remove what nobody can ask for any more, in transactions that hold nobody up for long."""
    async with database.begin() as store:
        await store.upkeep.forget_operations(await store.now() - _KEPT)
    async with database.begin() as store:
        await store.streams.forget_changes(await store.now() - _KEPT)
        await store.tickets.forget(await store.now())
    for forget in (_forget_answers, scheduling.forget):
        removed = _AT_ONCE
        while removed == _AT_ONCE:
            async with database.begin() as store:
                removed = await forget(store, _AT_ONCE)


async def _forget_answers(store: Store, limit: int) -> int:
    return await store.idempotency.forget(await store.now(), limit)


async def _send_due(database: Database) -> None:
    await scheduling.send_due(database)


STEPS = (_end_expired, _erase, _fold, _forget, _send_due)
"""Each by itself: what fails in one keeps none of the others from its work."""

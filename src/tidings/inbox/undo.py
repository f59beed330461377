"""Taking an operation back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from tidings.errors import LaterBulkStands, NotUndoable, OperationNotFound
from tidings.inbox import alerts, state
from tidings.inbox.items import held
from tidings.inbox.operations import NOTHING, UNDO_WINDOW, begin
from tidings.inbox.reach import reach_of
from tidings.model import OperationKind, Outcome, Reach, Reader, Turn
from tidings.storage.alerts import Dismissal
from tidings.storage.readers import Raised
from tidings.storage.store import Store

_WITH_ID = 4
"""The parts of a target; before targets were told to who follows they had no id."""


async def undo(store: Store, reader: Reader, operation: int) -> Outcome:
    """Delete the sweeps, own raises and dismissals of an operation, and nothing else: what remains decides.

    The outcome tells how many notifications fell back, and how many live alerts came back. Raises
    OperationNotFound; NotUndoable after ten minutes, a second time, or for what has an opposite instead;
    LaterBulkStands.
    """
    turn = await begin(store, reader)
    if not 0 < operation < turn.op:
        raise OperationNotFound
    raised = await store.readers.raised(reader.id, operation)
    swept_at = await store.lines.swept_at(reader.id, operation)
    dismissed = await store.alerts.dismissed_by(reader.id, operation)
    made_at = _made_at(raised, swept_at, dismissed)
    if made_at is None or operation == turn.sealed or turn.at > made_at + UNDO_WINDOW:
        raise NotUndoable
    if operation < turn.sealed or await _later_bulk_stands(store, reader, operation):
        raise LaterBulkStands
    reach = await reach_of(store, reader, at=turn.at)
    outcome = NOTHING
    if raised:
        outcome = await _undo_raise(store, turn, reach, raised)
    elif swept_at:
        outcome = await _undo_sweeps(store, turn, reach, operation, swept_at)
    back = await _undo_dismissals(store, reach, operation, dismissed)
    # What nothing fell back from is told as well: when it was seen may have been another time.
    if raised and not dismissed and all(len(target) == _WITH_ID for target in raised.recorded):
        await store.readers.record(turn, OperationKind.MARKED, raised.recorded)
    else:
        await store.readers.record(turn, OperationKind.RESYNC)
    await store.readers.finish(turn)
    if not outcome.changed + back:
        return NOTHING
    return replace(outcome, operation=turn.op, changed=outcome.changed + back, updated=outcome.updated + back)


def _made_at(
    raised: Raised | None, swept_at: datetime | None, dismissed: Sequence[Dismissal]
) -> datetime | None:
    """When the operation was made; None where nothing is left of it."""
    times = [raised and raised.at, swept_at, *[one.at for one in dismissed]]
    return next((at for at in times if at is not None), None)


async def _later_bulk_stands(store: Store, reader: Reader, operation: int) -> bool:
    if await store.lines.swept_after(reader.id, operation):
        return True
    return await store.alerts.dismissed_after(reader.id, operation)


async def _undo_sweeps(store: Store, turn: Turn, reach: Reach, operation: int, made_at: datetime) -> Outcome:
    level, taken = await store.lines.unsweep(turn.reader.id, operation)
    tops = [
        (one.stream_id, lane, upto) for one in taken for lane, upto in zip(one.lanes, one.upto, strict=True)
    ]
    changed, updated = await store.windows.fallen(reach, level, tops, operation, made_at)
    return Outcome(operation=turn.op, changed=changed, updated=updated)


async def _undo_raise(store: Store, turn: Turn, reach: Reach, raised: Raised) -> Outcome:
    standings = await store.readers.standings(turn.reader.id, raised.targets)
    marks = [standing.mark for standing in standings.values() if standing.mark is not None]
    undone = [after for mark in marks if (after := state.without_raise(mark, raised.op)) != mark]
    await store.readers.put_marks(turn.reader.id, undone)
    await store.readers.forget_raise(turn.reader.id, raised.op)
    there = await held(store, reach, [mark.id for mark in undone])
    below = [one for one in there if one.state.level < raised.level]
    unresolved = sum(one.item.notification.resolved_at is None for one in below)
    return Outcome(operation=turn.op, changed=len(below), updated=unresolved)


async def _undo_dismissals(store: Store, reach: Reach, operation: int, dismissed: Sequence[Dismissal]) -> int:
    """How many live alerts came back: not those that cleared since, nor of a business that was left."""
    if not dismissed:
        return 0
    await store.alerts.forget_dismissals(reach.reader.id, operation)
    return await alerts.come_back(store, reach, {one.episode: one.business_id for one in dismissed})

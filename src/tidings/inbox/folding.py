"""Folding: many marks become one sweep, and nothing that anybody sees changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from tidings.inbox import state
from tidings.inbox.items import held
from tidings.inbox.operations import UNDO_WINDOW, begin
from tidings.inbox.reach import reach_of
from tidings.model import Level, OperationKind, Reach, Reader, Turn
from tidings.storage.folding import Fold
from tidings.storage.lines import StreamSweep
from tidings.storage.readers import Mark
from tidings.storage.store import Store

MOST_MARKS = 1000
LEVELS = (Level.READ, Level.DISMISSED, Level.DELETED)


async def fold(store: Store, reader: Reader, level: Level = Level.READ, *, least: int = MOST_MARKS) -> bool:
    """Sweep to the head each lane in which most is at `level` by marks, and re-base what is not.

    Only for a reader who wrote more than `least` marks since the last folding, and not while an operation can
    still be undone, for an undo would find its raises below a sweep. Whether anything was folded.
    """
    turn = await begin(store, reader)
    if turn.unfolded <= least or undo_is_open(turn):
        return False
    reach = await reach_of(store, reader, at=turn.at)
    lanes = [one for one in await store.folding.foldable(reach, level) if one.marks > one.others]
    if not lanes:
        return False
    ids = await store.folding.not_at(reach, level, [(one.stream_id, one.lane, one.top) for one in lanes])
    await store.readers.put_marks(reader.id, await _rebased(store, turn, reach, level, ids))
    await store.lines.sweep(turn, level, _to_the_top(lanes))
    await store.readers.record(turn, OperationKind.NOTHING)
    await store.readers.finish(turn, seals=True)  # no operation of the reader's: its number cannot be undone
    return True


def _to_the_top(lanes: Sequence[Fold]) -> list[StreamSweep]:
    streams: dict[UUID, list[Fold]] = defaultdict(list)
    for one in lanes:
        streams[one.stream_id].append(one)
    return [
        StreamSweep(
            stream_id,
            [one.lane for one in folds],
            [one.top for one in folds],
            max(one.newest_at for one in folds),
        )
        for stream_id, folds in streams.items()
    ]


def undo_is_open(turn: Turn) -> bool:
    """Whether something was raised within the time in which that can be undone."""
    return turn.raised_at is not None and turn.at <= turn.raised_at + UNDO_WINDOW


async def _rebased(store: Store, turn: Turn, reach: Reach, level: Level, ids: Sequence[UUID]) -> list[Mark]:
    """What is below the level keeps its state as its base; a running snooze is not swept anyway."""
    found = await held(store, reach, ids)
    return [
        state.rebased(one.mark, one.item, turn.op)
        for one in found
        if one.state.level < level and one.state.snoozed_until is None
    ]

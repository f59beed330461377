"""What a reader does: raises by ids or by selection, lowerings, pins, resolve, clear-read, live alerts.

Every operation locks its reader first and takes a number and a time; then it reads once, and all that it
writes and answers follows from that reading. An operation that changes nothing writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import compress
from uuid import UUID

from tidings.errors import InvalidInput, NotificationNotFound, TooMany, UserNotFound
from tidings.inbox import alerts, state
from tidings.inbox.items import Held, held
from tidings.inbox.reach import EVERYTHING, reach_of
from tidings.model import (
    RAISES,
    READ,
    Action,
    Audience,
    Cursor,
    Level,
    LiveAlert,
    OperationKind,
    Outcome,
    Reach,
    Reader,
    ReaderKind,
    Selection,
    Turn,
    Window,
)
from tidings.storage.lines import StreamSweep
from tidings.storage.readers import Mark
from tidings.storage.store import Store
from tidings.storage.streams import Place
from tidings.storage.windows import StreamCount, Top

MOST_AT_ONCE = 1000
UNDO_WINDOW = timedelta(minutes=10)
NOTHING = Outcome(operation=None, changed=0, updated=0)


async def begin(store: Store, reader: Reader) -> Turn:
    """Lock the reader and take a turn. Raises UserNotFound."""
    turn = await store.readers.lock(reader)
    if turn is None:
        raise UserNotFound
    return turn


# --- by selection ------------------------------------------------------------------------------------------


async def mark_all(
    store: Store,
    reader: Reader,
    action: Action,
    selection: Selection = EVERYTHING,
    *,
    up_to: UUID | None = None,
    live_of: UUID | None = None,
) -> Outcome:
    """Raise everything in the selection, up to a notification in feed order if one is named.

    One sweep in each lane in which it changes something, however many notifications that is. A dismissal
    takes the live alerts of the business `live_of` with it, if the reader reads that. Raises ScopeIncomplete,
    ScopeForbidden, NotificationNotFound (of `up_to`), InvalidInput (of `action`).
    """
    if action not in RAISES:
        raise InvalidInput(f"{action.value!r} takes ids, not a selection.")
    level = RAISES[action]
    turn = await begin(store, reader)
    reach = await reach_of(store, reader, selection, at=turn.at)
    tops = await _tops(store, reach, up_to)
    streams = await store.windows.streams(reach, Window(below=level), tops)
    live = await _live(store, reader, action, selection, live_of)
    if not streams and not live:
        return NOTHING
    sweeps = _sweeps(streams)
    if level is Level.DELETED:
        await _erase_swept(store, turn, sweeps, turn.at + UNDO_WINDOW)
    await store.lines.sweep(turn, level, sweeps)
    await _dismiss_alerts(store, turn, live, by_filter=True)
    await store.readers.finish(turn, undoable=True)
    return Outcome(
        operation=turn.op,
        changed=sum(one.matching for one in streams) + len(live),
        updated=sum(one.unresolved for one in streams) + len(live),
    )


async def _live(
    store: Store, reader: Reader, action: Action, selection: Selection, live_of: UUID | None
) -> list[LiveAlert]:
    """The live alerts that a bulk operation dismisses."""
    if action is not Action.DISMISS or live_of is None:
        return []
    return await alerts.standing(store, reader, live_of, selection)


async def _tops(store: Store, reach: Reach, up_to: UUID | None) -> list[Top] | None:
    if up_to is None:
        return None
    found = await held(store, await reach_of(store, reach.reader, at=reach.at), [up_to])
    if not found:
        raise NotificationNotFound
    notification = found[0].item.notification
    return await store.feed.tops(reach, Cursor(created_at=notification.created_at, id=notification.id))


async def clear_read(store: Store, reader: Reader, selection: Selection = EVERYTHING) -> Outcome:
    """Delete everything read (or dismissed) in the selection, for good: there is no undo, of this or before.

    In each lane one sweep up to the read line; what is unread below the line is re-based, so that it
    survives, and what is read above it gets a raise of its own.
    """
    turn = await begin(store, reader)
    reach = await reach_of(store, reader, selection, at=turn.at)
    streams = await store.windows.streams(reach, READ)
    if not streams:
        return NOTHING
    exceptions = await held(store, reach, await store.windows.marked(reach, READ))
    lines = {
        (one.stream_id, lane): last for one in streams for lane, last in zip(one.lanes, one.last, strict=True)
    }
    marks = [mark for one in exceptions if (mark := _cleared(one, lines, turn)) is not None]
    await store.readers.put_marks(reader.id, marks)
    sweeps = _sweeps(streams)
    await _erase_swept(store, turn, sweeps, turn.at)
    await store.lines.sweep(turn, Level.DELETED, sweeps)
    await store.readers.record(turn, OperationKind.CLEARED, [_target(mark) for mark in marks])
    await store.readers.finish(turn, marks=len(marks), seals=True)
    await _erase_marked(store, turn, [mark for mark in marks if mark.deleted_op == turn.op], turn.at)
    return Outcome(
        operation=turn.op,
        changed=sum(one.matching for one in streams),
        updated=sum(one.unresolved for one in streams),
    )


def _sweeps(streams: Sequence[StreamCount]) -> list[StreamSweep]:
    """The sweeps of those lanes in which something of the window is at or below its end."""
    sweeps: list[StreamSweep] = []
    for one in streams:
        lanes, upto = one.lanes, one.last
        if not all(one.within):
            lanes, upto = list(compress(lanes, one.within)), list(compress(upto, one.within))
        if lanes:
            sweeps.append(StreamSweep(one.stream_id, lanes, upto, one.newest_at))
    return sweeps


def _cleared(one: Held, lines: dict[tuple[UUID, int], int], turn: Turn) -> Mark | None:
    """What becomes of a marked notification when its lane is swept up to the read line."""
    mark = one.mark
    line = lines.get((mark.stream_id, mark.lane))
    if line is None or one.state.snoozed_until is not None:
        return None  # nothing is swept here; or a sweep made while a snooze runs does not count for it
    if mark.position <= line:
        return state.rebased(mark, one.item, turn.op) if one.state.level < Level.READ else None
    return state.own_raise(mark, Level.DELETED, turn.op, turn.at) if one.state.level >= Level.READ else None


# --- by ids ------------------------------------------------------------------------------------------------


async def mark(
    store: Store,
    reader: Reader,
    action: Action,
    ids: Sequence[UUID],
    *,
    until: datetime | None = None,
    selection: Selection = EVERYTHING,
    final: bool = False,
) -> Outcome:
    """Do `action` to the notifications named; those that the selection does not show are passed over.

    `until` is the end of a snooze. What is `final` no undo takes back. Raises TooMany, InvalidInput.
    """
    if len(ids) > MOST_AT_ONCE:
        raise TooMany(f"At most {MOST_AT_ONCE} ids at once, not {len(ids)}.", most=MOST_AT_ONCE)
    turn = await begin(store, reader)
    if action is Action.SNOOZE and (until is None or until <= turn.at):
        raise InvalidInput("A snooze must end in the future.")
    reach = await reach_of(store, reader, selection, at=turn.at)
    found = await held(store, reach, sorted(set(ids)))
    if action is Action.RESOLVE:
        return await _resolve(store, turn, reach, found)
    changed = [(one, mark) for one in found if (mark := _changed(action, one, turn, until)) is not None]
    if not changed:
        return NOTHING
    marks = [mark for _, mark in changed]
    await store.readers.put_marks(reader.id, marks)
    undoable = action in RAISES and not final
    level = RAISES[action] if undoable else None
    await store.readers.record(turn, OperationKind.MARKED, [_target(mark) for mark in marks], level=level)
    await store.readers.finish(turn, marks=len(marks), undoable=undoable)
    if action is Action.DELETE:
        await _erase_marked(store, turn, marks, turn.at if final else turn.at + UNDO_WINDOW)
    return _outcome(turn, [one for one, _ in changed])


def _changed(action: Action, one: Held, turn: Turn, until: datetime | None) -> Mark | None:
    if action in RAISES:
        return state.raised(one.mark, one.state, RAISES[action], turn.op, turn.at)
    if action is Action.PIN:
        return None if one.state.pinned else state.pinned(one.mark, turn.at)
    if action is Action.UNPIN:
        return state.pinned(one.mark, None) if one.state.pinned else None
    return state.lowered(action, one.mark, one.item, turn.op, turn.at, until)


async def _resolve(store: Store, turn: Turn, reach: Reach, found: Sequence[Held]) -> Outcome:
    """Settle for all who read them. Everyone's are not a member's to settle; companies know no resolve."""
    if turn.reader.kind is ReaderKind.COMPANY:
        return NOTHING
    mine = [
        one
        for one in found
        if one.item.notification.resolved_at is None
        and reach.streams[one.mark.stream_id] is not Audience.EVERYONE
    ]
    if not mine:
        return NOTHING
    places = [_place(one.mark) for one in mine]
    await store.streams.resolve(places, turn.reader.id, turn.at)
    await store.readers.record(turn, OperationKind.NOTHING)  # the streams tell it, to all who read them
    await store.readers.finish(turn)
    return _outcome(turn, mine)


def _target(mark: Mark) -> tuple[UUID, int, int, UUID]:
    return (*mark.key, mark.id)


def _place(mark: Mark) -> Place:
    return Place(
        stream_id=mark.stream_id,
        lane=mark.lane,
        position=mark.position,
        id=mark.id,
        created_at=mark.created_at,
    )


def _outcome(turn: Turn, changed: Sequence[Held]) -> Outcome:
    unresolved = sum(one.item.notification.resolved_at is None for one in changed)
    return Outcome(operation=turn.op, changed=len(changed), updated=unresolved)


# --- live alerts -------------------------------------------------------------------------------------------


async def dismiss_alert(
    store: Store, reader: Reader, alert_id: str, *, first: UUID, elsewhere: bool = True
) -> Outcome:
    """Dismiss the episode of the live alert that `alerts.find` finds. Raises AlertNotFound."""
    turn = await begin(store, reader)
    found = await alerts.find(store, reader, alert_id, first=first, elsewhere=elsewhere)
    if found.dismissed_at is not None:
        return NOTHING
    await _dismiss_alerts(store, turn, [found], by_filter=False)
    await store.readers.finish(turn, undoable=True)
    return Outcome(operation=turn.op, changed=1, updated=1)


async def _dismiss_alerts(store: Store, turn: Turn, live: Sequence[LiveAlert], *, by_filter: bool) -> None:
    """Write the dismissals; those that no undo can reach, of episodes that have ended, go."""
    if not live:
        return
    await store.alerts.dismiss(turn, [one.alert for one in live], by_filter=by_filter)
    targets = [(one.alert.business_id, one.alert.id) for one in live]
    await store.readers.record(turn, OperationKind.ALERTS, targets)
    businesses = {one.alert.business_id for one in live}
    await store.alerts.forget_ended(turn.reader.id, businesses, turn.at - UNDO_WINDOW)


# --- erasing -----------------------------------------------------------------------------------------------
# Content is erased in a user's own stream alone, which nobody else reads, and once no undo can bring it back.


async def _erase_swept(store: Store, turn: Turn, sweeps: Sequence[StreamSweep], due_at: datetime) -> None:
    """Before the sweeps are made: what an earlier one deleted is erased or planned already."""
    for one in sweeps:
        if one.stream_id == turn.reader.id:
            before = await store.lines.deleted(turn.reader.id, one.stream_id)
            ranges = [
                (lane, before.get(lane, 0) + 1, upto) for lane, upto in zip(one.lanes, one.upto, strict=True)
            ]
            await _plan_erasure(store, turn, ranges, due_at)


async def _erase_marked(store: Store, turn: Turn, marks: Sequence[Mark], due_at: datetime) -> None:
    ranges = [(mark.lane, mark.position, mark.position) for mark in marks if mark.stream_id == turn.reader.id]
    await _plan_erasure(store, turn, ranges, due_at)


async def _plan_erasure(
    store: Store, turn: Turn, ranges: Sequence[tuple[int, int, int]], due_at: datetime
) -> None:
    if turn.reader.kind is ReaderKind.USER:
        await store.upkeep.plan_erasure(turn.reader.id, ranges, due_at)

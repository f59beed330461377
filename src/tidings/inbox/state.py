"""The rules of a reader's state, as functions of values.

State is a base and the raises made since. The base is new, or what the reader's last lowering set; the
raises are the mark's own, by id, and the sweeps that count for it. The level is the highest of them; each
time is the earliest among what reaches that level.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from tidings.model import Action, Item, Level, Notification
from tidings.storage.readers import Mark, Standing

_OWN = {Level.SEEN: "seen", Level.READ: "read", Level.DISMISSED: "dismissed", Level.DELETED: "deleted"}
_NO_RAISES = {f"{name}_{part}": None for name in _OWN.values() for part in ("op", "at")} | {
    "raised": Level.NEW
}


@dataclass(frozen=True, kw_only=True)
class State:
    """What is true of one notification for one reader."""

    level: Level
    seen_at: datetime | None
    read_at: datetime | None
    dismissed_at: datetime | None
    snoozed_until: datetime | None  # only while it runs
    pinned: bool


def state_of(standing: Standing, now: datetime) -> State:
    """The state that follows from a mark and the sweeps that count for it."""
    mark, swept = standing.mark, standing.swept
    if mark is None:
        return State(
            level=swept.level,
            seen_at=swept.seen_at,
            read_at=swept.read_at,
            dismissed_at=swept.dismissed_at,
            snoozed_until=None,
            pinned=False,
        )
    running = mark.snoozed_until is not None and mark.snoozed_until > now
    return State(
        level=max(mark.base, mark.raised, swept.level),
        seen_at=_earliest(
            mark.base_seen_at, mark.seen_at, mark.read_at, mark.dismissed_at, mark.deleted_at, swept.seen_at
        ),
        read_at=_earliest(mark.base_read_at, mark.read_at, mark.dismissed_at, mark.deleted_at, swept.read_at),
        dismissed_at=_earliest(
            mark.base_dismissed_at, mark.dismissed_at, mark.deleted_at, swept.dismissed_at
        ),
        snoozed_until=mark.snoozed_until if running else None,
        pinned=mark.pinned_at is not None,
    )


def _earliest(*times: datetime | None) -> datetime | None:
    return min((time for time in times if time is not None), default=None)


def item_of(notification: Notification, state: State) -> Item:
    """A notification as the reader with this state has it."""
    return Item(
        notification=notification,
        level=state.level,
        seen_at=state.seen_at,
        read_at=state.read_at,
        dismissed_at=state.dismissed_at,
        snoozed_until=state.snoozed_until,
        pinned=state.pinned,
    )


# --- raises ------------------------------------------------------------------------------------------------


def raised(mark: Mark, state: State, level: Level, op: int, at: datetime) -> Mark | None:
    """The mark after a raise by id; None where the level is held already. It ends a running snooze first."""
    if state.snoozed_until is not None:
        mark = _lowered(mark, Level.NEW, op)
    elif state.level >= level:
        return None
    return own_raise(mark, level, op, at)


def own_raise(mark: Mark, level: Level, op: int, at: datetime) -> Mark:
    """The mark with a raise of its own; `since` stays, for raises never renew it."""
    name = _OWN[level]
    return replace(mark, **{f"{name}_op": op, f"{name}_at": at}, raised=max(mark.raised, level))


def without_raise(mark: Mark, op: int) -> Mark:
    """The mark without the raises that operation `op` made."""
    for name in _OWN.values():
        if getattr(mark, f"{name}_op") == op:
            mark = replace(mark, **{f"{name}_op": None, f"{name}_at": None})
    held = [level for level, name in _OWN.items() if getattr(mark, f"{name}_op") is not None]
    return replace(mark, raised=max(held, default=Level.NEW))


# --- lowerings ---------------------------------------------------------------------------------------------


def lowered(
    action: Action, mark: Mark, item: Item, op: int, at: datetime, until: datetime | None
) -> Mark | None:
    """The mark after unread, restore, refresh, snooze or unsnooze; None where the action changes nothing."""
    state, running = item, item.snoozed_until is not None
    if action is Action.UNREAD and Level.READ <= state.level < Level.DELETED:
        return _lowered(mark, Level.SEEN, op, seen_at=state.seen_at)
    if action is Action.RESTORE and state.level == Level.DISMISSED:
        return _lowered(mark, Level.READ, op, seen_at=state.seen_at, read_at=state.read_at)
    if action is Action.REFRESH and Level.READ <= state.level < Level.DELETED:
        return _lowered(
            mark,
            state.level,
            op,
            seen_at=state.seen_at,
            read_at=at,
            dismissed_at=state.dismissed_at,
            snoozed_until=mark.snoozed_until,
        )
    resolved = item.notification.resolved_at is not None
    if action is Action.SNOOZE and state.level < Level.DISMISSED and not resolved and not running:
        return _lowered(mark, Level.NEW, op, snoozed_until=until)
    if action is Action.UNSNOOZE and running:
        return _lowered(mark, Level.NEW, op)
    return None


def rebased(mark: Mark, item: Item, op: int) -> Mark:
    """The mark with its state as its base: what was made before `op`, and `op` itself, no longer counts."""
    return _lowered(
        mark,
        item.level,
        op,
        seen_at=item.seen_at,
        read_at=item.read_at,
        dismissed_at=item.dismissed_at,
        snoozed_until=mark.snoozed_until,
    )


def _lowered(
    mark: Mark,
    base: Level,
    op: int,
    *,
    seen_at: datetime | None = None,
    read_at: datetime | None = None,
    dismissed_at: datetime | None = None,
    snoozed_until: datetime | None = None,
) -> Mark:
    return replace(
        mark,
        base=base,
        base_seen_at=seen_at,
        base_read_at=read_at,
        base_dismissed_at=dismissed_at,
        since=op,
        snoozed_until=snoozed_until,
        **_NO_RAISES,
    )


def pinned(mark: Mark, at: datetime | None) -> Mark:
    """The mark with the pin set (`at`) or taken away (None); nothing else of it moves."""
    return replace(mark, pinned_at=at)

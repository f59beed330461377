"""Sending later: what is accepted now and appended at its time.

Whoever appends or calls off what waits holds the lock of its stream, and looks again under it: so each is
sent once, however many processes find it due.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from tidings.errors import (
    InvalidInput,
    NotificationNotFound,
    ScheduleNotFound,
    TidingsError,
    UnknownRecipient,
)
from tidings.ids import uuid7
from tidings.inbox.append import append, check_events, check_number, check_recipients, withdraw
from tidings.model import Draft, Scheduled, ScheduledState, Severity
from tidings.storage.engine import Database
from tidings.storage.failures import REFUSALS, is_failure
from tidings.storage.store import Store

FURTHEST = timedelta(days=366)
KEPT = timedelta(days=7)
"""How long it can be asked what became of it."""

_AT_ONCE = 100
_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


async def send(store: Store, drafts: Sequence[Draft]) -> list[UUID]:
    """Append what is for now, keep what is for later, all or nothing.

    The ids are in the order of the drafts, and those of the later ones are of what waits. Raises what append
    raises, and InvalidInput for a time more than a year ahead.
    """
    if not any(draft.send_at for draft in drafts):
        return await append(store, drafts)
    check_number(drafts)
    now = await store.now()
    later = [draft.send_at is not None and draft.send_at > now for draft in drafts]
    appended = iter(await append(store, [one for one, waits in zip(drafts, later, strict=True) if not waits]))
    kept = iter(await _keep(store, [one for one, waits in zip(drafts, later, strict=True) if waits], now))
    return [next(kept if waits else appended) for waits in later]


async def _keep(store: Store, drafts: Sequence[Draft], now: datetime) -> list[UUID]:
    """Check all that can be checked before its time, and keep it."""
    await check_events(store, drafts)
    await check_recipients(store, drafts)
    rows: list[Scheduled] = []
    for draft in drafts:
        send_at = draft.send_at or now
        if send_at > now + FURTHEST:
            raise InvalidInput("send_at must lie within a year.", field="send_at")
        if draft.expires_at and draft.expires_at <= send_at:
            raise InvalidInput("expires_at must lie after send_at.", field="expires_at")
        id_ = uuid7(now, above=rows[-1].id if rows else None)
        rows.append(Scheduled(id=id_, to=draft.to, send_at=send_at, draft=_written(draft), created_at=now))
    await store.scheduled.add(rows)
    return [row.id for row in rows]


async def find(store: Store, scheduled_id: UUID) -> Scheduled:
    """What was to be sent later under this id. Raises ScheduleNotFound."""
    if (found := await store.scheduled.find(scheduled_id)) is None:
        raise ScheduleNotFound
    return found


async def take_back(store: Store, id_: UUID) -> None:
    """Withdraw a notification, or call off what is to become one. Raises NotificationNotFound."""
    if (found := await store.scheduled.find(id_)) is None:
        await withdraw(store, id_)
        return
    await store.streams.lock([found.to])
    found = await store.scheduled.find(id_)
    if found is None or found.state in (ScheduledState.CALLED_OFF, ScheduledState.REFUSED):
        raise NotificationNotFound
    if found.notification_id is not None:
        await withdraw(store, found.notification_id)
    else:
        await store.scheduled.finish([replace(found, finished_at=await store.now())])


# --- when its time has come --------------------------------------------------------------------------------


async def send_due(database: Database) -> timedelta | None:
    """Append all that is due; how long it is until the next, None where nothing waits."""
    while True:
        async with database.read() as store:
            now = await store.now()
            due = await store.scheduled.due(now, _AT_ONCE)
            next_at = None if due else await store.scheduled.next_at()
        if due:
            await _send_group(database, due)
        else:
            return None if next_at is None else next_at - now


async def _send_group(database: Database, due: Sequence[Scheduled]) -> None:
    """All of it in one transaction; where something is refused each half by itself."""
    try:
        async with database.begin() as store:
            await _append(store, due)
    except Exception as error:
        if is_failure(error) and not isinstance(error, REFUSALS):
            raise  # the database's: nobody's draft is at fault, and all will be tried again
        if len(due) > 1:
            await _send_group(database, due[: len(due) // 2])
            await _send_group(database, due[len(due) // 2 :])
            return
        await _refuse(database, due[0], error)


async def _append(store: Store, due: Sequence[Scheduled]) -> None:
    tails, now = await store.streams.lock(one.to for one in due)
    if not tails:
        raise UnknownRecipient
    waiting = await store.scheduled.waiting(tails, [one.id for one in due])
    mine = [one for one in due if one.id in waiting]
    if not mine:
        return
    ids = await append(store, [_read(one) for one in mine])
    done = [replace(one, finished_at=now, notification_id=id_) for one, id_ in zip(mine, ids, strict=True)]
    await store.scheduled.finish(done)


async def _refuse(database: Database, one: Scheduled, error: Exception) -> None:
    """Keep why it was not sent."""
    if isinstance(error, TidingsError):
        refusal = f"{error.code}: {error.message}"
    else:
        _log.error("what was due could not be sent", scheduled_id=str(one.id), exc_info=error)
        refusal = "internal: It could not be sent; the log says why."
    async with database.begin() as store:
        await store.streams.lock([one.to])
        if await store.scheduled.waiting([one.to.id], [one.id]):
            await store.scheduled.finish([replace(one, finished_at=await store.now(), refusal=refusal)])


async def forget(store: Store, limit: int) -> int:
    """Remove some of what was finished so long ago that nobody can ask for it; how many these were."""
    return await store.scheduled.forget(await store.now() - KEPT, limit)


# --- how it is kept ----------------------------------------------------------------------------------------


def _written(draft: Draft) -> dict[str, Any]:
    return {
        "event": draft.event,
        "title": draft.title,
        "severity": draft.severity,
        "body": draft.body,
        "data": dict(draft.data),
        "actions": list(draft.actions),
        "collapse_key": draft.collapse_key,
        "occurred_at": draft.occurred_at and draft.occurred_at.isoformat(),
        "expires_at": draft.expires_at and draft.expires_at.isoformat(),
    }


def _read(one: Scheduled) -> Draft:
    kept: Mapping[str, Any] = one.draft
    return Draft(
        to=one.to,
        event=kept["event"],
        title=kept["title"],
        severity=kept["severity"] and Severity(kept["severity"]),
        body=kept["body"],
        data=kept["data"],
        actions=kept["actions"],
        collapse_key=kept["collapse_key"],
        occurred_at=_time(kept["occurred_at"]),
        expires_at=_time(kept["expires_at"]),
    )


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

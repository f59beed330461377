"""Live alerts: conditions of a business that its backend computes, raises and clears.

They are no notifications: they stand in no stream and in no count, and all that a reader can do to one is to
dismiss it (see operations). That is personal, and of the episode: who raises the alert again after it cleared
shows it to everybody again. An alert is of no event and no topic; its kind is taken for them where some are
named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from tidings.errors import AlertNotFound, NotFound
from tidings.ids import uuid7
from tidings.inbox.reach import EVERYTHING
from tidings.model import (
    Alert,
    Audience,
    ChangeKind,
    LiveAlert,
    Reach,
    Reader,
    ReaderKind,
    Selection,
    Severity,
)
from tidings.storage.store import Store

LONGEST_ID = 255  # characters


# --- what the backend says ---------------------------------------------------------------------------------


async def raise_alert(
    store: Store,
    business_id: UUID,
    alert_id: str,
    *,
    kind: str,
    severity: Severity,
    title: str,
    body: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> tuple[Alert, bool]:
    """Raise an alert, or change what it says while it is raised; and whether that began an episode.

    A change leaves the episode, its time, and who dismissed it. Raises NotFound for an unknown business.
    """
    await _known(store, business_id)
    now = await store.now()
    new = Alert(
        id=alert_id,
        business_id=business_id,
        episode=uuid7(now),
        kind=kind,
        severity=severity,
        title=title,
        body=body,
        data=data or {},
        raised_at=now,
        updated_at=now,
    )
    counted = await store.streams.count_changes({business_id: 1})
    there = await store.alerts.put(new)
    await store.streams.note_changes(ChangeKind.ALERT, [(business_id, alert_id)], now, counted)
    return there, there.episode == new.episode


async def clear(store: Store, business_id: UUID, alert_id: str) -> None:
    """End the alert's episode, for everybody. Raises NotFound for an unknown business, AlertNotFound."""
    await _known(store, business_id)
    counted = await store.streams.count_changes({business_id: 1})
    if not await store.alerts.clear(business_id, alert_id):
        raise AlertNotFound
    now = await store.now()
    await store.streams.note_changes(ChangeKind.ALERT_CLEARED, [(business_id, alert_id)], now, counted)


async def _known(store: Store, business_id: UUID) -> None:
    if await store.accounts.business(business_id) is None:
        raise NotFound(f"There is no business {business_id}.")


# --- what a reader has -------------------------------------------------------------------------------------


async def standing(
    store: Store, reader: Reader, business_id: UUID, selection: Selection = EVERYTHING
) -> list[LiveAlert]:
    """What the business has raised and the reader has not dismissed, newest first.

    Of the selection only severities and topics matter, not the scope. Nothing, where the reader does not read
    the business: the same whether or not it exists.
    """
    if business_id not in await _businesses(store, reader):
        return []
    held = await store.alerts.held(reader.id, [business_id])
    return [one for one in held if one.dismissed_at is None and _means(selection, one.alert)]


async def standing_anywhere(store: Store, reader: Reader) -> list[LiveAlert]:
    """The same of all businesses that the reader reads."""
    held = await store.alerts.held(reader.id, await _businesses(store, reader))
    return [one for one in held if one.dismissed_at is None]


async def find(
    store: Store, reader: Reader, alert_id: str, *, first: UUID, elsewhere: bool = True
) -> LiveAlert:
    """The alert of this id, dismissed or not: of the business `first`, else of another one that is read.

    Where several others have it, that is the newest; not `elsewhere`, none of them is meant. Raises
    AlertNotFound.
    """
    held: list[LiveAlert] = []
    if _can_be(alert_id):
        read = await _businesses(store, reader)
        meant = read if elsewhere else [business_id for business_id in read if business_id == first]
        held = await store.alerts.held(reader.id, meant, alert_id)
    if not held:
        raise AlertNotFound
    return next((one for one in held if one.alert.business_id == first), held[0])


def _can_be(alert_id: str) -> bool:
    """Whether the text can be an id at all: PostgreSQL can be asked about no other."""
    storable = alert_id.encode(errors="ignore").decode() == alert_id and "\0" not in alert_id
    return storable and len(alert_id) <= LONGEST_ID


async def come_back(store: Store, reach: Reach, episodes: Mapping[UUID, UUID]) -> int:
    """How many of these episodes (episode → its business) the reader has again: those that still last."""
    held = await store.alerts.held(reach.reader.id, reach.streams.keys() & set(episodes.values()))
    return sum(one.alert.episode in episodes for one in held)


async def _businesses(store: Store, reader: Reader) -> Sequence[UUID]:
    if reader.kind is ReaderKind.COMPANY:
        return [reader.id]
    joined = await store.accounts.memberships(reader.id)
    return [stream_id for stream_id, audience in joined.items() if audience is Audience.BUSINESS]


def _means(selection: Selection, alert: Alert) -> bool:
    if selection.severities and alert.severity not in selection.severities:
        return False
    return all(not named or alert.kind in named for named in (selection.topics, selection.events))

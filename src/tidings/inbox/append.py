"""Writing to streams."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from tidings.errors import InvalidInput, NotificationNotFound, TooMany, UnknownEvent, UnknownRecipient
from tidings.ids import uuid7
from tidings.inbox.leaving import jobs_of
from tidings.model import Draft, Event, lane_number
from tidings.storage.store import Store
from tidings.storage.streams import Place, Tail, new_lane

MOST_AT_ONCE = 1000
_Row = dict[str, Any]


async def append(store: Store, drafts: Sequence[Draft]) -> list[UUID]:
    """Append to streams, all or nothing; the ids, in the order of the drafts.

    The streams are locked in the order of their ids, then their lanes, and under these locks everything takes
    its place: so the order in a stream is the order of commits, and nothing can appear below what was shown.
    Raises TooMany, UnknownEvent, UnknownRecipient, InvalidInput for a draft that has expired already.
    """
    check_number(drafts)
    if not drafts:
        return []
    events = await check_events(store, drafts)
    tails, now = await store.streams.lock(draft.to for draft in drafts)
    if any(draft.to.id not in tails for draft in drafts):
        await check_recipients(store, drafts)
    for draft in drafts:
        if draft.expires_at and draft.expires_at <= now:
            raise InvalidInput("expires_at must lie ahead.", field="expires_at")
    rows = _placed(drafts, events, tails, now)
    replaced = await _replaced(store, rows)
    heads = await store.streams.advance(_lanes(rows, replaced))
    _number_lanes(rows, heads)
    collapsed = [*replaced, *_collapsed(rows)]
    before = {stream_id: tail.changes for stream_id, tail in tails.items()}
    for stream_id, more in Counter(place.stream_id for place in collapsed).items():
        tails[stream_id] = replace(tails[stream_id], changes=before[stream_id] + more)
    await store.streams.append(rows)
    await store.streams.set_tails(tails)
    await store.streams.end(collapsed, now, before)
    if store.channels:
        await store.jobs.add(jobs_of(drafts, [row["id"] for row in rows], events, store.channels, now))
    return [row["id"] for row in rows]


async def withdraw(store: Store, notification_id: UUID) -> None:
    """Take a notification away from everybody. Raises NotificationNotFound where it is gone already."""
    places = await store.streams.places([notification_id])
    now = await store.now()
    if not places or await store.streams.gone(places[0], now):
        raise NotificationNotFound
    await store.streams.end(places, now)


def check_number(drafts: Sequence[Draft]) -> None:
    """Raises TooMany."""
    if len(drafts) > MOST_AT_ONCE:
        raise TooMany(f"At most {MOST_AT_ONCE} notifications at once, not {len(drafts)}.", most=MOST_AT_ONCE)


async def check_recipients(store: Store, drafts: Sequence[Draft]) -> None:
    """Raises UnknownRecipient where one of them has no stream."""
    if absent := await store.streams.missing(draft.to for draft in drafts):
        one = absent[0]
        raise UnknownRecipient(f"There is no {one.audience} {one.id}.", recipient=str(one.id))


async def check_events(store: Store, drafts: Sequence[Draft]) -> Mapping[str, Event]:
    """The events of the drafts by their keys. Raises UnknownEvent."""
    events = await store.catalog.events({draft.event for draft in drafts})
    for draft in drafts:
        if draft.event not in events:
            raise UnknownEvent(f"There is no event {draft.event!r} in the catalog.", event=draft.event)
    return events


def _placed(
    drafts: Sequence[Draft], events: Mapping[str, Event], tails: dict[UUID, Tail], now: datetime
) -> list[_Row]:
    """One row for each draft, with what it takes under its stream's lock: seq, time and id; moves `tails`."""
    rows: list[_Row] = []
    for draft in drafts:
        tail, event = tails[draft.to.id], events[draft.event]
        created_at = max(now, tail.last_at) if tail.last_at else now
        row = _row(draft, event) | {
            "seq": tail.head + 1,
            "created_at": created_at,
            "id": uuid7(created_at, above=tail.last_id),
        }
        tails[draft.to.id] = replace(tail, head=row["seq"], last_at=created_at, last_id=row["id"])
        rows.append(row)
    return rows


def _row(draft: Draft, event: Event) -> _Row:
    return {
        "stream_id": draft.to.id,
        "lane": lane_number(event.number, draft.severity or event.severity),
        "title": draft.title,
        "body": draft.body,
        "data": dict(draft.data),
        "actions": list(draft.actions),
        "collapse_key": draft.collapse_key,
        "occurred_at": draft.occurred_at,
        "expires_at": draft.expires_at,
    }


def _lanes(rows: Sequence[_Row], replaced: Sequence[Place]) -> list[_Row]:
    """What is added to each lane; nothing to that of what is replaced, which is to be held as well."""
    lanes = {
        (one.stream_id, one.lane): new_lane(one.stream_id, one.lane, last_at=one.created_at)
        for one in replaced
    }
    for row in rows:
        key = row["stream_id"], row["lane"]
        added = lanes.setdefault(key, new_lane(*key, last_at=row["created_at"]))
        added["head"] += 1
        added["last_at"] = row["created_at"]
    return list(lanes.values())


def _number_lanes(rows: Sequence[_Row], heads: Mapping[tuple[UUID, int], int]) -> None:
    position = dict(heads)
    for row in rows:
        key = row["stream_id"], row["lane"]
        position[key] += 1
        row["position"] = position[key]


async def _replaced(store: Store, rows: Sequence[_Row]) -> list[Place]:
    """The latest that stood before of each of the rows' collapse keys."""
    keys = {(row["stream_id"], row["collapse_key"]) for row in rows if row["collapse_key"] is not None}
    return await store.streams.latest_collapsed(sorted(keys))


def _collapsed(rows: Sequence[_Row]) -> list[Place]:
    """Those of the rows that a later one of them replaces."""
    newest: dict[tuple[UUID, str], Place] = {}
    collapsed: list[Place] = []
    for row in rows:
        if row["collapse_key"] is None:
            continue
        key = row["stream_id"], row["collapse_key"]
        if key in newest:
            collapsed.append(newest[key])
        newest[key] = Place(
            **{name: row[name] for name in ("stream_id", "lane", "position", "id", "created_at")}
        )
    return collapsed

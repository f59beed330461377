"""Lists: pages by keyset with any filter, one item, and the numbered pages that one contract asks for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from tidings.errors import NotificationNotFound
from tidings.inbox.items import held
from tidings.inbox.search import has_words
from tidings.model import Cursor, Item, Page, Reach, View, Window
from tidings.storage.feed import Found, Range
from tidings.storage.store import Store

_MOST_LANES_AT_ONCE = 64
_MOST_AT_ONCE = 1000
_FIRST_SEARCHED = 200
_SPARE = 8
"""Candidates more than are wanted, for a few are gone: to look a second time costs as much as the first."""
MOST_SEARCHED = 5000
"""So many notifications a page with words is looked for in; then it ends, full or not."""

Source = Callable[[Cursor | None, int], Awaitable[Sequence[Found]]]
"""The newest candidates that come after a place in the feed, at most so many, newest first."""


async def find(store: Store, reach: Reach, notification_id: UUID) -> Item:
    """One item. Raises NotificationNotFound where it is not there for this reader."""
    found = await held(store, reach, [notification_id])
    if not found:
        raise NotificationNotFound
    return found[0].item


async def page(
    store: Store, reach: Reach, view: View, *, after: Cursor | None = None, limit: int = 50
) -> Page:
    """The newest items that come after the place `after`; `next` is None where none follow.

    Where the view names words, MOST_SEARCHED are looked at and the page may have fewer than `limit`, though
    more follow: `next` is then where the search goes on.
    """
    shown: list[Item] = []
    if view.pinned_first and (after is None or after.pinned):
        source = _pinned(store, reach)
        shown, stopped = await _collect(store, reach, view, source, after, limit + 1, pinned=True)
        if stopped:
            return Page(items=shown, next=stopped)
        after = None
    if len(shown) <= limit:
        pinned = False if view.pinned_first else None
        source, want = _newest(store, reach, view), limit + 1 - len(shown)
        others, stopped = await _collect(store, reach, view, source, after, want, pinned=pinned)
        shown += others
        if stopped:
            return Page(items=shown, next=stopped)
    follow = len(shown) > limit
    return Page(items=shown[:limit], next=_place(shown[limit - 1], view) if follow else None)


async def numbered_page(
    store: Store, reach: Reach, view: View, *, page: int, limit: int
) -> tuple[list[Item], int]:
    """Page `page` (from 1) of `limit` items, and how many items there are on all pages.

    The view may not name words or a time, which a count does not know.
    """
    total = 0
    for window in view.windows:
        everything, unresolved = await store.windows.total(reach, window)
        total += everything if view.by_level else unresolved
    skip = (page - 1) * limit
    if skip >= total:
        return [], total
    source = _newest(store, reach, view)
    after: Cursor | None = None
    while skip:
        passed, _ = await _collect(store, reach, view, source, after, min(skip, _MOST_AT_ONCE), pinned=None)
        if not passed:
            return [], total
        skip -= len(passed)
        after = _place(passed[-1], view)
    return (await _collect(store, reach, view, source, after, limit, pinned=None)).items, total


def _place(item: Item, view: View) -> Cursor:
    pinned = view.pinned_first and item.pinned
    return Cursor(created_at=item.notification.created_at, id=item.id, pinned=pinned)


class _Collected(NamedTuple):
    items: list[Item]
    stopped: Cursor | None  # where a search for words ended, though more may follow


async def _collect(
    store: Store,
    reach: Reach,
    view: View,
    source: Source,
    after: Cursor | None,
    want: int,
    *,
    pinned: bool | None,
) -> _Collected:
    """The first `want` candidates that the view shows; with `pinned`, only those pinned or not pinned."""
    shown: list[Item] = []
    looked_at, size = 0, max(want + _SPARE, _FIRST_SEARCHED) if view.words else want + _SPARE
    while True:
        candidates = await source(after, size)
        ids = [one.id for one in candidates if view.since is None or one.created_at >= view.since]
        for some in (ids[:want], ids[want:]):
            if len(shown) < want:
                shown += [
                    item for item in await _shown(store, reach, view, some) if pinned in (None, item.pinned)
                ]
        if len(shown) >= want or len(candidates) < size or len(ids) < len(candidates):
            return _Collected(shown[:want], None)
        after = Cursor(created_at=candidates[-1].created_at, id=candidates[-1].id)
        looked_at += len(candidates)
        if view.words and looked_at >= MOST_SEARCHED:
            return _Collected(shown, replace(after, pinned=bool(pinned)))
        size = min(2 * size, _MOST_AT_ONCE)


async def _shown(store: Store, reach: Reach, view: View, ids: Sequence[UUID]) -> list[Item]:
    """Those that the view shows, in the order of the ids."""
    there = {one.item.id: one.item for one in await held(store, reach, ids)}
    items = [there[id_] for id_ in ids if id_ in there]
    return [item for item in items if view.shows(item) and has_words(item.notification, view.words)]


def _pinned(store: Store, reach: Reach) -> Source:
    async def source(after: Cursor | None, limit: int) -> Sequence[Found]:
        return await store.feed.pinned(reach, after, limit)

    return source


def _newest(store: Store, reach: Reach, view: View) -> Source:
    """Candidates from everywhere that the view may show something of."""

    async def source(after: Cursor | None, limit: int) -> Sequence[Found]:
        found: set[Found] = set()
        for window in view.windows:
            ranges, exceptions = await store.feed.look(reach, window, _lanes(limit) + 1, after, limit)
            found.update(exceptions)
            found.update(await _by_lanes(store, reach, window, ranges, after, limit))
        if view.resolved:
            found.update(await store.feed.resolved(reach, after, limit))
        if view.snoozed:
            found.update(await store.feed.snoozed(reach, after, limit))
        return sorted(found, reverse=True)[:limit]

    return source


async def _by_lanes(
    store: Store,
    reach: Reach,
    window: Window,
    ranges: Sequence[Range],
    after: Cursor | None,
    limit: int,
) -> list[Found]:
    """The newest that lie in the window by their positions; lanes too old to matter are not looked into.

    `ranges` are those of the first `_lanes(limit)` lanes and of one more, which tells how old all others are.
    """
    newest: list[Found] = []
    size = _lanes(limit)
    while ranges:
        some, others = ranges[:size], ranges[size:]
        found = await store.feed.slice(some, after, limit)
        newest = sorted([*newest, *found], reverse=True)[:limit]
        if not others or (len(newest) == limit and newest[-1].created_at > others[0].last_at):
            break
        size = min(2 * size, _MOST_LANES_AT_ONCE)
        ranges = await store.feed.ranges(reach, window, size + 1, some[-1])
    return newest


def _lanes(limit: int) -> int:
    """How many to look into at first: the newest so many notifications are mostly in as many of the lanes."""
    return min(limit, _MOST_LANES_AT_ONCE)

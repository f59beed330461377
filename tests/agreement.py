"""Whether the product and the oracle tell the same of a reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tests.oracle import ALL, Choice, Oracle, Shown
from tidings.errors import NotificationNotFound
from tidings.inbox.counts import count
from tidings.inbox.feed import find, numbered_page, page
from tidings.inbox.items import held
from tidings.inbox.reach import reach_of
from tidings.model import (
    OPEN,
    PRESENT,
    READ,
    UNREAD,
    UNSEEN,
    Cursor,
    Item,
    Level,
    Reach,
    Reader,
    Scope,
    Selection,
    Severity,
    View,
    Window,
)
from tidings.storage.store import Store

SEEN_ONLY = Window(at_least=Level.SEEN, below=Level.READ)
DISMISSED_ONLY = Window(at_least=Level.DISMISSED, below=Level.DELETED)
WINDOWS = (UNSEEN, UNREAD, OPEN, READ, PRESENT, SEEN_ONLY, DISMISSED_ONLY)
VIEWS = (
    View(windows=(PRESENT,), by_level=True, snoozed=True),
    View(pinned_first=True),
    View(windows=(UNREAD,), by_level=True),
    View(windows=(PRESENT,), resolved=True, pinned_first=True),
    View(windows=(READ,), by_level=True),
    View(windows=(UNSEEN,), snoozed=True),
    View(windows=(UNSEEN, DISMISSED_ONLY)),
    View(windows=(SEEN_ONLY,), resolved=True, snoozed=True, pinned_first=True),
    View(windows=(), resolved=True),
    View(windows=(), snoozed=True),
)
NUMBERED = (
    View(windows=(PRESENT,), by_level=True),
    View(),
    View(windows=(UNREAD, DISMISSED_ONLY), by_level=True),
)


class Disagreement(AssertionError):
    """The product and the oracle do not tell the same."""


def same(what: str, product: object, oracle: object) -> None:
    """Fail unless the two are equal; of lists the first difference is told."""
    if product == oracle:
        return
    if isinstance(product, list) and isinstance(oracle, list):
        at = next((i for i, (a, b) in enumerate(zip(product, oracle, strict=False)) if a != b), None)
        if at is None:
            what, product, oracle = f"{what}, how many", len(product), len(oracle)
        else:
            what, product, oracle = f"{what}, item {at}", product[at], oracle[at]
    raise Disagreement(f"{what}\n  product: {product}\n  oracle:  {oracle}")


async def witness(store: Store, oracle: Oracle, reader: Reader, now: datetime) -> Witness:
    reach = await reach_of(store, reader)
    return Witness(store=store, oracle=oracle, reader=reader, now=now, reach=reach)


@dataclass(kw_only=True)
class Witness:
    """One reader on both sides, at one moment."""

    store: Store
    oracle: Oracle
    reader: Reader
    now: datetime
    reach: Reach  # of everything

    async def sees_the_same(self, ids: Sequence[UUID]) -> None:
        """Every field of all there is, looked for among `ids`, which are those of other readers too."""
        told = {one.item.id: shown(one.item) for one in await held(self.store, self.reach, ids)}
        expected = {item.id: item for item in self.oracle.show(self.reader.id, ALL, self.now)}
        for id_ in ids:
            same("a notification", told.get(id_), expected.get(id_))

    async def counts_the_same(self, choice: Choice, window: Window, *, by_level: bool) -> None:
        told = await count(self.store, await self._reach(choice), window, by_level=by_level)
        levels = range(window.at_least, window.below)
        expected = self.oracle.count(self.reader.id, choice, self.now, levels, by_level=by_level)
        same(f"the count of {window}, by_level={by_level}, {choice}", told, expected)

    async def pages_the_same(self, choice: Choice, view: View, skip: int, limit: int, pages: int) -> None:
        """Some pages of a list, the first of them after its `skip` newest."""
        expected = self._list(choice, view)
        skip = skip % (len(expected) + 1)
        reach = await self._reach(choice)
        after = _place(expected[skip - 1], view) if skip else None
        for first in range(skip, skip + limit * pages, limit):
            found = await page(self.store, reach, view, after=after, limit=limit)
            what = f"the page of {limit} after {first} of {view}, {choice}"
            same(what, [shown(item) for item in found.items], expected[first : first + limit])
            same(f"{what}: more to come", found.next is not None, len(expected) > first + limit)
            if found.next is None:
                return
            after = found.next

    async def numbers_its_pages_the_same(self, choice: Choice, view: View, number: int, limit: int) -> None:
        expected = self._list(choice, view)
        reach = await self._reach(choice)
        items, total = await numbered_page(self.store, reach, view, page=number, limit=limit)
        what = f"page {number} by {limit} of {view}, {choice}"
        same(what, [shown(item) for item in items], expected[(number - 1) * limit : number * limit])
        same(f"{what}: of how many", total, len(expected))

    async def finds_the_same(self, choice: Choice, id_: UUID) -> None:
        try:
            told = shown(await find(self.store, await self._reach(choice), id_))
        except NotificationNotFound:
            told = None
        expected = [item for item in self.oracle.show(self.reader.id, choice, self.now) if item.id == id_]
        same("what was looked for", told, next(iter(expected), None))

    async def _reach(self, choice: Choice) -> Reach:
        return self.reach if choice == ALL else await reach_of(self.store, self.reader, selection(choice))

    def _list(self, choice: Choice, view: View) -> list[Shown]:
        return self.oracle.show(
            self.reader.id,
            choice,
            self.now,
            levels={level for window in view.windows for level in range(window.at_least, window.below)},
            by_level=view.by_level,
            resolved=view.resolved,
            snoozed=view.snoozed,
            pinned_first=view.pinned_first,
        )


def selection(choice: Choice) -> Selection:
    """The product's word for a choice."""
    return Selection(
        scope=None if choice.scope is None else Scope(choice.scope),
        scope_id=choice.scope_id,
        topics=choice.topics,
        severities=frozenset(Severity(severity) for severity in choice.severities),
    )


def shown(item: Item) -> Shown:
    """An item of the product in the oracle's words."""
    notification = item.notification
    told: dict[str, Any] = {
        name: getattr(notification, name)
        for name in ("event", "topic", "created_at", "expires_at", "resolved_at")
    }
    return Shown(
        id=item.id,
        stream=notification.stream_id,
        severity=notification.severity.value,
        status=item.status.value,
        level=int(item.level),
        seen_at=item.seen_at,
        read_at=item.read_at,
        dismissed_at=item.dismissed_at,
        snoozed_until=item.snoozed_until,
        pinned=item.pinned,
        **told,
    )


def _place(item: Shown, view: View) -> Cursor:
    return Cursor(created_at=item.created_at, id=item.id, pinned=view.pinned_first and item.pinned)

"""A page of notifications, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field

from tidings.model import PRESENT, READ, UNREAD, Item, Level, View
from tidings.surfaces.personal.schemas.envelopes import Camel

MOST_ON_A_PAGE = 50
_LAST_PAGE = 2**31 - 1
_WINDOWS = {"true": READ, "false": UNREAD}


def _clamped(limit: int) -> int:
    return min(max(limit, 1), MOST_ON_A_PAGE)


class ListQuery(Camel):
    read: str | None = Field(default=None, description="`true` or `false`; anything else is no filter.")
    page: int = Field(default=1, ge=1, le=_LAST_PAGE)
    limit: Annotated[int, AfterValidator(_clamped)] = Field(
        default=20, description=f"Taken as 1 where it is less, as {MOST_ON_A_PAGE} where it is more."
    )

    def view(self) -> View:
        return View(windows=(_WINDOWS.get(self.read or "", PRESENT),), by_level=True)


class Notification(Camel):
    id: UUID
    event_key: str
    title: str
    body: str | None
    data: dict[str, Any]
    read: bool
    read_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, item: Item) -> Notification:
        notification = item.notification
        return cls(
            id=item.id,
            event_key=notification.event,
            title=notification.title,
            body=notification.body,
            data=dict(notification.data),
            read=item.level >= Level.READ,
            read_at=item.read_at,
            created_at=notification.created_at,
        )


class NotificationPage(Camel):
    items: list[Notification]
    total: int
    page: int
    limit: int
    total_pages: int

    @classmethod
    def of(cls, items: Sequence[Item], total: int, query: ListQuery) -> NotificationPage:
        return cls(
            items=[Notification.of(item) for item in items],
            total=total,
            page=query.page,
            limit=query.limit,
            total_pages=-(-total // query.limit),
        )


class UnreadCount(Camel):
    count: int


class Cleared(Camel):
    deleted: int = Field(description="How many read ones there were; 0 is normal.")


class Updated(Camel):
    updated: int = Field(description="How many were unread.")

"""What goes over the wire about a reader's inbox. Outputs have no defaults: clients see every field."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, FailFast, Field, model_validator

from tidings.errors import InvalidInput, ScopeIncomplete
from tidings.inbox.operations import MOST_AT_ONCE
from tidings.inbox.search import words_of
from tidings.inbox.views import windows_of
from tidings.model import (
    RAISES,
    Action,
    Item,
    Level,
    Reader,
    ReaderKind,
    Scope,
    Selection,
    Severity,
    Status,
    Tally,
    Totals,
    View,
)
from tidings.realtime.positions import Position
from tidings.surfaces.native.schemas.values import In, Instant, Text

_SHARED = (Scope.BUSINESS, Scope.FIRM)
_OPEN = (Status.NEW, Status.SEEN)
_MOST_KEYS = 200

# One wrong value is told, not a hundred thousand.
_Keys = Annotated[
    list[Annotated[Text, Field(min_length=1, max_length=128)]], FailFast(), Field(max_length=_MOST_KEYS)
]


# --- in ----------------------------------------------------------------------------------------------------


class Filter(In):
    """Which notifications are meant; what is left out restricts nothing, and each member narrows further."""

    scope: Scope | None = Field(
        default=None, description="`me`: the reader's own and everyone's. Left out: all that the reader sees."
    )
    scope_id: UUID | None = Field(
        default=None, description="Which business or firm; wanted with these two scopes, and only with them."
    )
    topic: _Keys = Field(default_factory=list, description="Only these topics of the catalog.")
    severity: Annotated[list[Severity], FailFast(), Field(max_length=_MOST_KEYS)] = Field(
        default_factory=list, description="Only these."
    )
    event: _Keys = Field(default_factory=list, description="Only these events of the catalog, by their keys.")

    def selection(self) -> Selection:
        """Raises ScopeIncomplete, InvalidInput."""
        if self.scope in _SHARED and self.scope_id is None:
            raise ScopeIncomplete
        if self.scope not in _SHARED and self.scope_id is not None:
            # Ignored, it would widen what is meant.
            raise InvalidInput("scope_id goes with scope 'business' or 'firm'.", field="scope_id")
        return Selection(
            scope=self.scope,
            scope_id=self.scope_id,
            topics=frozenset(self.topic),
            severities=frozenset(self.severity),
            events=frozenset(self.event),
        )


class InboxQuery(Filter):
    """What a list shows."""

    status: Annotated[list[Status], FailFast(), Field(max_length=_MOST_KEYS)] = Field(
        default_factory=list, description="Only these; left out: the open ones, which are new and seen."
    )
    unread: bool = Field(
        default=False, description="true: only open ones that are not read; with the statuses new and seen."
    )
    since: Instant | None = Field(
        default=None, description="Only what was created then or later, like 2026-03-02T09:30:00Z."
    )
    q: Text = Field(
        default="",
        max_length=200,
        description="Only what has each of these words, or what contains it, in its title or body; capitals "
        "do not matter, in any alphabet. A request looks through 5,000 notifications: a page may have fewer "
        "than `limit`, even none, and yet a `next_cursor`, with which the search goes on.",
    )
    cursor: str | None = Field(
        default=None, max_length=200, description="`next_cursor` of the page before, with the same filters."
    )
    limit: int = Field(default=25, ge=1, le=100)

    def view(self, reader: Reader) -> View:
        """Raises InvalidInput."""
        shown = self.status or _OPEN
        if self.unread and set(shown) - set(_OPEN):
            raise InvalidInput("unread goes with the statuses 'new' and 'seen'.", field="unread")
        return View(
            windows=windows_of(shown, below=Level.READ if self.unread else Level.DELETED),
            by_level=reader.kind is ReaderKind.COMPANY,
            resolved=Status.RESOLVED in shown,
            snoozed=Status.SNOOZED in shown,
            pinned_first=True,
            since=self.since,
            words=words_of(self.q),
        )

    def filters(self) -> dict[str, Any]:
        """What a cursor is bound to: everything but the place in the list and the page's length."""
        return self.model_dump(mode="json", exclude={"cursor", "limit"})


class OperationAction(StrEnum):
    """What can be done; the first four, and clear_read, to all that a filter means as well."""

    SEEN = "seen"
    READ = "read"
    DISMISS = "dismiss"
    DELETE = "delete"
    UNREAD = "unread"
    RESTORE = "restore"
    REFRESH = "refresh"
    PIN = "pin"
    UNPIN = "unpin"
    SNOOZE = "snooze"
    UNSNOOZE = "unsnooze"
    RESOLVE = "resolve"
    CLEAR_READ = "clear_read"


class NewOperation(In):
    """What to do, and to which notifications: `ids` or `filter`."""

    action: OperationAction = Field(
        description="`seen`, `read`, `dismiss` and `delete` raise the state, and can be undone for ten "
        "minutes. `unread`, `restore` (of dismissed ones) and `unsnooze` take back what was done; `refresh` "
        "sets the time at which read ones were read; `snooze` hides until a time; `resolve` settles for all "
        "who can see it. `clear_read` deletes what was read or dismissed, for good."
    )
    ids: Annotated[list[UUID], FailFast()] = Field(
        default_factory=list,
        min_length=1,
        max_length=MOST_AT_ONCE,
        description="Those that the reader does not see are passed over; one that comes twice counts once.",
    )
    filter: Filter | None = Field(
        default=None,
        description="All that it means, on whatever page; `{}` is everything. With `seen`, `read`, "
        "`dismiss`, `delete` and `clear_read`.",
    )
    up_to: UUID | None = Field(
        default=None,
        description="With a filter: a notification; what comes before it in the feed, which is newer, stays "
        "as it is.",
    )
    until: Instant | None = Field(default=None, description="With `snooze`: when it comes back.")

    @model_validator(mode="after")
    def _fits_together(self) -> NewOperation:
        by_filter = self.action is OperationAction.CLEAR_READ or Action(self.action.value) in RAISES
        if bool(self.ids) == (self.filter is not None):
            raise ValueError("give either ids or filter")
        if self.filter is not None and not by_filter:
            raise ValueError(f"{self.action.value} takes ids, not a filter")
        if self.ids and self.action is OperationAction.CLEAR_READ:
            raise ValueError("clear_read takes a filter, not ids")
        if self.up_to is not None and (self.filter is None or self.action is OperationAction.CLEAR_READ):
            raise ValueError("up_to goes with a filter, and not with clear_read")
        if (self.until is None) == (self.action is OperationAction.SNOOZE):
            raise ValueError("until goes with snooze, which wants it")
        return self


# --- out ---------------------------------------------------------------------------------------------------


class InboxItem(BaseModel):
    """A notification as the reader has it."""

    id: UUID
    scope: Scope
    scope_id: UUID | None = Field(description="The business or firm; null in scope `me`.")
    stream: UUID = Field(description="The log it stands in: of a user, a business, a firm or everyone.")
    seq: int = Field(description="Its place in the stream: 1, 2, 3 …")
    lane: int = Field(description="The part of the stream with its event and severity.")
    position: int = Field(description="Its place in the lane: 1, 2, 3 …")
    event: str
    topic: str
    severity: Severity
    status: Status
    title: str
    body: str | None
    data: dict[str, Any]
    actions: list[dict[str, Any]]
    pinned: bool
    seen_at: datetime | None
    read_at: datetime | None = Field(description="null: not read yet.")
    dismissed_at: datetime | None
    snoozed_until: datetime | None = Field(description="Only while the snooze runs.")
    created_at: datetime
    occurred_at: datetime | None = Field(description="By the sender's clock.")
    expires_at: datetime | None
    resolved_at: datetime | None

    @classmethod
    def of(cls, item: Item, reader: Reader) -> InboxItem:
        notification = item.notification
        return cls(
            id=item.id,
            scope=item.scope,
            scope_id=item.scope_id,
            stream=notification.stream_id,
            seq=notification.seq,
            lane=notification.lane,
            position=notification.position,
            event=notification.event,
            topic=notification.topic,
            severity=notification.severity,
            status=item.status_by_level if reader.kind is ReaderKind.COMPANY else item.status,
            title=notification.title,
            body=notification.body,
            data=dict(notification.data),
            actions=[dict(action) for action in notification.actions],
            pinned=item.pinned,
            seen_at=item.seen_at,
            read_at=item.read_at,
            dismissed_at=item.dismissed_at,
            snoozed_until=item.snoozed_until,
            created_at=notification.created_at,
            occurred_at=notification.occurred_at,
            expires_at=notification.expires_at,
            resolved_at=notification.resolved_at,
        )


class InboxPage(BaseModel):
    items: list[InboxItem]
    next_cursor: str | None = Field(description="null: nothing follows.")


class TallyOut(BaseModel):
    total: int = Field(description="How many are open, which is what the list shows.")
    unseen: int
    unread: int

    @classmethod
    def of(cls, tally: Tally) -> TallyOut:
        return cls(total=tally.total, unseen=tally.unseen, unread=tally.unread)


class ScopeTally(TallyOut):
    scope: Scope
    scope_id: UUID | None


class Counts(TallyOut):
    by_scope: list[ScopeTally] = Field(description="Those in which anything is open.")
    by_topic: dict[str, TallyOut] = Field(description="Every topic that has an event.")
    by_severity: dict[Severity, TallyOut]
    position: str = Field(
        description="Up to where it was counted: with it as Last-Event-ID the stream tells what came since."
    )

    @classmethod
    def parted(cls, totals: Totals, position: Position) -> Counts:
        """In an order that stays, so that the same numbers are the same answer."""
        scopes = sorted(totals.by_scope.items(), key=lambda one: (one[0][0] is not Scope.ME, str(one[0])))
        return cls(
            **TallyOut.of(totals.whole).model_dump(),
            by_scope=[
                ScopeTally(scope=scope, scope_id=scope_id, **TallyOut.of(tally).model_dump())
                for (scope, scope_id), tally in scopes
            ],
            by_topic={topic: TallyOut.of(tally) for topic, tally in totals.by_topic.items()},
            by_severity={severity: TallyOut.of(tally) for severity, tally in totals.by_severity.items()},
            position=str(position),
        )


class OperationDone(BaseModel):
    """What an operation, or its undo, did."""

    operation: UUID | None = Field(description="Its id, for undo; null: nothing changed.")
    updated: int = Field(description="How many notifications changed; for a user resolved ones do not count.")
    counts: TallyOut = Field(description="How many of all that the reader sees are open now.")

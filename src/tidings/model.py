"""The values that the layers hand to each other: frozen, keyword-only, times aware and in UTC.

The words are those of the inbox model: a stream is an append-only log of one audience, a lane the part of it
with one event and severity, a reader somebody who has positions in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

EVERYONE = UUID("00000000-0000-7000-8000-000000000001")
"""The stream that every user reads."""


class Level(IntEnum):
    """How far a reader has taken a notification; each level includes those before it."""

    NEW = 0
    SEEN = 1
    READ = 2
    DISMISSED = 3
    DELETED = 4


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    URGENT = "urgent"

    @property
    def rank(self) -> int:
        """0 for info, 1 for warning, 2 for urgent."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}
_SEVERITIES = tuple(Severity)
_LANES_AN_EVENT = 4  # three severities, and room for one more without renumbering


def lane_number(event: int, severity: Severity) -> int:
    """The number that the lane of this event (by its catalog number) and severity has in every stream."""
    return event * _LANES_AN_EVENT + severity.rank


def lane_parts(lane: int) -> tuple[int, Severity]:
    """The catalog number of the event and the severity of a lane: the inverse of lane_number."""
    event, rank = divmod(lane, _LANES_AN_EVENT)
    return event, _SEVERITIES[rank]


class Audience(StrEnum):
    """Whose stream it is."""

    USER = "user"
    BUSINESS = "business"
    FIRM = "firm"
    EVERYONE = "everyone"


class Scope(StrEnum):
    """One of the three ways of looking at a feed; `me` is the own stream and everyone's."""

    ME = "me"
    BUSINESS = "business"
    FIRM = "firm"


class Status(StrEnum):
    NEW = "new"
    SEEN = "seen"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"
    SNOOZED = "snoozed"


class ReaderKind(StrEnum):
    USER = "user"
    COMPANY = "company"


class Action(StrEnum):
    """What a reader can do; the first four raise the level and alone take a filter."""

    SEEN = "seen"
    READ = "read"
    DISMISS = "dismiss"
    DELETE = "delete"
    UNREAD = "unread"
    RESTORE = "restore"
    REFRESH = "refresh"
    SNOOZE = "snooze"
    UNSNOOZE = "unsnooze"
    PIN = "pin"
    UNPIN = "unpin"
    RESOLVE = "resolve"


RAISES: Mapping[Action, Level] = {
    Action.SEEN: Level.SEEN,
    Action.READ: Level.READ,
    Action.DISMISS: Level.DISMISSED,
    Action.DELETE: Level.DELETED,
}
"""The actions that raise, and the level to which."""


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Who has state: a user, or a company (a business as a reader of its own stream)."""

    id: UUID
    kind: ReaderKind = ReaderKind.USER


class Rhythm(StrEnum):
    """How often what waits for it leaves the inbox together, by the clocks of the reader."""

    AT_ONCE = "at_once"  # nothing waits
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True, kw_only=True)
class Event:
    """One entry of the catalog."""

    key: str
    number: int
    topic: str
    severity: Severity
    channels: Mapping[str, bool]
    critical: bool = False
    digest: Rhythm = Rhythm.AT_ONCE
    escalate_after: timedelta | None = None  # it leaves the inbox only if it is unread then; None: at once


@dataclass(frozen=True, kw_only=True)
class Address:
    """One stream to which a notification goes."""

    audience: Audience
    id: UUID


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A notification that is about to be appended to one stream."""

    to: Address
    event: str
    title: str
    severity: Severity | None = None  # None: the event's own
    body: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])
    actions: Sequence[Mapping[str, Any]] = ()
    collapse_key: str | None = None
    occurred_at: datetime | None = None
    expires_at: datetime | None = None
    send_at: datetime | None = None  # None: at once


class ScheduledState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"
    CALLED_OFF = "called_off"


@dataclass(frozen=True, kw_only=True)
class Scheduled:
    """A draft that is appended at its time, and what became of it."""

    id: UUID
    to: Address
    send_at: datetime
    draft: Mapping[str, Any]  # as JSON has it
    created_at: datetime
    finished_at: datetime | None = None
    notification_id: UUID | None = None  # what it became
    refusal: str | None = None  # why it became nothing

    @property
    def state(self) -> ScheduledState:
        if self.finished_at is None:
            return ScheduledState.WAITING
        if self.notification_id is not None:
            return ScheduledState.SENT
        return ScheduledState.CALLED_OFF if self.refusal is None else ScheduledState.REFUSED


@dataclass(frozen=True, kw_only=True)
class Notification:
    """One entry of a stream, the same for all who read it."""

    id: UUID
    stream_id: UUID
    audience: Audience
    seq: int
    lane: int
    position: int
    event: str
    topic: str
    severity: Severity
    title: str
    body: str | None
    data: Mapping[str, Any]
    actions: Sequence[Mapping[str, Any]]
    created_at: datetime
    occurred_at: datetime | None
    expires_at: datetime | None
    resolved_at: datetime | None
    collapse_key: str | None = None


@dataclass(frozen=True, kw_only=True)
class Item:
    """A notification as one reader has it."""

    notification: Notification
    level: Level
    seen_at: datetime | None
    read_at: datetime | None
    dismissed_at: datetime | None
    snoozed_until: datetime | None  # only while it runs
    pinned: bool

    @property
    def id(self) -> UUID:
        return self.notification.id

    @property
    def status(self) -> Status:
        """Resolved; else dismissed; else snoozed while it runs; else seen (seen or read); else new."""
        return self.status_by_level if self.notification.resolved_at is None else Status.RESOLVED

    @property
    def status_by_level(self) -> Status:
        """The status for who knows no resolve."""
        if self.level >= Level.DISMISSED:
            return Status.DISMISSED
        if self.snoozed_until is not None:
            return Status.SNOOZED
        return Status.SEEN if self.level >= Level.SEEN else Status.NEW

    @property
    def scope(self) -> Scope:
        """The scope under which the notification is listed."""
        return Scope.ME if self.scope_id is None else Scope(self.notification.audience.value)

    @property
    def scope_id(self) -> UUID | None:
        """The business or firm; None in scope `me`."""
        shared = self.notification.audience in (Audience.BUSINESS, Audience.FIRM)
        return self.notification.stream_id if shared else None


@dataclass(frozen=True, kw_only=True)
class Alert:
    """A computed condition of a business, for as long as it holds: no notification, and in no stream."""

    id: str  # chosen by the backend; another business may have the same
    business_id: UUID
    episode: UUID  # of this time: who raises it again after it cleared begins another
    kind: str
    severity: Severity
    title: str
    body: str | None
    data: Mapping[str, Any]
    raised_at: datetime
    updated_at: datetime  # when the backend last said so


@dataclass(frozen=True, kw_only=True)
class LiveAlert:
    """An alert as one reader has it."""

    alert: Alert
    dismissed_at: datetime | None  # of this episode


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which of a reader's notifications are meant; what is left out restricts nothing."""

    scope: Scope | None = None
    scope_id: UUID | None = None
    topics: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()  # their keys; with topics too, what is of both
    severities: frozenset[Severity] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What a reader can see of a selection: the streams, and the lanes in them that are meant."""

    reader: Reader
    at: datetime  # the time to which all that is asked of it refers
    streams: Mapping[UUID, Audience]
    events: frozenset[int] | None = None  # catalog numbers; None: every event
    off: frozenset[int] = frozenset()  # catalog numbers of events whose in-app channel is off
    severities: frozenset[Severity] = frozenset()  # empty: every severity


class ChangeKind(StrEnum):
    """What became of something in a stream, for all who read it."""

    GONE = "gone"  # withdrawn, collapsed or expired
    REMOVED = "removed"  # with all before it in its lane, by retention
    RESOLVED = "resolved"
    ALERT = "alert"  # raised, or says something else
    ALERT_CLEARED = "alert_cleared"


class OperationKind(StrEnum):
    """What is told of an operation to who follows; of one without a kind, what it swept."""

    MARKED = "marked"  # some notifications, whose state is looked up
    CLEARED = "cleared"  # it swept only what was read
    ALERTS = "alerts"  # it dismissed alerts, beside what it swept
    PREFERENCES = "preferences"
    RESYNC = "resync"  # more than can be told
    NOTHING = "nothing"  # nobody sees it


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One operation of one reader, whose row is locked."""

    reader: Reader
    op: int
    at: datetime
    raised_at: datetime | None  # the time of the last operation that an undo may take back
    sealed: int  # no operation up to this number can be undone
    unfolded: int  # marks that the reader wrote since the last folding


@dataclass(frozen=True, kw_only=True)
class Window:
    """Levels from `at_least` up to, not including, `below`."""

    at_least: Level = Level.NEW
    below: Level


UNSEEN = Window(below=Level.SEEN)
UNREAD = Window(below=Level.READ)
OPEN = Window(below=Level.DISMISSED)
READ = Window(at_least=Level.READ, below=Level.DELETED)
PRESENT = Window(below=Level.DELETED)


@dataclass(frozen=True, kw_only=True)
class View:
    """What a list shows."""

    windows: tuple[Window, ...] = (OPEN,)
    by_level: bool = False  # know no resolve: go by the level alone
    resolved: bool = False  # list resolved ones too, as such
    snoozed: bool = False  # list running snoozes too
    pinned_first: bool = False  # pinned ones before the others, and not again among them
    since: datetime | None = None  # only what was created then or later
    words: tuple[str, ...] = ()  # only what has each of them in its title or body; see inbox.search

    def shows(self, item: Item) -> bool:
        """Whether this item, as it is now, belongs to the list."""
        if item.level >= Level.DELETED:
            return False
        resolved = item.notification.resolved_at is not None and not self.by_level
        if item.snoozed_until is not None:
            return self.snoozed and not resolved
        if resolved:
            return self.resolved
        return any(window.at_least <= item.level < window.below for window in self.windows)


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """The place in feed order after which a page begins: (created_at, id), newest first."""

    created_at: datetime
    id: UUID
    pinned: bool = False  # the place is among the pinned ones, which come first


@dataclass(frozen=True, kw_only=True)
class Page:
    items: list[Item]
    next: Cursor | None  # None: nothing follows


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many are open, and how many of these are not seen, or not read, yet."""

    total: int = 0
    unseen: int = 0
    unread: int = 0


@dataclass(frozen=True, kw_only=True)
class Totals:
    """The same numbers as a whole and by three ways of parting them; what has nothing open may be missing."""

    whole: Tally
    by_scope: Mapping[tuple[Scope, UUID | None], Tally]
    by_topic: Mapping[str, Tally]
    by_severity: Mapping[Severity, Tally]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an operation changed.

    `changed` counts every notification whose state changed; `updated` leaves out the resolved ones, as the
    scoped contract does. `operation` is None where nothing changed: then nothing was written.
    """

    operation: int | None
    changed: int
    updated: int


class AccountStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    DEACTIVATED = "deactivated"


class Role(StrEnum):
    MEMBER = "member"
    OPERATOR = "operator"  # may use the admin calls


class BusinessStatus(StrEnum):
    ACTIVE = "active"
    DEACTIVATED = "deactivated"
    DELETED = "deleted"


@dataclass(frozen=True, kw_only=True)
class Account:
    """A user as somebody who signs in."""

    id: UUID
    email: str | None  # trimmed, lower-cased
    email_verified: bool
    status: AccountStatus
    role: Role
    company_id: UUID | None  # the business as whose company the user logs in
    time_zone: str | None  # of the IANA database
    locale: str | None  # in which the user is written to, such as pt-BR; None: any
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Business:
    id: UUID
    name: str
    firm_id: UUID | None  # the firm that serves it
    status: BusinessStatus
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Firm:
    id: UUID
    name: str
    created_at: datetime


class Suppression(StrEnum):
    """Why no e-mail goes to an address."""

    USER_UNSUBSCRIBE = "user_unsubscribe"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"


@dataclass(frozen=True, kw_only=True)
class Preference:
    """One channel of one event or topic, as its reader chose it."""

    subject: str  # event or topic
    key: str
    channel: str
    enabled: bool


@dataclass(frozen=True, kw_only=True)
class QuietHours:
    """When only critical events leave a user's inbox: every day, by the clocks where the user is."""

    begins: time  # to the minute
    ends: time  # not later than `begins`: on the next day
    time_zone: str  # of the IANA database

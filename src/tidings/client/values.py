"""What calls take and answer. Answers may have more members than are named here: a newer server's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, Required, TypeAlias, TypedDict, TypeVar
from uuid import UUID

T = TypeVar("T")

Id: TypeAlias = UUID | str
Severity: TypeAlias = Literal["info", "warning", "urgent"]
Scope: TypeAlias = Literal["me", "business", "firm"]
Status: TypeAlias = Literal["new", "seen", "dismissed", "snoozed", "resolved"]
Channel: TypeAlias = Literal["in_app", "email", "push", "web_push", "sms", "chat"]

# --- what is sent ------------------------------------------------------------------------------------------


To: TypeAlias = Mapping[
    Literal["user", "users", "business", "firm", "everyone"], Id | Iterable[Id] | Literal[True]
]
"""Whom to tell, exactly one of these: `{"user": id}`, `{"users": [id, id]}`, `{"everyone": True}` …"""


class Notification(TypedDict, total=False):
    """What happened, and to whom. What is left out takes the event's or the server's default."""

    to: Required[To]
    event: Required[str]  # a key of the catalog
    title: Required[str]
    body: str
    severity: Severity
    data: Mapping[str, Any]
    actions: Iterable[Mapping[str, Any]]
    collapse_key: str
    occurred_at: datetime
    expires_at: datetime
    send_at: datetime  # left out: now


class UserFields(TypedDict, total=False):
    """What is left out stays as it is."""

    email: str | None
    password: str | None
    email_verified: bool
    status: Literal["active", "suspended", "deactivated"]
    role: Literal["member", "operator"]
    company_id: Id | None
    time_zone: str | None
    locale: str | None  # in which the user gets mail, such as pt-BR


class BusinessFields(TypedDict, total=False):
    """What is left out stays as it is; a new business needs a name."""

    name: str
    firm_id: Id | None
    status: Literal["active", "deactivated", "deleted"]


class EventFields(TypedDict, total=False):
    """What is left out takes its default."""

    topic: Required[str]
    severity: Severity
    channels: Mapping[Channel, bool]
    critical: bool
    digest: Literal["at_once", "hourly", "daily", "weekly"]
    escalate_after_minutes: int | None


class TemplateWords(TypedDict, total=False):
    """What stands around the text of a mail: plain, and by default English."""

    language: str  # by default the template's locale
    inbox: str
    reason: str
    unsubscribe: str
    one_unread: str  # these are of digests, and of use in a template for every event
    unread: str  # with {count}
    more: str  # with {count}


class TemplateFields(TypedDict, total=False):
    """What a mail says, in Liquid. What is left out takes its default."""

    subject: str
    body: str
    words: TemplateWords
    layout: str | None  # MJML; None: that of Tidings


class AlertFields(TypedDict, total=False):
    kind: Required[str]
    severity: Required[Severity]
    title: Required[str]
    body: str
    data: Mapping[str, Any]


class Filter(TypedDict, total=False):
    """Which notifications are meant; what is left out restricts nothing."""

    scope: Scope
    scope_id: Id
    topic: str | Iterable[str]
    severity: Severity | Iterable[Severity]
    event: str | Iterable[str]


class Search(Filter, total=False):
    """Which notifications are listed; without a status, those that are new or seen."""

    status: Status | Iterable[Status]
    since: datetime
    q: str  # words of the title or the body
    unread: bool


# --- what is answered --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Page(Generic[T]):
    items: tuple[T, ...]
    next_cursor: str | None  # None: nothing follows


@dataclass(frozen=True, kw_only=True)
class Item:
    """A notification as its reader has it."""

    id: UUID
    scope: str
    scope_id: UUID | None  # the business or firm; None in scope `me`
    event: str
    topic: str
    severity: str
    status: str
    title: str
    body: str | None
    data: Mapping[str, Any]
    actions: tuple[Mapping[str, Any], ...]
    pinned: bool
    created_at: datetime
    occurred_at: datetime | None
    seen_at: datetime | None
    read_at: datetime | None
    dismissed_at: datetime | None
    snoozed_until: datetime | None
    resolved_at: datetime | None
    expires_at: datetime | None
    stream: UUID  # with lane and position, or with seq: its place in the log
    seq: int
    lane: int
    position: int


@dataclass(frozen=True, kw_only=True)
class Tally:
    total: int  # open ones
    unseen: int
    unread: int


@dataclass(frozen=True, kw_only=True)
class ScopeTally(Tally):
    scope: str
    scope_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class Counts(Tally):
    """All of one moment."""

    by_scope: tuple[ScopeTally, ...]
    by_topic: Mapping[str, Tally]
    by_severity: Mapping[str, Tally]
    position: str  # with it as Last-Event-ID the stream tells what came since


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What an operation changed. `operation` is for `undo`; None where nothing changed."""

    operation: UUID | None
    updated: int
    counts: Tally  # of all that the reader sees, afterwards


@dataclass(frozen=True, kw_only=True)
class ChannelPreference:
    enabled: bool
    source: str  # default, topic, event or critical


@dataclass(frozen=True, kw_only=True)
class EventPreference:
    event: str
    topic: str
    critical: bool  # always in the inbox, and by e-mail
    channels: Mapping[str, ChannelPreference]


@dataclass(frozen=True, kw_only=True)
class QuietHours:
    begins: str  # HH:MM
    ends: str
    time_zone: str  # Europe/Lisbon


@dataclass(frozen=True, kw_only=True)
class Preferences:
    events: tuple[EventPreference, ...]
    topics: Mapping[str, Mapping[str, ChannelPreference]]  # by default on: then a topic restricts nothing
    quiet_hours: QuietHours | None
    available_channels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class User:
    id: UUID
    email: str | None
    email_verified: bool
    status: str
    role: str
    company_id: UUID | None
    time_zone: str | None
    locale: str | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Business:
    id: UUID
    name: str
    firm_id: UUID | None
    status: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Firm:
    id: UUID
    name: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Event:
    key: str
    topic: str
    severity: str
    channels: Mapping[str, bool]
    critical: bool
    digest: str  # at_once, hourly, daily or weekly
    escalate_after_minutes: int | None


@dataclass(frozen=True, kw_only=True)
class TemplateKey:
    """Of which event and locale a mail template is; `*` is every one."""

    event: str
    locale: str  # in lower case


@dataclass(frozen=True, kw_only=True)
class SavedTemplate(TemplateKey):
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class Template(TemplateKey):
    """What mails say."""

    subject: str
    body: str
    words: Mapping[str, str]  # language, inbox, reason, unsubscribe
    layout: str | None  # None: that of Tidings
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a mail would say."""

    subject: str
    text: str
    html: str
    template: TemplateKey | None  # None: one that is not saved, or Tidings' own


@dataclass(frozen=True, kw_only=True)
class Scheduled:
    """What is sent later, under the id that `send` answered."""

    id: UUID
    to: Mapping[str, Any]
    event: str
    title: str
    send_at: datetime
    state: str  # waiting, sent, refused or called_off
    notification_id: UUID | None  # what it became
    refusal: str | None  # why it could not be sent
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One try to send something."""

    at: datetime
    milliseconds: int
    answer: str  # what the other side said


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One reader and channel of a notification; or, without a reader, all who read its stream."""

    id: UUID
    channel: str
    reader_id: UUID | None
    reached: int | None  # of all who read: for how many there is a delivery of their own so far
    status: str  # pending, processing, failed (it is tried again), completed or dead
    reason: str | None  # why it is so, such as sent, off, quiet_hours, read, suppressed or bounced
    next_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, kw_only=True)
class Deliveries:
    """A page of them."""

    items: tuple[Delivery, ...]
    next_cursor: UUID | None  # None: nothing follows


@dataclass(frozen=True, kw_only=True)
class SuppressedAddress:
    address: str
    reason: str  # bounce or complaint


@dataclass(frozen=True, kw_only=True)
class IgnoredReport:
    address: str | None  # as reported; None: it was not told
    reason: str  # not_ours, other_address, address_stands or no_failure


@dataclass(frozen=True, kw_only=True)
class Bounces:
    """What followed from a report on mails."""

    suppressed: tuple[SuppressedAddress, ...]
    ignored: tuple[IgnoredReport, ...]


@dataclass(frozen=True, kw_only=True)
class Alert:
    id: str
    business_id: UUID
    episode: UUID  # another each time that it is raised anew
    kind: str
    severity: str
    title: str
    body: str | None
    data: Mapping[str, Any]
    raised_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class Token:
    """`token` is told this once."""

    id: UUID
    token: str
    user_id: UUID
    name: str
    expires_in_days: int | None

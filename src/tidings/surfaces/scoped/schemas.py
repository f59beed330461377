"""The scoped contract's wire models, and how they turn into the core's values and back.

In what clients send, null, "" and [] are as absent. Outputs have no defaults: clients see every field.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Generic, TypeVar, cast
from uuid import UUID

from pydantic import AliasChoices, BaseModel, FailFast, Field, WithJsonSchema, model_validator
from typing_extensions import TypeAliasType

from tidings.errors import ScopeForbidden, ScopeIncomplete
from tidings.inbox.operations import MOST_AT_ONCE
from tidings.inbox.views import windows_of
from tidings.model import OPEN, UNSEEN, Item, LiveAlert, Scope, Selection, Severity, Status, View, Window
from tidings.surfaces.instants import Utc

TOPIC_SCHEMA = "NotificationTopicEnum"
"""The schema whose values are the catalog's topics at the time the document is served."""

LIVE = "live:"
"""What the ids of live alerts begin with."""

T = TypeVar("T")


class NotificationScopeEnum(StrEnum):
    ME = "me"
    BUSINESS = "business"
    FIRM = "firm"


class NotificationStatusEnum(StrEnum):
    NEW = "new"
    SEEN = "seen"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"
    SNOOZED = "snoozed"


class NotificationSeverityEnum(StrEnum):
    INFO = "info"
    WARNING = "warning"
    URGENT = "urgent"


NotificationTopicEnum = TypeAliasType(
    "NotificationTopicEnum",
    Annotated[str, WithJsonSchema({"type": "string", "enum": [], "title": TOPIC_SCHEMA})],
)

_ABSENT: tuple[Any, ...] = (None, "", [], [""])
_OPEN = {NotificationStatusEnum.NEW, NotificationStatusEnum.SEEN}
_TERMINAL = {NotificationStatusEnum.RESOLVED, NotificationStatusEnum.DISMISSED}


# --- in ----------------------------------------------------------------------------------------------------


class _Sparse(BaseModel):
    """A model in which an empty value is as good as none."""

    @model_validator(mode="before")
    @classmethod
    def _leave_out_empty(cls, given: Any) -> Any:
        if given is None:
            return {}
        if not isinstance(given, dict):
            return given
        fields = cast("dict[str, Any]", given)
        return {name: value for name, value in fields.items() if value not in _ABSENT}


class BulkAllRequest(_Sparse):
    """Which notifications a bulk call is about; what is left out restricts nothing."""

    scope: NotificationScopeEnum | None = Field(
        default=None, description="Left out: everything that the caller can see.", examples=["business"]
    )
    scope_id: str | None = Field(
        default=None,
        description="Required when scope is 'business' or 'firm'.",
        examples=["YOUR_BUSINESS_ID"],
    )
    # One wrong value is told, not a hundred thousand.
    topic: Annotated[list[NotificationTopicEnum], FailFast()] = Field(
        default_factory=list[str], description="Only these topics; none restricts nothing."
    )
    severity: Annotated[list[NotificationSeverityEnum], FailFast()] = Field(
        default_factory=list[NotificationSeverityEnum],
        description="Only these; none restricts nothing.",
        examples=[["info", "warning"]],
    )
    live_business_id: str | None = Field(
        default=None,
        description="Whose live alerts are dismissed too; with scope 'business' they are those of scope_id. "
        "mark-all-seen has nothing to do with live alerts.",
        examples=["YOUR_BUSINESS_ID"],
    )

    def selection(self) -> Selection:
        """Raises ScopeIncomplete, ScopeForbidden."""
        return _selection(self.scope, self.scope_id, self.topic, self.severity)

    def live_of(self) -> UUID | None:
        """The business whose live alerts are meant too."""
        return _live_of(self.scope, self.scope_id, self.live_business_id)


class BulkIdsRequest(BaseModel):
    """The notifications meant; ids of what the caller cannot see change nothing."""

    notification_ids: list[str] = Field(
        min_length=1, max_length=MOST_AT_ONCE, description="One that comes twice counts once."
    )

    def known(self) -> list[UUID]:
        """Those that can be the id of a notification at all."""
        return [found for given in self.notification_ids if (found := uuid_of(given)) is not None]


class PinRequest(BaseModel):
    pinned: bool = Field(description="false: no longer.")


class SnoozeRequest(BaseModel):
    until: Utc = Field(description="When it comes back; must lie ahead.")


class TopicOverridesRequest(BaseModel):
    """All of the caller's overrides; those of before are gone."""

    overrides: dict[str, dict[str, bool]] = Field(
        description="Topic → channel → on or off. Topics and channels that there are not are left out.",
        examples=[{"billing": {"in_app": True, "email": False}}],
    )


class FeedQuery(_Sparse):
    """What a list shows."""

    scope: NotificationScopeEnum = Field(
        default=NotificationScopeEnum.ME,
        description="me: the caller's own and everyone's; business, firm: those of one.",
        examples=["business"],
    )
    scope_id: str | None = Field(
        default=None,
        description="Required when scope is 'business' or 'firm'.",
        examples=["YOUR_BUSINESS_ID"],
    )
    status: Annotated[list[NotificationStatusEnum], FailFast()] = Field(
        default_factory=list[NotificationStatusEnum],
        validation_alias=AliasChoices("status", "status[]"),
        description="Only these; left out: new and seen.",
        examples=[["new", "seen"]],
    )
    topic: Annotated[list[NotificationTopicEnum], FailFast()] = Field(
        default_factory=list[str],
        validation_alias=AliasChoices("topic", "topic[]"),
        description="Only these topics; none restricts nothing.",
    )
    severity: Annotated[list[NotificationSeverityEnum], FailFast()] = Field(
        default_factory=list[NotificationSeverityEnum],
        validation_alias=AliasChoices("severity", "severity[]"),
        description="Only these; none restricts nothing.",
    )
    include_terminal: bool = Field(default=False, description="Resolved and dismissed ones too.")
    include_snoozed: bool = Field(default=False, description="Those whose timer still runs too.")
    include_live: bool = Field(
        default=True,
        description="Live alerts too: all of them, on the first page, before everything else and beyond its "
        "limit. Not those that the caller dismissed; and none where `status` is given without 'new'.",
    )
    live_business_id: str | None = Field(default=None, description="Whose live alerts, with scope 'me'.")
    cursor: str | None = Field(default=None, description="`next_cursor` of the page before.")
    limit: int = Field(default=50, ge=1, le=1000, description="How many at most.", examples=[20])

    def selection(self) -> Selection:
        """Raises ScopeIncomplete, ScopeForbidden."""
        return _selection(self.scope, self.scope_id, self.topic, self.severity)

    def view(self) -> View:
        """The statuses named, or new and seen, and what the include_ fields add to them."""
        shown = set(self.status) or _OPEN
        if self.include_terminal:
            shown = shown | _TERMINAL
        if self.include_snoozed:
            shown = shown | {NotificationStatusEnum.SNOOZED}
        return View(
            windows=windows_of({Status(status.value) for status in shown}),
            resolved=NotificationStatusEnum.RESOLVED in shown,
            snoozed=NotificationStatusEnum.SNOOZED in shown,
            pinned_first=True,
        )

    def live_of(self) -> UUID | None:
        """The business whose live alerts this page shows too."""
        meant = not self.status or NotificationStatusEnum.NEW in self.status
        if self.cursor or not self.include_live or not meant:
            return None
        return _live_of(self.scope, self.scope_id, self.live_business_id)

    def filters(self) -> dict[str, Any]:
        """What a cursor is bound to: everything but the place in the list and the page's length."""
        return self.model_dump(mode="json", exclude={"cursor", "limit"})


class CountQuery(_Sparse):
    """What is counted."""

    scope_business_id: str | None = Field(
        default=None,
        description="Only this business; left out: everything that the caller can see.",
        examples=["YOUR_BUSINESS_ID"],
    )
    # Not `deprecated=True`: Pydantic would warn of our own look at it.
    business_id: str | None = Field(
        default=None, description="The old name of scope_business_id.", json_schema_extra={"deprecated": True}
    )
    unread_only: bool = Field(default=True, description="true: only new ones; false: all that are open.")

    def selection(self) -> Selection:
        """Raises ScopeForbidden."""
        business_id = self.scope_business_id or self.business_id
        if business_id is None:
            return Selection()
        scope_id = _scope_id(NotificationScopeEnum.BUSINESS, business_id)
        return Selection(scope=Scope.BUSINESS, scope_id=scope_id)

    def window(self) -> Window:
        return UNSEEN if self.unread_only else OPEN


def _selection(
    scope: NotificationScopeEnum | None,
    scope_id: str | None,
    topics: Sequence[str],
    severities: Sequence[NotificationSeverityEnum],
) -> Selection:
    return Selection(
        scope=Scope(scope.value) if scope else None,
        scope_id=_scope_id(scope, scope_id),
        topics=frozenset(topics),
        severities=frozenset(Severity(severity.value) for severity in severities),
    )


def _scope_id(scope: NotificationScopeEnum | None, given: str | None) -> UUID | None:
    """The id that the scope takes; a text that is no UUID is the id of nothing that anybody can see."""
    if scope not in (NotificationScopeEnum.BUSINESS, NotificationScopeEnum.FIRM):
        return None
    if given is None:
        raise ScopeIncomplete
    found = uuid_of(given)
    if found is None:
        raise ScopeForbidden
    return found


def _live_of(
    scope: NotificationScopeEnum | None, scope_id: str | None, live_business_id: str | None
) -> UUID | None:
    """The business whose live alerts are meant; a text that is no UUID is the id of none."""
    if scope is NotificationScopeEnum.FIRM:
        return None
    given = scope_id if scope is NotificationScopeEnum.BUSINESS else live_business_id
    return uuid_of(given) if given else None


def uuid_of(given: str) -> UUID | None:
    """None where it is none."""
    try:
        return UUID(given)
    except ValueError:
        return None


# --- out ---------------------------------------------------------------------------------------------------


class BulkOpResponse(BaseModel):
    updated: int = Field(description="How many changed.")


class Envelope(BaseModel, Generic[T]):
    """What list and count answer."""

    success: bool
    message: str = Field(description="For people.")
    code: str = Field(description="For programs; `OK` on success.")
    data: T


class Notification(BaseModel):
    """A notification as the caller has it, or a live alert."""

    id: str = Field(description=f"Of a live alert: `{LIVE}` and the id with which it was raised.")
    scope: NotificationScopeEnum
    scope_id: UUID | None = Field(description="The business or firm; null in scope `me`.")
    topic: NotificationTopicEnum | None = Field(
        description="null for a live alert, unless its kind is the name of a topic."
    )
    severity: NotificationSeverityEnum
    status: NotificationStatusEnum
    event_key: str = Field(description="What happened, as the catalog names it; of a live alert its kind.")
    title: str
    body: str | None
    data: dict[str, Any] = Field(description="What the sender added for programs.")
    actions: list[dict[str, Any]] = Field(description="What can be done about it, as the sender gave it.")
    pinned: bool = Field(description="By the caller; pinned ones come first.")
    live: bool = Field(description="Whether it is a live alert and no stored notification.")
    seen_at: datetime | None = Field(description="When the caller saw it; null: not yet.")
    read_at: datetime | None = Field(description="When the caller read it; null: not yet.")
    dismissed_at: datetime | None = Field(description="When the caller dismissed it; null: not yet.")
    snoozed_until: datetime | None = Field(description="While it is snoozed.")
    resolved_at: datetime | None = Field(description="When it was settled for all who see it.")
    created_at: datetime
    expires_at: datetime | None = Field(description="When it is gone for everybody; null: never.")

    @classmethod
    def of(cls, item: Item) -> Notification:
        notification = item.notification
        return cls(
            id=str(item.id),
            scope=NotificationScopeEnum(item.scope.value),
            scope_id=item.scope_id,
            topic=notification.topic,
            severity=NotificationSeverityEnum(notification.severity.value),
            status=NotificationStatusEnum(item.status.value),
            event_key=notification.event,
            title=notification.title,
            body=notification.body,
            data=dict(notification.data),
            actions=[dict(action) for action in notification.actions],
            pinned=item.pinned,
            live=False,
            seen_at=item.seen_at,
            read_at=item.read_at,
            dismissed_at=item.dismissed_at,
            snoozed_until=item.snoozed_until,
            resolved_at=notification.resolved_at,
            created_at=notification.created_at,
            expires_at=notification.expires_at,
        )

    @classmethod
    def of_live(cls, one: LiveAlert, topics: Collection[str]) -> Notification:
        """A live alert in the form of a notification; `topics` are those of the catalog."""
        alert = one.alert
        dismissed = one.dismissed_at is not None
        return cls(
            id=f"{LIVE}{alert.id}",
            scope=NotificationScopeEnum.BUSINESS,
            scope_id=alert.business_id,
            topic=alert.kind if alert.kind in topics else None,
            severity=NotificationSeverityEnum(alert.severity.value),
            status=NotificationStatusEnum.DISMISSED if dismissed else NotificationStatusEnum.NEW,
            event_key=alert.kind,
            title=alert.title,
            body=alert.body,
            data=dict(alert.data),
            actions=[],
            pinned=False,
            live=True,
            seen_at=None,
            read_at=None,
            dismissed_at=one.dismissed_at,
            snoozed_until=None,
            resolved_at=None,
            created_at=alert.raised_at,
            expires_at=None,
        )


class NotificationPage(BaseModel):
    items: list[Notification]
    next_cursor: str | None = Field(
        description="Give it as `cursor` to get what follows; null: nothing does."
    )
    has_more: bool


class NotificationCount(BaseModel):
    count: int = Field(description="Exact, whatever the number.")


class TopicOverrides(BaseModel):
    overrides: dict[str, dict[str, bool]] = Field(description="What was kept: topic → channel → on or off.")
    available_channels: list[str] = Field(description="The channels that are set up.")


def ok(message: str, data: T) -> Envelope[T]:
    """The envelope of a success."""
    return Envelope(success=True, message=message, code="OK", data=data)

"""What goes over the wire in the native contract."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    model_validator,
)

from tidings.identity.directory import BusinessChanges, UserChanges
from tidings.inbox.append import MOST_AT_ONCE
from tidings.model import (
    EVERYONE,
    Account,
    AccountStatus,
    Address,
    Audience,
    Business,
    BusinessStatus,
    Draft,
    Event,
    Firm,
    Role,
    Severity,
)
from tidings.surfaces.native.json_values import LARGEST, storable_json, storable_text

_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")


def _rfc3339(value: object) -> object:
    """Refuses numbers, which pydantic would take for seconds since 1970."""
    if not isinstance(value, str) or not _TIME.match(value):
        raise ValueError("must be a date and time with its offset, like 2026-03-02T09:30:00Z")
    return value


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies outside of the years 1 to 9999") from None


Text = Annotated[str, AfterValidator(storable_text)]
Instant = Annotated[AwareDatetime, BeforeValidator(_rfc3339), AfterValidator(_utc)]
JsonObject = Annotated[dict[str, Any], AfterValidator(storable_json)]
EventKey = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:\-]{0,127}$", examples=["invoice.overdue"])
]
TopicKey = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.\-]{0,63}$", examples=["billing"])]
Name = Annotated[Text, Field(min_length=1, max_length=200)]
Channel = Literal["in_app", "email", "push", "web_push", "sms", "chat"]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """What went wrong (RFC 9457). Some problems have more members: `errors`, `event`, `recipient` …"""

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable, for programs.")
    correlation_id: UUID


class Recipients(_In):
    """Whom to tell; exactly one of these. A business or firm is told once, however many read it."""

    user: UUID | None = None
    business: UUID | None = None
    firm: UUID | None = None
    users: Annotated[list[UUID], Field(min_length=1, max_length=MOST_AT_ONCE)] | None = None
    everyone: Literal[True] | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Recipients:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of user, business, firm, users and everyone")
        return self

    def addresses(self) -> list[Address]:
        """The streams that are meant. Of `users`, who is listed twice is told once."""
        one = {Audience.USER: self.user, Audience.BUSINESS: self.business, Audience.FIRM: self.firm}
        if self.users is not None:
            return [Address(audience=Audience.USER, id=id_) for id_ in dict.fromkeys(self.users)]
        if self.everyone:
            return [Address(audience=Audience.EVERYONE, id=EVERYONE)]
        return [Address(audience=audience, id=id_) for audience, id_ in one.items() if id_ is not None]


class NewNotification(_In):
    to: Recipients
    event: Text = Field(min_length=1, max_length=128, description="A key of the catalog.")
    severity: Severity | None = Field(default=None, description="Left out: the event's own.")
    title: Text = Field(min_length=1, max_length=500)
    body: Text | None = Field(default=None, max_length=20_000)
    data: JsonObject = Field(default_factory=dict, description=f"Any JSON object, up to {LARGEST} bytes.")
    actions: list[JsonObject] = Field(default_factory=list, max_length=10)
    collapse_key: Text | None = Field(
        default=None,
        min_length=1,
        max_length=255,
        description="Withdraws the newest notification of the same stream that has the same key.",
    )
    occurred_at: Instant | None = Field(default=None, description="When it happened, by the sender's clock.")
    expires_at: Instant | None = Field(default=None, description="From then on it is not there for anybody.")

    def drafts(self) -> list[Draft]:
        """One draft for each recipient."""
        return [
            Draft(
                to=address,
                event=self.event,
                severity=self.severity,
                title=self.title,
                body=self.body,
                data=self.data,
                actions=self.actions,
                collapse_key=self.collapse_key,
                occurred_at=self.occurred_at,
                expires_at=self.expires_at,
            )
            for address in self.to.addresses()
        ]


class NewNotifications(_In):
    notifications: list[NewNotification] = Field(
        min_length=1,
        max_length=MOST_AT_ONCE,
        description=f"Appended all or none; up to {MOST_AT_ONCE}, counting every recipient.",
    )

    def drafts(self) -> Sequence[Draft]:
        return [draft for notification in self.notifications for draft in notification.drafts()]


class Ids(BaseModel):
    ids: list[UUID] = Field(description="One for each recipient, in the order of the request.")


class UserIn(_In):
    """What is left out stays as it is."""

    email: Text | None = Field(default=None, max_length=320)
    password: Annotated[str, Field(min_length=1, max_length=1024)] | None = Field(
        default=None, description="null takes it away. A password or another status ends the user's sessions."
    )
    email_verified: StrictBool = True
    status: AccountStatus = AccountStatus.ACTIVE
    role: Role = Role.MEMBER
    company_id: UUID | None = Field(
        default=None, description="The business as whose company the user logs in."
    )

    def changes(self) -> UserChanges:
        """What was sent."""
        return cast("UserChanges", self.model_dump(exclude_unset=True))


class UserOut(BaseModel):
    id: UUID
    email: str | None
    email_verified: bool
    status: AccountStatus
    role: Role
    company_id: UUID | None
    created_at: datetime

    @classmethod
    def of(cls, account: Account) -> UserOut:
        return cls.model_validate(account, from_attributes=True)


class BusinessIn(_In):
    """What is left out stays as it is; a new business needs a name."""

    name: Name = ""
    firm_id: UUID | None = Field(default=None, description="The firm that serves it.")
    status: BusinessStatus = BusinessStatus.ACTIVE

    def changes(self) -> BusinessChanges:
        """What was sent."""
        return cast("BusinessChanges", self.model_dump(exclude_unset=True))


class BusinessOut(BaseModel):
    id: UUID
    name: str
    firm_id: UUID | None
    status: BusinessStatus
    created_at: datetime

    @classmethod
    def of(cls, business: Business) -> BusinessOut:
        return cls.model_validate(business, from_attributes=True)


class FirmIn(_In):
    name: Name


class FirmOut(BaseModel):
    id: UUID
    name: str
    created_at: datetime

    @classmethod
    def of(cls, firm: Firm) -> FirmOut:
        return cls.model_validate(firm, from_attributes=True)


class NewToken(_In):
    name: Annotated[Text, Field(min_length=1, max_length=100)] = "API token"
    expires_in_days: Annotated[int, Field(ge=1, le=365)] | None = Field(
        default=None, description="null: never."
    )


class IssuedToken(BaseModel):
    id: UUID
    token: str = Field(description="Told this once: only its hash is kept.")
    user_id: UUID
    name: str
    expires_in_days: int | None


class EventIn(_In):
    topic: TopicKey = Field(description="A topic that is new extends the catalog.")
    severity: Severity = Severity.INFO
    channels: dict[Channel, StrictBool] = Field(
        default_factory=dict,
        description="The defaults. What is left out is off, but in_app is on.",
    )
    critical: StrictBool = Field(default=False, description="Nobody can switch its in-app channel off.")


class EventOut(BaseModel):
    key: str
    topic: str
    severity: Severity
    channels: dict[Channel, bool]
    critical: bool

    @classmethod
    def of(cls, event: Event) -> EventOut:
        return cls.model_validate(event, from_attributes=True)

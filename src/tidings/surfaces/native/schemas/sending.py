"""What goes over the wire where something is sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from tidings.inbox.append import MOST_AT_ONCE
from tidings.model import EVERYONE, Address, Audience, Draft, Scheduled, ScheduledState, Severity
from tidings.surfaces.native.schemas.json_values import LARGEST
from tidings.surfaces.native.schemas.values import In, Instant, JsonObject, Text


class Recipients(In):
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


class Told(In):
    """What somebody is told: a notification without its event."""

    to: Recipients
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
    send_at: Instant | None = Field(
        default=None, description="When to send it, at most a year ahead; left out or past: at once."
    )

    def drafts_of(self, event: str) -> list[Draft]:
        """One draft of the event for each recipient."""
        return [
            Draft(
                to=address,
                event=event,
                severity=self.severity,
                title=self.title,
                body=self.body,
                data=self.data,
                actions=self.actions,
                collapse_key=self.collapse_key,
                occurred_at=self.occurred_at,
                expires_at=self.expires_at,
                send_at=self.send_at,
            )
            for address in self.to.addresses()
        ]


class NewNotification(Told):
    event: Text = Field(min_length=1, max_length=128, description="A key of the catalog.")

    def drafts(self) -> list[Draft]:
        """One draft for each recipient."""
        return self.drafts_of(self.event)


class NewNotifications(In):
    notifications: list[NewNotification] = Field(
        min_length=1,
        max_length=MOST_AT_ONCE,
        description=f"Appended all or none; up to {MOST_AT_ONCE}, counting every recipient.",
    )

    def drafts(self) -> Sequence[Draft]:
        return [draft for notification in self.notifications for draft in notification.drafts()]


class Ids(BaseModel):
    ids: list[UUID] = Field(
        description="One for each recipient, in the order of the request; for what is sent later that under "
        "which it waits."
    )


class ScheduledOut(BaseModel):
    id: UUID
    to: dict[Audience, UUID | Literal[True]]
    event: str
    title: str
    send_at: datetime
    state: ScheduledState
    notification_id: UUID | None = Field(description="What it became, once it is sent.")
    refusal: str | None = Field(description="Why it could not be sent at its time.")
    finished_at: datetime | None

    @classmethod
    def of(cls, scheduled: Scheduled) -> ScheduledOut:
        to = scheduled.to
        return cls(
            id=scheduled.id,
            to={to.audience: True if to.audience is Audience.EVERYONE else to.id},
            event=scheduled.draft["event"],
            title=scheduled.draft["title"],
            send_at=scheduled.send_at,
            state=scheduled.state,
            notification_id=scheduled.notification_id,
            refusal=scheduled.refusal,
            finished_at=scheduled.finished_at,
        )

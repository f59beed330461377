"""The company contract's wire models. Outputs have no defaults, so that clients see every field."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from tidings.model import Item, Level, Severity

SLOTS = 6
"""Of the dashboard."""


class _Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class LoginRequest(_Camel):
    email: str = Field(max_length=320)
    password: str = Field(min_length=1, max_length=1024)


class Login(_Camel):
    token: str
    expires_in: int = Field(description="Seconds.")


class Notification(_Camel):
    """A notification as the company has it; `readedAt` is spelled as the contract spells it."""

    id: UUID = Field(serialization_alias="_id")
    is_read: bool
    readed_at: datetime | None
    created_at: datetime
    company: UUID
    title: str
    body: str | None
    event_key: str
    topic: str
    severity: Severity
    data: dict[str, Any]

    @classmethod
    def of(cls, item: Item) -> Notification:
        notification = item.notification
        return cls(
            id=item.id,
            is_read=item.level >= Level.READ,
            readed_at=item.read_at,
            created_at=notification.created_at,
            company=notification.stream_id,
            title=notification.title,
            body=notification.body,
            event_key=notification.event,
            topic=notification.topic,
            severity=notification.severity,
            data=dict(notification.data),
        )


class Updated(_Camel):
    updated: int = Field(description="How many were unread.")


class Auction(BaseModel):
    """An auction that nobody of the company has signed yet."""

    service_code: str


class Dashboard(_Camel):
    """Six slots: the auctions to be signed come first, unread notifications take what is left."""

    company_missing_signature: bool
    not_signed_auctions_count: int = Field(ge=0, le=SLOTS)
    not_signed_auctions: list[Auction] = Field(max_length=SLOTS, description="The newest first.")
    notifications: list[Notification] = Field(max_length=SLOTS, description="Unread, the newest first.")
    unread_count: int = Field(ge=0, description="All that are unread, whether or not they are shown here.")


class Failure(BaseModel):
    message: str = Field(description="A code.")
    status: int

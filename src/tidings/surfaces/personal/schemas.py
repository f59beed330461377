"""The personal contract's wire models, in camelCase. Outputs have no defaults: clients see every field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, Self, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, model_validator
from pydantic.alias_generators import to_camel

from tidings.inbox.preferences import EventChannels
from tidings.model import PRESENT, READ, UNREAD, Event, Item, Level, View

MOST_ON_A_PAGE = 50
_LAST_PAGE = 2**31 - 1
_WINDOWS = {"true": READ, "false": UNREAD}

T = TypeVar("T")


class _Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


# --- in ----------------------------------------------------------------------------------------------------


class LoginRequest(_Camel):
    email: str = Field(max_length=320, description="Trimmed and lower-cased.")
    password: str = Field(min_length=1, max_length=1024)
    captcha_token: str | None = Field(default=None, description="Only where a captcha is on.")


class RefreshRequest(_Camel):
    refresh_token: str | None = Field(
        default=None, max_length=1024, description="Only where there is no cookie."
    )


def _clamped(limit: int) -> int:
    return min(max(limit, 1), MOST_ON_A_PAGE)


class ListQuery(_Camel):
    read: str | None = Field(default=None, description="`true` or `false`; anything else is no filter.")
    page: int = Field(default=1, ge=1, le=_LAST_PAGE)
    limit: Annotated[int, AfterValidator(_clamped)] = Field(
        default=20, description=f"Taken as 1 where it is less, as {MOST_ON_A_PAGE} where it is more."
    )

    def view(self) -> View:
        return View(windows=(_WINDOWS.get(self.read or "", PRESENT),), by_level=True)


def _without_default(schema: dict[str, Any]) -> None:
    del schema["default"]


_Choice = Annotated[StrictBool, Field(json_schema_extra=_without_default)]


class Channels(_Camel):
    """Channels to turn on or off; those that are not named stay as they are."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    email: _Choice = False
    push: _Choice = False
    in_app: _Choice = False
    web_push: _Choice = False
    sms: _Choice = False

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("Name one channel at least.")
        return self

    def chosen(self) -> dict[str, bool]:
        """Those that were sent, by the core's names."""
        return self.model_dump(exclude_unset=True)


ALL_ON = dict.fromkeys(Channels.model_fields, True)
"""What the first choice for an event makes of the channels that it does not name."""


# --- out ---------------------------------------------------------------------------------------------------


class Success(_Camel, Generic[T]):
    success: Literal[True]
    data: T


class AccessToken(_Camel):
    access_token: str
    expires_in: int = Field(description="Seconds.")


class Notification(_Camel):
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


class NotificationPage(_Camel):
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


class UnreadCount(_Camel):
    count: int


class Cleared(_Camel):
    deleted: int = Field(description="How many read ones there were; 0 is normal.")


class Updated(_Camel):
    updated: int = Field(description="How many were unread.")


class Done(_Camel):
    """The success of a call that has nothing to say."""

    success: Literal[True]


DONE = Done(success=True)


class Defaults(_Camel):
    """Through which channels an event goes to who chose nothing for it."""

    event_key: str
    email: bool
    push: bool
    in_app: bool
    web_push: bool
    sms: bool

    @classmethod
    def of(cls, event: Event) -> Defaults:
        return cls(event_key=event.key, **_shown(event.channels))


class Preference(Defaults):
    """Through which channels an event reaches the caller."""

    customized: bool = Field(description="The caller chose something for this event.")

    @classmethod
    def chosen(cls, one: EventChannels) -> Preference:
        return cls(event_key=one.event, customized=one.customized, **_shown(one.channels))


def _shown(channels: Mapping[str, bool]) -> dict[str, bool]:
    """Those channels that this contract knows."""
    return {name: channels[name] for name in Channels.model_fields}


class Detail(_Camel):
    message: str


class Error(_Camel):
    code: str
    message: str = Field(description="In English; what clients translate is the key.")
    i18n_key: str = Field(alias="i18nKey")
    i18n_vars: dict[str, Any] = Field(alias="i18nVars")
    details: list[Detail]
    correlation_id: UUID = Field(description="Also in the header X-Correlation-ID and in the server's log.")


class Failure(_Camel):
    success: Literal[False]
    error: Error


def success(data: T) -> Success[T]:
    """The envelope of a success."""
    return Success(success=True, data=data)

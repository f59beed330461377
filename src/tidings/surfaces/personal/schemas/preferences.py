"""Through which channels an event reaches somebody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, StrictBool, model_validator

from tidings.inbox.preferences import EventChannels
from tidings.model import Event
from tidings.surfaces.personal.schemas.envelopes import Camel


def _without_default(schema: dict[str, Any]) -> None:
    del schema["default"]


_Choice = Annotated[StrictBool, Field(json_schema_extra=_without_default)]


class Channels(Camel):
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


class Defaults(Camel):
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

"""What goes over the wire about what a user chose. Outputs have no defaults: clients see every field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, RootModel, StrictBool

from tidings.inbox.preferences import Choice, Preferences, Source
from tidings.model import Event, QuietHours
from tidings.surfaces.native.schemas.values import Channel, In, Text

_Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["22:00"])]
Key = Annotated[Text, Field(min_length=1, max_length=128)]


class Choices(RootModel[dict[Channel, StrictBool | None]]):
    """Channel → on, off, or null: as if nothing had been chosen. What is not named stays as it is."""


class QuietHoursIn(In):
    begins: _Clock
    ends: _Clock = Field(description="Not later than `begins`: on the next day.")
    time_zone: Text = Field(max_length=64, examples=["Europe/Lisbon"], description="Of the IANA database.")

    def hours(self) -> QuietHours:
        return QuietHours(
            begins=time.fromisoformat(self.begins),
            ends=time.fromisoformat(self.ends),
            time_zone=self.time_zone,
        )


class QuietHoursOut(BaseModel):
    begins: str
    ends: str
    time_zone: str

    @classmethod
    def of(cls, quiet: QuietHours) -> QuietHoursOut:
        return cls(
            begins=quiet.begins.isoformat("minutes"),
            ends=quiet.ends.isoformat("minutes"),
            time_zone=quiet.time_zone,
        )


class ChannelOut(BaseModel):
    enabled: bool
    source: Source = Field(description="What decides: the event's default, a choice, or that it is critical.")


class TopicChannelOut(BaseModel):
    enabled: bool = Field(description="Off, it takes the topic's events with it, but what is critical.")
    source: Literal[Source.TOPIC, Source.DEFAULT] = Field(
        description="`topic`: it was chosen. `default`: nothing was chosen, and then a topic restricts "
        "nothing; what decides is told with each event."
    )


class EventPreference(BaseModel):
    event: str
    topic: str
    critical: bool = Field(description="Its channels in_app and email are always on.")
    channels: dict[Channel, ChannelOut]

    @classmethod
    def of(cls, event: Event, choices: Mapping[str, Choice]) -> EventPreference:
        return cls.model_validate(
            {
                "event": event.key,
                "topic": event.topic,
                "critical": event.critical,
                "channels": _told(choices),
            }
        )


def _told(choices: Mapping[str, Choice]) -> dict[str, Any]:
    return {name: {"enabled": choice.enabled, "source": choice.source} for name, choice in choices.items()}


class PreferencesOut(BaseModel):
    events: list[EventPreference] = Field(description="Every event of the catalog.")
    topics: dict[str, dict[Channel, TopicChannelOut]] = Field(
        description="Every topic of the catalog, with every channel."
    )
    quiet_hours: QuietHoursOut | None
    available_channels: list[str] = Field(description="The channels that are set up.")

    @classmethod
    def of(cls, preferences: Preferences) -> PreferencesOut:
        return cls.model_validate(
            {
                "events": [EventPreference.of(event, of) for event, of in preferences.events.values()],
                "topics": {topic: _told(choices) for topic, choices in preferences.topics.items()},
                "quiet_hours": preferences.quiet_hours and QuietHoursOut.of(preferences.quiet_hours),
                "available_channels": preferences.available,
            }
        )

"""What goes over the wire about the catalog."""

from __future__ import annotations

from pydantic import BaseModel, Field, StrictBool

from tidings.model import Event, Severity
from tidings.surfaces.native.schemas.values import Channel, In, TopicKey


class EventIn(In):
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

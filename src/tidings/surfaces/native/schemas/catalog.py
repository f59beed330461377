"""What goes over the wire about the catalog."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, Field, StrictBool, StrictInt

from tidings.model import Event, Rhythm, Severity
from tidings.surfaces.native.schemas.values import Channel, In, TopicKey

LONGEST_ESCALATION = 30 * 24 * 60
"""Minutes."""


class EventIn(In):
    topic: TopicKey = Field(description="A topic that is new extends the catalog.")
    severity: Severity = Severity.INFO
    channels: dict[Channel, StrictBool] = Field(
        default_factory=dict,
        description="The defaults. What is left out is off, but in_app is on.",
    )
    critical: StrictBool = Field(default=False, description="Nobody can switch its in-app channel off.")
    digest: Rhythm = Field(
        default=Rhythm.AT_ONCE,
        description="By mail and the like it goes with all that is unread then: at the full hour, at eight, "
        "or on Mondays at eight, where the reader is.",
    )
    escalate_after_minutes: StrictInt | None = Field(
        default=None,
        ge=1,
        le=LONGEST_ESCALATION,
        description="By mail and the like it goes only if it is unread then. null: at once.",
    )

    @property
    def escalate_after(self) -> timedelta | None:
        minutes = self.escalate_after_minutes
        return None if minutes is None else timedelta(minutes=minutes)


class EventOut(BaseModel):
    key: str
    topic: str
    severity: Severity
    channels: dict[Channel, bool]
    critical: bool
    digest: Rhythm
    escalate_after_minutes: int | None

    @classmethod
    def of(cls, event: Event) -> EventOut:
        after = event.escalate_after
        minutes = None if after is None else after // timedelta(minutes=1)
        return cls.model_validate({**vars(event), "escalate_after_minutes": minutes})

"""What goes over the wire about live alerts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from tidings.inbox.alerts import LONGEST_ID
from tidings.model import Alert, Severity
from tidings.surfaces.native.schemas.json_values import LARGEST
from tidings.surfaces.native.schemas.values import In, JsonObject, Text

AlertId = Annotated[Text, Field(min_length=1, max_length=LONGEST_ID, examples=["low-cash"])]


class AlertIn(In):
    kind: Text = Field(
        min_length=1,
        max_length=64,
        description="What sort of condition. One that is named as a topic is listed under that topic.",
        examples=["low_cash"],
    )
    severity: Severity
    title: Text = Field(min_length=1, max_length=500)
    body: Text | None = Field(default=None, max_length=20_000)
    data: JsonObject = Field(
        default_factory=dict,
        description=f"Any JSON object, up to {LARGEST} bytes. A company's dashboard shows the `service_code` "
        "of those of the kind `unsigned_auction`.",
    )


class AlertOut(BaseModel):
    id: str
    business_id: UUID
    episode: UUID = Field(description="Another each time that the alert is raised anew.")
    kind: str
    severity: Severity
    title: str
    body: str | None
    data: dict[str, Any]
    raised_at: datetime
    updated_at: datetime = Field(description="When it was last raised or changed.")

    @classmethod
    def of(cls, alert: Alert) -> AlertOut:
        return cls.model_validate(alert, from_attributes=True)


class AlertsQuery(In):
    business_id: UUID | None = Field(default=None, description="Left out: of all that the reader reads.")


class AlertsOut(BaseModel):
    items: list[AlertOut]

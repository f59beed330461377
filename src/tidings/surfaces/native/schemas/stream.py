"""What goes over the wire as events. Outputs have no defaults: clients see every field."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from tidings.inbox.live import AlertChanged, Appended, Ended, Operated, fresh
from tidings.model import Reader
from tidings.realtime.hub import News
from tidings.surfaces.native.schemas.alerts import AlertOut
from tidings.surfaces.native.schemas.inbox import InboxItem


class StreamTicket(BaseModel):
    ticket: str = Field(description="Give it as `ticket` to `GET /v1/inbox/stream`, once.")
    expires_at: datetime


class SweepOut(BaseModel):
    """Everything up to some positions is at least at this level now, but what was snoozed then."""

    level: str = Field(description="`seen`, `read`, `dismissed` or `deleted`.")
    at: datetime = Field(description="When.")
    lanes: list[tuple[UUID, int, int]] = Field(
        description="[stream, lane, position]: up to which position in a lane, that one included."
    )
    only_read: bool = Field(description="Of these only what was read or dismissed is meant.")


class StateEvent(BaseModel):
    """`state`: what became of notifications, for this reader or, where they were resolved, for everybody."""

    sweeps: list[SweepOut] = Field(description="To be applied in this order, and before the items.")
    items: list[InboxItem] = Field(description="These as they are now.")
    gone: list[UUID] = Field(description="These are no longer there.")
    resolved: list[UUID] = Field(description="These were settled.")
    resolved_at: datetime | None


class GoneEvent(BaseModel):
    """`gone`: withdrawn, replaced, expired or too old, for everybody."""

    ids: list[UUID]
    lanes: list[tuple[UUID, int, int]] = Field(
        description="[stream, lane, position]: everything up to this position in a lane."
    )


class AlertEvent(BaseModel):
    """`alert`: a live alert was raised, changed, cleared, or dismissed by the reader."""

    business_id: UUID
    id: str
    alert: AlertOut | None = Field(description="As it is now; null: it is no longer there for the reader.")


def rendered(news: News, reader: Reader) -> list[tuple[str, bytes]]:
    """What an event is on this surface: (name, data)s."""
    event = news.event
    if isinstance(event, Appended):
        return [_json("notification", InboxItem.of(fresh(event.notification), reader))]
    if isinstance(event, Ended):
        return _ended(event)
    if isinstance(event, AlertChanged):
        alert = event.alert and AlertOut.of(event.alert)
        return [_json("alert", AlertEvent(business_id=event.business_id, id=event.alert_id, alert=alert))]
    return _operated(event, reader) if isinstance(event, Operated) else []


def _ended(event: Ended) -> list[tuple[str, bytes]]:
    if event.id is None:
        upto = (event.stream_id, event.lane, event.position)
        return [_json("gone", GoneEvent(ids=[], lanes=[upto]))]
    if event.resolved_at is None:
        return [_json("gone", GoneEvent(ids=[event.id], lanes=[]))]
    state = StateEvent(sweeps=[], items=[], gone=[], resolved=[event.id], resolved_at=event.resolved_at)
    return [_json("state", state)]


def _operated(event: Operated, reader: Reader) -> list[tuple[str, bytes]]:
    told: list[tuple[str, bytes]] = []
    if event.sweeps or event.items or event.gone:
        state = StateEvent(
            sweeps=[
                SweepOut(
                    level=one.level.name.lower(), at=one.at, lanes=list(one.lanes), only_read=one.only_read
                )
                for one in event.sweeps
            ],
            items=[InboxItem.of(item, reader) for item in event.items],
            gone=list(event.gone),
            resolved=[],
            resolved_at=None,
        )
        told.append(_json("state", state))
    for business_id, alert_id in event.alerts_dismissed:
        told.append(_json("alert", AlertEvent(business_id=business_id, id=alert_id, alert=None)))
    if event.preferences:
        told.append(("preferences", b"{}"))
    return told


def _json(name: str, model: BaseModel) -> tuple[str, bytes]:
    return name, model.model_dump_json().encode()

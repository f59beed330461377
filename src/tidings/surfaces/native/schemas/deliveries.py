"""What became of a notification outside the inbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from tidings.delivery.record import Delivery
from tidings.storage.jobs import Attempt, JobStatus, Reason


class AttemptOut(BaseModel):
    at: datetime
    milliseconds: int = Field(description="How long it took.")
    answer: str = Field(description="What the other side said, cut short.")

    @classmethod
    def of(cls, attempt: Attempt) -> AttemptOut:
        return cls(at=attempt.at, milliseconds=attempt.milliseconds, answer=attempt.answer)


class DeliveryOut(BaseModel):
    id: UUID
    channel: str
    reader_id: UUID | None = Field(description="Null: it is for all who read the stream; see `reached`.")
    reached: int | None = Field(description="For how many of these there is a delivery of their own so far.")
    status: JobStatus = Field(description="`failed` is tried again, `dead` is not.")
    reason: Reason | None = Field(description="Why it is so; null: nothing is decided yet.")
    next_at: datetime | None = Field(description="When it is due; null: it is finished.")
    created_at: datetime
    finished_at: datetime | None
    attempts: list[AttemptOut]

    @classmethod
    def of(cls, delivery: Delivery) -> DeliveryOut:
        job = delivery.job
        return cls(
            id=job.id,
            channel=job.channel,
            reader_id=job.reader_id if job.reached is None else None,
            reached=job.reached,
            status=job.status,
            reason=job.reason,
            next_at=delivery.next_at,
            created_at=job.created_at,
            finished_at=job.finished_at,
            attempts=[AttemptOut.of(one) for one in delivery.attempts],
        )


class DeliveriesOut(BaseModel):
    items: list[DeliveryOut]
    next_cursor: UUID | None = Field(description="Null: nothing follows.")

    @classmethod
    def of(cls, found: Sequence[Delivery], limit: int) -> DeliveriesOut:
        """A page of at most `limit`, of one more if there is one."""
        shown = found[:limit]
        return cls(
            items=[DeliveryOut.of(one) for one in shown],
            next_cursor=shown[-1].job.id if len(found) > limit else None,
        )

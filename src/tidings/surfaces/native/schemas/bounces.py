"""What followed from a report on mails."""

from __future__ import annotations

from pydantic import BaseModel, Field

from tidings.delivery.reports import Ignored, Suppressed, Taken, Unheeded
from tidings.model import Suppression


class SuppressedOut(BaseModel):
    address: str
    reason: Suppression

    @classmethod
    def of(cls, one: Suppressed) -> SuppressedOut:
        return cls(address=one.address, reason=one.reason)


class IgnoredOut(BaseModel):
    address: str | None = Field(description="As reported; null: the report does not tell it.")
    reason: Unheeded = Field(
        description="`not_ours`: it names no mail that was sent from here. `other_address`: than its reader "
        "has now. `address_stands`: the mail did not arrive, for a reason that may pass. `no_failure`: a "
        "delay, a receipt, or the like."
    )

    @classmethod
    def of(cls, one: Ignored) -> IgnoredOut:
        return cls(address=one.address, reason=one.reason)


class BouncesOut(BaseModel):
    suppressed: list[SuppressedOut] = Field(description="To these no mail goes any more.")
    ignored: list[IgnoredOut]

    @classmethod
    def of(cls, taken: Taken) -> BouncesOut:
        return cls(
            suppressed=[SuppressedOut.of(one) for one in taken.suppressed],
            ignored=[IgnoredOut.of(one) for one in taken.ignored],
        )

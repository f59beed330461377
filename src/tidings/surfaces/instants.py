"""Times as they are sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies outside of the years 1 to 9999") from None


Utc = Annotated[AwareDatetime, AfterValidator(_utc)]
"""A time with its offset, as one in UTC that both databases can keep."""

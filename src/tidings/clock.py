"""Time, as the core takes it: aware, UTC, in microseconds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Where the time of an operation comes from."""

    def now(self, database: datetime | None) -> datetime:
        """The time now. `database` is the database server's own clock, None where there is no server."""
        ...


class SystemClock:
    """The database server's clock where there is one, so that hosts need not agree; else this machine's."""

    def now(self, database: datetime | None) -> datetime:
        return database or datetime.now(UTC)

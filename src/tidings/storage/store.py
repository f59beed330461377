"""One connection, and the groups of named statements bound to it."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from tidings.storage.accounts import Accounts
from tidings.storage.alerts import Alerts
from tidings.storage.catalog import Catalog, EventCache
from tidings.storage.connection import Connection
from tidings.storage.credentials import Credentials
from tidings.storage.feed import Feed
from tidings.storage.folding import Folding
from tidings.storage.idempotency import Idempotency
from tidings.storage.imports import Imports
from tidings.storage.jobs import Jobs
from tidings.storage.lines import Lines
from tidings.storage.logs import Logs
from tidings.storage.pace import Pace
from tidings.storage.push import PushSubscriptions
from tidings.storage.queue import Queue
from tidings.storage.readable import Readable
from tidings.storage.readers import Readers
from tidings.storage.scheduled import Schedule
from tidings.storage.streams import Streams
from tidings.storage.suppression import Suppressions
from tidings.storage.templates import Templates
from tidings.storage.tickets import Tickets
from tidings.storage.totals import Totals
from tidings.storage.upkeep import Upkeep
from tidings.storage.windows import Windows


class Store:
    """What the core sees of the database; lives as long as one transaction or one read."""

    def __init__(
        self, connection: Connection, events: EventCache, channels: frozenset[str] = frozenset()
    ) -> None:
        self.connection = connection
        self.channels = channels  # for which what is appended leaves jobs
        self._events = events

    async def now(self) -> datetime:
        """The time now, by the clock that every operation goes by."""
        return await self.connection.now()

    @cached_property
    def accounts(self) -> Accounts:
        return Accounts(self.connection)

    @cached_property
    def alerts(self) -> Alerts:
        return Alerts(self.connection)

    @cached_property
    def catalog(self) -> Catalog:
        return Catalog(self.connection, self._events)

    @cached_property
    def credentials(self) -> Credentials:
        return Credentials(self.connection)

    @cached_property
    def feed(self) -> Feed:
        return Feed(self.connection)

    @cached_property
    def folding(self) -> Folding:
        return Folding(self.connection)

    @cached_property
    def imports(self) -> Imports:
        return Imports(self.connection)

    @cached_property
    def idempotency(self) -> Idempotency:
        return Idempotency(self.connection)

    @cached_property
    def jobs(self) -> Jobs:
        return Jobs(self.connection)

    @cached_property
    def lines(self) -> Lines:
        return Lines(self.connection)

    @cached_property
    def logs(self) -> Logs:
        return Logs(self.connection)

    @cached_property
    def pace(self) -> Pace:
        return Pace(self.connection)

    @cached_property
    def push(self) -> PushSubscriptions:
        return PushSubscriptions(self.connection)

    @cached_property
    def queue(self) -> Queue:
        return Queue(self.connection)

    @cached_property
    def readable(self) -> Readable:
        return Readable(self.connection)

    @cached_property
    def readers(self) -> Readers:
        return Readers(self.connection, self.lines)

    @cached_property
    def scheduled(self) -> Schedule:
        return Schedule(self.connection)

    @cached_property
    def streams(self) -> Streams:
        return Streams(self.connection)

    @cached_property
    def suppressions(self) -> Suppressions:
        return Suppressions(self.connection)

    @cached_property
    def templates(self) -> Templates:
        return Templates(self.connection)

    @cached_property
    def tickets(self) -> Tickets:
        return Tickets(self.connection)

    @cached_property
    def totals(self) -> Totals:
        return Totals(self.connection)

    @cached_property
    def upkeep(self) -> Upkeep:
        return Upkeep(self.connection)

    @cached_property
    def windows(self) -> Windows:
        return Windows(self.connection)

    async def scalar(self, statement: sa.Executable) -> Any:
        """The first column of the first row, for checks that have no method of their own."""
        return await self.connection.scalar(statement)

"""One database on which histories are made one after the other, and what they did there."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

import sqlalchemy as sa

from tests.conftest import MovingClock
from tidings.inbox.catalog import put_event
from tidings.inbox.upkeep import run_upkeep
from tidings.model import Severity
from tidings.storage.engine import Database
from tidings.storage.store import Store
from tidings.storage.tables import erasure, expiry

T = TypeVar("T")
P = ParamSpec("P")


@dataclass
class Tally:
    """How much was done."""

    histories: int = 0
    steps: int = 0
    tried: Counter[str] = field(default_factory=Counter[str])
    changed: Counter[str] = field(default_factory=Counter[str])

    def note(self, what: str, changed: bool) -> None:
        self.tried[what] += 1
        self.changed[what] += changed

    def __str__(self) -> str:
        head = f"{self.steps} steps in {self.histories} histories; how often each changed something:"
        rows = [
            f"  {what:<20}{self.changed[what]:>7} of {self.tried[what]:>6}" for what in sorted(self.tried)
        ]
        return "\n".join([head, *rows])


class Arena:
    """A database, a clock and an event loop. No id is used twice, so that nothing need be emptied."""

    def __init__(self, url: str) -> None:
        self.clock = MovingClock()
        self.database = Database(url, clock=self.clock, pool_size=2, synchronous="NORMAL")
        self.tally = Tally()
        self._runner = asyncio.Runner()
        self._ids = (UUID(int=number << 64) for number in count(1))
        self._latest = self.clock.at
        self._catalog: dict[str, tuple[object, ...]] = {}

    def close(self) -> None:
        self.run(self.database.dispose())
        self._runner.close()

    def start(self) -> datetime:
        """The time at which the next history begins: everyone's stream outlives them and must not go back."""
        self.tally.histories += 1
        self.clock.at = max(self._latest, self.clock.at) + timedelta(hours=1)
        self._latest = self.clock.at
        return self.clock.at

    def new_id(self) -> UUID:
        return next(self._ids)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(coroutine)

    def do(
        self, call: Callable[Concatenate[Store, P], Awaitable[T]], *arguments: P.args, **named: P.kwargs
    ) -> T:
        """One operation of the product, in a transaction of its own."""

        async def transaction() -> T:
            async with self.database.begin() as store:
                return await call(store, *arguments, **named)

        return self.run(transaction())

    def put_event(self, key: str, topic: str, severity: Severity, *, in_app: bool, critical: bool) -> None:
        """The catalog is everybody's and stays; most histories find it as they want it."""
        values = (topic, severity, in_app, critical)
        if self._catalog.get(key) != values:
            channels = {"in_app": in_app}
            self.do(put_event, key, topic=topic, severity=severity, channels=channels, critical=critical)
            self._catalog[key] = values

    def keep_up(self) -> bool:
        """Run the upkeep; whether anything was due."""

        async def due() -> int:
            now = self.clock.at
            expired = sa.select(sa.func.count()).select_from(expiry).where(expiry.c.expires_at <= now)
            erased = sa.select(sa.func.count()).select_from(erasure).where(erasure.c.due_at < now)
            async with self.database.read() as store:
                return await store.scalar(expired) + await store.scalar(erased)

        waiting = self.run(due())
        self.run(run_upkeep(self.database))
        return waiting > 0

"""What was known and what the stream tells make up what there is: random histories, cut at random."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from random import Random
from typing import ClassVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from tests.arena import Arena
from tests.follower import Client
from tests.histories import RANDOM, History
from tests.oracle import ALL
from tidings.inbox.live import Telling
from tidings.realtime.hub import Hub
from tidings.surfaces import live

HISTORIES, STEPS = 70, 50
LEAST_TOLD = {"notification": 100, "gone": 50, "state": 200, "resync": 50, "preferences": 10}


class Followed(History):
    """A history in which every reader has a window open, and its connection dies now and then."""

    told: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.hub = Hub(Telling(self.arena.database))
        self.hub.running = True
        self.arena.database.on_news = self.hub.wake
        self.clients: dict[UUID, Client] = {}

    def teardown(self) -> None:
        for client in self.clients.values():
            self.arena.run(client.cut())

    @rule(random=RANDOM)
    def dies(self, random: Random) -> None:
        """Connections are lost, with what had come or in the midst of it; what they missed is told later."""
        self._begin("rest")
        self.arena.run(self.hub.look())
        for client in self.clients.values():
            if random.randrange(2):
                self.arena.run(client.read(self.sent, most=1 + random.randrange(3)))
            elif random.randrange(2):
                self.arena.run(client.cut())

    @invariant()
    def agrees(self) -> None:
        """Instead of with the oracle: what the windows show is what there is."""
        if self.called != "rest":
            self._note_views()
        if self.random.randrange(3):
            return  # let some more happen first
        for id_, reader in self.readers.items():
            if id_ not in self.clients:
                self.clients[id_] = Client(self.arena.database, self.hub, reader)
                self.arena.run(self.clients[id_].look(self.sent))
        self.arena.run(self._follow())

    def _note_views(self) -> None:
        """What the steps go by."""
        now = self.clock.at
        self.there = {
            reader: self._in_order(self.oracle.present(reader, ALL, now)) for reader in self.readers
        }
        if self.called == "catalog":  # what an operator changes for everybody is not told
            for client in self.clients.values():
                self.arena.run(client.cut())
                self.arena.run(client.look(self.sent))

    async def _follow(self) -> None:
        await self.hub.look()
        for client in self.clients.values():
            before = len(client.told)
            await client.read(self.sent)
            now = self.clock.at
            fresh = client.shown(await client.fresh(self.sent), now)
            assert client.shown(client.items, now) == fresh, self.names[client.reader.id]
            self.told.update(one.name or "" for one in client.told[before:])


@pytest.fixture
def arena(database_url: str) -> Generator[Arena]:
    arena = Arena(database_url)
    yield arena
    arena.close()


def test_what_was_known_and_what_is_told_make_up_what_there_is(
    arena: Arena, monkeypatch: pytest.MonkeyPatch, tell: Callable[[str], None]
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0)  # who has read all there is goes on
    told: Counter[str] = Counter()
    here = type("FollowedHere", (Followed,), {"arena": arena, "told": told})
    bounded = settings(
        max_examples=HISTORIES,
        stateful_step_count=STEPS,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(1)(here), settings=bounded)

    tell(f"{arena.database.url.get_backend_name()}: told {dict(told)}")
    assert {name for name, least in LEAST_TOLD.items() if told[name] < least} == set()

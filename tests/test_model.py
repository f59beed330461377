"""The product against the oracle: random histories on both databases, compared after every step.

They are the same in every run. With TIDINGS_SOAK_SECONDS set they are others each time, for so long on each
database: `make soak`.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Generator

import pytest

from tests.arena import Arena, Tally
from tests.oracle import RAISES
from tests.play import play

SOAK_SECONDS = "TIDINGS_SOAK_SECONDS"
LEAST_STEPS = 10_000
MOST_STEPS = 30_000  # by then each operation should have changed something often enough
LEAST_CHANGES = 100
HISTORIES = 30  # for one seed
SEED = 1

OPERATIONS = (
    *(f"{action} by {way}" for action in RAISES for way in ("ids", "filter")),
    *("unread", "restore", "refresh", "snooze", "unsnooze", "pin", "unpin", "resolve", "clear read"),
    *("undo by ids", "undo by filter"),
    *("send", "collapse", "withdraw", "expiry", "end of a snooze", "retention", "catalog"),
    *("a user arrives", "join late", "leave", "rejoin", "in-app off", "in-app on", "fold", "upkeep"),
)
"""Each of these must have changed something LEAST_CHANGES times, or nothing was proved of it."""


@pytest.fixture
def arena(database_url: str) -> Generator[Arena]:
    arena = Arena(database_url)
    yield arena
    arena.close()


def test_the_product_agrees_with_the_oracle(arena: Arena, capsys: pytest.CaptureFixture[str]) -> None:
    soak = float(os.environ.get(SOAK_SECONDS, "0"))
    first = seed = secrets.randbits(32) if soak else SEED
    began = time.monotonic()
    while arena.tally.steps < LEAST_STEPS or _seldom(arena.tally) or time.monotonic() < began + soak:
        play(arena, seed, HISTORIES)
        seed += 1
        if arena.tally.steps > MOST_STEPS and not soak:
            break

    with capsys.disabled():
        where, took = arena.database.url.get_backend_name(), time.monotonic() - began
        print(f"\n{where}, seeds {first} to {seed - 1}, {took:.0f} s: {arena.tally}")
    assert arena.tally.steps >= LEAST_STEPS
    assert _seldom(arena.tally) == {}


def _seldom(tally: Tally) -> dict[str, int]:
    """What changed something too seldom, and how often."""
    return {name: tally.changed[name] for name in OPERATIONS if tally.changed[name] < LEAST_CHANGES}

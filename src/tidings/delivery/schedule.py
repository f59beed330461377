"""When something that failed is tried again, and when it is given up."""

from __future__ import annotations

import random
from datetime import timedelta

MOST_ATTEMPTS = 16
"""After so many it is given up: about thirty hours after the first."""

_FIRST = timedelta(seconds=10)
_LONGEST = timedelta(hours=6)
_SPREAD = 0.25


def pause(attempts: int, asked: timedelta | None = None, *, spread: random.Random) -> timedelta:
    """How long to wait after so many attempts (1 or more), twice as long each time, up to six hours.

    A quarter more or less, so that what failed together does not come back together; and never less than the
    other side `asked` for, which is believed up to a day.
    """
    steps = min(attempts - 1, 20)
    own = min(_LONGEST, _FIRST * 2**steps) * spread.uniform(1 - _SPREAD, 1 + _SPREAD)
    return max(own, min(asked or timedelta(0), timedelta(days=1)))

"""Hosts that let others wait: a few sends wait for them, and all others go on."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager

PATIENCE_SECONDS = 1.0
"""Who answers later than that is slow, until it answers sooner."""
FEW = 4
"""So many sends at once to who is slow."""

Host = tuple[str, str]  # channel, name


class Hosts:
    """What this process is sending, and to whom."""

    def __init__(self, on_late: Callable[[], None]) -> None:
        """`on_late` is called when a send has waited for longer than it should."""
        self._on_late = on_late
        self._under_way = Counter[Host]()
        self._slow = set[Host]()
        self.late = 0
        """How many sends wait for longer than they should: they keep no others from going."""

    @property
    def are_slow(self) -> bool:
        """Whether any of them is."""
        return bool(self._slow)

    def is_busy(self, host: Host) -> bool:
        """Whether enough wait for it already."""
        return host in self._slow and self._under_way[host] >= FEW

    @contextmanager
    def sending(self, host: Host) -> Generator[None]:
        """For as long as a send lasts."""
        is_late = False

        def grow_late() -> None:
            nonlocal is_late
            is_late = True
            self.late += 1
            self._slow.add(host)
            self._on_late()

        timer = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, grow_late)
        self._under_way[host] += 1
        try:
            yield
        finally:
            timer.cancel()
            self._under_way -= Counter([host])
            if is_late:
                self.late -= 1
            else:
                self._slow.discard(host)

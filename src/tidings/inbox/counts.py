"""How many: a subtraction a lane, exact and never capped."""

from __future__ import annotations

from tidings.model import Reach, Window
from tidings.storage.store import Store


async def count(store: Store, reach: Reach, window: Window, *, by_level: bool = False) -> int:
    """How many notifications in reach have a level in the window; running snoozes never count.

    Resolved ones count only `by_level`, where a contract knows no resolve.
    """
    everything, unresolved = await store.windows.total(reach, window)
    return everything if by_level else unresolved

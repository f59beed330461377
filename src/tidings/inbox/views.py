"""Which levels the statuses that a list asks for are."""

from __future__ import annotations

from collections.abc import Collection

from tidings.model import UNSEEN, Level, Status, Window

_WINDOWS = {
    Status.NEW: UNSEEN,
    Status.SEEN: Window(at_least=Level.SEEN, below=Level.DISMISSED),
    Status.DISMISSED: Window(at_least=Level.DISMISSED, below=Level.DELETED),
}


def windows_of(statuses: Collection[Status], *, below: Level = Level.DELETED) -> tuple[Window, ...]:
    """As few windows as cover those of the statuses that are levels, as far as they lie below a level."""
    windows: list[Window] = []
    for status, window in _WINDOWS.items():
        if status not in statuses or window.at_least >= below:
            continue
        end = min(window.below, below)
        if windows and windows[-1].below == window.at_least:
            windows[-1] = Window(at_least=windows[-1].at_least, below=end)
        else:
            windows.append(Window(at_least=window.at_least, below=end))
    return tuple(windows)

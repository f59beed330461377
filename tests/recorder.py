"""Keeps every statement that the core sends to PostgreSQL, with the storage method that sent it."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, get_type_hints

import sqlalchemy as sa

from tidings import storage
from tidings.storage import connection, postgresql
from tidings.storage.connection import Values
from tidings.storage.store import Store

_STORAGE = str(Path(storage.__file__).parent)
_CONNECTIONS = (postgresql.__file__, connection.__file__)


Listener = Callable[[str, Sequence[Any]], None]
"""Is told the text and the arguments of each statement that goes to PostgreSQL, before it goes."""


def listen(listener: Listener) -> Callable[[], None]:
    """Begin to listen; call what is answered to stop."""
    before = postgresql.sent

    def overheard(statement: sa.Executable, values: Values | None) -> list[Any]:
        sent = before(statement, values)
        listener(sent[0], sent[1:])
        return sent

    def stop() -> None:
        postgresql.sent = before

    postgresql.sent = overheard
    return stop


class Recorder:
    """Hears all of this process. What does not come from storage/ is none of its business."""

    def __init__(self) -> None:
        self.statements: dict[str, set[str]] = defaultdict(set)
        """The text of each statement, and the qualified names of the methods that sent it."""
        self.called: set[CodeType] = set()
        """The code of every function of storage/ that was at work when a statement was sent."""

    def record(self, statement: str, _arguments: Sequence[Any]) -> None:
        codes = [frame.f_code for frame in _stack() if frame.f_code.co_filename.startswith(_STORAGE)]
        methods = [code for code in codes if code in _methods()]
        # A connection and Store.scalar run whatever they are handed: there that is a test's own statement.
        if codes and codes[-1] is not Store.scalar.__code__ and codes[-1].co_filename not in _CONNECTIONS:
            # The outermost: the one that the core called.
            self.statements[statement].add(_methods()[methods[-1]] if methods else codes[-1].co_qualname)
            self.called.update(codes)

    def never_called(self) -> list[str]:
        """The storage methods of which no statement was seen."""
        return sorted(name for code, name in _methods().items() if code not in self.called)


def _stack() -> Iterator[FrameType]:
    """The frames from here outwards."""
    frame: FrameType | None = inspect.currentframe()
    while frame is not None:
        yield frame
        frame = frame.f_back


_known: dict[CodeType, str] = {}


def _methods() -> dict[CodeType, str]:
    """Every public method of a storage group that runs statements, by its code."""
    if not _known:
        for group in _groups():
            for name, method in inspect.getmembers(group, inspect.iscoroutinefunction):
                if not name.startswith("_"):
                    _known[method.__code__] = f"{group.__name__}.{name}"
    return _known


def _groups() -> list[type]:
    """The classes of a Store's groups of statements."""
    properties = [value for value in vars(Store).values() if isinstance(value, cached_property)]
    return [get_type_hints(value.func)["return"] for value in properties]

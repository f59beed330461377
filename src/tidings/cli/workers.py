"""Several processes that serve one socket, and the one that looks after them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.synchronize import Semaphore
from types import FrameType

import structlog

from tidings.cli.options import fail

Serve = Callable[[Callable[[], None]], None]
"""Serves until it is told to end, and calls what it is given once it is ready; goes to another process."""

GRACE_SECONDS = 20.0
"""How long the processes have to end; longer than a server gives to what it still answers."""
_LOOK_SECONDS = 0.2
_PAUSE_SECONDS = 1.0

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Workers:
    """So many processes, each of them started anew where it dies."""

    def __init__(self, number: int, serve: Serve) -> None:
        self._number, self._serve = number, serve
        # Not forked: what a process has opened by now is not for its children.
        self._context: SpawnContext = multiprocessing.get_context("spawn")
        self._ready: Semaphore = self._context.Semaphore(0)
        self._workers: list[SpawnProcess] = []
        self._ending = False

    def run(self, on_ready: Callable[[], None]) -> None:
        """Until SIGTERM or Ctrl-C. `on_ready` is called when all of them serve for the first time.

        Ends with an error where one of them dies before that: so would the next.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._end)
        self._workers = [self._start() for _ in range(self._number)]
        try:
            if self._all_ready():
                on_ready()
                self._look_after()
        finally:
            self._end_all()

    def _end(self, _signal: int, _frame: FrameType | None) -> None:
        self._ending = True

    def _start(self) -> SpawnProcess:
        worker = self._context.Process(target=_work, args=(self._serve, self._ready))
        worker.start()
        return worker

    def _all_ready(self) -> bool:
        """Wait until all are; whether it came to that."""
        ready = 0
        while not self._ending:
            if self._ready.acquire(timeout=_LOOK_SECONDS):
                ready += 1
            if ready == self._number:
                return True
            if any(worker.exitcode is not None for worker in self._workers):
                fail("a process ended before it could serve.")
        return False

    def _look_after(self) -> None:
        while not self._ending:
            wait([worker.sentinel for worker in self._workers], _LOOK_SECONDS)
            for place, worker in enumerate(self._workers):
                if worker.exitcode is not None and not self._ending:
                    _log.error(
                        "a process died; another takes its place", pid=worker.pid, code=worker.exitcode
                    )
                    time.sleep(_PAUSE_SECONDS)  # it may die again at once
                    self._workers[place] = self._start()

    def _end_all(self) -> None:
        for worker in self._workers:
            worker.terminate()
        last = time.monotonic() + GRACE_SECONDS
        for worker in self._workers:
            worker.join(max(0, last - time.monotonic()))
            if worker.exitcode is None:
                _log.error("a process does not end, and is killed", pid=worker.pid)
                worker.kill()
                worker.join()


def _work(serve: Serve, ready: Semaphore) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    serve(ready.release)


def _end_with_parent() -> None:
    """Nobody would end this process, or start it anew, once the one that looks after it is gone."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
    os.kill(os.getpid(), signal.SIGTERM)

"""Forks servers and workers on request: `python -m tests.nursery`.

A line of JSON for each request and each answer.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from typing import Any

import tidings.app
import tidings.cli.server
from tidings.cli.main import app
from tidings.delivery import worker


def main() -> None:
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_answer(*json.loads(line))) + "\n")
        sys.stdout.flush()


def _answer(request: str, *arguments: Any) -> Any:
    if request == "run":
        return _run(*arguments)
    if request == "lease":
        return _shorten_lease(*arguments)
    pid, status = os.waitpid(arguments[0], os.WNOHANG if request == "poll" else 0)
    return os.waitstatus_to_exitcode(status) if pid else None


def _shorten_lease(seconds: float) -> None:
    """Of those that are forked from here on: a minute's would have a test wait for minutes."""
    worker.LEASE = timedelta(seconds=seconds)
    worker._RENEWED_AFTER = worker.LEASE / 3


def _run(command: str, log: str, settings: dict[str, str]) -> int:
    """The id of a new process that becomes `tidings serve`, or another command."""
    pid = os.fork()
    if pid:
        return pid
    os.environ.update(settings)
    nothing, file = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number, source in ((0, nothing), (1, file), (2, file)):
        os.dup2(source, number)
    code = 1
    try:
        app([command])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    finally:
        os._exit(code)  # never back into the loop above


if __name__ == "__main__":
    assert tidings.app
    assert tidings.cli.server
    main()

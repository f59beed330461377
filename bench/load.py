"""Sends HTTP/1.1 requests in a closed loop, from a process of its own: `python -m bench.load`.

A line of JSON in is a job, a line out is what became of it. A connection sends its next request when the last
is answered. One that the server closes is opened anew, in the measured time.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import sys
import time
from collections import Counter
from typing import Any

import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_KEPT_BYTES = 100  # of answers that are shorter it is told how often each came
_PATIENCE_SECONDS = 60  # for what is sent once


class _Connection(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        self._transport, self.open = transport, True

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        if not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("The server hung up."))

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if found and (length := _LENGTH.search(head)) is None:
            self._answer.set_exception(RuntimeError(f"An answer without a length: {head}"))
        elif found and len(body) >= int(length[1]):
            if b"\r\nconnection: close" in head.lower():
                self.open = False
                self._transport.close()
            self._answer.set_result((int(head[9:12]), body))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """The answer's status and body."""
        self._received, self._answer = b"", asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer


async def run(job: dict[str, Any]) -> dict[str, Any]:
    """Each list of `requests` is a connection's own: sent once, or over and over for `seconds`."""
    durations: list[float] = []
    bodies: Counter[str] = Counter()

    async def send(requests: list[str]) -> None:
        connection: Any = None
        for request in itertools.cycle(requests) if job["repeat"] else requests:
            began = time.perf_counter()
            if began >= deadline:
                break
            if connection is None or not connection.open:
                loop = asyncio.get_running_loop()
                _, connection = await loop.create_connection(_Connection, "127.0.0.1", job["port"])
            status, body = await connection.ask(request.encode())
            durations.append(time.perf_counter() - began)
            if status != job["status"]:
                raise RuntimeError(f"{request}\n{status}: {body.decode()}")
            bodies[body.decode() if len(body) <= _KEPT_BYTES else "…"] += 1

    started = time.perf_counter()
    deadline = started + (job["seconds"] if job["repeat"] else _PATIENCE_SECONDS)
    async with asyncio.timeout(2 * _PATIENCE_SECONDS), asyncio.TaskGroup() as group:
        for requests in job["requests"]:
            group.create_task(send(requests))
    return {"seconds": time.perf_counter() - started, "durations": durations, "bodies": bodies}


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for line in sys.stdin:
            print(json.dumps(runner.run(run(json.loads(line)))), flush=True)

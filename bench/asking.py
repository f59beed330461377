"""What a server is asked, and the process that asks (bench.load), as seen from here."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bench.measure import Work
from bench.processes import ROOT


@dataclass(frozen=True, kw_only=True)
class Side:
    """How one server is asked to do a job."""

    port: int
    requests: Sequence[str]  # each user's
    status: int = 200
    before: Work | None = None  # makes ready for each user to ask once; without it they ask over and over
    after: Work | None = None  # checks what came of it
    answer: str | None = None  # every answer's body


def get(path: str, **headers: str) -> str:
    return _request("GET", path, headers)


def post(path: str, **headers: str) -> str:
    return _request("POST", path, {"Content-Length": "0"} | headers)


def _request(method: str, path: str, headers: Mapping[str, str]) -> str:
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{fields}\r\n"


class Load:
    """The process that asks."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def turn(self, side: Side, together: int, seconds: float) -> tuple[float, list[float]]:
        """Requests a second, and how many seconds each took."""
        if side.before is not None:
            await side.before()
            requests = [side.requests[number::together] for number in range(together)]
        else:
            requests = [[side.requests[number % len(side.requests)]] for number in range(together)]
        job = {
            "port": side.port,
            "requests": requests,
            "status": side.status,
            "repeat": side.before is None,
            "seconds": seconds,
        }
        done = await self._ask(job)
        if side.answer is not None and set(done["bodies"]) != {side.answer}:
            raise RuntimeError(f"Every answer should have been {side.answer}, not {done['bodies']}.")
        if side.after is not None:
            await side.after()
        return len(done["durations"]) / done["seconds"], done["durations"]

    async def _ask(self, job: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job).encode() + b"\n")
        if not (line := await self._process.stdout.readline()):
            raise RuntimeError("What asks has ended; what it said last went to standard error.")
        return json.loads(line)


@asynccontextmanager
async def load() -> AsyncGenerator[Load]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.load",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        limit=2**26,
    )
    try:
        yield Load(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()  # what it waits for
        await process.wait()

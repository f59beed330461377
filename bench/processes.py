"""Servers in processes of their own, each for as long as it is needed; what they say goes to a file."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path

import httpx2
from tests.servers import serve

ROOT = Path(__file__).parent.parent


@contextmanager
def tidings(url: str, log: Path) -> Generator[int]:
    """The port of a `tidings serve`."""
    with tidings_with_pid(url, log) as (port, _):
        yield port


@contextmanager
def tidings_with_pid(url: str, log: Path) -> Generator[tuple[int, int]]:
    """The port of a `tidings serve`, and its process."""
    server = serve(url, log)
    try:
        port = httpx2.URL(server.ready().base_url).port
        assert port is not None
        yield port, server.pid
    finally:
        server.kill()


@contextmanager
def sse(log: Path) -> Generator[tuple[int, int]]:
    """The port of the least that sse-starlette can do, see bench.peers.sse, and its process."""
    port = free_port()
    with _running(["bench.peers.sse", str(port)], port, log, {}) as process:
        yield port, process.pid


@contextmanager
def served(command: Sequence[str], port: int, log: Path, environment: Mapping[str, str]) -> Generator[int]:
    """A server on `port`, until the end."""
    with _running(command, port, log, environment):
        yield port


@contextmanager
def _running(
    command: Sequence[str], port: int, log: Path, environment: Mapping[str, str]
) -> Generator[subprocess.Popen[bytes]]:
    """The process of a server on `port`; it is asked to end, so that it ends its own workers too."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            cwd=ROOT,
        )
    try:
        _wait(process, port, log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path, tries: int = 600) -> None:
    """Until it answers, whatever it answers."""
    for _ in range(tries):
        try:
            httpx2.get(f"http://127.0.0.1:{port}/", timeout=10)
        except httpx2.ConnectError:
            try:
                process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            break
        return
    raise RuntimeError(f"{process.args} did not start:\n{log.read_text()}")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def bare(url: str, log: Path) -> AbstractContextManager[int]:
    """The port of a bare handler, see bench.peers.bare."""
    port = free_port()
    environment = {
        "TIDINGS_DATABASE_URL": url,
        "TIDINGS_PORT": str(port),
        "TIDINGS_SECRET": "a secret of the bench alone",
    }
    return served(["bench.peers.bare"], port, log, environment)


def wait_for_start() -> None:
    """Of a worker: say that it is ready, and wait for the word. From here on its time counts."""
    print("ready", flush=True)
    sys.stdin.readline()


class Workers:
    """Processes that wait for the word to begin."""

    def __init__(self, processes: Sequence[Process]) -> None:
        self._processes = processes

    def start(self) -> None:
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(b"\n")

    async def told(self) -> None:
        """Wait until each has said a line: that it is ready, or done."""
        for process in self._processes:
            assert process.stdout is not None
            if not await process.stdout.readline():
                raise RuntimeError("A worker has ended; see above.")

    async def end(self) -> None:
        for process in self._processes:
            if process.returncode is None:
                process.kill()
            await process.wait()


@asynccontextmanager
async def workers(
    number: int, command: Sequence[str], environment: Mapping[str, str]
) -> AsyncGenerator[Workers]:
    """So many processes that are ready and wait for the word; killed at the end."""
    running = Workers(
        [
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, **environment},
                cwd=ROOT,
            )
            for _ in range(number)
        ]
    )
    try:
        await running.told()
        yield running
    finally:
        await running.end()

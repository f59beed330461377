"""Streams that are open: what each costs, and how soon it is told, beside sse-starlette's bare minimum.

One process each, on one machine with what listens. Ours writes each notification to PostgreSQL first.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
from tests.servers import Postgres

from bench import ours, processes
from bench.measure import Figure
from tidings.identity import directory
from tidings.identity.tokens import issue_api_token, issue_service_key
from tidings.model import Address, Audience
from tidings.storage.engine import Database
from tidings.storage.migrate import upgrade

_BODY = {"event": "event.1", "title": "Something happened", "body": "that you may want to know."}
_EVENT = b"event: notification"
_READ = b'"read_at":"'
_PATIENCE_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much is done."""

    open: int = 5000
    readers: int = 500
    sent: int = 2000
    turns: int = 5
    idle_seconds: float = 20
    verdicts: bool = True


QUICK = Extent(open=500, readers=100, sent=300, turns=2, idle_seconds=3, verdicts=False)


class Listener(asyncio.Protocol):
    """One open stream; it counts what it is told and keeps nothing."""

    def __init__(self, request: bytes, crowd: Crowd) -> None:
        self._request, self._crowd, self._begun = request, crowd, False

    def connection_made(self, transport: Any) -> None:
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if not self._begun and b"\nid: " in data:  # no header
            self._begun = True
            self._crowd.begun()
        self._crowd.told(data)


class Crowd:
    """All who listen to one server."""

    def __init__(self, port: int) -> None:
        self._port, self._open, self._waited = port, 0, (0, asyncio.Event())
        self._wanted, self.heard, self._all = b"", 0, (0, asyncio.Event())
        self.last = 0.0  # when the last of those that were waited for was told
        self._transports: list[Any] = []

    async def listen(self, requests: Sequence[bytes]) -> None:
        """Open a stream for each, and wait until all have begun."""
        loop = asyncio.get_running_loop()
        self._waited = (self._open + len(requests), asyncio.Event())
        for first in range(0, len(requests), 100):
            opened = [
                loop.create_connection(lambda one=one: Listener(one, self), "127.0.0.1", self._port)
                for one in requests[first : first + 100]
            ]
            self._transports += [transport for transport, _ in await asyncio.gather(*opened)]
        await asyncio.wait_for(self._waited[1].wait(), _PATIENCE_SECONDS)

    def wait_for(self, number: int, wanted: bytes = _EVENT) -> asyncio.Event:
        """Set once so many events that have this in them were told."""
        self._wanted, self.heard, self._all = wanted, 0, (number, asyncio.Event())
        return self._all[1]

    def begun(self) -> None:
        self._open += 1
        if self._open >= self._waited[0]:
            self._waited[1].set()

    def told(self, data: bytes) -> None:
        self.heard += data.count(self._wanted) if self._wanted else 0
        number, event = self._all
        if number and self.heard >= number and not event.is_set():
            self.last = time.perf_counter()
            event.set()

    def leave(self) -> None:
        for transport in self._transports:
            transport.abort()


@dataclass(kw_only=True)
class Side:
    """One server."""

    port: int
    pid: int
    request: Callable[[int], bytes]  # that opens the stream of a reader, by number
    headers: Mapping[str, str]  # of who sends
    everyone: tuple[str, Any]  # path and body of what tells all
    one: Callable[[int], tuple[str, Any]]  # and of what tells one reader


@dataclass(frozen=True, kw_only=True)
class Taken:
    kilobytes: float
    percent: float
    broadcast: float
    rate: float


async def measure(server: Postgres, name: str, extent: Extent) -> list[Figure]:
    """Starts both servers, the one after the other, each with all the streams."""
    database = Database(server.url(name))
    await upgrade(database)
    await ours.create(database)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder)
        with ExitStack() as running:
            mine = await _tidings(database, running, server.url(name), log / "tidings", extent)
            taken = await _taken(mine, extent)
            company = await _company(database, mine, extent)
        with ExitStack() as running:
            port, pid = running.enter_context(processes.sse(log / "sse"))
            theirs = await _taken(_sse(port, pid), extent)
    await database.dispose()
    return _figures(taken, theirs, company, extent)


def _figures(mine: Taken, theirs: Taken, company: float, extent: Extent) -> list[Figure]:
    open_, readers, verdict = f"{extent.open:,} open", f"{extent.readers} readers", extent.verdicts

    def figure(job: str, size: str, unit: str, name: str, expect: str = "", ok: bool | None = None) -> Figure:
        return Figure(
            job=f"streams: {job}",
            size=size,
            unit=unit,
            ours=getattr(mine, name),
            theirs=getattr(theirs, name),
            expect=expect,
            ok=ok if verdict else None,
        )

    return [
        figure("memory a connection", open_, "KB", "kilobytes", "≤ 30 KB", mine.kilobytes <= 30),
        figure("processor while idle", open_, "%", "percent"),
        figure(
            "from POST to the last of all who are told",
            open_,
            "ms",
            "broadcast",
            "not later than sse-starlette",
            mine.broadcast <= theirs.broadcast,
        ),
        figure("told to one reader each", readers, "/s", "rate"),
        Figure(
            job="streams: a company reads on one device, until it is gone on the other",
            size="2 open",
            ours=company,
            expect="≤ 200 ms",
            ok=company <= 200 if verdict else None,
        ),
    ]


async def _taken(side: Side, extent: Extent) -> Taken:
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{side.port}", headers=side.headers) as client:

        async def post(what: tuple[str, Any]) -> None:
            path, body = what
            answer = await client.post(path, json=body)
            answer.raise_for_status()

        crowd, some = Crowd(side.port), Crowd(side.port)
        await post(side.one(0))  # everything is imported and connected
        before = _kilobytes(side.pid)
        await crowd.listen([side.request(number) for number in range(extent.open)])
        await asyncio.sleep(1)
        kilobytes = (_kilobytes(side.pid) - before) / extent.open
        busy = _seconds(side.pid)
        await asyncio.sleep(extent.idle_seconds)
        percent = 100 * (_seconds(side.pid) - busy) / extent.idle_seconds
        durations: list[float] = []
        for _ in range(extent.turns):
            told = crowd.wait_for(extent.open)
            began = time.perf_counter()
            await post(side.everyone)
            await asyncio.wait_for(told.wait(), _PATIENCE_SECONDS)
            durations.append(1000 * (crowd.last - began))
        crowd.leave()
        await asyncio.sleep(1)
        await some.listen([side.request(number) for number in range(extent.readers)])
        told = some.wait_for(extent.sent)
        began = time.perf_counter()
        waiting = iter(range(extent.sent))

        async def send() -> None:
            for number in waiting:
                await post(side.one(number % extent.readers))

        await asyncio.gather(*[send() for _ in range(8)])
        await asyncio.wait_for(told.wait(), _PATIENCE_SECONDS)
        rate = extent.sent / (some.last - began)
        some.leave()
    return Taken(kilobytes=kilobytes, percent=percent, broadcast=statistics.median(durations), rate=rate)


async def _company(database: Database, side: Side, extent: Extent) -> float:
    """Milliseconds from the PUT on one device to the event on the other; the median."""
    business, clerk = uuid4(), uuid4()
    async with database.begin() as store:
        await directory.put_business(store, business, name="Acme")
        await directory.put_user(
            store, clerk, email="clerk@example.com", password=_PASSWORD, company_id=business
        )
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{side.port}", headers=side.headers) as client:
        login = await client.post(
            "/company/auth/login", json={"email": "clerk@example.com", "password": _PASSWORD}
        )
        bearer = f"Bearer {login.json()['token']}"
        crowd = Crowd(side.port)
        await crowd.listen([_get("/v1/inbox/stream", bearer)] * 2)
        durations: list[float] = []
        for _ in range(extent.turns * 4):
            told = crowd.wait_for(2)
            body = {**_BODY, "to": {"business": str(business)}}
            sent = (await client.post("/v1/notifications", json=body)).json()["ids"][0]
            await asyncio.wait_for(told.wait(), _PATIENCE_SECONDS)
            gone = crowd.wait_for(2, _READ)
            began = time.perf_counter()
            answer = await client.put(
                f"/company/notifications/read/{sent}", headers={"Authorization": bearer}
            )
            answer.raise_for_status()
            await asyncio.wait_for(gone.wait(), _PATIENCE_SECONDS)
            durations.append(1000 * (crowd.last - began))
        crowd.leave()
    return statistics.median(durations)


_PASSWORD = "a password of the bench alone"


async def _tidings(database: Database, running: ExitStack, url: str, log: Path, extent: Extent) -> Side:
    users = [uuid4() for _ in range(extent.readers)]
    tokens: list[str] = []
    async with database.begin() as store:
        for user in users:
            await directory.put_user(store, user)
            tokens.append((await issue_api_token(store, user, name="bench"))[1])
        _, key = await issue_service_key(store, "bench")
    await ours.vacuum(database)
    port, pid = running.enter_context(processes.tidings_with_pid(url, log))

    def one(number: int) -> tuple[str, Any]:
        to = Address(audience=Audience.USER, id=UUID(str(users[number])))
        return "/v1/notifications", {**_BODY, "to": {"user": str(to.id)}}

    return Side(
        port=port,
        pid=pid,
        request=lambda number: _get("/v1/inbox/stream", f"Bearer {tokens[number % len(tokens)]}"),
        headers={"Authorization": f"Bearer {key}"},
        everyone=("/v1/notifications", {**_BODY, "to": {"everyone": True}}),
        one=one,
    )


def _sse(port: int, pid: int) -> Side:
    return Side(
        port=port,
        pid=pid,
        request=lambda number: _get(f"/stream/{number}", ""),
        headers={},
        everyone=("/broadcast", _BODY),
        one=lambda number: (f"/send/{number}", _BODY),
    )


def _get(path: str, authorization: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {authorization}\r\n\r\n".encode()


# --- what a process takes, as Linux tells it ---------------------------------------------------------------


def _kilobytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def _seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

"""More than one process: what wakes the others, what they share, and what happens when one of them dies."""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from redis.asyncio import Redis

from tests.conftest import MovingClock, OpenDatabase, Run, migrated
from tests.follower import Fields, Held, Told
from tests.servers import Postgres, Server, Valkey, postgres, serve, valkey
from tests.web import SECRET, Web, own, served
from tidings.errors import RateLimited
from tidings.identity.tokens import issue_service_key
from tidings.inbox.append import append
from tidings.model import Draft, Reader
from tidings.realtime import bus as bus_module
from tidings.realtime.bus import CHANNEL, Bus
from tidings.realtime.hub import Follower, Hub, News
from tidings.storage.engine import Database
from tidings.surfaces import shared_limits
from tidings.surfaces.limits import Policy
from tidings.surfaces.shared_limits import SharedLimiter

PATIENCE = 60
INBOX, COUNTS, STREAM = "/v1/inbox", "/v1/inbox/counts", "/v1/inbox/stream"
STATUSES = ["new", "seen", "snoozed", "dismissed", "resolved"]
OPERATIONS = "/v1/inbox/operations"


@pytest.fixture(scope="module")
def valkey_server() -> Generator[Valkey]:
    with valkey() as server:
        yield server


@pytest.fixture
def redis(valkey_server: Valkey, run: Run) -> Generator[Callable[[], Redis]]:
    """Connects anew at each call."""
    opened: list[Redis] = []

    def connect() -> Redis:
        opened.append(Redis.from_url(valkey_server.url, socket_timeout=1, socket_connect_timeout=1))
        return opened[-1]

    yield connect
    for one in opened:
        run(one.aclose())


class Woken:
    """In the place of a hub: what it was told."""

    def __init__(self) -> None:
        self.news: asyncio.Queue[tuple[set[UUID], set[UUID]]] = asyncio.Queue()
        self.looks = asyncio.Semaphore(0)

    def wake(self, streams: Any, readers: Any) -> None:
        self.news.put_nowait((set(streams), set(readers)))

    def look_around(self) -> None:
        self.looks.release()


class Following(Follower):
    """What a user's own stream tells."""

    def __init__(self, user: UUID) -> None:
        self.reader, self.streams = Reader(id=user), {user}
        self.news: asyncio.Queue[Sequence[News]] = asyncio.Queue()

    def offer(self, news: Sequence[News]) -> None:
        self.news.put_nowait(news)

    def close(self) -> None:
        pass


async def subscribed(server: Valkey, number: int) -> None:
    """Wait until so many listen."""
    async with Redis.from_url(server.url) as client:
        while (await client.pubsub_numsub(CHANNEL))[0][1] < number:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)


# --- wake-ups ----------------------------------------------------------------------------------------------


def test_the_others_are_woken_and_who_wrote_is_not(run: Run, redis: Callable[[], Redis]) -> None:
    here, there = Woken(), Woken()
    stream, reader = uuid4(), uuid4()

    async def scenario() -> None:
        speaking, listening = Bus(redis(), here), Bus(redis(), there)
        tasks = [asyncio.create_task(one.run()) for one in (speaking, listening)]
        async with asyncio.timeout(PATIENCE):
            for woken in (here, there):
                await woken.looks.acquire()  # they listen
            await redis().publish(CHANNEL, b"\xff no JSON")
            await redis().publish(CHANNEL, b'{"from": 1}')
            speaking.publish([stream], [reader])
            assert await there.news.get() == ({stream}, {reader})
            listening.publish([], [reader])
            assert await here.news.get() == (set(), {reader})  # and not what it said itself
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    run(scenario())


def test_redis_may_die_and_come_back(
    run: Run, valkey_server: Valkey, redis: Callable[[], Redis], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_module, "RETRY_SECONDS", 0.05)
    here, there = Woken(), Woken()
    first, second = uuid4(), uuid4()

    async def scenario() -> None:
        speaking, listening = Bus(redis(), here), Bus(redis(), there)
        tasks = [asyncio.create_task(one.run()) for one in (speaking, listening)]
        async with asyncio.timeout(PATIENCE):
            await there.looks.acquire()
            await asyncio.to_thread(valkey_server.kill)
            speaking.publish([first], [])  # is lost, and that is found by looking around
            await asyncio.sleep(0.2)
            await asyncio.to_thread(valkey_server.start)
            await there.looks.acquire()
            while there.news.empty():
                speaking.publish([second], [])
                await asyncio.sleep(0.02)
            assert second in there.news.get_nowait()[0]
        assert not any(task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    run(scenario())


def test_a_redis_that_says_nothing_is_left(
    run: Run, redis: Callable[[], Redis], valkey_server: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection whose other end has vanished: nothing says so but that no answer comes."""
    monkeypatch.setattr(bus_module, "SILENCE_SECONDS", 0.1)
    monkeypatch.setattr(bus_module, "RETRY_SECONDS", 0.05)
    there = Woken()

    async def scenario() -> None:
        listening = Bus(redis(), there)
        task = asyncio.create_task(listening.run())
        async with asyncio.timeout(PATIENCE):
            await there.looks.acquire()
            await asyncio.sleep(0.5)  # it is silent, and answers when asked
            assert there.looks.locked()
            valkey_server.freeze()
            await asyncio.sleep(0.5)
            valkey_server.thaw()
            await there.looks.acquire()  # it has come back by itself
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(scenario())


def test_who_follows_on_one_host_is_told_what_another_wrote(
    run: Run,
    database: Database,
    database_url: str,
    clock: MovingClock,
    open_database: OpenDatabase,
    valkey_server: Valkey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # They look for news once an hour: only what is told between them can be in time.
    monkeypatch.setitem(Hub.__init__.__kwdefaults__, "poll_seconds", 3600)
    here = Web(run, database, clock, redis_url=valkey_server.url)
    there = Web(run, open_database(database_url, clock=clock), clock, redis_url=valkey_server.url)
    user = here.user()
    headers = {"Authorization": f"Bearer {here.api_token(user)}"}
    here.event("invoice_paid")
    following = Following(user)

    async def told() -> list[Any]:
        return [one.event for one in await following.news.get()]

    async def scenario() -> None:
        async with served(there.app), served(here.app) as client, asyncio.timeout(PATIENCE):
            await subscribed(valkey_server, 2)
            await there.app._hub.follow(following)
            for title in ("Paid", "Paid again"):
                async with here.database.begin() as store:
                    await append(store, [Draft(to=own(user), event="invoice_paid", title=title)])
                assert [event.notification.title for event in await told()] == [title]
                # Whose ids the driver has read, and not we made.
                answer = await client.post(OPERATIONS, json={"action": "read", "filter": {}}, headers=headers)
                assert answer.status_code == 200, answer.text
                assert [event.sweeps[0].level.name for event in await told()] == ["READ"]

    run(scenario())


# --- shared limits -----------------------------------------------------------------------------------------


def test_a_quota_is_one_for_all_processes(run: Run, redis: Callable[[], Redis]) -> None:
    policy = Policy(name=f"test-{uuid4().hex}", quota=3, window=60)
    one, other = SharedLimiter(redis()), SharedLimiter(redis())

    async def scenario() -> None:
        left = [(await limiter.hit(policy, "a@example.com", "/x")).remaining for limiter in (one, other, one)]
        assert left == [2, 1, 0]
        for limiter in (other, one):
            with pytest.raises(RateLimited) as refused:
                await limiter.hit(policy, "a@example.com", "/x")
            assert 1 <= refused.value.retry_after <= 60
            headers = refused.value.details["headers"]
            assert re.fullmatch(rf'"{policy.name}";r=0;t=\d+', headers["RateLimit"])
        assert (await other.hit(policy, "a@example.com/x")).remaining == 2  # another key
        assert not any(b"example.com" in key for key in await redis().keys("*"))

    run(scenario())


def test_without_redis_each_process_counts_for_itself(
    run: Run, valkey_server: Valkey, redis: Callable[[], Redis], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_limits, "ALONE_SECONDS", 5)
    now = 100.0
    policy = Policy(name=f"test-{uuid4().hex}", quota=1, window=60)
    one, other = (SharedLimiter(redis(), lambda: now) for _ in range(2))

    async def scenario() -> None:
        nonlocal now
        valkey_server.kill()
        for limiter in (one, other):
            assert (await limiter.hit(policy, "a")).remaining == 0
            with pytest.raises(RateLimited):
                await limiter.hit(policy, "a")
        valkey_server.start()
        now += 5  # then it is asked again, and knows of nothing
        assert (await one.hit(policy, "a")).remaining == 0
        with pytest.raises(RateLimited):
            await other.hit(policy, "a")

    run(scenario())


# --- workers -----------------------------------------------------------------------------------------------


def children(pid: int) -> set[int]:
    """The processes that this one has started and that serve."""
    found: set[int] = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = int(_status(folder)[1])
            if parent == pid and b"spawn_main" in (folder / "cmdline").read_bytes():
                found.add(int(folder.name))
    return found


def _status(process: Path) -> list[str]:
    """State, parent, and more: what follows the name, which may have spaces in it."""
    return (process / "stat").read_text().rpartition(")")[2].split()


def gone(pids: set[int]) -> bool:
    """Whether these come to their end in time."""
    last = time.monotonic() + PATIENCE
    while time.monotonic() < last:
        if not any(_is_alive(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


def _is_alive(pid: int) -> bool:
    with suppress(OSError):
        return _status(Path(f"/proc/{pid}"))[0] != "Z"
    return False


@pytest.fixture
def workers(postgres_url: str, tmp_path: Path) -> Generator[Server]:
    log = tmp_path / "log"
    server = serve(postgres_url, log, "--workers", "2", TIDINGS_SECRET=SECRET).ready()
    last = time.monotonic() + PATIENCE
    while "Tidings serves" not in log.read_text():  # all of them, not only who answered
        assert time.monotonic() < last
        time.sleep(0.05)
    yield server
    server.kill()


def test_one_that_dies_is_started_anew_and_the_end_is_clean(workers: Server) -> None:
    first = children(workers.pid)
    assert len(first) == 2
    victim = min(first)

    os.kill(victim, signal.SIGKILL)
    assert gone({victim})
    for _ in range(20):  # the other one serves meanwhile
        assert httpx2.get(f"{workers.base_url}/readyz").status_code == 200
    last = time.monotonic() + PATIENCE
    while len(children(workers.pid) - {victim}) < 2:
        assert time.monotonic() < last
        time.sleep(0.05)

    second = children(workers.pid)
    assert workers.stop() == 0
    assert gone(second)


def test_workers_end_with_who_looks_after_them(workers: Server) -> None:
    left = children(workers.pid)

    workers.kill()

    assert gone(left)


def test_where_none_can_serve_the_command_fails(postgres_url: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    server = serve(
        postgres_url, log, "--workers", "2", TIDINGS_JWT_SECRET="x" * 32, TIDINGS_JWT_ISSUER="tidings"
    )
    with pytest.raises(RuntimeError, match="did not start"):
        server.ready()
    assert "TIDINGS_JWT_AUDIENCE" in log.read_text()


def test_sqlite_is_served_by_one_process(sqlite_url: str, tmp_path: Path) -> None:
    server = serve(sqlite_url, tmp_path / "log", "--workers", "2")
    with pytest.raises(RuntimeError, match="SQLite is served by one process"):
        server.ready()


# --- everything dies in turn -------------------------------------------------------------------------------


class Hosts:
    """Two servers, and what is between them and behind them; each may die and come back."""

    def __init__(self, url: str, database: Postgres, wakeups: Valkey, folder: Path) -> None:
        self.url, self.postgres, self.valkey, self._folder = url, database, wakeups, folder
        self.servers: list[Server] = []
        self._started = 0
        for _ in range(2):
            self.servers.append(self._start())

    def any(self) -> str:
        return random.choice(self.servers).base_url

    def kill_server(self, number: int) -> None:
        self.servers[number].kill()

    def start_server(self, number: int) -> None:
        self.servers[number] = self._start()

    def _start(self) -> Server:
        self._started += 1
        log = self._folder / f"server {self._started}"
        options = ("--redis", self.valkey.url)
        return serve(self.url, log, *options, TIDINGS_SECRET=SECRET).ready()

    def close(self) -> None:
        for server in self.servers:
            server.kill()


class Window(Held):
    """A client over HTTP: looks, follows, comes back where it left off, looks anew if told."""

    def __init__(self, hosts: Hosts, client: httpx2.AsyncClient, headers: dict[str, str]) -> None:
        super().__init__()
        self._hosts, self._client, self._headers = hosts, client, headers
        self.position = ""
        self.connections = self.looks = 0
        self._told: set[str] = set()

    async def run(self) -> None:
        while True:
            try:
                if not self.position:
                    await self._look()
                await self._follow()
            except (httpx2.HTTPError, Unwell):
                await asyncio.sleep(0.1)

    async def has_read(self, id_: str) -> None:
        """Wait until it knows of a notification that it is read."""
        while not self.items.get(id_, {}).get("read_at"):  # noqa: ASYNC110 - whichever event says so
            await asyncio.sleep(0.05)

    async def _look(self) -> None:
        # The position first: what comes between the two is told again, and is then what it is by then.
        position = (await asked(self._client, self._hosts.any(), "GET", COUNTS, self._headers))["position"]
        self.items = await inbox(self._client, self._hosts.any(), self._headers)
        self.position, self._told = position, set()
        self.looks += 1

    async def _follow(self) -> None:
        headers = self._headers | {"Last-Event-ID": self.position}
        url = self._hosts.any() + STREAM
        async with self._client.stream("GET", url, headers=headers, timeout=30) as answer:
            if answer.status_code != 200:
                raise Unwell
            self.connections += 1
            text = ""
            async for part in answer.aiter_text():
                text += part
                *whole, text = text.split("\n\n")
                for one in whole:
                    if one and not one.startswith(":"):
                        self._take(Told(one))
                        if not self.position:
                            return

    def _take(self, told: Told) -> None:
        if told.name == "resync":
            self.position = ""
            return
        if told.name == "notification":
            assert told.data["id"] not in self._told, "told twice"
            self._told.add(told.data["id"])
        self.apply(told)
        self.position = told.id or self.position


class Unwell(Exception):
    """The server cannot do it now."""


async def asked(
    client: httpx2.AsyncClient, base_url: str, method: str, path: str, headers: dict[str, str], **content: Any
) -> Any:
    """The answer. Raises Unwell or httpx2.HTTPError where it is worth asking again."""
    answer = await client.request(method, base_url + path, headers=headers, **content)
    if answer.status_code == 503:
        assert answer.json()["code"] == "unavailable"
        raise Unwell
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


async def inbox(client: httpx2.AsyncClient, base_url: str, headers: dict[str, str]) -> dict[str, Fields]:
    """All there is, in pages."""
    items: dict[str, Fields] = {}
    cursor = None
    while True:
        params = {"limit": 100, "status": STATUSES} | ({"cursor": cursor} if cursor else {})
        page = await asked(client, base_url, "GET", INBOX, headers, params=params)
        items |= {item["id"]: item for item in page["items"]}
        cursor = page["next_cursor"]
        if cursor is None:
            return items


class Load:
    """Sends, reads and marks through any server, each write until it is answered."""

    def __init__(self, hosts: Hosts, client: httpx2.AsyncClient, key: dict[str, str]) -> None:
        self._hosts, self._client, self._key = hosts, client, key
        self.sent: dict[UUID, list[str]] = {}
        self.repeats = 0
        self.going = True

    async def send(self, user: UUID) -> None:
        self.sent[user] = []
        while self.going:
            body = {"to": {"user": str(user)}, "event": "invoice_paid", "title": "Paid"}
            answer = await self.write("POST", "/v1/notifications", self._key, body)
            self.sent[user] += answer["ids"]
            await asyncio.sleep(0.02)

    async def mark(self, headers: dict[str, str]) -> None:
        while self.going:
            page = await self._again("GET", f"{INBOX}?limit=20&status=new&status=seen", headers)
            some = [item["id"] for item in page["items"]]
            action = random.choice(["seen", "read", "dismiss", "pin"])
            if some:
                ids = random.sample(some, min(3, len(some)))
                await self.write("POST", OPERATIONS, headers, {"action": action, "ids": ids})
            if random.random() < 0.3:
                await self.write("POST", OPERATIONS, headers, {"action": "seen", "filter": {}})
            await asyncio.sleep(0.05)

    async def write(self, method: str, path: str, headers: dict[str, str], body: Any) -> Any:
        """One write, done once however often it is asked for."""
        return await self._again(method, path, headers | {"Idempotency-Key": uuid4().hex}, json=body)

    async def _again(self, method: str, path: str, headers: dict[str, str], **content: Any) -> Any:
        while True:
            try:
                return await asked(self._client, self._hosts.any(), method, path, headers, **content)
            except (httpx2.HTTPError, Unwell):
                self.repeats += 1
                await asyncio.sleep(0.05)


def test_whatever_dies_every_client_is_complete(
    run: Run, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    with postgres() as database, valkey() as wakeups:
        url = database.url(database.create())
        asyncio.run(migrated(url))
        web = Web(run, Database(url), MovingClock(datetime.now(UTC)))
        users = [web.user() for _ in range(2)]
        tokens = [{"Authorization": f"Bearer {web.api_token(user)}"} for user in users]
        _, key = web.write(lambda store: issue_service_key(store, "backend"))
        web.event("invoice_paid")
        run(web.database.dispose())
        hosts = Hosts(url, database, wakeups, tmp_path)
        try:
            run(_everything_dies(hosts, users, tokens, {"Authorization": f"Bearer {key}"}, tell))
        finally:
            hosts.close()


async def _everything_dies(
    hosts: Hosts,
    users: list[UUID],
    tokens: list[dict[str, str]],
    key: dict[str, str],
    tell: Callable[[str], None],
) -> None:
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=20)
    async with httpx2.AsyncClient(limits=limits, timeout=10) as client, asyncio.timeout(4 * PATIENCE):
        load = Load(hosts, client, key)
        windows = [(headers, Window(hosts, client, headers)) for headers in tokens for _ in range(2)]
        following = [asyncio.create_task(window.run()) for _, window in windows]
        working = [asyncio.create_task(load.send(user)) for user in users]
        working += [asyncio.create_task(load.mark(headers)) for headers in tokens]

        async def more() -> None:
            """Until some more was sent to each."""
            before = {user: len(ids) for user, ids in load.sent.items()}
            while any(len(load.sent[user]) < number + 10 for user, number in before.items()):
                for task in (*following, *working):
                    if task.done():
                        task.result()
                await asyncio.sleep(0.05)

        await asyncio.sleep(0)  # for the first step of each
        await more()
        deaths: list[tuple[Callable[[], None], Callable[[], None]]] = [
            (lambda: hosts.kill_server(0), lambda: hosts.start_server(0)),
            (hosts.valkey.kill, hosts.valkey.start),
            (lambda: hosts.kill_server(1), lambda: hosts.start_server(1)),
            (hosts.postgres.kill, hosts.postgres.start),
            (hosts.valkey.kill, hosts.valkey.start),
        ]
        for kill, start in deaths:
            await asyncio.to_thread(kill)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(start)
            await more()
        load.going = False
        await asyncio.gather(*working)

        for user, headers in zip(users, tokens, strict=True):
            [last] = (await load.write("POST", "/v1/notifications", key, _to(user)))["ids"]
            load.sent[user].append(last)
            await load.write("POST", OPERATIONS, headers, {"action": "read", "ids": [last]})
            for theirs, window in windows:
                if theirs is headers:
                    await window.has_read(last)
        for task in following:
            task.cancel()
        for user, headers in zip(users, tokens, strict=True):
            there = await inbox(client, hosts.any(), headers)
            assert there.keys() == set(load.sent[user])
            for theirs, window in windows:
                if theirs is headers:
                    now = datetime.now(UTC)
                    assert window.shown(window.items, now) == window.shown(there, now)
    sent = sum(map(len, load.sent.values()))
    looks = sum(window.looks for _, window in windows)
    connections = sum(window.connections for _, window in windows)
    tell(
        f"{sent} sent through two servers while everything died, {load.repeats} times again; "
        f"4 windows, {connections} connections, {looks} looks, all complete"
    )
    assert load.repeats > 0
    assert connections > len(windows)


def _to(user: UUID) -> Fields:
    return {"to": {"user": str(user)}, "event": "invoice_paid", "title": "The last"}

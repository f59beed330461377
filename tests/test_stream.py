"""The stream over HTTP: what arrives, who may listen, and what is lost when something dies: nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from queue import Queue
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from tests.conftest import MovingClock, Run
from tests.follower import Told, events
from tests.servers import Server, serve
from tests.web import SECRET, Web, everyone, own
from tidings.clock import SystemClock
from tidings.identity import directory, tickets
from tidings.identity.tokens import api_tokens, issue_service_key, revoke_api_token
from tidings.inbox import alerts
from tidings.inbox.live import Telling
from tidings.model import Action, Address, Reader, ReaderKind
from tidings.realtime.hub import Hub, News
from tidings.realtime.positions import MOST_STREAMS, Position, Reached, position_of
from tidings.realtime.sse import HEARTBEAT, EventStream
from tidings.storage.engine import Database
from tidings.storage.logs import StreamEnd
from tidings.surfaces import live
from tidings.surfaces.live import MOST_WAITING, LiveInbox
from tidings.surfaces.native.schemas.stream import rendered

STREAM, TICKETS, COUNTS = "/v1/inbox/stream", "/v1/inbox/stream-tickets", "/v1/inbox/counts"
SCOPED = "/api/v1/notifications/stream"
PATIENCE = 20


@pytest.fixture
def web(run: Run, database: Database, clock: MovingClock) -> Web:
    """Without what runs beside an application: a stream tells what was missed, and ends."""
    return Web(run, database, clock)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def told(answer: httpx2.Response) -> list[Told]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers
    return events(answer.content)


def names(found: list[Told]) -> list[str]:
    return [one.name for one in found if one.name]


# --- what is told ------------------------------------------------------------------------------------------


def test_who_starts_with_the_position_of_the_counts_is_told_what_came_since(web: Web) -> None:
    user = web.user()
    mine = bearer(web.api_token(user))
    web.tell(own(user))
    position = web.ask("GET", COUNTS, headers=mine).json()["position"]
    [new] = web.tell(everyone, title="New")

    found = told(web.ask("GET", STREAM, headers=mine | {"Last-Event-ID": position}))

    [event, last] = found
    assert (event.name, event.data) == (
        "notification",
        web.ask("GET", f"/v1/inbox/{new}", headers=mine).json(),
    )
    assert (last.name, last.id) == (None, event.id)
    again = told(web.ask("GET", STREAM, headers=mine, params={"last_event_id": event.id}))
    assert names(again) == []


def test_without_a_position_it_begins_now(web: Web) -> None:
    user = web.user()
    web.tell(own(user))

    [last] = told(web.ask("GET", STREAM, headers=bearer(web.api_token(user))))

    assert last.name is None
    assert position_of(last.id or "").streams[user] == StreamEnd(1, 0)


def test_each_thing_that_happens_is_told(web: Web) -> None:
    business = web.business()
    user, other = web.user(business), web.user(business)
    mine = bearer(web.api_token(user))
    first, second, third = web.tell(business, times=3)
    at = web.ask("GET", COUNTS, headers=mine).json()["position"]

    def since() -> list[Told]:
        nonlocal at
        found = told(web.ask("GET", STREAM, headers=mine | {"Last-Event-ID": at}))
        at = found[-1].id or ""
        return [one for one in found if one.name]

    web.ask("POST", "/v1/inbox/operations", headers=mine, json={"action": "read", "ids": [str(first)]})
    [read] = since()
    assert (read.name, [item["id"] for item in read.data["items"]]) == ("state", [str(first)])
    assert read.data["items"][0]["read_at"]

    web.ask("POST", "/v1/inbox/operations", headers=mine, json={"action": "seen", "filter": {}})
    [swept] = since()
    [sweep] = swept.data["sweeps"]
    [[stream, _, position]] = sweep["lanes"]
    assert (swept.name, sweep["level"], stream, position) == ("state", "seen", str(business.id), 3)

    web.mark(other, Action.RESOLVE, [second])
    [resolved] = since()
    assert (resolved.name, resolved.data["resolved"]) == ("state", [str(second)])

    web.mark(other, Action.READ, [third])  # which is nobody else's matter
    assert since() == []

    web.tell(business, collapse_key="k")
    [new] = web.tell(business, collapse_key="k")
    found = since()
    assert names(found) == ["notification", "gone"]  # the first of the two is not told: it was gone
    assert found[0].data["id"] == str(new)

    alert = web.alert(business.id)
    [raised] = since()
    assert (raised.name, raised.data["alert"]["id"]) == ("alert", alert.id)
    web.ask("POST", f"/v1/inbox/alerts/{business.id}/{alert.id}/dismiss", headers=mine)
    [dismissed] = since()
    assert (dismissed.name, dismissed.data["id"], dismissed.data["alert"]) == ("alert", alert.id, None)
    web.alert(business.id, title="Still low")  # the same episode, which stays dismissed
    assert since() == []
    web.write(lambda store: alerts.clear(store, business.id, alert.id))
    web.alert(business.id)
    assert [one.data["alert"]["title"] for one in since()][-1:] == [alert.title]  # as it is now

    quiet = {"begins": "22:00", "ends": "07:00", "time_zone": "Europe/Lisbon"}
    web.ask("PUT", "/v1/inbox/preferences/quiet-hours", headers=mine, json=quiet)
    assert names(since()) == ["resync"]  # other notifications may be in reach now

    web.write(lambda store: directory.leave(store, user, business))
    assert names(since()) == ["resync"]


def test_a_company_is_told_what_one_of_its_users_read(web: Web) -> None:
    business = web.business()
    one, other = web.user(company_id=business.id), web.user(company_id=business.id)
    [id_] = web.tell(business)
    theirs = web.company(other)
    position = web.ask("GET", COUNTS, headers=theirs).json()["position"]

    web.ask("PUT", f"/company/notifications/read/{id_}", headers=web.company(one))

    [read, _] = told(web.ask("GET", STREAM, headers=theirs | {"Last-Event-ID": position}))
    assert (read.name, [item["id"] for item in read.data["items"]]) == ("state", [str(id_)])


def test_the_scoped_stream_tells_what_is_new_as_the_list_has_it(web: Web) -> None:
    business = web.business()
    user = web.user(business)
    headers = web.scoped(user, business)
    [begun] = told(web.ask("GET", SCOPED, headers=headers))
    [id_] = web.tell(business)
    web.mark(user, Action.PIN, [id_])

    found = told(web.ask("GET", SCOPED, headers=headers | {"Last-Event-ID": begun.id or ""}))

    scope = {"scope": "business", "scope_id": str(business.id)}
    page = web.ask("GET", "/api/v1/notifications", headers=headers, params=scope).json()
    [listed] = page["data"]["items"]
    [new] = [one for one in found if one.name]
    assert (new.name, new.data) == ("notification", {**listed, "pinned": False})


def test_more_than_can_be_told_is_to_be_looked_at_anew(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    user = web.user()
    mine = bearer(web.api_token(user))
    position = web.ask("GET", COUNTS, headers=mine).json()["position"]
    monkeypatch.setattr("tidings.inbox.live.MOST_MISSED", 3)
    web.tell(own(user), times=4)

    [resync] = told(web.ask("GET", STREAM, headers=mine | {"Last-Event-ID": position}))

    assert resync.name == "resync"
    assert names(told(web.ask("GET", STREAM, headers=mine | {"Last-Event-ID": resync.id or ""}))) == []


def test_of_more_streams_than_an_id_can_name_a_reconnect_looks_anew(web: Web) -> None:
    user = web.user()
    streams = {uuid4(): StreamEnd(1, 0) for _ in range(MOST_STREAMS + 1)}

    text = str(Position(7, streams))

    assert (position_of(text).op, position_of(text).streams) == (7, {})
    assert len(str(Position(7, dict([*streams.items()][:MOST_STREAMS])))) < 9000
    answer = web.ask("GET", STREAM, headers=bearer(web.api_token(user)) | {"Last-Event-ID": text})
    assert names(told(answer)) == ["resync"]


def test_what_was_reached_is_written_as_its_position() -> None:
    one, other = uuid4(), uuid4()
    reached = Reached(3, {one: StreamEnd(1, 2), other: StreamEnd(0, 0)})

    reached.move(other, StreamEnd(2**40, 7))
    reached.move_op(4)

    assert (reached.op, reached.end_of(one), reached.end_of(other)) == (4, (1, 2), (2**40, 7))
    assert reached.position == Position(4, {one: StreamEnd(1, 2), other: StreamEnd(2**40, 7)})
    assert position_of(reached.id.decode()) == reached.position


def test_a_position_that_is_silent_about_a_stream_or_ahead_is_not_believed(web: Web) -> None:
    business = web.business()
    user = web.user(business)
    mine = bearer(web.api_token(user))
    partly = web.ask("GET", COUNTS, headers=mine, params={"scope": "me"}).json()["position"]
    whole = position_of(web.ask("GET", COUNTS, headers=mine).json()["position"])
    ahead = [
        Position(whole.op + 1, whole.streams),
        Position(whole.op, {**whole.streams, user: StreamEnd(1, 0)}),
        Position(whole.op, {**whole.streams, user: StreamEnd(0, 1)}),
    ]

    for position in (partly, *map(str, ahead)):
        answer = web.ask("GET", STREAM, headers=mine | {"Last-Event-ID": position})
        assert names(told(answer)) == ["resync"]


def test_what_has_expired_by_now_is_not_told(web: Web) -> None:
    user = web.user()
    mine = bearer(web.api_token(user))
    position = web.ask("GET", COUNTS, headers=mine).json()["position"]
    [stays] = web.tell(own(user))
    web.tell(own(user), expires_at=web.clock.at + timedelta(minutes=5))
    ask = {**mine, "Last-Event-ID": position}

    assert names(told(web.ask("GET", STREAM, headers=ask))) == ["notification"] * 2
    web.clock.move(minutes=5)
    [event, _] = told(web.ask("GET", STREAM, headers=ask))

    assert (event.name, event.data["id"]) == ("notification", str(stays))


# --- who may listen ----------------------------------------------------------------------------------------


def test_a_ticket_opens_the_stream_once_and_soon(web: Web) -> None:
    user = web.user()
    mine = bearer(web.api_token(user))

    def ticket() -> str:
        answer = web.ask("POST", TICKETS, headers=mine)
        assert answer.status_code == 201
        return answer.json()["ticket"]

    def opened(presented: str) -> bool:
        answer = web.ask("GET", STREAM, params={"ticket": presented})
        assert answer.status_code in (200, 401)
        return answer.status_code == 200

    first, late, suspended = ticket(), ticket(), ticket()
    assert opened(first)
    assert not opened(first)
    assert not opened("st_unknown")
    assert not opened("")
    web.clock.move(seconds=30)
    assert not opened(late)
    web.clock.move(seconds=-20)
    web.write(lambda store: directory.put_user(store, user, status="suspended"))
    assert not opened(suspended)


def test_a_companys_ticket_is_the_companys(web: Web) -> None:
    business = web.business()
    clerk = web.user(company_id=business.id)
    ticket = web.ask("POST", TICKETS, headers=web.company(clerk)).json()["ticket"]

    assert web.write(lambda store: tickets.redeem(store, ticket)) == Reader(
        id=business.id, kind=ReaderKind.COMPANY
    )


@pytest.mark.parametrize("path", [STREAM, SCOPED])
@pytest.mark.parametrize("given", ["x", "é".encode(), "A" * 12, "=" * 9, "AAAA" * 5000])
def test_what_is_no_position_is_told(web: Web, path: str, given: str | bytes) -> None:
    business = web.business()
    user = web.user(business)
    headers = [*web.scoped(user, business).items(), ("Last-Event-ID", given)]

    answer = web.ask("GET", path, headers=headers)

    assert answer.status_code == (422 if path == STREAM else 400), answer.text


def test_a_position_of_others_streams_tells_nothing_of_them(web: Web) -> None:
    user, other = web.user(), web.user()
    web.tell(own(other))
    forged = str(Position(0, {other: StreamEnd(0, 0), user: StreamEnd(-5, -5)}))

    found = told(web.ask("GET", STREAM, headers=bearer(web.api_token(user)) | {"Last-Event-ID": forged}))

    assert str(other) not in str([one.data for one in found])
    assert names(found) in ([], ["resync"])


def test_a_token_that_ends_ends_its_stream(
    web: Web, run: Run, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0)
    monkeypatch.setattr(live, "CHECK_SECONDS", 0)
    user = web.user()
    token = web.api_token(user)
    hub = Hub(Telling(database))
    hub.running = True

    async def holds() -> bool:
        async with database.read() as store:
            return bool(await api_tokens(store, user))

    async def listened() -> list[bytes]:
        chunks = LiveInbox(
            hub, Telling(database), Reader(id=user), rendered, after=None, holds=holds
        ).chunks()
        found = [await anext(chunks), await anext(chunks)]
        async with database.begin() as store:
            [only] = await api_tokens(store, user)
            await revoke_api_token(store, only.id)
        return found + [chunk async for chunk in chunks]

    assert token
    assert [chunk is HEARTBEAT for chunk in run(listened())] == [False, True]  # and then no more


# --- who is slow, and who is gone --------------------------------------------------------------------------


def test_a_slow_one_is_told_to_look_anew_and_closed_and_others_never_wait(
    web: Web, run: Run, database: Database
) -> None:
    user = web.user()
    hub = Hub(Telling(database))
    hub.running = True

    async def holds() -> bool:
        return True

    async def listened() -> list[Told]:
        inbox = LiveInbox(hub, Telling(database), Reader(id=user), rendered, after=None, holds=holds)
        chunks = inbox.chunks()
        await anext(chunks)
        [follower] = hub._followers
        for number in range(MOST_WAITING + 1):
            follower.offer([News(user, StreamEnd(number + 1, 0), object())])
        return [one async for chunk in chunks for one in events(chunk)]

    assert names(run(listened())) == ["resync"]


def test_who_is_gone_is_left_at_the_next_heartbeat_and_who_takes_nothing_is_cut(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidings.realtime.sse.WRITE_SECONDS", 0.01)
    sent: list[bytes] = []

    async def beats() -> Any:
        while True:
            yield HEARTBEAT

    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))

    async def stuck(message: Any) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    run(EventStream(beats()).run(gone, send))
    assert sent == [b"", HEARTBEAT]
    with pytest.raises(TimeoutError):
        run(EventStream(beats()).run(gone, stuck))

    async def cancelled() -> None:
        monkeypatch.setattr("tidings.realtime.sse.WRITE_SECONDS", 60)
        task = asyncio.create_task(EventStream(beats()).run(gone, stuck))
        await asyncio.sleep(0.05)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):  # the client was not at fault
        run(cancelled())


# --- real servers ------------------------------------------------------------------------------------------


class Listening:
    """Reads a server's stream in a thread."""

    def __init__(self, server: Server, headers: Mapping[str, str], path: str = STREAM) -> None:
        self.told: Queue[Told | None] = Queue()
        self._server, self._headers, self._path = server, headers, path
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        try:
            with httpx2.stream(
                "GET", self._server.base_url + self._path, headers=dict(self._headers), timeout=PATIENCE
            ) as answer:
                text = ""
                for part in answer.iter_text():
                    text += part
                    *whole, text = text.split("\n\n")
                    for one in whole:
                        if one and not one.startswith(":"):
                            self.told.put(Told(one))
        except httpx2.TransportError:
            self.told.put(Told("event: cut"))
        self.told.put(None)

    def next(self) -> Told:
        """The next event that says something."""
        while True:
            one = self.told.get(timeout=PATIENCE)
            assert one is not None, "the stream has ended"
            if one.name:
                return one

    def begun(self) -> str:
        """Wait until it listens; where that is."""
        one = self.told.get(timeout=PATIENCE)
        assert one is not None
        assert one.id is not None
        return one.id


class Servers:
    """Servers on one database, and a backend that sends through them."""

    def __init__(self, web: Web, url: str, folder: Path) -> None:
        self.web, self.url, self.folder = web, url, folder
        self.started: list[Server] = []
        _, key = web.write(lambda store: issue_service_key(store, "backend"))
        self.key = bearer(key)
        web.event("invoice_paid")

    def start(self) -> Server:
        log = self.folder / f"server {len(self.started)}"
        self.started.append(serve(self.url, log, TIDINGS_SECRET=SECRET).ready())
        return self.started[-1]

    def send(self, server: Server, to: Address) -> UUID:
        body = {"to": {to.audience.value: str(to.id)}, "event": "invoice_paid", "title": "Paid"}
        answer = httpx2.post(f"{server.base_url}/v1/notifications", headers=self.key, json=body)
        assert answer.status_code == 201, answer.text
        return UUID(answer.json()["ids"][0])


@pytest.fixture
def servers(run: Run, database_url: str, database: Database, tmp_path: Path) -> Generator[Servers]:
    with real_time(database):
        made = Servers(Web(run, database, MovingClock()), database_url, tmp_path)
        yield made
        for server in made.started:
            server.kill()


@contextmanager
def real_time(database: Database) -> Generator[None]:
    """The servers go by their clock, and what is written past them should, too."""
    clock, database.clock = database.clock, SystemClock()
    yield
    database.clock = clock


def test_what_is_sent_arrives_at_once_and_a_server_that_ends_ends_its_streams(servers: Servers) -> None:
    business = servers.web.business()
    user = servers.web.user(business)
    server = servers.start()
    listening = Listening(server, bearer(servers.web.api_token(user)))
    listening.begun()

    ids = [servers.send(server, to) for to in (own(user), business, own(user))]

    assert [UUID(listening.next().data["id"]) for _ in ids] == ids
    assert server.stop() == 0
    listening.thread.join(PATIENCE)
    assert [*listening.told.queue] == [None]  # it ended whole, and was not cut


def test_what_another_process_wrote_arrives_and_nothing_is_lost_or_doubled_when_one_is_killed(
    servers: Servers,
) -> None:
    user = servers.web.user()
    mine = bearer(servers.web.api_token(user))
    first, second = servers.start(), servers.start()
    listening = Listening(first, mine)
    listening.begun()
    sent = [servers.send(second, own(user))]
    got = [listening.next()]

    first.kill()
    sent += [servers.send(second, own(user)) for _ in range(3)]
    listening = Listening(second, mine | {"Last-Event-ID": got[-1].id or ""})
    got += [listening.next() for _ in range(3)]
    sent.append(servers.send(second, own(user)))
    got.append(listening.next())

    assert [UUID(one.data["id"]) for one in got] == sent
    assert [one.data["seq"] for one in got] == [1, 2, 3, 4, 5]

"""Who follows in one process: what one log, one reader or one moment does to the others, which is nothing."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import Mock
from uuid import UUID, uuid4

import pytest

from tests.conftest import MovingClock, Run
from tests.follower import Told, events
from tests.web import Web, served
from tidings.errors import TooMany
from tidings.identity import directory
from tidings.inbox.live import Ended, Telling
from tidings.inbox.reach import Readable
from tidings.model import Reader
from tidings.realtime.hub import Hub, News
from tidings.realtime.positions import position_of
from tidings.storage.engine import Database
from tidings.storage.logs import StreamEnd
from tidings.surfaces import live
from tidings.surfaces.live import MOST_WAITING, LiveInbox
from tidings.surfaces.native.schemas.stream import rendered


@pytest.fixture
def web(run: Run, database: Database, clock: MovingClock) -> Web:
    return Web(run, database, clock)


class Logs:
    """Logs in which something happens only where it is told so, and of which some cannot be read."""

    def __init__(self) -> None:
        self.ends: dict[UUID, StreamEnd] = {}
        self.broken: set[UUID] = set()
        self.looked: list[set[UUID]] = []

    async def stream_ends(self, streams: Any) -> dict[UUID, StreamEnd]:
        self.looked.append({*streams})
        return {id_: self.ends.get(id_, StreamEnd(0, 0)) for id_ in streams}

    async def reader_ends(self, readers: Any) -> dict[UUID, int]:
        return dict.fromkeys(readers, 0)

    async def of_stream(self, stream_id: UUID, after: StreamEnd) -> Any:
        if stream_id in self.broken:
            raise OSError("cut")
        end = self.ends.get(stream_id, after)
        return end, [] if end == after else [(end, f"something in {stream_id}")]

    async def of_reader(self, _reader: Reader, after: int) -> Any:
        return after, []


def follower_of(*streams: UUID) -> Any:
    return Mock(reader=Reader(id=uuid4()), streams=set(streams))


def offered(follower: Any) -> list[UUID]:
    return [news.source for call in follower.offer.call_args_list for news in call.args[0]]


async def always() -> bool:
    return True


# --- the hub -----------------------------------------------------------------------------------------------


def test_what_others_wrote_is_looked_for_however_much_happens_here(run: Run) -> None:
    logs = Logs()

    async def busy() -> int:
        stream = uuid4()
        hub = Hub(logs, poll_seconds=0.05)
        await hub.follow(follower_of(stream))
        running = asyncio.create_task(hub.run())
        before = len(logs.looked)
        for _ in range(200):
            hub.wake([stream], [])
            await asyncio.sleep(0.001)
        running.cancel()
        return len(logs.looked) - before

    assert run(busy()) >= 2


def test_a_log_that_cannot_be_read_stops_no_other_and_is_read_once_it_can_be(run: Run) -> None:
    logs, broken, others = Logs(), uuid4(), [uuid4() for _ in range(9)]  # more than are read at once
    follower = follower_of(broken, *others)

    async def looked() -> tuple[set[UUID], list[UUID]]:
        hub = Hub(logs)
        await hub.follow(follower)
        logs.ends = dict.fromkeys([broken, *others], StreamEnd(1, 0))
        logs.broken = {broken}
        hub.wake([broken, *others], [])
        with pytest.raises(OSError, match="cut"):
            await hub.look()
        first = offered(follower)
        logs.broken = set()
        await hub.look()  # without a new wake-up
        return set(first), offered(follower)[len(first) :]

    assert run(looked()) == (set(others), [broken])


# --- one connection ----------------------------------------------------------------------------------------


def test_a_burst_lags_nobody_who_had_sent_the_rest(web: Web, run: Run, database: Database) -> None:
    user = web.user()
    hub = Hub(Telling(database))
    hub.running = True
    gone = [
        News(user, StreamEnd(0, n), Ended(stream_id=user, lane=1, position=n, id=uuid4(), resolved_at=None))
        for n in range(1, 3 * MOST_WAITING)
    ]

    async def listened() -> list[Told]:
        chunks = _inbox(database, hub, user).chunks()
        await anext(chunks)
        [follower] = hub._followers
        follower.offer(gone)
        return events(await anext(chunks))

    assert [one.name for one in run(listened())] == ["gone"] * len(gone)


def test_what_is_joined_while_a_connection_begins_is_followed_too(
    web: Web, run: Run, database: Database
) -> None:
    user, business = web.user(), web.business()

    class Joining(Telling):
        """The membership comes after the first look, and before the streams are followed."""

        looks = 0

        async def readable(self, reader: Reader) -> Readable:
            found = await super().readable(reader)
            self.looks += 1
            if self.looks == 1:
                async with database.begin() as store:
                    await directory.join(store, user, business)
            return found

    async def began() -> bytes:
        hub = Hub(Telling(database))
        hub.running = True
        return await anext(_inbox(database, hub, user, Joining(database)).chunks())

    [begun] = events(run(began()))
    assert business.id in position_of(begun.id or "").streams


def test_one_reader_has_so_many_streams_and_another_has_theirs(
    web: Web, run: Run, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_OF_ONE_READER", 3)
    one, other = web.user(), web.user()
    hub = Hub(Telling(database))
    hub.running = True

    async def opened() -> None:
        held = [_inbox(database, hub, one).chunks() for _ in range(3)]
        for chunks in held:
            await anext(chunks)
        with pytest.raises(TooMany):
            _inbox(database, hub, one)
        await anext(_inbox(database, hub, other).chunks())
        await held[0].aclose()
        await anext(_inbox(database, hub, one).chunks())

    run(opened())


def test_who_is_another_companys_now_is_shown_no_more_of_this_one(
    web: Web, run: Run, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.01)
    monkeypatch.setattr(live, "CHECK_SECONDS", 0)
    here, there = web.business(), web.business()
    clerk = web.user(company_id=here.id)
    headers = web.company(clerk)

    async def listened() -> tuple[bool, bytes]:
        async with served(web.app) as client:
            answer = asyncio.create_task(client.get("/v1/inbox/stream", headers=headers))
            await asyncio.sleep(0.3)
            went_on = not answer.done()
            async with database.begin() as store:
                await directory.put_user(store, clerk, company_id=there.id)
            return went_on, (await asyncio.wait_for(answer, 10)).content

    went_on, told = run(listened())
    assert went_on
    [begun, *rest] = events(told)
    assert here.id in position_of(begun.id or "").streams
    assert rest == []


def _inbox(database: Database, hub: Hub, user: UUID, telling: Telling | None = None) -> LiveInbox:
    return LiveInbox(hub, telling or Telling(database), Reader(id=user), rendered, after=None, holds=always)

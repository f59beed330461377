"""An inbox as it changes, for one connection: what every surface's stream is made of."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from tidings.errors import InvalidInput, TooMany
from tidings.inbox.live import AlertChanged, Appended, Ended, Operated, Telling
from tidings.inbox.reach import Readable
from tidings.model import Reader, lane_parts
from tidings.realtime import sse
from tidings.realtime.hub import Follower, Hub, News
from tidings.realtime.positions import Position, Reached, position_of
from tidings.storage.logs import StreamEnd

HEARTBEAT_SECONDS = 15.0
CHECK_SECONDS = 60.0
"""How often it is asked whether the credential still holds."""
OLDEST_SECONDS = 30 * 60.0
"""How long a connection lasts; up to a fifth less, so that not all come back at once."""
MOST_WAITING = 500
"""So many news wait for a slow client; then it is told to look anew, and closed."""

MOST_OF_ONE_READER = 1000
"""Streams that one reader, such as a company with all its users, has open in one process at most."""

Render = Callable[[News, Reader], Sequence[tuple[str, bytes]]]
"""What an event is on a surface: (name, data)s. It is asked once for all connections of a kind of reader."""

RESYNC = "resync"


def left_off(given: str) -> Position:
    """Where who gives this as Last-Event-ID left off. Raises InvalidInput."""
    try:
        return position_of(given)
    except ValueError:
        raise InvalidInput("Last-Event-ID is not the id of an event of this stream.") from None


class _Waiting(Follower):
    """The news that a connection has not sent yet."""

    __slots__ = ("_due", "_timer", "_waiter", "closed", "lagging", "news", "reader", "streams")

    def __init__(self, readable: Readable) -> None:
        self.reader, self.streams = readable.reader, readable.streams.keys()
        self.news: deque[News] = deque()
        self.lagging = self.closed = False
        self._waiter: asyncio.Future[None] | None = None
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def offer(self, news: Sequence[News]) -> None:
        if len(self.news) >= MOST_WAITING:  # before these: who has sent all the rest is not slow
            self.lagging = True
            self.news.clear()
        if not self.lagging:
            self.news.extend(news)
        self._wake()

    def close(self) -> None:
        self.closed = True
        self._wake()

    async def some(self, seconds: float) -> bool:
        """Wait until there is something to do; whether there is."""
        if not (self.news or self.lagging or self.closed):
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            self._due = loop.time() + seconds
            if self._timer is None:
                self._timer = loop.call_at(self._due, self._ring)
            try:
                await self._waiter
            finally:
                self._waiter = None
        return bool(self.news) or self.lagging or self.closed

    def left(self) -> None:
        """Nobody waits any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _ring(self) -> None:
        """A timer for each wait would take longer than all the rest of it: one rings on, later and later."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._due:
            self._timer = loop.call_at(self._due, self._ring)
        else:
            self._timer = None
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class LiveInbox:
    """Follows one reader's inbox, and writes what happens as Server-Sent Events."""

    def __init__(
        self,
        hub: Hub,
        telling: Telling,
        reader: Reader,
        render: Render,
        *,
        after: Position | None,
        holds: Callable[[], Awaitable[bool]],
    ) -> None:
        """`after` is where the reader left off; None: now. `holds`: whether the credential still does.

        Raises TooMany.
        """
        if hub.followers_of(reader.id) >= MOST_OF_ONE_READER:
            raise TooMany(f"At most {MOST_OF_ONE_READER} streams at once.", most=MOST_OF_ONE_READER)
        self._hub, self._telling, self._reader, self._render = hub, telling, reader, render
        self._after, self._holds = after, holds
        self._reached = Reached(0, {})
        self._off: frozenset[int] = frozenset()

    async def chunks(self) -> AsyncGenerator[bytes]:
        """Until the connection is old, the credential no longer holds, or the server ends."""
        now = time.monotonic()
        oldest = now + OLDEST_SECONDS * random.uniform(0.8, 1)  # noqa: S311 - no secret
        checked = now + CHECK_SECONDS
        after = self._after
        while True:
            readable = await self._telling.readable(self._reader)
            waiting = _Waiting(readable)
            await self._hub.follow(waiting)
            try:
                if not _same(readable, await self._telling.readable(self._reader)):
                    continue  # it became another one before it was followed
                yield await self._begun(readable, after)
                lost = False
                while not lost:
                    if waiting.closed or not self._hub.running or time.monotonic() >= oldest:
                        return
                    if not await waiting.some(HEARTBEAT_SECONDS):
                        yield sse.HEARTBEAT
                    if time.monotonic() >= checked:
                        checked = time.monotonic() + CHECK_SECONDS
                        if not await self._holds():
                            return
                    if waiting.lagging:
                        yield await self._resync(readable)
                        return
                    chunk, lost = await self._told(waiting.news, readable)
                    if chunk:
                        yield chunk
            finally:
                self._hub.leave(waiting)
                waiting.left()
            yield await self._resync(await self._telling.readable(self._reader))
            after = self._reached.position

    async def _begun(self, readable: Readable, after: Position | None) -> bytes:
        """What was missed since `after`, and where that comes to."""
        self._off = readable.off
        if after is None:
            await self._catch_up(readable)
            return sse.event(None, id_=self._reached.id)
        missed = await self._missed(readable, after) if after.streams else None
        if missed is None:
            return await self._resync(readable)
        return missed + sse.event(None, id_=self._reached.id)

    async def _missed(self, readable: Readable, after: Position) -> bytes | None:
        """What happened since; None where that cannot be told, or another inbox is in reach now."""
        streams = readable.streams.keys()
        # The operations first: what these are about is then among what the streams tell.
        operations = await self._telling.of_reader(self._reader, after.op)
        if operations is None or any(_chooses(event) for _, event in operations[1]):
            return None
        if streams - after.streams.keys():
            return None  # of these nobody knows what was told
        self._reached = Reached(after.op, {id_: after.streams[id_] for id_ in streams})
        missed: list[bytes] = []
        for stream_id in sorted(streams):
            told = await self._telling.of_stream(stream_id, after.streams[stream_id])
            if told is None:
                return None
            missed += [await self._one(News(stream_id, at, event)) for at, event in told[1]]
            self._reached.move(stream_id, told[0])
        missed += [await self._one(News(self._reader.id, at, event)) for at, event in operations[1]]
        self._reached.move_op(operations[0])
        return b"".join(missed)

    async def _resync(self, readable: Readable) -> bytes:
        """Look at everything anew: at least what there is now."""
        await self._catch_up(readable)
        return sse.event(RESYNC, b"{}", id_=self._reached.id)

    async def _catch_up(self, readable: Readable) -> None:
        op = (await self._telling.reader_ends([self._reader.id])).get(self._reader.id, 0)
        ends = await self._telling.stream_ends(readable.streams.keys())
        self._reached = Reached(op, {id_: ends.get(id_, StreamEnd(0, 0)) for id_ in readable.streams})

    async def _told(self, waiting: deque[News], readable: Readable) -> tuple[bytes, bool]:
        """What waits, as it is written; and whether everything is to be looked at anew after it."""
        chunks: list[bytes] = []
        while waiting:
            news = waiting.popleft()
            if news.event is None:
                return b"".join(chunks), True
            if _chooses(news.event) and (await self._telling.readable(self._reader)).off != readable.off:
                # Without an id: who has read only this must not come back from after it.
                chunks += [sse.event(name, data) for name, data in self._rendered(news)]
                return b"".join(chunks), True
            chunks.append(await self._one(news))
        return b"".join(chunks), False

    async def _one(self, news: News) -> bytes:
        """One of the news as it is written; nothing, where it was told or is out of reach."""
        if isinstance(news.end, int):
            if news.end <= self._reached.op:
                return b""
            self._reached.move_op(news.end)
        else:
            there = self._reached.end_of(news.source)
            if news.end.seq <= there.seq and news.end.change <= there.change:
                return b""
            end = StreamEnd(max(news.end.seq, there.seq), max(news.end.change, there.change))
            self._reached.move(news.source, end)
        if self._off and self._is_off(news.event):
            return b""
        if isinstance(news.event, AlertChanged) and await self._is_dismissed(news.event):
            return b""
        rendered = self._rendered(news)
        if not rendered:
            return b""
        # One id for all of them: who has not read the last has read none.
        written = [sse.event(name, data) for name, data in rendered[:-1]]
        return b"".join([*written, sse.event(*rendered[-1], id_=self._reached.id)])

    def _rendered(self, news: News) -> Sequence[tuple[str, bytes]]:
        key = (self._render, self._reader.kind)
        if (rendered := news.rendered.get(key)) is None:
            rendered = news.rendered[key] = self._render(news, self._reader)
        return rendered

    async def _is_dismissed(self, event: AlertChanged) -> bool:
        """Whether it is one that the reader has dismissed, which only says something else now."""
        return event.alert is not None and not await self._telling.stands(self._reader, event.alert)

    def _is_off(self, event: object) -> bool:
        if isinstance(event, Appended):
            return lane_parts(event.notification.lane)[0] in self._off
        return isinstance(event, Ended) and lane_parts(event.lane)[0] in self._off


def _chooses(event: object) -> bool:
    """Whether other notifications may be in reach after it."""
    return isinstance(event, Operated) and event.preferences


def _same(one: Readable, other: Readable) -> bool:
    """Whether the same notifications are in reach."""
    return one.streams.keys() == other.streams.keys() and one.off == other.off

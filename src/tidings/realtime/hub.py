"""Who follows which streams and readers in this process, and one reading of each for all of them.

A wake-up says no more than that there is news; what it is comes from the logs in the database. So a wake-up
that is lost costs a moment, until the next look at where the logs have come to, and nothing else.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from uuid import UUID

import structlog

from tidings.model import Reader
from tidings.storage.logs import StreamEnd

POLL_SECONDS = 2.0
"""How late at most it is noticed what another process wrote, whose wake-up did not come."""
_RETRY_SECONDS = 0.5
_AT_ONCE = 4  # streams that are read at the same time

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class News:
    """Something to tell; `event` is None where so much happened that it cannot be told."""

    source: UUID  # the stream or reader
    end: StreamEnd | int  # where its log stands after this
    event: Any
    rendered: dict[Any, Any] = field(default_factory=dict[Any, Any])  # as it is written, for all who are told


class Follower(ABC):
    """Who is told what happens in some streams and to one reader."""

    __slots__ = ()

    reader: Reader
    streams: Collection[UUID]

    @abstractmethod
    def offer(self, news: Sequence[News]) -> None:
        """Take the news, or leave it; in no case wait."""

    @abstractmethod
    def close(self) -> None:
        """Come to an end, for the server does."""


End = TypeVar("End")
Told = tuple[End, Sequence[tuple[End, Any]]]
"""Up to where a log was read, and what it tells, each with where it stands after that."""


class Source(Protocol):
    """Where the logs are read: see tidings.inbox.live.Telling."""

    async def stream_ends(self, streams: Collection[UUID]) -> Mapping[UUID, StreamEnd]: ...
    async def reader_ends(self, readers: Collection[UUID]) -> Mapping[UUID, int]: ...
    async def of_stream(self, stream_id: UUID, after: StreamEnd) -> Told[StreamEnd] | None: ...
    async def of_reader(self, reader: Reader, after: int) -> Told[int] | None: ...


@dataclass(slots=True)
class _Log:
    """A stream's or reader's log: up to where it was read, and who follows it."""

    end: Any
    followers: set[Follower] = field(default_factory=set[Follower])


class Hub:
    """The logs that somebody follows."""

    def __init__(self, source: Source, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._source, self._poll_seconds = source, poll_seconds
        self._streams: dict[UUID, _Log] = {}
        self._readers: dict[UUID, _Log] = {}
        self._followers: set[Follower] = set()
        self._woken: tuple[set[UUID], set[UUID]] = (set(), set())  # streams, readers
        self._news = asyncio.Event()
        self._due = 0.0  # when to look at where the logs have come to, by the event loop's clock
        self.running = False  # who follows is told what comes

    def wake(self, streams: Iterable[UUID], readers: Iterable[UUID]) -> None:
        """There is news of these."""
        self._woken[0].update(id_ for id_ in streams if id_ in self._streams)
        self._woken[1].update(id_ for id_ in readers if id_ in self._readers)
        if any(self._woken):
            self._news.set()

    def look_around(self) -> None:
        """Look at once at where the logs have come to: there may be news that nobody was told of."""
        self._due = 0.0
        self._news.set()

    async def follow(self, follower: Follower) -> tuple[dict[UUID, StreamEnd], int]:
        """Tell the follower everything from now on; where the streams and the reader stand now.

        What came before is the follower's to find out.
        """
        streams = await self._source.stream_ends(follower.streams)
        readers = await self._source.reader_ends([follower.reader.id])
        ends: dict[UUID, StreamEnd] = {}
        for stream_id in follower.streams:
            log = self._streams.get(stream_id)
            if log is None:
                log = self._streams[stream_id] = _Log(streams.get(stream_id, StreamEnd(0, 0)))
            log.followers.add(follower)
            ends[stream_id] = log.end
        mine = self._readers.get(follower.reader.id)
        if mine is None:
            mine = self._readers[follower.reader.id] = _Log(readers.get(follower.reader.id, 0))
        mine.followers.add(follower)
        self._followers.add(follower)
        return ends, mine.end

    def followers_of(self, reader_id: UUID) -> int:
        """How many follow this reader's inbox now."""
        log = self._readers.get(reader_id)
        return 0 if log is None else len(log.followers)

    def leave(self, follower: Follower) -> None:
        """Tell the follower nothing more."""
        self._followers.discard(follower)
        for logs, ids in ((self._streams, follower.streams), (self._readers, [follower.reader.id])):
            for id_ in ids:
                log = logs.get(id_)
                if log is not None:
                    log.followers.discard(follower)
                    if not log.followers:
                        del logs[id_]

    def close(self) -> None:
        """Let all followers come to an end, and no new ones begin."""
        self.running = False
        for follower in tuple(self._followers):
            follower.close()

    async def run(self) -> None:
        """Look at what there is news of, until cancelled."""
        self.running = True
        loop = asyncio.get_running_loop()
        self._due = loop.time() + self._poll_seconds
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._due):
                    await self._news.wait()
            try:
                if loop.time() >= self._due:  # however much was heard of meanwhile
                    self._due = loop.time() + self._poll_seconds
                    await self._find_news()
                await self.look()
            except Exception:
                _log.exception("news cannot be read; it will be tried again")
                await asyncio.sleep(_RETRY_SECONDS)

    async def _find_news(self) -> None:
        """Wake what has come further than was read."""
        if not self._followers:
            return
        stream_ends = await self._source.stream_ends([*self._streams])
        reader_ends = await self._source.reader_ends([*self._readers])
        self.wake(_further(self._streams, stream_ends), _further(self._readers, reader_ends))

    async def look(self) -> None:
        """Read what there is news of, and tell it."""
        self._news.clear()
        (streams, readers), self._woken = self._woken, (set(), set())
        failures: list[BaseException] = []
        operations = await self._read_readers(readers, failures)
        # Who is to look anew, for they may read other streams now, is told nothing more of these.
        for reader_id, told in operations.items():
            if told is None:
                end = (await self._source.reader_ends([reader_id])).get(reader_id, 0)
                self._tell_reader(reader_id, (end, [(end, None)]))
        await self._look_at_streams(streams, failures)
        for reader_id, told in operations.items():
            if told is not None:
                await self._look_at_streams_of(reader_id, failures)
                self._tell_reader(reader_id, told)
        if failures:
            raise failures[0]  # the others were read, and these are woken again

    async def _read_readers(
        self, readers: Iterable[UUID], failures: list[BaseException]
    ) -> dict[UUID, Told[int] | None]:
        found: dict[UUID, Told[int] | None] = {}
        for reader_id in readers:
            log = self._readers.get(reader_id)
            if log is not None:
                follower = next(iter(log.followers))
                try:
                    found[reader_id] = await self._source.of_reader(follower.reader, log.end)
                except Exception as error:
                    failures.append(error)
                    self.wake((), [reader_id])
        return found

    def _tell_reader(self, reader_id: UUID, told: Told[int]) -> None:
        log = self._readers.get(reader_id)
        if log is not None:
            _tell(log, reader_id, told)

    async def _look_at_streams_of(self, reader_id: UUID, failures: list[BaseException]) -> None:
        """What an operation was about was told before: it stands in streams that may be read only now."""
        log = self._readers.get(reader_id)
        if log is not None:
            streams = {id_ for one in log.followers for id_ in one.streams if id_ in self._streams}
            ends = await self._source.stream_ends(streams)
            await self._look_at_streams(_further(self._streams, ends), failures)

    async def _look_at_streams(self, streams: Iterable[UUID], failures: list[BaseException]) -> None:
        waiting = [*streams]
        for first in range(0, len(waiting), _AT_ONCE):
            some = waiting[first : first + _AT_ONCE]
            done = await asyncio.gather(*map(self._look_at_stream, some), return_exceptions=True)
            failed = {id_: error for id_, error in zip(some, done, strict=True) if error is not None}
            failures += failed.values()
            self.wake(failed, ())

    async def _look_at_stream(self, stream_id: UUID) -> None:
        log = self._streams.get(stream_id)
        if log is None:
            return
        after = log.end
        told: Told[StreamEnd] | None = await self._source.of_stream(stream_id, after)
        if told is None:
            end = (await self._source.stream_ends([stream_id])).get(stream_id, after)
            told = end, [(end, None)]
        _tell(log, stream_id, told)


def _tell(log: _Log, source: UUID, told: Told[Any]) -> None:
    log.end, events = told
    news = [News(source, at, event) for at, event in events]
    if news:
        for follower in tuple(log.followers):
            follower.offer(news)


def _further(logs: Mapping[UUID, _Log], ends: Mapping[UUID, Any]) -> list[UUID]:
    """The logs that have come to another end than they were read to."""
    return [id_ for id_, end in ends.items() if id_ in logs and logs[id_].end != end]

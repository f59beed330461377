"""Wake-ups between processes, over Redis or Valkey: of whom there is news, and nothing of what it is.

Nothing is kept there, and no write waits for it. While it is away, each process finds what others wrote by
looking at where the logs have come to (see tidings.realtime.hub), which costs seconds and loses nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tidings.realtime.hub import Hub

CHANNEL = "tidings:news"
SILENCE_SECONDS = 10.0
"""After so long without a word the server is asked whether it is there, and given as long to answer."""
RETRY_SECONDS = 1.0

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Bus:
    """Tells the other processes what this one committed, and wakes the hub for what they did."""

    def __init__(self, redis: Redis, hub: Hub) -> None:
        self._redis: Any = redis  # its types are but partly known
        self._hub = hub
        self._me = uuid4().hex
        self._unsaid: tuple[set[UUID], set[UUID]] = (set(), set())  # streams, readers
        self._something = asyncio.Event()
        self._works = True

    def publish(self, streams: Iterable[UUID], readers: Iterable[UUID]) -> None:
        """Tell the others soon that there is news of these. What many commits have is told together."""
        self._unsaid[0].update(streams)
        self._unsaid[1].update(readers)
        self._something.set()

    async def run(self) -> None:
        """Speak and listen, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._speak())
            tasks.create_task(self._listen())

    async def _speak(self) -> None:
        while True:
            await self._something.wait()
            self._something.clear()
            (streams, readers), self._unsaid = self._unsaid, (set(), set())
            # As text: the UUIDs that asyncpg reads are of a class of its own, which orjson does not take.
            message = {"from": self._me, "streams": [*map(str, streams)], "readers": [*map(str, readers)]}
            try:
                await self._redis.publish(CHANNEL, orjson.dumps(message))
            except (RedisError, OSError) as error:  # the others find it at their next look
                self._failed(error)
                await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    await pubsub.subscribe(CHANNEL)
                    await self._hear(pubsub)
            except (RedisError, OSError) as error:
                self._failed(error)
            # Not all at once, when it comes back.
            await asyncio.sleep(RETRY_SECONDS * random.uniform(0.2, 1))  # noqa: S311 - no secret

    async def _hear(self, pubsub: Any) -> None:
        asked = False
        while True:
            heard: Any = await pubsub.get_message(timeout=SILENCE_SECONDS)
            if heard is None:
                if asked:
                    raise TimeoutError("it does not answer")
                await pubsub.ping()
            asked = heard is None
            match heard:
                case {"type": "subscribe"}:
                    self._heard()
                case {"type": "message", "data": bytes(data)}:
                    self._wake(data)
                case _:
                    pass

    def _wake(self, data: bytes) -> None:
        try:
            message = orjson.loads(data)
            if message["from"] != self._me:  # who wrote has woken itself
                self._hub.wake(map(UUID, message["streams"]), map(UUID, message["readers"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            _log.warning("what was told on the channel is no news of ours", channel=CHANNEL)

    def _heard(self) -> None:
        """It listens. What was told while it did not is to be looked for."""
        self._hub.look_around()
        if not self._works:
            self._works = True
            _log.info("Redis answers again")

    def _failed(self, error: Exception) -> None:
        if self._works:  # once, and not with every attempt
            self._works = False
            _log.warning("Redis does not answer: news of other processes comes late", reason=str(error))

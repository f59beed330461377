"""Rate limits that all processes share, over Redis or Valkey."""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import blake2b

import orjson
import structlog
from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tidings.surfaces.limits import Limiter, Policy, Usage, refused, seconds

ALONE_SECONDS = 1.0
"""So long Redis is not asked again after it did not answer."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class SharedLimiter(Limiter):
    """Counts the requests of each key in all processes. While Redis is away, each process counts its own."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        storage = RedisStorage(
            "async+redis://",  # not asked: the connections are there
            implementation="redispy",
            connection_pool=redis.connection_pool,  # pyright: ignore[reportArgumentType] - as its docs say
            key_prefix="tidings:limits",
        )
        self._windows = MovingWindowRateLimiter(storage)
        self._alone_until = clock()

    async def hit(self, policy: Policy, *key: str) -> Usage:
        """As in the process alone. Raises RateLimited beyond the quota; a refused one does not count."""
        if self._clock() < self._alone_until:
            return await super().hit(policy, *key)
        # What is counted names people; Redis need not know them. The strategy is a part of the name, for
        # another one would keep something else under it.
        item = RateLimitItemPerSecond(policy.quota, policy.window, namespace=f"moving:{policy.name}")
        name = blake2b(orjson.dumps(key), digest_size=16).hexdigest()
        try:
            accepted = await self._windows.hit(item, name)
            window = await self._windows.get_window_stats(item, name)
        except (RedisError, OSError) as error:
            self._alone_until = self._clock() + ALONE_SECONDS
            _log.warning("Redis does not answer: each process counts its own requests", reason=str(error))
            return await super().hit(policy, *key)
        reset = seconds(window.reset_time - time.time())
        if not accepted:
            raise refused(policy, reset)
        return Usage(policy=policy, remaining=window.remaining, reset=reset)

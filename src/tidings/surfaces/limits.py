"""Rate limits: so many requests in any window of so many seconds, for each key.

Kept in the process; tidings.surfaces.shared_limits is for several of them. Every hit costs the same, however
many keys there are.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tidings.errors import RateLimited


@dataclass(frozen=True, kw_only=True)
class Policy:
    """At most `quota` requests within any `window` seconds. The name is a part of the key, and shown."""

    name: str
    quota: int
    window: int


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What is left of a quota after a request."""

    policy: Policy
    remaining: int
    reset: int  # seconds until something of the quota comes back

    @property
    def headers(self) -> dict[str, str]:
        """The header fields of draft-ietf-httpapi-ratelimit-headers."""
        policy = self.policy
        return {
            "RateLimit-Policy": f'"{policy.name}";q={policy.quota};w={policy.window}',
            "RateLimit": f'"{policy.name}";r={self.remaining};t={self.reset}',
        }


class Limiter:
    """Counts the requests of each key in a window that moves with the time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._hits: dict[Policy, OrderedDict[tuple[str, ...], deque[float]]] = {}

    async def hit(self, policy: Policy, *key: str) -> Usage:
        """Count a request of this key. Raises RateLimited beyond the quota; a refused one does not count."""
        now = self._clock()
        keys = self._hits.setdefault(policy, OrderedDict())
        _forget(keys, now - policy.window)
        hits = keys.setdefault(key, deque())
        while hits and hits[0] <= now - policy.window:
            hits.popleft()
        if len(hits) >= policy.quota:
            raise refused(policy, seconds(hits[0] + policy.window - now))
        hits.append(now)
        keys.move_to_end(key)
        reset = seconds(hits[0] + policy.window - now)
        return Usage(policy=policy, remaining=policy.quota - len(hits), reset=reset)


def refused(policy: Policy, wait: int) -> RateLimited:
    """The error of a request beyond the quota, of which something comes back in `wait` seconds."""
    usage = Usage(policy=policy, remaining=0, reset=wait)
    return RateLimited(retry_after=wait, headers=usage.headers)


def refusal_headers(error: RateLimited) -> dict[str, str]:
    """The header fields of the answer to a request that was refused."""
    headers: Mapping[str, str] = error.details.get("headers", {})
    return {"Retry-After": str(error.retry_after), **headers}


def _forget(keys: OrderedDict[tuple[str, ...], deque[float]], before: float) -> None:
    """Drop keys whose last hit is older, the longest unused first; two a call is more than come new."""
    for _ in range(2):
        oldest = next(iter(keys.items()), None)
        if oldest is None or (oldest[1] and oldest[1][-1] > before):
            return
        del keys[oldest[0]]


def seconds(duration: float) -> int:
    """A time to wait, in whole seconds: at least one."""
    return max(1, math.ceil(duration))

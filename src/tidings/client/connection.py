"""A server and a credential for it, sync and async: what sends, waits, and sends again."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from functools import cache
from typing import Any, Self, TypeVar

import httpx2

from tidings.client.requests import Answer, Exchange, Outcome, Request, Retry
from tidings.client.values import Page

T = TypeVar("T")

_TOKEN = re.compile(r"[!-~]+")


class Connection:
    """Close it, or use it in a `with`; threads may share it."""

    def __init__(
        self,
        base_url: str,
        token: str,
        /,
        *,
        timeout: float = 10.0,
        retry: Retry | None = None,
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`timeout` is in seconds, for each attempt; `transport`, `sleep` and `clock` can be replaced.

        An attempt ends with the first part of the body that comes after that time, and no part is waited for
        longer than that; what comes before the body is bounded read by read, so that a server which trickles
        its headers can hold it. Raises ValueError for a token that can be none.
        """
        self._retry, self._sleep, self._timeout, self._clock = retry or Retry(), sleep, timeout, clock
        self._http = httpx2.Client(
            base_url=base_url, headers=_bearer(token), timeout=timeout, transport=transport, verify=_trusted()
        )

    def run(self, request: Request[T]) -> T:
        """Make one call. Raises TidingsError."""
        exchange = Exchange(request, self._retry)
        while (wait := exchange.wait(self._attempt(exchange.sent))) is not None:
            self._sleep(wait)
        return exchange.result()

    def _attempt(self, sent: Mapping[str, Any]) -> Outcome:
        deadline = self._clock() + self._timeout
        try:
            with self._http.stream(**sent) as response:
                answer = Answer(response)
                for part in response.iter_bytes():
                    answer.add(part)
                    if self._clock() > deadline:
                        raise _late(self._timeout)
                return answer.whole()
        except httpx2.RequestError as error:
            return error

    def iterate(self, request: Request[Page[T]]) -> Iterator[T]:
        """All of this page and of those that follow, each fetched when it is come to."""
        while True:
            page = self.run(request)
            yield from page.items
            if page.next_cursor is None:
                return
            request = request.after(page.next_cursor)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncConnection:
    """Close it, or use it in an `async with`; tasks of one event loop may share it."""

    def __init__(
        self,
        base_url: str,
        token: str,
        /,
        *,
        timeout: float = 10.0,
        retry: Retry | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """`timeout` is in seconds, for each attempt; `transport` and `sleep` can be put in their places.

        Raises ValueError for a token that can be none.
        """
        self._retry, self._sleep, self._timeout = retry or Retry(), sleep, timeout
        self._http = httpx2.AsyncClient(
            base_url=base_url, headers=_bearer(token), timeout=timeout, transport=transport, verify=_trusted()
        )

    async def run(self, request: Request[T]) -> T:
        """Make one call. Raises TidingsError."""
        exchange = Exchange(request, self._retry)
        while (wait := exchange.wait(await self._attempt(exchange.sent))) is not None:
            await self._sleep(wait)
        return exchange.result()

    async def _attempt(self, sent: Mapping[str, Any]) -> Outcome:
        try:
            async with asyncio.timeout(self._timeout), self._http.stream(**sent) as response:
                answer = Answer(response)
                async for part in response.aiter_bytes():
                    answer.add(part)
                return answer.whole()
        except TimeoutError:
            return _late(self._timeout)
        except httpx2.RequestError as error:
            return error

    async def iterate(self, request: Request[Page[T]]) -> AsyncIterator[T]:
        """All of this page and of those that follow, each fetched when it is come to."""
        while True:
            page = await self.run(request)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            request = request.after(page.next_cursor)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


@cache
def _trusted() -> ssl.SSLContext:
    """Whom TLS trusts. Reading that takes a tenth of a second: a backend may have an Inbox for each user."""
    return httpx2.create_ssl_context()


def _late(timeout: float) -> httpx2.TimeoutException:
    return httpx2.TimeoutException(f"no whole answer within {timeout:g} seconds")


def _bearer(token: str) -> dict[str, str]:
    if not _TOKEN.fullmatch(token):  # what sends it would name it in its error
        raise ValueError("a token is of printable ASCII characters without spaces, and not empty")
    return {"Authorization": f"Bearer {token}", "Accept": "application/json"}

"""HTTP to where others choose: through the guard, to the first answer, within a time and a size."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

import httpcore2
import httpx2

from tidings.delivery.guard import Address, Guard

TIMEOUT_SECONDS = 20.0
"""From looking the name up to the last byte of the answer."""
LARGEST = 64 * 1024
"""Bytes of an answer that are read."""
IDLE_SECONDS = 30.0
"""So long a connection is kept that nobody uses."""
MOST_IDLE = 8

_FAILURES = (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException)


@dataclass(frozen=True, kw_only=True)
class Response:
    """What the other side said."""

    status: int
    headers: httpx2.Headers
    body: bytes  # as it came, not decompressed, and its first LARGEST bytes at most


class Outbound:
    """Posts, and keeps a few connections open.

    What the environment says of proxies does not hold: a proxy would resolve names itself.
    """

    def __init__(
        self, guard: Guard, *, seconds: float = TIMEOUT_SECONDS, tls: ssl.SSLContext | None = None
    ) -> None:
        """It gives up after `seconds`; certificates must be good for the name in the URL, as `tls` has it."""
        self._seconds = seconds
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls or httpcore2.default_ssl_context(),
            max_connections=None,  # else hosts that hang would hold up all others
            max_keepalive_connections=MOST_IDLE,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=_Guarded(guard, seconds),
        )

    async def post(self, url: str, *, content: bytes, headers: Mapping[str, str]) -> Response:
        """POST to an http(s) URL. A redirect is an answer like any other, and not followed.

        Raises ValueError where the URL or a header is none; OSError where no answer comes (TimeoutError: in
        time), AddressRefused among them.
        """
        target = _target(url)
        sent = httpx2.Headers({"Host": target.netloc.decode("ascii"), **headers})
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._pool.stream(
                    "POST",
                    httpcore2.URL(
                        scheme=target.raw_scheme,
                        host=target.raw_host,
                        port=target.port,
                        target=target.raw_path,
                    ),
                    headers=sent.raw,
                    content=content,
                ) as answer,
            ):
                body = await _first_bytes(answer)
                return Response(status=answer.status, headers=httpx2.Headers(answer.headers), body=body)
        except _FAILURES as error:
            raise ConnectionError(f"{target.host}: {error}") from error
        except TimeoutError as error:
            raise TimeoutError(f"{target.host} did not answer within {self._seconds:g} seconds") from error

    async def close(self) -> None:
        await self._pool.aclose()


class _Guarded(httpcore2.AsyncNetworkBackend):
    """Connects to the addresses that the guard gives out; TLS still asks for the name."""

    def __init__(self, guard: Guard, seconds: float) -> None:
        self._guard, self._seconds = guard, seconds
        self._network = cast("httpcore2.AsyncNetworkBackend", httpcore2.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's name
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        async def dial(address: Address) -> httpcore2.AsyncNetworkStream:
            try:
                return await self._network.connect_tcp(
                    address.ip, port, local_address=local_address, socket_options=socket_options
                )
            except httpcore2.ConnectError as error:
                raise ConnectionError(str(error)) from error

        return await self._guard.reach(host, port, dial, seconds=timeout or self._seconds)


def _target(url: str) -> httpx2.URL:
    try:
        target = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise ValueError(str(error)) from error
    if target.scheme not in ("http", "https") or not target.raw_host or target.userinfo:
        raise ValueError("It must be an http or https URL with a host and without a user.")
    return target


async def _first_bytes(answer: httpcore2.Response) -> bytes:
    read = b""
    async for piece in answer.aiter_stream():
        read += piece
        if len(read) >= LARGEST:
            break
    return read[:LARGEST]

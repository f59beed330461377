"""A mail server that takes everything and keeps nothing but Message-IDs: `python -m tests.sink` is one alone.

The least of SMTP that a client needs, so that it is the client who is measured or killed.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from threading import Thread
from typing import Any

HOST = "127.0.0.1"
_END = b"\r\n.\r\n"
_MESSAGE_ID = re.compile(rb"^message-id:\s*(<[^>]*>)", re.IGNORECASE | re.MULTILINE)
_ANSWERS = {
    b"EHLO": b"250-sink\r\n250 8BITMIME\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 bye\r\n",
}


class Sink:
    """What arrived, by Message-ID, and how often."""

    def __init__(self) -> None:
        self.came: Counter[str] = Counter()
        self.port = 0
        self._connections: set[Any] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(lambda: _Session(self), HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for transport in tuple(self._connections):
            transport.abort()

    def connected(self, transport: Any) -> None:
        self._connections.add(transport)

    def left(self, transport: Any) -> None:
        self._connections.discard(transport)

    def take(self, mail: bytes) -> None:
        found = _MESSAGE_ID.search(mail)
        self.came[found[1].decode() if found else ""] += 1


class _Session(asyncio.Protocol):
    """One client. Commands may come in pieces, and several at once."""

    def __init__(self, sink: Sink) -> None:
        self._sink, self._transport, self._received, self._in_mail = sink, None, b"", False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._sink.connected(transport)
        transport.write(b"220 sink\r\n")

    def connection_lost(self, exc: Exception | None) -> None:
        self._sink.left(self._transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while True:
            part, end, rest = self._received.partition(_END if self._in_mail else b"\r\n")
            if not end:
                return
            self._received = rest
            self._transport.write(self._mail(part) if self._in_mail else self._command(part))

    def _command(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        self._in_mail = verb == b"DATA"
        return _ANSWERS.get(verb, b"250 ok\r\n")

    def _mail(self, mail: bytes) -> bytes:
        self._in_mail = False
        self._sink.take(mail)
        return b"250 taken\r\n"


@contextmanager
def sink() -> Generator[Sink]:
    """One in a thread of its own, until the end."""
    loop, it = asyncio.new_event_loop(), Sink()
    thread = Thread(target=loop.run_forever, name="sink", daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(it.open(), loop).result()
    try:
        yield it
    finally:
        loop.call_soon_threadsafe(it.close)
        loop.call_soon_threadsafe(loop.call_soon, loop.stop)  # once those that it closed know
        thread.join()
        loop.close()


def main() -> None:
    """Says its port, and for each line that it is given how many mails have come."""
    with sink() as it:
        print(it.port, flush=True)
        for _ in sys.stdin:
            print(it.came.total(), flush=True)


if __name__ == "__main__":
    main()

"""Server-Sent Events, as the HTML standard has them, over raw ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

HEARTBEAT = b":\n\n"
HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would gather them
}
HANDED_OVER = "tidings.stream"
"""Where an application leaves its stream in the scope, for who called it to go on with."""
ASK_SECONDS = 15.0
"""How often it is asked whether the client is gone."""
WRITE_SECONDS = 10.0
"""Who takes nothing for so long is gone, or too slow to be of use to."""


def event(name: str | None, data: bytes = b"", *, id_: bytes | None = None) -> bytes:
    """One event; `data` is one line. Without a name it only says, by its id, how far the reader has come."""
    lines = [] if name is None else [b"event: " + name.encode(), b"data: " + data]
    if id_ is not None:
        lines.append(b"id: " + id_)
    return b"\n".join(lines) + b"\n\n"


class EventStream(Response):
    """Sends chunks of events, each at once, until they end or the client is gone.

    Not from within the application that answers with it: what that keeps for a request, from its middleware
    to its router, is a third of what a connection would cost. Whether the client is gone is asked now and
    then, for a task that waits for it costs as well.
    """

    media_type = "text/event-stream"

    def __init__(self, chunks: AsyncGenerator[bytes]) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[HANDED_OVER] = self

    async def run(self, receive: Receive, send: Send) -> None:
        """Send it all. Raises TimeoutError where the client takes nothing."""
        loop = asyncio.get_running_loop()
        asked = loop.time()
        async with aclosing(self._chunks) as chunks:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for chunk in chunks:
                await _in_time(send({"type": "http.response.body", "body": chunk, "more_body": True}))
                if chunk is HEARTBEAT or loop.time() >= asked + ASK_SECONDS:
                    asked = loop.time()
                    if await _is_gone(receive):
                        return
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _in_time(writing: Awaitable[None]) -> None:
    """As asyncio.timeout does it, which takes longer than all the rest of writing does."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    if task is None:
        raise RuntimeError("Only a task can be stopped.")
    late = loop.call_later(WRITE_SECONDS, task.cancel)
    try:
        await writing
    except asyncio.CancelledError:
        if loop.time() < late.when() or task.uncancel():
            raise  # for another reason
        raise TimeoutError from None
    finally:
        late.cancel()


async def _is_gone(receive: Receive) -> bool:
    """Whether the client has hung up. What it sent before, of a body that nobody wants, is passed over."""
    try:
        async with asyncio.timeout(0):
            while True:
                if (await receive())["type"] == "http.disconnect":
                    return True
    except TimeoutError:
        return False

"""The demo's own mail server: what it is given it keeps in a folder, and sends nowhere."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Generator
from contextlib import contextmanager
from mailbox import Maildir
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any
from weakref import WeakSet

from aiosmtpd.smtp import SMTP

HOST = "127.0.0.1"


class _Keeper:
    """Puts every mail into a Maildir."""

    def __init__(self, folder: Path) -> None:
        self._mails = Maildir(folder)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's
        self._mails.add(envelope.content)
        return "250 2.0.0 kept"


@contextmanager
def caught(folder: Path) -> Generator[int]:
    """Take mail on a port of this machine, in a thread of its own; the port."""
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # else it tells every command
    keeper, connections = _Keeper(folder), WeakSet[SMTP]()
    ports: Queue[int] = Queue()
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    def connected() -> SMTP:
        connections.add(one := SMTP(keeper, hostname="demo", loop=loop))
        return one

    async def serve() -> None:
        server = await loop.create_server(connected, HOST, 0)
        ports.put(server.sockets[0].getsockname()[1])
        await over.wait()
        server.close()
        for one in tuple(connections):
            if one.transport is not None:
                one.transport.close()
        await asyncio.sleep(0)  # for them to be told

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = Thread(target=run, name="mail", daemon=True)
    thread.start()
    try:
        yield ports.get()
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()

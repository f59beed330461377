"""The demo's own mail server: what it is given it keeps in a folder, and sends nowhere."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Generator
from contextlib import contextmanager
from mailbox import Maildir
from pathlib import Path
from threading import Thread
from typing import Any

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
    loop, keeper = asyncio.new_event_loop(), _Keeper(folder)
    listening = loop.create_server(lambda: SMTP(keeper, hostname="demo", loop=loop), HOST, 0)
    server = loop.run_until_complete(listening)
    thread = Thread(target=loop.run_forever, name="mail", daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()

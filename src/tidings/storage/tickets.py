"""Tickets that open a stream once; of each only the SHA-256 is kept."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from tidings.model import Reader, ReaderKind
from tidings.storage.connection import Connection
from tidings.storage.tables import stream_ticket


class Tickets:
    """Who may open a stream."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, hash_: bytes, reader: Reader, expires_at: datetime) -> None:
        row = {
            "hash": hash_,
            "reader_id": reader.id,
            "kind": reader.kind.value,
            "expires_at": expires_at,
        }
        await self._connection.write(stream_ticket, [row])

    async def take(self, hash_: bytes) -> tuple[Reader, datetime] | None:
        """Whose ticket it is, and until when it holds; it is gone then. None where there is none."""
        rows = await self._connection.all(
            sa.delete(stream_ticket)
            .where(stream_ticket.c.hash == hash_)
            .returning(stream_ticket.c.reader_id, stream_ticket.c.kind, stream_ticket.c.expires_at)
        )
        for reader_id, kind, expires_at in rows:
            return Reader(id=reader_id, kind=ReaderKind(kind)), expires_at
        return None

    async def forget(self, before: datetime) -> None:
        """Forget those that hold no longer."""
        await self._connection.execute(sa.delete(stream_ticket).where(stream_ticket.c.expires_at < before))

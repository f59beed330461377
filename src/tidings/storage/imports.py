"""How far the import of a file has come, written in the transactions that import it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from tidings.storage.connection import Connection, Merge, Row
from tidings.storage.idempotency import KEPT
from tidings.storage.tables import idempotency

KEYS = UUID("00000000-0000-7000-8000-000000000002")
"""The scope of the idempotency keys that lines have."""

_FILES = UUID("00000000-0000-7000-8000-000000000003")
_KEPT = timedelta(days=30)
_NOTHING = hashlib.sha256().digest()


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What of a file is done."""

    digest: bytes = _NOTHING  # SHA-256 of all that was read up to `offset`
    offset: int = 0  # bytes
    line: int = 0  # the number of the last line
    sent: int = 0  # notifications
    repeated: int = 0  # lines whose key had come before
    rejected: int = 0  # lines
    rejects: int = 0  # bytes in the file of rejects
    finished: bool = False  # the end of the file was reached


class Imports:
    """Rows beside those of the idempotency keys, under a scope of their own, and kept for longer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def lock(self, name: str, now: datetime) -> Progress:
        """How far the import of this name is, which stays so until this transaction ends."""
        await self._connection.write(idempotency, [_row(name, Progress(), now)], or_ignore=True)
        mine = sa.and_(idempotency.c.scope == _FILES, idempotency.c.key == _key(name))
        row = await self._connection.first(sa.select(idempotency).where(mine).with_for_update())
        return Progress() if row is None else _progress(row)

    async def set(self, name: str, progress: Progress, now: datetime) -> None:
        merge = {"body_hash": Merge.TAKE, "answer": Merge.TAKE, "created_at": Merge.TAKE}
        await self._connection.write(idempotency, [_row(name, progress, now)], merge=merge)


def _key(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def _row(name: str, progress: Progress, now: datetime) -> dict[str, Any]:
    counts = {column: getattr(progress, column) for column in _COUNTS}
    return {
        "scope": _FILES,
        "key": _key(name),
        "body_hash": progress.digest,
        "answer": counts,
        # Ahead of the time, for what is older than KEPT is forgotten: who goes on after a weekend goes on.
        "created_at": now + _KEPT - KEPT,
    }


def _progress(row: Row) -> Progress:
    return Progress(digest=row.body_hash, **row.answer)


_COUNTS = ("offset", "line", "sent", "repeated", "rejected", "rejects", "finished")

"""Appending on behalf of callers: many at once, and some who ask twice."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from tidings.errors import TidingsError
from tidings.inbox.append import MOST_AT_ONCE, append
from tidings.model import Draft
from tidings.storage.engine import Database


@dataclass(frozen=True, kw_only=True)
class Once:
    """What makes a request the same as one before."""

    scope: UUID  # who sent it
    key: str  # 1 to 255 characters, chosen by the sender
    body_hash: bytes  # of what it says


@dataclass(frozen=True, kw_only=True)
class Sent:
    ids: list[UUID]  # in the order of the drafts
    replayed: bool  # these are the ids of the first time; nothing was appended


@dataclass(frozen=True)
class _Waiting:
    """One caller, who waits for the ids of what they send."""

    drafts: Sequence[Draft]
    ids: asyncio.Future[list[UUID]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Sender:
    """Appends for all callers of one process, in as few transactions as their number allows.

    A group commit: while one transaction is under way, those who come wait, and the next one takes them all.
    Nobody waits for company: who comes alone is written at once.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[_Waiting] = deque()
        self._writing: asyncio.Task[None] | None = None

    async def send(self, drafts: Sequence[Draft], once: Once | None = None) -> Sent:
        """Append the drafts, or answer again what the same request was answered within the last 24 hours.

        Raises what append raises, of these drafts alone; IdempotencyMismatch for a key that came with another
        body. What fails leaves its key free.
        """
        if once is not None:
            return await self._send_once(drafts, once)
        one = _Waiting(drafts)
        self._waiting.append(one)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return Sent(ids=await one.ids, replayed=False)

    async def _send_once(self, drafts: Sequence[Draft], once: Once) -> Sent:
        """In a transaction of its own, for a key is claimed in the one that it is for."""
        async with self._database.begin() as store:
            now = await store.now()
            if answer := await store.idempotency.claim(once.scope, once.key, once.body_hash, now):
                return Sent(ids=[UUID(id_) for id_ in answer["ids"]], replayed=True)
            ids = await append(store, drafts)
            await store.idempotency.remember(once.scope, once.key, {"ids": [str(id_) for id_ in ids]})
            return Sent(ids=ids, replayed=False)

    async def _write(self) -> None:
        while group := self._next_group():
            await self._write_group(group)

    def _next_group(self) -> list[_Waiting]:
        """The longest waiting, as many as one append takes; those who gave up are left out."""
        group: list[_Waiting] = []
        rows = 0
        while self._waiting and (not group or rows + len(self._waiting[0].drafts) <= MOST_AT_ONCE):
            one = self._waiting.popleft()
            if not one.ids.done():
                group.append(one)
                rows += len(one.drafts)
        return group

    async def _write_group(self, group: Sequence[_Waiting]) -> None:
        """All of it; where something is refused each half by itself, so that nobody bears another's fault."""
        group = [one for one in group if not one.ids.done()]
        if not group:
            return
        try:
            async with self._database.begin() as store:
                ids = iter(await append(store, [draft for one in group for draft in one.drafts]))
        except BaseException as error:
            if isinstance(error, TidingsError) and len(group) > 1:
                await self._write_group(group[: len(group) // 2])
                await self._write_group(group[len(group) // 2 :])
                return
            for one in group:
                if not isinstance(error, Exception):
                    one.ids.cancel()
                elif not one.ids.done():
                    one.ids.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for one in group:
            mine = [next(ids) for _ in one.drafts]
            if not one.ids.done():
                one.ids.set_result(mine)

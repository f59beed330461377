"""Appending on behalf of many callers at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from tidings.errors import TidingsError
from tidings.inbox.append import MOST_AT_ONCE
from tidings.inbox.scheduling import send
from tidings.model import Draft
from tidings.storage.engine import Database


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

    async def send(self, drafts: Sequence[Draft]) -> list[UUID]:
        """Send the drafts; their ids, in their order. Raises what scheduling.send raises, of these alone."""
        one = _Waiting(drafts)
        self._waiting.append(one)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return await one.ids

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
                ids = iter(await send(store, [draft for one in group for draft in one.drafts]))
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

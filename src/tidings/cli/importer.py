"""Importing a file: in chunks, each in one transaction with the note of how far the file has come.

So whoever is killed, at any moment, has either both or neither, and the next run goes on from the note. The
file of rejects is written before the commit and cut back to what the note says, so that it too has each once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import IO

from tidings.cli.lines import Line, Lines, Rejected, record, understood
from tidings.errors import TidingsError
from tidings.inbox.append import MOST_AT_ONCE
from tidings.inbox.once import Message, send_once
from tidings.storage.engine import Database
from tidings.storage.imports import KEYS, Progress
from tidings.storage.store import Store

_MOST_BYTES = 16_000_000  # of lines in one chunk


class OtherContent(Exception):
    """What comes is not what was imported before under this name."""


class Taken(Exception):
    """Another process imports the same meanwhile."""


@dataclass(frozen=True, kw_only=True)
class _Entry:
    line: Line
    meaning: Message | Rejected

    @property
    def weight(self) -> int:
        return len(self.meaning.drafts) if isinstance(self.meaning, Message) else 0


class Importer:
    """One run over one file."""

    def __init__(
        self, database: Database, name: str, rejects: IO[bytes], told: Callable[[Progress], None]
    ) -> None:
        self._database, self._name, self._rejects, self._told = database, name, rejects, told
        self.progress = Progress()

    async def run(self, lines: Lines, *, restart: bool = False) -> Progress:
        """Import all that is not imported yet. Raises OtherContent, Taken, and what the database does."""
        await self._begin(lines, restart=restart)
        chunk: list[_Entry] = []
        weight = size = 0
        for line in lines:
            entry = None if _is_blank(line) else _Entry(line=line, meaning=understood(line))
            added = entry.weight if entry else 0
            if chunk and (len(chunk) == MOST_AT_ONCE or weight + added > MOST_AT_ONCE or size > _MOST_BYTES):
                await self._write(chunk)
                chunk, weight, size = [], 0, 0
            if entry:
                chunk.append(entry)
                weight, size = weight + added, size + len(line.raw)
        if chunk:
            await self._write(chunk)
        await self._finish()
        return self.progress

    async def _begin(self, lines: Lines, *, restart: bool) -> None:
        async with self._database.begin() as store:
            now = await store.now()
            before = await store.imports.lock(self._name, now)
            if restart:
                before = Progress()
                await store.imports.set(self._name, before, now)
        if before.offset and lines.skip(before.offset, before.line) != before.digest:
            if not before.finished:
                raise OtherContent
            try:
                lines.rewind()
            except OSError:
                raise OtherContent from None
            async with self._database.begin() as store:
                before = Progress()
                await store.imports.set(self._name, before, await store.now())
        self.progress = before
        self._told(before)

    async def _finish(self) -> None:
        self._cut()
        async with self._database.begin() as store:
            now = await self._claimed(store)
            done = replace(self.progress, finished=True)
            await store.imports.set(self._name, done, now)
        self.progress = done

    async def _write(self, chunk: Sequence[_Entry]) -> None:
        """All of it in one transaction; where something is refused each half by itself."""
        try:
            async with self._database.begin() as store:
                done = await self._written(store, chunk)
        except TidingsError as error:
            if len(chunk) > 1:
                await self._write(chunk[: len(chunk) // 2])
                await self._write(chunk[len(chunk) // 2 :])
            else:
                refused = Rejected(code=error.code, message=error.message)
                await self._write([replace(chunk[0], meaning=refused)])
            return
        self.progress = done
        self._told(done)

    async def _written(self, store: Store, chunk: Sequence[_Entry]) -> Progress:
        now = await self._claimed(store)
        messages = [entry.meaning for entry in chunk if isinstance(entry.meaning, Message)]
        sent = await send_once(store, KEYS, messages)
        rejected = [
            record(entry.line, entry.meaning) for entry in chunk if isinstance(entry.meaning, Rejected)
        ]
        before, last = self.progress, chunk[-1].line
        done = Progress(
            digest=last.digest,
            offset=last.end,
            line=last.number,
            sent=before.sent + sum(len(one.ids) for one in sent if not one.again),
            repeated=before.repeated + sum(one.again for one in sent),
            rejected=before.rejected + len(rejected),
            rejects=before.rejects + sum(map(len, rejected)),
        )
        self._keep(rejected)
        await store.imports.set(self._name, done, now)
        return done

    async def _claimed(self, store: Store) -> datetime:
        """The time, with the note locked. Raises Taken where somebody else has gone on from it."""
        now = await store.now()
        if await store.imports.lock(self._name, now) != self.progress:
            raise Taken
        return now

    def _keep(self, rejected: Sequence[bytes]) -> None:
        if rejected:
            self._cut()
            self._rejects.write(b"".join(rejected))
            self._rejects.flush()
            os.fsync(self._rejects.fileno())

    def _cut(self) -> None:
        """Take away what a run wrote that then did not commit."""
        self._rejects.seek(0, os.SEEK_END)
        if self._rejects.tell() > self.progress.rejects:
            self._rejects.truncate(self.progress.rejects)
            self._rejects.seek(0, os.SEEK_END)


def _is_blank(line: Line) -> bool:
    return not line.too_long and not line.raw.strip()

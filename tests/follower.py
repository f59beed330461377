"""A client that looks once, and from then on only applies what the stream tells."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from tidings.inbox import counts
from tidings.inbox.items import held
from tidings.inbox.live import Telling
from tidings.inbox.reach import reach_of
from tidings.model import Reader, ReaderKind
from tidings.realtime.hub import Hub
from tidings.realtime.positions import Position, position_of
from tidings.realtime.sse import HEARTBEAT
from tidings.storage.engine import Database
from tidings.surfaces.live import LiveInbox
from tidings.surfaces.native.schemas.inbox import InboxItem
from tidings.surfaces.native.schemas.stream import rendered

LEVELS = ("seen", "read", "dismissed")
Fields = dict[str, Any]


class Told:
    """One event of a stream."""

    def __init__(self, text: str) -> None:
        lines = [line.partition(": ")[::2] for line in text.split("\n")]
        fields = dict(lines)
        self.name, self.id = fields.get("event"), fields.get("id")
        self.data: Fields = json.loads(fields.get("data", "{}"))


def events(chunk: bytes) -> list[Told]:
    return [Told(text) for text in chunk.decode().split("\n\n") if text and not text.startswith(":")]


class Held:
    """What a client has of a reader's inbox, and what events make of it."""

    def __init__(self, *, company: bool = False) -> None:
        self.items: dict[str, Fields] = {}
        self._company = company

    def apply(self, told: Told) -> None:
        """What the event says; `resync` says nothing that could be applied."""
        if told.name == "notification":
            self.items[told.data["id"]] = told.data
        elif told.name == "gone":
            self._forget(told.data)
        elif told.name == "state":
            self._change(told.data)

    def _forget(self, data: Fields) -> None:
        for id_ in data["ids"]:
            self.items.pop(id_, None)
        for item in self._in(data["lanes"]):
            del self.items[item["id"]]

    def _change(self, data: Fields) -> None:
        for sweep in data["sweeps"]:
            self._sweep(sweep)
        self.items.update({item["id"]: item for item in data["items"]})
        for id_ in data["gone"]:
            self.items.pop(id_, None)
        for id_ in data["resolved"]:
            if id_ in self.items:
                self.items[id_]["resolved_at"] = self.items[id_]["resolved_at"] or data["resolved_at"]

    def _sweep(self, sweep: Fields) -> None:
        for item in self._in(sweep["lanes"]):
            snoozed = item["snoozed_until"] is not None and _at(item["snoozed_until"]) > _at(sweep["at"])
            if snoozed or (sweep["only_read"] and item["read_at"] is None):
                continue
            if sweep["level"] == "deleted":
                del self.items[item["id"]]
                continue
            for level in LEVELS[: LEVELS.index(sweep["level"]) + 1]:
                item[f"{level}_at"] = item[f"{level}_at"] or sweep["at"]

    def _in(self, lanes: list[list[Any]]) -> list[Fields]:
        upto = {(stream, lane): position for stream, lane, position in lanes}
        return [
            item
            for item in self.items.values()
            if item["position"] <= upto.get((item["stream"], item["lane"]), 0)
        ]

    # --- what it shows ------------------------------------------------------------------------------------

    def shown(self, items: dict[str, Fields], now: datetime) -> dict[str, Fields]:
        """What there is of these at that time: what comes with time alone the client knows."""
        return {id_: self._shown(item, now) for id_, item in items.items() if not _is_past(item, now)}

    def _shown(self, item: Fields, now: datetime) -> Fields:
        snoozed = item["snoozed_until"] is not None and _at(item["snoozed_until"]) > now
        if item["resolved_at"] and not self._company:
            status = "resolved"
        elif item["dismissed_at"]:
            status = "dismissed"
        else:
            status = "snoozed" if snoozed else "seen" if item["seen_at"] else "new"
        return {**item, "status": status, "snoozed_until": item["snoozed_until"] if snoozed else None}


class Client(Held):
    """Holds all of a reader's inbox, as a window that is open for long might."""

    def __init__(self, database: Database, hub: Hub, reader: Reader) -> None:
        super().__init__(company=reader.kind is not ReaderKind.USER)
        self.database, self.hub, self.reader = database, hub, reader
        self.position = ""
        self.told: list[Told] = []
        self.looks = 0
        self._chunks: AsyncGenerator[bytes] | None = None

    async def look(self, ids: Sequence[UUID]) -> None:
        """What is there now of all that was sent."""
        async with self.database.read() as store:
            op = (await store.logs.reader_ends([self.reader.id]))[self.reader.id]
            _, ends = await counts.totals(store, await reach_of(store, self.reader))
            self.position = str(Position(op, ends))
        self.items = await self.fresh(ids)
        self.looks += 1

    async def fresh(self, ids: Sequence[UUID]) -> dict[str, Fields]:
        async with self.database.read() as store:
            found = await held(store, await reach_of(store, self.reader), ids)
        items = [InboxItem.of(one.item, self.reader).model_dump(mode="json") for one in found]
        return {item["id"]: item for item in items}

    # --- the stream ---------------------------------------------------------------------------------------

    async def connect(self) -> None:
        """Come back to where it left off."""

        async def holds() -> bool:
            return True

        telling = Telling(self.database)
        after = position_of(self.position)
        live = LiveInbox(self.hub, telling, self.reader, rendered, after=after, holds=holds)
        self._chunks = live.chunks()

    async def cut(self) -> None:
        """The connection dies, with all that was not read."""
        if self._chunks is not None:
            await self._chunks.aclose()
        self._chunks = None

    async def read(self, ids: Sequence[UUID], most: int | None = None) -> None:
        """Apply what has come; or only the first `most` events of it, before the connection dies."""
        if self._chunks is None:
            await self.connect()
        assert self._chunks is not None
        applied = 0
        while (chunk := await anext(self._chunks)) is not HEARTBEAT:
            for told in events(chunk):
                await self._apply(told, ids)
                applied += told.name is not None
                if most is not None and applied >= most:
                    await self.cut()
                    return

    async def _apply(self, told: Told, ids: Sequence[UUID]) -> None:
        self.told.append(told)
        if told.name == "notification":
            assert told.data["id"] not in self.items, "told twice"
        if told.name == "resync":
            await self.look(ids)
        self.apply(told)
        if told.id is not None and told.name != "resync":
            self.position = told.id


def _is_past(item: Fields, now: datetime) -> bool:
    return item["expires_at"] is not None and _at(item["expires_at"]) <= now


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)

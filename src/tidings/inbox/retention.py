"""Retention: below a lane's floor nothing exists."""

from __future__ import annotations

from uuid import UUID

from tidings.storage.store import Store


async def raise_floor(store: Store, stream_id: UUID, lane: int, position: int) -> int:
    """Let everything up to `position` of a lane exist no longer, for anyone; the floor that stands now.

    A floor never falls, and never passes the lane's head.
    """
    counted = await store.streams.count_changes({stream_id: 1})
    floor = await store.streams.raise_floor(stream_id, lane, position)
    await store.streams.note_removal(stream_id, lane, floor, await store.now(), counted)
    return floor

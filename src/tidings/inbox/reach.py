"""What a reader can see: the streams read, and the lanes in them that a selection means."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from tidings.errors import ScopeForbidden, ScopeIncomplete
from tidings.model import EVERYONE, Audience, Reach, Reader, ReaderKind, Scope, Selection
from tidings.storage.store import Store

EVERYTHING = Selection()


async def reach_of(
    store: Store, reader: Reader, selection: Selection = EVERYTHING, *, at: datetime | None = None
) -> Reach:
    """The reach of `reader`, narrowed to the selection, as of now or of an operation's time `at`.

    Raises ScopeIncomplete for scope business or firm without an id, ScopeForbidden for an id that the reader
    does not read (the same whether or not it exists).
    """
    if reader.kind is ReaderKind.COMPANY:
        streams, off = {reader.id: Audience.BUSINESS}, frozenset[int]()
        now = at or await store.now()
    else:
        joined, off, now = await store.catalog.reachable(reader.id)
        streams = {reader.id: Audience.USER, EVERYONE: Audience.EVERYONE, **joined}
    return Reach(
        reader=reader,
        at=at or now,
        streams=_in_scope(streams, selection),
        events=await _events(store, selection),
        off=off,
        severities=selection.severities,
    )


async def _events(store: Store, selection: Selection) -> frozenset[int] | None:
    """The numbers of the events that are meant; None: all of them."""
    numbers: frozenset[int] | None = None
    if selection.topics:
        numbers = await store.catalog.events_of(selection.topics)
    if selection.events:
        named = await store.catalog.events(selection.events)
        of_keys = frozenset(event.number for event in named.values())
        numbers = of_keys if numbers is None else numbers & of_keys
    return numbers


def _in_scope(streams: dict[UUID, Audience], selection: Selection) -> dict[UUID, Audience]:
    if selection.scope is None:
        return streams
    if selection.scope is Scope.ME:
        own = (Audience.USER, Audience.EVERYONE)
        return {stream_id: audience for stream_id, audience in streams.items() if audience in own}
    if selection.scope_id is None:
        raise ScopeIncomplete
    if streams.get(selection.scope_id) != Audience(selection.scope.value):
        raise ScopeForbidden
    return {selection.scope_id: Audience(selection.scope.value)}

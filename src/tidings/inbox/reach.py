"""What a reader can see: the streams read, and the lanes in them that a selection means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tidings.errors import ScopeForbidden, ScopeIncomplete
from tidings.model import EVERYONE, Audience, Reach, Reader, ReaderKind, Scope, Selection
from tidings.storage.readable import Readings
from tidings.storage.store import Store

EVERYTHING = Selection()


@dataclass(frozen=True, kw_only=True)
class Readable:
    """All that a reader reads at a moment; every reach is a part of it."""

    reader: Reader
    at: datetime
    streams: Mapping[UUID, Audience]
    off: frozenset[int]  # catalog numbers of events whose in-app channel is off


async def readable_by(store: Store, reader: Reader, *, at: datetime | None = None) -> Readable:
    """What `reader` reads now; `at` is an operation's time instead of the clock's."""
    if reader.kind is ReaderKind.COMPANY:
        streams, now = {reader.id: Audience.BUSINESS}, at or await store.now()
        return Readable(reader=reader, at=now, streams=streams, off=frozenset())
    return readable_of(reader, await store.readable.of_user(reader.id), at=at)


def readable_of(user: Reader, found: Readings, *, at: datetime | None = None) -> Readable:
    """What a user reads, as it was found; `at` is an operation's time instead of that of the finding."""
    streams = {user.id: Audience.USER, EVERYONE: Audience.EVERYONE, **found.streams}
    return Readable(reader=user, at=at or found.at, streams=streams, off=found.off)


async def narrowed(store: Store, readable: Readable, selection: Selection) -> Reach:
    """The part of it that the selection means.

    Raises ScopeIncomplete for scope business or firm without an id, ScopeForbidden for an id that the reader
    does not read (the same whether or not it exists).
    """
    return Reach(
        reader=readable.reader,
        at=readable.at,
        streams=_in_scope(readable.streams, selection),
        events=await _events(store, selection),
        off=readable.off,
        severities=selection.severities,
    )


async def reach_of(
    store: Store, reader: Reader, selection: Selection = EVERYTHING, *, at: datetime | None = None
) -> Reach:
    """The reach of `reader`, narrowed to the selection, as of now or of an operation's time `at`.

    Raises what `narrowed` does.
    """
    return await narrowed(store, await readable_by(store, reader, at=at), selection)


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


def _in_scope(streams: Mapping[UUID, Audience], selection: Selection) -> Mapping[UUID, Audience]:
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

"""How many: a subtraction a lane, exact and never capped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar
from uuid import UUID

from tidings.model import Audience, Reach, ReaderKind, Scope, Severity, Tally, Totals, Window, lane_parts
from tidings.storage.logs import StreamEnd
from tidings.storage.store import Store
from tidings.storage.totals import LaneTotal

Key = TypeVar("Key", bound=Hashable)


async def count(store: Store, reach: Reach, window: Window, *, by_level: bool = False) -> int:
    """How many notifications in reach have a level in the window; running snoozes never count.

    Resolved ones count only `by_level`, where a contract knows no resolve.
    """
    everything, unresolved = await store.windows.total(reach, window)
    return everything if by_level else unresolved


async def totals(store: Store, reach: Reach) -> tuple[Totals, dict[UUID, StreamEnd]]:
    """How many are open, unseen and unread: of the whole reach, and by scope, topic and severity.

    All of one snapshot, so that the parts make up the whole; and how far the streams had come then. For a
    company resolved ones count too.
    """
    lanes, ends = await store.totals.by_lane(reach, by_level=reach.reader.kind is ReaderKind.COMPANY)
    # After the lanes, for an event is never removed.
    topics = {event.number: event.topic for event in await store.catalog.all_events()}
    found = Totals(
        whole=_parted(lanes, lambda _: None).get(None, Tally()),
        by_scope=_parted(lanes, lambda lane: _scope(reach, lane.stream_id)),
        by_topic=dict.fromkeys(topics.values(), Tally())
        | _parted(lanes, lambda lane: topics[lane_parts(lane.lane)[0]]),
        by_severity=dict.fromkeys(Severity, Tally()) | _parted(lanes, lambda lane: lane_parts(lane.lane)[1]),
    )
    return found, ends


async def tally(store: Store, reach: Reach) -> Tally:
    """How many are open, unseen and unread, of one snapshot."""
    lanes, _ = await store.totals.by_lane(reach, by_level=reach.reader.kind is ReaderKind.COMPANY)
    return _parted(lanes, lambda _: None).get(None, Tally())


def _parted(lanes: Sequence[LaneTotal], part: Callable[[LaneTotal], Key]) -> dict[Key, Tally]:
    sums: dict[Key, Counter[str]] = {}
    for lane in lanes:
        sums.setdefault(part(lane), Counter())[lane.window] += lane.number
    return {key: Tally(**found) for key, found in sums.items()}


def _scope(reach: Reach, stream_id: UUID) -> tuple[Scope, UUID | None]:
    audience = reach.streams[stream_id]
    if audience in (Audience.USER, Audience.EVERYONE):
        return Scope.ME, None
    return Scope(audience.value), stream_id

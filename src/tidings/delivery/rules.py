"""What the inbox says of what is about to leave it: tidings.inbox.leaving, which nothing here knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from tidings.model import Item, Rhythm
from tidings.storage.jobs import Reason
from tidings.storage.store import Store


class Leaving(Protocol):
    """Whether a notification goes to a reader, and if not, why and until when."""

    @property
    def item(self) -> Item | None: ...
    @property
    def critical(self) -> bool: ...
    @property
    def reason(self) -> Reason | None: ...
    @property
    def until(self) -> datetime | None: ...
    @property
    def rhythm(self) -> Rhythm: ...
    @property
    def time_zone(self) -> str: ...


class Rules(Protocol):
    """What is asked of the inbox, each as everything stands then."""

    async def decide(
        self, store: Store, reader_id: UUID, ids: Sequence[UUID], channel: str, /, *, in_digest: bool = False
    ) -> Mapping[UUID, Leaving]: ...

    async def recipients(
        self,
        store: Store,
        stream_id: UUID,
        notification_id: UUID,
        channel: str,
        /,
        *,
        after: UUID | None,
        limit: int,
    ) -> list[UUID]: ...

    async def quiet_now(self, store: Store, reader_id: UUID, /) -> datetime | None: ...

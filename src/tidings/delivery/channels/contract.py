"""What a channel is: it sends, and answers with a value. Whether and when to try again is not its affair."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from tidings.delivery.pacing import Limits
from tidings.model import Item
from tidings.storage.jobs import Reason
from tidings.storage.store import Store


@dataclass(frozen=True, kw_only=True)
class Sent:
    """The other side took it."""

    answer: str


@dataclass(frozen=True, kw_only=True)
class Retry:
    """Not now: the other side, or the way to it, failed."""

    answer: str
    after: timedelta | None = None  # as the other side asked


@dataclass(frozen=True, kw_only=True)
class Failed:
    """Never: the other side refuses this."""

    answer: str


@dataclass(frozen=True, kw_only=True)
class Gone:
    """The address is no more; nothing is to be sent there again."""

    answer: str


Answer = Sent | Retry | Failed | Gone


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What a reader is to be told: one notification, or what waited for a digest."""

    id: UUID  # the notification's or the digest's: what bears the same is the same
    items: Sequence[Item]  # at least one, the newest first
    critical: bool = False
    is_digest: bool = False
    left_out: int = 0  # so many more wait, unread


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """What is ready to be sent."""

    address: str
    host: str  # who answers: what it makes wait holds up nothing that goes to others
    content: Any  # as the channel sends it


class Channel(Protocol):
    """One way out."""

    @property
    def limits(self) -> Limits:
        """How fast it may go."""
        ...

    async def hosts(self, store: Store, reader_ids: Collection[UUID]) -> Mapping[UUID, str]:
        """To whose hosts it would go, where that is known without more."""
        ...

    async def prepare(self, store: Store, reader_id: UUID, letter: Letter) -> Outgoing | Reason:
        """What is to be sent to the reader; a Reason where nothing is. Nothing is sent meanwhile."""
        ...

    async def send(self, outgoing: Outgoing) -> Answer:
        """Send it. Without a transaction; within the time that the worker gives it."""
        ...

    async def retire(self, store: Store, address: str) -> None:
        """Send nothing to this address again."""
        ...

    async def close(self) -> None:
        """Give back what is held open."""
        ...

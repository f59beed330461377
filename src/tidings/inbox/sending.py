"""Appending on behalf of a caller who may ask twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from tidings.errors import InvalidInput
from tidings.inbox.append import append
from tidings.model import Draft
from tidings.storage.store import Store


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


async def send(store: Store, drafts: Sequence[Draft], once: Once | None = None) -> Sent:
    """Append the drafts, or answer again what the same request was answered within the last 24 hours.

    Raises what append raises; IdempotencyMismatch for a key that came with another body; InvalidInput for a
    draft that has expired already. What fails leaves its key free.
    """
    now = await store.now()
    if once and (answer := await store.idempotency.claim(once.scope, once.key, once.body_hash, now)):
        return Sent(ids=[UUID(id_) for id_ in answer["ids"]], replayed=True)
    for draft in drafts:
        if draft.expires_at and draft.expires_at <= now:
            raise InvalidInput("expires_at must lie ahead.", field="expires_at")
    ids = await append(store, drafts)
    if once:
        await store.idempotency.remember(once.scope, once.key, {"ids": [str(id_) for id_ in ids]})
    return Sent(ids=ids, replayed=False)

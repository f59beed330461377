"""The browsers to which web push goes."""

from __future__ import annotations

from uuid import UUID

from tidings.errors import SubscriptionNotFound, UserNotFound
from tidings.ids import uuid7
from tidings.storage.push import PushSubscription
from tidings.storage.store import Store

MOST_LISTED = 100


async def subscribe(
    store: Store, user_id: UUID, *, endpoint: str, p256dh: str, auth: str, user_agent: str | None
) -> None:
    """Send web push for the user to this endpoint, with these keys, whoever had it before.

    Raises UserNotFound.
    """
    if await store.accounts.account(user_id) is None:
        raise UserNotFound
    now = await store.now()
    await store.push.put(
        PushSubscription(
            id=uuid7(now),
            user_id=user_id,
            endpoint=endpoint,
            p256dh=p256dh,
            auth=auth,
            user_agent=user_agent,
            created_at=now,
        )
    )


async def unsubscribe(store: Store, user_id: UUID, endpoint: str) -> None:
    """Send nothing there any more. Raises SubscriptionNotFound where it is not the user's."""
    if not await store.push.remove(user_id, endpoint):
        raise SubscriptionNotFound


async def subscriptions(store: Store, user_id: UUID) -> list[PushSubscription]:
    """The user's active ones, newest first; the latest hundred."""
    return await store.push.active(user_id, MOST_LISTED)

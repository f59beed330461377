"""Browsers that take web push."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from tidings.storage.connection import Connection
from tidings.storage.tables import push_subscription


@dataclass(frozen=True, kw_only=True)
class PushSubscription:
    """A browser of a user, and what a message to it is encrypted with."""

    id: UUID
    user_id: UUID
    endpoint: str  # an https URL of its push service
    p256dh: str  # its public key, 65 bytes in base64url
    auth: str  # its secret, 16 bytes in base64url
    user_agent: str | None
    created_at: datetime


class PushSubscriptions:
    """Each endpoint belongs to one user at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def put(self, subscription: PushSubscription) -> None:
        """Add the endpoint, or make it this user's, with these keys, and active.

        One that is there keeps its id, and the same user's the time since when.
        """
        row = {
            "subscription_id": subscription.id,
            "user_id": subscription.user_id,
            "endpoint": subscription.endpoint,
            "p256dh": subscription.p256dh,
            "auth": subscription.auth,
            "user_agent": subscription.user_agent,
            "active": True,
            "created_at": subscription.created_at,
        }
        insert = self._connection.upsert(push_subscription).values(row)
        mine = push_subscription.c.user_id == insert.excluded.user_id
        since = sa.case((mine, push_subscription.c.created_at), else_=insert.excluded.created_at)
        renewed = ("user_id", "p256dh", "auth", "user_agent", "active")
        new = {**{name: insert.excluded[name] for name in renewed}, "created_at": since}
        await self._connection.execute(
            insert.on_conflict_do_update(index_elements=[push_subscription.c.endpoint], set_=new)
        )

    async def remove(self, user_id: UUID, endpoint: str) -> bool:
        """Forget the endpoint; whether it was there and this user's."""
        theirs = sa.delete(push_subscription).where(
            push_subscription.c.user_id == user_id, push_subscription.c.endpoint == endpoint
        )
        return await self._connection.execute(theirs) == 1

    async def deactivate(self, subscription_id: UUID) -> None:
        """Send nothing there any more: its push service says that it is gone."""
        await self._connection.execute(
            sa.update(push_subscription)
            .where(push_subscription.c.subscription_id == subscription_id)
            .values(active=False)
        )

    async def active(self, user_id: UUID, limit: int) -> list[PushSubscription]:
        """The user's active ones, newest first, no more than `limit`."""
        rows = await self._connection.all(
            sa.select(push_subscription)
            .where(push_subscription.c.user_id == user_id, push_subscription.c.active)
            .order_by(push_subscription.c.created_at.desc(), push_subscription.c.subscription_id.desc())
            .limit(limit)
        )
        return [
            PushSubscription(
                id=row.subscription_id,
                user_id=row.user_id,
                endpoint=row.endpoint,
                p256dh=row.p256dh,
                auth=row.auth,
                user_agent=row.user_agent,
                created_at=row.created_at,
            )
            for row in rows
        ]

"""Addresses to which no e-mail goes, and what was said about being written to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from tidings.model import Suppression
from tidings.storage.connection import Connection
from tidings.storage.tables import consent, suppression


@dataclass(frozen=True, kw_only=True)
class Consent:
    """What somebody said about being written to; never changed."""

    id: UUID
    address: str  # trimmed, lower-cased
    user_id: UUID | None  # who had the address then
    granted: bool
    source: str  # by what means it was said
    at: datetime


class Suppressions:
    """Who is not to be written to. Addresses are trimmed and lower-cased."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, address: str, reason: Suppression, now: datetime) -> bool:
        """Put the address on the list; whether it was not yet there for this reason."""
        insert = self._connection.upsert(suppression).values(
            address=address, reason=reason.value, created_at=now
        )
        return await self._connection.execute(insert.on_conflict_do_nothing()) == 1

    async def remove(self, address: str, reason: Suppression) -> bool:
        """Take the address from the list, as far as it is there for this reason; whether it was."""
        left = sa.delete(suppression).where(
            suppression.c.address == address, suppression.c.reason == reason.value
        )
        return await self._connection.execute(left) == 1

    async def reasons(self, address: str) -> frozenset[Suppression]:
        """Why nothing goes to the address; empty where something may."""
        rows = await self._connection.all(
            sa.select(suppression.c.reason).where(suppression.c.address == address)
        )
        return frozenset(Suppression(row.reason) for row in rows)

    async def note(self, said: Consent) -> None:
        """Keep what somebody said."""
        await self._connection.execute(
            sa.insert(consent).values(
                consent_id=said.id,
                address=said.address,
                user_id=said.user_id,
                granted=said.granted,
                source=said.source,
                at=said.at,
            )
        )

    async def consents(self, address: str) -> list[Consent]:
        """What was said about the address, oldest first."""
        rows = await self._connection.all(
            sa.select(consent)
            .where(consent.c.address == address)
            .order_by(consent.c.at, consent.c.consent_id)
        )
        return [
            Consent(
                id=row.consent_id,
                address=row.address,
                user_id=row.user_id,
                granted=row.granted,
                source=row.source,
                at=row.at,
            )
            for row in rows
        ]

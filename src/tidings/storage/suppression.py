"""Addresses to which no e-mail goes, and what was said about being written to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from tidings.model import Suppression
from tidings.storage.connection import Connection, Merge
from tidings.storage.tables import consent, suppression

Choices = Mapping[str, Mapping[str, bool]]
"""Channels on or off, by the event they were chosen for."""


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

    async def add(
        self, address: str, reason: Suppression, now: datetime, *, chosen: Choices | None = None
    ) -> None:
        """Put the address on the list; where it is there for this reason only `chosen` is written anew."""
        row = {"address": address, "reason": reason.value, "created_at": now, "chosen": chosen}
        await self._connection.write(suppression, [row], merge={"chosen": Merge.TAKE})

    async def chosen(self, address: str, reason: Suppression) -> Choices | None:
        """What its user had chosen when the address was put there; None where it is not, for this reason."""
        row = await self._connection.first(sa.select(suppression.c.chosen).where(_of(address, reason)))
        return None if row is None else row.chosen or {}

    async def remove(self, address: str, reason: Suppression) -> None:
        """Take the address from the list, as far as it is there for this reason."""
        await self._connection.execute(sa.delete(suppression).where(_of(address, reason)))

    async def reasons(self, address: str) -> frozenset[Suppression]:
        """Why nothing goes to the address; empty where something may."""
        rows = await self._connection.all(_REASONS, {"address": address})
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


_REASONS = sa.select(suppression.c.reason).where(
    suppression.c.address == sa.bindparam("address", type_=sa.Text())
)  # asked for each mail, so built once


def _of(address: str, reason: Suppression) -> sa.ColumnElement[bool]:
    return sa.and_(suppression.c.address == address, suppression.c.reason == reason.value)

"""Service keys, API tokens and refresh tokens; of each only the SHA-256 is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from tidings.model import Account
from tidings.storage.accounts import account_of
from tidings.storage.connection import Connection
from tidings.storage.tables import account, api_token, refresh_token, service_key


@dataclass(frozen=True, kw_only=True)
class ApiToken:
    """An API token of a user."""

    id: UUID
    user_id: UUID
    name: str
    created_at: datetime
    expires_at: datetime | None  # None: never


@dataclass(frozen=True, kw_only=True)
class RefreshToken:
    """One link of a session's chain of refresh tokens."""

    user_id: UUID
    expires_at: datetime
    used_at: datetime | None  # when it was exchanged for its successor
    revoked_at: datetime | None


class Credentials:
    """What callers show to say who they are."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- service keys -------------------------------------------------------------------------------------

    async def add_service_key(self, key_id: UUID, name: str, hash_: bytes, now: datetime) -> None:
        await self._connection.execute(
            sa.insert(service_key).values(key_id=key_id, name=name, hash=hash_, created_at=now)
        )

    async def service_key(self, hash_: bytes) -> UUID | None:
        """The id of the service key with this hash, unless it was revoked."""
        return await self._connection.scalar(
            sa.select(service_key.c.key_id).where(
                service_key.c.hash == hash_, service_key.c.revoked_at.is_(None)
            )
        )

    async def revoke_service_keys(self, name: str, now: datetime) -> int:
        """Revoke all service keys of this name; how many there were."""
        return await self._connection.execute(
            sa.update(service_key)
            .where(service_key.c.name == name, service_key.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )

    # --- API tokens ---------------------------------------------------------------------------------------

    async def add_api_token(self, token: ApiToken, hash_: bytes) -> None:
        await self._connection.execute(
            sa.insert(api_token).values(
                token_id=token.id,
                user_id=token.user_id,
                name=token.name,
                hash=hash_,
                created_at=token.created_at,
                expires_at=token.expires_at,
            )
        )

    async def active_api_tokens(self, user_id: UUID, now: datetime) -> list[ApiToken]:
        """The user's tokens that are neither revoked nor expired, oldest first."""
        rows = await self._connection.all(
            sa.select(api_token)
            .where(api_token.c.user_id == user_id, api_token.c.revoked_at.is_(None))
            .where(sa.or_(api_token.c.expires_at.is_(None), api_token.c.expires_at > now))
            .order_by(api_token.c.created_at, api_token.c.token_id)
        )
        return [
            ApiToken(
                id=row.token_id,
                user_id=row.user_id,
                name=row.name,
                created_at=row.created_at,
                expires_at=row.expires_at,
            )
            for row in rows
        ]

    async def api_token_owner(self, hash_: bytes) -> Account | None:
        """Whose token it is that has this hash, unless it is revoked or expired."""
        row = await self._connection.first(
            sa.select(account, api_token.c.expires_at)
            .join(api_token, api_token.c.user_id == account.c.user_id)
            .where(api_token.c.hash == hash_, api_token.c.revoked_at.is_(None))
        )
        if row is None or (row.expires_at and row.expires_at <= await self._connection.now()):
            return None
        return account_of(row)

    async def revoke_api_token(self, token_id: UUID, now: datetime) -> None:
        await self._connection.execute(
            sa.update(api_token)
            .where(api_token.c.token_id == token_id, api_token.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )

    # --- refresh tokens -----------------------------------------------------------------------------------

    async def add_refresh_token(
        self, hash_: bytes, user_id: UUID, now: datetime, expires_at: datetime
    ) -> None:
        """Add a token, and forget those of the same user that have expired."""
        await self._connection.execute(
            sa.delete(refresh_token).where(
                refresh_token.c.user_id == user_id, refresh_token.c.expires_at <= now
            )
        )
        await self._connection.execute(
            sa.insert(refresh_token).values(
                hash=hash_, user_id=user_id, created_at=now, expires_at=expires_at
            )
        )

    async def refresh_token(self, hash_: bytes) -> RefreshToken | None:
        row = await self._connection.first(sa.select(refresh_token).where(refresh_token.c.hash == hash_))
        if row is None:
            return None
        return RefreshToken(
            user_id=row.user_id, expires_at=row.expires_at, used_at=row.used_at, revoked_at=row.revoked_at
        )

    async def use_refresh_token(self, hash_: bytes, now: datetime) -> None:
        """Note that a token was exchanged; the owner's account is locked."""
        await self._connection.execute(
            sa.update(refresh_token).where(refresh_token.c.hash == hash_).values(used_at=now)
        )

    async def end_sessions(self, user_id: UUID, now: datetime) -> None:
        """Revoke every refresh token of the user; their account is locked."""
        await self._connection.execute(
            sa.update(refresh_token)
            .where(refresh_token.c.user_id == user_id, refresh_token.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )

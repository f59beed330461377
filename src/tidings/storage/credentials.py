"""Service keys, API tokens and refresh tokens; of each only the SHA-256 is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import sqlalchemy as sa

from tidings.model import AccountStatus
from tidings.storage.connection import Connection, Row, clock_column
from tidings.storage.dialects import Instant, Query
from tidings.storage.tables import account, api_token, refresh_token, service_key


@dataclass(frozen=True, kw_only=True)
class ServiceKey:
    """A key of a backend."""

    id: UUID
    name: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class ApiToken:
    """An API token of a user."""

    id: UUID
    user_id: UUID
    name: str
    created_at: datetime
    expires_at: datetime | None  # None: never
    last_used_at: datetime | None = None  # to the minute


@dataclass(frozen=True, kw_only=True)
class PresentedToken:
    """An API token that somebody shows, and what of its owner matters then."""

    id: UUID
    user_id: UUID
    status: AccountStatus
    last_used_at: datetime | None
    at: datetime  # when it was looked up


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

    async def service_keys(self) -> list[ServiceKey]:
        """The keys that are not revoked, newest first."""
        rows = await self._connection.all(
            sa.select(service_key.c.key_id, service_key.c.name, service_key.c.created_at)
            .where(service_key.c.revoked_at.is_(None))
            .order_by(service_key.c.created_at.desc(), service_key.c.key_id.desc())
        )
        return [ServiceKey(id=row.key_id, name=row.name, created_at=row.created_at) for row in rows]

    async def revoke_service_key(self, key_id: UUID, now: datetime) -> bool:
        """Revoke the key with this id; whether there was one to revoke."""
        revoked = await self._connection.execute(
            sa.update(service_key)
            .where(service_key.c.key_id == key_id, service_key.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )
        return revoked == 1

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
        owned = _active(now).where(api_token.c.user_id == user_id)
        rows = await self._connection.all(owned.order_by(api_token.c.created_at, api_token.c.token_id))
        return [_token_of(row) for row in rows]

    async def active_api_token(self, token_id: UUID, now: datetime) -> ApiToken | None:
        """The token with this id, whosever it is, unless it is revoked or expired."""
        row = await self._connection.first(_active(now).where(api_token.c.token_id == token_id))
        return None if row is None else _token_of(row)

    async def presented(self, hash_: bytes) -> PresentedToken | None:
        """The API token with this hash, unless it is revoked or expired."""
        row = await self._connection.first(_presented(self._connection.dialect), {"hash": hash_})
        if row is None:
            return None
        now = self._connection.told(row.clock)
        if row.expires_at and row.expires_at <= now:
            return None
        return PresentedToken(
            id=row.token_id,
            user_id=row.user_id,
            status=AccountStatus(row.status),
            last_used_at=row.last_used_at,
            at=now,
        )

    async def note_api_token_use(self, token_id: UUID, at: datetime, unless_since: datetime) -> None:
        """Note that a token was used, unless it is known to have been after `unless_since`."""
        await self._connection.execute(_NOTE_USE, {"token": token_id, "at": at, "unless_since": unless_since})

    async def revoke_api_token(self, token_id: UUID, now: datetime) -> bool:
        """Revoke the token; whether it was not revoked before."""
        revoked = await self._connection.execute(
            sa.update(api_token)
            .where(api_token.c.token_id == token_id, api_token.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )
        return revoked == 1

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


def _active(now: datetime) -> Query:
    return sa.select(
        api_token.c.token_id,
        api_token.c.user_id,
        api_token.c.name,
        api_token.c.created_at,
        api_token.c.expires_at,
        api_token.c.last_used_at,
    ).where(
        api_token.c.revoked_at.is_(None),
        sa.or_(api_token.c.expires_at.is_(None), api_token.c.expires_at > now),
    )


def _token_of(row: Row) -> ApiToken:
    return ApiToken(
        id=row.token_id,
        user_id=row.user_id,
        name=row.name,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )


@lru_cache
def _presented(dialect: str) -> Query:
    columns = (
        api_token.c.token_id,
        api_token.c.user_id,
        api_token.c.expires_at,
        api_token.c.last_used_at,
        account.c.status,
        clock_column(dialect),
    )
    return (
        sa.select(*columns)
        .join(account, account.c.user_id == api_token.c.user_id)
        .where(
            api_token.c.hash == sa.bindparam("hash", type_=sa.LargeBinary()), api_token.c.revoked_at.is_(None)
        )
    )


_NOTE_USE = (
    sa.update(api_token)
    .where(
        api_token.c.token_id == sa.bindparam("token", type_=sa.Uuid()),
        sa.or_(
            api_token.c.last_used_at.is_(None),
            api_token.c.last_used_at <= sa.bindparam("unless_since", type_=Instant),
        ),
    )
    .values(last_used_at=sa.bindparam("at", type_=Instant))
)

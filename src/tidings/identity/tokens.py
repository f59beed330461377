"""Service keys (`sk_…`) and users' API tokens (`dz_…`): opaque, and stored as their SHA-256 alone."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

from tidings.errors import InvalidInput, TooMany, Unauthenticated, UserNotFound
from tidings.ids import uuid7
from tidings.model import AccountStatus
from tidings.storage.credentials import ApiToken
from tidings.storage.store import Store

SERVICE_KEY = "sk_"
API_TOKEN = "dz_"  # noqa: S105 - a prefix, not a secret
MOST_API_TOKENS = 10
LONGEST_DAYS = 365


def fresh(prefix: str = "") -> str:
    """A new secret: the prefix and 32 random bytes in URL-safe base64."""
    return prefix + secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """What is stored of a token. It is random enough that its hash need not be slow."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


async def issue_service_key(store: Store, name: str) -> tuple[UUID, str]:
    """Make a service key; its id, and the key, which is told this once."""
    now, key = await store.now(), fresh(SERVICE_KEY)
    key_id = uuid7(now)
    await store.credentials.add_service_key(key_id, name, digest(key), now)
    return key_id, key


async def service_key(store: Store, presented: str) -> UUID:
    """The id of the service key that was presented. Raises Unauthenticated."""
    found = (
        await store.credentials.service_key(digest(presented)) if presented.startswith(SERVICE_KEY) else None
    )
    if found is None:
        raise Unauthenticated
    return found


async def issue_api_token(
    store: Store, user_id: UUID, *, name: str, expires_in_days: int | None = None
) -> tuple[UUID, str]:
    """Make an API token of a user; its id, and the token, which is told this once.

    It expires in 1 to 365 days, or never. Raises UserNotFound, InvalidInput, and TooMany for the eleventh
    active one.
    """
    if expires_in_days is not None and not 1 <= expires_in_days <= LONGEST_DAYS:
        raise InvalidInput(f"expires_in_days must be from 1 to {LONGEST_DAYS}.", field="expires_in_days")
    if await store.accounts.lock(user_id) is None:  # locked: two at once must not both be the tenth
        raise UserNotFound
    now, token = await store.now(), fresh(API_TOKEN)
    if len(await store.credentials.active_api_tokens(user_id, now)) >= MOST_API_TOKENS:
        raise TooMany(f"A user has at most {MOST_API_TOKENS} active tokens.", most=MOST_API_TOKENS)
    row = ApiToken(
        id=uuid7(now),
        user_id=user_id,
        name=name,
        created_at=now,
        expires_at=None if expires_in_days is None else now + timedelta(days=expires_in_days),
    )
    await store.credentials.add_api_token(row, digest(token))
    return row.id, token


async def api_token_user(store: Store, presented: str) -> UUID:
    """Whose API token was presented.

    Raises Unauthenticated where it is unknown, revoked or expired, or its user is not active.
    """
    owner = (
        await store.credentials.api_token_owner(digest(presented))
        if presented.startswith(API_TOKEN)
        else None
    )
    if owner is None or owner.status is not AccountStatus.ACTIVE:
        raise Unauthenticated
    return owner.id

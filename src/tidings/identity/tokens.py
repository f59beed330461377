"""Service keys (`sk_…`) and users' API tokens (`dz_…`): opaque, and stored as their SHA-256 alone."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from datetime import timedelta
from uuid import UUID

from tidings.errors import InvalidInput, TokenNotFound, TooMany, Unauthenticated, UserNotFound
from tidings.ids import uuid7
from tidings.model import AccountStatus
from tidings.storage.credentials import ApiToken, PresentedToken
from tidings.storage.readable import Readings
from tidings.storage.store import Store

SERVICE_KEY = "sk_"
API_TOKEN = "dz_"  # noqa: S105 - a prefix, not a secret
MOST_API_TOKENS = 10
LONGEST_DAYS = 365
LONGEST_NAME = 100  # characters

_REFUSED = ("Cc", "Cs")  # control characters, and half a surrogate pair


def fresh(prefix: str = "") -> str:
    """A new secret: the prefix and 32 random bytes in URL-safe base64."""
    return prefix + secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """What is stored of a token. It is random enough that its hash need not be slow."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


async def issue_service_key(store: Store, name: str) -> tuple[UUID, str]:
    """Make a service key; its id, and the key, which is told this once. Raises InvalidInput."""
    now, key = await store.now(), fresh(SERVICE_KEY)
    key_id = uuid7(now)
    await store.credentials.add_service_key(key_id, _named(name), digest(key), now)
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
) -> tuple[ApiToken, str]:
    """Make an API token of a user; what is kept of it, and the token, which is told this once.

    It expires in 1 to 365 days, or never. Raises UserNotFound, InvalidInput, and TooMany for the eleventh
    active one.
    """
    if expires_in_days is not None and not 1 <= expires_in_days <= LONGEST_DAYS:
        raise InvalidInput(f"expires_in_days must be from 1 to {LONGEST_DAYS}.", field="expires_in_days")
    name = _named(name)
    if await store.accounts.lock(user_id) is None:  # locked: two at once must not both be the tenth
        raise UserNotFound
    now, token = await store.now(), fresh(API_TOKEN)
    if len(await store.credentials.active_api_tokens(user_id, now)) >= MOST_API_TOKENS:
        raise TooMany(f"A user has at most {MOST_API_TOKENS} active tokens.", most=MOST_API_TOKENS)
    made = ApiToken(
        id=uuid7(now),
        user_id=user_id,
        name=name,
        created_at=now,
        expires_at=None if expires_in_days is None else now + timedelta(days=expires_in_days),
    )
    await store.credentials.add_api_token(made, digest(token))
    return made, token


async def api_tokens(store: Store, user_id: UUID) -> list[ApiToken]:
    """The user's tokens that are neither revoked nor expired, newest first."""
    return (await store.credentials.active_api_tokens(user_id, await store.now()))[::-1]


async def revoke_api_token(store: Store, token_id: UUID, *, of: UUID | None = None) -> ApiToken:
    """End an API token, at once; what it was.

    Raises TokenNotFound where it is not active, or is another's than the user's in `of`.
    """
    now = await store.now()
    token = await store.credentials.active_api_token(token_id, now)
    if token is None or (of is not None and token.user_id != of):
        raise TokenNotFound
    if not await store.credentials.revoke_api_token(token_id, now):
        raise TokenNotFound  # somebody else was faster
    return token


async def presented_token(store: Store, presented: str) -> PresentedToken:
    """The API token that was presented.

    Raises Unauthenticated where it is unknown, revoked or expired, or its user is not active.
    """
    token = await store.credentials.presented(digest(presented)) if presented.startswith(API_TOKEN) else None
    return _holding(token)


async def presented_by_reader(store: Store, presented: str) -> tuple[PresentedToken, Readings]:
    """The API token that was presented, and what its user reads. Raises what presented_token does."""
    found = await store.readable.of_token(digest(presented)) if presented.startswith(API_TOKEN) else None
    if found is None:
        raise Unauthenticated
    return _holding(found[0]), found[1]


def _holding(token: PresentedToken | None) -> PresentedToken:
    if token is None or token.status is not AccountStatus.ACTIVE:
        raise Unauthenticated
    return token


async def api_token_user(store: Store, presented: str) -> UUID:
    """Whose API token was presented, without a note of its use. Raises what presented_token does."""
    return (await presented_token(store, presented)).user_id


def _named(name: str) -> str:
    """The name trimmed. Raises InvalidInput for one that is empty, too long, or cannot be stored or shown."""
    trimmed = name.strip()
    if not 1 <= len(trimmed) <= LONGEST_NAME:
        raise InvalidInput(f"name must have 1 to {LONGEST_NAME} characters.", field="name")
    if any(unicodedata.category(character) in _REFUSED for character in trimmed):
        raise InvalidInput("name must have no control characters.", field="name")
    return trimmed

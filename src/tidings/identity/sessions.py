"""Signing in with e-mail and password: JWTs for access, and refresh tokens, each good for once."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from tidings.errors import (
    AccountDeactivated,
    AccountLocked,
    AccountSuspended,
    EmailNotVerified,
    InvalidCredentials,
    InvalidInput,
    InvalidRefreshToken,
    RefreshTokenReused,
    TidingsError,
    Unauthenticated,
)
from tidings.identity import passwords
from tidings.identity.emails import normalised
from tidings.identity.tokens import digest, fresh
from tidings.model import Account, AccountStatus
from tidings.settings import OWN_ISSUER
from tidings.storage.accounts import SignIn
from tidings.storage.engine import Database
from tidings.storage.store import Store

ISSUER = OWN_ISSUER
PERSONAL, COMPANY = "personal", "company"
"""The audiences of access tokens: the surfaces that they are for."""

FAILURES_TO_LOCK = 10
FAILURES_WITHIN = timedelta(minutes=15)
LOCKED_FOR = timedelta(minutes=15)
_ALGORITHM = "HS256"


class Sessions:
    """Who is signed in. Its own transactions: what a failure writes must stand though the call raises."""

    def __init__(self, database: Database, *, secret: str, access_seconds: int, refresh_days: int) -> None:
        self._database = database
        self._lifetime = timedelta(days=refresh_days)
        self.access_seconds = access_seconds
        # A key of its own, so that the secret can serve other purposes too.
        self._key = OctKey.import_key(hmac.digest(secret.encode(), b"tidings access token", hashlib.sha256))

    # --- signing in ---------------------------------------------------------------------------------------

    async def login(self, email: str, password: str) -> Account:
        """The account with this address and password.

        Ten failures in 15 minutes lock an account for 15. What else keeps it from signing in is told only to
        who knows the password. Raises AccountLocked, InvalidCredentials (for an unknown address as for a
        wrong password, after like work), AccountSuspended, AccountDeactivated, EmailNotVerified.
        """
        async with self._database.read() as store:
            known, now = await _known(store, email), await store.now()
            if known and _is_locked(known, now):
                raise AccountLocked
        right = await passwords.verify(password, known and known.password_hash)
        async with self._database.begin() as store:
            refusal = await (_judge(store, known, right=right) if known else _judge_nobody(store))
        if known is None or refusal:
            raise refusal or InvalidCredentials
        return known.account

    def access_token(self, account: Account, audience: str) -> str:
        """A JWT that lets the account use one surface, its `aud`, for `access_seconds`."""
        now = self._now()
        claims = {
            "iss": ISSUER,
            "sub": str(account.id),
            "aud": audience,
            "iat": now,
            "exp": now + self.access_seconds,
        }
        return jwt.encode({"alg": _ALGORITHM}, claims, self._key, algorithms=[_ALGORITHM])

    def subject(self, token: str, audience: str) -> UUID:
        """Whose access token it is. Raises Unauthenticated where it does not hold for this surface."""
        return self.bearer(token, audience)[0]

    def bearer(self, token: str, *audiences: str) -> tuple[UUID, str]:
        """Whose access token it is, and for which of these surfaces. Raises Unauthenticated for any other."""
        rules = jwt.JWTClaimsRegistry(
            now=self._now(),
            exp={"essential": True},
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "values": list(audiences)},
            sub={"essential": True},
        )
        try:
            claims = jwt.decode(token, self._key, algorithms=[_ALGORITHM]).claims
            # Not `iat`: the clock of the host that made it may be a moment ahead of this one's.
            rules.validate({name: value for name, value in claims.items() if name != "iat"})
            return UUID(claims["sub"]), claims["aud"]
        except (JoseError, ValueError) as error:
            raise Unauthenticated from error

    def _now(self) -> int:
        return int(self._database.clock.now(None).timestamp())

    # --- refresh tokens -----------------------------------------------------------------------------------

    async def open_session(self, user_id: UUID) -> str:
        """A refresh token that begins a session."""
        async with self._database.begin() as store:
            return await self._add_refresh_token(store, user_id)

    async def rotate(self, refresh_token: str) -> tuple[Account, str]:
        """Exchange a refresh token for its successor; each is good for once.

        Raises InvalidRefreshToken for one that is unknown, expired or ended, RefreshTokenReused for one that
        was exchanged before: somebody has a copy, and every session of the user ends.
        """
        hash_ = digest(refresh_token)
        async with self._database.begin() as store:
            account, refusal = await self._exchange(store, hash_)
            if account and refusal is None:
                return account, await self._add_refresh_token(store, account.id)
        raise refusal or InvalidRefreshToken

    async def _exchange(self, store: Store, hash_: bytes) -> tuple[Account | None, TidingsError | None]:
        """Use a token up; a refusal is answered, not raised, so that what it wrote is committed."""
        token = await store.credentials.refresh_token(hash_)
        account = await store.accounts.lock(token.user_id) if token else None
        # Again, now that the lock is held: of two at once the second sees what the first did.
        token = await store.credentials.refresh_token(hash_) if account else None
        now = await store.now()
        if account is None or token is None or token.revoked_at or token.expires_at <= now:
            return None, InvalidRefreshToken()
        if token.used_at:
            await store.credentials.end_sessions(account.id, now)
            return None, RefreshTokenReused()
        if account.status is not AccountStatus.ACTIVE:
            return None, InvalidRefreshToken()
        await store.credentials.use_refresh_token(hash_, now)
        return account, None

    async def _add_refresh_token(self, store: Store, user_id: UUID) -> str:
        token, now = fresh(), await store.now()
        await store.credentials.add_refresh_token(digest(token), user_id, now, now + self._lifetime)
        return token


async def _known(store: Store, email: str) -> SignIn | None:
    try:
        return await store.accounts.sign_in(normalised(email))
    except InvalidInput:  # no address: nobody's
        return None


def _is_locked(known: SignIn, now: datetime) -> bool:
    return known.locked_until is not None and known.locked_until > now


async def _judge(store: Store, known: SignIn, *, right: bool) -> TidingsError | None:
    """What keeps this attempt from succeeding, under the account's lock; a failure is counted."""
    current, now = await store.accounts.lock_sign_in(known.account.id), await store.now()
    if current is None or current.password_hash != known.password_hash:
        return InvalidCredentials()  # the password changed meanwhile: nobody's failure
    if _is_locked(current, now):
        return AccountLocked()
    if not right:
        await _count_failure(store, current, now)
        return InvalidCredentials()
    if current.failures or current.locked_until:
        await store.accounts.set_failures(current.account.id, 0, None, None)
    return _standing(current.account)


async def _judge_nobody(store: Store) -> TidingsError:
    """The statements that a wrong password costs, for an account that there is not."""
    nobody = uuid4()
    await store.accounts.lock_sign_in(nobody)
    await store.accounts.set_failures(nobody, 1, await store.now(), None)
    return InvalidCredentials()


async def _count_failure(store: Store, known: SignIn, now: datetime) -> None:
    since, failures = known.failing_since, known.failures
    if since is None or since <= now - FAILURES_WITHIN:
        since, failures = now, 0
    if failures + 1 >= FAILURES_TO_LOCK:
        await store.accounts.set_failures(known.account.id, 0, None, now + LOCKED_FOR)
    else:
        await store.accounts.set_failures(known.account.id, failures + 1, since, None)


def _standing(account: Account) -> TidingsError | None:
    if account.status is AccountStatus.SUSPENDED:
        return AccountSuspended()
    if account.status is AccountStatus.DEACTIVATED:
        return AccountDeactivated()
    return None if account.email_verified else EmailNotVerified()

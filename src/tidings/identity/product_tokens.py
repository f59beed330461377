"""JWTs that the operator's own product issues to its users: whose inbox such a token opens.

Signed with a secret that both share, or with keys of the product's that are fetched (see key_sets). Which
algorithms hold is the operator's choice among those of that one way, so that no token can choose another.
"""

from __future__ import annotations

import base64
import json
import warnings
from dataclasses import dataclass
from typing import Any, Protocol, cast
from uuid import UUID

from joserfc import jws, jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import OctKey

from tidings.errors import AccountDeactivated, AccountSuspended, IdTaken, Unauthenticated
from tidings.identity import directory
from tidings.identity.key_sets import Key, KeySets
from tidings.model import Account, AccountStatus
from tidings.settings import Settings
from tidings.storage.engine import Database

LEEWAY_SECONDS = 30
LONGEST = 16_384  # characters

_BAD: tuple[type[Exception], ...] = (
    JoseError,
    ValueError,
    TypeError,
    KeyError,
    OverflowError,
    RecursionError,
)


class Keys(Protocol):
    """Where the key of a token comes from."""

    async def key(self, kid: str | None) -> Key | None: ...


class SharedSecret:
    """The one key, whatever the token calls it."""

    def __init__(self, secret: str) -> None:
        self._key = OctKey.import_key(secret)

    async def key(self, kid: str | None) -> Key | None:
        return self._key


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a token must say."""

    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    creates_users: bool


class ProductTokens:
    """Who the users are that show tokens of the product."""

    def __init__(self, database: Database, rules: Rules, keys: Keys) -> None:
        self._database, self._rules, self._keys = database, rules, keys

    def issued(self, presented: str) -> bool:
        """Whether a token says that the product issued it; not whether that is true."""
        try:
            payload = presented.split(".")[1]
            claims: Any = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            return cast("dict[str, Any]", claims)["iss"] == self._rules.issuer
        except (*_BAD, IndexError):
            return False

    async def user(self, presented: str) -> UUID:
        """Whose token it is; a user who is not known yet is made where the operator wants that.

        Raises Unauthenticated, AccountSuspended, AccountDeactivated.
        """
        user_id = await self._subject(presented)
        async with self._database.read() as store:
            account = await store.accounts.account(user_id)
        if account is None:
            account = await self._made(user_id)
        if account.status is AccountStatus.SUSPENDED:
            raise AccountSuspended
        if account.status is AccountStatus.DEACTIVATED:
            raise AccountDeactivated
        return user_id

    async def _subject(self, presented: str) -> UUID:
        try:
            if len(presented) > LONGEST:
                raise Unauthenticated
            header = jws.extract_compact(presented.encode()).headers()
            algorithm, kid = header["alg"], header.get("kid")
            if algorithm not in self._rules.algorithms or not isinstance(kid, str | None):
                raise Unauthenticated
            key = await self._keys.key(kid)
            if key is None:
                raise Unauthenticated
            return self._verified(presented, key, algorithm)
        except _BAD as error:
            raise Unauthenticated from error

    def _verified(self, presented: str, key: Key, algorithm: str) -> UUID:
        with warnings.catch_warnings():
            # `EdDSA` is an old name of Ed25519, and the one that most products write.
            warnings.simplefilter("ignore", SecurityWarning)
            claims = jwt.decode(presented, key, algorithms=[algorithm]).claims
        rules = jwt.JWTClaimsRegistry(
            now=int(self._database.clock.now(None).timestamp()),
            leeway=LEEWAY_SECONDS,
            exp={"essential": True},
            iss={"essential": True, "value": self._rules.issuer},
            aud={"essential": True, "value": self._rules.audience},
            sub={"essential": True},
        )
        rules.validate(claims)
        subject: str = claims["sub"]
        user_id = UUID(subject)
        if str(user_id) != subject.lower():
            raise ValueError("sub is written in another way than ids are")
        return user_id

    async def _made(self, user_id: UUID) -> Account:
        if not self._rules.creates_users:
            raise Unauthenticated
        try:
            async with self._database.begin() as store:
                # Somebody else may have made the user meanwhile, and suspended them: nothing is changed.
                await directory.put_user(store, user_id)
                return await directory.user(store, user_id)
        except IdTaken as error:
            raise Unauthenticated from error


def product_tokens(settings: Settings, database: Database) -> ProductTokens | None:
    """As the settings want them; None where the product issues no tokens."""
    if settings.jwt_secret is not None:
        keys: Keys = SharedSecret(settings.jwt_secret.get_secret_value())
    elif settings.jwt_jwks_url is not None:
        keys = KeySets(settings.jwt_jwks_url)
    else:
        return None
    rules = Rules(
        issuer=settings.jwt_issuer or "",
        audience=settings.jwt_audience or "",
        algorithms=settings.jwt_algorithms_allowed,
        creates_users=settings.jwt_creates_users,
    )
    return ProductTokens(database, rules, keys)

"""Who is calling, how often they may, and the cookie that keeps them signed in."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Cookie, Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from tidings.errors import Forbidden, Unauthenticated
from tidings.identity.readers import active_user
from tidings.identity.sessions import PERSONAL as AUDIENCE
from tidings.identity.tokens import digest
from tidings.model import Account, Reader, Role
from tidings.surfaces.limits import Policy
from tidings.surfaces.personal.schemas.auth import AccessToken
from tidings.surfaces.services import CurrentServices, Services

COOKIE = "tidings_refresh"
COOKIE_PATH = "/api/v1/auth"

CALLS = Policy(name="calls", quota=60, window=60)
CHOICES = Policy(name="choices", quota=30, window=60)
ADMIN = Policy(name="admin", quota=200, window=60)
LOGIN = Policy(name="login", quota=20, window=3600)
REFRESH = Policy(name="refresh", quota=60, window=3600)
UNSUBSCRIBE = Policy(name="unsubscribe", quota=10, window=3600)

_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="`accessToken` of a login.")

Presented = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
RefreshCookie = Annotated[str | None, Cookie(alias=COOKIE, include_in_schema=False)]


def signed_in(policy: Policy) -> Callable[..., Coroutine[Any, Any, Reader]]:
    """The user of the access token, so often a route. It raises Unauthenticated, RateLimited."""

    async def limited(
        request: Request, response: Response, services: CurrentServices, presented: Presented
    ) -> Reader:
        if presented is None:
            raise Unauthenticated
        user_id = services.sessions.subject(presented.credentials, AUDIENCE)
        usage = await services.limiter.hit(policy, AUDIENCE, str(user_id), _route(request))
        response.headers.update(usage.headers)
        async with services.database.read() as store:
            return await active_user(store, user_id)

    return limited


SignedIn = Annotated[Reader, Depends(signed_in(CALLS))]
SignedInToChoose = Annotated[Reader, Depends(signed_in(CHOICES))]
_SignedInToAdminister = Annotated[Reader, Depends(signed_in(ADMIN))]


async def operator(services: CurrentServices, user: _SignedInToAdminister) -> Reader:
    """A user with the role operator. Raises Forbidden."""
    async with services.database.read() as store:
        account = await store.accounts.account(user.id)
    if account is None or account.role is not Role.OPERATOR:
        raise Forbidden
    return user


Operator = Annotated[Reader, Depends(operator)]


async def limit_public(
    request: Request, response: Response, services: Services, policy: Policy, address: str
) -> None:
    """Count a call that needs no token, per route, IP and address. Raises RateLimited."""
    ip = services.proxies.client_ip(request)
    usage = await services.limiter.hit(policy, AUDIENCE, ip, address, _route(request))
    response.headers.update(usage.headers)


def _route(request: Request) -> str:
    return f"{request.method} {request.scope['route'].path}"


async def session_owner(services: Services, refresh_token: str) -> str:
    """Whose session it is, to count by: the users behind one IP do not use up each other's refreshes."""
    async with services.database.read() as store:
        found = await store.credentials.refresh_token(digest(refresh_token))
    return str(found.user_id) if found else ""


def sign_in(services: Services, response: Response, account: Account, refresh_token: str) -> AccessToken:
    """The answer to who has signed in; the refresh token goes into the cookie alone."""
    response.set_cookie(
        COOKIE,
        refresh_token,
        max_age=int(timedelta(days=services.settings.refresh_token_days).total_seconds()),
        path=COOKIE_PATH,
        secure=services.settings.secure_cookies,
        httponly=True,
        samesite="strict",
    )
    return AccessToken(
        access_token=services.sessions.access_token(account, AUDIENCE),
        expires_in=services.sessions.access_seconds,
    )

"""Signing in, and staying signed in."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from tidings.errors import InvalidRefreshToken
from tidings.identity.emails import normalised
from tidings.surfaces.bodies import StrictRoute
from tidings.surfaces.personal.auth import LOGIN, REFRESH, RefreshCookie, limit_public, session_owner, sign_in
from tidings.surfaces.personal.endpoints.answers import ERRORS
from tidings.surfaces.personal.schemas.auth import AccessToken, LoginRequest, RefreshRequest
from tidings.surfaces.personal.schemas.envelopes import Success, success
from tidings.surfaces.services import CurrentServices

router = APIRouter(route_class=StrictRoute, responses=ERRORS, tags=["auth"])


@router.post("/auth/login", summary="Sign in")
async def login(
    request: Request, response: Response, services: CurrentServices, body: LoginRequest
) -> Success[AccessToken]:
    """Answers an access token, and a refresh token in a cookie that scripts cannot read. 20 an hour."""
    email = normalised(body.email)
    await limit_public(request, response, services, LOGIN, email)
    account = await services.sessions.login(email, body.password)
    refresh_token = await services.sessions.open_session(account.id)
    return success(sign_in(services, response, account, refresh_token))


@router.post("/auth/refresh", summary="Stay signed in")
async def refresh(
    request: Request,
    response: Response,
    services: CurrentServices,
    cookie: RefreshCookie = None,
    body: RefreshRequest | None = None,
) -> Success[AccessToken]:
    """Exchanges the refresh token, of the cookie or else of the body, for the next. 60 an hour."""
    presented = cookie or (body and body.refresh_token) or ""
    await limit_public(request, response, services, REFRESH, await session_owner(services, presented))
    if not presented:
        raise InvalidRefreshToken
    account, refresh_token = await services.sessions.rotate(presented)
    return success(sign_in(services, response, account, refresh_token))

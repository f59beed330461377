"""Who is calling: a user of a company, for whom the company reads."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from tidings.errors import Unauthenticated
from tidings.identity.readers import company_of
from tidings.identity.sessions import COMPANY as AUDIENCE
from tidings.model import Reader
from tidings.surfaces.limits import Policy
from tidings.surfaces.services import CurrentServices, Services

LOGIN = Policy(name="company-login", quota=120, window=3600)

_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="`token` of a login.")

Presented = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def company_user(services: CurrentServices, presented: Presented) -> Reader:
    """The token user's company. Raises Unauthenticated, UserNotFound, CompanyNotFound: in this order."""
    if presented is None:
        raise Unauthenticated
    user_id = services.sessions.subject(presented.credentials, AUDIENCE)
    async with services.database.read() as store:
        return await company_of(store, user_id)


CompanyUser = Annotated[Reader, Depends(company_user)]


async def limit_login(request: Request, services: Services, email: str) -> None:
    """Count a login, per IP and address. Raises RateLimited."""
    await services.limiter.hit(LOGIN, AUDIENCE, services.proxies.client_ip(request), email)

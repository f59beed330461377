"""Who is calling: a user of a company, for whom the company reads."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from tidings.errors import CompanyNotFound, Unauthenticated, UserNotFound
from tidings.model import BusinessStatus, Reader, ReaderKind
from tidings.surfaces.limits import Policy
from tidings.surfaces.services import CurrentServices, Services

AUDIENCE = "company"
LOGIN = Policy(name="company-login", quota=120, window=3600)

_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="`token` of a login.")

Presented = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def company_user(services: CurrentServices, presented: Presented) -> Reader:
    """The token user's company. Raises Unauthenticated, UserNotFound, CompanyNotFound: in this order."""
    if presented is None:
        raise Unauthenticated
    user_id = services.sessions.subject(presented.credentials, AUDIENCE)
    async with services.database.read() as store:
        account = await store.accounts.account(user_id)
        if account is None:
            raise UserNotFound
        company = await store.accounts.business(account.company_id) if account.company_id else None
    if company is None or company.status is not BusinessStatus.ACTIVE:
        raise CompanyNotFound
    return Reader(id=company.id, kind=ReaderKind.COMPANY)


CompanyUser = Annotated[Reader, Depends(company_user)]


async def limit_login(request: Request, services: Services, email: str) -> None:
    """Count a login, per IP and address. Raises RateLimited."""
    await services.limiter.hit(LOGIN, AUDIENCE, services.proxies.client_ip(request), email)

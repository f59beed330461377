"""Whose inbox a token opens: a user's, or, with a company's token, the company's."""

from __future__ import annotations

from uuid import UUID

from tidings.errors import CompanyNotFound, Unauthenticated, UserNotFound
from tidings.identity.product_tokens import ProductTokens
from tidings.identity.sessions import COMPANY, PERSONAL, Sessions
from tidings.identity.token_uses import TokenUses
from tidings.identity.tokens import API_TOKEN
from tidings.model import AccountStatus, BusinessStatus, Reader, ReaderKind
from tidings.storage.engine import Database
from tidings.storage.store import Store


async def reader_of(
    database: Database,
    uses: TokenUses,
    sessions: Sessions,
    presented: str,
    *,
    products: ProductTokens | None = None,
) -> Reader:
    """The reader whose API token, personal or company access token, or token of the product was presented.

    Raises Unauthenticated, and of a company's user UserNotFound and CompanyNotFound.
    """
    if presented.startswith(API_TOKEN):
        return Reader(id=await uses.user(presented))
    if products is not None and products.issued(presented):
        return Reader(id=await products.user(presented))
    user_id, audience = sessions.bearer(presented, PERSONAL, COMPANY)
    async with database.read() as store:
        return await (company_of(store, user_id) if audience == COMPANY else active_user(store, user_id))


async def active_user(store: Store, user_id: UUID) -> Reader:
    """The user. Raises Unauthenticated where there is none, or they are suspended or deactivated."""
    account = await store.accounts.account(user_id)
    if account is None or account.status is not AccountStatus.ACTIVE:
        raise Unauthenticated
    return Reader(id=user_id)


async def company_of(store: Store, user_id: UUID) -> Reader:
    """The company as whose user they log in.

    Raises UserNotFound, Unauthenticated (suspended or deactivated), CompanyNotFound (none, or not active).
    """
    account = await store.accounts.account(user_id)
    if account is None:
        raise UserNotFound
    if account.status is not AccountStatus.ACTIVE:
        raise Unauthenticated
    company = await store.accounts.business(account.company_id) if account.company_id else None
    if company is None or company.status is not BusinessStatus.ACTIVE:
        raise CompanyNotFound
    return Reader(id=company.id, kind=ReaderKind.COMPANY)

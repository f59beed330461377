"""One-use tickets for who cannot send a header: a browser's EventSource."""

from __future__ import annotations

from datetime import datetime, timedelta

from tidings.errors import Unauthenticated
from tidings.identity.tokens import digest, fresh
from tidings.model import AccountStatus, BusinessStatus, Reader, ReaderKind
from tidings.storage.store import Store

TICKET = "st_"
LIFETIME = timedelta(seconds=30)


async def issue(store: Store, reader: Reader) -> tuple[str, datetime]:
    """A ticket, which is told this once, and until when it holds."""
    ticket, expires_at = fresh(TICKET), await store.now() + LIFETIME
    await store.tickets.add(digest(ticket), reader, expires_at)
    return ticket, expires_at


async def redeem(store: Store, presented: str) -> Reader:
    """Whose ticket it is. Raises Unauthenticated for one that is unknown, used or expired."""
    found = await store.tickets.take(digest(presented))
    if found is None or found[1] <= await store.now() or not await may_read(store, found[0]):
        raise Unauthenticated
    return found[0]


async def may_read(store: Store, reader: Reader) -> bool:
    """Whether the user or company behind a stream that was opened still may look."""
    if reader.kind is ReaderKind.COMPANY:
        company = await store.accounts.business(reader.id)
        return company is not None and company.status is BusinessStatus.ACTIVE
    account = await store.accounts.account(reader.id)
    return account is not None and account.status is AccountStatus.ACTIVE

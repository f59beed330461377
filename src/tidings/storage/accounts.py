"""Accounts, businesses, firms, and who is a member of what."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from tidings.errors import EmailTaken
from tidings.model import (
    EVERYONE,
    Account,
    AccountStatus,
    Address,
    Audience,
    Business,
    BusinessStatus,
    Firm,
    Role,
)
from tidings.storage.connection import Connection, Row
from tidings.storage.failures import CONFLICTS
from tidings.storage.tables import account, business, firm, membership, preference

_ACCOUNT = (
    account.c.user_id,
    account.c.email,
    account.c.email_verified,
    account.c.status,
    account.c.role,
    account.c.company_id,
    account.c.time_zone,
    account.c.locale,
    account.c.created_at,
)

# Nearly every request asks these.
_USER_ID: sa.BindParameter[Any] = sa.bindparam("user_id", type_=sa.Uuid())
_BY_ID = sa.select(*_ACCOUNT).where(account.c.user_id == _USER_ID)
_MEMBERSHIPS = sa.select(membership.c.stream_id, membership.c.audience).where(
    membership.c.user_id == _USER_ID
)


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """What is looked at when somebody signs in."""

    account: Account
    password_hash: str | None  # None: no password was ever set
    failures: int  # failed attempts since `failing_since`
    failing_since: datetime | None
    locked_until: datetime | None


class Accounts:
    """Who there is."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- users --------------------------------------------------------------------------------------------

    async def account(self, user_id: UUID) -> Account | None:
        row = await self._connection.first(_BY_ID, {"user_id": user_id})
        return None if row is None else account_of(row)

    async def members(self, stream_id: UUID, after: UUID | None, limit: int) -> list[UUID]:
        """Users who read a shared stream, in the order of their ids, that come after `after`."""
        column = account.c.user_id if stream_id == EVERYONE else membership.c.user_id
        found = sa.select(column).order_by(column).limit(limit)
        if stream_id != EVERYONE:
            found = found.where(membership.c.stream_id == stream_id)
        if after is not None:
            found = found.where(column > after)
        return [row.user_id for row in await self._connection.all(found)]

    async def members_who_chose(
        self, stream_id: UUID, channel: str, event_key: str, topic: str, after: UUID | None, limit: int
    ) -> list[UUID]:
        """Those of `members` who switched the channel on, for the event or for its topic."""
        column = account.c.user_id if stream_id == EVERYONE else membership.c.user_id
        chose = (
            sa.select(preference.c.reader_id)
            .where(
                preference.c.reader_id == column,
                preference.c.channel == channel,
                preference.c.enabled,
                sa.tuple_(preference.c.subject, preference.c.key).in_(
                    [("event", event_key), ("topic", topic)]
                ),
            )
            .exists()
        )
        found = sa.select(column).where(chose).order_by(column).limit(limit)
        if stream_id != EVERYONE:
            found = found.where(membership.c.stream_id == stream_id)
        if after is not None:
            found = found.where(column > after)
        return [row.user_id for row in await self._connection.all(found)]

    async def emails(self, user_ids: Collection[UUID]) -> dict[UUID, str]:
        """The addresses of those who have one."""
        found = sa.select(account.c.user_id, account.c.email).where(
            account.c.user_id.in_(sorted(user_ids)), account.c.email.is_not(None)
        )
        return {row.user_id: row.email for row in await self._connection.all(found)}

    async def account_by_email(self, email: str) -> Account | None:
        """The account with this address, which must be trimmed and lower-cased."""
        row = await self._connection.first(sa.select(*_ACCOUNT).where(account.c.email == email))
        return None if row is None else account_of(row)

    async def lock(self, user_id: UUID) -> Account | None:
        """The account, its row locked: whoever changes its credentials holds this lock first."""
        row = await self._connection.first(
            sa.select(*_ACCOUNT).where(account.c.user_id == user_id).with_for_update()
        )
        return None if row is None else account_of(row)

    async def sign_in(self, email: str) -> SignIn | None:
        """What is known of the account with this address, which must be trimmed and lower-cased."""
        row = await self._connection.first(sa.select(account).where(account.c.email == email))
        return None if row is None else _sign_in_of(row)

    async def lock_sign_in(self, user_id: UUID) -> SignIn | None:
        """The same of the account with this id, its row locked, so that failures are counted one by one."""
        row = await self._connection.first(
            sa.select(account).where(account.c.user_id == user_id).with_for_update()
        )
        return None if row is None else _sign_in_of(row)

    async def set_failures(
        self, user_id: UUID, failures: int, since: datetime | None, locked_until: datetime | None
    ) -> None:
        """Set what is known of an account's failed attempts."""
        await self._connection.execute(
            sa.update(account)
            .where(account.c.user_id == user_id)
            .values(failures=failures, failing_since=since, locked_until=locked_until)
        )

    async def put_account(self, user_id: UUID, changes: Mapping[str, Any], now: datetime) -> bool:
        """Make the account unless it is there, and set the columns in `changes`; whether it was made.

        Raises EmailTaken where another user has the address.
        """
        row = {
            "email_verified": True,  # a backend vouches for its users unless it says otherwise
            "status": AccountStatus.ACTIVE.value,
            "role": Role.MEMBER.value,
            "failures": 0,
            "created_at": now,
        }
        try:
            async with self._connection.savepoint():
                return await self._put(account.c.user_id, user_id, row, changes)
        except CONFLICTS as error:
            raise EmailTaken from error

    # --- businesses and firms -----------------------------------------------------------------------------

    async def business(self, business_id: UUID) -> Business | None:
        row = await self._connection.first(sa.select(business).where(business.c.business_id == business_id))
        return None if row is None else _business_of(row)

    async def put_business(self, business_id: UUID, changes: Mapping[str, Any], now: datetime) -> bool:
        """Make the business unless it is there (then `changes` must name it); whether it was made."""
        row = {"status": BusinessStatus.ACTIVE.value, "created_at": now}
        return await self._put(business.c.business_id, business_id, row, changes)

    async def firm(self, firm_id: UUID) -> Firm | None:
        row = await self._connection.first(sa.select(firm).where(firm.c.firm_id == firm_id))
        return None if row is None else Firm(id=row.firm_id, name=row.name, created_at=row.created_at)

    async def put_firm(self, firm_id: UUID, changes: Mapping[str, Any], now: datetime) -> bool:
        """Make the firm unless it is there (then `changes` must name it); whether it was made."""
        return await self._put(firm.c.firm_id, firm_id, {"created_at": now}, changes)

    async def _put(
        self, key: sa.Column[Any], id_: UUID, defaults: Mapping[str, Any], changes: Mapping[str, Any]
    ) -> bool:
        change = sa.update(key.table).where(key == id_).values({key.name: id_, **changes})
        if await self._connection.execute(change) == 1:
            return False
        insert = self._connection.upsert(key.table).values({key.name: id_, **defaults, **changes})
        if await self._connection.execute(insert.on_conflict_do_nothing(index_elements=[key])) == 1:
            return True
        await self._connection.execute(change)  # another made it at the same time
        return False

    # --- memberships --------------------------------------------------------------------------------------

    async def add_membership(self, user_id: UUID, address: Address, now: datetime) -> bool:
        """Make the user a member of a business or firm; whether they were none before."""
        insert = self._connection.upsert(membership).values(
            user_id=user_id, stream_id=address.id, audience=address.audience.value, joined_at=now
        )
        return await self._connection.execute(insert.on_conflict_do_nothing()) == 1

    async def remove_membership(self, user_id: UUID, stream_id: UUID) -> bool:
        """End a membership; whether there was one."""
        left = sa.delete(membership).where(
            membership.c.user_id == user_id, membership.c.stream_id == stream_id
        )
        return await self._connection.execute(left) == 1

    async def memberships(self, user_id: UUID) -> dict[UUID, Audience]:
        """The businesses and firms of which the user is a member."""
        rows = await self._connection.all(_MEMBERSHIPS, {"user_id": user_id})
        return {row.stream_id: Audience(row.audience) for row in rows}

    async def is_member(self, user_id: UUID, stream_id: UUID) -> bool:
        """Whether the user is a member of this business or firm."""
        found = sa.select(membership.c.user_id).where(
            membership.c.user_id == user_id, membership.c.stream_id == stream_id
        )
        return await self._connection.scalar(found) is not None


def account_of(row: Row) -> Account:
    return Account(
        id=row.user_id,
        email=row.email,
        email_verified=row.email_verified,
        status=AccountStatus(row.status),
        role=Role(row.role),
        company_id=row.company_id,
        time_zone=row.time_zone,
        locale=row.locale,
        created_at=row.created_at,
    )


def _sign_in_of(row: Row) -> SignIn:
    return SignIn(
        account=account_of(row),
        password_hash=row.password_hash,
        failures=row.failures,
        failing_since=row.failing_since,
        locked_until=row.locked_until,
    )


def _business_of(row: Row) -> Business:
    return Business(
        id=row.business_id,
        name=row.name,
        firm_id=row.firm_id,
        status=BusinessStatus(row.status),
        created_at=row.created_at,
    )

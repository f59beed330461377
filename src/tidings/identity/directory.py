"""Users, businesses and firms as the product's backend tells of them: every call an upsert.

Imports inbox.membership, the one step sideways between identity and inbox: whoever is added here gets a
stream and positions there, in the same transaction.
"""

from __future__ import annotations

from typing import Any, TypedDict, Unpack
from uuid import UUID

from tidings import time_zones
from tidings.errors import InvalidInput, NotFound, UserNotFound
from tidings.identity import passwords
from tidings.identity.emails import normalised
from tidings.inbox import membership
from tidings.model import Account, AccountStatus, Address, Audience, Business, BusinessStatus, Firm, Role
from tidings.storage.store import Store


class UserChanges(TypedDict, total=False):
    """What is left out stays as it is; a new user is active, verified, a member, and cannot sign in."""

    email: str | None
    password: str | None  # in clear; None takes it away
    password_hash: str | None  # instead of `password`, by who hashed it before the transaction began
    email_verified: bool
    status: AccountStatus
    role: Role
    company_id: UUID | None
    time_zone: str | None
    locale: str | None


class BusinessChanges(TypedDict, total=False):
    """What is left out stays as it is; a new business needs a name, and is active."""

    name: str
    firm_id: UUID | None
    status: BusinessStatus


async def put_user(store: Store, user_id: UUID, **changes: Unpack[UserChanges]) -> bool:
    """Make the user, or change what is given; whether it was made.

    Another status or a password ends the user's sessions. Raises IdTaken, EmailTaken, InvalidInput.
    """
    columns: dict[str, Any] = dict(changes)
    if "password" in columns:
        password = columns.pop("password")
        columns["password_hash"] = None if password is None else await passwords.hashed(password)
    if columns.get("email") is not None:
        columns["email"] = normalised(columns["email"])
    company_id = columns.get("company_id")
    if company_id is not None and await store.accounts.business(company_id) is None:
        raise InvalidInput(f"There is no business {company_id}.", field="company_id")
    if columns.get("time_zone") is not None:
        time_zones.require(columns["time_zone"])
    if "password_hash" in columns:  # who forgot it is locked out no longer
        columns |= {"failures": 0, "failing_since": None, "locked_until": None}
    await membership.open_user(store, user_id)
    before, now = await store.accounts.lock(user_id), await store.now()
    made = await store.accounts.put_account(user_id, columns, now)
    if before and ("password_hash" in columns or columns.get("status", before.status) != before.status):
        await store.credentials.end_sessions(user_id, now)
    return made


async def put_business(store: Store, business_id: UUID, **changes: Unpack[BusinessChanges]) -> bool:
    """Make the business, or change what is given; whether it was made. Raises IdTaken, InvalidInput."""
    firm_id = changes.get("firm_id")
    if firm_id is not None and await store.accounts.firm(firm_id) is None:
        raise InvalidInput(f"There is no firm {firm_id}.", field="firm_id")
    if "name" not in changes and await store.accounts.business(business_id) is None:
        raise InvalidInput("A new business needs a name.", field="name")
    await membership.open_business(store, business_id)
    return await store.accounts.put_business(business_id, dict(changes), await store.now())


async def put_firm(store: Store, firm_id: UUID, *, name: str) -> bool:
    """Make the firm, or rename it; whether it was made. Raises IdTaken."""
    await membership.open_firm(store, firm_id)
    return await store.accounts.put_firm(firm_id, {"name": name}, await store.now())


async def user(store: Store, user_id: UUID) -> Account:
    """The user's account. Raises UserNotFound."""
    if (account := await store.accounts.account(user_id)) is None:
        raise UserNotFound(f"There is no user {user_id}.")
    return account


async def business(store: Store, business_id: UUID) -> Business:
    """Raises NotFound."""
    if (found := await store.accounts.business(business_id)) is None:
        raise NotFound(f"There is no business {business_id}.")
    return found


async def firm(store: Store, firm_id: UUID) -> Firm:
    """Raises NotFound."""
    if (found := await store.accounts.firm(firm_id)) is None:
        raise NotFound(f"There is no firm {firm_id}.")
    return found


async def join(store: Store, user_id: UUID, to: Address) -> None:
    """Make the user a member of a business or firm. Raises UserNotFound, and NotFound of the other."""
    await _both_exist(store, user_id, to)
    await membership.join(store, user_id, to)


async def leave(store: Store, user_id: UUID, to: Address) -> None:
    """End a membership; one that there is not has ended. Raises UserNotFound, and NotFound of the other."""
    await _both_exist(store, user_id, to)
    await membership.leave(store, user_id, to.id)


async def _both_exist(store: Store, user_id: UUID, to: Address) -> None:
    await user(store, user_id)
    if to.audience is Audience.BUSINESS:
        await business(store, to.id)
    elif to.audience is Audience.FIRM:
        await firm(store, to.id)
    else:
        raise InvalidInput("Only businesses and firms have members.")

"""The calls about who there is: users, businesses, firms, memberships, tokens."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from tidings.identity import directory, passwords, tokens
from tidings.model import Address, Audience
from tidings.storage.store import Store
from tidings.surfaces.native.auth import KeyFirst, requires_key
from tidings.surfaces.native.endpoints.answers import ABSENT, ERRORS, made
from tidings.surfaces.native.schemas.directory import (
    BusinessIn,
    BusinessOut,
    FirmIn,
    FirmOut,
    IssuedToken,
    NewToken,
    UserIn,
    UserOut,
)
from tidings.surfaces.native.writing import Write

_MEMBER: dict[str, Any] = {"status_code": 204, "responses": ABSENT}

router = APIRouter(route_class=KeyFirst, dependencies=[requires_key], responses=ERRORS, tags=["directory"])


@router.put("/users/{user_id}", responses=made(UserOut), summary="Add or change a user")
async def put_user(user_id: UUID, body: UserIn, write: Write, response: Response) -> UserOut:
    """A new user reads their own stream, and everyone's from now on."""
    changes = body.changes()
    if password := changes.get("password"):
        # Before the transaction begins, which would stand still for a tenth of a second.
        del changes["password"]
        changes["password_hash"] = await passwords.hashed(password)

    async def put(store: Store) -> UserOut:
        response.status_code = 201 if await directory.put_user(store, user_id, **changes) else 200
        return UserOut.of(await directory.user(store, user_id))

    return await write(put)


@router.post("/users/{user_id}/tokens", status_code=201, responses=ABSENT, summary="Issue an API token")
async def issue_token(user_id: UUID, body: NewToken, write: Write) -> IssuedToken:
    """A `dz_` token for the user, who has at most ten active ones."""

    async def issue(store: Store) -> IssuedToken:
        made, token = await tokens.issue_api_token(
            store, user_id, name=body.name, expires_in_days=body.expires_in_days
        )
        return IssuedToken(
            id=made.id, token=token, user_id=user_id, name=made.name, expires_in_days=body.expires_in_days
        )

    return await write(issue, secret=["token"])


@router.put("/businesses/{business_id}", responses=made(BusinessOut), summary="Add or change a business")
async def put_business(business_id: UUID, body: BusinessIn, write: Write, response: Response) -> BusinessOut:
    """A business is a reader, too: the company of its users who log in as such."""

    async def put(store: Store) -> BusinessOut:
        new = await directory.put_business(store, business_id, **body.changes())
        response.status_code = 201 if new else 200
        return BusinessOut.of(await directory.business(store, business_id))

    return await write(put)


@router.put("/firms/{firm_id}", responses=made(FirmOut), summary="Add or change a firm")
async def put_firm(firm_id: UUID, body: FirmIn, write: Write, response: Response) -> FirmOut:
    """A firm serves businesses; its users read a business only as its members."""

    async def put(store: Store) -> FirmOut:
        response.status_code = 201 if await directory.put_firm(store, firm_id, name=body.name) else 200
        return FirmOut.of(await directory.firm(store, firm_id))

    return await write(put)


# --- memberships -------------------------------------------------------------------------------------------


def _business(business_id: UUID) -> Address:
    return Address(audience=Audience.BUSINESS, id=business_id)


def _firm(firm_id: UUID) -> Address:
    return Address(audience=Audience.FIRM, id=firm_id)


_AT_BUSINESS = "/businesses/{business_id}/members/{user_id}"
_AT_FIRM = "/firms/{firm_id}/members/{user_id}"

AtBusiness = Annotated[Address, Depends(_business)]
AtFirm = Annotated[Address, Depends(_firm)]


@router.put(_AT_BUSINESS, **_MEMBER, summary="Make a user a member of a business")
async def join_business(to: AtBusiness, user_id: UUID, write: Write) -> None:
    """A member reads the business's notifications from now on. Nothing changes for who is one."""
    await write(lambda store: directory.join(store, user_id, to))


@router.delete(_AT_BUSINESS, **_MEMBER, summary="End a membership of a business")
async def leave_business(to: AtBusiness, user_id: UUID, write: Write) -> None:
    """204 as well where there was none."""
    await write(lambda store: directory.leave(store, user_id, to))


@router.put(_AT_FIRM, **_MEMBER, summary="Make a user a member of a firm")
async def join_firm(to: AtFirm, user_id: UUID, write: Write) -> None:
    """A member reads the firm's notifications from now on. Nothing changes for who is one."""
    await write(lambda store: directory.join(store, user_id, to))


@router.delete(_AT_FIRM, **_MEMBER, summary="End a membership of a firm")
async def leave_firm(to: AtFirm, user_id: UUID, write: Write) -> None:
    """204 as well where there was none."""
    await write(lambda store: directory.leave(store, user_id, to))

"""The calls of the native contract."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from pydantic import BaseModel

from tidings.identity import directory, passwords, tokens
from tidings.inbox import append, catalog, sending
from tidings.model import Address, Audience, Draft
from tidings.surfaces.native.auth import KeyFirst, ServiceKey, requires_key
from tidings.surfaces.native.schemas import (
    BusinessIn,
    BusinessOut,
    EventIn,
    EventKey,
    EventOut,
    FirmIn,
    FirmOut,
    Ids,
    IssuedToken,
    NewNotification,
    NewNotifications,
    NewToken,
    Problem,
    UserIn,
    UserOut,
)
from tidings.surfaces.services import CurrentServices, Services

_PROBLEM = {"application/problem+json": {"schema": Problem.model_json_schema()}}
_ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"description": "No service key, or one that does not hold", "content": _PROBLEM},
    422: {"description": "The input is not valid", "content": _PROBLEM},
}
_ABSENT: dict[int | str, dict[str, Any]] = {
    404: {"description": "There is no such thing", "content": _PROBLEM}
}
_MEMBER: dict[str, Any] = {"status_code": 204, "responses": _ABSENT, "tags": ["directory"]}


def _made(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """The further answers of an upsert; 200 is what it answers to a change."""
    return {
        201: {"description": "It was made", "model": model},
        409: {"description": "Something else has this id or address", "content": _PROBLEM},
    }


router = APIRouter(route_class=KeyFirst, dependencies=[requires_key], responses=_ERRORS)


# --- sending -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Sender:
    """A request to send, and what makes it the same as one before."""

    request: Request
    response: Response
    services: Services
    service_key: UUID
    key: str | None

    async def send(self, drafts: Sequence[Draft]) -> Ids:
        once = await self._once(self.key) if self.key else None
        sent = await self.services.sender.send(drafts, once)
        if sent.replayed:
            self.response.headers["Idempotency-Replayed"] = "true"
        return Ids(ids=sent.ids)

    async def _once(self, key: str) -> sending.Once:
        said = json.dumps([self.request.url.path, await self.request.json()], sort_keys=True)
        body_hash = hashlib.sha256(said.encode()).digest()
        return sending.Once(scope=self.service_key, key=key, body_hash=body_hash)


async def _sender(
    request: Request,
    response: Response,
    services: CurrentServices,
    service_key: ServiceKey,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=255,
            pattern=r"^[\x20-\x7e]+$",
            description="The same key and body within 24 hours: the first answer again.",
        ),
    ] = None,
) -> _Sender:
    return _Sender(
        request=request, response=response, services=services, service_key=service_key, key=idempotency_key
    )


Sender = Annotated[_Sender, Depends(_sender)]


@router.post("/notifications", status_code=201, tags=["sending"], summary="Send a notification")
async def send_notification(body: NewNotification, sender: Sender) -> Ids:
    """Tell a user, some users, a business, a firm, or everyone."""
    return await sender.send(body.drafts())


@router.post("/notifications/batch", status_code=201, tags=["sending"], summary="Send several notifications")
async def send_notifications(body: NewNotifications, sender: Sender) -> Ids:
    """Send them all, or none."""
    return await sender.send(body.drafts())


@router.delete(
    "/notifications/{notification_id}",
    status_code=204,
    responses=_ABSENT,
    tags=["sending"],
    summary="Withdraw a notification",
)
async def withdraw_notification(notification_id: UUID, services: CurrentServices) -> None:
    """Take it away from everybody who was told."""
    async with services.database.begin() as store:
        await append.withdraw(store, notification_id)


@router.put("/events/{key}", tags=["catalog"], summary="Add or change an event")
async def put_event(key: Annotated[EventKey, Path()], body: EventIn, services: CurrentServices) -> EventOut:
    """What is left out of the body takes its default."""
    async with services.database.begin() as store:
        event = await catalog.put_event(
            store,
            key,
            topic=body.topic,
            severity=body.severity,
            channels={**body.channels},
            critical=body.critical,
        )
    return EventOut.of(event)


# --- who there is ------------------------------------------------------------------------------------------


@router.put("/users/{user_id}", responses=_made(UserOut), tags=["directory"], summary="Add or change a user")
async def put_user(user_id: UUID, body: UserIn, services: CurrentServices, response: Response) -> UserOut:
    """A new user reads their own stream, and everyone's from now on."""
    changes = body.changes()
    if password := changes.get("password"):
        # Before the transaction begins, which would stand still for a tenth of a second.
        del changes["password"]
        changes["password_hash"] = await passwords.hashed(password)
    async with services.database.begin() as store:
        response.status_code = 201 if await directory.put_user(store, user_id, **changes) else 200
        return UserOut.of(await directory.user(store, user_id))


@router.post(
    "/users/{user_id}/tokens",
    status_code=201,
    responses=_ABSENT,
    tags=["directory"],
    summary="Issue an API token",
)
async def issue_token(user_id: UUID, body: NewToken, services: CurrentServices) -> IssuedToken:
    """A `dz_` token for the user, who has at most ten active ones."""
    async with services.database.begin() as store:
        token_id, token = await tokens.issue_api_token(
            store, user_id, name=body.name, expires_in_days=body.expires_in_days
        )
    return IssuedToken(
        id=token_id, token=token, user_id=user_id, name=body.name, expires_in_days=body.expires_in_days
    )


@router.put(
    "/businesses/{business_id}",
    responses=_made(BusinessOut),
    tags=["directory"],
    summary="Add or change a business",
)
async def put_business(
    business_id: UUID, body: BusinessIn, services: CurrentServices, response: Response
) -> BusinessOut:
    """A business is a reader, too: the company of its users who log in as such."""
    async with services.database.begin() as store:
        made = await directory.put_business(store, business_id, **body.changes())
        response.status_code = 201 if made else 200
        return BusinessOut.of(await directory.business(store, business_id))


@router.put("/firms/{firm_id}", responses=_made(FirmOut), tags=["directory"], summary="Add or change a firm")
async def put_firm(firm_id: UUID, body: FirmIn, services: CurrentServices, response: Response) -> FirmOut:
    """A firm serves businesses; its users read a business only as its members."""
    async with services.database.begin() as store:
        made = await directory.put_firm(store, firm_id, name=body.name)
        response.status_code = 201 if made else 200
        return FirmOut.of(await directory.firm(store, firm_id))


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
async def join_business(to: AtBusiness, user_id: UUID, services: CurrentServices) -> None:
    """A member reads the business's notifications from now on. Nothing changes for who is one."""
    async with services.database.begin() as store:
        await directory.join(store, user_id, to)


@router.delete(_AT_BUSINESS, **_MEMBER, summary="End a membership of a business")
async def leave_business(to: AtBusiness, user_id: UUID, services: CurrentServices) -> None:
    """204 as well where there was none."""
    async with services.database.begin() as store:
        await directory.leave(store, user_id, to)


@router.put(_AT_FIRM, **_MEMBER, summary="Make a user a member of a firm")
async def join_firm(to: AtFirm, user_id: UUID, services: CurrentServices) -> None:
    """A member reads the firm's notifications from now on. Nothing changes for who is one."""
    async with services.database.begin() as store:
        await directory.join(store, user_id, to)


@router.delete(_AT_FIRM, **_MEMBER, summary="End a membership of a firm")
async def leave_firm(to: AtFirm, user_id: UUID, services: CurrentServices) -> None:
    """204 as well where there was none."""
    async with services.database.begin() as store:
        await directory.leave(store, user_id, to)

"""The calls of the company contract."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from tidings.errors import InvalidInput, NotificationNotFound, TooMany
from tidings.identity.emails import normalised
from tidings.inbox import alerts, counts, feed, operations
from tidings.inbox.reach import reach_of
from tidings.model import UNREAD, Action, Item, LiveAlert, Reader, View
from tidings.storage.store import Store
from tidings.surfaces.bodies import StrictRoute, read_json
from tidings.surfaces.company.auth import AUDIENCE, CompanyUser, limit_login
from tidings.surfaces.company.errors import IdRequired
from tidings.surfaces.company.schemas import (
    SLOTS,
    Auction,
    Dashboard,
    Failure,
    Login,
    LoginRequest,
    Notification,
    Updated,
)
from tidings.surfaces.services import CurrentServices

_ERRORS: dict[int | str, dict[str, Any]] = {"default": {"model": Failure, "description": "What went wrong"}}
_BY_PATH = {"parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]}
_ID = {"type": "object", "properties": {"id": {"type": "string"}}}
_IDS = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": operations.MOST_AT_ONCE}
_ID_OR_IDS = {"type": "object", "properties": {"id": {"type": "string"}, "ids": _IDS}}
_BY_BODY = {"requestBody": {"content": {"application/json": {"schema": _ID_OR_IDS}}}}
_BY_ONE_BODY = {"requestBody": {"content": {"application/json": {"schema": _ID}}}}
_MARK_READ = "Mark a notification as read"
_DELETE = "Delete a notification"

_UNREAD = View(windows=(UNREAD,), by_level=True)

router = APIRouter(route_class=StrictRoute, responses=_ERRORS)


async def named_id(request: Request, by_query: Annotated[str | None, Query(alias="id")] = None) -> str:
    """The notification's id: of the path, else of the query, else of the body. Raises IdRequired."""
    given = request.path_params.get("id") or by_query or (await _body(request)).get("id")
    if given is None or given == "":
        raise IdRequired
    return _text(given)


async def named_ids(
    request: Request, by_query: Annotated[str | None, Query(alias="id")] = None
) -> str | list[str]:
    """One id, or where there is none the body's `ids`. Raises IdRequired, InvalidInput, TooMany."""
    try:
        return await named_id(request, by_query)
    except IdRequired:
        given = (await _body(request)).get("ids")
        if given is None:
            raise
    if not isinstance(given, list) or not given:
        raise InvalidInput
    ids = [_text(one) for one in cast("list[Any]", given)]
    if len(ids) > operations.MOST_AT_ONCE:
        raise TooMany
    return ids


def _text(given: Any) -> str:
    """The id as text; a list or an object, however deep, is the id of nothing."""
    return "" if isinstance(given, list | dict) else str(given)


async def _body(request: Request) -> dict[str, Any]:
    """The body's fields; what cannot be read, or is no object, is no body."""
    try:
        found: Any = read_json(await request.body(), numbers_alone=True)
    except (ValueError, RecursionError, HTTPException, ClientDisconnect):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


NamedId = Annotated[str, Depends(named_id)]
Named = Annotated[str | list[str], Depends(named_ids)]


def _known(given: Sequence[str]) -> list[UUID]:
    """Those that can be the id of a notification at all."""
    known: list[UUID] = []
    for one in given:
        with suppress(ValueError):
            known.append(UUID(one))
    return known


@router.post("/auth/login", tags=["auth"], summary="Sign in")
async def login(request: Request, services: CurrentServices, body: LoginRequest) -> Login:
    """Answers the token of a company's user."""
    email = normalised(body.email)
    await limit_login(request, services, email)
    account = await services.sessions.login(email, body.password)
    token = services.sessions.access_token(account, AUDIENCE)
    return Login(token=token, expires_in=services.sessions.access_seconds)


# The id comes before the company: without one the answer is 400, whoever asks.
@router.put("/notifications/read/", include_in_schema=False)
@router.put("/notifications/read", tags=["notifications"], summary=_MARK_READ, openapi_extra=_BY_BODY)
@router.put(
    "/notifications/read/{id:path}", tags=["notifications"], summary=_MARK_READ, openapi_extra=_BY_PATH
)
async def mark_read(named: Named, company: CompanyUser, services: CurrentServices) -> Notification | Updated:
    """Marks it as read for the whole company; a repeat leaves the first `readedAt`. Or all of `ids`."""
    async with services.database.begin() as store:
        if isinstance(named, list):
            outcome = await operations.mark(store, company, Action.READ, _known(named))
            return Updated(updated=outcome.changed)
        await operations.mark(store, company, Action.READ, _known([named]))
        return Notification.of(await _found(store, company, named))


@router.delete("/notifications/", include_in_schema=False)
@router.delete("/notifications", tags=["notifications"], summary=_DELETE, openapi_extra=_BY_ONE_BODY)
@router.delete("/notifications/{id:path}", tags=["notifications"], summary=_DELETE, openapi_extra=_BY_PATH)
async def delete(named: NamedId, company: CompanyUser, services: CurrentServices) -> Notification:
    """It is gone for good, for all of the company; the answer is what it was."""
    async with services.database.begin() as store:
        item = await _found(store, company, named)
        outcome = await operations.mark(store, company, Action.DELETE, [item.id], final=True)
    if not outcome.changed:  # a colleague was faster
        raise NotificationNotFound
    return Notification.of(item)


async def _found(store: Store, company: Reader, named: str) -> Item:
    """A text that is no UUID is the id of no notification."""
    ids = _known([named])
    if not ids:
        raise NotificationNotFound
    return await feed.find(store, await reach_of(store, company), ids[0])


@router.get("/notifications/dashboard", tags=["notifications"], summary="What the company has to look at")
async def dashboard(company: CompanyUser, services: CurrentServices) -> Dashboard:
    """Pending actions are live alerts: of the kind `unsigned_auction`, and `missing_signature`."""
    async with services.database.read() as store:
        pending = await alerts.standing(store, company, company.id)
        auctions = [auction for one in pending if (auction := _auction(one))][:SLOTS]
        reach = await reach_of(store, company)
        page = await feed.page(store, reach, _UNREAD, limit=SLOTS - len(auctions))
        unread = await counts.count(store, reach, UNREAD, by_level=True)
    return Dashboard(
        company_missing_signature=any(one.alert.kind == "missing_signature" for one in pending),
        not_signed_auctions_count=len(auctions),
        not_signed_auctions=auctions,
        notifications=[Notification.of(item) for item in page.items],
        unread_count=unread,
    )


def _auction(one: LiveAlert) -> Auction | None:
    """The auction that an alert is about; one that does not say which is about none."""
    code = one.alert.data.get("service_code")
    if one.alert.kind != "unsigned_auction" or isinstance(code, bool) or not isinstance(code, str | int):
        return None
    return Auction(service_code=str(code)) if code != "" else None

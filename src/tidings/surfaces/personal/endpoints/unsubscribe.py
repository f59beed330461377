"""Unsubscribing from e-mail by a link, without signing in (RFC 8058)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, cast
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from tidings.delivery.unsubscribe_links import UnsubscribeLinks
from tidings.errors import InvalidInput
from tidings.identity.emails import normalised
from tidings.inbox import unsubscribing
from tidings.surfaces.bodies import read_json
from tidings.surfaces.personal import pages
from tidings.surfaces.personal.auth import UNSUBSCRIBE, limit_public
from tidings.surfaces.personal.endpoints.answers import ERRORS
from tidings.surfaces.personal.schemas.envelopes import Success, success
from tidings.surfaces.personal.schemas.preferences import ALL_ON
from tidings.surfaces.personal.schemas.unsubscribe import NotDone, Told
from tidings.surfaces.services import CurrentServices, Services

Answer = Success[Told] | NotDone

_INCOMPLETE = "To choose what you get by e-mail, open your notification settings."
_DONE = "You get no more e-mail at {}, but for what is critical, such as a security alert."
_UNDONE = "You get e-mail at {} again, as it is set by default. Your notification settings have the details."
_UNDO_OVER = "This can no longer be undone here. Open your notification settings instead."

_FORM = "application/x-www-form-urlencoded"
_BODY: dict[str, Any] = {
    "type": "object",
    "properties": {"email": {"type": "string"}, "token": {"type": "string"}},
}
_BODIES: dict[str, Any] = {
    "requestBody": {"content": {kind: {"schema": _BODY} for kind in (_FORM, "application/json")}}
}
_ANSWERS: dict[str, Any] = {
    "response_model": Answer,
    "responses": {
        200: {
            "description": "What was done, or that nothing was; a page where HTML is wanted",
            "content": {"text/html": {"schema": {"type": "string"}}},
        }
    },
}

router = APIRouter(responses=ERRORS, tags=["unsubscribe"])


@dataclass(frozen=True, kw_only=True)
class Link:
    """What a call says: whose mail, and the token that lets the caller speak for them."""

    email: str
    token: str

    @property
    def complete(self) -> bool:
        return bool(self.email and self.token)

    @property
    def address(self) -> str:
        """The address as it is kept; empty where it is none."""
        try:
            return normalised(self.email)
        except InvalidInput:
            return ""


Text = Annotated[str, Query()]


async def by_query(email: Text = "", token: Text = "") -> Link:
    return Link(email=email, token=token)


ByQuery = Annotated[Link, Depends(by_query)]


async def by_query_or_body(request: Request, query: ByQuery) -> Link:
    """What the query leaves out may stand in the body: a form, or JSON."""
    if query.complete:
        return query
    body = await _body(request)
    return Link(email=query.email or _text(body.get("email")), token=query.token or _text(body.get("token")))


ByQueryOrBody = Annotated[Link, Depends(by_query_or_body)]


@router.get("/notifications/unsubscribe", summary="Unsubscribe by the link of a mail", **_ANSWERS)
async def unsubscribe_by_link(
    request: Request, response: Response, services: CurrentServices, link: ByQuery
) -> Any:
    """Acts at once. Always 200, also for a link that does not hold; a browser gets a page. 10 an hour."""
    return await _unsubscribe(request, response, services, link)


@router.post(
    "/notifications/unsubscribe",
    summary="Unsubscribe by one click (RFC 8058)",
    openapi_extra=_BODIES,
    **_ANSWERS,
)
async def unsubscribe_by_one_click(
    request: Request, response: Response, services: CurrentServices, link: ByQueryOrBody
) -> Any:
    """What a mail program posts to the link of a mail. Always 200, as for GET. 10 an hour."""
    return await _unsubscribe(request, response, services, link)


@router.post(
    "/notifications/unsubscribe/undo",
    summary="Take an unsubscribe back",
    openapi_extra=_BODIES,
    **_ANSWERS,
)
async def undo(request: Request, response: Response, services: CurrentServices, link: ByQueryOrBody) -> Any:
    """The button of the page that a browser gets; its token holds for a day. Always 200. 10 an hour."""
    address = link.address
    await limit_public(request, response, services, UNSUBSCRIBE, address)
    async with services.database.begin() as store:
        links, now = UnsubscribeLinks(services.secret), await store.now()
        holds = links.holds_undo(address, link.token, now) and address != ""
        if holds:
            await unsubscribing.resubscribe(store, address, "unsubscribe_page_undo", first=ALL_ON)
    if not holds:
        return _answer(request, response, "Too late", _UNDO_OVER, done=False)
    return _answer(request, response, "You are subscribed again", _UNDONE.format(address))


async def _unsubscribe(request: Request, response: Response, services: Services, link: Link) -> Any:
    address = link.address
    await limit_public(request, response, services, UNSUBSCRIBE, address)
    if not link.complete:
        return _answer(request, response, "Nothing was changed", _INCOMPLETE)
    links = UnsubscribeLinks(services.secret)
    genuine = links.holds(address, link.token) and address != ""
    source = f"email_one_click_{request.method.lower()}"
    try:
        async with services.database.begin() as store:
            undo_token = links.undo_token(address, await store.now())
            await unsubscribing.unsubscribe(store, address, source, genuine=genuine, first=ALL_ON)
    except InvalidInput as error:
        return _answer(request, response, "Nothing was changed", error.message, done=False)
    form = pages.form("unsubscribe/undo", "Undo", {"email": address, "token": undo_token})
    return _answer(request, response, "You are unsubscribed", _DONE.format(address), form)


def _answer(
    request: Request, response: Response, title: str, text: str, form: str = "", *, done: bool = True
) -> Answer | Response:
    """A page for who wants HTML, JSON for all others."""
    response.headers.update({"Cache-Control": "no-store", "Vary": "Accept"})
    if "text/html" in request.headers.get("accept", ""):
        headers = {**response.headers, **pages.HEADERS}
        return HTMLResponse(pages.page(title, text, form), headers=headers)
    return success(Told(message=text)) if done else NotDone(success=False, message=text)


async def _body(request: Request) -> dict[str, Any]:
    """The body's fields; what cannot be read has none."""
    try:
        content = await request.body()
        if request.headers.get("content-type", "").lower().startswith(_FORM):
            return dict(parse_qsl(content.decode(errors="replace"), max_num_fields=20))
        found: Any = read_json(content, numbers_alone=True)
    except (ValueError, RecursionError, HTTPException, ClientDisconnect):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

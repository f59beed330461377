"""The page of `tidings demo`: two windows of a product with the inbox in them, and a form that sends.

It gives away the tokens of the demo's users, so nothing but the demo serves it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tidings.delivery import record
from tidings.errors import TidingsError
from tidings.inbox.sending import Sender
from tidings.model import EVERYONE, Address, Audience, Draft, Severity
from tidings.storage.engine import Database
from tidings.surfaces.browser.app import Files
from tidings.surfaces.browser.outbox import PAGE_POLICY, Outbox, list_page, mail_page
from tidings.surfaces.mail_policy import MAIL_POLICY

_FOLDER = Path(__file__).parent / "demo"
_TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    "frame-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
)
_STORABLE = r"^[^\x00]*$"  # PostgreSQL's text has no NUL
_MOST_BODY = 16 * 1024
_MOST_DIGESTS = 100
_GLANCES, _GLANCE_SECONDS = 20, 0.1


@dataclass(frozen=True, kw_only=True)
class DemoUser:
    """Somebody whose inbox the page shows."""

    id: str
    name: str
    email: str
    token: str
    scopes: Mapping[str, str]  # what the businesses and firms are called, by their ids


@dataclass(frozen=True, kw_only=True)
class DemoPage:
    """What the page knows."""

    users: Sequence[DemoUser]
    firms: Sequence[str]  # which of the scopes are firms, by their ids
    events: Sequence[str]  # what can be sent, by the keys of the catalog
    outbox: Path | None = None  # the Maildir of what was mailed; None: the mails went elsewhere


class _Sent(BaseModel):
    """What the form sends."""

    model_config = ConfigDict(extra="forbid")

    to: str = Field(pattern="^(user|business|firm|everyone)$")
    id: UUID | None = None
    event: str = Field(min_length=1, max_length=128)
    severity: Severity = Severity.INFO
    title: str = Field(min_length=1, max_length=200, pattern=_STORABLE)
    body: str | None = Field(default=None, max_length=2000, pattern=_STORABLE)

    def draft(self) -> Draft:
        """Raises ValueError where nobody is named."""
        if self.to == "everyone":
            to = Address(audience=Audience.EVERYONE, id=EVERYONE)
        elif self.id is None:
            raise ValueError("id is missing.")
        else:
            to = Address(audience=Audience(self.to), id=self.id)
        return Draft(
            to=to, event=self.event, severity=self.severity, title=self.title, body=self.body or None
        )


def create(page: DemoPage, files: Files, sender: Sender, database: Database) -> Starlette:
    """The application for / and what stands under /demo/."""
    world = orjson.dumps(
        {
            "users": [asdict(user) for user in page.users],
            "firms": list(page.firms),
            "events": list(page.events),
            "widget": files.address("tidings-inbox.js"),
        }
    )

    async def file(request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        path = _FOLDER / name
        if path.parent != _FOLDER or not path.is_file():
            raise HTTPException(404)
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
        return Response(path.read_bytes(), headers=headers, media_type=_TYPES[path.suffix])

    async def told(_request: Request) -> Response:
        return Response(world, headers={"Cache-Control": "no-store"}, media_type="application/json")

    outbox = None if page.outbox is None else Outbox(page.outbox)

    async def mails(_request: Request) -> Response:
        async with database.read() as store:
            digests = len(await record.open_digests(store, limit=_MOST_DIGESTS))
        return _shown(list_page(None if outbox is None else outbox.mails(), digests), PAGE_POLICY)

    async def send_digests(request: Request) -> Response:
        _require_same_origin(request)
        async with database.begin() as store:
            for digest in await record.open_digests(store, limit=_MOST_DIGESTS):
                await record.retry(store, digest.id)
        await _sent(database)
        return RedirectResponse("/demo/outbox", 303)

    async def mail(request: Request) -> Response:
        found = None if outbox is None else outbox.mail(request.path_params["key"])
        if found is None:
            raise HTTPException(404)
        is_part = request.url.path.endswith("/html")
        return _shown(found.html, MAIL_POLICY) if is_part else _shown(mail_page(found), PAGE_POLICY)

    async def send(request: Request) -> Response:
        _require_same_origin(request)
        try:
            content = await request.body()
            if len(content) > _MOST_BODY:
                raise HTTPException(413)
            [id_] = await sender.send([_Sent.model_validate_json(content).draft()])
        except ValidationError as error:
            return JSONResponse({"detail": error.errors()[0]["msg"]}, 422)
        except (TidingsError, ValueError) as error:
            return JSONResponse({"detail": str(getattr(error, "message", error))}, 422)
        return JSONResponse({"id": str(id_)}, 201)

    return Starlette(
        routes=[
            Route("/", file),
            Route("/demo/world.json", told),
            Route("/demo/send", send, methods=["POST"]),
            Route("/demo/outbox", mails),
            Route("/demo/outbox/digests", send_digests, methods=["POST"]),
            Route("/demo/outbox/{key}", mail),
            Route("/demo/outbox/{key}/html", mail),
            Route("/demo/{name}", file),
        ]
    )


async def _sent(database: Database) -> None:
    """Wait a moment until no digest is left, so that who is led to the list finds them in it."""
    for _ in range(_GLANCES):
        async with database.read() as store:
            if not await record.open_digests(store, limit=1):
                return
        await asyncio.sleep(_GLANCE_SECONDS)


def _require_same_origin(request: Request) -> None:
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise HTTPException(403)


def _shown(html: str, policy: str) -> Response:
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return Response(html, headers=headers, media_type="text/html; charset=utf-8")

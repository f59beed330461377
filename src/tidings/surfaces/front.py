"""What stands before the surfaces: a page that names them, and whether the server is well."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from html import escape

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from tidings.storage.engine import Database

_SURFACES = (
    ("native", "/v1", "Sending, and who is told: for the product's backend, with a service key."),
    ("scoped", "/api/v1", "One feed in the scopes me, business and firm, with an API token."),
    ("personal", "/api/v1", "A user's own inbox, after signing in."),
    ("company", "/company", "An inbox that a company's users share, after signing in."),
)
_REFERENCES = {"scoped": "/docs/reference/notifications"}
"""The surfaces that explain themselves in pages, and where."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


def create(database: Database, lifespan: Lifespan) -> Starlette:
    """The application for every path that no surface has."""

    async def index(_request: Request) -> Response:
        return HTMLResponse(_PAGE)

    async def livez(_request: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def readyz(_request: Request) -> Response:
        try:
            async with database.read() as store:
                await store.catalog.topics()
        except Exception:
            _log.exception("the database does not answer")
            return PlainTextResponse("the database does not answer\n", 503)
        return PlainTextResponse("ready\n")

    routes = [Route("/", index), Route("/livez", livez), Route("/readyz", readyz)]
    return Starlette(routes=routes, lifespan=lifespan)


def _row(name: str, prefix: str, what: str) -> str:
    document = f'<a href="/docs/{name}/openapi.json">OpenAPI</a>'
    if pages := _REFERENCES.get(name):
        document += f' · <a href="{pages}">Reference</a>'
    return f"<tr><th>{name}</th><td><code>{prefix}</code></td><td>{escape(what)}</td><td>{document}</td></tr>"


_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tidings</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 48rem; margin: 3rem auto; padding: 0 1rem; }}
th, td {{ text-align: left; padding: .25rem 1rem .25rem 0; vertical-align: top; }}
</style>
</head>
<body>
<h1>Tidings</h1>
<p>A notification inbox. It speaks these contracts:</p>
<table>
{"".join(_row(*surface) for surface in _SURFACES)}
</table>
<p><a href="/livez">/livez</a> says whether the server runs,
<a href="/readyz">/readyz</a> whether its database answers.</p>
</body>
</html>
"""

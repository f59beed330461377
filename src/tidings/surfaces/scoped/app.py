"""The scoped contract as an application of its own; its paths are the full ones."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from tidings.surfaces.body_limit import BodyLimit
from tidings.surfaces.scoped import endpoints, errors, schemas, tokens
from tidings.surfaces.services import Services

OPENAPI_URL = "/docs/scoped/openapi.json"
MOST_BODY_BYTES = 256 * 1024


def create(services: Services) -> FastAPI:
    """The application; `services` are what its handlers work with."""
    app = FastAPI(
        title="Notifications",
        summary="One feed, read through the scopes me, business and firm.",
        openapi_url=None,  # served below: it follows the catalog
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=errors.HANDLERS,
    )
    app.state.services = services
    app.add_middleware(BodyLimit, most=MOST_BODY_BYTES)
    app.include_router(endpoints.router, prefix="/api/v1")
    app.include_router(tokens.router, prefix="/api/v1")
    app.add_api_route(OPENAPI_URL, _openapi, include_in_schema=False)
    return app


async def _openapi(request: Request) -> JSONResponse:
    """The OpenAPI document, with the topics that the catalog has now."""
    app: FastAPI = request.app
    services: Services = app.state.services
    async with services.database.read() as store:
        topics = await store.catalog.topics()
    return JSONResponse(_with_topics(app.openapi(), topics))


def _with_topics(document: dict[str, Any], topics: list[str]) -> dict[str, Any]:
    components = dict(document["components"])
    enum = components["schemas"][schemas.TOPIC_SCHEMA] | {"enum": topics}
    components["schemas"] = components["schemas"] | {schemas.TOPIC_SCHEMA: enum}
    return document | {"components": components}

"""The scoped contract as an application of its own; its paths are the full ones."""

from __future__ import annotations

from fastapi import FastAPI

from tidings.surfaces.body_limit import BodyLimit
from tidings.surfaces.scoped import endpoints, errors, tokens
from tidings.surfaces.scoped.reference import endpoints as reference
from tidings.surfaces.services import Services

MOST_BODY_BYTES = 256 * 1024


def create(services: Services) -> FastAPI:
    """The application; `services` are what its handlers work with."""
    app = FastAPI(
        title="Notifications",
        summary="One feed, read through the scopes me, business and firm.",
        openapi_url=None,  # the reference serves it: it follows the catalog
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=errors.HANDLERS,
    )
    app.state.services = services
    app.add_middleware(BodyLimit, most=MOST_BODY_BYTES)
    # Their routes, not the routers: each of these would be asked twice for its routes, with every request.
    for router in (endpoints.router, tokens.router, reference.router):
        app.router.routes.extend(router.routes)
    return app

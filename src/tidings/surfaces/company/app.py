"""The company contract as an application of its own; its paths are the full ones."""

from __future__ import annotations

from fastapi import FastAPI

from tidings.surfaces.body_limit import BodyLimit
from tidings.surfaces.company import endpoints, errors
from tidings.surfaces.services import Services

MOST_BODY_BYTES = 256 * 1024


def create(services: Services) -> FastAPI:
    """The application; `services` are what its handlers work with."""
    app = FastAPI(
        title="Company notifications",
        summary="One inbox for all users of a company.",
        openapi_url="/docs/company/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=errors.HANDLERS,
    )
    app.state.services = services
    app.add_middleware(BodyLimit, most=MOST_BODY_BYTES)
    app.include_router(endpoints.router, prefix="/company")
    return app

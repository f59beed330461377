"""The personal contract as an application of its own; its paths are the full ones."""

from __future__ import annotations

from fastapi import FastAPI

from tidings.surfaces.body_limit import BodyLimit
from tidings.surfaces.personal import endpoints, errors
from tidings.surfaces.services import Services

MOST_BODY_BYTES = 64 * 1024


def create(services: Services) -> FastAPI:
    """The application; `services` are what its handlers work with."""
    app = FastAPI(
        title="Personal notifications",
        summary="One user, one inbox.",
        openapi_url="/docs/personal/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=errors.HANDLERS,
    )
    app.state.services = services
    app.add_middleware(BodyLimit, most=MOST_BODY_BYTES)
    app.include_router(endpoints.router, prefix="/api/v1")
    return app

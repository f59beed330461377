"""The native contract as an application of its own; its paths are the full ones."""

from __future__ import annotations

from fastapi import FastAPI

from tidings.surfaces.body_limit import BodyLimit
from tidings.surfaces.native import endpoints, errors
from tidings.surfaces.services import Services

OPENAPI_URL = "/docs/native/openapi.json"
MOST_BODY_BYTES = 16_000_000  # a thousand notifications are seldom larger


def create(services: Services) -> FastAPI:
    """The application; `services` are what its handlers work with."""
    app = FastAPI(
        title="Tidings",
        summary="Sending, and who is told, with a service key; a reader's inbox, with their token.",
        openapi_url=OPENAPI_URL,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=errors.HANDLERS,
    )
    app.state.services = services
    app.add_middleware(BodyLimit, most=MOST_BODY_BYTES)
    app.include_router(endpoints.router, prefix="/v1")
    return app

"""Where the reference is read."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse

from tidings.errors import NotFound
from tidings.surfaces.scoped.reference import pages
from tidings.surfaces.scoped.reference.document import INDEX_PATH, Operation, Reference, current
from tidings.surfaces.scoped.reference.slices import slice_of

OPENAPI_URL = "/docs/scoped/openapi.json"

router = APIRouter(include_in_schema=False)

_NOT_KEPT = {"Cache-Control": "no-store"}  # all of it repeats the request's Host
_HEADERS = _NOT_KEPT | {"Content-Security-Policy": pages.POLICY, "X-Content-Type-Options": "nosniff"}


@router.get(OPENAPI_URL)
async def document(request: Request) -> JSONResponse:
    """All of the surface, with the topics that the catalog has now."""
    return JSONResponse((await current(request)).document, headers=_NOT_KEPT)


@router.get(INDEX_PATH)
async def index(request: Request) -> HTMLResponse:
    """Every operation in a line."""
    return HTMLResponse(pages.index(await current(request), OPENAPI_URL), headers=_HEADERS)


@router.get(f"{INDEX_PATH}/{{slug}}")
async def page(slug: str, request: Request) -> HTMLResponse:
    """All about one operation. Raises NotFound."""
    reference = await current(request)
    return HTMLResponse(pages.operation(reference, _named(reference, slug)), headers=_HEADERS)


@router.get(f"{INDEX_PATH}/{{slug}}/openapi.json")
async def openapi(slug: str, request: Request) -> JSONResponse:
    """The slice of one operation. Raises NotFound."""
    reference = await current(request)
    return JSONResponse(slice_of(reference, _named(reference, slug)), headers=_NOT_KEPT)


def _named(reference: Reference, slug: str) -> Operation:
    for operation in reference.operations:
        if operation.slug == slug:
            return operation
    raise NotFound("There is no such operation.")

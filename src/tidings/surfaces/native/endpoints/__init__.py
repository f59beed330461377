"""The calls of the native contract."""

from __future__ import annotations

from fastapi import APIRouter

from tidings.surfaces.native.endpoints import catalog, directory, sending

router = APIRouter()
for part in (sending, catalog, directory):
    router.include_router(part.router)

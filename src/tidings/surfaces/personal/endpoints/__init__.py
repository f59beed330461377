"""The calls of the personal contract."""

from __future__ import annotations

from fastapi import APIRouter

from tidings.surfaces.personal.endpoints import admin, auth, notifications, preferences

router = APIRouter()
for part in (auth, notifications, preferences, admin):
    router.include_router(part.router)

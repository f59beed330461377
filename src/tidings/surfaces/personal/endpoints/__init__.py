"""The calls of the personal contract."""

from __future__ import annotations

from fastapi import APIRouter

from tidings.surfaces.personal.endpoints import admin, auth, notifications, preferences, unsubscribe, webpush

router = APIRouter()
for part in (auth, notifications, preferences, unsubscribe, webpush, admin):
    router.include_router(part.router)

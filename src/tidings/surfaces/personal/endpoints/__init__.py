"""The calls of the personal contract."""

from __future__ import annotations

from fastapi import APIRouter

from tidings.surfaces.personal.endpoints import admin, auth, notifications, preferences, unsubscribe, webpush

router = APIRouter()
# Preferences before notifications: an event may be called `read`, which is also what is done to an id.
for part in (auth, preferences, notifications, unsubscribe, webpush, admin):
    router.include_router(part.router)

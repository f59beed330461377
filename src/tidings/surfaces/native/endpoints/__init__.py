"""The calls of the native contract."""

from __future__ import annotations

from fastapi import APIRouter

from tidings.surfaces.native.endpoints import (
    alerts,
    catalog,
    directory,
    events,
    inbox,
    preferences,
    sending,
    stream,
    templates,
)

router = APIRouter()
for part in (sending, events, alerts, catalog, templates, directory, preferences, stream, inbox):
    router.include_router(part.router)

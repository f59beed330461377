"""What comes back for mails."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool

from tidings.delivery import reports
from tidings.delivery.channels.email.bounces import LARGEST, Report, parse
from tidings.delivery.channels.email.message_ids import MessageIds
from tidings.storage.store import Store
from tidings.surfaces.native.auth import KeyFirst, requires_key
from tidings.surfaces.native.endpoints.answers import ERRORS, PROBLEM
from tidings.surfaces.native.schemas.bounces import BouncesOut
from tidings.surfaces.native.writing import Write
from tidings.surfaces.services import CurrentServices

MESSAGE = "message/rfc822"

router = APIRouter(route_class=KeyFirst, dependencies=[requires_key], responses=ERRORS, tags=["sending"])


async def _reports(request: Request) -> list[Report]:
    """What the body reports. Raises HTTPException (415, 413), and what `parse` does."""
    kind, _, _ = request.headers.get("content-type", "").partition(";")
    if kind.strip().lower() != MESSAGE:
        raise HTTPException(415, f"Send the message as it came, as `{MESSAGE}`.")
    raw = await request.body()
    if len(raw) > LARGEST:
        raise HTTPException(413, f"The body is longer than {LARGEST} bytes.")
    return await run_in_threadpool(parse, raw)  # of a hostile one it takes half a second


_BODY = {"required": True, "content": {MESSAGE: {"schema": {"type": "string", "format": "binary"}}}}


@router.post(
    "/bounces",
    responses={415: {"description": "Another content type", "content": PROBLEM}},
    openapi_extra={"requestBody": _BODY},
    summary="Take what comes back for a mail",
)
async def take_bounces(
    found: Annotated[list[Report], Depends(_reports)], services: CurrentServices, write: Write
) -> BouncesOut:
    """Take a message that says that a mail did not arrive (RFC 3464), or was called spam (RFC 5965).

    The address gets no more mail if it is no more, or if its reader complained. Only reports on mails that
    were sent from here count, by their Message-IDs; each may come more than once.
    """

    async def take(store: Store) -> BouncesOut:
        return BouncesOut.of(await reports.take(store, found, MessageIds(services.secret)))

    return await write(take)

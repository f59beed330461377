"""Sending in the form of CloudEvents 1.0, structured and batched."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from tidings.inbox.append import MOST_AT_ONCE
from tidings.inbox.once import Message, send_once
from tidings.storage.store import Store
from tidings.surfaces.bodies import read_json
from tidings.surfaces.native.auth import KeyFirst, requires_key
from tidings.surfaces.native.endpoints.answers import ERRORS, PROBLEM
from tidings.surfaces.native.schemas.cloudevents import MANY, ONE, SCHEMA, scope_of
from tidings.surfaces.native.schemas.sending import Ids
from tidings.surfaces.native.writing import Write

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
_BARE = "application/json"
_BINARY = (
    f"The binary mode of CloudEvents (ce-* headers) is not taken: send the whole event as `{STRUCTURED}`."
)

router = APIRouter(route_class=KeyFirst, dependencies=[requires_key], responses=ERRORS, tags=["sending"])


async def _messages(request: Request) -> list[Message]:
    """What the body has to send, by its content type. Raises HTTPException (415, 400), a validation error."""
    kind = _kind(request)
    read = await _json(request)
    try:
        events = MANY.validate_python(read) if kind == BATCH else [ONE.validate_python(read)]
    except ValidationError as error:
        found: list[Any] = error.errors()
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in found]) from None
    return [event.message() for event in events]


def _kind(request: Request) -> str:
    kind, _, rest = request.headers.get("content-type", "").partition(";")
    kind = kind.strip().lower()
    if kind not in (STRUCTURED, BATCH) and any(name.startswith("ce-") for name in request.headers):
        raise HTTPException(415, _BINARY)
    charset = rest.lower().partition("charset=")[2].partition(";")[0].strip(' "')
    if kind not in (STRUCTURED, BATCH, _BARE) or charset not in ("", "utf-8", "utf8", "us-ascii"):
        raise HTTPException(415, f"Send `{STRUCTURED}` or `{BATCH}`, in UTF-8.")
    return kind


async def _json(request: Request) -> Any:
    """The body, read as those of other calls are."""
    body = await request.body()
    try:
        return read_json(body)
    except json.JSONDecodeError as error:
        told = {"type": "json_invalid", "loc": ("body", error.pos), "msg": f"JSON decode error: {error.msg}"}
        raise RequestValidationError([told]) from None
    except (ValueError, RecursionError):
        raise HTTPException(400, "There was an error parsing the body") from None


Messages = Annotated[list[Message], Depends(_messages)]

_MANY = {"type": "array", "items": SCHEMA, "maxItems": MOST_AT_ONCE}
_BODY = {
    "required": True,
    "content": {STRUCTURED: {"schema": SCHEMA}, BATCH: {"schema": _MANY}, _BARE: {"schema": SCHEMA}},
}


@router.post(
    "/events",
    status_code=201,
    responses={415: {"description": "Another content type, or the binary mode", "content": PROBLEM}},
    openapi_extra={"requestBody": _BODY},
    summary="Send CloudEvents",
)
async def send_events(messages: Messages, write: Write, response: Response) -> Ids:
    """Send one event, or up to 1,000 as a batch, all or none.

    Of events that came before, by source and id, the ids of then are answered, in a batch beside those of new
    ones; `Idempotency-Replayed` says that nothing of it was new.
    """

    async def send(store: Store) -> Ids:
        sent = await send_once(store, scope_of(write.caller), messages)
        if sent and all(one.again for one in sent):
            response.headers["Idempotency-Replayed"] = "true"
        return Ids(ids=[id_ for one in sent for id_ in one.ids])

    return await write(send)

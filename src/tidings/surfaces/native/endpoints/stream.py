"""The inbox as it changes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response

from tidings.errors import TidingsError
from tidings.identity import tickets
from tidings.model import Reader
from tidings.realtime.sse import EventStream
from tidings.surfaces.live import LiveInbox, left_off
from tidings.surfaces.native.auth import CurrentReader, ReaderFirst, reader_by_token, requires_token
from tidings.surfaces.native.endpoints.answers import READER_ERRORS
from tidings.surfaces.native.schemas.stream import StreamTicket, rendered
from tidings.surfaces.services import CurrentServices, services_of


class TicketOrToken(ReaderFirst):
    """A route that takes a ticket in the query as well, for who cannot send a header."""

    async def reader(self, request: Request) -> Reader:
        ticket = request.query_params.get("ticket")
        if ticket is None:
            return await super().reader(request)
        async with services_of(request).database.begin() as store:
            return await tickets.redeem(store, ticket)


router = APIRouter(prefix="/inbox", dependencies=[requires_token], responses=READER_ERRORS, tags=["inbox"])
by_token, by_either = APIRouter(route_class=ReaderFirst), APIRouter(route_class=TicketOrToken)


@by_token.post("/stream-tickets", status_code=201, summary="Get a ticket for the stream")
async def new_ticket(reader: CurrentReader, services: CurrentServices) -> StreamTicket:
    """Opens the stream once, within 30 seconds: for a browser's EventSource, which sends no header."""
    async with services.database.begin() as store:
        ticket, expires_at = await tickets.issue(store, reader)
    return StreamTicket(ticket=ticket, expires_at=expires_at)


@by_either.get(
    "/stream",
    response_class=Response,
    summary="Follow the inbox",
    responses={200: {"description": "Server-Sent Events", "content": {"text/event-stream": {}}}},
)
async def follow(
    request: Request,
    reader: CurrentReader,
    services: CurrentServices,
    ticket: Annotated[str | None, Query(max_length=100, description="Instead of a token.")] = None,
    last_event_id: Annotated[
        str | None,
        Query(description="As the header of this name, for a new EventSource, which cannot send it."),
    ] = None,
    header: Annotated[
        str | None, Header(alias="Last-Event-ID", description="The id of the last event that was read.")
    ] = None,
) -> Response:
    """Server-Sent Events: `notification`, `gone`, `state`, `alert`, `preferences` and `resync`.

    The id of each says how far the reader has come. Who comes back with it, or starts with the `position` of
    the counts, is told what happened since, without a gap. `resync` means: that was too much, or the inbox is
    another one now; look at everything anew. What comes with time alone, such as the end of a snooze or what
    expires, is not told: the items say when.
    """
    given = header if header is not None else last_event_id
    after = left_off(given) if given else None

    async def holds() -> bool:
        if ticket is None:
            try:
                if await reader_by_token(request) != reader:
                    return False  # whoever it is belongs to another company now
            except TidingsError:
                return False
        return await _may_read(services, reader)

    live = LiveInbox(services.hub, services.telling, reader, rendered, after=after, holds=holds)
    return EventStream(live.chunks())


router.include_router(by_token)
router.include_router(by_either)


async def _may_read(services: CurrentServices, reader: Reader) -> bool:
    async with services.database.read() as store:
        return await tickets.may_read(store, reader)

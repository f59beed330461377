"""The calls about a reader's inbox."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query

from tidings.inbox import alerts, catalog, counts, feed, operations
from tidings.inbox.reach import reach_of
from tidings.inbox.undo import undo
from tidings.model import Action, Outcome, Reader, ReaderKind, Scope, Selection
from tidings.realtime.positions import Position
from tidings.storage.store import Store
from tidings.surfaces.cursor import Sealer
from tidings.surfaces.native.auth import CurrentReader, ReaderFirst, requires_token
from tidings.surfaces.native.endpoints.answers import ABSENT, READER_ERRORS, UNCHANGED, UNDO_ERRORS
from tidings.surfaces.native.operation_ids import number_of, operation_id
from tidings.surfaces.native.schemas.alerts import AlertId, AlertOut, AlertsOut, AlertsQuery
from tidings.surfaces.native.schemas.inbox import (
    Counts,
    Filter,
    InboxItem,
    InboxPage,
    InboxQuery,
    NewOperation,
    OperationAction,
    OperationDone,
    TallyOut,
)
from tidings.surfaces.native.writing import Write
from tidings.surfaces.services import CurrentServices, Services

router = APIRouter(
    prefix="/inbox",
    route_class=ReaderFirst,
    dependencies=[requires_token],
    responses=READER_ERRORS,
    tags=["inbox"],
)


@router.get("", responses=UNCHANGED, summary="List notifications")
async def list_inbox(
    reader: CurrentReader, services: CurrentServices, query: Annotated[InboxQuery, Query()]
) -> InboxPage:
    """A page, pinned ones first, then newest first. Give `next_cursor` as `cursor` to get what follows."""
    sealer = Sealer(services.secret, "native", reader.id, query.filters())
    after = sealer.open(query.cursor) if query.cursor else None
    selection, view = query.selection(), query.view(reader)
    async with services.database.read() as store:
        await catalog.require(store, selection)
        reach = await reach_of(store, reader, selection)
        page = await feed.page(store, reach, view, after=after, limit=query.limit)
    return InboxPage(
        items=[InboxItem.of(item, reader) for item in page.items],
        next_cursor=sealer.seal(page.next) if page.next else None,
    )


@router.get("/counts", responses=UNCHANGED, summary="Count notifications")
async def count_inbox(
    reader: CurrentReader, services: CurrentServices, query: Annotated[Filter, Query()]
) -> Counts:
    """How many are open, unseen and unread: exact, of one moment, and by scope, topic and severity."""
    selection = query.selection()
    async with services.database.read() as store:
        await catalog.require(store, selection)
        # Before the counts: an operation that is told twice does no harm, one that is not told would.
        op = (await store.logs.reader_ends([reader.id])).get(reader.id, 0)
        totals, ends = await counts.totals(store, await reach_of(store, reader, selection))
    return Counts.parted(totals, Position(op, ends))


# --- operations --------------------------------------------------------------------------------------------


@router.post("/operations", responses=ABSENT, summary="Do something to notifications")
async def operate(
    body: NewOperation, reader: CurrentReader, services: CurrentServices, write: Write
) -> OperationDone:
    """To those named by `ids`, or to all that a `filter` means, however many these are.

    What arrives while the call runs stays new. 404 where `up_to` names nothing that the reader sees.
    """
    selection = body.filter.selection() if body.filter is not None else None

    async def work(store: Store) -> OperationDone:
        return await _done(store, services, reader, await _operate(store, reader, body, selection))

    return await write(work)


async def _operate(store: Store, reader: Reader, body: NewOperation, selection: Selection | None) -> Outcome:
    if selection is None:
        return await operations.mark(store, reader, Action(body.action.value), body.ids, until=body.until)
    await catalog.require(store, selection)
    if body.action is OperationAction.CLEAR_READ:
        return await operations.clear_read(store, reader, selection)
    return await operations.mark_all(store, reader, Action(body.action.value), selection, up_to=body.up_to)


@router.post("/operations/{operation}/undo", responses=UNDO_ERRORS, summary="Undo an operation")
async def undo_operation(
    operation: UUID, reader: CurrentReader, services: CurrentServices, write: Write
) -> OperationDone:
    """Takes back a seen, read, dismiss or delete, within ten minutes, and what was done since stays.

    409 `not_undoable` when it is too late, was undone before, or has an opposite instead; 409
    `later_bulk_stands` while a later operation by a filter stands, which is to be undone first.
    """

    number = number_of(services.secret, reader.id, operation)

    async def work(store: Store) -> OperationDone:
        return await _done(store, services, reader, await undo(store, reader, number))

    return await write(work)


async def _done(store: Store, services: Services, reader: Reader, outcome: Outcome) -> OperationDone:
    """For a company, which knows no resolve, resolved ones are among those that changed."""
    number = outcome.operation
    tally = await counts.tally(store, await reach_of(store, reader))
    return OperationDone(
        operation=None if number is None else operation_id(services.secret, reader.id, number),
        updated=outcome.changed if reader.kind is ReaderKind.COMPANY else outcome.updated,
        counts=TallyOut.of(tally),
    )


# --- live alerts -------------------------------------------------------------------------------------------


@router.get("/alerts", responses=UNCHANGED, summary="List live alerts")
async def list_alerts(
    reader: CurrentReader, services: CurrentServices, query: Annotated[AlertsQuery, Query()]
) -> AlertsOut:
    """What holds now and the reader has not dismissed, newest first. They are in no list and no count."""
    async with services.database.read() as store:
        if query.business_id is None:
            found = await alerts.standing_anywhere(store, reader)
        else:
            await reach_of(store, reader, Selection(scope=Scope.BUSINESS, scope_id=query.business_id))
            found = await alerts.standing(store, reader, query.business_id)
    return AlertsOut(items=[AlertOut.of(one.alert) for one in found])


@router.post(
    "/alerts/{business_id}/{alert_id:path}/dismiss", responses=ABSENT, summary="Dismiss a live alert"
)
async def dismiss_alert(
    business_id: UUID,
    alert_id: Annotated[AlertId, Path()],
    reader: CurrentReader,
    services: CurrentServices,
    write: Write,
) -> OperationDone:
    """For the reader alone, until it clears and is raised again; it can be undone as other operations can."""

    async def work(store: Store) -> OperationDone:
        outcome = await operations.dismiss_alert(store, reader, alert_id, first=business_id, elsewhere=False)
        return await _done(store, services, reader, outcome)

    return await write(work)


# --- one notification --------------------------------------------------------------------------------------


@router.get("/{notification_id}", responses=ABSENT | UNCHANGED, summary="One notification")
async def one(notification_id: UUID, reader: CurrentReader, services: CurrentServices) -> InboxItem:
    """Whatever its state, unless it is deleted, withdrawn or expired."""
    async with services.database.read() as store:
        item = await feed.find(store, await reach_of(store, reader), notification_id)
    return InboxItem.of(item, reader)

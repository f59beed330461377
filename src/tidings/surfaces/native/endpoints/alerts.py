"""The calls about live alerts: what holds of a business just now."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Response

from tidings.inbox import alerts
from tidings.storage.store import Store
from tidings.surfaces.native.auth import KeyFirst, requires_key
from tidings.surfaces.native.endpoints.answers import ABSENT, ERRORS
from tidings.surfaces.native.schemas.alerts import AlertId, AlertIn, AlertOut
from tidings.surfaces.native.writing import Write

_RAISED: dict[int | str, dict[str, Any]] = {
    201: {"description": "It was raised; 200 is what a change answers", "model": AlertOut}
}
_AT_BUSINESS = "/businesses/{business_id}/live-alerts/{alert_id:path}"

router = APIRouter(
    route_class=KeyFirst, dependencies=[requires_key], responses=ERRORS | ABSENT, tags=["alerts"]
)


@router.put(_AT_BUSINESS, responses=_RAISED, summary="Raise a live alert, or change it")
async def raise_alert(
    business_id: UUID, alert_id: Annotated[AlertId, Path()], body: AlertIn, write: Write, response: Response
) -> AlertOut:
    """Until it is cleared the members of the business have it in their lists, each until they dismiss it.

    While it is raised a change leaves `raised_at`, and who dismissed it.
    """

    async def put(store: Store) -> AlertOut:
        alert, new = await alerts.raise_alert(
            store,
            business_id,
            alert_id,
            kind=body.kind,
            severity=body.severity,
            title=body.title,
            body=body.body,
            data=body.data,
        )
        response.status_code = 201 if new else 200
        return AlertOut.of(alert)

    return await write(put)


@router.delete(_AT_BUSINESS, status_code=204, summary="Clear a live alert")
async def clear_alert(business_id: UUID, alert_id: Annotated[AlertId, Path()], write: Write) -> None:
    """It is in nobody's list any more. Raised again, it is there for everybody, also for who dismissed it."""
    await write(lambda store: alerts.clear(store, business_id, alert_id))

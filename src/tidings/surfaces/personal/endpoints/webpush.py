"""The browsers to which web push goes; the answers are bare, without an envelope."""

from __future__ import annotations

from fastapi import APIRouter

from tidings.delivery import subscriptions
from tidings.surfaces.bodies import StrictRoute
from tidings.surfaces.personal.auth import SignedIn
from tidings.surfaces.personal.endpoints.answers import ERRORS
from tidings.surfaces.personal.schemas.envelopes import DONE, Done
from tidings.surfaces.personal.schemas.webpush import Subscribe, Subscription, Subscriptions, Unsubscribe
from tidings.surfaces.services import CurrentServices

router = APIRouter(
    route_class=StrictRoute, prefix="/notifications/webpush", responses=ERRORS, tags=["webpush"]
)


@router.post("/subscribe", summary="Send web push to this browser")
async def subscribe(user: SignedIn, services: CurrentServices, body: Subscribe) -> Done:
    """A repeat renews the keys; an endpoint that another user had is the caller's from now on."""
    async with services.database.begin() as store:
        await subscriptions.subscribe(
            store,
            user.id,
            endpoint=body.endpoint,
            p256dh=body.p256dh,
            auth=body.auth,
            user_agent=body.user_agent,
        )
    return DONE


@router.post("/unsubscribe", summary="Send no more web push to this browser")
async def unsubscribe(user: SignedIn, services: CurrentServices, body: Unsubscribe) -> Done:
    """404 where the endpoint is not the caller's."""
    async with services.database.begin() as store:
        await subscriptions.unsubscribe(store, user.id, body.endpoint)
    return DONE


@router.get("/subscriptions", summary="List the browsers that get web push")
async def list_subscriptions(user: SignedIn, services: CurrentServices) -> Subscriptions:
    """The active ones, newest first, a hundred at most."""
    async with services.database.read() as store:
        found = await subscriptions.subscriptions(store, user.id)
    return Subscriptions(subscriptions=[Subscription.of(one) for one in found])

"""What a mail would look like, before one is sent."""

from __future__ import annotations

from uuid import UUID

from tidings.delivery import mail_templates
from tidings.delivery.channels.email.templates import Compiled, Rendered, RenderFailed
from tidings.delivery.unsubscribe_links import PATH
from tidings.errors import InvalidInput, NotificationNotFound
from tidings.ids import uuid7
from tidings.model import EVERYONE, Audience, Event, Notification, Reach, Reader, lane_number
from tidings.storage.store import Store

_SOMEWHERE = "https://inbox.example"


async def example(store: Store, event: str, notification_id: UUID | None = None) -> Notification:
    """The notification that a preview is of: that with this id, or one made up.

    Raises NotFound for an unknown event, NotificationNotFound for what is gone or of another event.
    """
    known = await mail_templates.known(store, event)
    if notification_id is None:
        return await _sample(store, known)
    places = await store.streams.places([notification_id])
    streams = {
        place.stream_id: audience
        for place in places
        if (audience := await store.streams.audience(place.stream_id))
    }
    reach = Reach(reader=Reader(id=EVERYONE), at=await store.now(), streams=streams)
    for content in await store.feed.contents(reach, [notification_id]):
        if not content.gone and content.notification.event == event:
            return content.notification
    raise NotificationNotFound(f"There is no such notification of the event {event!r}.")


async def preview(notification: Notification, template: Compiled, *, public_url: str | None) -> Rendered:
    """The mail, without a link that would unsubscribe anybody.

    `public_url` is where readers reach Tidings, as far as that is known. Raises InvalidInput where the
    template fails.
    """
    inbox_url = public_url or _SOMEWHERE
    unsubscribe_url = inbox_url.rstrip("/") + PATH
    try:
        return await mail_templates.rendered(
            template, notification, inbox_url=inbox_url, unsubscribe_url=unsubscribe_url
        )
    except RenderFailed as error:
        raise InvalidInput(f"The template fails for this notification: {error.reason}") from error


async def _sample(store: Store, event: Event) -> Notification:
    now = await store.now()
    return Notification(
        id=uuid7(now),
        stream_id=EVERYONE,
        audience=Audience.EVERYONE,
        seq=1,
        lane=lane_number(event.number, event.severity),
        position=1,
        event=event.key,
        topic=event.topic,
        severity=event.severity,
        title=f"The title of a notification of {event.key}",
        body="Its body: what happened, in a sentence or two.\n\nAnd a second paragraph.",
        data={},
        actions=[{"label": "An action", "url": "/"}],
        created_at=now,
        occurred_at=None,
        expires_at=None,
        resolved_at=None,
    )

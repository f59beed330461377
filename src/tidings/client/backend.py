"""What a product's backend can do: send, write what mails say, and say who there is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Unpack
from uuid import UUID

from tidings.client.connection import AsyncConnection, Connection
from tidings.client.decoding import into
from tidings.client.errors import Unreachable
from tidings.client.methods import call
from tidings.client.requests import Request
from tidings.client.values import (
    Alert,
    AlertFields,
    Bounces,
    Business,
    BusinessFields,
    Deliveries,
    Event,
    EventFields,
    Firm,
    Id,
    Notification,
    Preview,
    SavedTemplate,
    Scheduled,
    Template,
    TemplateFields,
    Token,
    User,
    UserFields,
)


@dataclass(frozen=True)
class _Ids:
    ids: tuple[UUID, ...]


@dataclass(frozen=True)
class _Templates:
    items: tuple[SavedTemplate, ...]


@dataclass(frozen=True)
class _Told:
    token: str | None


class _BackendMethods:
    # --- sending ------------------------------------------------------------------------------------------

    @call
    def send(
        self, *, idempotency_key: str | None = None, **notification: Unpack[Notification]
    ) -> Request[tuple[UUID, ...]]:
        """Send one; an id for each recipient, with a `send_at` that under which it waits.

        With a key of your own it is sent once within 24 hours, even if your process ends and tries anew.
        """
        return _sending("notifications", body=notification, key=idempotency_key)

    @call
    def send_batch(
        self, notifications: Iterable[Notification], *, idempotency_key: str | None = None
    ) -> Request[tuple[UUID, ...]]:
        """Send up to 1,000, counting every recipient: all, or none."""
        return _sending("notifications", "batch", body={"notifications": notifications}, key=idempotency_key)

    @call
    def withdraw(self, notification_id: Id) -> Request[None]:
        """Take it away from everybody who was told; call off what waits. Raises NotFound."""
        return _done("DELETE", "notifications", notification_id)

    @call
    def scheduled(self, scheduled_id: Id) -> Request[Scheduled]:
        """What became of what was sent with a `send_at`. Raises NotFound, also a week after its end."""
        return Request(method="GET", path=("scheduled", scheduled_id), parse=into(Scheduled))

    @call
    def deliveries(
        self, notification_id: Id, *, cursor: Id | None = None, limit: int | None = None
    ) -> Request[Deliveries]:
        """What became of it outside the inbox, for each reader and channel; a page of at most 200.

        The next page begins at `next_cursor`. Raises NotFound.
        """
        return Request(
            method="GET",
            path=("notifications", notification_id, "deliveries"),
            params={"cursor": cursor, "limit": limit},
            parse=into(Deliveries),
        )

    @call
    def take_bounces(self, message: bytes) -> Request[Bounces]:
        """Hand on what came back for a mail, as it came: the address gets no more if that says so.

        Raises InvalidRequest for what is no report.
        """
        return Request(
            method="POST",
            path=("bounces",),
            body=message,
            content_type="message/rfc822",
            parse=into(Bounces),
        )

    @call
    def raise_alert(self, business_id: Id, alert_id: str, **alert: Unpack[AlertFields]) -> Request[Alert]:
        """Raise a live alert of a business, or change it while it is raised."""
        path = ("businesses", business_id, "live-alerts", alert_id)
        return Request(method="PUT", path=path, body=alert, parse=into(Alert))

    @call
    def clear_alert(self, business_id: Id, alert_id: str) -> Request[None]:
        """End it, for everybody. Raises NotFound."""
        return _done("DELETE", "businesses", business_id, "live-alerts", alert_id)

    # --- what mails say -----------------------------------------------------------------------------------

    @call
    def put_template(self, event: str, locale: str, **template: Unpack[TemplateFields]) -> Request[Template]:
        """Save what the mails of an event say to who has this locale; "*" is every event, or every locale.

        Raises InvalidRequest for what cannot work, telling where and why; NotFound.
        """
        return Request(method="PUT", path=_template(event, locale), body=template, parse=into(Template))

    @call
    def template(self, event: str, locale: str) -> Request[Template]:
        """That of just this event and locale. Raises NotFound."""
        return Request(method="GET", path=_template(event, locale), parse=into(Template))

    @call
    def templates(self, event: str) -> Request[tuple[SavedTemplate, ...]]:
        """In which locales the event has any; "*": those of every event. Raises NotFound."""
        return Request(method="GET", path=("events", event, "templates"), parse=_templates)

    @call
    def remove_template(self, event: str, locale: str) -> Request[None]:
        """From now on the next one that fits is taken. Raises NotFound."""
        return _done("DELETE", *_template(event, locale))

    @call
    def preview(
        self, event: str, *, locale: str | None = None, notification_id: Id | None = None
    ) -> Request[Preview]:
        """What a reader of the locale would get; without an id of one that is made up. Raises NotFound."""
        return Request(
            method="GET",
            path=("events", event, "preview"),
            params={"locale": locale, "notification_id": notification_id},
            parse=into(Preview),
        )

    @call
    def preview_unsaved(
        self,
        event: str,
        *,
        locale: str | None = None,
        notification_id: Id | None = None,
        **template: Unpack[TemplateFields],
    ) -> Request[Preview]:
        """The same with another template. Raises InvalidRequest for what cannot work; NotFound."""
        return Request(
            method="POST",
            path=("events", event, "preview"),
            params={"locale": locale, "notification_id": notification_id},
            body=template,
            parse=into(Preview),
        )

    # --- who there is -------------------------------------------------------------------------------------

    @call
    def put_user(self, user_id: Id, **fields: Unpack[UserFields]) -> Request[User]:
        """Add or change a user."""
        return Request(method="PUT", path=("users", user_id), body=fields, parse=into(User))

    @call
    def put_business(self, business_id: Id, **fields: Unpack[BusinessFields]) -> Request[Business]:
        """Add or change a business."""
        path = ("businesses", business_id)
        return Request(method="PUT", path=path, body=fields, parse=into(Business))

    @call
    def put_firm(self, firm_id: Id, *, name: str) -> Request[Firm]:
        """Add or change a firm."""
        return Request(method="PUT", path=("firms", firm_id), body={"name": name}, parse=into(Firm))

    @call
    def put_event(self, key: str, **fields: Unpack[EventFields]) -> Request[Event]:
        """Add or change an event of the catalog."""
        return Request(method="PUT", path=("events", key), body=fields, parse=into(Event))

    @call
    def join_business(self, business_id: Id, user_id: Id) -> Request[None]:
        """From now on the user reads what the business is told."""
        return _done("PUT", "businesses", business_id, "members", user_id)

    @call
    def leave_business(self, business_id: Id, user_id: Id) -> Request[None]:
        return _done("DELETE", "businesses", business_id, "members", user_id)

    @call
    def join_firm(self, firm_id: Id, user_id: Id) -> Request[None]:
        """From now on the user reads what the firm is told."""
        return _done("PUT", "firms", firm_id, "members", user_id)

    @call
    def leave_firm(self, firm_id: Id, user_id: Id) -> Request[None]:
        return _done("DELETE", "firms", firm_id, "members", user_id)

    @call
    def issue_token(
        self, user_id: Id, *, name: str = "API token", expires_in_days: int | None = None
    ) -> Request[Token]:
        """A token for the user, as `Inbox` takes it.

        Raises Unreachable also where an attempt made one and its answer was lost: call again for another.
        """
        body = {"name": name, "expires_in_days": expires_in_days}
        return Request(method="POST", path=("users", user_id, "tokens"), body=body, parse=_token)


class Tidings(_BackendMethods, Connection):
    """A product's backend: `Tidings(base_url, service_key)`."""


class AsyncTidings(_BackendMethods, AsyncConnection):
    """A product's backend, awaited: `AsyncTidings(base_url, service_key)`."""


def _sending(*path: str, body: object, key: str | None) -> Request[tuple[UUID, ...]]:
    return Request(method="POST", path=path, body=body, key=key, parse=_ids)


def _ids(body: Any) -> tuple[UUID, ...]:
    return into(_Ids)(body).ids


def _template(event: str, locale: str) -> tuple[str, ...]:
    return ("events", event, "templates", locale)


def _templates(body: Any) -> tuple[SavedTemplate, ...]:
    return into(_Templates)(body).items


def _token(body: Any) -> Token:
    if into(_Told)(body).token is None:  # as a repeat of the call is answered
        raise Unreachable("the answer that had the token was lost on its way")
    return into(Token)(body)


def _done(method: str, *path: object, body: object = None) -> Request[None]:
    return Request(method=method, path=path, body=body, parse=lambda _: None)

"""Every call that the four surfaces have, with one valid request for each, and the world that it is made in.

What the surfaces have is read from their route tables; what is written here is checked against it.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any, NamedTuple, cast
from unittest.mock import Mock
from uuid import UUID, uuid4

import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from joserfc import jwt
from joserfc.jwk import OctKey

from tests import reports
from tests.web import SECRET, Web, own
from tidings.delivery import mail_templates, subscriptions
from tidings.delivery.channels.email.templates import Template, compile_template
from tidings.delivery.unsubscribe_links import UnsubscribeLinks
from tidings.identity import tokens
from tidings.inbox import scheduling
from tidings.model import Action, Address, Draft
from tidings.storage.store import Store
from tidings.storage.tables import metadata
from tidings.surfaces.company import app as company
from tidings.surfaces.native import app as native
from tidings.surfaces.native.operation_ids import operation_id
from tidings.surfaces.personal import app as personal
from tidings.surfaces.scoped import app as scoped
from tidings.surfaces.services import Services

PRODUCT = {
    "jwt_secret": "a secret that the product and Tidings share",
    "jwt_issuer": "https://shop.example",
    "jwt_audience": "tidings-inbox",
}
"""The settings with which the tokens of the product hold."""

SPARE = "spare"
"""The name of tokens that are only there to be made and revoked."""

SURFACES: Mapping[str, Callable[[Services], FastAPI]] = {
    "scoped": scoped.create,
    "personal": personal.create,
    "company": company.create,
    "native": native.create,
}


class Route(NamedTuple):
    surface: str
    method: str
    path: str  # the template


def routes() -> Iterator[Route]:
    """All that the surfaces answer, as their route tables have it."""
    for surface, create in SURFACES.items():
        for found in iter_route_contexts(create(Mock()).router.routes):
            for method in sorted(found.methods or ()):
                if method != "HEAD":
                    assert found.path is not None
                    yield Route(surface, method, found.path)


# --- the world ---------------------------------------------------------------------------------------------


class World:
    """Ada's business and firm, and those who have nothing to do there."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.business, self.firm = web.business(name="Acme"), web.firm()
        self.elsewhere = web.business(name="Elsewhere")
        self.ada = web.user(self.business, self.firm, email="ada@example.com")
        self.clerk = web.user(company_id=self.business.id)
        self.bob = web.user(self.elsewhere, web.firm(), email="bob@example.com")
        self.other_clerk = web.user(company_id=self.elsewhere.id)
        self.reckoner = web.user(self.firm, self.elsewhere)
        self.operator = web.user(role="operator")
        self.suspended = web.user(self.business, status="suspended", company_id=self.business.id)
        self.locked = "locked@example.com"
        web.locked_user(self.locked)
        web.event("invoice_paid")
        self.callers = dict(self._callers())
        self.peers = (f"198.51.{n // 256}.{n % 256}" for n in count())

    # --- who asks -----------------------------------------------------------------------------------------

    def _callers(self) -> Iterator[tuple[str, dict[str, str]]]:
        """The Authorization, and for the scoped surface the business, of each kind of caller."""
        web = self.web
        expired = [web.api_token(self.ada, days=1), *self._jwts(self.ada, self.clerk)]
        expired.append(self._product_jwt(self.ada, days=1))
        web.clock.move(days=2)
        yield "no token", {}
        for garbage in ("garbage", "dz_garbage", "sk_garbage", "a.b.c"):
            yield f"garbage: {garbage}", _bearer(garbage)
        for kind, token in zip(("API", "personal", "company", "product"), expired, strict=True):
            yield f"expired: {kind}", _bearer(token)
        yield "revoked: API", _bearer(self._revoked_api_token())
        yield "revoked: service key", _bearer(self.service_key(revoked=True))
        yield "suspended: API", _bearer(web.api_token(self.suspended))
        for kind, token in zip(
            ("personal", "company"), self._jwts(self.suspended, self.suspended), strict=True
        ):
            yield f"suspended: {kind}", _bearer(token)
        yield "suspended: product", _bearer(self._product_jwt(self.suspended))
        yield "forged: product", _bearer(self._product_jwt(self.ada, secret=SECRET))
        people = {
            "user": (self.ada, self.clerk, self.business),
            "other": (self.bob, self.other_clerk, self.business),
            "other at home": (self.bob, None, self.elsewhere),
            "firm's": (self.reckoner, None, self.business),
            "firm's at home": (self.reckoner, None, self.elsewhere),
            "company's": (self.clerk, None, self.business),
            "operator": (self.operator, None, self.business),
        }
        for who, (user, clerk, business) in people.items():
            yield f"{who}: API", _bearer(web.api_token(user)) | {"x-business-id": str(business.id)}
            if "home" not in who:
                personal_, company_ = self._jwts(user, clerk or user)
                yield f"{who}: personal", _bearer(personal_)
                yield f"{who}: company", _bearer(company_)
                yield f"{who}: product", _bearer(self._product_jwt(user))
        yield "service key", _bearer(self.service_key())

    def _jwts(self, user: UUID, clerk: UUID) -> list[str]:
        return [self.web.jwt(user, "personal"), self.web.jwt(clerk, "company")]

    def _product_jwt(self, user: UUID, *, days: int = 30, secret: str = PRODUCT["jwt_secret"]) -> str:
        claims = {
            "iss": PRODUCT["jwt_issuer"],
            "aud": PRODUCT["jwt_audience"],
            "sub": str(user),
            "exp": int((self.web.clock.at + timedelta(days=days)).timestamp()),
        }
        return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(secret))

    def service_key(self, *, revoked: bool = False) -> str:
        name = str(uuid4())

        async def issue(store: Store) -> str:
            _, key = await tokens.issue_service_key(store, name)
            if revoked:
                assert await store.credentials.revoke_service_keys(name, await store.now()) == 1
            return key

        return self.web.write(issue)

    def _revoked_api_token(self) -> str:
        async def issue(store: Store) -> str:
            made, token = await tokens.issue_api_token(store, self.ada, name="test")
            await store.credentials.revoke_api_token(made.id, await store.now())
            return token

        return self.web.write(issue)

    def spare_token(self) -> UUID:
        """The id of a token of Ada's with which nobody calls; those of before are revoked, there is room."""

        async def issue(store: Store) -> UUID:
            for token in await tokens.api_tokens(store, self.ada):
                if token.name == SPARE:
                    await tokens.revoke_api_token(store, token.id)
            return (await tokens.issue_api_token(store, self.ada, name=SPARE))[0].id

        return self.web.write(issue)

    def headers(self, surface: str, caller: str) -> dict[str, str]:
        """What the caller sends to this surface."""
        headers = dict(self.callers[caller])
        business = headers.pop("x-business-id", str(self.business.id))
        return headers | ({"x-business-id": business} if surface == "scoped" else {})

    # --- what there is ------------------------------------------------------------------------------------

    def told(self, to: Address) -> UUID:
        """One more notification."""
        [id_] = self.web.tell(to)
        return id_

    def subscribed(self) -> str:
        """The endpoint of one more browser of Ada's."""
        endpoint = f"https://push.example/{uuid4()}"
        browser = {"endpoint": endpoint, "p256dh": "x", "auth": "x", "user_agent": None}
        self.web.write(lambda store: subscriptions.subscribe(store, self.ada, **browser))
        return endpoint

    def scheduled(self) -> UUID:
        """The id of what is told the business later."""
        at = self.web.clock.at + timedelta(days=1)
        draft = Draft(to=self.business, event="invoice_paid", title="Later", send_at=at)
        return self.web.write(lambda store: scheduling.send(store, [draft]))[0]

    def template(self) -> str:
        """The locale of a mail template of an event."""
        template = compile_template(Template(subject="{{ title }}!"))
        self.web.write(lambda store: mail_templates.save(store, "invoice_paid", "pt-BR", template))
        return "pt-BR"

    def operation(self) -> UUID:
        """The id of something that Ada did."""
        done = self.web.mark(self.ada, Action.SEEN, self.web.tell(own(self.ada), event="operated"))
        assert done.operation is not None
        return operation_id(SECRET.encode(), self.ada, done.operation)

    def tables(self) -> dict[str, list[Any]]:
        """All that the database holds, but when a token was last used."""

        async def read(store: Store) -> dict[str, list[Any]]:
            found: dict[str, list[Any]] = {}
            for table in metadata.sorted_tables:
                columns = [column for column in table.columns if column.name != "last_used_at"]
                rows = await store.connection.all(sa.select(*columns).order_by(*table.primary_key.columns))
                found[table.name] = [tuple(row) for row in rows]
            return found

        return self.web.write(read)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# --- the calls ---------------------------------------------------------------------------------------------

Parts = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Call:
    """How to make a valid request: what it needs is made anew for each."""

    rule: str  # who may: a row of the rules of test_permissions
    make: Callable[[World], Parts] = lambda _world: {}  # json, params, headers: as Web.ask takes them
    ids: Mapping[str, Callable[[World], Any]] = field(default_factory=dict[str, Any])
    one: bool = False  # it is about one thing, though that does not stand in its path
    answers: tuple[int, str] | None = None  # what whoever may gets, where that is no success


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request that is ready to be sent."""

    route: Route
    path: str
    ids: Mapping[str, str]
    parts: Parts

    def of_nothing(self) -> Asked:
        """The same with the ids of nothing, wherever ids are."""
        ids: dict[str, str] = _unknown(self.ids)
        return Asked(route=self.route, path=filled(self.route.path, ids), ids=ids, parts=_unknown(self.parts))

    @property
    def names_something(self) -> bool:
        """Whether it is about one thing, which may not be there."""
        return CALLS[self.route].one or any(_is_uuid(id_) for id_ in self.ids.values())


def _unknown(parts: Any) -> Any:
    """The same with other ids."""
    if isinstance(parts, Mapping):
        return {name: _unknown(part) for name, part in cast("Mapping[str, Any]", parts).items()}
    if isinstance(parts, list):
        return [_unknown(part) for part in cast("list[Any]", parts)]
    return str(uuid4()) if isinstance(parts, str) and _is_uuid(parts) else parts


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def filled(template: str, ids: Mapping[str, str]) -> str:
    """The path with its parameters."""
    for name, id_ in ids.items():
        template = template.replace(f"{{{name}}}", id_).replace(f"{{{name}:path}}", id_)
    assert "{" not in template, f"nothing is known to fill {template} with"
    return template


_IDS: Mapping[str, Callable[[World], Any]] = {
    "notification_id": lambda world: world.told(world.business),
    "id": lambda world: world.told(world.business),
    "event_key": lambda _world: "invoice_paid",
    "key": lambda _world: "invoice_paid",
    "locale": lambda world: world.template(),
    "user_id": lambda world: world.ada,
    "business_id": lambda world: world.business.id,
    "firm_id": lambda world: world.firm.id,
    "operation": lambda world: world.operation(),
    "token_id": lambda world: world.spare_token(),
    "slug": lambda _world: "mark-all-seen",
    "alert_id": lambda world: world.web.alert(world.business.id, f"low-cash-{uuid4()}").id,
}

_OWN: Mapping[str, Callable[[World], Any]] = {"notification_id": lambda world: world.told(own(world.ada))}


def _json(**body: Any) -> Callable[[World], Parts]:
    return lambda _world: {"json": body}


def _send(world: World) -> dict[str, Any]:
    return {"to": {"business": str(world.business.id)}, "event": "invoice_paid", "title": "Paid"}


def _cloudevent(world: World) -> dict[str, Any]:
    data = _send(world)
    return {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "/tests",
        "type": data.pop("event"),
        "data": data,
    }


def _refresh(world: World) -> Parts:
    return {"json": {"refreshToken": world.web.run(world.web.sessions.open_session(world.ada))}}


def _new_token(world: World) -> Parts:
    world.spare_token()
    return {"json": {"name": SPARE}}


def _unsubscribe(_world: World) -> Parts:
    email = "ada@example.com"
    return {"params": {"email": email, "token": UnsubscribeLinks(SECRET.encode()).token(email)}}


_BROWSER = {
    "endpoint": "https://push.example/1",
    "p256dh": urlsafe_b64encode(bytes(65)).decode(),
    "auth": urlsafe_b64encode(bytes(16)).decode(),
}

_N = "/api/v1/notifications"
_TEMPLATE = "/v1/events/{key}/templates/{locale}"
_ALERT = "/v1/businesses/{business_id}/live-alerts/{alert_id:path}"


def _login(world: World) -> Parts:
    return {"json": {"email": world.locked, "password": "x"}}


CALLS: Mapping[Route, Call] = {
    Route("scoped", "GET", _N): Call(rule="SCOPED"),
    Route("scoped", "GET", f"{_N}/count"): Call(rule="SCOPED"),
    Route("scoped", "GET", f"{_N}/stream"): Call(rule="SCOPED"),
    Route("scoped", "POST", f"{_N}/mark-all-seen"): Call(rule="SCOPED", make=_json(scope="me")),
    Route("scoped", "POST", f"{_N}/dismiss-all"): Call(rule="SCOPED", make=_json(scope="me")),
    Route("scoped", "POST", f"{_N}/bulk/seen"): Call(
        rule="SCOPED", make=lambda world: {"json": {"notification_ids": [str(world.told(world.business))]}}
    ),
    Route("scoped", "PUT", f"{_N}/{{notification_id}}/pin"): Call(rule="SCOPED", make=_json(pinned=True)),
    Route("scoped", "POST", f"{_N}/{{notification_id}}/seen"): Call(rule="SCOPED"),
    Route("scoped", "POST", f"{_N}/{{notification_id:path}}/dismiss"): Call(rule="SCOPED"),
    Route("scoped", "POST", f"{_N}/{{notification_id}}/resolve"): Call(rule="SCOPED"),
    Route("scoped", "POST", f"{_N}/{{notification_id}}/snooze"): Call(
        rule="SCOPED", make=_json(until="2027-01-01T00:00:00Z")
    ),
    Route("scoped", "POST", f"{_N}/{{notification_id}}/unsnooze"): Call(rule="SCOPED"),
    Route("scoped", "PUT", "/api/v1/preferences/notifications/topics"): Call(
        rule="SCOPED", make=_json(overrides={"billing": {"email": False}})
    ),
    Route("scoped", "GET", "/api/v1/tokens"): Call(rule="SCOPED"),
    Route("scoped", "POST", "/api/v1/tokens"): Call(rule="SCOPED_SECRET", make=_new_token),
    Route("scoped", "DELETE", "/api/v1/tokens/{token_id}"): Call(rule="SCOPED"),
    Route("scoped", "GET", "/docs/scoped/openapi.json"): Call(rule="PUBLIC"),
    Route("scoped", "GET", "/docs/reference/notifications"): Call(rule="PUBLIC"),
    Route("scoped", "GET", "/docs/reference/notifications/{slug}"): Call(rule="PUBLIC"),
    Route("scoped", "GET", "/docs/reference/notifications/{slug}/openapi.json"): Call(rule="PUBLIC"),
    # --- personal
    Route("personal", "POST", "/api/v1/auth/login"): Call(
        rule="PUBLIC", make=_login, answers=(401, "auth.login.account_locked")
    ),
    Route("personal", "POST", "/api/v1/auth/refresh"): Call(rule="PUBLIC", make=_refresh),
    Route("personal", "GET", _N): Call(rule="PERSONAL_SHARED"),
    Route("personal", "GET", f"{_N}/unread-count"): Call(rule="PERSONAL"),
    Route("personal", "PATCH", f"{_N}/{{notification_id}}/read"): Call(rule="PERSONAL", ids=_OWN),
    Route("personal", "POST", f"{_N}/read-all"): Call(rule="PERSONAL"),
    Route("personal", "DELETE", f"{_N}/clear-read"): Call(rule="PERSONAL"),
    Route("personal", "DELETE", f"{_N}/{{notification_id}}"): Call(rule="PERSONAL", ids=_OWN),
    Route("personal", "GET", f"{_N}/preferences"): Call(rule="PERSONAL"),
    Route("personal", "PATCH", f"{_N}/preferences/{{event_key}}"): Call(
        rule="PERSONAL", make=_json(email=True)
    ),
    Route("personal", "PATCH", "/api/v1/admin/notifications/defaults/{event_key}"): Call(
        rule="OPERATOR", make=_json(email=True)
    ),
    Route("personal", "GET", "/api/v1/admin/notifications/health"): Call(rule="OPERATOR"),
    Route("personal", "GET", f"{_N}/unsubscribe"): Call(rule="PUBLIC", make=_unsubscribe),
    Route("personal", "POST", f"{_N}/unsubscribe"): Call(rule="PUBLIC", make=_unsubscribe),
    Route("personal", "POST", f"{_N}/unsubscribe/undo"): Call(rule="PUBLIC", make=_unsubscribe),
    Route("personal", "POST", f"{_N}/webpush/subscribe"): Call(rule="PERSONAL", make=_json(**_BROWSER)),
    Route("personal", "POST", f"{_N}/webpush/unsubscribe"): Call(
        rule="PERSONAL", one=True, make=lambda world: {"json": {"endpoint": world.subscribed()}}
    ),
    Route("personal", "GET", f"{_N}/webpush/subscriptions"): Call(rule="PERSONAL"),
    Route("personal", "GET", "/docs/personal/openapi.json"): Call(rule="PUBLIC"),
    # --- company
    Route("company", "POST", "/company/auth/login"): Call(
        rule="PUBLIC", make=_login, answers=(401, "ACCOUNT_LOCKED")
    ),
    Route("company", "PUT", "/company/notifications/read"): Call(
        rule="COMPANY", one=True, make=lambda world: {"params": {"id": str(world.told(world.business))}}
    ),
    Route("company", "PUT", "/company/notifications/read/"): Call(
        rule="COMPANY", one=True, make=lambda world: {"json": {"id": str(world.told(world.business))}}
    ),
    Route("company", "PUT", "/company/notifications/read/{id:path}"): Call(rule="COMPANY"),
    Route("company", "DELETE", "/company/notifications"): Call(
        rule="COMPANY", one=True, make=lambda world: {"params": {"id": str(world.told(world.business))}}
    ),
    Route("company", "DELETE", "/company/notifications/"): Call(
        rule="COMPANY", one=True, make=lambda world: {"json": {"id": str(world.told(world.business))}}
    ),
    Route("company", "DELETE", "/company/notifications/{id:path}"): Call(rule="COMPANY"),
    Route("company", "GET", "/company/notifications/dashboard"): Call(rule="COMPANY"),
    Route("company", "GET", "/docs/company/openapi.json"): Call(rule="PUBLIC"),
    # --- native
    Route("native", "POST", "/v1/notifications"): Call(
        rule="SERVICE_KEY", make=lambda world: {"json": _send(world)}
    ),
    Route("native", "POST", "/v1/notifications/batch"): Call(
        rule="SERVICE_KEY", make=lambda world: {"json": {"notifications": [_send(world)]}}
    ),
    Route("native", "GET", "/v1/scheduled/{scheduled_id}"): Call(
        rule="SERVICE_KEY", ids={"scheduled_id": lambda world: world.scheduled()}
    ),
    Route("native", "GET", "/v1/notifications/{notification_id}/deliveries"): Call(rule="SERVICE_KEY"),
    Route("native", "POST", "/v1/events"): Call(
        rule="SERVICE_KEY", make=lambda world: {"json": _cloudevent(world)}
    ),
    Route("native", "POST", "/v1/bounces"): Call(
        rule="SERVICE_KEY",
        make=lambda _world: {
            "content": reports.postfix("<1@acme.example>"),
            "headers": {"Content-Type": "message/rfc822"},
        },
    ),
    Route("native", "DELETE", "/v1/notifications/{notification_id}"): Call(rule="SERVICE_KEY"),
    Route("native", "PUT", "/v1/events/{key}"): Call(rule="SERVICE_KEY", make=_json(topic="billing")),
    Route("native", "GET", "/v1/events/{key}/templates"): Call(rule="SERVICE_KEY"),
    Route("native", "PUT", _TEMPLATE): Call(
        rule="SERVICE_KEY", make=_json(subject="{{ title }}!"), ids={"locale": lambda _world: "de"}
    ),
    Route("native", "GET", _TEMPLATE): Call(rule="SERVICE_KEY"),
    Route("native", "DELETE", _TEMPLATE): Call(rule="SERVICE_KEY"),
    Route("native", "GET", "/v1/events/{key}/preview"): Call(rule="SERVICE_KEY"),
    Route("native", "POST", "/v1/events/{key}/preview"): Call(
        rule="SERVICE_KEY", make=_json(subject="{{ title }}!")
    ),
    Route("native", "PUT", "/v1/users/{user_id}"): Call(
        rule="SERVICE_KEY", make=_json(), ids={"user_id": lambda _world: uuid4()}
    ),
    Route("native", "POST", "/v1/users/{user_id}/tokens"): Call(
        rule="SERVICE_KEY", make=_json(name="x"), ids={"user_id": lambda world: world.web.user()}
    ),
    Route("native", "PUT", "/v1/businesses/{business_id}"): Call(
        rule="SERVICE_KEY", make=_json(name="Acme"), ids={"business_id": lambda _world: uuid4()}
    ),
    Route("native", "PUT", _ALERT): Call(
        rule="SERVICE_KEY", make=_json(kind="low_cash", severity="info", title="Low on cash")
    ),
    Route("native", "DELETE", _ALERT): Call(rule="SERVICE_KEY"),
    Route("native", "PUT", "/v1/firms/{firm_id}"): Call(
        rule="SERVICE_KEY", make=_json(name="Reckoners"), ids={"firm_id": lambda _world: uuid4()}
    ),
    Route("native", "PUT", "/v1/businesses/{business_id}/members/{user_id}"): Call(rule="SERVICE_KEY"),
    Route("native", "DELETE", "/v1/businesses/{business_id}/members/{user_id}"): Call(
        rule="SERVICE_KEY", ids={"user_id": lambda world: world.web.user()}
    ),
    Route("native", "PUT", "/v1/firms/{firm_id}/members/{user_id}"): Call(rule="SERVICE_KEY"),
    Route("native", "DELETE", "/v1/firms/{firm_id}/members/{user_id}"): Call(
        rule="SERVICE_KEY", ids={"user_id": lambda world: world.web.user()}
    ),
    Route("native", "GET", "/v1/inbox"): Call(rule="READER"),
    Route("native", "GET", "/v1/inbox/counts"): Call(rule="READER"),
    Route("native", "GET", "/v1/inbox/{notification_id}"): Call(rule="READER"),
    Route("native", "GET", "/v1/inbox/stream"): Call(rule="READER"),
    Route("native", "POST", "/v1/inbox/stream-tickets"): Call(rule="READER_SECRET"),
    Route("native", "GET", "/v1/inbox/alerts"): Call(rule="READER"),
    Route("native", "POST", "/v1/inbox/alerts/{business_id}/{alert_id:path}/dismiss"): Call(rule="READER"),
    Route("native", "GET", "/v1/inbox/preferences"): Call(rule="USER"),
    Route("native", "PUT", "/v1/inbox/preferences/events/{event}"): Call(
        rule="USER", make=_json(email=True), ids={"event": lambda _world: "invoice_paid"}
    ),
    Route("native", "PUT", "/v1/inbox/preferences/topics/{topic}"): Call(
        rule="USER", make=_json(email=True), ids={"topic": lambda _world: "billing"}
    ),
    Route("native", "PUT", "/v1/inbox/preferences/quiet-hours"): Call(
        rule="USER", make=_json(begins="22:00", ends="07:00", time_zone="Europe/Lisbon")
    ),
    Route("native", "DELETE", "/v1/inbox/preferences/quiet-hours"): Call(rule="USER"),
    Route("native", "POST", "/v1/inbox/operations"): Call(
        rule="READER",
        make=lambda world: {"json": {"action": "seen", "ids": [str(world.told(world.business))]}},
    ),
    Route("native", "POST", "/v1/inbox/operations/{operation}/undo"): Call(rule="USER_OF_IT", one=True),
    Route("native", "GET", "/docs/native/openapi.json"): Call(rule="PUBLIC"),
}


RIGHTFUL: Mapping[str, str] = {
    "SCOPED": "user: API",
    "SCOPED_SECRET": "user: API",
    "COMPANY": "user: company",
    "SERVICE_KEY": "service key",
    "READER": "user: API",
    "READER_SECRET": "user: API",
    "USER": "user: API",
    "USER_OF_IT": "user: API",
}
"""Somebody who may, for each rule; not for the personal surface, where nobody may often enough."""


def asked(world: World, route: Route) -> Asked:
    """A valid request of Ada's, her company's or her backend's; what it is about has just been made."""
    call = CALLS[route]
    known = {**_IDS, **call.ids}
    named = {
        name: str(known[name](world))
        for part in route.path.split("{")[1:]
        if (name := part.partition("}")[0].partition(":")[0])
    }
    return Asked(route=route, path=filled(route.path, named), ids=named, parts=call.make(world))

"""What the contracts say in passing, and no other test is about."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from tests.calls import CALLS, World, asked
from tests.conftest import MovingClock, OpenDatabase, Run
from tests.web import Web, own
from tidings.inbox.append import append
from tidings.inbox.catalog import put_event
from tidings.model import Action, Draft
from tidings.storage.engine import Database
from tidings.storage.migrate import upgrade
from tidings.storage.store import Store
from tidings.surfaces.personal.errors import ANSWERS

NOTIFICATIONS = "/api/v1/notifications"


@pytest.fixture
def web(run: Run, database: Database, clock: MovingClock) -> Web:
    return Web(run, database, clock)


@pytest.fixture
def world(web: Web) -> World:
    return World(web)


class Feed:
    """Ada and what she asks the scoped surface."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.business = web.business()
        self.user = web.user(self.business)
        self.headers = web.scoped(self.user, self.business)

    def ask(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        answer = self.web.ask(method, f"{NOTIFICATIONS}{path}", headers=self.headers, **more)
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture
def feed(web: Web) -> Feed:
    return Feed(web)


# --- scoped ------------------------------------------------------------------------------------------------


def test_every_scoped_call_wants_a_business_first(world: World) -> None:
    for route, call in CALLS.items():
        if call.rule == "SCOPED":
            one = asked(world, route)
            headers = world.headers("scoped", "user: API")
            for broken in ({}, {"x-business-id": "acme"}):
                token = {"Authorization": headers["Authorization"]}
                answer = world.web.ask(route.method, one.path, headers=token | broken, **one.parts)
                assert answer.status_code == 422, route
                assert answer.json()["detail"][0]["loc"] == ["header", "x-business-id"]


def test_a_bulk_call_acts_beyond_every_page(feed: Feed) -> None:
    feed.web.tell(own(feed.user), times=1000)
    feed.web.tell(own(feed.user), times=5)
    assert len(feed.ask("GET", "?limit=2")["data"]["items"]) == 2

    assert feed.ask("POST", "/mark-all-seen", 201, json={"scope": "me"}) == {"updated": 1005}
    assert feed.ask("POST", "/dismiss-all", 201, json={"scope": "me"}) == {"updated": 1005}


def test_a_page_has_fifty_unless_told_otherwise_and_a_thousand_at_most(feed: Feed) -> None:
    feed.web.tell(own(feed.user), times=51)

    page = feed.ask("GET", "")["data"]
    assert (len(page["items"]), page["has_more"]) == (50, True)
    assert len(feed.ask("GET", "?limit=1000")["data"]["items"]) == 51
    feed.ask("GET", "?limit=1001", 422)


def test_mark_all_seen_passes_over_live_business_id(feed: Feed) -> None:
    feed.web.tell(own(feed.user), feed.business)

    body = {"live_business_id": str(feed.web.business().id)}
    assert feed.ask("POST", "/mark-all-seen", 201, json=body) == {"updated": 2}


def test_an_ended_snooze_is_open(feed: Feed) -> None:
    [id_] = feed.web.tell(own(feed.user))
    feed.web.mark(feed.user, Action.SNOOZE, [id_], feed.web.clock.at.replace(hour=10))

    assert feed.ask("GET", "/count?unread_only=false")["data"] == {"count": 0}
    feed.web.clock.move(hours=1)
    assert feed.ask("GET", "/count?unread_only=false")["data"] == {"count": 1}


def test_a_pin_needs_its_field(feed: Feed) -> None:
    [id_] = feed.web.tell(own(feed.user))

    for body in ({}, {"pinned": None}):
        refused = feed.ask("PUT", f"/{id_}/pin", 422, json=body)["detail"]
        assert refused[0]["loc"] == ["body", "pinned"]


def test_bulk_seen_needs_its_field(feed: Feed) -> None:
    for body in ({}, {"notification_ids": None}):
        refused = feed.ask("POST", "/bulk/seen", 422, json=body)["detail"]
        assert refused[0]["loc"] == ["body", "notification_ids"]


def test_every_channel_may_be_chosen_by_topic(feed: Feed) -> None:
    chosen = dict.fromkeys(["in_app", "email", "push", "web_push", "sms", "chat"], False)
    answer = feed.web.ask(
        "PUT",
        "/api/v1/preferences/notifications/topics",
        headers=feed.headers,
        json={"overrides": {"billing": chosen}},
    )

    assert answer.json()["data"]["overrides"] == {"billing": chosen}


def test_operation_ids_are_function_path_and_method(web: Web) -> None:
    for path, methods in web.ask("GET", "/docs/scoped/openapi.json").json()["paths"].items():
        for method, operation in methods.items():
            spelled = "".join(letter if letter.isalnum() else "_" for letter in f"{path}_{method}")
            assert operation["operationId"].endswith(spelled)
            assert operation["operationId"].removesuffix(spelled).isidentifier()


def test_the_document_tells_what_a_query_takes(web: Web) -> None:
    paths = web.ask("GET", "/docs/scoped/openapi.json").json()["paths"]

    def taken(path: str) -> dict[str, Any]:
        parameters = paths[f"{NOTIFICATIONS}{path}"]["get"]["parameters"]
        return {one["name"]: one for one in parameters if one["in"] == "query"}

    listed, counted = taken(""), taken("/count")
    assert not any(one.get("required") for one in (listed | counted).values())
    assert {name: one["schema"].get("default") for name, one in listed.items()} == {
        "scope": "me",
        "scope_id": None,
        "status": None,
        "topic": None,
        "severity": None,
        "include_terminal": False,
        "include_snoozed": False,
        "include_live": True,
        "live_business_id": None,
        "cursor": None,
        "limit": 50,
    }
    assert (listed["limit"]["schema"]["minimum"], listed["limit"]["schema"]["maximum"]) == (1, 1000)
    assert {name: one["schema"].get("default") for name, one in counted.items()} == {
        "scope_business_id": None,
        "business_id": None,
        "unread_only": True,
    }
    assert counted["business_id"]["schema"]["deprecated"] is True


# --- logs --------------------------------------------------------------------------------------------------


@pytest.fixture
def broken(run: Run, tmp_path: Path, clock: MovingClock, open_database: OpenDatabase) -> Web:
    """One whose database lost what notifications are in."""
    database = open_database(f"sqlite:///{tmp_path}/broken.db", clock=clock)
    run(upgrade(database))
    return Web(run, database, clock)


def drop(web: Web, *tables: str) -> None:
    async def dropped() -> None:
        async with web.database.begin() as store:
            for table in tables:
                await store.connection.execute(sa.text(f"DROP TABLE {table}"))

    web.run(dropped())


def test_who_asks_is_in_the_log(broken: Web) -> None:
    feed = Feed(broken)
    drop(broken, "stream", "lane")

    with capture_logs(processors=[merge_contextvars]) as logs:
        headers = feed.headers | {"x-user-email": "ada@example.com"}
        assert broken.ask("GET", NOTIFICATIONS, headers=headers).status_code == 500

    [line] = logs
    assert line["user_email"] == "ada@example.com"
    assert (line["user_id"], line["business_id"]) == (str(feed.user), str(feed.business.id))


def test_every_log_line_of_a_request_has_its_correlation_id(broken: Web) -> None:
    feed = Feed(broken)
    clerk = broken.user(company_id=feed.business.id)
    drop(broken, "stream", "lane", "service_key", "topic")
    asked_for = [
        (NOTIFICATIONS, feed.headers),
        (NOTIFICATIONS, broken.personal(feed.user)),
        (f"/company/notifications/{uuid4()}", broken.company(clerk)),
        ("/v1/notifications", {"Authorization": "Bearer sk_x"}),
        ("/readyz", {}),
    ]

    for path, headers in asked_for:
        method = {"/c": "DELETE", "/v": "POST"}.get(path[:2], "GET")
        with capture_logs(processors=[merge_contextvars]) as logs:
            answer = broken.ask(method, path, headers=headers)
        assert answer.status_code in (500, 503), path
        assert logs
        assert {line["correlation_id"] for line in logs} == {answer.headers["x-correlation-id"]}


@pytest.mark.parametrize("as_json", [False, True])
def test_the_line_of_a_request_is_written_as_the_others_are_and_without_its_query(as_json: bool) -> None:
    """It has a formatter of its own, for speed."""
    program = (
        "import logging, sys, structlog\n"
        "from tidings.cli import logs\n"
        "from tidings.settings import Settings\n"
        "logs.configure(Settings(log_json=sys.argv[1] == 'True'))\n"
        "structlog.contextvars.bind_contextvars(correlation_id='c', user_id='u')\n"
        "for name, path in (('uvicorn.access', '/path?token=secret'), ('uvicorn.error', '/path')):\n"
        "    line = '%s - \"%s %s HTTP/%s\" %d'\n"
        "    logging.getLogger(name).info(line, '127.0.0.1:1', 'GET', path, '1.1', 200)\n"
    )
    command = [sys.executable, "-c", program, str(as_json)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stderr.splitlines()

    of_request, other = [re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "now", line) for line in told]
    assert of_request == other
    assert "now" in other
    assert "/path HTTP" in other
    assert '"user_id":"u"' in other if as_json else other.endswith(" correlation_id=c user_id=u")


def _busy() -> Exception:
    busy = sqlite3.OperationalError("database is locked")
    busy.sqlite_errorcode = sqlite3.SQLITE_BUSY_TIMEOUT
    return OperationalError("BEGIN IMMEDIATE", {}, busy)


@pytest.mark.parametrize(
    "away", [ConnectionRefusedError("refused"), asyncpg.CannotConnectNowError("it starts"), _busy()]
)
def test_a_database_that_does_not_answer_is_to_be_asked_again(
    feed: Feed, web: Web, monkeypatch: pytest.MonkeyPatch, away: Exception
) -> None:
    @asynccontextmanager
    async def read(_self: Database) -> AsyncGenerator[Store]:
        raise away
        yield

    monkeypatch.setattr(Database, "read", read)

    for path in (NOTIFICATIONS, "/v1/inbox"):
        answer = web.ask("GET", path, headers=feed.headers)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1"), path


# --- personal ----------------------------------------------------------------------------------------------

NAMED = {
    ("AUTH_UNAUTHORIZED", "error.auth.unauthorized"),
    ("VALIDATION_FAILED", "error.validation"),
    ("NOT_FOUND", "error.notification.not_found"),
    ("NOT_FOUND", "error.notification.event_not_found"),
    ("NOT_FOUND", "notification.webpush.subscription_not_found"),
    ("FORBIDDEN", "error.forbidden"),
    ("RATE_LIMITED", "error.rate_limited"),
    ("INTERNAL", "error.internal"),
}


def test_the_personal_codes_and_keys_are_the_contracts() -> None:
    answers = {(answer.code, answer.i18n_key) for answer in ANSWERS.values()}

    assert answers >= NAMED
    assert {code for code, _ in answers} == {code for code, _ in NAMED}
    assert {code for code, key in answers if key.startswith("auth.")} == {"AUTH_UNAUTHORIZED", "FORBIDDEN"}


def test_every_success_of_the_personal_surface_is_a_200(web: Web) -> None:
    document = web.ask("GET", "/docs/personal/openapi.json").json()

    for methods in document["paths"].values():
        for operation in methods.values():
            assert [status for status in operation["responses"] if status.startswith("2")] == ["200"]


def test_an_access_token_says_whose_it_is_and_for_what(web: Web) -> None:
    user = web.user()
    for audience in ("personal", "company"):
        _, claims, _ = web.jwt(user, audience).split(".")
        told = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        assert (told["sub"], told["aud"]) == (str(user), audience)
        assert told["exp"] - web.clock.at.timestamp() == 900


def test_a_critical_event_stays_in_the_inbox_whatever_is_chosen(web: Web) -> None:
    user = web.user()
    headers = web.personal(user)
    web.write(lambda store: put_event(store, "security_alert", topic="notes", channels={}, critical=True))
    [id_] = web.tell(own(user), event="invoice_paid")

    path = f"{NOTIFICATIONS}/preferences/security_alert"
    assert web.ask("PATCH", path, headers=headers, json={"inApp": False, "email": False}).is_success
    assert web.ask(
        "PATCH", f"{NOTIFICATIONS}/preferences/invoice_paid", headers=headers, json={"inApp": False}
    ).is_success
    told = web.run(_told(web, user))

    items = web.ask("GET", NOTIFICATIONS, headers=headers).json()["data"]["items"]
    assert [item["id"] for item in items] == [str(told)] != [str(id_)]


async def _told(web: Web, user: Any) -> Any:
    async with web.database.begin() as store:
        [id_] = await append(store, [Draft(to=own(user), event="security_alert", title="A new device")])
        return id_


# --- company -----------------------------------------------------------------------------------------------


def test_a_deletion_whose_body_cannot_be_read_has_no_id(world: World) -> None:
    headers = world.headers("company", "user: company")
    for content in (b'{"id": ', b"\xff\xfe", b"[]", b'{"id": null}', b"x" * 1_000_000):
        for path in ("/company/notifications", "/company/notifications/"):
            answer = world.web.ask("DELETE", path, headers=headers, content=content)
            assert (answer.status_code, answer.json()) == (400, {"message": "ID_REQUIRED", "status": 400})


def test_what_one_device_read_the_others_find_read(world: World) -> None:
    [id_] = world.web.tell(world.business)
    colleague = world.web.user(company_id=world.business.id)

    read = world.web.ask(
        "PUT",
        f"/company/notifications/read/{id_}",
        headers=world.headers("company", "user: company"),
    )
    gone = world.web.ask(
        "DELETE", f"/company/notifications/{id_}", headers=world.web.company(colleague)
    ).json()

    assert (gone["isRead"], gone["readedAt"]) == (True, read.json()["readedAt"])

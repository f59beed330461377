"""A name that stands twice in one object of a body: nobody knows which of its values is meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.calls import World
from tests.conftest import MovingClock, Run
from tests.web import Web
from tidings.storage.engine import Database

TWICE = {
    "scoped": (
        "POST",
        "/api/v1/notifications/mark-all-seen",
        "user: API",
        b'{"scope": "firm", "scope": "me"}',
    ),
    "personal": (
        "PATCH",
        "/api/v1/notifications/preferences/invoice_paid",
        "user: personal",
        b'{"sms": true, "sms": false}',
    ),
    "company": ("PUT", "/company/notifications/read", "user: company", b'{"id": "x", "id": "%s"}'),
    "company's login": (
        "POST",
        "/company/auth/login",
        "no token",
        b'{"email": "x", "email": "y", "password": "z"}',
    ),
    "native": (
        "POST",
        "/v1/inbox/operations",
        "user: API",
        b'{"action": "seen", "filter": {"topic": ["x"], "topic": []}}',
    ),
    "CloudEvents": ("POST", "/v1/events", "service key", b'{"specversion": "1.0", "specversion": "1.0"}'),
}
REFUSED: Mapping[str, tuple[int, str]] = {
    "scoped": (422, "json_invalid"),
    "personal": (400, "VALIDATION_FAILED"),
    "company": (400, "ID_REQUIRED"),  # what cannot be read is no body
    "company's login": (400, "FORM_DATA_NOT_VALID"),
    "native": (422, "invalid_request"),
    "CloudEvents": (422, "invalid_request"),
}


@pytest.fixture
def world(run: Run, database: Database, clock: MovingClock) -> World:
    return World(Web(run, database, clock))


@pytest.mark.parametrize("call", TWICE)
def test_a_body_that_says_a_name_twice_is_refused_and_does_nothing(world: World, call: str) -> None:
    method, path, caller, content = TWICE[call]
    told = str(world.told(world.business)).encode()
    headers: dict[str, Any] = world.headers(call, caller) | {"Content-Type": "application/json"}
    before = world.tables()

    answer = world.web.ask(method, path, headers=headers, content=content.replace(b"%s", told))

    status, code = REFUSED[call]
    assert answer.status_code == status, answer.text
    assert code in answer.text
    assert world.tables() == before

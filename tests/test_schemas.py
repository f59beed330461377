"""What each surface answers is what its OpenAPI document says, to what the document allows and to what not.

Schemathesis thinks of the requests; each is sent with credentials that hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.calls import CALLS, RIGHTFUL, SURFACES, Route, World
from tests.conftest import MovingClock, OpenDatabase, Run
from tests.web import Web

EXAMPLES = 25
"""How many requests are made up for each operation and kind of data, beside those that cover its document."""
MOST_COVERING = 150
HOST = "http://testserver"

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

bounded = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@schemathesis.serializer("message/rfc822")
def message(ctx: schemathesis.SerializationContext, value: Any) -> dict[str, Any]:
    """Octets as they are; what is to be none, such as a number, as its text."""
    octets = getattr(value, "data", value)
    return {"data": octets if isinstance(octets, bytes) else str(octets).encode(errors="replace")}


@pytest.fixture
def world(run: Run, sqlite_url: str, clock: MovingClock, open_database: OpenDatabase) -> World:
    return World(Web(run, open_database(sqlite_url, clock=clock), clock))


class Client:
    """Sends what Schemathesis thinks of, as somebody who may and has not used up how often."""

    def __init__(self, world: World, surface: str) -> None:
        self.world, self.surface, self.sent = world, surface, 0
        self._users: dict[str, str] = {}

    def send(self, case: Any) -> httpx2.Response:
        self.sent += 1
        prepared = requests.Request(**case.as_transport_kwargs(base_url=HOST)).prepare()
        headers: dict[str, Any] = {**prepared.headers}
        for name in ("Authorization", "User-Agent", "Content-Length", "Cookie"):
            headers.pop(name, None)
        headers |= self._credentials(case)
        listed = [
            (name, value if isinstance(value, bytes) else value.encode("latin-1", "replace"))
            for name, value in headers.items()
        ]
        return self.world.web.ask(
            prepared.method or "",
            (prepared.url or "").removeprefix(HOST),
            headers=listed,
            content=prepared.body or b"",
            peer=next(self.world.peers),
        )

    def _credentials(self, case: Any) -> dict[str, str]:
        call = CALLS.get(Route(self.surface, case.operation.method.upper(), case.operation.path))
        rule = call.rule if call else "COMPANY"
        if rule == "PUBLIC":
            return {}
        caller = RIGHTFUL.get(rule)
        if caller:
            return self.world.headers(self.surface, caller)
        if self.sent % 25 == 1 or not self._users:
            self._users["token"] = self.world.web.jwt(self.world.web.user(role="operator"), "personal")
        return {"Authorization": f"Bearer {self._users['token']}"}


def schema_of(world: World, surface: str) -> Any:
    document = world.web.ask("GET", f"/docs/{surface}/openapi.json").json()
    return schemathesis.openapi.from_dict(document, config=SchemathesisConfig())


def cases(schema: Any, operation: Any, check: Callable[[Any], None]) -> None:
    """Each case of what covers the operation's document, and of what is made up at random."""
    config = schema.config.generation_for(operation=operation, phase="coverage")
    covering: Iterator[Any] = schema.iter_coverage_cases(
        operation, generation_modes=list(GenerationMode), generation_config=config
    )
    for _, case in zip(range(MOST_COVERING), covering, strict=False):
        check(case)
    for mode in GenerationMode:

        @seed(1)
        @bounded
        @given(case=operation.as_strategy(generation_mode=mode))
        def made_up(case: Any) -> None:
            check(case)

        made_up()


@pytest.mark.parametrize("surface", SURFACES)
def test_every_answer_is_in_the_document(world: World, surface: str, tell: Callable[[str], None]) -> None:
    schema = schema_of(world, surface)
    client = Client(world, surface)
    faults: dict[str, str] = {}

    def check(case: Any) -> None:
        answer = client.send(case)
        try:
            case.validate_response(answer, checks=CHECKS)
        except Exception as error:
            if case.method.upper() == case.operation.method.upper():
                key = f"{case.operation.label}: {answer.status_code}"
                faults.setdefault(key, "\n".join([key, *(str(one) for one in error.exceptions)]))

    for found in schema.get_all_operations():
        cases(schema, found.ok(), check)

    assert faults == {}, "\n\n".join(faults.values())
    tell(f"schemas: {client.sent} requests to {surface}")

"""The native contract: sending, withdrawing, and telling who there is, with a service key."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.calls import CALLS
from tests.conftest import MovingClock, Run
from tests.web import Web, everyone, own
from tidings.identity.tokens import issue_service_key
from tidings.inbox import feed
from tidings.inbox.reach import reach_of
from tidings.inbox.upkeep import run_upkeep
from tidings.model import PRESENT, Item, Reader, Severity, View
from tidings.storage.engine import Database
from tidings.storage.idempotency import First
from tidings.storage.store import Store
from tidings.storage.tables import idempotency
from tidings.surfaces.native.writing import said_in

EVENT = "invoice.paid"
MOST_JSON = 64 * 1024


class Backend:
    """The product's backend, with a service key, and one user whom it can tell something."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.key = self.another_key()
        self.user = web.user()
        web.event(EVENT)

    def another_key(self) -> str:
        return self.web.write(lambda store: issue_service_key(store, "backend"))[1]

    def ask(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **content: Any
    ) -> httpx2.Response:
        """One request; `headers` replace the key where they name it."""
        return self.web.ask(
            method,
            f"/v1{path}",
            headers={"Authorization": f"Bearer {self.key}", **(headers or {})},
            **content,
        )

    def said(self, **changes: Any) -> dict[str, Any]:
        """A notification to the user, as JSON."""
        return {"to": {"user": str(self.user)}, "event": EVENT, "title": "Paid", **changes}

    def send(self, *, headers: Mapping[str, str] | None = None, **changes: Any) -> httpx2.Response:
        return self.ask("POST", "/notifications", json=self.said(**changes), headers=headers)

    def inbox(self, user: UUID | None = None) -> list[Item]:
        """What a user has, oldest first."""

        async def items() -> list[Item]:
            async with self.web.database.read() as store:
                reach = await reach_of(store, Reader(id=user or self.user))
                page = await feed.page(store, reach, View(windows=(PRESENT,), snoozed=True), limit=1000)
                return page.items[::-1]

        return self.web.run(items())


@pytest.fixture
def backend(run: Run, database: Database, clock: MovingClock) -> Backend:
    return Backend(Web(run, database, clock))


def refused(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """The problem that was answered."""
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["correlation_id"] == answer.headers["x-correlation-id"]
    return problem


# --- sending -----------------------------------------------------------------------------------------------


def test_everything_that_is_sent_arrives(backend: Backend) -> None:
    said = {
        "severity": "urgent",
        "body": "Ünïcode \U0001f600\n",
        "data": {"n": [1, 2**64 - 1, -(2**63), 1.5, None, True, {"": ""}]},
        "actions": [{"label": "Open", "url": "https://app.example/1"}],
        "collapse_key": "k",
        "occurred_at": "2026-03-01T23:59:59.123456+05:30",
        "expires_at": "2026-03-03T00:00:00Z",
    }

    answer = backend.send(**said)

    assert answer.status_code == 201
    [item] = backend.inbox()
    sent = item.notification
    assert answer.json() == {"ids": [str(sent.id)]}
    assert (sent.title, sent.body, sent.severity) == ("Paid", said["body"], Severity.URGENT)
    assert (sent.data, sent.actions) == (said["data"], said["actions"])
    assert str(sent.occurred_at) == "2026-03-01 18:29:59.123456+00:00"
    assert str(sent.expires_at) == "2026-03-03 00:00:00+00:00"


def test_whoever_is_named_is_told(backend: Backend) -> None:
    web = backend.web
    firm, business = web.firm(), web.business()
    member, accountant, stranger = web.user(business), web.user(firm), web.user()
    for to, title in (
        ({"user": str(member)}, "own"),
        ({"business": str(business.id)}, "business"),
        ({"firm": str(firm.id)}, "firm"),
        ({"everyone": True}, "everyone"),
        ({"users": [str(member), str(stranger), str(member)]}, "some"),
    ):
        web.clock.move(seconds=1)
        answer = backend.send(to=to, title=title)
        assert answer.status_code == 201
        assert len(answer.json()["ids"]) == (2 if title == "some" else 1)

    def titles(user: UUID) -> list[str]:
        return [item.notification.title for item in backend.inbox(user)]

    assert titles(member) == ["own", "business", "everyone", "some"]
    assert titles(accountant) == ["firm", "everyone"]
    assert titles(stranger) == ["everyone", "some"]


def test_a_batch_is_appended_in_its_order_all_or_none(backend: Backend) -> None:
    good = [backend.said(title=str(number)) for number in range(3)]

    answer = backend.ask("POST", "/notifications/batch", json={"notifications": good})
    refused_ = backend.ask(
        "POST", "/notifications/batch", json={"notifications": [*good, backend.said(event="nope")]}
    )

    assert answer.status_code == 201
    assert answer.json()["ids"] == [str(item.id) for item in backend.inbox()]
    assert [item.notification.title for item in backend.inbox()] == ["0", "1", "2"]
    refused(refused_, 422, "unknown_event")


def test_a_call_carries_a_thousand_counting_every_recipient(backend: Backend) -> None:
    people = [str(backend.user), str(backend.web.user())]
    both = backend.said(to={"users": people})

    answer = backend.ask("POST", "/notifications/batch", json={"notifications": [both] * 500})
    above = backend.ask(
        "POST", "/notifications/batch", json={"notifications": [*([both] * 500), backend.said()]}
    )
    rows = backend.ask("POST", "/notifications/batch", json={"notifications": [backend.said()] * 1001})

    assert len(set(answer.json()["ids"])) == 1000
    assert refused(above, 422, "too_many")["most"] == 1000
    refused(rows, 422, "invalid_request")
    assert len(backend.inbox()) == 500


def test_what_is_unknown_is_named(backend: Backend) -> None:
    nobody = str(uuid4())

    assert refused(backend.send(event="no.such"), 422, "unknown_event")["event"] == "no.such"
    for kind in ("user", "business", "firm"):
        problem = refused(backend.send(to={kind: nobody}), 422, "unknown_recipient")
        assert problem["recipient"] == nobody
    refused(backend.send(to={"business": str(backend.user)}), 422, "unknown_recipient")
    refused(backend.send(to={"users": [str(backend.user), nobody]}), 422, "unknown_recipient")
    assert backend.inbox() == []


def test_a_withdrawn_notification_is_gone_for_everybody(backend: Backend) -> None:
    [id_] = backend.send(to={"everyone": True}).json()["ids"]

    answer = backend.ask("DELETE", f"/notifications/{id_}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert backend.inbox() == []
    refused(backend.ask("DELETE", f"/notifications/{id_}"), 404, "notification_not_found")
    refused(backend.ask("DELETE", f"/notifications/{uuid4()}"), 404, "notification_not_found")
    refused(backend.ask("DELETE", "/notifications/x"), 422, "invalid_request")


def test_a_collapse_key_takes_the_place_of_the_one_before(backend: Backend) -> None:
    for title in ("1 %", "50 %", "100 %"):
        backend.send(title=title, collapse_key="upload")

    assert [item.notification.title for item in backend.inbox()] == ["100 %"]


# --- the same request again --------------------------------------------------------------------------------

KEY = {"Idempotency-Key": "order 66/paid"}


def test_the_same_key_and_body_get_the_first_answer_again(backend: Backend) -> None:
    first = backend.send(headers=KEY)
    again = backend.ask(
        "POST",
        "/notifications",
        content=json.dumps(backend.said(), indent=3, sort_keys=True),
        headers={**KEY, "Content-Type": "application/json"},
    )

    assert (again.status_code, again.json()) == (201, first.json())
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert len(backend.inbox()) == 1


def test_the_same_key_with_another_body_is_an_error(backend: Backend) -> None:
    backend.send(headers=KEY)

    refused(backend.send(headers=KEY, title="Other"), 422, "idempotency_mismatch")
    batch = {"notifications": [backend.said()]}
    refused(backend.ask("POST", "/notifications/batch", json=batch, headers=KEY), 422, "idempotency_mismatch")
    assert len(backend.inbox()) == 1


def test_every_write_takes_a_key(backend: Backend) -> None:
    user = backend.web.user()
    event = {"topic": "billing", "severity": "urgent"}
    writes: list[tuple[str, str, Any]] = [
        ("PUT", f"/users/{uuid4()}", {}),
        ("PUT", f"/firms/{uuid4()}", {"name": "Reckoners"}),
        ("PUT", f"/businesses/{uuid4()}", {"name": "Acme"}),
        ("PUT", "/events/invoice.lost", event),
        ("PUT", "/events/*/templates/pt", {"subject": "{{ title }}!"}),
    ]
    for number, (method, path, body) in enumerate(writes):
        key = {"Idempotency-Key": f"write {number}"}
        first, again = (backend.ask(method, path, json=body, headers=key) for _ in range(2))
        assert (again.status_code, again.json()) == (first.status_code, first.json())
        assert again.headers["idempotency-replayed"] == "true"
        refused(backend.ask("PUT", f"/users/{user}", json={}, headers=key), 422, "idempotency_mismatch")


def test_a_withdrawal_is_answered_again_as_it_was(backend: Backend) -> None:
    path = f"/notifications/{backend.send().json()['ids'][0]}"
    first, again = (backend.ask("DELETE", path, headers=KEY) for _ in range(2))

    assert (first.status_code, again.status_code) == (204, 204)
    assert again.content == b""
    refused(backend.ask("DELETE", path), 404, "notification_not_found")


def test_a_body_that_never_comes_holds_nobody_up(backend: Backend) -> None:
    """It is awaited before a transaction begins: SQLite has one writer, and PostgreSQL's pool an end."""
    path = f"/v1/notifications/{backend.send().json()['ids'][0]}"
    fields = {"authorization": f"Bearer {backend.key}", "idempotency-key": "slow", "content-length": "100"}
    scope = {
        "type": "http",
        "method": "DELETE",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
        "client": ("192.0.2.7", 1),
        "server": ("testserver", 80),
        "scheme": "http",
        "http_version": "1.1",
    }

    async def send_beside_it() -> httpx2.Response:
        asked = asyncio.Event()

        async def receive() -> dict[str, Any]:
            asked.set()
            return await asyncio.get_running_loop().create_future()

        async def send(_message: Any) -> None: ...

        waiting = [asyncio.create_task(backend.web.app(scope, receive, send)) for _ in range(12)]
        await asked.wait()
        transport = httpx2.ASGITransport(backend.web.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
            headers = {"Authorization": f"Bearer {backend.key}"}
            answer = await client.post("/v1/notifications", json=backend.said(), headers=headers)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return answer

    assert backend.web.run(asyncio.wait_for(send_beside_it(), 20)).status_code == 201


def test_what_a_request_said_is_kept_in_a_form_that_nobody_can_guess_from(backend: Backend) -> None:
    """A password may stand in it, and a bare hash would let its guesses be tried."""
    path, body = f"/v1/users/{uuid4()}", {"email": "ada@example.com", "password": "hunter2"}
    backend.ask("PUT", path.removeprefix("/v1"), json=body, headers=KEY)

    async def kept(store: Store) -> bytes:
        return await store.scalar(sa.select(idempotency.c.body_hash))

    assert backend.web.write(kept) != said_in(["PUT", path, "", body])


def test_old_keys_are_forgotten_however_many(backend: Backend) -> None:
    scope, now = uuid4(), backend.web.clock.at
    said = {f"{number:05}": b"x" * 32 for number in range(2500)}

    async def come(store: Store) -> None:
        await store.idempotency.claim(scope, said, now)
        first = {key: First(said=one, answer=1) for key, one in said.items()}
        await store.idempotency.remember(scope, first, now)

    async def left(store: Store) -> int:
        return await store.scalar(sa.select(sa.func.count()).select_from(idempotency))

    backend.web.write(come)
    backend.send(headers=KEY)
    backend.web.clock.move(hours=23)
    backend.send(headers={"Idempotency-Key": "young"})
    backend.web.run(run_upkeep(backend.web.database))
    assert backend.web.write(left) == 2502
    backend.web.clock.move(hours=1)
    backend.web.run(run_upkeep(backend.web.database))

    assert backend.web.write(left) == 1


def test_a_repeat_does_not_tell_a_token_again(backend: Backend) -> None:
    """For that it would have to be kept, and of tokens only hashes are."""
    path = f"/users/{backend.web.user()}/tokens"
    first, again = (backend.ask("POST", path, json={}, headers=KEY) for _ in range(2))

    assert first.json()["token"].startswith("dz_")
    assert again.json() == {**first.json(), "token": None}


def test_a_key_is_kept_for_a_day_and_belongs_to_its_sender(backend: Backend) -> None:
    backend.send(headers=KEY)
    backend.key = backend.another_key()
    other = backend.send(headers=KEY, title="Other")
    assert other.status_code == 201
    backend.web.clock.move(hours=23, minutes=59)
    assert backend.send(headers=KEY, title="Other").json() == other.json()
    backend.web.clock.move(minutes=1)

    assert backend.send(headers=KEY, title="Third").json() != other.json()
    assert [item.notification.title for item in backend.inbox()] == ["Paid", "Other", "Third"]


def test_what_failed_leaves_its_key_free(backend: Backend) -> None:
    refused(backend.send(headers=KEY, event="later"), 422, "unknown_event")
    backend.web.event("later")

    assert backend.send(headers=KEY, event="later").status_code == 201


def test_a_repeat_is_answered_though_its_notification_has_expired(backend: Backend) -> None:
    soon = (backend.web.clock.at + timedelta(minutes=1)).isoformat()
    first = backend.send(headers=KEY, expires_at=soon)
    backend.web.clock.move(minutes=2)

    assert backend.send(headers=KEY, expires_at=soon).json() == first.json()
    refused(backend.send(expires_at=soon), 422, "invalid_input")


def test_of_several_at_once_one_is_appended_and_all_are_answered_alike(backend: Backend) -> None:
    headers = {"Authorization": f"Bearer {backend.key}", **KEY}

    async def at_once() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(backend.web.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
            one = [client.post("/v1/notifications", json=backend.said(), headers=headers) for _ in range(8)]
            return await asyncio.gather(*one)

    answers = backend.web.run(at_once())

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 7
    assert len(backend.inbox()) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "caf\xe9"])
def test_a_key_is_1_to_255_printable_characters(backend: Backend, key: str) -> None:
    answer = backend.send(headers={"Idempotency-Key": key.encode("latin-1")})

    refused(answer, 422, "invalid_request")
    assert backend.send(headers={"Idempotency-Key": "~ " * 127 + "!"}).status_code == 201


# --- what is refused ---------------------------------------------------------------------------------------


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


ACCEPTED: list[dict[str, Any]] = [
    {"title": "x" * 500},
    {"title": "\U0001f600" * 500},
    {"body": "x" * 20_000},
    {"body": ""},
    {"data": {"x": "y" * (MOST_JSON - len('{"x":""}'))}},
    {"data": nested(64)},
    {"actions": [{}] * 10},
    {"collapse_key": "x" * 255},
    {"expires_at": "9999-12-31T23:59:59Z", "occurred_at": "0001-01-01T00:00:00Z"},
    dict.fromkeys(("severity", "body", "collapse_key", "occurred_at", "expires_at")),
]

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"title": ""}, "title"),
    ({"title": None}, "title"),
    ({"title": 7}, "title"),
    ({"title": "x" * 501}, "title"),
    ({"title": "a\0b"}, "title"),
    ({"title": "a\ud800b"}, "title"),
    ({"body": "x" * 20_001}, "body"),
    ({"body": "\0"}, "body"),
    ({"event": ""}, "event"),
    ({"event": "x" * 129}, "event"),
    ({"event": "\0"}, "event"),
    ({"event": "\udfff"}, "event"),
    ({"severity": "fatal"}, "severity"),
    ({"severity": "\ud800"}, "severity"),
    ({"data": []}, "data"),
    ({"data": None}, "data"),
    ({"data": {"x": "y" * MOST_JSON}}, "data"),
    ({"data": nested(65)}, "data"),
    ({"data": {"a": [{"b": "\0"}]}}, "data"),
    ({"data": {"a": {"\0": 1}}}, "data"),
    ({"data": {"\udc00": 1}}, "data"),
    ({"data": {"a": ["\ud83d"]}}, "data"),
    ({"data": {"a": float("nan")}}, "data"),
    ({"data": {"a": [float("-inf")]}}, "data"),
    ({"data": {"a": 2**64}}, "data"),
    ({"data": {"a": -(2**63) - 1}}, "data"),
    ({"data": {"a": 10**4000}}, "data"),
    ({"actions": [{}] * 11}, "actions"),
    ({"actions": ["x"]}, "actions"),
    ({"actions": [{"url": "\0"}]}, "actions"),
    ({"collapse_key": ""}, "collapse_key"),
    ({"collapse_key": "x" * 256}, "collapse_key"),
    ({"collapse_key": "\0"}, "collapse_key"),
    ({"occurred_at": "2026-03-02T09:30:00"}, "occurred_at"),
    ({"occurred_at": "2026-03-02"}, "occurred_at"),
    ({"occurred_at": 1_772_443_800}, "occurred_at"),
    ({"occurred_at": "1772443800"}, "occurred_at"),
    ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "occurred_at"),
    ({"expires_at": "9999-12-31T23:59:59-14:00"}, "expires_at"),
    ({"expires_at": "soon"}, "expires_at"),
    ({"to": {}}, "to"),
    ({"to": None}, "to"),
    ({"to": "everyone"}, "to"),
    ({"to": {"everyone": False}}, "to.everyone"),
    ({"to": {"everyone": True, "user": str(uuid4())}}, "to"),
    ({"to": {"user": "me"}}, "to.user"),
    ({"to": {"users": []}}, "to.users"),
    ({"to": {"users": [str(uuid4())] * 1001}}, "to.users"),
    ({"to": {"nobody": 1}}, "to.nobody"),
    ({"colour": "red"}, "colour"),
    ({"\ud800": 1}, ""),
]


def test_what_fits_is_accepted_up_to_the_bound(backend: Backend) -> None:
    for changes in ACCEPTED:
        answer = backend.send(**changes)
        assert answer.status_code == 201, (str(changes)[:80], answer.text)
    assert len(backend.inbox()) == len(ACCEPTED)


def test_what_does_not_fit_is_refused_with_its_place(backend: Backend) -> None:
    for changes, place in REFUSED:
        body = json.dumps(backend.said(**changes))  # NaN and half characters, which clients refuse to send
        answer = backend.ask(
            "POST", "/notifications", content=body, headers={"Content-Type": "application/json"}
        )
        problem = refused(answer, 422, "invalid_request")
        places = {".".join(str(part) for part in error["loc"]) for error in problem["errors"]}
        assert any(f"{one}.".startswith(f"body.{place}") for one in places), (changes, places)
        assert problem["detail"]
    assert backend.inbox() == []


def test_an_expiry_in_the_past_is_refused(backend: Backend) -> None:
    now = backend.web.clock.at

    assert refused(backend.send(expires_at=now.isoformat()), 422, "invalid_input")["field"] == "expires_at"
    assert backend.send(expires_at=(now + timedelta(microseconds=1)).isoformat()).status_code == 201


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "application/json", 422),
        (b"{", "application/json", 422),
        (b"null", "application/json", 422),
        (b"[]", "application/json", 422),
        (b'"x"', "application/json", 422),
        (b"{}", "text/plain", 422),
        (b"{}", "", 422),
        (b"[" * 100_000, "application/json", 400),
        (b'{"a":' * 50_000, "application/json", 400),
        (b"\xff\xfe\x00", "application/json", 400),
        (b'{"title": ' + b"9" * 5000 + b"}", "application/json", 400),
        (b"\xed\xa0\x80", "application/json", 422),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(
    backend: Backend, body: bytes, content_type: str, status: int
) -> None:
    headers = {**KEY, "Content-Type": content_type}
    answer = backend.ask("POST", "/notifications", content=body, headers=headers)

    refused(answer, status, "invalid_request" if status == 422 else "unreadable_body")


def test_a_body_that_is_too_large_is_refused_while_it_is_read(backend: Backend) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while sent < 200:
            sent += 1
            yield b" " * 1_000_000

    answer = backend.ask(
        "POST", "/notifications", content=endless(), headers={"Content-Type": "application/json"}
    )

    refused(answer, 413, "body_too_large")
    assert sent < 20


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(
    field=st.sampled_from(
        [*("to", "event", "severity", "title", "body", "data", "actions"), *("collapse_key", "occurred_at")]
    ),
    value=JSON,
    batch=st.booleans(),
)
def test_nothing_that_is_sent_is_an_error_of_the_server(
    backend: Backend, field: str, value: Any, batch: bool
) -> None:
    said: Any = backend.said(**{field: value})
    path = "/notifications/batch" if batch else "/notifications"
    body = json.dumps({"notifications": [said]} if batch else said)
    answer = backend.ask("POST", path, content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code in (201, 422), answer.text


# --- who may -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "presented", [None, "", "Bearer", "Bearer sk_wrong", "Basic {key}", "Bearer {token}", "{key}"]
)
def test_without_a_service_key_nothing_is_read(backend: Backend, presented: str | None) -> None:
    token = backend.web.api_token(backend.user)
    given_ = presented and presented.format(key=backend.key, token=token)
    for method, path in (
        ("POST", "/v1/notifications"),
        ("POST", "/v1/notifications/batch"),
        ("DELETE", f"/v1/notifications/{uuid4()}"),
        ("PUT", f"/v1/users/{backend.user}"),
        ("POST", f"/v1/users/{backend.user}/tokens"),
        ("PUT", "/v1/events/x"),
        ("PUT", f"/v1/businesses/{uuid4()}/members/{uuid4()}"),
    ):
        headers = {} if given_ is None else {"Authorization": given_}
        answer = backend.web.ask(method, path, headers=headers, content=b"{")
        refused(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"


def test_the_scheme_may_be_written_in_any_case(backend: Backend) -> None:
    assert backend.send(headers={"Authorization": f"bearer  {backend.key} "}).status_code == 201


def test_unknown_paths_and_methods_answer_in_the_same_shape(backend: Backend) -> None:
    refused(backend.ask("GET", "/nothing"), 404, "not_found")
    answer = backend.ask("GET", "/notifications")
    refused(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"
    refused(backend.ask("POST", "/notifications/"), 404, "not_found")


def test_a_failure_of_the_server_tells_nothing_but_its_id(
    run: Run, tmp_path_factory: pytest.TempPathFactory, clock: MovingClock
) -> None:
    empty = Database(f"sqlite:///{tmp_path_factory.mktemp('empty')}/x.db", clock=clock)
    web = Web(run, empty, clock)
    id_ = str(uuid4())

    answer = web.ask(
        "POST", "/v1/notifications", headers={"Authorization": "Bearer sk_x", "X-Correlation-ID": id_}
    )

    problem = refused(answer, 500, "internal")
    assert problem["correlation_id"] == id_
    assert "sql" not in answer.text.lower()
    assert "table" not in answer.text.lower()
    run(empty.dispose())


# --- who there is ------------------------------------------------------------------------------------------


def test_a_user_is_made_and_changed(backend: Backend) -> None:
    user, business = uuid4(), backend.web.business()
    made = backend.ask(
        "PUT",
        f"/users/{user}",
        json={
            "email": " Ada@Corp.Test",
            "password": "one",
            "role": "operator",
            "company_id": str(business.id),
            "time_zone": "Europe/Lisbon",
            "locale": "pt_BR",
        },
    )
    changed = backend.ask("PUT", f"/users/{user}", json={"status": "suspended", "company_id": None})
    same = backend.ask("PUT", f"/users/{user}", json={})

    assert (made.status_code, changed.status_code, same.status_code) == (201, 200, 200)
    assert made.json() == {
        "id": str(user),
        "email": "ada@corp.test",
        "email_verified": True,
        "status": "active",
        "role": "operator",
        "company_id": str(business.id),
        "time_zone": "Europe/Lisbon",
        "locale": "pt_BR",
        "created_at": "2026-03-02T09:30:00Z",
    }
    assert changed.json() == {**made.json(), "status": "suspended", "company_id": None} == same.json()


def test_a_password_lets_a_user_sign_in_until_it_is_taken_away(backend: Backend) -> None:
    user = f"/users/{uuid4()}"
    backend.ask("PUT", user, json={"email": "ada@corp.test", "password": "one"})

    def signs_in() -> int:
        login = {"email": "ada@corp.test", "password": "one"}
        return backend.web.ask("POST", "/api/v1/auth/login", json=login).status_code

    assert signs_in() == 200
    backend.ask("PUT", user, json={"email_verified": True})
    assert signs_in() == 200
    backend.ask("PUT", user, json={"password": None})
    assert signs_in() == 401


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/users/{new}", {"email": "nonsense"}, 422, "invalid_input"),
        ("/users/{new}", {"email": "a\0@b"}, 422, "invalid_request"),
        ("/users/{new}", {"email": "taken@corp.test"}, 409, "email_taken"),
        ("/users/{new}", {"password": ""}, 422, "invalid_request"),
        ("/users/{new}", {"email_verified": "yes"}, 422, "invalid_request"),
        ("/users/{new}", {"status": None}, 422, "invalid_request"),
        ("/users/{new}", {"role": "king"}, 422, "invalid_request"),
        ("/users/{new}", {"company_id": "{new}"}, 422, "invalid_input"),
        ("/users/{new}", {"time_zone": "Middle/Earth"}, 422, "invalid_input"),
        ("/users/{new}", {"name": "Ada"}, 422, "invalid_request"),
        ("/users/{new}", {"locale": ""}, 422, "invalid_request"),
        ("/users/{new}", {"locale": "*"}, 422, "invalid_request"),
        ("/users/{new}", {"locale": "pt_BR.UTF-8"}, 422, "invalid_request"),
        ("/users/{new}", {"locale": "pt-" + "x" * 8 * 4}, 422, "invalid_request"),
        ("/users/{business}", {}, 409, "id_taken"),
        ("/users/00000000-0000-7000-8000-000000000001", {}, 409, "id_taken"),
        ("/users/ada", {}, 422, "invalid_request"),
        ("/businesses/{new}", {}, 422, "invalid_input"),
        ("/businesses/{new}", {"name": ""}, 422, "invalid_request"),
        ("/businesses/{new}", {"name": None}, 422, "invalid_request"),
        ("/businesses/{new}", {"name": "\0"}, 422, "invalid_request"),
        ("/businesses/{new}", {"name": "x", "firm_id": "{new}"}, 422, "invalid_input"),
        ("/businesses/{new}", {"name": "x", "status": "gone"}, 422, "invalid_request"),
        ("/businesses/{firm}", {"name": "x"}, 409, "id_taken"),
        ("/firms/{new}", {}, 422, "invalid_request"),
        ("/firms/{user}", {"name": "x"}, 409, "id_taken"),
        ("/businesses/{new}/members/{user}", None, 404, "not_found"),
        ("/businesses/{firm}/members/{user}", None, 404, "not_found"),
        ("/businesses/{business}/members/{new}", None, 404, "user_not_found"),
        ("/firms/{business}/members/{user}", None, 404, "not_found"),
        ("/events/with%20space", {"topic": "notes"}, 422, "invalid_request"),
        ("/events/%00", {"topic": "notes"}, 422, "invalid_request"),
        ("/events/x", {}, 422, "invalid_request"),
        ("/events/x", {"topic": "No Topic"}, 422, "invalid_request"),
        ("/events/x", {"topic": "notes", "channels": {"fax": True}}, 422, "invalid_request"),
        ("/events/x", {"topic": "notes", "channels": {"email": 1}}, 422, "invalid_request"),
        ("/events/x", {"topic": "notes", "digest": "yearly"}, 422, "invalid_request"),
        ("/events/x", {"topic": "notes", "escalate_after_minutes": 0}, 422, "invalid_request"),
        ("/events/x", {"topic": "notes", "digest": "daily", "critical": True}, 422, "invalid_input"),
        (
            "/events/x",
            {"topic": "notes", "critical": True, "channels": {"in_app": False}},
            422,
            "invalid_input",
        ),
    ],
)
def test_what_does_not_fit_the_directory_is_refused(
    backend: Backend, path: str, body: Any, status: int, code: str
) -> None:
    web = backend.web
    web.user(email="taken@corp.test")
    ids = {"new": uuid4(), "user": backend.user, "business": web.business().id, "firm": web.firm().id}
    said = json.loads(json.dumps(body).replace("{new}", str(ids["new"])))

    refused(backend.ask("PUT", path.format(**ids), json=said), status, code)


def test_a_business_and_its_firm_are_made_and_changed(backend: Backend) -> None:
    firm, business = uuid4(), uuid4()

    made = [
        backend.ask("PUT", f"/firms/{firm}", json={"name": "Reckoners"}),
        backend.ask("PUT", f"/businesses/{business}", json={"name": "Acme", "firm_id": str(firm)}),
    ]
    changed = [
        backend.ask("PUT", f"/firms/{firm}", json={"name": "Counters"}),
        backend.ask("PUT", f"/businesses/{business}", json={"status": "deactivated"}),
    ]

    assert [answer.status_code for answer in (*made, *changed)] == [201, 201, 200, 200]
    at = "2026-03-02T09:30:00Z"
    assert changed[0].json() == {"id": str(firm), "name": "Counters", "created_at": at}
    assert changed[1].json() == {
        "id": str(business),
        "name": "Acme",
        "firm_id": str(firm),
        "status": "deactivated",
        "created_at": at,
    }


@pytest.mark.parametrize("kind", ["businesses", "firms"])
def test_a_member_reads_from_joining_to_leaving(backend: Backend, kind: str) -> None:
    web = backend.web
    to = web.business() if kind == "businesses" else web.firm()
    path = f"/{kind}/{to.id}/members/{backend.user}"
    web.tell(to, title="before")

    for _ in range(2):
        answer = backend.ask("PUT", path)
        assert (answer.status_code, answer.content) == (204, b"")
    web.tell(to, title="while")
    assert [item.notification.title for item in backend.inbox()] == ["while"]
    for _ in range(2):
        assert backend.ask("DELETE", path).status_code == 204

    assert backend.inbox() == []


def test_a_token_that_was_issued_works(backend: Backend) -> None:
    business = backend.web.business()
    backend.ask("PUT", f"/businesses/{business.id}/members/{backend.user}")

    answer = backend.ask(
        "POST", f"/users/{backend.user}/tokens", json={"name": "laptop", "expires_in_days": 30}
    )

    issued = answer.json()
    assert answer.status_code == 201
    assert {name: issued[name] for name in ("user_id", "name", "expires_in_days")} == {
        "user_id": str(backend.user),
        "name": "laptop",
        "expires_in_days": 30,
    }
    assert UUID(issued["id"])
    headers = {"Authorization": f"Bearer {issued['token']}", "x-business-id": str(business.id)}
    assert backend.web.ask("GET", "/api/v1/notifications/count", headers=headers).status_code == 200


def test_tokens_are_bounded(backend: Backend) -> None:
    path = f"/users/{backend.user}/tokens"
    for body in ({"expires_in_days": 0}, {"expires_in_days": 366}, {"name": ""}, {"expires_in_days": "x"}):
        refused(backend.ask("POST", path, json=body), 422, "invalid_request")
    for _ in range(10):
        assert backend.ask("POST", path, json={}).status_code == 201
    assert refused(backend.ask("POST", path, json={}), 422, "too_many")["most"] == 10
    refused(backend.ask("POST", f"/users/{uuid4()}/tokens", json={}), 404, "user_not_found")


def test_an_event_is_added_and_changed(backend: Backend) -> None:
    made = backend.ask("PUT", "/events/rain.heavy", json={"topic": "weather", "channels": {"email": True}})
    changed = backend.ask(
        "PUT", "/events/rain.heavy", json={"topic": "weather", "severity": "urgent", "critical": True}
    )

    off = {"push": False, "web_push": False, "sms": False, "chat": False}
    assert (made.status_code, changed.status_code) == (200, 200)
    assert made.json() == {
        "key": "rain.heavy",
        "topic": "weather",
        "severity": "info",
        "channels": {"in_app": True, "email": True, **off},
        "critical": False,
        "digest": "at_once",
        "escalate_after_minutes": None,
    }
    assert changed.json() == {
        **made.json(),
        "severity": "urgent",
        "critical": True,
        "channels": {"in_app": True, "email": False, **off},
    }
    backend.send(event="rain.heavy")
    assert backend.inbox()[0].notification.severity is Severity.URGENT


def test_a_notification_for_everyone_reaches_who_is_there_then(backend: Backend) -> None:
    backend.web.tell(everyone, own(backend.user), title="before")
    late = backend.web.user()

    backend.send(to={"everyone": True}, title="after")

    assert [item.notification.title for item in backend.inbox(late)] == ["after"]
    assert len(backend.inbox()) == 3


def test_the_document_names_every_call(backend: Backend) -> None:
    document = backend.web.ask("GET", "/docs/native/openapi.json").json()

    assert set(document["paths"]) == {
        route.path.replace(":path}", "}")
        for route in CALLS
        if route.surface == "native" and route.path.startswith("/v1/")
    }

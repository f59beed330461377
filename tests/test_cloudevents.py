"""Sending in the form of CloudEvents 1.0: structured, batched, and each event once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import sqlalchemy as sa
from hypothesis import given

from tests.conftest import MovingClock, Run
from tests.test_native import EVENT, Backend, refused
from tests.web import ANY_JSON, PEER, Web, anything_goes
from tidings.storage.engine import Database
from tidings.storage.tables import idempotency

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


class Source(Backend):
    """A backend that speaks CloudEvents."""

    def event(self, **changes: Any) -> dict[str, Any]:
        """An event of which `None` takes an attribute away."""
        data = {"to": {"user": str(self.user)}, "title": "Paid"}
        event = {
            "specversion": "1.0",
            "id": "1",
            "source": "/billing",
            "type": EVENT,
            "data": data,
            **changes,
        }
        return {name: value for name, value in event.items() if value is not None}

    def told(self, **changes: Any) -> dict[str, Any]:
        """The data of an event, with changes."""
        return {"to": {"user": str(self.user)}, "title": "Paid", **changes}

    def post(
        self, said: Any, kind: str = STRUCTURED, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        content = said if isinstance(said, bytes) else json.dumps(said)
        return self.ask("POST", "/events", content=content, headers={"Content-Type": kind, **(headers or {})})

    def titles(self) -> list[str]:
        return [item.notification.title for item in self.inbox()]


@pytest.fixture
def source(run: Run, database: Database, clock: MovingClock) -> Source:
    return Source(Web(run, database, clock))


@pytest.mark.parametrize(
    "kind", [STRUCTURED, "application/json", "Application/CloudEvents+JSON; charset=UTF-8"]
)
def test_an_event_becomes_a_notification(source: Source, kind: str) -> None:
    event = source.event(
        time="2026-03-01T12:00:00+02:00",
        subject="invoice/7",
        datacontenttype="application/json",
        dataschema="https://shop.example/schema",
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        partitionkey=None,
    )

    answer = source.post(event, kind)

    [item] = source.inbox()
    assert answer.status_code == 201
    assert answer.json() == {"ids": [str(item.id)]}
    assert "idempotency-replayed" not in answer.headers
    assert (item.notification.event, item.notification.title) == (EVENT, "Paid")
    assert str(item.notification.occurred_at) == "2026-03-01 10:00:00+00:00"


def test_the_time_in_the_data_goes_before_that_of_the_event(source: Source) -> None:
    data = source.told(occurred_at="2026-02-01T00:00:00Z")

    source.post(source.event(time="2026-03-01T00:00:00Z", data=data))

    assert str(source.inbox()[0].notification.occurred_at) == "2026-02-01 00:00:00+00:00"


def test_the_same_event_is_sent_once(source: Source) -> None:
    first = source.post(source.event(traceparent="a"))
    again = source.post(source.event(traceparent="b", subject="c"))

    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert source.titles() == ["Paid"]


@pytest.mark.parametrize("change", ["type", "time", "data"])
def test_the_same_source_and_id_with_other_content_is_refused(source: Source, change: str) -> None:
    source.web.event("other")
    source.post(source.event())
    changed = {
        "type": "other",
        "time": "2026-03-01T12:00:00Z",
        "data": source.told(title="Other"),
    }

    problem = refused(source.post(source.event(**{change: changed[change]})), 422, "idempotency_mismatch")

    assert (problem["source"], problem["id"]) == ("/billing", "1")
    assert len(source.inbox()) == 1


def test_what_makes_an_event_is_its_source_and_id_together(source: Source) -> None:
    for number, (where, id_) in enumerate([("a", "bc"), ("ab", "c"), ("1 a", "b"), ("a", "1 b")]):
        answer = source.post(source.event(source=where, id=id_, data=source.told(title=str(number))))
        assert answer.status_code == 201

    assert source.titles() == ["0", "1", "2", "3"]


def test_an_event_is_known_for_a_day_and_to_its_sender(source: Source) -> None:
    source.post(source.event())
    source.key, mine = source.another_key(), source.key
    assert "idempotency-replayed" not in source.post(source.event()).headers
    source.key = mine
    source.web.clock.move(hours=23, minutes=59)
    assert source.post(source.event()).headers["idempotency-replayed"] == "true"
    source.web.clock.move(minutes=1)
    assert "idempotency-replayed" not in source.post(source.event(data=source.told(title="Other"))).headers
    assert (
        source.post(source.event(data=source.told(title="Other"))).headers["idempotency-replayed"] == "true"
    )

    assert source.titles() == ["Paid", "Paid", "Other"]


def test_no_header_key_can_be_that_of_an_event(source: Source) -> None:
    source.post(source.event())

    async def keys() -> list[str]:
        async with source.web.database.read() as store:
            return [row.key for row in await store.connection.all(sa.select(idempotency.c.key))]

    [key] = source.web.run(keys())
    assert source.send(headers={"Idempotency-Key": key}, title="by header").status_code == 201
    assert source.titles() == ["Paid", "by header"]


def test_a_header_key_counts_as_for_every_write(source: Source) -> None:
    key = {"Idempotency-Key": "k"}
    first = source.post(source.event(), headers=key)
    other = source.event(id="2")

    assert source.post(source.event(), headers=key).json() == first.json()
    refused(source.post(other, headers=key), 422, "idempotency_mismatch")
    assert source.post(other).status_code == 201
    assert len(source.inbox()) == 2


def test_a_refused_event_leaves_its_id_free(source: Source) -> None:
    refused(source.post(source.event(type="unknown")), 422, "unknown_event")

    assert source.post(source.event()).status_code == 201


def test_of_the_same_event_many_times_at_once_one_is_sent(source: Source) -> None:
    async def all_at_once() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(source.web.app, client=(PEER, 1))
        headers = {"Authorization": f"Bearer {source.key}", "Content-Type": STRUCTURED}
        async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
            return await asyncio.gather(
                *[client.post("/v1/events", json=source.event(), headers=headers) for _ in range(6)]
            )

    answers = source.web.run(all_at_once())

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 5
    assert len(source.inbox()) == 1


# --- batches -----------------------------------------------------------------------------------------------


def batch(source: Source, *ids: str) -> list[dict[str, Any]]:
    return [source.event(id=id_, data=source.told(title=id_)) for id_ in ids]


def test_a_batch_is_sent_in_its_order(source: Source) -> None:
    other = source.web.user()
    events = batch(source, "a", "b", "c")
    events[1]["data"]["to"] = {"users": [str(source.user), str(other)]}

    answer = source.post(events, BATCH)

    assert answer.status_code == 201
    mine = [str(item.id) for item in source.inbox()]
    [theirs] = source.inbox(other)
    assert answer.json() == {"ids": [mine[0], mine[1], str(theirs.id), mine[2]]}


def test_an_empty_batch_sends_nothing(source: Source) -> None:
    answer = source.post([], BATCH)

    assert (answer.status_code, answer.json()) == (201, {"ids": []})
    assert "idempotency-replayed" not in answer.headers


def test_of_a_batch_what_came_before_is_not_sent_again(source: Source) -> None:
    first = source.post(batch(source, "b"), BATCH).json()["ids"]
    mixed = source.post(batch(source, "a", "b", "c", "a"), BATCH)
    again = source.post(batch(source, "c", "b", "a"), BATCH)

    assert source.titles() == ["b", "a", "c"]
    ids = mixed.json()["ids"]
    assert ids[1:2] == first
    assert ids[0] == ids[3]
    assert "idempotency-replayed" not in mixed.headers
    assert again.json()["ids"] == [ids[2], ids[1], ids[0]]
    assert again.headers["idempotency-replayed"] == "true"


def test_a_batch_is_sent_all_or_none(source: Source) -> None:
    source.post(source.event(id="before"))
    for bad in (
        {"id": "before", "data": source.told(title="Other")},
        {"type": "unknown"},
        {"data": source.told(to={"user": str(uuid4())})},
        {"id": "a", "data": source.told(title="not a")},
        {"specversion": "0.3"},
    ):
        answer = source.post([*batch(source, "a", "b"), source.event(**{"id": "c", **bad})], BATCH)
        assert answer.status_code == 422

    assert source.titles() == ["Paid"]
    assert "idempotency-replayed" not in source.post(batch(source, "a", "b"), BATCH).headers


def test_a_batch_is_of_a_thousand_at_most(source: Source) -> None:
    events = batch(source, *map(str, range(1001)))

    problem = refused(source.post(events, BATCH), 422, "invalid_request")
    assert problem["errors"][0]["type"] == "too_long"
    everybody = [str(source.user), *(str(uuid4()) for _ in range(600))]
    crowd = [source.event(id=n, data=source.told(to={"users": everybody})) for n in "ab"]
    refused(source.post(crowd, BATCH), 422, "too_many")
    answer = source.post(events[:1000], BATCH)
    assert len(answer.json()["ids"]) == 1000
    assert source.post(events[:1000], BATCH).json() == answer.json()
    assert len(source.inbox()) == 1000


# --- what is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"specversion": 1.0}, "specversion"),
        ({"specversion": None}, "specversion"),
        ({"id": None}, "id"),
        ({"id": ""}, "id"),
        ({"id": 7}, "id"),
        ({"source": None}, "source"),
        ({"source": ""}, "source"),
        ({"source": "\0"}, "source"),
        ({"type": None}, "type"),
        ({"type": "x" * 129}, "type"),
        ({"time": "yesterday"}, "time"),
        ({"time": 7}, "time"),
        ({"subject": ""}, "subject"),
        ({"datacontenttype": "application/xml"}, "datacontenttype"),
        ({"data": None}, "data"),
        ({"data": "text"}, "data"),
        ({"data": {}}, "data.to"),
        ({"data_base64": "eyJ9"}, "data_base64"),
    ],
)
def test_an_event_that_is_none_is_refused(source: Source, changes: dict[str, Any], where: str) -> None:
    for said, kind in ((source.event(**changes), STRUCTURED), ([source.event(**changes)], BATCH)):
        problem = refused(source.post(said, kind), 422, "invalid_request")
        place = ".".join(str(part) for part in problem["errors"][0]["loc"] if isinstance(part, str))
        assert place == f"body.{where}"


def test_the_data_does_not_name_the_event(source: Source) -> None:
    refused(source.post(source.event(data=source.told(event=EVENT))), 422, "invalid_request")


@pytest.mark.parametrize(
    ("kind", "headers"),
    [
        ("", {}),
        ("text/plain", {}),
        ("application/xml", {}),
        ("application/cloudevents", {}),
        ("application/cloudevents+xml", {}),
        ("application/cloudevents+json; charset=utf-16", {}),
        ("application/json", {"ce-specversion": "1.0", "ce-id": "1"}),
        ("text/plain", {"CE-ID": "1"}),
    ],
)
def test_another_content_type_is_refused(source: Source, kind: str, headers: dict[str, str]) -> None:
    problem = refused(source.post(source.event(), kind, headers), 415, "unsupported_media_type")

    assert STRUCTURED in problem["detail"]
    assert ("binary mode" in problem["detail"]) == bool(headers)
    assert source.inbox() == []


def test_headers_may_repeat_what_a_structured_event_says(source: Source) -> None:
    assert source.post(source.event(), headers={"ce-id": "1"}).status_code == 201


@pytest.mark.parametrize(
    ("said", "kind", "status"),
    [
        (b"", STRUCTURED, 422),
        (b"{", STRUCTURED, 422),
        (b"[]", STRUCTURED, 422),
        (b"null", STRUCTURED, 422),
        (b"{}", BATCH, 422),
        (b"[null]", BATCH, 422),
        (b"\xff\xfe\x00", STRUCTURED, 400),
        (b"[" * 100_000, BATCH, 400),
        (b'{"x": ' + b"9" * 5000 + b"}", STRUCTURED, 400),
    ],
)
def test_a_body_that_is_no_event_is_refused(source: Source, said: bytes, kind: str, status: int) -> None:
    for headers in ({}, {"Idempotency-Key": "k"}):
        answer = source.post(said, kind, headers)
        refused(answer, status, "invalid_request" if status == 422 else "unreadable_body")


@pytest.mark.parametrize(
    "extension",
    [
        b"NaN",
        b"1e999",
        b"123456789012345678901234567890",
        b'"\\ud800"',
        b'"\\u0000"',
        b"[" * 500 + b"]" * 500,
    ],
)
def test_what_an_extension_holds_is_no_matter(source: Source, extension: bytes) -> None:
    said = json.dumps(source.event()).encode()[:-1] + b', "ext": ' + extension + b"}"
    for headers in ({"Idempotency-Key": "k"}, {"Idempotency-Key": "k"}, {}):
        assert source.post(said, headers=headers).status_code == 201

    assert len(source.inbox()) == 1


@anything_goes
@given(said=ANY_JSON)
def test_nothing_that_is_sent_is_an_error_of_the_server(source: Source, said: Any) -> None:
    for kind in (STRUCTURED, BATCH):
        for event in (said, source.event(id=str(uuid4()), data=said), source.event(id=said)):
            assert source.post(event if kind == STRUCTURED else [event], kind).status_code in (201, 422)


def test_only_a_service_key_sends(source: Source) -> None:
    token = {"Authorization": f"Bearer {source.web.api_token(source.user)}"}

    refused(source.post(b"{", headers=token), 401, "unauthenticated")

"""Sending later: accepted now, appended once at its time, called off or asked about until then and after."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
import sqlalchemy as sa

from tests.conftest import MovingClock, OpenDatabase, Run
from tests.servers import serve
from tests.test_native import EVENT, Backend, refused
from tests.web import Web, everyone, own
from tidings.identity import directory, tokens
from tidings.inbox import catalog, scheduling
from tidings.inbox.upkeep import run_upkeep
from tidings.model import Address, Audience, Draft
from tidings.storage.engine import Database
from tidings.storage.tables import scheduled


class Later(Backend):
    """A backend that sends later."""

    def at(self, **ahead: float) -> str:
        return (self.web.clock.at + timedelta(**ahead)).isoformat()

    def ids(self, answer: httpx2.Response) -> list[str]:
        assert answer.status_code == 201, answer.text
        return answer.json()["ids"]

    def waits(self, **changes: Any) -> str:
        """The id under which something waits for an hour."""
        return self.ids(self.send(**{"send_at": self.at(hours=1), **changes}))[0]

    def told_of(self, id_: str) -> dict[str, Any]:
        answer = self.ask("GET", f"/scheduled/{id_}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send_due(self) -> timedelta | None:
        return self.web.run(scheduling.send_due(self.web.database))

    def titles(self, user: UUID | None = None) -> list[str]:
        return [item.notification.title for item in self.inbox(user)]


@pytest.fixture
def later(run: Run, database: Database, clock: MovingClock) -> Later:
    return Later(Web(run, database, clock))


def test_it_is_there_at_its_time_and_not_before(later: Later, clock: MovingClock) -> None:
    said = {"body": "b", "data": {"n": [1, None]}, "actions": [{"label": "Open"}], "severity": "urgent"}
    said |= {"occurred_at": "2026-01-01T00:00:00Z", "expires_at": later.at(hours=3)}
    id_ = later.waits(**said)
    waiting = later.told_of(id_)
    clock.move(minutes=59, seconds=59)
    assert later.send_due() == timedelta(seconds=1)
    assert later.inbox() == []

    at = clock.move(seconds=1)
    assert later.send_due() is None

    [item] = later.inbox()
    sent = item.notification
    assert sent.created_at == at
    assert (sent.seq, sent.position, sent.body, sent.data) == (1, 1, "b", said["data"])
    assert (sent.actions, sent.severity.value) == (said["actions"], "urgent")
    assert (str(sent.occurred_at), str(sent.expires_at)) == (
        "2026-01-01 00:00:00+00:00",
        "2026-03-02 12:30:00+00:00",
    )
    assert waiting == {
        "id": id_,
        "to": {"user": str(later.user)},
        "event": EVENT,
        "title": "Paid",
        "send_at": "2026-03-02T10:30:00Z",
        "state": "waiting",
        "notification_id": None,
        "refusal": None,
        "finished_at": None,
    }
    assert later.told_of(id_) == waiting | {
        "state": "sent",
        "notification_id": str(sent.id),
        "finished_at": "2026-03-02T10:30:00Z",
    }


@pytest.mark.parametrize("send_at", [None, "1999-12-31T23:59:59Z", "2026-03-02T09:30:00Z"])
def test_what_is_not_ahead_is_sent_at_once(later: Later, send_at: str | None) -> None:
    ids = later.ids(later.send(send_at=send_at))

    assert ids == [str(item.id) for item in later.inbox()]
    refused(later.ask("GET", f"/scheduled/{ids[0]}"), 404, "schedule_not_found")


def test_now_and_later_keep_the_order_of_the_request(later: Later, clock: MovingClock) -> None:
    other = later.web.user()
    both = {"users": [str(other), str(later.user)]}
    said = [
        later.said(title="a", send_at=later.at(minutes=2)),
        later.said(title="b"),
        later.said(title="c", to=both, send_at=later.at(minutes=1)),
        later.said(title="d"),
    ]
    ids = later.ids(later.ask("POST", "/notifications/batch", json={"notifications": said}))

    now = [str(item.id) for item in later.inbox()]
    assert [ids[1], ids[4]] == now
    assert [later.told_of(id_)["title"] for id_ in (ids[0], ids[2], ids[3])] == ["a", "c", "c"]
    assert [later.told_of(id_)["to"]["user"] for id_ in ids[2:4]] == [str(other), str(later.user)]
    clock.move(minutes=2)
    later.send_due()
    assert later.titles() == ["b", "d", "c", "a"]
    assert later.titles(other) == ["c"]


def test_it_reaches_every_kind_of_recipient(later: Later, clock: MovingClock) -> None:
    business, firm = later.web.business(), later.web.firm()
    member = later.web.user(business, firm)
    for name, to in (("business", str(business.id)), ("firm", str(firm.id)), ("everyone", True)):
        assert later.told_of(later.waits(to={name: to}, title=name))["to"] == {name: to}
    clock.move(hours=1)
    later.send_due()

    assert sorted(later.titles(member)) == ["business", "everyone", "firm"]


def test_a_key_and_an_event_send_later_once(later: Later, clock: MovingClock) -> None:
    key, at = {"Idempotency-Key": "k"}, later.at(hours=1)
    ids = [later.ids(later.send(headers=key, send_at=at)) for _ in range(2)]
    event = {"specversion": "1.0", "id": "1", "source": "/x", "type": EVENT}
    event["data"] = {"to": {"user": str(later.user)}, "title": "Event", "send_at": at}
    headers = {"Content-Type": "application/cloudevents+json"}
    events = [later.ids(later.ask("POST", "/events", json=event, headers=headers)) for _ in range(2)]
    assert ids[0] == ids[1]
    assert events[0] == events[1]
    assert later.inbox() == []

    clock.move(hours=1)
    later.send_due()
    assert sorted(later.titles()) == ["Event", "Paid"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"send_at": "2027-03-03T09:30:01Z"}, "invalid_input"),
        ({"send_at": "9999-12-31T23:59:59Z"}, "invalid_input"),
        ({"send_at": "tomorrow"}, "invalid_request"),
        ({"send_at": 1772443800}, "invalid_request"),
        ({"event": "unknown"}, "unknown_event"),
        ({"event": "\0"}, "invalid_request"),
        ({"to": {"user": str(uuid4())}}, "unknown_recipient"),
        ({"to": {"users": [str(uuid4()) for _ in range(999)]}}, "unknown_recipient"),
        ({"to": {"users": [str(uuid4()) for _ in range(1001)]}}, "invalid_request"),
        ({"expires_at": "2026-03-02T10:30:00Z"}, "invalid_input"),
        ({"expires_at": "2026-03-02T09:00:00Z"}, "invalid_input"),
    ],
)
def test_what_can_be_checked_is_checked_when_it_is_accepted(
    later: Later, changes: dict[str, Any], code: str
) -> None:
    said = later.said(**{"send_at": later.at(hours=1), **changes})

    refused(later.ask("POST", "/notifications", json=said), 422, code)
    batch = {"notifications": [later.said(), said]}
    refused(later.ask("POST", "/notifications/batch", json=batch), 422, code)
    assert later.inbox() == []
    assert rows(later) == []


def test_the_limit_counts_now_and_later_together(later: Later) -> None:
    many = {"users": [str(later.web.user()) for _ in range(2)]}
    said = [later.said(to=many, send_at=later.at(hours=1)), *[later.said()] * 999]

    refused(later.ask("POST", "/notifications/batch", json={"notifications": said}), 422, "too_many")
    assert rows(later) == []


def rows(later: Later) -> Sequence[Any]:
    async def read() -> Sequence[Any]:
        async with later.web.database.read() as store:
            return await store.connection.all(sa.select(scheduled))

    return later.web.run(read())


# --- taking back -------------------------------------------------------------------------------------------


def test_what_waits_is_called_off(later: Later, clock: MovingClock) -> None:
    id_, other = later.waits(), later.waits(title="Other")
    key = {"Idempotency-Key": "k"}

    for _ in range(2):
        assert later.ask("DELETE", f"/notifications/{id_}", headers=key).status_code == 204
    refused(later.ask("DELETE", f"/notifications/{id_}"), 404, "notification_not_found")

    told = later.told_of(id_)
    assert (told["state"], told["notification_id"], told["refusal"]) == ("called_off", None, None)
    assert told["finished_at"] == "2026-03-02T09:30:00Z"
    clock.move(hours=1)
    later.send_due()
    assert later.titles() == ["Other"]
    assert later.told_of(other)["state"] == "sent"


def test_what_was_sent_is_withdrawn_by_either_id(later: Later, clock: MovingClock) -> None:
    first, second = later.waits(title="a"), later.waits(title="b")
    clock.move(hours=1)
    later.send_due()

    assert later.ask("DELETE", f"/notifications/{first}").status_code == 204
    refused(later.ask("DELETE", f"/notifications/{first}"), 404, "notification_not_found")
    became = later.told_of(second)["notification_id"]
    assert later.ask("DELETE", f"/notifications/{became}").status_code == 204
    refused(later.ask("DELETE", f"/notifications/{second}"), 404, "notification_not_found")

    assert later.inbox() == []
    assert later.told_of(first)["state"] == "sent"


def test_nothing_waits_under_an_id_that_is_nobodys(later: Later) -> None:
    refused(later.ask("GET", f"/scheduled/{uuid4()}"), 404, "schedule_not_found")
    refused(later.ask("GET", "/scheduled/x"), 422, "invalid_request")
    refused(later.ask("DELETE", f"/notifications/{uuid4()}"), 404, "notification_not_found")


# --- when it is due ----------------------------------------------------------------------------------------


def test_what_goes_wrong_at_its_time_is_kept_and_holds_nobody_up(later: Later, clock: MovingClock) -> None:
    ids = [later.waits(title=str(number)) for number in range(5)]
    changes = {1: {"event": "unknown"}, 3: {"title": None}}
    for number, change in changes.items():
        spoil(later, UUID(ids[number]), change)
    clock.move(hours=1)

    assert later.send_due() is None

    assert sorted(later.titles()) == ["0", "2", "4"]
    told = [later.told_of(id_) for id_ in ids[::2]]
    assert {one["state"] for one in told} == {"sent"}
    [row] = [row for row in rows(later) if str(row.scheduled_id) == ids[3]]
    assert row.refusal.startswith("internal: ")
    told = later.told_of(ids[1])
    assert (told["state"], told["notification_id"]) == ("refused", None)
    assert told["refusal"].startswith("unknown_event: ")
    assert told["finished_at"] == "2026-03-02T10:30:00Z"
    refused(later.ask("DELETE", f"/notifications/{ids[1]}"), 404, "notification_not_found")


def spoil(later: Later, id_: UUID, change: dict[str, Any]) -> None:
    """Change a draft as no request could."""

    async def changed(store: Any) -> None:
        one = await scheduling.find(store, id_)
        audience = {"audience": one.to.audience.value}
        await store.connection.execute(
            sa.update(scheduled)
            .where(scheduled.c.scheduled_id == id_)
            .values(draft={**audience, **one.draft, **change})
        )

    later.web.write(changed)


def test_what_expired_while_it_could_not_be_sent_is_refused(later: Later, clock: MovingClock) -> None:
    id_ = later.waits(expires_at=later.at(hours=2))
    clock.move(hours=3)
    later.send_due()

    assert later.told_of(id_)["refusal"] == "invalid_input: expires_at must lie ahead."
    assert later.inbox() == []


def test_a_database_that_fails_refuses_nothing(later: Later, clock: MovingClock) -> None:
    id_ = later.waits()
    clock.move(hours=1)
    rename(later, "notification", "elsewhere")
    with pytest.raises(Exception, match="notification"):
        later.send_due()
    rename(later, "elsewhere", "notification")
    assert later.told_of(id_)["state"] == "waiting"

    later.send_due()
    assert later.titles() == ["Paid"]


def rename(later: Later, old: str, new: str) -> None:
    statement = sa.text(f"ALTER TABLE {old} RENAME TO {new}")
    later.web.write(lambda store: store.connection.execute(statement))


def test_many_are_sent_in_their_order_by_several_workers_each_once(
    run: Run, database_url: str, open_database: OpenDatabase, clock: MovingClock
) -> None:
    databases = [open_database(database_url, clock=clock) for _ in range(3)]
    web = Web(run, databases[0], clock)
    web.event(EVENT)
    people = [web.user() for _ in range(7)]
    drafts = [
        Draft(
            to=everyone if number % 8 == 7 else own(people[number % 8]),
            event=EVENT,
            title=str(number),
            send_at=clock.at + timedelta(seconds=1 + number % 5),
        )
        for number in range(450)
    ]
    ids = web.write(lambda store: scheduling.send(store, drafts))
    clock.move(minutes=1)

    async def work() -> None:
        await asyncio.gather(*[scheduling.send_due(database) for database in databases])

    run(work())

    async def sent() -> Sequence[Any]:
        async with databases[0].read() as store:
            return await store.connection.all(
                sa.text("SELECT title, stream_id, seq FROM notification ORDER BY stream_id, seq")
            )

    found = run(sent())
    assert sorted(int(row.title) for row in found) == list(range(450))
    for stream in {row.stream_id for row in found}:
        numbers = [int(row.title) for row in found if row.stream_id == stream]
        assert numbers == sorted(numbers, key=lambda number: (number % 5, number))
    states = [web.write(lambda store, id_=id_: scheduling.find(store, id_)) for id_ in ids[:20]]
    assert len({state.notification_id for state in states}) == 20


def test_calling_off_and_sending_at_once_come_to_one_end(
    run: Run, database_url: str, open_database: OpenDatabase, clock: MovingClock
) -> None:
    databases = [open_database(database_url, clock=clock) for _ in range(2)]
    web = Web(run, databases[0], clock)
    web.event(EVENT)
    user = web.user()
    at = clock.at + timedelta(hours=1)
    drafts = [Draft(to=own(user), event=EVENT, title=str(number), send_at=at) for number in range(20)]
    ids = web.write(lambda store: scheduling.send(store, drafts))
    clock.move(hours=1)

    async def take_back(id_: UUID) -> None:
        async with databases[1].begin() as store:
            await scheduling.take_back(store, id_)

    async def work() -> None:
        await asyncio.gather(scheduling.send_due(databases[0]), *[take_back(id_) for id_ in ids[::2]])

    run(work())

    async def standing() -> set[str]:
        async with databases[0].read() as store:
            there = "SELECT title FROM notification WHERE id NOT IN (SELECT id FROM ending)"
            return {row.title for row in await store.connection.all(sa.text(there))}

    assert run(standing()) == {str(number) for number in range(1, 20, 2)}


def test_what_still_waits_is_not_told_again(later: Later, clock: MovingClock) -> None:
    path = f"/scheduled/{later.waits()}"
    waiting = later.ask("GET", path)
    polled = {"If-None-Match": waiting.headers["etag"]}

    same = later.ask("GET", path, headers=polled)
    clock.move(hours=1)
    later.send_due()
    sent = later.ask("GET", path, headers=polled)

    assert waiting.headers["cache-control"] == "private, no-cache"
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", waiting.headers["etag"])
    assert (sent.status_code, sent.json()["state"]) == (200, "sent")
    assert sent.headers["etag"] != waiting.headers["etag"]
    assert "etag" not in later.ask("GET", f"/scheduled/{uuid4()}").headers


def test_what_is_finished_is_told_for_a_week(later: Later, clock: MovingClock) -> None:
    sent, waiting = later.waits(), later.waits(send_at=later.at(days=30))
    called_off = later.waits()
    later.ask("DELETE", f"/notifications/{called_off}")
    clock.move(hours=1)
    later.web.run(run_upkeep(later.web.database))
    assert later.titles() == ["Paid"]
    clock.move(days=7)
    later.web.run(run_upkeep(later.web.database))
    assert later.told_of(sent)["state"] == "sent"
    refused(later.ask("GET", f"/scheduled/{called_off}"), 404, "schedule_not_found")
    clock.move(seconds=1)
    later.web.run(run_upkeep(later.web.database))

    refused(later.ask("GET", f"/scheduled/{sent}"), 404, "schedule_not_found")
    assert later.told_of(waiting)["state"] == "waiting"


def test_a_server_sends_within_about_a_second_of_the_time(
    run: Run, database_url: str, open_database: OpenDatabase, tmp_path: Path
) -> None:
    database, user = open_database(database_url), uuid4()

    async def furnish() -> tuple[str, UUID, datetime]:
        async with database.begin() as store:
            await directory.put_user(store, user)
            await catalog.put_event(store, EVENT, topic="billing", channels={})
            return (await tokens.issue_service_key(store, "tests"))[1], user, await store.now()

    async def planned() -> list[UUID]:
        async with database.begin() as store:
            now = await store.now()
            to = Address(audience=Audience.USER, id=user)
            ahead = [timedelta(milliseconds=wait) for wait in (50, 700, 1500)]
            return await scheduling.send(
                store, [Draft(to=to, event=EVENT, title="Due", send_at=now + wait) for wait in ahead]
            )

    key, *_ = run(furnish())
    server = serve(database_url, tmp_path / "log").ready()
    try:
        ids, deadline = run(planned()), time.monotonic() + 30
        headers = {"Authorization": f"Bearer {key}"}
        for id_ in ids:
            told: dict[str, Any] = {"state": "waiting"}
            while told["state"] == "waiting" and time.monotonic() < deadline:
                told = httpx2.get(f"{server.base_url}/v1/scheduled/{id_}", headers=headers).json()
            late = datetime.fromisoformat(told["finished_at"]) - datetime.fromisoformat(told["send_at"])
            assert timedelta(0) <= late < timedelta(seconds=3)  # one, and the machine may be busy
    finally:
        assert server.stop() == 0

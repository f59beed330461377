"""The native contract's inbox: listing, counting, operations and undo, with a reader's token."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import MovingClock, Run
from tests.test_native import refused
from tests.web import ANY_JSON, ESCAPED, SECRET, Web, anything_goes, everyone, own
from tidings.identity import directory
from tidings.identity.tokens import issue_service_key
from tidings.inbox import alerts, feed
from tidings.model import AccountStatus, Address, BusinessStatus, Severity
from tidings.realtime.positions import position_of
from tidings.storage.engine import Database
from tidings.storage.store import Store
from tidings.surfaces.native.operation_ids import operation_id

Json = dict[str, Any]


class Inbox:
    """One reader's inbox over HTTP."""

    def __init__(self, web: Web, token: str, reader_id: UUID) -> None:
        self.web, self.id = web, reader_id
        self.headers = {"Authorization": f"Bearer {token}"}

    def ask(
        self, method: str, path: str = "", *, headers: Mapping[str, str] | None = None, **content: Any
    ) -> httpx2.Response:
        return self.web.ask(
            method, f"/v1/inbox{path}", headers={**self.headers, **(headers or {})}, **content
        )

    def page(self, **params: Any) -> Json:
        answer = self.ask("GET", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def items(self, **params: Any) -> list[Json]:
        """All pages of a list."""
        items: list[Json] = []
        cursor: dict[str, Any] = {}
        while True:
            page = self.page(**params, **cursor)
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            cursor = {"cursor": page["next_cursor"]}

    def titles(self, **params: Any) -> list[str]:
        return [item["title"] for item in self.items(**params)]

    def counts(self, **params: Any) -> Json:
        answer = self.ask("GET", "/counts", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def one(self, id_: UUID) -> Json:
        answer = self.ask("GET", f"/{id_}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def operate(self, action: str, **body: Any) -> Json:
        answer = self.post(action, **body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, action: str, **body: Any) -> httpx2.Response:
        said = {"action": action, **body}
        if "ids" in said:
            said["ids"] = [str(id_) for id_ in said["ids"]]
        return self.ask("POST", "/operations", json=said)

    def undo(self, operation: object) -> httpx2.Response:
        return self.ask("POST", f"/operations/{operation}/undo")


class World:
    """A user of a business and a firm, and a user who logs in as the business's company."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.business, self.firm = web.business(), web.firm()
        self.user = web.user(self.business, self.firm)
        self.stranger = web.user()
        self.mine = self.of(self.user)
        self.clerk = web.user(company_id=self.business.id)
        self.company = Inbox(web, web.jwt(self.clerk, "company"), self.business.id)

    def of(self, user_id: UUID) -> Inbox:
        return Inbox(self.web, self.web.api_token(user_id), user_id)


@pytest.fixture
def web(run: Run, database: Database, clock: MovingClock) -> Web:
    return Web(run, database, clock)


@pytest.fixture
def world(web: Web) -> World:
    return World(web)


# --- who ---------------------------------------------------------------------------------------------------


def test_each_kind_of_token_opens_its_readers_inbox(world: World, web: Web) -> None:
    web.tell(own(world.user), title="own")
    web.tell(world.business, title="business")
    personal = Inbox(web, web.jwt(world.user, "personal"), world.user)

    assert sorted(world.mine.titles()) == ["business", "own"]
    assert sorted(personal.titles()) == ["business", "own"]
    assert world.company.titles() == ["business"]


def test_a_service_key_opens_no_inbox_and_a_readers_token_sends_nothing(world: World, web: Web) -> None:
    key = web.write(lambda store: issue_service_key(store, "backend"))[1]
    for path in ("", "/counts", f"/{uuid4()}", "/preferences"):
        answer = web.ask("GET", f"/v1/inbox{path}", headers={"Authorization": f"Bearer {key}"})
        refused(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"
    said = {"to": {"user": str(world.user)}, "event": "e", "title": "t"}
    for headers in (world.mine.headers, world.company.headers, web.personal(world.user)):
        refused(web.ask("POST", "/v1/notifications", headers=headers, json=said), 401, "unauthenticated")


def test_who_is_not_active_has_no_inbox(world: World, web: Web) -> None:
    personal, token = web.personal(world.user), world.mine.headers
    nobody = {"Authorization": "Bearer dz_" + "x" * 43}

    def suspend(store: Store) -> Any:
        return store.accounts.put_account(world.user, {"status": AccountStatus.SUSPENDED.value}, web.clock.at)

    for headers in (
        nobody,
        {"Authorization": "Basic x"},
        {"Authorization": ""},
        web.scoped(world.user, world.business) | nobody,
    ):
        refused(web.ask("GET", "/v1/inbox", headers=headers), 401, "unauthenticated")
    web.write(suspend)
    for headers in (personal, token):
        refused(web.ask("GET", "/v1/inbox", headers=headers), 401, "unauthenticated")


def test_a_companys_token_is_judged_as_by_the_companys_own_contract(world: World, web: Web) -> None:
    alone = Inbox(web, web.jwt(world.stranger, "company"), world.stranger)

    refused(alone.ask("GET"), 404, "company_not_found")
    web.write(
        lambda store: store.accounts.put_business(
            world.business.id, {"status": BusinessStatus.DEACTIVATED.value}, web.clock.at
        )
    )
    refused(world.company.ask("GET"), 404, "company_not_found")


def test_an_access_token_ends(world: World, web: Web) -> None:
    personal = Inbox(web, web.jwt(world.user, "personal"), world.user)
    web.clock.move(seconds=901)

    refused(personal.ask("GET"), 401, "unauthenticated")
    refused(world.company.ask("GET"), 401, "unauthenticated")


def test_the_caller_is_known_before_the_body_is_read(web: Web) -> None:
    refused(web.ask("POST", "/v1/inbox/operations", content=b"{"), 401, "unauthenticated")


# --- the list ----------------------------------------------------------------------------------------------


def test_an_item_tells_everything(world: World, web: Web) -> None:
    at = web.clock.at
    [id_] = web.tell(
        world.firm,
        event="tax.due",
        topic="tax",
        severity=Severity.URGENT,
        title="Due",
        body="Soon",
        data={"n": [1, None]},
        actions=[{"label": "Open"}],
        occurred_at=at - timedelta(hours=1),
        expires_at=at + timedelta(days=1),
    )
    web.clock.move(minutes=1)
    world.mine.operate("read", ids=[id_])
    world.mine.operate("pin", ids=[id_])

    [item] = world.mine.items()

    assert item == world.mine.one(id_)
    assert item == {
        "id": str(id_),
        "scope": "firm",
        "scope_id": str(world.firm.id),
        "stream": str(world.firm.id),
        "seq": 1,
        "lane": item["lane"],
        "position": 1,
        "event": "tax.due",
        "topic": "tax",
        "severity": "urgent",
        "status": "seen",
        "title": "Due",
        "body": "Soon",
        "data": {"n": [1, None]},
        "actions": [{"label": "Open"}],
        "pinned": True,
        "seen_at": "2026-03-02T09:31:00Z",
        "read_at": "2026-03-02T09:31:00Z",
        "dismissed_at": None,
        "snoozed_until": None,
        "created_at": "2026-03-02T09:30:00Z",
        "occurred_at": "2026-03-02T08:30:00Z",
        "expires_at": "2026-03-03T09:30:00Z",
        "resolved_at": None,
    }
    assert isinstance(item["lane"], int)


def test_a_list_is_narrowed_by_every_filter(world: World, web: Web) -> None:
    web.tell(own(world.user), title="own")
    web.tell(everyone, title="all", event="news", topic="letters", severity=Severity.WARNING)
    web.tell(world.business, title="business", event="tax.due", topic="tax", severity=Severity.URGENT)
    web.tell(world.firm, title="firm", event="tax.paid", topic="tax")

    def titles(**params: Any) -> set[str]:
        return set(world.mine.titles(**params))

    assert titles() == {"own", "all", "business", "firm"}
    assert titles(scope="me") == {"own", "all"}
    assert titles(scope="business", scope_id=world.business.id) == {"business"}
    assert titles(scope="firm", scope_id=world.firm.id) == {"firm"}
    assert titles(topic="tax") == {"business", "firm"}
    assert titles(topic=["tax", "letters"]) == {"business", "firm", "all"}
    assert titles(event="tax.due") == {"business"}
    assert titles(event=["tax.due", "news"]) == {"business", "all"}
    assert titles(topic="letters", event="tax.due") == set()
    assert titles(severity=["urgent", "warning"]) == {"business", "all"}
    assert titles(topic="tax", severity="info", scope="firm", scope_id=world.firm.id) == {"firm"}


def test_a_list_shows_the_open_ones_or_the_statuses_that_are_named(world: World, web: Web) -> None:
    names = ["new", "seen", "read", "dismissed", "snoozed", "resolved", "deleted"]
    ids = {name: web.tell(own(world.user), title=name)[0] for name in names}
    for name, action in (
        ("seen", "seen"),
        ("read", "read"),
        ("dismissed", "dismiss"),
        ("resolved", "resolve"),
        ("deleted", "delete"),
    ):
        world.mine.operate(action, ids=[ids[name]])
    world.mine.operate("snooze", ids=[ids["snoozed"]], until="2026-03-03T00:00:00Z")

    def titles(**params: Any) -> list[str]:
        return sorted(world.mine.titles(**params))

    assert titles() == ["new", "read", "seen"]
    assert titles(status="new") == ["new"]
    assert titles(status="seen") == ["read", "seen"]
    assert titles(status=["dismissed", "snoozed", "resolved"]) == ["dismissed", "resolved", "snoozed"]
    assert titles(status=["new", "dismissed"]) == ["dismissed", "new"]
    assert titles(unread=True) == ["new", "seen"]
    assert titles(unread=True, status="seen") == ["seen"]
    assert titles(unread=False) == ["new", "read", "seen"]
    assert [item["status"] for item in world.mine.items(status="resolved")] == ["resolved"]
    refused(world.mine.ask("GET", params={"unread": True, "status": "dismissed"}), 422, "invalid_input")


def test_a_list_begins_where_since_says(world: World, web: Web) -> None:
    ids: list[UUID] = []
    for number in range(5):
        ids += web.tell(own(world.user), world.firm, title=str(number))
        web.clock.move(minutes=1)
    world.mine.operate("pin", ids=ids[:1])

    assert sorted(world.mine.titles(since="2026-03-02T09:33:00Z")) == ["3", "3", "4", "4"]
    assert sorted(world.mine.titles(since="2026-03-02T10:33:00+01:00", limit=1)) == ["3", "3", "4", "4"]
    assert world.mine.titles(since="2026-03-02T09:34:00.000001Z") == []
    refused(world.mine.ask("GET", params={"since": "yesterday"}), 422, "invalid_request")
    refused(world.mine.ask("GET", params={"since": "1772443800"}), 422, "invalid_request")


def test_pages_follow_each_other_pinned_ones_first(world: World, web: Web) -> None:
    ids = web.tell(own(world.user), world.business, world.firm, times=5)
    world.mine.operate("pin", ids=ids[2:4])

    pages = [item["id"] for item in world.mine.items(limit=2)]

    assert pages[:2] == [str(id_) for id_ in sorted(ids[2:4], reverse=True)]
    assert pages[2:] == [str(id_) for id_ in sorted({*ids} - {*ids[2:4]}, reverse=True)]
    assert len(world.mine.page()["items"]) == 15


def test_a_cursor_is_good_for_its_reader_and_filters_alone(world: World, web: Web) -> None:
    web.tell(everyone, times=3)
    cursor = world.mine.page(limit=1)["next_cursor"]
    stranger = world.of(world.stranger)
    web.tell(everyone, times=3)

    assert world.mine.page(limit=2, cursor=cursor)["items"]
    for inbox, params in (
        (world.mine, {"cursor": cursor, "topic": "billing"}),
        (world.mine, {"cursor": cursor[:-2] + "AA"}),
        (world.mine, {"cursor": "é"}),
        (world.mine, {"cursor": "x"}),
        (stranger, {"cursor": cursor}),
    ):
        refused(inbox.ask("GET", params=params), 422, "invalid_input")
    scoped = web.ask(
        "GET", "/api/v1/notifications", headers=web.scoped(world.user, world.business), params={"limit": 1}
    ).json()["data"]["next_cursor"]
    refused(world.mine.ask("GET", params={"cursor": scoped}), 422, "invalid_input")


def test_what_a_filter_cannot_mean_is_refused_and_named(world: World, web: Web) -> None:
    web.event("tax.due", "tax")
    for path in ("", "/counts"):

        def ask(path: str = path, **params: Any) -> httpx2.Response:
            return world.mine.ask("GET", path, params=params)

        assert refused(ask(topic=["tax", "nope"]), 422, "invalid_input")["topic"] == "nope"
        assert refused(ask(event=["tax.due", "no.such"]), 422, "unknown_event")["event"] == "no.such"
        refused(ask(scope="business"), 422, "scope_incomplete")
        refused(ask(scope="firm"), 422, "scope_incomplete")
        refused(ask(scope_id=world.business.id), 422, "invalid_input")
        refused(ask(scope="me", scope_id=world.business.id), 422, "invalid_input")
        refused(ask(scope="business", scope_id=uuid4()), 403, "scope_forbidden")
        refused(ask(scope="business", scope_id=world.firm.id), 403, "scope_forbidden")
        for params in ({"severity": "loud"}, {"scope": "x"}, {"scope_id": "x"}, {"topics": "tax"}):
            refused(ask(**params), 422, "invalid_request")
    for params in ({"limit": 0}, {"limit": 101}, {"limit": "x"}, {"status": "x"}, {"unread": "x"}):
        refused(world.mine.ask("GET", params=params), 422, "invalid_request")


# --- words -------------------------------------------------------------------------------------------------


def test_every_word_must_occur_in_title_or_body(world: World, web: Web) -> None:
    for title, body in (
        ("Rechnung überfällig", None),
        ("RECHNUNG ÜBERFÄLLIG", "Straße 1"),
        ("Paid", "the rechnung"),
        ("100% off_er \\", None),
        ("ΣΊΣΥΦΟΣ", "ΠΑΡΆΔΕΙΓΜΑ"),
    ):
        web.tell(own(world.user), title=title, body=body)

    def found(q: str) -> int:
        return len(world.mine.items(q=q))

    assert found("") == found("   ") == 5
    assert found("rechnung") == 3
    assert found("Rechnung ÜBERFÄLLIG") == 2
    assert found("u\u0308berfa\u0308llig") == 2
    assert found("rechnung strasse") == 1
    assert found("rechnung paid") == 1
    assert found("rechnung missing") == 0
    assert found("hnung") == 3
    assert found("%") == found("100% off_") == found("\\") == 1
    assert found("_") == 1
    assert found("σίσυφος παράδειγμα") == 1


def test_words_go_with_filters_pins_and_pages(world: World, web: Web) -> None:
    ids = web.tell(own(world.user), world.firm, title="match", times=4)
    web.tell(own(world.user), times=30)
    world.mine.operate("pin", ids=ids[:3])

    assert [item["pinned"] for item in world.mine.items(q="match", limit=2)] == [True] * 3 + [False] * 5
    assert len(world.mine.items(q="match", scope="me", limit=1)) == 4
    assert world.mine.items(q="match", status="dismissed") == []


def test_a_search_ends_somewhere_and_goes_on_from_there(
    world: World, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.tell(own(world.user), title="needle")
    for _ in range(6):
        web.tell(own(world.user), times=1000)
    web.tell(own(world.user), title="needle")

    first = world.mine.page(q="needle")
    second = world.mine.page(q="needle", cursor=first["next_cursor"])

    assert [item["title"] for item in first["items"]] == ["needle"]
    assert [item["title"] for item in second["items"]] == ["needle"]
    assert second["next_cursor"] is None
    assert feed.MOST_SEARCHED < 6000


# --- counts ------------------------------------------------------------------------------------------------


def test_counts_tell_everything_in_one_call(world: World, web: Web) -> None:
    web.event("idle", "quiet")
    mine = web.tell(own(world.user), times=4)
    web.tell(everyone, event="news", topic="letters", severity=Severity.WARNING)
    web.tell(world.firm, event="tax.due", topic="tax", severity=Severity.URGENT, times=2)
    world.mine.operate("seen", ids=mine[:3])
    world.mine.operate("read", ids=mine[:2])
    world.mine.operate("dismiss", ids=mine[:1])

    counts = world.mine.counts()

    assert position_of(counts.pop("position")).streams[world.user].seq == 4
    assert counts == {
        "total": 6,
        "unseen": 4,
        "unread": 5,
        "by_scope": [
            {"scope": "me", "scope_id": None, "total": 4, "unseen": 2, "unread": 3},
            {"scope": "firm", "scope_id": str(world.firm.id), "total": 2, "unseen": 2, "unread": 2},
        ],
        "by_topic": {
            "quiet": {"total": 0, "unseen": 0, "unread": 0},
            "billing": {"total": 3, "unseen": 1, "unread": 2},
            "letters": {"total": 1, "unseen": 1, "unread": 1},
            "tax": {"total": 2, "unseen": 2, "unread": 2},
        },
        "by_severity": {
            "info": {"total": 3, "unseen": 1, "unread": 2},
            "warning": {"total": 1, "unseen": 1, "unread": 1},
            "urgent": {"total": 2, "unseen": 2, "unread": 2},
        },
    }
    assert world.mine.counts(scope="firm", scope_id=world.firm.id)["total"] == 2
    assert world.mine.counts(topic="billing", event="invoice_paid", severity="info")["unread"] == 2
    assert world.mine.counts(event="news")["by_topic"]["billing"]["total"] == 0


_WHO = ("own", "everyone", "business", "firm")
_EVENTS = {"tax.due": "tax", "tax.paid": "tax", "news": "letters"}
_SENT = st.tuples(
    st.sampled_from(_WHO), st.sampled_from(list(_EVENTS)), st.sampled_from(Severity), st.integers(1, 4)
)
_FILTERS: tuple[Json, ...] = (
    {},
    {"topic": ["tax"]},
    {"severity": ["info"]},
    {"scope": "me"},
    {"event": ["news"]},
)
_BY_IDS = ("seen", "read", "dismiss", "delete", "unread", "restore", "pin", "snooze", "unsnooze", "resolve")
_DONE = st.one_of(
    st.tuples(st.just("ids"), st.sampled_from(_BY_IDS), st.lists(st.integers(0, 30), min_size=1, max_size=6)),
    st.tuples(
        st.just("filter"),
        st.sampled_from(("seen", "read", "dismiss", "delete", "clear_read")),
        st.sampled_from(
            ({}, {"topic": ["tax"]}, {"severity": ["info"]}, {"scope": "me"}, {"event": ["news"]})
        ),
    ),
    st.tuples(st.just("later"), st.just(""), st.just(None)),
    st.tuples(st.just("undo"), st.just(""), st.just(None)),
)


@settings(anything_goes, max_examples=12)
@given(st.lists(st.one_of(_SENT, _SENT, _DONE), min_size=3, max_size=10))
def test_counts_are_what_the_lists_show(web: Web, steps: list[Any]) -> None:
    world = World(web)
    for key, topic in _EVENTS.items():
        web.event(key, topic)
    to = dict(zip(_WHO, (own(world.user), everyone, world.business, world.firm), strict=True))
    ids: list[UUID] = []
    for step in steps:
        if step[0] in to:
            who, event, severity, times = step
            ids += web.tell(to[who], event=event, topic=_EVENTS[event], severity=severity, times=times)
        else:
            _do(world, step, ids)

    for inbox in (world.mine, world.company):
        for params in ({}, {"topic": "tax", "severity": "info"}, {"event": ["news", "tax.due"]}):
            assert _told(inbox.counts(**params)) == _recounted(inbox, params)


def _do(world: World, step: tuple[str, str, Any], ids: list[UUID]) -> None:
    kind, action, which = step
    web = world.web
    if kind == "later":
        web.clock.move(minutes=40)
        world.company.headers = web.company(world.clerk)  # an access token lasts for a quarter of an hour
    elif kind == "undo":
        world.mine.undo(1)
    elif kind == "filter":
        for inbox in (world.mine, world.company):
            inbox.operate(action, filter=which)
    elif chosen := [ids[one] for one in which if one < len(ids)]:
        until = {"until": (web.clock.at + timedelta(minutes=30)).isoformat()} if action == "snooze" else {}
        for inbox in (world.mine, world.company):
            inbox.operate(action, ids=chosen, **until)


_Told = dict[tuple[str, Any], tuple[int, int, int]]


def _told(counts: Json) -> _Told:
    """What was counted, without what has nothing."""

    def three(one: Json) -> tuple[int, int, int]:
        return one["total"], one["unseen"], one["unread"]

    parts = {("all", None): three(counts)}
    parts |= {("scope", (one["scope"], one["scope_id"])): three(one) for one in counts["by_scope"]}
    parts |= {("topic", topic): three(one) for topic, one in counts["by_topic"].items()}
    parts |= {("severity", severity): three(one) for severity, one in counts["by_severity"].items()}
    return {part: numbers for part, numbers in parts.items() if any(numbers)}


def _recounted(inbox: Inbox, params: Json) -> _Told:
    """The same, from what the list shows."""
    totals: Counter[Any] = Counter()
    unseen: Counter[Any] = Counter()
    unread: Counter[Any] = Counter()
    for item in inbox.items(limit=100, **params):
        parts = [
            ("all", None),
            ("scope", (item["scope"], item["scope_id"])),
            ("topic", item["topic"]),
            ("severity", item["severity"]),
        ]
        totals.update(parts)
        unseen.update(parts if item["seen_at"] is None else [])
        unread.update(parts if item["read_at"] is None else [])
    return {part: (totals[part], unseen[part], unread[part]) for part in totals}


# --- operations --------------------------------------------------------------------------------------------


def test_an_operation_tells_what_changed_and_what_is_left(world: World, web: Web) -> None:
    ids = web.tell(own(world.user), times=5)

    done = world.mine.operate("read", ids=[*ids[:2], ids[0], uuid4()])
    again = world.mine.operate("read", ids=ids[:2])
    seen = world.mine.operate("seen", filter={})

    assert done == {
        "operation": done["operation"],
        "updated": 2,
        "counts": {"total": 5, "unseen": 3, "unread": 3},
    }
    assert again == {"operation": None, "updated": 0, "counts": {"total": 5, "unseen": 3, "unread": 3}}
    assert (seen["updated"], seen["counts"]) == (3, {"total": 5, "unseen": 0, "unread": 3})


def test_every_action_does_what_it_says(world: World, web: Web) -> None:
    [id_] = web.tell(own(world.user))

    def after(action: str, **more: Any) -> Json:
        assert world.mine.operate(action, ids=[id_], **more)["updated"] == 1
        return world.mine.one(id_)

    assert after("seen")["seen_at"]
    first = after("read")["read_at"]
    web.clock.move(minutes=1)
    assert after("refresh")["read_at"] > first
    assert after("unread")["read_at"] is None
    assert after("dismiss")["status"] == "dismissed"
    assert after("restore")["status"] == "seen"
    assert after("pin")["pinned"]
    assert not after("unpin")["pinned"]
    snoozed = after("snooze", until="2026-03-02T12:00:00+01:00")
    assert (snoozed["status"], snoozed["snoozed_until"]) == ("snoozed", "2026-03-02T11:00:00Z")
    assert after("unsnooze")["status"] == "new"
    assert after("resolve")["status"] == "resolved"
    world.mine.operate("delete", ids=[id_])
    refused(world.mine.ask("GET", f"/{id_}"), 404, "notification_not_found")


def test_a_filter_means_all_of_it_and_up_to_ends_it(world: World, web: Web) -> None:
    web.tell(world.firm, event="tax.due", topic="tax", times=150)
    mine: list[UUID] = []
    for _ in range(4):
        web.clock.move(seconds=1)
        mine += web.tell(own(world.user))

    assert world.mine.operate("dismiss", filter={"topic": ["tax"]})["updated"] == 150
    assert world.mine.operate("read", filter={"event": ["tax.due"]})["updated"] == 0
    assert world.mine.operate("read", filter={"scope": "me"}, up_to=str(mine[1]))["updated"] == 2
    assert [item["read_at"] is None for item in world.mine.items(scope="me")] == [True, True, False, False]
    refused(world.mine.post("read", filter={}, up_to=str(uuid4())), 404, "notification_not_found")


def test_clear_read_deletes_what_was_read_for_good(world: World, web: Web) -> None:
    ids = web.tell(own(world.user), times=3)
    read = world.mine.operate("read", ids=ids[:2])

    done = world.mine.operate("clear_read", filter={})

    assert (done["updated"], done["counts"]["total"]) == (2, 1)
    for operation in (done, read):
        assert world.mine.undo(operation["operation"]).status_code == 409


def test_an_operation_that_does_not_fit_together_is_refused(world: World, web: Web) -> None:
    ids = [str(id_) for id_ in web.tell(own(world.user), times=2)]
    web.event("tax.due", "tax")
    until = "2026-03-03T00:00:00Z"
    for body in (
        {"action": "read"},
        {"action": "read", "ids": ids, "filter": {}},
        {"action": "read", "ids": []},
        {"action": "read", "ids": ["x"]},
        {"action": "read", "ids": [str(uuid4()) for _ in range(1001)]},
        {"action": "read", "ids": ids, "up_to": ids[0]},
        {"action": "pin", "filter": {}},
        {"action": "unread", "filter": {"scope": "me"}},
        {"action": "snooze", "ids": ids},
        {"action": "snooze", "filter": {}, "until": until},
        {"action": "read", "ids": ids, "until": until},
        {"action": "clear_read", "ids": ids},
        {"action": "clear_read", "filter": {}, "up_to": ids[0]},
        {"action": "shout", "ids": ids},
        {"action": "read", "filter": {"topics": ["tax"]}},
        {"action": "read", "ids": ids, "more": 1},
        {"action": "read", "ids": None},
        [],
        None,
    ):
        refused(world.mine.ask("POST", "/operations", json=body), 422, "invalid_request")
    refused(world.mine.post("snooze", ids=ids, until="2026-03-02T09:30:00Z"), 422, "invalid_input")
    refused(world.mine.post("read", filter={"topic": ["x"]}), 422, "invalid_input")
    refused(world.mine.post("read", filter={"event": ["x"]}), 422, "unknown_event")
    refused(world.mine.post("read", filter={"scope": "firm"}), 422, "scope_incomplete")
    refused(
        world.mine.post("read", filter={"scope": "firm", "scope_id": str(uuid4())}), 403, "scope_forbidden"
    )
    assert world.mine.counts()["unread"] == 2


def test_an_undo_takes_back_what_an_operation_did(world: World, web: Web) -> None:
    ids = web.tell(own(world.user), world.firm, times=3)
    by_ids = world.mine.operate("dismiss", ids=ids[:2])
    bulk = world.mine.operate("read", filter={})

    undone = world.mine.undo(bulk["operation"])

    assert undone.status_code == 200
    assert undone.json()["updated"] == 4
    assert undone.json()["counts"] == {"total": 4, "unseen": 4, "unread": 4}
    assert world.mine.undo(by_ids["operation"]).json()["counts"]["total"] == 6
    refused(world.mine.undo(by_ids["operation"]), 409, "not_undoable")


def test_an_undo_that_cannot_be_is_refused(world: World, web: Web) -> None:
    ids = web.tell(own(world.user), times=3)
    first = world.mine.operate("seen", filter={})["operation"]
    second = world.mine.operate("read", filter={})["operation"]
    pinned = world.mine.operate("pin", ids=ids)["operation"]

    theirs = world.of(world.stranger).operate("seen", filter={})["operation"]
    assert theirs is None, "nobody told the stranger anything"
    web.tell(own(world.stranger))
    theirs = world.of(world.stranger).operate("seen", filter={})["operation"]

    refused(world.mine.undo(theirs), 404, "operation_not_found")
    refused(world.mine.undo(first), 409, "later_bulk_stands")
    refused(world.mine.undo(pinned), 409, "not_undoable")
    refused(world.of(world.stranger).undo(second), 404, "operation_not_found")
    refused(world.company.undo(second), 404, "operation_not_found")
    for nothing in (UUID(int=0), UUID(int=1), UUID(int=2**128 - 1), UUID(int=UUID(first).int ^ 1), uuid4()):
        refused(world.mine.undo(nothing), 404, "operation_not_found")
    for text in ("x", "1", "1_0", "%00", "1" * 5000):
        refused(world.mine.undo(text), 422, "invalid_request")
    web.clock.move(minutes=11)
    refused(world.mine.undo(second), 409, "not_undoable")


def test_no_undo_brings_back_what_another_contract_deletes_for_good(world: World, web: Web) -> None:
    [mine], [ours] = web.tell(own(world.user)), web.tell(world.business)
    secret = SECRET.encode()

    web.ask("DELETE", f"/api/v1/notifications/{mine}", headers=world.mine.headers | web.personal(world.user))
    web.ask("DELETE", f"/company/notifications/{ours}", headers=world.company.headers)

    for inbox, id_ in ((world.mine, mine), (world.company, ours)):
        assert inbox.ask("GET", f"/{id_}").status_code == 404
        last = web.write(lambda store, id_=inbox.id: store.logs.reader_ends([id_]))[inbox.id]
        refused(inbox.undo(operation_id(secret, inbox.id, last)), 409, "not_undoable")
        refused(inbox.undo(operation_id(secret, inbox.id, last + 1)), 404, "operation_not_found")


def test_a_repeated_operation_with_its_key_is_done_once(world: World, web: Web) -> None:
    ids = web.tell(own(world.user), times=3)
    body = {"action": "dismiss", "ids": [str(ids[0])]}

    def sent(inbox: Inbox, body: Json = body) -> httpx2.Response:
        return inbox.ask("POST", "/operations", json=body, headers={"Idempotency-Key": "k"})

    first = sent(world.mine)
    world.mine.operate("restore", ids=ids[:1])
    again = sent(world.mine)

    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert world.mine.one(ids[0])["status"] == "seen"
    assert sent(world.of(world.stranger)).json()["updated"] == 0
    refused(sent(world.mine, body | {"action": "read"}), 422, "idempotency_mismatch")
    number = first.json()["operation"]
    undone = world.mine.ask(
        "POST", f"/operations/{number}/undo", content=b"{", headers={"Idempotency-Key": "u"}
    )
    assert undone.status_code in (200, 409)


# --- a company ---------------------------------------------------------------------------------------------


def test_a_company_reads_for_itself_and_knows_no_resolve(world: World, web: Web) -> None:
    ids = web.tell(world.business, times=3)
    world.mine.operate("resolve", ids=ids[:1])

    assert world.mine.counts()["total"] == 2
    assert world.company.counts()["total"] == 3
    [resolved] = [item for item in world.company.items() if item["id"] == str(ids[0])]
    assert (resolved["status"], resolved["resolved_at"]) == ("new", "2026-03-02T09:30:00Z")
    assert world.company.items(status="resolved") == []
    done = world.company.operate("read", filter={})
    assert (done["updated"], done["counts"]) == (3, {"total": 3, "unseen": 0, "unread": 0})
    assert world.company.undo(done["operation"]).json()["updated"] == 3
    assert world.mine.counts()["unread"] == 2
    assert world.company.operate("resolve", ids=ids)["operation"] is None
    assert world.company.titles(scope="me") == []
    assert len(world.company.titles(scope="business", scope_id=world.business.id)) == 3
    refused(
        world.company.ask("GET", params={"scope": "firm", "scope_id": world.firm.id}), 403, "scope_forbidden"
    )


# --- live alerts -------------------------------------------------------------------------------------------


def _raised(web: Web, business: Address, alert_id: str) -> None:
    said: Json = {"kind": "low_cash", "severity": Severity.WARNING, "title": alert_id}
    web.write(lambda store: alerts.raise_alert(store, business.id, alert_id, **said))


def _alerts(inbox: Inbox, **params: Any) -> list[str]:
    answer = inbox.ask("GET", "/alerts", params=params)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["items"]]


def test_live_alerts_stand_until_they_are_dismissed_and_that_can_be_undone(world: World, web: Web) -> None:
    other = web.business()
    web.write(lambda store: directory.join(store, world.user, other))
    for business, alert_id in ((world.business, "cash"), (world.business, "a/b/dismiss"), (other, "cash")):
        web.clock.move(seconds=1)
        _raised(web, business, alert_id)

    assert _alerts(world.mine) == ["cash", "a/b/dismiss", "cash"]
    assert _alerts(world.mine, business_id=world.business.id) == ["a/b/dismiss", "cash"]
    assert _alerts(world.company) == ["a/b/dismiss", "cash"]

    path = f"/alerts/{world.business.id}/a%2Fb/dismiss/dismiss"
    done = world.mine.ask("POST", path).json()
    assert (done["updated"], done["counts"]["total"]) == (1, 0)
    assert world.mine.ask("POST", path).json()["operation"] is None
    assert _alerts(world.mine, business_id=world.business.id) == ["cash"]
    assert _alerts(world.company) == ["a/b/dismiss", "cash"]
    assert world.mine.undo(done["operation"]).json()["updated"] == 1
    assert _alerts(world.mine, business_id=world.business.id) == ["a/b/dismiss", "cash"]


def test_live_alerts_of_others_are_not_there(world: World, web: Web) -> None:
    other = web.business()
    _raised(web, other, "cash")
    _raised(web, world.business, "mine")

    assert _alerts(world.of(world.stranger)) == []
    refused(world.mine.ask("GET", "/alerts", params={"business_id": other.id}), 403, "scope_forbidden")
    refused(world.mine.ask("GET", "/alerts", params={"business_id": uuid4()}), 403, "scope_forbidden")
    refused(world.mine.ask("GET", "/alerts", params={"business_id": "x"}), 422, "invalid_request")
    for business_id, alert_id in (
        (other.id, "cash"),
        (other.id, "mine"),
        (world.business.id, "cash"),
        (uuid4(), "mine"),
    ):
        refused(world.mine.ask("POST", f"/alerts/{business_id}/{alert_id}/dismiss"), 404, "alert_not_found")
    refused(world.mine.ask("POST", f"/alerts/{world.business.id}/%00/dismiss"), 422, "invalid_request")
    assert _alerts(world.mine) == ["mine"]


# --- who sees what -----------------------------------------------------------------------------------------


def test_nobody_sees_or_touches_what_is_not_theirs(world: World, web: Web) -> None:
    other = web.business()
    ids = web.tell(own(world.user), world.business, other, times=2)
    stranger = world.of(world.stranger)
    accountant = world.of(web.user(world.firm))

    for inbox in (stranger, accountant):
        assert inbox.items() == []
        assert inbox.counts()["total"] == 0
        for id_ in ids:
            refused(inbox.ask("GET", f"/{id_}"), 404, "notification_not_found")
        for action in ("read", "delete", "resolve", "pin"):
            assert inbox.operate(action, ids=ids)["updated"] == 0
        refused(
            inbox.ask("GET", "/counts", params={"scope": "business", "scope_id": str(world.business.id)}),
            403,
            "scope_forbidden",
        )
        refused(inbox.post("read", filter={}, up_to=str(ids[0])), 404, "notification_not_found")
    assert world.mine.counts()["total"] == 4
    assert world.company.counts()["total"] == 2
    world.company.operate("delete", filter={})
    assert world.mine.counts()["total"] == 4


# --- asking again ------------------------------------------------------------------------------------------


def test_what_did_not_change_is_not_sent_again(world: World, web: Web) -> None:
    [id_] = web.tell(own(world.user))
    for path in ("", "/counts", f"/{id_}", "/preferences"):
        answer = world.mine.ask("GET", path)
        tag = answer.headers["etag"]
        assert answer.status_code == 200
        assert tag.startswith('"')
        assert answer.headers["vary"] == "Authorization"
        assert answer.headers["cache-control"] == "private, no-cache"

        for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            same = world.mine.ask("GET", path, headers={"If-None-Match": known})
            assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
        assert world.mine.ask("GET", path, headers={"If-None-Match": '"x"'}).content == answer.content
    tags = {path: world.mine.ask("GET", path).headers["etag"] for path in ("", "/counts", f"/{id_}")}
    world.mine.operate("read", ids=[id_])
    for path, tag in tags.items():
        assert world.mine.ask("GET", path, headers={"If-None-Match": tag}).status_code == 200
    gone = world.mine.ask("GET", f"/{uuid4()}", headers={"If-None-Match": "*"})
    assert "etag" not in gone.headers
    refused(gone, 404, "notification_not_found")


# --- anything ----------------------------------------------------------------------------------------------


@anything_goes
@given(
    st.sampled_from(
        [
            "scope",
            "scope_id",
            "topic",
            "severity",
            "status",
            "event",
            "since",
            "q",
            "unread",
            "cursor",
            "limit",
            "x",
        ]
    ),
    ESCAPED,
    st.sampled_from(["", "/counts"]),
)
def test_any_query_is_answered(web: Web, name: str, value: str, path: str) -> None:
    inbox = Inbox(web, web.jwt(_somebody(web), "personal"), uuid4())

    answer = inbox.ask("GET", f"{path}?{name}={value}")

    assert answer.status_code in (200, 422), answer.text
    assert inbox.ask("GET", f"/{value}").status_code in (200, 404, 422)


@anything_goes
@given(
    ANY_JSON
    | st.fixed_dictionaries(
        {"action": st.sampled_from(["read", "snooze", "pin", "clear_read"]) | ANY_JSON},
        optional={"ids": ANY_JSON, "filter": ANY_JSON, "up_to": ANY_JSON, "until": ANY_JSON},
    ),
    ESCAPED,
    st.booleans(),
)
def test_any_operation_is_answered(web: Web, body: Any, path: str, keyed: bool) -> None:
    inbox = Inbox(web, web.jwt(_somebody(web), "personal"), uuid4())
    headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": str(uuid4())} if keyed else {})

    for target in ("/operations", f"/operations/{path or 'x'}/undo"):
        answer = inbox.ask("POST", target, content=json.dumps(body), headers=headers)
        assert answer.status_code in (200, 404, 405, 409, 422), answer.text


def _somebody(web: Web) -> UUID:
    """One user for all examples of a test."""
    if not hasattr(web, "somebody"):
        web.somebody = web.user()  # pyright: ignore[reportAttributeAccessIssue] - kept for the next call
    return web.somebody  # pyright: ignore[reportAttributeAccessIssue] - as above

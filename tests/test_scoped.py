"""The scoped surface over HTTP: names, envelope, errors and their order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from tests.conftest import MovingClock, OpenDatabase, Run
from tests.web import ANY_JSON, ESCAPED, Web, anything_goes, everyone, own
from tidings.identity import directory
from tidings.inbox.alerts import clear
from tidings.inbox.append import withdraw
from tidings.model import Action, Address, Severity
from tidings.storage.engine import Database

MARK = "/api/v1/notifications/mark-all-seen"
LIST = "/api/v1/notifications"
COUNT = "/api/v1/notifications/count"
BULK_SEEN = "/api/v1/notifications/bulk/seen"
TOPICS = "/api/v1/preferences/notifications/topics"
TOKENS = "/api/v1/tokens"
OPENAPI = "/docs/scoped/openapi.json"
QUERY_NAMES = ["scope", "scope_id", "status", "status[]", "topic", "severity[]", "include_terminal", "limit"]
QUERY_NAMES += [
    "include_live",
    "live_business_id",
    "cursor",
    "scope_business_id",
    "business_id",
    "unread_only",
]
CALLS = [("POST", MARK), ("GET", LIST), ("GET", COUNT)]

NOT_THEIRS = {"detail": "You cannot see this scope."}


@pytest.fixture
def web(run: Run, database: Database, clock: MovingClock) -> Web:
    return Web(run, database, clock)


class Desk:
    """A user of one business and one firm, and how they call."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.business, self.firm = web.business(), web.firm()
        self.user = web.user(self.business, self.firm)
        self.own = own(self.user)
        self.headers = web.scoped(self.user, self.business)

    def mark(self, body: Any = None, **more: Any) -> Any:
        """What mark-all-seen answers."""
        answer = self.web.ask("POST", MARK, headers=self.headers, json=body or {}, **more)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def list(self, **query: Any) -> Any:
        answer = self.web.ask("GET", LIST, headers=self.headers, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def ids(self, **query: Any) -> list[str]:
        return [item["id"] for item in self.list(**query)["items"]]

    def count(self, **query: Any) -> int:
        answer = self.web.ask("GET", COUNT, headers=self.headers, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]["count"]


@pytest.fixture
def desk(web: Web) -> Desk:
    return Desk(web)


def texts(ids: list[UUID]) -> list[str]:
    return [str(id_) for id_ in ids]


# --- mark-all-seen -----------------------------------------------------------------------------------------


def test_mark_all_seen_answers_how_many_were_new_and_a_repeat_answers_none(desk: Desk) -> None:
    desk.web.tell(desk.own, desk.business, desk.firm, everyone, times=2)

    answer = desk.web.ask("POST", MARK, headers=desk.headers, json={})

    assert (answer.status_code, answer.json()) == (201, {"updated": 8})
    assert answer.headers["content-type"] == "application/json"
    assert desk.mark() == {"updated": 0}
    assert desk.count() == 0


def test_mark_all_seen_keeps_to_scope_topic_and_severity(desk: Desk) -> None:
    tell = desk.web.tell
    tell(desk.own, everyone, times=2)
    tell(desk.business, times=3)
    tell(desk.business, event="close_due", topic="month_end", times=4)
    tell(desk.business, severity=Severity.URGENT, times=5)
    tell(desk.firm, times=6)
    business = {"scope": "business", "scope_id": str(desk.business.id)}

    assert desk.mark(business | {"severity": ["urgent", "warning"]}) == {"updated": 5}
    assert desk.mark(business | {"topic": ["month_end", "notes"]}) == {"updated": 4}
    assert desk.mark(business | {"topic": ["billing"], "severity": ["info"]}) == {"updated": 3}
    assert desk.mark({"scope": "firm", "scope_id": str(desk.firm.id)}) == {"updated": 6}
    assert desk.mark({"scope": "me", "scope_id": "what is here does not matter"}) == {"updated": 4}


def test_mark_all_seen_counts_an_ended_snooze_but_no_running_one_and_nothing_resolved(desk: Desk) -> None:
    ended, running, resolved, _new = desk.web.tell(desk.own, times=4)
    until = desk.web.clock.at
    desk.web.mark(desk.user, Action.SNOOZE, [ended], until.replace(hour=10))
    desk.web.mark(desk.user, Action.SNOOZE, [running], until.replace(hour=23))
    desk.web.mark(desk.user, Action.RESOLVE, [resolved])
    desk.web.clock.move(hours=2)

    assert desk.mark() == {"updated": 2}


ABSENT: list[dict[str, Any]] = [
    {},
    {"content": b"", "headers": {"Content-Type": "application/json"}},
    {"json": None, "content": b"null", "headers": {"Content-Type": "application/json"}},
    {"json": {}},
    {"json": dict.fromkeys(["scope", "scope_id", "topic", "severity", "live_business_id"])},
    {"json": {"scope": "", "scope_id": "", "topic": "", "severity": "", "live_business_id": ""}},
    {"json": {"scope": "", "scope_id": "", "topic": [], "severity": [], "live_business_id": "any text"}},
    {"json": {"what": "nobody knows", "is": {"left": "out"}}},
    {"content": b"{}", "headers": {"Content-Type": "application/vnd.api+json; charset=utf-8"}},
]


def test_what_is_empty_is_as_absent(desk: Desk, subtests: pytest.Subtests) -> None:
    for content in ABSENT:
        with subtests.test(repr(content)[:60]):
            desk.web.tell(desk.own, desk.business, desk.firm, everyone)
            more = content | {"headers": desk.headers | content.get("headers", {})}

            answer = desk.web.ask("POST", MARK, **more)

            assert (answer.status_code, answer.json()) == (201, {"updated": 4})


# --- who may, and what comes first -------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_no_valid_token_is_a_401_before_anything_else(desk: Desk, method: str, path: str) -> None:
    web, headers = desk.web, desk.headers
    expired = web.api_token(desk.user, days=1)
    web.clock.move(hours=1)
    revoked = web.api_token(desk.user)
    suspended = web.scoped(web.user(desk.business, status="suspended"), desk.business)["Authorization"]

    async def revoke(store: Any) -> None:
        owned = await store.credentials.active_api_tokens(desk.user, await store.now())
        await store.credentials.revoke_api_token(owned[-1].id, await store.now())

    web.write(revoke)
    web.clock.move(days=2)
    bad = [
        "",
        "Bearer",
        "Bearer ",
        "Bearer dz_unknown",
        "dz_unknown",
        f"Basic {revoked}",
        f"Bearer {revoked}",
    ]
    bad += [f"Bearer {expired}", f"Bearer {web.jwt(desk.user, 'personal')}", suspended, "Bearer dz_\xe9"]

    for authorization in [None, *bad]:
        sent = {"Authorization": authorization.encode("latin-1")} if authorization is not None else {}
        broken = {"content": b'{"scope": ', "params": {"limit": "x", "cursor": "y", "scope": "firm"}}
        answer = web.ask(method, path, headers={"x-business-id": "no uuid", **sent}, **broken)
        assert answer.status_code == 401, authorization
        assert answer.json() == {"detail": "Authentication is required."}
        assert answer.headers["www-authenticate"] == "Bearer"
    scheme, token = headers["Authorization"].split()
    for authorization in (f"{scheme.lower()} {token}", f"BEARER   {token}"):
        good = headers | {"Authorization": authorization}
        assert web.ask(method, path, headers=good).status_code in (200, 201)


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_the_business_header_must_be_there_and_a_uuid(desk: Desk, method: str, path: str) -> None:
    token = {"Authorization": desk.headers["Authorization"]}
    incomplete = {"params": {"scope": "firm"}, "json": {"scope": "firm"}}

    missing = desk.web.ask(method, path, headers=token, **incomplete)
    malformed = desk.web.ask(method, path, headers=token | {"x-business-id": "acme"}, **incomplete)

    for answer, kind in ((missing, "missing"), (malformed, "uuid_parsing")):
        assert answer.status_code == 422
        [error] = answer.json()["detail"]
        assert error["loc"] == ["header", "x-business-id"]
        assert error["type"] == kind
        assert isinstance(error["msg"], str)


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_business_the_caller_does_not_belong_to_is_a_403(desk: Desk, method: str, path: str) -> None:
    foreign = desk.web.business()
    desk.web.tell(desk.own)

    told: set[str] = set()
    for business_id in (foreign.id, uuid4(), desk.firm.id, desk.user, everyone.id):
        headers = desk.headers | {"x-business-id": str(business_id)}
        answer = desk.web.ask(method, path, headers=headers)
        assert answer.status_code == 403
        told.add(answer.text)

    assert told == {'{"detail":"You do not belong to this business."}'}
    assert desk.count() == 1


def test_the_business_header_does_not_narrow_what_a_scope_shows(desk: Desk) -> None:
    other = desk.web.business()
    desk.web.write(lambda store: directory.join(store, desk.user, other))
    desk.web.tell(desk.business, other, desk.firm)
    elsewhere = desk.headers | {"x-business-id": str(other.id)}

    for headers in (desk.headers, elsewhere):
        query = {"scope": "business", "scope_id": str(desk.business.id)}
        assert len(desk.web.ask("GET", LIST, headers=headers, params=query).json()["data"]["items"]) == 1
        assert desk.web.ask("GET", COUNT, headers=headers).json()["data"] == {"count": 3}
    assert desk.web.ask("POST", MARK, headers=elsewhere).json() == {"updated": 3}


@pytest.mark.parametrize("scope", ["business", "firm"])
@pytest.mark.parametrize("absent", [{}, {"scope_id": ""}])
def test_a_scope_without_its_id_is_a_400_before_a_403(desk: Desk, scope: str, absent: dict[str, str]) -> None:
    foreign = desk.headers | {"x-business-id": str(desk.web.business().id)}
    told = {"detail": "scope_id is required when scope is 'business' or 'firm'."}

    for headers in (desk.headers, foreign):
        posted = desk.web.ask("POST", MARK, headers=headers, json={"scope": scope, **absent})
        listed = desk.web.ask("GET", LIST, headers=headers, params={"scope": scope, **absent})
        assert (posted.status_code, posted.json()) == (400, told)
        assert (listed.status_code, listed.json()) == (400, told)


def test_a_scope_that_the_caller_cannot_see_is_a_403_whether_or_not_it_exists(desk: Desk) -> None:
    business, firm = desk.web.business(), desk.web.firm()
    desk.web.tell(business, firm, times=2)
    unseen = [("business", business.id), ("firm", firm.id), ("business", uuid4()), ("firm", uuid4())]
    unseen += [("business", desk.firm.id), ("firm", desk.business.id), ("business", desk.user)]
    unseen += [("firm", everyone.id), ("business", "no uuid"), ("firm", "\0"), ("firm", "9" * 5000)]

    for scope, scope_id in unseen:
        selection = {"scope": scope, "scope_id": str(scope_id)}
        posted = desk.web.ask("POST", MARK, headers=desk.headers, json=selection)
        listed = desk.web.ask("GET", LIST, headers=desk.headers, params=selection)
        assert (posted.status_code, posted.json()) == (403, NOT_THEIRS), selection
        assert (listed.status_code, listed.json()) == (403, NOT_THEIRS), selection
        if scope == "business":
            query = {"scope_business_id": str(scope_id)}
            counted = desk.web.ask("GET", COUNT, headers=desk.headers, params=query)
            assert (counted.status_code, counted.json()) == (403, NOT_THEIRS), selection


def test_the_schema_comes_before_an_incomplete_scope(desk: Desk) -> None:
    posted = desk.web.ask("POST", MARK, headers=desk.headers, json={"scope": "firm", "topic": ["gossip"]})
    listed = desk.web.ask("GET", LIST, headers=desk.headers, params={"scope": "firm", "topic": "gossip"})
    foreign = desk.web.ask("GET", LIST, headers=desk.headers, params={"cursor": "x", "limit": 0})

    assert (posted.status_code, listed.status_code, foreign.status_code) == (422, 422, 422)


# --- what does not fit -------------------------------------------------------------------------------------


UNFIT_BODIES = [
    ({"scope": "string"}, ["body", "scope"], "enum"),
    ({"scope": 1}, ["body", "scope"], "enum"),
    ({"scope": ["me"]}, ["body", "scope"], "enum"),
    ({"scope_id": 7}, ["body", "scope_id"], "string_type"),
    ({"scope_id": {"id": "x"}}, ["body", "scope_id"], "string_type"),
    ({"live_business_id": 7}, ["body", "live_business_id"], "string_type"),
    ({"topic": "billing"}, ["body", "topic"], "list_type"),
    ({"topic": {"0": "billing"}}, ["body", "topic"], "list_type"),
    ({"topic": ["billing", 7]}, ["body", "topic", 1], "string_type"),
    ({"topic": ["billing", "gossip"]}, ["body", "topic", 1], "enum"),
    ({"topic": ["Billing"]}, ["body", "topic", 0], "enum"),
    ({"topic": ["a\0b"]}, ["body", "topic", 0], "enum"),
    ({"severity": ["info", "loud"]}, ["body", "severity", 1], "enum"),
    ({"severity": [None]}, ["body", "severity", 0], "enum"),
    ({"severity": [10**400]}, ["body", "severity", 0], "enum"),
    ([], ["body"], "model_attributes_type"),
    ([{"scope": "me"}], ["body"], "model_attributes_type"),
    ("me", ["body"], "model_attributes_type"),
    (5, ["body"], "model_attributes_type"),
    (True, ["body"], "model_attributes_type"),
]


def test_a_body_that_does_not_fit_is_told_where(desk: Desk, subtests: pytest.Subtests) -> None:
    desk.web.tell(desk.own)
    for body, loc, kind in UNFIT_BODIES:
        with subtests.test(repr(body)[:60]):
            answer = desk.web.ask("POST", MARK, headers=desk.headers, json=body)

            assert answer.status_code == 422
            [error] = answer.json()["detail"]
            assert (error["loc"], error["type"]) == (loc, kind)
            assert set(error) <= {"loc", "msg", "type", "input", "ctx"}
            assert desk.count() == 1


def test_an_unknown_topic_is_told_as_every_other_unknown_value(desk: Desk) -> None:
    def told(**body: Any) -> Any:
        return desk.web.ask("POST", MARK, headers=desk.headers, json=body).json()["detail"][0]

    assert told(severity=["loud"]) == {
        "loc": ["body", "severity", 0],
        "msg": "Input should be 'info', 'warning' or 'urgent'",
        "type": "enum",
        "input": "loud",
        "ctx": {"expected": "'info', 'warning' or 'urgent'"},
    }
    topic = told(topic=["gossip"])
    assert topic["msg"] == f"Input should be {topic['ctx']['expected']}"
    assert topic["ctx"]["expected"].startswith("'anomaly', 'billing', ")
    assert topic["ctx"]["expected"].endswith(" or 'manual'")
    assert topic["input"] == "gossip"


UNREADABLE = [
    (b'{"scope": "me"', "application/json", 422),
    (b"{'scope': 'me'}", "application/json", 422),
    (b"{} {}", "application/json", 422),
    (b"   ", "application/json", 422),
    (b"\0", "application/json", 422),
    (b'{"scope": "\\ud800"}', "application/json", 422),
    (b'{"topic": ["\\ud800"]}', "application/json", 422),
    (b'{"scope_id": NaN}', "application/json", 422),
    (b'{"scope_id": -Infinity}', "application/json", 422),
    (b'{"scope_id": 1' + b"0" * 4000 + b"}", "application/json", 422),
    (b'{"scope": "me"}', "text/plain", 422),
    (b"scope=me", "application/x-www-form-urlencoded", 422),
    (b"\xff\xfe", "application/octet-stream", 422),
    (b'{"scope": "me"}', "", 422),
    (b"\xff\xfe\x00", "application/json", 400),
    (b"[" * 100_000, "application/json", 400),
    (b'{"scope_id": 1' + b"0" * 5000 + b"}", "application/json", 400),
    (b'{"live_business_id": "' + b"x" * 1_000_000 + b'"}', "application/json", 413),
]


def test_a_body_that_cannot_be_read_changes_nothing(desk: Desk, subtests: pytest.Subtests) -> None:
    desk.web.tell(desk.own)
    for content, kind, status in UNREADABLE:
        with subtests.test(repr(content)[:60]):
            answer = desk.web.ask(
                "POST", MARK, headers=desk.headers | {"Content-Type": kind}, content=content
            )

            assert answer.status_code == status, answer.text
            detail = answer.json()["detail"]
            assert isinstance(detail, list if status == 422 else str)
            assert len(answer.content) < 20_000
            assert desk.count() == 1


def test_a_flood_of_wrong_values_is_told_by_its_first(desk: Desk) -> None:
    answer = desk.web.ask("POST", MARK, headers=desk.headers, json={"severity": ["x"] * 50_000})

    assert answer.status_code == 422
    assert len(answer.json()["detail"]) == 1


@anything_goes
@given(
    body=st.dictionaries(
        st.sampled_from(["scope", "scope_id", "topic", "severity", "live_business_id"]),
        ANY_JSON | st.sampled_from(["me", "firm", "business", ["billing"], ["urgent"]]),
    )
    | ANY_JSON
)
def test_no_body_is_an_error_of_the_server(desk: Desk, body: Any) -> None:
    headers = desk.headers | {"Content-Type": "application/json"}
    answer = desk.web.ask("POST", MARK, headers=headers, content=json.dumps(body))

    assert answer.status_code in (201, 400, 403, 422), answer.text
    assert set(answer.json()) in ({"updated"}, {"detail"})


@anything_goes
@given(
    path=st.sampled_from([LIST, COUNT]),
    query=st.lists(st.tuples(st.sampled_from(QUERY_NAMES), ESCAPED | st.sampled_from(["me", "firm", "1"]))),
)
def test_no_query_is_an_error_of_the_server(desk: Desk, path: str, query: list[tuple[str, str]]) -> None:
    given_as = "&".join(f"{name}={value}" for name, value in query)
    answer = desk.web.ask("GET", f"{path}?{given_as}", headers=desk.headers)

    assert answer.status_code in (200, 400, 403, 422), answer.text
    assert set(answer.json()) in ({"success", "message", "code", "data"}, {"detail"})


# --- list --------------------------------------------------------------------------------------------------


def test_a_page_in_its_envelope(desk: Desk) -> None:
    created = desk.web.clock.at
    expires = created.replace(hour=22)
    [id_] = desk.web.tell(
        desk.business,
        severity=Severity.WARNING,
        body="Number 7 is paid.",
        data={"invoice": 7, "tags": ["a"]},
        actions=[{"label": "Open", "url": "/invoices/7"}],
        expires_at=expires,
    )

    answer = desk.web.ask(
        "GET", LIST, headers=desk.headers, params={"scope": "business", "scope_id": str(desk.business.id)}
    )

    assert answer.status_code == 200
    body = answer.json()
    assert isinstance(body.pop("message"), str)
    assert body == {
        "success": True,
        "code": "OK",
        "data": {
            "items": [
                {
                    "id": str(id_),
                    "scope": "business",
                    "scope_id": str(desk.business.id),
                    "topic": "billing",
                    "severity": "warning",
                    "status": "new",
                    "event_key": "invoice_paid",
                    "title": "No. 0",
                    "body": "Number 7 is paid.",
                    "data": {"invoice": 7, "tags": ["a"]},
                    "actions": [{"label": "Open", "url": "/invoices/7"}],
                    "pinned": False,
                    "live": False,
                    "seen_at": None,
                    "read_at": None,
                    "dismissed_at": None,
                    "snoozed_until": None,
                    "resolved_at": None,
                    "created_at": "2026-03-02T09:30:00Z",
                    "expires_at": "2026-03-02T22:30:00Z",
                }
            ],
            "next_cursor": None,
            "has_more": False,
        },
    }


def test_scope_me_is_the_default_and_has_everyones(desk: Desk) -> None:
    [mine] = desk.web.tell(desk.own)
    desk.web.clock.move(seconds=1)
    [everyones] = desk.web.tell(everyone)
    desk.web.tell(desk.business, desk.firm)

    page = desk.list()

    assert [item["id"] for item in page["items"]] == texts([everyones, mine])
    assert {(item["scope"], item["scope_id"]) for item in page["items"]} == {("me", None)}
    assert desk.ids(scope="me", scope_id="of no matter") == texts([everyones, mine])


class Statuses:
    """One notification of each status."""

    def __init__(self, desk: Desk) -> None:
        later = desk.web.clock.at.replace(hour=23)
        ids = desk.web.tell(desk.own, times=6)
        self.new, self.seen, self.read, self.dismissed, self.resolved, self.snoozed = texts(ids)
        for action, id_ in zip(
            (Action.SEEN, Action.READ, Action.DISMISS, Action.RESOLVE), ids[1:], strict=False
        ):
            desk.web.mark(desk.user, action, [id_])
        desk.web.mark(desk.user, Action.SNOOZE, [ids[5]], later)


def test_status_says_what_is_listed(desk: Desk) -> None:
    one = Statuses(desk)

    assert desk.ids() == [one.read, one.seen, one.new]
    assert desk.ids(status="new") == [one.new]
    assert desk.ids(status="seen") == [one.read, one.seen]
    assert desk.ids(status="dismissed") == [one.dismissed]
    assert desk.ids(status="resolved") == [one.resolved]
    assert desk.ids(status="snoozed") == [one.snoozed]
    assert desk.ids(status=["new", "dismissed"]) == [one.dismissed, one.new]
    assert desk.ids(status=["dismissed", "snoozed", "resolved"]) == [one.snoozed, one.resolved, one.dismissed]
    told = {
        item["id"]: item["status"] for item in desk.list(include_terminal=True, include_snoozed=1)["items"]
    }
    assert told == {
        one.new: "new",
        one.seen: "seen",
        one.read: "seen",
        one.dismissed: "dismissed",
        one.resolved: "resolved",
        one.snoozed: "snoozed",
    }


def test_the_include_fields_add_to_what_is_listed(desk: Desk) -> None:
    one = Statuses(desk)

    assert desk.ids(include_terminal="true") == [one.resolved, one.dismissed, one.read, one.seen, one.new]
    assert desk.ids(include_snoozed="true") == [one.snoozed, one.read, one.seen, one.new]
    assert desk.ids(status="new", include_terminal="true") == [one.resolved, one.dismissed, one.new]
    assert desk.ids(status="new", include_snoozed="true") == [one.snoozed, one.new]
    assert desk.ids(include_live="false", live_business_id="any text") == [one.read, one.seen, one.new]


@pytest.mark.parametrize("name", ["status", "status[]"])
def test_lists_come_with_and_without_brackets(desk: Desk, name: str) -> None:
    one = Statuses(desk)
    desk.web.tell(desk.own, event="close_due", topic="month_end", severity=Severity.URGENT)
    brackets = name.removeprefix("status")
    query = {
        name: ["new", "dismissed"],
        f"topic{brackets}": "billing",
        f"severity{brackets}": ["info", "urgent"],
    }

    assert desk.ids(**query) == [one.dismissed, one.new]
    assert len(desk.ids(**{f"topic{brackets}": ["billing", "month_end"]})) == 4
    assert len(desk.ids(**{f"severity{brackets}": ["urgent"]})) == 1


def test_what_is_empty_in_a_query_is_as_absent(desk: Desk) -> None:
    one = Statuses(desk)
    names = ["scope", "scope_id", "status", "status[]", "topic", "severity[]", "include_terminal"]
    names += ["include_snoozed", "include_live", "live_business_id", "cursor", "limit"]

    assert desk.ids(**dict.fromkeys(names, "")) == [one.read, one.seen, one.new]
    counted = desk.count(scope_business_id="", business_id="", unread_only="")
    assert counted == 1


UNFIT_QUERIES = [
    ({"scope": "world"}, "scope"),
    ({"status": "new,seen"}, "status"),
    ({"status[]": "unknown"}, "status[]"),
    ({"topic": "gossip"}, "topic"),
    ({"topic": "\0"}, "topic"),
    ({"severity": "loud"}, "severity"),
    ({"include_terminal": "perhaps"}, "include_terminal"),
    ({"include_snoozed": "\0"}, "include_snoozed"),
    ({"include_live": "2"}, "include_live"),
    ({"limit": "0"}, "limit"),
    ({"limit": "1001"}, "limit"),
    ({"limit": "-1"}, "limit"),
    ({"limit": "1.5"}, "limit"),
    ({"limit": "many"}, "limit"),
    ({"limit": "9" * 30}, "limit"),
    ({"limit": "9" * 5000}, "limit"),
]


def test_a_query_that_does_not_fit_is_told_where(desk: Desk, subtests: pytest.Subtests) -> None:
    for query, name in UNFIT_QUERIES:
        with subtests.test(repr(query)[:60]):
            answer = desk.web.ask("GET", LIST, headers=desk.headers, params=query)

            assert answer.status_code == 422
            assert answer.json()["detail"][0]["loc"][:2] == ["query", name]


def test_pages_follow_each_other_without_gap_or_repeat(desk: Desk) -> None:
    told = sorted(desk.web.tell(desk.own, everyone, times=12))  # of one moment: by id
    desk.web.mark(desk.user, Action.PIN, [told[0], told[5]])

    pages: list[dict[str, Any]] = []
    cursor, limits = "", [5, 1, 7, 3, 5, 5]
    while not pages or pages[-1]["has_more"]:
        pages.append(desk.list(limit=limits[len(pages)], cursor=cursor))
        cursor = pages[-1]["next_cursor"]
        desk.web.clock.move(seconds=1)
        desk.web.tell(desk.own)  # what comes meanwhile belongs on the first page
    items = [item for page in pages for item in page["items"]]

    assert [len(page["items"]) for page in pages] == [5, 1, 7, 3, 5, 3]
    assert cursor is None
    pinned = [told[5], told[0]]
    assert [item["id"] for item in items] == texts(pinned + [one for one in told[::-1] if one not in pinned])
    assert [item["pinned"] for item in items] == [True] * 2 + [False] * 22


def test_a_cursor_is_good_only_for_its_filters_and_its_caller(desk: Desk) -> None:
    desk.web.tell(desk.own, everyone, desk.business, times=3)
    cursor = desk.list(limit=1)["next_cursor"]
    colleague = desk.web.scoped(desk.web.user(desk.business), desk.business)
    other: list[tuple[dict[str, str], dict[str, Any]]] = [
        (colleague, {}),
        (desk.headers, {"status": "new"}),
        (desk.headers, {"topic": "billing"}),
        (desk.headers, {"include_terminal": True}),
        (desk.headers, {"scope": "business", "scope_id": str(desk.business.id)}),
    ]

    for headers, query in other:
        answer = desk.web.ask("GET", LIST, headers=headers, params={"cursor": cursor, **query})
        assert answer.status_code == 400, query
        assert answer.json() == {"detail": "The cursor does not belong to this list."}
    assert len(desk.ids(cursor=cursor, limit=50, scope="me", include_live="true")) == 5


STRANGE_CURSORS = ["x", "====", "\0", "é", "💌", "A" * 55, "A" * 56, "-" * 5000, "../../"]


def test_a_cursor_that_was_never_given_out_is_a_400(desk: Desk, subtests: pytest.Subtests) -> None:
    for cursor in STRANGE_CURSORS:
        with subtests.test(repr(cursor)[:60]):
            answer = desk.web.ask("GET", LIST, headers=desk.headers, params={"cursor": cursor})

            assert (answer.status_code, answer.json()) == (
                400,
                {"detail": "The cursor does not belong to this list."},
            )


# --- count -------------------------------------------------------------------------------------------------


def test_count_tells_the_new_or_all_that_are_open(desk: Desk) -> None:
    Statuses(desk)
    desk.web.tell(desk.business, desk.firm, everyone, times=2)

    answer = desk.web.ask("GET", COUNT, headers=desk.headers)

    assert answer.status_code == 200
    assert isinstance(answer.json().pop("message"), str)
    assert answer.json() | {"message": ""} == {
        "success": True,
        "message": "",
        "code": "OK",
        "data": {"count": 7},
    }
    assert desk.count(unread_only="false") == 9
    desk.web.clock.move(hours=20)
    assert desk.count(unread_only="true") == 8  # the snooze is over


@pytest.mark.parametrize("name", ["scope_business_id", "business_id"])
def test_count_of_one_business(desk: Desk, name: str) -> None:
    other = desk.web.business()
    desk.web.write(lambda store: directory.join(store, desk.user, other))
    desk.web.tell(desk.own, desk.business, other, times=2)
    desk.web.tell(other)

    assert desk.count(**{name: str(other.id)}) == 3
    assert desk.count(scope_business_id=str(desk.business.id), business_id=str(other.id)) == 2
    assert desk.count() == 7


@pytest.mark.parametrize("value", ["perhaps", "2", "\0"])
def test_a_count_that_does_not_fit_is_a_422(desk: Desk, value: str) -> None:
    answer = desk.web.ask("GET", COUNT, headers=desk.headers, params={"unread_only": value})

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", "unread_only"]


# --- the rest ----------------------------------------------------------------------------------------------


def test_unknown_paths_and_methods_answer_in_the_same_shape(desk: Desk) -> None:
    unknown = desk.web.ask("GET", "/api/v1/nothing", headers=desk.headers)
    slash = desk.web.ask("POST", f"{MARK}/", headers=desk.headers)
    nul = desk.web.ask("GET", f"{LIST}/%00/nothing", headers=desk.headers)
    method = desk.web.ask("GET", MARK, headers=desk.headers)

    for answer in (unknown, slash, nul):
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})
    assert (method.status_code, method.json()) == (405, {"detail": "Method Not Allowed"})
    assert method.headers["allow"] == "POST"


def test_an_email_header_is_kept_in_the_logs_and_changes_nothing(desk: Desk) -> None:
    for email in ("ada@example.com", "no address", "x" * 4000):
        answer = desk.web.ask("GET", COUNT, headers=desk.headers | {"x-user-email": email})
        assert answer.json()["data"] == {"count": 0}


def test_an_unexpected_error_tells_nothing_but_is_logged(
    run: Run, tmp_path: Path, clock: MovingClock, open_database: OpenDatabase
) -> None:
    web = Web(run, open_database(f"sqlite:///{tmp_path}/empty.db"), clock)
    headers = {"Authorization": "Bearer dz_x", "x-business-id": str(uuid4())}

    with capture_logs(processors=[merge_contextvars]) as logs:
        answer = web.ask("POST", MARK, headers=headers)

    assert (answer.status_code, answer.json()) == (500, {"detail": "Internal Server Error"})
    [line] = [line for line in logs if line["log_level"] == "error"]
    assert line["correlation_id"] == answer.headers["x-correlation-id"]
    assert "no such table" in str(line["exc_info"])


# --- the document ------------------------------------------------------------------------------------------


def test_the_document_has_the_contracts_names(web: Web) -> None:
    answer = web.ask("GET", OPENAPI)

    assert answer.status_code == 200
    document = answer.json()
    operations = {
        path: operation for path, methods in document["paths"].items() for operation in methods.values()
    }
    assert {path: operation["operationId"] for path, operation in operations.items()} == {
        MARK: "mark_all_seen_api_v1_notifications_mark_all_seen_post",
        LIST: "list_notifications_api_v1_notifications_get",
        COUNT: "open_count_api_v1_notifications_count_get",
        f"{LIST}/stream": "stream_notifications_api_v1_notifications_stream_get",
        BULK_SEEN: "bulk_mark_seen_api_v1_notifications_bulk_seen_post",
        f"{LIST}/dismiss-all": "dismiss_all_api_v1_notifications_dismiss_all_post",
        f"{LIST}/{{notification_id}}/pin": "set_pinned_api_v1_notifications__notification_id__pin_put",
        **{
            f"{LIST}/{{notification_id}}/{what}": f"{name}_api_v1_notifications__notification_id__{what}_post"
            for what, name in {
                "seen": "mark_seen",
                "dismiss": "dismiss",
                "resolve": "resolve",
                "snooze": "snooze",
                "unsnooze": "unsnooze",
            }.items()
        },
        TOPICS: "update_topic_overrides_endpoint_api_v1_preferences_notifications_topics_put",
        TOKENS: "create_token_api_v1_tokens_post",  # the last of two methods
        f"{TOKENS}/{{token_id}}": "revoke_token_api_v1_tokens__token_id__delete",
    }
    tags = {path: operation["tags"] for path, operation in operations.items()}
    assert [path for path, given in tags.items() if given == ["tokens"]] == [TOKENS, f"{TOKENS}/{{token_id}}"]
    assert all(given == ["notifications"] for path, given in tags.items() if not path.startswith(TOKENS))
    schemas = document["components"]["schemas"]
    assert {"BulkAllRequest", "BulkOpResponse", "HTTPValidationError", "ValidationError"} <= set(schemas)
    assert list(schemas["BulkAllRequest"]["properties"]) == [
        "scope",
        "scope_id",
        "topic",
        "severity",
        "live_business_id",
    ]
    assert "required" not in schemas["BulkAllRequest"]
    assert schemas["BulkOpResponse"]["required"] == ["updated"]
    assert schemas["ValidationError"]["required"] == ["loc", "msg", "type"]
    assert set(schemas["ValidationError"]["properties"]) == {"loc", "msg", "type", "input", "ctx"}
    mark = operations[MARK]
    assert set(mark["responses"]) == {"201", "400", "401", "403", "413", "422"}
    assert mark["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/BulkAllRequest")
    assert not mark["requestBody"].get("required", False)
    headers = {one["name"]: one["required"] for one in mark["parameters"] if one["in"] == "header"}
    assert headers == {"x-business-id": True, "x-user-email": False}
    assert mark["security"]


def test_the_enums_of_the_document_follow_the_catalog(web: Web) -> None:
    schemas = web.ask("GET", OPENAPI).json()["components"]["schemas"]

    assert schemas["NotificationScopeEnum"]["enum"] == ["me", "business", "firm"]
    assert schemas["NotificationStatusEnum"]["enum"] == ["new", "seen", "resolved", "dismissed", "snoozed"]
    assert schemas["NotificationSeverityEnum"]["enum"] == ["info", "warning", "urgent"]
    before = ["anomaly", "billing", "ap_approvals", "plaid", "month_end", "ledger", "notes", "email_ingest"]
    before += ["reconciliation", "manual"]
    assert schemas["NotificationTopicEnum"]["enum"] == before

    web.event("payroll_run", topic="payroll")

    after = web.ask("GET", OPENAPI).json()["components"]["schemas"]["NotificationTopicEnum"]["enum"]
    assert after == [*before, "payroll"]


def test_a_topic_new_to_the_catalog_is_taken_at_once(desk: Desk) -> None:
    def marked(to: Address) -> int:
        desk.web.tell(to, event="payroll_run", topic="payroll")
        return desk.mark({"topic": ["payroll"]})["updated"]

    assert desk.web.ask("POST", MARK, headers=desk.headers, json={"topic": ["payroll"]}).status_code == 422
    assert marked(desk.own) == 1
    assert desk.ids(topic="payroll") != []


def test_no_page_loads_anything_from_elsewhere(web: Web) -> None:
    for path in ("/docs", "/redoc", "/docs/scoped", "/docs/scoped/docs", "/openapi.json"):
        assert web.ask("GET", path).status_code == 404


# --- by id -------------------------------------------------------------------------------------------------

PLAIN = ("seen", "dismiss", "resolve", "unsnooze")  # the calls that need no body


def one(desk: Desk, id_: Any, what: str, status: int = 200, **more: Any) -> Any:
    """What a call about one notification answers."""
    method = "PUT" if what == "pin" else "POST"
    answer = desk.web.ask(method, f"{LIST}/{id_}/{what}", headers=desk.headers, **more)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_each_call_about_one_notification_answers_it_as_it_is_then(desk: Desk) -> None:
    (id_,) = desk.web.tell(desk.business)
    until = desk.web.clock.at.replace(hour=23)

    seen = one(desk, id_, "seen")
    assert (seen["success"], seen["code"], seen["data"]["status"]) == (True, "OK", "seen")
    assert one(desk, id_, "pin", json={"pinned": True})["data"]["pinned"] is True
    assert one(desk, id_, "pin", json={"pinned": False})["data"]["pinned"] is False
    snoozed = one(desk, id_, "snooze", json={"until": until.isoformat()})["data"]
    assert (snoozed["status"], snoozed["seen_at"]) == ("snoozed", None)
    assert snoozed["snoozed_until"] == until.isoformat().replace("+00:00", "Z")
    assert desk.ids(scope="business", scope_id=str(desk.business.id)) == []
    assert one(desk, id_, "unsnooze")["data"]["status"] == "new"
    dismissed = one(desk, id_, "dismiss")["data"]
    assert (dismissed["status"], one(desk, id_, "dismiss")["data"]) == ("dismissed", dismissed)
    assert one(desk, id_, "resolve")["data"]["status"] == "resolved"


def test_resolving_settles_for_all_and_the_other_calls_for_the_caller_alone(desk: Desk) -> None:
    settled, mine = desk.web.tell(desk.business, times=2)
    colleague = desk.web.scoped(desk.web.user(desk.business), desk.business)
    colleagues = desk.web.tell(desk.business, times=1)  # who joins sees what comes then
    query = {"scope": "business", "scope_id": str(desk.business.id)}

    one(desk, settled, "resolve")
    one(desk, mine, "dismiss")
    one(desk, colleagues[0], "dismiss")
    assert desk.ids(**query) == []
    answer = desk.web.ask("GET", LIST, headers=colleague, params=query)
    assert [item["id"] for item in answer.json()["data"]["items"]] == texts(colleagues)
    one(desk, colleagues[0], "resolve")
    answer = desk.web.ask("GET", LIST, headers=colleague, params=query)
    assert answer.json()["data"]["items"] == []


def test_what_was_told_to_everyone_no_reader_resolves(desk: Desk) -> None:
    (id_,) = desk.web.tell(everyone)

    assert one(desk, id_, "resolve", 403)["detail"].startswith("What was told to everyone")
    assert desk.ids() == texts([id_])


def test_what_the_caller_cannot_see_is_not_found_whatever_is_done_to_it(
    desk: Desk, subtests: pytest.Subtests
) -> None:
    stranger = desk.web.business()
    (theirs,) = desk.web.tell(stranger)
    (gone,) = desk.web.tell(desk.own)
    desk.web.write(lambda store: withdraw(store, gone))
    bodies = {"pin": {"pinned": True}, "snooze": {"until": desk.web.clock.at.replace(hour=23).isoformat()}}
    for id_ in (theirs, gone, uuid4(), "live:low-cash", "no-uuid", "%00", "a" * 3000):
        for what in ("pin", "snooze", *PLAIN):
            with subtests.test(id=id_, what=what):
                more = {"json": bodies[what]} if what in bodies else {}
                kind = "live alert" if str(id_).startswith("live:") and what == "dismiss" else "notification"
                assert one(desk, id_, what, 404, **more) == {"detail": f"There is no such {kind}."}


def test_the_input_is_looked_at_before_the_business_and_the_business_before_the_notification(
    desk: Desk,
) -> None:
    (id_,) = desk.web.tell(desk.own)
    past = {"json": {"until": desk.web.clock.at.isoformat()}}
    strangers = desk.headers | {"x-business-id": str(uuid4())}

    assert one(desk, id_, "snooze", 422, json={"until": "soon"})["detail"][0]["loc"] == ["body", "until"]
    assert one(desk, id_, "snooze", 422, json={"until": "2026-03-02T10:00:00"})  # of which zone?
    assert one(desk, id_, "pin", 422, json={"pinned": "perhaps"})["detail"][0]["loc"] == ["body", "pinned"]
    for id_or_none in (id_, uuid4(), "no-uuid"):
        assert one(desk, id_or_none, "snooze", 400, **past) == {"detail": "A snooze must end in the future."}
    desk.headers = strangers
    assert one(desk, id_, "snooze", 400, **past)
    assert one(desk, uuid4(), "seen", 403)
    desk.headers = {"x-business-id": str(desk.business.id)}
    assert one(desk, id_, "snooze", 401, json={})


def test_bulk_seen_marks_what_of_the_ids_the_caller_can_see(desk: Desk) -> None:
    mine = desk.web.tell(desk.own, desk.business, times=2)
    (theirs,) = desk.web.tell(desk.web.business())
    named = [*texts(mine[:3]), str(mine[0]), str(theirs), str(uuid4()), "live:low-cash", "no-uuid", ""]

    def mark(ids: list[Any], status: int = 201) -> Any:
        answer = desk.web.ask("POST", BULK_SEEN, headers=desk.headers, json={"notification_ids": ids})
        assert answer.status_code == status, answer.text
        return answer.json()

    assert mark(named) == {"updated": 3}
    assert mark(named) == {"updated": 0}
    assert mark(["no-uuid"]) == {"updated": 0}
    assert desk.count() == 1
    assert mark([str(uuid4()) for _ in range(1000)]) == {"updated": 0}
    assert mark([str(uuid4()) for _ in range(1001)], 422)["detail"][0]["loc"] == ["body", "notification_ids"]
    assert mark([], 422)
    assert mark([None], 422)["detail"][0]["loc"] == ["body", "notification_ids", 0]


def test_dismiss_all_dismisses_what_is_open_and_matches(desk: Desk) -> None:
    own = desk.web.tell(desk.own, times=4)
    desk.web.tell(desk.business, times=2)
    desk.web.mark(desk.user, Action.SEEN, own[:1])
    desk.web.mark(desk.user, Action.DISMISS, own[1:2])
    desk.web.mark(desk.user, Action.SNOOZE, own[2:3], desk.web.clock.at.replace(hour=23))

    def dismiss(body: Any) -> Any:
        answer = desk.web.ask("POST", f"{LIST}/dismiss-all", headers=desk.headers, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    assert dismiss({"scope": "me"}) == {"updated": 2}
    assert dismiss({"severity": ["urgent"]}) == {"updated": 0}
    assert dismiss({}) == {"updated": 2}
    assert dismiss({}) == {"updated": 0}
    assert desk.count(unread_only=False) == 0


# --- preferences -------------------------------------------------------------------------------------------


def test_topic_overrides_replace_the_whole_map_and_leave_out_what_there_is_not(desk: Desk) -> None:
    desk.web.tell(desk.own, event="invoice", topic="billing")
    desk.web.tell(desk.own, event="close_due", topic="month_end")

    def put(overrides: Any, status: int = 200) -> Any:
        answer = desk.web.ask("PUT", TOPICS, headers=desk.headers, json={"overrides": overrides})
        assert answer.status_code == status, answer.text
        return answer.json()

    wanted = {
        "billing": {"in_app": False, "email": True, "pigeon": True},
        "weather": {"email": True},
        "ledger": {},
    }
    told = put(wanted)
    assert (told["success"], told["code"]) == (True, "OK")
    assert told["data"] == {
        "overrides": {"billing": {"in_app": False, "email": True}},
        "available_channels": ["in_app"],
    }
    assert desk.count() == 1  # a topic that is off is out of sight
    assert put({"month_end": {"in_app": False}})["data"]["overrides"] == {"month_end": {"in_app": False}}
    assert [item["topic"] for item in desk.list()["items"]] == ["billing"]
    assert put({})["data"]["overrides"] == {}
    assert desk.count() == 2
    assert put({"billing": {"in_app": "off, please"}}, 422)
    assert put({"billing": True}, 422)
    assert put(None, 422)


# --- live alerts -------------------------------------------------------------------------------------------


def alert(desk: Desk, id_: str = "low-cash", **content: Any) -> str:
    """The id under which a live alert of the desk's business is listed; newer than what was before."""
    desk.web.clock.move(seconds=1)
    return f"live:{desk.web.alert(desk.business.id, id_, **content).id}"


def of_business(desk: Desk) -> dict[str, str]:
    return {"scope": "business", "scope_id": str(desk.business.id)}


def test_a_live_alert_in_full(desk: Desk) -> None:
    said = {"kind": "low_cash", "severity": Severity.URGENT, "body": "7 € are left.", "data": {"balance": 7}}
    desk.web.alert(desk.business.id, "low-cash", title="Low on cash", **said)
    told = {
        "id": "live:low-cash",
        "scope": "business",
        "scope_id": str(desk.business.id),
        "topic": None,
        "severity": "urgent",
        "status": "new",
        "event_key": "low_cash",
        "title": "Low on cash",
        "body": "7 € are left.",
        "data": {"balance": 7},
        "actions": [],
        "pinned": False,
        "live": True,
        "seen_at": None,
        "read_at": None,
        "dismissed_at": None,
        "snoozed_until": None,
        "resolved_at": None,
        "created_at": "2026-03-02T09:30:00Z",
        "expires_at": None,
    }

    assert desk.list(**of_business(desk))["items"] == [told]
    assert desk.list(live_business_id=str(desk.business.id))["items"] == [told]
    desk.web.clock.move(minutes=1)
    answer = one(desk, "live:low-cash", "dismiss")
    assert (answer["success"], answer["code"]) == (True, "OK")
    assert answer["data"] == told | {"status": "dismissed", "dismissed_at": "2026-03-02T09:31:00Z"}
    desk.web.clock.move(minutes=1)
    assert one(desk, "live:low-cash", "dismiss")["data"] == answer["data"]
    assert desk.ids(**of_business(desk), include_terminal=True) == []


def test_live_alerts_come_whole_before_all_else_on_the_first_page_alone(desk: Desk) -> None:
    told = sorted(desk.web.tell(desk.business, times=4))
    desk.web.mark(desk.user, Action.PIN, told[:1])
    live = [alert(desk, f"no. {number}") for number in range(5)]
    query = {**of_business(desk), "limit": 2}

    first = desk.list(**query)
    second = desk.list(**query, cursor=first["next_cursor"])

    assert [item["id"] for item in first["items"]] == [*live[::-1], *texts([told[0], told[3]])]
    assert [item["id"] for item in second["items"]] == texts([told[2], told[1]])
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert desk.count(scope_business_id=str(desk.business.id), unread_only=False) == 4


def test_whose_live_alerts_are_listed(desk: Desk) -> None:
    stranger = desk.web.business()
    id_ = alert(desk)
    desk.web.alert(stranger.id, "theirs")
    business = str(desk.business.id)

    assert desk.ids() == []
    assert desk.ids(live_business_id=business) == desk.ids(scope="me", live_business_id=business) == [id_]
    assert desk.ids(**of_business(desk), live_business_id=str(stranger.id)) == [id_]
    assert desk.ids(live_business_id=business, include_live=False) == []
    assert desk.ids(**of_business(desk), include_live=False) == []
    assert desk.ids(scope="firm", scope_id=str(desk.firm.id), live_business_id=business) == []
    for other in (stranger.id, uuid4(), desk.firm.id, desk.user, everyone.id, "any text", "\0", "9" * 5000):
        assert desk.ids(live_business_id=str(other)) == []


def test_filters_of_live_alerts(desk: Desk) -> None:
    cash = alert(desk, severity=Severity.URGENT)
    link = alert(desk, "link", kind="plaid")

    def ids(**query: Any) -> list[str]:
        return desk.ids(**of_business(desk), **query)

    assert ids() == ids(status=["seen", "new"]) == ids(include_terminal=True) == [link, cash]
    for status in ("seen", "dismissed", "resolved", "snoozed"):
        assert ids(status=status) == []
    assert ids(severity="urgent") == [cash]
    assert ids(severity=["info", "urgent"]) == [link, cash]
    assert ids(topic=["plaid", "billing"]) == [link]
    assert ids(topic="billing") == []
    assert [item["topic"] for item in desk.list(**of_business(desk))["items"]] == ["plaid", None]


def test_of_a_live_alert_nothing_but_dismiss_is_known(desk: Desk, subtests: pytest.Subtests) -> None:
    id_ = alert(desk)
    bodies = {"pin": {"pinned": True}, "snooze": {"until": desk.web.clock.at.replace(hour=23).isoformat()}}
    for what in ("pin", "snooze", "seen", "resolve", "unsnooze"):
        with subtests.test(what):
            more = {"json": bodies[what]} if what in bodies else {}
            assert one(desk, id_, what, 404, **more) == {"detail": "There is no such notification."}
    seen = desk.web.ask("POST", BULK_SEEN, headers=desk.headers, json={"notification_ids": [id_]})
    assert seen.json() == {"updated": 0}
    assert desk.mark({"live_business_id": str(desk.business.id)}) == {"updated": 0}
    assert desk.mark(of_business(desk)) == {"updated": 0}
    assert desk.ids(**of_business(desk)) == [id_]


def test_dismissing_a_live_alert_looks_in_the_business_context_first(desk: Desk) -> None:
    other, stranger = desk.web.business(), desk.web.business()
    desk.web.write(lambda store: directory.join(store, desk.user, other))
    alert(desk)
    for business in (other, stranger):
        desk.web.alert(business.id)
    desk.web.alert(other.id, "bank/7?")
    desk.web.alert(stranger.id, "theirs")

    def dismissed(id_: str) -> Any:
        return one(desk, id_, "dismiss")["data"]["scope_id"]

    assert dismissed("live:low-cash") == str(desk.business.id)
    assert dismissed("live:bank%2F7%3F") == str(other.id)
    desk.headers["x-business-id"] = str(other.id)
    assert dismissed("live:low-cash") == str(other.id)
    for id_ in ("theirs", "nowhere", "", "%00", "a%00", "x" * 3000):
        assert one(desk, f"live:{id_}", "dismiss", 404) == {"detail": "There is no such live alert."}
    desk.headers["x-business-id"] = str(stranger.id)
    assert one(desk, "live:theirs", "dismiss", 403) == {"detail": "You do not belong to this business."}


def test_dismiss_all_takes_the_live_alerts_that_are_meant(desk: Desk) -> None:
    stranger = desk.web.business()
    desk.web.alert(stranger.id)
    desk.web.tell(desk.own, desk.business, times=2)
    alert(desk, severity=Severity.URGENT)
    alert(desk, "link", kind="plaid")
    business = str(desk.business.id)

    def dismiss(**body: Any) -> int:
        answer = desk.web.ask("POST", f"{LIST}/dismiss-all", headers=desk.headers, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["updated"]

    for other in (stranger.id, uuid4(), desk.firm.id, "any text", "\0"):
        assert dismiss(scope="me", live_business_id=str(other), severity=["warning"]) == 0
    assert dismiss(scope="firm", scope_id=str(desk.firm.id), live_business_id=business) == 0
    assert dismiss(scope="me", live_business_id=business, severity=["urgent"]) == 1
    assert dismiss(scope="me") == 2
    alert(desk, "new")
    assert dismiss(scope="me", live_business_id=business, topic=["plaid"]) == 1
    assert dismiss(live_business_id=business) == 2 + 1
    alert(desk, "newer")
    assert dismiss() == 0
    assert dismiss(scope="business", scope_id=business, live_business_id=str(stranger.id)) == 1
    assert dismiss(scope="business", scope_id=business) == 0


def test_a_colleague_keeps_what_one_dismisses_until_it_clears(desk: Desk) -> None:
    id_ = alert(desk)
    colleague = Desk(desk.web)
    colleague.business = desk.business
    desk.web.write(lambda store: directory.join(store, colleague.user, desk.business))

    one(desk, id_, "dismiss")

    assert (desk.ids(**of_business(desk)), colleague.ids(**of_business(desk))) == ([], [id_])
    desk.web.write(lambda store: clear(store, desk.business.id, "low-cash"))
    assert colleague.ids(**of_business(desk)) == []
    assert one(desk, id_, "dismiss", 404)
    alert(desk)
    assert desk.ids(**of_business(desk)) == colleague.ids(**of_business(desk)) == [id_]


@pytest.mark.parametrize("until", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"])
def test_a_time_that_no_calendar_has_in_utc_is_a_422(desk: Desk, until: str) -> None:
    [told] = desk.web.tell(own(desk.user))
    path = f"/api/v1/notifications/{told}/snooze"
    answer = desk.web.ask("POST", path, headers=desk.headers, json={"until": until})

    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "until"])

"""The personal surface over HTTP: signing in, envelopes, limits, errors, and which surface answers a path."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from tests.conftest import MovingClock, OpenDatabase, Run
from tests.web import ANY_JSON, ESCAPED, PASSWORD, Web, anything_goes, everyone, own
from tidings.model import Action
from tidings.storage.engine import Database
from tidings.storage.store import Store
from tidings.storage.tables import scheduled
from tidings.surfaces.personal.errors import ANSWERS

LOGIN = "/api/v1/auth/login"
REFRESH = "/api/v1/auth/refresh"
LIST = "/api/v1/notifications"
COUNT = "/api/v1/notifications/unread-count"
CLEAR = "/api/v1/notifications/clear-read"
PREFERENCES = "/api/v1/notifications/preferences"
DEFAULTS = "/api/v1/admin/notifications/defaults"
HEALTH = "/api/v1/admin/notifications/health"
CALLS = [("GET", LIST), ("GET", COUNT), ("DELETE", CLEAR)]
COOKIE = "tidings_refresh"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def web(run: Run, database: Database, clock: MovingClock) -> Web:
    return Web(run, database, clock)


class Desk:
    """A signed-in user with a business and a firm, of which this surface shows nothing."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.business, self.firm = web.business(), web.firm()
        self.user = web.user(self.business, self.firm)
        self.own = own(self.user)
        self.headers = web.personal(self.user)

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """What a success answers as its data."""
        answer = self.web.ask(method, path, headers=self.headers, **more)
        assert answer.status_code == 200, answer.text
        assert set(answer.json()) == {"success", "data"}
        assert answer.json()["success"] is True
        return answer.json()["data"]

    def ids(self, **query: Any) -> list[str]:
        return [item["id"] for item in self.ask("GET", LIST, params=query)["items"]]


@pytest.fixture
def desk(web: Web) -> Desk:
    return Desk(web)


def error_of(answer: httpx2.Response, status: int, code: str, key: str) -> Any:
    """The error of a refusal, whose envelope is looked at."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"success", "error"}
    assert body["success"] is False
    error = body["error"]
    assert set(error) == {"code", "message", "i18nKey", "i18nVars", "details", "correlationId"}
    assert (error["code"], error["i18nKey"]) == (code, key)
    assert isinstance(error["message"], str)
    assert isinstance(error["i18nVars"], dict)
    assert all(set(detail) == {"message"} for detail in error["details"])
    assert answer.headers["x-correlation-id"] == error["correlationId"] == str(UUID(error["correlationId"]))
    return error


def unauthorized(answer: httpx2.Response, key: str = "error.auth.unauthorized") -> Any:
    return error_of(answer, 401, "AUTH_UNAUTHORIZED", key)


def texts(ids: list[UUID]) -> list[str]:
    return [str(id_) for id_ in ids]


# --- login -------------------------------------------------------------------------------------------------


def test_login_answers_an_access_token_and_a_refresh_cookie(web: Web) -> None:
    user = web.user(email="ada@example.com")

    body = {"email": "  Ada@Example.COM ", "password": PASSWORD, "captchaToken": "of no matter"}
    answer = web.ask("POST", LOGIN, json=body)

    assert answer.status_code == 200
    data = answer.json()["data"]
    assert answer.json() == {
        "success": True,
        "data": {"accessToken": data["accessToken"], "expiresIn": 900},
    }
    assert web.sessions.subject(data["accessToken"], "personal") == user
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith(f"{COOKIE}=")
    told = {attribute.lower() for attribute in attributes}
    assert told == {"httponly", "secure", "samesite=strict", "path=/api/v1/auth", "max-age=2592000"}
    counted = web.ask("GET", COUNT, headers={"Authorization": f"Bearer {data['accessToken']}"})
    assert counted.json() == {"success": True, "data": {"count": 0}}


def test_the_cookie_is_sent_in_clear_only_where_the_operator_says_so(
    run: Run, database: Database, clock: MovingClock
) -> None:
    web = Web(run, database, clock, secure_cookies=False)
    web.user(email="ada@example.com")

    answer = web.ask("POST", LOGIN, json={"email": "ada@example.com", "password": PASSWORD})

    assert "secure" not in answer.headers["set-cookie"].lower()


def test_an_unknown_address_and_a_wrong_password_answer_alike(web: Web) -> None:
    web.user(email="ada@example.com")
    web.user(email="bob@example.com", password_hash=None)

    def refused(email: str) -> Any:
        answer = web.ask("POST", LOGIN, json={"email": email, "password": "wrong"})
        assert "set-cookie" not in answer.headers
        error = unauthorized(answer, "auth.login.invalid_credentials")
        return error | {"correlationId": ""}

    assert refused("ada@example.com") == refused("nobody@example.com") == refused("bob@example.com")


@pytest.mark.parametrize(
    ("changes", "status", "code", "key"),
    [
        ({"status": "suspended"}, 401, "AUTH_UNAUTHORIZED", "auth.login.account_suspended"),
        ({"status": "deactivated"}, 401, "AUTH_UNAUTHORIZED", "auth.login.account_deactivated"),
        ({"email_verified": False}, 403, "FORBIDDEN", "auth.login.email_not_verified"),
    ],
)
def test_an_account_that_may_not_sign_in_is_told_why(
    web: Web, changes: dict[str, Any], status: int, code: str, key: str
) -> None:
    web.user(email="ada@example.com", **changes)

    answer = web.ask("POST", LOGIN, json={"email": "ada@example.com", "password": PASSWORD})

    error_of(answer, status, code, key)
    assert "set-cookie" not in answer.headers


def test_ten_failures_lock_the_account_for_a_quarter_of_an_hour(web: Web) -> None:
    web.user(email="ada@example.com")

    def login(password: str, peer: str = "192.0.2.1") -> httpx2.Response:
        return web.ask("POST", LOGIN, json={"email": "ada@example.com", "password": password}, peer=peer)

    for _ in range(10):
        unauthorized(login("wrong"), "auth.login.invalid_credentials")
    unauthorized(login(PASSWORD), "auth.login.account_locked")
    web.clock.move(minutes=16)
    assert login(PASSWORD).status_code == 200


UNFIT_LOGINS = [
    ({}, "email"),
    ({"email": "ada@example.com"}, "password"),
    ({"password": "x"}, "email"),
    ({"email": "ada@example.com", "password": ""}, "password"),
    ({"email": "ada@example.com", "password": None}, "password"),
    ({"email": "ada@example.com", "password": 7}, "password"),
    ({"email": "ada@example.com", "password": "x" * 1025}, "password"),
    ({"email": ["ada@example.com"], "password": "x"}, "email"),
    ({"email": "", "password": "x"}, "email"),
    ({"email": "ada", "password": "x"}, "email"),
    ({"email": "a\0@example.com", "password": "x"}, "email"),
    ({"email": "ada@exa\0mple.com", "password": "x"}, "email"),
    ({"email": "a" * 400 + "@example.com", "password": "x"}, "email"),
    ({"email": "ada@example.com", "password": "x", "captchaToken": 7}, "captchaToken"),
    ([], ""),
    ("ada@example.com", ""),
    (None, ""),
]


def test_a_login_that_does_not_fit_is_a_400(web: Web, subtests: pytest.Subtests) -> None:
    for body, told in UNFIT_LOGINS:
        with subtests.test(repr(body)[:60]):
            answer = web.ask("POST", LOGIN, json=body)

            error = error_of(answer, 400, "VALIDATION_FAILED", "error.validation")
            assert error["details"]
            assert told in error["details"][0]["message"]


UNREADABLE = [
    (b'{"email": ', "application/json", 400),
    (b"\xff\xfe", "application/json", 400),
    (b"\0", "application/json", 400),
    (b"[" * 60_000, "application/json", 400),
    (b'{"email": "\\ud800", "password": "x", "refreshToken": "\\ud800"}', "application/json", 400),
    (b'{"email": "\\ud800@example.com", "password": "x", "refreshToken": 7}', "application/json", 400),
    (b'{"email": NaN, "password": Infinity, "refreshToken": NaN}', "application/json", 400),
    (b'{"email": "ada@example.com", "password": "x", "refreshToken": "x"}', "text/plain", 400),
    (b"email=ada%40example.com&password=x", "application/x-www-form-urlencoded", 400),
    (b"\xff\xfe", "multipart/form-data", 400),
    (b'{"email": "' + b"x" * 1_000_000 + b'"}', "application/json", 413),
]


@anything_goes
@given(
    path=st.sampled_from([LOGIN, REFRESH]),
    body=st.dictionaries(
        st.sampled_from(["email", "password", "captchaToken", "refreshToken"]), ANY_JSON, min_size=2
    )
    | ANY_JSON,
)
def test_no_body_is_an_error_of_the_server(web: Web, path: str, body: Any) -> None:
    answer = web.ask("POST", path, headers=JSON, content=json.dumps(body))

    if answer.status_code == 400:
        error_of(answer, 400, "VALIDATION_FAILED", "error.validation")
    else:
        assert answer.status_code in (401, 429), answer.text
        assert set(answer.json()) == {"success", "error"}


@anything_goes
@given(query=st.lists(st.tuples(st.sampled_from(["read", "page", "limit"]), ESCAPED | st.just("true"))))
def test_no_query_is_an_error_of_the_server(desk: Desk, query: list[tuple[str, str]]) -> None:
    given_as = "&".join(f"{name}={value}" for name, value in query)
    answer = desk.web.ask("GET", f"{LIST}?{given_as}", headers=desk.headers)

    assert answer.status_code in (200, 400, 429), answer.text
    assert set(answer.json()) in ({"success", "data"}, {"success", "error"})


@pytest.mark.parametrize("path", [LOGIN, REFRESH])
def test_a_body_that_cannot_be_read(web: Web, path: str, subtests: pytest.Subtests) -> None:
    for content, kind, status in UNREADABLE:
        with subtests.test(repr(content)[:60]):
            answer = web.ask("POST", path, headers={"Content-Type": kind}, content=content)

            error_of(answer, status, "VALIDATION_FAILED", "error.validation")


def test_a_login_needs_a_body_and_a_refresh_a_token(web: Web) -> None:
    error_of(web.ask("POST", LOGIN, headers=JSON), 400, "VALIDATION_FAILED", "error.validation")
    unauthorized(web.ask("POST", REFRESH, headers=JSON), "auth.refresh.invalid_token")


STRANGE_PASSWORDS = ["\0", "p\0w", "é" * 500, "💌"]


def test_any_password_can_be_tried(web: Web, subtests: pytest.Subtests) -> None:
    web.user(email="ada@example.com")
    for password in STRANGE_PASSWORDS:
        with subtests.test(repr(password)[:60]):
            answer = web.ask("POST", LOGIN, json={"email": "ada@example.com", "password": password})

            unauthorized(answer, "auth.login.invalid_credentials")


# --- refresh -----------------------------------------------------------------------------------------------


def signed_in(web: Web) -> tuple[UUID, str]:
    """A user, and the refresh token of their session."""
    user = web.user(email="ada@example.com")
    return user, web.run(web.sessions.open_session(user))


def by_cookie(token: str) -> dict[str, Any]:
    return {"cookies": {COOKIE: token}}


def by_body(token: str) -> dict[str, Any]:
    return {"json": {"refreshToken": token}}


@pytest.mark.parametrize("carried", [by_cookie, by_body])
def test_refresh_exchanges_the_token_for_the_next(web: Web, carried: Callable[[str], dict[str, Any]]) -> None:
    user, token = signed_in(web)

    for _ in range(3):
        answer = web.ask("POST", REFRESH, **carried(token))
        assert answer.status_code == 200, answer.text
        data = answer.json()["data"]
        assert answer.json() == {"success": True, "data": {**data, "expiresIn": 900}}
        assert web.sessions.subject(data["accessToken"], "personal") == user
        assert answer.cookies[COOKIE] != token
        token = answer.cookies[COOKIE]


@pytest.mark.parametrize("carried", [by_cookie, by_body])
def test_a_token_used_twice_ends_every_session(web: Web, carried: Callable[[str], dict[str, Any]]) -> None:
    user, token = signed_in(web)
    other = web.run(web.sessions.open_session(user))
    following = web.ask("POST", REFRESH, **carried(token)).cookies[COOKIE]

    unauthorized(web.ask("POST", REFRESH, **carried(token)), "auth.refresh.token_reuse_detected")

    for ended in (following, other):
        unauthorized(web.ask("POST", REFRESH, **carried(ended)), "auth.refresh.invalid_token")


def test_the_cookie_comes_before_the_body(web: Web) -> None:
    _, token = signed_in(web)

    refused = web.ask("POST", REFRESH, cookies={COOKIE: "unknown"}, json={"refreshToken": token})
    taken = web.ask("POST", REFRESH, cookies={COOKIE: token}, json={"refreshToken": "unknown"})

    unauthorized(refused, "auth.refresh.invalid_token")
    assert taken.status_code == 200


NO_REFRESH_TOKENS = [
    {},
    {"json": {}},
    {"json": None},
    {"json": {"refreshToken": None}},
    {"json": {"refreshToken": ""}},
    {"json": {"refreshToken": "\0"}},
    {"json": {"refreshToken": "unknown"}},
    {"cookies": {COOKIE: "unknown"}},
    {"cookies": {COOKIE: ""}},
]


def test_no_valid_refresh_token_is_a_401(web: Web, subtests: pytest.Subtests) -> None:
    for content in NO_REFRESH_TOKENS:
        with subtests.test(repr(content)[:60]):
            unauthorized(web.ask("POST", REFRESH, **content), "auth.refresh.invalid_token")


UNFIT_REFRESHES = [{"refreshToken": 7}, {"refreshToken": ["x"]}, [], "x"]


def test_a_refresh_that_does_not_fit_is_a_400(web: Web, subtests: pytest.Subtests) -> None:
    for body in UNFIT_REFRESHES:
        with subtests.test(repr(body)[:60]):
            error_of(web.ask("POST", REFRESH, json=body), 400, "VALIDATION_FAILED", "error.validation")


def test_a_session_ends_when_it_is_not_used(web: Web) -> None:
    _, token = signed_in(web)
    web.clock.move(days=31)

    unauthorized(web.ask("POST", REFRESH, **by_cookie(token)), "auth.refresh.invalid_token")


# --- who may -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_no_valid_token_is_a_401(desk: Desk, method: str, path: str) -> None:
    web = desk.web
    token = web.jwt(desk.user, "personal")
    head, payload, seal = token.split(".")
    bad = [None, "", "Bearer", "Bearer ", "Bearer x", f"Basic {token}", token, "Bearer dzz_x"]
    bad += [f"Bearer {web.jwt(desk.user, 'company')}", f"Bearer {head}.{payload}.", f"Bearer {payload}"]
    bad += [f"Bearer {head}.{payload}.{seal[::-1]}", "Bearer a.b.c", "Bearer \xe9.\xe9.\xe9"]

    for authorization in bad:
        sent = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
        answer = web.ask(method, path, headers=sent, params={"page": "x"})
        unauthorized(answer)
        assert answer.headers["www-authenticate"] == "Bearer"
    assert web.ask(method, path, headers={"Authorization": f"bearer {token}"}).status_code == 200
    web.clock.move(seconds=901)
    unauthorized(web.ask(method, path, headers={"Authorization": f"Bearer {token}"}))


A_MINUTE, AN_HOUR = 60, 3600
BY_USER = [
    ("GET", LIST, "calls", 60),
    ("GET", COUNT, "calls", 60),
    ("PATCH", f"{LIST}/{{notification_id}}/read", "calls", 60),
    ("POST", f"{LIST}/read-all", "calls", 60),
    ("DELETE", f"{LIST}/{{notification_id}}", "calls", 60),
    ("DELETE", CLEAR, "calls", 60),
    ("GET", PREFERENCES, "calls", 60),
    ("PATCH", f"{PREFERENCES}/{{event_key}}", "choices", 30),
    ("POST", f"{LIST}/webpush/subscribe", "calls", 60),
    ("POST", f"{LIST}/webpush/unsubscribe", "calls", 60),
    ("GET", f"{LIST}/webpush/subscriptions", "calls", 60),
    ("GET", HEALTH, "admin", 200),
    ("PATCH", f"{DEFAULTS}/{{event_key}}", "admin", 200),
]
"""Method, path, policy and calls a minute, for each user and call."""
PUBLIC = [
    ("POST", LOGIN, "login", 20),
    ("POST", REFRESH, "refresh", 60),
    ("GET", f"{LIST}/unsubscribe", "unsubscribe", 10),
    ("POST", f"{LIST}/unsubscribe", "unsubscribe", 10),
    ("POST", f"{LIST}/unsubscribe/undo", "unsubscribe", 10),
]
"""Method, path, policy and calls an hour, for each IP, address and call."""

Asked = Callable[..., httpx2.Response]


@pytest.fixture
def quick_web(run: Run, sqlite_url: str, open_database: OpenDatabase, clock: MovingClock) -> Web:
    """On SQLite alone: limits know no database."""
    return Web(run, open_database(sqlite_url, clock=clock), clock)


def test_every_call_has_its_limit(quick_web: Web) -> None:
    document = quick_web.ask("GET", "/docs/personal/openapi.json").json()

    called = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert {(method, path) for method, path, _, _ in [*BY_USER, *PUBLIC]} == called


def use_up(ask: Asked, policy: str, quota: int, window: int) -> None:
    """Call as often as the limit lets, look at the headers, and once more."""
    told = f'"{policy}";q={quota};w={window}'
    for number in range(quota):
        answer = ask()
        assert answer.status_code != 429, answer.text
        if answer.status_code == 200:
            assert answer.headers["ratelimit-policy"] == told
            assert answer.headers["ratelimit"].startswith(f'"{policy}";r={quota - number - 1};t=')

    answer = ask()

    error = error_of(answer, 429, "RATE_LIMITED", "error.rate_limited")
    seconds = int(answer.headers["retry-after"])
    assert 1 <= seconds <= window
    assert error["i18nVars"] == {"retryAfter": seconds}
    assert answer.headers["ratelimit-policy"] == told
    assert answer.headers["ratelimit"] == f'"{policy}";r=0;t={seconds}'


@pytest.mark.parametrize(("method", "path", "policy", "quota"), BY_USER)
def test_so_many_a_minute_for_each_user_and_call(
    quick_web: Web, method: str, path: str, policy: str, quota: int
) -> None:
    quick_web.event("payout")
    user, other = (quick_web.personal(quick_web.user(role="operator")) for _ in range(2))

    def ask(headers: dict[str, str] = user, called: tuple[str, str] = (method, path)) -> httpx2.Response:
        filled = called[1].format(notification_id=uuid4(), event_key="payout")
        return quick_web.ask(called[0], filled, headers=headers, json={"email": True, "endpoint": "x"})

    use_up(ask, policy, quota, A_MINUTE)

    unauthorized(ask({}))
    assert ask(other).status_code != 429
    for other_method, other_path, _, _ in BY_USER:
        if (other_method, other_path) != (method, path):
            assert ask(user, (other_method, other_path)).status_code != 429


@pytest.mark.parametrize(("method", "path", "policy", "quota"), PUBLIC)
def test_so_many_an_hour_for_each_ip_address_and_public_call(
    quick_web: Web, method: str, path: str, policy: str, quota: int
) -> None:
    tokens = dict[str, str]()
    for email in ("ada@example.com", "bob@example.com"):
        quick_web.locked_user(email)  # whose login is refused without the work of a hash
        account = quick_web.write(lambda store, e=email: store.accounts.account_by_email(e))
        assert account
        tokens[email] = quick_web.run(quick_web.sessions.open_session(account.id))

    def ask(
        email: str = "ada@example.com", peer: str = "192.0.2.1", called: tuple[str, str] = (method, path)
    ) -> httpx2.Response:
        fields = {"email": email, "token": "x", "password": "x"}
        place = "params" if "unsubscribe" in called[1] else "json"
        if called[1] == REFRESH:
            fields = {"refreshToken": tokens[email]}
        answer = quick_web.ask(*called, peer=peer, **{place: fields})
        tokens[email] = answer.cookies.get(COOKIE) or tokens[email]
        return answer

    use_up(ask, policy, quota, AN_HOUR)

    assert ask("bob@example.com").status_code != 429
    assert ask(peer="192.0.2.2").status_code != 429
    for other_method, other_path, _, _ in PUBLIC:
        if (other_method, other_path) != (method, path):
            assert ask(called=(other_method, other_path)).status_code != 429


@pytest.mark.parametrize("path", [LOGIN, f"{LIST}/unsubscribe"])
def test_an_address_counts_as_it_is_kept(quick_web: Web, path: str) -> None:
    quick_web.locked_user("ada@example.com")

    def ask(email: str) -> int:
        fields = {"email": email, "password": "x", "token": "x"}
        place = "params" if "unsubscribe" in path else "json"
        return quick_web.ask("POST", path, **{place: fields}).status_code

    while (status := ask(" ADA@Example.com ")) != 429:
        assert status in (200, 401)
    assert ask("ada@example.com") == 429
    assert ask("bob@example.com") != 429


def test_unknown_refresh_tokens_of_one_ip_count_together(web: Web) -> None:
    for number in range(60):
        unauthorized(web.ask("POST", REFRESH, **by_body(str(number))), "auth.refresh.invalid_token")

    error_of(web.ask("POST", REFRESH, **by_body("x")), 429, "RATE_LIMITED", "error.rate_limited")


# --- list and count ----------------------------------------------------------------------------------------


def test_a_page_of_ones_own_and_everyones_newest_first(desk: Desk) -> None:
    [mine] = desk.web.tell(desk.own, body="Paid.", data={"invoice": 7})
    desk.web.clock.move(minutes=1)
    [everyones] = desk.web.tell(everyone, event="outage", title="Down")
    desk.web.tell(desk.business, desk.firm)
    read_at = desk.web.clock.move(minutes=4)
    desk.web.mark(desk.user, Action.READ, [mine])

    assert read_at.isoformat() == "2026-03-02T09:35:00+00:00"
    assert desk.ask("GET", LIST) == {
        "items": [
            {
                "id": str(everyones),
                "eventKey": "outage",
                "title": "Down",
                "body": None,
                "data": {},
                "read": False,
                "readAt": None,
                "createdAt": "2026-03-02T09:31:00Z",
            },
            {
                "id": str(mine),
                "eventKey": "invoice_paid",
                "title": "No. 0",
                "body": "Paid.",
                "data": {"invoice": 7},
                "read": True,
                "readAt": "2026-03-02T09:35:00Z",
                "createdAt": "2026-03-02T09:30:00Z",
            },
        ],
        "total": 2,
        "page": 1,
        "limit": 20,
        "totalPages": 1,
    }


def test_read_filters_only_as_true_or_false(desk: Desk) -> None:
    new, seen, read, dismissed = desk.web.tell(desk.own, times=4)
    for action, id_ in ((Action.SEEN, seen), (Action.READ, read), (Action.DISMISS, dismissed)):
        desk.web.mark(desk.user, action, [id_])
    everything = texts([dismissed, read, seen, new])

    assert desk.ids(read="true") == texts([dismissed, read])
    assert desk.ids(read="false") == texts([seen, new])
    for other in ("TRUE", "False", "1", "0", "", "null", "\0", "no"):
        assert desk.ids(read=other) == everything, other
    assert desk.ids() == everything


def test_a_resolved_one_goes_by_its_level_and_a_running_snooze_is_hidden(desk: Desk) -> None:
    resolved, snoozed, new = desk.web.tell(desk.own, times=3)
    desk.web.mark(desk.user, Action.RESOLVE, [resolved])
    desk.web.mark(desk.user, Action.SNOOZE, [snoozed], desk.web.clock.at.replace(hour=12))

    page = desk.ask("GET", LIST)
    assert [item["id"] for item in page["items"]] == texts([new, resolved])
    assert page["total"] == desk.ask("GET", COUNT)["count"] == 2
    desk.web.clock.move(hours=3)
    desk.headers = desk.web.personal(desk.user)
    assert desk.ask("GET", COUNT) == {"count": 3}


def test_pages_by_number(desk: Desk) -> None:
    told = texts(desk.web.tell(desk.own, times=23)[::-1])

    def shape(**query: Any) -> tuple[list[str], int, int, int, int]:
        page = desk.ask("GET", LIST, params=query)
        ids = [item["id"] for item in page["items"]]
        return ids, page["total"], page["page"], page["limit"], page["totalPages"]

    assert shape() == (told[:20], 23, 1, 20, 2)
    assert shape(page=2) == (told[20:], 23, 2, 20, 2)
    assert shape(page=3) == ([], 23, 3, 20, 2)
    assert shape(page=2, limit=10) == (told[10:20], 23, 2, 10, 3)
    assert shape(page=2**31 - 1, limit=50) == ([], 23, 2**31 - 1, 50, 1)
    assert shape(page=23, limit=0) == (told[22:], 23, 23, 1, 23)
    assert shape(limit=-(10**30)) == (told[:1], 23, 1, 1, 23)
    assert shape(limit=51) == (told, 23, 1, 50, 1)
    assert shape(limit=10**30) == (told, 23, 1, 50, 1)


def test_an_empty_inbox_has_no_pages(desk: Desk) -> None:
    assert desk.ask("GET", LIST) == {"items": [], "total": 0, "page": 1, "limit": 20, "totalPages": 0}
    assert desk.ask("GET", COUNT) == {"count": 0}


UNFIT_QUERIES = [
    {"page": "0"},
    {"page": "-1"},
    {"page": "1.5"},
    {"page": "first"},
    {"page": "\0"},
    {"page": "9" * 30},
    {"page": "9" * 5000},
    {"limit": "many"},
    {"limit": "1.5"},
    {"limit": "\0"},
    {"limit": "9" * 5000},
]


def test_a_query_that_does_not_fit_is_a_400(desk: Desk, subtests: pytest.Subtests) -> None:
    for query in UNFIT_QUERIES:
        with subtests.test(repr(query)[:60]):
            answer = desk.web.ask("GET", LIST, headers=desk.headers, params=query)

            error = error_of(answer, 400, "VALIDATION_FAILED", "error.validation")
            [name] = query
            assert [detail["message"].split(":")[0] for detail in error["details"]] == [name]


def test_unread_counts_what_was_only_seen(desk: Desk) -> None:
    ids = desk.web.tell(desk.own, everyone, times=4)
    desk.web.mark(desk.user, Action.SEEN, ids[:3])
    desk.web.mark(desk.user, Action.READ, ids[3:5])

    assert desk.ask("GET", COUNT) == {"count": 6}


# --- clear-read --------------------------------------------------------------------------------------------


def test_clear_read_deletes_what_is_read_and_nothing_else(desk: Desk) -> None:
    ids = desk.web.tell(desk.own, everyone, times=4)
    desk.web.mark(desk.user, Action.SEEN, ids[:2])
    desk.web.mark(desk.user, Action.READ, ids[2:5])
    desk.web.mark(desk.user, Action.DISMISS, ids[5:6])

    assert desk.ask("DELETE", CLEAR) == {"deleted": 4}
    assert set(desk.ids()) == set(texts([*ids[:2], *ids[6:]]))
    assert desk.ask("GET", COUNT) == {"count": 4}
    assert desk.ask("DELETE", CLEAR) == {"deleted": 0}


def test_clear_read_takes_no_parameters_and_no_body(desk: Desk) -> None:
    read, _unread = desk.web.tell(desk.own, times=2)
    desk.web.mark(desk.user, Action.READ, [read])

    data = desk.ask(
        "DELETE", CLEAR, params={"read": "false", "id": "\0"}, content=b'{"all": tru' + b"e" * 2_000_000
    )

    assert data == {"deleted": 1}
    assert desk.ask("GET", COUNT) == {"count": 1}


def test_clear_read_hides_everyones_for_the_caller_alone(desk: Desk) -> None:
    colleague = desk.web.personal(desk.web.user())
    [shared] = desk.web.tell(everyone)
    desk.web.mark(desk.user, Action.READ, [shared])

    assert desk.ask("DELETE", CLEAR) == {"deleted": 1}

    assert desk.ids() == []
    assert desk.web.ask("GET", LIST, headers=colleague).json()["data"]["total"] == 1


def test_clear_read_leaves_businesses_and_firms_alone(desk: Desk) -> None:
    ids = desk.web.tell(desk.business, desk.firm, desk.own)
    desk.web.mark(desk.user, Action.READ, ids)

    assert desk.ask("DELETE", CLEAR) == {"deleted": 1}

    headers = desk.web.scoped(desk.user, desk.business)
    for to in (desk.business, desk.firm):
        query = {"scope": to.audience.value, "scope_id": str(to.id)}
        listed = desk.web.ask("GET", "/api/v1/notifications", headers=headers, params=query)
        assert len(listed.json()["data"]["items"]) == 1


# --- who answers a path that two surfaces have -------------------------------------------------------------


def test_a_shared_path_is_scoped_with_a_business_or_an_api_token_else_personal(desk: Desk) -> None:
    web = desk.web
    business = {"x-business-id": str(desk.business.id)}
    api_token = {"Authorization": f"Bearer {web.api_token(desk.user)}"}

    assert web.ask("GET", LIST, headers=desk.headers).json()["data"]["totalPages"] == 0
    assert web.ask("GET", LIST, headers=api_token | business).json()["data"]["has_more"] is False
    assert web.ask("GET", LIST, headers=api_token).json()["detail"][0]["loc"] == ["header", "x-business-id"]
    assert web.ask("GET", LIST, headers=business).json() == {"detail": "Authentication is required."}
    assert web.ask("GET", LIST, headers=desk.headers | business).status_code == 401
    assert "detail" in web.ask("GET", LIST, headers=desk.headers | business).json()
    unauthorized(web.ask("GET", LIST))
    unauthorized(web.ask("GET", LIST, headers={"Authorization": "Bearer sk_x"}))


def test_a_path_that_one_surface_has_is_that_ones_whoever_asks(desk: Desk) -> None:
    web = desk.web
    api_token = {
        "Authorization": f"Bearer {web.api_token(desk.user)}",
        "x-business-id": str(desk.business.id),
    }

    unauthorized(web.ask("DELETE", CLEAR, headers=api_token))
    unauthorized(web.ask("GET", COUNT, headers=api_token))
    scoped = [("POST", "/api/v1/notifications/mark-all-seen"), ("GET", "/api/v1/notifications/count")]
    for method, path in scoped:
        answer = web.ask(method, path, headers=desk.headers)
        assert (answer.status_code, answer.json()) == (401, {"detail": "Authentication is required."})


# --- the rest ----------------------------------------------------------------------------------------------


def test_the_callers_correlation_id_is_taken_where_it_is_a_uuid(desk: Desk) -> None:
    given = str(uuid4())

    for headers in (desk.headers, {}):
        answer = desk.web.ask("GET", COUNT, headers=headers | {"X-Correlation-ID": given})
        assert answer.headers["x-correlation-id"] == given
    other = desk.web.ask("GET", COUNT, headers={"X-Correlation-ID": "not one"})
    assert unauthorized(other)["correlationId"] != given


def test_unknown_paths_and_methods_answer_in_the_same_shape(desk: Desk) -> None:
    for path in ("/api/v1/nothing", f"{CLEAR}/", "/api/v1/%00", "/api/v1/auth/login/"):
        answer = desk.web.ask("POST", path, headers=desk.headers)
        error_of(answer, 404, "NOT_FOUND", "error.not_found")
    method = desk.web.ask("PUT", LOGIN, headers=desk.headers)
    error_of(method, 405, "NOT_FOUND", "error.not_found")
    assert method.headers["allow"] == "POST"


def test_an_unexpected_error_tells_nothing_but_is_logged(
    run: Run, tmp_path: Path, clock: MovingClock, open_database: OpenDatabase
) -> None:
    web = Web(run, open_database(f"sqlite:///{tmp_path}/empty.db"), clock)

    with capture_logs(processors=[merge_contextvars]) as logs:
        answer = web.ask("POST", LOGIN, json={"email": "ada@example.com", "password": "x"})

    error = error_of(answer, 500, "INTERNAL", "error.internal")
    assert "table" not in answer.text
    [line] = [line for line in logs if line["log_level"] == "error"]
    assert line["correlation_id"] == error["correlationId"]
    assert "no such table" in str(line["exc_info"])


def test_the_document_tells_the_contract(web: Web) -> None:
    document = web.ask("GET", "/docs/personal/openapi.json").json()

    assert {(method.upper(), path) for path, methods in document["paths"].items() for method in methods} == {
        ("POST", LOGIN),
        ("POST", REFRESH),
        ("PATCH", f"{LIST}/{{notification_id}}/read"),
        ("POST", f"{LIST}/read-all"),
        ("DELETE", f"{LIST}/{{notification_id}}"),
        ("GET", PREFERENCES),
        ("PATCH", f"{PREFERENCES}/{{event_key}}"),
        ("PATCH", f"{DEFAULTS}/{{event_key}}"),
        ("GET", HEALTH),
        ("GET", f"{LIST}/unsubscribe"),
        ("POST", f"{LIST}/unsubscribe"),
        ("POST", f"{LIST}/unsubscribe/undo"),
        ("POST", f"{LIST}/webpush/subscribe"),
        ("POST", f"{LIST}/webpush/unsubscribe"),
        ("GET", f"{LIST}/webpush/subscriptions"),
        *CALLS,
    }
    schemas = document["components"]["schemas"]
    assert not {"HTTPValidationError", "ValidationError"} & set(schemas)
    assert schemas["Error"]["required"] == [
        "code",
        "message",
        "i18nKey",
        "i18nVars",
        "details",
        "correlationId",
    ]
    assert set(schemas["Subscribe"]["properties"]) == {"endpoint", "p256dh", "auth", "userAgent"}
    clear = document["paths"][CLEAR]["delete"]
    assert "requestBody" not in clear
    assert clear.get("parameters", []) == []


# --- by id, and everything at once -------------------------------------------------------------------------


def test_read_marks_and_a_repeat_refreshes_the_time(desk: Desk) -> None:
    (id_,) = desk.web.tell(desk.own)

    def read() -> str:
        answer = desk.web.ask("PATCH", f"{LIST}/{id_}/read", headers=desk.headers)
        assert (answer.status_code, answer.json()) == (200, {"success": True})
        (item,) = desk.ask("GET", LIST)["items"]
        assert item["read"] is True
        return item["readAt"]

    first = read()
    desk.web.clock.move(minutes=1)
    second = read()
    assert second > first
    desk.web.mark(desk.user, Action.DISMISS, [id_])  # elsewhere
    desk.web.clock.move(minutes=1)
    assert read() > second


def test_read_all_gives_one_time_to_the_unread_alone(desk: Desk) -> None:
    read, *_ = desk.web.tell(desk.own, everyone, times=2)
    desk.web.tell(desk.business)
    desk.web.mark(desk.user, Action.READ, [read])
    desk.web.clock.move(minutes=1)

    assert desk.ask("POST", f"{LIST}/read-all") == {"updated": 3}
    assert desk.ask("POST", f"{LIST}/read-all") == {"updated": 0}
    times = {item["id"]: item["readAt"] for item in desk.ask("GET", LIST)["items"]}
    first = times.pop(str(read))
    assert len(set(times.values())) == 1
    assert first < min(times.values())


def test_delete_takes_one_away_for_good_and_what_is_everyones_from_the_caller_alone(desk: Desk) -> None:
    mine, shared = desk.web.tell(desk.own, everyone)
    other = Desk(desk.web)

    for id_ in (mine, shared):
        answer = desk.web.ask("DELETE", f"{LIST}/{id_}", headers=desk.headers)
        assert (answer.status_code, answer.json()) == (200, {"success": True})
        answer = desk.web.ask("DELETE", f"{LIST}/{id_}", headers=desk.headers)
        error_of(answer, 404, "NOT_FOUND", "error.notification.not_found")
    assert desk.ids() == []
    later = desk.web.tell(everyone)
    assert other.ids() == texts(later)  # who came later sees what came later


@pytest.mark.parametrize(("method", "what"), [("PATCH", "/read"), ("DELETE", "")])
def test_what_is_not_the_callers_is_not_found_and_what_is_no_uuid_is_refused(
    desk: Desk, method: str, what: str, subtests: pytest.Subtests
) -> None:
    others, firms, business = desk.web.tell(own(desk.web.user()), desk.firm, desk.business)
    for id_ in (others, firms, business, uuid4()):
        with subtests.test(id=id_):
            answer = desk.web.ask(method, f"{LIST}/{id_}{what}", headers=desk.headers)
            error_of(answer, 404, "NOT_FOUND", "error.notification.not_found")
    for text in ("no-uuid", "1", "%00", "clear_read", "a" * 3000):
        with subtests.test(text=text):
            answer = desk.web.ask(method, f"{LIST}/{text}{what}", headers=desk.headers)
            error_of(answer, 400, "VALIDATION_FAILED", "error.validation")


# --- preferences and their defaults ------------------------------------------------------------------------

CHANNELS = ("email", "push", "inApp", "webPush", "sms")
UNFIT_CHANNELS: list[Any] = [
    {},
    {"pigeon": True},
    {"email": "true"},
    {"email": 1},
    {"email": None},
    [],
    None,
    "x",
]


def preference(desk: Desk, event: str) -> dict[str, Any]:
    (found,) = [one for one in desk.ask("GET", PREFERENCES) if one["eventKey"] == event]
    assert set(found) == {"eventKey", *CHANNELS, "customized"}
    return found


def choose(desk: Desk, event: str, **channels: bool) -> None:
    answer = desk.web.ask("PATCH", f"{PREFERENCES}/{event}", headers=desk.headers, json=channels)
    assert (answer.status_code, answer.json()) == (200, {"success": True})


def test_the_first_choice_turns_on_what_it_does_not_name_and_later_ones_leave_it(desk: Desk) -> None:
    desk.web.event("payout")
    desk.web.event("other")
    default = {"eventKey": "payout", **dict.fromkeys(CHANNELS, False), "inApp": True, "customized": False}
    assert preference(desk, "payout") == default

    choose(desk, "payout", email=False)
    chosen = {**default, **dict.fromkeys(CHANNELS, True), "email": False, "customized": True}
    assert preference(desk, "payout") == chosen
    choose(desk, "payout", sms=False, pigeon=True)
    assert preference(desk, "payout") == {**chosen, "sms": False}
    assert preference(desk, "other")["customized"] is False
    assert preference(Desk(desk.web), "payout") == default


def test_an_event_whose_inbox_channel_is_off_is_out_of_sight_and_comes_back(desk: Desk) -> None:
    (id_,) = desk.web.tell(desk.own, event="payout")

    choose(desk, "payout", inApp=False)
    assert desk.ids() == []
    choose(desk, "payout", inApp=True)
    assert desk.ids() == texts([id_])


@pytest.mark.parametrize("body", UNFIT_CHANNELS)
def test_choices_that_do_not_fit(desk: Desk, body: Any) -> None:
    desk.web.event("payout")
    headers = desk.headers | JSON

    answer = desk.web.ask("PATCH", f"{PREFERENCES}/payout", headers=headers, content=json.dumps(body))
    error_of(answer, 400, "VALIDATION_FAILED", "error.validation")
    assert preference(desk, "payout")["customized"] is False


def test_an_event_that_there_is_not(desk: Desk) -> None:
    operator = desk.web.personal(desk.web.user(role="operator"))
    for path, headers in ((PREFERENCES, desk.headers), (DEFAULTS, operator)):
        for key in ("no.such", "%00", "%ed%a0%80", "a" * 3000):
            answer = desk.web.ask("PATCH", f"{path}/{key}", headers=headers, json={"email": True})
            error_of(answer, 404, "NOT_FOUND", "error.notification.event_not_found")


def test_an_operator_changes_the_defaults_of_who_chose_nothing(desk: Desk) -> None:
    desk.web.event("payout")
    chose, operator = Desk(desk.web), desk.web.personal(desk.web.user(role="operator"))
    choose(chose, "payout", email=False)

    answer = desk.web.ask("PATCH", f"{DEFAULTS}/payout", headers=operator, json={"email": True, "push": True})
    assert answer.status_code == 200, answer.text
    expected = {"email": True, "push": True, "inApp": True, "webPush": False, "sms": False}
    assert answer.json() == {"success": True, "data": {"eventKey": "payout", **expected}}
    assert preference(desk, "payout") == {"eventKey": "payout", **expected, "customized": False}
    assert preference(chose, "payout")["email"] is False
    for body in UNFIT_CHANNELS:
        content = json.dumps(body)
        answer = desk.web.ask("PATCH", f"{DEFAULTS}/payout", headers=operator | JSON, content=content)
        error_of(answer, 400, "VALIDATION_FAILED", "error.validation")


def test_who_is_no_operator_changes_no_defaults(desk: Desk) -> None:
    desk.web.event("payout")
    answer = desk.web.ask("PATCH", f"{DEFAULTS}/payout", headers=desk.headers, json={"email": True})
    error_of(answer, 403, "FORBIDDEN", "error.forbidden")
    unauthorized(desk.web.ask("PATCH", f"{DEFAULTS}/payout", json={"email": True}))
    assert preference(desk, "payout")["email"] is False


# --- health ------------------------------------------------------------------------------------------------


def health_of(desk: Desk) -> dict[str, Any]:
    operator = desk.web.personal(desk.web.user(role="operator"))
    answer = desk.web.ask("GET", HEALTH, headers=operator)
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert set(data) == {"healthy", "checks"}
    assert set(data["checks"]) == {"stuckJobs", "queueDepth", "rollupFreshness", "recentDeadJobs"}
    assert all(set(check) == {"ok", "detail"} for check in data["checks"].values())
    assert data["healthy"] is all(check["ok"] for check in data["checks"].values())
    return {name: (check["ok"], check["detail"]) for name, check in data["checks"].items()}


async def schedule(store: Store, times: int, **columns: Any) -> None:
    """Something to send now, or what became of it."""
    now = await store.now()
    rows = [
        {
            "stream_id": uuid4(),
            "scheduled_id": uuid4(),
            "send_at": now,
            "draft": {},
            "created_at": now,
            "finished_at": None,
            "notification_id": None,
            "refusal": None,
            **columns,
        }
        for _ in range(times)
    ]
    await store.connection.write(scheduled, rows)


def test_nothing_to_send_is_healthy(desk: Desk) -> None:
    assert health_of(desk) == {
        "stuckJobs": (True, "0 due or under way for more than 10 minutes"),
        "queueDepth": (True, "0 due; fewer than 10,000 is well"),
        "rollupFreshness": (True, "no delivery statistics are kept yet"),
        "recentDeadJobs": (True, "0 refused or given up within the last hour"),
    }


def test_what_is_due_for_more_than_ten_minutes_is_stuck(desk: Desk) -> None:
    desk.web.write(lambda store: schedule(store, 2))
    desk.web.write(lambda store: schedule(store, 1, finished_at=desk.web.clock.at))
    desk.web.write(lambda store: schedule(store, 1, send_at=desk.web.clock.at.replace(year=2027)))
    desk.web.clock.move(minutes=10)
    assert health_of(desk)["stuckJobs"] == (True, "0 due or under way for more than 10 minutes")
    assert health_of(desk)["queueDepth"] == (True, "2 due; fewer than 10,000 is well")

    desk.web.clock.move(seconds=1)

    assert health_of(desk)["stuckJobs"] == (False, "2 due or under way for more than 10 minutes")


def test_ten_thousand_due_are_too_many(desk: Desk) -> None:
    desk.web.write(lambda store: schedule(store, 9_999))
    desk.web.clock.move(seconds=1)
    assert health_of(desk)["queueDepth"] == (True, "9,999 due; fewer than 10,000 is well")

    desk.web.write(lambda store: schedule(store, 2))
    desk.web.clock.move(seconds=1)

    assert health_of(desk)["queueDepth"] == (False, "10,000 or more due; fewer than 10,000 is well")


def test_what_was_refused_is_told_for_an_hour(desk: Desk) -> None:
    desk.web.write(lambda store: schedule(store, 3, finished_at=desk.web.clock.at, refusal="gone"))
    desk.web.write(lambda store: schedule(store, 1, finished_at=desk.web.clock.at))  # called off
    desk.web.clock.move(minutes=59)
    assert health_of(desk)["recentDeadJobs"] == (False, "3 refused or given up within the last hour")

    desk.web.clock.move(minutes=1)

    assert health_of(desk)["recentDeadJobs"] == (True, "0 refused or given up within the last hour")


def test_health_is_for_operators(desk: Desk) -> None:
    suspended = desk.web.personal(desk.web.user(role="operator", status="suspended"))
    error_of(
        desk.web.ask("GET", HEALTH, headers=suspended), 401, "AUTH_UNAUTHORIZED", "error.auth.unauthorized"
    )
    error_of(desk.web.ask("GET", HEALTH, headers=desk.headers), 403, "FORBIDDEN", "error.forbidden")
    unauthorized(desk.web.ask("GET", HEALTH))


# --- keys that clients translate ---------------------------------------------------------------------------

KEYS = {
    "invalid_input": (400, "VALIDATION_FAILED", "error.validation"),
    "unauthenticated": (401, "AUTH_UNAUTHORIZED", "error.auth.unauthorized"),
    "user_not_found": (401, "AUTH_UNAUTHORIZED", "error.auth.unauthorized"),
    "invalid_credentials": (401, "AUTH_UNAUTHORIZED", "auth.login.invalid_credentials"),
    "account_locked": (401, "AUTH_UNAUTHORIZED", "auth.login.account_locked"),
    "account_suspended": (401, "AUTH_UNAUTHORIZED", "auth.login.account_suspended"),
    "account_deactivated": (401, "AUTH_UNAUTHORIZED", "auth.login.account_deactivated"),
    "invalid_refresh_token": (401, "AUTH_UNAUTHORIZED", "auth.refresh.invalid_token"),
    "refresh_token_reused": (401, "AUTH_UNAUTHORIZED", "auth.refresh.token_reuse_detected"),
    "forbidden": (403, "FORBIDDEN", "error.forbidden"),
    "email_not_verified": (403, "FORBIDDEN", "auth.login.email_not_verified"),
    "notification_not_found": (404, "NOT_FOUND", "error.notification.not_found"),
    "unknown_event": (404, "NOT_FOUND", "error.notification.event_not_found"),
    "subscription_not_found": (404, "NOT_FOUND", "notification.webpush.subscription_not_found"),
    "rate_limited": (429, "RATE_LIMITED", "error.rate_limited"),
    "error": (500, "INTERNAL", "error.internal"),
}
"""What this surface can come to answer; the contract names each."""
OF_OTHERS = {"error.validation", "error.auth.unauthorized", "error.forbidden", "error.not_found"}
"""What the rest of the tree, which other surfaces raise, would be told as."""


def test_every_error_has_the_contracts_key() -> None:
    told = {code: tuple(answer) for code, answer in ANSWERS.items()}

    assert {code: told.pop(code) for code in KEYS} == KEYS
    assert {key for _, _, key in told.values()} <= OF_OTHERS


def test_an_event_may_be_called_as_what_is_done_to_an_id(desk: Desk) -> None:
    desk.web.event("read")
    headers = desk.web.personal(desk.web.user())
    answer = desk.web.ask(
        "PATCH", "/api/v1/notifications/preferences/read", headers=headers, json={"email": True}
    )

    assert answer.json() == {"success": True}

"""The company surface over HTTP: the three places of the id, the order of checks, and the codes."""

from __future__ import annotations

import json
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
from tidings.identity import directory
from tidings.inbox import alerts, operations
from tidings.inbox.append import withdraw
from tidings.model import Action, BusinessStatus, Reader, ReaderKind, Severity
from tidings.storage.engine import Database

LOGIN = "/company/auth/login"
READ = "/company/notifications/read"


@pytest.fixture
def web(run: Run, database: Database, clock: MovingClock) -> Web:
    return Web(run, database, clock)


class Desk:
    """A company with two users, who are no members of the business's stream."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.business = web.business()
        self.user = web.user(company_id=self.business.id)
        self.colleague = web.user(company_id=self.business.id)
        self.headers = web.company(self.user)

    def put(self, path: str = READ, headers: Any = None, **more: Any) -> httpx2.Response:
        return self.web.ask("PUT", path, headers=self.headers if headers is None else headers, **more)


@pytest.fixture
def desk(web: Web) -> Desk:
    return Desk(web)


def refused(answer: httpx2.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()) == (status, {"message": code, "status": status}), answer.text


# --- login -------------------------------------------------------------------------------------------------


def test_login_answers_a_token_for_this_surface(web: Web) -> None:
    user = web.user(email="ada@example.com", company_id=web.business().id)

    answer = web.ask("POST", LOGIN, json={"email": " ADA@example.com", "password": PASSWORD})

    assert answer.status_code == 200
    token = answer.json()["token"]
    assert answer.json() == {"token": token, "expiresIn": 900}
    assert web.sessions.subject(token, "company") == user
    assert "set-cookie" not in answer.headers


def test_two_colleagues_sign_in_by_their_own_addresses(web: Web) -> None:
    company = web.business()
    for email in ("ada@example.com", "bob@example.com"):
        web.user(email=email, company_id=company.id)
        answer = web.ask("POST", LOGIN, json={"email": email, "password": PASSWORD})
        headers = {"Authorization": f"Bearer {answer.json()['token']}"}
        refused(web.ask("PUT", f"{READ}/{uuid4()}", headers=headers), 404, "NOTIFICATION_NOT_FOUND")


def test_an_unknown_address_and_a_wrong_password_answer_alike(web: Web) -> None:
    web.user(email="ada@example.com", company_id=web.business().id)

    for email in ("ada@example.com", "nobody@example.com"):
        answer = web.ask("POST", LOGIN, json={"email": email, "password": "wrong"})
        refused(answer, 401, "PASSWORD_NOT_VALID")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"status": "suspended"}, 401, "ACCOUNT_SUSPENDED"),
        ({"status": "deactivated"}, 401, "ACCOUNT_DEACTIVATED"),
        ({"email_verified": False}, 403, "EMAIL_NOT_VERIFIED"),
    ],
)
def test_an_account_that_may_not_sign_in(web: Web, changes: dict[str, Any], status: int, code: str) -> None:
    web.user(email="ada@example.com", **changes)

    refused(web.ask("POST", LOGIN, json={"email": "ada@example.com", "password": PASSWORD}), status, code)


UNFIT_LOGINS = [
    {},
    {"email": "ada@example.com"},
    {"password": "x"},
    {"email": "ada@example.com", "password": ""},
    {"email": "ada@example.com", "password": 7},
    {"email": "ada@example.com", "password": "x" * 1025},
    {"email": "ada", "password": "x"},
    {"email": "a\0@example.com", "password": "x"},
    {"email": ["ada@example.com"], "password": "x"},
    [],
    "x",
    None,
]


def test_a_login_that_does_not_fit_is_a_400(web: Web, subtests: pytest.Subtests) -> None:
    for body in UNFIT_LOGINS:
        with subtests.test(repr(body)[:60]):
            refused(web.ask("POST", LOGIN, json=body), 400, "FORM_DATA_NOT_VALID")


UNREADABLE = [
    (b"", "application/json", 400),
    (b'{"email": ', "application/json", 400),
    (b"\xff\xfe", "application/json", 400),
    (b"[" * 100_000, "application/json", 400),
    (b'{"email": "\\ud800@example.com", "password": "x"}', "application/json", 400),
    (b'{"email": NaN, "password": NaN}', "application/json", 400),
    (b'{"email": "ada@example.com", "password": "x"}', "text/plain", 400),
    (b"email=ada%40example.com&password=x", "application/x-www-form-urlencoded", 400),
    (b'{"email": "' + b"x" * 1_000_000 + b'"}', "application/json", 413),
]


def test_a_login_that_cannot_be_read(web: Web, subtests: pytest.Subtests) -> None:
    for content, kind, status in UNREADABLE:
        with subtests.test(repr(content)[:60]):
            answer = web.ask("POST", LOGIN, headers={"Content-Type": kind}, content=content)

            refused(answer, status, "FORM_DATA_NOT_VALID")


def test_logins_are_limited_for_each_ip_and_address(web: Web) -> None:
    def login(email: str, peer: str = "192.0.2.1") -> httpx2.Response:
        return web.ask("POST", LOGIN, json={"email": email, "password": "x"}, peer=peer)

    web.locked_user("ada@example.com")
    web.locked_user("bob@example.com")
    for _ in range(120):
        refused(login("ada@example.com"), 401, "ACCOUNT_LOCKED")

    answer = login(" ADA@example.com")

    refused(answer, 429, "TOO_MANY_REQUESTS")
    assert 1 <= int(answer.headers["retry-after"]) <= 3600
    refused(login("bob@example.com"), 401, "ACCOUNT_LOCKED")
    refused(login("ada@example.com", peer="192.0.2.2"), 401, "ACCOUNT_LOCKED")


# --- mark as read ------------------------------------------------------------------------------------------


def test_marking_answers_the_notification_bare(desk: Desk) -> None:
    [id_] = desk.web.tell(
        desk.business, severity=Severity.URGENT, body="Sign it.", data={"service_code": "A-7"}
    )
    desk.web.clock.move(minutes=5)

    answer = desk.put(f"{READ}/{id_}")

    assert answer.status_code == 200
    assert answer.json() == {
        "_id": str(id_),
        "isRead": True,
        "readedAt": "2026-03-02T09:35:00Z",
        "createdAt": "2026-03-02T09:30:00Z",
        "company": str(desk.business.id),
        "title": "No. 0",
        "body": "Sign it.",
        "eventKey": "invoice_paid",
        "topic": "billing",
        "severity": "urgent",
        "data": {"service_code": "A-7"},
    }


def test_a_repeat_by_whomever_leaves_the_first_time(desk: Desk) -> None:
    [id_] = desk.web.tell(desk.business)
    first = desk.put(f"{READ}/{id_}").json()
    desk.web.clock.move(minutes=5)

    for user in (desk.user, desk.colleague):
        again = desk.put(f"{READ}/{id_}", headers=desk.web.company(user))
        assert (again.status_code, again.json()) == (200, first)


@pytest.mark.parametrize("place", ["path", "query", "body", "query with a slash", "body with a slash"])
def test_the_id_comes_by_path_query_or_body(desk: Desk, place: str) -> None:
    [id_] = desk.web.tell(desk.business)
    path = READ + ("/" if "slash" in place else "")
    calls: dict[str, tuple[str, dict[str, Any]]] = {
        "path": (f"{READ}/{id_}", {}),
        "query": (path, {"params": {"id": str(id_)}}),
        "body": (path, {"json": {"id": str(id_)}}),
    }
    path, more = calls[place.split()[0]]

    answer = desk.put(path, **more)

    assert answer.status_code == 200, answer.text
    assert (answer.json()["_id"], answer.json()["isRead"]) == (str(id_), True)


def test_path_beats_query_and_query_beats_body(desk: Desk) -> None:
    first, second, third = desk.web.tell(desk.business, times=3)

    def marked(path: str, query: Any, body: Any) -> str:
        return desk.put(path, params={"id": str(query)}, json={"id": str(body)}).json()["_id"]

    assert marked(f"{READ}/{first}", second, third) == str(first)
    assert marked(READ, second, third) == str(second)
    assert marked(READ, "", third) == str(third)
    assert marked(f"{READ}/", "", third) == str(third)
    refused(desk.put(f"{READ}/nonsense", params={"id": str(first)}), 404, "NOTIFICATION_NOT_FOUND")
    refused(desk.put(READ, params={"id": "x"}, json={"id": str(first)}), 404, "NOTIFICATION_NOT_FOUND")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_is_read_whatever_it_calls_itself(desk: Desk, kind: str) -> None:
    [id_] = desk.web.tell(desk.business)
    body = f'{{"of": "x", "id": "{id_}"}}'.encode()

    answer = desk.put(headers=desk.headers | {"Content-Type": kind}, content=body)

    assert answer.json()["_id"] == str(id_)


WITHOUT_ID: list[dict[str, Any]] = [
    {},
    {"params": {"id": ""}},
    {"json": {}},
    {"json": {"id": None}},
    {"json": {"id": ""}},
    {"json": {"ID": "x"}},
    {"json": []},
    {"json": ["id"]},
    {"json": "id"},
    {"json": 7},
    {"json": None},
    {"content": b""},
    {"content": b'{"id": '},
    {"content": b"\xff\xfe"},
    {"content": b"\0"},
    {"content": b"id=7"},
    {"content": b'{"id": NaN}'},
    {"content": b'{"id": "x", "id": "y"}'},
    {"content": b"[" * 100_000},
    {"content": b'{"id": "' + b"x" * 1_000_000 + b'"}'},
]


def test_no_id_is_a_400_whoever_asks(web: Web, subtests: pytest.Subtests) -> None:
    for more in WITHOUT_ID:
        for path, headers in ((READ, {}), (f"{READ}/", {"Authorization": "Bearer x"})):
            with subtests.test(repr(more)[:60]):
                refused(web.ask("PUT", path, headers=headers, **more), 400, "ID_REQUIRED")


def test_no_valid_token_is_a_401(desk: Desk) -> None:
    web = desk.web
    [id_] = web.tell(desk.business)
    token = web.jwt(desk.user, "company")
    bad = [None, "", "Bearer", "Bearer x", f"Basic {token}", token, f"Bearer {token}x", "Bearer \xe9"]
    bad += [f"Bearer {web.jwt(desk.user, 'personal')}", f"Bearer {web.api_token(desk.user)}"]

    for authorization in bad:
        headers = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
        for path in (f"{READ}/{id_}", f"{READ}/no uuid"):
            refused(desk.put(path, headers=headers), 401, "TOKEN_NOT_VALID")
    web.clock.move(seconds=901)
    refused(desk.put(f"{READ}/{id_}", headers={"Authorization": f"Bearer {token}"}), 401, "TOKEN_NOT_VALID")


def test_a_token_of_nobody_is_a_404(desk: Desk) -> None:
    account: Any = type("Account", (), {"id": uuid4()})()
    headers = {"Authorization": f"Bearer {desk.web.sessions.access_token(account, 'company')}"}

    for named in (uuid4(), "no uuid", desk.web.tell(desk.business)[0]):
        refused(desk.put(f"{READ}/{named}", headers=headers), 404, "USER_NOT_FOUND")


def test_a_user_without_an_active_company_is_a_401(desk: Desk) -> None:
    web = desk.web
    [id_] = web.tell(desk.business)
    member = web.user(desk.business)
    for named in (id_, uuid4(), "no uuid"):
        refused(desk.put(f"{READ}/{named}", headers=web.company(member)), 401, "CIA_NOT_FOUND")

    for status in (BusinessStatus.DEACTIVATED, BusinessStatus.DELETED):
        web.write(lambda store, s=status: directory.put_business(store, desk.business.id, status=s))
        refused(desk.put(f"{READ}/{id_}"), 401, "CIA_NOT_FOUND")
    web.write(lambda store: directory.put_business(store, desk.business.id, status=BusinessStatus.ACTIVE))

    assert desk.put(f"{READ}/{id_}").status_code == 200


def test_a_user_may_change_companies(desk: Desk) -> None:
    other = desk.web.business()
    [first], [second] = desk.web.tell(desk.business), desk.web.tell(other)
    desk.web.write(lambda store: directory.put_user(store, desk.user, company_id=other.id))

    refused(desk.put(f"{READ}/{first}"), 404, "NOTIFICATION_NOT_FOUND")
    assert desk.put(f"{READ}/{second}").json()["company"] == str(other.id)


MALFORMED = [
    "x",
    "0",
    "null",
    "%00",
    "%20",
    "..%2f..",
    "a/b",
    "%F0%9F%92%8C",
    "%ff%fe",
    "9" * 40,
    "1" * 5000,
    "{id}",
    str(UUID(int=0)),
]


def test_a_malformed_id_is_an_unknown_one(desk: Desk, subtests: pytest.Subtests) -> None:
    for named in MALFORMED:
        with subtests.test(repr(named)[:60]):
            refused(desk.put(f"{READ}/{named}"), 404, "NOTIFICATION_NOT_FOUND")
            refused(desk.put(f"{READ}?id={named}"), 404, "NOTIFICATION_NOT_FOUND")


MALFORMED_IN_A_BODY = [
    b"0",
    b"7",
    b"false",
    b"1.5",
    b'["x"]',
    b'{"id": "x"}',
    b'"\\u0000"',
    b'"x"',
    b"1" + b"0" * 15,
]


def test_a_malformed_id_in_a_body_is_an_unknown_one(desk: Desk, subtests: pytest.Subtests) -> None:
    for body in MALFORMED_IN_A_BODY:
        with subtests.test(repr(body)[:60]):
            refused(desk.put(content=b'{"id": ' + body + b"}"), 404, "NOTIFICATION_NOT_FOUND")


@anything_goes
# To the router a newline ends the path: what follows it is another path.
@given(
    path=ESCAPED.filter(lambda path: "%0a" not in path),
    query=ESCAPED,
    body=ANY_JSON | st.dictionaries(st.just("id"), ANY_JSON),
)
def test_no_id_is_an_error_of_the_server(desk: Desk, path: str, query: str, body: Any) -> None:
    address = f"{READ}/{path}?id={query}" if path else f"{READ}?id={query}"
    answer = desk.put(address, content=json.dumps(body))

    if answer.status_code == 400:
        refused(answer, 400, "ID_REQUIRED")
        assert (path, query) == ("", "")
    else:
        refused(answer, 404, "NOTIFICATION_NOT_FOUND")


def test_what_the_company_has_not_is_a_404(desk: Desk) -> None:
    web = desk.web
    other = web.business()
    [others], [users], [everyones] = web.tell(other), web.tell(own(desk.user)), web.tell(everyone)
    expired, withdrawn = web.tell(desk.business, expires_at=web.clock.at.replace(hour=10), times=2)
    web.write(lambda store: withdraw(store, withdrawn))
    web.clock.move(hours=1)
    headers = web.company(desk.user)

    for named in (others, users, everyones, expired, withdrawn, uuid4(), desk.business.id):
        refused(desk.put(f"{READ}/{named}", headers=headers), 404, "NOTIFICATION_NOT_FOUND")


def test_the_company_reads_for_itself_and_not_for_the_businesss_users(desk: Desk) -> None:
    web = desk.web
    member = web.user(desk.business)
    [id_] = web.tell(desk.business)
    web.mark(member, Action.DISMISS, [id_])

    assert desk.put(f"{READ}/{id_}").json()["isRead"] is True

    query = {"scope": "business", "scope_id": str(desk.business.id), "include_terminal": "true"}
    listed = web.ask("GET", "/api/v1/notifications", headers=web.scoped(member, desk.business), params=query)
    [item] = listed.json()["data"]["items"]
    assert (item["status"], item["read_at"]) == ("dismissed", "2026-03-02T09:30:00Z")


def test_a_resolved_one_goes_by_its_level(desk: Desk) -> None:
    member = desk.web.user(desk.business)
    [id_] = desk.web.tell(desk.business)
    desk.web.mark(member, Action.RESOLVE, [id_])

    assert desk.put(f"{READ}/{id_}").json()["isRead"] is True


def test_a_path_with_an_id_does_not_wait_for_a_body(desk: Desk) -> None:
    [id_] = desk.web.tell(desk.business)

    answer = desk.put(f"{READ}/{id_}", content=b"x" * 2_000_000)

    assert answer.status_code == 200


# --- the rest ----------------------------------------------------------------------------------------------


def test_unknown_paths_and_methods_answer_in_the_same_shape(desk: Desk) -> None:
    for path in ("/company/nothing", "/company/", f"{LOGIN}/"):
        refused(desk.web.ask("POST", path, headers=desk.headers), 404, "NOT_FOUND")
    for method, path in (("GET", LOGIN), ("POST", READ), ("POST", "/company/notifications")):
        refused(desk.web.ask(method, path, headers=desk.headers), 405, "METHOD_NOT_ALLOWED")


def test_an_unexpected_error_tells_nothing_but_is_logged(
    run: Run, tmp_path: Path, clock: MovingClock, open_database: OpenDatabase
) -> None:
    web = Web(run, open_database(f"sqlite:///{tmp_path}/empty.db"), clock)

    with capture_logs(processors=[merge_contextvars]) as logs:
        answer = web.ask("POST", LOGIN, json={"email": "ada@example.com", "password": "x"})

    refused(answer, 500, "DB_ERROR")
    [line] = [line for line in logs if line["log_level"] == "error"]
    assert line["correlation_id"] == answer.headers["x-correlation-id"]
    assert "no such table" in str(line["exc_info"])


def test_the_document_tells_the_contract(web: Web) -> None:
    document = web.ask("GET", "/docs/company/openapi.json").json()

    assert {(method, path) for path, methods in document["paths"].items() for method in methods} == {
        ("post", LOGIN),
        ("put", READ),
        ("put", f"{READ}/{{id}}"),
        ("delete", "/company/notifications"),
        ("delete", "/company/notifications/{id}"),
        ("get", "/company/notifications/dashboard"),
    }
    by_path = document["paths"][f"{READ}/{{id}}"]["put"]
    assert {(one["name"], one["in"]) for one in by_path["parameters"]} >= {("id", "path")}
    schemas = document["components"]["schemas"]
    assert {"_id", "isRead", "readedAt"} <= set(schemas["Notification"]["required"])
    assert schemas["Failure"]["required"] == ["message", "status"]
    assert "HTTPValidationError" not in schemas


# --- delete, and several at once ---------------------------------------------------------------------------


def test_delete_answers_what_it_was_and_it_is_gone_for_the_company_alone(
    desk: Desk, subtests: pytest.Subtests
) -> None:
    member = desk.web.user(desk.business)
    ids = desk.web.tell(desk.business, times=3)
    desk.put(f"{READ}/{ids[0]}")
    places: list[tuple[str, dict[str, Any]]] = [
        (f"/company/notifications/{ids[0]}", {}),
        (f"/company/notifications?id={ids[1]}", {}),
        ("/company/notifications", {"json": {"id": str(ids[2])}}),
    ]
    for (path, more), id_, read in zip(places, ids, (True, False, False), strict=True):
        with subtests.test(path=path):
            headers = desk.web.company(desk.colleague)
            answer = desk.web.ask("DELETE", path, headers=headers, **more)
            assert answer.status_code == 200, answer.text
            assert (answer.json()["_id"], answer.json()["isRead"]) == (str(id_), read)
            again = desk.web.ask("DELETE", path, headers=desk.headers, **more)
            refused(again, 404, "NOTIFICATION_NOT_FOUND")
            refused(desk.put(f"{READ}/{id_}"), 404, "NOTIFICATION_NOT_FOUND")
    query = {"scope": "business", "scope_id": str(desk.business.id)}
    answer = desk.web.ask(
        "GET", "/api/v1/notifications", headers=desk.web.scoped(member, desk.business), params=query
    )
    assert len(answer.json()["data"]["items"]) == 3


def test_delete_looks_at_the_id_then_the_token_then_the_company(desk: Desk) -> None:
    (id_,) = desk.web.tell(desk.business)
    (theirs,) = desk.web.tell(desk.web.business())
    nobody = desk.web.company(desk.web.user())

    refused(desk.web.ask("DELETE", "/company/notifications"), 400, "ID_REQUIRED")
    refused(desk.web.ask("DELETE", f"/company/notifications/{id_}"), 401, "TOKEN_NOT_VALID")
    refused(desk.web.ask("DELETE", f"/company/notifications/{id_}", headers=nobody), 401, "CIA_NOT_FOUND")
    for other in (theirs, uuid4(), "no-uuid"):
        answer = desk.web.ask("DELETE", f"/company/notifications/{other}", headers=desk.headers)
        refused(answer, 404, "NOTIFICATION_NOT_FOUND")
    assert desk.put(f"{READ}/{id_}").status_code == 200


def test_several_are_marked_as_read_at_once(desk: Desk) -> None:
    ids = desk.web.tell(desk.business, times=3)
    (theirs,) = desk.web.tell(desk.web.business())
    named = [str(ids[0]), str(ids[1]), str(ids[0]), str(theirs), str(uuid4()), "no-uuid", 7, None]

    answer = desk.put(json={"ids": named})
    assert (answer.status_code, answer.json()) == (200, {"updated": 2})
    assert desk.put(json={"ids": named}, headers=desk.web.company(desk.colleague)).json() == {"updated": 0}
    assert desk.put(json={"ids": [str(uuid4()) for _ in range(1000)]}).json() == {"updated": 0}
    # An id is still an id, wherever it stands.
    one = desk.put(json={"id": str(ids[2]), "ids": named})
    assert one.json()["_id"] == str(ids[2])


@pytest.mark.parametrize("ids", [[], "all", {}, 7, True, [str(uuid4())] * 1001])
def test_several_that_are_no_list_of_up_to_a_thousand(desk: Desk, ids: Any) -> None:
    refused(desk.put(json={"ids": ids}), 400, "FORM_DATA_NOT_VALID")


def test_several_that_are_null_are_no_id(desk: Desk) -> None:
    refused(desk.put(json={"ids": None}), 400, "ID_REQUIRED")
    refused(desk.put(json={"ids": [str(uuid4())]}, headers={}), 401, "TOKEN_NOT_VALID")


# --- the dashboard -----------------------------------------------------------------------------------------

DASHBOARD = "/company/notifications/dashboard"


def dashboard(desk: Desk, headers: Any = None) -> Any:
    answer = desk.web.ask("GET", DASHBOARD, headers=desk.headers if headers is None else headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def auction(desk: Desk, id_: str, **content: Any) -> None:
    """A pending action of the company, newer than those before."""
    desk.web.clock.move(seconds=1)
    desk.web.alert(
        desk.business.id, id_, **{"kind": "unsigned_auction", "data": {"service_code": id_}, **content}
    )


def test_an_empty_dashboard(desk: Desk) -> None:
    assert dashboard(desk) == {
        "companyMissingSignature": False,
        "notSignedAuctionsCount": 0,
        "notSignedAuctions": [],
        "notifications": [],
        "unreadCount": 0,
    }


def test_pending_actions_come_first_and_unread_ones_fill_what_is_left(desk: Desk) -> None:
    ids = sorted(desk.web.tell(desk.business, times=9))
    auction(desk, "A-1")
    auction(desk, "A-2")
    auction(desk, "signature", kind="missing_signature")
    desk.put(f"{READ}/{ids[8]}")

    told = dashboard(desk)

    assert told["companyMissingSignature"] is True
    assert told["notSignedAuctionsCount"] == 2
    assert told["notSignedAuctions"] == [{"service_code": "A-2"}, {"service_code": "A-1"}]
    assert [one["_id"] for one in told["notifications"]] == [str(id_) for id_ in ids[7:3:-1]]
    assert set(told["notifications"][0]) == set(desk.put(f"{READ}/{ids[7]}").json())
    assert told["unreadCount"] == 8


@pytest.mark.parametrize("number", [0, 1, 5, 6, 7, 20])
def test_there_are_six_slots(desk: Desk, number: int) -> None:
    desk.web.tell(desk.business, times=8)
    for each in range(number):
        auction(desk, f"A-{each}")

    told = dashboard(desk)

    shown = min(number, 6)
    assert told["notSignedAuctionsCount"] == len(told["notSignedAuctions"]) == shown
    newest = [{"service_code": f"A-{each}"} for each in range(number)][::-1][:6]
    assert told["notSignedAuctions"] == newest
    assert len(told["notifications"]) == 6 - shown
    assert (told["unreadCount"], told["companyMissingSignature"]) == (8, False)


def test_what_an_auction_is_called_by(desk: Desk) -> None:
    for number, data in enumerate([{}, {"service_code": None}, {"service_code": ""}, {"service_code": True}]):
        auction(desk, f"nameless {number}", data=data)
    auction(desk, "other", kind="low_cash")
    auction(desk, "number", data={"service_code": 4711})

    assert dashboard(desk)["notSignedAuctions"] == [{"service_code": "4711"}]


def test_pending_actions_go_as_they_clear_or_are_dismissed_by_the_company(desk: Desk) -> None:
    web = desk.web
    member = web.user(desk.business)
    company = Reader(id=desk.business.id, kind=ReaderKind.COMPANY)
    for id_ in ("A-1", "A-2", "A-3"):
        auction(desk, id_)
    auction(desk, "signature", kind="missing_signature")

    def dismiss(reader: Reader, id_: str) -> None:
        web.write(lambda s: operations.dismiss_alert(s, reader, id_, first=desk.business.id))

    dismiss(Reader(id=member), "A-3")
    assert dashboard(desk)["notSignedAuctionsCount"] == 3
    dismiss(company, "A-2")
    dismiss(company, "signature")
    web.write(lambda store: alerts.clear(store, desk.business.id, "A-1"))
    told = dashboard(desk, web.company(desk.colleague))
    assert told["notSignedAuctions"] == [{"service_code": "A-3"}]
    assert told["companyMissingSignature"] is False


def test_the_dashboard_shows_the_company_alone(desk: Desk) -> None:
    other = Desk(desk.web)
    desk.web.tell(desk.business, own(desk.user), everyone)
    auction(desk, "A-1")
    auction(desk, "signature", kind="missing_signature")

    assert dashboard(other) == {
        "companyMissingSignature": False,
        "notSignedAuctionsCount": 0,
        "notSignedAuctions": [],
        "notifications": [],
        "unreadCount": 0,
    }
    assert dashboard(desk)["unreadCount"] == 1


def test_what_a_colleague_reads_or_deletes_leaves_the_dashboard(desk: Desk) -> None:
    ids = desk.web.tell(desk.business, times=3)
    colleague = desk.web.company(desk.colleague)
    desk.put(f"{READ}/{ids[0]}", headers=colleague)
    desk.web.ask("DELETE", f"/company/notifications/{ids[1]}", headers=colleague)

    told = dashboard(desk)

    assert ([one["_id"] for one in told["notifications"]], told["unreadCount"]) == ([str(ids[2])], 1)


def test_the_dashboard_looks_at_the_token_then_the_user_then_the_company(desk: Desk) -> None:
    web = desk.web
    nobody: Any = type("Account", (), {"id": uuid4()})()
    for headers in ({}, {"Authorization": "Bearer x"}, web.personal(desk.user)):
        refused(web.ask("GET", DASHBOARD, headers=headers), 401, "TOKEN_NOT_VALID")
    headers = {"Authorization": f"Bearer {web.sessions.access_token(nobody, 'company')}"}
    refused(web.ask("GET", DASHBOARD, headers=headers), 404, "USER_NOT_FOUND")
    refused(web.ask("GET", DASHBOARD, headers=web.company(web.user(desk.business))), 401, "CIA_NOT_FOUND")
    for status in (BusinessStatus.DEACTIVATED, BusinessStatus.DELETED):
        web.write(lambda store, s=status: directory.put_business(store, desk.business.id, status=s))
        refused(web.ask("GET", DASHBOARD, headers=desk.headers), 401, "CIA_NOT_FOUND")


def test_the_document_tells_the_dashboard(web: Web) -> None:
    document = web.ask("GET", "/docs/company/openapi.json").json()

    told = document["components"]["schemas"]["Dashboard"]
    names = ["companyMissingSignature", "notSignedAuctionsCount", "notSignedAuctions", "notifications"]
    assert told["required"] == [*names, "unreadCount"]
    assert document["components"]["schemas"]["Auction"]["required"] == ["service_code"]
    answers = document["paths"][DASHBOARD]["get"]["responses"]
    assert set(answers) == {"200", "default"}
    assert document["paths"][DASHBOARD]["get"]["security"]

"""The browsers to which web push goes: whose they are, and what they may look like."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any
from uuid import UUID

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import MovingClock, Run
from tests.web import ANY_JSON, Web, anything_goes
from tidings.delivery import subscriptions
from tidings.storage.engine import Database

SUBSCRIBE = "/api/v1/notifications/webpush/subscribe"
UNSUBSCRIBE = "/api/v1/notifications/webpush/unsubscribe"
LIST = "/api/v1/notifications/webpush/subscriptions"
JSON = {"Content-Type": "application/json"}
ENDPOINT = "https://push.example/send/abc"


def encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


BROWSER: dict[str, Any] = {
    "endpoint": ENDPOINT,
    "p256dh": encoded(b"\x04" + b"\xfb" * 64),
    "auth": encoded(b"\xff" * 16),
    "userAgent": "Mozilla/5.0",
}


@pytest.fixture
def web(run: Run, database: Database, clock: MovingClock) -> Web:
    return Web(run, database, clock)


class Browsers:
    """A user, and their browsers."""

    def __init__(self, web: Web) -> None:
        self.web, self.user = web, web.user()
        self.renew()

    def renew(self) -> None:
        self.headers = self.web.personal(self.user)

    def post(self, path: str, body: Any) -> httpx2.Response:
        return self.web.ask("POST", path, headers=self.headers | JSON, content=json.dumps(body))

    def subscribe(self, **changes: Any) -> None:
        answer = self.post(SUBSCRIBE, BROWSER | changes)
        assert (answer.status_code, answer.json()) == (200, {"success": True}), answer.text

    def listed(self) -> list[dict[str, Any]]:
        answer = self.web.ask("GET", LIST, headers=self.headers)
        assert answer.status_code == 200
        assert set(answer.json()) == {"subscriptions"}
        return answer.json()["subscriptions"]

    def endpoints(self) -> list[str]:
        return [one["endpoint"] for one in self.listed()]

    def kept(self) -> list[Any]:
        return self.web.write(lambda store: store.push.active(self.user, 10))


@pytest.fixture
def browsers(web: Web) -> Browsers:
    return Browsers(web)


def refused(answer: httpx2.Response, status: int, key: str) -> Any:
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"success", "error"}
    assert (body["success"], body["error"]["i18nKey"]) == (False, key)
    return body["error"]


def test_a_browser_that_subscribes_is_listed(browsers: Browsers) -> None:
    assert browsers.listed() == []

    browsers.subscribe()

    (one,) = browsers.listed()
    expected = {"id": str(UUID(one["id"])), "endpoint": ENDPOINT, "createdAt": "2026-03-02T09:30:00Z"}
    assert one == expected
    (kept,) = browsers.kept()
    assert (kept.p256dh, kept.auth, kept.user_agent) == (BROWSER["p256dh"], BROWSER["auth"], "Mozilla/5.0")


def test_a_repeat_renews_the_keys_and_nothing_else(browsers: Browsers) -> None:
    browsers.subscribe()
    before = browsers.listed()
    browsers.web.clock.move(minutes=1)

    browsers.subscribe(auth=encoded(b"\x01" * 16), userAgent=None)

    assert browsers.listed() == before
    (kept,) = browsers.kept()
    assert (kept.auth, kept.user_agent) == (encoded(b"\x01" * 16), None)


def test_an_endpoint_of_another_user_moves_to_the_caller(browsers: Browsers) -> None:
    other = Browsers(browsers.web)
    other.subscribe()
    browsers.web.clock.move(minutes=1)

    browsers.subscribe(auth=encoded(b"\x01" * 16))

    assert other.listed() == []
    assert [one["createdAt"] for one in browsers.listed()] == ["2026-03-02T09:31:00Z"]
    assert [one.auth for one in browsers.kept()] == [encoded(b"\x01" * 16)]


def test_one_that_is_gone_is_not_listed_until_it_comes_back(browsers: Browsers) -> None:
    browsers.subscribe()
    (one,) = browsers.listed()
    browsers.web.write(lambda store: store.push.deactivate(UUID(one["id"])))
    assert browsers.listed() == []

    browsers.subscribe()

    assert browsers.listed() == [one]


def test_the_newest_hundred_are_listed(browsers: Browsers) -> None:
    for number in range(101):
        browsers.web.clock.move(seconds=31)
        browsers.renew()
        # Past the limit of calls a minute, which is not what is looked at.
        browsers.web.write(lambda store, n=number: _put(store, browsers, n))

    assert browsers.endpoints() == [f"{ENDPOINT}/{number}" for number in range(100, 0, -1)]


async def _put(store: Any, browsers: Browsers, number: int) -> None:
    await subscriptions.subscribe(
        store,
        browsers.user,
        endpoint=f"{ENDPOINT}/{number}",
        p256dh=BROWSER["p256dh"],
        auth=BROWSER["auth"],
        user_agent=None,
    )


def test_unsubscribing_ends_the_callers_own_alone(browsers: Browsers) -> None:
    other = Browsers(browsers.web)
    other.subscribe()
    browsers.subscribe(endpoint=f"{ENDPOINT}/2")

    for endpoint in (ENDPOINT, "https://push.example/unknown", "", "x" * 2048):
        answer = browsers.post(UNSUBSCRIBE, {"endpoint": endpoint})
        refused(answer, 404, "notification.webpush.subscription_not_found")
    answer = browsers.post(UNSUBSCRIBE, {"endpoint": f"{ENDPOINT}/2"})
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    refused(
        browsers.post(UNSUBSCRIBE, {"endpoint": f"{ENDPOINT}/2"}),
        404,
        "notification.webpush.subscription_not_found",
    )
    assert (browsers.endpoints(), other.endpoints()) == ([], [ENDPOINT])


FIT: list[dict[str, Any]] = [
    {"endpoint": "https://push.example:8443/a?b=c%20d"},
    {"endpoint": "https://push.example/" + "x" * 2027},
    {"p256dh": urlsafe_b64encode(b"\x04" + b"\xfb" * 64).decode()},
    {"auth": urlsafe_b64encode(b"\xff" * 16).decode()},
    {"userAgent": None},
    {"userAgent": "é" * 1000},
    {"expirationTime": None},
]
UNFIT: list[tuple[dict[str, Any], str]] = [
    *[
        ({"endpoint": endpoint}, "endpoint")
        for endpoint in (
            *(None, 7, "", "push.example", "http://push.example/", "https://", "https:push.example", "//x/y"),
            *(
                "ftp://push.example/",
                "javascript:alert(1)",
                "https://user:word@push.example/",
                "https://push.example:y/",
            ),
            *(
                "https://push.example/\0",
                "https://push.example/ x",
                "https://push.example/é",
                "https://[::1/",
            ),
            *("https://push.example/\ud800", "https://push.example/\n", "https://push.example/" + "x" * 2028),
        )
    ],
    *[
        (body, name)
        for name, length in (("p256dh", 65), ("auth", 16))
        for body in (
            *({name: None}, {name: 7}, {name: ""}, {name: "\0"}, {name: "\ud800" * 22}, {name: "é" * 22}),
            *({name: encoded(b"x" * (length - 1))}, {name: encoded(b"x" * (length + 1))}, {name: "a" * 5000}),
            *({name: "+/" * 11}, {name: "a" * 21}, {name: "a=a" * 7}),
        )
    ],
    *[({"userAgent": agent}, "userAgent") for agent in (7, "\0", "\ud800", "x" * 1001)],
]


def test_what_browsers_send_is_taken(browsers: Browsers, subtests: pytest.Subtests) -> None:
    for body in FIT:
        with subtests.test(repr(body)[:60]):
            browsers.subscribe(**body)
    assert {"=" in one.p256dh + one.auth for one in browsers.kept()} == {False}


def test_what_no_browser_sends_is_a_400(browsers: Browsers, subtests: pytest.Subtests) -> None:
    for number, (body, name) in enumerate(UNFIT):
        if number % 50 == 49:
            browsers = Browsers(browsers.web)  # has calls left
        with subtests.test(repr(body)[:60]):
            error = refused(browsers.post(SUBSCRIBE, BROWSER | body), 400, "error.validation")
            assert [detail["message"].split(":")[0] for detail in error["details"]] == [name]
    assert browsers.listed() == []


@anything_goes
@given(
    path=st.sampled_from([SUBSCRIBE, UNSUBSCRIBE]),
    body=ANY_JSON
    | st.dictionaries(st.sampled_from(["endpoint", "p256dh", "auth", "userAgent"]), ANY_JSON).map(
        lambda some: BROWSER | some
    ),
)
def test_no_body_is_an_error_of_the_server(browsers: Browsers, path: str, body: Any) -> None:
    assert browsers.post(path, body).status_code in (200, 400, 404, 429)


@pytest.mark.parametrize(("method", "path"), [("POST", SUBSCRIBE), ("POST", UNSUBSCRIBE), ("GET", LIST)])
def test_who_is_not_signed_in_is_refused(browsers: Browsers, method: str, path: str) -> None:
    for headers in ({}, {"Authorization": f"Bearer {browsers.web.jwt(browsers.user, 'company')}"}):
        answer = browsers.web.ask(method, path, headers=headers, json=BROWSER)
        refused(answer, 401, "error.auth.unauthorized")

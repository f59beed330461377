"""Unsubscribing by a link, without signing in: what it changes and answers, and what a guess finds out."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from base64 import b64encode
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urljoin, urlsplit
from uuid import UUID

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import MovingClock, OpenDatabase, Run
from tests.recorder import listen
from tests.web import ANY_JSON, ESCAPED, SECRET, Web, anything_goes
from tidings.delivery.policy import may_email
from tidings.delivery.unsubscribe_links import UnsubscribeLinks, unsubscribe_link
from tidings.inbox import preferences
from tidings.model import Suppression
from tidings.storage.engine import Database
from tidings.storage.suppression import Consent

PATH = "/api/v1/notifications/unsubscribe"
UNDO = f"{PATH}/undo"
PREFERENCES = "/api/v1/notifications/preferences"
EMAIL = "ada@example.com"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
ONE_CLICK = {"Content-Type": "application/x-www-form-urlencoded"}
CHANNELS = ("email", "push", "inApp", "webPush", "sms")

LINKS = UnsubscribeLinks(SECRET.encode())


@pytest.fixture
def web(run: Run, database: Database, clock: MovingClock) -> Web:
    return Web(run, database, clock)


def link(email: str = EMAIL) -> str:
    """The link of a mail, as it is asked for here."""
    url = urlsplit(unsubscribe_link(SECRET.encode(), "https://tidings.example/", email))
    return f"{url.path}?{url.query}"


def wrong(email: str = EMAIL) -> str:
    return f"{PATH}?{urlencode({'email': email, 'token': '0' * 32})}"


def done(answer: httpx2.Response) -> str:
    """The message of a success."""
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body == {"success": True, "data": {"message": body["data"]["message"]}}
    return body["data"]["message"]


def not_done(answer: httpx2.Response) -> str:
    """The message of what was not done; 200 all the same."""
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body == {"success": False, "message": body["message"]}
    return body["message"]


def suppressed(web: Web, email: str = EMAIL) -> set[Suppression]:
    return set(web.write(lambda store: store.suppressions.reasons(email)))


def said(web: Web, email: str = EMAIL) -> list[tuple[str, bool, UUID | None]]:
    """What is on record about an address."""
    found: list[Consent] = web.write(lambda store: store.suppressions.consents(email))
    assert all(one.at.tzinfo and one.address == email for one in found)
    return [(one.source, one.granted, one.user_id) for one in found]


def chosen(web: Web, user: UUID) -> dict[str, Any]:
    """The user's channels by event, as the personal contract tells them."""
    listed = web.ask("GET", PREFERENCES, headers=web.personal(user)).json()["data"]
    return {one.pop("eventKey"): one for one in listed}


def choose(web: Web, user: UUID, event: str, **channels: bool) -> None:
    web.write(lambda store: preferences.set_channels(store, user, "event", event, channels))


# --- the link ----------------------------------------------------------------------------------------------


def test_the_link_bears_the_first_32_digits_of_an_hmac_by_a_key_of_its_own() -> None:
    address = "ada+x@example.com"
    url = urlsplit(unsubscribe_link(SECRET.encode(), "https://tidings.example/", address))

    assert url._replace(query="").geturl() == f"https://tidings.example{PATH}"
    key = hmac.digest(SECRET.encode(), b"tidings unsubscribe", "sha256")
    token = hmac.new(key, address.encode(), hashlib.sha256).hexdigest()[:32]
    assert parse_qs(url.query) == {"email": [address], "token": [token]}
    assert token != hmac.new(SECRET.encode(), address.encode(), hashlib.sha256).hexdigest()[:32]


@pytest.mark.parametrize("token", ["", "x", "0" * 32, "\0", "é" * 32, "\ud800", "0" * 100_000])
def test_no_other_token_holds(token: str, clock: MovingClock) -> None:
    right = LINKS.token(EMAIL)

    assert LINKS.holds(EMAIL, right)
    for other in (token, right.upper() + token, right[:-1], right + "0"):
        assert not LINKS.holds(EMAIL, other)
    assert not LINKS.holds("bob@example.com", right)
    assert not UnsubscribeLinks(b"another secret of sixteen").holds(EMAIL, right)
    assert not LINKS.holds_undo(EMAIL, token, clock.at)
    assert not LINKS.holds_undo(EMAIL, right, clock.at)


def test_an_undo_token_holds_for_a_day_and_its_address(clock: MovingClock) -> None:
    token = LINKS.undo_token(EMAIL, clock.at)
    ends, _, seal = token.partition(".")

    assert LINKS.holds_undo(EMAIL, token, clock.at)
    assert not LINKS.holds_undo("bob@example.com", token, clock.at)
    assert not LINKS.holds_undo(EMAIL, f"{int(ends) + 9}.{seal}", clock.at)
    assert not LINKS.holds(EMAIL, token)
    clock.move(hours=23, minutes=59)
    assert LINKS.holds_undo(EMAIL, token, clock.at)
    clock.move(minutes=1)
    assert not LINKS.holds_undo(EMAIL, token, clock.at)


# --- what it does ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_right_link_suppresses_turns_email_off_and_is_on_record(web: Web, method: str) -> None:
    user, other = web.user(email=EMAIL), web.user(email="bob@example.com")
    for event in ("payout", "login", "news"):
        web.event(event)
    choose(web, user, "login", email=True, sms=False)
    choose(web, user, "news", push=False)
    choose(web, other, "payout", email=True)
    before = chosen(web, other)

    assert EMAIL in done(web.ask(method, link()))

    assert suppressed(web) == {Suppression.USER_UNSUBSCRIBE}
    assert said(web) == [(f"email_one_click_{method.lower()}", False, user)]
    mine = chosen(web, user)
    assert mine["payout"] == {**dict.fromkeys(CHANNELS, True), "email": False, "customized": True}
    defaults = {**dict.fromkeys(CHANNELS, False), "inApp": True, "customized": True}
    assert mine["login"] == {**defaults, "email": False, "sms": False}
    assert mine["news"] == {**defaults, "email": False, "push": False}
    assert {one["email"] for one in mine.values()} == {False}
    assert chosen(web, other) == before
    assert suppressed(web, "bob@example.com") == set()


def test_the_address_is_trimmed_and_lower_cased(web: Web) -> None:
    web.user(email=EMAIL)
    query = {"email": "  ADA@Example.com ", "token": LINKS.token(EMAIL)}

    done(web.ask("GET", PATH, params=query))

    assert suppressed(web) == {Suppression.USER_UNSUBSCRIBE}


def test_a_repeat_suppresses_once_and_is_on_record(web: Web) -> None:
    user = web.user(email=EMAIL)
    web.event("payout")
    done(web.ask("GET", link()))
    first = chosen(web, user)
    web.clock.move(minutes=1)

    done(web.ask("POST", link(), headers=ONE_CLICK, content="List-Unsubscribe=One-Click"))

    assert suppressed(web) == {Suppression.USER_UNSUBSCRIBE}
    assert said(web) == [("email_one_click_get", False, user), ("email_one_click_post", False, user)]
    assert chosen(web, user) == first


def test_an_address_without_a_user_is_suppressed_too(web: Web) -> None:
    done(web.ask("GET", link()))

    assert suppressed(web) == {Suppression.USER_UNSUBSCRIBE}
    assert said(web) == [("email_one_click_get", False, None)]


POSTED: list[tuple[str, dict[str, Any]]] = [
    (link(), {"headers": ONE_CLICK, "content": "List-Unsubscribe=One-Click"}),
    (link(), {"content": b"\xff" * 1_000_000}),
    (link(), {"headers": {"Content-Type": "multipart/form-data; boundary=x"}, "content": b"--x--"}),
    (PATH, {"headers": ONE_CLICK, "content": urlsplit(link()).query}),
    (PATH, {"json": dict(parse_qsl(urlsplit(link()).query))}),
    (f"{PATH}?email={EMAIL}", {"json": {"email": "bob@example.com", "token": LINKS.token(EMAIL)}}),
]


@pytest.mark.parametrize(("path", "content"), POSTED)
def test_address_and_token_stand_in_the_query_or_else_in_a_form_or_json(
    web: Web, path: str, content: dict[str, Any]
) -> None:
    done(web.ask("POST", path, **content))

    assert said(web) == [("email_one_click_post", False, None)]


INCOMPLETE: list[dict[str, Any]] = [
    {},
    {"params": {"email": EMAIL}},
    {"params": {"token": LINKS.token(EMAIL)}},
    {"params": {"email": "", "token": LINKS.token(EMAIL)}},
    {"params": {"email": EMAIL, "token": ""}},
]
UNREADABLE: list[dict[str, Any]] = [
    {"content": b"\xff\xfe"},
    {"content": b"{" * 1_000_000},
    {"headers": ONE_CLICK, "content": "&".join(["a=1"] * 1000)},
    {"headers": ONE_CLICK, "content": "List-Unsubscribe=One-Click"},
    {"json": [EMAIL]},
    {"json": None},
    {"json": {"email": EMAIL, "token": 7}},
    {"json": {"email": [EMAIL], "token": LINKS.token(EMAIL)}},
]


def test_without_address_or_token_it_points_to_the_settings(web: Web, subtests: pytest.Subtests) -> None:
    web.user(email=EMAIL)
    asked = [(method, content) for method in ("GET", "POST") for content in INCOMPLETE]
    for number, (method, content) in enumerate([*asked, *[("POST", content) for content in UNREADABLE]]):
        with subtests.test(method + repr(content)[:60]):
            answer = web.ask(method, PATH, peer=f"192.0.2.{number}", **content)

            assert "settings" in done(answer)
    assert (suppressed(web), said(web)) == (set(), [])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_wrong_token_changes_nothing_and_is_told_so_with_a_200(web: Web, method: str) -> None:
    user = web.user(email=EMAIL)
    web.event("payout")
    before = chosen(web, user)
    tokens = ["0" * 32, "x", LINKS.token("bob@example.com"), LINKS.undo_token(EMAIL, web.clock.at), "\0", "é"]

    answers = [not_done(web.ask(method, PATH, params={"email": EMAIL, "token": token})) for token in tokens]
    answers += [
        not_done(web.ask(method, PATH, params={"email": email, "token": LINKS.token(email.strip())}))
        for email in ("ada", "a\0@example.com", " ", "a" * 5000)
    ]
    answers.append(not_done(web.ask(method, wrong("nobody@example.com"))))

    assert len(set(answers)) == 1
    assert (suppressed(web), said(web), chosen(web, user)) == (set(), [], before)


@anything_goes
@given(
    method=st.sampled_from(["GET", "POST"]),
    path=st.sampled_from([PATH, UNDO]),
    query=st.lists(st.tuples(st.sampled_from(["email", "token", "x"]), ESCAPED), max_size=3),
    body=ANY_JSON | st.dictionaries(st.sampled_from(["email", "token"]), ANY_JSON),
)
def test_nothing_that_is_sent_is_an_error_of_the_server(
    web: Web, method: str, path: str, query: list[tuple[str, str]], body: Any
) -> None:
    asked = f"{path}?" + "&".join(f"{name}={value}" for name, value in query)
    if method == "GET":
        answer = web.ask("GET", asked.replace("/undo", ""))
    else:
        answer = web.ask("POST", asked, content=json.dumps(body))

    assert answer.status_code in (200, 429), answer.text
    assert answer.json()["success"] in (True, False)


# --- who may be written to ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reasons", "usual", "critical"),
    [
        ([], True, True),
        ([Suppression.USER_UNSUBSCRIBE], False, True),
        ([Suppression.BOUNCE], False, False),
        ([Suppression.COMPLAINT], False, False),
        ([Suppression.USER_UNSUBSCRIBE, Suppression.BOUNCE], False, False),
        ([Suppression.USER_UNSUBSCRIBE, Suppression.COMPLAINT], False, False),
    ],
)
def test_critical_mail_passes_an_unsubscribe_and_nothing_else(
    web: Web, reasons: list[Suppression], usual: bool, critical: bool
) -> None:
    for reason in reasons:
        web.write(lambda store, r=reason: store.suppressions.add(EMAIL, r, web.clock.at))
        web.write(lambda store, r=reason: store.suppressions.add(EMAIL, r, web.clock.at))
    assert suppressed(web) == set(reasons)

    assert web.write(lambda store: may_email(store, EMAIL, critical=False)) is usual
    assert web.write(lambda store: may_email(store, EMAIL, critical=True)) is critical
    assert web.write(lambda store: may_email(store, "bob@example.com", critical=False))


def test_the_right_link_stops_what_is_not_critical(web: Web) -> None:
    done(web.ask("GET", link()))

    assert not web.write(lambda store: may_email(store, EMAIL, critical=False))
    assert web.write(lambda store: may_email(store, EMAIL, critical=True))


# --- the page ----------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a browser would see and do."""

    def __init__(self, answer: httpx2.Response) -> None:
        super().__init__()
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.answer = answer
        self.feed(answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def fields(self) -> dict[str, str]:
        return {str(attrs["name"]): str(attrs["value"]) for tag, attrs in self.tags if tag == "input"}

    @property
    def action(self) -> str:
        """Where the button leads, from where the page is."""
        (action,) = [str(attrs["action"]) for tag, attrs in self.tags if tag == "form"]
        return urlsplit(urljoin(str(self.answer.url), action)).path


def browse(web: Web, path: str = "", method: str = "GET", **content: Any) -> Page:
    answer = web.ask(method, path or link(), headers=BROWSER, **content)
    assert answer.status_code == 200
    return Page(answer)


@pytest.mark.parametrize("path", [link(), wrong(), PATH])
def test_a_browser_gets_a_page_that_needs_nothing_else(web: Web, path: str) -> None:
    page = browse(web, path)

    headers = page.answer.headers
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["vary"] == "Accept"
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == "'self'"
    (style,) = re.findall(r"<style>(.*?)</style>", page.answer.text, re.DOTALL)
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy["style-src"] == f"'sha256-{digest}'"
    assert "color-scheme: light dark" in style
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.tags
    assert not re.search(r"https?:|//|@import|url\(", page.answer.text)
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "img", "link", "iframe", "a"})
    assert headers["ratelimit-policy"] == '"unsubscribe";q=10;w=3600'
    assert headers["x-correlation-id"]


def test_the_page_says_what_happened(web: Web) -> None:
    assert EMAIL in browse(web).text
    assert "not valid" in browse(web, wrong()).text
    assert "settings" in browse(web, PATH).text
    assert EMAIL in browse(web, method="POST").text


STRANGE_ADDRESSES = ["<script>alert(1)</script>@x.example", "\"'><b>@x.example", "{0.x}@x.example"]


@pytest.mark.parametrize("email", STRANGE_ADDRESSES)
def test_nothing_that_stands_in_an_address_becomes_html(web: Web, email: str) -> None:
    web.user(email=email)

    page = browse(web, link(email))

    assert email in page.text
    assert page.fields["email"] == email
    assert {tag for tag, _ in page.tags} == {
        *("html", "head", "meta", "title", "style", "body", "main", "h1", "p", "form", "input", "button")
    }


@pytest.mark.parametrize("accept", ["application/json", "*/*", "", "text/plain"])
def test_who_does_not_want_html_gets_json(web: Web, accept: str) -> None:
    answer = web.ask("GET", link(), headers={"Accept": accept})

    done(answer)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["vary"] == "Accept"
    assert answer.headers["ratelimit-policy"] == '"unsubscribe";q=10;w=3600'


# --- undo --------------------------------------------------------------------------------------------------


def undo(web: Web, page: Page, headers: Mapping[str, str] | None = None) -> httpx2.Response:
    """Press the button."""
    assert page.action == UNDO
    web.clock.move(seconds=1)
    content = urlencode(page.fields)
    return web.ask("POST", page.action, headers=ONE_CLICK | dict(headers or {}), content=content)


def test_the_button_takes_it_back(web: Web) -> None:
    user = web.user(email=EMAIL)
    for event in ("payout", "login", "news"):
        web.event(event)
    choose(web, user, "login", email=True, sms=True)
    choose(web, user, "news", email=False)
    choose(web, user, "payout", sms=True)
    before = chosen(web, user)
    page = browse(web)

    answer = undo(web, page, BROWSER)

    assert "again" in Page(answer).text
    assert suppressed(web) == set()
    assert said(web) == [("email_one_click_get", False, user), ("unsubscribe_page_undo", True, user)]
    assert chosen(web, user) == before


def test_the_button_leaves_what_was_chosen_since(web: Web) -> None:
    user = web.user(email=EMAIL)
    for event in ("payout", "login", "news"):
        web.event(event)
    choose(web, user, "login", email=False)
    choose(web, user, "news", email=False)
    before = chosen(web, user)
    done(web.ask("GET", link()))
    choose(web, user, "news", email=True)

    done(undo(web, browse(web)))  # which a second unsubscribe comes before

    assert chosen(web, user) == {**before, "news": {**before["news"], "email": True}}


def test_a_scanner_that_was_there_before_does_not_hinder_the_undo(web: Web) -> None:
    user = web.user(email=EMAIL)
    web.event("payout")
    before = chosen(web, user)
    done(web.ask("GET", link()))

    done(undo(web, browse(web)))

    assert (suppressed(web), chosen(web, user)) == (set(), before)


def test_an_undo_leaves_other_reasons_and_a_repeat_changes_nothing(web: Web) -> None:
    web.user(email=EMAIL)
    web.write(lambda store: store.suppressions.add(EMAIL, Suppression.BOUNCE, web.clock.at))
    page = browse(web)
    assert suppressed(web) == {Suppression.BOUNCE, Suppression.USER_UNSUBSCRIBE}

    done(undo(web, page))
    recorded = said(web)
    done(undo(web, page))

    assert suppressed(web) == {Suppression.BOUNCE}
    assert said(web) == recorded


def test_an_undo_for_an_address_without_a_user(web: Web) -> None:
    done(undo(web, browse(web)))

    assert suppressed(web) == set()
    assert said(web)[-1] == ("unsubscribe_page_undo", True, None)


def test_an_undo_that_does_not_hold_changes_nothing(web: Web) -> None:
    page = browse(web)
    not_done(web.ask("POST", UNDO, json={}))
    others = [("token", "x"), ("token", LINKS.token(EMAIL)), ("email", "bob@example.com"), ("email", "")]
    for name, value in others:
        not_done(web.ask("POST", UNDO, json={**page.fields, name: value}))
    web.clock.move(days=1)
    not_done(undo(web, page))

    assert suppressed(web) == {Suppression.USER_UNSUBSCRIBE}
    assert "no longer" in Page(undo(web, page, BROWSER)).text


# --- what a guess finds out --------------------------------------------------------------------------------


def test_right_and_wrong_known_and_unknown_do_the_same_work(
    run: Run,
    postgres_url: str,
    open_database: OpenDatabase,
    clock: MovingClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same statements with as many rows, and as many hashes and comparisons."""
    web = Web(run, open_database(postgres_url, clock=clock), clock)
    for event in ("payout", "login"):
        web.event(event)
    web.user(email=EMAIL)

    def counting(done: list[Any], name: str) -> Any:
        function = getattr(hmac, name)

        def counted(*arguments: Any) -> Any:
            done.append(name)
            return function(*arguments)

        return counted

    def work(path: str) -> list[Any]:
        done: list[Any] = []
        with monkeypatch.context() as patched:
            for name in ("compare_digest", "digest", "new"):
                patched.setattr(hmac, name, counting(done, name))
            stop = listen(lambda statement, arguments: done.append((statement, _sizes(arguments))))
            web.ask("GET", path)
            stop()
        return done

    guesses = [work(wrong()), work(wrong("nobody@example.com"))]
    right = work(link())

    assert right.count("compare_digest") == 1
    assert sum("INSERT" in str(one) for one in right) == 4
    assert guesses == [right, right]


def _sizes(arguments: Any) -> list[int]:
    return [len(one) if isinstance(one, list) else 1 for one in arguments]


def test_ten_an_hour_for_each_ip_address_and_method(web: Web) -> None:
    for _ in range(10):
        done(web.ask("POST", link(), peer="192.0.2.1"))

    answer = web.ask("POST", link(), peer="192.0.2.1")

    assert answer.status_code == 429
    assert answer.json()["error"]["i18nKey"] == "error.rate_limited"
    assert 1 <= int(answer.headers["retry-after"]) <= 3600
    assert answer.headers["ratelimit-policy"] == '"unsubscribe";q=10;w=3600'
    done(web.ask("POST", link("bob@example.com"), peer="192.0.2.1"))
    done(web.ask("POST", link(), peer="192.0.2.2"))
    done(web.ask("GET", link(), peer="192.0.2.1"))

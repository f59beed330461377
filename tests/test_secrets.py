"""No secret stands in a log, nor in what an error tells back: a server is run, and both are searched."""

from __future__ import annotations

import json
import secrets
import sqlite3
from base64 import urlsafe_b64encode
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit
from uuid import uuid4

import httpx2
import pytest

from tests.test_demo import Demo, demo
from tidings.delivery.unsubscribe_links import unsubscribe_link
from tidings.surfaces.redaction import REDACTED, redacted

LOGIN, REFRESH, COMPANY_LOGIN = "/api/v1/auth/login", "/api/v1/auth/refresh", "/company/auth/login"
NOTIFICATIONS = "/api/v1/notifications"
COUNT = f"{NOTIFICATIONS}/count"
UNSUBSCRIBE = f"{NOTIFICATIONS}/unsubscribe"
SUBSCRIBE = f"{NOTIFICATIONS}/webpush/subscribe"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Server:
    """A demo that logs all that it can, and every secret that was sent to it or told by it."""

    def __init__(self, running: Demo, folder: Path, secret: str) -> None:
        self.told = json.loads(running.first)
        self.log, self.database = running.log, folder / "tidings.db"
        self.http = httpx2.Client(base_url=self.told["base_url"], timeout=60)
        self.user = self.told["users"][0]
        self.secrets = {"the server's": secret, "a service key": self.told["service_key"]}
        self.secrets |= {f"the token of {user['email']}": user["token"] for user in self.told["users"]}
        self.refusals: list[str] = []
        self.paths: set[str] = set()

    def make(self, name: str, prefix: str = "") -> str:
        """A new secret."""
        return self.learn(name, prefix + secrets.token_urlsafe(24))

    def learn(self, name: str, secret: str) -> str:
        """The secret, of which `name` tells what it is; it is looked for in the end."""
        assert len(secret) > 15
        self.secrets[f"{name} ({len(self.secrets)})" if name in self.secrets else name] = secret
        return secret

    def ask(self, method: str, path: str, bearer: str = "", **content: Any) -> httpx2.Response:
        self.http.cookies.clear()
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        headers |= {"x-business-id": self.user["business_ids"][0]} | content.pop("headers", {})
        answer = self.http.request(method, path, headers=headers, **content)
        self.paths.add(path.partition("?")[0])
        if answer.status_code >= 400:
            self.refusals.append(answer.text)
        return answer

    def found(self, text: str) -> set[str]:
        """The secrets that stand in a text, as they are or as they are in an address."""
        return {
            name
            for name, secret in self.secrets.items()
            if any(written in text for written in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1]))
        }


@pytest.fixture(params=["false", "true"], ids=["text", "json"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Server]:
    secret = secrets.token_urlsafe(32)
    settings = {
        "TIDINGS_SECRET": secret,
        "TIDINGS_LOG_LEVEL": "debug",
        "TIDINGS_LOG_JSON": request.param,
    }
    folder = tmp_path / "world"
    with demo(tmp_path, "--json", "--data", str(folder), settings=settings) as running:
        made = Server(running, folder, secret)
        with made.http:
            yield made


def signing_in(server: Server) -> str:
    """Every way of signing in, and of failing; an access token."""
    email, password = server.user["email"], server.make("a new password")
    path = f"/v1/users/{server.user['id']}"
    key = server.told["service_key"]
    assert server.ask("PUT", path, key, json={"email": email, "password": password}).status_code == 200
    for body in (
        {"password": [server.make("a password in a list")]},
        {"password": server.make("a password that is too long") * 40},
        {"password": server.make("a password beside a fault"), "status": "asleep"},
        {"pasword": server.make("a password under a wrong name")},
        [server.make("a password in no object")],
    ):
        server.ask("PUT", path, key, json=body)
        for login in (LOGIN, COMPANY_LOGIN):
            server.ask("POST", login, json={"email": email, **body} if isinstance(body, dict) else body)
    server.ask("PUT", path, server.make("a wrong service key", "sk_"), json={"password": password})
    for login in (LOGIN, COMPANY_LOGIN):
        for who in (email, "nobody@example.com", "nobody"):
            server.ask("POST", login, json={"email": who, "password": server.make(f"a guess for {who}")})
        server.ask("POST", login, content='{"password": "' + server.make("a password in bad JSON"))
        server.ask("POST", login, headers=FORM, content=f"password={server.make('a password in a form')}")
        server.ask("POST", f"{login}?password={server.make('a password in a query')}")
    token = server.ask("POST", COMPANY_LOGIN, json={"email": email, "password": password}).json()["token"]
    server.learn("a company's token", token)
    answer = server.ask("POST", LOGIN, json={"email": email, "password": password})
    refreshing(server, answer.cookies["tidings_refresh"])
    return server.learn("an access token", answer.json()["data"]["accessToken"])


def refreshing(server: Server, refresh_token: str) -> None:
    token = server.learn("a refresh token", refresh_token)
    for carried in ({"json": {"refreshToken": token}}, {"headers": {"Cookie": f"tidings_refresh={token}"}}):
        answer = server.ask("POST", REFRESH, **carried)
    assert answer.json()["error"]["i18nKey"] == "auth.refresh.token_reuse_detected"
    server.ask("POST", REFRESH, json={"refreshToken": server.make("an unknown refresh token")})
    server.ask("POST", REFRESH, json={"refreshToken": [server.make("a refresh token in a list")]})


def with_tokens(server: Server, access_token: str) -> None:
    """Tokens that hold and tokens that do not, where they belong and where they do not."""
    key, token = server.told["service_key"], server.user["token"]
    assert server.ask("GET", COUNT, token).status_code == 200
    issued = server.ask("POST", f"/v1/users/{server.user['id']}/tokens", key, json={"name": "phone"})
    server.learn("an issued token", issued.json()["token"])
    bearers = [access_token, access_token[:-2], token, key, server.make("a wrong token", "dz_")]
    paths = [("GET", COUNT), ("GET", f"{NOTIFICATIONS}/unread-count"), ("PUT", "/company/notifications/read")]
    for bearer in bearers:
        for method, path in [*paths, ("POST", "/v1/notifications")]:
            server.ask(method, path, bearer)
            server.ask(method, f"{path}?token={bearer}", headers={"Authorization": bearer})
        # In the wrong places, of which errors tell back what stands there.
        server.ask("GET", f"{NOTIFICATIONS}?limit={bearer}&scope={bearer}&topic={bearer}", token)
        for body in (bearer, [bearer], {"scope": bearer}, {"scope": {"token": bearer}}, {bearer: bearer}):
            server.ask("POST", f"{NOTIFICATIONS}/mark-all-seen", token, json=body)
            server.ask("POST", "/v1/notifications", key, json=body)
        server.ask("GET", COUNT, token, headers={"x-business-id": bearer})
    password = server.make("a password where none belongs")
    server.ask("POST", f"{NOTIFICATIONS}/mark-all-seen", token, json={"scope": {"password": password}})
    server.ask("POST", f"{NOTIFICATIONS}/mark-all-seen", token, content=f'{{"password": "{password}')


def unsubscribing(server: Server) -> None:
    for email in (server.user["email"], "nobody@example.com"):
        link = urlsplit(unsubscribe_link(server.secrets["the server's"].encode(), "http://t", email))
        right = server.learn(f"the unsubscribe token of {email}", parse_qs(link.query)["token"][0])
        for token in (right, server.make("a wrong unsubscribe token")):
            fields = {"email": email, "token": token}
            server.ask("GET", UNSUBSCRIBE, params=fields)
            page = server.ask("GET", UNSUBSCRIBE, params=fields, headers={"Accept": "text/html"}).text
            server.ask("POST", UNSUBSCRIBE, params=fields, headers=FORM, content="List-Unsubscribe=One-Click")
            server.ask("POST", UNSUBSCRIBE, json=fields)
            if token == right:
                undo = page.partition('name="token" value="')[2].partition('"')[0]
                server.learn(f"the undo token of {email}", undo)
                for place in ("params", "json"):
                    server.ask("POST", f"{UNSUBSCRIBE}/undo", **{place: {"email": email, "token": undo}})


def webpush(server: Server, access_token: str) -> None:
    keys = {"p256dh": secrets.token_bytes(65), "auth": secrets.token_bytes(16)}
    browser = {name: urlsafe_b64encode(key).decode().rstrip("=") for name, key in keys.items()}
    for name, key in browser.items():
        server.learn(f"a browser's {name}", key)
    browser["endpoint"] = f"https://push.example/{server.make('the address of a browser')}"
    assert server.ask("POST", SUBSCRIBE, access_token, json=browser).status_code == 200
    wrong = server.make("a wrong p256dh")
    for changes in ({"endpoint": "x"}, {"p256dh": wrong}, {"auth": [browser["auth"]]}):
        server.ask("POST", SUBSCRIBE, access_token, json=browser | changes)
    path = f"{NOTIFICATIONS}/webpush/unsubscribe"
    for _ in range(2):
        server.ask("POST", path, access_token, json={"endpoint": browser["endpoint"]})


def failing(server: Server, access_token: str) -> None:
    """Every statement fails that has a secret among its parameters; the failures are logged."""
    with closing(sqlite3.connect(server.database)) as connection:
        for table in ("push_subscription", "refresh_token", "api_token", "service_key", "suppression"):
            connection.execute(f"DROP TABLE {table}")
        connection.commit()
    webpush_key = urlsafe_b64encode(bytes(16)).decode()
    browser = {"p256dh": urlsafe_b64encode(secrets.token_bytes(65)).decode(), "auth": webpush_key}
    server.learn("the p256dh of a browser that fails", browser["p256dh"].rstrip("="))
    browser["endpoint"] = f"https://push.example/{server.make('the address of a browser that fails')}"
    unsubscribe = unsubscribe_link(server.secrets["the server's"].encode(), "", server.user["email"])
    for method, path, content in (
        ("POST", SUBSCRIBE, {"bearer": access_token, "json": browser}),
        ("POST", REFRESH, {"json": {"refreshToken": server.secrets["a refresh token"]}}),
        (
            "POST",
            LOGIN,
            {"json": {"email": server.user["email"], "password": server.secrets["a new password"]}},
        ),
        ("GET", COUNT, {"bearer": server.user["token"]}),
        ("PUT", f"/v1/users/{uuid4()}", {"bearer": server.told["service_key"], "json": {"password": "x"}}),
        ("GET", unsubscribe, {"headers": {"X-Forwarded-For": "192.0.2.1"}}),
    ):
        assert server.ask(method, path, **content).status_code in (429, 500), path


def test_no_secret_stands_in_a_log_or_in_a_refusal(server: Server) -> None:
    access_token = signing_in(server)
    with_tokens(server, access_token)
    unsubscribing(server)
    webpush(server, access_token)
    failing(server, access_token)

    log = server.log.read_text()
    assert [path for path in server.paths if path not in log] == []  # it is the log of these calls
    assert log.count("OperationalError") >= 5
    assert len(server.secrets) > 40
    assert server.found(log) == set()
    assert {name for text in server.refusals for name in server.found(text)} == set()
    assert len(server.refusals) > 100


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"password": "x", "name": "y"}, {"password": REDACTED, "name": "y"}),
        ({"a": [{"refreshToken": {"b": 1}}]}, {"a": [{"refreshToken": REDACTED}]}),
        ({"Authorization": "x", "author": "y"}, {"Authorization": REDACTED, "author": "y"}),
        ("see dz_0123456789abcdef_-x here", f"see {REDACTED} here"),
        (["sk_0123456789abcdef", "sk_short"], [REDACTED, "sk_short"]),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", REDACTED),
        (b"password=x", REDACTED),
        ("loud", "loud"),
        ({"scope": "me", "limit": 7, "on": None}, {"scope": "me", "limit": 7, "on": None}),
    ],
)
def test_what_is_told_back_has_no_secret_in_it(given: Any, shown: Any) -> None:
    assert redacted(given) == shown


def test_what_is_deep_is_not_looked_through() -> None:
    deep: Any = "x"
    for _ in range(500):
        deep = [deep]

    assert REDACTED in json.dumps(redacted(deep))

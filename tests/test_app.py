"""What the surfaces share: who answers, correlation, CORS, proxies, rate limits, settings, start and end."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from pydantic import ValidationError
from starlette.requests import HTTPConnection

from tests.conftest import MovingClock, Run
from tests.web import SECRET, Web, served
from tidings import app as app_module
from tidings.app import create_app
from tidings.errors import RateLimited
from tidings.realtime.hub import Hub
from tidings.settings import Settings
from tidings.storage.engine import Database
from tidings.surfaces.client_ip import TrustedProxies
from tidings.surfaces.limits import Limiter, Policy, refusal_headers


@pytest.fixture
def database(sqlite_url: str, clock: MovingClock, run: Run) -> Any:
    """SQLite alone: nothing here depends on the database."""
    opened = Database(sqlite_url, clock=clock)
    yield opened
    run(opened.dispose())


@pytest.fixture
def web(run: Run, database: Database, clock: MovingClock) -> Web:
    return Web(run, database, clock)


# --- who answers -------------------------------------------------------------------------------------------

JWT = {"Authorization": "Bearer eyJ.x.y"}
API_TOKEN = {"Authorization": "bearer dz_x"}
BUSINESS = {"x-business-id": "x"}


def surface(answer: httpx2.Response) -> str:
    """Whose shape the answer has."""
    if answer.headers["content-type"].startswith("application/problem+json"):
        return "native"
    if not answer.headers["content-type"].startswith("application/json"):
        return "nobody"
    keys = set(answer.json())
    return {"detail": "scoped", "error,success": "personal", "message,status": "company"}[
        ",".join(sorted(keys))
    ]


@pytest.mark.parametrize(
    ("method", "path", "headers", "expected"),
    [
        # Both have it: the request decides.
        ("GET", "/api/v1/notifications", {}, "personal"),
        ("GET", "/api/v1/notifications", JWT, "personal"),
        ("GET", "/api/v1/notifications", API_TOKEN, "scoped"),
        ("GET", "/api/v1/notifications", BUSINESS, "scoped"),
        ("GET", "/api/v1/notifications", JWT | BUSINESS, "scoped"),
        # One of them has it: that one.
        ("POST", "/api/v1/notifications/mark-all-seen", {}, "scoped"),
        ("POST", "/api/v1/notifications/mark-all-seen", JWT, "scoped"),
        ("GET", "/api/v1/notifications/count", JWT, "scoped"),
        ("GET", "/api/v1/notifications/unread-count", API_TOKEN | BUSINESS, "personal"),
        ("DELETE", "/api/v1/notifications/clear-read", API_TOKEN | BUSINESS, "personal"),
        # Their roots are theirs too, with the slash and without.
        ("GET", "/v1", {}, "native"),
        ("GET", "/v1/", {}, "native"),
        ("GET", "/company", {}, "company"),
        ("GET", "/api", {}, "personal"),
        ("POST", "/api/v1/auth/login", API_TOKEN | BUSINESS, "personal"),
        # Nobody has it, or not with this method: the request decides again, or who has the path.
        ("GET", "/api/v1/nothing", JWT, "personal"),
        ("GET", "/api/v1/nothing", API_TOKEN, "scoped"),
        ("PATCH", "/api/v1/notifications", API_TOKEN, "scoped"),
        ("PATCH", "/api/v1/notifications", {}, "personal"),
        ("GET", "/api/v1/auth/login", API_TOKEN, "personal"),
        ("PUT", "/company/notifications/read/x", API_TOKEN | BUSINESS, "company"),
        ("GET", "/company/nothing", {}, "company"),
        ("GET", "/v1/nothing", BUSINESS, "native"),
        ("GET", "/nothing", {}, "nobody"),
    ],
)
def test_who_answers(web: Web, method: str, path: str, headers: dict[str, str], expected: str) -> None:
    answer = web.ask(method, path, headers=headers)

    assert answer.status_code in (400, 401, 404, 405, 422)
    assert surface(answer) == expected, answer.text


def test_each_surface_has_its_own_document(web: Web) -> None:
    page = web.ask("GET", "/").text
    for name in ("native", "scoped", "personal", "company"):
        document = web.ask("GET", f"/docs/{name}/openapi.json").json()
        prefix = {"native": "/v1/", "company": "/company/"}.get(name, "/api/v1/")
        assert document["openapi"].startswith("3.")
        assert all(path.startswith(prefix) for path in document["paths"])
        assert f"/docs/{name}/openapi.json" in page


def test_it_says_whether_it_lives_and_is_ready(
    web: Web, run: Run, tmp_path: Path, clock: MovingClock
) -> None:
    empty = Database(f"sqlite:///{tmp_path}/nothing.db", clock=clock)
    unready = Web(run, empty, clock)

    assert web.ask("GET", "/livez").status_code == 200
    assert web.ask("GET", "/readyz").status_code == 200
    assert unready.ask("GET", "/livez").status_code == 200
    assert unready.ask("GET", "/readyz").status_code == 503
    run(empty.dispose())


# --- correlation -------------------------------------------------------------------------------------------


def test_a_request_keeps_its_correlation_id(web: Web) -> None:
    id_ = str(uuid4())

    answer = web.ask("GET", "/api/v1/notifications", headers={"X-Correlation-ID": id_.upper()})

    assert answer.headers["x-correlation-id"] == id_ == answer.json()["error"]["correlationId"]


@pytest.mark.parametrize("given", ["", "nonsense", "1" * 2000, "a\tb"])
def test_what_is_no_correlation_id_is_replaced(web: Web, given: str) -> None:
    answers = [web.ask("GET", "/livez", headers={"X-Correlation-ID": given}) for _ in range(2)]
    ids = {str(UUID(answer.headers["x-correlation-id"])) for answer in answers}

    assert len(ids) == 2


# --- CORS --------------------------------------------------------------------------------------------------

ORIGIN = "https://shop.example"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "DELETE",
    "Access-Control-Request-Headers": "authorization,x-business-id",
}


def test_without_origins_there_is_no_cors(web: Web) -> None:
    for method in ("OPTIONS", "GET"):
        answer = web.ask(method, "/api/v1/notifications", headers=PREFLIGHT)
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_page_of_a_named_origin_may_call(run: Run, database: Database, clock: MovingClock) -> None:
    web = Web(run, database, clock, cors_origins=[ORIGIN])
    path = "/api/v1/notifications/clear-read"

    allowed = web.ask("OPTIONS", path, headers=PREFLIGHT)
    refused = web.ask("OPTIONS", path, headers=PREFLIGHT | {"Origin": "https://evil.example"})
    called = web.ask("DELETE", path, headers={"Origin": ORIGIN})

    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    assert allowed.headers["access-control-allow-credentials"] == "true"
    assert "DELETE" in allowed.headers["access-control-allow-methods"]
    assert "x-business-id" in allowed.headers["access-control-allow-headers"]
    assert refused.status_code == 400
    assert "access-control-allow-origin" not in refused.headers
    assert called.headers["access-control-allow-origin"] == ORIGIN
    assert "X-Correlation-ID" in called.headers["access-control-expose-headers"]
    assert "ETag" in called.headers["access-control-expose-headers"]


def test_every_origin_may_call_but_without_a_cookie(run: Run, database: Database, clock: MovingClock) -> None:
    web = Web(run, database, clock, cors_origins="*")

    answer = web.ask("GET", "/livez", headers={"Origin": ORIGIN})

    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


# --- who calls ---------------------------------------------------------------------------------------------


def connection(peer: str | None, *forwarded: str) -> HTTPConnection:
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    client = None if peer is None else (peer, 1)
    return HTTPConnection({"type": "http", "headers": headers, "client": client})


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", ["1.1.1.1"], "203.0.113.9"),  # nobody we trust: what it says is its own invention
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["6.6.6.6, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["6.6.6.6, 198.51.100.7, 10.9.9.9"], "198.51.100.7"),
        ("10.0.0.1", ["6.6.6.6", "198.51.100.7", "10.9.9.9"], "198.51.100.7"),
        ("10.0.0.1", ["10.2.2.2, 10.9.9.9"], "10.2.2.2"),
        ("10.0.0.1", ["198.51.100.7, nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7:4711"], "198.51.100.7"),
        ("10.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("10.0.0.1", ["2001:db8::7"], "2001:db8::7"),
        ("::ffff:10.0.0.1", ["::ffff:198.51.100.7"], "198.51.100.7"),
        ("fd00::1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["\xff"], "10.0.0.1"),
        ("testclient", ["198.51.100.7"], "unknown"),
        (None, ["198.51.100.7"], "unknown"),
    ],
)
def test_the_callers_address_is_the_first_that_is_no_proxy_of_ours(
    peer: str | None, forwarded: list[str], expected: str
) -> None:
    trusted = Settings(trusted_proxies="10.0.0.0/8, fd00::/8").trusted_proxies

    assert TrustedProxies(trusted).client_ip(connection(peer, *forwarded)) == expected


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("203.0.113.9", {"host": "a.example"}, "http://a.example"),
        ("203.0.113.9", {"host": "a.example:8443"}, "http://a.example:8443"),
        ("203.0.113.9", {"host": "[::1]:8800"}, "http://[::1]:8800"),
        # nobody we trust: what it says of a proxy is its own invention
        (
            "203.0.113.9",
            {"host": "a.example", "x-forwarded-host": "b.example", "x-forwarded-proto": "https"},
            "http://a.example",
        ),
        ("10.0.0.1", {"host": "a.example", "x-forwarded-proto": "https"}, "https://a.example"),
        ("10.0.0.1", {"host": "test", "x-forwarded-proto": "http, HTTPS"}, "https://test"),
        ("10.0.0.1", {"host": "a", "x-forwarded-host": "x.example, b.example"}, "http://b.example"),
        ("10.0.0.1", {"host": "test", "x-forwarded-proto": "javascript"}, "http://test"),
        ("10.0.0.1", {"host": "a", "x-forwarded-host": "b/c"}, "http://127.0.0.1:8800"),
        ("203.0.113.9", {}, "http://127.0.0.1:8800"),
        (None, {"host": "<script>"}, "http://127.0.0.1:8800"),
        (None, {"host": "a b"}, "http://127.0.0.1:8800"),
        (None, {"host": "\xff"}, "http://127.0.0.1:8800"),
    ],
)
def test_the_servers_address_is_the_one_that_the_caller_used(
    peer: str | None, headers: dict[str, str], expected: str
) -> None:
    trusted = TrustedProxies(Settings(trusted_proxies="10.0.0.0/8").trusted_proxies)
    scope = {
        "type": "http",
        "scheme": "http",
        "path": "/",
        "server": ("127.0.0.1", 8800),
        "client": None if peer is None else (peer, 1),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
    }

    assert trusted.base_url(HTTPConnection(scope)) == expected


# --- rate limits -------------------------------------------------------------------------------------------


class Seconds:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


POLICY = Policy(name="calls", quota=3, window=60)


def test_a_quota_holds_in_any_window(run: Run) -> None:
    seconds = Seconds()
    limiter = Limiter(seconds)
    run(limiter.hit(POLICY, "ada"))
    seconds.at += 50
    usage = [run(limiter.hit(POLICY, "ada")) for _ in range(2)]
    assert [(one.remaining, one.reset) for one in usage] == [(1, 10), (0, 10)]

    with pytest.raises(RateLimited) as refusal:
        run(limiter.hit(POLICY, "ada"))
    assert refusal.value.retry_after == 10
    seconds.at += 10  # the first one is out of the window, the two others are not
    run(limiter.hit(POLICY, "ada"))
    with pytest.raises(RateLimited) as refusal:
        run(limiter.hit(POLICY, "ada"))
    assert refusal.value.retry_after == 50


def test_keys_and_policies_are_counted_apart(run: Run) -> None:
    limiter = Limiter(Seconds())
    other = Policy(name="others", quota=1, window=60)
    for key in (("ada",), ("ada", "x"), ("bob",)):
        for _ in range(3):
            run(limiter.hit(POLICY, *key))

    run(limiter.hit(other, "ada"))
    with pytest.raises(RateLimited):
        run(limiter.hit(other, "ada"))


def test_the_headers_are_those_of_the_draft(run: Run) -> None:
    limiter = Limiter(Seconds())
    usage = run(limiter.hit(Policy(name="one", quota=1, window=90)))
    with pytest.raises(RateLimited) as refusal:
        run(limiter.hit(Policy(name="one", quota=1, window=90)))

    expected = {"RateLimit-Policy": '"one";q=1;w=90', "RateLimit": '"one";r=0;t=90'}
    assert usage.headers == expected
    assert refusal_headers(refusal.value) == {"Retry-After": "90", **expected}


def test_keys_that_are_used_no_more_are_forgotten(run: Run) -> None:
    seconds = Seconds()
    limiter = Limiter(seconds)
    for number in range(1000):
        seconds.at += 1
        run(limiter.hit(POLICY, str(number)))

    [keys] = limiter._hits.values()
    assert len(keys) <= 61


# --- settings, and running ---------------------------------------------------------------------------------


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDINGS_CORS_ORIGINS", "https://a.example, https://b.example")
    monkeypatch.setenv("TIDINGS_PORT", "9000")
    monkeypatch.setenv("TIDINGS_SECRET", SECRET)

    settings = Settings(port=9001)

    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.port == 9001
    assert settings.has_own_secret
    assert SECRET not in repr(settings)


def test_every_setting_is_explained() -> None:
    assert all((field.description or "").endswith(".") for field in Settings.model_fields.values())


@pytest.mark.parametrize(
    "given",
    [
        {"database_url": "mysql://root:hunter2@db/x"},
        {"database_url": "nonsense"},
        {"secret": "short"},
        {"port": 70_000},
        {"trusted_proxies": "10.0.0.0/33"},
        {"mail_bounces_to": "bounces"},
        {"mail_bounces_to": "böunces@acme.example"},
        {"colour": "red"},
    ],
)
def test_settings_that_do_not_fit_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refusal:
        Settings(**given)

    assert "hunter2" not in str(refusal.value)


def test_the_server_makes_its_schema_keeps_up_and_ends(run: Run, tmp_path: Path) -> None:
    app = create_app(Settings(database_url=f"sqlite:///{tmp_path}/new/tidings.db", secret=SECRET))

    async def lives() -> int:
        async with served(app) as client:
            return (await client.get("/readyz")).status_code

    assert run(lives()) == 200


def test_what_tells_of_news_begins_again_if_it_fails(
    run: Run, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "AGAIN_SECONDS", 0.01)
    runs: list[Hub] = []
    again = asyncio.Event()

    async def fails_once(hub: Hub) -> None:
        runs.append(hub)
        if len(runs) == 1:
            raise TypeError("a defect")
        again.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Hub, "run", fails_once)

    async def scenario() -> None:
        async with served(web.app), asyncio.timeout(10):
            await again.wait()

    run(scenario())

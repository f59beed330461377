"""Whatever is sent: the error is the contract's own, none of the server's, and nothing is written."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, cast
from uuid import UUID

import httpx2
import pytest

from tests.calls import CALLS, SURFACES, Asked, Route, World, asked
from tests.conftest import MovingClock, Run
from tests.web import Web
from tidings.storage.engine import Database
from tidings.surfaces.company.app import MOST_BODY_BYTES as MOST_OF_COMPANY
from tidings.surfaces.native.app import MOST_BODY_BYTES as MOST_OF_NATIVE
from tidings.surfaces.personal.app import MOST_BODY_BYTES as MOST_OF_PERSONAL
from tidings.surfaces.scoped.app import MOST_BODY_BYTES as MOST_OF_SCOPED

MOST = {
    "scoped": MOST_OF_SCOPED,
    "personal": MOST_OF_PERSONAL,
    "company": MOST_OF_COMPANY,
    "native": MOST_OF_NATIVE,
}
JSON = "application/json"
HUGE = "x" * 60_000  # characters: the server itself refuses heads of 64 KiB

SEGMENTS = ["x", "0", "-1", "%00", "a%00b", "%ff%fe", "%ed%a0%80", "%F0%9F%92%8C", "%20", "..%2f..", "%5c"]
SEGMENTS += ["a" * 3000, "9" * 400, "nan", "null", "%7Bid%7D", "live:x", "live:%00", "live:" + "a" * 3000]
SEGMENTS += ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "%2e%2e"]

QUERY_VALUES = [
    "",
    "%00",
    "%ff",
    "%ed%a0%80",
    "9" * 400,
    "-1",
    "NaN",
    "1e400",
    "%5B%5D",
    "x",
    "a" * 5000,
    "true",
]
QUERY_VALUES += ["2026-13-45T25:61:61Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00%2B14:00"]
QUERIES = ["%00", "%ff=%fe", "=", "&&&", "a" * 60_000, "x=1&x=2", "id=%00", "%ed%a0%80=1", "[]=1", ";", "?"]

HEADERS: list[tuple[str, bytes]] = [
    (name, value)
    for name in ("idempotency-key", "if-none-match", "x-user-email", "x-correlation-id", "cookie", "accept")
    for value in (b"", b"\xff\xfe", b"\x01", b"a" * 300, b"tidings_refresh=\xff", HUGE.encode())
]
HEADERS += [("x-business-id", value) for value in (b"\xff", b"x", HUGE.encode(), b"-1", b"9" * 400)]
HEADERS += [("authorization", b"Bearer " + value) for value in (b"\xff.\xff.\xff", HUGE.encode(), b"dz_\x01")]
HEADERS += [("accept-language", b"\xff"), ("x-forwarded-for", b"\xff, ,,;"), ("range", b"bytes=-1")]

KINDS = ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml"]
KINDS += ["application/json; charset=utf-16", "multipart/form-data; boundary=x", "\xff", "a/b/c", HUGE]

BODIES = [
    b"",
    b"null",
    b"[]",
    b"[[]]",
    b'"x"',
    b"0",
    b"true",
    b"NaN",
    b"-Infinity",
    b"{",
    b"}",
    b"{}{}",
    b"\0",
]
BODIES += [
    b"\xff\xfe\x00",
    b"\xef\xbb\xbf{}",
    b'{"a": "\\ud800"}',
    b'{"\\u0000": "\\u0000"}',
    b"1" + b"0" * 5000,
]
BODIES += [
    b"[" * 50_000,
    b'{"a":' * 50_000,
    b'{"x": "' + b"x" * 1_000_000 + b'"}',
    b'{"id": ' + b"9" * 400 + b"}",
]

VALUES: list[Any] = [
    "",
    "\0",
    "a\0b",
    "\ud800",
    "x" * 60_000,
    10**400,
    2**63,
    -(2**63) - 1,
    -1,
    1.5,
    float("nan"),
]
VALUES += [float("inf"), True, None, [], {}, [[]], {"\0": "\0"}, ["\ud800"], {"\ud800": 1}, [None] * 1001]
VALUES += ["2026-13-45T25:61:61Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "no-uuid"]

DEPTHS = (900, 1000, 5000)
"""Lists in lists, about as deep as parsers and interpreters go, and deeper."""

FOR_THE_DATABASE = (b"%00", b"\\u0000", b"\\ud800", b"%ed", b"99999", b"00000000000", b"T")
SHARED = {"/api/v1/notifications"}
"""Paths that two surfaces have: which one answers hangs on the headers."""
ENDS_SESSIONS = "auth.refresh.token_reuse_detected"
"""The one refusal that writes, as it should."""

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]


@pytest.fixture
def world(run: Run, database: Database, clock: MovingClock) -> World:
    return World(Web(run, database, clock))


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One request that differs in one thing from a valid one."""

    what: str
    path: str
    method: str
    headers: list[tuple[str, str | bytes]]
    content: bytes

    @property
    def is_for_the_database(self) -> bool:
        """Whether it is of the kind that one database takes and another does not."""
        said = self.path.encode() + self.content
        return any(part in said for part in FOR_THE_DATABASE)


class Nonsense:
    """All that is tried on one route."""

    def __init__(self, world: World, route: Route, operation: Mapping[str, Any]) -> None:
        self.one = asked(world, route)
        self.operation = operation
        self.headers = _credentials(world, route)
        self._body = self.one.parts.get("json")

    def __iter__(self) -> Iterator[Sent]:
        for parts in (self._paths(), self._queries(), self._headers(), self._bodies(), self._methods()):
            yield from parts

    def _sent(
        self,
        what: str,
        *,
        path: str | None = None,
        method: str | None = None,
        headers: list[tuple[str, str | bytes]] | None = None,
        content: bytes | None = None,
        kind: str | None = JSON,
    ) -> Sent:
        listed: dict[str, str | bytes] = dict(self.headers)
        if kind is not None:
            listed["content-type"] = kind
        listed |= dict(headers or [])
        query = "&".join(f"{name}={value}" for name, value in self.one.parts.get("params", {}).items())
        return Sent(
            what=what[:70],
            path=path or self.one.path + (f"?{query}" if query else ""),
            method=method or self.one.route.method,
            headers=list(listed.items()),
            content=json.dumps(self._body).encode() if content is None else content,
        )

    def _paths(self) -> Iterator[Sent]:
        for name in self.one.ids:
            for segment in SEGMENTS:
                yield self._sent(f"path {name} {segment}", path=_with(self.one, name, segment))

    def _queries(self) -> Iterator[Sent]:
        declared = [one["name"] for one in self.operation.get("parameters", []) if one["in"] == "query"]
        queries = [*QUERIES, *(f"{name}={value}" for name in declared for value in QUERY_VALUES)]
        for query in queries:
            yield self._sent(f"query {query}", path=f"{self.one.path}?{query}")

    def _headers(self) -> Iterator[Sent]:
        for name, value in HEADERS:
            yield self._sent(f"header {name} {value[:20]!r}", headers=[(name, value)])

    def _methods(self) -> Iterator[Sent]:
        for method in METHODS:
            if method != self.one.route.method:
                yield self._sent(f"method {method}", method=method)

    def _bodies(self) -> Iterator[Sent]:
        for kind in KINDS:
            yield self._sent(f"kind {kind}", kind=kind)
        for content in BODIES:
            yield self._sent(f"body {content[:20]!r}", content=content)
        if isinstance(self._body, dict):
            body = cast("dict[str, Any]", self._body)
            for name in {**body, **dict.fromkeys(self._properties())}:
                yield from self._values(body, name)

    def _values(self, body: Mapping[str, Any], name: str) -> Iterator[Sent]:
        for value in VALUES:
            content = json.dumps({**body, name: value}).encode()
            yield self._sent(f"body {name} = {value!r}", content=content)
        for depth in DEPTHS:
            others = {key: value for key, value in body.items() if key != name}
            nested = json.dumps({**others, name: None}).replace("null}", "[" * depth + "]" * depth + "}")
            yield self._sent(f"body {name} {depth} deep", content=nested.encode())
        once, twice = json.dumps({name: None})[1:-1], json.dumps({**body, name: body.get(name)})[1:]
        yield self._sent(f"body {name} twice", content=f"{{{once}, {twice}".encode())
        inner = body.get(name)
        if isinstance(inner, dict):
            for key in cast("dict[str, Any]", inner):
                for value in VALUES:
                    content = json.dumps({**body, name: {**inner, key: value}}).encode()
                    yield self._sent(f"body {name}.{key} = {value!r}", content=content)

    def _properties(self) -> list[str]:
        """The fields that the document tells of the body."""
        body = self.operation.get("requestBody", {}).get("content", {}).get(JSON, {})
        return list(body.get("schema", {}).get("properties", {}))


def _credentials(world: World, route: Route) -> dict[str, str | bytes]:
    """Of who may, where anybody must be somebody."""
    callers = {
        "SCOPED": "user: API",
        "SCOPED_SECRET": "user: API",
        "COMPANY": "user: company",
        "SERVICE_KEY": "service key",
        **dict.fromkeys(("READER", "USER", "USER_OF_IT"), "user: API"),
    }
    rule = CALLS[route].rule
    return dict(world.headers(route.surface, callers[rule])) if rule in callers else {}


def _with(one: Asked, name: str, segment: str) -> str:
    path = one.route.path
    for other, id_ in one.ids.items():
        text = segment if other == name else id_
        path = path.replace(f"{{{other}}}", text).replace(f"{{{other}:path}}", text)
    return path


def resolved(document: Any, part: Any) -> Any:
    """The part with what it refers to in its place, two levels deep and no deeper."""
    if isinstance(part, dict):
        found = cast("dict[str, Any]", part)
        if reference := found.get("$ref"):
            name = str(reference).rpartition("/")[2]
            return document["components"]["schemas"][name]
        return {key: resolved(document, value) for key, value in found.items()}
    return part


@pytest.mark.parametrize("surface", SURFACES)
def test_every_answer_to_nonsense_is_the_contracts_own(
    world: World, surface: str, tell: Callable[[str], None]
) -> None:
    faults: list[str] = []
    number = 0
    document = world.web.ask("GET", f"/docs/{surface}/openapi.json").json()
    watch = Watch(world)
    for route in (route for route in CALLS if route.surface == surface):
        path = document["paths"].get(route.path.replace(":path}", "}"), {})
        operation = resolved(document, path.get(route.method.lower(), {}))
        sender = Sender(world, route)
        for sent in Nonsense(world, route, operation):
            if not watch.sees_writes and not sent.is_for_the_database:
                continue
            number += 1
            sender.prepare(sent)
            version = watch.version()
            answer = sender.send(sent)
            fault = wrong(surface, answer)
            if fault and (sent.method != route.method or route.path in SHARED):
                fault = next((None for other in SURFACES if not wrong(other, answer)), fault)
            if answer.is_client_error and watch.version() != version and ENDS_SESSIONS not in answer.text:
                fault = f"but it wrote something: {answer.text[:200]}"
            if fault:
                faults.append(f"{sent.method} {route.path}, {sent.what}: {answer.status_code} {fault}")
    watch.close()
    assert faults == [], "\n".join(faults)
    tell(f"robustness: {number} requests to {surface}")


class Watch:
    """Whether anything was written, as SQLite tells to another connection."""

    def __init__(self, world: World) -> None:
        url = world.web.database.url
        self.sees_writes = url.get_backend_name() == "sqlite"
        self._connection = sqlite3.connect(url.database or "") if self.sees_writes else None

    def version(self) -> int:
        """Another after each commit that changed something."""
        if self._connection is None:
            return 0
        return self._connection.execute("PRAGMA data_version").fetchone()[0]

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


class Sender:
    """Sends as somebody who has not used up what they may: some calls are limited."""

    def __init__(self, world: World, route: Route) -> None:
        self.world = world
        self._personal = route.surface == "personal" and CALLS[route].rule != "PUBLIC"
        self._numbers, self._token = count(), ""

    def prepare(self, sent: Sent) -> None:
        """Make who sends it."""
        if self._personal and next(self._numbers) % 25 == 0:
            self._token = self.world.web.jwt(self.world.web.user(role="operator"), "personal")

    def send(self, sent: Sent) -> httpx2.Response:
        headers = sent.headers
        if self._personal and "authorization" not in dict(headers):
            headers = [("authorization", f"Bearer {self._token}"), *headers]
        return self.world.web.ask(
            sent.method, sent.path, headers=headers, content=sent.content, peer=next(self.world.peers)
        )


# --- what an error looks like ------------------------------------------------------------------------------


def wrong(surface: str, answer: httpx2.Response) -> str | None:
    """What is wrong with an answer; None where nothing is."""
    if answer.status_code >= 500:
        return answer.text[:200]
    if answer.is_success or answer.status_code == 304:
        return None
    try:
        SHAPES[surface](answer)
    except (AssertionError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"{answer.text[:200]} ({type(error).__name__})"
    return None


def scoped(answer: httpx2.Response) -> None:
    assert answer.headers["content-type"] == JSON
    [(name, detail)] = answer.json().items()
    assert name == "detail"
    assert isinstance(detail, list if answer.status_code == 422 else str)
    for one in detail if isinstance(detail, list) else []:
        assert {"loc", "msg", "type"} <= set(one) <= {"loc", "msg", "type", "input", "ctx"}
        assert all(isinstance(part, str | int) for part in one["loc"])
        assert isinstance(one["msg"], str)
        assert isinstance(one["type"], str)


def personal(answer: httpx2.Response) -> None:
    assert answer.headers["content-type"] == JSON
    body = answer.json()
    assert set(body) == {"success", "error"}
    assert body["success"] is False
    error = body["error"]
    assert set(error) == {"code", "message", "i18nKey", "i18nVars", "details", "correlationId"}
    assert all(isinstance(error[name], str) and error[name] for name in ("code", "message", "i18nKey"))
    assert all(set(detail) == {"message"} for detail in error["details"])
    assert str(UUID(error["correlationId"])) == answer.headers["x-correlation-id"]


def company(answer: httpx2.Response) -> None:
    assert answer.headers["content-type"] == JSON
    body = answer.json()
    assert set(body) == {"message", "status"}
    assert body["status"] == answer.status_code
    assert body["message"] == body["message"].upper() != ""


def native(answer: httpx2.Response) -> None:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) >= {"type", "title", "status", "detail", "code", "correlation_id"}
    assert body["status"] == answer.status_code
    assert body["correlation_id"] == answer.headers["x-correlation-id"]
    assert body["code"].replace("_", "").isalpha()


SHAPES: Mapping[str, Callable[[httpx2.Response], None]] = {
    "scoped": scoped,
    "personal": personal,
    "company": company,
    "native": native,
}


@pytest.mark.parametrize("surface", SURFACES)
def test_a_body_of_one_byte_too_many_is_a_413(world: World, surface: str) -> None:
    path, who = {
        "scoped": ("/api/v1/notifications/mark-all-seen", "user: API"),
        "personal": ("/api/v1/auth/login", "no token"),
        "company": ("/company/auth/login", "no token"),
        "native": ("/v1/notifications", "service key"),
    }[surface]
    headers = world.headers(surface, who) | {"Content-Type": JSON}

    for length, status in ((MOST[surface], (201, 400, 422)), (MOST[surface] + 1, (413,))):
        answer = world.web.ask("POST", path, headers=headers, content=b"{}".ljust(length))
        assert answer.status_code in status
        assert wrong(surface, answer) is None

"""One call: what is sent, when it is tried again, and what its answer means. Nothing here waits or sends."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Generic, TypeAlias, TypeVar, cast
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx2

from tidings.client.errors import MalformedAnswer, RateLimited, Unreachable, correlation_id, refusal

T = TypeVar("T")

Outcome: TypeAlias = httpx2.Response | httpx2.RequestError

_PASSING = (httpx2.NetworkError, httpx2.TimeoutException, httpx2.RemoteProtocolError)
_BUSY = {429, 502, 503, 504}
_LARGEST = 64 * 2**20  # bytes of an answer, unpacked: many times what any call answers
_KEY = re.compile(r"[!-~]([ -~]{0,253}[!-~])?")


@dataclass(frozen=True, kw_only=True)
class Request(Generic[T]):
    """`path` is in parts, below `/v1`, unquoted; of `params`, those that are None are not sent."""

    method: str
    path: tuple[object, ...]
    parse: Callable[[Any], T]  # raises ValueError
    params: Mapping[str, object] = field(default_factory=dict[str, object])
    body: object = None
    content_type: str = "application/json"  # of a body of bytes, which is sent as it is, another
    key: str | None = None  # its Idempotency-Key; None: one of its own

    def after(self, cursor: str) -> Request[T]:
        """The request for the page that follows."""
        return replace(self, params={**self.params, "cursor": cursor})


@dataclass(frozen=True, kw_only=True)
class Retry:
    """How often a call is tried again where no answer came, or 429, 502, 503 or 504; and after how long."""

    attempts: int = 4
    pause: float = 0.25  # seconds before the second attempt, doubled each time, less up to half by chance
    longest: float = 30.0  # seconds; who is told by the server to wait longer gets the error at once
    chance: Callable[[], float] = random.random
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


class Answer:
    """A response whose body comes in part by part, unpacked."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response, self._body = response, bytearray()

    def add(self, part: bytes) -> None:
        """Raises MalformedAnswer where it grows larger than any of ours."""
        self._body += part
        if len(self._body) > _LARGEST:
            status, id_ = self._response.status_code, correlation_id(self._response)
            detail = f"the answer is larger than {_LARGEST >> 20} MB"
            raise MalformedAnswer(detail, status=status, correlation_id=id_)

    def whole(self) -> httpx2.Response:
        headers = self._response.headers.copy()
        headers.pop("Content-Encoding", None)
        content, extensions = bytes(self._body), self._response.extensions
        return httpx2.Response(
            self._response.status_code, headers=headers, content=content, extensions=extensions
        )


class Exchange(Generic[T]):
    """A request up to its answer, over as many attempts as it takes; each bears the same Idempotency-Key."""

    def __init__(self, request: Request[T], retry: Retry) -> None:
        self.sent = _sent(request)  # what httpx2 takes
        self._parse, self._retry = request.parse, retry
        self._attempts = 0
        self._outcome: Outcome | None = None

    def wait(self, outcome: Outcome) -> float | None:
        """Seconds until the next attempt; None: this outcome stands."""
        self._outcome, retry = outcome, self._retry
        self._attempts += 1
        if self._attempts >= retry.attempts or not _passes(outcome):
            return None
        told = 0.0
        if isinstance(outcome, httpx2.Response):
            told = _retry_after(outcome, retry.now()) or 0.0
        pause = retry.pause * 2 ** (self._attempts - 1) * (1 - retry.chance() / 2)
        return told + min(pause, retry.longest) if told <= retry.longest else None

    def result(self) -> T:
        """What the call answered. Raises TidingsError."""
        if not isinstance(self._outcome, httpx2.Response):
            raise Unreachable(f"{type(self._outcome).__name__}: {self._outcome}") from self._outcome
        response = self._outcome
        if not response.is_success:
            error = refusal(response)
            if isinstance(error, RateLimited):
                error.retry_after = _retry_after(response, self._retry.now())
            raise error
        try:
            return self._parse(response.json() if response.content else None)
        except (ValueError, RecursionError) as error:
            id_ = correlation_id(response)
            raise MalformedAnswer(str(error), status=response.status_code, correlation_id=id_) from error


def _passes(outcome: Outcome) -> bool:
    """Whether another attempt may fare better."""
    if isinstance(outcome, httpx2.Response):
        return outcome.status_code in _BUSY
    return isinstance(outcome, _PASSING)


def _retry_after(response: httpx2.Response, now: datetime) -> float | None:
    """Seconds, as Retry-After says, in seconds or by a date; None where it says nothing."""
    said: str = response.headers.get("Retry-After", "")
    if said.isascii() and said.isdigit():
        return float(said)
    try:
        at = parsedate_to_datetime(said)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds())


# --- what is sent ------------------------------------------------------------------------------------------


def _sent(request: Request[Any]) -> dict[str, Any]:
    headers: dict[str, str] = {}
    if request.method != "GET":
        headers["Idempotency-Key"] = str(uuid4()) if request.key is None else _key(request.key)
    if request.body is not None:
        headers["Content-Type"] = request.content_type
    return {
        "method": request.method,
        "url": "/".join(["/v1", *map(_quoted, request.path)]),
        "params": [(name, _text(one)) for name, value in request.params.items() for one in _several(value)],
        "headers": headers,
        "content": _content(request.body),
    }


def _content(body: object) -> bytes | str | None:
    return body if body is None or isinstance(body, bytes) else _json(body)


def _key(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError("an idempotency key is 1 to 255 printable ASCII characters, with no space at an end")
    return key


def _quoted(part: object) -> str:
    quoted = quote(str(part), safe="")
    if quoted in ("", ".", ".."):
        raise ValueError(f"{part!r} can be no id and no key")
    return quoted


def _several(value: object) -> Iterable[object]:
    """The values that a parameter is sent with."""
    if isinstance(value, Iterable) and not isinstance(value, str):
        return cast("Iterable[object]", value)
    return () if value is None else (value,)


def _json(body: object) -> str:
    return json.dumps(body, default=_plain, allow_nan=False)


def _plain(value: object) -> object:
    """In JSON's terms, what has none there."""
    if isinstance(value, datetime | UUID):
        return _text(value)
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, object]", value))
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        return list(cast("Iterable[object]", value))
    raise TypeError(f"{type(value).__name__} cannot be sent")


def _text(value: object) -> str:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time must have a time zone: datetime.now(UTC), for one")
        return value.isoformat()
    return str(value).lower() if isinstance(value, bool) else str(value)

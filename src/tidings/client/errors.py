"""What can go wrong with a call: Unreachable, MalformedAnswer, or what the status of the answer says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import httpx2


class TidingsError(Exception):
    """A call that did not succeed.

    `status` is HTTP's, `code` stable and for programs (`not_undoable`, `unknown_event` …), `detail` for
    people; `correlation_id` finds the request in the server's logs. What no answer gave is None.
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int | None = None,
        code: str | None = None,
        correlation_id: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        said = " ".join(str(part) for part in (status, code) if part is not None)
        super().__init__(f"{said}: {detail}" if said else detail)
        self.detail, self.status, self.code, self.correlation_id = detail, status, code, correlation_id
        self.details = details or {}  # further members of the answer


class Unreachable(TidingsError):
    """No answer came: refused, cut, or too late. A write may have happened all the same."""


class MalformedAnswer(TidingsError):
    """An answer that is not the contract's: of another server, perhaps, or of a proxy."""


class InvalidRequest(TidingsError):
    """400, 413, 422 and such: what was sent does not fit; `details["errors"]` may say where."""


class Unauthenticated(TidingsError):
    """401: no credential, or none that holds."""


class Forbidden(TidingsError):
    """403: known, but not allowed."""


class NotFound(TidingsError):
    """404: not there, or not for this caller."""


class Conflict(TidingsError):
    """409: it conflicts with what is already there."""


class RateLimited(TidingsError):
    """429: too many requests; `retry_after` is in seconds, None where the server did not say."""

    retry_after: float | None = None


class ServerError(TidingsError):
    """5xx: not the caller's fault."""


_KINDS = {401: Unauthenticated, 403: Forbidden, 404: NotFound, 409: Conflict, 429: RateLimited}
_TOLD = {"type", "title", "status", "detail", "code", "correlation_id"}


def refusal(response: httpx2.Response) -> TidingsError:
    """The error for an answer that is no success, whoever gave it."""
    problem = _problem(response)
    kind = _KINDS.get(response.status_code, InvalidRequest)
    if not response.is_client_error:
        kind = ServerError if response.is_server_error else MalformedAnswer
    code = problem.get("code")
    return kind(
        str(problem.get("detail") or response.reason_phrase or "no reason given"),
        status=response.status_code,
        code=code if isinstance(code, str) else None,
        correlation_id=correlation_id(response),
        details={name: value for name, value in problem.items() if name not in _TOLD},
    )


def correlation_id(response: httpx2.Response) -> str | None:
    return response.headers.get("X-Correlation-ID")


def _problem(response: httpx2.Response) -> dict[str, Any]:
    """The problem details (RFC 9457) of the answer; empty where a proxy answered."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", body) if isinstance(body, dict) else {}

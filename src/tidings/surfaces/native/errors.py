"""How the native contract tells what went wrong: problem details (RFC 9457) with a stable `code`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from tidings.errors import RateLimited, TidingsError
from tidings.storage.failures import AWAY, is_away, reason
from tidings.surfaces.correlation import correlation_id
from tidings.surfaces.limits import refusal_headers
from tidings.surfaces.native.writing import Replayed
from tidings.surfaces.redaction import redacted

STATUS: Mapping[str, int] = {
    "error": 500,
    "invalid_input": 422,
    "unknown_event": 422,
    "unknown_recipient": 422,
    "too_many": 422,
    "scope_incomplete": 422,
    "unauthenticated": 401,
    "invalid_credentials": 401,
    "account_locked": 401,
    "account_suspended": 401,
    "account_deactivated": 401,
    "invalid_refresh_token": 401,
    "refresh_token_reused": 401,
    "forbidden": 403,
    "email_not_verified": 403,
    "scope_forbidden": 403,
    "not_found": 404,
    "notification_not_found": 404,
    "operation_not_found": 404,
    "user_not_found": 404,
    "alert_not_found": 404,
    "token_not_found": 404,
    "schedule_not_found": 404,
    "job_not_found": 404,
    "subscription_not_found": 404,
    "company_not_found": 404,
    "conflict": 409,
    "idempotency_mismatch": 422,  # as draft-ietf-httpapi-idempotency-key-header has it
    "id_taken": 409,
    "email_taken": 409,
    "not_undoable": 409,
    "job_finished": 409,
    "later_bulk_stands": 409,
    "rate_limited": 429,
}
"""The HTTP status of each code of the error tree."""

_HTTP_CODES = {
    400: "unreadable_body",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
}
_NO_OBJECT = "The body must be a JSON object, sent with `Content-Type: application/json`."

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def problem(
    status: int, code: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "correlation_id": correlation_id(),
        **more,
    }
    return Response(orjson.dumps(body), status, headers, "application/problem+json")


async def _refused(_request: Request, error: TidingsError) -> Response:
    if isinstance(error, RateLimited):
        return problem(429, error.code, error.message, refusal_headers(error))
    status = STATUS[error.code]
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return problem(status, error.code, error.message, headers, **error.details)


async def _not_fitting(_request: Request, error: RequestValidationError) -> Response:
    errors = [_told(one) for one in error.errors()]
    where = ".".join(str(part) for part in errors[0]["loc"])
    return problem(422, "invalid_request", f"{where}: {errors[0]['msg']}", errors=errors)


def _told(error: Mapping[str, Any]) -> dict[str, Any]:
    """One error, without what was sent: that may be nothing that JSON can hold."""
    no_object = error["loc"] == ("body",) and error["type"] == "model_attributes_type"
    return {
        "loc": [_printable(redacted(part)) if isinstance(part, str) else part for part in error["loc"]],
        "msg": _NO_OBJECT if no_object else _printable(error["msg"]),
        "type": error["type"],
    }


def _printable(text: str) -> str:
    """The text, with what UTF-8 cannot hold written as an escape."""
    return text.encode(errors="backslashreplace").decode()


async def _http(_request: Request, error: HTTPException) -> Response:
    """An unknown path, a method that a path does not have, a body that cannot be read or is too large."""
    code = _HTTP_CODES.get(error.status_code, "http_error")
    return problem(error.status_code, code, error.detail, error.headers)


async def _unexpected(_request: Request, error: Exception) -> Response:
    _log.error("unexpected error", exc_info=error)
    return problem(500, "internal", "Something went wrong here; the correlation id finds it in the logs.")


async def _away(_request: Request, error: Exception) -> Response:
    if not is_away(error):
        raise error
    _log.error("the database does not answer", reason=reason(error), kind=type(error).__name__)
    detail = "The database does not answer. What was asked is not done, or its answer is lost: ask again."
    return problem(503, "unavailable", detail, {"Retry-After": "1"})


async def _replayed(_request: Request, error: Replayed) -> Response:
    body = b"" if error.body is None else orjson.dumps(error.body)
    return Response(
        body, error.status, {"Idempotency-Replayed": "true"}, "application/json" if body else None
    )


Handler = Callable[[Request, Any], Coroutine[Any, Any, Response]]

HANDLERS: dict[int | type[Exception], Handler] = {
    Replayed: _replayed,
    TidingsError: _refused,
    RequestValidationError: _not_fitting,
    HTTPException: _http,
    **dict.fromkeys(AWAY, _away),
    Exception: _unexpected,
}

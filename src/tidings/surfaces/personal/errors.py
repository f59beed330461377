"""How the personal contract tells what went wrong: a code, and a key that clients translate."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from tidings.errors import RateLimited, TidingsError
from tidings.surfaces.correlation import correlation_id
from tidings.surfaces.limits import refusal_headers


class Answer(NamedTuple):
    """What one code of the error tree becomes."""

    status: int
    code: str
    i18n_key: str


_INVALID = Answer(400, "VALIDATION_FAILED", "error.validation")
_UNAUTHORIZED = Answer(401, "AUTH_UNAUTHORIZED", "error.auth.unauthorized")
_FORBIDDEN = Answer(403, "FORBIDDEN", "error.forbidden")
_NOT_FOUND = Answer(404, "NOT_FOUND", "error.not_found")
_CONFLICT = Answer(409, "VALIDATION_FAILED", "error.validation")
_INTERNAL = Answer(500, "INTERNAL", "error.internal")

ANSWERS: Mapping[str, Answer] = {
    "error": _INTERNAL,
    "invalid_input": _INVALID,
    "unknown_event": Answer(404, "NOT_FOUND", "error.notification.event_not_found"),
    "unknown_recipient": _INVALID,
    "too_many": _INVALID,
    "scope_incomplete": _INVALID,
    "unauthenticated": _UNAUTHORIZED,
    "invalid_credentials": _UNAUTHORIZED._replace(i18n_key="auth.login.invalid_credentials"),
    "account_locked": _UNAUTHORIZED._replace(i18n_key="auth.login.account_locked"),
    "account_suspended": _UNAUTHORIZED._replace(i18n_key="auth.login.account_suspended"),
    "account_deactivated": _UNAUTHORIZED._replace(i18n_key="auth.login.account_deactivated"),
    "invalid_refresh_token": _UNAUTHORIZED._replace(i18n_key="auth.refresh.invalid_token"),
    "refresh_token_reused": _UNAUTHORIZED._replace(i18n_key="auth.refresh.token_reuse_detected"),
    "forbidden": _FORBIDDEN,
    "email_not_verified": _FORBIDDEN._replace(i18n_key="auth.login.email_not_verified"),
    "scope_forbidden": _FORBIDDEN,
    "not_found": _NOT_FOUND,
    "notification_not_found": _NOT_FOUND._replace(i18n_key="error.notification.not_found"),
    "operation_not_found": _NOT_FOUND,
    # The only user that a caller names is themselves, by their token.
    "user_not_found": _UNAUTHORIZED,
    "alert_not_found": _NOT_FOUND,
    "token_not_found": _NOT_FOUND,
    "schedule_not_found": _NOT_FOUND,
    "job_not_found": _NOT_FOUND,
    "subscription_not_found": _NOT_FOUND._replace(i18n_key="notification.webpush.subscription_not_found"),
    "company_not_found": _NOT_FOUND,
    "conflict": _CONFLICT,
    "idempotency_mismatch": _CONFLICT,
    "id_taken": _CONFLICT,
    "email_taken": _CONFLICT,
    "not_undoable": _CONFLICT,
    "job_finished": _CONFLICT,
    "later_bulk_stands": _CONFLICT,
    "rate_limited": Answer(429, "RATE_LIMITED", "error.rate_limited"),
}
"""Status, code and key of each code of the error tree; the message is the error's own."""

_MOST_DETAILS = 20

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def failure(
    answer: Answer,
    message: str,
    *,
    variables: Mapping[str, Any] | None = None,
    details: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    error = {
        "code": answer.code,
        "message": message,
        "i18nKey": answer.i18n_key,
        "i18nVars": dict(variables or {}),
        "details": [{"message": detail} for detail in details],
        "correlationId": correlation_id(),
    }
    body = orjson.dumps({"success": False, "error": error})
    return Response(body, answer.status, headers=headers, media_type="application/json")


async def _refused(_request: Request, error: TidingsError) -> Response:
    answer = ANSWERS[error.code]
    if isinstance(error, RateLimited):
        variables = {"retryAfter": error.retry_after}
        return failure(answer, error.message, variables=variables, headers=refusal_headers(error))
    details = [error.message] if answer is _INVALID else []
    headers = {"WWW-Authenticate": "Bearer"} if answer.status == 401 else None
    return failure(answer, error.message, details=details, headers=headers)


async def _not_fitting(_request: Request, error: RequestValidationError) -> Response:
    details = [_told(one) for one in error.errors()[:_MOST_DETAILS]]
    return failure(_INVALID, "The request is not valid.", details=details)


async def _http(_request: Request, error: HTTPException) -> Response:
    """An unknown path, a method that a path does not have, a body that cannot be read or is too large."""
    answer = _NOT_FOUND if error.status_code in (404, 405) else _INVALID
    return failure(answer._replace(status=error.status_code), error.detail, headers=error.headers)


async def _unexpected(_request: Request, error: Exception) -> Response:
    _log.error("unexpected error", exc_info=error)
    return failure(_INTERNAL, "Something went wrong on the server.")


def _told(error: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in error["loc"][1:])
    return f"{place}: {error['msg']}" if place else str(error["msg"])


Handler = Callable[[Request, Any], Coroutine[Any, Any, Response]]

HANDLERS: dict[int | type[Exception], Handler] = {
    TidingsError: _refused,
    RequestValidationError: _not_fitting,
    HTTPException: _http,
    Exception: _unexpected,
}

"""How the company contract tells what went wrong: {"message": code, "status": status}."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import orjson
import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from tidings.errors import InvalidInput, RateLimited, TidingsError
from tidings.surfaces.limits import refusal_headers

ANSWERS: Mapping[str, tuple[int, str]] = {
    "error": (500, "DB_ERROR"),
    "id_required": (400, "ID_REQUIRED"),
    "invalid_input": (400, "FORM_DATA_NOT_VALID"),
    "unknown_event": (400, "FORM_DATA_NOT_VALID"),
    "unknown_recipient": (400, "FORM_DATA_NOT_VALID"),
    "too_many": (400, "FORM_DATA_NOT_VALID"),
    "scope_incomplete": (400, "FORM_DATA_NOT_VALID"),
    "unauthenticated": (401, "TOKEN_NOT_VALID"),
    "invalid_credentials": (401, "PASSWORD_NOT_VALID"),
    "account_locked": (401, "ACCOUNT_LOCKED"),
    "account_suspended": (401, "ACCOUNT_SUSPENDED"),
    "account_deactivated": (401, "ACCOUNT_DEACTIVATED"),
    "invalid_refresh_token": (401, "TOKEN_NOT_VALID"),
    "refresh_token_reused": (401, "TOKEN_NOT_VALID"),
    "forbidden": (403, "FORBIDDEN"),
    "email_not_verified": (403, "EMAIL_NOT_VERIFIED"),
    "scope_forbidden": (403, "FORBIDDEN"),
    "not_found": (404, "NOT_FOUND"),
    "notification_not_found": (404, "NOTIFICATION_NOT_FOUND"),
    "operation_not_found": (404, "NOT_FOUND"),
    "user_not_found": (404, "USER_NOT_FOUND"),
    "alert_not_found": (404, "NOT_FOUND"),
    "token_not_found": (404, "NOT_FOUND"),
    "schedule_not_found": (404, "NOT_FOUND"),
    "job_not_found": (404, "NOT_FOUND"),
    "subscription_not_found": (404, "NOT_FOUND"),
    "company_not_found": (401, "CIA_NOT_FOUND"),
    "conflict": (409, "CONFLICT"),
    "idempotency_mismatch": (409, "CONFLICT"),
    "id_taken": (409, "CONFLICT"),
    "email_taken": (409, "CONFLICT"),
    "not_undoable": (409, "CONFLICT"),
    "job_finished": (409, "CONFLICT"),
    "later_bulk_stands": (409, "CONFLICT"),
    "rate_limited": (429, "TOO_MANY_REQUESTS"),
}
"""Status and code of each code of the error tree, and of this surface's own."""

_HTTP = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class IdRequired(InvalidInput):
    """The id is in none of the places where it may be."""

    code = "id_required"


def failure(status: int, code: str, headers: Mapping[str, str] | None = None) -> Response:
    body = orjson.dumps({"message": code, "status": status})
    return Response(body, status, headers=headers, media_type="application/json")


async def _refused(_request: Request, error: TidingsError) -> Response:
    status, code = ANSWERS[error.code]
    if isinstance(error, RateLimited):
        return failure(status, code, refusal_headers(error))
    return failure(status, code, {"WWW-Authenticate": "Bearer"} if status == 401 else None)


async def _not_fitting(_request: Request, _error: RequestValidationError) -> Response:
    return failure(*ANSWERS[InvalidInput.code])


async def _http(_request: Request, error: HTTPException) -> Response:
    """An unknown path, a method that a path does not have, a body that cannot be read or is too large."""
    return failure(error.status_code, _HTTP.get(error.status_code, "FORM_DATA_NOT_VALID"), error.headers)


async def _unexpected(_request: Request, error: Exception) -> Response:
    _log.error("unexpected error", exc_info=error)
    return failure(*ANSWERS[TidingsError.code])


Handler = Callable[[Request, Any], Coroutine[Any, Any, Response]]

HANDLERS: dict[int | type[Exception], Handler] = {
    TidingsError: _refused,
    RequestValidationError: _not_fitting,
    HTTPException: _http,
    Exception: _unexpected,
}

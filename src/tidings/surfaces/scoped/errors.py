"""How the scoped contract tells what went wrong: {"detail": text}, or a list of what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import orjson
import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from tidings.errors import RateLimited, TidingsError
from tidings.storage.failures import AWAY, is_away, reason
from tidings.surfaces.limits import refusal_headers
from tidings.surfaces.redaction import redacted

STATUS: Mapping[str, int] = {
    "error": 500,
    "invalid_input": 400,
    "unknown_event": 400,
    "unknown_recipient": 400,
    "too_many": 400,
    "scope_incomplete": 400,
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
    "idempotency_mismatch": 409,
    "id_taken": 409,
    "email_taken": 409,
    "not_undoable": 409,
    "job_finished": 409,
    "later_bulk_stands": 409,
    "rate_limited": 429,
}
"""The HTTP status of each code of the error tree; the text is the error's own message."""


class Refusal(BaseModel):
    """Why a call was refused."""

    detail: str = Field(description="For people.")


Responses = dict[int | str, dict[str, Any]]

REFUSALS: Responses = {
    400: {"model": Refusal, "description": "The input is not valid"},
    401: {"model": Refusal, "description": "Authentication is required"},
    403: {"model": Refusal, "description": "The caller is not allowed this"},
}
"""How the OpenAPI document tells of the errors that every call of the contract may answer."""

TOO_LARGE: Responses = {413: {"model": Refusal, "description": "The body is too large"}}
"""The same of calls that take a body."""

_SHOWN_INPUT = 1000  # characters: what was sent is shown, unless it is long

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def response(status: int, detail: Any, headers: Mapping[str, str] | None = None) -> Response:
    body = orjson.dumps({"detail": detail})
    return Response(body, status, headers=headers, media_type="application/json")


async def _refused(_request: Request, error: TidingsError) -> Response:
    status = STATUS[error.code]
    if isinstance(error, RateLimited):
        return response(status, error.message, refusal_headers(error))
    return response(status, error.message, {"WWW-Authenticate": "Bearer"} if status == 401 else None)


async def _not_fitting(_request: Request, error: RequestValidationError) -> Response:
    return response(422, [_told(one) for one in error.errors()])


async def _http(_request: Request, error: HTTPException) -> Response:
    """An unknown path, a method that a path does not have, a body that cannot be read or is too large."""
    return response(error.status_code, error.detail, error.headers)


async def _away(_request: Request, error: Exception) -> Response:
    if not is_away(error):
        raise error
    _log.error("the database does not answer", reason=reason(error), kind=type(error).__name__)
    return response(503, "Service Unavailable", headers={"Retry-After": "1"})


async def _unexpected(_request: Request, error: Exception) -> Response:
    _log.error("unexpected error", exc_info=error)
    return response(500, "Internal Server Error")


def enum_error(place: Sequence[str | int], allowed: Sequence[str], given: str) -> RequestValidationError:
    """The error for a value that is not of a closed set, in the shape in which the schema's own are told."""
    quoted = [f"'{value}'" for value in allowed]
    expected = " or ".join(part for part in (", ".join(quoted[:-1]), *quoted[-1:]) if part)
    error = {
        "type": "enum",
        "loc": place,
        "msg": f"Input should be {expected}",
        "input": given,
        "ctx": {"expected": expected},
    }
    return RequestValidationError([error])


def _told(error: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "loc": [redacted(part) for part in error["loc"]],
        "msg": error["msg"],
        "type": error["type"],
    }
    if len(shown := _shown(redacted(error.get("input"), error["loc"][-1]))) <= _SHOWN_INPUT:
        told["input"] = orjson.Fragment(shown)
    if context := error.get("ctx"):
        told["ctx"] = {
            name: value if isinstance(value, int) else str(value) for name, value in context.items()
        }
    return told


def _shown(value: Any) -> bytes:
    """What was sent, as JSON, even where JSON has no such thing: half a character, a huge number."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return orjson.dumps(ascii(value))


def absent(description: str) -> Responses:
    """The same of a 404."""
    return {404: {"model": Refusal, "description": description}}


Handler = Callable[[Request, Any], Coroutine[Any, Any, Response]]

HANDLERS: dict[int | type[Exception], Handler] = {
    TidingsError: _refused,
    RequestValidationError: _not_fitting,
    HTTPException: _http,
    **dict.fromkeys(AWAY, _away),
    Exception: _unexpected,
}

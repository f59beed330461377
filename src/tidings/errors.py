"""Everything the core refuses, as one tree.

TidingsError
├── InvalidInput               a value that cannot be accepted
│   ├── UnknownEvent           the catalog has no such event
│   ├── UnknownRecipient       nobody has that id
│   ├── TooMany                more than one call may carry
│   └── ScopeIncomplete        scope business or firm without its id
├── Unauthenticated            no credentials, or none that hold
│   ├── InvalidCredentials     e-mail and password do not match
│   ├── AccountLocked          too many failures
│   ├── AccountSuspended
│   ├── AccountDeactivated
│   ├── InvalidRefreshToken
│   └── RefreshTokenReused     a token that had been exchanged already came again
├── Forbidden                  known, but not allowed
│   ├── EmailNotVerified
│   └── ScopeForbidden         a scope the caller cannot see
├── NotFound                   not there, or not for this caller
│   ├── NotificationNotFound
│   ├── OperationNotFound
│   ├── UserNotFound
│   ├── AlertNotFound
│   ├── TokenNotFound
│   ├── ScheduleNotFound       nothing is to be sent later under this id
│   ├── JobNotFound            nothing is or was to be carried out under this id
│   ├── SubscriptionNotFound   the browser has none for web push
│   └── CompanyNotFound        the user has no active company
├── Conflict
│   ├── IdempotencyMismatch    the key came before with another body
│   ├── IdTaken                the id belongs to something of another kind
│   ├── EmailTaken             another user has this address
│   ├── NotUndoable            too late, already undone, or of a kind that has an opposite instead
│   ├── JobFinished            it was sent, or given up
│   └── LaterBulkStands        a later bulk operation stands on top
└── RateLimited                too many requests; `retry_after` seconds

An error's `code` is stable; its class docstring is its message unless one is given; `details` are facts a
surface may show. Each surface owns a table from code to status and body.
"""

from __future__ import annotations

from typing import Any, ClassVar


class TidingsError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str | None = None, **details: Any) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        self.details = details
        super().__init__(self.message)


class InvalidInput(TidingsError):
    """The input is not valid."""

    code = "invalid_input"


class UnknownEvent(InvalidInput):
    """The catalog has no such event."""

    code = "unknown_event"


class UnknownRecipient(InvalidInput):
    """There is no such recipient."""

    code = "unknown_recipient"


class TooMany(InvalidInput):
    """More than one call may carry."""

    code = "too_many"


class ScopeIncomplete(InvalidInput):
    """scope_id is required when scope is 'business' or 'firm'."""

    code = "scope_incomplete"


class Unauthenticated(TidingsError):
    """Authentication is required."""

    code = "unauthenticated"


class InvalidCredentials(Unauthenticated):
    """Invalid credentials"""

    code = "invalid_credentials"


class AccountLocked(Unauthenticated):
    """The account is locked for a while after too many failed attempts."""

    code = "account_locked"


class AccountSuspended(Unauthenticated):
    """The account is suspended."""

    code = "account_suspended"


class AccountDeactivated(Unauthenticated):
    """The account is deactivated."""

    code = "account_deactivated"


class InvalidRefreshToken(Unauthenticated):
    """The refresh token is not valid."""

    code = "invalid_refresh_token"


class RefreshTokenReused(Unauthenticated):
    """The refresh token was used before; all sessions of the user have ended."""

    code = "refresh_token_reused"


class Forbidden(TidingsError):
    """This is not allowed."""

    code = "forbidden"


class EmailNotVerified(Forbidden):
    """The e-mail address is not verified yet."""

    code = "email_not_verified"


class ScopeForbidden(Forbidden):
    """You cannot see this scope."""

    code = "scope_forbidden"


class NotFound(TidingsError):
    """Not found."""

    code = "not_found"


class NotificationNotFound(NotFound):
    """There is no such notification."""

    code = "notification_not_found"


class OperationNotFound(NotFound):
    """There is no such operation."""

    code = "operation_not_found"


class UserNotFound(NotFound):
    """There is no such user."""

    code = "user_not_found"


class AlertNotFound(NotFound):
    """There is no such live alert."""

    code = "alert_not_found"


class TokenNotFound(NotFound):
    """There is no such token."""

    code = "token_not_found"


class ScheduleNotFound(NotFound):
    """Nothing is to be sent later under this id."""

    code = "schedule_not_found"


class JobNotFound(NotFound):
    """There is no such job."""

    code = "job_not_found"


class SubscriptionNotFound(NotFound):
    """There is no such subscription."""

    code = "subscription_not_found"


class CompanyNotFound(NotFound):
    """The user has no active company."""

    code = "company_not_found"


class Conflict(TidingsError):
    """This conflicts with what is already there."""

    code = "conflict"


class IdempotencyMismatch(Conflict):
    """This Idempotency-Key came before with another body."""

    code = "idempotency_mismatch"


class IdTaken(Conflict):
    """This id already belongs to something of another kind."""

    code = "id_taken"


class EmailTaken(Conflict):
    """Another user has this e-mail address."""

    code = "email_taken"


class NotUndoable(Conflict):
    """This operation can no longer be undone."""

    code = "not_undoable"


class LaterBulkStands(Conflict):
    """A later bulk operation stands; undo that one first."""

    code = "later_bulk_stands"


class JobFinished(Conflict):
    """This job is finished."""

    code = "job_finished"


class RateLimited(TidingsError):
    """Too many requests."""

    code = "rate_limited"

    def __init__(self, message: str | None = None, *, retry_after: int, **details: Any) -> None:
        super().__init__(message, retry_after=retry_after, **details)
        self.retry_after = retry_after

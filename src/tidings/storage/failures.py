"""What a database can fail with, for those who tell it to an operator."""

from __future__ import annotations

import sqlite3

import asyncpg  # pyright: ignore[reportMissingTypeStubs] - it has none
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, SQLAlchemyError

FAILURES: tuple[type[Exception], ...] = (
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What the two databases and their drivers raise; beside them a connection can fail with OSError."""

CONFLICTS: tuple[type[Exception], ...] = (IntegrityError, asyncpg.IntegrityConstraintViolationError)
"""What they raise where a row would break a constraint."""

REFUSALS: tuple[type[Exception], ...] = (*CONFLICTS, DataError, asyncpg.DataError)
"""What they raise because of what was to be written: it would be the same the next time."""

AWAY: tuple[type[Exception], ...] = (
    OSError,  # no connection, or none in time
    OperationalError,
    asyncpg.InterfaceError,  # the connection is closed
    asyncpg.InternalClientError,  # or was closing just then
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # it starts, stops, or was killed
    asyncpg.InsufficientResourcesError,
    asyncpg.ObjectNotInPrerequisiteStateError,  # a lock did not come in time
    asyncpg.TransactionRollbackError,
)
"""What they raise where the same may well succeed in a moment, if `is_away` agrees."""


_SQLITE_AWAY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}


def is_away(error: Exception) -> bool:
    """Whether the same may well succeed in a moment; of SQLite's errors only the code tells."""
    if isinstance(error, OperationalError):
        code: int = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        return code & 0xFF in _SQLITE_AWAY  # the rest of an extended code says more of the same
    return isinstance(error, AWAY)


def is_failure(error: Exception) -> bool:
    """Whether it is the database that failed, or the way to it."""
    return isinstance(error, (*FAILURES, OSError))


def reason(failure: Exception) -> str:
    """Why, in the database's own words, without the statement."""
    return str(getattr(failure, "orig", None) or failure).strip()

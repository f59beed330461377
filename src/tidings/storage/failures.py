"""What a database can fail with, for those who tell it to an operator."""

from __future__ import annotations

import asyncpg  # pyright: ignore[reportMissingTypeStubs] - it has none
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

FAILURES: tuple[type[Exception], ...] = (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What the two databases and their drivers raise; beside them a connection can fail with OSError."""

CONFLICTS: tuple[type[Exception], ...] = (IntegrityError, asyncpg.IntegrityConstraintViolationError)
"""What they raise where a row would break a constraint."""

REFUSALS: tuple[type[Exception], ...] = (*CONFLICTS, DataError, asyncpg.DataError)
"""What they raise because of what was to be written: it would be the same the next time."""


def is_failure(error: Exception) -> bool:
    """Whether it is the database that failed, or the way to it."""
    return isinstance(error, (*FAILURES, OSError))


def reason(failure: Exception) -> str:
    """Why, in the database's own words, without the statement."""
    return str(getattr(failure, "orig", None) or failure).strip()

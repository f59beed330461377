"""Logs: one line each on standard error, with the correlation id of the request."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
import structlog

if TYPE_CHECKING:
    from tidings.settings import Settings

# One list for good: a logger keeps the one that it was first used with, and should go by what is set later.
_PROCESSORS: list[Any] = []
_ACCESS_ARGUMENTS = 5  # client, method, path, HTTP version, status


def configure(settings: Settings) -> None:
    """Send structlog's and the standard library's logs the same way."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    _PROCESSORS[:] = [*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter]
    structlog.configure(
        processors=_PROCESSORS,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(settings.log_json),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
    of_requests = logging.StreamHandler(sys.stderr)
    of_requests.setFormatter(_RequestFormatter(as_json=settings.log_json))
    requests = logging.getLogger("uvicorn.access")
    requests.addFilter(_without_query)
    requests.handlers, requests.propagate = [of_requests], False
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("aiosqlite").setLevel(logging.INFO)  # at debug it tells every statement


class _RequestFormatter(logging.Formatter):
    """Writes the line of a request as the others are written.

    There is one for each request, and the way of the others takes a tenth of what a count costs.
    """

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
        timestamp, level, event = at.replace("+00:00", "Z"), record.levelname.lower(), record.getMessage()
        bound = structlog.contextvars.get_contextvars()
        if self._as_json:
            line = {"event": event, **bound, "level": level, "timestamp": timestamp}
            return _json(line)
        return " ".join(
            [f"{timestamp} [{level:<9}] {event:<30}", *[f"{key}={bound[key]}" for key in sorted(bound)]]
        )


def _without_query(record: logging.LogRecord) -> bool:
    """Cuts the path of uvicorn's access log: there are tokens in queries, and words that people look for."""
    if isinstance(record.args, tuple) and len(record.args) == _ACCESS_ARGUMENTS:
        client, method, path, *rest = record.args
        record.args = (client, method, str(path).partition("?")[0], *rest)
    return True


def _renderers(as_json: bool) -> list[Any]:
    # Tracebacks without local variables: those hold tokens and passwords.
    if as_json:
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_json)]
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]


def _json(line: Any, **_options: Any) -> str:
    return orjson.dumps(line, default=repr).decode()

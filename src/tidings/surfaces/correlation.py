"""One id for all that is said about a request: in its logs, in its answer, and in the error it may get."""

from __future__ import annotations

from contextlib import suppress
from contextvars import ContextVar
from uuid import UUID, uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Correlation-ID"

_current: ContextVar[str] = ContextVar("correlation_id")
_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def correlation_id() -> str:
    """The id of the request that is being answered; a new one outside of any."""
    return _current.get(None) or str(uuid4())


class Correlation:
    """Gives each request its id: the caller's if that is a UUID, else a new one.

    What no surface answered is answered here, and what was raised after a surface had answered ends here: the
    surface has logged it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        id_ = _taken(Headers(scope=scope).get(HEADER))
        _current.set(id_)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(correlation_id=id_)
        answer = _Answer(send, id_)
        try:
            await self._app(scope, receive, answer)
        except Exception:
            if answer.ended:
                return
            _log.exception("request failed", path=scope["path"])
            if answer.begun:
                raise  # the server cuts the connection, so that nobody takes the half for the whole
            await PlainTextResponse("Internal Server Error", 500)(scope, receive, answer)


class _Answer:
    """Sends on what the application answers, with the header, and knows how far it came."""

    def __init__(self, send: Send, id_: str) -> None:
        self._send, self._id = send, id_
        self.begun = self.ended = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            MutableHeaders(scope=message)[HEADER] = self._id
        elif message["type"] == "http.response.body":
            self.ended = not message.get("more_body", False)
        await self._send(message)


def _taken(given: str | None) -> str:
    with suppress(ValueError):
        if given is not None:
            return str(UUID(given))
    return str(uuid4())

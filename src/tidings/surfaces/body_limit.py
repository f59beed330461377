"""How long a request's body may be."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """Stops reading a body that is longer than `most` bytes: whoever reads it gets an HTTPException of 413.

    It is raised where the body is read, so that the surface answers it in its own shape. (FastAPI's and
    Starlette's own limit answers plain text.) A body that nobody reads is no matter.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._most:
                raise HTTPException(413, f"The body is longer than {self._most} bytes.")
            return message

        await self._app(scope, limited if scope["type"] == "http" else receive, send)

"""Answers that a client which polls need not be sent again (RFC 9110, 13.1.2)."""

from __future__ import annotations

import hashlib

from fastapi import Request, Response

from tidings.realtime.sse import EventStream

_KEPT = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}


def revalidated(request: Request, response: Response) -> Response:
    """The answer with an ETag, or 304 where the client says that it has just this; of GET and 200 alone."""
    if request.method != "GET" or response.status_code != 200 or isinstance(response, EventStream):
        return response
    tag = f'"{hashlib.sha256(response.body).hexdigest()[:32]}"'
    headers = {"ETag": tag, **_KEPT}
    if _names(",".join(request.headers.getlist("if-none-match")), tag):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return response


def _names(listed: str, tag: str) -> bool:
    """Whether an If-None-Match lists the tag; a proxy that compressed the answer made it a weak one."""
    tags = [one.strip().removeprefix("W/") for one in listed.split(",")]
    return tag in tags or tags == ["*"]

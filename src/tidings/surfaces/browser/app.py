"""What browsers are given: the inbox element, at an address that is another one whenever it changes."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

STATIC = Path(__file__).parent / "static"
ENTRIES = ("tidings-inbox.js", "tidings-client.js")
_FOREVER = "public, max-age=31536000, immutable"
_SHORT = "public, max-age=300"
# A page of any product loads it from here, as a module, which browsers ask this for.
_FOR_ALL = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}


class Files:
    """The built files, in memory: they are few and small."""

    def __init__(self, folder: Path = STATIC) -> None:
        self._files = {path.name: path.read_bytes() for path in sorted(folder.glob("*.js"))}
        digest = sha256()
        for name, content in self._files.items():
            digest.update(name.encode() + b"\0" + content)
        self.version = digest.hexdigest()[:12]

    def address(self, name: str) -> str:
        """Where a file stands that will never be another one. Raises KeyError."""
        return f"/widget/{self.version}/{name if self._files[name] else ''}"

    async def versioned(self, request: Request) -> Response:
        content = self._files.get(request.path_params["name"])
        if content is None or request.path_params["version"] != self.version:
            raise HTTPException(404)
        return Response(
            content, headers={"Cache-Control": _FOREVER, **_FOR_ALL}, media_type="text/javascript"
        )

    async def newest(self, request: Request) -> Response:
        """For pages that name no version."""
        name = request.path_params["name"]
        if name not in ENTRIES:
            raise HTTPException(404)
        return RedirectResponse(self.address(name), 307, {"Cache-Control": _SHORT, **_FOR_ALL})


def create(files: Files) -> Starlette:
    """The application for what stands under /widget/."""
    return Starlette(
        routes=[
            Route("/widget/{name}", files.newest),
            Route("/widget/{version}/{name}", files.versioned),
        ]
    )

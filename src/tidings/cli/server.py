"""Running the application under uvicorn."""

from __future__ import annotations

import gc
import signal
import socket
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from tidings.app import create_app
from tidings.cli import logs
from tidings.cli.options import fail
from tidings.cli.workers import Workers

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from tidings.settings import Settings
    from tidings.surfaces.browser.demo import DemoPage

_GRACE_SECONDS = 10
_COLLECTED_AFTER = 50_000
"""So many objects more than at the last time, and the garbage is collected: Python's own 700 is for less."""


def listen(settings: Settings) -> socket.socket:
    """A socket that listens where the settings say; calls wait in it until the server is ready."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        reason = error.strerror or str(error)
        fail(f"cannot listen on {settings.host}, port {settings.port}: {reason}. Another one: --port 8801")


def base_url(listening: socket.socket) -> str:
    """Under which address a browser on this machine finds the server."""
    host, port = str(listening.getsockname()[0]), listening.getsockname()[1]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - told apart, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(
    settings: Settings,
    listening: socket.socket,
    on_ready: Callable[[], None] = lambda: None,
    *,
    app: ASGIApp | None = None,
    demo: DemoPage | None = None,
) -> None:
    """Serve until SIGTERM or Ctrl-C; requests that are under way are answered first.

    In several processes, where the settings want them. `app` is what is served instead of Tidings, in the
    very same way, and in one; `demo` the page of the demo.
    """
    if settings.workers == 1 or app is not None:
        _serve(settings, listening, on_ready, app, demo)
    else:
        # The schema is there by now.
        each = settings.model_copy(update={"workers": 1, "migrate_on_start": False})
        Workers(settings.workers, partial(_work, each, listening, demo)).run(on_ready)


def _work(
    settings: Settings, listening: socket.socket, demo: DemoPage | None, on_ready: Callable[[], None]
) -> None:
    """Serve, as one of several processes."""
    logs.configure(settings)
    _serve(settings, listening, on_ready, None, demo)


def _serve(
    settings: Settings,
    listening: socket.socket,
    on_ready: Callable[[], None],
    app: ASGIApp | None,
    demo: DemoPage | None,
) -> None:
    end_streams: Callable[[], None] = _nothing_open
    if app is None:
        app = tidings = create_app(settings, demo=demo)
        end_streams = tidings.end_streams
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level=settings.log_level,
        lifespan="on",
        proxy_headers=False,  # the setting trusted_proxies says whom to believe
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn raises the signal once more when it has come to its end; nobody needs to be told.
        signal.signal(number, _nothing)
    spare_collector()
    _Server(config, on_ready, end_streams).run([listening])


def spare_collector() -> None:
    """Let the garbage collector look less often, and at less: it holds up requests meanwhile.

    What is there by now stays, and looking through it again and again would take milliseconds; thousands of
    streams take half a second, which must not pass at each third broadcast.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECTED_AFTER, 10, 10)


def _nothing(_signal: int, _frame: FrameType | None) -> None: ...


def _nothing_open() -> None: ...


class _Server(uvicorn.Server):
    def __init__(
        self, config: uvicorn.Config, on_ready: Callable[[], None], end_streams: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._on_ready, self._end_streams = on_ready, end_streams

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Streams end first, for uvicorn waits for every answer that is under way."""
        self._end_streams()
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

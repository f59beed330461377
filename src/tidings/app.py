"""The application: every surface over one database, and what runs beside them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Set
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TypeVar
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from tidings.clock import Clock
from tidings.delivery import channels, pacing, record
from tidings.delivery.worker import Worker
from tidings.identity.product_tokens import product_tokens
from tidings.identity.sessions import Sessions
from tidings.identity.token_uses import TokenUses
from tidings.identity.tokens import API_TOKEN
from tidings.inbox import leaving
from tidings.inbox.live import Telling
from tidings.inbox.scheduling import send_due
from tidings.inbox.sending import Sender
from tidings.inbox.upkeep import STEPS
from tidings.realtime.bus import Bus
from tidings.realtime.hub import Hub
from tidings.realtime.sse import HANDED_OVER, EventStream
from tidings.settings import Settings
from tidings.storage.engine import Database
from tidings.storage.migrate import upgrade
from tidings.surfaces import correlation, front
from tidings.surfaces.browser import app as browser
from tidings.surfaces.browser import demo as demo_page
from tidings.surfaces.browser.demo import DemoPage
from tidings.surfaces.client_ip import TrustedProxies
from tidings.surfaces.company import app as company
from tidings.surfaces.limits import Limiter
from tidings.surfaces.native import app as native
from tidings.surfaces.paths import Paths
from tidings.surfaces.personal import app as personal
from tidings.surfaces.scoped import app as scoped
from tidings.surfaces.services import Services
from tidings.surfaces.shared_limits import SharedLimiter

UPKEEP_SECONDS = 10
UPKEEP_GRACE_SECONDS = 5
REDIS_SECONDS = 1.0
"""How long Redis has for an answer; without it everything goes on, if later."""
DUE_SECONDS = 1
"""How late at most it is noticed that something is to be sent now: one look into an index."""
AGAIN_SECONDS = 1.0
"""How long what has failed rests before it begins again."""

T = TypeVar("T")

_EXPOSED = (
    "ETag",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Idempotency-Replayed",
    correlation.HEADER,
)
_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Application:
    """Tidings over HTTP, as an ASGI application."""

    def __init__(self, app: ASGIApp, hub: Hub) -> None:
        self._app, self._hub = app, hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def end_streams(self) -> None:
        """Let the connections come to an end that would have none by themselves: before the server waits."""
        self._hub.close()


def create_app(
    settings: Settings,
    *,
    database: Database | None = None,
    clock: Clock | None = None,
    demo: DemoPage | None = None,
) -> Application:
    """Everything over HTTP. Without a `database` one is opened as the settings say, and closed at the end.

    `demo` is the demo's page, in the place of the one that names the surfaces.
    """
    opened = database or Database(
        settings.database_url,
        clock=clock,
        pool_size=settings.pool_size,
        synchronous=settings.sqlite_synchronous,
        channels=settings.channels,
    )

    redis = _redis(settings)
    services = _services(settings, opened, redis)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        if settings.migrates:
            await upgrade(opened)
        async with AsyncExitStack() as stack:
            if database is None:
                stack.push_async_callback(opened.dispose)
            if redis is not None:
                stack.push_async_callback(redis.aclose)
            bus = None if redis is None else Bus(redis, services.hub)
            async with (
                _upkeep(opened, services.token_uses),
                _told(opened, services.hub, bus),
                _delivered(settings, opened),
            ):
                yield

    app: ASGIApp = _switch(services, front.create(opened, lifespan), demo)
    if settings.cors_origins:
        # With a credential the browser wants the one origin named, so `*` goes without the refresh cookie.
        app = CORSMiddleware(
            app,
            allow_origins=settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            allow_credentials="*" not in settings.cors_origins,
            expose_headers=_EXPOSED,
        )
    return Application(correlation.Correlation(app), services.hub)


def sessions_of(settings: Settings, database: Database) -> Sessions:
    """The sessions as the settings want them."""
    return Sessions(
        database,
        secret=settings.secret.get_secret_value(),
        access_seconds=settings.access_token_seconds,
        refresh_days=settings.refresh_token_days,
    )


def _redis(settings: Settings) -> Redis | None:
    if settings.redis_url is None:
        return None
    return Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - its **kwargs
        settings.redis_url.get_secret_value(),
        socket_connect_timeout=REDIS_SECONDS,
        socket_timeout=REDIS_SECONDS,
        retry=Retry(NoBackoff(), 1),  # once, on a new connection: the server may have been restarted
        protocol=2,  # which Valkey and every Redis speak
    )


def _services(settings: Settings, database: Database, redis: Redis | None) -> Services:
    telling = Telling(database)
    return Services(
        settings=settings,
        database=database,
        sender=Sender(database),
        sessions=sessions_of(settings, database),
        token_uses=TokenUses(database),
        product_tokens=product_tokens(settings, database),
        limiter=Limiter() if redis is None else SharedLimiter(redis),
        telling=telling,
        hub=Hub(telling),
        proxies=TrustedProxies(settings.trusted_proxies),
    )


@asynccontextmanager
async def _upkeep(database: Database, uses: TokenUses) -> AsyncGenerator[None]:
    """Runs the upkeep every few seconds, and sends what is due when it is due.

    At the end a run that is under way has a moment to finish. What is noted of the use of tokens is written
    each time, and at the end.
    """
    stop = asyncio.Event()

    async def pause(seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)

    async def keep_up() -> None:
        while not stop.is_set():
            await _tried(uses.write())
            for step in (*STEPS, record.forget, pacing.forget):
                await _tried(step(database))
            await pause(UPKEEP_SECONDS)
        await _tried(uses.write())

    async def keep_time() -> None:
        while not stop.is_set():
            ahead = await _tried(send_due(database))
            # Another process may accept meanwhile what is due earlier, so nobody sleeps for long.
            await pause(DUE_SECONDS if ahead is None else min(max(ahead.total_seconds(), 0.01), DUE_SECONDS))

    tasks = asyncio.gather(keep_up(), keep_time())
    try:
        yield
    finally:
        stop.set()
        with suppress(TimeoutError):  # what is left undone is done after the next start
            await asyncio.wait_for(tasks, UPKEEP_GRACE_SECONDS)


@asynccontextmanager
async def _told(database: Database, hub: Hub, bus: Bus | None) -> AsyncGenerator[None]:
    """Tells who follows what is committed, here and in other processes."""

    def tell(streams: Set[UUID], readers: Set[UUID]) -> None:
        hub.wake(streams, readers)
        if bus is not None:
            bus.publish(streams, readers)

    database.on_news = tell
    running = [hub.run] if bus is None else [hub.run, bus.run]
    tasks = asyncio.gather(*map(_kept_up, running))
    try:
        yield
    finally:
        database.on_news = None
        hub.close()
        tasks.cancel()
        with suppress(asyncio.CancelledError):
            await tasks


@asynccontextmanager
async def _delivered(settings: Settings, database: Database) -> AsyncGenerator[None]:
    """Sends what leaves the inbox; at the end what is under way is finished."""
    if not (settings.channels and settings.deliver):
        yield
        return
    worker = Worker(database, leaving, channels.of_settings(settings))
    database.on_jobs = worker.wake
    task = asyncio.create_task(_kept_up(worker.run))
    try:
        yield
    finally:
        database.on_jobs = None
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _kept_up(run: Callable[[], Awaitable[None]]) -> None:
    """Run it until cancelled. It is not meant to fail; if it does, that is said, and it begins again."""
    while True:
        try:
            await run()
        except Exception:
            _log.exception("what tells of news failed; it begins again")
        await asyncio.sleep(AGAIN_SECONDS)


async def _tried(work: Awaitable[T]) -> T | None:
    """What the work answers; None where it failed."""
    try:
        return await work
    except Exception:
        _log.exception("the upkeep failed; it will be tried again")
        return None


# --- who answers -------------------------------------------------------------------------------------------


def _switch(services: Services, front_app: ASGIApp, demo: DemoPage | None) -> ASGIApp:
    to_scoped, to_personal = scoped.create(services), personal.create(services)
    to_native, to_company = native.create(services), company.create(services)
    scoped_paths, personal_paths = Paths(to_scoped), Paths(to_personal)
    files = browser.Files()
    to_demo = front_app if demo is None else demo_page.create(demo, files, services.sender, services.database)
    prefixes: dict[str, ASGIApp] = {
        "/v1/": to_native,
        "/company/": to_company,
        "/docs/native/": to_native,
        "/docs/scoped/": to_scoped,
        "/docs/reference/": to_scoped,
        "/docs/personal/": to_personal,
        "/docs/company/": to_company,
        "/widget/": browser.create(files),
        "/demo/": to_demo,
    }

    def answering(scope: Scope) -> ASGIApp:
        path: str = scope["path"].rstrip("/") + "/"
        if path.startswith("/api/"):
            return to_scoped if _is_scoped(scope, scoped_paths, personal_paths) else to_personal
        if path == "/":
            return to_demo
        return next((app for prefix, app in prefixes.items() if path.startswith(prefix)), front_app)

    async def switch(scope: Scope, receive: Receive, send: Send) -> None:
        app = answering(scope) if scope["type"] == "http" else front_app
        await app(scope, receive, send)
        stream: EventStream | None = scope.pop(HANDED_OVER, None)
        if stream is not None:
            try:
                await stream.run(receive, send)
            except TimeoutError:
                _log.info("a stream's client takes nothing", path=scope["path"])  # and is cut

    return switch


def _is_scoped(scope: Scope, scoped_paths: Paths, personal_paths: Paths) -> bool:
    """Whether the scoped contract answers. What only one of the two has, path and method, is that one's.

    Of what both have, or none, those requests are scoped's that bear `x-business-id` or an API token.
    """
    ours, theirs = scoped_paths.match(scope), personal_paths.match(scope)
    if ours != theirs:
        return ours > theirs
    headers = Headers(scope=scope)
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return "x-business-id" in headers or (scheme.lower() == "bearer" and token.strip().startswith(API_TOKEN))

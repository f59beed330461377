"""`tidings demo`."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tidings.cli.options import (
    BAD_USE,
    DatabaseUrl,
    Host,
    Port,
    RedisUrl,
    Workers,
    fail,
    open_database,
    run,
    settings,
)

SENDER = "Tidings <inbox@demo.example>"

if TYPE_CHECKING:
    from tidings.demo.world import World
    from tidings.settings import Settings
    from tidings.surfaces.browser.demo import DemoPage


def demo(
    host: Host = None,
    port: Port = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep the world in this folder; else it is gone at the end.",
            file_okay=False,
            show_default=False,
        ),
    ] = None,
    database: DatabaseUrl = None,
    workers: Workers = None,
    redis: RedisUrl = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print one line of JSON once the server is ready, and nothing else."),
    ] = False,
) -> None:
    """Serve a small world to try everything on, with a page to see it and calls to paste.

    A firm of accountants, three businesses, five users, and some hundred notifications in every state. A
    second run with the same `--data` or `--database` goes on with what is there.

    Examples:

    - `tidings demo`

    - `tidings demo --data ./demo --port 9000`

    - `tidings demo --json --port 0 > world.json`
    """
    if data and database:
        fail("give --data or --database, not both.", BAD_USE)
    with ExitStack() as stack:
        folder = data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tidings-demo-")))
        _serve(
            settings(
                host=host,
                port=port,
                database_url=database or f"sqlite:///{folder.absolute() / 'tidings.db'}",
                workers=workers,
                redis_url=redis,
                migrate_on_start=True,
                sqlite_synchronous="NORMAL",
                secure_cookies=False,
            ),
            folder / "outbox",
            as_json=as_json,
        )


def _serve(chosen: Settings, outbox: Path, *, as_json: bool) -> None:
    from tidings.cli import logs, server

    logs.configure(chosen)
    listening = server.listen(chosen)  # first: nothing is made for a server that cannot start
    base_url = server.base_url(listening)
    world, tokens = run(_build(chosen))

    def tell() -> None:
        from tidings.cli import guide

        if as_json:
            typer.echo(guide.as_json(base_url, world))
        else:
            guide.show(base_url, world, tokens)

    if chosen.smtp_url is not None:
        server.run(chosen, listening, tell, demo=_page(world, None))
        return
    with _mail_kept(chosen, base_url, outbox) as mailing:
        server.run(mailing, listening, tell, demo=_page(world, outbox))


@contextmanager
def _mail_kept(chosen: Settings, base_url: str, outbox: Path) -> Generator[Settings]:
    """The settings with which mail goes to a server of the demo's own, which keeps it in the outbox."""
    from pydantic import SecretStr

    from tidings.demo import mail

    with mail.caught(outbox) as port:
        smtp_url = SecretStr(f"smtp://{mail.HOST}:{port}")
        own = {"smtp_url": smtp_url, "mail_from": SENDER, "public_url": base_url}
        yield chosen.model_copy(update=own)


def _page(world: World, outbox: Path | None) -> DemoPage:
    """What the page at / shows of the world."""
    from tidings.demo.stories import STORIES
    from tidings.surfaces.browser.demo import DemoPage, DemoUser

    users = [
        DemoUser(
            id=str(person.id),
            name=person.name.capitalize(),
            email=person.email,
            token=world.tokens[person.id],
            scopes={str(one.id): one.name for one in (*person.businesses, *person.firms)},
        )
        for person in world.people
    ]
    events = sorted({story.event for story in STORIES})
    return DemoPage(users=users, firms=[str(world.firm.id)], events=events, outbox=outbox)


async def _build(chosen: Settings) -> tuple[World, dict[str, str]]:
    """The world, and an access token of its first user for each surface on which users sign in."""
    from tidings.app import sessions_of
    from tidings.demo.world import build
    from tidings.identity import directory

    database = await open_database(chosen, delivers=False)  # it happened long ago
    try:
        world = await build(database)
        async with database.read() as store:
            account = await directory.user(store, world.people[0].id)
        sessions = sessions_of(chosen, database)
        return world, {
            surface: sessions.access_token(account, surface) for surface in ("personal", "company")
        }
    finally:
        await database.dispose()

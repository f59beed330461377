"""`tidings serve`."""

from __future__ import annotations

import typer

from tidings.cli.options import (
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


def serve(
    host: Host = None,
    port: Port = None,
    database: DatabaseUrl = None,
    workers: Workers = None,
    redis: RedisUrl = None,
) -> None:
    """Serve the inbox over HTTP.

    The embedded default keeps everything in `data/tidings.db` and makes it at the first start. For PostgreSQL
    run `tidings migrate` first. The secret signs what users sign in with, and has no default.

    Examples:

    - `TIDINGS_SECRET=$(openssl rand -hex 32) tidings serve`

    - `tidings serve --port 9000 --database postgresql://tidings@localhost/tidings`

    - `tidings serve --workers 4 --redis redis://localhost`
    """
    chosen = settings(host=host, port=port, database_url=database, workers=workers, redis_url=redis)
    if not chosen.has_own_secret:
        fail("set TIDINGS_SECRET to a secret of your own, such as `openssl rand -hex 32` makes.")

    async def prepare() -> None:
        await (await open_database(chosen)).dispose()

    from tidings.cli import logs, server

    logs.configure(chosen)
    run(prepare())
    listening = server.listen(chosen)
    server.run(
        chosen, listening, lambda: typer.echo(f"Tidings serves {server.base_url(listening)}", err=True)
    )

"""`tidings migrate`."""

from __future__ import annotations

import typer

from tidings.cli.options import DatabaseUrl, run, settings


def migrate(database: DatabaseUrl = None) -> None:
    """Bring the database's schema up to date.

    Harmless when it is; several at once wait for each other. Run it before starting a new version.

    Example: `tidings migrate --database postgresql://tidings@localhost/tidings`
    """
    chosen = settings(database_url=database)

    async def upgrade() -> tuple[str | None, str | None]:
        from tidings.storage import migrate
        from tidings.storage.engine import Database

        opened = Database(chosen.database_url)
        try:
            before = await migrate.revision(opened)
            await migrate.upgrade(opened)
            return before, await migrate.revision(opened)
        finally:
            await opened.dispose()

    before, after = run(upgrade())
    if before == after:
        typer.echo(f"The schema was at {after} already.")
    else:
        typer.echo(f"The schema went from {before or 'nothing'} to {after}.")

"""`tidings worker`."""

from __future__ import annotations

import typer

from tidings.cli.options import DatabaseUrl, fail, open_database, run, settings


def worker(database: DatabaseUrl = None) -> None:
    """Send what leaves the inbox, beside what `tidings serve` does.

    Any number of them may run, on any number of hosts; with SQLite none, for there `tidings serve` does it.
    SIGTERM and Ctrl-C end one, once what is under way is finished. What one that is killed was about to send
    the others send, a minute later.

    Example: `TIDINGS_SMTP_URL=smtp://mail:25 TIDINGS_DELIVER=false tidings serve`, and `tidings worker` twice
    """
    chosen = settings(database_url=database)
    if not chosen.channels:
        fail("there is nothing to send through: set TIDINGS_SMTP_URL.")
    if chosen.database_url.startswith("sqlite"):
        fail("SQLite is for one process, and `tidings serve` sends by itself.")

    from uvicorn.loops.auto import auto_loop_factory

    from tidings.cli import logs

    logs.configure(chosen)

    async def work() -> None:
        import asyncio
        import signal

        from tidings.delivery import channels
        from tidings.delivery.worker import Worker
        from tidings.inbox import leaving

        opened = await open_database(chosen)
        task = asyncio.create_task(Worker(opened, leaving, channels.of_settings(chosen)).run())
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        typer.echo("Tidings sends what leaves the inbox", err=True)
        try:
            await asyncio.gather(task, return_exceptions=True)
        finally:
            await opened.dispose()

    run(work(), loop=auto_loop_factory())  # the server's

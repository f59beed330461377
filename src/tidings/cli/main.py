"""The command line: what there is, and the help for it."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from tidings.cli import bounces, demo, import_, jobs, migrate, send, serve, token, worker

app = typer.Typer(
    name="tidings",
    help="A notification inbox that you run beside your product.\n\n"
    "Begin with `tidings demo`: it serves a small world and prints calls to try on it. To run it for real, "
    "set `TIDINGS_SECRET`, then `tidings serve`; a key for your backend comes from `tidings token service`.",
    epilog="Every setting can be given in the environment, as TIDINGS_ and its name in capitals: "
    "TIDINGS_DATABASE_URL, TIDINGS_PORT, TIDINGS_SECRET …",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,  # they hold credentials
    add_completion=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tidings {version('tidings')}")
        raise typer.Exit


@app.callback()
def _tidings(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None: ...


app.command()(serve.serve)
app.command()(demo.demo)
app.command()(migrate.migrate)
app.command()(send.send)
app.command()(worker.worker)
app.command()(bounces.bounces)
app.add_typer(import_.app, name="import")
app.add_typer(jobs.app, name="jobs")
app.add_typer(token.app, name="token")

"""`tidings import`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from tidings.cli.options import BAD_USE, DatabaseUrl, fail, open_database, run, settings

if TYPE_CHECKING:
    from tidings.settings import Settings
    from tidings.storage.imports import Progress

SOME_REJECTED = 1
NOT_ENDED = 3
_TOLD_EVERY = 50_000  # lines, where there is no terminal

Tell = Callable[["Progress"], None]

app = typer.Typer(
    help="Bring in what is in files.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@app.callback()
def _import() -> None:
    """Bring in what is in files."""


@app.command()
def notifications(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="One JSON object a line; - for standard input.")
    ],
    rejects: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where what cannot be sent goes, each line with its number and the reason.",
            show_default="FILE.rejects.ndjson",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Under which another run goes on.", show_default="the file's path"),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="From the first line, whatever was imported before.")
    ] = False,
    deliver: Annotated[
        bool, typer.Option("--deliver", help="By mail and the like, too; else into inboxes alone.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as a line of JSON.")] = False,
    database: DatabaseUrl = None,
) -> None:
    """Send what a file says, straight into the database: a file of any size.

    A line is what POST /v1/notifications takes, and may have an `idempotency_key`, known for 24 hours to all
    imports. It is sent in chunks, and with each is noted how far the file has come: after Ctrl-C, kill -9 or
    a power cut the same command goes on from there, sends nothing twice and leaves nothing out. So it does
    when lines were added. The note is kept for 30 days; standard input has one only with `--name`.

    Ends with 0 where all is in, 1 where lines were rejected, 2 for wrong use, 3 where it could not be ended.

    Examples:

    - `tidings import notifications backlog.ndjson`

    - `zcat backlog.ndjson.gz | tidings import notifications - --name backlog --json`
    """
    path = None if file == "-" else Path(file)
    if path is not None and not path.is_file():
        fail(f"there is no file {file!r}.", BAD_USE)
    kept = rejects or Path(f"{'stdin' if path is None else file}.rejects.ndjson")
    if path is not None and kept.exists() and kept.samefile(path):
        fail("--rejects is the file itself.", BAD_USE)
    known = name or (str(uuid4()) if path is None else str(path.resolve()))
    began = time.monotonic()
    chosen = settings(database_url=database)
    before, done = _imported(chosen, path, kept, known, restart=restart, deliver=deliver)
    summary = _summary(before, done) | {"seconds": round(time.monotonic() - began, 1)}
    summary["rejects"] = str(kept) if done.rejected else None
    _tell(summary, as_json=as_json)
    if done.rejected:
        raise typer.Exit(SOME_REJECTED)


def _imported(
    chosen: Settings, path: Path | None, kept: Path, name: str, *, restart: bool, deliver: bool
) -> tuple[Progress, Progress]:
    """How far it had come before, and how far it is now."""
    from tidings.cli import importer, logs
    from tidings.cli.lines import Lines

    logs.configure(chosen)
    seen: list[Progress] = []

    async def work() -> Progress:
        with _source(path) as stream, _kept(kept) as out, _display(path) as show:

            def tell(progress: Progress) -> None:
                if not seen:
                    seen.append(progress)
                show(progress)

            opened = await open_database(chosen, delivers=deliver)
            try:
                return await importer.Importer(opened, name, out, tell).run(Lines(stream), restart=restart)
            finally:
                await opened.dispose()

    try:
        done = run(work(), NOT_ENDED)
    except importer.OtherContent:
        fail("this is not what was imported in part before: --restart sends it from the start.", BAD_USE)
    except importer.Taken:
        fail("another process imports the same now.", NOT_ENDED)
    return seen[0], done


@contextmanager
def _source(path: Path | None) -> Generator[Any]:
    if path is None:
        yield sys.stdin.buffer
        return
    with path.open("rb") as stream:
        yield stream


@contextmanager
def _kept(path: Path) -> Generator[Any]:
    """The file of rejects, which is not there where nothing was rejected."""
    with path.open("ab") as out:
        yield out
    if path.stat().st_size == 0:
        path.unlink()


@contextmanager
def _display(path: Path | None) -> Generator[Tell]:
    """Shows how far it is: a bar on a terminal, else a line now and then."""
    if not sys.stderr.isatty():
        yield _Counts()
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), DownloadColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=path.stat().st_size if path else None)
        began, first = time.monotonic(), [0]

        def show(progress: Any) -> None:
            first[:] = first if bar.tasks[0].completed else [progress.line]
            rate = (progress.line - first[0]) / max(time.monotonic() - began, 0.001)
            text = f"{progress.line:,} lines, {progress.rejected:,} rejected, {rate:,.0f} a second"
            bar.update(task, completed=progress.offset, description=text)

        yield show


class _Counts:
    """Says a line whenever many more are done."""

    def __init__(self) -> None:
        self._next = _TOLD_EVERY

    def __call__(self, progress: Progress) -> None:
        if progress.line >= self._next:
            self._next = progress.line + _TOLD_EVERY
            typer.echo(f"{progress.line:,} lines, {progress.rejected:,} rejected", err=True)


def _summary(before: Progress, done: Progress) -> dict[str, Any]:
    return {
        "lines": done.line,
        "sent": done.sent,
        "repeated": done.repeated,
        "rejected": done.rejected,
        "resumed_after_line": before.line,
    }


def _tell(summary: dict[str, Any], *, as_json: bool) -> None:
    import json

    if as_json:
        typer.echo(json.dumps(summary))
        return
    text = f"{summary['lines']:,} lines: {summary['sent']:,} notifications sent"
    text += f", {summary['repeated']:,} lines repeated" if summary["repeated"] else ""
    text += f", {summary['rejected']:,} rejected into {summary['rejects']}" if summary["rejected"] else ""
    if summary["resumed_after_line"]:
        text += f" (up to line {summary['resumed_after_line']:,} by an earlier run)"
    typer.echo(text + ".")

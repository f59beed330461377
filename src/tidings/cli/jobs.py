"""`tidings jobs`: what is on its way out of the inbox, and what did not make it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from tidings.cli.options import DatabaseUrl, in_transaction, settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidings.delivery.record import Delivery
    from tidings.storage.jobs import Job
    from tidings.storage.store import Store

MOST_LISTED = 1000

app = typer.Typer(
    help="See what leaves the inbox by mail and the like, and see to what did not make it.\n\n"
    "A job is one reader and channel of a notification, or one notification for all who read a stream.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")]
Id = Annotated[
    UUID, typer.Argument(metavar="ID", help="As `tidings jobs list` shows it.", show_default=False)
]


@app.command("list")
def list_(
    status: Annotated[
        list[str] | None,
        typer.Option(
            help="pending, processing, failed, completed or dead; may be repeated.", show_default="all"
        ),
    ] = None,
    channel: Annotated[str | None, typer.Option(help="Such as email.", show_default="all")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST_LISTED, help="The newest so many.")] = 50,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """List jobs, newest first.

    Examples:

    - `tidings jobs list --status dead`

    - `tidings jobs list --status failed --channel email --json`
    """
    from tidings.storage.jobs import JobStatus

    known = [one.value for one in JobStatus]
    if unknown := [one for one in status or () if one not in known]:
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join(known)}.", param_hint="--status")
    statuses = [JobStatus(one) for one in status or ()]

    async def found(store: Store) -> Sequence[Job]:
        from tidings.delivery import record

        return await record.newest(store, statuses=statuses, channel=channel, limit=limit)

    rows = [_row(job) for job in in_transaction(settings(database_url=database), found)]
    if as_json:
        typer.echo(json.dumps(rows))
    else:
        _table(rows)


@app.command()
def show(job_id: Id, as_json: AsJson = False, database: DatabaseUrl = None) -> None:
    """Show a job, and every try to send it."""

    async def found(store: Store) -> Delivery:
        from tidings.delivery import record

        return await record.find(store, job_id)

    delivery = in_transaction(settings(database_url=database), found)
    attempts = [
        {"at": one.at.isoformat(), "milliseconds": one.milliseconds, "answer": one.answer}
        for one in delivery.attempts
    ]
    row = _row(delivery.job)
    if as_json:
        typer.echo(json.dumps(row | {"attempts": attempts}))
        return
    for name, value in row.items():
        typer.echo(f"{name:16}{'' if value is None else value}")
    for one in attempts:
        typer.echo(f"{one['at']}  {one['milliseconds']} ms  {one['answer']}")


@app.command()
def retry(job_id: Id, database: DatabaseUrl = None) -> None:
    """Try a job again now, however often that was done before."""

    async def again(store: Store) -> Job:
        from tidings.delivery import record

        return await record.retry(store, job_id)

    typer.echo(f"{in_transaction(settings(database_url=database), again).id} is tried again")


@app.command()
def drop(job_id: Id, database: DatabaseUrl = None) -> None:
    """Give a job up."""

    async def dropped(store: Store) -> Job:
        from tidings.delivery import record

        return await record.drop(store, job_id)

    typer.echo(f"{in_transaction(settings(database_url=database), dropped).id} is given up")


def _row(job: Job) -> dict[str, Any]:
    return {
        "id": str(job.id),
        "status": job.status.value,
        "reason": job.reason and job.reason.value,
        "channel": job.channel,
        "notification": str(job.notification_id),
        "reader": str(job.reader_id) if job.reached is None else None,
        "reached": job.reached,
        "attempts": job.attempts,
        "next_at": job.run_at and job.run_at.isoformat(),
        "created_at": job.created_at.isoformat(),
        "finished_at": job.finished_at and job.finished_at.isoformat(),
    }


def _table(rows: Sequence[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    shown = ("id", "status", "reason", "channel", "reader", "attempts", "next_at")
    for name in shown:
        table.add_column(name, no_wrap=name == "id", overflow="fold")
    for row in rows:
        texts = {name: "" if value is None else str(value) for name, value in row.items()}
        texts["reader"] = texts["reader"] or f"all who read: {row['reached']} so far"
        table.add_row(*[texts[name] for name in shown])
    Console().print(table)

"""`tidings bounces`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tidings.cli.options import FAILURE, DatabaseUrl, fail, open_database, run, settings

if TYPE_CHECKING:
    from tidings.cli.mailboxes import Found
    from tidings.delivery.channels.email.message_ids import MessageIds
    from tidings.storage.engine import Database

TRY_AGAIN = 75
"""What sysexits calls EX_TEMPFAIL: a mail server that pipes mail here keeps it, and tries later."""


@dataclass
class Tally:
    """What was found; each row for people and programs."""

    messages: int = 0
    suppressed: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    ignored: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    others: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])  # no reports
    unread: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])  # files that cannot be read


def bounces(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH…", help="A Maildir, an mbox, a single message, or - for one from standard input."
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")] = False,
    database: DatabaseUrl = None,
) -> None:
    """Read what came back for mails: to whom it says is no more, or complained, goes no more.

    Only reports on mails that were sent from here count; TIDINGS_SECRET must be the server's. To read them
    again changes nothing. Reports in a Maildir go from `new` to `cur`, as seen; an mbox stays as it is, and
    so does what is no report.

    Ends with 0 where all was read, reports or not; 1 where a PATH could not be; 2 for wrong use; 75 where the
    database does not answer, upon which Postfix and Exim try again later.

    Examples:

    - `tidings bounces /var/mail/bounces`

    - `tidings bounces ~/Maildir --json`

    - `tidings bounces -`, in a script that an alias pipes mail to
    """
    chosen = settings(database_url=database)
    if not chosen.has_own_secret:
        fail("set TIDINGS_SECRET as it is where mail is sent: by it the mails are known.")

    from tidings.cli import logs
    from tidings.delivery.channels.email.message_ids import MessageIds

    logs.configure(chosen)
    message_ids = MessageIds(chosen.secret.get_secret_value().encode())

    async def read() -> Tally:
        opened = await open_database(chosen)
        try:
            return await _taken(opened, message_ids, paths)
        finally:
            await opened.dispose()

    tally = run(read(), TRY_AGAIN)
    _tell(tally, as_json=as_json)
    if tally.unread:
        raise typer.Exit(FAILURE)


async def _taken(database: Database, message_ids: MessageIds, paths: list[str]) -> Tally:
    from tidings.cli.mailboxes import Unreadable, messages
    from tidings.delivery.channels.email.bounces import LARGEST

    tally = Tally()
    for path in paths:
        try:
            for found in messages(path, LARGEST + 1):
                await _take(database, message_ids, found, tally)
        except Unreadable as error:
            tally.unread.append({"where": path, "reason": str(error)})
    return tally


async def _take(database: Database, message_ids: MessageIds, found: Found, tally: Tally) -> None:
    from tidings.cli.mailboxes import seen
    from tidings.delivery.channels.email.bounces import parse
    from tidings.delivery.reports import take
    from tidings.errors import InvalidInput

    tally.messages += 1
    try:
        reports = parse(found.raw)
    except InvalidInput as error:
        tally.others.append({"where": found.where, "reason": error.message})
        return
    async with database.begin() as store:
        taken = await take(store, reports, message_ids)
    tally.suppressed += [asdict(one) | {"where": found.where} for one in taken.suppressed]
    tally.ignored += [asdict(one) | {"where": found.where} for one in taken.ignored]
    seen(found)


def _tell(tally: Tally, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(asdict(tally)))
        return
    parts = {
        "suppressed": tally.suppressed,
        "ignored": tally.ignored,
        "no report": tally.others,
        "not read": tally.unread,
    }
    _table(parts)
    counts = ", ".join(f"{len(rows)} {part}" for part, rows in parts.items())
    typer.echo(f"{tally.messages} message{'' if tally.messages == 1 else 's'}: {counts}")


def _table(parts: dict[str, list[dict[str, Any]]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("", "address", "reason", "where", box=None, pad_edge=False)
    for part, rows in parts.items():
        for row in rows:
            table.add_row(part, row.get("address") or "", str(row["reason"]), row["where"])
    if table.row_count:
        Console(markup=False).print(table)

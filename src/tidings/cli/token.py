"""`tidings token`: making, listing and revoking credentials."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from tidings.cli.options import BAD_USE, DatabaseUrl, fail, in_transaction, settings

if TYPE_CHECKING:
    from datetime import datetime

    from tidings.storage.store import Store

app = typer.Typer(
    help="Make, list and revoke credentials: service keys (sk_…) of backends, API tokens (dz_…) of users.\n\n"
    "Each is printed once, when it is made: only its hash is kept.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

Row = dict[str, str | None]
AsJson = Annotated[bool, typer.Option("--json", help="Print one line of JSON, and nothing else.")]


@app.command()
def service(
    name: Annotated[str, typer.Argument(help="What it is for, such as `backend`.", show_default=False)],
    database: DatabaseUrl = None,
) -> None:
    """Make a service key (sk_…), with which a backend sends.

    Example: `tidings token service backend`
    """

    async def issue(store: Store) -> str:
        from tidings.identity.tokens import issue_service_key

        return (await issue_service_key(store, name))[1]

    typer.echo(in_transaction(settings(database_url=database), issue))


@app.command()
def user(
    who: Annotated[str, typer.Argument(metavar="EMAIL_OR_ID", help="Whose it is to be.", show_default=False)],
    name: Annotated[str, typer.Option(help="What it is called.")] = "command line",
    days: Annotated[
        int | None, typer.Option(min=1, max=365, help="Expires after so many days.", show_default="never")
    ] = None,
    database: DatabaseUrl = None,
) -> None:
    """Make an API token (dz_…) of a user, who has at most ten active ones.

    Examples:

    - `tidings token user mara@demo.example`

    - `tidings token user 0f8fad5b-d9cb-469f-a165-70867728950e --name laptop --days 30`
    """

    async def issue(store: Store) -> str:
        from tidings.identity.tokens import issue_api_token

        return (await issue_api_token(store, await _user_id(store, who), name=name, expires_in_days=days))[1]

    typer.echo(in_transaction(settings(database_url=database), issue))


@app.command("list")
def list_(
    who: Annotated[
        str | None,
        typer.Argument(
            metavar="[EMAIL_OR_ID]", help="Whose API tokens; left out: the service keys.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """List the service keys, or the API tokens of a user: those that hold now, newest first.

    The secrets themselves are not shown, for they are not kept. `last_used_at` is right to the minute.

    Examples:

    - `tidings token list`

    - `tidings token list mara@demo.example`

    - `tidings token list mara@demo.example --json`
    """

    async def listed(store: Store) -> list[Row]:
        return await (_service_keys(store) if who is None else _api_tokens(store, who))

    rows = in_transaction(settings(database_url=database), listed)
    if as_json:
        typer.echo(json.dumps(rows))
    elif rows:
        typer.echo(_table(rows))
    else:
        typer.echo("None.", err=True)


@app.command()
def revoke(
    which: Annotated[
        list[str],
        typer.Argument(
            metavar="ID_OR_NAME...",
            help="Ids, as `tidings token list` shows them, or names of service keys.",
            show_default=False,
        ),
    ],
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Revoke service keys or API tokens: they hold no longer from the next call on, in every process.

    The name of a service key stands for all keys of that name. All are revoked, or, where one is not found,
    none. It cannot be taken back: make a new one.

    Examples:

    - `tidings token revoke backend`

    - `tidings token revoke 019a9f6e-2c44-7b1c-9d53-5a0c1f0e7d11`
    """

    async def revoked(store: Store) -> list[Row]:
        return [row for one in which for row in await _revoked(store, one)]

    rows = in_transaction(settings(database_url=database), revoked)
    typer.echo(json.dumps(rows) if as_json else _table(rows))


async def _user_id(store: Store, who: str) -> UUID:
    from tidings.errors import UserNotFound
    from tidings.identity.emails import normalised

    if "@" not in who:
        try:
            user_id = UUID(who)
        except ValueError:
            fail(f"{who!r} is neither an e-mail address nor an id.", BAD_USE)
        account = await store.accounts.account(user_id)
    else:
        account = await store.accounts.account_by_email(normalised(who))
    if account is None:
        raise UserNotFound(f"There is no such user: {who!r}.")
    return account.id


async def _service_keys(store: Store) -> list[Row]:
    return [
        {"id": str(key.id), "name": key.name, "created_at": _told(key.created_at)}
        for key in await store.credentials.service_keys()
    ]


async def _api_tokens(store: Store, who: str) -> list[Row]:
    from tidings.identity.tokens import api_tokens

    return [
        {
            "id": str(token.id),
            "name": token.name,
            "created_at": _told(token.created_at),
            "expires_at": _told(token.expires_at),
            "last_used_at": _told(token.last_used_at),
        }
        for token in await api_tokens(store, await _user_id(store, who))
    ]


async def _revoked(store: Store, which: str) -> list[Row]:
    """Revoke what is meant; what it was. Raises TokenNotFound."""
    from tidings.errors import TokenNotFound
    from tidings.identity.tokens import revoke_api_token

    now = await store.now()
    keys = await store.credentials.service_keys()
    keys = [key for key in keys if which == key.name or which.lower() == str(key.id)]
    for key in keys:
        await store.credentials.revoke_service_key(key.id, now)
    if keys:
        return [{"id": str(key.id), "kind": "service key", "name": key.name} for key in keys]
    try:
        token = await revoke_api_token(store, UUID(which))
    except (ValueError, TokenNotFound):
        raise TokenNotFound(f"There is no such key or token, or it holds no longer: {which!r}.") from None
    return [{"id": str(token.id), "kind": "API token", "name": token.name}]


def _told(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")


def _table(rows: Sequence[Row]) -> str:
    """The rows under their names, in columns for the eye and for `cut`."""
    lines = [list(rows[0]), *([value or "-" for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(value.ljust(width) for value, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )

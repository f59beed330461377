"""`tidings token user` and `tidings token service`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from tidings.cli.options import BAD_USE, DatabaseUrl, fail, in_transaction, settings

if TYPE_CHECKING:
    from tidings.storage.store import Store

app = typer.Typer(
    help="Make credentials. Each is printed this once: only its hash is kept.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


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


async def _user_id(store: Store, who: str) -> UUID:
    from tidings.errors import UserNotFound
    from tidings.identity.emails import normalised

    if "@" not in who:
        try:
            return UUID(who)
        except ValueError:
            fail(f"{who!r} is neither an e-mail address nor an id.", BAD_USE)
    account = await store.accounts.account_by_email(normalised(who))
    if account is None:
        raise UserNotFound(f"There is no user {who!r}.")
    return account.id

"""`tidings send`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tidings.cli.options import BAD_USE, DatabaseUrl, fail, in_transaction, settings

if TYPE_CHECKING:
    from tidings.model import Draft
    from tidings.storage.store import Store


def send(
    to: Annotated[
        str,
        typer.Option(metavar="WHOM", help="user:ID, business:ID, firm:ID or everyone.", show_default=False),
    ],
    event: Annotated[str, typer.Option(metavar="KEY", help="An event of the catalog.", show_default=False)],
    title: Annotated[str, typer.Option(help="At most 500 characters.", show_default=False)],
    body: Annotated[str | None, typer.Option(help="At most 20,000 characters.", show_default=False)] = None,
    severity: Annotated[
        str | None, typer.Option(help="info, warning or urgent.", show_default="the event's own")
    ] = None,
    data: Annotated[
        str | None, typer.Option(metavar="JSON", help="An object for the client.", show_default=False)
    ] = None,
    database: DatabaseUrl = None,
) -> None:
    """Send one notification, straight into the database, and print its id.

    For trying things and for scripts on the same machine: a product's backend calls POST /v1/notifications.

    Examples:

    - `tidings send --to everyone --event manual.announcement --title "Maintenance at noon"`

    - `tidings send --to user:7d0a… --event billing.invoice_paid --title "Paid" --data '{"amount": 12}'`
    """
    drafts = _drafts(to=to, event=event, title=title, body=body, severity=severity, data=data)
    chosen = settings(database_url=database)

    async def sent(store: Store) -> str:
        from tidings.inbox.append import append

        return str((await append(store, drafts))[0])

    typer.echo(in_transaction(chosen, sent))


def _drafts(*, to: str, data: str | None, **fields: Any) -> list[Draft]:
    """The same checks as over HTTP; what does not fit ends the command."""
    import json

    from pydantic import ValidationError

    from tidings.surfaces.native.schemas.sending import NewNotification

    audience, _, id_ = to.partition(":")
    recipient = {"everyone": True} if to == "everyone" else {audience: id_}
    try:
        fields["data"] = {} if data is None else json.loads(data)
        return NewNotification.model_validate({"to": recipient, **fields}).drafts()
    except ValidationError as error:
        told = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()]
        fail("\n  ".join(["this does not fit.", *told]), BAD_USE)
    except ValueError as error:
        fail(f"--data is no JSON: {error}", BAD_USE)

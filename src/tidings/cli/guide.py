"""What `tidings demo` tells: who there is, and what to paste into another terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from tidings.demo.world import World


def as_json(base_url: str, world: World) -> str:
    """One line for programs."""
    return json.dumps(
        {
            "base_url": base_url,
            "service_key": world.service_key,
            "firm_id": str(world.firm.id),
            "businesses": [{"id": str(business.id), "name": business.name} for business in world.businesses],
            "users": [
                {
                    "id": str(person.id),
                    "email": person.email,
                    "password": person.password,
                    "token": world.tokens[person.id],
                    "business_ids": [str(business.id) for business in person.businesses],
                    "firm_ids": [str(firm.id) for firm in person.firms],
                }
                for person in world.people
            ],
        }
    )


def show(base_url: str, world: World, tokens: Mapping[str, str]) -> None:
    """For people. `tokens` are the first user's, as the logins of the surfaces would answer them."""
    console = Console(highlight=False)
    console.print(f"\n[bold]Tidings runs at {base_url}[/bold]   (Ctrl-C ends it)\n")
    console.print(f"Open {base_url}/ in a browser: the inbox in two windows, and a form that sends.")
    console.print(f"What it mails is at {base_url}/demo/outbox.\n")
    console.print(_who(world))
    console.print("\nTo paste into another terminal; the access tokens in it are good for 15 minutes:\n")
    for title, command in [_names(world, tokens), *_calls(base_url, world, tokens)]:
        console.print(f"[bold cyan]# {title}[/bold cyan]")
        print(command, end="\n\n", flush=True)  # not by the console, which would break the lines


def _who(world: World) -> Table:
    table = Table("user", "password", "company, on that surface", box=None, pad_edge=False)
    for person in world.people:
        table.add_row(person.email, person.password, person.company.name if person.company else "")
    return table


def _names(world: World, tokens: Mapping[str, str]) -> tuple[str, str]:
    """What README's samples ask the environment for."""
    first = world.people[0]
    names = {
        "SERVICE_KEY": world.service_key,
        "USER_ID": first.id,
        "API_TOKEN": world.tokens[first.id],
        "BUSINESS": first.businesses[0].id,
        "NOTIFICATION": world.company_notification,
        "ACCESS_TOKEN": tokens["personal"],
        "COMPANY_TOKEN": tokens["company"],
    }
    exports = [f"export {name}='{value}'" for name, value in names.items()]
    return "what the samples in README go by", "\n".join(exports)


def _calls(base_url: str, world: World, tokens: Mapping[str, str]) -> list[tuple[str, str]]:
    first = world.people[0]
    login = {"email": first.email, "password": first.password}
    scoped = {**_bearer(world.tokens[first.id]), "x-business-id": str(first.businesses[0].id)}
    personal, company = _bearer(tokens["personal"]), _bearer(tokens["company"])
    api, own = f"{base_url}/api/v1", f"{base_url}/company"
    notification = {
        "to": {"user": str(first.id)},
        "event": "billing.invoice_paid",
        "title": "Costa Verde Foods paid INV-20814",
    }
    operation = {"action": "read", "filter": {"topic": ["billing"]}}
    return [
        ("scoped: how many are new", _curl("GET", f"{api}/notifications/count", scoped)),
        (
            "scoped: mark them all as seen",
            _curl("POST", f"{api}/notifications/mark-all-seen", scoped, {"scope": "me"}),
        ),
        ("personal: sign in", _curl("POST", f"{api}/auth/login", {}, login)),
        ("personal: delete what is read", _curl("DELETE", f"{api}/notifications/clear-read", personal)),
        ("company: sign in", _curl("POST", f"{own}/auth/login", {}, login)),
        (
            "company: mark one as read, for all of the company",
            _curl("PUT", f"{own}/notifications/read/{world.company_notification}", company),
        ),
        (
            "native: mark all of a topic as read",
            _curl("POST", f"{base_url}/v1/inbox/operations", _bearer(world.tokens[first.id]), operation),
        ),
        (
            "send one, as the product's backend does",
            _curl("POST", f"{base_url}/v1/notifications", _bearer(world.service_key), notification),
        ),
    ]


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _curl(method: str, url: str, headers: Mapping[str, str], body: Mapping[str, Any] | None = None) -> str:
    """A command for a shell; nothing in it has a single quote."""
    lines = [f"curl '{url}'" if method == "GET" else f"curl -X {method} '{url}'"]
    lines += [f"-H '{name}: {value}'" for name, value in headers.items()]
    if body is not None:
        lines += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(body)}'"]
    return " \\\n  ".join(lines)

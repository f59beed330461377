"""The command line, as a person uses it."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from typer.testing import CliRunner, Result

from tests.conftest import Run
from tidings.cli.main import app
from tidings.errors import Unauthenticated
from tidings.identity import directory
from tidings.identity.tokens import api_token_user, service_key
from tidings.inbox import catalog, feed
from tidings.inbox.append import append
from tidings.inbox.reach import reach_of
from tidings.model import PRESENT, Address, Audience, Draft, Reader, View
from tidings.storage.engine import Database
from tidings.storage.store import Store


def tidings(*arguments: str, **environment: str) -> Result:
    """Run the command; settings may be given as `secret="…"`."""
    given = {f"TIDINGS_{name}".upper(): value for name, value in environment.items()}
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "200", **given})


def told(result: Result) -> str:
    """What went wrong, as it was told; never a traceback."""
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    return result.stderr


class Desk:
    """A database with a user and an event, and the command that works on it."""

    def __init__(self, url: str, run: Run) -> None:
        self.url, self._run = url, run
        self.user = uuid4()

    def tidings(self, *arguments: str) -> Result:
        return tidings(*arguments, database_url=self.url)

    def ask(self, work: Callable[[Store], Any]) -> Any:
        async def asked() -> Any:
            database = Database(self.url)
            try:
                async with database.begin() as store:
                    return await work(store)
            finally:
                await database.dispose()

        return self._run(asked())

    async def furnish(self, store: Store) -> None:
        await directory.put_user(store, self.user, email="ada@corp.test")
        await catalog.put_event(store, "rain", topic="weather", channels={})

    async def items(self, store: Store) -> list[Any]:
        reach = await reach_of(store, Reader(id=self.user))
        return (await feed.page(store, reach, View(windows=(PRESENT,)))).items


@pytest.fixture
def desk(database_url: str, run: Run) -> Desk:
    made = Desk(database_url, run)
    made.ask(made.furnish)
    return made


# --- help --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        "serve",
        "demo",
        "migrate",
        "send",
        "import notifications",
        "bounces",
        "token user",
        "token service",
        "token list",
        "token revoke",
    ],
)
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    result = tidings(*command.split(), "--help")

    assert result.exit_code == 0
    assert re.search(rf"Examples?:.*tidings {command}", result.stdout, re.DOTALL)


def test_alone_it_says_what_there_is() -> None:
    result = tidings()

    assert all(command in result.output for command in ("serve", "demo", "migrate", "send", "token"))
    assert tidings("--version").stdout.startswith("tidings 0.")


def test_help_does_not_wait_for_what_the_commands_run() -> None:
    script = "import sys, tidings.cli.main; print(*{'fastapi', 'sqlalchemy', 'pydantic'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""


# --- migrate -----------------------------------------------------------------------------------------------


def test_migrate_makes_the_schema_and_may_be_repeated(tmp_path: Path, empty_postgres_url: str) -> None:
    for url in (f"sqlite:///{tmp_path}/new/tidings.db", empty_postgres_url):
        first, second = (tidings("migrate", "--database", url) for _ in range(2))

        assert (first.exit_code, second.exit_code) == (0, 0), first.output
        assert "from nothing to" in first.stdout
        assert "already" in second.stdout


# --- send --------------------------------------------------------------------------------------------------


def test_send_prints_the_id(desk: Desk) -> None:
    to = f"user:{desk.user}"
    more = ["--body", "b", "--severity", "urgent", "--data", '{"mm": 12}']

    result = desk.tidings("send", "--to", to, "--event", "rain", "--title", "Rain", *more)

    [item] = desk.ask(desk.items)
    assert (result.exit_code, UUID(result.stdout.strip())) == (0, item.id)
    sent = item.notification
    assert (sent.title, sent.body, sent.severity, sent.data) == ("Rain", "b", "urgent", {"mm": 12})


def test_send_reaches_everyone(desk: Desk) -> None:
    assert desk.tidings("send", "--to", "everyone", "--event", "rain", "--title", "Rain").exit_code == 0

    assert len(desk.ask(desk.items)) == 1


@pytest.mark.parametrize(
    ("changes", "code", "part"),
    [
        ({"--to": "user:me"}, 2, "to.user"),
        ({"--to": "me"}, 2, "to.me"),
        ({"--to": "users:x"}, 2, "to.users"),
        ({"--title": ""}, 2, "title"),
        ({"--severity": "fatal"}, 2, "severity"),
        ({"--data": "{"}, 2, "--data"),
        ({"--data": "[]"}, 2, "data"),
        ({"--event": "snow"}, 1, "'snow'"),
        ({"--to": f"business:{UUID(int=5)}"}, 1, str(UUID(int=5))),
    ],
)
def test_what_cannot_be_sent_is_told_in_a_line(
    sqlite_url: str, run: Run, changes: dict[str, str], code: int, part: str
) -> None:
    desk = Desk(sqlite_url, run)
    desk.ask(desk.furnish)
    options = {"--to": f"user:{desk.user}", "--event": "rain", "--title": "Rain", **changes}

    result = desk.tidings("send", *[word for option in options.items() for word in option])

    assert part in told(result)
    assert result.exit_code == code
    assert desk.ask(desk.items) == []


# --- token -------------------------------------------------------------------------------------------------


def test_a_token_for_a_user_by_address_or_id(desk: Desk) -> None:
    for who in (" ADA@corp.test", str(desk.user)):
        result = desk.tidings("token", "user", who, "--name", "laptop", "--days", "30")

        assert result.exit_code == 0, result.output
        assert (
            desk.ask(lambda store, result=result: api_token_user(store, result.stdout.strip())) == desk.user
        )


def test_a_key_for_a_backend(desk: Desk) -> None:
    result = desk.tidings("token", "service", "backend")

    assert result.stdout.startswith("sk_")
    assert desk.ask(lambda store: service_key(store, result.stdout.strip()))


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (["user", "bob@corp.test"], 1, "bob@corp.test"),
        (["user", str(UUID(int=5))], 1, "no such user"),
        (["user", "ada"], 2, "neither"),
        (["user", "ada@corp.test", "--days", "400"], 2, "days"),
        (["user"], 2, "EMAIL_OR_ID"),
    ],
)
def test_a_token_for_nobody_is_refused(
    sqlite_url: str, run: Run, arguments: list[str], code: int, part: str
) -> None:
    desk = Desk(sqlite_url, run)
    desk.ask(desk.furnish)

    result = desk.tidings("token", *arguments)

    assert part in told(result)
    assert result.exit_code == code


def listed(desk: Desk, *arguments: str) -> list[dict[str, Any]]:
    result = desk.tidings("token", "list", *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_what_holds_is_listed_without_the_secrets(desk: Desk) -> None:
    assert (listed(desk), listed(desk, "ada@corp.test")) == ([], [])
    key = desk.tidings("token", "service", "backend").stdout.strip()
    desk.tidings("token", "service", "importer")
    token = desk.tidings("token", "user", "ada@corp.test", "--name", "laptop", "--days", "30").stdout.strip()

    keys, tokens = listed(desk), listed(desk, str(desk.user))
    table = desk.tidings("token", "list", "ada@corp.test").stdout

    assert [one["name"] for one in keys] == ["importer", "backend"]
    assert list(tokens[0]) == ["id", "name", "created_at", "expires_at", "last_used_at"]
    assert (tokens[0]["name"], tokens[0]["last_used_at"]) == ("laptop", None)
    assert table.splitlines()[0].split() == list(tokens[0])
    assert table.splitlines()[1].split() == [value or "-" for value in tokens[0].values()]
    assert not any(secret in f"{keys}{tokens}{table}" for secret in (key, token))


def test_revoking_by_id_or_name_ends_it(desk: Desk) -> None:
    key = desk.tidings("token", "service", "backend").stdout.strip()
    desk.tidings("token", "service", "backend")
    kept = desk.tidings("token", "service", "importer").stdout.strip()
    token = desk.tidings("token", "user", "ada@corp.test").stdout.strip()
    [one] = listed(desk, "ada@corp.test")

    result = desk.tidings("token", "revoke", "backend", one["id"].upper(), "--json")

    assert [row["kind"] for row in json.loads(result.stdout)] == ["service key"] * 2 + ["API token"]
    assert [row["name"] for row in listed(desk)] == ["importer"]
    assert listed(desk, "ada@corp.test") == []
    for known, secret in ((service_key, key), (api_token_user, token)):
        with pytest.raises(Unauthenticated):
            desk.ask(lambda store, known=known, secret=secret: known(store, secret))
    assert desk.ask(lambda store: service_key(store, kept))
    assert "importer" in desk.tidings("token", "revoke", listed(desk)[0]["id"]).stdout


def test_of_several_all_are_revoked_or_none(desk: Desk) -> None:
    desk.tidings("token", "service", "backend")

    for unknown in ("nobody", str(UUID(int=5)), "backend\0"):
        result = desk.tidings("token", "revoke", "backend", unknown)

        assert "no such key or token" in told(result)
        assert result.exit_code == 1
    assert len(listed(desk)) == 1
    assert "no such user" in told(desk.tidings("token", "list", str(UUID(int=5))))


# --- what is not as it should be ---------------------------------------------------------------------------


def test_serve_wants_a_secret_of_ones_own(sqlite_url: str) -> None:
    result = tidings("serve", database_url=sqlite_url)

    assert "TIDINGS_SECRET" in told(result)
    assert result.exit_code == 1


def test_settings_that_do_not_fit_are_named() -> None:
    result = tidings("migrate", port="many", trusted_proxies="everybody", database_url="sqlite:///x.db")

    assert all(name in told(result) for name in ("TIDINGS_PORT", "TIDINGS_TRUSTED_PROXIES"))
    assert result.exit_code == 2
    assert tidings("migrate", "--database", "mysql://x").exit_code == 2


def test_a_database_that_does_not_answer_is_told(tmp_path: Path, postgres_url: str) -> None:
    (tmp_path / "file").touch()
    nowhere = postgres_url.replace("/tidings_", "/missing_")
    for url in (f"sqlite:///{tmp_path}/file/x.db", nowhere, "postgresql://nobody@127.0.0.1:1/x"):
        result = tidings("migrate", "--database", url)

        assert told(result).startswith("tidings: ")
        assert result.exit_code == 1


def test_a_schema_that_is_missing_is_told(empty_postgres_url: str) -> None:
    result = tidings("token", "service", "backend", database_url=empty_postgres_url)

    assert "tidings migrate" in told(result)
    assert result.exit_code == 1


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = tidings("demo", "--port", port, "--data", str(tmp_path / "data"))

    assert port in told(result)
    assert result.exit_code == 1
    assert not (tmp_path / "data").exists()


def test_demo_takes_a_folder_or_a_database(tmp_path: Path) -> None:
    result = tidings("demo", "--data", str(tmp_path), "--database", "sqlite:///x.db")

    assert "--database" in told(result)
    assert result.exit_code == 2


# --- jobs --------------------------------------------------------------------------------------------------


async def _mail(store: Store, user: UUID) -> None:
    store.channels = frozenset({"email"})
    to = Address(audience=Audience.USER, id=user)
    await append(store, [Draft(to=to, event="rain", title=title) for title in ("It rains", "It pours")])


def jobs(desk: Desk, *options: str) -> list[dict[str, Any]]:
    return json.loads(desk.tidings("jobs", "list", "--json", *options).stdout)


def test_jobs_are_listed_shown_given_up_and_tried_again(desk: Desk) -> None:
    desk.ask(lambda store: _mail(store, desk.user))
    newest, oldest = jobs(desk)
    assert (newest["status"], newest["channel"], newest["reader"]) == ("pending", "email", str(desk.user))
    assert jobs(desk, "--limit", "1") == [newest]
    assert jobs(desk, "--channel", "sms") == []

    assert desk.tidings("jobs", "drop", oldest["id"]).stdout == f"{oldest['id']} is given up\n"
    (dead,) = jobs(desk, "--status", "dead", "--status", "failed")
    assert (dead["id"], dead["reason"]) == (oldest["id"], "dropped")
    shown = desk.tidings("jobs", "show", oldest["id"])
    assert "dropped" in shown.stdout
    assert json.loads(desk.tidings("jobs", "show", oldest["id"], "--json").stdout) == dead | {"attempts": []}
    assert "This job is finished." in told(desk.tidings("jobs", "drop", oldest["id"]))

    assert desk.tidings("jobs", "retry", oldest["id"]).stdout == f"{oldest['id']} is tried again\n"
    assert [one["status"] for one in jobs(desk)] == ["pending", "pending"]
    table = desk.tidings("jobs", "list").stdout
    assert newest["id"] in table
    assert oldest["id"] in table


def test_jobs_that_are_not_there_are_told(desk: Desk) -> None:
    assert "There is no such job." in told(desk.tidings("jobs", "show", str(uuid4())))
    assert "'lost' is none of pending" in told(desk.tidings("jobs", "list", "--status", "lost"))


def test_a_worker_needs_something_to_send_through_and_postgresql(desk: Desk) -> None:
    assert "TIDINGS_SMTP_URL" in told(desk.tidings("worker"))
    mail = {"smtp_url": "smtp://localhost", "mail_from": "a@b.example", "public_url": "http://localhost"}
    sqlite = tidings("worker", database_url="sqlite:///x.db", **mail)
    assert "SQLite is for one process" in told(sqlite)

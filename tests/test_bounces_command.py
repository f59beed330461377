"""`tidings bounces`: what is in mailboxes, read by a person or by a mail server's pipe."""

from __future__ import annotations

import json
from collections.abc import Callable
from mailbox import Maildir, mbox
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from typer.testing import CliRunner, Result

from tests import reports
from tests.conftest import Run
from tests.reports import ADA
from tests.web import SECRET
from tidings.cli.main import app
from tidings.delivery.channels.email.bounces import LARGEST
from tidings.delivery.channels.email.message_ids import MessageIds
from tidings.identity import directory
from tidings.storage.engine import Database
from tidings.storage.store import Store

STRANGE = "<1@elsewhere.example>"
AWAY = b"From: bob@example.org\nSubject: I am away\n\nUntil Monday.\n"


class Desk:
    """A database with Ada, who was mailed, and the command beside it."""

    def __init__(self, url: str, run: Run) -> None:
        self.url, self._run = url, run
        self.ada = uuid4()
        self.ask(lambda store: directory.put_user(store, self.ada, email=ADA))

    def mailed(self) -> str:
        """The Message-ID of something that Ada was mailed."""
        return MessageIds(SECRET.encode()).of(UUID(int=7), self.ada, "acme.example")

    def bounces(self, *arguments: str | Path, stdin: bytes = b"", **environment: str) -> Result:
        given = {"database_url": self.url, "secret": SECRET, "columns": "200", **environment}
        names = {name: name.upper() if name == "columns" else f"TIDINGS_{name}".upper() for name in given}
        environ = {names[name]: value for name, value in given.items()}
        return CliRunner().invoke(app, ["bounces", *map(str, arguments)], env=environ, input=stdin)

    def told(self, *arguments: str | Path, stdin: bytes = b"") -> dict[str, Any]:
        result = self.bounces(*arguments, "--json", stdin=stdin)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def ask(self, work: Callable[[Store], Any]) -> Any:
        async def asked() -> Any:
            database = Database(self.url)
            try:
                async with database.begin() as store:
                    return await work(store)
            finally:
                await database.dispose()

        return self._run(asked())

    def is_suppressed(self) -> bool:
        return bool(self.ask(lambda store: store.suppressions.reasons(ADA)))


@pytest.fixture
def desk(sqlite_url: str, run: Run) -> Desk:
    return Desk(sqlite_url, run)


def boxed(path: Path, *messages: bytes) -> Path:
    box = mbox(path)
    for one in messages:
        box.add(one)
    box.close()
    return path


def test_an_mbox_is_read_to_its_end_whatever_is_in_it(desk: Desk, tmp_path: Path) -> None:
    huge = reports.postfix(desk.mailed()) + b"x" * LARGEST
    nested = b"Content-Type: message/rfc822\n\n" * 5_000
    box = boxed(
        tmp_path / "box", AWAY, huge, nested, b"\0\xff", reports.postfix(STRANGE), reports.exim(desk.mailed())
    )
    before = box.read_bytes()

    found = desk.told(box)

    assert found["messages"] == 6
    assert found["suppressed"] == [{"address": ADA, "reason": "bounce", "where": f"{box}, no. 6"}]
    assert found["ignored"] == [{"address": ADA, "reason": "not_ours", "where": f"{box}, no. 5"}]
    assert [one["where"] for one in found["others"]] == [f"{box}, no. {number}" for number in range(1, 5)]
    assert "longer than 4000000 octets" in found["others"][1]["reason"]
    assert desk.is_suppressed()
    assert box.read_bytes() == before
    assert desk.told(box) == found


def test_reports_in_a_maildir_are_seen_and_all_else_stays_as_it_was(desk: Desk, tmp_path: Path) -> None:
    folder = Maildir(tmp_path / "Maildir")
    for message in (reports.postfix(desk.mailed()), AWAY, reports.complaint(STRANGE)):
        folder.add(message)

    found = desk.told(tmp_path / "Maildir")

    assert [len(found[part]) for part in ("suppressed", "ignored", "others", "unread")] == [1, 1, 1, 0]
    assert desk.is_suppressed()
    kept = {key: folder.get_message(key) for key in folder.keys()}  # noqa: SIM118 - it is no dict
    assert sorted((one.get_subdir(), one.get_flags()) for one in kept.values()) == [
        ("cur", "S"),
        ("cur", "S"),
        ("new", ""),
    ]
    again = desk.told(tmp_path / "Maildir")
    assert (again["messages"], len(again["others"])) == (1, 1)


def test_one_message_is_read_from_a_file_or_a_pipe(desk: Desk, tmp_path: Path) -> None:
    raw, empty = reports.gmail(desk.mailed()), tmp_path / "empty"
    empty.touch()
    (tmp_path / "one.eml").write_bytes(raw)
    piped = b"From MAILER-DAEMON  Mon Mar  2 09:30:01 2026\n" + raw

    assert desk.told(tmp_path / "one.eml")["suppressed"][0]["address"] == ADA
    assert desk.told("-", stdin=piped)["suppressed"][0]["where"] == "standard input"
    assert desk.told(empty)["messages"] == 0
    assert len(desk.told("-")["others"]) == 1


def test_people_get_a_table_and_counts(desk: Desk, tmp_path: Path) -> None:
    box = boxed(tmp_path / "box", AWAY, reports.postfix(STRANGE), reports.postfix(desk.mailed()))

    lines = desk.bounces(box).stdout.splitlines()

    assert lines[0].split() == ["address", "reason", "where"]
    assert lines[1].split()[:3] == ["suppressed", ADA, "bounce"]
    assert lines[2].split()[:3] == ["ignored", ADA, "not_ours"]
    assert lines[3].startswith("no report")
    assert lines[-1] == "3 messages: 1 suppressed, 1 ignored, 1 no report, 0 not read"
    assert desk.bounces("-", stdin=AWAY).stdout.splitlines()[-1].startswith("1 message: ")


def test_what_cannot_be_read_is_told_and_the_rest_is_read(desk: Desk, tmp_path: Path) -> None:
    good = boxed(tmp_path / "box", reports.postfix(desk.mailed()))

    result = desk.bounces(tmp_path, tmp_path / "nothing", good, "--json")

    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [one["where"] for one in found["unread"]] == [str(tmp_path), str(tmp_path / "nothing")]
    assert "is no Maildir" in found["unread"][0]["reason"]
    assert len(found["suppressed"]) == 1


def test_a_mail_server_is_told_to_come_again_where_the_database_is_away(desk: Desk, tmp_path: Path) -> None:
    raw = reports.postfix(desk.mailed())
    away = desk.bounces("-", stdin=raw, database_url="postgresql://nobody@127.0.0.1:1/none")
    assert (away.exit_code, away.stdout) == (75, "")

    bare = desk.bounces("-", stdin=raw, secret="tidings-demo: anybody can read this secret in the source")
    assert bare.exit_code == 1
    assert "TIDINGS_SECRET" in bare.stderr
    assert not desk.is_suppressed()


def test_the_command_explains_itself_with_an_example(desk: Desk) -> None:
    result = desk.bounces("--help")
    assert result.exit_code == 0
    assert "tidings bounces /var/mail/bounces" in result.stdout
    assert "75" in result.stdout

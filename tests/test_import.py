"""Importing a file of notifications: all of it once, whatever is in it and whoever is killed."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from tests.conftest import Run
from tests.test_cli import Desk, tidings
from tidings.inbox.append import MOST_AT_ONCE


class Port(Desk):
    """A desk with a file to import."""

    def __init__(self, url: str, run: Run, folder: Path) -> None:
        super().__init__(url, run)
        self.file = folder / "backlog.ndjson"
        self.rejects = folder / "backlog.ndjson.rejects.ndjson"

    def line(self, title: Any, **changes: Any) -> bytes:
        said = {"to": {"user": str(self.user)}, "event": "rain", "title": title, **changes}
        return json.dumps(said).encode()

    def write(self, *lines: bytes) -> None:
        self.file.write_bytes(b"".join(line + b"\n" for line in lines))

    def load(self, *arguments: str) -> dict[str, Any]:
        """Import the file; the summary, and the exit code."""
        result = self.tidings("import", "notifications", str(self.file), "--json", *arguments)
        assert result.exit_code in (0, 1), result.output
        return {**json.loads(result.stdout), "exit": result.exit_code}

    def titles(self) -> list[str]:
        """Of all that was sent, in the order of the streams."""

        async def read(store: Any) -> list[str]:
            rows = await store.connection.all(
                sa.text("SELECT title FROM notification ORDER BY stream_id, seq")
            )
            return [row.title for row in rows]

        return self.ask(read)

    def rejected(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.rejects.read_bytes().splitlines()]


@pytest.fixture
def port(database_url: str, run: Run, tmp_path: Path) -> Port:
    made = Port(database_url, run, tmp_path)
    made.ask(made.furnish)
    return made


def test_a_file_is_sent_in_its_order(port: Port) -> None:
    port.write(*[port.line(str(number)) for number in range(2 * MOST_AT_ONCE + 7)])

    summary = port.load()

    assert port.titles() == [str(number) for number in range(2007)]
    assert (summary["lines"], summary["sent"], summary["rejected"], summary["exit"]) == (2007, 2007, 0, 0)
    assert summary["rejects"] is None
    assert not port.rejects.exists()


def test_what_is_wrong_is_kept_with_its_reason_and_the_rest_is_sent(port: Port) -> None:
    lines = [
        b"\xef\xbb\xbf" + port.line("first"),
        b"",
        b"  \t ",
        b"{",
        b"[]",
        b"\xff\xfe",
        port.line("event", event="snow"),
        port.line("nobody", to={"user": str(uuid4())}),
        port.line(""),
        port.line("\ud800"),
        port.line("wide", data={"x": "y" * 10_000_000}),
        port.line("windows") + b"\r",
        b" " * 10_000_000 + port.line("ten megabytes"),
        b" " * 17_000_000 + port.line("too long"),
        b"[" * 100_000,
        port.line("many", to={"users": [str(port.user)] * 1001}),
        port.line("last"),
    ]
    port.write(*lines)
    port.file.write_bytes(port.file.read_bytes()[:-1])

    summary = port.load()

    assert port.titles() == ["first", "windows", "ten megabytes", "last"]
    assert (summary["lines"], summary["sent"], summary["rejected"], summary["exit"]) == (17, 4, 11, 1)
    assert summary["rejects"] == str(port.rejects)
    rejected = port.rejected()
    assert [(one["line"], one["code"]) for one in rejected] == [
        (4, "invalid_json"),
        (5, "invalid_request"),
        (6, "invalid_utf8"),
        (7, "unknown_event"),
        (8, "unknown_recipient"),
        (9, "invalid_request"),
        (10, "invalid_request"),
        (11, "invalid_request"),
        (14, "line_too_long"),
        (15, "invalid_json"),
        (16, "invalid_request"),
    ]
    assert all(one["message"] for one in rejected)
    assert rejected[0]["original"] == "{"
    assert base64.b64decode(rejected[2]["original_base64"]) == lines[5]
    assert rejected[3]["original"].encode() == lines[6]
    assert rejected[8]["cut"]


def test_every_refused_line_of_a_chunk_is_found(port: Port) -> None:
    numbers = range(300)
    port.write(*[port.line(str(n), event="snow" if n % 37 == 5 else "rain") for n in numbers])

    assert port.load()["rejected"] == 8
    assert port.titles() == [str(n) for n in numbers if n % 37 != 5]
    assert [one["line"] for one in port.rejected()] == [n + 1 for n in numbers if n % 37 == 5]


def test_one_line_may_be_for_many(port: Port) -> None:
    many = {"users": [str(port.user), *(str(uuid4()) for _ in range(3))]}
    port.write(port.line("a"), port.line("b", to=many), port.line("c", to={"everyone": True}))

    assert (port.load()["sent"], sorted(port.titles())) == (2, ["a", "c"])


def test_a_key_is_sent_once_in_any_file(port: Port) -> None:
    key = {"idempotency_key": "k"}
    port.write(port.line("a", **key), port.line("b"), port.line("a", **key), port.line("other", **key))
    first = port.load()
    port.file = port.file.with_name("second.ndjson")
    port.write(port.line("a", **key), port.line("c"))
    second = port.load()

    assert port.titles() == ["a", "b", "c"]
    assert (first["sent"], first["repeated"], first["rejected"]) == (2, 1, 1)
    assert [(one["line"], one["code"]) for one in port.rejected()] == [(4, "idempotency_mismatch")]
    assert (second["sent"], second["repeated"], second["exit"]) == (1, 1, 0)


def test_a_later_line_waits(port: Port) -> None:
    port.write(port.line("later", send_at="2999-01-01T00:00:00Z"), port.line("now"))

    assert port.load()["rejected"] == 1  # more than a year ahead
    assert port.titles() == ["now"]


def test_another_run_sends_only_what_is_new(port: Port) -> None:
    lines = [port.line("a"), b"{", port.line("b")]
    port.write(*lines)
    first, again = port.load(), port.load()
    port.write(*lines, port.line("c"), b"}")
    more = port.load()

    assert port.titles() == ["a", "b", "c"]
    assert [one["line"] for one in port.rejected()] == [2, 5]
    assert (first["resumed_after_line"], again["resumed_after_line"], more["resumed_after_line"]) == (0, 3, 3)
    assert {name: again[name] for name in ("lines", "sent", "rejected", "exit")} == {
        name: first[name] for name in ("lines", "sent", "rejected", "exit")
    }
    assert (more["lines"], more["sent"], more["rejected"]) == (5, 3, 2)


def test_a_new_file_in_the_place_of_a_finished_one_is_sent(port: Port) -> None:
    port.write(port.line("a"), b"{")
    port.load()
    port.write(port.line("b"), b"}", b"}")

    assert (port.load()["sent"], port.titles()) == (1, ["a", "b"])
    assert [one["original"] for one in port.rejected()] == ["}", "}"]


def test_a_restart_sends_all_again(port: Port) -> None:
    port.write(port.line("a"), b"{")
    port.load()

    assert port.load("--restart")["resumed_after_line"] == 0
    assert port.titles() == ["a", "a"]
    assert len(port.rejected()) == 1


def test_an_empty_file_is_in(port: Port) -> None:
    port.file.write_bytes(b"")

    assert (port.load()["lines"], port.load()["exit"]) == (0, 0)


def test_what_cannot_be_imported_is_told(port: Port, tmp_path: Path) -> None:
    port.write(port.line("a"))
    for arguments, code in (
        ([str(tmp_path / "missing")], 2),
        ([str(tmp_path)], 2),
        ([str(port.file), "--rejects", str(port.file)], 2),
        ([], 2),
        ([str(port.file), "--rejects", str(tmp_path / "no" / "folder")], 3),
    ):
        result = port.tidings("import", "notifications", *arguments)
        assert (result.exit_code, result.stdout) == (code, ""), arguments
        assert "Traceback" not in result.stderr
    nowhere = tidings("import", "notifications", str(port.file), database_url="postgresql://x@127.0.0.1:1/x")
    assert nowhere.exit_code == 3
    assert port.titles() == []


# --- real processes ----------------------------------------------------------------------------------------


def command(port: Port, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            *(sys.executable, "-c", "from tidings.cli.main import app; app()"),
            *("import", "notifications", *arguments, "--json"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TIDINGS_DATABASE_URL": port.url},
    )


def until_some_are_there(port: Port, more_than: int) -> None:
    deadline = time.monotonic() + 60
    while len(port.titles()) <= more_than and time.monotonic() < deadline:
        time.sleep(0.01)  # nothing says when another process has committed


def test_who_is_killed_goes_on_and_sends_each_once(port: Port) -> None:
    total, bad = 12_000, 500
    port.write(*[b"{" if n % bad == 7 else port.line(str(n)) for n in range(total)])
    killed = 0
    for _ in range(2):
        process = command(port, str(port.file))
        until_some_are_there(port, len(port.titles()))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
    between = len(port.titles())

    summary = port.load()

    assert killed == 2
    assert 0 < between < total - total // bad
    assert summary["resumed_after_line"] > 0
    assert (summary["lines"], summary["sent"], summary["rejected"]) == (total, total - 24, 24)
    assert port.titles() == [str(n) for n in range(total) if n % bad != 7]
    assert [one["line"] for one in port.rejected()] == [n + 1 for n in range(total) if n % bad == 7]


def test_standard_input_goes_on_under_its_name(port: Port, tmp_path: Path) -> None:
    lines = [port.line(str(n)) + b"\n" for n in range(1500)]
    arguments = ["-", "--name", "backlog", "--rejects", str(tmp_path / "rejects")]
    process = command(port, *arguments)
    assert process.stdin is not None
    process.stdin.write(b"".join(lines[:1200]))
    process.stdin.flush()
    until_some_are_there(port, 0)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert len(port.titles()) == 1000

    other = command(port, *arguments).communicate(b"".join(lines[1:]))
    again = command(port, *arguments)
    out, _ = again.communicate(b"".join(lines))

    assert b"--restart" in other[1]
    assert (again.returncode, json.loads(out)["resumed_after_line"]) == (0, 1000)
    assert port.titles() == [str(n) for n in range(1500)]
    assert not (tmp_path / "rejects").exists()

"""`tidings demo`, as a process of its own: what it prints works."""

from __future__ import annotations

import json
import os
import re
import selectors
import shlex
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import httpx2
import pytest

STARTS_WITHIN = 90  # seconds, on a busy machine


class Demo(NamedTuple):
    process: subprocess.Popen[str]
    first: str  # the first line on standard output
    log: Path


@contextmanager
def demo(
    tmp_path: Path, *options: str, stop: int = signal.SIGTERM, settings: Mapping[str, str] | None = None
) -> Generator[Demo]:
    """A running demo, stopped at the end; that its end is a clean one is checked."""
    log = tmp_path / "stderr"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")}
    environment |= settings or {}
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tidings", "demo", "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
        )
    assert process.stdout is not None
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            assert selector.select(STARTS_WITHIN), log.read_text()
        yield Demo(process, process.stdout.readline(), log)
        process.send_signal(stop)
        assert process.wait(30) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


class Visitor:
    """Uses what a demo printed as JSON."""

    def __init__(self, line: str) -> None:
        self.told = json.loads(line)
        self.users = self.told["users"]
        self.http = httpx2.Client(base_url=self.told["base_url"], timeout=30)

    def bearer(self, token: str, **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}", **more}

    def scoped(self, user: dict[str, Any]) -> dict[str, str]:
        return self.bearer(user["token"], **{"x-business-id": user["business_ids"][0]})

    def login(self, user: dict[str, Any], path: str) -> httpx2.Response:
        return self.http.post(path, json={"email": user["email"], "password": user["password"]})

    def personal(self, user: dict[str, Any]) -> dict[str, str]:
        return self.bearer(self.login(user, "/api/v1/auth/login").json()["data"]["accessToken"])

    def items(self, user: dict[str, Any]) -> list[dict[str, Any]]:
        """Everything that the user can see, in every state."""
        query = "include_terminal=true&include_snoozed=true&limit=1000"
        found: list[dict[str, Any]] = []
        scopes = ["scope=me", *[f"scope=business&scope_id={id_}" for id_ in user["business_ids"]]]
        for scope in [*scopes, *[f"scope=firm&scope_id={id_}" for id_ in user["firm_ids"]]]:
            answer = self.http.get(f"/api/v1/notifications?{scope}&{query}", headers=self.scoped(user))
            assert answer.status_code == 200, answer.text
            found += answer.json()["data"]["items"]
        return found


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Generator[Visitor]:
    """A visitor of a demo that several tests share; none changes what another looks at."""
    with demo(tmp_path_factory.mktemp("demo"), "--json") as running:
        visitor = Visitor(running.first)
        with visitor.http:
            yield visitor


def test_it_prints_what_there_is(visitor: Visitor) -> None:
    told = visitor.told

    assert set(told) == {"base_url", "service_key", "firm_id", "businesses", "users"}
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", told["base_url"])
    assert told["service_key"].startswith("sk_")
    assert UUID(told["firm_id"])
    assert [set(business) for business in told["businesses"]] == [{"id", "name"}] * 3
    keys = {"id", "email", "password", "token", "business_ids", "firm_ids"}
    assert [set(user) for user in told["users"]] == [keys] * 5
    known = {business["id"] for business in told["businesses"]}
    assert all(user["business_ids"] and set(user["business_ids"]) <= known for user in visitor.users)
    assert all(set(user["firm_ids"]) <= {told["firm_id"]} for user in visitor.users)


def test_every_users_credentials_work(visitor: Visitor) -> None:
    for user in visitor.users:
        count = visitor.http.get("/api/v1/notifications/count", headers=visitor.scoped(user))
        assert count.status_code == 200
        unread = visitor.http.get("/api/v1/notifications/unread-count", headers=visitor.personal(user))
        assert unread.status_code == 200


def test_two_users_log_in_as_the_company_of_one_business(visitor: Visitor) -> None:
    companies: list[str] = []
    for user in visitor.users:
        token = visitor.login(user, "/company/auth/login").json()["token"]
        for item in visitor.items(user):
            answer = visitor.http.put(
                f"/company/notifications/read/{item['id']}", headers=visitor.bearer(token)
            )
            if answer.status_code == 200:
                companies.append(answer.json()["company"])
                break
            if answer.json()["message"] == "CIA_NOT_FOUND":
                break

    assert len(companies) == 2
    assert len(set(companies)) == 1


def test_there_is_something_of_everything(visitor: Visitor) -> None:
    items = {item["id"]: item for user in visitor.users for item in visitor.items(user)}
    lanes = {(item["topic"], item["severity"]) for item in items.values() if not item["live"]}
    first, second = visitor.users[:2]
    statuses = {item["status"] for user in visitor.users for item in visitor.items(user)}
    of_second = visitor.http.get("/api/v1/notifications?read=true", headers=visitor.personal(second)).json()

    assert len(items) >= 300
    assert len(lanes) == 30
    assert statuses == {"new", "seen", "dismissed", "snoozed", "resolved"}
    assert sum(item["status"] == "new" for item in visitor.items(first)) > 50
    assert of_second["data"]["total"] > 10
    assert not any("{" in item["title"] + item["body"] for item in items.values())


def test_live_alerts_are_raised_and_the_company_has_pending_actions(visitor: Visitor) -> None:
    first = visitor.users[0]
    live = [item for item in visitor.items(first) if item["live"]]
    token = visitor.login(first, "/company/auth/login").json()["token"]
    shown = visitor.http.get("/company/notifications/dashboard", headers=visitor.bearer(token)).json()

    kinds = {item["event_key"] for item in live}
    assert kinds == {"unsigned_auction", "missing_signature", "low_cash"}
    assert {item["scope_id"] for item in live} < set(first["business_ids"])
    assert shown["companyMissingSignature"] is True
    codes = [item["data"] for item in live if item["event_key"] == "unsigned_auction"]
    assert shown["notSignedAuctions"] == codes
    assert shown["notifications"]


def test_the_backend_can_send(visitor: Visitor) -> None:
    third = visitor.users[2]
    said = {"to": {"user": third["id"]}, "event": "notes.mentioned", "title": "Hello"}

    answer = visitor.http.post(
        "/v1/notifications", json=said, headers=visitor.bearer(visitor.told["service_key"])
    )

    assert answer.status_code == 201
    assert answer.json()["ids"][0] in {item["id"] for item in visitor.items(third)}


def test_a_second_run_goes_on_with_what_is_there(tmp_path: Path, database_url: str) -> None:
    where = ["--json", "--database", database_url]
    with demo(tmp_path, *where, stop=signal.SIGINT) as running:
        visitor = Visitor(running.first)
        with visitor.http:
            user = visitor.users[0]
            marked = visitor.http.post("/api/v1/notifications/mark-all-seen", headers=visitor.scoped(user))
            assert marked.json()["updated"] > 100
            before = visitor.items(user)
    assert running.process.stdout is None or running.process.stdout.closed
    with demo(tmp_path, *where) as again:
        second = Visitor(again.first)
        with second.http:
            assert second.told["firm_id"] == visitor.told["firm_id"]
            assert [one["id"] for one in second.users] == [one["id"] for one in visitor.users]
            assert second.items(second.users[0]) == before == second.items({**user, "token": user["token"]})
            assert second.personal(second.users[1])


def test_json_is_one_line_and_the_rest_goes_to_the_log(tmp_path: Path) -> None:
    with demo(tmp_path, "--json", "--data", str(tmp_path / "data")) as running:
        assert running.process.stdout is not None
        visitor = Visitor(running.first)
        with visitor.http:
            id_ = visitor.http.get("/livez").headers["x-correlation-id"]
        running.process.send_signal(signal.SIGTERM)
        rest = running.process.stdout.read()

    assert rest == ""
    assert id_ in running.log.read_text()
    assert (tmp_path / "data" / "tidings.db").exists()


def test_the_calls_that_it_prints_work_as_printed(tmp_path: Path) -> None:
    with demo(tmp_path) as running:
        assert running.process.stdout is not None
        lines: list[str] = []
        for line in running.process.stdout:
            lines.append(line.rstrip("\n"))
            if "/v1/notifications'" in line and "/api" not in line:  # the last call; its end is five lines on
                lines += [next(running.process.stdout).rstrip("\n") for _ in range(4)]
                break
        calls = re.findall(r"^curl (?:.*\\\n)*.*$", "\n".join(lines), re.MULTILINE)
        answers = [performed(call.replace("\\\n", " ")) for call in calls]

    assert dict(answers) == {
        "GET /api/v1/notifications/count": 200,
        "POST /api/v1/notifications/mark-all-seen": 201,
        "POST /api/v1/auth/login": 200,
        "DELETE /api/v1/notifications/clear-read": 200,
        "POST /company/auth/login": 200,
        "PUT /company/notifications/read/…": 200,
        "POST /v1/inbox/operations": 200,
        "POST /v1/notifications": 201,
    }


def performed(command: str) -> tuple[str, int]:
    """Do what a curl command would do: there need not be one on this machine."""
    return performed_by(shlex.split(command)[1:])


def performed_by(words: list[str]) -> tuple[str, int]:
    """The same, by curl's arguments, which are used up."""
    method, url, headers, body = "GET", "", dict[str, str](), None
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "-H":
            name, _, value = words.pop(0).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = words.pop(0)
        else:
            url = word
    answer = httpx2.request(method, url, headers=headers, content=body, timeout=30)
    path = re.sub(r"/[0-9a-f-]{36}$", "/…", answer.request.url.path)
    return f"{method} {path}", answer.status_code

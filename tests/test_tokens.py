"""API tokens: made, listed and revoked by those whose they are, and when each was used last."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
import sqlalchemy as sa
from hypothesis import given

from tests.conftest import MovingClock, Run
from tests.web import ANY_JSON, ESCAPED, SECRET, Web, anything_goes, served
from tidings.app import create_app
from tidings.errors import Unauthenticated
from tidings.identity.token_uses import TokenUses
from tidings.settings import Settings
from tidings.storage.engine import Database
from tidings.storage.tables import api_token

TOKENS = "/api/v1/tokens"
COUNT = "/api/v1/notifications/count"
UNKNOWN = (404, {"detail": "There is no such token."})


@pytest.fixture
def web(run: Run, database: Database, clock: MovingClock) -> Web:
    return Web(run, database, clock)


class Owner:
    """A user of a business, who calls with a token of theirs."""

    def __init__(self, web: Web) -> None:
        self.web, self.business = web, web.business()
        self.user = web.user(self.business)
        self.headers = web.scoped(self.user, self.business)

    def ask(self, method: str, path: str = TOKENS, *, token: str | None = None, **more: Any) -> Any:
        """Status and answer."""
        headers = self.headers | ({"Authorization": f"Bearer {token}"} if token else {})
        answer = self.web.ask(method, path, headers=headers, **more)
        return answer.status_code, answer.json()

    def create(self, **body: Any) -> dict[str, Any]:
        status, answer = self.ask("POST", json={"name": "laptop"} | body)
        assert status == 201, answer
        return answer["data"]

    def list(self) -> list[dict[str, Any]]:
        status, answer = self.ask("GET")
        assert status == 200, answer
        return answer["data"]["items"]


@pytest.fixture
def owner(web: Web) -> Owner:
    return Owner(web)


# --- creating, listing, revoking ---------------------------------------------------------------------------


def test_a_token_is_told_once_and_is_good_at_once(owner: Owner) -> None:
    answer = owner.web.ask("POST", TOKENS, headers=owner.headers, json={"name": "  laptop "})

    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    envelope = answer.json()
    data = envelope.pop("data")
    token = data.pop("token")
    assert envelope == {"success": True, "message": "Token created", "code": "OK"}
    assert token.startswith("dz_")
    assert data == {
        "id": data["id"],
        "name": "laptop",
        "created_at": "2026-03-02T09:30:00Z",
        "expires_at": None,
        "last_used_at": None,
    }
    assert owner.ask("GET", COUNT, token=token)[0] == 200
    assert token not in owner.web.ask("GET", TOKENS, headers=owner.headers).text


def test_the_list_has_what_is_active_newest_first(owner: Owner) -> None:
    owner.web.clock.move(seconds=1)
    brief = owner.create(name="brief", expires_in_days=1)
    gone = owner.create(name="gone")
    owner.web.clock.move(seconds=1)
    last = owner.create(name="last", expires_in_days=365)
    assert last["expires_at"] == "2027-03-02T09:30:02Z"
    owner.ask("DELETE", f"{TOKENS}/{gone['id']}")

    status, answer = owner.ask("GET")

    items = answer.pop("data")["items"]
    assert (status, answer) == (200, {"success": True, "message": "Tokens listed", "code": "OK"})
    assert [item["name"] for item in items] == ["last", "brief", "test"]
    assert items[1] == {name: value for name, value in brief.items() if name != "token"}
    owner.web.clock.move(days=1)
    assert [item["name"] for item in owner.list()] == ["last", "test"]


def test_a_revoked_token_holds_no_longer_at_once_and_in_every_process(owner: Owner) -> None:
    made = owner.create()
    other = create_app(owner.web.settings, database=owner.web.database)

    async def asked() -> int:
        transport = httpx2.ASGITransport(other)
        headers = owner.headers | {"Authorization": f"Bearer {made['token']}"}
        async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
            return (await client.get(COUNT, headers=headers)).status_code

    assert owner.web.run(asked()) == 200
    status, answer = owner.ask("DELETE", f"{TOKENS}/{made['id']}")

    assert (status, answer["message"], answer["data"]["id"]) == (200, "Token revoked", made["id"])
    assert "token" not in answer["data"]
    assert owner.web.run(asked()) == 401
    assert owner.ask("GET", COUNT, token=made["token"])[0] == 401


def test_a_token_can_revoke_itself(owner: Owner) -> None:
    made = owner.create()

    assert owner.ask("DELETE", f"{TOKENS}/{made['id']}", token=made["token"])[0] == 200
    assert owner.ask("DELETE", f"{TOKENS}/{made['id']}", token=made["token"])[0] == 401


def test_what_is_not_an_active_token_of_the_caller_is_not_found(owner: Owner) -> None:
    revoked, expired = owner.create(), owner.create(expires_in_days=1)
    another = Owner(owner.web).create()
    owner.ask("DELETE", f"{TOKENS}/{revoked['id']}")
    owner.web.clock.move(days=1)
    foreign = another["id"]

    for token_id in (revoked["id"], expired["id"], foreign, uuid4(), "laptop", "%00", "%ff", "0" * 40):
        assert owner.ask("DELETE", f"{TOKENS}/{token_id}") == UNKNOWN, token_id
    headers = {"Authorization": f"Bearer {another['token']}", "x-business-id": str(owner.business.id)}
    assert owner.web.ask("GET", TOKENS, headers=headers).status_code == 403  # it still holds


def test_a_user_has_at_most_ten_active_tokens(owner: Owner) -> None:
    made = [owner.create(name=f"No. {number}") for number in range(9)]

    assert owner.ask("POST", json={"name": "the eleventh"}) == (
        400,
        {"detail": "A user has at most 10 active tokens."},
    )
    owner.ask("DELETE", f"{TOKENS}/{made[4]['id']}")
    owner.create()
    assert len(owner.list()) == 10


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({}, "name"),
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "x", "expires_in_days": 0}, "expires_in_days"),
        ({"name": "x", "expires_in_days": 366}, "expires_in_days"),
        ({"name": "x", "expires_in_days": 10**30}, "expires_in_days"),
        ({"name": "x", "expires_in_days": 1.5}, "expires_in_days"),
        ({"name": "x", "expires_in_days": "soon"}, "expires_in_days"),
    ],
)
def test_what_does_not_fit_is_told_where(owner: Owner, body: dict[str, Any], loc: str) -> None:
    status, answer = owner.ask("POST", json=body)

    assert (status, answer["detail"][0]["loc"]) == (422, ["body", loc])
    assert len(owner.list()) == 1


@pytest.mark.parametrize("name", ["   ", "a\0b", "a\nb", "\x1b[2J"])
def test_a_name_that_cannot_be_kept_or_shown_is_a_400(owner: Owner, name: str) -> None:
    status, answer = owner.ask("POST", json={"name": name})

    assert status == 400
    assert answer["detail"].startswith("name must have")


def test_checks_come_in_the_order_of_the_contract(owner: Owner) -> None:
    elsewhere = owner.headers | {"x-business-id": str(owner.web.business().id)}
    bad = {"name": "a\0b"}
    calls = [("GET", TOKENS, {}), ("POST", TOKENS, {"json": {"name": "x"}})]
    calls += [("DELETE", f"{TOKENS}/{uuid4()}", {})]

    for method, path, more in calls:
        token_only = {"Authorization": owner.headers["Authorization"]}
        assert owner.web.ask(method, path, headers={"x-business-id": "x"}, **more).status_code == 401
        missing = owner.web.ask(method, path, headers=token_only, **more)
        assert (missing.status_code, missing.json()["detail"][0]["loc"]) == (422, ["header", "x-business-id"])
        assert owner.web.ask(method, path, headers=elsewhere, **more).status_code == 403
    assert owner.web.ask("POST", TOKENS, headers=elsewhere, json=bad).status_code == 400
    assert owner.web.ask("POST", TOKENS, headers=elsewhere, json={}).status_code == 422
    assert len(owner.list()) == 1


@anything_goes
@given(body=ANY_JSON, octets=ESCAPED)
def test_nothing_sent_is_an_error_of_the_server(owner: Owner, body: Any, octets: str) -> None:
    content = json.dumps({"name": body, "expires_in_days": body}).encode()
    headers = owner.headers | {"Content-Type": "application/json"}

    assert owner.web.ask("POST", TOKENS, headers=headers, content=content).status_code in (400, 422)
    assert owner.web.ask("DELETE", f"{TOKENS}/x{octets}", headers=owner.headers).status_code in (404, 405)


# --- when it was used last ---------------------------------------------------------------------------------


def last_used(web: Web, token_id: UUID | str) -> Any:
    chosen = sa.select(api_token.c.last_used_at).where(api_token.c.token_id == UUID(str(token_id)))
    return web.write(lambda store: store.scalar(chosen))


def test_the_use_of_a_token_is_known_to_the_minute(web: Web) -> None:
    owner, uses = Owner(web), TokenUses(web.database)
    made, unused = owner.create(), owner.create()
    first = web.clock.move(seconds=5)

    web.run(uses.user(made["token"]))
    web.run(uses.write())
    assert last_used(web, made["id"]) == first
    web.clock.move(seconds=59)
    web.run(uses.user(made["token"]))
    web.run(uses.write())
    assert last_used(web, made["id"]) == first
    second = web.clock.move(seconds=1)
    web.run(uses.user(made["token"]))
    web.run(uses.write())
    assert last_used(web, made["id"]) == second
    assert last_used(web, unused["id"]) is None
    assert [item["last_used_at"] for item in owner.list() if item["id"] == made["id"]] == [
        "2026-03-02T09:31:05Z"
    ]


def test_what_another_process_noted_within_the_minute_stands(web: Web) -> None:
    owner = Owner(web)
    made = owner.create()
    one, other = TokenUses(web.database), TokenUses(web.database)
    web.run(one.user(made["token"]))
    web.run(other.user(made["token"]))
    noted = web.clock.at
    web.run(one.write())
    web.clock.move(seconds=30)
    web.run(other.user(made["token"]))

    web.run(other.write())

    assert last_used(web, made["id"]) == noted


def test_a_request_writes_nothing_and_waits_for_no_writer(web: Web) -> None:
    owner, uses = Owner(web), TokenUses(web.database)
    made = owner.create()

    async def while_somebody_writes() -> UUID:
        async with web.database.begin() as store:
            await store.accounts.lock(owner.user)
            return await asyncio.wait_for(uses.user(made["token"]), 30)

    assert web.run(while_somebody_writes()) == owner.user
    assert last_used(web, made["id"]) is None


def test_a_use_that_cannot_be_written_fails_no_call_and_is_written_later(web: Web) -> None:
    owner, uses = Owner(web), TokenUses(web.database)
    made, table = owner.create(), api_token.name

    async def rename(old: str, new: str) -> None:
        async with web.database.begin() as store:
            await store.connection.execute(sa.text(f"ALTER TABLE {old} RENAME TO {new}"))

    web.run(uses.user(made["token"]))
    web.run(rename(table, "elsewhere"))
    with pytest.raises(Exception, match=table):
        web.run(uses.write())
    web.run(rename("elsewhere", table))
    assert last_used(web, made["id"]) is None
    web.run(uses.write())

    assert last_used(web, made["id"]) == web.clock.at


def test_nothing_is_noted_for_who_is_refused(web: Web) -> None:
    owner, uses = Owner(web), TokenUses(web.database)
    made = owner.create(expires_in_days=1)
    web.clock.move(days=1)

    for token in (made["token"], "dz_unknown", "sk_x", ""):
        with pytest.raises(Unauthenticated):
            web.run(uses.user(token))
    web.run(uses.write())

    assert last_used(web, made["id"]) is None


def test_the_server_writes_what_was_used_at_its_end_at_the_latest(web: Web) -> None:
    owner = Owner(web)
    made = [owner.create() for _ in range(3)]
    settings = Settings(database_url="sqlite://", secret=SECRET, migrate_on_start=False)
    app = create_app(settings, database=web.database)

    async def lives() -> None:
        async with served(app) as client:
            for one in made:
                headers = owner.headers | {"Authorization": f"Bearer {one['token']}"}
                assert (await client.get(COUNT, headers=headers)).status_code == 200

    at = web.clock.move(seconds=7)
    web.run(lives())

    assert [last_used(web, one["id"]) for one in made] == [at] * 3


def test_many_uses_are_written_in_several_turns(web: Web) -> None:
    business, uses = web.business(), TokenUses(web.database)
    tokens = [web.api_token(web.user(business)) for _ in range(120)]

    async def used() -> None:
        for token in tokens:
            await uses.user(token)

    web.run(used())
    web.run(uses.write())

    at = api_token.c.last_used_at == web.clock.at
    counted = sa.select(sa.func.count()).select_from(api_token).where(at)
    assert web.write(lambda store: store.scalar(counted)) == 120

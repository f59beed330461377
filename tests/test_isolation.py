"""Nothing of one business, firm, user or company is read, counted, marked or detected by another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from tests.conftest import MovingClock, Run
from tests.web import PASSWORD, Web, own
from tidings.identity import directory
from tidings.model import Action, Address, Audience, Severity
from tidings.storage.engine import Database

LIST = "/api/v1/notifications"
SCOPED_COUNT = "/api/v1/notifications/count"
MARK = "/api/v1/notifications/mark-all-seen"
PERSONAL_COUNT = "/api/v1/notifications/unread-count"
CLEAR = "/api/v1/notifications/clear-read"
READ = "/company/notifications/read"
MARKER = "only-theirs"


class Party:
    """Somebody with a business, a firm and a company, in all of which there is something."""

    def __init__(self, web: Web, name: str) -> None:
        self.web, self.name = web, name
        self.business, self.firm = web.business(name=f"{name} {MARKER}"), web.firm()
        self.user = web.user(self.business, self.firm, email=f"{name}@example.com")
        self.clerk = web.user(company_id=self.business.id)
        self.token = web.api_token(self.user)
        self.told: list[UUID] = []
        for to in (own(self.user), self.business, self.firm):
            self.told += web.tell(to, title=f"{name} {MARKER}", data={"of": name}, times=4)
        web.mark(self.user, Action.SEEN, self.told[::4])
        web.mark(self.user, Action.READ, self.told[1::4])
        web.mark(self.user, Action.PIN, self.told[2::4])

    @property
    def scoped(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "x-business-id": str(self.business.id)}

    @property
    def personal(self) -> dict[str, str]:
        return self.web.personal(self.user)

    @property
    def company(self) -> dict[str, str]:
        return self.web.company(self.clerk)

    def inbox(self) -> list[Any]:
        """All that this party sees, by every list and count that there is."""
        seen: list[Any] = []
        everything = {"include_terminal": "true", "include_snoozed": "true", "limit": "1000"}
        for scope, scope_id in (("me", ""), ("business", self.business.id), ("firm", self.firm.id)):
            query = everything | {"scope": scope, "scope_id": str(scope_id)}
            seen.append(self.web.ask("GET", LIST, headers=self.scoped, params=query).json())
        for unread_only in ("true", "false"):
            query = {"unread_only": unread_only}
            seen.append(self.web.ask("GET", SCOPED_COUNT, headers=self.scoped, params=query).json())
        seen.append(self.web.ask("GET", LIST, headers=self.personal, params={"limit": 50}).json())
        seen.append(self.web.ask("GET", PERSONAL_COUNT, headers=self.personal).json())
        return seen

    def levels(self) -> list[tuple[Any, ...]]:
        """What the company has read: nobody lists it yet, so it is asked for where it is kept."""

        async def rows(store: Any) -> Any:
            found = await store.readers.standings(
                self.business.id, [place_key(p) for p in await store.streams.places(self.told)]
            )
            return sorted((key, str(standing)) for key, standing in found.items())

        return self.web.write(rows)


def place_key(place: Any) -> tuple[UUID, int, int]:
    return place.stream_id, place.lane, place.position


class Two:
    """Two parties of one server that have nothing to do with each other."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.ada, self.bob = Party(web, "adalgisa"), Party(web, "bertolt")


@pytest.fixture
def two(run: Run, database: Database, clock: MovingClock) -> Two:
    return Two(Web(run, database, clock))


def bare(answer: httpx2.Response) -> tuple[int, Any, dict[str, str]]:
    """All of an answer but what differs between any two: the correlation id and what is left of a quota."""
    headers = {
        name: value for name, value in answer.headers.items() if name not in ("x-correlation-id", "ratelimit")
    }
    body = answer.json()
    if "error" in body:
        body["error"].pop("correlationId")
    return answer.status_code, body, headers


Ask = Callable[[str], httpx2.Response]


def probes(party: Party, kind: str) -> Iterator[tuple[str, Ask]]:
    """Every call in which `party` can name an id of this kind."""
    ask, scoped = party.web.ask, party.scoped
    if kind == "notification":
        company = party.company
        yield "company, path", lambda id_: ask("PUT", f"{READ}/{id_}", headers=company)
        yield "company, query", lambda id_: ask("PUT", READ, headers=company, params={"id": id_})
        yield "company, body", lambda id_: ask("PUT", READ, headers=company, json={"id": id_})
        return
    for scope in ("business", "firm"):
        for method, path in (("GET", LIST), ("POST", MARK)):
            place = "params" if method == "GET" else "json"
            yield (
                f"scoped, {method} {scope}",
                lambda id_, m=method, p=path, w=place, s=scope: ask(
                    m, p, headers=scoped, **{w: {"scope": s, "scope_id": id_, "live_business_id": id_}}
                ),
            )
    for name in ("scope_business_id", "business_id"):
        yield (
            f"scoped, count {name}",
            lambda id_, n=name: ask("GET", SCOPED_COUNT, headers=scoped, params={n: id_}),
        )
    for method, path in (("GET", LIST), ("GET", SCOPED_COUNT), ("POST", MARK)):
        yield (
            f"scoped, header {method} {path}",
            lambda id_, m=method, p=path: ask(m, p, headers=scoped | {"x-business-id": id_}),
        )


def test_what_is_anothers_cannot_be_told_from_what_is_not_there(two: Two, subtests: pytest.Subtests) -> None:
    ada, bob = two.ada, two.bob
    theirs = {
        "notification": ada.told,
        "scope": [ada.business.id, ada.firm.id, ada.user, ada.clerk, *ada.told[:1]],
    }

    for kind, ids in theirs.items():
        for label, ask in probes(bob, kind):
            nothing = bare(ask(str(uuid4())))
            assert nothing[0] in (403, 404), label
            for id_ in ids:
                with subtests.test(f"{label}: {id_}"):
                    assert bare(ask(str(id_))) == nothing


def test_nothing_of_another_is_in_any_list_or_count(two: Two) -> None:
    two.web.tell(own(two.ada.user), two.ada.business, two.ada.firm, title=MARKER, times=30)

    seen = two.bob.inbox()

    lists = [answer["data"]["items"] for answer in seen if "items" in answer["data"]]
    assert [len(items) for items in lists] == [4, 4, 4, 4]
    titles = {item["title"] for items in lists for item in items}
    assert titles == {f"bertolt {MARKER}"}
    assert "adalgisa" not in str(seen)
    assert [answer["data"]["count"] for answer in seen if "count" in answer["data"]] == [6, 12, 3]


def test_nothing_that_one_does_shows_in_the_others_inbox(two: Two) -> None:
    ada, bob = two.ada, two.bob
    before, levels = ada.inbox(), ada.levels()

    for kind in ("notification", "scope"):
        for _label, ask in probes(bob, kind):
            for id_ in [*ada.told, ada.business.id, ada.firm.id, ada.user]:
                ask(str(id_))
    assert two.web.ask("POST", MARK, headers=bob.scoped, json={}).json() == {"updated": 6}
    assert two.web.ask("DELETE", CLEAR, headers=bob.personal).json()["data"] == {"deleted": 1}
    for id_ in bob.told[4:8]:
        assert two.web.ask("PUT", f"{READ}/{id_}", headers=bob.company).status_code == 200

    assert ada.inbox() == before
    assert ada.levels() == levels


def test_a_colleagues_state_is_their_own(two: Two) -> None:
    web, ada = two.web, two.ada
    colleague = web.user(ada.business, ada.firm)
    [shared] = web.tell(ada.business, title="for both")
    headers = web.scoped(colleague, ada.business)
    before = ada.inbox()

    assert web.ask("POST", MARK, headers=headers).json() == {"updated": 1}  # what came since they joined
    assert web.ask("DELETE", CLEAR, headers=web.personal(colleague)).json()["data"] == {"deleted": 0}
    assert ada.inbox() == before
    query = {"scope": "business", "scope_id": str(ada.business.id)}
    [item] = web.ask("GET", LIST, headers=headers, params=query).json()["data"]["items"]
    assert (item["id"], item["status"]) == (str(shared), "seen")
    assert web.ask("GET", LIST, headers=headers).json()["data"]["items"] == []


def test_a_company_and_the_businesss_users_have_their_own_state(two: Two) -> None:
    web, ada = two.web, two.ada
    before = ada.inbox()

    nothing = ada.levels()
    for id_ in ada.told[4:8]:
        assert web.ask("PUT", f"{READ}/{id_}", headers=ada.company).json()["isRead"] is True
    assert ada.inbox() == before

    levels = ada.levels()
    assert levels != nothing
    web.ask("POST", MARK, headers=ada.scoped)
    web.ask("DELETE", CLEAR, headers=ada.personal)
    assert ada.levels() == levels


def test_a_firm_does_not_read_its_clients_businesses(two: Two) -> None:
    web = two.web
    client = web.business(firm_id=two.ada.firm.id)
    before = two.ada.inbox()
    web.tell(client, title=MARKER, times=3)

    assert two.ada.inbox() == before
    for label, ask in probes(two.ada, "scope"):
        assert bare(ask(str(client.id))) == bare(ask(str(uuid4()))), label


def test_who_left_sees_and_marks_nothing_there_any_more(two: Two) -> None:
    web, ada, bob = two.web, two.ada, two.bob
    web.write(lambda store: directory.join(store, bob.user, ada.business))
    web.tell(ada.business, title="while bob was there")
    query = {"scope": "business", "scope_id": str(ada.business.id)}
    assert len(web.ask("GET", LIST, headers=bob.scoped, params=query).json()["data"]["items"]) == 1
    before = ada.inbox()

    web.write(lambda store: directory.leave(store, bob.user, ada.business))

    assert web.ask("GET", LIST, headers=bob.scoped, params=query).status_code == 403
    for label, ask in probes(bob, "scope"):
        assert bare(ask(str(ada.business.id))) == bare(ask(str(uuid4()))), label
    assert web.ask("GET", SCOPED_COUNT, headers=bob.scoped).json()["data"] == {"count": 6}
    assert web.ask("POST", MARK, headers=bob.scoped).json() == {"updated": 6}
    assert ada.inbox() == before


def test_a_cursor_opens_nobody_elses_list(two: Two) -> None:
    query = {"limit": "2"}
    cursor = two.web.ask("GET", LIST, headers=two.ada.scoped, params=query).json()["data"]["next_cursor"]

    answer = two.web.ask("GET", LIST, headers=two.bob.scoped, params=query | {"cursor": cursor})

    assert answer.status_code == 400
    assert "items" not in answer.text


def test_a_credential_of_one_surface_is_none_on_another(two: Two) -> None:
    web, ada = two.web, two.ada
    business = {"x-business-id": str(ada.business.id)}
    tokens = {
        "scoped": ada.token,
        "personal": web.jwt(ada.clerk, "personal"),
        "company": web.jwt(ada.clerk, "company"),
        "native": web.jwt(ada.clerk, "native"),
    }
    calls = {
        "scoped": [("GET", LIST), ("GET", SCOPED_COUNT), ("POST", MARK)],
        "personal": [("GET", PERSONAL_COUNT), ("DELETE", CLEAR)],
        "company": [("PUT", f"{READ}/{ada.told[4]}")],
        "native": [("POST", "/v1/notifications"), ("PUT", f"/v1/users/{uuid4()}")],
    }

    for surface, wanted in calls.items():
        for method, path in wanted:
            for of, token in tokens.items():
                headers = {"Authorization": f"Bearer {token}"} | (business if surface == "scoped" else {})
                answer = web.ask(method, path, headers=headers, json={})
                refused = answer.status_code == 401
                assert refused == (surface != of or surface == "native"), (surface, of, answer.text)


def test_a_company_reads_no_users_and_no_firms_streams(two: Two) -> None:
    ada = two.ada
    nothing = bare(two.web.ask("PUT", f"{READ}/{uuid4()}", headers=ada.company))

    for id_ in [*ada.told[:4], *ada.told[8:]]:
        assert bare(two.web.ask("PUT", f"{READ}/{id_}", headers=ada.company)) == nothing
    for clerk in (ada.user, two.bob.user):  # members, but of no company
        answer = two.web.ask("PUT", f"{READ}/{ada.told[4]}", headers=two.web.company(clerk))
        assert answer.json() == {"message": "CIA_NOT_FOUND", "status": 401}


def test_whether_an_address_is_known_cannot_be_asked(two: Two) -> None:
    for path in ("/api/v1/auth/login", "/company/auth/login"):
        known, unknown = (
            bare(two.web.ask("POST", path, json={"email": email, "password": "wrong"}))
            for email in ("adalgisa@example.com", "nobody@example.com")
        )
        assert known == unknown
    assert two.web.ask(
        "POST", "/api/v1/auth/login", json={"email": "adalgisa@example.com", "password": PASSWORD}
    ).is_success


def test_a_topic_of_the_catalog_tells_nothing_of_who_uses_it(two: Two) -> None:
    web, ada, bob = two.web, two.ada, two.bob
    web.tell(ada.business, event="payroll_run", topic="payroll", severity=Severity.URGENT)

    for query in ({"topic": "payroll"}, {"severity": "urgent"}, {"status": "seen", "topic": "payroll"}):
        assert web.ask("GET", LIST, headers=bob.scoped, params=query).json()["data"]["items"] == []
        body = {name: [value] for name, value in query.items() if name != "status"}
        assert web.ask("POST", MARK, headers=bob.scoped, json=body).json() == {"updated": 0}


def test_an_id_belongs_to_one_kind_of_stream_alone(two: Two) -> None:
    """A business with the id of a user would read the user's stream."""
    with pytest.raises(Exception, match="id belongs to something else"):
        two.web.write(lambda store: directory.put_business(store, two.ada.user, name="Mallory"))
    foreign = Address(audience=Audience.FIRM, id=two.ada.business.id)
    with pytest.raises(Exception, match="no firm"):
        two.web.write(lambda store: directory.join(store, two.bob.user, foreign))

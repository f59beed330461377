"""Live alerts: raised and cleared by the backend, dismissed by each reader, brought back by an undo."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx2
import pytest
import sqlalchemy as sa

from tests.conftest import MovingClock, Run
from tests.web import Web, own
from tidings.errors import (
    AlertNotFound,
    LaterBulkStands,
    NotFound,
    NotUndoable,
    OperationNotFound,
    TidingsError,
)
from tidings.identity import directory
from tidings.identity.tokens import issue_service_key
from tidings.inbox import alerts, operations
from tidings.inbox.undo import undo
from tidings.model import Action, Alert, LiveAlert, Outcome, Reader, ReaderKind, Scope, Selection, Severity
from tidings.storage.engine import Database
from tidings.storage.store import Store
from tidings.storage.tables import alert_dismissal

T = TypeVar("T")


class World:
    """A business with a member, and its backend."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.business, self.other = web.business(), web.business()
        self.user, self.colleague = web.user(self.business, self.other), web.user(self.business)
        self.reader = Reader(id=self.user)

    @property
    def company(self) -> Reader:
        return Reader(id=self.business.id, kind=ReaderKind.COMPANY)

    def raise_(self, id_: str, business: UUID | None = None, **content: Any) -> Alert:
        """Raise an alert, a second later than what was before."""
        self.web.clock.move(seconds=1)
        return self.web.alert(business or self.business.id, id_, **content)

    def clear(self, id_: str) -> None:
        self.web.write(lambda store: alerts.clear(store, self.business.id, id_))

    def has(self, reader: Reader | None = None, selection: Selection | None = None) -> list[str]:
        """The ids of what the reader has of the business."""
        who, what, at = reader or self.reader, selection or Selection(), self.business.id
        found = self.web.write(lambda store: alerts.standing(store, who, at, what))
        return [one.alert.id for one in found]

    def dismiss(self, id_: str, reader: Reader | None = None, first: UUID | None = None) -> Outcome:
        who, at = reader or self.reader, first or self.business.id
        return self.web.write(lambda store: operations.dismiss_alert(store, who, id_, first=at))

    def dismiss_all(self, selection: Selection | None = None, live_of: UUID | None = None) -> Outcome:
        what, at = selection or Selection(), live_of or self.business.id
        return self.web.write(
            lambda store: operations.mark_all(store, self.reader, Action.DISMISS, what, live_of=at)
        )

    def undo(self, done: Outcome, reader: Reader | None = None) -> Outcome:
        assert done.operation is not None
        operation = done.operation
        return self.web.write(lambda store: undo(store, reader or self.reader, operation))

    def find(self, id_: str, first: UUID | None = None) -> LiveAlert:
        at = first or self.business.id
        return self.web.write(lambda store: alerts.find(store, self.reader, id_, first=at))

    def rows(self) -> list[Any]:
        """All that is kept of the reader."""

        async def kept(store: Store) -> list[Any]:
            turn = await store.readers.lock(self.reader)
            held = await store.alerts.held(self.user, [self.business.id, self.other.id])
            return [turn and turn.op, held]

        return self.web.write(kept)


@pytest.fixture
def world(run: Run, database: Database, clock: MovingClock) -> World:
    return World(Web(run, database, clock))


# --- episodes ----------------------------------------------------------------------------------------------


def test_raising_again_changes_the_episode_and_after_a_clear_begins_another(world: World) -> None:
    first = world.raise_("low-cash", body="Soon.", data={"balance": 7})
    changed = world.raise_("low-cash", severity=Severity.URGENT, title="Now", kind="no_cash")

    assert (first.raised_at, first.body, first.data) == (first.updated_at, "Soon.", {"balance": 7})
    assert (changed.episode, changed.raised_at) == (first.episode, first.raised_at)
    assert changed.updated_at > first.updated_at
    told = (changed.kind, changed.severity, changed.title, changed.body, changed.data)
    assert told == ("no_cash", Severity.URGENT, "Now", None, {})
    assert world.find("low-cash").alert == changed

    world.clear("low-cash")
    assert world.has() == []
    again = world.raise_("low-cash")
    assert again.episode != first.episode
    assert again.raised_at == again.updated_at > changed.updated_at
    assert world.has() == ["low-cash"]


def test_dismissals_of_what_has_ended_are_forgotten_with_the_next_one(world: World) -> None:
    """A backend may have a new id for each condition, and they should not pile up."""
    for number in range(3):
        world.raise_(f"invoice-{number}")
        world.dismiss(f"invoice-{number}")
    world.clear("invoice-0")
    world.clear("invoice-1")
    world.web.clock.move(minutes=11)
    world.raise_("invoice-3")
    world.dismiss("invoice-3")

    async def kept(store: Store) -> list[str]:
        rows = await store.connection.all(sa.select(alert_dismissal.c.alert_id))
        return sorted(row.alert_id for row in rows)

    assert world.web.write(kept) == ["invoice-2", "invoice-3"]
    assert world.has() == []


def test_a_business_has_an_id_of_its_own_and_what_is_not_raised_cannot_be_cleared(world: World) -> None:
    world.raise_("low-cash")
    world.raise_("low-cash", world.other.id)
    world.clear("low-cash")

    assert world.has() == []
    assert world.find("low-cash").alert.business_id == world.other.id
    with pytest.raises(AlertNotFound):
        world.clear("low-cash")
    with pytest.raises(NotFound):
        world.raise_("low-cash", uuid4())
    with pytest.raises(NotFound):
        world.raise_("low-cash", world.user)


def test_a_reader_has_them_newest_first_by_severity_and_by_kind_where_topics_are_named(world: World) -> None:
    world.raise_("cash", kind="low_cash", severity=Severity.URGENT)
    world.raise_("link", kind="plaid")
    world.raise_("tax", kind="tax", severity=Severity.URGENT)
    world.raise_("cash", kind="low_cash", severity=Severity.URGENT)  # a change does not make it newer
    urgent = frozenset({Severity.URGENT})

    assert world.has() == ["tax", "link", "cash"]
    assert world.has(selection=Selection(severities=urgent)) == ["tax", "cash"]
    assert world.has(selection=Selection(topics=frozenset({"plaid", "billing"}))) == ["link"]
    assert world.has(selection=Selection(topics=frozenset({"plaid"}), severities=urgent)) == []
    assert world.has(world.company) == ["tax", "link", "cash"]


# --- dismissing --------------------------------------------------------------------------------------------


def test_a_dismissal_is_personal_holds_through_changes_and_ends_with_the_episode(world: World) -> None:
    raised = world.raise_("low-cash")
    at = world.web.clock.move(minutes=1)

    done = world.dismiss("low-cash")

    assert (done.changed, done.updated) == (1, 1)
    assert world.find("low-cash") == LiveAlert(alert=raised, dismissed_at=at)
    assert world.has() == []
    assert world.has(Reader(id=world.colleague)) == ["low-cash"] == world.has(world.company)
    world.raise_("low-cash", title="Lower")
    assert world.has() == []
    world.clear("low-cash")
    world.raise_("low-cash")
    assert world.has() == ["low-cash"]
    assert world.find("low-cash").dismissed_at is None
    assert world.dismiss("low-cash").changed == 1
    assert world.has() == []


def test_a_repeat_changes_and_writes_nothing(world: World) -> None:
    world.raise_("low-cash")
    world.dismiss("low-cash")
    before = world.rows()
    world.web.clock.move(minutes=1)

    assert world.dismiss("low-cash") == Outcome(operation=None, changed=0, updated=0)
    assert world.dismiss_all().operation is None
    with pytest.raises(AlertNotFound):
        world.dismiss("stale-link")
    assert world.rows() == before


def test_one_business_is_looked_at_first_and_then_the_others_that_are_read(
    world: World,
) -> None:
    stranger = world.web.business()
    world.raise_("here")
    world.raise_("both")
    world.raise_("both", world.other.id)
    world.raise_("both", stranger.id)
    world.raise_("theirs", stranger.id)

    def of(id_: str, first: UUID) -> UUID:
        return world.find(id_, first).alert.business_id

    assert of("both", world.business.id) == world.business.id
    assert of("both", world.other.id) == world.other.id
    assert of("here", world.other.id) == world.business.id
    assert of("both", stranger.id) == world.other.id  # not what is not theirs, but the newest that is
    for id_ in ("theirs", "nowhere", "", "\0", "\ud800", "x" * 256):
        with pytest.raises(AlertNotFound):
            of(id_, stranger.id)


def test_a_company_dismisses_for_itself(world: World) -> None:
    world.raise_("low-cash")
    world.raise_("low-cash", world.other.id)

    world.raise_("theirs", world.other.id)

    world.dismiss("low-cash", world.company, first=world.other.id)

    assert world.has(world.company) == []
    assert world.has() == ["low-cash"]
    with pytest.raises(AlertNotFound):
        world.dismiss("theirs", world.company)


def test_a_bulk_dismissal_takes_the_live_alerts_that_match(world: World) -> None:
    world.raise_("cash", severity=Severity.URGENT)
    world.raise_("link", kind="billing")
    world.raise_("elsewhere", world.other.id)
    world.dismiss(world.raise_("gone").id)
    world.web.tell(own(world.user), world.business, times=3)
    mine = Selection(scope=Scope.ME)

    by_severity = world.dismiss_all(Selection(scope=Scope.ME, severities=frozenset({Severity.URGENT})))
    assert (by_severity.updated, world.has()) == (1, ["link"])
    assert world.dismiss_all(Selection(topics=frozenset({"month_end"}))).updated == 0
    assert world.dismiss_all(mine).updated == 3 + 1
    assert world.has() == []
    assert world.dismiss_all(mine) == Outcome(operation=None, changed=0, updated=0)
    assert world.dismiss_all(mine, live_of=world.other.id).updated == 1
    assert world.dismiss_all().updated == 3


@pytest.mark.parametrize("action", [Action.SEEN, Action.READ, Action.DELETE])
def test_no_other_bulk_operation_touches_them(world: World, action: Action) -> None:
    world.raise_("cash")
    at = world.business.id

    done = world.web.write(lambda s: operations.mark_all(s, world.reader, action, live_of=at))

    assert (done.changed, world.has()) == (0, ["cash"])


# --- undo --------------------------------------------------------------------------------------------------


def test_an_undo_brings_back_what_was_dismissed_by_id_and_in_bulk(world: World) -> None:
    world.raise_("cash")
    world.raise_("link")
    world.web.tell(own(world.user), times=3)
    by_id = world.dismiss("cash")
    bulk = world.dismiss_all()
    assert (bulk.updated, world.has()) == (4, [])

    with pytest.raises(LaterBulkStands):
        world.undo(by_id)
    undone = world.undo(bulk)
    assert (undone.changed, undone.updated, world.has()) == (4, 4, ["link"])
    assert world.undo(by_id).updated == 1
    assert world.has() == ["link", "cash"]
    for done in (by_id, bulk):
        with pytest.raises(NotUndoable):
            world.undo(done)


def test_a_bulk_operation_that_dismissed_live_alerts_alone_can_be_undone_and_stands_until_then(
    world: World,
) -> None:
    (id_,) = world.web.tell(own(world.user))
    seen = world.web.mark(world.user, Action.SEEN, [id_])
    world.raise_("cash")
    bulk = world.dismiss_all(Selection(scope=Scope.BUSINESS, scope_id=world.business.id))
    assert bulk.updated == 1

    with pytest.raises(LaterBulkStands):
        world.undo(seen)
    assert world.undo(bulk).updated == 1
    assert world.has() == ["cash"]
    assert world.undo(seen).updated == 1


def test_a_dismissal_by_id_stands_in_nobodys_way(world: World) -> None:
    (id_,) = world.web.tell(own(world.user))
    seen = world.web.mark(world.user, Action.SEEN, [id_])
    world.raise_("cash")
    world.dismiss("cash")

    assert world.undo(seen).updated == 1
    assert world.has() == []


def test_an_undo_is_in_time_for_ten_minutes_and_no_longer(world: World) -> None:
    world.raise_("cash")
    by_id = world.dismiss("cash")
    world.web.clock.move(minutes=10)
    assert world.undo(by_id).updated == 1
    bulk = world.dismiss_all()
    world.web.clock.move(minutes=10, seconds=1)

    with pytest.raises(NotUndoable):
        world.undo(bulk)
    assert world.has() == []


def test_an_undo_counts_what_is_there_again_and_nothing_else(world: World) -> None:
    for id_ in ("lasts", "cleared", "anew"):
        world.raise_(id_)
    bulk = world.dismiss_all()
    world.clear("cleared")
    world.clear("anew")
    world.raise_("anew")
    world.dismiss("anew")

    assert world.undo(bulk).updated == 1
    assert world.has() == ["lasts"]  # the new episode was dismissed by another operation


def test_an_undo_after_which_nothing_is_there_again_answers_none_and_makes_room_for_the_one_before(
    world: World,
) -> None:
    world.raise_("first")
    before = world.dismiss("first")
    world.raise_("cash")
    bulk = world.dismiss_all()
    world.clear("cash")

    assert world.undo(bulk) == Outcome(operation=None, changed=0, updated=0)
    assert world.undo(before).updated == 1


def test_who_left_the_business_gets_nothing_of_it_back(world: World) -> None:
    world.raise_("cash")
    done = world.dismiss("cash")
    world.web.write(lambda store: directory.leave(store, world.user, world.business))

    assert world.undo(done).updated == 0
    with pytest.raises(AlertNotFound):
        world.find("cash")


def test_nobody_undoes_anothers(world: World) -> None:
    world.raise_("cash")
    done = world.dismiss("cash")

    with pytest.raises(OperationNotFound):
        world.undo(done, Reader(id=world.colleague))
    assert world.has() == []


def test_clear_read_ends_the_undo_of_dismissals_before_it(world: World) -> None:
    (id_,) = world.web.tell(own(world.user))
    world.raise_("cash")
    done = world.dismiss("cash")
    world.web.mark(world.user, Action.READ, [id_])
    world.web.write(lambda store: operations.clear_read(store, world.reader))

    with pytest.raises(LaterBulkStands):
        world.undo(done)


# --- at once -----------------------------------------------------------------------------------------------


def together(world: World, *works: Callable[[Store], Awaitable[T]]) -> list[T | TidingsError]:
    """Each in a transaction of its own, all at once; what each answered, or why it was refused."""

    async def one(work: Callable[[Store], Awaitable[T]]) -> T | TidingsError:
        try:
            async with world.web.database.begin() as store:
                return await work(store)
        except TidingsError as error:
            return error

    async def all_() -> list[T | TidingsError]:
        return await asyncio.gather(*[one(work) for work in works])

    return world.web.run(all_())


def test_of_several_dismissals_at_once_one_counts(world: World) -> None:
    world.raise_("cash")
    world.raise_("link")
    at, reader = world.business.id, world.reader

    def by_id(store: Store) -> Awaitable[Outcome]:
        return operations.dismiss_alert(store, reader, "cash", first=at)

    def bulk(store: Store) -> Awaitable[Outcome]:
        return operations.mark_all(store, reader, Action.DISMISS, live_of=at)

    outcomes = together(world, by_id, bulk, by_id, bulk)

    assert sum(one.updated for one in outcomes if isinstance(one, Outcome)) == 2
    assert world.has() == []


def test_of_several_raises_at_once_one_begins_the_episode(world: World) -> None:
    async def raised(store: Store) -> bool:
        return (
            await alerts.raise_alert(
                store, world.business.id, "cash", kind="low_cash", severity=Severity.INFO, title="Cash"
            )
        )[1]

    assert sorted(str(one) for one in together(world, *[raised] * 5)) == ["False"] * 4 + ["True"]


def test_whatever_happens_at_once_an_episode_is_dismissed_by_who_could_see_it(world: World) -> None:
    at, reader = world.business.id, world.reader
    for turn in range(10):
        before = world.raise_("cash")

        async def dismissed(store: Store) -> Any:
            return await operations.dismiss_alert(store, reader, "cash", first=at)

        async def raised_anew(store: Store) -> Any:
            await alerts.clear(store, at, "cash")
            return await alerts.raise_alert(
                store, at, "cash", kind="low_cash", severity=Severity.INFO, title="Anew"
            )

        works = [dismissed, raised_anew] if turn % 2 else [raised_anew, dismissed]
        outcomes = together(world, *works)
        now = world.find("cash")
        assert now.alert.episode != before.episode
        done = outcomes[works.index(dismissed)]
        assert isinstance(done, Outcome | AlertNotFound)
        if now.dismissed_at is None and isinstance(done, Outcome):
            assert world.dismiss("cash").updated == 1  # it was the episode before that was dismissed
        world.clear("cash")


# --- over HTTP ---------------------------------------------------------------------------------------------


class Backend:
    """The product's backend, with a service key."""

    def __init__(self, world: World) -> None:
        self.world = world
        _, key = world.web.write(lambda store: issue_service_key(store, "backend"))
        self.headers = {"Authorization": f"Bearer {key}"}
        self.said: dict[str, Any] = {"kind": "low_cash", "severity": "urgent", "title": "Low on cash"}

    def path(self, id_: str, business: Any = None) -> str:
        return f"/v1/businesses/{business or self.world.business.id}/live-alerts/{id_}"

    def put(self, id_: str, business: Any = None, **changes: Any) -> httpx2.Response:
        said = {name: value for name, value in (self.said | changes).items() if value is not ...}
        headers = self.headers | {"Content-Type": "application/json"}
        return self.world.web.ask("PUT", self.path(id_, business), headers=headers, content=json.dumps(said))

    def delete(self, id_: str, business: Any = None) -> httpx2.Response:
        return self.world.web.ask("DELETE", self.path(id_, business), headers=self.headers)


@pytest.fixture
def backend(world: World) -> Backend:
    return Backend(world)


def refused(answer: httpx2.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def test_the_backend_raises_changes_and_clears(backend: Backend) -> None:
    first = backend.put("low-cash", body="7 € are left.", data={"balance": 7})
    backend.world.web.clock.move(minutes=1)
    changed = backend.put("low-cash", severity="info")

    assert (first.status_code, changed.status_code) == (201, 200)
    told = first.json()
    assert told == {
        "id": "low-cash",
        "business_id": str(backend.world.business.id),
        "episode": told["episode"],
        "kind": "low_cash",
        "severity": "urgent",
        "title": "Low on cash",
        "body": "7 € are left.",
        "data": {"balance": 7},
        "raised_at": "2026-03-02T09:30:00Z",
        "updated_at": "2026-03-02T09:30:00Z",
    }
    later = {"severity": "info", "body": None, "data": {}, "updated_at": "2026-03-02T09:31:00Z"}
    assert changed.json() == told | later
    cleared = backend.delete("low-cash")
    assert (cleared.status_code, cleared.content) == (204, b"")
    refused(backend.delete("low-cash"), 404, "alert_not_found")
    again = backend.put("low-cash")
    assert again.status_code == 201
    assert again.json()["episode"] != told["episode"]


def test_what_is_unknown_is_not_found(backend: Backend) -> None:
    world = backend.world
    for business in (uuid4(), world.user, world.web.firm().id):
        refused(backend.put("low-cash", business), 404, "not_found")
        refused(backend.delete("low-cash", business), 404, "not_found")
    backend.put("low-cash", world.other.id)
    refused(backend.delete("low-cash"), 404, "alert_not_found")
    assert backend.delete("low-cash", world.other.id).status_code == 204


IDS = ["a", "a/b/c", "bank:7?", "Größe 💌", "..", "%2e", "a b", "x" * 255, "live:x", "'; --", "0"]


def test_an_id_is_any_text_of_up_to_255_characters(backend: Backend, subtests: pytest.Subtests) -> None:
    for id_ in IDS:
        with subtests.test(id_[:20]):
            path = "".join(f"%{octet:02x}" for octet in id_.encode())
            answer = backend.put(path)
            assert (answer.status_code, answer.json()["id"]) == (201, id_)
            assert backend.world.find(id_).alert.id == id_
            assert backend.delete(path).status_code == 204
    for path in ("", "%00", "a%00b", "x" * 256, "%f0%9f%92%8c" * 256):
        with subtests.test(path[:20]):
            refused(backend.put(path), 422, "invalid_request")
            refused(backend.delete(path), 422, "invalid_request")
    refused(backend.put("a", "no-uuid"), 422, "invalid_request")


FITS: list[dict[str, Any]] = [
    {"kind": "x" * 64},
    {"title": "x" * 500},
    {"body": "x" * 20_000},
    {"body": None},
    {"data": {"n": [1, 2**64 - 1, -(2**63), 1.5, None, True, {"": ""}]}},
    {"data": {"": "x" * (64 * 1024 - 7)}},
]
UNFIT: list[tuple[dict[str, Any], str]] = [
    ({"kind": ...}, "kind"),
    ({"kind": ""}, "kind"),
    ({"kind": "x" * 65}, "kind"),
    ({"kind": "a\0b"}, "kind"),
    ({"kind": 7}, "kind"),
    ({"severity": ...}, "severity"),
    ({"severity": "loud"}, "severity"),
    ({"severity": None}, "severity"),
    ({"title": ...}, "title"),
    ({"title": ""}, "title"),
    ({"title": "x" * 501}, "title"),
    ({"title": "\ud800"}, "title"),
    ({"body": "x" * 20_001}, "body"),
    ({"body": "\0"}, "body"),
    ({"data": None}, "data"),
    ({"data": []}, "data"),
    ({"data": {"a\0": 1}}, "data"),
    ({"data": {"a": 2**64}}, "data"),
    ({"data": {"": "x" * (64 * 1024 - 6)}}, "data"),
    ({"raised_at": "2026-03-02T09:30:00Z"}, "raised_at"),
]


def test_what_fits_is_kept_and_what_does_not_is_refused_with_its_place(
    backend: Backend, subtests: pytest.Subtests
) -> None:
    for changes in FITS:
        with subtests.test(repr(changes)[:60]):
            answer = backend.put("a", **changes)
            assert answer.is_success, answer.text
            assert answer.json() | changes == answer.json()
    for changes, field in UNFIT:
        with subtests.test(repr(changes)[:60]):
            answer = backend.put("unfit", **changes)
            refused(answer, 422, "invalid_request")
            assert answer.json()["errors"][0]["loc"][:2] == ["body", field]
    headers = backend.headers | {"Content-Type": "application/json"}
    for body in (b"", b"null", b"[]", b"{", b"\xff", b"[" * 100_000):
        answer = backend.world.web.ask("PUT", backend.path("unfit"), headers=headers, content=body)
        assert answer.status_code in (400, 422)
    refused(backend.delete("unfit"), 404, "alert_not_found")


def test_a_repeat_with_the_same_key_is_answered_as_the_first_time(backend: Backend) -> None:
    keyed = backend.headers | {"Idempotency-Key": "k1"}
    ask, path = backend.world.web.ask, backend.path("a")
    first = ask("PUT", path, headers=keyed, json=backend.said)
    backend.delete("a")

    again = ask("PUT", path, headers=keyed, json=backend.said)

    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    refused(backend.delete("a"), 404, "alert_not_found")
    refused(ask("PUT", path, headers=keyed, json=backend.said | {"title": "x"}), 422, "idempotency_mismatch")


def test_only_a_service_key_raises_and_clears(backend: Backend) -> None:
    world = backend.world
    backend.put("a")
    tokens = (world.web.scoped(world.user, world.business), world.web.personal(world.user), {})
    for headers in tokens:
        for method in ("PUT", "DELETE"):
            answer = world.web.ask(method, backend.path("a"), headers=headers, json={"kind": 7})
            refused(answer, 401, "unauthenticated")
    assert backend.delete("a").status_code == 204

"""The Python client with a real `tidings serve`, on both databases: every method, sync and async."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests import reports
from tests.conftest import BACKENDS, OpenDatabase, Run
from tests.either import Either
from tests.servers import SECRET, serve
from tidings.client import AsyncInbox, AsyncTidings, Inbox, Tidings
from tidings.client.errors import Conflict, InvalidRequest, NotFound, Unauthenticated, Unreachable
from tidings.client.values import (
    Bounces,
    ChannelPreference,
    EventPreference,
    IgnoredReport,
    Item,
    Operation,
    Preferences,
    QuietHours,
    SavedTemplate,
    SuppressedAddress,
    Tally,
    TemplateKey,
)
from tidings.delivery.channels.email.message_ids import MessageIds
from tidings.identity import tokens


@pytest.fixture(scope="module", params=BACKENDS)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Any
) -> Generator[tuple[str, str]]:
    """The addresses of a running server and of its database."""
    folder = tmp_path_factory.mktemp("client")
    if request.param == "sqlite":
        shutil.copy(sqlite_template, folder / "tidings.db")
        database_url = f"sqlite:///{folder}/tidings.db"
    else:
        new_url: Callable[[], str] = request.getfixturevalue("new_postgres_url")
        database_url = new_url()
    server = serve(database_url, folder / "log")
    yield server.ready().base_url, database_url
    assert server.stop() == 0


class World(Either):
    """A backend that has a business with one user, who has an inbox."""

    def __init__(self, run: Run, url: str, service_key: str, kind: str) -> None:
        super().__init__(run)
        self.url, self._kind = url, kind
        self.opened: list[Any] = []
        self.tidings: Any = self._open(Tidings, AsyncTidings, service_key)
        self.user, self.business = uuid4(), uuid4()
        self(self.tidings.put_business(self.business, name="Lind"))
        self.inbox: Any = self.reader(self.user)
        self(self.tidings.join_business(self.business, self.user))
        for event, topic in (("paid", "billing"), ("overdue", "billing"), ("mentioned", "notes")):
            self(self.tidings.put_event(event, topic=topic))

    def reader(self, user: UUID) -> Any:
        """The inbox of a user, who is made."""
        self(self.tidings.put_user(user))
        return self.opens(self(self.tidings.issue_token(user)).token)

    def opens(self, token: str) -> Any:
        return self._open(Inbox, AsyncInbox, token)

    def _open(self, sync: Callable[..., Any], async_: Callable[..., Any], token: str) -> Any:
        made = sync if self._kind == "sync" else async_
        self.opened.append(made(self.url, token))
        return self.opened[-1]

    def close(self) -> None:
        for one in self.opened:
            self(one.close() if self._kind == "sync" else one.aclose())

    def tell(self, title: str = "Paid", event: str = "paid", **more: Any) -> UUID:
        """The id of one more notification of the user's own."""
        [id_] = self(self.tidings.send(**{"to": {"user": self.user}, "event": event, "title": title, **more}))
        return id_

    def items(self, **search: Any) -> list[Item]:
        return self.all(self.inbox.items(**search))

    def titles(self, **search: Any) -> list[str]:
        return [item.title for item in self.items(**search)]


@pytest.fixture(params=["sync", "async"])
def world(
    request: pytest.FixtureRequest, served: tuple[str, str], run: Run, open_database: OpenDatabase
) -> Generator[World]:
    url, database_url = served

    async def issued() -> str:
        async with open_database(database_url).begin() as store:
            return (await tokens.issue_service_key(store, "tests"))[1]

    made = World(run, url, run(issued()), request.param)
    yield made
    made.close()


# --- backends ----------------------------------------------------------------------------------------------


def test_what_is_put_is_answered(world: World) -> None:
    tidings, user, business, firm = world.tidings, uuid4(), uuid4(), uuid4()

    put_firm = world(tidings.put_firm(firm, name="Reckoners"))
    put_business = world(tidings.put_business(business, name="Acme", firm_id=firm))
    email = f"{user}@example.com"
    put_user = world(
        tidings.put_user(user, email=email, password="a secret", company_id=business, locale="pt-BR")
    )
    put_event = world(
        tidings.put_event("a.b", topic="a", severity="urgent", channels={"email": True}, critical=True)
    )
    weekly = world(tidings.put_event("a.c", topic="a", digest="weekly"))
    escalates = world(tidings.put_event("a.d", topic="a", escalate_after_minutes=90))

    assert (put_firm.id, put_firm.name) == (firm, "Reckoners")
    assert (put_business.firm_id, put_business.status) == (firm, "active")
    assert (put_user.email, put_user.company_id, put_user.role) == (email, business, "member")
    assert put_user.locale == "pt-BR"
    assert abs(put_user.created_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert (put_event.key, put_event.severity, put_event.critical) == ("a.b", "urgent", True)
    assert (weekly.digest, weekly.escalate_after_minutes) == ("weekly", None)
    assert (escalates.digest, escalates.escalate_after_minutes) == ("at_once", 90)
    assert put_event.channels["email"] is True
    assert world(tidings.put_user(user, role="operator")) == replace(put_user, role="operator")


def test_what_mails_say_is_written_shown_and_removed(world: World) -> None:
    tidings, event = world.tidings, f"event.{uuid4().hex}"
    world(tidings.put_event(event, topic="a"))
    id_ = world.tell(event=event, title="Paid")

    put = world(tidings.put_template(event, "pt_BR", subject="Olá: {{ title }}", words={"inbox": "Abrir"}))
    wide = world(tidings.put_template("*", "*"))
    shown = world(tidings.preview(event, locale="pt-BR", notification_id=id_))
    other = world(tidings.preview_unsaved(event, notification_id=id_, subject="Hello: {{ title }}"))

    assert (put.event, put.locale, put.subject, put.layout) == (event, "pt-br", "Olá: {{ title }}", None)
    assert (put.words["inbox"], put.words["language"]) == ("Abrir", "pt-BR")
    assert (wide.event, wide.locale) == ("*", "*")
    assert world(tidings.template(event, "PT-BR")) == put
    saved = SavedTemplate(event=event, locale="pt-br", updated_at=put.updated_at)
    assert world(tidings.templates(event)) == (saved,)
    assert (shown.subject, shown.template) == ("Olá: Paid", TemplateKey(event=event, locale="pt-br"))
    assert (other.subject, other.template) == ("Hello: Paid", None)
    assert "Abrir" in shown.text
    assert "Abrir" in shown.html

    world(tidings.remove_template(event, "pt-BR"))
    world(tidings.remove_template("*", "*"))
    with pytest.raises(NotFound):
        world(tidings.template(event, "pt-BR"))
    with pytest.raises(InvalidRequest, match="subject, line 1: nothing is called 'titel'"):
        world(tidings.put_template(event, "pt", subject="{{ titel }}"))


def test_who_joins_a_business_or_a_firm_reads_it_until_they_leave(world: World) -> None:
    tidings, firm = world.tidings, uuid4()
    world(tidings.put_firm(firm, name="Reckoners"))
    world(tidings.join_firm(firm, world.user))
    said = [
        {"to": {"firm": firm}, "event": "paid", "title": "to the firm"},
        {"to": {"business": world.business}, "event": "paid", "title": "to the business"},
    ]

    world(tidings.send_batch(said))

    assert set(world.titles()) == {"to the business", "to the firm"}
    assert world.titles(scope="firm", scope_id=firm) == ["to the firm"]
    assert world.titles(scope="business", scope_id=world.business) == ["to the business"]
    world(tidings.leave_firm(firm, world.user))
    world(tidings.leave_business(world.business, world.user))
    assert world.titles() == []


def test_what_is_sent_arrives_as_it_was(world: World) -> None:
    at = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    id_ = world.tell(
        "Überfällig",
        "overdue",
        body="since March",
        severity="warning",
        data={"amount": 12.5, "of": [None, True]},
        actions=[{"label": "Open"}],
        occurred_at=at,
        expires_at=at.replace(year=9000),
    )

    item: Item = world(world.inbox.get(id_))

    assert [item] == world.items()
    assert (item.id, item.title, item.body, item.event) == (id_, "Überfällig", "since March", "overdue")
    assert (item.topic, item.severity, item.status, item.scope) == ("billing", "warning", "new", "me")
    assert item.data == {"amount": 12.5, "of": [None, True]}
    assert item.actions == ({"label": "Open"},)
    assert (item.occurred_at, item.expires_at) == (at, at.replace(year=9000))
    assert (item.scope_id, item.seen_at, item.position) == (None, None, 1)


def test_a_key_of_the_backends_own_sends_once(world: World) -> None:
    key = str(uuid4())

    assert world.tell("Paid", idempotency_key=key) == world.tell("Paid", idempotency_key=key)
    assert world.titles() == ["Paid"]
    with pytest.raises(InvalidRequest) as refused:
        world.tell("Something else", idempotency_key=key)
    assert refused.value.code == "idempotency_mismatch"


def test_what_was_withdrawn_is_gone(world: World) -> None:
    id_ = world.tell()
    world(world.tidings.withdraw(id_))

    with pytest.raises(NotFound) as absent:
        world(world.inbox.get(id_))

    assert absent.value.code == "notification_not_found"
    assert world.titles() == []
    with pytest.raises(NotFound):
        world(world.tidings.withdraw(id_))


def test_what_is_sent_later_waits_and_can_be_called_off(world: World) -> None:
    at = datetime.now(UTC) + timedelta(days=1)
    id_ = world.tell("Tomorrow", send_at=at)

    waiting = world(world.tidings.scheduled(id_))
    world(world.tidings.withdraw(id_))
    called_off = world(world.tidings.scheduled(id_))

    assert (waiting.id, waiting.title, waiting.event) == (id_, "Tomorrow", "paid")
    assert (waiting.to, waiting.send_at) == ({"user": str(world.user)}, at)
    assert (waiting.state, waiting.notification_id, waiting.finished_at) == ("waiting", None, None)
    assert called_off.state == "called_off"
    assert world.titles() == []
    with pytest.raises(NotFound) as unknown:
        world(world.tidings.scheduled(uuid4()))
    assert unknown.value.code == "schedule_not_found"


def test_what_comes_back_for_a_mail_is_taken(world: World) -> None:
    tidings, address = world.tidings, f"{world.user}@example.org"
    world(tidings.put_user(world.user, email=address))
    ours = MessageIds(SECRET.encode()).of(uuid4(), world.user, "acme.example")

    taken = [world(tidings.take_bounces(reports.postfix(id_, address))) for id_ in (ours, "<1@acme.example>")]

    assert taken == [
        Bounces(suppressed=(SuppressedAddress(address=address, reason="bounce"),), ignored=()),
        Bounces(suppressed=(), ignored=(IgnoredReport(address=address, reason="not_ours"),)),
    ]
    with pytest.raises(InvalidRequest, match="no report"):
        world(tidings.take_bounces(b""))


def test_an_alert_is_raised_changed_and_cleared(world: World) -> None:
    tidings, business = world.tidings, world.business
    said: dict[str, Any] = {"kind": "low_cash", "severity": "warning", "title": "Low on cash"}

    raised = world(tidings.raise_alert(business, "low/cash", **said))
    changed = world(tidings.raise_alert(business, "low/cash", **said, body="3 days left", data={"days": 3}))
    world(tidings.clear_alert(business, "low/cash"))

    assert (raised.id, raised.business_id, raised.body) == ("low/cash", business, None)
    assert (changed.episode, changed.body, changed.data) == (raised.episode, "3 days left", {"days": 3})
    with pytest.raises(NotFound):
        world(tidings.clear_alert(business, "low/cash"))


def test_a_reader_has_the_alerts_of_a_business_until_dismissed(world: World) -> None:
    said: dict[str, Any] = {"kind": "low_cash", "severity": "warning", "title": "Low on cash"}
    raised = world(world.tidings.raise_alert(world.business, "low/cash", **said))

    assert world(world.inbox.alerts()) == (raised,)
    assert world(world.inbox.alerts(world.business)) == (raised,)
    done = world(world.inbox.dismiss_alert(world.business, "low/cash"))
    assert world(world.inbox.alerts()) == ()
    world(world.inbox.undo(done))
    assert world(world.inbox.alerts()) == (raised,)


def test_errors_say_what_the_server_said(world: World) -> None:
    with pytest.raises(InvalidRequest) as unknown:
        world.tell(event="no.such.event")
    with pytest.raises(InvalidRequest) as unfit:
        world.tell(title="")
    with pytest.raises(Unauthenticated) as stranger:
        world.all(world.opens("dz_nobodys").items())
    email = f"{uuid4()}@example.com"
    world(world.tidings.put_user(uuid4(), email=email))
    with pytest.raises(Conflict) as taken:
        world(world.tidings.put_user(uuid4(), email=email))

    assert (unknown.value.status, unknown.value.code) == (422, "unknown_event")
    assert unfit.value.code == "invalid_request"
    assert unfit.value.details["errors"][0]["loc"] == ["body", "title"]
    assert stranger.value.code == "unauthenticated"
    assert taken.value.code == "email_taken"
    for refused in (unknown, unfit, stranger, taken):
        assert UUID(refused.value.correlation_id)


def test_a_server_that_is_not_there_is_unreachable(run: Run) -> None:
    waited: list[float] = []
    with Tidings("http://127.0.0.1:9", "sk_", sleep=waited.append) as tidings, pytest.raises(Unreachable):
        tidings.withdraw(uuid4())

    assert len(waited) == 3


# --- readers -----------------------------------------------------------------------------------------------


def test_every_filter_finds_what_it_names(world: World) -> None:
    first = world.tell("An invoice is paid", body="by Müller")
    world.tell("An invoice is overdue", "overdue", severity="urgent")
    world.tell("You were mentioned", "mentioned", severity="warning")
    world(world.tidings.send(to={"business": world.business}, event="paid", title="Paid to all"))
    world(world.inbox.read(first))
    since = world(world.inbox.get(first)).created_at + timedelta(microseconds=1)

    assert len(world.items()) == 4
    assert world.titles(scope="business", scope_id=world.business) == ["Paid to all"]
    assert world.titles(topic="notes") == ["You were mentioned"]
    assert len(world.titles(topic=["notes", "billing"])) == 4
    assert world.titles(severity=["urgent"]) == ["An invoice is overdue"]
    assert world.titles(event="mentioned", scope="me") == ["You were mentioned"]
    assert world.titles(q="müller INVOICE") == ["An invoice is paid"]
    assert world.titles(status="seen") == ["An invoice is paid"]
    assert len(world.titles(unread=True)) == 3
    assert len(world.titles(since=since)) == 3


def test_pages_follow_each_other(world: World) -> None:
    for number in range(5):
        world.tell(f"No. {number}")

    page = world(world.inbox.page(limit=2))
    after = world(world.inbox.page(limit=2, cursor=page.next_cursor))

    newest_first = [f"No. {number}" for number in (4, 3, 2, 1, 0)]
    assert [item.title for item in page.items + after.items] == newest_first[:4]
    assert world.titles(page_size=2) == newest_first
    assert world(world.inbox.page()).next_cursor is None


def test_counts_are_parted(world: World) -> None:
    read = world.tell(severity="urgent")
    world.tell(event="mentioned")
    world(world.tidings.send(to={"business": world.business}, event="paid", title="Paid to all"))
    world(world.inbox.read(read))

    counts = world(world.inbox.counts())

    assert (counts.total, counts.unseen, counts.unread) == (3, 2, 2)
    by_scope = {(one.scope, one.scope_id): (one.total, one.unseen) for one in counts.by_scope}
    assert by_scope == {("me", None): (2, 1), ("business", world.business): (1, 1)}
    assert counts.by_topic["notes"] == Tally(total=1, unseen=1, unread=1)
    assert counts.by_severity["urgent"] == Tally(total=1, unseen=0, unread=0)
    assert world(world.inbox.counts(scope="me", topic="billing")).unread == 0


@pytest.mark.parametrize(("by_ids", "left"), [("seen", 3), ("read", 3), ("dismiss", 0), ("delete", 0)])
def test_what_raises_does_so_by_ids_and_by_filter_and_is_undone(world: World, by_ids: str, left: int) -> None:
    ids = [world.tell(f"No. {number}") for number in range(3)]
    do, do_all = getattr(world.inbox, by_ids), getattr(world.inbox, f"{by_ids}_all")

    some: Operation = world(do(*ids[:2]))
    again: Operation = world(do(*ids[:2]))
    all_: Operation = world(do_all(topic="billing"))
    undone: Operation = world(world.inbox.undo(all_))
    world(world.inbox.undo(some))
    up_to: Operation = world(do_all(up_to=ids[0]))

    assert (some.updated, all_.updated, undone.updated, up_to.updated) == (2, 1, 1, 1)
    assert (again.operation, again.updated) == (None, 0)
    assert some.counts.unseen == 1
    assert all_.counts == Tally(total=left, unseen=0, unread=3 if by_ids == "seen" else 0)
    assert up_to.counts.unseen == 2


def test_what_lowers_takes_back(world: World) -> None:
    inbox, id_ = world.inbox, world.tell()
    until = datetime.now(UTC) + timedelta(hours=1)

    def status_after(made: Any) -> tuple[int, str, bool]:
        done: Operation = world(made)
        item = world(inbox.get(id_))
        return done.updated, item.status, item.read_at is not None

    assert status_after(inbox.dismiss(id_)) == (1, "dismissed", True)
    assert status_after(inbox.restore(id_)) == (1, "seen", True)
    assert status_after(inbox.unread(id_)) == (1, "seen", False)
    assert status_after(inbox.snooze(id_, until=until)) == (1, "snoozed", False)
    assert world(inbox.get(id_)).snoozed_until == until
    assert status_after(inbox.unsnooze(id_)) == (1, "new", False)
    assert status_after(inbox.resolve(id_)) == (1, "resolved", False)


def test_pinned_ones_come_first(world: World) -> None:
    id_ = world.tell("first")
    world.tell("second")

    world(world.inbox.pin(id_))
    assert [(item.title, item.pinned) for item in world.items()] == [("first", True), ("second", False)]
    world(world.inbox.unpin(id_))
    assert world.titles() == ["second", "first"]


def test_what_was_read_is_cleared(world: World) -> None:
    read = world.tell("read")
    world.tell("unread")
    world(world.inbox.read(read))

    assert world(world.inbox.clear_read(topic="billing")).updated == 1
    assert world.titles() == ["unread"]


def test_what_is_preferred_is_answered_with_where_it_comes_from(world: World) -> None:
    inbox = world.inbox
    world(world.tidings.put_event("fire", topic="alarm", channels={"email": True}, critical=True))

    def of(event: str, preferences: Preferences) -> EventPreference:
        [found] = [one for one in preferences.events if one.event == event]
        return found

    before = world(inbox.preferences())
    world(inbox.prefer_topic("billing", {"push": True}))
    chosen = world(inbox.prefer_event("paid", {"push": False, "email": True}))
    taken_back = world(inbox.prefer_event("paid", {"email": None, "push": None}))

    assert of("paid", before).channels["push"] == ChannelPreference(enabled=False, source="default")
    assert of("paid", chosen).channels["push"] == ChannelPreference(enabled=False, source="event")
    assert of("paid", chosen).channels["email"] == ChannelPreference(enabled=True, source="event")
    assert of("overdue", chosen).channels["push"] == ChannelPreference(enabled=True, source="topic")
    assert chosen.topics["billing"]["push"] == ChannelPreference(enabled=True, source="topic")
    assert chosen.topics["billing"]["email"] == ChannelPreference(enabled=True, source="default")
    assert chosen.topics["alarm"]["push"] == ChannelPreference(enabled=True, source="default")
    assert of("paid", taken_back).channels["push"] == ChannelPreference(enabled=True, source="topic")
    assert of("paid", taken_back).topic == "billing"
    assert of("fire", before).critical
    assert of("fire", before).channels["email"].source == "critical"
    assert "in_app" in before.available_channels
    assert world(inbox.preferences()) == taken_back


def test_quiet_hours_are_set_and_cleared(world: World) -> None:
    hours = {"begins": "22:00", "ends": "07:00", "time_zone": "Europe/Lisbon"}

    assert world(world.inbox.set_quiet_hours(**hours)).quiet_hours == QuietHours(**hours)
    assert world(world.inbox.preferences()).quiet_hours == QuietHours(**hours)
    assert world(world.inbox.clear_quiet_hours()).quiet_hours is None
    with pytest.raises(InvalidRequest):
        world(world.inbox.set_quiet_hours(**{**hours, "time_zone": "Middle/Earth"}))


def test_an_undo_that_cannot_be_says_why(world: World) -> None:
    id_ = world.tell()
    some, _ = world(world.inbox.seen(id_)), world(world.inbox.read_all())

    with pytest.raises(Conflict) as stands:
        world(world.inbox.undo(some))
    with pytest.raises(NotFound) as unknown:
        world(world.inbox.undo(uuid4()))

    assert stands.value.code == "later_bulk_stands"
    assert unknown.value.code == "operation_not_found"

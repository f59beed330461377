"""A walk through the core: every public function of inbox/ and identity/, each with something to do."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import time, timedelta
from typing import Any, TypeVar
from uuid import UUID

from tests.conftest import MovingClock
from tidings.delivery import (
    digest,
    health,
    mail_previews,
    mail_templates,
    pacing,
    policy,
    record,
    reports,
    subscriptions,
)
from tidings.delivery.channels.email.bounces import Kind, Report
from tidings.delivery.channels.email.message_ids import MessageIds
from tidings.delivery.channels.email.templates import Template, compile_template
from tidings.delivery.pacing import Limits
from tidings.errors import TidingsError
from tidings.identity import directory, tickets, tokens
from tidings.identity.sessions import Sessions
from tidings.identity.token_uses import TokenUses
from tidings.ids import uuid7
from tidings.inbox import (
    alerts,
    catalog,
    counts,
    feed,
    operations,
    preferences,
    quiet_hours,
    retention,
    scheduling,
    unsubscribing,
    upkeep,
)
from tidings.inbox import leaving as leaving_inbox
from tidings.inbox.append import append, withdraw
from tidings.inbox.folding import fold
from tidings.inbox.live import Telling
from tidings.inbox.reach import reach_of
from tidings.inbox.undo import undo
from tidings.model import (
    EVERYONE,
    OPEN,
    PRESENT,
    READ,
    UNREAD,
    UNSEEN,
    Action,
    Address,
    Audience,
    Draft,
    QuietHours,
    Reader,
    ReaderKind,
    Rhythm,
    Scope,
    Selection,
    Severity,
    View,
)
from tidings.storage.engine import Database
from tidings.storage.idempotency import First
from tidings.storage.jobs import Attempt, JobStatus, Reason
from tidings.storage.logs import StreamEnd
from tidings.storage.store import Store

T = TypeVar("T")
PASSWORD = "a long enough password"


@dataclass(frozen=True, kw_only=True)
class World:
    """A user, a business and a firm of which the user is a member, and the business's company."""

    user: UUID
    business: UUID
    firm: UUID

    @property
    def reader(self) -> Reader:
        return Reader(id=self.user)

    @property
    def company(self) -> Reader:
        return Reader(id=self.business, kind=ReaderKind.COMPANY)

    @property
    def streams(self) -> list[Address]:
        return [
            Address(audience=Audience.USER, id=self.user),
            Address(audience=Audience.BUSINESS, id=self.business),
            Address(audience=Audience.FIRM, id=self.firm),
            Address(audience=Audience.EVERYONE, id=EVERYONE),
        ]


class Walk:
    """Does one thing after the other, each in a transaction of its own."""

    def __init__(self, database: Database, clock: MovingClock) -> None:
        self._database = database
        self._clock = clock

    async def do(self, work: Callable[[Store], Awaitable[T]]) -> T:
        self._clock.move(seconds=1)
        async with self._database.begin() as store:
            return await work(store)

    async def refused(self, work: Callable[[Store], Awaitable[Any]]) -> None:
        try:
            await self.do(work)
        except TidingsError:
            return
        raise AssertionError("this should have been refused")


async def walk(database: Database, clock: MovingClock) -> None:
    """All of it. The clock must be the database's."""
    steps = Walk(database, clock)
    world = await people(steps)
    await credentials(steps, database, world)
    await other_channels(steps, world)
    await sending(steps, world)
    await delivering(steps, world)
    await reading(steps, world)
    await by_selection(steps, world)
    await by_ids(steps, world)
    await live_alerts(steps, world)
    await following(steps, database, world)
    await erasing(steps, database, clock, world)
    await folding(steps, database, clock, world)
    await leaving(steps, world)


async def people(steps: Walk) -> World:
    at = await steps.do(lambda store: store.now())
    world = World(user=uuid7(at), business=uuid7(at), firm=uuid7(at))
    await steps.do(lambda s: directory.put_firm(s, world.firm, name="Brand & Partners"))
    await steps.do(lambda s: directory.put_firm(s, world.firm, name="Brand, Partners"))
    await steps.do(lambda s: directory.put_business(s, world.business, name="Lindt", firm_id=world.firm))
    await steps.do(lambda s: directory.put_business(s, world.business, name="Lind"))
    user = {"email": "ada@example.org", "password": PASSWORD, "company_id": world.business}
    await steps.do(lambda s: directory.put_user(s, world.user, **user))
    await steps.do(lambda s: directory.put_user(s, world.user, password=PASSWORD))
    for address in world.streams[1:3]:
        await steps.do(lambda s, a=address: directory.join(s, world.user, a))
    await steps.do(lambda s: s.accounts.is_member(world.user, world.firm))
    await steps.do(lambda s: s.accounts.memberships(world.user))
    await steps.do(lambda s: s.accounts.account_by_email("ada@example.org"))
    for key, topic in (("tax.due", "tax"), ("bank.lost", "bank"), ("news", "news")):
        await steps.do(lambda s, k=key, t=topic: catalog.put_event(s, k, topic=t, channels={}))
    await steps.do(lambda s: catalog.put_event(s, "news", topic="letters", channels={"email": True}))
    await steps.do(lambda s: s.catalog.topics())
    await steps.do(lambda s: s.catalog.all_events())
    await steps.do(lambda s: preferences.set_channels(s, world.user, "topic", "letters", {"in_app": False}))
    await steps.do(lambda s: preferences.set_channels(s, world.user, "event", "tax.due", {"email": False}))
    await steps.do(lambda s: catalog.set_defaults(s, "tax.due", {"email": True}))
    await steps.do(lambda s: preferences.replace_topics(s, world.reader, {"letters": {"email": True}}))
    await steps.do(lambda s: s.catalog.preferences(world.user))
    some = {"email": False, "in_app": None}
    await steps.do(lambda s: preferences.choose(s, world.reader, "event", "tax.due", some))
    hours = QuietHours(begins=time(22), ends=time(7), time_zone="Europe/Lisbon")
    await steps.do(lambda s: quiet_hours.set_hours(s, world.reader, hours))
    await steps.do(lambda s: preferences.overview(s, world.user))
    await steps.do(lambda s: quiet_hours.set_hours(s, world.reader, None))
    return world


async def credentials(steps: Walk, database: Database, world: World) -> None:
    _, key = await steps.do(lambda s: tokens.issue_service_key(s, "backend"))
    await steps.do(lambda s: tokens.service_key(s, key))
    await steps.do(lambda s: s.now())
    await steps.do(lambda s: tokens.issue_service_key(s, "importer"))
    made, token = await steps.do(
        lambda s: tokens.issue_api_token(s, world.user, name="phone", expires_in_days=9)
    )
    await steps.do(lambda s: tokens.api_token_user(s, token))
    await steps.do(lambda s: tokens.presented_by_reader(s, token))
    now = await steps.do(lambda s: s.now())
    uses = TokenUses(database)
    await uses.user(token)
    await uses.write()
    await steps.do(lambda s: tokens.api_tokens(s, world.user))
    await steps.do(lambda s: tokens.revoke_api_token(s, made.id, of=world.user))
    await steps.refused(lambda s: tokens.revoke_api_token(s, made.id))
    [backend, _] = await steps.do(lambda s: s.credentials.service_keys())
    await steps.do(lambda s: s.credentials.revoke_service_key(backend.id, now))
    await steps.do(lambda s: s.credentials.revoke_service_keys("backend", now))
    sessions = Sessions(database, secret="s" * 32, access_seconds=60, refresh_days=1)
    for password in ("wrong", PASSWORD):
        try:
            await sessions.login("ada@example.org", password)
        except TidingsError:
            assert password == "wrong"
    first = await sessions.open_session(world.user)
    await sessions.rotate(first)
    await steps.refused(lambda _: sessions.rotate(first))


async def other_channels(steps: Walk, world: World) -> None:
    address, first = "ada@example.org", {"email": True, "push": True}
    for _ in range(2):
        await steps.do(lambda s: unsubscribing.unsubscribe(s, address, "x", genuine=True, first=first))
    await steps.refused(lambda s: unsubscribing.unsubscribe(s, address, "x", genuine=False, first=first))
    await steps.do(lambda s: policy.may_email(s, address, critical=True))
    await steps.do(lambda s: unsubscribing.resubscribe(s, address, "x", first=first))
    await steps.do(lambda s: s.suppressions.consents(address))
    browser = {"endpoint": "https://push.example/1", "p256dh": "p", "auth": "a", "user_agent": None}
    for _ in range(2):
        await steps.do(lambda s: subscriptions.subscribe(s, world.user, **browser))
    (one,) = await steps.do(lambda s: subscriptions.subscriptions(s, world.user))
    await steps.do(lambda s: s.push.deactivate(one.id))
    await steps.do(lambda s: subscriptions.unsubscribe(s, world.user, one.endpoint))
    await steps.do(health.health)


async def delivering(steps: Walk, world: World) -> None:
    drafts = [
        Draft(to=to, event="tax.due", title="by mail, too") for to in (*world.streams, world.streams[0])
    ]

    async def append_with_jobs(store: Store) -> list[UUID]:
        store.channels = frozenset({"email"})
        return await append(store, drafts)

    own, *shared, _ = await steps.do(append_with_jobs)
    await steps.do(lambda s: leaving_inbox.decide(s, world.user, [own], "email"))
    await steps.do(lambda s: leaving_inbox.quiet_now(s, world.user))
    for stream, id_ in zip((world.business, EVERYONE), (shared[0], shared[2]), strict=True):
        for after in (None, world.user):
            for channel in ("email", "sms"):
                await steps.do(
                    lambda s, stream=stream, id_=id_, channel=channel, after=after: leaving_inbox.recipients(
                        s, stream, id_, channel, after=after, limit=10
                    )
                )
    await steps.do(lambda s: s.accounts.emails([world.user]))
    limits = Limits(per_minute=60, per_host=6)
    for _ in range(2):
        await steps.do(lambda s: pacing.turn(s, limits, "email", "example.org"))
    at = await steps.do(lambda s: s.now())
    await steps.do(lambda s: s.pace.forget(at - timedelta(days=1)))
    at = await steps.do(lambda s: s.now())
    ready = await steps.do(lambda s: s.jobs.ready(at, 10))
    claimed = await steps.do(lambda s: s.jobs.claim(ready, at, at + timedelta(minutes=1)))
    # The user's own come first; of both, which were made at once, either may be first.
    one, other = sorted(claimed[:2], key=lambda job: job.notification_id != own)
    await steps.do(lambda s: s.jobs.renew(one, at + timedelta(minutes=2)))
    tried = Attempt(job_id=one.id, number=1, at=at, milliseconds=12, answer="451 busy")
    await steps.do(lambda s: s.jobs.record([(one.stream_id, tried)]))
    done = replace(one, status=JobStatus.DEAD, run_at=None, reason=Reason.REFUSED, finished_at=at)
    await steps.do(lambda s: s.jobs.put(done))
    await steps.do(lambda s: record.find(s, one.id))
    ids = MessageIds(b"secret")
    for kind in (Kind.HARD, Kind.SOFT, Kind.COMPLAINT):
        message_id = ids.of(own, world.user, "acme.example")
        report = Report(
            kind=kind, address="ada@example.org", status=None, diagnostic=None, message_id=message_id
        )
        await steps.do(lambda s, report=report: reports.take(s, [report], ids))
    await steps.do(lambda s: record.retry(s, one.id))
    rhythm = leaving_inbox.Leaving(reason=Reason.DIGEST, rhythm=Rhythm.DAILY, until=at + timedelta(hours=1))
    await steps.do(lambda s: digest.join(s, other, rhythm))
    (daily,) = [job for job in await steps.do(lambda s: record.newest(s, limit=10)) if job.is_digest]
    await steps.do(lambda s: record.open_digests(s, limit=10))
    gathered = await steps.do(lambda s: digest.gather(s, leaving_inbox, daily))
    await steps.do(lambda s: s.jobs.put_all(digest.settled(gathered, daily, at)))
    sent = daily.finished(JobStatus.DEAD, Reason.REFUSED, at)
    await steps.do(lambda s: s.jobs.put_all(digest.settled(gathered, sent, at)))
    await steps.do(lambda s: record.find(s, other.id))
    await steps.do(lambda s: record.drop(s, daily.id))
    await steps.refused(lambda s: record.drop(s, other.id))
    await steps.do(lambda s: record.of_notification(s, own, limit=10))
    await steps.do(lambda s: record.of_notification(s, shared[0], after=one.id, limit=10))
    await steps.do(lambda s: record.newest(s, limit=10))
    await steps.do(
        lambda s: record.newest(s, statuses=[JobStatus.DEAD], channel="email", before=other.id, limit=10)
    )
    await steps.do(health.health)
    await steps.do(lambda s: s.jobs.forget(at + timedelta(days=1), 10))
    template = compile_template(Template(subject="{{ title }}!"))
    for event in ("tax.due", ""):
        await steps.do(lambda s, event=event: mail_templates.save(s, event, "pt-BR", template))
        await steps.do(lambda s, event=event: mail_templates.locales(s, event))
    await steps.do(lambda s: mail_templates.chosen(s, "tax.due", "pt-BR"))
    for example in (None, own):
        await steps.do(lambda s, example=example: mail_previews.example(s, "tax.due", example))
    await steps.do(lambda s: mail_templates.remove(s, "tax.due", "pt-BR"))
    await steps.refused(lambda s: mail_templates.find(s, "tax.due", "pt-BR"))


async def sending(steps: Walk, world: World) -> None:
    now = await steps.do(lambda s: s.now())
    drafts = [
        Draft(to=to, event=event, title=f"{event} {number}", severity=severity)
        for number in range(3)
        for to in world.streams
        for event in ("tax.due", "bank.lost", "news")
        for severity in (None, Severity.URGENT)
    ]
    await steps.do(lambda s: append(s, drafts))
    own = world.streams[0]
    collapsing = [Draft(to=own, event="tax.due", title="again", collapse_key="k") for _ in range(3)]
    await steps.do(lambda s: append(s, collapsing))
    await steps.do(lambda s: append(s, collapsing[:1]))
    expiring = Draft(to=own, event="tax.due", title="soon over", expires_at=now + timedelta(minutes=10))
    await steps.do(lambda s: append(s, [expiring]))
    ids = await steps.do(lambda s: append(s, drafts[:1]))
    await steps.do(lambda s: withdraw(s, ids[0]))
    await steps.refused(lambda s: withdraw(s, ids[0]))
    later = [Draft(to=own, event="tax.due", title="later", send_at=now + timedelta(hours=n)) for n in (1, 2)]
    ids = await steps.do(lambda s: scheduling.send(s, later))
    await steps.do(lambda s: scheduling.find(s, ids[1]))
    await steps.do(lambda s: scheduling.take_back(s, ids[1]))
    scope, hash_ = uuid7(now), hashlib.sha256(b"body").digest()

    async def once(store: Store) -> None:
        now = await store.now()
        if not await store.idempotency.claim(scope, {"key": hash_}, now):
            await store.idempotency.remember(scope, {"key": First(said=hash_, answer={"ids": []})}, now)

    await steps.do(once)
    await steps.do(once)
    progress = await steps.do(lambda s: s.imports.lock("a file", now))
    await steps.do(lambda s: s.imports.set("a file", progress, now))


SELECTIONS = (
    Selection(),
    Selection(scope=Scope.ME),
    Selection(topics=frozenset({"tax"}), severities=frozenset({Severity.URGENT})),
    Selection(topics=frozenset({"tax"}), events=frozenset({"tax.due", "news"})),
)


async def reading(steps: Walk, world: World) -> None:
    selections = (*SELECTIONS, Selection(scope=Scope.FIRM, scope_id=world.firm))
    views = (
        View(),
        View(since=await steps.do(lambda s: s.now()) - timedelta(hours=1), words=("tax",)),
        View(windows=(UNSEEN, READ), resolved=True, snoozed=True, pinned_first=True),
        View(windows=(PRESENT,), by_level=True),
    )
    for reader in (world.reader, world.company):
        for selection in selections if reader == world.reader else SELECTIONS[:1]:
            reach = await steps.do(lambda s, r=reader, x=selection: reach_of(s, r, x))
            await steps.do(lambda s, r=reach: counts.totals(s, r))
            await steps.do(lambda s, r=reach: counts.tally(s, r))
            for window in (UNSEEN, UNREAD, OPEN, READ, PRESENT):
                await steps.do(lambda s, r=reach, w=window: counts.count(s, r, w))
                ranges, _ = await steps.do(lambda s, r=reach, w=window: s.feed.look(r, w, 1, None, 1))
                for one in ranges:
                    await steps.do(lambda s, r=reach, w=window, o=one: s.feed.ranges(r, w, 1, o))
            for view in views:
                page = await steps.do(lambda s, r=reach, v=view: feed.page(s, r, v, limit=2))
                if page.next:
                    place = page.next
                    await steps.do(lambda s, r=reach, v=view, p=place: feed.page(s, r, v, after=p, limit=2))
                await steps.do(lambda s, r=reach, v=view: feed.numbered_page(s, r, v, page=2, limit=3))
                for item in page.items:
                    await steps.do(lambda s, r=reach, i=item: feed.find(s, r, i.id))


async def ids_of(steps: Walk, world: World, number: int = 4) -> list[UUID]:
    reach = await steps.do(lambda s: reach_of(s, world.reader))
    page = await steps.do(lambda s: feed.page(s, reach, View(windows=(PRESENT,)), limit=number))
    return [item.id for item in page.items]


async def by_selection(steps: Walk, world: World) -> None:
    ids = await ids_of(steps, world, 8)
    tax = Selection(topics=frozenset({"tax"}))
    for action in (Action.SEEN, Action.READ, Action.DISMISS, Action.DELETE):
        for reader in (world.reader, world.company):
            done = await steps.do(lambda s, r=reader, a=action: operations.mark_all(s, r, a, tax))
            if done.operation and action is not Action.SEEN:
                await steps.do(lambda s, r=reader, d=done: undo(s, r, d.operation or 0))
    await steps.do(lambda s: operations.mark_all(s, world.reader, Action.READ, up_to=ids[5]))


async def by_ids(steps: Walk, world: World) -> None:
    ids = await ids_of(steps, world, 8)
    until = await steps.do(lambda s: s.now()) + timedelta(hours=1)
    reader = world.reader
    done = await steps.do(lambda s: operations.mark(s, reader, Action.DISMISS, ids[:2]))
    await steps.do(lambda s: undo(s, reader, done.operation or 0))
    for action in (
        Action.READ,
        Action.UNREAD,
        Action.REFRESH,
        Action.SEEN,
        Action.DISMISS,
        Action.RESTORE,
        Action.PIN,
        Action.SNOOZE,
        Action.UNSNOOZE,
        Action.SNOOZE,
        Action.RESOLVE,
        Action.UNPIN,
        Action.PIN,
    ):
        await steps.do(lambda s, a=action: operations.mark(s, reader, a, ids[1:4], until=until))
        await steps.do(lambda s, a=action: operations.mark(s, reader, a, ids[3:6], until=until))
    await reading(steps, world)
    await steps.do(lambda s: operations.mark(s, reader, Action.READ, ids[6:]))
    await steps.do(lambda s: operations.mark(s, reader, Action.UNREAD, ids[7:]))
    await steps.do(lambda s: operations.clear_read(s, reader, Selection(scope=Scope.ME)))
    await steps.do(lambda s: operations.mark_all(s, world.company, Action.READ))
    await steps.do(lambda s: operations.clear_read(s, world.company))


async def live_alerts(steps: Walk, world: World) -> None:
    reader, business = world.reader, world.business
    content: dict[str, Any] = {"kind": "tax", "severity": Severity.URGENT, "title": "Low cash"}
    for id_ in ("low-cash", "low-cash", "stale-link"):
        await steps.do(lambda s, i=id_: alerts.raise_alert(s, business, i, **content))
    for each in (reader, world.company):
        await steps.do(lambda s, r=each: alerts.standing(s, r, business))
    one = await steps.do(lambda s: operations.dismiss_alert(s, reader, "low-cash", first=business))
    both = await steps.do(lambda s: operations.mark_all(s, reader, Action.DISMISS, live_of=business))
    for done in (both, one):
        await steps.do(lambda s, d=done: undo(s, reader, d.operation or 0))
    await steps.do(lambda s: alerts.clear(s, business, "low-cash"))
    await steps.refused(lambda s: alerts.find(s, reader, "low-cash", first=business))


async def following(steps: Walk, database: Database, world: World) -> None:
    """All that was told so far, to who was there from the beginning."""
    telling = Telling(database)
    ends = await telling.stream_ends([to.id for to in world.streams])
    for stream_id in ends:
        told = await telling.of_stream(stream_id, StreamEnd(0, 0))
        assert told is None or told[0] == ends[stream_id]
    for reader in (world.reader, world.company):
        end = (await telling.reader_ends([reader.id]))[reader.id]
        for after in range(end):
            await telling.of_reader(reader, after)
        ticket, _ = await steps.do(lambda s, r=reader: tickets.issue(s, r))
        await steps.do(lambda s, t=ticket: tickets.redeem(s, t))


async def erasing(steps: Walk, database: Database, clock: MovingClock, world: World) -> None:
    ids = await ids_of(steps, world)
    await steps.do(lambda s: operations.mark(s, world.reader, Action.DELETE, ids))
    await steps.do(lambda s: operations.mark_all(s, world.reader, Action.DELETE, Selection(scope=Scope.ME)))
    clock.move(hours=1)
    await upkeep.run_upkeep(database)
    lanes = await steps.do(lambda s: s.streams.heads(world.firm))
    await steps.do(lambda s: retention.raise_floor(s, world.firm, lanes[0][0], 2))
    clock.move(hours=48)
    await upkeep.run_upkeep(database)


async def folding(steps: Walk, database: Database, clock: MovingClock, world: World) -> None:
    drafts = [Draft(to=world.streams[0], event="tax.due", title=f"fold {n}") for n in range(1020)]
    ids = await steps.do(lambda s: append(s, drafts[:520]))
    ids += await steps.do(lambda s: append(s, drafts[520:]))
    await steps.do(lambda s: operations.mark(s, world.reader, Action.READ, ids[5:1000]))
    clock.move(hours=1)
    assert await steps.do(lambda s: fold(s, world.reader, least=900))
    await steps.do(lambda s: operations.mark(s, world.reader, Action.DISMISS, ids[10:1000]))
    await steps.do(lambda s: operations.mark(s, world.reader, Action.DISMISS, ids[1000:]))
    clock.move(hours=1)
    await upkeep.run_upkeep(database)
    await steps.do(lambda s: operations.clear_read(s, world.reader))
    await upkeep.run_upkeep(database)


async def leaving(steps: Walk, world: World) -> None:
    for address in world.streams[1:3]:
        await steps.do(lambda s, a=address: directory.leave(s, world.user, a))
    await steps.do(lambda s: directory.join(s, world.user, world.streams[1]))

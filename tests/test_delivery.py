"""What leaves the inbox: the jobs of a notification, who is reached, and what becomes of each try."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from tests.conftest import MovingClock, Run
from tests.office import Office, Post
from tests.web import everyone, own
from tidings.delivery import record, schedule
from tidings.delivery import worker as worker_module
from tidings.delivery.channels.contract import Answer, Failed, Gone, Letter, Outgoing, Retry, Sent
from tidings.delivery.rules import Rules
from tidings.delivery.worker import LEASE, Worker
from tidings.errors import JobFinished, JobNotFound, NotificationNotFound
from tidings.identity.tokens import issue_service_key
from tidings.inbox import leaving, preferences, quiet_hours
from tidings.inbox.append import append, withdraw
from tidings.model import Action, Draft, QuietHours, Reader
from tidings.storage.engine import Database
from tidings.storage.jobs import Job, JobStatus, Priority, Reason
from tidings.storage.store import Store

QUIET = QuietHours(begins=time(22), ends=time(7), time_zone="Europe/Lisbon")


# --- jobs --------------------------------------------------------------------------------------------------


def test_a_notification_and_its_job_are_there_together_or_not_at_all(office: Office) -> None:
    user = office.web.user()

    async def fails(store: Store) -> None:
        await append(store, [Draft(to=own(user), event="invoice_paid", title="Paid")])
        raise KeyError

    with pytest.raises(KeyError):
        office.web.write(fails)
    assert office.jobs() == []

    (id_,) = office.send(own(user))
    (job,) = office.jobs(id_)
    assert (job.status, job.reader_id, job.channel, job.reached) == (JobStatus.PENDING, user, "email", None)
    assert job.run_at == office.clock.at


def test_without_a_channel_a_notification_leaves_nothing_to_do(
    run: Run, database: Database, clock: MovingClock
) -> None:
    office = Office(run, database, clock)
    (id_,) = office.send(own(office.web.user()))
    assert office.jobs(id_) == []


def test_what_is_sent_is_on_record(office: Office) -> None:
    user = office.web.user()
    office.send(own(user), title="Invoice 7 was paid")

    assert office.work() == 1
    assert office.post.sent == [(user, "Invoice 7 was paid")]
    job = office.job()
    assert (job.status, job.reason, job.run_at) == (JobStatus.COMPLETED, Reason.SENT, None)
    (attempt,) = office.attempts(job)
    assert (attempt.number, attempt.at, attempt.answer) == (1, office.clock.at, "taken")
    assert office.work() == 0


# --- whether it goes ---------------------------------------------------------------------------------------


def chosen(subject: preferences.Subject, enabled: bool) -> Callable[[Office, UUID, UUID], None]:
    key = "invoice_paid" if subject == "event" else "billing"

    def choose(office: Office, user: UUID, _: UUID) -> None:
        office.web.write(
            lambda store: preferences.choose(store, Reader(id=user), subject, key, {"email": enabled})
        )

    return choose


def marked(action: Action) -> Callable[[Office, UUID, UUID], None]:
    def mark(office: Office, user: UUID, id_: UUID) -> None:
        until = office.clock.at + timedelta(hours=2) if action is Action.SNOOZE else None
        office.web.mark(user, action, [id_], until)

    return mark


def quiet(office: Office, user: UUID, _: UUID) -> None:
    office.web.write(lambda store: quiet_hours.set_hours(store, Reader(id=user), QUIET))
    office.clock.at = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)


def in_app_off(office: Office, user: UUID, _: UUID) -> None:
    office.web.write(
        lambda store: preferences.choose(store, Reader(id=user), "event", "invoice_paid", {"in_app": False})
    )


def nothing(*_: Any) -> None: ...


@pytest.mark.parametrize(
    ("default", "critical", "happened", "expected"),
    [
        (True, False, [nothing], Reason.SENT),
        (False, False, [nothing], Reason.OFF),
        (False, True, [nothing], Reason.SENT),
        (True, False, [chosen("event", False)], Reason.OFF),
        (False, False, [chosen("event", True)], Reason.SENT),
        (True, False, [chosen("topic", False)], Reason.OFF),
        (False, False, [chosen("topic", True)], Reason.SENT),
        (False, False, [chosen("event", True), chosen("topic", False)], Reason.OFF),
        (True, True, [chosen("event", False), chosen("topic", False)], Reason.SENT),
        (True, False, [in_app_off], Reason.SENT),
        (True, False, [quiet], Reason.QUIET_HOURS),
        (True, True, [quiet], Reason.SENT),
        (True, False, [quiet, chosen("event", False)], Reason.OFF),
        (True, False, [quiet, marked(Action.READ)], Reason.READ),
        (True, False, [marked(Action.SEEN)], Reason.SENT),
        (True, False, [marked(Action.READ)], Reason.READ),
        (True, True, [marked(Action.READ)], Reason.READ),
        (True, False, [marked(Action.READ), marked(Action.UNREAD)], Reason.SENT),
        (True, False, [marked(Action.DISMISS)], Reason.READ),
        (True, False, [marked(Action.DELETE)], Reason.GONE),
        (True, False, [marked(Action.RESOLVE)], Reason.GONE),
        (True, False, [marked(Action.SNOOZE)], Reason.SNOOZED),
    ],
)
def test_it_is_decided_at_the_last_moment(
    office: Office,
    default: bool,
    critical: bool,
    happened: Sequence[Callable[[Office, UUID, UUID], None]],
    expected: Reason,
) -> None:
    office.event("invoice_paid", email=default, critical=critical)
    user = office.web.user()
    (id_,) = office.send(own(user))
    for one in happened:
        one(office, user, id_)

    office.work()

    job = office.job()
    assert job.reason is expected
    assert bool(office.post.sent) is (expected is Reason.SENT)
    waits = expected in (Reason.QUIET_HOURS, Reason.SNOOZED)
    assert job.status is (JobStatus.PENDING if waits else JobStatus.COMPLETED)
    assert office.attempts(job) == [] or expected is Reason.SENT


def test_what_waits_for_the_end_of_quiet_hours_goes_then(office: Office) -> None:
    user = office.web.user()
    quiet(office, user, uuid4())
    office.send(own(user))
    office.work()
    assert office.job().run_at == datetime(2026, 3, 3, 7, 0, tzinfo=UTC)

    office.clock.at = datetime(2026, 3, 3, 6, 59, 59, tzinfo=UTC)
    assert office.work() == 0
    office.clock.move(seconds=1)
    assert office.work() == 1
    assert len(office.post.sent) == 1


def test_what_was_withdrawn_or_has_expired_does_not_go(office: Office) -> None:
    user = office.web.user()
    (withdrawn,) = office.send(own(user))
    (expired,) = office.send(own(user), expires_at=office.clock.at + timedelta(minutes=1))
    office.web.write(lambda store: withdraw(store, withdrawn))
    office.clock.move(minutes=2)

    office.work()

    assert office.post.sent == []
    assert [office.jobs(id_)[0].reason for id_ in (withdrawn, expired)] == [Reason.GONE, Reason.GONE]


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        ("2026-03-28T23:10", "2026-03-29T06:00"),  # the clocks go forward in this night
        ("2026-10-24T22:10", "2026-10-25T07:00"),  # and back in this one
        ("2026-03-29T05:59", "2026-03-29T06:00"),
        ("2026-03-29T06:00", None),
        ("2026-06-01T12:00", None),
    ],
)
def test_quiet_hours_end_by_the_clocks_of_the_reader(at: str, ends: str | None) -> None:
    found = quiet_hours.quiet_until(QUIET, datetime.fromisoformat(at).replace(tzinfo=UTC))
    assert found == (ends and datetime.fromisoformat(ends).replace(tzinfo=UTC))


def test_an_end_that_the_clocks_skip_comes_when_they_do() -> None:
    hours = QuietHours(begins=time(22), ends=time(1, 30), time_zone="Europe/Lisbon")  # from 1:00 to 2:00
    at = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    assert quiet_hours.quiet_until(hours, at) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


# --- what becomes of a try ---------------------------------------------------------------------------------


def test_what_fails_for_now_is_tried_again_later_and_at_last_given_up(office: Office) -> None:
    user = office.web.user()
    office.send(own(user))
    office.post.answers = [Retry(answer="451 busy")] * schedule.MOST_ATTEMPTS
    pauses: list[timedelta] = []

    for number in range(1, schedule.MOST_ATTEMPTS + 1):
        assert office.work() == 1
        job = office.job()
        assert job.attempts == number
        if job.run_at is None:
            break
        assert (job.status, job.reason) == (JobStatus.FAILED, Reason.NOT_NOW)
        pauses.append(job.run_at - office.clock.at)
        office.clock.at = job.run_at

    assert (job.status, job.reason) == (JobStatus.DEAD, Reason.EXHAUSTED)
    assert len(pauses) == schedule.MOST_ATTEMPTS - 1
    assert timedelta(seconds=7.5) <= pauses[0] <= timedelta(seconds=12.5)
    assert pauses[-1] > timedelta(hours=3)
    assert [one.answer for one in office.attempts(job)] == ["451 busy"] * schedule.MOST_ATTEMPTS
    assert office.post.sent == []


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        (None, timedelta(seconds=7.5), timedelta(seconds=12.5)),
        (timedelta(minutes=5), timedelta(minutes=5), timedelta(minutes=5)),
        (timedelta(days=30), timedelta(days=1), timedelta(days=1)),
    ],
)
def test_the_other_side_may_ask_for_time(asked: timedelta | None, least: timedelta, most: timedelta) -> None:
    spread = random.Random(3)
    assert all(least <= schedule.pause(1, asked, spread=spread) <= most for _ in range(100))


def test_no_pause_is_longer_than_six_hours_and_a_quarter_more() -> None:
    spread = random.Random(3)
    longest = max(schedule.pause(n, spread=spread) for n in range(1, 2000))
    assert timedelta(hours=6) < longest <= timedelta(hours=7.5)


@pytest.mark.parametrize("answer", [Failed(answer="554 no"), Gone(answer="550 5.1.1 nobody")])
def test_what_is_refused_for_good_is_not_tried_again(office: Office, answer: Answer) -> None:
    user = office.web.user()
    office.send(own(user))
    office.post.answers = [answer]

    assert office.work() == 1
    assert (office.job().status, office.job().reason) == (JobStatus.DEAD, Reason.REFUSED)
    assert office.post.retired == ([str(user)] if isinstance(answer, Gone) else [])
    office.clock.move(days=2)
    assert office.work() == 0


def test_an_answer_in_no_alphabet_is_kept_as_far_as_it_can_be_read(office: Office) -> None:
    office.send(own(office.web.user()))
    office.post.answers = [Sent(answer="250 \udce9t\udce9 \0 taken")]

    assert office.work() == 1
    job = office.job()
    assert (job.status, job.reason) == (JobStatus.COMPLETED, Reason.SENT)  # and not once more
    assert [one.answer for one in office.attempts(job)] == ["250 ?t? ? taken"]


def test_who_does_not_answer_is_not_waited_for(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "SEND_SECONDS", 0.05)
    office.post.hold = asyncio.Event()
    office.send(own(office.web.user()))

    assert office.work() == 1
    job = office.job()
    assert (job.status, job.reason) == (JobStatus.FAILED, Reason.NOT_NOW)
    assert "no answer" in office.attempts(job)[0].answer


def test_a_defect_costs_a_job_a_try_and_no_other_job_anything(office: Office) -> None:
    first, second = office.web.user(), office.web.user()
    office.send(own(first), own(second))

    class Broken(Post):
        async def prepare(self, store: Store, reader_id: UUID, letter: Letter) -> Outgoing:
            if reader_id == first:
                raise ZeroDivisionError
            return await super().prepare(store, reader_id, letter)

    office.channels["email"] = office.post = Broken()
    assert office.work() == 2
    assert [reader for reader, _ in office.post.sent] == [second]
    (broken,) = [job for job in office.jobs() if job.reader_id == first]
    assert (broken.status, broken.reason, broken.attempts) == (JobStatus.FAILED, Reason.BROKEN, 1)


def test_a_list_that_broke_once_is_made_in_the_end_and_says_nothing_of_it(office: Office) -> None:
    business = office.web.business()
    user = office.web.user(business)
    office.send(business)

    class Broken(Rules):
        decide, quiet_now = staticmethod(leaving.decide), staticmethod(leaving.quiet_now)

        async def recipients(self, *_: Any, **__: Any) -> list[UUID]:
            raise ZeroDivisionError

    assert office.run(Worker(office.database, Broken(), office.channels).work_off()) == 1
    assert (office.job().status, office.job().reason) == (JobStatus.FAILED, Reason.BROKEN)
    office.clock.move(minutes=1)
    assert office.work() == 2
    assert [reader for reader, _ in office.post.sent] == [user]
    (made,) = [job for job in office.jobs() if job.reached is not None]
    assert (made.status, made.reason) == (JobStatus.COMPLETED, None)


def test_where_the_channel_is_no_more_it_is_given_up(office: Office) -> None:
    office.send(own(office.web.user()))
    worker = Worker(office.database, leaving, {})
    assert office.run(worker.work_off()) == 1
    assert (office.job().status, office.job().reason) == (JobStatus.DEAD, Reason.NO_CHANNEL)


# --- claims ------------------------------------------------------------------------------------------------


def claimed(office: Office, limit: int = 10) -> list[Job]:
    at = office.clock.at

    async def claim(store: Store) -> list[Job]:
        return await store.jobs.claim(await store.jobs.ready(at, limit), at, at + LEASE)

    return office.web.write(claim)


_WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


def test_who_finds_that_others_took_it_looks_again_at_once(
    run: Run, postgres_url: str, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "POLL_SECONDS", 3600)
    database = Database(postgres_url, clock=clock, channels=("email",))
    office = Office(run, database, clock)
    users = [office.web.user() for _ in range(2)]
    for user in users:
        office.send(own(user))
        clock.move(seconds=1)

    async def race() -> None:
        async with database.begin() as store:
            found = await store.jobs.ready(clock.at, 1)
            assert len(await store.jobs.claim(found, clock.at, clock.at + LEASE)) == 1
            working = asyncio.create_task(office.worker(at_once=1).run())
            async with database.read() as other:
                while not await other.scalar(sa.text(_WAITING)):
                    pass  # it has yet to find the same
        async with asyncio.timeout(20):
            await office.post.under_way.acquire()
        working.cancel()
        await asyncio.wait([working])

    run(race())
    assert [user for user, _ in office.post.sent] == users[1:]
    run(database.dispose())


def test_a_claim_holds_for_its_lease_and_then_lapses(office: Office) -> None:
    office.send(own(office.web.user()))
    (first,) = claimed(office)
    assert first.status is JobStatus.PROCESSING
    assert claimed(office) == []

    office.clock.move(seconds=LEASE.total_seconds() - 1)
    assert office.web.write(lambda store: store.jobs.renew(first, office.clock.at + LEASE))
    office.clock.move(seconds=LEASE.total_seconds() - 1)
    assert claimed(office) == []
    office.clock.move(seconds=1)
    (second,) = claimed(office)
    assert (second.id, second.claims) == (first.id, first.claims + 1)

    # Who held it before may neither hold it on nor write what became of it.
    assert not office.web.write(lambda store: store.jobs.renew(first, office.clock.at + LEASE))
    assert not office.web.write(lambda store: store.jobs.put(first))
    assert office.web.write(lambda store: store.jobs.put(second))


def test_no_broadcast_holds_up_what_is_urgent(office: Office) -> None:
    office.event("password_changed", critical=True)
    business = office.web.business()
    members = [office.web.user(business) for _ in range(5)]
    office.send(business)
    (fan_out,) = claimed(office, 1)
    office.web.write(lambda store: store.jobs.put(fan_out))
    office.clock.move(minutes=2)
    office.send(own(members[0]))
    office.clock.move(minutes=1)
    office.send(own(members[1]), event="password_changed")

    order = [one.priority for one in claimed(office, 10)]
    assert order == [Priority.CRITICAL, Priority.OWN, Priority.SHARED]


def test_what_waits_in_one_queue_hides_nothing_in_another(office: Office) -> None:
    office.event("password_changed", critical=True)
    user = office.web.user()
    office.send(*[own(user)] * 30, event="password_changed")
    for job in claimed(office, 30):
        office.web.write(lambda store, job=job: store.jobs.renew(job, office.clock.at + timedelta(days=1)))
    office.send(own(user))
    assert [job.priority for job in claimed(office, 10)] == [Priority.OWN]


def test_several_workers_send_each_once(office: Office) -> None:
    users = [office.web.user() for _ in range(60)]
    office.send(*map(own, users))

    async def together() -> list[int]:
        workers = [office.worker(at_once=7) for _ in range(4)]
        return await asyncio.gather(*(worker.work_off() for worker in workers))

    done = office.run(together())
    assert sum(done) == 60
    assert Counter(reader for reader, _ in office.post.sent) == Counter(users)


def test_what_a_worker_was_at_when_it_died_is_sent_by_the_next(office: Office) -> None:
    office.send(own(office.web.user()))
    office.post.hold = asyncio.Event()

    async def dies() -> None:
        worker = asyncio.create_task(office.worker().work_off())
        await office.post.under_way.acquire()
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker

    office.run(dies())
    office.post.hold = None
    assert office.work() == 0  # its claim still holds
    office.clock.move(seconds=LEASE.total_seconds())
    assert office.work() == 1
    assert len(office.post.sent) == 1


def test_a_worker_that_is_stopped_finishes_what_it_is_at(office: Office) -> None:
    user = office.web.user()
    office.post.hold = asyncio.Event()
    office.send(own(user))

    async def stopped() -> None:
        running = asyncio.create_task(office.worker().run())
        await office.post.under_way.acquire()
        running.cancel()
        office.post.hold.set()
        with suppress(asyncio.CancelledError):
            await running

    office.run(stopped())
    assert office.job().status is JobStatus.COMPLETED


def test_a_worker_is_woken_by_what_is_sent(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "POLL_SECONDS", 3600)
    user = office.web.user()

    async def woken() -> None:
        worker = office.worker()
        office.database.on_jobs = worker.wake
        running = asyncio.create_task(worker.run())
        async with asyncio.timeout(30):
            for title in ("One", "Two"):
                async with office.database.begin() as store:
                    await append(store, [Draft(to=own(user), event="invoice_paid", title=title)])
                await office.post.under_way.acquire()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    office.run(woken())
    assert [title for _, title in office.post.sent] == ["One", "Two"]


def test_of_two_that_found_the_same_one_has_it(office: Office) -> None:
    office.send(own(office.web.user()))
    at = office.clock.at
    found = office.web.write(lambda store: store.jobs.ready(at, 10))
    first, second = (
        office.web.write(lambda store: store.jobs.claim(found, at, at + LEASE)) for _ in range(2)
    )
    assert (len(first), second) == (1, [])


def test_who_chooses_is_told_which_channels_there_are(office: Office) -> None:
    business = office.web.business()
    headers = office.web.scoped(office.web.user(business), business)
    native = office.web.ask("GET", "/v1/inbox/preferences", headers=headers)
    scoped = office.web.ask(
        "PUT", "/api/v1/preferences/notifications/topics", headers=headers, json={"overrides": {}}
    )
    assert native.json()["available_channels"] == ["in_app", "email"]
    assert scoped.json()["data"]["available_channels"] == ["in_app", "email"]


# --- many readers ------------------------------------------------------------------------------------------


def test_each_member_is_reached_and_nobody_else(office: Office) -> None:
    business, other = office.web.business(), office.web.business()
    members = [office.web.user(business) for _ in range(3)]
    office.web.user(other)
    (id_,) = office.send(business)
    late = office.web.user(business)

    office.work()

    assert Counter(reader for reader, _ in office.post.sent) == Counter(members)
    jobs = office.jobs(id_)
    (all_of_them,) = [job for job in jobs if job.reached is not None]
    assert (all_of_them.status, all_of_them.reached) == (JobStatus.COMPLETED, 4)
    reasons = {job.reader_id: job.reason for job in jobs if job.reached is None}
    assert reasons == {**dict.fromkeys(members, Reason.SENT), late: Reason.GONE}  # it was before their time


def test_everyone_is_reached(office: Office) -> None:
    users = [office.web.user() for _ in range(3)]
    office.send(everyone)
    office.work()
    assert Counter(reader for reader, _ in office.post.sent) == Counter(users)


def test_a_long_list_is_gone_through_in_parts_and_gone_on_with(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "BATCH", 2)
    business = office.web.business()
    members = sorted(office.web.user(business) for _ in range(7))
    (id_,) = office.send(business)

    async def dies_after_two_parts() -> None:
        worker = office.worker()
        (one,) = await worker._claim()
        wanted = office.database.begin
        parts = 0

        def begin() -> Any:
            nonlocal parts
            parts += 1
            if parts > 2:
                raise asyncio.CancelledError
            return wanted()

        monkeypatch.setattr(office.database, "begin", begin)
        with suppress(asyncio.CancelledError):
            await worker._do(one)
        monkeypatch.setattr(office.database, "begin", wanted)

    office.run(dies_after_two_parts())
    (half,) = [job for job in office.jobs(id_) if job.reached is not None]
    assert (half.reached, half.after) == (4, members[3])
    office.clock.move(seconds=LEASE.total_seconds())
    office.work()

    assert Counter(reader for reader, _ in office.post.sent) == Counter(members)
    (whole,) = [job for job in office.jobs(id_) if job.reached is not None]
    assert whole.reached == 7


def test_of_what_is_off_by_default_only_those_are_reached_who_want_it(office: Office) -> None:
    office.event("invoice_paid", email=False)
    business = office.web.business()
    members = [office.web.user(business) for _ in range(5)]
    chosen("event", True)(office, members[0], uuid4())
    chosen("topic", True)(office, members[1], uuid4())
    chosen("event", False)(office, members[2], uuid4())
    outsider = office.web.user()
    chosen("event", True)(office, outsider, uuid4())

    (shared,) = office.send(business)
    (broadcast,) = office.send(everyone)
    office.work()

    def reached(id_: UUID) -> set[UUID]:
        return {job.reader_id for job in office.jobs(id_) if job.reached is None}

    assert reached(shared) == set(members[:2])
    assert reached(broadcast) == {*members[:2], outsider}
    assert Counter(reader for reader, _ in office.post.sent) == Counter([*members[:2] * 2, outsider])


# --- the record --------------------------------------------------------------------------------------------


def test_an_operator_can_have_it_tried_again_or_given_up(office: Office) -> None:
    user = office.web.user()
    office.send(own(user))
    office.post.answers = [Failed(answer="554 no")]
    office.work()
    dead = office.job()

    again = office.web.write(lambda store: record.retry(store, dead.id))
    assert (again.status, again.attempts) == (JobStatus.PENDING, 0)
    dropped = office.web.write(lambda store: record.drop(store, dead.id))
    assert (dropped.status, dropped.reason) == (JobStatus.DEAD, Reason.DROPPED)
    assert office.work() == 0
    with pytest.raises(JobFinished):
        office.web.write(lambda store: record.drop(store, dead.id))

    office.web.write(lambda store: record.retry(store, dead.id))
    assert office.work() == 1
    assert len(office.post.sent) == 1
    assert [one.answer for one in office.attempts(dead)] == ["554 no", "taken"]
    with pytest.raises(JobFinished):
        office.web.write(lambda store: record.retry(store, dead.id))
    with pytest.raises(JobNotFound):
        office.web.write(lambda store: record.retry(store, uuid4()))


def test_what_an_operator_gave_up_while_it_was_under_way_stays_given_up(office: Office) -> None:
    office.send(own(office.web.user()))
    (mine,) = claimed(office)
    office.web.write(lambda store: record.drop(store, mine.id))
    assert not office.web.write(lambda store: store.jobs.put(mine))
    assert office.job().reason is Reason.DROPPED


def test_the_record_is_kept_for_thirty_days(office: Office) -> None:
    (id_,) = office.send(own(office.web.user()))
    office.work()
    office.clock.move(days=30)
    office.run(record.forget(office.database))
    assert len(office.jobs(id_)) == 1
    office.clock.move(seconds=1)
    office.run(record.forget(office.database))
    assert office.jobs(id_) == []
    with pytest.raises(NotificationNotFound):
        office.jobs(uuid4())


def test_what_became_of_it_is_told_in_pages(office: Office) -> None:
    business = office.web.business()
    members = [office.web.user(business) for _ in range(3)]
    chosen("event", False)(office, members[0], uuid4())
    office.post.answers = [Retry(answer="451 busy")]
    (id_,) = office.send(business)
    office.work()
    key = office.web.write(lambda store: issue_service_key(store, "test"))[1]
    headers = {"Authorization": f"Bearer {key}"}

    told: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    for _ in range(2):
        answer = office.web.ask(
            "GET", f"/v1/notifications/{id_}/deliveries", headers=headers, params={"limit": "2", **cursor}
        ).json()
        told += answer["items"]
        cursor = {"cursor": answer["next_cursor"]}

    assert cursor == {"cursor": None}
    assert [(one["reader_id"], one["reached"]) for one in told if one["reached"] is not None] == [(None, 3)]
    of_member = {UUID(one["reader_id"]): one for one in told if one["reader_id"]}
    assert {reader: one["status"] for reader, one in of_member.items() if reader == members[0]} == {
        members[0]: "completed"
    }
    assert Counter(one["reason"] for one in of_member.values()) == {"off": 1, "not_now": 1, "sent": 1}
    (tried,) = [one for one in of_member.values() if one["reason"] == "not_now"]
    assert (tried["status"], tried["attempts"][0]["answer"]) == ("failed", "451 busy")
    assert datetime.fromisoformat(tried["next_at"]) > office.clock.at

    absent = office.web.ask("GET", f"/v1/notifications/{uuid4()}/deliveries", headers=headers)
    assert (absent.status_code, absent.json()["code"]) == (404, "notification_not_found")

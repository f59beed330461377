"""What leaves the inbox later: together with others in a digest, or only if nobody has read it by then."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from tests.conftest import MovingClock, Run
from tests.office import Office
from tests.web import own
from tidings import time_zones
from tidings.delivery import record
from tidings.delivery import worker as worker_module
from tidings.delivery.channels.contract import Failed, Retry
from tidings.errors import InvalidInput, JobFinished
from tidings.inbox import preferences, quiet_hours
from tidings.inbox.append import withdraw
from tidings.inbox.catalog import put_event, set_defaults
from tidings.model import Action, QuietHours, Reader, Rhythm
from tidings.storage.engine import Database
from tidings.storage.jobs import Job, JobStatus, Reason

LISBON, KOLKATA = "Europe/Lisbon", "Asia/Kolkata"
TUESDAY = datetime(2026, 3, 3, 12, 34, 56, tzinfo=UTC)
WEDNESDAY = datetime(2026, 3, 4, 8, tzinfo=UTC)
"""When it is eight in the morning in Lisbon."""


@pytest.fixture
def daily(office: Office) -> Office:
    """Where invoices are told every morning."""
    office.event("invoice_paid", digest=Rhythm.DAILY)
    office.clock.at = TUESDAY
    return office


def digests(office: Office) -> list[Job]:
    return [job for job in office.jobs() if job.is_digest]


# --- when --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rhythm", "time_zone", "after", "expected"),
    [
        (Rhythm.HOURLY, "UTC", "2026-03-03T12:34:56", "2026-03-03T13:00"),
        (Rhythm.HOURLY, "UTC", "2026-03-03T13:00", "2026-03-03T14:00"),
        (Rhythm.HOURLY, KOLKATA, "2026-03-03T12:34:56", "2026-03-03T13:30"),  # 5:30 ahead
        (Rhythm.HOURLY, LISBON, "2026-10-25T00:30", "2026-10-25T01:00"),  # the hour comes twice
        (Rhythm.HOURLY, LISBON, "2026-10-25T01:00", "2026-10-25T02:00"),
        (Rhythm.HOURLY, "Australia/Lord_Howe", "2026-04-04T14:40", "2026-04-04T15:30"),  # by half an hour
        (Rhythm.DAILY, LISBON, "2026-03-03T07:59:59", "2026-03-03T08:00"),
        (Rhythm.DAILY, LISBON, "2026-03-03T08:00", "2026-03-04T08:00"),
        (Rhythm.DAILY, LISBON, "2026-03-28T12:00", "2026-03-29T07:00"),  # the clocks went forward
        (Rhythm.DAILY, LISBON, "2026-10-24T12:00", "2026-10-25T08:00"),  # and back
        (Rhythm.DAILY, "Pacific/Apia", "2026-03-03T12:00", "2026-03-03T19:00"),  # where it is tomorrow
        (Rhythm.WEEKLY, LISBON, "2026-03-03T12:00", "2026-03-09T08:00"),  # on Monday
        (Rhythm.WEEKLY, LISBON, "2026-03-09T07:59", "2026-03-09T08:00"),
        (Rhythm.WEEKLY, LISBON, "2026-03-09T08:00", "2026-03-16T08:00"),
        (Rhythm.WEEKLY, LISBON, "2026-03-23T08:00", "2026-03-30T07:00"),
        (Rhythm.WEEKLY, "America/Los_Angeles", "2026-03-02T03:00", "2026-03-02T16:00"),  # still Sunday there
    ],
)
def test_a_digest_goes_by_the_clocks_of_its_reader(
    rhythm: Rhythm, time_zone: str, after: str, expected: str
) -> None:
    found = time_zones.next_digest(rhythm, time_zone, datetime.fromisoformat(after).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_a_reader_lives_where_their_quiet_hours_are_else_where_the_operator_says(daily: Office) -> None:
    nowhere, abroad, both = (
        daily.web.user(),
        daily.web.user(time_zone=KOLKATA),
        daily.web.user(time_zone=KOLKATA),
    )
    hours = QuietHours(begins=time(1), ends=time(2), time_zone="America/Los_Angeles")
    daily.web.write(lambda store: quiet_hours.set_hours(store, Reader(id=both), hours))
    daily.send(own(nowhere), own(abroad), own(both))
    daily.work()

    at = {job.reader_id: job.run_at for job in digests(daily)}
    assert at == {
        nowhere: datetime(2026, 3, 4, 8, 0, tzinfo=UTC),
        abroad: datetime(2026, 3, 4, 2, 30, tzinfo=UTC),
        both: datetime(2026, 3, 3, 16, 0, tzinfo=UTC),
    }


# --- one mail with what is still unread --------------------------------------------------------------------


def test_what_waits_goes_together_and_only_what_is_unread(daily: Office) -> None:
    business = daily.web.business()
    user, other = daily.web.user(business), daily.web.user()
    first, second, third = daily.send(*[own(user)] * 3, title="own")
    daily.clock.move(seconds=1)
    (shared,) = daily.send(business, title="shared")
    daily.send(own(other), title="another's")
    daily.until(WEDNESDAY - timedelta(seconds=1))
    assert daily.post.sent == []
    daily.web.mark(user, Action.READ, [second])
    daily.web.mark(user, Action.SEEN, [third])

    daily.until(WEDNESDAY)

    assert sorted(daily.post.sent) == sorted([(user, "shared | own | own"), (other, "another's")])
    (letter,) = [one for one in daily.post.letters if len(one.items) > 1]
    assert (letter.is_digest, {item.id for item in letter.items}) == (True, {first, third, shared})
    reasons = {id_: [job.reason for job in daily.jobs(id_) if job.reached is None] for id_ in (first, second)}
    assert reasons == {first: [Reason.SENT], second: [Reason.READ]}
    assert all(job.finished_at for job in daily.jobs())


def test_what_comes_after_a_digest_waits_for_the_next(daily: Office) -> None:
    user = daily.web.user()
    daily.send(own(user), title="today")
    daily.until(WEDNESDAY)
    daily.send(own(user), title="tomorrow")
    daily.until(WEDNESDAY + timedelta(days=1, seconds=-1))
    assert [titles for _, titles in daily.post.sent] == ["today"]
    daily.until(WEDNESDAY + timedelta(days=1))
    assert [titles for _, titles in daily.post.sent] == ["today", "tomorrow"]
    assert len({letter.id for letter in daily.post.letters}) == 2


def test_no_digest_goes_where_all_was_read(daily: Office) -> None:
    user = daily.web.user()
    ids = daily.send(own(user), own(user))
    daily.work()
    daily.web.mark(user, Action.READ, ids)
    daily.until(WEDNESDAY)
    assert daily.post.letters == []
    assert [job.reason for job in daily.jobs()] == [Reason.READ] * 3


def test_the_record_says_in_which_digest_it_goes_and_what_became_of_that(daily: Office) -> None:
    (id_,) = daily.send(own(daily.web.user()))
    daily.work()

    def told() -> record.Delivery:
        async def found() -> record.Delivery:
            async with daily.database.read() as store:
                (one,) = await record.of_notification(store, id_, limit=10)
                return one

        return daily.run(found())

    assert (told().job.status, told().job.reason, told().next_at) == (
        JobStatus.PENDING,
        Reason.DIGEST,
        WEDNESDAY,
    )
    daily.post.answers = [Retry(answer="451 busy", after=timedelta(minutes=9))]
    daily.until(WEDNESDAY)
    assert (told().job.reason, told().next_at) == (Reason.DIGEST, WEDNESDAY + timedelta(minutes=9))
    daily.until(WEDNESDAY + timedelta(minutes=9))
    assert (told().job.reason, told().next_at) == (Reason.SENT, None)
    assert [attempt.answer for attempt in told().attempts] == ["451 busy", "taken"]


def test_what_was_chosen_withdrawn_or_snoozed_meanwhile_is_left_out(daily: Office) -> None:
    user = daily.web.user()
    gone, later, kept = daily.send(*[own(user)] * 3)
    daily.event("order_sent", digest=Rhythm.DAILY)
    (off,) = daily.send(own(user), event="order_sent")
    daily.work()
    daily.web.write(lambda store: withdraw(store, gone))
    daily.web.mark(user, Action.SNOOZE, [later], WEDNESDAY + timedelta(hours=1))
    daily.web.write(
        lambda store: preferences.choose(store, Reader(id=user), "event", "order_sent", {"email": False})
    )

    daily.until(WEDNESDAY)

    assert [[item.id for item in letter.items] for letter in daily.post.letters] == [[kept]]
    reasons = {id_: daily.jobs(id_)[0].reason for id_ in (gone, later, off)}
    assert reasons == {gone: Reason.GONE, later: Reason.SNOOZED, off: Reason.OFF}
    daily.until(WEDNESDAY + timedelta(days=1))
    assert [[item.id for item in letter.items] for letter in daily.post.letters] == [[kept], [later]]


def test_a_digest_waits_for_the_end_of_quiet_hours(daily: Office) -> None:
    user = daily.web.user()
    hours = QuietHours(begins=time(22), ends=time(9, 30), time_zone=LISBON)
    daily.web.write(lambda store: quiet_hours.set_hours(store, Reader(id=user), hours))
    daily.send(own(user))
    daily.until(WEDNESDAY + timedelta(minutes=89))
    assert (daily.post.sent, digests(daily)[0].reason) == ([], Reason.QUIET_HOURS)
    daily.until(WEDNESDAY + timedelta(minutes=90))
    assert len(daily.post.sent) == 1


def test_a_digest_that_is_refused_takes_with_it_what_waited_and_can_be_tried_again(daily: Office) -> None:
    user = daily.web.user()
    daily.send(own(user), own(user))
    daily.post.answers = [Failed(answer="554 no")]
    daily.until(WEDNESDAY)
    assert [(job.status, job.reason) for job in daily.jobs()] == [(JobStatus.DEAD, Reason.REFUSED)] * 3

    (digest,) = digests(daily)
    daily.web.write(lambda store: record.retry(store, digest.id))
    daily.work()
    assert [(job.status, job.reason) for job in daily.jobs()] == [(JobStatus.COMPLETED, Reason.SENT)] * 3
    assert len(daily.post.letters[-1].items) == 2


def test_a_digest_can_be_sent_at_once_and_what_comes_then_waits_for_one_of_its_own(daily: Office) -> None:
    user = daily.web.user()
    daily.send(own(user), title="now")
    daily.work()
    (digest,) = digests(daily)
    daily.web.write(lambda store: record.retry(store, digest.id))
    daily.work()
    daily.send(own(user), title="in the morning")
    daily.until(WEDNESDAY)
    assert [titles for _, titles in daily.post.sent] == ["now", "in the morning"]


def test_who_gives_up_a_digest_gives_up_what_waits_for_it(daily: Office) -> None:
    (id_,) = daily.send(own(daily.web.user()))
    daily.work()
    (digest,) = digests(daily)
    daily.web.write(lambda store: record.drop(store, digest.id))
    (waited,) = daily.jobs(id_)
    assert (waited.status, waited.reason) == (JobStatus.DEAD, Reason.DROPPED)
    with pytest.raises(JobFinished):
        daily.web.write(lambda store: record.drop(store, waited.id))
    daily.until(WEDNESDAY)
    assert daily.post.sent == []


def test_one_that_waits_can_be_given_up_by_itself(daily: Office) -> None:
    user = daily.web.user()
    dropped, kept = daily.send(own(user), own(user))
    daily.work()
    (waits,) = daily.jobs(dropped)
    daily.web.write(lambda store: record.drop(store, waits.id))
    daily.until(WEDNESDAY)
    assert [[item.id for item in letter.items] for letter in daily.post.letters] == [[kept]]
    assert daily.jobs(dropped)[0].reason is Reason.DROPPED


def test_of_many_only_some_are_told_and_the_others_counted(
    daily: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "MOST_IN_DIGEST", 2)
    user = daily.web.user()
    ids = daily.send(*[own(user)] * 5)
    daily.until(WEDNESDAY)
    (letter,) = daily.post.letters
    assert ([item.id for item in letter.items], letter.left_out) == (ids[:2:-1], 3)
    assert [job.reason for job in daily.jobs()] == [Reason.SENT] * 6


def test_each_rhythm_has_a_digest_of_its_own(daily: Office) -> None:
    user = daily.web.user()
    daily.event("order_sent", digest=Rhythm.HOURLY)
    daily.send(own(user), title="daily")
    daily.send(own(user), event="order_sent", title="hourly")
    daily.until(WEDNESDAY)
    assert [titles for _, titles in daily.post.sent] == ["hourly", "daily"]


def test_what_goes_by_a_channel_for_now_waits_for_no_digest(
    run: Run, database_url: str, clock: MovingClock
) -> None:
    database = Database(database_url, clock=clock, synchronous="NORMAL", channels=("web_push",))
    office = Office(run, database, clock)
    office.channels = {"web_push": office.post}
    channels = {"web_push": True}
    rules: dict[str, Any] = {"digest": Rhythm.DAILY}
    office.web.write(
        lambda store: put_event(store, "invoice_paid", topic="billing", channels=channels, **rules)
    )
    office.send(own(office.web.user()))
    office.work()
    assert len(office.post.sent) == 1
    run(database.dispose())


# --- escalation --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "expected"), [(None, 1), (Action.SEEN, 1), (Action.READ, 0), (Action.DISMISS, 0)]
)
def test_what_escalates_goes_only_if_it_is_still_unread(
    office: Office, level: Action | None, expected: int
) -> None:
    office.event("invoice_paid", escalate_after=timedelta(minutes=10))
    user = office.web.user()
    sent_at = office.clock.at
    ids = office.send(own(user))
    office.work()
    assert (office.job().reason, office.job().run_at) == (Reason.ESCALATION, sent_at + timedelta(minutes=10))
    if level is not None:
        office.web.mark(user, level, ids)
    office.until(sent_at + timedelta(minutes=10, seconds=-1))
    assert office.post.sent == []
    office.until(sent_at + timedelta(minutes=10))
    assert len(office.post.sent) == expected


@pytest.mark.parametrize("critical", [False, True])
def test_only_what_is_critical_escalates_into_quiet_hours(office: Office, critical: bool) -> None:
    office.event("invoice_paid", critical=critical, escalate_after=timedelta(minutes=10))
    user = office.web.user()
    hours = QuietHours(begins=time(13), ends=time(14), time_zone="UTC")
    office.web.write(lambda store: quiet_hours.set_hours(store, Reader(id=user), hours))
    office.clock.at = datetime(2026, 3, 3, 12, 55, tzinfo=UTC)
    office.send(own(user))
    office.until(datetime(2026, 3, 3, 13, 5, tzinfo=UTC))
    assert len(office.post.sent) == critical
    office.until(datetime(2026, 3, 3, 14, 0, tzinfo=UTC))
    assert len(office.post.sent) == 1


# --- the catalog -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rules", [{"critical": True}, {"escalate_after": timedelta(minutes=1)}])
def test_what_is_critical_or_escalates_waits_for_no_digest(office: Office, rules: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        office.event("alarm", digest=Rhythm.HOURLY, **rules)


def test_other_defaults_leave_the_digest_as_it_is(daily: Office) -> None:
    changed = daily.web.write(lambda store: set_defaults(store, "invoice_paid", {"sms": True}))
    assert changed.digest is Rhythm.DAILY

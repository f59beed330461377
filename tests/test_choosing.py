"""Every rule by which something leaves the inbox or does not, against every other, in two nights.

Ten kinds of events are told to each of 108 readers, who differ in what they chose, whether they may be
mailed, when they sleep and what they have read. What is to become of each of these 1,080 follows from the
few lines of `expected`, which know nothing of how Tidings finds it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import product
from uuid import UUID

import pytest

from tests.office import Office, Post
from tests.web import own
from tidings.delivery.channels.contract import Letter, Outgoing
from tidings.delivery.policy import may_email
from tidings.inbox import preferences, quiet_hours
from tidings.inbox.catalog import put_event
from tidings.model import Action, QuietHours, Reader, Rhythm, Suppression
from tidings.storage.jobs import Reason
from tidings.storage.store import Store

NIGHT = QuietHours(begins=time(22), ends=time(7), time_zone="Europe/Lisbon")
NOON = QuietHours(begins=time(12), ends=time(13), time_zone="Europe/Lisbon")
PATIENCE = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """An event."""

    default: bool
    critical: bool = False
    digest: bool = False
    escalates: bool = False

    @property
    def key(self) -> str:
        rules = [name for name in ("default", "critical", "digest", "escalates") if getattr(self, name)]
        return ".".join(("told", *rules))


@dataclass(frozen=True, kw_only=True)
class Person:
    """A reader."""

    of_event: bool | None  # what they chose for every event
    of_topic: bool | None
    suppressed: Suppression | None
    sleeps: bool
    has_read: bool


KINDS = [
    Kind(default=default, **rules)
    for default in (True, False)
    for rules in (
        {},
        {"critical": True},
        {"digest": True},
        {"escalates": True},
        {"critical": True, "escalates": True},
    )
]
PEOPLE = [
    Person(of_event=of_event, of_topic=of_topic, suppressed=suppressed, sleeps=sleeps, has_read=has_read)
    for of_event, of_topic, suppressed, sleeps, has_read in product(
        (None, True, False),
        (None, True, False),
        (None, Suppression.USER_UNSUBSCRIBE, Suppression.BOUNCE),
        (True, False),
        (True, False),
    )
]


def wants(person: Person, kind: Kind) -> bool:
    if kind.critical:
        return True
    if person.of_topic is False:
        return False
    choices = (person.of_event, person.of_topic, kind.default)
    return next(choice for choice in choices if choice is not None)


def may_be_mailed(person: Person, kind: Kind) -> bool:
    passed = {None, Suppression.USER_UNSUBSCRIBE} if kind.critical else {None}
    return person.suppressed in passed


def expected(person: Person, kind: Kind) -> Reason:
    """What is decided in the night."""
    if person.has_read:
        return Reason.READ
    if not wants(person, kind):
        return Reason.OFF
    if kind.escalates:
        return Reason.ESCALATION
    if kind.digest:
        return Reason.DIGEST
    if person.sleeps and not kind.critical:
        return Reason.QUIET_HOURS
    return Reason.SENT if may_be_mailed(person, kind) else Reason.SUPPRESSED


def expected_at_last(person: Person, kind: Kind) -> Reason:
    """What has become of it the next day."""
    waits = (Reason.ESCALATION, Reason.DIGEST, Reason.QUIET_HOURS)
    decided = expected(person, kind)
    if decided not in waits:
        return decided
    return Reason.SENT if may_be_mailed(person, kind) else Reason.SUPPRESSED


class Mail(Post):
    """Knows whom it may write to."""

    # What it overrides always has an address.
    async def prepare(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, store: Store, reader_id: UUID, letter: Letter
    ) -> Outgoing | Reason:
        account = await store.accounts.account(reader_id)
        assert account is not None
        assert account.email is not None
        if not await may_email(store, account.email, critical=letter.critical):
            return Reason.SUPPRESSED
        ids = " ".join(str(item.id) for item in letter.items)
        return Outgoing(address=account.email, host="example.org", content=(reader_id, ids))


@pytest.mark.parametrize(
    ("at", "wakes", "morning"),
    [
        ("2026-03-28T23:30", "2026-03-29T06:00", "2026-03-29T07:00"),  # the clocks go forward in this night
        ("2026-10-24T22:30", "2026-10-25T07:00", "2026-10-25T08:00"),  # and back in this one
    ],
)
def test_each_goes_to_whom_it_should_when_it_should(
    office: Office, at: str, wakes: str, morning: str
) -> None:
    office.channels["email"] = office.post = Mail()
    told_at, wakes_at, digest_at = (
        datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (at, wakes, morning)
    )
    office.clock.at = told_at - timedelta(hours=1)
    office.web.write(put_kinds)
    people = {office.web.user(email=f"{n}@example.org"): person for n, person in enumerate(PEOPLE)}
    office.web.write(lambda store: settle(store, people, told_at))
    office.clock.at = told_at
    told: dict[UUID, tuple[UUID, Kind]] = {}
    for kind in KINDS:
        told |= {
            id_: (user, kind)
            for user, id_ in zip(people, office.send(*map(own, people), event=kind.key), strict=True)
        }
    for user, person in people.items():
        if person.has_read:
            office.web.mark(user, Action.READ, [id_ for id_, (whose, _) in told.items() if whose == user])

    office.work()

    jobs = {job.notification_id: job for job in office.jobs() if not job.is_digest}
    assert jobs.keys() == told.keys()
    wrong = [
        (people[user], kind, jobs[id_].reason)
        for id_, (user, kind) in told.items()
        if jobs[id_].reason is not expected(people[user], kind)
    ]
    assert wrong == []
    due = {job.reason: job.run_at for job in jobs.values() if job.run_at}
    assert due == {Reason.ESCALATION: told_at + PATIENCE, Reason.QUIET_HOURS: wakes_at}
    assert {job.run_at for job in office.jobs() if job.is_digest} == {digest_at}

    office.until(digest_at + timedelta(hours=1))

    arrived = Counter((user, id_) for user, ids in office.post.sent for id_ in map(UUID, ids.split()))
    at_last = {id_: expected_at_last(people[user], kind) for id_, (user, kind) in told.items()}
    assert arrived == Counter((user, id_) for id_, (user, _) in told.items() if at_last[id_] is Reason.SENT)
    assert {job.notification_id: job.reason for job in office.jobs() if not job.is_digest} == at_last


async def put_kinds(store: Store) -> None:
    for kind in KINDS:
        await put_event(
            store,
            kind.key,
            topic="told",
            channels={"email": kind.default},
            critical=kind.critical,
            digest=Rhythm.DAILY if kind.digest else Rhythm.AT_ONCE,
            escalate_after=PATIENCE if kind.escalates else None,
        )


async def settle(store: Store, people: dict[UUID, Person], at: datetime) -> None:
    for number, (user, person) in enumerate(people.items()):
        if person.of_topic is not None:
            await preferences.set_channels(store, user, "topic", "told", {"email": person.of_topic})
        if person.of_event is not None:
            chosen = {kind.key: {"email": person.of_event} for kind in KINDS}
            await store.catalog.set_choices(user, "event", chosen)
        if person.suppressed is not None:
            await store.suppressions.add(f"{number}@example.org", person.suppressed, at)
        await quiet_hours.set_hours(store, Reader(id=user), NIGHT if person.sleeps else NOON)

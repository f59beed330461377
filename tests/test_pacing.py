"""How fast notifications leave: limits by channel and host, and hosts that let others wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from time import monotonic
from uuid import UUID

import pytest

from tests.office import Office, Post
from tests.web import own
from tidings.delivery import hosts
from tidings.delivery import worker as worker_module
from tidings.delivery.channels.contract import Answer, Outgoing, Retry
from tidings.delivery.hosts import Hosts
from tidings.delivery.pacing import Limits
from tidings.storage.jobs import JobStatus, Reason

MINUTE = timedelta(minutes=1)


def send(office: Office, number: int) -> list[UUID]:
    """One notification to each of so many users."""
    users = [office.web.user() for _ in range(number)]
    office.send(*map(own, users))
    return users


# --- limits ------------------------------------------------------------------------------------------------


def test_through_a_channel_no_more_go_than_its_limit_allows(office: Office) -> None:
    office.post.limits = Limits(per_minute=6)
    began = office.clock.at
    send(office, 15)
    gone: list[int] = []
    for seconds in (0, 10, 59, 60, 120, 140):
        office.until(began + timedelta(seconds=seconds))
        gone.append(len(office.post.sent))
    assert gone == [1, 2, 6, 7, 13, 15]
    assert all(job.attempts == 1 for job in office.jobs())


def test_a_host_has_a_limit_of_its_own_and_holds_up_no_other(office: Office) -> None:
    office.post.limits = Limits(per_host=1)
    users = send(office, 4)
    office.post.host = lambda user: "slow.example" if user in users[:2] else f"{user}.example"
    office.work()
    assert {user for user, _ in office.post.sent} - set(users[2:]) < set(users[:2])
    assert len(office.post.sent) == 3
    (waits,) = [job for job in office.jobs() if job.status is not JobStatus.COMPLETED]
    assert (waits.reason, waits.run_at) == (Reason.LIMITED, office.clock.at + MINUTE)
    office.until(office.clock.at + MINUTE)
    assert len(office.post.sent) == 4


def test_several_workers_share_a_limit(office: Office) -> None:
    office.post.limits = Limits(per_minute=60)
    send(office, 12)

    async def together() -> None:
        await asyncio.gather(*(office.worker().work_off() for _ in range(3)))

    office.run(together())
    assert len(office.post.sent) == 1
    turns = sorted(job.run_at for job in office.jobs() if job.run_at)
    assert turns == [office.clock.at + timedelta(seconds=number) for number in range(1, 12)]


def test_who_was_idle_saves_no_turns(office: Office) -> None:
    office.post.limits = Limits(per_minute=60)
    send(office, 1)
    office.work()
    office.clock.move(hours=1)
    send(office, 3)
    office.work()
    assert len(office.post.sent) == 2


# --- hosts -------------------------------------------------------------------------------------------------


class Hanging(Post):
    """Hosts of which one takes mails and never answers."""

    def __init__(self, hangs: Callable[[UUID], bool]) -> None:
        super().__init__()
        self.hangs = hangs
        self.host = lambda user: "hangs.example" if hangs(user) else "healthy.example"

    async def send(self, outgoing: Outgoing) -> Answer:
        if self.hangs(outgoing.content[0]):
            await asyncio.sleep(3600)
        await asyncio.sleep(0.005)
        return await super().send(outgoing)


def seconds_for(office: Office, users: set[UUID]) -> float:
    """How long a worker takes until these have theirs."""

    async def timed() -> float:
        running = asyncio.create_task(office.worker().run())
        began = monotonic()
        async with asyncio.timeout(60):
            while not users <= {user for user, _ in office.post.sent}:
                await office.post.under_way.acquire()
        took = monotonic() - began
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        return took

    return office.run(timed())


def test_a_host_that_hangs_keeps_no_other_from_its_mails(
    office: Office, monkeypatch: pytest.MonkeyPatch, tell: Callable[[str], None]
) -> None:
    monkeypatch.setattr(hosts, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(worker_module, "SEND_SECONDS", 2.0)
    unlucky = set(send(office, 200))
    lucky = set(send(office, 200))
    office.channels["email"] = office.post = Hanging(unlucky.__contains__)

    took = seconds_for(office, lucky)

    waiting = [job for job in office.jobs() if job.reader_id in unlucky]
    assert all(job.reason in (None, Reason.HOST_BUSY, Reason.NOT_NOW) for job in waiting)
    tried = sum(job.attempts for job in waiting)
    assert tried < 100  # the others were left aside, not waited for
    tell(f"200 mails beside 200 to a host that hangs: {took:.1f} s, {tried} of those waited for")


def test_a_host_that_answers_again_gets_its_mails(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(worker_module, "SEND_SECONDS", 0.2)
    users = send(office, 40)
    office.channels["email"] = office.post = Hanging(lambda _: True)
    office.work()
    assert {job.reason for job in office.jobs()} == {Reason.NOT_NOW, Reason.HOST_BUSY}

    office.post.hangs = lambda _: False
    office.until(office.clock.at + 2 * MINUTE)
    assert {user for user, _ in office.post.sent} == set(users)


def test_a_host_is_slow_until_it_answers_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "PATIENCE_SECONDS", 0.3)
    host = ("email", "slow.example")

    async def sends() -> None:
        grown_late, answers = asyncio.Semaphore(0), asyncio.Event()
        found = Hosts(grown_late.release)

        async def one() -> None:
            with found.sending(host):
                await answers.wait()

        async def several() -> list[asyncio.Task[None]]:
            tasks = [asyncio.create_task(one()) for _ in range(hosts.FEW)]
            await asyncio.sleep(0)
            return tasks

        first = await several()
        assert not found.is_busy(host)
        for _ in first:
            await grown_late.acquire()
        assert (found.is_busy(host), found.late) == (True, hosts.FEW)
        assert not found.is_busy(("email", "other.example"))
        answers.set()
        await asyncio.gather(*first)
        assert (found.is_busy(host), found.late) == (False, 0)

        answers.clear()
        second = await several()
        assert found.is_busy(host)  # it was slow before
        with found.sending(host):
            pass
        assert not found.is_busy(host)
        answers.set()
        await asyncio.gather(*second)

    asyncio.run(sends())


def test_what_a_slow_host_refuses_is_no_defect_of_the_others(office: Office) -> None:
    users = send(office, 2)
    office.post.host = lambda user: f"{user}.example"
    office.post.answers = [Retry(answer="421 busy")]
    office.work()
    assert len(office.post.sent) == 1
    assert {user for user, _ in office.post.sent} < set(users)

"""Measure Tidings beside the usual table: `python -m bench [--quick]`.

A real PostgreSQL is started for the run. Ours and the usual way take turns on the same server, through the
same driver, with the same payload; every figure is the median of several calls, each a transaction. Then
bench.http asks over HTTP.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

import uvloop
from tests.servers import postgres

from bench import delivery, http, ours, streams, usual
from bench.measure import Call, Figure, Work, in_turns, keep, show, statements_alone, timed
from bench.ours import Ours
from bench.usual import Usual
from tidings.cli.server import spare_collector
from tidings.inbox.sending import Sender
from tidings.storage.engine import Database
from tidings.storage.migrate import upgrade

SMALLEST, LARGEST = 200, 1_000_000
OTHERS = 1000  # users who have as many as the smallest; the one measured is one of them
WRITERS = 8
BUSINESSES, IN_EACH_LANE = 500, 3
PARTS = ("core", "http", "streams", "delivery")
_SETTINGS = {"autovacuum": "off"}  # each measurement vacuums before it begins, both sides' tables


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="at most 20,000 in reach: a minute, and no verdicts"
    )
    parser.add_argument("--only", choices=PARTS, help="a part of it")
    options = parser.parse_args()
    started = time.perf_counter()
    spare_collector()  # as the server does
    figures: list[Figure] = []
    # The event loop is the server's.
    with postgres(_SETTINGS) as server, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        databases, name = (server.create(), server.create()), server.create()
        queues = (server.create(), server.create(), server.create())
        if options.only in (None, "core"):
            largest = 20_000 if options.quick else LARGEST
            figures += runner.run(_measure(server.url(server.create()), largest))
        if options.only in (None, "http"):
            _say("HTTP")
            extent = http.QUICK if options.quick else http.Extent()
            figures += runner.run(http.measure(server, databases, extent))
        if options.only in (None, "streams"):
            _say("streams")
            many = streams.QUICK if options.quick else streams.Extent()
            figures += runner.run(streams.measure(server, name, many))
        if options.only in (None, "delivery"):
            _say("delivery")
            # A table that is a queue lives by it.
            server.execute("ALTER SYSTEM SET autovacuum = on", "SELECT pg_reload_conf()")
            jobs = delivery.QUICK if options.quick else delivery.Extent()
            figures += runner.run(delivery.measure(server, queues, jobs))
    show(figures)
    if options.only in (None, "http"):
        print(f"\n{http.NOTE}")
    if options.only in (None, "delivery"):
        print(f"\n{delivery.NOTE}")
    seconds = time.perf_counter() - started
    print(f"\n{seconds:.0f} s")
    if not options.quick and options.only is None:  # a quick look is not a result, and neither is a part
        print(f"the figures are in {keep(figures, seconds).relative_to(Path.cwd())}")
    return 1 if any(one.ok is False for one in figures) else 0


async def _measure(url: str, largest: int) -> list[Figure]:
    database = Database(url)
    await upgrade(database)
    await ours.create(database)
    await usual.create(database)
    others = OTHERS if largest == LARGEST else OTHERS // 5
    _say(f"{others} users with {SMALLEST} each")
    users = [uuid4() for _ in range(others)]
    await usual.populate(database, users, SMALLEST)
    await ours.populate(database, users, SMALLEST)
    rivals = [Rivals(size=SMALLEST, mine=Ours(database, users[0]), theirs=Usual(database, users[0]))]
    for size in (10_000, largest):
        _say(f"{size:,} for another")
        user = uuid4()
        rivals.append(Rivals(size=size, mine=Ours(database, user), theirs=Usual(database, user)))
        await rivals[-1].theirs.fill(size)
        await rivals[-1].mine.open()
        await rivals[-1].mine.fill(size)
    figures = await _at_each_size(database, rivals, Ours(database, users[1]))
    figures += await _appends(database)
    _say(f"{largest:,} read one by one")
    figures += await _folded(database, largest)
    _say(f"{BUSINESSES} businesses")
    figures += await _many_businesses(database)
    await database.dispose()
    return figures


Side = tuple[int, str]  # how many are in reach, and "ours" or "theirs"


@dataclass(frozen=True, kw_only=True)
class Rivals:
    """A user of ours and one of the usual table, with as many in reach."""

    size: int
    mine: Ours
    theirs: Usual

    @property
    def times_theirs(self) -> int:
        """What goes through a million rows takes long."""
        return 15 if self.size <= 10_000 else 2


async def _at_each_size(database: Database, rivals: Sequence[Rivals], other: Ours) -> list[Figure]:
    """The five calls of all rivals, who take turns; `other` does what can be done only once before them."""
    await usual.vacuum(database)
    await ours.vacuum(database)
    _say("counting and listing")
    figures = _figures("count unseen", await _reading(rivals, Ours.count, Usual.count))
    figures += _figures("first page", await _reading(rivals, Ours.page, Usual.page))
    _say("marking all")
    figures += await _marking(database, rivals)
    _say("clearing")
    await other.read_all()
    await other.clear_read()
    return figures + await _clearing(database, rivals)


async def _marking(database: Database, rivals: Sequence[Rivals]) -> list[Figure]:
    """All is new before and after it."""
    calls: dict[Side, tuple[Work, Work, int]] = {}
    for one in rivals:
        calls[one.size, "ours"] = one.mine.mark_all, one.mine.undo, 15
        calls[one.size, "theirs"] = one.theirs.mark_all, one.theirs.unmark, one.times_theirs
    whole = {key: Call(work=work, before=undo, times=times) for key, (work, undo, times) in calls.items()}
    figures = _figures("mark all seen", await in_turns(whole))
    async with AsyncExitStack() as stack:
        alone: dict[Side, Call] = {}
        for key, (work, undo, times) in calls.items():
            await undo()
            statements = await stack.enter_async_context(statements_alone(database, work, undo=undo))
            alone[key] = Call(work=statements, times=times)
        return figures + _figures("  its statements alone, by the bare driver", await in_turns(alone))


async def _clearing(database: Database, rivals: Sequence[Rivals]) -> list[Figure]:
    for one in rivals:
        await one.mine.read_all()
        await one.theirs.read_all()
    await usual.vacuum(database)
    figures = _figures("unread page, all read", await _reading(rivals, Ours.unread_page, Usual.unread_page))
    cleared: dict[Side, float] = {}
    for one in rivals:
        cleared[one.size, "ours"] = await timed(one.mine.clear_read, times=1)
        cleared[one.size, "theirs"] = await timed(one.theirs.clear_read, times=1)
    figures += _figures("clear read", cleared)
    started = time.perf_counter()
    await ours.erase(database)
    erased = (time.perf_counter() - started) * 1000
    job = "  and erasing the content of all, in the background"
    return [*figures, Figure(job=job, size=f"{sum(one.size for one in rivals):,}", ours=erased)]


async def _reading(
    rivals: Sequence[Rivals],
    mine: Callable[[Ours], Awaitable[object]],
    theirs: Callable[[Usual], Awaitable[object]],
) -> dict[Side, float]:
    """Each has read just before: a count that goes through a million rows leaves the caches to nobody."""
    calls: dict[Side, Call] = {}
    for one in rivals:
        for side, work in (("ours", partial(mine, one.mine)), ("theirs", partial(theirs, one.theirs))):
            calls[one.size, side] = Call(work=work, before=work)
    return await in_turns(calls)


def _figures(job: str, taken: Mapping[Side, float]) -> list[Figure]:
    sizes = sorted({size for size, _ in taken})
    smallest = taken[sizes[0], "ours"]
    return [_figure(job, size, taken[size, "ours"], taken[size, "theirs"], smallest) for size in sizes]


def _figure(job: str, size: int, mine: float, theirs: float, smallest: float) -> Figure:
    expect, ok = "", None
    if job == "mark all seen" and size == SMALLEST:
        expect, ok = "not slower than the UPDATE", mine <= theirs
    elif size == LARGEST:
        expect, ok = "within 2× of 200", mine <= 2 * smallest
        if job == "mark all seen":
            expect, ok = expect + ", ≥ 1,000× the UPDATE", ok and theirs >= 1000 * mine
    return Figure(job=job, size=f"{size:,}", ours=mine, theirs=theirs, expect=expect, ok=ok)


async def _appends(database: Database) -> list[Figure]:
    """Rows a second with eight writers, who each wait for their answer before they send the next."""
    _say("appending")
    mine = [Ours(database, uuid4()) for _ in range(WRITERS)]
    theirs = [Usual(database, uuid4()) for _ in range(WRITERS)]
    for one in mine:
        await one.open()
    sender = Sender(database)  # what a process sends with

    async def rate(writers: Sequence[Ours | Usual], each: int = 400) -> float:
        async def write(one: Ours | Usual) -> None:
            for _ in range(each):
                await (one.send_one(sender) if isinstance(one, Ours) else one.insert())

        started = time.perf_counter()
        await asyncio.gather(*[write(one) for one in writers])
        return each * len(writers) / (time.perf_counter() - started)

    await rate([*mine, *theirs], each=50)
    turns = [(await rate(mine), await rate(theirs)) for _ in range(3)]
    ours_rate, their_rate = (statistics.median(rates) for rates in zip(*turns, strict=True))
    one_lane = await rate([mine[0]] * WRITERS)
    alone = await in_turns(
        {
            "ours": Call(work=lambda: mine[0].send_one(sender), times=200),
            "theirs": Call(work=theirs[0].insert, times=200),
        }
    )
    return [
        Figure(
            job="append, 8 writers, different streams",
            size="1",
            ours=ours_rate,
            theirs=their_rate,
            unit="/s",
            expect="≥ 50 % of the INSERT's rate",
            ok=ours_rate >= their_rate / 2,
        ),
        Figure(job="append, 8 writers, one lane", size="1", ours=one_lane, theirs=their_rate, unit="/s"),
        Figure(job="append, one writer", size="1", ours=alone["ours"], theirs=alone["theirs"]),
    ]


async def _folded(database: Database, size: int) -> list[Figure]:
    mine = Ours(database, uuid4())
    await mine.open()
    await mine.read_one_by_one(await mine.fill(size))
    await ours.vacuum(database)
    before = await timed(mine.count_unread, times=3)
    started = time.perf_counter()
    await mine.fold()
    folding = (time.perf_counter() - started) * 1000
    await ours.vacuum(database)
    after = await timed(mine.count_unread, times=15)
    label = f"{size:,}"
    return [
        Figure(job="count, read one by one, not folded", size=label, ours=before),
        Figure(job="  folding it, in the background", size=label, ours=folding),
        Figure(job="count, read one by one, folded", size=label, ours=after, expect="≤ 5 ms", ok=after <= 5),
    ]


async def _many_businesses(database: Database) -> list[Figure]:
    mine, streams = await ours.user_of_businesses(database, BUSINESSES, IN_EACH_LANE)
    await ours.vacuum(database)
    durations = {"mark all seen, many businesses": await timed(mine.mark_all, times=15, before=mine.undo)}
    await mine.undo()  # all is new again, and there are lines to look at
    durations |= {
        "count, many businesses": await timed(mine.count, times=15),
        "first page, many businesses": await timed(mine.page, times=15),
    }
    async with statements_alone(database, mine.mark_all, undo=mine.undo) as statements:
        alone = await timed(statements, times=7)
    again = await timed(
        mine.mark_all, times=7, before=lambda: ours.tell(database, streams[: BUSINESSES // 10])
    )
    label = f"{BUSINESSES}×12 lanes"
    figures = [
        Figure(job=job, size=label, ours=duration, expect="≤ 50 ms", ok=duration <= 50)
        for job, duration in durations.items()
    ]
    return [
        *figures,
        Figure(job="  its statements alone, by the bare driver", size=label, ours=alone),
        Figure(job="  with news in a tenth of the businesses alone", size=label, ours=again),
    ]


def _say(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

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
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID, uuid4

import uvloop
from tests.servers import postgres

from bench import http, ours, streams, usual
from bench.measure import Figure, Work, compared, keep, show, statements_alone, timed
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
_SETTINGS = {"autovacuum": "off"}  # each measurement vacuums before it begins, both sides' tables


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="at most 20,000 in reach: a minute, and no verdicts"
    )
    parser.add_argument("--only", choices=("core", "http", "streams"), help="a part of it")
    options = parser.parse_args()
    started = time.perf_counter()
    spare_collector()  # as the server does
    figures: list[Figure] = []
    # The event loop is the server's.
    with postgres(_SETTINGS) as server, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        databases, name = (server.create(), server.create()), server.create()
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
    show(figures)
    if options.only in (None, "http"):
        print(f"\n{http.NOTE}")
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
    figures: list[Figure] = []
    flat: dict[str, float] = {}
    others = OTHERS if largest == LARGEST else OTHERS // 5
    _say(f"{others} users with {SMALLEST} each")
    users = [uuid4() for _ in range(others)]
    await usual.populate(database, users, SMALLEST)
    await ours.populate(database, users, SMALLEST)
    for size in (SMALLEST, 10_000, largest):
        _say(f"{size:,} in reach")
        if size == SMALLEST:
            user = users[0]
        else:
            user = uuid4()
            await Usual(database, user).fill(size)
            await Ours(database, user).open()
            await Ours(database, user).fill(size)
        figures += await _at_size(database, user, size, largest, flat)
    figures += await _appends(database)
    _say(f"{largest:,} read one by one")
    figures += await _folded(database, largest)
    _say(f"{BUSINESSES} businesses")
    figures += await _many_businesses(database)
    await database.dispose()
    return figures


async def _at_size(
    database: Database, user: UUID, size: int, largest: int, flat: dict[str, float]
) -> list[Figure]:
    """The five calls with `size` in reach; `flat` holds ours at the smallest size, for comparison."""
    mine, theirs = Ours(database, user), Usual(database, user)
    await usual.vacuum(database)
    await ours.vacuum(database)
    times, slow = 15, 15 if size <= 10_000 else 2
    pairs = {
        "count unseen": await _read(mine.count, theirs.count, times),
        "first page": await _read(mine.page, theirs.page, times),
        "mark all seen": await compared(
            mine.mark_all,
            theirs.mark_all,
            times=times,
            times_theirs=slow,
            before=mine.undo,
            before_theirs=theirs.unmark,
        ),
    }
    await mine.undo()
    await theirs.unmark()
    pairs["  its statements alone, by the bare driver"] = (
        await statements_alone(database, mine.mark_all, undo=mine.undo, times=times),
        await statements_alone(database, theirs.mark_all, undo=theirs.unmark, times=slow),
    )
    await mine.undo()
    await mine.read_all()
    await theirs.read_all()
    await usual.vacuum(database)
    pairs["unread page, all read"] = await _read(mine.unread_page, theirs.unread_page, times)
    pairs["clear read"] = await compared(mine.clear_read, theirs.clear_read, times=1)
    started = time.perf_counter()
    await ours.erase(database)
    erased = (time.perf_counter() - started) * 1000
    figures = [_figure(job, size, largest, *pair, flat) for job, pair in pairs.items()]
    return [
        *figures,
        Figure(job="  and erasing the content, in the background", size=f"{size:,}", ours=erased),
    ]


async def _read(mine: Work, theirs: Work, times: int) -> tuple[float, float]:
    """Each has read just before: a count that goes through a million rows leaves the caches to nobody."""
    return await compared(mine, theirs, times=times, before=mine, before_theirs=theirs)


def _figure(job: str, size: int, largest: int, mine: float, theirs: float, flat: dict[str, float]) -> Figure:
    first = flat.setdefault(job, mine)
    expect, ok = "", None
    if job == "mark all seen" and size == SMALLEST:
        expect, ok = "not slower than the UPDATE", mine <= theirs
    elif size == largest == LARGEST:
        expect, ok = "within 2× of 200", mine <= 2 * first
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
    alone, their_alone = await compared(lambda: mine[0].send_one(sender), theirs[0].insert, times=200)
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
        Figure(job="append, one writer", size="1", ours=alone, theirs=their_alone),
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
    alone = await statements_alone(database, mine.mark_all, undo=mine.undo, times=7)
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

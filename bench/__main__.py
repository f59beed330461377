"""Measure Tidings beside the usual table: `python -m bench [--quick]`.

A real PostgreSQL is started for the run. Ours and the usual way take turns on the same server, through the
same driver, with the same payload; every figure is the median of several calls, each a transaction.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path
from uuid import uuid4

import uvloop
from tests.servers import postgres

from bench import ours, usual
from bench.measure import Figure, keep, show, timed
from bench.ours import Ours
from bench.usual import Usual
from tidings.storage.engine import Database
from tidings.storage.migrate import upgrade

LARGEST = 1_000_000
WRITERS = 8
BUSINESSES, IN_EACH_LANE = 500, 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="at most 20,000 in reach: a minute, and no verdicts"
    )
    largest = 20_000 if parser.parse_args().quick else LARGEST
    started = time.perf_counter()
    # The event loop is the server's.
    with postgres() as server, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures = runner.run(_measure(server.url(server.create()), largest))
    show(figures)
    seconds = time.perf_counter() - started
    print(f"\n{seconds:.0f} s")
    if largest == LARGEST:  # a quick look is not a result
        print(f"the figures are in {keep(figures, seconds).relative_to(Path.cwd())}")
    return 1 if any(one.ok is False for one in figures) else 0


async def _measure(url: str, largest: int) -> list[Figure]:
    database = Database(url)
    await upgrade(database)
    await ours.create(database)
    await usual.create(database)
    figures: list[Figure] = []
    flat: dict[str, float] = {}
    for size in (200, 10_000, largest):
        _say(f"{size:,} in reach")
        figures += await _at_size(database, size, largest, flat)
    figures += await _appends(database)
    _say(f"{largest:,} read one by one")
    figures += await _folded(database, largest)
    _say(f"{BUSINESSES} businesses")
    figures += await _many_businesses(database)
    await database.dispose()
    return figures


async def _at_size(database: Database, size: int, largest: int, flat: dict[str, float]) -> list[Figure]:
    """The five calls with `size` in reach; `flat` holds ours at the smallest size, for comparison."""
    mine, theirs = Ours(database, uuid4()), Usual(database, uuid4())
    await mine.open()
    await mine.fill(size)
    await theirs.fill(size)
    await usual.vacuum(database)
    await ours.vacuum(database)
    times, slow = (15, 15) if size <= 10_000 else (15, 2)
    pairs: dict[str, tuple[float, float]] = {
        "count unseen": (await timed(mine.count, times=times), await timed(theirs.count, times=times)),
        "first page": (await timed(mine.page, times=times), await timed(theirs.page, times=times)),
        "mark all seen": (
            await timed(mine.mark_all, times=times, before=mine.undo),
            await timed(theirs.mark_all, times=slow, before=theirs.unmark),
        ),
    }
    await mine.undo()
    await mine.read_all()
    await theirs.read_all()
    await usual.vacuum(database)
    pairs["unread page, all read"] = (
        await timed(mine.unread_page, times=times),
        await timed(theirs.unread_page, times=times),
    )
    pairs["clear read"] = (await timed(mine.clear_read, times=1), await timed(theirs.clear_read, times=1))
    started = time.perf_counter()
    await ours.erase(database)
    erased = (time.perf_counter() - started) * 1000
    figures = [_figure(job, size, largest, *pair, flat) for job, pair in pairs.items()]
    return [
        *figures,
        Figure(job="  and erasing the content, in the background", size=f"{size:,}", ours=erased),
    ]


def _figure(job: str, size: int, largest: int, mine: float, theirs: float, flat: dict[str, float]) -> Figure:
    first = flat.setdefault(job, mine)
    expect, ok = "", None
    if job == "mark all seen" and size == 200:
        expect, ok = "not slower than the UPDATE", mine <= theirs
    elif size == largest == LARGEST:
        expect, ok = "within 2× of 200", mine <= 2 * first
        if job == "mark all seen":
            expect, ok = expect + ", ≥ 1,000× the UPDATE", ok and theirs >= 1000 * mine
    return Figure(job=job, size=f"{size:,}", ours=mine, theirs=theirs, expect=expect, ok=ok)


async def _appends(database: Database) -> list[Figure]:
    """Rows a second with eight writers, one row a transaction."""
    _say("appending")
    mine = [Ours(database, uuid4()) for _ in range(WRITERS)]
    theirs = [Usual(database, uuid4()) for _ in range(WRITERS)]
    for one in mine:
        await one.open()
    each = 400

    async def rate(writers: list[Ours] | list[Usual]) -> float:
        async def write(one: Ours | Usual) -> None:
            for _ in range(each):
                await (one.append_one() if isinstance(one, Ours) else one.insert())

        started = time.perf_counter()
        await asyncio.gather(*[write(one) for one in writers])
        return each * len(writers) / (time.perf_counter() - started)

    await rate(mine[:1])
    ours_rate, their_rate = await rate(mine), await rate(theirs)
    one_lane = await rate([mine[0]] * WRITERS)
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
    mine = await ours.user_of_businesses(database, BUSINESSES, IN_EACH_LANE)
    await ours.vacuum(database)
    label = f"{BUSINESSES}×12 lanes"
    works = {
        "count, many businesses": (mine.count, None),
        "first page, many businesses": (mine.page, None),
        "mark all seen, many businesses": (mine.mark_all, mine.undo),
    }
    figures: list[Figure] = []
    for job, (work, before) in works.items():
        duration = await timed(work, times=7, before=before)
        figures.append(Figure(job=job, size=label, ours=duration, expect="≤ 50 ms", ok=duration <= 50))
    return figures


def _say(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

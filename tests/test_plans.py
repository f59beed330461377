"""No hidden O(n): what PostgreSQL really does for each statement of the hot calls, at 100,000 in reach.

Each statement of a call is run again under EXPLAIN (ANALYZE) in one transaction, in its order. No node of a
plan may touch more than 2 * (lanes + exceptions) + 100 rows, those that a filter threw away included. The
world has what would tempt a planner: 30,000 marks that a folding put below the line, thousands of gone and
resolved ones below it, and some of everything above it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from tests.conftest import MovingClock, OpenDatabase, Run
from tests.recorder import listen
from tidings.inbox import catalog, membership, operations
from tidings.inbox.append import append, withdraw
from tidings.inbox.counts import count
from tidings.inbox.folding import fold
from tidings.inbox.reach import reach_of
from tidings.inbox.undo import undo
from tidings.model import UNREAD, UNSEEN, Action, Address, Audience, Draft, Outcome, Reader, Severity
from tidings.storage.engine import Database
from tidings.storage.store import Store

IN_REACH = 100_000
FOLDED = 30_000
SETTLED = 4_000  # gone and resolved ones below the read line
ABOVE = 60  # of each kind of exception above the line, and as many lowered ones below it
SEVERITIES = list(Severity)


@dataclass(frozen=True, kw_only=True)
class World:
    database: Database
    reader: Reader
    lanes: int
    exceptions: int

    def limit(self, call: str) -> int:
        """2(l + e) + 100; gone and resolved ones are exceptions where they lie above the call's own line."""
        deep = call in ("dismiss-all", "clear-read")  # their lines are still at 0
        return 2 * (self.lanes + self.exceptions + (SETTLED if deep else 0)) + 100


async def built(database: Database, clock: MovingClock) -> World:
    """A reader of an own stream and a business's, 24 lanes each way, with a long past."""
    reader, business = Reader(id=uuid4()), uuid4()
    own = Address(audience=Audience.USER, id=reader.id)
    shared = Address(audience=Audience.BUSINESS, id=business)
    async with database.begin() as store:
        for number in range(8):
            await catalog.put_event(store, f"event.{number}", topic="ledger", channels={"in_app": True})
        await membership.open_user(store, reader.id)
        await membership.open_business(store, business)
        await membership.join(store, reader.id, shared)
    for _ in range(100):  # a reader is never alone: a table of a single page is always read whole
        other = Address(audience=Audience.USER, id=uuid4())
        async with database.begin() as store:
            await membership.open_user(store, other.id)
        for _ in range(5):  # and they read now and then
            await filled(database, other, 24)
            await seen(database, Reader(id=other.id))
    past = await filled(database, own, FOLDED)
    await each(database, past, lambda s, ids: operations.mark(s, reader, Action.READ, ids))
    clock.move(minutes=11)
    async with database.begin() as store:
        assert await fold(store, reader)
    past += await filled(database, shared, 20_000)
    for number in range(20):  # a history of sweeps, each with something to sweep
        await filled(database, own, 240)
        await done(database, lambda s: operations.mark_all(s, reader, Action.READ))
        clock.move(minutes=1 + number)
    await settled(database, reader, past[FOLDED:], SETTLED)
    recent = await filled(database, own, IN_REACH - FOLDED - 20_000 - 20 * 240 - 10_000)
    recent += await filled(database, shared, 10_000)
    exceptions = await exceptional(database, clock, reader, past, recent)
    async with database.read() as store:
        await store.connection.execute(sa.text("VACUUM ANALYZE"))
    return World(database=database, reader=reader, lanes=48, exceptions=exceptions)


async def exceptional(
    database: Database, clock: MovingClock, reader: Reader, past: list[UUID], recent: list[UUID]
) -> int:
    """Marks and endings on both sides of the line; how many there are."""
    until = clock.at + timedelta(days=1)
    for action, ids in (
        (Action.UNREAD, past[:ABOVE]),
        (Action.REFRESH, past[ABOVE : 2 * ABOVE]),
        (Action.READ, recent[:ABOVE]),
        (Action.DISMISS, recent[ABOVE : 2 * ABOVE]),
        (Action.DELETE, recent[2 * ABOVE : 3 * ABOVE]),
        (Action.SNOOZE, recent[3 * ABOVE : 4 * ABOVE]),
        (Action.PIN, recent[4 * ABOVE : 5 * ABOVE]),
        (Action.RESOLVE, recent[5 * ABOVE : 6 * ABOVE]),
    ):
        async with database.begin() as store:
            done = await operations.mark(store, reader, action, ids, until=until)
            assert done.changed == ABOVE
    await settled(database, None, recent[6 * ABOVE :], ABOVE)
    return 9 * ABOVE


async def settled(database: Database, reader: Reader | None, ids: list[UUID], number: int) -> None:
    """Resolve so many, and withdraw some: what stays linear is only what of this lies above a line."""
    for notification in ids[: min(number, ABOVE)]:
        async with database.begin() as store:
            await withdraw(store, notification)
    if reader is not None:
        rest = ids[ABOVE:number]
        await each(database, rest, lambda s, some: operations.mark(s, reader, Action.RESOLVE, some))


async def filled(database: Database, to: Address, number: int) -> list[UUID]:
    ids: list[UUID] = []
    for first in range(0, number, 1000):
        drafts = [
            Draft(to=to, event=f"event.{n % 8}", severity=SEVERITIES[n // 8 % 3], title=f"Number {n}")
            for n in range(first, min(number, first + 1000))
        ]
        async with database.begin() as store:
            ids += await append(store, drafts)
    return ids


async def each(
    database: Database, ids: list[UUID], work: Callable[[Store, list[UUID]], Awaitable[object]]
) -> None:
    for first in range(0, len(ids), 1000):
        async with database.begin() as store:
            await work(store, ids[first : first + 1000])


async def done(database: Database, work: Callable[[Store], Awaitable[Outcome]]) -> Outcome:
    async with database.begin() as store:
        return await work(store)


class TakeBack(Exception):
    """Ends a transaction without a trace."""


async def plans(database: Database, work: Callable[[Store], Awaitable[object]]) -> list[tuple[str, Any]]:
    """Each statement of `work` with its plan as it was executed; nothing of it is committed."""
    statements: list[tuple[str, Sequence[Any]]] = []
    with suppress(TakeBack):
        async with database.begin() as store:
            stop = listen(lambda statement, arguments: statements.append((statement, arguments)))
            try:
                await work(store)
            finally:
                stop()
            raise TakeBack
    explained: list[tuple[str, Any]] = []
    async with database.engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        outer = driver.transaction()
        await outer.start()
        for statement, arguments in statements:
            explained.append((statement, await executed(driver, statement, arguments)))
        await outer.rollback()
    return explained


async def executed(driver: Any, statement: str, arguments: Sequence[Any]) -> dict[str, Any]:
    """The plan that the server has for the prepared statement, as it went with these arguments.

    EXPLAIN of the statement itself would show a plan made for these arguments: not the one that is kept.
    """
    prepared = await driver.prepare(statement)
    kinds = [f"{kind.schema}.{kind.name}" for kind in prepared.get_parameters()]
    literals = [
        await driver.fetchval(f"SELECT quote_nullable(cast($1::{kind} AS text)) || '::{kind}'", value)
        for kind, value in zip(kinds, arguments, strict=True)
    ]
    await driver.execute(f"PREPARE explained AS {statement}")
    given = f"({', '.join(literals)})" if literals else ""
    rows = await driver.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE explained{given}")
    await driver.execute("DEALLOCATE explained")
    return rows[0][0][0]["Plan"]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def touched(node: dict[str, Any]) -> float:
    """The rows that a node handled: what it gave on, and what its filters threw away."""
    removed = sum(value for name, value in node.items() if name.startswith("Rows Removed by"))
    return (node["Actual Rows"] + removed) * node["Actual Loops"]


def check(world: World, call: str, explained: list[tuple[str, Any]]) -> None:
    for statement, plan in explained:
        for node in nodes(plan):
            assert touched(node) <= world.limit(call), (
                f"{call}: {node['Node Type']} on {node.get('Relation Name', node.get('CTE Name'))} handled "
                f"{touched(node):.0f} rows, of at most {world.limit(call)}, in\n{statement}\n"
                f"{json.dumps(plan, indent=1)}"
            )


def test_no_statement_of_a_hot_call_grows_with_the_backlog(
    run: Run,
    postgres_url: str,
    clock: MovingClock,
    open_database: OpenDatabase,
    tell: Callable[[str], None],
) -> None:
    database = open_database(postgres_url, clock=clock)
    world = run(built(database, clock))
    reader = world.reader
    calls: dict[str, Callable[[Store], Awaitable[object]]] = {
        "mark-all-seen": lambda s: operations.mark_all(s, reader, Action.SEEN),
        "read-all": lambda s: operations.mark_all(s, reader, Action.READ),
        "dismiss-all": lambda s: operations.mark_all(s, reader, Action.DISMISS),
        "clear-read": lambda s: operations.clear_read(s, reader),
        "count unseen": lambda s: counted(s, reader, UNSEEN),
        "count unread": lambda s: counted(s, reader, UNREAD),
    }
    busiest: list[str] = []
    for call, work in calls.items():
        explained = run(plans(database, work))
        assert len(explained) > 1
        check(world, call, explained)
        most = max(touched(node) for _, plan in explained for node in nodes(plan))
        busiest.append(f"{call} {most:.0f} of {world.limit(call)}")
    outcome = run(done(database, lambda s: operations.mark_all(s, reader, Action.SEEN)))
    assert outcome.operation is not None
    assert outcome.changed > 40_000
    number = outcome.operation
    explained = run(plans(database, lambda s: undo(s, reader, number)))
    check(world, "undo", explained)
    most = max(touched(node) for _, plan in explained for node in nodes(plan))
    busiest.append(f"undo {most:.0f} of {world.limit('undo')}")
    tell(f"{IN_REACH} in reach, rows in the busiest node of any plan: {', '.join(busiest)}")


async def seen(database: Database, reader: Reader) -> None:
    await done(database, lambda s: operations.mark_all(s, reader, Action.SEEN))


async def spread_out(database: Database, streams: int) -> World:
    """A reader of many businesses, each with 24 lanes, something withdrawn and something read by its id."""
    reader = Reader(id=uuid4())
    async with database.begin() as store:
        for number in range(8):
            await catalog.put_event(store, f"event.{number}", topic="ledger", channels={"in_app": True})
        await membership.open_user(store, reader.id)
    for _ in range(100):
        other = Address(audience=Audience.USER, id=uuid4())
        async with database.begin() as store:
            await membership.open_user(store, other.id)
        some = (await filled(database, other, 48))[:20]
        await seen(database, Reader(id=other.id))
        for action in (Action.READ, Action.RESOLVE):
            await done(
                database, partial(operations.mark, reader=Reader(id=other.id), action=action, ids=some)
            )
    for _ in range(streams):
        business = Address(audience=Audience.BUSINESS, id=uuid4())
        async with database.begin() as store:
            await membership.open_business(store, business.id)
            await membership.join(store, reader.id, business)
        ids = await filled(database, business, 72)
        async with database.begin() as store:
            await withdraw(store, ids[-1])
            await operations.mark(store, reader, Action.READ, ids[-2:-1])
    async with database.read() as store:
        await store.connection.execute(sa.text("VACUUM ANALYZE"))
    return World(database=database, reader=reader, lanes=24 * streams, exceptions=2 * streams)


def test_no_statement_of_a_hot_call_multiplies_lanes_by_lanes(
    run: Run, postgres_url: str, clock: MovingClock, open_database: OpenDatabase, tell: Callable[[str], None]
) -> None:
    """Planners guess that a CTE has few rows, and then join them row by row."""
    database = open_database(postgres_url, clock=clock)
    world = run(spread_out(database, 100))
    reader = world.reader

    async def marked_and_undone(store: Store) -> None:
        outcome = await operations.mark_all(store, reader, Action.SEEN)
        assert outcome.changed == 100 * 70
        await undo(store, reader, outcome.operation or 0)

    calls: dict[str, Callable[[Store], Awaitable[object]]] = {
        "mark-all-seen and undo": marked_and_undone,
        "count": lambda s: counted(s, reader, UNSEEN),
        "clear-read": lambda s: operations.clear_read(s, reader),
    }
    busiest: list[str] = []
    for call, work in calls.items():
        explained = run(plans(database, work))
        check(world, call, explained)
        most = max(touched(node) for _, plan in explained for node in nodes(plan))
        busiest.append(f"{call} {most:.0f} of {world.limit(call)}")
    tell(f"{world.lanes} lanes in reach, rows in the busiest node of any plan: {', '.join(busiest)}")


async def counted(store: Store, reader: Reader, window: Any) -> int:
    return await count(store, await reach_of(store, reader), window)


def test_a_plan_that_walks_the_backlog_is_noticed(
    run: Run, postgres_url: str, clock: MovingClock, open_database: OpenDatabase
) -> None:
    """The check itself: the usual COUNT over the notifications fails it."""
    database = open_database(postgres_url, clock=clock)
    world = World(database=database, reader=Reader(id=uuid4()), lanes=1, exceptions=0)

    async def usual(store: Store) -> None:
        await store.connection.scalar(sa.text("SELECT count(*) FROM generate_series(1, 1000)"))

    with pytest.raises(AssertionError, match="handled 1000 rows"):
        check(world, "usual", run(plans(database, usual)))

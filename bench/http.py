"""Requests a second, beside the least that a server can do and beside a package that teams take instead.

All servers run at once on one PostgreSQL and take turns; those whose turn it is not are idle. Each of the
connections is a user of its own.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import sqlalchemy as sa
from tests.servers import Postgres

from bench import asking, ours, processes
from bench.asking import Load, Side, get, post
from bench.measure import Figure, Latency, Work
from bench.peers import bare
from bench.peers.hq.package import Package
from tidings.identity import directory
from tidings.identity.tokens import issue_api_token
from tidings.inbox.append import append
from tidings.inbox.undo import undo
from tidings.model import Address, Audience, Reader
from tidings.storage.engine import Database
from tidings.storage.migrate import upgrade
from tidings.storage.tables import sweep

UNREAD = 1000
PAGE = 10  # what the package's list shows
TOGETHER = (8, 1)  # connections
NOTE = """\
HTTP: Tidings is one process of `tidings serve`. SELECT 1 and UPDATE are a bare Starlette handler that is
served in the same way, access log and all, with one prepared statement through an asyncpg pool; lock+UPDATE
is that with the row locked and read anew first, in one transaction. hq is
django-notifications-hq with its own views under gunicorn: two sync workers (which close each connection),
persistent database connections, a signed-in session. What asks shares the cores with what answers and with
PostgreSQL, the same for all. p50 and p99 are ours / theirs."""


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much is done."""

    users: int = 200
    turns: int = 3
    seconds: float = 3.0  # a turn, where it is not over when each user has asked once
    verdicts: bool = True


QUICK = Extent(users=24, turns=1, seconds=0.5, verdicts=False)


@dataclass(frozen=True, kw_only=True)
class Job:
    """What Tidings is asked, and what is expected of it beside whom."""

    name: str
    mine: Side
    peers: Mapping[str, tuple[Side, float | None]]  # and the least part of their rate that ours should be


@dataclass(kw_only=True)
class _Taken:
    rates: list[float] = field(default_factory=list[float])
    durations: list[float] = field(default_factory=list[float])

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)

    @property
    def latency(self) -> Latency:
        """In milliseconds, over all turns."""
        percentiles = statistics.quantiles([1000 * one for one in self.durations], n=100)
        return Latency(p50=percentiles[49], p99=percentiles[98])


# --- the measurement ---------------------------------------------------------------------------------------


async def measure(server: Postgres, databases: tuple[str, str], extent: Extent) -> list[Figure]:
    """Starts the servers on two new databases, has them take turns at each job, and stops them."""
    url, hq_name = server.url(databases[0]), databases[1]
    database = Database(url)
    await upgrade(database)
    mine = await Tidings.made(database, extent.users)
    theirs = await Package.made(server, hq_name, extent.users, UNREAD)
    figures: list[Figure] = []
    with ExitStack() as running, tempfile.TemporaryDirectory() as folder:
        log = Path(folder)
        mine.port = running.enter_context(processes.tidings(url, log / "tidings"))
        bare_port = running.enter_context(processes.bare(url, log / "bare"))
        theirs.port = running.enter_context(theirs.served(log / "gunicorn"))
        async with asking.load() as load:
            for job in _jobs(mine, theirs, bare_port):
                for together in TOGETHER:
                    taken = await _take_turns(load, job, together, extent)
                    figures += _figures(job, together, taken, extent)
    await theirs.connection.close()
    await database.dispose()
    return figures


def _jobs(mine: Tidings, theirs: Package, bare_port: int) -> list[Job]:
    """Those that mark all of the 1,000 come before those that leave sweeps which cannot be undone."""
    select = Side(port=bare_port, requests=[get("/select")])
    writes = {
        name: Side(port=bare_port, requests=[post(f"/{path}/{n}") for n in range(bare.ROWS)], status=201)
        for name, path in (("UPDATE", "update"), ("lock+UPDATE", "locked"))
    }
    limits = {"UPDATE": (writes["UPDATE"], 0.5), "lock+UPDATE": (writes["lock+UPDATE"], None)}
    page = f"/api/v1/notifications?limit={PAGE}"
    return [
        Job(
            name="count",
            mine=mine.side(mine.get("/api/v1/notifications/count")),
            peers={"SELECT 1": (select, 0.35), "hq": (theirs.side("api/unread_count/"), 3)},
        ),
        Job(
            name=f"first page of {PAGE}",
            mine=mine.side(mine.get(page)),
            peers={"hq": (theirs.side("api/unread_list/"), 3)},
        ),
        Job(
            name=f"mark all seen, {UNREAD:,} of them new",
            mine=mine.mark_all(UNREAD, mine.unmark),
            peers={**limits, "hq": (theirs.mark_all(theirs.unmark), 3)},
        ),
        Job(
            name="mark all seen, one of them new",
            mine=mine.mark_all(1, mine.tell),
            peers={**limits, "hq": (theirs.mark_all(theirs.tell), 3)},
        ),
        Job(
            name="mark all seen, none of them new",
            mine=mine.mark_all(0, None),
            peers={"UPDATE": (writes["UPDATE"], None), "hq": (theirs.mark_all(None), None)},
        ),
    ]


async def _take_turns(load: Load, job: Job, together: int, extent: Extent) -> dict[str, _Taken]:
    sides = {"ours": job.mine} | {name: side for name, (side, _) in job.peers.items()}
    taken = {name: _Taken() for name in sides}
    for turn in range(extent.turns + 1):
        for name, side in sides.items():
            rate, durations = await load.turn(side, together, extent.seconds)
            if turn:  # the first warms up
                taken[name].rates.append(rate)
                taken[name].durations += durations
    return taken


def _figures(job: Job, together: int, taken: Mapping[str, _Taken], extent: Extent) -> list[Figure]:
    mine = taken["ours"]
    return [
        Figure(
            job=f"HTTP {job.name}; {name}",
            size=f"{together} at once",
            ours=mine.rate,
            theirs=taken[name].rate,
            unit="/s",
            expect="" if least is None else f"≥ {least:g}×",
            ok=mine.rate >= least * taken[name].rate
            if least is not None and extent.verdicts and together == TOGETHER[0]
            else None,
            latency=mine.latency,
            their_latency=taken[name].latency,
        )
        for name, (_, least) in job.peers.items()
    ]


# --- Tidings -----------------------------------------------------------------------------------------------


class Tidings:
    """Users with 1,000 unread each, members of one business, with API tokens."""

    def __init__(self, database: Database, users: Sequence[UUID]) -> None:
        self._database, self._users = database, users
        self._headers: list[dict[str, str]] = []
        self._told = 0
        self.port = 0

    @classmethod
    async def made(cls, database: Database, count: int) -> Tidings:
        made = cls(database, [uuid4() for _ in range(count)])
        business = Address(audience=Audience.BUSINESS, id=uuid4())
        await ours.create(database)
        async with database.begin() as store:
            await store.connection.execute(sa.text(bare.TABLE))
            await store.connection.execute(sa.text(bare.FILL))
            await directory.put_business(store, business.id, name="Acme")
            for user in made._users:
                await directory.put_user(store, user)
                await directory.join(store, user, business)
                _, token = await issue_api_token(store, user, name="bench")
                made._headers.append({"Authorization": f"Bearer {token}", "x-business-id": str(business.id)})
        await ours.populate(database, made._users, UNREAD)
        await ours.vacuum(database)
        return made

    def get(self, path: str) -> list[str]:
        return [get(path, **headers) for headers in self._headers]

    def side(self, requests: list[str]) -> Side:
        return Side(port=self.port, requests=requests)

    def mark_all(self, updated: int, before: Work | None) -> Side:
        return Side(
            port=self.port,
            requests=[post("/api/v1/notifications/mark-all-seen", **headers) for headers in self._headers],
            status=201,
            before=before,
            answer=f'{{"updated":{updated}}}',
        )

    async def unmark(self) -> None:
        """Undo each user's mark-all, if they made one."""
        for user in self._users:
            async with self._database.begin() as store:
                last = await store.scalar(sa.select(sa.func.max(sweep.c.op)).where(sweep.c.reader_id == user))
                if last is not None:
                    await undo(store, Reader(id=user), last)
        await ours.vacuum(self._database)

    async def tell(self) -> None:
        """Another notification for each user."""
        async with self._database.begin() as store:
            await append(
                store,
                [ours.draft(Address(audience=Audience.USER, id=user), self._told) for user in self._users],
            )
        self._told += 1
        await ours.vacuum(self._database)

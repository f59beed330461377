"""How a duration is taken, and how figures are shown and kept."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from tests.recorder import listen

from tidings.storage.engine import Database

Work = Callable[[], Awaitable[object]]
Key = TypeVar("Key")


@dataclass(frozen=True, kw_only=True)
class Latency:
    """How long single requests took, in milliseconds."""

    p50: float
    p99: float


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table. Times are medians in milliseconds; of rates (`/s`) more is better."""

    job: str
    size: str
    ours: float
    theirs: float | None = None
    unit: str = "ms"
    expect: str = ""  # what it should be
    ok: bool | None = None  # whether it is; None where nothing is expected
    latency: Latency | None = None  # of single requests, where `ours` is their rate
    their_latency: Latency | None = None


@dataclass(frozen=True, kw_only=True)
class Call:
    """Something to be timed `times` times; `before` prepares each time and is not measured."""

    work: Work
    before: Work | None = None
    times: int = 15


async def in_turns(calls: Mapping[Key, Call]) -> dict[Key, float]:
    """The median duration of each in milliseconds.

    They take turns: what slows the machine down for a while slows all of them.
    """
    durations: dict[Key, list[float]] = {key: [] for key in calls}
    for turn in range(max(call.times for call in calls.values())):
        for key, call in calls.items():
            if turn < call.times:
                durations[key].append(await _duration(call))
    return {key: statistics.median(each) for key, each in durations.items()}


async def timed(work: Work, *, times: int, before: Work | None = None) -> float:
    """The median duration of `work` in milliseconds."""
    return (await in_turns({"": Call(work=work, before=before, times=times)}))[""]


async def _duration(call: Call) -> float:
    if call.before is not None:
        await call.before()
    started = time.perf_counter()
    await call.work()
    return (time.perf_counter() - started) * 1000


@asynccontextmanager
async def statements_alone(database: Database, work: Work, *, undo: Work) -> AsyncGenerator[Work]:
    """What `work` sends, as a call of its own by the bare driver: the server's part.

    It goes in a transaction that is rolled back, on one connection, with statements that are prepared. `undo`
    makes room for `work` to be done again.
    """
    sent: list[tuple[str, Sequence[Any]]] = []
    stop = listen(lambda statement, arguments: sent.append((statement, arguments)))
    await work()
    stop()
    await undo()
    async with database.engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        prepared = [(await driver.prepare(statement), arguments) for statement, arguments in sent]

        async def run() -> None:
            transaction = driver.transaction()
            await transaction.start()
            for statement, arguments in prepared:
                await statement.fetch(*arguments)
            await transaction.rollback()

        yield run


def show(figures: list[Figure]) -> None:
    """The table, as it stands in the README's words: ours, theirs, the ratio."""
    print(f"\n{'job':<52}{'size':>12}{'ours':>13}{'theirs':>13}{'ratio':>9}  expected")
    for one in figures:
        ratio = _ratio(one)
        theirs = "" if one.theirs is None else _number(one.theirs, one.unit)
        verdict = "" if one.ok is None else ("met: " if one.ok else "MISSED: ")
        print(
            f"{one.job:<52}{one.size:>12}{_number(one.ours, one.unit):>13}{theirs:>13}"
            f"{_times(ratio):>9}  {verdict}{one.expect}{_told(one.latency, one.their_latency)}"
        )


def keep(figures: list[Figure], seconds: float) -> Path:
    """Write the figures with the commit and the machine to bench/results/."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    document = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip() or None,
        "machine": {
            "cores": os.cpu_count(),
            "architecture": platform.machine(),
            "python": platform.python_version(),
            "system": platform.system(),
        },
        "seconds": round(seconds),
        "figures": [{**asdict(one), "ratio": _ratio(one)} for one in figures],
    }
    file = Path(__file__).parent / "results" / "latest.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(document, indent=1) + "\n")
    return file


def _ratio(one: Figure) -> float | None:
    """How many times better ours is: of rates ours over theirs, of all else theirs over ours."""
    if not one.theirs or not one.ours:
        return None
    return one.ours / one.theirs if one.unit == "/s" else one.theirs / one.ours


def _told(mine: Latency | None, theirs: Latency | None) -> str:
    if mine is None or theirs is None:
        return ""
    p50, p99 = (
        f"{ours:.1f} / {other:.1f}" for ours, other in ((mine.p50, theirs.p50), (mine.p99, theirs.p99))
    )
    return f"p50 {p50}, p99 {p99} ms  "


def _times(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return f"{ratio:,.0f}×" if ratio >= 100 else f"{ratio:.3g}×"


def _number(value: float, unit: str) -> str:
    return f"{value:,.0f}{unit}" if unit == "/s" else f"{value:,.1f} {unit}"

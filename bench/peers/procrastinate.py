"""procrastinate with a job that does nothing: `python -m bench.peers.procrastinate`, once for each worker.

With its own pool of psycopg, as many connections as jobs at once and one to listen; it takes and acknowledges
one job at a time, and keeps them.
"""

from __future__ import annotations

import asyncio
import logging
import os

import uvloop
from procrastinate import App, PsycopgConnector

from bench.processes import wait_for_start

LEFT = "SELECT FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
AT_ONCE = 10
_IN_A_STATEMENT = 1000


def _app(url: str) -> App:
    return App(connector=PsycopgConnector(conninfo=url, min_size=AT_ONCE + 1, max_size=AT_ONCE + 1))


async def create(url: str) -> None:
    async with _app(url).open_async() as app:
        await app.schema_manager.apply_schema_async()


async def fill(url: str, number: int) -> None:
    async with _app(url).open_async() as app:
        nothing = app.configure_task("nothing")
        for first in range(0, number, _IN_A_STATEMENT):
            await nothing.batch_defer_async(*[{} for _ in range(first, min(number, first + _IN_A_STATEMENT))])


async def work(url: str) -> None:
    app = _app(url)

    @app.task(name="nothing")
    async def nothing() -> None: ...

    async with app.open_async():
        wait_for_start()
        await app.run_worker_async(concurrency=AT_ONCE)


if __name__ == "__main__":
    logging.disable()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work(os.environ["BENCH_URL"]))

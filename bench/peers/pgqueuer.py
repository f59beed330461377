"""pgqueuer with a job that does nothing: `python -m bench.peers.pgqueuer`, once for each worker.

As its guide to performance has it: one connection of asyncpg a worker, tables that are logged, its settings
for autovacuum, and larger batches for short jobs. It acknowledges a batch at once, and moves jobs to a log.
"""

from __future__ import annotations

import asyncio
import logging
import os

import asyncpg
import uvloop
from pgqueuer import PgQueuer, Queries

from bench.processes import wait_for_start

LEFT = "SELECT FROM pgqueuer"
BATCH = 100  # the fastest of 10, 25 and 100
_NAME = "nothing"


async def create(url: str) -> None:
    connection = await asyncpg.connect(url)
    queries = Queries.from_asyncpg_connection(connection)
    await queries.install()
    await queries.optimize_autovacuum()
    await connection.close()


async def fill(url: str, number: int) -> None:
    connection = await asyncpg.connect(url)
    queries = Queries.from_asyncpg_connection(connection)
    await queries.enqueue([_NAME] * number, [None] * number, [0] * number)
    await connection.close()


async def work(url: str) -> None:
    queue = PgQueuer.from_asyncpg_connection(await asyncpg.connect(url))

    @queue.entrypoint(_NAME)
    async def nothing(_job: object) -> None: ...

    wait_for_start()
    await queue.run(batch_size=BATCH)


if __name__ == "__main__":
    logging.disable()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work(os.environ["BENCH_URL"]))

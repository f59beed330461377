"""A worker process of ours: `python -m bench.worker queue|notes|mail`, with the settings of `tidings worker`.

`queue` claims each job and acknowledges it; `notes` asks the inbox about each, "sends" it, and notes what was
answered; `mail` is `tidings worker` itself. All three are its own loop; but for the queue alone, which has as
many jobs in hand as pgqueuer is given, with its own defaults.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from uvicorn.loops.auto import auto_loop_factory

from bench.peers import pgqueuer
from bench.processes import wait_for_start
from tidings.cli import logs
from tidings.delivery import channels
from tidings.delivery.channels.contract import Answer, Channel, Letter, Outgoing, Sent
from tidings.delivery.pacing import UNLIMITED
from tidings.delivery.rules import Rules
from tidings.delivery.worker import AT_ONCE, Worker
from tidings.inbox import leaving
from tidings.inbox.leaving import Leaving
from tidings.settings import Settings
from tidings.storage.engine import Database
from tidings.storage.jobs import Reason
from tidings.storage.store import Store


class Nothing:
    """A channel that sends nothing and says that it was sent."""

    limits = UNLIMITED

    async def hosts(self, store: Store, reader_ids: Collection[UUID]) -> Mapping[UUID, str]:
        return {}

    async def prepare(self, store: Store, reader_id: UUID, letter: Letter) -> Outgoing:
        return Outgoing(address=str(reader_id), host="nowhere.example", content=letter)

    async def send(self, outgoing: Outgoing) -> Answer:
        return Sent(answer="250 taken")

    async def retire(self, store: Store, address: str) -> None: ...

    async def close(self) -> None: ...


class NothingGoes:
    """Rules that ask nothing, by which every job is done as soon as it is claimed."""

    async def decide(
        self, store: Store, reader_id: UUID, ids: Sequence[UUID], channel: str, *, in_digest: bool = False
    ) -> dict[UUID, Leaving]:
        return dict.fromkeys(ids, Leaving(reason=Reason.OFF))

    async def recipients(self, *_: object, **__: object) -> list[UUID]:
        return []

    async def quiet_now(self, *_: object) -> None: ...


def _parts(kind: str, settings: Settings) -> tuple[Rules, Mapping[str, Channel]]:
    if kind == "queue":
        return NothingGoes(), {}
    if kind == "notes":
        return leaving, {"email": Nothing()}
    return leaving, channels.of_settings(settings)


async def work(kind: str, settings: Settings) -> None:
    database = Database(settings.database_url, pool_size=settings.pool_size)
    worker = Worker(database, *_parts(kind, settings), at_once=pgqueuer.BATCH if kind == "queue" else AT_ONCE)
    async with database.read() as store:
        await store.now()  # there is a connection
    wait_for_start()
    await worker.run()


if __name__ == "__main__":
    chosen = Settings()
    logs.configure(chosen)
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(work(sys.argv[1], chosen))

"""kill -9 of workers in the middle of their work: each mail arrives, and what comes twice bears one id."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from mailbox import Maildir
from pathlib import Path

from tests.conftest import MovingClock, Run
from tests.web import SECRET, Web
from tidings.delivery.worker import AT_ONCE
from tidings.demo import mail
from tidings.inbox.append import append
from tidings.inbox.catalog import put_event
from tidings.model import Draft, Severity
from tidings.storage.engine import Database
from tidings.storage.jobs import JobStatus

MEMBERS, SENT = 60, 10
WORKERS, KILLS = 2, 12
PATIENCE = 120
LEASE_SECONDS = 2
SEED = 20261127

# A minute's lease would have the test wait for minutes; nothing else is another than in `tidings worker`.
PROGRAM = f"""
from datetime import timedelta
from tidings.delivery import worker
worker.LEASE = timedelta(seconds={LEASE_SECONDS})
worker._RENEWED_AFTER = worker.LEASE / 3
from tidings.cli.main import app
app()
"""


def start(url: str, smtp_port: int, log: Path) -> subprocess.Popen[bytes]:
    settings = {
        "TIDINGS_DATABASE_URL": url,
        "TIDINGS_SECRET": SECRET,
        "TIDINGS_SMTP_URL": f"smtp://{mail.HOST}:{smtp_port}",
        "TIDINGS_MAIL_FROM": "inbox@acme.example",
        "TIDINGS_PUBLIC_URL": "https://inbox.acme.example",
    }
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "worker"],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **settings},
        )


def test_workers_that_are_killed_lose_no_mail(
    run: Run,
    postgres_url: str,
    clock: MovingClock,
    tmp_path: Path,
    tell: Callable[[str], None],
) -> None:
    chance = random.Random(SEED)
    database = Database(postgres_url, channels=("email",))
    web = Web(run, database, clock)
    web.write(
        lambda store: put_event(
            store, "invoice_paid", topic="billing", severity=Severity.INFO, channels={"email": True}
        )
    )
    business = web.business()
    members = {web.user(business, email=f"user{number}@example.org") for number in range(MEMBERS)}

    def left() -> Counter[JobStatus]:
        async def counted() -> Counter[JobStatus]:
            async with database.read() as store:
                return Counter(one.status for one in await store.jobs.newest((), None, None, 10_000))

        return run(counted())

    with ExitStack() as stack:
        outbox = tmp_path / "outbox"
        port = stack.enter_context(mail.caught(outbox))
        arrived = Maildir(outbox)
        workers = [start(postgres_url, port, tmp_path / f"worker{n}") for n in range(WORKERS)]
        stack.callback(lambda: [(one.kill(), one.wait()) for one in workers])
        drafts = [Draft(to=business, event="invoice_paid", title=f"No. {n}") for n in range(SENT)]
        ids = web.write(lambda store: append(store, drafts))

        killed = 0
        last = time.monotonic() + PATIENCE
        while True:
            if killed < KILLS and len(list(arrived.iterkeys())) >= killed * MEMBERS * SENT // (KILLS + 2):
                time.sleep(chance.uniform(0, 0.05))
                victim = chance.randrange(WORKERS)
                workers[victim].send_signal(signal.SIGKILL)
                workers[victim].wait()
                killed += 1
                workers[victim] = start(postgres_url, port, tmp_path / f"worker{victim}")
            statuses = left()
            if killed == KILLS and statuses == {JobStatus.COMPLETED: (MEMBERS + 1) * SENT}:
                break
            assert time.monotonic() < last, (killed, statuses, (tmp_path / "worker0").read_text()[-2000:])
            time.sleep(0.05)

        wanted = {f"<{id_.hex}.{member.hex}@acme.example>" for id_ in ids for member in members}
        came = Counter(message["Message-ID"] for message in arrived)
    run(database.dispose())

    assert set(came) == wanted
    twice = sum(came.values()) - len(wanted)
    assert twice <= KILLS * AT_ONCE  # no more than was under way
    tell(f"{len(wanted)} mails under {KILLS} kills of {WORKERS} workers: all arrived, {twice} of them twice")

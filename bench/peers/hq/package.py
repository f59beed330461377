"""The package's users, and how they ask; nothing of Django is imported here."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx2
from tests.servers import Postgres

from bench import processes
from bench.asking import Side, get
from bench.measure import Work
from bench.processes import ROOT


class Package:
    """django-notifications-hq, with as many users who have as much unread."""

    _TELL = """
    INSERT INTO notifications_notification
        (level, recipient_id, unread, actor_content_type_id, actor_object_id, verb, description, timestamp,
         public, deleted, emailed, data)
    SELECT DISTINCT ON (recipient_id) level, recipient_id, true, actor_content_type_id, actor_object_id, verb,
        description, now(), public, deleted, emailed, data
    FROM notifications_notification
    """

    def __init__(self, environment: Mapping[str, str], connection: Any, people: Sequence[Any]) -> None:
        self._environment, self.connection = environment, connection
        self._sessions = [session for _, session in people]
        self.port = 0

    @classmethod
    async def made(cls, server: Postgres, name: str, count: int, each: int) -> Package:
        where = httpx2.URL(server.url(name)).params
        environment = {
            "DJANGO_SETTINGS_MODULE": "bench.peers.hq.settings",
            "HQ_HOST": where["host"],
            "HQ_PORT": where["port"],
            "HQ_DATABASE": name,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bench.peers.hq.prepare",
            str(count),
            str(each),
            stdout=subprocess.PIPE,
            env={**os.environ, **environment},
            cwd=ROOT,
        )
        printed, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError("django-notifications-hq could not be prepared; see above.")
        made = cls(environment, await server.connect(name), json.loads(printed))
        await made._vacuum()
        return made

    def served(self, log: Path) -> AbstractContextManager[int]:
        port = processes.free_port()
        command = ["gunicorn", "--workers=2", "--worker-class=sync", f"--bind=127.0.0.1:{port}"]
        return processes.served([*command, "bench.peers.hq.wsgi:application"], port, log, self._environment)

    def side(self, view: str, **others: Any) -> Side:
        requests = [get(f"/notifications/{view}", Cookie=f"sessionid={key}") for key in self._sessions]
        return Side(port=self.port, requests=requests, **others)

    def mark_all(self, before: Work | None) -> Side:
        return self.side("mark-all-as-read/", status=302, before=before, after=self._all_are_read)

    async def unmark(self) -> None:
        await self.connection.execute("UPDATE notifications_notification SET unread = true WHERE NOT unread")
        await self._vacuum()

    async def tell(self) -> None:
        """Another notification for each user."""
        await self.connection.execute(self._TELL)
        await self._vacuum()

    async def _all_are_read(self) -> None:
        if await self.connection.fetchval("SELECT count(*) FROM notifications_notification WHERE unread"):
            raise RuntimeError("What was marked as read is not.")

    async def _vacuum(self) -> None:
        await self.connection.execute("VACUUM ANALYZE")

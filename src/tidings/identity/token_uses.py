"""Who presents an API token, and when each token was used last."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from tidings.identity.tokens import presented_by_reader, presented_token
from tidings.storage.credentials import PresentedToken
from tidings.storage.engine import Database
from tidings.storage.readable import Readings
from tidings.storage.store import Store

EVERY = timedelta(minutes=1)
"""How often the use of a token is written at most."""

_AT_ONCE = 100  # rows in a transaction: SQLite's other writers have their turn in between


class TokenUses:
    """Authenticates by API token, and keeps in mind what was used until `write` is called.

    So no request writes, waits for a writer, or fails, because its token was used; all the uses of some
    seconds are one transaction. What is in mind when a process is killed is lost.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: dict[UUID, datetime] = {}

    async def user(self, presented: str) -> UUID:
        """Whose API token it is. Raises Unauthenticated, as presented_token does."""
        async with self._database.read() as store:
            token = await presented_token(store, presented)
        self._note(token)
        return token.user_id

    async def reader(self, store: Store, presented: str) -> tuple[UUID, Readings]:
        """The same, and what the user reads, in one statement."""
        token, readings = await presented_by_reader(store, presented)
        self._note(token)
        return token.user_id, readings

    def _note(self, token: PresentedToken) -> None:
        if token.last_used_at is None or token.at - token.last_used_at >= EVERY:
            self._noted[token.id] = token.at

    async def write(self) -> None:
        """Write what was noted. What cannot be written now stays noted, and the failure is raised."""
        noted, self._noted = self._noted, {}
        # In the order of their ids, so that two processes that write do not deadlock.
        waiting = sorted(noted.items())
        try:
            while waiting:
                await self._write(waiting[:_AT_ONCE])
                del waiting[:_AT_ONCE]
        finally:
            self._noted = dict(waiting) | self._noted

    async def _write(self, uses: list[tuple[UUID, datetime]]) -> None:
        async with self._database.begin() as store:
            for token_id, at in uses:
                await store.credentials.note_api_token_use(token_id, at, at - EVERY)

"""A request that writes: in one transaction, and once, however often it is sent with the same key."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from uuid import UUID

import orjson
from fastapi import Depends, Header, Request, Response
from fastapi.encoders import jsonable_encoder

from tidings.errors import IdempotencyMismatch
from tidings.storage.idempotency import First
from tidings.storage.store import Store
from tidings.surfaces.services import CurrentServices, Services

T = TypeVar("T")


def said_in(document: Any) -> bytes:
    """What makes it the same document, however its JSON is written: a SHA-256."""
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).digest()


class Replayed(Exception):
    """The request came before; this is what it was answered."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.status, self.body = status, body


@dataclass(frozen=True, kw_only=True)
class _Write:
    """What a handler writes with."""

    request: Request
    response: Response
    services: Services
    key: str | None

    async def __call__(self, work: Callable[[Store], Awaitable[T]], *, secret: Sequence[str] = ()) -> T:
        """Do the work in a transaction; its result is the answer, and with a key is kept for 24 hours.

        The members of the answer that are `secret` are not kept: who asks again gets null for them. What
        raises leaves its key free. Raises Replayed, or IdempotencyMismatch for another request.
        """
        # Before the transaction: a body may be long in coming, and nobody should wait for it.
        said = b"" if self.key is None else await self._said()
        async with self.services.database.begin() as store:
            if self.key is None:
                return await work(store)
            now = await store.now()
            first = (await store.idempotency.claim(self.caller, {self.key: said}, now)).get(self.key)
            if first is not None and first.said != said:
                raise IdempotencyMismatch
            if first is not None:
                raise Replayed(first.answer["status"], first.answer["body"])
            done = await work(store)
            body = jsonable_encoder(done)
            answer = {"status": self._status(), "body": body and body | dict.fromkeys(secret)}
            firsts = {self.key: First(said=said, answer=answer)}
            await store.idempotency.remember(self.caller, firsts, now)
            return done

    @property
    def caller(self) -> UUID:
        """Whose request it is, and whose keys count."""
        return self.request.state.caller

    async def _said(self) -> bytes:
        """What makes it the same request: a JSON body may be written differently.

        Signed, for a body may have a password in it, which a bare hash would let others guess.
        """
        url, body = self.request.url, await self.request.body()
        where = [self.request.method, url.path, url.query]
        try:
            said = said_in([*where, orjson.loads(body) if body else None])
        except (ValueError, TypeError):  # what is no JSON, or too deep, stands where nobody looks: as it is
            said = said_in([*where, hashlib.sha256(body).hexdigest()])
        return hmac.digest(self.services.secret, b"idempotency\0" + said, "sha256")

    def _status(self) -> int:
        """What the answer will have: as the handler said, or as its route does."""
        return self.response.status_code or self.request.scope["route"].status_code or 200


async def _write(
    request: Request,
    response: Response,
    services: CurrentServices,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=255,
            pattern=r"^[\x20-\x7e]+$",
            description="The same key and request within 24 hours: the first answer again.",
        ),
    ] = None,
) -> _Write:
    return _Write(request=request, response=response, services=services, key=idempotency_key)


Write = Annotated[_Write, Depends(_write)]

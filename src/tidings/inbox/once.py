"""Sending what may come again, with each message known by a key of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tidings.errors import IdempotencyMismatch
from tidings.inbox.scheduling import send
from tidings.model import Draft
from tidings.storage.idempotency import First
from tidings.storage.store import Store


@dataclass(frozen=True, kw_only=True)
class Message:
    """What is sent once under its key, or each time without one."""

    drafts: Sequence[Draft]
    key: str | None = None
    said: bytes = b""  # SHA-256 of what makes it the same message
    named: Mapping[str, Any] = field(default_factory=dict[str, Any])  # how a refusal tells which it was


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What became of a message."""

    ids: Sequence[UUID]
    again: bool  # it had been sent before, and these are the ids of then


async def send_once(store: Store, scope: UUID, messages: Sequence[Message]) -> list[Sent]:
    """Send what was not sent before under its key, all or nothing; the keys are the scope's own.

    Raises IdempotencyMismatch for a key under which something else was said within 24 hours, or is said in
    these messages; and what send raises.
    """
    said = _said(messages)
    now = await store.now()
    before = await store.idempotency.claim(scope, said, now)
    for message in messages:
        if message.key in before and before[message.key].said != message.said:
            raise _mismatch(message)
    new = _firsts(messages, before)
    ids = iter(await send(store, [draft for index in new for draft in messages[index].drafts]))
    sent = {index: [next(ids) for _ in messages[index].drafts] for index in new}
    by_key = {key: sent[index] for index in new if (key := messages[index].key) is not None}
    answers = {key: First(said=said[key], answer=[str(id_) for id_ in ids_]) for key, ids_ in by_key.items()}
    await store.idempotency.remember(scope, answers, now)
    known = {key: [UUID(id_) for id_ in first.answer] for key, first in before.items()} | by_key
    return [
        Sent(ids=sent[index], again=False)
        if index in sent
        else Sent(ids=known[message.key or ""], again=True)
        for index, message in enumerate(messages)
    ]


def _said(messages: Sequence[Message]) -> dict[str, bytes]:
    """What is said under each key; raises IdempotencyMismatch for two things under one."""
    said: dict[str, bytes] = {}
    for message in messages:
        if message.key is not None and said.setdefault(message.key, message.said) != message.said:
            raise _mismatch(message)
    return said


def _firsts(messages: Sequence[Message], before: Mapping[str, Any]) -> list[int]:
    """The places of the messages that are to be sent: those without a key, and of each new key the first."""
    taken = set(before)
    firsts: list[int] = []
    for index, message in enumerate(messages):
        if message.key is None or message.key not in taken:
            firsts.append(index)
        if message.key is not None:
            taken.add(message.key)
    return firsts


def _mismatch(message: Message) -> IdempotencyMismatch:
    told = " and ".join(f"{name} {value!r}" for name, value in message.named.items())
    return IdempotencyMismatch(f"{told} came before with other content.", **message.named)

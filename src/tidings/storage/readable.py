"""What a user reads: found by the user, or by an API token of theirs together with the token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from tidings.model import AccountStatus, Audience
from tidings.storage.connection import Connection, Row, clock_column
from tidings.storage.credentials import PresentedToken
from tidings.storage.dialects import Instant, Query
from tidings.storage.reachable import READER_ID
from tidings.storage.tables import account, api_token, event, membership, preference

_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "stream_id": sa.Uuid(),
    "audience": sa.String(),
    "number": sa.Integer(),
    "clock": Instant(),
}
_TOKEN_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "token_id": sa.Uuid(),
    "user_id": sa.Uuid(),
    "expires_at": Instant(),
    "last_used_at": Instant(),
    "status": sa.String(),
}
_AUDIENCES = {audience.value: audience for audience in Audience}
_HASH: sa.BindParameter[Any] = sa.bindparam("hash", type_=sa.LargeBinary())


@dataclass(frozen=True, kw_only=True)
class Readings:
    """The streams that a user is a member of, and what of them is out of sight, at a moment."""

    streams: Mapping[UUID, Audience]
    off: frozenset[int]  # catalog numbers of the events whose in-app channel is off
    at: datetime


class Readable:
    """Who reads what."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def of_user(self, user_id: UUID) -> Readings:
        """What the user is a member of, and which events they switched off.

        A topic that is off takes its events with it. Else what was chosen for the event decides; else what
        was chosen for its topic; else the event's default. Critical events are never off.
        """
        statement = _of_user(self._connection.dialect)
        return self._readings(await self._connection.all(statement, {"reader_id": user_id}))

    async def of_token(self, hash_: bytes) -> tuple[PresentedToken, Readings] | None:
        """The API token with this hash, and what its user reads; None where it is revoked or expired."""
        rows = await self._connection.all(_of_token(self._connection.dialect), {"hash": hash_})
        row = next((row for row in rows if row.token_id is not None), None)
        if row is None:
            return None
        found = self._readings(rows)
        if row.expires_at and row.expires_at <= found.at:
            return None
        token = PresentedToken(
            id=row.token_id,
            user_id=row.user_id,
            status=AccountStatus(row.status),
            last_used_at=row.last_used_at,
            at=found.at,
        )
        return token, found

    def _readings(self, rows: Sequence[Row]) -> Readings:
        streams: dict[UUID, Audience] = {}
        off: set[int] = set()
        at: datetime | None = None
        for stream_id, audience, number, clock, *_ in rows:
            if stream_id is not None:
                streams[stream_id] = _AUDIENCES[audience]
            elif number is not None:
                off.add(number)
            at = at or clock
        return Readings(streams=streams, off=frozenset(off), at=self._connection.told(at))


@lru_cache
def _of_user(dialect: str) -> sa.Executable:
    """Memberships, events that are off, and a row with the clock: three lists that share their columns."""
    clock = _list(_COLUMNS, clock=clock_column(dialect))
    return sa.union_all(*_joined_and_off(_COLUMNS, READER_ID), clock)


@lru_cache
def _of_token(dialect: str) -> sa.Executable:
    """The same, and with the clock stands the token. A token that is unknown or revoked has no user."""
    columns = _COLUMNS | _TOKEN_COLUMNS
    named = [api_token.c[name] for name in ("token_id", "user_id", "expires_at", "last_used_at")]
    presented = (
        sa.select(*named, account.c.status)
        .join_from(api_token, account, account.c.user_id == api_token.c.user_id)
        .where(api_token.c.hash == _HASH, api_token.c.revoked_at.is_(None))
        .cte("presented")
        .prefix_with("MATERIALIZED")  # else it is looked up for each of the lists
    )
    user_id = sa.select(presented.c.user_id).scalar_subquery()
    there = {name: presented.c[name] for name in _TOKEN_COLUMNS}
    token = _list(columns, clock=clock_column(dialect), **there).select_from(presented)
    return sa.union_all(*_joined_and_off(columns, user_id), token)


def _joined_and_off(columns: Mapping[str, Any], user_id: sa.ColumnElement[Any]) -> list[Query]:
    of_event, of_topic = preference.alias("of_event"), preference.alias("of_topic")
    on = sa.func.coalesce(of_event.c.enabled, of_topic.c.enabled, event.c.in_app)
    joined = _list(columns, stream_id=membership.c.stream_id, audience=membership.c.audience)
    off = (
        _list(columns, number=event.c.number)
        .select_from(event)
        .outerjoin(of_event, _chosen(of_event, user_id, "event", event.c.event))
        .outerjoin(of_topic, _chosen(of_topic, user_id, "topic", event.c.topic))
        .where(event.c.critical.is_(False), sa.or_(of_topic.c.enabled.is_(False), on.is_(False)))
    )
    return [joined.where(membership.c.user_id == user_id), off]


def _list(columns: Mapping[str, Any], **there: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """The columns of which this list has `there`, and nothing of the others."""
    nothing = {name: sa.cast(sa.null(), kind) for name, kind in columns.items()}
    return sa.select(*[one.label(name) for name, one in (nothing | there).items()])


def _chosen(
    chosen: sa.FromClause, user_id: sa.ColumnElement[Any], subject: str, key: sa.Column[Any]
) -> sa.ColumnElement[bool]:
    """The row of `chosen` (a preference) in which the user chose the in-app channel of this subject."""
    return sa.and_(
        chosen.c.reader_id == user_id,
        chosen.c.subject == subject,
        chosen.c.key == key,
        chosen.c.channel == "in_app",
    )

"""Live alerts, keyed by their business's stream, and who dismissed which, keyed by the reader."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from tidings.model import Alert, LiveAlert, Severity, Turn
from tidings.storage.connection import Connection, Merge, Row
from tidings.storage.dialects import Query, among
from tidings.storage.reachable import READER_ID
from tidings.storage.tables import alert, alert_dismissal

_SEVERITIES = tuple(Severity)
_DISMISSAL = ("episode", "op", "at", "by_filter")
_CONTENT = ("kind", "severity", "title", "body", "data")


@dataclass(frozen=True, kw_only=True)
class Dismissal:
    """That an operation of a reader dismissed an episode."""

    business_id: UUID
    episode: UUID
    at: datetime


class Alerts:
    """The conditions that hold now."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def put(self, new: Alert) -> Alert:
        """Raise the alert, or where it is raised already change what it says: as it is then."""
        row = {
            "stream_id": new.business_id,
            "alert_id": new.id,
            "episode": new.episode,
            "kind": new.kind,
            "severity": new.severity.rank,
            "title": new.title,
            "body": new.body,
            "data": dict(new.data),
            "raised_at": new.raised_at,
            "updated_at": new.updated_at,
        }
        merge = dict.fromkeys(_CONTENT, Merge.TAKE) | {"updated_at": Merge.GREATEST}
        [there] = await self._connection.write(alert, [row], merge=merge, returning=list(row))
        return _alert(there)

    async def clear(self, business_id: UUID, alert_id: str) -> bool:
        """End the alert's episode; whether there was one."""
        this = sa.and_(alert.c.stream_id == business_id, alert.c.alert_id == alert_id)
        return await self._connection.execute(sa.delete(alert).where(this)) == 1

    async def held(
        self, reader_id: UUID, businesses: Collection[UUID], alert_id: str | None = None
    ) -> list[LiveAlert]:
        """What these businesses have raised, or of that only one id, as the reader has it; newest first."""
        if not businesses:
            return []
        values: dict[str, Any] = {"reader_id": reader_id, "streams": sorted(businesses)}
        if alert_id is not None:
            values["alert_id"] = alert_id
        statement = _held(self._connection.dialect, alert_id is not None)
        rows = await self._connection.all(statement, values)
        return [LiveAlert(alert=_alert(row), dismissed_at=row.dismissed_at) for row in rows]

    # --- dismissals ---------------------------------------------------------------------------------------

    async def dismiss(self, turn: Turn, alerts: Sequence[Alert], *, by_filter: bool) -> None:
        """Note that the operation dismissed these episodes; what was noted of earlier ones is replaced."""
        rows = [
            {
                "reader_id": turn.reader.id,
                "stream_id": one.business_id,
                "alert_id": one.id,
                "episode": one.episode,
                "op": turn.op,
                "at": turn.at,
                "by_filter": by_filter,
            }
            for one in alerts
        ]
        await self._connection.write(alert_dismissal, rows, merge=dict.fromkeys(_DISMISSAL, Merge.TAKE))

    async def forget_ended(self, reader_id: UUID, businesses: Collection[UUID], before: datetime) -> None:
        """Forget the reader's earlier dismissals of what these businesses no longer have raised."""
        streams = sorted(businesses)
        lasting = await self._connection.all(sa.select(alert.c.episode).where(alert.c.stream_id.in_(streams)))
        await self._connection.execute(
            sa.delete(alert_dismissal).where(
                alert_dismissal.c.reader_id == reader_id,
                alert_dismissal.c.stream_id.in_(streams),
                alert_dismissal.c.at < before,
                alert_dismissal.c.episode.not_in([row.episode for row in lasting]),
            )
        )

    async def dismissed_by(self, reader_id: UUID, op: int) -> list[Dismissal]:
        """The episodes that operation `op` dismissed."""
        found = sa.select(alert_dismissal.c.stream_id, alert_dismissal.c.episode, alert_dismissal.c.at).where(
            alert_dismissal.c.reader_id == reader_id, alert_dismissal.c.op == op
        )
        return [
            Dismissal(business_id=row.stream_id, episode=row.episode, at=row.at)
            for row in await self._connection.all(found)
        ]

    async def dismissed_after(self, reader_id: UUID, op: int) -> bool:
        """Whether a dismissal by a later bulk operation stands."""
        later = (
            sa.select(alert_dismissal.c.op)
            .where(alert_dismissal.c.reader_id == reader_id, alert_dismissal.c.op > op)
            .where(alert_dismissal.c.by_filter)
            .limit(1)
        )
        return await self._connection.scalar(later) is not None

    async def forget_dismissals(self, reader_id: UUID, op: int) -> None:
        """Take back what operation `op` dismissed."""
        mine = sa.and_(alert_dismissal.c.reader_id == reader_id, alert_dismissal.c.op == op)
        await self._connection.execute(sa.delete(alert_dismissal).where(mine))


@lru_cache
def _held(dialect: str, one: bool) -> Query:
    alert_id = sa.bindparam("alert_id", type_=sa.Text())
    dismissed = (
        sa.select(
            alert_dismissal.c.stream_id,
            alert_dismissal.c.alert_id,
            alert_dismissal.c.episode,
            alert_dismissal.c.at,
        )
        .where(alert_dismissal.c.reader_id == READER_ID)
        .where(among(dialect, alert_dismissal.c.stream_id, "streams"))
    )
    if one:
        dismissed = dismissed.where(alert_dismissal.c.alert_id == alert_id)
    mine = dismissed.cte("mine").prefix_with("MATERIALIZED")
    same = sa.and_(*[alert.c[name] == mine.c[name] for name in ("stream_id", "alert_id", "episode")])
    statement = (
        sa.select(alert, mine.c.at.label("dismissed_at"))
        .outerjoin(mine, same)
        .where(among(dialect, alert.c.stream_id, "streams"))
        .order_by(alert.c.raised_at.desc(), alert.c.episode.desc())
    )
    if one:
        statement = statement.where(alert.c.alert_id == alert_id)
    return statement


def _alert(row: Row) -> Alert:
    return Alert(
        id=row.alert_id,
        business_id=row.stream_id,
        episode=row.episode,
        kind=row.kind,
        severity=_SEVERITIES[int(row.severity)],
        title=row.title,
        body=row.body,
        data=row.data,
        raised_at=row.raised_at,
        updated_at=row.updated_at,
    )

"""What mails say, as operators wrote it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache

import sqlalchemy as sa

from tidings.storage.connection import Connection, Merge, Row
from tidings.storage.dialects import among
from tidings.storage.tables import template

_KEY = ("event", "locale")


@dataclass(frozen=True, kw_only=True)
class MailTemplate:
    """What the mails of an event say in a locale; how it is read, see tidings.delivery.mail_templates."""

    event: str  # its key; "" for every event
    locale: str  # in lower case, with hyphens; "" for every locale
    subject: str
    body: str
    words: Mapping[str, str]
    layout: str | None  # None: the default one
    html: str | None  # what the layout was compiled to
    updated_at: datetime


class Templates:
    """One at most for an event and a locale."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def put(self, written: MailTemplate) -> None:
        """Keep it, in the place of what was there."""
        row = asdict(written)
        merge = {name: Merge.TAKE for name in row if name not in _KEY}
        await self._connection.write(template, [row], merge=merge)

    async def find(self, event: str, locale: str) -> MailTemplate | None:
        row = await self._connection.first(sa.select(template).where(_is(event, locale)))
        return None if row is None else _template(row)

    async def locales(self, event: str) -> dict[str, datetime]:
        """Those in which the event has one of its own, in their order, and when it was written."""
        mine = template.c.event == event
        rows = await self._connection.all(sa.select(template.c.locale, template.c.updated_at).where(mine))
        # Here, for no two databases put letters and hyphens in the same order.
        return {row.locale: row.updated_at for row in sorted(rows)}

    async def candidates(self, event: str, locales: Collection[str]) -> list[MailTemplate]:
        """Those of the event, and those for every event, in any of these locales; in no order."""
        rows = await self._connection.all(
            _candidates(self._connection.dialect), {"events": [event, ""], "locales": sorted(locales)}
        )
        return [_template(row) for row in rows]

    async def remove(self, event: str, locale: str) -> bool:
        """Whether there was one."""
        return await self._connection.execute(sa.delete(template).where(_is(event, locale))) == 1


@lru_cache
def _candidates(dialect: str) -> sa.Executable:
    """Asked for each mail, so built once."""
    return sa.select(template).where(
        among(dialect, template.c.event, "events"), among(dialect, template.c.locale, "locales")
    )


def _is(event: str, locale: str) -> sa.ColumnElement[bool]:
    return sa.and_(template.c.event == event, template.c.locale == locale)


def _template(row: Row) -> MailTemplate:
    return MailTemplate(
        event=row.event,
        locale=row.locale,
        subject=row.subject,
        body=row.body,
        words=row.words,
        layout=row.layout,
        html=row.html,
        updated_at=row.updated_at,
    )

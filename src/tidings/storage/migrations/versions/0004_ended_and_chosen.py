"""Lanes note up to where there are endings, and suppressions what their user had chosen.

Revision: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tidings.storage.dialects import Json

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NONE = sa.text("0")
_lane, _ending = (
    sa.table(name, sa.column("stream_id"), sa.column("lane"), sa.column(position))
    for name, position in (("lane", "ended"), ("ending", "position"))
)


def upgrade() -> None:
    op.add_column("lane", sa.Column("ended", sa.BigInteger, nullable=False, server_default=_NONE))
    highest = (
        sa.select(sa.func.max(_ending.c.position))
        .where(_ending.c.stream_id == _lane.c.stream_id, _ending.c.lane == _lane.c.lane)
        .scalar_subquery()
    )
    op.execute(sa.update(_lane).values(ended=sa.func.coalesce(highest, 0)))
    with op.batch_alter_table("lane") as lane:  # every writer says what it is
        lane.alter_column("ended", server_default=None)
    op.add_column("suppression", sa.Column("chosen", Json))

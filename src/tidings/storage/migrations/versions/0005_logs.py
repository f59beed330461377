"""What is told to who follows: a stream's changes, all that operations did, and tickets to be told it.

Revision: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tidings.storage.dialects import Instant, Json

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("stream", sa.Column("changes", sa.BigInteger, nullable=False, server_default=sa.text("0")))
    with op.batch_alter_table("stream") as stream:  # every writer says what it is
        stream.alter_column("changes", server_default=None)
    op.create_table(
        "change",
        sa.Column("stream_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("lane", sa.Integer),
        sa.Column("position", sa.BigInteger),
        sa.Column("id", sa.Uuid),
        sa.Column("alert_id", sa.String(255)),
        sa.PrimaryKeyConstraint("stream_id", "number", name="pk_change"),
    )
    op.create_index("ix_change_at", "change", ["at"])
    op.create_table(
        "operation",
        sa.Column("reader_id", sa.Uuid, nullable=False),
        sa.Column("op", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("level", sa.SmallInteger),
        sa.Column("at", Instant, nullable=False),
        sa.Column("targets", Json, nullable=False),
        sa.PrimaryKeyConstraint("reader_id", "op", name="pk_operation"),
    )
    # Nobody followed: what these did is told as that there is something to look up again.
    op.execute(
        "INSERT INTO operation (reader_id, op, level, at, targets, kind) "
        "SELECT reader_id, op, level, at, targets, 'resync' FROM raised"
    )
    op.drop_table("raised")
    op.create_index("ix_operation_at", "operation", ["at"])
    op.create_table(
        "stream_ticket",
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("reader_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_stream_ticket"),
    )
    op.create_index("ix_stream_ticket_expires_at", "stream_ticket", ["expires_at"])

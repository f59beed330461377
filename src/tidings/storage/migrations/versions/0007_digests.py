"""What is told later and together, and how fast a channel may go.

Revision: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tidings.storage.dialects import Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("account", sa.Column("time_zone", sa.String(64)))
    op.add_column("event", sa.Column("digest", sa.String(16), nullable=False, server_default="at_once"))
    op.add_column("event", sa.Column("escalate_minutes", sa.Integer))
    op.add_column("job", sa.Column("digest", sa.Uuid))
    there = sa.text("digest IS NOT NULL")
    op.create_index("ix_job_digest", "job", ["digest"], postgresql_where=there, sqlite_where=there)
    op.create_table(
        "pace",
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("next_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("channel", "host", name="pk_pace"),
        postgresql_with={"fillfactor": 50},
    )

"""What carries notifications out of the inbox: jobs, and each try to send something.

Revision: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tidings.storage.dialects import Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The members of a stream are gone through in the order of their ids.
    op.drop_index("ix_membership_stream_id", "membership")
    op.create_index("ix_membership_stream_id", "membership", ["stream_id", "user_id"])
    op.create_table(
        "job",
        sa.Column("stream_id", sa.Uuid, nullable=False),
        sa.Column("notification_id", sa.Uuid, nullable=False),
        sa.Column("reader_id", sa.Uuid, nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("job_id", sa.Uuid, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("priority", sa.SmallInteger, nullable=False),
        sa.Column("run_at", Instant),
        sa.Column("claims", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("reason", sa.String(32)),
        sa.Column("reached", sa.BigInteger),
        sa.Column("after", sa.Uuid),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("finished_at", Instant),
        sa.PrimaryKeyConstraint("stream_id", "notification_id", "reader_id", "channel", name="pk_job"),
        postgresql_with={"fillfactor": 50},
    )
    op.create_index("ix_job_job_id", "job", ["job_id"])
    op.create_index("ix_job_notification_id", "job", ["notification_id"])
    for name, columns, first in (
        ("ix_job_due", ["priority", "run_at"], "run_at"),
        ("ix_job_finished_at", ["finished_at"], "finished_at"),
    ):
        there = sa.text(f"{first} IS NOT NULL")
        op.create_index(name, "job", columns, postgresql_where=there, sqlite_where=there)
    op.create_table(
        "attempt",
        sa.Column("stream_id", sa.Uuid, nullable=False),
        sa.Column("job_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("milliseconds", sa.Integer, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("stream_id", "job_id", "number", name="pk_attempt"),
    )
